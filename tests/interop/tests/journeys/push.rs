//! Agents whose phones sleep: the queue's wish is posted, the phone wakes and is rung, with one UUID for
//! the push and every INVITE of the attempt. docs/push.md, server/asterisk/push.conf.

use crate::scenarios::{Talk, rings};
use serde_json::{Value, json};
use sidetone_interop::bench::Bench;
use sidetone_interop::lines::Line;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::push::{Mailbox, validator};
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::{Tone, Voice};
use std::time::{Duration, Instant, SystemTime};

/// How long the bench rings an agent (sidetone-settings.conf).
const RING: u64 = 25;

/// What a POST may take on this machine.
pub(crate) const SOON: Duration = Duration::from_secs(5);

/// What the pack says of an agent.
pub(crate) fn state(bench: &Bench, agent: &str) -> String {
    let list = bench.asterisk("devstate list");
    let mark = format!("Name: 'Custom:sidetone-{agent}'");
    let after = list.split_once(&mark).map(|(_, after)| after).unwrap_or_default();
    let state = after.split_once("State: '").and_then(|(_, state)| state.split_once('\''));
    state.map(|(state, _)| state.to_owned()).unwrap_or_default()
}

/// The pack says so, and the queue has understood.
#[track_caller]
pub(crate) fn wait_state(bench: &Bench, stage: &Stage, wanted: &str, words: &str) {
    let agent = stage.line.agent();
    bench.wait(wanted, PATIENCE, |bench| state(bench, &agent) == wanted);
    let queue = stage.line.push_queue().replace("181", "push");
    bench.wait(words, PATIENCE, |bench| {
        let shown = bench.asterisk(&format!("queue show {queue}"));
        shown.lines().any(|line| line.contains(&format!("Local/{agent}@")) && line.contains(words))
    });
}

pub(crate) fn call_of(post: &Value) -> String {
    post["payload"]["call"].as_str().expect("a payload has a call").to_owned()
}

/// An agent who sleeps, and a customer whose call has just been posted.
pub(crate) struct Asleep {
    pub(crate) bench: Bench,
    pub(crate) mailbox: Mailbox,
    // With it the line is given back.
    pub(crate) stage: Stage,
    pub(crate) customer: Phone,
    pub(crate) customer_says: [Tone; 2],
    agent_says: [Tone; 2],
    pub(crate) customer_call: String,
    pub(crate) post: Value,
}

impl Asleep {
    pub(crate) fn called() -> Self {
        Self::called_on(Line::any())
    }

    pub(crate) fn called_on(line: Line) -> Self {
        let bench = Bench::get();
        let stage = Stage::on(Server::Asterisk(bench.clone()), line);
        let [a, b, c, d] = Tone::draw();
        let mailbox = Mailbox::of(&stage.line.agent());
        let mut customer = stage.customer(&Voice::swapping([c, d]));
        let customer_call = customer.dial(&stage.line.push_queue());
        let post = mailbox.next("incoming", SOON);
        Self {
            bench,
            stage,
            mailbox,
            customer,
            customer_says: [c, d],
            agent_says: [a, b],
            customer_call,
            post,
        }
    }

    pub(crate) fn wakes(&self) -> Phone {
        self.stage.agent(&Voice::swapping(self.agent_says))
    }

    /// Rings with the UUID of the push.
    #[track_caller]
    pub(crate) fn rings_as_announced(&self, agent: &mut Phone) -> String {
        let incoming = agent.wait("a call", PATIENCE, |event| event["event"] == "incoming");
        let call = call_of(&self.post);
        assert_eq!(incoming["call"], call.as_str(), "{incoming}");
        assert_eq!(incoming["headers"]["X-Call-UID"], call.as_str(), "{incoming}");
        assert_eq!(incoming["data"]["group"], self.post["payload"]["group"]);
        assert_eq!(incoming["data"]["queue"], self.post["payload"]["queue"]);
        assert!(
            incoming["data"]["waited_s"].as_u64().is_some_and(|waited| waited < 60),
            "{incoming}"
        );
        call
    }

    /// Answers and ends with both voices heard.
    #[track_caller]
    pub(crate) fn talks(self, mut agent: Phone, agent_call: String) {
        agent.ask("answer", &agent_call, json!({}));
        agent.wait_call("established", &agent_call);
        wait_state(&self.bench, &self.stage, "INUSE", "(In use)");
        let Self {
            bench, stage, customer, customer_call, agent_says, customer_says, mailbox, ..
        } = self;
        let mut talk =
            Talk { agent, agent_call, agent_says, customer, customer_call, customer_says };
        talk.both_hear_both_tones();
        mailbox.next("answered_elsewhere", SOON);
        talk.end(&stage);
        wait_state(&bench, &stage, "NOT_INUSE", "(Not in use)");
        mailbox.stays_empty(Duration::from_millis(300));
    }

