//! An agent's phone and a server that may do anything: what is shown is the server's last word on this connection or is marked,
//! each request ends once and in its time, and the phone asks once a connection.

use super::desk::{Desk, call};
use super::numbers::Numbers;
use crate::order::Subject;
use crate::order::key::{Key, STEP};
use sidetone_phone::{
    AgentFailure, AgentRequest, AgentSnapshot, AgentState, CallState, Command, Event,
};
use std::time::Duration;

/// A code is answered or given up within ten seconds, and its news there within two or asked for.
const REQUESTED: Duration = Duration::from_millis(12_500);
/// What asks what he is.
const STATE: &str = "sidetone*state";
/// Without its news a question is asked anew after this at the earliest, and so long a wrap-up is expected that the server has
/// not told.
const PAUSE: Duration = Duration::from_secs(2);

/// What may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// The agent logs in to all queues.
    LogIn,
    /// He logs out.
    LogOut,
    /// He pauses.
    Pause,
    /// He is ready again.
    Unpause,
    /// The server carries the oldest code out and tells, then answers it.
    Do,
    /// It answers, and its news is lost or late.
    DoSilently,
    /// 404 to the oldest code.
    Unknown,
    /// 480.
    Unavailable,
    /// 500.
    Fail,
    /// The server tells what he is.
    Tell,
    /// What it told before that comes once more, or late.
    TellLate,
    /// Another device or a supervisor pauses him, or ends that; nobody tells.
    Change,
    /// The server pauses him after a call, and tells.
    WrapUp,
    /// A queue rings.
    Ring,
    /// He answers.
    Answer,
    /// The customer hangs up.
    Bye,
    /// The connection is lost.
    FlowLost,
    /// And with it all that the server knew.
    Forgotten,
    /// The connection that the phone asked for is there.
    FlowUp,
    /// The process is suspended for 40 s.
    Sleep,
    /// The process dies, and begins again.
    Kill,
    /// Time passes until something is due.
    Time,
}

/// What the server has, or said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Word {
    number: u64,
    is_in: bool,
    reason: Option<&'static str>,
}

