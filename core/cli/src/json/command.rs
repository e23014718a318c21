//! What is asked: one line of input for each command.

use super::event::JsonEvent;
use super::history::JsonOutcome;
use super::recording::{self, JsonAction};
use super::supervision::JsonMode;
use super::words::command_error_name;
use serde::Deserialize;
use sidetone_phone::{
    AgentRequest, CallId, Command, ControlId, Cursor, DeclineReason, Digits, Handover,
    HistoryFilter, MessageId, PushProvider, PushToken,
};

/// The calls of a page, where no number is asked for.
const LISTED: usize = 50;

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
    SetAutoAnswer {
        on: bool,
    },
    Message {
        to: String,
        text: String,
        message: Option<uuid::Uuid>,
    },
    Control {
        code: String,
        control: Option<uuid::Uuid>,
    },
    Login {
        queue: Option<String>,
        reason: Option<String>,
    },
    Logout {
        queue: Option<String>,
    },
    Pause {
        reason: String,
    },
    Unpause {},
    Record {
        call: uuid::Uuid,
        recording: String,
        action: JsonAction,
    },
    Watch {
        on: bool,
    },
    Team {
        #[serde(default)]
        filter: String,
    },
    Supervise {
        target: String,
        mode: JsonMode,
        #[serde(default)]
        follow: bool,
        call: Option<uuid::Uuid>,
    },
    SetSupervisionMode {
        call: uuid::Uuid,
        mode: JsonMode,
    },
    Messages {
        before: Option<uuid::Uuid>,
        limit: Option<usize>,
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
    ClearMessages {},
    Snapshot {},
    Sleep {},
    NetworkChanged {
        make_before_break: bool,
    },
    Register {},
    Unregister {},
    Quit {},
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
    History { filter: HistoryFilter, after: Option<Cursor>, limit: usize },
    /// Some of the messages.
    Messages { before: Option<MessageId>, limit: usize },
    /// Those of the team who are meant by this.
    Team { filter: String },
    /// All calls that are over are to be forgotten.
    ClearHistory,
    /// All messages are to be forgotten.
    ClearMessages,
    /// What is to be seen now.
    Snapshot,
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
            JsonCommand::Message { to, text, message } => {
                let message = MessageId(message.unwrap_or_else(uuid::Uuid::new_v4));
                ("message", None, Command::SendMessage { message, to, text })
            }
            JsonCommand::Control { code, control } => {
                let control = ControlId(control.unwrap_or_else(uuid::Uuid::new_v4));
                ("control", None, Command::Control { control, code })
            }
            JsonCommand::Login { queue, reason } => {
                of_agent("login", AgentRequest::LogIn { queue, reason })
            }
            JsonCommand::Logout { queue } => of_agent("logout", AgentRequest::LogOut { queue }),
            JsonCommand::Pause { reason } => of_agent("pause", AgentRequest::Pause { reason }),
            JsonCommand::Unpause {} => of_agent("unpause", AgentRequest::Unpause),
            JsonCommand::Record { call, recording, action } => {
                let call = CallId(call);
                ("record", Some(call), recording::command(call, &recording, action)?)
            }
            JsonCommand::Watch { on } => ("watch", None, Command::Watch { on }),
            JsonCommand::Team { filter } => return Ok(Self::Team { filter }),
            JsonCommand::Supervise { target, mode, follow, call } => {
                let (call, mode) = (CallId(call.unwrap_or_else(uuid::Uuid::new_v4)), mode.into());
                ("supervise", Some(call), Command::Supervise { call, target, mode, follow })
            }
            JsonCommand::SetSupervisionMode { call, mode } => {
                with_call("set_supervision_mode", call, |call| Command::SetSupervisionMode {
                    call,
                    mode: mode.into(),
                })
            }
            JsonCommand::Messages { before, limit } => {
                let before = before.map(MessageId);
                return Ok(Self::Messages { before, limit: limit.unwrap_or(LISTED) });
            }
            JsonCommand::SetAutoAnswer { on } => {
                ("set_auto_answer", None, Command::SetAutoAnswer { on })
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
                let (after, limit) = (after.map(Cursor), limit.unwrap_or(LISTED));
                return Ok(Self::History { filter, after, limit });
            }
            JsonCommand::ClearHistory {} => return Ok(Self::ClearHistory),
            JsonCommand::ClearMessages {} => return Ok(Self::ClearMessages),
            JsonCommand::Snapshot {} => return Ok(Self::Snapshot),
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

fn of_agent(name: &'static str, request: AgentRequest) -> (&'static str, Option<CallId>, Command) {
    (name, None, Command::Agent { request })
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
    use sidetone_phone::CallOutcome;

    const CALL: &str = "6f1ed002-ab34-4b6e-a1f5-0123456789ab";

    #[test]
    fn a_dial_without_an_id_gets_one() {
        let request = Request::parse(r#"{"command":"dial","uri":"600"}"#).unwrap();
        assert!(matches!(request, Request::Command { name: "dial", call: Some(_), .. }));
    }

    #[test]
    fn a_supervision_without_an_id_gets_one_and_its_mode_is_one_of_three() {
        let line = r#"{"command":"supervise","target":"agent2","mode":"whisper"}"#;
        let Ok(Request::Command { command, .. }) = Request::parse(line) else {
            panic!("not taken")
        };
        let Command::Supervise { target, mode, follow, .. } = command else {
            panic!("{command:?}")
        };
        let whisper = sidetone_phone::SupervisionMode::Whisper;
        assert_eq!((target.as_str(), mode, follow), ("agent2", whisper, false));
        assert!(Request::parse(&line.replace("whisper", "shout")).is_err());
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
        assert_eq!((after, limit), (Some(Cursor(7)), 3));
        let Ok(Request::History { filter, after: None, limit: LISTED }) =
            Request::parse(r#"{"command":"history"}"#)
        else {
            panic!("not taken")
        };
        assert_eq!(filter, HistoryFilter::default());
        assert!(Request::parse(r#"{"command":"history","outcome":"lost"}"#).is_err());
    }
}
