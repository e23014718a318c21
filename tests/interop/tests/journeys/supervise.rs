//! A supervisor at Asterisk: who hears whom in each mode, who may supervise whom, and what ends it. What each ear was given is
//! judged by its spectrum.
//!
//! | module | plays |
//! |---|---|
//! | `floor` | who is there, and what each of them must hear |
//! | `refused` | who may not, and what is written down of it |
//! | `narrow` | an agent and a customer with G.711 |
//! | `network` | networks that change, die and never come back |

mod floor;
mod narrow;
mod network;
mod refused;

use crate::scenarios::agent::{ask, until};
use crate::scenarios::rings;
use crate::scenarios::supervision::{confirmed, connect};
use floor::{Change, Floor, GAP_FILLED, WHILE};
use refused::written;
use serde_json::{Value, json};
use sidetone_interop::phone::PATIENCE;
use sidetone_interop::tones::{HEARD, Tone, Voice};
use std::time::Duration;

#[test]
fn a_supervisor_listens_whispers_barges_in_and_listens_again() {
    let mut floor = Floor::new();
    let (who, whom) = (floor.stage.line.colleague(), floor.stage.line.agent());
    let before = written(&who, &whom).len();
    // At his desk he watches without being asked to.
    floor.supervisor.forget();
    floor.supervisor.send(json!({ "command": "team" }));
    let roster = floor.supervisor.wait_for("team");
    let people = roster["team"]["people"].as_array().expect("people");
    let talks = |person: &Value| person["name"] == whom && person["state"] == "on_call";
    assert!(people.iter().any(talks), "{people:?}");
    let call = floor.supervise("listen");
    for mode in ["whisper", "barge", "whisper", "barge", "listen"] {
        let Change { took, gaps } = floor.switch(&call, mode);
        let [agents, customers, his] = gaps;
        println!(
            "{mode} is confirmed after {took:.0?}; the agent misses the customer for {agents:?}, the customer him for \
             {customers:?}, the supervisor one of them for {his:?}"
        );
        assert!(gaps.iter().all(|gap| *gap < Duration::from_millis(600)), "{mode}: {gaps:?}");
    }
    floor.supervisor.order(json!({ "command": "hangup", "call": call }));
    floor.supervisor.wait_ended(&call, "local");
    floor.nobody_hears_him();
    let expected = [
        "listen start",
        "whisper mode",
        "barge mode",
        "whisper mode",
        "barge mode",
        "listen mode",
        "listen end",
    ];
    assert_eq!(written(&who, &whom)[before..], expected);
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.leave();
}

#[test]
fn a_supervision_that_begins_loud_ends_with_the_agents_call() {
    let mut floor = Floor::new();
    let call = floor.supervise("barge");
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.supervisor.wait_ended(&call, "supervision_call_over");
    // It is not in the history.
    floor.supervisor.send(json!({ "command": "history" }));
    let history = floor.supervisor.wait_for("history");
    assert_eq!(history["entries"], json!([]));
    floor.leave();
}

#[test]
fn a_customer_who_is_sent_on_is_not_followed() {
    let mut floor = Floor::new();
    let [_, customer, _] = floor.voices;
    let call = floor.supervise("barge");
    floor.agent.ask("transfer", &floor.call, json!({ "to": "600" }));
    floor.supervisor.wait_ended(&call, "supervision_call_over");
    floor.agent.wait_ended(&floor.call, "transferred");
    // The echo, and nobody else.
    floor.customer.hears(customer);
    floor.customer.hears_nothing_but(&[customer], WHILE);
    floor.leave();
}

#[test]
fn who_follows_an_agent_only_listens_to_his_next_call() {
    let mut floor = Floor::new();
    let target = floor.stage.line.agent();
    floor.supervisor.order(
        json!({ "command": "supervise", "target": target, "mode": "barge", "follow": true }),
    );
    let call = floor.supervisor.wait_for("dialing")["call"].as_str().expect("an id").to_owned();
    confirmed(&mut floor.supervisor, &call, "barge");
    floor.both_hear_him();
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.supervisor.wait("waiting", PATIENCE, |event| event["waiting"] == true);
    until(&mut floor.agent, "wrap-up", |agent| agent["state"] == "wrap_up");
    ask(&mut floor.agent, json!({ "command": "unpause" }), "ready");
    floor.call = connect(&mut floor.customer, &mut floor.agent, &floor.stage.line.desk());
    confirmed(&mut floor.supervisor, &call, "listen");
    floor.he_hears_both();
    floor.nobody_hears_him();
    floor.switch(&call, "whisper");
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    // Nobody calls within ten seconds.
    floor.supervisor.wait_ended(&call, "supervision_call_over");
    floor.leave();
}

#[test]
fn what_is_whispered_to_an_agent_who_holds_reaches_nobody_and_that_is_told() {
    let mut floor = Floor::new();
    let call = floor.supervise("listen");
    floor.hold(&call, true);
    floor.customer.hears(Tone::MUSIC);
    floor
        .supervisor
        .order(json!({ "command": "set_supervision_mode", "call": call, "mode": "whisper" }));
    let told = confirmed(&mut floor.supervisor, &call, "whisper");
    assert_eq!((&told["heard"], &told["speaks"]), (&false.into(), &true.into()));
    floor.agent.hears_silence();
    floor.customer.hears_nothing_but(&[Tone::MUSIC], WHILE);
    floor.hold(&call, false);
    floor.the_agent_hears_him();
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.leave();
}

