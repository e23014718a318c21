//! Header fields in order, with names compared as RFC 3261 §7.3.1 says and compact forms resolved.

use super::{CSeq, ContactHeader, ContentType, NameAddr, ParseError, Uri, Via, text};
use std::{borrow::Cow, fmt};

/// A header field's name: compared without case, compact forms resolved when read.
#[derive(Clone)]
pub struct HeaderName(Cow<'static, str>);

macro_rules! header_names {
    ($($konst:ident $name:literal $($compact:literal)?),* $(,)?) => {
        impl HeaderName {
            $(#[doc = concat!("`", $name, "`")] pub const $konst: Self = Self(Cow::Borrowed($name));)*

            /// The name of this spelling, full or compact.
            pub fn new(name: &str) -> Self {
                // Their lengths tell most names apart.
                $(if name.len() == $name.len() && name.eq_ignore_ascii_case($name)
                    $(|| name.len() == 1 && name.eq_ignore_ascii_case($compact))?
                {
                    return Self::$konst;
                })*
                Self(Cow::Owned(name.to_owned()))
            }
        }
    };
}

header_names! {
    VIA "Via" "v",
    FROM "From" "f",
    TO "To" "t",
    CALL_ID "Call-ID" "i",
    CSEQ "CSeq",
    CONTACT "Contact" "m",
    MAX_FORWARDS "Max-Forwards",
    ROUTE "Route",
    RECORD_ROUTE "Record-Route",
    PATH "Path",
    SERVICE_ROUTE "Service-Route",
    CONTENT_LENGTH "Content-Length" "l",
    CONTENT_TYPE "Content-Type" "c",
    CONTENT_ENCODING "Content-Encoding" "e",
    CONTENT_DISPOSITION "Content-Disposition",
    SUBJECT "Subject" "s",
    SUPPORTED "Supported" "k",
    REQUIRE "Require",
    PROXY_REQUIRE "Proxy-Require",
    UNSUPPORTED "Unsupported",
    ALLOW "Allow",
    ALLOW_EVENTS "Allow-Events" "u",
    EVENT "Event" "o",
    EXPIRES "Expires",
    MIN_EXPIRES "Min-Expires",
    ACCEPT "Accept",
    ACCEPT_ENCODING "Accept-Encoding",
    ACCEPT_LANGUAGE "Accept-Language",
    AUTHORIZATION "Authorization",
    PROXY_AUTHORIZATION "Proxy-Authorization",
    WWW_AUTHENTICATE "WWW-Authenticate",
    PROXY_AUTHENTICATE "Proxy-Authenticate",
    AUTHENTICATION_INFO "Authentication-Info",
    USER_AGENT "User-Agent",
    SERVER "Server",
    DATE "Date",
    REASON "Reason",
    RETRY_AFTER "Retry-After",
    WARNING "Warning",
    REFER_TO "Refer-To" "r",
    REFERRED_BY "Referred-By" "b",
    REPLACES "Replaces",
    REFER_SUB "Refer-Sub",
    SESSION_EXPIRES "Session-Expires" "x",
    MIN_SE "Min-SE",
    RACK "RAck",
    RSEQ "RSeq",
    SUBSCRIPTION_STATE "Subscription-State",
    TIMESTAMP "Timestamp",
    FLOW_TIMER "Flow-Timer",
    IDENTITY "Identity" "y",
    ACCEPT_CONTACT "Accept-Contact" "a",
    REJECT_CONTACT "Reject-Contact" "j",
    REQUEST_DISPOSITION "Request-Disposition" "d",
    P_ASSERTED_IDENTITY "P-Asserted-Identity",
    CALL_INFO "Call-Info",
    ALERT_INFO "Alert-Info",
    ANSWER_MODE "Answer-Mode",
    RECORD "Record",
    X_CALL_UID "X-Call-UID",
    X_EARLY_MEDIA "X-Early-Media",
    X_QUEUE "X-Queue",
    X_CONTROL_ID "X-Control-ID",
    X_MESSAGE_ID "X-Message-ID",
    X_MESSAGE_REPORT "X-Message-Report",
    X_CALL_GROUP "X-Call-Group",
    X_QUEUE_WAIT "X-Queue-Wait",
    X_CALLER_REF "X-Caller-Ref",
    X_RETURNED_FROM "X-Returned-From",
}

impl HeaderName {
    /// The name as it is printed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for HeaderName {}

impl fmt::Debug for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Header fields in order. Values are bytes: a field that is not UTF-8 is kept and sent back as it
/// came (RFC 3261 §7.3.1 allows UTF-8 only, real traffic does not care). Content-Length is not among
/// those of a message that was read: it is what the body says. Debug output shows no credentials.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    fields: Vec<(HeaderName, Vec<u8>)>,
}

impl Headers {
    /// The first field of this name, as text; what is not UTF-8 is replaced by U+FFFD.
    pub fn get(&self, name: &HeaderName) -> Option<Cow<'_, str>> {
        let field = self.fields.iter().find(|(n, _)| n == name)?;
        Some(String::from_utf8_lossy(&field.1))
    }

    /// All fields of this name in order, as text. A list in one field is not split here.
    pub fn all<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = Cow<'a, str>> {
        self.raw(name).map(String::from_utf8_lossy)
    }

    /// All fields of this name in order, as they came.
    pub fn raw<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a [u8]> {
        self.fields.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_slice())
    }

    /// All fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &[u8])> {
        self.fields.iter().map(|(n, v)| (n, v.as_slice()))
    }

    /// Whether a field of this name is there.
    pub fn has(&self, name: &HeaderName) -> bool {
        self.raw(name).next().is_some()
    }

    /// Adds a field after all others.
    pub fn push(&mut self, name: HeaderName, value: impl Into<Vec<u8>>) {
        self.fields.push((name, value.into()));
    }

    /// Adds a field before all others (a Via).
    pub fn push_front(&mut self, name: HeaderName, value: impl Into<Vec<u8>>) {
        self.fields.insert(0, (name, value.into()));
    }

    /// Puts one field in place of all of this name, where the first of them stood.
    pub fn set(&mut self, name: HeaderName, value: impl AsRef<[u8]>) {
        let value = value.as_ref().to_vec();
        match self.fields.iter().position(|(n, _)| *n == name) {
            Some(at) => {
                let later = self.fields.split_off(at + 1);
                self.fields.extend(later.into_iter().filter(|(n, _)| *n != name));
                self.fields[at].1 = value;
            }
            None => self.push(name, value),
        }
    }

    /// Takes away all fields of this name.
    pub fn remove(&mut self, name: &HeaderName) {
        self.fields.retain(|(n, _)| n != name);
    }

    /// Adds the first of `other`'s fields of this name, as it came.
    pub(super) fn copy_first(&mut self, other: &Self, name: &HeaderName) {
        if let Some(value) = other.raw(name).next() {
            self.push(name.clone(), value);
        }
    }

    /// Adds all of `other`'s fields of this name, as they came.
    pub fn copy_all(&mut self, other: &Self, name: &HeaderName) {
        for value in other.raw(name) {
            self.push(name.clone(), value);
        }
    }

    /// The topmost Via (RFC 3261 §20.42).
    ///
    /// # Errors
    /// Missing or malformed.
    pub fn via(&self) -> Result<Via, ParseError> {
        let field = self.get(&HeaderName::VIA).ok_or(ParseError::missing("Via"))?;
        Via::parse(text::split_list(&field).first().ok_or(ParseError::missing("Via"))?)
    }

    /// All Vias, the topmost first.
    ///
    /// # Errors
    /// One of them is malformed.
    pub fn vias(&self) -> Result<Vec<Via>, ParseError> {
        self.list(&HeaderName::VIA).iter().map(|value| Via::parse(value)).collect()
    }

    /// The addresses in all fields of this name, in order: Route, Record-Route, Service-Route, Path,
    /// P-Asserted-Identity.
    ///
    /// # Errors
    /// One of them is malformed.
    pub fn addresses(&self, name: &HeaderName) -> Result<Vec<NameAddr>, ParseError> {
        self.list(name).iter().map(|value| NameAddr::parse(value)).collect()
    }

    /// Content-Type (RFC 3261 §20.15).
    ///
    /// # Errors
    /// Missing or malformed.
    pub fn content_type(&self) -> Result<ContentType, ParseError> {
        let value =
            self.get(&HeaderName::CONTENT_TYPE).ok_or(ParseError::missing("Content-Type"))?;
        ContentType::parse(&value)
    }

    /// From (RFC 3261 §20.20).
    ///
    /// # Errors
    /// Missing or malformed.
    pub fn from(&self) -> Result<NameAddr, ParseError> {
        NameAddr::parse(&self.get(&HeaderName::FROM).ok_or(ParseError::missing("From"))?)
    }

    /// To (RFC 3261 §20.39).
    ///
    /// # Errors
    /// Missing or malformed.
    pub fn to(&self) -> Result<NameAddr, ParseError> {
        NameAddr::parse(&self.get(&HeaderName::TO).ok_or(ParseError::missing("To"))?)
    }

    /// Call-ID (RFC 3261 §20.8).
    ///
    /// # Errors
    /// Missing, empty or with white space in it.
    pub fn call_id(&self) -> Result<String, ParseError> {
        let value = self.get(&HeaderName::CALL_ID).ok_or(ParseError::missing("Call-ID"))?;
        if value.is_empty() || value.contains(|c: char| c.is_ascii_whitespace()) {
            return Err(ParseError::malformed("Call-ID", "is not one word"));
        }
        Ok(value.into_owned())
    }

    /// CSeq (RFC 3261 §20.16).
    ///
    /// # Errors
    /// Missing or malformed.
    pub fn cseq(&self) -> Result<CSeq, ParseError> {
        CSeq::parse(&self.get(&HeaderName::CSEQ).ok_or(ParseError::missing("CSeq"))?)
    }

    /// All Contacts; `*` is [`ContactHeader::Star`] (RFC 3261 §20.10).
    ///
    /// # Errors
    /// One of them is malformed.
    pub fn contacts(&self) -> Result<Vec<ContactHeader>, ParseError> {
        self.list(&HeaderName::CONTACT).iter().map(|value| ContactHeader::parse(value)).collect()
    }

    /// The URI of the first Contact (RFC 3261 §12.1: the remote target).
    ///
    /// # Errors
    /// Missing, malformed or `*`.
    pub fn contact_uri(&self) -> Result<Uri, ParseError> {
        match self.contacts()?.into_iter().next() {
            Some(ContactHeader::Address(address)) => Ok(address.uri),
            Some(ContactHeader::Star) | None => Err(ParseError::missing("Contact")),
        }
    }

    /// The number at the start of a field, as in Expires, Max-Forwards, Session-Expires, Retry-After;
    /// parameters and a comment may follow. `None` where it is missing, not a number or too large.
    pub fn number(&self, name: &HeaderName) -> Option<u32> {
        let value = self.get(name)?;
        let number = value.split([';', '(', ' ', '\t']).next()?;
        text::decimal(number)
    }

    /// The elements of all fields of this name, split at commas outside quotes and angle brackets.
    pub fn list(&self, name: &HeaderName) -> Vec<String> {
        let mut elements = Vec::new();
        for field in self.all(name) {
            elements.extend(text::split_list(&field).into_iter().map(str::to_owned));
        }
        elements
    }

    /// Whether the option tag stands in a list such as Supported or Require (RFC 3261 §19.2).
    pub fn has_token(&self, name: &HeaderName, token: &str) -> bool {
        self.list(name).iter().any(|element| element.eq_ignore_ascii_case(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_compact_forms_resolved() {
        assert_eq!(HeaderName::new("M"), HeaderName::CONTACT);
        assert_eq!(HeaderName::new("x-call-uid"), HeaderName::X_CALL_UID);
        assert_eq!(HeaderName::new("call-id").as_str(), "Call-ID");
        assert_eq!(HeaderName::new("X-Odd"), HeaderName::new("x-odd"));
    }

    #[test]
    fn set_leaves_one_field_where_the_first_stood() {
        let mut headers = Headers::default();
        for (name, value) in [("To", "1"), ("X-Odd", "a"), ("From", "2"), ("x-odd", "b")] {
            headers.push(HeaderName::new(name), value);
        }
        headers.set(HeaderName::new("X-Odd"), "c");
        let fields: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value)).collect();
        assert_eq!(fields, [("To", &b"1"[..]), ("X-Odd", b"c"), ("From", b"2")]);
    }

    #[test]
    fn a_number_may_have_parameters_and_a_comment() {
        let number = |value: &str| {
            let mut headers = Headers::default();
            headers.push(HeaderName::RETRY_AFTER, value);
            headers.number(&HeaderName::RETRY_AFTER)
        };
        assert_eq!(number("120 (at lunch);duration=60"), Some(120));
        assert_eq!(number("1800;refresher=uac"), Some(1800));
        for none in ["", "soon", "-1", "4294967296", "(1)"] {
            assert_eq!(number(none), None, "{none}");
        }
    }

    #[test]
    fn lists_are_read_over_fields_and_commas() {
        let mut headers = Headers::default();
        headers.push(HeaderName::ROUTE, "<sip:a;lr>, \"x, y\" <sip:b,c@d;lr>");
        headers.push(HeaderName::ROUTE, "<sip:e;lr>");
        assert_eq!(headers.addresses(&HeaderName::ROUTE).unwrap().len(), 3);
        headers.push(HeaderName::SUPPORTED, "path, Timer");
        assert!(headers.has_token(&HeaderName::SUPPORTED, "timer"));
    }
}
