//! The client's side: challenges learned, credentials made, nonces kept (RFC 7616 §3.3 to §3.6).

use super::grammar::{Scheme, Writer};
use super::{Algorithm, Credentials, DigestError, Digested, Qop};
use crate::{HeaderName, Headers, Method, Request, Response};
use std::collections::BTreeMap;
use std::fmt;

/// What [`DigestClient::saved`] starts with.
const SAVED_VERSION: &str = "digest-1";

/// Realms kept at a time; more than one proxy and one registrar is rare.
const MAX_REALMS: usize = 8;

/// A server that calls each new nonce stale is not asked for ever.
const MAX_STALE_IN_ROW: u32 = 3;

/// A client's memory of the realms that challenged it: nonce, count and algorithm of each.
#[derive(Clone, PartialEq, Eq)]
pub struct DigestClient {
    realms: BTreeMap<(Side, String), Realm>,
    /// The realms that our credentials are for: the account's, then those in which the registrar asked.
    home: Vec<String>,
    /// The realms as they are stored, written when one of them changes: it is asked for more often.
    saved: String,
}

/// Says what is known of each realm, once.
impl fmt::Debug for DigestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { realms, home, saved: _ } = self;
        f.debug_struct("DigestClient").field("realms", realms).field("home", home).finish()
    }
}

impl Default for DigestClient {
    fn default() -> Self {
        Self::of(BTreeMap::new())
    }
}

/// Who challenges: the two pairs of header fields (RFC 3261 §22.2, §22.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    /// 401, WWW-Authenticate, Authorization.
    User,
    /// 407, Proxy-Authenticate, Proxy-Authorization.
    Proxy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Realm {
    nonce: String,
    opaque: Option<String>,
    /// `None` where the challenge names none, which means MD5 and is not echoed.
    algorithm: Option<Algorithm>,
    qop: Option<Qop>,
    /// Credentials sent with this nonce (RFC 7616 §3.4: nc).
    count: u32,
    /// The nonce came in a challenge, so that its first use proves the password.
    challenged: bool,
    /// Challenges in a row that called a nonce stale at its first use.
    stale: u32,
}

impl DigestClient {
    /// Our credentials are for this realm too.
    pub fn admit(&mut self, realm: &str) {
        if self.home.len() < 2 * MAX_REALMS && !self.home.iter().any(|home| home == realm) {
            self.home.push(realm.to_owned());
        }
    }

    /// Forgets every nonce; what realms our credentials are for it knows on.
    pub fn forget(&mut self) {
        self.realms.clear();
        self.write();
    }

    /// Learns the challenges of a 401 or 407 to `request`: all of the registrar's, of others those of a
    /// realm that our credentials are for. Afterwards [`DigestClient::authorize`]
    /// adds credentials.
    ///
    /// # Errors
    /// As [`DigestError`]. A stale nonce is not an error, nor is a second realm, nor is a kept nonce
    /// that the server has forgotten without saying that it is stale.
    pub fn challenged(
        &mut self,
        request: &Request,
        response: &Response,
    ) -> Result<(), DigestError> {
        let (mut chosen, mut offered) = (BTreeMap::new(), Vec::new());
        let (mut foreign, of_registrar) = (None, request.method == Method::Register);
        for side in [Side::User, Side::Proxy] {
            for value in response.headers.all(&side.challenge()) {
                for scheme in Scheme::parse_all(&value) {
                    if let Some((realm, new)) = understand(&scheme) {
                        if !of_registrar && !self.home.contains(&realm) {
                            foreign = Some(realm);
                            continue;
                        }
                        chosen.entry((side, realm)).or_insert((new, is_stale(&scheme)));
                    }
                    offered.push(describe(&scheme));
                }
            }
        }
        if let Some(realm) = foreign.filter(|_| chosen.is_empty()) {
            return Err(DigestError::ForeignRealm(realm));
        }
        match (chosen.is_empty(), offered.is_empty()) {
            (true, true) => return Err(DigestError::NoChallenge),
            (true, false) => return Err(DigestError::Unsupported(offered.join(", "))),
            (false, _) => {}
        }
        let mut refused = false;
        let fresh = chosen.keys().filter(|key| !self.realms.contains_key(*key)).count();
        if self.realms.len() + fresh > MAX_REALMS {
            // Realms that are not asked for here make room.
            self.realms.retain(|key, _| chosen.contains_key(key));
        }
        for ((side, name), (mut new, stale)) in chosen {
            self.admit(&name);
            if let Some(sent) = credentials_in(request, side, &name) {
                let known = self.realms.get(&(side, name.clone()));
                match known.map_or(Judgement::Forgotten, |known| judge(known, &new, &sent, stale)) {
                    Judgement::Refused => refused = true,
                    Judgement::Stale(in_row) => new.stale = in_row,
                    Judgement::Forgotten => {}
                }
            }
            if self.realms.len() < MAX_REALMS || self.realms.contains_key(&(side, name.clone())) {
                self.realms.insert((side, name), new);
            }
        }
        self.write();
        if refused { Err(DigestError::Refused) } else { Ok(()) }
    }

