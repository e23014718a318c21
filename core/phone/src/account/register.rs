//! REGISTER: what is bound, for how long, and what the server's answer says of it (RFC 3261 §10;
//! RFC 5626 §4.2).
//!
//! **One binding is left.** A flow that dies leaves its binding behind, and calls sent to it are
//! lost. Servers of RFC 5626 replace it by instance and reg-id, and those that keep our Contact as
//! it is replace it because our Contact is the same on every flow. Asterisk does neither: it binds
//! the source address of the flow in place of the host of the *first* Contact, so each flow makes a
//! binding of its own. In its answer it may show either that or our own host again, but Via tells the
//! address (`received` and `rport`, RFC 3581). Therefore what names the binding, as listed and by
//! address, is remembered beyond the process and goes into the next flow's first REGISTER as further
//! Contacts with `expires=0`: those are matched as they stand, and removed in the same request. A
//! Contact that is not bound is nothing to a registrar.
//!
//! **Which listed binding is ours** is told, surest first: by the instance; by our own host; by the
//! flow's address; by being the only one. Where none applies nothing is taken from the list: a
//! binding of another phone of this user must never be removed.

use super::{Account, Binding, FlowChange, Wish, flow::LONG_PAUSE};
use crate::text::clip;
use crate::ua::{Owner, Ua, after};
use crate::{Now, RegistrationProblem, RegistrationState};
use sidetone_sip::digest::DigestError;
use sidetone_sip::message::{Host, Scheme};
use sidetone_sip::transaction::ClientKey;
use sidetone_sip::{
    ContactHeader, HeaderName, Method, NameAddr, Request, Response, StatusCode, Uri,
};
use std::time::Duration;

/// The shortest and longest registration that is believed.
const GRANTED: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(86_400));
/// A refresh leaves this much for its answer, where the registration is long enough.
const MARGIN: Duration = Duration::from_secs(10);
/// How often in a row a server may ask for a longer registration.
const LENGTHENED: u8 = 3;
/// The longest name of a binding that is remembered.
const LONGEST_NAME: usize = 1280;
/// The most routes of a Service-Route.
const MOST_ROUTES: usize = 8;
/// The longest Retry-After that is honoured.
const RETRY_AFTER_CAP: Duration = Duration::from_secs(600);

impl Account {
    /// Sends a REGISTER on the flow that is up: for our time, or for none when signing out.
    pub(super) fn register(&mut self, ua: &mut Ua, now: Now) {
        if let Some(key) = self.pending.take() {
            ua.take_sent(&key);
        }
        let leaving = matches!(self.wish, Wish::Leaving { .. });
        self.sequence = after(self.sequence);
        let request = self.build(leaving, ua);
        self.pending = ua.send(request, Owner::Account, now);
    }

    fn build(&mut self, leaving: bool, ua: &mut Ua) -> Request {
        let tag = ua.token();
        let mut request = Request::new(Method::Register, Uri::sip("", &ua.domain()));
        let mut contact = ua.contact.clone();
        self.push_params(&mut contact.uri);
        contact.params.set("+sip.instance", &format!("<{}>", ua.config.instance.urn()));
        contact.params.set("reg-id", "1");
        let expires = if leaving { 0 } else { self.expires.as_secs() };
        contact.params.set("expires", &expires.to_string());
        let address = ua.address();
        let headers = &mut request.headers;
        headers.push(HeaderName::MAX_FORWARDS, "70");
        headers.push(HeaderName::FROM, address.clone().with_tag(&tag).to_string());
        headers.push(HeaderName::TO, address.to_string());
        headers.push(HeaderName::CALL_ID, self.call_id.as_str());
        headers.push(HeaderName::CSEQ, format!("{} REGISTER", self.sequence));
        headers.push(HeaderName::CONTACT, contact.to_string());
        // What was bound on this flow is the very binding that is refreshed.
        let stale = self.bound_on != self.link.flow();
        let ours = |old: &str| Uri::parse(old).is_ok_and(|old| old.matches(&ua.contact.uri));
        self.removing = false;
        for old in self.bound.iter().filter(|old| stale && !ours(old)) {
            headers.push(HeaderName::CONTACT, format!("<{old}>;expires=0"));
            self.removing = true;
        }
        request
    }

    /// A response to our REGISTER.
    pub(crate) fn handle_response(
        &mut self,
        key: &ClientKey,
        response: &Response,
        ua: &mut Ua,
        now: Now,
    ) -> FlowChange {
        if self.pending.as_ref() != Some(key) || response.status.is_provisional() {
            return FlowChange::None;
        }
        let change = self.answered(key, response, ua, now);
        self.register_answered(now);
        change
    }

