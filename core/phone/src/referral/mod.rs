//! A REFER of the other side that is followed: the call that it asks for is made, and whoever asked is told
//! how it goes (RFC 3515, RFC 4488, RFC 5589 §6 and §7).
//!
//! It moves a phone, so it is the administrator's choice ([`ReferPolicy`]) and leads nowhere but to the account's
//! own domain. The subscription that a REFER makes outlives the call that it came in (RFC 5057 §4.2): whoever sends
//! a call on may hang up at once and still wants to know.
//!
//! | module | owns |
//! |---|---|
//! | [`request`] | what a REFER asks for, checked |

mod request;

use crate::call::Call;
use crate::phone::{MAX_CALLS, Phone};
use crate::ua::{GIVE_UP, Owner};
use crate::{CallId, Event, Now, Party, ReferPolicy, TimerReason};
pub(crate) use request::{Refer, is_at_home};
use sidetone_sip::transaction::{ClientKey, ServerKey};
use sidetone_sip::{Dialog, HeaderName, Method, Request, Response, StatusCode};
use std::time::Duration;

/// How long a subscription lasts: longer than the call that is told of may ring.
const EXPIRES: Duration = Duration::from_secs(300);
/// As many calls in a row may each be sent on to the next, so that two servers cannot play ball for ever.
const MOST_HOPS: u8 = 8;
/// The event package (RFC 3515 §3).
const EVENT: &str = "refer";
/// The body of a NOTIFY (RFC 3420).
const FRAGMENT: &str = "message/sipfrag;version=2.0";

/// A REFER that was taken.
#[derive(Debug, Clone)]
pub(crate) struct Referral {
    /// The call that it came in.
    call: CallId,
    /// That call's dialog, once the call is over.
    dialog: Option<Dialog>,
    /// The call that was made.
    new: CallId,
    to: Party,
    /// What names the subscription, from the second of a dialog on (RFC 3515 §2.4.6).
    id: Option<u32>,
    /// How the new call goes; its first final status stays.
    status: StatusCode,
    /// The call that it came in has talked until then, and does so again if the new one fails.
    resumes: bool,
    subscription: Subscription,
    /// The one who asked has heard that the new call is answered, and hangs up until then.
    leaves_by: Option<Duration>,
}

/// What a NOTIFY has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    status: StatusCode,
    /// Nothing comes after it.
    over: bool,
}

/// What the one who asked is told.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Subscription {
    /// News until that time; one NOTIFY at a time, so that none overtakes another.
    On { until: Duration, told: Option<Told>, pending: Option<ClientKey> },
    /// Nothing (more).
    Off,
}

impl Referral {
    fn is_final(&self) -> bool {
        self.status.is_final()
    }

    fn is_notifying_by(&self, key: &ClientKey) -> bool {
        matches!(&self.subscription, Subscription::On { pending: Some(ours), .. } if ours == key)
    }

    /// Whether nothing is left to be told, or to be waited for.
    fn is_done(&self) -> bool {
        let waits = self.leaves_by.is_some() && self.dialog.is_none();
        self.is_final() && self.subscription == Subscription::Off && !waits
    }

    /// Whether a NOTIFY is due, and whether it is the last.
    fn owes(&self, now: Now) -> Option<bool> {
        let Subscription::On { until, told, pending: None } = &self.subscription else {
            return None;
        };
        let over = self.is_final() || *until <= now.boot;
        (*told != Some(Told { status: self.status, over })).then_some(over)
    }

    /// The NOTIFY's own header fields and body.
    fn fill(&self, notify: &mut Request, over: bool, now: Now) {
        let Subscription::On { until, .. } = &self.subscription else { return };
        let event = self.id.map_or_else(|| EVENT.to_owned(), |id| format!("{EVENT};id={id}"));
        let left = until.saturating_sub(now.boot).as_secs();
        let state = match (over, self.is_final()) {
            (true, true) => "terminated;reason=noresource".to_owned(),
            (true, false) => "terminated;reason=timeout".to_owned(),
            (false, _) => format!("active;expires={left}"),
        };
        notify.headers.push(HeaderName::EVENT, event);
        notify.headers.push(HeaderName::SUBSCRIPTION_STATE, state);
        let line = format!("SIP/2.0 {} {}\r\n", self.status.code(), self.status.reason());
        notify.set_body(FRAGMENT, line.into_bytes());
    }

