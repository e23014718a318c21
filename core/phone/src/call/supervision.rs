//! A call that supervises an agent's: the mode is asked for by a digit in an INFO, confirmed by a NOTIFY in the dialog, and
//! nothing of the microphone leaves before (docs/agent-plane.md).

use super::{Call, Leg};
use crate::news::read;
use crate::ua::Ua;
use crate::{
    CallId, CommandError, EndReason, Event, Now, Pack, PackProblem, Party, Supervision,
    SupervisionEnd, SupervisionFailure, SupervisionMode,
};
use serde::Deserialize;
use sidetone_sip::transaction::ClientKey;
use sidetone_sip::{Request, Response, StatusCode, Uri};
use std::time::Duration;

/// The event package.
pub(crate) const EVENT: &str = "sidetone-supervise";
/// The longest body that is looked at.
const LONGEST: usize = 4096;
/// How long the word of a mode may take, from the answer or from what asks for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What supervision has to do with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Supervising {
    target: String,
    follow: bool,
    confirmed: Option<SupervisionMode>,
    /// What was asked for last, or is left of it.
    wanted: SupervisionMode,
    /// Whether the agent hears who speaks to him.
    heard: bool,
    waiting: bool,
    /// The agent's call is over, and with it this one.
    over: bool,
    asked: Option<Asked>,
    /// What the server was asked for and has not said a word of, in order: it may come to each of them yet. A mode that was
    /// asked for twice running is in it once.
    owed: Vec<SupervisionMode>,
}

/// A mode whose confirmation is waited for. One at a time, so that it is known what a word of the server is about, and that
/// no mode is passed through of which this side knows nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    mode: SupervisionMode,
    until: Option<Duration>,
    step: Step,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// The digit waits for a connection.
    Unsent,
    /// It is on its way.
    Sent(ClientKey),
    /// It was taken, or the INVITE has asked.
    Taken,
}

/// What the server tells, version 1.
#[derive(Deserialize)]
struct News {
    mode: Option<SupervisionMode>,
    refused: Option<SupervisionMode>,
    heard: Option<bool>,
    /// No digit is answered by this.
    #[serde(default)]
    unasked: bool,
    #[serde(default)]
    waiting: bool,
    #[serde(default)]
    over: bool,
}

impl Supervising {
    pub(crate) fn new(target: String, wanted: SupervisionMode, follow: bool) -> Self {
        let asked = Some(Asked { mode: wanted, until: None, step: Step::Taken });
        let (confirmed, heard, waiting, over) = (None, true, false, false);
        let owed = vec![wanted];
        Self { target, follow, confirmed, wanted, heard, waiting, over, asked, owed }
    }

    /// The server has said that he is heard, and neither in this mode nor in one that it may come to by others than those
    /// whom he wants to be heard by.
    fn is_open(&self) -> bool {
        let wanted = |mode| mode <= self.wanted;
        self.confirmed.is_some_and(|mode| mode > SupervisionMode::Listen && wanted(mode))
            && self.asked.as_ref().is_none_or(|asked| wanted(asked.mode))
            && self.owed.iter().all(|mode| wanted(*mode))
    }

    /// The server is asked for this: another word is owed, and none of it was said before.
    fn owes(&mut self, mode: SupervisionMode) {
        if self.owed.last() != Some(&mode) {
            self.owed.push(mode);
        }
    }

    /// A word of what was asked for. It answers the oldest that it can answer, and what was asked before that is past, since
    /// the server takes digits as they come. A digit that is still on its way is answered by none.
    fn answers(&mut self, mode: SupervisionMode) {
        let is_sent = |asked: &Asked| matches!(asked.step, Step::Sent(_));
        let taken = self.owed.len() - usize::from(self.asked.as_ref().is_some_and(is_sent));
        if let Some(at) = self.owed.iter().take(taken).position(|owed| *owed == mode) {
            self.owed.drain(..=at);
        }
    }

    /// Whether it owes no word but of this mode.
    fn owes_only(&self, mode: SupervisionMode) -> bool {
        self.owed.iter().all(|owed| *owed == mode)
    }

