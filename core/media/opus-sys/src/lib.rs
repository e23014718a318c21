//! Stands in for `audiopus_sys`: the C interface of libopus 1.6 as bound by `opusic-sys`.
pub use opusic_sys::*;

/// Whether `packet` carries in-band FEC (RFC 6716 §2.1.7) for the packet before it.
///
/// `audiopus` predates this call of libopus, so the safe form lives here.
pub fn packet_has_lbrr(packet: &[u8]) -> bool {
    let Ok(len) = i32::try_from(packet.len()) else { return false };
    if len == 0 {
        return false;
    }
    // SAFETY: libopus reads at most `len` bytes, all inside `packet`, and keeps no pointer.
    unsafe { opus_packet_has_lbrr(packet.as_ptr(), len) == 1 }
}
