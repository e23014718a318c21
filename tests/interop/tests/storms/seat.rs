//! An agent at his phone, in a network of his own: plays one call after the other, and holds after each what the
//! phone shows against what the server has.

use crate::plan::{Deed, Kind, Moment, Plan};
use serde_json::{Value, json};
use sidetone_interop::bench::Bench;
use sidetone_interop::customer::Customer;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::roam::{Roam, Trouble};
use sidetone_interop::tones::{Tone, Voice};
use sidetone_interop::view::{Contact, View, Watch};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// How long a call rings before the agent answers.
const RINGS: Duration = Duration::from_millis(400);
/// Two back-offs of the longest in the first minutes, connections that are lost between them, and what follows.
const BOUND: Duration = Duration::from_secs(60);
/// How long everything may take to end once all have hung up.
const END: Duration = Duration::from_secs(60);
/// The customer's first port.
const PORTS: u16 = 5080;

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Played {
    /// A call stood when phone and server were one again.
    pub(crate) goes_on: bool,
    /// They were, so long after the end of the trouble.
    pub(crate) one_after: Duration,
    /// How the phone says its calls ended.
    pub(crate) ends: Vec<String>,
}

/// The agent.
pub(crate) struct Seat<'a> {
    bench: &'a Bench,
    watch: &'a Watch,
    number: usize,
    user: String,
    /// What the customer dials: a queue, or the agent himself.
    dials: String,
    roam: Roam,
    phone: Phone,
    memory: Vec<f64>,
}

/// What is to be done at a time of a call.
#[derive(Debug, Clone)]
enum Act {
    Answer(String),
    Begin,
    End,
    HangUp,
    Hold(bool),
    Tell,
}

impl<'a> Seat<'a> {
    /// Signs in. Half of the agents are called through queues, half directly.
    pub(crate) fn new(bench: &'a Bench, watch: &'a Watch, number: usize) -> Self {
        let (user, dials) = match number {
            1..=4 => (format!("agent{number}"), format!("180{number}")),
            _ => (format!("colleague{}", number - 4), format!("200{}", number - 4)),
        };
        let roam = Roam::new(number);
        let phone = Self::start(bench, &roam, &user);
        Self { bench, watch, number, user, dials, roam, phone, memory: Vec::new() }
    }

    fn start(bench: &Bench, roam: &Roam, user: &str) -> Phone {
        let [tone] = Tone::draw();
        let mut phone = Phone::start_deaf(user, &roam.setup(bench, user), &Voice::steady(tone));
        phone.wait_lamp("registered", PATIENCE);
        phone
    }

    /// Leaves; the phone's memory after each call.
    pub(crate) fn leave(mut self) -> Vec<f64> {
        self.impair(&["off".to_owned()]);
        assert_eq!(self.phone.leave(), 0, "{} ends well", self.user);
        self.memory
    }

    /// Plays one call. What fails is told with the phone's story, and the agent takes another phone.
    pub(crate) fn play(&mut self, plan: &Plan) -> Result<Played, String> {
        self.phone.turn_the_page();
        self.impair(&plan.impairment());
        let trouble = match plan.kind {
            Kind::Silence => Trouble::Silence,
            Kind::Reset => Trouble::Reset,
            Kind::Dead => Trouble::Dead(self.roam.ports(self.phone.id())),
        };
        let mut scene =
            Scene { trouble, is_on: false, seen: 0, acts: Vec::new(), live: BTreeSet::new() };
        // What panics is one call's failure, not that of all.
        let played = catch_unwind(AssertUnwindSafe(|| self.scene(plan, &mut scene)));
        if scene.is_on {
            self.roam.end(&scene.trouble);
        }
        match played {
            Ok(Ok(played)) => {
                self.memory.push(self.phone.memory());
                Ok(played)
            }
            failed => {
                let why = match failed {
                    Ok(Err(why)) => why,
                    _ => "it panicked".to_owned(),
                };
                let view = View::of(self.bench);
                let channels: Vec<_> = view.about(&self.user, &self.dials).cloned().collect();
                let contacts = view.contacts(&self.user);
                let story = format!(
                    "{why}\nserver: {channels:#?}, contacts {contacts:?}\n{}",
                    self.phone.story()
                );
                for channel in channels {
                    self.bench.asterisk(&format!("channel request hangup {}", channel.name));
                }
                self.impair(&["off".to_owned()]);
                self.phone.kill();
                self.phone = Self::start(self.bench, &self.roam, &self.user);
                self.memory.clear();
                Err(story)
            }
        }
    }

