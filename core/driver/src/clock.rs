//! Boot time, which runs on while the device sleeps, and wall time, which people read.
//!
//! `CLOCK_BOOTTIME` on Linux and Android; Apple's `CLOCK_MONOTONIC` is their continuous time.

use rustix::time::{ClockId, clock_gettime};
use sidetone_phone::{Now, UnixTime};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(any(target_os = "linux", target_os = "android"))]
const BOOT: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const BOOT: ClockId = ClockId::Monotonic;

/// Both clocks, read together.
pub fn now() -> Now {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { boot: boot(), wall: UnixTime(wall) }
}

/// The time since boot, asleep or awake.
pub fn boot() -> Duration {
    let time = clock_gettime(BOOT);
    // Never negative: the clock starts at zero.
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::boot;

    #[test]
    fn boot_time_never_goes_back() {
        let (first, second) = (boot(), boot());
        assert!(first.as_secs() > 0 && second >= first);
    }
}
