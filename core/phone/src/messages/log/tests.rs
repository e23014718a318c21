//! The messages kept through a store that is only its slots.

use super::*;
use crate::{MessageFailure, Now, Party, Segment};
use std::collections::BTreeMap;
use std::time::Duration;

type Store = BTreeMap<usize, Segment<TextMessage>>;

const DAY: Duration = Duration::from_secs(86_400);

fn at(day: u32) -> Now {
    let wall = UnixTime(Duration::from_secs(1_700_000_000) + DAY * day);
    Now { boot: Duration::ZERO, wall }
}

fn id(number: u128) -> MessageId {
    MessageId(uuid::Uuid::from_u128(number))
}

fn message(number: u128, state: MessageState) -> TextMessage {
    let party = Party { name: None, uri: "sip:ref-7f3a@pbx.example".to_owned() };
    let text = format!("\"{number}\"\nGrüße");
    TextMessage { id: id(number), party, text, at: at(0).wall, state }
}

fn apply(store: &mut Store, changes: Vec<Change<TextMessage>>) {
    for change in changes {
        match change {
            Change::Write(slot, segment) => {
                assert!(segment.entries.len() <= TextMessage::SEGMENT && slot < MessageLog::SLOTS);
                // What is stored is what is read again.
                let text = serde_json::to_vec(&segment).unwrap();
                store.insert(slot, serde_json::from_slice(&text).unwrap());
            }
            Change::Remove(slot) => drop(store.remove(&slot)),
        }
    }
}

fn restored(store: &Store, day: u32) -> MessageLog {
    MessageLog::restore(store.values().rev().cloned().collect(), at(day)).0
}

fn filled(count: u128, state: MessageState) -> (MessageLog, Store) {
    let (mut log, mut store) = (MessageLog::default(), Store::new());
    for number in 1..=count {
        apply(&mut store, log.add(message(number, state), at(0)));
    }
    (log, store)
}

/// All that is kept, latest first, read in pages of this size.
fn all(log: &MessageLog, limit: usize) -> Vec<TextMessage> {
    let mut found: Vec<TextMessage> = Vec::new();
    loop {
        let page = log.page(found.last().map(|message| message.id), limit);
        assert!(page.messages.len() <= limit);
        found.extend(page.messages);
        if !page.more {
            return found;
        }
    }
}

fn state(log: &MessageLog, number: u128) -> MessageState {
    log.records().find(|message| message.id == id(number)).unwrap().state
}

#[test]
fn pages_go_on_after_a_restart_where_they_ended() {
    let (log, store) = filled(300, MessageState::Received);
    let first = log.page(None, 150);
    assert!(first.more);
    let next = restored(&store, 0).page(first.messages.last().map(|message| message.id), 150);
    let whole = [first.messages, next.messages].concat();
    let wanted: Vec<_> =
        (1..=300).rev().map(|number| message(number, MessageState::Received)).collect();
    assert_eq!((whole, next.more), (wanted, false));
    assert_eq!(log.page(Some(id(9999)), 10), MessagePage::default());
    assert_eq!(log.page(None, 0).messages.len(), 1);
    assert_eq!(log.page(None, 9999).messages.len(), MessageLog::PAGE);
}

#[test]
fn ever_more_messages_take_no_more_room_and_old_ones_leave() {
    let (mut log, mut store) = filled(5_000, MessageState::Received);
    assert!(store.len() <= MessageLog::SLOTS);
    let numbers = |log: &MessageLog| all(log, 200).iter().map(|m| m.id.0.as_u128()).collect();
    let wanted: Vec<u128> = (3_001..=5_000).rev().collect();
    let found: [Vec<u128>; 2] = [numbers(&log), numbers(&restored(&store, 0))];
    assert_eq!(found, [wanted.clone(), wanted]);
    let late = TextMessage { at: at(366).wall, ..message(5_001, MessageState::Received) };
    apply(&mut store, log.add(late, at(366)));
    assert_eq!(all(&restored(&store, 366), 9).len(), 1);
    let stored: usize = store.values().map(|segment| segment.entries.len()).sum();
    assert_eq!(stored, 1, "the disk has forgotten them too");
    apply(&mut store, log.clear());
    assert_eq!(all(&restored(&store, 366), 9), []);
}

#[test]
fn the_largest_messages_make_no_segment_that_is_too_large_for_a_file() {
    let (mut log, mut store) = (MessageLog::default(), Store::new());
    // What is taken of a text and of an address at most, and written longer than it is.
    let party = Party { name: Some("\"".repeat(256)), uri: "\"".repeat(256) };
    let text = "\"".repeat(4096);
    for number in 0..64 {
        let (party, text) = (party.clone(), text.clone());
        let large = TextMessage { party, text, ..message(number, MessageState::Received) };
        apply(&mut store, log.add(large, at(0)));
    }
    let largest = store.values().map(|segment| serde_json::to_vec(segment).unwrap().len()).max();
    assert!(largest < Some(1024 * 1024), "{largest:?}");
}

#[test]
fn what_becomes_of_a_message_is_stored_in_whatever_segment_it_lies() {
    let (mut log, mut store) = filled(200, MessageState::Accepted);
    let failed = MessageState::Failed(MessageFailure::Rejected(500));
    for number in [1, 63, 64, 65, 200] {
        let changes = log.mark(id(number), failed);
        assert_eq!(changes.len(), 1);
        apply(&mut store, changes);
        assert_eq!(state(&restored(&store, 0), number), failed);
    }
    let kept = all(&restored(&store, 0), 200);
    assert_eq!(kept.iter().filter(|m| m.state == MessageState::Accepted).count(), 195);
    assert_eq!(log.mark(id(999), failed), [], "of one that is not kept there is nothing to say");
}

#[test]
fn what_was_on_its_way_when_the_process_died_is_uncertain_and_what_is_known_stays() {
    let (log, store) = filled(3, MessageState::Sending);
    assert_eq!(state(&log, 3), MessageState::Sending);
    let mut again = restored(&store, 0);
    assert!((1..=3).all(|number| state(&again, number) == MessageState::Uncertain));
    again.mark(id(1), MessageState::Delivered);
    assert_eq!(again.mark(id(1), MessageState::Uncertain), []);
    assert_eq!(state(&again, 1), MessageState::Delivered);
}

#[test]
fn one_that_comes_again_stays_as_it_is() {
    let (mut log, _) = filled(3, MessageState::Delivered);
    assert_eq!(log.add(message(2, MessageState::Sending), at(0)), []);
    assert_eq!((all(&log, 9).len(), state(&log, 2)), (3, MessageState::Delivered));
}
