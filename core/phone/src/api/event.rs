//! What the app is told: each event counts, none is repeated.

use super::{
    AgentFailure, AgentRequest, AgentSnapshot, Announcement, CallData, CallId, Colleague,
    ControlFailure, ControlId, DeclineReason, Direction, FeaturesSnapshot, Hold, MessageFailure,
    MessageId, Party, QualityReport, Recording, RecordingAccess, RecordingAction, RecordingFailure,
    RecordingId, Registration, Supervision, SupervisionEnd, SupervisionFailure, SupervisionMode,
    TeamQueue, TeamSnapshot, TextMessage, UnreadPack,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Something that the app should know.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The lamp changed.
    RegistrationChanged(Registration),
    /// A call came in and rings.
    Incoming {
        /// The call.
        call: CallId,
        /// Who calls.
        from: Party,
        /// What the server says of the call.
        data: CallData,
        /// The same as it came, and what else it says: the `X-` fields and Call-Info, Alert-Info, Subject.
        headers: Vec<(String, String)>,
        /// The platform was told of it by a push: [`Event::Announced`] went before.
        announced: bool,
    },
    /// The call that came in last will be answered without the agent, unless he does something before.
    AutoAnswering {
        /// The call.
        call: CallId,
        /// In this time.
        after: Duration,
    },
    /// A push announced a call that was not known: its INVITE is on its way.
    Announced {
        /// The call.
        call: CallId,
        /// What the push says.
        announcement: Announcement,
    },
    /// An outgoing call was made.
    Dialing {
        /// The call.
        call: CallId,
        /// Whom it is for.
        to: Party,
    },
    /// The other side's phone rings (180).
    Ringing {
        /// The call.
        call: CallId,
    },
    /// Audio before the answer (183 with a description): ring-back or an announcement.
    EarlyMedia {
        /// The call.
        call: CallId,
    },
    /// The call was answered, here or there.
    Answered {
        /// The call.
        call: CallId,
        /// Who called whom.
        direction: Direction,
    },
    /// Answered and acknowledged, and media is connected.
    Established {
        /// The call.
        call: CallId,
    },
    /// Audio flows both ways; both times are counted from the answer.
    MediaFlowing {
        /// The call.
        call: CallId,
        /// From the answer to our first audio packet.
        first_sent: Option<Duration>,
        /// From the answer to the first audio heard.
        first_heard: Option<Duration>,
    },
    /// The call's media path is lost, or left for another network's: it is built anew.
    Reconnecting {
        /// The call.
        call: CallId,
    },
    /// The media path stands again.
    Reconnected {
        /// The call.
        call: CallId,
        /// How long nothing was received: from the last packet before to the first one after. `None` where
        /// the call is on hold, and nothing is to be received.
        gap: Option<Duration>,
    },
    /// Who holds the call changed.
    HoldChanged {
        /// The call.
        call: CallId,
        /// Who holds it.
        hold: Hold,
    },
    /// A hold or resume was refused by the other side; the call goes on as it was.
    HoldFailed {
        /// The call.
        call: CallId,
        /// Why, in words.
        reason: String,
    },
    /// Other calls are joined than before; none where they are all apart.
    Merged {
        /// Those that are.
        calls: Vec<CallId>,
    },
    /// The transfer of a call goes on: the server takes it, or the target rings (RFC 3515 §2.4.5).
    TransferProgress {
        /// The call.
        call: CallId,
        /// Where its other side is sent.
        to: Party,
        /// The status that the server reports: 100 to 199.
        status: u16,
    },
    /// A transfer came to nothing. The call goes on, unless its end is told too.
    TransferFailed {
        /// The call.
        call: CallId,
        /// Why, in words.
        reason: String,
    },
    /// The other side sends this phone elsewhere: it calls there (RFC 3515). The call goes on until the new one is
    /// answered.
    Referred {
        /// The call.
        call: CallId,
        /// The new call.
        new: CallId,
        /// Where to.
        to: Party,
    },
    /// The call that the other side sent this phone to came to nothing. The one before it goes on, unless its end
    /// is told too.
    ReferralFailed {
        /// The call before it.
        call: CallId,
        /// The new call.
        new: CallId,
        /// Where it was for.
        to: Party,
        /// Why, in words.
        reason: String,
    },
    /// The microphone was closed or opened.
    MuteChanged {
        /// The call.
        call: CallId,
        /// Closed.
        muted: bool,
    },
    /// The digits are on the wire.
    DtmfSent {
        /// The call.
        call: CallId,
    },
    /// Digits were not taken, and those behind them were not sent.
    DtmfFailed {
        /// The call.
        call: CallId,
        /// The digits that did not arrive.
        digits: String,
        /// Why, and what to do, in words.
        reason: String,
    },
    /// How the media goes, each second.
    Quality {
        /// The call.
        call: CallId,
        /// The figures.
        report: QualityReport,
    },
    /// A message came in.
    MessageReceived(TextMessage),
    /// A message was taken.
    MessageSent {
        /// The message.
        message: MessageId,
        /// By the other phone; else by the server, which may still say that it failed.
        delivered: bool,
    },
    /// A message was not delivered.
    MessageFailed {
        /// The message.
        message: MessageId,
        /// Why.
        reason: MessageFailure,
    },
    /// Nobody has said whether a message arrived; it is not sent again by itself.
    MessageUncertain {
        /// The message.
        message: MessageId,
    },
    /// The server has done what a control call asked for.
    ControlDone {
        /// The control call.
        control: ControlId,
    },
    /// The agent is something else now, or asks for it; also where only his calls have changed it.
    AgentChanged {
        /// What is to be seen of him.
        agent: AgentSnapshot,
    },
    /// What an agent asked for was not done, or nobody knows.
    AgentFailed {
        /// What he asked for.
        request: AgentRequest,
        /// Why.
        reason: AgentFailure,
    },
    /// The server lets this user record, or does not.
    RecordingAccessChanged {
        /// What it lets him.
        access: RecordingAccess,
    },
    /// Something else is recorded of a call than before, or is to be.
    RecordingsChanged {
        /// The call.
        call: CallId,
        /// All of its recordings.
        recordings: Vec<Recording>,
    },
    /// What was wanted of a recording was not done, or nobody knows.
    RecordingFailed {
        /// The call.
        call: CallId,
        /// The recording.
        recording: RecordingId,
        /// What was wanted.
        action: RecordingAction,
        /// Why.
        reason: RecordingFailure,
    },
    /// The server has said something else of what it has and what this user may, or what it said is worth something else.
    FeaturesChanged {
        /// All of it.
        features: Arc<FeaturesSnapshot>,
    },
    /// Others of the server's packs spoke another version than this phone reads; none where all are understood.
    UnreadPacksChanged {
        /// Those that did.
        packs: Vec<UnreadPack>,
    },
    /// The team that is watched is another, or worth something else.
    TeamChanged {
        /// All of it.
        team: Arc<TeamSnapshot>,
    },
    /// A colleague who is watched is something else now.
    ColleagueChanged {
        /// What is to be seen of him.
        colleague: Colleague,
    },
    /// More or fewer callers wait in a queue that is watched, or agents for them.
    TeamQueueChanged {
        /// The queue.
        queue: TeamQueue,
    },
    /// A supervision is another, or asks for it.
    SupervisionChanged {
        /// The call.
        call: CallId,
        /// What is to be seen of it.
        supervision: Supervision,
    },
    /// A mode that was asked for did not come about; the call goes on.
    SupervisionFailed {
        /// The call.
        call: CallId,
        /// The mode.
        mode: SupervisionMode,
        /// Why.
        reason: SupervisionFailure,
    },
    /// A control call came to nothing, or nobody knows; its last event.
    ControlFailed {
        /// The control call.
        control: ControlId,
        /// Why.
        reason: ControlFailure,
    },
    /// The call is over; the last event of it. A push of a call that is over already is answered by
    /// this event too, so that what the platform was told of it comes to its end.
    Ended {
        /// The call.
        call: CallId,
        /// Why.
        reason: EndReason,
    },
}

