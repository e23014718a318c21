//! Session descriptions: reading, printing, offer/answer, and the normaliser (RFC 8866, RFC 3264, RFC 8829).
//!
//! The media engine describes, this module decides: who may offer, which answer fits, what must be
//! rewritten so that a strict WebRTC stack and a real server understand each other.

mod candidate;
mod codecs;
mod description;
mod direction;
mod normalise;
mod offer_answer;
mod origin;
#[cfg(test)]
mod samples;

pub use codecs::{Codec, codecs, remote_payload_type};
pub use description::{Attribute, MediaDescription, SessionDescription};
pub use direction::Direction;
pub use normalise::{fit_answer, normalise_local, normalise_remote};
pub use offer_answer::{OfferAnswer, OfferAnswerError, SignalingState};
pub use origin::continue_session;

/// Why a description cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Not a session description.
    #[error("line {line} of the session description {why}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What is wrong, as the rest of the sentence.
        why: &'static str,
    },
    /// No audio that can be used: the text says what was missing. Answered with 488.
    #[error("the session description offers no usable audio: {0}")]
    NotAcceptable(&'static str),
    /// Larger than a limit allows.
    #[error("the session description is too large")]
    TooLarge,
}

/// Whether a description is an offer or an answer (RFC 3264).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It proposes.
    Offer,
    /// It responds.
    Answer,
}
