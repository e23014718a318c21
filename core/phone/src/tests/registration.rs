//! Signing in and out, staying reachable, and what is wrong when that fails.

use super::*;

fn contacts(request: &Request) -> Vec<String> {
    request.headers.all(&HeaderName::CONTACT).map(|c| c.into_owned()).collect()
}

fn failed(kind: FlowErrorKind) -> FlowError {
    FlowError { kind, detail: "test".to_owned() }
}

#[test]
fn a_sign_in_costs_one_challenge_and_a_refresh_none() {
    let mut world = World::new();
    assert_eq!(world.lamp(), RegistrationState::Unregistered);
    world.command(Command::Register).unwrap();
    assert_eq!(world.lamp(), RegistrationState::Registering);
    world.open_flow();
    let first = world.challenge();
    assert!(!first.headers.has(&HeaderName::AUTHORIZATION));
    assert_eq!(world.lamp(), RegistrationState::Registering);
    let second = world.grant();
    assert!(second.headers.has(&HeaderName::AUTHORIZATION));
    assert_eq!(second.headers.cseq().unwrap().sequence, 2);
    assert_eq!(second.headers.call_id(), first.headers.call_id());
    assert_eq!(world.lamp(), RegistrationState::Registered);
    world.handle(Input::ProbeAnswered { flow: world.flow });
    for _ in 0..60 {
        world.advance(SECOND * 10);
        world.handle(Input::ProbeAnswered { flow: world.flow });
        if !world.sent.is_empty() {
            break;
        }
    }
    let refresh = world.grant();
    assert!(refresh.headers.has(&HeaderName::AUTHORIZATION), "the nonce is kept");
    world.silent();
    let passed = world.boot - Duration::from_secs(1000);
    assert!(passed >= SECOND * 500 && passed <= SECOND * 550, "{passed:?}");
}

#[test]
fn a_provisional_response_says_nothing_of_the_registration() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    world.open_flow();
    let register = world.request(Method::Register);
    world.reply(&register, 100);
    assert_eq!(world.lamp(), RegistrationState::Registering);
    world.grant_to(&register, &["<sip:agent1@192.0.2.9:40001;transport=ws>;expires=600"]);
    assert_eq!(world.lamp(), RegistrationState::Registered);
}

#[test]
fn a_second_sign_in_refreshes_the_binding_in_one_round_trip() {
    let mut world = World::registered();
    world.command(Command::Register).unwrap();
    let refresh = world.grant();
    assert!(refresh.headers.has(&HeaderName::AUTHORIZATION), "the nonce is kept");
    assert_eq!(world.lamp(), RegistrationState::Registered);
    world.command(Command::Register).unwrap();
    world.command(Command::Register).unwrap();
    world.grant();
    world.silent();
}

#[test]
fn register_says_who_and_where_we_are() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    let server = world.open_flow();
    assert_eq!(server.to_string(), "wss://pbx.example:8089/ws");
    let register = world.request(Method::Register);
    assert_eq!(register.uri.to_string(), "sip:pbx.example");
    let via = register.headers.via().unwrap();
    assert_eq!(via.transport, "WSS");
    assert!(via.host.to_string().ends_with(".invalid"));
    let contact = contacts(&register).remove(0);
    assert!(contact.starts_with("<sip:agent1@"), "{contact}");
    assert!(contact.contains(".invalid;transport=ws>"), "{contact}");
    let instance = "+sip.instance=\"<urn:uuid:00000000-0000-0000-0000-000000000007>\"";
    assert!(contact.contains(instance), "{contact}");
    assert!(contact.contains(";reg-id=1") && contact.contains(";expires=600"), "{contact}");
    assert!(register.headers.has_token(&HeaderName::SUPPORTED, "outbound"));
    assert!(register.headers.has_token(&HeaderName::SUPPORTED, "path"));
}

#[test]
fn a_wrong_password_is_told_and_not_hammered() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    world.open_flow();
    world.challenge();
    let again = world.request(Method::Register);
    world.challenge_to(&again, "n2", false);
    let lamp = world.phone.snapshot().registration;
    assert_eq!(lamp.state, RegistrationState::Failed);
    assert_eq!(lamp.problem, Some(RegistrationProblem::WrongCredentials));
    world.advance(SECOND * 20);
    world.silent();
    world.command(Command::Register).unwrap();
    assert_eq!(world.lamp(), RegistrationState::Registering);
    world.request(Method::Register);
}

