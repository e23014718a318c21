//! Control calls: codes of the server's dial plan.

use super::*;
use sidetone_sip::sdp::SessionDescription;

fn id(number: u128) -> ControlId {
    ControlId(uuid::Uuid::from_u128(number))
}

fn ask(number: u128) -> Command {
    Command::Control { control: id(number), code: "*46*lunch".to_owned() }
}

fn done() -> Event {
    Event::ControlDone { control: id(1) }
}

fn failed(reason: ControlFailure) -> Event {
    Event::ControlFailed { control: id(1), reason }
}

/// A code that was sent, and its INVITE.
fn sent() -> (World, Request) {
    let mut world = World::registered();
    world.command(ask(1)).unwrap();
    let invite = world.request(Method::Invite);
    (world, invite)
}

/// The server has said yes.
fn answered() -> (World, Request) {
    let (mut world, invite) = sent();
    world.reply_sdp(&invite, 200, "pbx", &self::sdp("inactive"));
    world.request(Method::Ack);
    assert_eq!(world.events.pop_front(), Some(done()));
    (world, invite)
}

/// Nothing of it is a call, and nothing was told besides.
#[track_caller]
fn left_no_trace(world: &mut World) {
    assert!(world.outputs.is_empty(), "asked for: {:?}", world.outputs);
    assert!(world.events.is_empty(), "told: {:?}", world.events);
    assert!(world.phone.snapshot().calls.is_empty());
    world.silent();
}

#[test]
fn a_code_goes_out_as_an_invite_that_is_no_call() {
    let (mut world, invite) = sent();
    assert_eq!(invite.uri.to_string(), "sip:*46*lunch@pbx.example");
    assert_eq!(invite.headers.get(&HeaderName::X_CONTROL_ID).unwrap(), id(1).to_string());
    assert!(!invite.headers.has(&HeaderName::X_CALL_UID), "it is no call");
    assert!(!invite.headers.has(&HeaderName::SESSION_EXPIRES));
    assert!(!invite.headers.has_token(&HeaderName::SUPPORTED, "100rel"));
    assert!(invite.headers.has(&HeaderName::AUTHORIZATION), "no round trip for a challenge");
    left_no_trace(&mut world);
}

#[test]
fn its_offer_is_what_a_server_for_browsers_takes_and_nobody_sends() {
    let (_, invite) = sent();
    assert_eq!(invite.headers.content_type().unwrap().media_type, "application/sdp");
    let body = String::from_utf8(invite.body.clone()).unwrap();
    let description = SessionDescription::parse(&body).unwrap();
    assert_eq!(description.media.len(), 1);
    for line in ["a=inactive", "a=rtcp-mux", "a=setup:active", "a=mid:0"] {
        assert!(body.lines().any(|other| other == line), "{line} is not in {body}");
    }
    let value = |name: &str| body.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    assert_eq!(value("a=fingerprint:sha-256 ").split(':').count(), 32);
    assert!(value("a=ice-ufrag:").len() >= 4 && value("a=ice-pwd:").len() >= 22, "RFC 8839 §5.4");
    assert!(!body.contains("a=candidate"));
    let (_, other) = {
        let mut world = World::registered();
        world.command(ask(1)).unwrap();
        world.request(Method::Invite);
        world.command(ask(2)).unwrap();
        let second = world.request(Method::Invite);
        (world, second)
    };
    assert_ne!(other.body, invite.body, "each has values of its own");
}

#[test]
fn a_2xx_is_the_servers_yes_and_its_bye_the_end() {
    let (mut world, invite) = answered();
    left_no_trace(&mut world);
    let bye = world.back(&invite, "pbx", Method::Bye);
    world.receive(bye.clone());
    world.response(200);
    left_no_trace(&mut world);
    let mut again = bye;
    again.headers.set(HeaderName::VIA, "SIP/2.0/WSS 192.0.2.1:8089;branch=z9hG4bKlater");
    world.receive(again);
    world.response(481);
}

#[test]
fn the_ack_carries_the_credentials_and_is_repeated() {
    let (mut world, invite) = sent();
    world.reply_sdp(&invite, 200, "pbx", &self::sdp("inactive"));
    let ack = world.request(Method::Ack);
    assert_eq!(ack.headers.cseq().unwrap().sequence, invite.headers.cseq().unwrap().sequence);
    assert!(ack.headers.has(&HeaderName::AUTHORIZATION), "RFC 3261 §22.1");
    world.reply_sdp(&invite, 200, "pbx", &self::sdp("inactive"));
    let again = world.request(Method::Ack);
    assert_eq!(again.headers.to(), ack.headers.to());
    assert_eq!(world.events.iter().filter(|event| **event == done()).count(), 1);
    world.silent();
}

