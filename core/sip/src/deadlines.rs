//! The deadlines of many, of which the next is found without asking each.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// At most one deadline each, on the caller's clock. Of several at one time the one with the smallest
/// key comes first, so that what is due is due in the same order each time.
#[derive(Clone)]
pub struct Deadlines<K> {
    of: BTreeMap<K, Duration>,
    order: BTreeSet<(Duration, K)>,
}

impl<K> Default for Deadlines<K> {
    fn default() -> Self {
        Self { of: BTreeMap::new(), order: BTreeSet::new() }
    }
}

/// Says no deadline: who has one says it.
impl<K> fmt::Debug for Deadlines<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadlines").finish_non_exhaustive()
    }
}

impl<K: Ord + Clone> Deadlines<K> {
    /// From here on this is when `key` is due; `None` for never.
    pub fn set(&mut self, key: K, at: Option<Duration>) {
        let before = self.of.get(&key).copied();
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.of.remove(&key);
            self.order.remove(&(before, key.clone()));
        }
        if let Some(at) = at {
            self.of.insert(key.clone(), at);
            self.order.insert((at, key));
        }
    }

    /// Who is due next, and when.
    pub fn next(&self) -> Option<(Duration, &K)> {
        self.order.first().map(|(at, key)| (*at, key))
    }

    /// Who is due by `now`, the earliest first.
    pub fn due(&self, now: Duration) -> impl Iterator<Item = &K> {
        self.order.iter().take_while(move |(at, _)| *at <= now).map(|(_, key)| key)
    }

    /// The next that is due by `now`; it has no deadline any more.
    pub fn take_due(&mut self, now: Duration) -> Option<K> {
        self.next().filter(|(at, _)| *at <= now)?;
        let (_, key) = self.order.pop_first()?;
        self.of.remove(&key);
        Some(key)
    }

    /// Nobody is due.
    pub fn clear(&mut self) {
        self.of.clear();
        self.order.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn it_says_what_asking_each_would() {
        let mut random = 1_u64;
        let mut draw = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % below
        };
        let (mut deadlines, mut each) = (Deadlines::default(), BTreeMap::new());
        for now in 0..20_000 {
            let (key, wish) = (draw(30), draw(4));
            match wish {
                0 => {
                    deadlines.set(key, None);
                    each.remove(&key);
                }
                1 => {
                    let earliest = each.iter().map(|(key, due)| (*due, *key)).min();
                    let expected = earliest.filter(|(due, _)| *due <= at(now)).map(|(_, key)| key);
                    assert_eq!(deadlines.take_due(at(now)), expected);
                    expected.map(|key| each.remove(&key));
                }
                _ => {
                    let due = at(now + draw(50));
                    deadlines.set(key, Some(due));
                    each.insert(key, due);
                }
            }
            let mut order: Vec<(Duration, u64)> =
                each.iter().map(|(key, at)| (*at, *key)).collect();
            order.sort();
            assert_eq!(deadlines.next().map(|(at, key)| (at, *key)), order.first().copied());
            let due = order.iter().filter(|(due, _)| *due <= at(now)).map(|(_, key)| key);
            assert!(deadlines.due(at(now)).eq(due));
        }
        deadlines.clear();
        assert_eq!(deadlines.next(), None);
    }
}
