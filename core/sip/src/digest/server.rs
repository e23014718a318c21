//! The server's side: challenges written, credentials checked (RFC 7616 §3.3, §3.4.6).

use super::grammar::{Scheme, Writer};
use super::{Algorithm, Digested, Qop};
use crate::{HeaderName, Request, Uri};
use std::collections::{BTreeMap, VecDeque};

/// Nonces whose count is kept at a time.
const MAX_NONCES: usize = 1024;

/// The server's side, for the model PBX and for tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestServer {
    /// The realm of its challenges.
    pub realm: String,
    /// The algorithms that it offers, in order of preference: `MD5`, `SHA-256`, `SHA-512-256`.
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
        if let (true, Some(oldest)) = (self.order.len() >= MAX_NONCES, self.order.front()) {
            self.counts.remove(oldest);
            self.order.pop_front();
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
        let count = sent.auth.and_then(|(_, _, nc)| u32::from_str_radix(nc, 16).ok());
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
            Some(qop) => {
                let qop = Qop::of_offer(qop)?;
                let nc = scheme.get("nc").filter(|nc| nc.len() == 8)?;
                u32::from_str_radix(nc, 16).ok()?;
                Some((qop, scheme.get("cnonce")?, nc))
            }
            None => None,
        };
        let digested = Digested {
            algorithm,
            username: scheme.get("username")?,
            realm: scheme.get("realm")?,
            nonce: scheme.get("nonce")?,
            method: request.method.as_str(),
            uri,
            body: &request.body,
            auth,
        };
        Some((digested, scheme.get("response")?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Credentials, DigestClient};
    use super::*;
    use crate::{Method, StatusCode};

    fn server() -> DigestServer {
        DigestServer { realm: "example.com".to_owned(), algorithms: vec!["SHA-256", "MD5"] }
    }

    fn register() -> Request {
        Request::new(Method::Register, Uri::sip("", "example.com"))
    }

    fn password(user: &str) -> Option<String> {
        (user == "anna").then(|| "sécret".to_owned())
    }

    fn verdict(request: &Request) -> Verdict {
        server().verify(request, password, |nonce| nonce == "n1")
    }

    /// The request with our client's credentials, after one challenge of the server.
    fn authorized(server: &DigestServer, nonce: &str, username: &str, password: &str) -> Request {
        let mut request = register();
        let mut response = request.response(StatusCode::UNAUTHORIZED, None);
        for challenge in server.challenge(nonce, false) {
            response.headers.push(HeaderName::WWW_AUTHENTICATE, challenge);
        }
        let mut client = DigestClient::default();
        client.challenged(&request, &response).unwrap();
        let credentials =
            Credentials { username: username.to_owned(), password: password.to_owned() };
        client.authorize(&mut request, &credentials, "c0ffee");
        request
    }

    #[test]
    fn a_challenge_names_one_algorithm_each_in_order() {
        let expected = [
            r#"Digest realm="example.com", nonce="n1", algorithm=SHA-256, qop="auth", stale=true"#,
            r#"Digest realm="example.com", nonce="n1", algorithm=MD5, qop="auth", stale=true"#,
        ];
        assert_eq!(server().challenge("n1", true), expected);
        assert!(!server().challenge("n1", false)[0].contains("stale"));
    }

    #[test]
    fn right_credentials_name_the_user() {
        for algorithm in ["MD5", "SHA-256"] {
            let offer = DigestServer { algorithms: vec![algorithm], ..server() };
            let request = authorized(&offer, "n1", "anna", "sécret");
            assert_eq!(verdict(&request), Verdict::Ok("anna".to_owned()), "{algorithm}");
        }
    }

    #[test]
    fn a_wrong_user_or_password_is_wrong_whatever_the_nonce() {
        for (nonce, user, word) in
            [("n1", "anna", "wrong"), ("n1", "bob", "sécret"), ("n0", "anna", "wrong")]
        {
            let request = authorized(&server(), nonce, user, word);
            assert_eq!(verdict(&request), Verdict::Wrong);
        }
    }

    #[test]
    fn right_credentials_with_an_old_nonce_are_stale() {
        assert_eq!(verdict(&authorized(&server(), "n0", "anna", "sécret")), Verdict::Stale);
    }

    #[test]
    fn credentials_for_another_realm_are_missing() {
        assert_eq!(verdict(&register()), Verdict::Missing);
        let other = DigestServer { realm: "other.com".to_owned(), ..server() };
        assert_eq!(verdict(&authorized(&other, "n1", "anna", "sécret")), Verdict::Missing);
    }

    #[test]
    fn credentials_of_another_request_are_wrong() {
        let mut request = authorized(&server(), "n1", "anna", "sécret");
        request.method = Method::Invite;
        assert_eq!(verdict(&request), Verdict::Wrong);
        let mut request = authorized(&server(), "n1", "anna", "sécret");
        request.uri = Uri::sip("bob", "example.com");
        assert_eq!(verdict(&request), Verdict::Wrong);
    }

    #[test]
    fn what_cannot_be_read_is_wrong() {
        let right = authorized(&server(), "n1", "anna", "sécret");
        let field = right.headers.get(&HeaderName::AUTHORIZATION).unwrap().into_owned();
        for (part, instead) in [
            ("SHA-256", "SHA-512-256"),
            ("qop=auth", "qop=auth-int"),
            ("nc=00000001", "nc=1"),
            ("nc=00000001", "nc=0000000x"),
            ("cnonce", "once"),
            ("response", "answer"),
            ("sip:example.com", ""),
            ("Digest", "Basic"),
        ] {
            let mut request = right.clone();
            request.headers.set(HeaderName::AUTHORIZATION, field.replace(part, instead));
            assert_eq!(verdict(&request), Verdict::Wrong, "{part}");
        }
    }

    #[test]
    fn an_algorithm_that_was_not_offered_is_wrong() {
        let md5 = DigestServer { algorithms: vec!["MD5"], ..server() };
        let request = authorized(&md5, "n1", "anna", "sécret");
        let sha256 = DigestServer { algorithms: vec!["SHA-256"], ..server() };
        assert_eq!(sha256.verify(&request, password, |_| true), Verdict::Wrong);
    }

    #[test]
    fn a_count_is_accepted_once() {
        let mut counts = NonceCounts::default();
        let request = authorized(&server(), "n1", "anna", "sécret");
        let mut verify = || server().verify_once(&request, &mut counts, password, |_| true);
        assert_eq!(verify(), Verdict::Ok("anna".to_owned()));
        assert_eq!(verify(), Verdict::Wrong);
    }

    #[test]
    fn counts_are_kept_for_a_bounded_number_of_nonces() {
        let mut counts = NonceCounts::default();
        for number in 0..MAX_NONCES + 10 {
            assert!(counts.accept(&number.to_string(), 1));
        }
        assert_eq!((counts.counts.len(), counts.order.len()), (MAX_NONCES, MAX_NONCES));
        assert!(!counts.accept("500", 1) && counts.accept("500", 2));
    }
}
