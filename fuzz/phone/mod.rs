//! One phone, to which any bytes say what happens: the user's commands, the server's messages, flows, media, pushes, time,
//! restarts; and what holds whatever they say.
//!
//! A letter names what happens, and those behind it how; other bytes name something too. `Cda` dials, `A1` has the server
//! answer. The first byte chooses a configuration.
//!
//! | module | owns |
//! |---|---|
//! | [`tape`] | the bytes, read as choices |
//! | [`server`] | the server's requests and answers |
//! | [`happenings`] | what each letter stands for |

mod happenings;
mod server;
mod tape;

use server::Server;
use sidetone_phone::{
    Account, AnswerMode, AudioGate, CallId, CallState, Command, Config, EarlyMedia, Event, FlowId,
    Generation, Input, Now, Output, Phone, PushProvider, PushToken, ReferPolicy, Saved, Secret,
    UnixTime, announce,
};
use sidetone_sip::{HeaderName, Message, Method, Response};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use tape::Tape;

const PASSWORD: &str = "geheim";
/// More things than a minute of calls brings; what comes after them is not read.
const STEPS: usize = 200;
/// How long all of it may last.
const LONGEST: Duration = Duration::from_secs(2_000);
/// More than any one thing makes the phone say or want.
const MANY: usize = 5_000;
/// As many calls as a phone has at a time.
const MOST_CALLS: usize = 8;

/// Plays it all, and lets everything come to its end.
pub(crate) fn play(bytes: &[u8]) {
    let mut tape = Tape::new(bytes);
    let mut world = World::new(tape.number());
    for _ in 0..STEPS {
        if !world.step(&mut tape) {
            break;
        }
        world.check();
    }
    world.end();
}

struct World {
    phone: Phone,
    config: Config,
    saved: Option<Saved>,
    boot: Duration,
    left: Duration,
    /// How far the wall clock is ahead of what it was.
    jumped: Duration,
    server: Server,
    /// The last flow, and all that are open.
    flow: FlowId,
    open: BTreeSet<FlowId>,
    /// Flows open and descriptions are made as soon as they are asked for, and REGISTER is granted.
    obliging: bool,
    descriptions: VecDeque<(CallId, Generation)>,
    /// The calls that have begun and not ended, as the app was told.
    live: BTreeSet<CallId>,
    /// Calls may end that did not begin here: a push was late, or the process is a new one.
    excused: bool,
    /// Those that have not let go of their media, and those that have any.
    kept: BTreeSet<CallId>,
    described: BTreeSet<CallId>,
    /// Those that the microphone is heard in.
    heard: BTreeSet<CallId>,
    /// The final response to each INVITE, by its branch.
    finals: BTreeMap<String, u16>,
    steps: u32,
}

impl World {
    fn new(choice: usize) -> Self {
        let account =
            Account::new("sip:agent1@pbx.example", Secret::new(PASSWORD)).expect("an account");
        let servers = ["wss://a.pbx.example/ws", "wss://b.pbx.example/ws"];
        let servers = servers.map(|server| server.parse().expect("a server"));
        let mut config = Config::new(account, servers.to_vec(), uuid::Uuid::from_u128(7));
        let bit = |n: usize| choice >> n & 1 == 1;
        config.audio = if bit(1) { AudioGate::Platform } else { AudioGate::Open };
        config.early = if bit(2) { EarlyMedia::Always } else { EarlyMedia::WhereHeard };
        config.answer_mode = if bit(3) { AnswerMode::Auto } else { AnswerMode::Asked };
        config.refer_policy = if bit(4) { ReferPolicy::Refuse } else { ReferPolicy::Follow };
        config.push = bit(5).then(token);
        (config.queues, config.recordings, config.voicemail) = (!bit(6), !bit(6), bit(6));
        config.features = bit(7);
        let boot = Duration::from_secs(1_000);
        let now = Now { boot, wall: UnixTime(boot) };
        let mut world = Self {
            phone: Phone::new(config.clone(), None, [9; 32], now),
            config,
            saved: None,
            boot,
            left: LONGEST,
            jumped: Duration::ZERO,
            server: Server::default(),
            flow: FlowId(0),
            open: BTreeSet::new(),
            obliging: !bit(0),
            descriptions: VecDeque::new(),
            live: BTreeSet::new(),
            excused: false,
            kept: BTreeSet::new(),
            described: BTreeSet::new(),
            heard: BTreeSet::new(),
            finals: BTreeMap::new(),
            steps: 0,
        };
        world.drain();
        world.command(Command::Register);
        world
    }

