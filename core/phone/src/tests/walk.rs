//! Walks at random: whatever happens in whatever order, each INVITE gets one final response, each
//! call one end, and nothing is left over.

use super::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::RwLock;

/// A generator that needs no quality (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    /// An index of one of these, mostly the last.
    fn recent(&mut self, length: usize) -> usize {
        if self.below(4) == 0 { self.below(length) } else { length - 1 }
    }
}

/// Every transition that acts, as the log of the call machine names it.
const ACTING: &str = "
    Ringing: Answer Decline HangUp Described NotDescribed MediaConnected MediaFailed Cancel Bye
        Reinvite Update Deadline FlowLost
    Answering: Decline HangUp Described NotDescribed MediaConnected MediaFailed Cancel Bye Reinvite
        FlowLost
    Dialing: HangUp Described NotDescribed MediaConnected MediaFailed Provisional Accepted Refused
        Unanswered
    Alerting: HangUp MediaConnected MediaFailed Provisional Accepted Refused Unanswered Deadline
    Answered: HangUp Hold Described NotDescribed MediaConnected MediaFailed ChangeAnswered
        ChangeUnanswered ChangeLost Cancel Ack Unacknowledged Bye Reinvite Update Deadline
    Established: HangUp Hold Described NotDescribed MediaConnected MediaFailed ChangeAnswered
        ChangeUnanswered ChangeLost Cancel Ack Unacknowledged Bye Reinvite Update
    Ending: Provisional Accepted Refused Unanswered ChangeAnswered Ack Unacknowledged Bye Reinvite
        ByeDone ByeLost Deadline FlowUp
";

/// Collects the transitions from the log.
struct Taken(RwLock<BTreeSet<String>>);

static TAKEN: Taken = Taken(RwLock::new(BTreeSet::new()));

impl log::Log for Taken {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().ends_with("call::state")
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = record.args().to_string();
        if let Some((_, transition)) =
            line.split_once(": ").filter(|_| self.enabled(record.metadata()))
        {
            self.0.write().unwrap().insert(transition.to_owned());
        }
    }

    fn flush(&self) {}
}

/// An INVITE of the server: when it was sent first, and the To of what it got.
#[derive(Clone)]
struct Invited {
    invite: Request,
    at: Duration,
    to: Option<String>,
}

/// What the walk saw, and the server's side of it.
#[derive(Default)]
struct Seen {
    /// The final responses to each INVITE of the server, by branch.
    finals: BTreeMap<String, Vec<u16>>,
    began: BTreeMap<CallId, usize>,
    ended: BTreeMap<CallId, usize>,
    released: BTreeMap<CallId, usize>,
    invites: Vec<Invited>,
    requests: Vec<Request>,
    descriptions: Vec<(CallId, Generation)>,
    /// Nothing happens to the flow: no response can be lost with it.
    steady: bool,
    /// Probes go unanswered.
    mute: bool,
    /// A flow was lost: a response may have been lost with it.
    lost: bool,
}

impl Seen {
    fn note(&mut self, world: &mut World) {
        while let Some(message) = world.sent.pop_front() {
            match message {
                Message::Request(request) if request.method == Method::Ack => {}
                Message::Request(request) => self.requests.push(request),
                Message::Response(response) => self.note_response(&response),
            }
        }
        for event in world.events.drain(..) {
            if let Event::Incoming { call, .. } | Event::Dialing { call, .. } = event {
                *self.began.entry(call).or_default() += 1;
            } else if let Event::Ended { call, .. } = event {
                *self.ended.entry(call).or_default() += 1;
            }
        }
        for output in world.outputs.drain(..) {
            if let Output::Describe { call, generation, .. } = output {
                self.descriptions.push((call, generation));
            } else if let Output::ReleaseMedia { call } = output {
                *self.released.entry(call).or_default() += 1;
            } else if let Output::OpenFlow { flow, .. } = output {
                self.lost = true;
                world.flow = flow;
            } else if let Output::CloseFlow { .. } = output {
                self.lost = true;
            }
        }
    }

