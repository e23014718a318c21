//! A server that sends the phone elsewhere, in virtual time.

use crate::golden::assert_golden;
use crate::journeys::{assert_quiet, is_registered};
use sidetone_pbx::{PbxConfig, Treatment};
use sidetone_phone::{CallId, CallState, Command, EndReason, Event, ReferPolicy};
use sidetone_sim::media::Heard;
use sidetone_sim::{PhoneId, World};
use std::time::Duration;

/// A phone that calls this number and is answered there.
fn answered(policy: ReferPolicy, number: &str) -> (World, PhoneId, CallId) {
    let mut world = World::new(PbxConfig::bench(), 1);
    let agent = world.add_phone_with("agent1", |config| config.refer_policy = policy);
    world.command(agent, Command::Register).unwrap();
    world.run_until("it is registered", |world| is_registered(world, agent));
    world.run_for(Duration::from_secs(1));
    world.ladder().clear();
    let call = world.dial(agent, number).unwrap();
    world.run_until("it talks", |world| state(world, agent, call) == Some(CallState::Established));
    (world, agent, call)
}

fn state(world: &World, phone: PhoneId, call: CallId) -> Option<CallState> {
    world.calls(phone).iter().find(|c| c.id == call).map(|c| c.state)
}

fn sent_on(world: &World, phone: PhoneId) -> Option<CallId> {
    let went = |event: &Event| matches!(event, Event::Referred { .. });
    let told = world.events(phone).iter().find(|event| went(event))?;
    if let Event::Referred { new, .. } = told { Some(*new) } else { None }
}

#[test]
fn a_phone_that_follows_goes_where_the_server_sends_it() {
    let (mut world, agent, first) = answered(ReferPolicy::Follow, "613");
    world.run_until("it is there", |world| {
        sent_on(world, agent).is_some_and(|new| {
            state(world, agent, new) == Some(CallState::Established)
                && state(world, agent, first).is_none()
        })
    });
    world.run_for(Duration::from_secs(1));
    let new = sent_on(&world, agent).unwrap();
    assert_eq!(world.hears(agent, new), Some(Heard::Made(Treatment::Echo)));
    assert!(world.speaks(agent, new));
    world.command(agent, Command::HangUp { call: new }).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_golden(
        "sent-on",
        "The server sends the phone elsewhere, which follows; the first call stays until the new one is answered.",
        world.ladder().text(),
    );
    let ends = [EndReason::Referred("sip:600@bench.test".to_owned()), EndReason::Local];
    assert_eq!(world.end_reasons(agent), ends);
    assert_quiet(&mut world);
}

#[test]
fn a_phone_that_is_sent_to_who_is_busy_talks_on() {
    let (mut world, agent, first) = answered(ReferPolicy::Follow, "614");
    world.run_for(Duration::from_secs(4));
    let failed = |event: &Event| matches!(event, Event::ReferralFailed { .. });
    assert!(world.events(agent).iter().any(failed));
    assert_eq!(world.hears(agent, first), Some(Heard::Made(Treatment::Tone(700))));
    assert!(world.speaks(agent, first), "nobody asked for the hold");
    world.command(agent, Command::HangUp { call: first }).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_golden(
        "sent-on-busy",
        "The server sends the phone to who is busy: it comes back to the first call.",
        world.ladder().text(),
    );
    assert_eq!(world.end_reasons(agent), [EndReason::Busy, EndReason::Local]);
    assert_quiet(&mut world);
}

#[test]
fn nobody_sends_a_phone_out_of_its_domain_or_where_it_is_not_to_go() {
    for (policy, number) in [(ReferPolicy::Follow, "615"), (ReferPolicy::Refuse, "613")] {
        let (mut world, agent, first) = answered(policy, number);
        world.run_for(Duration::from_secs(3));
        assert_eq!(sent_on(&world, agent), None, "{number}");
        assert_eq!(world.hears(agent, first), Some(Heard::Made(Treatment::Tone(700))));
        world.command(agent, Command::HangUp { call: first }).unwrap();
        world.run_for(Duration::from_secs(1));
        assert_eq!(world.end_reasons(agent), [EndReason::Local]);
        assert_quiet(&mut world);
    }
}
