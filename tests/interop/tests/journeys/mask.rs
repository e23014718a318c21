//! Callers whom an agent is not to see: none of their bytes reach him, and he calls back by a reference of his own.

use crate::scenarios::rings;
use crate::scenarios::supervision::{confirmed, supervise};
use serde_json::{Value, json};
use sidetone_ffi::Vault;
use sidetone_interop::bench::Bench;
use sidetone_interop::lines::Line;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::push::Mailbox;
use sidetone_interop::roam;
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::Voice;
use sidetone_interop::wire::Wire;
use std::path::Path;
use std::time::{Duration, Instant};

/// What of a customer is hidden: his number, his name, his user.
fn hidden(stage: &Stage) -> [String; 3] {
    let n = stage.line.number();
    let name = ["one", "two", "three", "four"][usize::from(n.to_string().as_bytes()[0] - b'1')];
    [format!("030100000{n}"), format!("customer {name}"), format!("customer{n}")]
}

/// What is in bodies that the server sends an agent: they are read, too.
const BODIES: [&str; 2] = ["\"queues\":[{", "\"features\":[{"];

#[track_caller]
fn has_nothing_of(text: &str, hidden: &[String; 3]) {
    for part in hidden {
        assert!(!text.to_lowercase().contains(part), "{part} is in {text}");
    }
}

/// Somebody from whom callers are hidden: his phone asks for all that a server can tell, and writes down whatever it does.
struct Blind {
    phone: Phone,
    ports: Vec<String>,
}

impl Blind {
    fn start(stage: &Stage, user: &str) -> Self {
        let setup = stage.server.setup(user);
        let asks = ["agent", "--sip", "--queues", "--recordings", "--features"];
        let mut phone = Phone::start_traced(user, &setup, &Voice::silence(), &asks);
        phone.wait_lamp("registered", PATIENCE);
        // Who may watch nobody may know it already, and is refused.
        phone.send(json!({ "command": "watch", "on": true }));
        let ports = roam::ports(setup.namespace.as_deref().expect("a network"), phone.id());
        assert!(!ports.is_empty(), "it is connected");
        Self { phone, ports }
    }

    /// Each byte that was sent to him, that his phone told, logged, or keeps, once it has ended: nothing of the customer is there.
    #[track_caller]
    fn leaves_knowing_nothing_of(mut self, wire: &Wire, hidden: &[String; 3], bodies: &[&str]) {
        for what in ["history", "messages"] {
            self.phone.send(json!({ "command": what }));
            self.phone.wait_for(what);
        }
        self.phone.listen(Duration::from_millis(200));
        let sent = wire.sent_to(&self.ports).join("\n");
        for body in bodies {
            assert!(sent.contains(body), "{body:?} was sent to him, and is looked at: {sent}");
        }
        has_nothing_of(&sent, hidden);
        for event in self.phone.told() {
            has_nothing_of(&event.to_string(), hidden);
        }
        assert_eq!(self.phone.leave(), 0);
        let log = std::fs::read(self.phone.folder().join("log")).expect("a log");
        let log = String::from_utf8_lossy(&log);
        assert!(log.contains("TRACE"), "all is logged");
        has_nothing_of(&log, hidden);
        let kept = kept(&self.phone.folder().join("state"));
        let what = if self.phone.count("incoming") > 0 { "history-" } else { "phone" };
        assert!(kept.iter().any(|(name, _)| name.starts_with(what)), "it is opened: {kept:?}");
        for (_, content) in &kept {
            has_nothing_of(content, hidden);
        }
    }
}

/// What lies in the folder of a phone's state: each file as it is, and what is sealed in it.
fn kept(folder: &Path) -> Vec<(String, String)> {
    let key = std::fs::read(folder.join("key")).expect("the key of a desktop lies beside");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let vault = Vault::open(folder.display().to_string(), key);
    let vault = runtime.block_on(vault).expect("the key opens it");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder").map_while(Result::ok) {
        let name = entry.file_name().into_string().expect("a name");
        all.push((name.clone(), text(std::fs::read(entry.path()).expect("a file"))));
        if let Some(sealed) = name.strip_suffix(".sealed") {
            let content = runtime.block_on(vault.read(sealed.to_owned())).expect("it opens");
            all.push((sealed.to_owned(), text(content.expect("it is there"))));
        }
    }
    all
}

/// Nobody is hidden from himself: what is looked for is found where it is.
#[track_caller]
fn is_found_at_the_customers(wire: &Wire, customer: &Phone, hidden: &[String; 3]) {
    let bench = Bench::get();
    let sent = wire.sent_to(&roam::ports(&bench.customers, customer.id())).join("\n");
    assert!(hidden.iter().any(|part| sent.to_lowercase().contains(part)), "{hidden:?}: {sent}");
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
    let wire = Wire::tapped(&Bench::get());
    let (mut first, mut second) =
        (Blind::start(&stage, &stage.line.agent()), Blind::start(&stage, &stage.line.agent()));
    let (one, other) = (&mut first.phone, &mut second.phone);
    let mut customer = stage.customer(&Voice::silence());
    let given = Instant::now();
    let theirs = customer.dial(&stage.line.desk().replace("182", "185"));
    let post = mailbox.next("incoming", PATIENCE);
    has_nothing_of(&post.to_string(), &hidden);
    assert_eq!(post["payload"]["caller"], json!({ "name": "030 *** 04" }), "{post}");
    let (call, incoming) = rings_as(one, "030 *** 04");
    rings_as(other, "030 *** 04");
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
    is_found_at_the_customers(&wire, &customer, &hidden);
    for blind in [first, second] {
        blind.leaves_knowing_nothing_of(&wire, &hidden, &BODIES);
    }
    stage.leave(colleague);
    stage.leave(customer);
}

