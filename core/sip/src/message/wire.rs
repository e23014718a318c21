//! Bytes to messages and back: start line, folding, Content-Length, size limits (RFC 3261 §7.3.1,
//! §7.5, §18.3; RFC 7118 §5).

use super::{HeaderName, Headers, Message, Method, Request, Response, StatusCode, Uri, text};
use std::borrow::Cow;

/// What a message may be at most. All come from the network, so all are bounded.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the whole message.
    pub message: usize,
    /// Header fields.
    pub fields: usize,
    /// Bytes of one line, folds included.
    pub line: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { message: 64 * 1024, fields: 256, line: 8 * 1024 }
    }
}

/// Why bytes are not a SIP message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Larger than a limit allows: the text names it.
    #[error("the message is too large: {0}")]
    TooLarge(&'static str),
    /// The start line is neither a request line nor a status line.
    #[error("the start line {0}")]
    StartLine(&'static str),
    /// The version is not SIP/2.0: answered with 505.
    #[error("the SIP version is not 2.0")]
    Version,
    /// A header field that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A value is not what its grammar asks.
    #[error("{what} {why}")]
    Malformed {
        /// The header field or part.
        what: &'static str,
        /// What is wrong with it, as the rest of the sentence.
        why: &'static str,
    },
}

impl ParseError {
    /// A header field that must be there is not.
    pub fn missing(what: &'static str) -> Self {
        Self::Missing(what)
    }

    /// What a request that is wrong in this way is answered with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Version => StatusCode::VERSION_NOT_SUPPORTED,
            Self::TooLarge(_) => StatusCode::MESSAGE_TOO_LARGE,
            Self::StartLine(_) | Self::Missing(_) | Self::Malformed { .. } => {
                StatusCode::BAD_REQUEST
            }
        }
    }

    /// A value is not what its grammar asks.
    pub fn malformed(what: &'static str, why: &'static str) -> Self {
        Self::Malformed { what, why }
    }
}

pub(super) fn parse(bytes: &[u8], limits: &Limits) -> Result<Message, ParseError> {
    if bytes.len() > limits.message {
        return Err(ParseError::TooLarge("bytes in the message"));
    }
    let (mut lines, rest) = split_head(bytes);
    if lines.is_empty() {
        return Err(ParseError::StartLine("is missing"));
    }
    let first = lines.remove(0);
    if lines.len() > limits.fields {
        return Err(ParseError::TooLarge("header fields"));
    }
    if first.len() > limits.line || lines.iter().any(|line| line.len() > limits.line) {
        return Err(ParseError::TooLarge("bytes in one line"));
    }
    let start = StartLine::parse(&String::from_utf8_lossy(&first))?;
    let mut headers = Headers::default();
    for line in lines {
        let (name, value) = parse_field(&line)?;
        headers.push(name, value);
    }
    let body = cut_body(&headers, rest)?.to_vec();
    headers.remove(&HeaderName::CONTENT_LENGTH);
    Ok(match start {
        StartLine::Request(method, uri) => Message::Request(Request { method, uri, headers, body }),
        StartLine::Status(status, reason) => {
            Message::Response(Response { status, reason, headers, body })
        }
    })
}

/// The header fields that can be read, and the method, of bytes that are no message but may be a
/// request all the same.
pub(super) fn parse_leniently(bytes: &[u8], limits: &Limits) -> Option<(Method, Headers)> {
    let (lines, _) = split_head(&bytes[..bytes.len().min(limits.message)]);
    let (first, lines) = lines.split_first()?;
    let method =
        first.split(|byte| *byte == b' ').next().and_then(|m| std::str::from_utf8(m).ok())?;
    if !text::is_token(method) {
        return None;
    }
    let mut headers = Headers::default();
    let lines = lines.iter().filter(|line| line.len() <= limits.line).take(limits.fields);
    for (name, value) in lines.filter_map(|line| parse_field(line).ok()) {
        headers.push(name, value);
    }
    Some((Method::from_token(method), headers))
}

/// Prints the message. A line end inside a value becomes a space: no value can begin a header field.
pub(super) fn print(message: &Message) -> Vec<u8> {
    let (first, headers, body) = match message {
        Message::Request(r) => (format!("{} {} SIP/2.0", r.method, r.uri), &r.headers, &r.body),
        Message::Response(r) => (format!("SIP/2.0 {} {}", r.status, r.reason), &r.headers, &r.body),
    };
    let mut bytes = Vec::with_capacity(1024 + body.len());
    let mut line = |parts: &[&[u8]]| {
        for part in parts {
            let start = bytes.len();
            bytes.extend_from_slice(part);
            if part.contains(&b'\r') || part.contains(&b'\n') {
                let ends = bytes[start..].iter_mut().filter(|byte| b"\r\n".contains(byte));
                ends.for_each(|byte| *byte = b' ');
            }
        }
        bytes.extend_from_slice(b"\r\n");
    };
    line(&[first.as_bytes()]);
    for (name, value) in headers.iter().filter(|(name, _)| **name != HeaderName::CONTENT_LENGTH) {
        line(&[name.as_str().as_bytes(), b": ", value]);
    }
    line(&[format!("Content-Length: {}", body.len()).as_bytes()]);
    line(&[]);
    bytes.extend_from_slice(body);
    bytes
}