    /// Puts credentials for each known challenge into `request`, in place of those there. `cnonce`
    /// is fresh randomness as hex. Does nothing while no challenge is known.
    pub fn authorize(&mut self, request: &mut Request, credentials: &Credentials, cnonce: &str) {
        for side in [Side::User, Side::Proxy] {
            if self.realms.keys().any(|(known, _)| *known == side) {
                request.headers.remove(&side.credentials());
            }
        }
        let (method, uri) = (request.method.as_str().to_owned(), request.uri.to_string());
        for ((side, name), realm) in &mut self.realms {
            realm.count = realm.count.saturating_add(1);
            let sent = (method.as_str(), uri.as_str(), request.body.as_slice());
            let value = realm.credentials(name, sent, credentials, cnonce);
            request.headers.push(side.credentials(), value);
        }
        self.write();
    }

    /// Takes a `nextnonce` from Authentication-Info (RFC 7616 §3.5). The field names no realm, so it
    /// counts where one realm only is known.
    pub fn handle_response(&mut self, headers: &Headers) {
        for side in [Side::User, Side::Proxy] {
            let Some(info) = headers.get(&side.info()) else { continue };
            let info = Scheme::parse_params(&info);
            let Some(nonce) = info.get("nextnonce").filter(|nonce| !nonce.is_empty()) else {
                continue;
            };
            let mut realms = self.realms.iter_mut().filter(|((known, _), _)| *known == side);
            if let (Some((_, realm)), None) = (realms.next(), realms.next()) {
                nonce.clone_into(&mut realm.nonce);
                realm.count = 0;
                realm.challenged = false;
            }
        }
        self.write();
    }

    /// What may be stored to spare a round trip after a restart: realm, nonce, opaque, algorithm,
    /// count. No secret is in it. An opaque, versioned line of text.
    pub fn saved(&self) -> &str {
        &self.saved
    }

    /// Restores [`DigestClient::saved`]; anything else is an empty memory.
    pub fn from_saved(saved: &str) -> Self {
        let Some(saved) = saved.strip_prefix(SAVED_VERSION) else { return Self::default() };
        let schemes = Scheme::parse_all(saved);
        let realms = schemes.iter().take(MAX_REALMS).filter_map(Realm::from_saved);
        let mut client = Self::of(realms.collect());
        let names: Vec<String> = client.realms.keys().map(|(_, name)| name.clone()).collect();
        names.iter().for_each(|name| client.admit(name));
        client
    }

    fn of(realms: BTreeMap<(Side, String), Realm>) -> Self {
        let mut client = Self { realms, home: Vec::new(), saved: String::new() };
        client.write();
        client
    }

