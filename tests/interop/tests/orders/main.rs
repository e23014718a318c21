//! One call in every order of what can happen to it, with the real core through the generated bindings between
//! a strict platform and the model PBX: the libraries for phones as programs (android/bench,
//! ios/Sources/cold-phone), and `sidetone demo --serve`, which is told when to ring.
//!
//! `SIDETONE_SWIFT` and `SIDETONE_KOTLIN` name the programs as in the journeys, `SIDETONE_BINARY` the model PBX.
//! `SIDETONE_ORDERS=LENGTH,SOME` plays all orders of LENGTH steps, and SOME of those that go on until nothing
//! more can happen, from `SIDETONE_SEED`. `SIDETONE_ORDER="Awake: Push Answer Kill"` plays that one.

#![allow(clippy::print_stdout, reason = "what was counted is worth reading")]

mod world;

use serde_json::{Value, json};
use sidetone_interop::phone::{Phone, Scratch, Setup};
use sidetone_interop::tones::Voice;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use world::{Audio, Order, Start, Step, World};

/// What is to be so within this time, is; on a machine that is busy.
const SOON: Duration = Duration::from_secs(5);
/// A JVM starts.
const COLD: Duration = Duration::from_secs(40);
/// Programs at the same time, each with an agent of its own.
const AT_A_TIME: usize = 3;

/// A platform's program.
struct Platform {
    name: &'static str,
    variable: &'static str,
    /// What it is started with besides.
    flags: &'static [&'static str],
    audio: Audio,
    /// All orders of so many steps, and so many whole ones.
    orders: (usize, usize),
}

#[test]
#[ignore = "takes a minute; scripts/test runs it"]
fn every_order_of_a_call_on_ios() {
    play(&Platform {
        name: "swift",
        variable: "SIDETONE_SWIFT",
        flags: &["--grace", "0", "--activation", "manual"],
        audio: Audio::Activated,
        orders: (4, 160),
    });
}

#[test]
#[ignore = "takes a minute; scripts/test runs it"]
fn every_order_of_a_call_on_android() {
    play(&Platform {
        name: "kotlin",
        variable: "SIDETONE_KOTLIN",
        flags: &[],
        audio: Audio::Follows,
        orders: (3, 30),
    });
}

fn play(platform: &Platform) {
    let Ok(command) = std::env::var(platform.variable) else {
        println!("left out: {} does not name the program", platform.variable);
        return;
    };
    let began = Instant::now();
    let command: Vec<&str> =
        command.split_whitespace().chain(platform.flags.iter().copied()).collect();
    let (length, some) = wanted(platform.orders);
    let seed = std::env::var("SIDETONE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let starts = [Start::Awake, Start::Asleep];
    let mut orders: Vec<Order> =
        starts.iter().flat_map(|start| world::all(*start, platform.audio, length)).collect();
    let short = orders.len();
    orders.extend(
        starts.iter().flat_map(|start| world::some(*start, platform.audio, some / 2, seed)),
    );
    if let Ok(text) = std::env::var("SIDETONE_ORDER") {
        orders = vec![Order::parse(&text).expect("an order, as it is printed")];
    }
    let whole: u64 =
        starts.iter().map(|start| world::count(World::new(*start, platform.audio))).sum();

    let mut server = Phone::serve();
    let ready = server.wait_for("ready");
    let server = Mutex::new(server);
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|threads| {
        for agent in 1..=AT_A_TIME {
            let (orders, command, server, ready) = (&orders, &command, &server, &ready);
            let (next, failed) = (&next, &failed);
            let _ = std::thread::Builder::new().name(format!("agent{agent}")).spawn_scoped(
                threads,
                move || {
                    let mut stage = Stage::new(platform, command, server, ready, agent);
                    // One that fails says enough.
                    while failed.load(Ordering::Relaxed) == 0
                        && let Some(order) = orders.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let in_hand = InHand { order, failed };
                        stage.play(order);
                        drop(in_hand);
                    }
                    assert_eq!(stage.phone.leave(), 0, "the program ends well");
                },
            );
        }
    });
    println!(
        "orders: {}: {short} of {length} steps, and {some} of the {whole} whole ones (seed {seed}), \
         in {:.0} s",
        platform.name,
        began.elapsed().as_secs_f64()
    );
}

fn wanted(default: (usize, usize)) -> (usize, usize) {
    let Ok(text) = std::env::var("SIDETONE_ORDERS") else { return default };
    let mut numbers = text.split(',').map(|number| number.parse().expect("LENGTH,SOME"));
    (numbers.next().expect("LENGTH"), numbers.next().expect("SOME"))
}

