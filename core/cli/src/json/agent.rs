//! The agent at his queues, as a line shows him.

use super::event::JsonEvent;
use serde::Serialize;
use sidetone_phone::{
    AgentFailure, AgentQueue, AgentRequest, AgentSnapshot, AgentState, Pause, UnixTime,
};

/// What is to be seen of the agent.
#[derive(Debug, Serialize)]
pub(crate) struct JsonAgent {
    pub(crate) state: &'static str,
    pub(crate) certain: bool,
    pub(crate) pause: Option<JsonPause>,
    pub(crate) do_not_disturb: bool,
    queues: Vec<JsonQueue>,
    reasons: Vec<String>,
    logged_in_since: Option<u64>,
    pub(crate) requested: Option<JsonAgentRequest>,
}

/// A pause.
#[derive(Debug, Serialize)]
pub(crate) struct JsonPause {
    pub(crate) reason: Option<String>,
    since: Option<u64>,
    until: Option<u64>,
}

/// A queue that he may log in to.
#[derive(Debug, Serialize)]
struct JsonQueue {
    name: String,
    logged_in: bool,
    paused: bool,
}

/// What he asks for, in the words of the command.
#[derive(Debug, Serialize)]
pub(crate) struct JsonAgentRequest {
    pub(crate) command: &'static str,
    queue: Option<String>,
    reason: Option<String>,
}

pub(super) fn seconds(at: UnixTime) -> u64 {
    at.0.as_secs()
}

impl From<AgentSnapshot> for JsonAgent {
    fn from(agent: AgentSnapshot) -> Self {
        let AgentSnapshot {
            state,
            certain,
            pause,
            do_not_disturb,
            queues,
            reasons,
            logged_in_since,
            requested,
        } = agent;
        let queue = |AgentQueue { name, logged_in, paused }| JsonQueue { name, logged_in, paused };
        Self {
            state: state_name(state),
            certain,
            pause: pause.map(Into::into),
            do_not_disturb,
            queues: queues.into_iter().map(queue).collect(),
            reasons,
            logged_in_since: logged_in_since.map(seconds),
            requested: requested.map(Into::into),
        }
    }
}

impl From<Pause> for JsonPause {
    fn from(Pause { reason, since, until }: Pause) -> Self {
        Self { reason, since: since.map(seconds), until: until.map(seconds) }
    }
}

impl From<AgentRequest> for JsonAgentRequest {
    fn from(request: AgentRequest) -> Self {
        match request {
            AgentRequest::LogIn { queue, reason } => Self { command: "login", queue, reason },
            AgentRequest::LogOut { queue } => Self { command: "logout", queue, reason: None },
            AgentRequest::Pause { reason } => {
                Self { command: "pause", queue: None, reason: Some(reason) }
            }
            AgentRequest::Unpause => Self { command: "unpause", queue: None, reason: None },
        }
    }
}

/// The event of a request that came to nothing.
pub(super) fn failed(request: AgentRequest, reason: AgentFailure) -> JsonEvent {
    let text = reason.to_string();
    JsonEvent::AgentFailed { request: request.into(), reason: failure_name(reason), text }
}

pub(super) fn state_name(state: AgentState) -> &'static str {
    match state {
        AgentState::Unknown => "unknown",
        AgentState::Unavailable => "unavailable",
        AgentState::LoggedOut => "logged_out",
        AgentState::Ready => "ready",
        AgentState::Ringing => "ringing",
        AgentState::OnCall => "on_call",
        AgentState::NotReady => "not_ready",
        AgentState::WrapUp => "wrap_up",
    }
}

fn failure_name(reason: AgentFailure) -> &'static str {
    match reason {
        AgentFailure::UnknownQueue => "unknown_queue",
        AgentFailure::UnknownReason => "unknown_reason",
        AgentFailure::LoggedOut => "logged_out",
        AgentFailure::Forbidden => "forbidden",
        AgentFailure::Unconfirmed => "unconfirmed",
        AgentFailure::Refused(_) => "refused",
    }
}
