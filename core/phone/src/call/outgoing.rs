//! The calling side: INVITE, progress, early media, answer, CANCEL (RFC 3261 §13.2, §9.1, §8.1.3).

use super::{Call, Early, Leg, State, Targets, session_timer};
use crate::text::clip;
use crate::ua::{GIVE_UP, Owner, SDP, Ua};
use crate::{CallId, DescribeRequest, EndReason, Event, Now, Output, Party, sdp};
use sidetone_sip::dialog::DialogError;
use sidetone_sip::digest::DigestError;
use sidetone_sip::transaction::ClientKey;
use sidetone_sip::{Dialog, HeaderName, Method, NameAddr, Request, Response, Uri};

impl Call {
    /// Starts a call to an address: asks for the offer.
    pub(crate) fn outgoing(id: CallId, to: Uri, ua: &mut Ua, now: Now) -> Self {
        let party = Party { name: None, uri: to.to_string() };
        Self::calling(id, to, party, ua, now)
    }

    /// The same to an address that stands for somebody.
    pub(super) fn calling(id: CallId, to: Uri, party: Party, ua: &mut Ua, now: Now) -> Self {
        let tag = ua.token();
        let mut invite = Request::new(Method::Invite, to.clone());
        let headers = &mut invite.headers;
        headers.push(HeaderName::MAX_FORWARDS, "70");
        headers.push(HeaderName::FROM, ua.address().with_tag(&tag).to_string());
        headers.push(HeaderName::TO, NameAddr::new(to).to_string());
        headers.push(HeaderName::CALL_ID, ua.call_id_header());
        headers.push(HeaderName::CSEQ, "1 INVITE");
        headers.push(HeaderName::X_CALL_UID, id.to_string());
        session_timer::ask(headers, ua.config.session_interval);
        let leg = Leg::Outgoing {
            invite,
            key: None,
            heard: false,
            cancelled: false,
            rang: false,
            early: None,
            forks: Vec::new(),
            targets: Targets::default(),
        };
        let mut call = Self::new(id, State::Dialing, party.clone(), leg, now);
        let _ = call.exchange.local_offer();
        let direction = sdp::Direction::SendRecv;
        call.describe(DescribeRequest::Offer { direction, ice_restart: false }, ua, now);
        ua.tell(Event::Dialing { call: id, to: party });
        call
    }

    /// The offer is there: INVITE.
    pub(super) fn invite(&mut self, sdp: String, ua: &mut Ua, now: Now) {
        let Leg::Outgoing { invite, key: key @ None, .. } = &mut self.leg else { return };
        if ua.flow.is_none() && self.reach.waits() {
            self.described = Some(sdp);
            return;
        }
        invite.set_body(SDP, sdp.into_bytes());
        *key = ua.send(invite.clone(), Owner::Call(self.id), now);
        match key.as_ref().and_then(|key| ua.sent(key)) {
            Some(sent) => *invite = sent.request.clone(),
            None => self.end(EndReason::NetworkLost, ua, now),
        }
    }

    /// Whether this is the INVITE that made the call.
    pub(crate) fn is_inviting_by(&self, key: &ClientKey) -> bool {
        matches!(&self.leg, Leg::Outgoing { key: Some(ours), .. } if ours == key)
    }

    /// The INVITE was challenged and sent again.
    pub(super) fn invited_again(&mut self, again: Option<(ClientKey, u32)>, ua: &Ua) {
        let Leg::Outgoing { invite, key, heard, cancelled, forks, .. } = &mut self.leg else {
            return;
        };
        *heard = false;
        *cancelled = false;
        forks.clear();
        *key = again.map(|(key, _)| key);
        if let Some(sent) = key.as_ref().and_then(|key| ua.sent(key)) {
            *invite = sent.request.clone();
        }
    }

