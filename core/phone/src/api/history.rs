//! The calls that are over, as people look for them.

use super::{CallId, Direction, EndReason, Party, UnixTime};
use crate::ledger::{Cursor, Entry};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A call that is over. What policy hides is not in it: it says what the server said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The call.
    pub call: CallId,
    /// Who called whom.
    pub direction: Direction,
    /// The other side, as the server named it; the number that a push named, where no more came.
    pub remote: Party,
    /// The queue that it came through.
    pub queue: Option<String>,
    /// When it began.
    pub began: UnixTime,
    /// When it was answered here, or there.
    pub answered: Option<UnixTime>,
    /// When it ended; of a call that was lost with its process, the last that is known of it.
    pub ended: UnixTime,
    /// Why it ended.
    pub reason: EndReason,
}

/// What became of a call, as a list shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallOutcome {
    /// Both sides talked.
    Answered,
    /// It was answered, and its other side sent elsewhere.
    Transferred,
    /// It came in, and nobody of this user took it.
    Missed,
    /// It came in, and another phone took it.
    AnsweredElsewhere,
    /// It came in, and this user refused it.
    Declined,
    /// It came in, and this user sent the caller elsewhere.
    Forwarded,
    /// It went out, and was given up before the answer.
    Cancelled,
    /// It went out and came to nothing; the reason says why.
    Failed,
}

impl CallRecord {
    /// What became of it.
    pub fn outcome(&self) -> CallOutcome {
        match (&self.reason, self.direction) {
            (EndReason::Transferred(_), _) if self.answered.is_some() => CallOutcome::Transferred,
            _ if self.answered.is_some() => CallOutcome::Answered,
            (EndReason::Local, Direction::Outgoing) => CallOutcome::Cancelled,
            (_, Direction::Outgoing) => CallOutcome::Failed,
            (EndReason::AnsweredElsewhere, Direction::Incoming) => CallOutcome::AnsweredElsewhere,
            (EndReason::Declined(_), Direction::Incoming) => CallOutcome::Declined,
            (EndReason::Forwarded(_), Direction::Incoming) => CallOutcome::Forwarded,
            (_, Direction::Incoming) => CallOutcome::Missed,
        }
    }

    /// How long both sides could talk; of a call that was lost with its process nobody knows.
    pub fn talked(&self) -> Option<Duration> {
        let answered = self.answered.filter(|_| self.reason != EndReason::Restarted)?;
        Some(self.ended.0.saturating_sub(answered.0))
    }

    /// The other side's number or user name, where it has one that is shown.
    pub fn number(&self) -> Option<String> {
        self.remote.number()
    }

    /// What to dial to call the other side again: its address, a reference in place of a hidden number
    /// too. `None` where the caller was hidden altogether.
    pub fn redial(&self) -> Option<String> {
        self.remote.reached_again()
    }
}

/// One line of the history.
pub type HistoryEntry = Entry<CallRecord>;

/// Which calls are wanted; all of them by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryFilter {
    /// What was typed: digits in any writing, or words of a name. Letters match with and without their
    /// accents, in either case.
    pub text: String,
    /// Only those that came to this.
    pub outcome: Option<CallOutcome>,
}

/// Some of the history, latest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// The calls.
    pub entries: Vec<HistoryEntry>,
    /// What to ask the next page after; `None` where this is the last.
    pub next: Option<Cursor>,
    /// Changes whenever the history does, within one process.
    pub revision: u64,
}
