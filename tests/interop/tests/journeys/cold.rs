//! The libraries for phones as programs (android/bench, android/device, ios/Sources/cold-phone): their user acts
//! on the platform's call screen, and a platform that forgives nothing ends them where a rule is broken.
//!
//! `SIDETONE_KOTLIN`, `SIDETONE_ROBOLECTRIC` and `SIDETONE_SWIFT` name the commands that run them, `scripts/kotlin
//! run`, `scripts/kotlin device` and `scripts/swift run`; without one, its journeys say so and are left out.

use serde_json::{Value, json};
use sidetone_interop::phone::{PATIENCE, Phone, Scratch};
use sidetone_interop::push::Mailbox;
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Tone, Voice};
use std::time::{Duration, Instant, SystemTime};

/// The journeys of one library, each a test: `journeys!(name, variable)`.
macro_rules! journeys {
    ($name:literal, $variable:literal) => {
        $crate::cold::journeys! {
            $name, $variable:
            a_queue_call_is_answered_on_the_lock_screen_held_muted_and_hung_up,
            a_caller_who_gives_up_stops_the_ringing_and_is_a_missed_call,
            a_phone_that_was_killed_in_a_call_takes_the_next_one,
            a_dead_phone_is_woken_by_a_push_and_answered_on_the_lock_screen,
            a_push_is_answered_before_its_invite,
            a_push_is_declined_before_its_invite,
            a_phone_that_is_killed_while_it_rings_is_woken_again,
            a_caller_who_is_gone_while_it_rings_stops_it,
            a_caller_who_was_gone_before_ends_by_the_deadline,
            a_phone_sleeps_after_its_call_and_the_next_push_rings_in_the_same_process,
            two_calls_are_swapped_joined_split_and_left_to_themselves,
        }
    };
    ($name:literal, $variable:literal: $($journey:ident,)*) => {
        $(#[test]
        fn $journey() {
            if let Some(cold) = $crate::cold::Cold::new($name, $variable) {
                $crate::cold::$journey(&cold);
            }
        })*
    };
}
pub(crate) use journeys;

/// A JVM starts, on a machine that is busy with other journeys.
const COLD: Duration = Duration::from_secs(40);

/// The library under test.
pub(crate) struct Cold {
    name: &'static str,
    stage: Stage,
    command: Vec<String>,
    state: Scratch,
    /// What it takes to begin, at most.
    begins: Duration,
}

impl Cold {
    /// The one whose command this variable holds.
    pub(crate) fn new(name: &'static str, variable: &str) -> Option<Self> {
        let Ok(command) = std::env::var(variable) else {
            println!("left out: {variable} does not name the program");
            return None;
        };
        let command = command.split_whitespace().map(str::to_owned).collect();
        Some(Self {
            name,
            stage: Stage::asterisk(),
            command,
            state: Scratch::new("cold"),
            begins: Duration::from_secs(4),
        })
    }

    /// It takes these arguments too.
    pub(crate) fn with(mut self, arguments: &[&str]) -> Self {
        self.command.extend(arguments.iter().map(|it| (*it).to_owned()));
        self
    }

    /// A program that is slow to begin.
    pub(crate) fn beginning_within(mut self, begins: Duration) -> Self {
        self.begins = begins;
        self
    }

    fn start(&self, voice: &Voice) -> Phone {
        let setup = self.stage.server.setup(&self.stage.line.agent());
        let command: Vec<&str> = self.command.iter().map(String::as_str).collect();
        let mut phone = Phone::start_other(self.name, &setup, voice, &command, &self.state.0);
        phone.wait_lamp("registered", COLD);
        phone
    }

    /// The program is dead, and the platform starts it with this push.
    fn woken(&self, voice: &Voice, payload: &Value) -> Phone {
        let setup = self.stage.server.setup(&self.stage.line.agent());
        let file = self.state.0.join("payload.json");
        std::fs::write(&file, payload.to_string()).expect("the payload can be written");
        let file = file.to_str().expect("a path in UTF-8");
        let mut command: Vec<&str> = self.command.iter().map(String::as_str).collect();
        command.extend(["--payload", file]);
        let mut phone = Phone::start_other(self.name, &setup, voice, &command, &self.state.0);
        let told = phone.wait("the report", COLD, |event| event["event"] == "reported");
        assert_eq!(told["call"], payload["call"], "the push and the platform speak of one call");
        phone
    }
}

/// A dead phone, and a customer in the queue whose call has just been posted for it.
struct Dead<'a> {
    cold: &'a Cold,
    mailbox: Mailbox,
    customer: Phone,
    theirs: String,
    payload: Value,
    call: String,
    says: [Tone; 2],
}

