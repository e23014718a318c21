//! Typed header field values: name-addr, Via, CSeq, Contact, and the parameters they share.

use super::{Host, Method, ParseError, Uri};
use std::fmt;

/// `;name=value` parameters in order; names compared without case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, Option<String>)>);

impl Params {
    /// Reads parameters separated by semicolons, with no leading one. Quoted values lose their
    /// quotes and get them back when printed.
    ///
    /// # Errors
    /// An unclosed quote.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut params = Vec::new();
        for part in split_outside_quotes(text, b';') {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim(), Some(unquote(value.trim())?)),
                None => (part, None),
            };
            params.push((name.to_owned(), value));
        }
        Ok(Self(params))
    }

    /// The value of a parameter; `Some("")` for a flag.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(value.as_deref().unwrap_or(""))
    }

    /// Whether the parameter is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets a parameter; an empty value makes it a flag.
    pub fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.0.push((name.to_owned(), (!value.is_empty()).then(|| value.to_owned())));
    }

    /// Takes a parameter away.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    /// Name and value (empty for a flag) in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_deref().unwrap_or("")))
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.0 {
            match value {
                None => write!(f, ";{name}")?,
                Some(value) if value.bytes().all(is_param_char) && !value.is_empty() => {
                    write!(f, ";{name}={value}")?;
                }
                Some(value) => {
                    write!(f, ";{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))?;
                }
            }
        }
        Ok(())
    }
}

/// `"Display" <uri>;params` (RFC 3261 §20.10: From, To, Contact, Route, Refer-To).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAddr {
    /// The display name, without quotes.
    pub display: Option<String>,
    /// The URI.
    pub uri: Uri,
    /// The header parameters (`tag`, `expires`, `+sip.instance`): not the URI's.
    pub params: Params,
}

impl NameAddr {
    /// An address without display name and parameters.
    pub fn new(uri: Uri) -> Self {
        Self { display: None, uri, params: Params::default() }
    }

    /// Reads a name-addr or an addr-spec. In the latter every parameter is the header's (§20.10).
    ///
    /// # Errors
    /// An unclosed quote or bracket, or a URI that is none.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let text = text.trim();
        let Some(open) = find_outside_quotes(text, b'<')? else {
            let (uri, params) = text.split_once(';').unwrap_or((text, ""));
            return Ok(Self { display: None, uri: Uri::parse(uri)?, params: Params::parse(params)? });
        };
        let close = text[open..]
            .find('>')
            .ok_or(ParseError::malformed("address", "has no closing angle bracket"))?
            + open;
        let display = unquote(text[..open].trim())?;
        let rest = text[close + 1..].trim_start();
        let params = match rest.strip_prefix(';') {
            Some(params) => Params::parse(params)?,
            None if rest.is_empty() => Params::default(),
            None => return Err(ParseError::malformed("address", "goes on after the bracket")),
        };
        Ok(Self {
            display: (!display.is_empty()).then_some(display),
            uri: Uri::parse(&text[open + 1..close])?,
            params,
        })
    }

    /// The tag parameter (RFC 3261 §19.3).
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag")
    }

    /// The same address with this tag.
    pub fn with_tag(mut self, tag: &str) -> Self {
        self.params.set("tag", tag);
        self
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            write!(f, "\"{}\" ", display.replace('\\', "\\\\").replace('"', "\\\""))?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

/// One Contact element (RFC 3261 §20.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactHeader {
    /// `*`: all bindings.
    Star,
    /// An address.
    Address(NameAddr),
}

impl ContactHeader {
    /// Reads one element.
    ///
    /// # Errors
    /// As [`NameAddr::parse`].
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if text.trim() == "*" {
            return Ok(Self::Star);
        }
        NameAddr::parse(text).map(Self::Address)
    }
}

/// CSeq (RFC 3261 §20.16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CSeq {
    /// The sequence number, below 2^31.
    pub sequence: u32,
    /// The method.
    pub method: Method,
}

impl CSeq {
    /// Reads `number method`.
    ///
    /// # Errors
    /// No number below 2^31, or no method.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut words = text.split_ascii_whitespace();
        let sequence = words
            .next()
            .and_then(|number| number.parse().ok())
            .filter(|number| *number < 1 << 31)
            .ok_or(ParseError::malformed("CSeq", "has no number below 2^31"))?;
        match (words.next(), words.next()) {
            (Some(method), None) => Ok(Self { sequence, method: Method::from_token(method) }),
            _ => Err(ParseError::malformed("CSeq", "is not a number and a method")),
        }
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sequence, self.method)
    }
}

/// One Via element (RFC 3261 §20.42).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// `WSS`, `UDP`, … upper-cased.
    pub transport: String,
    /// The sent-by host.
    pub host: Host,
    /// The sent-by port, where it is written.
    pub port: Option<u16>,
    /// The parameters (`branch`, `received`, `rport`).
    pub params: Params,
}

impl Via {
    /// Reads one element.
    ///
    /// # Errors
    /// Not SIP/2.0, or no transport or host.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let (sent, params) = text.split_once(';').unwrap_or((text, ""));
        let mut protocol = sent.splitn(3, '/');
        let (name, version, rest) = (protocol.next(), protocol.next(), protocol.next());
        if !name.is_some_and(|n| n.trim().eq_ignore_ascii_case("SIP"))
            || version.is_none_or(|v| v.trim() != "2.0")
        {
            return Err(ParseError::malformed("Via", "is not SIP/2.0"));
        }
        let (transport, host) = rest
            .and_then(|rest| rest.trim_start().split_once(|c: char| c.is_ascii_whitespace()))
            .ok_or(ParseError::malformed("Via", "has no transport and host"))?;
        let (host, port) = Host::parse_with_port(host)?;
        let transport = transport.to_ascii_uppercase();
        Ok(Self { transport, host, port, params: Params::parse(params)? })
    }

    /// The branch parameter (RFC 3261 §8.1.1.7).
    pub fn branch(&self) -> Option<&str> {
        self.params.get("branch")
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "{}", self.params)
    }
}

/// Splits at commas outside quotes and angle brackets; empty elements are left out.
pub(super) fn split_list(text: &str) -> Vec<String> {
    let (mut parts, mut start, mut quoted, mut escaped, mut angle) = (Vec::new(), 0, false, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'<' if !quoted => angle = true,
            b'>' if !quoted => angle = false,
            b',' if !quoted && !angle => {
                parts.push(text[start..at].trim().to_owned());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim().to_owned());
    parts.retain(|part| !part.is_empty());
    parts
}

fn split_outside_quotes(text: &str, separator: u8) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == separator && !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn find_outside_quotes(text: &str, wanted: u8) -> Result<Option<usize>, ParseError> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == wanted && !quoted => return Ok(Some(at)),
            _ => {}
        }
    }
    if quoted { Err(ParseError::malformed("quoted string", "is not closed")) } else { Ok(None) }
}

fn unquote(text: &str) -> Result<String, ParseError> {
    let Some(inner) = text.strip_prefix('"') else { return Ok(text.to_owned()) };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, character) in inner.char_indices() {
        match character {
            _ if escaped => {
                value.push(character);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' if at + 1 == inner.len() => return Ok(value),
            '"' => return Err(ParseError::malformed("quoted string", "goes on after its end")),
            _ => value.push(character),
        }
    }
    Err(ParseError::malformed("quoted string", "is not closed"))
}

/// token characters and those that real traffic leaves unquoted (RFC 3261 §25.1 token, host).
fn is_param_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~[]:/&$".contains(&byte)
}
