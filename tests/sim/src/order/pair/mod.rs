//! One bare phone with two calls, and the other side of each: the state that orders of two act on.
//!
//! After each step: one call talks, or those that are joined; who is held or has lost the focus is
//! neither heard nor spoken to; each command was taken or refused as the calls stood; each call
//! that ended did so for what was done, and the other side knows of it. Where everything has come to rest
//! both sides agree on who holds. Beside them the server carries out codes, which no call notices, and the first of the two
//! may send the phone on to the second.

mod command;
mod control;
mod network;
mod news;
mod peer;

pub use control::Code;

use super::key::{self, BEGINNING, Key};
use super::line::{at, config};
use super::{Subject, script, timer};
use crate::checks::{self, Invites, Told};
use command::is_up;
use control::Control;
use news::News;
use peer::{Dialog, Peer, THEIRS, described};
use sidetone_phone::{
    AudioGate, CallId, CallSnapshot, CallState, Command, ControlFailure, ControlId,
    DescribeRequest, Event, FlowId, Handover, Input, MediaPath, Output, Phone, ReferPolicy,
    TimerReason,
};
use sidetone_sip::{HeaderName, Message, Method, Request, Response};
use std::time::Duration;

/// How long nothing came over a media path that is back.
const GAP: Duration = Duration::from_secs(1);

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Which {
    /// The first.
    A,
    /// The second.
    B,
}

/// What comes to one of the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum One {
    /// The INVITE of a call that comes in.
    Invite,
    /// CANCEL of it.
    Cancel,
    /// ACK of the phone's 2xx.
    Ack,
    /// BYE of the other side.
    Bye,
    /// The other side holds, and then resumes.
    Offer,
    /// 180 to our INVITE.
    Ringing,
    /// 200 to it.
    Accept,
    /// 486 to it.
    Busy,
    /// 200 to a request of ours inside the dialog.
    Agree,
    /// 491 to our INVITE inside the dialog.
    Glare,
    /// 603 to our REFER.
    Stay,
    /// NOTIFY: it has arrived there.
    Arrive,
    /// NOTIFY: nobody took it there.
    Miss,
    /// REFER: the phone is to go to the second. It is the first that asks for it.
    Refer,
    /// REFER to somebody of another domain.
    ReferAway,
    /// 481 to our NOTIFY: nobody wants to know any more.
    Forget,
    /// The description that was asked for.
    Described,
    /// ICE and DTLS are done.
    Connected,
    /// The user dials.
    Dial,
    /// The user answers.
    Answer,
    /// The user hangs up, or declines.
    HangUp,
    /// The user holds, and then resumes.
    Hold,
    /// The user sends the other side elsewhere.
    Transfer,
}

/// One input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// Something comes to one of the calls.
    Of(Which, One),
    /// Something comes to a control call.
    Control(Which, Code),
    /// The user talks to the other one.
    Swap,
    /// The user joins both.
    Merge,
    /// The user takes one out.
    Split(Which),
    /// The user leaves both to themselves.
    Leave,
    /// The user brings the other side of the first to that of the second.
    Bring,
    /// The connection is lost.
    FlowLost,
    /// The network is another, and the old one is gone.
    Break,
    /// The network is another, and the old one is there for a while.
    Overlap,
    /// The connection whose place another took is lost.
    OldLost,
    /// The connection that the phone asked for is there.
    FlowUp,
    /// Time passes until something is due.
    Time,
}

/// The phone and both other sides.
#[derive(Debug, Clone)]
pub struct Pair {
    phone: Phone,
    now: Duration,
    flow: Option<FlowId>,
    /// The flow whose place another took.
    old: Option<FlowId>,
    opening: Option<FlowId>,
    peers: [Peer; 2],
    controls: [Control; 2],
    /// A control call is served at this moment, and nothing else is to be noticed of it.
    controlling: bool,
    /// A REFER has no response yet, and whether it leads out of the domain.
    referring: Option<bool>,
    /// What is told of where the phone was sent.
    news: Vec<News>,
    told: Told,
    invites: Invites,
    mixed: Vec<CallId>,
    /// A transfer of the first to the second is under way.
    bringing: bool,
    /// A connection was lost: what was on its way may not have come.
    lost: bool,
    /// An answer was repeated.
    repeated: bool,
}

