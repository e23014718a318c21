//! A supervision: the microphone is closed unless the server has confirmed that the supervisor is heard by those whom he wants.

use super::*;
use SupervisionMode::{Barge, Listen, Whisper};

fn id() -> CallId {
    call_id(1)
}

fn supervise(mode: SupervisionMode) -> Command {
    Command::Supervise { call: id(), target: "agent2".to_owned(), mode, follow: false }
}

fn switch(mode: SupervisionMode) -> Command {
    Command::SetSupervisionMode { call: id(), mode }
}

/// A supervision that begins so, is answered and has media; its INVITE.
fn supervising(mode: SupervisionMode) -> (World, Request) {
    let mut world = World::registered();
    world.command(supervise(mode)).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    let code = format!("sidetone*supervise*agent2*{mode}");
    assert_eq!(invite.uri.user.as_deref(), Some(&code[..]));
    world.reply_sdp(&invite, 200, "pbx", &sdp("sendrecv"));
    world.request(Method::Ack);
    world.handle(Input::MediaConnected { call: id() });
    (world, invite)
}

/// The server tells this inside the call.
fn told(world: &mut World, invite: &Request, body: &str) {
    told_by(world, invite, "pbx", body);
}

fn told_by(world: &mut World, invite: &Request, tag: &str, body: &str) {
    let mut notify = world.back(invite, tag, Method::Notify);
    notify.headers.push(HeaderName::EVENT, "sidetone-supervise");
    notify.headers.push(HeaderName::SUBSCRIPTION_STATE, "terminated");
    notify.set_body("application/json", body.as_bytes().to_vec());
    world.receive(notify);
    world.response(200);
}

