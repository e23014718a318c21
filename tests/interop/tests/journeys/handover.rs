//! The network of a phone changes at every point of a call, with both networks there for a while and without: the
//! right ones hear each other again, and the far end's hang-up still ends the call.
//!
//! `SIDETONE_HANDOVER_ROUND_TRIP` (ms) delays the phone's links; the table is printed (`scripts/test full` plays all).

use crate::scenarios::{Talk, rings};
use serde_json::{Value, json};
use sidetone_interop::bench::Bench;
use sidetone_interop::lines::Line;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::roam::Roam;
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::{Tone, Voice};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Duration;

/// How one network follows the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// Both are there for a while.
    Overlap,
    /// The old one is gone, the new one is there at once, and the phone is told.
    Break,
    /// The same, and nobody tells.
    Silent,
    /// There is none for so many seconds, and the phone is told of the new one.
    Without(u64),
    /// The same, and the phone is told when the old one goes too, as iOS does.
    ToldWithout(u64),
}

/// What a table is made of, each in its column.
const HOWS: [How; 4] = [How::Overlap, How::Break, How::Without(3), How::ToldWithout(10)];

impl How {
    /// How long there is no network at all.
    fn without(self) -> Duration {
        match self {
            Self::Overlap | Self::Break | Self::Silent => Duration::ZERO,
            Self::Without(seconds) | Self::ToldWithout(seconds) => Duration::from_secs(seconds),
        }
    }
}

/// A point of a call: the network changes in it, and it holds what must come of that. Gives the gap that the phone
/// tells, in ms, where audio was received before and after.
type Point = fn(&mut Scene) -> Option<f64>;

/// Where the network changes. Those marked are played each day, the others in `scripts/test full`.
const POINTS: [(&str, bool, Point); 28] = [
    ("signed in, no call", false, idle),
    ("signing in", false, signing_in),
    ("INVITE on its way", false, invited),
    ("it rings", true, ringing),
    ("it rings, and the caller gives up", true, given_up),
    ("answered without a network", false, answered_between),
    ("answer on its way", true, answering),
    ("answered", false, answered),
    ("established", false, established),
    ("talking", true, talking),
    ("muted", false, muted),
    ("hold on its way", true, holding),
    ("held", false, held),
    ("resume on its way", false, resuming),
    ("resumed", false, resumed),
    ("held by the other side", false, held_there),
    ("their hold on its way", false, holding_there),
    ("hang-up on its way", true, hanging_up),
    ("their hang-up on its way", true, hanging_up_there),
    ("dialling", false, dialling),
    ("it rings there", true, ringing_there),
    ("audio before the answer", false, early),
    ("their answer on its way", false, answering_there),
    ("two calls, one held", true, two_calls),
    ("two calls joined", false, joined),
    ("transfer on its way", false, transferring),
    ("about to bring two together", false, bringing_together),
    ("twice, the second while the first is under way", true, twice),
];

/// The WebRTC stack repeats itself so often in a DTLS handshake; one that is cut for longer is over, and its call.
const HANDSHAKE: Duration = Duration::from_secs(7);

/// What a machine may take that does other things too.
const BUSY: Duration = Duration::from_secs(1);

/// A stage with an agent whose network changes.
struct Scene {
    stage: Stage,
    roam: Roam,
    how: How,
    /// Of the agent's links.
    round_trip: Duration,
    /// How often the network has changed.
    changes: u32,
}

impl Scene {
    fn new(how: How) -> Self {
        let bench = Bench::get();
        let stage = Stage::on(Server::Asterisk(bench.clone()), Line::any());
        let number = stage.line.number();
        let roam = Roam::new(number);
        let round_trip: u64 = std::env::var("SIDETONE_HANDOVER_ROUND_TRIP")
            .map_or(0, |text| text.parse().expect("milliseconds"));
        bench.run(&["delay", &(round_trip / 2).to_string(), &format!("roam{number}")]);
        Self { stage, roam, how, round_trip: Duration::from_millis(round_trip), changes: 0 }
    }

