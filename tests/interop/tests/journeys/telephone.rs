//! The old telephone network: a customer with G.711, and digits.

use crate::scenarios::rings;
use serde_json::json;
use sidetone_interop::bench::Bench;
use sidetone_interop::customer::Customer;
use sidetone_interop::lines::beside_others;
use sidetone_interop::phone::{PATIENCE, Phone, Scratch};
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Heard, Tone, Voice};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// There is one customer with G.711.
pub(crate) static CUSTOMER: Mutex<()> = Mutex::new(());

/// What the customer heard is the agent's two tones and the music of the queue.
fn judge(heard: &Heard, agent_says: [Tone; 2]) {
    let [one, two] = agent_says;
    heard.assert_never_but(&[one, two, Tone::MUSIC], "the customer");
    for tone in agent_says {
        assert!(heard.level(tone) > -30.0, "the customer heard {tone}: {}", heard.describe());
    }
}

#[test]
fn a_customer_with_g711_calls_the_queue() {
    let _one = CUSTOMER.lock().unwrap_or_else(PoisonError::into_inner);
    let stage = Stage::asterisk();
    let [a, b, c, d] = Tone::draw();
    let folder = Scratch::new("customer");
    let ear = folder.0.join("heard-by-customer.wav");
    let mut agent = stage.agent(&Voice::swapping([a, b]));
    let voice = Voice::swapping([c, d]).as_argument();
    let path = ear.display().to_string();
    let sipp = Customer::start(
        &Bench::get(),
        &["call", &stage.line.queue(), "--for", "9", "--voice", &voice, "--heard", &path],
    );
    let call = rings(&mut agent);
    agent.ask("answer", &call, json!({}));
    agent.wait_call("established", &call);
    agent.hears(c);
    agent.hears(d);
    agent.wait_ended(&call, "remote");
    agent.heard().assert_never_but(&[c, d], "the agent");
    assert!(sipp.wait().success());
    judge(&Heard::read(&ear), [a, b]);
    stage.leave(agent);
}

#[test]
fn a_customer_with_g711_hears_the_colleague_he_is_brought_to() {
    let _one = CUSTOMER.lock().unwrap_or_else(PoisonError::into_inner);
    let stage = Stage::asterisk();
    let [a, b, c] = Tone::draw();
    let folder = Scratch::new("customer");
    let ear = folder.0.join("heard-by-customer.wav");
    let (mut agent, mut colleague) =
        (stage.agent(&Voice::steady(a)), stage.colleague(&Voice::steady(b)));
    let voice = Voice::steady(c).as_argument();
    let path = ear.display().to_string();
    let sipp = Customer::start(
        &Bench::get(),
        &["call", &stage.line.queue(), "--for", "6", "--voice", &voice, "--heard", &path],
    );
    let call = rings(&mut agent);
    agent.ask("answer", &call, json!({}));
    agent.wait_call("established", &call);
    agent.hears(c);
    let out = agent.dial(&stage.line.colleague_number());
    let theirs = rings(&mut colleague);
    colleague.ask("answer", &theirs, json!({}));
    agent.wait_call("established", &out);
    agent.hears(b);
    agent.ask("attended", &call, json!({ "with": out }));
    agent.wait_ended(&call, "transferred");
    colleague.hears(c);
    colleague.wait_ended(&theirs, "remote");
    assert!(sipp.wait().success());
    let heard = Heard::read(&ear).last(Duration::from_secs(1));
    assert!(heard.level(b) > -30.0, "the customer hears {b}: {}", heard.describe());
    stage.leave(agent);
    stage.leave(colleague);
}

#[test]
fn a_customer_with_g711_is_called() {
    let _one = CUSTOMER.lock().unwrap_or_else(PoisonError::into_inner);
    let stage = Stage::asterisk();
    let [a, b, c, d] = Tone::draw();
    let folder = Scratch::new("customer");
    let ear = folder.0.join("heard-by-customer.wav");
    let voice = Voice::swapping([c, d]).as_argument();
    let path = ear.display().to_string();
    let sipp = Customer::start(
        &Bench::get(),
        &["answer", "--ring", "1", "--for", "8", "--voice", &voice, "--heard", &path],
    );
    let mut agent = stage.agent(&Voice::swapping([a, b]));
    let call = agent.dial("0123456");
    agent.wait_call("ringing", &call);
    agent.wait_call("answered", &call);
    agent.hears(c);
    agent.hears(d);
    agent.wait_ended(&call, "remote");
    assert!(sipp.wait().success());
    judge(&Heard::read(&ear), [a, b]);
    stage.leave(agent);
}

#[test]
fn digits_arrive_each_once_and_in_their_order() {
    let stage = Stage::asterisk();
    let bench = Bench::get();
    let [voice] = Tone::draw();
    let mut agent = stage.agent(&Voice::steady(voice));
    let call = agent.dial("609");
    agent.wait_call("established", &call);
    agent.wait_call("media", &call);
    for (digits, so_far) in [("159", "159"), ("0*#", "1590*#"), ("77", "1590*#77")] {
        agent.ask("dtmf", &call, json!({ "digits": digits }));
        agent.wait_call("dtmf_sent", &call);
        bench.wait("the digits", PATIENCE, |bench| {
            bench.digits(&stage.line.agent_number()) == so_far
        });
    }
    agent.ask("hangup", &call, json!({}));
    agent.wait_ended(&call, "local");
    stage.leave(agent);
}

#[test]
fn digits_go_by_info_where_the_answer_has_no_telephone_event() {
    let _unharmed = beside_others();
    let bench = Bench::get();
    let [voice] = Tone::draw();
    let setup = bench.setup("info1");
    let arguments = ["agent", "--sip"];
    let mut agent = Phone::start_with("info", &setup, &Voice::steady(voice), &arguments);
    agent.wait_lamp("registered", PATIENCE);
    let call = agent.dial("609");
    agent.wait_call("established", &call);
    for (digits, so_far) in [("159", "159"), ("0*#", "1590*#"), ("77", "1590*#77")] {
        agent.ask("dtmf", &call, json!({ "digits": digits }));
        agent.wait("an INFO", PATIENCE, |event| {
            let text = event["message"].as_str().unwrap_or_default();
            event["event"] == "sip" && event["sent"] == true && text.starts_with("INFO ")
        });
        agent.wait_call("dtmf_sent", &call);
        bench.wait("the digits", PATIENCE, |bench| bench.digits("1093") == so_far);
    }
    agent.ask("hangup", &call, json!({}));
    agent.wait_ended(&call, "local");
    assert_eq!(agent.leave(), 0);
}
