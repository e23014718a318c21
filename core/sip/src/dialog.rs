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
