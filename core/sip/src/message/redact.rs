//! What a log may show of a message: everything but what opens a door or follows a person.
//!
//! Masked are credentials, passwords in URIs, push tokens (RFC 8599 `pn-prid`), the keys in an SDP
//! (`ice-pwd`, `crypto`, `k=`), and every body that is not an SDP: it may hold typed digits or text.

use super::{ContentType, HeaderName, Headers, Message, text};
use std::{borrow::Cow, fmt, ops::Range};

const MASK: &str = "[redacted]";

impl Message {
    /// The message as text for a log, without its secrets. Every logger uses this.
    pub fn redacted(&self) -> String {
        match self {
            Self::Request(request) => format!("{request:?}"),
            Self::Response(response) => format!("{response:?}"),
        }
    }
}

impl fmt::Debug for super::Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = format!("{} {} SIP/2.0", self.method, self.uri);
        write!(f, "{}\n{:?}\n", value(&first), self.headers)?;
        body(&self.headers, &self.body, f)
    }
}

impl fmt::Debug for super::Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = format!("SIP/2.0 {} {}", self.status, self.reason);
        write!(f, "{}\n{:?}\n", value(&first), self.headers)?;
        body(&self.headers, &self.body, f)
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, bytes) in self.iter() {
            let text = String::from_utf8_lossy(bytes);
            let shown = match is_credentials(name) {
                true => Cow::Owned(credentials(&text)),
                false => value(&text),
            };
            writeln!(f, "{name}: {shown}")?;
        }
        Ok(())
    }
}

/// A header field value or URI without passwords and push tokens.
pub(super) fn value(text: &str) -> Cow<'_, str> {
    match mask(text, push_token) {
        Cow::Borrowed(text) => mask(text, password),
        Cow::Owned(text) => Cow::Owned(mask(&text, password).into_owned()),
    }
}

/// A session description without its keys.
pub fn redacted_sdp(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + MASK.len());
    for (index, line) in text.lines().enumerate() {
        let key = ["a=ice-pwd:", "inline:", "a=key-mgmt:", "k="].into_iter().find_map(|key| {
            let at = find(line, key).filter(|at| key == "inline:" || *at == 0)?;
            Some(at + key.len())
        });
        let (line, mask) = key.map_or((line, ""), |start| (&line[..start], MASK));
        shown.extend([if index > 0 { "\n" } else { "" }, line, mask]);
    }
    shown
}

fn body(headers: &Headers, body: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let content_type = headers.get(&HeaderName::CONTENT_TYPE).unwrap_or_default();
    match ContentType::parse(&content_type) {
        Ok(content) if content.media_type == "application/sdp" => {
            f.write_str(&redacted_sdp(&String::from_utf8_lossy(body)))
        }
        _ if body.is_empty() => Ok(()),
        _ => write!(f, "[{} bytes of {content_type}]", body.len()),
    }
}

fn is_credentials(name: &HeaderName) -> bool {
    [HeaderName::AUTHORIZATION, HeaderName::PROXY_AUTHORIZATION].contains(name)
}

/// The scheme and what names the account and the challenge; the proof is masked.
fn credentials(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once(' ') else { return MASK.to_owned() };
    if !scheme.eq_ignore_ascii_case("Digest") {
        return format!("{scheme} {MASK}");
    }
    let mut shown = text::split_list(rest);
    shown.retain(|param| {
        let name = param.split('=').next().unwrap_or_default().trim();
        ["username", "realm", "algorithm", "qop", "nc"].iter().any(|n| name.eq_ignore_ascii_case(n))
    });
    shown.push(MASK);
    format!("{scheme} {}", shown.join(", "))
}

fn mask(text: &str, next: impl Fn(&str) -> Option<Range<usize>>) -> Cow<'_, str> {
    let Some(mut secret) = next(text) else { return Cow::Borrowed(text) };
    let (mut shown, mut rest) = (String::with_capacity(text.len() + MASK.len()), text);
    loop {
        shown.push_str(&rest[..secret.start]);
        shown.push_str(MASK);
        rest = &rest[secret.end..];
        match next(rest) {
            Some(another) => secret = another,
            None => return Cow::Owned(shown + rest),
        }
    }
}

/// The next value of a `pn-prid` parameter.
fn push_token(text: &str) -> Option<Range<usize>> {
    const NAME: &str = "pn-prid=";
    // Most text has none of either secret, and this is cheap to see.
    text.find('=')?;
    let start = find(text, NAME)? + NAME.len();
    let length = text[start..].find([';', '>', ',', '"', '&', '?', ' ']);
    Some(start..length.map_or(text.len(), |length| start + length))
}

/// The next password of a `sip:user:password@host`.
fn password(text: &str) -> Option<Range<usize>> {
    text.find('@')?;
    let first = |scheme: &str| {
        let mut from = 0;
        while let Some(at) = find(&text[from..], scheme) {
            let start = from + at + scheme.len();
            from = start;
            let length = text[start..].find(['@', '<', '>', '"', ' '])?;
            let (user, rest) = text[start..].split_at(length);
            if let Some(colon) = user.find(':').filter(|_| rest.starts_with('@')) {
                return Some(start + colon + 1..start + length);
            }
        }
        None
    };
    let (sip, sips) = (first("sip:"), first("sips:"));
    sip.into_iter().chain(sips).min_by_key(|password| password.start)
}

/// Where ASCII text begins, in whatever case.
fn find(text: &str, what: &str) -> Option<usize> {
    text.as_bytes().windows(what.len()).position(|part| part.eq_ignore_ascii_case(what.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "REGISTER sip:alice:hush@example.com SIP/2.0\r\n\
        From: \"A\" <sips:alice:hush@example.com>;tag=1, sip:b:hush@example.com\r\n\
        Contact: <sip:x@192.0.2.1;transport=ws;pn-prid=hush:hush>;reg-id=1\r\n\
        Authorization: Digest username=\"alice\", realm=\"r\", nonce=\"hush\", response=\"hush\"\r\n\
        Proxy-Authorization: hush\r\nContent-Type: application/sdp\r\n\r\n\
        v=0\r\na=ICE-PWD:hush\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:hush\r\nk=clear:hush\r\n";

    #[test]
    fn no_secret_shows_in_logs_or_debug_output() {
        let message = Message::parse(MESSAGE.as_bytes()).unwrap();
        for shown in
            [message.redacted(), format!("{message:?}"), format!("{:?}", message.headers())]
        {
            assert!(!shown.contains("hush"), "{shown}");
        }
    }

    #[test]
    fn what_is_no_secret_shows() {
        let shown = Message::parse(MESSAGE.as_bytes()).unwrap().redacted();
        for kept in ["alice", "realm=\"r\"", "transport=ws", "reg-id=1", "AES_CM_128_HMAC_SHA1_80"]
        {
            assert!(shown.contains(kept), "{kept} in {shown}");
        }
    }

    #[test]
    fn a_body_that_is_no_sdp_is_only_counted() {
        let info = "INFO sip:a@example.com SIP/2.0\r\nc: application/dtmf-relay\r\n\r\nSignal=5";
        let shown = Message::parse(info.as_bytes()).unwrap().redacted();
        assert!(shown.ends_with("[8 bytes of application/dtmf-relay]"), "{shown}");
    }

    #[test]
    fn many_secrets_in_a_line_are_masked_in_reasonable_time() {
        let text = "sip:a:hush@b,pn-prid=hush;".repeat(300);
        let shown = value(&text);
        assert_eq!((shown.matches(MASK).count(), shown.contains("hush")), (600, false));
    }
}
