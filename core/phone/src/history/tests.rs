//! The history kept through a store that is only its slots.

use super::*;
use crate::{
    CallId, CallOutcome, Change, DeclineReason, Direction, EndReason, Now, Party, Segment, UnixTime,
};
use std::collections::BTreeMap;

const DAY: Duration = Duration::from_secs(86_400);
const BEGINNING: Duration = Duration::from_secs(1_700_000_000);

type Store = BTreeMap<usize, Segment<CallRecord>>;

fn at(day: u32) -> Now {
    Now { boot: Duration::ZERO, wall: UnixTime(BEGINNING + DAY * day) }
}

fn record(number: u128, day: u32) -> CallRecord {
    CallRecord {
        call: CallId(uuid::Uuid::from_u128(number)),
        direction: Direction::Incoming,
        remote: Party { name: Some(format!("Caller {number}")), uri: format!("sip:{number}@b") },
        queue: None,
        began: at(day).wall,
        answered: None,
        ended: at(day).wall,
        reason: EndReason::Cancelled,
    }
}

fn apply(store: &mut Store, changes: Vec<Change<CallRecord>>) {
    for change in changes {
        match change {
            Change::Write(slot, segment) => {
                assert!(segment.entries.len() <= CallRecord::SEGMENT && slot < History::SLOTS);
                // What is stored is what is read again.
                let text = serde_json::to_vec(&segment).unwrap();
                store.insert(slot, serde_json::from_slice(&text).unwrap());
            }
            Change::Remove(slot) => drop(store.remove(&slot)),
        }
    }
}

fn restored(store: &Store, day: u32) -> History {
    History::restore(store.values().rev().cloned().collect(), at(day)).0
}

