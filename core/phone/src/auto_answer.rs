//! Which calls are answered without the agent, and when: by the administrator's policy, as the INVITE asks
//! (RFC 5373; `answer-after` of Call-Info and `info` of Alert-Info as servers say it to desk phones).
//!
//! It opens a microphone in somebody's pocket (RFC 5373 §7). So the policy is off by default, only the server that
//! this phone is signed in at can ask, the agent hears a tone before any audio flows and can turn it off, and a
//! second call never is answered so, nor one for an agent who is paused or in no queue.

use crate::call::{Call, In};
use crate::phone::Phone;
use crate::{AnswerMode, CallId, CommandError, Now};
use sidetone_sip::{HeaderName, Request};
use std::time::Duration;

/// The values of `info` in Alert-Info that ask for it.
const ALERTS: [&str; 2] = ["alert-autoanswer", "auto-answer"];

/// How an INVITE wants to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerWish {
    /// It does not say.
    None,
    /// By the agent alone.
    Manual,
    /// Without him, after this time; `required`: that, or not at all.
    Auto {
        /// After this time.
        after: Duration,
        /// It is not to ring.
        required: bool,
    },
}

impl AnswerWish {
    /// What the INVITE says. Answer-Mode, which has a standard, has the last word.
    pub(crate) fn of(invite: &Request) -> Self {
        let mode = invite.headers.get(&HeaderName::ANSWER_MODE);
        if let Some(mode) = mode {
            let mut parts = mode.split(';').map(str::trim);
            let mode = parts.next().unwrap_or_default();
            if mode.eq_ignore_ascii_case("Auto") {
                let required = parts.any(|part| part.eq_ignore_ascii_case("require"));
                return Self::Auto { after: Duration::ZERO, required };
            } else if mode.eq_ignore_ascii_case("Manual") {
                return Self::Manual;
            }
        }
        let after = param(invite, &HeaderName::CALL_INFO, "answer-after");
        let after = after.and_then(|seconds| seconds.parse::<u16>().ok());
        let alert = param(invite, &HeaderName::ALERT_INFO, "info");
        let alert =
            alert.filter(|info| ALERTS.iter().any(|known| info.eq_ignore_ascii_case(known)));
        match (after, alert) {
            (Some(seconds), _) => {
                Self::Auto { after: Duration::from_secs(seconds.into()), required: false }
            }
            (None, Some(_)) => Self::Auto { after: Duration::ZERO, required: false },
            (None, None) => Self::None,
        }
    }

    /// Whether it is refused where it cannot be had.
    pub(crate) fn is_required(self) -> bool {
        matches!(self, Self::Auto { required: true, .. })
    }
}

/// A parameter of the first element of this header that has it; some servers leave the URI out.
fn param(invite: &Request, header: &HeaderName, wanted: &str) -> Option<String> {
    let elements = invite.headers.list(header);
    let mut params = elements.iter().flat_map(|element| {
        element.rsplit_once('>').map_or(element.as_str(), |(_, after)| after).split(';')
    });
    params.find_map(|param| {
        let (name, value) = param.split_once('=')?;
        let found = name.trim().eq_ignore_ascii_case(wanted);
        found.then(|| value.trim().trim_matches('"').to_owned())
    })
}

impl Phone {
    /// Whether calls are answered without the agent.
    pub(crate) fn answers_by_itself(&self) -> bool {
        self.may_answer_by_itself() && !self.by_hand
    }

    /// The administrator lets it: by the configuration, which the server's word may narrow and never widens.
    fn may_answer_by_itself(&self) -> bool {
        self.ua.config.answer_mode != AnswerMode::Manual && self.features.let_answer()
    }

    /// The agent turns it off or on.
    pub(crate) fn set_auto_answer(&mut self, on: bool) -> Result<(), CommandError> {
        if on && !self.may_answer_by_itself() {
            return Err(CommandError::NotAllowed);
        }
        self.by_hand = !on;
        if !on {
            self.calls.iter_mut().for_each(Call::answered_by_hand);
        }
        Ok(())
    }