#[test]
fn who_barges_in_is_heard_again_by_both_when_the_agent_resumes() {
    let mut floor = Floor::new();
    let (who, whom) = (floor.stage.line.colleague(), floor.stage.line.agent());
    let before = written(&who, &whom).len();
    let call = floor.supervise("barge");
    for _ in 0..2 {
        floor.hold(&call, true);
        floor.agent.hears_silence();
        floor.customer.hears(Tone::MUSIC);
        floor.customer.hears_nothing_but(&[Tone::MUSIC], WHILE);
        floor.hold(&call, false);
        floor.both_hear_him();
        floor.he_hears_both();
    }
    // A hold is the agent's, and nothing that his supervisor has done.
    assert_eq!(written(&who, &whom)[before..], ["barge start"]);
    floor.switch(&call, "whisper");
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.leave();
}

#[test]
fn who_barges_in_is_heard_by_both_again_when_the_customer_resumes() {
    let mut floor = Floor::new();
    let call = floor.supervise("barge");
    let theirs = floor.customer.told().find(|event| event["event"] == "dialing").expect("a call");
    let theirs = theirs["call"].as_str().expect("an id").to_owned();
    for _ in 0..2 {
        floor.supervisor.forget();
        floor.customer.ask("hold", &theirs, json!({ "on": true }));
        floor.customer.wait_call("hold", &theirs);
        floor.told_heard(&call, false, GAP_FILLED);
        floor.customer.hears_silence();
        floor.agent.hears(Tone::MUSIC);
        floor.agent.hears_nothing_but(&[Tone::MUSIC], WHILE);
        floor.customer.ask("hold", &theirs, json!({ "on": false }));
        floor.customer.wait_call("hold", &theirs);
        floor.both_hear_him();
        floor.he_hears_both();
    }
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.leave();
}

#[test]
fn a_consultation_is_no_part_of_the_supervision_and_the_transfer_ends_it() {
    let mut floor = Floor::new();
    let [says, asks, _] = floor.voices;
    let others = Tone::draw::<4>();
    let other = others.into_iter().find(|tone| !floor.voices.contains(tone)).expect("another");
    let mut third = floor.stage.clerk_with(&Voice::steady(other), &[]);
    let call = floor.supervise("barge");
    floor.supervisor.forget();
    let asked = floor.agent.dial(&format!("105{}", floor.stage.line.number()));
    let theirs = rings(&mut third);
    third.ask("answer", &theirs, json!({}));
    floor.agent.wait_call("established", &asked);
    floor.supervisor.wait("that the agent holds", PATIENCE, |event| event["heard"] == false);
    // Neither hears the supervisor, and he hears nothing of it.
    floor.agent.hears(other);
    third.hears(says);
    third.hears_nothing_but(&[says], WHILE);
    floor.agent.hears_nothing_but(&[other], WHILE);
    floor.supervisor.listen(WHILE);
    // The customer's voice comes by fits while he is held.
    let heard = floor.supervisor.heard().last(WHILE);
    for tone in [says, other] {
        assert!(heard.level(tone) < HEARD, "{}", heard.describe());
    }
    floor.customer.hears(Tone::MUSIC);
    floor.customer.hears_nothing_but(&[Tone::MUSIC], WHILE);
    floor.agent.ask("attended", &floor.call, json!({ "with": asked }));
    floor.agent.wait_ended(&floor.call, "transferred");
    floor.supervisor.wait_ended(&call, "supervision_call_over");
    third.hears(asks);
    floor.customer.hears(other);
    third.hears_nothing_but(&[asks], WHILE);
    floor.customer.hears_nothing_but(&[other], WHILE);
    third.ask("hangup", &theirs, json!({}));
    floor.stage.leave(third);
    floor.leave();
}

#[test]
fn a_supervisor_who_takes_another_call_is_heard_by_nobody_when_he_is_back() {
    let mut floor = Floor::new();
    let call = floor.supervise("barge");
    let echo = floor.supervisor.dial("600");
    floor.supervisor.wait_call("established", &echo);
    confirmed(&mut floor.supervisor, &call, "listen");
    floor.nobody_hears_him();
    floor.supervisor.hears(floor.voices[2]);
    for (command, more) in [
        ("merge", json!({ "calls": [call, echo] })),
        ("transfer", json!({ "call": call, "to": "600" })),
    ] {
        let mut line = more;
        line["command"] = command.into();
        floor.supervisor.send(line);
        assert_eq!(floor.supervisor.wait_for("refused")["reason"], "supervising");
    }
    floor.supervisor.order(json!({ "command": "swap" }));
    floor.he_hears_both();
    floor.nobody_hears_him();
    floor.supervisor.ask("hangup", &echo, json!({}));
    floor.switch(&call, "barge");
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.leave();
}