    fn start(&self, voice: &Voice) -> Phone {
        let Server::Asterisk(bench) = &self.stage.server else { panic!("a real server") };
        Phone::start("agent", &self.roam.setup(bench, &self.stage.line.agent()), voice)
    }

    fn agent(&self, voice: &Voice) -> Phone {
        let mut agent = self.start(voice);
        agent.wait_lamp("registered", PATIENCE);
        agent
    }

    /// The customer has called the queue, and it rings.
    fn rung(&self) -> Talk {
        let [a, b, c, d] = Tone::draw();
        let (agent_says, customer_says) = ([a, b], [c, d]);
        let mut agent = self.agent(&Voice::swapping(agent_says));
        let mut customer = self.stage.customer(&Voice::swapping(customer_says));
        let customer_call = customer.dial(&self.stage.line.queue());
        let agent_call = rings(&mut agent);
        if self.how.without() > HANDSHAKE {
            shakes_hands(&mut agent);
        }
        Talk { agent, agent_call, agent_says, customer, customer_call, customer_says }
    }

    /// Both hear each other.
    fn talk(&self) -> Talk {
        let mut talk = self.rung();
        talk.agent.ask("answer", &talk.agent_call, json!({}));
        talk.agent.wait_call("established", &talk.agent_call);
        talk.both_hear();
        talk
    }

    /// The network changes.
    fn change(&mut self, agent: &mut Phone) {
        self.lose(agent);
        self.come(agent);
    }

    /// The old one goes, unless both are there for a while.
    fn lose(&mut self, agent: &mut Phone) {
        if self.how != How::Overlap {
            self.roam.lose();
        }
        if matches!(self.how, How::ToldWithout(_)) {
            self.told(agent);
        }
    }

    /// The new one is there.
    fn come(&mut self, agent: &mut Phone) {
        self.changes += 1;
        std::thread::sleep(self.how.without());
        self.roam.come();
        self.told(agent);
    }

    fn told(&self, agent: &mut Phone) {
        let overlap = self.how == How::Overlap;
        if self.how != How::Silent {
            agent.send(json!({ "command": "network_changed", "make_before_break": overlap }));
        }
    }

    /// The network that was left goes too.
    fn settle(&self) {
        if self.how == How::Overlap {
            std::thread::sleep(Duration::from_millis(1500));
            self.roam.lose_other();
        }
    }

    /// The longest gap that is meant to be: with one network TCP, TLS, WebSocket, re-INVITE and ICE come after none.
    /// What nobody tells of has no such bound.
    fn goal(&self) -> Option<Duration> {
        let round_trips = match self.how {
            How::Silent => return None,
            How::Overlap => 0.0,
            How::Break | How::Without(_) | How::ToldWithout(_) => 5.5,
        };
        let none = self.how.without() * self.changes;
        Some(none + self.round_trip.mul_f64(round_trips) + Duration::from_millis(100))
    }

    /// The path stands again; the gap.
    #[track_caller]
    fn back(&self, agent: &mut Phone, call: &str) -> Option<f64> {
        let back = agent.wait("the audio again", Duration::from_secs(30), |event| {
            event["event"] == "reconnected" && event["call"] == call
        });
        self.settle();
        let gap = back["gap_ms"].as_f64();
        if let (Some(goal), Some(gap)) = (self.goal(), gap) {
            let most = (goal + BUSY).as_secs_f64() * 1000.0;
            assert!(gap <= most, "{gap} ms, at most {most} ms");
        }
        gap
    }

    /// Both hear each other, and the customer's hang-up ends the call.
    #[track_caller]
    fn proof(&self, mut talk: Talk) {
        talk.both_hear();
        talk.customer.ask("hangup", &talk.customer_call, json!({}));
        talk.customer.wait_ended(&talk.customer_call, "local");
        talk.agent.wait_ended(&talk.agent_call, "remote");
        self.stage.leave(talk.agent);
        self.stage.leave(talk.customer);
    }

