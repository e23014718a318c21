//! One subscription to an event package: asked for, refreshed, ended by either side (RFC 6665).
//!
//! It knows nothing of what is notified: whoever owns it gets the bodies in their order.

use crate::ua::{GIVE_UP, Owner, Ua, after};
use crate::{Now, TimerReason};
use sidetone_sip::transaction::{ClientKey, ServerKey};
use sidetone_sip::{Dialog, DialogId, HeaderName, Method, NameAddr, Request, Response};
use sidetone_sip::{StatusCode, Uri};
use std::time::Duration;

/// The shortest and longest subscription that is believed.
const GRANTED: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(86_400));
/// What is asked for.
const EXPIRES: Duration = Duration::from_secs(3600);
/// Another try after a failure that passes, and the longest Retry-After that is honoured.
const AGAIN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));
/// How often in a row a server may ask for a longer subscription.
const LENGTHENED: u8 = 3;

/// An event package, and what is read of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Package {
    /// Event.
    pub(crate) event: &'static str,
    /// Accept.
    pub(crate) accept: &'static str,
}

/// Where a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// None is wanted.
    Off,
    /// Asked for; the first NOTIFY must come until then (RFC 6665 §4.1.2.4 timer N).
    Asked(Duration),
    /// It stands: refreshed then, over then.
    On { refresh: Duration, over: Duration },
    /// Asked for again at this time.
    Waiting(Duration),
    /// The server has none, and will not have: nothing more is asked for on this registration.
    Refused,
    /// Taken back; the last NOTIFY is waited for until then.
    Leaving(Duration),
}

/// A subscription.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    package: Package,
    state: State,
    /// Call-ID and our tag, from the first SUBSCRIBE on.
    identity: Option<(String, String)>,
    dialog: Option<Dialog>,
    pending: Option<ClientKey>,
    sequence: u32,
    expires: Duration,
    lengthened: u8,
}

/// What came of a NOTIFY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notified {
    /// Not of this subscription.
    NotOurs,
    /// Answered with a refusal: nothing of it counts.
    Refused,
    /// Its body is the news.
    News,
}

/// Whether a NOTIFY is of this event package, whatever its parameters (RFC 6665 §8.2.1).
pub(crate) fn is_of_package(notify: &Request, package: &str) -> bool {
    let event = notify.headers.get(&HeaderName::EVENT).unwrap_or_default();
    event.split(';').next().map(str::trim) == Some(package)
}

impl Subscription {
    /// None yet.
    pub(crate) fn new(package: Package) -> Self {
        Self {
            package,
            state: State::Off,
            identity: None,
            dialog: None,
            pending: None,
            sequence: 0,
            expires: EXPIRES,
            lengthened: 0,
        }
    }

    /// Whether it stands, so that what was notified last is the truth.
    pub(crate) fn is_on(&self) -> bool {
        matches!(self.state, State::On { .. })
    }

    /// The account is registered anew, or for the first time: asks for it where it does not stand.
    pub(crate) fn want(&mut self, to: &Uri, ua: &mut Ua, now: Now) {
        match self.state {
            State::Off => self.subscribe(to, ua, now),
            State::Asked(_) | State::On { .. } | State::Waiting(_) => {}
            State::Refused | State::Leaving(_) => {}
        }
    }

    /// Forgets it: the connection, and with it what the server could notify on, is gone. It is asked
    /// for again on the next.
    pub(crate) fn forget(&mut self, ua: &mut Ua) {
        if let Some(key) = self.pending.take() {
            ua.take_sent(&key);
        }
        *self = Self::new(self.package);
    }

    /// Takes it back (RFC 6665 §4.1.2.3).
    pub(crate) fn leave(&mut self, ua: &mut Ua, now: Now) {
        if !matches!(self.state, State::On { .. } | State::Asked(_)) || self.dialog.is_none() {
            return self.forget(ua);
        }
        self.send_inside(Duration::ZERO, ua, now);
        self.state = State::Leaving(now.boot + GIVE_UP);
    }

    pub(crate) fn poll_timeout(&self) -> Option<(Duration, TimerReason)> {
        let at = match self.state {
            State::Off | State::Refused => return None,
            State::Asked(at) | State::Waiting(at) | State::Leaving(at) => at,
            State::On { refresh, over } if self.pending.is_none() => refresh.min(over),
            State::On { over, .. } => over,
        };
        Some((at, TimerReason::Subscription))
    }

    pub(crate) fn handle_timeout(&mut self, to: &Uri, ua: &mut Ua, now: Now) {
        if self.poll_timeout().is_none_or(|(at, _)| at > now.boot) {
            return;
        }
        match self.state {
            State::Off | State::Refused => {}
            State::Leaving(_) => self.forget(ua),
            State::Waiting(_) => self.subscribe(to, ua, now),
            State::Asked(_) => self.again_in(AGAIN.0, ua, now),
            State::On { over, .. } if over <= now.boot => self.again_in(Duration::ZERO, ua, now),
            State::On { .. } => self.send_inside(self.expires, ua, now),
        }
    }

