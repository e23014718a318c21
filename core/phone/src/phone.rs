//! The aggregate: routes each input to its owner and drains what they ask for.

use crate::account::{Account, FlowChange};
use crate::agent::{Agent, Features, Recordings, Team};
use crate::call::supervision::Supervising;
use crate::call::{Call, Destination, In, target};
use crate::control::{Asker, Controls};
use crate::doubt::Doubts;
use crate::mailbox::Mailbox;
use crate::messages::Messages;
use crate::push::memory::Memory;
use crate::referral::Referral;
use crate::saving::Kept;
use crate::ua::Ua;
use crate::{
    AudioGate, CallId, CallSnapshot, Command, CommandError, Config, FlowId, Input, Now, Output,
    Saved, Snapshot, SupervisionMode, TimerReason,
};
use sidetone_sip::Message;
use sidetone_sip::digest::DigestClient;
use sidetone_sip::transaction::Reliability;
use std::time::Duration;

/// As many calls at a time; more are refused as busy.
pub(crate) const MAX_CALLS: usize = 8;

/// One signed-in phone: an account and its calls.
#[derive(Debug, Clone)]
pub struct Phone {
    pub(crate) ua: Ua,
    pub(crate) account: Account,
    /// The calls that have not ended, oldest first.
    pub(crate) calls: Vec<Call>,
    /// How calls ended here.
    pub(crate) memory: Memory,
    /// When it slept, and what it doubts since.
    pub(crate) doubts: Doubts,
    pub(crate) mailbox: Mailbox,
    pub(crate) messages: Messages,
    /// The REFERs that are followed.
    pub(crate) referrals: Vec<Referral>,
    pub(crate) controls: Controls,
    pub(crate) agent: Agent,
    pub(crate) recordings: Recordings,
    pub(crate) team: Team,
    pub(crate) features: Features,
    /// The agent has turned auto-answer off for as long as he is signed in.
    pub(crate) by_hand: bool,
    /// The tone of a call that waits sounds.
    pub(crate) waiting: bool,
    pub(crate) kept: Kept,
}

impl Phone {
    /// A phone that does nothing until it is told to. `saved` is what `Output::Save` gave last;
    /// `entropy` must be fresh from the system's generator, and is all the randomness it uses.
    pub fn new(config: Config, saved: Option<Saved>, entropy: [u8; 32], now: Now) -> Self {
        let readable = Saved::OLDEST..=Saved::VERSION;
        let saved = saved.filter(|saved| readable.contains(&saved.version));
        let digest = saved.as_ref().map(|saved| DigestClient::from_saved(&saved.digest));
        let mut ua = Ua::new(config.in_range(), digest.unwrap_or_default(), entropy);
        let account = Account::new(saved.as_ref(), &mut ua, now);
        let mut phone = Self {
            ua,
            account,
            calls: Vec::new(),
            memory: Memory::default(),
            doubts: Doubts::new(now),
            mailbox: Mailbox::default(),
            messages: Messages::default(),
            referrals: Vec::new(),
            controls: Controls::default(),
            agent: Agent::default(),
            recordings: Recordings::default(),
            team: Team::default(),
            features: Features::default(),
            by_hand: false,
            waiting: false,
            kept: Kept::default(),
        };
        if let Some(saved) = &saved {
            phone.restore(saved, now);
        }
        phone.keep(saved);
        phone
    }

    /// The app asks: may be refused.
    ///
    /// # Errors
    /// [`CommandError`] says why, and what to do.
    pub fn command(&mut self, command: Command, now: Now) -> Result<(), CommandError> {
        self.look_at_the_clock(now);
        let done = self.permits(&command).and_then(|()| self.carry_out(command, now));
        self.settle(now);
        done
    }

