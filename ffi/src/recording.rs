//! The recordings of a call, as they cross: the server's word, or what is asked of it.

use crate::ControlFailure;
use sidetone_phone as phone;

/// Whether this user may record his calls, as the server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum RecordingAccess {
    /// The server has not said yet, or is not asked.
    Unknown,
    /// The server cannot be asked to record.
    Unavailable,
    /// He may not. What is recorded without being asked is told him all the same.
    Forbidden,
    /// He may.
    Allowed,
}

/// A recording of a call.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Recording {
    /// Its name within the call: 1 to 4 digits, or `auto` for the one that the server makes by itself.
    pub id: String,
    /// What it does, as the server has said.
    pub state: RecordingState,
    /// Whether the server has said so on this connection; else it is what it said last. What is not certain is not shown
    /// as recording.
    pub certain: bool,
    /// Whether the server makes it by itself.
    pub automatic: bool,
    /// What the agent may do with it.
    pub policy: RecordingPolicy,
    /// What was asked for and is not confirmed yet.
    pub requested: Option<RecordingAction>,
}

/// What a recording does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum RecordingState {
    /// What is said is written down.
    Recording,
    /// Nothing is written; it can be resumed.
    Paused,
    /// It is over, or has not begun.
    Stopped,
}

/// What an agent may do with a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum RecordingPolicy {
    /// All: it is his.
    Free,
    /// Pause it and resume it.
    Pausable,
    /// Nothing.
    Locked,
}

/// What is wanted of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum RecordingAction {
    /// Begin it; one that was stopped begins anew, in a file of its own.
    Start,
    /// Write nothing for a while: the file does not have that time.
    Pause,
    /// Go on in the same file.
    Resume,
    /// End it.
    Stop,
}

/// Why what was wanted of a recording was not done, or nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum RecordingFailure {
    /// He may not record.
    Forbidden,
    /// The recording is the site's, whose rules do not let him.
    Locked,
    /// The server knows no such call of his, or no such recording.
    NotThere,
    /// Nothing can be written where the server's recordings go.
    NotWritable,
    /// The server cannot be asked to record.
    Unavailable,
    /// Nobody knows whether it was done: it is being asked for.
    Unconfirmed,
    /// The server refused otherwise.
    Refused {
        /// Why.
        reason: ControlFailure,
    },
}

impl From<phone::RecordingAccess> for RecordingAccess {
    fn from(access: phone::RecordingAccess) -> Self {
        match access {
            phone::RecordingAccess::Unknown => Self::Unknown,
            phone::RecordingAccess::Unavailable => Self::Unavailable,
            phone::RecordingAccess::Forbidden => Self::Forbidden,
            phone::RecordingAccess::Allowed => Self::Allowed,
        }
    }
}

impl From<phone::Recording> for Recording {
    fn from(recording: phone::Recording) -> Self {
        let phone::Recording { id, state, certain, automatic, policy, requested } = recording;
        Self {
            id: id.to_string(),
            state: match state {
                phone::RecordingState::Recording => RecordingState::Recording,
                phone::RecordingState::Paused => RecordingState::Paused,
                phone::RecordingState::Stopped => RecordingState::Stopped,
            },
            certain,
            automatic,
            policy: match policy {
                phone::RecordingPolicy::Free => RecordingPolicy::Free,
                phone::RecordingPolicy::Pausable => RecordingPolicy::Pausable,
                phone::RecordingPolicy::Locked => RecordingPolicy::Locked,
            },
            requested: requested.map(Into::into),
        }
    }
}

impl From<phone::RecordingAction> for RecordingAction {
    fn from(action: phone::RecordingAction) -> Self {
        match action {
            phone::RecordingAction::Start => Self::Start,
            phone::RecordingAction::Pause => Self::Pause,
            phone::RecordingAction::Resume => Self::Resume,
            phone::RecordingAction::Stop => Self::Stop,
        }
    }
}

impl From<RecordingAction> for phone::RecordingAction {
    fn from(action: RecordingAction) -> Self {
        match action {
            RecordingAction::Start => Self::Start,
            RecordingAction::Pause => Self::Pause,
            RecordingAction::Resume => Self::Resume,
            RecordingAction::Stop => Self::Stop,
        }
    }
}

impl From<phone::RecordingFailure> for RecordingFailure {
    fn from(failure: phone::RecordingFailure) -> Self {
        use phone::RecordingFailure as F;
        match failure {
            F::Forbidden => Self::Forbidden,
            F::Locked => Self::Locked,
            F::NotThere => Self::NotThere,
            F::NotWritable => Self::NotWritable,
            F::Unavailable => Self::Unavailable,
            F::Unconfirmed => Self::Unconfirmed,
            F::Refused(reason) => Self::Refused { reason: reason.into() },
        }
    }
}
