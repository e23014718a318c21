//! How long the phone waits before it looks for its server again, by how often it failed and for how long it
//! has been away (RFC 5626 §4.5).

use std::time::Duration;

/// The wait after the first failure; it doubles with each (RFC 5626 §4.5 with a shorter base: an agent waits for calls).
const BASE: Duration = Duration::from_secs(1);
/// The longest wait while there is a call: it is looked for a minute at most.
const IN_CALL: Duration = Duration::from_secs(4);
/// The longest wait without one, in the first minutes.
const SOON: Duration = Duration::from_secs(15);
/// The longest wait of all.
const LATE: Duration = Duration::from_secs(120);
/// Between the two it is this part of the time that the phone has been away: so much longer an outage becomes for
/// its agent, whether it took a minute or an hour.
const SHARE: u32 = 8;

/// The failures since a flow held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct BackOff {
    failures: u32,
    /// The time of the first.
    away_since: Option<Duration>,
}

impl BackOff {
    /// Another failure at this time since boot: the longest time to wait before the next attempt.
    pub(super) fn fail(&mut self, in_call: bool, now: Duration) -> Duration {
        let away = now.saturating_sub(*self.away_since.get_or_insert(now));
        let longest = if in_call { IN_CALL } else { (away / SHARE).clamp(SOON, LATE) };
        let wait = BASE.saturating_mul(1 << self.failures.min(16)).min(longest);
        self.failures = self.failures.saturating_add(1);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_wait_doubles_and_then_grows_with_the_outage() {
        let mut back_off = BackOff::default();
        let mut wait = |at: u64| back_off.fail(false, SECOND * at as u32).as_secs();
        assert_eq!([10, 10, 10, 10, 10, 10].map(&mut wait), [1, 2, 4, 8, 15, 15]);
        assert_eq!([130, 250, 490, 970, 100_000].map(&mut wait), [15, 30, 60, 120, 120]);
    }

    #[test]
    fn a_call_is_not_kept_waiting_and_does_not_shorten_what_follows_it() {
        let mut back_off = BackOff::default();
        for expected in [1, 2, 4, 4, 4] {
            assert_eq!(back_off.fail(true, SECOND * 5), SECOND * expected);
        }
        assert_eq!(back_off.fail(false, SECOND * 6), SOON);
    }
}
