//! The calls that are over: kept as a ledger, in pages, found by what is typed.

use crate::ledger::{Cursor, Ledger, Record};
use crate::search::{Key, Query};
use crate::{CallRecord, HistoryFilter, HistoryPage, UnixTime};
use std::time::Duration;

/// The calls of one account.
pub type History = Ledger<CallRecord>;

/// An id that comes so long after the call that had it is another call's.
const AGAIN: Duration = Duration::from_secs(300);

impl Record for CallRecord {
    const NAME: &'static str = "history";
    const MOST: usize = 10_000;
    const SEGMENT: usize = 256;
    type Key = Key;

    fn key(&self) -> Key {
        let name = self.remote.name.as_deref().unwrap_or_default();
        Key::new(name, &self.number().unwrap_or_default())
    }

    fn known_at(&self) -> UnixTime {
        self.ended
    }

    fn is_again(&self, kept: &Self) -> bool {
        kept.call == self.call && self.began.0 <= kept.ended.0 + AGAIN
    }
}

impl History {
    /// The most calls of one page.
    pub const PAGE: usize = 200;

    /// The calls before this place that are wanted, latest first; at most 200.
    pub fn page(&self, filter: &HistoryFilter, after: Option<Cursor>, limit: usize) -> HistoryPage {
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
        HistoryPage { entries, next, revision: self.revision() }
    }
}

#[cfg(test)]
mod tests;