    /// Writes down what may be stored.
    fn write(&mut self) {
        let realms = self.realms.iter().map(|((side, name), realm)| realm.to_saved(*side, name));
        let realms: Vec<String> = realms.collect();
        self.saved = format!("{SAVED_VERSION} {}", realms.join(", "));
    }
}

impl Realm {
    fn credentials(
        &self,
        realm: &str,
        (method, uri, body): (&str, &str, &[u8]),
        credentials: &Credentials,
        cnonce: &str,
    ) -> String {
        let Credentials { username, password } = credentials;
        let nc = format!("{:08x}", self.count);
        let auth = self.qop.map(|qop| (qop, cnonce, nc.as_str()));
        let algorithm = self.algorithm.unwrap_or(Algorithm::Md5);
        let nonce = &self.nonce;
        let digested = Digested { algorithm, username, realm, nonce, method, uri, body, auth };
        let mut writer = Writer::new("Digest")
            .quoted("username", username)
            .quoted("realm", realm)
            .quoted("nonce", nonce)
            .quoted("uri", uri)
            .quoted("response", &digested.response(password));
        if let Some(algorithm) = self.algorithm {
            writer = writer.token("algorithm", algorithm.as_str());
        }
        if let Some(opaque) = &self.opaque {
            writer = writer.quoted("opaque", opaque);
        }
        if let Some(qop) = self.qop {
            writer = writer.token("qop", qop.as_str()).token("nc", &nc).quoted("cnonce", cnonce);
        }
        writer.finish()
    }

    fn to_saved(&self, side: Side, name: &str) -> String {
        let mut writer =
            Writer::new(side.as_str()).quoted("realm", name).quoted("nonce", &self.nonce);
        if let Some(algorithm) = self.algorithm {
            writer = writer.token("algorithm", algorithm.as_str());
        }
        if let Some(opaque) = &self.opaque {
            writer = writer.quoted("opaque", opaque);
        }
        if let Some(qop) = self.qop {
            writer = writer.token("qop", qop.as_str());
        }
        writer.token("count", &self.count.to_string()).finish()
    }

    fn from_saved(saved: &Scheme) -> Option<((Side, String), Self)> {
        let side =
            [Side::User, Side::Proxy].into_iter().find(|side| side.as_str() == saved.name)?;
        let (name, mut realm) = read(saved)?;
        realm.count = saved.get("count")?.parse().ok()?;
        realm.challenged = false;
        Some(((side, name), realm))
    }
}

impl Side {
    fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Proxy => "Proxy",
        }
    }

    fn challenge(self) -> HeaderName {
        match self {
            Self::User => HeaderName::WWW_AUTHENTICATE,
            Self::Proxy => HeaderName::PROXY_AUTHENTICATE,
        }
    }

    fn credentials(self) -> HeaderName {
        match self {
            Self::User => HeaderName::AUTHORIZATION,
            Self::Proxy => HeaderName::PROXY_AUTHORIZATION,
        }
    }

    fn info(self) -> HeaderName {
        match self {
            Self::User => HeaderName::AUTHENTICATION_INFO,
            Self::Proxy => HeaderName::new("Proxy-Authentication-Info"),
        }
    }
}

/// What it means that a realm challenges a request that had credentials for it.
enum Judgement {
    /// They are wrong.
    Refused,
    /// Their nonce was too old; so many times in a row at its first use.
    Stale(u32),
    /// Their nonce is not known to the server any more, or another request's challenge came first.
    Forgotten,
}

