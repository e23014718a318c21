//! Messages between agents (RFC 3428).

use super::*;

fn id(number: u128) -> MessageId {
    MessageId(uuid::Uuid::from_u128(number))
}

fn send(number: u128, text: &str) -> Command {
    Command::SendMessage { message: id(number), to: "1002".to_owned(), text: text.to_owned() }
}

/// A message that was sent, and its MESSAGE.
fn sent() -> (World, Request) {
    let mut world = World::registered();
    world.command(send(1, "Grüß dich")).unwrap();
    let message = world.request(Method::Message);
    (world, message)
}

fn incoming(world: &mut World, kind: &str, body: &[u8]) -> Request {
    let mut message = world.outside(Method::Message);
    message.headers.remove(&HeaderName::CONTACT);
    message.set_body(kind, body.to_vec());
    message
}

fn state(world: &World) -> MessageState {
    world.messages.page(None, 1).messages[0].state
}

#[test]
fn a_message_goes_out_as_plain_text_and_is_delivered() {
    let (mut world, message) = sent();
    assert_eq!(message.uri.to_string(), "sip:1002@pbx.example");
    assert_eq!(message.headers.get(&HeaderName::CONTENT_TYPE).unwrap(), "text/plain;charset=utf-8");
    assert_eq!(message.body, "Grüß dich".as_bytes());
    assert!(!message.headers.has(&HeaderName::CONTACT), "RFC 3428 §4");
    assert_eq!(state(&world), MessageState::Sending);
    world.reply(&message, 200);
    assert_eq!(
        world.events.pop_front(),
        Some(Event::MessageSent { message: id(1), delivered: true })
    );
    assert_eq!(state(&world), MessageState::Delivered);
    world.silent();
}

#[test]
fn what_the_server_only_accepts_is_not_called_delivered_and_may_fail_later() {
    let (mut world, message) = sent();
    world.reply(&message, 202);
    assert_eq!(
        world.events.pop_front(),
        Some(Event::MessageSent { message: id(1), delivered: false })
    );
    let mut report = incoming(&mut world, "text/plain", b"not delivered");
    let named = message.headers.get(&HeaderName::X_MESSAGE_ID).unwrap().into_owned();
    report.headers.push(HeaderName::X_MESSAGE_REPORT, named);
    world.receive(report);
    world.response(200);
    let reason = MessageFailure::Unreachable;
    assert_eq!(world.events.pop_front(), Some(Event::MessageFailed { message: id(1), reason }));
    assert_eq!(state(&world), MessageState::Failed(reason));
    assert_eq!(world.messages.page(None, 9).messages.len(), 1, "a report is no message");
}

#[test]
fn a_report_of_what_is_unknown_or_was_delivered_changes_nothing() {
    let (mut world, message) = sent();
    world.reply(&message, 200);
    world.events.clear();
    for named in [id(1).to_string(), id(7).to_string(), "nonsense".to_owned()] {
        let mut report = incoming(&mut world, "text/plain", b"x");
        report.headers.push(HeaderName::X_MESSAGE_REPORT, named);
        world.receive(report);
        world.response(200);
    }
    assert!(world.events.is_empty() && state(&world) == MessageState::Delivered);
}

#[test]
fn each_refusal_says_what_to_do() {
    for (code, reason) in [
        (404, MessageFailure::Unreachable),
        (480, MessageFailure::Unreachable),
        (405, MessageFailure::Refused),
        (413, MessageFailure::TooLong),
        (500, MessageFailure::Rejected(500)),
    ] {
        let (mut world, message) = sent();
        world.reply(&message, code);
        assert_eq!(world.events.pop_front(), Some(Event::MessageFailed { message: id(1), reason }));
        assert_eq!(state(&world), MessageState::Failed(reason));
        assert!(reason.to_string().contains(';'), "{reason}");
    }
}

#[test]
fn a_challenge_is_answered_and_nothing_is_told_of_it() {
    let (mut world, message) = sent();
    world.challenge_to(&message, "n2", true);
    let again = world.request(Method::Message);
    assert!(again.headers.has(&HeaderName::AUTHORIZATION) && world.events.is_empty());
    assert_eq!(again.headers.call_id(), message.headers.call_id());
    world.reply(&again, 202);
    assert_eq!(state(&world), MessageState::Accepted);
}

