//! What was decided about calls that are over here: a late INVITE or push of one never rings again.

use crate::call::moved;
use crate::ua::Ua;
use crate::{CallId, DeclineReason, EndReason, Now, UnixTime};
use serde::{Deserialize, Serialize};
use sidetone_sip::transaction::ServerKey;
use sidetone_sip::{Request, StatusCode};
use std::time::Duration;

/// As long as a ring attempt may last, and a bit: later nothing of it comes any more.
const REMEMBERED: Duration = Duration::from_secs(210);
/// As many at a time; the oldest is forgotten first.
const MOST: usize = 64;

/// How a call ended here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Verdict {
    /// Declined.
    Declined(DeclineReason),
    /// Sent on to this address.
    Forward(String),
    /// The caller gave up.
    Cancelled,
    /// Answered on another phone.
    Elsewhere,
    /// Nobody decided in time.
    Missed,
    /// It was a call, and is over.
    Over,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    call: CallId,
    verdict: Verdict,
    until: UnixTime,
}

/// The calls that are over and not forgotten, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory(Vec<Entry>);

impl Memory {
    /// Notes how a call ended; what was noted first stays.
    pub(crate) fn remember(&mut self, call: CallId, verdict: Verdict, now: Now) {
        if self.verdict(call).is_some() {
            return;
        }
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push(Entry {
            call,
            verdict,
            until: UnixTime(now.wall.0.saturating_add(REMEMBERED)),
        });
    }

    /// How this call ended, where it did.
    pub(crate) fn verdict(&self, call: CallId) -> Option<&Verdict> {
        self.0.iter().find(|entry| entry.call == call).map(|entry| &entry.verdict)
    }

    /// Forgets what nobody will ask for any more, also after the wall clock was set back.
    pub(crate) fn forget(&mut self, now: Now) {
        let longest = UnixTime(now.wall.0.saturating_add(REMEMBERED));
        self.0.retain(|entry| entry.until > now.wall && entry.until <= longest);
        self.0.truncate(MOST);
    }
}

impl Verdict {
    /// How a call that ended for this reason is remembered.
    pub(crate) fn of(reason: &EndReason) -> Self {
        match reason {
            EndReason::Declined(reason) => Self::Declined(*reason),
            EndReason::Forwarded(to) => Self::Forward(to.clone()),
            EndReason::Cancelled => Self::Cancelled,
            EndReason::AnsweredElsewhere => Self::Elsewhere,
            EndReason::NoAnswer | EndReason::NeverCame | EndReason::NetworkLost => Self::Missed,
            EndReason::Local
            | EndReason::Remote
            | EndReason::Refused
            | EndReason::Busy
            | EndReason::Unreachable(_)
            | EndReason::Rejected { .. }
            | EndReason::Media(_)
            | EndReason::TimedOut
            | EndReason::UnreadablePush
            | EndReason::NotSignedIn
            | EndReason::Restarted
            | EndReason::Transferred(_)
            | EndReason::Referred(_)
            | EndReason::Supervision(_) => Self::Over,
        }
    }

    /// Why a push of it that comes late is over at once.
    pub(crate) fn reason(&self) -> EndReason {
        match self {
            Self::Declined(reason) => EndReason::Declined(*reason),
            Self::Forward(to) => EndReason::Forwarded(to.clone()),
            Self::Cancelled => EndReason::Cancelled,
            Self::Elsewhere => EndReason::AnsweredElsewhere,
            Self::Missed => EndReason::NoAnswer,
            Self::Over => EndReason::Remote,
        }
    }

    /// Refuses an INVITE of it that comes late, as was decided.
    pub(crate) fn refuse(&self, key: &ServerKey, invite: &Request, ua: &mut Ua, now: Now) {
        let tag = ua.token();
        let response = match self {
            Self::Declined(reason) => invite.response((*reason).into(), Some(&tag)),
            Self::Forward(to) => moved(invite, &tag, to),
            Self::Cancelled | Self::Elsewhere | Self::Missed | Self::Over => {
                invite.response(StatusCode::TEMPORARILY_UNAVAILABLE, Some(&tag))
            }
        };
        ua.respond(key, response, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Now {
        let time = Duration::from_secs(seconds);
        Now { boot: time, wall: UnixTime(time) }
    }

    #[test]
    fn the_first_decision_stays_and_is_forgotten_in_time() {
        let mut memory = Memory::default();
        let call = CallId(uuid::Uuid::from_u128(1));
        memory.remember(call, Verdict::Declined(DeclineReason::Decline), at(1000));
        memory.remember(call, Verdict::Missed, at(1100));
        memory.forget(at(1209));
        assert_eq!(memory.verdict(call), Some(&Verdict::Declined(DeclineReason::Decline)));
        memory.forget(at(1210));
        assert_eq!(memory.verdict(call), None);
    }

    #[test]
    fn a_flood_of_calls_makes_no_flood_of_memory() {
        let mut memory = Memory::default();
        for number in 0..1000 {
            memory.remember(CallId(uuid::Uuid::from_u128(number)), Verdict::Missed, at(1));
        }
        assert_eq!(memory.0.len(), MOST);
        assert!(memory.verdict(CallId(uuid::Uuid::from_u128(999))).is_some());
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_keep_a_call_for_ever() {
        let mut memory = Memory::default();
        memory.remember(CallId(uuid::Uuid::from_u128(1)), Verdict::Missed, at(1_000_000));
        memory.forget(at(1000));
        assert!(memory.0.is_empty());
    }
}
