//! Calls announced by push, before their INVITE: what a payload says, what was decided, and how a
//! late INVITE is answered (docs/push.md).
//!
//! | module | owns |
//! |---|---|
//! | [`payload`] | a payload's JSON, read within limits |
//! | [`memory`] | what was decided about calls that are over here |

pub(crate) mod memory;
mod payload;

use crate::call::{Call, In};
use crate::phone::{MAX_CALLS, Phone};
use crate::{
    Announcement, AnnouncementKind, CallRecord, Caller, DeclineReason, Direction, EndReason, Event,
    Now, Output, Party,
};
use memory::Verdict;
use std::time::Duration;

pub use payload::announce;

/// No attempt lasts longer, whatever a payload says.
const LONGEST: Duration = Duration::from_secs(180);

/// Until when a call may ring, on the boot clock.
pub(crate) fn rings_until(announcement: &Announcement, now: Now) -> Duration {
    now.boot + announcement.deadline.0.saturating_sub(now.wall.0).min(LONGEST)
}

impl Phone {
    /// A push came, and the platform was told of it. Each that is no live call gets its end.
    pub(crate) fn handle_announced(&mut self, announcement: Announcement, now: Now) {
        let call = announcement.call;
        let over = |reason| Event::Ended { call, reason };
        match announcement.kind {
            AnnouncementKind::Unreadable => self.ua.tell(over(EndReason::UnreadablePush)),
            AnnouncementKind::Cancelled | AnnouncementKind::AnsweredElsewhere => {
                let elsewhere = announcement.kind == AnnouncementKind::AnsweredElsewhere;
                let known = self.call_and_ua(call).is_some();
                // Once the INVITE is there the server says it by CANCEL.
                self.tell(call, In::Withdrawn(elsewhere), now);
                if !known {
                    let verdict = if elsewhere { Verdict::Elsewhere } else { Verdict::Cancelled };
                    self.never_rang(&announcement, verdict, now);
                }
            }
            AnnouncementKind::Incoming => self.handle_announced_call(announcement, now),
        }
    }

    fn handle_announced_call(&mut self, announcement: Announcement, now: Now) {
        let call = announcement.call;
        let over = |reason| Event::Ended { call, reason };
        if !self.account.wants_calls() {
            return self.ua.tell(over(EndReason::NotSignedIn));
        }
        let change = self.account.wake(&mut self.ua, now);
        self.flow_changed(change, now);
        let until = rings_until(&announcement, now);
        if let Some(verdict) = self.memory.verdict(call) {
            self.ua.tell(over(verdict.reason()));
        } else if let Some((known, _)) = self.call_and_ua(call) {
            known.announced_too(&announcement, until);
        } else if until <= now.boot {
            self.never_rang(&announcement, Verdict::Missed, now);
            self.ua.tell(over(Verdict::Missed.reason()));
        } else if self.calls.len() >= MAX_CALLS {
            let verdict = Verdict::Declined(DeclineReason::Busy);
            self.ua.tell(over(verdict.reason()));
            self.never_rang(&announcement, verdict, now);
        } else {
            self.ua.tell(Event::Announced { call, announcement: announcement.clone() });
            self.calls.push(Call::announced(announcement, None, until, now));
        }
    }

    /// A call of which this phone has only heard that it is over: it is remembered, and kept in the
    /// history where the push says who called.
    fn never_rang(&mut self, announcement: &Announcement, verdict: Verdict, now: Now) {
        let call = announcement.call;
        if self.memory.verdict(call).is_some() {
            return;
        }
        let Caller { name, number } = announcement.caller.clone();
        if name.is_some() || number.is_some() {
            let record = CallRecord {
                call,
                direction: Direction::Incoming,
                remote: Party { name, uri: number.unwrap_or_default() },
                queue: announcement.queue.clone(),
                began: now.wall,
                answered: None,
                ended: now.wall,
                reason: verdict.reason(),
            };
            self.ua.keep(Output::Record(record));
        }
        self.memory.remember(call, verdict, now);
    }
}