fn judge(known: &Realm, new: &Realm, sent: &Scheme, stale: bool) -> Judgement {
    let is_latest = sent.get("nonce") == Some(known.nonce.as_str());
    let at_first_use = is_latest && known.challenged && known.count <= 1;
    if stale && sent.get("nonce") != Some(new.nonce.as_str()) {
        let in_row = if at_first_use { known.stale + 1 } else { 0 };
        return if in_row < MAX_STALE_IN_ROW {
            Judgement::Stale(in_row)
        } else {
            Judgement::Refused
        };
    }
    // A nonce kept from earlier proves nothing when another comes in its place: a server that was
    // started again knows neither it nor that it is stale. The same nonce again, or a nonce just
    // given and refused at once, does.
    if sent.get("nonce") == Some(new.nonce.as_str()) || at_first_use {
        Judgement::Refused
    } else {
        Judgement::Forgotten
    }
}

/// The realm of a challenge and what is kept of it; `None` where it cannot be answered.
fn understand(challenge: &Scheme) -> Option<(String, Realm)> {
    if challenge.is_digest() { read(challenge) } else { None }
}

fn read(scheme: &Scheme) -> Option<(String, Realm)> {
    let algorithm = match scheme.get("algorithm") {
        Some(token) => Some(Algorithm::from_token(token)?),
        None => None,
    };
    let qop = match scheme.get("qop") {
        Some(offered) => Some(Qop::of_offer(offered)?),
        None => None,
    };
    let realm = Realm {
        nonce: scheme.get("nonce")?.to_owned(),
        opaque: scheme.get("opaque").map(str::to_owned),
        algorithm,
        qop,
        count: 0,
        challenged: true,
        stale: 0,
    };
    Some((scheme.get("realm")?.to_owned(), realm))
}

fn is_stale(challenge: &Scheme) -> bool {
    challenge.get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true"))
}

/// A challenge in a few words, for the person who sets up the server.
fn describe(challenge: &Scheme) -> String {
    let mut text = challenge.name.clone();
    for name in ["algorithm", "qop"] {
        if let Some(value) = challenge.get(name) {
            text = format!("{text} {name}={value}");
        }
    }
    text
}

