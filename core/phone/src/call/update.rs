//! UPDATE of the other side: it refreshes the target, or changes the session, before the answer too
//! (RFC 3311 §5.2, RFC 6337 §5.2.2).

use super::{Call, Fork, Leg};
use crate::ua::Ua;
use crate::{MediaError, Now};
use sidetone_sip::transaction::ServerKey;
use sidetone_sip::{Dialog, DialogId, Method, Request, Response, StatusCode};

/// As many forks of one INVITE are told apart before one of them answers.
const MOST_FORKS: usize = 8;

impl Call {
    /// An UPDATE: without a description it is agreed to at once; with one it is a change like a
    /// re-INVITE, but for the ACK.
    pub(super) fn update_asked(&mut self, key: ServerKey, request: Request, ua: &mut Ua, now: Now) {
        let pending = self.their_change.as_ref().is_some_and(|change| change.is_update());
        if pending {
            return self.not_yet(&key, &request, ua, now);
        }
        if request.body.is_empty() {
            let mut response = request.response(StatusCode::OK, self.local_tag());
            if self.is_up() {
                self.agree_to_session(&request, &mut response, now);
            }
            ua.respond(&key, response, now);
            return;
        }
        // The media is that of the fork which answered first.
        let remote = request.headers.from().ok().and_then(|from| from.tag().map(str::to_owned));
        if matches!(&self.leg, Leg::Outgoing { early: Some(early), .. }
            if self.dialog.is_none() && early.tag != remote)
        {
            return self.respond(&key, &request, StatusCode::NOT_ACCEPTABLE_HERE, ua, now);
        }
        self.change_asked(key, request, ua, now);
    }

    /// The description that was asked for cannot be made while it rings: the change that wanted it is
    /// refused, or the call.
    pub(super) fn not_described_yet(&mut self, error: &MediaError, ua: &mut Ua, now: Now) {
        if self.their_change.is_some() {
            return self.not_described(error, ua, now);
        }
        let reason = self.no_media(error);
        self.refuse(StatusCode::NOT_ACCEPTABLE_HERE, reason, ua, now);
    }

    /// Whether a request of the other side with this dialog is for this call.
    pub(crate) fn is_in_dialog(&self, id: &DialogId) -> bool {
        let confirmed = self.dialog.as_ref().is_some_and(|dialog| dialog.id == *id);
        confirmed || self.forks().iter().any(|fork| fork.dialog.id == *id)
    }

    /// The dialog of this id, early or confirmed.
    pub(super) fn dialog_of(&mut self, id: &DialogId) -> Option<&mut Dialog> {
        if self.dialog.as_ref().is_some_and(|dialog| dialog.id == *id) {
            return self.dialog.as_mut();
        }
        match &mut self.leg {
            Leg::Outgoing { forks, .. } => {
                let mut dialogs = forks.iter_mut().map(|fork| &mut fork.dialog);
                dialogs.find(|dialog| dialog.id == *id)
            }
            Leg::Announced | Leg::Incoming { .. } => None,
        }
    }

    /// A provisional response with a tag makes an early dialog (RFC 3261 §12.1.2).
    pub(super) fn note_fork(&mut self, response: &Response) {
        let Leg::Outgoing { invite, forks, .. } = &mut self.leg else { return };
        let Ok(dialog) = Dialog::uac(invite, response) else { return };
        if forks.len() < MOST_FORKS && forks.iter().all(|fork| fork.dialog.id != dialog.id) {
            forks.push(Fork { dialog, rseq: None });
        }
    }

    /// The early dialog of a response to our INVITE.
    pub(super) fn fork_of(&mut self, response: &Response) -> Option<&mut Fork> {
        let id = Dialog::id_of_response(response)?;
        let Leg::Outgoing { forks, .. } = &mut self.leg else { return None };
        forks.iter_mut().find(|fork| fork.dialog.id == id)
    }

    /// The early dialogs of a call that we make.
    fn forks(&self) -> &[Fork] {
        match &self.leg {
            Leg::Outgoing { forks, .. } => forks,
            Leg::Announced | Leg::Incoming { .. } => &[],
        }
    }

    /// A dialog that a 2xx makes goes on where its early one stood.
    pub(super) fn go_on_from_fork(&self, mut dialog: Dialog) -> Dialog {
        if let Some(fork) = self.forks().iter().find(|fork| fork.dialog.id == dialog.id) {
            dialog.local_sequence = fork.dialog.local_sequence.max(dialog.local_sequence);
            dialog.remote_sequence = fork.dialog.remote_sequence;
        }
        dialog
    }
}

/// Whether a change is answered without waiting for an ACK: an UPDATE, or the offer in a PRACK.
pub(super) fn is_update(request: &Request) -> bool {
    request.method != Method::Invite
}
