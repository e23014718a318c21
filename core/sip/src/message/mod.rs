//! SIP messages: the start line, header fields in order, and the body (RFC 3261 §7).
//!
//! The bytes are read by our own wire layer, then by our own typed parsers; `rsip` is used for the
//! values that it reads rightly and is not named outside this module.

mod headers;
mod method;
mod params;
mod redact;
mod status;
mod text;
mod uri;
mod validate;
mod values;
mod wire;

pub use headers::{HeaderName, Headers};
pub use method::Method;
pub use params::Params;
pub use redact::redacted_sdp;
pub use status::StatusCode;
pub use uri::{Host, Scheme, Uri};
pub use values::{CSeq, ContactHeader, ContentType, NameAddr, Via};
pub use wire::{Limits, ParseError};

/// A SIP message (RFC 3261 §7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A request (RFC 3261 §7.1).
    Request(Request),
    /// A response (RFC 3261 §7.2).
    Response(Response),
}

/// A SIP request (RFC 3261 §7.1). Debug output shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The Request-URI.
    pub uri: Uri,
    /// The header fields, in order.
    pub headers: Headers,
    /// The body, cut at Content-Length where that is given.
    pub body: Vec<u8>,
}

/// A SIP response (RFC 3261 §7.2). Debug output shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code, 100 to 699.
    pub status: StatusCode,
    /// The reason phrase: for people, never for decisions.
    pub reason: String,
    /// The header fields, in order.
    pub headers: Headers,
    /// The body, cut at Content-Length where that is given.
    pub body: Vec<u8>,
}

impl Message {
    /// Reads one message that fills `bytes`, as a WebSocket frame carries it (RFC 7118 §5).
    ///
    /// # Errors
    /// [`ParseError`] says what is wrong and, where a response can still be sent, with which status.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        wire::parse(bytes, &Limits::default())
    }

    /// The message as bytes, with Content-Length set to the body's length.
    pub fn to_bytes(&self) -> Vec<u8> {
        wire::print(self)
    }

    /// The header fields.
    pub fn headers(&self) -> &Headers {
        match self {
            Self::Request(request) => &request.headers,
            Self::Response(response) => &response.headers,
        }
    }

    /// The header fields, to change.
    pub fn headers_mut(&mut self) -> &mut Headers {
        match self {
            Self::Request(request) => &mut request.headers,
            Self::Response(response) => &mut response.headers,
        }
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Self {
        Self::Request(request)
    }
}

impl From<Response> for Message {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}

impl Request {
    /// A request with no header fields and no body.
    pub fn new(method: Method, uri: Uri) -> Self {
        Self { method, uri, headers: Headers::default(), body: Vec::new() }
    }

    /// Sets the body and its Content-Type.
    pub fn set_body(&mut self, content_type: &str, body: Vec<u8>) {
        self.headers.set(HeaderName::CONTENT_TYPE, content_type);
        self.body = body;
    }

    /// A response to this request: Via, From, To, Call-ID, CSeq, (for 100) Timestamp and (for 101 to
    /// 299) Record-Route copied as RFC 3261 §8.2.6 and §12.1.1 ask. `to_tag` is added to To where it
    /// has none; 100 never gets one.
    pub fn response(&self, status: StatusCode, to_tag: Option<&str>) -> Response {
        let to_tag = to_tag.filter(|_| status != StatusCode::TRYING);
        Response::to_headers(&self.headers, status, to_tag)
    }
}

impl Response {
    /// Sets the body and its Content-Type.
    pub fn set_body(&mut self, content_type: &str, body: Vec<u8>) {
        self.headers.set(HeaderName::CONTENT_TYPE, content_type);
        self.body = body;
    }

    /// A response to a request of which only the header fields are known.
    fn to_headers(request: &Headers, status: StatusCode, to_tag: Option<&str>) -> Self {
        let mut headers = Headers::default();
        headers.copy_all(request, &HeaderName::VIA);
        if (101..300).contains(&status.code()) {
            headers.copy_all(request, &HeaderName::RECORD_ROUTE);
        }
        for name in [HeaderName::FROM, HeaderName::TO, HeaderName::CALL_ID, HeaderName::CSEQ] {
            headers.copy_first(request, &name);
        }
        if status == StatusCode::TRYING {
            headers.copy_first(request, &HeaderName::TIMESTAMP);
        }
        if let Some(tag) = to_tag.filter(|_| request.to().is_ok_and(|to| to.tag().is_none())) {
            let to = request.raw(&HeaderName::TO).next().unwrap_or_default();
            let to = to.strip_suffix(b";").unwrap_or(to);
            headers.set(HeaderName::TO, [to, b";tag=", tag.as_bytes()].concat());
        }
        Self { status, reason: status.reason().to_owned(), headers, body: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &str) -> Request {
        match Message::parse(format!("INVITE sip:a@b SIP/2.0\r\n{fields}\r\n").as_bytes()).unwrap()
        {
            Message::Request(request) => request,
            Message::Response(_) => panic!("a response"),
        }
    }

    #[test]
    fn a_response_copies_what_it_must_and_tags_to_once() {
        let fields = "v: SIP/2.0/WSS a, SIP/2.0/UDP b\r\nt: sip:a@b\r\nf: <sip:c@d>;tag=1\r\ni: x\r\n\
            CSeq: 1 INVITE\r\nRecord-Route: <sip:r;lr>\r\nTimestamp: 5\r\n";
        let request = request(fields);
        let ringing = request.response(StatusCode::RINGING, Some("mine"));
        assert_eq!(ringing.headers.vias().unwrap().len(), 2);
        assert_eq!(ringing.headers.to().unwrap().tag(), Some("mine"));
        assert!(ringing.headers.has(&HeaderName::RECORD_ROUTE));
        let trying = request.response(StatusCode::TRYING, Some("mine"));
        assert_eq!(trying.headers.to().unwrap().tag(), None);
        assert!(trying.headers.has(&HeaderName::TIMESTAMP));
        let busy = request.response(StatusCode::BUSY_HERE, None);
        assert!(!busy.headers.has(&HeaderName::RECORD_ROUTE));
    }

    #[test]
    fn a_tag_that_is_there_stays() {
        let response =
            request("t: <sip:a@b>;tag=theirs\r\n").response(StatusCode::OK, Some("mine"));
        assert_eq!(response.headers.to().unwrap().tag(), Some("theirs"));
    }
}
