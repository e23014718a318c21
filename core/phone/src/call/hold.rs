//! Changes of the session by re-INVITE: hold and resume from each side, a new flow, glare, refusal
//! (RFC 3261 §14, RFC 3264 §8.4, RFC 6337 §5.3).

use super::again::After;
use super::handover::Due;
use super::incoming::offer_of;
use super::{Call, outgoing::is_sdp, update::is_update};
use crate::ua::{SDP, Ua};
use crate::{DescribeRequest, EndReason, Event, FlowId, Hold, MediaError, Now, Output, sdp};
use sidetone_sip::sdp::{OfferAnswerError, SignalingState};
use sidetone_sip::transaction::{ClientKey, ServerKey};
use sidetone_sip::{HeaderName, Method, Request, Response, StatusCode};
use std::time::Duration;

/// Another try after glare, where it fell into a change of the other side.
const LATER: Duration = Duration::from_secs(1);

/// How long the other side may try to carry out a change.
const PATIENCE: Duration = Duration::from_secs(60);

/// A change that we make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// On hold, or not.
    pub(super) hold: bool,
    /// What it carries besides.
    pub(super) due: Due,
    /// How often it was refused for now.
    pub(super) tries: u8,
    pub(super) step: Step,
}

/// How far a change is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The offer is being described.
    Describing,
    /// It is described, and waits for a flow.
    Ready { sdp: String },
    /// The re-INVITE is on its way; it is withdrawn at this time, where it was not yet.
    Sent { key: ClientKey, sequence: u32, flow: Option<FlowId>, until: Option<Duration> },
    /// It was refused for now and goes again at this time.
    Waiting { at: Duration },
}

/// A change that the other side makes, while it is described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TheirChange {
    pub(super) key: ServerKey,
    request: Request,
    /// Their offer's direction; `None` where they want an offer from us.
    offered: Option<sdp::Direction>,
    /// Our answer holds.
    hold: bool,
}

impl TheirChange {
    /// Whether it is an UPDATE.
    pub(super) fn is_update(&self) -> bool {
        is_update(&self.request)
    }
}

impl Call {
    /// The user holds or resumes, or talks to somebody else. Nothing is sent from that moment on.
    pub(super) fn ask_hold(&mut self, on: bool, ua: &mut Ua, now: Now) {
        self.wish = Some(on);
        self.set_gates(ua);
        if on {
            self.fall_back_to_listening(ua, now);
        }
    }

    /// Carries out what was wished for last, as soon as nothing else is under way.
    pub(super) fn fulfil_wish(&mut self, ua: &mut Ua, now: Now) {
        let Some(on) = self.wish.filter(|_| self.is_up()) else { return };
        let free = self.is_free();
        match &mut self.change {
            Some(change) if change.hold == on => self.wish = None,
            // Not agreed yet, and nothing is on its way: it is taken back.
            Some(Change { due: Due::Nothing, step: Step::Waiting { .. }, .. })
                if self.hold.local == on =>
            {
                (self.change, self.wish) = (None, None);
                self.set_gates(ua);
            }
            Some(Change { hold, step: Step::Waiting { .. }, .. }) => {
                *hold = on;
                self.wish = None;
            }
            // Nothing of it has left: it makes room.
            Some(Change { due, step: Step::Describing | Step::Ready { .. }, .. }) => {
                let due = *due;
                self.roll_back(ua);
                self.change = None;
                self.handover.due = self.handover.due.max(due);
                self.fulfil_due(ua, now);
                self.fulfil_wish(ua, now);
            }
            Some(Change { step: Step::Sent { .. }, .. }) => {}
            None if self.hold.local == on => {
                self.wish = None;
                self.set_gates(ua);
            }
            None if free => {
                self.wish = None;
                self.start_change(on, Due::Nothing, ua, now);
            }
            None => {}
        }
    }

