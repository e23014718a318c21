//! A question to the server: a code asks, and its news answers, before the server's yes or after. What comes to nothing is asked
//! again, later each time.

use crate::control::Asker;
use crate::phone::Phone;
use crate::{ControlFailure, ControlId, Now, PackProblem};
use std::time::Duration;

/// It is asked again after so long at first, and at last.
const WAIT: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// A question that is asked until it is answered.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Question {
    asked: Option<Asked>,
    /// When it is to be asked again.
    again: Option<Duration>,
    failures: u32,
}

/// It is under way.
#[derive(Debug, Clone, Copy)]
struct Asked {
    control: ControlId,
    /// The server has said yes; the news must come until then.
    until: Option<Duration>,
}

impl Phone {
    /// Sends the code of a question.
    pub(super) fn send_question(&mut self, code: &str, now: Now) -> Option<ControlId> {
        let control = ControlId(self.ua.uuid());
        self.send_control(control, code, Asker::Phone, now).ok().map(|()| control)
    }
}

impl Question {
    /// Nothing is under way, and it need not wait.
    pub(super) fn is_idle(&self) -> bool {
        self.asked.is_none() && self.again.is_none()
    }

    /// Its code is on its way, or could not be sent.
    pub(super) fn sent(&mut self, control: Option<ControlId>, now: Now) {
        self.asked = control.map(|control| Asked { control, until: None });
        if control.is_none() {
            self.later(now);
        }
    }

    /// It came to nothing.
    pub(super) fn later(&mut self, now: Now) {
        let wait = WAIT.0.saturating_mul(1 << self.failures.min(8)).min(WAIT.1);
        self.again = Some(now.boot + wait);
        self.failures = self.failures.saturating_add(1);
    }

    /// What came of a code. After a yes its news has `patience` to come, unless it is there already (`is_told`). Gives the
    /// refusal, of which the caller decides whether to ask again.
    pub(super) fn answered(
        &mut self,
        control: ControlId,
        outcome: Result<(), ControlFailure>,
        (is_told, patience): (bool, Duration),
        now: Now,
    ) -> Option<ControlFailure> {
        let asked = self.asked.take_if(|asked| asked.control == control)?;
        if outcome.is_ok() && !is_told {
            self.asked = Some(Asked { until: Some(now.boot + patience), ..asked });
        }
        outcome.err()
    }

    /// The news is there.
    pub(super) fn told(&mut self) {
        self.asked.take_if(|asked| asked.until.is_some());
        (self.again, self.failures) = (None, 0);
    }

    /// Its news is there, and not read: what is garbled may not be the next time.
    pub(super) fn unread(&mut self, problem: PackProblem, now: Now) {
        match problem {
            PackProblem::TooOld | PackProblem::TooNew => self.told(),
            PackProblem::Malformed => {
                self.asked.take_if(|asked| asked.until.is_some());
                self.later(now);
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.asked.and_then(|asked| asked.until).into_iter().chain(self.again).min()
    }

    /// The time has come, perhaps. `true`: the server has said yes, and told nothing.
    pub(super) fn handle_timeout(&mut self, now: Now) -> bool {
        self.again.take_if(|at| *at <= now.boot);
        let silent = |asked: &mut Asked| asked.until.is_some_and(|until| until <= now.boot);
        let is_silent = self.asked.take_if(silent).is_some();
        if is_silent {
            self.later(now);
        }
        is_silent
    }
}