/// The lines up to the empty one, each with its folds joined by one space (RFC 3261 §7.3.1), and
/// what follows. Empty lines before the start line are left out (§7.5); a line may end without CR.
fn split_head(bytes: &[u8]) -> (Vec<Cow<'_, [u8]>>, &[u8]) {
    let start = bytes.iter().position(|byte| !b"\r\n".contains(byte)).unwrap_or(bytes.len());
    let mut rest = &bytes[start..];
    let mut lines: Vec<Cow<'_, [u8]>> = Vec::new();
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        rest = rest.get(end + 1..).unwrap_or_default();
        match (line.first(), lines.last_mut()) {
            (None, _) => break,
            (Some(b' ' | b'\t'), Some(last)) => {
                let last = last.to_mut();
                last.push(b' ');
                last.extend_from_slice(line.trim_ascii());
            }
            (Some(_), _) => lines.push(Cow::Borrowed(line)),
        }
    }
    (lines, rest)
}

/// `name: value`. A CR inside would be a line end to some and is refused.
fn parse_field(line: &[u8]) -> Result<(HeaderName, &[u8]), ParseError> {
    if line.contains(&b'\r') {
        return Err(ParseError::malformed("header field", "holds a CR without LF"));
    }
    let colon = line
        .iter()
        .position(|byte| *byte == b':')
        .ok_or(ParseError::malformed("header field", "has no colon"))?;
    let name = std::str::from_utf8(line[..colon].trim_ascii_end())
        .ok()
        .filter(|name| text::is_token(name))
        .ok_or(ParseError::malformed("header name", "is not a token"))?;
    Ok((HeaderName::new(name), line[colon + 1..].trim_ascii()))
}

/// The body: as long as Content-Length says, or all there is (RFC 3261 §18.3; RFC 7118 lets a
/// WebSocket message do without).
fn cut_body<'a>(headers: &Headers, rest: &'a [u8]) -> Result<&'a [u8], ParseError> {
    let mut length = rest.len();
    for (index, value) in headers.all(&HeaderName::CONTENT_LENGTH).enumerate() {
        let value = Some(&*value).filter(|value| !value.is_empty()).and_then(text::decimal);
        let value: usize =
            value.ok_or(ParseError::malformed("Content-Length", "is not a number"))?;
        if index > 0 && value != length {
            return Err(ParseError::malformed("Content-Length", "is there twice and differs"));
        }
        length = value;
    }
    rest.get(..length)
        .ok_or(ParseError::malformed("Content-Length", "is more than the bytes received"))
}

enum StartLine {
    Request(Method, Uri),
    Status(StatusCode, String),
}

impl StartLine {
    fn parse(line: &str) -> Result<Self, ParseError> {
        if line.contains('\r') {
            return Err(ParseError::StartLine("holds a CR without LF"));
        }
        match line.get(..4) {
            Some(start) if start.eq_ignore_ascii_case("SIP/") => Self::parse_status(line),
            _ => Self::parse_request(line),
        }
    }

    /// `SIP/2.0 code reason`; the space before an empty reason is often left out.
    fn parse_status(line: &str) -> Result<Self, ParseError> {
        let mut words = line.splitn(3, ' ');
        let (version, code, reason) = (words.next(), words.next(), words.next());
        if !version.is_some_and(is_version) {
            return Err(ParseError::Version);
        }
        let status = code
            .filter(|code| code.len() == 3)
            .and_then(text::decimal)
            .and_then(StatusCode::new)
            .ok_or(ParseError::StartLine("has no status code from 100 to 699"))?;
        Ok(Self::Status(status, reason.unwrap_or_default().to_owned()))
    }

    fn parse_request(line: &str) -> Result<Self, ParseError> {
        let words: Vec<_> = line.split(' ').collect();
        let [method, uri, version] = words[..] else {
            return Err(ParseError::StartLine("is not method, URI and version with single spaces"));
        };
        if !text::is_token(method) {
            return Err(ParseError::StartLine("has a method that is not a token"));
        }
        if !is_version(version) {
            return Err(ParseError::Version);
        }
        Ok(Self::Request(Method::from_token(method), Uri::parse(uri)?))
    }
}

