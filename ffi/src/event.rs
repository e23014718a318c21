//! What the app is told, as it crosses: each event counts, none is repeated.

use crate::{
    AgentFailure, AgentRequest, AgentSnapshot, Announcement, CallData, CallId, Colleague,
    ControlFailure, ControlId, Direction, FeaturesSnapshot, Hold, MessageFailure, MessageId,
    QualityReport, Recording, RecordingAccess, RecordingAction, RecordingFailure, Registration,
    Supervision, SupervisionEnd, SupervisionFailure, SupervisionMode, TeamQueue, TeamSnapshot,
    TextMessage, UnreadPack,
};
use sidetone_phone as phone;
use std::time::{Duration, SystemTime};

/// Some events, in order.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct EventPage {
    /// The events after the cursor that was given, oldest first.
    pub events: Vec<NumberedEvent>,
    /// The cursor for the next page.
    pub next: u64,
    /// How many events between the cursor that was given and `next` are not kept any more.
    pub lost: u64,
    /// The phone has ended and there is nothing after this page.
    pub ended: bool,
}

/// An event with its place in the journal.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct NumberedEvent {
    /// Its place: 1 is the first of this phone.
    pub cursor: u64,
    /// When it happened.
    pub at: SystemTime,
    /// What happened.
    pub event: Event,
}

/// Something that the app should know.
#[derive(Debug, Clone, PartialEq, uniffi::Enum)]
pub enum Event {
    /// The registration changed.
    RegistrationChanged {
        /// What it is now.
        registration: Registration,
    },
    /// A call came in and rings.
    Incoming {
        /// The call.
        call: CallId,
        /// Who calls.
        from: Party,
        /// What the server says of the call.
        data: CallData,
        /// The same as it came, and what else it says: the `X-` fields and Call-Info, Alert-Info, Subject.
        headers: Vec<Header>,
        /// The platform was told of it by a push.
        announced: bool,
    },
    /// The call that came in last will be answered without the agent, unless he does something before.
    AutoAnswering {
        /// The call.
        call: CallId,
        /// In this time.
        after: Duration,
    },
    /// A push announced a call that was not known: it is on its way.
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
    /// The other side's phone rings.
    Ringing {
        /// The call.
        call: CallId,
    },
    /// Audio before the answer: ring-back or an announcement of the network.
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
    /// Answered, acknowledged, and audio is connected.
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
    /// The call's audio path is lost, or left for another network's: it is built anew.
    Reconnecting {
        /// The call.
        call: CallId,
    },
    /// The audio path stands again.
    Reconnected {
        /// The call.
        call: CallId,
        /// How long nothing was received: from the last packet before to the first one after. `None` where the
        /// call is on hold, and nothing is to be received.
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
        text: String,
    },
    /// Other calls are joined than before; none where they are all apart.
    Merged {
        /// Those that are.
        calls: Vec<CallId>,
    },
    /// The transfer of a call goes on: the server takes it, or the target rings.
    TransferProgress {
        /// The call.
        call: CallId,
        /// Where its other side is sent.
        to: Party,
        /// The status that the server reports, 100 to 199.
        status: u16,
    },
    /// A transfer came to nothing. The call goes on, unless its end is told too.
    TransferFailed {
        /// The call.
        call: CallId,
        /// Why, in words.
        text: String,
    },
    /// The other side sends this phone elsewhere: it calls there. The call goes on until the new one is answered.
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
        text: String,
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
    /// A message came in.
    MessageReceived {
        /// The message.
        message: TextMessage,
    },
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
        /// Why, and what to do, in words.
        text: String,
    },
    /// Nobody has said whether a message arrived; it is not sent again by itself.
    MessageUncertain {
        /// The message.
        message: MessageId,
        /// What to do, in words.
        text: String,
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
        /// Why, and what to do, in words.
        text: String,
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
        recording: String,
        /// What was wanted.
        action: RecordingAction,
        /// Why.
        reason: RecordingFailure,
        /// Why, and what to do, in words.
        text: String,
    },
    /// The server has said something else of what it has and what this user may, or what it said is worth something else.
    FeaturesChanged {
        /// All of it.
        features: FeaturesSnapshot,
    },
    /// Others of the server's packs spoke another version than this phone reads; none where all are understood.
    UnreadPacksChanged {
        /// Those that did.
        packs: Vec<UnreadPack>,
    },
    /// The team that is watched is another, or worth something else.
    TeamChanged {
        /// All of it.
        team: TeamSnapshot,
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
    /// A mode of supervision that was asked for did not come about; the call goes on.
    SupervisionFailed {
        /// The call.
        call: CallId,
        /// The mode.
        mode: SupervisionMode,
        /// Why.
        reason: SupervisionFailure,
        /// Why, and what to do, in words.
        text: String,
    },
    /// The server has done what a control call asked for.
    ControlDone {
        /// The control call.
        control: ControlId,
    },
    /// A control call came to nothing, or nobody knows.
    ControlFailed {
        /// The control call.
        control: ControlId,
        /// Why.
        reason: ControlFailure,
        /// Why, and what to do, in words.
        text: String,
    },
    /// Digits were not taken, and those behind them were not sent.
    DtmfFailed {
        /// The call.
        call: CallId,
        /// The digits that did not arrive.
        digits: String,
        /// Why, and what to do, in words.
        text: String,
    },
    /// How the audio goes, each second. The first to be dropped where nobody reads.
    Quality {
        /// The call.
        call: CallId,
        /// The figures.
        report: QualityReport,
    },
    /// The call is over; the last event of it.
    Ended {
        /// The call.
        call: CallId,
        /// Why.
        reason: EndReason,
        /// Why, in words.
        text: String,
    },
    /// The microphone or the speaker stopped in a call, or did not start for it. Silence is in its
    /// place; it is tried again when the next call begins.
    AudioLost {
        /// Why, in words.
        text: String,
    },
    /// A call was kept in the history, or all were forgotten; of a call it is told before its end.
    HistoryChanged {
        /// The history's revision now.
        revision: u64,
    },
    /// What the phone must remember could not be stored. It goes on; should the process end now, the
    /// next begins with what was stored before.
    NotSaved {
        /// Why, in words.
        text: String,
    },
}

