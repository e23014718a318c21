//! The calls that are over and the messages, as they lie in the vault: a sealed file for each segment, of which one
//! is written with each change. Without a vault they are kept as long as the process lasts.

use crate::{Vault, VaultError, clock};
use sidetone_phone::{
    CallRecord, Change, Cursor, HistoryFilter, HistoryPage, Ledger, MessageId, MessagePage,
    MessageState, Record, Segment, TextMessage,
};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::spawn_blocking;

/// The calls that are over.
pub type CallHistory = Store<CallRecord>;
/// The messages that came in and were sent.
pub type Messages = Store<TextMessage>;

/// Records of one kind. They are read from the disk when somebody first asks for them, or when the first one is kept: a
/// phone that was woken for a call does not wait for them.
#[derive(Debug)]
pub struct Store<R: Record> {
    vault: Option<Arc<Vault>>,
    ledger: Mutex<Option<Ledger<R>>>,
}

/// What is kept for one account.
#[derive(Debug, Clone)]
pub struct Stores {
    /// The calls that are over.
    pub history: Arc<CallHistory>,
    /// The messages.
    pub messages: Arc<Messages>,
}

impl Stores {
    /// The stores in this vault. A vault that is open has one of each, for they remember what is in it.
    pub fn new(vault: Option<&Arc<Vault>>) -> Self {
        Self { history: Store::new(vault.cloned()), messages: Store::new(vault.cloned()) }
    }
}

impl CallHistory {
    /// Some of the calls, latest first.
    ///
    /// # Errors
    /// What is stored cannot be read.
    pub async fn page(
        self: &Arc<Self>,
        filter: HistoryFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<HistoryPage, VaultError> {
        self.with(move |_, history| Ok(history.page(&filter, after, limit))).await
    }
}

impl Messages {
    /// The messages, latest first: those before this one, or the last; at most 200.
    ///
    /// # Errors
    /// What is stored cannot be read.
    pub async fn page(
        self: &Arc<Self>,
        before: Option<MessageId>,
        limit: usize,
    ) -> Result<MessagePage, VaultError> {
        self.with(move |_, log| Ok(log.page(before, limit))).await
    }

    /// This has become of a message. When this returns it is on the disk.
    ///
    /// # Errors
    /// It is not, and is known as long as the process lasts.
    pub(crate) async fn mark(
        self: &Arc<Self>,
        id: MessageId,
        state: MessageState,
    ) -> Result<(), VaultError> {
        self.with(move |vault, log| store(vault, log.mark(id, state))).await
    }
}

impl<R: Record + 'static> Store<R> {
    fn new(vault: Option<Arc<Vault>>) -> Arc<Self> {
        Arc::new(Self { vault, ledger: Mutex::new(None) })
    }

    /// Forgets every record, on the disk too.
    ///
    /// # Errors
    /// Something is still there; what is shown is empty all the same.
    pub async fn clear(self: &Arc<Self>) -> Result<u64, VaultError> {
        self.with(|vault, ledger| {
            let changes = ledger.clear();
            store(vault, changes).map(|()| ledger.revision())
        })
        .await
    }

    /// Keeps a record. When this returns it is on the disk.
    ///
    /// # Errors
    /// It is not, and is known as long as the process lasts.
    pub(crate) async fn add(self: &Arc<Self>, record: R) -> Result<(), VaultError> {
        self.with(move |vault, ledger| store(vault, ledger.add(record, clock::now()))).await
    }

    /// Changes whenever the records do; 0 before they were read.
    pub(crate) fn revision(&self) -> u64 {
        self.lock().as_ref().map_or(0, Ledger::revision)
    }

    /// Works on the ledger, on a thread for what may block.
    async fn with<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(Option<&Vault>, &mut Ledger<R>) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let this = Arc::clone(self);
        let worked = spawn_blocking(move || {
            let mut ledger = this.lock();
            let vault = this.vault.as_deref();
            let ledger = match ledger.as_mut() {
                Some(ledger) => ledger,
                None => ledger.insert(load(vault)?),
            };
            work(vault, ledger)
        });
        worked.await.unwrap_or_else(|error| Err(failed::<R>("read", io::Error::other(error))))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Ledger<R>>> {
        // What a thread that panicked left is whole: the ledger changes before it is stored.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was stored. A segment that cannot be opened is left out: the others are worth having.
fn load<R: Record>(vault: Option<&Vault>) -> Result<Ledger<R>, VaultError> {
    let Some(vault) = vault else { return Ok(Ledger::default()) };
    let what = R::NAME;
    let mut segments = Vec::new();
    for slot in 0..Ledger::<R>::SLOTS {
        match vault.read(&name::<R>(slot)) {
            Ok(None) => {}
            Ok(Some(stored)) => match serde_json::from_slice::<Segment<R>>(&stored) {
                Ok(segment) => segments.push(segment),
                Err(error) => log::warn!("some of the {what} is of another version: {error}"),
            },
            Err(error @ (VaultError::Damaged(_) | VaultError::Newer(_))) => {
                log::warn!("some of the {what} is lost: {error}");
            }
            Err(error) => return Err(error),
        }
    }
    let (ledger, changes) = Ledger::restore(segments, clock::now());
    if let Err(error) = store(Some(vault), changes) {
        log::warn!("what is too old is not taken out of the {what}: {error}");
    }
    Ok(ledger)
}

fn store<R: Record>(vault: Option<&Vault>, changes: Vec<Change<R>>) -> Result<(), VaultError> {
    let Some(vault) = vault else { return Ok(()) };
    for change in changes {
        match change {
            Change::Write(slot, segment) => {
                let stored = serde_json::to_vec(&segment);
                let stored = stored.map_err(|e| failed::<R>("written", io::Error::other(e)))?;
                vault.write(&name::<R>(slot), &stored)?;
            }
            Change::Remove(slot) => vault.remove(&name::<R>(slot))?,
        }
    }
    Ok(())
}

fn name<R: Record>(slot: usize) -> String {
    format!("{}-{slot}", R::NAME)
}

fn failed<R: Record>(doing: &'static str, source: io::Error) -> VaultError {
    VaultError::File { doing, path: R::NAME.to_owned(), source }
}

#[cfg(test)]
mod tests;
