//! What a user interface renders, as it crosses: latest wins, and always the truth.

use crate::{
    AgentSnapshot, CallId, FeaturesSnapshot, Intent, Party, Recording, RecordingAccess,
    Supervision, TeamSnapshot, UnreadPack, time,
};
use sidetone_phone as phone;
use std::time::{Duration, SystemTime};

/// All that is to be seen of the phone.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct Snapshot {
    /// Counts what was seen to change; to be given to `next_snapshot`.
    pub revision: u64,
    /// The registration lamp.
    pub registration: Registration,
    /// The calls that have not ended, oldest first.
    pub calls: Vec<CallSnapshot>,
    /// Whether calls are answered without the agent, as the administrator allows it and the agent has not
    /// turned it off.
    pub auto_answer: bool,
    /// Whether the caller of a blind transfer that nobody takes comes back to the agent; to be said before one is made.
    pub transfers_return: TransfersReturn,
    /// The agent at his queues, where the configuration's `queues` wants it.
    pub agent: Option<AgentSnapshot>,
    /// Whether the user may record his calls.
    pub recording: RecordingAccess,
    /// What the server has and what this user may, where the configuration's `features` wants to know.
    pub features: Option<FeaturesSnapshot>,
    /// Colleagues and queues, as long as they are watched (`watch_team`).
    pub team: Option<TeamSnapshot>,
    /// The server's packs that spoke another version than this phone reads, on this connection: what they tell is not known.
    pub unread_packs: Vec<UnreadPack>,
    /// The phone was shut down: this is the last snapshot.
    pub ended: bool,
}

/// Whether the caller of a blind transfer that nobody takes comes back to the agent, as the server's self-test or the administrator says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum TransfersReturn {
    /// Nobody has said: the caller may be lost.
    Unknown,
    /// The server rings the agent again.
    Yes,
    /// The caller is lost.
    No,
}

/// The lamp, and why it shines so.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Registration {
    /// What it shows.
    pub state: RegistrationState,
    /// What is wrong, where something is.
    pub problem: Option<RegistrationProblem>,
    /// Since when.
    pub since: SystemTime,
}

/// What the lamp shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum RegistrationState {
    /// Signed out.
    Unregistered,
    /// Connecting, or waiting for the server's answer.
    Registering,
    /// The server answered on the live connection not long ago.
    Registered,
    /// The connection is silent, or was lost and is built anew.
    Unreachable,
    /// Asleep: no connection. The server has confirmed that it will push.
    ReachableByPush,
    /// Asleep, and no server has confirmed that it will push: no call will come.
    Asleep,
    /// The server refuses, or cannot be used: trying again by itself will not help soon.
    Failed,
}

/// Why the lamp is not green.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RegistrationProblem {
    /// The kind, for what an app does about it.
    pub cause: ProblemCause,
    /// What happened and what to do, in words.
    pub text: String,
    /// What the system or the server said.
    pub detail: Option<String>,
}

/// Kinds of problems with the registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum ProblemCause {
    /// The server's name cannot be resolved.
    NameResolution,
    /// Nobody listens, or no way there.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// The certificate is for another name.
    CertificateName,
    /// The certificate is expired or not valid yet.
    CertificateExpired,
    /// No trusted authority signed the certificate.
    CertificateUntrusted,
    /// TLS failed in another way.
    Tls,
    /// The server does not speak SIP over WebSocket there.
    WebSocket,
    /// The connection was closed.
    Lost,
    /// User name or password refused.
    WrongCredentials,
    /// The server offers no authentication that is supported.
    AuthenticationUnsupported,
    /// The server refused otherwise.
    Refused,
    /// The server does not answer.
    NoAnswer,
    /// The server does not take the push token: a sleeping phone gets no calls.
    PushRefused,
}

/// One call.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct CallSnapshot {
    /// Its id.
    pub id: CallId,
    /// Who called whom.
    pub direction: Direction,
    /// The other side.
    pub remote: Party,
    /// Where it stands.
    pub state: CallState,
    /// What the user decided before the call was here.
    pub intent: Option<Intent>,
    /// Until when it rings, where a push said so.
    pub rings_until: Option<SystemTime>,
    /// What the server says of it.
    pub data: CallData,
    /// Who holds it.
    pub hold: Hold,
    /// Whether this phone is to hold it, by what was asked for last: agreed with the other side, as
    /// `hold` says, or under way. A call screen shows this.
    pub on_hold: bool,
    /// Whether it has the microphone and the speaker: every other call that is answered is on hold,
    /// or about to be.
    pub active: bool,
    /// Whether it is joined with others.
    pub merged: bool,
    /// Where its other side is being sent.
    pub transfer: Option<Party>,
    /// Who has sent this phone there, where the other side of another call did.
    pub referred_by: Option<Party>,
    /// What it is where it supervises an agent's call.
    pub supervision: Option<Supervision>,
    /// Whether it is answered without the agent: it will be, or was.
    pub automatic: bool,
    /// Whether the microphone is closed.
    pub muted: bool,
    /// How far the audio is.
    pub media: MediaPath,
    /// When it began.
    pub began: SystemTime,
    /// When it was answered.
    pub answered: Option<SystemTime>,
    /// From the answer to our first audio packet.
    pub first_sent: Option<Duration>,
    /// From the answer to the first audio heard.
    pub first_heard: Option<Duration>,
    /// The last figures.
    pub quality: Option<QualityReport>,
    /// What is recorded of it, or is to be, where the configuration's `recordings` wants to know.
    pub recordings: Vec<Recording>,
}