impl Pair {
    /// Two that will call.
    ///
    /// # Errors
    /// The phone does not register.
    pub fn of_callers() -> Result<Self, String> {
        Self::with(|call| Peer::caller(call, "second"))
    }

    /// One that will call, and one that the phone will call.
    ///
    /// # Errors
    /// The phone does not register.
    pub fn of_caller_and_called() -> Result<Self, String> {
        Self::with(Peer::called)
    }

    fn with(second: impl Fn(CallId) -> Peer) -> Result<Self, String> {
        let call =
            |number: u128| CallId(uuid::Uuid::from_u128(0x4000_8000_0000_0000_0000 + number));
        let mut config = config(AudioGate::Open)?;
        config.refer_policy = ReferPolicy::Follow;
        let control = |number| Control::new(ControlId(uuid::Uuid::from_u128(number)));
        let mut pair = Self {
            phone: Phone::new(config, None, [9; 32], at(BEGINNING)),
            now: BEGINNING,
            flow: None,
            old: None,
            opening: None,
            peers: [Peer::caller(call(1), "first"), second(call(2))],
            controls: [1, 2].map(control),
            controlling: false,
            referring: None,
            news: Vec::new(),
            told: Told::default(),
            invites: Invites::default(),
            mixed: Vec::new(),
            bringing: false,
            lost: false,
            repeated: false,
        };
        pair.phone.command(Command::Register, at(BEGINNING)).map_err(|error| error.to_string())?;
        pair.drain()?;
        pair.apply(Op::FlowUp)?;
        Ok(pair)
    }

    /// The same after these inputs, and whatever the phone asks for meanwhile.
    ///
    /// # Errors
    /// Says in words what must not be.
    pub fn after(mut self, ops: &[Op]) -> Result<Self, String> {
        for op in ops {
            self.apply(*op)?;
            while let Some(due) = ANSWERS.into_iter().find(|op| self.is_possible(*op)) {
                self.apply(due)?;
            }
        }
        Ok(self)
    }

    fn of(&mut self, which: Which, one: One) -> Result<(), String> {
        let peer = &mut self.peers[which as usize];
        let call = peer.call;
        match one {
            One::Invite => {
                let bytes = peer.offer(false);
                self.receive(Some(bytes))
            }
            One::Cancel => {
                peer.done.cancelled = true;
                let bytes = peer.request_of("CANCEL", 1, "", "");
                self.receive(Some(bytes))
            }
            One::Ack => {
                self.repeated = false;
                let cseq = peer.to_acknowledge.take().unwrap_or_default();
                let bytes = peer.request_of("ACK", cseq, "2xx", "");
                self.receive(Some(bytes))
            }
            One::Bye => {
                (peer.done.bye, peer.dialog) = (true, Dialog::Over);
                peer.done.moved |= peer.goes;
                let bytes = peer.request("BYE", "", "");
                self.peers[1].done.moved |= self.bringing && self.peers[0].goes;
                self.receive(Some(bytes))
            }
            One::Offer => {
                let hold = !peer.holds;
                let bytes = peer.offer(hold);
                self.receive(Some(bytes))
            }
            One::Ringing => self.respond_to_invite(which, 180),
            One::Accept => self.respond_to_invite(which, 200),
            One::Busy => {
                peer.done.busy = true;
                self.respond_to_invite(which, 486)
            }
            One::Agree => self.respond_inside(which, 200),
            One::Glare => self.respond_inside(which, 491),
            One::Stay => self.respond_inside(which, 603),
            One::Arrive => {
                let bytes = peer.notify("200 OK");
                peer.done.moved = true;
                self.peers[1].done.moved |= self.bringing;
                self.receive(Some(bytes))
            }
            One::Miss => {
                let bytes = peer.notify("486 Busy Here");
                self.receive(Some(bytes))
            }
            One::Refer => self.refer(false),
            One::ReferAway => self.refer(true),
            One::Forget => self.respond_inside(which, 481),
            One::Described => {
                let Some((generation, direction)) = peer.describing.take() else { return Ok(()) };
                let sdp = described(direction).replace("192.0.2.9", "192.0.2.1");
                self.input(Input::Described { call, generation, result: Ok(sdp) })
            }
            One::Connected => {
                (peer.media, peer.finds) = (Some(true), false);
                self.input(Input::MediaConnected { call })?;
                self.input(Input::MediaResumed { call, gap: GAP })
            }
            One::Dial => self.command(Command::Dial { call, to: "600".to_owned() }),
            One::Answer => self.command(Command::Answer { call }),
            One::HangUp => {
                peer.done.hung_up = true;
                self.command(Command::HangUp { call })
            }
            One::Hold => {
                let held = self.shown(call).is_some_and(|shown| shown.hold.local);
                self.command(Command::Hold { call, on: !held })
            }
            One::Transfer => self.command(Command::Transfer { call, to: "601".to_owned() }),
        }
    }