    /// Whether an offer may go.
    pub(super) fn is_free(&self) -> bool {
        let stable = self.exchange.state() == SignalingState::Stable;
        self.unacked.is_none() && stable && self.their_change.is_none()
    }

    /// Begins a change.
    pub(super) fn start_change(&mut self, hold: bool, due: Due, ua: &mut Ua, now: Now) {
        self.try_change((hold, due, 0), ua, now);
    }

    /// The same, where it was refused so many times for now.
    pub(super) fn try_change(
        &mut self,
        (hold, due, tries): (bool, Due, u8),
        ua: &mut Ua,
        now: Now,
    ) {
        let _ = self.exchange.local_offer();
        self.change = Some(Change { hold, due, tries, step: Step::Describing });
        let (direction, ice_restart) = (direction_while(hold), due == Due::Restart);
        self.describe(DescribeRequest::Offer { direction, ice_restart }, ua, now);
        self.set_gates(ua);
    }

    /// Refused for now, when its time has come.
    pub(super) fn change_again(&mut self, ua: &mut Ua, now: Now) {
        let free = self.is_free();
        let Some(change) = &mut self.change else { return };
        let Step::Waiting { at } = &mut change.step else { return };
        if *at > now.boot {
            return;
        }
        if free {
            let again = (change.hold, change.due, change.tries);
            self.try_change(again, ua, now);
        } else {
            *at = now.boot + LATER;
        }
    }

    /// The description of the change under way, ours or theirs.
    pub(super) fn go_on_with(&mut self, sdp: String, ua: &mut Ua, now: Now) {
        if let Some(change) = self.their_change.take() {
            return self.answer_change(change, sdp, ua, now);
        }
        if let Some(change @ Change { step: Step::Describing, .. }) = &mut self.change {
            change.step = Step::Ready { sdp };
            self.send_change(ua, now);
        }
    }

    /// Sends the change that is described; without a flow it waits for one.
    pub(super) fn send_change(&mut self, ua: &mut Ua, now: Now) {
        let Some(Change { step: Step::Ready { sdp }, .. }) = &self.change else { return };
        let sdp = sdp.clone().into_bytes();
        let fill = |call: &Self, request: &mut Request| {
            call.keep_session(&mut request.headers);
            request.set_body(SDP, sdp);
        };
        let Some(key) = self.send_inside(Method::Invite, fill, ua, now) else { return };
        let sequence = self.dialog.as_ref().map_or(0, |dialog| dialog.local_sequence);
        if let Some(change) = &mut self.change {
            let until = Some(now.boot + PATIENCE);
            change.step = Step::Sent { key, sequence, flow: ua.flow, until };
        }
    }

    /// The change under way cannot be described.
    pub(super) fn not_described(&mut self, error: &MediaError, ua: &mut Ua, now: Now) {
        if self.their_change.is_some() {
            self.refuse_change(StatusCode::NOT_ACCEPTABLE_HERE, ua, now);
        } else if let Some(Change { step: Step::Describing, .. }) = self.change {
            self.change_failed(&error.to_string(), ua, now);
        }
    }

    /// Whether this transaction is our re-INVITE.
    pub(crate) fn is_changing_by(&self, key: &ClientKey) -> bool {
        matches!(&self.change, Some(Change { step: Step::Sent { key: ours, .. }, .. }) if ours == key)
    }

    /// The re-INVITE was challenged and sent again.
    pub(super) fn changed_again(&mut self, key: &ClientKey, again: &Option<(ClientKey, u32)>) {
        if let (
            Some(Change { step: Step::Sent { key: ours, sequence, .. }, .. }),
            Some((again, number)),
        ) = (&mut self.change, again)
            && ours == key
        {
            (*ours, *sequence) = (again.clone(), *number);
        }
    }

