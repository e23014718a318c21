//! Messages between agents: sent and what became of them, received and shown once (RFC 3428).
//!
//! A server that hands messages on answers 202 before it knows whether somebody is there (Asterisk always does). The
//! pack tells of a failure by a MESSAGE of its own, with `X-Message-Report` and the id that ours named in
//! `X-Message-ID`. A message is handed out to be kept before it is sent, or answered where it came in; the phone itself
//! remembers only the names of the last.
//!
//! | module | owns |
//! |---|---|
//! | `log` | the messages that are kept |
//! | `memory` | the names of the last, which survive the process |

mod log;
mod memory;

pub use log::MessageLog;
pub(crate) use memory::MessageMemory;

use crate::call::{party, target};
use crate::phone::Phone;
use crate::text;
use crate::ua::{Owner, Ua};
use crate::{
    CommandError, Event, MessageFailure, MessageId, MessageState, Now, Output, Party, TextMessage,
};
use sidetone_sip::transaction::{ClientKey, ServerKey};
use sidetone_sip::{HeaderName, Method, NameAddr, Request, Response, StatusCode};

/// The one type that is sent and taken.
pub(crate) const TEXT: &str = "text/plain";
/// The most bytes of a text that is sent: RFC 3428 §8 wants the whole request below 1300 bytes, where not every hop is
/// known to control congestion, and Asterisk takes no more than 1024 of a body.
const LONGEST: usize = 1000;
/// The most bytes of one that is taken.
const LONGEST_TAKEN: usize = 4096;
/// As many may wait for their answers.
const SENDING: usize = 16;

/// The messages that are under way, and what is remembered of the last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Messages {
    sending: Vec<(ClientKey, MessageId)>,
    memory: MessageMemory,
}

impl Messages {
    /// What must survive the process.
    pub(crate) fn memory(&self) -> &MessageMemory {
        &self.memory
    }

    /// What an earlier process left: what it was sending may have arrived, and is not sent again.
    pub(crate) fn restore(&mut self, memory: MessageMemory, ua: &mut Ua) {
        self.memory = memory;
        self.memory.settle_all().into_iter().for_each(|id| uncertain(id, ua));
    }

    /// Nobody says whether it arrived; the server may still say that it did not.
    fn lost(&mut self, id: MessageId, ua: &mut Ua) {
        self.memory.settled(id);
        uncertain(id, ua);
    }

    fn failed(&mut self, id: MessageId, reason: MessageFailure, ua: &mut Ua) {
        self.memory.closed(id);
        ua.keep(Output::MarkMessage { message: id, state: MessageState::Failed(reason) });
        ua.tell(Event::MessageFailed { message: id, reason });
    }

    fn accepted(&mut self, id: MessageId, delivered: bool, ua: &mut Ua) {
        let state = if delivered {
            self.memory.closed(id);
            MessageState::Delivered
        } else {
            self.memory.settled(id);
            MessageState::Accepted
        };
        ua.keep(Output::MarkMessage { message: id, state });
        ua.tell(Event::MessageSent { message: id, delivered });
    }

    /// The server says later that a message of ours found nobody.
    fn reported(&mut self, report: &str, ua: &mut Ua) {
        let named = report.trim().parse().ok().map(MessageId);
        if let Some(id) = named.filter(|id| self.memory.closed(*id)) {
            // Should the answer come after this, it says less.
            self.sending.retain(|(_, ours)| *ours != id);
            self.failed(id, MessageFailure::Unreachable, ua);
        }
    }
}

fn uncertain(id: MessageId, ua: &mut Ua) {
    ua.keep(Output::MarkMessage { message: id, state: MessageState::Uncertain });
    ua.tell(Event::MessageUncertain { message: id });
}

impl Phone {
    pub(crate) fn send_message(
        &mut self,
        id: MessageId,
        to: &str,
        text: String,
        now: Now,
    ) -> Result<(), CommandError> {
        let Self { messages, ua, account, .. } = self;
        let to = target::parse(to, &ua.config.account)?;
        if text.trim().is_empty() || text.len() > LONGEST || text.contains('\0') {
            return Err(CommandError::InvalidText);
        }
        if messages.memory.knows(id) {
            return Err(CommandError::MessageIdTaken);
        }
        if !account.is_registered() {
            return Err(CommandError::NotRegistered);
        }
        if messages.sending.len() >= SENDING {
            return Err(CommandError::TooManyMessages);
        }
        let mut request = Request::new(Method::Message, to.clone());
        let (tag, call_id) = (ua.token(), ua.call_id_header());
        let headers = &mut request.headers;
        headers.push(HeaderName::MAX_FORWARDS, "70");
        headers.push(HeaderName::FROM, ua.address().with_tag(&tag).to_string());
        headers.push(HeaderName::TO, NameAddr::new(to.clone()).to_string());
        headers.push(HeaderName::CALL_ID, call_id);
        headers.push(HeaderName::CSEQ, "1 MESSAGE");
        headers.push(HeaderName::X_MESSAGE_ID, id.to_string());
        request.set_body("text/plain;charset=utf-8", text.clone().into_bytes());
        let key = ua.send(request, Owner::Message, now).ok_or(CommandError::NotRegistered)?;
        messages.sending.push((key, id));
        messages.memory.sent(id);
        let party = Party { name: None, uri: to.to_string() };
        let state = MessageState::Sending;
        ua.keep(Output::KeepMessage(TextMessage { id, party, text, at: now.wall, state }));
        Ok(())
    }

