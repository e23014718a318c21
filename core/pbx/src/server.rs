//! Requests of phones (RFC 3261 §8.2, §10.3, §12.2.2, §13.3, §14.2, §15.1.2, §9.2, §22).

use crate::call::{Call, CallKey, Cause, Plan};
use crate::leg::{Leg, LegDialog, Purpose, Stage, Unacknowledged};
use crate::pbx::Pbx;
use crate::recording::Recorder;
use crate::registrar::rewrite;
use crate::sdp::{answer_to, audio_direction};
use crate::{Extension, FlowId, Generation, LegId, Step};
use sidetone_sip::digest::Verdict;
use sidetone_sip::transaction::{ServerKey, Transactions};
use sidetone_sip::{HeaderName, Method, Request, Response, StatusCode};
use std::time::Duration;

pub(crate) const ALLOW: &str = "OPTIONS, REGISTER, INVITE, ACK, BYE, CANCEL, INFO, REFER";

impl Pbx {
    /// A request opened a transaction.
    pub(crate) fn handle_request(
        &mut self,
        key: ServerKey,
        flow: FlowId,
        request: Request,
        now: Duration,
    ) {
        if request.method == Method::Cancel {
            return self.handle_cancel(&key, &request, now);
        }
        if request.headers.to().is_ok_and(|to| to.tag().is_some()) {
            return self.handle_in_dialog(key, flow, request, now);
        }
        match request.method {
            Method::Register => self.handle_register(&key, flow, &request, now),
            Method::Invite => self.handle_invite(key, flow, request, now),
            Method::Options => self.handle_options(&key, &request, now),
            Method::Message => self.handle_message(&key, flow, &request, now),
            Method::Bye | Method::Info | Method::Update | Method::Notify | Method::Prack => {
                self.refuse(&key, &request, StatusCode::CALL_DOES_NOT_EXIST, now);
            }
            Method::Subscribe => self.refuse(&key, &request, StatusCode::BAD_EVENT, now),
            Method::Ack | Method::Cancel | Method::Refer | Method::Publish | Method::Other(_) => {
                self.refuse(&key, &request, StatusCode::METHOD_NOT_ALLOWED, now);
            }
        }
    }

    /// The ACK of a 2xx.
    pub(crate) fn handle_ack(&mut self, request: &Request, now: Duration) {
        let id = self.legs.in_dialog(request).map(|leg| leg.id);
        let Some(leg) = id.and_then(|id| self.legs.get_mut(&id)) else { return };
        let sequence = request.headers.cseq().map(|cseq| cseq.sequence);
        if leg.unacknowledged.as_ref().is_some_and(|wait| sequence == Ok(wait.sequence)) {
            leg.unacknowledged = None;
            let id = leg.id;
            if matches!(leg.stage, Stage::Terminating { bye: None }) {
                self.send_bye(id, Cause::Normal, now);
            }
        }
    }

    /// Sends 2xx again until the ACK comes, and hangs up where none does (RFC 3261 §13.3.1.4).
    pub(crate) fn repeat_answers(&mut self, now: Duration) {
        for id in self.legs.due(now) {
            let Some(leg) = self.legs.get_mut(&id) else { continue };
            if leg.leaves_by.take_if(|at| *at <= now).is_some() {
                self.hang_up(id, Cause::Normal, now);
                continue;
            }
            let Some(wait) = &mut leg.unacknowledged else { continue };
            if wait.until > now {
                wait.interval = (wait.interval * 2).min(self.timers.t2);
                wait.resend_at = now + wait.interval;
                self.transactions.respond(&wait.key, (*wait.response).clone(), now);
                continue;
            }
            leg.unacknowledged = None;
            match leg.stage {
                Stage::Terminating { bye: None } => self.send_bye(id, Cause::Normal, now),
                Stage::Confirmed => self.hang_up_by_itself(id, now),
                Stage::Received { .. }
                | Stage::Describing { .. }
                | Stage::Calling { .. }
                | Stage::Cancelling { .. }
                | Stage::Terminating { bye: Some(_) } => {}
            }
        }
    }

