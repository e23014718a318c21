//! Walks at random over all that may happen, bent bytes included: nothing panics, each call ends
//! once, each INVITE gets one final response, timers come to rest.

use super::*;
use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};

const WALKS: u64 = 2_000;
const STEPS: usize = 60;

/// A walker: the world, what was said in it so far, and what must hold.
struct Walk {
    world: World,
    rng: ChaCha12Rng,
    /// Calls that began and have not ended.
    live: BTreeSet<CallId>,
    released: BTreeSet<CallId>,
    ids: Vec<CallId>,
    asked: Vec<(CallId, Generation)>,
    /// Requests of the phone, and requests and bytes that it was sent.
    ours: Vec<Request>,
    theirs: Vec<Request>,
    heard: Vec<Vec<u8>>,
    /// The To fields of the phone's answers, by Call-ID.
    tags: BTreeMap<String, String>,
    /// How often each INVITE came, by branch, and the final responses that it got.
    invites: BTreeMap<String, (usize, BTreeSet<Vec<u8>>)>,
    serial: u128,
    bytes: Vec<u8>,
    /// The states in which calls were seen.
    states: BTreeSet<CallState>,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let world = match seed % 4 {
            0 => World::new(),
            1 => World::with(two_servers(), None),
            _ => World::registered(),
        };
        Self {
            world,
            rng: ChaCha12Rng::seed_from_u64(seed),
            live: BTreeSet::new(),
            released: BTreeSet::new(),
            ids: vec![call_id(1 << 64)],
            asked: vec![],
            ours: vec![],
            theirs: vec![],
            heard: vec![],
            tags: BTreeMap::new(),
            invites: BTreeMap::new(),
            serial: 0,
            bytes: vec![],
            states: BTreeSet::new(),
        }
    }

    fn below(&mut self, end: usize) -> usize {
        self.rng.next_u32() as usize % end.max(1)
    }

    fn any<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        // What is new is more likely to matter.
        let last = from.len().min(4);
        let recent = self.below(3) > 0;
        let at = if recent { from.len() - last + self.below(last) } else { self.below(from.len()) };
        from.get(at).cloned()
    }

    fn call(&mut self) -> CallId {
        let ids = self.ids.clone();
        self.any(&ids).unwrap()
    }

    fn fresh(&mut self) -> CallId {
        self.serial += 1;
        let id = call_id(self.serial);
        self.ids.push(id);
        id
    }

    fn step(&mut self) {
        match self.below(24) {
            0..5 => self.command(),
            5 | 6 => self.flow(),
            7..11 => self.media(),
            11..15 => self.answer_request(),
            15 | 16 => self.invite(),
            17..20 => self.follow_up(),
            20 => self.replay(),
            21 => self.bend(),
            22 if self.below(8) == 0 => self.restart(),
            _ => self.wait(),
        }
        self.check();
    }

    fn command(&mut self) {
        let (call, on) = (self.call(), self.below(2) == 0);
        let command = match self.below(14) {
            0 | 1 => Command::Register,
            2 if self.below(4) == 0 => Command::Unregister,
            2..5 => {
                let to = ["200", "sip:b@c;x=1?y=z", "<sip:q@r>", "\r\n", "a b"][self.below(5)];
                Command::Dial { call: self.fresh(), to: to.to_owned() }
            }
            5..8 => Command::Answer { call },
            8 if on => Command::Decline { call, reason: DeclineReason::Decline },
            8 | 9 => Command::HangUp { call },
            10 | 11 => Command::Hold { call, on },
            12 => Command::Mute { call, on },
            _ => Command::SendDtmf { call, digits: Digits::new("1#").unwrap() },
        };
        let _ = self.world.command(command);
    }

    fn flow(&mut self) {
        let kinds = [FlowErrorKind::Lost, FlowErrorKind::CertificateName, FlowErrorKind::TimedOut];
        match self.below(6) {
            0 => self.world.handle(Input::NetworkChanged(Handover::BreakBeforeMake)),
            1 => self.world.lose_flow(kinds[self.serial as usize % 3]),
            2 => self.world.handle(Input::ProbeAnswered { flow: self.world.flow }),
            _ => {
                let opens = |o: &Output| matches!(o, Output::OpenFlow { .. });
                if let Some(Output::OpenFlow { flow, .. }) = self.world.take(opens) {
                    self.world.flow = flow;
                    self.world.handle(Input::FlowOpened { flow });
                }
            }
        }
    }

    fn media(&mut self) {
        let call = self.call();
        let input = match self.below(12) {
            0..6 => {
                let asked = self.asked.clone();
                let Some((call, generation)) = self.any(&asked) else { return };
                let error = MediaError::NotAcceptable("no".to_owned());
                let result = if self.below(6) == 0 { Err(error) } else { Ok(sdp("sendrecv")) };
                Input::Described { call, generation, result }
            }
            6..8 => Input::MediaConnected { call },
            8 => Input::MediaFailed { call, error: MediaError::NoPath },
            9 => Input::FirstSent { call },
            10 => Input::FirstHeard { call },
            _ => Input::DtmfSent { call },
        };
        self.world.handle(input);
    }

    /// The server answers a request of the phone, rightly or not.
    fn answer_request(&mut self) {
        let ours = self.ours.clone();
        let Some(request) = self.any(&ours) else { return };
        let codes =
            [100, 180, 183, 200, 200, 200, 200, 401, 407, 423, 481, 486, 487, 491, 500, 503, 302];
        let code = StatusCode::new(codes[self.below(codes.len())]).unwrap();
        let tag = ["a", "a", "a", "b"][self.below(4)];
        let mut response = request.response(code, Some(tag));
        if matches!(code.code(), 401 | 407) {
            let name = if code.code() == 401 {
                HeaderName::WWW_AUTHENTICATE
            } else {
                HeaderName::PROXY_AUTHENTICATE
            };
            let (nonce, stale) = (self.below(5), self.below(2) == 0);
            response.headers.push(
                name,
                format!("Digest realm=\"r\",nonce=\"{nonce}\",qop=\"auth\",stale={stale}"),
            );
        }
        if self.below(8) > 0 {
            response.headers.push(HeaderName::CONTACT, "<sip:pbx@192.0.2.1;transport=ws>");
        }
        response.headers.push(HeaderName::RETRY_AFTER, "3");
        if request.method == Method::Invite && self.below(4) > 0 {
            let direction = ["sendrecv", "recvonly", "inactive"][self.below(3)];
            response.set_body("application/sdp", sdp(direction).into_bytes());
        }
        self.hear(Message::from(response).to_bytes());
    }

    fn invite(&mut self) {
        let id = self.fresh();
        let mut invite = self.world.invite(id);
        if self.below(4) == 0 {
            invite.body.clear();
        }
        self.say(invite);
    }

    /// The server goes on with what it said, or with a call of the phone's.
    fn follow_up(&mut self) {
        let (theirs, ours) = (self.theirs.clone(), self.ours.clone());
        let invites: Vec<_> =
            theirs.iter().filter(|r| r.method == Method::Invite).cloned().collect();
        let methods = [
            Method::Ack,
            Method::Ack,
            Method::Bye,
            Method::Invite,
            Method::Invite,
            Method::Cancel,
            Method::Info,
            Method::Options,
        ];
        let method = methods[self.below(methods.len())].clone();
        let back = self.below(3) == 0;
        let mut request = if back {
            let ours: Vec<_> = ours.into_iter().filter(|r| r.method == Method::Invite).collect();
            let Some(invite) = self.any(&ours) else { return };
            self.world.back(&invite, "a", method.clone())
        } else {
            let Some(invite) = self.any(&invites) else { return };
            if method == Method::Cancel {
                return self.say(sidetone_sip::dialog::cancel(&invite));
            }
            let to = self.tags.get(&invite.headers.call_id().unwrap()).cloned();
            let unknown = "<sip:agent1@pbx.example>;tag=x".to_owned();
            self.world.inside(&invite, &to.unwrap_or(unknown), method.clone())
        };
        if matches!(method, Method::Invite | Method::Ack) && self.below(3) > 0 {
            let direction = ["sendrecv", "sendonly", "inactive"][self.below(3)];
            request.set_body("application/sdp", sdp(direction).into_bytes());
        }
        self.say(request);
    }

    fn replay(&mut self) {
        let heard = self.heard.clone();
        if let Some(bytes) = self.any(&heard) {
            self.hear(bytes);
        }
    }

    fn bend(&mut self) {
        let heard = self.heard.clone();
        let Some(mut bytes) = self.any(&heard).filter(|bytes| !bytes.is_empty()) else { return };
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(4) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes.truncate(at.max(1)),
                2 => bytes.insert(at, b"\r\n\t\0\xff\";,<>@"[self.below(11)]),
                _ => {
                    let (from, to) = (self.below(bytes.len()), self.below(bytes.len()));
                    let part = bytes[from.min(to)..from.max(to)].to_vec();
                    bytes.splice(at..at, part);
                }
            }
        }
        self.hear(bytes);
    }

    fn wait(&mut self) {
        let due = self.world.phone.poll_timeout().map(|(at, _)| at);
        match self.below(8) {
            0 => self.world.advance(SECOND / 10),
            1 => self.world.advance(40 * SECOND),
            // Asleep: every deadline is late.
            2 => {
                self.world.boot += Duration::from_secs(3 * 3600);
                self.fire();
            }
            _ => {
                self.world.boot = due.unwrap_or(self.world.boot).max(self.world.boot);
                self.fire();
            }
        }
    }

    /// The process is killed and begins anew with what was saved.
    fn restart(&mut self) {
        let (saved, now) = (self.world.saved.clone(), self.world.now());
        let mut entropy = [0; 32];
        self.rng.fill_bytes(&mut entropy);
        self.world.phone = Phone::new(two_servers(), saved, entropy, now);
        self.released.append(&mut self.live);
        self.asked.clear();
        self.world.outputs.clear();
        let _ = self.world.command(Command::Register);
    }

    fn fire(&mut self) {
        for _ in 0..64 {
            let due = |(at, _): &(Duration, TimerReason)| *at <= self.world.boot;
            if self.world.phone.poll_timeout().filter(due).is_none() {
                return;
            }
            self.world.phone.handle_timeout(self.world.now());
            self.world.drain();
        }
        panic!("a deadline stays due: {:?}", self.world.phone.poll_timeout());
    }

    fn say(&mut self, request: Request) {
        self.theirs.push(request.clone());
        self.hear(Message::from(request).to_bytes());
    }

    fn hear(&mut self, bytes: Vec<u8>) {
        self.heard.push(bytes.clone());
        if let Ok(Message::Request(request)) = Message::parse(&bytes) {
            let branch = request.headers.via().ok().and_then(|v| v.branch().map(str::to_owned));
            if request.method == Method::Invite {
                self.invites.entry(branch.unwrap_or_default()).or_default().0 += 1;
            }
        }
        self.world.receive_bytes(bytes);
    }

    fn check(&mut self) {
        for message in std::mem::take(&mut self.world.sent) {
            self.bytes.extend(message.to_bytes());
            match message {
                Message::Request(request) if request.method == Method::Ack => {}
                Message::Request(request) => self.ours.push(request),
                Message::Response(response) => self.check_response(&response),
            }
        }
        for event in std::mem::take(&mut self.world.events) {
            self.check_event(&event);
        }
        for output in &self.world.outputs {
            if let Output::Describe { call, generation, .. } = output {
                assert!(!self.released.contains(call), "{output:?} after its end");
                self.asked.push((*call, *generation));
            }
            if let Output::ReleaseMedia { call } = output {
                assert!(self.released.insert(*call), "released twice");
            }
        }
        self.world.outputs.retain(|o| matches!(o, Output::OpenFlow { .. }));
        let calls = self.world.phone.snapshot().calls;
        self.states.extend(calls.iter().map(|call| call.state));
        let shown: BTreeSet<_> = calls.iter().map(|call| call.id).collect();
        assert_eq!(shown, self.live, "the snapshot is the truth");
    }

    fn check_response(&mut self, response: &Response) {
        let Ok(cseq) = response.headers.cseq() else { return };
        let opens = cseq.method == Method::Invite && response.status.is_final();
        let to = response.headers.get(&HeaderName::TO).filter(|_| opens);
        if let (Ok(id), Some(to)) = (response.headers.call_id(), to) {
            self.tags.insert(id, to.into_owned());
        }
        // What cannot be read is refused outside every transaction.
        let transaction = ![400, 505, 513].contains(&response.status.code());
        let transaction = transaction && response.status.is_final();
        if cseq.method == Method::Invite && transaction {
            let via = response.headers.via().ok();
            let branch = via.and_then(|via| via.branch().map(str::to_owned)).unwrap_or_default();
            let (came, finals) = self.invites.entry(branch).or_default();
            finals.insert(Message::from(response.clone()).to_bytes());
            let all = || finals.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            assert!(finals.len() <= *came, "{came} INVITEs, {:#?}", all().collect::<Vec<_>>());
        }
    }

    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "only a call's beginning and end are looked at"
    )]
    fn check_event(&mut self, event: &Event) {
        match event {
            Event::Incoming { call, .. } | Event::Dialing { call, .. } => {
                // An INVITE that is replayed after its call may begin it anew.
                self.released.remove(call);
                self.ids.push(*call);
                assert!(self.live.insert(*call), "{event:?} twice");
            }
            // Of a call of the process before.
            Event::Ended { reason: EndReason::Restarted, .. } => {}
            Event::Ended { call, .. } => {
                assert!(self.live.remove(call), "{event:?} of no call");
            }
            _ => {}
        }
    }

    /// Signs out and lets all timers run: nothing is left.
    fn come_to_rest(&mut self) {
        let _ = self.world.command(Command::Unregister);
        self.check();
        let mut steps = 0;
        while let Some((at, _)) = self.world.phone.poll_timeout() {
            self.world.boot = self.world.boot.max(at);
            self.fire();
            self.check();
            steps += 1;
            assert!(steps < 1_000, "the timers do not rest: {at:?}");
        }
        assert!(self.live.is_empty(), "calls go on after signing out");
        let debug = format!("{:?}", self.world.phone);
        assert!(debug.contains(" sent: {},"), "requests are remembered for ever");
    }
}

