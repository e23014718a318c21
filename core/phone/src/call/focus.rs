//! Whether a call has the microphone and the speaker, alone or joined with others; who gets them is
//! decided in [`crate::focus`].

use super::{Call, In, State};
use crate::ua::Ua;
use crate::{Intent, Now};
use std::time::Duration;

impl Call {
    /// Whether it has the microphone and the speaker, as far as it needs any.
    pub(crate) fn has_focus(&self) -> bool {
        self.focus && !matches!(self.state, State::Ending | State::Ended)
    }

    /// Whether the user talks in it, or would if the other side did not hold.
    pub(crate) fn is_talked_in(&self) -> bool {
        self.has_focus() && !self.is_to_hold()
    }

    /// When it lost them.
    pub(crate) fn focus_lost(&self) -> Duration {
        self.focus_lost
    }

    /// Whether it is to have them where no other call has: it was dialled or answered, or cannot be
    /// held.
    pub(crate) fn wants_focus(&self) -> bool {
        match self.state {
            State::Dialing | State::Alerting | State::Answering => !self.referred.is_aside(),
            State::Announced => self.intent == Some(Intent::Answer),
            State::Answered | State::Established => !self.holds(),
            State::Ringing | State::Ending | State::Ended => false,
        }
    }

    /// Gives them to this call, or takes them: then it is held, if it is up, or will be.
    pub(crate) fn set_focus(&mut self, on: bool, ua: &mut Ua, now: Now) {
        if self.focus == on {
            return;
        }
        self.focus = on;
        if on {
            self.wish = self.wish.filter(|hold| !hold);
        } else {
            self.focus_lost = now.boot;
            let _ = self.step(In::Hold(true), ua, now);
        }
        self.set_gates(ua);
    }

    /// Whether it is joined with others.
    pub(crate) fn is_merged(&self) -> bool {
        self.merged
    }

    pub(crate) fn set_merged(&mut self, on: bool) {
        self.merged = on;
    }
}
