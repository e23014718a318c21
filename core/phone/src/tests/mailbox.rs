//! The mailbox's summary by subscription, and what a subscription goes through (RFC 6665, RFC 3842).

use super::*;

const BODY: &str = "Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n";

fn watching() -> Config {
    Config { voicemail: true, ..config() }
}

/// A phone that has registered and asked; its SUBSCRIBE.
fn asked() -> (World, Request) {
    let mut world = World::registered_with(watching());
    let subscribe = world.request(Method::Subscribe);
    assert_eq!(subscribe.uri.to_string(), "sip:agent1@pbx.example");
    for (name, value) in [
        (HeaderName::EVENT, "message-summary"),
        (HeaderName::ACCEPT, "application/simple-message-summary"),
        (HeaderName::EXPIRES, "3600"),
    ] {
        assert_eq!(subscribe.headers.get(&name).unwrap(), value);
    }
    assert!(subscribe.headers.has(&HeaderName::CONTACT));
    (world, subscribe)
}

/// A NOTIFY of that subscription, with this CSeq number and state.
fn notify(world: &mut World, of: &Request, sequence: u32, state: &str, body: &str) {
    let mut notify = world.outside(Method::Notify);
    let to = of.headers.get(&HeaderName::FROM).unwrap().into_owned();
    notify.headers.set(HeaderName::TO, to);
    notify.headers.set(HeaderName::FROM, "<sip:agent1@pbx.example>;tag=mwi");
    notify.headers.set(HeaderName::CALL_ID, of.headers.call_id().unwrap());
    notify.headers.set(HeaderName::CSEQ, format!("{sequence} NOTIFY"));
    notify.headers.push(HeaderName::EVENT, "message-summary");
    notify.headers.push(HeaderName::SUBSCRIPTION_STATE, state);
    if !body.is_empty() {
        notify.set_body("application/simple-message-summary", body.as_bytes().to_vec());
    }
    world.receive(notify);
}

fn accept(world: &mut World, subscribe: &Request, expires: u32) {
    let mut ok = subscribe.response(StatusCode::OK, Some("mwi"));
    ok.headers.push(HeaderName::EXPIRES, expires.to_string());
    ok.headers.push(HeaderName::CONTACT, "<sip:pbx@192.0.2.1:8089;transport=ws>");
    world.receive(ok);
}

/// A subscription that stands for ten minutes.
fn standing() -> (World, Request) {
    let (mut world, subscribe) = asked();
    accept(&mut world, &subscribe, 600);
    notify(&mut world, &subscribe, 1, "active;expires=600", BODY);
    world.response(200);
    (world, subscribe)
}

fn new_messages(world: &World) -> Option<u32> {
    Some(world.phone.snapshot().voicemail?.voice?.new)
}

#[test]
fn the_summary_is_asked_for_only_where_it_is_wanted() {
    let mut world = World::registered();
    world.advance_alive(SECOND * 60);
    world.silent();
    assert_eq!(world.phone.snapshot().voicemail, None);
}

#[test]
fn the_first_notify_may_come_before_the_200() {
    let (mut world, subscribe) = asked();
    notify(&mut world, &subscribe, 7, "active;expires=600", BODY);
    world.response(200);
    assert_eq!(new_messages(&world), Some(2));
    accept(&mut world, &subscribe, 600);
    notify(&mut world, &subscribe, 8, "active", "Messages-Waiting: no\r\nVoice-Message: 0/10\r\n");
    world.response(200);
    assert_eq!(new_messages(&world), Some(0));
}