    /// The NOTIFY is on its way; or there is no connection, and it goes on the next that comes in time.
    fn notified(&mut self, key: Option<ClientKey>, over: bool, now: Now) {
        let Subscription::On { until, told, pending } = &mut self.subscription else { return };
        if key.is_some() {
            (*told, *pending) = (Some(Told { status: self.status, over }), key);
        } else if *until <= now.boot {
            self.subscription = Subscription::Off;
        }
    }
}

impl Phone {
    /// REFER inside the dialog of a call.
    pub(crate) fn handle_refer(&mut self, id: CallId, key: &ServerKey, refer: &Request, now: Now) {
        match self.what_follows(id, refer) {
            Ok(asked) => self.follow(id, key, refer, asked, now),
            Err(status) => self.ua.refuse(key, refer, status, now),
        }
    }

    /// What a REFER leads to, where it is followed.
    fn what_follows(&self, id: CallId, refer: &Request) -> Result<Refer, StatusCode> {
        if self.ua.config.refer_policy == ReferPolicy::Refuse {
            // Understood, and refused (RFC 3515 §2.4.2).
            return Err(StatusCode::DECLINE);
        }
        let asked = Refer::of(refer, &self.ua.config.account)?;
        let call = self.calls.iter().find(|call| call.id == id);
        let call = call.filter(|call| call.is_up()).ok_or(StatusCode::DECLINE)?;
        let is_referred = self.referrals.iter().any(|r| r.call == id && !r.is_final());
        if call.is_transferring() || is_referred || call.is_sent_on() {
            return Err(StatusCode::REQUEST_PENDING);
        }
        if call.is_supervision() {
            return Err(StatusCode::DECLINE);
        }
        if call.is_merged() {
            // The others would be left without a word.
            return Err(StatusCode::DECLINE);
        }
        if call.hops() >= MOST_HOPS {
            return Err(StatusCode::TOO_MANY_HOPS);
        }
        if self.calls.len() >= MAX_CALLS {
            return Err(StatusCode::BUSY_HERE);
        }
        Ok(asked)
    }

    fn follow(&mut self, id: CallId, key: &ServerKey, refer: &Request, asked: Refer, now: Now) {
        let new = CallId(self.ua.uuid());
        let Some((call, ua)) = self.call_and_ua(id) else { return };
        let mut response = refer.response(StatusCode::ACCEPTED, call.local_tag());
        if !asked.subscribes {
            response.headers.set(HeaderName::REFER_SUB, "false");
        }
        ua.respond(key, response, now);
        let to = Party { name: None, uri: asked.to.to_string() };
        let sequence = refer.headers.cseq().ok().map(|cseq| cseq.sequence);
        let subscription = match asked.subscribes {
            true => Subscription::On { until: now.boot + EXPIRES, told: None, pending: None },
            false => Subscription::Off,
        };
        let resumes = call.is_talked_in();
        let is_second = call.send_on(to.uri.clone());
        ua.tell(Event::Referred { call: id, new, to: to.clone() });
        let made = Call::referred(new, asked, call, ua, now);
        self.calls.push(made);
        self.referrals.push(Referral {
            call: id,
            dialog: None,
            new,
            to,
            id: sequence.filter(|_| is_second),
            status: StatusCode::TRYING,
            resumes,
            subscription,
            leaves_by: None,
        });
        if resumes {
            self.focus_on(new, now);
        }
    }

    /// After each step: how the calls go that were asked for, and who is to be told.
    pub(crate) fn settle_referrals(&mut self, now: Now) {
        for at in 0..self.referrals.len() {
            self.look_after(at, now);
            self.notify_referrer(at, now);
        }
        self.referrals.retain(|referral| !referral.is_done());
    }