    fn note_response(&mut self, response: &Response) {
        let branch = response.headers.via().unwrap().branch().unwrap().to_owned();
        let code = response.status.code();
        if response.headers.cseq().unwrap().method != Method::Invite {
            return;
        }
        let to = response.headers.get(&HeaderName::TO).unwrap().into_owned();
        let of_branch =
            |i: &&mut Invited| i.invite.headers.via().unwrap().branch() == Some(&branch);
        if let Some(invited) = self.invites.iter_mut().find(of_branch) {
            invited.to = Some(to);
        }
        if code >= 200 {
            self.finals.entry(branch).or_default().push(code);
        }
    }
}

/// A quarter of the walks each begin idle, in a call that was made, in one that came in and talks,
/// in one that came in and waits for its media.
fn start(seed: u64, seen: &mut Seen) -> World {
    let id = call_id(1);
    let (world, invite, to) = match seed % 4 {
        0 => return World::registered(),
        1 => {
            seen.began.insert(id, 1);
            return World::talking_out(id).0;
        }
        2 => World::talking_in(id),
        _ => World::answered_in(id),
    };
    seen.began.insert(id, 1);
    let branch = invite.headers.via().unwrap().branch().unwrap().to_owned();
    seen.finals.insert(branch, vec![200]);
    seen.invites.push(Invited { invite, at: world.boot, to: Some(to) });
    world
}

fn step(world: &mut World, seen: &mut Seen, dice: &mut Dice, number: u128) {
    let calls = world.phone.snapshot().calls;
    let call = match calls.len() {
        0 => call_id(number),
        many => calls[dice.recent(many)].id,
    };
    let flow = world.flow;
    match dice.below(27) {
        0 | 1 => {
            let mut invite = world.invite(call_id(number));
            if dice.below(4) == 0 {
                invite.body.clear();
            }
            seen.invites.push(Invited { invite: invite.clone(), at: world.boot, to: None });
            world.receive(invite);
        }
        2 => _ = world.command(Command::Dial { call: call_id(number), to: "200".to_owned() }),
        3 | 4 => _ = world.command(Command::Answer { call }),
        5 => {
            let reason = DeclineReason::Decline;
            _ = world.command(Command::Decline { call, reason });
        }
        6 => _ = world.command(Command::HangUp { call }),
        7 | 8 => _ = world.command(Command::Hold { call, on: dice.below(2) == 0 }),
        9 => _ = world.command(Command::Mute { call, on: dice.below(2) == 0 }),
        10..=12 => {
            if let Some((call, generation)) = seen.descriptions.pop() {
                let result = match dice.below(6) {
                    0 => Err(MediaError::NoPath),
                    _ => Ok(sdp("sendrecv")),
                };
                world.handle(Input::Described { call, generation, result });
            }
        }
        13 | 14 => world.handle(Input::MediaConnected { call }),
        15 if dice.below(4) == 0 => {
            world.handle(Input::MediaFailed { call, error: MediaError::NoPath });
        }
        15 => world.handle(Input::FirstHeard { call }),
        16 | 17 | 25 => {
            // The server's part of a call of its own: CANCEL, ACK, BYE, a change, or all again.
            if seen.invites.is_empty() {
                return;
            }
            let at = dice.recent(seen.invites.len());
            let Invited { invite, at, to } = seen.invites[at].clone();
            match (dice.below(9), to) {
                (0 | 7, _) => world.receive(sidetone_sip::dialog::cancel(&invite)),
                // A retransmission comes while the transaction lives.
                (1, _) if world.boot < at + SECOND * 30 => world.receive(invite),
                (1, _) => {}
                (2..=5, Some(to)) => {
                    let ack = world.inside(&invite, &to, Method::Ack);
                    world.receive(ack);
                }
                (6, Some(to)) => {
                    let bye = world.inside(&invite, &to, Method::Bye);
                    world.receive(bye);
                }
                (_, Some(to)) => {
                    if dice.below(3) == 0 {
                        let mut update = world.inside(&invite, &to, Method::Update);
                        if dice.below(2) == 0 {
                            update.set_body("application/sdp", sdp("sendrecv").into_bytes());
                        }
                        return world.receive(update);
                    }
                    let mut change = world.inside(&invite, &to, Method::Invite);
                    let direction = ["sendrecv", "sendonly", "inactive"][dice.below(3)];
                    change.set_body("application/sdp", sdp(direction).into_bytes());
                    let (invite, at) = (change.clone(), world.boot);
                    seen.invites.push(Invited { invite, at, to: Some(to) });
                    world.receive(change);
                }
                (_, None) => {}
            }
        }
        18..=21 => {
            // The server's answer to any request that it ever got.
            if seen.requests.is_empty() {
                return;
            }
            let at = dice.recent(seen.requests.len());
            let request = seen.requests[at].clone();
            let codes = [100, 180, 183, 200, 200, 200, 401, 486, 487, 491, 481, 500];
            let code = codes[dice.below(codes.len())];
            if code == 401 {
                world.challenge_to(&request, &format!("n{number}"), dice.below(2) == 0);
            } else if request.method == Method::Invite {
                let body = if code == 183 || code == 200 { sdp("sendrecv") } else { String::new() };
                world.reply_sdp(&request, code, ["bob", "eve"][dice.below(2)], &body);
            } else {
                world.reply(&request, code);
            }
        }
        22 | 24 if seen.steady => {}
        22 => match dice.below(3) {
            0 => {
                seen.lost = true;
                world.lose_flow(FlowErrorKind::Lost);
            }
            1 => world.handle(Input::NetworkChanged(Handover::BreakBeforeMake)),
            _ => seen.mute = !seen.mute,
        },
        23 => world.handle(Input::FlowOpened { flow }),
        24 => {
            let leave = dice.below(8) == 0;
            _ = world.command(if leave { Command::Unregister } else { Command::Register });
        }
        _ => {
            let millis = [1, 20, 500, 4000, 33_000, 170_000][dice.below(6)];
            world.advance_noting(Duration::from_millis(millis), seen);
        }
    }
}

