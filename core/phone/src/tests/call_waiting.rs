//! The tone of a call that waits: when the agent hears it.

use super::*;

fn talking() -> CallId {
    call_id(1)
}

fn waiting() -> CallId {
    call_id(2)
}

/// The last that was asked about the tone, if anything was.
fn asked(world: &mut World) -> Option<bool> {
    let mut last = None;
    while let Some(Output::SetCallWaiting { on }) =
        world.take(|o| matches!(o, Output::SetCallWaiting { .. }))
    {
        assert_ne!(last, Some(on), "said twice");
        last = Some(on);
    }
    last
}

/// A second call rings; its INVITE.
fn rings(world: &mut World) -> Request {
    let invite = world.invite(waiting());
    world.receive(invite.clone());
    world.described(waiting());
    world.response(180);
    invite
}

/// One call talks, and a second rings.
fn both() -> (World, Request) {
    let (mut world, _, _) = World::talking_in(talking());
    assert_eq!(asked(&mut world), None);
    let invite = rings(&mut world);
    assert_eq!(asked(&mut world), Some(true));
    (world, invite)
}

#[test]
fn a_call_that_waits_is_heard_until_it_is_decided() {
    let (mut world, _) = both();
    world.command(Command::Decline { call: waiting(), reason: DeclineReason::Busy }).unwrap();
    assert_eq!(asked(&mut world), Some(false), "declined");

    let (mut world, _) = both();
    world.command(Command::Answer { call: waiting() }).unwrap();
    assert_eq!(asked(&mut world), Some(false), "answered");

    let (mut world, invite) = both();
    let mut cancel = invite.clone();
    cancel.method = Method::Cancel;
    let cseq = invite.headers.cseq().unwrap().sequence;
    cancel.headers.set(HeaderName::CSEQ, format!("{cseq} CANCEL"));
    cancel.set_body("application/sdp", Vec::new());
    world.receive(cancel);
    assert_eq!(asked(&mut world), Some(false), "given up");
}

#[test]
fn nobody_hears_it_who_does_not_talk() {
    let (mut world, _) = World::ringing_in(talking());
    let invite = rings(&mut world);
    assert_eq!(asked(&mut world), None, "two that ring");
    world.command(Command::Answer { call: talking() }).unwrap();
    assert_eq!(asked(&mut world), Some(true));
    drop(invite);

    let (mut world, _) = both();
    world.command(Command::Hold { call: talking(), on: true }).unwrap();
    assert_eq!(asked(&mut world), Some(false), "he listens to nobody");
    world.command(Command::Hold { call: talking(), on: false }).unwrap();
    assert_eq!(asked(&mut world), Some(true));
    world.command(Command::HangUp { call: talking() }).unwrap();
    assert_eq!(asked(&mut world), Some(false), "it rings alone");
}

#[test]
fn the_platform_has_the_audio() {
    let mut world = answered_beside_another(Config { audio: AudioGate::Platform, ..config() });
    assert_eq!(asked(&mut world), None);
    world.handle(Input::AudioActivated);
    assert_eq!(asked(&mut world), Some(true));
    world.handle(Input::AudioDeactivated);
    assert_eq!(asked(&mut world), Some(false));
}

/// One call is answered, and a second rings.
fn answered_beside_another(config: Config) -> World {
    let (mut world, _) = World::ringing_with(config, talking());
    world.command(Command::Answer { call: talking() }).unwrap();
    world.response(200);
    rings(&mut world);
    world
}

#[test]
fn it_can_be_turned_off() {
    let mut world = answered_beside_another(Config { call_waiting: false, ..config() });
    assert_eq!(asked(&mut world), None);
}