    fn look_after(&mut self, at: usize, now: Now) {
        let Some(referral) = self.referrals.get_mut(at) else { return };
        let (id, resumes) = (referral.call, referral.resumes);
        let before = self.calls.iter().find(|call| call.id == id);
        if before.is_none_or(Call::is_over) && referral.dialog.is_none() {
            referral.dialog = before.and_then(|call| call.dialog()).cloned();
            if referral.dialog.is_none() {
                referral.subscription = Subscription::Off;
                referral.leaves_by = None;
            }
        }
        if referral.is_final() {
            return;
        }
        let made = self.calls.iter().find(|call| call.id == referral.new);
        let status = made.map_or(StatusCode::REQUEST_TERMINATED, Call::status_for_referrer);
        referral.status = status;
        if status.is_success() {
            referral.leaves_by = Some(now.boot + GIVE_UP);
        } else if status.is_final() {
            let reason = made.and_then(Call::why).unwrap_or_else(|| status.to_string());
            let (call, new, to) = (id, referral.new, referral.to.clone());
            self.ua.tell(Event::ReferralFailed { call, new, to, reason });
            self.with_call(id, |call, _| call.not_sent_on());
            // Nobody asked for the hold that the new call brought.
            let talks = self.calls.iter().any(|call| call.id != new && call.has_focus());
            if resumes && !talks {
                let _ = self.hold(id, false, now);
            }
        }
    }

    fn notify_referrer(&mut self, at: usize, now: Now) {
        let Self { referrals, calls, ua, .. } = self;
        let Some(referral) = referrals.get_mut(at) else { return };
        let Some(over) = referral.owes(now) else { return };
        let notify = |request: &mut Request| referral.fill(request, over, now);
        let key = match &referral.dialog {
            Some(dialog) => {
                let mut after = dialog.clone();
                let mut request = after.request(Method::Notify);
                notify(&mut request);
                let key = ua.send(request, Owner::Referral, now);
                if key.is_some() {
                    referral.dialog = Some(after);
                }
                key
            }
            None => {
                let call = calls.iter_mut().find(|call| call.id == referral.call);
                call.and_then(|call| call.send_notify(notify, ua, now))
            }
        };
        referral.notified(key, over, now);
    }

    /// A response to a NOTIFY; none: it got none.
    pub(crate) fn handle_notify_response(
        &mut self,
        key: &ClientKey,
        response: Option<&Response>,
        now: Now,
    ) {
        if response.is_some_and(|response| response.status.is_provisional()) {
            return;
        }
        let sent = self.ua.take_sent(key);
        let Some(at) = self.referrals.iter().position(|r| r.is_notifying_by(key)) else { return };
        let challenge = [StatusCode::UNAUTHORIZED, StatusCode::PROXY_AUTHENTICATION_REQUIRED];
        let status = response.map(|response| response.status);
        let again = match (sent, response) {
            (Some(sent), Some(response)) if challenge.contains(&response.status) => {
                self.ua.authenticate(sent, response, now).ok().flatten()
            }
            _ => None,
        };
        let referral = &mut self.referrals[at];
        let Subscription::On { told, pending, .. } = &mut referral.subscription else { return };
        let Some((again, sequence)) = again else {
            *pending = None;
            // RFC 6665 §4.2.2: whoever does not take a NOTIFY has no subscription any more.
            let was_last = told.is_some_and(|told| told.over);
            if was_last || !status.is_some_and(StatusCode::is_success) {
                referral.subscription = Subscription::Off;
            }
            return;
        };
        *pending = Some(again);
        match (&mut referral.dialog, referral.call) {
            (Some(dialog), _) => dialog.local_sequence = dialog.local_sequence.max(sequence),
            (None, id) => self.with_call(id, |call, _| call.count_to(sequence)),
        }
    }

    /// A NOTIFY went down with its flow: it goes again on the next.
    pub(crate) fn notify_lost(&mut self, key: &ClientKey) {
        self.ua.take_sent(key);
        for referral in self.referrals.iter_mut().filter(|r| r.is_notifying_by(key)) {
            if let Subscription::On { told, pending, .. } = &mut referral.subscription {
                (*told, *pending) = (None, None);
            }
        }
    }