    /// A provisional response: it rings there, or early media plays.
    pub(super) fn progress(&mut self, response: &Response, ua: &mut Ua, now: Now) {
        let code = response.status.code();
        if code > 100 {
            self.note_fork(response);
        }
        if !self.takes_provisional(response, ua, now) {
            return;
        }
        let Leg::Outgoing { heard, rang, early, .. } = &mut self.leg else { return };
        *heard = true;
        if code > 100 {
            let plays = early.is_none() && is_sdp(response);
            let rings = code == 180 && !*rang;
            *rang |= rings;
            self.state = State::Alerting;
            if rings {
                ua.tell(Event::Ringing { call: self.id });
            }
            if plays {
                let sdp = String::from_utf8_lossy(&response.body).into_owned();
                *early = Some(Early { sdp: sdp.clone(), tag: tag_of(response) });
                let _ = self.exchange.remote_answer();
                self.take_remote(&sdp);
                ua.ask(Output::SetRemoteAnswer { call: self.id, sdp });
                self.set_gates(ua);
                ua.tell(Event::EarlyMedia { call: self.id });
            }
        }
    }

    /// The first 2xx: acknowledged at once (RFC 3261 §13.2.2.4).
    pub(super) fn accepted(&mut self, response: &Response, ua: &mut Ua, now: Now) {
        let Leg::Outgoing { invite, early, .. } = &self.leg else { return };
        let Ok(dialog) = dialog_of(invite, response) else {
            return self.end(EndReason::TimedOut, ua, now);
        };
        let (invite, early) = (invite.clone(), early.clone());
        self.dialog = Some(self.go_on_from_fork(dialog));
        self.session_agreed(response, now);
        self.send_ack(response, Some(&invite), ua, now);
        let body = String::from_utf8_lossy(&response.body).into_owned();
        match (early, is_sdp(response)) {
            // An answer in a provisional response is the answer; the 2xx repeats it (§13.2.1).
            (Some(early), _) if early.tag == tag_of(response) || early.sdp == body => {}
            (Some(_), _) => {
                // The media is another fork's, who must not hear what is said to this one.
                let why = "another phone answered than the one that was heard".to_owned();
                return self.hang_up(EndReason::Media(why), ua, now);
            }
            (None, true) => {
                let _ = self.exchange.remote_answer();
                self.take_remote(&body);
                ua.ask(Output::SetRemoteAnswer { call: self.id, sdp: body });
            }
            (None, false) => {
                let why = "the other side answered without a description".to_owned();
                return self.hang_up(EndReason::Media(why), ua, now);
            }
        }
        self.answered_now(ua, now);
        self.establish(ua);
    }

    /// Sends the ACK of a 2xx, and remembers it for the 2xx's repetitions.
    pub(super) fn send_ack(
        &mut self,
        response: &Response,
        request: Option<&Request>,
        ua: &mut Ua,
        now: Now,
    ) {
        let Ok(cseq) = response.headers.cseq() else { return };
        let Some(dialog) = &self.dialog else { return };
        let mut ack = dialog.ack(cseq.sequence);
        if let Some(request) = request {
            // RFC 3261 §22.1: the same credentials as the INVITE.
            ack.headers.copy_all(&request.headers, &HeaderName::AUTHORIZATION);
            ack.headers.copy_all(&request.headers, &HeaderName::PROXY_AUTHORIZATION);
        }
        ua.send_ack(ack.clone(), now);
        self.handover.acked = Some(now.boot);
        self.ack = Some(ack);
    }

    /// A 2xx again, to the INVITE or a re-INVITE: the same ACK again.
    pub(crate) fn acknowledge_again(&mut self, response: &Response, ua: &mut Ua, now: Now) {
        let sequence = response.headers.cseq().map(|cseq| cseq.sequence).ok();
        let acked = |ack: &&Request| ack.headers.cseq().map(|cseq| cseq.sequence).ok() == sequence;
        match self.ack.as_ref().filter(acked) {
            Some(ack) => ua.send_ack(ack.clone(), now),
            None => self.send_ack(response, None, ua, now),
        }
    }

    /// A final response that is no answer.
    pub(super) fn refused(&mut self, response: &Response, ua: &mut Ua, now: Now) {
        // Where a supervision goes is the server's to decide, not another's.
        if !self.is_supervision() && self.tries_another(response, ua, now) {
            return;
        }
        let reason = self.supervision_refused(response.status);
        let reason = reason.unwrap_or_else(|| refusal(response));
        self.end(reason, ua, now);
    }

