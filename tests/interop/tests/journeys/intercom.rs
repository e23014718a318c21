//! Calls that ask to be answered without the agent, and are not: beside another call, of an agent who is away, from outside.

use crate::scenarios::agent::{ask, until};
use crate::scenarios::{A_WHILE, rings};
use serde_json::json;
use sidetone_interop::bench::Bench;
use sidetone_interop::lines::{Line, alone};
use sidetone_interop::phone::Phone;
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::{Tone, Voice};
use std::time::Duration;

/// The time that the server asks for, and some more.
const ASKED: Duration = Duration::from_secs(2);

#[test]
fn the_second_call_only_rings_and_the_first_talks_on() {
    let stage = Stage::asterisk();
    let [a, b] = Tone::draw();
    let mut agent = stage.agent_with(&Voice::steady(a), &["--answer-mode", "asked"]);
    let mut customer = stage.customer(&Voice::steady(b));
    let mut colleague = stage.colleague(&Voice::silence());
    let number = format!("130{}", stage.line.number());
    let theirs = customer.dial(&number);
    let call = rings(&mut agent);
    agent.wait_call("established", &call);
    let second = colleague.dial(&number);
    let beside = rings(&mut agent);
    agent.listen(A_WHILE);
    assert_eq!(agent.count("auto_answering"), 1, "the second only rings");
    assert_eq!(agent.count("answered"), 1);
    let seen = agent.snapshot();
    let automatic = |n: usize| seen["calls"][n]["automatic"].as_bool();
    assert_eq!((automatic(0), automatic(1)), (Some(true), Some(false)), "{seen}");
    assert_eq!(seen["auto_answer"], true);
    agent.hears(b);
    customer.hears(a);
    colleague.ask("hangup", &second, json!({}));
    colleague.wait_ended(&second, "local");
    agent.wait_ended(&beside, "cancelled");
    agent.ask("hangup", &call, json!({}));
    agent.wait_ended(&call, "local");
    customer.wait_ended(&theirs, "remote");
    for phone in [agent, customer, colleague] {
        stage.leave(phone);
    }
}

#[test]
fn an_agent_who_is_paused_or_in_no_queue_answers_himself() {
    let stage = Stage::asterisk();
    let more = ["--queues", "--answer-mode", "asked"];
    let mut agent = stage.agent_with(&Voice::silence(), &more);
    until(&mut agent, "in no queue", |agent| agent["state"] == "logged_out");
    let mut colleague = stage.colleague(&Voice::silence());
    let number = format!("130{}", stage.line.number());
    let mut only_rings = |agent: &mut Phone| {
        let theirs = colleague.dial(&number);
        let call = rings(agent);
        agent.listen(ASKED);
        colleague.ask("hangup", &theirs, json!({}));
        agent.wait_ended(&call, "cancelled");
        assert_eq!((agent.count("auto_answering"), agent.count("answered")), (0, 0));
    };
    only_rings(&mut agent);
    ask(&mut agent, json!({ "command": "login", "reason": "lunch" }), "not_ready");
    only_rings(&mut agent);
    ask(&mut agent, json!({ "command": "unpause" }), "ready");
    let theirs = colleague.dial(&number);
    let call = rings(&mut agent);
    agent.wait_call("answered", &call);
    assert_eq!(agent.count("auto_answering"), 1);
    colleague.ask("hangup", &theirs, json!({}));
    agent.wait_ended(&call, "remote");
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(colleague);
}

/// A customer calls this number: the phone is asked to answer by itself, and does, or it only rings.
fn calls(stage: &Stage, agent: &mut Phone, number: &str, is_asked: bool) {
    let mut customer = stage.customer(&Voice::silence());
    agent.forget();
    let theirs = customer.dial(number);
    let incoming = agent.wait_for("incoming");
    let call = incoming["call"].as_str().expect("a call").to_owned();
    // As it came, whatever the phone makes of it.
    let asks = incoming["headers"]["Call-Info"].as_str().unwrap_or_default().to_owned();
    assert_eq!(asks.ends_with("answer-after=1"), is_asked, "{incoming}");
    if is_asked {
        agent.wait_call("established", &call);
        agent.ask("hangup", &call, json!({}));
        customer.wait_call("ended", &theirs);
    } else {
        agent.listen(ASKED);
        assert_eq!(agent.snapshot()["calls"][0]["state"], "ringing");
        customer.ask("hangup", &theirs, json!({}));
        agent.wait_ended(&call, "cancelled");
    }
    stage.leave(customer);
}

