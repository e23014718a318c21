//! The grammar of challenges and credentials: a scheme, then parameters (RFC 7235 §2.1, RFC 3261 §25.1).

/// `Digest realm="…", nonce="…"`: a challenge or credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scheme {
    /// `Digest`, `Basic`, …
    pub(super) name: String,
    params: Vec<(String, String)>,
}

impl Scheme {
    /// Reads a header field value, which may hold several challenges. What is not of the grammar is
    /// left out: one bad challenge must not hide a good one.
    pub(super) fn parse_all(value: &str) -> Vec<Self> {
        let mut schemes: Vec<Self> = Vec::new();
        for element in split_at_commas(value) {
            let (name, value) = match element.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value.trim())),
                None => (element, None),
            };
            // `Digest realm=…` opens a scheme; `nonce=…` goes on with it; `Negotiate` is one alone.
            let (scheme, name) = match (name.split_once(|c: char| c.is_ascii_whitespace()), value) {
                (Some((scheme, name)), _) => (Some(scheme), name.trim()),
                (None, Some(_)) => (None, name),
                (None, None) => (Some(name), ""),
            };
            if let Some(scheme) = scheme {
                schemes.push(Self { name: scheme.to_owned(), params: Vec::new() });
            }
            if let (Some(last), Some(value)) = (schemes.last_mut(), value) {
                last.params.push((name.to_owned(), unquote(value)));
            }
        }
        schemes
    }

    /// Reads parameters without a scheme, as Authentication-Info has them.
    pub(super) fn parse_params(value: &str) -> Self {
        let element = |element: &str| {
            let (name, value) = element.split_once('=')?;
            Some((name.trim().to_owned(), unquote(value.trim())))
        };
        let params = split_at_commas(value).into_iter().filter_map(element).collect();
        Self { name: String::new(), params }
    }

    /// Whether this is Digest.
    pub(super) fn is_digest(&self) -> bool {
        self.name.eq_ignore_ascii_case("Digest")
    }

    /// The value of a parameter, unquoted.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Writes a scheme's parameters.
#[derive(Debug)]
pub(super) struct Writer(String);

impl Writer {
    pub(super) fn new(scheme: &str) -> Self {
        Self(scheme.to_owned())
    }

    pub(super) fn quoted(self, name: &str, value: &str) -> Self {
        let mut writer = self.token(name, "\"");
        for character in value.chars() {
            if ['\\', '"'].contains(&character) {
                writer.0.push('\\');
            }
            writer.0.push(character);
        }
        writer.0.push('"');
        writer
    }

    pub(super) fn token(mut self, name: &str, value: &str) -> Self {
        let separator = if self.0.contains(' ') { ", " } else { " " };
        [separator, name, "=", value].iter().for_each(|part| self.0.push_str(part));
        self
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

fn split_at_commas(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// The value of a quoted string; a token as it is; of a string that is not closed what is there.
fn unquote(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"') else { return text.to_owned() };
    let (mut value, mut escaped) = (String::new(), false);
    for character in inner.chars() {
        match character {
            _ if escaped => {
                value.push(character);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => break,
            _ => value.push(character),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_quotes_separate_nothing() {
        let schemes = Scheme::parse_all(r#"Digest realm="a, b", qop="auth,auth-int" , nonce=abc"#);
        assert_eq!(schemes.len(), 1);
        assert_eq!(schemes[0].get("REALM"), Some("a, b"));
        assert_eq!(schemes[0].get("qop"), Some("auth,auth-int"));
        assert_eq!(schemes[0].get("nonce"), Some("abc"));
    }

    #[test]
    fn one_field_may_hold_several_challenges() {
        let schemes = Scheme::parse_all(
            r#"Negotiate, Basic realm="x", Digest realm = "a" ,nonce="1", Digest  realm="b",nonce="2""#,
        );
        let read: Vec<_> = schemes.iter().map(|s| (s.name.as_str(), s.get("realm"))).collect();
        let expected = [
            ("Negotiate", None),
            ("Basic", Some("x")),
            ("Digest", Some("a")),
            ("Digest", Some("b")),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_written_is_read() {
        let value = r#"a"b\c, d="e""#;
        let written = Writer::new("Digest").quoted("realm", value).token("nc", "1").finish();
        let schemes = Scheme::parse_all(&written);
        assert_eq!(schemes.len(), 1);
        assert_eq!((schemes[0].get("realm"), schemes[0].get("nc")), (Some(value), Some("1")));
    }

    #[test]
    fn no_text_is_a_reason_to_panic() {
        for text in [
            "",
            ",",
            "=",
            "Digest",
            "Digest =",
            "Digest x=\"",
            "Digest x=\"\\",
            "\"",
            "a\u{a0}b=1",
            "é é=é",
        ] {
            Scheme::parse_all(text);
            Scheme::parse_params(text);
        }
    }
}
