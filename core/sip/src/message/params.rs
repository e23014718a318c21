//! `;name=value` parameters of header fields and of URIs (RFC 3261 §7.3.1, §25.1 generic-param).

use super::{ParseError, redact, text};
use std::fmt;

/// `;name=value` parameters in order; names compared without case.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<Param>);

#[derive(Clone, PartialEq, Eq)]
struct Param {
    name: String,
    value: Option<Value>,
}

#[derive(Clone, PartialEq, Eq)]
struct Value {
    text: String,
    /// Came in quotes, or must be printed in them.
    quoted: bool,
}

impl Params {
    /// Reads parameters separated by semicolons, with no leading one. A quoted value loses its
    /// quotes and gets them back when printed. One semicolon too many at the end is let pass, as
    /// servers do send it.
    ///
    /// # Errors
    /// An empty parameter, a name that is none, an unclosed quote.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut parts = text::split_unquoted(text, b';');
        if parts.last().is_some_and(|last| last.is_empty()) {
            parts.pop();
        }
        parts.into_iter().map(Param::parse).collect::<Result<_, _>>().map(Self)
    }

    /// The value of a parameter; `Some("")` for a flag.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|p| p.name.eq_ignore_ascii_case(name)).map(Param::text)
    }

    /// A parameter's value as a number (`expires`, `ttl`). `None` where it is missing, not digits
    /// only, or too large.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.get(name).filter(|value| !value.is_empty()).and_then(text::decimal)
    }

    /// Whether the parameter is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets a parameter, in its place where it is there; an empty value makes it a flag. A value
    /// that is neither a token nor a host is printed in quotes.
    pub fn set(&mut self, name: &str, value: &str) {
        let value = (!value.is_empty()).then(|| Value::new(value.to_owned(), false));
        match self.0.iter_mut().find(|p| p.name.eq_ignore_ascii_case(name)) {
            Some(param) => param.value = value,
            None => self.0.push(Param { name: name.to_owned(), value }),
        }
    }

    /// Takes a parameter away.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|p| !p.name.eq_ignore_ascii_case(name));
    }

    /// Name and value (empty for a flag) in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|p| (p.name.as_str(), p.text()))
    }

    /// The parameters as a URI prints them: escapes in place of quotes (RFC 3261 §19.1.1).
    pub(super) fn in_uri(&self) -> String {
        let escape =
            |part: &str| text::escape(part, |b| b > b' ' && b != 0x7f && !b"\"<>;?@".contains(&b));
        let mut printed = String::new();
        for param in &self.0 {
            printed.push(';');
            printed.push_str(&escape(&param.name));
            if let Some(value) = &param.value {
                printed.push('=');
                printed.push_str(&escape(&value.text));
            }
        }
        printed
    }
}

impl Param {
    fn parse(part: &str) -> Result<Self, ParseError> {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(value.trim_start())),
            None => (part, None),
        };
        if name.is_empty() || !name.bytes().all(is_plain_char) {
            return Err(ParseError::malformed(
                "parameter",
                "has no name or one that is not a token",
            ));
        }
        let value = value
            .map(|text| Ok(Value::new(text::unquote(text)?, text.starts_with('"'))))
            .transpose()?;
        Ok(Self { name: name.to_owned(), value })
    }

    fn text(&self) -> &str {
        self.value.as_ref().map_or("", |value| &value.text)
    }
}

impl Value {
    fn new(text: String, quoted: bool) -> Self {
        let quoted = quoted || !text.bytes().all(is_plain_char);
        Self { text, quoted }
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Param { name, value } in &self.0 {
            match value {
                None => write!(f, ";{name}")?,
                Some(value) if value.quoted => write!(f, ";{name}={}", text::quote(&value.text))?,
                Some(value) => write!(f, ";{name}={}", value.text)?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact::value(&self.to_string()))
    }
}

/// What a value may hold and still do without quotes: token and host characters, and those that
/// URI parameters allow (RFC 3261 §25.1 token, host, param-unreserved).
fn is_plain_char(byte: u8) -> bool {
    text::is_token_char(byte) || matches!(byte, b'[' | b']' | b':' | b'/' | b'&' | b'$')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_come_back_where_they_stood_or_are_needed() {
        let text = r#";+sip.instance="<urn:uuid:1>";reg-id=1;tag="abc";ob;x=[2001:db8::1]"#;
        let mut params = Params::parse(&text[1..]).unwrap();
        assert_eq!(params.to_string(), text);
        assert_eq!(params.get("+SIP.Instance"), Some("<urn:uuid:1>"));
        params.set("tag", "xyz");
        params.set("pub-gruu", "sip:a@example.com;gr=1");
        assert_eq!(
            params.to_string(),
            r#";+sip.instance="<urn:uuid:1>";reg-id=1;tag=xyz;ob;x=[2001:db8::1];pub-gruu="sip:a@example.com;gr=1""#
        );
    }

    #[test]
    fn white_space_and_equals_signs_are_no_trouble() {
        let params = Params::parse(" a = b ; c=\"d ; \\\" e\"; f=g=h;empty= ;").unwrap();
        let read: Vec<_> = params.iter().collect();
        assert_eq!(read, [("a", "b"), ("c", "d ; \" e"), ("f", "g=h"), ("empty", "")]);
        assert_eq!(Params::parse(&params.to_string()[1..]).unwrap(), params);
    }

    #[test]
    fn empty_parameters_and_open_quotes_are_malformed() {
        for text in [";;", "a;;b", "=b", "a b=c", "a=\"b", "a=b\"c\""] {
            assert!(Params::parse(text).is_err(), "{text}");
        }
        assert!(Params::parse("").is_ok());
    }

    #[test]
    fn a_number_too_large_is_none() {
        let params = Params::parse("expires=280297596632815;ttl=16;q=0.7;flag").unwrap();
        assert_eq!(params.number("expires"), None);
        assert_eq!(params.number("ttl"), Some(16));
        assert_eq!(params.number("q"), None);
        assert_eq!(params.number("flag"), None);
    }
}
