//! The libraries for phones as programs (android/bench, android/device, ios/Sources/cold-phone): their user acts
//! on the platform's call screen, and a platform that forgives nothing ends them where a rule is broken.
//!
//! `SIDETONE_KOTLIN`, `SIDETONE_ROBOLECTRIC` and `SIDETONE_SWIFT` name the commands that run them, `scripts/kotlin
//! run`, `scripts/kotlin device` and `scripts/swift run`; without one, its journeys say so and are left out.

use crate::scenarios::agent::{ask, until};
use crate::scenarios::supervision::{confirmed, connect, supervise};
use crate::scenarios::{features, message, recording};
use serde_json::{Value, json};
use sidetone_interop::bench::Bench;
use sidetone_interop::phone::{PATIENCE, Phone, Scratch};
use sidetone_interop::push::Mailbox;
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Tone, Voice};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

/// The journeys of one library, each a test: `journeys!(cold)`, of a function that says which, or that it is left out.
macro_rules! journeys {
    ($cold:ident) => {
        $crate::cold::journeys! {
            $cold:
            a_queue_call_is_answered_on_the_lock_screen_held_muted_and_hung_up,
            a_caller_who_gives_up_stops_the_ringing_and_is_a_missed_call,
            a_phone_that_was_killed_in_a_call_takes_the_next_one,
            a_dead_phone_is_woken_by_a_push_and_answered_on_the_lock_screen,
            a_push_is_answered_before_its_invite,
            a_push_is_declined_before_its_invite,
            a_phone_that_is_killed_while_it_rings_is_woken_again,
            a_caller_who_is_gone_while_it_rings_stops_it,
            a_caller_who_was_gone_before_ends_by_the_deadline,
            a_caller_who_is_gone_while_it_wakes_ends_by_the_deadline,
            a_caller_who_is_gone_while_it_rings_unheard_ends_by_the_deadline,
            a_phone_sleeps_after_its_call_and_the_next_push_rings_in_the_same_process,
            two_calls_are_swapped_joined_split_and_left_to_themselves,
            a_second_call_waits_until_it_is_answered,
            an_agent_logs_in_is_rung_pauses_and_logs_out,
            an_agent_records_and_is_told_what_the_server_does,
            an_agent_is_told_what_the_server_has_and_is_refused_what_he_may_not,
            a_killed_phone_has_its_messages,
            a_supervisor_is_heard_as_his_mode_says_and_muted_held_and_ended_by_the_platform,
        }
    };
    ($cold:ident: $($journey:ident,)*) => {
        $(#[test]
        fn $journey() {
            if let Some(cold) = $cold() {
                $crate::cold::$journey(&cold);
            }
        })*
    };
}
pub(crate) use journeys;

/// A JVM starts, on a machine that is busy with other journeys.
const COLD: Duration = Duration::from_secs(40);

/// How long a call rings that nobody cancels: time to wake in, on such a machine.
const RINGS: Duration = Duration::from_secs(10);