impl<'a> Dead<'a> {
    fn called(cold: &'a Cold) -> Self {
        let says = Tone::draw();
        let mailbox = Mailbox::of(&cold.stage.line.agent());
        let mut customer = cold.stage.customer(&Voice::steady(says[1]));
        let theirs = customer.dial(&cold.stage.line.push_queue());
        let payload = mailbox.next("incoming", PATIENCE)["payload"].clone();
        let call = payload["call"].as_str().expect("a payload has a call").to_owned();
        Self { cold, mailbox, customer, theirs, payload, call, says }
    }

    fn wakes(&self) -> Phone {
        self.cold.woken(&Voice::steady(self.says[0]), &self.payload)
    }

    /// One report, both voices, and the agent hangs up.
    fn talks(mut self, mut agent: Phone) {
        agent.wait_call("established", &self.call);
        agent.hears(self.says[1]);
        self.customer.hears(self.says[0]);
        assert_eq!(agent.count("reported"), 1, "push and INVITE are one call");
        agent.ask("hangup", &self.call, json!({}));
        agent.wait_ended(&self.call, "local");
        self.customer.wait_ended(&self.theirs, "remote");
        leave(agent);
        self.cold.stage.leave(self.customer);
    }
}

/// The platform is told once, and the call rings there.
fn reported(phone: &mut Phone) -> String {
    let reported = phone.wait_for("reported");
    let call = reported["call"].as_str().expect("a call has an id").to_owned();
    phone.wait_call("incoming", &call);
    assert_eq!(phone.count("reported"), 1, "one call is reported once");
    call
}

fn leave(mut phone: Phone) {
    phone.listen(Duration::from_millis(200));
    let status = phone.leave();
    let broken: Vec<&Value> = phone.told().filter(|e| e["event"] == "rule_broken").collect();
    assert!(broken.is_empty(), "{}: {broken:?}", phone.name());
    assert_eq!(status, 0, "{} ends well", phone.name());
}

/// A whole call.
pub(crate) fn a_queue_call_is_answered_on_the_lock_screen_held_muted_and_hung_up(cold: &Cold) {
    let [a, c] = Tone::draw();
    let mut customer = cold.stage.customer(&Voice::steady(c));
    let mut agent = cold.start(&Voice::steady(a));
    let theirs = customer.dial(&cold.stage.line.queue());
    let call = reported(&mut agent);
    agent.ask("answer", &call, json!({}));
    agent.wait_call("established", &call);
    customer.wait_call("established", &theirs);
    agent.hears(c);
    customer.hears(a);
    agent.ask("mute", &call, json!({ "on": true }));
    agent.wait_call("mute", &call);
    customer.hears_silence();
    agent.ask("mute", &call, json!({ "on": false }));
    agent.wait_call("mute", &call);
    customer.hears(a);
    agent.ask("hold", &call, json!({ "on": true }));
    assert_eq!(agent.wait_call("hold", &call)["local"], true);
    customer.hears(Tone::MUSIC);
    agent.ask("hold", &call, json!({ "on": false }));
    assert_eq!(agent.wait_call("hold", &call)["local"], false);
    customer.hears(a);
    agent.hears(c);
    agent.ask("dtmf", &call, json!({ "digits": "5" }));
    agent.wait_call("dtmf_sent", &call);
    agent.ask("hangup", &call, json!({}));
    agent.wait_ended(&call, "local");
    customer.wait_ended(&theirs, "remote");
    leave(agent);
    cold.stage.leave(customer);
}

/// Calls that nobody takes.
pub(crate) fn a_caller_who_gives_up_stops_the_ringing_and_is_a_missed_call(cold: &Cold) {
    let [a, c] = Tone::draw();
    let mut customer = cold.stage.customer(&Voice::steady(c));
    let mut agent = cold.start(&Voice::steady(a));
    let theirs = customer.dial(&cold.stage.line.agent_number());
    let call = reported(&mut agent);
    customer.ask("hangup", &theirs, json!({}));
    agent.wait_ended(&call, "cancelled");
    // Declined: the caller learns it, and nothing rings on.
    let theirs = customer.dial(&cold.stage.line.agent_number());
    let again = agent.wait_for("reported")["call"].as_str().unwrap_or_default().to_owned();
    agent.ask("decline", &again, json!({}));
    agent.wait_ended(&again, "declined");
    customer.wait("the caller's end", PATIENCE, |e| e["event"] == "ended" && e["call"] == *theirs);
    leave(agent);
    cold.stage.leave(customer);
}

