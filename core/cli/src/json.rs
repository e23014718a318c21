//! The JSON lines: what each event looks like, and what a command must look like (docs/cli.md).

use serde::{Deserialize, Serialize};
use sidetone_phone::{
    Announcement, CallId, CallOutcome, Command, CommandError, DeclineReason, Digits, Direction,
    EndReason, Event, Handover, HistoryCursor, HistoryEntry, HistoryFilter, HistoryPage, Party,
    PushProvider, PushToken, QualityReport, RegistrationState, Report,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// The calls of a page, where no number is asked for.
const LISTED: usize = 50;

/// One line of output: `{"event": …, "at_ms": …, …}`.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    /// What it tells.
    #[serde(flatten)]
    pub(crate) event: JsonEvent,
    /// Since the session started, in milliseconds.
    pub(crate) at_ms: f64,
}

/// Everything that can be told.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum JsonEvent {
    Registration {
        state: &'static str,
        reason: Option<String>,
    },
    Incoming {
        call: String,
        from: JsonParty,
        headers: BTreeMap<String, String>,
        announced: bool,
    },
    Announced {
        call: String,
        name: Option<String>,
        number: Option<String>,
        queue: Option<String>,
        deadline: u64,
    },
    Reported {
        call: String,
        caller: JsonCaller,
        queue: Option<String>,
        deadline: u64,
        over: Option<&'static str>,
    },
    Dialing {
        call: String,
        to: JsonParty,
    },
    Ringing {
        call: String,
    },
    EarlyMedia {
        call: String,
    },
    Answered {
        call: String,
    },
    Established {
        call: String,
    },
    Media {
        call: String,
        first_sent_ms: Option<f64>,
        first_heard_ms: Option<f64>,
    },
    Quality {
        call: String,
        #[serde(flatten)]
        quality: Box<JsonQuality>,
    },
    Reconnecting {
        call: String,
    },
    Reconnected {
        call: String,
        gap_ms: Option<f64>,
    },
    Hold {
        call: String,
        local: bool,
        remote: bool,
    },
    HoldFailed {
        call: String,
        reason: String,
    },
    Merged {
        calls: Vec<String>,
    },
    TransferProgress {
        call: String,
        to: JsonParty,
        status: u16,
    },
    TransferFailed {
        call: String,
        reason: String,
    },
    Mute {
        call: String,
        on: bool,
    },
    DtmfSent {
        call: String,
    },
    Ended {
        call: String,
        reason: &'static str,
        status: Option<u16>,
        text: String,
    },
    History {
        entries: Vec<JsonRecord>,
        next: Option<u64>,
        revision: u64,
    },
    HistoryChanged {
        revision: u64,
    },
    Accepted {
        command: String,
        call: Option<String>,
    },
    Refused {
        command: String,
        call: Option<String>,
        reason: &'static str,
        text: String,
    },
    Sip {
        sent: bool,
        message: String,
    },
    Step {
        step: String,
        detail: String,
    },
    Check {
        name: String,
        ok: bool,
        took_ms: Option<f64>,
        detail: String,
        advice: Option<String>,
    },
    Report {
        file: String,
    },
    Ready {
        server: String,
        ca: String,
        accounts: Vec<String>,
        password: String,
    },
    Error {
        text: String,
    },
}

/// One side of a call.
#[derive(Debug, Serialize)]
pub(crate) struct JsonParty {
    name: Option<String>,
    uri: String,
}

/// Who calls, as a push says.
#[derive(Debug, Serialize)]
pub(crate) struct JsonCaller {
    name: Option<String>,
    number: Option<String>,
}

impl std::fmt::Display for JsonCaller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name.as_ref().or(self.number.as_ref()).map_or("unknown", |text| text))
    }
}

impl From<&Report> for JsonEvent {
    fn from(report: &Report) -> Self {
        let Announcement { call, caller, queue, deadline, .. } = report.announcement.clone();
        Self::Reported {
            call: call.to_string(),
            caller: JsonCaller { name: caller.name, number: caller.number },
            queue,
            deadline: deadline.0.as_secs(),
            over: report.over.as_ref().map(end_reason_name),
        }
    }
}

impl std::fmt::Display for JsonParty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.uri),
            None => f.write_str(&self.uri),
        }
    }
}

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
            direction: match record.direction {
                Direction::Incoming => "incoming",
                Direction::Outgoing => "outgoing",
            },
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

