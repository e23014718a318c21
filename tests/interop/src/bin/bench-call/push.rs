//! From a push to the answered call in a program that was dead, and from the start of a process to its
//! registration, with a nonce that is over and with one that lives.
//!
//! RFC 7616 §3.3: a server may take a nonce again; then the first REGISTER after a start is accepted.

use crate::ms;
use crate::table::Table;
use serde_json::json;
use sidetone_interop::bench::Bench;
use sidetone_interop::phone::{Phone, Scratch};
use sidetone_interop::push::Mailbox;
use sidetone_interop::tones::{Tone, Voice};
use std::path::Path;
use std::time::Duration;

/// A JVM starts, on a machine that may be busy.
const COLD: Duration = Duration::from_secs(60);
/// One way on the agent's link, where the server is far.
const FAR: &str = "40";
/// The round trip that this makes, in milliseconds.
const ROUND_TRIP: f64 = 80.0;
/// Asterisk's own lifetime of a nonce, and a bit.
const STOCK_NONCE: Duration = Duration::from_secs(34);

/// Measures, and prints the table.
pub(crate) fn measure(bench: &Bench, wakes: usize, table: &mut Table) {
    let mut programs = vec![Program::sidetone()];
    programs.extend(Program::kotlin());
    for program in &programs {
        let state = Scratch::new("woken");
        program.put_to_sleep(bench, &state.0);
        let [near, far] = Wakes::measure(bench, program, &state.0, wakes);
        near.tell(table, program, "loopback");
        far.tell(table, program, "80 ms of round trip");
        let [near, far] = [near, far].map(|it| it.since_the_report());
        table.trips(program.answered, &near, &far, ROUND_TRIP, "–", f64::MAX);
    }
    let [near, far] = with_stock_nonces(bench, wakes);
    table.times(STOCK, "loopback", &near, "5 round trips + 20 ms", 20.0);
    table.times(STOCK, "80 ms of round trip", &far, "≤ 420 ms", 420.0);
    table.trips(STOCK, &near, &far, ROUND_TRIP, "5", 5.25);
    let [near, far] = with_a_nonce_that_lives(bench, wakes);
    table.times(LIVING, "loopback", &near, "4 round trips + 20 ms", 20.0);
    table.times(LIVING, "80 ms of round trip", &far, "≤ 340 ms", 340.0);
    table.trips(LIVING, &near, &far, ROUND_TRIP, "4", 4.25);
}

const STOCK: &str = "process start to registered, the nonce is over";
const LIVING: &str = "process start to registered, the nonce lives";

/// A phone that a push starts.
struct Program {
    command: Vec<String>,
    /// It takes the push on its command line, as a platform starts an app; else on standard input.
    takes_payload: bool,
    reported: &'static str,
    rings: &'static str,
    answered: &'static str,
}

impl Program {
    fn sidetone() -> Self {
        let binary = std::env::var("SIDETONE_BINARY").expect("SIDETONE_BINARY names the program");
        Self {
            command: vec![binary, "agent".to_owned()],
            takes_payload: false,
            reported: "push to report, `sidetone agent`",
            rings: "push to INVITE, `sidetone agent`",
            answered: "push to INVITE answered, `sidetone agent`",
        }
    }

    /// Where `SIDETONE_KOTLIN` names it.
    fn kotlin() -> Option<Self> {
        let command = std::env::var("SIDETONE_KOTLIN").ok()?;
        Some(Self {
            command: command.split_whitespace().map(str::to_owned).collect(),
            takes_payload: true,
            reported: "push to report, Kotlin on a cold JVM",
            rings: "push to INVITE, Kotlin on a cold JVM",
            answered: "push to INVITE answered, Kotlin on a cold JVM",
        })
    }

    fn start(&self, bench: &Bench, state: &Path, more: &[&str]) -> Phone {
        let mut command: Vec<&str> = self.command.iter().map(String::as_str).collect();
        command.extend(more);
        let [tone] = Tone::draw();
        Phone::start_other("agent", &bench.setup("agent1"), &Voice::steady(tone), &command, state)
    }

    /// Signed in once, and dead while it sleeps.
    fn put_to_sleep(&self, bench: &Bench, state: &Path) {
        let mut phone = self.start(bench, state, &[]);
        phone.wait_lamp("registered", COLD);
        sleeps_and_dies(phone);
    }
}

fn sleeps_and_dies(mut phone: Phone) {
    phone.send(json!({ "command": "sleep" }));
    phone.wait("that it sleeps", COLD, |event| {
        event["event"] == "registration"
            && (event["state"] == "asleep" || event["state"] == "reachable_by_push")
    });
    phone.kill();
}

/// Times from the POST, in milliseconds.
#[derive(Default)]
struct Wakes {
    reported: Vec<f64>,
    rings: Vec<f64>,
    answered: Vec<f64>,
}

