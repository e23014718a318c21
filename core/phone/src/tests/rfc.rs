//! Sentences of the RFCs, read by someone who did not write the phone, and what is hostile about
//! the world: forged, repeated, crossing, late and endless.

use super::*;

fn id() -> CallId {
    call_id(1)
}

/// An incoming call that rings, its INVITE changed before it goes out.
fn ringing_with(change: impl FnOnce(&mut Request)) -> (World, Request) {
    let mut world = World::registered();
    let mut invite = world.invite(id());
    change(&mut invite);
    world.receive(invite.clone());
    (world, invite)
}

/// A CANCEL of this request of the server.
fn cancel(request: &Request) -> Request {
    sidetone_sip::dialog::cancel(request)
}

fn routes(request: &Request) -> Vec<String> {
    request.headers.list(&HeaderName::ROUTE)
}

fn sequence(request: &Request) -> u32 {
    request.headers.cseq().unwrap().sequence
}

// RFC 3261 §12: routes, targets and sequence numbers, as they stand on the wire.

#[test]
fn the_called_side_follows_record_route_as_it_came() {
    let (mut world, invite) = ringing_with(|invite| {
        invite.headers.push(HeaderName::RECORD_ROUTE, "<sip:p1.example;lr>, <sip:p2.example;lr>");
        invite.headers.push(HeaderName::RECORD_ROUTE, "<sip:p3.example;lr>");
    });
    world.response(180);
    world.described(id());
    world.command(Command::Answer { call: id() }).unwrap();
    let ok = world.response(200);
    assert_eq!(ok.headers.list(&HeaderName::RECORD_ROUTE).len(), 3);
    let to = ok.headers.get(&HeaderName::TO).unwrap().into_owned();
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    world.command(Command::HangUp { call: id() }).unwrap();
    let bye = world.request(Method::Bye);
    assert_eq!(routes(&bye), ["<sip:p1.example;lr>", "<sip:p2.example;lr>", "<sip:p3.example;lr>"]);
    assert_eq!(bye.uri.to_string(), "sip:pbx@192.0.2.1:8089;transport=ws");
}

#[test]
fn the_calling_side_follows_record_route_reversed_and_a_strict_router_is_the_request_uri() {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    let mut ok = invite.response(StatusCode::OK, Some("bob"));
    ok.headers.set(HeaderName::CONTACT, "<sip:bob@192.0.2.4>");
    ok.headers.push(HeaderName::RECORD_ROUTE, "<sip:p2.example;lr>");
    ok.headers.push(HeaderName::RECORD_ROUTE, "<sip:strict.example>");
    ok.set_body("application/sdp", sdp("sendrecv").into_bytes());
    world.receive(ok);
    let ack = world.request(Method::Ack);
    assert_eq!(ack.uri.to_string(), "sip:strict.example");
    assert_eq!(routes(&ack), ["<sip:p2.example;lr>", "<sip:bob@192.0.2.4>"]);
}

#[test]
fn a_change_of_theirs_moves_the_target_of_our_bye() {
    let (mut world, invite, to) = World::talking_in(id());
    let mut change = world.inside(&invite, &to, Method::Invite);
    change.headers.set(HeaderName::CONTACT, "<sip:moved@192.0.2.77>");
    change.set_body("application/sdp", sdp("sendrecv").into_bytes());
    world.receive(change.clone());
    world.described(id());
    world.response(200);
    let mut ack = world.inside(&invite, &to, Method::Ack);
    ack.headers.set(HeaderName::CSEQ, format!("{} ACK", sequence(&change)));
    world.receive(ack);
    world.command(Command::HangUp { call: id() }).unwrap();
    assert_eq!(world.request(Method::Bye).uri.to_string(), "sip:moved@192.0.2.77");
}

// RFC 3261 §22: challenges inside a dialog.

#[test]
fn a_challenged_bye_goes_again_with_the_next_sequence_and_the_call_ends() {
    let (mut world, _) = World::talking_out(id());
    world.command(Command::HangUp { call: id() }).unwrap();
    let bye = world.request(Method::Bye);
    world.challenge_to(&bye, "n2", true);
    let again = world.request(Method::Bye);
    assert_eq!(sequence(&again), sequence(&bye) + 1);
    assert!(again.headers.get(&HeaderName::AUTHORIZATION).unwrap().contains("nonce=\"n2\""));
    assert_eq!(again.headers.to().unwrap().tag(), Some("bob"));
    world.reply(&again, 200);
    world.ended(id(), EndReason::Local);
}

