//! Digest access authentication, both sides (RFC 3261 §22, RFC 7616, RFC 8760).
//!
//! Algorithms MD5 and SHA-256, `qop=auth` or none. Of several challenges the first that is
//! understood is taken (RFC 8760 §2.4: they come in the server's order of preference). A nonce is
//! kept, so that the next request carries credentials at once.

use crate::{Headers, Request, Response};
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

/// A client's memory of the realms that challenged it: nonce, count and algorithm of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DigestClient {}

impl DigestClient {
    /// Learns the challenges of a 401 or 407 to `request`. Afterwards [`DigestClient::authorize`]
    /// adds credentials.
    ///
    /// # Errors
    /// As [`DigestError`]. A stale nonce is not an error, nor is a second realm.
    pub fn challenged(
        &mut self,
        request: &Request,
        response: &Response,
    ) -> Result<(), DigestError> {
        let _ = (request, response);
        todo!()
    }

    /// Puts credentials for each known challenge into `request`, in place of those there. `cnonce`
    /// is fresh randomness as hex. Does nothing while no challenge is known.
    pub fn authorize(&mut self, request: &mut Request, credentials: &Credentials, cnonce: &str) {
        let _ = (request, credentials, cnonce);
        todo!()
    }

    /// Takes a `nextnonce` from Authentication-Info (RFC 7616 §3.5).
    pub fn handle_response(&mut self, headers: &Headers) {
        let _ = headers;
        todo!()
    }

    /// What may be stored to spare a round trip after a restart: realm, nonce, opaque, algorithm,
    /// count. No secret is in it. An opaque, versioned line of text.
    pub fn to_saved(&self) -> String {
        todo!()
    }

    /// Restores [`DigestClient::to_saved`]; anything else is an empty memory.
    pub fn from_saved(saved: &str) -> Self {
        let _ = saved;
        todo!()
    }
}

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

impl DigestServer {
    /// WWW-Authenticate values, one an algorithm.
    pub fn challenge(&self, nonce: &str, stale: bool) -> Vec<String> {
        let _ = (nonce, stale);
        todo!()
    }

    /// Checks Authorization of `request`. `password` finds a user's password; `nonce_ok` says
    /// whether a nonce is one of ours and fresh.
    pub fn verify(
        &self,
        request: &Request,
        password: impl Fn(&str) -> Option<String>,
        nonce_ok: impl Fn(&str) -> bool,
    ) -> Verdict {
        let _ = (request, password, nonce_ok);
        todo!()
    }
}
