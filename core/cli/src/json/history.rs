//! The calls that are over, as they are told and asked for.

use super::event::JsonEvent;
use super::words::{direction_name, end_reason_name, ms};
use serde::{Deserialize, Serialize};
use sidetone_phone::{CallOutcome, HistoryEntry, HistoryPage};

/// A call that is over.
#[derive(Debug, Serialize)]
pub(crate) struct JsonRecord {
    cursor: u64,
    call: String,
    direction: &'static str,
    outcome: &'static str,
    name: Option<String>,
    number: Option<String>,
    redial: Option<String>,
    queue: Option<String>,
    began: u64,
    answered: Option<u64>,
    ended: u64,
    talked_ms: Option<f64>,
    reason: &'static str,
    text: String,
}

impl From<HistoryPage> for JsonEvent {
    fn from(HistoryPage { entries, next, revision }: HistoryPage) -> Self {
        let entries = entries.into_iter().map(JsonRecord::from).collect();
        Self::History { entries, next: next.map(|next| next.0), revision }
    }
}

impl From<HistoryEntry> for JsonRecord {
    fn from(HistoryEntry { cursor, record }: HistoryEntry) -> Self {
        Self {
            cursor: cursor.0,
            call: record.call.to_string(),
            direction: direction_name(record.direction),
            outcome: outcome_name(record.outcome()),
            number: record.number(),
            redial: record.redial(),
            began: record.began.0.as_secs(),
            answered: record.answered.map(|answered| answered.0.as_secs()),
            ended: record.ended.0.as_secs(),
            talked_ms: record.talked().map(ms),
            reason: end_reason_name(&record.reason),
            text: record.reason.to_string(),
            name: record.remote.name,
            queue: record.queue,
        }
    }
}

/// The word for what became of a call.
fn outcome_name(outcome: CallOutcome) -> &'static str {
    match outcome {
        CallOutcome::Answered => "answered",
        CallOutcome::Transferred => "transferred",
        CallOutcome::Missed => "missed",
        CallOutcome::AnsweredElsewhere => "answered_elsewhere",
        CallOutcome::Declined => "declined",
        CallOutcome::Forwarded => "forwarded",
        CallOutcome::Cancelled => "cancelled",
        CallOutcome::Failed => "failed",
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum JsonOutcome {
    Answered,
    Transferred,
    Missed,
    AnsweredElsewhere,
    Declined,
    Forwarded,
    Cancelled,
    Failed,
}

impl From<JsonOutcome> for CallOutcome {
    fn from(outcome: JsonOutcome) -> Self {
        match outcome {
            JsonOutcome::Answered => Self::Answered,
            JsonOutcome::Transferred => Self::Transferred,
            JsonOutcome::Missed => Self::Missed,
            JsonOutcome::AnsweredElsewhere => Self::AnsweredElsewhere,
            JsonOutcome::Declined => Self::Declined,
            JsonOutcome::Forwarded => Self::Forwarded,
            JsonOutcome::Cancelled => Self::Cancelled,
            JsonOutcome::Failed => Self::Failed,
        }
    }
}