#[test]
fn a_server_that_does_not_hang_up_is_hung_up_on() {
    let (mut world, _) = answered();
    world.advance(SECOND * 2);
    world.silent();
    world.advance(SECOND);
    let bye = world.request(Method::Bye);
    assert_eq!(bye.uri.to_string(), "sip:pbx@192.0.2.1:8089;transport=ws");
    world.challenge_to(&bye, "n2", true);
    let again = world.request(Method::Bye);
    assert!(again.headers.cseq().unwrap().sequence > bye.headers.cseq().unwrap().sequence);
    world.reply(&again, 200);
    world.advance_alive(SECOND * 60);
    assert!(world.events.is_empty());
    world.silent();
}

#[test]
fn each_refusal_is_told_by_its_kind_with_advice() {
    use ControlFailure::*;
    for (code, reason) in [
        (403, Forbidden),
        (603, Forbidden),
        (404, NotFound),
        (486, Busy),
        (480, Unavailable),
        (503, Unavailable),
        (410, Gone),
        (501, NotImplemented),
        (408, TimedOut),
        (488, Rejected(488)),
        (302, Rejected(302)),
    ] {
        let (mut world, invite) = sent();
        world.reply(&invite, code);
        world.request(Method::Ack);
        assert_eq!(world.events.pop_front(), Some(failed(reason)), "{code}");
        assert!(reason.to_string().contains(';'), "{reason}");
        left_no_trace(&mut world);
        assert_eq!(world.command(Command::Sleep), Ok(()), "nothing is left of it");
    }
}

#[test]
fn what_comes_before_the_answer_is_nothing() {
    let (mut world, invite) = sent();
    world.reply(&invite, 100);
    world.reply_sdp(&invite, 180, "pbx", "");
    world.reply_sdp(&invite, 183, "pbx", &self::sdp("sendrecv"));
    left_no_trace(&mut world);
}

#[test]
fn a_challenge_is_answered_and_no_other_response_has_it_sent_again() {
    let (mut world, invite) = sent();
    world.challenge_to(&invite, "n2", true);
    world.request(Method::Ack);
    let again = world.request(Method::Invite);
    assert_eq!(again.headers.call_id(), invite.headers.call_id());
    assert_eq!(again.body, invite.body);
    world.reply_sdp(&again, 200, "pbx", "");
    let ack = world.request(Method::Ack);
    assert_eq!(ack.headers.cseq().unwrap().sequence, again.headers.cseq().unwrap().sequence);
    assert_eq!(world.events.pop_front(), Some(done()));
    let (mut world, invite) = sent();
    world.reply(&invite, 503);
    world.request(Method::Ack);
    world.advance_alive(SECOND * 60);
    world.silent();
}

#[test]
fn a_server_that_challenges_for_ever_has_refused() {
    let (mut world, mut invite) = sent();
    for _ in 0..4 {
        world.challenge_to(&invite, "n3", true);
        world.request(Method::Ack);
        match world.sent.pop_front() {
            Some(Message::Request(next)) => invite = next,
            other => {
                assert_eq!(other, None);
                break;
            }
        }
    }
    assert_eq!(world.events.pop_front(), Some(failed(ControlFailure::Rejected(401))));
    world.silent();
}

#[test]
fn no_answer_in_time_is_told_and_what_may_still_ring_is_cancelled() {
    let (mut world, invite) = sent();
    world.reply(&invite, 100);
    world.advance(SECOND * 9);
    world.silent();
    world.advance(SECOND);
    assert_eq!(world.events.pop_front(), Some(failed(ControlFailure::TimedOut)));
    let cancel = world.request(Method::Cancel);
    assert_eq!(cancel.headers.via().unwrap().branch(), invite.headers.via().unwrap().branch());
    world.reply(&cancel, 200);
    world.reply(&invite, 487);
    world.request(Method::Ack);
    world.advance_alive(SECOND * 60);
    assert!(world.events.is_empty(), "told once");
    world.silent();
}

