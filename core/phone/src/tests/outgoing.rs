//! The calling side.

use super::*;

fn id() -> CallId {
    call_id(0xd1a1)
}

/// Dialled and described; the INVITE.
fn dialled() -> (World, Request) {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "055 123-4".to_owned() }).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    world.events.clear();
    (world, invite)
}

#[test]
fn a_call_needs_a_registration_a_target_and_an_id_of_its_own() {
    let mut world = World::new();
    let dial = |to: &str| Command::Dial { call: id(), to: to.to_owned() };
    assert_eq!(world.command(dial("200")), Err(CommandError::NotRegistered));
    let mut world = World::registered();
    assert_eq!(world.command(dial("a b")), Err(CommandError::InvalidTarget));
    world.command(dial("200")).unwrap();
    assert_eq!(world.command(dial("200")), Err(CommandError::CallIdTaken));
    for number in 1..8 {
        world.command(Command::Dial { call: call_id(number), to: "1".to_owned() }).unwrap();
    }
    let ninth = Command::Dial { call: call_id(9), to: "1".to_owned() };
    assert_eq!(world.command(ninth), Err(CommandError::TooManyCalls));
}

#[test]
fn the_invite_carries_the_offer_the_call_id_and_kept_credentials() {
    let (world, invite) = dialled();
    assert_eq!(invite.uri.to_string(), "sip:0551234@pbx.example");
    assert_eq!(invite.headers.get(&HeaderName::X_CALL_UID).unwrap(), id().to_string());
    assert!(invite.headers.has(&HeaderName::AUTHORIZATION), "no round trip for a challenge");
    assert_eq!(invite.body, self::sdp("sendrecv").as_bytes());
    assert_eq!(invite.headers.content_type().unwrap().media_type, "application/sdp");
    assert!(invite.headers.contact_uri().is_ok());
    assert_eq!(world.state(id()), Some(CallState::Dialing));
}

#[test]
fn it_rings_is_answered_and_established() {
    let (mut world, invite) = dialled();
    world.reply(&invite, 100);
    assert_eq!(world.state(id()), Some(CallState::Dialing));
    world.reply_sdp(&invite, 180, "bob", "");
    world.reply_sdp(&invite, 180, "bob", "");
    assert_eq!(world.events.pop_front(), Some(Event::Ringing { call: id() }));
    assert!(world.events.is_empty(), "once");
    world.reply_sdp(&invite, 200, "bob", &self::sdp("sendrecv"));
    let ack = world.request(Method::Ack);
    assert_eq!(ack.headers.cseq().unwrap().sequence, invite.headers.cseq().unwrap().sequence);
    assert_eq!(ack.uri.to_string(), "sip:pbx@192.0.2.1:8089;transport=ws");
    assert!(ack.headers.has(&HeaderName::AUTHORIZATION));
    let answer = Output::SetRemoteAnswer { call: id(), sdp: self::sdp("sendrecv") };
    assert_eq!(world.outputs.pop_front(), Some(answer));
    world.handle(Input::MediaConnected { call: id() });
    let events: Vec<_> = world.events.drain(..).collect();
    let direction = Direction::Outgoing;
    let answered = Event::Answered { call: id(), direction };
    assert_eq!(events, [answered, Event::Established { call: id() }]);
}

#[test]
fn a_challenged_invite_goes_again_and_its_ack_has_the_same_sequence() {
    let (mut world, invite) = dialled();
    world.challenge_to(&invite, "n7", true);
    world.request(Method::Ack);
    let again = world.request(Method::Invite);
    assert_eq!(again.headers.cseq().unwrap().sequence, 2);
    assert_eq!(again.headers.call_id(), invite.headers.call_id());
    assert_eq!(again.body, invite.body);
    world.reply_sdp(&again, 200, "bob", &self::sdp("sendrecv"));
    let ack = world.request(Method::Ack);
    assert_eq!(ack.headers.cseq().unwrap().sequence, 2);
    world.command(Command::HangUp { call: id() }).unwrap();
    let bye = world.request(Method::Bye);
    assert_eq!(bye.headers.cseq().unwrap().sequence, 3);
}

