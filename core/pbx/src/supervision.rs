//! Supervisors: the code of the pack's `supervise.conf`, the digits that change the mode, and what the supervisor is told.
//! Who supervises hears silence: the audio of it is not modelled, nor is an agent's next call.

use crate::call::{Call, CallKey, Cause, Plan};
use crate::leg::Stage;
use crate::pbx::Pbx;
use crate::{LegId, Step, Treatment};
use sidetone_sip::{HeaderName, Method, StatusCode};
use std::time::Duration;

/// What the code begins with.
const PREFIX: &str = "sidetone*supervise*";
/// The modes, and the digit of each.
const MODES: [(&str, char); 3] = [("listen", '4'), ("whisper", '5'), ("barge", '6')];

/// A supervision that has not ended.
#[derive(Debug)]
pub(crate) struct Supervision {
    call: CallKey,
    leg: LegId,
    agent: String,
    /// The agent's leg.
    of: LegId,
    /// Who hears him.
    mode: &'static str,
}

/// A supervision, as it is to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupervisionView {
    /// The supervisor.
    pub user: String,
    /// His call, as his phone names it.
    pub call: String,
    /// Who hears him: `listen`, `whisper` or `barge`.
    pub mode: &'static str,
}

impl Pbx {
    /// Whether this number supervises somebody.
    pub(crate) fn is_supervision(number: &str) -> bool {
        number.starts_with(PREFIX)
    }

    /// Carries the code out; who dials is known from his leg alone.
    pub(crate) fn supervise(&mut self, key: CallKey, caller: LegId, number: &str, now: Duration) {
        let user = self.legs.get(&caller).map(|leg| leg.user.clone()).unwrap_or_default();
        match self.supervised(&user, number) {
            Ok((agent, mode, of)) => {
                let agent = agent.to_owned();
                self.take_these(key, caller, [Step::Answer, Step::Play(Treatment::Silence)], now);
                self.tell_mode(caller, &agent, mode, now);
                self.supervisions.push(Supervision { call: key, leg: caller, agent, of, mode });
            }
            Err(status) => self.end_call(key, Cause::Refused(status), now),
        }
    }

    fn supervised<'a>(
        &self,
        user: &str,
        number: &'a str,
    ) -> Result<(&'a str, &'static str, LegId), StatusCode> {
        let mine = self.config.supervisors.get(user).ok_or(StatusCode::FORBIDDEN)?;
        let code = number.strip_prefix(PREFIX).and_then(|code| code.split_once('*'));
        let (agent, mode) = code.ok_or(StatusCode::NOT_FOUND)?;
        let known = MODES.iter().find(|(name, _)| *name == mode);
        let (mode, _) = known
            .filter(|_| self.config.agents.contains_key(agent))
            .ok_or(StatusCode::NOT_FOUND)?;
        if !mine.iter().any(|name| name == agent) {
            return Err(StatusCode::FORBIDDEN);
        }
        let talks = self.legs.values().find(|leg| leg.user == agent && self.is_joined(leg.id));
        let of = talks.map(|leg| leg.id).ok_or(StatusCode::TEMPORARILY_UNAVAILABLE)?;
        Ok((agent, mode, of))
    }

    /// Whether a leg was rung and is joined to who called it.
    fn is_joined(&self, id: LegId) -> bool {
        let leg = self.legs.get(&id).filter(|leg| matches!(leg.stage, Stage::Confirmed));
        let call = leg.and_then(|leg| leg.call).and_then(|call| self.calls.get(&call));
        matches!(call, Some(Call { plan: Plan::Bridged(peer), .. }) if *peer == id)
    }

    /// A digit of a supervisor; of others it is nothing.
    pub(crate) fn supervisor_digit(&mut self, leg: LegId, body: &[u8], now: Duration) {
        let text = String::from_utf8_lossy(body);
        let digit = text.strip_prefix("Signal=").and_then(|rest| rest.chars().next());
        let mode = MODES.iter().find(|(_, its)| Some(*its) == digit);
        let one = self.supervisions.iter_mut().find(|one| one.leg == leg);
        if let (Some((mode, _)), Some(one)) = (mode, one) {
            one.mode = mode;
            let agent = one.agent.clone();
            self.tell_mode(leg, &agent, mode, now);
        }
    }

    /// Those that have not ended.
    pub fn supervisions(&self) -> Vec<SupervisionView> {
        let view = |one: &Supervision| {
            let leg = self.legs.get(&one.leg)?;
            let call = leg.recorder.call().to_owned();
            Some(SupervisionView { user: leg.user.clone(), call, mode: one.mode })
        };
        self.supervisions.iter().filter_map(view).collect()
    }

    /// After each step: what has lost its agent or its supervisor is over.
    pub(crate) fn settle_supervisions(&mut self, now: Duration) {
        let all = std::mem::take(&mut self.supervisions);
        let (going, over): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|one| self.is_joined(one.of) && self.is_there(one));
        self.supervisions = going;
        for one in over {
            if !self.is_there(&one) {
                continue;
            }
            self.tell_supervisor(one.leg, &one.agent, r#""over":true"#, now);
            self.end_call(one.call, Cause::Normal, now);
        }
    }

    fn is_there(&self, one: &Supervision) -> bool {
        self.calls.contains_key(&one.call)
    }

    fn tell_mode(&mut self, leg: LegId, agent: &str, mode: &str, now: Duration) {
        self.tell_supervisor(leg, agent, &format!(r#""mode":"{mode}""#), now);
    }

    fn tell_supervisor(&mut self, id: LegId, agent: &str, news: &str, now: Duration) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let (mut notify, flow) = (leg.dialog.request(Method::Notify), leg.flow);
        notify.headers.push(HeaderName::SUBSCRIPTION_STATE, "terminated");
        notify.headers.push(HeaderName::EVENT, "sidetone-supervise");
        let text = format!(r#"{{"v":1,"agent":"{agent}",{news}}}"#);
        notify.set_body("application/json", text.into_bytes());
        self.send(notify, flow, now);
    }
}
