//! Links that fail, servers that restart, phones that die or sleep; then worlds of random trouble.

use crate::golden::assert_golden;
use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use sidetone_pbx::{Extension, MediaDirection, Operator, PbxConfig, Step, Strategy};
use sidetone_phone::{
    CallState, Command, ControlId, DeclineReason, Digits, EndReason, Event, Handover, ReferPolicy,
    RegistrationState,
};
use sidetone_sim::{PhoneId, Pushes, Spoil, World};
use sidetone_sip::StatusCode;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn world_of<const N: usize>(users: [&str; N]) -> (World, [PhoneId; N]) {
    let mut world = World::new(PbxConfig::bench(), 2);
    let phones = users.map(|user| world.add_phone(user));
    for phone in phones {
        world.command(phone, Command::Register).unwrap();
    }
    world.run_for(SECOND);
    (world, phones)
}

fn lamp(world: &World, phone: PhoneId) -> RegistrationState {
    world.snapshot(phone).unwrap().registration.state
}

/// The phone's network is another, with both there for a while or not, each with its ladder.
#[test]
fn a_call_goes_on_over_another_network() {
    for (name, title, handover) in [
        (
            "network-break",
            "An agent's network is another in mid-call, and the old one is gone.",
            Handover::BreakBeforeMake,
        ),
        (
            "network-overlap",
            "An agent's network is another in mid-call, and both are there for a while.",
            Handover::MakeBeforeBreak,
        ),
    ] {
        let (mut world, [agent]) = world_of(["agent4"]);
        world.set_delay(agent, SECOND / 25);
        talk(&mut world, agent);
        world.ladder().clear();
        if handover == Handover::BreakBeforeMake {
            world.spoil(agent, Spoil::BlackHole);
        }
        world.change_network(agent, handover);
        world.run_for(SECOND * 2);
        let gap = |event: &Event| {
            if let Event::Reconnected { gap, .. } = event { *gap } else { None }
        };
        let gaps: Vec<Duration> = world.events(agent).iter().filter_map(gap).collect();
        let [gap] = gaps[..] else { panic!("{gaps:?}") };
        assert!(gap < SECOND, "{gap:?}");
        assert_eq!(world.pbx().contacts().len(), 1, "{:?}", world.pbx().contacts());
        let call = world.calls(agent)[0].id;
        assert!(world.hears(agent, call).is_some());
        world.command(agent, Command::HangUp { call }).unwrap();
        world.run_for(SECOND * 70);
        world.assert_quiet();
        assert_golden(name, title, world.ladder().text());
    }
}

fn talk(world: &mut World, phone: PhoneId) {
    world.dial(phone, "600").unwrap();
    world.run_for(SECOND);
    assert_eq!(world.calls(phone)[0].state, CallState::Established);
}

#[test]
fn a_connection_that_is_reset_is_built_anew_and_one_contact_is_left() {
    let (mut world, [agent]) = world_of(["agent4"]);
    world.reset(agent);
    world.run_for(SECOND / 10);
    assert_eq!(lamp(&world, agent), RegistrationState::Unreachable);
    world.run_for(SECOND * 5);
    assert_eq!(lamp(&world, agent), RegistrationState::Registered);
    assert_eq!(world.pbx().contacts().len(), 1);
}

#[test]
fn after_a_black_hole_a_call_reaches_the_new_connection_and_one_contact_is_left() {
    let (mut world, [agent, customer]) = world_of(["agent4", "customer1"]);
    world.spoil(agent, Spoil::BlackHole);
    world.change_network(agent, Handover::BreakBeforeMake);
    world.run_for(SECOND * 30);
    assert_eq!(lamp(&world, agent), RegistrationState::Registered);
    let contacts = world.pbx().contacts();
    assert_eq!(contacts.iter().filter(|c| c.user == "agent4").count(), 1, "{contacts:?}");
    world.dial(customer, "1004").unwrap();
    world.run_for(SECOND);
    assert_eq!(world.calls(agent)[0].state, CallState::Ringing);
}

#[test]
fn a_black_hole_that_nobody_tells_of_is_noticed_by_the_probe() {
    let (mut world, [agent]) = world_of(["agent4"]);
    world.spoil(agent, Spoil::BlackHole);
    world.run_for(SECOND * 45);
    assert_eq!(lamp(&world, agent), RegistrationState::Registered);
    assert_eq!(world.pbx().contacts().len(), 1, "{:?}", world.pbx().contacts());
}

