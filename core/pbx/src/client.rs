//! Requests to phones and their responses (RFC 3261 §13.2, §9.1, §14.1, §15.1.1).

use crate::call::{CallKey, Cause};
use crate::leg::{Leg, LegDialog, Purpose, Stage};
use crate::pbx::Pbx;
use crate::push::AttemptKey;
use crate::recording::Recorder;
use crate::registrar::{Contact, rewrite};
use crate::sdp::audio_direction;
use crate::{FlowId, Generation, LegId, MediaCommand, MediaDirection};
use sidetone_sip::transaction::{ClientKey, Reliability};
use sidetone_sip::{HeaderName, Message, Method, Request, Response, StatusCode, Uri};
use std::time::Duration;

impl Pbx {
    /// Calls one phone; its INVITE goes when the offer is described.
    pub(crate) fn place(
        &mut self,
        call: CallKey,
        user: &str,
        contact: Contact,
        from: &str,
        headers: Vec<(HeaderName, String)>,
        attempt: Option<AttemptKey>,
    ) -> LegId {
        let id = LegId(self.next_number());
        let (name, number) = match self.config.users.get(from) {
            Some(user) => (user.display_name.as_str(), user.number.as_str()),
            None => ("Anonymous", "anonymous"),
        };
        let from = format!("\"{name}\" <sip:{number}@{}>", self.config.realm);
        let (call_id, tag) = (self.random.uuid(), self.random.hex(8));
        let leg = Leg {
            id,
            call: Some(call),
            attempt,
            user: user.to_owned(),
            flow: contact.flow,
            is_caller: false,
            is_code: false,
            talk: None,
            invite_key: None,
            dialog: LegDialog::calling(call_id, &from, tag, contact.uri),
            recorder: Recorder::of(headers.iter().cloned()),
            stage: Stage::Describing { headers },
            generation: Generation::default(),
            describing: None,
            sdp: None,
            direction: MediaDirection::SendRecv,
            has_media: false,
            unacknowledged: None,
            offer: None,
            leaves_by: None,
            refer: None,
            last_ack: None,
        };
        self.legs.insert(leg);
        self.describe(id, Purpose::FirstOffer, None, MediaDirection::SendRecv);
        id
    }

