//! One bare phone, registered, and the other side of its one call: the state that orders act on.

use super::edge::{Decision, Edge, wall};
use super::key::{self, BEGINNING, Key};
use super::{Op, Subject, script, timer};
use crate::checks::{Invites, Told};
use sidetone_phone::{
    Account, AudioGate, CallId, CallState, Command, Config, DeclineReason, FlowError,
    FlowErrorKind, FlowId, Generation, Handover, Input, MediaError, Now, Output, Phone, Secret,
    TimerReason, UnixTime, announce,
};
use sidetone_sip::{Message, Method, Request};
use std::time::Duration;

/// 64*T1: a server transaction of an INVITE lasts no longer after its final response.
const TRANSACTION: Duration = Duration::from_secs(32);

/// The phone and what the other side knows.
#[derive(Debug, Clone)]
pub struct Line {
    phone: Phone,
    now: Duration,
    call: CallId,
    flow: Option<FlowId>,
    /// The flow whose place another took.
    old: Option<FlowId>,
    /// The phone leaves its flow for another: what was asked on it is answered on that one.
    moving: bool,
    opening: Option<FlowId>,
    describing: Option<(CallId, Generation)>,
    /// Media of the call exists, or did; `true` once it was reported connected.
    media: Option<bool>,
    edge: Edge,
    told: Told,
    invites: Invites,
    /// The phone's tag and its final response, where it was called: which, until when its
    /// transaction lasts, and whether the ACK went.
    local_tag: String,
    answers: [Option<(u16, Duration, bool)>; 2],
    /// An answer was repeated.
    repeated: bool,
    /// The CSeq number of the phone's last 2xx to an INVITE: what an ACK is for.
    to_acknowledge: u32,
    /// The second leg is what rings or was answered.
    on_fork: bool,
    /// Our requests that wait for a response, as the other side sees them.
    invite: Option<Request>,
    inside: Vec<Request>,
}

impl Line {
    /// A phone that has just registered.
    ///
    /// # Errors
    /// It does not register.
    pub fn new() -> Result<Self, String> {
        Self::with(AudioGate::Open)
    }

    /// The same where the platform says when audio may run.
    ///
    /// # Errors
    /// It does not register.
    pub fn on_a_platform() -> Result<Self, String> {
        Self::with(AudioGate::Platform)
    }

    fn with(audio: AudioGate) -> Result<Self, String> {
        let edge = Edge::new(audio == AudioGate::Platform);
        let mut line = Self {
            phone: Phone::new(config(audio)?, None, [9; 32], at(BEGINNING)),
            now: BEGINNING,
            call: CallId(uuid::Uuid::from_u128(0x4000_8000_0000_0000_0001)),
            flow: None,
            old: None,
            moving: false,
            opening: None,
            describing: None,
            media: None,
            edge,
            told: Told::default(),
            invites: Invites::default(),
            local_tag: String::new(),
            answers: [None; 2],
            repeated: false,
            to_acknowledge: 1,
            on_fork: false,
            invite: None,
            inside: Vec::new(),
        };
        line.call = script::CALL.parse().map_err(|_| "no UUID")?;
        line.command(Command::Register)?;
        line.apply(Op::FlowUp)?;
        Ok(line)
    }

    /// Whether the call has begun and not ended.
    fn is_live(&self) -> bool {
        self.told.is_live(self.call)
    }

    /// Where the call stands.
    fn state(&self) -> Option<CallState> {
        let calls = self.phone.snapshot().calls;
        calls.iter().find(|call| call.id == self.call).map(|call| call.state)
    }

    /// Passes to what is due. The second repetition of an answer brings the others with it: what may
    /// come between them may come between the first and the second. A transaction that waited for
    /// more of a 2xx, where none will come, goes without being an event of its own. Gives whether
    /// anything came to pass.
    fn pass(&mut self) -> Result<bool, String> {
        let (before, mut happened) = (self.state(), false);
        while let Some((due, reason)) = self.due() {
            let repeats = reason == TimerReason::AnswerRetransmission;
            self.now = key::step_after(due).max(self.now);
            let idle = (reason == TimerReason::Transaction("M")).then(|| self.key());
            self.phone.handle_timeout(at(self.now));
            self.drain()?;
            if idle.is_some_and(|before| before == self.key()) {
                continue;
            }
            happened = true;
            if !repeats || !std::mem::replace(&mut self.repeated, true) || self.state() != before {
                break;
            }
        }
        Ok(happened)
    }

