//! REFER of a phone: its other side is sent on, or brought to the other side of a second call, and the
//! phone is told how it goes; REFER to a phone, which tells how it goes there (RFC 3515, RFC 3891, RFC 5589). As Asterisk it lets the phone say BYE once it
//! was told 200; a blind transfer that fails ends the call, for there is no dial plan that brings it back.

use crate::LegId;
use crate::call::{Call, CallKey, Cause, Plan};
use crate::leg::{Leg, Stage};
use crate::pbx::Pbx;
use sidetone_sip::transaction::ServerKey;
use sidetone_sip::{HeaderName, Method, Request, StatusCode, Uri};
use std::time::Duration;

/// How long a phone may ring where its other side was sent, and say BYE after it.
const PATIENCE: Duration = Duration::from_secs(180);

impl Pbx {
    pub(crate) fn handle_refer(
        &mut self,
        key: &ServerKey,
        id: LegId,
        request: &Request,
        now: Duration,
    ) {
        let target = request.headers.addresses(&HeaderName::REFER_TO).ok().and_then(|all| {
            let [address] = <[_; 1]>::try_from(all).ok()?;
            Some(address.uri)
        });
        let Some(target) = target else {
            return self.refuse(key, request, StatusCode::BAD_REQUEST, now);
        };
        let leg = self.legs.get(&id).filter(|leg| matches!(leg.stage, Stage::Confirmed));
        let joined =
            leg.and_then(|leg| leg.call).and_then(|call| Some((call, self.across(call, id)?)));
        let Some((call, other)) = joined else {
            return self.refuse(key, request, StatusCode::DECLINE, now);
        };
        match target.header(HeaderName::REPLACES.as_str()) {
            Some(replaces) => match self.named(&replaces, id) {
                Some((second, third)) => {
                    self.accept_refer(key, request, now);
                    self.notify(id, StatusCode::TRYING, now);
                    self.bring_together(call, (id, other), (second, third), now);
                }
                None => self.refuse(key, request, StatusCode::CALL_DOES_NOT_EXIST, now),
            },
            None => self.send_on(key, request, (call, id, other), &target, now),
        }
    }

    /// Sends the phone of a leg elsewhere, which is answered and is not being sent already.
    pub(crate) fn refer(&mut self, id: LegId, to: &str, now: Duration) {
        let can = |leg: &&mut Leg| matches!(leg.stage, Stage::Confirmed) && leg.refer.is_none();
        let Some(leg) = self.legs.get_mut(&id).filter(can) else { return };
        let (mut refer, flow) = (leg.dialog.request(Method::Refer), leg.flow);
        let by = format!("<sip:{}>", self.config.realm);
        refer.headers.push(HeaderName::REFER_TO, to);
        refer.headers.push(HeaderName::REFERRED_BY, by);
        let sent = self.send(refer, flow, now);
        match (sent, self.legs.get_mut(&id)) {
            (Some((key, _)), Some(leg)) => leg.refer = Some(key),
            (_, _) => self.referred(id, StatusCode::SERVICE_UNAVAILABLE, now),
        }
    }

    /// A phone tells how it goes where it was sent.
    pub(crate) fn handle_notify(
        &mut self,
        key: &ServerKey,
        id: LegId,
        notify: &Request,
        now: Duration,
    ) {
        let refers = self.legs.get(&id).is_some_and(|leg| leg.refer.is_some());
        if !refers {
            return self.refuse(key, notify, StatusCode::CALL_DOES_NOT_EXIST, now);
        }
        self.accept(key, notify, now);
        let line = String::from_utf8_lossy(&notify.body).into_owned();
        let code = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        if let Some(status) = code.and_then(StatusCode::new).filter(|status| status.is_final()) {
            self.referred(id, status, now);
        }
    }

