//! The phones, the PBX, the clock, and what happens next.
//!
//! A step is the earliest of: something on its way, a phone's timeout, the PBX's. Of several at one
//! time the first in this order; so a seed and a script fix every byte.

use crate::checks::{self, Invites, Supervised, Told};
use crate::disk::MessageDisk;
use crate::ladder::{self, Ladder};
use crate::media::{self, Ears, Heard, Mixer};
use crate::platform::{Platform, Pushes};
use crate::wire::{End, Parcel, Spoil, Wire};
use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use sidetone_pbx::{Generation as LegGeneration, LegId, Operator, Pbx, PbxConfig, PbxInput};
use sidetone_phone::{
    Account, AudioGate, CallId, CallSnapshot, Command, CommandError, Config, EndReason, Event,
    FlowError, FlowErrorKind, FlowId, Generation, Handover, History, Input, MediaError, MessageLog,
    Now, Phone, Saved, Secret, Snapshot, UnixTime,
};
use sidetone_sip::Deadlines;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A phone of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PhoneId(pub usize);

/// The wall clock at the beginning: 2026-01-01T00:00:00Z.
const BEGINNING: Duration = Duration::from_secs(1_767_225_600);
/// Phones that have calls are looked at this often also where nothing is done with them: their limits pass.
const LOOK: Duration = Duration::from_millis(500);
/// One way over a link that nobody spoiled.
const DELAY: Duration = Duration::from_millis(20);

/// Something on its way.
#[derive(Debug)]
pub(crate) enum Happening {
    Opened { wire: u64 },
    OpenFailed { phone: usize, flow: FlowId, kind: FlowErrorKind },
    Arrives { wire: u64, to: End, parcel: Parcel },
    Described { phone: usize, call: CallId, generation: Generation, sdp: String },
    Connected { phone: usize, call: CallId, round: u32 },
    FirstSent { phone: usize, call: CallId },
    FirstHeard { phone: usize, call: CallId },
    DtmfSent { phone: usize, call: CallId },
    TonePlayed { phone: usize, call: CallId },
    ConsentLost { phone: usize, call: CallId, leg: LegId },
    LegDescribed { leg: LegId, generation: LegGeneration, sdp: String },
    LegSilent { leg: LegId },
    Wakes { phone: usize },
    Pushed { phone: usize, payload: String },
    Audio { phone: usize },
}

/// One phone with all that its driver would keep.
#[derive(Debug)]
pub(crate) struct Handset {
    pub(crate) name: String,
    pub(crate) config: Config,
    pub(crate) phone: Option<Phone>,
    pub(crate) saved: Option<Saved>,
    pub(crate) told: Told,
    pub(crate) ears: BTreeMap<CallId, Ears>,
    pub(crate) events: Vec<Event>,
    /// The calls that are over, as the disk has them.
    pub(crate) history: History,
    pub(crate) messages: MessageDisk,
    pub(crate) reachable: bool,
    pub(crate) delay: Duration,
    pub(crate) asleep: Option<Vec<Input>>,
    /// The flows that the phone closed or was told are gone: it must not send on them.
    pub(crate) gone: BTreeSet<FlowId>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) platform: Platform,
    /// Its connections, also such as are over.
    pub(crate) wires: Vec<u64>,
}