/// The library under test.
pub(crate) struct Cold {
    name: &'static str,
    stage: Stage,
    command: Vec<String>,
    state: Scratch,
    is_android: bool,
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
            is_android: false,
        })
    }

    /// It takes these arguments too.
    pub(crate) fn with(mut self, arguments: &[&str]) -> Self {
        self.command.extend(arguments.iter().map(|it| (*it).to_owned()));
        self
    }

    /// It sleeps only where the server knows where to push; and its Java machine, which a phone has ready, is started
    /// before the push, and waits for it at a pipe.
    pub(crate) fn on_android(mut self) -> Self {
        self.is_android = true;
        self
    }

    fn start(&self, voice: &Voice) -> Phone {
        let mut phone = self.begin(voice, &[]);
        phone.wait_lamp("registered", COLD);
        phone
    }

    fn begin(&self, voice: &Voice, arguments: &[&str]) -> Phone {
        self.begin_as(&self.stage.line.agent(), voice, arguments)
    }

    fn begin_as(&self, user: &str, voice: &Voice, arguments: &[&str]) -> Phone {
        let setup = self.stage.server.setup(user);
        let mut command: Vec<&str> = self.command.iter().map(String::as_str).collect();
        command.extend(arguments);
        Phone::start_other(self.name, &setup, voice, &command, &self.state.0)
    }

    /// A machine that waits for the push that starts its phone, and the pipe at which it does.
    fn machine(&self, voice: &Voice, arguments: &[&str]) -> (Phone, File) {
        let pipe = self.state.0.join(format!("push-{}", uuid::Uuid::new_v4()));
        let made = Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|it| it.success()), "a pipe");
        let push = ["--payload", pipe.to_str().expect("a path in UTF-8")];
        let phone = self.begin(voice, &[&push, arguments].concat());
        let deadline = Instant::now() + COLD;
        // O_NONBLOCK: refused until it is there.
        while Instant::now() < deadline {
            let open = OpenOptions::new().write(true).custom_flags(0o4000).open(&pipe);
            if let Ok(pipe) = open {
                return (phone, pipe);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{}: not started within {COLD:?}", self.name)
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
    /// What the platform can start it in.
    machines: Vec<(Phone, File)>,
}

impl<'a> Dead<'a> {
    fn called(cold: &'a Cold) -> Self {
        Self::to_be_woken(cold, 1, &[])
    }

    /// To be woken so often; Android's machine takes these arguments too.
    fn to_be_woken(cold: &'a Cold, times: usize, arguments: &[&str]) -> Self {
        let says = Tone::draw();
        let times = if cold.is_android { times } else { 0 };
        let voice = Voice::steady(says[0]);
        let machines = (0..times).map(|_| cold.machine(&voice, arguments)).collect();
        let mailbox = Mailbox::of(&cold.stage.line.agent());
        let mut customer = cold.stage.customer(&Voice::steady(says[1]));
        let theirs = customer.dial(&cold.stage.line.push_queue());
        let payload = mailbox.next("incoming", PATIENCE)["payload"].clone();
        let call = payload["call"].as_str().expect("a payload has a call").to_owned();
        Self { cold, mailbox, customer, theirs, payload, call, says, machines }
    }

    /// The platform starts it with this push.
    fn wakes(&mut self) -> Phone {
        let payload = self.payload.to_string();
        let mut phone = if let Some((phone, mut pipe)) = self.machines.pop() {
            pipe.write_all(payload.as_bytes()).expect("the machine waits");
            phone
        } else {
            let file = self.cold.state.0.join("payload.json");
            std::fs::write(&file, payload).expect("the payload can be written");
            let file = file.to_str().expect("a path in UTF-8");
            self.cold.begin(&Voice::steady(self.says[0]), &["--payload", file])
        };
        let told = phone.wait("the report", COLD, |event| event["event"] == "reported");
        assert_eq!(told["call"], self.call, "the push and the platform speak of one call");
        phone
    }

    /// It ends soon, but not before it has begun; the push is all that says so.
    fn ends_soon(&mut self) -> Instant {
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
        self.payload["deadline"] = json!(now + RINGS.as_secs());
        Instant::now() + RINGS
    }

    /// The caller gives up, and the push that says so is lost.
    fn is_given_up(&mut self) {
        self.customer.ask("hangup", &self.theirs, json!({}));
        self.mailbox.next("cancelled", PATIENCE);
    }

    /// No INVITE comes, and it ends by its deadline.
    fn never_rings(self, mut agent: Phone, deadline: Instant) {
        agent.listen(deadline.saturating_duration_since(Instant::now()));
        assert_eq!(agent.count("incoming"), 0);
        self.ends_by(agent, deadline);
    }

    /// It has ended once, by its deadline; whoever asked the server may know it before.
    fn ends_by(self, mut agent: Phone, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now()) + Duration::from_secs(3);
        let ended = agent.wait("the end", left, |event| {
            event["event"] == "ended" && event["call"] == self.call.as_str()
        });
        println!("{}: it is over by {}", self.cold.name, ended["reason"]);
        assert_eq!(agent.count("reported"), 1);
        leave(agent);
        self.cold.stage.leave(self.customer);
    }

    /// One report, both voices, and the agent hangs up.
    fn talks(mut self, mut agent: Phone) {
        agent.wait_call("established", &self.call);
        agent.hears(self.says[1]);
        self.customer.hears(self.says[0]);
        is_muted_held_and_typed_at(&mut agent, &self.call, &mut self.customer, self.says);
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
    is_muted_held_and_typed_at(&mut agent, &call, &mut customer, [a, c]);
    agent.ask("hangup", &call, json!({}));
    agent.wait_ended(&call, "local");
    customer.wait_ended(&theirs, "remote");
    leave(agent);
    cold.stage.leave(customer);
}

/// What a user does to a call, by the platform.
fn is_muted_held_and_typed_at(
    agent: &mut Phone,
    call: &str,
    customer: &mut Phone,
    [a, c]: [Tone; 2],
) {
    agent.ask("mute", call, json!({ "on": true }));
    agent.wait_call("mute", call);
    customer.hears_silence();
    agent.ask("mute", call, json!({ "on": false }));
    agent.wait_call("mute", call);
    customer.hears(a);
    agent.ask("hold", call, json!({ "on": true }));
    assert_eq!(agent.wait_call("hold", call)["local"], true);
    customer.hears(Tone::MUSIC);
    agent.ask("hold", call, json!({ "on": false }));
    assert_eq!(agent.wait_call("hold", call)["local"], false);
    customer.hears(a);
    agent.hears(c);
    agent.ask("dtmf", call, json!({ "digits": "5" }));
    agent.wait_call("dtmf_sent", call);
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
    let mut dead = Dead::called(cold);
    let mut agent = dead.wakes();
    assert_eq!(agent.wait_call("incoming", &dead.call)["announced"], true);
    agent.ask("answer", &dead.call, json!({}));
    dead.talks(agent);
}

/// The user has his phone in a pocket: what answers is no touch of the app.
pub(crate) fn a_dead_phone_is_woken_by_a_push_and_answered_on_a_headset(cold: &Cold) {
    let mut dead = Dead::called(cold);
    let mut agent = dead.wakes();
    agent.wait_call("incoming", &dead.call);
    agent.ask("answer", &dead.call, json!({ "headset": true }));
    dead.talks(agent);
}

/// The user is faster than the network.
pub(crate) fn a_push_is_answered_before_its_invite(cold: &Cold) {
    // On a machine that is busy the first notification takes some seconds.
    let mut dead = Dead::to_be_woken(cold, 1, &["--lag", "8000"]);
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
    let mut dead = Dead::to_be_woken(cold, 2, &[]);
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
    dead.is_given_up();
    let deadline = dead.ends_soon();
    let agent = dead.wakes();
    dead.never_rings(agent, deadline);
}

/// Gone while the process stands still between the report and its REGISTER, and the push that says so is lost.
pub(crate) fn a_caller_who_is_gone_while_it_wakes_ends_by_the_deadline(cold: &Cold) {
    let mut dead = Dead::called(cold);
    let deadline = dead.ends_soon();
    let agent = dead.wakes();
    agent.signal("-STOP");
    dead.is_given_up();
    agent.signal("-CONT");
    dead.never_rings(agent, deadline);
}

/// Gone while it rings; the CANCEL is lost with the connection, and the push that says so as well.
pub(crate) fn a_caller_who_is_gone_while_it_rings_unheard_ends_by_the_deadline(cold: &Cold) {
    let bench = Bench::get();
    let mut dead = Dead::called(cold);
    let deadline = dead.ends_soon();
    let mut agent = dead.wakes();
    agent.wait_call("incoming", &dead.call);
    let _lost = bench.lose(bench.ports(agent.id()));
    dead.is_given_up();
    dead.ends_by(agent, deadline);
}

/// A sleeping phone keeps its process, and the next push rings in it.
pub(crate) fn a_phone_sleeps_after_its_call_and_the_next_push_rings_in_the_same_process(
    cold: &Cold,
) {
    let mut dead = Dead::called(cold);
    let mut agent = dead.wakes();
    if cold.is_android {
        let token = json!({ "provider": "fcm", "param": "stand-in", "prid": "device" });
        agent.order(json!({ "command": "push_token", "token": token }));
    }
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
    Bench::get().forget_tokens(&cold.stage.line);
    cold.stage.leave(dead.customer);
}

/// A customer who was answered, and a colleague, on a platform that knows of both calls.
struct Two<'a> {
    cold: &'a Cold,
    agent: Phone,
    customer: Phone,
    colleague: Phone,
    /// What each says.
    says: [Tone; 3],
    first: String,
    theirs: String,
}