#[test]
fn a_hidden_caller_who_comes_back_from_a_transfer_is_hidden_still() {
    let stage = Stage::asterisk();
    let hidden = hidden(&stage);
    let wire = Wire::tapped(&Bench::get());
    let mut blind = Blind::start(&stage, &stage.line.agent());
    let agent = &mut blind.phone;
    let mut customer = stage.customer(&Voice::silence());
    let theirs = customer.dial(&stage.line.desk().replace("182", "186"));
    let (call, _) = rings_as(agent, "Hidden");
    agent.order(json!({ "command": "answer", "call": call }));
    agent.wait_call("established", &call);
    customer.wait_call("established", &theirs);
    agent.order(json!({ "command": "transfer", "call": call, "to": "606" }));
    agent.wait_call("ended", &call);
    let (again, incoming) = rings_as(agent, "Hidden");
    assert_eq!(incoming["data"]["returned_from"], "606", "{incoming}");
    assert!(incoming["data"]["caller_ref"].is_string(), "{incoming}");
    agent.order(json!({ "command": "answer", "call": again }));
    agent.wait_call("established", &again);
    customer.order(json!({ "command": "hangup", "call": theirs }));
    agent.wait_call("ended", &again);
    is_found_at_the_customers(&wire, &customer, &hidden);
    blind.leaves_knowing_nothing_of(&wire, &hidden, &BODIES);
    stage.leave(customer);
}

#[test]
fn a_hidden_caller_who_is_recorded_and_listened_to_is_hidden_from_the_agent_and_from_who_listens() {
    let stage = Stage::asterisk();
    let hidden = hidden(&stage);
    let wire = Wire::tapped(&Bench::get());
    let mut blind = Blind::start(&stage, &stage.line.agent());
    let mut watches = Blind::start(&stage, &stage.line.colleague());
    let (agent, supervisor) = (&mut blind.phone, &mut watches.phone);
    let mut customer = stage.customer(&Voice::silence());
    let theirs = customer.dial(&stage.line.desk().replace("182", "186"));
    let (call, _) = rings_as(agent, "Hidden");
    agent.order(json!({ "command": "answer", "call": call }));
    agent.wait_call("established", &call);
    customer.wait_call("established", &theirs);
    agent.ask("record", &call, json!({ "recording": "1", "action": "start" }));
    agent.wait("a recording", PATIENCE, |event| {
        event["event"] == "recordings" && event["recordings"][0]["state"] == "recording"
    });
    let watched = supervise(supervisor, &stage.line.agent(), "listen");
    confirmed(supervisor, &watched, "listen");
    supervisor.ask("set_supervision_mode", &watched, json!({ "mode": "barge" }));
    confirmed(supervisor, &watched, "barge");
    let text = "a note for myself";
    let number = stage.line.agent_number();
    agent.order(json!({ "command": "message", "to": number, "text": text }));
    agent.wait_for("message_received");
    for on in [true, false] {
        agent.ask("hold", &call, json!({ "on": on }));
        agent.wait_call("hold", &call);
    }
    customer.order(json!({ "command": "hangup", "call": theirs }));
    agent.wait_call("ended", &call);
    supervisor.wait_ended(&watched, "supervision_call_over");
    is_found_at_the_customers(&wire, &customer, &hidden);
    let [queues, features] = BODIES;
    let told = [queues, features, "\"recordings\":[{", text];
    blind.leaves_knowing_nothing_of(&wire, &hidden, &told);
    watches.leaves_knowing_nothing_of(&wire, &hidden, &["\"mode\":\"barge\"", "\"people\":[{"]);
    stage.leave(customer);
}

/// The agent brings the customer together with a user who sees no callers, whoever of the two has called.
fn transferred_to_who_sees_none(he_calls: bool) {
    let stage = Stage::asterisk();
    let hidden = hidden(&stage);
    let voice = Voice::silence();
    let (mut agent, mut customer) = (stage.agent(&voice), stage.customer(&voice));
    let wire = Wire::tapped(&Bench::get());
    let mut blind = Blind::start(&stage, "veiled1");
    let veiled = &mut blind.phone;
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
        let (call, _) = rings_as(veiled, "Hidden");
        veiled.order(json!({ "command": "answer", "call": call }));
        (asks, call)
    };
    agent.wait_call("established", &asks);
    agent.order(json!({ "command": "attended", "call": first, "with": asks }));
    agent.wait_call("ended", &first);
    veiled.listen(Duration::from_secs(2));
    customer.order(json!({ "command": "hangup", "call": theirs }));
    veiled.wait_call("ended", &call);
    is_found_at_the_customers(&wire, &customer, &hidden);
    blind.leaves_knowing_nothing_of(&wire, &hidden, &["\"features\":["]);
    for phone in [agent, customer] {
        stage.leave(phone);
    }
}

#[test]
fn a_caller_who_is_transferred_to_somebody_who_sees_none_is_hidden_from_him() {
    transferred_to_who_sees_none(false);
    transferred_to_who_sees_none(true);
}