#[test]
fn a_remembered_nonce_that_is_forgotten_there_is_no_wrong_password() {
    let mut before = World::registered();
    before.command(Command::Unregister).unwrap();
    let mut world = World::with(config(), before.saved.take());
    world.command(Command::Register).unwrap();
    world.open_flow();
    let first = world.request(Method::Register);
    assert!(first.headers.has(&HeaderName::AUTHORIZATION), "one round trip where it is alive");
    world.challenge_to(&first, "n9", false);
    world.grant();
    assert_eq!(world.lamp(), RegistrationState::Registered);
}

#[test]
fn a_refusal_is_told_and_a_long_pause_follows() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    world.open_flow();
    let register = world.request(Method::Register);
    world.reply(&register, 403);
    let problem = world.phone.snapshot().registration.problem;
    let refused = RegistrationProblem::Refused { status: 403, reason: "Forbidden".to_owned() };
    assert_eq!(problem, Some(refused));
    world.silent();
    world.advance(SECOND * 25);
    world.silent();
}

#[test]
fn an_authentication_that_is_not_supported_is_named() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    world.open_flow();
    let register = world.request(Method::Register);
    let mut response = register.response(StatusCode::UNAUTHORIZED, Some("s"));
    response.headers.push(HeaderName::WWW_AUTHENTICATE, "Bearer realm=\"x\"");
    world.receive(response);
    let problem = world.phone.snapshot().registration.problem;
    assert!(
        matches!(problem, Some(RegistrationProblem::AuthenticationUnsupported(_))),
        "{problem:?}"
    );
}

#[test]
fn a_longer_registration_is_asked_for_where_the_server_wants_one() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    world.open_flow();
    let register = world.request(Method::Register);
    let mut response = register.response(StatusCode::INTERVAL_TOO_BRIEF, Some("s"));
    response.headers.push(HeaderName::MIN_EXPIRES, "1800");
    world.receive(response);
    let again = world.request(Method::Register);
    assert!(contacts(&again)[0].contains(";expires=1800"));
}

#[test]
fn a_server_that_wants_it_ever_longer_is_given_up() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    world.open_flow();
    for seconds in ["700", "800", "900", "1000"] {
        assert_eq!(world.lamp(), RegistrationState::Registering);
        let register = world.request(Method::Register);
        let mut response = register.response(StatusCode::INTERVAL_TOO_BRIEF, Some("s"));
        response.headers.push(HeaderName::MIN_EXPIRES, seconds);
        world.receive(response);
    }
    assert_eq!(world.lamp(), RegistrationState::Failed);
    world.silent();
}

#[test]
fn retry_after_is_honoured() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    world.open_flow();
    let register = world.request(Method::Register);
    let mut response = register.response(StatusCode::SERVICE_UNAVAILABLE, Some("s"));
    response.headers.push(HeaderName::RETRY_AFTER, "20 (maintenance)");
    world.receive(response);
    world.advance(SECOND * 20 - Duration::from_millis(1));
    world.silent();
    world.advance(SECOND * 4);
    world.grant();
    assert_eq!(world.lamp(), RegistrationState::Registered);
}

#[test]
fn a_refresh_that_is_refused_for_now_waits_too() {
    let mut world = World::registered();
    world.command(Command::Register).unwrap();
    let refresh = world.request(Method::Register);
    let mut response = refresh.response(StatusCode::SERVICE_UNAVAILABLE, Some("s"));
    // The binding's own time to be refreshed, after 510 s at the earliest, comes meanwhile.
    response.headers.push(HeaderName::RETRY_AFTER, "560");
    world.receive(response);
    world.advance_unasked(SECOND * 560 - Duration::from_millis(1));
    world.silent();
}

