//! Calls announced by push: before the INVITE, after it, instead of it, and across a restart.

use super::*;

const ID: u128 = 0x90_5000;

fn id() -> CallId {
    call_id(ID)
}

fn token() -> PushToken {
    PushToken {
        provider: PushProvider::Fcm,
        param: "project-1".to_owned(),
        prid: "abc:DEF_-=1".to_owned(),
    }
}

/// What a push says: the attempt lasts 25 s from now.
fn push(world: &World, kind: AnnouncementKind) -> Announcement {
    Announcement {
        call: id(),
        kind,
        deadline: UnixTime(world.boot + 25 * SECOND),
        caller: Caller { name: Some("Anna".to_owned()), number: Some("0301".to_owned()) },
        queue: Some("Support".to_owned()),
        group: None,
    }
}

/// A phone that slept, and was woken by a push; its REGISTER is answered.
fn woken() -> World {
    let mut world = asleep();
    world.handle(Input::Announced(push(&world, AnnouncementKind::Incoming)));
    world.open_flow();
    world.grant();
    assert_eq!(world.lamp(), RegistrationState::Registered);
    world
}

/// Signed in, and asleep.
fn asleep() -> World {
    let mut world = World::registered();
    world.command(Command::Sleep).unwrap();
    let register = world.request(Method::Register);
    assert!(register.headers.get(&HeaderName::CONTACT).unwrap().contains("expires=0"));
    world.reply(&register, 200);
    assert!(world.take(|o| matches!(o, Output::CloseFlow { .. })).is_some());
    world.events.clear();
    world.outputs.clear();
    world
}

fn ends(world: &World) -> Vec<EndReason> {
    let reason = |event: &Event| {
        let Event::Ended { reason, .. } = event else { return None };
        Some(reason.clone())
    };
    world.events.iter().filter_map(reason).collect()
}

fn begun(world: &World) -> usize {
    let begins = |e: &&Event| {
        matches!(e, Event::Announced { .. } | Event::Incoming { announced: false, .. })
    };
    world.events.iter().filter(begins).count()
}

#[test]
fn a_sleeping_phone_wants_nothing_and_never_shines_green() {
    let mut world = asleep();
    assert_eq!(world.lamp(), RegistrationState::Asleep, "no server has promised to push");
    assert_eq!(world.phone.poll_timeout(), None);
    world.handle(Input::NetworkChanged(Handover::BreakBeforeMake));
    assert_eq!(world.outputs, [], "a change of network wakes nobody");
}

#[test]
fn a_push_wakes_it_and_costs_one_registration_of_one_round_trip() {
    let mut world = asleep();
    world.handle(Input::Announced(push(&world, AnnouncementKind::Incoming)));
    assert_eq!(world.state(id()), Some(CallState::Announced));
    world.open_flow();
    let register = world.grant();
    assert!(register.headers.has(&HeaderName::AUTHORIZATION), "the nonce is kept");
    let invite = world.invite(id());
    world.receive(invite);
    world.response(180);
    assert_eq!(world.state(id()), Some(CallState::Ringing));
    assert_eq!(begun(&world), 1);
}

#[test]
fn a_push_has_the_connection_probed_that_is_there_and_does_not_wait_for_one_that_is_not() {
    let mut world = World::registered();
    world.handle(Input::Announced(push(&world, AnnouncementKind::Incoming)));
    assert_eq!(world.outputs.pop_front(), Some(Output::Probe { flow: world.flow }));
    world.silent();

    let mut world = World::registered();
    world.lose_flow(FlowErrorKind::Lost);
    let asked = |output: &Output| matches!(output, Output::OpenFlow { .. });
    assert!(world.take(asked).is_none(), "the phone waits before it tries again");
    world.handle(Input::Announced(push(&world, AnnouncementKind::Incoming)));
    assert!(world.take(asked).is_some(), "but not where a call waits");
}

