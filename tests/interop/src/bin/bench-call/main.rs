//! What a call costs and how long its audio takes, measured on the bench's Asterisk: prints a table
//! with the goals beside the figures. Run by `scripts/bench-call`.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod push;
mod table;

use serde_json::{Value, json};
use sidetone_interop::bench::Bench;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::tones::{Heard, Tone, Voice};
use std::time::{Duration, Instant};
use table::{Row, Table};

/// The length of the measured call, and of the measured idleness.
const TALK: Duration = Duration::from_secs(30);
const IDLE: Duration = Duration::from_secs(10);
/// How long a phone rings before a person answers it; ICE and DTLS need four round trips.
const RINGING: Duration = Duration::from_secs(1);

/// The round trip in ms, which calls are connected while they ring, and how soon audio should flow.
const CASES: [(u32, &str, &str, &str, f64); 5] = [
    (0, "where-heard", "loopback, connected while it rings", "≤ 60 ms", 60.0),
    (80, "where-heard", "80 ms of round trip, connected while it rings", "≤ 100 ms", 100.0),
    (200, "where-heard", "200 ms of round trip, connected while it rings", "≤ 220 ms", 220.0),
    (0, "never", "loopback, connected at the answer", "≤ 60 ms", 60.0),
    (80, "never", "80 ms of round trip, connected at the answer", "≤ 280 ms", 280.0),
];

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    let is_push = arguments.next_if_eq("--push").is_some();
    let calls = arguments.next().map_or(100, |text| text.parse().expect("a number of calls"));
    let bench = Bench::get();
    let mut table = Table::default();
    if is_push {
        push::measure(&bench, calls, &mut table);
    } else {
        measure(&bench, calls, &mut table);
    }
    print!("{}", table.text());
    let rows = table.rows.iter().map(Row::json).collect::<Vec<_>>();
    println!("{}", json!({ "calls": calls, "rows": rows }));
}

/// Calls to a phone that is awake, and what one costs.
fn measure(bench: &Bench, calls: usize, table: &mut Table) {
    let mut near = (Vec::new(), Vec::new());
    let mut far = (Vec::new(), Vec::new());
    for (rtt, early, place, goal, most) in CASES {
        bench.run(&["delay", &(rtt / 2).to_string()]);
        let times = Calls::measure(bench, calls, early);
        table.times("answer to first audio heard by the agent", place, &times.agent, goal, most);
        let what = "answer to first audio heard by the customer";
        table.times(what, place, &times.customer, goal, most);
        match rtt {
            0 => near = (times.registered, times.again),
            80 => far = (times.registered, times.again),
            _ => {}
        }
    }
    bench.run(&["delay", "0"]);
    let cost = Cost::measure(bench);

    let (near_by, rtt) = ("loopback", "80 ms of round trip");
    table.times("process start to registered", near_by, &near.0, "5 round trips + 20 ms", 20.0);
    table.times("process start to registered", rtt, &far.0, "≤ 420 ms", 420.0);
    table.times(
        "registered again on the same flow",
        near_by,
        &near.1,
        "1 round trip + 20 ms",
        20.0,
    );
    table.times("registered again on the same flow", rtt, &far.1, "≤ 100 ms", 100.0);
    table.figure("CPU of a call", "30 s of talk, % of a core", cost.call_cpu, "≤ 3", 3.0);
    table.figure("memory (PSS) in a call", "MB", cost.call_pss, "≤ 10", 10.0);
    table.figure("memory (PSS) registered", "MB", cost.idle_pss, "–", f64::MAX);
    table.figure("CPU registered", "10 s idle, % of a core", cost.idle_cpu, "0", 0.1);
    table.figure("wake-ups registered", "a second, all threads", cost.idle_wakes, "0", 0.5);
    table.figure("the program, stripped", "MB", cost.program, "–", f64::MAX);
}

/// The times of many calls, in milliseconds.
#[derive(Default)]
struct Calls {
    agent: Vec<f64>,
    customer: Vec<f64>,
    registered: Vec<f64>,
    again: Vec<f64>,
}

impl Calls {
    /// One call after the other through the queue, each with two processes of its own: the customer
    /// waits with music until the agent answers, whose phone connects such calls `early`, or not.
    fn measure(bench: &Bench, calls: usize, early: &str) -> Self {
        let mut times = Self::default();
        // Ours is far from the music on hold, so that its first milliseconds are told from it.
        let mut tones: [Tone; 12] = Tone::draw();
        tones.sort();
        let [theirs, .., ours] = tones;
        for _ in 0..calls {
            let arguments = ["agent", "--sip", "--early-media", early];
            let voice = Voice::steady(ours);
            let mut agent = Phone::start_with("agent", &bench.setup("agent1"), &voice, &arguments);
            let registered =
                agent.wait_told("registered", PATIENCE, |event| event["state"] == "registered");
            times.registered.push(ms(registered.at, agent.started()));
            times.again.push(register_again(&mut agent));
            let mut customer =
                Phone::start("customer", &bench.setup("customer1"), &Voice::steady(theirs));
            customer.wait_lamp("registered", PATIENCE);
            let call = customer.dial("1801");
            let heard_from = customer
                .wait_told("answered", PATIENCE, |e| e["event"] == "answered" && e["call"] == call)
                .at;
            let incoming = agent.wait_for("incoming");
            let ringing = incoming["call"].as_str().expect("a call has an id").to_owned();
            agent.listen(RINGING);
            agent.ask("answer", &ringing, json!({}));
            let answered = agent
                .wait_told("answered", PATIENCE, |e| {
                    e["event"] == "answered" && e["call"] == ringing
                })
                .at;
            let media = agent.wait_call("media", &ringing);
            times.agent.push(number(&media, "first_heard_ms"));
            agent.listen(Duration::from_millis(700));
            agent.ask("hangup", &ringing, json!({}));
            customer.wait_call("ended", &call);
            agent.leave();
            customer.leave();
            if let Some(onset) = onset(&customer.heard(), ours) {
                times.customer.push(ms(heard_from + onset, answered));
            }
        }
        assert_eq!(times.customer.len(), calls, "each customer hears the agent");
        times
    }
}

