//! Calls that are answered without their agent, in virtual time.

use crate::golden::assert_golden;
use crate::journeys::{assert_quiet, call, is_registered, state};
use sidetone_pbx::PbxConfig;
use sidetone_phone::{AnswerMode, CallState, Command, EndReason};
use sidetone_sim::World;
use std::time::Duration;

#[test]
fn the_server_asks_and_the_phone_answers_by_itself() {
    let mut world = World::new(PbxConfig::bench(), 1);
    let agent = world.add_phone_with("agent1", |config| config.answer_mode = AnswerMode::Asked);
    let customer = world.add_phone("customer1");
    for phone in [agent, customer] {
        world.command(phone, Command::Register).unwrap();
    }
    world.run_until("both are registered", |world| {
        [agent, customer].iter().all(|phone| is_registered(world, *phone))
    });
    world.run_for(Duration::from_secs(1));
    world.ladder().clear();
    world.dial(customer, "1301").unwrap();
    world.run_until("they are connected", |world| {
        [agent, customer].iter().all(|p| state(world, *p) == Some(CallState::Established))
    });
    let id = call(&world, agent);
    assert!(world.calls(agent)[0].automatic);
    assert!(!world.speaks(agent, id), "the tone plays, and nobody hears the agent");
    world.run_for(Duration::from_secs(1));
    assert!(world.speaks(agent, id));
    world.command(agent, Command::HangUp { call: id }).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_golden(
        "answered-by-itself",
        "The server asks for it, and the agent's phone answers by itself after a second; a tone comes before his voice.",
        world.ladder().text(),
    );
    assert_eq!(world.end_reasons(agent), [EndReason::Local]);
    assert_quiet(&mut world);
}