#[test]
fn a_push_is_talked_in_after_a_restart_only_where_it_was_answered() {
    for answered in [false, true] {
        let mut world = woken();
        if answered {
            world.command(Command::Answer { call: id() }).unwrap();
        }
        let mut next = World::with(config(), world.saved.take());
        next.command(Command::Register).unwrap();
        assert_eq!(next.state(id()), Some(CallState::Announced));
        assert_eq!(next.phone.snapshot().calls[0].active, answered);
    }
}

#[test]
fn a_push_again_and_an_invite_before_the_push_are_no_second_call() {
    let mut world = woken();
    let invite = world.invite(id());
    world.receive(invite);
    world.response(180);
    for _ in 0..2 {
        world.handle(Input::Announced(push(&world, AnnouncementKind::Incoming)));
    }
    assert_eq!((begun(&world), ends(&world)), (1, vec![]));

    let mut world = World::registered();
    let invite = world.invite(id());
    world.receive(invite);
    world.handle(Input::Announced(push(&world, AnnouncementKind::Incoming)));
    assert_eq!((begun(&world), world.phone.snapshot().calls.len()), (1, 1));
}

#[test]
fn a_second_leg_of_the_same_call_is_busy_and_the_first_rings_on() {
    let mut world = woken();
    for code in [180, 486] {
        let invite = world.invite(id());
        world.receive(invite);
        world.response(code);
    }
    assert_eq!(world.state(id()), Some(CallState::Ringing));
    assert_eq!((begun(&world), ends(&world)), (1, vec![]));
}

#[test]
fn answered_before_the_invite_it_is_answered_as_soon_as_it_comes() {
    for wait in 0..25 {
        let mut world = woken();
        world.command(Command::Answer { call: id() }).unwrap();
        assert_eq!(world.phone.snapshot().calls[0].intent, Some(Intent::Answer));
        world.advance(wait * SECOND);
        world.outputs.clear();
        let invite = world.invite(id());
        world.receive(invite);
        assert_eq!(world.state(id()), Some(CallState::Answering), "after {wait} s");
        world.described(id());
        world.response(200);
        assert_eq!(world.state(id()), Some(CallState::Answered));
    }
}

#[test]
fn answered_and_never_come_it_ends_by_the_deadline_and_says_so() {
    let mut world = woken();
    world.command(Command::Answer { call: id() }).unwrap();
    world.outputs.clear();
    world.advance(24 * SECOND);
    assert_eq!(world.state(id()), Some(CallState::Announced));
    world.advance(SECOND);
    world.ended(id(), EndReason::NeverCame);
    let late = world.invite(id());
    world.receive(late);
    world.response(480);
}

#[test]
fn every_cancel_lost_it_ends_by_the_deadline() {
    let mut world = woken();
    world.outputs.clear();
    world.advance(10 * SECOND);
    let invite = world.invite(id());
    world.receive(invite);
    world.response(180);
    world.described(id());
    world.advance(15 * SECOND);
    world.ended(id(), EndReason::NoAnswer);
    world.response(480);
}

#[test]
fn what_was_decided_before_the_invite_is_what_it_gets() {
    let decline = |reason| Command::Decline { call: id(), reason };
    let forward = Command::Forward { call: id(), to: "200".to_owned() };
    for (command, code) in [
        (decline(DeclineReason::Decline), 603),
        (decline(DeclineReason::Busy), 486),
        (Command::HangUp { call: id() }, 486),
        (forward, 302),
    ] {
        let mut world = woken();
        world.command(command).unwrap();
        assert_eq!((ends(&world).len(), world.phone.snapshot().calls.len()), (1, 0));
        for _ in 0..2 {
            let invite = world.invite(id());
            world.receive(invite);
            let refusal = world.response(code);
            let contact = refusal.headers.get(&HeaderName::CONTACT).map(String::from);
            assert_eq!(contact.as_deref(), (code == 302).then_some("<sip:200@pbx.example>"));
        }
        assert_eq!((begun(&world), ends(&world).len()), (1, 1), "it never rings");
        world.handle(Input::Announced(push(&world, AnnouncementKind::Incoming)));
        assert_eq!((begun(&world), ends(&world).len()), (1, 2), "a push again is over at once");
    }
}

