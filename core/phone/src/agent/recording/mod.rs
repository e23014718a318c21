//! Recordings of the agent's calls, by the server's word (docs/agent-plane.md).
//!
//! What he wants goes as a code of the dial plan, which is where it is refused; an INFO inside the call that is meant then
//! calls it up. What is recorded comes as a NOTIFY, after each change, whoever made it; on each connection the phone asks
//! once, so that what it shows is never older.

mod news;

use super::question::Question;
use crate::control::Asker;
use crate::phone::Phone;
use crate::subscription::is_of_package;
use crate::{
    CallId, CommandError, ControlFailure, ControlId, Event, Now, Pack, Recording, RecordingAccess,
    RecordingAction, RecordingFailure, RecordingId, RecordingPolicy, RecordingState, TimerReason,
};
use news::{News, Told};
use sidetone_sip::transaction::ServerKey;
use sidetone_sip::{Request, Response, StatusCode};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The event package.
const EVENT: &str = "sidetone-recording";
/// What the server answers where nothing can be written.
const NOT_WRITABLE: u16 = 502;
/// How long the news may take, of what was asked or called up.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is recorded of the agent's calls, where the phone is to know.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recordings {
    access: RecordingAccess,
    /// The number of the last news of this connection.
    number: Option<u64>,
    /// The news is of this connection.
    certain: bool,
    /// What is recorded.
    question: Question,
    calls: BTreeMap<CallId, Vec<Told>>,
    /// What is wanted and not confirmed: one thing of a call at a time.
    wants: BTreeMap<CallId, Want>,
    /// The calls that are on hold here.
    held: BTreeSet<CallId>,
    shown: BTreeMap<CallId, Vec<Recording>>,
    shown_access: RecordingAccess,
}

#[derive(Debug, Clone)]
struct Want {
    recording: RecordingId,
    action: RecordingAction,
    step: Step,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// The code is under way.
    Asked(ControlId),
    /// The server would; it was called up, and the news must come until then.
    CalledUp { until: Duration },
}

impl Want {
    /// Whether this is what was wanted.
    fn is_met_by(&self, told: &[Told]) -> bool {
        let found = told.iter().find(|told| told.id == self.recording);
        found.is_some_and(|told| told.state == outcome(self.action))
    }
}

fn outcome(action: RecordingAction) -> RecordingState {
    match action {
        RecordingAction::Start | RecordingAction::Resume => RecordingState::Recording,
        RecordingAction::Pause => RecordingState::Paused,
        RecordingAction::Stop => RecordingState::Stopped,
    }
}

impl Recordings {
    pub(crate) fn access(&self) -> RecordingAccess {
        self.access
    }

    pub(crate) fn poll_timeout(&self) -> Option<(Duration, TimerReason)> {
        let wants = self.wants.values().filter_map(|want| match want.step {
            Step::Asked(_) => None,
            Step::CalledUp { until } => Some(until),
        });
        let at = wants.chain(self.question.poll_timeout()).min()?;
        Some((at, TimerReason::AgentNews))
    }

    /// The connection is gone: what was known is what was said last.
    pub(crate) fn forget(&mut self) {
        (self.certain, self.number, self.question) = (false, None, Question::default());
        if self.access == RecordingAccess::Unavailable {
            self.access = RecordingAccess::Unknown;
        }
    }

    /// What is to be seen of a call: what the server has said, and what is asked of it.
    pub(crate) fn of(&self, call: CallId) -> Vec<Recording> {
        let want = self.wants.get(&call);
        let requested =
            |id: &RecordingId| want.filter(|want| want.recording == *id).map(|want| want.action);
        let told = self.calls.get(&call).map_or(&[][..], Vec::as_slice);
        let known = told.iter().map(|told| Recording {
            id: told.id.clone(),
            state: told.state,
            certain: self.certain,
            automatic: told.automatic,
            policy: told.policy,
            requested: requested(&told.id),
        });
        let new = want.filter(|want| !told.iter().any(|told| told.id == want.recording));
        let new = new.map(|want| Recording {
            id: want.recording.clone(),
            state: RecordingState::Stopped,
            certain: self.certain,
            automatic: false,
            policy: RecordingPolicy::Free,
            requested: Some(want.action),
        });
        known.chain(new).collect()
    }

    fn is_running(&self, call: CallId) -> bool {
        let told = self.calls.get(&call).map_or(&[][..], Vec::as_slice);
        told.iter().any(|told| told.state == RecordingState::Recording)
    }

