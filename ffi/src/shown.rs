//! The last snapshot, with a revision that grows when a reader would see a change.

use crate::Snapshot;
use sidetone_phone as phone;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// What is to be seen of one phone.
pub(crate) struct Shown {
    source: watch::Receiver<phone::Snapshot>,
    seen: Mutex<Seen>,
}

/// What was seen last: the revision counts the changes.
struct Seen {
    revision: u64,
    snapshot: phone::Snapshot,
    ended: bool,
}

impl Shown {
    pub(crate) fn new(source: watch::Receiver<phone::Snapshot>) -> Self {
        let snapshot = source.borrow().clone();
        Self { source, seen: Mutex::new(Seen { revision: 1, snapshot, ended: false }) }
    }

    /// The snapshot now.
    pub(crate) fn now(&self) -> Snapshot {
        let ended = self.source.has_changed().is_err();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at with the lock held, so that a later look never shows what is older.
        let snapshot = self.source.borrow();
        if *snapshot != seen.snapshot || ended != seen.ended {
            *seen = Seen { revision: seen.revision + 1, snapshot: snapshot.clone(), ended };
        }
        drop(snapshot);
        Snapshot::new(seen.revision, seen.snapshot.clone(), seen.ended)
    }

    /// The first snapshot with another revision; at once where the phone has ended.
    pub(crate) async fn after(&self, revision: u64) -> Snapshot {
        let mut source = self.source.clone();
        loop {
            source.mark_unchanged();
            let snapshot = self.now();
            if snapshot.revision != revision || snapshot.ended {
                return snapshot;
            }
            // An error means that the phone has ended, which `now` sees.
            let _ = source.changed().await;
        }
    }
}
