//! Numbers outside: who may not call there, nor send anybody there, blindly, by 302, by joining two calls.

use crate::features::Without;
use crate::scenarios::recording::{record, until};
use crate::scenarios::rings;
use crate::telephone::CUSTOMER;
use serde_json::json;
use sidetone_interop::bench::Bench;
use sidetone_interop::customer::Customer;
use sidetone_interop::lines::{Line, alone};
use sidetone_interop::phone::{Phone, Scratch};
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::{Heard, Tone, Voice};
use std::io::Read as _;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

const OUTSIDE: &str = "0301234567";

#[test]
fn a_caller_who_is_sent_outside_by_somebody_who_may_not_comes_back_to_him() {
    let stage = Stage::asterisk();
    let mut colleague = stage.colleague(&Voice::silence());
    let mut clerk = stage.clerk_with(&Voice::silence(), &[]);
    let call = clerk.dial(&stage.line.colleague_number());
    let theirs = rings(&mut colleague);
    colleague.ask("answer", &theirs, json!({}));
    clerk.wait_call("established", &call);
    let mut call = call;
    // Behind an & Dial would ring another, in whatever context: the echo, which answers at once.
    let disguised = "1%26Local%2F600%40services%26Local%2F1";
    let expected = "1Local600servicesLocal1";
    for (to, from) in [(OUTSIDE, OUTSIDE), (disguised, expected), ("600%2Cn%2C1", "600n1")] {
        clerk.ask("transfer", &call, json!({ "to": format!("sip:{to}@bench.test") }));
        let back = clerk.wait_for("incoming");
        assert_eq!(back["data"]["returned_from"], from, "{back}");
        call = back["call"].as_str().expect("a call").to_owned();
        clerk.ask("answer", &call, json!({}));
        clerk.wait_call("established", &call);
    }
    clerk.ask("hangup", &call, json!({}));
    colleague.wait_ended(&theirs, "remote");
    assert!(log().contains(&refusal(&stage, "transfer")), "the dial plan refused it");
    stage.leave(clerk);
    stage.leave(colleague);
}

/// What the server has written down. Other journeys have hostile names written there, which are no UTF-8.
fn log() -> String {
    let log = std::fs::read(Bench::get().folder.join("asterisk/log/full")).expect("a log");
    String::from_utf8_lossy(&log).into_owned()
}

/// What it writes where the clerk may not.
fn refusal(stage: &Stage, right: &str) -> String {
    format!("outside: clerk{} has no right to {right}", stage.line.number())
}

#[test]
fn a_caller_is_not_forwarded_outside_by_somebody_who_may_not() {
    let stage = Stage::asterisk();
    let mut colleague = stage.colleague(&Voice::silence());
    let mut clerk = stage.clerk_with(&Voice::silence(), &[]);
    let theirs = colleague.dial(&stage.line.clerk_number());
    let call = rings(&mut clerk);
    clerk.ask("forward", &call, json!({ "to": OUTSIDE }));
    clerk.wait_ended(&call, "forwarded");
    let ended = colleague.wait_call("ended", &theirs);
    assert_ne!(ended["reason"], "remote", "it was never answered: {ended}");
    assert!(log().contains(&refusal(&stage, "transfer")), "the dial plan refused it");
    stage.leave(clerk);
    stage.leave(colleague);
}

/// The queue that he was sent to has nobody, and the dial plan dials outside behind it: that is the site's doing.
#[test]
fn a_caller_who_is_sent_to_a_queue_is_not_kept_from_where_that_leads() {
    let _one = CUSTOMER.lock().unwrap_or_else(PoisonError::into_inner);
    let stage = Stage::asterisk();
    let [outside_says] = Tone::draw();
    let voice = Voice::steady(outside_says).as_argument();
    let person = Customer::start(&Bench::get(), &["answer", "--for", "20", "--voice", &voice]);
    let mut colleague = stage.colleague(&Voice::silence());
    let mut clerk = stage.clerk_with(&Voice::silence(), &[]);
    let theirs = colleague.dial(&stage.line.clerk_number());
    let call = rings(&mut clerk);
    clerk.ask("answer", &call, json!({}));
    colleague.wait_call("established", &theirs);
    clerk.ask("transfer", &call, json!({ "to": "1850" }));
    colleague.hears(outside_says);
    colleague.ask("hangup", &theirs, json!({}));
    assert!(person.wait().success(), "the server hangs up");
    stage.leave(clerk);
    stage.leave(colleague);
}

