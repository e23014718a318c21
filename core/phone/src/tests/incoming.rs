//! The called side.

use super::*;

const ID: u128 = 0xca11;

fn ringing() -> (World, CallId, Request) {
    let mut world = World::registered();
    let id = call_id(ID);
    let invite = world.invite(id);
    world.receive(invite.clone());
    (world, id, invite)
}

#[test]
fn it_rings_at_once_and_describes_while_it_rings() {
    let (mut world, id, _) = ringing();
    let ringing = world.response(180);
    assert!(ringing.headers.to().unwrap().tag().is_some());
    assert!(ringing.headers.contact_uri().unwrap().to_string().contains(".invalid;transport=ws"));
    let (generation, request) = world.asked_description(id);
    assert_eq!(generation, Generation(1));
    let wanted = DescribeRequest::Answer {
        offer: self::sdp("sendrecv"),
        direction: sdp::Direction::SendRecv,
    };
    assert_eq!(request, wanted);
    match world.events.pop_front() {
        Some(Event::Incoming { call, from, data, headers, announced: false }) => {
            assert_eq!(data, CallData::default());
            assert_eq!(call, id, "the id of X-Call-UID");
            assert_eq!(from.name.as_deref(), Some("Anna"));
            assert_eq!(from.uri, "sip:100@pbx.example");
            assert_eq!(headers, [("X-Call-UID".to_owned(), id.to_string())]);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(world.state(id), Some(CallState::Ringing));
}

#[test]
fn answered_it_is_established_by_ack_and_media() {
    let (mut world, id, invite) = ringing();
    world.response(180);
    world.described(id);
    world.events.clear();
    world.command(Command::Answer { call: id }).unwrap();
    let answer = world.response(200);
    assert_eq!(answer.body, self::sdp("sendrecv").as_bytes());
    let to = answer.headers.get(&HeaderName::TO).unwrap().into_owned();
    let direction = Direction::Incoming;
    assert_eq!(world.events.pop_front(), Some(Event::Answered { call: id, direction }));
    let open = Output::SetUplink { call: id, open: true, muted: false };
    assert_eq!(world.outputs.pop_front(), Some(open));
    assert_eq!(world.outputs.pop_front(), Some(Output::SetDownlink { call: id, open: true }));
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    assert_eq!(world.state(id), Some(CallState::Answered));
    world.handle(Input::MediaConnected { call: id });
    assert_eq!(world.events.pop_front(), Some(Event::Established { call: id }));
    assert_eq!(world.state(id), Some(CallState::Established));
}

#[test]
fn media_may_be_connected_before_the_ack() {
    let (mut world, id, invite) = ringing();
    world.described(id);
    world.response(180);
    world.command(Command::Answer { call: id }).unwrap();
    let to = world.response(200).headers.get(&HeaderName::TO).unwrap().into_owned();
    world.handle(Input::MediaConnected { call: id });
    assert_eq!(world.state(id), Some(CallState::Answered));
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    assert_eq!(world.state(id), Some(CallState::Established));
}

#[test]
fn an_answer_before_the_description_is_kept() {
    let (mut world, id, _) = ringing();
    world.response(180);
    world.command(Command::Answer { call: id }).unwrap();
    world.command(Command::Answer { call: id }).unwrap();
    world.silent();
    assert_eq!(world.state(id), Some(CallState::Answering));
    world.described(id);
    world.response(200);
    assert_eq!(world.command(Command::Answer { call: id }), Err(CommandError::WrongState));
}

#[test]
fn the_answer_is_repeated_until_the_ack_comes() {
    let (mut world, id, invite) = ringing();
    world.described(id);
    world.response(180);
    world.command(Command::Answer { call: id }).unwrap();
    let first = world.response(200);
    world.advance(Duration::from_millis(500));
    assert_eq!(world.response(200), first);
    world.advance(Duration::from_millis(999));
    world.silent();
    world.advance(Duration::from_millis(1));
    world.response(200);
    let to = first.headers.get(&HeaderName::TO).unwrap().into_owned();
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack.clone());
    world.advance(SECOND * 10);
    world.silent();
    world.receive(ack);
    world.silent();
}

#[test]
fn an_answer_without_ack_is_hung_up_after_64_t1() {
    let (mut world, id, _) = ringing();
    world.described(id);
    world.response(180);
    world.command(Command::Answer { call: id }).unwrap();
    world.advance_alive(SECOND * 31);
    world.advance(Duration::from_millis(999));
    while let Some(Message::Response(response)) = world.sent.pop_front() {
        assert_eq!(response.status, StatusCode::OK);
    }
    assert_eq!(world.state(id), Some(CallState::Answered));
    world.advance(Duration::from_millis(1));
    let bye = world.request(Method::Bye);
    world.reply(&bye, 200);
    world.ended(id, EndReason::TimedOut);
}

#[test]
fn a_hang_up_before_the_ack_waits_for_it() {
    let (mut world, id, invite) = ringing();
    world.described(id);
    world.response(180);
    world.command(Command::Answer { call: id }).unwrap();
    let to = world.response(200).headers.get(&HeaderName::TO).unwrap().into_owned();
    world.command(Command::HangUp { call: id }).unwrap();
    world.silent();
    assert_eq!(world.state(id), Some(CallState::Ending));
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    let bye = world.request(Method::Bye);
    world.reply(&bye, 200);
    world.ended(id, EndReason::Local);
}

#[test]
fn a_refusal_says_busy_or_decline() {
    for (reason, code) in [(DeclineReason::Busy, 486), (DeclineReason::Decline, 603)] {
        let (mut world, id, _) = ringing();
        world.response(180);
        world.command(Command::Decline { call: id, reason }).unwrap();
        world.response(code);
        world.ended(id, EndReason::Declined(reason));
        let again = world.command(Command::Decline { call: id, reason });
        assert_eq!(again, Err(CommandError::UnknownCall));
    }
}

fn cancel_of(invite: &Request, reason: Option<&str>) -> Request {
    let mut cancel = sidetone_sip::dialog::cancel(invite);
    if let Some(reason) = reason {
        cancel.headers.push(HeaderName::REASON, reason);
    }
    cancel
}

#[test]
fn a_caller_who_gives_up_is_told_from_one_answered_elsewhere() {
    let elsewhere = Some("SIP;cause=200;text=\"Call completed elsewhere\"");
    let cases = [
        (None, EndReason::Cancelled),
        (Some("Q.850;cause=200"), EndReason::Cancelled),
        (Some("SIP ;cause=487"), EndReason::Cancelled),
        (elsewhere, EndReason::AnsweredElsewhere),
    ];
    for (reason, wanted) in cases {
        let (mut world, id, invite) = ringing();
        world.response(180);
        world.receive(cancel_of(&invite, reason));
        let ok = world.response(200);
        assert_eq!(ok.headers.cseq().unwrap().method, Method::Cancel);
        world.response(487);
        world.ended(id, wanted);
    }
}

#[test]
fn a_cancel_crosses_the_wish_to_answer() {
    let (mut world, id, invite) = ringing();
    world.response(180);
    world.command(Command::Answer { call: id }).unwrap();
    world.receive(cancel_of(&invite, None));
    world.response(200);
    world.response(487);
    world.ended(id, EndReason::Cancelled);
    world.handle(Input::Described { call: id, generation: Generation(1), result: Ok("x".into()) });
    world.silent();
}

#[test]
fn a_late_cancel_changes_nothing() {
    let (mut world, id, invite) = ringing();
    world.response(180);
    world.described(id);
    world.command(Command::Answer { call: id }).unwrap();
    world.response(200);
    world.receive(cancel_of(&invite, None));
    let ok = world.response(200);
    assert_eq!(ok.headers.cseq().unwrap().method, Method::Cancel);
    assert_eq!(world.state(id), Some(CallState::Answered));
    let stray = world.invite(call_id(9));
    world.receive(cancel_of(&stray, None));
    world.response(481);
}

#[test]
fn a_repeated_invite_rings_once() {
    let (mut world, _, invite) = ringing();
    let first = world.response(180);
    world.receive(invite);
    assert_eq!(world.response(180), first);
    world.silent();
    assert_eq!(world.events.len(), 1);
}

#[test]
fn the_same_invite_on_another_way_is_a_loop() {
    let (mut world, _, mut invite) = ringing();
    world.response(180);
    invite.headers.set(HeaderName::VIA, "SIP/2.0/WSS 192.0.2.2;branch=z9hG4bKother");
    world.receive(invite);
    world.response(482);
    assert_eq!(world.phone.snapshot().calls.len(), 1);
}

#[test]
fn rfc_3261_8_2_2_2_what_shares_only_tag_and_number_with_an_invite_is_a_call_of_its_own() {
    let (mut world, _, first) = ringing();
    world.response(180);
    let mut second = world.invite(call_id(0x8222));
    second
        .headers
        .set(HeaderName::CSEQ, first.headers.get(&HeaderName::CSEQ).unwrap().into_owned());
    world.receive(second);
    world.response(180);
    assert_eq!(world.phone.snapshot().calls.len(), 2);
}

#[test]
fn nobody_answers_for_three_minutes() {
    let (mut world, id, _) = ringing();
    world.response(180);
    world.described(id);
    for _ in 0..36 {
        world.handle(Input::ProbeAnswered { flow: world.flow });
        world.advance(SECOND * 5);
    }
    world.response(480);
    world.ended(id, EndReason::NoAnswer);
}

#[test]
fn an_offer_that_cannot_be_described_is_not_acceptable() {
    let (mut world, id, _) = ringing();
    world.response(180);
    let error = MediaError::NotAcceptable("no codec".to_owned());
    let (generation, _) = world.asked_description(id);
    world.handle(Input::Described { call: id, generation, result: Err(error.clone()) });
    world.response(488);
    world.ended(id, EndReason::Media(error.to_string()));
}

#[test]
fn a_description_that_does_not_come_is_not_waited_for() {
    let (mut world, id, _) = ringing();
    world.response(180);
    world.command(Command::Answer { call: id }).unwrap();
    world.advance(SECOND * 20);
    world.response(488);
    let late = MediaError::Engine("no description in time".to_owned());
    world.ended(id, EndReason::Media(late.to_string()));
}

#[test]
fn an_offer_without_audio_is_no_call() {
    let mut world = World::registered();
    for body in ["v=0\r\n", "nonsense", "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\n"] {
        let mut invite = world.invite(call_id(ID));
        invite.body = body.as_bytes().to_vec();
        world.receive(invite);
        world.response(488);
    }
    assert!(world.events.is_empty());
}

#[test]
fn an_invite_without_offer_gets_ours_and_the_ack_answers_it() {
    let mut world = World::registered();
    let id = call_id(ID);
    let mut invite = world.invite(id);
    invite.body.clear();
    invite.headers.remove(&HeaderName::CONTENT_TYPE);
    world.receive(invite.clone());
    world.response(180);
    let request = world.described(id);
    let direction = sdp::Direction::SendRecv;
    assert_eq!(request, DescribeRequest::Offer { direction, ice_restart: false });
    world.command(Command::Answer { call: id }).unwrap();
    let to = world.response(200).headers.get(&HeaderName::TO).unwrap().into_owned();
    let mut ack = world.inside(&invite, &to, Method::Ack);
    ack.set_body("application/sdp", self::sdp("sendrecv").into_bytes());
    world.receive(ack);
    let answer = Output::SetRemoteAnswer { call: id, sdp: self::sdp("sendrecv") };
    assert!(world.outputs.contains(&answer));
    world.handle(Input::MediaConnected { call: id });
    assert_eq!(world.state(id), Some(CallState::Established));
}

#[test]
fn an_ack_that_leaves_our_offer_unanswered_ends_the_call() {
    let mut world = World::registered();
    let id = call_id(ID);
    let mut invite = world.invite(id);
    invite.body.clear();
    invite.headers.remove(&HeaderName::CONTENT_TYPE);
    world.receive(invite.clone());
    world.response(180);
    world.described(id);
    world.command(Command::Answer { call: id }).unwrap();
    let to = world.response(200).headers.get(&HeaderName::TO).unwrap().into_owned();
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    let bye = world.request(Method::Bye);
    world.reply(&bye, 200);
    world.ended(id, EndReason::Media("the other side did not answer our offer".to_owned()));
}

#[test]
fn a_second_call_waits_and_a_ninth_is_busy() {
    let mut world = World::registered();
    for number in 1..=8 {
        let invite = world.invite(call_id(number));
        world.receive(invite);
        world.response(180);
    }
    let invite = world.invite(call_id(9));
    world.receive(invite);
    world.response(486);
    assert_eq!(world.phone.snapshot().calls.len(), 8);
}

#[test]
fn an_id_that_is_none_is_replaced_and_one_that_is_taken_is_another_leg() {
    let (mut world, id, _) = ringing();
    world.response(180);
    let again = world.invite(id);
    world.receive(again);
    world.response(486);
    for _ in 0..2 {
        let mut invite = world.invite(id);
        invite.headers.set(HeaderName::X_CALL_UID, "1732541234.7");
        world.receive(invite);
    }
    let calls = world.phone.snapshot().calls;
    assert_eq!(calls.len(), 3);
    assert!(calls[1].id != id && calls[2].id != id && calls[1].id != calls[2].id);
}

#[test]
fn a_bye_before_the_answer_ends_the_call_and_the_invite() {
    let (mut world, id, invite) = ringing();
    let to = world.response(180).headers.get(&HeaderName::TO).unwrap().into_owned();
    let bye = world.inside(&invite, &to, Method::Bye);
    world.receive(bye);
    let ok = world.response(200);
    assert_eq!(ok.headers.cseq().unwrap().method, Method::Bye);
    world.response(487);
    world.ended(id, EndReason::Cancelled);
}

#[test]
fn media_that_fails_while_it_rings_refuses_the_call() {
    let (mut world, id, _) = ringing();
    world.response(180);
    world.handle(Input::MediaFailed { call: id, error: MediaError::NoPath });
    world.response(488);
    world.ended(id, EndReason::Media(MediaError::NoPath.to_string()));
}

#[test]
fn a_flow_that_is_lost_ends_what_rings() {
    let (mut world, id, _) = ringing();
    world.response(180);
    world.lose_flow(FlowErrorKind::Lost);
    world.ended(id, EndReason::NetworkLost);
}

#[test]
fn hidden_callers_stay_hidden_and_asserted_ones_are_shown() {
    let mut world = World::registered();
    let mut invite = world.invite(call_id(1));
    invite.headers.push(HeaderName::P_ASSERTED_IDENTITY, "\"Boss\" <sip:+39055@pbx.example>");
    world.receive(invite.clone());
    // RFC 3323 §4.1.1.3, and what servers make of it.
    let anonymous =
        ["sip:anonymous@anonymous.invalid", "sip:anonymous@pbx.example", "sip:x@anonymous.invalid"];
    for (n, from) in (2..).zip(anonymous) {
        let mut hidden = world.invite(call_id(n));
        hidden.headers.set(HeaderName::FROM, format!("\"Anonymous\" <{from}>;tag=q"));
        hidden.headers.push(HeaderName::P_ASSERTED_IDENTITY, "<sip:+39055@pbx.example>");
        world.receive(hidden);
    }
    let calls = world.phone.snapshot().calls;
    assert_eq!(calls[0].remote.name.as_deref(), Some("Boss"));
    let shown: Vec<_> = calls[1..].iter().map(|call| &call.remote.uri[..]).collect();
    assert_eq!(shown, anonymous);
}

#[test]
fn what_the_app_is_told_is_bounded() {
    let mut world = World::registered();
    let mut invite = world.invite(call_id(1));
    invite.headers.push(HeaderName::new("X-Long"), "x".repeat(1025));
    invite.headers.push(HeaderName::CALL_INFO, "<sip:a>;answer-after=0");
    for number in 0..40 {
        invite.headers.push(HeaderName::new(&format!("X-N{number}")), "1");
    }
    world.receive(invite);
    let Some(Event::Incoming { headers, .. }) = world.events.pop_front() else { panic!() };
    assert_eq!(headers.len(), 32);
    assert!(headers.iter().all(|(name, _)| name != "X-Long"));
    assert!(headers.iter().any(|(name, _)| name == "Call-Info"));
}

#[test]
fn what_the_server_says_of_a_call_is_read_and_shown() {
    let mut world = World::registered();
    let mut invite = world.invite(call_id(1));
    let group = "1.2".repeat(200);
    for (name, value) in [
        ("x-queue", " Support "),
        ("X-Queue-Wait", "75"),
        ("X-Call-Group", &group),
        ("X-Caller-Ref", "r7\u{1b}f"),
        ("X-Returned-From", "1002"),
    ] {
        invite.headers.push(HeaderName::new(name), value);
    }
    world.receive(invite);
    let Some(Event::Incoming { data, .. }) = world.events.pop_front() else { panic!() };
    let said = CallData {
        queue: Some("Support".to_owned()),
        waited: Some(Duration::from_secs(75)),
        group: Some(group[..256].to_owned()),
        caller_ref: Some("r7f".to_owned()),
        returned_from: Some("1002".to_owned()),
    };
    assert_eq!(data, said);
    assert_eq!(world.phone.snapshot().calls[0].data, said);
}

#[test]
fn a_wait_that_is_none_is_not_shown() {
    for wait in ["", "-1", "a minute", "86401", "99999999999999999999", "1.5"] {
        let mut world = World::registered();
        let mut invite = world.invite(call_id(1));
        invite.headers.push(HeaderName::X_QUEUE_WAIT, wait);
        world.receive(invite);
        assert_eq!(world.phone.snapshot().calls[0].data.waited, None, "{wait}");
    }
}

#[test]
fn an_answer_that_nobody_acknowledges_throws_doubt_on_its_flow() {
    let id = call_id(1);
    let (mut world, _) = World::ringing_in(id);
    world.command(Command::Answer { call: id }).unwrap();
    let probed =
        |world: &mut World| world.take(|output| matches!(output, Output::Probe { .. })).is_some();
    world.advance(Duration::from_millis(3400));
    assert!(!probed(&mut world), "a slow server");
    world.advance(Duration::from_millis(200));
    assert!(probed(&mut world));
    // Nothing comes back: the answer goes again over the next flow.
    world.advance(Duration::from_secs(2));
    assert_ne!(world.lamp(), RegistrationState::Registered);
    world.sent.clear();
    world.open_flow();
    let again =
        |message: &Message| matches!(message, Message::Response(r) if r.status == StatusCode::OK);
    assert!(world.sent.iter().any(again), "{:?}", world.sent);
}
