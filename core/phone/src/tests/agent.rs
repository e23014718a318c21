//! The agent at his queues: asked of the server, told by it, and never shown as more than that.

use super::*;

const QUEUES: &str =
    r#"{"name":"support","in":IN,"paused":PAUSED},{"name":"sales","in":false,"paused":false}"#;

fn agents() -> Config {
    Config { queues: true, ..config() }
}

/// What the server tells: logged in to support or to none, paused or not.
fn body(number: u64, is_in: bool, more: &str) -> String {
    let paused = more.contains("since");
    let queues = QUEUES.replace("IN", &is_in.to_string()).replace("PAUSED", &paused.to_string());
    format!(
        r#"{{"v":1,"number":{number},"at":5000,"queues":[{queues}],"reasons":["break","lunch"]{more}}}"#
    )
}

fn notify(world: &mut World, text: &str) {
    let mut notify = world.outside(Method::Notify);
    notify.headers.push(HeaderName::EVENT, "sidetone-agent");
    notify.headers.push(HeaderName::SUBSCRIPTION_STATE, "terminated");
    notify.set_body("application/json", text.as_bytes().to_vec());
    world.receive(notify);
    world.response(200);
}

/// The INVITE of the code that is under way.
pub(super) fn code(world: &mut World, expected: &str) -> Request {
    let invite = world.request(Method::Invite);
    assert_eq!(invite.uri.user.as_deref(), Some(expected));
    invite
}

pub(super) fn done(world: &mut World, invite: &Request) {
    world.reply_sdp(invite, 200, "pbx", &self::sdp("inactive"));
    world.request(Method::Ack);
    let bye = world.back(invite, "pbx", Method::Bye);
    world.receive(bye);
    world.response(200);
}

fn agent(world: &World) -> AgentSnapshot {
    world.phone.snapshot().agent.unwrap()
}

#[track_caller]
fn is(world: &World, state: AgentState, certain: bool) {
    let agent = agent(world);
    assert_eq!((agent.state, agent.certain), (state, certain));
}

/// Signed in, in these queues, and nothing is asked.
fn knowing(is_in: bool) -> World {
    let mut world = World::registered_with(agents());
    is(&world, AgentState::Unknown, false);
    let invite = code(&mut world, "sidetone*state");
    done(&mut world, &invite);
    notify(&mut world, &body(1, is_in, ""));
    world.events.clear();
    world.silent();
    world
}

fn ask(request: AgentRequest) -> Command {
    Command::Agent { request }
}

fn pause(reason: &str) -> AgentRequest {
    AgentRequest::Pause { reason: reason.to_owned() }
}

fn failed(world: &mut World, request: &AgentRequest, reason: AgentFailure) {
    let expected = Event::AgentFailed { request: request.clone(), reason };
    assert!(world.events.contains(&expected), "{reason:?} is not in {:?}", world.events);
}

#[test]
fn a_phone_that_is_no_agents_asks_nothing() {
    let mut world = World::registered();
    world.silent();
    assert_eq!(world.phone.snapshot().agent, None);
    assert_eq!(world.command(ask(AgentRequest::Unpause)), Err(CommandError::NoQueues));
    let mut notify = world.outside(Method::Notify);
    notify.headers.push(HeaderName::EVENT, "sidetone-agent");
    world.receive(notify);
    world.response(481);
}

#[test]
fn each_connection_asks_once_and_the_news_may_come_before_the_answer() {
    let mut world = World::registered_with(agents());
    let invite = code(&mut world, "sidetone*state");
    notify(&mut world, &body(3, true, ""));
    is(&world, AgentState::Ready, true);
    done(&mut world, &invite);
    world.advance_alive(SECOND * 60);
    world.silent();
    assert!(!world.events.iter().any(|event| matches!(event, Event::ControlDone { .. })));
    world.lose_flow(FlowErrorKind::Lost);
    is(&world, AgentState::Ready, false);
    world.advance(SECOND * 2);
    world.open_flow();
    world.grant();
    let again = code(&mut world, "sidetone*state");
    done(&mut world, &again);
    // The server has lost its memory: what is said on this connection counts.
    notify(&mut world, &body(1, false, ""));
    is(&world, AgentState::LoggedOut, true);
}