    /// The customer hangs up, and the agent is free again.
    #[track_caller]
    pub(crate) fn customer_leaves(mut self) {
        self.customer.ask("hangup", &self.customer_call, json!({}));
        wait_state(&self.bench, &self.stage, "NOT_INUSE", "(Not in use)");
        self.stage.leave(self.customer);
    }
}

#[test]
fn a_phone_that_sleeps_is_woken_and_talks() {
    let asleep = Asleep::called();
    let payload = asleep.post["payload"].clone();
    let line = asleep.stage.line.agent_number();
    let line = line.trim_start_matches("100");
    let ordinal = ["One", "Two", "Three", "Four"][line.parse::<usize>().unwrap() - 1];
    assert_eq!(
        payload["caller"],
        json!({ "name": format!("Customer {ordinal}"), "number": format!("030100000{line}") })
    );
    assert_eq!(payload["queue"], format!("push{line}"));
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let left = payload["deadline"].as_u64().unwrap() - now;
    assert!((RING - 3..=RING).contains(&left), "{left} s are left: {payload}");
    std::thread::sleep(Duration::from_secs(2));
    wait_state(&asleep.bench, &asleep.stage, "RINGING", "(Ringing)");
    let woken = Instant::now();
    let mut agent = asleep.wakes();
    let call = asleep.rings_as_announced(&mut agent);
    println!("rings {:?} after the phone was started", woken.elapsed());
    asleep.talks(agent, call);
}

#[test]
fn a_caller_who_is_gone_before_the_phone_wakes_rings_nobody() {
    let mut asleep = Asleep::called();
    asleep.customer.ask("hangup", &asleep.customer_call, json!({}));
    let cancelled = asleep.mailbox.next("cancelled", SOON);
    assert_eq!(call_of(&cancelled), call_of(&asleep.post));
    let mut agent = asleep.wakes();
    agent.listen(Duration::from_secs(2));
    assert_eq!(agent.count("incoming"), 0);
    wait_state(&asleep.bench, &asleep.stage, "NOT_INUSE", "(Not in use)");
    asleep.stage.leave(agent);
    asleep.stage.leave(asleep.customer);
}

fn refused(how: Value) {
    let mut asleep = Asleep::called();
    let mut agent = asleep.wakes();
    let call = asleep.rings_as_announced(&mut agent);
    agent.ask("decline", &call, how);
    agent.wait_ended(&call, "declined");
    let over = asleep.mailbox.next("cancelled", SOON);
    assert_eq!(call_of(&over), call);
    // The queue goes on: for it, this is another attempt.
    let declined = Instant::now();
    asleep.post = asleep.mailbox.next("incoming", PATIENCE);
    println!("the queue goes on {:?} after the agent has declined", declined.elapsed());
    assert_ne!(call_of(&asleep.post), call);
    let call = asleep.rings_as_announced(&mut agent);
    asleep.talks(agent, call);
}

#[test]
fn an_agent_who_declines_is_rung_anew_with_another_uuid() {
    refused(json!({}));
}

#[test]
fn a_busy_agent_is_rung_anew_with_another_uuid() {
    refused(json!({ "busy": true }));
}

#[test]
fn a_phone_that_is_killed_while_it_rings_is_rung_again_when_it_is_back() {
    let asleep = Asleep::called();
    let mut first = asleep.wakes();
    asleep.rings_as_announced(&mut first);
    drop(first);
    std::thread::sleep(Duration::from_secs(1));
    let mut second = asleep.wakes();
    let call = asleep.rings_as_announced(&mut second);
    asleep.talks(second, call);
}

#[test]
fn both_devices_of_an_agent_ring_and_the_other_hears_who_has_answered() {
    let asleep = Asleep::called_on(Line::numbered(4));
    let mut first = asleep.wakes();
    let call = asleep.rings_as_announced(&mut first);
    std::thread::sleep(Duration::from_secs(1));
    // Later than the ringing began.
    let mut second = asleep.stage.agent(&Voice::silence());
    assert_eq!(asleep.rings_as_announced(&mut second), call);
    first.ask("answer", &call, json!({}));
    let ended = second.wait_ended(&call, "answered_elsewhere");
    let told_why = second
        .told()
        .filter_map(|event| event["message"].as_str())
        .any(|message| message.starts_with("CANCEL ") && message.contains("Reason: SIP;cause=200"));
    assert!(told_why, "{ended}");
    first.wait_call("established", &call);
    let elsewhere = asleep.mailbox.next("answered_elsewhere", SOON);
    assert_eq!(call_of(&elsewhere), call);
    asleep.stage.leave(second);
    first.ask("hangup", &call, json!({}));
    first.wait_ended(&call, "local");
    let Asleep { bench, stage, mut customer, customer_call, .. } = asleep;
    customer.wait_ended(&customer_call, "remote");
    wait_state(&bench, &stage, "NOT_INUSE", "(Not in use)");
    stage.leave(first);
    stage.leave(customer);
}

