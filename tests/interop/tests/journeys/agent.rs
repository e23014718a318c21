//! What the pack does for an agent at his queues besides his codes, at Asterisk: wrap-up, who rings him while he is
//! paused, and what another of his phones sees.

use crate::scenarios::agent::{ask, at_work, until, until_after};
use serde_json::json;
use sidetone_interop::bench::Bench;
use sidetone_interop::lines::Line;
use sidetone_interop::phone::Phone;
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::Voice;
use std::time::{Duration, Instant};

/// The next call rings, and the agent answers it.
fn answers(agent: &mut Phone) -> String {
    let call = agent.wait_for("incoming")["call"].as_str().expect("a call").to_owned();
    agent.order(json!({ "command": "answer", "call": call }));
    agent.wait_call("established", &call);
    call
}

#[test]
fn after_a_call_the_agent_has_time_to_write_it_down_and_is_ready_by_itself() {
    let stage = Stage::asterisk();
    let (mut agent, mut customer) = (at_work(&stage), stage.customer(&Voice::silence()));
    ask(&mut agent, json!({ "command": "login" }), "ready");
    customer.dial(&stage.line.desk());
    let call = answers(&mut agent);
    agent.order(json!({ "command": "hangup", "call": call }));
    let began = until_after(&mut agent, 0.0, "wrap-up", |agent| agent["state"] == "wrap_up");
    let pause = &began["agent"]["pause"];
    assert!(pause["until"].as_u64() > pause["since"].as_u64(), "{began}");
    let began = began["at_ms"].as_f64().expect("a time");
    // A customer who calls meanwhile waits for its end.
    let next = customer.dial(&stage.line.desk());
    let over = until_after(&mut agent, began, "ready", |agent| agent["state"] == "ready");
    let lasted = over["at_ms"].as_f64().expect("a time") - began;
    println!("wrap-up of three seconds: {lasted:.0} ms");
    assert!((2000.0..6000.0).contains(&lasted), "{lasted} ms");
    let call = answers(&mut agent);
    // He may end it himself, too.
    agent.order(json!({ "command": "hangup", "call": call }));
    until(&mut agent, "wrap-up", |agent| agent["state"] == "wrap_up");
    ask(&mut agent, json!({ "command": "unpause" }), "ready");
    customer.wait_call("ended", &next);
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(customer);
}

#[test]
fn who_is_paused_is_not_rung_by_direct_calls_either_where_the_policy_says_so() {
    let stage = Stage::asterisk();
    let (mut agent, mut customer) = (at_work(&stage), stage.customer(&Voice::silence()));
    let direct = stage.line.desk().replace("182", "183");
    ask(&mut agent, json!({ "command": "login", "reason": "lunch" }), "not_ready");
    let refused = customer.dial(&direct);
    assert_eq!(customer.wait_call("ended", &refused)["reason"], "busy");
    assert_eq!(agent.count("incoming"), 0);
    ask(&mut agent, json!({ "command": "unpause" }), "ready");
    let call = customer.dial(&direct);
    agent.wait_for("incoming");
    customer.order(json!({ "command": "hangup", "call": call }));
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(customer);
}

#[test]
fn a_pause_by_one_phone_is_seen_on_the_other() {
    // The fourth agent may have several phones.
    let stage = Stage::on(Server::Asterisk(Bench::get()), Line::numbered(4));
    let (mut one, mut other) = (at_work(&stage), at_work(&stage));
    ask(&mut one, json!({ "command": "login" }), "ready");
    until(&mut other, "ready", |agent| agent["state"] == "ready");
    let asked = Instant::now();
    one.order(json!({ "command": "pause", "reason": "training" }));
    let seen = until(&mut other, "paused", |agent| agent["state"] == "not_ready");
    println!("seen on the other phone after {:?}", asked.elapsed());
    assert_eq!(seen["pause"]["reason"], "training");
    assert!(asked.elapsed() < Duration::from_secs(1));
    ask(&mut other, json!({ "command": "logout" }), "logged_out");
    until(&mut one, "logged out", |agent| agent["state"] == "logged_out");
    stage.leave(one);
    stage.leave(other);
}
