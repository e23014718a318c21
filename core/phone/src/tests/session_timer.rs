//! Session timers (RFC 4028): what is asked for and agreed to, refreshes from each side, and the end of
//! a call that nobody refreshes.

use super::*;

fn id() -> CallId {
    call_id(0x4028)
}

fn field(message: &Message, name: HeaderName) -> Option<String> {
    message.headers().get(&name).map(std::borrow::Cow::into_owned)
}

/// A call of ours; the 2xx says this of the timer, and of UPDATE.
fn talking_out(agreed: &str, allow: &str) -> World {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    assert!(invite.headers.has_token(&HeaderName::SUPPORTED, "timer"));
    assert_eq!(field(&invite.clone().into(), HeaderName::SESSION_EXPIRES).as_deref(), Some("1800"));
    let mut ok = invite.response(StatusCode::OK, Some("bob"));
    ok.headers.push(HeaderName::CONTACT, "<sip:pbx@192.0.2.1:8089;transport=ws>");
    ok.headers.push(HeaderName::SESSION_EXPIRES, agreed);
    ok.headers.push(HeaderName::ALLOW, allow);
    ok.set_body("application/sdp", sdp("sendrecv").into_bytes());
    world.receive(ok);
    world.request(Method::Ack);
    world.handle(Input::MediaConnected { call: id() });
    world.events.clear();
    world.outputs.clear();
    world
}

/// A call that came in, its INVITE with these fields; what our 200 says of the timer.
fn talking_in(fields: &[(HeaderName, &str)]) -> (World, Request, String, Option<String>) {
    let mut world = World::registered();
    let mut invite = world.invite(id());
    for (name, value) in fields {
        invite.headers.push(name.clone(), *value);
    }
    world.receive(invite.clone());
    world.described(id());
    world.response(180);
    world.command(Command::Answer { call: id() }).unwrap();
    let ok = world.response(200);
    let to = ok.headers.get(&HeaderName::TO).unwrap().into_owned();
    let agreed = field(&ok.clone().into(), HeaderName::SESSION_EXPIRES);
    let required = ok.headers.has_token(&HeaderName::REQUIRE, "timer");
    assert_eq!(required, agreed.is_some() && invite.headers.has(&HeaderName::SUPPORTED));
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    world.handle(Input::MediaConnected { call: id() });
    world.events.clear();
    world.outputs.clear();
    (world, invite, to, agreed)
}

/// The 200 to a request of the phone, with this of the timer.
fn agree(world: &mut World, request: &Request, agreed: &str) {
    let mut ok = request.response(StatusCode::OK, Some("bob"));
    ok.headers.push(HeaderName::CONTACT, "<sip:pbx@192.0.2.1:8089;transport=ws>");
    if !agreed.is_empty() {
        ok.headers.push(HeaderName::SESSION_EXPIRES, agreed);
    }
    if request.method == Method::Invite {
        ok.set_body("application/sdp", sdp("sendrecv").into_bytes());
    }
    world.receive(ok);
}

const TIMER: (HeaderName, &str) = (HeaderName::SUPPORTED, "timer, replaces");

#[test]
fn a_call_of_ours_is_refreshed_by_update_at_half_of_its_interval() {
    let mut world = talking_out("90;refresher=uac", "INVITE, UPDATE");
    for round in 2..5 {
        world.advance_alive(SECOND * 44);
        world.silent();
        world.advance_alive(SECOND);
        let update = world.request(Method::Update);
        assert!(update.body.is_empty() && update.headers.has(&HeaderName::CONTACT));
        assert_eq!(update.headers.cseq().unwrap().sequence, round);
        let said = field(&update.clone().into(), HeaderName::SESSION_EXPIRES);
        assert_eq!(said.as_deref(), Some("90;refresher=uac"));
        assert!(update.headers.has_token(&HeaderName::SUPPORTED, "timer"));
        agree(&mut world, &update, "90;refresher=uac");
    }
    assert!(world.events.is_empty());
    assert_eq!(world.state(id()), Some(CallState::Established));
}