    /// The customer calls an agent who has no call, and all is well.
    fn can_be_called(&self, mut agent: Phone, agent_says: [Tone; 2]) {
        let customer_says = Tone::draw::<4>();
        let others = customer_says.into_iter().filter(|tone| !agent_says.contains(tone));
        let customer_says: Vec<Tone> = others.take(2).collect();
        let customer_says = [customer_says[0], customer_says[1]];
        let mut customer = self.stage.customer(&Voice::swapping(customer_says));
        let customer_call = customer.dial(&self.stage.line.queue());
        let agent_call = rings(&mut agent);
        agent.ask("answer", &agent_call, json!({}));
        agent.wait_call("established", &agent_call);
        self.proof(Talk { agent, agent_call, agent_says, customer, customer_call, customer_says });
    }

    /// The colleague answers a call of the agent, both hear each other, and the colleague hangs up.
    fn colleague_talks(&self, mut agent: Phone, call: &str, mut colleague: Phone, says: [Tone; 2]) {
        let theirs = rings(&mut colleague);
        colleague.ask("answer", &theirs, json!({}));
        agent.wait_call("established", call);
        agent.hears(says[1]);
        colleague.hears(says[0]);
        colleague.ask("hangup", &theirs, json!({}));
        agent.wait_ended(call, "remote");
        self.stage.leave(agent);
        self.stage.leave(colleague);
    }
}

fn idle(scene: &mut Scene) -> Option<f64> {
    let says = Tone::draw();
    let mut agent = scene.agent(&Voice::swapping(says));
    agent.forget();
    scene.change(&mut agent);
    agent.listen(Duration::from_secs(3));
    scene.settle();
    scene.can_be_called(agent, says);
    None
}

fn signing_in(scene: &mut Scene) -> Option<f64> {
    let says = Tone::draw();
    let mut agent = scene.start(&Voice::swapping(says));
    agent.wait("a connection", PATIENCE, |event| event["step"] == "tcp_connected");
    scene.change(&mut agent);
    agent.wait_lamp("registered", Duration::from_secs(40));
    scene.settle();
    agent.listen(Duration::from_secs(3));
    scene.can_be_called(agent, says);
    None
}

fn invited(scene: &mut Scene) -> Option<f64> {
    let [a, b, c, d] = Tone::draw();
    let (agent_says, customer_says) = ([a, b], [c, d]);
    let mut agent = scene.agent(&Voice::swapping(agent_says));
    let mut customer = scene.stage.customer(&Voice::swapping(customer_says));
    let customer_call = customer.dial(&scene.stage.line.queue());
    scene.change(&mut agent);
    // Where the INVITE was lost the queue tries again when its time is over.
    let incoming = agent.wait("a call", Duration::from_secs(45), |e| e["event"] == "incoming");
    let agent_call = incoming["call"].as_str().expect("a call has an id").to_owned();
    let mut talk = Talk { agent, agent_call, agent_says, customer, customer_call, customer_says };
    scene.settle();
    // The first attempt may be over, and another have come.
    talk.agent.listen(Duration::from_secs(4));
    let last = talk.agent.told().filter(|event| event["event"] == "incoming").last();
    talk.agent_call = last.and_then(|event| event["call"].as_str()).expect("it rings").to_owned();
    talk.agent.ask("answer", &talk.agent_call, json!({}));
    talk.agent.wait_call("established", &talk.agent_call);
    scene.proof(talk);
    None
}

/// The media of a call that rings is secured.
fn shakes_hands(agent: &mut Phone) {
    agent.wait("the handshake", PATIENCE, |event| event["step"] == "dtls_connected");
}

