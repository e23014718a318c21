//! The journeys of [`crate::cold`] with the iOS library (ios/Sources/cold-phone).

crate::cold::journeys!("swift", "SIDETONE_SWIFT");