    /// The other side has been trying for too long: CANCEL, which brings a final response or ends
    /// the transaction in its time (RFC 3261 §9.1).
    pub(super) fn withdraw_change(&mut self, ua: &mut Ua, now: Now) {
        let Some(Change { step: Step::Sent { key, until, .. }, .. }) = &mut self.change else {
            return;
        };
        if until.take_if(|at| *at <= now.boot).is_none() {
            return;
        }
        if let Some(request) = ua.sent(key).map(|sent| sent.request.clone()) {
            ua.send_cancel(&request, now);
        }
    }

    /// A final response to our re-INVITE.
    pub(super) fn change_answered(&mut self, response: &Response, ua: &mut Ua, now: Now) {
        let Some(Change { hold, due, tries, step: Step::Sent { .. } }) = self.change else {
            return;
        };
        if response.status.is_success() {
            return self.change_accepted((hold, due), response, ua, now);
        }
        match self.after_refusal(response, due, tries, ua) {
            After::Again(wait) => {
                self.roll_back(ua);
                let (tries, step) = (tries + 1, Step::Waiting { at: now.boot + wait });
                self.change = Some(Change { hold, due, tries, step });
            }
            After::End => self.hang_up(EndReason::TimedOut, ua, now),
            After::GiveUp => {
                let (code, phrase) = (response.status.code(), response.status.reason());
                self.change_failed(
                    &format!("the other side refused it ({code} {phrase})"),
                    ua,
                    now,
                );
            }
        }
    }

    fn change_accepted(
        &mut self,
        (hold, due): (bool, Due),
        response: &Response,
        ua: &mut Ua,
        now: Now,
    ) {
        if let Some(dialog) = &mut self.dialog {
            dialog.handle_response(response);
        }
        self.session_agreed(response, now);
        self.send_ack(response, None, ua, now);
        if !is_sdp(response) {
            return self.change_failed("the other side answered without a description", ua, now);
        }
        let _ = self.exchange.remote_answer();
        let answer = String::from_utf8_lossy(&response.body).into_owned();
        let before = self.hold;
        self.change = None;
        self.hold.local = hold;
        self.take_remote(&answer);
        ua.ask(Output::SetRemoteAnswer { call: self.id, sdp: answer });
        self.hold_changed(before, ua);
        if due == Due::Restart {
            self.expect_path(now);
        }
    }

    /// No response at all ends the dialog (RFC 3261 §12.2.1.2); one that was tried and then withdrawn is
    /// only given up.
    pub(super) fn change_unanswered(&mut self, ua: &mut Ua, now: Now) {
        match self.change {
            Some(Change { step: Step::Sent { until: None, .. }, .. }) => {
                self.change_failed("the other side did not carry it out in time", ua, now);
            }
            Some(_) | None => self.hang_up(EndReason::TimedOut, ua, now),
        }
    }

    /// Our change came to nothing: the call goes on as it was.
    pub(super) fn change_failed(&mut self, why: &str, ua: &mut Ua, now: Now) {
        let Some(change) = self.drop_change(ua) else { return };
        // A refresh keeps the hold as it is: nobody asked for it, nobody misses it.
        let change_is_wish = change.hold != self.hold.local;
        self.set_gates(ua);
        if change.due == Due::Restart {
            log::warn!("{}: the media path is not built anew: {why}", self.id);
            self.expect_path(now);
        }
        if change_is_wish {
            ua.tell(Event::HoldFailed { call: self.id, reason: why.to_owned() });
        }
    }

    /// Takes our change back, as far as it is.
    pub(super) fn drop_change(&mut self, ua: &mut Ua) -> Option<Change> {
        let change = self.change.take()?;
        match change.step {
            Step::Sent { .. } | Step::Describing | Step::Ready { .. } => self.roll_back(ua),
            Step::Waiting { .. } => {}
        }
        Some(change)
    }

    fn roll_back(&mut self, ua: &mut Ua) {
        self.exchange.rollback();
        ua.ask(Output::Rollback { call: self.id });
    }