#[test]
fn where_the_other_side_serves_no_update_the_session_is_offered_again_as_it_is() {
    let mut world = talking_out("90;refresher=uac", "INVITE, ACK, BYE");
    world.advance_alive(SECOND * 45);
    let direction = sdp::Direction::SendRecv;
    assert_eq!(world.described(id()), DescribeRequest::Offer { direction, ice_restart: false });
    let invite = world.request(Method::Invite);
    let said = field(&invite.clone().into(), HeaderName::SESSION_EXPIRES);
    assert_eq!(said.as_deref(), Some("90;refresher=uac"));
    agree(&mut world, &invite, "90;refresher=uac");
    world.request(Method::Ack);
    world.advance_alive(SECOND * 44);
    world.silent();
    world.advance_alive(SECOND);
    world.described(id());
    world.request(Method::Invite);
    assert!(world.events.is_empty(), "nobody asked for it");
}

#[test]
fn an_update_that_is_not_served_after_all_is_followed_by_an_invite() {
    for code in [405, 501] {
        let mut world = talking_out("90;refresher=uac", "INVITE, UPDATE");
        world.advance_alive(SECOND * 45);
        let update = world.request(Method::Update);
        world.reply(&update, code);
        world.advance_alive(SECOND * 10);
        world.described(id());
        world.request(Method::Invite);
    }
}

#[test]
fn a_refresh_that_is_refused_is_tried_again_until_the_session_is_over() {
    let mut world = talking_out("90;refresher=uac", "UPDATE");
    world.advance_alive(SECOND * 45);
    for code in [500, 491] {
        let update = world.request(Method::Update);
        world.reply(&update, code);
        world.advance_alive(SECOND * 10);
    }
    // 90 s less a third of it.
    assert!(matches!(world.sent.back(), Some(Message::Request(bye)) if bye.method == Method::Bye));
    assert_eq!(world.state(id()), Some(CallState::Ending));
}

#[test]
fn a_refresh_that_is_refused_for_now_waits_as_long_as_the_other_side_says() {
    let mut world = talking_out("1800;refresher=uac", "UPDATE");
    world.advance_alive(SECOND * 900);
    let update = world.request(Method::Update);
    let mut response = update.response(StatusCode::SERVICE_UNAVAILABLE, Some("bob"));
    response.headers.push(HeaderName::RETRY_AFTER, "25");
    world.receive(response);
    world.advance_alive(SECOND * 24);
    world.silent();
    world.advance_alive(SECOND);
    world.request(Method::Update);
}

#[test]
fn a_refresh_that_finds_no_dialog_or_nobody_ends_the_call() {
    for code in [408, 481] {
        let mut world = talking_out("90;refresher=uac", "UPDATE");
        world.advance_alive(SECOND * 45);
        let update = world.request(Method::Update);
        world.reply(&update, code);
        let bye = world.request(Method::Bye);
        world.reply(&bye, 481);
        world.ended(id(), EndReason::TimedOut);
    }
    let mut world = talking_out("1800;refresher=uac", "UPDATE");
    world.advance_alive(SECOND * 900);
    world.request(Method::Update);
    world.advance_alive(SECOND * 33);
    let bye = world.request(Method::Bye);
    world.reply(&bye, 200);
    world.ended(id(), EndReason::TimedOut);
}

#[test]
fn a_refresh_is_challenged_and_asked_to_be_longer() {
    let mut world = talking_out("90;refresher=uac", "UPDATE");
    world.advance_alive(SECOND * 45);
    let update = world.request(Method::Update);
    world.challenge_to(&update, "n7", true);
    let update = world.request(Method::Update);
    let mut refusal = update.response(StatusCode::SESSION_INTERVAL_TOO_SMALL, Some("bob"));
    refusal.headers.push(HeaderName::MIN_SE, "600");
    world.receive(refusal);
    let update = world.request(Method::Update);
    let said = |name| field(&update.clone().into(), name);
    assert_eq!(said(HeaderName::SESSION_EXPIRES).as_deref(), Some("600;refresher=uac"));
    assert_eq!(said(HeaderName::MIN_SE).as_deref(), Some("600"));
    agree(&mut world, &update, "600;refresher=uac");
    world.advance_alive(SECOND * 299);
    world.silent();
    world.advance_alive(SECOND);
    let update = world.request(Method::Update);
    assert_eq!(update.headers.cseq().unwrap().sequence, 5);
}

