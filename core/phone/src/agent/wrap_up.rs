//! The wrap-up that begins with the end of a call of a queue, before the server's word of it has come: what the server has said
//! beforehand is shown from the first moment on, and for no longer than its word may take.

use super::{PATIENCE, news::News};
use crate::{Now, Pause};
use std::time::Duration;

/// The reason that the server gives for it.
const REASON: &str = "wrapup";

/// Which calls of queues there are, and what their end has begun.
#[derive(Debug, Clone, Default)]
pub(super) struct WrapUp {
    /// The calls of queues in which the agent talks.
    calls: usize,
    expected: Option<Expected>,
}

#[derive(Debug, Clone)]
struct Expected {
    pause: Pause,
    /// The server's word must be here until then.
    until: Duration,
}

impl WrapUp {
    /// He talks in so many calls of queues now. Where one has ended, who is ready has something to write down.
    pub(super) fn talks_in(&mut self, calls: usize, news: Option<&News>, now: Now) {
        let is_over = calls < std::mem::replace(&mut self.calls, calls);
        let ready = news.filter(|news| news.is_logged_in() && news.pause.is_none());
        let Some(time) = ready.and_then(|news| news.wrap_up).filter(|_| is_over) else { return };
        let until = Some(crate::UnixTime(now.wall.0 + time));
        let pause = Pause { reason: Some(REASON.to_owned()), since: Some(now.wall), until };
        self.expected = Some(Expected { pause, until: now.boot + PATIENCE });
    }

    /// The pause that the server is about to tell.
    pub(super) fn expected(&self) -> Option<&Pause> {
        self.expected.as_ref().map(|expected| &expected.pause)
    }

    /// The server has told what he is.
    pub(super) fn told(&mut self) {
        self.expected = None;
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.expected.as_ref().map(|expected| expected.until)
    }

    /// `true`: the server's word has not come.
    pub(super) fn handle_timeout(&mut self, now: Now) -> bool {
        self.expected.take_if(|expected| expected.until <= now.boot).is_some()
    }
}