fn ringing(scene: &mut Scene) -> Option<f64> {
    let mut talk = scene.rung();
    scene.change(&mut talk.agent);
    talk.agent.listen(Duration::from_secs(1));
    talk.agent.ask("answer", &talk.agent_call, json!({}));
    talk.agent.wait_call("established", &talk.agent_call);
    scene.settle();
    scene.proof(talk);
    None
}

fn given_up(scene: &mut Scene) -> Option<f64> {
    let mut talk = scene.rung();
    // One that is cut stays so as long as it rings, for a path is looked for after the answer.
    if scene.how.without() <= HANDSHAKE {
        shakes_hands(&mut talk.agent);
    }
    scene.change(&mut talk.agent);
    talk.agent.listen(Duration::from_secs(1));
    talk.customer.ask("hangup", &talk.customer_call, json!({}));
    // Where the server's CANCEL is lost it knows the call until its transaction is over.
    let call = talk.agent_call.clone();
    let ended = talk.agent.wait("the end", Duration::from_secs(45), |event| {
        event["event"] == "ended" && event["call"] == call
    });
    assert_eq!(ended["reason"], "cancelled", "{ended}");
    scene.settle();
    scene.stage.leave(talk.agent);
    scene.stage.leave(talk.customer);
    None
}

fn answered_between(scene: &mut Scene) -> Option<f64> {
    let mut talk = scene.rung();
    scene.lose(&mut talk.agent);
    talk.agent.ask("answer", &talk.agent_call, json!({}));
    scene.come(&mut talk.agent);
    talk.agent.wait_call("established", &talk.agent_call);
    scene.settle();
    scene.proof(talk);
    None
}

fn answering(scene: &mut Scene) -> Option<f64> {
    let mut talk = scene.rung();
    talk.agent.send(json!({ "command": "answer", "call": talk.agent_call }));
    scene.change(&mut talk.agent);
    talk.agent.wait_call("established", &talk.agent_call);
    scene.settle();
    scene.proof(talk);
    None
}

fn answered(scene: &mut Scene) -> Option<f64> {
    let mut talk = scene.rung();
    talk.agent.send(json!({ "command": "answer", "call": talk.agent_call }));
    talk.agent.wait_call("answered", &talk.agent_call);
    scene.change(&mut talk.agent);
    talk.agent.wait_call("established", &talk.agent_call);
    scene.settle();
    scene.proof(talk);
    None
}

fn established(scene: &mut Scene) -> Option<f64> {
    let mut talk = scene.rung();
    talk.agent.send(json!({ "command": "answer", "call": talk.agent_call }));
    talk.agent.wait_call("established", &talk.agent_call);
    scene.change(&mut talk.agent);
    scene.back(&mut talk.agent, &talk.agent_call);
    scene.proof(talk);
    None
}

fn talking(scene: &mut Scene) -> Option<f64> {
    let mut talk = scene.talk();
    scene.change(&mut talk.agent);
    let gap = scene.back(&mut talk.agent, &talk.agent_call);
    talk.nobody_heard_anything_else();
    scene.proof(talk);
    gap
}

fn muted(scene: &mut Scene) -> Option<f64> {
    let mut talk = scene.talk();
    talk.agent.ask("mute", &talk.agent_call, json!({ "on": true }));
    scene.change(&mut talk.agent);
    let gap = scene.back(&mut talk.agent, &talk.agent_call);
    talk.agent.hears_one_of(&talk.customer_says);
    talk.customer.hears_silence();
    talk.agent.ask("mute", &talk.agent_call, json!({ "on": false }));
    scene.proof(talk);
    gap
}

fn hold(talk: &mut Talk, on: bool) {
    talk.agent.send(json!({ "command": "hold", "call": talk.agent_call, "on": on }));
}

#[track_caller]
fn agreed(talk: &mut Talk, on: bool) {
    let call = talk.agent_call.clone();
    talk.agent.wait("the hold", Duration::from_secs(30), |event| {
        event["event"] == "hold" && event["call"] == call && event["local"] == on
    });
}