#[test]
fn nobody_knows_of_a_message_whose_connection_is_lost_or_that_is_not_answered() {
    let (mut world, _) = sent();
    world.lose_flow(FlowErrorKind::Lost);
    let uncertain = Event::MessageUncertain { message: id(1) };
    assert!(world.events.contains(&uncertain));
    assert_eq!(state(&world), MessageState::Uncertain);
    let (mut world, _) = sent();
    world.advance(SECOND * 33);
    assert!(world.events.contains(&uncertain));
    assert!(state(&world).advice().unwrap().contains(';'), "it says what to do");
}

#[test]
fn what_cannot_be_sent_is_refused_at_once() {
    let mut world = World::registered();
    for text in ["", " \n", &"x".repeat(1001), "a\0b"] {
        assert_eq!(world.command(send(1, text)), Err(CommandError::InvalidText), "{text:?}");
    }
    let to = Command::SendMessage { message: id(1), to: "a b".to_owned(), text: "x".to_owned() };
    assert_eq!(world.command(to), Err(CommandError::InvalidTarget));
    world.command(send(1, &"x".repeat(1000))).unwrap();
    assert_eq!(world.command(send(1, "y")), Err(CommandError::MessageIdTaken));
    (2..17).for_each(|n| world.command(send(n, "y")).unwrap());
    assert_eq!(world.command(send(17, "y")), Err(CommandError::TooManyMessages));
    assert_eq!(World::new().command(send(1, "x")), Err(CommandError::NotRegistered));
}

#[test]
fn a_message_that_comes_is_shown_once_and_answered_each_time() {
    let mut world = World::registered();
    let message = incoming(&mut world, "text/plain", "Hallo\r\n\u{1b}[31mrot".as_bytes());
    world.receive(message.clone());
    world.response(200);
    let Some(Event::MessageReceived(told)) = world.events.pop_front() else { panic!("not told") };
    assert_eq!((told.party.name.as_deref(), told.text.as_str()), (Some("Anna"), "Hallo\n[31mrot"));
    let mut again = message;
    again.headers.set(HeaderName::VIA, "SIP/2.0/WSS 192.0.2.1:8089;branch=z9hG4bKagain");
    world.receive(again);
    world.response(200);
    assert!(world.events.is_empty());
    assert_eq!(world.messages.page(None, 9).messages, [told]);
}

#[test]
fn only_plain_text_in_utf_8_is_taken() {
    for (kind, body, code) in [
        ("text/plain;charset=UTF-8", &b"x"[..], 200),
        ("Text/Plain; charset=\"us-ascii\"", b"x", 200),
        ("text/plain;charset=iso-8859-1", b"x", 415),
        ("text/html", b"x", 415),
        ("text/plain", b"\xff", 400),
        ("text/plain", &[b'x'; 4097], 413),
        ("text/plain", &[b'x'; 4096], 200),
    ] {
        let mut world = World::registered();
        let message = incoming(&mut world, kind, body);
        world.receive(message);
        let response = world.response(code);
        assert_eq!(world.events.len(), usize::from(code == 200), "{kind}");
        if code == 415 {
            assert_eq!(response.headers.get(&HeaderName::ACCEPT).unwrap(), "text/plain");
        }
    }
}

#[test]
fn a_phone_that_is_signed_out_takes_none() {
    let mut world = World::registered();
    world.command(Command::Unregister).unwrap();
    world.request(Method::Register);
    let message = incoming(&mut world, "text/plain", b"x");
    world.receive(message);
    world.response(480);
    assert!(world.messages.page(None, 9).messages.is_empty());
}

#[test]
fn a_caller_who_hides_hides_in_messages_too() {
    let mut world = World::registered();
    let mut message = incoming(&mut world, "text/plain", b"x");
    message.headers.set(HeaderName::FROM, "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=a");
    message.headers.push(HeaderName::P_ASSERTED_IDENTITY, "<sip:+4930123@pbx.example>");
    world.receive(message);
    let Some(Event::MessageReceived(told)) = world.events.pop_front() else { panic!("not told") };
    assert!(!told.party.uri.contains("4930"), "{told:?}");
    assert_eq!(told.reply(), None);
}

