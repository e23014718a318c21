//! What the phone asks of its driver, which carries it out and decides nothing.

use super::{
    CallId, CallRecord, Digits, Event, FlowId, Generation, MessageId, MessageState, Saved,
    ServerAddress, TextMessage, sdp,
};
use std::time::Duration;

/// Something to carry out.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Connect: DNS, TCP, TLS, WebSocket. Answered by `FlowOpened` or `FlowFailed`.
    OpenFlow {
        /// The new flow's number.
        flow: FlowId,
        /// Where.
        server: ServerAddress,
        /// After this the attempt counts as failed (the driver gives it up and reports it).
        timeout: Duration,
    },
    /// Close a flow; nothing more is wanted of it and nothing more is reported.
    CloseFlow {
        /// The flow.
        flow: FlowId,
    },
    /// Send one message as one WebSocket frame.
    Transmit {
        /// The flow.
        flow: FlowId,
        /// The message.
        bytes: Vec<u8>,
    },
    /// Ask for a sign of life (WebSocket ping). Answered by `ProbeAnswered`, or not.
    Probe {
        /// The flow.
        flow: FlowId,
    },
    /// Describe the media of a call. The first of a call also creates its peer connection.
    Describe {
        /// The call.
        call: CallId,
        /// To be given back in `Described`.
        generation: Generation,
        /// What is wanted.
        request: DescribeRequest,
    },
    /// The other side's answer to our last offer.
    SetRemoteAnswer {
        /// The call.
        call: CallId,
        /// The description as it came.
        sdp: String,
    },
    /// Our offer came to nothing: return to the state before it (RFC 8829 §4.1.10.2 rollback).
    Rollback {
        /// The call.
        call: CallId,
    },
    /// Open or close the way from the microphone to the call. Closed: no packet leaves. Muted:
    /// packets of silence leave.
    SetUplink {
        /// The call.
        call: CallId,
        /// Whether anything is sent.
        open: bool,
        /// Whether it is silence.
        muted: bool,
    },
    /// Open or close the way from the call to the speaker.
    SetDownlink {
        /// The call.
        call: CallId,
        /// Whether it is played.
        open: bool,
    },
    /// Let these calls hear each other, besides this phone, and no others; what closed ways keep back
    /// stays back. Muted: the microphone alone is silent to them.
    Mix {
        /// None, or two and more.
        calls: Vec<CallId>,
    },
    /// Send digits in the stream. Answered by `DtmfSent`.
    SendDtmf {
        /// The call.
        call: CallId,
        /// The digits.
        digits: Digits,
    },
    /// Let the agent hear that this call was answered without him. Answered by `TonePlayed`.
    PlayTone {
        /// The call.
        call: CallId,
    },
    /// Let the agent, and nobody else, hear again and again that a call waits beside the one that he talks in, or
    /// not any more.
    SetCallWaiting {
        /// Whether it sounds.
        on: bool,
    },
    /// The call begins anew: tear its media down, a description of other media follows.
    RenewMedia {
        /// The call.
        call: CallId,
    },
    /// The call is over: tear its media down. Nothing more is reported of it.
    ReleaseMedia {
        /// The call.
        call: CallId,
    },
    /// Run the microphone and the speaker, or leave them alone: the platform's audio session was
    /// activated or taken away.
    SetAudio {
        /// Whether they may run.
        active: bool,
    },
    /// Tell the app.
    Event(Event),
    /// A call is over: keep it in the history. It comes before everything else its step asks for, the
    /// next [`Output::Save`] too; a call that is kept already stays as it is.
    Record(CallRecord),
    /// Keep a message that came in or is sent, before everything else as [`Output::Record`]; one that is kept already
    /// stays as it is.
    KeepMessage(TextMessage),
    /// This has become of a message that is kept; before everything else too.
    MarkMessage {
        /// The message.
        message: MessageId,
        /// What.
        state: MessageState,
    },
    /// Store this, in place of what was stored before. It comes before whatever else its step asks
    /// for, so that nothing happens that a restart would not know of.
    Save(Saved),
}

/// Which description is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DescribeRequest {
    /// An offer.
    Offer {
        /// The direction to offer.
        direction: sdp::Direction,
        /// With new ICE credentials on new sockets (RFC 8445 §2.4).
        ice_restart: bool,
    },
    /// An answer to this offer of the other side.
    Answer {
        /// The offer as it came.
        offer: String,
        /// The direction to answer.
        direction: sdp::Direction,
    },
}

/// Why the phone wants to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimerReason {
    /// A SIP transaction's timer, by its letter.
    Transaction(&'static str),
    /// The registration must be refreshed.
    Refresh,
    /// Another try to connect or register.
    Retry,
    /// A quiet flow is probed.
    KeepAlive,
    /// A probe has not been answered.
    ProbeTimeout,
    /// A 2xx is sent again until the ACK comes (RFC 3261 §13.3.1.4).
    AnswerRetransmission,
    /// A session is refreshed, or over because the other side did not (RFC 4028).
    SessionTimer,
    /// A subscription is refreshed, asked for again, or over (RFC 6665).
    Subscription,
    /// The server is asked what the agent is, or what is recorded.
    AgentNews,
    /// A mode of supervision is not confirmed.
    Supervision,
    /// A call is answered without the agent, or its tone takes too long.
    AutoAnswer,
    /// A call is in a state for as long as it may be.
    CallDeadline,
}