fn holding(scene: &mut Scene) -> Option<f64> {
    let mut talk = scene.talk();
    hold(&mut talk, true);
    scene.change(&mut talk.agent);
    agreed(&mut talk, true);
    scene.back(&mut talk.agent, &talk.agent_call);
    talk.customer.hears(Tone::MUSIC);
    hold(&mut talk, false);
    agreed(&mut talk, false);
    assert_eq!(talk.agent.count("hold_failed"), 0);
    scene.proof(talk);
    None
}

fn held(scene: &mut Scene) -> Option<f64> {
    let mut talk = scene.talk();
    hold(&mut talk, true);
    agreed(&mut talk, true);
    scene.change(&mut talk.agent);
    scene.back(&mut talk.agent, &talk.agent_call);
    talk.customer.hears(Tone::MUSIC);
    hold(&mut talk, false);
    agreed(&mut talk, false);
    scene.proof(talk);
    None
}

fn resuming(scene: &mut Scene) -> Option<f64> {
    let mut talk = scene.talk();
    hold(&mut talk, true);
    agreed(&mut talk, true);
    hold(&mut talk, false);
    scene.change(&mut talk.agent);
    agreed(&mut talk, false);
    scene.back(&mut talk.agent, &talk.agent_call);
    scene.proof(talk);
    None
}

fn resumed(scene: &mut Scene) -> Option<f64> {
    let mut talk = scene.talk();
    for on in [true, false] {
        hold(&mut talk, on);
        agreed(&mut talk, on);
    }
    talk.both_hear();
    scene.change(&mut talk.agent);
    let gap = scene.back(&mut talk.agent, &talk.agent_call);
    scene.proof(talk);
    gap
}

fn customer_holds(talk: &mut Talk, on: bool) {
    talk.customer.ask("hold", &talk.customer_call, json!({ "on": on }));
    talk.customer
        .wait("the hold", PATIENCE, |event| event["event"] == "hold" && event["local"] == on);
}

fn held_there(scene: &mut Scene) -> Option<f64> {
    let mut talk = scene.talk();
    customer_holds(&mut talk, true);
    talk.agent.hears(Tone::MUSIC);
    scene.change(&mut talk.agent);
    let gap = scene.back(&mut talk.agent, &talk.agent_call);
    talk.agent.hears(Tone::MUSIC);
    customer_holds(&mut talk, false);
    scene.proof(talk);
    gap
}

fn holding_there(scene: &mut Scene) -> Option<f64> {
    let mut talk = scene.talk();
    talk.customer.send(json!({ "command": "hold", "call": talk.customer_call, "on": true }));
    scene.change(&mut talk.agent);
    let gap = scene.back(&mut talk.agent, &talk.agent_call);
    talk.agent.hears(Tone::MUSIC);
    customer_holds(&mut talk, false);
    scene.proof(talk);
    gap
}

fn hanging_up(scene: &mut Scene) -> Option<f64> {
    let mut talk = scene.talk();
    talk.agent.send(json!({ "command": "hangup", "call": talk.agent_call }));
    scene.change(&mut talk.agent);
    talk.customer.wait_ended(&talk.customer_call, "remote");
    talk.agent.wait_ended(&talk.agent_call, "local");
    scene.settle();
    scene.stage.leave(talk.agent);
    scene.stage.leave(talk.customer);
    None
}

fn hanging_up_there(scene: &mut Scene) -> Option<f64> {
    let mut talk = scene.talk();
    talk.customer.send(json!({ "command": "hangup", "call": talk.customer_call }));
    scene.change(&mut talk.agent);
    talk.customer.wait_ended(&talk.customer_call, "local");
    let call = talk.agent_call.clone();
    let ended = talk.agent.wait("the end", Duration::from_secs(30), |event| {
        event["event"] == "ended" && event["call"] == call
    });
    // A server whose BYE was lost says only that there is no such call any more.
    assert!(ended["reason"] == "remote" || ended["reason"] == "timed_out", "{ended}");
    scene.settle();
    scene.stage.leave(talk.agent);
    scene.stage.leave(talk.customer);
    None
}

