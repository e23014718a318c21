//! The called side: it rings, is answered, refused or withdrawn (RFC 3261 §13.3, §9.2).

use super::{Call, In, Leg, State, party, reliable};
use crate::ua::Ua;
use crate::{
    CallId, DeclineReason, DescribeRequest, EarlyMedia, EndReason, Event, Now, Output, sdp,
};
use sidetone_sip::sdp::{Direction, SessionDescription, SignalingState};
use sidetone_sip::transaction::ServerKey;
use sidetone_sip::{Dialog, HeaderName, Request, Response, StatusCode};
use std::time::Duration;

impl Call {
    /// Takes an INVITE that was found in order: rings at once and asks for the description that
    /// would answer it. Refuses it where it cannot become a call.
    pub(crate) fn incoming(
        id: CallId,
        (key, invite): (ServerKey, Request),
        dialog: Option<Dialog>,
        ua: &mut Ua,
        now: Now,
    ) -> Option<Self> {
        let from = party::caller(&invite);
        let mut call = Self::new(id, State::Ringing, from, Leg::Announced, now);
        call.take_invite((key, invite), dialog, ua, now).ok()?;
        Some(call)
    }

    /// Makes an INVITE this call's: rings, unless the user has answered already, and asks for the
    /// description. Refuses it where it cannot become a call.
    ///
    /// # Errors
    /// It was refused, and why, in words.
    pub(super) fn take_invite(
        &mut self,
        (key, invite): (ServerKey, Request),
        dialog: Option<Dialog>,
        ua: &mut Ua,
        now: Now,
    ) -> Result<(), &'static str> {
        let tag = dialog.as_ref().map_or_else(|| ua.token(), |d| d.id.local_tag.clone());
        let Some(dialog) = dialog.or_else(|| Dialog::uas(&invite, &tag).ok()) else {
            ua.refuse(&key, &invite, StatusCode::BAD_REQUEST, now);
            return Err("the server's INVITE is malformed");
        };
        let Ok(offer) = offer_of(&invite) else {
            ua.refuse(&key, &invite, StatusCode::NOT_ACCEPTABLE_HERE, now);
            return Err("the server offered no usable audio");
        };
        self.remote = party::caller(&invite);
        self.data = party::data(&invite).or(std::mem::take(&mut self.data));
        self.dialog = Some(dialog);
        let expires = invite.headers.number(&HeaderName::EXPIRES).map(u64::from);
        self.expires = expires.map(|seconds| now.boot + Duration::from_secs(seconds));
        self.deadline = self.deadline.into_iter().chain(self.expires).min();
        self.leg = Leg::Incoming { key, invite: invite.clone(), tag };
        // RFC 3261 §13.2.1: the first reliable response to an INVITE without an offer brings ours.
        if self.state == State::Ringing && (offer.is_some() || !reliable::requires(&invite)) {
            let ringing = invite.response(StatusCode::RINGING, self.local_tag());
            self.send_provisional(ringing, ua, now);
        }
        let request = match offer {
            Some((offer, direction)) => {
                let _ = self.exchange.remote_offer();
                self.take_remote(&offer);
                let direction = direction.answer(Direction::SendRecv);
                DescribeRequest::Answer { offer, direction }
            }
            None => {
                let _ = self.exchange.local_offer();
                let direction = sdp::Direction::SendRecv;
                DescribeRequest::Offer { direction, ice_restart: false }
            }
        };
        self.describe(request, ua, now);
        ua.tell(Event::Incoming {
            call: self.id,
            from: self.remote.clone(),
            data: self.data.clone(),
            headers: party::told(&invite),
            announced: self.announcement.is_some(),
        });
        Ok(())
    }

    /// The user answers: now, or as soon as the description is there.
    pub(super) fn answer(&mut self, ua: &mut Ua, now: Now) {
        match self.described.take() {
            Some(sdp) if self.waits_for_prack() => {
                self.described = Some(sdp);
                self.state = State::Answering;
            }
            Some(sdp) => self.accept(sdp, ua, now),
            None => self.state = State::Answering,
        }
    }

    /// The description came while it rings: the media path is set up by it, or it waits for the answer.
    pub(super) fn keep_description(&mut self, sdp: String, ua: &mut Ua, now: Now) {
        if self.their_change.is_some() {
            return self.go_on_with(sdp, ua, now);
        }
        if let Leg::Incoming { invite, .. } = &self.leg {
            let status = match self.exchange.state() {
                SignalingState::HaveRemoteOffer if is_early(ua.config.early, invite) => {
                    Some(StatusCode::SESSION_PROGRESS)
                }
                SignalingState::HaveLocalOffer if reliable::requires(invite) => {
                    Some(StatusCode::RINGING)
                }
                SignalingState::HaveRemoteOffer
                | SignalingState::HaveLocalOffer
                | SignalingState::Stable => None,
            };
            if let Some(status) = status {
                let mut progress = invite.response(status, self.local_tag());
                progress.set_body(crate::ua::SDP, sdp.clone().into_bytes());
                self.send_provisional(progress, ua, now);
            }
        }
        self.described = Some(sdp);
    }

    /// Answers with this description (RFC 3261 §13.3.1.4).
    pub(super) fn accept(&mut self, sdp: String, ua: &mut Ua, now: Now) {
        let Leg::Incoming { key, invite, .. } = &self.leg else { return };
        let (key, invite) = (key.clone(), invite.clone());
        // Our description is an answer, unless the INVITE brought no offer: then it is one. Where both went
        // before the 2xx, that says nothing of them (RFC 6337 §3.1).
        let settled = self.exchange.state() == SignalingState::Stable;
        let offer = self.exchange.local_answer().is_err() && !settled;
        self.provisionals = None;
        self.send_answer((&key, &invite), Some(sdp).filter(|_| !settled), offer, ua, now);
        self.answered_now(ua, now);
    }

    /// The ACK of a 2xx of ours; it brings the answer where the 2xx held our offer.
    pub(super) fn acknowledged(&mut self, ack: &Request, ua: &mut Ua, now: Now) {
        let sequence = ack.headers.cseq().map(|cseq| cseq.sequence).ok();
        let Some(unacked) = self.unacked.take_if(|u| Some(u.sequence) == sequence) else { return };
        if unacked.offer && !self.take_answer_of(ack, ua) {
            let why = "the other side did not answer our offer".to_owned();
            return self.hang_up(EndReason::Media(why), ua, now);
        }
        self.establish(ua);
    }

    /// Nothing is waited for any more: the BYE may go.
    pub(super) fn unacknowledged(&mut self) {
        self.unacked = None;
    }

    pub(super) fn decline(&mut self, reason: DeclineReason, ua: &mut Ua, now: Now) {
        self.refuse(reason.into(), EndReason::Declined(reason), ua, now);
    }

    /// Sends the caller elsewhere.
    pub(super) fn forward(&mut self, to: String, ua: &mut Ua, now: Now) {
        if let Leg::Incoming { key, invite, tag } = &self.leg {
            ua.respond(key, moved(invite, tag, &to), now);
        }
        self.end(EndReason::Forwarded(to), ua, now);
    }

    /// Nobody answered in time; an invitation that has expired gets its own status (RFC 3261 §13.3.1).
    pub(super) fn rang_out(&mut self, ua: &mut Ua, now: Now) {
        let status = match self.expires {
            Some(at) if at <= now.boot => StatusCode::REQUEST_TERMINATED,
            Some(_) | None => StatusCode::TEMPORARILY_UNAVAILABLE,
        };
        self.refuse(status, EndReason::NoAnswer, ua, now);
    }

    pub(super) fn cancelled(&mut self, elsewhere: bool, ua: &mut Ua, now: Now) {
        let reason = if elsewhere { EndReason::AnsweredElsewhere } else { EndReason::Cancelled };
        self.refuse(StatusCode::REQUEST_TERMINATED, reason, ua, now);
    }

    /// The final response that is no answer, and the end.
    pub(super) fn refuse(&mut self, status: StatusCode, reason: EndReason, ua: &mut Ua, now: Now) {
        if let Leg::Incoming { key, invite, tag } = &self.leg {
            let response = invite.response(status, Some(tag));
            ua.respond(key, response, now);
        }
        self.end(reason, ua, now);
    }

    /// Whether the body of the ACK, or PRACK, answered the offer in our response.
    pub(super) fn take_answer_of(&mut self, ack: &Request, ua: &mut Ua) -> bool {
        let answer = String::from_utf8_lossy(&ack.body).into_owned();
        if answer.is_empty() || self.exchange.remote_answer().is_err() {
            return false;
        }
        let before = self.hold;
        self.take_remote(&answer);
        ua.ask(Output::SetRemoteAnswer { call: self.id, sdp: answer });
        self.hold_changed(before, ua);
        true
    }
}