#[test]
fn a_server_that_is_down_is_tried_until_it_is_up() {
    let (mut world, [agent]) = world_of(["agent1"]);
    world.set_server_up(false);
    world.run_for(SECOND * 20);
    assert_ne!(lamp(&world, agent), RegistrationState::Registered);
    world.set_server_up(true);
    world.run_for(SECOND * 70);
    assert_eq!(lamp(&world, agent), RegistrationState::Registered);
    assert_eq!(world.pbx().contacts().len(), 1);
}

#[test]
fn a_server_that_restarts_in_mid_registration_is_registered_at_again() {
    let mut world = World::new(PbxConfig::bench(), 2);
    let agent = world.add_phone("agent1");
    world.command(agent, Command::Register).unwrap();
    world.run_for(SECOND * 15 / 100);
    world.operate(Operator::Restart);
    world.run_for(SECOND * 5);
    assert_eq!(lamp(&world, agent), RegistrationState::Registered);
}

#[test]
fn a_call_whose_server_restarts_ends_in_words_and_the_phone_recovers() {
    let (mut world, [agent]) = world_of(["agent1"]);
    talk(&mut world, agent);
    world.operate(Operator::Restart);
    world.run_for(SECOND * 70);
    assert_eq!(world.end_reasons(agent).len(), 1);
    assert_eq!(lamp(&world, agent), RegistrationState::Registered);
    talk(&mut world, agent);
}

#[test]
fn a_hang_up_after_the_connection_was_replaced_reaches_the_server() {
    let (mut world, [agent]) = world_of(["agent1"]);
    talk(&mut world, agent);
    world.reset(agent);
    world.run_for(SECOND * 5);
    let call = world.calls(agent)[0].id;
    world.command(agent, Command::HangUp { call }).unwrap();
    world.run_for(SECOND);
    assert_eq!(world.end_reasons(agent), [EndReason::Local]);
    world.assert_quiet();
}

#[test]
fn a_phone_that_dies_and_returns_replaces_its_contact_with_one_round_trip_less() {
    let (mut world, [agent]) = world_of(["agent4"]);
    world.spoil(agent, Spoil::BlackHole);
    world.kill(agent);
    world.run_for(SECOND);
    assert_eq!(world.pbx().contacts().len(), 1, "the server knows nothing of it");
    world.ladder().clear();
    world.switch_on(agent);
    world.command(agent, Command::Register).unwrap();
    world.run_for(SECOND);
    assert_eq!(lamp(&world, agent), RegistrationState::Registered);
    assert_eq!(world.pbx().contacts().len(), 1, "{:?}", world.pbx().contacts());
    assert!(!world.ladder().text().contains("401"), "the nonce was kept");
}

#[test]
fn a_phone_that_sleeps_through_a_call_tells_of_it_truly() {
    let (mut world, [agent, customer]) = world_of(["agent1", "customer1"]);
    world.suspend(agent, SECOND * 30);
    let call = world.dial(customer, "1801").unwrap();
    world.run_for(SECOND * 5);
    world.command(customer, Command::HangUp { call }).unwrap();
    world.run_for(SECOND * 120);
    world.assert_quiet();
    assert_eq!(lamp(&world, agent), RegistrationState::Registered);
}

#[test]
fn the_wall_clock_may_jump() {
    let (mut world, [agent]) = world_of(["agent1"]);
    talk(&mut world, agent);
    world.jump_wall_clock(Duration::ZERO);
    world.run_for(SECOND * 10);
    assert_eq!(world.calls(agent)[0].state, CallState::Established);
    let call = world.calls(agent)[0].id;
    world.command(agent, Command::HangUp { call }).unwrap();
    world.run_for(SECOND * 70);
    world.assert_quiet();
}

#[test]
fn a_server_that_refuses_is_asked_again_later() {
    let (mut world, [agent]) = world_of(["agent1"]);
    world.operate(Operator::Refuse(Some(StatusCode::SERVICE_UNAVAILABLE)));
    world.reset(agent);
    world.run_for(SECOND * 10);
    assert_eq!(lamp(&world, agent), RegistrationState::Failed);
    world.operate(Operator::Refuse(None));
    world.run_for(SECOND * 120);
    assert_eq!(lamp(&world, agent), RegistrationState::Registered);
}