    /// Refuses at once what the server would refuse, as far as it has told.
    fn check(
        &self,
        call: CallId,
        id: &RecordingId,
        action: RecordingAction,
    ) -> Result<(), CommandError> {
        match self.access {
            RecordingAccess::Unavailable => return Err(CommandError::RecordingUnavailable),
            RecordingAccess::Forbidden => return Err(CommandError::NotAllowed),
            RecordingAccess::Unknown | RecordingAccess::Allowed => {}
        }
        if self.wants.contains_key(&call) {
            return Err(CommandError::RecordingUnderWay);
        }
        if !self.certain {
            return Ok(());
        }
        let told = self.calls.get(&call).and_then(|told| told.iter().find(|told| told.id == *id));
        let starts = action == RecordingAction::Start;
        let Some(told) = told else {
            let is_new = starts && *id != RecordingId::automatic();
            return if is_new { Ok(()) } else { Err(CommandError::UnknownRecording) };
        };
        let is_his = match told.policy {
            RecordingPolicy::Free => true,
            RecordingPolicy::Pausable => !starts && action != RecordingAction::Stop,
            RecordingPolicy::Locked => false,
        };
        if !is_his {
            return Err(CommandError::RecordingLocked);
        }
        let is_over = told.state == RecordingState::Stopped;
        if is_over && !starts { Err(CommandError::UnknownRecording) } else { Ok(()) }
    }
}

impl Phone {
    /// Has the server do this with a recording of a call.
    pub(crate) fn record(
        &mut self,
        call: CallId,
        recording: RecordingId,
        action: RecordingAction,
        now: Now,
    ) -> Result<(), CommandError> {
        let (found, _) = self.call_and_ua(call).ok_or(CommandError::UnknownCall)?;
        if !found.is_up() {
            return Err(CommandError::WrongState);
        }
        if !self.ua.config.recordings {
            return Err(CommandError::RecordingUnavailable);
        }
        self.recordings.check(call, &recording, action)?;
        let control = ControlId(self.ua.uuid());
        let verb = match action {
            RecordingAction::Start => "start",
            RecordingAction::Pause => "pause",
            RecordingAction::Resume => "resume",
            RecordingAction::Stop => "stop",
        };
        let code = format!("sidetone*record*{call}*{recording}*{verb}");
        self.send_control(control, &code, Asker::Phone, now)?;
        self.recordings.wants.insert(call, Want { recording, action, step: Step::Asked(control) });
        Ok(())
    }

    /// After each step: whether something is to be asked or told.
    pub(crate) fn settle_recordings(&mut self, now: Now) {
        if !self.ua.config.recordings {
            return;
        }
        let up: Vec<CallId> =
            self.calls.iter().filter(|call| call.is_up()).map(|call| call.id).collect();
        let recordings = &mut self.recordings;
        recordings.wants.retain(|call, _| up.contains(call));
        self.recall_voices(now);
        let recordings = &mut self.recordings;
        let asks = !recordings.certain
            && !self.ua.unread.is_of_another_version(Pack::Record)
            && recordings.access != RecordingAccess::Unavailable
            && recordings.question.is_idle();
        if asks && self.account.is_registered() {
            let sent = self.send_question("sidetone*record", now);
            self.recordings.question.sent(sent, now);
        }
        let Self { recordings, ua, .. } = self;
        if recordings.access != recordings.shown_access {
            recordings.shown_access = recordings.access;
            ua.tell(Event::RecordingAccessChanged { access: recordings.access });
        }
        recordings.shown.retain(|call, _| up.contains(call));
        recordings.held.retain(|call| up.contains(call));
        for call in up {
            let now_shown = recordings.of(call);
            let shown = recordings.shown.entry(call).or_default();
            if *shown != now_shown {
                shown.clone_from(&now_shown);
                ua.tell(Event::RecordingsChanged { call, recordings: now_shown });
            }
        }
    }

    /// Who was on hold heard music: a recording may have to be told to take the agent's voice anew (docs/asterisk.md).
    fn recall_voices(&mut self, now: Now) {
        let Self { recordings, calls, ua, .. } = self;
        for call in calls.iter_mut().filter(|call| call.is_up()) {
            if call.is_held_here() {
                recordings.held.insert(call.id);
            } else if recordings.held.remove(&call.id)
                && recordings.is_running(call.id)
                && !recordings.wants.contains_key(&call.id)
            {
                call.call_up_recording(ua, now);
            }
        }
    }