    /// No INVITE of ours is there that the other side may answer, or answer again: it repeats
    /// only what it said to the first.
    fn is_silent(&self) -> bool {
        self.invite.is_none()
    }

    /// When something of the call is due.
    fn due(&self) -> Option<(Duration, TimerReason)> {
        timer::due(&self.phone, self.opening.is_some())
    }

    /// The phone has answered without a flow: the other side does not know of it, and acknowledges nothing.
    fn is_unsaid(&self) -> bool {
        let is_taken = matches!(
            self.state(),
            Some(CallState::Answered | CallState::Established | CallState::Ending)
        );
        is_taken && self.invites.open() > 0
    }

    fn inside(&mut self, method: &str, cseq: u32, body: &str) -> Result<(), String> {
        let tag = self.local_tag.clone();
        let tag = if tag.is_empty() { "nobody" } else { &tag };
        // A CANCEL has the branch of its INVITE.
        self.receive(script::request(method, &format!("inside-{cseq}"), cseq, tag, body))
    }

    fn respond_to_invite(&mut self, status: u16, tag: &str, body: &str) -> Result<(), String> {
        let Some(invite) = &self.invite else { return Ok(()) };
        let bytes = script::response(invite, status, tag, body);
        self.receive(bytes)
    }

    fn respond_inside(&mut self, status: u16) -> Result<(), String> {
        if self.inside.is_empty() {
            return Ok(());
        }
        let request = self.inside.remove(0);
        let is_invite = request.method == Method::Invite && status < 300;
        let body = if is_invite { script::SDP } else { "" };
        self.receive(script::response(&request, status, "called", body))
    }

    fn described(&mut self, result: Result<String, MediaError>) -> Result<(), String> {
        match self.describing.take() {
            Some((call, generation)) => self.input(Input::Described { call, generation, result }),
            None => Ok(()),
        }
    }

    /// RFC 3261 §17.2.1, RFC 6026 §7.1: once the transaction of a leg's INVITE is over, what comes is
    /// an INVITE of its own.
    fn begin_again(&mut self, fork: bool) {
        let now = self.now;
        let is_over = |(status, until, acknowledged): (u16, Duration, bool)| {
            now >= until || (status >= 300 && acknowledged)
        };
        let answer = &mut self.answers[usize::from(fork)];
        if answer.take_if(|answer| is_over(*answer)).is_some() {
            self.invites.begin_again(if fork { "z9hG4bK-fork" } else { "z9hG4bK-invite" });
        }
    }

    /// The user decides; it counts where the phone takes it.
    fn decide(&mut self, command: Command, decision: Decision) -> Result<(), String> {
        if self.phone.clone().command(command.clone(), at(self.now)).is_ok() {
            self.edge.decide(decision, self.now);
        }
        self.command(command)
    }

    /// The process dies between two steps; the app begins again and signs in.
    fn kill(&mut self) -> Result<(), String> {
        self.edge.kill();
        let gate = if self.edge.gated { AudioGate::Platform } else { AudioGate::Open };
        let entropy = [9 + self.edge.kills; 32];
        let saved = self.edge.saved.clone();
        self.phone = Phone::new(config(gate)?, saved, entropy, at(self.now));
        self.told.killed();
        (self.flow, self.opening, self.describing, self.media) = (None, None, None, None);
        self.old = None;
        (self.invite, self.answers, self.invites) = (None, [None; 2], Invites::default());
        self.inside.clear();
        self.command(Command::Register)
    }

    fn receive(&mut self, bytes: Vec<u8>) -> Result<(), String> {
        let Some(flow) = self.flow else { return Ok(()) };
        let text = String::from_utf8_lossy(&bytes);
        let is_first = text.starts_with("INVITE") || text.starts_with("CANCEL");
        let bytes = match self.on_fork && (!is_first || text.contains("inside")) {
            true => text.replace("Call-ID: incoming", "Call-ID: fork").into_bytes(),
            false => bytes,
        };
        if let Ok(message) = Message::parse(&bytes) {
            self.invites.request(&message);
        }
        self.input(Input::Received { flow, bytes })
    }

    fn command(&mut self, command: Command) -> Result<(), String> {
        // A refusal is an answer like any other.
        let _ = self.phone.command(command, at(self.now));
        self.drain()
    }

    fn input(&mut self, input: Input) -> Result<(), String> {
        self.phone.handle(input, at(self.now));
        self.drain()
    }

    fn drain(&mut self) -> Result<(), String> {
        while let Some(output) = self.phone.poll_output() {
            self.edge.output(&output)?;
            self.told.output(&output)?;
            self.take(output)?;
        }
        Ok(())
    }

