//! A supervisor's phone and a server that may do anything: the microphone is closed unless a mode is confirmed in which he is
//! heard, and neither that nor what the server does is louder than what he asked for last.

use super::desk::{Desk, call};
use crate::checks::Supervised;
use crate::order::Subject;
use crate::order::key::Key;
use sidetone_phone::{CallState, Command, Event, SupervisionFailure, SupervisionMode};
use std::time::Duration;

/// The word of a mode may take ten seconds, and then those of another that was asked for meanwhile.
const CONFIRMED: Duration = Duration::from_millis(20_500);

/// What may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// The server takes the call.
    Accept,
    /// It does not.
    Refuse,
    /// He asks to listen.
    Listen,
    /// To whisper.
    Whisper,
    /// To barge in.
    Barge,
    /// The server does what the oldest INFO asks, tells and answers it.
    Obey,
    /// It answers; its word comes later, and then it does.
    Agree,
    /// It neither answers nor tells yet, and then does.
    AgreeUnheard,
    /// It answers, does not, and says so.
    Deny,
    /// 500 to the oldest INFO.
    Fail,
    /// Its word of what it has agreed to, which it does then.
    Tell,
    /// A word of an earlier number, that he is in barge, comes late.
    TellLate,
    /// The agent holds, or resumes, and the server says so.
    Holds,
    /// The agent's call is over; his next is waited for.
    Wait,
    /// It is there.
    Next,
    /// The agent's call is over.
    Over,
    /// BYE of the server.
    Bye,
    /// He holds, and then resumes.
    Hold,
    /// He mutes, and then does not.
    Mute,
    /// The connection is lost.
    FlowLost,
    /// The network is another.
    Break,
    /// The connection that the phone asked for is there.
    FlowUp,
    /// Time passes until something is due.
    Time,
}

/// The phone, its server, and what was asked.
#[derive(Debug, Clone)]
pub struct Supervisor {
    desk: Desk,
    asked: Supervised,
    /// The mode that the server is in, and what is to be shown of that.
    mode: Option<SupervisionMode>,
    told: Option<SupervisionMode>,
    told_once: bool,
    /// Whether the agent hears anybody, and what was said of that last.
    hears: bool,
    told_heard: bool,
    /// What it has agreed to, and tells before it does.
    agreed: Vec<SupervisionMode>,
    holds: bool,
    muted: bool,
    /// What is shown as requested, and since when.
    requested: Option<(SupervisionMode, Duration)>,
}

impl Supervisor {
    /// Somebody who has asked to supervise in this mode.
    ///
    /// # Errors
    /// The phone does not.
    pub fn new(mode: SupervisionMode) -> Result<Self, String> {
        let mut desk = Desk::new(|_| {})?;
        let target = "agent2".to_owned();
        let command = Command::Supervise { call: call()?, target, mode, follow: true };
        desk.command(command)?.map_err(|refusal| refusal.to_string())?;
        let (asked, requested) = (Supervised::new(mode), Some((mode, desk.now)));
        let (holds, muted) = (false, false);
        Ok(Self {
            desk,
            asked,
            mode: None,
            told: None,
            told_once: false,
            hears: true,
            told_heard: true,
            agreed: Vec::new(),
            holds,
            muted,
            requested,
        })
    }

    /// The same after these inputs.
    ///
    /// # Errors
    /// What must not be.
    pub fn after(mut self, ops: &[Op]) -> Result<Self, String> {
        ops.iter().try_for_each(|op| self.apply(*op))?;
        Ok(self)
    }

    fn ask(&mut self, mode: SupervisionMode) -> Result<(), String> {
        let command = Command::SetSupervisionMode { call: call()?, mode };
        if self.desk.command(command)?.is_ok() {
            self.asked.asks(mode);
            self.requested = None;
        }
        Ok(())
    }

