//! The calls that are over, after the process that made them was killed: found by a name, and called again.

use crate::scenarios::rings;
use serde_json::json;
use sidetone_interop::phone::{PATIENCE, Phone, Scratch};
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Tone, Voice};

#[test]
fn a_killed_phone_knows_its_calls_and_calls_back_who_was_missed() {
    let stage = Stage::asterisk();
    let kept = Scratch::new("history");
    let program = std::env::var("SIDETONE_BINARY").expect("SIDETONE_BINARY names the program");
    let [a, b] = Tone::draw();
    let start = || {
        let setup = stage.server.setup(&stage.line.agent());
        let command = [program.as_str(), "agent", "--sip"];
        let mut phone = Phone::start_other("agent", &setup, &Voice::steady(a), &command, &kept.0);
        phone.wait_lamp("registered", PATIENCE);
        phone
    };
    let mut agent = start();
    let echo = agent.dial("600");
    agent.wait_call("established", &echo);
    agent.hears(a);
    agent.ask("hangup", &echo, json!({}));
    agent.wait_ended(&echo, "local");
    let mut colleague = stage.colleague(&Voice::steady(b));
    let theirs = colleague.dial(&stage.line.agent_number());
    let missed = rings(&mut agent);
    colleague.ask("hangup", &theirs, json!({}));
    agent.wait_ended(&missed, "cancelled");
    agent.wait("both are kept", PATIENCE, |event| {
        event["event"] == "history_changed" && event["revision"].as_u64() >= Some(2)
    });
    agent.kill();

    let mut agent = start();
    agent.send(json!({ "command": "history" }));
    let all = agent.wait_for("history");
    let calls: Vec<_> = all["entries"].as_array().expect("a list").iter().collect();
    let told = |at: usize, what: &str| calls[at][what].as_str().unwrap_or_default().to_owned();
    assert_eq!(calls.len(), 2, "{all}");
    assert_eq!((told(0, "call"), told(0, "outcome")), (missed, "missed".to_owned()));
    assert_eq!((told(1, "call"), told(1, "outcome")), (echo, "answered".to_owned()));
    assert!(calls[1]["talked_ms"].as_f64().is_some_and(|talked| talked > 100.0), "{all}");

    // As one types: a part of the name, in any writing.
    let name = told(0, "name").to_uppercase();
    let typed = name.get(..5).expect("the server says who called");
    agent.send(json!({ "command": "history", "filter": typed, "outcome": "missed" }));
    let found = agent.wait_for("history");
    let redial = found["entries"][0]["redial"].as_str().expect("his number is shown").to_owned();
    let call = agent.dial(&redial);
    let theirs = rings(&mut colleague);
    colleague.ask("answer", &theirs, json!({}));
    agent.wait_call("established", &call);
    agent.hears(b);
    agent.ask("hangup", &call, json!({}));
    colleague.wait_ended(&theirs, "remote");
    stage.leave(agent);
    stage.leave(colleague);
}
