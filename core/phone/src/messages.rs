//! Messages between agents: sent and what became of them, received and shown once (RFC 3428).
//!
//! A server that hands messages on answers 202 before it knows whether somebody is there (Asterisk always does). The
//! pack tells of a failure by a MESSAGE of its own, with `X-Message-Report` and the id that ours named in
//! `X-Message-ID`. Nothing of a message is stored: the last ones are kept in memory, and go with the process.

use crate::call::{party, target};
use crate::phone::Phone;
use crate::text;
use crate::ua::{Owner, Ua};
use crate::{
    CommandError, Event, MessageFailure, MessageId, MessagePage, MessageState, Now, Party,
    TextMessage,
};
use sidetone_sip::transaction::{ClientKey, ServerKey};
use sidetone_sip::{HeaderName, Method, NameAddr, Request, Response, StatusCode};
use std::collections::VecDeque;

/// The one type that is sent and taken.
pub(crate) const TEXT: &str = "text/plain";
/// The most bytes of a text that is sent: RFC 3428 §8 wants the whole request below 1300 bytes, where not every hop is
/// known to control congestion, and Asterisk takes no more than 1024 of a body.
const LONGEST: usize = 1000;
/// The most bytes of one that is taken.
const LONGEST_TAKEN: usize = 4096;
/// As many messages are kept.
const KEPT: usize = 200;
/// As many may wait for their answers.
const SENDING: usize = 16;
/// As many are remembered, so that one that comes again is not shown again.
const REMEMBERED: usize = 64;

/// The messages of this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Messages {
    /// Oldest first.
    kept: VecDeque<TextMessage>,
    sending: Vec<(ClientKey, MessageId)>,
    seen: VecDeque<(String, u32)>,
}

impl Messages {
    fn keep(&mut self, message: TextMessage) {
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(message);
    }

    fn set(&mut self, id: MessageId, state: MessageState) {
        self.kept.iter_mut().filter(|m| m.id == id).for_each(|message| message.state = state);
    }

    /// Whether it was not seen before.
    fn is_new(&mut self, request: &Request) -> bool {
        let (Ok(call_id), Ok(cseq)) = (request.headers.call_id(), request.headers.cseq()) else {
            return false;
        };
        let name = (call_id, cseq.sequence);
        let is_new = !self.seen.contains(&name);
        if is_new {
            if self.seen.len() >= REMEMBERED {
                self.seen.pop_front();
            }
            self.seen.push_back(name);
        }
        is_new
    }

    fn failed(&mut self, id: MessageId, reason: MessageFailure, ua: &mut Ua) {
        self.set(id, MessageState::Failed(reason));
        ua.tell(Event::MessageFailed { message: id, reason });
    }
}

impl Phone {
    /// The messages of this process, latest first: those before this one, or the last; at most so many.
    pub fn messages(&self, before: Option<MessageId>, limit: usize) -> MessagePage {
        let mut latest = self.messages.kept.iter().rev();
        if let Some(before) = before {
            latest.find(|message| message.id == before);
        }
        let messages: Vec<_> = latest.by_ref().take(limit.min(KEPT)).cloned().collect();
        MessagePage { messages, more: latest.next().is_some() }
    }

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
        if messages.kept.iter().any(|message| message.id == id) {
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
        let party = Party { name: None, uri: to.to_string() };
        messages.keep(TextMessage { id, party, text, at: now.wall, state: MessageState::Sending });
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
            return messages.failed(id, MessageFailure::Unknown, ua);
        };
        let status = response.status;
        let challenge = [StatusCode::UNAUTHORIZED, StatusCode::PROXY_AUTHENTICATION_REQUIRED];
        if let Some(sent) = sent.filter(|_| challenge.contains(&status))
            && let Ok(again) = ua.authenticate(sent, response, now)
        {
            match again {
                Some((again, _)) => messages.sending.push((again, id)),
                None => messages.failed(id, MessageFailure::Unknown, ua),
            }
        } else if status.is_success() {
            let delivered = status != StatusCode::ACCEPTED;
            let state = if delivered { MessageState::Delivered } else { MessageState::Accepted };
            messages.set(id, state);
            ua.tell(Event::MessageSent { message: id, delivered });
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
        if !messages.is_new(request) {
            return;
        }
        if let Some(report) = request.headers.get(&HeaderName::X_MESSAGE_REPORT) {
            return messages.reported(&report, ua);
        }
        if text.trim().is_empty() {
            return;
        }
        let (id, party) = (MessageId(ua.uuid()), party::caller(request));
        let message = TextMessage { id, party, text, at: now.wall, state: MessageState::Received };
        messages.keep(message.clone());
        ua.tell(Event::MessageReceived(message));
    }
}

impl Messages {
    /// The server says later that a message of ours found nobody.
    fn reported(&mut self, report: &str, ua: &mut Ua) {
        let id = report.trim().parse().ok().map(MessageId);
        let accepted = |m: &&TextMessage| Some(m.id) == id && m.state == MessageState::Accepted;
        if let Some(id) = self.kept.iter().find(accepted).map(|message| message.id) {
            self.failed(id, MessageFailure::Unreachable, ua);
        }
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
