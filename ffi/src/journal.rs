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
    kept: BTreeMap<u64, Arc<NumberedEvent>>,
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
            let found = self.pages().read(cursor);
            if let Some(found) = found {
                return found.page();
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
        self.kept.insert(self.last, Arc::new(NumberedEvent { cursor: self.last, at, event }));
    }

    /// What there is to tell after this cursor. A cursor that this phone never gave reads from the
    /// beginning.
    fn read(&self, cursor: u64) -> Option<Found> {
        let after = if cursor > self.last { 0 } else { cursor };
        let following = self.kept.range((Bound::Excluded(after), Bound::Unbounded));
        let events: Vec<_> = following.take(PAGE).map(|(_, event)| Arc::clone(event)).collect();
        // Beyond a full page there may be more; else the page reaches to the last.
        let next = match events.last() {
            Some(event) if events.len() == PAGE => event.cursor,
            Some(_) | None => self.last,
        };
        if next == after && !self.ended {
            return None;
        }
        let lost = (next - after).saturating_sub(events.len() as u64);
        Some(Found { events, next, lost, ended: self.ended && next == self.last })
    }
}

/// A page of references: it is copied when the journal is not held any more.
struct Found {
    events: Vec<Arc<NumberedEvent>>,
    next: u64,
    lost: u64,
    ended: bool,
}

impl Found {
    fn page(self) -> EventPage {
        let Self { events, next, lost, ended } = self;
        let events = events.iter().map(|event| NumberedEvent::clone(event)).collect();
        EventPage { events, next, lost, ended }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CallId, QualityReport};
    use std::time::Duration;
    use uuid::Uuid;

    const CALL: CallId = CallId(Uuid::nil());

    fn write(journal: &Journal, count: usize) {
        for _ in 0..count {
            journal.write(SystemTime::now(), Event::Ringing { call: CALL });
        }
    }

    fn report(journal: &Journal) {
        let report = QualityReport {
            codec: "opus".to_owned(),
            packets_sent: 0,
            packets_received: 0,
            packets_lost: 0,
            packets_late: 0,
            concealed: Duration::ZERO,
            jitter: Duration::ZERO,
            playout_delay: Duration::ZERO,
            round_trip: None,
            level_sent: 0.0,
            level_heard: 0.0,
        };
        journal.write(SystemTime::now(), Event::Quality { call: CALL, report });
    }

    fn cursors(page: &EventPage) -> Vec<u64> {
        page.events.iter().map(|event| event.cursor).collect()
    }

    /// All that a reader from the beginning finds, and how much it missed.
    async fn read_all(journal: &Journal) -> (Vec<NumberedEvent>, u64) {
        let (mut events, mut lost, mut cursor) = (Vec::new(), 0, 0);
        loop {
            let page = journal.after(cursor).await;
            assert!(page.events.len() <= PAGE);
            lost += page.lost;
            events.extend(page.events);
            cursor = page.next;
            if page.ended {
                return (events, lost);
            }
        }
    }

    #[tokio::test]
    async fn reading_takes_nothing_away() {
        let journal = Journal::new();
        write(&journal, 3);
        let first = journal.after(0).await;
        assert_eq!(cursors(&first), [1, 2, 3]);
        assert_eq!((first.next, first.lost, first.ended), (3, 0, false));
        assert_eq!(journal.after(0).await, first);
        assert_eq!(cursors(&journal.after(1).await), [2, 3]);
    }

    #[tokio::test]
    async fn a_reader_that_was_cancelled_while_it_waited_loses_nothing() {
        let journal = Journal::new();
        write(&journal, 1);
        let waiting = tokio::spawn({
            let journal = Arc::clone(&journal);
            async move { journal.after(1).await }
        });
        tokio::task::yield_now().await;
        waiting.abort();
        write(&journal, 2);
        assert_eq!(cursors(&journal.after(1).await), [2, 3]);
    }

    #[tokio::test]
    async fn every_waiting_reader_is_told() {
        let journal = Journal::new();
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let journal = Arc::clone(&journal);
                tokio::spawn(async move { journal.after(0).await })
            })
            .collect();
        tokio::task::yield_now().await;
        write(&journal, 1);
        for reader in readers {
            assert_eq!(cursors(&reader.await.unwrap()), [1]);
        }
    }

    #[tokio::test]
    async fn what_fell_out_is_counted() {
        let journal = Journal::new();
        write(&journal, KEPT + 10);
        journal.end();
        let (events, lost) = read_all(&journal).await;
        assert_eq!((events.len(), lost), (KEPT, 10));
        assert_eq!(events.first().unwrap().cursor, 11);
    }

    #[tokio::test]
    async fn reports_of_quality_are_dropped_before_anything_else() {
        let journal = Journal::new();
        write(&journal, 5);
        for _ in 0..KEPT * 3 {
            report(&journal);
        }
        write(&journal, 5);
        journal.end();
        let (events, lost) = read_all(&journal).await;
        let others = events.iter().filter(|e| !matches!(e.event, Event::Quality { .. })).count();
        assert_eq!(others, 10);
        assert_eq!(events.len() as u64 + lost, 10 + KEPT as u64 * 3);
        assert_eq!(events.len(), KEPT);
    }

    #[tokio::test]
    async fn the_end_is_told_after_the_last_event_and_then_always() {
        let journal = Journal::new();
        write(&journal, PAGE + 1);
        journal.end();
        let first = journal.after(0).await;
        assert_eq!((first.next, first.ended), (PAGE as u64, false));
        let second = journal.after(first.next).await;
        assert_eq!((second.events.len(), second.ended), (1, true));
        let third = journal.after(second.next).await;
        assert_eq!((third.events.len(), third.lost, third.ended), (0, 0, true));
    }

    #[tokio::test]
    async fn a_cursor_of_another_phone_reads_from_the_beginning() {
        let journal = Journal::new();
        write(&journal, 2);
        assert_eq!(cursors(&journal.after(99).await), [1, 2]);
    }
}
