//! Calls that are talking: hold, mute, digits, changes of flow, and their end.

use super::*;

fn id() -> CallId {
    call_id(0x7a1c)
}

fn hold(world: &mut World, on: bool) -> Request {
    world.command(Command::Hold { call: id(), on }).unwrap();
    let direction = if on { sdp::Direction::SendOnly } else { sdp::Direction::SendRecv };
    let request = world.described(id());
    assert_eq!(request, DescribeRequest::Offer { direction, ice_restart: false });
    world.request(Method::Invite)
}

fn held(world: &World) -> Hold {
    world.phone.snapshot().calls[0].hold
}

#[test]
fn a_hold_closes_the_ways_at_once_and_is_told_when_it_is_agreed() {
    let (mut world, _, _) = World::talking_in(id());
    world.command(Command::Hold { call: id(), on: true }).unwrap();
    let closed = Output::SetUplink { call: id(), open: false, muted: false };
    assert!(world.outputs.contains(&closed));
    assert!(world.outputs.contains(&Output::SetDownlink { call: id(), open: false }));
    world.described(id());
    let invite = world.request(Method::Invite);
    world.outputs.clear();
    assert_eq!(world.command(Command::Hold { call: id(), on: true }), Ok(()), "idempotent");
    assert!(world.events.is_empty());
    world.reply_sdp(&invite, 200, "caller", &self::sdp("recvonly"));
    world.request(Method::Ack);
    let hold_now = Hold { local: true, remote: false };
    assert_eq!(world.events.pop_front(), Some(Event::HoldChanged { call: id(), hold: hold_now }));
    assert!(matches!(world.outputs.pop_front(), Some(Output::SetRemoteAnswer { .. })));
    let resume = hold(&mut world, false);
    world.reply_sdp(&resume, 200, "caller", &self::sdp("sendrecv"));
    world.request(Method::Ack);
    assert_eq!(held(&world), Hold::default());
    let open = Output::SetUplink { call: id(), open: true, muted: false };
    assert!(world.outputs.contains(&open));
    assert!(world.outputs.contains(&Output::SetDownlink { call: id(), open: true }));
}

#[test]
fn a_hold_that_is_refused_leaves_the_call_as_it_was() {
    let (mut world, _) = World::talking_out(id());
    let invite = hold(&mut world, true);
    world.outputs.clear();
    world.reply(&invite, 488);
    world.request(Method::Ack);
    let outputs: Vec<_> = world.outputs.drain(..).collect();
    assert_eq!(outputs[0], Output::Rollback { call: id() });
    assert_eq!(outputs[1], Output::SetUplink { call: id(), open: true, muted: false });
    assert!(matches!(world.events.pop_front(), Some(Event::HoldFailed { .. })));
    assert_eq!(held(&world), Hold::default());
    let again = hold(&mut world, true);
    world.reply_sdp(&again, 200, "bob", &self::sdp("recvonly"));
    assert!(held(&world).local);
}

#[test]
fn after_glare_the_owner_of_the_call_id_waits_longer() {
    let (mut world, _) = World::talking_out(id());
    let invite = hold(&mut world, true);
    world.reply(&invite, 491);
    world.request(Method::Ack);
    assert_eq!(
        world.take(|o| matches!(o, Output::Rollback { .. })),
        Some(Output::Rollback { call: id() })
    );
    world.advance(Duration::from_millis(2099));
    assert!(world.outputs.iter().all(|o| !matches!(o, Output::Describe { .. })));
    world.advance(Duration::from_millis(1901));
    world.described(id());
    world.request(Method::Invite);

    let (mut world, _, _) = World::talking_in(id());
    let invite = hold(&mut world, true);
    world.reply(&invite, 491);
    world.request(Method::Ack);
    world.advance(SECOND * 2);
    world.described(id());
    world.request(Method::Invite);
}

/// Refuses a request so, to be tried again after so many seconds.
fn later(world: &mut World, request: &Request, code: u16, seconds: &str) {
    let mut response = request.response(StatusCode::new(code).unwrap(), Some("bob"));
    response.headers.push(HeaderName::RETRY_AFTER, seconds);
    world.receive(response);
    world.request(Method::Ack);
}