/// The media figures of one second.
#[derive(Debug, Serialize)]
pub(crate) struct JsonQuality {
    codec: String,
    packets_sent: u64,
    packets_received: u64,
    packets_lost: u64,
    packets_late: u64,
    concealed_ms: f64,
    jitter_ms: f64,
    playout_delay_ms: f64,
    round_trip_ms: Option<f64>,
    level_sent_dbfs: f32,
    level_heard_dbfs: f32,
}

impl From<Party> for JsonParty {
    fn from(Party { name, uri }: Party) -> Self {
        Self { name, uri }
    }
}

impl From<QualityReport> for JsonQuality {
    fn from(report: QualityReport) -> Self {
        Self {
            codec: report.codec,
            packets_sent: report.packets_sent,
            packets_received: report.packets_received,
            packets_lost: report.packets_lost,
            packets_late: report.packets_late,
            concealed_ms: ms(report.concealed),
            jitter_ms: ms(report.jitter),
            playout_delay_ms: ms(report.playout_delay),
            round_trip_ms: report.round_trip.map(ms),
            level_sent_dbfs: report.level_sent,
            level_heard_dbfs: report.level_heard,
        }
    }
}

impl From<Event> for JsonEvent {
    fn from(event: Event) -> Self {
        let id = |call: CallId| call.to_string();
        match event {
            Event::RegistrationChanged(registration) => Self::Registration {
                state: registration_name(registration.state),
                reason: registration.problem.map(|problem| problem.to_string()),
            },
            Event::Incoming { call, from, headers, announced } => Self::Incoming {
                call: id(call),
                from: from.into(),
                headers: headers.into_iter().collect(),
                announced,
            },
            Event::Announced { call, announcement } => Self::Announced {
                call: id(call),
                name: announcement.caller.name,
                number: announcement.caller.number,
                queue: announcement.queue,
                deadline: announcement.deadline.0.as_secs(),
            },
            Event::Dialing { call, to } => Self::Dialing { call: id(call), to: to.into() },
            Event::Ringing { call } => Self::Ringing { call: id(call) },
            Event::EarlyMedia { call } => Self::EarlyMedia { call: id(call) },
            Event::Answered { call, direction: _ } => Self::Answered { call: id(call) },
            Event::Established { call } => Self::Established { call: id(call) },
            Event::MediaFlowing { call, first_sent, first_heard } => Self::Media {
                call: id(call),
                first_sent_ms: first_sent.map(ms),
                first_heard_ms: first_heard.map(ms),
            },
            Event::Reconnecting { call } => Self::Reconnecting { call: id(call) },
            Event::Reconnected { call, gap } => {
                Self::Reconnected { call: id(call), gap_ms: gap.map(ms) }
            }
            Event::HoldChanged { call, hold } => {
                Self::Hold { call: id(call), local: hold.local, remote: hold.remote }
            }
            Event::HoldFailed { call, reason } => Self::HoldFailed { call: id(call), reason },
            Event::Merged { calls } => Self::Merged { calls: calls.into_iter().map(id).collect() },
            Event::TransferProgress { call, to, status } => {
                Self::TransferProgress { call: id(call), to: to.into(), status }
            }
            Event::TransferFailed { call, reason } => {
                Self::TransferFailed { call: id(call), reason }
            }
            Event::MuteChanged { call, muted } => Self::Mute { call: id(call), on: muted },
            Event::DtmfSent { call } => Self::DtmfSent { call: id(call) },
            Event::Quality { call, report } => {
                Self::Quality { call: id(call), quality: Box::new(report.into()) }
            }
            Event::Ended { call, reason } => Self::Ended {
                call: id(call),
                reason: end_reason_name(&reason),
                status: end_status(&reason),
                text: reason.to_string(),
            },
        }
    }
}

/// A duration in milliseconds, to the microsecond.
pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

/// The lamp's word.
pub(crate) fn registration_name(state: RegistrationState) -> &'static str {
    match state {
        RegistrationState::Unregistered => "unregistered",
        RegistrationState::Registering => "registering",
        RegistrationState::Registered => "registered",
        RegistrationState::Unreachable => "unreachable",
        RegistrationState::ReachableByPush => "reachable_by_push",
        RegistrationState::Asleep => "asleep",
        RegistrationState::Failed => "failed",
    }
}

