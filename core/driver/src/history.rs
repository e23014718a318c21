//! The calls that are over, as they lie in the vault: a sealed file for each segment, of which one is
//! written with each call. Without a vault they are kept as long as the process lasts.

use crate::{Vault, VaultError, clock};
use sidetone_phone::{
    CallRecord, Change, History, HistoryCursor, HistoryFilter, HistoryPage, Segment,
};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::spawn_blocking;

/// The calls that are over. It is read from the disk when somebody first asks for it, or when the first
/// call ends: a phone that was woken for a call does not wait for it.
#[derive(Debug)]
pub struct CallHistory {
    vault: Option<Arc<Vault>>,
    history: Mutex<Option<History>>,
}

impl CallHistory {
    /// The history in this vault.
    pub fn new(vault: Option<Arc<Vault>>) -> Arc<Self> {
        Arc::new(Self { vault, history: Mutex::new(None) })
    }

    /// Some of the calls, latest first.
    ///
    /// # Errors
    /// What is stored cannot be read.
    pub async fn page(
        self: &Arc<Self>,
        filter: HistoryFilter,
        after: Option<HistoryCursor>,
        limit: usize,
    ) -> Result<HistoryPage, VaultError> {
        self.with(move |_, history| Ok(history.page(&filter, after, limit))).await
    }

    /// Forgets every call, on the disk too.
    ///
    /// # Errors
    /// Something is still there; what is shown is empty all the same.
    pub async fn clear(self: &Arc<Self>) -> Result<u64, VaultError> {
        self.with(|vault, history| {
            let changes = history.clear();
            store(vault, changes).map(|()| history.revision())
        })
        .await
    }

    /// Keeps a call. When this returns it is on the disk.
    ///
    /// # Errors
    /// It is not, and is known as long as the process lasts.
    pub(crate) async fn record(self: &Arc<Self>, record: CallRecord) -> Result<(), VaultError> {
        self.with(move |vault, history| store(vault, history.add(record, clock::now()))).await
    }

    /// Changes whenever the history does; 0 before it was read.
    pub(crate) fn revision(&self) -> u64 {
        self.lock().as_ref().map_or(0, History::revision)
    }

    /// Works on the history, on a thread for what may block.
    async fn with<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(Option<&Vault>, &mut History) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let this = Arc::clone(self);
        let worked = spawn_blocking(move || {
            let mut history = this.lock();
            let vault = this.vault.as_deref();
            let history = match history.as_mut() {
                Some(history) => history,
                None => history.insert(load(vault)?),
            };
            work(vault, history)
        });
        worked.await.unwrap_or_else(|error| Err(failed("read", io::Error::other(error))))
    }

    fn lock(&self) -> MutexGuard<'_, Option<History>> {
        // What a thread that panicked left is whole: the history changes before it is stored.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was stored. A segment that cannot be opened is left out: the others are worth having.
fn load(vault: Option<&Vault>) -> Result<History, VaultError> {
    let Some(vault) = vault else { return Ok(History::default()) };
    let mut segments = Vec::new();
    for slot in 0..History::SLOTS {
        match vault.read(&name(slot)) {
            Ok(None) => {}
            Ok(Some(stored)) => match serde_json::from_slice::<Segment>(&stored) {
                Ok(segment) => segments.push(segment),
                Err(error) => log::warn!("some of the call history is of another version: {error}"),
            },
            Err(error @ (VaultError::Damaged(_) | VaultError::Newer(_))) => {
                log::warn!("some of the call history is lost: {error}");
            }
            Err(error) => return Err(error),
        }
    }
    let (history, changes) = History::restore(segments, clock::now());
    if let Err(error) = store(Some(vault), changes) {
        log::warn!("old calls are not taken out of the call history: {error}");
    }
    Ok(history)
}

fn store(vault: Option<&Vault>, changes: Vec<Change>) -> Result<(), VaultError> {
    let Some(vault) = vault else { return Ok(()) };
    for change in changes {
        match change {
            Change::Write(slot, segment) => {
                let stored = serde_json::to_vec(&segment);
                let stored = stored.map_err(|e| failed("written", io::Error::other(e)))?;
                vault.write(&name(slot), &stored)?;
            }
            Change::Remove(slot) => vault.remove(&name(slot))?,
        }
    }
    Ok(())
}

fn name(slot: usize) -> String {
    format!("history-{slot}")
}

fn failed(doing: &'static str, source: io::Error) -> VaultError {
    VaultError::File { doing, path: "history".to_owned(), source }
}

#[cfg(test)]
mod tests;
