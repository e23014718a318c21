//! Calls that are answered without the agent (RFC 5373), and when not.

use super::*;

fn id() -> CallId {
    call_id(1)
}

fn asks(world: &mut World, call: CallId, name: &str, value: &str) -> Request {
    let mut invite = world.invite(call);
    invite.headers.push(HeaderName::new(name), value);
    invite
}

fn world(mode: AnswerMode) -> World {
    World::registered_with(Config { answer_mode: mode, ..config() })
}

/// An INVITE that asks to be answered after this time, in a world of this policy.
fn asked(mode: AnswerMode, seconds: u32) -> (World, Request) {
    let mut world = world(mode);
    let value = format!("<sip:pbx.example>;answer-after={seconds}");
    let invite = asks(&mut world, id(), "Call-Info", &value);
    world.receive(invite.clone());
    world.described(id());
    world.response(180);
    (world, invite)
}

fn automatic(world: &World) -> bool {
    world.phone.snapshot().calls.iter().any(|call| call.automatic)
}

fn gates(world: &World) -> Vec<&Output> {
    let gate = |o: &&Output| matches!(o, Output::SetUplink { .. } | Output::SetDownlink { .. });
    world.outputs.iter().filter(gate).collect()
}

#[test]
fn nothing_is_answered_by_itself_where_the_administrator_has_not_said_so() {
    let (mut world, _) = asked(AnswerMode::Manual, 0);
    assert!(!automatic(&world) && !world.phone.snapshot().auto_answer);
    world.advance_alive(SECOND * 5);
    assert_eq!(world.state(id()), Some(CallState::Ringing));
    let refused = world.command(Command::SetAutoAnswer { on: true });
    assert_eq!(refused, Err(CommandError::NotAllowed));
}

#[test]
fn a_call_is_answered_in_its_time_and_no_audio_flows_before_the_tone() {
    let (mut world, invite) = asked(AnswerMode::Asked, 2);
    let told = Event::AutoAnswering { call: id(), after: SECOND * 2 };
    assert!(world.events.contains(&told) && automatic(&world));
    world.advance_alive(SECOND);
    world.silent();
    world.advance_alive(SECOND + SECOND / 10);
    let answer = world.response(200);
    assert_eq!(answer.headers.get(&HeaderName::ANSWER_MODE).unwrap(), "Auto");
    let to = answer.headers.get(&HeaderName::TO).unwrap().into_owned();
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    world.handle(Input::MediaConnected { call: id() });
    assert_eq!(world.state(id()), Some(CallState::Established));
    assert!(gates(&world).is_empty(), "{:?}", gates(&world));
    assert!(world.take(|o| matches!(o, Output::PlayTone { .. })).is_some());
    world.handle(Input::TonePlayed { call: id() });
    assert_eq!(gates(&world).len(), 2, "both ways open");
    assert!(automatic(&world), "the mark stays");
    world.handle(Input::TonePlayed { call: id() });
    assert!(world.take(|o| matches!(o, Output::PlayTone { .. })).is_none(), "once");
}

#[test]
fn where_the_platform_owns_the_audio_the_tone_waits_for_it() {
    let config = Config { answer_mode: AnswerMode::Auto, audio: AudioGate::Platform, ..config() };
    let mut world = World::registered_with(config);
    let invite = world.invite(id());
    world.receive(invite);
    world.described(id());
    world.response(180);
    world.advance_alive(SECOND / 10);
    world.response(200);
    let tone = |o: &Output| matches!(o, Output::PlayTone { .. });
    assert!(world.take(tone).is_none());
    world.handle(Input::AudioActivated);
    assert!(world.take(tone).is_some() && gates(&world).is_empty());
    // A device that is never heard of does not keep the two from talking.
    world.advance(SECOND * 4);
    assert_eq!(gates(&world).len(), 2);
}

#[test]
fn a_tone_that_does_not_end_keeps_the_ways_closed_for_three_seconds() {
    let (mut world, invite) = asked(AnswerMode::Asked, 0);
    world.advance_alive(SECOND / 10);
    let to = world.response(200).headers.get(&HeaderName::TO).unwrap().into_owned();
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    world.handle(Input::MediaConnected { call: id() });
    assert!(world.take(|o| matches!(o, Output::PlayTone { .. })).is_some());
    world.outputs.clear();
    world.advance_alive(SECOND * 2);
    assert!(gates(&world).is_empty());
    world.advance_alive(SECOND * 2);
    assert_eq!(gates(&world).len(), 2);
}