/// As many worlds are tried: more than a million steps in which something was done.
const SEEDS: u64 = 3_000;
/// After as many that failed the others are left.
const MOST_FAILED: usize = 5;

/// What came to pass in worlds of random trouble.
#[derive(Debug, Default)]
struct Counts {
    ended: usize,
    pushes: usize,
    announced: usize,
    sleeps: usize,
    deaths: usize,
    interruptions: usize,
    /// Two calls or more were there when one of these was asked for, and it was taken.
    swapped: usize,
    joined: usize,
    transferred: usize,
    /// The server sent a phone elsewhere, which went.
    sent_on: usize,
    /// Control calls: those that the server has done, and those that came to nothing.
    controls: (usize, usize),
    /// Steps, and those of them in which a phone or the PBX did something.
    steps: (u64, u64),
    /// Of all phones together.
    hours: f64,
}

/// Five minutes of anything that users, networks, push services and servers do, then peace. The world
/// checks itself after each step; in the end nothing may be left.
fn random_world(seed: u64, counts: &mut Counts) {
    let mut random = ChaCha12Rng::seed_from_u64(seed);
    let mut draw = move |n: u64| random.next_u64() % n;
    let mut config = PbxConfig::bench();
    for queue in ["support", "sleepers"] {
        if let Some(queue) = config.queues.get_mut(queue) {
            queue.members.truncate(2);
            queue.strategy =
                [Strategy::RingAll, Strategy::RoundRobin, Strategy::Linear][draw(3) as usize];
        }
    }
    // What rings without end would ring on where a phone has given it up unheard.
    let rings = vec![Step::Ringing, Step::Wait(SECOND * 100), Step::HangUp(StatusCode::BUSY_HERE)];
    config.extensions.insert("610".to_owned(), Extension::Steps(rings));
    // A phone that dies cannot hang up what the server would keep.
    let (wait, end) = (Step::Wait(SECOND * 30), Step::HangUp(StatusCode::BUSY_HERE));
    for (code, steps) in
        [("*798", vec![wait.clone(), end.clone()]), ("*799", vec![Step::Answer, wait, end])]
    {
        config.extensions.insert(code.to_owned(), Extension::Steps(steps));
    }
    let mut world = World::new(config, seed);
    let phones = [
        world.add_mobile_phone("agent1"),
        world.add_mobile_phone_with("agent2", |config| config.refer_policy = ReferPolicy::Follow),
        world.add_phone_with("customer1", |config| config.refer_policy = ReferPolicy::Follow),
    ];
    for phone in phones {
        world.command(phone, Command::Register).unwrap();
        world.set_delay(phone, Duration::from_millis(5 + draw(200)));
    }
    let delay = Duration::from_millis(draw(4000));
    world.set_pushes(Pushes { delay, lost: 15, twice: 15, late: 15 });
    let numbers = [
        "1801", "1811", "1811", "1812", "1810", "1001", "1002", "600", "602", "603", "605", "610",
        "611", "999",
    ];
    let codes = ["*700", "*700", "*721", "*717", "*798", "*799", "*7000"];
    let mut controls = 0;
    for _ in 0..120 {
        world.run_for(Duration::from_millis(draw(5000)));
        let phone = phones[draw(3) as usize];
        let calls = world.calls(phone);
        let call = calls.get(draw(2) as usize).or(calls.first()).map(|call| call.id);
        // A refused command is an answer like any other.
        let _ = match (draw(35), call) {
            (0..=4, _) => {
                let number = numbers[draw(numbers.len() as u64) as usize];
                world.dial(phone, number).map(|_| ())
            }
            (5..=8, Some(call)) => world.command(phone, Command::Answer { call }),
            (9, Some(call)) => match draw(3) {
                0 => world.command(phone, Command::Forward { call, to: "600".to_owned() }),
                n => {
                    let reason = [DeclineReason::Busy, DeclineReason::Decline][n as usize - 1];
                    world.command(phone, Command::Decline { call, reason })
                }
            },
            (10..=11, Some(call)) => world.command(phone, Command::HangUp { call }),
            (12, Some(call)) => world.command(phone, Command::Hold { call, on: draw(2) == 0 }),
            (13, Some(call)) => world.command(phone, Command::Mute { call, on: draw(2) == 0 }),
            (14, Some(call)) => {
                let digits = Digits::new("12#").unwrap();
                world.command(phone, Command::SendDtmf { call, digits })
            }
            (15, _) => {
                world.reset(phone);
                Ok(())
            }
            (16, _) => {
                world.spoil(phone, [Spoil::Stalled, Spoil::BlackHole][draw(2) as usize]);
                Ok(())
            }
            (17, _) => {
                // Where the old network is still there, what is on it may still come.
                let handovers = [Handover::MakeBeforeBreak, Handover::BreakBeforeMake];
                let handover = handovers[draw(2) as usize];
                if handover == Handover::BreakBeforeMake {
                    world.spoil(phone, Spoil::BlackHole);
                }
                world.change_network(phone, handover);
                Ok(())
            }
            (18, _) => {
                world.suspend(phone, Duration::from_millis(draw(40_000)));
                Ok(())
            }
            (19, _) if draw(3) == 0 => {
                counts.deaths += 1;
                world.kill(phone);
                world.run_for(Duration::from_millis(draw(3000)));
                world.switch_on(phone);
                world.command(phone, Command::Register)
            }
            (20, _) => {
                let legs = world.pbx().legs();
                let leg = legs.get(draw(4) as usize).map(|leg| leg.id);
                let direction =
                    [MediaDirection::SendRecv, MediaDirection::SendOnly, MediaDirection::Inactive]
                        [draw(3) as usize];
                leg.into_iter()
                    .for_each(|leg| world.operate(Operator::Reinvite { leg, direction }));
                Ok(())
            }
            (21, _) if draw(4) == 0 => {
                world.operate(match draw(2) {
                    0 => Operator::ExpireNonces,
                    _ => Operator::Restart,
                });
                Ok(())
            }
            (22, _) => {
                let done = world.command(phone, Command::Sleep);
                counts.sleeps += usize::from(done.is_ok());
                done
            }
            // A system short of memory: what is started next is started by a push, or by its user.
            (23, _) if phone != phones[2] => {
                counts.deaths += 1;
                world.kill(phone);
                Ok(())
            }
            (24, _) if draw(3) == 0 => {
                world.switch_on(phone);
                world.command(phone, Command::Register)
            }
            // Another app takes the audio session, and gives it back.
            (25, _) => {
                counts.interruptions += 1;
                world.set_audio(phone, false);
                world.run_for(Duration::from_millis(draw(2000)));
                world.set_audio(phone, true);
                Ok(())
            }
            (26..=27, _) => {
                let done = world.command(phone, Command::Swap);
                counts.swapped += usize::from(done.is_ok());
                done
            }
            (28, Some(_)) => {
                let calls = calls.iter().map(|call| call.id).collect();
                let done = world.command(phone, Command::Merge { calls });
                counts.joined += usize::from(done.is_ok());
                done
            }
            (29, Some(call)) => world.command(
                phone,
                [Command::Split { call }, Command::Leave][draw(2) as usize].clone(),
            ),
            (30, Some(call)) => {
                let to = numbers[draw(numbers.len() as u64) as usize].to_owned();
                let done = world.command(phone, Command::Transfer { call, to });
                counts.transferred += usize::from(done.is_ok());
                done
            }
            (31, Some(call)) => {
                let with = calls.iter().map(|call| call.id).find(|with| *with != call);
                let with = with.unwrap_or(call);
                let done = world.command(phone, Command::TransferTo { call, with });
                counts.transferred += usize::from(done.is_ok());
                done
            }
            (32, _) => {
                let legs = world.pbx().legs();
                let leg = legs.get(draw(4) as usize).map(|leg| leg.id);
                leg.into_iter().for_each(|leg| world.operate(Operator::Refer(leg)));
                Ok(())
            }
            (33..=34, _) => {
                controls += 1;
                let control = ControlId(uuid::Uuid::from_u128(controls));
                let code = codes[draw(codes.len() as u64) as usize].to_owned();
                world.command(phone, Command::Control { control, code })
            }
            _ => Ok(()),
        };
    }
    for phone in phones {
        world.spoil(phone, Spoil::Clean);
        world.switch_on(phone);
    }
    world.run_for(SECOND * 60);
    let Err(mut differs) = world.agrees() else {
        return rests(world, phones, seed, counts);
    };
    // A queue may be about to ring; an answer whose ACK was lost ends there after 64*T1, and here when its
    // path has had no consent for half a minute. Soon all is told.
    for _ in 0..200 {
        world.run_for(SECOND / 5);
        match world.agrees() {
            Ok(()) => return rests(world, phones, seed, counts),
            Err(other) => differs = other,
        }
    }
    let lines: Vec<&str> = world.ladder().text().lines().collect();
    let last = lines[lines.len().saturating_sub(80)..].join("\n");
    panic!("seed {seed}: in peace, {differs}\n{last}");
}