#[test]
fn an_agent_is_free_again_after_his_phone_was_killed_in_a_call() {
    let asleep = Asleep::called();
    let mut agent = asleep.wakes();
    let call = asleep.rings_as_announced(&mut agent);
    agent.ask("answer", &call, json!({}));
    agent.wait_call("established", &call);
    wait_state(&asleep.bench, &asleep.stage, "INUSE", "(In use)");
    drop(agent);
    asleep.customer_leaves();
}

#[test]
fn what_a_journey_has_left_on_its_line_is_swept_away() {
    let mut asleep = Asleep::called();
    let mut agent = asleep.wakes();
    let call = asleep.rings_as_announced(&mut agent);
    agent.ask("answer", &call, json!({}));
    agent.wait_call("established", &call);
    wait_state(&asleep.bench, &asleep.stage, "INUSE", "(In use)");
    // Nobody hangs up, and the server waits for the dead.
    drop(agent);
    asleep.bench.sweep(&asleep.stage.line);
    asleep.customer.wait_ended(&asleep.customer_call, "remote");
    assert_eq!(state(&asleep.bench, &asleep.stage.line.agent()), "NOT_INUSE");
    asleep.mailbox.next("answered_elsewhere", SOON);
    asleep.customer_call = asleep.customer.dial(&asleep.stage.line.push_queue());
    asleep.mailbox.next("incoming", SOON);
    asleep.customer_leaves();
}

#[test]
fn a_gateway_that_does_not_answer_holds_up_no_phone_that_is_awake() {
    let bench = Bench::get();
    let stage = Stage::asterisk();
    let mailbox = Mailbox::of(&stage.line.agent());
    mailbox.set_mood("hang");
    let mut agent = stage.agent(&Voice::silence());
    let mut customer = stage.customer(&Voice::silence());
    let call = customer.dial(&stage.line.push_queue());
    let dialled = Instant::now();
    let ringing = rings(&mut agent);
    let took = dialled.elapsed();
    assert!(took < Duration::from_secs(2), "it rings after {took:?}");
    assert_eq!(call_of(&mailbox.next("incoming", SOON)), ringing);
    agent.ask("answer", &ringing, json!({}));
    agent.wait_call("established", &ringing);
    customer.ask("hangup", &call, json!({}));
    agent.wait_ended(&ringing, "remote");
    wait_state(&bench, &stage, "NOT_INUSE", "(Not in use)");
    // The first POST was given up after its three seconds.
    mailbox.next("answered_elsewhere", SOON);
    stage.leave(agent);
    stage.leave(customer);
}

#[test]
fn a_token_is_stored_under_the_endpoint_posted_along_and_forgotten_where_it_is_dead() {
    let bench = Bench::get();
    let told = |from: &str, kind: &str, body: &str| {
        let mut command = bench.program("pbx", "raw-caller");
        command.args(["message", "push", from, kind]);
        say(command, body.as_bytes())
    };
    let stored = || bench.asterisk("database show sidetone-push/trunk");
    bench.asterisk("database deltree sidetone-push/trunk");
    let token = |prid: &str| {
        json!({ "v": 1, "provider": "fcm", "param": "project-1", "prid": prid }).to_string()
    };
    let long = "x".repeat(1025);
    for wrong in [
        token("a b"),
        token("a\"b"),
        token("a${b}"),
        token(&long),
        token("a").replace("fcm", "webpush"),
        token("a").replace(":1", ":2"),
        "no JSON".to_owned(),
    ] {
        assert_eq!(told("agent9", "text/plain", &wrong), "202\n", "it is taken and thrown away");
    }
    assert_eq!(told("agent9", "application/json", &token("a")), "415\n", "Asterisk's own limit");
    std::thread::sleep(Duration::from_millis(500));
    assert!(stored().contains("0 results"), "{}", stored());
    // The From says what it likes: who it is, only the server knows.
    for prid in ["one:1", "two:2", "one:1"] {
        told("agent9", "text/plain", &token(prid));
        std::thread::sleep(Duration::from_millis(1100));
    }
    assert!(stored().contains("2 results"), "{}", stored());
    assert!(!bench.asterisk("database show sidetone-push/agent9").contains("project-1"));
    told("agent9", "text/plain", &token(""));
    bench.wait("nothing is stored", SOON, |_| stored().contains("0 results"));

    let stage = Stage::asterisk();
    let agent = stage.line.agent();
    let push = json!({ "provider": "fcm", "param": "project-1", "prid": "abc:DEF-1" });
    bench.asterisk(&format!("database put sidetone-push/{agent} 1-a {push}").replace('"', "\\\""));
    let mailbox = Mailbox::of(&agent);
    let mut customer = stage.customer(&Voice::silence());
    let call = customer.dial(&stage.line.push_queue());
    assert_eq!(mailbox.next("incoming", SOON)["push"], push);
    customer.ask("hangup", &call, json!({}));
    assert_eq!(mailbox.next("cancelled", SOON)["push"], push);
    mailbox.set_mood("gone");
    let call = customer.dial(&stage.line.push_queue());
    assert_eq!(mailbox.next("incoming", SOON)["push"], push);
    bench.wait("the dead token is forgotten", SOON, |bench| {
        bench.asterisk(&format!("database show sidetone-push/{agent}")).contains("0 results")
    });
    customer.ask("hangup", &call, json!({}));
    assert_eq!(mailbox.next("cancelled", SOON)["push"], Value::Null);
    stage.leave(customer);
}

