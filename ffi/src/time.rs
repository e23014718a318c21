//! Times as the platforms have them: `java.time.Instant`, `Foundation.Date`.

use sidetone_driver::clock;
use sidetone_phone::UnixTime;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Wall time of the phone as the platform's.
pub(crate) fn wall(time: UnixTime) -> SystemTime {
    // What no clock can show is shown as the epoch.
    UNIX_EPOCH.checked_add(time.0).unwrap_or(UNIX_EPOCH)
}

/// Wall time of the platform as the phone's; what was before the epoch is the epoch.
pub(crate) fn unix(time: SystemTime) -> UnixTime {
    UnixTime(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// The wall time at which something happened at this boot time.
pub(crate) fn happened(boot: Duration) -> SystemTime {
    let ago = clock::boot().saturating_sub(boot);
    SystemTime::now().checked_sub(ago).unwrap_or(UNIX_EPOCH)
}
