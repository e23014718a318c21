//! Callers whom an agent is not to see: none of their bytes reach him, and he calls back by a reference of his own.

use crate::scenarios::rings;
use serde_json::{Value, json};
use sidetone_interop::bench::Bench;
use sidetone_interop::lines::Line;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::push::Mailbox;
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::Voice;
use std::time::{Duration, Instant};

/// What of a customer is hidden: his number, his name, his user.
fn hidden(stage: &Stage) -> [String; 3] {
    let n = stage.line.number();
    let name = ["one", "two", "three", "four"][usize::from(n.to_string().as_bytes()[0] - b'1')];
    [format!("030100000{n}"), format!("customer {name}"), format!("customer{n}")]
}

#[track_caller]
fn has_nothing_of(text: &str, hidden: &[String; 3]) {
    for part in hidden {
        assert!(!text.to_lowercase().contains(part), "{part} is in {text}");
    }
}

/// Every message that the phone received, every event and what it remembers.
#[track_caller]
fn knows_nothing_of(phone: &mut Phone, hidden: &[String; 3]) {
    phone.send(json!({ "command": "history" }));
    phone.wait_for("history");
    let received = phone.told().filter(|event| event["event"] == "sip").count();
    assert!(received > 5, "{received} messages are looked at");
    for event in phone.told() {
        has_nothing_of(&event.to_string(), hidden);
    }
}

/// The call that rings, and what its caller is called.
#[track_caller]
fn rings_as(phone: &mut Phone, name: &str) -> (String, Value) {
    let incoming = phone.wait("a call", PATIENCE, |event| event["event"] == "incoming");
    assert_eq!(incoming["from"]["name"], name, "{incoming}");
    (incoming["call"].as_str().expect("an id").to_owned(), incoming)
}

#[test]
fn a_caller_hidden_in_part_is_called_back_by_a_reference_that_is_one_agents() {
    // The fourth agent may have several phones.
    let stage = Stage::on(Server::Asterisk(Bench::get()), Line::numbered(4));
    let hidden = hidden(&stage);
    let mailbox = Mailbox::of(&stage.line.agent());
    let (mut one, mut other) = (stage.agent(&Voice::silence()), stage.agent(&Voice::silence()));
    let mut customer = stage.customer(&Voice::silence());
    let given = Instant::now();
    let theirs = customer.dial(&stage.line.desk().replace("182", "185"));
    let post = mailbox.next("incoming", PATIENCE);
    has_nothing_of(&post.to_string(), &hidden);
    assert_eq!(post["payload"]["caller"], json!({ "name": "030 *** 04" }), "{post}");
    let (call, incoming) = rings_as(&mut one, "030 *** 04");
    rings_as(&mut other, "030 *** 04");
    let reference = incoming["data"]["caller_ref"].as_str().expect("a reference").to_owned();
    assert!(reference.starts_with("ref-"), "{reference}");
    one.order(json!({ "command": "answer", "call": call }));
    customer.wait_call("established", &theirs);
    // What Asterisk tells of the other side's changes.
    for on in [true, false] {
        customer.order(json!({ "command": "hold", "call": theirs, "on": on }));
        customer.listen(Duration::from_secs(1));
    }
    one.order(json!({ "command": "hangup", "call": call }));
    customer.wait_call("ended", &theirs);
    one.send(json!({ "command": "history" }));
    let entry = one.wait_for("history")["entries"][0].clone();
    assert_eq!(entry["number"], Value::Null, "{entry}");
    let redial = entry["redial"].as_str().expect("he can be called again").to_owned();
    assert!(redial.contains(&reference), "{redial}");
    let back = one.dial(&redial);
    let theirs = rings(&mut customer);
    customer.order(json!({ "command": "answer", "call": theirs }));
    one.wait_call("established", &back);
    one.order(json!({ "command": "hangup", "call": back }));
    customer.wait_call("ended", &theirs);
    // It is his alone, and for some time.
    let mut colleague = stage.colleague(&Voice::silence());
    let stolen = colleague.dial(&redial);
    assert_eq!(colleague.wait_call("ended", &stolen)["status"], 404);
    one.listen(Duration::from_secs(22).saturating_sub(given.elapsed()));
    let late = one.dial(&redial);
    assert_eq!(one.wait_call("ended", &late)["status"], 410);
    for mut phone in [one, other] {
        knows_nothing_of(&mut phone, &hidden);
        stage.leave(phone);
    }
    stage.leave(colleague);
    stage.leave(customer);
}

#[test]
fn a_hidden_caller_who_comes_back_from_a_transfer_is_hidden_still() {
    let stage = Stage::asterisk();
    let hidden = hidden(&stage);
    let (mut agent, mut customer) =
        (stage.agent(&Voice::silence()), stage.customer(&Voice::silence()));
    let theirs = customer.dial(&stage.line.desk().replace("182", "186"));
    let (call, _) = rings_as(&mut agent, "Hidden");
    agent.order(json!({ "command": "answer", "call": call }));
    agent.wait_call("established", &call);
    customer.wait_call("established", &theirs);
    agent.order(json!({ "command": "transfer", "call": call, "to": "606" }));
    agent.wait_call("ended", &call);
    let (again, incoming) = rings_as(&mut agent, "Hidden");
    assert_eq!(incoming["data"]["returned_from"], "606", "{incoming}");
    assert!(incoming["data"]["caller_ref"].is_string(), "{incoming}");
    agent.order(json!({ "command": "answer", "call": again }));
    agent.wait_call("established", &again);
    customer.order(json!({ "command": "hangup", "call": theirs }));
    agent.wait_call("ended", &again);
    knows_nothing_of(&mut agent, &hidden);
    stage.leave(agent);
    stage.leave(customer);
}

/// The agent brings the customer together with a user who sees no callers, whoever of the two has called.
fn transferred_to_who_sees_none(he_calls: bool) {
    let stage = Stage::asterisk();
    let hidden = hidden(&stage);
    let voice = Voice::silence();
    let (mut agent, mut customer) = (stage.agent(&voice), stage.customer(&voice));
    let mut veiled =
        Phone::start_with("veiled", &stage.server.setup("veiled1"), &voice, &["agent", "--sip"]);
    veiled.wait_lamp("registered", PATIENCE);
    let theirs = customer.dial(&stage.line.queue());
    let first = rings(&mut agent);
    agent.order(json!({ "command": "answer", "call": first }));
    customer.wait_call("established", &theirs);
    let (asks, call) = if he_calls {
        let call = veiled.dial(&stage.line.agent_number());
        let asks = rings(&mut agent);
        agent.order(json!({ "command": "answer", "call": asks }));
        (asks, call)
    } else {
        let asks = agent.dial("1871");
        let (call, _) = rings_as(&mut veiled, "Hidden");
        veiled.order(json!({ "command": "answer", "call": call }));
        (asks, call)
    };
    agent.wait_call("established", &asks);
    agent.order(json!({ "command": "attended", "call": first, "with": asks }));
    agent.wait_call("ended", &first);
    veiled.listen(Duration::from_secs(2));
    customer.order(json!({ "command": "hangup", "call": theirs }));
    veiled.wait_call("ended", &call);
    knows_nothing_of(&mut veiled, &hidden);
    for phone in [agent, customer, veiled] {
        stage.leave(phone);
    }
}

#[test]
fn a_caller_who_is_transferred_to_somebody_who_sees_none_is_hidden_from_him() {
    transferred_to_who_sees_none(false);
    transferred_to_who_sees_none(true);
}