impl<'a> Two<'a> {
    fn one_talks(cold: &'a Cold) -> Self {
        let says = Tone::draw();
        let [a, b, c] = says;
        let mut customer = cold.stage.customer(&Voice::steady(c));
        let colleague = cold.stage.colleague(&Voice::steady(b));
        let mut agent = cold.start(&Voice::steady(a));
        let theirs = customer.dial(&cold.stage.line.queue());
        let first = reported(&mut agent);
        agent.ask("answer", &first, json!({}));
        agent.wait_call("established", &first);
        customer.hears(a);
        Self { cold, agent, customer, colleague, says, first, theirs }
    }

    /// The second call talks, and the customer hears music.
    fn second_talks(&mut self) {
        let [a, b, _] = self.says;
        self.colleague.hears(a);
        self.agent.hears(b);
        self.customer.hears(Tone::MUSIC);
    }

    fn are_swapped_and_joined(&mut self, second: &str) {
        let [a, b, c] = self.says;
        self.agent.order(json!({ "command": "swap" }));
        self.customer.hears(a);
        self.agent.hears(c);
        self.colleague.hears(Tone::MUSIC);
        self.agent.order(json!({ "command": "merge", "calls": [self.first, second] }));
        self.agent.hears_all(&[b, c]);
        self.customer.hears_all(&[a, b]);
        self.colleague.hears_all(&[a, c]);
    }