/// What the server says of a call besides who calls.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct CallData {
    /// The queue that it came through.
    pub queue: Option<String>,
    /// How long the caller had waited there when this phone was called.
    pub waited: Option<Duration>,
    /// What names the customer's call as a whole, through all queues and agents.
    pub group: Option<String>,
    /// What stands for a caller whose number is hidden.
    pub caller_ref: Option<String>,
    /// The agent sent the caller there, nobody took him, and he is back.
    pub returned_from: Option<String>,
}

/// Who called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Direction {
    /// They called us.
    Incoming,
    /// We called them.
    Outgoing,
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum CallState {
    /// Outgoing: nothing heard of it yet.
    Dialing,
    /// Outgoing: the other side rings or plays early media.
    Alerting,
    /// Incoming: announced by push, not here yet.
    Announced,
    /// Incoming: rings here.
    Ringing,
    /// Incoming: the user answered, the answer is on its way.
    Answering,
    /// Answered, not acknowledged or audio not connected yet.
    Answered,
    /// Talking.
    Established,
    /// Ending: the user is done with it.
    Ending,
}

/// Who holds the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct Hold {
    /// We do.
    pub local: bool,
    /// They do.
    pub remote: bool,
}

/// How far the audio is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum MediaPath {
    /// Nothing is built.
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

/// The audio of one call over one second, and since its start where it says so.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct QualityReport {
    /// The codec in use, as in SDP (`opus`).
    pub codec: String,
    /// Packets sent since the start.
    pub packets_sent: u64,
    /// Packets received since the start.
    pub packets_received: u64,
    /// Packets that never came since the start.
    pub packets_lost: u64,
    /// Packets that came too late to be played, since the start.
    pub packets_late: u64,
    /// Concealed audio since the start.
    pub concealed: Duration,
    /// Interarrival jitter.
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

impl Snapshot {
    pub(crate) fn new(revision: u64, snapshot: phone::Snapshot, ended: bool) -> Self {
        Self {
            revision,
            registration: snapshot.registration.into(),
            calls: snapshot.calls.into_iter().map(Into::into).collect(),
            auto_answer: snapshot.auto_answer,
            transfers_return: snapshot.transfers_return.into(),
            agent: snapshot.agent.map(Into::into),
            recording: snapshot.recording.into(),
            features: snapshot.features.as_deref().map(Into::into),
            team: snapshot.team.as_ref().map(TeamSnapshot::of),
            unread_packs: snapshot.unread_packs.into_iter().map(Into::into).collect(),
            ended,
        }
    }
}

impl From<phone::TransfersReturn> for TransfersReturn {
    fn from(said: phone::TransfersReturn) -> Self {
        match said {
            phone::TransfersReturn::Unknown => Self::Unknown,
            phone::TransfersReturn::Yes => Self::Yes,
            phone::TransfersReturn::No => Self::No,
        }
    }
}

impl From<TransfersReturn> for phone::TransfersReturn {
    fn from(said: TransfersReturn) -> Self {
        match said {
            TransfersReturn::Unknown => Self::Unknown,
            TransfersReturn::Yes => Self::Yes,
            TransfersReturn::No => Self::No,
        }
    }
}

impl From<phone::Registration> for Registration {
    fn from(registration: phone::Registration) -> Self {
        Self {
            state: registration.state.into(),
            problem: registration.problem.map(Into::into),
            since: time::wall(registration.since),
        }
    }
}

impl From<phone::RegistrationState> for RegistrationState {
    fn from(state: phone::RegistrationState) -> Self {
        use phone::RegistrationState as S;
        match state {
            S::Unregistered => Self::Unregistered,
            S::Registering => Self::Registering,
            S::Registered => Self::Registered,
            S::Unreachable => Self::Unreachable,
            S::ReachableByPush => Self::ReachableByPush,
            S::Asleep => Self::Asleep,
            S::Failed => Self::Failed,
        }
    }
}

