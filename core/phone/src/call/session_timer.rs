//! The session's timer: it is refreshed from the side that said so, and a call whose other side is
//! silent for too long ends (RFC 4028 §7, §9, §10).

use super::{Call, State};
use crate::ua::{GIVE_UP, Ua};
use crate::{EndReason, Now, TimerReason};
use sidetone_sip::session_timer::{Answer, Refresher, SessionExpires};
use sidetone_sip::transaction::ClientKey;
use sidetone_sip::{HeaderName, Headers, Method, Request, Response};
use std::time::Duration;

/// Another try of a refresh that came to nothing.
const AGAIN: Duration = Duration::from_secs(10);
/// So much before its end a session counts as over, or a third of its interval (RFC 4028 §10).
const MARGIN: Duration = Duration::from_secs(32);

/// A session's timer, once both sides have agreed to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SessionTimer {
    interval: Duration,
    /// When to refresh, where that is ours to do.
    refresh: Option<Duration>,
    /// When the call is over, if nobody has refreshed it.
    over: Duration,
    /// The UPDATE that refreshes.
    pending: Option<ClientKey>,
}

impl SessionTimer {
    fn new(interval: Duration, ours: bool, now: Now) -> Self {
        Self {
            interval,
            refresh: ours.then_some(now.boot + interval / 2),
            over: now.boot + interval.saturating_sub(MARGIN.min(interval / 3)),
            pending: None,
        }
    }
}

/// What an INVITE of ours asks for (RFC 4028 §7.1).
pub(super) fn ask(headers: &mut Headers, interval: Duration) {
    let expires = SessionExpires { interval, refresher: None };
    headers.push(HeaderName::SESSION_EXPIRES, expires.to_string());
}

/// Another try of a request that was refused with 422: the interval is what the refusal asks for
/// (RFC 4028 §7.3). `false`: it asks for nothing that can be given.
pub(crate) fn lengthen(request: &mut Request, refusal: &Response) -> bool {
    let asked = SessionExpires::of(&request.headers);
    let least = SessionExpires::least(&refusal.headers);
    let (Some(asked), Some(least)) = (asked, least) else { return false };
    if least <= asked.interval {
        return false;
    }
    let expires = SessionExpires { interval: least, ..asked };
    request.headers.set(HeaderName::SESSION_EXPIRES, expires.to_string());
    request.headers.set(HeaderName::MIN_SE, least.as_secs().to_string());
    true
}

impl Call {
    /// What the 2xx to a request of ours agrees to (RFC 4028 §7.2).
    pub(super) fn session_agreed(&mut self, response: &Response, now: Now) {
        self.note_allow(&response.headers);
        let agreed = SessionExpires::agreed(&response.headers);
        self.session =
            agreed.map(|(interval, who)| SessionTimer::new(interval, who == Refresher::Uac, now));
    }

    /// Puts into the 2xx to a request of theirs what is agreed to (RFC 4028 §9).
    pub(super) fn agree_to_session(
        &mut self,
        request: &Request,
        response: &mut Response,
        now: Now,
    ) {
        self.note_allow(&request.headers);
        response.headers.set(HeaderName::SUPPORTED, "timer");
        self.session = match Answer::to(&request.headers) {
            Answer::None => None,
            Answer::Agreed { expires, required } => {
                response.headers.set(HeaderName::SESSION_EXPIRES, expires.to_string());
                if required {
                    response.headers.set(HeaderName::REQUIRE, "timer");
                }
                let ours = expires.refresher == Some(Refresher::Uas);
                Some(SessionTimer::new(expires.interval, ours, now))
            }
        };
    }

    /// What a request of ours inside the dialog says of the timer: as it stands, from whom it stands.
    pub(super) fn keep_session(&self, headers: &mut Headers) {
        let (interval, refresher) = match &self.session {
            Some(timer) if timer.refresh.is_some() => (timer.interval, Refresher::Uac),
            Some(timer) => (timer.interval, Refresher::Uas),
            None => return,
        };
        let expires = SessionExpires { interval, refresher: Some(refresher) };
        headers.push(HeaderName::SESSION_EXPIRES, expires.to_string());
    }