#[test]
fn a_cancel_waits_for_a_provisional_response() {
    let (mut world, invite) = sent();
    world.advance(SECOND * 10);
    assert_eq!(world.events.pop_front(), Some(failed(ControlFailure::TimedOut)));
    world.silent();
    assert!(world.take(|output| matches!(output, Output::Probe { .. })).is_some(), "doubted");
    world.reply(&invite, 100);
    world.request(Method::Cancel);
    world.reply(&invite, 100);
    world.silent();
}

#[test]
fn an_answer_that_comes_too_late_is_hung_up_and_not_told() {
    for cancelled in [true, false] {
        let (mut world, invite) = sent();
        if cancelled {
            world.reply(&invite, 100);
        }
        world.advance(SECOND * 10);
        assert_eq!(world.events.pop_front(), Some(failed(ControlFailure::TimedOut)));
        world.sent.clear();
        world.reply_sdp(&invite, 200, "pbx", &self::sdp("inactive"));
        world.request(Method::Ack);
        let bye = world.request(Method::Bye);
        world.reply(&bye, 200);
        assert!(world.events.iter().all(|event| *event != done()), "{:?}", world.events);
        world.silent();
    }
}

#[test]
fn a_second_fork_is_hung_up() {
    let (mut world, invite) = answered();
    world.reply_sdp(&invite, 200, "other", &self::sdp("inactive"));
    world.request(Method::Ack);
    let bye = world.request(Method::Bye);
    assert_eq!(bye.headers.to().unwrap().tag(), Some("other"));
    left_no_trace(&mut world);
}

#[test]
fn a_lost_connection_is_told_and_the_code_is_not_sent_again() {
    let (mut world, invite) = sent();
    world.reply(&invite, 100);
    world.lose_flow(FlowErrorKind::Lost);
    assert!(world.events.contains(&failed(ControlFailure::ConnectionLost)));
    world.advance(SECOND * 2);
    world.open_flow();
    world.grant();
    world.events.clear();
    world.silent();
    // The answer comes on the new connection all the same.
    world.reply_sdp(&invite, 200, "pbx", &self::sdp("inactive"));
    world.request(Method::Ack);
    world.request(Method::Bye);
    assert!(world.events.is_empty());
}

#[test]
fn a_network_that_is_another_is_told_as_soon_as_the_connection_is_known_to_be_dead() {
    let (mut world, _) = sent();
    world.handle(Input::NetworkChanged(Handover::BreakBeforeMake));
    assert!(world.events.is_empty(), "the connection may live on");
    world.advance(SECOND * 2);
    assert!(world.events.contains(&failed(ControlFailure::ConnectionLost)), "{:?}", world.events);
    world.silent();
}

#[test]
fn a_bye_that_is_lost_with_its_connection_goes_on_the_next() {
    let (mut world, _) = answered();
    world.lose_flow(FlowErrorKind::Lost);
    world.advance(SECOND * 5);
    world.open_flow();
    world.request(Method::Register);
    let bye = world.request(Method::Bye);
    world.lose_flow(FlowErrorKind::Lost);
    world.advance(SECOND * 5);
    world.open_flow();
    world.request(Method::Register);
    let again = world.request(Method::Bye);
    assert_eq!(again.headers.call_id(), bye.headers.call_id());
    world.reply(&again, 481);
    world.lose_flow(FlowErrorKind::Lost);
    world.advance(SECOND * 5);
    world.open_flow();
    world.request(Method::Register);
    world.silent();
}

#[test]
fn inside_its_dialog_nothing_can_be_agreed_on() {
    for (method, code) in [
        (Method::Invite, 488),
        (Method::Update, 488),
        (Method::Info, 200),
        (Method::Options, 200),
        (Method::Refer, 403),
    ] {
        let (mut world, invite) = answered();
        let mut request = world.back(&invite, "pbx", method.clone());
        if matches!(method, Method::Invite | Method::Update) {
            request.set_body("application/sdp", self::sdp("sendrecv").into_bytes());
        }
        world.receive(request);
        world.response(code);
        left_no_trace(&mut world);
        world.advance(SECOND * 3);
        world.request(Method::Bye);
    }
}