    /// A response to a SUBSCRIBE; none: it got none.
    pub(crate) fn handle_response(
        &mut self,
        key: &ClientKey,
        response: Option<&Response>,
        to: &Uri,
        ua: &mut Ua,
        now: Now,
    ) {
        if self.pending.as_ref() != Some(key) || response.is_some_and(|r| r.status.is_provisional())
        {
            return;
        }
        self.pending = None;
        let sent = ua.take_sent(key);
        let Some(response) = response else { return self.failed(AGAIN.0, ua, now) };
        let challenge = [StatusCode::UNAUTHORIZED, StatusCode::PROXY_AUTHENTICATION_REQUIRED];
        if let Some(sent) = sent.filter(|_| challenge.contains(&response.status)) {
            match ua.authenticate(sent, response, now) {
                Ok(Some((key, sequence))) => {
                    self.pending = Some(key);
                    self.count_to(sequence);
                }
                Ok(None) => {}
                Err(_) => self.refused(ua),
            }
            return;
        }
        let wait = retry_after(response).unwrap_or(AGAIN.0);
        match response.status.code() {
            200..=299 => self.granted(response, now),
            423 => self.too_brief(response, to, ua, now),
            // The dialog is gone there, not the event.
            481 if self.dialog.is_some() => self.again_in(Duration::ZERO, ua, now),
            408 | 480 | 500..=599 => self.failed(wait, ua, now),
            _ => self.refused(ua),
        }
    }

    /// A NOTIFY: taken where it is of this subscription and in its turn (RFC 6665 §4.1.3).
    pub(crate) fn handle_notify(
        &mut self,
        key: &ServerKey,
        notify: &Request,
        ua: &mut Ua,
        now: Now,
    ) -> Notified {
        let Some(id) = Dialog::id_of(notify).filter(|id| self.is_of(id)) else {
            return Notified::NotOurs;
        };
        if !is_of_package(notify, self.package.event) {
            ua.refuse(key, notify, StatusCode::BAD_EVENT, now);
            return Notified::Refused;
        }
        // Another NOTIFY may have made the dialog of a fork; one is kept.
        let taken = match &mut self.dialog {
            Some(dialog) if dialog.id == id => dialog.handle_request(notify).is_ok(),
            Some(_) => {
                ua.refuse(key, notify, StatusCode::CALL_DOES_NOT_EXIST, now);
                return Notified::Refused;
            }
            None => {
                self.dialog = self.dialog_of(notify, &id);
                self.dialog.is_some()
            }
        };
        if !taken {
            ua.refuse(key, notify, StatusCode::SERVER_INTERNAL_ERROR, now);
            return Notified::Refused;
        }
        ua.respond(key, notify.response(StatusCode::OK, None), now);
        self.told(&SubscriptionState::of(notify), ua, now);
        Notified::News
    }

    fn told(&mut self, state: &SubscriptionState, ua: &mut Ua, now: Now) {
        match (state, self.state) {
            (SubscriptionState::Terminated { .. }, State::Leaving(_)) => self.forget(ua),
            (SubscriptionState::Terminated { reason, wait }, _) => {
                // RFC 6665 §4.1.3, table of reasons.
                match reason.as_deref() {
                    Some("rejected" | "noresource" | "invariant") => self.refused(ua),
                    Some("deactivated" | "timeout") => self.again_in(Duration::ZERO, ua, now),
                    Some(_) | None => self.again_in(wait.unwrap_or(AGAIN.0), ua, now),
                }
            }
            (SubscriptionState::Lasts(_), State::Leaving(_)) => {}
            (SubscriptionState::Lasts(expires), _) => {
                let expires = expires.unwrap_or(self.expires);
                self.stands(expires, now);
            }
        }
    }

    fn granted(&mut self, response: &Response, now: Now) {
        self.lengthened = 0;
        if let State::Leaving(_) = self.state {
            return;
        }
        let seconds = response.headers.number(&HeaderName::EXPIRES).map(u64::from);
        let expires = seconds.map_or(self.expires, Duration::from_secs);
        // The first NOTIFY makes it stand; a refresh needs none.
        if self.dialog.is_some() && matches!(self.state, State::On { .. }) {
            self.stands(expires, now);
        }
    }

    fn stands(&mut self, expires: Duration, now: Now) {
        let expires = expires.clamp(GRANTED.0, GRANTED.1);
        let over = now.boot + expires;
        self.state = State::On { refresh: now.boot + expires.mul_f64(0.9), over };
    }

    fn too_brief(&mut self, response: &Response, to: &Uri, ua: &mut Ua, now: Now) {
        let least = response.headers.number(&HeaderName::MIN_EXPIRES).map(u64::from);
        let least = least.map(Duration::from_secs).filter(|t| *t > self.expires && *t <= GRANTED.1);
        match least.filter(|_| self.lengthened < LENGTHENED) {
            Some(least) => {
                self.lengthened += 1;
                self.expires = least;
                if self.dialog.is_some() {
                    self.send_inside(least, ua, now);
                } else {
                    self.subscribe(to, ua, now);
                }
            }
            None => self.refused(ua),
        }
    }