#[test]
fn a_hidden_caller_outside_is_not_called_back_by_somebody_who_may_not() {
    let stage = Stage::asterisk();
    let key = reference(&stage.line.clerk(), OUTSIDE);
    let mut phone = stage.clerk_with(&Voice::silence(), &[]);
    let call = phone.dial(&format!("ref-{key}"));
    phone.wait_ended(&call, "refused");
    assert!(log().contains(&refusal(&stage, "dial")), "the dial plan refused it");
    let call = phone.dial("ref-00");
    let unknown = phone.wait_ended(&call, "unreachable");
    assert_eq!(unknown["status"], 404, "{unknown}");
    stage.leave(phone);
}

/// As mask.conf gives this agent one for a caller, for a while.
fn reference(agent: &str, number: &str) -> String {
    let key = uuid::Uuid::new_v4().simple().to_string();
    let until = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let until = until.expect("a time").as_secs() + 600;
    Bench::get().asterisk(&format!("database put sidetone-ref/{agent} {key} {until}/{number}"));
    key
}

/// An agent with a customer whose call is recorded by rule, and the one telephone outside.
struct Talk {
    /// Given back before the line is.
    _rights: Option<Without>,
    _one: MutexGuard<'static, ()>,
    stage: Stage,
    agent: Phone,
    customer: Phone,
    call: String,
    theirs: String,
    agent_says: Tone,
    customer_says: Tone,
    outside_says: Tone,
}

impl Talk {
    /// The agent has these rights, or all.
    fn new(rights: Option<&str>) -> Self {
        let one = CUSTOMER.lock().unwrap_or_else(PoisonError::into_inner);
        Self::on(Line::any(), rights, one)
    }

    fn on(line: Line, rights: Option<&str>, one: MutexGuard<'static, ()>) -> Self {
        let stage = Stage::on(Server::Asterisk(Bench::get()), line);
        let [agent_says, customer_says, outside_says] = Tone::draw();
        // A phone that does not ask what it may, as another maker's would not.
        let mut agent = stage.agent_with(&Voice::steady(agent_says), &["--recordings"]);
        let mut customer = stage.customer(&Voice::steady(customer_says));
        let theirs = customer.dial(&format!("188{}", stage.line.number()));
        let call = rings(&mut agent);
        agent.ask("answer", &call, json!({}));
        agent.wait_call("established", &call);
        agent.hears(customer_says);
        Self {
            _rights: rights.map(|rights| may(&stage, rights)),
            _one: one,
            stage,
            agent,
            customer,
            call,
            theirs,
            agent_says,
            customer_says,
            outside_says,
        }
    }

    /// He calls outside, where somebody answers and says something.
    fn calls(&mut self, number: &str) -> Outside {
        let folder = Scratch::new("outside");
        let ear = folder.0.join("heard-outside.wav");
        let voice = Voice::steady(self.outside_says).as_argument();
        let path = ear.display().to_string();
        let arguments = ["answer", "--for", "30", "--voice", &voice, "--heard", &path];
        let person = Customer::start(&Bench::get(), &arguments);
        let call = self.agent.dial(number);
        self.agent.wait_call("established", &call);
        self.agent.hears(self.outside_says);
        Outside { call, person, ear, _folder: folder }
    }

    /// The customer rings him again, as somebody who comes back from there, and is recorded as before.
    #[track_caller]
    fn comes_back_from(&mut self, number: &str) {
        let back = self.agent.wait_for("incoming");
        assert_eq!(back["data"]["returned_from"], number, "{back}");
        self.call = back["call"].as_str().expect("a call").to_owned();
        let call = self.call.clone();
        self.agent.ask("answer", &call, json!({}));
        self.agent.wait_call("established", &call);
        until(&mut self.agent, &call, "auto", "recording");
        self.customer.hears(self.agent_says);
        self.agent.hears(self.customer_says);
    }

    fn end(mut self) {
        self.customer.ask("hangup", &self.theirs, json!({}));
        self.customer.wait_ended(&self.theirs, "local");
        self.agent.listen(Duration::from_millis(500));
        self.stage.leave(self.agent);
        self.stage.leave(self.customer);
    }
}

/// Somebody outside who has been called.
struct Outside {
    call: String,
    person: Customer,
    ear: std::path::PathBuf,
    _folder: Scratch,
}

impl Outside {
    /// The server has ended his call; what he has heard.
    fn ended(self) -> Heard {
        assert!(self.person.wait().success(), "the server hangs up");
        Heard::read(&self.ear)
    }
}

/// From here on the agent of this line has these rights.
fn may(stage: &Stage, rights: &str) -> Without {
    let agent = stage.line.agent();
    Without::taking(
        &format!("dialplan add extension {agent},1,Return({rights}) into sidetone-features-may"),
        format!("dialplan remove extension {agent}@sidetone-features-may"),
    )
}

