//! The last snapshot, with a revision that grows when a reader would see a change.
//!
//! It is made anew on the library's thread; whoever reads takes a reference to it, which waits for
//! nobody.

use crate::Snapshot;
use sidetone_phone as phone;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// What is to be seen of one phone.
pub(crate) struct Shown {
    source: Mutex<watch::Receiver<phone::Snapshot>>,
    latest: watch::Sender<Arc<Snapshot>>,
}

impl Shown {
    pub(crate) fn new(source: watch::Receiver<phone::Snapshot>) -> Arc<Self> {
        let first = Snapshot::new(1, source.borrow().clone(), false);
        Arc::new(Self { source: Mutex::new(source), latest: watch::Sender::new(Arc::new(first)) })
    }

    /// The snapshot now.
    pub(crate) fn now(&self) -> Snapshot {
        // The reference is taken first: the copy is made with nothing held.
        let latest = Arc::clone(&self.latest.borrow());
        Snapshot::clone(&latest)
    }

    /// The team that is watched now.
    pub(crate) fn team(&self) -> Option<Arc<phone::TeamSnapshot>> {
        let source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        source.borrow().team.clone()
    }

    /// The first snapshot with another revision; at once where the phone has ended.
    pub(crate) async fn after(&self, revision: u64) -> Snapshot {
        let mut changes = self.latest.subscribe();
        let found = changes.wait_for(|latest| latest.revision != revision || latest.ended).await;
        match found.map(|latest| Arc::clone(&latest)) {
            Ok(latest) => Snapshot::clone(&latest),
            // The sender is a part of this: it cannot be gone.
            Err(_) => self.now(),
        }
    }

    /// Shows what the phone has come to.
    pub(crate) fn refresh(&self) {
        let source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = source.has_changed().is_err();
        let before = Arc::clone(&self.latest.borrow());
        let same = Snapshot::new(before.revision, source.borrow().clone(), ended);
        if same != *before {
            let next = Snapshot { revision: before.revision + 1, ..same };
            self.latest.send_replace(Arc::new(next));
        }
    }

    /// Refreshes with every change, until the phone has ended.
    pub(crate) async fn follow(self: Arc<Self>) {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner).clone();
        while source.changed().await.is_ok() {
            self.refresh();
        }
        self.refresh();
    }
}