    /// A response to a MESSAGE of ours, or none.
    pub(crate) fn handle_message_response(
        &mut self,
        key: &ClientKey,
        response: Option<&Response>,
        now: Now,
    ) {
        let Self { messages, ua, .. } = self;
        if response.is_some_and(|response| response.status.is_provisional()) {
            return;
        }
        let sent = ua.take_sent(key);
        let Some(at) = messages.sending.iter().position(|(ours, _)| ours == key) else { return };
        let (_, id) = messages.sending.swap_remove(at);
        let Some(response) = response else {
            return messages.lost(id, ua);
        };
        let status = response.status;
        let challenge = [StatusCode::UNAUTHORIZED, StatusCode::PROXY_AUTHENTICATION_REQUIRED];
        if let Some(sent) = sent.filter(|_| challenge.contains(&status))
            && let Ok(again) = ua.authenticate(sent, response, now)
        {
            match again {
                Some((again, _)) => messages.sending.push((again, id)),
                None => messages.lost(id, ua),
            }
        } else if status.is_success() {
            messages.accepted(id, status != StatusCode::ACCEPTED, ua);
        } else {
            messages.failed(id, failure(status.code()), ua);
        }
    }

    /// A MESSAGE outside every dialog.
    pub(crate) fn handle_message(&mut self, key: &ServerKey, request: &Request, now: Now) {
        let wants = self.account.wants_calls();
        let Self { messages, ua, .. } = self;
        let text = match text_of(request) {
            Ok(_) if !wants => Err(StatusCode::TEMPORARILY_UNAVAILABLE),
            read => read,
        };
        let tag = ua.token();
        let status = text.as_ref().map_or_else(|status| *status, |_| StatusCode::OK);
        let mut response = request.response(status, Some(&tag));
        if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            response.headers.set(HeaderName::ACCEPT, TEXT);
            response.headers.set(HeaderName::ACCEPT_ENCODING, "identity");
        }
        ua.respond(key, response, now);
        let Ok(text) = text else { return };
        let Some(id) = memory::name_of(request).filter(|id| messages.memory.is_new(*id)) else {
            return;
        };
        if let Some(report) = request.headers.get(&HeaderName::X_MESSAGE_REPORT) {
            return messages.reported(&report, ua);
        }
        if text.trim().is_empty() {
            return;
        }
        let (party, state) = (party::caller(request), MessageState::Received);
        let message = TextMessage { id, party, text, at: now.wall, state };
        ua.keep(Output::KeepMessage(message.clone()));
        ua.tell(Event::MessageReceived(message));
    }
}

/// What a MESSAGE says, without what a terminal obeys.
///
/// # Errors
/// The status that it is refused with.
fn text_of(request: &Request) -> Result<String, StatusCode> {
    let identity = |value: &str| value.trim().eq_ignore_ascii_case("identity");
    let encoding = request.headers.get(&HeaderName::CONTENT_ENCODING);
    let kind = request.headers.get(&HeaderName::CONTENT_TYPE).unwrap_or_default();
    if !is_text(&kind) || encoding.is_some_and(|encoding| !identity(&encoding)) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    if request.body.len() > LONGEST_TAKEN {
        return Err(StatusCode::REQUEST_ENTITY_TOO_LARGE);
    }
    let body = std::str::from_utf8(&request.body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let lines: Vec<_> = body.lines().map(|line| text::clip(line, LONGEST_TAKEN)).collect();
    Ok(lines.join("\n"))
}

/// Whether this is plain text in UTF-8, of which ASCII is a part.
fn is_text(kind: &str) -> bool {
    let mut parts = kind.split(';').map(str::trim);
    parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case(TEXT))
        && parts.filter_map(|part| part.split_once('=')).all(|(name, value)| {
            let value = value.trim().trim_matches('"');
            !name.trim().eq_ignore_ascii_case("charset")
                || value.eq_ignore_ascii_case("utf-8")
                || value.eq_ignore_ascii_case("us-ascii")
        })
}

fn failure(status: u16) -> MessageFailure {
    match status {
        404 | 408 | 410 | 480 | 484 | 604 => MessageFailure::Unreachable,
        403 | 405 | 415 | 501 | 603 => MessageFailure::Refused,
        413 | 513 => MessageFailure::TooLong,
        other => MessageFailure::Rejected(other),
    }
}
