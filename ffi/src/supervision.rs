//! A call that supervises an agent's, as it crosses: what is asked for, and what the server has confirmed.

use crate::PackProblem;
use sidetone_phone as phone;

/// Who hears the supervisor; each hears him in the next too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum SupervisionMode {
    /// Nobody.
    Listen,
    /// The agent.
    Whisper,
    /// The agent and who talks to him.
    Barge,
}

/// What is to be seen of a supervision. Whatever the call's mute says, the microphone is closed towards it unless a mode
/// is confirmed in which the supervisor is heard, and is not louder than what he asked for last.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Supervision {
    /// The agent's endpoint.
    pub target: String,
    /// The mode that the server has confirmed.
    pub mode: Option<SupervisionMode>,
    /// The mode that is asked for and not confirmed.
    pub requested: Option<SupervisionMode>,
    /// Whether the microphone is open towards it, as far as the mute lets it be.
    pub speaks: bool,
    /// Whether the supervisor can be heard: not while either side holds the call. `true` where the server does not say.
    pub heard: bool,
    /// Whether it goes on with the agent's next call, which is listened to at first.
    pub follow: bool,
    /// Whether it waits for that call.
    pub waiting: bool,
}

/// Why a mode that was asked for did not come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum SupervisionFailure {
    /// He may not, with this agent.
    Forbidden,
    /// The server takes no such change.
    Refused {
        /// The status.
        status: u16,
    },
    /// What the server says of it is not read.
    Unread {
        /// Why.
        problem: PackProblem,
    },
    /// Nobody knows; nothing is said to anybody until it is asked for again.
    Unconfirmed,
}

/// Why a supervision ended, or did not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum SupervisionEnd {
    /// What was supervised is over.
    CallOver,
    /// Not this agent, or not in this mode.
    Forbidden,
    /// No such agent, or a server without the pack.
    UnknownAgent,
    /// Nothing to supervise.
    NotInCall,
}

impl From<SupervisionMode> for phone::SupervisionMode {
    fn from(mode: SupervisionMode) -> Self {
        match mode {
            SupervisionMode::Listen => Self::Listen,
            SupervisionMode::Whisper => Self::Whisper,
            SupervisionMode::Barge => Self::Barge,
        }
    }
}

impl From<phone::SupervisionMode> for SupervisionMode {
    fn from(mode: phone::SupervisionMode) -> Self {
        match mode {
            phone::SupervisionMode::Listen => Self::Listen,
            phone::SupervisionMode::Whisper => Self::Whisper,
            phone::SupervisionMode::Barge => Self::Barge,
        }
    }
}

impl From<phone::Supervision> for Supervision {
    fn from(supervision: phone::Supervision) -> Self {
        let phone::Supervision { target, mode, requested, speaks, heard, follow, waiting } =
            supervision;
        let (mode, requested) = (mode.map(Into::into), requested.map(Into::into));
        Self { target, mode, requested, speaks, heard, follow, waiting }
    }
}

impl From<phone::SupervisionFailure> for SupervisionFailure {
    fn from(failure: phone::SupervisionFailure) -> Self {
        match failure {
            phone::SupervisionFailure::Forbidden => Self::Forbidden,
            phone::SupervisionFailure::Refused(status) => Self::Refused { status },
            phone::SupervisionFailure::Unread(problem) => Self::Unread { problem: problem.into() },
            phone::SupervisionFailure::Unconfirmed => Self::Unconfirmed,
        }
    }
}

impl From<phone::SupervisionEnd> for SupervisionEnd {
    fn from(end: phone::SupervisionEnd) -> Self {
        match end {
            phone::SupervisionEnd::CallOver => Self::CallOver,
            phone::SupervisionEnd::Forbidden => Self::Forbidden,
            phone::SupervisionEnd::UnknownAgent => Self::UnknownAgent,
            phone::SupervisionEnd::NotInCall => Self::NotInCall,
        }
    }
}
