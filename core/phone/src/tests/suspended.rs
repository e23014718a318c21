//! A process that was suspended: what it reads afterwards may be old, and what it waits for may be there.

use super::*;

fn id() -> CallId {
    call_id(0x51ee)
}

impl World {
    /// The process is suspended; the first that it does afterwards is to look at its timers.
    fn sleep(&mut self, time: Duration) {
        self.boot += time;
        self.phone.handle_timeout(self.now());
        self.drain();
    }

    fn rings(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Incoming { .. }))
    }
}

/// A phone that slept, and the OPTIONS by which it asks for an INVITE that it then found.
fn doubted(time: Duration) -> (World, Request, Request) {
    let mut world = World::registered();
    world.sleep(time);
    let invite = world.invite(id());
    world.receive(invite.clone());
    let ringing = world.response(180);
    let options = world.request(Method::Options);
    assert_eq!(options.headers.to().unwrap().tag(), Some("caller"));
    let tag = ringing.headers.to().unwrap().tag().unwrap().to_owned();
    assert_eq!(options.headers.from().unwrap().tag(), Some(tag.as_str()));
    assert!(!world.rings() && world.state(id()).is_none(), "nobody is told");
    (world, invite, options)
}

#[test]
fn an_invite_that_the_server_has_given_up_does_not_ring() {
    let (mut world, _, options) = doubted(SECOND * 40);
    world.reply(&options, 481);
    world.response(480);
    world.advance(SECOND * 5);
    assert!(!world.rings());
}

#[test]
fn an_invite_that_the_server_still_knows_rings_with_the_same_tag() {
    // Whatever it thinks of OPTIONS inside a dialog.
    for code in [200, 405, 500] {
        let (mut world, invite, options) = doubted(SECOND * 40);
        world.reply(&options, code);
        assert!(world.rings());
        let ringing = world.response(180);
        let from = options.headers.from().unwrap();
        assert_eq!(ringing.headers.to().unwrap().tag(), from.tag());
        world.described(id());
        world.command(Command::Answer { call: id() }).unwrap();
        let to = world.response(200).headers.get(&HeaderName::TO).unwrap().into_owned();
        let ack = world.inside(&invite, &to, Method::Ack);
        world.receive(ack);
        world.command(Command::HangUp { call: id() }).unwrap();
        // The dialog goes on where the question left it.
        let bye = world.request(Method::Bye);
        assert_eq!(bye.headers.from().unwrap().tag(), from.tag());
        assert_eq!(bye.headers.cseq().unwrap().sequence, 2);
    }
}

#[test]
fn a_server_that_serves_update_is_asked_by_it() {
    let mut world = World::registered();
    world.sleep(SECOND * 40);
    let mut invite = world.invite(id());
    invite.headers.push(HeaderName::ALLOW, "INVITE, UPDATE");
    world.receive(invite);
    world.response(180);
    let update = world.request(Method::Update);
    assert!(update.body.is_empty() && update.headers.has(&HeaderName::CONTACT));
    world.reply(&update, 200);
    assert!(world.rings());
}

#[test]
fn a_server_that_says_nothing_of_a_doubted_invite_has_it_ring() {
    let (mut world, _, _) = doubted(SECOND * 40);
    world.advance(SECOND * 3);
    assert!(!world.rings());
    world.advance(SECOND);
    assert!(world.rings());
}

#[test]
fn a_doubted_invite_can_be_withdrawn() {
    let (mut world, invite, options) = doubted(SECOND * 40);
    world.receive(sidetone_sip::dialog::cancel(&invite));
    world.response(200);
    world.response(487);
    world.reply(&options, 200);
    world.advance(SECOND * 5);
    assert!(!world.rings());
    world.silent();
}

#[test]
fn a_doubted_invite_goes_with_its_connection() {
    let (mut world, _, _) = doubted(SECOND * 40);
    world.lose_flow(FlowErrorKind::Lost);
    world.advance(SECOND * 5);
    assert!(!world.rings());
}

#[test]
fn after_a_short_sleep_only_an_invite_that_expires_soon_is_doubted() {
    let mut world = World::registered();
    world.sleep(SECOND * 30);
    let invite = world.invite(id());
    world.receive(invite);
    assert!(world.rings(), "no server gives up so soon");

    let mut world = World::registered();
    world.sleep(SECOND * 30);
    let mut invite = world.invite(id());
    invite.headers.push(HeaderName::EXPIRES, "20");
    world.receive(invite);
    world.response(180);
    world.request(Method::Options);
    assert!(!world.rings());
}