#[test]
fn early_media_is_heard_but_nothing_is_sent() {
    let (mut world, invite) = dialled();
    // A body of another kind is no early media.
    let mut other = invite.response(StatusCode::new(183).unwrap(), Some("bob"));
    other.set_body("text/plain", b"hello".to_vec());
    world.receive(other);
    assert!(!world.events.contains(&Event::EarlyMedia { call: id() }));
    world.reply_sdp(&invite, 183, "bob", &self::sdp("sendrecv"));
    world.reply_sdp(&invite, 183, "bob", &self::sdp("sendrecv"));
    let outputs: Vec<_> = world.outputs.drain(..).collect();
    let answer = Output::SetRemoteAnswer { call: id(), sdp: self::sdp("sendrecv") };
    assert_eq!(outputs, [answer, Output::SetDownlink { call: id(), open: true }]);
    assert_eq!(world.events.pop_front(), Some(Event::EarlyMedia { call: id() }));
    world.handle(Input::MediaConnected { call: id() });
    world.handle(Input::FirstHeard { call: id() });
    world.reply_sdp(&invite, 200, "bob", &self::sdp("sendrecv"));
    world.request(Method::Ack);
    let open = Output::SetUplink { call: id(), open: true, muted: false };
    assert_eq!(world.outputs.drain(..).collect::<Vec<_>>(), [open]);
    assert_eq!(world.state(id()), Some(CallState::Established));
    world.advance(Duration::from_millis(30));
    world.events.clear();
    world.handle(Input::FirstSent { call: id() });
    let (first_sent, first_heard) = (Some(Duration::from_millis(30)), Some(Duration::ZERO));
    let flowing = Event::MediaFlowing { call: id(), first_sent, first_heard };
    assert_eq!(world.events.pop_front(), Some(flowing));
}

#[test]
fn refusals_are_told_apart() {
    let cases = [
        (486, EndReason::Busy),
        (600, EndReason::Busy),
        (603, EndReason::Refused),
        (403, EndReason::Refused),
        (404, EndReason::Unreachable(404)),
        (480, EndReason::Unreachable(480)),
        (408, EndReason::NoAnswer),
        (302, EndReason::Rejected { status: 302, reason: "Moved Temporarily".to_owned() }),
        (488, EndReason::Rejected { status: 488, reason: "Not Acceptable Here".to_owned() }),
        (503, EndReason::Rejected { status: 503, reason: "Service Unavailable".to_owned() }),
    ];
    for (code, reason) in cases {
        let (mut world, invite) = dialled();
        world.reply(&invite, code);
        world.request(Method::Ack);
        world.ended(id(), reason);
    }
}

#[test]
fn a_hang_up_before_anything_was_sent_is_silent() {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.command(Command::HangUp { call: id() }).unwrap();
    world.silent();
    world.ended(id(), EndReason::Local);
}

