//! The layer in virtual time: matching, routing and limits; and what the machines' tests share.

use super::*;
use crate::{NameAddr, Uri};

const FLOW: FlowId = FlowId(1);
const OTHER_FLOW: FlowId = FlowId(2);
use Reliability::{Reliable, Unreliable};

pub(super) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(super) fn request(method: Method, branch: &str) -> Request {
    let mut request = Request::new(method.clone(), Uri::sip("bob", "example.com"));
    let headers = &mut request.headers;
    headers.push(HeaderName::VIA, format!("SIP/2.0/WSS a.invalid{branch}"));
    headers.push(
        HeaderName::FROM,
        NameAddr::new(Uri::sip("anna", "example.com")).with_tag("a").to_string(),
    );
    headers.push(HeaderName::TO, "<sip:bob@example.com>");
    headers.push(HeaderName::CALL_ID, "call-1");
    headers.push(HeaderName::CSEQ, format!("1 {method}"));
    request
}

/// A response to `request` from the other side or the user.
pub(super) fn response(request: &Request, code: u16) -> Response {
    request.response(status(code), Some("b"))
}

fn status(code: u16) -> StatusCode {
    StatusCode::new(code).unwrap()
}

fn transactions() -> Transactions {
    Transactions::new(Timers::default())
}

fn drain(transactions: &mut Transactions) -> Vec<TransactionOutput> {
    std::iter::from_fn(|| transactions.poll_output()).collect()
}

/// Outputs in short: what is sent and told.
fn told(transactions: &mut Transactions) -> Vec<String> {
    let describe = |output| match output {
        TransactionOutput::Transmit { message: Message::Request(r), flow } => {
            format!("send {} on {}", r.method, flow.0)
        }
        TransactionOutput::Transmit { message: Message::Response(r), flow } => {
            format!("send {} on {}", r.status, flow.0)
        }
        TransactionOutput::Request { request, .. } => format!("request {}", request.method),
        TransactionOutput::Ack { .. } => "ack".to_owned(),
        TransactionOutput::Response { response, key } => {
            format!("response {} to {}", response.status, key.method)
        }
        TransactionOutput::ClientTimedOut { key } => format!("client timed out {}", key.method),
        TransactionOutput::ClientFlowLost { key } => format!("client flow lost {}", key.method),
        TransactionOutput::ServerTimedOut { key } => format!("server timed out {}", key.method),
    };
    drain(transactions).into_iter().map(describe).collect()
}

/// Lets time pass timer by timer; what happened, with its time in milliseconds.
fn run_until(transactions: &mut Transactions, end: Duration) -> Vec<(u64, String)> {
    let mut happened = Vec::new();
    while let Some((at, _)) = transactions.poll_timeout().filter(|(at, _)| *at <= end) {
        transactions.handle_timeout(at);
        let at = u64::try_from(at.as_millis()).unwrap();
        happened.extend(told(transactions).into_iter().map(|what| (at, what)));
    }
    happened
}

/// A request comes in and opens its transaction.
fn opened(t: &mut Transactions, request: &Request, reliability: Reliability) -> ServerKey {
    t.receive(request.clone().into(), FLOW, reliability, ms(0));
    match drain(t).pop() {
        Some(TransactionOutput::Request { key, .. }) => key,
        other => panic!("{other:?} is no request"),
    }
}

pub(super) const BRANCH: &str = ";branch=z9hG4bK1";

#[test]
fn a_response_goes_to_the_transaction_of_its_branch_and_method() {
    let mut t = transactions();
    let invite = request(Method::Invite, BRANCH);
    let cancel = request(Method::Cancel, BRANCH);
    t.send(invite.clone(), FLOW, Reliable, ms(0));
    t.receive(invite.response(status(180), Some("b")).into(), FLOW, Reliable, ms(10));
    t.send(cancel.clone(), FLOW, Reliable, ms(20));
    t.receive(cancel.response(status(200), Some("b")).into(), FLOW, Reliable, ms(30));
    t.receive(invite.response(status(487), Some("b")).into(), FLOW, Reliable, ms(40));
    let expected = [
        "send INVITE on 1",
        "response 180 to INVITE",
        "send CANCEL on 1",
        "response 200 to CANCEL",
        "send ACK on 1",
        "response 487 to INVITE",
    ];
    assert_eq!(told(&mut t), expected);
    assert_eq!(t.poll_timeout(), None);
}

#[test]
fn a_stray_response_is_dropped() {
    let mut t = transactions();
    let stray = request(Method::Options, BRANCH).response(status(200), Some("b"));
    t.receive(stray.into(), FLOW, Reliable, ms(0));
    assert_eq!(drain(&mut t), []);
}

