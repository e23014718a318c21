//! The journeys of a call, each with its golden ladder.

use crate::golden::assert_golden;
use sidetone_pbx::{LegPhase, MediaDirection, Operator, PbxConfig, Strategy, Treatment};
use sidetone_phone::{CallId, CallState, Command, DeclineReason, EndReason, RegistrationState};
use sidetone_sim::media::Heard;
use sidetone_sim::{PhoneId, World};
use std::time::Duration;

/// A world where these users' phones are registered.
fn signed_in<const N: usize>(users: [&str; N]) -> (World, [PhoneId; N]) {
    let mut world = World::new(PbxConfig::bench(), 1);
    let phones = users.map(|user| world.add_phone(user));
    for phone in phones {
        world.command(phone, Command::Register).unwrap();
    }
    world.run_until("all are registered", |world| phones.iter().all(|p| is_registered(world, *p)));
    world.run_for(Duration::from_secs(1));
    world.ladder().clear();
    (world, phones)
}

pub(crate) fn is_registered(world: &World, phone: PhoneId) -> bool {
    world.snapshot(phone).unwrap().registration.state == RegistrationState::Registered
}

pub(crate) fn state(world: &World, phone: PhoneId) -> Option<CallState> {
    world.calls(phone).first().map(|call| call.state)
}

pub(crate) fn call(world: &World, phone: PhoneId) -> CallId {
    world.calls(phone)[0].id
}

/// The customer waits in the queue and the agent's phone rings.
fn queue_call_rings() -> (World, PhoneId, PhoneId) {
    let (mut world, [agent, customer]) = signed_in(["agent1", "customer1"]);
    world.dial(customer, "1801").unwrap();
    world.run_until("the agent's phone rings", |w| state(w, agent) == Some(CallState::Ringing));
    world.run_for(Duration::from_secs(2));
    (world, agent, customer)
}

/// Agent and customer talk.
pub(crate) fn queue_call_answered() -> (World, PhoneId, PhoneId) {
    let (mut world, agent, customer) = queue_call_rings();
    let id = call(&world, agent);
    world.command(agent, Command::Answer { call: id }).unwrap();
    world.run_until("both are established", |w| {
        [agent, customer].iter().all(|p| state(w, *p) == Some(CallState::Established))
    });
    world.run_for(Duration::from_secs(1));
    for phone in [agent, customer] {
        let id = call(&world, phone);
        assert!(world.speaks(phone, id), "their voice goes out");
        assert!(matches!(world.hears(phone, id), Some(Heard::Leg(_))), "they hear each other");
    }
    (world, agent, customer)
}

pub(crate) fn assert_quiet(world: &mut World) {
    world.run_for(Duration::from_secs(100));
    world.assert_quiet();
}

#[test]
fn a_phone_registers() {
    let mut world = World::new(PbxConfig::bench(), 1);
    let agent = world.add_phone("agent1");
    world.command(agent, Command::Register).unwrap();
    world.run_until("it is registered", |world| is_registered(world, agent));
    assert_golden("register", "A phone registers: challenged once.", world.ladder().text());
    assert_eq!(world.pbx().contacts().len(), 1);
}

#[test]
fn a_phone_registers_again_on_the_same_flow_in_one_round_trip() {
    let (mut world, [agent]) = signed_in(["agent1"]);
    world.run_for(Duration::from_secs(550));
    assert_golden(
        "register-again",
        "A phone refreshes its registration on the same flow: one round trip.",
        world.ladder().text(),
    );
    assert_eq!(world.pbx().contacts().len(), 1);
    assert!(is_registered(&world, agent));
}

#[test]
fn a_queue_call_is_answered_and_the_customer_hangs_up() {
    let (mut world, agent, customer) = queue_call_answered();
    let id = call(&world, customer);
    world.command(customer, Command::HangUp { call: id }).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_golden(
        "queue-call-customer-hangs-up",
        "A customer calls the queue, an agent answers, the customer hangs up.",
        world.ladder().text(),
    );
    assert_eq!(world.end_reasons(agent), [EndReason::Remote]);
    assert_eq!(world.end_reasons(customer), [EndReason::Local]);
    assert_quiet(&mut world);
}

#[test]
fn a_queue_call_is_answered_and_the_agent_hangs_up() {
    let (mut world, agent, customer) = queue_call_answered();
    let id = call(&world, agent);
    world.command(agent, Command::HangUp { call: id }).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_golden(
        "queue-call-agent-hangs-up",
        "A customer calls the queue, an agent answers, the agent hangs up.",
        world.ladder().text(),
    );
    assert_eq!(world.end_reasons(agent), [EndReason::Local]);
    assert_eq!(world.end_reasons(customer), [EndReason::Remote]);
    assert_quiet(&mut world);
}