/// Death in a call.
pub(crate) fn a_phone_that_was_killed_in_a_call_takes_the_next_one(cold: &Cold) {
    let [a, c] = Tone::draw();
    let mut customer = cold.stage.customer(&Voice::steady(c));
    let mut agent = cold.start(&Voice::steady(a));
    let first = customer.dial(&cold.stage.line.agent_number());
    let call = reported(&mut agent);
    agent.ask("answer", &call, json!({}));
    customer.wait_call("established", &first);
    agent.kill();
    customer.ask("hangup", &first, json!({}));
    customer.wait_ended(&first, "local");
    let mut agent = cold.start(&Voice::steady(a));
    let second = customer.dial(&cold.stage.line.agent_number());
    let call = reported(&mut agent);
    agent.ask("answer", &call, json!({}));
    customer.wait_call("established", &second);
    agent.hears(c);
    customer.hears(a);
    customer.ask("hangup", &second, json!({}));
    agent.wait_ended(&call, "remote");
    leave(agent);
    cold.stage.leave(customer);
}

/// A push wakes a dead phone; it rings on the lock screen, and is answered when the INVITE is there.
pub(crate) fn a_dead_phone_is_woken_by_a_push_and_answered_on_the_lock_screen(cold: &Cold) {
    let dead = Dead::called(cold);
    let mut agent = dead.wakes();
    assert_eq!(agent.wait_call("incoming", &dead.call)["announced"], true);
    agent.ask("answer", &dead.call, json!({}));
    dead.talks(agent);
}

/// The user has his phone in a pocket: what answers is no touch of the app.
pub(crate) fn a_dead_phone_is_woken_by_a_push_and_answered_on_a_headset(cold: &Cold) {
    let dead = Dead::called(cold);
    let mut agent = dead.wakes();
    agent.wait_call("incoming", &dead.call);
    agent.ask("answer", &dead.call, json!({ "headset": true }));
    dead.talks(agent);
}

/// The user is faster than the network.
pub(crate) fn a_push_is_answered_before_its_invite(cold: &Cold) {
    let dead = Dead::called(cold);
    let mut agent = dead.wakes();
    agent.ask("answer", &dead.call, json!({}));
    assert_eq!(agent.count("incoming"), 0, "the INVITE is not there yet");
    dead.talks(agent);
}

/// The queue goes on at once, with another UUID.
pub(crate) fn a_push_is_declined_before_its_invite(cold: &Cold) {
    let mut dead = Dead::called(cold);
    let mut agent = dead.wakes();
    agent.ask("decline", &dead.call, json!({}));
    agent.wait_ended(&dead.call, "declined");
    // For his other devices.
    assert_eq!(dead.mailbox.next("cancelled", PATIENCE)["payload"]["call"], dead.call.as_str());
    let payload = dead.mailbox.next("incoming", PATIENCE)["payload"].clone();
    let next = payload["call"].clone();
    assert_ne!(next, dead.call.as_str());
    // Nobody is in front of it: it may sleep already.
    announce(&mut agent, &payload);
    let again = agent.wait("the next attempt", PATIENCE, |event| event["event"] == "reported");
    assert_eq!(again["call"], next);
    // Until then nobody can cancel it but by another push.
    agent.wait_call("incoming", next.as_str().expect("a call has an id"));
    dead.customer.ask("hangup", &dead.theirs, json!({}));
    agent.wait_ended(next.as_str().expect("a call has an id"), "cancelled");
    leave(agent);
    cold.stage.leave(dead.customer);
}

/// Killed while it rings; the push comes again.
pub(crate) fn a_phone_that_is_killed_while_it_rings_is_woken_again(cold: &Cold) {
    let dead = Dead::called(cold);
    let mut first = dead.wakes();
    first.wait_call("incoming", &dead.call);
    first.kill();
    let mut agent = dead.wakes();
    agent.ask("answer", &dead.call, json!({}));
    dead.talks(agent);
}

/// Gone while it rings.
pub(crate) fn a_caller_who_is_gone_while_it_rings_stops_it(cold: &Cold) {
    let mut dead = Dead::called(cold);
    let mut agent = dead.wakes();
    agent.wait_call("incoming", &dead.call);
    dead.customer.ask("hangup", &dead.theirs, json!({}));
    agent.wait_ended(&dead.call, "cancelled");
    leave(agent);
    cold.stage.leave(dead.customer);
}

/// Gone before, and the push that says so is lost.
pub(crate) fn a_caller_who_was_gone_before_ends_by_the_deadline(cold: &Cold) {
    let mut dead = Dead::called(cold);
    dead.customer.ask("hangup", &dead.theirs, json!({}));
    dead.mailbox.next("cancelled", PATIENCE);
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
    dead.payload["deadline"] = json!(now + cold.begins.as_secs());
    let mut agent = dead.wakes();
    agent.wait("the end", PATIENCE, |event| {
        event["event"] == "ended" && event["call"] == dead.call.as_str()
    });
    assert_eq!(agent.count("incoming"), 0);
    assert_eq!(agent.count("reported"), 1);
    leave(agent);
    cold.stage.leave(dead.customer);
}