/// The server's word that a message of ours found nobody.
fn report(world: &mut World, number: u128) {
    let mut report = incoming(world, "text/plain", b"not delivered");
    report.headers.push(HeaderName::X_MESSAGE_REPORT, id(number).to_string());
    world.receive(report);
    world.response(200);
}

#[test]
fn a_report_that_overtakes_the_answer_counts() {
    let (mut world, message) = sent();
    report(&mut world, 1);
    world.reply(&message, 202);
    assert_eq!(state(&world), MessageState::Failed(MessageFailure::Unreachable));
    assert_eq!(world.events.len(), 1, "{:?}", world.events);
}

/// The next process, registered, with the messages as the disk has them.
fn restarted(world: World) -> World {
    let mut next = World::with(config(), world.saved.clone());
    next.messages = world.messages;
    next.command(Command::Register).unwrap();
    next.open_flow();
    if matches!(next.sent.front(), Some(Message::Request(r)) if !r.headers.has(&HeaderName::AUTHORIZATION))
    {
        next.challenge();
    }
    next.grant();
    next
}

#[test]
fn what_was_being_sent_when_the_process_died_is_uncertain_and_not_sent_again() {
    let (world, _) = sent();
    let mut next = restarted(world);
    let uncertain = Event::MessageUncertain { message: id(1) };
    assert!(next.events.contains(&uncertain) && state(&next) == MessageState::Uncertain);
    next.advance_alive(SECOND * 60);
    next.silent();
    assert_eq!(next.command(send(1, "again")), Err(CommandError::MessageIdTaken));
    next.events.clear();
    report(&mut next, 1);
    let reason = MessageFailure::Unreachable;
    assert_eq!(next.events.pop_front(), Some(Event::MessageFailed { message: id(1), reason }));
    assert_eq!(state(&next), MessageState::Failed(reason), "the server knew after all");
}

#[test]
fn a_report_finds_the_message_of_an_earlier_process_and_one_that_was_delivered_stays() {
    for (code, failed) in [(202, true), (200, false)] {
        let (mut world, message) = sent();
        world.reply(&message, code);
        let before = state(&world);
        let mut next = restarted(world);
        assert_eq!(state(&next), before, "nothing is uncertain");
        next.events.clear();
        report(&mut next, 1);
        assert_eq!(next.events.len(), usize::from(failed));
        assert_eq!(state(&next) == before, !failed);
    }
}

#[test]
fn a_message_that_comes_again_after_a_restart_is_not_shown_again() {
    let mut world = World::registered();
    let message = incoming(&mut world, "text/plain", b"x");
    world.receive(message.clone());
    let mut next = restarted(world);
    next.events.clear();
    next.receive(message.clone());
    next.response(200);
    assert!(next.events.is_empty());
    assert_eq!(next.messages.page(None, 9).messages.len(), 1);
    // Another one of the same writer is another.
    let mut other = message;
    other.headers.set(HeaderName::CSEQ, "999 MESSAGE");
    next.receive(other);
    assert_eq!(next.messages.page(None, 9).messages.len(), 2);
}

#[test]
fn a_reference_in_place_of_a_hidden_number_is_kept_as_it_is() {
    let mut world = World::registered();
    let mut message = incoming(&mut world, "text/plain", b"x");
    message.headers.set(HeaderName::FROM, "\"Customer\" <sip:ref-7f3a@pbx.example>;tag=a");
    world.receive(message);
    let kept = &world.messages.page(None, 1).messages[0];
    assert_eq!(kept.reply().as_deref(), Some("sip:ref-7f3a@pbx.example"));
    assert_eq!(kept.party.number(), None, "nobody can read it");
    world
        .command(Command::SendMessage {
            message: id(1),
            to: kept.reply().unwrap(),
            text: "y".to_owned(),
        })
        .unwrap();
    world.response(200);
    assert_eq!(world.request(Method::Message).uri.user.as_deref(), Some("ref-7f3a"));
}

#[test]
fn a_flood_of_messages_makes_no_flood_of_memory() {
    let mut world = World::registered();
    for n in 0..300 {
        let message = incoming(&mut world, "text/plain", format!("{n}").as_bytes());
        world.receive(message);
    }
    let saved = serde_json::to_string(&world.saved).unwrap();
    assert!(saved.len() < 5_000, "{} bytes", saved.len());
    assert_eq!(world.messages.page(None, 1).messages[0].text, "299");
}