/// Whether the media path of this call is set up before its answer.
fn is_early(policy: EarlyMedia, invite: &Request) -> bool {
    match policy {
        EarlyMedia::Never => false,
        EarlyMedia::Always => true,
        EarlyMedia::WhereHeard => {
            party::data(invite).queue.is_some() || party::allows_early(invite)
        }
    }
}

/// 302: the caller is to try this address (RFC 3261 §21.3.3).
pub(crate) fn moved(invite: &Request, tag: &str, to: &str) -> Response {
    let mut response = invite.response(StatusCode::MOVED_TEMPORARILY, Some(tag));
    response.headers.set(HeaderName::CONTACT, format!("<{to}>"));
    response
}

/// The offer in an INVITE and its direction; `None` where there is none.
///
/// # Errors
/// There is one, and it cannot be used.
pub(super) fn offer_of(invite: &Request) -> Result<Option<(String, Direction)>, sdp::SdpError> {
    if invite.body.is_empty() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&invite.body).into_owned();
    let description = SessionDescription::parse(&text)?;
    if description.audio().is_none() {
        return Err(sdp::SdpError::NotAcceptable("there is no audio"));
    }
    Ok(Some((text, description.direction())))
}

impl In {
    /// A CANCEL, with what its Reason says (RFC 3326).
    pub(crate) fn cancel(cancel: &Request) -> Self {
        Self::Cancel(party::answered_elsewhere(cancel))
    }
}