#[test]
fn a_cancel_waits_for_a_provisional_response() {
    let (mut world, invite) = dialled();
    world.command(Command::HangUp { call: id() }).unwrap();
    world.silent();
    world.reply(&invite, 100);
    let cancel = world.request(Method::Cancel);
    assert_eq!(cancel.headers.via(), invite.headers.via());
    world.reply(&cancel, 200);
    world.reply(&invite, 180);
    world.silent();
    world.reply(&invite, 487);
    world.request(Method::Ack);
    world.ended(id(), EndReason::Local);
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up() {
    let (mut world, invite) = dialled();
    world.reply(&invite, 180);
    world.command(Command::HangUp { call: id() }).unwrap();
    world.request(Method::Cancel);
    world.reply_sdp(&invite, 200, "bob", &self::sdp("sendrecv"));
    world.request(Method::Ack);
    let bye = world.request(Method::Bye);
    world.reply(&bye, 481);
    world.ended(id(), EndReason::Local);
}

#[test]
fn a_cancelled_invite_that_is_challenged_is_not_sent_again() {
    let (mut world, invite) = dialled();
    world.reply(&invite, 100);
    world.command(Command::HangUp { call: id() }).unwrap();
    world.request(Method::Cancel);
    world.challenge_to(&invite, "n8", true);
    world.request(Method::Ack);
    world.silent();
    world.ended(id(), EndReason::Local);
}

#[test]
fn a_repeated_answer_gets_its_ack_again_and_another_fork_a_bye() {
    let (mut world, invite) = dialled();
    world.reply_sdp(&invite, 200, "bob", &self::sdp("sendrecv"));
    world.request(Method::Ack);
    world.reply_sdp(&invite, 200, "bob", &self::sdp("sendrecv"));
    world.request(Method::Ack);
    world.silent();
    world.reply_sdp(&invite, 200, "carol", &self::sdp("sendrecv"));
    let ack = world.request(Method::Ack);
    assert_eq!(ack.headers.to().unwrap().tag(), Some("carol"));
    let bye = world.request(Method::Bye);
    assert_eq!(bye.headers.to().unwrap().tag(), Some("carol"));
    assert_eq!(bye.headers.cseq().unwrap().sequence, 2);
    world.reply(&bye, 200);
    assert_eq!(world.state(id()), Some(CallState::Answered));
}

#[test]
fn nobody_answers_for_three_minutes() {
    let (mut world, invite) = dialled();
    world.reply(&invite, 180);
    for _ in 0..36 {
        world.handle(Input::ProbeAnswered { flow: world.flow });
        world.advance(SECOND * 5);
    }
    world.request(Method::Cancel);
    world.reply(&invite, 487);
    world.request(Method::Ack);
    world.ended(id(), EndReason::NoAnswer);
}

#[test]
fn an_invite_without_any_response_ends_by_timer_b() {
    let (mut world, _) = dialled();
    for _ in 0..32 {
        world.handle(Input::ProbeAnswered { flow: world.flow });
        world.advance(SECOND);
    }
    world.ended(id(), EndReason::TimedOut);
}

#[test]
fn a_call_that_rang_when_its_flow_was_lost_is_cancelled_on_the_next() {
    let (mut world, invite) = dialled();
    world.reply(&invite, 180);
    world.lose_flow(FlowErrorKind::Lost);
    world.ended(id(), EndReason::NetworkLost);
    world.advance(SECOND * 2);
    world.open_flow();
    let register = world.request(Method::Register);
    let cancel = world.request(Method::Cancel);
    assert_eq!(cancel.headers.via(), invite.headers.via());
    assert_eq!(cancel.headers.call_id(), invite.headers.call_id());
    assert_eq!(cancel.uri, invite.uri);
    world.reply(&cancel, 200);
    world.grant_to(&register, &["<sip:agent1@192.0.2.9:40002;transport=ws>;expires=600"]);
    world.silent();
    world.lose_flow(FlowErrorKind::Lost);
    world.advance(SECOND * 2);
    world.open_flow();
    world.request(Method::Register);
    world.silent();
}

#[test]
fn a_lost_flow_ends_what_is_not_answered() {
    let (mut world, invite) = dialled();
    world.reply(&invite, 180);
    world.lose_flow(FlowErrorKind::Lost);
    world.ended(id(), EndReason::NetworkLost);
}

#[test]
fn a_flow_that_is_lost_before_the_invite_could_go_ends_the_call_at_once() {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.lose_flow(FlowErrorKind::Lost);
    world.described(id());
    world.ended(id(), EndReason::NetworkLost);
}

#[test]
fn an_answer_without_a_description_is_hung_up() {
    let (mut world, invite) = dialled();
    world.reply_sdp(&invite, 200, "bob", "");
    world.request(Method::Ack);
    let bye = world.request(Method::Bye);
    world.reply(&bye, 200);
    world.ended(id(), EndReason::Media("the other side answered without a description".to_owned()));
}

#[test]
fn an_offer_that_cannot_be_made_ends_the_call() {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    let (generation, _) = world.asked_description(id());
    let error = MediaError::Engine("no device".to_owned());
    world.handle(Input::Described { call: id(), generation, result: Err(error.clone()) });
    world.silent();
    world.ended(id(), EndReason::Media(error.to_string()));
}

#[test]
fn media_that_fails_while_it_rings_there_cancels_the_call() {
    let (mut world, invite) = dialled();
    world.reply(&invite, 180);
    world.handle(Input::MediaFailed { call: id(), error: MediaError::NoPath });
    world.request(Method::Cancel);
    world.reply(&invite, 487);
    world.request(Method::Ack);
    world.ended(id(), EndReason::Media(MediaError::NoPath.to_string()));
}