/// What a message that is taken or sent asks for first, and what a restart must then know.
#[test]
fn a_message_is_kept_before_it_is_answered_or_sent() {
    let mut world = World::registered();
    let message = incoming(&mut world, "text/plain", b"x");
    let bytes = Message::from(message).to_bytes();
    world.phone.handle(Input::Received { flow: world.flow, bytes }, world.now());
    let order: Vec<_> = std::iter::from_fn(|| world.phone.poll_output()).collect();
    let [Output::KeepMessage(_), Output::Save(_), rest @ ..] = order.as_slice() else {
        panic!("{order:?}")
    };
    assert!(rest.iter().any(|output| matches!(output, Output::Transmit { .. })));
    world.phone.command(send(1, "y"), world.now()).unwrap();
    let order: Vec<_> = std::iter::from_fn(|| world.phone.poll_output()).collect();
    assert!(
        matches!(
            order.as_slice(),
            [Output::KeepMessage(_), Output::Save(_), Output::Transmit { .. }]
        ),
        "{order:?}"
    );
}

/// A message comes in and one goes out and is delivered, and the process is killed after each output in turn: none that
/// was answered or sent is lost, none is there twice, and none is for ever on its way.
#[test]
fn killed_after_any_output_the_messages_are_there_once_and_as_they_are_known() {
    for kill_after in 0.. {
        let mut world = World::registered();
        let message = incoming(&mut world, "text/plain", b"came");
        let came = Message::from(message.clone()).to_bytes();
        let (mut disk, mut stored) = (MessageLog::default(), world.saved.clone());
        let (mut asked, mut done) = (None, Vec::new());
        let (mut answered, mut was_sent, mut delivered, mut killed) = (false, false, false, false);
        'life: for step in 0..3 {
            let now = world.now();
            match (step, asked.take()) {
                (0, _) => {
                    let bytes = came.clone();
                    world.phone.handle(Input::Received { flow: world.flow, bytes }, now);
                }
                (1, _) => world.phone.command(send(1, "went"), now).unwrap(),
                (_, Some(Message::Request(request))) => {
                    let response = Message::from(request.response(StatusCode::OK, Some("server")));
                    let bytes = response.to_bytes();
                    world.phone.handle(Input::Received { flow: world.flow, bytes }, now);
                }
                (_, asked) => panic!("nothing was sent: {asked:?}"),
            }
            while let Some(output) = world.phone.poll_output() {
                if done.len() == kill_after {
                    killed = true;
                    break 'life;
                }
                done.push(format!("{output:?}"));
                #[allow(clippy::wildcard_enum_match_arm, reason = "the others change no store")]
                match output {
                    Output::KeepMessage(message) => drop(disk.add(message, now)),
                    Output::MarkMessage { message, state } => drop(disk.mark(message, state)),
                    Output::Save(saved) => stored = Some(saved),
                    Output::Transmit { bytes, .. } => {
                        answered |= step == 0;
                        was_sent |= step == 1;
                        asked = Message::parse(&bytes).ok();
                    }
                    Output::Event(Event::MessageSent { delivered: true, .. }) => delivered = true,
                    _ => {}
                }
            }
        }
        // What the next process reads is what the disk has, and it is told anew of what nobody answered.
        world.saved = stored;
        world.messages = disk.clone();
        let mut next = restarted(world);
        if !answered {
            next.receive(message);
            next.response(200);
        }
        let kept = next.messages.page(None, 9).messages;
        let count = |text: &str| kept.iter().filter(|message| message.text == text).count();
        assert_eq!(count("came"), 1, "killed after {done:#?}");
        assert!(count("went") == 1 || !was_sent && count("went") == 0, "killed after {done:#?}");
        if let Some(went) = kept.iter().find(|message| message.text == "went") {
            let known = disk.page(None, 1).messages[0].state;
            let wanted =
                if known == MessageState::Delivered { known } else { MessageState::Uncertain };
            assert!(went.state == wanted || !was_sent, "{went:?} after {done:#?}");
            assert!(!delivered || went.state == MessageState::Delivered);
        }
        if !killed {
            assert!(kill_after > 8, "there is a life to be killed in: {kill_after}");
            return;
        }
    }
}