    fn leave(self) {
        leave(self.agent);
        self.cold.stage.leave(self.customer);
        self.cold.stage.leave(self.colleague);
    }
}

/// The agent asks a colleague.
pub(crate) fn two_calls_are_swapped_joined_split_and_left_to_themselves(cold: &Cold) {
    let mut two = Two::one_talks(cold);
    let [a, b, c] = two.says;
    two.agent.send(json!({ "command": "dial", "uri": cold.stage.line.colleague_number() }));
    let second =
        two.agent.wait_for("dialing")["call"].as_str().expect("a call has an id").to_owned();
    let colleagues =
        two.colleague.wait_for("incoming")["call"].as_str().unwrap_or_default().to_owned();
    two.colleague.ask("answer", &colleagues, json!({}));
    two.agent.wait_call("established", &second);
    two.second_talks();
    two.are_swapped_and_joined(&second);
    two.agent.order(json!({ "command": "split", "call": second }));
    two.second_talks();
    two.agent.order(json!({ "command": "merge", "calls": [two.first, second] }));
    two.customer.hears_all(&[a, b]);
    two.agent.order(json!({ "command": "leave" }));
    two.agent.wait_ended(&two.first, "transferred");
    two.agent.wait_ended(&second, "transferred");
    two.customer.hears(b);
    two.colleague.hears(c);
    two.customer.ask("hangup", &two.theirs, json!({}));
    two.colleague.wait_ended(&colleagues, "remote");
    two.leave();
}

/// The agent's commands and news by the binding, in the words of the terminal.
pub(crate) fn an_agent_logs_in_is_rung_pauses_and_logs_out(cold: &Cold) {
    let mut agent = cold.begin(&Voice::silence(), &["--queues"]);
    agent.wait_lamp("registered", COLD);
    until(&mut agent, "in no queue", |agent| agent["state"] == "logged_out");
    agent.order(json!({ "command": "watch", "on": true }));
    agent.wait("the team", PATIENCE, |event| event["team"]["state"] == "current");
    ask(&mut agent, json!({ "command": "login" }), "ready");
    let me = cold.stage.line.agent();
    agent.wait("himself, ready", PATIENCE, |event| {
        event["colleague"]["name"] == me && event["colleague"]["state"] == "ready"
    });
    let mut customer = cold.stage.customer(&Voice::silence());
    let theirs = customer.dial(&cold.stage.line.desk());
    let call = reported(&mut agent);
    agent.ask("answer", &call, json!({}));
    agent.wait_call("established", &call);
    until(&mut agent, "on the call", |agent| agent["state"] == "on_call");
    agent.ask("hangup", &call, json!({}));
    customer.wait_ended(&theirs, "remote");
    until(&mut agent, "wrap-up", |agent| agent["state"] == "wrap_up");
    ask(&mut agent, json!({ "command": "pause", "reason": "lunch" }), "not_ready");
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    leave(agent);
    cold.stage.leave(customer);
}

