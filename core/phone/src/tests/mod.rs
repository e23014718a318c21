//! The phone against a server that is a script: bytes in, bytes out, in virtual time.

mod agent;
mod auto_answer;
mod call_waiting;
mod calls;
mod connections;
mod control;
mod dtmf;
mod early;
mod features;
mod handover;
mod history;
mod incoming;
mod mailbox;
mod messages;
mod outgoing;
mod packs;
mod push;
mod recording;
mod redirect;
mod referral;
mod registration;
mod reliable;
mod replaces;
mod rfc;
mod rude;
mod session;
mod session_timer;
mod storm;
mod supervision;
mod suspended;
mod team;
mod update;
mod walk;

use crate::*;
use sidetone_sip::{HeaderName, Message, Method, Request, Response, StatusCode};
use std::collections::VecDeque;
use std::time::Duration;

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// A description as a server sends it.
pub(super) fn sdp(direction: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
         m=audio 4000 UDP/TLS/RTP/SAVPF 107 101\r\na=rtpmap:107 opus/48000/2\r\n\
         a=rtpmap:101 telephone-event/48000\r\na=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\n\
         a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na={direction}\r\n"
    )
}

/// The phone, its clock, and all that it asked for.
pub(super) struct World {
    pub(super) phone: Phone,
    pub(super) boot: Duration,
    pub(super) outputs: VecDeque<Output>,
    pub(super) sent: VecDeque<Message>,
    pub(super) events: VecDeque<Event>,
    pub(super) saved: Option<Saved>,
    /// The messages, as the disk has them.
    pub(super) messages: MessageLog,
    pub(super) flow: FlowId,
    serial: u32,
}

/// Whether a message may be odd because it copies what is odd: the refusal of what is malformed, a
/// response that goes a longer way back.
fn copies(message: &Message) -> bool {
    let Message::Response(response) = message else { return false };
    let refusals = [400, 505, 513];
    refusals.contains(&response.status.code()) || response.headers.list(&HeaderName::VIA).len() > 1
}

pub(super) fn config() -> Config {
    let account = Account::new("sip:agent1@pbx.example", Secret::new("geheim")).unwrap();
    let server = "wss://pbx.example:8089/ws".parse().unwrap();
    Config::new(account, vec![server], uuid::Uuid::from_u128(7))
}