    fn scene(&mut self, plan: &Plan, scene: &mut Scene) -> Result<Played, String> {
        let customer_talks = match (plan.deed, plan.moment) {
            // From the answer on, which a queue gives at once.
            (Deed::CustomerHangsUp(share), Moment::Talking(after)) => {
                RINGS + after + plan.length * share / 100 + Duration::from_secs(1)
            }
            (Deed::CustomerHangsUp(share), _) => {
                RINGS + plan.length * share / 100 + Duration::from_secs(1)
            }
            _ => Duration::from_secs(600),
        };
        let [tone] = Tone::draw();
        let (voice, port) = (Voice::steady(tone).as_argument(), PORTS + self.number as u16);
        let mut customer = Customer::call(self.bench, &self.dials, port, &voice, customer_talks);
        let Some(call) = self.rings(&mut customer) else {
            // The server had closed the connection: its INVITE found nobody.
            let told = |state: &str| self.phone.told().any(|event| event["state"] == state);
            if !told("unreachable") {
                return Err("it does not ring".to_owned());
            }
            self.end(scene, &mut customer)?;
            let ends = vec!["nobody was there".to_owned()];
            return Ok(Played { goes_on: false, one_after: Duration::ZERO, ends });
        };
        scene.seen = self.phone.told().count();
        scene.live.insert(call.clone());
        let rang = Instant::now();
        let ended = self.run(plan, scene, rang, call)?;
        let (one_after, goes_on) = self.one(scene, ended)?;
        self.end(scene, &mut customer)?;
        let ends = self.phone.told().filter(|event| event["event"] == "ended");
        let ends: Vec<String> =
            ends.map(|e| e["reason"].as_str().unwrap_or_default().to_owned()).collect();
        let rings = self.phone.count("incoming");
        if ends.len() != rings {
            return Err(format!("{rings} calls rang, and {} ended", ends.len()));
        }
        Ok(Played { goes_on, one_after, ends })
    }

