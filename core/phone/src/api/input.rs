//! What happens to the phone: none of it can fail, the world is allowed to be rude.

use super::{Announcement, CallId, FlowId, Generation};
use std::time::Duration;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The flow asked for by `Output::OpenFlow` is there.
    FlowOpened {
        /// The flow.
        flow: FlowId,
    },
    /// The flow could not be opened, or was lost.
    FlowFailed {
        /// The flow.
        flow: FlowId,
        /// Why.
        error: FlowError,
    },
    /// One message came in: a WebSocket frame's payload (RFC 7118 §5). CRLF keep-alives may come too.
    Received {
        /// The flow.
        flow: FlowId,
        /// The payload.
        bytes: Vec<u8>,
    },
    /// The server answered the probe asked for by `Output::Probe`.
    ProbeAnswered {
        /// The flow.
        flow: FlowId,
    },
    /// The platform has another network, or the process resumed after a suspension: the present flow
    /// may be dead without knowing.
    NetworkChanged(Handover),
    /// A push came, and the platform was told of it. A sleeping phone wakes.
    Announced(Announcement),
    /// The platform's audio session is active (only with [`super::AudioGate::Platform`]).
    AudioActivated,
    /// The platform's audio session is not active any more: another app has it, or no call needs it.
    AudioDeactivated,
    /// What `Output::Describe` asked for. `sdp` is ready for the wire.
    Described {
        /// The call.
        call: CallId,
        /// The generation that was asked for; an older one is ignored.
        generation: Generation,
        /// The description, or why there is none.
        result: Result<String, MediaError>,
    },
    /// ICE and DTLS are done: media can flow.
    MediaConnected {
        /// The call.
        call: CallId,
    },
    /// Nothing has come over the media path for some seconds, not even an answer to a check of it: the
    /// network may be another without anybody having said so.
    MediaDisconnected {
        /// The call.
        call: CallId,
    },
    /// Audio packets come in again: over a path that was built anew, or that had fallen silent.
    MediaResumed {
        /// The call.
        call: CallId,
        /// The longest time without one, from the last packet before to the first one after.
        gap: Duration,
    },
    /// The media path failed or could not be built.
    MediaFailed {
        /// The call.
        call: CallId,
        /// Why.
        error: MediaError,
    },
    /// The first packet with our audio left since the uplink was opened.
    FirstSent {
        /// The call.
        call: CallId,
    },
    /// The first audio of the other side was decoded and handed to the speaker.
    FirstHeard {
        /// The call.
        call: CallId,
    },
    /// How the media went in the last second.
    Quality {
        /// The call.
        call: CallId,
        /// The figures.
        report: QualityReport,
    },
    /// The tone of `Output::PlayTone` was played.
    TonePlayed {
        /// The call.
        call: CallId,
    },
    /// The digits of `Output::SendDtmf` are on the wire.
    DtmfSent {
        /// The call.
        call: CallId,
    },
}

/// How one network follows another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Handover {
    /// Both work for a while: what goes over the old one goes on until the new one carries it.
    MakeBeforeBreak,
    /// The old one is gone, or nobody knows.
    BreakBeforeMake,
}

/// Why a flow failed; the phone chooses what to do by the kind, people read the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct FlowError {
    /// What kind of failure.
    pub kind: FlowErrorKind,
    /// What the library or system said; no secrets.
    pub detail: String,
}

/// Kinds of flow failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FlowErrorKind {
    /// The host name is unknown or no resolver answered.
    #[error("the server's name could not be resolved; check the address and the network")]
    NameResolution,
    /// Nobody listens, or no way there.
    #[error("the server could not be reached; check that it runs and that nothing blocks the port")]
    Unreachable,
    /// No answer in time.
    #[error("the server did not answer in time; check the network")]
    TimedOut,
    /// The certificate is for another name.
    #[error("the server's certificate is for another name; check the server address")]
    CertificateName,
    /// The certificate is expired or not valid yet.
    #[error(
        "the server's certificate has expired or is not valid yet; check the clock, or renew it"
    )]
    CertificateExpired,
    /// No trusted authority signed it.
    #[error("the server's certificate is not signed by a trusted authority; give its CA")]
    CertificateUntrusted,
    /// TLS failed in another way.
    #[error("a secure connection could not be made")]
    Tls,
    /// The WebSocket upgrade was refused (RFC 6455 §4, RFC 7118 §4).
    #[error("the server does not speak SIP over WebSocket at this address; check the path")]
    WebSocket,
    /// An open flow was closed by the other side or the network.
    #[error("the connection was lost")]
    Lost,
}

/// Why media cannot be described or built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// The other side's description cannot be used: answered with 488.
    #[error("the other side offered no audio that this phone can use: {0}")]
    NotAcceptable(String),
    /// ICE found no path.
    #[error("no media path to the other side was found; a firewall may block it")]
    NoPath,
    /// DTLS failed.
    #[error("the media could not be secured: {0}")]
    Dtls(String),
    /// The engine failed in another way.
    #[error("the media engine failed: {0}")]
    Engine(String),
}

/// The media of one call over one second, and since its start where it says so.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QualityReport {
    /// The codec in use, as in SDP (`opus`).
    pub codec: String,
    /// RTP packets sent since the start.
    pub packets_sent: u64,
    /// RTP packets of negotiated types received since the start.
    pub packets_received: u64,
    /// Packets that never came since the start.
    pub packets_lost: u64,
    /// Packets that came too late to be played, since the start.
    pub packets_late: u64,
    /// Concealed audio since the start.
    pub concealed: Duration,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter: Duration,
    /// Playout delay now.
    pub playout_delay: Duration,
    /// Round trip, where it is known.
    pub round_trip: Option<Duration>,
    /// Microphone level after mute, the loudest 10 ms of the second, dBFS (-127 is silence).
    pub level_sent: f32,
    /// Speaker level, likewise.
    pub level_heard: f32,
}
