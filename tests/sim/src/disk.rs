//! The messages of a phone: as its process holds them, and the segments of them that outlive it.

use sidetone_phone::{Change, MessageId, MessageLog, MessageState, Now, Segment, TextMessage};
use std::collections::BTreeMap;

/// What a driver would keep of messages.
#[derive(Debug, Default)]
pub(crate) struct MessageDisk {
    log: MessageLog,
    segments: BTreeMap<usize, Segment<TextMessage>>,
}

impl MessageDisk {
    /// What the process that runs has read and kept.
    pub(crate) fn log(&self) -> &MessageLog {
        &self.log
    }

    pub(crate) fn keep(&mut self, message: TextMessage, now: Now) {
        let changes = self.log.add(message, now);
        self.store(changes);
    }

    pub(crate) fn mark(&mut self, message: MessageId, state: MessageState) {
        let changes = self.log.mark(message, state);
        self.store(changes);
    }

    /// A process begins, and finds what the one before it stored.
    pub(crate) fn restart(&mut self, now: Now) {
        let stored = self.segments.values().cloned().collect();
        let (log, changes) = MessageLog::restore(stored, now);
        self.log = log;
        self.store(changes);
    }

    fn store(&mut self, changes: Vec<Change<TextMessage>>) {
        for change in changes {
            match change {
                Change::Write(slot, segment) => self.segments.insert(slot, segment),
                Change::Remove(slot) => self.segments.remove(&slot),
            };
        }
    }
}