#[test]
fn a_response_with_two_vias_is_dropped() {
    let mut t = transactions();
    let options = request(Method::Options, BRANCH);
    t.send(options.clone(), FLOW, Reliable, ms(0));
    drain(&mut t);
    let mut response = options.response(status(200), Some("b"));
    response.headers.push(HeaderName::VIA, "SIP/2.0/UDP b.example.com;branch=z9hG4bK2");
    t.receive(response.into(), FLOW, Reliable, ms(1));
    assert_eq!(drain(&mut t), []);
}

#[test]
fn an_ack_is_sent_without_a_transaction() {
    let mut t = transactions();
    t.send(request(Method::Ack, BRANCH), FLOW, Reliable, ms(0));
    assert_eq!(told(&mut t), ["send ACK on 1"]);
    assert_eq!(t.poll_timeout(), None);
}

#[test]
fn a_cancelled_invite_waits_no_longer_than_64_t1() {
    let mut t = transactions();
    let invite = request(Method::Invite, BRANCH);
    t.send(invite.clone(), FLOW, Reliable, ms(0));
    t.receive(invite.response(status(180), Some("b")).into(), FLOW, Reliable, ms(10));
    assert_eq!(t.poll_timeout(), None, "a ringing call has no timer");
    let cancel = request(Method::Cancel, BRANCH);
    t.send(cancel.clone(), FLOW, Reliable, ms(20));
    t.receive(cancel.response(status(200), None).into(), FLOW, Reliable, ms(30));
    drain(&mut t);
    assert_eq!(t.poll_timeout(), Some((ms(32_020), "Cancel")));
    let happened = run_until(&mut t, ms(60_000));
    assert_eq!(happened, [(32_020, "client timed out INVITE".to_owned())]);
}

#[test]
fn a_lost_flow_fails_its_unanswered_requests_and_no_others() {
    let mut t = transactions();
    t.send(request(Method::Invite, BRANCH), FLOW, Reliable, ms(0));
    t.send(request(Method::Register, ";branch=z9hG4bK2"), FLOW, Reliable, ms(0));
    t.send(request(Method::Options, ";branch=z9hG4bK3"), OTHER_FLOW, Reliable, ms(0));
    drain(&mut t);
    t.flow_lost(FLOW, ms(1));
    assert_eq!(told(&mut t), ["client flow lost INVITE", "client flow lost REGISTER"]);
    t.flow_lost(FLOW, ms(2));
    assert_eq!(drain(&mut t), []);
    assert_eq!(t.poll_timeout(), Some((ms(32_000), "F")));
}

#[test]
fn responses_to_a_lost_flow_are_dropped_until_the_request_comes_on_another() {
    let mut t = transactions();
    let invite = request(Method::Invite, BRANCH);
    let key = opened(&mut t, &invite, Reliable);
    t.flow_lost(FLOW, ms(1));
    assert!(t.respond(&key, invite.response(status(180), Some("b")), ms(2)));
    assert_eq!(drain(&mut t), []);
    t.receive(invite.clone().into(), OTHER_FLOW, Reliable, ms(3));
    assert_eq!(told(&mut t), ["send 180 on 2"]);
    assert!(t.respond(&key, invite.response(status(200), Some("b")), ms(4)));
    assert_eq!(told(&mut t), ["send 200 on 2"]);
}

#[test]
fn an_invite_without_an_answer_gets_its_100_after_200_ms() {
    let mut t = transactions();
    let mut invite = request(Method::Invite, BRANCH);
    invite.headers.push(HeaderName::new("Timestamp"), "54");
    opened(&mut t, &invite, Reliable);
    assert_eq!(t.poll_timeout(), Some((ms(200), "Trying")));
    t.handle_timeout(ms(200));
    let [TransactionOutput::Transmit { message: Message::Response(trying), .. }] =
        &drain(&mut t)[..]
    else {
        panic!("no 100");
    };
    assert_eq!(trying.status, StatusCode::TRYING);
    assert_eq!(trying.headers.get(&HeaderName::new("Timestamp")).as_deref(), Some("54"));
    assert_eq!(t.poll_timeout(), None);
}

#[test]
fn an_ack_for_a_2xx_goes_up_and_ends_the_wait_for_it() {
    let mut t = transactions();
    let invite = request(Method::Invite, BRANCH);
    let key = opened(&mut t, &invite, Reliable);
    assert!(t.respond(&key, invite.response(status(200), Some("b")), ms(100)));
    assert!(
        t.respond(&key, invite.response(status(200), Some("b")), ms(600)),
        "the user repeats it"
    );
    assert_eq!(told(&mut t), ["send 200 on 1", "send 200 on 1"]);
    t.receive(request(Method::Ack, ";branch=z9hG4bK2").into(), FLOW, Reliable, ms(700));
    assert_eq!(told(&mut t), ["ack"]);
    assert_eq!(run_until(&mut t, ms(60_000)), []);
    assert_eq!(t.poll_timeout(), None);
}

