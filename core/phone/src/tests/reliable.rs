//! Provisional responses that are acknowledged (RFC 3262), as caller and as called.

use super::*;

fn id() -> CallId {
    call_id(0x3262)
}

/// A call that we make, and its INVITE.
fn dialing() -> (World, Request) {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    assert!(invite.headers.has_token(&HeaderName::SUPPORTED, "100rel"));
    assert!(invite.headers.has_token(&HeaderName::ALLOW, "PRACK"));
    assert!(!invite.headers.has(&HeaderName::REQUIRE), "it is never required");
    (world, invite)
}

/// A reliable provisional response of the other side.
fn progress(world: &mut World, invite: &Request, code: u16, tag: &str, rseq: &str, body: &str) {
    let mut response = invite.response(StatusCode::new(code).unwrap(), Some(tag));
    response.headers.push(HeaderName::CONTACT, format!("<sip:{tag}@192.0.2.1;transport=ws>"));
    response.headers.push(HeaderName::REQUIRE, "100rel");
    response.headers.push(HeaderName::RSEQ, rseq);
    if !body.is_empty() {
        response.set_body("application/sdp", body.as_bytes().to_vec());
    }
    world.receive(response);
}

#[track_caller]
fn prack(world: &mut World, tag: &str, rack: &str) -> Request {
    let prack = world.request(Method::Prack);
    assert_eq!(prack.headers.get(&HeaderName::RACK).unwrap(), rack);
    assert_eq!(prack.headers.to().unwrap().tag(), Some(tag));
    assert_eq!(prack.uri.to_string(), format!("sip:{tag}@192.0.2.1;transport=ws"));
    assert!(prack.body.is_empty(), "our offer is answered, and there is no other");
    prack
}

#[test]
fn reliable_responses_are_acknowledged_in_their_order_and_once() {
    let (mut world, invite) = dialing();
    progress(&mut world, &invite, 180, "bob", "7", "");
    let first = prack(&mut world, "bob", "7 1 INVITE");
    assert_eq!(first.headers.cseq().unwrap().sequence, 2);
    assert_eq!(world.state(id()), Some(CallState::Alerting));
    world.reply(&first, 200);
    // A repetition, one that is too early, one that is old.
    for rseq in ["7", "9", "6"] {
        progress(&mut world, &invite, 183, "bob", rseq, &sdp("sendrecv"));
        world.silent();
    }
    let plays = |e: &Event| matches!(e, Event::EarlyMedia { .. });
    assert!(!world.events.iter().any(plays), "what is out of turn is not looked at");
    progress(&mut world, &invite, 183, "bob", "8", &sdp("sendrecv"));
    let second = prack(&mut world, "bob", "8 1 INVITE");
    assert_eq!(second.headers.cseq().unwrap().sequence, 3);
    assert!(world.events.iter().any(plays));
    world.reply(&second, 200);
    world.reply_sdp(&invite, 200, "bob", &sdp("sendrecv"));
    let ack = world.request(Method::Ack);
    assert_eq!(ack.headers.cseq().unwrap().sequence, 1);
    world.command(Command::HangUp { call: id() }).unwrap();
    assert_eq!(world.request(Method::Bye).headers.cseq().unwrap().sequence, 4);
}

#[test]
fn each_fork_has_an_order_of_its_own() {
    let (mut world, invite) = dialing();
    progress(&mut world, &invite, 180, "bob", "100", "");
    progress(&mut world, &invite, 180, "eve", "5", "");
    prack(&mut world, "bob", "100 1 INVITE");
    prack(&mut world, "eve", "5 1 INVITE");
    progress(&mut world, &invite, 183, "bob", "101", "");
    prack(&mut world, "bob", "101 1 INVITE");
}

#[test]
fn what_only_looks_reliable_is_taken_as_it_is() {
    for rseq in ["0", "x", "4294967296", ""] {
        let (mut world, invite) = dialing();
        progress(&mut world, &invite, 180, "bob", rseq, "");
        world.silent();
        assert_eq!(world.state(id()), Some(CallState::Alerting), "{rseq:?}");
    }
    // RFC 3262 §3: 100 is never reliable.
    let (mut world, invite) = dialing();
    progress(&mut world, &invite, 180, "bob", "1", "");
    prack(&mut world, "bob", "1 1 INVITE");
    let to = format!("{};tag=bob", invite.headers.get(&HeaderName::TO).unwrap());
    let mut trying = invite.response(StatusCode::TRYING, None);
    trying.headers.set(HeaderName::TO, to);
    trying.headers.push(HeaderName::REQUIRE, "100rel");
    trying.headers.push(HeaderName::RSEQ, "2");
    world.receive(trying);
    world.silent();
    let (mut world, invite) = dialing();
    progress(&mut world, &invite, 180, "bob", "4294967295", "");
    prack(&mut world, "bob", "4294967295 1 INVITE");
    progress(&mut world, &invite, 183, "bob", "1", "");
    world.silent();
}

