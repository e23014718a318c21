//! The model as a phone sees it: raw bytes in, raw bytes out, in virtual time.

#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

use sidetone_pbx::{
    Extension, FlowId, LegId, LegPhase, MediaCommand, MediaDirection, Operator, Pbx, PbxConfig,
    PbxInput, PbxOutput, Push, PushKind, Strategy, Treatment,
};
use sidetone_sip::digest::{Credentials, DigestClient};
use sidetone_sip::{HeaderName, Message, Request, Response};
use std::collections::BTreeMap;
use std::time::Duration;

const SDP: &str =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n";

/// The switch with phones that are nothing but text.
struct Desk {
    pbx: Pbx,
    now: Duration,
    sent: BTreeMap<FlowId, Vec<Message>>,
    media: Vec<MediaCommand>,
    pushes: Vec<Push>,
    closed: Vec<FlowId>,
    bytes: Vec<u8>,
    digests: BTreeMap<String, DigestClient>,
    branch: u32,
}

impl Desk {
    fn new(config: PbxConfig) -> Self {
        Self {
            pbx: Pbx::new(config, [3; 32], Duration::ZERO),
            now: Duration::ZERO,
            sent: BTreeMap::new(),
            media: Vec::new(),
            pushes: Vec::new(),
            closed: Vec::new(),
            bytes: Vec::new(),
            digests: BTreeMap::new(),
            branch: 0,
        }
    }

    fn input(&mut self, input: PbxInput) {
        self.pbx.handle(input, self.now);
        self.settle();
    }