    fn carry_out(&mut self, command: Command, now: Now) -> Result<(), CommandError> {
        match command {
            Command::Register => {
                let change = self.account.sign_in(&mut self.ua, now);
                self.flow_changed(change, now);
                Ok(())
            }
            Command::Unregister => {
                self.by_hand = false;
                self.each_call(|| In::HangUp, now);
                self.controls.leave(&mut self.ua, now);
                self.agent.leave();
                self.recordings = Recordings::default();
                self.team = Team::default();
                self.features.leave();
                self.leave_mailbox(now);
                let change = self.account.sign_out(&mut self.ua, now);
                self.flow_changed(change, now);
                Ok(())
            }
            Command::Dial { call, to } => self.dial(call, &to, now),
            Command::Answer { call } => {
                self.with_call(call, |call, _| call.answered_by_hand());
                self.step(call, In::Answer, now).map(|()| self.focus_on(call, now))
            }
            Command::Decline { call, reason } => self.step(call, In::Decline(reason), now),
            Command::Forward { call, to } => target::parse(&to, &self.ua.config.account)
                .and_then(|to| self.step(call, In::Forward(to.to_string()), now)),
            Command::Sleep if !self.calls.is_empty() => Err(CommandError::InCall),
            Command::Sleep if self.controls.is_waiting() => Err(CommandError::ControlUnderWay),
            Command::Sleep => {
                self.controls.leave(&mut self.ua, now);
                self.leave_mailbox(now);
                // A registrar that pushes has the connection go at once: what was just said goes before it.
                self.route_all(now);
                self.account.sleep(&mut self.ua, now).map(|change| {
                    self.flow_changed(change, now);
                })
            }
            Command::SetPushToken(token) => self.account.set_token(token, &mut self.ua, now),
            Command::HangUp { call } => self.step(call, In::HangUp, now),
            Command::Hold { call, on } => self.hold(call, on, now),
            Command::Swap => self.swap(now),
            Command::Merge { calls } => self.merge(&calls, now),
            Command::Split { call } => self.split(call, now),
            Command::Leave => self.leave(now),
            Command::Transfer { call, to } => target::parse(&to, &self.ua.config.account)
                .and_then(|to| self.step(call, In::Transfer(Destination::address(to)), now)),
            Command::TransferTo { call, with } => self.transfer_to(call, with, now),
            Command::SendMessage { message, to, text } => {
                self.send_message(message, &to, text, now)
            }
            Command::Control { control, code } => {
                self.send_control(control, &code, Asker::App, now)
            }
            Command::Agent { request } => self.ask_of_agent(request, now),
            Command::Record { call, recording, action } => {
                self.record(call, recording, action, now)
            }
            Command::Watch { on } => {
                self.watch_team(on, now);
                Ok(())
            }
            Command::Supervise { call, target, mode, follow } => {
                self.supervise(call, target, mode, follow, now)
            }
            Command::SetSupervisionMode { call, mode } => {
                let (call, ua) = self.call_and_ua(call).ok_or(CommandError::UnknownCall)?;
                call.set_supervision_mode(mode, ua, now)
            }
            Command::SetAutoAnswer { on } => self.set_auto_answer(on),
            Command::Mute { call, on } => {
                let (call, ua) = self.call_and_ua(call).ok_or(CommandError::UnknownCall)?;
                call.mute(on, ua)
            }
            Command::SendDtmf { call, digits } => {
                let (call, ua) = self.call_and_ua(call).ok_or(CommandError::UnknownCall)?;
                call.send_digits(digits, ua, now)
            }
        }
    }

    /// The world happens: cannot fail.
    pub fn handle(&mut self, input: Input, now: Now) {
        self.look_at_the_clock(now);
        match input {
            Input::FlowOpened { flow } => {
                let change = self.account.handle_opened(flow, &mut self.ua, now);
                self.flow_changed(change, now);
            }
            Input::FlowFailed { flow, error } => {
                self.with_account(now, |account, ua| account.handle_failed(flow, error, ua, now));
            }
            Input::Received { flow, bytes } => {
                if self.account.handle_alive(flow, now) {
                    self.receive(flow, &bytes, now);
                }
            }
            Input::ProbeAnswered { flow } => {
                self.account.handle_alive(flow, now);
            }
            Input::NetworkChanged(handover) => {
                let in_call = !self.calls.is_empty();
                self.each_call(|| In::NetworkChanged(handover), now);
                let (account, ua) = (&mut self.account, &mut self.ua);
                let change = account.handle_network_changed(handover, in_call, ua, now);
                self.flow_changed(change, now);
            }
            Input::Announced(announcement) => self.handle_announced(announcement, now),
            Input::AudioActivated => self.set_audio(true),
            Input::AudioDeactivated => self.set_audio(false),
            Input::Described { call, generation, result } => {
                self.with_call(call, |call, ua| {
                    call.handle_described(generation, result, ua, now);
                });
            }
            Input::MediaConnected { call } => self.tell(call, In::MediaConnected, now),
            Input::MediaDisconnected { call } => {
                self.tell(call, In::MediaDisconnected, now);
                self.account.doubt(&mut self.ua, now);
            }
            Input::MediaResumed { call, gap } => {
                self.with_call(call, |call, ua| call.handle_resumed(gap, ua));
            }
            Input::MediaFailed { call, error } => self.tell(call, In::MediaFailed(error), now),
            Input::FirstSent { call } => {
                self.with_call(call, |call, ua| call.handle_first_sent(ua, now));
            }
            Input::FirstHeard { call } => {
                self.with_call(call, |call, ua| call.handle_first_heard(ua, now));
            }
            Input::Quality { call, report } => {
                self.with_call(call, |call, ua| call.handle_quality(report, ua));
            }
            Input::TonePlayed { call } => self.with_call(call, Call::tone_played),
            Input::DtmfSent { call } => self.with_call(call, Call::handle_digits_sent),
        }
        self.settle(now);
    }

