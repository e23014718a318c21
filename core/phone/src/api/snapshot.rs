//! What a user interface renders: latest wins, and always the truth.

use super::{
    AgentSnapshot, CallData, CallId, DeclineReason, FeaturesSnapshot, FlowErrorKind, Intent, Party,
    QualityReport, Recording, RecordingAccess, Supervision, TeamSnapshot, UnixTime, UnreadPack,
};
use std::sync::Arc;
use std::time::Duration;

/// All that is to be seen of the phone.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The lamp.
    pub registration: Registration,
    /// The calls that have not ended, oldest first.
    pub calls: Vec<CallSnapshot>,
    /// Whether calls are answered without the agent, as the administrator allows it and the agent has not
    /// turned it off.
    pub auto_answer: bool,
    /// Whether the caller of a blind transfer that nobody takes comes back to the agent; to be said before one is made.
    pub transfers_return: TransfersReturn,
    /// What is in the voice mailbox, where the server has said so on this connection.
    pub voicemail: Option<MessageSummary>,
    /// The agent at his queues, where [`super::Config::queues`] wants it.
    pub agent: Option<AgentSnapshot>,
    /// Whether the user may record his calls.
    pub recording: RecordingAccess,
    /// What the server has and what this user may, where [`super::Config::features`] wants to know.
    pub features: Option<Arc<FeaturesSnapshot>>,
    /// Colleagues and queues, as long as they are watched ([`super::Command::Watch`]).
    pub team: Option<Arc<TeamSnapshot>>,
    /// The server's packs that spoke another version than this phone reads, on this connection: what they tell is not known.
    pub unread_packs: Vec<UnreadPack>,
}

/// Whether the caller of a blind transfer that nobody takes comes back to the agent (RFC 5589 §6.1 leaves it to the
/// server): as the server's self-test says, or the administrator, who knows what his dial plan does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TransfersReturn {
    /// Nobody has said: the caller may be lost.
    #[default]
    Unknown,
    /// The server rings the agent again.
    Yes,
    /// The caller is lost.
    No,
}

/// What is in a voice mailbox (RFC 3842 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageSummary {
    /// Whether messages wait.
    pub waiting: bool,
    /// How many voice messages, where the server counts them.
    pub voice: Option<MessageCount>,
}

/// Messages of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageCount {
    /// Not heard yet.
    pub new: u32,
    /// Heard.
    pub old: u32,
    /// Of the new ones, those marked urgent.
    pub urgent: u32,
}

/// The lamp, and why it shines so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// What it shows.
    pub state: RegistrationState,
    /// What is wrong, where something is.
    pub problem: Option<RegistrationProblem>,
    /// Since when.
    pub since: UnixTime,
}

/// What the lamp shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationState {
    /// Signed out.
    Unregistered,
    /// Connecting, or waiting for the server's answer.
    Registering,
    /// The server answered on the live flow not long ago.
    Registered,
    /// The flow is silent: a probe was not answered, or it was lost and is built anew.
    Unreachable,
    /// Asleep: no connection. The server has confirmed that it will push.
    ReachableByPush,
    /// Asleep, and no server has confirmed that it will push: no call will come.
    Asleep,
    /// The server refuses, or cannot be used: trying again by itself will not help soon.
    Failed,
}

/// Why the lamp is not green.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationProblem {
    /// The connection.
    #[error("{kind}")]
    Flow {
        /// What kind of failure.
        kind: FlowErrorKind,
        /// What the system said.
        detail: String,
    },
    /// User name or password refused.
    #[error("the server refused the user name or password; check both and sign in again")]
    WrongCredentials,
    /// The server offers no authentication that is supported.
    #[error("the server wants an authentication that is not supported: {0}")]
    AuthenticationUnsupported(String),
    /// The server refused otherwise.
    #[error("the server refused the registration: {status} {reason}; ask its administrator")]
    Refused {
        /// The status code.
        status: u16,
        /// The reason phrase.
        reason: String,
    },
    /// The push token was not taken; nothing else is wrong.
    #[error(
        "the server does not take this phone's push token: {status} {reason}; calls will not wake it, ask the administrator"
    )]
    PushRefused {
        /// The status code.
        status: u16,
        /// The reason phrase.
        reason: String,
    },
    /// No answer to REGISTER or to a probe.
    #[error("the server does not answer; check the network")]
    NoAnswer,
}

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallSnapshot {
    /// Its id.
    pub id: CallId,
    /// Who called whom.
    pub direction: Direction,
    /// The other side.
    pub remote: Party,
    /// Where it stands.
    pub state: CallState,
    /// What the user decided before the INVITE came.
    pub intent: Option<Intent>,
    /// Until when it rings, where a push said so.
    pub rings_until: Option<UnixTime>,
    /// What the server says of it.
    pub data: CallData,
    /// Who holds it.
    pub hold: Hold,
    /// Whether this phone is to hold it, by what was asked for last: agreed with the other side, as
    /// `hold` says, or under way.
    pub on_hold: bool,
    /// Whether it has the microphone and the speaker: every other call that is answered is on hold,
    /// or about to be.
    pub active: bool,
    /// Whether it is joined with others.
    pub merged: bool,
    /// Where its other side is being sent.
    pub transfer: Option<Party>,
    /// Who has sent this phone there, where the other side of another call did (RFC 3515).
    pub referred_by: Option<Party>,
    /// What it is where it supervises an agent's call.
    pub supervision: Option<Supervision>,
    /// Whether it is answered without the agent: it will be, or was.
    pub automatic: bool,
    /// Whether the microphone is closed.
    pub muted: bool,
    /// How far the media is.
    pub media: MediaPath,
    /// When it began.
    pub began: UnixTime,
    /// When it was answered.
    pub answered: Option<UnixTime>,
    /// From the answer to our first audio packet.
    pub first_sent: Option<Duration>,
    /// From the answer to the first audio heard.
    pub first_heard: Option<Duration>,
    /// The last figures.
    pub quality: Option<QualityReport>,
    /// What is recorded of it, or is to be, where [`super::Config::recordings`] wants to know.
    pub recordings: Vec<Recording>,
}

/// Who called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Direction {
    /// They called us.
    Incoming,
    /// We called them.
    Outgoing,
}

/// Where a call stands; `call::state` holds the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallState {
    /// Outgoing: described or sent, nothing heard yet.
    Dialing,
    /// Outgoing: the other side rings or plays early media.
    Alerting,
    /// Incoming: announced by push, the INVITE is not here yet.
    Announced,
    /// Incoming: rings here.
    Ringing,
    /// Incoming: the user answered, the description is on its way.
    Answering,
    /// Answered, not acknowledged or media not connected yet.
    Answered,
    /// Talking.
    Established,
    /// Ending: CANCEL or BYE is on its way, the user is done with it.
    Ending,
}

/// Who holds the call (RFC 3264 §8.4, RFC 6337 §5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Hold {
    /// We do.
    pub local: bool,
    /// They do.
    pub remote: bool,
}

/// How far the media is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum MediaPath {
    /// Nothing is built.
    #[default]
    New,
    /// ICE and DTLS are under way.
    Connecting,
    /// Packets can flow.
    Connected,
    /// The path is lost, or left for another network's, and built anew.
    Reconnecting,
    /// The path broke.
    Failed,
}

impl From<DeclineReason> for sidetone_sip::StatusCode {
    fn from(reason: DeclineReason) -> Self {
        match reason {
            DeclineReason::Busy => Self::BUSY_HERE,
            DeclineReason::Decline => Self::DECLINE,
        }
    }
}
