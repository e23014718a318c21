//! Typed header field values: name-addr, Contact, CSeq, Via, Content-Type (RFC 3261 §20, §25.1).

use super::{Host, Method, Params, ParseError, Uri, redact, text};
use rsip::typed::{Tokenize, tokenizers};
use std::{fmt, net::IpAddr};

/// `"Display" <uri>;params` (RFC 3261 §20.10: From, To, Contact, Route, Refer-To).
#[derive(Clone, PartialEq, Eq)]
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

    /// Reads a name-addr or an addr-spec. In the latter every parameter is the header's, and a URI
    /// with a comma or a question mark is malformed (§20). An unquoted display name may hold what
    /// should have been quoted, as long as its end is clear (RFC 4475 §3.1.2.15).
    ///
    /// # Errors
    /// An unclosed quote or bracket, or a URI that is none.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let text = text.trim();
        let Some(open) = text::find_unquoted(text, b'<') else {
            let (uri, params) = text.split_once(';').unwrap_or((text, ""));
            if uri.contains([',', '?']) {
                return Err(ParseError::malformed("address", "needs angle brackets"));
            }
            return Ok(Self {
                display: None,
                uri: Uri::parse(uri)?,
                params: Params::parse(params)?,
            });
        };
        let (display, rest) = (text[..open].trim_end(), &text[open + 1..]);
        if text::find_unquoted(display, b';').is_some() {
            return Err(ParseError::malformed("address", "has parameters before its bracket"));
        }
        let (uri, rest) = rest
            .split_once('>')
            .ok_or(ParseError::malformed("address", "has no closing angle bracket"))?;
        let rest = rest.trim_start();
        let params = match rest.strip_prefix(';') {
            Some(params) => Params::parse(params)?,
            None if rest.is_empty() => Params::default(),
            None => return Err(ParseError::malformed("address", "goes on after the bracket")),
        };
        let display = Some(text::unquote(display)?).filter(|display| !display.is_empty());
        Ok(Self { display, uri: Uri::parse(uri)?, params })
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
            write!(f, "{} ", text::quote(display))?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

impl fmt::Debug for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact::value(&self.to_string()))
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
        match text.trim() {
            "*" => Ok(Self::Star),
            address => NameAddr::parse(address).map(Self::Address),
        }
    }
}

impl fmt::Display for ContactHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Star => f.write_str("*"),
            Self::Address(address) => address.fmt(f),
        }
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
        let words = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let cseq = tokenizers::CseqTokenizer::tokenize(&words)
            .map_err(|_| ParseError::malformed("CSeq", "is not a number and a method"))?;
        let sequence = text::decimal(cseq.seq)
            .filter(|number| *number < 1 << 31)
            .ok_or(ParseError::malformed("CSeq", "has no number below 2^31"))?;
        if !text::is_token(cseq.method) {
            return Err(ParseError::malformed("CSeq", "has a method that is not a token"));
        }
        Ok(Self { sequence, method: Method::from_token(cseq.method) })
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
    /// Reads one element. White space may stand around each slash, colon and semicolon.
    ///
    /// # Errors
    /// Not SIP/2.0, or no transport or host.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let (sent, params) = text.split_once(';').unwrap_or((text, ""));
        let mut protocol = sent.splitn(3, '/').map(str::trim);
        let (name, version, rest) = (protocol.next(), protocol.next(), protocol.next());
        if !name.is_some_and(|name| name.eq_ignore_ascii_case("SIP")) || version != Some("2.0") {
            return Err(ParseError::malformed("Via", "is not SIP/2.0"));
        }
        let (transport, sent_by) = rest
            .and_then(|rest| rest.split_once(|c: char| c.is_ascii_whitespace()))
            .filter(|(transport, _)| text::is_token(transport))
            .ok_or(ParseError::malformed("Via", "has no transport and host"))?;
        let (host, port) = Host::parse_with_port(sent_by)?;
        let transport = transport.to_ascii_uppercase();
        Ok(Self { transport, host, port, params: Params::parse(params)? })
    }

    /// The branch parameter (RFC 3261 §8.1.1.7).
    pub fn branch(&self) -> Option<&str> {
        self.params.get("branch")
    }

    /// The address that the request came from, as the server saw it; an IPv6 address may stand in
    /// brackets or not (RFC 3261 §18.2.1, RFC 5118 §4.5).
    pub fn received(&self) -> Option<IpAddr> {
        let value = self.params.get("received")?;
        let bare = value.strip_prefix('[').and_then(|v| v.strip_suffix(']')).unwrap_or(value);
        bare.parse().ok()
    }

    /// The port that the request came from, as the server saw it (RFC 3581).
    pub fn rport(&self) -> Option<u16> {
        self.params.number("rport").and_then(|port| port.try_into().ok())
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

/// Content-Type (RFC 3261 §20.15).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentType {
    /// `application/sdp`, lower-cased.
    pub media_type: String,
    /// The parameters (`boundary`, `charset`).
    pub params: Vec<(String, String)>,
}

