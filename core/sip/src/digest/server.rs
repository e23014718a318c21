//! The server's side: challenges written, credentials checked (RFC 7616 §3.3, §3.4.6).

use super::grammar::{Scheme, Writer};
use super::{Algorithm, Digested};
use crate::{HeaderName, Request, Uri};
use std::collections::{BTreeMap, VecDeque};

/// Nonces whose count is kept at a time.
const MAX_NONCES: usize = 1024;

/// The server's side, for the model PBX and for tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestServer {
    /// The realm of its challenges.
    pub realm: String,
    /// The algorithms that it offers, in order of preference: `MD5`, `SHA-256`.
    pub algorithms: Vec<&'static str>,
}

/// What a server makes of a request's credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// They are right; the user name.
    Ok(String),
    /// There are none for this realm.
    Missing,
    /// Right but for a nonce that is not accepted any more: challenge with `stale=true`.
    Stale,
    /// Wrong user, wrong password, a repeated count, or a value that cannot be read.
    Wrong,
}

/// The highest count seen of each nonce, so that credentials heard on the way cannot be used again
/// (RFC 7616 §3.4: nc). The oldest nonces are forgotten first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NonceCounts {
    counts: BTreeMap<String, u32>,
    order: VecDeque<String>,
}

impl NonceCounts {
    /// Whether this count is higher than all before it; it then counts as seen.
    pub fn accept(&mut self, nonce: &str, count: u32) -> bool {
        if let Some(last) = self.counts.get_mut(nonce) {
            let higher = count > *last;
            *last = count.max(*last);
            return higher;
        }
        while self.order.len() >= MAX_NONCES {
            self.order.pop_front().map(|oldest| self.counts.remove(&oldest));
        }
        self.order.push_back(nonce.to_owned());
        self.counts.insert(nonce.to_owned(), count);
        count > 0
    }
}

impl DigestServer {
    /// WWW-Authenticate values, one an algorithm.
    pub fn challenge(&self, nonce: &str, stale: bool) -> Vec<String> {
        let challenge = |algorithm: &&'static str| {
            let writer = Writer::new("Digest")
                .quoted("realm", &self.realm)
                .quoted("nonce", nonce)
                .token("algorithm", algorithm)
                .quoted("qop", "auth");
            if stale { writer.token("stale", "true").finish() } else { writer.finish() }
        };
        self.algorithms.iter().map(challenge).collect()
    }

    /// Checks Authorization of `request`. `password` finds a user's password; `nonce_ok` says
    /// whether a nonce is one of ours and fresh. Repeated counts are not seen: see
    /// [`DigestServer::verify_once`].
    pub fn verify(
        &self,
        request: &Request,
        password: impl Fn(&str) -> Option<String>,
        nonce_ok: impl Fn(&str) -> bool,
    ) -> Verdict {
        self.check(request, password, nonce_ok).0
    }

    /// As [`DigestServer::verify`], and each count of a nonce is accepted once only.
    pub fn verify_once(
        &self,
        request: &Request,
        counts: &mut NonceCounts,
        password: impl Fn(&str) -> Option<String>,
        nonce_ok: impl Fn(&str) -> bool,
    ) -> Verdict {
        match self.check(request, password, nonce_ok) {
            (Verdict::Ok(_), Some((nonce, count))) if !counts.accept(&nonce, count) => {
                Verdict::Wrong
            }
            (verdict, _) => verdict,
        }
    }

    /// The verdict, with nonce and count where there is one (`qop=auth`).
    fn check(
        &self,
        request: &Request,
        password: impl Fn(&str) -> Option<String>,
        nonce_ok: impl Fn(&str) -> bool,
    ) -> (Verdict, Option<(String, u32)>) {
        let values = request.headers.all(&HeaderName::AUTHORIZATION);
        let schemes: Vec<Scheme> = values.flat_map(|value| Scheme::parse_all(&value)).collect();
        let Some(scheme) = schemes.iter().find(|s| s.get("realm") == Some(self.realm.as_str()))
        else {
            return (Verdict::Missing, None);
        };
        let Some((sent, response)) = self.read(scheme, request) else {
            return (Verdict::Wrong, None);
        };
        let Some(password) = password(sent.username) else { return (Verdict::Wrong, None) };
        if !sent.response(&password).eq_ignore_ascii_case(response) {
            return (Verdict::Wrong, None);
        }
        if !nonce_ok(sent.nonce) {
            return (Verdict::Stale, None);
        }
        let count = sent.auth.and_then(|(_, nc)| u32::from_str_radix(nc, 16).ok());
        (Verdict::Ok(sent.username.to_owned()), count.map(|count| (sent.nonce.to_owned(), count)))
    }

    /// Credentials of a kind that was offered, for this request; and their response.
    fn read<'a>(
        &self,
        scheme: &'a Scheme,
        request: &'a Request,
    ) -> Option<(Digested<'a>, &'a str)> {
        let algorithm = Algorithm::from_token(scheme.get("algorithm").unwrap_or("MD5"))?;
        let offered = self.algorithms.iter().any(|offer| *offer == algorithm.as_str());
        let uri = scheme.get("uri")?;
        if !scheme.is_digest() || !offered || Uri::parse(uri).ok()? != request.uri {
            return None;
        }
        let auth = match scheme.get("qop") {
            Some(qop) if qop.eq_ignore_ascii_case("auth") => {
                let nc = scheme.get("nc").filter(|nc| nc.len() == 8)?;
                u32::from_str_radix(nc, 16).ok()?;
                Some((scheme.get("cnonce")?, nc))
            }
            Some(_) => return None,
            None => None,
        };
        let digested = Digested {
            algorithm,
            username: scheme.get("username")?,
            realm: scheme.get("realm")?,
            nonce: scheme.get("nonce")?,
            method: request.method.as_str(),
            uri,
            auth,
        };
        Some((digested, scheme.get("response")?))
    }
}