    /// A caller rings or hears something before the answer (180, 183).
    pub(crate) fn progress(&mut self, leg: LegId, status: StatusCode, now: Duration) {
        let Some(leg) = self.legs.get(&leg) else { return };
        let (Stage::Received { invite }, Some(key)) = (&leg.stage, &leg.invite_key) else { return };
        let mut response = self.in_dialog_response(leg, invite, status);
        if let Some(sdp) = leg.sdp.as_ref().filter(|_| status == StatusCode::SESSION_PROGRESS) {
            response.set_body("application/sdp", sdp.clone().into_bytes());
        }
        let (key, response) = (key.clone(), self.finish(response));
        self.transactions.respond(&key, response, now);
    }

    /// A caller is answered (200).
    pub(crate) fn answer(&mut self, id: LegId, now: Duration) {
        let Some(leg) = self.legs.get(&id) else { return };
        let (Stage::Received { invite }, Some(key)) = (&leg.stage, &leg.invite_key) else { return };
        let mut response = self.in_dialog_response(leg, invite, StatusCode::OK);
        response.set_body("application/sdp", leg.sdp.clone().unwrap_or_default().into_bytes());
        let (key, response) = (key.clone(), self.finish(response));
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.stage = Stage::Confirmed;
        }
        self.send_answer(id, key, response, now);
    }

    /// The media side described a leg, or could not.
    pub(crate) fn described(
        &mut self,
        id: LegId,
        generation: Generation,
        result: Result<String, String>,
        now: Duration,
    ) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.generation == generation) else {
            return;
        };
        let Some(purpose) = leg.describing.take() else { return };
        let call = leg.call;
        match (purpose, result) {
            (Purpose::FirstAnswer, Ok(sdp)) => {
                leg.sdp = Some(sdp);
                if let Some(call) = call {
                    self.begin_plan(call, now);
                }
            }
            (Purpose::FirstAnswer, Err(_)) => {
                if let Some(call) = call {
                    self.hang_up(id, Cause::Refused(StatusCode::NOT_ACCEPTABLE_HERE), now);
                    self.leg_gone(call, id, StatusCode::NOT_ACCEPTABLE_HERE, now);
                }
            }
            (Purpose::FirstOffer, Ok(sdp)) => self.send_invite(id, sdp, now),
            (Purpose::FirstOffer, Err(_)) => {
                self.remove_leg(id, StatusCode::NOT_ACCEPTABLE_HERE, now);
            }
            (Purpose::Answer { key, request, offered }, Ok(sdp)) => {
                leg.direction = offered;
                let Some(leg) = self.legs.get(&id) else { return };
                let mut response = self.in_dialog_response(leg, &request, StatusCode::OK);
                response.set_body("application/sdp", sdp.into_bytes());
                let response = self.finish(response);
                self.send_answer(id, key, response, now);
                call.into_iter().for_each(|call| self.join(call));
            }
            (Purpose::Answer { key, request, .. }, Err(_)) => {
                self.refuse(&key, &request, StatusCode::NOT_ACCEPTABLE_HERE, now);
            }
            (Purpose::Offer, Ok(sdp)) => self.send_reinvite(id, sdp, now),
            (Purpose::Offer, Err(reason)) => log::warn!("{id} could not be offered: {reason}"),
        }
    }

    fn handle_register(&mut self, key: &ServerKey, flow: FlowId, request: &Request, now: Duration) {
        let Some(user) = self.authenticate(key, request, now) else { return };
        let is_own = request.headers.to().is_ok_and(|to| to.uri.user.as_ref() == Some(&user));
        let (true, Some(peer)) = (is_own, self.flows.get(&flow).map(|flow| flow.peer)) else {
            return self.refuse(key, request, StatusCode::FORBIDDEN, now);
        };
        let max_contacts = self.config.users.get(&user).map_or(0, |user| user.max_contacts);
        let limits = &self.config.registrar;
        let update = self.registrar.update(&user, request, (flow, peer), max_contacts, limits, now);
        if let Err(status) = update {
            return self.refuse(key, request, status, now);
        }
        let mut response = request.response(StatusCode::OK, Some(&self.random.hex(8)));
        for contact in self.registrar.listed(&user, now) {
            response.headers.push(HeaderName::CONTACT, contact);
        }
        let response = self.finish(response);
        self.transactions.respond(key, response, now);
        self.contact_came(&user, now);
    }

    fn handle_options(&mut self, key: &ServerKey, request: &Request, now: Duration) {
        if self.authenticate(key, request, now).is_none() {
            return;
        }
        let number = request.uri.user.as_deref().unwrap_or_default();
        if !number.is_empty() && !self.config.extensions.contains_key(number) {
            return self.refuse(key, request, StatusCode::NOT_FOUND, now);
        }
        self.accept(key, request, now);
    }

    fn handle_invite(&mut self, key: ServerKey, flow: FlowId, request: Request, now: Duration) {
        let Some(user) = self.authenticate(&key, &request, now) else { return };
        let number = request.uri.user.as_deref().unwrap_or_default();
        let Some(extension) = self.extension(number) else {
            return self.refuse(&key, &request, StatusCode::NOT_FOUND, now);
        };
        let extension = match self.is_kept_inside(&user, number) {
            true => {
                // His phone may not know it yet.
                self.tell_features(&user, now);
                Extension::Steps(vec![Step::HangUp(StatusCode::FORBIDDEN)])
            }
            false => extension,
        };
        let (Some(direction), Some(peer), Ok(contact)) = (
            audio_direction(&request.body),
            self.flows.get(&flow).map(|flow| flow.peer),
            request.headers.contact_uri(),
        ) else {
            return self.refuse(&key, &request, StatusCode::NOT_ACCEPTABLE_HERE, now);
        };
        if self.legs.len() >= self.config.max_legs {
            return self.refuse(&key, &request, StatusCode::SERVICE_UNAVAILABLE, now);
        }
        let tag = self.random.hex(8);
        let Ok(dialog) = LegDialog::called(&request, rewrite(&contact, peer), &tag) else {
            return self.refuse(&key, &request, StatusCode::BAD_REQUEST, now);
        };
        let trying = self.finish(request.response(StatusCode::TRYING, None));
        self.transactions.respond(&key, trying, now);
        let number = self.next_number();
        let (id, call) = (LegId(number), CallKey(number));
        let offer = String::from_utf8_lossy(&request.body).into_owned();
        let is_code = matches!(&extension, Extension::Agent(code) if !Self::is_supervision(code));
        let leg = Leg {
            id,
            call: Some(call),
            attempt: None,
            user,
            flow,
            is_caller: true,
            is_code,
            talk: None,
            invite_key: Some(key),
            dialog,
            recorder: Recorder::of_caller(&request),
            stage: Stage::Received { invite: Box::new(request) },
            generation: Generation::default(),
            describing: None,
            sdp: None,
            direction,
            has_media: false,
            unacknowledged: None,
            offer: None,
            leaves_by: None,
            refer: None,
            last_ack: None,
        };
        self.legs.insert(leg);
        let group = format!("{}.{number}", now.as_secs());
        self.calls.insert(
            call,
            Call { group, caller: id, plan: Plan::Described(extension), referrer: None },
        );
        self.describe(id, Purpose::FirstAnswer, Some(offer), answer_to(direction));
    }

    fn handle_cancel(&mut self, key: &ServerKey, request: &Request, now: Duration) {
        let invite = Transactions::invite_of(key);
        let first = self.legs.values().find(|leg| leg.invite_key.as_ref() == Some(&invite));
        if let Some(leg) = first {
            let (id, is_open) = (leg.id, matches!(leg.stage, Stage::Received { .. }));
            self.accept(key, request, now);
            if is_open {
                self.cancelled(id, now);
            }
            return;
        }
        let is_inside = |leg: &&Leg| matches!(&leg.describing, Some(Purpose::Answer { key, .. }) if *key == invite);
        let inside = self.legs.values().find(is_inside).map(|leg| leg.id);
        let described = inside.and_then(|id| self.legs.get_mut(&id)?.describing.take());
        let Some(Purpose::Answer { request: reinvite, .. }) = described else {
            return self.refuse(key, request, StatusCode::CALL_DOES_NOT_EXIST, now);
        };
        self.accept(key, request, now);
        self.refuse(&invite, &reinvite, StatusCode::REQUEST_TERMINATED, now);
    }

    /// The caller gave up: 487, and the call is over.
    fn cancelled(&mut self, id: LegId, now: Duration) {
        let Some(leg) = self.legs.get(&id) else { return };
        if let (Stage::Received { invite }, Some(key)) = (&leg.stage, &leg.invite_key) {
            let response = self.in_dialog_response(leg, invite, StatusCode::REQUEST_TERMINATED);
            let (key, response) = (key.clone(), self.finish(response));
            self.transactions.respond(&key, response, now);
        }
        self.remove_leg(id, StatusCode::REQUEST_TERMINATED, now);
    }

    fn handle_in_dialog(&mut self, key: ServerKey, flow: FlowId, request: Request, now: Duration) {
        let id = self.legs.in_dialog(&request).map(|leg| leg.id);
        let Some(leg) = id.and_then(|id| self.legs.get_mut(&id)) else {
            return self.refuse(&key, &request, StatusCode::CALL_DOES_NOT_EXIST, now);
        };
        if !leg.dialog.takes(&request) {
            return self.refuse(&key, &request, StatusCode::SERVER_INTERNAL_ERROR, now);
        }
        let (id, is_early) = (leg.id, matches!(leg.stage, Stage::Calling { .. }));
        match request.method {
            // As Asterisk, which knows the dialog and says nothing before it is established.
            Method::Options if is_early => {}
            Method::Bye => self.handle_bye(&key, id, &request, now),
            Method::Invite => self.handle_reinvite(key, flow, id, request, now),
            Method::Info => {
                self.accept(&key, &request, now);
                self.call_up_recording(id, &request, now);
                self.supervisor_digit(id, &request.body, now);
            }
            Method::Options => self.accept(&key, &request, now),
            Method::Refer => self.handle_refer(&key, id, &request, now),
            Method::Notify => self.handle_notify(&key, id, &request, now),
            Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Prack
            | Method::Update
            | Method::Subscribe
            | Method::Message
            | Method::Publish
            | Method::Other(_) => {
                self.refuse(&key, &request, StatusCode::METHOD_NOT_ALLOWED, now);
            }
        }
    }

    fn handle_bye(&mut self, key: &ServerKey, id: LegId, request: &Request, now: Duration) {
        self.accept(key, request, now);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        match (&leg.stage, leg.describing.take()) {
            // RFC 3261 §15.1.2: what is still open is answered 487.
            (Stage::Received { .. }, _) => return self.cancelled(id, now),
            (_, Some(Purpose::Answer { key, request, .. })) => {
                self.refuse(&key, &request, StatusCode::REQUEST_TERMINATED, now);
            }
            (_, Some(Purpose::FirstAnswer | Purpose::FirstOffer | Purpose::Offer) | None) => {}
        }
        self.remove_leg(id, StatusCode::OK, now);
    }

    /// An INVITE inside the dialog: hold, resume, ICE restart, or a phone that came back on
    /// another flow.
    fn handle_reinvite(
        &mut self,
        key: ServerKey,
        flow: FlowId,
        id: LegId,
        request: Request,
        now: Duration,
    ) {
        let peer = self.flows.get(&flow).map(|flow| flow.peer);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        // RFC 3261 §14.2: their offer while one is open.
        if leg.offer.is_some() || matches!(leg.describing, Some(Purpose::Offer)) {
            return self.refuse(&key, &request, StatusCode::REQUEST_PENDING, now);
        }
        if leg.describing.is_some() || !matches!(leg.stage, Stage::Confirmed) {
            return self.refuse(&key, &request, StatusCode::SERVER_INTERNAL_ERROR, now);
        }
        let Some(offered) = audio_direction(&request.body) else {
            return self.refuse(&key, &request, StatusCode::NOT_ACCEPTABLE_HERE, now);
        };
        leg.flow = flow;
        if let (Ok(contact), Some(peer)) = (request.headers.contact_uri(), peer) {
            leg.dialog.target = rewrite(&contact, peer);
        }
        let offer = String::from_utf8_lossy(&request.body).into_owned();
        let purpose = Purpose::Answer { key, request: Box::new(request), offered };
        self.describe(id, purpose, Some(offer), answer_to(offered));
    }

    /// The user whose credentials a request carries; without them it is answered here.
    pub(crate) fn authenticate(
        &mut self,
        key: &ServerKey,
        request: &Request,
        now: Duration,
    ) -> Option<String> {
        if let Some(status) = self.refusing {
            self.refuse(key, request, status, now);
            return None;
        }
        let (users, nonces) = (&self.config.users, &self.nonces);
        let verdict = self.digest.verify(
            request,
            |user| users.get(user).map(|user| user.password.clone()),
            |nonce| nonces.accepts(nonce, now),
        );
        let is_stale = match verdict {
            Verdict::Ok(user) => return Some(user),
            Verdict::Stale => true,
            Verdict::Missing | Verdict::Wrong => false,
        };
        let nonce = self.nonces.issue(&mut self.random, now);
        let mut response = request.response(StatusCode::UNAUTHORIZED, Some(&self.random.hex(8)));
        for challenge in self.digest.challenge(&nonce, is_stale) {
            response.headers.push(HeaderName::WWW_AUTHENTICATE, challenge);
        }
        let response = self.finish(response);
        self.transactions.respond(key, response, now);
        None
    }

    fn send_answer(&mut self, id: LegId, key: ServerKey, response: Response, now: Duration) {
        let sequence = response.headers.cseq().map(|cseq| cseq.sequence).unwrap_or_default();
        self.transactions.respond(&key, response.clone(), now);
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.unacknowledged = Some(Unacknowledged {
                sequence,
                key,
                response: Box::new(response),
                resend_at: now + self.timers.t1,
                interval: self.timers.t1,
                until: now + self.timers.t1 * 64,
            });
        }
    }

    fn in_dialog_response(&self, leg: &Leg, request: &Request, status: StatusCode) -> Response {
        let mut response = request.response(status, Some(leg.dialog.local_tag()));
        if status.code() < 300 {
            response.headers.push(HeaderName::CONTACT, self.contact());
            response.headers.push(HeaderName::ALLOW, ALLOW);
        }
        response
    }

    pub(crate) fn accept(&mut self, key: &ServerKey, request: &Request, now: Duration) {
        let mut response = request.response(StatusCode::OK, Some(&self.random.hex(8)));
        if request.method == Method::Options {
            response.headers.push(HeaderName::ALLOW, ALLOW);
            response.headers.push(HeaderName::ACCEPT, "application/sdp");
        }
        let response = self.finish(response);
        self.transactions.respond(key, response, now);
    }

    /// Answers with a failure; a leg is not touched.
    pub(crate) fn refuse(
        &mut self,
        key: &ServerKey,
        request: &Request,
        status: StatusCode,
        now: Duration,
    ) {
        let mut response = request.response(status, Some(&self.random.hex(8)));
        if status == StatusCode::METHOD_NOT_ALLOWED {
            response.headers.push(HeaderName::ALLOW, ALLOW);
        }
        if status == StatusCode::SERVER_INTERNAL_ERROR {
            response.headers.push(HeaderName::RETRY_AFTER, "1");
        }
        let response = self.finish(response);
        self.transactions.respond(key, response, now);
    }
}
