//! Digest access authentication, both sides (RFC 3261 §22, RFC 7616, RFC 8760).
//!
//! Algorithms MD5 and SHA-256, `qop=auth` or none. Of several challenges the first that is
//! understood is taken (RFC 8760 §2.4: they come in the server's order of preference). A nonce is
//! kept, so that the next request carries credentials at once.

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
    /// Our credentials for this nonce were refused, and the nonce is not stale: they are wrong.
    #[error("the server refused the user name or password")]
    Refused,
}

/// A digest algorithm. The variants with `-sess` and SHA-512-256 are not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5,
    Sha256,
}

impl Algorithm {
    fn from_token(token: &str) -> Option<Self> {
        let known = [Self::Md5, Self::Sha256];
        known.into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(token))
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&md5::Md5::digest(text)),
            Self::Sha256 => hex(&sha2::Sha256::digest(text)),
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
    /// With `qop=auth`: cnonce and nc as they stand in the header field.
    auth: Option<(&'a str, &'a str)>,
}

impl Digested<'_> {
    fn response(&self, password: &str) -> String {
        let hash = |text: String| self.algorithm.hash(&text);
        let ha1 = hash(format!("{}:{}:{password}", self.username, self.realm));
        let ha2 = hash(format!("{}:{}", self.method, self.uri));
        match self.auth {
            Some((cnonce, nc)) => hash(format!("{ha1}:{}:{nc}:{cnonce}:auth:{ha2}", self.nonce)),
            None => hash(format!("{ha1}:{}:{ha2}", self.nonce)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
            auth: Some(("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "00000001")),
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
    fn the_example_of_rfc_2617_is_met() {
        let digested = Digested {
            algorithm: Algorithm::Md5,
            username: "Mufasa",
            realm: "testrealm@host.com",
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            method: "GET",
            uri: "/dir/index.html",
            auth: Some(("0a4f113b", "00000001")),
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
