//! Messages between agents, as they cross.

use crate::{MessageId, Party, time};
use sidetone_phone as phone;
use std::time::SystemTime;

/// A message that came in or was sent.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct TextMessage {
    /// Its id.
    pub id: MessageId,
    /// Who wrote it, or whom it is for.
    pub party: Party,
    /// What it says.
    pub text: String,
    /// When it came in, or was sent.
    pub at: SystemTime,
    /// What has become of it.
    pub state: MessageState,
}

/// What has become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum MessageState {
    /// It came in.
    Received,
    /// It is on its way to the server.
    Sending,
    /// The server has it; whether the other phone has is not known.
    Accepted,
    /// The other phone has it.
    Delivered,
    /// It was not delivered.
    Failed {
        /// Why.
        reason: MessageFailure,
    },
}

/// Why a message was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum MessageFailure {
    /// Nobody is there who takes messages.
    Unreachable,
    /// The other side, or the server, does not want it.
    Refused,
    /// Too long for the server.
    TooLong,
    /// Nobody has said whether it arrived.
    Unknown,
    /// The server refused it otherwise.
    Rejected {
        /// The status code.
        status: u16,
    },
}

/// Some messages, latest first.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct MessagePage {
    /// The messages.
    pub messages: Vec<TextMessage>,
    /// Whether there are earlier ones: ask for those before the last of these.
    pub more: bool,
}

impl From<phone::TextMessage> for TextMessage {
    fn from(message: phone::TextMessage) -> Self {
        use phone::MessageState as S;
        Self {
            id: MessageId(message.id.0),
            party: message.party.into(),
            text: message.text,
            at: time::wall(message.at),
            state: match message.state {
                S::Received => MessageState::Received,
                S::Sending => MessageState::Sending,
                S::Accepted => MessageState::Accepted,
                S::Delivered => MessageState::Delivered,
                S::Failed(reason) => MessageState::Failed { reason: reason.into() },
            },
        }
    }
}

impl From<phone::MessageFailure> for MessageFailure {
    fn from(reason: phone::MessageFailure) -> Self {
        use phone::MessageFailure as F;
        match reason {
            F::Unreachable => Self::Unreachable,
            F::Refused => Self::Refused,
            F::TooLong => Self::TooLong,
            F::Unknown => Self::Unknown,
            F::Rejected(status) => Self::Rejected { status },
        }
    }
}

impl From<phone::MessagePage> for MessagePage {
    fn from(page: phone::MessagePage) -> Self {
        Self { messages: page.messages.into_iter().map(Into::into).collect(), more: page.more }
    }
}
