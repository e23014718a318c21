//! The calls that are over: bounded in number and age, in pages, found by what is typed. It is stored
//! in segments, each small and written whole, of which the latest changes with each call.
//!
//! | module | owns |
//! |---|---|
//! | [`search`] | what is typed, and the names and numbers that it finds |

use crate::search::{Key, Query};
use crate::{CallRecord, HistoryCursor, HistoryEntry, HistoryFilter, HistoryPage, Now};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;

/// The calls of one account, oldest first in memory and latest first in a page.
#[derive(Debug, Clone, Default)]
pub struct History {
    entries: VecDeque<(HistoryEntry, Key)>,
    last: HistoryCursor,
    revision: u64,
}

/// Calls that are stored together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The last place that was given when it was stored.
    last: HistoryCursor,
    entries: Vec<HistoryEntry>,
}

/// What to store, so that what is stored is the history again. Each is complete in itself; they are
/// carried out in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Store this in this slot, in place of what is there.
    Write(usize, Segment),
    /// Nothing is to be in this slot.
    Remove(usize),
}

impl History {
    /// As many calls are kept.
    pub const MOST: usize = 10_000;
    /// For as long.
    pub const OLDEST: Duration = Duration::from_secs(365 * 86_400);
    /// As many slots are used, from 0 on.
    pub const SLOTS: usize = Self::MOST / Self::SEGMENT + 2;
    /// The most calls of one page.
    pub const PAGE: usize = 200;
    /// The calls of one segment.
    const SEGMENT: usize = 256;
    /// An id that comes so long after the call that had it is another call's.
    const AGAIN: Duration = Duration::from_secs(300);

    /// The history that was stored, in whatever order its segments were found, and what to store since
    /// it has become older.
    pub fn restore(segments: Vec<Segment>, now: Now) -> (Self, Vec<Change>) {
        let last = segments.iter().map(|segment| segment.last).max().unwrap_or_default();
        let mut entries: Vec<_> = segments.into_iter().flat_map(|s| s.entries).collect();
        entries.sort_by_key(|entry| entry.cursor);
        entries.dedup_by_key(|entry| entry.cursor);
        entries.retain(|entry| entry.cursor <= last);
        let keyed = entries.into_iter().map(|entry| (key_of(&entry.record), entry));
        let entries = keyed.map(|(key, entry)| (entry, key)).collect();
        let mut history = Self { entries, last, revision: 0 };
        let changes = history.forget(now);
        (history, changes)
    }

    /// Keeps a call, and says what to store; nothing where it is kept already.
    pub fn add(&mut self, record: CallRecord, now: Now) -> Vec<Change> {
        let is_known = |kept: &CallRecord| {
            kept.call == record.call && record.began.0 <= kept.ended.0 + Self::AGAIN
        };
        if self.entries.iter().rev().any(|(entry, _)| is_known(&entry.record)) {
            return Vec::new();
        }
        self.last.0 += 1;
        let key = key_of(&record);
        self.entries.push_back((HistoryEntry { cursor: self.last, record }, key));
        self.revision += 1;
        let mut changes = vec![self.write(segment_of(self.last))];
        changes.extend(self.forget(now));
        changes
    }

    /// Forgets every call, and says what to store.
    pub fn clear(&mut self) -> Vec<Change> {
        self.entries.clear();
        self.revision += 1;
        // What is left says which places were given.
        let latest = segment_of(self.last);
        let others = (0..Self::SLOTS).filter(|other| *other != slot(latest)).map(Change::Remove);
        std::iter::once(self.write(latest)).chain(others).collect()
    }

    /// The calls before this place that are wanted, latest first; at most 200.
    pub fn page(
        &self,
        filter: &HistoryFilter,
        after: Option<HistoryCursor>,
        limit: usize,
    ) -> HistoryPage {
        let limit = limit.clamp(1, Self::PAGE);
        let query = Query::new(&filter.text);
        let end = after.map_or(self.entries.len(), |after| {
            self.entries.partition_point(|(entry, _)| entry.cursor < after)
        });
        let wanted = self.entries.range(..end).rev().filter(|(entry, key)| {
            query.finds(key) && filter.outcome.is_none_or(|wanted| entry.record.outcome() == wanted)
        });
        let mut entries: Vec<_> = wanted.take(limit + 1).map(|(entry, _)| entry.clone()).collect();
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries.last().filter(|_| more).map(|entry| entry.cursor);
        HistoryPage { entries, next, revision: self.revision }
    }

    /// Changes whenever the history does.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Drops what is too much or too old. A segment is stored anew when something in it is too old, and
    /// overwritten in its turn when it is only too much.
    fn forget(&mut self, now: Now) -> Vec<Change> {
        let first = self.first_segment();
        let is_old =
            |entry: &HistoryEntry| now.wall.0.saturating_sub(entry.record.ended.0) > Self::OLDEST;
        let mut aged = false;
        while self.entries.front().is_some_and(|(entry, _)| is_old(entry)) {
            self.entries.pop_front();
            aged = true;
        }
        while self.entries.len() > Self::MOST {
            self.entries.pop_front();
        }
        let Some(first) = first.filter(|_| aged) else { return Vec::new() };
        self.revision += 1;
        let left = self.first_segment().unwrap_or(segment_of(self.last));
        let gone = (first..left).rev().take(Self::SLOTS - 1);
        let removed = gone.map(|segment| Change::Remove(slot(segment)));
        std::iter::once(self.write(left)).chain(removed).collect()
    }

    fn first_segment(&self) -> Option<u64> {
        self.entries.front().map(|(entry, _)| segment_of(entry.cursor))
    }

    fn write(&self, segment: u64) -> Change {
        let start = self.entries.partition_point(|(e, _)| segment_of(e.cursor) < segment);
        let entries = self.entries.range(start..).map(|(entry, _)| entry);
        let entries = entries.take_while(|e| segment_of(e.cursor) == segment).cloned().collect();
        Change::Write(slot(segment), Segment { last: self.last, entries })
    }
}

fn segment_of(cursor: HistoryCursor) -> u64 {
    cursor.0 / History::SEGMENT as u64
}

fn slot(segment: u64) -> usize {
    (segment % History::SLOTS as u64) as usize
}

fn key_of(record: &CallRecord) -> Key {
    let name = record.remote.name.as_deref().unwrap_or_default();
    Key::new(name, &record.number().unwrap_or_default())
}

#[cfg(test)]
mod tests;
