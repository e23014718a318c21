//! One flow follows another without a break: the new one is made while the old one works, takes over, and the
//! old one goes on with what it has begun (RFC 5626 §4.2: requests for this phone come over either).

use super::Account;
use super::flow::{Link, Probe};
use crate::ua::Ua;
use crate::{FlowId, Now, Output};
use std::time::Duration;

/// How long a flow goes on whose place was taken, at most: as long as a call may ring.
const DRAIN: Duration = Duration::from_secs(180);
/// How often it is probed: its network may go without a word.
const PROBE: Duration = Duration::from_secs(2);

/// A flow whose place was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Predecessor {
    flow: FlowId,
    until: Duration,
    /// When it is probed next.
    probe: Duration,
    /// The last probe was not answered yet.
    doubted: bool,
}

impl Predecessor {
    pub(super) fn timeout(&self) -> Duration {
        self.until.min(self.probe)
    }
}

impl Account {
    /// Makes the flow that is to follow the one that is up.
    pub(super) fn prepare_successor(&mut self, ua: &mut Ua, now: Now) {
        self.drop_successor(ua);
        self.successor = self.ask_flow(ua, now);
    }

    /// The new flow is up: from now on requests of ours go over it.
    pub(super) fn take_over(&mut self, flow: FlowId, ua: &mut Ua, now: Now) {
        self.drop_predecessor(ua, now);
        self.predecessor = self.link.flow().map(|flow| Predecessor {
            flow,
            until: now.boot + DRAIN,
            probe: now.boot + PROBE,
            doubted: false,
        });
        self.link = Link::Up { flow, since: now.boot, heard: now.boot, probe: Probe::Quiet };
        self.handing_over = None;
        self.flow_timer = None;
        ua.flow = Some(flow);
    }

    /// The flow that was up is gone: the one that is being made is waited for. `false`: there is none.
    pub(super) fn succeed(&mut self) -> bool {
        let Some((flow, until)) = self.successor.take() else { return false };
        self.link = Link::Opening { flow, until };
        true
    }

    /// A flow failed that is not the one in use.
    pub(super) fn handle_other_failed(&mut self, flow: FlowId, ua: &mut Ua, now: Now) {
        if self.successor.take_if(|(successor, _)| *successor == flow).is_some() {
            // The network is another, but does not reach the server: whether the old one does is asked.
            self.doubt(ua, now);
        }
        if self.predecessor.take_if(|old| old.flow == flow).is_some() {
            abandon(flow, ua, now);
        }
    }

    pub(super) fn is_predecessor(&self, flow: FlowId) -> bool {
        self.predecessor.is_some_and(|old| old.flow == flow)
    }

    /// Bytes of the old flow came, if these are.
    pub(super) fn hear_predecessor(&mut self, flow: FlowId) -> bool {
        let old = self.predecessor.as_mut().filter(|old| old.flow == flow);
        old.map(|old| old.doubted = false).is_some()
    }

    /// Whether what is sent on this flow leaves.
    pub(crate) fn carries(&self, flow: FlowId) -> bool {
        self.link.flow() == Some(flow) || self.is_predecessor(flow)
    }

    /// The old flow goes when all that it has begun is done and the server sends to the new one.
    pub(crate) fn close_when_done(&mut self, ua: &mut Ua, now: Now) {
        let Some(Predecessor { flow: old, .. }) = self.predecessor else { return };
        let bound = self.bound_on.is_some() && self.bound_on == self.link.flow();
        if bound && !ua.transactions.is_needed(old) {
            self.drop_predecessor(ua, now);
        }
    }

    pub(super) fn handle_handover_timeout(&mut self, ua: &mut Ua, now: Now) {
        if self.predecessor.is_some_and(|old| old.until <= now.boot) {
            self.drop_predecessor(ua, now);
        }
        if let Some(old) = self.predecessor.as_mut().filter(|old| old.probe <= now.boot) {
            if old.doubted {
                self.drop_predecessor(ua, now);
            } else {
                (old.doubted, old.probe) = (true, now.boot + PROBE);
                ua.ask(Output::Probe { flow: old.flow });
            }
        }
        if self.successor.is_some_and(|(_, until)| until <= now.boot) {
            self.drop_successor(ua);
            self.doubt(ua, now);
        }
    }

    pub(super) fn drop_successor(&mut self, ua: &mut Ua) {
        if let Some((flow, _)) = self.successor.take() {
            ua.ask(Output::CloseFlow { flow });
        }
    }

    pub(super) fn drop_predecessor(&mut self, ua: &mut Ua, now: Now) {
        if let Some(Predecessor { flow, .. }) = self.predecessor.take() {
            ua.ask(Output::CloseFlow { flow });
            abandon(flow, ua, now);
        }
    }
}

/// What was begun on a flow that is gone is told so; what must still be answered is, on the one that is up.
fn abandon(flow: FlowId, ua: &mut Ua, now: Now) {
    ua.transactions.flow_lost(flow, now.boot);
    if let Some(present) = ua.flow {
        ua.transactions.flow_opened(present);
    }
}