    fn now(&self) -> Now {
        Now { boot: self.boot, wall: UnixTime(self.boot + self.jumped) }
    }

    /// A refusal is an answer too.
    fn command(&mut self, command: Command) {
        let _ = self.phone.command(command, self.now());
        self.drain();
    }

    fn handle(&mut self, input: Input) {
        self.phone.handle(input, self.now());
        self.drain();
    }

    fn receive(&mut self, message: impl Into<Message>) {
        let bytes = message.into().to_bytes();
        self.handle(Input::Received { flow: self.flow, bytes });
    }

    fn announce(&mut self, payload: &[u8]) {
        let announcement = announce(payload, self.now()).announcement;
        // A push that comes again, or late, is told its end by itself.
        self.excused = true;
        self.handle(Input::Announced(announcement));
    }

    /// The process dies and begins anew, with what it had saved.
    fn restart(&mut self) {
        self.phone =
            Phone::new(self.config.clone(), self.saved.clone(), [self.steps as u8; 32], self.now());
        (self.live, self.kept, self.described, self.heard) = Default::default();
        self.descriptions.clear();
        self.open.clear();
        self.excused = true;
        self.drain();
        self.command(Command::Register);
    }

    /// Lets time pass, each deadline at its time.
    fn advance(&mut self, time: Duration) {
        let until = self.boot + time;
        let mut count = 0;
        while let Some((at, why)) = self.phone.poll_timeout().filter(|(at, _)| *at <= until) {
            self.boot = self.boot.max(at);
            self.phone.handle_timeout(self.now());
            self.drain();
            count += 1;
            assert!(count < MANY, "a timer that never ends: {why:?}");
        }
        self.boot = until;
    }

