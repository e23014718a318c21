//! Stands in for `audiopus_sys`: the C interface of libopus 1.6 as bound by `opusic-sys`.
pub use opusic_sys::*;