    fn take(&mut self, output: Output) -> Result<(), String> {
        match output {
            Output::OpenFlow { flow, .. } => self.opening = Some(flow),
            Output::CloseFlow { flow } => {
                if self.flow.take_if(|open| *open == flow).is_some() && !self.moving {
                    self.invites.forget_open();
                }
                self.opening.take_if(|opening| *opening == flow);
                self.old.take_if(|old| *old == flow);
            }
            Output::Transmit { flow, bytes } => {
                if self.flow != Some(flow) && self.old != Some(flow) {
                    return Err(format!("the phone sends on {flow:?}, which is gone"));
                }
                match Message::parse(&bytes).map_err(|error| error.to_string())? {
                    Message::Request(request) => self.sent(request)?,
                    Message::Response(response) => {
                        let message = Message::from(response.clone());
                        self.invites.response(&message)?;
                        let cseq = response.headers.cseq().map_err(|error| error.to_string())?;
                        if cseq.method == Method::Invite && response.status.is_success() {
                            self.to_acknowledge = cseq.sequence;
                        }
                        let is_first = cseq.method == Method::Invite && cseq.sequence == 1;
                        let via = response.headers.via().map_err(|error| error.to_string())?;
                        let branch = via.branch().unwrap_or_default().to_owned();
                        let is_fork = branch.ends_with("fork");
                        if is_first && response.status.is_final() {
                            self.edge.answered(&branch, response.status.code())?;
                        }
                        if is_first && is_fork && response.status.code() < 300 {
                            self.on_fork = true;
                        }
                        let code = response.status.code();
                        if is_first && is_fork == self.on_fork && code > 100 {
                            let to = response.headers.to().map_err(|error| error.to_string())?;
                            self.local_tag = to.tag().unwrap_or_default().to_owned();
                        }
                        if is_first && code >= 200 {
                            let new = Some((code, self.now + TRANSACTION, false));
                            let answer = &mut self.answers[usize::from(is_fork)];
                            *answer = answer.or(new);
                        }
                    }
                }
            }
            Output::Describe { call, generation, .. } => {
                self.describing = Some((call, generation));
                self.media.get_or_insert(false);
            }
            // The connection is well.
            Output::Probe { flow } => self.input(Input::ProbeAnswered { flow })?,
            // What the driver had on its way before it heard of the release may still come.
            Output::RenewMedia { .. }
            | Output::ReleaseMedia { .. }
            | Output::PlayTone { .. }
            | Output::SetCallWaiting { .. }
            | Output::SetAudio { .. }
            | Output::Event(_)
            | Output::SetRemoteAnswer { .. }
            | Output::Rollback { .. }
            | Output::SetUplink { .. }
            | Output::SetDownlink { .. }
            | Output::Mix { .. }
            | Output::SendDtmf { .. }
            | Output::Save(_)
            | Output::KeepMessage(_)
            | Output::MarkMessage { .. }
            | Output::Record(_) => {}
        }
        Ok(())
    }

    /// A request of ours reached the other side.
    fn sent(&mut self, request: Request) -> Result<(), String> {
        let is_inside = request.headers.to().is_ok_and(|to| to.tag().is_some());
        match (&request.method, is_inside) {
            (Method::Register, _) => {
                let contact = request.headers.get(&sidetone_sip::HeaderName::CONTACT);
                let contact = contact.unwrap_or_default().into_owned();
                let ok = script::response(&request, 200, "registrar", "");
                let ok = String::from_utf8_lossy(&ok).replace(
                    "Contact: <sip:peer@pbx.test;transport=ws>",
                    &format!("Contact: {contact}"),
                );
                self.receive(ok.into_bytes())
            }
            (Method::Cancel, _) => self.receive(script::response(&request, 200, "called", "")),
            (Method::Invite, false) => {
                self.invite = Some(request);
                Ok(())
            }
            (Method::Invite | Method::Bye | Method::Refer, true) => {
                self.inside.push(request);
                Ok(())
            }
            (
                Method::Ack
                | Method::Bye
                | Method::Options
                | Method::Prack
                | Method::Update
                | Method::Info
                | Method::Refer
                | Method::Subscribe
                | Method::Notify
                | Method::Message
                | Method::Publish
                | Method::Other(_),
                _,
            ) => Ok(()),
        }
    }
}

impl Subject for Line {
    type Op = Op;