#[test]
fn who_is_brought_together_with_a_number_outside_by_somebody_who_may_not_comes_back() {
    let mut talk = Talk::new(Some("dial"));
    for first in [true, false] {
        let outside = talk.calls(OUTSIDE);
        let ear = talk.customer.mark();
        let (one, other) = if first { (0, 1) } else { (1, 0) };
        let calls = [talk.call.clone(), outside.call.clone()];
        talk.agent.ask("attended", &calls[one], json!({ "with": calls[other] }));
        talk.comes_back_from(OUTSIDE);
        outside.ended().assert_never_but(&[talk.agent_says], "who is outside");
        let heard = talk.customer.heard_since(ear);
        assert_eq!(heard.times(talk.outside_says), [], "the customer: {}", heard.describe());
    }
    // A three-way call that he leaves, and what he has called is recorded by himself.
    let outside = talk.calls(OUTSIDE);
    record(&mut talk.agent, &outside.call, "1", "start", "recording");
    talk.agent.order(json!({ "command": "merge", "calls": [talk.call, outside.call] }));
    talk.agent.hears_all(&[talk.customer_says, talk.outside_says]);
    talk.customer.hears_all(&[talk.agent_says, talk.outside_says]);
    talk.agent.order(json!({ "command": "leave" }));
    talk.comes_back_from(OUTSIDE);
    let ear = talk.customer.mark();
    talk.customer.hears_nothing_but(&[talk.agent_says], Duration::from_secs(1));
    let heard = talk.customer.heard_since(ear);
    assert_eq!(heard.times(talk.outside_says), [], "the customer: {}", heard.describe());
    outside.ended();
    talk.end();
}

#[test]
fn who_may_brings_two_together_and_they_talk() {
    let mut talk = Talk::new(None);
    let outside = talk.calls(OUTSIDE);
    record(&mut talk.agent, &outside.call, "1", "start", "recording");
    talk.agent.ask("attended", &talk.call, json!({ "with": outside.call }));
    talk.agent.wait_ended(&talk.call, "transferred");
    talk.customer.hears(talk.outside_says);
    talk.customer.hears_nothing_but(&[talk.outside_says], Duration::from_secs(1));
    // What he hears is not asked for: Debian's Asterisk, which conceals what is lost of Opus, takes the customer's packets for late ones of the
    // agent's one time in two, and drops them before it makes G.711 of them.
    talk.end();
    assert!(outside.person.wait().success(), "the server hangs up");
}

#[test]
fn a_hidden_number_that_was_called_back_stays_hidden_when_he_comes_back() {
    let mut talk = Talk::new(Some("dial"));
    let key = reference(&talk.stage.line.agent(), OUTSIDE);
    let outside = talk.calls(&format!("ref-{key}"));
    talk.agent.ask("attended", &talk.call, json!({ "with": outside.call }));
    talk.comes_back_from(&format!("ref-{key}"));
    outside.ended().assert_never_but(&[talk.agent_says], "who is outside");
    talk.end();
}

/// A call that he has made himself, and has sent on to his own number, is one that came in.
#[test]
fn a_number_outside_that_he_sends_to_himself_is_still_one() {
    let mut talk = Talk::new(Some("dial"));
    let outside = talk.calls(OUTSIDE);
    let number = talk.stage.line.agent_number();
    talk.agent.ask("transfer", &outside.call, json!({ "to": number }));
    let again = rings(&mut talk.agent);
    talk.agent.ask("answer", &again, json!({}));
    talk.agent.wait_call("established", &again);
    talk.agent.hears(talk.outside_says);
    talk.agent.ask("attended", &talk.call, json!({ "with": again }));
    talk.comes_back_from(OUTSIDE);
    outside.ended();
    talk.end();
}

#[test]
fn without_transfer_conf_who_may_not_be_there_is_hung_up() {
    // First the telephone, then the server, as all do.
    let one = CUSTOMER.lock().unwrap_or_else(PoisonError::into_inner);
    let _server = alone();
    let _without =
        Without::taking("dialplan remove context sidetone-transfer-kept", "dialplan reload");
    let mut talk = Talk::on(Line::own(1), Some("dial"), one);
    let outside = talk.calls(OUTSIDE);
    talk.agent.ask("attended", &talk.call, json!({ "with": outside.call }));
    talk.customer.wait_ended(&talk.theirs, "remote");
    let heard = talk.customer.heard();
    assert_eq!(heard.times(talk.outside_says), [], "the customer: {}", heard.describe());
    outside.ended().assert_never_but(&[talk.agent_says], "who is outside");
    talk.stage.leave(talk.agent);
    talk.stage.leave(talk.customer);
}

