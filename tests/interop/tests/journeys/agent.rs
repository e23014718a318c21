//! What the pack does for an agent at his queues besides his codes, at Asterisk: wrap-up, who rings him while he is
//! paused, and what another of his phones sees.

use crate::scenarios::agent::{ask, at_work, until, until_after};
use crate::scenarios::rings;
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
fn of_twenty_calls_none_rings_into_the_wrap_up_before_it_and_none_is_left_waiting() {
    let stage = Stage::asterisk();
    let (mut agent, mut customer) = (at_work(&stage), stage.customer(&Voice::silence()));
    ask(&mut agent, json!({ "command": "login" }), "ready");
    let mut theirs = customer.dial(&stage.line.desk());
    for round in 0..20 {
        let call = answers(&mut agent);
        customer.wait_call("established", &theirs);
        agent.forget();
        match round % 2 {
            0 => agent.order(json!({ "command": "hangup", "call": call })),
            _ => customer.order(json!({ "command": "hangup", "call": theirs })),
        }
        customer.wait_call("ended", &theirs);
        // The next caller is there before the pause can be.
        theirs = customer.dial(&stage.line.desk());
        until(&mut agent, "wrap-up", |agent| agent["state"] == "wrap_up");
        agent.listen(Duration::from_millis(20 * round));
        let rung = agent.count("incoming");
        assert_eq!(rung, round as usize + 1, "nobody rings into it: {}", agent.story());
        ask(&mut agent, json!({ "command": "unpause" }), "ready");
    }
    let call = answers(&mut agent);
    ask(&mut agent, json!({ "command": "pause", "reason": "lunch" }), "on_call");
    agent.order(json!({ "command": "hangup", "call": call }));
    customer.wait_call("ended", &theirs);
    until(&mut agent, "paused", |agent| agent["state"] == "not_ready");
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(customer);
}

#[test]
fn twenty_pauses_in_a_row_leave_no_caller_waiting() {
    let stage = Stage::asterisk();
    let (mut agent, mut customer) = (at_work(&stage), stage.customer(&Voice::silence()));
    ask(&mut agent, json!({ "command": "login" }), "ready");
    for _ in 0..20 {
        ask(&mut agent, json!({ "command": "pause", "reason": "break" }), "not_ready");
        ask(&mut agent, json!({ "command": "unpause" }), "ready");
        let theirs = customer.dial(&stage.line.desk());
        let call = agent.wait_for("incoming")["call"].as_str().expect("a call").to_owned();
        customer.order(json!({ "command": "hangup", "call": theirs }));
        customer.wait_call("ended", &theirs);
        agent.wait_call("ended", &call);
    }
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(customer);
}

/// He brings the caller to a colleague, who talks on with him.
fn is_free_after_a_transfer(attended: bool) {
    let stage = Stage::asterisk();
    let (mut agent, mut customer) = (at_work(&stage), stage.customer(&Voice::silence()));
    let mut colleague = stage.colleague(&Voice::silence());
    ask(&mut agent, json!({ "command": "login" }), "ready");
    let theirs = customer.dial(&stage.line.desk());
    let call = answers(&mut agent);
    customer.wait_call("established", &theirs);
    let to = stage.line.colleague_number();
    if attended {
        let second = agent.dial(&to);
        let rung = rings(&mut colleague);
        colleague.ask("answer", &rung, json!({}));
        agent.wait_call("established", &second);
        agent.order(json!({ "command": "attended", "call": call, "with": second }));
    } else {
        agent.ask("transfer", &call, json!({ "to": to }));
        let rung = rings(&mut colleague);
        colleague.ask("answer", &rung, json!({}));
    }
    agent.wait_call("ended", &call);
    until(&mut agent, "wrap-up", |agent| agent["state"] == "wrap_up");
    let over = until(&mut agent, "ready", |agent| agent["state"] == "ready");
    assert!(over["pause"].is_null(), "{over}");
    // The next caller reaches him, though the first still talks.
    let mut next = stage.clerk_with(&Voice::silence(), &[]);
    let another = next.dial(&stage.line.desk());
    let call = answers(&mut agent);
    next.ask("hangup", &another, json!({}));
    agent.wait_call("ended", &call);
    until(&mut agent, "wrap-up", |agent| agent["state"] == "wrap_up");
    // Nor does the end of that one begin a second.
    ask(&mut agent, json!({ "command": "unpause" }), "ready");
    customer.order(json!({ "command": "hangup", "call": theirs }));
    customer.wait_call("ended", &theirs);
    agent.listen(Duration::from_secs(1));
    assert_eq!(agent.snapshot()["agent"]["state"], "ready", "{}", agent.story());
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    for phone in [agent, customer, colleague, next] {
        stage.leave(phone);
    }
}

#[test]
fn who_has_sent_his_caller_on_is_free_though_the_caller_talks_on() {
    is_free_after_a_transfer(false);
}

#[test]
fn who_has_brought_his_caller_together_with_a_colleague_is_free_though_the_caller_talks_on() {
    is_free_after_a_transfer(true);
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
