//! UPDATE of the other side (RFC 3311 §5.2), in confirmed and in early dialogs.

use super::*;

fn id() -> CallId {
    call_id(0x0bda)
}

/// An UPDATE of the server in the dialog of a call that came in.
fn update(world: &mut World, invite: &Request, to: &str, body: &str) -> Request {
    let mut update = world.inside(invite, to, Method::Update);
    if !body.is_empty() {
        update.set_body("application/sdp", body.as_bytes().to_vec());
    }
    update
}

#[test]
fn an_update_without_a_description_refreshes_the_target() {
    let (mut world, invite, to) = World::talking_in(id());
    let mut refresh = update(&mut world, &invite, &to, "");
    refresh.headers.set(HeaderName::CONTACT, "<sip:pbx@192.0.2.77;transport=ws>");
    world.receive(refresh);
    let ok = world.response(200);
    assert!(ok.headers.has(&HeaderName::CONTACT), "RFC 3311 Table 1");
    assert!(ok.headers.has_token(&HeaderName::ALLOW, "UPDATE"));
    assert!(world.events.is_empty() && world.outputs.is_empty());
    world.command(Command::HangUp { call: id() }).unwrap();
    let bye = world.request(Method::Bye);
    assert_eq!(bye.uri.to_string(), "sip:pbx@192.0.2.77;transport=ws");
}

#[test]
fn an_update_with_an_offer_is_answered_in_its_200_and_no_ack_is_waited_for() {
    let (mut world, invite, to) = World::talking_in(id());
    let change = update(&mut world, &invite, &to, &sdp("sendonly"));
    world.receive(change);
    world.silent();
    let request = world.described(id());
    let wanted = sdp::Direction::RecvOnly;
    assert!(matches!(request, DescribeRequest::Answer { direction, .. } if direction == wanted));
    assert!(!world.response(200).body.is_empty());
    let hold = Hold { local: false, remote: true };
    assert_eq!(world.events.pop_front(), Some(Event::HoldChanged { call: id(), hold }));
    world.advance_alive(SECOND * 40);
    world.silent();
    assert_eq!(world.state(id()), Some(CallState::Established));
}

#[test]
fn an_offer_in_an_update_meets_ours_as_glare() {
    let (mut world, invite, to) = World::talking_in(id());
    world.command(Command::Hold { call: id(), on: true }).unwrap();
    world.described(id());
    world.request(Method::Invite);
    let change = update(&mut world, &invite, &to, &sdp("sendrecv"));
    world.receive(change);
    world.response(491);
    // Without an offer there is nothing that could clash.
    let refresh = update(&mut world, &invite, &to, "");
    world.receive(refresh);
    world.response(200);
}

#[test]
fn an_update_during_another_comes_again_later() {
    let (mut world, invite, to) = World::talking_in(id());
    let change = update(&mut world, &invite, &to, &sdp("sendrecv"));
    world.receive(change);
    for body in ["", &sdp("sendrecv")] {
        let again = update(&mut world, &invite, &to, body);
        world.receive(again);
        let later = world.response(500);
        assert!(later.headers.number(&HeaderName::RETRY_AFTER).is_some_and(|wait| wait <= 10));
    }
    // So does a re-INVITE.
    let mut change = world.inside(&invite, &to, Method::Invite);
    change.set_body("application/sdp", sdp("sendrecv").into_bytes());
    world.receive(change);
    world.response(500);
    world.described(id());
    world.response(200);
}

#[test]
fn an_update_without_a_description_waits_for_no_reinvite() {
    let (mut world, invite, to) = World::talking_in(id());
    let mut change = world.inside(&invite, &to, Method::Invite);
    change.set_body("application/sdp", sdp("sendrecv").into_bytes());
    world.receive(change);
    let refresh = update(&mut world, &invite, &to, "");
    world.receive(refresh);
    world.response(200);
}

#[test]
fn an_update_that_cannot_be_described_or_read_is_refused_and_the_call_goes_on() {
    let (mut world, invite, to) = World::talking_in(id());
    let change = update(&mut world, &invite, &to, &sdp("sendrecv"));
    world.receive(change);
    let (generation, _) = world.asked_description(id());
    let result = Err(MediaError::NotAcceptable("x".to_owned()));
    world.handle(Input::Described { call: id(), generation, result });
    world.response(488);
    let change = update(&mut world, &invite, &to, "v=0");
    world.receive(change);
    world.response(488);
    let mut change = update(&mut world, &invite, &to, "x");
    change.headers.set(HeaderName::CONTENT_TYPE, "text/plain");
    world.receive(change);
    world.response(415);
    assert_eq!(world.state(id()), Some(CallState::Established));
    let lost = update(&mut world, &invite, "<sip:agent1@pbx.example>;tag=none", "");
    world.receive(lost);
    world.response(481);
}

