//! What makes a message that could be read one that can be served, and what a request that cannot
//! is answered with (RFC 3261 §8.1.1, §8.2, §8.1.3.3; the verdicts of RFC 4475).

use super::wire::{self, Limits};
use super::{
    CSeq, HeaderName, Message, Method, ParseError, Request, Response, Scheme, StatusCode, Via,
};

/// What starts every branch since RFC 3261 §8.1.1.7.
const MAGIC_COOKIE: &str = "z9hG4bK";

impl Message {
    /// Checks what every message must carry: one To, From, CSeq and Call-ID, a Via; that CSeq's
    /// method is the request's (RFC 3261 §8.1.1), and that a response has come to the end of its way:
    /// one with a second Via is another's (§8.1.3.3).
    ///
    /// # Errors
    /// The first that is missing, malformed or at odds with the start line.
    pub fn validate(&self) -> Result<(), ParseError> {
        match self {
            Self::Request(request) => request.validate(),
            Self::Response(response) => response.validate(),
        }
    }

    /// The response to bytes that [`Message::parse`] refuses with `error`: where they are a request
    /// with a Via, and no ACK. `to_tag` is fresh. It is sent as it is, without a transaction.
    pub fn rejection(bytes: &[u8], error: &ParseError, to_tag: &str) -> Option<Response> {
        let (method, headers) = wire::parse_leniently(bytes, &Limits::default())?;
        if method == Method::Ack || !headers.has(&HeaderName::VIA) {
            return None;
        }
        Some(Response::to_headers(&headers, error.status(), Some(to_tag)))
    }
}

impl Request {
    /// The response to a request that no user agent can serve: 400 for what is malformed, 416 for an
    /// unknown scheme in the Request-URI, 420 with Unsupported for a Require that is not among the
    /// option tags in `extensions`. `to_tag` is fresh. `None` where the request may be served; an ACK
    /// is never answered and, where [`Message::validate`] refuses it, dropped.
    ///
    /// Whether the method (405, 501), the body (415), the event (489) or the credentials (401) will do
    /// is for the user agent to say; Max-Forwards of 0 is no matter to it (483 is a proxy's).
    pub fn rejection(&self, extensions: &[&str], to_tag: &str) -> Option<Response> {
        if self.method == Method::Ack {
            return None;
        }
        let answer = |status| Some(self.response(status, Some(to_tag)));
        if let Err(error) = self.validate().and_then(|()| self.validate_addresses()) {
            return answer(error.status());
        }
        if matches!(self.uri.scheme, Scheme::Other(_)) {
            return answer(StatusCode::UNSUPPORTED_URI_SCHEME);
        }
        let mut unsupported = self.headers.list(&HeaderName::REQUIRE);
        unsupported.retain(|tag| !extensions.iter().any(|known| tag.eq_ignore_ascii_case(known)));
        // RFC 3261 §8.2.2.3: a CANCEL's Require is ignored.
        if unsupported.is_empty() || self.method == Method::Cancel {
            return None;
        }
        let mut response = self.response(StatusCode::BAD_EXTENSION, Some(to_tag));
        response.headers.push(HeaderName::UNSUPPORTED, unsupported.join(", "));
        Some(response)
    }