impl Word {
    fn text(&self, now: Duration) -> String {
        let Self { number, is_in, reason } = self;
        let at = now.as_secs();
        let why = match reason {
            None => String::new(),
            Some("wrapup") => format!(r#","reason":"wrapup","since":{at},"until":{}"#, at + 15),
            Some(reason) => format!(r#","reason":"{reason}","since":{at}"#),
        };
        format!(
            r#"{{"v":1,"number":{number},"at":{at},"queues":[{{"name":"desk","in":{is_in},"paused":{}}}],"reasons":["lunch"],"wrapup":15{why}}}"#,
            *is_in && reason.is_some()
        )
    }

    /// Whether a call of a queue that ends is followed by wrap-up.
    fn is_ready(&self) -> bool {
        self.is_in && self.reason.is_none()
    }

    /// Whether this is shown, beside a call in this state; or the wrap-up that is about to be told.
    fn is_shown(&self, shown: &AgentSnapshot, call: Option<CallState>, expected: bool) -> bool {
        let is_paused = self.is_in && self.reason.is_some();
        let reason = if expected { Some("wrapup") } else { self.reason.filter(|_| self.is_in) };
        let [queue] = &shown.queues[..] else { return false };
        let pause = shown.pause.as_ref();
        let why = pause.and_then(|pause| pause.reason.as_deref());
        let waits = matches!(call, Some(CallState::Announced | CallState::Ringing));
        let state = match (self.is_in, call) {
            (false, _) => AgentState::LoggedOut,
            (true, Some(_)) if waits => AgentState::Ringing,
            (true, Some(state)) if state != CallState::Ending => AgentState::OnCall,
            (true, _) if reason == Some("wrapup") => AgentState::WrapUp,
            (true, _) if reason.is_some() => AgentState::NotReady,
            (true, _) => AgentState::Ready,
        };
        let until = pause.and_then(|pause| pause.until).is_some();
        shown.state == state
            && (queue.logged_in, queue.paused) == (self.is_in, is_paused)
            && why == reason
            && until == (reason == Some("wrapup"))
    }
}

/// A request that the phone has taken and not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wish {
    request: AgentRequest,
    until: Duration,
    /// When the server said yes, and the number of what it had told before the request.
    agreed: Option<Duration>,
    before: Option<u64>,
}

/// The phone, its server, and what it may show.
#[derive(Debug, Clone)]
pub struct Agent {
    desk: Desk,
    truth: Word,
    /// What was told before the last.
    late: Option<Word>,
    last: Option<Word>,
    /// What the phone was told on this connection, and ever.
    word: Option<Word>,
    ever: Option<Word>,
    numbers: Numbers,
    wish: Option<Wish>,
    /// The server said on this connection that it has no queues for him.
    missing: bool,
    told: Option<AgentSnapshot>,
    /// The last word is of this connection, and nothing was done since of which nobody knows.
    sure: bool,
    /// He talks in a call of a queue.
    talks: bool,
    /// Until then he is shown in the wrap-up that the server has not told.
    expected: Option<Duration>,
}

impl Agent {
    /// A phone that has just registered, and asks.
    ///
    /// # Errors
    /// It does not register.
    pub fn new() -> Result<Self, String> {
        let mut desk = Desk::new(|config| config.queues = true)?;
        let dialled = std::mem::take(&mut desk.dialled);
        if dialled != [STATE] {
            return Err(format!("a phone that registers dials {dialled:?}"));
        }
        let told = desk.snapshot().agent;
        let numbers = Numbers::new(STATE, PAUSE, desk.now);
        Ok(Self {
            desk,
            truth: Word::default(),
            late: None,
            last: None,
            word: None,
            ever: None,
            numbers,
            wish: None,
            missing: false,
            told,
            sure: false,
            talks: false,
            expected: None,
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

    fn ask(&mut self, request: AgentRequest) -> Result<(), String> {
        let before = self.numbers.last;
        if self.desk.command(Command::Agent { request: request.clone() })?.is_ok() {
            let until = self.desk.now + REQUESTED;
            self.wish = Some(Wish { request, until, agreed: None, before });
        }
        Ok(())
    }

    /// Tells the truth.
    fn tell(&mut self) -> Result<(), String> {
        self.truth.number += 1;
        self.late = self.last.replace(self.truth.clone());
        self.say(self.truth.clone())
    }

    fn say(&mut self, word: Word) -> Result<(), String> {
        if self.numbers.takes(word.number) {
            self.word = Some(word.clone());
            self.ever = Some(word.clone());
            (self.missing, self.sure, self.expected) = (false, true, None);
        }
        self.desk.notify("sidetone-agent", &word.text(self.desk.now))
    }

    fn carry_out(&mut self, silently: bool) -> Result<(), String> {
        let Some(code) = self.desk.code().map(|code| code.text.clone()) else { return Ok(()) };
        match code.split('*').nth(1) {
            Some("login") if !self.truth.is_in => {
                (self.truth.is_in, self.truth.reason) = (true, None)
            }
            Some("logout") => (self.truth.is_in, self.truth.reason) = (false, None),
            Some("pause") => self.truth.reason = Some("lunch"),
            Some("ready") => self.truth.reason = None,
            _ => {}
        }
        if !silently {
            self.tell()?;
        }
        self.answer(200)
    }

    fn answer(&mut self, status: u16) -> Result<(), String> {
        let now = self.desk.now;
        if let Some(code) = self.desk.code().filter(|code| now < code.until) {
            if self.numbers.answered(code, status, self.sure, now) {
                if status == 404 {
                    (self.missing, self.sure) = (true, false);
                    (self.word, self.ever) = (None, None);
                }
            } else if let Some(wish) = self.wish.as_mut().filter(|_| status == 200) {
                wish.agreed = Some(now);
            }
        }
        self.desk.answer_code(status)
    }

    fn disconnected(&mut self) {
        (self.word, self.missing, self.sure) = (None, false, false);
        self.numbers.cut(self.desk.now);
    }

    fn check(&mut self, op: Op) -> Result<(), String> {
        let now = self.desk.now;
        self.desk.mark(self.numbers.last);
        let snapshot = self.desk.snapshot();
        let shown = snapshot.agent.ok_or("no agent is shown")?;
        let mut unconfirmed = false;
        for event in std::mem::take(&mut self.desk.events) {
            if let Event::AgentChanged { agent } = &event {
                self.told = Some(agent.clone());
            }
            if let Event::AgentFailed { request, reason } = event {
                unconfirmed |= reason == AgentFailure::Unconfirmed;
                if self.wish.take().map(|wish| wish.request) != Some(request) {
                    return Err(format!("a request ends with {reason:?} that is none"));
                }
            }
        }
        if self.told.as_ref() != Some(&shown) {
            return Err(format!("{shown:?} is shown, told was {:?}", self.told));
        }
        let unheard = self.check_wish(&shown, now)?;
        let call = snapshot.calls.first().map(|call| call.state);
        let untold = self.expect_wrap_up(op, call, now)?;
        let word = if shown.certain { &self.word } else { &self.ever };
        let is_true = match (word, shown.state) {
            (_, AgentState::Unavailable) => self.missing && !shown.certain && shown.pause.is_none(),
            (None, AgentState::Unknown) => !shown.certain && shown.pause.is_none(),
            (Some(word), _) => word.is_shown(&shown, call, self.expected.is_some()),
            (None, _) => false,
        };
        if !is_true {
            return Err(format!(
                "{shown:?} is shown, told was {:?}, ever {:?}",
                self.word, self.ever
            ));
        }
        if shown.state == AgentState::Unavailable {
            self.ever = None;
        }
        let doubts = unconfirmed || unheard || untold;
        self.sure &= !doubts;
        let expects = self.expected.is_some();
        if shown.certain != (self.sure && !expects) {
            return Err(format!("{shown:?} is shown, certain is {}, {expects}", self.sure));
        }
        self.check_questions(op, doubts)?;
        let is_up = self.desk.flow.is_some() && self.desk.rests();
        if is_up && !shown.certain && shown.state != AgentState::Unavailable {
            return Err(format!("{shown:?} is shown, and nobody asks"));
        }
        self.numbers.settle(now);
        self.desk.check()
    }

    /// Whether a request ended without its news.
    fn check_wish(&mut self, shown: &AgentSnapshot, now: Duration) -> Result<bool, String> {
        let requested = shown.requested.as_ref();
        let Some(wish) = &self.wish else {
            return match requested {
                Some(request) => Err(format!("{request:?} is shown as requested, and is not")),
                None => Ok(false),
            };
        };
        if now > wish.until {
            return Err(format!("{wish:?} is not over in its time"));
        }
        if requested == Some(&wish.request) {
            return Ok(false);
        }
        let Some(agreed) = wish.agreed else {
            return Err(format!("{wish:?} is over, and nobody said so"));
        };
        let is_told = self.numbers.last > wish.before;
        // What the server has done is not asked for a second time on another connection.
        let is_cut = self.desk.flow.is_none() || self.word.is_none();
        if !is_told && !is_cut && now < agreed + PAUSE {
            return Err(format!("{wish:?} is over before its news"));
        }
        self.wish = None;
        Ok(!is_told)
    }

    /// From the end of a call of a queue on he is in wrap-up, until the server tells or should have told. Whether it should have.
    fn expect_wrap_up(
        &mut self,
        op: Op,
        call: Option<CallState>,
        now: Duration,
    ) -> Result<bool, String> {
        let untold = self.expected.take_if(|until| *until <= now);
        if let Some(until) = untold {
            self.numbers.last = None;
            if op != Op::Sleep && now > until + STEP {
                return Err(format!("wrap-up is expected until {now:?} instead of {until:?}"));
            }
        }
        let talks = matches!(call, Some(CallState::Answered | CallState::Established));
        let is_over = std::mem::replace(&mut self.talks, talks) && !talks;
        if is_over && self.ever.as_ref().is_some_and(Word::is_ready) {
            self.expected = Some(now + PAUSE);
        }
        Ok(untold.is_some())
    }

    fn check_questions(&mut self, op: Op, doubts: bool) -> Result<(), String> {
        for code in std::mem::take(&mut self.desk.dialled) {
            let wanted = [
                (Op::LogIn, "sidetone*login"),
                (Op::LogOut, "sidetone*logout"),
                (Op::Pause, "sidetone*pause*lunch"),
                (Op::Unpause, "sidetone*ready"),
            ];
            if !wanted.contains(&(op, &code)) {
                self.numbers.asks(&code, &self.desk, (self.sure, doubts))?;
            }
        }
        Ok(())
    }
}

impl Subject for Agent {
    type Op = Op;

    const TIME: Op = Op::Time;
    const DUE: &'static [Op] = &[Op::FlowUp];

    fn key(&self) -> Key {
        self.desk.key(self)
    }

    fn is_possible(&self, op: Op) -> bool {
        let flow = self.desk.flow.is_some();
        match op {
            Op::LogIn | Op::LogOut | Op::Pause | Op::Unpause | Op::Change => true,
            Op::Do | Op::DoSilently | Op::Unknown | Op::Unavailable | Op::Fail => {
                flow && !self.desk.codes.is_empty()
            }
            Op::Tell => flow,
            Op::TellLate => flow && self.late.is_some(),
            Op::WrapUp => flow && self.truth.is_in && self.truth.reason.is_none(),
            Op::Ring => flow && self.desk.snapshot().calls.is_empty(),
            Op::Answer => !self.desk.snapshot().calls.is_empty(),
            Op::Bye => flow && self.desk.has_dialog(),
            Op::FlowLost | Op::Forgotten => flow,
            Op::FlowUp => self.desk.is_opening(),
            Op::Sleep | Op::Kill => true,
            Op::Time => self.desk.due().is_some(),
        }
    }

    fn apply(&mut self, op: Op) -> Result<(), String> {
        self.desk.begin();
        match op {
            Op::LogIn => self.ask(AgentRequest::LogIn { queue: None, reason: None })?,
            Op::LogOut => self.ask(AgentRequest::LogOut { queue: None })?,
            Op::Pause => self.ask(AgentRequest::Pause { reason: "lunch".to_owned() })?,
            Op::Unpause => self.ask(AgentRequest::Unpause)?,
            Op::Do => self.carry_out(false)?,
            Op::DoSilently => self.carry_out(true)?,
            Op::Unknown => self.answer(404)?,
            Op::Unavailable => self.answer(480)?,
            Op::Fail => self.answer(500)?,
            Op::Tell => self.tell()?,
            Op::TellLate => {
                let late = self.late.clone().unwrap_or_default();
                self.say(late)?;
            }
            Op::Change => {
                let is_free = self.truth.reason.is_none();
                self.truth.reason = is_free.then_some("break");
            }
            Op::WrapUp => {
                self.truth.reason = Some("wrapup");
                self.tell()?;
            }
            Op::Ring => self.desk.ring()?,
            Op::Answer => {
                let _ = self.desk.command(Command::Answer { call: call()? })?;
            }
            Op::Bye => self.desk.hang_up()?,
            Op::FlowLost => {
                self.disconnected();
                self.desk.lose_flow()?;
            }
            Op::Forgotten => {
                self.truth = Word::default();
                (self.late, self.last) = (None, None);
                self.disconnected();
                self.desk.lose_flow()?;
            }
            Op::FlowUp => self.desk.open_flow()?,
            Op::Sleep => {
                self.desk.sleep()?;
                if let Some(wish) = &mut self.wish {
                    wish.until = self.desk.now + REQUESTED;
                }
            }
            Op::Kill => {
                self.disconnected();
                (self.ever, self.wish, self.told) = (None, None, None);
                (self.talks, self.expected) = (false, None);
                self.desk.kill()?;
            }
            Op::Time => self.desk.pass()?,
        }
        self.check(op)
    }

    fn now(&self) -> Duration {
        self.desk.now
    }
}