/// Recordings by the binding, in the words of the terminal.
pub(crate) fn an_agent_records_and_is_told_what_the_server_does(cold: &Cold) {
    let mut agent = cold.begin(&Voice::silence(), &["--recordings"]);
    agent.wait_lamp("registered", COLD);
    assert_eq!(agent.wait_for("recording_access")["access"], "allowed");
    let mut customer = cold.stage.customer(&Voice::silence());
    let theirs = customer.dial(&format!("188{}", cold.stage.line.number()));
    let call = reported(&mut agent);
    agent.ask("answer", &call, json!({}));
    agent.wait_call("established", &call);
    recording::until(&mut agent, &call, "auto", "recording");
    recording::record(&mut agent, &call, "1", "start", "recording");
    recording::record(&mut agent, &call, "auto", "pause", "paused");
    recording::record(&mut agent, &call, "1", "stop", "stopped");
    customer.ask("hangup", &theirs, json!({}));
    agent.wait_ended(&call, "remote");
    leave(agent);
    cold.stage.leave(customer);
}

/// What the server has and its user may, by the binding.
pub(crate) fn an_agent_is_told_what_the_server_has_and_is_refused_what_he_may_not(cold: &Cold) {
    let mut agent = cold.begin(&Voice::silence(), &["--features"]);
    agent.wait_lamp("registered", COLD);
    let is = features::told(&mut agent);
    for name in ["queues", "team", "recordings", "messages", "push"] {
        assert_eq!(is(name), ("available".to_owned(), None), "{name}");
    }
    assert_eq!(is("supervision").0, "not_allowed");
    agent.send(json!({ "command": "supervise", "target": "agent2", "mode": "listen" }));
    let refused = agent.wait_for("refused");
    assert_eq!(refused["command"], "supervise", "{refused}");
    leave(agent);
}