    const TIME: Op = Op::Time;
    const DUE: &'static [Op] = &[Op::FlowUp];

    fn key(&self) -> Key {
        key::key(self, self.is_silent(), self.now)
    }

    fn is_possible(&self, op: Op) -> bool {
        let (flow, invited) = (self.flow.is_some(), self.invite.is_some());
        match op {
            Op::Invite | Op::Fork | Op::Cancel | Op::Bye => flow,
            Op::Ack => flow && !self.is_unsaid(),
            Op::Push | Op::Recall | Op::Forward | Op::Kill => true,
            Op::AudioOn => !self.edge.audio,
            Op::AudioOff => self.edge.audio,
            Op::Reinvite | Op::Update | Op::Withdraw | Op::Arrive | Op::Miss => {
                flow && !self.local_tag.is_empty()
            }
            Op::SignOut => true,
            Op::Dial | Op::Answer | Op::Decline | Op::HangUp | Op::Hold | Op::Transfer => true,
            Op::Trying | Op::Ringing | Op::EarlyMedia | Op::Accept | Op::AcceptOther | Op::Busy => {
                flow && invited
            }
            Op::Agree => flow && !self.inside.is_empty(),
            Op::Glare => {
                flow && self.inside.first().is_some_and(|request| request.method == Method::Invite)
            }
            Op::Stay => {
                flow && self.inside.first().is_some_and(|request| request.method == Method::Refer)
            }
            Op::FlowLost | Op::Break | Op::Overlap => flow,
            Op::Fade => self.media == Some(true),
            Op::FlowUp => self.opening.is_some(),
            Op::Described | Op::NotDescribed => self.describing.is_some(),
            Op::Connected => self.media == Some(false),
            Op::MediaFailed => self.media.is_some(),
            Op::Time => match self.due() {
                Some((_, TimerReason::Transaction("M"))) => {
                    // What must not be comes to pass, and is told there.
                    self.clone().pass().unwrap_or(true)
                }
                due => due.is_some(),
            },
        }
    }