    fn answered(
        &mut self,
        key: &ClientKey,
        response: &Response,
        ua: &mut Ua,
        now: Now,
    ) -> FlowChange {
        self.pending = None;
        let sent = ua.take_sent(key);
        let challenge = [StatusCode::UNAUTHORIZED, StatusCode::PROXY_AUTHENTICATION_REQUIRED];
        if let Some(sent) = sent.filter(|_| challenge.contains(&response.status)) {
            return match ua.authenticate(sent, response, now) {
                Ok(again) => {
                    if let Some((key, sequence)) = again {
                        self.sequence = sequence;
                        self.pending = Some(key);
                    }
                    FlowChange::None
                }
                Err(_) if self.wish != Wish::In => self.leave(ua, now),
                Err(error) => self.fail(problem_of(error, response), ua, now),
            };
        }
        ua.digest.handle_response(&response.headers);
        if self.wish != Wish::In {
            if response.status.is_success() {
                self.bound.clear();
            }
            return self.leave(ua, now);
        }
        match response.status.code() {
            200..=299 => self.granted(response, ua, now),
            423 => self.too_brief(response, ua, now),
            555 if self.push.token.is_some() && !self.without_push => {
                self.push_not_served(response, ua, now)
            }
            408 | 480 | 500..=699 => self.refused_for_now(response, ua, now),
            _ => self.fail(refused(response), ua, now),
        }
    }

    /// No response came: the flow is dead.
    pub(crate) fn handle_no_response(
        &mut self,
        key: &ClientKey,
        ua: &mut Ua,
        now: Now,
    ) -> FlowChange {
        ua.take_sent(key);
        if self.pending.as_ref() != Some(key) {
            return FlowChange::None;
        }
        self.pending = None;
        match self.wish {
            Wish::In => self.give_up_flow(ua, now),
            Wish::Out | Wish::Leaving { .. } | Wish::Asleep => self.leave(ua, now),
        }
    }

    fn granted(&mut self, response: &Response, ua: &mut Ua, now: Now) -> FlowChange {
        let ours = find_ours(response, ua);
        let header = response.headers.number(&HeaderName::EXPIRES);
        let seconds = ours.as_ref().and_then(|contact| contact.params.number("expires"));
        let granted = seconds.or(header).map_or(self.expires, |s| Duration::from_secs(s.into()));
        let granted = granted.clamp(GRANTED.0, GRANTED.1);
        self.forgive();
        self.lengthened = 0;
        self.retry_at = None;
        self.flow_timer = response
            .headers
            .number(&HeaderName::FLOW_TIMER)
            .filter(|s| *s > 0)
            .map(|s| Duration::from_secs(s.into()));
        ua.service_route = service_route(response);
        let found = ours.is_some();
        self.bound = bound_as(ours, response, ua);
        self.bound_on = self.link.flow();
        let latest = granted.saturating_sub(MARGIN).max(granted / 2);
        let refresh = ua.between(granted.mul_f64(0.85), granted.mul_f64(0.9)).min(latest);
        self.binding =
            Some(Binding { refresh_at: now.boot + refresh, expires_at: now.boot + granted });
        self.set_lamp(RegistrationState::Registered, self.push_problem.clone(), ua, now);
        self.registered_for_push(response, ua, now);
        if std::mem::take(&mut self.removing) && !found {
            // The new flow has the very address of the old one: we removed what we had just bound.
            self.register(ua, now);
        }
        FlowChange::None
    }

    fn too_brief(&mut self, response: &Response, ua: &mut Ua, now: Now) -> FlowChange {
        let least = response.headers.number(&HeaderName::MIN_EXPIRES).map(u64::from);
        let least = least.map(Duration::from_secs).filter(|t| *t > self.expires && *t <= GRANTED.1);
        let least = least.filter(|_| self.lengthened < LENGTHENED);
        let Some(least) = least else { return self.fail(refused(response), ua, now) };
        self.lengthened += 1;
        self.expires = least;
        self.register(ua, now);
        FlowChange::None
    }

    /// Overload or a fault of the server: the next server, or this one later.
    fn refused_for_now(&mut self, response: &Response, ua: &mut Ua, now: Now) -> FlowChange {
        self.set_lamp(RegistrationState::Failed, Some(refused(response)), ua, now);
        let lost = if ua.config.servers.len() > 1 {
            self.server = (self.server + 1) % ua.config.servers.len();
            self.close(ua)
        } else {
            None
        };
        match retry_after(response) {
            Some(wait) => {
                // Not earlier than asked, and not all phones at once.
                let spread = ua.between(Duration::ZERO, wait / 10 + Duration::from_secs(1));
                self.retry_at = Some(now.boot + wait + spread);
            }
            None => self.wait(ua, now),
        }
        self.put_off_refresh();
        lost.map_or(FlowChange::None, FlowChange::Lost)
    }

