//! What the transactions tell, to the call or the account that it concerns (RFC 3261 §8, §12.2).

use crate::auto_answer::AnswerWish;
use crate::call::{Call, In, Progress, party, supervision};
use crate::phone::{MAX_CALLS, Phone};
use crate::subscription::is_of_package;
use crate::ua::Owner;
use crate::{CallId, EndReason, Now, Output, uas};
use sidetone_sip::transaction::{ClientKey, ServerKey, TransactionOutput, Transactions};
use sidetone_sip::{Dialog, DialogId, HeaderName, Method, Request, Response, StatusCode};

impl Phone {
    /// Carries on until nothing is left to route, forgets what ended, saves what must survive.
    pub(crate) fn settle(&mut self, now: Now) {
        self.route_all(now);
        self.settle_replaced(now);
        self.settle_calls(now);
        self.sound_tones(now);
        self.watch_mailbox(now);
        for (control, outcome) in self.controls.take_quiet() {
            self.agent_answered(control, outcome, now);
            self.team_answered(control, outcome, now);
            self.recording_answered(control, outcome, now);
            self.features_answered(control, outcome, now);
        }
        self.settle_agent(now);
        self.settle_team(now);
        self.settle_recordings(now);
        self.settle_features(now);
        self.settle_unread_packs();
        self.route_all(now);
        self.settle_referrals(now);
        for call in &self.calls {
            if let Some(verdict) = call.verdict() {
                self.memory.remember(call.id, verdict, now);
            }
            if let Some(record) = call.to_record(now) {
                self.ua.keep(Output::Record(record));
            }
        }
        self.sound_call_waiting();
        self.calls.retain(|call| !call.is_over());
        self.account.close_when_done(&mut self.ua, now);
        self.route_all(now);
        self.memory.forget(now);
        self.save();
    }

    /// Has all that the transactions tell carried out.
    pub(crate) fn route_all(&mut self, now: Now) {
        while let Some(output) = self.ua.transactions.poll_output() {
            self.route(output, now);
        }
    }

    fn route(&mut self, output: TransactionOutput, now: Now) {
        match output {
            TransactionOutput::Transmit { flow, message } => {
                if self.account.carries(flow) {
                    self.ua.ask(Output::Transmit { flow, bytes: message.to_bytes() });
                }
            }
            TransactionOutput::Request { key, flow: _, request } => {
                self.handle_request(key, request, now);
            }
            TransactionOutput::Ack { request } => {
                if let Some(call) = Dialog::id_of(&request).and_then(|id| self.in_dialog(&id)) {
                    self.tell(call, In::Ack(request), now);
                }
            }
            TransactionOutput::Response { key, response } => {
                self.handle_response(&key, response, now);
            }
            TransactionOutput::ClientTimedOut { key } => {
                self.handle_no_response(&key, EndReason::TimedOut, now);
            }
            TransactionOutput::ClientFlowLost { key } => {
                self.handle_no_response(&key, EndReason::NetworkLost, now);
            }
            // A 2xx without an ACK has its own limit in the call; any other is done with.
            TransactionOutput::ServerTimedOut { .. } => {}
        }
    }

    fn handle_request(&mut self, key: ServerKey, request: Request, now: Now) {
        if uas::reject(&key, &request, &mut self.ua, now) {
            return;
        }
        if request.method == Method::Cancel {
            return self.handle_cancel(&key, &request, now);
        }
        if request.method == Method::Notify
            && (self.notified(&key, &request, now)
                || self.agent_notified(&key, &request, now)
                || self.team_notified(&key, &request, now)
                || self.recording_notified(&key, &request, now)
                || self.features_notified(&key, &request, now))
        {
            return;
        }
        if request.method == Method::Subscribe && self.ua.follows_refer() {
            return self.handle_subscribe(&key, &request, now);
        }
        match Dialog::id_of(&request) {
            Some(id) => match self.in_dialog(&id) {
                Some(call) => self.handle_in_dialog(call, key, request, now),
                None if self.handle_in_control(&id, &key, &request, now) => {}
                None => {
                    self.ua.refuse(&key, &request, StatusCode::CALL_DOES_NOT_EXIST, now);
                }
            },
            None if request.method == Method::Invite => self.handle_invite(key, request, now),
            None if request.method == Method::Message => self.handle_message(&key, &request, now),
            None => uas::answer(&key, &request, &mut self.ua, now),
        }
    }