#[test]
fn a_push_takes_it_back_before_the_invite_and_says_nothing_after_it() {
    for (kind, reason) in [
        (AnnouncementKind::Cancelled, EndReason::Cancelled),
        (AnnouncementKind::AnsweredElsewhere, EndReason::AnsweredElsewhere),
    ] {
        let mut world = woken();
        world.outputs.clear();
        world.handle(Input::Announced(push(&world, kind)));
        world.ended(id(), reason);

        let mut world = woken();
        let invite = world.invite(id());
        world.receive(invite);
        world.handle(Input::Announced(push(&world, kind)));
        assert_eq!(world.state(id()), Some(CallState::Ringing), "SIP says it now");

        let mut world = asleep();
        world.handle(Input::Announced(push(&world, kind)));
        world.handle(Input::Announced(push(&world, AnnouncementKind::Incoming)));
        assert_eq!((begun(&world), ends(&world).len()), (0, 1), "it came in the wrong order");
    }
}

#[test]
fn pushes_to_a_phone_that_is_signed_out_or_cannot_read_them_come_to_their_end() {
    let mut world = World::new();
    world.handle(Input::Announced(push(&world, AnnouncementKind::Incoming)));
    assert_eq!(ends(&world), [EndReason::NotSignedIn]);
    let mut world = World::registered();
    world.handle(Input::Announced(push(&world, AnnouncementKind::Unreadable)));
    assert_eq!(ends(&world), [EndReason::UnreadablePush]);
    let mut late = push(&world, AnnouncementKind::Incoming);
    late.deadline = UnixTime(world.boot);
    world.handle(Input::Announced(late));
    assert_eq!(ends(&world)[1..], [EndReason::NoAnswer]);
}

#[test]
fn a_call_that_came_before_its_push_rings_no_longer_than_that_says() {
    let mut world = World::registered();
    let invite = world.invite(id());
    world.receive(invite);
    world.described(id());
    world.handle(Input::Announced(push(&world, AnnouncementKind::Incoming)));
    world.advance_alive(24 * SECOND);
    assert_eq!(world.state(id()), Some(CallState::Ringing));
    world.advance_alive(2 * SECOND);
    assert_eq!(ends(&world).len(), 1);
}

#[test]
fn an_invitation_that_lasts_longer_than_its_push_is_refused_as_one_that_nobody_took() {
    let mut world = World::registered();
    let mut invite = world.invite(id());
    invite.headers.push(HeaderName::EXPIRES, "120");
    world.receive(invite);
    world.described(id());
    world.response(180);
    world.handle(Input::Announced(push(&world, AnnouncementKind::Incoming)));
    world.advance_alive(26 * SECOND);
    world.response(480);
    assert_eq!(ends(&world), [EndReason::NoAnswer]);
}

#[test]
fn a_push_of_a_call_that_talks_is_no_deadline_for_it() {
    let (mut world, _, _) = World::talking_in(id());
    world.handle(Input::Announced(push(&world, AnnouncementKind::Incoming)));
    assert_eq!(world.phone.snapshot().calls[0].rings_until, None);
    world.advance_alive(30 * SECOND);
    assert_eq!(world.state(id()), Some(CallState::Established));
    assert_eq!(ends(&world), []);
}

#[test]
fn a_connection_that_is_lost_while_it_rings_waits_for_the_next_invite() {
    let mut world = woken();
    let invite = world.invite(id());
    world.receive(invite);
    world.response(180);
    world.command(Command::Answer { call: id() }).unwrap();
    world.lose_flow(FlowErrorKind::Lost);
    assert_eq!(world.state(id()), Some(CallState::Announced));
    world.outputs.retain(|o| matches!(o, Output::OpenFlow { .. }));
    world.advance(2 * SECOND);
    world.open_flow();
    world.grant();
    let invite = world.invite(id());
    world.receive(invite);
    world.described(id());
    world.response(200);
    assert_eq!((begun(&world), ends(&world)), (1, vec![]), "one call, and it was answered");
}