#[test]
fn rfc_3261_14_1_a_hold_that_is_refused_for_now_goes_again_when_the_other_side_says() {
    for (code, seconds) in [(500, 3), (503, 7), (500, 30)] {
        let (mut world, _) = World::talking_out(id());
        let invite = hold(&mut world, true);
        later(&mut world, &invite, code, &format!("{seconds} (busy);duration=60"));
        assert!(world.events.is_empty(), "it is not given up");
        world.advance_alive(SECOND * seconds - Duration::from_millis(1));
        assert!(world.take(|o| matches!(o, Output::Describe { .. })).is_none(), "not before");
        world.advance_alive(Duration::from_millis(1));
        world.described(id());
        let again = world.request(Method::Invite);
        world.reply_sdp(&again, 200, "bob", &self::sdp("recvonly"));
        world.request(Method::Ack);
        assert!(held(&world).local, "{code}");
        assert_eq!(world.state(id()), Some(CallState::Established));
    }
}

#[test]
fn a_hold_that_is_refused_for_now_again_and_again_is_given_up() {
    for code in [491, 500, 503] {
        let (mut world, _) = World::talking_out(id());
        let mut invite = hold(&mut world, true);
        for _ in 0..5 {
            later(&mut world, &invite, code, "0");
            assert!(world.events.is_empty(), "{code}");
            world.advance_alive(SECOND * 5);
            world.described(id());
            invite = world.request(Method::Invite);
        }
        later(&mut world, &invite, code, "0");
        assert!(matches!(world.events.pop_front(), Some(Event::HoldFailed { .. })), "{code}");
        assert_eq!(held(&world), Hold::default());
        world.advance_alive(SECOND * 40);
        world.silent();
        assert_eq!(world.state(id()), Some(CallState::Established));
    }
}

#[test]
fn a_hold_that_is_refused_for_good_or_for_too_long_fails_at_once() {
    for (code, wait) in
        [(488, None), (500, None), (503, None), (503, Some("120")), (403, Some("3"))]
    {
        let (mut world, _) = World::talking_out(id());
        let invite = hold(&mut world, true);
        match wait {
            Some(seconds) => later(&mut world, &invite, code, seconds),
            None => {
                world.reply(&invite, code);
                world.request(Method::Ack);
            }
        }
        let failed = world.events.pop_front();
        let Some(Event::HoldFailed { reason, .. }) = failed else { panic!("{code}: {failed:?}") };
        assert!(reason.contains(&code.to_string()), "{reason}");
        world.advance_alive(SECOND * 10);
        assert!(world.take(|o| matches!(o, Output::Describe { .. })).is_none(), "{code}");
        assert_eq!(world.state(id()), Some(CallState::Established));
    }
}

#[test]
fn a_resume_that_waits_is_no_hold_and_the_other_side_may_go_first() {
    let (mut world, invite, to) = World::talking_in(id());
    let first = hold(&mut world, true);
    world.reply_sdp(&first, 200, "caller", &self::sdp("recvonly"));
    world.request(Method::Ack);
    let resume = hold(&mut world, false);
    later(&mut world, &resume, 500, "5");
    let bye = world.inside(&invite, &to, Method::Bye);
    world.receive(bye);
    world.response(200);
    world.ended(id(), EndReason::Remote);
    world.advance_alive(SECOND * 10);
    world.silent();
}

#[test]
fn a_hold_that_waits_after_glare_can_be_taken_back() {
    let (mut world, _) = World::talking_out(id());
    let invite = hold(&mut world, true);
    world.reply(&invite, 491);
    world.request(Method::Ack);
    world.outputs.clear();
    world.command(Command::Hold { call: id(), on: false }).unwrap();
    let open = Output::SetUplink { call: id(), open: true, muted: false };
    assert_eq!(world.outputs.pop_front(), Some(open));
    world.advance(SECOND * 5);
    world.silent();
    assert!(world.outputs.iter().all(|o| !matches!(o, Output::Describe { .. })));
}

