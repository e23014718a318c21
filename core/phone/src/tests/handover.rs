//! The network changes in mid-call.

use super::*;

const MAKE: Input = Input::NetworkChanged(Handover::MakeBeforeBreak);
const BREAK: Input = Input::NetworkChanged(Handover::BreakBeforeMake);
const GAP: Duration = Duration::from_millis(431);

fn id() -> CallId {
    CallId(uuid::Uuid::from_u128(0x7a1c))
}

/// The description that a new media path is offered by.
#[track_caller]
fn restarts(world: &mut World, direction: sdp::Direction) {
    let wanted = DescribeRequest::Offer { direction, ice_restart: true };
    assert_eq!(world.described(id()), wanted);
}

/// The re-INVITE that went out is agreed to, and packets come in again.
#[track_caller]
fn comes_back(world: &mut World, invite: &Request, direction: &str) {
    world.reply_sdp(invite, 200, "caller", &sdp(direction));
    world.request(Method::Ack);
    world.handle(Input::MediaConnected { call: id() });
    assert_eq!(world.phone.snapshot().calls[0].media, MediaPath::Connected);
    world.handle(Input::MediaResumed { call: id(), gap: GAP });
}

/// A call talks and its network is another; the re-INVITE that goes out over the new flow, which is registered.
#[track_caller]
fn asks_for_another_path() -> (World, Request) {
    let (mut world, _, _) = World::talking_in(id());
    world.handle(BREAK);
    restarts(&mut world, sdp::Direction::SendRecv);
    world.open_flow();
    let invite = world.request(Method::Invite);
    world.grant();
    (world, invite)
}

#[track_caller]
fn told(world: &mut World, wanted: Event) {
    let at = world.events.iter().position(|event| *event == wanted);
    let at = at.unwrap_or_else(|| panic!("{wanted:?} is not among {:?}", world.events));
    world.events.remove(at);
}

#[test]
fn after_a_break_the_offer_is_ready_when_the_flow_is_and_goes_before_the_registration() {
    let (mut world, _, _) = World::talking_in(id());
    world.handle(BREAK);
    told(&mut world, Event::Reconnecting { call: id() });
    assert_eq!(world.phone.snapshot().calls[0].media, MediaPath::Reconnecting);
    assert!(world.take(|output| *output == Output::CloseFlow { flow: FlowId(1) }).is_some());
    assert_eq!(world.lamp(), RegistrationState::Registering, "green on the live flow only");
    restarts(&mut world, sdp::Direction::SendRecv);
    world.silent();
    world.open_flow();
    let invite = world.request(Method::Invite);
    world.grant();
    assert_eq!(world.lamp(), RegistrationState::Registered);
    comes_back(&mut world, &invite, "sendrecv");
    told(&mut world, Event::Reconnected { call: id(), gap: Some(GAP) });
    world.silent();
}

#[test]
fn with_both_networks_the_old_one_carries_on_until_the_new_one_does() {
    let (mut world, _, _) = World::talking_in(id());
    world.handle(MAKE);
    assert_eq!(world.phone.snapshot().calls[0].media, MediaPath::Connected);
    assert_eq!(world.lamp(), RegistrationState::Registered);
    let old = world.flow;
    world.open_flow();
    world.grant();
    restarts(&mut world, sdp::Direction::SendRecv);
    let invite = world.request(Method::Invite);
    comes_back(&mut world, &invite, "sendrecv");
    told(&mut world, Event::Reconnecting { call: id() });
    told(&mut world, Event::Reconnected { call: id(), gap: Some(GAP) });
    let closed = |output: &Output| *output == Output::CloseFlow { flow: old };
    assert!(world.take(closed).is_some(), "nothing is left to come over it");
    assert!(!world.events.iter().any(|e| matches!(e, Event::RegistrationChanged(_))), "green");
}