#[test]
fn a_call_that_talks_is_left_alone() {
    let call = call_id(1);
    let (mut world, ..) = World::talking_in(call);
    let before = world.phone.snapshot();
    world.command(ask(1)).unwrap();
    let invite = world.request(Method::Invite);
    world.reply_sdp(&invite, 200, "pbx", &self::sdp("inactive"));
    world.request(Method::Ack);
    let bye = world.back(&invite, "pbx", Method::Bye);
    world.receive(bye);
    world.response(200);
    assert_eq!(world.events.pop_front(), Some(done()));
    assert_eq!(world.phone.snapshot(), before);
    assert!(world.outputs.is_empty() && world.events.is_empty());
}

#[test]
fn what_cannot_be_sent_is_refused_at_once() {
    let mut world = World::registered();
    let empty = Command::Control { control: id(9), code: " ".to_owned() };
    assert_eq!(world.command(empty), Err(CommandError::InvalidCode));
    world.command(ask(1)).unwrap();
    assert_eq!(world.command(ask(1)), Err(CommandError::ControlIdTaken));
    for number in 2..33 {
        world.command(ask(number)).unwrap();
    }
    assert_eq!(world.command(ask(33)), Err(CommandError::TooManyControls));
    assert_eq!(World::new().command(ask(1)), Err(CommandError::NotRegistered));
}

#[test]
fn the_id_of_a_code_that_was_sent_is_not_used_again() {
    let (mut world, invite) = sent();
    world.reply(&invite, 404);
    world.request(Method::Ack);
    assert_eq!(world.command(ask(1)), Err(CommandError::ControlIdTaken));
    world.silent();
}

#[test]
fn a_phone_does_not_fall_asleep_before_the_answer_and_hangs_up_after_it() {
    let (mut world, invite) = sent();
    assert_eq!(world.command(Command::Sleep), Err(CommandError::ControlUnderWay));
    world.silent();
    world.reply_sdp(&invite, 200, "pbx", "");
    world.request(Method::Ack);
    world.command(Command::Sleep).unwrap();
    world.request(Method::Bye);
    world.request(Method::Register);
}

#[test]
fn a_user_who_signs_out_does_not_wait_for_it() {
    let (mut world, _) = sent();
    world.command(Command::Unregister).unwrap();
    world.grant();
    assert!(world.events.contains(&failed(ControlFailure::ConnectionLost)), "{:?}", world.events);
    assert_eq!(
        world
            .phone
            .poll_timeout()
            .map(|(_, reason)| reason)
            .filter(|r| *r == TimerReason::CallDeadline),
        None
    );
}

#[test]
fn a_process_that_dies_leaves_nothing_of_it() {
    let (mut world, _) = sent();
    world.advance(SECOND);
    let saved = world.saved.clone().unwrap();
    assert!(saved.dialogs.is_empty() && saved.unfinished.is_empty() && saved.announced.is_empty());
    let mut next = World::with(config(), Some(saved));
    next.command(Command::Register).unwrap();
    next.open_flow();
    next.request(Method::Register);
    next.silent();
    assert!(next.events.iter().all(|event| !matches!(event, Event::Ended { .. })));
}

#[test]
fn an_answer_that_waited_while_the_process_slept_counts() {
    let (mut world, invite) = sent();
    world.reply(&invite, 100);
    world.boot += SECOND * 60;
    world.reply_sdp(&invite, 200, "pbx", "");
    assert!(world.events.contains(&done()), "{:?}", world.events);
}

/// Dozes for fourteen seconds and is awake for one, as often as that fits into a time; its connection is well.
fn dozes(world: &mut World, time: Duration) {
    for _ in 0..time.as_secs() / 15 {
        world.boot += SECOND * 14;
        world.phone.handle_timeout(world.now());
        world.handle(Input::ProbeAnswered { flow: world.flow });
        world.advance(SECOND);
    }
}

#[test]
fn a_device_that_dozes_again_and_again_is_told_that_no_answer_came() {
    let (mut world, invite) = sent();
    world.reply(&invite, 100);
    dozes(&mut world, SECOND * 60);
    assert!(world.events.is_empty(), "{:?}", world.events);
    dozes(&mut world, SECOND * 30);
    assert_eq!(world.events.pop_front(), Some(failed(ControlFailure::TimedOut)));
    world.request(Method::Cancel);
}

#[test]
fn a_device_that_dozes_again_and_again_hangs_up_where_the_server_does_not() {
    let (mut world, _) = answered();
    dozes(&mut world, SECOND * 60);
    world.silent();
    dozes(&mut world, SECOND * 30);
    world.request(Method::Bye);
}