    fn handle_invite(&mut self, key: ServerKey, request: Request, now: Now) {
        let merged = self.calls.iter().any(|call| call.is_merged_by(&request));
        if merged {
            return self.ua.refuse(&key, &request, StatusCode::LOOP_DETECTED, now);
        }
        // What a push announced has its deadline from there.
        let announced = party::call_id(&request).is_some_and(|id| self.call_and_ua(id).is_some());
        if !announced && self.doubt(&key, &request, now) {
            return;
        }
        self.place_invite(key, request, None, now);
    }

    /// Makes a call of an INVITE, or refuses it; `dialog`: as far as it was taken already.
    pub(crate) fn place_invite(
        &mut self,
        key: ServerKey,
        request: Request,
        dialog: Option<Dialog>,
        now: Now,
    ) {
        let named = party::call_id(&request);
        if let Some(verdict) = named.and_then(|id| self.memory.verdict(id).cloned()) {
            return verdict.refuse(&key, &request, &mut self.ua, now);
        }
        if let Some(id) = named.filter(|id| self.call_and_ua(*id).is_some()) {
            // Another leg to this phone is no other call.
            let wish = AnswerWish::of(&request);
            self.tell(id, In::Invited(key, request), now);
            return self.answer_as_asked(id, wish, now);
        }
        let refusal = if !self.account.wants_calls() {
            Some(StatusCode::TEMPORARILY_UNAVAILABLE)
        } else if self.calls.len() >= MAX_CALLS {
            Some(StatusCode::BUSY_HERE)
        } else {
            None
        };
        if let Some(status) = refusal {
            return self.ua.refuse(&key, &request, status, now);
        }
        let wish = AnswerWish::of(&request);
        if wish.is_required() && self.answered_after(None, wish).is_none() {
            // RFC 5373 §4.3.2: it is not to ring where it cannot be answered at once.
            return self.ua.refuse(&key, &request, StatusCode::FORBIDDEN, now);
        }
        let replaced = match self.replaced_by(&request) {
            Ok(replaced) => replaced,
            Err(status) => return self.ua.refuse(&key, &request, status, now),
        };
        if self.account.is_leaving() {
            let change = self.account.wake(&mut self.ua, now);
            self.flow_changed(change, now);
        }
        let id = named.unwrap_or_else(|| CallId(self.ua.uuid()));
        self.calls.extend(Call::incoming(id, (key, request), dialog, &mut self.ua, now));
        if let Some(old) = replaced {
            self.with_call(id, |call, _| call.replace(old));
            return self.tell(id, In::Answer, now);
        }
        self.answer_as_asked(id, wish, now);
    }

    fn handle_cancel(&mut self, key: &ServerKey, request: &Request, now: Now) {
        let invite = Transactions::invite_of(key);
        if self.cancel_doubted((key, request), &invite, now) {
            return;
        }
        let found = self.calls.iter().find(|call| call.is_invited_by(&invite));
        let Some((call, tag)) = found.map(|call| (call.id, call.local_tag().map(str::to_owned)))
        else {
            // RFC 3261 §9.2: an INVITE that was refused is known as long as its transaction is.
            let known = self.ua.transactions.is_known(&invite);
            let status = if known { StatusCode::OK } else { StatusCode::CALL_DOES_NOT_EXIST };
            return self.ua.refuse(key, request, status, now);
        };
        self.ua.respond(key, request.response(StatusCode::OK, tag.as_deref()), now);
        // RFC 3261 §9.2: after the final response it has no effect.
        if self.ua.transactions.is_pending(&invite) {
            self.tell(call, In::cancel(request), now);
        }
    }

