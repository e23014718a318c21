//! A dialog: two tags and a Call-ID, sequence numbers, the remote target and the route set
//! (RFC 3261 §12). Early dialogs become confirmed ones; the transaction user owns it.

use crate::{CSeq, HeaderName, Method, NameAddr, ParseError, Request, Response, Uri};

/// The three values that name a dialog (RFC 3261 §12).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DialogId {
    /// Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// The other side's tag.
    pub remote_tag: String,
}

/// A dialog, early or confirmed (RFC 3261 §12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    /// Its name.
    pub id: DialogId,
    /// Our address with our tag: From of what we send.
    pub local: NameAddr,
    /// The other side's address with its tag: To of what we send.
    pub remote: NameAddr,
    /// Where requests go (RFC 3261 §12.1: the Contact).
    pub remote_target: Uri,
    /// Route header field values, in the order of sending.
    pub route_set: Vec<NameAddr>,
    /// The CSeq number of our last request.
    pub local_sequence: u32,
    /// The CSeq number of their last request; none yet for a caller.
    pub remote_sequence: Option<u32>,
}

/// Why a message cannot make, or does not fit, a dialog.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialogError {
    /// A header field that the dialog needs.
    #[error(transparent)]
    Header(#[from] ParseError),
    /// The other side sent no tag, so there is no dialog (RFC 3261 §12.1).
    #[error("the other side sent no tag")]
    NoTag,
    /// A request's CSeq is lower than the last one's: answer 500 (RFC 3261 §12.2.2).
    #[error("the request's CSeq is lower than the last one's")]
    OutOfOrder,
}

impl Dialog {
    /// The caller's dialog, from our INVITE and a response with a To tag (RFC 3261 §12.1.2).
    ///
    /// # Errors
    /// No tag or no Contact in the response, or a header field that cannot be read.
    pub fn uac(request: &Request, response: &Response) -> Result<Self, DialogError> {
        let (local, remote) = (request.headers.from()?, response.headers.to()?);
        let local_tag = local.tag().unwrap_or_default().to_owned();
        let remote_tag = remote.tag().ok_or(DialogError::NoTag)?.to_owned();
        Ok(Self {
            id: DialogId { call_id: request.headers.call_id()?, local_tag, remote_tag },
            local,
            remote,
            remote_target: response.headers.contact_uri()?,
            route_set: reversed_record_route(response)?,
            local_sequence: request.headers.cseq()?.sequence,
            remote_sequence: None,
        })
    }

    /// The called side's dialog, from an INVITE and the tag that we answer with (RFC 3261 §12.1.1).
    ///
    /// # Errors
    /// No tag or no Contact in the request, or a header field that cannot be read.
    pub fn uas(request: &Request, local_tag: &str) -> Result<Self, DialogError> {
        let headers = &request.headers;
        let remote = headers.from()?;
        let remote_tag = remote.tag().ok_or(DialogError::NoTag)?.to_owned();
        let id =
            DialogId { call_id: headers.call_id()?, local_tag: local_tag.to_owned(), remote_tag };
        Ok(Self {
            id,
            local: headers.to()?.with_tag(local_tag),
            remote,
            remote_target: headers.contact_uri()?,
            route_set: headers.addresses(&HeaderName::RECORD_ROUTE)?,
            local_sequence: 0,
            remote_sequence: Some(headers.cseq()?.sequence),
        })
    }

    /// The dialog that a request of the other side belongs to; `None` without a To tag.
    pub fn id_of(request: &Request) -> Option<DialogId> {
        let (to, from) = (request.headers.to().ok()?, request.headers.from().ok()?);
        Some(DialogId {
            call_id: request.headers.call_id().ok()?,
            local_tag: to.tag()?.to_owned(),
            // RFC 3261 §12.1.1: a peer of RFC 2543 may have none.
            remote_tag: from.tag().unwrap_or_default().to_owned(),
        })
    }

    /// The dialog that a response to a request of ours belongs to; `None` without a To tag. Forks
    /// of one INVITE differ in it.
    pub fn id_of_response(response: &Response) -> Option<DialogId> {
        let (to, from) = (response.headers.to().ok()?, response.headers.from().ok()?);
        Some(DialogId {
            call_id: response.headers.call_id().ok()?,
            local_tag: from.tag().unwrap_or_default().to_owned(),
            remote_tag: to.tag()?.to_owned(),
        })
    }

