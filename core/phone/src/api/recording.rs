//! The recordings of a call, as the app sees them: the server's word, or what is asked of it.

use super::{CommandError, ControlFailure};
use std::fmt;
use std::str::FromStr;

/// Whether this user may record his calls, as the server says (docs/agent-plane.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecordingAccess {
    /// The server has not said yet, or is not asked.
    #[default]
    Unknown,
    /// The server cannot be asked to record: its dial plan lacks the pack.
    Unavailable,
    /// He may not. What is recorded without being asked is told him all the same.
    Forbidden,
    /// He may.
    Allowed,
}

/// The name of a recording within its call: 1 to 4 digits, which whoever starts it chooses, or `auto` for the one that
/// the server makes by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordingId(String);

impl RecordingId {
    /// The recording that the server makes by itself.
    pub fn automatic() -> Self {
        Self("auto".to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RecordingId {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_number = matches!(text.len(), 1..=4) && text.bytes().all(|b| b.is_ascii_digit());
        if is_number || text == "auto" {
            Ok(Self(text.to_owned()))
        } else {
            Err(CommandError::InvalidRecording)
        }
    }
}

impl fmt::Display for RecordingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A recording of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Its name.
    pub id: RecordingId,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingState {
    /// What is said is written down.
    Recording,
    /// Nothing is written; it can be resumed.
    Paused,
    /// It is over, or has not begun.
    Stopped,
}

/// What an agent may do with a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingPolicy {
    /// All: it is his.
    Free,
    /// Pause it and resume it.
    Pausable,
    /// Nothing.
    Locked,
}

/// What is wanted of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// Why what was wanted of a recording was not done, or nobody knows, in words that say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordingFailure {
    /// He may not record.
    #[error("the server does not allow you to record; ask its administrator")]
    Forbidden,
    /// The recording is the site's.
    #[error("this recording is made by the rules of the site, which do not let you change it so")]
    Locked,
    /// The server knows no such call of his, or no such recording.
    #[error(
        "the server has no such recording of this call; start one, if the call is recorded at all here"
    )]
    NotThere,
    /// Nothing can be written where the server's recordings go.
    #[error(
        "the server cannot write recordings now; ask its administrator to look at their folder"
    )]
    NotWritable,
    /// The server's dial plan lacks the pack.
    #[error("the server cannot be asked to record; ask its administrator to set it up")]
    Unavailable,
    /// Nobody knows whether it was done.
    #[error("the server did not say in time whether it was done; it is being asked")]
    Unconfirmed,
    /// The server refused otherwise.
    #[error("the server did not do this: {0}")]
    Refused(ControlFailure),
}
