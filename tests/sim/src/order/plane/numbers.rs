//! What numbers say of news, and when the phone may ask: an older one is not taken on one connection, and a question is asked
//! once a connection, or again after it came to nothing.

use super::desk::{Code, Desk};
use std::time::Duration;

/// The news, and the question that asks for it.
#[derive(Debug, Clone)]
pub(super) struct Numbers {
    /// What asks.
    question: &'static str,
    /// How long the news may take after a yes.
    patience: Duration,
    /// The highest of this connection.
    pub(super) last: Option<u64>,
    /// It counts no more then, for the server has said yes and told nothing newer.
    silent: Option<Duration>,
    /// No question is asked until then, for one was answered.
    quiet: Duration,
}

impl Numbers {
    pub(super) fn new(question: &'static str, patience: Duration, now: Duration) -> Self {
        Self { question, patience, last: None, silent: None, quiet: now }
    }

    /// News of this number comes; whether it counts.
    pub(super) fn takes(&mut self, number: u64) -> bool {
        let is_newer = self.last < Some(number);
        if is_newer {
            (self.last, self.silent) = (Some(number), None);
        }
        is_newer
    }

    /// A code for which the phone waits is answered; whether it is the question.
    pub(super) fn answered(
        &mut self,
        code: &Code,
        status: u16,
        certain: bool,
        now: Duration,
    ) -> bool {
        let is_question = code.text == self.question;
        let is_told = if is_question { certain } else { self.last > code.mark };
        if is_question {
            self.quiet = now + Duration::from_secs(2);
        }
        if status == 200 && !is_told {
            self.silent = self.silent.or(Some(now + self.patience));
        }
        is_question
    }

    /// The connection is gone.
    pub(super) fn cut(&mut self, now: Duration) {
        (self.last, self.silent, self.quiet) = (None, None, now);
    }

    /// Time has passed.
    pub(super) fn settle(&mut self, now: Duration) {
        if self.silent.take_if(|at| *at <= now).is_some() {
            self.last = None;
        }
    }

    /// The phone has dialled this by itself. `doubts`: something was not confirmed.
    ///
    /// # Errors
    /// It need not ask.
    pub(super) fn asks(
        &self,
        code: &str,
        desk: &Desk,
        (certain, doubts): (bool, bool),
    ) -> Result<(), String> {
        let now = desk.now;
        let questions = || desk.codes.iter().filter(|code| code.text == self.question);
        let pause = Duration::from_secs(2);
        let given_up = questions().any(|one| one.until <= now && now < one.until + pause);
        let is_early = (now < self.quiet || given_up) && !doubts;
        let is_second = questions().filter(|one| now < one.until).count() > 1;
        match code != self.question || certain || is_second || is_early {
            true => Err(format!("{code} is dialled: {:?}", (certain, is_second, is_early))),
            false => Ok(()),
        }
    }
}
