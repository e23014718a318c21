//! Recordings: asked of the server, called up inside the call that is meant, and shown only as the server says.

use super::agent::{code, done};
use super::*;
use RecordingAction::{Pause, Resume, Start, Stop};

const AUTO: &str = r#"{"id":"auto","state":"STATE","automatic":true,"policy":"POLICY"}"#;

fn id() -> CallId {
    call_id(7)
}

fn recorders() -> Config {
    Config { recordings: true, ..config() }
}

fn one(state: &str) -> String {
    format!(r#"{{"id":"1","state":"{state}","automatic":false,"policy":"free"}}"#)
}

fn auto(state: &str, policy: &str) -> String {
    AUTO.replace("STATE", state).replace("POLICY", policy)
}

/// What the server tells of the call.
fn notify(world: &mut World, number: u64, may: bool, recordings: &str) {
    let mut notify = world.outside(Method::Notify);
    notify.headers.push(HeaderName::EVENT, "sidetone-recording");
    notify.headers.push(HeaderName::SUBSCRIPTION_STATE, "terminated");
    let call = format!(r#"{{"call":"{}","recordings":[{recordings}]}}"#, id());
    let calls = if recordings.is_empty() { "" } else { &call };
    let text = format!(r#"{{"v":1,"number":{number},"may":{may},"calls":[{calls}]}}"#);
    notify.set_body("application/json", text.into_bytes());
    world.receive(notify);
    world.response(200);
}

/// Signed in, and told that this user may record, or not.
fn knowing(may: bool) -> World {
    let mut world = World::registered_with(recorders());
    let invite = code(&mut world, "sidetone*record");
    done(&mut world, &invite);
    notify(&mut world, 1, may, "");
    world.events.clear();
    world.silent();
    world
}

/// In a call that has these recordings, and its INVITE and the To of its dialog.
fn talking(recordings: &str) -> (World, Request, String) {
    let mut world = knowing(true);
    let invite = world.invite(id());
    world.receive(invite.clone());
    world.described(id());
    world.response(180);
    let to = world.answered(id(), &invite);
    world.handle(Input::MediaConnected { call: id() });
    notify(&mut world, 2, true, recordings);
    world.events.clear();
    world.silent();
    (world, invite, to)
}

fn record(recording: &str, action: RecordingAction) -> Command {
    Command::Record { call: id(), recording: recording.parse().unwrap(), action }
}

/// The code goes, the server would do it, and the INFO in the call calls it up.
fn asked(world: &mut World, recording: &str, verb: &str) -> Request {
    let invite = code(world, &format!("sidetone*record*{}*{recording}*{verb}", id()));
    // The yes and the INFO cross.
    world.reply_sdp(&invite, 200, "pbx", &self::sdp("inactive"));
    world.request(Method::Ack);
    let info = world.request(Method::Info);
    assert_eq!(info.headers.get(&HeaderName::RECORD).unwrap(), "on");
    assert!(info.body.is_empty());
    let bye = world.back(&invite, "pbx", Method::Bye);
    world.receive(bye);
    world.response(200);
    info
}

fn shown(world: &World) -> Vec<Recording> {
    world.phone.snapshot().calls[0].recordings.clone()
}

#[track_caller]
fn failed(world: &World, recording: &str, action: RecordingAction, reason: RecordingFailure) {
    let recording = recording.parse().unwrap();
    let expected = Event::RecordingFailed { call: id(), recording, action, reason };
    assert!(world.events.contains(&expected), "{reason:?} is not in {:?}", world.events);
}

#[test]
fn a_name_has_digits_or_is_auto() {
    for good in ["1", "0", "9999", "auto"] {
        assert_eq!(good.parse::<RecordingId>().unwrap().as_str(), good);
    }
    for bad in ["", "12345", "a", "1*", "Auto", "auto1", "-1", "１"] {
        assert_eq!(bad.parse::<RecordingId>(), Err(CommandError::InvalidRecording), "{bad}");
    }
}

#[test]
fn who_does_not_want_to_know_asks_nothing() {
    let (mut world, _, _) = World::talking_in(id());
    world.silent();
    assert_eq!(world.command(record("1", Start)), Err(CommandError::RecordingUnavailable));
    assert_eq!(world.phone.snapshot().recording, RecordingAccess::Unknown);
    let mut notify = world.outside(Method::Notify);
    notify.headers.push(HeaderName::EVENT, "sidetone-recording");
    world.receive(notify);
    world.response(481);
}

#[test]
fn a_recording_is_shown_as_running_only_when_the_server_has_said_so() {
    let (mut world, invite, _) = talking("");
    world.command(record("1", Start)).unwrap();
    let requested = Recording {
        id: "1".parse().unwrap(),
        state: RecordingState::Stopped,
        certain: true,
        automatic: false,
        policy: RecordingPolicy::Free,
        requested: Some(Start),
    };
    assert_eq!(shown(&world), std::slice::from_ref(&requested));
    let info = asked(&mut world, "1", "start");
    assert_eq!(info.headers.call_id(), invite.headers.call_id(), "inside the call that is meant");
    world.reply(&info, 200);
    assert_eq!(shown(&world), [requested]);
    notify(&mut world, 3, true, &one("recording"));
    let [recording] = &shown(&world)[..] else { panic!() };
    assert_eq!((recording.state, recording.requested), (RecordingState::Recording, None));
    let told = world.events.iter().filter(|e| matches!(e, Event::RecordingsChanged { .. }));
    assert_eq!(told.count(), 2, "{:?}", world.events);
    // Nothing is left to wait for.
    world.advance_alive(SECOND * 60);
    world.silent();
}

#[test]
fn the_news_may_come_before_the_answer_to_the_info() {
    let (mut world, _, _) = talking(&one("recording"));
    world.command(record("1", Pause)).unwrap();
    let info = asked(&mut world, "1", "pause");
    notify(&mut world, 3, true, &one("paused"));
    assert_eq!(shown(&world)[0].requested, None);
    world.reply(&info, 200);
    world.command(record("1", Resume)).unwrap();
    asked(&mut world, "1", "resume");
    // News of something else does not confirm it.
    let both = format!("{},{}", one("paused"), auto("recording", "locked"));
    notify(&mut world, 4, true, &both);
    assert_eq!(shown(&world)[0].requested, Some(Resume));
    notify(&mut world, 5, true, &one("recording"));
    assert_eq!(shown(&world)[0].requested, None);
    world.command(record("1", Stop)).unwrap();
    asked(&mut world, "1", "stop");
    notify(&mut world, 6, true, &one("stopped"));
    assert_eq!(shown(&world)[0].state, RecordingState::Stopped);
    // It begins anew, and older news changes nothing.
    world.command(record("1", Start)).unwrap();
    asked(&mut world, "1", "start");
    notify(&mut world, 5, true, &one("recording"));
    assert_eq!(shown(&world)[0].state, RecordingState::Stopped);
}

#[test]
fn what_the_server_would_refuse_is_refused_at_once() {
    let recordings = format!("{},{}", auto("recording", "pausable"), one("stopped"));
    let (mut world, invite, _) = talking(&recordings);
    for (recording, action, expected) in [
        ("auto", Start, CommandError::RecordingLocked),
        ("auto", Stop, CommandError::RecordingLocked),
        ("1", Pause, CommandError::UnknownRecording),
        ("1", Resume, CommandError::UnknownRecording),
        ("1", Stop, CommandError::UnknownRecording),
        ("2", Pause, CommandError::UnknownRecording),
    ] {
        assert_eq!(world.command(record(recording, action)), Err(expected), "{recording}");
    }
    notify(&mut world, 3, true, &auto("recording", "locked"));
    for action in [Start, Pause, Resume, Stop] {
        assert_eq!(world.command(record("auto", action)), Err(CommandError::RecordingLocked));
    }
    notify(&mut world, 4, true, "");
    assert_eq!(world.command(record("auto", Start)), Err(CommandError::UnknownRecording));
    world.command(record("1", Start)).unwrap();
    assert_eq!(world.command(record("2", Start)), Err(CommandError::RecordingUnderWay));
    asked(&mut world, "1", "start");
    notify(&mut world, 5, false, "");
    assert_eq!(world.phone.snapshot().recording, RecordingAccess::Forbidden);
    assert_eq!(world.command(record("1", Start)), Err(CommandError::NotAllowed));
    let other = Command::Record {
        call: call_id(99),
        recording: RecordingId::automatic(),
        action: RecordingAction::Pause,
    };
    assert_eq!(world.command(other), Err(CommandError::UnknownCall));
    drop(invite);
}

#[test]
fn only_a_call_that_is_answered_is_recorded() {
    let mut world = knowing(true);
    let invite = world.invite(id());
    world.receive(invite);
    world.described(id());
    world.response(180);
    assert_eq!(world.command(record("1", Start)), Err(CommandError::WrongState));
    world.silent();
}

#[test]
fn a_refusal_of_the_server_is_told_by_its_kind_and_nothing_is_called_up() {
    for (status, reason) in [
        (403, RecordingFailure::Forbidden),
        (486, RecordingFailure::Locked),
        (410, RecordingFailure::NotThere),
        (404, RecordingFailure::Unavailable),
        (502, RecordingFailure::NotWritable),
        (501, RecordingFailure::Refused(ControlFailure::NotImplemented)),
    ] {
        let (mut world, _, _) = talking("");
        world.command(record("1", Start)).unwrap();
        let invite = world.request(Method::Invite);
        world.reply(&invite, status);
        world.request(Method::Ack);
        failed(&world, "1", Start, reason);
        assert_eq!(shown(&world), []);
        world.silent();
    }
}

#[test]
fn an_info_that_is_refused_is_told_and_one_that_is_challenged_goes_again() {
    let (mut world, _, _) = talking("");
    world.command(record("1", Start)).unwrap();
    let info = asked(&mut world, "1", "start");
    world.challenge_to(&info, "n2", false);
    let again = world.request(Method::Info);
    assert_eq!(again.headers.get(&HeaderName::RECORD).unwrap(), "on");
    world.reply(&again, 403);
    failed(&world, "1", Start, RecordingFailure::Refused(ControlFailure::Rejected(403)));
    world.silent();
}

#[test]
fn what_is_not_confirmed_in_time_is_told_and_asked_for() {
    let (mut world, _, _) = talking(&one("recording"));
    world.command(record("1", Pause)).unwrap();
    let info = asked(&mut world, "1", "pause");
    world.reply(&info, 200);
    world.advance_alive(SECOND * 4);
    failed(&world, "1", Pause, RecordingFailure::Unconfirmed);
    // Nobody knows whether it still records: the light is not red.
    assert!(!shown(&world)[0].certain);
    let question = code(&mut world, "sidetone*record");
    done(&mut world, &question);
    notify(&mut world, 3, true, &one("paused"));
    assert!(shown(&world)[0].certain);
    assert_eq!(shown(&world)[0].state, RecordingState::Paused);
}

#[test]
fn a_phone_that_connects_again_learns_what_is_recorded() {
    let (mut world, _, _) = talking(&one("recording"));
    world.command(record("2", Start)).unwrap();
    code(&mut world, &format!("sidetone*record*{}*2*start", id()));
    world.lose_flow(FlowErrorKind::Lost);
    failed(&world, "2", Start, RecordingFailure::Unconfirmed);
    assert!(!shown(&world)[0].certain);
    world.advance(SECOND * 3);
    world.open_flow();
    // The call moves to the new connection too.
    while !matches!(world.sent.front(), Some(Message::Request(r)) if r.method == Method::Register) {
        world.sent.pop_front().unwrap();
    }
    world.grant();
    world.sent.retain(
        |m| matches!(m, Message::Request(r) if r.uri.user.as_deref() == Some("sidetone*record")),
    );
    let question = code(&mut world, "sidetone*record");
    // The server has lost its memory: what is said on this connection counts.
    done(&mut world, &question);
    notify(&mut world, 1, true, &format!("{},{}", auto("paused", "pausable"), one("stopped")));
    let states: Vec<_> = shown(&world).iter().map(|r| (r.state, r.certain)).collect();
    assert_eq!(states, [(RecordingState::Paused, true), (RecordingState::Stopped, true)]);
}

#[test]
fn after_a_hold_what_records_is_told_to_take_the_voice_anew() {
    for (state, infos) in [("recording", 1), ("paused", 0)] {
        let (mut world, _, _) = talking(&one(state));
        for on in [true, false] {
            world.command(Command::Hold { call: id(), on }).unwrap();
            world.described(id());
            let change = world.request(Method::Invite);
            world.silent();
            let direction = if on { "recvonly" } else { "sendrecv" };
            world.reply_sdp(&change, 200, "caller", &self::sdp(direction));
            world.request(Method::Ack);
        }
        let sent = world.sent.iter().filter(|m| matches!(m, Message::Request(_)));
        assert_eq!(sent.count(), infos, "{state}");
        if infos > 0 {
            let info = world.request(Method::Info);
            assert_eq!(info.headers.get(&HeaderName::RECORD).unwrap(), "on");
            world.reply(&info, 403);
        }
        // Nobody has asked for it: nobody is told.
        let failed = |event: &Event| matches!(event, Event::RecordingFailed { .. });
        assert!(!world.events.iter().any(failed));
        world.silent();
    }
}

#[test]
fn a_server_without_the_pack_is_asked_once_a_connection() {
    let mut world = World::registered_with(recorders());
    let invite = code(&mut world, "sidetone*record");
    world.reply(&invite, 404);
    world.request(Method::Ack);
    let told = Event::RecordingAccessChanged { access: RecordingAccess::Unavailable };
    assert!(world.events.contains(&told));
    world.advance_alive(SECOND * 600);
    world.silent();
}

#[test]
fn a_question_that_comes_to_nothing_is_asked_again_ever_more_seldom() {
    let mut world = World::registered_with(recorders());
    let mut asked = 0;
    for _ in 0..600 {
        if !world.sent.is_empty() {
            let invite = code(&mut world, "sidetone*record");
            done(&mut world, &invite);
            asked += 1;
        }
        world.advance_alive(SECOND);
    }
    assert!((8..=14).contains(&asked), "{asked} questions in ten minutes");
}

#[test]
fn with_the_call_goes_what_was_recorded_of_it() {
    let (mut world, invite, to) = talking(&one("recording"));
    world.command(record("1", Pause)).unwrap();
    let code = code(&mut world, &format!("sidetone*record*{}*1*pause", id()));
    let bye = world.inside(&invite, &to, Method::Bye);
    world.receive(bye);
    world.response(200);
    world.ended(id(), EndReason::Remote);
    // The yes comes too late: nothing is called up in no call.
    done(&mut world, &code);
    world.advance_alive(SECOND * 10);
    world.silent();
    let failed = |event: &Event| matches!(event, Event::RecordingFailed { .. });
    assert!(!world.events.iter().any(failed));
}

#[test]
fn older_news_is_not_taken_though_nothing_is_certain() {
    let (mut world, _, _) = talking(&one("recording"));
    world.command(record("1", Pause)).unwrap();
    code(&mut world, &format!("sidetone*record*{}*1*pause", id()));
    world.advance_alive(SECOND * 11);
    failed(&world, "1", Pause, RecordingFailure::Unconfirmed);
    code(&mut world, "sidetone*record");
    notify(&mut world, 1, true, &one("stopped"));
    let [recording] = &shown(&world)[..] else { panic!() };
    assert_eq!((recording.state, recording.certain), (RecordingState::Recording, false));
}