#[test]
fn the_old_network_is_not_left_before_the_server_knows_the_new_one() {
    let (mut world, _, _) = World::talking_in(id());
    let old = world.flow;
    let closed = |output: &Output| *output == Output::CloseFlow { flow: old };
    world.handle(MAKE);
    world.open_flow();
    world.advance(SECOND);
    assert!(world.take(closed).is_none());
}

#[test]
fn an_end_that_is_on_its_way_goes_no_second_time_over_another_network() {
    let is_bye =
        |message: &Message| matches!(message, Message::Request(r) if r.method == Method::Bye);
    let (mut world, _, _) = World::talking_in(id());
    world.command(Command::HangUp { call: id() }).unwrap();
    world.request(Method::Bye);
    world.handle(MAKE);
    world.open_flow();
    assert!(!world.sent.iter().any(is_bye));
    // Nor before the answer is acknowledged.
    let (mut world, _) = World::ringing_in(id());
    world.command(Command::Answer { call: id() }).unwrap();
    world.response(200);
    world.command(Command::HangUp { call: id() }).unwrap();
    world.handle(BREAK);
    world.open_flow();
    world.response(200);
    assert!(!world.sent.iter().any(is_bye));
}

#[test]
fn what_was_asked_over_a_network_that_is_gone_is_told_at_once() {
    let (mut world, _, _) = World::talking_in(id());
    let old = world.flow;
    let message = MessageId(uuid::Uuid::from_u128(3));
    let (to, text) = ("1002".to_owned(), "hello".to_owned());
    world.command(Command::SendMessage { message, to, text }).unwrap();
    world.request(Method::Message);
    world.handle(MAKE);
    world.open_flow();
    let error = FlowError { kind: FlowErrorKind::Lost, detail: "reset".to_owned() };
    world.handle(Input::FlowFailed { flow: old, error });
    told(&mut world, Event::MessageUncertain { message });
}

#[test]
fn a_new_network_that_does_not_reach_the_server_costs_nothing() {
    let (mut world, _, _) = World::talking_in(id());
    world.handle(MAKE);
    let (flow, _) = world.asked_flow();
    let error = FlowError { kind: FlowErrorKind::Unreachable, detail: "no route".to_owned() };
    world.handle(Input::FlowFailed { flow, error });
    assert_eq!(
        world.take(|o| matches!(o, Output::Probe { .. })),
        Some(Output::Probe { flow: world.flow })
    );
    world.handle(Input::ProbeAnswered { flow: world.flow });
    world.silent();
    assert_eq!(world.lamp(), RegistrationState::Registered);
    assert_eq!(world.phone.snapshot().calls[0].media, MediaPath::Connected);
    // It is not waited for any more: the next change opens another.
    world.handle(MAKE);
    assert_ne!(world.asked_flow().0, flow);
}

#[test]
fn a_new_network_on_which_no_connection_comes_about_is_given_up_in_time() {
    let (mut world, _, _) = World::talking_in(id());
    world.handle(MAKE);
    let (flow, _) = world.asked_flow();
    let closed = |output: &Output| *output == Output::CloseFlow { flow };
    world.advance_alive(SECOND * 9);
    assert!(world.take(closed).is_none(), "it may still come about");
    world.advance_alive(SECOND * 7);
    assert!(world.take(closed).is_some());
    assert_eq!(world.lamp(), RegistrationState::Registered);
}

/// The old flow fails while the one after it is being made, the network having changed twice.
#[test]
fn a_flow_that_is_left_behind_takes_none_with_it_that_is_being_made() {
    let (mut world, _, _) = World::talking_in(id());
    let first = world.flow;
    world.handle(MAKE);
    world.open_flow();
    world.handle(MAKE);
    let (third, _) = world.asked_flow();
    let error = FlowError { kind: FlowErrorKind::Lost, detail: "reset".to_owned() };
    world.handle(Input::FlowFailed { flow: first, error });
    world.advance(SECOND * 5);
    let asks = |output: &Output| *output == Output::Probe { flow: first };
    assert!(world.take(asks).is_none(), "it is not asked whether it lives");
    world.sent.clear();
    world.flow = third;
    world.handle(Input::FlowOpened { flow: third });
    assert!(world.sent.iter().any(|message| {
        matches!(message, Message::Request(request) if request.method == Method::Register)
    }));
}

