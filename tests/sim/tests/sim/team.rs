//! Who watches his team, in virtual time: what he is told, and what he believes when nobody tells him.

use crate::golden::assert_golden;
use crate::journeys::{assert_quiet, is_registered};
use sidetone_pbx::{Operator, PbxConfig};
use sidetone_phone::{AgentRequest, AgentState, Command, Event, TeamSnapshot, TeamState};
use sidetone_sim::{PhoneId, World};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// An agent who is in no queue, and the colleague who watches him.
fn watched() -> (World, PhoneId, PhoneId) {
    let mut world = World::new(PbxConfig::bench(), 1);
    let agent = world.add_phone_with("agent1", |config| config.queues = true);
    let watcher = world.add_phone("colleague1");
    for phone in [agent, watcher] {
        world.command(phone, Command::Register).unwrap();
    }
    world.run_until("both are registered", |world| {
        [agent, watcher].iter().all(|phone| is_registered(world, *phone))
    });
    world.run_for(SECOND);
    world.ladder().clear();
    world.command(watcher, Command::Watch { on: true }).unwrap();
    world.run_for(SECOND);
    (world, agent, watcher)
}

fn team(world: &World, watcher: PhoneId) -> TeamSnapshot {
    (*world.snapshot(watcher).unwrap().team.unwrap()).clone()
}

fn seen(world: &World, watcher: PhoneId) -> AgentState {
    team(world, watcher).people[0].state
}

fn ask(world: &mut World, agent: PhoneId, request: AgentRequest) {
    world.command(agent, Command::Agent { request }).unwrap();
    world.run_for(SECOND);
}

fn log_in(reason: Option<&str>) -> AgentRequest {
    AgentRequest::LogIn { queue: None, reason: reason.map(str::to_owned) }
}

#[test]
fn a_colleague_is_seen_through_his_day() {
    let (mut world, agent, watcher) = watched();
    assert_eq!(seen(&world, watcher), AgentState::LoggedOut);
    ask(&mut world, agent, log_in(Some("break")));
    assert_eq!(seen(&world, watcher), AgentState::NotReady);
    ask(&mut world, agent, AgentRequest::Unpause);
    assert_eq!(seen(&world, watcher), AgentState::Ready);
    world.command(watcher, Command::Watch { on: false }).unwrap();
    world.run_for(SECOND);
    assert_golden(
        "team",
        "A colleague watches his team: an agent logs in paused and is ready, and the colleague looks no more.",
        world.ladder().text(),
    );
    ask(&mut world, agent, AgentRequest::LogOut { queue: None });
    assert_eq!(world.snapshot(watcher).unwrap().team, None);
    assert_quiet(&mut world);
}

#[test]
fn a_server_that_restarts_makes_the_team_outdated_until_it_tells_it_anew() {
    let (mut world, agent, watcher) = watched();
    ask(&mut world, agent, log_in(None));
    assert_eq!(seen(&world, watcher), AgentState::Ready);
    world.operate(Operator::Restart);
    world.run_until("it is known", |world| team(world, watcher).state == TeamState::Outdated);
    world.run_until("it is told anew", |world| team(world, watcher).state == TeamState::Current);
    // Its memory is gone with it, or not: what it says now counts.
    ask(&mut world, agent, log_in(Some("lunch")));
    assert_ne!(seen(&world, watcher), AgentState::Unknown);
    let outdated = |event: &Event| matches!(event, Event::TeamChanged { team } if team.state == TeamState::Outdated);
    assert!(world.events(watcher).iter().any(outdated));
}

#[test]
fn a_phone_that_slept_past_its_watch_believes_nobody_and_asks() {
    let (mut world, agent, watcher) = watched();
    ask(&mut world, agent, log_in(None));
    world.suspend(watcher, SECOND * 60);
    world.run_for(SECOND * 65);
    assert_eq!(team(&world, watcher).state, TeamState::Current);
    assert_eq!(seen(&world, watcher), AgentState::Ready);
    let outdated = |event: &Event| matches!(event, Event::TeamChanged { team } if team.state == TeamState::Outdated);
    assert!(world.events(watcher).iter().any(outdated), "{:?}", world.events(watcher));
}
