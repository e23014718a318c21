//! The agent at his queues, as he crosses: the server's word, or what is asked of it.

use crate::{ControlFailure, time};
use sidetone_phone as phone;
use std::time::SystemTime;

/// What is to be seen of the agent.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
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
    pub logged_in_since: Option<SystemTime>,
    /// What the server was asked for and has not confirmed yet.
    pub requested: Option<AgentRequest>,
}

/// What an agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum AgentState {
    /// The server has not said yet.
    Unknown,
    /// The server has no queues for this user.
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
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Pause {
    /// Why; none: somebody else has paused the agent and has not said.
    pub reason: Option<String>,
    /// Since when, where it is known.
    pub since: Option<SystemTime>,
    /// When the server ends it.
    pub until: Option<SystemTime>,
}

/// A queue, and the agent in it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct AgentQueue {
    /// Its name.
    pub name: String,
    /// Whether he is logged in to it.
    pub logged_in: bool,
    /// Whether it does not call him.
    pub paused: bool,
}

/// What an agent wants to be.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum AgentRequest {
    /// Logged in to a queue, or to all that he may be in; with a reason, paused from the beginning.
    LogIn {
        /// The queue; none: all.
        queue: Option<String>,
        /// The reason of the pause.
        reason: Option<String>,
    },
    /// Logged out of a queue, or of all.
    LogOut {
        /// The queue; none: all.
        queue: Option<String>,
    },
    /// Paused in all queues.
    Pause {
        /// Why.
        reason: String,
    },
    /// No more paused.
    Unpause,
}

/// Why a request of an agent came to nothing, or nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum AgentFailure {
    /// There is no such queue for him.
    UnknownQueue,
    /// There is no such reason.
    UnknownReason,
    /// He is in no queue.
    LoggedOut,
    /// He may not.
    Forbidden,
    /// Nobody knows whether it was done: it is asked for.
    Unconfirmed,
    /// The server refused otherwise.
    Refused {
        /// How.
        reason: ControlFailure,
    },
}

impl From<phone::AgentSnapshot> for AgentSnapshot {
    fn from(agent: phone::AgentSnapshot) -> Self {
        Self {
            state: agent.state.into(),
            certain: agent.certain,
            pause: agent.pause.map(Into::into),
            do_not_disturb: agent.do_not_disturb,
            queues: agent.queues.into_iter().map(Into::into).collect(),
            reasons: agent.reasons,
            logged_in_since: agent.logged_in_since.map(time::wall),
            requested: agent.requested.map(Into::into),
        }
    }
}

impl From<phone::AgentState> for AgentState {
    fn from(state: phone::AgentState) -> Self {
        match state {
            phone::AgentState::Unknown => Self::Unknown,
            phone::AgentState::Unavailable => Self::Unavailable,
            phone::AgentState::LoggedOut => Self::LoggedOut,
            phone::AgentState::Ready => Self::Ready,
            phone::AgentState::Ringing => Self::Ringing,
            phone::AgentState::OnCall => Self::OnCall,
            phone::AgentState::NotReady => Self::NotReady,
            phone::AgentState::WrapUp => Self::WrapUp,
        }
    }
}

impl From<phone::Pause> for Pause {
    fn from(phone::Pause { reason, since, until }: phone::Pause) -> Self {
        Self { reason, since: since.map(time::wall), until: until.map(time::wall) }
    }
}

impl From<phone::AgentQueue> for AgentQueue {
    fn from(phone::AgentQueue { name, logged_in, paused }: phone::AgentQueue) -> Self {
        Self { name, logged_in, paused }
    }
}

impl From<phone::AgentRequest> for AgentRequest {
    fn from(request: phone::AgentRequest) -> Self {
        use phone::AgentRequest as R;
        match request {
            R::LogIn { queue, reason } => Self::LogIn { queue, reason },
            R::LogOut { queue } => Self::LogOut { queue },
            R::Pause { reason } => Self::Pause { reason },
            R::Unpause => Self::Unpause,
        }
    }
}

impl From<phone::AgentFailure> for AgentFailure {
    fn from(failure: phone::AgentFailure) -> Self {
        use phone::AgentFailure as F;
        match failure {
            F::UnknownQueue => Self::UnknownQueue,
            F::UnknownReason => Self::UnknownReason,
            F::LoggedOut => Self::LoggedOut,
            F::Forbidden => Self::Forbidden,
            F::Unconfirmed => Self::Unconfirmed,
            F::Refused(reason) => Self::Refused { reason: reason.into() },
        }
    }
}