/// A header field of the INVITE.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// One side of a call, as the server names it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Party {
    /// The display name.
    pub name: Option<String>,
    /// The number or user name, where there is one that tells a reader something: not of who is hidden.
    pub number: Option<String>,
    /// The address: what to dial.
    pub uri: String,
}

/// How an incoming call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum DeclineReason {
    /// 486: this phone cannot now; a queue tries the next member.
    Busy,
    /// 603: nobody of this user wants it.
    Decline,
}

/// Why a call ended.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum EndReason {
    /// We hung up.
    Local,
    /// The other side hung up.
    Remote,
    /// The caller gave up before the answer.
    Cancelled,
    /// Another phone answered.
    AnsweredElsewhere,
    /// We refused it.
    Declined {
        /// With which answer.
        reason: DeclineReason,
    },
    /// The other side refused.
    Refused,
    /// The other side is busy.
    Busy,
    /// No such number, or nobody there.
    Unreachable {
        /// The status code.
        status: u16,
    },
    /// Nobody answered.
    NoAnswer,
    /// The server refused with another status.
    Rejected {
        /// The status code.
        status: u16,
        /// The reason phrase.
        phrase: String,
    },
    /// No audio could be agreed or built.
    Media {
        /// What the engine said.
        detail: String,
    },
    /// The user answered a call that was announced, and it did not come in time.
    NeverCame,
    /// We sent the caller to another address.
    Forwarded {
        /// The address.
        to: String,
    },
    /// We sent the other side there, and it arrived.
    Transferred {
        /// The address.
        to: String,
    },
    /// The other side sent this phone there, and has left.
    Referred {
        /// The address.
        to: String,
    },
    /// What was supervised is over, or the server has refused the supervision.
    Supervision {
        /// Which.
        end: SupervisionEnd,
    },
    /// A push that could not be read.
    UnreadablePush,
    /// A push for a phone that is signed out.
    NotSignedIn,
    /// The app was ended in the middle of the call.
    Restarted,
    /// The connection was lost and the call could not be saved.
    NetworkLost,
    /// The other side stopped responding or broke the protocol.
    TimedOut,
}

