//! Messages between agents, as the app sees them (RFC 3428).

use super::{Party, UnixTime};
use std::fmt;

/// Our name of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub uuid::Uuid);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A message that came in or was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextMessage {
    /// Its id.
    pub id: MessageId,
    /// Who wrote it, or whom it is for, as the server names him.
    pub party: Party,
    /// What it says.
    pub text: String,
    /// When it came in, or was sent.
    pub at: UnixTime,
    /// What has become of it.
    pub state: MessageState,
}

/// What has become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageState {
    /// It came in.
    Received,
    /// It is on its way to the server.
    Sending,
    /// The server has it (202); whether the other phone has is not known.
    Accepted,
    /// The other phone has it (200).
    Delivered,
    /// It was not delivered.
    Failed(MessageFailure),
}

/// Why a message was not delivered, in words that say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageFailure {
    /// Nobody is there who takes messages (404, 408, 410, 480, 484, 604, or the server's word later).
    #[error("the other side cannot be reached now; check the name, or send it again later")]
    Unreachable,
    /// The other side, or the server, does not want it (403, 405, 415, 501, 603).
    #[error("the other side takes no messages; call instead")]
    Refused,
    /// Too long for the server (413, 513).
    #[error("the message is too long for the server; send it in parts")]
    TooLong,
    /// The connection was lost, or nobody answered: it may have arrived.
    #[error("nobody has said whether it arrived; ask, or send it again")]
    Unknown,
    /// Refused with another status.
    #[error("the server refused the message ({0}); ask its administrator")]
    Rejected(u16),
}

/// Some messages, latest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessagePage {
    /// The messages.
    pub messages: Vec<TextMessage>,
    /// Whether there are earlier ones: ask for those before the last of these.
    pub more: bool,
}