impl Event {
    /// The call that it tells of; `None`: it tells of none, or of several.
    #[must_use]
    pub fn call(&self) -> Option<CallId> {
        match self {
            Self::Incoming { call, .. }
            | Self::AutoAnswering { call, .. }
            | Self::Announced { call, .. }
            | Self::Dialing { call, .. }
            | Self::Ringing { call }
            | Self::EarlyMedia { call }
            | Self::Answered { call, .. }
            | Self::Established { call }
            | Self::MediaFlowing { call, .. }
            | Self::Reconnecting { call }
            | Self::Reconnected { call, .. }
            | Self::HoldChanged { call, .. }
            | Self::HoldFailed { call, .. }
            | Self::TransferProgress { call, .. }
            | Self::TransferFailed { call, .. }
            | Self::Referred { call, .. }
            | Self::ReferralFailed { call, .. }
            | Self::MuteChanged { call, .. }
            | Self::DtmfSent { call }
            | Self::DtmfFailed { call, .. }
            | Self::Quality { call, .. }
            | Self::RecordingsChanged { call, .. }
            | Self::RecordingFailed { call, .. }
            | Self::SupervisionChanged { call, .. }
            | Self::SupervisionFailed { call, .. }
            | Self::Ended { call, .. } => Some(*call),
            Self::RegistrationChanged(_)
            | Self::Merged { .. }
            | Self::MessageReceived(_)
            | Self::MessageSent { .. }
            | Self::MessageFailed { .. }
            | Self::MessageUncertain { .. }
            | Self::ControlDone { .. }
            | Self::ControlFailed { .. }
            | Self::AgentChanged { .. }
            | Self::AgentFailed { .. }
            | Self::RecordingAccessChanged { .. }
            | Self::FeaturesChanged { .. }
            | Self::UnreadPacksChanged { .. }
            | Self::TeamChanged { .. }
            | Self::ColleagueChanged { .. }
            | Self::TeamQueueChanged { .. } => None,
        }
    }
}

