//! Which connection counts while one takes the place of another (RFC 5626 §4.2, §4.4).

use super::*;

const SHORT: Duration = Duration::from_millis(1);

fn id() -> CallId {
    call_id(0x5626)
}

/// A call rings there while one connection takes the place of another: the old one, and the INVITE on it.
fn replaced() -> (World, FlowId, Request) {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    world.reply(&invite, 180);
    let old = world.flow;
    world.handle(Input::NetworkChanged(Handover::MakeBeforeBreak));
    world.open_flow();
    world.grant();
    world.outputs.clear();
    (world, old, invite)
}

fn probed(world: &mut World) -> Option<FlowId> {
    let probe = world.take(|output| matches!(output, Output::Probe { .. }));
    let Some(Output::Probe { flow }) = probe else { return None };
    Some(flow)
}

#[test]
fn what_comes_over_a_connection_that_is_none_of_the_phones_is_no_sign_of_life_and_no_call() {
    let mut world = World::registered();
    let stranger = FlowId(99);
    let bytes = Message::from(world.invite(id())).to_bytes();
    world.handle(Input::NetworkChanged(Handover::BreakBeforeMake));
    assert_eq!(probed(&mut world), Some(world.flow));
    world.handle(Input::ProbeAnswered { flow: stranger });
    world.handle(Input::Received { flow: stranger, bytes });
    assert_eq!(world.phone.snapshot().calls, []);
    world.advance(SECOND * 2);
    assert_eq!(world.lamp(), RegistrationState::Unreachable);
}

#[test]
fn a_connection_whose_place_was_taken_ends_what_it_has_begun() {
    let (mut world, old, invite) = replaced();
    let new = std::mem::replace(&mut world.flow, old);
    world.reply(&invite, 486);
    world.request(Method::Ack);
    world.flow = new;
    world.ended(id(), EndReason::Busy);
    assert!(
        world.take(|o| *o == Output::CloseFlow { flow: old }).is_some(),
        "it has no more to do"
    );
}

#[test]
fn a_connection_whose_place_was_taken_is_probed_every_two_seconds_and_goes_when_it_is_silent() {
    let (mut world, old, _) = replaced();
    for _ in 0..4 {
        world.advance(SECOND * 2 - SHORT);
        assert_eq!(probed(&mut world), None);
        world.advance(SHORT);
        assert_eq!(probed(&mut world), Some(old));
        world.handle(Input::ProbeAnswered { flow: old });
    }
    world.advance(SECOND * 2);
    assert_eq!(probed(&mut world), Some(old));
    let closed = |output: &Output| *output == Output::CloseFlow { flow: old };
    world.advance(SECOND * 2 - SHORT);
    assert!(world.take(closed).is_none(), "it may still answer");
    world.advance(SHORT);
    assert!(world.take(closed).is_some());
}

#[test]
fn nothing_more_is_sent_on_a_connection_that_a_suspended_phone_gives_up() {
    let mut world = World::registered();
    world.advance(SECOND * 24);
    // The last probe is out, and while the process sleeps the registration is to be refreshed too.
    world.boot += SECOND * 570;
    world.phone.handle_timeout(world.now());
    let outputs: Vec<Output> = std::iter::from_fn(|| world.phone.poll_output()).collect();
    assert!(outputs.contains(&Output::CloseFlow { flow: world.flow }), "{outputs:?}");
    let sent = |output: &Output| matches!(output, Output::Transmit { .. });
    assert!(!outputs.iter().any(sent), "{outputs:?}");
}