pub(super) fn call_id(number: u128) -> CallId {
    CallId(uuid::Uuid::from_u128(number))
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(config(), None)
    }

    pub(super) fn with(config: Config, saved: Option<Saved>) -> Self {
        let boot = Duration::from_secs(1000);
        let now = Now { boot, wall: UnixTime(boot) };
        Self {
            phone: Phone::new(config, saved, [9; 32], now),
            boot,
            outputs: VecDeque::new(),
            sent: VecDeque::new(),
            events: VecDeque::new(),
            saved: None,
            messages: MessageLog::default(),
            flow: FlowId(0),
            serial: 0,
        }
    }

    /// Signed in, with a challenge on the way.
    pub(super) fn registered() -> Self {
        Self::registered_with(config())
    }

    pub(super) fn registered_with(config: Config) -> Self {
        let mut world = Self::with(config, None);
        world.command(Command::Register).unwrap();
        world.open_flow();
        world.challenge();
        world.grant();
        assert_eq!(world.lamp(), RegistrationState::Registered);
        world.events.clear();
        world.outputs.clear();
        world
    }

    pub(super) fn now(&self) -> Now {
        Now { boot: self.boot, wall: UnixTime(self.boot) }
    }

    pub(super) fn command(&mut self, command: Command) -> Result<(), CommandError> {
        let done = self.phone.command(command, self.now());
        self.drain();
        done
    }

    pub(super) fn handle(&mut self, input: Input) {
        self.phone.handle(input, self.now());
        self.drain();
    }

    /// Lets time pass, each deadline at its time.
    pub(super) fn advance(&mut self, time: Duration) {
        let until = self.boot + time;
        while let Some((at, _)) = self.phone.poll_timeout().filter(|(at, _)| *at <= until) {
            self.boot = self.boot.max(at);
            self.phone.handle_timeout(self.now());
            self.drain();
        }
        self.boot = until;
    }

    /// The same, while the server answers probes and registrations.
    pub(super) fn advance_alive(&mut self, time: Duration) {
        let until = self.boot + time;
        while self.boot < until {
            self.advance_unasked(SECOND.min(until - self.boot));
            if matches!(self.sent.front(), Some(Message::Request(r)) if r.method == Method::Register)
            {
                self.grant();
            }
        }
    }

    /// The same, while the server answers probes and nobody registers.
    pub(super) fn advance_unasked(&mut self, time: Duration) {
        let until = self.boot + time;
        while self.boot < until {
            self.advance(SECOND.min(until - self.boot));
            if self.take(|output| matches!(output, Output::Probe { .. })).is_some() {
                self.handle(Input::ProbeAnswered { flow: self.flow });
            }
        }
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "all that is not looked at here is kept")]
    fn drain(&mut self) {
        while let Some(output) = self.phone.poll_output() {
            match output {
                Output::Transmit { flow, bytes } => {
                    assert_eq!(flow, self.flow, "sent on another flow");
                    let message = Message::parse(&bytes).unwrap();
                    if !copies(&message) {
                        message.validate().unwrap();
                    }
                    self.sent.push_back(message);
                }
                Output::Event(event) => self.events.push_back(event),
                Output::Save(saved) => self.saved = Some(saved),
                Output::KeepMessage(message) => drop(self.messages.add(message, self.now())),
                Output::MarkMessage { message, state } => drop(self.messages.mark(message, state)),
                other => self.outputs.push_back(other),
            }
        }
    }

    pub(super) fn lamp(&self) -> RegistrationState {
        self.phone.snapshot().registration.state
    }

    pub(super) fn state(&self, id: CallId) -> Option<CallState> {
        self.phone.snapshot().calls.iter().find(|call| call.id == id).map(|call| call.state)
    }

    /// The flow that the phone asks for is there.
    pub(super) fn open_flow(&mut self) -> ServerAddress {
        let (flow, server) = self.asked_flow();
        self.flow = flow;
        self.handle(Input::FlowOpened { flow });
        server
    }

    pub(super) fn asked_flow(&mut self) -> (FlowId, ServerAddress) {
        let asked = self.take(|output| matches!(output, Output::OpenFlow { .. }));
        match asked {
            Some(Output::OpenFlow { flow, server, .. }) => (flow, server),
            other => panic!("no flow was asked for: {other:?}"),
        }
    }

    pub(super) fn lose_flow(&mut self, kind: FlowErrorKind) {
        let error = FlowError { kind, detail: "reset".to_owned() };
        self.handle(Input::FlowFailed { flow: self.flow, error });
    }

    /// Takes the first output of a kind.
    pub(super) fn take(&mut self, wanted: impl Fn(&Output) -> bool) -> Option<Output> {
        let at = self.outputs.iter().position(wanted)?;
        self.outputs.remove(at)
    }

    /// The next message sent, a request of this method.
    #[track_caller]
    pub(super) fn request(&mut self, method: Method) -> Request {
        match self.sent.pop_front() {
            Some(Message::Request(request)) if request.method == method => request,
            other => panic!("expected {method}, got {other:?}"),
        }
    }

    /// The next message sent, a response with this status.
    #[track_caller]
    pub(super) fn response(&mut self, code: u16) -> Response {
        match self.sent.pop_front() {
            Some(Message::Response(response)) if response.status.code() == code => response,
            other => panic!("expected {code}, got {other:?}"),
        }
    }

    #[track_caller]
    pub(super) fn silent(&self) {
        assert!(self.sent.is_empty(), "sent: {:?}", self.sent);
    }

    pub(super) fn receive(&mut self, message: impl Into<Message>) {
        self.receive_bytes(message.into().to_bytes());
    }

    pub(super) fn receive_bytes(&mut self, bytes: Vec<u8>) {
        self.handle(Input::Received { flow: self.flow, bytes });
    }

    /// Answers a request of the phone.
    pub(super) fn reply(&mut self, request: &Request, code: u16) {
        let status = StatusCode::new(code).unwrap();
        self.receive(request.response(status, Some("server")));
    }

    /// Answers a request of the phone with a description and a Contact.
    pub(super) fn reply_sdp(&mut self, request: &Request, code: u16, tag: &str, body: &str) {
        let mut response = request.response(StatusCode::new(code).unwrap(), Some(tag));
        response.headers.push(HeaderName::CONTACT, "<sip:pbx@192.0.2.1:8089;transport=ws>");
        if !body.is_empty() {
            response.set_body("application/sdp", body.as_bytes().to_vec());
        }
        self.receive(response);
    }

    /// 401 to the REGISTER that was sent.
    pub(super) fn challenge(&mut self) -> Request {
        let register = self.request(Method::Register);
        self.challenge_to(&register, "n1", false);
        register
    }

    pub(super) fn challenge_to(&mut self, request: &Request, nonce: &str, stale: bool) {
        let mut response = request.response(StatusCode::UNAUTHORIZED, Some("server"));
        let stale = if stale { ",stale=true" } else { "" };
        let challenge =
            format!("Digest realm=\"pbx\",nonce=\"{nonce}\",algorithm=MD5,qop=\"auth\"{stale}");
        response.headers.push(HeaderName::WWW_AUTHENTICATE, challenge);
        self.receive(response);
    }

    /// 200 to the REGISTER that was sent, its binding rewritten as Asterisk does.
    pub(super) fn grant(&mut self) -> Request {
        let register = self.request(Method::Register);
        let contact =
            format!("<sip:agent1@192.0.2.9:{};transport=ws>;expires=600", 40000 + self.flow.0);
        self.grant_to(&register, &[&contact]);
        register
    }

    pub(super) fn grant_to(&mut self, register: &Request, contacts: &[&str]) {
        let mut response = register.response(StatusCode::OK, Some("server"));
        for contact in contacts {
            response.headers.push(HeaderName::CONTACT, *contact);
        }
        self.receive(response);
    }

    /// A request of the server outside a dialog.
    pub(super) fn outside(&mut self, method: Method) -> Request {
        self.serial += 1;
        let uri = sidetone_sip::Uri::parse("sip:agent1@x.invalid;transport=ws").unwrap();
        let mut request = Request::new(method.clone(), uri);
        let headers = &mut request.headers;
        let via = format!("SIP/2.0/WSS 192.0.2.1:8089;branch=z9hG4bKs{}", self.serial);
        headers.push(HeaderName::VIA, via);
        headers.push(HeaderName::MAX_FORWARDS, "70");
        headers.push(HeaderName::FROM, "\"Anna\" <sip:100@pbx.example>;tag=caller");
        headers.push(HeaderName::TO, "<sip:agent1@pbx.example>");
        headers.push(HeaderName::CALL_ID, format!("in-{}", self.serial));
        headers.push(HeaderName::CSEQ, format!("{} {method}", 100 + self.serial));
        headers.push(HeaderName::CONTACT, "<sip:pbx@192.0.2.1:8089;transport=ws>");
        request
    }

    pub(super) fn invite(&mut self, id: CallId) -> Request {
        let mut invite = self.outside(Method::Invite);
        invite.headers.push(HeaderName::X_CALL_UID, id.to_string());
        invite.set_body("application/sdp", sdp("sendrecv").into_bytes());
        invite
    }

    /// A request of the server in the dialog that this INVITE and the To of our answer made.
    pub(super) fn inside(&mut self, invite: &Request, to: &str, method: Method) -> Request {
        let mut request = self.outside(method.clone());
        for name in [HeaderName::FROM, HeaderName::CALL_ID] {
            let value = invite.headers.get(&name).unwrap().into_owned();
            request.headers.set(name, value);
        }
        request.headers.set(HeaderName::TO, to);
        if method == Method::Ack {
            let sequence = invite.headers.cseq().unwrap().sequence;
            request.headers.set(HeaderName::CSEQ, format!("{sequence} ACK"));
        }
        request
    }

    /// A request of the server in the dialog of a call that we made.
    pub(super) fn back(&mut self, invite: &Request, tag: &str, method: Method) -> Request {
        let mut request = self.outside(method);
        let to = invite.headers.get(&HeaderName::FROM).unwrap().into_owned();
        let from = format!("{};tag={tag}", invite.headers.get(&HeaderName::TO).unwrap());
        request.headers.set(HeaderName::TO, to);
        request.headers.set(HeaderName::FROM, from);
        request.headers.set(HeaderName::CALL_ID, invite.headers.call_id().unwrap());
        request
    }

    /// Gives the description that was asked for last.
    pub(super) fn described(&mut self, id: CallId) -> DescribeRequest {
        let (generation, request) = self.asked_description(id);
        let result = Ok(sdp("sendrecv"));
        self.handle(Input::Described { call: id, generation, result });
        request
    }

    pub(super) fn asked_description(&mut self, id: CallId) -> (Generation, DescribeRequest) {
        let wanted = |o: &Output| matches!(o, Output::Describe { call, .. } if *call == id);
        match self.take(wanted) {
            Some(Output::Describe { generation, request, .. }) => (generation, request),
            other => panic!("no description was asked for: {other:?}"),
        }
    }

    /// An incoming call that is talking; its INVITE and the To of the dialog.
    pub(super) fn talking_in(id: CallId) -> (Self, Request, String) {
        Self::talking_with(config(), id)
    }

    pub(super) fn talking_with(config: Config, id: CallId) -> (Self, Request, String) {
        let (mut world, invite, to) = Self::answered_with(config, id);
        world.handle(Input::MediaConnected { call: id });
        assert_eq!(world.state(id), Some(CallState::Established));
        world.events.clear();
        world.outputs.clear();
        (world, invite, to)
    }

    /// An incoming call that rings; its INVITE.
    pub(super) fn ringing_in(id: CallId) -> (Self, Request) {
        Self::ringing_with(config(), id)
    }

    pub(super) fn ringing_with(config: Config, id: CallId) -> (Self, Request) {
        let mut world = Self::registered_with(config);
        let invite = world.invite(id);
        world.receive(invite.clone());
        world.described(id);
        world.response(180);
        (world, invite)
    }

    /// An incoming call that is answered and acknowledged, its media not connected yet.
    pub(super) fn answered_in(id: CallId) -> (Self, Request, String) {
        Self::answered_with(config(), id)
    }

    fn answered_with(config: Config, id: CallId) -> (Self, Request, String) {
        let (mut world, invite) = Self::ringing_with(config, id);
        let to = world.answered(id, &invite);
        world.events.clear();
        world.outputs.clear();
        (world, invite, to)
    }

    /// A call that rings is answered and acknowledged; the To of its dialog.
    #[track_caller]
    pub(super) fn answered(&mut self, id: CallId, invite: &Request) -> String {
        self.command(Command::Answer { call: id }).unwrap();
        let to = self.response(200).headers.get(&HeaderName::TO).unwrap().into_owned();
        let ack = self.inside(invite, &to, Method::Ack);
        self.receive(ack);
        to
    }

    /// A call that came in is held by us, and the other side agrees.
    pub(super) fn holds(&mut self, id: CallId) {
        self.command(Command::Hold { call: id, on: true }).unwrap();
        self.described(id);
        let hold = self.request(Method::Invite);
        self.reply_sdp(&hold, 200, "caller", &sdp("recvonly"));
        self.request(Method::Ack);
    }

    /// An outgoing call that is talking, and its INVITE.
    pub(super) fn talking_out(id: CallId) -> (Self, Request) {
        let mut world = Self::registered();
        world.command(Command::Dial { call: id, to: "200".to_owned() }).unwrap();
        world.described(id);
        let invite = world.request(Method::Invite);
        world.reply_sdp(&invite, 200, "bob", &sdp("sendrecv"));
        world.request(Method::Ack);
        world.handle(Input::MediaConnected { call: id });
        assert_eq!(world.state(id), Some(CallState::Established));
        world.events.clear();
        world.outputs.clear();
        (world, invite)
    }

    /// The call has ended: once, for this reason, with its media released once.
    #[track_caller]
    pub(super) fn ended(&mut self, id: CallId, reason: EndReason) {
        let ends: Vec<_> = self
            .events
            .iter()
            .filter(|e| matches!(e, Event::Ended { call, .. } if *call == id))
            .collect();
        assert_eq!(ends, [&Event::Ended { call: id, reason }]);
        let releases = self
            .outputs
            .iter()
            .filter(|o| matches!(o, Output::ReleaseMedia { call } if *call == id));
        assert_eq!(releases.count(), 1, "media released once");
        assert_eq!(self.state(id), None);
    }
}
