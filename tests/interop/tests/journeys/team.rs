//! Who watches his team sees what each of them is, and how many wait, whoever changed it.

use crate::scenarios::agent::{ask, at_work, until};
use crate::scenarios::rings;
use serde_json::{Value, json};
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::Voice;
use std::time::{Duration, Instant};

/// Watches, and has been told everything.
fn watching(phone: &mut Phone) -> Value {
    phone.order(json!({ "command": "watch", "on": true }));
    let told = phone.wait("the team", PATIENCE, |event| {
        event["event"] == "team" && event["team"]["state"] == "current"
    });
    told["team"].clone()
}

/// Waits until the agent of this line is told to be so, and how long that took since `since`.
#[track_caller]
fn sees(
    watcher: &mut Phone,
    since: Instant,
    what: &str,
    is_so: impl Fn(&Value) -> bool,
) -> Duration {
    watcher.wait(what, PATIENCE, |event| {
        let colleague = &event["colleague"];
        event["event"] == "colleague" && colleague["name"] != "" && is_so(colleague)
    });
    since.elapsed()
}

fn is(state: &'static str) -> impl Fn(&Value) -> bool {
    move |colleague| colleague["state"] == state
}

/// Through all that an agent can be; how long each took to be seen.
fn through_all_states(stage: &Stage) {
    let line = stage.line.number();
    let (mut agent, mut watcher) = (at_work(stage), stage.colleague(&Voice::silence()));
    let mut customer = stage.customer(&Voice::silence());
    let team = watching(&mut watcher);
    let people = team["people"].as_array().expect("people");
    let names: Vec<_> = people.iter().map(|colleague| colleague["name"].clone()).collect();
    assert_eq!(names, [stage.line.agent(), stage.line.colleague()]);
    let expected =
        json!([format!("Ager & Söhne ({line}) \"west\\"), format!("183{line}"), "logged_out"]);
    let first = &people[0];
    assert_eq!(json!([first["label"], first["number"], first["state"]]), expected);
    assert_eq!(team["queues"][0]["name"], format!("desk{line}"));
    let mut worst = Duration::ZERO;
    let mut step = |agent: &mut Phone,
                    watcher: &mut Phone,
                    command: Value,
                    state: &'static str,
                    what: &str| {
        let began = Instant::now();
        agent.order(command);
        let took = sees(watcher, began, what, is(state));
        println!("{}: {what} seen after {} ms", stage.server.name(), took.as_millis());
        worst = worst.max(took);
        // His own request is over, so that the next is not refused.
        until(agent, what, |agent| agent["state"] == state);
    };
    step(
        &mut agent,
        &mut watcher,
        json!({ "command": "login", "reason": "break" }),
        "not_ready",
        "logged in paused",
    );
    step(&mut agent, &mut watcher, json!({ "command": "unpause" }), "ready", "ready");
    let began = Instant::now();
    let waits = customer.dial(&stage.line.desk());
    let took = sees(&mut watcher, began, "ringing", is("ringing"));
    println!("{}: ringing seen after {} ms", stage.server.name(), took.as_millis());
    let call = rings(&mut agent);
    step(
        &mut agent,
        &mut watcher,
        json!({ "command": "answer", "call": call }),
        "on_call",
        "on a call",
    );
    agent.order(json!({ "command": "pause", "reason": "lunch" }));
    sees(&mut watcher, Instant::now(), "a pause behind the call", |colleague| {
        colleague["state"] == "on_call" && colleague["pause"]["reason"] == "lunch"
    });
    until(&mut agent, "a pause behind the call", |agent| agent["pause"]["reason"] == "lunch");
    step(
        &mut agent,
        &mut watcher,
        json!({ "command": "hangup", "call": call }),
        "not_ready",
        "paused",
    );
    customer.wait_call("ended", &waits);
    // A caller whom nobody takes waits for all to see.
    let waits = customer.dial(&stage.line.desk());
    watcher.wait("a caller who waits", PATIENCE, |event| {
        event["event"] == "team_queue" && event["queue"]["waiting"] == 1
    });
    customer.order(json!({ "command": "hangup", "call": waits }));
    watcher.wait("nobody who waits", PATIENCE, |event| {
        event["event"] == "team_queue" && event["queue"]["waiting"] == 0
    });
    step(&mut agent, &mut watcher, json!({ "command": "logout" }), "logged_out", "logged out");
    assert!(worst < Duration::from_secs(1), "{worst:?}");
    // Found as one types.
    watcher.send(json!({ "command": "team", "filter": "sohne" }));
    let found = watcher.wait("who was found", PATIENCE, |event| event["filter"] == "sohne");
    assert_eq!(found["team"]["people"].as_array().map(Vec::len), Some(1));
    watcher.order(json!({ "command": "watch", "on": false }));
    for phone in [agent, watcher, customer] {
        stage.leave(phone);
    }
}

