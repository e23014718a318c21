//! What is kept of what is over, calls and messages alike: bounded in number and age, in the order in which it came.
//! It is stored in segments, each small and written whole, of which one is written with each change.

use crate::{Now, UnixTime};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fmt::Debug;
use std::time::Duration;

/// Something that is kept.
pub trait Record: Clone + Debug + Send + Serialize + DeserializeOwned {
    /// What the files of its segments are called, before their slot's number.
    const NAME: &'static str;
    /// As many are kept.
    const MOST: usize;
    /// As many make a segment.
    const SEGMENT: usize;
    /// What it is found by; made anew with each start and not stored.
    type Key: Clone + Debug + Send;

    /// What it is found by.
    fn key(&self) -> Self::Key;

    /// The last that is known of it: it ages from then on.
    fn known_at(&self) -> UnixTime;

    /// Whether it is another word of what is kept as this.
    fn is_again(&self, kept: &Self) -> bool;

    /// The process that knew more of it is gone.
    fn restarted(&mut self) {}
}

/// Where a record stands: a later one has a larger place, and none is given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Cursor(pub u64);

/// A record at its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<R> {
    /// Its place.
    pub cursor: Cursor,
    /// The record.
    pub record: R,
}

/// The records of one account, oldest first in memory and latest first in a page.
#[derive(Debug, Clone)]
pub struct Ledger<R: Record> {
    pub(crate) entries: VecDeque<(Entry<R>, R::Key)>,
    pub(crate) last: Cursor,
    revision: u64,
}

/// Records that are stored together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment<R> {
    /// The last place that was given when it was stored.
    last: Cursor,
    pub(crate) entries: Vec<Entry<R>>,
}

/// What to store, so that what is stored is the ledger again. Each is complete in itself; they are
/// carried out in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<R> {
    /// Store this in this slot, in place of what is there.
    Write(usize, Segment<R>),
    /// Nothing is to be in this slot.
    Remove(usize),
}

impl<R: Record> Default for Ledger<R> {
    fn default() -> Self {
        Self { entries: VecDeque::new(), last: Cursor::default(), revision: 0 }
    }
}

impl<R: Record> Ledger<R> {
    /// Each is kept for as long.
    pub const OLDEST: Duration = Duration::from_secs(365 * 86_400);
    /// As many slots are used, from 0 on.
    pub const SLOTS: usize = R::MOST / R::SEGMENT + 2;

    /// The ledger that was stored, in whatever order its segments were found, and what to store since
    /// it has become older.
    pub fn restore(segments: Vec<Segment<R>>, now: Now) -> (Self, Vec<Change<R>>) {
        let last = segments.iter().map(|segment| segment.last).max().unwrap_or_default();
        let mut entries: Vec<_> = segments.into_iter().flat_map(|s| s.entries).collect();
        entries.sort_by_key(|entry| entry.cursor);
        entries.dedup_by_key(|entry| entry.cursor);
        entries.retain(|entry| entry.cursor <= last);
        entries.iter_mut().for_each(|entry| entry.record.restarted());
        let keyed = entries.into_iter().map(|entry| (entry.record.key(), entry));
        let entries = keyed.map(|(key, entry)| (entry, key)).collect();
        let mut ledger = Self { entries, last, revision: 0 };
        let changes = ledger.forget(now);
        (ledger, changes)
    }

    /// Keeps a record, and says what to store; nothing where it is kept already.
    pub fn add(&mut self, record: R, now: Now) -> Vec<Change<R>> {
        if self.records().any(|kept| record.is_again(kept)) {
            return Vec::new();
        }
        self.last.0 += 1;
        let key = record.key();
        self.entries.push_back((Entry { cursor: self.last, record }, key));
        self.revision += 1;
        let mut changes = vec![self.write(Self::segment_of(self.last))];
        changes.extend(self.forget(now));
        changes
    }

    /// Changes the latest of these records, and says what to store; nothing where there is none.
    pub(crate) fn change(
        &mut self,
        wanted: impl Fn(&R) -> bool,
        change: impl FnOnce(&mut R),
    ) -> Vec<Change<R>> {
        let mut latest = self.entries.iter_mut().rev();
        let Some((entry, key)) = latest.find(|(entry, _)| wanted(&entry.record)) else {
            return Vec::new();
        };
        change(&mut entry.record);
        *key = entry.record.key();
        let segment = Self::segment_of(entry.cursor);
        self.revision += 1;
        vec![self.write(segment)]
    }

    /// Forgets every record, and says what to store.
    pub fn clear(&mut self) -> Vec<Change<R>> {
        self.entries.clear();
        self.revision += 1;
        // What is left says which places were given.
        let latest = Self::segment_of(self.last);
        let others =
            (0..Self::SLOTS).filter(|other| *other != Self::slot(latest)).map(Change::Remove);
        std::iter::once(self.write(latest)).chain(others).collect()
    }

    /// Changes whenever the ledger does.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The records, latest first.
    pub(crate) fn records(&self) -> impl Iterator<Item = &R> {
        self.entries.iter().rev().map(|(entry, _)| &entry.record)
    }

    /// Drops what is too much or too old. A segment is stored anew when something in it is too old, and
    /// overwritten in its turn when it is only too much.
    fn forget(&mut self, now: Now) -> Vec<Change<R>> {
        let first = self.first_segment();
        let is_old = |record: &R| now.wall.0.saturating_sub(record.known_at().0) > Self::OLDEST;
        let mut aged = false;
        while self.entries.front().is_some_and(|(entry, _)| is_old(&entry.record)) {
            self.entries.pop_front();
            aged = true;
        }
        while self.entries.len() > R::MOST {
            self.entries.pop_front();
        }
        let Some(first) = first.filter(|_| aged) else { return Vec::new() };
        self.revision += 1;
        let left = self.first_segment().unwrap_or(Self::segment_of(self.last));
        let gone = (first..left).rev().take(Self::SLOTS - 1);
        let removed = gone.map(|segment| Change::Remove(Self::slot(segment)));
        std::iter::once(self.write(left)).chain(removed).collect()
    }

    fn first_segment(&self) -> Option<u64> {
        self.entries.front().map(|(entry, _)| Self::segment_of(entry.cursor))
    }

    fn write(&self, segment: u64) -> Change<R> {
        let segment_of = |(entry, _): &(Entry<R>, R::Key)| Self::segment_of(entry.cursor);
        let start = self.entries.partition_point(|keyed| segment_of(keyed) < segment);
        let entries = self.entries.range(start..).take_while(|keyed| segment_of(keyed) == segment);
        let entries = entries.map(|(entry, _)| entry.clone()).collect();
        Change::Write(Self::slot(segment), Segment { last: self.last, entries })
    }

    fn segment_of(cursor: Cursor) -> u64 {
        cursor.0 / R::SEGMENT as u64
    }

    fn slot(segment: u64) -> usize {
        (segment % Self::SLOTS as u64) as usize
    }
}
