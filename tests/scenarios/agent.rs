//! An agent at his queues: logged in, paused and ready by codes, rung only when he is ready.

use serde_json::{Value, json};
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::Voice;
use std::time::Duration;

/// The agent's phone, which knows what he is: in no queue.
pub(crate) fn at_work(stage: &Stage) -> Phone {
    let mut agent = stage.agent_with(&Voice::silence(), &["--queues"]);
    until(&mut agent, "in no queue", |agent| agent["state"] == "logged_out");
    agent
}

/// Waits until the server has said that he is so.
#[track_caller]
pub(crate) fn until(phone: &mut Phone, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    until_after(phone, 0.0, what, is_so)["agent"].clone()
}

/// The same, later than this, in ms since the phone's start; gives back the event.
#[track_caller]
pub(crate) fn until_after(
    phone: &mut Phone,
    at_ms: f64,
    what: &str,
    is_so: impl Fn(&Value) -> bool,
) -> Value {
    phone.wait(what, PATIENCE, |event| {
        let agent = &event["agent"];
        let is_settled = agent["certain"] == true && agent["requested"].is_null();
        let is_later = event["at_ms"].as_f64().is_some_and(|at| at > at_ms);
        event["event"] == "agent" && is_settled && is_later && is_so(agent)
    })
}

/// Asks to be so, and waits for it.
#[track_caller]
pub(crate) fn ask(phone: &mut Phone, command: Value, state: &str) -> Value {
    // What he was before is no answer.
    phone.listen(Duration::ZERO);
    let before = phone.told().filter_map(|event| event["at_ms"].as_f64()).last();
    phone.order(command);
    let told = until_after(phone, before.unwrap_or(0.0), state, |agent| agent["state"] == state);
    told["agent"].clone()
}

/// A day: into all queues paused, ready, another pause, out of one queue, out of all.
pub(crate) fn a_day(stage: &Stage) {
    let mut agent = at_work(stage);
    let line = stage.line.number();
    let seen = ask(&mut agent, json!({ "command": "login", "reason": "break" }), "not_ready");
    assert_eq!(seen["pause"]["reason"], "break");
    assert_eq!(seen["reasons"], json!(["break", "lunch", "training"]));
    let queue = |name: &str, logged_in: bool, paused: bool| json!({ "name": format!("{name}{line}"), "logged_in": logged_in, "paused": paused });
    assert_eq!(seen["queues"], json!([queue("desk", true, true), queue("back", true, true)]));
    let since = seen["logged_in_since"].as_u64().expect("since when");
    ask(&mut agent, json!({ "command": "unpause" }), "ready");
    let seen = ask(&mut agent, json!({ "command": "pause", "reason": "lunch" }), "not_ready");
    assert_eq!(seen["pause"]["reason"], "lunch");
    assert!(seen["pause"]["since"].as_u64().is_some_and(|at| at >= since));
    agent.order(json!({ "command": "logout", "queue": format!("back{line}") }));
    let seen = until(&mut agent, "out of one", |agent| agent["queues"][1]["logged_in"] == false);
    assert_eq!(seen["queues"], json!([queue("desk", true, true), queue("back", false, false)]));
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
}

/// A queue rings who is ready, and nobody else.
pub(crate) fn rung_when_ready(stage: &Stage) {
    let mut agent = at_work(stage);
    let mut customer = stage.customer(&Voice::silence());
    ask(&mut agent, json!({ "command": "login", "reason": "lunch" }), "not_ready");
    let waits = customer.dial(&stage.line.desk());
    customer.wait_call("established", &waits);
    agent.listen(Duration::from_secs(3));
    assert_eq!(agent.count("incoming"), 0, "{}", agent.story());
    customer.order(json!({ "command": "hangup", "call": waits }));
    customer.wait_call("ended", &waits);
    ask(&mut agent, json!({ "command": "unpause" }), "ready");
    let waits = customer.dial(&stage.line.desk());
    let rings = agent.wait_for("incoming")["call"].as_str().expect("a call").to_owned();
    until(&mut agent, "it rings", |agent| agent["state"] == "ringing");
    agent.order(json!({ "command": "answer", "call": rings }));
    until(&mut agent, "on the call", |agent| agent["state"] == "on_call");
    // The pause waits for the end of the call.
    agent.order(json!({ "command": "pause", "reason": "break" }));
    let seen = until(&mut agent, "a pause that waits", |agent| agent["pause"]["reason"] == "break");
    assert_eq!(seen["state"], "on_call");
    agent.order(json!({ "command": "hangup", "call": rings }));
    customer.wait_call("ended", &waits);
    until(&mut agent, "paused", |agent| agent["state"] == "not_ready");
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(customer);
}