/// All hang up, and nothing is left.
fn rests(mut world: World, phones: [PhoneId; 3], seed: u64, counts: &mut Counts) {
    for phone in phones {
        let _ = world.command(phone, Command::Register);
        for call in world.calls(phone) {
            let _ = world.command(phone, Command::HangUp { call: call.id });
        }
    }
    world.run_for(SECOND * 200);
    world.assert_quiet();
    for phone in phones {
        assert_eq!(lamp(&world, phone), RegistrationState::Registered, "seed {seed}");
        let events = world.events(phone);
        counts.ended += events.iter().filter(|e| matches!(e, Event::Ended { .. })).count();
        let went = |e: &&Event| matches!(e, Event::Referred { .. });
        counts.sent_on += events.iter().filter(went).count();
        counts.controls.0 +=
            events.iter().filter(|e| matches!(e, Event::ControlDone { .. })).count();
        counts.controls.1 +=
            events.iter().filter(|e| matches!(e, Event::ControlFailed { .. })).count();
        counts.announced += events.iter().filter(|e| matches!(e, Event::Announced { .. })).count();
    }
    counts.pushes += world.pushes_delivered();
    let (steps, changing) = world.steps();
    counts.steps.0 += steps;
    counts.steps.1 += changing;
    counts.hours += world.time().as_secs_f64() * phones.len() as f64 / 3600.0;
}