    /// What stands stands until it is over (RFC 6665 §4.1.2.2); what does not is asked for again.
    fn failed(&mut self, wait: Duration, ua: &mut Ua, now: Now) {
        match &mut self.state {
            State::On { refresh, .. } => *refresh = now.boot + wait,
            State::Leaving(_) => self.forget(ua),
            State::Off | State::Asked(_) | State::Waiting(_) | State::Refused => {
                self.again_in(wait, ua, now);
            }
        }
    }

    fn again_in(&mut self, wait: Duration, ua: &mut Ua, now: Now) {
        self.forget(ua);
        let wait = wait.min(AGAIN.1);
        // Not all phones of a server that restarts at once.
        let spread = ua.between(Duration::from_secs(1), Duration::from_secs(3) + wait / 10);
        self.state = State::Waiting(now.boot + wait + spread);
    }

    fn refused(&mut self, ua: &mut Ua) {
        log::info!("the server has no {} for this account", self.package.event);
        self.forget(ua);
        self.state = State::Refused;
    }

    /// The first SUBSCRIBE, outside every dialog.
    fn subscribe(&mut self, to: &Uri, ua: &mut Ua, now: Now) {
        let mut request = Request::new(Method::Subscribe, to.clone());
        let (call_id, tag) = match self.identity.take() {
            Some(identity) => identity,
            None => (ua.call_id_header(), ua.token()),
        };
        self.sequence = after(self.sequence);
        let headers = &mut request.headers;
        headers.push(HeaderName::MAX_FORWARDS, "70");
        headers.push(HeaderName::FROM, ua.address().with_tag(&tag).to_string());
        headers.push(HeaderName::TO, NameAddr::new(to.clone()).to_string());
        headers.push(HeaderName::CALL_ID, call_id.as_str());
        headers.push(HeaderName::CSEQ, format!("{} SUBSCRIBE", self.sequence));
        self.identity = Some((call_id, tag));
        self.finish(&mut request, self.expires);
        self.pending = ua.send(request, Owner::Mailbox, now);
        self.state = State::Asked(now.boot + GIVE_UP);
    }

    fn send_inside(&mut self, expires: Duration, ua: &mut Ua, now: Now) {
        let Some(dialog) = &mut self.dialog else { return };
        let mut request = dialog.request(Method::Subscribe);
        self.finish(&mut request, expires);
        self.pending = ua.send(request, Owner::Mailbox, now);
    }

    fn finish(&self, request: &mut Request, expires: Duration) {
        request.headers.push(HeaderName::EVENT, self.package.event);
        request.headers.push(HeaderName::ACCEPT, self.package.accept);
        request.headers.push(HeaderName::EXPIRES, expires.as_secs().to_string());
    }

    fn count_to(&mut self, sequence: u32) {
        self.sequence = self.sequence.max(sequence);
        if let Some(dialog) = &mut self.dialog {
            dialog.local_sequence = dialog.local_sequence.max(sequence);
        }
    }

    fn is_of(&self, id: &DialogId) -> bool {
        let ours =
            |(call_id, tag): &(String, String)| *call_id == id.call_id && *tag == id.local_tag;
        self.identity.as_ref().is_some_and(ours)
    }

    /// The dialog that the first NOTIFY makes, which may come before the 2xx (RFC 6665 §4.1.2.4).
    fn dialog_of(&self, notify: &Request, id: &DialogId) -> Option<Dialog> {
        let headers = &notify.headers;
        Some(Dialog {
            id: id.clone(),
            local: headers.to().ok()?,
            remote: headers.from().ok()?,
            remote_target: headers.contact_uri().ok()?,
            route_set: headers.addresses(&HeaderName::RECORD_ROUTE).ok()?,
            local_sequence: self.sequence,
            remote_sequence: Some(headers.cseq().ok()?.sequence),
        })
    }
}

/// Subscription-State (RFC 6665 §8.2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
enum SubscriptionState {
    /// Active or pending, for this long where it is said.
    Lasts(Option<Duration>),
    /// Over.
    Terminated {
        /// Why.
        reason: Option<String>,
        /// When to ask again.
        wait: Option<Duration>,
    },
}

impl SubscriptionState {
    fn of(notify: &Request) -> Self {
        let value = notify.headers.get(&HeaderName::SUBSCRIPTION_STATE).unwrap_or_default();
        let mut parts = value.split(';').map(str::trim);
        let state = parts.next().unwrap_or_default().to_ascii_lowercase();
        let params: Vec<(String, &str)> = parts
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
            .collect();
        let get = |name: &str| params.iter().find(|(n, _)| n == name).map(|(_, value)| *value);
        let seconds = |name: &str| get(name)?.parse().ok().map(Duration::from_secs);
        if state == "terminated" {
            let reason = get("reason").map(str::to_ascii_lowercase);
            return Self::Terminated { reason, wait: seconds("retry-after") };
        }
        Self::Lasts(seconds("expires"))
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers.number(&HeaderName::RETRY_AFTER)?;
    Some(Duration::from_secs(seconds.into()).min(AGAIN.1))
}
