//! What is done by hand at the model PBX: the commands of `sidetone demo --serve --json` (docs/cli.md).

use super::server::{Hand, Refusal, Server};
use crate::json::{JsonEvent, name_in};
use serde::Deserialize;
use std::time::Duration;
use uuid::Uuid;

/// As long as push.conf rings an agent.
const RINGS: u64 = 25;

/// One line of input.
#[derive(Debug, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
enum Command {
    Ring { agent: String, call: Uuid, seconds: Option<u64> },
    GiveUp { call: Uuid },
}

/// Does what a line says, and says what came of it.
pub(super) async fn obey(server: &Server, line: &str) -> JsonEvent {
    let command = match serde_json::from_str(line) {
        Ok(command) => command,
        Err(error) => {
            let text = format!("this is not a command: {error}; docs/cli.md lists them");
            let command = name_in(line);
            return JsonEvent::Refused { command, call: None, reason: "invalid_command", text };
        }
    };
    let (name, call, hand) = match command {
        Command::Ring { agent, call, seconds } => {
            // What is longer than a day is a mistake.
            let time = Duration::from_secs(seconds.unwrap_or(RINGS).min(86_400));
            ("ring", call, Hand::Ring { agent, call, time })
        }
        Command::GiveUp { call } => ("give_up", call, Hand::GiveUp { call }),
    };
    let (command, call) = (name.to_owned(), Some(call.to_string()));
    match server.by_hand(hand).await {
        Ok(()) => JsonEvent::Accepted { command, call },
        Err(refusal) => {
            let (reason, text) = explain(refusal);
            JsonEvent::Refused { command, call, reason, text: text.to_owned() }
        }
    }
}

fn explain(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::NoSuchAgent => {
            ("invalid_target", "no user has this name, or the server has too many calls")
        }
        Refusal::Taken => ("call_id_taken", "a call has this id; draw another"),
        Refusal::UnknownCall => ("unknown_call", "there is no such call; it may have ended"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_agent_is_rung_by_hand_once_and_given_up_once() {
        let server = Server::start(0).await.unwrap();
        let call = "6f1ed002-ab34-4b6e-a1f5-0123456789ab";
        let ring = format!(r#"{{"command":"ring","agent":"agent1","call":"{call}"}}"#);
        let give_up = format!(r#"{{"command":"give_up","call":"{call}"}}"#);
        let nobody = ring.replace("agent1", "nobody");
        let said = |event: JsonEvent| serde_json::to_value(event).unwrap();
        let mut reasons = Vec::new();
        for line in [&nobody, &ring, &ring, &give_up, &give_up, "{}"] {
            let event = said(obey(&server, line).await);
            reasons.push(event["reason"].as_str().unwrap_or("accepted").to_owned());
        }
        let expected = [
            "invalid_target",
            "accepted",
            "call_id_taken",
            "accepted",
            "unknown_call",
            "invalid_command",
        ];
        assert_eq!(reasons, expected);
    }
}