    /// Makes the caller's early dialog a confirmed one: target and route set are those of the 2xx,
    /// which may differ from those of the 1xx (RFC 3261 §13.2.2.4).
    ///
    /// # Errors
    /// No Contact in the response, or a header field that cannot be read; then nothing changes.
    pub fn confirm(&mut self, response: &Response) -> Result<(), DialogError> {
        let target = response.headers.contact_uri()?;
        self.route_set = reversed_record_route(response)?;
        self.remote_target = target;
        Ok(())
    }

    /// A request inside the dialog, sequence number counted up (not for ACK: see [`Dialog::ack`]):
    /// Request-URI, Route, From, To, Call-ID, CSeq, Max-Forwards; Via and Contact are the caller's.
    pub fn request(&mut self, method: Method) -> Request {
        self.local_sequence = self.local_sequence.wrapping_add(1) & (u32::MAX >> 1);
        self.build(method, self.local_sequence)
    }

    /// The ACK of a 2xx, with the INVITE's sequence number (RFC 3261 §13.2.2.4). Via is the caller's,
    /// as are the INVITE's credentials where it had any.
    pub fn ack(&self, invite_sequence: u32) -> Request {
        self.build(Method::Ack, invite_sequence)
    }

    /// Takes a request of the other side: its order, and a new target where the method refreshes
    /// it (RFC 3261 §12.2.2). ACK and CANCEL have the number of their INVITE and are taken as they
    /// are; retransmissions were absorbed by the transaction.
    ///
    /// # Errors
    /// [`DialogError::OutOfOrder`]; an unreadable Contact. Then nothing changes.
    pub fn handle_request(&mut self, request: &Request) -> Result<(), DialogError> {
        if matches!(request.method, Method::Ack | Method::Cancel) {
            return Ok(());
        }
        let sequence = request.headers.cseq()?.sequence;
        if self.remote_sequence.is_some_and(|last| sequence < last) {
            return Err(DialogError::OutOfOrder);
        }
        if refreshes_target(&request.method) && request.headers.has(&HeaderName::CONTACT) {
            self.remote_target = request.headers.contact_uri()?;
        }
        self.remote_sequence = Some(sequence);
        Ok(())
    }

    /// Takes a response inside the dialog: a 2xx to an INVITE or UPDATE refreshes the target
    /// (RFC 3261 §12.2.1.2).
    pub fn handle_response(&mut self, response: &Response) {
        let refreshes = response.headers.cseq().is_ok_and(|cseq| refreshes_target(&cseq.method));
        if let (true, true, Ok(target)) =
            (response.status.is_success(), refreshes, response.headers.contact_uri())
        {
            self.remote_target = target;
        }
    }

    /// RFC 3261 §12.2.1.1: a first route without `lr` is a strict router, which wants to be the
    /// Request-URI and leaves the target last in Route.
    fn build(&self, method: Method, sequence: u32) -> Request {
        let mut routes: Vec<String> = self.route_set.iter().map(ToString::to_string).collect();
        let uri = match self.route_set.first() {
            Some(first) if !first.uri.params.has("lr") => {
                routes.remove(0);
                routes.push(NameAddr::new(self.remote_target.clone()).to_string());
                first.uri.clone()
            }
            Some(_) | None => self.remote_target.clone(),
        };
        let mut request = Request::new(method.clone(), request_uri(uri));
        let headers = &mut request.headers;
        headers.push(HeaderName::MAX_FORWARDS, "70");
        for route in routes {
            headers.push(HeaderName::ROUTE, route);
        }
        headers.push(HeaderName::FROM, self.local.to_string());
        headers.push(HeaderName::TO, self.remote.to_string());
        headers.push(HeaderName::CALL_ID, self.id.call_id.as_str());
        headers.push(HeaderName::CSEQ, CSeq { sequence, method }.to_string());
        request
    }
}