#[test]
fn a_customer_gives_up_while_it_rings() {
    let (mut world, agent, customer) = queue_call_rings();
    let id = call(&world, customer);
    world.command(customer, Command::HangUp { call: id }).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_golden(
        "queue-call-caller-gives-up",
        "A customer leaves the queue while the agent's phone rings.",
        world.ladder().text(),
    );
    assert_eq!(world.end_reasons(agent), [EndReason::Cancelled]);
    assert_quiet(&mut world);
}

#[test]
fn an_agent_declines_and_the_queue_rings_again() {
    let (mut world, agent, customer) = queue_call_rings();
    let first = call(&world, agent);
    let decline = Command::Decline { call: first, reason: DeclineReason::Decline };
    world.command(agent, decline).unwrap();
    world.run_for(Duration::from_millis(1500));
    assert_golden(
        "queue-call-declined",
        "An agent declines; the queue rings again under a fresh X-Call-UID.",
        world.ladder().text(),
    );
    assert_eq!(world.end_reasons(agent), [EndReason::Declined(DeclineReason::Decline)]);
    assert_ne!(call(&world, agent), first);
    let id = call(&world, customer);
    world.command(customer, Command::HangUp { call: id }).unwrap();
    assert_quiet(&mut world);
}

#[test]
fn an_agent_answers_after_a_long_ring() {
    let mut config = PbxConfig::bench();
    config.queues.get_mut("support").unwrap().timeout = Duration::from_secs(60);
    let mut world = World::new(config, 1);
    let (agent, customer) = (world.add_phone("agent1"), world.add_phone("customer1"));
    for phone in [agent, customer] {
        world.command(phone, Command::Register).unwrap();
    }
    world.run_for(Duration::from_secs(1));
    world.dial(customer, "1801").unwrap();
    world.run_for(Duration::from_secs(31));
    let id = call(&world, agent);
    world.command(agent, Command::Answer { call: id }).unwrap();
    world.run_for(Duration::from_secs(2));
    assert_eq!(state(&world, agent), Some(CallState::Established));
    world.command(agent, Command::HangUp { call: id }).unwrap();
    assert_quiet(&mut world);
}

#[test]
fn another_phone_answers_and_this_one_stops_ringing() {
    let mut config = PbxConfig::bench();
    config.queues.get_mut("support").unwrap().strategy = Strategy::RingAll;
    let mut world = World::new(config, 1);
    let [one, two, customer] = ["agent1", "agent2", "customer1"].map(|user| world.add_phone(user));
    for phone in [one, two, customer] {
        world.command(phone, Command::Register).unwrap();
    }
    world.run_for(Duration::from_secs(1));
    world.ladder().clear();
    world.dial(customer, "1800").unwrap();
    world.run_for(Duration::from_secs(1));
    let id = call(&world, two);
    world.command(two, Command::Answer { call: id }).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_golden(
        "queue-call-answered-elsewhere",
        "Two agents' phones ring; one answers, the other is told so.",
        world.ladder().text(),
    );
    assert_eq!(world.end_reasons(one), [EndReason::AnsweredElsewhere]);
    world.command(two, Command::HangUp { call: id }).unwrap();
    assert_quiet(&mut world);
}

#[test]
fn the_agent_holds_and_resumes() {
    let (mut world, agent, customer) = queue_call_answered();
    world.ladder().clear();
    let (mine, theirs) = (call(&world, agent), call(&world, customer));
    world.command(agent, Command::Hold { call: mine, on: true }).unwrap();
    world.run_for(Duration::from_secs(2));
    assert!(world.calls(agent)[0].hold.local);
    assert_eq!(world.hears(customer, theirs), Some(Heard::Made(Treatment::Music)));
    assert!(!world.speaks(agent, mine));
    world.command(agent, Command::Hold { call: mine, on: false }).unwrap();
    world.run_for(Duration::from_secs(2));
    assert_golden(
        "hold-and-resume-by-the-agent",
        "The agent holds and resumes; the customer hears music in between.",
        world.ladder().text(),
    );
    assert!(world.speaks(agent, mine));
    assert!(matches!(world.hears(customer, theirs), Some(Heard::Leg(_))));
    world.command(agent, Command::HangUp { call: mine }).unwrap();
    assert_quiet(&mut world);
}