    /// The server says no, and asking again will not change that soon.
    fn fail(&mut self, problem: RegistrationProblem, ua: &mut Ua, now: Now) -> FlowChange {
        self.binding = None;
        self.lengthened = 0;
        self.set_lamp(RegistrationState::Failed, Some(problem), ua, now);
        self.pause(LONG_PAUSE, ua, now);
        FlowChange::None
    }

    /// A refresh that fails leaves the binding as it was, good until it expires; but the retry that
    /// waits is the next REGISTER.
    fn put_off_refresh(&mut self) {
        if let (Some(binding), Some(retry_at)) = (&mut self.binding, self.retry_at) {
            binding.refresh_at = binding.refresh_at.max(retry_at);
        }
    }
}

/// Our binding among those that the server lists: see the module's comment.
fn find_ours(response: &Response, ua: &Ua) -> Option<NameAddr> {
    let listed = contacts(response);
    let instance = format!("<{}>", ua.config.instance.urn());
    let ours = &ua.contact.uri;
    let seen = source(response);
    let by_instance = |c: &&NameAddr| {
        c.params.get("+sip.instance").is_some_and(|i| i.eq_ignore_ascii_case(&instance))
    };
    let by_host = |c: &&NameAddr| c.uri.host == ours.host;
    let by_source = |c: &&NameAddr| {
        seen.as_ref().is_some_and(|(host, port)| {
            c.uri.host.as_ref() == Some(host)
                && c.uri.port == Some(*port)
                && c.uri.user == ours.user
        })
    };
    let found = listed.iter().find(by_instance);
    let found = found.or_else(|| listed.iter().find(by_host));
    let found = found.or_else(|| listed.iter().find(by_source));
    match (found, listed.as_slice()) {
        (Some(contact), _) | (None, [contact]) => Some(contact.clone()),
        (None, _) => None,
    }
}

fn contacts(response: &Response) -> Vec<NameAddr> {
    let contacts = response.headers.contacts().unwrap_or_default().into_iter();
    let address = |contact| match contact {
        ContactHeader::Address(address) => Some(address),
        ContactHeader::Star => None,
    };
    contacts.filter_map(address).collect()
}

/// What names our binding at the server, for its removal: as it is listed, and by the flow's address.
fn bound_as(listed: Option<NameAddr>, response: &Response, ua: &Ua) -> Vec<String> {
    let ours = &ua.contact.uri;
    let source = source(response).map(|(host, port)| Uri {
        host: Some(host),
        port: Some(port),
        ..ours.clone()
    });
    let mut names: Vec<String> =
        listed.into_iter().map(|contact| contact.uri.to_string()).collect();
    names.extend(source.map(|uri| uri.to_string()));
    names.dedup();
    names.retain(|name| name.len() <= LONGEST_NAME && !name.contains(' '));
    names
}

/// The flow's address as the server sees it (RFC 3581 §4).
fn source(response: &Response) -> Option<(Host, u16)> {
    let via = response.headers.via().ok()?;
    Some((Host::new(&via.received()?.to_string()), via.rport()?))
}

/// The routes that requests of ours go by from now on (RFC 3608 §5.1): loose ones, and not too many; else
/// none.
fn service_route(response: &Response) -> Vec<NameAddr> {
    let routes = response.headers.addresses(&HeaderName::SERVICE_ROUTE).unwrap_or_default();
    let usable = |route: &NameAddr| {
        let sip = matches!(route.uri.scheme, Scheme::Sip | Scheme::Sips);
        sip && route.uri.host.is_some() && route.uri.params.has("lr")
    };
    if routes.len() > MOST_ROUTES || !routes.iter().all(usable) {
        log::warn!("the server's Service-Route is not one, and not used");
        return Vec::new();
    }
    routes
}

fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers.get(&HeaderName::RETRY_AFTER)?;
    let digits: String = value.trim().chars().take_while(char::is_ascii_digit).collect();
    Some(Duration::from_secs(digits.parse().ok()?).min(RETRY_AFTER_CAP))
}

fn refused(response: &Response) -> RegistrationProblem {
    let phrase = match response.reason.as_str() {
        "" => response.status.reason(),
        phrase => phrase,
    };
    let reason = clip(phrase, 256);
    RegistrationProblem::Refused { status: response.status.code(), reason }
}

fn problem_of(error: DigestError, response: &Response) -> RegistrationProblem {
    match error {
        DigestError::Refused => RegistrationProblem::WrongCredentials,
        DigestError::Unsupported(offered) => {
            RegistrationProblem::AuthenticationUnsupported(clip(&offered, 256))
        }
        DigestError::NoChallenge | DigestError::ForeignRealm(_) => refused(response),
    }
}