    /// What came of a code that the phone dialled by itself.
    pub(crate) fn recording_answered(
        &mut self,
        control: ControlId,
        outcome: Result<(), ControlFailure>,
        now: Now,
    ) {
        let Self { recordings, ua, .. } = self;
        let in_vain = ua.unread.is_of_another_version(Pack::Record);
        let patience = (recordings.certain || in_vain, PATIENCE);
        match recordings.question.answered(control, outcome, patience, now) {
            Some(ControlFailure::NotFound) => {
                recordings.access = RecordingAccess::Unavailable;
                recordings.calls.clear();
            }
            Some(_) => recordings.question.later(now),
            None => {}
        }
        let is_of = |want: &Want| matches!(want.step, Step::Asked(asked) if asked == control);
        let found = recordings.wants.iter().find(|(_, want)| is_of(want)).map(|(call, _)| *call);
        let Some(call) = found else { return };
        if let Err(reason) = outcome {
            return self.recording_failed(call, failure(reason));
        }
        let (mut is_called_up, until) = (false, now.boot + PATIENCE);
        self.with_call(call, |call, ua| is_called_up = call.call_up_recording(ua, now));
        match self.recordings.wants.get_mut(&call) {
            Some(want) if is_called_up => want.step = Step::CalledUp { until },
            _ => self.recording_failed(call, RecordingFailure::Unconfirmed),
        }
    }

    /// A final response to the INFO that calls up what the server would do, or none.
    pub(crate) fn recording_called_up(&mut self, call: CallId, response: Option<&Response>) {
        match response.map(|response| response.status) {
            // The news of it counts.
            Some(status) if status.is_success() => {}
            Some(status) => {
                let reason = ControlFailure::Rejected(status.code());
                self.recording_failed(call, RecordingFailure::Refused(reason));
            }
            None => self.recording_failed(call, RecordingFailure::Unconfirmed),
        }
    }

    fn recording_failed(&mut self, call: CallId, reason: RecordingFailure) {
        let Some(want) = self.recordings.wants.remove(&call) else { return };
        // It may have been done: it is asked for.
        self.recordings.certain &= reason != RecordingFailure::Unconfirmed;
        let Want { recording, action, .. } = want;
        self.ua.tell(Event::RecordingFailed { call, recording, action, reason });
    }

    /// The connection is gone: what was wanted may have been done.
    pub(crate) fn forget_recordings(&mut self) {
        let calls: Vec<CallId> = self.recordings.wants.keys().copied().collect();
        for call in calls {
            self.recording_failed(call, RecordingFailure::Unconfirmed);
        }
        self.recordings.forget();
    }

    pub(crate) fn handle_recording_timeout(&mut self, now: Now) {
        let recordings = &mut self.recordings;
        if recordings.question.handle_timeout(now) {
            // The server may have begun to count anew.
            recordings.number = None;
        }
        let is_late =
            |want: &Want| matches!(want.step, Step::CalledUp { until } if until <= now.boot);
        let late = recordings.wants.iter().filter(|(_, want)| is_late(want));
        let late: Vec<CallId> = late.map(|(call, _)| *call).collect();
        for call in late {
            self.recording_failed(call, RecordingFailure::Unconfirmed);
        }
    }

    /// A NOTIFY of the server outside every dialog. `false`: it is not of recordings.
    pub(crate) fn recording_notified(
        &mut self,
        key: &ServerKey,
        notify: &Request,
        now: Now,
    ) -> bool {
        if !self.ua.config.recordings || !is_of_package(notify, EVENT) {
            return false;
        }
        let tag = self.ua.token();
        self.ua.respond(key, notify.response(StatusCode::OK, Some(&tag)), now);
        let Self { recordings, ua, .. } = self;
        let is_newer = |news: &News| recordings.number < Some(news.number);
        let news = ua.unread.note(Pack::Record, News::read(&notify.body));
        let Some(news) = news.filter(is_newer) else {
            if let Some(problem) = ua.unread.of(Pack::Record) {
                // The server has spoken, and what it records now is not known.
                (recordings.number, recordings.certain) = (None, false);
                recordings.access = RecordingAccess::Unknown;
                recordings.question.unread(problem, now);
            }
            return true;
        };
        recordings.number = Some(news.number);
        recordings.access =
            if news.may { RecordingAccess::Allowed } else { RecordingAccess::Forbidden };
        recordings.certain = true;
        recordings.question.told();
        let of = |call: &CallId| news.calls.get(call).map_or(&[][..], Vec::as_slice);
        recordings.wants.retain(|call, want| !want.is_met_by(of(call)));
        recordings.calls = news.calls;
        true
    }
}

fn failure(reason: ControlFailure) -> RecordingFailure {
    match reason {
        ControlFailure::Forbidden => RecordingFailure::Forbidden,
        ControlFailure::Busy => RecordingFailure::Locked,
        ControlFailure::Gone => RecordingFailure::NotThere,
        ControlFailure::NotFound => RecordingFailure::Unavailable,
        ControlFailure::Rejected(NOT_WRITABLE) => RecordingFailure::NotWritable,
        ControlFailure::TimedOut | ControlFailure::ConnectionLost => RecordingFailure::Unconfirmed,
        ControlFailure::Unavailable
        | ControlFailure::NotImplemented
        | ControlFailure::Rejected(_) => RecordingFailure::Refused(reason),
    }
}