#[test]
fn killed_before_the_invite_it_comes_back_with_what_was_decided() {
    let mut world = woken();
    world.command(Command::Answer { call: id() }).unwrap();
    let saved = world.saved.take();
    let mut next = World::with(config(), saved);
    next.command(Command::Register).unwrap();
    next.open_flow();
    next.grant();
    assert_eq!(next.phone.snapshot().calls[0].intent, Some(Intent::Answer));
    let invite = next.invite(id());
    next.receive(invite);
    next.described(id());
    next.response(200);

    let mut world = woken();
    world.command(Command::Decline { call: id(), reason: DeclineReason::Decline }).unwrap();
    let mut next = World::with(config(), world.saved.take());
    next.handle(Input::Announced(push(&world, AnnouncementKind::Incoming)));
    next.open_flow();
    next.grant();
    let invite = next.invite(id());
    next.receive(invite);
    next.response(603);
    assert_eq!(begun(&next), 0);
}

#[test]
fn killed_between_the_answer_and_its_description_it_does_not_ring_again() {
    let mut world = woken();
    let invite = world.invite(id());
    world.receive(invite);
    world.command(Command::Answer { call: id() }).unwrap();
    let next = World::with(config(), world.saved.take());
    assert_eq!(next.phone.snapshot().calls[0].intent, Some(Intent::Answer));
}

#[test]
fn killed_in_a_call_the_next_process_hangs_it_up_and_says_so() {
    let (world, invite, to) = World::talking_in(id());
    let mut next = World::with(config(), world.saved.clone());
    assert_eq!(next.phone.snapshot().calls, [], "it is no call any more");
    next.command(Command::Register).unwrap();
    assert_eq!(ends(&next), [EndReason::Restarted]);
    next.open_flow();
    next.request(Method::Register);
    let bye = next.request(Method::Bye);
    assert_eq!(bye.headers.call_id(), invite.headers.call_id());
    assert_eq!(bye.headers.get(&HeaderName::FROM).as_deref(), Some(&*to));
    next.reply(&bye, 200);
    assert_eq!(next.saved.unwrap().dialogs, []);
    assert_eq!(ends(&World { events: next.events, ..World::new() }), [EndReason::Restarted]);
}

#[test]
fn killed_before_its_good_bye_has_arrived_the_next_process_says_it_within_two_minutes() {
    for (wait, said) in [(119, true), (120, false)] {
        let (mut world, ..) = World::talking_in(id());
        world.command(Command::HangUp { call: id() }).unwrap();
        world.request(Method::Bye);
        let mut next = World::with(config(), world.saved.clone());
        next.advance(SECOND * wait);
        next.command(Command::Register).unwrap();
        next.open_flow();
        next.request(Method::Register);
        assert_eq!(next.sent.len(), usize::from(said), "after {wait} s");
        if said {
            next.request(Method::Bye);
        }
    }
}

#[test]
fn what_a_step_leads_to_is_stored_before_it_happens() {
    let mut world = World::registered();
    let invite = world.invite(id());
    world.receive(invite);
    world.described(id());
    world.sent.clear();
    world.phone.command(Command::Answer { call: id() }, world.now()).unwrap();
    let first = world.phone.poll_output();
    let Some(Output::Save(saved)) = first else { panic!("first of all: {first:?}") };
    assert_eq!(saved.dialogs.len(), 1, "the call is known before its 200 goes");
}

