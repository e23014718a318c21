//! The journeys of a phone that sleeps, each with its golden ladder; then every second at which its user
//! may answer and its INVITE may come.

use crate::golden::assert_golden;
use crate::journeys::{assert_quiet, call, is_registered, state};
use sidetone_pbx::PbxConfig;
use sidetone_phone::{
    CallId, CallState, Command, DeclineReason, EndReason, Event, Handover, Intent,
    RegistrationState,
};
use sidetone_sim::media::Heard;
use sidetone_sim::{PhoneId, Pushes, World};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// An agent whose app is dead and asleep, and a customer.
fn asleep() -> (World, PhoneId, PhoneId) {
    let mut world = World::new(PbxConfig::bench(), 1);
    let (agent, customer) = (world.add_mobile_phone("agent1"), world.add_phone("customer1"));
    for phone in [agent, customer] {
        world.command(phone, Command::Register).unwrap();
    }
    world.run_until("both are registered", |w| {
        [agent, customer].iter().all(|phone| is_registered(w, *phone))
    });
    world.command(agent, Command::Sleep).unwrap();
    world.run_for(SECOND);
    assert_eq!(world.snapshot(agent).unwrap().registration.state, RegistrationState::Asleep);
    world.kill(agent);
    world.ladder().clear();
    (world, agent, customer)
}

/// The customer calls, and the push has just started the app.
fn woken() -> (World, PhoneId, PhoneId, CallId) {
    let (mut world, agent, customer) = asleep();
    world.dial(customer, "1811").unwrap();
    world.run_until("the push is there", |w| state(w, agent) == Some(CallState::Announced));
    let id = call(&world, agent);
    (world, agent, customer, id)
}

fn rings(world: &mut World, agent: PhoneId) {
    world.run_until("it rings", |w| state(w, agent) == Some(CallState::Ringing));
}

fn talk(world: &mut World, agent: PhoneId, customer: PhoneId) {
    world.run_until("both are established", |w| {
        [agent, customer].iter().all(|p| state(w, *p) == Some(CallState::Established))
    });
    world.run_for(SECOND);
    for phone in [agent, customer] {
        let id = call(world, phone);
        assert!(world.speaks(phone, id), "their voice goes out");
        assert!(matches!(world.hears(phone, id), Some(Heard::Leg(_))), "they hear each other");
    }
}

fn hang_up(world: &mut World, phone: PhoneId) {
    let id = call(world, phone);
    world.command(phone, Command::HangUp { call: id }).unwrap();
    world.run_for(SECOND);
}

/// How often the phone was told of a call, by push or INVITE.
fn begun(world: &World, phone: PhoneId) -> usize {
    let begins = |event: &&Event| {
        matches!(event, Event::Announced { .. } | Event::Incoming { announced: false, .. })
    };
    world.events(phone).iter().filter(begins).count()
}

#[test]
fn a_phone_that_sleeps_is_woken_and_answered() {
    let (mut world, agent, customer, id) = woken();
    rings(&mut world, agent);
    assert_eq!(call(&world, agent), id, "push and INVITE are one call");
    world.run_for(SECOND);
    world.command(agent, Command::Answer { call: id }).unwrap();
    talk(&mut world, agent, customer);
    hang_up(&mut world, agent);
    assert_golden(
        "push-woken-and-answered",
        "An agent's phone sleeps; a push wakes it, it rings and is answered.",
        world.ladder().text(),
    );
    assert_eq!((begun(&world, agent), world.end_reasons(agent)), (1, vec![EndReason::Local]));
    assert_quiet(&mut world);
}

#[test]
fn a_push_is_answered_before_its_invite() {
    let (mut world, agent, customer, id) = woken();
    world.command(agent, Command::Answer { call: id }).unwrap();
    assert_eq!(world.calls(agent)[0].intent, Some(Intent::Answer));
    talk(&mut world, agent, customer);
    hang_up(&mut world, customer);
    assert_golden(
        "push-answered-before-the-invite",
        "The agent answers what the push shows, before the INVITE is there.",
        world.ladder().text(),
    );
    assert_eq!((begun(&world, agent), world.end_reasons(agent)), (1, vec![EndReason::Remote]));
    assert_quiet(&mut world);
}

#[test]
fn a_push_is_declined_before_its_invite_and_the_queue_goes_on() {
    let (mut world, agent, customer, id) = woken();
    let reason = DeclineReason::Decline;
    world.command(agent, Command::Decline { call: id, reason }).unwrap();
    world.run_until("the queue goes on", |w| state(w, agent) == Some(CallState::Ringing));
    let again = call(&world, agent);
    assert_ne!(again, id, "another attempt is another call");
    hang_up(&mut world, customer);
    assert_golden(
        "push-declined-before-the-invite",
        "The agent declines what the push shows; its INVITE gets 603 and never rings, and the queue goes on with another call.",
        world.ladder().text(),
    );
    // The second attempt is over before its push is there, which gets the same end.
    let ends = [EndReason::Declined(reason), EndReason::Cancelled, EndReason::Cancelled];
    assert_eq!(world.end_reasons(agent), ends);
    assert_quiet(&mut world);
}

#[test]
fn a_caller_is_gone_before_the_phone_wakes() {
    let (mut world, agent, customer) = asleep();
    world.dial(customer, "1811").unwrap();
    world.run_for(SECOND / 4);
    hang_up(&mut world, customer);
    world.run_for(SECOND * 3);
    assert_golden(
        "push-caller-gone-before-it-wakes",
        "The customer hangs up before the push has woken the phone: the second push ends what the first has shown.",
        world.ladder().text(),
    );
    assert_eq!((begun(&world, agent), world.end_reasons(agent)), (1, vec![EndReason::Cancelled]));
    assert_quiet(&mut world);
}

