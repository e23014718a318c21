//! SIP without I/O: messages, transactions, dialogs, digest and session descriptions.
//!
//! Nothing here knows a socket, a clock or a thread. Time is an argument (a [`Duration`] on the
//! caller's boot clock), randomness is an argument, and what should be sent is returned.
//!
//! | module | owns | source |
//! |---|---|---|
//! | [`message`] | bytes ⇄ [`Message`], typed header fields | RFC 3261 §7, §20, §25; RFC 7118 |
//! | [`transaction`] | the four transaction machines and their timers | RFC 3261 §17, RFC 6026 |
//! | [`deadlines`] | who of many is due next | |
//! | [`dialog`] | the peer relationship that outlives a transaction | RFC 3261 §12 |
//! | [`digest`] | challenges and credentials | RFC 3261 §22, RFC 7616, RFC 8760 |
//! | [`session_timer`] | what is agreed of a session's timer | RFC 4028 |
//! | [`sdp`] | session descriptions, offer/answer, the normaliser | RFC 8866, RFC 3264, RFC 8829 |
//!
//! [`Duration`]: std::time::Duration

pub mod deadlines;
pub mod dialog;
pub mod digest;
pub mod message;
pub mod sdp;
pub mod session_timer;
pub mod transaction;

pub use deadlines::Deadlines;
pub use dialog::{Dialog, DialogId};
pub use message::{
    CSeq, ContactHeader, HeaderName, Headers, Message, Method, NameAddr, ParseError, Request,
    Response, StatusCode, Uri, Via,
};

/// One connection to a server, as long as it lives (RFC 5626 §2: a flow).
///
/// The number is chosen by the phone, never reused, and means nothing to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u64);
