//! BYE, and the end that every call comes to once (RFC 3261 §15).

use super::{Call, Leg, State};
use crate::push::memory::Verdict;
use crate::ua::{GIVE_UP, Ua};
use crate::{CallId, CallRecord, Direction, EndReason, Event, Now, Output, Party, SavedDialog};
use sidetone_sip::transaction::ClientKey;
use sidetone_sip::{Dialog, DialogId, Method, NameAddr, Response, StatusCode, Uri};
use std::time::Duration;

/// How long what is left of a call waits for a connection: then the server has given it up.
const ORPHAN_LIMIT: Duration = Duration::from_secs(120);

/// How far our BYE is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bye {
    /// None is wanted.
    No,
    /// It waits: for the ACK of our answer (RFC 3261 §15.1.1), or for a flow.
    Due,
    /// It is on its way.
    Sent(ClientKey),
}

impl Call {
    /// Ends an answered call from this side. Before our answer is acknowledged no BYE may go
    /// (RFC 3261 §15): it follows the ACK, or the time that the ACK may take.
    pub(super) fn hang_up(&mut self, reason: EndReason, ua: &mut Ua, now: Now) {
        let first_answer = self.state == State::Answered
            && self.unacked.is_some()
            && matches!(self.leg, Leg::Incoming { .. });
        self.start_ending(reason, ua, now);
        if first_answer {
            self.bye = Bye::Due;
        } else {
            self.unacked = None;
            self.send_bye(ua, now);
        }
    }

    /// Done with for the user: the media goes, the signalling may take its time.
    pub(super) fn start_ending(&mut self, reason: EndReason, ua: &mut Ua, now: Now) {
        self.state = State::Ending;
        self.reason = Some(reason);
        self.described = None;
        self.described_by = None;
        self.provisionals = None;
        self.refuse_change(StatusCode::REQUEST_TERMINATED, ua, now);
        self.change = None;
        self.transfer = None;
        self.deadline = Some(now.boot + GIVE_UP);
        self.release(ua);
    }

    /// The ACK came, or its time is over, while the call ends: the BYE that waited for it goes.
    pub(super) fn acknowledged_too_late(&mut self, ua: &mut Ua, now: Now) {
        self.unacked = None;
        if self.bye == Bye::Due {
            self.send_bye(ua, now);
        }
    }

    /// There is a flow again: for an answer that has no ACK yet, and for the BYE that waited for one, or went down with
    /// one; its time goes on.
    pub(super) fn end_on(&mut self, ua: &mut Ua, now: Now) {
        self.answer_anew(ua, now);
        if self.bye == Bye::Due && self.unacked.is_none() {
            self.try_bye(ua, now);
        }
    }

    /// Sends the BYE, whose time begins; without a flow it waits for one until then.
    pub(super) fn send_bye(&mut self, ua: &mut Ua, now: Now) {
        self.deadline = Some(now.boot + GIVE_UP);
        self.try_bye(ua, now);
    }

    fn try_bye(&mut self, ua: &mut Ua, now: Now) {
        if self.dialog.is_none() {
            return self.finish(ua, now);
        }
        self.bye = self.send_inside(Method::Bye, |_, _| {}, ua, now).map_or(Bye::Due, Bye::Sent);
    }

    /// Whether this transaction is our BYE.
    pub(crate) fn is_leaving_by(&self, key: &ClientKey) -> bool {
        matches!(&self.bye, Bye::Sent(ours) if ours == key)
    }

    /// The BYE was challenged and sent again.
    pub(super) fn bye_again(&mut self, key: &ClientKey, again: &Option<(ClientKey, u32)>) {
        if self.is_leaving_by(key) {
            self.bye = again.as_ref().map_or(Bye::Due, |(key, _)| Bye::Sent(key.clone()));
        }
    }

    /// The flow went under our BYE: it goes again on the next.
    pub(super) fn bye_lost(&mut self) {
        self.bye = Bye::Due;
    }

    /// A 2xx to our re-INVITE, which nobody waits for any more.
    pub(super) fn acknowledge(&mut self, response: &Response, ua: &mut Ua, now: Now) {
        if response.status.is_success() {
            self.acknowledge_again(response, ua, now);
        }
    }