    /// Its words may have gone down with the connection: it is not known what the server is in.
    fn forget(&mut self) {
        self.confirmed = None;
        if let Some(asked) = &mut self.asked {
            asked.step = Step::Unsent;
        }
    }

    /// There is a connection again: what is wanted is asked for on it. Whose agent may have come to his next call meanwhile
    /// listens.
    fn ask_anew(&mut self, now: Now) {
        if self.follow {
            self.wanted = SupervisionMode::Listen;
        }
        let until = Some(now.boot + PATIENCE);
        self.asked = Some(Asked { mode: self.wanted, until, step: Step::Unsent });
    }

    /// Nothing more than this is wanted, and nothing is waited for.
    fn settle_for(&mut self, most: SupervisionMode) {
        self.asked = None;
        self.wanted = self.wanted.min(most);
    }

    /// What is asked for was taken, and is what the server is in, and of nothing else a word is owed: what was asked for
    /// meanwhile is its turn now.
    fn conclude(&mut self, now: Now) -> bool {
        let is_done = |asked: &Asked| {
            let is_there = asked.step == Step::Taken && self.confirmed == Some(asked.mode);
            is_there && self.owes_only(asked.mode)
        };
        let is_concluded = self.asked.as_ref().is_some_and(is_done);
        if is_concluded {
            self.asked = (self.confirmed != Some(self.wanted)).then_some(Asked {
                mode: self.wanted,
                until: Some(now.boot + PATIENCE),
                step: Step::Unsent,
            });
        }
        is_concluded
    }

    fn snapshot(&self) -> Supervision {
        Supervision {
            target: self.target.clone(),
            mode: self.confirmed,
            requested: Some(self.wanted).filter(|wanted| {
                let is_there = self.confirmed == Some(*wanted) && self.owes_only(*wanted);
                self.asked.is_some() && !is_there && !self.waiting && !self.over
            }),
            speaks: self.is_open(),
            heard: self.heard || self.confirmed.is_none(),
            follow: self.follow,
            waiting: self.waiting,
        }
    }
}

impl Call {
    /// Starts a call to the code that supervises an agent.
    pub(crate) fn supervising(
        id: CallId,
        (code, agent): (Uri, Uri),
        supervising: Supervising,
        ua: &mut Ua,
        now: Now,
    ) -> Self {
        let party = Party { name: None, uri: agent.to_string() };
        let mut call = Self::calling(id, code, party, ua, now);
        call.supervising = Some(supervising);
        call.tell_supervision(ua);
        call
    }

    /// Whether it supervises an agent's call, so that what is said in it is for nobody else.
    pub(crate) fn is_supervision(&self) -> bool {
        self.supervising.is_some()
    }

    /// What is to be seen of it.
    pub(super) fn supervision(&self) -> Option<Supervision> {
        self.supervising.as_ref().map(Supervising::snapshot)
    }

    /// Whether nothing of the microphone may leave, whatever the mute says.
    pub(super) fn only_listens(&self) -> bool {
        self.supervising.as_ref().is_some_and(|supervising| !supervising.is_open())
    }

    /// Asks for a mode, also for the one that there is: after a hold of the agent's, say.
    pub(crate) fn set_supervision_mode(
        &mut self,
        mode: SupervisionMode,
        ua: &mut Ua,
        now: Now,
    ) -> Result<(), CommandError> {
        let held = self.holds() && mode > SupervisionMode::Listen;
        let ready = self.is_up() && !held;
        match &mut self.supervising {
            Some(supervising) if ready && !supervising.waiting => {
                supervising.wanted = mode;
                supervising.asked.get_or_insert(Asked {
                    mode,
                    until: Some(now.boot + PATIENCE),
                    step: Step::Unsent,
                });
            }
            Some(_) | None => return Err(CommandError::WrongState),
        }
        // Who is to be heard less is silent before the server knows it.
        self.set_gates(ua);
        self.send_mode(ua, now);
        self.tell_supervision(ua);
        Ok(())
    }

    /// Who leaves it for another call, or holds it, only listens when he is back.
    pub(super) fn fall_back_to_listening(&mut self, ua: &mut Ua, now: Now) {
        let speaks = |s: &Supervising| s.wanted > SupervisionMode::Listen;
        if self.supervising.as_ref().is_some_and(speaks) {
            let _ = self.set_supervision_mode(SupervisionMode::Listen, ua, now);
        }
    }

