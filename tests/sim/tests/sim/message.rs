//! Messages between agents, in virtual time.

use crate::golden::assert_golden;
use crate::journeys::{assert_quiet, is_registered};
use sidetone_pbx::PbxConfig;
use sidetone_phone::{Command, Event, MessageFailure, MessageId, MessageState};
use sidetone_sim::{PhoneId, World};
use std::time::Duration;

fn id(number: u128) -> MessageId {
    MessageId(uuid::Uuid::from_u128(number))
}

fn write(number: u128, to: &str) -> Command {
    Command::SendMessage { message: id(number), to: to.to_owned(), text: "soon".to_owned() }
}

/// Two agents who are there, and a ladder that begins now.
fn two_agents() -> (World, [PhoneId; 2]) {
    let mut world = World::new(PbxConfig::bench(), 1);
    let phones = ["agent1", "agent2"].map(|user| world.add_phone(user));
    for phone in phones {
        world.command(phone, Command::Register).unwrap();
    }
    world.run_until("both are registered", |world| phones.iter().all(|p| is_registered(world, *p)));
    world.run_for(Duration::from_secs(1));
    world.ladder().clear();
    (world, phones)
}

#[test]
fn a_message_arrives_and_one_to_nobody_is_told_to_its_writer() {
    let (mut world, phones) = two_agents();
    for (number, to) in [(1, "1002"), (2, "1003")] {
        world.command(phones[0], write(number, to)).unwrap();
        world.run_for(Duration::from_secs(1));
    }
    assert_golden(
        "message",
        "An agent writes to another, and to one who is not there: of that the server tells him.",
        world.ladder().text(),
    );
    let reason = MessageFailure::Unreachable;
    let message = id(2);
    assert!(world.events(phones[0]).contains(&Event::MessageFailed { message, reason }));
    assert_eq!(world.pbx().legs().len(), 0);
    assert_quiet(&mut world);
}

/// Whoever dies while he writes does not know whether it arrived, and writes nothing twice; whoever dies after he was
/// written to has what was written.
#[test]
fn phones_that_are_killed_have_their_messages() {
    let (mut world, [writer, reader]) = two_agents();
    world.command(writer, write(1, "1002")).unwrap();
    world.run_for(Duration::from_secs(1));
    world.command(writer, write(2, "1002")).unwrap();
    world.kill(writer);
    world.run_for(Duration::from_secs(1));
    world.kill(reader);
    let received = world.messages(reader).page(None, 9).messages.len();
    assert!(received >= 1, "the first arrived");
    for phone in [writer, reader] {
        world.switch_on(phone);
        world.command(phone, Command::Register).unwrap();
    }
    world.run_for(Duration::from_secs(60));
    let told = Event::MessageUncertain { message: id(2) };
    assert_eq!(world.events(writer).iter().filter(|event| **event == told).count(), 1);
    let sent = world.messages(writer).page(None, 9).messages;
    let states: Vec<_> = sent.iter().map(|message| (message.id, message.state)).collect();
    assert_eq!(states, [(id(2), MessageState::Uncertain), (id(1), MessageState::Accepted)]);
    let kept = world.messages(reader).page(None, 9).messages;
    assert_eq!(kept.len(), received, "nothing was sent again");
    assert!(kept.iter().all(|m| m.state == MessageState::Received && m.text == "soon"));
    assert_quiet(&mut world);
}