#[test]
fn an_update_that_is_described_when_the_call_ends_gets_its_final_response() {
    let (mut world, invite, to) = World::talking_in(id());
    let change = update(&mut world, &invite, &to, &sdp("sendrecv"));
    world.receive(change);
    let bye = world.inside(&invite, &to, Method::Bye);
    world.receive(bye);
    world.response(200);
    world.response(487);
    world.ended(id(), EndReason::Remote);
}

#[test]
fn while_it_rings_an_update_refreshes_and_an_offer_waits_for_our_answer() {
    let mut world = World::registered();
    let invite = world.invite(id());
    world.receive(invite.clone());
    let to = world.response(180).headers.get(&HeaderName::TO).unwrap().into_owned();
    let refresh = update(&mut world, &invite, &to, "");
    world.receive(refresh);
    world.response(200);
    let change = update(&mut world, &invite, &to, &sdp("sendrecv"));
    world.receive(change);
    assert!(world.response(500).headers.has(&HeaderName::RETRY_AFTER));
    assert_eq!(world.state(id()), Some(CallState::Ringing));
}

/// A call of ours that rings, and its INVITE; `early`: with the answer in a 183.
fn alerting(early: bool) -> (World, Request) {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    assert!(invite.headers.has_token(&HeaderName::ALLOW, "UPDATE"));
    let (code, body) = if early { (183, sdp("sendrecv")) } else { (180, String::new()) };
    world.reply_sdp(&invite, code, "bob", &body);
    (world, invite)
}

#[test]
fn in_an_early_dialog_of_ours_an_update_refreshes_and_an_offer_is_glare() {
    let (mut world, invite) = alerting(false);
    let refresh = world.back(&invite, "bob", Method::Update);
    world.receive(refresh);
    world.response(200);
    let mut change = world.back(&invite, "bob", Method::Update);
    change.set_body("application/sdp", sdp("sendrecv").into_bytes());
    world.receive(change);
    world.response(491);
    let stranger = world.back(&invite, "eve", Method::Update);
    world.receive(stranger);
    world.response(481);
}

#[test]
fn early_media_can_be_changed_by_an_update_of_the_one_who_plays_it() {
    let (mut world, invite) = alerting(true);
    world.reply_sdp(&invite, 180, "eve", "");
    let mut change = world.back(&invite, "eve", Method::Update);
    change.set_body("application/sdp", sdp("sendrecv").into_bytes());
    world.receive(change);
    world.response(488);
    let mut change = world.back(&invite, "bob", Method::Update);
    change.set_body("application/sdp", sdp("sendonly").into_bytes());
    world.receive(change);
    let request = world.described(id());
    assert!(matches!(request, DescribeRequest::Answer { .. }));
    assert!(!world.response(200).body.is_empty());
    assert_eq!(world.state(id()), Some(CallState::Alerting));
    // The 2xx repeats the first answer, which is out of date, and the dialog counts on.
    world.reply_sdp(&invite, 200, "bob", &sdp("sendrecv"));
    world.request(Method::Ack);
    assert!(world.phone.snapshot().calls[0].hold.remote);
    let old = world.back(&invite, "bob", Method::Bye);
    let mut old = old;
    old.headers.set(HeaderName::CSEQ, "1 BYE");
    world.receive(old);
    world.response(500);
}

#[test]
fn early_media_that_cannot_be_changed_goes_on() {
    let (mut world, invite) = alerting(true);
    let mut change = world.back(&invite, "bob", Method::Update);
    change.set_body("application/sdp", sdp("sendonly").into_bytes());
    world.receive(change);
    let (generation, _) = world.asked_description(id());
    world.handle(Input::Described { call: id(), generation, result: Err(MediaError::NoPath) });
    world.response(488);
    assert_eq!(world.state(id()), Some(CallState::Alerting));
}

#[test]
fn early_dialogs_are_bounded_in_number() {
    let (mut world, invite) = alerting(false);
    for number in 0..20 {
        world.reply_sdp(&invite, 180, &format!("fork{number}"), "");
    }
    let known = (0..20).filter(|number| {
        let refresh = world.back(&invite, &format!("fork{number}"), Method::Update);
        world.receive(refresh);
        let Some(Message::Response(response)) = world.sent.pop_front() else { panic!("nothing") };
        response.status == StatusCode::OK
    });
    assert_eq!(known.count(), 7, "and bob's");
}