#[test]
fn a_2xx_without_an_ack_times_out() {
    let mut t = transactions();
    let invite = request(Method::Invite, BRANCH);
    let key = opened(&mut t, &invite, Reliable);
    t.respond(&key, invite.response(status(200), Some("b")), ms(100));
    drain(&mut t);
    let mut other_call = request(Method::Ack, ";branch=z9hG4bK2");
    other_call.headers.set(HeaderName::CALL_ID, "call-2");
    t.receive(other_call.into(), FLOW, Reliable, ms(200));
    assert_eq!(told(&mut t), ["ack"]);
    let expected = [(32_100, "server timed out INVITE".to_owned())];
    assert_eq!(run_until(&mut t, ms(60_000)), expected);
}

#[test]
fn an_ack_for_a_refusal_is_absorbed() {
    let mut t = transactions();
    let invite = request(Method::Invite, BRANCH);
    let key = opened(&mut t, &invite, Reliable);
    assert!(t.respond(&key, invite.response(status(486), Some("b")), ms(100)));
    assert!(!t.respond(&key, invite.response(status(200), Some("b")), ms(101)));
    assert_eq!(told(&mut t), ["send 486 on 1"]);
    t.receive(request(Method::Ack, BRANCH).into(), FLOW, Reliable, ms(150));
    assert_eq!(drain(&mut t), []);
    assert_eq!(t.poll_timeout(), None);
}

#[test]
fn a_cancel_has_a_transaction_of_its_own() {
    let mut t = transactions();
    let invite_key = opened(&mut t, &request(Method::Invite, BRANCH), Reliable);
    let cancel = request(Method::Cancel, BRANCH);
    let cancel_key = opened(&mut t, &cancel, Reliable);
    assert_eq!(Transactions::invite_of(&cancel_key), invite_key);
    assert!(t.is_pending(&invite_key) && t.is_pending(&cancel_key));
    assert!(t.respond(&cancel_key, cancel.response(status(200), Some("b")), ms(1)));
    assert!(t.is_pending(&invite_key) && !t.is_pending(&cancel_key));
}

#[test]
fn requests_of_one_branch_but_another_sender_are_two() {
    let mut t = transactions();
    let first = opened(&mut t, &request(Method::Options, BRANCH), Unreliable);
    let mut options = request(Method::Options, BRANCH);
    options.headers.set(HeaderName::VIA, "SIP/2.0/WSS b.invalid:5060;branch=z9hG4bK1");
    let second = opened(&mut t, &options, Unreliable);
    assert_ne!(first, second);
}

#[test]
fn without_the_magic_cookie_requests_are_matched_as_rfc_2543_says() {
    for branch in ["", ";branch=1", ";branch=z9hG4bK"] {
        let mut t = transactions();
        let invite = request(Method::Invite, branch);
        let key = opened(&mut t, &invite, Unreliable);
        t.respond(&key, invite.response(status(486), Some("b")), ms(1));
        t.receive(invite.clone().into(), FLOW, Unreliable, ms(2));
        assert_eq!(told(&mut t), ["send 486 on 1", "send 486 on 1"]);
        let mut ack = request(Method::Ack, branch);
        ack.headers.set(HeaderName::TO, "<sip:bob@example.com>;tag=b");
        t.receive(ack.into(), FLOW, Unreliable, ms(3));
        assert_eq!(drain(&mut t), []);

        let cancel_key = opened(&mut t, &request(Method::Cancel, branch), Unreliable);
        assert_eq!(Transactions::invite_of(&cancel_key), key);
        let mut next = invite.clone();
        next.headers.set(HeaderName::CSEQ, "2 INVITE");
        assert_ne!(opened(&mut t, &next, Unreliable), key);
    }
}

#[test]
fn over_the_limit_a_request_is_refused_without_a_transaction() {
    let mut t = transactions();
    for number in 0..MAX_SERVER_TRANSACTIONS {
        opened(&mut t, &request(Method::Options, &format!(";branch=z9hG4bK{number}")), Reliable);
    }
    let over = request(Method::Options, ";branch=z9hG4bKover");
    for _ in 0..2 {
        t.receive(over.clone().into(), FLOW, Reliable, ms(0));
        assert_eq!(told(&mut t), ["send 503 on 1"]);
    }
    t.receive(request(Method::Ack, ";branch=z9hG4bKover").into(), FLOW, Reliable, ms(0));
    assert_eq!(told(&mut t), ["ack"]);
    let first = ServerKey::of(&request(Method::Options, ";branch=z9hG4bK0")).unwrap();
    t.respond(&first, over.response(status(200), Some("b")), ms(1));
    drain(&mut t);
    opened(&mut t, &over, Reliable);
}

