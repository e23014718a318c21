//! The voice mailbox of the account: its message summary, subscribed to or sent unasked (RFC 3842).

use crate::phone::Phone;
use crate::subscription::{Notified, Package, Subscription, is_of_package};
use crate::{MessageCount, MessageSummary, Now};
use sidetone_sip::transaction::{ClientKey, ServerKey};
use sidetone_sip::{Dialog, Request, Response, StatusCode};

/// The event package, and its one body.
pub(crate) const SUMMARY: Package =
    Package { event: "message-summary", accept: "application/simple-message-summary" };
/// The longest body that is looked at.
const LONGEST: usize = 16 * 1024;

/// The mailbox.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox {
    subscription: Subscription,
    summary: Option<MessageSummary>,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self { subscription: Subscription::new(SUMMARY), summary: None }
    }
}

impl Mailbox {
    /// What is known of it.
    pub(crate) fn summary(&self) -> Option<&MessageSummary> {
        self.summary.as_ref()
    }

    pub(crate) fn subscription(&self) -> &Subscription {
        &self.subscription
    }
}

impl Phone {
    /// After each step: a phone that is registered and wants to know asks.
    pub(crate) fn watch_mailbox(&mut self, now: Now) {
        let Self { mailbox, ua, account, .. } = self;
        if ua.config.voicemail && account.is_registered() {
            let to = ua.config.account.aor.clone();
            mailbox.subscription.want(&to, ua, now);
        }
    }

    /// The connection is gone: what was known is not the truth any more.
    pub(crate) fn forget_mailbox(&mut self) {
        self.mailbox.subscription.forget(&mut self.ua);
        self.mailbox.summary = None;
    }

    /// The user signs out, or the phone goes to sleep.
    pub(crate) fn leave_mailbox(&mut self, now: Now) {
        self.mailbox.subscription.leave(&mut self.ua, now);
    }

    pub(crate) fn handle_mailbox_timeout(&mut self, now: Now) {
        let to = self.ua.config.account.aor.clone();
        self.mailbox.subscription.handle_timeout(&to, &mut self.ua, now);
    }

    pub(crate) fn handle_mailbox_response(
        &mut self,
        key: &ClientKey,
        response: Option<&Response>,
        now: Now,
    ) {
        let to = self.ua.config.account.aor.clone();
        self.mailbox.subscription.handle_response(key, response, &to, &mut self.ua, now);
    }

    /// A NOTIFY outside the dialogs of calls. `false`: it is not of the mailbox.
    pub(crate) fn notified(&mut self, key: &ServerKey, notify: &Request, now: Now) -> bool {
        let Self { mailbox, ua, .. } = self;
        match mailbox.subscription.handle_notify(key, notify, ua, now) {
            Notified::News => mailbox.take(notify),
            Notified::Refused => {}
            Notified::NotOurs if is_unasked(notify) => {
                let tag = ua.token();
                ua.respond(key, notify.response(StatusCode::OK, Some(&tag)), now);
                // What was asked for is surer.
                if !mailbox.subscription.is_on() {
                    mailbox.take(notify);
                }
            }
            Notified::NotOurs => return false,
        }
        true
    }
}

impl Mailbox {
    /// The news; a body that is none leaves what is known.
    fn take(&mut self, notify: &Request) {
        let kind = notify.headers.content_type();
        if kind.is_ok_and(|kind| kind.media_type == SUMMARY.accept)
            && let Some(summary) = read(&notify.body)
        {
            self.summary = Some(summary);
        }
    }
}

/// A summary that a server sends to a phone that is registered, without a subscription: outside every dialog.
fn is_unasked(notify: &Request) -> bool {
    is_of_package(notify, SUMMARY.event) && Dialog::id_of(notify).is_none()
}

/// `application/simple-message-summary` (RFC 3842 §5.2).
fn read(body: &[u8]) -> Option<MessageSummary> {
    let text = std::str::from_utf8(body.get(..LONGEST.min(body.len()))?).ok()?;
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    let (mut waiting, mut voice) = (None, None);
    for (name, value) in fields {
        let (name, value) = (name.trim(), value.trim());
        if name.eq_ignore_ascii_case("Messages-Waiting") {
            waiting = match value {
                yes if yes.eq_ignore_ascii_case("yes") => Some(true),
                no if no.eq_ignore_ascii_case("no") => Some(false),
                _ => None,
            };
        } else if name.eq_ignore_ascii_case("Voice-Message") {
            voice = count(value);
        }
    }
    Some(MessageSummary { waiting: waiting?, voice })
}

/// `new/old (urgent-new/urgent-old)`.
fn count(value: &str) -> Option<MessageCount> {
    let (all, urgent) = value.split_once('(').unwrap_or((value, "0/0)"));
    let pair = |text: &str| {
        let (new, old) = text.trim().trim_end_matches(')').split_once('/')?;
        Some((new.trim().parse().ok()?, old.trim().parse().ok()?))
    };
    let (new, old) = pair(all)?;
    let (urgent, _): (u32, u32) = pair(urgent)?;
    Some(MessageCount { new, old, urgent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_read() {
        let body =
            b"Messages-Waiting: yes\r\nMessage-Account: sip:1001@x\r\nVoice-Message: 2/8 (1/2)\r\n";
        let voice = Some(MessageCount { new: 2, old: 8, urgent: 1 });
        assert_eq!(read(body), Some(MessageSummary { waiting: true, voice }));
        let bare = MessageSummary { waiting: false, voice: None };
        assert_eq!(read(b"messages-waiting:no\n"), Some(bare));
        let plain = read(b"Messages-Waiting: yes\nvoice-message: 4/0\n").unwrap();
        assert_eq!(plain.voice, Some(MessageCount { new: 4, old: 0, urgent: 0 }));
    }

    #[test]
    fn what_is_no_summary_is_none() {
        for body in [&b""[..], b"Voice-Message: 1/1", b"Messages-Waiting: maybe", b"\xff\xfe"] {
            assert_eq!(read(body), None, "{body:?}");
        }
        for count in ["x", "1", "-1/2", "99999999999/1", "1/1 (x)"] {
            let body = format!("Messages-Waiting: yes\r\nVoice-Message: {count}\r\n");
            assert_eq!(read(body.as_bytes()).unwrap().voice, None, "{count}");
        }
    }
}
