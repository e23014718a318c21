//! The server's side: the requests that it makes, and what it says to those of the phone.

use sidetone_sip::{HeaderName, Message, Method, Request, StatusCode, Uri};

/// A dialog, or what is to become one: who began it by which INVITE, and the other side's tag.
#[derive(Clone)]
pub(super) struct Dialog {
    pub(super) invite: Request,
    /// The To of the phone's answer, or the tag of the server's.
    pub(super) far: Option<String>,
    /// The server's INVITE.
    pub(super) ours: bool,
}

/// What it has been asked, and the dialogs that it knows.
#[derive(Default)]
pub(super) struct Server {
    pub(super) requests: Vec<Request>,
    pub(super) dialogs: Vec<Dialog>,
    serial: u32,
}

/// A description; of other media than audio for every eighth.
pub(super) fn description(kind: usize) -> String {
    let direction = ["sendrecv", "sendonly", "recvonly", "inactive"][kind % 4];
    let media = if kind % 8 == 7 {
        "video 4000 UDP/TLS/RTP/SAVPF 96"
    } else {
        "audio 4000 UDP/TLS/RTP/SAVPF 107 101"
    };
    format!(
        "v=0\r\no=- 1 {kind} IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm={media}\r\n\
         a=rtpmap:107 opus/48000/2\r\na=rtpmap:101 telephone-event/48000\r\na=fingerprint:sha-256 AA:BB\r\n\
         a=setup:actpass\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na={direction}\r\n"
    )
}

impl Server {
    /// The one that was talked of so many before the last.
    pub(super) fn request(&self, back: usize) -> Option<Request> {
        self.requests.iter().rev().cycle().nth(back % self.requests.len().max(1)).cloned()
    }

    pub(super) fn dialog(&self, back: usize) -> Option<Dialog> {
        self.dialogs.iter().rev().cycle().nth(back % self.dialogs.len().max(1)).cloned()
    }

    /// Notes what the phone sent.
    pub(super) fn heard(&mut self, message: Message) {
        match message {
            Message::Request(request) => {
                if request.method == Method::Invite
                    && request.headers.get(&HeaderName::TO).is_some_and(|to| !to.contains(";tag="))
                {
                    self.dialogs.push(Dialog { invite: request.clone(), far: None, ours: false });
                }
                // An ACK has no answer.
                if request.method != Method::Ack {
                    self.requests.push(request);
                }
            }
            Message::Response(response) => {
                let call = response.headers.call_id().ok();
                let to = response.headers.get(&HeaderName::TO).map(|to| to.into_owned());
                let of_call = |dialog: &&mut Dialog| {
                    dialog.ours && dialog.invite.headers.call_id().ok() == call
                };
                if let Some(dialog) = self.dialogs.iter_mut().find(of_call) {
                    dialog.far = to.filter(|to| to.contains(";tag=")).or(dialog.far.take());
                }
            }
        }
    }

    /// A request outside every dialog.
    pub(super) fn outside(&mut self, method: Method) -> Request {
        self.serial += 1;
        let serial = self.serial;
        let uri = Uri::parse("sip:agent1@x.invalid;transport=ws").expect("an address");
        let mut request = Request::new(method.clone(), uri);
        let headers = &mut request.headers;
        headers
            .push(HeaderName::VIA, format!("SIP/2.0/WSS 192.0.2.1:8089;branch=z9hG4bKs{serial}"));
        headers.push(HeaderName::MAX_FORWARDS, "70");
        headers
            .push(HeaderName::FROM, format!("\"Anna\" <sip:100@pbx.example>;tag=caller{serial}"));
        headers.push(HeaderName::TO, "<sip:agent1@pbx.example>");
        headers.push(HeaderName::CALL_ID, format!("in-{serial}"));
        headers.push(HeaderName::CSEQ, format!("{} {method}", 100 + serial));
        headers.push(HeaderName::CONTACT, "<sip:pbx@192.0.2.1:8089;transport=ws>");
        request
    }

    /// A request inside this dialog, as far as it is one; CANCEL and ACK are of its INVITE.
    pub(super) fn inside(&mut self, dialog: &Dialog, method: Method) -> Request {
        let Dialog { invite, far, ours } = dialog;
        if method == Method::Cancel && *ours {
            return sidetone_sip::dialog::cancel(invite);
        }
        let mut request = self.outside(method.clone());
        let copied = |name: &HeaderName| {
            invite.headers.get(name).map(|value| value.into_owned()).unwrap_or_default()
        };
        let (from, to) = (copied(&HeaderName::FROM), copied(&HeaderName::TO));
        let (from, to) = if *ours {
            (from, far.clone().unwrap_or(to))
        } else {
            (far.as_ref().map_or(to.clone(), |tag| format!("{to};tag={tag}")), from)
        };
        request.headers.set(HeaderName::FROM, from);
        request.headers.set(HeaderName::TO, to);
        request.headers.set(HeaderName::CALL_ID, copied(&HeaderName::CALL_ID));
        if let (Method::Ack, Ok(cseq)) = (method, invite.headers.cseq()) {
            request.headers.set(HeaderName::CSEQ, format!("{} ACK", cseq.sequence));
        }
        request
    }

    /// An answer to this request of the phone. `kind`: 1 with a description, 2 of another fork, 4 reliable, 8 without Contact.
    pub(super) fn answer(&mut self, request: &Request, code: u16, kind: usize) -> Message {
        let tag = if kind & 2 == 0 { "bob" } else { "eve" };
        let status = StatusCode::new(code).expect("a status code");
        let mut response = request.response(status, Some(tag));
        let headers = &mut response.headers;
        if kind & 8 == 0 {
            let contact = if request.method == Method::Register {
                "<sip:agent1@192.0.2.9:40000;transport=ws>;expires=600"
            } else if code / 100 == 3 {
                "<sip:300@pbx.example>"
            } else {
                "<sip:pbx@192.0.2.1:8089;transport=ws>"
            };
            headers.push(HeaderName::CONTACT, contact);
        }
        match code {
            401 | 407 => {
                let stale = if kind & 2 == 0 { "" } else { ",stale=true" };
                let name = if code == 401 {
                    HeaderName::WWW_AUTHENTICATE
                } else {
                    HeaderName::PROXY_AUTHENTICATE
                };
                let nonce = self.requests.len();
                headers.push(
                    name,
                    format!(
                        "Digest realm=\"pbx\",nonce=\"n{nonce}\",algorithm=MD5,qop=\"auth\"{stale}"
                    ),
                );
            }
            422 => headers.push(HeaderName::MIN_SE, "600"),
            423 => headers.push(HeaderName::MIN_EXPIRES, "1200"),
            503 => headers.push(HeaderName::RETRY_AFTER, "7"),
            101..=199 if kind & 4 != 0 => {
                headers.push(HeaderName::REQUIRE, "100rel");
                headers.push(HeaderName::RSEQ, format!("{}", 1 + kind / 16));
            }
            _ => {}
        }
        if kind & 1 != 0 {
            response.set_body("application/sdp", description(kind / 16).into_bytes());
        }
        let of_request = |dialog: &&mut Dialog| {
            !dialog.ours && dialog.invite.headers.call_id().ok() == request.headers.call_id().ok()
        };
        if let Some(dialog) = self.dialogs.iter_mut().find(of_request).filter(|_| code > 100) {
            dialog.far = Some(tag.to_owned());
        }
        response.into()
    }
}