/// An agent and a colleague who can be called.
fn pair(scene: &Scene) -> (Phone, Phone, [Tone; 2]) {
    let says @ [a, b] = Tone::draw();
    let agent = scene.agent(&Voice::steady(a));
    let colleague = scene.stage.colleague(&Voice::steady(b));
    (agent, colleague, says)
}

fn dialling(scene: &mut Scene) -> Option<f64> {
    let (mut agent, colleague, says) = pair(scene);
    let call = agent.dial(&scene.stage.line.colleague_number());
    scene.change(&mut agent);
    last_ring(scene, agent, &call, colleague, says);
    None
}

fn ringing_there(scene: &mut Scene) -> Option<f64> {
    let (mut agent, colleague, says) = pair(scene);
    let call = agent.dial(&scene.stage.line.colleague_number());
    agent.wait_call("ringing", &call);
    scene.change(&mut agent);
    last_ring(scene, agent, &call, colleague, says);
    None
}

/// The colleague may be rung anew: the call that rings when that is over is answered.
fn last_ring(scene: &Scene, agent: Phone, call: &str, mut colleague: Phone, says: [Tone; 2]) {
    scene.settle();
    colleague.listen(Duration::from_secs(7));
    for _ in 0..colleague.count("ended") {
        rings(&mut colleague);
    }
    scene.colleague_talks(agent, call, colleague, says);
}

fn early(scene: &mut Scene) -> Option<f64> {
    let mut agent = scene.agent(&Voice::silence());
    let call = agent.dial("602");
    agent.wait_call("early_media", &call);
    scene.change(&mut agent);
    agent.wait("the answer", Duration::from_secs(30), |event| event["event"] == "established");
    scene.settle();
    agent.hears(Tone::ANSWERED);
    agent.wait_ended(&call, "remote");
    scene.stage.leave(agent);
    None
}

fn answering_there(scene: &mut Scene) -> Option<f64> {
    let mut agent = scene.agent(&Voice::silence());
    let call = agent.dial("61112");
    agent.listen(Duration::from_millis(990));
    scene.change(&mut agent);
    agent.wait("the answer", Duration::from_secs(30), |event| event["event"] == "established");
    agent.hears(Tone::ANSWERED);
    scene.settle();
    agent.wait("the end", Duration::from_secs(30), |event| {
        event["event"] == "ended" && event["call"] == call.as_str() && event["reason"] == "remote"
    });
    scene.stage.leave(agent);
    None
}

/// An agent with a customer on hold and a colleague whom he talks to: the calls, and what they say.
struct Trio {
    talk: Talk,
    colleague: Phone,
    /// The agent's call with the colleague, and the colleague's.
    calls: [String; 2],
    colleague_says: Tone,
}

fn trio(scene: &Scene) -> Trio {
    let [a, b, c] = Tone::draw();
    let mut agent = scene.agent(&Voice::steady(a));
    let mut customer = scene.stage.customer(&Voice::steady(b));
    let mut colleague = scene.stage.colleague(&Voice::steady(c));
    let customer_call = customer.dial(&scene.stage.line.queue());
    let agent_call = rings(&mut agent);
    agent.ask("answer", &agent_call, json!({}));
    agent.wait_call("established", &agent_call);
    let call = agent.dial(&scene.stage.line.colleague_number());
    agent.wait_call("hold", &agent_call);
    let theirs = rings(&mut colleague);
    colleague.ask("answer", &theirs, json!({}));
    agent.wait_call("established", &call);
    agent.hears(c);
    let (agent_says, customer_says) = ([a, a], [b, b]);
    let talk = Talk { agent, agent_call, agent_says, customer, customer_call, customer_says };
    Trio { talk, colleague, calls: [call, theirs], colleague_says: c }
}

