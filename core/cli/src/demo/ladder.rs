//! The SIP ladder: each message as an arrow with a name and a note, secrets masked.

use sidetone_sip::{HeaderName, Headers, Message, Method};
use std::time::Duration;

/// One message.
#[derive(Debug, Clone)]
pub(super) struct Rung {
    /// Since the demonstration began.
    pub(super) at: Duration,
    /// Whether the phone sent it.
    pub(super) sent: bool,
    /// `INVITE`, `200 OK`.
    pub(super) label: String,
    /// What it is about.
    pub(super) note: String,
    /// All of it, secrets masked.
    pub(super) text: String,
}

impl Rung {
    /// Reads a message; `None` for a keep-alive.
    pub(super) fn new(at: Duration, sent: bool, bytes: &[u8]) -> Option<Self> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        let (label, note, text) = match Message::parse(bytes) {
            Ok(message) => {
                let (label, note) = describe(&message);
                (label, note, message.redacted())
            }
            Err(error) => ("?".to_owned(), "unreadable".to_owned(), error.to_string()),
        };
        Some(Self { at, sent, label, note, text })
    }
}

fn describe(message: &Message) -> (String, String) {
    let headers = message.headers();
    match message {
        Message::Request(request) => {
            let note = match request.method {
                Method::Register => registering(headers),
                Method::Invite => invitation(headers, &request.body),
                Method::Ack
                | Method::Bye
                | Method::Cancel
                | Method::Options
                | Method::Prack
                | Method::Update
                | Method::Info
                | Method::Refer
                | Method::Subscribe
                | Method::Notify
                | Method::Message
                | Method::Publish
                | Method::Other(_) => String::new(),
            };
            (request.method.to_string(), note)
        }
        Message::Response(response) => {
            let code = response.status.code();
            let method = headers.cseq().map(|cseq| cseq.method.to_string()).unwrap_or_default();
            let detail = match (code, method.as_str()) {
                (401 | 407, _) => Some("challenge".to_owned()),
                (180, _) => Some("it rings".to_owned()),
                (200, "REGISTER") => expiry(headers).map(|s| format!("bound for {s} s")),
                (200, "INVITE") => direction(&response.body).map(|d| format!("answer, {d}")),
                _ => None,
            };
            let note = [Some(method), detail].into_iter().flatten().collect::<Vec<_>>();
            (format!("{code} {}", response.reason), note.join(" · "))
        }
    }
}

fn registering(headers: &Headers) -> String {
    if expiry(headers) == Some(0) {
        return "takes the binding away".to_owned();
    }
    let has_credentials = headers.has(&HeaderName::AUTHORIZATION);
    if has_credentials { "with credentials" } else { "without credentials" }.to_owned()
}

fn invitation(headers: &Headers, body: &[u8]) -> String {
    let is_first = headers.to().is_ok_and(|to| to.tag().is_none());
    match (is_first, direction(body)) {
        (true, _) => match headers.from() {
            Ok(from) => format!("{} calls", from.display.or(from.uri.user).unwrap_or_default()),
            Err(_) => "a call".to_owned(),
        },
        (false, Some("sendonly" | "inactive")) => "puts on hold".to_owned(),
        (false, Some(direction)) => format!("resumes, {direction}"),
        (false, None) => "asks for an offer".to_owned(),
    }
}

fn expiry(headers: &Headers) -> Option<u32> {
    let contact = headers.get(&HeaderName::CONTACT).unwrap_or_default();
    let parameter = contact.split(';').find_map(|p| p.trim().strip_prefix("expires="));
    parameter.and_then(|p| p.parse().ok()).or_else(|| headers.number(&HeaderName::EXPIRES))
}

/// The direction that a description names; `sendrecv` where it names none.
fn direction(body: &[u8]) -> Option<&'static str> {
    let text = std::str::from_utf8(body).ok().filter(|text| !text.is_empty())?;
    let names = ["sendonly", "recvonly", "inactive"];
    let named = |name: &&str| text.lines().any(|line| line.strip_prefix("a=") == Some(name));
    Some(names.into_iter().find(named).unwrap_or("sendrecv"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rung(text: &str) -> Rung {
        Rung::new(Duration::ZERO, true, text.replace('\n', "\r\n").as_bytes()).unwrap()
    }

    #[test]
    fn a_register_tells_whether_it_has_credentials_and_hides_them() {
        let head = "REGISTER sip:bench.test SIP/2.0\nVia: SIP/2.0/WSS a;branch=z9hG4bK1\n\
                    From: <sip:agent1@bench.test>;tag=1\nTo: <sip:agent1@bench.test>\nCall-ID: 1\n\
                    CSeq: 1 REGISTER\n";
        assert_eq!(rung(&format!("{head}\n")).note, "without credentials");
        let with = rung(&format!(
            "{head}Authorization: Digest username=\"agent1\", realm=\"r\", nonce=\"n\", \
             uri=\"sip:bench.test\", response=\"0123456789abcdef0123456789abcdef\"\n\n"
        ));
        assert_eq!(with.note, "with credentials");
        assert!(!with.text.contains("0123456789abcdef"), "{}", with.text);
        assert_eq!(rung(&format!("{head}Expires: 0\n\n")).note, "takes the binding away");
    }

    #[test]
    fn hold_and_resume_are_told_apart_from_a_call() {
        let invite = |tag: &str, direction: &str| {
            rung(&format!(
                "INVITE sip:agent1@a SIP/2.0\nVia: SIP/2.0/WSS a;branch=z9hG4bK1\n\
                 From: \"Customer One\" <sip:customer1@bench.test>;tag=1\n\
                 To: <sip:agent1@bench.test>{tag}\nCall-ID: 1\nCSeq: 1 INVITE\n\
                 Content-Type: application/sdp\n\nv=0\na={direction}\n"
            ))
            .note
        };
        assert_eq!(invite("", "sendrecv"), "Customer One calls");
        assert_eq!(invite(";tag=2", "sendonly"), "puts on hold");
        assert_eq!(invite(";tag=2", "sendrecv"), "resumes, sendrecv");
    }

    #[test]
    fn a_keep_alive_is_no_message_and_rubbish_is_shown_as_such() {
        assert!(Rung::new(Duration::ZERO, true, b"\r\n\r\n").is_none());
        assert_eq!(Rung::new(Duration::ZERO, true, b"rubbish").unwrap().label, "?");
    }
}