    fn handle_in_dialog(&mut self, id: CallId, key: ServerKey, request: Request, now: Now) {
        let Some((call, ua)) = self.call_and_ua(id) else { return };
        if let Err(status) = call.take_request(&request) {
            return ua.refuse(&key, &request, status, now);
        }
        if request.method == Method::Bye {
            self.tell(id, In::Bye(key, request), now);
        } else if request.method == Method::Invite {
            self.tell(id, In::Reinvite(key, request), now);
        } else if request.method == Method::Update {
            self.tell(id, In::Update(key, request), now);
        } else if request.method == Method::Prack {
            call.pracked(&key, &request, ua, now);
        } else if request.method == Method::Options {
            uas::answer(&key, &request, ua, now);
        } else if request.method == Method::Refer {
            self.handle_refer(id, &key, &request, now);
        } else if call.is_supervision() && is_of_package(&request, supervision::EVENT) {
            call.respond(&key, &request, StatusCode::OK, ua, now);
            call.supervision_told(&request, ua, now);
        } else if let Some(progress) = Progress::of(&request) {
            if !call.takes_progress() {
                // Nobody has asked for it, or not any more (RFC 6665 §4.1.3).
                return ua.refuse(&key, &request, StatusCode::CALL_DOES_NOT_EXIST, now);
            }
            call.respond(&key, &request, StatusCode::OK, ua, now);
            self.tell(id, In::Notified(progress), now);
        } else {
            ua.refuse(&key, &request, uas::status_inside(&request.method), now);
        }
    }

    fn handle_response(&mut self, key: &ClientKey, response: Response, now: Now) {
        let Some(sent) = self.ua.sent(key) else {
            return self.handle_stray(response, now);
        };
        let owner = sent.owner;
        match owner {
            Owner::Account => {
                let change = self.account.handle_response(key, &response, &mut self.ua, now);
                self.flow_changed(change, now);
            }
            Owner::Token => self.account.handle_token_response(key, &response, &mut self.ua, now),
            Owner::Call(id) => self.handle_call_response(id, key, response, now),
            Owner::Doubt => self.handle_doubt_answered(key, &response, now),
            Owner::Mailbox => self.handle_mailbox_response(key, Some(&response), now),
            Owner::Message => self.handle_message_response(key, Some(&response), now),
            Owner::Referral => self.handle_notify_response(key, Some(&response), now),
            Owner::Control => self.handle_control_response(key, response, now),
            Owner::Nobody if response.status.is_final() => {
                self.ua.take_sent(key);
            }
            Owner::Nobody => {}
        }
    }

    fn handle_call_response(&mut self, id: CallId, key: &ClientKey, response: Response, now: Now) {
        let status = response.status;
        let sent = if status.is_final() { self.ua.take_sent(key) } else { None };
        let challenge = [StatusCode::UNAUTHORIZED, StatusCode::PROXY_AUTHENTICATION_REQUIRED];
        let Some((call, ua)) = self.call_and_ua(id) else {
            return self.handle_stray(response, now);
        };
        let too_small = status == StatusCode::SESSION_INTERVAL_TOO_SMALL;
        let wanted = (too_small || challenge.contains(&status)) && call.wants(key);
        if let Some(sent) = sent.filter(|_| wanted) {
            let again = match too_small {
                true => ua.lengthen(sent, &response, now),
                false => ua.authenticate(sent, &response, now),
            };
            if call.challenged(key, again, ua) {
                return;
            }
        }
        let input = if call.is_inviting_by(key) {
            match status.code() {
                ..200 => In::Provisional(response),
                200..=299 => In::Accepted(response),
                _ => In::Refused(response),
            }
        } else if status.is_provisional() {
            return;
        } else if call.is_leaving_by(key) {
            In::ByeDone
        } else if call.is_refreshing_by(key) {
            return call.refreshed(Some(&response), ua, now);
        } else if call.is_asked_for_by(key) {
            return call.asked_for(Some(&response), ua, now);
        } else if call.is_referring_by(key) {
            In::ReferAnswered(Some(response))
        } else if call.is_signalling_by(key) {
            return call.digit_answered(Some(&response), ua, now);
        } else if call.is_calling_up_by(key) {
            return self.recording_called_up(id, Some(&response));
        } else if call.is_supervising_by(key) {
            return call.mode_answered(Some(&response), ua, now);
        } else if call.is_changing_by(key) || key.method == Method::Invite {
            In::ChangeAnswered(response)
        } else {
            return;
        };
        self.tell(id, input, now);
    }