#[test]
fn a_bye_that_is_challenged_for_ever_is_given_up_and_the_call_ends() {
    let (mut world, _) = World::talking_out(id());
    world.command(Command::HangUp { call: id() }).unwrap();
    let mut turns = 0;
    while let Some(Message::Request(bye)) = world.sent.pop_front() {
        turns += 1;
        assert!(turns < 8, "the phone is kept busy");
        world.challenge_to(&bye, &format!("x{turns}"), true);
    }
    world.ended(id(), EndReason::Local);
}

#[test]
fn a_challenged_hold_goes_again_and_the_bye_after_it_counts_on() {
    let (mut world, _) = World::talking_out(id());
    world.command(Command::Hold { call: id(), on: true }).unwrap();
    world.described(id());
    let change = world.request(Method::Invite);
    world.challenge_to(&change, "n2", true);
    assert_eq!(sequence(&world.request(Method::Ack)), sequence(&change));
    let again = world.request(Method::Invite);
    assert_eq!((sequence(&again), again.body.clone()), (sequence(&change) + 1, change.body));
    world.reply_sdp(&again, 200, "bob", &sdp("recvonly"));
    assert_eq!(sequence(&world.request(Method::Ack)), sequence(&again));
    world.command(Command::HangUp { call: id() }).unwrap();
    assert_eq!(sequence(&world.request(Method::Bye)), sequence(&again) + 1);
}

#[test]
fn a_challenged_hold_that_nobody_answers_then_ends_the_call_like_any_other() {
    let (mut world, _) = World::talking_out(id());
    world.command(Command::Hold { call: id(), on: true }).unwrap();
    world.described(id());
    let change = world.request(Method::Invite);
    world.challenge_to(&change, "n2", true);
    world.request(Method::Ack);
    world.request(Method::Invite);
    world.advance_alive(SECOND * 33);
    let bye = world.request(Method::Bye);
    world.reply(&bye, 481);
    world.ended(id(), EndReason::TimedOut);
}

