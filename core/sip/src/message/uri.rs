//! URIs: `sip`, `sips`, `tel`, and any other scheme kept as it came (RFC 3261 §19.1, RFC 3966).

use super::{Params, ParseError, redact, text};
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
    /// Any other, lower-cased; the rest of the URI stays unread in [`Uri::user`].
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

/// A URI (RFC 3261 §19.1). `==` compares what is written; [`Uri::matches`] compares as SIP does.
#[derive(Clone, PartialEq, Eq)]
pub struct Uri {
    /// The scheme.
    pub scheme: Scheme,
    /// The user part as it came, escapes, password and all; the number of a `tel:`, the rest of any
    /// other.
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
    /// `sip:user@host`. What a user part may not hold as it is (`#`, a blank) is escaped.
    pub fn sip(user: &str, host: &str) -> Self {
        let user = text::escape(user, |byte| {
            is_unreserved(byte) || byte == b'%' || b"&=+$,;?/".contains(&byte)
        });
        Self {
            scheme: Scheme::Sip,
            user: (!user.is_empty()).then_some(user),
            host: Some(Host::new(host)),
            port: None,
            params: Params::default(),
            headers: None,
        }
    }

    /// Reads a URI without angle brackets.
    ///
    /// # Errors
    /// No scheme, an empty host, a port that is not one, white space or another character that no
    /// URI holds.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let text = text.trim_matches([' ', '\t']);
        if !text.bytes().all(is_uri_char) {
            return Err(ParseError::malformed("URI", "holds a character not allowed"));
        }
        let (scheme, rest) = text
            .split_once(':')
            .filter(|(scheme, _)| is_scheme(scheme))
            .ok_or(ParseError::malformed("URI", "has no scheme"))?;
        if rest.is_empty() {
            return Err(ParseError::malformed("URI", "has nothing after its scheme"));
        }
        match scheme.to_ascii_lowercase().as_str() {
            "sip" => Self::parse_sip(Scheme::Sip, rest),
            "sips" => Self::parse_sip(Scheme::Sips, rest),
            "tel" => {
                let (number, params) = rest.split_once(';').unwrap_or((rest, ""));
                Ok(Self::opaque(Scheme::Tel, number, parse_params(params)?))
            }
            other => Ok(Self::opaque(Scheme::Other(other.to_owned()), rest, Params::default())),
        }
    }

    /// Whether both name the same resource (RFC 3261 §19.1.4, RFC 5954 §4 for addresses, RFC 3966
    /// §4 for numbers).
    pub fn matches(&self, other: &Self) -> bool {
        if self.scheme != other.scheme {
            return false;
        }
        match self.scheme {
            Scheme::Sip | Scheme::Sips => {
                normal(self.user.as_deref()) == normal(other.user.as_deref())
                    && self.host == other.host
                    && self.port == other.port
                    && self.params_match(other)
                    && self.sorted_headers() == other.sorted_headers()
            }
            Scheme::Tel => self.sorted_number() == other.sorted_number(),
            Scheme::Other(_) => self.user == other.user,
        }
    }

    /// The value of a header in the headers component, escapes undone (`Replaces` of a Refer-To).
    pub fn header(&self, name: &str) -> Option<String> {
        let fields = self.headers.as_deref()?.split('&');
        let (_, value) = fields
            .filter_map(|field| field.split_once('='))
            .find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(String::from_utf8_lossy(&text::unescape(value, |_| true)).into_owned())
    }

    /// Adds a header to the headers component, escaped.
    pub fn push_header(&mut self, name: &str, value: &str) {
        let field = format!(
            "{name}={}",
            text::escape(value, |b| is_unreserved(b) || b"[]/?:+$".contains(&b))
        );
        self.headers = Some(match self.headers.take() {
            Some(headers) => format!("{headers}&{field}"),
            None => field,
        });
    }

    /// Sets a URI parameter, its value escaped (RFC 3261 §25.1 `paramchar`).
    pub fn set_param(&mut self, name: &str, value: &str) {
        let escaped = text::escape(value, |b| is_unreserved(b) || b"[]/:&+$".contains(&b));
        self.params.set(name, &escaped);
    }

    fn opaque(scheme: Scheme, rest: &str, params: Params) -> Self {
        Self { scheme, user: Some(rest.to_owned()), host: None, port: None, params, headers: None }
    }

    fn parse_sip(scheme: Scheme, rest: &str) -> Result<Self, ParseError> {
        // The user part may hold `;` and `?` (RFC 4475 §3.1.1.9), but no `@`. An empty one is what
        // gateways send for a withheld number.
        let (user, rest) = match rest.split_once('@') {
            Some((user, rest)) => (Some(user).filter(|user| !user.is_empty()), rest),
            None => (None, rest),
        };
        let (rest, headers) = match rest.split_once('?') {
            Some((rest, headers)) => (rest, Some(headers)),
            None => (rest, None),
        };
        let (host_port, params) = rest.split_once(';').unwrap_or((rest, ""));
        if user.is_none() && headers.is_some_and(|headers| headers.contains('@')) {
            return Err(ParseError::malformed("URI", "has an empty user part and a second one"));
        }
        let (host, port) = Host::parse_with_port(host_port)?;
        Ok(Self {
            scheme,
            user: user.map(str::to_owned),
            host: Some(host),
            port,
            params: parse_params(params)?,
            headers: headers.map(str::to_owned),
        })
    }

    /// A parameter in both must have the same value; one in either only is ignored, but for those
    /// that say where or how to send. Of one that is repeated, against §19.1.1, the first counts.
    fn params_match(&self, other: &Self) -> bool {
        let agrees = |a: &Params, b: &Params| {
            a.iter().all(|(name, _)| match b.get(name) {
                Some(other) => normal(a.get(name)).map(lower) == normal(Some(other)).map(lower),
                None => !["user", "ttl", "method", "maddr", "transport"]
                    .iter()
                    .any(|strict| name.eq_ignore_ascii_case(strict)),
            })
        };
        agrees(&self.params, &other.params) && agrees(&other.params, &self.params)
    }

    fn sorted_headers(&self) -> Vec<Vec<u8>> {
        let headers = self.headers.as_deref().unwrap_or_default();
        let mut fields: Vec<_> =
            headers.split('&').filter_map(|h| normal(Some(h))).map(lower).collect();
        fields.sort();
        fields
    }

    /// The number without visual separators, then the parameters in alphabetical order.
    fn sorted_number(&self) -> (String, Vec<String>) {
        let mut number = self.user.clone().unwrap_or_default().to_ascii_lowercase();
        number.retain(|c| !"-.()".contains(c));
        let mut params: Vec<_> =
            self.params.iter().map(|(n, v)| format!("{n}={v}").to_ascii_lowercase()).collect();
        params.sort();
        (number, params)
    }
}

