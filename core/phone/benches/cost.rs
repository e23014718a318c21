//! What messages and calls cost the core: a program that does one thing so many times, so that whoever counts its
//! instructions has the price of one by the difference of two runs (`scripts/bench-core`).
//!
//! `cost invite | ok | notify COUNT` reads a message; `cost calls COUNT` takes calls one after the other, `cost at-once
//! COUNT BATCH` so many at a time. A call: INVITE, 180, answer, 200, ACK, media, hold and its re-INVITE, BYE.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use sidetone_phone::{
    Account, CallId, Command, Config, FlowId, Input, Now, Output, Phone, Secret, UnixTime,
};
use sidetone_sip::{HeaderName, Message, Method, Request, Response, StatusCode, Uri};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 4000 UDP/TLS/RTP/SAVPF 107 9 0 8 101\r\na=rtpmap:107 opus/48000/2\r\na=rtpmap:9 G722/8000\r\n\
    a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/48000\r\na=fmtp:101 0-16\r\n\
    a=ptime:20\r\na=fingerprint:sha-256 AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99\r\na=setup:actpass\r\n\
    a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n\
    a=candidate:H1 1 UDP 2130706431 192.0.2.1 4000 typ host\r\na=rtcp-mux\r\na=sendrecv\r\n";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<u32>().ok());
    let (what, count) = (arguments.first().map(String::as_str), number(1).unwrap_or(1));
    match what {
        Some("invite") => read(&Message::from(invite(1, 1)).to_bytes(), count),
        Some("ok") => read(&Message::from(ok()).to_bytes(), count),
        Some("notify") => read(&Message::from(notify()).to_bytes(), count),
        Some("calls") => Desk::new().calls(count, 1),
        Some("at-once") => Desk::new().calls(count, number(2).unwrap_or(8)),
        _ => println!("usage: cost invite | ok | notify | calls | at-once COUNT [BATCH]"),
    }
}

fn read(bytes: &[u8], count: u32) {
    for _ in 0..count {
        let message = Message::parse(black_box(bytes)).expect("it is well formed");
        message.validate().expect("it is whole");
        black_box(&message);
    }
}

/// A request as Asterisk words it.
fn request(method: Method, number: u32, sequence: u32) -> Request {
    let uri = Uri::parse("sip:agent1@198.18.1.10:40001;transport=ws").expect("an address");
    let mut request = Request::new(method.clone(), uri);
    let headers = &mut request.headers;
    headers.push(
        HeaderName::VIA,
        format!(
            "SIP/2.0/WSS 192.0.2.1:8089;rport;branch=z9hG4bKPj{number}-{sequence}-{method};alias"
        ),
    );
    headers.push(HeaderName::FROM, format!("\"Anna\" <sip:0301@bench.test>;tag=their-{number}"));
    headers.push(HeaderName::TO, "<sip:agent1@198.18.1.10>");
    headers.push(HeaderName::CONTACT, "<sip:asterisk@192.0.2.1:8089;transport=ws>");
    headers.push(HeaderName::CALL_ID, format!("2d1c4a52-7ee9-4a76-bb52-{number}"));
    headers.push(HeaderName::CSEQ, format!("{sequence} {method}"));
    headers.push(HeaderName::ALLOW, "OPTIONS, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, INFO, MESSAGE, REFER");
    headers.push(HeaderName::SUPPORTED, "100rel, timer, replaces, norefersub, histinfo");
    headers.push(HeaderName::MAX_FORWARDS, "70");
    headers.push(HeaderName::USER_AGENT, "Asterisk PBX 22.10.1");
    request
}

fn invite(number: u32, sequence: u32) -> Request {
    let mut invite = request(Method::Invite, number, sequence);
    invite
        .headers
        .push(HeaderName::X_CALL_UID, uuid::Uuid::from_u128(u128::from(number)).to_string());
    invite.set_body("application/sdp", SDP.as_bytes().to_vec());
    invite
}

fn ok() -> Response {
    let mut ok = invite(1, 1).response(StatusCode::OK, Some("ours"));
    ok.headers.push(HeaderName::CONTACT, "<sip:asterisk@192.0.2.1:8089;transport=ws>");
    ok.set_body("application/sdp", SDP.as_bytes().to_vec());
    ok
}

fn notify() -> Request {
    let mut notify = request(Method::Notify, 1, 2);
    notify.headers.push(HeaderName::EVENT, "message-summary");
    notify.headers.push(HeaderName::SUBSCRIPTION_STATE, "active;expires=3600");
    let body = "Messages-Waiting: yes\r\nMessage-Account: sip:1001@bench.test\r\nVoice-Message: 2/8 (0/2)\r\n";
    notify.set_body("application/simple-message-summary", body.as_bytes().to_vec());
    notify
}

