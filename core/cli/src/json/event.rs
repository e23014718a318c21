//! What is told: one line of output for each event.

use super::agent::{self, JsonAgent, JsonAgentRequest};
use super::features::JsonFeatures;
use super::history::JsonRecord;
use super::message::JsonMessage;
use super::pack::JsonUnreadPack;
use super::recording::{self, JsonRecording};
use super::snapshot::JsonCall;
use super::supervision::{self, JsonMode, JsonSupervision};
use super::team::{JsonColleague, JsonTeam, JsonTeamQueue};
use super::words::{
    control_failure_name, end_reason_name, end_status, message_failure_name, ms, registration_name,
};
use serde::Serialize;
use sidetone_phone::{
    Announcement, CallData, CallId, Event, MessageState, Party, QualityReport, Report,
};
use std::collections::BTreeMap;

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
        data: Box<JsonCallData>,
        headers: BTreeMap<String, String>,
        announced: bool,
    },
    MessageReceived {
        #[serde(flatten)]
        message: Box<JsonMessage>,
    },
    MessageSent {
        message: String,
        delivered: bool,
    },
    MessageFailed {
        message: String,
        reason: &'static str,
        text: String,
    },
    MessageUncertain {
        message: String,
        text: &'static str,
    },
    ControlDone {
        control: String,
    },
    ControlFailed {
        control: String,
        reason: &'static str,
        text: String,
    },
    Messages {
        messages: Vec<JsonMessage>,
        more: bool,
    },
    AutoAnswering {
        call: String,
        after_ms: f64,
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
    Referred {
        call: String,
        new: String,
        to: JsonParty,
    },
    ReferralFailed {
        call: String,
        new: String,
        to: JsonParty,
        reason: String,
    },
    Mute {
        call: String,
        on: bool,
    },
    Agent {
        agent: Box<JsonAgent>,
    },
    AgentFailed {
        request: JsonAgentRequest,
        reason: &'static str,
        text: String,
    },
    RecordingAccess {
        access: &'static str,
    },
    Recordings {
        call: String,
        recordings: Vec<JsonRecording>,
    },
    RecordingFailed {
        call: String,
        recording: String,
        action: &'static str,
        reason: &'static str,
        text: String,
    },
    Features {
        features: Box<JsonFeatures>,
    },
    UnreadPacks {
        list: Vec<JsonUnreadPack>,
    },
    Team {
        #[serde(skip_serializing_if = "Option::is_none")]
        filter: Option<String>,
        team: Box<JsonTeam>,
    },
    Colleague {
        colleague: Box<JsonColleague>,
    },
    TeamQueue {
        queue: JsonTeamQueue,
    },
    Supervision {
        call: String,
        #[serde(flatten)]
        supervision: Box<JsonSupervision>,
    },
    SupervisionFailed {
        call: String,
        mode: JsonMode,
        reason: &'static str,
        text: String,
    },
    DtmfSent {
        call: String,
    },
    DtmfFailed {
        call: String,
        digits: String,
        reason: String,
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
    Snapshot {
        state: &'static str,
        auto_answer: bool,
        transfers_return: &'static str,
        agent: Option<Box<JsonAgent>>,
        recording: &'static str,
        features: Option<Box<JsonFeatures>>,
        unread_packs: Vec<JsonUnreadPack>,
        calls: Vec<JsonCall>,
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
        /// The phone works without it.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        optional: bool,
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

/// What the server says of a call besides who calls.
#[derive(Debug, Serialize)]
pub(crate) struct JsonCallData {
    queue: Option<String>,
    waited_s: Option<u64>,
    group: Option<String>,
    caller_ref: Option<String>,
    returned_from: Option<String>,
}

impl From<CallData> for JsonCallData {
    fn from(data: CallData) -> Self {
        let CallData { queue, waited, group, caller_ref, returned_from } = data;
        let waited_s = waited.map(|waited| waited.as_secs());
        Self { queue, waited_s, group, caller_ref, returned_from }
    }
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
            Event::Incoming { call, from, data, headers, announced } => Self::Incoming {
                call: id(call),
                from: from.into(),
                data: Box::new(data.into()),
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
            Event::Referred { call, new, to } => {
                Self::Referred { call: id(call), new: id(new), to: to.into() }
            }
            Event::ReferralFailed { call, new, to, reason } => {
                Self::ReferralFailed { call: id(call), new: id(new), to: to.into(), reason }
            }
            Event::MuteChanged { call, muted } => Self::Mute { call: id(call), on: muted },
            Event::MessageReceived(message) => {
                Self::MessageReceived { message: Box::new(message.into()) }
            }
            Event::MessageSent { message, delivered } => {
                Self::MessageSent { message: message.to_string(), delivered }
            }
            Event::MessageFailed { message, reason } => Self::MessageFailed {
                message: message.to_string(),
                reason: message_failure_name(reason),
                text: reason.to_string(),
            },
            Event::MessageUncertain { message } => Self::MessageUncertain {
                message: message.to_string(),
                text: MessageState::UNCERTAIN,
            },
            Event::ControlDone { control } => Self::ControlDone { control: control.to_string() },
            Event::ControlFailed { control, reason } => Self::ControlFailed {
                control: control.to_string(),
                reason: control_failure_name(reason),
                text: reason.to_string(),
            },
            Event::AgentChanged { agent } => Self::Agent { agent: Box::new(agent.into()) },
            Event::AgentFailed { request, reason } => agent::failed(request, reason),
            Event::RecordingAccessChanged { access } => {
                Self::RecordingAccess { access: recording::access_name(access) }
            }
            Event::RecordingsChanged { call, recordings } => Self::Recordings {
                call: id(call),
                recordings: recordings.into_iter().map(Into::into).collect(),
            },
            Event::RecordingFailed { call, recording, action, reason } => {
                recording::failed(call, &recording, action, reason)
            }
            Event::FeaturesChanged { features } => {
                Self::Features { features: Box::new((&*features).into()) }
            }
            Event::UnreadPacksChanged { packs } => {
                Self::UnreadPacks { list: packs.into_iter().map(Into::into).collect() }
            }
            Event::TeamChanged { team } => {
                Self::Team { filter: None, team: Box::new((&*team).into()) }
            }
            Event::ColleagueChanged { colleague } => {
                Self::Colleague { colleague: Box::new(colleague.into()) }
            }
            Event::TeamQueueChanged { queue } => Self::TeamQueue { queue: queue.into() },
            Event::SupervisionChanged { call, supervision } => {
                Self::Supervision { call: id(call), supervision: Box::new(supervision.into()) }
            }
            Event::SupervisionFailed { call, mode, reason } => {
                supervision::failed(call, mode, reason)
            }
            Event::AutoAnswering { call, after } => {
                Self::AutoAnswering { call: id(call), after_ms: ms(after) }
            }
            Event::DtmfFailed { call, digits, reason } => {
                Self::DtmfFailed { call: id(call), digits, reason }
            }
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

#[cfg(test)]
mod tests {
    use super::super::Request;
    use super::*;
    use sidetone_phone::EndReason;

    const CALL: &str = "6f1ed002-ab34-4b6e-a1f5-0123456789ab";

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
}
