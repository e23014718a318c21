//! What a process that was suspended may not take for fresh: an INVITE that waited in the connection
//! while the server gave it up (RFC 3261 §17.1.1.2 timer B, §13.3.1 Expires).
//!
//! A phone that overslept its own timers does not know how old what it then receives is. An INVITE that
//! may be older than its caller waits does not ring before the server has shown, by an answer to
//! UPDATE or OPTIONS inside the early dialog, that it knows the call: 481 says that it does not. Silence is
//! no proof that it is gone: such a call rings after a moment.

use crate::call::reliable;
use crate::phone::Phone;
use crate::ua::{GIVE_UP, Owner};
use crate::{Now, TimerReason};
use sidetone_sip::transaction::{ClientKey, ServerKey};
use sidetone_sip::{Dialog, HeaderName, Method, Request, Response, StatusCode};
use std::time::Duration;

/// A timer that is served so much too late was slept through.
const LATE: Duration = Duration::from_secs(2);
/// For so long after it woke a phone may still read what came while it slept.
const DROWSY: Duration = Duration::from_secs(10);
/// How long the server may take to say whether it knows the call.
const PATIENCE: Duration = Duration::from_secs(4);
/// As many INVITEs are doubted at a time; more are refused as busy.
const MOST: usize = 4;

/// When this phone slept, and what it doubts since.
#[derive(Debug, Clone, Default)]
pub(crate) struct Doubts {
    /// When it was awake last.
    awake: Duration,
    /// When it woke, and when it had been awake before.
    woke: Option<(Duration, Duration)>,
    waiting: Vec<Doubted>,
}

/// An INVITE that may be stale.
#[derive(Debug, Clone)]
struct Doubted {
    key: ServerKey,
    invite: Request,
    dialog: Dialog,
    /// The request that asks.
    asked: ClientKey,
    until: Duration,
}

impl Doubts {
    /// A phone that is awake.
    pub(crate) fn new(now: Now) -> Self {
        Self { awake: now.boot, ..Self::default() }
    }

    pub(crate) fn poll_timeout(&self) -> Option<(Duration, TimerReason)> {
        self.waiting.iter().map(|doubted| (doubted.until, TimerReason::CallDeadline)).min()
    }

    /// Whether an INVITE that is read now may be one that the server has given up.
    fn covers(&self, invite: &Request, now: Now) -> bool {
        let Some((woke, before)) = self.woke else { return false };
        let expires = invite.headers.number(&HeaderName::EXPIRES).map(u64::from);
        let lasts = expires.map_or(GIVE_UP, |seconds| Duration::from_secs(seconds).min(GIVE_UP));
        now.boot <= woke + DROWSY && now.boot.saturating_sub(before) >= lasts
    }
}

impl Phone {
    /// Looks at the clock, before anything else is done: a timer that was due long ago says that the
    /// process was suspended. What our own requests wait for may then wait in the connection.
    pub(crate) fn look_at_the_clock(&mut self, now: Now) {
        let due = self.poll_timeout();
        if due.is_some_and(|(at, _)| now.boot > at.saturating_add(LATE)) {
            log::info!("this process was suspended; what comes now may be old");
            self.doubts.woke = Some((now.boot, self.doubts.awake));
            self.ua.transactions.wait_again(now.boot);
            self.calls.iter_mut().for_each(|call| call.wait_again(now));
            self.controls.wait_again(now);
        }
        self.doubts.awake = now.boot;
    }

    /// Holds an INVITE back that may be stale, and asks for it. `false`: it is fresh.
    pub(crate) fn doubt(&mut self, key: &ServerKey, invite: &Request, now: Now) -> bool {
        // Whether the caller of one that wants PRACK is there is seen by its PRACK.
        let fresh = !self.doubts.covers(invite, now) || reliable::requires(invite);
        if fresh || self.doubts.waiting.len() >= MOST {
            return false;
        }
        let tag = self.ua.token();
        let Ok(mut dialog) = Dialog::uas(invite, &tag) else { return false };
        // The caller's side of the dialog begins with a provisional response (RFC 3261 §12.1).
        let ringing = invite.response(StatusCode::RINGING, Some(&tag));
        self.ua.respond(key, ringing, now);
        // Asterisk answers OPTIONS there only where it has no such dialog.
        let update = invite.headers.has_token(&HeaderName::ALLOW, "UPDATE");
        let question = dialog.request(if update { Method::Update } else { Method::Options });
        let Some(asked) = self.ua.send(question, Owner::Doubt, now) else { return false };
        let (key, invite, until) = (key.clone(), invite.clone(), now.boot + PATIENCE);
        self.doubts.waiting.push(Doubted { key, invite, dialog, asked, until });
        true
    }

    /// The server's answer to our question.
    pub(crate) fn handle_doubt_answered(
        &mut self,
        asked: &ClientKey,
        response: &Response,
        now: Now,
    ) {
        if response.status.is_provisional() {
            return;
        }
        self.ua.take_sent(asked);
        let gone = [StatusCode::CALL_DOES_NOT_EXIST, StatusCode::REQUEST_TIMEOUT];
        let Some(doubted) = self.take_doubted(|doubted| doubted.asked == *asked) else { return };
        if gone.contains(&response.status) {
            log::info!("an INVITE was given up while this phone was suspended");
            self.refuse_doubted(&doubted, StatusCode::TEMPORARILY_UNAVAILABLE, now);
        } else {
            self.believe(doubted, now);
        }
    }

    /// The server does not say: it rings.
    pub(crate) fn handle_doubts_timeout(&mut self, now: Now) {
        while let Some(doubted) = self.take_doubted(|doubted| doubted.until <= now.boot) {
            self.believe(doubted, now);
        }
    }

    /// A CANCEL of an INVITE that is doubted. `false`: it is of none.
    pub(crate) fn cancel_doubted(
        &mut self,
        (key, cancel): (&ServerKey, &Request),
        invite: &ServerKey,
        now: Now,
    ) -> bool {
        let Some(doubted) = self.take_doubted(|doubted| doubted.key == *invite) else {
            return false;
        };
        let ok = cancel.response(StatusCode::OK, Some(&doubted.dialog.id.local_tag));
        self.ua.respond(key, ok, now);
        self.refuse_doubted(&doubted, StatusCode::REQUEST_TERMINATED, now);
        true
    }

    /// The connection that they came on is gone, and with it their answer.
    pub(crate) fn drop_doubted(&mut self, now: Now) {
        while let Some(doubted) = self.take_doubted(|_| true) {
            self.refuse_doubted(&doubted, StatusCode::TEMPORARILY_UNAVAILABLE, now);
        }
    }

    fn believe(&mut self, doubted: Doubted, now: Now) {
        let Doubted { key, invite, dialog, .. } = doubted;
        self.place_invite(key, invite, Some(dialog), now);
    }

    fn refuse_doubted(&mut self, doubted: &Doubted, status: StatusCode, now: Now) {
        let tag = Some(doubted.dialog.id.local_tag.as_str());
        self.ua.respond(&doubted.key, doubted.invite.response(status, tag), now);
    }

    fn take_doubted(&mut self, wanted: impl Fn(&Doubted) -> bool) -> Option<Doubted> {
        let at = self.doubts.waiting.iter().position(wanted)?;
        Some(self.doubts.waiting.remove(at))
    }
}
