//! The pure audio engine of Sidetone: what turns PCM into RTP payloads and back.
//!
//! [`uplink::Uplink`] takes the microphone's 10 ms frames and gives packets; [`downlink::Downlink`]
//! takes packets and gives 10 ms frames for the loudspeaker. One media thread owns a pair for each
//! call. Between them and the network stand only RTP headers; between them and the devices only
//! frames.
//!
//! The crate has no clock, socket or thread: time is an argument, and the 10 ms path allocates
//! nothing (`tests/no_allocation.rs`). Everything inside runs at 48 kHz mono.
//!
//! | module | owns |
//! |---|---|
//! | [`uplink`], [`downlink`] | one direction of one call |
//! | [`playout`] | reordering, repair and delay of what comes in |
//! | `shock` | the ear, guarded against what jumps to full scale |
//! | [`codec`], [`opus`], [`g711`] | samples to bytes and back |
//! | [`dtmf`] | pressed keys as telephone events |
//! | [`level`], [`spectrum`] | how loud, and what tones |
//! | [`resample`] | 8 kHz to 48 kHz and back |

/// Debug output that names the type and nothing in it: what is said and keyed is private.
macro_rules! opaque_debug {
    ($($type:ty),+) => {$(
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    )+};
}

pub mod codec;
mod conceal;
pub mod downlink;
pub mod dtmf;
mod error;
pub mod g711;
pub mod level;
pub mod opus;
pub mod playout;
pub mod resample;
mod shock;
pub mod spectrum;
pub mod uplink;

pub use codec::Codec;
pub use downlink::{Downlink, DownlinkConfig};
pub use error::CodecError;
pub use uplink::{Uplink, UplinkConfig};

/// Samples per second, everywhere inside.
pub const SAMPLE_RATE: u32 = 48_000;

/// 10 ms of mono sound: what devices bring and take.
pub type Frame = [i16; 480];
