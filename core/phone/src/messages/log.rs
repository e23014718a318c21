//! The messages that are kept: a ledger whose records change as more is heard of them, in pages.

use crate::ledger::{Change, Ledger, Record};
use crate::{MessageId, MessagePage, MessageState, TextMessage, UnixTime};

/// The messages of one account.
pub type MessageLog = Ledger<TextMessage>;

impl Record for TextMessage {
    const NAME: &'static str = "messages";
    const MOST: usize = 2_000;
    const SEGMENT: usize = 64;
    type Key = ();

    fn key(&self) {}

    fn known_at(&self) -> UnixTime {
        self.at
    }

    fn is_again(&self, kept: &Self) -> bool {
        kept.id == self.id
    }

    fn restarted(&mut self) {
        if self.state == MessageState::Sending {
            self.state = MessageState::Uncertain;
        }
    }
}

impl MessageLog {
    /// The most messages of one page.
    pub const PAGE: usize = 200;

    /// The messages, latest first: those before this one, or the last; at most 200. None before one that is not kept.
    pub fn page(&self, before: Option<MessageId>, limit: usize) -> MessagePage {
        let mut latest = self.records();
        if let Some(before) = before {
            latest.find(|message| message.id == before);
        }
        let messages = latest.by_ref().take(limit.clamp(1, Self::PAGE)).cloned().collect();
        MessagePage { messages, more: latest.next().is_some() }
    }

    /// This has become of a message; says what to store. What is known already is not made uncertain.
    pub fn mark(&mut self, id: MessageId, state: MessageState) -> Vec<Change<TextMessage>> {
        let wanted = |message: &TextMessage| {
            let is_open = message.state == MessageState::Sending;
            message.id == id && (is_open || state != MessageState::Uncertain)
        };
        self.change(wanted, |message| message.state = state)
    }
}

#[cfg(test)]
mod tests;