#[test]
fn where_the_old_network_goes_too_soon_the_flow_that_is_being_made_is_waited_for() {
    let (mut world, _, _) = World::talking_in(id());
    world.handle(MAKE);
    let (flow, _) = world.asked_flow();
    world.lose_flow(FlowErrorKind::Lost);
    restarts(&mut world, sdp::Direction::SendRecv);
    world.advance(SECOND * 4);
    assert!(world.take(|o| matches!(o, Output::OpenFlow { .. })).is_none(), "one is enough");
    world.flow = flow;
    world.handle(Input::FlowOpened { flow });
    let invite = world.request(Method::Invite);
    world.grant();
    comes_back(&mut world, &invite, "sendrecv");
}

#[test]
fn a_hold_in_flight_goes_with_the_new_path() {
    let (mut world, _, _) = World::talking_in(id());
    world.command(Command::Hold { call: id(), on: true }).unwrap();
    world.described(id());
    world.request(Method::Invite);
    world.handle(BREAK);
    restarts(&mut world, sdp::Direction::SendOnly);
    world.open_flow();
    // The server may have agreed to the first, and takes no other before its ACK.
    let ack = world.request(Method::Ack);
    assert_eq!(ack.headers.cseq().unwrap().sequence, 1);
    let invite = world.request(Method::Invite);
    world.grant();
    comes_back(&mut world, &invite, "recvonly");
    assert!(world.phone.snapshot().calls[0].hold.local);
    told(&mut world, Event::Reconnected { call: id(), gap: None });
    assert!(!world.events.iter().any(|event| matches!(event, Event::HoldFailed { .. })));
}

#[test]
fn an_acknowledgement_that_may_have_gone_down_goes_once_more_and_before_all_else() {
    // RFC 3261 §13.3.1.4: the other side repeats its 2xx for 32 s, and takes no other INVITE before the ACK.
    for (age, acks) in [(0, 1), (31_999, 1), (32_000, 0)] {
        let (mut world, _) = World::talking_out(id());
        world.advance_alive(Duration::from_millis(age));
        for _ in 0..2 {
            world.outputs.clear();
            world.handle(BREAK);
            restarts(&mut world, sdp::Direction::SendRecv);
        }
        world.open_flow();
        for _ in 0..acks {
            assert_eq!(world.request(Method::Ack).headers.cseq().unwrap().sequence, 1);
        }
        world.request(Method::Invite);
    }
}

#[test]
fn a_call_on_hold_is_back_as_soon_as_its_path_stands() {
    let (mut world, _, _) = World::talking_in(id());
    world.holds(id());
    world.advance_alive(SECOND * 33);
    world.handle(BREAK);
    restarts(&mut world, sdp::Direction::SendOnly);
    world.open_flow();
    let invite = world.request(Method::Invite);
    world.reply_sdp(&invite, 200, "caller", &sdp("recvonly"));
    told(&mut world, Event::Reconnecting { call: id() });
    world.handle(Input::MediaConnected { call: id() });
    // Nothing is to be heard, so no packet says it.
    told(&mut world, Event::Reconnected { call: id(), gap: None });
}

#[test]
fn packets_that_come_to_a_call_on_hold_are_no_end_of_a_gap() {
    for ours in [true, false] {
        let (mut world, invite, to) = World::talking_in(id());
        if ours {
            world.holds(id());
        } else {
            let mut hold = world.inside(&invite, &to, Method::Invite);
            hold.set_body("application/sdp", sdp("sendonly").into_bytes());
            world.receive(hold);
            world.described(id());
        }
        world.handle(BREAK);
        told(&mut world, Event::Reconnecting { call: id() });
        world.handle(Input::MediaResumed { call: id(), gap: GAP });
        told(&mut world, Event::Reconnected { call: id(), gap: None });
    }
}

