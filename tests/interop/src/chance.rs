//! What is drawn in a test: all of it by one seed, which is printed.

use std::time::{Duration, SystemTime};

/// SplitMix64: only that a seed gives the same draws matters.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// By this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The seed in `SIDETONE_SEED`, or one of this moment.
    ///
    /// # Panics
    /// Where that is no number.
    pub fn seed() -> u64 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        std::env::var("SIDETONE_SEED")
            .map_or(now.as_secs() * 1000, |text| text.parse().expect("a seed is a number"))
    }

    /// A number below this one.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut drawn = self.0;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (drawn ^ (drawn >> 31)) % end.max(1)
    }

    /// A time from `low` up to `high`, in steps of a millisecond.
    pub fn between(&mut self, low: Duration, high: Duration) -> Duration {
        low + Duration::from_millis(self.below(high.saturating_sub(low).as_millis() as u64 + 1))
    }

    /// So many times in a hundred.
    pub fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }
}