    /// It was answered: the server's word of the mode is waited for.
    pub(super) fn supervision_answered(&mut self, ua: &mut Ua, now: Now) {
        if let Some(Asked { until, .. }) =
            self.supervising.as_mut().and_then(|supervising| supervising.asked.as_mut())
        {
            *until = Some(now.boot + PATIENCE);
        }
        if !self.focus {
            self.fall_back_to_listening(ua, now);
        }
    }

    /// Sends the digit that waits, where there is a connection and the server knows that it is this one: its word would go
    /// to the one before.
    pub(super) fn send_mode(&mut self, ua: &mut Ua, now: Now) {
        if !self.is_up() || self.is_moving() {
            return;
        }
        let Some(asked) = self.asked().filter(|asked| asked.step == Step::Unsent) else { return };
        let digit = match asked.mode {
            SupervisionMode::Listen => '4',
            SupervisionMode::Whisper => '5',
            SupervisionMode::Barge => '6',
        };
        let mode = asked.mode;
        let key = self.send_relay(digit, ua, now);
        if let (Some(key), Some(supervising)) = (key, &mut self.supervising) {
            supervising.owes(mode);
            let until = supervising.asked.as_ref().and_then(|asked| asked.until);
            supervising.asked = Some(Asked { mode, until, step: Step::Sent(key) });
        }
    }

    fn asked(&mut self) -> Option<&mut Asked> {
        self.supervising.as_mut()?.asked.as_mut()
    }

    /// Whether this transaction asks for a mode.
    pub(crate) fn is_supervising_by(&self, key: &ClientKey) -> bool {
        let asked = self.supervising.as_ref().and_then(|supervising| supervising.asked.as_ref());
        asked.is_some_and(|asked| matches!(&asked.step, Step::Sent(ours) if ours == key))
    }

    /// It was challenged and sent again.
    pub(super) fn supervised_again(&mut self, key: &ClientKey, again: &Option<(ClientKey, u32)>) {
        if let (true, Some((again, _)), Some(asked)) =
            (self.is_supervising_by(key), again, self.asked())
        {
            asked.step = Step::Sent(again.clone());
        }
    }

    /// The connection went under it: it goes again on the next.
    pub(crate) fn mode_lost(&mut self) {
        if let Some(asked) = self.asked() {
            asked.step = Step::Unsent;
        }
    }

    /// The connection of the call is gone.
    pub(super) fn supervision_flow_lost(&mut self, ua: &mut Ua) {
        if let Some(supervising) = &mut self.supervising {
            supervising.forget();
            self.set_gates(ua);
            self.tell_supervision(ua);
        }
    }

    /// The call is on another connection.
    pub(super) fn supervision_flow_up(&mut self, ua: &mut Ua, now: Now) {
        if let Some(supervising) = self.supervising.as_mut().filter(|supervising| !supervising.over)
        {
            supervising.forget();
            supervising.ask_anew(now);
            self.set_gates(ua);
            self.tell_supervision(ua);
        }
    }

    /// A final response to what asks for a mode, or none in time.
    pub(crate) fn mode_answered(&mut self, response: Option<&Response>, ua: &mut Ua, now: Now) {
        match response.map(|response| response.status) {
            Some(status) if status.is_success() => {
                if let Some(asked) = self.asked() {
                    asked.step = Step::Taken;
                }
                // Its word may have come before.
                if self.supervising.as_mut().is_some_and(|s| s.conclude(now)) {
                    self.set_gates(ua);
                    self.send_mode(ua, now);
                    self.tell_supervision(ua);
                }
            }
            Some(status) => self.mode_failed(SupervisionFailure::Refused(status.code()), ua),
            None => self.mode_failed(SupervisionFailure::Unconfirmed, ua),
        }
    }

