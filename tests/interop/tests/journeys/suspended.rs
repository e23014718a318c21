//! A phone whose process stands still while the server calls it: what it then finds in its connection may be
//! old, and only the server can tell.

use crate::scenarios::rings;
use serde_json::json;
use sidetone_interop::bench::Bench;
use sidetone_interop::lines::Line;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::{Tone, Voice};
use std::time::Duration;

/// A message of the phone or to it that begins so and has this in it.
#[track_caller]
fn message(phone: &mut Phone, sent: bool, start: &str, has: &str) {
    phone.wait(start, PATIENCE, |event| {
        let text = event["message"].as_str().unwrap_or_default();
        event["event"] == "sip"
            && event["sent"] == sent
            && text.starts_with(start)
            && text.contains(has)
    });
}

#[test]
fn a_call_that_still_rings_is_asked_for_and_rings_here() {
    let stage = Stage::on(Server::Asterisk(Bench::get()), Line::of_one_phone());
    let [a, b] = Tone::draw();
    let mut agent = stage.agent(&Voice::steady(a));
    let mut customer = stage.customer(&Voice::steady(b));
    agent.signal("-STOP");
    std::thread::sleep(Duration::from_secs(37));
    let theirs = customer.dial(&stage.line.agent_number());
    std::thread::sleep(Duration::from_secs(2));
    agent.signal("-CONT");
    message(&mut agent, true, "UPDATE", "tag=");
    message(&mut agent, false, "SIP/2.0 200", "UPDATE");
    let call = rings(&mut agent);
    agent.ask("answer", &call, json!({}));
    agent.wait_call("established", &call);
    agent.hears(b);
    customer.hears(a);
    agent.ask("hangup", &call, json!({}));
    agent.wait_ended(&call, "local");
    customer.wait_ended(&theirs, "remote");
    stage.leave(agent);
    stage.leave(customer);
}

#[test]
fn a_call_that_was_given_up_meanwhile_rings_nobody() {
    let stage = Stage::asterisk();
    let mut agent = stage.agent(&Voice::silence());
    let mut customer = stage.customer(&Voice::silence());
    agent.signal("-STOP");
    let theirs = customer.dial(&stage.line.agent_number());
    // Timer B of the server: 32 s.
    customer.wait("the end", Duration::from_secs(45), |event| {
        event["event"] == "ended" && event["call"] == theirs.as_str()
    });
    std::thread::sleep(Duration::from_secs(2));
    agent.signal("-CONT");
    message(&mut agent, true, "UPDATE", "tag=");
    message(&mut agent, false, "SIP/2.0 481", "UPDATE");
    agent.listen(Duration::from_secs(6));
    assert_eq!(agent.count("incoming"), 0, "it does not ring");
    stage.leave(agent);
    stage.leave(customer);
}
