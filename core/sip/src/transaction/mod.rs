//! The four transaction machines and the layer that routes messages to them (RFC 3261 §17, RFC 6026).
//!
//! The layer is a value: messages and time go in, [`TransactionOutput`]s come out of
//! [`Transactions::poll_output`]. It decides about retransmission, absorption and timers; what a
//! request means is the transaction user's.

use crate::{FlowId, Message, Request, Response};
use std::time::Duration;

/// T1, T2 and T4 (RFC 3261 §17.1.1.1 and Appendix A).
#[derive(Debug, Clone, Copy)]
pub struct Timers {
    /// Round-trip estimate; 500 ms.
    pub t1: Duration,
    /// Largest retransmission interval of non-INVITE requests and INVITE responses; 4 s.
    pub t2: Duration,
    /// How long a message stays in the network; 5 s.
    pub t4: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
        }
    }
}

/// Whether the flow's transport retransmits by itself (RFC 3261 §17: reliable transports).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reliability {
    /// TCP, TLS, WebSocket: no retransmission of requests, timers D, I, J, K are zero.
    Reliable,
    /// UDP.
    Unreliable,
}

/// Names a client transaction: its branch and the method in CSeq (RFC 3261 §17.1.3).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientKey {
    /// The branch of the topmost Via.
    pub branch: String,
    /// The method; CANCEL has the branch of its INVITE.
    pub method: crate::Method,
}

/// Names a server transaction: branch, sent-by and method, ACK counted as INVITE (RFC 3261 §17.2.3).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerKey {
    /// The branch of the topmost Via, or what RFC 2543 matching makes of the request without one.
    pub branch: String,
    /// The sent-by of the topmost Via.
    pub sent_by: String,
    /// The method.
    pub method: crate::Method,
}

/// What the layer asks for or tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionOutput {
    /// Send this on this flow.
    Transmit {
        /// Where.
        flow: FlowId,
        /// What.
        message: Message,
    },
    /// A new request; answer it by [`Transactions::respond`]. Retransmissions never come here.
    Request {
        /// The transaction it opened.
        key: ServerKey,
        /// The flow it came on.
        flow: FlowId,
        /// The request.
        request: Request,
    },
    /// An ACK for a 2xx: it belongs to a dialog, not to a transaction (RFC 3261 §13.3.1.4). The
    /// ACK of any other final response is absorbed by the server INVITE transaction.
    Ack {
        /// The ACK.
        request: Request,
    },
    /// A response to a request of ours. Each 2xx to an INVITE comes here, also repeated ones and
    /// those of other forks (RFC 6026 *Accepted*): the dialog sends the ACK again.
    Response {
        /// The transaction.
        key: ClientKey,
        /// The response.
        response: Response,
    },
    /// Timer B or F: no final response came (RFC 3261 §17.1.1.2). To the user it is a 408.
    ClientTimedOut {
        /// The transaction, which is gone.
        key: ClientKey,
    },
    /// The flow was lost before a final response came (RFC 3261 §8.1.3.1: treat it as 503).
    ClientFlowLost {
        /// The transaction, which is gone.
        key: ClientKey,
    },
    /// Timer H: no ACK came for a non-2xx final response to an INVITE; or timer L ran out for a 2xx
    /// whose retransmission is the transaction user's (see [`Transactions::respond`]).
    ServerTimedOut {
        /// The transaction, which is gone.
        key: ServerKey,
    },
}

/// All transactions of one user agent.
#[derive(Debug)]
pub struct Transactions {
    timers: Timers,
}

impl Transactions {
    /// No transactions yet.
    pub fn new(timers: Timers) -> Self {
        Self { timers }
    }

    /// Sends a request and opens its client transaction. The request must have a topmost Via with a
    /// unique branch; an ACK (for a 2xx) is sent without a transaction.
    pub fn send(
        &mut self,
        request: Request,
        flow: FlowId,
        reliability: Reliability,
        now: Duration,
    ) -> ClientKey {
        let _ = (request, flow, reliability, now, self.timers);
        todo!()
    }

    /// Sends a response in a server transaction. After a 2xx to an INVITE the transaction stays in
    /// *Accepted* (RFC 6026) for timer L, absorbs retransmitted INVITEs by sending the 2xx again, and
    /// the dialog's user repeats the 2xx until the ACK comes on unreliable transports.
    /// Returns `false` where the transaction is gone or has had its final response.
    pub fn respond(&mut self, key: &ServerKey, response: Response, now: Duration) -> bool {
        let _ = (key, response, now);
        todo!()
    }

    /// A message came in on a flow. It must have passed [`Message::validate`].
    pub fn receive(
        &mut self,
        message: Message,
        flow: FlowId,
        reliability: Reliability,
        now: Duration,
    ) {
        let _ = (message, flow, reliability, now);
        todo!()
    }

    /// The flow is gone: client transactions on it fail at once; server transactions stay, their
    /// responses to it are dropped.
    pub fn flow_lost(&mut self, flow: FlowId, now: Duration) {
        let _ = (flow, now);
        todo!()
    }

    /// The key of the INVITE that a CANCEL is about (RFC 3261 §9.2: same branch and sent-by).
    pub fn invite_of(cancel: &ServerKey) -> ServerKey {
        ServerKey { method: crate::Method::Invite, ..cancel.clone() }
    }

    /// Whether a server transaction is there and has had no final response.
    pub fn is_pending(&self, key: &ServerKey) -> bool {
        let _ = key;
        todo!()
    }

    /// The next thing to do; drain to `None` after each call.
    pub fn poll_output(&mut self) -> Option<TransactionOutput> {
        todo!()
    }

    /// When [`Transactions::handle_timeout`] is due, and the name of the timer (`"B"`).
    pub fn poll_timeout(&self) -> Option<(Duration, &'static str)> {
        todo!()
    }

    /// Lets time pass up to `now`.
    pub fn handle_timeout(&mut self, now: Duration) {
        let _ = now;
        todo!()
    }
}
