//! Walks at random: whatever happens in whatever order, each INVITE gets one final response, each
//! call one end, and nothing is left over.

use super::*;
use std::collections::BTreeMap;

/// A generator that needs no quality (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
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

fn step(world: &mut World, seen: &mut Seen, dice: &mut Dice, number: u128) {
    let calls = world.phone.snapshot().calls;
    let call = match calls.len() {
        0 => call_id(number),
        many => calls[dice.below(many)].id,
    };
    let flow = world.flow;
    match dice.below(26) {
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
        16 | 17 => {
            // The server's part of a call of its own: CANCEL, ACK, BYE, a change, or all again.
            if seen.invites.is_empty() {
                return;
            }
            let at = dice.below(seen.invites.len());
            let Invited { invite, at, to } = seen.invites[at].clone();
            match (dice.below(5), to) {
                (0, _) => world.receive(sidetone_sip::dialog::cancel(&invite)),
                // A retransmission comes while the transaction lives.
                (1, _) if world.boot < at + SECOND * 30 => world.receive(invite),
                (1, _) => {}
                (2, Some(to)) => {
                    let ack = world.inside(&invite, &to, Method::Ack);
                    world.receive(ack);
                }
                (3, Some(to)) => {
                    let bye = world.inside(&invite, &to, Method::Bye);
                    world.receive(bye);
                }
                (_, Some(to)) => {
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
            let at = dice.below(seen.requests.len());
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
        22 => match dice.below(3) {
            0 => {
                seen.lost = true;
                world.lose_flow(FlowErrorKind::Lost);
            }
            1 => world.handle(Input::NetworkChanged),
            _ => world.handle(Input::ProbeAnswered { flow }),
        },
        23 => world.handle(Input::FlowOpened { flow }),
        24 => {
            let leave = dice.below(8) == 0;
            _ = world.command(if leave { Command::Unregister } else { Command::Register });
        }
        _ => {
            let millis = [1, 20, 500, 4000, 33_000][dice.below(5)];
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
            seen.note(self);
            steps += 1;
            assert!(steps < 10_000, "a timer that never ends: {reason:?}");
        }
        self.boot = until;
    }
}

#[test]
fn at_random_each_invite_gets_one_final_response_and_each_call_one_end() {
    for seed in 1..=400_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut world = World::registered();
        let mut seen = Seen::default();
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
}