impl ContentType {
    /// Reads `type/subtype;name=value`.
    ///
    /// # Errors
    /// No slash between two tokens, or a parameter without a value.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let malformed = |why| ParseError::malformed("Content-Type", why);
        let media = tokenizers::NameParamsTokenizer::tokenize(text.trim())
            .map_err(|_| malformed("has a parameter without a value"))?;
        let (kind, subtype) = media.name.split_once('/').ok_or(malformed("has no slash"))?;
        let (kind, subtype) = (kind.trim(), subtype.trim());
        if !text::is_token(kind) || !text::is_token(subtype) {
            return Err(malformed("is not two tokens"));
        }
        let param = |(name, value): (&str, &str)| {
            (name.trim().to_ascii_lowercase(), value.trim().to_owned())
        };
        Ok(Self {
            media_type: format!("{kind}/{subtype}").to_ascii_lowercase(),
            params: media.params.into_iter().map(param).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> NameAddr {
        NameAddr::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn outside_the_brackets_parameters_are_the_headers() {
        let outside = address("sip:a@example.com;tag=1;x");
        assert_eq!((outside.tag(), outside.uri.params.has("x")), (Some("1"), false));
        let inside = address("<sip:a@example.com;tag=1>");
        assert_eq!((inside.tag(), inside.uri.params.get("tag")), (None, Some("1")));
    }

    #[test]
    fn display_names_are_unquoted_and_quoted_again() {
        for (text, display, printed) in [
            (r#""a \"b\" \\<c>" <sip:d@e>"#, Some(r#"a "b" \<c>"#), r#""a \"b\" \\<c>" <sip:d@e>"#),
            ("Bo <sip:d@e>", Some("Bo"), r#""Bo" <sip:d@e>"#),
            ("Bo<sip:d@e>;x", Some("Bo"), r#""Bo" <sip:d@e>;x"#),
            (r#""" <sip:d@e>"#, None, "<sip:d@e>"),
            ("< sip:d@e > ; tag = 1", None, "<sip:d@e>;tag=1"),
            ("Zoë, B. <sip:d@e>;", Some("Zoë, B."), r#""Zoë, B." <sip:d@e>"#),
        ] {
            let read = address(text);
            assert_eq!((read.display.as_deref(), read.to_string().as_str()), (display, printed));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "x",
            "<sip:a@b",
            "\"x <sip:a@b>",
            "<sip:a@b> x",
            "sip:a@b?c=d",
            "sip:a,b@c",
            "sip:a@b;x=<c>",
            "a\"b\" <sip:a@b>",
            "<>",
            "<sip:a@b>;;",
            "<<sip:a@b>>",
        ] {
            assert!(NameAddr::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_contact_may_be_a_star() {
        assert_eq!(ContactHeader::parse(" * "), Ok(ContactHeader::Star));
        assert!(ContactHeader::parse("*;x").is_err());
    }

    #[test]
    fn cseq_has_limits() {
        assert_eq!(
            CSeq::parse("0009 \t INVITE").unwrap(),
            CSeq { sequence: 9, method: Method::Invite }
        );
        assert_eq!(CSeq::parse("2147483647 x").unwrap().method, Method::Other("x".to_owned()));
        for text in [
            "",
            "1",
            "2147483648 BYE",
            "-1 BYE",
            "+1 BYE",
            "1 B YE",
            "1 B<E",
            "BYE 1",
            "99999999999 BYE",
        ] {
            assert!(CSeq::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn via_is_read_with_white_space_anywhere() {
        let via = Via::parse(
            "SIP / 2.0 / udp [2001:db8::1] : 5070 ; branch = z9hG4bK1;rport = 9;received=2001:db8::2",
        );
        let via = via.unwrap();
        assert_eq!(
            via.to_string(),
            "SIP/2.0/UDP [2001:db8::1]:5070;branch=z9hG4bK1;rport=9;received=2001:db8::2"
        );
        assert_eq!((via.branch(), via.rport()), (Some("z9hG4bK1"), Some(9)));
        assert_eq!(via.received(), "2001:db8::2".parse().ok());
        for text in [
            "",
            ";",
            "SIP/2.0",
            "SIP/2.0/UDP",
            "SIP/3.0/UDP a",
            "SIP/2.0/UDP a:x",
            "HTTP/2.0/UDP a",
        ] {
            assert!(Via::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn content_type_is_two_tokens_and_parameters() {
        let content =
            ContentType::parse("Multipart / Mixed ; Boundary=\"a;b\"; charset=utf-8").unwrap();
        assert_eq!(content.media_type, "multipart/mixed");
        assert_eq!(
            content.params,
            [("boundary".into(), "a;b".into()), ("charset".into(), "utf-8".into())]
        );
        for text in ["", "application", "a b/c", "a/", "a/b;c"] {
            assert!(ContentType::parse(text).is_err(), "{text}");
        }
    }

    /// `rsip`'s readers of whole values, on values that it is known to read rightly.
    mod rsip_agrees {
        use super::*;
        use rsip::{headers::ToTypedHeader, prelude::UntypedHeader};

        #[test]
        fn on_from() {
            let text = "\"Kim\" <sip:1001@pbx.example.org:5060;transport=ws>;tag=f1";
            let theirs = rsip::headers::From::new(text).typed().unwrap();
            let ours = address(text);
            // It leaves a display name in its quotes.
            let display = theirs.display_name.as_deref().map(|name| name.trim_matches('"'));
            assert_eq!(display, ours.display.as_deref());
            assert_eq!(theirs.uri.user(), ours.uri.user.as_deref());
            assert_eq!(theirs.uri.host().to_string(), ours.uri.host.as_ref().unwrap().to_string());
            assert_eq!(theirs.uri.port().map(|port| *port.value()), ours.uri.port);
            assert_eq!(theirs.tag().map(|tag| tag.value()), ours.tag());
        }

        #[test]
        fn on_via() {
            let text = "SIP/2.0/WSS edge.example.org:443;branch=z9hG4bKv1;received=198.51.100.7";
            let theirs = rsip::headers::Via::new(text).typed().unwrap();
            let ours = Via::parse(text).unwrap();
            assert_eq!(theirs.transport.to_string(), ours.transport);
            assert_eq!(theirs.uri.host().to_string(), ours.host.to_string());
            assert_eq!(theirs.branch().map(|branch| branch.value()), ours.branch());
            assert_eq!(theirs.received().unwrap(), ours.received());
        }

        #[test]
        fn on_cseq() {
            let theirs = rsip::headers::CSeq::new("4711 INVITE").typed().unwrap();
            let ours = CSeq::parse("4711 INVITE").unwrap();
            assert_eq!(
                (theirs.seq, theirs.method.to_string()),
                (ours.sequence, ours.method.to_string())
            );
        }
    }
}