/// The numbers of the calls, latest first, read in pages of this size.
fn numbers(history: &History, filter: &HistoryFilter, limit: usize) -> Vec<u128> {
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = history.page(filter, after, limit);
        assert!(page.entries.len() <= limit);
        found.extend(page.entries.iter().map(|entry| entry.record.call.0.as_u128()));
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

fn all(history: &History) -> Vec<u128> {
    numbers(history, &HistoryFilter::default(), 100)
}

fn filled(count: u128) -> (History, Store) {
    let (mut history, mut store) = (History::default(), Store::new());
    for number in 1..=count {
        apply(&mut store, history.add(record(number, 0), at(0)));
    }
    (history, store)
}

#[test]
fn pages_are_latest_first_and_whole_whatever_comes_meanwhile() {
    let (mut history, _) = filled(1000);
    assert_eq!(all(&history), (1..=1000).rev().collect::<Vec<_>>());
    let first = history.page(&HistoryFilter::default(), None, 10);
    history.add(record(1001, 0), at(0));
    let second = history.page(&HistoryFilter::default(), first.next, 10);
    assert_ne!(first.revision, second.revision, "what changed meanwhile can be seen");
    assert_eq!(second.entries[0].record.call.0.as_u128(), 990, "no call twice, none left out");
    assert_eq!(history.page(&HistoryFilter::default(), None, 0).entries.len(), 1);
    assert_eq!(history.page(&HistoryFilter::default(), None, 9999).entries.len(), History::PAGE);
    let last = history.page(&HistoryFilter::default(), Some(Cursor(11)), 10);
    assert_eq!((last.entries.len(), last.next), (10, None), "a full last page says that it is it");
}

#[test]
fn what_is_stored_is_the_history_again_at_every_length() {
    for count in [0, 1, 255, 256, 257, 1000] {
        let (history, store) = filled(count);
        let mut again = restored(&store, 0);
        assert_eq!(all(&again), all(&history), "{count}");
        let page = again.page(&HistoryFilter::default(), None, 1);
        let next = again.add(record(5000, 0), at(0));
        assert!(next.len() == 1 && again.last.0 == count as u64 + 1, "{count}: {page:?}");
    }
}

#[test]
fn a_call_is_kept_once_and_as_it_was_first() {
    let (mut history, _) = filled(3);
    let again = CallRecord { reason: EndReason::Restarted, ..record(2, 0) };
    assert_eq!(history.add(again, at(0)), []);
    assert_eq!(all(&history), [3, 2, 1]);
    history.add(record(2, 1), at(1));
    assert_eq!(all(&history), [2, 3, 2, 1], "an id that comes again a day later is another call's");
}

#[test]
fn ever_more_calls_take_no_more_room() {
    let (mut history, mut store) = filled(0);
    for number in 1..=25_000 {
        apply(&mut store, history.add(record(number, 0), at(0)));
        assert!(history.entries.len() <= CallRecord::MOST && store.len() <= History::SLOTS);
    }
    let wanted: Vec<u128> = (15_001..=25_000).rev().collect();
    assert_eq!(all(&history), wanted);
    assert_eq!(all(&restored(&store, 0)), wanted);
}

#[test]
fn what_is_too_old_leaves_the_store_too() {
    let (mut history, mut store) = filled(300);
    apply(&mut store, history.add(record(301, 200), at(200)));
    let (later, changes) = History::restore(store.values().cloned().collect(), at(366));
    apply(&mut store, changes);
    assert_eq!(all(&later), [301]);
    let stored: usize = store.values().map(|segment| segment.entries.len()).sum();
    assert_eq!(stored, 1);
    apply(&mut store, history.add(record(302, 600), at(600)));
    assert_eq!(all(&history), [302]);
    assert_eq!(all(&restored(&store, 600)), [302]);
    let (empty, changes) = History::restore(store.values().cloned().collect(), at(1200));
    apply(&mut store, changes);
    assert_eq!((all(&empty), all(&restored(&store, 1200))), (vec![], vec![]));
    assert_eq!(restored(&store, 1200).last.0, 302, "no place is given twice");
    assert_eq!(
        all(&restored(&filled(3).1, 0)),
        [3, 2, 1],
        "a clock that is behind forgets nothing"
    );
}

#[test]
fn what_was_cleared_is_gone_from_the_store_and_no_place_is_given_twice() {
    let (mut history, mut store) = filled(700);
    let before = history.revision();
    apply(&mut store, history.clear());
    assert_ne!(history.revision(), before);
    assert_eq!(store.values().map(|segment| segment.entries.len()).sum::<usize>(), 0);
    let mut again = restored(&store, 0);
    apply(&mut store, again.add(record(701, 0), at(0)));
    assert_eq!(all(&restored(&store, 0)), [701]);
    assert_eq!(again.last.0, 701);
}

#[test]
fn a_store_cut_short_between_any_two_changes_is_the_old_or_the_new() {
    // Every way in which one more call changes the store, the ends of segments and of age among them.
    for (count, day) in [(0, 0), (5, 0), (255, 0), (256, 0), (600, 0), (600, 400)] {
        let (mut history, store) = filled(count);
        let changes = history.add(record(9999, day), at(day));
        let (old, new) = (all(&restored(&store, day)), all(&history));
        for done in 0..=changes.len() {
            let mut cut = store.clone();
            apply(&mut cut, changes[..done].to_vec());
            let found = all(&restored(&cut, day));
            let wanted = if done == 0 { &old } else { &new };
            assert_eq!(&found, wanted, "{count} calls, day {day}, after {done} changes");
        }
    }
}

#[test]
fn what_was_typed_and_an_outcome_find_together_and_in_pages() {
    let (mut history, _) = filled(100);
    let declined = EndReason::Declined(DeclineReason::Decline);
    history.add(CallRecord { reason: declined, ..record(55_555, 0) }, at(0));
    let filter = |text: &str, outcome| HistoryFilter { text: text.to_owned(), outcome };
    assert_eq!(numbers(&history, &filter("55", None), 1), [55_555, 55]);
    assert_eq!(numbers(&history, &filter("55", Some(CallOutcome::Missed)), 1), [55]);
    assert_eq!(numbers(&history, &filter("caller 5", Some(CallOutcome::Declined)), 7), [55_555]);
    assert_eq!(numbers(&history, &filter("nobody", None), 7), [0; 0]);
}

#[test]
fn what_became_of_a_call_is_told_apart() {
    use CallOutcome::*;
    use Direction::{Incoming, Outgoing};
    let answered = Some(at(0).wall);
    let elsewhere = || EndReason::AnsweredElsewhere;
    for (direction, answered, reason, wanted) in [
        (Incoming, answered, EndReason::Remote, Answered),
        (Outgoing, answered, EndReason::Local, Answered),
        (Incoming, answered, EndReason::Restarted, Answered),
        (Incoming, answered, EndReason::Transferred("sip:1@b".to_owned()), Transferred),
        (Incoming, None, EndReason::Cancelled, Missed),
        (Incoming, None, EndReason::NoAnswer, Missed),
        (Incoming, None, EndReason::NeverCame, Missed),
        (Incoming, None, EndReason::NetworkLost, Missed),
        (Incoming, None, EndReason::Restarted, Missed),
        (Incoming, None, elsewhere(), AnsweredElsewhere),
        (Incoming, None, EndReason::Declined(DeclineReason::Busy), Declined),
        (Incoming, None, EndReason::Forwarded("sip:1@b".to_owned()), Forwarded),
        (Outgoing, None, EndReason::Local, Cancelled),
        (Outgoing, None, EndReason::Busy, Failed),
        (Outgoing, None, EndReason::NoAnswer, Failed),
        (Outgoing, None, EndReason::Restarted, Failed),
    ] {
        let record = CallRecord { direction, answered, reason, ..record(1, 0) };
        assert_eq!(record.outcome(), wanted, "{record:?}");
    }
}

#[test]
fn a_hidden_caller_cannot_be_called_again_and_a_reference_can() {
    let redial = |uri: &str| {
        let remote = Party { name: None, uri: uri.to_owned() };
        CallRecord { remote, ..record(1, 0) }.redial()
    };
    for hidden in
        ["", "sip:anonymous@anonymous.invalid", "sip:Anonymous@pbx.example", "sip:pbx.example"]
    {
        assert_eq!(redial(hidden), None, "{hidden}");
    }
    for shown in ["sip:ref-7f3a@pbx.example", "0301234", "sip:100@b;user=phone"] {
        assert_eq!(redial(shown).as_deref(), Some(shown));
    }
    let number = |uri: &str| Party { name: None, uri: uri.to_owned() }.number();
    assert_eq!((number("sip:ref-7f3a@b"), number("ref-7f3a")), (None, None), "nobody can read it");
    assert_eq!(number("sip:ref-dept@b").as_deref(), Some("ref-dept"));
}

#[test]
fn user_names_service_codes_and_bare_numbers_of_a_push_are_found() {
    let found = |uri: &str, typed: &str| {
        let remote = Party { name: None, uri: uri.to_owned() };
        crate::search::Query::new(typed).finds(&CallRecord { remote, ..record(1, 1) }.key())
    };
    assert!(found("sip:anna.rossi@pbx.example", "rossi"));
    assert!(found("sip:%239@pbx.example", "#9"));
    assert!(found("0301234", "030"));
    assert!(!found("0301234", "9"));
}
