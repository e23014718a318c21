//! 3xx to our INVITE (RFC 3261 §8.1.3.4).

use super::*;

fn id() -> CallId {
    call_id(0x0302)
}

fn dialing() -> (World, Request) {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    (world, invite)
}

/// 3xx with these contacts; the next INVITE, where there is one.
fn redirect(world: &mut World, invite: &Request, code: u16, contacts: &[&str]) -> Option<Request> {
    let mut response = invite.response(StatusCode::new(code).unwrap(), Some("server"));
    for contact in contacts {
        response.headers.push(HeaderName::CONTACT, *contact);
    }
    world.receive(response);
    world.request(Method::Ack);
    next(world)
}

fn next(world: &mut World) -> Option<Request> {
    world.sent.front()?;
    Some(world.request(Method::Invite))
}

fn refuse(world: &mut World, invite: &Request, code: u16) -> Option<Request> {
    world.reply(invite, code);
    world.request(Method::Ack);
    next(world)
}

#[test]
fn a_redirected_call_goes_to_the_new_address_as_the_same_call() {
    for code in [300, 301, 302] {
        let (mut world, invite) = dialing();
        let contact = "<sip:201@pbx.example?Replaces=1>;q=0.5";
        let again = redirect(&mut world, &invite, code, &[contact]).unwrap();
        assert_eq!(again.uri.to_string(), "sip:201@pbx.example");
        for name in [HeaderName::FROM, HeaderName::TO, HeaderName::CALL_ID, HeaderName::X_CALL_UID]
        {
            assert_eq!(again.headers.get(&name), invite.headers.get(&name), "§8.1.3.4");
        }
        assert_eq!(again.headers.cseq().unwrap().sequence, 2);
        assert_ne!(again.headers.via().unwrap().branch(), invite.headers.via().unwrap().branch());
        assert_eq!(again.headers.all(&HeaderName::VIA).count(), 1);
        assert_eq!(again.headers.all(&HeaderName::AUTHORIZATION).count(), 1);
        assert_eq!(again.body, invite.body);
        world.reply(&again, 180);
        world.reply_sdp(&again, 200, "bob", &sdp("sendrecv"));
        let ack = world.request(Method::Ack);
        assert_eq!(ack.headers.cseq().unwrap().sequence, 2);
        assert_eq!(world.state(id()), Some(CallState::Answered));
    }
}

#[test]
fn the_addresses_are_tried_in_the_order_of_q_and_none_twice() {
    let (mut world, invite) = dialing();
    let contacts = [
        "<sip:c@x>;q=0.1, <sip:a@x>;q=0.9",
        "<sip:first@x>",
        "<sip:b@x>;q=0.9",
        "<sip:a@x>;q=0.2",
        "<sip:200@pbx.example>;q=1.0",
        "<tel:+39055>",
        "<sip:odd@x>;q=much",
    ];
    let mut tried = vec![];
    let mut last = redirect(&mut world, &invite, 302, &contacts);
    while let Some(invite) = last {
        tried.push(invite.uri.user.clone().unwrap());
        last = refuse(&mut world, &invite, 404);
    }
    assert_eq!(tried, ["first", "a", "b", "c", "odd"]);
    world.ended(id(), EndReason::Unreachable(404));
}

#[test]
fn a_ring_of_redirections_comes_to_an_end() {
    let (mut world, invite) = dialing();
    let mut last = redirect(&mut world, &invite, 302, &["<sip:b@x>"]);
    let mut tried = 0;
    while let Some(invite) = last {
        tried += 1;
        let next = if tried % 2 == 0 { "<sip:b@x>" } else { "<sip:200@pbx.example>" };
        last = redirect(&mut world, &invite, 302, &[next]);
    }
    assert_eq!(tried, 1);
    let reason = "Moved Temporarily".to_owned();
    world.ended(id(), EndReason::Rejected { status: 302, reason });

    let (mut world, invite) = dialing();
    let mut last = redirect(&mut world, &invite, 302, &["<sip:0@x>"]);
    let mut tried = 0;
    while let Some(invite) = last {
        tried += 1;
        last = redirect(&mut world, &invite, 302, &[&format!("<sip:{tried}@x>")]);
    }
    assert_eq!(tried, 5);
    assert_eq!(world.state(id()), None);
}

#[test]
fn a_refusal_that_is_meant_for_all_addresses_ends_the_call() {
    let (mut world, invite) = dialing();
    let again = redirect(&mut world, &invite, 300, &["<sip:a@x>", "<sip:b@x>"]).unwrap();
    assert!(refuse(&mut world, &again, 603).is_none());
    world.ended(id(), EndReason::Refused);
}

#[test]
fn what_is_no_address_of_the_callee_is_not_tried() {
    for (code, contacts) in [
        (302, &["*"][..]),
        (302, &[]),
        (302, &["<http://x>"]),
        (302, &["<sip:"]),
        (305, &["<sip:proxy.example>"]),
        (380, &["<sip:a@x>"]),
    ] {
        let (mut world, invite) = dialing();
        assert!(redirect(&mut world, &invite, code, contacts).is_none(), "{code} {contacts:?}");
        assert_eq!(world.state(id()), None);
    }
}

#[test]
fn a_call_that_was_heard_already_is_not_redirected() {
    let (mut world, invite) = dialing();
    world.reply_sdp(&invite, 183, "bob", &sdp("sendrecv"));
    assert!(redirect(&mut world, &invite, 302, &["<sip:a@x>"]).is_none());
    assert_eq!(world.state(id()), None);
}

#[test]
fn a_redirected_call_can_be_given_up_and_challenged() {
    let (mut world, invite) = dialing();
    world.reply(&invite, 180);
    let again = redirect(&mut world, &invite, 302, &["<sip:a@x>", "<sip:b@x>"]).unwrap();
    assert_eq!(world.state(id()), Some(CallState::Dialing));
    world.challenge_to(&again, "n5", true);
    world.request(Method::Ack);
    let again = world.request(Method::Invite);
    assert_eq!(
        (again.uri.to_string().as_str(), again.headers.cseq().unwrap().sequence),
        ("sip:a@x", 3)
    );
    world.reply(&again, 180);
    world.command(Command::HangUp { call: id() }).unwrap();
    let cancel = world.request(Method::Cancel);
    assert_eq!(cancel.headers.cseq().unwrap().sequence, 3);
    world.reply(&cancel, 200);
    assert!(refuse(&mut world, &again, 487).is_none());
    world.ended(id(), EndReason::Local);
}