fn end_reason_name(reason: &EndReason) -> &'static str {
    match reason {
        EndReason::Local => "local",
        EndReason::Remote => "remote",
        EndReason::Cancelled => "cancelled",
        EndReason::AnsweredElsewhere => "answered_elsewhere",
        EndReason::Declined(_) => "declined",
        EndReason::Refused => "refused",
        EndReason::Busy => "busy",
        EndReason::Unreachable(_) => "unreachable",
        EndReason::NoAnswer => "no_answer",
        EndReason::Rejected { .. } => "rejected",
        EndReason::Media(_) => "media",
        EndReason::NetworkLost => "network_lost",
        EndReason::TimedOut => "timed_out",
        EndReason::NeverCame => "never_came",
        EndReason::Forwarded(_) => "forwarded",
        EndReason::Transferred(_) => "transferred",
        EndReason::UnreadablePush => "unreadable_push",
        EndReason::NotSignedIn => "not_signed_in",
        EndReason::Restarted => "restarted",
    }
}

fn end_status(reason: &EndReason) -> Option<u16> {
    match reason {
        EndReason::Unreachable(status) | EndReason::Rejected { status, .. } => Some(*status),
        EndReason::Local
        | EndReason::Remote
        | EndReason::Cancelled
        | EndReason::AnsweredElsewhere
        | EndReason::Declined(_)
        | EndReason::Refused
        | EndReason::Busy
        | EndReason::NoAnswer
        | EndReason::Media(_)
        | EndReason::NetworkLost
        | EndReason::NeverCame
        | EndReason::Forwarded(_)
        | EndReason::Transferred(_)
        | EndReason::UnreadablePush
        | EndReason::NotSignedIn
        | EndReason::Restarted
        | EndReason::TimedOut => None,
    }
}

/// The word for a refused command.
pub(crate) fn command_error_name(error: CommandError) -> &'static str {
    match error {
        CommandError::UnknownCall => "unknown_call",
        CommandError::CallIdTaken => "call_id_taken",
        CommandError::WrongState => "wrong_state",
        CommandError::NotRegistered => "not_registered",
        CommandError::InvalidTarget => "invalid_target",
        CommandError::InvalidDigits => "invalid_digits",
        CommandError::DtmfNotNegotiated => "dtmf_not_negotiated",
        CommandError::Transferring => "transferring",
        CommandError::NothingToSwap => "nothing_to_swap",
        CommandError::TooFewCalls => "too_few_calls",
        CommandError::TooManyToLeave => "too_many_to_leave",
        CommandError::TooManyCalls => "too_many_calls",
        CommandError::InCall => "in_call",
        CommandError::InvalidToken => "invalid_token",
    }
}

