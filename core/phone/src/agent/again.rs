//! When a question that came to nothing is asked again: later each time.

use crate::Now;
use std::time::Duration;

/// After so long at first, and at last.
const WAIT: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// A question that may have to be asked again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Again {
    at: Option<Duration>,
    failures: u32,
}

impl Again {
    /// It came to nothing.
    pub(super) fn later(&mut self, now: Now) {
        let wait = WAIT.0.saturating_mul(1 << self.failures.min(8)).min(WAIT.1);
        *self = Self { at: Some(now.boot + wait), failures: self.failures.saturating_add(1) };
    }

    /// When it is to be asked again; `None`: it need not wait.
    pub(super) fn at(&self) -> Option<Duration> {
        self.at
    }

    /// The time has come, perhaps.
    pub(super) fn handle_timeout(&mut self, now: Now) {
        self.at.take_if(|at| *at <= now.boot);
    }
}
