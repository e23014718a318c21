//! The platform and the user of one phone: pushes, audio, kills, and what must hold of them.

use super::key::BEGINNING;
use sidetone_phone::{CallSnapshot, CallState, Output, Saved};
use std::time::Duration;

/// A ring attempt lasts so long from its push.
pub(super) const RINGS: Duration = Duration::from_secs(20);
/// What was decided of a call is remembered for so long.
const REMEMBERED: Duration = Duration::from_secs(210);
/// The wall clock of [`BEGINNING`] and the boot clock differ by this.
pub(super) const WALL: Duration = Duration::from_secs(1_700_000_000);

/// What the user decided of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// To take it.
    Answer,
    /// To have its INVITE refused with this status.
    Refuse(u16),
}

/// What the platform and the user know.
#[derive(Debug, Clone, Default)]
pub(super) struct Edge {
    /// The platform says when audio may run.
    pub(super) gated: bool,
    /// It may.
    pub(super) audio: bool,
    uplink: bool,
    downlink: bool,
    /// What was decided, and until when it counts.
    decided: Option<(Decision, Duration)>,
    /// When the server gives the attempt up, once a push was made.
    pub(super) deadline: Option<Duration>,
    /// The phone was told of that.
    pub(super) announced: bool,
    /// The branch of the INVITE that got a 200; of a process that was killed it is empty.
    answered: Option<String>,
    /// What survives.
    pub(super) saved: Option<Saved>,
    /// How often the process was killed.
    pub(super) kills: u8,
}

impl Edge {
    pub(super) fn new(gated: bool) -> Self {
        Self { gated, ..Self::default() }
    }

    /// The push of the call, as its payload.
    pub(super) fn push(&mut self, call: &str, now: Duration) -> Vec<u8> {
        let deadline = *self.deadline.get_or_insert(now + RINGS);
        let seconds = (WALL + deadline).as_secs();
        format!(r#"{{"v":1,"kind":"incoming","call":"{call}","deadline":{seconds}}}"#).into_bytes()
    }

    /// The user decided, and the phone took it.
    pub(super) fn decide(&mut self, decision: Decision, now: Duration) {
        if self.gated {
            self.decided = Some((decision, now + REMEMBERED));
        }
    }

    /// The process is gone.
    pub(super) fn kill(&mut self) {
        self.kills += 1;
        (self.uplink, self.downlink, self.audio) = (false, false, false);
        // What is not there yet, and what no push had announced, leaves nothing to be kept.
        let is_lost = !self.announced && self.answered.is_none();
        let answers = |decided: &(Decision, Duration)| decided.0 == Decision::Answer;
        self.decided = self.decided.filter(|decided| !(is_lost && answers(decided)));
        self.answered = self.answered.take().map(|_| String::new());
    }

    /// The phone asks for something.
    pub(super) fn output(&mut self, output: &Output) -> Result<(), String> {
        if !self.gated {
            return Ok(());
        }
        let (way, open) = match output {
            Output::SetUplink { open, .. } => (&mut self.uplink, *open),
            Output::SetDownlink { open, .. } => (&mut self.downlink, *open),
            Output::RenewMedia { .. } | Output::ReleaseMedia { .. } => {
                (self.uplink, self.downlink) = (false, false);
                return Ok(());
            }
            Output::Save(saved) => {
                self.saved = Some(saved.clone());
                return Ok(());
            }
            Output::OpenFlow { .. }
            | Output::CloseFlow { .. }
            | Output::Transmit { .. }
            | Output::Probe { .. }
            | Output::Describe { .. }
            | Output::SetRemoteAnswer { .. }
            | Output::Rollback { .. }
            | Output::Mix { .. }
            | Output::PlayTone { .. }
            | Output::SetCallWaiting { .. }
            | Output::SendDtmf { .. }
            | Output::SetAudio { .. }
            | Output::Record(_)
            | Output::KeepMessage(_)
            | Output::MarkMessage { .. }
            | Output::Event(_) => return Ok(()),
        };
        *way = open;
        match open && !self.audio {
            true => Err("audio is opened before the platform lets it".to_owned()),
            false => Ok(()),
        }
    }

    /// The phone gave an INVITE that starts a call its final response.
    pub(super) fn answered(&mut self, branch: &str, status: u16) -> Result<(), String> {
        if !self.gated {
            return Ok(());
        }
        let decision = self.decided.map(|(decision, _)| decision);
        match (decision, status) {
            (Some(Decision::Answer), 200) => match self.answered.replace(branch.to_owned()) {
                Some(before) if before != branch => Err("a call is answered twice".to_owned()),
                Some(_) | None => Ok(()),
            },
            (_, 200) => Err("a call is answered that nobody answered".to_owned()),
            (Some(Decision::Refuse(wanted)), _) if wanted != status => {
                Err(format!("an INVITE got {status}, decided was {wanted}"))
            }
            (_, _) => Ok(()),
        }
    }

    /// What must hold of what the phone shows.
    pub(super) fn check(
        &mut self,
        call: Option<&CallSnapshot>,
        now: Duration,
    ) -> Result<(), String> {
        self.decided = self.decided.filter(|(_, until)| now < *until);
        let Some(call) = call.filter(|_| self.gated) else { return Ok(()) };
        let waits = matches!(call.state, CallState::Announced | CallState::Ringing);
        if waits && call.intent.is_none() && self.decided.is_some() {
            return Err(format!("a decided call is {:?}", call.state));
        }
        let is_late = self.announced && self.deadline.is_some_and(|deadline| now >= deadline);
        if waits && is_late {
            return Err(format!("a call is {:?} after its deadline", call.state));
        }
        let is_up = matches!(call.state, CallState::Answered | CallState::Established);
        let is_held = call.hold.local || call.hold.remote;
        if is_up && !is_held && (self.uplink, self.downlink) != (self.audio, self.audio) {
            return Err("audio does not run as the platform lets it".to_owned());
        }
        Ok(())
    }
}

/// The wall clock at a time of the boot clock.
pub(super) fn wall(boot: Duration) -> Duration {
    debug_assert!(boot >= BEGINNING);
    WALL + boot
}
