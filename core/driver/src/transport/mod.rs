//! Flows: DNS, TCP, TLS and WebSocket, one task each.
//!
//! RFC 7118 (SIP over WebSocket), RFC 6455, RFC 8305 (which address first), RFC 9525 (whose
//! certificate), RFC 5626 §3.5.1 (CRLF keep-alive).

mod dial;
mod flow;
mod tls;

#[cfg(test)]
mod tests;

use crate::{Milestone, StartError, Trust};
use sidetone_phone::{FlowError, FlowErrorKind, FlowId, ServerAddress};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// The largest message taken from a server, and the largest frame.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// Messages that may wait for a slow connection; a flow that falls further behind is lost.
const SEND_QUEUE: usize = 64;

/// Opens flows. It holds what they share: the trusted certificates and the TLS sessions, so that the
/// next handshake with the same server is a short one.
#[derive(Debug, Clone)]
pub struct Connector {
    tls: Arc<rustls::ClientConfig>,
}

/// What a flow tells.
#[derive(Debug)]
pub struct Notice {
    /// The flow.
    pub flow: FlowId,
    /// What.
    pub what: FlowNotice,
}

/// What a [`Notice`] tells. `Failed` is the last of its flow.
#[derive(Debug)]
pub enum FlowNotice {
    /// A step of connecting.
    Milestone(Milestone),
    /// The flow is open.
    Opened,
    /// It could not be opened, or was lost.
    Failed(FlowError),
    /// A message came in.
    Received(Vec<u8>),
    /// The probe was answered.
    ProbeAnswered,
}

/// The sending side of a flow. Dropped, it closes the flow in good order.
#[derive(Debug)]
pub struct Flow {
    requests: mpsc::Sender<Request>,
}

/// What a flow's task is asked.
enum Request {
    Send(Vec<u8>),
    Probe,
}

impl Connector {
    /// A connector that trusts these certificates.
    ///
    /// # Errors
    /// [`StartError::Trust`] where none can be had.
    pub fn new(trust: &Trust) -> Result<Self, StartError> {
        Ok(Self { tls: tls::config(trust)? })
    }

    /// Starts a flow's task on the running runtime. It reports by `notices`, which it waits for: a
    /// phone that does not read slows the flow down instead of filling memory.
    pub fn open(
        &self,
        flow: FlowId,
        server: ServerAddress,
        timeout: Duration,
        notices: mpsc::Sender<Notice>,
    ) -> Flow {
        let (requests, queue) = mpsc::channel(SEND_QUEUE);
        let reporter = Reporter { flow, notices };
        tokio::spawn(flow::run(self.tls.clone(), server, timeout, queue, reporter));
        Flow { requests }
    }
}

impl Flow {
    /// Queues one message as one frame.
    ///
    /// # Errors
    /// The flow is gone, or so slow that its queue is full.
    pub fn send(&self, bytes: Vec<u8>) -> Result<(), FlowError> {
        self.request(Request::Send(bytes))
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// As [`Flow::send`].
    pub fn probe(&self) -> Result<(), FlowError> {
        self.request(Request::Probe)
    }

    fn request(&self, request: Request) -> Result<(), FlowError> {
        self.requests.try_send(request).map_err(|error| {
            let detail = match error {
                mpsc::error::TrySendError::Full(_) => "the connection takes no more messages",
                mpsc::error::TrySendError::Closed(_) => "the connection is closed",
            };
            FlowError { kind: FlowErrorKind::Lost, detail: detail.to_owned() }
        })
    }
}

/// Where a flow's task reports to.
struct Reporter {
    flow: FlowId,
    notices: mpsc::Sender<Notice>,
}

impl Reporter {
    async fn tell(&self, what: FlowNotice) {
        // The phone is gone: nobody wants to know.
        let _ = self.notices.send(Notice { flow: self.flow, what }).await;
    }

    async fn milestone(&self, milestone: Milestone) {
        self.tell(FlowNotice::Milestone(milestone)).await;
    }
}

fn error(kind: FlowErrorKind, detail: impl ToString) -> FlowError {
    FlowError { kind, detail: detail.to_string() }
}
