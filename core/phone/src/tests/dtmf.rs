//! Digits, in the stream and by INFO.

use super::*;

fn id() -> CallId {
    call_id(1)
}

fn dtmf(digits: &str) -> Command {
    Command::SendDtmf { call: id(), digits: Digits::new(digits).unwrap() }
}

/// A call of ours that is answered without telephone-event, by who serves these methods.
fn plain(allow: Option<&str>) -> World {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    let plain = sdp("sendrecv")
        .replace("107 101", "107")
        .replace("a=rtpmap:101 telephone-event/48000\r\n", "");
    let mut response = invite.response(StatusCode::OK, Some("bob"));
    response.headers.push(HeaderName::CONTACT, "<sip:pbx@192.0.2.1:8089;transport=ws>");
    if let Some(allow) = allow {
        response.headers.push(HeaderName::ALLOW, allow);
    }
    response.set_body("application/sdp", plain.into_bytes());
    world.receive(response);
    world.request(Method::Ack);
    world.events.clear();
    world
}

/// The digit of the INFO that was sent, and it.
#[track_caller]
fn info(world: &mut World) -> (String, Request) {
    let info = world.request(Method::Info);
    assert_eq!(info.headers.get(&HeaderName::CONTENT_TYPE).unwrap(), "application/dtmf-relay");
    let body = String::from_utf8(info.body.clone()).unwrap();
    let digit = body.strip_prefix("Signal=").unwrap().strip_suffix("\r\nDuration=160\r\n").unwrap();
    (digit.to_owned(), info)
}

#[test]
fn digits_go_in_the_stream_where_the_other_side_takes_them_there() {
    let (mut world, _) = World::talking_out(id());
    world.command(dtmf("12#")).unwrap();
    let digits = Digits::new("12#").unwrap();
    assert_eq!(world.outputs.pop_front(), Some(Output::SendDtmf { call: id(), digits }));
    world.handle(Input::DtmfSent { call: id() });
    assert_eq!(world.events.pop_front(), Some(Event::DtmfSent { call: id() }));
    world.silent();
}

#[test]
fn digits_need_a_call_that_is_up() {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    assert_eq!(world.command(dtmf("1")), Err(CommandError::WrongState));
}

#[test]
fn digits_go_by_info_one_after_the_other_and_each_command_is_told_once() {
    let mut world = plain(Some("INVITE, ACK, BYE, CANCEL, INFO"));
    world.command(dtmf("1#")).unwrap();
    world.command(dtmf("D")).unwrap();
    let mut last = 0;
    for (digit, told) in [("1", 0), ("#", 1), ("D", 2)] {
        let (sent, request) = info(&mut world);
        assert_eq!(sent, digit);
        world.silent();
        let sequence = request.headers.cseq().unwrap().sequence;
        assert!(sequence > last, "in their order");
        last = sequence;
        world.reply(&request, 200);
        assert_eq!(world.events.len(), told);
        assert!(world.events.iter().all(|event| *event == Event::DtmfSent { call: id() }));
    }
    world.silent();
    let streamed = |output: &Output| matches!(output, Output::SendDtmf { .. });
    assert!(world.take(streamed).is_none(), "never both ways");
}

#[test]
fn a_digit_that_is_challenged_is_sent_again_and_not_twice() {
    let mut world = plain(None);
    world.command(dtmf("12")).unwrap();
    let (_, first) = info(&mut world);
    world.challenge_to(&first, "n2", true);
    let (digit, again) = info(&mut world);
    assert_eq!(digit, "1");
    assert!(again.headers.has(&HeaderName::AUTHORIZATION));
    world.reply(&again, 200);
    let (digit, last) = info(&mut world);
    assert_eq!(digit, "2");
    world.reply(&last, 200);
    assert_eq!(world.events.drain(..).collect::<Vec<_>>(), [Event::DtmfSent { call: id() }]);
}

#[test]
fn who_takes_no_info_is_not_asked() {
    let mut world = plain(Some("INVITE, ACK, BYE, CANCEL"));
    assert_eq!(world.command(dtmf("1")), Err(CommandError::DtmfNotNegotiated));
    world.silent();
}

#[test]
fn after_a_refusal_the_rest_is_not_sent_and_digits_are_refused() {
    let mut world = plain(None);
    world.command(dtmf("123")).unwrap();
    let (_, first) = info(&mut world);
    world.reply(&first, 415);
    world.silent();
    let (digits, why) = failed(&mut world);
    assert_eq!(digits, "123", "nothing was sent");
    assert!(why.contains("takes no digits in this call (415 Unsupported Media Type)"), "{why}");
    assert_eq!(world.command(dtmf("1")), Err(CommandError::DtmfNotNegotiated));
}

/// The one event: digits that were not sent, and why.
#[track_caller]
fn failed(world: &mut World) -> (String, String) {
    let lamp = |event: &Event| matches!(event, Event::RegistrationChanged(_));
    let told: Vec<_> = world.events.drain(..).filter(|event| !lamp(event)).collect();
    match told.as_slice() {
        [Event::DtmfFailed { call, digits, reason }] if *call == id() => {
            (digits.clone(), reason.clone())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_digits_behind_one_that_is_refused_are_told_and_later_ones_may_go() {
    let mut world = plain(None);
    world.command(dtmf("12")).unwrap();
    world.command(dtmf("34")).unwrap();
    let (_, first) = info(&mut world);
    world.reply(&first, 200);
    let (_, second) = info(&mut world);
    world.reply(&second, 503);
    world.silent();
    let (digits, why) = failed(&mut world);
    assert_eq!(digits, "234");
    assert!(why.contains("503") && why.contains("again"), "{why}");
    world.command(dtmf("5")).unwrap();
    let (_, third) = info(&mut world);
    world.advance(SECOND * 33);
    assert_eq!(failed(&mut world).0, "5", "nobody answered {third:?}");
}

#[test]
fn digits_that_wait_are_bounded_and_end_with_the_call() {
    let mut world = plain(None);
    let taken = (0..100).take_while(|_| world.command(dtmf("1")).is_ok()).count();
    assert_eq!(taken, 8);
    let (_, first) = info(&mut world);
    world.command(Command::HangUp { call: id() }).unwrap();
    world.request(Method::Bye);
    world.reply(&first, 200);
    world.silent();
}

#[test]
fn digits_on_a_connection_that_is_lost_are_not_sent_later() {
    let mut world = plain(None);
    world.command(dtmf("12")).unwrap();
    info(&mut world);
    world.lose_flow(FlowErrorKind::Lost);
    world.advance(3 * SECOND);
    world.open_flow();
    let infos =
        world.sent.iter().filter(|m| matches!(m, Message::Request(r) if r.method == Method::Info));
    assert_eq!(infos.count(), 0);
    assert!(!world.events.contains(&Event::DtmfSent { call: id() }));
    let told = |event: &Event| matches!(event, Event::DtmfFailed { digits, .. } if digits == "12");
    assert!(world.events.iter().any(told), "{:?}", world.events);
}