#[test]
fn a_prack_that_is_challenged_goes_again_and_its_refusal_ends_nothing() {
    let (mut world, invite) = dialing();
    progress(&mut world, &invite, 180, "bob", "1", "");
    let first = prack(&mut world, "bob", "1 1 INVITE");
    world.challenge_to(&first, "n9", true);
    let again = prack(&mut world, "bob", "1 1 INVITE");
    assert_eq!(again.headers.cseq().unwrap().sequence, 3);
    world.reply(&again, 481);
    assert_eq!(world.state(id()), Some(CallState::Alerting));
    progress(&mut world, &invite, 180, "bob", "2", "");
    assert_eq!(prack(&mut world, "bob", "2 1 INVITE").headers.cseq().unwrap().sequence, 4);
}

#[test]
fn a_prack_that_is_challenged_after_the_answer_is_not_wanted_any_more() {
    let (mut world, invite) = dialing();
    progress(&mut world, &invite, 180, "bob", "1", "");
    let first = prack(&mut world, "bob", "1 1 INVITE");
    world.reply_sdp(&invite, 200, "bob", &sdp("sendrecv"));
    world.request(Method::Ack);
    world.challenge_to(&first, "n9", true);
    world.silent();
}

#[test]
fn pracks_for_many_forks_are_bounded() {
    let (mut world, invite) = dialing();
    for number in 0..30 {
        progress(&mut world, &invite, 180, &format!("fork{number}"), "1", "");
    }
    assert_eq!(world.sent.len(), 8);
}

/// A call that came in and requires reliable responses; the first of them.
fn required(body: &str) -> (World, Request, Response) {
    let mut config = config();
    config.early = EarlyMedia::Always;
    let mut world = World::registered_with(config);
    let mut invite = world.invite(id());
    invite.headers.push(HeaderName::REQUIRE, "100rel");
    if body.is_empty() {
        invite.headers.remove(&HeaderName::CONTENT_TYPE);
        invite.body.clear();
    }
    world.receive(invite.clone());
    if body.is_empty() {
        world.silent();
        world.described(id());
    }
    let ringing = world.response(180);
    assert!(ringing.headers.has_token(&HeaderName::REQUIRE, "100rel"));
    assert_eq!(ringing.body.is_empty(), !body.is_empty());
    (world, invite, ringing)
}

/// The PRACK of a response of the phone.
fn acknowledge(world: &mut World, invite: &Request, response: &Response) -> Request {
    let to = response.headers.get(&HeaderName::TO).unwrap().into_owned();
    let mut prack = world.inside(invite, &to, Method::Prack);
    let rseq = response.headers.number(&HeaderName::RSEQ).unwrap();
    let cseq = invite.headers.cseq().unwrap().sequence;
    prack.headers.push(HeaderName::RACK, format!("{rseq} {cseq} INVITE"));
    prack
}

#[test]
fn a_caller_that_requires_it_gets_reliable_responses_one_at_a_time() {
    let (mut world, invite, ringing) = required("sdp");
    // The 183 waits for the PRACK of the 180.
    world.described(id());
    world.silent();
    let prack = acknowledge(&mut world, &invite, &ringing);
    world.receive(prack.clone());
    world.response(200);
    let progress = world.response(183);
    let rseq = |response: &Response| response.headers.number(&HeaderName::RSEQ).unwrap();
    assert_eq!(rseq(&progress), rseq(&ringing) + 1);
    assert!(!progress.body.is_empty());
    // The same PRACK once more, in a transaction of its own, is for nothing.
    let again = acknowledge(&mut world, &invite, &ringing);
    world.receive(again);
    world.response(481);
    // The answer is on its way: a 2xx waits until it has arrived (RFC 3262 §3).
    world.command(Command::Answer { call: id() }).unwrap();
    world.silent();
    assert_eq!(world.state(id()), Some(CallState::Answering));
    let prack = acknowledge(&mut world, &invite, &progress);
    world.receive(prack);
    world.response(200);
    let ok = world.response(200);
    assert_eq!(ok.headers.cseq().unwrap().method, Method::Invite);
    assert!(ok.body.is_empty(), "offer and answer went before");
    let to = ok.headers.get(&HeaderName::TO).unwrap().into_owned();
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    world.handle(Input::MediaConnected { call: id() });
    assert_eq!(world.state(id()), Some(CallState::Established));
}

#[test]
fn an_answer_waits_for_a_description_that_itself_waits() {
    let (mut world, invite, ringing) = required("sdp");
    world.described(id());
    world.command(Command::Answer { call: id() }).unwrap();
    world.silent();
    let prack = acknowledge(&mut world, &invite, &ringing);
    world.receive(prack);
    world.response(200);
    let progress = world.response(183);
    world.silent();
    let prack = acknowledge(&mut world, &invite, &progress);
    world.receive(prack);
    world.response(200);
    assert_eq!(world.response(200).headers.cseq().unwrap().method, Method::Invite);
}

#[test]
fn a_reliable_response_is_repeated_at_doubling_intervals_and_then_the_call_is_refused() {
    let (mut world, _, _) = required("sdp");
    world.described(id());
    for wait in [500, 1000, 2000, 4000, 8000, 16_000] {
        world.advance_alive(Duration::from_millis(wait - 1));
        world.silent();
        world.advance_alive(Duration::from_millis(1));
        world.response(180);
    }
    world.advance_alive(Duration::from_millis(500));
    world.response(504);
    world.ended(id(), EndReason::TimedOut);
}