/// The simulated world.
#[derive(Debug)]
pub struct World {
    pub(crate) now: Duration,
    pub(crate) wall: Duration,
    pub(crate) random: ChaCha12Rng,
    pub(crate) handsets: Vec<Handset>,
    pub(crate) pbx: Pbx,
    pub(crate) server_up: bool,
    /// How the push services treat what is posted.
    pub(crate) pushes: Pushes,
    /// How many pushes were delivered.
    pub(crate) delivered: usize,
    pub(crate) mixer: Mixer,
    pub(crate) wires: BTreeMap<u64, Wire>,
    pub(crate) agenda: BTreeMap<(Duration, u64), Happening>,
    pub(crate) last_number: u64,
    pub(crate) invites: [Invites; 2],
    pub(crate) ladder: Ladder,
    /// Steps, and those of them in which a phone or the PBX did something.
    steps: (u64, u64),
    /// What phones and PBX asked for.
    pub(crate) asked: u64,
    /// The phones that something was done with since the last look at them.
    touched: BTreeSet<usize>,
    /// Those that had calls at that, whose limits pass also where nothing is done.
    busy: BTreeSet<usize>,
    /// When those were looked at last.
    looked: Duration,
    /// Those that supervise, by their calls.
    pub(crate) supervised: BTreeMap<(usize, CallId), Supervised>,
    /// Those that have media.
    pub(crate) listeners: BTreeSet<usize>,
    /// When each phone wants to be woken.
    timers: Deadlines<usize>,
    /// Nothing is kept to be read later: bytes, events, ladder.
    pub(crate) forgets: bool,
}

impl World {
    /// A world with nobody in it but the PBX.
    pub fn new(config: PbxConfig, seed: u64) -> Self {
        let mut random = ChaCha12Rng::seed_from_u64(seed);
        let mut entropy = [0; 32];
        random.fill_bytes(&mut entropy);
        Self {
            now: Duration::ZERO,
            wall: BEGINNING,
            random,
            handsets: Vec::new(),
            pbx: Pbx::new(config, entropy, Duration::ZERO),
            server_up: true,
            pushes: Pushes::default(),
            delivered: 0,
            mixer: Mixer::default(),
            wires: BTreeMap::new(),
            agenda: BTreeMap::new(),
            last_number: 0,
            invites: Default::default(),
            ladder: Ladder::default(),
            steps: (0, 0),
            asked: 0,
            touched: BTreeSet::new(),
            busy: BTreeSet::new(),
            looked: Duration::ZERO,
            supervised: BTreeMap::new(),
            listeners: BTreeSet::new(),
            timers: Deadlines::default(),
            forgets: false,
        }
    }

    /// From here on nothing is kept to be read later, for worlds of thousands of phones: no bytes, no events, no
    /// ladder, no history.
    pub fn forget_all(&mut self) {
        self.forgets = true;
    }

    /// Another phone: the user's, switched on and not signed in, whose audio is its own.
    pub fn add_phone(&mut self, user: &str) -> PhoneId {
        self.add(user, |_| {})
    }

    /// Another phone, set up otherwise.
    pub fn add_phone_with(&mut self, user: &str, set_up: impl FnOnce(&mut Config)) -> PhoneId {
        self.add(user, set_up)
    }

    /// Another phone, on a platform that wakes it by push and says when audio may run.
    pub fn add_mobile_phone(&mut self, user: &str) -> PhoneId {
        self.add(user, |config| config.audio = AudioGate::Platform)
    }

    /// The same, set up otherwise.
    pub fn add_mobile_phone_with(
        &mut self,
        user: &str,
        set_up: impl FnOnce(&mut Config),
    ) -> PhoneId {
        self.add(user, |config| {
            config.audio = AudioGate::Platform;
            set_up(config);
        })
    }

    fn add(&mut self, user: &str, set_up: impl FnOnce(&mut Config)) -> PhoneId {
        let password = Secret::new(format!("secret-{user}"));
        let account = Account::new(&format!("sip:{user}@bench.test"), password);
        let server = "wss://pbx.bench.test:8089/ws".parse();
        let (Ok(account), Ok(server)) = (account, server) else {
            unreachable!("the account and server of {user} are well formed");
        };
        let instance = uuid::Uuid::from_u128(1000 + self.handsets.len() as u128);
        let mut config = Config::new(account, vec![server], instance);
        set_up(&mut config);
        self.handsets.push(Handset {
            name: user.to_owned(),
            config,
            phone: None,
            saved: None,
            told: Told::default(),
            ears: BTreeMap::new(),
            events: Vec::new(),
            history: History::default(),
            messages: MessageDisk::default(),
            reachable: true,
            delay: DELAY,
            asleep: None,
            gone: BTreeSet::new(),
            bytes: Vec::new(),
            platform: Platform::default(),
            wires: Vec::new(),
        });
        let id = PhoneId(self.handsets.len() - 1);
        self.switch_on(id);
        id
    }