/// Why a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum EndReason {
    /// We hung up.
    #[error("you hung up")]
    Local,
    /// The other side hung up.
    #[error("the other side hung up")]
    Remote,
    /// The caller gave up before the answer (RFC 3261 §9).
    #[error("the caller gave up")]
    Cancelled,
    /// Another phone answered (Reason: SIP;cause=200, RFC 3326).
    #[error("answered on another phone")]
    AnsweredElsewhere,
    /// We refused it.
    #[error("you declined it")]
    Declined(DeclineReason),
    /// The other side refused (603, 403).
    #[error("the other side declined")]
    Refused,
    /// Busy (486, 600).
    #[error("the other side is busy")]
    Busy,
    /// No such number or nobody there (404, 410, 480, 484, 604).
    #[error("the other side cannot be reached ({0}); check the number")]
    Unreachable(u16),
    /// Nobody answered (408, 487 without our CANCEL, or our own limit on ringing).
    #[error("nobody answered")]
    NoAnswer,
    /// Refused with another status.
    #[error("the server refused the call: {status} {reason}")]
    Rejected {
        /// The status code.
        status: u16,
        /// The reason phrase.
        reason: String,
    },
    /// No media could be agreed or built.
    #[error("no audio could be set up: {0}")]
    Media(String),
    /// The user answered a call that was announced, and its INVITE did not come in time.
    #[error("the call was announced but did not arrive in time; check the network")]
    NeverCame,
    /// We sent the caller to another address.
    #[error("you forwarded it to {0}")]
    Forwarded(String),
    /// We sent the other side there, and it arrived.
    #[error("you transferred it to {0}")]
    Transferred(String),
    /// The other side sent this phone there, and has left.
    #[error("the other side sent you on to {0}")]
    Referred(String),
    /// What was supervised is over, or the server has refused the supervision.
    #[error("{0}")]
    Supervision(SupervisionEnd),
    /// A push that could not be read.
    #[error("a call was announced in a way that this app does not understand; update the app")]
    UnreadablePush,
    /// A push for a phone that is signed out.
    #[error("a call was announced, but you are signed out; sign in to take calls")]
    NotSignedIn,
    /// The app was ended in the middle of the call.
    #[error("the app was ended during the call; the call was hung up")]
    Restarted,
    /// The connection was lost and the call could not be saved.
    #[error("the connection to the server was lost; check the network and call again")]
    NetworkLost,
    /// The other side did not acknowledge or broke the protocol.
    #[error("the other side stopped responding")]
    TimedOut,
}