    /// In which time a call that asks so is answered, if it is: where no other has been answered or is made.
    pub(crate) fn answered_after(&self, id: Option<CallId>, wish: AnswerWish) -> Option<Duration> {
        let another = self.calls.iter().any(|call| Some(call.id) != id && call.is_engaged());
        if another || !self.answers_by_itself() || self.is_agent_away() {
            return None;
        }
        match (self.ua.config.answer_mode, wish) {
            (AnswerMode::Asked | AnswerMode::Auto, AnswerWish::Auto { after, .. }) => Some(after),
            (AnswerMode::Auto, AnswerWish::None) => Some(Duration::ZERO),
            (AnswerMode::Manual, _) | (_, AnswerWish::Manual | AnswerWish::None) => None,
        }
    }

    /// A call has come in that wants to be answered so.
    pub(crate) fn answer_as_asked(&mut self, id: CallId, wish: AnswerWish, now: Now) {
        if let Some(after) = self.answered_after(Some(id), wish) {
            self.with_call(id, |call, ua| call.answer_after(after, ua, now));
        }
    }

    /// Answers those whose time has come, unless the agent has got another call meanwhile.
    pub(crate) fn answer_those_due(&mut self, now: Now) {
        let due = |call: &&Call| call.is_to_be_answered(now);
        while let Some(id) = self.calls.iter().find(due).map(|call| call.id) {
            if self.calls.iter().any(|call| call.id != id && call.is_engaged()) {
                self.with_call(id, |call, _| call.answered_by_hand());
                continue;
            }
            self.with_call(id, |call, _| call.answered_by_itself());
            self.tell(id, In::Answer, now);
            self.focus_on(id, now);
        }
    }

    /// After each step: the tones that may be played now.
    pub(crate) fn sound_tones(&mut self, now: Now) {
        for call in &mut self.calls {
            call.sound_tone(&mut self.ua, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sidetone_sip::{Method, Uri};

    fn wish(fields: &[(&str, &str)]) -> AnswerWish {
        let mut invite = Request::new(Method::Invite, Uri::parse("sip:a@b").unwrap());
        for (name, value) in fields {
            invite.headers.push(HeaderName::new(name), *value);
        }
        AnswerWish::of(&invite)
    }

    fn auto(seconds: u64) -> AnswerWish {
        AnswerWish::Auto { after: Duration::from_secs(seconds), required: false }
    }

    #[test]
    fn each_header_that_asks_is_read() {
        for (name, value, after) in [
            ("Call-Info", "<sip:pbx.example>;answer-after=0", 0),
            ("Call-Info", "<http://x/a;b>;purpose=icon, <sip:x>; Answer-After = 7", 7),
            ("Call-Info", ";answer-after=3", 3),
            ("Alert-Info", "<http://www.notused.com>;info=alert-autoanswer;delay=0", 0),
            ("Alert-Info", "info=Auto-Answer", 0),
            ("Alert-Info", "<http://x>;info=\"alert-autoanswer\"", 0),
            ("Answer-Mode", "Auto", 0),
        ] {
            assert_eq!(wish(&[(name, value)]), auto(after), "{name}: {value}");
        }
        assert!(wish(&[("Answer-Mode", "auto; require")]).is_required());
    }

    #[test]
    fn what_does_not_ask_does_not() {
        for (name, value) in [
            ("Call-Info", "<sip:x;answer-after=0>;purpose=info"),
            ("Call-Info", "<sip:x>;answer-after=soon"),
            ("Call-Info", "<sip:x>;answer-after=-1"),
            ("Call-Info", "<sip:x>;answer-after"),
            ("Alert-Info", "<http://x>;info=alert-internal"),
            ("Answer-Mode", "Sometimes"),
        ] {
            assert_eq!(wish(&[(name, value)]), AnswerWish::None, "{name}: {value}");
        }
        let manual = wish(&[("Answer-Mode", "Manual"), ("Call-Info", "<sip:x>;answer-after=0")]);
        assert_eq!(manual, AnswerWish::Manual, "the agent's is the word of the standard");
    }
}