    fn mode_failed(&mut self, reason: SupervisionFailure, ua: &mut Ua) {
        let Some(supervising) = &mut self.supervising else { return };
        let Some(Asked { mode, .. }) = supervising.asked.take() else { return };
        // It was asked for to learn whether the agent's next call is there, and is not.
        if supervising.waiting {
            return;
        }
        // Where nobody knows what the server has made of it, no mode is known, and nothing is said to anybody.
        supervising.confirmed.take_if(|_| reason != SupervisionFailure::Forbidden);
        supervising.settle_for(supervising.confirmed.unwrap_or(SupervisionMode::Listen));
        self.set_gates(ua);
        if !self.released {
            ua.tell(Event::SupervisionFailed { call: self.id, mode, reason });
        }
        self.tell_supervision(ua);
    }

    /// A NOTIFY of the server: what it says of the mode is the truth.
    pub(crate) fn supervision_told(&mut self, notify: &Request, ua: &mut Ua, now: Now) {
        if !self.is_supervision() {
            return;
        }
        let news = ua.unread.note(Pack::Supervise, read::<News>(&notify.body, LONGEST));
        let Some(news) = news else {
            if let Some(problem) = ua.unread.of(Pack::Supervise) {
                self.supervision_unread(problem, ua);
            }
            return;
        };
        let Some(supervising) = &mut self.supervising else { return };
        supervising.over |= news.over;
        supervising.waiting = news.waiting;
        supervising.confirmed = news.mode;
        supervising.heard = news.heard.unwrap_or(true);
        if news.over {
            // Its end is told by the BYE.
            supervising.settle_for(SupervisionMode::Listen);
            return self.set_gates(ua);
        }
        let asked = supervising.asked.as_ref().map(|asked| asked.mode);
        if let Some(mode) = news.refused.or(news.mode).filter(|_| !news.unasked) {
            supervising.answers(mode);
        }
        if news.refused.is_some_and(|mode| Some(mode) == asked && supervising.owes_only(mode)) {
            self.mode_failed(SupervisionFailure::Forbidden, ua);
            return;
        }
        match news.mode {
            // Of this one, or of an earlier one: then what was asked for is still to come.
            Some(_) if asked.is_some() => {
                supervising.conclude(now);
            }
            // Nobody has asked for it: the agent's next call, or its hold.
            Some(mode) => supervising.settle_for(mode),
            None => supervising.settle_for(SupervisionMode::Listen),
        }
        self.set_gates(ua);
        self.send_mode(ua, now);
        self.tell_supervision(ua);
    }

    /// The server has spoken, and nobody here knows who hears the supervisor: he is not to be heard.
    fn supervision_unread(&mut self, problem: PackProblem, ua: &mut Ua) {
        let Some(supervising) = &mut self.supervising else { return };
        (supervising.confirmed, supervising.waiting) = (None, false);
        if supervising.asked.is_some() {
            return self.mode_failed(SupervisionFailure::Unread(problem), ua);
        }
        self.set_gates(ua);
        self.tell_supervision(ua);
    }

    fn tell_supervision(&self, ua: &mut Ua) {
        if let Some(supervision) = self.supervision().filter(|_| !self.released) {
            ua.tell(Event::SupervisionChanged { call: self.id, supervision });
        }
    }

    pub(super) fn supervision_timeout(&self) -> Option<Duration> {
        self.supervising.as_ref()?.asked.as_ref()?.until.filter(|_| self.is_up())
    }

    pub(super) fn handle_supervision_timeout(&mut self, ua: &mut Ua, now: Now) {
        if self.supervision_timeout().is_some_and(|until| until <= now.boot) {
            self.mode_failed(SupervisionFailure::Unconfirmed, ua);
        }
    }

    /// What the server's BYE means, where it has said so before.
    pub(super) fn supervision_over(&self) -> Option<EndReason> {
        let over = self.supervising.as_ref().is_some_and(|supervising| supervising.over);
        over.then_some(EndReason::Supervision(SupervisionEnd::CallOver))
    }

    /// What a refusal of the code means.
    pub(super) fn supervision_refused(&self, status: StatusCode) -> Option<EndReason> {
        let Leg::Outgoing { .. } = &self.leg else { return None };
        let end = match status.code() {
            403 | 603 => SupervisionEnd::Forbidden,
            404 => SupervisionEnd::UnknownAgent,
            480 => SupervisionEnd::NotInCall,
            _ => return None,
        };
        self.is_supervision().then_some(EndReason::Supervision(end))
    }
}