#[test]
fn hostile_names_arrive_as_they_are_or_without_what_is_dangerous() {
    let bench = Bench::get();
    let stage = Stage::asterisk();
    let mailbox = Mailbox::of(&stage.line.agent());
    let same = |name: &'static str| (name.as_bytes().to_vec(), Some(name.to_owned()));
    let long = "漢".repeat(60);
    for (name, expected) in [
        same("a, b; ${SHELL(id)} $[1+1] } { ) ( : ? & O'Neil"),
        same("ACME (Rome): a) b:1:2 ("),
        same("]]}}'); DROP <b>x</b>"),
        same("é 漢字 🙂"),
        same("%22%5c%0a"),
        // Asterisk leaves SIP's own escapes in a quoted name.
        same(r#"a \"quote\", a back\\slash"#),
        same(r#"\\\\\" \u0000 \n"#),
        (b"tab\tbell\x07 escape\x1b[31m".to_vec(), Some("tabbell escape[31m".to_owned())),
        (b"no \xff UTF-8 \xc3".to_vec(), None),
        (long.clone().into_bytes(), None),
    ] {
        let mut command = bench.program("pbx", "raw-caller");
        command.args(["call", &stage.line.push_queue(), "1"]);
        let from = [&b"\""[..], &name, b"\""].concat();
        assert_eq!(say(command, &from), "answered\n");
        // The schema has been asked already.
        let post = mailbox.next("incoming", SOON);
        let caller = &post["payload"]["caller"];
        assert_eq!(caller["number"], "0302000001", "{post}");
        match expected {
            Some(expected) => assert_eq!(caller["name"], expected, "{post}"),
            None => assert!(caller["name"].as_str().is_some_and(|n| n.len() <= 128), "{post}"),
        }
        mailbox.next("cancelled", SOON);
    }
}

#[test]
fn a_number_that_is_hidden_never_reaches_the_payload() {
    let bench = Bench::get();
    let stage = Stage::asterisk();
    let mailbox = Mailbox::of(&stage.line.agent());
    let mut command = bench.program("pbx", "raw-caller");
    command.args(["call", &stage.line.push_queue(), "1"]);
    // The header goes in before the From, whose value follows.
    let from = b"\"Secret\" <sip:0302000001@198.18.0.2>;tag=2\r\nPrivacy: id\r\n\
                 P-Asserted-Identity: \"Secret\" <sip:0302000001@198.18.0.2>\r\nSubject: x";
    say(command, from);
    let post = mailbox.next("incoming", SOON);
    assert_eq!(post["payload"]["caller"], json!({}), "{post}");
    mailbox.next("cancelled", SOON);
}

/// Runs a program to its end, with this on its standard input, and gives back what it printed.
fn say(command: std::process::Command, input: &[u8]) -> String {
    let output = Bench::start(command, input).wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_examples_are_what_the_schema_says() {
    let text = include_str!("../../../../docs/push.examples.json");
    let examples: Value = serde_json::from_str(text).expect("JSON");
    let (payload, post) = (validator("#"), validator("#/$defs/post"));
    let list = |name: &str| examples[name].as_array().expect("a list").clone();
    for example in list("payloads") {
        assert!(payload.is_valid(&example), "{example}");
    }
    for example in list("not_payloads") {
        assert!(!payload.is_valid(&example["value"]), "{example}");
    }
    for example in list("posts") {
        assert!(post.is_valid(&example), "{example}");
    }
    let fcm = examples["fcm"]["message"]["data"]["sidetone"].as_str().expect("a string");
    assert!(payload.is_valid(&serde_json::from_str(fcm).expect("JSON")));
    assert!(payload.is_valid(&examples["apns"]["sidetone"]));
}