#[test]
fn calls_of_a_queue_that_the_site_has_answered_are_answered_without_the_agent_and_others_are_not() {
    let stage = Stage::asterisk();
    let line = stage.line.number();
    let mut agent = stage.agent_with(&Voice::silence(), &["--answer-mode", "asked"]);
    calls(&stage, &mut agent, &format!("190{line}"), true);
    for number in [stage.line.push_queue(), stage.line.direct()] {
        calls(&stage, &mut agent, &number, false);
    }
    stage.leave(agent);
}

#[test]
fn a_phone_whose_agent_has_no_right_to_it_is_not_asked_to_answer_by_itself() {
    let _server = alone();
    let bench = Bench::get();
    let stage = Stage::on(Server::Asterisk(bench.clone()), Line::own(1));
    let agents = "[sidetone-answer-agents]\nexten => agent1,1,Return(1)\n[sidetone-features-may]\n";
    let head = "[sidetone-features-may]\n";
    let more = ["--answer-mode", "asked"];
    {
        let _site = bench.rewrite("sidetone-settings.conf", head, agents);
        let mut agent = stage.agent_with(&Voice::silence(), &more);
        for number in [stage.line.push_queue(), stage.line.direct(), "1901".to_owned()] {
            calls(&stage, &mut agent, &number, true);
        }
        stage.leave(agent);
    }
    let without = format!("{agents}exten => agent1,1,Return(dial,transfer,settings)\n");
    let _site = bench.rewrite("sidetone-settings.conf", head, &without);
    let mut agent = stage.agent_with(&Voice::silence(), &more);
    assert_eq!(agent.snapshot()["auto_answer"], true, "the phone would");
    for number in [stage.line.push_queue(), stage.line.direct(), "1901".to_owned()] {
        calls(&stage, &mut agent, &number, false);
    }
    stage.leave(agent);
}

/// So does a phone that has signed in, and writes what it likes.
#[test]
fn a_header_of_a_rogue_phone_opens_no_microphone() {
    let bench = Bench::get();
    let stage = Stage::on(Server::Asterisk(bench.clone()), Line::any());
    let mut agent = stage.agent_with(&Voice::silence(), &["--answer-mode", "asked"]);
    let rogue = stage.line.colleague();
    let fields = "Answer-Mode: Auto\nPriv-Answer-Mode: Auto\nCall-Info: <sip:bench.test>;answer-after=0\n\
                  Alert-Info: <http://x>;info=alert-autoanswer\nX-Queue: support\nX-Early-Media: yes\n";
    let number = format!("100{}", stage.line.number());
    let mut caller = bench.program("pbx", "rogue-phone");
    caller.args([&rogue, &format!("secret-{rogue}"), &number, "3"]);
    let mut caller = Bench::start(caller, fields.as_bytes());
    let call = rings(&mut agent);
    agent.listen(ASKED);
    assert_eq!((agent.count("auto_answering"), agent.count("answered")), (0, 0));
    let seen = agent.snapshot();
    assert_eq!(seen["calls"][0]["data"]["queue"], json!(null), "nor is it a queue's: {seen}");
    agent.wait_ended(&call, "cancelled");
    assert!(caller.wait().expect("it ends").success());
    stage.leave(agent);
}

/// A caller outside writes into his INVITE whatever phones take for the wish to be answered: it ends at the server.
#[test]
fn a_header_from_outside_opens_no_microphone() {
    let bench = Bench::get();
    let stage = Stage::on(Server::Asterisk(bench.clone()), Line::any());
    let mut agent = stage.agent_with(&Voice::silence(), &["--answer-mode", "asked"]);
    let headers = "\"Eve\" <sip:0302000001@198.18.0.2>;tag=eve\r\nAnswer-Mode: Auto\r\nPriv-Answer-Mode: Auto\r\n\
                   Call-Info: <sip:bench.test>;answer-after=0\r\nAlert-Info: <http://x>;info=alert-autoanswer\r\n\
                   X-Call-UID: 6f9619ff-8b86-4d01-b42d-00cf4fc964ff\r\nX-Rest:";
    for (before, number) in ["180", "100"].into_iter().enumerate() {
        let mut caller = bench.program("pbx", "raw-caller");
        caller.args(["call", &format!("{number}{}", stage.line.number()), "5"]);
        let mut caller = Bench::start(caller, headers.as_bytes());
        let call = rings(&mut agent);
        assert_ne!(call, "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "nor does he name the call");
        agent.listen(ASKED);
        assert_eq!(agent.count("auto_answering"), 0, "{number}");
        assert_eq!(agent.count("answered"), before, "{number}");
        agent.order(json!({ "command": "answer", "call": call }));
        agent.wait_call("ended", &call);
        assert!(caller.wait().expect("it ends").success());
    }
    stage.leave(agent);
}
