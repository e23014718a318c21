//! The recordings of a call, as a line shows them.

use super::event::JsonEvent;
use super::words::command_error_name;
use serde::{Deserialize, Serialize};
use sidetone_phone::{
    CallId, Command, Recording, RecordingAccess, RecordingAction, RecordingFailure, RecordingId,
    RecordingPolicy, RecordingState,
};

/// A recording.
#[derive(Debug, Serialize)]
pub(crate) struct JsonRecording {
    pub(crate) id: String,
    pub(crate) state: &'static str,
    pub(crate) certain: bool,
    automatic: bool,
    policy: &'static str,
    pub(crate) requested: Option<&'static str>,
}

/// What is wanted of a recording.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum JsonAction {
    Start,
    Pause,
    Resume,
    Stop,
}

impl From<JsonAction> for RecordingAction {
    fn from(action: JsonAction) -> Self {
        match action {
            JsonAction::Start => Self::Start,
            JsonAction::Pause => Self::Pause,
            JsonAction::Resume => Self::Resume,
            JsonAction::Stop => Self::Stop,
        }
    }
}

impl From<Recording> for JsonRecording {
    fn from(recording: Recording) -> Self {
        let Recording { id, state, certain, automatic, policy, requested } = recording;
        let (state, policy) = (state_name(state), policy_name(policy));
        let requested = requested.map(action_name);
        Self { id: id.to_string(), state, certain, automatic, policy, requested }
    }
}

/// The command, or why it is none.
pub(super) fn command(
    call: CallId,
    recording: &str,
    action: JsonAction,
) -> Result<Command, JsonEvent> {
    let refused = |error| JsonEvent::Refused {
        command: "record".to_owned(),
        call: Some(call.to_string()),
        reason: command_error_name(error),
        text: error.to_string(),
    };
    let recording: RecordingId = recording.parse().map_err(refused)?;
    Ok(Command::Record { call, recording, action: action.into() })
}

/// The event of something that came to nothing.
pub(super) fn failed(
    call: CallId,
    recording: &RecordingId,
    action: RecordingAction,
    reason: RecordingFailure,
) -> JsonEvent {
    JsonEvent::RecordingFailed {
        call: call.to_string(),
        recording: recording.to_string(),
        action: action_name(action),
        reason: failure_name(reason),
        text: reason.to_string(),
    }
}

/// Whether the user may record.
pub(super) fn access_name(access: RecordingAccess) -> &'static str {
    match access {
        RecordingAccess::Unknown => "unknown",
        RecordingAccess::Unavailable => "unavailable",
        RecordingAccess::Forbidden => "forbidden",
        RecordingAccess::Allowed => "allowed",
    }
}

fn state_name(state: RecordingState) -> &'static str {
    match state {
        RecordingState::Recording => "recording",
        RecordingState::Paused => "paused",
        RecordingState::Stopped => "stopped",
    }
}

fn policy_name(policy: RecordingPolicy) -> &'static str {
    match policy {
        RecordingPolicy::Free => "free",
        RecordingPolicy::Pausable => "pausable",
        RecordingPolicy::Locked => "locked",
    }
}

fn action_name(action: RecordingAction) -> &'static str {
    match action {
        RecordingAction::Start => "start",
        RecordingAction::Pause => "pause",
        RecordingAction::Resume => "resume",
        RecordingAction::Stop => "stop",
    }
}

fn failure_name(reason: RecordingFailure) -> &'static str {
    match reason {
        RecordingFailure::Forbidden => "forbidden",
        RecordingFailure::Locked => "locked",
        RecordingFailure::NotThere => "not_there",
        RecordingFailure::NotWritable => "not_writable",
        RecordingFailure::Unavailable => "unavailable",
        RecordingFailure::Unconfirmed => "unconfirmed",
        RecordingFailure::Refused(_) => "refused",
    }
}