    /// What the oldest INFO asks for.
    fn wanted(&self) -> Option<SupervisionMode> {
        let body = String::from_utf8_lossy(&self.desk.infos.first()?.body).into_owned();
        match body.strip_prefix("Signal=")?.chars().next()? {
            '4' => Some(SupervisionMode::Listen),
            '5' => Some(SupervisionMode::Whisper),
            '6' => Some(SupervisionMode::Barge),
            _ => None,
        }
    }

    fn tell(&mut self, more: &str) -> Result<(), String> {
        let heard = self.hears;
        let mode = self.mode.map(|mode| format!(r#","mode":"{mode}","heard":{heard}"#));
        let mode = mode.unwrap_or_default();
        (self.told, self.told_once, self.told_heard) = (self.mode, true, heard);
        self.say(&format!(r#"{{"v":1,"agent":"agent2"{mode}{more}}}"#), false)?;
        let is_there = !self.desk.snapshot().calls.is_empty();
        match self.desk.noticed {
            Some(200) => Ok(()),
            // The call is over for one of the two.
            _ if !is_there || !self.desk.has_dialog() => Ok(()),
            other => Err(format!("a word of the mode got {other:?}")),
        }
    }

    fn say(&mut self, body: &str, late: bool) -> Result<(), String> {
        self.desk.notify_inside("sidetone-supervise", body, late)
    }

    fn check(&mut self) -> Result<(), String> {
        let (now, id) = (self.desk.now, call()?);
        let calls = self.desk.snapshot().calls;
        let shown = calls.iter().find(|call| call.id == id);
        let heard = self.mode.map(SupervisionMode::as_str);
        self.asked.check(shown, self.desk.speaks, heard)?;
        for event in std::mem::take(&mut self.desk.events) {
            if let (Event::SupervisionChanged { .. }, None) = (&event, shown) {
                return Err("a supervision that is over is told of".to_owned());
            }
            // Nobody knows what the server has made of it.
            if let Event::SupervisionFailed { reason, .. } = event
                && reason != SupervisionFailure::Forbidden
            {
                self.told = None;
            }
        }
        let Some(supervision) = shown.and_then(|call| call.supervision.as_ref()) else {
            return if self.desk.speaks {
                Err("nobody supervises, and speaks".to_owned())
            } else {
                Ok(())
            };
        };
        // Where nobody knows, no mode is shown.
        if supervision.mode.is_some() && supervision.mode != self.told {
            return Err(format!("{supervision:?} is shown, told was {:?}", self.told));
        }
        if !supervision.heard && (self.told_heard || supervision.mode.is_none()) {
            return Err("the agent is shown as who hears nobody".to_owned());
        }
        if self.desk.speaks && self.muted {
            return Err("who is muted speaks".to_owned());
        }
        let is_up = shown
            .is_some_and(|call| matches!(call.state, CallState::Answered | CallState::Established));
        match (supervision.requested, self.requested) {
            (Some(mode), Some((before, since))) if mode == before => {
                if is_up && now > since + CONFIRMED {
                    return Err(format!("{mode} is asked for since {:?}", now - since));
                }
            }
            (requested, _) => self.requested = requested.map(|mode| (mode, now)),
        }
        if !is_up {
            self.requested = self.requested.map(|(mode, _)| (mode, now));
        }
        self.desk.check()
    }
}

impl Subject for Supervisor {
    type Op = Op;

    const TIME: Op = Op::Time;
    const DUE: &'static [Op] = &[Op::FlowUp];

    fn key(&self) -> Key {
        self.desk.key(self)
    }

    fn is_possible(&self, op: Op) -> bool {
        let (flow, dialog) = (self.desk.flow.is_some(), self.desk.has_dialog());
        let has_call = !self.desk.snapshot().calls.is_empty();
        match op {
            Op::Accept | Op::Refuse => flow && self.desk.invite.is_some(),
            Op::Listen | Op::Whisper | Op::Barge | Op::Hold | Op::Mute => has_call,
            // One after the other.
            Op::Obey | Op::Deny => flow && !self.desk.infos.is_empty() && self.agreed.is_empty(),
            Op::Agree | Op::AgreeUnheard | Op::Fail => flow && !self.desk.infos.is_empty(),
            Op::Tell => flow && dialog && !self.agreed.is_empty(),
            Op::TellLate => flow && dialog && self.told_once,
            Op::Wait | Op::Over | Op::Bye => flow && dialog,
            Op::Next => flow && dialog && self.mode.is_none(),
            Op::Holds => flow && dialog && self.mode.is_some(),
            Op::FlowLost | Op::Break => flow,
            Op::FlowUp => self.desk.is_opening(),
            Op::Time => self.desk.due().is_some(),
        }
    }

    fn apply(&mut self, op: Op) -> Result<(), String> {
        self.desk.begin();
        match op {
            Op::Accept => {
                let code = self.desk.invite.as_ref().and_then(|invite| invite.uri.user.clone());
                let mode = code.as_deref().and_then(|code| code.split('*').nth(3));
                let all =
                    [SupervisionMode::Listen, SupervisionMode::Whisper, SupervisionMode::Barge];
                self.agreed.extend(all.into_iter().find(|one| Some(one.as_str()) == mode));
                self.desk.answer_call(200)?;
            }
            Op::Refuse => self.desk.answer_call(480)?,
            Op::Listen => self.ask(SupervisionMode::Listen)?,
            Op::Whisper => self.ask(SupervisionMode::Whisper)?,
            Op::Barge => self.ask(SupervisionMode::Barge)?,
            Op::Obey => {
                // Told before he is heard so.
                self.mode = self.wanted().or(self.mode);
                self.tell("")?;
                self.desk.answer_info(200)?;
            }
            Op::Agree => {
                self.agreed.extend(self.wanted());
                self.desk.answer_info(200)?;
            }
            Op::AgreeUnheard => {
                self.agreed.extend(self.wanted());
                self.desk.infos.remove(0);
            }
            Op::Deny => {
                let refused = self.wanted().map(|mode| format!(r#","refused":"{mode}""#));
                self.desk.answer_info(200)?;
                self.tell(&refused.unwrap_or_default())?;
            }
            Op::Fail => self.desk.answer_info(500)?,
            Op::Tell => {
                self.mode = Some(self.agreed.remove(0));
                self.tell("")?;
            }
            Op::TellLate => self.say(r#"{"v":1,"agent":"agent2","mode":"barge"}"#, true)?,
            Op::Wait => {
                self.mode = None;
                self.agreed.clear();
                self.tell(r#","waiting":true"#)?;
            }
            Op::Next => {
                self.mode = Some(SupervisionMode::Listen);
                self.tell(r#","unasked":true"#)?;
            }
            Op::Holds => {
                self.hears = !self.hears;
                self.tell(r#","unasked":true"#)?;
            }
            Op::Over => {
                self.mode = None;
                self.agreed.clear();
                self.tell(r#","over":true"#)?;
            }
            Op::Bye => self.desk.hang_up()?,
            Op::Hold => {
                let on = !self.holds;
                if self.desk.command(Command::Hold { call: call()?, on })?.is_ok() {
                    self.holds = on;
                }
            }
            Op::Mute => {
                let on = !self.muted;
                if self.desk.command(Command::Mute { call: call()?, on })?.is_ok() {
                    self.muted = on;
                }
            }
            Op::FlowLost => {
                // It comes to the oldest, and its word goes with the connection; to the others it comes later.
                if !self.agreed.is_empty() {
                    self.mode = Some(self.agreed.remove(0));
                }
                self.desk.lose_flow()?;
            }
            Op::Break => {
                // It has come to all of them, and their words are gone.
                self.mode = self.agreed.pop().or(self.mode);
                self.agreed.clear();
                self.desk.change_network()?;
            }
            Op::FlowUp => self.desk.open_flow()?,
            Op::Time => self.desk.pass()?,
        }
        self.check()
    }

    fn now(&self) -> Duration {
        self.desk.now
    }
}