#[test]
fn the_other_side_holds_and_resumes() {
    let (mut world, agent, customer) = queue_call_answered();
    world.ladder().clear();
    let mine = call(&world, agent);
    let leg = world.pbx().legs().into_iter().find(|leg| leg.user == "agent1").unwrap();
    assert_eq!(leg.phase, LegPhase::Confirmed);
    let offer = |direction| Operator::Reinvite { leg: leg.id, direction };
    world.operate(offer(MediaDirection::SendOnly));
    world.run_for(Duration::from_secs(2));
    assert!(world.calls(agent)[0].hold.remote);
    assert!(!world.speaks(agent, mine), "who is held does not send");
    world.operate(offer(MediaDirection::SendRecv));
    world.run_for(Duration::from_secs(2));
    assert_golden(
        "hold-and-resume-by-the-other-side",
        "The other side holds and resumes.",
        world.ladder().text(),
    );
    assert!(world.speaks(agent, mine));
    let theirs = call(&world, customer);
    world.command(customer, Command::HangUp { call: theirs }).unwrap();
    assert_quiet(&mut world);
}

#[test]
fn a_call_out_to_the_echo() {
    let (mut world, [agent]) = signed_in(["agent1"]);
    let id = world.dial(agent, "600").unwrap();
    world.run_until("it is established", |w| state(w, agent) == Some(CallState::Established));
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.hears(agent, id), Some(Heard::Made(Treatment::Echo)));
    world.command(agent, Command::HangUp { call: id }).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_golden("call-out-echo", "A call out to the echo number.", world.ladder().text());
    assert_quiet(&mut world);
}

#[test]
fn a_call_out_to_who_is_busy_or_not_there() {
    for (number, name, reason) in [
        ("603", "call-out-busy", EndReason::Busy),
        ("606", "call-out-unreachable", EndReason::Unreachable(480)),
        ("1002", "call-out-not-registered", EndReason::Unreachable(480)),
        ("999", "call-out-unknown-number", EndReason::Unreachable(404)),
    ] {
        let (mut world, [agent]) = signed_in(["agent1"]);
        world.dial(agent, number).unwrap();
        world.run_for(Duration::from_secs(1));
        let title = format!("A call out to {number}: {reason}.");
        assert_golden(name, &title, world.ladder().text());
        assert_eq!(world.end_reasons(agent), [reason]);
        assert_quiet(&mut world);
    }
}

#[test]
fn a_call_out_with_early_media() {
    let (mut world, [agent]) = signed_in(["agent1"]);
    let id = world.dial(agent, "602").unwrap();
    world.run_until("early media is heard", |w| w.hears(agent, id).is_some());
    assert_eq!(world.hears(agent, id), Some(Heard::Made(Treatment::Tone(700))));
    assert!(!world.speaks(agent, id), "nothing goes out before the answer");
    world.run_for(Duration::from_secs(4));
    assert!(world.speaks(agent, id));
    world.run_for(Duration::from_secs(10));
    assert_golden(
        "call-out-early-media",
        "A call out that is heard before it is answered; the other side hangs up.",
        world.ladder().text(),
    );
    assert_eq!(world.end_reasons(agent), [EndReason::Remote]);
    assert_quiet(&mut world);
}

#[test]
fn a_call_out_that_is_cancelled() {
    let (mut world, [agent]) = signed_in(["agent1"]);
    let id = world.dial(agent, "610").unwrap();
    world.run_for(Duration::from_secs(2));
    assert_eq!(state(&world, agent), Some(CallState::Alerting));
    world.command(agent, Command::HangUp { call: id }).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_golden(
        "call-out-cancelled",
        "A call out that is given up while it rings.",
        world.ladder().text(),
    );
    assert_eq!(world.end_reasons(agent), [EndReason::Local]);
    assert_quiet(&mut world);
}

#[test]
fn a_call_from_agent_to_agent() {
    let (mut world, [one, two]) = signed_in(["agent1", "agent2"]);
    let id = world.dial(one, "1002").unwrap();
    world.run_until("it rings there", |w| state(w, one) == Some(CallState::Alerting));
    let theirs = call(&world, two);
    world.command(two, Command::Answer { call: theirs }).unwrap();
    world.run_until("they talk", |w| state(w, one) == Some(CallState::Established));
    world.run_for(Duration::from_secs(1));
    assert!(matches!(world.hears(one, id), Some(Heard::Leg(_))));
    world.command(two, Command::HangUp { call: theirs }).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_golden("call-between-agents", "An agent calls another.", world.ladder().text());
    assert_quiet(&mut world);
}

#[test]
fn a_stale_nonce_costs_one_more_round_trip() {
    let (mut world, [agent]) = signed_in(["agent1"]);
    world.operate(Operator::ExpireNonces);
    let id = world.dial(agent, "600").unwrap();
    world.run_until("it is established", |w| state(w, agent) == Some(CallState::Established));
    world.command(agent, Command::HangUp { call: id }).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_golden(
        "call-out-stale-nonce",
        "A call out with a nonce that is stale.",
        world.ladder().text(),
    );
    assert_quiet(&mut world);
}