#[test]
fn a_lost_flow_comes_back_after_a_back_off_that_grows() {
    let mut world = World::registered();
    world.lose_flow(FlowErrorKind::Lost);
    assert_eq!(world.lamp(), RegistrationState::Unreachable);
    let mut waits = Vec::new();
    for _ in 0..9 {
        let (at, reason) = world.phone.poll_timeout().unwrap();
        assert_eq!(reason, TimerReason::Retry);
        waits.push(at - world.boot);
        world.advance(at - world.boot);
        let (flow, _) = world.asked_flow();
        world.handle(Input::FlowFailed { flow, error: failed(FlowErrorKind::Unreachable) });
        assert_eq!(world.lamp(), RegistrationState::Unreachable);
    }
    assert!(waits[0] >= SECOND / 2 && waits[0] <= SECOND, "{waits:?}");
    assert!(waits[3] >= SECOND * 4 && waits[3] <= SECOND * 8, "{waits:?}");
    assert!(waits[8] >= SECOND * 15 / 2 && waits[8] <= SECOND * 15, "{waits:?}");
    world.handle(Input::NetworkChanged(Handover::BreakBeforeMake));
    world.open_flow();
    world.grant();
    assert_eq!(world.lamp(), RegistrationState::Registered);
}

#[test]
fn a_server_that_drops_each_flow_soon_is_not_come_back_to_at_once() {
    let mut world = World::registered();
    let began = world.boot;
    let mut waits = Vec::new();
    while world.boot < began + SECOND * 3600 {
        world.lose_flow(FlowErrorKind::Lost);
        let (at, _) = world.phone.poll_timeout().unwrap();
        waits.push(at - world.boot);
        world.advance(at - world.boot);
        world.open_flow();
        world.grant();
        world.advance(SECOND * 19);
        world.receive_bytes(b"\r\n".to_vec());
    }
    assert!(waits[5] >= SECOND * 15 / 2, "{waits:?}");
    assert!(*waits.last().unwrap() >= SECOND * 60, "{waits:?}");
    world.advance(SECOND);
    world.receive_bytes(b"\r\n".to_vec());
    world.lose_flow(FlowErrorKind::Lost);
    let (at, _) = world.phone.poll_timeout().unwrap();
    assert!(at - world.boot <= SECOND, "the flow held: what was before is forgotten");
}

#[test]
fn a_flow_that_held_and_went_silent_is_held_too() {
    let mut world = World::registered();
    for _ in 0..6 {
        world.lose_flow(FlowErrorKind::Lost);
        let (at, _) = world.phone.poll_timeout().unwrap();
        world.advance(at - world.boot);
        world.open_flow();
        world.grant();
    }
    world.advance(SECOND * 20);
    world.handle(Input::ProbeAnswered { flow: world.flow });
    world.outputs.clear();
    // Nothing more is heard of it: it is replaced, and its successor does not come about.
    world.advance(SECOND * 20);
    world.advance(SECOND * 4);
    world.advance(SECOND * 4);
    assert_eq!(world.lamp(), RegistrationState::Unreachable);
    world.outputs.retain(|output| matches!(output, Output::OpenFlow { .. }));
    let (flow, _) = world.asked_flow();
    world.handle(Input::FlowFailed { flow, error: failed(FlowErrorKind::Unreachable) });
    let (at, _) = world.phone.poll_timeout().unwrap();
    assert!(at - world.boot <= SECOND, "{:?}", at - world.boot);
}

/// How long after it lost its connection a phone without a network looks for its server, in a day.
fn looks() -> Vec<Duration> {
    let mut world = World::registered();
    let lost = world.boot;
    world.lose_flow(FlowErrorKind::Lost);
    let mut looks = Vec::new();
    while world.boot < lost + SECOND * 86_400 {
        let (at, _) = world.phone.poll_timeout().unwrap();
        world.advance(at - world.boot);
        looks.push(world.boot - lost);
        let (flow, _) = world.asked_flow();
        world.handle(Input::FlowFailed { flow, error: failed(FlowErrorKind::Unreachable) });
        world.events.clear();
    }
    looks
}

