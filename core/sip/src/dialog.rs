//! A dialog: two tags and a Call-ID, sequence numbers, the remote target and the route set
//! (RFC 3261 §12). Early dialogs become confirmed ones; the transaction user owns it.

use crate::{Method, NameAddr, ParseError, Request, Response, Uri};

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
        let _ = (request, response);
        todo!()
    }

    /// The called side's dialog, from an INVITE and the tag that we answer with (RFC 3261 §12.1.1).
    ///
    /// # Errors
    /// No tag or no Contact in the request, or a header field that cannot be read.
    pub fn uas(request: &Request, local_tag: &str) -> Result<Self, DialogError> {
        let _ = (request, local_tag);
        todo!()
    }

    /// The dialog that a request of the other side belongs to; `None` without a To tag.
    pub fn id_of(request: &Request) -> Option<DialogId> {
        let _ = request;
        todo!()
    }

    /// A request inside the dialog, sequence number counted up (not for ACK: see [`Dialog::ack`]):
    /// Request-URI, Route, From, To, Call-ID, CSeq, Max-Forwards; Via and Contact are the caller's.
    pub fn request(&mut self, method: Method) -> Request {
        let _ = method;
        todo!()
    }

    /// The ACK of a 2xx, with the INVITE's sequence number (RFC 3261 §13.2.2.4).
    pub fn ack(&self, invite_sequence: u32) -> Request {
        let _ = invite_sequence;
        todo!()
    }

    /// Takes a request of the other side: its order, and a new target where the method refreshes
    /// it (RFC 3261 §12.2.2).
    ///
    /// # Errors
    /// [`DialogError::OutOfOrder`]; an unreadable Contact.
    pub fn handle_request(&mut self, request: &Request) -> Result<(), DialogError> {
        let _ = request;
        todo!()
    }

    /// Takes a response inside the dialog: a 2xx to an INVITE or UPDATE refreshes the target
    /// (RFC 3261 §12.2.1.2).
    pub fn handle_response(&mut self, response: &Response) {
        let _ = response;
        todo!()
    }
}

/// The CANCEL of an INVITE: same Request-URI, Via, From, To, Call-ID, Route and CSeq number
/// (RFC 3261 §9.1).
pub fn cancel(invite: &Request) -> Request {
    let _ = invite;
    todo!()
}
