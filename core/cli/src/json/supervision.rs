//! A call that supervises an agent's, as a line shows it.

use super::event::JsonEvent;
use serde::{Deserialize, Serialize};
use sidetone_phone::{CallId, Supervision, SupervisionEnd, SupervisionFailure, SupervisionMode};

/// Who hears the supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JsonMode {
    Listen,
    Whisper,
    Barge,
}

/// What is to be seen of a supervision.
#[derive(Debug, Serialize)]
pub(crate) struct JsonSupervision {
    pub(crate) target: String,
    pub(crate) mode: Option<JsonMode>,
    pub(crate) requested: Option<JsonMode>,
    speaks: bool,
    heard: bool,
    follow: bool,
    pub(crate) waiting: bool,
}

impl From<JsonMode> for SupervisionMode {
    fn from(mode: JsonMode) -> Self {
        match mode {
            JsonMode::Listen => Self::Listen,
            JsonMode::Whisper => Self::Whisper,
            JsonMode::Barge => Self::Barge,
        }
    }
}

impl From<SupervisionMode> for JsonMode {
    fn from(mode: SupervisionMode) -> Self {
        match mode {
            SupervisionMode::Listen => Self::Listen,
            SupervisionMode::Whisper => Self::Whisper,
            SupervisionMode::Barge => Self::Barge,
        }
    }
}

impl From<Supervision> for JsonSupervision {
    fn from(supervision: Supervision) -> Self {
        let Supervision { target, mode, requested, speaks, heard, follow, waiting } = supervision;
        let (mode, requested) = (mode.map(Into::into), requested.map(Into::into));
        Self { target, mode, requested, speaks, heard, follow, waiting }
    }
}

/// The event of a mode that did not come about.
pub(super) fn failed(call: CallId, mode: SupervisionMode, reason: SupervisionFailure) -> JsonEvent {
    let word = match reason {
        SupervisionFailure::Forbidden => "forbidden",
        SupervisionFailure::Refused(_) => "refused",
        SupervisionFailure::Unread(problem) => super::pack::word(problem),
        SupervisionFailure::Unconfirmed => "unconfirmed",
    };
    JsonEvent::SupervisionFailed {
        call: call.to_string(),
        mode: mode.into(),
        reason: word,
        text: reason.to_string(),
    }
}

/// The word of an end.
pub(super) fn end_name(end: SupervisionEnd) -> &'static str {
    match end {
        SupervisionEnd::CallOver => "supervision_call_over",
        SupervisionEnd::Forbidden => "supervision_forbidden",
        SupervisionEnd::UnknownAgent => "supervision_unknown_agent",
        SupervisionEnd::NotInCall => "supervision_not_in_call",
    }
}

/// What it is, in a few words.
pub(crate) fn plain(supervision: &JsonSupervision) -> String {
    let word = |mode: JsonMode| SupervisionMode::from(mode).as_str();
    let is = match supervision.mode {
        _ if supervision.waiting => "waits for the next call".to_owned(),
        None => "not confirmed yet".to_owned(),
        Some(mode) if supervision.heard => word(mode).to_owned(),
        Some(mode) => format!("{}, on hold: nobody hears it", word(mode)),
    };
    let asked = supervision.requested.map(|mode| format!(", {} requested", word(mode)));
    format!("supervising {}: {is}{}", supervision.target, asked.unwrap_or_default())
}
