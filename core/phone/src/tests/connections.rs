//! Which connection counts while one takes the place of another (RFC 5626 §4.2, §4.4), and which server the next goes to (RFC 3263 §4.3).

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

/// It signs in at one of two servers.
fn with_two_servers() -> World {
    let mut config = config();
    config.servers.push("wss://other.example".parse().unwrap());
    let mut world = World::with(config, None);
    world.command(Command::Register).unwrap();
    world
}

/// The server asks for credentials, and says no more.
fn falls_silent(world: &mut World) {
    world.open_flow();
    world.advance(SECOND / 10);
    world.challenge();
    world.request(Method::Register);
}

#[test]
fn a_server_that_takes_connections_and_answers_nothing_is_followed_by_the_next() {
    let mut world = with_two_servers();
    let mut hosts = vec![];
    for _ in 0..4 {
        hosts.push(world.open_flow().host);
        world.request(Method::Register);
        world.advance(SECOND * 5);
        world.sent.clear();
    }
    assert_eq!(hosts, ["pbx.example", "other.example", "pbx.example", "other.example"]);
}

/// RFC 3263 §4.3: it is like one that cannot be reached, though it has asked for credentials.
#[test]
fn a_server_that_falls_silent_before_the_200_is_followed_by_the_next() {
    let mut world = with_two_servers();
    falls_silent(&mut world);
    world.advance(SECOND * 40);
    assert_eq!(world.open_flow().host, "other.example");
}

#[test]
fn the_only_server_is_tried_again_soon_where_it_falls_silent_before_the_200() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    falls_silent(&mut world);
    world.outputs.clear();
    // As long as the first was given.
    world.advance(SECOND * 39 / 10);
    assert_eq!(world.lamp(), RegistrationState::Registering);
    world.advance(SECOND / 10);
    assert_eq!(world.lamp(), RegistrationState::Unreachable);
    world.advance(SECOND);
    let asked = |output: &Output| matches!(output, Output::OpenFlow { .. });
    assert!(world.take(asked).is_some());
}

#[test]
fn a_server_that_is_overloaded_is_followed_by_the_next_and_the_last_by_the_first() {
    let mut world = with_two_servers();
    let mut hosts = vec![];
    for _ in 0..4 {
        hosts.push(world.open_flow().host);
        let register = world.request(Method::Register);
        world.reply(&register, 503);
        let closed = Output::CloseFlow { flow: world.flow };
        assert!(world.take(|output| *output == closed).is_some());
        let asked = |output: &Output| matches!(output, Output::OpenFlow { .. });
        while !world.outputs.iter().any(asked) {
            world.advance(Duration::from_millis(100));
        }
    }
    assert_eq!(hosts, ["pbx.example", "other.example", "pbx.example", "other.example"]);
}

/// A server that is starting: it answers nothing, or all but REGISTER, which nobody there takes yet.
#[test]
fn a_connection_whose_register_is_not_answered_is_given_up_and_the_next_ones_come_more_rarely() {
    for answers_others in [false, true] {
        is_given_up(answers_others);
    }
}

fn is_given_up(answers_others: bool) {
    let mut world = World::with(config(), None);
    world.command(Command::Register).unwrap();
    let opens = |world: &World| {
        world.outputs.iter().filter(|o| matches!(o, Output::OpenFlow { .. })).count()
    };
    let mut pauses = vec![];
    for _ in 0..4 {
        world.open_flow();
        world.request(Method::Register);
        world.outputs.clear();
        world.advance(SECOND);
        if answers_others {
            let flow = world.flow;
            world.handle(Input::ProbeAnswered { flow });
        }
        world.advance(Duration::from_millis(2_999));
        assert_eq!(opens(&world), 0, "it may still be answered");
        world.advance(Duration::from_millis(1));
        assert_eq!(world.lamp(), RegistrationState::Unreachable);
        let gone = world.now().boot;
        while opens(&world) == 0 {
            world.advance(Duration::from_millis(10));
        }
        pauses.push(world.now().boot - gone);
        world.sent.clear();
    }
    assert!(pauses[0] <= SECOND && pauses[3] >= SECOND * 4, "{pauses:?}");
}
