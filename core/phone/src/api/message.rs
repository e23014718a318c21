//! Messages between agents, as the app sees them (RFC 3428).

use super::{Party, UnixTime};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Our name of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId(pub uuid::Uuid);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A message that came in or was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

impl TextMessage {
    /// Whom to write to in reply, or to write again: the other side's address, a reference in place of a hidden number
    /// too. `None` where it was hidden altogether.
    pub fn reply(&self) -> Option<String> {
        self.party.reached_again()
    }
}

/// What has become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    /// It may have arrived: the connection or the process was lost on the way, or nobody answered. It is not sent again
    /// by itself, for he who has it would have it twice; the server may still say that it found nobody.
    Uncertain,
}

impl MessageState {
    /// What an uncertain message is told with.
    pub const UNCERTAIN: &str = "nobody has said whether it arrived; ask, or send it again";

    /// What happened and what to do, where there is something to do.
    pub fn advice(&self) -> Option<String> {
        match self {
            Self::Failed(reason) => Some(reason.to_string()),
            Self::Uncertain => Some(Self::UNCERTAIN.to_owned()),
            Self::Received | Self::Sending | Self::Accepted | Self::Delivered => None,
        }
    }
}

/// Why a message was not delivered, in words that say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
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