/// One line of input: `{"command": …, "call": …, …}`.
#[derive(Debug, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
enum JsonCommand {
    Dial {
        uri: String,
        call: Option<uuid::Uuid>,
    },
    Answer {
        call: uuid::Uuid,
    },
    Decline {
        call: uuid::Uuid,
        #[serde(default)]
        busy: bool,
    },
    Hangup {
        call: uuid::Uuid,
    },
    Hold {
        call: uuid::Uuid,
        on: bool,
    },
    Mute {
        call: uuid::Uuid,
        on: bool,
    },
    Dtmf {
        call: uuid::Uuid,
        digits: String,
    },
    Forward {
        call: uuid::Uuid,
        to: String,
    },
    Transfer {
        call: uuid::Uuid,
        to: String,
    },
    Attended {
        call: uuid::Uuid,
        with: uuid::Uuid,
    },
    Merge {
        calls: Vec<uuid::Uuid>,
    },
    Split {
        call: uuid::Uuid,
    },
    Swap {},
    Leave {},
    Announce {
        payload: serde_json::Value,
    },
    PushToken {
        token: Option<JsonToken>,
    },
    History {
        #[serde(default)]
        filter: String,
        outcome: Option<JsonOutcome>,
        after: Option<u64>,
        limit: Option<usize>,
    },
    ClearHistory {},
    Sleep {},
    NetworkChanged {
        make_before_break: bool,
    },
    Register {},
    Unregister {},
    Quit {},
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum JsonOutcome {
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

/// RFC 8599 §4.1.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonToken {
    provider: JsonProvider,
    param: String,
    prid: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum JsonProvider {
    Fcm,
    Apns,
}

impl From<JsonToken> for PushToken {
    fn from(JsonToken { provider, param, prid }: JsonToken) -> Self {
        let provider = match provider {
            JsonProvider::Fcm => PushProvider::Fcm,
            JsonProvider::Apns => PushProvider::Apns,
        };
        Self { provider, param, prid }
    }
}

/// What a line of input asks for.
#[derive(Debug)]
pub(crate) enum Request {
    /// Something for the phone; the command's name and call for the answer.
    Command { name: &'static str, call: Option<CallId>, command: Command },
    /// A push came with this payload.
    Announce(Vec<u8>),
    /// The network is another.
    NetworkChanged(Handover),
    /// Some of the calls that are over.
    History { filter: HistoryFilter, after: Option<HistoryCursor>, limit: usize },
    /// All of them are to be forgotten.
    ClearHistory,
    /// Leave.
    Quit,
}

impl Request {
    /// Reads one line; an id is drawn for a dial without one.
    pub(crate) fn parse(line: &str) -> Result<Self, JsonEvent> {
        let refused = |text: String| JsonEvent::Refused {
            command: name_in(line),
            call: None,
            reason: "invalid_command",
            text,
        };
        let command: JsonCommand = serde_json::from_str(line).map_err(|error| {
            refused(format!("this is not a command: {error}; docs/cli.md lists them"))
        })?;
        let (name, call, command) = match command {
            JsonCommand::Dial { uri, call } => {
                let call = CallId(call.unwrap_or_else(uuid::Uuid::new_v4));
                ("dial", Some(call), Command::Dial { call, to: uri })
            }
            JsonCommand::Answer { call } => {
                with_call("answer", call, |call| Command::Answer { call })
            }
            JsonCommand::Decline { call, busy } => with_call("decline", call, |call| {
                let reason = if busy { DeclineReason::Busy } else { DeclineReason::Decline };
                Command::Decline { call, reason }
            }),
            JsonCommand::Hangup { call } => {
                with_call("hangup", call, |call| Command::HangUp { call })
            }
            JsonCommand::Hold { call, on } => {
                with_call("hold", call, |call| Command::Hold { call, on })
            }
            JsonCommand::Mute { call, on } => {
                with_call("mute", call, |call| Command::Mute { call, on })
            }
            JsonCommand::Dtmf { call, digits } => {
                let digits = Digits::new(&digits).map_err(|error| JsonEvent::Refused {
                    command: "dtmf".to_owned(),
                    call: Some(call.to_string()),
                    reason: command_error_name(error),
                    text: error.to_string(),
                })?;
                with_call("dtmf", call, |call| Command::SendDtmf { call, digits })
            }
            JsonCommand::Forward { call, to } => {
                with_call("forward", call, |call| Command::Forward { call, to })
            }
            JsonCommand::Transfer { call, to } => {
                with_call("transfer", call, |call| Command::Transfer { call, to })
            }
            JsonCommand::Attended { call, with } => {
                with_call("attended", call, |call| Command::TransferTo { call, with: CallId(with) })
            }
            JsonCommand::Merge { calls } => {
                ("merge", None, Command::Merge { calls: calls.into_iter().map(CallId).collect() })
            }
            JsonCommand::Split { call } => with_call("split", call, |call| Command::Split { call }),
            JsonCommand::Swap {} => ("swap", None, Command::Swap),
            JsonCommand::Leave {} => ("leave", None, Command::Leave),
            // A text is the payload itself, whatever is in it.
            JsonCommand::Announce { payload: serde_json::Value::String(text) } => {
                return Ok(Self::Announce(text.into_bytes()));
            }
            JsonCommand::Announce { payload } => {
                return Ok(Self::Announce(payload.to_string().into_bytes()));
            }
            JsonCommand::PushToken { token } => {
                ("push_token", None, Command::SetPushToken(token.map(Into::into)))
            }
            JsonCommand::History { filter, outcome, after, limit } => {
                let filter = HistoryFilter { text: filter, outcome: outcome.map(Into::into) };
                let (after, limit) = (after.map(HistoryCursor), limit.unwrap_or(LISTED));
                return Ok(Self::History { filter, after, limit });
            }
            JsonCommand::ClearHistory {} => return Ok(Self::ClearHistory),
            JsonCommand::Sleep {} => ("sleep", None, Command::Sleep),
            JsonCommand::NetworkChanged { make_before_break: true } => {
                return Ok(Self::NetworkChanged(Handover::MakeBeforeBreak));
            }
            JsonCommand::NetworkChanged { make_before_break: false } => {
                return Ok(Self::NetworkChanged(Handover::BreakBeforeMake));
            }
            JsonCommand::Register {} => ("register", None, Command::Register),
            JsonCommand::Unregister {} => ("unregister", None, Command::Unregister),
            JsonCommand::Quit {} => return Ok(Self::Quit),
        };
        Ok(Self::Command { name, call, command })
    }
}

fn with_call(
    name: &'static str,
    call: uuid::Uuid,
    command: impl FnOnce(CallId) -> Command,
) -> (&'static str, Option<CallId>, Command) {
    let call = CallId(call);
    (name, Some(call), command(call))
}

/// The command's name in a line that is otherwise wrong, as far as it can be made out.
pub(crate) fn name_in(line: &str) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(line).ok();
    let name = value.as_ref().and_then(|value| value.get("command")?.as_str());
    name.unwrap_or("?").chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "6f1ed002-ab34-4b6e-a1f5-0123456789ab";

    #[test]
    fn a_dial_without_an_id_gets_one() {
        let request = Request::parse(r#"{"command":"dial","uri":"600"}"#).unwrap();
        assert!(matches!(request, Request::Command { name: "dial", call: Some(_), .. }));
    }

    #[test]
    fn a_command_with_an_unknown_field_is_refused_by_name() {
        let line = format!(r#"{{"command":"hold","call":"{CALL}","on":true,"of":1}}"#);
        let Err(JsonEvent::Refused { command, reason, .. }) = Request::parse(&line) else {
            panic!("taken");
        };
        assert_eq!((command.as_str(), reason), ("hold", "invalid_command"));
    }

    #[test]
    fn digits_that_are_none_are_refused_with_advice() {
        let line = format!(r#"{{"command":"dtmf","call":"{CALL}","digits":"12x"}}"#);
        let Err(JsonEvent::Refused { reason, text, .. }) = Request::parse(&line) else {
            panic!("taken");
        };
        assert_eq!(reason, "invalid_digits");
        assert!(text.contains("0-9"), "{text}");
    }

    #[test]
    fn an_ended_call_says_why_in_a_word_and_in_words() {
        let reason = EndReason::Unreachable(404);
        let event = JsonEvent::from(Event::Ended { call: CallId(CALL.parse().unwrap()), reason });
        let line = serde_json::to_value(Line { event, at_ms: 1.5 }).unwrap();
        assert_eq!(line["event"], "ended");
        assert_eq!(line["reason"], "unreachable");
        assert_eq!(line["status"], 404);
        assert_eq!(line["at_ms"], 1.5);
    }

    #[test]
    fn a_push_is_reported_with_who_calls_and_whether_it_is_over() {
        let line = format!(
            r#"{{"command":"announce","payload":{{"sidetone":{{"v":1,"kind":"cancelled","call":"{CALL}","queue":"sales"}}}}}}"#
        );
        let Ok(Request::Announce(payload)) = Request::parse(&line) else { panic!("not taken") };
        let event = JsonEvent::from(&sidetone_driver::announce(&payload));
        let line = serde_json::to_value(Line { event, at_ms: 0.0 }).unwrap();
        assert_eq!((&line["event"], &line["call"]), (&"reported".into(), &CALL.into()));
        assert_eq!((&line["queue"], &line["over"]), (&"sales".into(), &"cancelled".into()));
        assert!(line["caller"]["number"].is_null() && line["deadline"].as_u64() > Some(1));
    }

    #[test]
    fn a_push_token_is_set_or_taken_away_and_is_not_shown() {
        let with =
            r#"{"command":"push_token","token":{"provider":"fcm","param":"p","prid":"Se-cret"}}"#;
        let Ok(Request::Command { command, .. }) = Request::parse(with) else {
            panic!("not taken")
        };
        assert!(matches!(&command, Command::SetPushToken(Some(token)) if token.prid == "Se-cret"));
        assert!(!format!("{command:?}").contains("Se-cret"));
        let without = r#"{"command":"push_token","token":null}"#;
        let Ok(Request::Command { command, .. }) = Request::parse(without) else {
            panic!("not taken")
        };
        assert_eq!(command, Command::SetPushToken(None));
    }

    #[test]
    fn the_history_is_asked_for_with_what_was_typed() {
        let line = r#"{"command":"history","filter":"030","outcome":"missed","after":7,"limit":3}"#;
        let Ok(Request::History { filter, after, limit }) = Request::parse(line) else {
            panic!("not taken")
        };
        assert_eq!((filter.text.as_str(), filter.outcome), ("030", Some(CallOutcome::Missed)));
        assert_eq!((after, limit), (Some(HistoryCursor(7)), 3));
        let Ok(Request::History { filter, after: None, limit: LISTED }) =
            Request::parse(r#"{"command":"history"}"#)
        else {
            panic!("not taken")
        };
        assert_eq!(filter, HistoryFilter::default());
        assert!(Request::parse(r#"{"command":"history","outcome":"lost"}"#).is_err());
    }
}