    /// The call that rings, unless the customer is sent away before.
    fn rings(&mut self, customer: &mut Customer) -> Option<String> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline && customer.ended().is_none() {
            self.phone.listen(Duration::from_millis(20));
            if let Some(ringing) = self.phone.told().find(|event| event["event"] == "incoming") {
                return ringing["call"].as_str().map(str::to_owned);
            }
        }
        None
    }

    /// From the first ring to the end of the trouble, whose time it gives.
    fn run(
        &mut self,
        plan: &Plan,
        scene: &mut Scene,
        rang: Instant,
        call: String,
    ) -> Result<Instant, String> {
        let begin = match plan.moment {
            Moment::Ringing(after) => {
                // Answered in the trouble, as late as a queue lets it ring.
                let wait = (plan.length / 2).min(Duration::from_secs(8));
                scene.at(rang + after + wait, Act::Answer(call));
                rang + after
            }
            Moment::Answering(after) => {
                scene.at(rang + RINGS, Act::Answer(call));
                rang + RINGS + after
            }
            Moment::Talking(after) => {
                self.phone.listen(RINGS);
                self.phone.send(json!({ "command": "answer", "call": call }));
                // A handshake whose messages are lost waits a second, then two, then four.
                // A customer may be gone by then.
                let stands = self.phone.wait("that it stands", Duration::from_secs(30), |event| {
                    let is = |name: &str| event["event"] == name;
                    (is("established") || is("ended")) && event["call"] == call.as_str()
                });
                if stands["event"] == "ended" && !matches!(plan.deed, Deed::CustomerHangsUp(_)) {
                    return Err(format!("the call did not come about: {stands}"));
                }
                Instant::now() + after
            }
        };
        scene.at(begin, Act::Begin);
        scene.at(begin + plan.length, Act::End);
        let share = |share: u32| begin + plan.length * share / 100;
        match plan.deed {
            Deed::None | Deed::CustomerHangsUp(_) => {}
            Deed::AgentHangsUp(at) => scene.at(share(at), Act::HangUp),
            Deed::AgentHolds(at) => scene.at(share(at), Act::Hold(true)),
            Deed::AgentHoldsAndResumes(at) => {
                scene.at(share(at), Act::Hold(true));
                scene.at(share(at + 8), Act::Hold(false));
            }
        }
        if plan.told {
            scene.at(begin + plan.length + Duration::from_millis(300), Act::Tell);
        }
        let mut ended = Instant::now();
        while !scene.acts.is_empty() {
            ended = self.pump(scene, Duration::from_millis(20)).unwrap_or(ended);
        }
        Ok(ended)
    }

    /// Lets time pass, answers what rings, and does what is due; the time at which the trouble ended, where it did.
    fn pump(&mut self, scene: &mut Scene, time: Duration) -> Option<Instant> {
        self.phone.listen(time);
        let told: Vec<Value> = self.phone.told().skip(scene.seen).cloned().collect();
        scene.seen += told.len();
        for event in told {
            let call = event["call"].as_str().unwrap_or_default().to_owned();
            if event["event"] == "incoming" {
                scene.live.insert(call.clone());
                scene.at(Instant::now() + RINGS, Act::Answer(call));
            } else if event["event"] == "ended" {
                scene.live.remove(&call);
            }
        }
        let mut ended = None;
        let now = Instant::now();
        let (due, later) =
            std::mem::take(&mut scene.acts).into_iter().partition(|(at, _)| *at <= now);
        scene.acts = later;
        for (_, act) in due {
            match act {
                // It may have ended meanwhile: a refusal is as good.
                Act::Answer(call) => self.phone.send(json!({ "command": "answer", "call": call })),
                Act::Begin => {
                    self.roam.begin(&scene.trouble);
                    scene.is_on = true;
                }
                Act::End => {
                    self.roam.end(&scene.trouble);
                    scene.is_on = false;
                    ended = Some(Instant::now());
                }
                Act::HangUp => self.each(scene, "hangup", &json!({})),
                Act::Hold(on) => self.each(scene, "hold", &json!({ "on": on })),
                Act::Tell => self
                    .phone
                    .send(json!({ "command": "network_changed", "make_before_break": false })),
            }
        }
        ended
    }

    fn each(&mut self, scene: &Scene, command: &str, more: &Value) {
        for call in &scene.live {
            self.phone.say(command, call, more.clone());
        }
    }

    /// Waits until phone and server have the same calls, and audio flows in those that talk; for how long, and
    /// whether there is a call.
    fn one(&mut self, scene: &mut Scene, ended: Instant) -> Result<(Duration, bool), String> {
        let mut before: Option<(Look, Instant)> = None;
        let mut first_one = None;
        loop {
            self.pump(scene, Duration::from_millis(250));
            let view = self.watch.last();
            let is_new = before.as_ref().is_none_or(|(_, at)| view.at > *at);
            if is_new && view.at > ended {
                let look = Look::of(&self.phone.snapshot(), &view, self);
                let why = look.differs(before.as_ref().map(|(look, _)| look));
                if why.is_none() {
                    let since = *first_one.get_or_insert(view.at);
                    // Once may be chance.
                    if view.at > since {
                        return Ok((since - ended, !look.phone.is_empty()));
                    }
                } else {
                    first_one = None;
                }
                if ended.elapsed() > BOUND {
                    return Err(format!(
                        "not one within {BOUND:?}: {}\n{look:#?}",
                        why.unwrap_or("only just")
                    ));
                }
                before = Some((look, view.at));
            }
        }
    }

    /// All hang up: nothing is left, here or there.
    fn end(&mut self, scene: &mut Scene, customer: &mut Customer) -> Result<(), String> {
        let began = Instant::now();
        loop {
            self.pump(scene, Duration::from_millis(500));
            let snapshot = self.phone.snapshot();
            let calls = snapshot["calls"].as_array().cloned().unwrap_or_default();
            for call in &calls {
                // One that rings is answered first: a queue rings for ever who declines.
                if ["answered", "established"].map(Value::from).contains(&call["state"]) {
                    self.phone.send(json!({ "command": "hangup", "call": call["call"] }));
                }
            }
            let calls = calls.len();
            let view = self.watch.last();
            let left: Vec<_> = view.about(&self.user, &self.dials).collect();
            let status = customer.ended();
            if view.at > began && left.is_empty() && calls == 0 && status.is_some() {
                let through_queue = self.number <= 4;
                if through_queue && status.is_some_and(|status| !status.success()) {
                    return Err("the customer was answered, and did not end as agreed".to_owned());
                }
                return Ok(());
            }
            if began.elapsed() > END {
                return Err(format!(
                    "stuck: the phone has {calls} calls, the server {left:?}, the customer {status:?}"
                ));
            }
        }
    }

    fn impair(&self, what: &[String]) {
        let place = format!("roam{}", self.number);
        let mut arguments = vec!["impair"];
        arguments.extend(what.iter().map(String::as_str));
        arguments.push(&place);
        self.bench.run(&arguments);
    }
}

