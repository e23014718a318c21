//! Before the INVITE: a push announced the call, the user may decide already, and a connection that
//! is lost while it rings brings it back here (docs/push.md).

use super::{Call, Leg, State};
use crate::ua::Ua;
use crate::{Announcement, CallData, Caller, EndReason, Intent, Now, Output, Party};
use sidetone_sip::Request;
use sidetone_sip::transaction::ServerKey;
use std::time::Duration;

impl Call {
    /// A call that was announced, with what the user had decided before a restart.
    pub(crate) fn announced(
        announcement: Announcement,
        intent: Option<Intent>,
        deadline: Duration,
        now: Now,
    ) -> Self {
        let Caller { name, number } = announcement.caller.clone();
        let remote = Party { name, uri: number.unwrap_or_default() };
        let mut call = Self::new(announcement.call, State::Announced, remote, Leg::Announced, now);
        call.data = said(&announcement);
        call.announcement = Some(announcement);
        call.intent = intent;
        call.deadline = Some(deadline);
        call
    }

    /// A push of a call that is known: it says until when it may ring.
    pub(crate) fn announced_too(&mut self, announcement: &Announcement, deadline: Duration) {
        if matches!(self.state, State::Ringing | State::Answering) && self.announcement.is_none() {
            self.announcement = Some(announcement.clone());
            self.data = std::mem::take(&mut self.data).or(said(announcement));
            self.deadline = Some(self.deadline.map_or(deadline, |at| at.min(deadline)));
        }
    }

    /// What must survive the process: the push, and what was decided on it.
    pub(crate) fn to_announce_again(&self) -> Option<(Announcement, Option<Intent>)> {
        let waits = match self.state {
            State::Announced | State::Ringing | State::Answering => true,
            State::Dialing
            | State::Alerting
            | State::Answered
            | State::Established
            | State::Ending
            | State::Ended => false,
        };
        let announcement = self.announcement.clone().filter(|_| waits)?;
        // A call that the user answered while it rang is not to ring again.
        let answered = (self.state == State::Answering).then_some(Intent::Answer);
        Some((announcement, answered.or_else(|| self.intent.clone())))
    }

    /// The user answers before the INVITE is there.
    pub(super) fn intend_to_answer(&mut self) {
        self.intent = Some(Intent::Answer);
    }

    /// The INVITE is there: it rings, or is answered as the user has decided.
    pub(super) fn arrived(&mut self, key: ServerKey, invite: Request, ua: &mut Ua, now: Now) {
        self.state = match self.intent {
            Some(Intent::Answer) => State::Answering,
            Some(Intent::Decline(_) | Intent::Forward(_)) | None => State::Ringing,
        };
        if let Err(why) = self.take_invite((key, invite), None, ua, now) {
            self.end(EndReason::Media(why.to_owned()), ua, now);
        }
    }

    /// Nothing came in time.
    pub(super) fn never_came(&mut self, ua: &mut Ua, now: Now) {
        let reason = match self.intent {
            Some(_) => EndReason::NeverCame,
            None => EndReason::NoAnswer,
        };
        self.end(reason, ua, now);
    }

    /// The connection is lost while it rings. What was announced waits for its next INVITE, which
    /// the server sends as soon as the phone is back; anything else is over.
    pub(super) fn ring_lost(&mut self, ua: &mut Ua, now: Now) {
        let Some(announcement) = self.announcement.clone() else {
            let status = sidetone_sip::StatusCode::TEMPORARILY_UNAVAILABLE;
            return self.refuse(status, EndReason::NetworkLost, ua, now);
        };
        let deadline = self.deadline.unwrap_or(now.boot);
        let intent = (self.state == State::Answering).then_some(Intent::Answer);
        ua.ask(Output::ReleaseMedia { call: self.id });
        let (began, muted, generation) = (self.began, self.muted, self.generation);
        *self = Self::announced(announcement, intent, deadline, now);
        // A description that is on its way belongs to the earlier INVITE.
        (self.began, self.muted, self.generation) = (began, muted, generation);
    }
}

/// What a push says of its call.
fn said(announcement: &Announcement) -> CallData {
    let Announcement { queue, group, .. } = announcement.clone();
    CallData { queue, group, ..CallData::default() }
}
