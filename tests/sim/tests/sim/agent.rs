//! An agent at his queues, in virtual time: logged in, paused, ready, and what a queue makes of it.

use crate::golden::assert_golden;
use crate::journeys::{assert_quiet, is_registered};
use sidetone_pbx::{Operator, PbxConfig};
use sidetone_phone::{
    AgentFailure, AgentRequest, AgentSnapshot, AgentState, CallState, Command, CommandError, Event,
};
use sidetone_sim::{PhoneId, World};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// An agent who is in no queue, and a customer.
fn signed_in() -> (World, PhoneId, PhoneId) {
    let mut world = World::new(PbxConfig::bench(), 1);
    let agent = world.add_phone_with("agent1", |config| config.queues = true);
    let customer = world.add_phone("customer1");
    for phone in [agent, customer] {
        world.command(phone, Command::Register).unwrap();
    }
    world.run_until("both are registered", |world| {
        [agent, customer].iter().all(|phone| is_registered(world, *phone))
    });
    world.run_for(SECOND);
    world.ladder().clear();
    (world, agent, customer)
}

fn seen(world: &World, agent: PhoneId) -> AgentSnapshot {
    world.snapshot(agent).unwrap().agent.unwrap()
}

fn ask(world: &mut World, agent: PhoneId, request: AgentRequest) {
    world.command(agent, Command::Agent { request }).unwrap();
    world.run_for(SECOND);
}

fn log_in() -> AgentRequest {
    AgentRequest::LogIn { queue: Some("desk1".to_owned()), reason: None }
}

fn lunch() -> AgentRequest {
    AgentRequest::Pause { reason: "lunch".to_owned() }
}

/// A customer calls the queue: whether it rings at the agent, who lets it.
fn rings(world: &mut World, (agent, customer): (PhoneId, PhoneId)) -> bool {
    let call = world.dial(customer, "1821").unwrap();
    world.run_for(SECOND * 3);
    let rings = world.calls(agent).iter().any(|call| call.state == CallState::Ringing);
    assert_eq!(rings, seen(world, agent).state == AgentState::Ringing);
    world.command(customer, Command::HangUp { call }).unwrap();
    world.run_for(SECOND * 2);
    rings
}

#[test]
fn an_agent_logs_in_pauses_and_is_ready_again() {
    let (mut world, agent, _) = signed_in();
    assert_eq!(seen(&world, agent).state, AgentState::LoggedOut);
    ask(&mut world, agent, log_in());
    ask(&mut world, agent, lunch());
    assert_eq!(seen(&world, agent).pause.unwrap().reason.as_deref(), Some("lunch"));
    ask(&mut world, agent, AgentRequest::Unpause);
    assert_golden(
        "agent",
        "An agent logs in to a queue, pauses with a reason, and is ready again.",
        world.ladder().text(),
    );
    assert_eq!(seen(&world, agent).state, AgentState::Ready);
    assert_quiet(&mut world);
}

#[test]
fn a_queue_rings_who_is_ready_and_nobody_else() {
    let (mut world, agent, customer) = signed_in();
    let both = (agent, customer);
    assert!(!rings(&mut world, both), "in no queue");
    ask(&mut world, agent, AgentRequest::LogIn { queue: None, reason: Some("break".to_owned()) });
    assert_eq!(seen(&world, agent).state, AgentState::NotReady);
    assert!(!rings(&mut world, both), "paused from the beginning");
    ask(&mut world, agent, AgentRequest::Unpause);
    assert!(rings(&mut world, both));
    ask(&mut world, agent, lunch());
    assert!(!rings(&mut world, both), "paused");
    ask(&mut world, agent, AgentRequest::LogOut { queue: None });
    assert_eq!(seen(&world, agent).state, AgentState::LoggedOut);
    assert!(!rings(&mut world, both), "logged out");
}

#[test]
fn what_another_phone_of_the_agent_does_is_seen_on_this_one() {
    let mut world = World::new(PbxConfig::bench(), 1);
    let phones = [(); 2].map(|()| world.add_phone_with("agent4", |config| config.queues = true));
    for phone in phones {
        world.command(phone, Command::Register).unwrap();
    }
    world.run_for(SECOND * 2);
    ask(&mut world, phones[0], AgentRequest::LogIn { queue: None, reason: None });
    ask(&mut world, phones[0], lunch());
    for phone in phones {
        assert_eq!(seen(&world, phone).state, AgentState::NotReady);
        assert!(seen(&world, phone).certain);
    }
}