    /// What the other side serves.
    pub(super) fn note_allow(&mut self, headers: &Headers) {
        if headers.has(&HeaderName::ALLOW) {
            self.takes_update = headers.has_token(&HeaderName::ALLOW, "UPDATE");
            self.dtmf.by_info = headers.has_token(&HeaderName::ALLOW, "INFO");
        }
    }

    pub(super) fn session_timeout(&self) -> Option<(Duration, TimerReason)> {
        let timer = self.session.as_ref().filter(|_| self.is_up())?;
        let refresh = timer.refresh.filter(|_| timer.pending.is_none());
        Some((refresh.map_or(timer.over, |at| at.min(timer.over)), TimerReason::SessionTimer))
    }

    /// The process was suspended: an ACK or a refresh of the other side may wait in the connection.
    pub(crate) fn wait_again(&mut self, now: Now) {
        let over = self.session.as_mut().map(|timer| &mut timer.over);
        let unacked = self.unacked.as_mut().map(|unacked| &mut unacked.until);
        let answered = self.state == State::Answered;
        let deadline = self.deadline.as_mut().filter(|_| answered);
        let all = over.into_iter().chain(unacked).chain(deadline);
        for until in all.filter(|until| **until <= now.boot) {
            *until = now.boot + GIVE_UP;
        }
    }

    /// Refreshes the session where that is due, or ends the call.
    pub(super) fn handle_session_timeout(&mut self, ua: &mut Ua, now: Now) {
        if self.session_timeout().is_none_or(|(at, _)| at > now.boot) {
            return;
        }
        let Some(timer) = &mut self.session else { return };
        if timer.over <= now.boot {
            log::info!("{}: the session was not refreshed in time", self.id);
            return self.hang_up(EndReason::TimedOut, ua, now);
        }
        timer.refresh = Some(now.boot + AGAIN);
        if self.takes_update { self.send_refresh(ua, now) } else { self.refresh() }
    }

    /// An UPDATE without a description: nothing of the session changes (RFC 4028 §7.4).
    fn send_refresh(&mut self, ua: &mut Ua, now: Now) {
        let fill = |call: &Self, update: &mut Request| call.keep_session(&mut update.headers);
        let Some(key) = self.send_inside(Method::Update, fill, ua, now) else { return };
        if let Some(timer) = &mut self.session {
            timer.pending = Some(key);
        }
    }

    /// Whether this transaction is our UPDATE.
    pub(crate) fn is_refreshing_by(&self, key: &ClientKey) -> bool {
        self.session.as_ref().is_some_and(|timer| timer.pending.as_ref() == Some(key))
    }

    /// The UPDATE was challenged, or asked for a longer interval, and sent again.
    pub(super) fn refreshed_again(&mut self, key: &ClientKey, again: &Option<(ClientKey, u32)>) {
        if let Some(timer) = &mut self.session
            && timer.pending.as_ref() == Some(key)
        {
            timer.pending = again.as_ref().map(|(key, _)| key.clone());
        }
    }

    /// A final response to our UPDATE; none: it got none in its time.
    pub(crate) fn refreshed(&mut self, response: Option<&Response>, ua: &mut Ua, now: Now) {
        if let Some(timer) = &mut self.session {
            timer.pending = None;
        }
        if !self.is_up() {
            return;
        }
        let Some(response) = response else { return self.hang_up(EndReason::TimedOut, ua, now) };
        match response.status.code() {
            200..=299 => {
                if let Some(dialog) = &mut self.dialog {
                    dialog.handle_response(response);
                }
                self.session_agreed(response, now);
            }
            // RFC 3261 §12.2.1.2: the dialog is gone there.
            408 | 481 => self.hang_up(EndReason::TimedOut, ua, now),
            405 | 501 => self.takes_update = false,
            code => {
                let wait = super::again::asked_to_wait(response);
                if let (Some(timer), Some(wait)) = (&mut self.session, wait) {
                    timer.refresh = Some(now.boot + wait);
                }
                log::warn!("{}: the session's refresh was refused with {code}", self.id);
            }
        }
    }

    /// The connection went while our UPDATE was on its way.
    pub(crate) fn refresh_lost(&mut self) {
        if let Some(timer) = &mut self.session {
            timer.pending = None;
        }
    }
}
