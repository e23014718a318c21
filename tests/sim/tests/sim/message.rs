//! Messages between agents, in virtual time.

use crate::golden::assert_golden;
use crate::journeys::{assert_quiet, is_registered};
use sidetone_pbx::PbxConfig;
use sidetone_phone::{Command, Event, MessageFailure, MessageId};
use sidetone_sim::World;
use std::time::Duration;

#[test]
fn a_message_arrives_and_one_to_nobody_is_told_to_its_writer() {
    let mut world = World::new(PbxConfig::bench(), 1);
    let phones = ["agent1", "agent2"].map(|user| world.add_phone(user));
    for phone in phones {
        world.command(phone, Command::Register).unwrap();
    }
    world.run_until("both are registered", |world| phones.iter().all(|p| is_registered(world, *p)));
    world.run_for(Duration::from_secs(1));
    world.ladder().clear();
    for (number, to) in [(1, "1002"), (2, "1003")] {
        let (message, text) = (MessageId(uuid::Uuid::from_u128(number)), "soon".to_owned());
        let to = to.to_owned();
        world.command(phones[0], Command::SendMessage { message, to, text }).unwrap();
        world.run_for(Duration::from_secs(1));
    }
    assert_golden(
        "message",
        "An agent writes to another, and to one who is not there: of that the server tells him.",
        world.ladder().text(),
    );
    let reason = MessageFailure::Unreachable;
    let message = MessageId(uuid::Uuid::from_u128(2));
    assert!(world.events(phones[0]).contains(&Event::MessageFailed { message, reason }));
    assert_eq!(world.pbx().legs().len(), 0);
    assert_quiet(&mut world);
}