/// A phone that is signed in, and the server's side of its calls.
struct Desk {
    phone: Phone,
    boot: Duration,
    flow: FlowId,
    /// To of the dialog of each call, once it is answered.
    dialogs: BTreeMap<u32, String>,
    last: u32,
}

impl Desk {
    fn new() -> Self {
        let account = Account::new("sip:agent1@bench.test", Secret::new("secret"));
        let server = "wss://pbx.bench.test:8089/ws".parse().expect("an address");
        let account = account.expect("an address");
        let config = Config::new(account, vec![server], uuid::Uuid::from_u128(7));
        let boot = Duration::from_secs(1000);
        let phone = Phone::new(config, None, [9; 32], Now { boot, wall: UnixTime(boot) });
        let mut desk = Self { phone, boot, flow: FlowId(0), dialogs: BTreeMap::new(), last: 0 };
        desk.command(Command::Register);
        desk
    }

    fn now(&self) -> Now {
        Now { boot: self.boot, wall: UnixTime(self.boot) }
    }

    fn command(&mut self, command: Command) {
        let now = self.now();
        self.phone.command(command, now).expect("it is allowed");
        self.drain();
    }

    fn handle(&mut self, input: Input) {
        let now = self.now();
        self.phone.handle(input, now);
        self.drain();
    }

    fn receive(&mut self, message: impl Into<Message>) {
        let bytes = message.into().to_bytes();
        self.handle(Input::Received { flow: self.flow, bytes });
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "a driver would carry the rest out")]
    fn drain(&mut self) {
        while let Some(output) = self.phone.poll_output() {
            match output {
                Output::OpenFlow { flow, .. } => {
                    self.flow = flow;
                    self.handle(Input::FlowOpened { flow });
                }
                Output::Describe { call, generation, .. } => {
                    let result = Ok(SDP.to_owned());
                    self.handle(Input::Described { call, generation, result });
                }
                Output::Transmit { bytes, .. } => self.answer(&bytes),
                other => drop(black_box(other)),
            }
        }
    }

    /// What the server does about a message.
    fn answer(&mut self, bytes: &[u8]) {
        match Message::parse(bytes).expect("the phone writes well") {
            Message::Request(request) if request.method != Method::Ack => {
                let mut response = request.response(StatusCode::OK, Some("server"));
                if request.method == Method::Invite {
                    response
                        .headers
                        .push(HeaderName::CONTACT, "<sip:asterisk@192.0.2.1:8089;transport=ws>");
                    response.set_body("application/sdp", SDP.as_bytes().to_vec());
                } else if request.method == Method::Register {
                    let contact =
                        request.headers.get(&HeaderName::CONTACT).expect("a Contact").into_owned();
                    response.headers.push(HeaderName::CONTACT, format!("{contact};expires=600"));
                }
                self.receive(response);
            }
            Message::Response(response)
                if response.status == StatusCode::OK
                    && response.headers.cseq().is_ok_and(|cseq| cseq.method == Method::Invite) =>
            {
                let to = response.headers.get(&HeaderName::TO).expect("a To").into_owned();
                self.dialogs.insert(self.last, to.clone());
                let mut ack = request(Method::Ack, self.last, 1);
                ack.headers.set(HeaderName::TO, to);
                self.receive(ack);
            }
            Message::Request(_) | Message::Response(_) => {}
        }
    }

    /// So many calls, so many of them at a time.
    fn calls(&mut self, count: u32, batch: u32) {
        let mut left = count;
        while left > 0 {
            let first = self.last + 1;
            for _ in 0..batch.min(left) {
                self.last += 1;
                let id = CallId(uuid::Uuid::from_u128(u128::from(self.last)));
                self.receive(invite(self.last, 1));
                self.command(Command::Answer { call: id });
                self.handle(Input::MediaConnected { call: id });
                self.handle(Input::FirstSent { call: id });
                self.handle(Input::FirstHeard { call: id });
                self.boot += Duration::from_secs(1);
                self.command(Command::Hold { call: id, on: true });
                left -= 1;
            }
            for number in first..=self.last {
                let mut bye = request(Method::Bye, number, 2);
                bye.headers
                    .set(HeaderName::TO, self.dialogs.remove(&number).expect("it was answered"));
                self.receive(bye);
            }
            assert!(self.phone.snapshot().calls.is_empty(), "all calls are over");
            // What waits for repetitions is over too.
            self.boot += Duration::from_secs(40);
            let now = self.now();
            self.phone.handle_timeout(now);
            self.drain();
        }
    }
}