#[test]
fn a_change_that_went_over_the_old_network_is_followed_by_one_that_says_where_this_phone_is() {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    world.handle(MAKE);
    world.reply_sdp(&invite, 200, "bob", &sdp("sendrecv"));
    world.request(Method::Ack);
    world.command(Command::Hold { call: id(), on: true }).unwrap();
    world.described(id());
    let hold = world.request(Method::Invite);
    world.open_flow();
    world.grant();
    world.silent();
    world.reply_sdp(&hold, 200, "bob", &sdp("recvonly"));
    world.request(Method::Ack);
    world.described(id());
    world.request(Method::Invite);
}

#[test]
fn a_network_that_changes_again_and_again_offers_for_the_last_one() {
    let (mut world, _, _) = World::talking_in(id());
    for _ in 0..3 {
        world.outputs.clear();
        world.handle(BREAK);
        restarts(&mut world, sdp::Direction::SendRecv);
    }
    world.open_flow();
    let first = world.request(Method::Invite);
    world.request(Method::Register);
    world.handle(BREAK);
    restarts(&mut world, sdp::Direction::SendRecv);
    world.open_flow();
    world.request(Method::Ack);
    let invite = world.request(Method::Invite);
    assert_ne!(first.headers.cseq(), invite.headers.cseq());
    world.grant();
    comes_back(&mut world, &invite, "sendrecv");
    assert_eq!(
        world.events.iter().filter(|e| **e == Event::Reconnecting { call: id() }).count(),
        1
    );
}

#[test]
fn a_path_that_is_not_found_is_tried_anew_and_ever_later() {
    let (mut world, mut invite) = asks_for_another_path();
    for wait in [3, 6, 12, 12] {
        world.reply_sdp(&invite, 200, "caller", &sdp("sendrecv"));
        world.request(Method::Ack);
        world.advance_alive(SECOND * wait - Duration::from_millis(1));
        assert!(world.take(|output| matches!(output, Output::Describe { .. })).is_none());
        world.advance_alive(Duration::from_millis(1));
        restarts(&mut world, sdp::Direction::SendRecv);
        invite = world.request(Method::Invite);
    }
    comes_back(&mut world, &invite, "sendrecv");
}

#[test]
fn a_new_path_that_is_refused_is_asked_for_again() {
    let (mut world, invite) = asks_for_another_path();
    world.reply(&invite, 500);
    world.request(Method::Ack);
    world.advance_alive(SECOND * 3);
    restarts(&mut world, sdp::Direction::SendRecv);
    let invite = world.request(Method::Invite);
    comes_back(&mut world, &invite, "sendrecv");
}

#[test]
fn a_new_path_that_is_refused_for_now_waits_as_long_as_the_other_side_says() {
    for code in [500, 503] {
        let (mut world, invite) = asks_for_another_path();
        refuse(&mut world, &invite, code, Some("8"));
        world.advance_alive(SECOND * 8 - Duration::from_millis(1));
        assert!(world.take(|output| matches!(output, Output::Describe { .. })).is_none());
        world.advance_alive(Duration::from_millis(1));
        restarts(&mut world, sdp::Direction::SendRecv);
        let invite = world.request(Method::Invite);
        comes_back(&mut world, &invite, "sendrecv");
    }
}