impl From<phone::Event> for Event {
    fn from(event: phone::Event) -> Self {
        use phone::Event as E;
        match event {
            E::RegistrationChanged(registration) => {
                Self::RegistrationChanged { registration: registration.into() }
            }
            E::Incoming { call, from, data, headers, announced } => Self::Incoming {
                announced,
                call: call.into(),
                from: from.into(),
                data: data.into(),
                headers: headers.into_iter().map(|(name, value)| Header { name, value }).collect(),
            },
            E::Announced { call, announcement } => {
                Self::Announced { call: call.into(), announcement: announcement.into() }
            }
            E::Dialing { call, to } => Self::Dialing { call: call.into(), to: to.into() },
            E::Ringing { call } => Self::Ringing { call: call.into() },
            E::EarlyMedia { call } => Self::EarlyMedia { call: call.into() },
            E::Answered { call, direction } => {
                Self::Answered { call: call.into(), direction: direction.into() }
            }
            E::Established { call } => Self::Established { call: call.into() },
            E::MediaFlowing { call, first_sent, first_heard } => {
                Self::MediaFlowing { call: call.into(), first_sent, first_heard }
            }
            E::HoldChanged { call, hold } => {
                Self::HoldChanged { call: call.into(), hold: hold.into() }
            }
            E::Reconnecting { call } => Self::Reconnecting { call: call.into() },
            E::Reconnected { call, gap } => Self::Reconnected { call: call.into(), gap },
            E::HoldFailed { call, reason } => Self::HoldFailed { call: call.into(), text: reason },
            E::Merged { calls } => {
                Self::Merged { calls: calls.into_iter().map(Into::into).collect() }
            }
            E::TransferProgress { call, to, status } => {
                Self::TransferProgress { call: call.into(), to: to.into(), status }
            }
            E::TransferFailed { call, reason } => {
                Self::TransferFailed { call: call.into(), text: reason }
            }
            E::Referred { call, new, to } => {
                Self::Referred { call: call.into(), new: new.into(), to: to.into() }
            }
            E::ReferralFailed { call, new, to, reason } => Self::ReferralFailed {
                call: call.into(),
                new: new.into(),
                to: to.into(),
                text: reason,
            },
            E::MuteChanged { call, muted } => Self::MuteChanged { call: call.into(), muted },
            E::MessageReceived(message) => Self::MessageReceived { message: message.into() },
            E::MessageSent { message, delivered } => {
                Self::MessageSent { message: MessageId(message.0), delivered }
            }
            E::MessageFailed { message, reason } => Self::MessageFailed {
                message: MessageId(message.0),
                reason: reason.into(),
                text: reason.to_string(),
            },
            E::MessageUncertain { message } => Self::MessageUncertain {
                message: MessageId(message.0),
                text: sidetone_phone::MessageState::UNCERTAIN.to_owned(),
            },
            E::ControlDone { control } => Self::ControlDone { control: ControlId(control.0) },
            E::ControlFailed { control, reason } => Self::ControlFailed {
                control: ControlId(control.0),
                reason: reason.into(),
                text: reason.to_string(),
            },
            E::FeaturesChanged { features } => {
                Self::FeaturesChanged { features: (&*features).into() }
            }
            E::UnreadPacksChanged { packs } => {
                Self::UnreadPacksChanged { packs: packs.into_iter().map(Into::into).collect() }
            }
            E::TeamChanged { team } => Self::TeamChanged { team: TeamSnapshot::of(&team) },
            E::ColleagueChanged { colleague } => {
                Self::ColleagueChanged { colleague: colleague.into() }
            }
            E::TeamQueueChanged { queue } => Self::TeamQueueChanged { queue: queue.into() },
            E::AgentChanged { agent } => Self::AgentChanged { agent: agent.into() },
            E::AgentFailed { request, reason } => Self::AgentFailed {
                request: request.into(),
                reason: reason.into(),
                text: reason.to_string(),
            },
            E::RecordingAccessChanged { access } => {
                Self::RecordingAccessChanged { access: access.into() }
            }
            E::RecordingsChanged { call, recordings } => Self::RecordingsChanged {
                call: call.into(),
                recordings: recordings.into_iter().map(Into::into).collect(),
            },
            E::RecordingFailed { call, recording, action, reason } => Self::RecordingFailed {
                call: call.into(),
                recording: recording.to_string(),
                action: action.into(),
                reason: reason.into(),
                text: reason.to_string(),
            },
            E::SupervisionChanged { call, supervision } => {
                Self::SupervisionChanged { call: call.into(), supervision: supervision.into() }
            }
            E::SupervisionFailed { call, mode, reason } => Self::SupervisionFailed {
                call: call.into(),
                mode: mode.into(),
                reason: reason.into(),
                text: reason.to_string(),
            },
            E::AutoAnswering { call, after } => Self::AutoAnswering { call: call.into(), after },
            E::DtmfFailed { call, digits, reason } => {
                Self::DtmfFailed { call: call.into(), digits, text: reason }
            }
            E::DtmfSent { call } => Self::DtmfSent { call: call.into() },
            E::Quality { call, report } => {
                Self::Quality { call: call.into(), report: report.into() }
            }
            E::Ended { call, reason } => {
                let text = reason.to_string();
                Self::Ended { call: call.into(), reason: reason.into(), text }
            }
        }
    }
}