fn credentials_in(request: &Request, side: Side, realm: &str) -> Option<Scheme> {
    let name = side.credentials();
    let schemes = request.headers.all(&name).flat_map(|value| Scheme::parse_all(&value));
    let mut ours =
        schemes.filter(|scheme| scheme.is_digest() && scheme.get("realm") == Some(realm));
    ours.next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{StatusCode, Uri};

    const CHALLENGE: &str = r#"Digest realm="example.com", nonce="n1", algorithm=MD5, qop="auth""#;

    fn register() -> Request {
        let mut request = Request::new(Method::Register, Uri::sip("", "example.com"));
        request.headers.push(HeaderName::CSEQ, "1 REGISTER");
        request
    }

    fn anna() -> Credentials {
        Credentials { username: "anna".to_owned(), password: "secret".to_owned() }
    }

    fn unauthorized(challenges: &[&str]) -> Response {
        let mut response = register().response(StatusCode::UNAUTHORIZED, None);
        for challenge in challenges {
            response.headers.push(HeaderName::WWW_AUTHENTICATE, *challenge);
        }
        response
    }

    fn with_nonce(nonce: &str, stale: bool) -> Response {
        let stale = if stale { ", stale=TRUE" } else { "" };
        unauthorized(&[&CHALLENGE
            .replace("n1", nonce)
            .replace(", algo", &format!("{stale}, algo"))])
    }

    /// A client that was challenged thus, and the request that it made then.
    fn challenged(challenges: &[&str]) -> (DigestClient, Request) {
        let mut client = DigestClient::default();
        client.challenged(&register(), &unauthorized(challenges)).unwrap();
        let request = authorized(&mut client);
        (client, request)
    }

    fn authorized(client: &mut DigestClient) -> Request {
        let mut request = register();
        client.authorize(&mut request, &anna(), "c0ffee");
        request
    }

    fn sent(request: &Request) -> Vec<Scheme> {
        let values = request.headers.all(&HeaderName::AUTHORIZATION);
        values.flat_map(|value| Scheme::parse_all(&value)).collect()
    }

    fn param(request: &Request, name: &str) -> Option<String> {
        sent(request).first()?.get(name).map(str::to_owned)
    }

    #[test]
    fn realms_that_are_not_asked_for_any_more_make_room() {
        let mut client = DigestClient::default();
        for number in 0..20 {
            let mut response = register().response(StatusCode::UNAUTHORIZED, None);
            let challenge = format!(r#"Digest realm="r{number}", nonce="n", qop="auth""#);
            response.headers.push(HeaderName::WWW_AUTHENTICATE, challenge);
            client.challenged(&register(), &response).unwrap();
            let mut request = register();
            client.authorize(&mut request, &anna(), "c");
            let name = HeaderName::AUTHORIZATION;
            let sent: Vec<_> = request.headers.all(&name).collect();
            assert!(sent.iter().any(|value| value.contains(&format!("\"r{number}\""))));
            assert!(sent.len() <= MAX_REALMS);
        }
    }

    #[test]
    fn while_no_challenge_is_known_nothing_is_added() {
        assert_eq!(authorized(&mut DigestClient::default()), register());
    }

    #[test]
    fn credentials_hold_what_rfc_7616_asks_for() {
        let (_, request) = challenged(&[
            r#"Digest realm="example.com",nonce="n1",opaque="o",algorithm=SHA-256,qop="auth,auth-int""#,
        ]);
        // The response was computed with another implementation of SHA-256.
        let expected = concat!(
            r#"Digest username="anna", realm="example.com", nonce="n1", uri="sip:example.com", "#,
            r#"response="@", algorithm=SHA-256, opaque="o", qop=auth, nc=00000001, cnonce="c0ffee""#
        );
        let response = param(&request, "response").unwrap();
        assert_eq!(response, "1b8d873d6d3033de6a9d68f7ecd4b717cea5b78c60fa854439afa7f8183afbc3");
        let field = request.headers.get(&HeaderName::AUTHORIZATION).unwrap().into_owned();
        assert_eq!(field, expected.replace('@', &response));
    }

    #[test]
    fn without_qop_and_algorithm_neither_is_sent() {
        let (_, request) = challenged(&[r#"Digest realm="example.com", nonce="n1""#]);
        assert_eq!(
            param(&request, "response").as_deref(),
            Some("3593af8496b11603aa3a42a8c209a963")
        );
        for name in ["qop", "nc", "cnonce", "algorithm", "opaque"] {
            assert_eq!(param(&request, name), None, "{name}");
        }
    }

    #[test]
    fn a_kept_nonce_authorizes_the_next_request_with_a_higher_count() {
        let (mut client, first) = challenged(&[CHALLENGE]);
        let second = authorized(&mut client);
        assert_eq!(param(&first, "nc").as_deref(), Some("00000001"));
        assert_eq!(param(&second, "nc").as_deref(), Some("00000002"));
        assert_ne!(param(&first, "response"), param(&second, "response"));
    }

    #[test]
    fn credentials_take_the_place_of_those_there() {
        let (mut client, mut request) = challenged(&[CHALLENGE]);
        client.authorize(&mut request, &anna(), "c0ffee");
        assert_eq!(sent(&request).len(), 1);
        assert_eq!(param(&request, "nc").as_deref(), Some("00000002"));
    }

    #[test]
    fn the_first_challenge_that_is_understood_is_taken() {
        let offers = [
            "Negotiate",
            r#"Digest realm="example.com", nonce="a", algorithm=SHA-512-256-sess, qop="auth""#,
            r#"Digest realm="example.com", nonce="b", algorithm=MD5-sess, qop="auth""#,
            r#"Digest realm="example.com", nonce="c", algorithm=MD5, qop="auth-conf""#,
            r#"Digest realm="example.com", nonce="d", algorithm="sha-256", qop="auth""#,
            r#"Digest realm="example.com", nonce="e", algorithm=MD5, qop="auth""#,
        ];
        let (_, separate) = challenged(&offers);
        let (_, joined) = challenged(&[&offers.join(", ")]);
        for request in [separate, joined] {
            assert_eq!(sent(&request).len(), 1);
            assert_eq!(param(&request, "nonce").as_deref(), Some("d"));
            assert_eq!(param(&request, "algorithm").as_deref(), Some("SHA-256"));
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let mut client = DigestClient::default();
        let response = unauthorized(&[
            "Basic realm=x",
            r#"Digest realm="r", nonce="n", algorithm=SHA-512, qop="auth""#,
        ]);
        let error = client.challenged(&register(), &response);
        let offered = "Basic, Digest algorithm=SHA-512 qop=auth".to_owned();
        assert_eq!(error, Err(DigestError::Unsupported(offered)));
        let error = client.challenged(&register(), &unauthorized(&[]));
        assert_eq!(error, Err(DigestError::NoChallenge));
    }

    #[test]
    fn the_topmost_algorithm_that_is_supported_is_taken_whichever_is_stronger() {
        let offer = |algorithm: &str| {
            format!(r#"Digest realm="example.com", nonce="n", algorithm={algorithm}, qop="auth""#)
        };
        for algorithm in ["SHA-512-256", "SHA-256", "MD5"] {
            let [first, second] = [offer(algorithm), offer("SHA-256")];
            let (_, request) = challenged(&[&first, &second]);
            assert_eq!(sent(&request).len(), 1);
            assert_eq!(param(&request, "algorithm").as_deref(), Some(algorithm));
        }
    }

    #[test]
    fn the_body_is_protected_only_where_nothing_else_is_offered() {
        for (offered, taken) in
            [("auth-int", "auth-int"), ("auth-int, auth", "auth"), ("auth,auth-int", "auth")]
        {
            let challenge = CHALLENGE.replace(r#""auth""#, &format!("\"{offered}\""));
            let (_, request) = challenged(&[&challenge]);
            assert_eq!(param(&request, "qop").as_deref(), Some(taken), "{offered}");
        }
        let (mut client, empty) = challenged(&[&CHALLENGE.replace(r#""auth""#, "auth-int")]);
        let mut request = register();
        request.set_body("text/plain", b"x".to_vec());
        client.realms.values_mut().for_each(|realm| realm.count = 0);
        client.authorize(&mut request, &anna(), "c0ffee");
        assert_eq!(param(&request, "nc"), param(&empty, "nc"));
        assert_ne!(param(&request, "response"), param(&empty, "response"));
    }

    #[test]
    fn only_a_realm_of_the_registrar_or_the_account_gets_credentials() {
        let mut invite = Request::new(Method::Invite, Uri::sip("eve", "example.com"));
        invite.headers.push(HeaderName::CSEQ, "1 INVITE");
        let ours = unauthorized(&[CHALLENGE]);
        let theirs = unauthorized(&[&CHALLENGE.replace("example", "evil")]);
        let both = unauthorized(&[&CHALLENGE.replace("example", "evil"), CHALLENGE]);
        let foreign = Err(DigestError::ForeignRealm("evil.com".to_owned()));

        let mut client = DigestClient::default();
        let stranger = Err(DigestError::ForeignRealm("example.com".to_owned()));
        assert_eq!(client.challenged(&invite, &ours), stranger, "nobody has asked yet");
        client.authorize(&mut invite, &anna(), "c");
        assert!(!invite.headers.has(&HeaderName::AUTHORIZATION));

        client.challenged(&register(), &ours).unwrap();
        assert_eq!(client.challenged(&invite, &theirs), foreign);
        client.challenged(&invite, &both).unwrap();
        client.authorize(&mut invite, &anna(), "c");
        assert_eq!(sent(&invite).len(), 1);
        assert_eq!(param(&invite, "realm").as_deref(), Some("example.com"));
        // It is known after a restart, and when the nonces are forgotten.
        let mut restored = DigestClient::from_saved(client.saved());
        let fresh = Request::new(Method::Invite, Uri::sip("eve", "example.com"));
        restored.challenged(&fresh, &ours).unwrap();
        client.forget();
        client.challenged(&fresh, &ours).unwrap();

        let mut client = DigestClient::default();
        client.admit("evil.com");
        client.challenged(&fresh, &theirs).unwrap();
    }

    #[test]
    fn a_wrong_password_is_told_whether_the_nonce_is_new_or_not() {
        for nonce in ["n1", "n2"] {
            let (mut client, request) = challenged(&[CHALLENGE]);
            let answer = client.challenged(&request, &with_nonce(nonce, false));
            assert_eq!(answer, Err(DigestError::Refused), "{nonce}");
        }
    }

    #[test]
    fn a_stale_nonce_is_replaced() {
        let (mut client, request) = challenged(&[CHALLENGE]);
        client.challenged(&request, &with_nonce("n2", true)).unwrap();
        let request = authorized(&mut client);
        assert_eq!(param(&request, "nonce").as_deref(), Some("n2"));
        assert_eq!(param(&request, "nc").as_deref(), Some("00000001"));
        let wrong = client.challenged(&request, &with_nonce("n3", false));
        assert_eq!(wrong, Err(DigestError::Refused));
    }

    #[test]
    fn a_server_that_calls_every_nonce_stale_is_not_asked_for_ever() {
        let (mut client, mut request) = challenged(&[CHALLENGE]);
        let rounds = (2..100).take_while(|round| {
            let answer = client.challenged(&request, &with_nonce(&format!("n{round}"), true));
            request = authorized(&mut client);
            answer.is_ok()
        });
        assert_eq!(rounds.count(), 2);
    }

    #[test]
    fn a_kept_nonce_that_the_server_forgot_is_no_wrong_password() {
        let (mut client, _) = challenged(&[CHALLENGE]);
        let later = authorized(&mut client);
        client.challenged(&later, &with_nonce("n2", false)).unwrap();
        let again = authorized(&mut client);
        let wrong = client.challenged(&again, &with_nonce("n3", false));
        assert_eq!(wrong, Err(DigestError::Refused));
    }

    #[test]
    fn a_nonce_that_was_saved_or_announced_proves_nothing_at_its_first_use() {
        let mut client = DigestClient::default();
        client.challenged(&register(), &unauthorized(&[CHALLENGE])).unwrap();
        let mut restored = DigestClient::from_saved(client.saved());
        let request = authorized(&mut restored);
        restored.challenged(&request, &with_nonce("n2", false)).unwrap();

        let mut headers = Headers::default();
        headers.push(HeaderName::AUTHENTICATION_INFO, r#"nextnonce="n3""#);
        client.handle_response(&headers);
        let request = authorized(&mut client);
        client.challenged(&request, &with_nonce("n4", false)).unwrap();
    }

    #[test]
    fn the_same_nonce_called_stale_is_a_refusal() {
        let (mut client, request) = challenged(&[CHALLENGE]);
        let answer = client.challenged(&request, &with_nonce("n1", true));
        assert_eq!(answer, Err(DigestError::Refused));
    }

    #[test]
    fn a_challenge_that_crossed_another_is_no_wrong_password() {
        let mut client = DigestClient::default();
        client.challenged(&register(), &with_nonce("n1", false)).unwrap();
        let (one, other) = (authorized(&mut client), authorized(&mut client));
        client.challenged(&one, &with_nonce("n2", true)).unwrap();
        client.challenged(&other, &with_nonce("n3", false)).unwrap();
    }

    #[test]
    fn realms_of_proxy_and_registrar_stand_side_by_side() {
        let mut client = DigestClient::default();
        let mut proxy = register().response(StatusCode::PROXY_AUTHENTICATION_REQUIRED, None);
        proxy.headers.push(HeaderName::PROXY_AUTHENTICATE, CHALLENGE.replace("example", "edge"));
        client.challenged(&register(), &proxy).unwrap();
        let request = authorized(&mut client);
        assert!(!request.headers.has(&HeaderName::AUTHORIZATION));
        client.challenged(&request, &unauthorized(&[CHALLENGE])).unwrap();
        let request = authorized(&mut client);
        let proxy = request.headers.get(&HeaderName::PROXY_AUTHORIZATION).unwrap();
        let proxy = Scheme::parse_all(&proxy).remove(0);
        assert_eq!((proxy.get("realm"), proxy.get("nc")), (Some("edge.com"), Some("00000002")));
        assert_eq!(param(&request, "realm").as_deref(), Some("example.com"));
    }

    #[test]
    fn two_realms_in_one_response_both_get_credentials() {
        let (_, request) = challenged(&[CHALLENGE, &CHALLENGE.replace("example", "other")]);
        let realms: Vec<_> =
            sent(&request).iter().filter_map(|s| s.get("realm").map(str::to_owned)).collect();
        assert_eq!(realms, ["example.com", "other.com"]);
    }

    #[test]
    fn a_nextnonce_is_used_next() {
        let (mut client, _) = challenged(&[CHALLENGE]);
        let mut headers = Headers::default();
        headers.push(HeaderName::AUTHENTICATION_INFO, r#"nextnonce="n,2", rspauth="x""#);
        client.handle_response(&headers);
        let request = authorized(&mut client);
        assert_eq!(param(&request, "nonce").as_deref(), Some("n,2"));
        assert_eq!(param(&request, "nc").as_deref(), Some("00000001"));
    }

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        let mut client = DigestClient::default();
        let challenge = r#"Digest realm="a \"b\" \\c", nonce="n""#;
        client.challenged(&register(), &unauthorized(&[challenge])).unwrap();
        let mut request = register();
        let credentials =
            Credentials { username: r#"an"na\"#.to_owned(), password: "é".to_owned() };
        client.authorize(&mut request, &credentials, "c");
        let field = request.headers.get(&HeaderName::AUTHORIZATION).unwrap();
        assert!(field.contains(r#"username="an\"na\\""#), "{field}");
        assert!(field.contains(r#"realm="a \"b\" \\c""#), "{field}");
    }

    #[test]
    fn what_is_saved_comes_back_and_counts_on() {
        let mut client = DigestClient::default();
        let challenges = [
            r#"Digest realm="a, \"b", nonce="n=,1", opaque="o", algorithm=SHA-256, qop="auth""#,
            r#"Digest realm="c", nonce="n2""#,
        ];
        client.challenged(&register(), &unauthorized(&challenges)).unwrap();
        authorized(&mut client);
        let saved = client.saved();
        assert!(!saved.contains('\n') && !saved.contains("secret"), "{saved}");
        let mut restored = DigestClient::from_saved(saved);
        assert_eq!(restored.saved(), saved);
        assert_eq!(authorized(&mut restored), authorized(&mut client));
    }

    #[test]
    fn what_was_not_saved_by_this_version_is_an_empty_memory() {
        for saved in
            ["", "digest-2 User realm=a, nonce=b, count=1", "digest-1 User realm=a", "digest-1x"]
        {
            assert_eq!(DigestClient::from_saved(saved), DigestClient::default(), "{saved}");
        }
        let empty = DigestClient::default();
        assert_eq!(DigestClient::from_saved(empty.saved()), empty);
    }

    #[test]
    fn the_number_of_realms_is_bounded() {
        let many: Vec<String> =
            (0..100).map(|n| CHALLENGE.replace("example", &format!("e{n}"))).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let (_, request) = challenged(&many);
        assert_eq!(sent(&request).len(), MAX_REALMS);
    }
}
