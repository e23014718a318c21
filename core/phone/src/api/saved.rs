//! The little that must survive the process, versioned.

use super::{Announcement, CallId, CallRecord, Intent, PushToken};
use crate::messages::MessageMemory;
use crate::push::memory::Memory;
use serde::{Deserialize, Serialize};
use sidetone_sip::{Dialog, NameAddr};

/// What is stored and given back to [`crate::Phone::new`]. No secret is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Whether the user is signed in: then a push wakes the phone.
    #[serde(default)]
    pub signed_in: bool,
    /// Where pushes go.
    #[serde(default)]
    pub push: SavedPush,
    /// The calls that were announced and have no INVITE that could be saved, with what was decided.
    #[serde(default)]
    pub announced: Vec<(Announcement, Option<Intent>)>,
    /// How calls ended here, so that none of them rings again.
    #[serde(default)]
    pub(crate) memory: Memory,
    /// The dialogs of the calls that are up: a process that finds them ends them.
    #[serde(default)]
    pub dialogs: Vec<SavedDialog>,
    /// What the history will say of the calls that have begun and that no push announced anew: a
    /// process that finds them has lost them.
    #[serde(default)]
    pub unfinished: Vec<CallRecord>,
    /// The names of the last messages.
    #[serde(default)]
    pub(crate) messages: MessageMemory,
}

/// What is known of pushes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPush {
    /// The token that was handed over last.
    pub token: Option<PushToken>,
    /// Whether the server confirmed it.
    pub confirmed: bool,
    /// Whether the registrar pushes by itself and keeps the binding (RFC 8599 §4).
    pub by_registrar: bool,
}

/// A dialog as it is stored (RFC 3261 §12).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedDialog {
    /// The call.
    pub call: CallId,
    /// Call-ID.
    pub call_id: String,
    /// From of our requests, with its tag.
    pub local: String,
    /// To of our requests, with its tag.
    pub remote: String,
    /// Where requests go.
    pub remote_target: String,
    /// Route.
    pub route_set: Vec<String>,
    /// The CSeq number of our last request.
    pub local_sequence: u32,
}

impl SavedDialog {
    /// A call's dialog, written down.
    pub(crate) fn of(call: CallId, dialog: &Dialog) -> Self {
        Self {
            call,
            call_id: dialog.id.call_id.clone(),
            local: dialog.local.to_string(),
            remote: dialog.remote.to_string(),
            remote_target: dialog.remote_target.to_string(),
            route_set: dialog.route_set.iter().map(NameAddr::to_string).collect(),
            local_sequence: dialog.local_sequence,
        }
    }
}

impl Saved {
    /// The version that this build writes and reads.
    pub const VERSION: u32 = 2;
    /// The oldest version that this build reads.
    pub(crate) const OLDEST: u32 = 1;
}
