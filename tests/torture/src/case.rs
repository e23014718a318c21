//! One row of the tables: a message, what is to be done with it, and what is to be read from it.

use sidetone_sip::message::{ContactHeader, HeaderName, Message, Request, Response};

/// What a user agent does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Takes it as well formed. What its application layer answers is said in the table.
    Accept,
    /// Answers at once with this status.
    Answer(u16),
    /// Discards it: a response, or a request that cannot be answered.
    Drop,
}

/// One message of an RFC.
pub(crate) struct Case {
    /// The name that the RFC gives it.
    pub(crate) name: &'static str,
    /// The section that discusses it.
    pub(crate) section: &'static str,
    /// What that section says is to be done, or, where it leaves a choice, what is chosen.
    pub(crate) verdict: Verdict,
    /// Reads what the section is about.
    pub(crate) read: fn(&Message) -> String,
    /// What is read from the RFC's message.
    pub(crate) rfc: &'static str,
    /// What is read from the message of our own.
    pub(crate) own: &'static str,
}

impl Case {
    /// The verdict on these bytes, and what is read from them; nothing where they are no message.
    pub(crate) fn judge(&self, bytes: &[u8]) -> (Verdict, String) {
        let (verdict, message) = super::verdict(bytes);
        (verdict, message.map(|message| (self.read)(&message)).unwrap_or_default())
    }
}

pub(crate) fn nothing(_: &Message) -> String {
    String::new()
}

pub(crate) fn request(message: &Message) -> &Request {
    match message {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a response"),
    }
}

pub(crate) fn response(message: &Message) -> &Response {
    match message {
        Message::Response(response) => response,
        Message::Request(_) => panic!("a request"),
    }
}

/// The user part of the Request-URI.
pub(crate) fn user(message: &Message) -> String {
    request(message).uri.user.clone().unwrap_or_default()
}

/// The Request-URI as we print it.
pub(crate) fn uri(message: &Message) -> String {
    request(message).uri.to_string()
}

/// Display name, URI and parameters of From and To.
pub(crate) fn from_and_to(message: &Message) -> String {
    let headers = message.headers();
    format!("{} {}", headers.from().unwrap(), headers.to().unwrap())
}

/// All Contacts as we print them.
pub(crate) fn contacts(message: &Message) -> String {
    let contacts = message.headers().contacts().unwrap();
    contacts.iter().map(ContactHeader::to_string).collect::<Vec<_>>().join(", ")
}

/// All Vias as we print them.
pub(crate) fn vias(message: &Message) -> String {
    let vias = message.headers().vias().unwrap();
    vias.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A field as it came.
pub(crate) fn field(message: &Message, name: &str) -> String {
    message.headers().get(&HeaderName::new(name)).unwrap_or_default().into_owned()
}

/// `c=` and `m=` lines of the body.
pub(crate) fn sdp_addresses(message: &Message) -> String {
    let body = String::from_utf8(request(message).body.clone()).unwrap();
    let lines: Vec<_> =
        body.lines().filter(|l| l.starts_with("c=") || l.starts_with("m=")).collect();
    lines.join("|")
}
