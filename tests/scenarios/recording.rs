//! What an agent records, and what is recorded of his calls by rule: shown as the server says.

use super::rings;
use serde_json::{Value, json};
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::Voice;

/// An agent who may record, in a call of this queue, and the customer.
fn talking(stage: &Stage, number: &str) -> (Phone, String, Phone, String) {
    let mut agent = stage.agent_with(&Voice::silence(), &["--recordings"]);
    assert_eq!(agent.wait_for("recording_access")["access"], "allowed");
    let mut customer = stage.customer(&Voice::silence());
    let theirs = customer.dial(number);
    let call = rings(&mut agent);
    agent.ask("answer", &call, json!({}));
    agent.wait_call("established", &call);
    (agent, call, customer, theirs)
}

fn part(stage: &Stage, agent: Phone, mut customer: Phone, theirs: &str) {
    customer.ask("hangup", theirs, json!({}));
    customer.wait_ended(theirs, "local");
    stage.leave(agent);
    stage.leave(customer);
}

/// Asks for something, waits until the server has confirmed it, and gives its time in ms.
#[track_caller]
pub(crate) fn record(
    phone: &mut Phone,
    call: &str,
    recording: &str,
    action: &str,
    state: &str,
) -> f64 {
    phone.forget();
    phone.ask("record", call, json!({ "recording": recording, "action": action }));
    until(phone, call, recording, state)["at_ms"].as_f64().expect("a time")
}

/// Waits until the server has said that a recording does this; gives back what it said.
#[track_caller]
pub(crate) fn until(phone: &mut Phone, call: &str, recording: &str, state: &str) -> Value {
    phone.wait(&format!("{recording} {state}"), PATIENCE, |event| {
        let list = event["recordings"].as_array().map(Vec::as_slice).unwrap_or_default();
        event["event"] == "recordings"
            && event["call"] == call
            && list.iter().any(|one| {
                one["id"] == recording
                    && one["state"] == state
                    && one["certain"] == true
                    && one["requested"].is_null()
            })
    })
}

/// Has the dial plan refuse a code, and says how.
#[track_caller]
pub(crate) fn refusal(agent: &mut Phone, call: &str, recording: &str, verb: &str) -> String {
    let code = format!("sidetone*record*{call}*{recording}*{verb}");
    let told = super::control::control(agent, &code);
    assert_eq!(told["event"], "control_failed", "{code}: {told}");
    told["reason"].as_str().unwrap_or_default().to_owned()
}

/// Two at the same time, each by its own name.
pub(crate) fn by_hand(stage: &Stage) {
    let (mut agent, call, customer, theirs) = talking(stage, &stage.line.queue());
    record(&mut agent, &call, "1", "start", "recording");
    record(&mut agent, &call, "2", "start", "recording");
    record(&mut agent, &call, "1", "pause", "paused");
    record(&mut agent, &call, "1", "resume", "recording");
    record(&mut agent, &call, "1", "stop", "stopped");
    let calls = agent.snapshot()["calls"].clone();
    let states = calls[0]["recordings"].as_array().expect("recordings");
    let states: Vec<_> = states.iter().map(|one| (&one["id"], &one["state"])).collect();
    assert_eq!(states, [(&json!("1"), &json!("stopped")), (&json!("2"), &json!("recording"))]);
    part(stage, agent, customer, &theirs);
}

/// One that is made by rule is paused and resumed by its own name, and never stopped.
pub(crate) fn by_a_rule_that_lets_it_be_paused(stage: &Stage) {
    let number = format!("188{}", stage.line.number());
    let (mut agent, call, customer, theirs) = talking(stage, &number);
    let seen = until(&mut agent, &call, "auto", "recording");
    let one = &seen["recordings"][0];
    assert_eq!((&one["automatic"], &one["policy"]), (&json!(true), &json!("pausable")), "{seen}");
    record(&mut agent, &call, "1", "start", "recording");
    record(&mut agent, &call, "1", "stop", "stopped");
    let both = record_pauses(&mut agent, &call);
    assert_eq!(both["recordings"][0]["state"], "paused", "{both}");
    record(&mut agent, &call, "auto", "resume", "recording");
    assert_eq!(refusal(&mut agent, &call, "auto", "stop"), "busy");
    part(stage, agent, customer, &theirs);
}

fn record_pauses(agent: &mut Phone, call: &str) -> Value {
    agent.forget();
    agent.ask("record", call, json!({ "recording": "auto", "action": "pause" }));
    until(agent, call, "auto", "paused")
}

/// Nor is one touched that is locked; and what is none is not there.
pub(crate) fn refused(stage: &Stage) {
    let number = format!("189{}", stage.line.number());
    let (mut agent, call, customer, theirs) = talking(stage, &number);
    until(&mut agent, &call, "auto", "recording");
    for (recording, action, reason) in [
        ("auto", "pause", "recording_locked"),
        ("auto", "stop", "recording_locked"),
        ("1", "pause", "unknown_recording"),
        ("x", "start", "invalid_recording"),
    ] {
        let command =
            json!({ "command": "record", "call": call, "recording": recording, "action": action });
        agent.send(command);
        assert_eq!(agent.wait_for("refused")["reason"], reason, "{recording}");
    }
    for (recording, verb, reason) in [
        ("auto", "pause", "busy"),
        ("auto", "start", "busy"),
        ("1", "resume", "gone"),
        ("12345", "start", "not_found"),
        ("1", "erase", "not_found"),
    ] {
        assert_eq!(refusal(&mut agent, &call, recording, verb), reason, "{recording} {verb}");
    }
    let nobodys = uuid::Uuid::new_v4().to_string();
    assert_eq!(refusal(&mut agent, &nobodys, "1", "start"), "gone");
    part(stage, agent, customer, &theirs);
}