    /// The phone's process starts, with what it stored last.
    pub fn switch_on(&mut self, id: PhoneId) {
        let mut entropy = [0; 32];
        self.random.fill_bytes(&mut entropy);
        let now = self.now();
        let Some(handset) = self.handsets.get_mut(id.0).filter(|h| h.phone.is_none()) else {
            return;
        };
        let mut phone = Phone::new(handset.config.clone(), handset.saved.clone(), entropy, now);
        // What was due while it was dead is due at once.
        if phone.poll_timeout().is_some_and(|(at, _)| at <= now.boot) {
            phone.handle_timeout(now);
        }
        handset.phone = Some(phone);
        handset.messages.restart(now);
        handset.told.killed();
        handset.platform.killed();
        handset.gone.clear();
        self.touched.insert(id.0);
        self.settle();
    }

    /// The phone's process dies; the system closes its connections.
    pub fn kill(&mut self, id: PhoneId) {
        let now = self.now;
        let Some(handset) = self.handsets.get_mut(id.0).filter(|h| h.phone.is_some()) else {
            return;
        };
        handset.phone = None;
        handset.asleep = None;
        let ears = std::mem::take(&mut handset.ears);
        self.listeners.remove(&id.0);
        self.touched.insert(id.0);
        self.ladder.world(&format!("{} dies", self.handsets[id.0].name), now);
        for leg in ears.into_values().filter_map(|ears| ears.leg) {
            self.plan(media::RTP_TIMEOUT, Happening::LegSilent { leg });
        }
        let open = self.wires.iter().filter(|(_, wire)| wire.phone == id.0 && wire.phone_open);
        for wire in open.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.close(wire, End::Phone);
        }
        self.settle();
    }

    /// The user of a phone asks something.
    ///
    /// # Errors
    /// The phone refuses it.
    pub fn command(&mut self, id: PhoneId, command: Command) -> Result<(), CommandError> {
        let (now, text) = (self.now(), ladder::command_text(&command));
        let Some(handset) = self.handsets.get_mut(id.0) else { return Ok(()) };
        let Some(phone) = handset.phone.as_mut().filter(|_| handset.asleep.is_none()) else {
            return Ok(());
        };
        self.ladder.command(&handset.name, &text, now.boot);
        let control =
            if let Command::Control { control, .. } = &command { Some(*control) } else { None };
        let wants_audio = matches!(command, Command::Answer { .. } | Command::Dial { .. });
        let done = phone.command(command.clone(), now);
        if done.is_ok() {
            control.into_iter().for_each(|control| handset.told.controls(control));
        }
        self.touched.insert(id.0);
        if done.is_ok() {
            self.supervises(id.0, &command);
        }
        if wants_audio && done.is_ok() {
            self.plan_audio(id.0);
        }
        self.settle();
        done
    }

    /// Someone at the switch interferes.
    pub fn operate(&mut self, operator: Operator) {
        self.ladder.world(&ladder::operator_text(operator), self.now);
        self.pbx.handle(PbxInput::Operator(operator), self.now);
        self.settle();
    }

    /// The right to go outside is taken from a user, or given back to him; his phones are told, or not.
    pub fn keep_inside(&mut self, user: &str, on: bool, told: bool) {
        let what = if on { "takes the right to call outside from" } else { "lets call outside:" };
        self.ladder.world(&format!("the site {what} {user}"), self.now);
        let user = user.to_owned();
        self.pbx.handle(PbxInput::KeepInside { user, on, told }, self.now);
        self.settle();
    }

    /// Dials for a phone under a fresh id.
    pub fn dial(&mut self, id: PhoneId, to: &str) -> Result<CallId, CommandError> {
        let call = CallId(uuid::Uuid::from_u128(u128::from(self.random.next_u64())));
        self.command(id, Command::Dial { call, to: to.to_owned() })?;
        Ok(call)
    }

    /// Spoils or heals the connections that a phone has now.
    pub fn spoil(&mut self, id: PhoneId, spoil: Spoil) {
        self.ladder.world(&format!("{}: {spoil:?}", self.handsets[id.0].name), self.now);
        let own = self.wires.iter_mut().filter(|(_, wire)| wire.phone == id.0);
        let own = own.filter(|(_, wire)| wire.spoil != Spoil::BlackHole);
        let mut held = Vec::new();
        for (number, wire) in own {
            wire.spoil = spoil;
            if spoil == Spoil::Clean {
                held.extend(wire.take_held().into_iter().map(|(to, parcel)| (*number, to, parcel)));
            }
        }
        for (wire, to, parcel) in held {
            self.send(wire, to, parcel);
        }
    }

    /// The network takes a phone's connections down, and both ends are told.
    pub fn reset(&mut self, id: PhoneId) {
        self.ladder.world(&format!("{}: connection reset", self.handsets[id.0].name), self.now);
        let own = self.wires.iter().filter(|(_, wire)| wire.phone == id.0);
        for wire in own.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.plan(
                Duration::ZERO,
                Happening::Arrives { wire, to: End::Phone, parcel: Parcel::Close },
            );
            self.plan(
                Duration::ZERO,
                Happening::Arrives { wire, to: End::Pbx, parcel: Parcel::Close },
            );
        }
    }

    /// Whether new connections of a phone come about.
    pub fn set_reachable(&mut self, id: PhoneId, reachable: bool) {
        self.handsets[id.0].reachable = reachable;
    }

    /// Whether the server takes connections; when it goes down it forgets everything.
    pub fn set_server_up(&mut self, up: bool) {
        if self.server_up && !up {
            self.operate(Operator::Restart);
        }
        self.server_up = up;
    }

    /// One way of a phone's connections from here on.
    pub fn set_delay(&mut self, id: PhoneId, delay: Duration) {
        self.handsets[id.0].delay = delay;
        self.wires.values_mut().filter(|w| w.phone == id.0).for_each(|wire| wire.delay = delay);
    }

    /// The platform tells a phone that its network changed.
    pub fn change_network(&mut self, id: PhoneId, handover: Handover) {
        let how = match handover {
            Handover::MakeBeforeBreak => "another network, beside the old one",
            Handover::BreakBeforeMake => "another network",
        };
        self.ladder.world(&format!("{}: {how}", self.handsets[id.0].name), self.now);
        self.tell(id.0, Input::NetworkChanged(handover));
        self.settle();
    }

    /// The phone is suspended: what happens waits for it.
    pub fn suspend(&mut self, id: PhoneId, time: Duration) {
        let Some(handset) = self.handsets.get_mut(id.0) else { return };
        if handset.asleep.is_none() && handset.phone.is_some() {
            handset.asleep = Some(Vec::new());
            self.touched.insert(id.0);
            self.note_timer(id.0);
            self.ladder.world(&format!("{} sleeps", self.handsets[id.0].name), self.now);
            self.plan(time, Happening::Wakes { phone: id.0 });
        }
    }

    /// The wall clock is set; nothing else notices.
    pub fn jump_wall_clock(&mut self, to: Duration) {
        self.wall = to;
    }

    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        let mut at_one_time = 0;
        while let Some((at, who)) = self.next() {
            if at > until {
                break;
            }
            at_one_time = if at > self.now { 0 } else { at_one_time + 1 };
            self.ensure(at_one_time < 10_000, "the world does not get on");
            self.wall += at.saturating_sub(self.now);
            self.now = at.max(self.now);
            self.step(who);
        }
        self.wall += until.saturating_sub(self.now);
        self.now = until;
    }

    /// Lets time pass until something is so, at most for a minute.
    pub fn run_until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let limit = self.now + Duration::from_secs(60);
        while !is_so(self) {
            self.ensure(self.now < limit, what);
            self.run_for(Duration::from_millis(10));
        }
    }

    /// What a phone shows; `None` while it is off.
    pub fn snapshot(&self, id: PhoneId) -> Option<Snapshot> {
        Some(self.handsets.get(id.0)?.phone.as_ref()?.snapshot())
    }

    /// The calls that a phone shows.
    pub fn calls(&self, id: PhoneId) -> Vec<CallSnapshot> {
        self.snapshot(id).map(|snapshot| snapshot.calls).unwrap_or_default()
    }

    /// All that a phone told its user.
    pub fn events(&self, id: PhoneId) -> &[Event] {
        &self.handsets[id.0].events
    }

    /// Why the calls of a phone ended, in the order of their ends.
    pub fn end_reasons(&self, id: PhoneId) -> Vec<EndReason> {
        let reason = |event: &Event| {
            if let Event::Ended { reason, .. } = event { Some(reason.clone()) } else { None }
        };
        self.events(id).iter().filter_map(reason).collect()
    }

    /// The calls of a phone that are over, as its disk has them.
    pub fn history(&self, id: PhoneId) -> &History {
        &self.handsets[id.0].history
    }

    /// The messages of a phone, as its disk has them.
    pub fn messages(&self, id: PhoneId) -> &MessageLog {
        self.handsets[id.0].messages.log()
    }

    /// All bytes that a phone sent.
    pub fn bytes(&self, id: PhoneId) -> &[u8] {
        &self.handsets[id.0].bytes
    }

    /// The PBX, to look at.
    pub fn pbx(&self) -> &Pbx {
        &self.pbx
    }

    /// Whether a call's phone would hear the other phone's voice, and so on.
    pub fn hears(&self, id: PhoneId, call: CallId) -> Option<Heard> {
        let ears = self.handsets[id.0].ears.get(&call)?;
        let hears = ears.connected && ears.downlink;
        self.mixer.heard_by(ears.leg?).filter(|_| hears)
    }

    /// Whether a call's phone sends its user's voice.
    pub fn speaks(&self, id: PhoneId, call: CallId) -> bool {
        let ears = self.handsets[id.0].ears.get(&call);
        ears.is_some_and(|ears| ears.connected && ears.uplink)
    }

    /// The SIP ladder.
    pub fn ladder(&mut self) -> &mut Ladder {
        &mut self.ladder
    }

    /// The same, to be read alone.
    pub fn ladder_text(&self) -> &str {
        self.ladder.text()
    }

    /// How much time has passed.
    pub fn time(&self) -> Duration {
        self.now
    }

    /// How many steps there were, and in how many of them a phone or the PBX did something.
    pub fn steps(&self) -> (u64, u64) {
        self.steps
    }

    /// Nothing is left of any call: neither at the phones nor at the PBX.
    pub fn assert_quiet(&self) {
        for handset in &self.handsets {
            let calls = handset.phone.as_ref().map_or(0, |phone| phone.snapshot().calls.len());
            self.ensure(calls == 0, &format!("{} still has {calls} calls", handset.name));
            let controls = handset.told.under_way();
            self.ensure(controls == 0, &format!("{} still waits for a code", handset.name));
            let ears = handset.ears.len();
            self.ensure(ears == 0, &format!("{} still has media", handset.name));
            let timer = handset.phone.as_ref().and_then(Phone::poll_timeout);
            let late = timer.is_some_and(|(at, _)| at < self.now);
            self.ensure(!late, &format!("{} missed {timer:?}", handset.name));
        }
        let legs = self.pbx.legs();
        self.ensure(legs.is_empty(), &format!("the PBX still has {legs:?}"));
        self.ensure(self.mixer.is_empty(), "the PBX still has media");
    }

    pub(crate) fn now(&self) -> Now {
        Now { boot: self.now, wall: UnixTime(self.wall) }
    }

    pub(crate) fn plan(&mut self, after: Duration, happening: Happening) {
        self.last_number += 1;
        self.agenda.insert((self.now + after, self.last_number), happening);
    }

    /// The next step: `None` for the agenda, a phone, or the PBX one past the last phone.
    fn next(&self) -> Option<(Duration, Option<usize>)> {
        let agenda = self.agenda.keys().next().map(|(at, _)| (*at, None));
        let phone = self.timers.next().map(|(at, index)| (at, Some(*index)));
        let pbx = self.pbx.poll_timeout().map(|at| (at, Some(self.handsets.len())));
        agenda.into_iter().chain(phone).chain(pbx).min()
    }

    fn step(&mut self, who: Option<usize>) {
        let (now, asked) = (self.now(), self.asked);
        match who {
            None => {
                if let Some((_, happening)) = self.agenda.pop_first() {
                    self.happen(happening);
                }
            }
            Some(index) => match self.handsets.get_mut(index).and_then(|h| h.phone.as_mut()) {
                Some(phone) => {
                    phone.handle_timeout(now);
                    self.touched.insert(index);
                }
                None => self.pbx.handle_timeout(self.now),
            },
        }
        self.settle();
        self.steps.0 += 1;
        self.steps.1 += u64::from(self.asked > asked);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Opened { wire } => self.opened(wire),
            Happening::OpenFailed { phone, flow, kind } => {
                let error = FlowError { kind, detail: "in the simulated world".to_owned() };
                self.tell(phone, Input::FlowFailed { flow, error });
            }
            Happening::Arrives { wire, to, parcel } => self.arrive(wire, to, parcel),
            Happening::Described { phone, call, generation, sdp } => {
                self.tell(phone, Input::Described { call, generation, result: Ok(sdp) });
            }
            Happening::Connected { phone, call, round } => {
                let now = self.now;
                let ears = self.handsets[phone].ears.get_mut(&call);
                if let Some(ears) = ears.filter(|ears| !ears.connected && ears.round == round) {
                    ears.connected = true;
                    let left = ears.left.take();
                    self.tell(phone, Input::MediaConnected { call });
                    if let Some(left) = left.filter(|_| self.hears(PhoneId(phone), call).is_some())
                    {
                        self.tell(phone, Input::MediaResumed { call, gap: now - left });
                    }
                    self.listen(phone, call);
                }
            }
            Happening::FirstSent { phone, call } => {
                self.tell_of_media(phone, call, Input::FirstSent { call });
            }
            Happening::FirstHeard { phone, call } => {
                self.tell_of_media(phone, call, Input::FirstHeard { call });
            }
            Happening::TonePlayed { phone, call } => {
                self.tell_of_media(phone, call, Input::TonePlayed { call });
            }
            Happening::DtmfSent { phone, call } => {
                self.tell_of_media(phone, call, Input::DtmfSent { call });
            }
            Happening::ConsentLost { phone, call, leg } => {
                let at = self.handsets[phone].ears.get(&call).and_then(|ears| ears.leg);
                if at == Some(leg) {
                    self.tell(phone, Input::MediaFailed { call, error: MediaError::NoPath });
                }
            }
            Happening::LegDescribed { leg, generation, sdp } => {
                let described = PbxInput::Described { leg, generation, result: Ok(sdp) };
                self.pbx.handle(described, self.now);
            }
            Happening::Pushed { phone, payload } => self.pushed(phone, &payload),
            Happening::Audio { phone } => self.adjust_audio(phone),
            Happening::LegSilent { leg } => self.pbx.handle(PbxInput::MediaLost { leg }, self.now),
            Happening::Wakes { phone } => self.wakes(phone),
        }
    }

    pub(crate) fn wakes(&mut self, phone: usize) {
        let now = self.now();
        let Some(missed) = self.handsets[phone].asleep.take() else { return };
        self.handsets[phone].told.woke(self.now);
        self.touched.insert(phone);
        self.ladder.world(&format!("{} wakes", self.handsets[phone].name), self.now);
        if let Some(phone) = &mut self.handsets[phone].phone {
            phone.handle_timeout(now);
        }
        self.drain(phone);
        for input in missed {
            self.tell(phone, input);
        }
        self.adjust_audio(phone);
    }

    fn opened(&mut self, number: u64) {
        let Some(wire) = self.wires.get_mut(&number) else { return };
        let (phone, flow) = (wire.phone, wire.flow);
        if !wire.phone_open {
            self.wires.remove(&number);
            return;
        }
        wire.pbx_open = true;
        let [.., high, low] = (phone as u32 + 20).to_be_bytes();
        let peer = ([198, 18, high, low], 40000_u16.wrapping_add(number as u16)).into();
        self.pbx.handle(PbxInput::FlowOpened { flow: FlowId(number), peer }, self.now);
        self.tell(phone, Input::FlowOpened { flow });
    }

    fn arrive(&mut self, number: u64, to: End, parcel: Parcel) {
        let Some(wire) = self.wires.get_mut(&number) else { return };
        let (phone, flow) = (wire.phone, wire.flow);
        let is_open = match to {
            End::Phone => wire.phone_open,
            End::Pbx => wire.pbx_open,
        };
        match (to, parcel) {
            _ if !is_open => {}
            (End::Phone, Parcel::Frame(bytes)) => {
                self.invites[0].came(&bytes);
                self.tell(phone, Input::Received { flow, bytes });
            }
            (End::Pbx, Parcel::Frame(bytes)) => {
                self.invites[1].came(&bytes);
                self.pbx.handle(PbxInput::Received { flow: FlowId(number), bytes }, self.now);
            }
            (End::Pbx, Parcel::Ping) => self.send(number, End::Phone, Parcel::Pong),
            (End::Phone, Parcel::Pong) => self.tell(phone, Input::ProbeAnswered { flow }),
            (End::Phone, Parcel::Ping) | (End::Pbx, Parcel::Pong) => {}
            (End::Phone, Parcel::Close) => {
                wire.phone_open = false;
                let kind = FlowErrorKind::Lost;
                let error = FlowError { kind, detail: "closed".to_owned() };
                self.tell(phone, Input::FlowFailed { flow, error });
            }
            (End::Pbx, Parcel::Close) => {
                wire.pbx_open = false;
                self.pbx.handle(PbxInput::FlowClosed { flow: FlowId(number) }, self.now);
            }
        }
        if self.wires.get(&number).is_some_and(|wire| !wire.phone_open && !wire.pbx_open) {
            self.wires.remove(&number);
            self.handsets[phone].wires.retain(|of| *of != number);
        }
    }

    pub(crate) fn send(&mut self, number: u64, to: End, parcel: Parcel) {
        let Some(wire) = self.wires.get_mut(&number) else { return };
        if let Some((at, to, parcel)) = wire.send(to, parcel, self.now) {
            self.plan(at - self.now, Happening::Arrives { wire: number, to, parcel });
        }
    }

    /// One end closes; the other hears of it where the link carries that.
    pub(crate) fn close(&mut self, number: u64, end: End) {
        let Some(wire) = self.wires.get_mut(&number) else { return };
        match end {
            End::Phone => wire.phone_open = false,
            End::Pbx => wire.pbx_open = false,
        }
        self.send(number, end.other(), Parcel::Close);
    }

    /// Hands an input to a phone, or keeps it while the phone sleeps.
    pub(crate) fn tell(&mut self, index: usize, input: Input) {
        let now = self.now();
        self.touched.insert(index);
        let handset = &mut self.handsets[index];
        match (&mut handset.asleep, &mut handset.phone) {
            (Some(inbox), Some(_)) => inbox.push(input),
            (None, Some(phone)) => {
                if let Input::FlowFailed { flow, .. } = &input {
                    handset.gone.insert(*flow);
                }
                phone.handle(input, now);
            }
            (_, None) => {}
        }
        self.drain(index);
    }

    /// The same, of media that may have been released meanwhile.
    fn tell_of_media(&mut self, index: usize, call: CallId, input: Input) {
        if self.handsets[index].ears.contains_key(&call) {
            self.tell(index, input);
        }
    }

    pub(crate) fn settle(&mut self) {
        loop {
            // A phone that nothing was done with asks for nothing.
            for index in self.touched.iter().copied().collect::<Vec<_>>() {
                self.drain(index);
            }
            let Some(output) = self.pbx.poll_output() else { break };
            self.carry_out_for_pbx(output);
        }
        self.check();
    }

    /// Notes when a phone wants to be woken.
    fn note_timer(&mut self, index: usize) {
        let Some(handset) = self.handsets.get(index) else { return };
        let phone = handset.phone.as_ref().filter(|_| handset.asleep.is_none());
        self.timers.set(index, phone.and_then(Phone::poll_timeout).map(|(at, _)| at));
    }

    fn drain(&mut self, index: usize) {
        while let Some(output) =
            self.handsets[index].phone.as_mut().and_then(|phone| phone.poll_output())
        {
            self.look_for(index, &output);
            let told = self.handsets[index].told.output(&output);
            if let Err(what) = told {
                self.fail(&format!("{}: {what}", self.handsets[index].name));
            }
            self.carry_out(index, output);
        }
    }

    fn check(&mut self) {
        if let Err(what) = self.pbx.check_invariants() {
            self.fail(&format!("the PBX: {what}"));
        }
        self.check_microphones();
        let mut touched = std::mem::take(&mut self.touched);
        touched.iter().for_each(|index| self.note_timer(*index));
        if self.now.saturating_sub(self.looked) >= LOOK {
            self.looked = self.now;
            touched.extend(&self.busy);
        }
        for index in touched {
            let Some(handset) = self.handsets.get_mut(index) else { continue };
            // What a phone that sleeps shows is not looked at.
            let Some(phone) = handset.phone.as_ref().filter(|_| handset.asleep.is_none()) else {
                continue;
            };
            let snapshot = phone.snapshot();
            if snapshot.calls.is_empty() {
                self.busy.remove(&index);
            } else {
                self.busy.insert(index);
            }
            let checked = handset
                .told
                .snapshot(&snapshot, self.now)
                .and_then(|()| handset.platform.snapshot(&snapshot, self.now))
                .and_then(|()| {
                    let ears = |call| handset.ears.get(&call);
                    let ways = |call| ears(call).map(|ears| (ears.uplink, ears.downlink));
                    checks::one_talks(&snapshot.calls, |call| ways(call).unwrap_or_default())
                });
            if let Err(what) = checked {
                let name = handset.name.clone();
                self.fail(&format!("{name}: {what}"));
            }
        }
    }

    pub(crate) fn ensure(&self, is_so: bool, what: &str) {
        if !is_so {
            self.fail(what);
        }
    }

    /// Ends the run with the ladder that led here.
    #[track_caller]
    pub(crate) fn fail(&self, what: &str) -> ! {
        let lines: Vec<&str> = self.ladder.text().lines().collect();
        let last = lines[lines.len().saturating_sub(80)..].join("\n");
        panic!("at {:?}: {what}\n{last}\n", self.now)
    }
}