/// Says which order it was, where it fails.
struct InHand<'a> {
    order: &'a Order,
    failed: &'a AtomicUsize,
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.failed.fetch_add(1, Ordering::Relaxed);
            println!("in the order {}", self.order);
        }
    }
}

/// A program at work for one agent.
struct Stage<'a> {
    platform: &'a Platform,
    command: &'a [&'a str],
    server: &'a Mutex<Phone>,
    agent: String,
    setup: Setup,
    state: Scratch,
    phone: Phone,
    /// The call that is played.
    call: String,
    told: Told,
}

/// What the program has told of the call in this life, and what its lamp has shown last.
#[derive(Debug, Default)]
struct Told {
    lamp: String,
    ended: usize,
    rang: bool,
    established: bool,
    heard: bool,
}

impl<'a> Stage<'a> {
    fn new(
        platform: &'a Platform,
        command: &'a [&'a str],
        server: &'a Mutex<Phone>,
        ready: &Value,
        agent: usize,
    ) -> Self {
        let agent = format!("agent{agent}");
        let text = |name: &str| ready[name].as_str().expect("the server says so").to_owned();
        let setup = Setup {
            namespace: None,
            server: text("server"),
            ca: Some(text("ca").into()),
            account: format!("sip:{agent}@bench.test"),
            password: text("password").replace("<user>", &agent),
        };
        let state = Scratch::new("orders");
        let phone = start(platform, command, &setup, &state);
        let told = Told { lamp: "registered".to_owned(), ..Told::default() };
        Self { platform, command, server, agent, setup, state, phone, call: String::new(), told }
    }

    fn play(&mut self, order: &Order) {
        self.begin(order.start);
        let mut world = World::new(order.start, self.platform.audio);
        for step in &order.steps {
            self.take(*step, world);
            world = world.after(*step);
            self.settle(world, &format!("after {step:?}"));
        }
        self.finish(world.signed_in());
    }

    fn begin(&mut self, start: Start) {
        self.phone.listen(Duration::ZERO);
        self.read();
        self.phone.turn_the_page();
        self.call = uuid::Uuid::new_v4().to_string();
        self.told = Told { lamp: std::mem::take(&mut self.told.lamp), ..Told::default() };
        match start {
            Start::Awake => self.sign_in(),
            Start::Asleep => {
                self.phone.send(json!({ "command": "sleep" }));
                let asleep = ["asleep", "reachable_by_push"];
                self.until("it sleeps", |stage| asleep.contains(&stage.told.lamp.as_str()));
            }
        }
    }

    fn take(&mut self, step: Step, before: World) {
        let call = self.call.clone();
        match step {
            Step::Push | Step::PushAgain => {
                let payload = self.payload();
                self.phone.send(json!({ "command": "announce", "payload": payload }));
            }
            Step::Invite => assert_eq!(self.serve("ring", &self.agent, &call), None),
            Step::Cancel => assert_eq!(self.serve("give_up", &self.agent, &call), None),
            Step::Answer => self.phone.ask("answer", &call, json!({})),
            Step::Decline => self.end(before),
            Step::Activate | Step::Deactivate => {
                let on = step == Step::Activate;
                match self.platform.audio {
                    Audio::Activated => self.phone.ask("audio", &call, json!({ "on": on })),
                    Audio::Follows => self.phone.ask("hold", &call, json!({ "on": !on })),
                }
            }
            Step::Kill => {
                self.phone.kill();
                self.phone = start(self.platform, self.command, &self.setup, &self.state);
                self.told = Told { lamp: "registered".to_owned(), ..Told::default() };
            }
        }
    }

    /// The user has enough of it.
    fn end(&mut self, world: World) {
        let call = self.call.clone();
        self.phone.ask(if world.answered { "hangup" } else { "decline" }, &call, json!({}));
    }

    /// What must be so is so, soon.
    fn settle(&mut self, world: World, when: &str) {
        let call = [self.call.clone()];
        let calls = |there: bool| json!(if there { &call[..] } else { &[] });
        let (there, answered) = (calls(world.is_live()), calls(world.is_live() && world.answered));
        let all = [("shown", &there), ("phone", &there), ("answered", &answered)];
        self.until_seen(when, |seen| {
            all.iter().all(|(name, calls)| seen[name] == **calls) && seen["audio"] == world.audio
        });
        if world.is_established() {
            self.until(&format!("{when}: it is established"), |stage| stage.told.established);
            if world.audio {
                self.until(&format!("{when}: it is heard"), |stage| stage.told.heard);
            }
        } else if world.is_live() && world.reached {
            self.until(&format!("{when}: the INVITE is there"), |stage| stage.told.rang);
        }
        self.until(&format!("{when}: it ends"), |stage| stage.told.ended >= world.ends);
        self.holds(world.may_be_heard() || !self.told.heard, &format!("{when}: no audio"));
        let ends = world.ends..=if world.over { world.ends + world.late } else { 0 };
        self.holds(ends.contains(&self.told.ended), &format!("{when}: {ends:?} ends"));
    }

    /// The phone is in front of its user, and signed in: nothing is left under way. And it ends.
    fn finish(&mut self, world: World) {
        self.sign_in();
        self.settle(world, "at rest");
        let call = self.call.clone();
        let is_there =
            |stage: &Self| stage.serve("ring", "nobody", &call).as_deref() == Some("call_id_taken");
        let expected = world.is_at_server();
        self.until("the server knows the same", |stage| is_there(stage) == expected);
        if world.is_live() {
            self.end(world);
        }
        self.until_seen("at the end", |seen| {
            seen["shown"] == json!([]) && seen["phone"] == json!([]) && seen["audio"] == false
        });
        self.until("the server has nothing", |stage| !is_there(stage));
        let ends = world.ends + usize::from(world.is_live());
        self.until("it has ended", |stage| stage.told.ended >= ends);
        self.holds(
            self.told.ended <= ends + world.late,
            &format!("at most {} ends", ends + world.late),
        );
    }

    /// Fails with the whole story.
    fn holds(&mut self, is_so: bool, what: &str) {
        if !is_so {
            self.phone.wait(what, Duration::ZERO, |_| false);
        }
    }

    fn sign_in(&mut self) {
        self.phone.send(json!({ "command": "register" }));
        self.until("it is signed in", |stage| stage.told.lamp == "registered");
    }

    /// Something by hand at the server: why it was refused, if it was.
    fn serve(&self, command: &str, agent: &str, call: &str) -> Option<String> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        server.turn_the_page();
        server.send(match command {
            "ring" => json!({ "command": command, "agent": agent, "call": call, "seconds": 60 }),
            _ => json!({ "command": command, "call": call }),
        });
        let answer = server.wait("an answer", SOON, |event| {
            event["event"] == "accepted" || event["event"] == "refused"
        });
        answer["reason"].as_str().map(str::to_owned)
    }

    fn payload(&self) -> Value {
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
        json!({
            "v": 1, "kind": "incoming", "call": self.call, "deadline": now + 60,
            "caller": { "name": "Ada", "number": "0301" }, "queue": "support",
        })
    }

    /// Looks again and again, until what is seen is as it must be.
    fn until_seen(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) {
        let mut last = Value::Null;
        let deadline = Instant::now() + SOON;
        loop {
            self.phone.send(json!({ "command": "look" }));
            let seen = self.phone.wait_for("seen");
            self.read();
            if wanted(&seen) {
                return;
            }
            last = if seen == last { last } else { seen };
            if Instant::now() > deadline {
                // Its story is in the panic.
                self.phone.wait(&format!("{what}, but there is {last}"), Duration::ZERO, |_| false);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn until(&mut self, what: &str, wanted: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + SOON;
        loop {
            self.phone.listen(Duration::from_millis(1));
            self.read();
            if wanted(self) {
                return;
            }
            if Instant::now() > deadline {
                self.phone.wait(what, Duration::ZERO, |_| false);
            }
        }
    }

    /// Takes notice of what was told.
    fn read(&mut self) {
        let mut now = Told { lamp: self.told.lamp.clone(), ..Told::default() };
        for event in self.phone.told() {
            let is_of_call = event["call"] == *self.call;
            match event["event"].as_str().unwrap_or_default() {
                "registration" => now.lamp = event["state"].as_str().unwrap_or_default().to_owned(),
                "incoming" => now.rang |= is_of_call,
                "established" => now.established |= is_of_call,
                "ended" => now.ended += usize::from(is_of_call),
                "media" => now.heard |= is_of_call && !event["first_sent_ms"].is_null(),
                "rule_broken" => panic!("{event}"),
                _ => {}
            }
        }
        self.told = now;
    }
}

fn start(platform: &Platform, command: &[&str], setup: &Setup, state: &Scratch) -> Phone {
    let mut phone = Phone::start_other(platform.name, setup, &Voice::silence(), command, &state.0);
    phone.wait_lamp("registered", COLD);
    phone
}
