//! Messages between agents, as they cross.

use crate::vault::on_runtime;
use crate::{MessageId, Party, VaultError, time};
use sidetone_driver as driver;
use sidetone_phone as phone;
use std::sync::Arc;
use std::time::SystemTime;

/// The messages that came in and were sent, of a vault or of a phone without one: the last 2000 of a year. Many may read
/// them at once.
#[derive(uniffi::Object)]
pub struct Messages {
    kept: Arc<driver::Messages>,
}

#[uniffi::export]
impl Messages {
    /// Some of the messages, latest first: those before this one, or the last; at most 200.
    #[uniffi::method(default(before = None, limit = 50))]
    pub async fn page(
        &self,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<MessagePage, VaultError> {
        let kept = Arc::clone(&self.kept);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let before = before.map(|id| phone::MessageId(id.0));
        on_runtime(async move { kept.page(before, limit).await }).await.map(Into::into)
    }

    /// Forgets every message, on the disk too.
    pub async fn clear(&self) -> Result<(), VaultError> {
        let kept = Arc::clone(&self.kept);
        on_runtime(async move { kept.clear().await }).await.map(drop)
    }
}

impl Messages {
    pub(crate) fn of(kept: Arc<driver::Messages>) -> Arc<Self> {
        Arc::new(Self { kept })
    }
}

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
    /// Whom to write to in reply, or to write again; none where the other side is hidden.
    pub reply: Option<String>,
    /// What happened and what to do, in words, where it failed or is uncertain.
    pub advice: Option<String>,
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
    /// It may have arrived: the connection or the process was lost on the way. It is not sent again by itself.
    Uncertain,
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
            reply: message.reply(),
            party: message.party.into(),
            text: message.text,
            at: time::wall(message.at),
            advice: message.state.advice(),
            state: match message.state {
                S::Received => MessageState::Received,
                S::Sending => MessageState::Sending,
                S::Accepted => MessageState::Accepted,
                S::Delivered => MessageState::Delivered,
                S::Failed(reason) => MessageState::Failed { reason: reason.into() },
                S::Uncertain => MessageState::Uncertain,
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
            F::Rejected(status) => Self::Rejected { status },
        }
    }
}

impl From<phone::MessagePage> for MessagePage {
    fn from(page: phone::MessagePage) -> Self {
        Self { messages: page.messages.into_iter().map(Into::into).collect(), more: page.more }
    }
}