#[test]
fn an_invite_whose_interval_is_too_small_is_sent_again_with_a_longer_one() {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    let mut refusal = invite.response(StatusCode::SESSION_INTERVAL_TOO_SMALL, Some("bob"));
    refusal.headers.push(HeaderName::MIN_SE, "3600");
    world.receive(refusal);
    world.request(Method::Ack);
    let again = world.request(Method::Invite);
    let said = |name| field(&again.clone().into(), name);
    assert_eq!(said(HeaderName::SESSION_EXPIRES).as_deref(), Some("3600"));
    assert_eq!(said(HeaderName::MIN_SE).as_deref(), Some("3600"));
    assert_eq!(again.headers.call_id(), invite.headers.call_id());
    assert_eq!(again.headers.from(), invite.headers.from());
    assert_eq!(again.headers.cseq().unwrap().sequence, 2);
    assert_ne!(again.headers.via().unwrap().branch(), invite.headers.via().unwrap().branch());
    world.reply(&again, 180);
    assert_eq!(world.state(id()), Some(CallState::Alerting));
}

#[test]
fn a_422_that_asks_for_nothing_or_for_more_again_and_again_is_a_refusal() {
    for least in ["", "90", "1800", "4294967295", "x"] {
        let mut world = World::registered();
        world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
        world.described(id());
        let invite = world.request(Method::Invite);
        let mut refusal = invite.response(StatusCode::SESSION_INTERVAL_TOO_SMALL, Some("bob"));
        refusal.headers.push(HeaderName::MIN_SE, least);
        world.receive(refusal);
        let reason = "Session Interval Too Small".to_owned();
        world.ended(id(), EndReason::Rejected { status: 422, reason });
    }
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    let mut invites = 0;
    while world.state(id()).is_some() {
        let invite = world.request(Method::Invite);
        invites += 1;
        let mut refusal = invite.response(StatusCode::SESSION_INTERVAL_TOO_SMALL, Some("bob"));
        refusal.headers.push(HeaderName::MIN_SE, (1800 + invites).to_string());
        world.receive(refusal);
        world.request(Method::Ack);
    }
    assert_eq!(invites, 4);
}

#[test]
fn what_a_caller_asks_for_is_agreed_to() {
    for (asked, agreed) in [
        ("1800", "1800;refresher=uac"),
        ("300;refresher=uac", "300;refresher=uac"),
        ("300;refresher=uas", "300;refresher=uas"),
    ] {
        let (.., said) = talking_in(&[(HeaderName::SESSION_EXPIRES, asked), TIMER]);
        assert_eq!(said.as_deref(), Some(agreed), "{asked}");
    }
    let (.., said) = talking_in(&[(HeaderName::SESSION_EXPIRES, "300")]);
    assert_eq!(said.as_deref(), Some("300;refresher=uas"), "a proxy asked");
    for fields in [&[TIMER][..], &[]] {
        let (mut world, .., said) = talking_in(fields);
        assert_eq!(said, None);
        world.advance_alive(SECOND * 4000);
        assert_eq!(world.state(id()), Some(CallState::Established));
    }
}

#[test]
fn an_interval_below_90_s_is_refused_before_it_rings() {
    let mut world = World::registered();
    let mut invite = world.invite(id());
    invite.headers.push(HeaderName::SESSION_EXPIRES, "60");
    invite.headers.push(TIMER.0, TIMER.1);
    world.receive(invite);
    let refusal = world.response(422);
    assert_eq!(refusal.headers.number(&HeaderName::MIN_SE), Some(90));
    assert!(world.events.is_empty());
    // The same call with what was asked for.
    let mut invite = world.invite(id());
    invite.headers.push(HeaderName::SESSION_EXPIRES, "90");
    invite.headers.push(HeaderName::REQUIRE, "timer");
    world.receive(invite);
    assert_eq!(world.state(id()), Some(CallState::Ringing));
}

