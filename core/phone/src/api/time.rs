//! Two clocks, told by the driver: one that runs on while the phone sleeps, one that people read.

use std::time::Duration;

/// The time of an input. Deadlines are boot time, what is stored or pushed is wall time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Since boot, asleep or awake (`CLOCK_BOOTTIME`, `mach_continuous_time`): never goes back.
    pub boot: Duration,
    /// The wall clock: may jump.
    pub wall: UnixTime,
}

/// Time since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct UnixTime(pub Duration);
