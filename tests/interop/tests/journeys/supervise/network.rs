//! Supervisions whose phones change their network, lose it, and are gone for good.

use super::floor::{Floor, WHILE};
use super::refused::{nobody_spies, written};
use crate::scenarios::supervision::confirmed;
use serde_json::json;
use sidetone_interop::bench::Bench;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::roam::Roam;
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::Voice;
use std::time::{Duration, Instant};

/// Signs in a phone whose network can change.
fn roaming(stage: &Stage, roam: &Roam, user: &str, voice: &Voice, arguments: &[&str]) -> Phone {
    let Server::Asterisk(bench) = &stage.server else { panic!("a real server") };
    let mut phone = Phone::start_with("roaming", &roam.setup(bench, user), voice, arguments);
    phone.wait_lamp("registered", PATIENCE);
    phone
}

/// Its network is gone, and another is there, of which it is told.
fn moves(phone: &mut Phone, roam: &mut Roam) {
    roam.lose();
    phone.listen(Duration::from_secs(1));
    roam.come();
    phone.send(json!({ "command": "network_changed", "make_before_break": false }));
}

/// Where the agent's phone has a network of its own.
fn with_a_roaming_agent() -> (Floor, Roam) {
    let mut roam = None;
    let agent = |stage: &Stage, voice: &Voice| {
        let roam = roam.insert(Roam::new(stage.line.number()));
        let arguments = ["agent", "--sip", "--queues"];
        roaming(stage, roam, &stage.line.agent(), voice, &arguments)
    };
    let floor = Floor::with(agent, |stage, voice| stage.supervisor(voice));
    (floor, roam.expect("his network"))
}

#[test]
fn an_agent_who_comes_back_on_another_network_is_supervised_as_before() {
    let (mut floor, mut roam) = with_a_roaming_agent();
    let call = floor.supervise("barge");
    for mode in ["barge", "whisper"] {
        if mode == "whisper" {
            floor.switch(&call, mode);
        }
        floor.agent.forget();
        moves(&mut floor.agent, &mut roam);
        floor.agent.wait_call("reconnected", &floor.call);
        floor.agent.listen(WHILE);
        match mode {
            "barge" => floor.both_hear_him(),
            _ => floor.the_agent_hears_him(),
        }
        floor.he_hears_both();
    }
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.supervisor.wait_ended(&call, "supervision_call_over");
    floor.leave();
}

#[test]
fn a_supervisor_on_another_network_is_heard_when_his_mode_is_confirmed_there() {
    let mut roam = None;
    let supervisor = |stage: &Stage, voice: &Voice| {
        let roam = roam.insert(Roam::new(stage.line.number()));
        roaming(stage, roam, &stage.line.colleague(), voice, &["supervisor", "--sip"])
    };
    let mut floor = Floor::with(|stage, voice| stage.agent_with(voice, &["--queues"]), supervisor);
    let mut roam = roam.expect("his network");
    let call = floor.supervise("barge");
    floor.supervisor.forget();
    moves(&mut floor.supervisor, &mut roam);
    let unknown = floor.supervisor.wait("that no mode is known", PATIENCE, |event| {
        event["event"] == "supervision" && event["mode"].is_null()
    });
    assert_eq!((&unknown["call"], &unknown["speaks"]), (&json!(call), &json!(false)));
    let told = confirmed(&mut floor.supervisor, &call, "barge");
    assert_eq!(told["speaks"], true);
    floor.both_hear_him();
    floor.he_hears_both();
    floor.switch(&call, "listen");
    // Where it never comes back the server ends his call alone.
    roam.lose();
    floor.nobody_hears_him();
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    roam.come();
    floor.supervisor.send(json!({ "command": "network_changed", "make_before_break": false }));
    floor.supervisor.wait("its end", Duration::from_secs(40), |event| {
        event["event"] == "ended" && event["call"] == call
    });
    floor.leave();
}