/// Our hold met glare, and an answer of ours to their change holds meanwhile.
fn held_by_an_answer() -> World {
    let (mut world, invite, to) = World::talking_in(id());
    let ours = hold(&mut world, true);
    world.reply(&ours, 491);
    world.request(Method::Ack);
    let mut change = world.inside(&invite, &to, Method::Invite);
    change.set_body("application/sdp", self::sdp("sendrecv").into_bytes());
    world.receive(change.clone());
    world.advance(SECOND * 2);
    world.response(100);
    let request = world.described(id());
    let wanted = sdp::Direction::SendOnly;
    assert!(matches!(request, DescribeRequest::Answer { direction, .. } if direction == wanted));
    world.response(200);
    let mut ack = world.inside(&change, &to, Method::Ack);
    ack.headers.set(HeaderName::CALL_ID, invite.headers.call_id().unwrap());
    world.receive(ack);
    world
}

#[test]
fn their_change_during_our_wait_after_glare_goes_first() {
    let mut world = held_by_an_answer();
    world.advance(SECOND * 2);
    world.described(id());
    world.request(Method::Invite);
}

#[test]
fn a_hold_that_an_answer_of_ours_has_brought_is_one_and_is_undone_by_an_offer() {
    let mut world = held_by_an_answer();
    assert!(world.phone.snapshot().calls[0].hold.local, "the other side is told that it is held");
    world.command(Command::Hold { call: id(), on: false }).unwrap();
    world.advance(SECOND * 2);
    let direction = sdp::Direction::SendRecv;
    let wanted = DescribeRequest::Offer { direction, ice_restart: false };
    assert_eq!(world.described(id()), wanted);
    let invite = world.request(Method::Invite);
    world.reply_sdp(&invite, 200, "caller", &self::sdp("sendrecv"));
    world.request(Method::Ack);
    assert!(!world.phone.snapshot().calls[0].hold.local);
}

#[test]
fn a_dialog_that_is_gone_there_ends_the_call() {
    for code in [408, 481] {
        let (mut world, _) = World::talking_out(id());
        let invite = hold(&mut world, true);
        world.reply(&invite, code);
        world.request(Method::Ack);
        let bye = world.request(Method::Bye);
        world.reply(&bye, 481);
        world.ended(id(), EndReason::TimedOut);
    }
}

#[test]
fn the_other_side_holds_and_resumes() {
    let (mut world, invite, to) = World::talking_in(id());
    for (direction, remote) in [("sendonly", true), ("sendrecv", false)] {
        let mut change = world.inside(&invite, &to, Method::Invite);
        change.set_body("application/sdp", self::sdp(direction).into_bytes());
        world.receive(change.clone());
        world.silent();
        let request = world.described(id());
        let wanted = if remote { sdp::Direction::RecvOnly } else { sdp::Direction::SendRecv };
        assert!(
            matches!(request, DescribeRequest::Answer { direction, .. } if direction == wanted)
        );
        world.response(200);
        let open = Output::SetUplink { call: id(), open: !remote, muted: false };
        assert_eq!(world.outputs.pop_front(), Some(open));
        let hold = Hold { local: false, remote };
        assert_eq!(world.events.pop_front(), Some(Event::HoldChanged { call: id(), hold }));
        let mut ack = world.inside(&change, &to, Method::Ack);
        ack.headers.set(HeaderName::CALL_ID, invite.headers.call_id().unwrap());
        world.receive(ack);
        world.advance(SECOND * 5);
        world.silent();
    }
}

#[test]
fn a_change_without_offer_gets_ours() {
    let (mut world, invite, to) = World::talking_in(id());
    let mut change = world.inside(&invite, &to, Method::Invite);
    change.headers.remove(&HeaderName::CONTENT_TYPE);
    world.receive(change.clone());
    let direction = sdp::Direction::SendRecv;
    assert_eq!(world.described(id()), DescribeRequest::Offer { direction, ice_restart: false });
    world.response(200);
    let mut ack = world.inside(&change, &to, Method::Ack);
    ack.set_body("application/sdp", self::sdp("sendonly").into_bytes());
    world.receive(ack);
    assert!(world.outputs.iter().any(|o| matches!(o, Output::SetRemoteAnswer { .. })));
    assert!(held(&world).remote);
}