impl Wakes {
    /// Here and far away by turns, so that what else the machine does falls on both alike.
    fn measure(bench: &Bench, program: &Program, state: &Path, wakes: usize) -> [Self; 2] {
        let [mut near, mut far] = [Self::default(), Self::default()];
        let mailbox = Mailbox::of("agent1");
        let mut customer = Phone::start("customer", &bench.setup("customer1"), &Voice::silence());
        customer.wait_lamp("registered", COLD);
        for _ in 0..wakes {
            for (times, delay) in [(&mut near, "0"), (&mut far, FAR)] {
                bench.run(&["delay", delay]);
                times.wake(bench, program, state, &mailbox, &mut customer);
            }
        }
        bench.run(&["delay", "0"]);
        customer.leave();
        [near, far]
    }

    /// A call for a phone that is dead: it is started when the POST is there, and its user answers as
    /// soon as the platform shows the call.
    fn wake(
        &mut self,
        bench: &Bench,
        program: &Program,
        state: &Path,
        mailbox: &Mailbox,
        customer: &mut Phone,
    ) {
        let theirs = customer.dial("1811");
        let (posted, post) = mailbox.next_told("incoming", COLD);
        let payload = &post["payload"];
        let call = payload["call"].as_str().expect("a payload has a call").to_owned();
        let mut phone = if program.takes_payload {
            let file = state.join("payload.json");
            std::fs::write(&file, payload.to_string()).expect("the payload can be written");
            program.start(bench, state, &["--payload", file.to_str().expect("UTF-8")])
        } else {
            let mut phone = program.start(bench, state, &[]);
            phone.send(json!({ "command": "announce", "payload": payload }));
            phone
        };
        let reported = phone.wait_told("the report", COLD, |e| e["event"] == "reported");
        phone.send(json!({ "command": "answer", "call": call }));
        let told = |phone: &mut Phone, name: &str| {
            let is = |e: &serde_json::Value| e["event"] == *name && e["call"] == call;
            ms(phone.wait_told(name, COLD, is).at, posted)
        };
        self.reported.push(ms(reported.at, posted));
        self.rings.push(told(&mut phone, "incoming"));
        self.answered.push(told(&mut phone, "answered"));
        phone.wait_call("established", &call);
        mailbox.next("answered_elsewhere", COLD);
        phone.ask("hangup", &call, json!({}));
        phone.wait_call("ended", &call);
        customer.wait_call("ended", &theirs);
        sleeps_and_dies(phone);
    }

    /// Without the start of the program, which no network has a part in.
    fn since_the_report(&self) -> Vec<f64> {
        self.answered
            .iter()
            .zip(&self.reported)
            .map(|(answered, reported)| answered - reported)
            .collect()
    }

    fn tell(&self, table: &mut Table, program: &Program, condition: &'static str) {
        table.times(program.reported, condition, &self.reported, "–", f64::MAX);
        table.times(program.rings, condition, &self.rings, "–", f64::MAX);
        table.times(program.answered, condition, &self.answered, "–", f64::MAX);
    }
}

/// As Asterisk comes: a nonce is over when the phone is started again.
fn with_stock_nonces(bench: &Bench, starts: usize) -> [Vec<f64>; 2] {
    let file = bench.folder.join("asterisk/etc/pjsip.conf");
    let long = std::fs::read_to_string(&file).expect("the bench's configuration is there");
    let stock: Vec<&str> = long.lines().filter(|l| !l.starts_with("nonce_lifetime")).collect();
    let load = |text: &str| {
        std::fs::write(&file, text).expect("the bench's configuration can be written");
        bench.asterisk("module reload res_pjsip.so");
        std::thread::sleep(Duration::from_secs(1));
    };
    load(&stock.join("\n"));
    let states: Vec<Scratch> = (0..starts).map(|_| Scratch::new("stock")).collect();
    let all = |registers| -> Vec<f64> {
        states.iter().map(|state| registered(bench, &state.0, registers)).collect()
    };
    all(2);
    std::thread::sleep(STOCK_NONCE);
    let near = all(2);
    std::thread::sleep(STOCK_NONCE);
    bench.run(&["delay", FAR]);
    let far = all(2);
    bench.run(&["delay", "0"]);
    load(&long);
    [near, far]
}

/// As docs/asterisk.md sets it up.
fn with_a_nonce_that_lives(bench: &Bench, starts: usize) -> [Vec<f64>; 2] {
    let state = Scratch::new("living");
    registered(bench, &state.0, 2);
    let near = (0..starts).map(|_| registered(bench, &state.0, 1)).collect();
    bench.run(&["delay", FAR]);
    let far = (0..starts).map(|_| registered(bench, &state.0, 1)).collect();
    bench.run(&["delay", "0"]);
    [near, far]
}

/// From the start of the process to the server's 200, which takes so many REGISTERs; then it sleeps
/// and dies.
fn registered(bench: &Bench, state: &Path, registers: usize) -> f64 {
    let program = Program::sidetone();
    let mut phone = program.start(bench, state, &["--sip"]);
    let told = phone.wait_told("registered", COLD, |event| event["state"] == "registered");
    let time = ms(told.at, phone.started());
    let sent = |event: &&serde_json::Value| {
        event["sent"] == true
            && event["message"].as_str().is_some_and(|text| text.starts_with("REGISTER"))
    };
    let count = phone.told().filter(sent).count();
    assert_eq!(count, registers, "so many REGISTERs were to be sent");
    sleeps_and_dies(phone);
    time
}