/// Messages by the binding, which the death of its process leaves where they are.
pub(crate) fn a_killed_phone_has_its_messages(cold: &Cold) {
    let mut agent = cold.start(&Voice::silence());
    let sent = message::write(&mut agent, &cold.stage.line.agent_number(), "a note to myself");
    agent.wait_for("message_sent");
    let came = agent.wait_for("message_received");
    let lost = message::write(&mut agent, &cold.stage.line.colleague_number(), "are you there?");
    agent.wait_for("message_failed");
    agent.kill();
    let mut agent = cold.start(&Voice::silence());
    agent.send(json!({ "command": "messages" }));
    let page = agent.wait_for("messages");
    let kept = page["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let told: Vec<_> = kept.iter().map(|it| (&it["message"], &it["state"])).collect();
    let wanted = [
        (&json!(lost), &json!("failed")),
        (&came["message"], &json!("received")),
        (&json!(sent), &json!("accepted")),
    ];
    assert_eq!(told, wanted, "{page}");
    assert_eq!((&kept[0]["reason"], &page["more"]), (&json!("unreachable"), &json!(false)));
    leave(agent);
}

/// A supervisor with the library's phone, at an agent and his customer, who judge by ear.
struct Supervisor {
    phone: Phone,
    call: String,
    agent: Phone,
    customer: Phone,
    says: [Tone; 3],
}

impl Supervisor {
    #[track_caller]
    fn is_heard_by_nobody(&mut self) {
        let [a, c, s] = self.says;
        self.agent.hears(c);
        self.customer.hears(a);
        is_spared(&mut self.customer, s);
        is_spared(&mut self.agent, s);
    }

    #[track_caller]
    fn is_heard_by_the_agent(&mut self) {
        let [a, c, s] = self.says;
        self.agent.hears_all(&[c, s]);
        self.customer.hears(a);
        is_spared(&mut self.customer, s);
    }

    #[track_caller]
    fn becomes(&mut self, mode: &str) {
        self.phone.forget();
        self.phone.ask("set_supervision_mode", &self.call, json!({ "mode": mode }));
        confirmed(&mut self.phone, &self.call, mode);
    }

    /// On the platform's call screen.
    #[track_caller]
    fn mutes(&mut self, on: bool) {
        self.phone.ask("mute", &self.call, json!({ "on": on }));
        assert_eq!(self.phone.wait_call("mute", &self.call)["on"], on);
    }
}

/// How long who is not to be heard is listened for.
const QUIET: Duration = Duration::from_secs(1);

/// Does not hear him. Beside a device's classes the machine is too busy for a sound without a crack.
#[track_caller]
fn is_spared(phone: &mut Phone, him: Tone) {
    phone.listen(QUIET);
    let heard = phone.heard().last(QUIET);
    assert!(heard.times(him).is_empty(), "{} hears {}", phone.name(), heard.describe());
}

/// Listen, whisper, barge; and the platform's mute, hold and hang-up.
pub(crate) fn a_supervisor_is_heard_as_his_mode_says_and_muted_held_and_ended_by_the_platform(
    cold: &Cold,
) {
    let (stage, says) = (&cold.stage, Tone::draw());
    let [a, c, s] = says;
    let (mut agent, mut customer) =
        (stage.agent(&Voice::steady(a)), stage.customer(&Voice::steady(c)));
    let talk = connect(&mut customer, &mut agent, &stage.line.push_queue());
    let mut phone = cold.begin_as(&stage.line.colleague(), &Voice::steady(s), &[]);
    phone.wait_lamp("registered", COLD);
    let call = supervise(&mut phone, &stage.line.agent(), "listen");
    confirmed(&mut phone, &call, "listen");
    phone.hears_all(&[a, c]);
    phone.send(json!({ "command": "look" }));
    let seen = phone.wait_for("seen");
    assert_eq!((&seen["shown"], &seen["audio"]), (&json!([call]), &json!(true)), "{seen}");
    let mut supervisor = Supervisor { phone, call: call.clone(), agent, customer, says };
    // He is not, whatever the platform's button says.
    supervisor.phone.ask("mute", &call, json!({ "on": false }));
    supervisor.is_heard_by_nobody();
    // The server lets nobody hear him: that nothing has left his phone, only that can say.
    supervisor.phone.listen(Duration::ZERO);
    let sent = supervisor.phone.told().filter(|event| event["event"] == "quality");
    let sent: Vec<_> = sent.map(|event| event["level_sent_dbfs"].as_f64()).collect();
    assert!(!sent.is_empty() && sent.iter().all(|it| *it == Some(-127.0)), "{sent:?}");
    supervisor.becomes("whisper");
    supervisor.is_heard_by_the_agent();
    supervisor.mutes(true);
    supervisor.is_heard_by_nobody();
    supervisor.mutes(false);
    supervisor.becomes("barge");
    supervisor.customer.hears_all(&[a, s]);
    supervisor.agent.hears_all(&[c, s]);
    supervisor.phone.hears_all(&[a, c]);
    // Another call has the platform's audio: he only listens when he is back.
    for on in [true, false] {
        supervisor.phone.ask("hold", &call, json!({ "on": on }));
        assert_eq!(supervisor.phone.wait_call("hold", &call)["local"], on);
        supervisor.is_heard_by_nobody();
    }
    supervisor.phone.hears_all(&[a, c]);
    supervisor.becomes("whisper");
    supervisor.is_heard_by_the_agent();
    supervisor.phone.ask("hangup", &call, json!({}));
    supervisor.phone.wait_ended(&call, "local");
    supervisor.is_heard_by_nobody();
    // The server ends it with the agent's call.
    let again = supervise(&mut supervisor.phone, &stage.line.agent(), "listen");
    confirmed(&mut supervisor.phone, &again, "listen");
    supervisor.agent.order(json!({ "command": "hangup", "call": talk }));
    supervisor.phone.wait_ended(&again, "supervision_call_over");
    leave(supervisor.phone);
    for phone in [supervisor.customer, supervisor.agent] {
        stage.leave(phone);
    }
}

/// A colleague calls while the customer talks: nothing changes before the answer, and who is hung up on leaves the other.
pub(crate) fn a_second_call_waits_until_it_is_answered(cold: &Cold) {
    let mut two = Two::one_talks(cold);
    let [a, _, c] = two.says;
    let colleagues = two.colleague.dial(&cold.stage.line.agent_number());
    let second = two.agent.wait_for("reported")["call"].as_str().unwrap_or_default().to_owned();
    two.agent.wait_call("incoming", &second);
    two.customer.hears(a);
    two.agent.hears(c);
    two.agent.ask("answer", &second, json!({}));
    two.agent.wait_call("established", &second);
    two.second_talks();
    two.are_swapped_and_joined(&second);
    two.colleague.ask("hangup", &colleagues, json!({}));
    two.agent.wait_ended(&second, "remote");
    two.customer.hears(a);
    two.agent.hears(c);
    two.customer.ask("hangup", &two.theirs, json!({}));
    two.agent.wait_ended(&two.first, "remote");
    two.leave();
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