fn is_version(word: &str) -> bool {
    word.eq_ignore_ascii_case("SIP/2.0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Message, ParseError> {
        Message::parse(text.as_bytes())
    }

    fn why(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn folds_compact_names_and_bare_line_feeds_are_read() {
        let message =
            parse("\r\n\nBYE sip:a@b SIP/2.0\nt : x\n\t y\r\n  \r\n z\r\nS:\r\n\nbody").unwrap();
        assert_eq!(message.headers().get(&HeaderName::TO).as_deref(), Some("x y  z"));
        assert_eq!(message.headers().get(&HeaderName::SUBJECT).as_deref(), Some(""));
        let Message::Request(request) = message else { panic!("a response") };
        assert_eq!(request.body, b"body");
    }

    #[test]
    fn bytes_that_are_not_utf_8_come_back_as_they_were() {
        let bytes = b"SIP/2.0 200 OK\r\nX-Y: \xff\xc3\r\n\r\n\x00\xfe";
        let printed = Message::parse(bytes).unwrap().to_bytes();
        assert_eq!(
            printed,
            b"SIP/2.0 200 OK\r\nX-Y: \xff\xc3\r\nContent-Length: 2\r\n\r\n\x00\xfe"
        );
    }

    #[test]
    fn the_body_is_what_content_length_says_or_all_there_is() {
        let body = |length: &str| match parse(&format!("BYE sip:a@b SIP/2.0\r\n{length}\r\nhello"))
        {
            Ok(Message::Request(request)) => Some(request.body.len()),
            Ok(Message::Response(_)) | Err(_) => None,
        };
        assert_eq!(body(""), Some(5));
        assert_eq!(body("l: 2\r\n"), Some(2));
        assert_eq!(body("l: 2\r\nContent-Length: 02\r\n"), Some(2));
        for wrong in ["6", "-1", "+1", "", "1 2", "0x1", "99999999999999999999999", "1\r\nl: 2"] {
            assert_eq!(body(&format!("Content-Length: {wrong}\r\n")), None, "{wrong}");
        }
    }

    #[test]
    fn start_lines_are_strict() {
        for line in [
            "",
            "BYE",
            "BYE sip:a@b",
            "BYE  sip:a@b SIP/2.0",
            "BYE sip:a@b SIP/2.0 ",
            "B<E sip:a@b SIP/2.0",
            "BYE <sip:a@b> SIP/2.0",
            "SIP/2.0",
            "SIP/2.0 99 x",
            "SIP/2.0 700 x",
            "SIP/2.0 0200 x",
            "SIP/2.0 +20 x",
            "BYE sip:a@b\rx SIP/2.0",
        ] {
            assert_eq!(
                parse(&format!("{line}\r\n\r\n")).unwrap_err().status(),
                StatusCode::BAD_REQUEST,
                "{line}"
            );
        }
        for line in ["BYE sip:a@b SIP/3.0", "SIP/7.0 200 OK", "BYE sip:a@b HTTP/1.1"] {
            assert_eq!(parse(&format!("{line}\r\n\r\n")), Err(ParseError::Version), "{line}");
        }
        assert!(parse("sip/2.0 200\r\n\r\n").is_ok());
    }

    #[test]
    fn a_line_that_is_no_header_field_is_malformed() {
        assert_eq!(why("BYE sip:a@b SIP/2.0\r\nTo\r\n\r\n"), "header field has no colon");
        assert_eq!(why("BYE sip:a@b SIP/2.0\r\nT o: x\r\n\r\n"), "header name is not a token");
        assert_eq!(
            why("BYE sip:a@b SIP/2.0\r\nTo: x\rFrom: y\r\n\r\n"),
            "header field holds a CR without LF"
        );
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let long = "x".repeat(9000);
        assert!(why(&format!("BYE sip:a@b SIP/2.0\r\nX: {long}\r\n\r\n")).contains("line"));
        let many = "X: y\r\n".repeat(300);
        assert!(why(&format!("BYE sip:a@b SIP/2.0\r\n{many}\r\n")).contains("fields"));
        let huge = format!("BYE sip:a@b SIP/2.0\r\n\r\n{}", "x".repeat(70_000));
        assert_eq!(parse(&huge).unwrap_err().status(), StatusCode::MESSAGE_TOO_LARGE);
    }

    #[test]
    fn a_value_cannot_begin_a_header_field() {
        let mut request = Request::new(Method::Bye, Uri::sip("a", "b"));
        request.headers.push(HeaderName::new("X"), "1\r\nVia: forged\r\n\r\nbody");
        let read = Message::parse(&Message::from(request).to_bytes()).unwrap();
        assert!(!read.headers().has(&HeaderName::VIA));
    }
}
