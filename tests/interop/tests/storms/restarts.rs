//! The server that is killed while one phone rings, one talks, one holds and one transfers, by turns: each finds
//! back within its back-off, has no call left, and has told its user what happened.

use serde_json::json;
use sidetone_interop::bench::Bench;
use sidetone_interop::chance::Chance;
use sidetone_interop::customer::Customer;
use sidetone_interop::lines::alone;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::tones::{Tone, Voice};
use sidetone_interop::view::View;
use std::fmt;
use std::time::{Duration, Instant};

/// What a phone is doing when the server is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Ringing,
    Answering,
    Talking,
    Holding,
    Held,
    Transferring,
    Consulting,
}

/// By turns, so that each phone does each.
const DOING: [[Doing; 2]; 4] = [
    [Doing::Ringing, Doing::Answering],
    [Doing::Talking, Doing::Talking],
    [Doing::Holding, Doing::Held],
    [Doing::Transferring, Doing::Consulting],
];

/// How long a phone may take besides its back-off: to connect, to sign in, to hear that its call is gone.
const SLACK: Duration = Duration::from_secs(6);
/// The customer's first port.
const PORTS: u16 = 5090;

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ringing => "rings",
            Self::Answering => "answers",
            Self::Talking => "talks",
            Self::Holding => "asks for a hold",
            Self::Held => "holds",
            Self::Transferring => "asks for a transfer",
            Self::Consulting => "asks a colleague before a transfer",
        })
    }
}

#[test]
fn a_server_that_is_killed_three_times_leaves_no_phone_behind() {
    play(3);
}

#[test]
#[ignore = "minutes: scripts/test full"]
fn a_server_that_is_killed_twenty_times_leaves_no_phone_behind() {
    play(std::env::var("SIDETONE_RESTARTS").map_or(20, |text| text.parse().expect("a number")));
}

fn play(rounds: u64) {
    let _alone = alone();
    let bench = Bench::get();
    let seed = Chance::seed();
    println!("{rounds} restarts from SIDETONE_SEED={seed}");
    println!(
        "| phone | the server dies while it | told after | the server is back after | signed in | call over | the user reads |"
    );
    println!("|---|---|--:|--:|--:|--:|---|");
    for round in 0..rounds {
        // Phones that have not failed yet: one that lost its server a moment ago waits longer.
        let mut desks: Vec<Desk> = (1..=4).map(|number| Desk::new(&bench, number)).collect();
        let mut chance = Chance::new(seed + round);
        let doing: Vec<Doing> = (0..4)
            .map(|desk| DOING[(desk + round as usize) % 4][chance.below(2) as usize])
            .collect();
        each(&mut desks, |index, desk| desk.begin(&bench, doing[index]));
        std::thread::sleep(chance.between(Duration::ZERO, Duration::from_millis(1500)));
        for (desk, doing) in desks.iter_mut().zip(&doing) {
            desk.act(*doing);
        }
        std::thread::sleep(chance.between(Duration::ZERO, Duration::from_millis(40)));
        let killed = Instant::now();
        let stopped = bench.stop_server();
        std::thread::sleep(chance.between(Duration::ZERO, Duration::from_secs(6)));
        stopped.start();
        let up = Instant::now();
        let told = each(&mut desks, |index, desk| desk.recover(doing[index], killed, up));
        told.iter().for_each(|line| println!("{line}"));
        // Phones and server have the same: one contact each, and no call.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let view = View::of(&bench);
            let wrong: Vec<String> =
                desks.iter_mut().filter_map(|d| d.differs(&bench, &view)).collect();
            if wrong.is_empty() {
                break;
            }
            assert!(Instant::now() < deadline, "{}", wrong.join("\n"));
            std::thread::sleep(Duration::from_millis(300));
        }
        for desk in &mut desks {
            assert_eq!(desk.phone.leave(), 0, "{} ends well", desk.user);
        }
    }
}

fn each<T: Send>(desks: &mut [Desk], act: impl Fn(usize, &mut Desk) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let act = &act;
        let threads: Vec<_> = desks
            .iter_mut()
            .enumerate()
            .map(|(index, desk)| scope.spawn(move || act(index, desk)))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a phone finds back")).collect()
    })
}

/// An agent at his phone.
struct Desk {
    number: usize,
    user: String,
    phone: Phone,
    /// The customer's call, and the one with whom the agent consults.
    calls: Vec<String>,
    customer: Option<Customer>,
}

impl Desk {
    fn new(bench: &Bench, number: usize) -> Self {
        let user = format!("agent{number}");
        let [tone] = Tone::draw();
        let mut phone = Phone::start_deaf(&user, &bench.setup(&user), &Voice::steady(tone));
        phone.wait_lamp("registered", PATIENCE);
        Self { number, user, phone, calls: Vec::new(), customer: None }
    }

