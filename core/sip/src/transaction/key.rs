//! What names a transaction, and so matches messages to it (RFC 3261 §17.1.3, §17.2.3).

use crate::{HeaderName, Method, Request};

/// What starts a branch made after RFC 3261 (§8.1.1.7).
const MAGIC_COOKIE: &str = "z9hG4bK";

/// Names a client transaction: its branch and the method in CSeq (RFC 3261 §17.1.3).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientKey {
    /// The branch of the topmost Via.
    pub branch: String,
    /// The method; CANCEL has the branch of its INVITE.
    pub method: Method,
}

/// Names a server transaction: branch, sent-by and method, ACK counted as INVITE (RFC 3261 §17.2.3).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerKey {
    /// The branch of the topmost Via, or what RFC 2543 matching makes of the request without one.
    pub branch: String,
    /// The sent-by of the topmost Via.
    pub sent_by: String,
    /// The method.
    pub method: Method,
}

impl ClientKey {
    /// The key that [`Transactions::send`](super::Transactions::send) returns for this request.
    pub fn of(request: &Request) -> Self {
        let via = request.headers.via().ok();
        let branch = via.as_ref().and_then(|via| via.branch()).unwrap_or_default();
        Self { branch: branch.to_owned(), method: request.method.clone() }
    }
}

impl ServerKey {
    /// The key of the transaction that a request belongs to; `None` without a readable Via.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let via = request.headers.via().ok()?;
        let branch = match via.branch() {
            Some(branch)
                if branch.len() > MAGIC_COOKIE.len() && branch.starts_with(MAGIC_COOKIE) =>
            {
                branch.to_owned()
            }
            Some(_) | None => rfc_2543_branch(request)?,
        };
        let sent_by = match via.port {
            Some(port) => format!("{}:{port}", via.host),
            None => via.host.to_string(),
        };
        let is_ack = request.method == Method::Ack;
        let method = if is_ack { Method::Invite } else { request.method.clone() };
        Some(Self { branch, sent_by, method })
    }
}

/// What names the transaction of a request without the magic cookie: Request-URI, From tag, Call-ID,
/// CSeq number and topmost Via (RFC 3261 §17.2.3). The To tag is left out, since the ACK has one
/// where its INVITE has none. No header field value holds a line end, so none passes for another.
fn rfc_2543_branch(request: &Request) -> Option<String> {
    let headers = &request.headers;
    let from = headers.from().ok()?;
    let tag = from.tag().unwrap_or_default();
    let (call_id, sequence) = (headers.call_id().ok()?, headers.cseq().ok()?.sequence);
    let via = headers.list(&HeaderName::VIA).into_iter().next()?;
    Some(format!("{}\n{tag}\n{call_id}\n{sequence}\n{via}", request.uri))
}