/// A call under way.
struct Scene {
    trouble: Trouble,
    /// The trouble is there.
    is_on: bool,
    /// As many of the phone's events were looked at.
    seen: usize,
    acts: Vec<(Instant, Act)>,
    /// The calls that have not ended.
    live: BTreeSet<String>,
}

impl Scene {
    fn at(&mut self, at: Instant, act: Act) {
        self.acts.push((at, act));
    }
}

/// What phone and server have at a moment.
#[derive(Debug)]
struct Look {
    lamp: String,
    /// Whether each call is answered, as the phone shows it; whether it is held here.
    phone: Vec<(bool, bool)>,
    /// The same, as the server does.
    server: Vec<bool>,
    contacts: Vec<Contact>,
    several_devices: bool,
    ports: Vec<String>,
    /// Packets received, there and here.
    received: (u64, u64),
    /// What the phone hears, dBFS.
    level: f64,
}

impl Look {
    fn of(snapshot: &Value, view: &View, seat: &Seat<'_>) -> Self {
        let calls = snapshot["calls"].as_array().cloned().unwrap_or_default();
        let phone = calls.iter().map(|call| {
            (
                ["answered", "established"].map(Into::into).contains(&call["state"]),
                call["local"] == true,
            )
        });
        let channels: Vec<_> = view.phone(&seat.user).collect();
        let there = channels.iter().filter_map(|channel| view.received(channel)).sum();
        let quality = seat.phone.told().filter(|event| event["event"] == "quality").last();
        let figure = |name: &str| quality.and_then(|event| event[name].as_f64());
        Self {
            lamp: snapshot["state"].as_str().unwrap_or_default().to_owned(),
            phone: phone.collect(),
            server: channels.iter().map(|channel| channel.state == "Up").collect(),
            contacts: view.contacts(&seat.user).into_iter().cloned().collect(),
            several_devices: seat.user == "agent4",
            ports: seat.roam.ports(seat.phone.id()),
            received: (there, figure("packets_received").unwrap_or_default() as u64),
            level: figure("level_heard_dbfs").unwrap_or(-100.0),
        }
    }

    /// Why they are not one yet.
    fn differs(&self, before: Option<&Self>) -> Option<&'static str> {
        let mut answered: Vec<bool> = self.phone.iter().map(|(answered, _)| *answered).collect();
        let mut up = self.server.clone();
        answered.sort_unstable();
        up.sort_unstable();
        let [port] = &self.ports[..] else { return Some("not one connection") };
        let ours = format!(":{port}");
        let mut ours = self.contacts.iter().filter(|contact| contact.uri.contains(&ours));
        let (Some(contact), None) = (ours.next(), ours.next()) else {
            return Some("the phone's connection is not its one contact");
        };
        // It is alive and registered, and stays so until the server's next question is answered.
        if contact.status == "Unavail" {
            return Some("the server does not ring the phone");
        }
        // Who may have several devices keeps a dead one until the server's TCP gives it up.
        if self.contacts.len() > 1 && !self.several_devices {
            return Some("not one contact");
        }
        if self.lamp != "registered" {
            return Some("not registered");
        }
        if answered != up {
            return Some("other calls");
        }
        let talks = self.phone.iter().any(|(answered, held)| *answered && !held);
        let Some(before) = before.filter(|_| talks) else {
            return talks.then_some("not looked at twice");
        };
        if self.received.0 <= before.received.0 {
            return Some("nothing comes there");
        }
        if self.received.1 <= before.received.1 {
            return Some("nothing comes here");
        }
        (self.level < -30.0).then_some("the customer is not heard")
    }
}