    /// Carries outputs out; every description succeeds at once.
    fn settle(&mut self) {
        while let Some(output) = self.pbx.poll_output() {
            match output {
                PbxOutput::Transmit { flow, bytes } => {
                    self.bytes.extend_from_slice(&bytes);
                    if let Ok(message) = Message::parse(&bytes) {
                        self.sent.entry(flow).or_default().push(message);
                    }
                }
                PbxOutput::CloseFlow { flow } => self.closed.push(flow),
                PbxOutput::Media(MediaCommand::Describe { leg, generation, direction, offer }) => {
                    self.media.push(MediaCommand::Describe { leg, generation, direction, offer });
                    let sdp = format!("{SDP}a={}\r\n", direction.as_str());
                    let described = PbxInput::Described { leg, generation, result: Ok(sdp) };
                    self.pbx.handle(described, self.now);
                }
                PbxOutput::Media(command) => self.media.push(command),
                PbxOutput::Push(push) => self.pushes.push(push),
            }
            self.pbx.check_invariants().unwrap();
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.pbx.poll_timeout().filter(|at| *at <= until) {
            self.now = at.max(self.now);
            self.pbx.handle_timeout(self.now);
            self.settle();
        }
        self.now = until;
    }

    fn open(&mut self, flow: u64) -> FlowId {
        let peer = format!("198.18.0.20:{}", 40000 + flow).parse().unwrap();
        self.input(PbxInput::FlowOpened { flow: FlowId(flow), peer });
        FlowId(flow)
    }

    fn send(&mut self, flow: FlowId, text: &str) {
        self.input(PbxInput::Received { flow, bytes: text.as_bytes().to_vec() });
    }

    fn take(&mut self, flow: FlowId) -> Vec<Message> {
        self.sent.remove(&flow).unwrap_or_default()
    }

    fn take_statuses(&mut self, flow: FlowId) -> Vec<u16> {
        let status = |message: &Message| match message {
            Message::Response(response) => Some(response.status.code()),
            Message::Request(_) => None,
        };
        self.take(flow).iter().filter_map(status).collect()
    }

    fn take_response(&mut self, flow: FlowId) -> Response {
        match self.take(flow).pop().expect("a message") {
            Message::Response(response) => response,
            Message::Request(request) => panic!("{} came", request.method),
        }
    }

    fn take_request(&mut self, flow: FlowId) -> Request {
        match self.take(flow).pop().expect("a message") {
            Message::Request(request) => request,
            Message::Response(response) => panic!("{} came", response.status),
        }
    }

    /// Sends a request of `user` and answers its challenge.
    fn authorized(&mut self, flow: FlowId, user: &str, text: impl Fn(u32) -> String) -> Response {
        for _ in 0..2 {
            self.branch += 1;
            let Message::Request(mut request) =
                Message::parse(text(self.branch).as_bytes()).unwrap()
            else {
                panic!("not a request")
            };
            let credentials =
                Credentials { username: user.to_owned(), password: format!("secret-{user}") };
            let digest = self.digests.entry(user.to_owned()).or_default();
            digest.admit("bench.test");
            digest.authorize(&mut request, &credentials, "c0ffee");
            let bytes = Message::from(request.clone()).to_bytes();
            self.input(PbxInput::Received { flow, bytes });
            // What the switch asks of this phone at once stays to be taken.
            let (requests, responses): (Vec<_>, Vec<_>) =
                self.take(flow).into_iter().partition(|m| matches!(m, Message::Request(_)));
            if !requests.is_empty() {
                self.sent.insert(flow, requests);
            }
            let Some(Message::Response(response)) = responses.last().cloned() else {
                panic!("no response")
            };
            if response.status.code() != 401 {
                return response;
            }
            self.digests.get_mut(user).unwrap().challenged(&request, &response).unwrap();
        }
        panic!("challenged twice")
    }

    fn register(&mut self, flow: FlowId, user: &str) -> Response {
        self.authorized(flow, user, |n| register(user, n, ""))
    }

    fn invite(&mut self, flow: FlowId, user: &str, number: &str, id: &str) -> Response {
        self.authorized(flow, user, |n| invite(user, number, id, n))
    }

    fn legs(&self) -> Vec<(LegId, LegPhase)> {
        self.pbx.legs().into_iter().map(|leg| (leg.id, leg.phase)).collect()
    }
}

fn register(user: &str, n: u32, extra: &str) -> String {
    format!(
        "REGISTER sip:bench.test SIP/2.0\r\nVia: SIP/2.0/WSS a.invalid;branch=z9hG4bK{n}\r\n\
         From: <sip:{user}@bench.test>;tag=r\r\nTo: <sip:{user}@bench.test>\r\nCall-ID: r-{user}\r\n\
         CSeq: {n} REGISTER\r\nContact: <sip:{user}@a.invalid;transport=ws>\r\n{extra}\r\n"
    )
}

fn invite(user: &str, number: &str, id: &str, n: u32) -> String {
    format!(
        "INVITE sip:{number}@bench.test SIP/2.0\r\nVia: SIP/2.0/WSS a.invalid;branch=z9hG4bK{n}\r\n\
         From: <sip:{user}@bench.test>;tag=c{id}\r\nTo: <sip:{number}@bench.test>\r\nCall-ID: {id}\r\n\
         CSeq: {n} INVITE\r\nContact: <sip:{user}@a.invalid;transport=ws>\r\n\
         Content-Type: application/sdp\r\n\r\n{SDP}"
    )
}

/// A request inside the dialog that a response to our INVITE made.
fn inside(response: &Response, method: &str, n: u32, body: &str) -> String {
    let field = |name| response.headers.get(&name).unwrap().into_owned();
    format!(
        "{method} sip:asterisk@198.18.0.10 SIP/2.0\r\nVia: SIP/2.0/WSS a.invalid;branch=z9hG4bKin{method}{n}\r\n\
         From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {n} {method}\r\n\
         Contact: <sip:x@a.invalid;transport=ws>\r\n\r\n{body}",
        field(HeaderName::FROM),
        field(HeaderName::TO),
        field(HeaderName::CALL_ID),
    )
}

fn sequence(response: &Response) -> u32 {
    response.headers.cseq().unwrap().sequence
}

/// A phone's response to a request of the switch.
fn reply(request: &Request, status: u16, body: &str) -> String {
    let status = sidetone_sip::StatusCode::new(status).unwrap();
    let mut response = request.response(status, Some("phone"));
    response.headers.push(HeaderName::CONTACT, "<sip:agent1@b.invalid;transport=ws>");
    response.body = body.as_bytes().to_vec();
    String::from_utf8(Message::from(response).to_bytes()).unwrap()
}

#[test]
fn a_register_is_challenged_and_its_contact_is_the_flows_address() {
    let mut desk = Desk::new(PbxConfig::bench());
    let flow = desk.open(1);
    desk.send(flow, &register("agent1", 900, ""));
    let challenge = desk.take_response(flow);
    assert_eq!(challenge.status.code(), 401);
    assert!(challenge.headers.get(&HeaderName::WWW_AUTHENTICATE).unwrap().contains("bench.test"));

    let ok = desk.register(flow, "agent1");
    assert_eq!(ok.status.code(), 200);
    let contact = ok.headers.get(&HeaderName::CONTACT).unwrap();
    assert!(contact.starts_with("<sip:agent1@198.18.0.20:40001;transport=ws"), "{contact}");
    assert!(contact.ends_with(";expires=300"), "{contact}");
    let via = ok.headers.via().unwrap();
    assert_eq!(via.rport(), Some(40001));
}

#[test]
fn a_kept_nonce_spares_the_round_trip_until_it_is_stale() {
    let mut desk = Desk::new(PbxConfig::bench());
    let flow = desk.open(1);
    desk.register(flow, "agent1");
    let after_first = desk.branch;
    desk.register(flow, "agent1");
    assert_eq!(desk.branch, after_first + 1);
    desk.input(PbxInput::Operator(Operator::ExpireNonces));
    desk.register(flow, "agent1");
    assert_eq!(desk.branch, after_first + 3);
}

#[test]
fn a_wrong_password_is_challenged_again_and_not_as_stale() {
    let mut desk = Desk::new(PbxConfig::bench());
    let flow = desk.open(1);
    desk.send(flow, &register("agent1", 900, ""));
    let nonce =
        desk.take_response(flow).headers.get(&HeaderName::WWW_AUTHENTICATE).unwrap().into_owned();
    let nonce = nonce.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let wrong = format!(
        "Authorization: Digest username=\"agent1\", realm=\"bench.test\", nonce=\"{nonce}\", \
         uri=\"sip:bench.test\", response=\"00000000000000000000000000000000\"\r\n"
    );
    desk.send(flow, &register("agent1", 901, &wrong));
    let again = desk.take_response(flow);
    assert_eq!(again.status.code(), 401);
    assert!(!again.headers.get(&HeaderName::WWW_AUTHENTICATE).unwrap().contains("stale"));
}

#[test]
fn a_binding_goes_with_its_flow_and_with_its_time() {
    let mut desk = Desk::new(PbxConfig::bench());
    let (first, second) = (desk.open(1), desk.open(2));
    desk.register(first, "agent4");
    desk.register(second, "agent4");
    assert_eq!(desk.pbx.contacts().len(), 2);
    desk.input(PbxInput::FlowClosed { flow: first });
    assert_eq!(desk.pbx.contacts().len(), 1);
    desk.pass(Duration::from_secs(301));
    assert_eq!(desk.pbx.contacts(), []);
}

#[test]
fn the_newer_phone_of_a_one_phone_user_wins() {
    let mut desk = Desk::new(PbxConfig::bench());
    let (first, second) = (desk.open(1), desk.open(2));
    desk.register(first, "agent1");
    desk.register(second, "agent1");
    let contacts = desk.pbx.contacts();
    assert_eq!(contacts.iter().map(|c| c.flow).collect::<Vec<_>>(), [second]);
}

#[test]
fn a_contact_that_was_listed_before_can_be_taken_away_from_another_flow() {
    let mut desk = Desk::new(PbxConfig::bench());
    let (first, second) = (desk.open(1), desk.open(2));
    let listed =
        desk.register(first, "agent4").headers.get(&HeaderName::CONTACT).unwrap().into_owned();
    let old = listed.split(";expires").next().unwrap().to_owned();
    let extra = format!("Contact: {old};expires=0\r\n");
    desk.authorized(second, "agent4", |n| register("agent4", n, &extra));
    let contacts = desk.pbx.contacts();
    assert_eq!(contacts.iter().map(|c| c.flow).collect::<Vec<_>>(), [second]);
}

#[test]
fn an_echo_call_is_answered_and_the_answer_repeated_until_the_ack() {
    let mut desk = Desk::new(PbxConfig::bench());
    let flow = desk.open(1);
    let ok = desk.invite(flow, "agent1", "600", "a");
    assert_eq!(ok.status.code(), 200);
    assert!(!ok.body.is_empty());
    desk.pass(Duration::from_secs(2));
    assert_eq!(desk.take_statuses(flow), [200, 200], "after 0.5 and 1.5 s");
    desk.send(flow, &inside(&ok, "ACK", sequence(&ok), ""));
    desk.pass(Duration::from_secs(40));
    assert_eq!(desk.take(flow), []);
    assert!(desk.media.contains(&MediaCommand::Play { leg: LegId(1), treatment: Treatment::Echo }));

    desk.send(flow, &inside(&ok, "BYE", sequence(&ok) + 1, ""));
    assert_eq!(desk.take_statuses(flow), [200]);
    assert_eq!(desk.media.last(), Some(&MediaCommand::Release { leg: LegId(1) }));
    assert_eq!(desk.legs(), []);
}

#[test]
fn an_answer_that_nobody_acknowledges_is_hung_up_after_32_seconds() {
    let mut desk = Desk::new(PbxConfig::bench());
    let flow = desk.open(1);
    desk.invite(flow, "agent1", "600", "a");
    desk.pass(Duration::from_secs(31));
    assert_eq!(desk.legs(), [(LegId(1), LegPhase::Confirmed)]);
    desk.take(flow);
    desk.pass(Duration::from_secs(1));
    assert_eq!(desk.take_request(flow).method.as_str(), "BYE");
    desk.pass(Duration::from_secs(32));
    assert_eq!(desk.legs(), []);
}

#[test]
fn each_service_number_gives_its_status() {
    for (number, status) in [("603", 486), ("604", 503), ("606", 480), ("607", 403), ("999", 404)] {
        let mut desk = Desk::new(PbxConfig::bench());
        let flow = desk.open(1);
        assert_eq!(desk.invite(flow, "agent1", number, "a").status.code(), status, "{number}");
        assert_eq!(desk.legs(), []);
    }
}

#[test]
fn early_media_comes_with_a_description_before_the_answer() {
    let mut desk = Desk::new(PbxConfig::bench());
    let flow = desk.open(1);
    let early = desk.invite(flow, "agent1", "602", "a");
    assert_eq!((early.status.code(), early.body.is_empty()), (183, false));
    desk.pass(Duration::from_secs(2));
    let ok = desk.take_response(flow);
    desk.send(flow, &inside(&ok, "ACK", sequence(&ok), ""));
    desk.pass(Duration::from_secs(10));
    assert_eq!(desk.take_request(flow).method.as_str(), "BYE");
}

#[test]
fn a_caller_that_gives_up_gets_487_and_leaves_nothing() {
    let mut desk = Desk::new(PbxConfig::bench());
    let flow = desk.open(1);
    let ringing = desk.invite(flow, "agent1", "610", "a");
    assert_eq!(ringing.status.code(), 180);
    let cancel = invite("agent1", "610", "a", desk.branch).replace("INVITE", "CANCEL");
    desk.send(flow, &cancel);
    assert_eq!(desk.take_statuses(flow), [200, 487]);
    assert_eq!(desk.legs(), []);
    desk.send(flow, &cancel.replace(";branch=z9hG4bK", ";branch=z9hG4bKother"));
    assert_eq!(desk.take_statuses(flow), [481]);
}

#[test]
fn a_call_rings_the_user_and_is_joined_on_the_answer() {
    let mut desk = Desk::new(PbxConfig::bench());
    let (agent, customer) = (desk.open(1), desk.open(2));
    desk.register(agent, "agent1");
    desk.invite(customer, "customer1", "1001", "a");
    let invite = desk.take_request(agent);
    assert_eq!(invite.headers.get(&HeaderName::X_CALL_UID).unwrap().len(), 36);
    desk.send(agent, &reply(&invite, 180, ""));
    assert_eq!(desk.take_statuses(customer), [180]);
    desk.send(agent, &reply(&invite, 200, SDP));
    assert_eq!(desk.take_request(agent).method.as_str(), "ACK");
    let ok = desk.take_response(customer);
    assert_eq!(ok.status.code(), 200);
    desk.send(customer, &inside(&ok, "ACK", sequence(&ok), ""));
    assert_eq!(desk.media.last(), Some(&MediaCommand::Connect { a: LegId(1), b: LegId(2) }));

    desk.send(customer, &inside(&ok, "BYE", sequence(&ok) + 1, ""));
    let bye = desk.take_request(agent);
    assert_eq!(bye.method.as_str(), "BYE");
    desk.send(agent, &reply(&bye, 200, ""));
    assert_eq!(desk.legs(), []);
}

#[test]
fn hold_gives_music_to_the_other_side_and_resume_joins_again() {
    let mut desk = Desk::new(PbxConfig::bench());
    let (agent, customer) = (desk.open(1), desk.open(2));
    desk.register(agent, "agent1");
    let ok = desk.invite(customer, "customer1", "1800", "a");
    desk.send(customer, &inside(&ok, "ACK", sequence(&ok), ""));
    let invite = desk.take_request(agent);
    desk.send(agent, &reply(&invite, 200, SDP));
    desk.take(customer);
    let hold = inside(&ok, "INVITE", 50, &format!("{SDP}a=sendonly\r\n"));
    desk.send(customer, &hold);
    let held = desk.take_response(customer);
    assert!(String::from_utf8_lossy(&held.body).contains("a=recvonly"));
    assert!(
        desk.media.contains(&MediaCommand::Play { leg: LegId(2), treatment: Treatment::Music })
    );
    desk.send(customer, &inside(&ok, "ACK", 50, ""));
    desk.send(customer, &inside(&ok, "INVITE", 51, SDP));
    assert_eq!(desk.media.last(), Some(&MediaCommand::Connect { a: LegId(1), b: LegId(2) }));
}

#[test]
fn a_queue_that_rings_all_cancels_the_others_as_completed_elsewhere() {
    let mut config = PbxConfig::bench();
    config.queues.get_mut("support").unwrap().strategy = Strategy::RingAll;
    let mut desk = Desk::new(config);
    let (one, two, customer) = (desk.open(1), desk.open(2), desk.open(3));
    desk.register(one, "agent1");
    desk.register(two, "agent2");
    assert_eq!(desk.invite(customer, "customer1", "1800", "a").status.code(), 200);
    let (first, second) = (desk.take_request(one), desk.take_request(two));
    let uid =
        |request: &Request| request.headers.get(&HeaderName::X_CALL_UID).unwrap().into_owned();
    let group =
        |request: &Request| request.headers.get(&HeaderName::X_CALL_GROUP).unwrap().into_owned();
    assert_ne!(uid(&first), uid(&second));
    assert_eq!(group(&first), group(&second));
    desk.send(two, &reply(&second, 180, ""));
    desk.send(one, &reply(&first, 200, SDP));
    let cancel = desk.take_request(two);
    assert_eq!(cancel.method.as_str(), "CANCEL");
    let reason = cancel.headers.get(&HeaderName::REASON).unwrap();
    assert_eq!(reason, "SIP;cause=200;text=\"Call completed elsewhere\"");
    // The other answered at the same time: it is acknowledged and hung up.
    desk.send(two, &reply(&second, 200, SDP));
    let methods: Vec<String> =
        desk.take(two).iter().map(|m| m.headers().cseq().unwrap().method.to_string()).collect();
    assert_eq!(methods, ["ACK", "BYE"]);
}

#[test]
fn a_queue_goes_on_to_the_next_member_with_a_fresh_uid() {
    let mut desk = Desk::new(PbxConfig::bench());
    let (one, two, customer) = (desk.open(1), desk.open(2), desk.open(3));
    desk.register(one, "agent1");
    desk.register(two, "agent2");
    let ok = desk.invite(customer, "customer1", "1800", "a");
    desk.send(customer, &inside(&ok, "ACK", sequence(&ok), ""));
    let first = desk.take_request(one);
    desk.send(one, &reply(&first, 486, ""));
    assert_eq!(desk.take_request(one).method.as_str(), "ACK");
    desk.pass(Duration::from_secs(1));
    let second = desk.take_request(two);
    assert_ne!(
        first.headers.get(&HeaderName::X_CALL_UID),
        second.headers.get(&HeaderName::X_CALL_UID)
    );
    desk.pass(Duration::from_secs(20));
    assert_eq!(desk.take(two).len(), 0, "no CANCEL before a provisional response");
    desk.send(two, &reply(&second, 180, ""));
    assert_eq!(desk.take_request(two).method.as_str(), "CANCEL");
}

#[test]
fn an_offer_of_the_switch_and_one_of_the_phone_clash() {
    let mut desk = Desk::new(PbxConfig::bench());
    let flow = desk.open(1);
    let ok = desk.invite(flow, "agent1", "600", "a");
    desk.send(flow, &inside(&ok, "ACK", sequence(&ok), ""));
    let direction = MediaDirection::SendOnly;
    desk.input(PbxInput::Operator(Operator::Reinvite { leg: LegId(1), direction }));
    let offer = desk.take_request(flow);
    assert!(String::from_utf8_lossy(&offer.body).contains("a=sendonly"));
    desk.send(flow, &inside(&ok, "INVITE", 50, SDP));
    assert_eq!(desk.take_statuses(flow), [491]);
    desk.send(flow, &reply(&offer, 491, ""));
    assert!(desk.media.contains(&MediaCommand::Rollback { leg: LegId(1) }));
}

#[test]
fn what_belongs_to_no_dialog_is_481_and_what_is_unknown_is_405() {
    let mut desk = Desk::new(PbxConfig::bench());
    let flow = desk.open(1);
    let ok = desk.invite(flow, "agent1", "600", "a");
    desk.send(flow, &inside(&ok, "BYE", 9, "").replace("Call-ID: a", "Call-ID: b"));
    assert_eq!(desk.take_statuses(flow), [481]);
    desk.send(flow, &inside(&ok, "UPDATE", 10, ""));
    assert_eq!(desk.take_statuses(flow), [405]);
    desk.send(flow, &inside(&ok, "INFO", 9, ""));
    assert_eq!(desk.take_statuses(flow), [500], "an older number");
    desk.send(flow, &inside(&ok, "INFO", 11, ""));
    assert_eq!(desk.take_statuses(flow), [200]);
}

#[test]
fn who_cannot_be_sent_on_is_told_why() {
    let mut desk = Desk::new(PbxConfig::bench());
    let flow = desk.open(1);
    let ok = desk.invite(flow, "agent1", "600", "a");
    desk.send(flow, &inside(&ok, "REFER", 9, ""));
    assert_eq!(desk.take_statuses(flow), [400], "no Refer-To");
    let refer = inside(&ok, "REFER", 10, "");
    let refer = refer.replacen("\r\n\r\n", "\r\nRefer-To: <sip:1002@bench.test>\r\n\r\n", 1);
    desk.send(flow, &refer);
    assert_eq!(desk.take_statuses(flow), [603], "a machine has no other side");
}

#[test]
fn a_restart_forgets_everything() {
    let mut desk = Desk::new(PbxConfig::bench());
    let flow = desk.open(1);
    desk.register(flow, "agent1");
    let ok = desk.invite(flow, "agent1", "600", "a");
    desk.input(PbxInput::Operator(Operator::Restart));
    assert_eq!(desk.closed, [flow]);
    assert_eq!((desk.legs().len(), desk.pbx.contacts().len()), (0, 0));
    let flow = desk.open(2);
    desk.send(flow, &inside(&ok, "BYE", 9, ""));
    assert_eq!(desk.take_statuses(flow), [481]);
    assert_eq!(desk.register(flow, "agent1").status.code(), 200);
}

#[test]
fn a_lost_flow_ends_who_waits_and_keeps_who_talks() {
    let mut desk = Desk::new(PbxConfig::bench());
    let (talking, waiting) = (desk.open(1), desk.open(2));
    let ok = desk.invite(talking, "agent1", "600", "a");
    desk.send(talking, &inside(&ok, "ACK", sequence(&ok), ""));
    desk.invite(waiting, "agent2", "610", "b");
    desk.input(PbxInput::FlowClosed { flow: waiting });
    desk.input(PbxInput::FlowClosed { flow: talking });
    assert_eq!(desk.legs(), [(LegId(1), LegPhase::Confirmed)]);

    // The phone comes back on another flow, inside the dialog.
    let other = desk.open(3);
    desk.send(other, &inside(&ok, "INVITE", 50, SDP));
    assert_eq!(desk.take_statuses(other), [200]);
    desk.send(other, &inside(&ok, "ACK", 50, ""));
    desk.input(PbxInput::MediaLost { leg: LegId(1) });
    assert_eq!(desk.take_request(other).method.as_str(), "BYE");
}

#[test]
fn rubbish_is_survived_and_answered_where_it_can_be() {
    let mut desk = Desk::new(PbxConfig::bench());
    let flow = desk.open(1);
    for rubbish in ["", "\r\n", "\r\n\r\n", "hello", "INVITE sip:a SIP/2.0\r\n\r\n", "\u{0}\u{1}"] {
        desk.send(flow, rubbish);
    }
    assert_eq!(desk.take(flow), []);
    desk.send(flow, &register("agent1", 1, "").replace("CSeq: 1 REGISTER", "CSeq: 1 INVITE"));
    assert_eq!(desk.take_statuses(flow), [400]);
}

#[test]
fn logging_in_and_out_of_the_queue_by_code() {
    let mut config = PbxConfig::bench();
    config.queues.get_mut("support").unwrap().members.clear();
    assert!(matches!(config.extensions["*11"], Extension::Steps(_)));
    let mut desk = Desk::new(config);
    let (agent, customer) = (desk.open(1), desk.open(2));
    desk.register(agent, "agent3");
    for (code, id, rings) in [("*11", "a", true), ("*12", "b", false)] {
        let ok = desk.invite(agent, "agent3", code, id);
        assert_eq!(ok.status.code(), 200);
        desk.send(agent, &inside(&ok, "ACK", sequence(&ok), ""));
        let bye = desk.take_request(agent);
        desk.send(agent, &reply(&bye, 200, ""));
        let waits = desk.invite(customer, "customer1", "1800", &format!("q{id}"));
        desk.send(customer, &inside(&waits, "ACK", sequence(&waits), ""));
        assert_eq!(!desk.take(agent).is_empty(), rings, "{code}");
        desk.send(customer, &inside(&waits, "BYE", sequence(&waits) + 1, ""));
        desk.pass(Duration::from_secs(64));
    }
}

#[test]
fn an_agent_without_a_contact_is_posted_and_rung_with_the_same_uuid_when_he_is_there() {
    let mut desk = Desk::new(PbxConfig::bench());
    let (agent, customer) = (desk.open(1), desk.open(2));
    let ok = desk.invite(customer, "customer1", "1811", "a");
    desk.send(customer, &inside(&ok, "ACK", sequence(&ok), ""));
    let [push] = desk.pushes.as_slice() else { panic!("{:?}", desk.pushes) };
    let payload = push.payload(Duration::from_secs(1_795_610_085));
    let (uid, group) = (push.call.clone(), push.group.clone());
    assert_eq!(
        payload,
        format!(
            r#"{{"call":"{uid}","caller":{{"name":"Customer One","number":"0301000001"}},"deadline":1795610110,"group":"{group}","kind":"incoming","queue":"push1","v":1}}"#
        )
    );
    desk.pass(Duration::from_secs(5));
    desk.register(agent, "agent1");
    let invite = desk.take_request(agent);
    assert_eq!(invite.headers.get(&HeaderName::X_CALL_UID).as_deref(), Some(uid.as_str()));
    assert_eq!(invite.headers.get(&HeaderName::X_CALL_GROUP).as_deref(), Some(group.as_str()));
    desk.send(agent, &reply(&invite, 486, ""));
    let over = desk.pushes.last().unwrap();
    assert_eq!((over.kind, over.call.as_str()), (PushKind::Cancelled, uid.as_str()));
    // The queue goes on, for it this is another attempt.
    desk.pass(Duration::from_secs(2));
    let again = desk.pushes.last().unwrap().clone();
    assert_eq!(again.kind, PushKind::Incoming);
    assert_ne!(again.call, uid);
    desk.pass(Duration::from_secs(1));
    let invite = desk.take_request(agent);
    desk.send(agent, &reply(&invite, 200, SDP));
    let over = desk.pushes.last().unwrap();
    assert_eq!((over.kind, &over.call), (PushKind::AnsweredElsewhere, &again.call));
}

#[test]
fn a_device_that_cannot_be_asked_is_rung_again_within_the_attempt_and_nobody_after_it() {
    let mut desk = Desk::new(PbxConfig::bench());
    let (agent, customer) = (desk.open(1), desk.open(2));
    desk.register(agent, "agent1");
    let ok = desk.invite(customer, "customer1", "1811", "a");
    desk.send(customer, &inside(&ok, "ACK", sequence(&ok), ""));
    let invite = desk.take_request(agent);
    desk.send(agent, &reply(&invite, 500, ""));
    desk.take(agent);
    desk.pass(Duration::from_secs(4));
    let again = desk.take_request(agent);
    assert_eq!(
        again.headers.get(&HeaderName::X_CALL_UID),
        invite.headers.get(&HeaderName::X_CALL_UID)
    );
    desk.send(agent, &reply(&again, 180, ""));
    desk.pass(Duration::from_millis(21_500));
    assert_eq!(desk.take_request(agent).method.as_str(), "CANCEL");
    assert_eq!(desk.pushes.len(), 1, "after the deadline nobody waits for word");
    assert!(desk.pbx.check_invariants().is_ok());
}

#[test]
fn the_same_entropy_and_inputs_give_the_same_bytes() {
    let run = || {
        let mut desk = Desk::new(PbxConfig::bench());
        let flow = desk.open(1);
        desk.register(flow, "agent1");
        desk.invite(flow, "agent1", "602", "a");
        desk.pass(Duration::from_secs(120));
        desk.bytes
    };
    assert_eq!(run(), run());
}

/// Who hears whom of what was asked of the media side last, by leg.
fn ears(media: &[MediaCommand]) -> BTreeMap<LegId, Vec<LegId>> {
    let mut ears = BTreeMap::new();
    for command in media {
        match command {
            MediaCommand::Connect { a, b } => ears.extend([(*a, vec![*b]), (*b, vec![*a])]),
            MediaCommand::Mix { leg, of } => drop(ears.insert(*leg, of.clone())),
            MediaCommand::Play { leg, .. } | MediaCommand::Release { leg } => {
                ears.remove(leg);
            }
            MediaCommand::Describe { .. }
            | MediaCommand::SetRemoteAnswer { .. }
            | MediaCommand::Rollback { .. } => {}
        }
    }
    ears
}

/// A customer calls an agent alone in a queue, who answers: what the customer got, for his next requests.
fn talking(desk: &mut Desk, customer: FlowId, agent: FlowId, id: &str) -> Response {
    let ok = desk.invite(customer, "customer1", "1801", id);
    desk.send(customer, &inside(&ok, "ACK", sequence(&ok), ""));
    let invite = desk.take_request(agent);
    desk.send(agent, &reply(&invite, 200, SDP));
    desk.take(agent);
    ok
}

#[test]
fn a_supervisor_is_heard_as_his_mode_says_and_by_nobody_on_hold_or_when_he_has_left() {
    let mut desk = Desk::new(PbxConfig::bench());
    let (agent, customer, boss) = (desk.open(1), desk.open(2), desk.open(3));
    desk.register(agent, "agent1");
    let ok = talking(&mut desk, customer, agent, "a");
    let seen = desk.invite(boss, "colleague1", "sidetone*supervise*agent1*listen", "b");
    assert_eq!(seen.status.code(), 200);
    desk.send(boss, &inside(&seen, "ACK", sequence(&seen), ""));
    let [c, a, s] = [1, 2, 3].map(|index| desk.pbx.legs()[index - 1].id);
    let heard = |agents: &[LegId], customers: &[LegId]| {
        BTreeMap::from([(a, agents.to_vec()), (c, customers.to_vec()), (s, vec![a, c])])
    };
    assert_eq!(ears(&desk.media), heard(&[c], &[a]));
    let mut number = sequence(&seen);
    let mut digit = |desk: &mut Desk, digit: char| {
        number += 1;
        desk.send(
            boss,
            &inside(&seen, "INFO", number, &format!("Signal={digit}\r\nDuration=100\r\n")),
        );
    };
    digit(&mut desk, '5');
    assert_eq!(ears(&desk.media), heard(&[c, s], &[a]));
    digit(&mut desk, '6');
    assert_eq!(ears(&desk.media), heard(&[c, s], &[a, s]));
    let told = |desk: &mut Desk, heard: bool| {
        let word =
            format!(r#"{{"v":1,"agent":"agent1","mode":"barge","heard":{heard},"unasked":true}}"#);
        let is = |message: &Message| matches!(message, Message::Request(request) if request.body == word.as_bytes());
        desk.take(boss).iter().filter(|message| is(message)).count()
    };
    assert_eq!(told(&mut desk, true), 0);
    desk.send(customer, &inside(&ok, "INVITE", 50, &format!("{SDP}a=sendonly\r\n")));
    assert_eq!(ears(&desk.media), BTreeMap::new());
    assert_eq!(told(&mut desk, false), 1);
    desk.send(customer, &inside(&ok, "ACK", 50, ""));
    desk.send(customer, &inside(&ok, "INVITE", 51, SDP));
    assert_eq!(told(&mut desk, true), 1);
    assert_eq!(ears(&desk.media), heard(&[c, s], &[a, s]));
    desk.send(boss, &inside(&seen, "BYE", 90, ""));
    assert_eq!(ears(&desk.media), BTreeMap::from([(a, vec![c]), (c, vec![a])]));
}

#[test]
fn who_follows_an_agent_waits_for_his_next_call_and_only_listens_to_it() {
    let mut desk = Desk::new(PbxConfig::bench());
    let (agent, customer, boss) = (desk.open(1), desk.open(2), desk.open(3));
    desk.register(agent, "agent1");
    let first = talking(&mut desk, customer, agent, "a");
    let seen = desk.invite(boss, "colleague1", "sidetone*supervise*agent1*barge*follow", "b");
    desk.send(boss, &inside(&seen, "ACK", sequence(&seen), ""));
    desk.take(boss);
    desk.send(customer, &inside(&first, "BYE", 50, ""));
    let news = |desk: &mut Desk| {
        let bodies = desk.take(boss).into_iter().filter_map(|message| match message {
            Message::Request(request) => Some(String::from_utf8(request.body).unwrap()),
            Message::Response(_) => None,
        });
        bodies.collect::<Vec<_>>()
    };
    assert_eq!(news(&mut desk), [r#"{"v":1,"agent":"agent1","waiting":true}"#]);
    assert_eq!(ears(&desk.media), BTreeMap::new());
    let bye = desk.take_request(agent);
    desk.send(agent, &reply(&bye, 200, ""));
    desk.take(customer);
    talking(&mut desk, customer, agent, "c");
    let next = r#"{"v":1,"agent":"agent1","mode":"listen","heard":true,"unasked":true}"#;
    assert_eq!(news(&mut desk), [next]);
    let legs = desk.pbx.legs();
    let leg = |user: &str| legs.iter().find(|leg| leg.user == user).unwrap().id;
    let (a, c, s) = (leg("agent1"), leg("customer1"), leg("colleague1"));
    assert_eq!(ears(&desk.media), BTreeMap::from([(a, vec![c]), (c, vec![a]), (s, vec![a, c])]));
}

#[test]
fn a_code_that_no_pack_has_is_no_number() {
    let mut desk = Desk::new(PbxConfig::bench());
    let agent = desk.open(1);
    desk.register(agent, "agent1");
    for (code, status, begins) in [("state", 200, true), ("dance", 404, false)] {
        let seen = desk.invite(agent, "agent1", &format!("sidetone*{code}"), code);
        assert_eq!(seen.status.code(), status, "{code}");
        let text = String::from_utf8_lossy(&desk.bytes).into_owned();
        let of_it = text.split("SIP/2.0 ").filter(|one| one.contains(&format!("sidetone*{code}@")));
        let trying = of_it.filter(|one| one.starts_with("100 ")).count();
        assert_eq!(trying == 1, begins, "{code}: {text}");
    }
}