#[test]
fn a_new_path_that_is_refused_for_ever_ends_the_call_in_its_time() {
    for wait in [None, Some("2"), Some("300")] {
        let (mut world, mut invite) = asks_for_another_path();
        let mut tries = 0;
        for _ in 0..59 {
            refuse(&mut world, &invite, 503, wait);
            while world.sent.is_empty() && world.state(id()) == Some(CallState::Established) {
                world.advance_alive(Duration::from_millis(500));
                if world.outputs.iter().any(|o| matches!(o, Output::Describe { .. })) {
                    restarts(&mut world, sdp::Direction::SendRecv);
                }
            }
            if world.state(id()) != Some(CallState::Established) {
                break;
            }
            invite = world.request(Method::Invite);
            tries += 1;
        }
        assert!((3..40).contains(&tries), "{wait:?}: {tries}");
        let bye = world.request(Method::Bye);
        world.reply(&bye, 200);
        world.ended(id(), EndReason::NetworkLost);
    }
}

#[test]
fn a_refresh_that_is_refused_goes_again_though_nobody_waits_for_it() {
    let (mut world, _, _) = World::talking_in(id());
    world.lose_flow(FlowErrorKind::Lost);
    world.advance(SECOND * 2);
    world.open_flow();
    world.grant();
    world.described(id());
    for wait in [1, 2, 4] {
        let invite = world.request(Method::Invite);
        refuse(&mut world, &invite, 503, None);
        world.advance_alive(SECOND * wait - Duration::from_millis(1));
        assert!(world.take(|output| matches!(output, Output::Describe { .. })).is_none(), "{wait}");
        world.advance_alive(Duration::from_millis(1));
        world.described(id());
    }
    let invite = world.request(Method::Invite);
    world.reply_sdp(&invite, 200, "caller", &sdp("sendrecv"));
    world.request(Method::Ack);
    world.advance_alive(SECOND * 20);
    world.silent();
    assert_eq!(world.state(id()), Some(CallState::Established));
}

#[test]
fn a_call_that_the_server_has_lost_ends_when_its_network_changes() {
    for code in [408, 481] {
        let (mut world, invite) = asks_for_another_path();
        world.reply(&invite, code);
        world.request(Method::Ack);
        let bye = world.request(Method::Bye);
        world.reply(&bye, 481);
        world.ended(id(), EndReason::TimedOut);
    }
}

/// Refuses a re-INVITE so, and says for how long.
fn refuse(world: &mut World, invite: &Request, code: u16, seconds: Option<&str>) {
    let mut response = invite.response(StatusCode::new(code).unwrap(), Some("caller"));
    if let Some(seconds) = seconds {
        response.headers.push(HeaderName::RETRY_AFTER, seconds);
    }
    world.receive(response);
    world.request(Method::Ack);
}

#[test]
fn a_path_that_falls_silent_is_built_anew_though_nobody_tells_of_a_network() {
    let (mut world, _, _) = World::talking_in(id());
    world.handle(Input::MediaDisconnected { call: id() });
    told(&mut world, Event::Reconnecting { call: id() });
    assert!(world.take(|output| matches!(output, Output::Probe { .. })).is_some());
    // The connection is dead too: it is replaced, and the call's path with it.
    world.advance(SECOND * 2);
    restarts(&mut world, sdp::Direction::SendRecv);
    world.open_flow();
    let invite = world.request(Method::Invite);
    world.grant();
    comes_back(&mut world, &invite, "sendrecv");
}

#[test]
fn a_path_that_is_silent_while_the_connection_lives_may_come_back_or_is_built_anew() {
    let (mut world, _, _) = World::talking_in(id());
    for back in [true, false] {
        world.handle(Input::MediaDisconnected { call: id() });
        world.handle(Input::ProbeAnswered { flow: world.flow });
        world.advance_alive(SECOND * 2);
        assert!(world.take(|output| matches!(output, Output::Describe { .. })).is_none());
        if back {
            world.handle(Input::MediaConnected { call: id() });
            world.handle(Input::MediaResumed { call: id(), gap: GAP });
            told(&mut world, Event::Reconnected { call: id(), gap: Some(GAP) });
        }
        world.advance_alive(SECOND);
    }
    restarts(&mut world, sdp::Direction::SendRecv);
    let invite = world.request(Method::Invite);
    comes_back(&mut world, &invite, "sendrecv");
}