#[test]
fn a_colleague_is_seen_in_each_state_on_asterisk() {
    through_all_states(&Stage::asterisk());
}

#[test]
fn a_colleague_is_seen_in_each_state_on_the_model() {
    through_all_states(&Stage::model());
}

#[test]
fn what_the_console_changes_is_seen_by_the_agent_and_by_who_watches_him() {
    let stage = Stage::asterisk();
    let Server::Asterisk(bench) = &stage.server else { unreachable!("it is Asterisk") };
    let (mut agent, mut watcher) = (at_work(&stage), stage.colleague(&Voice::silence()));
    ask(&mut agent, json!({ "command": "login" }), "ready");
    watching(&mut watcher);
    let member = format!("Local/{}@sidetone-push/n", stage.line.agent());
    let began = Instant::now();
    bench.asterisk(&format!("queue pause member {member}"));
    let paused = |pause: &Value| pause["reason"].is_null();
    let took = sees(&mut watcher, began, "a forced pause", |colleague| {
        colleague["state"] == "not_ready" && paused(&colleague["pause"])
    });
    let seen = until(&mut agent, "a forced pause", |agent| agent["state"] == "not_ready");
    println!("a pause of the console is seen after {} ms", took.as_millis());
    assert!(paused(&seen["pause"]) && took < Duration::from_secs(3), "{seen} {took:?}");
    bench.asterisk(&format!("queue unpause member {member}"));
    sees(&mut watcher, began, "ready", is("ready"));
    until(&mut agent, "ready", |agent| agent["state"] == "ready");
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(watcher);
}

#[test]
fn an_agent_whom_autopause_pauses_is_told_though_nobody_watches() {
    let stage = Stage::asterisk();
    let (mut agent, mut customer) = (at_work(&stage), stage.customer(&Voice::silence()));
    let queue = format!("back{}", stage.line.number());
    ask(&mut agent, json!({ "command": "login", "queue": queue }), "ready");
    let call = customer.dial(&stage.line.desk().replace("182", "184"));
    rings(&mut agent);
    // He does not answer, and the queue gives him up.
    let seen = until(&mut agent, "autopause", |agent| agent["state"] == "not_ready");
    assert_eq!(seen["pause"]["reason"], Value::Null, "{seen}");
    customer.order(json!({ "command": "hangup", "call": call }));
    ask(&mut agent, json!({ "command": "unpause" }), "ready");
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(customer);
}

#[test]
fn an_agent_who_calls_somebody_is_on_a_call_and_no_queue_rings_him() {
    let stage = Stage::asterisk();
    let (mut agent, mut watcher) = (at_work(&stage), stage.colleague(&Voice::silence()));
    let mut customer = stage.customer(&Voice::silence());
    ask(&mut agent, json!({ "command": "login" }), "ready");
    watching(&mut watcher);
    let began = Instant::now();
    let out = agent.dial(&stage.line.colleague_number().replace("200", "201"));
    sees(&mut watcher, began, "on a call", is("on_call"));
    let rung = rings(&mut watcher);
    watcher.order(json!({ "command": "answer", "call": rung }));
    agent.wait_call("established", &out);
    let waits = customer.dial(&stage.line.desk());
    agent.listen(Duration::from_secs(3));
    assert_eq!(agent.count("incoming"), 0, "{}", agent.story());
    agent.order(json!({ "command": "hangup", "call": out }));
    // The queue finds him free.
    let call = rings(&mut agent);
    customer.order(json!({ "command": "hangup", "call": waits }));
    agent.wait_call("ended", &call);
    sees(&mut watcher, began, "ready", is("ready"));
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    for phone in [agent, watcher, customer] {
        stage.leave(phone);
    }
}

#[test]
fn who_may_watch_nobody_is_told_so_and_a_phone_that_died_is_forgotten() {
    let stage = Stage::asterisk();
    let Server::Asterisk(bench) = &stage.server else { unreachable!("it is Asterisk") };
    let mut customer = stage.customer(&Voice::silence());
    customer.order(json!({ "command": "watch", "on": true }));
    customer.wait("nobody", PATIENCE, |event| event["team"]["state"] == "unavailable");
    stage.leave(customer);
    let mut watcher = stage.colleague(&Voice::silence());
    watching(&mut watcher);
    let watch = format!("database get sidetone-watch {}", stage.line.colleague());
    assert!(bench.asterisk(&watch).contains("Value"), "it is noted");
    watcher.kill();
    let began = Instant::now();
    while bench.asterisk(&watch).contains("Value") {
        assert!(began.elapsed() < Duration::from_secs(15), "it is noted for ever");
        std::thread::sleep(Duration::from_millis(500));
    }
}