    /// The next thing to carry out; drain to `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.ua.poll_output()
    }

    /// When [`Phone::handle_timeout`] is due in boot time, and why.
    pub fn poll_timeout(&self) -> Option<(Duration, TimerReason)> {
        let transaction = self.ua.transactions.poll_timeout();
        let transaction = transaction.map(|(at, name)| (at, TimerReason::Transaction(name)));
        let account = self.account.poll_timeout(self.ua.config.keep_alive);
        let calls = self.calls.iter().filter_map(Call::poll_timeout);
        let others = self.doubts.poll_timeout().into_iter();
        let others = others.chain(self.mailbox.subscription().poll_timeout());
        let others = others.chain(self.referral_timeout());
        let others = others.chain(self.controls.poll_timeout());
        let others = others.chain(self.agent.poll_timeout()).chain(self.team.poll_timeout());
        let others = others.chain(self.recordings.poll_timeout());
        let others = others.chain(self.features.poll_timeout());
        transaction.into_iter().chain(account).chain(calls).chain(others).min()
    }

    /// Time passed, perhaps asleep.
    pub fn handle_timeout(&mut self, now: Now) {
        self.look_at_the_clock(now);
        self.ua.transactions.handle_timeout(now.boot);
        self.settle(now);
        self.with_account(now, |account, ua| account.handle_timeout(ua, now));
        for call in &mut self.calls {
            call.handle_timeout(&mut self.ua, now);
        }
        self.answer_those_due(now);
        self.controls.handle_timeout(&mut self.ua, now);
        if std::mem::take(&mut self.ua.doubtful) {
            self.account.doubt(&mut self.ua, now);
        }
        self.handle_doubts_timeout(now);
        self.handle_mailbox_timeout(now);
        self.handle_referral_timeout(now);
        self.handle_agent_timeout(now);
        self.handle_recording_timeout(now);
        self.handle_team_timeout(now);
        self.handle_features_timeout(now);
        self.settle(now);
    }

    /// What is to be seen.
    pub fn snapshot(&self) -> Snapshot {
        let calls = self.calls.iter().filter(|call| !call.is_orphan()).map(|call| CallSnapshot {
            recordings: if call.is_up() { self.recordings.of(call.id) } else { Vec::new() },
            ..call.snapshot()
        });
        Snapshot {
            registration: self.account.lamp().clone(),
            calls: calls.collect(),
            auto_answer: self.answers_by_itself(),
            transfers_return: self.transfers_return(),
            voicemail: self.mailbox.summary().copied(),
            agent: self.agent_snapshot(),
            recording: self.recordings.access(),
            features: self.features_snapshot(),
            team: self.team.shown(),
            unread_packs: self.ua.unread.list(),
        }
    }

    /// The platform's audio session; without one audio is always open.
    fn set_audio(&mut self, active: bool) {
        if self.ua.config.audio == AudioGate::Open || self.ua.audio == active {
            return;
        }
        self.ua.audio = active;
        if active {
            self.ua.ask(Output::SetAudio { active });
        }
        for call in &mut self.calls {
            call.set_gates(&mut self.ua);
        }
        if !active {
            self.ua.ask(Output::SetAudio { active });
        }
    }

    fn dial(&mut self, call: CallId, to: &str, now: Now) -> Result<(), CommandError> {
        self.may_call(call)?;
        let to = target::parse(to, &self.ua.config.account)?;
        self.calls.push(Call::outgoing(call, to, &mut self.ua, now));
        self.focus_on(call, now);
        Ok(())
    }

    fn supervise(
        &mut self,
        call: CallId,
        agent: String,
        mode: SupervisionMode,
        follow: bool,
        now: Now,
    ) -> Result<(), CommandError> {
        self.may_call(call)?;
        let to = target::supervision(&agent, mode, follow, &self.ua.config.account)?;
        let supervising = Supervising::new(agent, mode, follow);
        self.calls.push(Call::supervising(call, to, supervising, &mut self.ua, now));
        self.focus_on(call, now);
        Ok(())
    }

    /// Whether a call of this name can be made.
    fn may_call(&mut self, call: CallId) -> Result<(), CommandError> {
        // The id of a call that may still be pushed is no id of another.
        if self.call_and_ua(call).is_some() || self.memory.verdict(call).is_some() {
            return Err(CommandError::CallIdTaken);
        }
        if !self.account.is_registered() {
            return Err(CommandError::NotRegistered);
        }
        if self.calls.len() >= MAX_CALLS {
            return Err(CommandError::TooManyCalls);
        }
        Ok(())
    }

    /// One message, as its frame carries it; what cannot be read may still be answered.
    fn receive(&mut self, flow: FlowId, bytes: &[u8], now: Now) {
        if bytes.iter().all(|byte| b"\r\n\0 ".contains(byte)) {
            return;
        }
        let read = Message::parse(bytes).and_then(|message| message.validate().map(|()| message));
        match read {
            Ok(message) => {
                let reliable = Reliability::Reliable;
                self.ua.transactions.receive(message, flow, reliable, now.boot);
            }
            Err(error) => {
                log::warn!("a message is not understood: {error}");
                let tag = self.ua.token();
                if let Some(response) = Message::rejection(bytes, &error, &tag) {
                    self.ua.transmit(&Message::Response(response));
                }
            }
        }
    }

    /// Has the account see to its connection, and soon where a call needs one.
    fn with_account(&mut self, now: Now, act: impl FnOnce(&mut Account, &mut Ua) -> FlowChange) {
        self.ua.in_call = !self.calls.is_empty();
        let change = act(&mut self.account, &mut self.ua);
        self.ua.in_call = false;
        self.flow_changed(change, now);
    }

    pub(crate) fn flow_changed(&mut self, change: FlowChange, now: Now) {
        match change {
            FlowChange::None => {}
            FlowChange::Up => {
                // Who talks is served first: the server takes a re-INVITE from any flow, bound or not.
                self.calls.iter_mut().for_each(|call| call.send_first(&mut self.ua, now));
                self.account.handle_up(&mut self.ua, now);
                self.ua.cancel_abandoned(now);
                self.each_call(|| In::FlowUp, now);
                self.controls.flow_up(&mut self.ua, now);
            }
            FlowChange::Moved => {
                self.forget_news();
                self.flow_changed(FlowChange::Up, now);
            }
            FlowChange::Lost(flow) => {
                self.ua.transactions.flow_lost(flow, now.boot);
                self.forget_news();
                self.drop_doubted(now);
                self.each_call(|| In::FlowLost, now);
            }
            FlowChange::Left(flow) => {
                if let Some(flow) = flow {
                    self.ua.transactions.flow_lost(flow, now.boot);
                }
                self.forget_news();
                self.drop_doubted(now);
                self.forget_referrals();
                self.each_call(|| In::HangUp, now);
                self.each_call(|| In::Deadline, now);
            }
        }
    }

    /// The connection is gone: what the server has told is what it said last.
    fn forget_news(&mut self) {
        self.forget_mailbox();
        self.agent.forget();
        self.forget_recordings();
        self.team.forget();
        self.features.forget();
        self.ua.unread.forget_all();
    }

    pub(crate) fn call_and_ua(&mut self, id: CallId) -> Option<(&mut Call, &mut Ua)> {
        let call = self.calls.iter_mut().find(|call| call.id == id && !call.is_over())?;
        Some((call, &mut self.ua))
    }

    pub(crate) fn with_call(&mut self, id: CallId, act: impl FnOnce(&mut Call, &mut Ua)) {
        if let Some((call, ua)) = self.call_and_ua(id) {
            act(call, ua);
        }
    }

    pub(crate) fn step(&mut self, id: CallId, input: In, now: Now) -> Result<(), CommandError> {
        let (call, ua) = self.call_and_ua(id).ok_or(CommandError::UnknownCall)?;
        call.step(input, ua, now)
    }

    /// A step that nobody asked for, which cannot be refused.
    pub(crate) fn tell(&mut self, id: CallId, input: In, now: Now) {
        let _ = self.step(id, input, now);
    }

    fn each_call(&mut self, input: impl Fn() -> In, now: Now) {
        for call in &mut self.calls {
            let _ = call.step(input(), &mut self.ua, now);
        }
    }
}