#[test]
fn no_audio_runs_before_the_platform_lets_it_in_any_order() {
    let connected = Input::MediaConnected { call: id() };
    for first in [true, false] {
        let mut config = config();
        config.audio = AudioGate::Platform;
        let mut world = World::with(config, None);
        world.command(Command::Register).unwrap();
        world.open_flow();
        world.challenge();
        world.grant();
        let invite = world.invite(id());
        world.receive(invite.clone());
        world.described(id());
        if first {
            world.handle(Input::AudioActivated);
        }
        world.response(180);
        world.command(Command::Answer { call: id() }).unwrap();
        let to = world.response(200).headers.get(&HeaderName::TO).unwrap().into_owned();
        let ack = world.inside(&invite, &to, Method::Ack);
        world.receive(ack);
        world.handle(connected.clone());
        let opened = |o: &Output| {
            matches!(
                o,
                Output::SetUplink { open: true, .. } | Output::SetDownlink { open: true, .. }
            )
        };
        if !first {
            assert!(!world.outputs.iter().any(opened), "before activation");
            world.handle(Input::AudioActivated);
        }
        assert_eq!(world.outputs.iter().filter(|o| opened(o)).count(), 2);
        world.outputs.clear();
        world.handle(Input::AudioDeactivated);
        let closed = [
            Output::SetUplink { call: id(), open: false, muted: false },
            Output::SetDownlink { call: id(), open: false },
            Output::SetAudio { active: false },
        ];
        assert_eq!(world.outputs, closed);
        world.outputs.clear();
        world.command(Command::Mute { call: id(), on: true }).unwrap();
        world.handle(Input::AudioActivated);
        let opened = Output::SetUplink { call: id(), open: true, muted: true };
        assert!(world.outputs.contains(&opened), "{:?}", world.outputs);
    }
}

#[test]
fn the_token_goes_into_the_contact_and_by_message_to_the_dialplan() {
    let mut config = config();
    config.push = Some(token());
    let mut world = World::with(config.clone(), None);
    world.command(Command::Register).unwrap();
    world.open_flow();
    world.challenge();
    let register = world.grant();
    let contact = register.headers.get(&HeaderName::CONTACT).unwrap().into_owned();
    assert!(
        contact.contains(";pn-provider=fcm;pn-param=project-1;pn-prid=abc:DEF_-%3D1>"),
        "{contact}"
    );
    let message = world.request(Method::Message);
    assert_eq!(message.uri.to_string(), "sip:push@pbx.example");
    assert_eq!(message.headers.get(&HeaderName::CONTENT_TYPE).unwrap(), "text/plain");
    let body: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
    assert_eq!(body["prid"], "abc:DEF_-=1");
    world.challenge_to(&message, "n2", false);
    let again = world.request(Method::Message);
    world.reply(&again, 202);
    world.command(Command::Sleep).unwrap();
    let register = world.request(Method::Register);
    world.reply(&register, 200);
    assert_eq!(world.lamp(), RegistrationState::ReachableByPush);
    let next = World::with(config, world.saved.clone());
    assert_eq!(next.lamp(), RegistrationState::ReachableByPush, "also after a restart");
    assert!(!format!("{:?}", world.saved).contains("abc:DEF"), "a token is not shown");
}

#[test]
fn a_token_that_comes_later_goes_into_the_contact_at_once_and_to_the_dialplan_once() {
    let mut world = World::registered();
    world.command(Command::SetPushToken(Some(token()))).unwrap();
    let register = world.grant();
    assert!(register.headers.get(&HeaderName::CONTACT).unwrap().contains("pn-prid=abc"));
    let message = world.request(Method::Message);
    for answered in [false, true] {
        if answered {
            world.reply(&message, 202);
        }
        world.command(Command::Register).unwrap();
        world.grant();
        world.silent();
    }
}

#[test]
fn rfc_8599_a_registrar_that_pushes_by_other_services_only_does_not_reach_this_phone() {
    let (mut world, register) = signed_in_with(token());
    let mut ok = register.response(StatusCode::OK, Some("server"));
    ok.headers.push(HeaderName::CONTACT, "<sip:agent1@192.0.2.9:5;transport=ws>;expires=600");
    ok.headers.push(HeaderName::new("Feature-Caps"), "*;+sip.pns=\"apns,webpush\"");
    world.receive(ok);
    world.request(Method::Message);
}

#[test]
fn a_token_that_the_server_does_not_take_hurts_nothing_and_is_told() {
    let (mut world, register) = signed_in_with(token());
    world.grant_to(&register, &["<sip:agent1@192.0.2.9:5;transport=ws>;expires=600"]);
    let message = world.request(Method::Message);
    world.reply(&message, 404);
    assert_eq!(world.lamp(), RegistrationState::Registered);
    world.command(Command::Sleep).unwrap();
    let register = world.request(Method::Register);
    world.reply(&register, 200);
    let lamp = world.phone.snapshot().registration;
    assert_eq!(lamp.state, RegistrationState::Asleep);
    let refused =
        matches!(lamp.problem, Some(RegistrationProblem::PushRefused { status: 404, .. }));
    assert!(refused, "{:?}", lamp.problem);
}