    /// Carries out what the phone asks for, as far as it is obliged to, and looks at all of it.
    fn drain(&mut self) {
        let mut count = 0;
        let mut wishes = VecDeque::new();
        loop {
            while let Some(output) = self.phone.poll_output() {
                count += 1;
                assert!(count < MANY, "no end of {output:?}");
                self.take(output, &mut wishes);
            }
            let Some(input) = wishes.pop_front() else { break };
            self.phone.handle(input, self.now());
        }
        let seen: BTreeSet<_> = self.phone.snapshot().calls.iter().map(|call| call.id).collect();
        assert_eq!(seen, self.live, "what is shown is what has begun and not ended");
    }

    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "what is not looked at is for the driver alone"
    )]
    fn take(&mut self, output: Output, wishes: &mut VecDeque<Input>) {
        match output {
            Output::OpenFlow { flow, .. } => {
                self.flow = flow;
                self.open.insert(flow);
                if self.obliging {
                    wishes.push_back(Input::FlowOpened { flow });
                }
            }
            Output::CloseFlow { flow } => _ = self.open.remove(&flow),
            Output::Transmit { flow, bytes } => {
                assert!(self.open.contains(&flow), "sent on a flow that is not there");
                wishes.extend(self.sent(flow, &bytes));
            }
            Output::Describe { call, generation, .. } => {
                self.described.insert(call);
                self.descriptions.push_back((call, generation));
                if self.obliging {
                    wishes.extend(self.describe(0));
                }
            }
            Output::ReleaseMedia { call } => {
                assert!(self.kept.remove(&call) || self.excused, "its media is released twice");
                self.described.remove(&call);
                self.heard.remove(&call);
            }
            Output::SetUplink { call, open, muted } => {
                assert!(self.described.contains(&call), "a way from the microphone to no media");
                self.heard.remove(&call);
                self.heard.extend((open && !muted).then_some(call));
            }
            Output::Save(saved) => self.saved = Some(saved),
            Output::Event(event) => self.told(&event),
            _ => {}
        }
    }

    fn describe(&mut self, kind: usize) -> Option<Input> {
        let (call, generation) = self.descriptions.pop_front()?;
        let result = match kind % 8 {
            7 => Err(sidetone_phone::MediaError::NoPath),
            6 => Err(sidetone_phone::MediaError::NotAcceptable("no audio".to_owned())),
            kind => Ok(server::description(kind)),
        };
        Some(Input::Described { call, generation, result })
    }

    /// What goes to the server can be read there, and holds no secret; what an obliging one says to it at once.
    fn sent(&mut self, flow: FlowId, bytes: &[u8]) -> Option<Input> {
        let holds = bytes.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes());
        assert!(!holds, "the password is sent");
        let message = Message::parse(bytes).expect("what is sent can be read");
        if let Message::Response(response) = &message {
            self.sent_response(response);
        }
        let register = match &message {
            Message::Request(request) if request.method == Method::Register => {
                Some(request.clone())
            }
            Message::Request(_) | Message::Response(_) => None,
        };
        self.server.heard(message);
        let granted = register.filter(|_| self.obliging);
        granted.map(|register| Input::Received {
            flow,
            bytes: self.server.answer(&register, 200, 0).to_bytes(),
        })
    }

    fn sent_response(&mut self, response: &Response) {
        let code = response.status.code();
        let is_invite = response.headers.cseq().is_ok_and(|cseq| cseq.method == Method::Invite);
        let Ok(via) = response.headers.via() else { return };
        let Some(branch) = via.branch().filter(|_| is_invite && code >= 200) else { return };
        // One that names no branch, or another's, may be answered as what it is.
        if let Some(own) = branch.strip_prefix("z9hG4bKs").filter(|own| own.parse::<u32>().is_ok())
        {
            let first = *self.finals.entry(own.to_owned()).or_insert(code);
            assert_eq!(first, code, "an INVITE has one final response");
        }
        assert!(response.headers.get(&HeaderName::TO).is_some());
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "of the others none begins or ends a call")]
    fn told(&mut self, event: &Event) {
        match event {
            Event::Incoming { call, .. }
            | Event::Announced { call, .. }
            | Event::Dialing { call, .. } => {
                self.begun(*call);
            }
            Event::Referred { new, .. } => self.begun(*new),
            Event::Ended { call, .. } => {
                assert!(self.live.remove(call) || self.excused, "an end without a beginning");
            }
            _ => {}
        }
    }

    fn begun(&mut self, call: CallId) {
        self.live.insert(call);
        self.kept.insert(call);
    }

    /// What holds between any two things.
    fn check(&self) {
        let calls = self.phone.snapshot().calls;
        assert!(calls.len() <= MOST_CALLS, "too many calls");
        let talks: Vec<_> = calls.iter().filter(|call| call.active && !call.merged).collect();
        assert!(talks.len() <= 1, "several calls have the microphone: {talks:?}");
        for call in calls.iter().filter(|call| self.heard.contains(&call.id)) {
            let is_up = call.answered.is_some() && call.state != CallState::Ending;
            assert!(is_up, "{:?}, and the microphone is heard", call.state);
            assert!(!call.muted, "muted, and the microphone is heard");
            let speaks = call.supervision.as_ref().is_none_or(|it| it.speaks);
            assert!(speaks, "he only listens, and the microphone is heard");
        }
    }

    /// The user ends all, the server is gone: nothing is left over, and nothing wakes the phone any more.
    fn end(&mut self) {
        self.obliging = false;
        let calls: Vec<_> = self.live.iter().copied().collect();
        for call in calls {
            self.command(Command::HangUp { call });
        }
        self.command(Command::Unregister);
        self.advance(Duration::from_secs(2_000));
        assert!(self.live.is_empty(), "left over: {:?}", self.live);
        assert!(self.kept.is_empty(), "media left over: {:?}", self.kept);
        assert_eq!(
            self.phone.poll_timeout(),
            None,
            "the phone is signed out, and wants to be woken"
        );
    }
}

fn token() -> PushToken {
    PushToken {
        provider: PushProvider::Fcm,
        param: "project-1".to_owned(),
        prid: "device-1".to_owned(),
    }
}

fn call_id(number: usize) -> CallId {
    CallId(uuid::Uuid::from_u128(number as u128))
}
