//! Digits: in the stream where the other side takes telephone-events (RFC 4733), else by INFO, one a
//! request, each after the answer to the one before, so that none can overtake another (RFC 6086 §2
//! calls this legacy use; `application/dtmf-relay` is what Asterisk reads and every other server knows).

use super::Call;
use crate::ua::Ua;
use crate::{CommandError, Digits, Event, Now, Output};
use sidetone_sip::transaction::ClientKey;
use sidetone_sip::{Method, Request, Response, StatusCode};
use std::collections::VecDeque;

/// The body that carries a digit.
const DTMF_RELAY: &str = "application/dtmf-relay";
/// How long a digit lasts, in milliseconds: what a server plays to the other side.
const DURATION: u32 = 160;
/// As many commands may wait.
const MOST_WAITING: usize = 8;

/// What the other side takes, and the digits on their way by INFO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dtmf {
    /// The other side takes telephone-events.
    pub(super) in_stream: bool,
    /// It may take INFO: it does not say otherwise, and has refused none.
    pub(super) by_info: bool,
    /// What was asked for, each command's digits by themselves; the first begins with what is sent.
    waiting: VecDeque<VecDeque<char>>,
    /// The INFO on its way.
    key: Option<ClientKey>,
}

impl Default for Dtmf {
    fn default() -> Self {
        Self { in_stream: false, by_info: true, waiting: VecDeque::new(), key: None }
    }
}

impl Call {
    /// Sends digits.
    ///
    /// # Errors
    /// The call is not up, is held, or its other side takes none.
    pub(crate) fn send_digits(
        &mut self,
        digits: Digits,
        ua: &mut Ua,
        now: Now,
    ) -> Result<(), CommandError> {
        if self.is_supervision() {
            return Err(CommandError::Supervising);
        }
        if !self.is_up() || self.holds() {
            return Err(CommandError::WrongState);
        }
        if self.dtmf.in_stream {
            ua.ask(Output::SendDtmf { call: self.id, digits });
            return Ok(());
        }
        if !self.dtmf.by_info {
            return Err(CommandError::DtmfNotNegotiated);
        }
        if self.dtmf.waiting.len() >= MOST_WAITING {
            return Err(CommandError::WrongState);
        }
        self.dtmf.waiting.push_back(digits.as_str().chars().collect());
        if self.dtmf.key.is_none() && !self.send_digit(ua, now) {
            self.dtmf.waiting.clear();
            return Err(CommandError::NotRegistered);
        }
        Ok(())
    }

    /// Whether this transaction is our INFO.
    pub(crate) fn is_signalling_by(&self, key: &ClientKey) -> bool {
        self.dtmf.key.as_ref() == Some(key)
    }

    /// The INFO was challenged and sent again.
    pub(super) fn signalled_again(&mut self, key: &ClientKey, again: &Option<(ClientKey, u32)>) {
        if let Some((again, _)) = again
            && self.is_signalling_by(key)
        {
            self.dtmf.key = Some(again.clone());
        }
    }

    /// A final response to our INFO, or none: the next digit goes only after one that was taken.
    pub(crate) fn digit_answered(&mut self, response: Option<&Response>, ua: &mut Ua, now: Now) {
        self.dtmf.key = None;
        let status = response.map(|response| response.status);
        if !status.is_some_and(|status| status.is_success()) {
            log::warn!("{}: a digit was not taken: {status:?}", self.id);
            // 405, 415, 501: no other will be; anything else is of this moment.
            let never = status.is_some_and(|status| matches!(status.code(), 405 | 415 | 501));
            self.dtmf.by_info &= !never;
            let reason = match status {
                Some(status) if never => {
                    format!(
                        "the other side takes no digits in this call ({}); say them",
                        code(status)
                    )
                }
                Some(status) => {
                    format!("the server refused a digit ({}); send them again", code(status))
                }
                None => "the server did not answer; send them again".to_owned(),
            };
            return self.digits_failed(reason, ua);
        }
        let Some(digits) = self.dtmf.waiting.front_mut() else { return };
        digits.pop_front();
        if digits.is_empty() {
            self.dtmf.waiting.pop_front();
            self.handle_digits_sent(ua);
        }
        if self.is_up() && !self.send_digit(ua, now) {
            let reason = "the connection is lost; send them again when it is back".to_owned();
            self.digits_failed(reason, ua);
        }
    }

    /// What waits is not sent any more.
    fn digits_failed(&mut self, reason: String, ua: &mut Ua) {
        let digits: String = self.dtmf.waiting.drain(..).flatten().collect();
        if !self.released && !digits.is_empty() {
            ua.tell(Event::DtmfFailed { call: self.id, digits, reason });
        }
    }

    /// The digits of a command are on the wire.
    pub(crate) fn handle_digits_sent(&mut self, ua: &mut Ua) {
        if !self.released {
            ua.tell(Event::DtmfSent { call: self.id });
        }
    }

    /// Sends what waits first; `false`: there is no way.
    fn send_digit(&mut self, ua: &mut Ua, now: Now) -> bool {
        let Some(digit) = self.dtmf.waiting.front().and_then(VecDeque::front).copied() else {
            return true;
        };
        self.dtmf.key = self.send_relay(digit, ua, now);
        self.dtmf.key.is_some()
    }

    /// Sends one digit by INFO.
    pub(super) fn send_relay(&mut self, digit: char, ua: &mut Ua, now: Now) -> Option<ClientKey> {
        let fill = |_: &Self, request: &mut Request| {
            let body = format!("Signal={digit}\r\nDuration={DURATION}\r\n");
            request.set_body(DTMF_RELAY, body.into_bytes());
        };
        self.send_inside(Method::Info, fill, ua, now)
    }
}

fn code(status: StatusCode) -> String {
    format!("{} {}", status.code(), status.reason())
}
