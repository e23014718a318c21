//! What is kept by number and may be due at some time: who is due next is known without asking all.

use sidetone_sip::Deadlines;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::time::Duration;

/// Something that is to be looked at when its time has come.
pub(crate) trait Timed {
    /// When that is.
    fn next_timeout(&self) -> Option<Duration>;
}

/// A map that can be read as such. What was lent to be changed is noted, and asked for its time by
/// [`Table::note`].
#[derive(Debug)]
pub(crate) struct Table<K, V> {
    all: BTreeMap<K, V>,
    deadlines: Deadlines<K>,
    lent: BTreeSet<K>,
    is_changed: bool,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            all: BTreeMap::new(),
            deadlines: Deadlines::default(),
            lent: BTreeSet::new(),
            is_changed: false,
        }
    }
}

impl<K, V> Deref for Table<K, V> {
    type Target = BTreeMap<K, V>;

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

impl<K: Ord + Copy, V: Timed> Table<K, V> {
    /// Lends one to be changed.
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let value = self.all.get_mut(key)?;
        self.lent.insert(*key);
        Some(value)
    }

    /// Another.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.all.insert(key, value);
        self.lent.insert(key);
    }

    /// One less.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let value = self.all.remove(key)?;
        self.lent.insert(*key);
        Some(value)
    }

    /// Asks those that were lent when they are due.
    pub(crate) fn note(&mut self) {
        self.is_changed |= !self.lent.is_empty();
        while let Some(key) = self.lent.pop_first() {
            self.deadlines.set(key, self.all.get(&key).and_then(Timed::next_timeout));
        }
    }

    /// When the next is due, as noted last.
    pub(crate) fn next_timeout(&self) -> Option<Duration> {
        self.deadlines.next().map(|(at, _)| at)
    }

    /// Those that are due.
    pub(crate) fn due(&mut self, now: Duration) -> Vec<K> {
        self.note();
        self.deadlines.due(now).copied().collect()
    }

    /// Whether one came, went or was lent since this was asked last.
    pub(crate) fn take_changed(&mut self) -> bool {
        self.note();
        std::mem::take(&mut self.is_changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Due at so many milliseconds.
    #[derive(Debug)]
    struct At(Option<u64>);

    impl Timed for At {
        fn next_timeout(&self) -> Option<Duration> {
            self.0.map(Duration::from_millis)
        }
    }

    #[test]
    fn who_is_due_is_who_asking_each_would_find() {
        let mut random = 3_u64;
        let mut draw = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % below
        };
        let mut table = Table::default();
        for now in 0..10_000 {
            let (key, at) = (draw(20), Some(now + draw(30)).filter(|at| at % 5 > 0));
            let is_there = table.contains_key(&key);
            match draw(4) {
                0 => assert_eq!(table.remove(&key).is_some(), is_there),
                1 => table.insert(key, At(at)),
                _ => match table.get_mut(&key) {
                    Some(value) => value.0 = at,
                    None => assert!(!is_there),
                },
            }
            let now = Duration::from_millis(now);
            let times = || table.iter().filter_map(|(key, at)| Some((at.next_timeout()?, *key)));
            let first = times().map(|(at, _)| at).min();
            let mut expected: Vec<_> = times().filter(|(at, _)| *at <= now).collect();
            expected.sort();
            let expected: Vec<u64> = expected.into_iter().map(|(_, key)| key).collect();
            assert_eq!(table.due(now), expected);
            assert_eq!(table.next_timeout(), first);
        }
    }

    #[test]
    fn what_was_lent_has_changed_once() {
        let mut table = Table::default();
        table.insert(1, At(None));
        assert!(table.take_changed());
        assert!(!table.take_changed());
        assert!(table.get_mut(&1).is_some() && table.get_mut(&2).is_none());
        table.note();
        assert!(table.take_changed() && !table.take_changed());
        assert!(table.remove(&2).is_none() && !table.take_changed());
        assert!(table.remove(&1).is_some() && table.take_changed());
    }
}
