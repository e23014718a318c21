//! What the server says of a call besides who calls.

use std::time::Duration;

/// What the server says of a call in header fields of its INVITE, and before that in a push. All of it is the server's word,
/// and optional.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallData {
    /// The queue that it came through (`X-Queue`): at most 256 bytes, like the other texts.
    pub queue: Option<String>,
    /// How long the caller had waited there when this phone was called (`X-Queue-Wait`): whole seconds, up to a day.
    pub waited: Option<Duration>,
    /// What names the customer's call as a whole, through all queues and agents (`X-Call-Group`).
    pub group: Option<String>,
    /// What stands for a caller whose number is hidden (`X-Caller-Ref`).
    pub caller_ref: Option<String>,
    /// The agent sent the caller there, nobody took him, and he is back (`X-Returned-From`).
    pub returned_from: Option<String>,
}

impl CallData {
    /// This, and what the other says of what it leaves open.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            queue: self.queue.or(other.queue),
            waited: self.waited.or(other.waited),
            group: self.group.or(other.group),
            caller_ref: self.caller_ref.or(other.caller_ref),
            returned_from: self.returned_from.or(other.returned_from),
        }
    }
}