#[test]
fn a_supervisor_whose_connection_dies_is_silent_at_once_when_he_says_so() {
    let mut floor = Floor::new();
    let bench = Bench::get();
    let auditor = floor.stage.line.colleague();
    // His phone is where links can be spoiled.
    let mut setup = bench.setup(&auditor);
    setup.namespace = Some(bench.agents.clone());
    let speaks = Voice::steady(floor.voices[2]);
    let old = std::mem::replace(
        &mut floor.supervisor,
        Phone::start("supervisor-on-the-road", &setup, &speaks),
    );
    floor.stage.leave(old);
    floor.supervisor.wait_lamp("registered", PATIENCE);
    let call = floor.supervise("barge");
    let lost = bench.lose(bench.ports(floor.supervisor.id()));
    // No connection carries the wish; his microphone is closed all the same.
    floor
        .supervisor
        .order(json!({ "command": "set_supervision_mode", "call": call, "mode": "listen" }));
    floor.nobody_hears_him();
    drop(lost);
    floor.nobody_hears_him();
    // Found out and built anew, the server knows it too; unless nobody waits for it any more, when it is asked for again.
    floor.supervisor.listen(Duration::from_secs(20));
    floor
        .supervisor
        .order(json!({ "command": "set_supervision_mode", "call": call, "mode": "listen" }));
    confirmed(&mut floor.supervisor, &call, "listen");
    floor.switch(&call, "whisper");
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.leave();
}

/// The server gives up a phone that it hears nothing of after `rtp_timeout`, which is a minute on the bench.
const GIVEN_UP: Duration = Duration::from_secs(80);

#[test]
fn an_agent_whose_phone_is_gone_for_good_ends_the_supervision_as_his_call_ends() {
    let (mut floor, mut roam) = with_a_roaming_agent();
    let (who, whom) = (floor.stage.line.colleague(), floor.stage.line.agent());
    let before = written(&who, &whom).len();
    let call = floor.supervise("barge");
    roam.lose();
    floor.agent.kill();
    floor.supervisor.forget();
    let began = Instant::now();
    let ended = floor
        .supervisor
        .wait("its end", GIVEN_UP, |event| event["event"] == "ended" && event["call"] == call);
    println!("a supervisor whose agent is gone is told so after {:.0?}", began.elapsed());
    assert_eq!(ended["reason"], "supervision_call_over", "{ended}");
    assert_eq!(written(&who, &whom)[before..], ["barge start", "barge end"]);
    nobody_spies(&whom);
    floor.supervisor.wait("that he is in no call", PATIENCE, |event| {
        let colleague = &event["colleague"];
        colleague["name"] == whom.as_str() && colleague["state"] != "on_call"
    });
    let Floor { stage, customer, supervisor, .. } = floor;
    for phone in [customer, supervisor] {
        stage.leave(phone);
    }
    // He signs out at no queue any more.
    Bench::get().sweep(&stage.line);
}

#[test]
fn a_supervisor_whose_phone_is_gone_for_good_is_written_down_as_gone() {
    let mut roam = None;
    let supervisor = |stage: &Stage, voice: &Voice| {
        let roam = roam.insert(Roam::new(stage.line.number()));
        roaming(stage, roam, &stage.line.colleague(), voice, &["supervisor", "--sip"])
    };
    let mut floor = Floor::with(|stage, voice| stage.agent_with(voice, &["--queues"]), supervisor);
    let (who, whom) = (floor.stage.line.colleague(), floor.stage.line.agent());
    let before = written(&who, &whom).len();
    floor.supervise("barge");
    roam.expect("his network").lose();
    floor.supervisor.kill();
    // What is put in for his last packets may be loud.
    floor.agent.listen(WHILE);
    floor.nobody_hears_him();
    Bench::get().wait("the end of it", GIVEN_UP, |_| written(&who, &whom).len() == before + 2);
    assert_eq!(written(&who, &whom)[before..], ["barge start", "barge end"]);
    nobody_spies(&whom);
    floor.nobody_hears_him();
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.leave_without_him();
}
