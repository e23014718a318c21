//! Recordings in virtual time: asked for, called up inside the call, shown as the server says.

use crate::golden::assert_golden;
use crate::journeys::{assert_quiet, is_registered};
use sidetone_pbx::{Operator, PbxConfig};
use sidetone_phone::{
    CallId, CallState, Command, Event, Recording, RecordingAccess, RecordingAction,
    RecordingFailure, RecordingState,
};
use sidetone_sim::{PhoneId, World};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// An agent who talks to a customer of this number.
fn talking(number: &str) -> (World, PhoneId, CallId) {
    let mut world = World::new(PbxConfig::bench(), 1);
    let agent = world.add_phone_with("agent1", |config| config.recordings = true);
    let customer = world.add_phone("customer1");
    for phone in [agent, customer] {
        world.command(phone, Command::Register).unwrap();
    }
    world.run_until("both are registered", |world| {
        [agent, customer].iter().all(|phone| is_registered(world, *phone))
    });
    world.run_for(SECOND);
    assert_eq!(world.snapshot(agent).unwrap().recording, RecordingAccess::Allowed);
    world.dial(customer, number).unwrap();
    let rings = |world: &World| {
        world.calls(agent).iter().find(|call| call.state == CallState::Ringing).map(|call| call.id)
    };
    world.run_until("it rings", |world| rings(world).is_some());
    let call = rings(&world).unwrap();
    world.command(agent, Command::Answer { call }).unwrap();
    world.run_for(SECOND * 2);
    world.ladder().clear();
    (world, agent, call)
}

fn ask(world: &mut World, agent: PhoneId, call: CallId, id: &str, action: RecordingAction) {
    let command = Command::Record { call, recording: id.parse().unwrap(), action };
    world.command(agent, command).unwrap();
}

fn seen(world: &World, agent: PhoneId) -> Vec<Recording> {
    world.calls(agent)[0].recordings.clone()
}

#[test]
fn an_agent_records_beside_what_is_recorded_by_rule() {
    let (mut world, agent, call) = talking("1881");
    let [auto] = &seen(&world, agent)[..] else { panic!("one, by rule") };
    assert!(auto.automatic && auto.certain && auto.state == RecordingState::Recording);
    ask(&mut world, agent, call, "1", RecordingAction::Start);
    world.run_for(SECOND);
    ask(&mut world, agent, call, "auto", RecordingAction::Pause);
    world.run_for(SECOND);
    ask(&mut world, agent, call, "1", RecordingAction::Stop);
    world.run_for(SECOND);
    assert_golden(
        "recording",
        "An agent records beside what is recorded by rule, pauses that, and stops his own.",
        world.ladder().text(),
    );
    let states: Vec<_> = seen(&world, agent).iter().map(|recording| recording.state).collect();
    assert_eq!(states, [RecordingState::Paused, RecordingState::Stopped]);
    world.command(agent, Command::HangUp { call }).unwrap();
    world.run_for(SECOND * 5);
    assert_quiet(&mut world);
}

#[test]
fn a_request_that_the_server_dies_over_is_told() {
    let (mut world, agent, call) = talking("1801");
    ask(&mut world, agent, call, "1", RecordingAction::Start);
    world.operate(Operator::Restart);
    world.run_for(SECOND * 20);
    let is_it = |event: &Event| {
        matches!(event, Event::RecordingFailed { reason: RecordingFailure::Unconfirmed, .. })
    };
    assert!(world.events(agent).iter().any(is_it), "{:?}", world.events(agent));
}