#[test]
fn a_phone_that_has_been_awake_for_long_doubts_nothing() {
    let mut world = World::registered();
    world.sleep(SECOND * 40);
    world.take(|output| matches!(output, Output::Probe { .. })).unwrap();
    world.handle(Input::ProbeAnswered { flow: world.flow });
    world.advance(SECOND * 11);
    let invite = world.invite(id());
    world.receive(invite);
    assert!(world.rings());
}

#[test]
fn a_call_that_was_announced_has_its_deadline_and_is_not_doubted() {
    let mut world = World::registered();
    world.sleep(SECOND * 40);
    let deadline = UnixTime(world.boot + SECOND * 20);
    let announcement = Announcement {
        call: id(),
        kind: AnnouncementKind::Incoming,
        deadline,
        caller: Caller::default(),
        queue: None,
        group: None,
    };
    world.handle(Input::Announced(announcement));
    let invite = world.invite(id());
    world.receive(invite);
    assert!(world.rings());
}

#[test]
fn doubts_are_bounded_in_number() {
    let mut world = World::registered();
    world.sleep(SECOND * 40);
    for number in 0..6 {
        let invite = world.invite(call_id(number));
        world.receive(invite);
    }
    let asks = |m: &&Message| matches!(m, Message::Request(r) if r.method == Method::Options);
    assert_eq!(world.sent.iter().filter(asks).count(), 4);
}

#[test]
fn an_invitation_that_expires_is_over_with_487() {
    let mut world = World::registered();
    let mut invite = world.invite(id());
    invite.headers.push(HeaderName::EXPIRES, "15");
    world.receive(invite);
    world.response(180);
    world.advance(SECOND * 14);
    assert_eq!(world.state(id()), Some(CallState::Ringing));
    world.advance(SECOND);
    world.response(487);
    world.ended(id(), EndReason::NoAnswer);
}

#[test]
fn a_phone_suspended_while_it_dials_takes_the_wait_up_again() {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    world.sleep(SECOND * 40);
    assert_eq!(world.state(id()), Some(CallState::Dialing));
    // What waited in the connection.
    world.reply(&invite, 180);
    assert_eq!(world.state(id()), Some(CallState::Alerting));
    world.reply_sdp(&invite, 200, "bob", &sdp("sendrecv"));
    world.request(Method::Ack);
    assert_eq!(world.state(id()), Some(CallState::Answered));
}

#[test]
fn a_phone_suspended_for_longer_than_a_call_may_ring_cancels_it() {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    world.sleep(SECOND * 200);
    assert_eq!(world.state(id()), Some(CallState::Ending));
    world.silent();
    world.reply(&invite, 180);
    world.request(Method::Cancel);
    world.reply(&invite, 487);
    world.request(Method::Ack);
    world.ended(id(), EndReason::NoAnswer);
}

#[test]
fn a_server_that_said_nothing_while_the_phone_slept_is_waited_for_once_more() {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    world.request(Method::Invite);
    world.sleep(SECOND * 40);
    world.handle(Input::ProbeAnswered { flow: world.flow });
    for _ in 0..2 {
        world.advance(SECOND * 15);
        world.handle(Input::ProbeAnswered { flow: world.flow });
    }
    assert_eq!(world.state(id()), Some(CallState::Dialing));
    world.advance(SECOND * 2);
    world.ended(id(), EndReason::TimedOut);
}

#[test]
fn an_ack_and_a_refresh_that_waited_in_the_connection_keep_the_call() {
    let mut world = World::registered();
    let mut invite = world.invite(id());
    invite.headers.push(HeaderName::SUPPORTED, "timer");
    invite.headers.push(HeaderName::SESSION_EXPIRES, "90;refresher=uac");
    world.receive(invite.clone());
    world.described(id());
    world.response(180);
    world.command(Command::Answer { call: id() }).unwrap();
    let to = world.response(200).headers.get(&HeaderName::TO).unwrap().into_owned();
    world.handle(Input::MediaConnected { call: id() });
    world.sleep(SECOND * 100);
    assert_eq!(world.state(id()), Some(CallState::Answered));
    world.sent.clear();
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    assert_eq!(world.state(id()), Some(CallState::Established));
    let mut refresh = world.inside(&invite, &to, Method::Update);
    refresh.headers.push(HeaderName::SUPPORTED, "timer");
    refresh.headers.push(HeaderName::SESSION_EXPIRES, "90;refresher=uac");
    world.receive(refresh);
    world.response(200);
    world.advance_alive(SECOND * 50);
    assert_eq!(world.state(id()), Some(CallState::Established));
}