    /// SUBSCRIBE: nothing but the news of a REFER can be asked for, longer or no more, in its dialog
    /// (RFC 3515 §2.4.4, RFC 6665 §4.2.1).
    pub(crate) fn handle_subscribe(&mut self, key: &ServerKey, request: &Request, now: Now) {
        let tag = self.ua.token();
        let response = self.subscribe(request, now).unwrap_or_else(|status| {
            let mut refusal = request.response(status, Some(&tag));
            if status == StatusCode::BAD_EVENT {
                refusal.headers.set(HeaderName::ALLOW_EVENTS, EVENT);
            }
            refusal
        });
        self.ua.respond(key, response, now);
    }

    fn subscribe(&mut self, request: &Request, now: Now) -> Result<Response, StatusCode> {
        let event = request.headers.get(&HeaderName::EVENT).unwrap_or_default();
        let mut parts = event.split(';').map(str::trim);
        if !parts.next().unwrap_or_default().eq_ignore_ascii_case(EVENT) {
            return Err(StatusCode::BAD_EVENT);
        }
        // Only a REFER makes one (RFC 3515 §2.4.4).
        let id = Dialog::id_of(request).ok_or(StatusCode::FORBIDDEN)?;
        let named = parts.find_map(|part| part.strip_prefix("id=")?.parse::<u32>().ok());
        let Self { referrals, calls, .. } = self;
        let ours = |r: &&mut Referral| {
            let call = calls.iter().find(|call| call.id == r.call);
            let dialog = r.dialog.as_ref().or(call.and_then(|call| call.dialog()));
            let is_named = named.is_none() || named == r.id;
            is_named && r.subscription != Subscription::Off && dialog.is_some_and(|d| d.id == id)
        };
        let referral = referrals.iter_mut().find(ours).ok_or(StatusCode::CALL_DOES_NOT_EXIST)?;
        match &mut referral.dialog {
            Some(dialog) => {
                dialog.handle_request(request).map_err(|_| StatusCode::SERVER_INTERNAL_ERROR)?;
            }
            None => {
                let call = calls.iter_mut().find(|call| call.id == referral.call);
                call.ok_or(StatusCode::CALL_DOES_NOT_EXIST)?.take_request(request)?;
            }
        }
        let wanted = request.headers.number(&HeaderName::EXPIRES).map(u64::from);
        let expires = wanted.map_or(EXPIRES, Duration::from_secs).min(EXPIRES);
        if let Subscription::On { until, told, .. } = &mut referral.subscription {
            // A NOTIFY follows each SUBSCRIBE (RFC 6665 §4.2.1.2).
            (*until, *told) = (now.boot + expires, None);
        }
        let mut response = request.response(StatusCode::OK, None);
        response.headers.set(HeaderName::EXPIRES, expires.as_secs().to_string());
        Ok(response)
    }

    pub(crate) fn referral_timeout(&self) -> Option<(Duration, TimerReason)> {
        let times = self.referrals.iter().flat_map(|referral| {
            let until = match &referral.subscription {
                Subscription::On { until, pending: None, .. } => Some(*until),
                Subscription::On { .. } | Subscription::Off => None,
            };
            until.into_iter().chain(referral.leaves_by.filter(|_| referral.dialog.is_none()))
        });
        times.min().map(|at| (at, TimerReason::Subscription))
    }

    /// Whoever has sent this phone on and does not hang up is hung up, unless the user has gone back to him.
    pub(crate) fn handle_referral_timeout(&mut self, now: Now) {
        for at in 0..self.referrals.len() {
            let referral = &mut self.referrals[at];
            if referral.leaves_by.take_if(|at| *at <= now.boot).is_none() {
                continue;
            }
            let (id, new) = (referral.call, referral.new);
            let went = self.calls.iter().any(|call| call.id == new && call.is_up());
            self.with_call(id, |call, ua| {
                let stays = call.is_merged() || call.is_transferring() || call.is_talked_in();
                match went && !stays {
                    true => call.leave_to_new(ua, now),
                    false => call.not_sent_on(),
                }
            });
        }
    }

    /// There will be no connection to tell anything on.
    pub(crate) fn forget_referrals(&mut self) {
        self.referrals.clear();
    }
}