/// The figures of docs/adr/0005.
#[test]
fn a_short_outage_is_looked_at_often_and_a_long_one_seldom() {
    let looks = looks();
    let until = |end: u32| looks.iter().filter(|at| **at < SECOND * end).count();
    let counts = [until(300), until(3600), until(7200) - until(3600), until(86_400)];
    assert_eq!(
        counts,
        [24, 68, 40, 993],
        "in five minutes, in the first hour, the second, the day"
    );
    for pair in looks.windows(2) {
        let longest = (pair[0] / 8).clamp(SECOND * 15, SECOND * 120);
        assert!(pair[1] - pair[0] <= longest, "{pair:?}");
    }
}

#[test]
fn a_registration_that_expired_is_not_shown_as_one() {
    let mut world = World::registered();
    while world.sent.is_empty() {
        world.handle(Input::ProbeAnswered { flow: world.flow });
        world.advance(SECOND * 5);
    }
    let refresh = world.request(Method::Register);
    let mut response = refresh.response(StatusCode::SERVICE_UNAVAILABLE, Some("s"));
    response.headers.push(HeaderName::RETRY_AFTER, "3600");
    world.receive(response);
    assert_eq!(world.lamp(), RegistrationState::Failed);
    // Asleep beyond the expiry of a registration that looked good.
    let mut world = World::registered();
    world.boot += SECOND * 700;
    world.phone.handle_timeout(world.now());
    assert_ne!(world.lamp(), RegistrationState::Registered);
}

#[test]
fn servers_are_tried_in_order_before_any_pause() {
    let mut config = config();
    config.servers.push("wss://second.example".parse().unwrap());
    let mut world = World::with(config, None);
    world.command(Command::Register).unwrap();
    let (flow, server) = world.asked_flow();
    assert_eq!(server.host, "pbx.example");
    world.handle(Input::FlowFailed { flow, error: failed(FlowErrorKind::TimedOut) });
    let (flow, server) = world.asked_flow();
    assert_eq!(server.host, "second.example");
    world.handle(Input::FlowFailed { flow, error: failed(FlowErrorKind::TimedOut) });
    assert!(world.outputs.is_empty());
    world.advance(SECOND);
    assert_eq!(world.asked_flow().1.host, "pbx.example");
}

#[test]
fn a_wrong_certificate_is_a_failure_that_is_not_hammered() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    let (flow, _) = world.asked_flow();
    world.handle(Input::FlowFailed { flow, error: failed(FlowErrorKind::CertificateName) });
    assert_eq!(world.lamp(), RegistrationState::Failed);
    world.advance(SECOND * 149);
    assert!(world.outputs.is_empty());
}

#[test]
fn a_server_that_refuses_the_websocket_may_only_be_starting() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    let (flow, _) = world.asked_flow();
    world.handle(Input::FlowFailed { flow, error: failed(FlowErrorKind::WebSocket) });
    assert_eq!(world.lamp(), RegistrationState::Failed);
    world.advance(SECOND);
    world.open_flow();
    world.grant();
    assert_eq!(world.lamp(), RegistrationState::Registered);
}

#[test]
fn a_quiet_flow_is_probed_twice_then_given_up_and_replaced() {
    let mut world = World::registered();
    world.advance(SECOND * 20);
    let probe = Output::Probe { flow: world.flow };
    assert_eq!(world.outputs.pop_front(), Some(probe.clone()));
    world.advance(SECOND * 4);
    assert_eq!(world.outputs.pop_front(), Some(probe));
    assert_eq!(world.lamp(), RegistrationState::Registered);
    world.advance(SECOND * 4);
    assert_eq!(world.lamp(), RegistrationState::Unreachable);
    let problem = world.phone.snapshot().registration.problem;
    assert_eq!(problem, Some(RegistrationProblem::NoAnswer));
    assert_eq!(world.outputs.pop_front(), Some(Output::CloseFlow { flow: world.flow }));
    world.open_flow();
    world.grant();
    assert_eq!(world.lamp(), RegistrationState::Registered);
}

#[test]
fn a_network_that_changes_when_the_last_probe_is_overdue_has_one_more() {
    let mut world = World::registered();
    world.advance(SECOND * 24);
    world.outputs.clear();
    // The process was suspended, and hears of the network before its timers.
    world.boot += SECOND * 10;
    world.handle(Input::NetworkChanged(Handover::BreakBeforeMake));
    let probe = Output::Probe { flow: world.flow };
    assert_eq!(world.take(|output| *output == probe), Some(probe.clone()));
}