#[test]
fn beside_a_call_on_hold_a_second_one_is_not_answered_so() {
    let config = Config { answer_mode: AnswerMode::Asked, ..config() };
    let (mut world, _, _) = World::talking_with(config, call_id(2));
    world.holds(call_id(2));
    let invite = asks(&mut world, id(), "Call-Info", "<sip:pbx.example>;answer-after=0");
    world.receive(invite);
    world.described(id());
    world.response(180);
    world.advance_alive(SECOND);
    assert_eq!(world.state(id()), Some(CallState::Ringing));
    assert!(!automatic(&world));
}

#[test]
fn a_second_call_is_never_answered_so() {
    let (mut world, _, _) = {
        let (mut world, invite) = asked(AnswerMode::Auto, 0);
        world.advance_alive(SECOND / 10);
        let to = world.response(200).headers.get(&HeaderName::TO).unwrap().into_owned();
        let ack = world.inside(&invite, &to, Method::Ack);
        world.receive(ack);
        (world, invite, to)
    };
    let second = call_id(2);
    let invite = asks(&mut world, second, "Alert-Info", "<http://x>;info=auto-answer");
    world.receive(invite);
    world.described(second);
    world.response(180);
    world.advance_alive(SECOND * 3);
    assert_eq!(world.state(second), Some(CallState::Ringing));
    // Nor one whose time comes while the agent has taken another.
    let required = asks(&mut world, call_id(3), "Answer-Mode", "Auto;require");
    world.receive(required);
    world.response(403);
}

#[test]
fn two_that_wait_for_their_time_are_answered_one() {
    let (mut world, _) = asked(AnswerMode::Asked, 1);
    let second = call_id(2);
    let invite = asks(&mut world, second, "Call-Info", "<sip:x>;answer-after=2");
    world.receive(invite);
    world.described(second);
    world.response(180);
    world.advance_alive(SECOND * 3);
    assert_ne!(world.state(id()), Some(CallState::Ringing));
    assert_eq!(world.state(second), Some(CallState::Ringing));
}

#[test]
fn the_agent_can_turn_it_off_until_he_signs_out() {
    let (mut world, _) = asked(AnswerMode::Asked, 2);
    world.command(Command::SetAutoAnswer { on: false }).unwrap();
    assert!(!automatic(&world) && !world.phone.snapshot().auto_answer);
    world.advance_alive(SECOND * 3);
    assert_eq!(world.state(id()), Some(CallState::Ringing));
    world.command(Command::SetAutoAnswer { on: true }).unwrap();
    world.command(Command::SetAutoAnswer { on: false }).unwrap();
    world.command(Command::Unregister).unwrap();
    assert!(world.phone.snapshot().auto_answer, "another session, another choice");
}

#[test]
fn who_answers_first_hears_no_tone() {
    let (mut world, _) = asked(AnswerMode::Asked, 2);
    world.command(Command::Answer { call: id() }).unwrap();
    let answer = world.response(200);
    assert!(!answer.headers.has(&HeaderName::ANSWER_MODE) && !automatic(&world));
    assert_eq!(gates(&world).len(), 2);
    world.advance(SECOND * 3);
    assert!(world.take(|o| matches!(o, Output::PlayTone { .. })).is_none());
}

#[test]
fn a_call_that_is_gone_before_its_time_is_not_answered() {
    let (mut world, invite) = asked(AnswerMode::Asked, 2);
    let mut cancel = sidetone_sip::dialog::cancel(&invite);
    cancel.headers.set(HeaderName::VIA, invite.headers.get(&HeaderName::VIA).unwrap().as_ref());
    world.receive(cancel);
    world.advance_alive(SECOND * 3);
    world.ended(id(), EndReason::Cancelled);
}

#[test]
fn the_policy_for_all_yields_to_an_invite_that_says_by_hand() {
    let mut world = world(AnswerMode::Auto);
    let invite = asks(&mut world, id(), "Answer-Mode", "Manual");
    world.receive(invite);
    world.described(id());
    world.response(180);
    world.advance_alive(SECOND * 3);
    assert_eq!(world.state(id()), Some(CallState::Ringing));
}
