//! What the server has and what its user may, in virtual time: told on each connection, refused at once and by the server.

use crate::golden::assert_golden;
use crate::journeys::{assert_quiet, is_registered};
use sidetone_pbx::{Operator, PbxConfig};
use sidetone_phone::{
    CallId, Command, CommandError, EndReason, Event, Feature, FeatureState, SupervisionMode,
    TransfersReturn,
};
use sidetone_sim::{PhoneId, World};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Signed in at this server, and told what it has.
fn told(pbx: PbxConfig, user: &str) -> (World, PhoneId) {
    let mut world = World::new(pbx, 1);
    let phone = world.add_phone_with(user, |config| config.features = true);
    world.command(phone, Command::Register).unwrap();
    world.run_until("it is registered", |world| is_registered(world, phone));
    world.run_for(SECOND);
    (world, phone)
}

fn state(world: &World, phone: PhoneId, feature: Feature) -> FeatureState {
    world.snapshot(phone).unwrap().features.unwrap().of(feature).clone()
}

#[test]
fn an_agent_is_told_what_there_is_and_refused_what_is_not_his() {
    let mut world = World::new(PbxConfig::bench(), 1);
    let agent = world.add_phone_with("agent1", |config| config.features = true);
    world.command(agent, Command::Register).unwrap();
    world.run_until("it is registered", |world| is_registered(world, agent));
    world.run_for(SECOND);
    let call = CallId(uuid::Uuid::from_u128(5));
    let (target, mode) = ("agent2".to_owned(), SupervisionMode::Listen);
    let supervise = Command::Supervise { call, target, mode, follow: false };
    assert_eq!(world.command(agent, supervise), Err(CommandError::NotAllowed));
    assert_golden(
        "features",
        "An agent signs in, is told what the server has and what he may, and his phone refuses what he may not.",
        world.ladder().text(),
    );
    assert_eq!(world.snapshot(agent).unwrap().transfers_return, TransfersReturn::No);
    world.run_for(SECOND * 5);
    assert_quiet(&mut world);
}

#[test]
fn a_server_that_comes_back_with_less_is_believed() {
    let mut pbx = PbxConfig::bench();
    pbx.lacks.insert("recordings".to_owned(), "the server lacks app_mixmonitor".to_owned());
    let (mut world, agent) = told(pbx, "agent1");
    let why = "the server lacks app_mixmonitor".to_owned();
    assert_eq!(state(&world, agent, Feature::Recordings), FeatureState::Missing { why });
    world.operate(Operator::Restart);
    world.run_for(SECOND * 30);
    let changes =
        world.events(agent).iter().filter(|event| matches!(event, Event::FeaturesChanged { .. }));
    assert_eq!(changes.count(), 3, "told, in doubt, and told again");
    assert!(world.snapshot(agent).unwrap().features.unwrap().certain);
}

#[test]
fn a_right_that_is_taken_away_and_given_back_is_known_at_once() {
    let (mut world, agent) = told(PbxConfig::bench(), "agent1");
    world.ladder().clear();
    world.keep_inside("agent1", true, true);
    world.run_for(SECOND);
    assert_eq!(state(&world, agent, Feature::OutsideCalls), FeatureState::NotAllowed);
    assert_eq!(world.dial(agent, "0301000001"), Err(CommandError::NotAllowed));
    world.keep_inside("agent1", false, true);
    world.run_for(SECOND);
    assert_eq!(state(&world, agent, Feature::OutsideCalls), FeatureState::Available);
    assert_golden(
        "permission",
        "An agent's right to call outside is taken away and given back while his phone is connected: it knows at once.",
        world.ladder().text(),
    );
    assert!(world.dial(agent, "0301000001").is_ok());
}

#[test]
fn whom_the_server_refuses_is_told_what_he_may() {
    let (mut world, agent) = told(PbxConfig::bench(), "agent1");
    world.keep_inside("agent1", true, false);
    world.run_for(SECOND);
    let call = world.dial(agent, "0301000001").unwrap();
    world.run_for(SECOND);
    let ended = Event::Ended { call, reason: EndReason::Refused };
    assert!(world.events(agent).contains(&ended), "{:?}", world.events(agent));
    assert_eq!(world.dial(agent, "0301000001"), Err(CommandError::NotAllowed));
}

#[test]
fn who_may_not_call_outside_is_refused_by_the_server_too() {
    let mut world = World::new(PbxConfig::bench(), 1);
    let clerk = world.add_phone("clerk1");
    world.command(clerk, Command::Register).unwrap();
    world.run_until("it is registered", |world| is_registered(world, clerk));
    let call = world.dial(clerk, "0301000001").unwrap();
    world.run_for(SECOND * 3);
    let ended = Event::Ended { call, reason: EndReason::Refused };
    assert!(world.events(clerk).contains(&ended), "{:?}", world.events(clerk));
    let (mut world, clerk) = told(PbxConfig::bench(), "clerk1");
    assert_eq!(world.dial(clerk, "0301000001"), Err(CommandError::NotAllowed));
    assert_eq!(state(&world, clerk, Feature::AutoAnswer), FeatureState::NotAllowed);
}