fn two_servers() -> Config {
    let mut config = config();
    config.servers.push("wss://other.example".parse().unwrap());
    config
}

fn walk(seed: u64) -> Walk {
    let mut walk = Walk::new(seed);
    for _ in 0..STEPS {
        walk.step();
    }
    walk.come_to_rest();
    walk
}

#[test]
fn walks_at_random_break_nothing_and_come_to_rest() {
    let mut states = BTreeSet::new();
    for seed in 0..WALKS {
        let done = std::panic::catch_unwind(|| walk(seed));
        let Ok(walk) = done else { panic!("seed {seed}") };
        states.extend(walk.states);
    }
    assert_eq!(states.len(), 7, "only seen: {states:?}");
}

#[test]
fn the_same_walk_gives_the_same_bytes() {
    for seed in 0..50 {
        assert_eq!(walk(seed).bytes, walk(seed).bytes, "seed {seed}");
    }
}

#[test]
fn a_phone_that_nobody_answers_wakes_seldom() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    let until = world.boot + Duration::from_secs(24 * 3600);
    let mut wakes = 0;
    while let Some((at, _)) = world.phone.poll_timeout().filter(|(at, _)| *at < until) {
        world.boot = world.boot.max(at);
        world.phone.handle_timeout(world.now());
        world.drain();
        wakes += 1;
    }
    // An attempt to connect and the end of it, each hundred seconds or so.
    assert!(wakes < 2 * 24 * 36 + 60, "{wakes}");
    assert!(wakes > 24 * 60 / 2, "{wakes}");
}