#[test]
fn a_path_that_stays_lost_ends_the_call_and_says_why() {
    let (mut world, _, _) = World::talking_in(id());
    world.handle(BREAK);
    restarts(&mut world, sdp::Direction::SendRecv);
    world.handle(Input::MediaFailed { call: id(), error: MediaError::NoPath });
    world.open_flow();
    world.grant();
    let bye = world.request(Method::Bye);
    world.reply(&bye, 200);
    world.ended(id(), EndReason::NetworkLost);
}

#[test]
fn a_handshake_that_fails_while_no_network_is_there_is_not_waited_for() {
    let (mut world, _) = World::ringing_in(id());
    world.handle(BREAK);
    let error = MediaError::Dtls("the handshake did not finish".to_owned());
    world.handle(Input::MediaFailed { call: id(), error: error.clone() });
    world.open_flow();
    world.response(488);
    world.ended(id(), EndReason::Media(error.to_string()));
}

#[test]
fn an_answer_in_flight_is_acknowledged_first() {
    let (mut world, invite) = World::ringing_in(id());
    world.command(Command::Answer { call: id() }).unwrap();
    let to = world.response(200).headers.get(&HeaderName::TO).unwrap().into_owned();
    world.handle(BREAK);
    world.open_flow();
    world.response(200);
    world.grant();
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    restarts(&mut world, sdp::Direction::SendRecv);
    world.request(Method::Invite);
}

#[test]
fn an_acknowledgement_that_went_down_with_its_flow_is_not_waited_for() {
    let (mut world, _) = World::ringing_in(id());
    world.command(Command::Answer { call: id() }).unwrap();
    // The old flow is silent for so long that the answer goes more rarely by it.
    world.response(200);
    world.advance(SECOND * 3);
    world.sent.clear();
    world.handle(BREAK);
    world.open_flow();
    world.response(200);
    world.grant();
    world.advance(SECOND * 49 / 100);
    world.silent();
    world.advance(SECOND / 100);
    world.response(200);
    world.advance(SECOND);
    restarts(&mut world, sdp::Direction::SendRecv);
    let invite = world.request(Method::Invite);
    comes_back(&mut world, &invite, "sendrecv");
    assert_eq!(world.state(id()), Some(CallState::Established));
    world.advance_alive(SECOND * 40);
    assert_eq!(world.state(id()), Some(CallState::Established));
}

#[track_caller]
fn is_answered_and_finds_another_path(world: &mut World, invite: &Request) {
    world.answered(id(), invite);
    restarts(world, sdp::Direction::SendRecv);
    let invite = world.request(Method::Invite);
    world.reply_sdp(&invite, 200, "caller", &sdp("sendrecv"));
    world.request(Method::Ack);
    world.handle(Input::MediaConnected { call: id() });
    assert_eq!(world.state(id()), Some(CallState::Established));
}

#[test]
fn a_call_that_rings_rings_on_and_is_answered_over_the_next_flow() {
    let (mut world, invite) = World::ringing_in(id());
    world.handle(BREAK);
    assert_eq!(world.state(id()), Some(CallState::Ringing));
    world.open_flow();
    world.grant();
    is_answered_and_finds_another_path(&mut world, &invite);
}

#[test]
fn a_path_that_falls_silent_while_it_rings_is_built_anew_after_the_answer() {
    let (mut world, invite) = World::ringing_in(id());
    world.handle(Input::MediaConnected { call: id() });
    world.handle(Input::MediaDisconnected { call: id() });
    assert_eq!(world.state(id()), Some(CallState::Ringing));
    is_answered_and_finds_another_path(&mut world, &invite);
}

#[test]
fn a_path_that_fails_while_it_rings_and_the_network_changes_is_built_anew_after_the_answer() {
    let (mut world, invite) = World::ringing_in(id());
    world.handle(BREAK);
    world.handle(Input::MediaFailed { call: id(), error: MediaError::NoPath });
    assert_eq!(world.state(id()), Some(CallState::Ringing));
    world.open_flow();
    world.grant();
    is_answered_and_finds_another_path(&mut world, &invite);
}