/// Who is paused is not disturbed by direct calls either, and is told so.
pub(crate) fn not_disturbed(stage: &Stage) {
    let mut agent = at_work(stage);
    let mut customer = stage.customer(&Voice::silence());
    let seen = ask(&mut agent, json!({ "command": "login", "reason": "lunch" }), "not_ready");
    assert_eq!(seen["do_not_disturb"], true, "{seen}");
    let call = customer.dial(&stage.line.direct());
    assert_eq!(customer.wait_call("ended", &call)["reason"], "busy");
    let seen = ask(&mut agent, json!({ "command": "unpause" }), "ready");
    assert_eq!(seen["do_not_disturb"], false, "{seen}");
    assert_eq!(agent.count("incoming"), 0);
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(customer);
}

/// After a call of a queue he writes it down, whoever has ended it: from the call on he is never shown ready before.
pub(crate) fn wraps_up(stage: &Stage) {
    let mut agent = at_work(stage);
    let mut customer = stage.customer(&Voice::silence());
    ask(&mut agent, json!({ "command": "login" }), "ready");
    for by_agent in [false, true] {
        let theirs = customer.dial(&stage.line.desk());
        let call = super::rings(&mut agent);
        agent.order(json!({ "command": "answer", "call": call }));
        agent.wait_call("established", &call);
        customer.wait_call("established", &theirs);
        // What the server still has to say of the answer comes before the end.
        agent.listen(Duration::from_millis(500));
        agent.forget();
        match by_agent {
            true => agent.order(json!({ "command": "hangup", "call": call })),
            false => customer.order(json!({ "command": "hangup", "call": theirs })),
        }
        let seen = until(&mut agent, "wrap-up", |agent| agent["state"] == "wrap_up");
        assert_eq!(seen["pause"]["reason"], "wrapup", "{seen}");
        assert!(seen["pause"]["until"].as_u64() > seen["pause"]["since"].as_u64(), "{seen}");
        customer.wait_call("ended", &theirs);
        until(&mut agent, "ready again", |agent| agent["state"] == "ready");
    }
    assert_eq!(wrap_ups(&agent), 2);
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(customer);
}

/// How many calls were followed by wrap-up at once. None was by anything else.
#[track_caller]
pub(crate) fn wrap_ups(agent: &Phone) -> usize {
    let agents = agent.told().filter(|event| event["event"] == "agent");
    let mut states: Vec<_> = agents.map(|event| &event["agent"]["state"]).collect();
    states.dedup();
    let calls = states.windows(2).filter(|two| two[0] == "on_call");
    calls.inspect(|two| assert_eq!(two[1], "wrap_up", "{}", agent.story())).count()
}

/// What the server would not do is refused, by its kind.
pub(crate) fn refused(stage: &Stage) {
    let mut agent = at_work(stage);
    for (command, reason) in [
        (json!({ "command": "pause", "reason": "lunch" }), "logged_out"),
        (json!({ "command": "login", "queue": "nowhere" }), "unknown_queue"),
        (json!({ "command": "login", "reason": "tea" }), "unknown_reason"),
    ] {
        agent.send(command);
        assert_eq!(agent.wait_for("refused")["reason"], reason);
    }
    for (code, reason) in [
        ("sidetone*pause*lunch", "unavailable"),
        ("sidetone*ready", "unavailable"),
        ("sidetone*login*nowhere", "not_found"),
        ("sidetone*logout*nowhere", "not_found"),
        ("sidetone*login**tea", "not_found"),
        ("sidetone*pause*tea", "not_found"),
        ("sidetone*dance", "not_found"),
    ] {
        let told = super::control::control(&mut agent, code);
        let told = (&told["event"], &told["reason"]);
        assert_eq!(told, (&json!("control_failed"), &json!(reason)), "{code}");
    }
    stage.leave(agent);
}