/// What this thread has used of its processor.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let used = text.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(used.unwrap_or(1))
}

/// Tries worlds, so many or as many as `SIDETONE_SEEDS` says, from `SIDETONE_SEED` on, and fails with the seeds of those
/// that did. Says what was done for the processor's time, by the steps and phone-hours that are counted.
#[allow(clippy::print_stderr, reason = "what is written there is seen at once")]
pub(crate) fn seeds<C: Default + std::fmt::Debug>(
    usually: u64,
    what: &str,
    world: impl Fn(u64, &mut C),
    rates: impl Fn(&C) -> (u64, f64),
) -> (u64, C) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seeds = number("SIDETONE_SEEDS").unwrap_or(usually);
    let first = number("SIDETONE_SEED").unwrap_or(0);
    let (mut counts, mut failed) = (C::default(), Vec::new());
    for seed in first..first + seeds {
        let tried = std::panic::AssertUnwindSafe(|| world(seed, &mut counts));
        if std::panic::catch_unwind(tried).is_err() {
            println!("seed {seed}");
            failed.push(seed);
        }
        // One that is run at length says how far it is.
        if (seed + 1 - first).is_multiple_of(1_000) {
            let (done, used) = (seed + 1 - first, cpu_time());
            eprintln!("{done} of {seeds} {what}, {used:.0?} of processor time, failed: {failed:?}");
        }
        if failed.len() >= MOST_FAILED {
            break;
        }
    }
    assert!(failed.is_empty(), "seeds that failed, with their ladders above: {failed:?}");
    println!("{seeds} {what}: {counts:?}");
    let ((changing, hours), cpu) = (rates(&counts), cpu_time());
    println!(
        "{changing} steps that did something, {hours:.1} phone-hours, {cpu:?} of processor time: {:.0} such steps \
         and {:.2} phone-hours a second",
        changing as f64 / cpu.as_secs_f64(),
        hours / cpu.as_secs_f64(),
    );
    (seeds, counts)
}

#[test]
fn worlds_of_random_trouble_come_to_rest() {
    let rates = |counts: &Counts| (counts.steps.1, counts.hours);
    let (seeds, counts) = seeds(SEEDS, "worlds", random_world, rates);
    let (done, failed) = counts.controls;
    let others = [counts.announced, counts.sleeps, counts.deaths, done, failed];
    for count in [counts.ended, counts.pushes].into_iter().chain(others) {
        assert!(count as u64 > seeds, "{counts:?}");
    }
    assert!(counts.sent_on as u64 * 20 > seeds, "{counts:?}");
}