#[test]
fn what_is_being_described_for_a_network_that_is_gone_is_described_anew() {
    let dialled = || {
        let mut world = World::registered();
        world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
        let (generation, _) = world.asked_description(id());
        (world, generation)
    };
    let (mut world, first) = dialled();
    world.handle(BREAK);
    assert_ne!(world.asked_description(id()).0, first);
    // Where the old network still works it is as good as another.
    let (mut world, generation) = dialled();
    world.handle(MAKE);
    assert!(world.take(|output| matches!(output, Output::Describe { .. })).is_none());
    world.handle(Input::Described { call: id(), generation, result: Ok(sdp("sendrecv")) });
    world.request(Method::Invite);
}

#[test]
fn a_caller_who_gives_up_while_the_network_changes_is_asked_for() {
    let mut world = World::registered();
    let mut invite = world.invite(id());
    invite.headers.set(HeaderName::ALLOW, "INVITE, ACK, BYE, CANCEL, UPDATE");
    world.receive(invite);
    world.described(id());
    world.response(180);
    world.handle(BREAK);
    world.open_flow();
    world.grant();
    let first = world.request(Method::Update);
    world.reply(&first, 200);
    world.advance_alive(SECOND * 2);
    let second = world.request(Method::Update);
    world.reply(&second, 481);
    world.ended(id(), EndReason::Cancelled);
}

#[test]
fn a_call_that_rings_is_refused_over_the_next_flow_too() {
    let (mut world, _) = World::ringing_in(id());
    world.handle(BREAK);
    world.command(Command::Decline { call: id(), reason: DeclineReason::Busy }).unwrap();
    world.silent();
    world.open_flow();
    world.response(486);
}

#[test]
fn a_call_that_rings_waits_for_a_flow_and_not_for_ever() {
    let (mut world, _) = World::ringing_in(id());
    world.handle(BREAK);
    world.advance(SECOND * 14);
    assert_eq!(world.state(id()), Some(CallState::Ringing));
    // Timers may be served late.
    world.boot += SECOND + Duration::from_millis(100);
    world.advance(Duration::ZERO);
    world.ended(id(), EndReason::NetworkLost);
}

#[test]
fn a_call_that_is_dialled_goes_anew_and_the_first_attempt_is_taken_back() {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    let first = world.request(Method::Invite);
    world.reply(&first, 180);
    world.handle(BREAK);
    assert_eq!(world.state(id()), Some(CallState::Dialing));
    assert_eq!(
        world.described(id()),
        DescribeRequest::Offer { direction: sdp::Direction::SendRecv, ice_restart: false }
    );
    world.silent();
    world.open_flow();
    world.grant();
    let cancel = world.request(Method::Cancel);
    assert_eq!(cancel.headers.call_id(), first.headers.call_id());
    let again = world.request(Method::Invite);
    assert_ne!(again.headers.call_id(), first.headers.call_id());
    assert_eq!(again.headers.get(&HeaderName::X_CALL_UID).unwrap(), id().to_string());
    world.reply_sdp(&again, 200, "bob", &sdp("sendrecv"));
    world.request(Method::Ack);
    assert_eq!(world.state(id()), Some(CallState::Answered));
}

#[test]
fn a_call_is_dialled_anew_three_times_and_no_more() {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    world.request(Method::Invite);
    for _ in 0..3 {
        world.handle(BREAK);
        world.described(id());
        world.open_flow();
        world.grant();
        world.request(Method::Cancel);
        world.request(Method::Invite);
    }
    world.outputs.clear();
    world.handle(BREAK);
    world.ended(id(), EndReason::NetworkLost);
}