/// A sleeping phone keeps its process, and the next push rings in it.
pub(crate) fn a_phone_sleeps_after_its_call_and_the_next_push_rings_in_the_same_process(
    cold: &Cold,
) {
    let mut dead = Dead::called(cold);
    let mut agent = dead.wakes();
    for attempt in 0..2 {
        agent.wait_call("incoming", &dead.call);
        agent.ask("answer", &dead.call, json!({}));
        agent.wait_call("established", &dead.call);
        agent.hears(dead.says[1]);
        dead.customer.hears(dead.says[0]);
        dead.mailbox.next("answered_elsewhere", PATIENCE);
        agent.ask("hangup", &dead.call, json!({}));
        agent.wait_ended(&dead.call, "local");
        dead.customer.wait_ended(&dead.theirs, "remote");
        let began = Instant::now();
        sleeps(&mut agent);
        println!("{}: sleeps {:?} after the call", cold.name, began.elapsed());
        if attempt == 0 {
            dead.theirs = dead.customer.dial(&cold.stage.line.push_queue());
            let began = Instant::now();
            announce(&mut agent, &dead.mailbox.next("incoming", PATIENCE)["payload"]);
            let told = agent.wait_for("reported");
            dead.call = told["call"].as_str().expect("a call has an id").to_owned();
            println!("{}: is told {:?} after the caller has dialled", cold.name, began.elapsed());
        }
    }
    assert_eq!(agent.count("reported"), 2);
    leave(agent);
    cold.stage.leave(dead.customer);
}

/// A customer and a colleague, on a platform that knows of both calls.
pub(crate) fn two_calls_are_swapped_joined_split_and_left_to_themselves(cold: &Cold) {
    let [a, b, c] = Tone::draw();
    let mut customer = cold.stage.customer(&Voice::steady(c));
    let mut colleague = cold.stage.colleague(&Voice::steady(b));
    let mut agent = cold.start(&Voice::steady(a));
    let theirs = customer.dial(&cold.stage.line.queue());
    let first = reported(&mut agent);
    agent.ask("answer", &first, json!({}));
    agent.wait_call("established", &first);
    customer.hears(a);
    agent.send(json!({ "command": "dial", "uri": cold.stage.line.colleague_number() }));
    let second = agent.wait_for("dialing")["call"].as_str().expect("a call has an id").to_owned();
    let colleagues = colleague.wait_for("incoming")["call"].as_str().unwrap_or_default().to_owned();
    colleague.ask("answer", &colleagues, json!({}));
    agent.wait_call("established", &second);
    colleague.hears(a);
    customer.hears(Tone::MUSIC);
    let order = |agent: &mut Phone, command: Value| {
        let name = command["command"].clone();
        agent.send(command);
        agent.wait("an answer", PATIENCE, |e| e["event"] == "accepted" && e["command"] == name);
    };
    order(&mut agent, json!({ "command": "swap" }));
    customer.hears(a);
    agent.hears(c);
    colleague.hears(Tone::MUSIC);
    order(&mut agent, json!({ "command": "merge", "calls": [first, second] }));
    agent.hears_all(&[b, c]);
    customer.hears_all(&[a, b]);
    colleague.hears_all(&[a, c]);
    order(&mut agent, json!({ "command": "split", "call": second }));
    colleague.hears(a);
    agent.hears(b);
    customer.hears(Tone::MUSIC);
    order(&mut agent, json!({ "command": "merge", "calls": [first, second] }));
    customer.hears_all(&[a, b]);
    order(&mut agent, json!({ "command": "leave" }));
    agent.wait_ended(&first, "transferred");
    agent.wait_ended(&second, "transferred");
    customer.hears(b);
    colleague.hears(c);
    customer.ask("hangup", &theirs, json!({}));
    colleague.wait_ended(&colleagues, "remote");
    leave(agent);
    cold.stage.leave(customer);
    cold.stage.leave(colleague);
}

fn sleeps(phone: &mut Phone) {
    phone.wait("sleep", PATIENCE, |event| {
        let state = &event["state"];
        event["event"] == "registration" && (state == "asleep" || state == "reachable_by_push")
    });
}

/// A push reaches the process that lives.
fn announce(phone: &mut Phone, payload: &Value) {
    phone.send(json!({ "command": "announce", "payload": payload }));
}