/// The CANCEL of an INVITE: same Request-URI, Via, From, To, Call-ID, Route and CSeq number
/// (RFC 3261 §9.1).
pub fn cancel(invite: &Request) -> Request {
    let mut request = Request::new(Method::Cancel, invite.uri.clone());
    if let Some(via) = invite.headers.list(&HeaderName::VIA).into_iter().next() {
        request.headers.push(HeaderName::VIA, via);
    }
    request.headers.push(HeaderName::MAX_FORWARDS, "70");
    for name in [HeaderName::ROUTE, HeaderName::FROM, HeaderName::TO, HeaderName::CALL_ID] {
        request.headers.copy_all(&invite.headers, &name);
    }
    let sequence = invite.headers.cseq().map_or(0, |cseq| cseq.sequence);
    let cseq = CSeq { sequence, method: Method::Cancel };
    request.headers.push(HeaderName::CSEQ, cseq.to_string());
    request
}

/// RFC 3261 §12.2, RFC 3311 §5.1, RFC 3515 §2.4.7, RFC 6665 §3.1: target refresh requests.
fn refreshes_target(method: &Method) -> bool {
    let refreshing =
        [Method::Invite, Method::Update, Method::Subscribe, Method::Notify, Method::Refer];
    refreshing.contains(method)
}

/// RFC 3261 §19.1.1: `method` and the headers component do not belong into a Request-URI.
fn request_uri(mut uri: Uri) -> Uri {
    uri.params.remove("method");
    uri.headers = None;
    uri
}

