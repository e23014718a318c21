//! 3xx to our INVITE: the addresses that it names are tried in their order (RFC 3261 §8.1.3.4, §21.3).

use super::{Call, Leg, State};
use crate::referral::is_at_home;
use crate::ua::{Owner, Ua, after};
use crate::{Account, Now};
use sidetone_sip::message::Scheme;
use sidetone_sip::{ContactHeader, HeaderName, NameAddr, Response, Uri};

/// As many addresses are tried for one call beside the one that was dialled.
const MOST: usize = 5;

/// The addresses of a call that was redirected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Targets {
    /// Those that were tried, and those that will be: none is tried twice.
    known: Vec<Uri>,
    left: Vec<Uri>,
}

impl Call {
    /// A refusal: another address is tried where there is one. `false`: there is none.
    pub(super) fn tries_another(&mut self, response: &Response, ua: &mut Ua, now: Now) -> bool {
        let id = self.id;
        let Leg::Outgoing { invite, key, heard, rang, early: None, forks, targets, .. } =
            &mut self.leg
        else {
            // The media is that of the one who refused, and there is no other offer.
            return false;
        };
        if targets.known.is_empty() {
            targets.known.push(invite.uri.clone());
        }
        if matches!(response.status.code(), 300..=302) {
            // Whoever was sent out is not sent on to another domain.
            let home = self.referred.is_by_another().then_some(&ua.config.account);
            targets.add(response, home);
        }
        // RFC 3261 §16.7 step 5: a global refusal is meant for every address.
        if response.status.code() >= 600 || targets.left.is_empty() {
            return false;
        }
        let sequence = invite.headers.cseq().map_or(1, |cseq| after(cseq.sequence));
        let mut again = invite.clone();
        again.uri = targets.left.remove(0);
        again.headers.set(HeaderName::CSEQ, format!("{sequence} INVITE"));
        for name in [HeaderName::VIA, HeaderName::AUTHORIZATION, HeaderName::PROXY_AUTHORIZATION] {
            again.headers.remove(&name);
        }
        log::info!("{id}: redirected ({}) to another address", response.status);
        *key = ua.send(again, Owner::Call(id), now);
        let Some(sent) = key.as_ref().and_then(|key| ua.sent(key)) else { return false };
        *invite = sent.request.clone();
        (*heard, *rang) = (false, false);
        forks.clear();
        self.state = State::Dialing;
        true
    }
}

impl Targets {
    /// Adds the addresses of a 3xx that can be called and are new, the best first; only those at `home` where that
    /// is given.
    fn add(&mut self, response: &Response, home: Option<&Account>) {
        let contacts = response.headers.contacts().unwrap_or_default();
        let addresses = contacts.into_iter().filter_map(|contact| match contact {
            ContactHeader::Address(address) => Some(address),
            ContactHeader::Star => None,
        });
        let mut ranked: Vec<(u16, Uri)> =
            addresses.map(|address| (rank(&address), callable(address.uri))).collect();
        ranked.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
        for (_, uri) in ranked {
            let is_address = matches!(uri.scheme, Scheme::Sip | Scheme::Sips);
            let is_allowed = home.is_none_or(|account| is_at_home(&uri, account));
            let is_new = !self.known.iter().any(|known| known.matches(&uri));
            if is_address && is_allowed && is_new && self.known.len() <= MOST {
                self.known.push(uri.clone());
                self.left.push(uri);
            }
        }
    }
}

/// q in thousandths; 1 where there is none (RFC 3261 §20.10).
fn rank(address: &NameAddr) -> u16 {
    let q = address.params.get("q").map(|q| q.parse::<f32>().ok().filter(|q| *q >= 0.0));
    match q {
        None => 1000,
        Some(Some(q)) => (q.min(1.0) * 1000.0).round() as u16,
        Some(None) => 0,
    }
}

/// The address as a Request-URI, without what could add header fields (RFC 3261 §19.1.5).
fn callable(mut uri: Uri) -> Uri {
    uri.headers = None;
    uri.params.remove("method");
    uri
}