#[test]
fn a_short_registration_is_refreshed_ten_seconds_before_its_end() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    world.open_flow();
    let register = world.request(Method::Register);
    world.grant_to(&register, &["<sip:agent1@192.0.2.9:40001;transport=ws>;expires=60"]);
    world.advance_unasked(SECOND * 49);
    world.silent();
    world.advance_unasked(SECOND);
    world.request(Method::Register);
}

#[test]
fn any_sign_of_life_puts_the_probe_off() {
    let mut world = World::registered();
    world.advance(SECOND * 19);
    world.receive_bytes(b"\r\n".to_vec());
    world.advance(SECOND * 19);
    assert!(world.outputs.is_empty());
    world.advance(SECOND);
    assert_eq!(world.outputs.pop_front(), Some(Output::Probe { flow: world.flow }));
}

#[test]
fn the_binding_of_the_old_flow_is_removed_by_the_first_register_of_the_new() {
    let mut world = World::registered();
    let old = "sip:agent1@192.0.2.9:40001;transport=ws";
    assert_eq!(world.saved.as_ref().unwrap().contact.as_deref(), Some(old));
    world.lose_flow(FlowErrorKind::Lost);
    world.advance(SECOND);
    world.open_flow();
    let register = world.request(Method::Register);
    let listed = contacts(&register);
    assert_eq!(listed.len(), 2);
    assert!(listed[0].contains("+sip.instance"), "ours comes first: only the first is rewritten");
    assert_eq!(listed[1], format!("<{old}>;expires=0"));
    world.grant_to(&register, &["<sip:agent1@192.0.2.9:40002;transport=ws>;expires=600"]);
    world.command(Command::Register).unwrap();
    let again = world.request(Method::Register);
    assert_eq!(contacts(&again).len(), 1, "what was removed is not removed again");
    world.grant_to(&again, &["<sip:agent1@192.0.2.9:40002;transport=ws>;expires=600"]);
    world.advance(SECOND * 20);
    world.silent();
}

#[test]
fn a_binding_that_is_listed_with_our_own_host_is_removed_by_its_address() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    world.open_flow();
    let mut register = world.request(Method::Register);
    let seen = ";received=2001:db8::9;rport=40001";
    let via = register.headers.get(&HeaderName::VIA).unwrap().replace(";rport", seen);
    register.headers.set(HeaderName::VIA, via);
    let ours = contacts(&register)[0].split(';').take(2).collect::<Vec<_>>().join(";");
    world.grant_to(&register, &[&ours]);
    assert_eq!(world.lamp(), RegistrationState::Registered);
    world.lose_flow(FlowErrorKind::Lost);
    world.advance(SECOND);
    world.open_flow();
    let register = world.request(Method::Register);
    let removed = "<sip:agent1@[2001:db8::9]:40001;transport=ws>;expires=0";
    assert_eq!(contacts(&register)[1..], [removed], "and never our own Contact");
    // The server that binds the address of the flow found it to be the same one.
    world.grant_to(&register, &[]);
    let again = world.grant();
    assert_eq!(contacts(&again).len(), 1);
    world.silent();
}

/// What is listed is repeated in our next REGISTER: not if it is longer than any address.
#[test]
fn a_binding_that_is_listed_by_too_long_a_name_is_left_to_expire() {
    let name = format!("sip:agent1@192.0.2.9:40001;x={}", "y".repeat(1280));
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    world.open_flow();
    let register = world.request(Method::Register);
    world.grant_to(&register, &[&format!("<{name}>;expires=600")]);
    assert_eq!(world.lamp(), RegistrationState::Registered);
    world.lose_flow(FlowErrorKind::Lost);
    world.advance(SECOND);
    world.open_flow();
    let register = world.request(Method::Register);
    assert_eq!(contacts(&register).len(), 1);
}