impl Trio {
    /// The colleague hangs up, then the customer.
    #[track_caller]
    fn end(mut self, scene: &Scene) {
        let [call, theirs] = &self.calls;
        self.colleague.ask("hangup", theirs, json!({}));
        self.talk.agent.wait_ended(call, "remote");
        scene.stage.leave(self.colleague);
        self.talk.customer.ask("hangup", &self.talk.customer_call, json!({}));
        self.talk.agent.wait_ended(&self.talk.agent_call, "remote");
        scene.stage.leave(self.talk.agent);
        scene.stage.leave(self.talk.customer);
    }
}

fn order(phone: &mut Phone, command: Value) {
    let name = command["command"].as_str().unwrap_or_default().to_owned();
    phone.send(command);
    phone.wait(&name, PATIENCE, |e| e["event"] == "accepted" && e["command"] == name.as_str());
}

fn two_calls(scene: &mut Scene) -> Option<f64> {
    let mut trio = trio(scene);
    scene.change(&mut trio.talk.agent);
    let gap = scene.back(&mut trio.talk.agent, &trio.calls[0]);
    scene.back(&mut trio.talk.agent, &trio.talk.agent_call);
    trio.talk.agent.hears(trio.colleague_says);
    trio.colleague.hears(trio.talk.agent_says[0]);
    order(&mut trio.talk.agent, json!({ "command": "swap" }));
    trio.talk.both_hear();
    trio.end(scene);
    gap
}

fn joined(scene: &mut Scene) -> Option<f64> {
    let mut trio = trio(scene);
    let calls = [trio.talk.agent_call.clone(), trio.calls[0].clone()];
    order(&mut trio.talk.agent, json!({ "command": "merge", "calls": calls }));
    trio.talk.agent.hears_all(&[trio.colleague_says, trio.talk.customer_says[0]]);
    scene.change(&mut trio.talk.agent);
    let gap = scene.back(&mut trio.talk.agent, &trio.calls[0]);
    scene.back(&mut trio.talk.agent, &trio.talk.agent_call);
    trio.talk.agent.hears_all(&[trio.colleague_says, trio.talk.customer_says[0]]);
    trio.talk.customer.hears_all(&[trio.colleague_says, trio.talk.agent_says[0]]);
    trio.colleague.hears_all(&[trio.talk.customer_says[0], trio.talk.agent_says[0]]);
    trio.end(scene);
    gap
}

fn transferring(scene: &mut Scene) -> Option<f64> {
    let mut talk = scene.talk();
    let says = Tone::draw::<6>().into_iter();
    let mut says = says.filter(|t| !talk.agent_says.contains(t) && !talk.customer_says.contains(t));
    let says = says.next_back().expect("six are more than four");
    let mut colleague = scene.stage.colleague(&Voice::steady(says));
    let to = scene.stage.line.colleague_number();
    talk.agent.send(json!({ "command": "transfer", "call": talk.agent_call, "to": to }));
    scene.change(&mut talk.agent);
    let theirs = rings(&mut colleague);
    colleague.ask("answer", &theirs, json!({}));
    talk.customer.hears(says);
    colleague.hears_one_of(&talk.customer_says);
    let call = talk.agent_call.clone();
    talk.agent.wait("the end", Duration::from_secs(40), |event| {
        event["event"] == "ended" && event["call"] == call
    });
    scene.settle();
    talk.customer.ask("hangup", &talk.customer_call, json!({}));
    colleague.wait_ended(&theirs, "remote");
    scene.stage.leave(talk.agent);
    scene.stage.leave(talk.customer);
    scene.stage.leave(colleague);
    None
}