impl World {
    /// Lets time pass while flows open as soon as they are asked for.
    fn advance_noting(&mut self, time: Duration, seen: &mut Seen) {
        let until = self.boot + time;
        let mut steps = 0;
        while let Some((at, reason)) = self.phone.poll_timeout().filter(|(at, _)| *at <= until) {
            self.boot = self.boot.max(at);
            self.phone.handle_timeout(self.now());
            self.drain();
            let probed = self.outputs.iter().any(|o| matches!(o, Output::Probe { .. }));
            if probed && !seen.mute {
                self.handle(Input::ProbeAnswered { flow: self.flow });
            }
            seen.note(self);
            steps += 1;
            assert!(steps < 10_000, "a timer that never ends: {reason:?}");
        }
        self.boot = until;
    }
}

#[test]
fn at_random_each_invite_gets_one_final_response_and_each_call_one_end() {
    log::set_logger(&TAKEN).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    for seed in 1..=2000_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut seen = Seen { steady: seed % 8 < 4, ..Seen::default() };
        let mut world = start(seed, &mut seen);
        for number in 0..60 {
            step(&mut world, &mut seen, &mut dice, 1000 + number);
            seen.note(&mut world);
        }
        // Nothing more happens: everything ends by itself but what talks.
        world.advance_noting(SECOND * 400, &mut seen);
        for call in world.phone.snapshot().calls {
            assert_eq!(call.state, CallState::Established, "seed {seed}");
            world.command(Command::HangUp { call: call.id }).unwrap();
        }
        seen.note(&mut world);
        world.advance_noting(SECOND * 100, &mut seen);
        assert!(world.phone.snapshot().calls.is_empty(), "seed {seed}");
        assert_eq!(seen.ended, seen.began, "seed {seed}: one end for each call");
        assert_eq!(seen.released, seen.began, "seed {seed}: one release for each call");
        for Invited { invite, to, .. } in seen.invites.iter().filter(|_| !seen.lost) {
            let branch = invite.headers.via().unwrap().branch().unwrap().to_owned();
            assert!(to.is_none() || seen.finals.contains_key(&branch), "seed {seed} {branch}");
        }
        for (branch, codes) in &seen.finals {
            assert!(codes.iter().all(|code| *code == codes[0]), "seed {seed} {branch}: {codes:?}");
        }
    }
    let taken = TAKEN.0.read().unwrap();
    let mut state = "";
    let mut acting = Vec::new();
    for word in ACTING.split_whitespace() {
        match word.strip_suffix(':') {
            Some(name) => state = name,
            None => acting.push(format!("{state} takes {word}")),
        }
    }
    let missed: Vec<_> = acting.iter().filter(|transition| !taken.contains(*transition)).collect();
    println!("{} of {} acting transitions taken", acting.len() - missed.len(), acting.len());
    assert!(missed.is_empty(), "never taken: {missed:?}");
}