fn confirmed(world: &mut World, invite: &Request, mode: SupervisionMode) {
    told(world, invite, &format!(r#"{{"v":1,"agent":"agent2","mode":"{mode}"}}"#));
}

/// The digit that asks for a mode, and its INFO.
#[track_caller]
fn asks(world: &mut World, digit: char) -> Request {
    let info = world.request(Method::Info);
    let body = String::from_utf8(info.body.clone()).unwrap();
    assert_eq!(body, format!("Signal={digit}\r\nDuration=160\r\n"));
    info
}

/// Whether the microphone is open, by what the driver was asked last.
fn speaks(world: &mut World) -> bool {
    let last = world.outputs.iter().rev().find_map(|output| {
        let Output::SetUplink { open, muted, .. } = output else { return None };
        Some(*open && !*muted)
    });
    let speaks = last.expect("the uplink was set");
    let call = &world.phone.snapshot().calls[0];
    let shown = call.supervision.as_ref().is_some_and(|supervision| supervision.speaks);
    assert!(shown || !speaks, "open, and not shown");
    speaks
}

/// The connection is lost, long after the answer.
fn goes_down(world: &mut World) {
    world.advance_alive(SECOND * 60);
    world.lose_flow(FlowErrorKind::Lost);
}

/// It is there again, and the server learns it.
#[track_caller]
fn comes_back(world: &mut World) {
    world.advance(SECOND * 2);
    world.open_flow();
    world.grant();
    world.described(id());
    let invite = world.request(Method::Invite);
    world.reply_sdp(&invite, 200, "pbx", &sdp("sendrecv"));
    world.request(Method::Ack);
}

/// He asks for a mode, and the server takes the digit.
#[track_caller]
fn asks_for(world: &mut World, mode: SupervisionMode, digit: char) {
    world.command(switch(mode)).unwrap();
    let info = asks(world, digit);
    world.reply(&info, 200);
}

/// Nothing comes of it in time.
#[track_caller]
fn gives_up(world: &mut World, mode: SupervisionMode, digit: char) {
    asks_for(world, mode, digit);
    world.advance_alive(SECOND * 11);
    assert_eq!((seen(world).mode, seen(world).requested), (None, None));
}

fn seen(world: &World) -> Supervision {
    world.phone.snapshot().calls[0].supervision.clone().unwrap()
}

#[test]
fn nothing_of_the_microphone_leaves_before_the_server_has_confirmed_a_mode_that_is_heard() {
    for mode in [Listen, Whisper, Barge] {
        let (mut world, invite) = supervising(mode);
        assert!(!speaks(&mut world), "{mode} is not confirmed");
        assert_eq!((seen(&world).mode, seen(&world).requested), (None, Some(mode)));
        confirmed(&mut world, &invite, mode);
        assert_eq!(speaks(&mut world), mode > Listen, "{mode}");
        let told = Event::SupervisionChanged { call: id(), supervision: seen(&world) };
        assert!(world.events.contains(&told), "{mode}");
        assert_eq!((seen(&world).mode, seen(&world).requested), (Some(mode), None));
        // A server that says more than was asked for opens nothing.
        confirmed(&mut world, &invite, Barge);
        assert_eq!(speaks(&mut world), mode == Barge, "{mode}, and then barge");
    }
}

#[test]
fn the_mute_of_the_user_opens_nothing_and_closes_what_is_open() {
    let (mut world, invite) = supervising(Listen);
    confirmed(&mut world, &invite, Listen);
    for on in [true, false] {
        world.command(Command::Mute { call: id(), on }).unwrap();
        assert!(!speaks(&mut world));
    }
    asks_for(&mut world, Whisper, '5');
    assert!(!speaks(&mut world), "taken is not confirmed");
    confirmed(&mut world, &invite, Whisper);
    assert!(speaks(&mut world));
    world.command(Command::Mute { call: id(), on: true }).unwrap();
    assert!(!speaks(&mut world));
}

#[test]
fn who_was_made_to_listen_by_the_server_is_heard_again_only_when_he_asks() {
    let (mut world, invite) = supervising(Whisper);
    confirmed(&mut world, &invite, Whisper);
    assert!(speaks(&mut world));
    for mode in [Listen, Whisper, Barge] {
        confirmed(&mut world, &invite, mode);
        assert!(!speaks(&mut world), "{mode}, which he has not asked for");
    }
    world.command(switch(Whisper)).unwrap();
    asks(&mut world, '5');
    confirmed(&mut world, &invite, Whisper);
    assert!(speaks(&mut world));
}

#[test]
fn a_mode_that_went_down_with_its_connection_is_asked_for_on_the_next() {
    let (mut world, invite) = supervising(Listen);
    confirmed(&mut world, &invite, Listen);
    world.advance_alive(SECOND * 60);
    world.command(switch(Whisper)).unwrap();
    asks(&mut world, '5');
    world.lose_flow(FlowErrorKind::Lost);
    comes_back(&mut world);
    let again = asks(&mut world, '5');
    world.reply(&again, 200);
    confirmed(&mut world, &invite, Whisper);
    assert!(speaks(&mut world));
}

#[test]
fn news_of_an_earlier_mode_takes_nothing_back_of_what_is_asked_for() {
    let (mut world, invite) = supervising(Listen);
    confirmed(&mut world, &invite, Listen);
    world.command(switch(Barge)).unwrap();
    let info = asks(&mut world, '6');
    confirmed(&mut world, &invite, Listen);
    assert_eq!((seen(&world).mode, seen(&world).requested), (Some(Listen), Some(Barge)));
    // The digit was challenged, and counts when it has come again.
    world.challenge_to(&info, "n2", false);
    let again = asks(&mut world, '6');
    world.reply(&again, 200);
    confirmed(&mut world, &invite, Barge);
    assert!(speaks(&mut world));
    world.command(switch(Whisper)).unwrap();
    let info = asks(&mut world, '5');
    world.challenge_to(&info, "n3", false);
    let again = asks(&mut world, '5');
    world.reply(&again, 500);
    let reason = SupervisionFailure::Refused(500);
    assert!(world.events.contains(&Event::SupervisionFailed { call: id(), mode: Whisper, reason }));
}

#[test]
fn who_is_to_be_heard_less_is_silent_before_the_server_is_asked() {
    for (from, to, digit) in [(Whisper, Listen, '4'), (Barge, Listen, '4'), (Barge, Whisper, '5')] {
        let (mut world, invite) = supervising(from);
        confirmed(&mut world, &invite, from);
        // Nothing of the answer may have gone down any more.
        world.advance_alive(SECOND * 60);
        world.command(Command::Mute { call: id(), on: true }).unwrap();
        world.command(Command::Mute { call: id(), on: false }).unwrap();
        assert!(speaks(&mut world));
        world.outputs.clear();
        // Also where there is no connection that could carry it.
        world.lose_flow(FlowErrorKind::Lost);
        world.command(switch(to)).unwrap();
        assert!(!speaks(&mut world), "{from} to {to}");
        world.silent();
        comes_back(&mut world);
        let info = asks(&mut world, digit);
        world.reply(&info, 200);
        assert_eq!((seen(&world).mode, seen(&world).requested), (None, Some(to)));
        confirmed(&mut world, &invite, to);
        assert_eq!(speaks(&mut world), to == Whisper);
    }
}

#[test]
fn a_mode_is_asked_for_when_the_one_before_is_confirmed_and_none_is_passed_through_with_an_open_microphone()
 {
    let (mut world, invite) = supervising(Whisper);
    confirmed(&mut world, &invite, Whisper);
    world.command(switch(Barge)).unwrap();
    assert!(speaks(&mut world), "the agent hears him still");
    let info = asks(&mut world, '6');
    // He thinks better of it: the server may be in barge already.
    world.command(switch(Whisper)).unwrap();
    assert!(!speaks(&mut world));
    world.reply(&info, 200);
    world.silent();
    confirmed(&mut world, &invite, Barge);
    assert!(!speaks(&mut world));
    let info = asks(&mut world, '5');
    world.advance_alive(SECOND * 5);
    world.reply(&info, 200);
    confirmed(&mut world, &invite, Whisper);
    assert!(speaks(&mut world));
    assert_eq!((seen(&world).mode, seen(&world).requested), (Some(Whisper), None));
    world.silent();
}

#[test]
fn a_mode_that_is_refused_or_never_confirmed_is_told_and_closes_what_nobody_knows() {
    let (mut world, invite) = supervising(Whisper);
    confirmed(&mut world, &invite, Whisper);
    asks_for(&mut world, Barge, '6');
    told(&mut world, &invite, r#"{"v":1,"mode":"whisper","refused":"barge"}"#);
    let failed = |reason| Event::SupervisionFailed { call: id(), mode: Barge, reason };
    assert!(world.events.contains(&failed(SupervisionFailure::Forbidden)), "{:?}", world.events);
    assert!(speaks(&mut world), "he whispers as before");
    for (answer, reason) in [
        (Some(500), SupervisionFailure::Refused(500)),
        (Some(200), SupervisionFailure::Unconfirmed),
    ] {
        confirmed(&mut world, &invite, Whisper);
        world.command(switch(Barge)).unwrap();
        let info = asks(&mut world, '6');
        answer.into_iter().for_each(|code| world.reply(&info, code));
        world.advance_alive(SECOND * 11);
        assert!(world.events.contains(&failed(reason)), "{reason:?} is not in {:?}", world.events);
        assert!(!speaks(&mut world), "{reason:?}");
        // He may ask again.
        world.command(switch(Whisper)).unwrap();
        let info = asks(&mut world, '5');
        world.reply(&info, 200);
        confirmed(&mut world, &invite, Whisper);
        assert!(speaks(&mut world));
    }
}

#[test]
fn an_answer_without_a_word_of_the_mode_is_told_and_stays_silent() {
    let (mut world, _) = supervising(Barge);
    world.advance_alive(SECOND * 11);
    let reason = SupervisionFailure::Unconfirmed;
    let failed = Event::SupervisionFailed { call: id(), mode: Barge, reason };
    assert!(world.events.contains(&failed), "{:?}", world.events);
    assert!(!speaks(&mut world));
}

#[test]
fn who_follows_the_agent_only_listens_to_his_next_call() {
    let (mut world, invite) = supervising(Barge);
    confirmed(&mut world, &invite, Barge);
    told(&mut world, &invite, r#"{"v":1,"agent":"agent2","waiting":true}"#);
    assert!(!speaks(&mut world));
    assert!(seen(&world).waiting);
    assert_eq!(world.command(switch(Barge)), Err(CommandError::WrongState));
    confirmed(&mut world, &invite, Listen);
    assert!(!speaks(&mut world));
    assert_eq!((seen(&world).mode, seen(&world).requested), (Some(Listen), None));
    world.silent();
}

#[test]
fn who_holds_it_only_listens_when_he_is_back() {
    let (mut world, invite) = supervising(Barge);
    confirmed(&mut world, &invite, Barge);
    world.command(Command::Hold { call: id(), on: true }).unwrap();
    assert!(!speaks(&mut world));
    let info = asks(&mut world, '4');
    world.reply(&info, 200);
    confirmed(&mut world, &invite, Listen);
    assert_eq!(world.command(switch(Whisper)), Err(CommandError::WrongState), "he holds it");
    world.command(Command::Hold { call: id(), on: false }).unwrap();
    assert!(!speaks(&mut world));
    assert_eq!(seen(&world).mode, Some(Listen));
}

#[test]
fn who_only_listens_and_holds_it_asks_for_nothing() {
    let (mut world, invite) = supervising(Listen);
    confirmed(&mut world, &invite, Listen);
    world.command(Command::Hold { call: id(), on: true }).unwrap();
    world.described(id());
    world.request(Method::Invite);
    world.silent();
}

#[test]
fn a_call_that_talks_takes_the_focus_and_leaves_a_supervision_that_listens() {
    let (mut world, invite) = supervising(Whisper);
    confirmed(&mut world, &invite, Whisper);
    world.outputs.clear();
    let other = call_id(2);
    world.command(Command::Dial { call: other, to: "200".to_owned() }).unwrap();
    assert!(!speaks(&mut world));
    asks(&mut world, '4');
}

#[test]
fn a_supervision_is_not_sent_on_joined_or_sent_digits_and_nobody_takes_its_place() {
    let (mut world, invite) = supervising(Whisper);
    confirmed(&mut world, &invite, Whisper);
    let refused = Err(CommandError::Supervising);
    let to = "200".to_owned();
    assert_eq!(world.command(Command::Transfer { call: id(), to }), refused);
    let digits = Digits::new("6").unwrap();
    assert_eq!(world.command(Command::SendDtmf { call: id(), digits }), refused);
    let other = call_id(2);
    let incoming = world.invite(other);
    world.receive(incoming.clone());
    world.described(other);
    world.response(180);
    world.answered(other, &incoming);
    assert_eq!(world.command(Command::Merge { calls: vec![other, id()] }), refused);
    assert_eq!(world.command(Command::TransferTo { call: other, with: id() }), refused);
    assert_eq!(world.command(Command::TransferTo { call: id(), with: other }), refused);
    world.sent.clear();
    let from = invite.headers.from().unwrap().tag().unwrap().to_owned();
    let call = invite.headers.call_id().unwrap().to_owned();
    let mut taking = world.invite(call_id(3));
    let replaces = format!("{call};to-tag={from};from-tag=pbx");
    taking.headers.push(HeaderName::REPLACES, replaces);
    world.receive(taking);
    world.response(603);
}

#[test]
fn its_end_and_its_refusals_say_what_they_are_and_the_history_does_not_keep_it() {
    let (mut world, invite) = supervising(Listen);
    confirmed(&mut world, &invite, Listen);
    told(&mut world, &invite, r#"{"v":1,"agent":"agent2","over":true}"#);
    let bye = world.back(&invite, "pbx", Method::Bye);
    world.receive(bye);
    world.response(200);
    world.ended(id(), EndReason::Supervision(SupervisionEnd::CallOver));
    let kept = |output: &Output| matches!(output, Output::Record(_));
    assert_eq!(world.take(kept), None);
    for (status, end) in [
        (403, SupervisionEnd::Forbidden),
        (404, SupervisionEnd::UnknownAgent),
        (480, SupervisionEnd::NotInCall),
    ] {
        let mut world = World::registered();
        world.command(supervise(Listen)).unwrap();
        world.described(id());
        let invite = world.request(Method::Invite);
        world.reply(&invite, status);
        world.ended(id(), EndReason::Supervision(end));
        assert_eq!(world.take(kept), None);
    }
}

#[test]
fn a_supervision_is_asked_for_by_a_name_that_an_agent_can_have() {
    let mut world = World::registered();
    let long = "a".repeat(41);
    for target in ["", "agent 2", "agent2*barge", "sip:agent2@elsewhere.example", &long] {
        let (call, mode) = (id(), Listen);
        let command = Command::Supervise { call, target: target.to_owned(), mode, follow: true };
        assert_eq!(world.command(command), Err(CommandError::InvalidAgent), "{target}");
    }
    let target = "a".repeat(40);
    let command = Command::Supervise { call: id(), target, mode: Whisper, follow: true };
    world.command(command).unwrap();
    world.described(id());
    let user = world.request(Method::Invite).uri.user.unwrap();
    assert!(user.ends_with("*whisper*follow") && user.len() <= 79, "{user}");
    let shown = &world.phone.snapshot().calls[0].remote.uri;
    assert_eq!(*shown, format!("sip:{}@pbx.example", "a".repeat(40)));
    assert_eq!(world.command(switch(Listen)), Err(CommandError::WrongState), "not answered");
}

#[test]
fn a_call_that_supervises_nobody_has_no_mode_and_no_word_of_it_counts() {
    let (mut world, invite) = World::talking_out(id());
    assert_eq!(world.command(switch(Barge)), Err(CommandError::WrongState));
    told_by(&mut world, &invite, "bob", r#"{"v":1,"mode":"barge"}"#);
    assert_eq!(world.phone.snapshot().calls[0].supervision, None);
    assert!(world.events.is_empty(), "{:?}", world.events);
}

#[test]
fn what_is_no_word_of_the_mode_lets_nobody_be_heard() {
    let (mut world, invite) = supervising(Whisper);
    for body in crate::news::tests::broken().iter().filter(|body| !body.is_empty()) {
        told(&mut world, &invite, &String::from_utf8_lossy(body));
        assert!(!speaks(&mut world));
    }
    let long = format!(r#"{{"v":1,"mode":"whisper","x":"{}"}}"#, "x".repeat(5000));
    for body in ["", "x", "[]", r#"{"v":2,"mode":"whisper"}"#, r#"{"v":1,"mode":"shout"}"#, &long] {
        told(&mut world, &invite, body);
        assert!(!speaks(&mut world), "{body}");
        assert_eq!(seen(&world).mode, None, "{body}");
    }
}

#[test]
fn a_word_of_another_version_closes_the_microphone_and_says_which_side_is_older() {
    let (mut world, invite) = supervising(Whisper);
    told(&mut world, &invite, r#"{"v":2,"mode":"whisper"}"#);
    let failed = |mode, reason| Event::SupervisionFailed { call: id(), mode, reason };
    assert!(
        world.events.contains(&failed(Whisper, SupervisionFailure::Unread(PackProblem::TooNew)))
    );
    assert_eq!((seen(&world).mode, seen(&world).requested), (None, None));
    assert!(!speaks(&mut world));
    // Nor is it believed of who is heard already.
    confirmed(&mut world, &invite, Listen);
    asks_for(&mut world, Whisper, '5');
    confirmed(&mut world, &invite, Whisper);
    assert!(speaks(&mut world));
    let unread = |world: &World| world.phone.snapshot().unread_packs;
    assert_eq!(unread(&world), []);
    told(&mut world, &invite, r#"{"mode":"whisper"}"#);
    assert!(!speaks(&mut world));
    let (pack, problem) = (Pack::Supervise, PackProblem::TooOld);
    assert_eq!((seen(&world).mode, unread(&world)), (None, vec![UnreadPack { pack, problem }]));
    // What he asks for then is taken as his question to the same server.
    asks_for(&mut world, Whisper, '5');
    told(&mut world, &invite, r#"{"mode":"whisper"}"#);
    assert!(
        world.events.contains(&failed(Whisper, SupervisionFailure::Unread(PackProblem::TooOld)))
    );
    assert!(!speaks(&mut world));
}

#[test]
fn a_garbled_word_closes_the_microphone_until_the_next() {
    let (mut world, invite) = supervising(Whisper);
    confirmed(&mut world, &invite, Whisper);
    assert!(speaks(&mut world));
    asks_for(&mut world, Barge, '6');
    told(&mut world, &invite, r#"{"v":1,"mode":"#);
    let reason = SupervisionFailure::Unread(PackProblem::Malformed);
    let failed = Event::SupervisionFailed { call: id(), mode: Barge, reason };
    assert!(world.events.contains(&failed));
    assert!(!speaks(&mut world));
    assert_eq!((seen(&world).mode, seen(&world).requested), (None, None));
    asks_for(&mut world, Whisper, '5');
    confirmed(&mut world, &invite, Whisper);
    assert!(speaks(&mut world));
    assert_eq!(world.phone.snapshot().unread_packs, []);
}

#[test]
fn a_mode_that_was_confirmed_before_nobody_knew_is_confirmed_anew_before_he_is_heard() {
    let (mut world, invite) = supervising(Whisper);
    confirmed(&mut world, &invite, Whisper);
    world.command(switch(Barge)).unwrap();
    asks(&mut world, '6');
    world.advance_alive(SECOND * 11);
    assert_eq!((seen(&world).mode, seen(&world).requested), (None, None));
    // The server may still come to the barge that it was asked for.
    world.command(switch(Whisper)).unwrap();
    let info = asks(&mut world, '5');
    assert!(!speaks(&mut world));
    world.reply(&info, 200);
    confirmed(&mut world, &invite, Barge);
    assert!(!speaks(&mut world));
    confirmed(&mut world, &invite, Whisper);
    assert!(speaks(&mut world));
}

#[test]
fn a_mode_that_is_refused_is_not_shown_as_requested() {
    let (mut world, invite) = supervising(Whisper);
    confirmed(&mut world, &invite, Whisper);
    asks_for(&mut world, Listen, '4');
    told(&mut world, &invite, r#"{"v":1,"mode":"whisper","refused":"listen"}"#);
    assert_eq!((seen(&world).mode, seen(&world).requested), (Some(Whisper), None));
    assert!(!speaks(&mut world), "he wants to be heard by nobody");
}

#[test]
fn a_word_of_a_mode_that_was_given_up_opens_nothing_and_confirms_no_other() {
    let (mut world, invite) = supervising(Whisper);
    confirmed(&mut world, &invite, Whisper);
    world.command(switch(Barge)).unwrap();
    let given_up = asks(&mut world, '6');
    world.advance_alive(SECOND * 11);
    // Nobody has asked for this word: the server may come to the barge yet.
    confirmed(&mut world, &invite, Whisper);
    world.command(switch(Whisper)).unwrap();
    let info = asks(&mut world, '5');
    assert!(!speaks(&mut world));
    confirmed(&mut world, &invite, Whisper);
    assert!(!speaks(&mut world), "the digit was not taken yet: it is a word of an earlier one");
    world.reply(&given_up, 200);
    confirmed(&mut world, &invite, Barge);
    assert!(!speaks(&mut world));
    world.reply(&info, 200);
    assert!(!speaks(&mut world));
    confirmed(&mut world, &invite, Whisper);
    assert!(speaks(&mut world));
}

#[test]
fn an_agent_who_holds_is_shown_as_who_hears_nobody_and_that_answers_no_digit() {
    let (mut world, invite) = supervising(Whisper);
    let word = |mode: &str, heard: bool| {
        format!(r#"{{"v":1,"agent":"agent2","mode":"{mode}","heard":{heard},"unasked":true}}"#)
    };
    confirmed(&mut world, &invite, Whisper);
    assert!(seen(&world).heard, "a server that does not say");
    told(&mut world, &invite, &word("whisper", false));
    assert!(!seen(&world).heard);
    assert!(speaks(&mut world), "the mode is what he wants");
    let shown = Event::SupervisionChanged { call: id(), supervision: seen(&world) };
    assert!(world.events.contains(&shown));
    gives_up(&mut world, Barge, '6');
    asks_for(&mut world, Whisper, '5');
    told(&mut world, &invite, &word("whisper", true));
    assert!(seen(&world).heard);
    assert!(!speaks(&mut world), "barge may still come");
    told(&mut world, &invite, r#"{"v":1,"agent":"agent2","mode":"whisper","heard":false}"#);
    assert!(speaks(&mut world) && !seen(&world).heard);
    world.lose_flow(FlowErrorKind::Lost);
    assert_eq!((seen(&world).mode, seen(&world).heard), (None, true), "nobody knows");
}

#[test]
fn a_word_of_the_first_of_two_modes_that_were_given_up_confirms_no_third() {
    let (mut world, invite) = supervising(Listen);
    confirmed(&mut world, &invite, Listen);
    gives_up(&mut world, Whisper, '5');
    gives_up(&mut world, Barge, '6');
    asks_for(&mut world, Whisper, '5');
    confirmed(&mut world, &invite, Whisper);
    assert!(!speaks(&mut world), "it is the first one's: barge is still to come");
    assert_eq!((seen(&world).mode, seen(&world).requested), (Some(Whisper), Some(Whisper)));
    confirmed(&mut world, &invite, Barge);
    assert!(!speaks(&mut world));
    confirmed(&mut world, &invite, Whisper);
    assert!(speaks(&mut world));
    assert_eq!((seen(&world).mode, seen(&world).requested), (Some(Whisper), None));
}

#[test]
fn words_that_never_come_keep_nobody_silent_who_asks_again() {
    let (mut world, invite) = supervising(Listen);
    confirmed(&mut world, &invite, Listen);
    gives_up(&mut world, Whisper, '5');
    gives_up(&mut world, Barge, '6');
    // The server has lost these two digits.
    asks_for(&mut world, Whisper, '5');
    confirmed(&mut world, &invite, Whisper);
    assert!(!speaks(&mut world));
    world.advance_alive(SECOND * 11);
    asks_for(&mut world, Whisper, '5');
    confirmed(&mut world, &invite, Whisper);
    assert!(speaks(&mut world));
}

#[test]
fn the_refusal_of_an_older_digit_refuses_no_newer_one() {
    let (mut world, invite) = supervising(Listen);
    confirmed(&mut world, &invite, Listen);
    gives_up(&mut world, Barge, '6');
    gives_up(&mut world, Whisper, '5');
    asks_for(&mut world, Barge, '6');
    world.events.clear();
    let refused = r#"{"v":1,"mode":"listen","refused":"barge"}"#;
    told(&mut world, &invite, refused);
    assert_eq!(seen(&world).requested, Some(Barge));
    confirmed(&mut world, &invite, Whisper);
    told(&mut world, &invite, &refused.replace("listen", "whisper"));
    let reason = SupervisionFailure::Forbidden;
    let failed = Event::SupervisionFailed { call: id(), mode: Barge, reason };
    assert_eq!(world.events.iter().filter(|event| **event == failed).count(), 1);
}

#[test]
fn on_another_connection_he_is_heard_when_the_mode_is_confirmed_anew() {
    let (mut world, invite) = supervising(Barge);
    confirmed(&mut world, &invite, Barge);
    assert!(speaks(&mut world));
    goes_down(&mut world);
    assert!(!speaks(&mut world));
    assert_eq!((seen(&world).mode, seen(&world).requested), (None, None));
    // What the server said meanwhile is lost.
    comes_back(&mut world);
    let info = asks(&mut world, '6');
    assert_eq!((seen(&world).mode, seen(&world).requested), (None, Some(Barge)));
    world.reply(&info, 200);
    world.advance_alive(SECOND * 9);
    assert_eq!(seen(&world).requested, Some(Barge), "the server has its time");
    assert!(!speaks(&mut world));
    confirmed(&mut world, &invite, Barge);
    assert!(speaks(&mut world));
}

#[test]
fn a_late_word_is_that_of_the_same_digit_that_is_still_on_its_way() {
    let (mut world, invite) = supervising(Listen);
    confirmed(&mut world, &invite, Listen);
    gives_up(&mut world, Whisper, '5');
    world.command(switch(Whisper)).unwrap();
    asks(&mut world, '5');
    confirmed(&mut world, &invite, Whisper);
    assert_eq!((seen(&world).mode, seen(&world).requested), (Some(Whisper), None));
}

#[test]
fn who_follows_an_agent_listens_on_another_connection() {
    let mut world = World::registered();
    let target = "agent2".to_owned();
    let follow = Command::Supervise { call: id(), target, mode: Barge, follow: true };
    world.command(follow).unwrap();
    world.described(id());
    let invite = world.request(Method::Invite);
    world.reply_sdp(&invite, 200, "pbx", &sdp("sendrecv"));
    world.request(Method::Ack);
    world.handle(Input::MediaConnected { call: id() });
    confirmed(&mut world, &invite, Barge);
    assert!(speaks(&mut world));
    // The agent may be in his next call by then.
    goes_down(&mut world);
    comes_back(&mut world);
    let info = asks(&mut world, '4');
    world.reply(&info, 200);
    confirmed(&mut world, &invite, Listen);
    told(&mut world, &invite, r#"{"v":1,"agent":"agent2","waiting":true}"#);
    // Whether the next call is there is asked for, and no failure where it is not.
    goes_down(&mut world);
    comes_back(&mut world);
    asks(&mut world, '4');
    world.events.clear();
    world.advance_alive(SECOND * 11);
    assert!(seen(&world).waiting);
    let is_failure = |event: &Event| matches!(event, Event::SupervisionFailed { .. });
    assert!(!world.events.iter().any(is_failure), "{:?}", world.events);
    confirmed(&mut world, &invite, Listen);
    assert_eq!((seen(&world).mode, seen(&world).waiting), (Some(Listen), false));
}