impl From<phone::RegistrationProblem> for RegistrationProblem {
    fn from(problem: phone::RegistrationProblem) -> Self {
        use phone::RegistrationProblem as P;
        let text = problem.to_string();
        let (cause, detail) = match problem {
            P::Flow { kind, detail } => (kind.into(), Some(detail)),
            P::WrongCredentials => (ProblemCause::WrongCredentials, None),
            P::AuthenticationUnsupported(wanted) => {
                (ProblemCause::AuthenticationUnsupported, Some(wanted))
            }
            P::Refused { status, reason } => {
                (ProblemCause::Refused, Some(format!("{status} {reason}")))
            }
            P::NoAnswer => (ProblemCause::NoAnswer, None),
            P::PushRefused { status, reason } => {
                (ProblemCause::PushRefused, Some(format!("{status} {reason}")))
            }
        };
        Self { cause, text, detail }
    }
}

impl From<phone::FlowErrorKind> for ProblemCause {
    fn from(kind: phone::FlowErrorKind) -> Self {
        use phone::FlowErrorKind as K;
        match kind {
            K::NameResolution => Self::NameResolution,
            K::Unreachable => Self::Unreachable,
            K::TimedOut => Self::TimedOut,
            K::CertificateName => Self::CertificateName,
            K::CertificateExpired => Self::CertificateExpired,
            K::CertificateUntrusted => Self::CertificateUntrusted,
            K::Tls => Self::Tls,
            K::WebSocket => Self::WebSocket,
            K::Lost => Self::Lost,
        }
    }
}

impl From<phone::CallSnapshot> for CallSnapshot {
    fn from(call: phone::CallSnapshot) -> Self {
        let phone::CallSnapshot {
            id,
            direction,
            remote,
            state,
            intent,
            rings_until,
            data,
            hold,
            on_hold,
            active,
            merged,
            transfer,
            referred_by,
            supervision,
            automatic,
            muted,
            media,
            began,
            answered,
            first_sent,
            first_heard,
            quality,
            recordings,
        } = call;
        Self {
            id: id.into(),
            direction: direction.into(),
            remote: remote.into(),
            state: state.into(),
            intent: intent.map(Into::into),
            rings_until: rings_until.map(time::wall),
            data: data.into(),
            hold: hold.into(),
            on_hold,
            active,
            merged,
            transfer: transfer.map(Into::into),
            referred_by: referred_by.map(Into::into),
            supervision: supervision.map(Into::into),
            automatic,
            muted,
            media: media.into(),
            began: time::wall(began),
            answered: answered.map(time::wall),
            first_sent,
            first_heard,
            quality: quality.map(Into::into),
            recordings: recordings.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<phone::CallData> for CallData {
    fn from(data: phone::CallData) -> Self {
        let phone::CallData { queue, waited, group, caller_ref, returned_from } = data;
        Self { queue, waited, group, caller_ref, returned_from }
    }
}

impl From<phone::Direction> for Direction {
    fn from(direction: phone::Direction) -> Self {
        match direction {
            phone::Direction::Incoming => Self::Incoming,
            phone::Direction::Outgoing => Self::Outgoing,
        }
    }
}

impl From<phone::CallState> for CallState {
    fn from(state: phone::CallState) -> Self {
        use phone::CallState as S;
        match state {
            S::Dialing => Self::Dialing,
            S::Alerting => Self::Alerting,
            S::Announced => Self::Announced,
            S::Ringing => Self::Ringing,
            S::Answering => Self::Answering,
            S::Answered => Self::Answered,
            S::Established => Self::Established,
            S::Ending => Self::Ending,
        }
    }
}

impl From<phone::Hold> for Hold {
    fn from(hold: phone::Hold) -> Self {
        Self { local: hold.local, remote: hold.remote }
    }
}

impl From<phone::MediaPath> for MediaPath {
    fn from(path: phone::MediaPath) -> Self {
        use phone::MediaPath as M;
        match path {
            M::New => Self::New,
            M::Connecting => Self::Connecting,
            M::Connected => Self::Connected,
            M::Reconnecting => Self::Reconnecting,
            M::Failed => Self::Failed,
        }
    }
}

impl From<phone::QualityReport> for QualityReport {
    fn from(report: phone::QualityReport) -> Self {
        let phone::QualityReport {
            codec,
            packets_sent,
            packets_received,
            packets_lost,
            packets_late,
            concealed,
            jitter,
            playout_delay,
            round_trip,
            level_sent,
            level_heard,
        } = report;
        Self {
            codec,
            packets_sent,
            packets_received,
            packets_lost,
            packets_late,
            concealed,
            jitter,
            playout_delay,
            round_trip,
            level_sent,
            level_heard,
        }
    }
}
