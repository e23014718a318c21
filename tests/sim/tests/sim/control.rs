//! Control calls in virtual time: beside a call, and when the server or the network does not answer.

use crate::golden::assert_golden;
use crate::journeys::{assert_quiet, is_registered, state};
use sidetone_pbx::{Operator, PbxConfig};
use sidetone_phone::{
    CallState, Command, CommandError, ControlFailure, ControlId, EndReason, Event, HistoryFilter,
};
use sidetone_sim::{PhoneId, World};
use std::time::Duration;

/// Agent and customer, signed in.
fn signed_in() -> (World, PhoneId, PhoneId) {
    let mut world = World::new(PbxConfig::bench(), 1);
    let phones = ["agent1", "customer1"].map(|user| world.add_phone(user));
    for phone in phones {
        world.command(phone, Command::Register).unwrap();
    }
    world.run_until("both are registered", |world| phones.iter().all(|p| is_registered(world, *p)));
    world.run_for(Duration::from_secs(1));
    world.ladder().clear();
    let [agent, customer] = phones;
    (world, agent, customer)
}

fn control(world: &mut World, phone: PhoneId, number: u128, code: &str) -> ControlId {
    let control = ControlId(uuid::Uuid::from_u128(number));
    world.command(phone, Command::Control { control, code: code.to_owned() }).unwrap();
    control
}

#[test]
fn a_code_is_done_and_another_refused_and_neither_is_a_call() {
    let (mut world, agent, _) = signed_in();
    let done = control(&mut world, agent, 1, "*700");
    world.run_for(Duration::from_secs(1));
    let refused = control(&mut world, agent, 2, "*721");
    world.run_for(Duration::from_secs(1));
    assert_golden(
        "control",
        "An agent has the server carry out a code; of another it says that he may not.",
        world.ladder().text(),
    );
    let reason = ControlFailure::Forbidden;
    let told =
        [Event::ControlDone { control: done }, Event::ControlFailed { control: refused, reason }];
    assert_eq!(world.events(agent)[world.events(agent).len() - 2..], told);
    assert!(world.history(agent).page(&HistoryFilter::default(), None, 9).entries.is_empty());
    assert_quiet(&mut world);
}

#[test]
fn a_talk_is_not_touched_by_twenty_codes() {
    let (mut world, agent, customer) = signed_in();
    let call = world.dial(agent, "0301000001").unwrap();
    world.run_for(Duration::from_secs(1));
    let theirs = world.calls(customer)[0].id;
    world.command(customer, Command::Answer { call: theirs }).unwrap();
    world.run_until("they talk", |world| {
        [agent, customer].iter().all(|p| state(world, *p) == Some(CallState::Established))
    });
    world.run_for(Duration::from_secs(2));
    let before = world.snapshot(agent);
    let told = world.events(agent).len();
    for number in 0..20 {
        control(&mut world, agent, number, if number % 2 == 0 { "*700" } else { "*717" });
        assert_eq!(world.snapshot(agent), before);
        world.run_for(Duration::from_millis(100));
        assert!(world.speaks(agent, call) && world.hears(agent, call).is_some());
    }
    world.run_for(Duration::from_secs(1));
    let ends = world.events(agent)[told..].iter();
    let ends =
        ends.filter(|e| matches!(e, Event::ControlDone { .. } | Event::ControlFailed { .. }));
    assert_eq!(ends.count(), 20);
    assert_eq!(world.snapshot(agent), before);
    world.command(agent, Command::HangUp { call }).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.end_reasons(agent), [EndReason::Local]);
    assert_eq!(world.history(agent).page(&HistoryFilter::default(), None, 9).entries.len(), 1);
    assert_quiet(&mut world);
}

#[test]
fn a_server_that_does_not_end_it_is_hung_up_on_and_one_that_does_not_answer_is_given_up() {
    let (mut world, agent, _) = signed_in();
    let done = control(&mut world, agent, 1, "*799");
    world.run_for(Duration::from_secs(5));
    assert!(world.events(agent).contains(&Event::ControlDone { control: done }));
    assert_eq!(world.pbx().legs().len(), 0, "the phone has hung up");
    let given_up = control(&mut world, agent, 2, "*798");
    assert_eq!(world.command(agent, Command::Sleep), Err(CommandError::ControlUnderWay));
    world.run_for(Duration::from_secs(11));
    let reason = ControlFailure::TimedOut;
    assert!(world.events(agent).contains(&Event::ControlFailed { control: given_up, reason }));
    assert_quiet(&mut world);
}

#[test]
fn a_server_that_dies_in_the_middle_is_told_and_the_code_goes_no_second_time() {
    let (mut world, agent, _) = signed_in();
    let lost = control(&mut world, agent, 1, "*798");
    world.run_for(Duration::from_secs(1));
    world.ladder().clear();
    world.operate(Operator::Restart);
    world.run_until("it is registered again", |world| is_registered(world, agent));
    world.run_for(Duration::from_secs(60));
    let reason = ControlFailure::ConnectionLost;
    assert!(world.events(agent).contains(&Event::ControlFailed { control: lost, reason }));
    assert!(!world.ladder().text().contains("INVITE"), "{}", world.ladder().text());
    assert_quiet(&mut world);
}
