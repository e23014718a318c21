//! Session descriptions: reading, printing, offer/answer, and the normaliser (RFC 8866, RFC 3264, RFC 8829).
//!
//! The media engine describes, this module decides: who may offer, which answer fits, what must be
//! rewritten so that a strict WebRTC stack and a real server understand each other.

use std::fmt;

/// The direction of a media stream (RFC 8866 §6.7, RFC 3264 §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Direction {
    /// `a=sendrecv`
    #[default]
    SendRecv,
    /// `a=sendonly`
    SendOnly,
    /// `a=recvonly`
    RecvOnly,
    /// `a=inactive`
    Inactive,
}

impl Direction {
    /// From what each side wants: may we send, may we receive.
    pub fn new(send: bool, receive: bool) -> Self {
        match (send, receive) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether the describing side sends.
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the describing side receives.
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same stream seen from the other side.
    pub fn reversed(self) -> Self {
        Self::new(self.receives(), self.sends())
    }

    /// What may be answered to this offer by a side that wants `wanted` (RFC 3264 §6.1).
    pub fn answer(self, wanted: Self) -> Self {
        Self::new(wanted.sends() && self.receives(), wanted.receives() && self.sends())
    }

    /// The attribute's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

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

/// One attribute, `a=name` or `a=name:value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The name.
    pub name: String,
    /// The value, where there is one.
    pub value: Option<String>,
}

/// One `m=` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaDescription {
    /// `audio`, `video`, …
    pub media: String,
    /// The port; 0 is a rejected stream.
    pub port: u16,
    /// `UDP/TLS/RTP/SAVPF`, `RTP/AVP`, …
    pub protocol: String,
    /// The payload types in order of preference.
    pub formats: Vec<String>,
    /// `c=`, where the section has its own.
    pub connection: Option<String>,
    /// `b=` lines and others that are kept as they are, with their letter.
    pub other: Vec<(char, String)>,
    /// The attributes in order.
    pub attributes: Vec<Attribute>,
}

/// A session description (RFC 8866 §5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDescription {
    /// `o=`.
    pub origin: String,
    /// `s=`.
    pub name: String,
    /// `c=` of the session.
    pub connection: Option<String>,
    /// Session lines that are kept as they are, with their letter (`t=`, `b=`, …).
    pub other: Vec<(char, String)>,
    /// The session's attributes.
    pub attributes: Vec<Attribute>,
    /// The media sections.
    pub media: Vec<MediaDescription>,
}

impl SessionDescription {
    /// Reads a description; limits: 32 KiB, 512 lines, 16 sections.
    ///
    /// # Errors
    /// [`SdpError::Syntax`] with the line, [`SdpError::TooLarge`].
    pub fn parse(text: &str) -> Result<Self, SdpError> {
        let _ = text;
        todo!()
    }

    /// The first audio section that is not rejected.
    pub fn audio(&self) -> Option<&MediaDescription> {
        self.media.iter().find(|m| m.media == "audio" && m.port != 0)
    }

    /// The direction of the audio: the section's, else the session's, else `sendrecv`; an address of
    /// 0.0.0.0 that is not accompanied by ICE candidates counts as the hold of RFC 2543.
    pub fn direction(&self) -> Direction {
        todo!()
    }
}

impl fmt::Display for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = f;
        todo!()
    }
}

/// Whether a description is an offer or an answer (RFC 3264).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It proposes.
    Offer,
    /// It responds.
    Answer,
}

/// A codec as one side numbered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codec {
    /// The payload type of the side that receives it.
    pub payload_type: u8,
    /// `opus`, `PCMU`, `telephone-event`, lower-cased.
    pub name: String,
    /// The RTP clock, Hz.
    pub clock_rate: u32,
    /// `a=fmtp` of it, where there is one.
    pub fmtp: Option<String>,
}

/// Rewrites what the other side sent into what the strict WebRTC stack takes: hash name in lower
/// case, `mid` and BUNDLE where missing, no component 2, `RTP/SAVPF` and friends to
/// `UDP/TLS/RTP/SAVPF`, one telephone-event (the rate that goes with the first codec), unknown
/// codecs kept out.
///
/// # Errors
/// Not a description, or no usable audio in it.
pub fn normalise_remote(text: &str) -> Result<String, SdpError> {
    let _ = text;
    todo!()
}

/// Rewrites what our WebRTC stack described into what goes on the wire: `setup:active` in an offer,
/// `c=` and `m=` of the best component-1 candidate, no component 2, only the candidates that are
/// alive (`alive` = the candidate values of the running generation; empty = all), no doubled
/// payload types or lines, no msid noise.
///
/// # Errors
/// Not a description, or no usable audio in it.
pub fn normalise_local(text: &str, role: Role, alive: &[String]) -> Result<String, SdpError> {
    let _ = (text, role, alive);
    todo!()
}

/// The codecs of the audio section in order of preference, telephone-event among them.
///
/// # Errors
/// Not a description, or no usable audio in it.
pub fn codecs(text: &str) -> Result<Vec<Codec>, SdpError> {
    let _ = text;
    todo!()
}

/// Where the offer/answer exchange of a call stands (RFC 3264 §4, RFC 3261 §14, RFC 8829 §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignalingState {
    /// Nothing is open.
    #[default]
    Stable,
    /// We offered and wait for the answer.
    HaveLocalOffer,
    /// The other side offered and waits for our answer.
    HaveRemoteOffer,
}

/// The owner of the exchange: who may offer, and what a clash is (RFC 3261 §14.1 glare).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OfferAnswer {
    state: SignalingState,
}

/// A step that the exchange does not allow now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OfferAnswerError {
    /// An offer of ours is open: answer 491 (RFC 3261 §14.2).
    #[error("an offer of ours is open")]
    Glare,
    /// An offer of theirs is open: answer 500 with Retry-After (RFC 3261 §14.2).
    #[error("an offer of theirs is open")]
    Pending,
    /// An answer without an offer.
    #[error("there is no offer to answer")]
    NoOffer,
}

impl OfferAnswer {
    /// Where it stands.
    pub fn state(&self) -> SignalingState {
        self.state
    }

    /// We offer.
    ///
    /// # Errors
    /// An offer is open.
    pub fn local_offer(&mut self) -> Result<(), OfferAnswerError> {
        todo!()
    }

    /// They offer.
    ///
    /// # Errors
    /// [`OfferAnswerError::Glare`] or [`OfferAnswerError::Pending`].
    pub fn remote_offer(&mut self) -> Result<(), OfferAnswerError> {
        todo!()
    }

    /// We answer.
    ///
    /// # Errors
    /// No offer of theirs is open.
    pub fn local_answer(&mut self) -> Result<(), OfferAnswerError> {
        todo!()
    }

    /// They answer.
    ///
    /// # Errors
    /// No offer of ours is open.
    pub fn remote_answer(&mut self) -> Result<(), OfferAnswerError> {
        todo!()
    }

    /// The open offer was refused or withdrawn.
    pub fn rollback(&mut self) {
        self.state = SignalingState::Stable;
    }
}