#[test]
fn a_caller_that_refreshes_keeps_its_call_and_one_that_falls_silent_loses_it() {
    let fields = [(HeaderName::SESSION_EXPIRES, "90"), TIMER];
    let (mut world, invite, to, _) = talking_in(&fields);
    for by_update in [true, false, true] {
        world.advance_alive(SECOND * 50);
        world.silent();
        let method = if by_update { Method::Update } else { Method::Invite };
        let mut refresh = world.inside(&invite, &to, method);
        refresh.headers.push(HeaderName::SESSION_EXPIRES, "90;refresher=uac");
        refresh.headers.push(TIMER.0, TIMER.1);
        if !by_update {
            refresh.set_body("application/sdp", sdp("sendrecv").into_bytes());
        }
        world.receive(refresh.clone());
        if !by_update {
            world.described(id());
        }
        let ok = world.response(200);
        let said = field(&ok.into(), HeaderName::SESSION_EXPIRES);
        assert_eq!(said.as_deref(), Some("90;refresher=uac"));
        if !by_update {
            let mut ack = world.inside(&refresh, &to, Method::Ack);
            ack.headers.set(HeaderName::CALL_ID, invite.headers.call_id().unwrap());
            world.receive(ack);
        }
    }
    world.advance_alive(SECOND * 59);
    assert_eq!(world.state(id()), Some(CallState::Established));
    world.advance_alive(SECOND);
    let bye = world.request(Method::Bye);
    world.reply(&bye, 481);
    world.ended(id(), EndReason::TimedOut);
}

#[test]
fn a_caller_that_leaves_the_refreshes_to_us_gets_them() {
    let fields = [
        (HeaderName::SESSION_EXPIRES, "90;refresher=uas"),
        TIMER,
        (HeaderName::ALLOW, "INVITE, UPDATE"),
    ];
    let (mut world, ..) = talking_in(&fields);
    world.advance_alive(SECOND * 45);
    let update = world.request(Method::Update);
    let said = field(&update.clone().into(), HeaderName::SESSION_EXPIRES);
    assert_eq!(said.as_deref(), Some("90;refresher=uac"));
    // It wants no timer any more.
    agree(&mut world, &update, "");
    world.advance_alive(SECOND * 4000);
    assert_eq!(world.state(id()), Some(CallState::Established));
}

#[test]
fn a_hold_refreshes_too_and_leaves_who_refreshes() {
    let mut world = talking_out("90;refresher=uas", "UPDATE");
    world.advance_alive(SECOND * 50);
    world.command(Command::Hold { call: id(), on: true }).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    let said = field(&invite.clone().into(), HeaderName::SESSION_EXPIRES);
    assert_eq!(said.as_deref(), Some("90;refresher=uas"));
    agree(&mut world, &invite, "90;refresher=uas");
    world.request(Method::Ack);
    world.advance_alive(SECOND * 59);
    assert_eq!(world.state(id()), Some(CallState::Established));
    world.advance_alive(SECOND);
    world.request(Method::Bye);
}

/// The connection is lost with our UPDATE; the re-INVITE that goes out on the next.
fn refresh_goes_down() -> (World, Request) {
    let mut world = talking_out("1800;refresher=uac", "UPDATE");
    world.advance_alive(SECOND * 900);
    world.request(Method::Update);
    world.lose_flow(FlowErrorKind::Lost);
    world.advance(SECOND);
    world.open_flow();
    world.grant();
    world.described(id());
    let invite = world.request(Method::Invite);
    (world, invite)
}

#[test]
fn a_refresh_that_went_down_with_its_connection_goes_again_on_the_next() {
    let (mut world, invite) = refresh_goes_down();
    agree(&mut world, &invite, "1800;refresher=uac");
    world.request(Method::Ack);
    world.advance_alive(SECOND * 899);
    world.silent();
    world.advance_alive(SECOND);
    world.request(Method::Update);
}

#[test]
fn a_refresh_that_went_down_goes_again_though_the_new_path_is_not_agreed_to_yet() {
    let (mut world, _) = refresh_goes_down();
    world.advance_alive(SECOND * 31);
    world.request(Method::Update);
}