/// Signs in again on the flow that is there, and counts the round trip by the SIP messages.
fn register_again(agent: &mut Phone) -> f64 {
    agent.forget();
    agent.send(json!({ "command": "register" }));
    let message = |event: &Value, sent: bool, start: &str| {
        event["event"] == "sip"
            && event["sent"] == sent
            && event["message"].as_str().is_some_and(|text| text.starts_with(start))
    };
    let sent = agent.wait("REGISTER", PATIENCE, |e| message(e, true, "REGISTER"));
    let answer = agent.wait("200", PATIENCE, |e| message(e, false, "SIP/2.0 200"));
    number(&answer, "at_ms") - number(&sent, "at_ms")
}

/// When a tone begins in what was heard.
fn onset(heard: &Heard, tone: Tone) -> Option<Duration> {
    let (step, window) = (Duration::from_millis(2), Duration::from_millis(20));
    let mut start = Duration::ZERO;
    while start + window <= heard.length() {
        if heard.part(start, window).level(tone) > -24.0 {
            return Some(start);
        }
        start += step;
    }
    None
}

fn ms(end: Instant, start: Instant) -> f64 {
    let positive = end.saturating_duration_since(start).as_secs_f64();
    let negative = start.saturating_duration_since(end).as_secs_f64();
    (positive - negative) * 1000.0
}

fn number(event: &Value, field: &str) -> f64 {
    event[field].as_f64().unwrap_or_else(|| panic!("{event} has no {field}"))
}

/// What one phone costs.
struct Cost {
    call_cpu: f64,
    call_pss: f64,
    idle_cpu: f64,
    idle_pss: f64,
    idle_wakes: f64,
    program: f64,
}

impl Cost {
    fn measure(bench: &Bench) -> Self {
        let [tone] = Tone::draw();
        let arguments = ["agent"];
        let setup = bench.setup("agent1");
        let mut agent = Phone::start_with("agent", &setup, &Voice::steady(tone), &arguments);
        agent.wait_lamp("registered", PATIENCE);
        agent.listen(Duration::from_secs(1));
        let (idle_cpu, idle_wakes) = load(&mut agent, IDLE);
        let idle_pss = agent.memory();
        let call = agent.dial("600");
        agent.wait_call("media", &call);
        agent.listen(Duration::from_secs(2));
        let (call_cpu, _) = load(&mut agent, TALK);
        let call_pss = agent.memory();
        agent.ask("hangup", &call, json!({}));
        agent.leave();
        let binary = std::env::var("SIDETONE_BINARY").expect("SIDETONE_BINARY names the program");
        let program = std::fs::metadata(binary).expect("the program is there").len() as f64 / 1e6;
        Self { call_cpu, call_pss, idle_cpu, idle_pss, idle_wakes, program }
    }
}

/// Percent of a core, and voluntary context switches a second, over so long.
fn load(phone: &mut Phone, time: Duration) -> (f64, f64) {
    let (cpu, wakes) = (cpu(phone.id()), wakes(phone.id()));
    let began = Instant::now();
    phone.listen(time);
    let seconds = began.elapsed().as_secs_f64();
    let used = self::cpu(phone.id()) - cpu;
    // A thread that ended in the meantime takes its count along.
    (used / seconds * 100.0, (self::wakes(phone.id()) - wakes).max(0.0) / seconds)
}

/// Seconds of processor of all threads, those that ended too; to a hundredth.
fn cpu(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("the process runs");
    let (_, fields) = stat.rsplit_once(") ").expect("the name ends with a bracket");
    fields.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>()
        / 100.0
}

fn wakes(process: u32) -> f64 {
    threads(process)
        .filter_map(|folder| std::fs::read_to_string(folder.join("status")).ok())
        .filter_map(|text| field(&text, "voluntary_ctxt_switches:"))
        .sum()
}

fn threads(process: u32) -> impl Iterator<Item = std::path::PathBuf> {
    let folder = std::fs::read_dir(format!("/proc/{process}/task")).expect("the process runs");
    folder.flatten().map(|entry| entry.path())
}

fn field(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
}