    /// A command, and whether it is taken as the calls stand.
    fn command(&mut self, command: Command) -> Result<(), String> {
        let expected = self.expected(&command);
        let done = self.phone.command(command.clone(), at(self.now));
        if done != expected {
            return Err(format!("{command:?} gave {done:?}, expected was {expected:?}"));
        }
        let brings = matches!(command, Command::TransferTo { .. } | Command::Leave);
        self.bringing |= brings && done.is_ok();
        self.drain()
    }

    /// A code of the user, or what the server says to it: no call is another after it.
    fn control(&mut self, which: Which, code: Code) -> Result<(), String> {
        let before = self.phone.snapshot();
        self.controlling = true;
        let control = &mut self.controls[which as usize];
        let id = control.id;
        let done = match control.send(code, self.now) {
            None if code == Code::Ask => {
                let command = Command::Control { control: id, code: "*45".to_owned() };
                if self.expected(&command).is_ok() {
                    self.controls[which as usize].began(self.now);
                    self.told.controls(id);
                }
                self.command(command)
            }
            bytes => self.receive(bytes),
        };
        self.controlling = false;
        done?;
        match self.phone.snapshot() == before {
            true => Ok(()),
            false => Err(format!("control call {id} is to be seen")),
        }
    }

    fn respond_to_invite(&mut self, which: Which, status: u16) -> Result<(), String> {
        let peer = &mut self.peers[which as usize];
        let on_old = peer.invite_on_old;
        let bytes = peer.respond_to_invite(status);
        self.receive_on(if on_old { self.old } else { self.flow }, bytes)
    }

    fn respond_inside(&mut self, which: Which, status: u16) -> Result<(), String> {
        if which == Which::A {
            self.answer_notify(status);
        }
        let peer = &mut self.peers[which as usize];
        let on_old = peer.on_old > 0;
        peer.on_old = peer.on_old.saturating_sub(1);
        let bytes = peer.respond_inside(status);
        self.receive_on(if on_old { self.old } else { self.flow }, bytes)
    }

    fn receive(&mut self, bytes: Option<Vec<u8>>) -> Result<(), String> {
        self.receive_on(self.flow, bytes)
    }

    fn receive_on(&mut self, flow: Option<FlowId>, bytes: Option<Vec<u8>>) -> Result<(), String> {
        let (Some(flow), Some(bytes)) = (flow, bytes) else { return Ok(()) };
        if let Ok(message) = Message::parse(&bytes) {
            self.invites.request(&message);
        }
        self.input(Input::Received { flow, bytes })
    }

    fn input(&mut self, input: Input) -> Result<(), String> {
        self.phone.handle(input, at(self.now));
        self.drain()
    }

    fn drain(&mut self) -> Result<(), String> {
        while let Some(output) = self.phone.poll_output() {
            self.told.output(&output)?;
            self.take(output)?;
        }
        Ok(())
    }

