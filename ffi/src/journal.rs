//! The events of one phone with their cursors: bounded, and readable again by any number of readers.
//!
//! A reader names the last cursor that it has seen. So a reader that is cancelled loses nothing, and a
//! second one sees what the first has seen. Where more is kept than there is room for, the oldest
//! quality report goes first, then the oldest event; the reader is told how many it missed.
//!
//! One task keeps the journal. Readers ask it by a channel and share no lock, so that none of them can
//! wait for another that the system does not let run.

use crate::{ControlError, ControlId, Event, EventPage, NumberedEvent};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::time::SystemTime;
use tokio::sync::{mpsc, oneshot};

/// As many events are kept.
const KEPT: usize = 4096;
/// As many are given at a time.
const PAGE: usize = 256;

/// The readers' end of a journal.
pub(crate) struct Journal {
    questions: mpsc::UnboundedSender<Question>,
}

/// What its keeper is asked.
pub(crate) enum Question {
    /// Events.
    Read(Reader),
    /// To tell of the end of a control call that is still to begin; it is noted when this is answered.
    EndOf(ControlId, oneshot::Sender<End>),
}

/// Where the end of a control call is told; closed where the phone ends before.
pub(crate) type End = oneshot::Receiver<Result<(), ControlError>>;

/// Someone who wants the events after this cursor.
pub(crate) struct Reader {
    after: u64,
    reply: oneshot::Sender<EventPage>,
}

/// The journal itself.
#[derive(Default)]
pub(crate) struct Keeper {
    kept: BTreeMap<u64, NumberedEvent>,
    /// The cursors of the quality reports among them, oldest first.
    reports: VecDeque<u64>,
    last: u64,
    ended: bool,
    /// Those who have seen all that there is.
    waiting: Vec<Reader>,
    /// Those who wait for the ends of control calls.
    ends: Vec<(ControlId, oneshot::Sender<Result<(), ControlError>>)>,
}

impl Journal {
    /// A journal, and those who will ask its keeper.
    pub(crate) fn open() -> (Self, mpsc::UnboundedReceiver<Question>) {
        let (questions, asked) = mpsc::unbounded_channel();
        (Self { questions }, asked)
    }

    /// The events after this cursor, as soon as there is one, or the end.
    pub(crate) async fn after(&self, cursor: u64) -> EventPage {
        let (reply, page) = oneshot::channel();
        // The keeper serves as long as anybody can ask: an error means that the runtime is gone.
        let _ = self.questions.send(Question::Read(Reader { after: cursor, reply }));
        let over = EventPage { events: Vec::new(), next: cursor, lost: 0, ended: true };
        page.await.unwrap_or(over)
    }

    /// The end of a control call that is still to begin; none of a phone that has ended.
    pub(crate) async fn end_of(&self, control: ControlId) -> Option<End> {
        let (reply, noted) = oneshot::channel();
        let _ = self.questions.send(Question::EndOf(control, reply));
        noted.await.ok()
    }
}

impl Keeper {
    /// Writes down an event.
    pub(crate) fn write(&mut self, at: SystemTime, event: Event) {
        if self.kept.len() >= KEPT {
            match self.reports.pop_front() {
                Some(oldest) => self.kept.remove(&oldest).map(drop),
                None => self.kept.pop_first().map(drop),
            };
        }
        self.tell_end(&event);
        self.last += 1;
        if matches!(event, Event::Quality { .. }) {
            self.reports.push_back(self.last);
        }
        self.kept.insert(self.last, NumberedEvent { cursor: self.last, at, event });
        self.tell_waiting();
    }

    /// Nothing more will be written.
    pub(crate) fn end(&mut self) {
        self.ended = true;
        self.ends.clear();
        self.tell_waiting();
    }

    /// Answers, now or when there is something.
    pub(crate) fn serve(&mut self, question: Question) {
        match question {
            Question::Read(reader) => self.show(reader),
            // Nothing begins any more, and nothing ends.
            Question::EndOf(..) if self.ended => {}
            Question::EndOf(control, reply) => {
                let (told, end) = oneshot::channel();
                self.ends.retain(|(_, waiting)| !waiting.is_closed());
                self.ends.push((control, told));
                // Whoever asked may have gone.
                let _ = reply.send(end);
            }
        }
    }

    /// Tells those who wait for the end of a control call, if this is it.
    fn tell_end(&mut self, event: &Event) {
        let (ended, result) = if let Event::ControlDone { control } = event {
            (*control, Ok(()))
        } else if let Event::ControlFailed { control, reason, .. } = event {
            (*control, Err((*reason).into()))
        } else {
            return;
        };
        for (_, told) in self.ends.extract_if(.., |(control, _)| *control == ended) {
            let _ = told.send(result.clone());
        }
    }

    fn show(&mut self, reader: Reader) {
        match self.read(reader.after) {
            // Whoever asked may have gone.
            Some(page) => drop(reader.reply.send(page)),
            None => {
                self.waiting.retain(|waiting| !waiting.reply.is_closed());
                self.waiting.push(reader);
            }
        }
    }

    fn tell_waiting(&mut self) {
        for reader in std::mem::take(&mut self.waiting) {
            if !reader.reply.is_closed() {
                self.show(reader);
            }
        }
    }

    /// What there is to tell after this cursor. A cursor that this phone never gave reads from the
    /// beginning.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CallId, QualityReport};
    use std::time::Duration;
    use uuid::Uuid;