#[test]
fn the_binding_of_a_killed_process_is_removed_by_the_next() {
    let mut before = World::registered();
    before.command(Command::Register).unwrap();
    let last = before.grant();
    let sequence = last.headers.cseq().unwrap().sequence;
    let saved = before.saved.unwrap();
    let mut world = World::with(config(), Some(saved));
    world.command(Command::Register).unwrap();
    world.open_flow();
    let register = world.request(Method::Register);
    assert_eq!(contacts(&register).len(), 2);
    // RFC 3261 §10.2: one Call-ID, and each number is one more.
    assert_eq!(register.headers.call_id(), last.headers.call_id());
    assert_eq!(register.headers.cseq().unwrap().sequence, sequence + 1);
}

#[test]
fn the_binding_of_another_phone_is_never_taken_for_ours() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    world.open_flow();
    let mut register = world.request(Method::Register);
    let via = register
        .headers
        .get(&HeaderName::VIA)
        .unwrap()
        .replace(";rport", ";received=192.0.2.9;rport=40001");
    register.headers.set(HeaderName::VIA, via);
    // Behind the same address, too.
    let other = "<sip:agent1@192.0.2.9:1234;transport=ws>;expires=600";
    let ours = "<sip:agent1@192.0.2.9:40001;transport=ws>;expires=300";
    world.grant_to(&register, &[other, ours]);
    let saved = world.saved.clone().unwrap().contact;
    assert_eq!(saved.as_deref(), Some("sip:agent1@192.0.2.9:40001;transport=ws"));
    // 300 s were granted to ours, whatever the other has.
    let (at, reason) = world.phone.poll_timeout().unwrap();
    assert_eq!(reason, TimerReason::KeepAlive, "{at:?}");
    world.lose_flow(FlowErrorKind::Lost);
    world.advance(SECOND);
    world.open_flow();
    let register = world.request(Method::Register);
    world.grant_to(&register, &[other, "<sip:agent1@192.0.2.77:9;transport=ws>;expires=600"]);
    assert_eq!(world.saved.unwrap().contact, None, "nothing says which is ours");
}

#[test]
fn signing_out_takes_the_binding_away_then_closes_the_flow() {
    let mut world = World::registered();
    world.command(Command::Unregister).unwrap();
    let register = world.request(Method::Register);
    assert_eq!(contacts(&register).len(), 1);
    assert!(contacts(&register)[0].contains(";expires=0"));
    world.grant_to(&register, &[]);
    assert_eq!(world.lamp(), RegistrationState::Unregistered);
    assert_eq!(world.outputs.pop_front(), Some(Output::CloseFlow { flow: world.flow }));
    assert_eq!(world.saved.as_ref().unwrap().contact, None);
    assert_eq!(world.phone.poll_timeout(), None, "signed out, nothing wakes the phone");
}

#[test]
fn signing_out_and_going_to_sleep_wait_for_the_server_a_little() {
    for leave in [Command::Unregister, Command::Sleep] {
        let mut world = World::registered();
        world.command(leave).unwrap();
        let register = world.request(Method::Register);
        world.advance(SECOND);
        let closed = |output: &Output| matches!(output, Output::CloseFlow { .. });
        assert!(world.take(closed).is_none());
        world.reply(&register, 200);
        assert!(world.take(closed).is_some());
    }
}

#[test]
fn signing_out_is_done_though_the_password_is_refused() {
    let mut world = World::registered();
    world.command(Command::Unregister).unwrap();
    let register = world.request(Method::Register);
    world.challenge_to(&register, "n2", false);
    if let Some(Message::Request(again)) = world.sent.pop_front() {
        world.challenge_to(&again, "n3", false);
    }
    assert_eq!(world.lamp(), RegistrationState::Unregistered);
    assert!(world.take(|output| matches!(output, Output::CloseFlow { .. })).is_some());
}

#[test]
fn signing_out_does_not_wait_for_a_server_that_is_silent() {
    let mut world = World::registered();
    world.command(Command::Unregister).unwrap();
    world.advance(SECOND * 2);
    assert_eq!(world.lamp(), RegistrationState::Unregistered);
    assert_eq!(world.phone.poll_timeout(), None);
}