    fn take(&mut self, output: Output) -> Result<(), String> {
        let is_of_control = matches!(
            output,
            Output::Transmit { .. }
                | Output::Save(_)
                | Output::Event(Event::ControlDone { .. } | Event::ControlFailed { .. })
        );
        if self.controlling && !is_of_control {
            return Err(format!("a control call brings {output:?}"));
        }
        match output {
            Output::OpenFlow { flow, .. } => self.opening = Some(flow),
            Output::CloseFlow { flow } => self.flow_closed(flow),
            Output::Transmit { flow, bytes } => {
                if self.flow != Some(flow) && self.old != Some(flow) {
                    return Err(format!("the phone sends on {flow:?}, which is gone"));
                }
                return match Message::parse(&bytes).map_err(|error| error.to_string())? {
                    Message::Request(request) => self.sent(request),
                    Message::Response(response) => self.responded(response),
                };
            }
            Output::Describe { call, generation, request } => {
                let (direction, restarts) = match request {
                    DescribeRequest::Offer { direction, ice_restart } => (direction, ice_restart),
                    DescribeRequest::Answer { direction, .. } => (direction, false),
                };
                if let Some(peer) = self.peer(call) {
                    peer.restarts |= restarts;
                    peer.describing = Some((generation, direction));
                    peer.media.get_or_insert(false);
                }
            }
            Output::SetUplink { call, open, .. } => {
                self.peer(call).into_iter().for_each(|peer| peer.uplink = open);
            }
            Output::SetDownlink { call, open } => {
                self.peer(call).into_iter().for_each(|peer| peer.downlink = open);
            }
            Output::RenewMedia { call } => {
                self.peer(call).into_iter().for_each(|peer| peer.stale = false);
            }
            Output::Mix { calls } => self.mixed = calls,
            Output::Rollback { call } => {
                self.peer(call).into_iter().for_each(|peer| peer.restarts = false);
            }
            // Both sides know the new path: packets take it.
            Output::SetRemoteAnswer { call, .. } => {
                if let Some(peer) = self.peer(call)
                    && std::mem::take(&mut peer.restarts)
                {
                    (peer.media, peer.finds, peer.stale) = (Some(false), true, false);
                }
            }
            Output::ReleaseMedia { call } => {
                if let Some(peer) = self.peer(call) {
                    (peer.uplink, peer.downlink, peer.media) = (false, false, None);
                    (peer.describing, peer.restarts, peer.finds) = (None, false, false);
                    peer.stale = false;
                }
            }
            Output::Event(Event::Ended { call, reason }) => {
                let lost = self.lost;
                let Some(peer) = self.peer(call) else { return Ok(()) };
                peer.check_reason(&reason)?;
                if peer.dialog == Dialog::Up && !lost {
                    return Err(format!("call {call} ended ({reason:?}), and its dialog did not"));
                }
                // What was asked for the call that is over is not answered any more, but for news.
                peer.inside.retain(|request| request.method == Method::Notify);
                (peer.invite, peer.on_old) = (None, 0);
            }
            Output::Event(Event::Referred { new, .. }) => self.goes_on(new),
            Output::Event(Event::ControlDone { control }) => self.controlled(control, None)?,
            Output::Event(Event::ControlFailed { control, reason }) => {
                self.controlled(control, Some(reason))?;
            }
            Output::Event(Event::HoldFailed { call, .. }) => {
                self.peer(call).into_iter().for_each(|peer| peer.refused = true);
            }
            Output::Event(Event::HoldChanged { call, hold }) if hold.local => {
                self.peer(call).into_iter().for_each(|peer| peer.refused = false);
            }
            // The connection is well.
            Output::Probe { flow } => return self.input(Input::ProbeAnswered { flow }),
            Output::Record(_)
            | Output::KeepMessage(_)
            | Output::MarkMessage { .. }
            | Output::PlayTone { .. }
            | Output::SetCallWaiting { .. }
            | Output::SetAudio { .. }
            | Output::Event(_)
            | Output::SendDtmf { .. }
            | Output::Save(_) => {}
        }
        Ok(())
    }

    /// The phone tells what came of a code.
    fn controlled(&mut self, id: ControlId, why: Option<ControlFailure>) -> Result<(), String> {
        let now = self.now;
        let control = self.controls.iter_mut().find(|control| control.id == id);
        control.map_or(Ok(()), |control| control.ended(why, now))
    }

