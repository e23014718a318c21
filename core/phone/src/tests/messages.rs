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
    world.phone.messages(None, 1).messages[0].state
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
    assert_eq!(world.phone.messages(None, 9).messages.len(), 1, "a report is no message");
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
    let failed = Event::MessageFailed { message: id(1), reason: MessageFailure::Unknown };
    assert!(world.events.contains(&failed));
    let (mut world, _) = sent();
    world.advance(SECOND * 33);
    assert!(world.events.contains(&failed));
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
    assert_eq!(world.phone.messages(None, 9).messages, [told]);
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
    assert!(world.phone.messages(None, 9).messages.is_empty());
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
}

#[test]
fn the_last_are_kept_and_read_in_pages() {
    let mut world = World::registered();
    for n in 0..205 {
        let message = incoming(&mut world, "text/plain", format!("{n}").as_bytes());
        world.receive(message);
    }
    let first = world.phone.messages(None, 150);
    assert_eq!((first.messages[0].text.as_str(), first.more), ("204", true));
    let last = first.messages.last().map(|message| message.id);
    let second = world.phone.messages(last, 150);
    assert_eq!((second.messages.len(), second.more), (50, false));
    assert_eq!(second.messages[49].text, "5", "the oldest are gone");
}
