//! The journeys of [`crate::cold`] with the iOS library (ios/Sources/cold-phone).

use crate::cold::{self, Cold};

fn swift() -> Option<Cold> {
    Cold::new("swift", "SIDETONE_SWIFT")
}

cold::journeys!(swift);