#[test]
fn a_registrar_that_pushes_by_itself_keeps_the_binding_of_a_sleeping_phone() {
    let (mut world, register) = signed_in_with(token());
    let mut ok = register.response(StatusCode::OK, Some("server"));
    ok.headers.push(HeaderName::CONTACT, "<sip:agent1@192.0.2.9:5;transport=ws>;expires=600");
    ok.headers.push(HeaderName::new("Feature-Caps"), "*;+sip.pns=\"apns,fcm\"");
    world.receive(ok);
    world.silent();
    world.command(Command::Sleep).unwrap();
    world.silent();
    assert_eq!(world.lamp(), RegistrationState::ReachableByPush);
}

#[test]
fn a_token_that_no_contact_can_carry_is_refused() {
    let mut world = World::registered();
    for prid in ["", "a b", "a;b", "a>", &"x".repeat(513)] {
        let token = PushToken { prid: prid.to_owned(), ..token() };
        let refused = world.command(Command::SetPushToken(Some(token)));
        assert_eq!(refused, Err(CommandError::InvalidToken));
    }
    world.silent();
}

#[test]
fn a_phone_sleeps_only_between_calls_and_a_call_on_the_way_to_sleep_wakes_it() {
    let (mut world, ..) = World::talking_in(id());
    assert_eq!(world.command(Command::Sleep), Err(CommandError::InCall));
    assert_eq!(World::new().command(Command::Sleep), Err(CommandError::NotRegistered));

    let mut world = World::registered();
    world.command(Command::Sleep).unwrap();
    world.request(Method::Register);
    let invite = world.invite(id());
    world.receive(invite);
    let register = world.request(Method::Register);
    assert!(register.headers.get(&HeaderName::CONTACT).unwrap().contains("expires=600"));
    world.response(180);
    assert_eq!(world.state(id()), Some(CallState::Ringing));
}

fn signed_in_with(token: PushToken) -> (World, Request) {
    let mut world = World::with(Config { push: Some(token), ..config() }, None);
    world.command(Command::Register).unwrap();
    world.open_flow();
    world.challenge();
    let register = world.request(Method::Register);
    (world, register)
}

#[test]
fn a_registrar_that_does_not_know_the_push_service_is_registered_at_without_it() {
    let (mut world, register) = signed_in_with(token());
    world.reply(&register, 555);
    let again = world.request(Method::Register);
    assert!(!again.headers.get(&HeaderName::CONTACT).unwrap().contains("pn-prid"));
    world.grant_to(&again, &["<sip:agent1@192.0.2.9:5;transport=ws>;expires=600"]);
    world.request(Method::Message);
}

#[test]
fn a_555_to_who_asked_for_no_push_or_asks_for_none_any_more_is_a_refusal_like_others() {
    let mut without = World::new();
    without.command(Command::Register).unwrap();
    without.open_flow();
    without.challenge();
    let register = without.request(Method::Register);
    let (mut again, first) = signed_in_with(token());
    again.reply(&first, 555);
    let second = again.request(Method::Register);
    for (mut world, register) in [(without, register), (again, second)] {
        world.reply(&register, 555);
        let registers =
            |m: &Message| matches!(m, Message::Request(r) if r.method == Method::Register);
        assert!(!world.sent.iter().any(registers), "not at once");
        assert_ne!(world.lamp(), RegistrationState::Registered);
    }
}

#[test]
fn a_token_that_nobody_answered_for_is_handed_over_again() {
    let (mut world, register) = signed_in_with(token());
    world.grant_to(&register, &["<sip:agent1@192.0.2.9:5;transport=ws>;expires=600"]);
    world.request(Method::Message);
    for _ in 0..4 {
        world.advance(SECOND * 10);
        world.handle(Input::ProbeAnswered { flow: world.flow });
    }
    world.sent.clear();
    world.command(Command::Register).unwrap();
    world.grant();
    world.request(Method::Message);
}