    /// What has come of it: as `Transfer` and `Hangup` of a dial plan, which plays on where it failed.
    pub(crate) fn referred(&mut self, id: LegId, status: StatusCode, now: Duration) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.refer = None;
        let Some(key) = leg.call else { return };
        if status.is_success() {
            self.end_call(key, Cause::Normal, now);
        } else {
            self.take_steps(key, id, now);
        }
    }

    /// Tells who has sent this call on how it goes there; the last news ends the telling.
    pub(crate) fn tell_referrer(&mut self, key: CallKey, status: StatusCode, now: Duration) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        let told = if status.is_final() { call.referrer.take() } else { call.referrer };
        if let Some(leg) = told {
            self.notify(leg, status, now);
        }
    }

    /// The call that was sent on has ended before anybody took it: so has the part of who sent it.
    pub(crate) fn referral_failed(&mut self, leg: LegId, cause: Cause, now: Duration) {
        self.notify(leg, cause.status(), now);
        self.hang_up(leg, Cause::Normal, now);
    }

    /// The other leg of a joined call.
    fn across(&self, key: CallKey, leg: LegId) -> Option<LegId> {
        let call = self.calls.get(&key)?;
        match call.plan {
            Plan::Bridged(peer) if call.caller == leg => Some(peer),
            Plan::Bridged(peer) if peer == leg => Some(call.caller),
            Plan::Bridged(_)
            | Plan::Described(_)
            | Plan::Steps { .. }
            | Plan::Dialing { .. }
            | Plan::Queued { .. } => None,
        }
    }

    /// The leg that Replaces names, and the one it talks to; not a leg of the call at hand.
    fn named(&self, replaces: &str, not: LegId) -> Option<(LegId, LegId)> {
        let mut parts = replaces.split(';').map(str::trim);
        let call_id = parts.next()?;
        let tag = |name: &str| {
            replaces.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let (ours, theirs) = (tag("to-tag")?, tag("from-tag")?);
        let is_named = |leg: &&Leg| leg.dialog.is_named(call_id, ours, theirs);
        let second = self.legs.values().find(is_named).filter(|leg| leg.id != not)?;
        let confirmed = matches!(second.stage, Stage::Confirmed);
        let call = second.call.filter(|_| confirmed)?;
        Some((second.id, self.across(call, second.id)?))
    }

    fn accept_refer(&mut self, key: &ServerKey, request: &Request, now: Duration) {
        let response = self.finish(request.response(StatusCode::ACCEPTED, None));
        self.transactions.respond(key, response, now);
    }

    /// Both other sides in one call; the phone's own legs leave it.
    fn bring_together(
        &mut self,
        key: CallKey,
        (first, other): (LegId, LegId),
        (second, third): (LegId, LegId),
        now: Duration,
    ) {
        let emptied = self.legs.get(&third).and_then(|leg| leg.call);
        if let Some(emptied) = emptied {
            self.calls.remove(&emptied);
        }
        if let Some(call) = self.calls.get_mut(&key) {
            (call.caller, call.plan) = (other, Plan::Bridged(third));
        }
        if let Some(leg) = self.legs.get_mut(&third) {
            leg.call = Some(key);
        }
        self.let_go(first, now);
        self.join(key);
        // As Asterisk: who hears that it is done ends both calls, and this BYE meets his.
        self.notify(first, StatusCode::OK, now);
        self.hang_up(second, Cause::Normal, now);
    }

    /// The other side goes where the number leads.
    fn send_on(
        &mut self,
        key: &ServerKey,
        request: &Request,
        (call, first, other): (CallKey, LegId, LegId),
        target: &Uri,
        now: Duration,
    ) {
        let number = target.user.as_deref().unwrap_or_default();
        let Some(extension) = self.extension(number) else {
            return self.refuse(key, request, StatusCode::NOT_FOUND, now);
        };
        let user = self.legs.get(&first).map(|leg| leg.user.as_str()).unwrap_or_default();
        if self.is_kept_inside(user, number) {
            return self.refuse(key, request, StatusCode::FORBIDDEN, now);
        }
        self.accept_refer(key, request, now);
        self.notify(first, StatusCode::TRYING, now);
        self.let_go(first, now);
        if let Some(Call { caller, plan, referrer, .. }) = self.calls.get_mut(&call) {
            (*caller, *plan, *referrer) = (other, Plan::Described(extension), Some(first));
        }
        self.begin_plan(call, now);
    }

    /// A leg of nobody's call any more, which its phone will end, or else this side.
    fn let_go(&mut self, id: LegId, now: Duration) {
        self.release(id);
        if let Some(leg) = self.legs.get_mut(&id) {
            (leg.call, leg.leaves_by) = (None, Some(now + PATIENCE));
        }
    }

    fn notify(&mut self, id: LegId, status: StatusCode, now: Duration) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let (mut notify, flow) = (leg.dialog.request(Method::Notify), leg.flow);
        notify.headers.push(HeaderName::EVENT, "refer");
        let state =
            if status.is_final() { "terminated;reason=noresource" } else { "active;expires=600" };
        notify.headers.push(HeaderName::SUBSCRIPTION_STATE, state);
        let line = format!("SIP/2.0 {} {}\r\n", status.code(), status.reason());
        notify.set_body("message/sipfrag;version=2.0", line.into_bytes());
        self.send(notify, flow, now);
    }
}
