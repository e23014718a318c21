//! Digest access authentication, both sides (RFC 3261 §22, RFC 7616, RFC 8760).
//!
//! Algorithms MD5, SHA-256 and SHA-512-256; `qop=auth`, `qop=auth-int` where nothing else is offered
//! (what goes between changes bodies), or none. Of several challenges the first that is
//! understood is taken (RFC 8760 §2.4: they come in the server's order of preference). A nonce is
//! kept, so that the next request carries credentials at once.
//!
//! Who may ask for our credentials (RFC 3261 §22.1): the registrar, in whatever realm; any other
//! request is answered only for a realm in which the registrar asked before, or that the account names.
//! So nobody whom a call reaches gets a digest of the password to guess it from.

mod client;
mod grammar;
mod server;

pub use client::DigestClient;
use md5::Digest;
pub use server::{DigestServer, NonceCounts, Verdict};
use std::fmt;

/// A user name and its password. Printing it shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name, as the server knows it.
    pub username: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// Why a challenge cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// No challenge in the response.
    #[error("the server asked for credentials but sent no challenge")]
    NoChallenge,
    /// No challenge of a kind that is understood; the text lists what was offered.
    #[error("the server offers only authentication that is not supported: {0}")]
    Unsupported(String),
    /// The challenge is of a realm that our credentials are not for.
    #[error("the server asked for credentials of a realm that is not this account's: {0}")]
    ForeignRealm(String),
    /// Our credentials for this nonce were refused, and the nonce is not stale: they are wrong.
    #[error("the server refused the user name or password")]
    Refused,
}

/// A digest algorithm (RFC 8760 §2.1). The variants with `-sess` are not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5,
    Sha256,
    Sha512_256,
}

impl Algorithm {
    fn from_token(token: &str) -> Option<Self> {
        let known = [Self::Md5, Self::Sha256, Self::Sha512_256];
        known.into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(token))
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512_256 => "SHA-512-256",
        }
    }

    fn hash(self, text: impl AsRef<[u8]>) -> String {
        match self {
            Self::Md5 => hex(&md5::Md5::digest(text)),
            Self::Sha256 => hex(&sha2::Sha256::digest(text)),
            Self::Sha512_256 => hex(&sha2::Sha512_256::digest(text)),
        }
    }
}

/// What is protected besides the method and the address (RFC 7616 §3.4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Qop {
    Auth,
    /// The body too.
    AuthInt,
}

impl Qop {
    /// Of what is offered: `auth` where it is, since bodies are changed on the way.
    fn of_offer(offer: &str) -> Option<Self> {
        let offers =
            |qop: Self| offer.split(',').any(|o| o.trim().eq_ignore_ascii_case(qop.as_str()));
        [Self::Auth, Self::AuthInt].into_iter().find(|qop| offers(*qop))
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }
}

/// What a response digest is made of, besides the password (RFC 7616 §3.4.1).
struct Digested<'a> {
    algorithm: Algorithm,
    username: &'a str,
    realm: &'a str,
    nonce: &'a str,
    method: &'a str,
    uri: &'a str,
    body: &'a [u8],
    /// With a qop: it, and cnonce and nc as they stand in the header field.
    auth: Option<(Qop, &'a str, &'a str)>,
}