#[test]
fn signing_in_again_while_signing_out_opens_a_new_flow() {
    let mut world = World::registered();
    world.command(Command::Unregister).unwrap();
    world.command(Command::Register).unwrap();
    world.sent.clear();
    world.open_flow();
    world.grant();
    assert_eq!(world.lamp(), RegistrationState::Registered);
}

#[test]
fn a_change_of_network_probes_the_flow_and_replaces_it_when_it_is_silent() {
    let mut world = World::registered();
    world.handle(Input::NetworkChanged(Handover::BreakBeforeMake));
    assert_eq!(world.outputs.pop_front(), Some(Output::Probe { flow: world.flow }));
    world.handle(Input::ProbeAnswered { flow: world.flow });
    world.advance(SECOND * 3);
    assert!(world.outputs.is_empty(), "the flow lives");
    world.handle(Input::NetworkChanged(Handover::BreakBeforeMake));
    world.advance(SECOND * 2);
    assert_eq!(world.lamp(), RegistrationState::Unreachable);
    world.open_flow();
    world.grant();
    assert_eq!(world.lamp(), RegistrationState::Registered);
}

#[test]
fn a_register_without_answer_means_a_dead_flow() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    world.open_flow();
    world.request(Method::Register);
    for _ in 0..33 {
        world.handle(Input::ProbeAnswered { flow: world.flow });
        world.advance(SECOND);
    }
    assert_eq!(world.lamp(), RegistrationState::Unreachable);
    world.open_flow();
}

#[test]
fn a_driver_that_never_reports_is_not_waited_for() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    let (flow, _) = world.asked_flow();
    world.advance(SECOND * 15);
    assert_eq!(world.outputs.pop_front(), Some(Output::CloseFlow { flow }));
    world.advance(SECOND);
    world.asked_flow();
}

#[test]
fn a_challenge_without_end_is_given_up() {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    world.open_flow();
    for turn in 0..20 {
        let Some(Message::Request(request)) = world.sent.pop_front() else { break };
        world.challenge_to(&request, &format!("n{turn}"), true);
        assert!(turn < 10, "challenged for ever");
    }
    assert_eq!(world.lamp(), RegistrationState::Failed);
}

#[test]
fn the_same_entropy_and_inputs_give_the_same_bytes() {
    let run = || {
        let mut world = World::registered();
        let invite = world.invite(call_id(1));
        world.receive(invite);
        world.described(call_id(1));
        world.command(Command::Answer { call: call_id(1) }).unwrap();
        world.advance(SECOND * 100);
        let sent: Vec<_> = world.sent.iter().map(Message::to_bytes).collect();
        (sent, format!("{:?}", world.phone))
    };
    assert_eq!(run(), run());
}

#[test]
fn no_password_is_in_the_debug_output_or_in_what_is_saved() {
    let world = World::registered();
    assert!(!format!("{:?}", world.phone).contains("geheim"));
    assert!(!format!("{:?}", world.saved).contains("geheim"));
}

/// 200 to a REGISTER with these fields.
fn grant_with(world: &mut World, register: &Request, fields: &[(HeaderName, &str)]) {
    let mut response = register.response(StatusCode::OK, Some("server"));
    response
        .headers
        .push(HeaderName::CONTACT, "<sip:agent1@192.0.2.9:40001;transport=ws>;expires=600");
    for (name, value) in fields {
        response.headers.push(name.clone(), *value);
    }
    world.receive(response);
}

fn signed_in(fields: &[(HeaderName, &str)]) -> World {
    let mut world = World::new();
    world.command(Command::Register).unwrap();
    world.open_flow();
    let register = world.request(Method::Register);
    grant_with(&mut world, &register, fields);
    world
}

