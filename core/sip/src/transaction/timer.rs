//! The timers' base values, and the timers of one machine that run (RFC 3261 §17 and Appendix A).

use std::collections::BTreeMap;
use std::time::Duration;

/// T1, T2 and T4 (RFC 3261 §17.1.1.1 and Appendix A).
#[derive(Debug, Clone, Copy)]
pub struct Timers {
    /// Round-trip estimate; 500 ms.
    pub t1: Duration,
    /// Largest retransmission interval of non-INVITE requests and INVITE responses; 4 s.
    pub t2: Duration,
    /// How long a message stays in the network; 5 s.
    pub t4: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
        }
    }
}

impl Timers {
    /// 64*T1: how long a transaction waits for the other side (timers B, F, H, J, L, M).
    pub(super) fn patience(&self) -> Duration {
        self.t1.saturating_mul(64)
    }
}

/// The timers of one machine that run, each with its deadline.
#[derive(Debug, Clone)]
pub(super) struct Running<T>(BTreeMap<T, Duration>);

impl<T: Copy + Ord> Running<T> {
    /// None runs.
    pub(super) fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// Starts a timer, or starts it again. It never fires at once: a T1 of zero must not hold the
    /// loop that fires what is due.
    pub(super) fn start(&mut self, timer: T, after: Duration, now: Duration) {
        self.0.insert(timer, now.saturating_add(after.max(Duration::from_millis(1))));
    }

    /// Starts a timer again that is due.
    pub(super) fn put_off(&mut self, timer: T, after: Duration, now: Duration) {
        if self.0.get(&timer).is_some_and(|at| *at <= now) {
            self.start(timer, after, now);
        }
    }

    /// Stops a timer, if it runs.
    pub(super) fn stop(&mut self, timer: T) {
        self.0.remove(&timer);
    }

    /// Stops all.
    pub(super) fn stop_all(&mut self) {
        self.0.clear();
    }

    /// The next to fire.
    pub(super) fn next(&self) -> Option<(Duration, T)> {
        self.0.iter().map(|(timer, at)| (*at, *timer)).min()
    }

    /// The next that is due, which stops thereby.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<T> {
        let (_, timer) = self.next().filter(|(at, _)| *at <= now)?;
        self.stop(timer);
        Some(timer)
    }
}
