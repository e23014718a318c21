//! The messages between agents, as they are told.

use super::event::{JsonEvent, JsonParty};
use super::words::message_failure_name;
use serde::Serialize;
use sidetone_phone::{MessagePage, MessageState, TextMessage};
use std::fmt;

/// A message that came in or was sent.
#[derive(Debug, Serialize)]
pub(crate) struct JsonMessage {
    message: String,
    party: JsonParty,
    text: String,
    at: u64,
    state: &'static str,
    /// Whom to write to in reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The same in words, and of an uncertain one, with what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl From<TextMessage> for JsonMessage {
    fn from(message: TextMessage) -> Self {
        let (state, reason) = match message.state {
            MessageState::Received => ("received", None),
            MessageState::Sending => ("sending", None),
            MessageState::Accepted => ("accepted", None),
            MessageState::Delivered => ("delivered", None),
            MessageState::Failed(reason) => ("failed", Some(message_failure_name(reason))),
            MessageState::Uncertain => ("uncertain", None),
        };
        Self {
            message: message.id.to_string(),
            reply: message.reply(),
            party: message.party.into(),
            text: message.text,
            at: message.at.0.as_secs(),
            state,
            reason,
            advice: message.state.advice(),
        }
    }
}

impl From<MessagePage> for JsonEvent {
    fn from(page: MessagePage) -> Self {
        let messages = page.messages.into_iter().map(Into::into).collect();
        Self::Messages { messages, more: page.more }
    }
}

impl fmt::Display for JsonMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.party, self.text.replace('\n', " "))
    }
}
