//! An agent's phone in a call that is recorded, and a server that may do anything: what is shown is its last word, each
//! request ends once and in its time, and nothing is called up that the server has not agreed to.

use super::desk::{Desk, call};
use super::numbers::Numbers;
use crate::order::key::Key;
use crate::order::{Subject, script};
use sidetone_phone::{
    CallId, CallState, Command, Event, Recording, RecordingAction, RecordingFailure, RecordingId,
    RecordingPolicy, RecordingState,
};
use std::time::Duration;

/// Ten seconds for the code, three for the news.
const REQUESTED: Duration = Duration::from_millis(13_500);

/// What may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// The agent begins a recording.
    Start,
    /// He pauses it.
    Pause,
    /// He goes on.
    Resume,
    /// He ends it.
    Stop,
    /// He pauses the one that is made by a rule.
    PauseRule,
    /// 200 to the oldest code: the server would, or tells where it was asked what is recorded.
    Agree,
    /// 486 to it.
    Locked,
    /// 500 to it.
    Fail,
    /// The oldest INFO is done, told and answered.
    CallUp,
    /// It is done and answered, and the news of it is lost or late.
    CallUpSilently,
    /// 481 to it.
    InfoRefused,
    /// The server tells.
    Tell,
    /// What it told before that comes once more, or late.
    TellLate,
    /// The site records the call by a rule that lets nobody touch it; it tells.
    Rule,
    /// Another ends the agent's recording; nobody tells.
    Change,
    /// The agent holds, and then resumes.
    Hold,
    /// The customer hangs up.
    Bye,
    /// The connection is lost.
    FlowLost,
    /// The one that the phone asked for is there.
    FlowUp,
    /// The process is suspended for 40 s.
    Sleep,
    /// Time passes until something is due.
    Time,
}

/// A recording, as the server has it.
type Entry = (&'static str, &'static str, &'static str);

/// What the server has, or said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Word {
    number: u64,
    recordings: Vec<Entry>,
}

impl Word {
    fn text(&self) -> String {
        let entry = |(id, state, policy): &Entry| {
            let is_auto = *id == "auto";
            format!(
                r#"{{"id":"{id}","state":"{state}","automatic":{is_auto},"policy":"{policy}"}}"#
            )
        };
        let all: Vec<String> = self.recordings.iter().map(entry).collect();
        let (call, number) = (script::CALL, self.number);
        format!(
            r#"{{"v":1,"number":{number},"may":true,"calls":[{{"call":"{call}","recordings":[{}]}}]}}"#,
            all.join(",")
        )
    }

    fn set(&mut self, id: &'static str, state: &'static str, policy: &'static str) {
        match self.recordings.iter_mut().find(|(known, ..)| *known == id) {
            Some(entry) => entry.1 = state,
            None => self.recordings.push((id, state, policy)),
        }
    }

    fn state(&self, id: &str) -> Option<&'static str> {
        self.recordings.iter().find(|(known, ..)| *known == id).map(|(_, state, _)| *state)
    }
}

/// What was asked for, and has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wish {
    id: &'static str,
    action: RecordingAction,
    until: Duration,
}

/// The phone in its call, its server, and what it may show.
#[derive(Debug, Clone)]
pub struct Recorded {
    desk: Desk,
    truth: Word,
    late: Option<Word>,
    last: Option<Word>,
    word: Option<Word>,
    ever: Option<Word>,
    numbers: Numbers,
    /// What the server has agreed to, and is to be called up.
    agreed: Option<(&'static str, &'static str)>,
    /// As many INFOs may come.
    may_call_up: usize,
    infos: usize,
    wish: Option<Wish>,
    told: Vec<Recording>,
    /// The last word is of this connection, and nothing was done since of which nobody knows.
    sure: bool,
    holds: bool,
}

impl Recorded {
    /// A phone that talks, and knows what is recorded: nothing.
    ///
    /// # Errors
    /// It does not come to that.
    pub fn new() -> Result<Self, String> {
        let desk = Desk::new(|config| config.recordings = true)?;
        let numbers = Numbers::new("sidetone*record", Duration::from_secs(3), desk.now);
        let mut recorded = Self {
            desk,
            truth: Word::default(),
            late: None,
            last: None,
            word: None,
            ever: None,
            numbers,
            agreed: None,
            may_call_up: 0,
            infos: 0,
            wish: None,
            told: Vec::new(),
            sure: false,
            holds: false,
        };
        recorded.apply(Op::Agree)?;
        recorded.desk.ring()?;
        if recorded.desk.command(Command::Answer { call: call()? })?.is_err() {
            return Err("the call is not answered".to_owned());
        }
        recorded.desk.begin();
        Ok(recorded)
    }

    /// The same after these inputs.
    ///
    /// # Errors
    /// What must not be.
    pub fn after(mut self, ops: &[Op]) -> Result<Self, String> {
        ops.iter().try_for_each(|op| self.apply(*op))?;
        Ok(self)
    }