#[test]
fn it_is_refreshed_in_its_dialog_before_it_ends() {
    let (mut world, _) = standing();
    world.advance_alive(SECOND * 535);
    world.sent.clear();
    world.advance_alive(SECOND * 10);
    let refresh = world.request(Method::Subscribe);
    assert_eq!(refresh.headers.to().unwrap().tag(), Some("mwi"));
    assert_eq!(refresh.headers.cseq().unwrap().sequence, 2);
    assert_eq!(refresh.uri.to_string(), "sip:pbx@192.0.2.1:8089;transport=ws");
    accept(&mut world, &refresh, 600);
    assert_eq!(new_messages(&world), Some(2));
    // A refresh that finds nothing begins anew.
    world.advance_alive(SECOND * 545);
    world.sent.retain(|m| matches!(m, Message::Request(r) if r.method == Method::Subscribe));
    let refresh = world.request(Method::Subscribe);
    world.reply(&refresh, 481);
    world.advance_alive(SECOND * 4);
    let again = world.request(Method::Subscribe);
    assert_eq!(again.headers.to().unwrap().tag(), None);
    assert_ne!(again.headers.call_id(), refresh.headers.call_id());
}

#[test]
fn a_notify_out_of_its_order_or_of_another_kind_is_refused() {
    let (mut world, subscribe) = standing();
    notify(&mut world, &subscribe, 5, "active", "Messages-Waiting: yes\r\nVoice-Message: 5/0\r\n");
    world.response(200);
    notify(&mut world, &subscribe, 4, "active", "Messages-Waiting: yes\r\nVoice-Message: 4/0\r\n");
    world.response(500);
    assert_eq!(new_messages(&world), Some(5));
    notify(&mut world, &subscribe, 6, "active", "nonsense");
    world.response(200);
    assert_eq!(new_messages(&world), Some(5), "what cannot be read changes nothing");
    let mut other = subscribe.clone();
    other.headers.set(HeaderName::CALL_ID, "another");
    notify(&mut world, &other, 9, "active", BODY);
    world.response(481);
}

#[test]
fn a_subscription_that_the_server_ends_is_asked_for_again_as_it_says() {
    for (reason, least, most) in [
        ("deactivated", 1, 4),
        ("timeout", 1, 4),
        ("probation;retry-after=100", 100, 115),
        ("giveup", 60, 70),
        ("giveup;retry-after=999999999", 3600, 3980),
    ] {
        let (mut world, subscribe) = standing();
        notify(&mut world, &subscribe, 2, &format!("terminated;reason={reason}"), "");
        world.response(200);
        let asks = |world: &World| {
            let is =
                |m: &Message| matches!(m, Message::Request(r) if r.method == Method::Subscribe);
            world.sent.iter().any(is)
        };
        world.advance_alive(SECOND * least);
        assert!(!asks(&world), "{reason}");
        world.advance_alive(SECOND * (most - least));
        assert!(asks(&world), "{reason}");
    }
    for reason in ["rejected", "noresource", "invariant"] {
        let (mut world, subscribe) = standing();
        notify(&mut world, &subscribe, 2, &format!("terminated;reason={reason}"), "");
        world.response(200);
        world.advance_alive(SECOND * 400);
        world.silent();
    }
}

#[test]
fn a_server_without_mailboxes_is_asked_once_a_connection() {
    for code in [403, 404, 405, 489] {
        let (mut world, subscribe) = asked();
        world.reply(&subscribe, code);
        world.advance_alive(SECOND * 400);
        world.silent();
        world.lose_flow(FlowErrorKind::Lost);
        world.advance(SECOND);
        world.open_flow();
        world.grant();
        world.request(Method::Subscribe);
    }
}

#[test]
fn an_interval_that_is_too_brief_is_lengthened_and_an_overload_waited_for() {
    let (mut world, subscribe) = asked();
    let mut brief = subscribe.response(StatusCode::INTERVAL_TOO_BRIEF, Some("mwi"));
    brief.headers.push(HeaderName::MIN_EXPIRES, "7200");
    world.receive(brief);
    let again = world.request(Method::Subscribe);
    assert_eq!(again.headers.number(&HeaderName::EXPIRES), Some(7200));
    assert_eq!(again.headers.call_id(), subscribe.headers.call_id());
    assert_eq!(again.headers.cseq().unwrap().sequence, 2);
    let mut busy = again.response(StatusCode::SERVICE_UNAVAILABLE, Some("mwi"));
    busy.headers.push(HeaderName::RETRY_AFTER, "120");
    world.receive(busy);
    world.advance_alive(SECOND * 120);
    world.silent();
    world.advance_alive(SECOND * 20);
    world.request(Method::Subscribe);
}