    /// The end of a call that was ending.
    pub(super) fn finish(&mut self, ua: &mut Ua, now: Now) {
        let reason = self.reason.take().unwrap_or(EndReason::Local);
        self.end(reason, ua, now);
    }

    /// The end: media released, the app told, nothing left open.
    pub(super) fn end(&mut self, reason: EndReason, ua: &mut Ua, now: Now) {
        if self.state == State::Ended {
            return;
        }
        self.refuse_change(StatusCode::REQUEST_TERMINATED, ua, now);
        self.release(ua);
        self.state = State::Ended;
        self.change = None;
        self.transfer = None;
        self.unacked = None;
        self.provisionals = None;
        self.described_by = None;
        self.deadline = None;
        self.reason = Some(reason.clone());
        if !self.orphan {
            ua.tell(Event::Ended { call: self.id, reason });
        }
    }

    /// How an incoming call ended, once it has.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        let incoming = self.is_over() && self.direction == Direction::Incoming && !self.orphan;
        self.reason.as_ref().filter(|_| incoming).map(Verdict::of)
    }

    /// What the history keeps of it, once it is over.
    pub(crate) fn to_record(&self, now: Now) -> Option<CallRecord> {
        let reason = self.reason.clone().filter(|_| self.is_over() && self.is_kept())?;
        Some(CallRecord { ended: now.wall, reason, ..self.record() })
    }

    /// What the history will say if the process dies now; a call that a push announced goes on then.
    pub(crate) fn to_record_if_lost(&self) -> Option<CallRecord> {
        let is_lost = !self.is_over() && self.is_kept() && self.to_announce_again().is_none();
        is_lost.then(|| self.record())
    }

    /// Whether the history keeps it: to supervise is not to call somebody.
    fn is_kept(&self) -> bool {
        !self.orphan && !self.is_supervision()
    }

    /// The call as far as it has come, lost with its process: nobody saw when.
    fn record(&self) -> CallRecord {
        let answered = self.answered.map(|(_, wall)| wall);
        CallRecord {
            call: self.id,
            direction: self.direction,
            remote: self.remote.clone(),
            queue: self.data.queue.clone(),
            began: self.began,
            answered,
            ended: answered.unwrap_or(self.began),
            reason: EndReason::Restarted,
        }
    }

    /// The dialog of a call that is up, or that its BYE has not ended yet.
    pub(crate) fn dialog_to_hang_up(&self) -> Option<(CallId, &Dialog)> {
        let up = self.is_up() || (self.state == State::Ending && self.bye != Bye::No);
        Some((self.id, self.dialog.as_ref().filter(|_| up)?))
    }

    /// What is left of a call whose process has ended: its BYE goes as soon as there is a flow.
    pub(crate) fn orphan(saved: &SavedDialog, now: Now) -> Option<Self> {
        let (local, remote) =
            (NameAddr::parse(&saved.local).ok()?, NameAddr::parse(&saved.remote).ok()?);
        let route_set: Result<Vec<NameAddr>, _> =
            saved.route_set.iter().map(|route| NameAddr::parse(route)).collect();
        let id = DialogId {
            call_id: saved.call_id.clone(),
            local_tag: local.tag()?.to_owned(),
            remote_tag: remote.tag().unwrap_or_default().to_owned(),
        };
        let dialog = Dialog {
            id,
            local,
            remote_target: Uri::parse(&saved.remote_target).ok()?,
            route_set: route_set.ok()?,
            local_sequence: saved.local_sequence,
            remote_sequence: None,
            remote,
        };
        let party =
            Party { name: dialog.remote.display.clone(), uri: dialog.remote.uri.to_string() };
        let mut call = Self::new(saved.call, State::Ending, party, Leg::Announced, now);
        call.dialog = Some(dialog);
        call.bye = Bye::Due;
        call.reason = Some(EndReason::Restarted);
        call.released = true;
        call.orphan = true;
        call.deadline = Some(now.boot + ORPHAN_LIMIT);
        Some(call)
    }

    fn release(&mut self, ua: &mut Ua) {
        if !self.released {
            self.released = true;
            ua.ask(Output::ReleaseMedia { call: self.id });
        }
    }
}