#[test]
fn without_a_description_on_its_way_a_2xx_does_not_wait() {
    let (mut world, invite, _) = {
        let mut world = World::registered();
        let mut invite = world.invite(id());
        invite.headers.push(HeaderName::REQUIRE, "100rel");
        world.receive(invite.clone());
        let ringing = world.response(180);
        (world, invite, ringing)
    };
    world.described(id());
    world.command(Command::Answer { call: id() }).unwrap();
    let ok = world.response(200);
    assert!(!ok.body.is_empty());
    let to = ok.headers.get(&HeaderName::TO).unwrap().into_owned();
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    world.advance(SECOND * 5);
    world.silent();
}

#[test]
fn an_invite_without_an_offer_gets_ours_in_the_first_reliable_response() {
    let (mut world, invite, ringing) = required("");
    let mut prack = acknowledge(&mut world, &invite, &ringing);
    prack.set_body("application/sdp", sdp("sendrecv").into_bytes());
    world.receive(prack);
    world.response(200);
    assert!(world.outputs.iter().any(|o| matches!(o, Output::SetRemoteAnswer { .. })));
    world.command(Command::Answer { call: id() }).unwrap();
    assert!(world.response(200).body.is_empty());

    let (mut world, invite, ringing) = required("");
    let prack = acknowledge(&mut world, &invite, &ringing);
    world.receive(prack);
    world.response(488);
    world.response(488);
    assert_eq!(world.state(id()), None);
}

#[test]
fn a_further_offer_in_a_prack_is_answered_in_its_200() {
    let (mut world, invite, ringing) = required("sdp");
    world.described(id());
    let prack = acknowledge(&mut world, &invite, &ringing);
    world.receive(prack);
    world.response(200);
    let progress = world.response(183);
    let mut prack = acknowledge(&mut world, &invite, &progress);
    prack.set_body("application/sdp", sdp("sendonly").into_bytes());
    world.receive(prack);
    world.silent();
    world.described(id());
    let ok = world.response(200);
    assert_eq!(ok.headers.cseq().unwrap().method, Method::Prack);
    assert!(!ok.body.is_empty());
    // So is an offer in an UPDATE, now that the first is answered (RFC 3311 §5.1).
    let to = ringing.headers.get(&HeaderName::TO).unwrap().into_owned();
    let mut update = world.inside(&invite, &to, Method::Update);
    update.set_body("application/sdp", sdp("sendrecv").into_bytes());
    world.receive(update);
    world.described(id());
    assert!(!world.response(200).body.is_empty());
    assert_eq!(world.state(id()), Some(CallState::Ringing));
}

#[test]
fn a_prack_for_nothing_is_none() {
    let (mut world, invite, ringing) = required("sdp");
    let to = ringing.headers.get(&HeaderName::TO).unwrap().into_owned();
    let cseq = invite.headers.cseq().unwrap().sequence;
    let rseq = ringing.headers.number(&HeaderName::RSEQ).unwrap();
    for rack in [
        String::new(),
        "x".to_owned(),
        format!("{} {cseq} INVITE", rseq + 1),
        format!("{rseq} {} INVITE", cseq + 1),
        format!("{rseq} {cseq} UPDATE"),
        format!("{rseq} {cseq} INVITE x"),
    ] {
        let mut prack = world.inside(&invite, &to, Method::Prack);
        prack.headers.push(HeaderName::RACK, rack);
        world.receive(prack);
        world.response(481);
    }
    let (mut world, invite, to) = World::talking_in(id());
    let prack = world.inside(&invite, &to, Method::Prack);
    world.receive(prack);
    world.response(481);
}

#[test]
fn a_caller_that_gives_up_ends_the_repetitions() {
    let (mut world, invite, _) = required("sdp");
    world.receive(sidetone_sip::dialog::cancel(&invite));
    world.response(200);
    world.response(487);
    world.advance(SECOND * 5);
    world.silent();
    world.ended(id(), EndReason::Cancelled);
}

#[test]
fn the_first_number_of_a_reliable_response_is_in_the_range_of_the_rfc() {
    let mut world = World::registered();
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..16 {
        let mut invite = world.invite(call_id(number));
        invite.headers.push(HeaderName::REQUIRE, "100rel");
        world.receive(invite.clone());
        let ringing = world.response(180);
        let rseq = ringing.headers.number(&HeaderName::RSEQ).unwrap();
        // RFC 3262 §3, and room for those that follow.
        assert!((1..1 << 31).contains(&rseq), "{rseq}");
        seen.insert(rseq);
        let decline = Command::Decline { call: call_id(number), reason: DeclineReason::Busy };
        world.command(decline).unwrap();
        while world.sent.pop_front().is_some() {}
        world.advance_alive(SECOND * 40);
        while world.sent.pop_front().is_some() {}
    }
    assert_eq!(seen.len(), 16, "each is drawn");
}