    fn ask(&mut self, id: &'static str, action: RecordingAction) -> Result<(), String> {
        let recording: RecordingId = id.parse().map_err(|_| "no name")?;
        let command = Command::Record { call: call()?, recording, action };
        if self.desk.command(command)?.is_ok() {
            self.wish = Some(Wish { id, action, until: self.desk.now + REQUESTED });
        }
        Ok(())
    }

    fn tell(&mut self) -> Result<(), String> {
        self.truth.number += 1;
        self.late = self.last.replace(self.truth.clone());
        self.say(self.truth.clone())
    }

    fn say(&mut self, word: Word) -> Result<(), String> {
        if self.numbers.takes(word.number) {
            (self.word, self.ever) = (Some(word.clone()), Some(word.clone()));
            self.sure = true;
        }
        self.desk.notify("sidetone-recording", &word.text())
    }

    fn answer(&mut self, status: u16) -> Result<(), String> {
        let Some(code) = self.desk.code().cloned() else { return Ok(()) };
        let (now, parts) = (self.desk.now, code.text.split('*').collect::<Vec<_>>());
        let is_waited_for = now < code.until;
        if let ([_, _, _, id, verb], 200) = (&parts[..], status) {
            let id = if *id == "auto" { "auto" } else { "1" };
            let verbs = ["start", "pause", "resume", "stop"];
            self.agreed = verbs.into_iter().find(|known| known == verb).map(|verb| (id, verb));
            self.may_call_up += usize::from(is_waited_for);
        } else if status == 200 {
            self.tell()?;
        }
        if is_waited_for && parts.len() < 5 {
            self.numbers.answered(&code, status, self.sure, now);
        }
        self.desk.answer_code(status)
    }

    fn called_up(&mut self) {
        if let Some((id, verb)) = self.agreed.take() {
            let state = match verb {
                "pause" => "paused",
                "stop" => "stopped",
                _ => "recording",
            };
            self.truth.set(id, state, "free");
        }
    }

    fn cut(&mut self) {
        (self.word, self.sure) = (None, false);
        self.numbers.cut(self.desk.now);
        self.infos = 0;
    }

    fn check(&mut self, op: Op) -> Result<(), String> {
        let now = self.desk.now;
        self.desk.mark(self.numbers.last);
        let snapshot = self.desk.snapshot();
        let id = call()?;
        let shown = snapshot.calls.iter().find(|call| call.id == id);
        let is_up = shown
            .is_some_and(|call| matches!(call.state, CallState::Answered | CallState::Established));
        let unconfirmed = self.check_events(id)?;
        if self.desk.infos.len() > self.infos {
            // Back from hold the recording takes the voice anew.
            let is_back = op == Op::Hold || op == Op::FlowUp || op == Op::Tell;
            if self.may_call_up == 0 && !is_back {
                return Err("an INFO calls up what nobody has agreed to".to_owned());
            }
            self.may_call_up = self.may_call_up.saturating_sub(1);
        }
        self.infos = self.desk.infos.len();
        if let Some(shown) = shown.filter(|_| is_up) {
            if self.told != shown.recordings {
                return Err(format!("{:?} is shown, told was {:?}", shown.recordings, self.told));
            }
            self.check_shown(&shown.recordings, now)?;
        } else {
            self.wish = None;
        }
        self.sure &= !unconfirmed;
        let known = shown.and_then(|call| call.recordings.first()).map(|one| one.certain);
        if known.is_some_and(|certain| certain != self.sure) {
            return Err(format!("what is recorded is certain: {known:?}, and {}", self.sure));
        }
        let dialled = std::mem::take(&mut self.desk.dialled);
        for code in dialled {
            let is_asked =
                matches!(op, Op::Start | Op::Pause | Op::Resume | Op::Stop | Op::PauseRule);
            if !(is_asked && code.contains(script::CALL)) {
                self.numbers.asks(&code, &self.desk, (self.sure, unconfirmed))?;
            }
        }
        self.numbers.settle(now);
        self.desk.check()
    }

    /// Whether something ended that nobody can be sure of.
    fn check_events(&mut self, id: CallId) -> Result<bool, String> {
        let mut unconfirmed = false;
        for event in std::mem::take(&mut self.desk.events) {
            if let Event::RecordingsChanged { call, recordings } = &event
                && *call == id
            {
                self.told.clone_from(recordings);
            }
            if let Event::RecordingFailed { recording, action, reason, .. } = event {
                unconfirmed |= reason == RecordingFailure::Unconfirmed;
                let wish = self.wish.take();
                if wish.is_none_or(|w| w.id != recording.as_str() || w.action != action) {
                    return Err(format!("{action:?} ends with {reason:?}, and was not asked for"));
                }
            }
        }
        Ok(unconfirmed)
    }