    /// The other side changes the session.
    pub(super) fn change_asked(&mut self, key: ServerKey, request: Request, ua: &mut Ua, now: Now) {
        if self.unacked.is_some() {
            return self.not_yet(&key, &request, ua, now);
        }
        let Ok(offer) = offer_of(&request) else {
            return self.respond(&key, &request, StatusCode::NOT_ACCEPTABLE_HERE, ua, now);
        };
        let begun = match offer {
            Some(_) => self.exchange.remote_offer(),
            None => self.exchange.local_offer(),
        };
        match (begun, self.exchange.state()) {
            (Ok(()), _) => {}
            (Err(OfferAnswerError::Glare), _) | (Err(_), SignalingState::HaveLocalOffer) => {
                return self.respond(&key, &request, StatusCode::REQUEST_PENDING, ua, now);
            }
            (Err(OfferAnswerError::Pending | OfferAnswerError::NoOffer), _) => {
                return self.not_yet(&key, &request, ua, now);
            }
        }
        let hold = self.holds();
        let wanted = direction_while(hold);
        let offered = offer.as_ref().map(|(_, direction)| *direction);
        let describe = match offer {
            Some((offer, direction)) => {
                DescribeRequest::Answer { offer, direction: direction.answer(wanted) }
            }
            None => DescribeRequest::Offer { direction: wanted, ice_restart: false },
        };
        self.their_change = Some(TheirChange { key, request, offered, hold });
        self.describe(describe, ua, now);
    }

    /// Their re-INVITE comes while an earlier INVITE is not done with (RFC 3261 §14.2).
    pub(super) fn not_yet(&self, key: &ServerKey, request: &Request, ua: &mut Ua, now: Now) {
        let mut response = request.response(StatusCode::SERVER_INTERNAL_ERROR, self.local_tag());
        let wait = ua.between(Duration::ZERO, Duration::from_secs(10)).as_secs();
        response.headers.set(HeaderName::RETRY_AFTER, wait.to_string());
        ua.respond(key, response, now);
    }

    fn answer_change(&mut self, change: TheirChange, sdp: String, ua: &mut Ua, now: Now) {
        let TheirChange { key, request, offered, hold } = change;
        if is_update(&request) {
            let mut response = request.response(StatusCode::OK, self.local_tag());
            self.agree_to_session(&request, &mut response, now);
            response.set_body(SDP, sdp.into_bytes());
            ua.respond(&key, response, now);
        } else {
            self.send_answer((&key, &request), Some(sdp), offered.is_none(), ua, now);
        }
        if offered.is_some() {
            let _ = self.exchange.local_answer();
            let before = self.hold;
            // What waits to be asked for is agreed on by that.
            self.hold.local = hold;
            self.take_remote(&String::from_utf8_lossy(&request.body));
            self.hold_changed(before, ua);
        }
    }

    /// Their change is refused, where one is being described.
    pub(super) fn refuse_change(&mut self, status: StatusCode, ua: &mut Ua, now: Now) {
        if let Some(change) = self.their_change.take() {
            match change.offered {
                Some(_) => self.exchange.rollback(),
                // The offer was ours.
                None => self.roll_back(ua),
            }
            self.respond(&change.key, &change.request, status, ua, now);
        }
    }

    /// Their change is withdrawn (CANCEL of the re-INVITE).
    pub(super) fn withdrawn(&mut self, ua: &mut Ua, now: Now) {
        self.refuse_change(StatusCode::REQUEST_TERMINATED, ua, now);
    }

    pub(super) fn hold_changed(&mut self, before: Hold, ua: &mut Ua) {
        self.set_gates(ua);
        if self.hold != before {
            ua.tell(Event::HoldChanged { call: self.id, hold: self.hold });
        }
    }
}

/// What we want of the audio: on hold nothing is heard here, and what the other side hears is up to
/// its server.
fn direction_while(hold: bool) -> sdp::Direction {
    sdp::Direction::new(true, !hold)
}
