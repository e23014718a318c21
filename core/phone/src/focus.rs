//! The calls among themselves: which of them has the microphone and the speaker, which are joined,
//! and whose other sides are brought together.
//!
//! One call talks, or those that are joined do; every other call that is answered is held. Only the
//! user moves the focus: by dialling, answering, resuming, swapping, joining. A call that has lost
//! it is silent from that moment on, whatever its other side says to the hold.

use crate::call::{Call, Destination, In, Outcome};
use crate::phone::Phone;
use crate::{CallId, CommandError, Event, Now, Output};

impl Phone {
    /// Gives the focus to a call, with those that it is joined with.
    pub(crate) fn focus_on(&mut self, id: CallId, now: Now) {
        let merged = self.calls.iter().any(|call| call.id == id && call.is_merged());
        let wanted = |call: &Call| call.id == id || (merged && call.is_merged());
        for on in [false, true] {
            for call in self.calls.iter_mut().filter(|call| wanted(call) == on) {
                call.set_focus(on, &mut self.ua, now);
            }
        }
    }

    /// Holds or resumes a call, with those that it is joined with. Who resumes a call wants to talk
    /// to it.
    pub(crate) fn hold(&mut self, id: CallId, on: bool, now: Now) -> Result<(), CommandError> {
        self.step(id, In::Hold(on), now)?;
        if !on {
            self.focus_on(id, now);
        }
        let merged = self.call_and_ua(id).is_some_and(|(call, _)| call.is_merged());
        if merged {
            for call in self.merged() {
                self.tell(call, In::Hold(on), now);
            }
        }
        Ok(())
    }

    pub(crate) fn swap(&mut self, now: Now) -> Result<(), CommandError> {
        let held = self.calls.iter().filter(|call| call.is_up() && !call.has_focus());
        // Those that are joined lie together; the one that lost the focus last is the one meant.
        let last = held.max_by_key(|call| call.focus_lost());
        let id = last.map(|call| call.id).ok_or(CommandError::NothingToSwap)?;
        self.hold(id, false, now)
    }

    pub(crate) fn merge(&mut self, calls: &[CallId], now: Now) -> Result<(), CommandError> {
        let mut joined = self.merged();
        for id in calls {
            let (call, _) = self.call_and_ua(*id).ok_or(CommandError::UnknownCall)?;
            if call.is_supervision() {
                return Err(CommandError::Supervising);
            }
            if !call.is_up() {
                return Err(CommandError::WrongState);
            }
            joined.push(*id);
        }
        joined.sort_unstable();
        joined.dedup();
        if joined.len() < 2 {
            return Err(CommandError::TooFewCalls);
        }
        self.set_merged(&joined);
        self.hold(joined[0], false, now)
    }

    pub(crate) fn split(&mut self, id: CallId, now: Now) -> Result<(), CommandError> {
        let (call, _) = self.call_and_ua(id).ok_or(CommandError::UnknownCall)?;
        if !call.is_merged() {
            return Err(CommandError::WrongState);
        }
        let rest: Vec<CallId> = self.merged().into_iter().filter(|call| *call != id).collect();
        self.set_merged(&rest);
        self.hold(id, false, now)
    }

    /// Leaves the two that are joined to themselves.
    pub(crate) fn leave(&mut self, now: Now) -> Result<(), CommandError> {
        match self.merged()[..] {
            [call, with] => self.transfer_to(call, with, now),
            [] | [_] => Err(CommandError::TooFewCalls),
            [..] => Err(CommandError::TooManyToLeave),
        }
    }

    /// Brings the other sides of two calls together.
    pub(crate) fn transfer_to(
        &mut self,
        id: CallId,
        with: CallId,
        now: Now,
    ) -> Result<(), CommandError> {
        let (target, _) = self.call_and_ua(with).ok_or(CommandError::UnknownCall)?;
        if target.is_supervision() {
            return Err(CommandError::Supervising);
        }
        if target.is_transferring() {
            return Err(CommandError::Transferring);
        }
        let to = Destination::other_side_of(target).filter(|_| id != with);
        self.step(id, In::Transfer(to.ok_or(CommandError::WrongState)?), now)?;
        let call = self.calls.iter().find(|call| call.id == id).cloned();
        if let (Some(call), Some((target, _))) = (call, self.call_and_ua(with)) {
            target.expect_taking(&call);
        }
        Ok(())
    }

    /// What the end or the change of one call means to the others.
    pub(crate) fn settle_calls(&mut self, now: Now) {
        let taken: Vec<_> =
            self.calls.iter().filter_map(|call| Some((call.id, call.taken_by()?))).collect();
        for (id, (by, party)) in taken {
            let other = self.calls.iter().find(|call| call.id == by);
            match other.map_or(Outcome::Failed, |other| other.transfer_to(id)) {
                Outcome::Asked => {}
                Outcome::Agreed => self.with_call(id, |call, _| call.about_to_be_taken()),
                Outcome::Arrived => self.tell(id, In::TakenOver(party), now),
                Outcome::Failed => self.with_call(id, |call, _| call.not_taken()),
            }
        }
        let merged = self.calls.iter().filter(|call| call.is_merged());
        let left: Vec<CallId> = merged.clone().filter(|c| c.is_up()).map(|c| c.id).collect();
        if merged.count() != left.len() {
            self.set_merged(&left);
        }
        let nobody = !self.calls.iter().any(Call::has_focus);
        let waiting = self.calls.iter().find(|call| call.wants_focus());
        if let (true, Some(id)) = (nobody, waiting.map(|call| call.id)) {
            self.focus_on(id, now);
        }
    }

    pub(crate) fn merged(&self) -> Vec<CallId> {
        self.calls.iter().filter(|call| call.is_merged()).map(|call| call.id).collect()
    }

    /// Makes these the joined ones; one alone is not joined with anybody.
    fn set_merged(&mut self, calls: &[CallId]) {
        let calls = if calls.len() < 2 { &[] } else { calls };
        let before = self.merged();
        for call in &mut self.calls {
            call.set_merged(calls.contains(&call.id));
        }
        let after = self.merged();
        if after != before {
            self.ua.ask(Output::Mix { calls: after.clone() });
            self.ua.tell(Event::Merged { calls: after });
        }
    }
}
