//! The agent at his queues, as the app sees him: the server's word, or what is asked of it.

use super::{ControlFailure, UnixTime};

/// What is to be seen of the agent (docs/agent-plane.md).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSnapshot {
    /// What he is.
    pub state: AgentState,
    /// Whether the server has said so on this connection; else it is what it said last.
    pub certain: bool,
    /// His pause, which a call that goes on does not end, and which begins when that is over.
    pub pause: Option<Pause>,
    /// Whether direct calls to him are refused now, as the server has said: by the site's policy for those who are paused.
    pub do_not_disturb: bool,
    /// The queues that he may log in to, in the server's order.
    pub queues: Vec<AgentQueue>,
    /// The reasons for a pause that the server takes, in its order.
    pub reasons: Vec<String>,
    /// Since when he is logged in to a queue.
    pub logged_in_since: Option<UnixTime>,
    /// What the server was asked for and has not confirmed yet.
    pub requested: Option<AgentRequest>,
}

/// What an agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentState {
    /// The server has not said yet.
    Unknown,
    /// The server has no queues for this user: its dial plan lacks the pack, or the user is no agent.
    Unavailable,
    /// In no queue.
    LoggedOut,
    /// The queues may call.
    Ready,
    /// A call rings.
    Ringing,
    /// In a call.
    OnCall,
    /// Paused: no queue calls.
    NotReady,
    /// Paused by the server after a call, for what is to be written down.
    WrapUp,
}

/// A pause.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pause {
    /// Why; `None`: somebody else has paused the agent and has not said.
    pub reason: Option<String>,
    /// Since when, where it is known.
    pub since: Option<UnixTime>,
    /// When the server ends it.
    pub until: Option<UnixTime>,
}

/// A queue, and the agent in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentQueue {
    /// Its name.
    pub name: String,
    /// Whether he is logged in to it.
    pub logged_in: bool,
    /// Whether it does not call him.
    pub paused: bool,
}

/// What an agent wants to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentRequest {
    /// Logged in to a queue, or to all that he may be in; with a reason, paused from the beginning.
    LogIn {
        /// The queue; `None`: all.
        queue: Option<String>,
        /// The reason of the pause.
        reason: Option<String>,
    },
    /// Logged out of a queue, or of all.
    LogOut {
        /// The queue; `None`: all.
        queue: Option<String>,
    },
    /// Paused in all queues.
    Pause {
        /// Why: one of [`AgentSnapshot::reasons`].
        reason: String,
    },
    /// No more paused.
    Unpause,
}

/// Why a request of an agent came to nothing, or nobody knows, in words that say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AgentFailure {
    /// There is no such queue for him.
    #[error("there is no such queue for you; choose one of those that are shown")]
    UnknownQueue,
    /// There is no such reason.
    #[error("the server knows no such reason for a pause; choose one of those that are shown")]
    UnknownReason,
    /// He is in no queue.
    #[error("you are logged in to no queue; log in first")]
    LoggedOut,
    /// He may not.
    #[error("the server does not allow you this; ask its administrator")]
    Forbidden,
    /// Nobody knows whether it was done.
    #[error("the server did not say in time whether it was done; its answer is being asked for")]
    Unconfirmed,
    /// The server refused otherwise.
    #[error("the server did not do this: {0}")]
    Refused(ControlFailure),
}