#[test]
fn a_caller_who_is_gone_and_whose_end_is_not_pushed_ends_by_the_deadline() {
    let (mut world, agent, customer) = asleep();
    world.dial(customer, "1811").unwrap();
    world.run_for(SECOND / 4);
    world.set_pushes(Pushes { lost: 100, ..Pushes::default() });
    hang_up(&mut world, customer);
    world.run_for(SECOND * 30);
    assert_golden(
        "push-ended-by-the-deadline",
        "The customer hangs up before the phone wakes, and the push that says so is lost: the deadline ends the call.",
        world.ladder().text(),
    );
    assert_eq!((begun(&world, agent), world.end_reasons(agent)), (1, vec![EndReason::NoAnswer]));
    assert_quiet(&mut world);
}

#[test]
fn a_phone_that_is_killed_while_it_rings_rings_again_when_it_is_back() {
    let (mut world, agent, customer, id) = woken();
    rings(&mut world, agent);
    world.kill(agent);
    world.run_for(SECOND);
    world.switch_on(agent);
    world.command(agent, Command::Register).unwrap();
    rings(&mut world, agent);
    assert_eq!(call(&world, agent), id, "it is the same attempt");
    world.command(agent, Command::Answer { call: id }).unwrap();
    talk(&mut world, agent, customer);
    hang_up(&mut world, agent);
    assert_golden(
        "push-killed-while-it-rings",
        "The app is killed while it rings, and started again: the same call rings again and is answered.",
        world.ladder().text(),
    );
    assert_quiet(&mut world);
}

#[test]
fn of_several_who_sleep_the_first_to_answer_has_the_call() {
    let (mut world, first, customer) = asleep();
    let second = world.add_mobile_phone("agent2");
    world.command(second, Command::Register).unwrap();
    world.run_for(SECOND);
    world.ladder().clear();
    world.dial(customer, "1810").unwrap();
    for agent in [first, second] {
        rings(&mut world, agent);
    }
    let id = call(&world, second);
    assert_ne!(call(&world, first), id);
    world.command(second, Command::Answer { call: id }).unwrap();
    talk(&mut world, second, customer);
    assert_eq!(world.end_reasons(first), [EndReason::AnsweredElsewhere]);
    hang_up(&mut world, customer);
    assert_golden(
        "push-several-agents",
        "A queue rings all its agents, those who sleep too; the first to answer has the call.",
        world.ladder().text(),
    );
    assert_quiet(&mut world);
}

/// The user answers at one second after the push and the INVITE comes at another, both from 0 to 30:
/// within the attempt of 25 s it is a call, beyond it is over in time.
#[test]
fn at_each_second_of_an_answer_and_of_an_invite_there_is_one_call_or_its_end_in_time() {
    let mut talked = 0;
    for answered in 0..=30u32 {
        for came in 0..=30u32 {
            talked += usize::from(swept(answered, came));
        }
    }
    // An attempt lasts 25 s from its POST: what the phone decides and what comes within it is a call.
    println!("{talked} of {} became calls", 31 * 31);
    assert_eq!(talked, 25 * 25);
}

fn swept(answered: u32, came: u32) -> bool {
    let (mut world, agent, customer) = asleep();
    world.set_delay(agent, Duration::from_millis(10));
    // The phone reaches no server until then.
    world.set_reachable(agent, false);
    world.dial(customer, "1811").unwrap();
    world.run_until("the push is there", |w| state(w, agent) == Some(CallState::Announced));
    let id = call(&world, agent);
    let mut marks = [(SECOND * came, false), (SECOND * answered, true)];
    marks.sort();
    let mut passed = Duration::ZERO;
    for (at, is_answer) in marks {
        world.run_for(at - passed);
        passed = at;
        if is_answer {
            // Beyond its deadline there is nothing to answer.
            let there = world.calls(agent).iter().any(|call| call.id == id);
            assert_eq!(world.command(agent, Command::Answer { call: id }).is_ok(), there);
        } else {
            world.set_reachable(agent, true);
            world.change_network(agent, Handover::BreakBeforeMake);
        }
    }
    world.run_for(SECOND * 2);
    let is_up = world.calls(agent).iter().any(|call| call.id == id);
    if is_up {
        assert_eq!(world.calls(agent)[0].state, CallState::Established, "{answered} {came}");
        assert!(world.speaks(agent, id));
    }
    for (phone, call) in [agent, customer].map(|phone| (phone, world.calls(phone))) {
        for call in call {
            let _ = world.command(phone, Command::HangUp { call: call.id });
        }
    }
    world.run_for(SECOND * 100);
    world.assert_quiet();
    let first = world.events(agent).iter().find_map(|event| {
        let Event::Ended { call, reason } = event else { return None };
        (*call == id).then(|| reason.clone())
    });
    // The attempt lasts 25 s, of which the push has taken a part.
    let expected: &[EndReason] = match (answered < 25, came < 25) {
        (true, true) => &[EndReason::Local],
        (true, false) => &[EndReason::NeverCame],
        (false, true) => &[EndReason::Cancelled, EndReason::NoAnswer],
        (false, false) => &[EndReason::NoAnswer],
    };
    assert!(first.as_ref().is_some_and(|r| expected.contains(r)), "{answered} {came}: {first:?}");
    is_up
}