#[test]
fn a_call_that_is_dialled_waits_for_a_flow_and_not_for_ever() {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    world.request(Method::Invite);
    world.handle(BREAK);
    world.described(id());
    world.advance(SECOND * 14);
    assert_eq!(world.state(id()), Some(CallState::Dialing));
    world.advance(SECOND);
    world.ended(id(), EndReason::NetworkLost);
}

#[test]
fn with_both_networks_the_answer_to_a_call_comes_over_the_old_one() {
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    world.reply(&invite, 180);
    world.handle(MAKE);
    let old = world.flow;
    world.open_flow();
    world.grant();
    let new = std::mem::replace(&mut world.flow, old);
    let mut answer = invite.response(StatusCode::OK, Some("bob"));
    answer.headers.push(HeaderName::CONTACT, "<sip:pbx@192.0.2.1:8089;transport=ws>");
    answer.set_body("application/sdp", sdp("sendrecv").into_bytes());
    let bytes = Message::from(answer).to_bytes();
    world.flow = new;
    world.handle(Input::Received { flow: old, bytes });
    world.request(Method::Ack);
    assert_eq!(world.state(id()), Some(CallState::Answered));
}

#[test]
fn a_transfer_that_went_down_with_its_flow_goes_again() {
    let (mut world, _, _) = World::talking_in(id());
    world.command(Command::Transfer { call: id(), to: "300".to_owned() }).unwrap();
    let first = world.request(Method::Refer);
    world.handle(BREAK);
    restarts(&mut world, sdp::Direction::SendRecv);
    world.open_flow();
    world.request(Method::Invite);
    world.grant();
    let again = world.request(Method::Refer);
    assert_eq!(again.headers.get(&HeaderName::REFER_TO), first.headers.get(&HeaderName::REFER_TO));
    world.reply(&again, 202);
    assert!(!world.events.iter().any(|e| matches!(e, Event::TransferFailed { .. })));
}

#[test]
fn a_phone_with_a_call_does_not_wait_long_for_its_next_flow() {
    let longest = |mut world: World| {
        world.lose_flow(FlowErrorKind::Lost);
        let mut longest = Duration::ZERO;
        for _ in 0..8 {
            let (mut waited, step) = (Duration::ZERO, Duration::from_millis(50));
            while world.take(|output| matches!(output, Output::OpenFlow { .. })).is_none() {
                world.advance(step);
                waited += step;
            }
            longest = longest.max(waited);
            world.flow = FlowId(world.flow.0 + 1);
            world.lose_flow(FlowErrorKind::Unreachable);
        }
        longest
    };
    let (in_call, ..) = World::talking_in(call_id(1));
    assert!(longest(in_call) <= Duration::from_secs(5));
    assert!(longest(World::registered()) > Duration::from_secs(7));
}

#[test]
fn a_bye_that_nobody_answered_goes_again_on_the_next_connection() {
    let (mut world, ..) = World::talking_in(id());
    world.command(Command::HangUp { call: id() }).unwrap();
    world.request(Method::Bye);
    world.advance(SECOND);
    world.lose_flow(FlowErrorKind::Lost);
    world.advance(SECOND * 5);
    world.open_flow();
    let is_bye =
        |message: &Message| matches!(message, Message::Request(r) if r.method == Method::Bye);
    assert!(world.sent.iter().any(is_bye), "{:?}", world.sent);
}

#[test]
fn a_call_that_was_answered_and_hung_up_between_two_flows_says_both_on_the_next() {
    let (mut world, invite) = World::ringing_in(id());
    world.handle(BREAK);
    world.command(Command::Answer { call: id() }).unwrap();
    world.command(Command::HangUp { call: id() }).unwrap();
    world.silent();
    world.open_flow();
    let to = world.response(200).headers.get(&HeaderName::TO).unwrap().into_owned();
    world.grant();
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    let bye = world.request(Method::Bye);
    world.reply(&bye, 200);
    world.ended(id(), EndReason::Local);
}