#[test]
fn a_server_that_restarts_is_asked_anew_and_its_word_counts() {
    let (mut world, agent, _) = signed_in();
    ask(&mut world, agent, log_in());
    world.operate(Operator::Restart);
    world.run_until("the connection is known to be gone", |world| !seen(world, agent).certain);
    world.run_until("it is asked anew", |world| seen(world, agent).certain);
    assert_eq!(seen(&world, agent).requested, None);
}

#[test]
fn a_request_that_the_server_dies_over_is_told_and_its_outcome_asked_for() {
    let (mut world, agent, _) = signed_in();
    ask(&mut world, agent, log_in());
    world.command(agent, Command::Agent { request: lunch() }).unwrap();
    world.operate(Operator::Restart);
    world.run_for(SECOND * 20);
    let failed = Event::AgentFailed { request: lunch(), reason: AgentFailure::Unconfirmed };
    assert!(world.events(agent).contains(&failed), "{:?}", world.events(agent));
    assert!(seen(&world, agent).certain);
    let nowhere = AgentRequest::LogIn { queue: Some("nowhere".to_owned()), reason: None };
    let refused = world.command(agent, Command::Agent { request: nowhere });
    assert_eq!(refused, Err(CommandError::UnknownQueue));
}

#[test]
fn after_a_call_of_a_queue_the_agent_writes_it_down_and_is_ready_by_itself() {
    let (mut world, agent, customer) = signed_in();
    ask(&mut world, agent, log_in());
    world.dial(customer, "1821").unwrap();
    world.run_for(SECOND);
    let call = world.calls(agent)[0].id;
    world.command(agent, Command::Answer { call }).unwrap();
    world.run_for(SECOND);
    world.ladder().clear();
    world.command(agent, Command::HangUp { call }).unwrap();
    let expected = seen(&world, agent);
    assert_eq!((expected.state, expected.certain), (AgentState::WrapUp, false), "and never ready");
    world.run_for(SECOND);
    let pause = seen(&world, agent).pause.unwrap();
    assert_eq!(
        (seen(&world, agent).state, seen(&world, agent).certain),
        (AgentState::WrapUp, true)
    );
    assert_eq!(pause.until.map(|at| at.0), pause.since.map(|at| at.0 + SECOND * 3));
    let waits = world.dial(customer, "1821").unwrap();
    world.run_for(SECOND);
    assert!(world.calls(agent).is_empty(), "he writes");
    world.command(customer, Command::HangUp { call: waits }).unwrap();
    world.run_for(SECOND * 2);
    assert_eq!(seen(&world, agent).state, AgentState::Ready);
    assert_golden(
        "wrap-up",
        "An agent's call of a queue is over: he has three seconds to write it down, and is ready by himself.",
        world.ladder().text(),
    );
    assert!(rings(&mut world, (agent, customer)));
}

#[test]
fn who_ends_his_wrap_up_or_was_paused_before_is_left_alone() {
    let (mut world, agent, customer) = signed_in();
    ask(&mut world, agent, log_in());
    for paused in [false, true] {
        world.dial(customer, "1821").unwrap();
        world.run_for(SECOND * 2);
        let call = world.calls(agent)[0].id;
        world.command(agent, Command::Answer { call }).unwrap();
        world.run_for(SECOND);
        if paused {
            ask(&mut world, agent, lunch());
        }
        world.command(agent, Command::HangUp { call }).unwrap();
        world.run_for(SECOND);
        if !paused {
            assert_eq!(seen(&world, agent).state, AgentState::WrapUp);
            ask(&mut world, agent, AgentRequest::Unpause);
            ask(&mut world, agent, lunch());
        }
        world.run_for(SECOND * 10);
        assert_eq!(seen(&world, agent).pause.unwrap().reason.as_deref(), Some("lunch"));
        ask(&mut world, agent, AgentRequest::Unpause);
    }
}

#[test]
fn a_server_that_forgets_its_agents_is_believed_on_the_next_connection() {
    let (mut world, agent, _) = signed_in();
    for _ in 0..5 {
        ask(&mut world, agent, log_in());
    }
    world.operate(Operator::Restart);
    world.operate(Operator::Forget);
    world.run_for(SECOND * 20);
    assert_eq!(
        (seen(&world, agent).state, seen(&world, agent).certain),
        (AgentState::LoggedOut, true)
    );
}
