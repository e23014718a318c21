//! The vocabulary of the model: what happens to it, what it asks for, what can be seen of it.

use sidetone_sip::{FlowId, StatusCode};
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// One party's part of a call: one INVITE dialog and one media session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LegId(pub u64);

impl fmt::Display for LegId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "leg {}", self.0)
    }
}

/// Counts the descriptions asked for on one leg; an answer to an older one is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Generation(pub u32);

/// The direction of audio as the describing side means it (RFC 3264 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MediaDirection {
    /// `sendrecv`
    SendRecv,
    /// `sendonly`
    SendOnly,
    /// `recvonly`
    RecvOnly,
    /// `inactive`
    Inactive,
}

impl MediaDirection {
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

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PbxInput {
    /// A phone connected.
    FlowOpened {
        /// The flow; numbers are never used again.
        flow: FlowId,
        /// Its address, which takes the place of the Contact's host (`rewrite_contact`).
        peer: SocketAddr,
    },
    /// The connection is gone.
    FlowClosed {
        /// The flow.
        flow: FlowId,
    },
    /// One message came in: a WebSocket frame's payload.
    Received {
        /// The flow.
        flow: FlowId,
        /// The payload.
        bytes: Vec<u8>,
    },
    /// What [`MediaCommand::Describe`] asked for.
    Described {
        /// The leg.
        leg: LegId,
        /// The generation that was asked for.
        generation: Generation,
        /// The description, or why there is none.
        result: Result<String, String>,
    },
    /// No audio came on a leg for as long as the media side allows (`rtp_timeout`): hang it up.
    MediaLost {
        /// The leg.
        leg: LegId,
    },
    /// Someone at the switch rings an agent by hand: one attempt, as a queue that pushes makes it, with
    /// nobody at the other end. The call's leg has `call` as its Call-ID.
    Ring {
        /// Whom.
        agent: String,
        /// The attempt's name, for `X-Call-UID`.
        call: String,
        /// How long.
        time: Duration,
    },
    /// The site takes the right to go outside from a user, or gives it back.
    KeepInside {
        /// Whom.
        user: String,
        /// It is taken.
        on: bool,
        /// His phones are told.
        told: bool,
    },
    /// Someone at the switch interferes.
    Operator(Operator),
}

/// What a scenario does to the server by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// All nonces are stale from here on.
    ExpireNonces,
    /// Forgets everything and closes every flow, as a crash does.
    Restart,
    /// Forgets what outlives a crash: who is logged in, who is paused, who watches, and the numbers of what was told.
    Forget,
    /// From here on every REGISTER and INVITE is answered so; `None` ends it.
    Refuse(Option<StatusCode>),
    /// Hangs a leg up.
    HangUp(LegId),
    /// Sends the phone of a leg to the echo (600), by REFER.
    Refer(LegId),
    /// Offers anew inside a leg's dialog, as a hold, a resume or a session refresh by the other
    /// side looks.
    Reinvite {
        /// The leg.
        leg: LegId,
        /// The direction to offer.
        direction: MediaDirection,
    },
}

/// Something to carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PbxOutput {
    /// Send one message as one WebSocket frame.
    Transmit {
        /// The flow.
        flow: FlowId,
        /// The message.
        bytes: Vec<u8>,
    },
    /// Close a flow; nothing more is reported of it.
    CloseFlow {
        /// The flow.
        flow: FlowId,
    },
    /// Do this with media.
    Media(MediaCommand),
    /// POST this to the push gateway.
    Push(Push),
}

/// What the gateway is told of an attempt to ring an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// Whose phones.
    pub agent: String,
    /// What happened.
    pub kind: PushKind,
    /// The attempt, as `X-Call-UID` names it.
    pub call: String,
    /// When the attempt is given up.
    pub deadline: Duration,
    /// Name and number of the caller.
    pub caller: Option<(String, String)>,
    /// The queue.
    pub queue: String,
    /// `X-Call-Group`.
    pub group: String,
}

/// Kinds of push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PushKind {
    /// A call is about to come.
    Incoming,
    /// The attempt is over.
    Cancelled,
    /// Somebody has answered.
    AnsweredElsewhere,
}

impl Push {
    /// The payload of docs/push.md. `wall` is the wall clock's time in Unix seconds when the model's time
    /// was zero.
    pub fn payload(&self, wall: Duration) -> String {
        let kind = match self.kind {
            PushKind::Incoming => "incoming",
            PushKind::Cancelled => "cancelled",
            PushKind::AnsweredElsewhere => "answered_elsewhere",
        };
        let call = &self.call;
        if self.kind != PushKind::Incoming {
            return serde_json::json!({ "v": 1, "kind": kind, "call": call }).to_string();
        }
        let caller = match &self.caller {
            Some((name, number)) => serde_json::json!({ "name": name, "number": number }),
            None => serde_json::json!({}),
        };
        serde_json::json!({
            "v": 1, "kind": kind, "call": call, "deadline": (wall + self.deadline).as_secs(),
            "caller": caller, "queue": self.queue, "group": self.group,
        })
        .to_string()
    }
}

/// What the media side must do. The model ends media on each leg; it never hands a description
/// from one leg to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaCommand {
    /// Describe a leg. The first of a leg also creates its session.
    Describe {
        /// The leg.
        leg: LegId,
        /// To be given back in [`PbxInput::Described`].
        generation: Generation,
        /// The other side's offer to answer; `None` asks for an offer.
        offer: Option<String>,
        /// The direction to describe.
        direction: MediaDirection,
    },
    /// The other side's answer to the last offer.
    SetRemoteAnswer {
        /// The leg.
        leg: LegId,
        /// The description as it came.
        sdp: String,
    },
    /// The last offer came to nothing.
    Rollback {
        /// The leg.
        leg: LegId,
    },
    /// Join two legs: each hears the other.
    Connect {
        /// One.
        a: LegId,
        /// The other.
        b: LegId,
    },
    /// Let a leg hear these others together, in the place of what it heard; they hear what they heard.
    Mix {
        /// The leg.
        leg: LegId,
        /// Whom it hears.
        of: Vec<LegId>,
    },
    /// Take a leg out of what it was joined to and give it this to hear.
    Play {
        /// The leg.
        leg: LegId,
        /// What it hears.
        treatment: Treatment,
    },
    /// The leg is over: tear its session down.
    Release {
        /// The leg.
        leg: LegId,
    },
}

/// What a leg that is not joined to another hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// A tone of so many hertz.
    Tone(u16),
    /// Music on hold.
    Music,
    /// Its own voice.
    Echo,
    /// Nothing.
    Silence,
}

/// One binding, as it is to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactView {
    /// The user.
    pub user: String,
    /// The Contact, rewritten to the flow's address.
    pub uri: String,
    /// The flow.
    pub flow: FlowId,
}

/// One leg, as it is to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegView {
    /// The leg.
    pub id: LegId,
    /// The user at its end.
    pub user: String,
    /// Whether the user called.
    pub is_caller: bool,
    /// Where it stands.
    pub phase: LegPhase,
    /// Its SIP Call-ID.
    pub call_id: String,
    /// Whether the user holds it.
    pub is_held: bool,
    /// The leg that it is joined to.
    pub peer: Option<LegId>,
}

/// Where a leg stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LegPhase {
    /// Described or ringing; no final response yet.
    Early,
    /// CANCEL is wanted or on its way.
    Cancelling,
    /// Answered.
    Confirmed,
    /// BYE is wanted or on its way.
    Terminating,
}
