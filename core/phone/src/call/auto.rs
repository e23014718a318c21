//! Answered without the agent: the time of it, the mark, and the tone that he hears before a way of the audio
//! opens (RFC 5373 §4.3, §7).

use super::{Call, State};
use crate::ua::Ua;
use crate::{Event, Now, Output};
use std::time::Duration;

/// How long the tone may take, the start of a slow device included.
const TONE_LIMIT: Duration = Duration::from_secs(3);

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Auto {
    /// The agent answers it.
    No,
    /// It is answered at this time.
    At(Duration),
    /// It was answered; the tone waits for the audio to run.
    Answered,
    /// The tone plays, until this time at most.
    Sounding(Duration),
    /// The agent has heard it.
    Heard,
}

impl Call {
    /// Has it answered in this time, if it rings.
    pub(crate) fn answer_after(&mut self, after: Duration, ua: &mut Ua, now: Now) {
        if self.state == State::Ringing {
            self.auto = Auto::At(now.boot + after);
            ua.tell(Event::AutoAnswering { call: self.id, after });
        }
    }

    /// The agent was faster, or wants to answer calls himself.
    pub(crate) fn answered_by_hand(&mut self) {
        if matches!(self.auto, Auto::At(_)) {
            self.auto = Auto::No;
        }
    }

    /// Whether it is to be answered now.
    pub(crate) fn is_to_be_answered(&self, now: Now) -> bool {
        self.state == State::Ringing && matches!(self.auto, Auto::At(at) if at <= now.boot)
    }

    /// It is answered without the agent.
    pub(crate) fn answered_by_itself(&mut self) {
        self.auto = Auto::Answered;
    }

    /// Has the tone played, once the call is up and its audio may run.
    pub(crate) fn sound_tone(&mut self, ua: &mut Ua, now: Now) {
        if self.auto == Auto::Answered && self.is_up() && self.focus && ua.audio {
            self.auto = Auto::Sounding(now.boot + TONE_LIMIT);
            ua.ask(Output::PlayTone { call: self.id });
        }
    }

    pub(crate) fn tone_played(&mut self, ua: &mut Ua) {
        if let Auto::Sounding(_) = self.auto {
            self.auto = Auto::Heard;
            self.set_gates(ua);
        }
    }

    /// Whether no audio may flow yet.
    pub(super) fn waits_for_tone(&self) -> bool {
        matches!(self.auto, Auto::Answered | Auto::Sounding(_))
    }

    pub(super) fn auto_timeout(&self) -> Option<Duration> {
        match self.auto {
            Auto::At(at) if self.state == State::Ringing => Some(at),
            Auto::Sounding(until) if self.is_up() => Some(until),
            Auto::No | Auto::At(_) | Auto::Answered | Auto::Sounding(_) | Auto::Heard => None,
        }
    }

    pub(super) fn handle_auto_timeout(&mut self, ua: &mut Ua, now: Now) {
        if matches!(self.auto, Auto::Sounding(until) if until <= now.boot) {
            log::warn!("{}: the tone of a call that was answered by itself does not end", self.id);
            self.tone_played(ua);
        }
    }
}
