//! A call that supervises an agent: what is asked for, and what the server has confirmed (docs/agent-plane.md).

use super::PackProblem;
use serde::{Deserialize, Serialize};

/// Who hears the supervisor; each hears him in the next too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SupervisionMode {
    /// Nobody.
    Listen,
    /// The agent.
    Whisper,
    /// The agent and who talks to him.
    Barge,
}

impl SupervisionMode {
    /// Its name in the server's codes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::Whisper => "whisper",
            Self::Barge => "barge",
        }
    }
}

impl std::fmt::Display for SupervisionMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is to be seen of a supervision. Whatever the call's mute says, the microphone is closed towards it unless a mode
/// is confirmed in which the supervisor is heard, and is not louder than what he asked for last.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// Why a mode that was asked for did not come about, in words that say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SupervisionFailure {
    /// He may not, with this agent.
    #[error("the server does not let you supervise this agent in this way; ask its administrator")]
    Forbidden,
    /// The server takes no such change.
    #[error("the server did not take it ({0}); hang up and supervise the agent anew")]
    Refused(u16),
    /// What the server says of it is not read.
    #[error("the server's supervise.conf is {0}")]
    Unread(PackProblem),
    /// Nobody knows.
    #[error("the server did not say in time that it is done; ask for it again")]
    Unconfirmed,
}

/// Why a supervision ended, or did not begin, in words that say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum SupervisionEnd {
    /// What was supervised is over.
    #[error("the agent's call is over")]
    CallOver,
    /// 403: not this agent, or not in this mode.
    #[error("the server does not let you supervise this agent in this way; ask its administrator")]
    Forbidden,
    /// 404: no such agent, or a server without the pack.
    #[error(
        "the server knows no such agent, or lacks supervise.conf; check the name, or ask its administrator"
    )]
    UnknownAgent,
    /// 480: nothing to supervise.
    #[error("the agent is in no call that can be supervised; try again when he is")]
    NotInCall,
}