    /// The offer is there: INVITE.
    pub(crate) fn send_invite(&mut self, id: LegId, sdp: String, now: Duration) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Stage::Describing { headers } = &leg.stage else { return };
        let extra = headers.clone();
        let mut request = leg.dialog.request(Method::Invite);
        let flow = leg.flow;
        extra.into_iter().for_each(|(name, value)| request.headers.push(name, value));
        request.set_body("application/sdp", sdp.into_bytes());
        match self.send(request, flow, now) {
            Some((key, invite)) => {
                let Some(leg) = self.legs.get_mut(&id) else { return };
                let invite = Box::new(invite);
                leg.stage = Stage::Calling { key, invite, is_ringing: false, has_answer: false };
            }
            None => self.remove_leg(id, StatusCode::SERVICE_UNAVAILABLE, now),
        }
    }

    /// Offers anew inside the dialog, where nothing else is open.
    pub(crate) fn reinvite(&mut self, id: LegId, direction: MediaDirection) {
        let Some(leg) = self.legs.get(&id) else { return };
        let is_free = leg.describing.is_none() && leg.offer.is_none();
        if is_free && matches!(leg.stage, Stage::Confirmed) {
            self.describe(id, Purpose::Offer, None, direction);
        }
    }

    /// The offer is there: INVITE inside the dialog.
    pub(crate) fn send_reinvite(&mut self, id: LegId, sdp: String, now: Duration) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let (mut request, flow) = (leg.dialog.request(Method::Invite), leg.flow);
        request.set_body("application/sdp", sdp.into_bytes());
        let sent = self.send(request, flow, now);
        if let (Some(leg), Some((key, _))) = (self.legs.get_mut(&id), sent) {
            leg.offer = Some(key);
        } else {
            self.media(MediaCommand::Rollback { leg: id });
        }
    }

    /// The server does not want a leg any more. Its call does not hear of it.
    pub(crate) fn hang_up(&mut self, id: LegId, cause: Cause, now: Duration) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.call = None;
        let open = leg.describing.take();
        match std::mem::replace(&mut leg.stage, Stage::Terminating { bye: None }) {
            Stage::Received { invite } => {
                if let Some(key) = leg.invite_key.clone() {
                    let tag = leg.dialog.local_tag().to_owned();
                    let response = self.finish(invite.response(cause.status(), Some(&tag)));
                    self.transactions.respond(&key, response, now);
                }
                self.remove_leg(id, cause.status(), now);
            }
            Stage::Describing { .. } => self.remove_leg(id, cause.status(), now),
            Stage::Calling { key, invite, is_ringing, .. } => {
                let mut cancel = cancel_of(&invite);
                for reason in cause.reasons() {
                    cancel.headers.push(HeaderName::REASON, reason);
                }
                let cancel = Some(Box::new(cancel));
                leg.stage = Stage::Cancelling { key, cancel };
                self.release(id);
                if is_ringing {
                    self.send_cancel(id, now);
                }
            }
            Stage::Confirmed => {
                let wraps_up = leg.talk.take().map(|_| leg.user.clone());
                self.release(id);
                if let Some(user) = wraps_up {
                    self.wrap_up(&user, now);
                }
                if let Some(Purpose::Answer { key, request, .. }) = open {
                    self.refuse(&key, &request, StatusCode::REQUEST_TERMINATED, now);
                }
                let waits = self.legs.get(&id).is_some_and(|leg| leg.unacknowledged.is_some());
                if !waits {
                    self.send_bye(id, cause, now);
                }
            }
            stage @ (Stage::Cancelling { .. } | Stage::Terminating { .. }) => leg.stage = stage,
        }
    }

    /// BYE; the leg is gone when it is answered.
    pub(crate) fn send_bye(&mut self, id: LegId, cause: Cause, now: Duration) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let (mut bye, flow) = (leg.dialog.request(Method::Bye), leg.flow);
        for reason in cause.reasons() {
            bye.headers.push(HeaderName::REASON, reason);
        }
        match self.send(bye, flow, now) {
            Some((key, _)) => {
                let Some(leg) = self.legs.get_mut(&id) else { return };
                leg.stage = Stage::Terminating { bye: Some(key) };
            }
            None => self.remove_leg(id, StatusCode::SERVICE_UNAVAILABLE, now),
        }
    }

    /// A response to a request of ours.
    pub(crate) fn handle_response(&mut self, key: &ClientKey, response: &Response, now: Duration) {
        let Ok(call_id) = response.headers.call_id() else { return };
        let owner = self.legs.of_call_id(&call_id).find(|leg| leg.owns(key)).map(|leg| leg.id);
        let Some(id) = owner else { return };
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if let Some((_, ack)) = leg.last_ack.as_ref().filter(|(acked, _)| acked == key) {
            let (flow, ack) = (leg.flow, ack.clone());
            if response.status.is_success() {
                self.transmit(flow, ack);
            }
            return;
        }
        if leg.offer.as_ref() == Some(key) {
            return self.handle_reinvite_response(id, response, now);
        }
        if leg.refer.as_ref() == Some(key) {
            // Where it was taken NOTIFY says the rest.
            if response.status.code() >= 300 {
                self.referred(id, response.status, now);
            }
            return;
        }
        let status = response.status;
        match &mut leg.stage {
            Stage::Calling { is_ringing, has_answer, .. } if status.is_provisional() => {
                let call = leg.call.filter(|_| !*is_ringing && status != StatusCode::TRYING);
                *is_ringing = true;
                let is_early = !*has_answer && audio_direction(&response.body).is_some();
                *has_answer |= is_early;
                leg.dialog.begin(response);
                if is_early {
                    let sdp = String::from_utf8_lossy(&response.body).into_owned();
                    self.media(MediaCommand::SetRemoteAnswer { leg: id, sdp });
                }
                call.into_iter().for_each(|call| self.attempt_ringing(call, now));
            }
            Stage::Cancelling { .. } if status.is_provisional() => self.send_cancel(id, now),
            Stage::Calling { .. } | Stage::Cancelling { .. } if status.is_success() => {
                self.handle_answer(id, key, response, now);
            }
            Stage::Calling { .. } | Stage::Cancelling { .. } => self.remove_leg(id, status, now),
            Stage::Terminating { .. } if status.is_final() => {
                self.remove_leg(id, StatusCode::OK, now);
            }
            Stage::Terminating { .. }
            | Stage::Received { .. }
            | Stage::Describing { .. }
            | Stage::Confirmed => {}
        }
    }

    /// No response came, or the flow is gone.
    pub(crate) fn handle_failure(&mut self, key: &ClientKey, status: StatusCode, now: Duration) {
        let owner = self.legs.values().find(|leg| leg.owns(key)).map(|leg| leg.id);
        let Some(id) = owner else { return };
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if leg.refer.as_ref() == Some(key) {
            return self.referred(id, status, now);
        }
        if leg.offer.as_ref() == Some(key) {
            leg.offer = None;
            if leg.has_media {
                self.media(MediaCommand::Rollback { leg: id });
            }
            return;
        }
        match leg.stage {
            Stage::Calling { .. } | Stage::Cancelling { .. } | Stage::Terminating { .. } => {
                self.remove_leg(id, status, now);
            }
            Stage::Received { .. } | Stage::Describing { .. } | Stage::Confirmed => {}
        }
    }

    /// 2xx: ACK. A leg that was cancelled meanwhile is hung up at once (RFC 3261 §9.1).
    fn handle_answer(&mut self, id: LegId, key: &ClientKey, response: &Response, now: Duration) {
        let target = self.target_of(id, response);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.dialog.confirm(response, target);
        self.acknowledge(id, key, response);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let stage = std::mem::replace(&mut leg.stage, Stage::Confirmed);
        let (Some(call), Stage::Calling { has_answer, .. }) = (leg.call, stage) else {
            leg.stage = Stage::Terminating { bye: None };
            return self.send_bye(id, Cause::Normal, now);
        };
        let Some(direction) = audio_direction(&response.body) else {
            self.hang_up(id, Cause::Normal, now);
            return self.leg_gone(call, id, StatusCode::NOT_ACCEPTABLE_HERE, now);
        };
        leg.direction = direction;
        if !has_answer {
            let sdp = String::from_utf8_lossy(&response.body).into_owned();
            self.media(MediaCommand::SetRemoteAnswer { leg: id, sdp });
        }
        self.attempt_answered(call, id, now);
    }

    fn handle_reinvite_response(&mut self, id: LegId, response: &Response, now: Duration) {
        let target = self.target_of(id, response);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if response.status.is_provisional() {
            return;
        }
        let Some(key) = leg.offer.take() else { return };
        if response.status.is_success() {
            leg.dialog.target = target.unwrap_or_else(|| leg.dialog.target.clone());
            leg.direction = audio_direction(&response.body).unwrap_or(leg.direction);
            let call = leg.call;
            self.acknowledge(id, &key, response);
            if call.is_some() {
                let sdp = String::from_utf8_lossy(&response.body).into_owned();
                self.media(MediaCommand::SetRemoteAnswer { leg: id, sdp });
            }
            return call.into_iter().for_each(|call| self.join(call));
        }
        if leg.has_media {
            self.media(MediaCommand::Rollback { leg: id });
        }
        // RFC 3261 §12.2.1.2: the other side knows nothing of this dialog.
        let gone = [StatusCode::CALL_DOES_NOT_EXIST, StatusCode::REQUEST_TIMEOUT];
        if gone.contains(&response.status) {
            self.hang_up_by_itself(id, now);
        }
    }

    fn acknowledge(&mut self, id: LegId, key: &ClientKey, response: &Response) {
        let Some(leg) = self.legs.get(&id) else { return };
        let Ok(cseq) = response.headers.cseq() else { return };
        let (mut ack, flow) = (leg.dialog.ack(cseq.sequence), leg.flow);
        self.add_via(&mut ack);
        let bytes = Message::from(ack).to_bytes();
        self.transmit(flow, bytes.clone());
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.last_ack = Some((key.clone(), bytes));
        }
    }

    fn send_cancel(&mut self, id: LegId, now: Duration) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let flow = leg.flow;
        if let Stage::Cancelling { cancel, .. } = &mut leg.stage
            && let Some(cancel) = cancel.take()
        {
            self.transactions.send(*cancel, flow, Reliability::Reliable, now);
        }
    }

    /// The Contact of a response, rewritten to the flow's address as Asterisk does.
    fn target_of(&self, id: LegId, response: &Response) -> Option<Uri> {
        let peer = self.flows.get(&self.legs.get(&id)?.flow)?.peer;
        Some(rewrite(&response.headers.contact_uri().ok()?, peer))
    }

    /// Opens a client transaction; `None` where the flow is gone.
    pub(crate) fn send(
        &mut self,
        request: Request,
        flow: FlowId,
        now: Duration,
    ) -> Option<(ClientKey, Request)> {
        self.flows.get(&flow)?;
        let mut request = request;
        self.add_via(&mut request);
        if matches!(request.method, Method::Invite | Method::Notify | Method::Refer) {
            request.headers.push(HeaderName::CONTACT, self.contact());
        }
        if request.method == Method::Invite {
            request.headers.push(HeaderName::ALLOW, crate::server::ALLOW);
        }
        request.headers.push(HeaderName::USER_AGENT, self.config.product.as_str());
        let key = self.transactions.send(request.clone(), flow, Reliability::Reliable, now);
        Some((key, request))
    }

    fn add_via(&mut self, request: &mut Request) {
        let branch = self.random.branch();
        let via = format!("SIP/2.0/WSS {};rport;branch={branch};alias", self.config.address);
        request.headers.push_front(HeaderName::VIA, via);
    }
}

/// The CANCEL of an INVITE (RFC 3261 §9.1).
fn cancel_of(invite: &Request) -> Request {
    let mut cancel = Request::new(Method::Cancel, invite.uri.clone());
    for name in [
        HeaderName::VIA,
        HeaderName::MAX_FORWARDS,
        HeaderName::ROUTE,
        HeaderName::FROM,
        HeaderName::TO,
        HeaderName::CALL_ID,
    ] {
        cancel.headers.copy_all(&invite.headers, &name);
    }
    let sequence = invite.headers.cseq().map(|cseq| cseq.sequence).unwrap_or_default();
    cancel.headers.push(HeaderName::CSEQ, format!("{sequence} CANCEL"));
    cancel
}