impl Host {
    /// A name, an IPv4 address, or an IPv6 address with or without brackets.
    pub fn new(text: &str) -> Self {
        let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        bare.parse().map_or_else(|_| Self::Name(text.to_ascii_lowercase()), Self::V6)
    }

    /// Reads `host[:port]` (RFC 3261 §25.1 hostport). White space may stand around the colon, as a
    /// Via allows.
    ///
    /// # Errors
    /// An empty host, an IPv6 address without its brackets, a port that is not one.
    pub fn parse_with_port(text: &str) -> Result<(Self, Option<u16>), ParseError> {
        let text = text.trim();
        let (host, port) = match text.strip_prefix('[') {
            Some(reference) => {
                let (address, rest) = reference
                    .split_once(']')
                    .ok_or(ParseError::malformed("host", "has no closing bracket"))?;
                (Self::parse_v6(address)?, rest.trim_start())
            }
            None => {
                let (name, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
                let name = name.trim_end();
                if name.is_empty() || !name.bytes().all(is_name_char) {
                    return Err(ParseError::malformed(
                        "host",
                        "is empty or holds a character not allowed",
                    ));
                }
                (Self::Name(name.to_ascii_lowercase()), rest)
            }
        };
        if port.is_empty() {
            return Ok((host, None));
        }
        let port = port
            .strip_prefix(':')
            .map(str::trim_start)
            .filter(|digits| !digits.is_empty())
            .and_then(text::decimal)
            .ok_or(ParseError::malformed("port", "is not a port number"))?;
        Ok((host, Some(port)))
    }

    /// RFC 3261's own grammar makes three colons before an IPv4 tail (RFC 5118 §4.10).
    fn parse_v6(text: &str) -> Result<Self, ParseError> {
        let address = match text.contains('.') {
            true => text.replacen(":::", "::", 1).parse(),
            false => text.parse(),
        };
        address.map(Self::V6).map_err(|_| ParseError::malformed("host", "is not an IPv6 address"))
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sip => "sip",
            Self::Sips => "sips",
            Self::Tel => "tel",
            Self::Other(scheme) => scheme,
        })
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

/// Prints the URI; what would end it early or change its parts is escaped.
impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme)?;
        if let Some(user) = &self.user {
            let keep_at = self.host.is_none();
            f.write_str(&text::escape(user, |b| is_uri_char(b) && (b != b'@' || keep_at)))?;
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
        f.write_str(&self.params.in_uri())?;
        if let Some(headers) = &self.headers {
            write!(f, "?{}", text::escape(headers, is_uri_char))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact::value(&self.to_string()))
    }
}

