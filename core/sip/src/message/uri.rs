//! URIs: `sip`, `sips`, `tel`, and any other scheme kept as it came (RFC 3261 §19.1, RFC 3966).

use super::{Params, ParseError};
use std::fmt;

/// A URI's scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// `sip:` (RFC 3261 §19.1).
    Sip,
    /// `sips:` (RFC 3261 §19.1).
    Sips,
    /// `tel:` (RFC 3966).
    Tel,
    /// Any other; the rest of the URI stays unread in [`Uri::user`].
    Other(String),
}

/// The host part of a SIP URI, or of a Via's sent-by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A domain name or an IPv4 address, lower-cased.
    Name(String),
    /// An IPv6 reference, printed in brackets.
    V6(std::net::Ipv6Addr),
}

/// A URI (RFC 3261 §19.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uri {
    /// The scheme.
    pub scheme: Scheme,
    /// The user part as it came, escapes and all; the number of a `tel:`, the rest of any other.
    pub user: Option<String>,
    /// The host; `None` where the scheme has none.
    pub host: Option<Host>,
    /// The port, where it is written.
    pub port: Option<u16>,
    /// The URI parameters (`;transport=ws`).
    pub params: Params,
    /// The headers component after `?`, as it came.
    pub headers: Option<String>,
}

impl Uri {
    /// `sip:user@host`.
    pub fn sip(user: &str, host: &str) -> Self {
        Self {
            scheme: Scheme::Sip,
            user: (!user.is_empty()).then(|| user.to_owned()),
            host: Some(Host::new(host)),
            port: None,
            params: Params::default(),
            headers: None,
        }
    }

    /// Reads a URI without angle brackets.
    ///
    /// # Errors
    /// No scheme, an empty host, a port that is not one.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let (scheme, rest) =
            text.trim().split_once(':').ok_or(ParseError::malformed("URI", "has no scheme"))?;
        match scheme.to_ascii_lowercase().as_str() {
            "sip" => Self::parse_sip(Scheme::Sip, rest),
            "sips" => Self::parse_sip(Scheme::Sips, rest),
            "tel" => {
                let (number, params) = rest.split_once(';').unwrap_or((rest, ""));
                Ok(Self::opaque(Scheme::Tel, number, Params::parse(params)?))
            }
            other => Ok(Self::opaque(Scheme::Other(other.to_owned()), rest, Params::default())),
        }
    }

    fn opaque(scheme: Scheme, rest: &str, params: Params) -> Self {
        Self { scheme, user: Some(rest.to_owned()), host: None, port: None, params, headers: None }
    }

    fn parse_sip(scheme: Scheme, rest: &str) -> Result<Self, ParseError> {
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, rest)) => (Some(user.to_owned()), rest),
            None => (None, rest),
        };
        let (rest, headers) = match rest.split_once('?') {
            Some((rest, headers)) => (rest, Some(headers.to_owned())),
            None => (rest, None),
        };
        let (host_port, params) = rest.split_once(';').unwrap_or((rest, ""));
        let (host, port) = Host::parse_with_port(host_port)?;
        Ok(Self { scheme, user, host: Some(host), port, params: Params::parse(params)?, headers })
    }
}

impl Host {
    /// A name, an IPv4 address, or an IPv6 address with or without brackets.
    pub fn new(text: &str) -> Self {
        let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        bare.parse().map_or_else(|_| Self::Name(text.to_ascii_lowercase()), Self::V6)
    }

    /// Reads `host[:port]` (RFC 3261 §25.1 hostport).
    ///
    /// # Errors
    /// An empty host, an unclosed bracket, a port that is not one.
    pub fn parse_with_port(text: &str) -> Result<(Self, Option<u16>), ParseError> {
        let text = text.trim();
        let (host, port) = if text.starts_with('[') {
            let end = text.find(']').ok_or(ParseError::malformed("host", "has no closing bracket"))?;
            let address = text[1..end]
                .parse()
                .map_err(|_| ParseError::malformed("host", "is not an IPv6 address"))?;
            (Self::V6(address), text[end + 1..].strip_prefix(':'))
        } else {
            let (host, port) = match text.split_once(':') {
                Some((host, port)) => (host.trim_end(), Some(port.trim_start())),
                None => (text, None),
            };
            if host.is_empty() || !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
                return Err(ParseError::malformed("host", "is empty or holds a character not allowed"));
            }
            (Self::Name(host.to_ascii_lowercase()), port)
        };
        let port = port
            .map(|p| p.parse().map_err(|_| ParseError::malformed("port", "is not a port number")))
            .transpose()?;
        Ok((host, port))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match &self.scheme {
            Scheme::Sip => "sip",
            Scheme::Sips => "sips",
            Scheme::Tel => "tel",
            Scheme::Other(scheme) => scheme,
        };
        write!(f, "{scheme}:")?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
        }
        if let Some(host) = &self.host {
            if self.user.is_some() {
                f.write_str("@")?;
            }
            write!(f, "{host}")?;
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "{}", self.params)?;
        if let Some(headers) = &self.headers {
            write!(f, "?{headers}")?;
        }
        Ok(())
    }
}