    const CALL: CallId = CallId(Uuid::nil());

    fn write(journal: &mut Keeper, count: usize) {
        for _ in 0..count {
            journal.write(SystemTime::now(), Event::Ringing { call: CALL });
        }
    }

    fn report(journal: &mut Keeper) {
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

    /// Asks, and gives the answer where there is one already.
    fn ask(journal: &mut Keeper, after: u64) -> oneshot::Receiver<EventPage> {
        let (reply, page) = oneshot::channel();
        journal.serve(Question::Read(Reader { after, reply }));
        page
    }

    #[track_caller]
    fn after(journal: &mut Keeper, cursor: u64) -> EventPage {
        ask(journal, cursor).try_recv().unwrap()
    }

    /// All that a reader from the beginning finds, and how much it missed.
    fn read_all(journal: &mut Keeper) -> (Vec<NumberedEvent>, u64) {
        let (mut events, mut lost, mut cursor) = (Vec::new(), 0, 0);
        loop {
            let page = after(journal, cursor);
            assert!(page.events.len() <= PAGE);
            lost += page.lost;
            events.extend(page.events);
            cursor = page.next;
            if page.ended {
                return (events, lost);
            }
        }
    }

    #[test]
    fn reading_takes_nothing_away() {
        let mut journal = Keeper::default();
        write(&mut journal, 3);
        let first = after(&mut journal, 0);
        assert_eq!(cursors(&first), [1, 2, 3]);
        assert_eq!((first.next, first.lost, first.ended), (3, 0, false));
        assert_eq!(after(&mut journal, 0), first);
        assert_eq!(cursors(&after(&mut journal, 1)), [2, 3]);
    }

    #[test]
    fn a_reader_that_was_cancelled_while_it_waited_loses_nothing() {
        let mut journal = Keeper::default();
        write(&mut journal, 1);
        drop(ask(&mut journal, 1));
        write(&mut journal, 2);
        assert_eq!(cursors(&after(&mut journal, 1)), [2, 3]);
    }

    #[test]
    fn readers_that_have_gone_take_no_room() {
        let mut journal = Keeper::default();
        for _ in 0..1000 {
            drop(ask(&mut journal, 0));
        }
        assert!(journal.waiting.len() <= 1);
    }

    #[test]
    fn every_waiting_reader_is_told() {
        let mut journal = Keeper::default();
        let readers = [0; 3].map(|cursor| ask(&mut journal, cursor));
        write(&mut journal, 1);
        for mut reader in readers {
            assert_eq!(cursors(&reader.try_recv().unwrap()), [1]);
        }
    }

    #[test]
    fn what_fell_out_is_counted() {
        let mut journal = Keeper::default();
        write(&mut journal, KEPT + 10);
        journal.end();
        let (events, lost) = read_all(&mut journal);
        assert_eq!((events.len(), lost), (KEPT, 10));
        assert_eq!(events.first().unwrap().cursor, 11);
    }

    #[test]
    fn reports_of_quality_are_dropped_before_anything_else() {
        let mut journal = Keeper::default();
        write(&mut journal, 5);
        for _ in 0..KEPT * 3 {
            report(&mut journal);
        }
        write(&mut journal, 5);
        journal.end();
        let (events, lost) = read_all(&mut journal);
        let others = events.iter().filter(|e| !matches!(e.event, Event::Quality { .. })).count();
        assert_eq!(others, 10);
        assert_eq!(events.len() as u64 + lost, 10 + KEPT as u64 * 3);
        assert_eq!(events.len(), KEPT);
    }

    #[test]
    fn the_end_is_told_after_the_last_event_and_then_always() {
        let mut journal = Keeper::default();
        write(&mut journal, PAGE + 1);
        journal.end();
        let first = after(&mut journal, 0);
        assert_eq!((first.next, first.ended), (PAGE as u64, false));
        let second = after(&mut journal, first.next);
        assert_eq!((second.events.len(), second.ended), (1, true));
        let third = after(&mut journal, second.next);
        assert_eq!((third.events.len(), third.lost, third.ended), (0, 0, true));
    }

    #[test]
    fn the_end_of_a_control_call_is_told_to_all_who_wait_for_it_and_to_nobody_else() {
        let mut journal = Keeper::default();
        let [one, other] = [1, 2].map(|number| ControlId(Uuid::from_u128(number)));
        let wait = |journal: &mut Keeper, control| {
            let (reply, mut end) = oneshot::channel();
            journal.serve(Question::EndOf(control, reply));
            end.try_recv().ok()
        };
        let mut ends = [one, one, other].map(|control| wait(&mut journal, control).unwrap());
        let (reason, text) = (crate::ControlFailure::Gone, String::new());
        journal.write(SystemTime::now(), Event::ControlFailed { control: one, reason, text });
        for end in &mut ends[..2] {
            assert!(matches!(end.try_recv().unwrap(), Err(ControlError::Gone { .. })));
        }
        assert_eq!(ends[2].try_recv(), Err(oneshot::error::TryRecvError::Empty));
        journal.end();
        assert_eq!(ends[2].try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert!(wait(&mut journal, one).is_none(), "nothing ends after the end");
    }

    #[test]
    fn a_cursor_of_another_phone_reads_from_the_beginning() {
        let mut journal = Keeper::default();
        write(&mut journal, 2);
        assert_eq!(cursors(&after(&mut journal, 99)), [1, 2]);
    }
}
