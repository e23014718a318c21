//! A supervisor, in virtual time: confirmed by the server, changed in the call, ended with the agent's.

use crate::golden::assert_golden;
use crate::journeys::{assert_quiet, is_registered};
use sidetone_pbx::PbxConfig;
use sidetone_phone::{
    AgentRequest, CallId, Command, EndReason, Event, Supervision, SupervisionEnd, SupervisionMode,
};
use sidetone_sim::media::Heard;
use sidetone_sim::{PhoneId, World};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// An agent who talks to a customer, and a supervisor.
fn talking() -> (World, PhoneId, CallId, PhoneId) {
    let mut world = World::new(PbxConfig::bench(), 1);
    let agent = world.add_phone_with("agent1", |config| config.queues = true);
    let (customer, supervisor) = (world.add_phone("customer1"), world.add_phone("colleague1"));
    for phone in [agent, customer, supervisor] {
        world.command(phone, Command::Register).unwrap();
    }
    world.run_until("all are registered", |world| {
        [agent, customer, supervisor].iter().all(|phone| is_registered(world, *phone))
    });
    let request = AgentRequest::LogIn { queue: None, reason: None };
    world.command(agent, Command::Agent { request }).unwrap();
    world.run_for(SECOND);
    world.dial(customer, "1821").unwrap();
    world.run_until("it rings", |world| !world.calls(agent).is_empty());
    let call = world.calls(agent)[0].id;
    world.command(agent, Command::Answer { call }).unwrap();
    world.run_for(SECOND * 2);
    world.ladder().clear();
    (world, agent, call, supervisor)
}

fn supervise(world: &mut World, phone: PhoneId, target: &str, mode: SupervisionMode) -> CallId {
    let call = CallId(uuid::Uuid::from_u128(77));
    let target = target.to_owned();
    world.command(phone, Command::Supervise { call, target, mode, follow: false }).unwrap();
    world.run_for(SECOND);
    call
}

fn seen(world: &World, phone: PhoneId) -> Supervision {
    world.calls(phone)[0].supervision.clone().unwrap()
}

#[test]
fn a_supervisor_listens_whispers_and_leaves_with_the_agents_call() {
    let (mut world, agent, call, supervisor) = talking();
    let watched = supervise(&mut world, supervisor, "agent1", SupervisionMode::Listen);
    assert_eq!(seen(&world, supervisor).mode, Some(SupervisionMode::Listen));
    assert!(matches!(world.hears(supervisor, watched), Some(Heard::Leg(_))), "he hears the call");
    let mode = SupervisionMode::Whisper;
    world.command(supervisor, Command::SetSupervisionMode { call: watched, mode }).unwrap();
    assert_eq!(seen(&world, supervisor).requested, Some(mode));
    world.run_for(SECOND);
    assert_eq!(
        (seen(&world, supervisor).mode, seen(&world, supervisor).requested),
        (Some(mode), None)
    );
    for on in [true, false] {
        world.command(agent, Command::Hold { call, on }).unwrap();
        world.run_for(SECOND);
        assert_eq!(seen(&world, supervisor).heard, !on, "he holds: {on}");
    }
    world.command(agent, Command::HangUp { call }).unwrap();
    world.run_for(SECOND);
    let reason = EndReason::Supervision(SupervisionEnd::CallOver);
    assert!(world.events(supervisor).contains(&Event::Ended { call: watched, reason }));
    assert_golden(
        "supervision",
        "A supervisor listens to an agent's call and whispers to him, who holds once, until it is over.",
        world.ladder().text(),
    );
    assert_quiet(&mut world);
}

#[test]
fn who_may_not_or_comes_too_early_is_told_why() {
    let (mut world, agent, call, supervisor) = talking();
    for (target, end) in
        [("agent3", SupervisionEnd::Forbidden), ("agent9", SupervisionEnd::UnknownAgent)]
    {
        let watched = supervise(&mut world, supervisor, target, SupervisionMode::Barge);
        let reason = EndReason::Supervision(end);
        assert_eq!(world.events(supervisor).last(), Some(&Event::Ended { call: watched, reason }));
    }
    world.command(agent, Command::HangUp { call }).unwrap();
    world.run_for(SECOND);
    let watched = supervise(&mut world, supervisor, "agent1", SupervisionMode::Listen);
    let reason = EndReason::Supervision(SupervisionEnd::NotInCall);
    assert_eq!(world.events(supervisor).last(), Some(&Event::Ended { call: watched, reason }));
}