#[test]
fn two_changes_at_once_are_glare_or_pending() {
    let (mut world, invite, to) = World::talking_in(id());
    hold(&mut world, true);
    let mut change = world.inside(&invite, &to, Method::Invite);
    change.set_body("application/sdp", self::sdp("sendrecv").into_bytes());
    world.receive(change);
    world.response(491);

    let (mut world, invite, to) = World::talking_in(id());
    for code in [None, Some(500)] {
        let mut change = world.inside(&invite, &to, Method::Invite);
        change.set_body("application/sdp", self::sdp("sendrecv").into_bytes());
        world.receive(change);
        if let Some(code) = code {
            assert!(world.response(code).headers.has(&HeaderName::RETRY_AFTER));
        }
    }
}

#[test]
fn a_wish_that_comes_during_a_change_is_carried_out_after_it() {
    let (mut world, _) = World::talking_out(id());
    let invite = hold(&mut world, true);
    world.command(Command::Hold { call: id(), on: false }).unwrap();
    world.silent();
    world.reply_sdp(&invite, 200, "bob", &self::sdp("recvonly"));
    world.request(Method::Ack);
    let direction = sdp::Direction::SendRecv;
    assert_eq!(world.described(id()), DescribeRequest::Offer { direction, ice_restart: false });
    let resume = world.request(Method::Invite);
    assert!(held(&world).local, "as it is agreed");
    world.reply_sdp(&resume, 200, "bob", &self::sdp("sendrecv"));
    assert_eq!(held(&world), Hold::default());

    let (mut world, invite, to) = World::talking_in(id());
    let mut change = world.inside(&invite, &to, Method::Invite);
    change.set_body("application/sdp", self::sdp("sendrecv").into_bytes());
    world.receive(change.clone());
    world.command(Command::Hold { call: id(), on: true }).unwrap();
    let closed = Output::SetUplink { call: id(), open: false, muted: false };
    assert!(world.outputs.contains(&closed), "at once");
    world.described(id());
    world.response(200);
    world.silent();
    let mut ack = world.inside(&change, &to, Method::Ack);
    ack.headers.set(HeaderName::CALL_ID, invite.headers.call_id().unwrap());
    world.receive(ack);
    world.described(id());
    world.request(Method::Invite);
}

#[test]
fn a_wish_that_is_what_holds_already_asks_for_nothing() {
    let (mut world, _) = World::talking_out(id());
    let invite = hold(&mut world, true);
    world.command(Command::Hold { call: id(), on: false }).unwrap();
    world.command(Command::Hold { call: id(), on: true }).unwrap();
    world.reply_sdp(&invite, 200, "bob", &self::sdp("recvonly"));
    world.request(Method::Ack);
    assert!(held(&world).local);
    assert!(world.outputs.iter().all(|o| !matches!(o, Output::Describe { .. })));
}

#[test]
fn a_change_that_cannot_be_described_is_refused_and_the_call_goes_on() {
    let (mut world, invite, to) = World::talking_in(id());
    let mut change = world.inside(&invite, &to, Method::Invite);
    change.set_body("application/sdp", self::sdp("sendrecv").into_bytes());
    world.receive(change);
    let (generation, _) = world.asked_description(id());
    let result = Err(MediaError::NotAcceptable("x".to_owned()));
    world.handle(Input::Described { call: id(), generation, result });
    world.response(488);
    assert_eq!(world.state(id()), Some(CallState::Established));
    hold(&mut world, true);
}

#[test]
fn a_change_that_is_described_when_the_call_ends_gets_its_final_response() {
    let (mut world, invite, to) = World::talking_in(id());
    let mut change = world.inside(&invite, &to, Method::Invite);
    change.set_body("application/sdp", self::sdp("sendrecv").into_bytes());
    world.receive(change);
    let bye = world.inside(&invite, &to, Method::Bye);
    world.receive(bye);
    world.response(200);
    world.response(487);
    world.ended(id(), EndReason::Remote);
}

#[test]
fn a_mute_is_silence_and_signals_nothing() {
    let (mut world, _) = World::talking_out(id());
    world.command(Command::Mute { call: id(), on: true }).unwrap();
    world.command(Command::Mute { call: id(), on: true }).unwrap();
    let muted = Output::SetUplink { call: id(), open: true, muted: true };
    assert_eq!(world.outputs.drain(..).collect::<Vec<_>>(), [muted]);
    assert_eq!(
        world.events.drain(..).collect::<Vec<_>>(),
        [Event::MuteChanged { call: id(), muted: true }]
    );
    world.silent();
}

