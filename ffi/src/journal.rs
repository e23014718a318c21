//! The events of one phone with their cursors: bounded, and readable again by any number of readers.
//!
//! A reader names the last cursor that it has seen. So a reader that is cancelled loses nothing, and a
//! second one sees what the first has seen. Where more is kept than there is room for, the oldest
//! quality report goes first, then the oldest event; the reader is told how many it missed.

use crate::{Event, EventPage, NumberedEvent};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use tokio::sync::watch;

/// As many events are kept.
const KEPT: usize = 4096;
/// As many are given at a time.
const PAGE: usize = 256;

/// The journal of one phone.
pub(crate) struct Journal {
    pages: Mutex<Pages>,
    /// Tells readers that there is something new.
    bell: watch::Sender<()>,
}

#[derive(Default)]
struct Pages {
    kept: BTreeMap<u64, NumberedEvent>,
    /// The cursors of the quality reports among them, oldest first.
    reports: VecDeque<u64>,
    last: u64,
    ended: bool,
}

impl Journal {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { pages: Mutex::default(), bell: watch::Sender::new(()) })
    }

    /// Writes down an event.
    pub(crate) fn write(&self, at: SystemTime, event: Event) {
        self.pages().write(at, event);
        self.bell.send_replace(());
    }

    /// Nothing more will be written.
    pub(crate) fn end(&self) {
        self.pages().ended = true;
        self.bell.send_replace(());
    }

    /// The events after this cursor, as soon as there is one, or the end.
    pub(crate) async fn after(&self, cursor: u64) -> EventPage {
        let mut bell = self.bell.subscribe();
        loop {
            bell.mark_unchanged();
            if let Some(page) = self.pages().read(cursor) {
                return page;
            }
            // The bell is a part of this journal: it cannot be gone.
            let _ = bell.changed().await;
        }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    fn write(&mut self, at: SystemTime, event: Event) {
        if self.kept.len() >= KEPT {
            match self.reports.pop_front() {
                Some(oldest) => self.kept.remove(&oldest).map(drop),
                None => self.kept.pop_first().map(drop),
            };
        }
        self.last += 1;
        if matches!(event, Event::Quality { .. }) {
            self.reports.push_back(self.last);
        }
        self.kept.insert(self.last, NumberedEvent { cursor: self.last, at, event });
    }

    /// A page, where there is something to tell after this cursor. A cursor that this phone never gave
    /// reads from the beginning.
    fn read(&self, cursor: u64) -> Option<EventPage> {
        let after = if cursor > self.last { 0 } else { cursor };
        let following = self.kept.range((Bound::Excluded(after), Bound::Unbounded));
        let events: Vec<_> = following.take(PAGE).map(|(_, event)| event.clone()).collect();
        // Beyond a full page there may be more; else the page reaches to the last.
        let next = match events.last() {
            Some(event) if events.len() == PAGE => event.cursor,
            Some(_) | None => self.last,
        };
        if next == after && !self.ended {
            return None;
        }
        let lost = (next - after).saturating_sub(events.len() as u64);
        Some(EventPage { events, next, lost, ended: self.ended && next == self.last })
    }
}
