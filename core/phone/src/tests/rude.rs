//! What the world may throw at a phone.

use super::*;

#[test]
fn methods_that_are_not_served_are_named_as_such() {
    let mut world = World::registered();
    let cases = [
        (Method::Options, 200),
        (Method::Refer, 403),
        (Method::Subscribe, 405),
        (Method::Update, 481),
        (Method::Bye, 481),
        (Method::Info, 481),
        (Method::Notify, 481),
        (Method::Other("FROB".to_owned()), 501),
    ];
    for (method, code) in cases {
        let request = world.outside(method.clone());
        world.receive(request);
        let response = world.response(code);
        assert!(response.headers.to().unwrap().tag().is_some(), "{method}");
        let allow = response.headers.get(&HeaderName::ALLOW);
        assert_eq!(allow.is_some(), code == 405 || code == 200, "{method}");
    }
}

#[test]
fn options_says_what_the_phone_can() {
    let mut world = World::registered();
    let request = world.outside(Method::Options);
    world.receive(request);
    let response = world.response(200);
    assert!(response.headers.has_token(&HeaderName::ALLOW, "INVITE"));
    assert_eq!(response.headers.get(&HeaderName::ACCEPT).unwrap(), "application/sdp, text/plain");
    assert!(response.headers.has(&HeaderName::SUPPORTED));
}

#[test]
fn an_extension_that_is_required_is_refused_by_name() {
    let mut world = World::registered();
    let mut invite = world.invite(call_id(1));
    invite.headers.push(HeaderName::REQUIRE, "gruu, precondition");
    world.receive(invite);
    let response = world.response(420);
    assert_eq!(response.headers.get(&HeaderName::UNSUPPORTED).unwrap(), "gruu, precondition");
    assert!(world.events.is_empty());
}

#[test]
fn a_body_that_is_no_description_is_refused() {
    let mut world = World::registered();
    let mut invite = world.invite(call_id(1));
    invite.set_body("application/x-thing", b"x".to_vec());
    world.receive(invite);
    let response = world.response(415);
    assert_eq!(response.headers.get(&HeaderName::ACCEPT).unwrap(), "application/sdp");
}

#[test]
fn a_malformed_request_gets_400_and_garbage_nothing() {
    let mut world = World::registered();
    let mut invite = world.invite(call_id(1));
    invite.headers.set(HeaderName::CSEQ, "x INVITE");
    world.receive(invite);
    world.response(400);
    for bytes in
        [&b"\xff\xfe\x00garbage"[..], b"INVITE", b"SIP/2.0 200 OK\r\n\r\n", b"", b"\r\n\r\n"]
    {
        world.receive_bytes(bytes.to_vec());
    }
    world.silent();
    assert!(world.events.is_empty());
}

#[test]
fn requests_in_a_dialog_are_answered_and_change_nothing() {
    let id = call_id(1);
    let (mut world, invite, to) = World::talking_in(id);
    let cases =
        [(Method::Info, 200), (Method::Notify, 200), (Method::Update, 200), (Method::Refer, 603)];
    for (method, code) in cases {
        let request = world.inside(&invite, &to, method);
        world.receive(request);
        world.response(code);
    }
    let mut old = world.inside(&invite, &to, Method::Info);
    old.headers.set(HeaderName::CSEQ, "1 INFO");
    world.receive(old);
    world.response(500);
    let other = world.inside(&invite, "<sip:agent1@pbx.example>;tag=unknown", Method::Bye);
    world.receive(other);
    world.response(481);
    assert_eq!(world.state(id), Some(CallState::Established));
}

#[test]
fn calls_that_do_not_exist_are_refused_or_ignored() {
    let mut world = World::registered();
    let call = call_id(404);
    let digits = Digits::new("1").unwrap();
    let commands = [
        Command::Answer { call },
        Command::Decline { call, reason: DeclineReason::Busy },
        Command::HangUp { call },
        Command::Hold { call, on: true },
        Command::Mute { call, on: true },
        Command::SendDtmf { call, digits },
    ];
    for command in commands {
        assert_eq!(world.command(command), Err(CommandError::UnknownCall));
    }
    let report = QualityReport::default();
    let error = MediaError::NoPath;
    let inputs = [
        Input::Described { call, generation: Generation(1), result: Ok(String::new()) },
        Input::MediaConnected { call },
        Input::MediaFailed { call, error },
        Input::FirstSent { call },
        Input::FirstHeard { call },
        Input::Quality { call, report },
        Input::DtmfSent { call },
        Input::FlowOpened { flow: FlowId(77) },
        Input::ProbeAnswered { flow: FlowId(77) },
        Input::Received { flow: FlowId(77), bytes: b"x".to_vec() },
    ];
    for input in inputs {
        world.handle(input);
    }
    assert!(world.events.is_empty() && world.outputs.is_empty());
    world.silent();
}

#[test]
fn an_older_description_is_ignored() {
    let mut world = World::registered();
    let id = call_id(1);
    let invite = world.invite(id);
    world.receive(invite);
    world.response(180);
    world.command(Command::Answer { call: id }).unwrap();
    world.handle(Input::Described { call: id, generation: Generation(0), result: Ok("x".into()) });
    world.silent();
}

#[test]
fn commands_that_a_state_does_not_allow_are_refused() {
    let id = call_id(1);
    let mut world = World::registered();
    let invite = world.invite(id);
    world.receive(invite);
    let wrong = Err(CommandError::WrongState);
    assert_eq!(world.command(Command::Hold { call: id, on: true }), wrong);
    world.described(id);
    world.command(Command::Answer { call: id }).unwrap();
    let decline = Command::Decline { call: id, reason: DeclineReason::Busy };
    assert_eq!(world.command(decline), wrong);
    let (mut world, _) = World::talking_out(id);
    assert_eq!(world.command(Command::Answer { call: id }), wrong);
    world.command(Command::HangUp { call: id }).unwrap();
    assert_eq!(world.command(Command::Hold { call: id, on: true }), wrong);
    assert_eq!(world.command(Command::Mute { call: id, on: true }), wrong);
}

#[test]
fn an_invite_to_a_phone_that_signs_out_is_not_taken() {
    let mut world = World::registered();
    world.command(Command::Unregister).unwrap();
    world.request(Method::Register);
    let invite = world.invite(call_id(1));
    world.receive(invite);
    world.response(480);
}

#[test]
fn bytes_cut_and_bent_at_every_place_never_panic() {
    let mut world = World::registered();
    let whole = Message::from(world.invite(call_id(1))).to_bytes();
    for at in 0..whole.len() {
        world.receive_bytes(whole[..at].to_vec());
        let mut bent = whole.clone();
        bent[at] ^= 0x15;
        world.receive_bytes(bent);
        world.sent.clear();
    }
    assert!(world.phone.snapshot().calls.len() <= 8);
}