    /// A request of the phone.
    fn sent(&mut self, request: Request) -> Result<(), String> {
        if request.method == Method::Register {
            let contact = request.headers.get(&HeaderName::CONTACT).unwrap_or_default();
            let contact = format!("Contact: {contact}");
            let ok = script::response(&request, 200, "registrar", "");
            let ok = String::from_utf8_lossy(&ok)
                .replace("Contact: <sip:peer@pbx.test;transport=ws>", &contact);
            return self.receive(Some(ok.into_bytes()));
        }
        let now = self.now;
        if let Some(said) = self.controls.iter_mut().find_map(|c| c.sent(&request, now)) {
            return self.receive(said?);
        }
        let name = request.headers.call_id().unwrap_or_default().to_owned();
        if request.method == Method::Notify {
            self.notified(&request)?;
        }
        let known = self.peers.iter().position(|peer| peer.call_id == name);
        let Some(peer) = self.peers.get_mut(known.unwrap_or(1)) else { return Ok(()) };
        if known.is_none() {
            // The first request of the call that the phone makes.
            let from = request.headers.from().map_err(|error| error.to_string())?;
            peer.local_tag = from.tag().unwrap_or_default().to_owned();
            peer.call_id = name;
        }
        match request.method {
            Method::Invite if known.is_none() => peer.invite = Some(request),
            Method::Cancel => {
                let invite = peer.invite.take();
                let ok = script::response(&request, 200, THEIRS, "");
                self.receive(Some(ok))?;
                let gone = invite.map(|invite| script::response(&invite, 487, THEIRS, ""));
                return self.receive(gone);
            }
            Method::Bye => {
                peer.dialog = Dialog::Over;
                peer.inside.push(request);
            }
            Method::Invite | Method::Refer | Method::Notify => peer.inside.push(request),
            Method::Ack
            | Method::Register
            | Method::Options
            | Method::Prack
            | Method::Update
            | Method::Info
            | Method::Subscribe
            | Method::Message
            | Method::Publish
            | Method::Other(_) => {}
        }
        Ok(())
    }