#[test]
fn a_challenge_is_answered_and_the_dialog_counts_on() {
    let (mut world, subscribe) = asked();
    world.challenge_to(&subscribe, "n2", true);
    let again = world.request(Method::Subscribe);
    assert!(again.headers.has(&HeaderName::AUTHORIZATION));
    accept(&mut world, &again, 600);
    notify(&mut world, &again, 1, "active;expires=600", BODY);
    world.response(200);
    world.command(Command::Unregister).unwrap();
    let leave = world.request(Method::Subscribe);
    assert_eq!(leave.headers.number(&HeaderName::EXPIRES), Some(0));
    assert_eq!(leave.headers.cseq().unwrap().sequence, 3);
    world.request(Method::Register);
    notify(&mut world, &again, 2, "terminated;reason=timeout", "");
    world.response(200);
}

#[test]
fn without_a_notify_a_200_is_nothing() {
    let (mut world, subscribe) = asked();
    accept(&mut world, &subscribe, 600);
    world.advance_alive(SECOND * 31);
    world.silent();
    world.advance_alive(SECOND * 75);
    world.request(Method::Subscribe);
    assert_eq!(world.phone.snapshot().voicemail, None);
}

#[test]
fn what_was_known_goes_with_the_connection() {
    let (mut world, _) = standing();
    world.lose_flow(FlowErrorKind::Lost);
    assert_eq!(world.phone.snapshot().voicemail, None);
    world.advance(SECOND);
    world.open_flow();
    world.grant();
    world.request(Method::Subscribe);
}

#[test]
fn a_summary_that_is_sent_unasked_is_taken_from_the_server() {
    let mut world = World::registered();
    let mut news = world.outside(Method::Notify);
    news.headers.push(HeaderName::EVENT, "message-summary");
    news.set_body("application/simple-message-summary", BODY.as_bytes().to_vec());
    world.receive(news);
    world.response(200);
    assert_eq!(new_messages(&world), Some(2));
    let mut other = world.outside(Method::Notify);
    other.headers.push(HeaderName::EVENT, "presence");
    world.receive(other);
    world.response(481);
}

#[test]
fn who_goes_to_sleep_wants_no_more_news_and_says_so_while_the_connection_is_there() {
    let provider = PushProvider::Fcm;
    let token = PushToken { provider, param: "project-1".to_owned(), prid: "abc".to_owned() };
    let mut world = World::with(Config { push: Some(token), ..watching() }, None);
    world.command(Command::Register).unwrap();
    world.open_flow();
    world.challenge();
    let register = world.request(Method::Register);
    let mut ok = register.response(StatusCode::OK, Some("server"));
    ok.headers.push(HeaderName::CONTACT, "<sip:agent1@192.0.2.9:5;transport=ws>;expires=600");
    // It keeps the binding of a phone that sleeps, so that the connection goes at once.
    ok.headers.push(HeaderName::new("Feature-Caps"), "*;+sip.pns=\"fcm\"");
    world.receive(ok);
    let subscribe = world.request(Method::Subscribe);
    accept(&mut world, &subscribe, 600);
    notify(&mut world, &subscribe, 1, "active;expires=600", BODY);
    world.response(200);
    world.outputs.clear();
    world.phone.command(Command::Sleep, world.now()).unwrap();
    let outputs: Vec<Output> = std::iter::from_fn(|| world.phone.poll_output()).collect();
    let sent = outputs.iter().position(|output| matches!(output, Output::Transmit { .. }));
    let closed = outputs.iter().position(|output| matches!(output, Output::CloseFlow { .. }));
    let (Some(sent), Some(closed)) = (sent, closed) else { panic!("{outputs:?}") };
    assert!(sent < closed, "{outputs:?}");
    let Output::Transmit { bytes, .. } = &outputs[sent] else { unreachable!() };
    let Ok(Message::Request(last)) = Message::parse(bytes) else { panic!("{outputs:?}") };
    assert_eq!(
        (last.method, last.headers.number(&HeaderName::EXPIRES)),
        (Method::Subscribe, Some(0))
    );
}
