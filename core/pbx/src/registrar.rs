//! Bindings of users to flows (RFC 3261 §10.3), kept as Asterisk keeps them: the Contact is
//! rewritten to the flow's address (`rewrite_contact`), RFC 5626 is unknown, and a binding goes
//! when its flow closes.

use crate::config::Registrar as Limits;
use crate::{ContactView, FlowId};
use sidetone_sip::message::Host;
use sidetone_sip::{ContactHeader, Deadlines, HeaderName, Request, StatusCode, Uri};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// One binding.
#[derive(Debug, Clone)]
pub(crate) struct Contact {
    pub(crate) uri: Uri,
    pub(crate) flow: FlowId,
    expires_at: Duration,
}

/// All bindings, by user.
#[derive(Debug, Default)]
pub(crate) struct Registrar {
    bindings: BTreeMap<String, Vec<Contact>>,
    /// When the first of each user's runs out.
    expiries: Deadlines<String>,
    /// The same by flow.
    flows: BTreeSet<(FlowId, String)>,
}

impl Registrar {
    /// Carries a REGISTER out; nothing is changed where it is refused.
    pub(crate) fn update(
        &mut self,
        user: &str,
        request: &Request,
        flow: (FlowId, SocketAddr),
        max_contacts: usize,
        limits: &Limits,
        now: Duration,
    ) -> Result<(), StatusCode> {
        let asked = request.headers.contacts().map_err(|_| StatusCode::BAD_REQUEST)?;
        let default = request.headers.number(&HeaderName::EXPIRES);
        let mut bindings = self.bindings.get(user).cloned().unwrap_or_default();
        bindings.retain(|contact| contact.expires_at > now);
        for (index, contact) in asked.iter().enumerate() {
            let address = match contact {
                ContactHeader::Star if asked.len() == 1 && default == Some(0) => {
                    bindings.clear();
                    continue;
                }
                ContactHeader::Star => return Err(StatusCode::BAD_REQUEST),
                ContactHeader::Address(address) => address,
            };
            // Asterisk rewrites the first Contact only: one that it listed before is taken as it is.
            let uri = match index {
                0 => rewrite(&address.uri, flow.1),
                _ => address.uri.clone(),
            };
            bindings.retain(|contact| contact.uri != uri);
            let own = address.params.get("expires").and_then(|e| e.parse::<u32>().ok());
            let asked = own.or(default).map(|s| Duration::from_secs(u64::from(s)));
            if asked == Some(Duration::ZERO) {
                continue;
            }
            let life = asked
                .unwrap_or(limits.default_expiration)
                .clamp(limits.minimum_expiration, limits.maximum_expiration);
            bindings.push(Contact { uri, flow: flow.0, expires_at: now + life });
        }
        while bindings.len() > max_contacts {
            if !limits.remove_existing {
                return Err(StatusCode::FORBIDDEN);
            }
            let newest = bindings.len() - 1;
            let first = (0..newest).min_by_key(|at| bindings[*at].expires_at).unwrap_or(0);
            bindings.remove(first);
        }
        self.set(user, bindings);
        Ok(())
    }

    /// The live bindings of a user, oldest first.
    pub(crate) fn of(&self, user: &str) -> &[Contact] {
        self.bindings.get(user).map_or(&[], Vec::as_slice)
    }

    /// The Contact values of a 200 (RFC 3261 §10.3 step 8).
    pub(crate) fn listed(&self, user: &str, now: Duration) -> Vec<String> {
        let left = |contact: &Contact| contact.expires_at.saturating_sub(now).as_secs();
        self.of(user).iter().map(|c| format!("<{}>;expires={}", c.uri, left(c))).collect()
    }

    /// The flow is gone, and with it what was bound to it.
    pub(crate) fn flow_closed(&mut self, flow: FlowId) {
        let bound = self.flows.range((flow, String::new())..);
        let users: Vec<String> =
            bound.take_while(|(of, _)| *of == flow).map(|(_, user)| user.clone()).collect();
        for user in users {
            let left = self.of(&user).iter().filter(|contact| contact.flow != flow);
            let left = left.cloned().collect();
            self.set(&user, left);
        }
    }

    /// Drops what has run out.
    pub(crate) fn expire(&mut self, now: Duration) {
        while let Some(user) = self.expiries.take_due(now) {
            let left = self.of(&user).iter().filter(|contact| contact.expires_at > now);
            let left = left.cloned().collect();
            self.set(&user, left);
        }
    }

    /// When the next binding runs out.
    pub(crate) fn next_expiry(&self) -> Option<Duration> {
        self.expiries.next().map(|(at, _)| at)
    }

    /// Whether something is bound to this flow.
    pub(crate) fn is_bound_to(&self, flow: FlowId) -> bool {
        self.flows.range((flow, String::new())..).next().is_some_and(|(of, _)| *of == flow)
    }

    fn set(&mut self, user: &str, bindings: Vec<Contact>) {
        let first = bindings.iter().map(|contact| contact.expires_at).min();
        self.expiries.set(user.to_owned(), first);
        let before = self.bindings.insert(user.to_owned(), bindings).unwrap_or_default();
        for contact in before {
            self.flows.remove(&(contact.flow, user.to_owned()));
        }
        for contact in self.bindings.get(user).into_iter().flatten() {
            self.flows.insert((contact.flow, user.to_owned()));
        }
    }

    /// All bindings, for tests and operators.
    pub(crate) fn views(&self) -> Vec<ContactView> {
        let view = |(user, contact): (&String, &Contact)| ContactView {
            user: user.clone(),
            uri: contact.uri.to_string(),
            flow: contact.flow,
        };
        let pairs = self.bindings.iter().flat_map(|(user, all)| all.iter().map(move |c| (user, c)));
        pairs.map(view).collect()
    }
}

/// The Contact with the flow's address in place of its host, which is kept as a parameter.
pub(crate) fn rewrite(uri: &Uri, peer: SocketAddr) -> Uri {
    let mut rewritten = uri.clone();
    let host = uri.host.as_ref().map(Host::to_string).unwrap_or_default();
    rewritten.host = Some(match peer.ip() {
        IpAddr::V4(address) => Host::Name(address.to_string()),
        IpAddr::V6(address) => Host::V6(address),
    });
    rewritten.port = Some(peer.port());
    rewritten.params.set("transport", "ws");
    rewritten.params.set("x-ast-orig-host", &format!("{host}:{}", uri.port.unwrap_or(0)));
    rewritten.headers = None;
    rewritten
}
