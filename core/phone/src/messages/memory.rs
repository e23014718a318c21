//! What is remembered of messages, so that none is shown twice and a late word of the server finds the one it speaks of;
//! it survives the process.

use crate::MessageId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sidetone_sip::Request;
use std::collections::VecDeque;

/// As many are remembered of each kind; the oldest is forgotten first.
const REMEMBERED: usize = 64;

/// The last messages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MessageMemory {
    /// Those that came in or were sent, oldest first.
    known: VecDeque<MessageId>,
    /// Ours of which the server may still say that they found nobody, oldest first.
    open: VecDeque<Open>,
}

/// A message of ours whose end is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    message: MessageId,
    /// Whether nothing is awaited but that word.
    is_settled: bool,
}

impl MessageMemory {
    /// Notes a message; whether it was not known.
    pub(super) fn is_new(&mut self, message: MessageId) -> bool {
        let is_new = !self.knows(message);
        if is_new {
            push(&mut self.known, message);
        }
        is_new
    }

    pub(super) fn knows(&self, message: MessageId) -> bool {
        self.known.contains(&message)
    }

    /// This one is on its way.
    pub(super) fn sent(&mut self, message: MessageId) {
        self.is_new(message);
        push(&mut self.open, Open { message, is_settled: false });
    }

    /// The server has it, or nobody knows.
    pub(super) fn settled(&mut self, message: MessageId) {
        let found = self.open.iter_mut().find(|open| open.message == message);
        found.into_iter().for_each(|open| open.is_settled = true);
    }

    /// What has become of it will not change any more; whether that was open.
    pub(super) fn closed(&mut self, message: MessageId) -> bool {
        let before = self.open.len();
        self.open.retain(|open| open.message != message);
        self.open.len() < before
    }

    /// Those that were on their way when the process died: nobody will say now whether they arrived.
    pub(super) fn settle_all(&mut self) -> Vec<MessageId> {
        let lost = self.open.iter_mut().filter(|open| !open.is_settled);
        lost.map(|open| {
            open.is_settled = true;
            open.message
        })
        .collect()
    }
}

fn push<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() >= REMEMBERED {
        list.pop_front();
    }
    list.push_back(item);
}

/// Our name of a message that came in, the same each time that it comes: what tells a request from a merged or repeated
/// one (RFC 3261 §8.2.2.2), as a UUID (RFC 9562 §5.8). `None` of one that does not say what it is.
pub(super) fn name_of(request: &Request) -> Option<MessageId> {
    let headers = &request.headers;
    let (from, call_id, cseq) =
        (headers.from().ok()?, headers.call_id().ok()?, headers.cseq().ok()?);
    let mut hash = Sha256::new();
    for part in [from.tag().unwrap_or_default(), &call_id, &cseq.sequence.to_string()] {
        hash.update(part);
        hash.update([0]);
    }
    let bytes = hash.finalize();
    let (name, _) = bytes.split_first_chunk()?;
    Some(MessageId(uuid::Builder::from_custom_bytes(*name).into_uuid()))
}