    /// The user, the time or the media ends a call that is not answered: CANCEL, which must wait for
    /// a provisional response (RFC 3261 §9.1).
    pub(super) fn give_up(&mut self, reason: EndReason, ua: &mut Ua, now: Now) {
        let Leg::Outgoing { key, heard, .. } = &self.leg else { return };
        if key.is_none() {
            return self.end(reason, ua, now);
        }
        let heard = *heard;
        self.start_ending(reason, ua, now);
        if heard {
            self.cancel_now(ua, now);
        }
    }

    pub(super) fn cancel_now(&mut self, ua: &mut Ua, now: Now) {
        let Leg::Outgoing { invite, heard, cancelled, .. } = &mut self.leg else { return };
        *heard = true;
        if !*cancelled {
            *cancelled = true;
            ua.send_cancel(invite, now);
            self.deadline = Some(now.boot + GIVE_UP);
        }
    }

    /// The answer crossed our CANCEL: it is acknowledged and hung up (RFC 3261 §9.1).
    pub(super) fn accepted_too_late(&mut self, response: &Response, ua: &mut Ua, now: Now) {
        let Leg::Outgoing { invite, .. } = &self.leg else { return };
        let Ok(dialog) = dialog_of(invite, response) else { return self.finish(ua, now) };
        let invite = invite.clone();
        self.dialog = Some(self.go_on_from_fork(dialog));
        self.send_ack(response, Some(&invite), ua, now);
        self.send_bye(ua, now);
    }

    /// A challenge to a request of this call, or a session interval that is too small: answered, or the
    /// call's final response.
    pub(crate) fn challenged(
        &mut self,
        key: &ClientKey,
        again: Result<Option<(ClientKey, u32)>, DigestError>,
        ua: &Ua,
    ) -> bool {
        let Ok(again) = again else { return false };
        if self.is_inviting_by(key) {
            self.invited_again(again, ua);
            return true;
        }
        if let Some((_, sequence)) = &again {
            self.pracked_again(key, *sequence);
        }
        if let (Some((_, sequence)), Some(dialog)) = (&again, &mut self.dialog) {
            dialog.local_sequence = dialog.local_sequence.max(*sequence);
        }
        self.bye_again(key, &again);
        self.changed_again(key, &again);
        self.refreshed_again(key, &again);
        self.referred_again(key, &again);
        self.signalled_again(key, &again);
        self.called_up_again(key, &again);
        self.supervised_again(key, &again);
        true
    }
}

/// The dialog of a 2xx. Where it has no Contact that can be read, its requests go where the INVITE
/// went: they take our flow in any case, and an answer that is never acknowledged helps nobody.
pub(crate) fn dialog_of(invite: &Request, response: &Response) -> Result<Dialog, DialogError> {
    Dialog::uac(invite, response).or_else(|_| {
        let mut response = response.clone();
        let target = NameAddr::new(invite.uri.clone()).to_string();
        response.headers.set(HeaderName::CONTACT, target);
        Dialog::uac(invite, &response)
    })
}

fn tag_of(response: &Response) -> Option<String> {
    response.headers.to().ok()?.tag().map(str::to_owned)
}

pub(super) fn is_sdp(response: &Response) -> bool {
    let content_type = response.headers.content_type();
    !response.body.is_empty() && content_type.is_ok_and(|content| content.media_type == SDP)
}

/// What a final response that is no answer means to a person.
fn refusal(response: &Response) -> EndReason {
    match response.status.code() {
        486 | 600 => EndReason::Busy,
        603 | 403 => EndReason::Refused,
        code @ (404 | 410 | 480 | 484 | 604) => EndReason::Unreachable(code),
        408 | 487 => EndReason::NoAnswer,
        status => {
            let phrase = if response.reason.is_empty() {
                response.status.reason()
            } else {
                response.reason.as_str()
            };
            let reason = clip(phrase, 256);
            EndReason::Rejected { status, reason }
        }
    }
}