    /// A response of the phone.
    fn responded(&mut self, response: Response) -> Result<(), String> {
        let cseq = response.headers.cseq().map_err(|error| error.to_string())?;
        let to = response.headers.to().map_err(|error| error.to_string())?;
        let name = response.headers.call_id().unwrap_or_default().to_owned();
        let code = response.status.code();
        self.invites.response(&Message::from(response.clone()))?;
        self.controls.iter_mut().for_each(|control| control.responded(&response));
        if cseq.method == Method::Refer {
            return self.referred(cseq.sequence, &response);
        }
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.call_id == name) else {
            return Ok(());
        };
        let is_invite = cseq.method == Method::Invite;
        if is_invite && peer.local_tag.is_empty() && code > 100 {
            peer.local_tag = to.tag().unwrap_or_default().to_owned();
        }
        if is_invite && response.status.is_final() {
            peer.answered(cseq.sequence, code, &response.body);
            if code >= 300 {
                let ack = peer.request_of("ACK", cseq.sequence, "", "");
                return self.receive(Some(ack));
            }
        }
        Ok(())
    }

    /// What must hold after each step.
    fn check(&mut self) -> Result<(), String> {
        let snapshot = self.phone.snapshot();
        self.told.snapshot(&snapshot, self.now)?;
        let ways = |call: CallId| {
            let peer = self.peers.iter().find(|peer| peer.call == call);
            peer.map_or((false, false), |peer| (peer.uplink, peer.downlink))
        };
        checks::one_talks(&snapshot.calls, ways)?;
        let live = || snapshot.calls.iter().filter(|call| call.state != CallState::Ending);
        let rests = self.rests();
        self.controls.iter_mut().try_for_each(|control| control.check(self.now, rests))?;
        if rests && !self.news.iter().all(News::is_over) {
            return Err(format!("whoever has sent the phone on is not told: {:?}", self.news));
        }
        let talks = live().any(|call| call.active);
        if rests && !talks && live().any(|call| is_up(call) && !call.hold.local) {
            return Err("a call is up and not held, and none talks".to_owned());
        }
        let merged: Vec<CallId> = live().filter(|call| call.merged).map(|call| call.id).collect();
        let mut mixed = self.mixed.clone();
        mixed.sort_unstable();
        if mixed != merged {
            return Err(format!("joined are {merged:?}, mixed are {mixed:?}"));
        }
        for peer in &self.peers {
            let Some(call) = snapshot.calls.iter().find(|call| call.id == peer.call) else {
                continue;
            };
            let (id, ways) = (call.id, (peer.uplink, peer.downlink));
            if !rests || !is_up(call) {
                continue;
            }
            if call.active && !call.hold.local && ways != (!call.hold.remote, true) {
                return Err(format!("call {id} talks, and has {ways:?}"));
            }
            let is_found = call.media == MediaPath::Connected && !peer.stale;
            if call.state == CallState::Established && !is_found {
                return Err(format!("call {id} has no path on this network: {:?}", call.media));
            }
            if !call.active && !call.hold.local && !peer.refused {
                return Err(format!("call {id} does not talk, and is not held"));
            }
            if (call.hold.local, call.hold.remote) != (peer.held, peer.holds) {
                let theirs = (peer.held, peer.holds);
                return Err(format!("call {id} shows {:?}, the other side {theirs:?}", call.hold));
            }
        }
        Ok(())
    }

    /// Something is made that takes no time.
    fn is_described(&self) -> bool {
        let flow = self.flow.is_some();
        self.peers.iter().any(|peer| peer.is_described(flow))
    }

    /// Nothing is under way or due.
    fn rests(&self) -> bool {
        let rest = self.flow.is_some() && self.opening.is_none();
        let rest = rest && self.peers.iter().all(Peer::rests);
        let rest = rest && self.controls.iter().all(Control::rests);
        rest && timer::due(&self.phone, self.opening.is_some()).is_none()
    }

    fn shown(&self, call: CallId) -> Option<CallSnapshot> {
        self.phone.snapshot().calls.into_iter().find(|shown| shown.id == call)
    }

    fn peer(&mut self, call: CallId) -> Option<&mut Peer> {
        self.peers.iter_mut().find(|peer| peer.call == call)
    }

    /// Passes to what is due, as [`super::Line`] does.
    fn pass(&mut self) -> Result<bool, String> {
        let before = self.states();
        let mut happened = false;
        while let Some((due, reason)) = timer::due(&self.phone, self.opening.is_some()) {
            let repeats = reason == TimerReason::AnswerRetransmission;
            self.now = key::step_after(due).max(self.now);
            let idle = (reason == TimerReason::Transaction("M")).then(|| self.key());
            self.phone.handle_timeout(at(self.now));
            self.drain()?;
            if idle.is_some_and(|before| before == self.key()) {
                continue;
            }
            happened = true;
            if self.is_described() {
                break;
            }
            if !repeats || !std::mem::replace(&mut self.repeated, true) || self.states() != before {
                break;
            }
        }
        Ok(happened)
    }
}

/// What the other sides and the media answer to whatever the phone asks.
const ANSWERS: [Op; 11] = [
    Op::FlowUp,
    Op::Of(Which::A, One::Described),
    Op::Of(Which::B, One::Described),
    Op::Of(Which::A, One::Agree),
    Op::Of(Which::B, One::Agree),
    Op::Of(Which::A, One::Ack),
    Op::Of(Which::B, One::Ack),
    Op::Of(Which::A, One::Connected),
    Op::Of(Which::B, One::Connected),
    Op::Control(Which::A, Code::Agree),
    Op::Control(Which::B, Code::Agree),
];

impl Pair {
    /// What comes whenever the phone asks for it or is due.
    pub fn free() -> Vec<Op> {
        ANSWERS.into_iter().chain([Op::Time]).collect()
    }
}

impl Subject for Pair {
    type Op = Op;

    const TIME: Op = Op::Time;
    const DUE: &'static [Op] = &ANSWERS;