#[test]
fn each_side_hangs_up_and_byes_may_cross() {
    let (mut world, _) = World::talking_out(id());
    world.command(Command::HangUp { call: id() }).unwrap();
    world.command(Command::HangUp { call: id() }).unwrap();
    let bye = world.request(Method::Bye);
    world.silent();
    assert!(world.outputs.contains(&Output::ReleaseMedia { call: id() }), "at once");
    world.reply(&bye, 200);
    world.ended(id(), EndReason::Local);

    let (mut world, invite) = World::talking_out(id());
    let bye = world.back(&invite, "bob", Method::Bye);
    world.receive(bye);
    world.response(200);
    world.ended(id(), EndReason::Remote);

    let (mut world, invite) = World::talking_out(id());
    world.command(Command::HangUp { call: id() }).unwrap();
    let ours = world.request(Method::Bye);
    let bye = world.back(&invite, "bob", Method::Bye);
    world.receive(bye);
    world.response(200);
    world.reply(&ours, 481);
    world.ended(id(), EndReason::Local);
}

#[test]
fn a_bye_without_answer_ends_the_call_in_its_time() {
    let (mut world, _) = World::talking_out(id());
    world.command(Command::HangUp { call: id() }).unwrap();
    world.request(Method::Bye);
    for _ in 0..32 {
        world.handle(Input::ProbeAnswered { flow: world.flow });
        world.advance(SECOND);
    }
    world.ended(id(), EndReason::Local);
}

#[test]
fn media_that_fails_in_a_call_ends_it() {
    let (mut world, _, _) = World::talking_in(id());
    let error = MediaError::Engine("it broke".to_owned());
    world.handle(Input::MediaFailed { call: id(), error: error.clone() });
    let bye = world.request(Method::Bye);
    world.reply(&bye, 200);
    world.ended(id(), EndReason::Media(error.to_string()));
}

#[test]
fn a_path_that_is_gone_in_a_call_is_told_as_the_other_side_being_gone() {
    let (mut world, _, _) = World::talking_in(id());
    world.handle(Input::MediaFailed { call: id(), error: MediaError::NoPath });
    let bye = world.request(Method::Bye);
    world.reply(&bye, 200);
    world.ended(id(), EndReason::TimedOut);
}

#[test]
fn a_call_outlives_its_flow_and_both_sides_can_end_it_on_the_next() {
    let (mut world, invite, to) = World::talking_in(id());
    world.lose_flow(FlowErrorKind::Lost);
    assert_eq!(world.state(id()), Some(CallState::Established));
    world.advance(SECOND);
    world.open_flow();
    world.grant();
    let bye = world.inside(&invite, &to, Method::Bye);
    world.receive(bye);
    world.response(200);
    world.ended(id(), EndReason::Remote);

    let (mut world, _) = World::talking_out(id());
    world.lose_flow(FlowErrorKind::Lost);
    world.command(Command::HangUp { call: id() }).unwrap();
    world.silent();
    world.advance(SECOND);
    world.open_flow();
    let register = world.request(Method::Register);
    let bye = world.request(Method::Bye);
    world.reply(&bye, 200);
    world.reply(&register, 200);
    world.ended(id(), EndReason::Local);
}

#[test]
fn a_bye_that_went_down_with_its_flow_goes_again_on_the_next() {
    let (mut world, _) = World::talking_out(id());
    world.command(Command::HangUp { call: id() }).unwrap();
    world.request(Method::Bye);
    world.lose_flow(FlowErrorKind::Lost);
    assert_eq!(world.state(id()), Some(CallState::Ending));
    world.advance(SECOND);
    world.open_flow();
    world.request(Method::Register);
    let bye = world.request(Method::Bye);
    world.reply(&bye, 200);
    world.ended(id(), EndReason::Local);
}

