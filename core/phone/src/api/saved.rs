//! The little that must survive the process, versioned.

use serde::{Deserialize, Serialize};

/// What is stored and given back to [`crate::Phone::new`]. No secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The layout's version; another one is not read.
    pub version: u32,
    /// The digest client's memory, which spares a round trip (no password).
    pub digest: String,
    /// What names the last binding at the server, one or two URIs with a space between: its Contact
    /// as listed, and the flow's address as the server saw it. Removed by the next REGISTER when
    /// another flow takes its place.
    pub contact: Option<String>,
    /// The Call-ID and last CSeq number of REGISTER (RFC 3261 §10.2: the same across reboots).
    pub register_call_id: String,
    /// The last CSeq number of REGISTER.
    pub register_sequence: u32,
}

impl Saved {
    /// The version that this build writes and reads.
    pub const VERSION: u32 = 1;
}