    fn key(&self) -> Key {
        let idle = self.peers.iter().all(|peer| peer.invite.is_none());
        let idle = idle && self.controls.iter().all(Control::is_answered);
        key::key(self, idle, self.now)
    }

    fn is_possible(&self, op: Op) -> bool {
        let flow = self.flow.is_some();
        match op {
            Op::Of(which, one) => {
                let peer = &self.peers[which as usize];
                let first = peer.inside.first().map(|request| &request.method);
                let up = flow && peer.dialog == Dialog::Up;
                match one {
                    One::Invite => flow && !peer.is_called && peer.is_new(),
                    One::Cancel => flow && peer.asking.is_some_and(|(cseq, _)| cseq == 1),
                    One::Ack => flow && peer.to_acknowledge.is_some(),
                    One::Bye => up,
                    One::Offer => up && peer.asking.is_none() && peer.to_acknowledge.is_none(),
                    One::Ringing | One::Accept | One::Busy => flow && peer.invite.is_some(),
                    One::Agree => flow && first.is_some(),
                    One::Glare => flow && first == Some(&Method::Invite),
                    One::Stay => flow && first == Some(&Method::Refer),
                    One::Arrive | One::Miss => up && peer.goes,
                    One::Refer | One::ReferAway => {
                        up && self.shown(self.peers[1].call).is_none()
                            && self.peers[1].dialog != Dialog::Up
                    }
                    One::Forget => flow && first == Some(&Method::Notify),
                    One::Described => peer.describing.is_some(),
                    One::Connected => peer.media == Some(false),
                    One::Dial => peer.is_called && peer.call_id.is_empty(),
                    One::Answer => !peer.is_called,
                    One::HangUp | One::Hold | One::Transfer => true,
                }
            }
            Op::Control(which, code) => self.controls[which as usize].is_possible(code, flow),
            Op::Swap | Op::Merge | Op::Split(_) | Op::Leave | Op::Bring => true,
            Op::FlowLost | Op::Break | Op::Overlap => flow,
            Op::OldLost => self.old.is_some(),
            Op::FlowUp => self.opening.is_some(),
            // Descriptions are made in time here, and a new path is found in time.
            Op::Time if self.is_described() => false,
            Op::Time => match timer::due(&self.phone, self.opening.is_some()) {
                // What must not be comes to pass, and is told there.
                Some((_, TimerReason::Transaction("M"))) => self.clone().pass().unwrap_or(true),
                due => due.is_some(),
            },
        }
    }

    fn apply(&mut self, op: Op) -> Result<(), String> {
        let [a, b] = [self.peers[0].call, self.peers[1].call];
        match op {
            Op::Of(which, one) => self.of(which, one)?,
            Op::Control(which, code) => self.control(which, code)?,
            Op::Swap => self.command(Command::Swap)?,
            Op::Merge => self.command(Command::Merge { calls: vec![a, b] })?,
            Op::Split(which) => {
                let call = self.peers[which as usize].call;
                self.command(Command::Split { call })?;
            }
            Op::Leave => self.command(Command::Leave)?,
            Op::Bring => self.command(Command::TransferTo { call: a, with: b })?,
            Op::FlowLost => self.lose_flow()?,
            Op::FlowUp => self.open_flow()?,
            Op::Break => self.change_network(Handover::BreakBeforeMake)?,
            Op::Overlap => self.change_network(Handover::MakeBeforeBreak)?,
            Op::OldLost => self.lose_old()?,
            Op::Time => {
                self.pass()?;
            }
        }
        let moving = self.shown(a).is_some_and(|call| call.transfer.is_some());
        self.bringing &= moving;
        self.check()
    }

    fn now(&self) -> Duration {
        self.now
    }

    fn states(&self) -> [Option<CallState>; 2] {
        [0, 1].map(|index| self.shown(self.peers[index].call).map(|call| call.state))
    }

    fn is_left_open(&self) -> bool {
        // An answer to what came before may come after: it is sent until its ACK.
        // What was decided without a flow is said on the next.
        let is_over = self.states() == [None, None] && self.opening.is_none();
        is_over && !self.lost && self.invites.open() > 0
    }
}