    fn apply(&mut self, op: Op) -> Result<(), String> {
        let (call, tag) = (self.call, self.local_tag.clone());
        match op {
            Op::Invite => {
                self.begin_again(false);
                self.receive(script::request("INVITE", "invite", 1, "", script::SDP))?;
            }
            Op::Cancel => self.receive(script::request("CANCEL", "invite", 1, "", ""))?,
            Op::Ack => {
                self.repeated = false;
                let answer = &mut self.answers[usize::from(self.on_fork)];
                let refused = answer.is_some_and(|(status, ..)| status >= 300);
                if let Some((.., acknowledged)) = answer {
                    *acknowledged = true;
                }
                let branch = match (refused, self.on_fork) {
                    (true, false) => "invite",
                    (true, true) => "fork",
                    (false, _) => "ack",
                };
                let cseq = if refused { 1 } else { self.to_acknowledge };
                self.receive(script::request("ACK", branch, cseq, &tag, ""))?;
            }
            Op::Bye => self.inside("BYE", 3, "")?,
            Op::Reinvite => {
                self.inside("INVITE", 2, &script::SDP.replace("sendrecv", "sendonly"))?;
            }
            Op::Update => {
                self.inside("UPDATE", 2, &script::SDP.replace("sendrecv", "recvonly"))?;
            }
            Op::Withdraw => self.inside("CANCEL", 2, "")?,
            Op::Arrive => self.receive(script::notify(&tag, "200 OK"))?,
            Op::Miss => self.receive(script::notify(&tag, "486 Busy Here"))?,
            Op::SignOut => self.command(Command::Unregister)?,
            Op::Dial => self.command(Command::Dial { call, to: "600".to_owned() })?,
            Op::Answer => self.decide(Command::Answer { call }, Decision::Answer)?,
            Op::Decline => {
                let command = Command::Decline { call, reason: DeclineReason::Decline };
                self.decide(command, Decision::Refuse(603))?;
            }
            Op::Forward => {
                let command = Command::Forward { call, to: "601".to_owned() };
                self.decide(command, Decision::Refuse(302))?;
            }
            Op::HangUp => match self.state() {
                Some(CallState::Announced | CallState::Ringing | CallState::Answering) => {
                    self.decide(Command::HangUp { call }, Decision::Refuse(486))?;
                }
                Some(_) | None => self.command(Command::HangUp { call })?,
            },
            Op::Push => {
                let payload = self.edge.push(script::CALL, self.now);
                let report = announce(&payload, at(self.now));
                self.edge.announced |= report.over.is_none();
                self.told.pushed(call);
                self.input(Input::Announced(report.announcement))?;
            }
            Op::Recall => {
                let payload = format!(r#"{{"v":1,"kind":"cancelled","call":"{}"}}"#, script::CALL);
                let report = announce(payload.as_bytes(), at(self.now));
                self.told.pushed(call);
                self.input(Input::Announced(report.announcement))?;
            }
            Op::Fork => {
                self.begin_again(true);
                self.receive(script::fork())?;
            }
            Op::AudioOn => {
                self.edge.audio = true;
                self.input(Input::AudioActivated)?;
            }
            Op::AudioOff => {
                self.edge.audio = false;
                self.input(Input::AudioDeactivated)?;
            }
            Op::Kill => self.kill()?,
            Op::Hold => {
                let calls = self.phone.snapshot().calls;
                let is_held = calls.iter().any(|shown| shown.id == call && shown.hold.local);
                self.command(Command::Hold { call, on: !is_held })?;
            }
            Op::Transfer => self.command(Command::Transfer { call, to: "601".to_owned() })?,
            Op::Stay => self.respond_inside(603)?,
            Op::Trying => self.respond_to_invite(100, "", "")?,
            Op::Ringing => self.respond_to_invite(180, "called", "")?,
            Op::EarlyMedia => self.respond_to_invite(183, "called", script::SDP)?,
            Op::Accept => self.respond_to_invite(200, "called", script::SDP)?,
            Op::AcceptOther => self.respond_to_invite(200, "other", script::SDP)?,
            Op::Busy => self.respond_to_invite(486, "called", "")?,
            Op::Agree => self.respond_inside(200)?,
            Op::Glare => self.respond_inside(491)?,
            Op::FlowLost => {
                if let Some(flow) = self.flow.take() {
                    let error = FlowError { kind: FlowErrorKind::Lost, detail: String::new() };
                    self.inside.clear();
                    self.invite = None;
                    self.invites.forget_open();
                    self.input(Input::FlowFailed { flow, error })?;
                }
            }
            Op::Break => {
                self.moving = true;
                self.input(Input::NetworkChanged(Handover::BreakBeforeMake))?;
                self.moving = false;
            }
            Op::Overlap => self.input(Input::NetworkChanged(Handover::MakeBeforeBreak))?,
            Op::Fade => self.input(Input::MediaDisconnected { call })?,
            Op::FlowUp => {
                if let Some(flow) = self.opening.take() {
                    self.old = self.flow.replace(flow);
                    self.input(Input::FlowOpened { flow })?;
                }
            }
            Op::Described => self.described(Ok(script::SDP.replace("192.0.2.9", "192.0.2.1")))?,
            Op::NotDescribed => self.described(Err(MediaError::NoPath))?,
            Op::Connected => {
                self.media = Some(true);
                self.input(Input::MediaConnected { call })?;
            }
            Op::MediaFailed => {
                self.input(Input::MediaFailed { call, error: MediaError::NoPath })?;
            }
            Op::Time => {
                self.pass()?;
            }
        }
        if !self.is_live() {
            // What was asked for the call that is over is not answered any more.
            self.inside.clear();
            self.invite = None;
            self.media = None;
            self.describing = None;
        }
        let snapshot = self.phone.snapshot();
        let shown = snapshot.calls.iter().find(|call| call.id == self.call);
        self.edge.check(shown, self.now)?;
        self.told.snapshot(&snapshot, self.now)
    }

    fn now(&self) -> Duration {
        self.now
    }

    fn states(&self) -> [Option<CallState>; 2] {
        [self.state(), None]
    }

    fn is_left_open(&self) -> bool {
        // What was decided without a flow is said on the next.
        !self.is_live() && self.invites.open() > 0 && self.opening.is_none()
    }
}

pub(super) fn config(audio: AudioGate) -> Result<Config, String> {
    let account = Account::new("sip:agent@pbx.test", Secret::new("secret"));
    let server = "wss://pbx.test".parse();
    let (Ok(account), Ok(server)) = (account, server) else {
        return Err("the configuration is not one".to_owned());
    };
    let mut config = Config::new(account, vec![server], uuid::Uuid::from_u128(1));
    // The account's own timers stay out of the way.
    config.expires = Duration::from_secs(86_400);
    config.keep_alive = Duration::from_secs(600);
    config.audio = audio;
    Ok(config)
}

pub(super) fn at(boot: Duration) -> Now {
    Now { boot, wall: UnixTime(wall(boot)) }
}
