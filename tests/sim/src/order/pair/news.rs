//! What the side that sends the phone on hears of where it went: one subscription a REFER (RFC 3515 §2.4, RFC 6665 §4.1).

use super::Pair;
use super::peer::{Dialog, Done, Peer};
use sidetone_phone::CallId;
use sidetone_sip::{HeaderName, Method, Request, Response};
use std::time::Duration;

/// 64*T1: a NOTIFY that has no response until then had none (RFC 3261 §17.1.2.2 timer F).
const UNANSWERED: Duration = Duration::from_secs(32);

/// The news of one REFER.
#[derive(Debug, Clone)]
pub(super) struct News {
    /// What names it, from the second REFER of a dialog on.
    id: Option<u32>,
    /// What was told last.
    status: Option<u16>,
    over: bool,
    /// A NOTIFY has come then, and has no response yet.
    asked: Option<Duration>,
}

impl News {
    /// A REFER was accepted, the first of its dialog or another.
    pub(super) fn new(cseq: u32, is_first: bool) -> Self {
        Self { id: (!is_first).then_some(cseq), status: None, over: false, asked: None }
    }

    /// Whether a NOTIFY is of these.
    pub(super) fn has(&self, notify: &Request) -> bool {
        let event = notify.headers.get(&HeaderName::EVENT).unwrap_or_default();
        let id = event.split_once("id=").and_then(|(_, id)| id.parse().ok());
        id == self.id
    }

    /// A NOTIFY came. `done` is what happened to the new call, `answered` whether it was answered.
    ///
    /// # Errors
    /// It is not what may come now.
    pub(super) fn notified(
        &mut self,
        notify: &Request,
        (done, answered): (&Done, bool),
        now: Duration,
    ) -> Result<(), String> {
        let body = String::from_utf8_lossy(&notify.body).into_owned();
        let status = body.split(' ').nth(1).and_then(|code| code.parse::<u16>().ok());
        let status = status.ok_or(format!("a NOTIFY says {body:?}"))?;
        let state = notify.headers.get(&HeaderName::SUBSCRIPTION_STATE).unwrap_or_default();
        if self.over || self.asked.is_some() {
            return Err(format!("a NOTIFY of {status} comes too early or too late: {self:?}"));
        }
        if self.status.is_some_and(|before| before >= 200 && before != status) {
            return Err(format!("the new call came to {:?} and then to {status}", self.status));
        }
        self.over = state.starts_with("terminated");
        if self.over != (status >= 200) {
            return Err(format!("the news of {status} is {state}"));
        }
        let fits = match status {
            100..=199 => true,
            200..=299 => answered,
            486 => done.busy,
            487 => done.hung_up,
            // Nobody answered in time, or the connection was lost.
            408 | 503 => true,
            _ => false,
        };
        if !fits {
            return Err(format!("the news is {status}, after {done:?}"));
        }
        (self.status, self.asked) = (Some(status), Some(now));
        Ok(())
    }

    /// A NOTIFY gets its response; `false`: nobody wants to know.
    pub(super) fn answered(&mut self, wanted: bool, now: Duration) {
        let late = self.asked.take().is_some_and(|asked| now >= asked + UNANSWERED);
        self.over |= late || !wanted;
    }

    /// The connection is lost: a NOTIFY that had no response comes again, where one was still waited for.
    pub(super) fn flow_lost(&mut self, now: Duration) {
        if let Some(asked) = self.asked.take() {
            self.over = now >= asked + UNANSWERED;
        }
    }

    /// All was told.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }
}

impl Pair {
    /// The first sends the phone on, to somebody of its domain or `away` from there.
    pub(super) fn refer(&mut self, away: bool) -> Result<(), String> {
        let to = if away { "601@elsewhere.test" } else { "601@pbx.test" };
        let bytes = self.peers[0].request("REFER", &format!("Refer-To: <sip:{to}>\r\n"), "");
        self.referring = Some(away);
        self.receive(Some(bytes))
    }

    /// The phone says whether it goes.
    pub(super) fn referred(&mut self, cseq: u32, response: &Response) -> Result<(), String> {
        let away = self.referring.take().unwrap_or_default();
        let (went, is_first) = (response.status.is_success(), self.news.is_empty());
        if went {
            self.peers[0].done.sent_on = true;
            self.news.push(News::new(cseq, is_first));
        }
        let call = self.shown(self.peers[0].call);
        let can = call.is_some_and(|call| super::command::is_up(&call) && call.transfer.is_none());
        match (went, away) {
            (true, true) => Err("the phone leaves its domain".to_owned()),
            (false, false) if can && is_first => Err(format!("a REFER got {}", response.status)),
            (_, _) => Ok(()),
        }
    }

    /// The phone makes the call that it was asked for.
    pub(super) fn goes_on(&mut self, new: CallId) {
        self.peers[1] = Peer::called(new);
    }

    /// A NOTIFY of the phone.
    pub(super) fn notified(&mut self, notify: &Request) -> Result<(), String> {
        let new = &self.peers[1];
        let known = (&new.done, new.dialog != Dialog::No);
        let news = self.news.iter_mut().find(|news| news.has(notify));
        news.ok_or("a NOTIFY that nobody asked for")?.notified(notify, known, self.now)
    }

    /// The first request of the phone that waits at the first gets this response, if it is a NOTIFY.
    pub(super) fn answer_notify(&mut self, status: u16) {
        let now = self.now;
        let first = self.peers[0].inside.first();
        if let Some(notify) = first.filter(|request| request.method == Method::Notify)
            && let Some(news) = self.news.iter_mut().find(|news| news.has(notify))
        {
            news.answered(status < 300, now);
        }
    }
}