#[test]
fn after_a_2xx_no_other_response_is_taken() {
    let mut t = transactions();
    let invite = request(Method::Invite, BRANCH);
    let key = opened(&mut t, &invite, Reliable);
    assert!(t.respond(&key, response(&invite, 200), ms(1)));
    assert!(!t.respond(&key, response(&invite, 486), ms(2)));
    assert!(!t.respond(&key, response(&invite, 180), ms(3)));
    assert_eq!(told(&mut t), ["send 200 on 1"]);
}

#[test]
fn the_earliest_timer_is_due_whichever_side_it_is_on() {
    let mut t = transactions();
    t.send(request(Method::Options, BRANCH), FLOW, Unreliable, ms(0));
    assert_eq!(t.poll_timeout(), Some((ms(500), "E")));
    opened(&mut t, &request(Method::Invite, BRANCH), Unreliable);
    assert_eq!(t.poll_timeout(), Some((ms(200), "Trying")));
    t.handle_timeout(ms(200));
    assert_eq!(t.poll_timeout(), Some((ms(500), "E")));
}

#[test]
fn timers_of_one_time_fire_in_the_order_of_keys() {
    let mut t = transactions();
    for branch in ["3", "1", "2"] {
        t.send(
            request(Method::Options, &format!(";branch=z9hG4bK{branch}")),
            FLOW,
            Reliable,
            ms(0),
        );
    }
    drain(&mut t);
    t.handle_timeout(ms(32_000));
    let timed_out = ["1", "2", "3"].map(|number| TransactionOutput::ClientTimedOut {
        key: ClientKey { branch: format!("z9hG4bK{number}"), method: Method::Options },
    });
    assert_eq!(drain(&mut t), timed_out);
}

#[test]
fn after_a_long_sleep_each_timer_fires_once() {
    let mut t = transactions();
    t.send(request(Method::Options, BRANCH), FLOW, Unreliable, ms(0));
    drain(&mut t);
    t.handle_timeout(ms(3_600_000));
    assert_eq!(told(&mut t), ["send OPTIONS on 1", "client timed out OPTIONS"]);
    assert_eq!(t.poll_timeout(), None);
}

#[test]
fn timers_of_zero_end_and_do_not_hold_the_loop() {
    let zero = Duration::ZERO;
    let mut t = Transactions::new(Timers { t1: zero, t2: zero, t4: zero });
    t.send(request(Method::Invite, BRANCH), FLOW, Unreliable, ms(0));
    opened(&mut t, &request(Method::Invite, ";branch=z9hG4bK2"), Unreliable);
    run_until(&mut t, ms(1_000));
    t.handle_timeout(ms(2_000));
}

#[test]
fn the_next_timer_is_the_earliest_of_all_machines() {
    let mut t = transactions();
    let (mut random, mut open, mut asked) = (7_u64, Vec::<ServerKey>::new(), Vec::new());
    let mut draw = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) as usize % below
    };
    let mut now = ms(0);
    for number in 0..2000 {
        let method = [Method::Invite, Method::Options][draw(2)].clone();
        let (branch, reliability) =
            (format!(";branch=z9hG4bK{}", draw(40)), [Reliable, Unreliable][draw(2)]);
        now += ms(draw(400) as u64);
        match draw(7) {
            0 => asked.push({
                t.send(request(method.clone(), &branch), FLOW, reliability, now);
                request(method, &branch)
            }),
            1 => t.receive(request(method, &branch).into(), FLOW, reliability, now),
            2 if !asked.is_empty() => {
                let code = [100, 200, 486][draw(3)];
                let answered = response(&asked[draw(asked.len())], code);
                t.receive(answered.into(), FLOW, reliability, now);
            }
            3 if !open.is_empty() => {
                let key = open[draw(open.len())].clone();
                let code = [180, 200, 486][draw(3)];
                t.respond(&key, response(&request(key.method.clone(), BRANCH), code), now);
            }
            4 if number % 50 == 0 => t.flow_lost(FLOW, now),
            5 if number % 50 == 0 => t.wait_again(now),
            _ => t.handle_timeout(now),
        }
        for output in drain(&mut t) {
            if let TransactionOutput::Request { key, .. } = output {
                open.push(key);
            }
        }
        let clients = t.clients.values().filter_map(|client| client.machine.next_timer());
        let servers = t.servers.values().filter_map(|server| server.machine.next_timer());
        let earliest = clients.chain(servers).map(|(at, _)| at).min();
        assert_eq!(t.poll_timeout().map(|(at, _)| at), earliest);
    }
    assert!(!open.is_empty() && t.poll_timeout().is_some(), "the test does something");
}