#[test]
fn who_signs_out_is_not_woken_any_more() {
    let (mut world, register) = signed_in_with(token());
    world.grant_to(&register, &["<sip:agent1@192.0.2.9:5;transport=ws>;expires=600"]);
    let message = world.request(Method::Message);
    world.reply(&message, 202);
    let mut asleep = World { phone: world.phone.clone(), flow: world.flow, ..World::new() };
    world.command(Command::Unregister).unwrap();
    let forget = world.request(Method::Message);
    assert!(String::from_utf8_lossy(&forget.body).contains("\"prid\":\"\""));
    world.request(Method::Register);

    asleep.command(Command::Sleep).unwrap();
    let register = asleep.request(Method::Register);
    asleep.reply(&register, 200);
    asleep.outputs.clear();
    asleep.command(Command::Unregister).unwrap();
    asleep.advance(SECOND * 5);
    asleep.open_flow();
    asleep.request(Method::Message);
    asleep.request(Method::Register);
}

#[test]
fn the_longest_token_does_not_keep_a_stale_binding_from_being_removed() {
    let (mut world, register) = signed_in_with(PushToken { prid: "p".repeat(512), ..token() });
    let sent = register.headers.get(&HeaderName::CONTACT).unwrap().into_owned();
    world.grant_to(&register, &[&sent]);
    assert!(world.saved.unwrap().contact.is_some());
}

#[test]
fn a_clock_that_is_out_of_all_bounds_gives_a_report_too() {
    let now = Now { boot: Duration::MAX, wall: UnixTime(Duration::MAX) };
    for payload in [
        &b""[..],
        br#"{"v":1,"kind":"incoming","call":"0b1c2d3e-4f50-4162-8374-95a6b7c8d9e0","deadline":1}"#,
    ] {
        announce(payload, now);
    }
}

#[test]
fn the_documents_examples_are_read_as_they_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/push.examples.json");
    let text = std::fs::read_to_string(path).unwrap();
    let examples: serde_json::Value = serde_json::from_str(&text).unwrap();
    let now = Now { boot: SECOND, wall: UnixTime(1_795_610_085 * SECOND) };
    let kind =
        |value: &serde_json::Value| announce(value.to_string().as_bytes(), now).announcement.kind;
    for payload in examples["payloads"].as_array().unwrap() {
        assert_ne!(kind(payload), AnnouncementKind::Unreadable, "{payload}");
    }
    for other in examples["not_payloads"].as_array().unwrap() {
        // What says too much of a call that is over is read for what it must say.
        let too_much = other["value"]["kind"] == "cancelled" && !other["value"]["caller"].is_null();
        let wanted =
            if too_much { AnnouncementKind::Cancelled } else { AnnouncementKind::Unreadable };
        assert_eq!(kind(&other["value"]), wanted, "{other}");
    }
    let fcm = &examples["fcm"]["message"]["data"];
    assert_eq!(kind(fcm), AnnouncementKind::Cancelled, "as FCM hands it over");
    assert_eq!(kind(&examples["apns"]), AnnouncementKind::Incoming, "as APNs hands it over");
}

#[test]
fn what_a_push_says_of_its_call_is_shown_and_the_call_is_announced_again_and_not_lost() {
    let mut world = asleep();
    let said = push(&world, AnnouncementKind::Incoming);
    let (queue, group) = (Some("support".to_owned()), Some("pbx-1.2".to_owned()));
    let said = Announcement { queue: queue.clone(), group: group.clone(), ..said };
    world.handle(Input::Announced(said));
    let data = world.phone.snapshot().calls[0].data.clone();
    assert_eq!(data, CallData { queue, group, ..CallData::default() });
    let saved = world.saved.clone().unwrap();
    assert_eq!((saved.announced.len(), saved.unfinished.len()), (1, 0));
}