impl Digested<'_> {
    fn response(&self, password: &str) -> String {
        let hash = |text: String| self.algorithm.hash(&text);
        let ha1 = hash(format!("{}:{}:{password}", self.username, self.realm));
        let mut a2 = format!("{}:{}", self.method, self.uri);
        if let Some((Qop::AuthInt, ..)) = self.auth {
            a2 = format!("{a2}:{}", self.algorithm.hash(self.body));
        }
        let ha2 = hash(a2);
        match self.auth {
            Some((qop, cnonce, nc)) => {
                let qop = qop.as_str();
                hash(format!("{ha1}:{}:{nc}:{cnonce}:{qop}:{ha2}", self.nonce))
            }
            None => hash(format!("{ha1}:{}:{ha2}", self.nonce)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc_7616_example(algorithm: Algorithm) -> String {
        let digested = Digested {
            algorithm,
            username: "Mufasa",
            realm: "http-auth@example.org",
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            method: "GET",
            uri: "/dir/index.html",
            body: b"",
            auth: Some((Qop::Auth, "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "00000001")),
        };
        digested.response("Circle of Life")
    }

    #[test]
    fn the_examples_of_rfc_7616_are_met() {
        assert_eq!(rfc_7616_example(Algorithm::Md5), "8ca523f5e9506fed4657c9700eebdbec");
        let sha256 = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        assert_eq!(rfc_7616_example(Algorithm::Sha256), sha256);
    }

    #[test]
    fn the_example_of_sha_512_256_is_met_as_its_erratum_corrects_it() {
        // RFC 7616 §3.9.2; erratum 4897: the values in the text are of another hash, SHA-512 cut short.
        let digested = Digested {
            algorithm: Algorithm::Sha512_256,
            username: "J\u{e4}s\u{f8}n Doe",
            realm: "api@example.org",
            nonce: "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
            method: "GET",
            uri: "/doe.json",
            body: b"",
            auth: Some((Qop::Auth, "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", "00000001")),
        };
        let response = "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5";
        assert_eq!(digested.response("Secret, or not?"), response);
    }

    #[test]
    fn with_auth_int_the_body_counts() {
        let response = |body: &'static [u8], qop| {
            let auth = Some((qop, "0a4f113b", "00000001"));
            let digested = Digested {
                algorithm: Algorithm::Md5,
                username: "bob",
                realm: "biloxi.com",
                nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
                method: "INVITE",
                uri: "sip:bob@biloxi.com",
                body,
                auth,
            };
            digested.response("zanzibar")
        };
        // draft-smith-sipping-auth-examples-01 §3.5 and §3.3, from one challenge.
        let body = b"v=0\r\n\
            o=bob 2890844526 2890844526 IN IP4 media.biloxi.com\r\n\
            s=-\r\n\
            c=IN IP4 media.biloxi.com\r\n\
            t=0 0\r\n\
            m=audio 49170 RTP/AVP 0\r\n\
            a=rtpmap:0 PCMU/8000\r\n\
            m=video 51372 RTP/AVP 31\r\n\
            a=rtpmap:31 H261/90000\r\n\
            m=video 53000 RTP/AVP 32\r\n\
            a=rtpmap:32 MPV/90000\r\n";
        assert_eq!(response(body, Qop::AuthInt), "bdbeebb2da6adb6bca02599c2239e192");
        assert_eq!(response(body, Qop::Auth), "89eb0059246c02b2f6ee02c7961d5ea3");
        assert_ne!(response(b"", Qop::AuthInt), response(body, Qop::AuthInt));
        assert_eq!(response(b"", Qop::Auth), response(body, Qop::Auth));
    }

    #[test]
    fn the_example_of_rfc_2617_is_met() {
        let digested = Digested {
            algorithm: Algorithm::Md5,
            username: "Mufasa",
            realm: "testrealm@host.com",
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            method: "GET",
            uri: "/dir/index.html",
            body: b"",
            auth: Some((Qop::Auth, "0a4f113b", "00000001")),
        };
        assert_eq!(digested.response("Circle Of Life"), "6629fae49393a05397450978507c4ef1");
    }

    #[test]
    fn without_qop_the_response_is_that_of_rfc_2069() {
        // RFC 2069 §2.4 with its erratum.
        let digested = Digested {
            algorithm: Algorithm::Md5,
            username: "Mufasa",
            realm: "testrealm@host.com",
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            method: "GET",
            uri: "/dir/index.html",
            body: b"",
            auth: None,
        };
        assert_eq!(digested.response("CircleOfLife"), "1949323746fe6a43ef61f9606e7febea");
    }

    #[test]
    fn a_password_is_in_no_debug_output() {
        let credentials = Credentials { username: "anna".into(), password: "geheim".into() };
        assert_eq!(format!("{credentials:?}"), "Credentials { username: \"anna\", .. }");
    }
}