    fn check_shown(&mut self, shown: &[Recording], now: Duration) -> Result<(), String> {
        let requested = shown.iter().find_map(|one| Some((one.id.as_str(), one.requested?)));
        if let Some(wish) = self.wish.clone() {
            let outcome = match wish.action {
                RecordingAction::Start | RecordingAction::Resume => "recording",
                RecordingAction::Pause => "paused",
                RecordingAction::Stop => "stopped",
            };
            let is_met = self.word.as_ref().and_then(|word| word.state(wish.id)) == Some(outcome);
            match requested {
                Some(this) if this == (wish.id, wish.action) => {}
                None if is_met => self.wish = None,
                other => return Err(format!("{wish:?} is asked for, shown is {other:?}")),
            }
            if now > wish.until {
                return Err(format!("{wish:?} is not over in its time"));
            }
        } else if let Some(requested) = requested {
            return Err(format!("{requested:?} is shown as requested, and is not"));
        }
        let certain = shown.iter().all(|one| one.certain);
        let word = if certain && self.word.is_some() { &self.word } else { &self.ever };
        let said: Vec<Entry> = word.iter().flat_map(|word| word.recordings.clone()).collect();
        let text = |one: &Recording| {
            let state = match one.state {
                RecordingState::Recording => "recording",
                RecordingState::Paused => "paused",
                RecordingState::Stopped => "stopped",
            };
            let policy = match one.policy {
                RecordingPolicy::Free => "free",
                RecordingPolicy::Pausable => "pausable",
                RecordingPolicy::Locked => "locked",
            };
            (one.id.as_str().to_owned(), state, policy)
        };
        // What is only asked for is the last, and does not run.
        let known = &shown[..said.len().min(shown.len())];
        let is_true =
            known.iter().map(text).eq(said.iter().map(|(id, s, p)| ((*id).to_owned(), *s, *p)));
        let runs = |one: &Recording| one.state == RecordingState::Recording;
        let is_new = shown[known.len()..].iter().all(|one| one.requested.is_some() && !runs(one));
        let is_sure = !shown.iter().any(|one| one.certain) || self.word.is_some();
        match is_true && is_new && is_sure {
            true => Ok(()),
            false => Err(format!("{shown:?} is shown, told was {said:?}")),
        }
    }
}

impl Subject for Recorded {
    type Op = Op;

    const TIME: Op = Op::Time;
    const DUE: &'static [Op] = &[Op::FlowUp];

    fn key(&self) -> Key {
        self.desk.key(self)
    }

    fn is_possible(&self, op: Op) -> bool {
        let flow = self.desk.flow.is_some();
        match op {
            Op::Start | Op::Pause | Op::Resume | Op::Stop | Op::PauseRule | Op::Change => true,
            Op::Agree | Op::Locked | Op::Fail => flow && !self.desk.codes.is_empty(),
            Op::CallUp | Op::CallUpSilently | Op::InfoRefused => {
                flow && !self.desk.infos.is_empty()
            }
            Op::Tell | Op::FlowLost | Op::Rule => flow,
            Op::TellLate => flow && self.late.is_some(),
            Op::Hold | Op::Sleep => true,
            Op::Bye => flow && self.desk.has_dialog(),
            Op::FlowUp => self.desk.is_opening(),
            Op::Time => self.desk.due().is_some(),
        }
    }

    fn apply(&mut self, op: Op) -> Result<(), String> {
        self.desk.begin();
        match op {
            Op::Start => self.ask("1", RecordingAction::Start)?,
            Op::Pause => self.ask("1", RecordingAction::Pause)?,
            Op::Resume => self.ask("1", RecordingAction::Resume)?,
            Op::Stop => self.ask("1", RecordingAction::Stop)?,
            Op::PauseRule => self.ask("auto", RecordingAction::Pause)?,
            Op::Agree => self.answer(200)?,
            Op::Locked => self.answer(486)?,
            Op::Fail => self.answer(500)?,
            Op::CallUp => {
                self.called_up();
                self.tell()?;
                self.desk.answer_info(200)?;
            }
            Op::CallUpSilently => {
                self.called_up();
                self.desk.answer_info(200)?;
            }
            Op::InfoRefused => self.desk.answer_info(481)?,
            Op::Tell => self.tell()?,
            Op::TellLate => {
                let late = self.late.clone().unwrap_or_default();
                self.say(late)?;
            }
            Op::Rule => {
                self.truth.set("auto", "recording", "locked");
                self.tell()?;
            }
            Op::Change => {
                if self.truth.state("1").is_some() {
                    self.truth.set("1", "stopped", "free");
                }
            }
            Op::Hold => {
                let on = !self.holds;
                if self.desk.command(Command::Hold { call: call()?, on })?.is_ok() {
                    self.holds = on;
                }
            }
            Op::Bye => self.desk.hang_up()?,
            Op::FlowLost => {
                self.cut();
                self.desk.lose_flow()?;
            }
            Op::FlowUp => self.desk.open_flow()?,
            Op::Sleep => {
                self.desk.sleep()?;
                if let Some(wish) = &mut self.wish {
                    wish.until = self.desk.now + REQUESTED;
                }
            }
            Op::Time => self.desk.pass()?,
        }
        self.check(op)
    }

    fn now(&self) -> Duration {
        self.desk.now
    }
}