#[test]
fn requests_outside_dialogs_go_by_the_service_route() {
    let routes = [
        (HeaderName::SERVICE_ROUTE, "<sip:edge.example;lr>, <sip:home.example;lr>"),
        (HeaderName::SERVICE_ROUTE, "<sip:last.example;lr>"),
    ];
    let mut world = signed_in(&routes);
    let id = call_id(1);
    world.command(Command::Dial { call: id, to: "200".to_owned() }).unwrap();
    world.described(id);
    let invite = world.request(Method::Invite);
    let expected = ["<sip:edge.example;lr>", "<sip:home.example;lr>", "<sip:last.example;lr>"];
    assert_eq!(invite.headers.list(&HeaderName::ROUTE), expected);
    // Challenged: the routes stay as they are. The ACK of a refusal goes the same way.
    world.challenge_to(&invite, "n2", false);
    assert_eq!(world.request(Method::Ack).headers.list(&HeaderName::ROUTE), expected);
    // The realm is not ours, before the registrar has asked in it.
    assert_eq!(world.state(id), None);
    // Inside a dialog the record route counts, and REGISTER itself goes straight.
    world.command(Command::Dial { call: call_id(2), to: "200".to_owned() }).unwrap();
    world.described(call_id(2));
    let invite = world.request(Method::Invite);
    world.reply_sdp(&invite, 200, "bob", &sdp("sendrecv"));
    assert!(!world.request(Method::Ack).headers.has(&HeaderName::ROUTE));
    world.command(Command::Register).unwrap();
    let register = world.request(Method::Register);
    assert!(!register.headers.has(&HeaderName::ROUTE));
    // RFC 3608 §5.1: what the last response says counts.
    grant_with(&mut world, &register, &[]);
    world.command(Command::Dial { call: call_id(3), to: "200".to_owned() }).unwrap();
    world.described(call_id(3));
    assert!(!world.request(Method::Invite).headers.has(&HeaderName::ROUTE));
}

#[test]
fn a_service_route_that_is_none_or_too_long_is_not_used() {
    let long = ["<sip:a;lr>"; 9].join(",");
    for route in ["<sip:a>", "<http://a;lr>", "nonsense<", long.as_str(), "<sip:a;lr>, <sip:b>"] {
        let mut world = signed_in(&[(HeaderName::SERVICE_ROUTE, route)]);
        assert_eq!(world.lamp(), RegistrationState::Registered);
        world.command(Command::Dial { call: call_id(1), to: "200".to_owned() }).unwrap();
        world.described(call_id(1));
        assert!(!world.request(Method::Invite).headers.has(&HeaderName::ROUTE), "{route}");
    }
}

#[test]
fn a_service_route_of_eight_hops_is_used() {
    let routes = ["<sip:a;lr>"; 8].join(",");
    let mut world = signed_in(&[(HeaderName::SERVICE_ROUTE, routes.as_str())]);
    world.command(Command::Dial { call: call_id(1), to: "200".to_owned() }).unwrap();
    world.described(call_id(1));
    assert_eq!(world.request(Method::Invite).headers.list(&HeaderName::ROUTE).len(), 8);
}

#[test]
fn a_flow_timer_bounds_the_time_between_probes() {
    // What the server says, and after how long a quiet flow is probed; 20 s is configured.
    for (said, expected) in
        [("10", 8_000), ("120", 20_000), ("1", 5_000), ("0", 20_000), ("x", 20_000)]
    {
        let mut world = signed_in(&[(HeaderName::FLOW_TIMER, said)]);
        world.outputs.clear();
        let probed =
            |world: &World| world.outputs.iter().any(|o| matches!(o, Output::Probe { .. }));
        world.advance(Duration::from_millis(expected - 1));
        assert!(!probed(&world), "{said}");
        world.advance(Duration::from_millis(1));
        assert!(probed(&world), "{said}");
    }
}

#[test]
fn an_interval_that_is_no_longer_than_ours_or_longer_than_any_is_not_taken_up() {
    for least in ["60", "600", "4000000000"] {
        let mut world = World::new();
        world.command(Command::Register).unwrap();
        world.open_flow();
        let register = world.request(Method::Register);
        let mut response = register.response(StatusCode::INTERVAL_TOO_BRIEF, Some("s"));
        response.headers.push(HeaderName::MIN_EXPIRES, least);
        world.receive(response);
        world.silent();
        let problem = world.phone.snapshot().registration.problem;
        let is_refused = matches!(problem, Some(RegistrationProblem::Refused { status: 423, .. }));
        assert!(is_refused, "{least}: {problem:?}");
    }
}