    /// A call comes, and gets as far as it is to be.
    fn begin(&mut self, bench: &Bench, doing: Doing) {
        self.phone.turn_the_page();
        let [tone] = Tone::draw();
        let (voice, port) = (Voice::steady(tone).as_argument(), PORTS + self.number as u16);
        let queue = format!("180{}", self.number);
        let forever = Duration::from_secs(600);
        self.customer = Some(Customer::call(bench, &queue, port, &voice, forever));
        let ringing =
            self.phone.wait("a call", Duration::from_secs(30), |e| e["event"] == "incoming");
        let call = ringing["call"].as_str().unwrap_or_default().to_owned();
        self.calls = vec![call.clone()];
        if matches!(doing, Doing::Ringing | Doing::Answering) {
            return;
        }
        self.phone.ask("answer", &call, json!({}));
        self.phone.wait_call("established", &call);
        self.phone.wait_call("quality", &call);
        match doing {
            Doing::Held => {
                self.phone.ask("hold", &call, json!({ "on": true }));
                self.phone.wait_call("hold", &call);
            }
            Doing::Consulting => {
                let call = self.phone.dial("600");
                self.phone.wait_call("established", &call);
                self.calls.push(call);
            }
            Doing::Ringing
            | Doing::Answering
            | Doing::Talking
            | Doing::Holding
            | Doing::Transferring => {}
        }
    }

    /// What is on its way when the server dies.
    fn act(&mut self, doing: Doing) {
        let call = &self.calls[0];
        match doing {
            Doing::Answering => self.phone.send(json!({ "command": "answer", "call": call })),
            Doing::Holding => {
                self.phone.send(json!({ "command": "hold", "call": call, "on": true }));
            }
            Doing::Transferring => {
                self.phone.send(json!({ "command": "transfer", "call": call, "to": "610" }));
            }
            Doing::Ringing | Doing::Talking | Doing::Held | Doing::Consulting => {}
        }
    }

    /// The phone says what happened, and finds back in time; a line of what was measured.
    fn recover(&mut self, doing: Doing, killed: Instant, up: Instant) -> String {
        self.customer = None;
        let outage = up - killed;
        // A wait is at most twice what was waited before, and a second.
        let bound = 2 * outage + SLACK;
        let told = self.phone.wait_told("that the server is gone", PATIENCE, |event| {
            event["event"] == "registration" && event["state"] == "unreachable"
        });
        let reason = told.event["reason"].as_str().unwrap_or_default().to_owned();
        assert!(reason.contains("connection"), "{}: the user reads: {reason:?}", self.user);
        let green = self.phone.wait_told("the lamp", outage + bound, |event| {
            event["event"] == "registration" && event["state"] == "registered"
        });
        let (mut over, mut texts) = (up, Vec::new());
        for call in self.calls.clone() {
            let ended = self.phone.wait_told("the end of the call", bound, |event| {
                event["event"] == "ended" && event["call"] == call.as_str()
            });
            over = over.max(ended.at);
            let text = ended.event["text"].as_str().unwrap_or_default().to_owned();
            let words = match ended.event["reason"].as_str() {
                Some("network_lost") => "connection to the server was lost",
                Some("timed_out") => "stopped responding",
                // It was done before the server died.
                Some("transferred") if doing == Doing::Transferring => "you transferred it",
                _ => panic!("{}: {}\n{}", self.user, ended.event, self.phone.story()),
            };
            assert!(text.contains(words), "{}: the user reads: {text:?}", self.user);
            texts.push(text);
        }
        let text = texts.join("; ");
        let ms = |at: Instant, from: Instant| at.saturating_duration_since(from).as_secs_f64();
        format!(
            "| {} | {doing} | {:.2} s | {:.1} s | {:.1} s | {:.1} s | {reason}; {text} |",
            self.user,
            ms(told.at, killed),
            outage.as_secs_f64(),
            ms(green.at, up),
            ms(over, up),
        )
    }

    /// What the phone and the server have apart.
    fn differs(&mut self, bench: &Bench, view: &View) -> Option<String> {
        let snapshot = self.phone.snapshot();
        let calls = snapshot["calls"].as_array().map_or(0, Vec::len);
        let channels: Vec<_> = view.about(&self.user, &format!("180{}", self.number)).collect();
        let contacts = view.contacts(&self.user);
        let ports = bench.ports(self.phone.id());
        let same = matches!((&contacts[..], &ports[..]), ([contact], [port]) if contact.uri.contains(&format!(":{port}")));
        let fine = calls == 0 && channels.is_empty() && same && snapshot["state"] == "registered";
        (!fine).then(|| {
            format!("{}: {snapshot}, server: {channels:?} {contacts:?}, ports {ports:?}", self.user)
        })
    }
}