/// Parameters of a URI; what would end them must be escaped in it.
fn parse_params(text: &str) -> Result<Params, ParseError> {
    if text.contains(['@', '?']) {
        return Err(ParseError::malformed("URI", "has a parameter with a character not allowed"));
    }
    Params::parse(text)
}

/// Escapes undone but for reserved characters, which mean something else when they are not escaped
/// (RFC 3261 §19.1.4).
fn normal(text: Option<&str>) -> Option<Vec<u8>> {
    text.map(|text| text::unescape(text, |byte| !b";/?:@&=+$,%".contains(&byte)))
}

fn lower(bytes: Vec<u8>) -> Vec<u8> {
    bytes.to_ascii_lowercase()
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

/// What may stand in a URI of any kind. More than the grammar allows: `#` in a dialled code and
/// UTF-8 names are seen unescaped.
fn is_uri_char(byte: u8) -> bool {
    byte > b' ' && !matches!(byte, 0x7f | b'<' | b'>' | b'"')
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte)
}

fn is_name_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        Uri::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn what_is_read_is_printed() {
        for text in [
            "sip:alice@example.com",
            "sips:alice:se%3Acret@example.com:5061;transport=ws;lr?Subject=a%20b&x=1",
            "sip:[2001:db8::1]:5060;maddr=[2001:db8::2]",
            "sip:a;b=%40c?d@example.com;gr=urn:uuid:1",
            "sip:*97#@example.com",
            "sip:example.com",
            "tel:+1-201-555-0123;phone-context=example.com",
            "urn:service:sos",
            "soap.beep://192.0.2.1:3002",
            "sip:bob@example.com?Replaces=1%3Bto-tag%3D2@3",
        ] {
            assert_eq!(uri(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        for text in [
            "",
            "sip",
            "sip:",
            ":a",
            "sip:a@",
            "sip:a b@c",
            "<sip:a@b>",
            "sip:a@b@c",
            "sip:2001:db8::1",
            "sip:[2001:db8::1",
            "sip:[2001:db8::1]5060",
            "sip:a@b:",
            "sip:a@b:+5",
            "sip:a@b:65536",
            "sip:a@b:5060x",
            "sip:a@b;;c",
            "sip:a@b;x=c@d",
            "1sip:a@b",
            "sip:a@b;x=\"c\"",
            "tel:1;x=a@b",
            "sip:@a?b@c",
        ] {
            assert!(Uri::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_empty_user_is_none() {
        assert_eq!(uri("sip:@192.0.2.1").user, None);
    }

    #[test]
    fn what_is_set_cannot_change_the_uris_parts() {
        assert_eq!(Uri::sip("*97#", "example.com").to_string(), "sip:*97%23@example.com");
        let mut built = Uri::sip("a@b c:d", "example.com");
        built.params.set("x", "1;lr>\r\n");
        built.push_header("Replaces", "id@host;to-tag=1");
        let read = uri(&built.to_string());
        assert_eq!(read.user.as_deref(), Some("a%40b%20c%3Ad"));
        assert_eq!(read.params.get("x"), Some("1%3Blr%3E%0D%0A"));
        assert_eq!(read.header("replaces").as_deref(), Some("id@host;to-tag=1"));
    }

    #[test]
    fn rfc_3261_19_1_4_equal_pairs_match() {
        for (a, b) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
            ("sip:a@[2001:db8:0::1]", "sip:a@[2001:DB8::1]"),
            ("tel:+1-201-555-0123;a=1;b=2", "tel:+12015550123;b=2;a=1"),
            ("sip:a@b;transport=ws;transport=udp", "sip:a@b;transport=ws;transport=udp"),
        ] {
            assert!(uri(a).matches(&uri(b)) && uri(b).matches(&uri(a)), "{a} {b}");
        }
    }

    #[test]
    fn rfc_3261_19_1_4_different_pairs_do_not() {
        for (a, b) in [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
            ("sip:a%3Bb@example.com", "sip:a;b@example.com"),
            ("sip:a@example.com", "sips:a@example.com"),
            ("sip:a@example.com;user=phone", "sip:a@example.com"),
            ("sip:a:b@example.com", "sip:a@example.com"),
        ] {
            assert!(!uri(a).matches(&uri(b)) && !uri(b).matches(&uri(a)), "{a} {b}");
        }
    }

    #[test]
    fn a_password_does_not_show_in_debug_output() {
        assert!(!format!("{:?}", uri("sip:alice:hush@example.com")).contains("hush"));
    }
}