fn reversed_record_route(response: &Response) -> Result<Vec<NameAddr>, ParseError> {
    let mut routes = response.headers.addresses(&HeaderName::RECORD_ROUTE)?;
    routes.reverse();
    Ok(routes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Message, StatusCode};

    fn uri(text: &str) -> Uri {
        Uri::parse(text).unwrap()
    }

    fn request(text: &str) -> Request {
        match Message::parse(text.as_bytes()).unwrap() {
            Message::Request(request) => request,
            Message::Response(response) => panic!("{} is no request", response.status),
        }
    }

    fn invite() -> Request {
        request(
            "INVITE sip:bob@example.com SIP/2.0\r\n\
             Via: SIP/2.0/WSS a.invalid;branch=z9hG4bK1\r\n\
             Max-Forwards: 70\r\n\
             Route: <sip:edge.example.com;lr>\r\n\
             From: \"Anna\" <sip:anna@example.com>;tag=a\r\n\
             To: <sip:bob@example.com>\r\n\
             Call-ID: call-1\r\n\
             CSeq: 7 INVITE\r\n\
             Contact: <sip:anna@a.invalid;transport=ws>\r\n\
             Require: 100rel\r\n\
             Content-Type: application/sdp\r\n\
             \r\nv=0\r\n",
        )
    }

    fn answer(request: &Request, code: u16, routes: &[&str]) -> Response {
        let mut response = request.response(StatusCode::new(code).unwrap(), Some("b"));
        response.headers.push(HeaderName::CONTACT, "<sip:bob@192.0.2.4:5070>");
        for route in routes {
            response.headers.push(HeaderName::RECORD_ROUTE, *route);
        }
        response
    }

    fn caller() -> Dialog {
        let routes = ["<sip:p2.example.com;lr>, <sip:p1.example.com;lr>"];
        Dialog::uac(&invite(), &answer(&invite(), 200, &routes)).unwrap()
    }

    fn called() -> Dialog {
        let mut invite = invite();
        invite.headers.push(HeaderName::RECORD_ROUTE, "<sip:p2.example.com;lr>");
        invite.headers.push(HeaderName::RECORD_ROUTE, "<sip:p1.example.com;lr>");
        Dialog::uas(&invite, "b").unwrap()
    }

    fn routes(request: &Request) -> Vec<String> {
        request.headers.list(&HeaderName::ROUTE)
    }

    /// A request of the other side inside [`called`]'s dialog.
    fn theirs(method: Method, sequence: u32, contact: Option<&str>) -> Request {
        let mut request = Request::new(method.clone(), uri("sip:bob@192.0.2.4"));
        request.headers.push(HeaderName::FROM, "<sip:anna@example.com>;tag=a");
        request.headers.push(HeaderName::TO, "<sip:bob@example.com>;tag=b");
        request.headers.push(HeaderName::CALL_ID, "call-1");
        request.headers.push(HeaderName::CSEQ, CSeq { sequence, method }.to_string());
        if let Some(contact) = contact {
            request.headers.push(HeaderName::CONTACT, contact);
        }
        request
    }

    #[test]
    fn the_callers_route_set_is_the_record_route_reversed() {
        let dialog = caller();
        let set: Vec<String> = dialog.route_set.iter().map(ToString::to_string).collect();
        assert_eq!(set, ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]);
        assert_eq!(dialog.remote_target, uri("sip:bob@192.0.2.4:5070"));
        assert_eq!((dialog.local_sequence, dialog.remote_sequence), (7, None));
    }

    #[test]
    fn the_called_sides_route_set_is_the_record_route_as_it_came() {
        let mut dialog = called();
        assert_eq!(dialog.remote_sequence, Some(7));
        let bye = dialog.request(Method::Bye);
        assert_eq!(bye.uri, uri("sip:anna@a.invalid;transport=ws"));
        assert_eq!(routes(&bye), ["<sip:p2.example.com;lr>", "<sip:p1.example.com;lr>"]);
        assert_eq!(bye.headers.from().unwrap().tag(), Some("b"));
        assert_eq!(bye.headers.to().unwrap().tag(), Some("a"));
        assert_eq!(bye.headers.cseq().unwrap(), CSeq { sequence: 1, method: Method::Bye });
        assert_eq!(bye.headers.number(&HeaderName::MAX_FORWARDS), Some(70));
    }

    #[test]
    fn both_sides_and_both_directions_name_the_dialog_alike() {
        let dialog = caller();
        let ok = answer(&invite(), 200, &[]);
        assert_eq!(Dialog::id_of_response(&ok).as_ref(), Some(&dialog.id));
        let mut other = called();
        assert_eq!(Dialog::id_of(&other.request(Method::Bye)), Some(dialog.id));
        assert_eq!(Dialog::id_of(&theirs(Method::Bye, 8, None)), Some(other.id));
        assert_eq!(Dialog::id_of(&invite()), None);
    }

    #[test]
    fn without_a_tag_or_a_contact_there_is_no_dialog() {
        let mut trying = answer(&invite(), 100, &[]);
        assert_eq!(Dialog::uac(&invite(), &trying), Err(DialogError::NoTag));
        trying.headers.set(HeaderName::TO, "<sip:bob@example.com>;tag=b");
        trying.headers.remove(&HeaderName::CONTACT);
        let missing = DialogError::Header(ParseError::missing("Contact"));
        assert_eq!(Dialog::uac(&invite(), &trying), Err(missing));
        let mut anonymous = invite();
        anonymous.headers.set(HeaderName::FROM, "<sip:anna@example.com>");
        assert_eq!(Dialog::uas(&anonymous, "b"), Err(DialogError::NoTag));
    }

    #[test]
    fn a_loose_router_leaves_the_target_in_the_request_uri() {
        let bye = caller().request(Method::Bye);
        assert_eq!(bye.uri, uri("sip:bob@192.0.2.4:5070"));
        assert_eq!(routes(&bye), ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]);
    }

    #[test]
    fn a_strict_router_becomes_the_request_uri_and_the_target_the_last_route() {
        let ok =
            answer(&invite(), 200, &["<sip:p2.example.com;lr>", "<sip:p1.example.com;method=X>"]);
        let bye = Dialog::uac(&invite(), &ok).unwrap().request(Method::Bye);
        assert_eq!(bye.uri, uri("sip:p1.example.com"));
        assert_eq!(routes(&bye), ["<sip:p2.example.com;lr>", "<sip:bob@192.0.2.4:5070>"]);
    }

    #[test]
    fn without_routes_the_target_is_the_request_uri() {
        let ok = answer(&invite(), 200, &[]);
        let bye = Dialog::uac(&invite(), &ok).unwrap().request(Method::Bye);
        assert_eq!(bye.uri, uri("sip:bob@192.0.2.4:5070"));
        assert_eq!(routes(&bye), Vec::<String>::new());
    }

    #[test]
    fn the_2xx_sets_route_and_target_anew() {
        let ringing = answer(&invite(), 180, &["<sip:p1.example.com;lr>"]);
        let mut dialog = Dialog::uac(&invite(), &ringing).unwrap();
        let mut ok = answer(&invite(), 200, &["<sip:p9.example.com;lr>"]);
        ok.headers.set(HeaderName::CONTACT, "<sip:bob@192.0.2.9>");
        dialog.confirm(&ok).unwrap();
        let ack = dialog.ack(7);
        assert_eq!(ack.uri, uri("sip:bob@192.0.2.9"));
        assert_eq!(routes(&ack), ["<sip:p9.example.com;lr>"]);
        ok.headers.remove(&HeaderName::CONTACT);
        let before = dialog.clone();
        assert!(dialog.confirm(&ok).is_err());
        assert_eq!(dialog, before);
    }

    #[test]
    fn the_ack_has_the_sequence_number_of_its_invite() {
        let mut dialog = caller();
        let update = dialog.request(Method::Update);
        assert_eq!(update.headers.cseq().unwrap().sequence, 8);
        let ack = dialog.ack(7);
        assert_eq!(ack.headers.cseq().unwrap(), CSeq { sequence: 7, method: Method::Ack });
        assert_eq!(dialog.request(Method::Bye).headers.cseq().unwrap().sequence, 9);
    }

    #[test]
    fn the_sequence_number_stays_below_2_to_the_31st() {
        let mut dialog = caller();
        dialog.local_sequence = (1 << 31) - 1;
        assert!(dialog.request(Method::Bye).headers.cseq().is_ok());
    }

    #[test]
    fn a_lower_sequence_number_is_out_of_order_and_a_gap_is_not() {
        let mut dialog = called();
        dialog.handle_request(&theirs(Method::Info, 20, None)).unwrap();
        assert_eq!(dialog.remote_sequence, Some(20));
        let late = theirs(Method::Invite, 19, Some("<sip:elsewhere.example.com>"));
        let before = dialog.clone();
        assert_eq!(dialog.handle_request(&late), Err(DialogError::OutOfOrder));
        assert_eq!(dialog, before);
    }

    #[test]
    fn an_equal_sequence_number_is_in_order() {
        let mut dialog = called();
        assert_eq!(dialog.handle_request(&theirs(Method::Info, 7, None)), Ok(()));
    }

    #[test]
    fn an_ack_is_never_out_of_order() {
        let mut dialog = called();
        dialog.handle_request(&theirs(Method::Info, 20, None)).unwrap();
        dialog.handle_request(&theirs(Method::Ack, 7, None)).unwrap();
        assert_eq!(dialog.remote_sequence, Some(20));
    }

    #[test]
    fn only_target_refresh_requests_move_the_target() {
        let moved = Some("<sip:anna@192.0.2.77>");
        for (method, moves) in [
            (Method::Invite, true),
            (Method::Update, true),
            (Method::Notify, true),
            (Method::Info, false),
            (Method::Bye, false),
            (Method::Ack, false),
        ] {
            let mut dialog = called();
            dialog.handle_request(&theirs(method.clone(), 8, moved)).unwrap();
            assert_eq!(dialog.remote_target == uri("sip:anna@192.0.2.77"), moves, "{method}");
        }
    }

    #[test]
    fn an_unreadable_contact_is_an_error_and_changes_nothing() {
        let mut dialog = called();
        let before = dialog.clone();
        for contact in ["<sip:", "*"] {
            assert!(dialog.handle_request(&theirs(Method::Invite, 8, Some(contact))).is_err());
            assert_eq!(dialog, before);
        }
    }

    #[test]
    fn a_2xx_moves_the_target_and_a_refusal_does_not() {
        for (code, moves) in [(200, true), (183, false), (488, false)] {
            let mut dialog = caller();
            let reinvite = dialog.request(Method::Invite);
            let mut response = answer(&reinvite, code, &[]);
            response.headers.set(HeaderName::CONTACT, "<sip:bob@192.0.2.9>");
            dialog.handle_response(&response);
            assert_eq!(dialog.remote_target == uri("sip:bob@192.0.2.9"), moves, "{code}");
        }
    }

    #[test]
    fn a_cancel_repeats_what_names_its_invite_and_no_more() {
        let invite = invite();
        let cancel = cancel(&invite);
        assert_eq!((&cancel.method, &cancel.uri), (&Method::Cancel, &invite.uri));
        for name in [
            HeaderName::VIA,
            HeaderName::ROUTE,
            HeaderName::FROM,
            HeaderName::TO,
            HeaderName::CALL_ID,
        ] {
            assert!(cancel.headers.raw(&name).eq(invite.headers.raw(&name)), "{name}");
        }
        assert_eq!(cancel.headers.cseq().unwrap(), CSeq { sequence: 7, method: Method::Cancel });
        assert!(!cancel.headers.has(&HeaderName::REQUIRE) && cancel.body.is_empty());
    }
}