impl From<phone::Party> for Party {
    fn from(party: phone::Party) -> Self {
        Self { number: party.number(), name: party.name, uri: party.uri }
    }
}

impl From<DeclineReason> for phone::DeclineReason {
    fn from(reason: DeclineReason) -> Self {
        match reason {
            DeclineReason::Busy => Self::Busy,
            DeclineReason::Decline => Self::Decline,
        }
    }
}

impl From<phone::DeclineReason> for DeclineReason {
    fn from(reason: phone::DeclineReason) -> Self {
        match reason {
            phone::DeclineReason::Busy => Self::Busy,
            phone::DeclineReason::Decline => Self::Decline,
        }
    }
}

impl From<phone::EndReason> for EndReason {
    fn from(reason: phone::EndReason) -> Self {
        use phone::EndReason as E;
        match reason {
            E::Local => Self::Local,
            E::Remote => Self::Remote,
            E::Cancelled => Self::Cancelled,
            E::AnsweredElsewhere => Self::AnsweredElsewhere,
            E::Declined(reason) => Self::Declined { reason: reason.into() },
            E::Refused => Self::Refused,
            E::Busy => Self::Busy,
            E::Unreachable(status) => Self::Unreachable { status },
            E::NoAnswer => Self::NoAnswer,
            E::Rejected { status, reason } => Self::Rejected { status, phrase: reason },
            E::Media(detail) => Self::Media { detail },
            E::NeverCame => Self::NeverCame,
            E::Forwarded(to) => Self::Forwarded { to },
            E::Transferred(to) => Self::Transferred { to },
            E::Referred(to) => Self::Referred { to },
            E::Supervision(end) => Self::Supervision { end: end.into() },
            E::UnreadablePush => Self::UnreadablePush,
            E::NotSignedIn => Self::NotSignedIn,
            E::Restarted => Self::Restarted,
            E::NetworkLost => Self::NetworkLost,
            E::TimedOut => Self::TimedOut,
        }
    }
}