#[test]
fn a_bye_that_goes_down_with_one_flow_after_the_other_is_given_up_in_its_time() {
    let (mut world, _) = World::talking_out(id());
    world.command(Command::HangUp { call: id() }).unwrap();
    for _ in 0..3 {
        assert_eq!(world.state(id()), Some(CallState::Ending));
        world.lose_flow(FlowErrorKind::Lost);
        world.advance(10 * SECOND);
        world.open_flow();
    }
    assert_eq!(world.state(id()), Some(CallState::Ending));
    world.advance(2 * SECOND);
    world.ended(id(), EndReason::Local);
}

#[test]
fn an_answer_that_lost_its_flow_is_repeated_on_the_next() {
    let (mut world, invite) = World::ringing_in(id());
    world.command(Command::Answer { call: id() }).unwrap();
    let to = world.response(200).headers.get(&HeaderName::TO).unwrap().into_owned();
    world.handle(Input::NetworkChanged(Handover::BreakBeforeMake));
    world.open_flow();
    world.response(200);
    world.grant();
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    world.handle(Input::MediaConnected { call: id() });
    assert_eq!(world.state(id()), Some(CallState::Established));
}

/// A re-INVITE goes out that keeps the call as it is.
fn refreshed(world: &mut World) {
    let request = world.described(id());
    let direction = sdp::Direction::SendRecv;
    assert_eq!(request, DescribeRequest::Offer { direction, ice_restart: false });
    let invite = world.request(Method::Invite);
    world.reply_sdp(&invite, 200, "caller", &sdp("sendrecv"));
    world.request(Method::Ack);
    assert!(!world.events.iter().any(|event| matches!(event, Event::HoldChanged { .. })));
}

/// A call that talks, on a flow that has just replaced a lost one.
fn on_a_new_flow() -> World {
    let (mut world, _, _) = World::talking_in(id());
    world.lose_flow(FlowErrorKind::Lost);
    world.advance(SECOND);
    world.open_flow();
    world.grant();
    world.events.clear();
    world
}

#[test]
fn on_a_new_flow_the_other_side_learns_where_this_phone_is() {
    refreshed(&mut on_a_new_flow());
}

#[test]
fn a_server_that_has_lost_the_call_ends_it_on_the_new_flow() {
    let mut world = on_a_new_flow();
    world.described(id());
    let invite = world.request(Method::Invite);
    world.reply(&invite, 481);
    world.request(Method::Ack);
    world.request(Method::Bye);
    assert_eq!(world.state(id()), Some(CallState::Ending));
}

#[test]
fn a_refresh_that_is_refused_changes_nothing_and_is_not_told() {
    let mut world = on_a_new_flow();
    world.described(id());
    let invite = world.request(Method::Invite);
    world.reply(&invite, 488);
    assert!(world.events.is_empty());
    assert_eq!(world.state(id()), Some(CallState::Established));
    assert_eq!(held(&world), Hold::default());
}

#[test]
fn a_hold_takes_the_place_of_a_refresh_that_is_not_on_its_way() {
    let mut world = on_a_new_flow();
    world.outputs.clear();
    hold(&mut world, true);
}

#[test]
fn a_hold_that_went_down_with_its_flow_goes_again_on_the_next() {
    let (mut world, _, _) = World::talking_in(id());
    let first = hold(&mut world, true);
    world.lose_flow(FlowErrorKind::Lost);
    let request =
        DescribeRequest::Offer { direction: sdp::Direction::SendOnly, ice_restart: false };
    assert_eq!(world.described(id()), request);
    // Before it has left the user may think better of it.
    world.command(Command::Hold { call: id(), on: false }).unwrap();
    world.described(id());
    world.command(Command::Hold { call: id(), on: true }).unwrap();
    assert_eq!(world.described(id()), request);
    world.advance(SECOND);
    world.open_flow();
    let ack = world.request(Method::Ack);
    assert_eq!(ack.headers.cseq().unwrap().sequence, first.headers.cseq().unwrap().sequence);
    let again = world.request(Method::Invite);
    assert!(again.headers.cseq().unwrap().sequence > first.headers.cseq().unwrap().sequence);
    world.grant();
    world.reply_sdp(&again, 200, "caller", &self::sdp("recvonly"));
    world.request(Method::Ack);
    assert!(held(&world).local);
    assert!(!world.events.iter().any(|event| matches!(event, Event::HoldFailed { .. })));
}