    fn validate(&self) -> Result<(), ParseError> {
        let (via, cseq) = validate_common(&self.headers)?;
        if cseq.method != self.method {
            return Err(ParseError::malformed(
                "CSeq",
                "names another method than the request line",
            ));
        }
        match via.branch() {
            Some(MAGIC_COOKIE) => {
                Err(ParseError::malformed("Via", "has a branch that names nothing"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Contact, Record-Route, Max-Forwards, and what RFC 3261 §10.2 and §19.1.1 ask of the URIs.
    fn validate_addresses(&self) -> Result<(), ParseError> {
        self.headers.contacts()?;
        self.headers.addresses(&HeaderName::RECORD_ROUTE)?;
        let hops = self.headers.has(&HeaderName::MAX_FORWARDS);
        if hops && self.headers.number(&HeaderName::MAX_FORWARDS).is_none_or(|hops| hops > 255) {
            return Err(ParseError::malformed("Max-Forwards", "is not a number up to 255"));
        }
        if self.uri.headers.is_some() {
            return Err(ParseError::malformed("Request-URI", "has header fields"));
        }
        let to = self.headers.to()?;
        if self.method == Method::Register && !matches!(to.uri.scheme, Scheme::Sip | Scheme::Sips) {
            return Err(ParseError::malformed("To", "is no address of record"));
        }
        Ok(())
    }
}

impl Response {
    fn validate(&self) -> Result<(), ParseError> {
        validate_common(&self.headers)?;
        match self.headers.list(&HeaderName::VIA).len() {
            1 => Ok(()),
            _ => Err(ParseError::malformed("Via", "is another's: the response went astray")),
        }
    }
}

/// What both must carry; the topmost Via and CSeq, as they were read.
fn validate_common(headers: &super::Headers) -> Result<(Via, CSeq), ParseError> {
    let via = headers.vias()?.into_iter().next().ok_or(ParseError::missing("Via"))?;
    headers.to()?;
    headers.from()?;
    headers.call_id()?;
    let cseq = headers.cseq()?;
    for (name, text) in [
        (HeaderName::TO, "To"),
        (HeaderName::FROM, "From"),
        (HeaderName::CALL_ID, "Call-ID"),
        (HeaderName::CSEQ, "CSeq"),
        (HeaderName::MAX_FORWARDS, "Max-Forwards"),
    ] {
        let mut values = headers.raw(&name);
        let first = values.next();
        if values.any(|value| Some(value) != first) {
            return Err(ParseError::malformed(text, "is there twice and differs"));
        }
    }
    Ok((via, cseq))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &str = "Via: SIP/2.0/WSS a.invalid;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=f\r\n\
        To: <sip:a@b>\r\nCall-ID: c\r\n";

    fn request(line: &str, more: &str) -> Request {
        let method = line.split(' ').next().unwrap();
        let text = format!("{line} SIP/2.0\r\n{FIELDS}CSeq: 1 {method}\r\n{more}\r\n");
        match Message::parse(text.as_bytes()).unwrap() {
            Message::Request(request) => request,
            Message::Response(_) => panic!("a response"),
        }
    }

    fn status(line: &str, more: &str) -> Option<u16> {
        request(line, more).rejection(&["timer"], "t").map(|response| response.status.code())
    }

    #[test]
    fn a_request_that_can_be_served_is_not_rejected() {
        assert_eq!(status("INVITE sip:a@b", "Max-Forwards: 0\r\nRequire: TIMER\r\n"), None);
        assert_eq!(status("INVITE tel:+1", "To: <sip:a@b>\r\n"), None);
    }

    #[test]
    fn each_fault_has_its_status() {
        assert_eq!(status("INVITE sip:a@b", "To: <sip:other@b>\r\n"), Some(400));
        assert_eq!(status("INVITE sip:a@b", "Contact: <sip:a@b\r\n"), Some(400));
        assert_eq!(status("INVITE sip:a@b", "Max-Forwards: 256\r\n"), Some(400));
        assert_eq!(status("INVITE sip:a@b", "Max-Forwards:\r\n"), Some(400));
        assert_eq!(status("INVITE sip:a@b?c=d", ""), Some(400));
        assert_eq!(status("INVITE urn:service:sos", ""), Some(416));
        assert_eq!(status("INVITE sip:a@b", "Require: timer, tide\r\n"), Some(420));
        assert_eq!(status("CANCEL sip:a@b", "Require: tide\r\n"), None);
        assert_eq!(status("ACK sip:a@b", "To: <sip:other@b>\r\n"), None);
    }

    #[test]
    fn the_420_says_what_is_unsupported() {
        let response = request("INVITE sip:a@b", "Require: timer, tide\r\n")
            .rejection(&["timer"], "t")
            .unwrap();
        assert_eq!(response.headers.get(&HeaderName::UNSUPPORTED).as_deref(), Some("tide"));
        assert_eq!(response.headers.to().unwrap().tag(), Some("t"));
    }

    #[test]
    fn bytes_that_are_no_message_are_answered_where_they_ask_for_it() {
        let rejection = |text: &str| {
            let error = Message::parse(text.as_bytes()).unwrap_err();
            Message::rejection(text.as_bytes(), &error, "t")
        };
        let answer =
            rejection(&format!("BYE  sip:a@b SIP/2.0\r\n{FIELDS}broken\r\nCSeq: x BYE\r\n\r\n"))
                .unwrap();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.headers.get(&HeaderName::CSEQ).as_deref(), Some("x BYE"));
        assert_eq!(answer.headers.call_id().as_deref(), Ok("c"));
        assert_eq!(rejection(&format!("ACK  sip:a@b SIP/2.0\r\n{FIELDS}\r\n")), None);
        assert_eq!(rejection(&format!("SIP/2.0 99 x\r\n{FIELDS}\r\n")), None);
        assert_eq!(rejection("BYE  sip:a@b SIP/2.0\r\n\r\n"), None);
        assert_eq!(rejection(""), None);
    }

    #[test]
    fn a_response_with_a_second_via_is_anothers() {
        let vias = "Via: SIP/2.0/WSS a;branch=z9hG4bK1, SIP/2.0/UDP b\r\n";
        let text = format!(
            "SIP/2.0 200 OK\r\n{vias}{}CSeq: 1 BYE\r\n\r\n",
            &FIELDS[FIELDS.find("From").unwrap()..]
        );
        assert!(Message::parse(text.as_bytes()).unwrap().validate().is_err());
        let text = text.replace(", SIP/2.0/UDP b", "");
        assert_eq!(Message::parse(text.as_bytes()).unwrap().validate(), Ok(()));
    }
}