fn bringing_together(scene: &mut Scene) -> Option<f64> {
    let mut trio = trio(scene);
    scene.change(&mut trio.talk.agent);
    let gap = scene.back(&mut trio.talk.agent, &trio.calls[0]);
    let with = json!({ "with": trio.calls[0] });
    trio.talk.agent.ask("attended", &trio.talk.agent_call, with);
    trio.talk.agent.wait_ended(&trio.talk.agent_call, "transferred");
    trio.talk.agent.wait_ended(&trio.calls[0], "transferred");
    trio.talk.customer.hears(trio.colleague_says);
    trio.colleague.hears(trio.talk.customer_says[0]);
    trio.talk.customer.ask("hangup", &trio.talk.customer_call, json!({}));
    trio.colleague.wait_ended(&trio.calls[1], "remote");
    scene.stage.leave(trio.talk.agent);
    scene.stage.leave(trio.talk.customer);
    scene.stage.leave(trio.colleague);
    gap
}

fn twice(scene: &mut Scene) -> Option<f64> {
    let mut talk = scene.talk();
    scene.change(&mut talk.agent);
    std::thread::sleep(Duration::from_millis(5));
    scene.change(&mut talk.agent);
    let gap = scene.back(&mut talk.agent, &talk.agent_call);
    talk.agent.listen(Duration::from_secs(1));
    scene.proof(talk);
    gap
}

/// Plays these, four at a time; prints what was measured, then says what failed.
fn play(cases: Vec<(&'static str, How, Point)>) {
    let (left, done) = (Mutex::new(cases.into_iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some((name, how, point)) = left.lock().expect("no one fails here").next()
                    else {
                        break;
                    };
                    let played = catch_unwind(AssertUnwindSafe(|| point(&mut Scene::new(how))));
                    done.lock().expect("no one fails here").push((name, how, played.ok()));
                }
            });
        }
    });
    let done = done.into_inner().expect("no one fails here");
    println!(
        "| the network changes while | both networks for a while | the old one is gone | 3 s without any | 10 s |"
    );
    println!("|---|---|---|---|---|");
    let cell = |name: &str, how: How| {
        let found = done.iter().find(|(other, at, _)| *other == name && *at == how);
        found.map_or(String::new(), |(.., gap)| match gap {
            Some(Some(gap)) => format!("{gap:.0} ms"),
            Some(None) => "goes on".to_owned(),
            None => "FAILED".to_owned(),
        })
    };
    for (name, ..) in POINTS {
        if done.iter().any(|(other, ..)| *other == name) {
            println!("| {name} | {} |", HOWS.map(|how| cell(name, how)).join(" | "));
        }
    }
    let failed = done.iter().filter(|(.., gap)| gap.is_none());
    let failed: Vec<String> = failed.map(|(name, how, _)| format!("{name}, {how:?}")).collect();
    assert!(failed.is_empty(), "failed: {failed:#?}");
}

#[test]
fn a_call_goes_on_over_another_network_at_some_of_its_points() {
    let daily = POINTS.into_iter().filter(|(_, daily, _)| *daily).enumerate();
    let both = [How::Break, How::Overlap];
    let daily = daily.map(|(index, (name, _, point))| (name, both[index % 2], point));
    play(daily.chain([("talking", HOWS[2], talking as Point)]).collect());
}

#[test]
#[ignore = "minutes: scripts/test full"]
fn a_call_goes_on_over_another_network_at_every_point() {
    let only = std::env::var("SIDETONE_HANDOVER_ONLY").unwrap_or_default();
    let points = POINTS.into_iter().filter(|(name, ..)| name.contains(&only));
    let cases = points.flat_map(|(name, _, point)| HOWS.map(|how| (name, how, point)));
    play(cases.collect());
}

#[test]
fn a_network_that_changes_without_a_word_is_noticed_by_the_silence() {
    let mut scene = Scene::new(How::Silent);
    let mut talk = scene.talk();
    scene.change(&mut talk.agent);
    let gap = scene.back(&mut talk.agent, &talk.agent_call);
    println!("a network that changes without a word: {gap:?} ms without audio");
    scene.proof(talk);
}
