//! What the server has and what the user may: asked for once on each connection, and refused at once only where it was said.

use super::agent::{code, done};
use super::*;

fn asking() -> Config {
    Config { features: true, answer_mode: AnswerMode::Asked, ..config() }
}

fn notify(world: &mut World, text: &str) {
    let mut notify = world.outside(Method::Notify);
    notify.headers.push(HeaderName::EVENT, "sidetone-features");
    notify.headers.push(HeaderName::SUBSCRIPTION_STATE, "terminated");
    notify.set_body("application/json", text.as_bytes().to_vec());
    world.receive(notify);
    world.response(200);
}

/// Everything is there and allowed, but for this.
fn body(exceptions: &[(Feature, &str)]) -> String {
    let each = Feature::ALL.map(|feature| {
        let found = exceptions.iter().find(|(exception, _)| *exception == feature);
        let rest = found.map_or(r#""has":true,"may":true"#, |(_, rest)| rest);
        format!(r#"{{"name":"{}",{rest}}}"#, feature.name())
    });
    format!(r#"{{"v":1,"features":[{}],"outside":["0","+"]}}"#, each.join(","))
}

const MISSING: &str = r#""has":false,"may":true,"why":"the server lacks app_x""#;
const FORBIDDEN: &str = r#""has":true,"may":false"#;

/// Signed in, and told this.
fn told(exceptions: &[(Feature, &str)]) -> World {
    let mut world = World::registered_with(asking());
    let invite = code(&mut world, "sidetone*features");
    done(&mut world, &invite);
    notify(&mut world, &body(exceptions));
    world.silent();
    world
}

fn features(world: &World) -> std::sync::Arc<FeaturesSnapshot> {
    world.phone.snapshot().features.unwrap()
}

fn dial(to: &str) -> Command {
    Command::Dial { call: call_id(8), to: to.to_owned() }
}

#[test]
fn it_is_asked_for_once_on_each_connection_and_told_once() {
    assert_eq!(World::registered().phone.snapshot().features, None);
    let mut world = told(&[(Feature::Recordings, MISSING), (Feature::Supervision, FORBIDDEN)]);
    let why = "the server lacks app_x".to_owned();
    let seen = features(&world);
    assert!(seen.certain && seen.problem.is_none());
    assert_eq!(*seen.of(Feature::Recordings), FeatureState::Missing { why });
    assert_eq!(*seen.of(Feature::Supervision), FeatureState::NotAllowed);
    assert_eq!(*seen.of(Feature::Queues), FeatureState::Available);
    let is_it =
        |event: &Event| matches!(event, Event::FeaturesChanged { features } if *features == seen);
    assert_eq!(world.events.iter().filter(|event| is_it(event)).count(), 1);
    world.events.clear();
    // The same again is no news.
    let text = body(&[(Feature::Recordings, MISSING), (Feature::Supervision, FORBIDDEN)]);
    notify(&mut world, &text);
    assert!(world.events.is_empty(), "{:?}", world.events);
    world.lose_flow(FlowErrorKind::Lost);
    assert_eq!(*features(&world), FeaturesSnapshot { certain: false, ..(*seen).clone() });
    world.advance(SECOND * 2);
    world.open_flow();
    world.grant();
    code(&mut world, "sidetone*features");
}

#[test]
fn what_is_missing_or_not_allowed_is_refused_at_once() {
    let all = Feature::ALL;
    let missing = told(&all.map(|feature| (feature, MISSING)));
    let forbidden = told(&all.map(|feature| (feature, FORBIDDEN)));
    let commands = [
        Command::Agent { request: AgentRequest::Unpause },
        Command::Watch { on: true },
        Command::SendMessage {
            message: MessageId(uuid::Uuid::nil()),
            to: "1002".to_owned(),
            text: "a".to_owned(),
        },
        Command::Supervise {
            call: call_id(8),
            target: "a".to_owned(),
            mode: SupervisionMode::Listen,
            follow: false,
        },
        Command::Record {
            call: call_id(8),
            recording: RecordingId::automatic(),
            action: RecordingAction::Stop,
        },
        dial("0301234567"),
        dial("+49 30 1234567"),
        dial("sip:0301@pbx.example"),
        Command::Transfer { call: call_id(8), to: "030".to_owned() },
        Command::Forward { call: call_id(8), to: "030".to_owned() },
    ];
    for (mut world, refusal) in
        [(missing, CommandError::MissingOnServer), (forbidden, CommandError::NotAllowed)]
    {
        for command in &commands {
            assert_eq!(world.command(command.clone()), Err(refusal), "{command:?}");
        }
        world.silent();
        // Not outside: the site has not said so, or it is another's number.
        for to in ["1002", "sip:0301@other.example"] {
            assert_eq!(world.phone.permits(&dial(to)), Ok(()), "{to}");
        }
        assert_eq!(world.phone.permits(&Command::Watch { on: false }), Ok(()));
    }
}

#[test]
fn what_is_not_said_on_this_connection_blocks_nothing() {
    let mut world = World::registered_with(asking());
    assert_eq!(world.phone.permits(&dial("0301")), Ok(()));
    code(&mut world, "sidetone*features");
    let mut world = told(&Feature::ALL.map(|feature| (feature, FORBIDDEN)));
    assert_eq!(world.phone.permits(&dial("0301")), Err(CommandError::NotAllowed));
    world.lose_flow(FlowErrorKind::Lost);
    assert_eq!(world.phone.permits(&dial("0301")), Ok(()));
    // Whoever signs in next is somebody else.
    world.command(Command::Unregister).unwrap();
    assert_eq!(*features(&world), FeaturesSnapshot::default());
}

/// A call that came in talks, and another is made to outside.
fn asks_outside() -> World {
    let mut world = told(&[]);
    let invite = world.invite(call_id(7));
    world.receive(invite.clone());
    world.described(call_id(7));
    world.response(180);
    world.answered(call_id(7), &invite);
    world.handle(Input::MediaConnected { call: call_id(7) });
    world.command(dial("0301234567")).unwrap();
    world
}

#[test]
fn two_calls_are_not_brought_together_where_one_leads_outside() {
    let mut world = asks_outside();
    let refused = Err(CommandError::NotAllowed);
    let transfer = Command::TransferTo { call: call_id(7), with: call_id(8) };
    assert_eq!(world.phone.permits(&transfer), Ok(()));
    notify(&mut world, &body(&[(Feature::OutsideTransfers, FORBIDDEN)]));
    assert_eq!(world.phone.permits(&transfer), refused);
    let transfer = Command::TransferTo { call: call_id(8), with: call_id(7) };
    assert_eq!(world.phone.permits(&transfer), refused, "whichever is named first");
}

#[test]
fn the_joined_are_not_left_to_themselves_where_one_is_outside() {
    let mut world = asks_outside();
    world.described(call_id(8));
    let out = loop {
        let sent = world.request(Method::Invite);
        if sent.uri.user.as_deref() == Some("0301234567") {
            break sent;
        }
    };
    world.reply_sdp(&out, 200, "outside", &sdp("sendrecv"));
    world.handle(Input::MediaConnected { call: call_id(8) });
    world.command(Command::Merge { calls: vec![call_id(7), call_id(8)] }).unwrap();
    assert_eq!(world.phone.permits(&Command::Leave), Ok(()));
    world.sent.clear();
    notify(&mut world, &body(&[(Feature::OutsideTransfers, FORBIDDEN)]));
    assert_eq!(world.command(Command::Leave), Err(CommandError::NotAllowed));
    notify(&mut world, &body(&[]));
    assert_eq!(world.phone.permits(&Command::Leave), Ok(()));
}

#[test]
fn whether_calls_answer_themselves_follows_each_word_of_the_server() {
    let mut world = told(&[]);
    for (exceptions, answers) in [
        (&[(Feature::AutoAnswer, FORBIDDEN)][..], false),
        (&[], true),
        (&[(Feature::AutoAnswer, MISSING)], true),
    ] {
        notify(&mut world, &body(exceptions));
        assert_eq!(world.phone.snapshot().auto_answer, answers, "{exceptions:?}");
    }
    // One that waits for its time is the agent's to answer from then on.
    let mut invite = world.invite(call_id(7));
    invite.headers.push(HeaderName::CALL_INFO, "<sip:pbx.example>;answer-after=1");
    world.receive(invite);
    world.described(call_id(7));
    world.response(180);
    assert!(world.phone.snapshot().calls[0].automatic);
    notify(&mut world, &body(&[(Feature::AutoAnswer, FORBIDDEN)]));
    assert!(!world.phone.snapshot().calls[0].automatic);
    world.advance_alive(SECOND * 2);
    assert_eq!(world.state(call_id(7)), Some(CallState::Ringing));
}

#[test]
fn a_server_that_cannot_say_is_a_problem_that_is_told_and_not_asked_again() {
    for (status, problem) in [
        (404, FeaturesProblem::NoPack),
        (403, FeaturesProblem::NoPack),
        (501, FeaturesProblem::Untestable),
    ] {
        let mut world = World::registered_with(asking());
        let invite = code(&mut world, "sidetone*features");
        world.reply(&invite, status);
        world.request(Method::Ack);
        assert_eq!(features(&world).problem, Some(problem), "{status}");
        world.advance_alive(SECOND * 100);
        world.silent();
        assert_eq!(world.phone.permits(&dial("0301")), Ok(()));
    }
    for (text, problem) in [
        (r#"{"v":0,"features":[]}"#, FeaturesProblem::TooOld),
        (r#"{"features":[]}"#, FeaturesProblem::TooOld),
        (r#"{"v":2}"#, FeaturesProblem::TooNew),
        (r#"{"v":1,"features":{"#, FeaturesProblem::Unreadable),
    ] {
        let mut world = World::registered_with(asking());
        let invite = code(&mut world, "sidetone*features");
        notify(&mut world, text);
        done(&mut world, &invite);
        assert_eq!(features(&world).problem, Some(problem), "{text}");
        let is_it = |event: &Event| matches!(event, Event::FeaturesChanged { .. });
        assert_eq!(world.events.iter().filter(|event| is_it(event)).count(), 1);
        world.advance_alive(SECOND * 100);
        world.silent();
        // Mended: it is believed.
        notify(&mut world, &body(&[]));
        assert!(features(&world).certain && features(&world).problem.is_none());
    }
}

#[test]
fn a_question_that_comes_to_nothing_is_asked_again() {
    let mut world = World::registered_with(asking());
    let invite = code(&mut world, "sidetone*features");
    world.reply(&invite, 503);
    world.request(Method::Ack);
    world.advance(SECOND * 2);
    let invite = code(&mut world, "sidetone*features");
    done(&mut world, &invite);
    // A yes without a word.
    world.advance_alive(SECOND * 3);
    world.silent();
    world.advance_alive(SECOND * 4);
    code(&mut world, "sidetone*features");
}

#[test]
fn the_word_of_the_server_narrows_who_is_answered_and_never_widens_it() {
    let world = told(&[]);
    assert!(world.phone.snapshot().auto_answer);
    let mut world = told(&[(Feature::AutoAnswer, FORBIDDEN)]);
    assert!(!world.phone.snapshot().auto_answer);
    let on = Command::SetAutoAnswer { on: true };
    assert_eq!(world.command(on.clone()), Err(CommandError::NotAllowed));
    // What was said last holds: a microphone is not opened in the doubt.
    world.lose_flow(FlowErrorKind::Lost);
    assert!(!world.phone.snapshot().auto_answer);
    let mut by_hand =
        World::registered_with(Config { answer_mode: AnswerMode::Manual, ..asking() });
    let invite = code(&mut by_hand, "sidetone*features");
    done(&mut by_hand, &invite);
    notify(&mut by_hand, &body(&[]));
    assert!(!by_hand.phone.snapshot().auto_answer);
    assert_eq!(by_hand.command(on), Err(CommandError::NotAllowed));
}

#[test]
fn whether_a_caller_comes_back_is_the_servers_word_before_the_configurations() {
    for (exception, said, expected) in [
        (None, TransfersReturn::No, TransfersReturn::Yes),
        (Some(MISSING), TransfersReturn::Yes, TransfersReturn::No),
    ] {
        let mut world = World::registered_with(Config { transfers_return: said, ..asking() });
        assert_eq!(world.phone.snapshot().transfers_return, said);
        let invite = code(&mut world, "sidetone*features");
        done(&mut world, &invite);
        let exception = exception.map(|rest| (Feature::TransfersReturn, rest));
        notify(&mut world, &body(&Vec::from_iter(exception)));
        assert_eq!(world.phone.snapshot().transfers_return, expected);
    }
}