/// An attended transfer may be asked for while the other still rings, and no bridge is there to look at: who is sent takes the place of the
/// one who calls.
fn is_sent_while_it_rings(number: impl Fn(&Stage) -> String) {
    let _one = CUSTOMER.lock().unwrap_or_else(PoisonError::into_inner);
    let stage = Stage::asterisk();
    let outside = number(&stage);
    let [voice] = Tone::draw();
    let _narrowed = may(&stage, "dial");
    let (mut agent, mut colleague) =
        (stage.agent(&Voice::silence()), stage.colleague(&Voice::silence()));
    let (folder, bench) = (Scratch::new("outside"), Bench::get());
    let ear = folder.0.join("heard-outside.wav").display().to_string();
    let voice = Voice::steady(voice).as_argument();
    let arguments = ["answer", "--ring", "5", "--for", "5", "--voice", &voice, "--heard", &ear];
    let _person = Customer::start(&bench, &arguments);
    let mut rogue = bench.program("pbx", "rogue-phone");
    let (user, number) = (stage.line.agent(), stage.line.colleague_number());
    rogue.args([&user, &format!("secret-{user}"), &number, "joins", &outside]);
    let mut rogue = Bench::start(rogue, b"");
    let theirs = rings(&mut colleague);
    colleague.ask("answer", &theirs, json!({}));
    let mut told = String::new();
    rogue.stdout.take().expect("a pipe").read_to_string(&mut told).expect("text");
    assert_eq!(told.trim(), "202");
    assert!(rogue.wait().expect("it ends").success());
    let back = agent.wait_for("incoming");
    assert_eq!(back["data"]["returned_from"], outside, "{back}");
    let call = back["call"].as_str().expect("a call").to_owned();
    agent.ask("answer", &call, json!({}));
    agent.wait_call("established", &call);
    agent.ask("hangup", &call, json!({}));
    colleague.wait_ended(&theirs, "remote");
    stage.leave(agent);
    stage.leave(colleague);
}

#[test]
fn who_is_sent_to_a_number_outside_while_that_rings_comes_back() {
    is_sent_while_it_rings(|_| OUTSIDE.to_owned());
}

#[test]
fn who_is_sent_to_a_hidden_number_outside_while_that_rings_comes_back() {
    is_sent_while_it_rings(|stage| format!("ref-{}", reference(&stage.line.agent(), OUTSIDE)));
}

/// Of a reference that is no more than one no number is told.
#[test]
fn what_is_written_behind_a_reference_makes_it_none() {
    let stage = Stage::asterisk();
    let key = reference(&stage.line.agent(), OUTSIDE);
    let mut agent = stage.agent(&Voice::silence());
    for behind in ["%22", "%22=%22x%22&%22", "-", "%2C"] {
        let call = agent.dial(&format!("sip:ref-{key}{behind}@bench.test"));
        assert_eq!(agent.wait_ended(&call, "unreachable")["status"], 404, "{behind}");
    }
    stage.leave(agent);
}

/// Whoever has been sent a call outside blindly, which he who called had a right to, has it as one that came in.
#[test]
fn a_colleague_who_is_sent_a_call_outside_may_do_with_it_what_he_likes() {
    let mut talk = Talk::new(Some("dial"));
    let outside = talk.calls(OUTSIDE);
    let mut colleague = talk.stage.colleague(&Voice::silence());
    let mut clerk = talk.stage.clerk_with(&Voice::silence(), &[]);
    talk.agent.ask("transfer", &outside.call, json!({ "to": talk.stage.line.colleague_number() }));
    let his = rings(&mut colleague);
    colleague.ask("answer", &his, json!({}));
    colleague.hears(talk.outside_says);
    let asks = colleague.dial(&talk.stage.line.clerk_number());
    let theirs = rings(&mut clerk);
    clerk.ask("answer", &theirs, json!({}));
    colleague.wait_call("established", &asks);
    colleague.ask("attended", &his, json!({ "with": asks }));
    colleague.wait_ended(&his, "transferred");
    clerk.hears(talk.outside_says);
    clerk.hears_nothing_but(&[talk.outside_says], Duration::from_secs(1));
    clerk.ask("hangup", &theirs, json!({}));
    assert!(outside.person.wait().success(), "the server hangs up");
    for phone in [colleague, clerk] {
        talk.stage.leave(phone);
    }
    talk.agent.ask("hold", &talk.call, json!({ "on": false }));
    talk.end();
}
