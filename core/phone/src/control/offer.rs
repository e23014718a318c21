//! The description that a control call offers: audio that nobody sends or hears (RFC 8866, RFC 3264 §5.1).
//!
//! A server that takes calls from browsers refuses an offer without DTLS and ICE. So it says that they are there, with
//! values that nothing stands behind: no socket is opened, no candidate is named, nobody sends.

use crate::ua::Ua;

/// As much of a description as a server wants to see of a call without audio.
pub(super) fn inactive(ua: &mut Ua) -> String {
    // RFC 8866 §5.2: a number that is unique here; the numbers of other implementations have 63 bits.
    let session = u64::from_be_bytes(ua.draw()) >> 1;
    let (fragment, password) = (ua.token(), ua.call_id_header());
    let fingerprint = ua.draw::<32>().map(|byte| format!("{byte:02X}")).join(":");
    // Active: the server waits for a handshake that this side never begins, and begins none itself.
    format!(
        "v=0\r\no=- {session} 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
         m=audio 9 UDP/TLS/RTP/SAVPF 111 9 0 8\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n\
         a=rtpmap:111 opus/48000/2\r\na=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:8 PCMA/8000\r\na=inactive\r\na=rtcp-mux\r\na=ice-ufrag:{fragment}\r\n\
         a=ice-pwd:{password}\r\na=fingerprint:sha-256 {fingerprint}\r\na=setup:active\r\n"
    )
}