    /// A response that nobody waits for: a 2xx that is repeated, or of a fork that is not wanted,
    /// must be acknowledged, the latter hung up as well (RFC 3261 §13.2.2.4).
    fn handle_stray(&mut self, response: Response, now: Now) {
        let is_answer =
            key_method(&response) == Some(Method::Invite) && response.status.is_success();
        let Some(id) = Dialog::id_of_response(&response).filter(|_| is_answer) else { return };
        if let Some(call) = self.in_dialog(&id) {
            return self.with_call(call, |call, ua| call.acknowledge_again(&response, ua, now));
        }
        if self.controls.acknowledge_again(&id, &mut self.ua, now) {
            return;
        }
        let Some(mut dialog) = stray_dialog(&response) else { return };
        self.ua.send_ack(dialog.ack(dialog.local_sequence), now);
        self.ua.hang_up_stray(&mut dialog, now);
    }

    fn handle_no_response(&mut self, key: &ClientKey, reason: EndReason, now: Now) {
        let Some(sent) = self.ua.sent(key) else { return };
        match sent.owner {
            Owner::Account => {
                let change = self.account.handle_no_response(key, &mut self.ua, now);
                self.flow_changed(change, now);
            }
            Owner::Call(id) => {
                let sent = self.ua.take_sent(key);
                let lost = reason == EndReason::NetworkLost;
                let Some((call, ua)) = self.call_and_ua(id) else { return };
                let input = if call.is_inviting_by(key) {
                    if let Some(sent) = sent.filter(|_| lost) {
                        ua.abandon(sent.request);
                    }
                    In::Unanswered(reason)
                } else if call.is_leaving_by(key) {
                    if lost { In::ByeLost } else { In::ByeDone }
                } else if call.is_changing_by(key) {
                    if lost { In::ChangeLost } else { In::ChangeUnanswered }
                } else if call.is_refreshing_by(key) {
                    return if lost { call.refresh_lost() } else { call.refreshed(None, ua, now) };
                } else if call.is_asked_for_by(key) {
                    return call.asked_for(None, ua, now);
                } else if call.is_referring_by(key) {
                    if lost { In::ReferLost } else { In::ReferAnswered(None) }
                } else if call.is_signalling_by(key) {
                    return call.digit_answered(None, ua, now);
                } else if call.is_calling_up_by(key) {
                    return self.recording_called_up(id, None);
                } else if call.is_supervising_by(key) {
                    return if lost { call.mode_lost() } else { call.mode_answered(None, ua, now) };
                } else {
                    return;
                };
                self.tell(id, input, now);
            }
            Owner::Token => {
                self.ua.take_sent(key);
                self.account.token_unanswered(key);
            }
            Owner::Mailbox => self.handle_mailbox_response(key, None, now),
            Owner::Message => self.handle_message_response(key, None, now),
            Owner::Referral if reason == EndReason::NetworkLost => self.notify_lost(key),
            Owner::Referral => self.handle_notify_response(key, None, now),
            Owner::Control => {
                let lost = reason == EndReason::NetworkLost;
                self.handle_control_unanswered(key, lost, now);
            }
            Owner::Nobody | Owner::Doubt => {
                self.ua.take_sent(key);
            }
        }
    }

    /// The call of this dialog, early or confirmed.
    fn in_dialog(&self, id: &DialogId) -> Option<CallId> {
        let found = self.calls.iter().find(|call| call.is_in_dialog(id));
        found.map(|call| call.id)
    }
}

fn key_method(response: &Response) -> Option<Method> {
    response.headers.cseq().ok().map(|cseq| cseq.method)
}

/// The dialog that a 2xx to an INVITE opened which is forgotten: all that it needs is in the 2xx.
fn stray_dialog(response: &Response) -> Option<Dialog> {
    let mut invite = Request::new(Method::Invite, response.headers.contact_uri().ok()?);
    for name in [HeaderName::FROM, HeaderName::CALL_ID, HeaderName::CSEQ] {
        invite.headers.copy_all(&response.headers, &name);
    }
    Dialog::uac(&invite, response).ok()
}