#[test]
fn a_realm_with_quotes_is_given_back_quoted() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    world.open_flow();
    let register = world.request(Method::Register);
    let mut response = register.response(StatusCode::UNAUTHORIZED, Some("server"));
    let challenge = r#"Digest realm="a \"b\", c\\", nonce="n\"1", qop="auth""#;
    response.headers.push(HeaderName::WWW_AUTHENTICATE, challenge);
    world.receive(response);
    let again = world.request(Method::Register);
    let credentials = again.headers.get(&HeaderName::AUTHORIZATION).unwrap().into_owned();
    assert!(credentials.contains(r#"realm="a \"b\", c\\""#), "{credentials}");
    assert!(credentials.contains(r#"nonce="n\"1""#), "{credentials}");
}

// RFC 3261 §9: CANCEL.

#[test]
fn a_cancel_of_an_invite_that_is_not_known_gets_481() {
    let mut world = World::registered();
    let invite = world.invite(id());
    world.receive(cancel(&invite));
    world.response(481);
}

#[test]
fn a_cancel_that_crosses_a_refusal_gets_200_while_the_invite_is_remembered() {
    let (mut world, invite) = ringing_with(|_| {});
    world.response(180);
    let reason = DeclineReason::Busy;
    world.command(Command::Decline { call: id(), reason }).unwrap();
    let busy = world.response(486);
    world.receive(cancel(&invite));
    assert!(world.response(200).headers.to().unwrap().tag().is_some());
    assert!(busy.headers.to().unwrap().tag().is_some());
    world.silent();
}

#[test]
fn a_cancelled_change_gets_487_and_the_call_goes_on() {
    let (mut world, invite, to) = World::talking_in(id());
    let mut change = world.inside(&invite, &to, Method::Invite);
    change.set_body("application/sdp", sdp("sendonly").into_bytes());
    world.receive(change.clone());
    world.receive(cancel(&change));
    world.response(200);
    world.response(487);
    world.described(id());
    world.silent();
    assert_eq!(world.state(id()), Some(CallState::Established));
    assert_eq!(world.phone.snapshot().calls[0].hold, Hold::default());
}

#[test]
fn a_cancelled_change_that_wanted_our_offer_rolls_it_back() {
    let (mut world, invite, to) = World::talking_in(id());
    let change = world.inside(&invite, &to, Method::Invite);
    world.receive(change.clone());
    world.asked_description(id());
    world.receive(cancel(&change));
    world.response(200);
    world.response(487);
    let rollback = Output::Rollback { call: id() };
    assert!(world.take(|output| *output == rollback).is_some());
}

#[test]
fn an_answer_on_a_call_that_was_cancelled_is_acknowledged_though_it_comes_twice() {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    world.reply(&invite, 180);
    world.command(Command::HangUp { call: id() }).unwrap();
    let cancel = world.request(Method::Cancel);
    assert_eq!(cancel.headers.via().unwrap().branch(), invite.headers.via().unwrap().branch());
    world.reply_sdp(&invite, 200, "bob", &sdp("sendrecv"));
    world.request(Method::Ack);
    let bye = world.request(Method::Bye);
    world.reply_sdp(&invite, 200, "bob", &sdp("sendrecv"));
    world.request(Method::Ack);
    world.silent();
    world.reply(&cancel, 200);
    world.reply(&bye, 200);
    world.ended(id(), EndReason::Local);
}

// RFC 3261 §13, §14, §15: calls.

#[test]
fn it_rings_there_also_after_other_progress() {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    world.reply(&invite, 183);
    world.reply(&invite, 180);
    world.reply(&invite, 180);
    let rings = world.events.iter().filter(|e| **e == Event::Ringing { call: id() }).count();
    assert_eq!(rings, 1);
}

/// A call whose early media comes from one fork and whose answer comes from another.
fn answered_by_another_fork(answer: &str) -> World {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    world.reply_sdp(&invite, 183, "early", &sdp("sendrecv"));
    world.handle(Input::MediaConnected { call: id() });
    world.reply_sdp(&invite, 200, "other", answer);
    let ack = world.request(Method::Ack);
    assert_eq!(ack.headers.to().unwrap().tag(), Some("other"));
    world
}

#[test]
fn who_played_early_media_does_not_hear_what_is_said_to_the_fork_that_answered() {
    let answer = sdp("sendrecv").replace("AA:BB", "CC:DD");
    for answer in [answer.as_str(), ""] {
        let mut world = answered_by_another_fork(answer);
        assert_eq!(world.request(Method::Bye).headers.to().unwrap().tag(), Some("other"));
        let opened = |o: &Output| matches!(o, Output::SetUplink { open: true, .. });
        assert!(world.take(opened).is_none());
    }
}

#[test]
fn a_fork_that_answers_with_the_description_of_the_early_media_is_the_same_party() {
    let world = answered_by_another_fork(&sdp("sendrecv"));
    assert_eq!(world.state(id()), Some(CallState::Established));
    world.silent();
}

#[test]
fn an_answer_without_contact_is_acknowledged_where_the_invite_went() {
    for contact in [None, Some("<sip:>"), Some("*")] {
        let mut world = World::registered();
        world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
        world.described(id());
        let invite = world.request(Method::Invite);
        let mut ok = invite.response(StatusCode::OK, Some("bob"));
        contact.iter().for_each(|contact| ok.headers.set(HeaderName::CONTACT, contact));
        ok.set_body("application/sdp", sdp("sendrecv").into_bytes());
        world.receive(ok);
        assert_eq!(world.request(Method::Ack).uri, invite.uri);
        assert_eq!(world.state(id()), Some(CallState::Answered));
        world.command(Command::HangUp { call: id() }).unwrap();
        assert_eq!(world.request(Method::Bye).uri, invite.uri);
    }
}

#[test]
fn a_change_that_meets_our_bye_is_refused_and_its_sender_may_hang_up_too() {
    let (mut world, invite, to) = World::talking_in(id());
    world.command(Command::HangUp { call: id() }).unwrap();
    let bye = world.request(Method::Bye);
    let mut change = world.inside(&invite, &to, Method::Invite);
    change.set_body("application/sdp", sdp("sendrecv").into_bytes());
    world.receive(change);
    world.response(481);
    let theirs = world.inside(&invite, &to, Method::Bye);
    world.receive(theirs);
    world.response(200);
    world.ended(id(), EndReason::Local);
    world.reply(&bye, 481);
    world.silent();
}

#[test]
fn a_hold_that_is_accepted_after_we_hung_up_is_acknowledged() {
    let (mut world, _) = World::talking_out(id());
    world.command(Command::Hold { call: id(), on: true }).unwrap();
    world.described(id());
    let change = world.request(Method::Invite);
    world.command(Command::HangUp { call: id() }).unwrap();
    let bye = world.request(Method::Bye);
    world.reply_sdp(&change, 200, "bob", &sdp("recvonly"));
    assert_eq!(sequence(&world.request(Method::Ack)), sequence(&change));
    world.reply(&bye, 200);
    world.ended(id(), EndReason::Local);
}

#[test]
fn options_in_a_call_says_what_the_phone_can_too() {
    let (mut world, invite, to) = World::talking_in(id());
    let options = world.inside(&invite, &to, Method::Options);
    world.receive(options);
    let response = world.response(200);
    assert!(response.headers.has_token(&HeaderName::ALLOW, "BYE"));
    assert!(response.headers.has(&HeaderName::ACCEPT));
}

#[test]
fn after_hours_of_sleep_the_lamp_waits_for_the_servers_answer() {
    let mut world = World::registered();
    world.boot += Duration::from_secs(5 * 3600);
    world.phone.handle_timeout(world.now());
    world.drain();
    assert_ne!(world.lamp(), RegistrationState::Registered, "the binding expired hours ago");
    let dial = Command::Dial { call: id(), to: "200".to_owned() };
    assert_eq!(world.command(dial.clone()), Err(CommandError::NotRegistered));
    world.grant();
    assert_eq!(world.lamp(), RegistrationState::Registered);
    world.command(dial).unwrap();
}

#[test]
fn a_wall_clock_that_jumps_moves_no_deadline() {
    let mut world = World::registered();
    let due = world.phone.poll_timeout();
    for wall in [0, 1 << 40] {
        let now = Now { boot: world.boot, wall: UnixTime(Duration::from_secs(wall)) };
        world.phone.handle_timeout(now);
        world.phone.handle(Input::ProbeAnswered { flow: FlowId(99) }, now);
        assert_eq!(world.phone.poll_timeout(), due);
    }
    assert_eq!(world.lamp(), RegistrationState::Registered);
}

#[test]
fn a_minimum_that_is_never_enough_is_not_asked_for_ever() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    world.open_flow();
    let mut turns = 0;
    while let Some(Message::Request(register)) = world.sent.pop_front() {
        turns += 1;
        assert!(turns < 16, "the phone is kept busy");
        let mut brief = register.response(StatusCode::new(423).unwrap(), Some("server"));
        brief.headers.set(HeaderName::MIN_EXPIRES, (700 + turns).to_string());
        world.receive(brief);
    }
    assert_eq!(world.lamp(), RegistrationState::Failed);
}

#[test]
fn a_retry_after_that_is_absurd_or_none_does_not_stop_the_phone() {
    for value in ["4294967295", "99999999999999999999", "soon", "-1", "0", "5 (maintenance)"] {
        let mut world = World::new();
        world.command(Command::Register).unwrap();
        world.open_flow();
        let register = world.request(Method::Register);
        let mut busy = register.response(StatusCode::SERVICE_UNAVAILABLE, Some("server"));
        busy.headers.set(HeaderName::RETRY_AFTER, value);
        world.receive(busy);
        // The flow shows that it is alive, so that only the registration has to come back.
        for _ in 0..80 {
            world.advance(10 * SECOND);
            world.handle(Input::ProbeAnswered { flow: world.flow });
        }
        world.request(Method::Register);
    }
}

#[test]
fn what_was_saved_comes_back_and_counts_on() {
    let mut world = World::registered();
    world.advance(SECOND);
    let saved = world.saved.clone().unwrap();
    let mut next = World::with(config(), Some(saved.clone()));
    next.command(Command::Register).unwrap();
    next.open_flow();
    let register = next.request(Method::Register);
    assert_eq!(register.headers.call_id().unwrap(), saved.register_call_id);
    assert_eq!(sequence(&register), saved.register_sequence + 1);
    assert!(register.headers.has(&HeaderName::AUTHORIZATION));
}

#[test]
fn a_store_that_was_tampered_with_forges_nothing_and_stops_nothing() {
    let saved = Saved {
        version: Saved::VERSION,
        digest: "digest-1 User realm=\"x\r\nEvil: 1\", nonce=\"\r\nEvil: 2\", count=4294967295"
            .to_owned(),
        contact: Some("sip:a@b>;expires=9, <sip:evil@x\r\nEvil: 3".to_owned()),
        register_call_id: "a b\r\nEvil: 4".to_owned(),
        register_sequence: u32::MAX,
        dialogs: vec![SavedDialog {
            call: call_id(1),
            call_id: "a b\r\nEvil: 5".to_owned(),
            local: "<sip:a@b>;tag=1\r\nEvil: 6".to_owned(),
            remote: "<sip:a@b>;tag=2".to_owned(),
            remote_target: "sip:evil@x\r\nEvil: 7".to_owned(),
            route_set: vec!["<sip:x>\r\nEvil: 8".to_owned()],
            local_sequence: u32::MAX,
        }],
        ..Saved::default()
    };
    let mut world = World::with(config(), Some(saved));
    world.command(Command::Register).unwrap();
    world.open_flow();
    let register = world.challenge();
    assert!(!register.headers.has(&HeaderName::new("Evil")));
    assert_eq!(register.headers.contacts().unwrap().len(), 1);
    world.grant();
    assert_eq!(world.lamp(), RegistrationState::Registered);
}

#[test]
fn sequence_numbers_of_register_stay_below_2_to_the_31st() {
    let mut world = World::registered();
    let mut saved = world.saved.take().unwrap();
    saved.register_sequence = (1 << 31) - 2;
    saved.digest = String::new();
    let mut world = World::with(config(), Some(saved));
    world.command(Command::Register).unwrap();
    world.open_flow();
    world.challenge();
    world.grant();
    assert_eq!(world.lamp(), RegistrationState::Registered);
}

#[test]
fn a_configuration_out_of_range_is_brought_into_it() {
    let mut wild = config();
    wild.expires = Duration::ZERO;
    wild.keep_alive = Duration::ZERO;
    let mut world = World::with(wild, None);
    world.command(Command::Register).unwrap();
    world.open_flow();
    let register = world.challenge();
    let contact = register.headers.list(&HeaderName::CONTACT);
    assert!(contact[0].contains("expires=60"), "{contact:?}");
    world.grant();
    world.advance(4 * SECOND);
    assert!(world.take(|o| matches!(o, Output::Probe { .. })).is_none(), "probed too often");
}

#[test]
fn after_signing_out_nothing_is_heard_said_or_waited_for() {
    let (mut world, invite, to) = World::talking_in(id());
    world.command(Command::Unregister).unwrap();
    world.advance(3 * SECOND);
    world.sent.clear();
    world.outputs.clear();
    let bye = world.inside(&invite, &to, Method::Bye);
    world.receive(bye);
    let another = world.invite(call_id(2));
    world.receive(another);
    world.handle(Input::FlowOpened { flow: world.flow });
    world.handle(Input::NetworkChanged(Handover::BreakBeforeMake));
    world.handle(Input::MediaConnected { call: id() });
    let dial = Command::Dial { call: call_id(3), to: "200".to_owned() };
    assert_eq!(world.command(dial), Err(CommandError::NotRegistered));
    world.advance(60 * SECOND);
    world.silent();
    assert!(world.outputs.is_empty(), "{:?}", world.outputs);
    assert_eq!(world.phone.poll_timeout(), None);
}

#[test]
fn a_network_that_flaps_does_not_keep_a_dead_flow() {
    let mut world = World::registered();
    for _ in 0..10 {
        world.handle(Input::NetworkChanged(Handover::BreakBeforeMake));
        world.advance(SECOND);
    }
    assert!(world.take(|o| matches!(o, Output::OpenFlow { .. })).is_some());
}

// What is hostile.

#[test]
fn nothing_that_is_configured_or_dialled_can_begin_a_header_field() {
    let mut hostile = config();
    hostile.account.display_name = Some("A\" <sip:x@y>\r\nEvil: 1\r\n\r\nbody".to_owned());
    hostile.account.username = Some("a\"\r\nEvil: 2".to_owned());
    hostile.user_agent = "Phone\r\nEvil: 3".to_owned();
    let mut world = World::with(hostile, None);
    world.command(Command::Register).unwrap();
    world.open_flow();
    world.challenge();
    let register = world.grant();
    assert!(!register.headers.has(&HeaderName::new("Evil")));
    assert_eq!(register.headers.from().unwrap().uri.to_string(), "sip:agent1@pbx.example");
    for to in ["600\r\nEvil: x", "sip:a@b\r\nEvil: x", "<sip:a@b>\nEvil: x", "a\u{85}@b\rEvil:x"] {
        let dial = Command::Dial { call: id(), to: to.to_owned() };
        assert_eq!(world.command(dial), Err(CommandError::InvalidTarget), "{to:?}");
    }
    for to in [
        "sip:a@b?Subject=x&Route=%3Csip:evil%3E",
        "<sip:a@b;method=BYE?Evil=x>;Evil=1",
        "sip:a%0d%0aEvil:x@b",
        "\"A\\\" B\" <sip:a@b>",
    ] {
        world.command(Command::Dial { call: id(), to: to.to_owned() }).unwrap();
        world.described(id());
        let invite = world.request(Method::Invite);
        assert!(!invite.headers.has(&HeaderName::new("Evil")), "{to}");
        assert!(!invite.headers.has(&HeaderName::ROUTE), "{to}");
        assert_eq!(invite.uri.headers, None, "{to}");
        world.reply(&invite, 404);
        world.request(Method::Ack);
    }
}

#[test]
fn what_a_person_reads_of_a_caller_holds_no_control_characters() {
    let (world, _) = ringing_with(|invite| {
        let from = "\"Eve\u{1b}[2J\u{7}\u{202e}\0\" <sip:eve@pbx.example>;tag=caller";
        invite.headers.set(HeaderName::FROM, from);
        invite.headers.push(HeaderName::new("X-Note"), "red\u{1b}[31m");
    });
    let Some(Event::Incoming { from, headers, .. }) = world.events.front() else {
        panic!("{:?}", world.events)
    };
    assert_eq!(from.name.as_deref(), Some("Eve[2J"));
    let note = headers.iter().find(|(name, _)| name == "X-Note").unwrap();
    assert_eq!(note.1, "red[31m");
}

#[test]
fn privacy_is_read_without_case() {
    for (privacy, name) in [("None", "Boss"), ("ID", "Anna"), ("id; critical", "Anna")] {
        let (world, _) = ringing_with(|invite| {
            invite.headers.push(HeaderName::new("privacy"), privacy);
            invite.headers.push(HeaderName::P_ASSERTED_IDENTITY, "\"Boss\" <sip:1@pbx.example>");
        });
        assert_eq!(world.phone.snapshot().calls[0].remote.name.as_deref(), Some(name), "{privacy}");
    }
}

#[test]
fn an_id_that_is_repeated_long_or_malformed_is_no_reason_to_lose_the_call() {
    for value in ["", "x", "00000000-0000-0000-0000-00000000000g", &"1".repeat(4000)] {
        let (mut world, _) = ringing_with(|invite| {
            invite.headers.set(HeaderName::X_CALL_UID, value);
            invite.headers.push(HeaderName::X_CALL_UID, call_id(5).to_string());
        });
        world.response(180);
        assert_eq!(world.phone.snapshot().calls.len(), 1);
    }
}

#[test]
fn a_body_of_many_parts_or_too_many_bytes_is_refused_with_its_status() {
    let (mut world, _) = ringing_with(|invite| {
        let body = "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--\r\n";
        invite.set_body("multipart/mixed;boundary=b", body.as_bytes().to_vec());
    });
    assert_eq!(world.response(415).headers.get(&HeaderName::ACCEPT).unwrap(), "application/sdp");
    let (mut world, _) =
        ringing_with(|invite| invite.set_body("application/sdp", vec![b'a'; 70_000]));
    world.response(513);
    let (mut world, _) =
        ringing_with(|invite| invite.set_body("application/sdp", vec![0xff; 2_000]));
    world.response(488);
    assert!(world.events.is_empty());
}

#[test]
fn a_flood_of_invites_is_bounded_and_passes() {
    let mut world = World::registered();
    for number in 0..2_000 {
        let invite = world.invite(call_id(number));
        world.receive(invite);
    }
    assert_eq!(world.phone.snapshot().calls.len(), 8);
    let count = |code| {
        let answered = |m: &&Message| matches!(m, Message::Response(r) if r.status.code() == code);
        world.sent.iter().filter(answered).count()
    };
    assert_eq!((count(180), count(486), count(503)), (8, 504, 1_488));
    world.sent.clear();
    for _ in 0..30 {
        world.advance(10 * SECOND);
        world.handle(Input::ProbeAnswered { flow: world.flow });
    }
    assert!(world.phone.snapshot().calls.is_empty());
    let invite = world.invite(id());
    world.sent.clear();
    world.receive(invite);
    world.response(180);
}

#[test]
fn a_flood_of_forks_acks_and_responses_leaves_little_behind() {
    let (mut world, invite) = World::talking_out(id());
    for number in 0..1_000 {
        world.reply_sdp(&invite, 200, &format!("fork{number}"), &sdp("sendrecv"));
        let mut ack = world.outside(Method::Ack);
        ack.headers.set(HeaderName::TO, "<sip:agent1@pbx.example>;tag=none");
        world.receive(ack);
        world.reply(&invite, 500);
    }
    let of = |method: Method| {
        let sent = |m: &&Message| matches!(m, Message::Request(r) if r.method == method);
        world.sent.iter().filter(sent).count()
    };
    assert_eq!(of(Method::Ack), 1_000);
    assert!(of(Method::Bye) <= 16, "{} BYEs are kept", of(Method::Bye));
    assert_eq!(world.state(id()), Some(CallState::Established));
}

#[test]
fn a_fork_that_repeats_its_answer_gets_one_bye() {
    let (mut world, invite) = World::talking_out(id());
    for _ in 0..5 {
        world.reply_sdp(&invite, 200, "fork", &sdp("sendrecv"));
    }
    let byes = |m: &&Message| matches!(m, Message::Request(r) if r.method == Method::Bye);
    assert_eq!(world.sent.iter().filter(byes).count(), 1);
}

#[test]
fn a_flood_of_strangers_does_not_keep_a_call_from_its_end() {
    let (mut world, invite, to) = World::talking_in(id());
    for number in 0..1_000 {
        let stranger = world.invite(call_id(1_000 + number));
        world.receive(stranger);
    }
    world.sent.clear();
    let bye = world.inside(&invite, &to, Method::Bye);
    world.receive(bye);
    world.response(200);
    world.ended(id(), EndReason::Remote);
}

#[test]
fn a_hold_that_is_tried_for_ever_is_given_up() {
    let (mut world, _) = World::talking_out(id());
    world.command(Command::Hold { call: id(), on: true }).unwrap();
    world.described(id());
    let change = world.request(Method::Invite);
    world.reply(&change, 100);
    for _ in 0..30 {
        world.advance(10 * SECOND);
        world.handle(Input::ProbeAnswered { flow: world.flow });
    }
    let failed = |e: &Event| matches!(e, Event::HoldFailed { .. });
    assert!(world.events.iter().any(failed), "{:?}", world.events);
    world.request(Method::Cancel);
    world.command(Command::Hold { call: id(), on: true }).unwrap();
}

#[test]
fn what_a_server_asks_for_in_place_of_digest_is_shown_short_and_clean() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    world.open_flow();
    let register = world.request(Method::Register);
    let mut response = register.response(StatusCode::UNAUTHORIZED, Some("server"));
    let challenge = format!("Ne\u{1b}[2Jgotiate{} x=y", "o".repeat(4_000));
    response.headers.push(HeaderName::WWW_AUTHENTICATE, challenge);
    world.receive(response);
    let problem = world.phone.snapshot().registration.problem;
    let Some(RegistrationProblem::AuthenticationUnsupported(offered)) = problem else {
        panic!("{problem:?}")
    };
    assert!(offered.len() <= 256 && !offered.contains('\u{1b}'), "{offered:?}");
}
