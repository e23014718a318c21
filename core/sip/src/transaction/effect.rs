//! What the machines ask of the layer.

use crate::{Request, Response};

/// What a client machine asks of the layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ClientEffect {
    Send(Request),
    Up(Response),
    TimedOut,
    FlowLost,
}

/// What a server machine asks of the layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ServerEffect {
    Send(Response),
    Ack(Request),
    TimedOut,
}