#[test]
fn a_request_is_shown_as_such_until_the_news_of_it() {
    for news_first in [false, true] {
        let mut world = knowing(true);
        world.command(ask(pause("lunch"))).unwrap();
        let invite = code(&mut world, "sidetone*pause*lunch");
        assert_eq!(agent(&world).requested, Some(pause("lunch")));
        assert_eq!(world.command(ask(pause("break"))), Err(CommandError::AgentRequestUnderWay));
        let news = body(2, true, r#","reason":"lunch","since":4990"#);
        if news_first {
            notify(&mut world, &news);
            assert!(agent(&world).requested.is_some(), "somebody else's, for all that is known");
            done(&mut world, &invite);
        } else {
            done(&mut world, &invite);
            is(&world, AgentState::Ready, true);
            assert!(agent(&world).requested.is_some(), "nobody has said that it is so");
            notify(&mut world, &news);
        }
        is(&world, AgentState::NotReady, true);
        let seen = agent(&world);
        assert_eq!(seen.requested, None);
        let since = UnixTime(world.now().wall.0.saturating_sub(SECOND * 10));
        let expected = Pause { reason: Some("lunch".to_owned()), since: Some(since), until: None };
        assert_eq!(seen.pause, Some(expected));
        world.silent();
    }
}

#[test]
fn what_another_has_changed_arrives_and_what_is_older_does_not() {
    let mut world = knowing(true);
    notify(&mut world, &body(9, true, r#","since":4990,"until":5020,"reason":"wrapup""#));
    is(&world, AgentState::WrapUp, true);
    notify(&mut world, &body(8, true, ""));
    is(&world, AgentState::WrapUp, true);
    notify(&mut world, &body(10, false, ""));
    is(&world, AgentState::LoggedOut, true);
    let states = world.events.iter().map(|event| {
        let Event::AgentChanged { agent } = event else { panic!("{event:?}") };
        agent.state
    });
    assert_eq!(states.collect::<Vec<_>>(), [AgentState::WrapUp, AgentState::LoggedOut]);
}

#[test]
fn codes_say_what_is_wanted() {
    let some = |text: &str| Some(text.to_owned());
    for (request, expected) in [
        (AgentRequest::LogIn { queue: None, reason: None }, "sidetone*login"),
        (AgentRequest::LogIn { queue: some("sales"), reason: None }, "sidetone*login*sales"),
        (AgentRequest::LogIn { queue: None, reason: some("lunch") }, "sidetone*login**lunch"),
        (AgentRequest::LogOut { queue: None }, "sidetone*logout"),
        (AgentRequest::LogOut { queue: some("support") }, "sidetone*logout*support"),
        (AgentRequest::Unpause, "sidetone*ready"),
    ] {
        let mut world = knowing(true);
        world.command(ask(request)).unwrap();
        code(&mut world, expected);
    }
}

#[test]
fn what_the_server_would_refuse_is_refused_at_once() {
    let some = |text: &str| Some(text.to_owned());
    let mut world = knowing(false);
    for (request, expected) in [
        (AgentRequest::LogIn { queue: some("nosuch"), reason: None }, CommandError::UnknownQueue),
        (AgentRequest::LogIn { queue: None, reason: some("tea") }, CommandError::UnknownReason),
        (AgentRequest::LogOut { queue: some("nosuch") }, CommandError::UnknownQueue),
        (pause("tea"), CommandError::UnknownReason),
        (pause("lunch"), CommandError::LoggedOut),
        (AgentRequest::Unpause, CommandError::LoggedOut),
    ] {
        assert_eq!(world.command(ask(request)), Err(expected));
    }
    world.silent();
}

#[test]
fn a_refusal_of_the_server_is_told_by_its_kind_and_nothing_has_changed() {
    for (status, request, reason) in [
        (404, pause("lunch"), AgentFailure::UnknownReason),
        (480, pause("lunch"), AgentFailure::LoggedOut),
        (403, AgentRequest::Unpause, AgentFailure::Forbidden),
        (404, AgentRequest::LogOut { queue: None }, AgentFailure::UnknownQueue),
        (501, AgentRequest::Unpause, AgentFailure::Refused(ControlFailure::NotImplemented)),
    ] {
        let mut world = knowing(true);
        world.command(ask(request.clone())).unwrap();
        let invite = world.request(Method::Invite);
        world.reply(&invite, status);
        world.request(Method::Ack);
        failed(&mut world, &request, reason);
        is(&world, AgentState::Ready, true);
        assert_eq!(agent(&world).requested, None);
        world.silent();
    }
}

#[test]
fn a_request_without_an_answer_is_told_and_its_outcome_asked_for() {
    let mut world = knowing(true);
    world.command(ask(pause("lunch"))).unwrap();
    let invite = code(&mut world, "sidetone*pause*lunch");
    world.reply(&invite, 100);
    world.advance_alive(SECOND * 11);
    failed(&mut world, &pause("lunch"), AgentFailure::Unconfirmed);
    assert_eq!(agent(&world).state, AgentState::Ready);
    assert!(!agent(&world).certain);
    world.request(Method::Cancel);
    let state = code(&mut world, "sidetone*state");
    done(&mut world, &state);
    notify(&mut world, &body(2, true, r#","reason":"lunch","since":4990"#));
    is(&world, AgentState::NotReady, true);
}

#[test]
fn news_that_does_not_come_is_asked_for() {
    let mut world = knowing(true);
    world.command(ask(AgentRequest::Unpause)).unwrap();
    let invite = code(&mut world, "sidetone*ready");
    done(&mut world, &invite);
    world.advance_alive(SECOND * 3);
    is(&world, AgentState::Ready, false);
    let state = code(&mut world, "sidetone*state");
    done(&mut world, &state);
    // Nor does that: then ever more seldom.
    let mut asked = 0;
    for _ in 0..600 {
        world.advance_alive(SECOND);
        if !world.sent.is_empty() {
            let invite = code(&mut world, "sidetone*state");
            done(&mut world, &invite);
            asked += 1;
        }
    }
    assert!((8..=14).contains(&asked), "{asked} questions in ten minutes");
    is(&world, AgentState::Ready, false);
}

#[test]
fn a_server_without_the_pack_is_asked_once_a_connection() {
    let mut world = World::registered_with(agents());
    let invite = code(&mut world, "sidetone*state");
    world.reply(&invite, 404);
    world.request(Method::Ack);
    is(&world, AgentState::Unavailable, false);
    assert_eq!(world.command(ask(AgentRequest::Unpause)), Err(CommandError::NoQueues));
    world.advance_alive(SECOND * 600);
    world.silent();
}

#[test]
fn a_call_is_shown_and_the_pause_that_waits_for_its_end() {
    let (id, mut world) = (call_id(7), knowing(true));
    let invite = world.invite(id);
    world.receive(invite.clone());
    let (generation, _) = world.asked_description(id);
    let result = Ok(self::sdp("sendrecv"));
    world.handle(Input::Described { call: id, generation, result });
    world.response(180);
    is(&world, AgentState::Ringing, true);
    notify(&mut world, &body(2, true, r#","reason":"lunch","since":4990"#));
    is(&world, AgentState::Ringing, true);
    assert!(agent(&world).pause.is_some());
    world.command(Command::Answer { call: id }).unwrap();
    is(&world, AgentState::OnCall, true);
    world.command(Command::HangUp { call: id }).unwrap();
    assert_ne!(agent(&world).state, AgentState::Ready);
}

#[test]
fn who_signs_out_is_nobody() {
    let mut world = knowing(true);
    world.command(Command::Unregister).unwrap();
    is(&world, AgentState::Unknown, false);
}

#[test]
fn no_call_is_answered_by_itself_for_an_agent_who_is_paused_or_in_no_queue() {
    let lunch = r#","reason":"lunch","since":4990"#;
    for (is_in, more, expected) in [(true, "", true), (true, lunch, false), (false, "", false)] {
        let config = Config { answer_mode: AnswerMode::Asked, ..agents() };
        let mut world = World::registered_with(config);
        let state = code(&mut world, "sidetone*state");
        done(&mut world, &state);
        notify(&mut world, &body(1, is_in, more));
        let mut invite = world.invite(call_id(1));
        let after = "<sip:pbx.example>;answer-after=1";
        invite.headers.push(HeaderName::CALL_INFO, after);
        world.receive(invite);
        world.described(call_id(1));
        assert_eq!(world.phone.snapshot().calls[0].automatic, expected, "{is_in} {more}");
    }
}

#[test]
fn a_server_that_says_it_has_no_queues_is_believed_though_it_has_told_some() {
    let mut world = World::registered_with(agents());
    let invite = code(&mut world, "sidetone*state");
    notify(&mut world, &body(3, true, ""));
    world.reply(&invite, 404);
    is(&world, AgentState::Unavailable, false);
}

#[test]
fn older_news_is_not_taken_on_one_connection_unless_the_server_counts_anew() {
    let mut world = knowing(true);
    notify(&mut world, &body(7, true, ""));
    world.command(ask(pause("lunch"))).unwrap();
    let invite = code(&mut world, "sidetone*pause*lunch");
    world.reply(&invite, 100);
    world.advance_alive(SECOND * 11);
    world.request(Method::Cancel);
    let state = code(&mut world, "sidetone*state");
    // What comes late while nothing is certain is no news.
    notify(&mut world, &body(6, false, ""));
    is(&world, AgentState::Ready, false);
    done(&mut world, &state);
    world.advance_alive(SECOND * 3);
    // It has said yes and told nothing newer: it has lost its memory.
    notify(&mut world, &body(1, false, ""));
    is(&world, AgentState::LoggedOut, true);
}

#[test]
fn what_is_done_when_the_connection_goes_is_not_waited_for_on_the_next() {
    let mut world = knowing(true);
    world.command(ask(pause("lunch"))).unwrap();
    let invite = code(&mut world, "sidetone*pause*lunch");
    done(&mut world, &invite);
    world.lose_flow(FlowErrorKind::Lost);
    assert_eq!(agent(&world).requested, None);
    is(&world, AgentState::Ready, false);
    world.advance(SECOND * 2);
    world.open_flow();
    world.grant();
    let state = code(&mut world, "sidetone*state");
    notify(&mut world, &body(1, true, r#","reason":"lunch","since":4990"#));
    done(&mut world, &state);
    is(&world, AgentState::NotReady, true);
    world.advance_alive(SECOND * 60);
    is(&world, AgentState::NotReady, true);
    world.silent();
}

#[test]
fn a_question_is_not_lost_for_a_request_that_comes_meanwhile() {
    let mut world = World::registered_with(agents());
    let state = code(&mut world, "sidetone*state");
    world.command(ask(pause("lunch"))).unwrap();
    let invite = code(&mut world, "sidetone*pause*lunch");
    world.reply(&invite, 480);
    world.request(Method::Ack);
    world.silent();
    notify(&mut world, &body(1, false, ""));
    done(&mut world, &state);
    is(&world, AgentState::LoggedOut, true);
    world.silent();
}

/// An agent who is told this beforehand talks in a call, which has come through a queue or not, and its caller hangs up.
fn after_a_call(more: &str, of_queue: bool) -> World {
    let (id, mut world) = (call_id(7), World::registered_with(agents()));
    let state = code(&mut world, "sidetone*state");
    done(&mut world, &state);
    notify(&mut world, &body(1, true, more));
    let mut invite = world.invite(id);
    if of_queue {
        invite.headers.push(HeaderName::X_QUEUE, "support");
    }
    world.receive(invite.clone());
    world.described(id);
    world.sent.clear();
    let to = world.answered(id, &invite);
    world.handle(Input::MediaConnected { call: id });
    is(&world, AgentState::OnCall, true);
    world.events.clear();
    let bye = world.inside(&invite, &to, Method::Bye);
    world.receive(bye);
    world.response(200);
    world
}

#[test]
fn who_has_talked_to_a_caller_of_a_queue_is_never_shown_ready_before_his_wrap_up() {
    let mut world = after_a_call(r#","wrapup":15"#, true);
    is(&world, AgentState::WrapUp, false);
    let pause = agent(&world).pause.unwrap();
    assert_eq!(pause.reason.as_deref(), Some("wrapup"));
    assert_eq!(pause.until.unwrap().0, pause.since.unwrap().0 + SECOND * 15);
    notify(
        &mut world,
        &body(2, true, r#","wrapup":15,"reason":"wrapup","since":5000,"until":5015"#),
    );
    is(&world, AgentState::WrapUp, true);
    let mut shown = Vec::new();
    for event in &world.events {
        if let Event::AgentChanged { agent } = event {
            shown.push((agent.state, agent.certain));
        }
    }
    assert_eq!(shown, [(AgentState::WrapUp, false), (AgentState::WrapUp, true)]);
    world.advance_alive(SECOND * 3);
    is(&world, AgentState::WrapUp, true);
    notify(&mut world, &body(3, true, r#","wrapup":15"#));
    is(&world, AgentState::Ready, true);
    world.silent();
}

#[test]
fn a_wrap_up_that_the_server_does_not_tell_is_asked_for() {
    let mut world = after_a_call(r#","wrapup":15"#, true);
    world.advance(SECOND);
    is(&world, AgentState::WrapUp, false);
    world.silent();
    world.advance(SECOND);
    is(&world, AgentState::Ready, false);
    let state = code(&mut world, "sidetone*state");
    done(&mut world, &state);
    notify(&mut world, &body(2, true, r#","wrapup":15"#));
    is(&world, AgentState::Ready, true);
}

#[test]
fn no_wrap_up_is_shown_that_no_server_makes() {
    for (more, of_queue, state) in [
        ("", true, AgentState::Ready),
        (r#","wrapup":0"#, true, AgentState::Ready),
        (r#","wrapup":15"#, false, AgentState::Ready),
        (r#","wrapup":15,"reason":"lunch","since":4990"#, true, AgentState::NotReady),
    ] {
        is(&after_a_call(more, of_queue), state, true);
    }
}

#[test]
fn who_is_about_to_be_in_wrap_up_is_away_for_calls_that_answer_themselves() {
    let mut world = after_a_call(r#","wrapup":15"#, true);
    assert!(world.phone.is_agent_away());
    notify(&mut world, &body(2, true, r#","wrapup":15"#));
    assert!(!world.phone.is_agent_away());
}
