//! Bytes to messages and back: start line, folding, compact names, Content-Length, size limits.

use super::{CSeq, HeaderName, Headers, Message, Method, Request, Response, StatusCode, Uri};

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

    /// A value is not what its grammar asks.
    pub fn malformed(what: &'static str, why: &'static str) -> Self {
        Self::Malformed { what, why }
    }
}

pub(super) fn parse(bytes: &[u8], limits: &Limits) -> Result<Message, ParseError> {
    if bytes.len() > limits.message {
        return Err(ParseError::TooLarge("bytes in the message"));
    }
    // RFC 3261 §7.5: empty lines before the start line are ignored.
    let start = bytes.iter().position(|b| !b"\r\n".contains(b)).unwrap_or(bytes.len());
    let bytes = &bytes[start..];
    let (head, body) = split_head(bytes);
    let mut lines = unfold(head, limits)?.into_iter();
    let first = lines.next().ok_or(ParseError::StartLine("is missing"))?;
    let mut headers = Headers::default();
    for (index, line) in lines.enumerate() {
        if index >= limits.fields {
            return Err(ParseError::TooLarge("header fields"));
        }
        let colon = line
            .iter()
            .position(|b| *b == b':')
            .ok_or(ParseError::malformed("header field", "has no colon"))?;
        let name = std::str::from_utf8(line[..colon].trim_ascii())
            .map_err(|_| ParseError::malformed("header name", "is not a token"))?;
        if name.is_empty() || !name.bytes().all(is_token_char) {
            return Err(ParseError::malformed("header name", "is not a token"));
        }
        headers.push(HeaderName::new(name), line[colon + 1..].trim_ascii());
    }
    let body = cut_body(&headers, body)?;
    let first = String::from_utf8_lossy(&first).into_owned();
    if first.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("SIP/")) {
        let (status, reason) = parse_status_line(&first)?;
        return Ok(Message::Response(Response { status, reason, headers, body }));
    }
    let (method, uri) = parse_request_line(&first)?;
    Ok(Message::Request(Request { method, uri, headers, body }))
}

pub(super) fn print(message: &Message) -> Vec<u8> {
    let (first, headers, body) = match message {
        Message::Request(r) => (format!("{} {} SIP/2.0", r.method, r.uri), &r.headers, &r.body),
        Message::Response(r) => (format!("SIP/2.0 {} {}", r.status, r.reason), &r.headers, &r.body),
    };
    let mut bytes = first.into_bytes();
    bytes.extend_from_slice(b"\r\n");
    for (name, value) in headers.iter().filter(|(name, _)| **name != HeaderName::CONTENT_LENGTH) {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

fn split_head(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.windows(4).position(|w| w == b"\r\n\r\n") {
        Some(at) => (&bytes[..at], &bytes[at + 4..]),
        None => match bytes.windows(2).position(|w| w == b"\n\n") {
            Some(at) => (&bytes[..at], &bytes[at + 2..]),
            None => (bytes, &[]),
        },
    }
}

/// Lines with their folds joined by one space (RFC 3261 §7.3.1).
fn unfold(head: &[u8], limits: &Limits) -> Result<Vec<Vec<u8>>, ParseError> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in head.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.first().is_some_and(|b| b" \t".contains(b)) {
            if let Some(last) = lines.last_mut() {
                last.push(b' ');
                last.extend_from_slice(line.trim_ascii());
            }
        } else if !line.is_empty() {
            lines.push(line.to_vec());
        }
        if lines.last().is_some_and(|line| line.len() > limits.line) {
            return Err(ParseError::TooLarge("bytes in one line"));
        }
    }
    Ok(lines)
}

fn cut_body(headers: &Headers, body: &[u8]) -> Result<Vec<u8>, ParseError> {
    let Some(length) = headers.get(&HeaderName::CONTENT_LENGTH) else { return Ok(body.to_vec()) };
    let length: usize = length
        .trim()
        .parse()
        .map_err(|_| ParseError::malformed("Content-Length", "is not a number"))?;
    if length > body.len() {
        return Err(ParseError::malformed("Content-Length", "is more than the bytes received"));
    }
    Ok(body[..length].to_vec())
}

fn parse_status_line(line: &str) -> Result<(StatusCode, String), ParseError> {
    let rest = line.split_once(' ').filter(|(v, _)| v.eq_ignore_ascii_case("SIP/2.0"));
    let (_, rest) = rest.ok_or(ParseError::Version)?;
    let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    let status = code
        .parse()
        .ok()
        .filter(|_| code.len() == 3)
        .and_then(StatusCode::new)
        .ok_or(ParseError::StartLine("has no status code from 100 to 699"))?;
    Ok((status, reason.to_owned()))
}

fn parse_request_line(line: &str) -> Result<(Method, Uri), ParseError> {
    let mut words = line.split(' ');
    let (Some(method), Some(uri), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(ParseError::StartLine("is not method, URI and version with single spaces"));
    };
    if method.is_empty() || !method.bytes().all(is_token_char) {
        return Err(ParseError::StartLine("has a method that is not a token"));
    }
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return Err(ParseError::Version);
    }
    Ok((Method::from_token(method), Uri::parse(uri)?))
}

fn is_token_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

impl Message {
    /// Checks the header fields that every message must carry: To, From, CSeq, Call-ID, Via, and
    /// that CSeq's method is the request's (RFC 3261 §8.1.1).
    ///
    /// # Errors
    /// The first that is missing, malformed or at odds with the start line.
    pub fn validate(&self) -> Result<(), ParseError> {
        let headers = self.headers();
        headers.to()?;
        headers.from()?;
        headers.call_id()?;
        headers.via()?;
        let CSeq { method, .. } = headers.cseq()?;
        match self {
            Self::Request(request) if request.method != method => {
                Err(ParseError::malformed("CSeq", "names another method than the request line"))
            }
            Self::Request(_) | Self::Response(_) => Ok(()),
        }
    }
}