#[test]
fn signing_out_hangs_up_and_every_call_ends() {
    let (mut world, _) = World::talking_out(id());
    world.command(Command::Unregister).unwrap();
    world.request(Method::Bye);
    let register = world.request(Method::Register);
    world.grant_to(&register, &[]);
    world.ended(id(), EndReason::Local);
    // What is left are the timers of transactions that are done.
    world.advance(SECOND * 32);
    assert_eq!(world.phone.poll_timeout(), None);
}

#[test]
fn the_milestones_are_counted_from_the_answer() {
    let mut world = World::registered();
    let invite = world.invite(id());
    world.receive(invite);
    world.described(id());
    world.command(Command::Answer { call: id() }).unwrap();
    world.handle(Input::MediaConnected { call: id() });
    world.events.clear();
    world.advance(Duration::from_millis(20));
    world.handle(Input::FirstHeard { call: id() });
    assert!(world.events.is_empty());
    world.advance(Duration::from_millis(5));
    world.handle(Input::FirstSent { call: id() });
    world.handle(Input::FirstSent { call: id() });
    let (first_sent, first_heard) =
        (Some(Duration::from_millis(25)), Some(Duration::from_millis(20)));
    let flowing = Event::MediaFlowing { call: id(), first_sent, first_heard };
    assert_eq!(world.events.drain(..).collect::<Vec<_>>(), [flowing]);
    let report = QualityReport { codec: "opus".to_owned(), ..QualityReport::default() };
    world.handle(Input::Quality { call: id(), report: report.clone() });
    assert_eq!(world.phone.snapshot().calls[0].quality, Some(report));
}

#[test]
fn a_call_without_media_is_not_kept_for_ever() {
    let (mut world, invite) = World::ringing_in(id());
    world.command(Command::Answer { call: id() }).unwrap();
    let (next, _) = world.phone.poll_timeout().unwrap();
    assert!(next > world.boot, "nothing is late: the phone would take itself for suspended");
    let to = world.response(200).headers.get(&HeaderName::TO).unwrap().into_owned();
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    for _ in 0..8 {
        assert_eq!(world.state(id()), Some(CallState::Answered), "it may still be found");
        world.handle(Input::ProbeAnswered { flow: world.flow });
        world.advance(SECOND * 4);
    }
    let bye = world.request(Method::Bye);
    world.reply(&bye, 200);
    world.ended(id(), EndReason::Media(MediaError::NoPath.to_string()));
}

#[test]
fn a_change_that_nobody_answers_ends_the_call() {
    let (mut world, _, _) = World::talking_in(id());
    hold(&mut world, true);
    world.advance_alive(SECOND * 31);
    assert_eq!(world.state(id()), Some(CallState::Established));
    world.advance_alive(SECOND * 2);
    let bye = world.request(Method::Bye);
    world.reply(&bye, 481);
    world.ended(id(), EndReason::TimedOut);
}

#[test]
fn an_answer_to_a_change_that_comes_on_the_next_connection_is_acknowledged() {
    let (mut world, _) = World::talking_out(id());
    let change = hold(&mut world, true);
    world.lose_flow(FlowErrorKind::Lost);
    world.advance(SECOND);
    world.open_flow();
    world.sent.clear();
    for _ in 0..2 {
        world.reply_sdp(&change, 200, "bob", &self::sdp("recvonly"));
        let ack = world.request(Method::Ack);
        assert_eq!(ack.headers.cseq().unwrap().sequence, 2);
        assert_eq!(ack.headers.to().unwrap().tag(), Some("bob"));
    }
    assert_eq!(world.state(id()), Some(CallState::Established));
    assert_eq!(held(&world), Hold::default());
}

#[test]
fn an_answer_to_an_invite_that_went_down_with_its_connection_is_hung_up() {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    world.lose_flow(FlowErrorKind::Lost);
    world.ended(id(), EndReason::NetworkLost);
    world.advance(SECOND);
    world.open_flow();
    world.request(Method::Register);
    world.request(Method::Cancel);
    world.reply_sdp(&invite, 200, "bob", &self::sdp("sendrecv"));
    world.request(Method::Ack);
    let bye = world.request(Method::Bye);
    assert_eq!(bye.headers.to().unwrap().tag(), Some("bob"));
}
