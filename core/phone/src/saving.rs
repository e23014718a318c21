//! What must survive the process: handed out when something of it has changed, and taken back by the next one.

use crate::call::Call;
use crate::phone::{MAX_CALLS, Phone};
use crate::push::{self, memory::Verdict};
use crate::{
    Announcement, CallId, CallRecord, EndReason, Event, Intent, Now, Output, Saved, SavedDialog,
};
use sidetone_sip::Dialog;
use std::fmt;

/// What was handed out to be stored last.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    saved: Saved,
    /// The dialogs in it, which are written as text: to compare these is cheaper than to write them again.
    dialogs: Vec<(CallId, Dialog)>,
}

/// Says what is stored; the dialogs are in it.
impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("saved", &self.saved).finish_non_exhaustive()
    }
}

impl Phone {
    /// What an earlier process left: calls that were announced wait on, those that were up are hung
    /// up as soon as there is a connection.
    pub(crate) fn restore(&mut self, saved: &Saved, now: Now) {
        self.memory = saved.memory.clone();
        self.memory.forget(now);
        for dialog in saved.dialogs.iter().take(MAX_CALLS) {
            self.calls.extend(Call::orphan(dialog, now));
            let (call, reason) = (dialog.call, EndReason::Restarted);
            self.memory.remember(call, Verdict::Over, now);
            self.ua.tell(Event::Ended { call, reason });
        }
        for call in saved.unfinished.iter().take(MAX_CALLS) {
            self.ua.keep(Output::Record(call.clone()));
        }
        self.messages.restore(saved.messages.clone(), &mut self.ua);
        for (announcement, intent) in saved.announced.iter().take(MAX_CALLS) {
            let call = announcement.call;
            let until = push::rings_until(announcement, now);
            self.ua.tell(Event::Announced { call, announcement: announcement.clone() });
            let (announcement, intent) = (announcement.clone(), intent.clone());
            self.calls.push(Call::announced(announcement, intent, until, now));
        }
    }

    /// Takes what is stored already for what was handed out last; a phone that finds nothing stored has
    /// nothing to store yet.
    pub(crate) fn keep(&mut self, stored: Option<Saved>) {
        let saved = stored.unwrap_or_else(|| self.to_save());
        self.kept = Kept { saved, dialogs: Vec::new() };
    }

    /// Has what must survive stored, where it has changed.
    pub(crate) fn save(&mut self) {
        if self.is_saved() {
            debug_assert_eq!(self.to_save(), self.kept.saved, "a change that is not seen");
            return;
        }
        let saved = self.to_save();
        let dialogs = self.calls.iter().filter_map(Call::dialog_to_hang_up);
        self.kept.dialogs = dialogs.map(|(call, dialog)| (call, dialog.clone())).collect();
        if saved != self.kept.saved {
            self.kept.saved = saved.clone();
            self.ua.save(saved);
        }
    }

    /// Whether nothing has changed. It is asked after each step, so it makes nothing that it can compare in
    /// its place.
    fn is_saved(&self) -> bool {
        let Kept { saved, dialogs } = &self.kept;
        let up = self.calls.iter().filter_map(Call::dialog_to_hang_up);
        saved.dialogs.len() == dialogs.len()
            && self.account.is_saved_in(saved, &self.ua)
            && self.memory == saved.memory
            && *self.messages.memory() == saved.messages
            && up.eq(dialogs.iter().map(|(call, dialog)| (*call, dialog)))
            && self.announced_to_save() == saved.announced
            && self.unfinished_to_save() == saved.unfinished
    }

    /// What must survive the process.
    fn to_save(&self) -> Saved {
        let dialogs = self.calls.iter().filter_map(Call::dialog_to_hang_up);
        Saved {
            announced: self.announced_to_save(),
            memory: self.memory.clone(),
            dialogs: dialogs.map(|(call, dialog)| SavedDialog::of(call, dialog)).collect(),
            unfinished: self.unfinished_to_save(),
            messages: self.messages.memory().clone(),
            ..self.account.saved(&self.ua)
        }
    }

    fn announced_to_save(&self) -> Vec<(Announcement, Option<Intent>)> {
        self.calls.iter().filter_map(Call::to_announce_again).collect()
    }

    fn unfinished_to_save(&self) -> Vec<CallRecord> {
        self.calls.iter().filter_map(Call::to_record_if_lost).collect()
    }
}
