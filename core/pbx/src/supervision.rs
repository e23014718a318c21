//! Supervisors: the code of the pack's `supervise.conf`, the digits that change the mode, who hears whom, and what the
//! supervisor is told.

use crate::call::{Call, CallKey, Cause, Plan};
use crate::leg::Stage;
use crate::pbx::Pbx;
use crate::{LegId, MediaCommand, Step, Treatment};
use sidetone_sip::{HeaderName, Method, StatusCode};
use std::time::Duration;

/// What the code begins with.
const PREFIX: &str = "sidetone*supervise*";
/// The modes, each with its digit; in one the supervisor is heard by all who hear him in those before.
const MODES: [(Mode, &str, char); 3] =
    [(Mode::Listen, "listen", '4'), (Mode::Whisper, "whisper", '5'), (Mode::Barge, "barge", '6')];

/// Who hears the supervisor: nobody, the agent, the other side too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mode {
    Listen,
    Whisper,
    Barge,
}

impl Mode {
    fn name(self) -> &'static str {
        MODES.iter().find(|(mode, ..)| *mode == self).map_or("", |(_, name, _)| name)
    }
}

/// A supervision that has not ended.
#[derive(Debug)]
pub(crate) struct Supervision {
    call: CallKey,
    leg: LegId,
    agent: String,
    /// The agent's leg.
    of: LegId,
    mode: Mode,
    /// Whether anybody hears him: not while either side holds.
    heard: bool,
    /// Whether it goes on with the agent's next call, and waits for that.
    follow: bool,
    waits: bool,
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
    /// Whether the agent hears who speaks to him.
    pub heard: bool,
    /// Whether it waits for the agent's next call, and nobody is heard.
    pub waits: bool,
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
            Ok((agent, mode, follow, of)) => {
                let agent = agent.to_owned();
                self.take_these(key, caller, [Step::Answer], now);
                let (call, leg, waits, heard) = (key, caller, false, self.hears(of));
                let one = Supervision { call, leg, agent, of, mode, heard, follow, waits };
                self.supervisions.push(one);
                self.tell_mode(self.supervisions.len() - 1, true, now);
                self.mix_supervised(of);
            }
            Err(status) => self.end_call(key, Cause::Refused(status), now),
        }
    }

    fn supervised<'a>(
        &self,
        user: &str,
        number: &'a str,
    ) -> Result<(&'a str, Mode, bool, LegId), StatusCode> {
        let mine = self.config.supervisors.get(user).ok_or(StatusCode::FORBIDDEN)?;
        let code = number.strip_prefix(PREFIX).and_then(|code| code.split_once('*'));
        let (agent, mode) = code.ok_or(StatusCode::NOT_FOUND)?;
        let follow = mode.strip_suffix("*follow");
        let mode = follow.unwrap_or(mode);
        let is_known = self.config.agents.contains_key(agent);
        let mode = MODES.iter().find(|(_, name, _)| *name == mode).filter(|_| is_known);
        let (mode, ..) = *mode.ok_or(StatusCode::NOT_FOUND)?;
        if !mine.iter().any(|name| name == agent) {
            return Err(StatusCode::FORBIDDEN);
        }
        let of = self.talking(agent).ok_or(StatusCode::TEMPORARILY_UNAVAILABLE)?;
        Ok((agent, mode, follow.is_some(), of))
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
        let mode = MODES.iter().find(|(.., its)| Some(*its) == digit);
        let mut all = self.supervisions.iter_mut().enumerate();
        let mine = all.find(|(_, one)| one.leg == leg && !one.waits);
        if let (Some((mode, ..)), Some((index, one))) = (mode, mine) {
            one.mode = *mode;
            let of = one.of;
            self.tell_mode(index, true, now);
            self.mix_supervised(of);
        }
    }

    /// Lets the agent of this leg, who talks to him, and their supervisors hear what the modes let them. Who holds such a
    /// call is spared all of it.
    pub(crate) fn mix_supervised(&mut self, of: LegId) {
        let mine = self.supervisions.iter().filter(|one| one.of == of && !one.waits);
        let mine: Vec<(LegId, Mode)> = mine.map(|one| (one.leg, one.mode)).collect();
        let Some((agent, other)) =
            self.legs.get(&of).and_then(|leg| Some((leg, self.peer_of(leg)?)))
        else {
            return;
        };
        if mine.is_empty() {
            return;
        }
        if agent.is_held() || self.legs.get(&other).is_some_and(|leg| leg.is_held()) {
            mine.into_iter().for_each(|(leg, _)| self.play(leg, Treatment::Silence));
            return;
        }
        let heard_in = |least: Mode| mine.iter().filter(move |(_, mode)| *mode >= least);
        let with = |voice: LegId, least: Mode| {
            std::iter::once(voice).chain(heard_in(least).map(|(leg, _)| *leg)).collect()
        };
        let mut ears: Vec<(LegId, Vec<LegId>)> =
            vec![(of, with(other, Mode::Whisper)), (other, with(of, Mode::Barge))];
        ears.extend(mine.iter().map(|(leg, _)| (*leg, vec![of, other])));
        for (leg, of) in ears {
            self.media(MediaCommand::Mix { leg, of });
        }
    }

    /// Those that have not ended.
    pub fn supervisions(&self) -> Vec<SupervisionView> {
        let view = |one: &Supervision| {
            let leg = self.legs.get(&one.leg)?;
            let call = leg.recorder.call().to_owned();
            let (user, mode) = (leg.user.clone(), one.mode.name());
            Some(SupervisionView { user, call, mode, heard: one.heard, waits: one.waits })
        };
        self.supervisions.iter().filter_map(view).collect()
    }

    /// After each step: what has lost its supervisor is over, and what has lost its agent, unless it follows him; and whose
    /// agent holds, or resumes, is told.
    pub(crate) fn settle_supervisions(&mut self, now: Duration) {
        let all = std::mem::take(&mut self.supervisions);
        let (there, left): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| self.is_there(one));
        let ends = |one: &Supervision| !one.waits && !self.is_joined(one.of);
        let (ending, going): (Vec<_>, Vec<_>) = there.into_iter().partition(ends);
        self.supervisions = going;
        for one in left {
            // Who heard him hears the rest.
            self.join_anew(one.of);
        }
        for one in ending {
            if one.follow {
                self.tell_supervisor(one.leg, &one.agent, r#""waiting":true"#, now);
                self.play(one.leg, Treatment::Silence);
                self.supervisions.push(Supervision { waits: true, ..one });
            } else {
                self.tell_supervisor(one.leg, &one.agent, r#""over":true"#, now);
                self.end_call(one.call, Cause::Normal, now);
            }
        }
        self.follow_agents(now);
        for index in 0..self.supervisions.len() {
            let Some(one) = self.supervisions.get(index).filter(|one| !one.waits) else { continue };
            let heard = self.hears(one.of);
            let is_news = |one: &&mut Supervision| one.heard != heard;
            if let Some(one) = self.supervisions.get_mut(index).filter(is_news) {
                one.heard = heard;
                self.tell_mode(index, false, now);
            }
        }
    }

    /// Who waits for his agent's next call listens to it.
    fn follow_agents(&mut self, now: Duration) {
        for index in 0..self.supervisions.len() {
            let Some(one) = self.supervisions.get(index).filter(|one| one.waits) else { continue };
            let Some(of) = self.talking(&one.agent) else { continue };
            let heard = self.hears(of);
            if let Some(one) = self.supervisions.get_mut(index) {
                (one.of, one.mode, one.heard, one.waits) = (of, Mode::Listen, heard, false);
            }
            self.tell_mode(index, false, now);
            self.mix_supervised(of);
        }
    }

    /// The leg of an agent who talks to somebody who called him.
    fn talking(&self, agent: &str) -> Option<LegId> {
        let mut legs = self.legs.values();
        legs.find(|leg| leg.user == agent && self.is_joined(leg.id)).map(|leg| leg.id)
    }

    /// The call of an agent's leg, without those who have left it.
    fn join_anew(&mut self, of: LegId) {
        if let Some(call) = self.legs.get(&of).and_then(|leg| leg.call) {
            self.join(call);
        }
    }

    fn is_there(&self, one: &Supervision) -> bool {
        self.calls.contains_key(&one.call)
    }

    /// Whether the agent of this leg hears who speaks to him: neither he nor the other side holds.
    fn hears(&self, of: LegId) -> bool {
        let other = self.legs.get(&of).and_then(|leg| self.peer_of(leg));
        let mut both = [Some(of), other].into_iter().flatten();
        !both.any(|leg| self.legs.get(&leg).is_some_and(|leg| leg.is_held()))
    }

    /// The mode of one, and whether its agent hears anybody. `asked`: a digit or the code has asked for it.
    fn tell_mode(&mut self, index: usize, asked: bool, now: Duration) {
        let Some(one) = self.supervisions.get(index) else { return };
        let (leg, agent, mode, heard) = (one.leg, one.agent.clone(), one.mode.name(), one.heard);
        let unasked = if asked { "" } else { r#","unasked":true"# };
        let news = format!(r#""mode":"{mode}","heard":{heard}{unasked}"#);
        self.tell_supervisor(leg, &agent, &news, now);
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
