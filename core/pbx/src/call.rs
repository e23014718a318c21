//! A call: the caller's leg, what the dial plan does with it, and the legs that are rung for it.

use crate::leg::{Leg, Stage};
use crate::pbx::Pbx;
use crate::team::Talk;
use crate::timed::Timed;
use crate::{Extension, LegId, MediaCommand, PushKind, Step, Strategy, Treatment};
use sidetone_sip::{HeaderName, StatusCode};
use std::collections::VecDeque;
use std::time::Duration;

/// Names a call inside the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CallKey(pub(crate) u64);

/// A call that has not ended.
#[derive(Debug)]
pub(crate) struct Call {
    /// Names the customer's call as a whole (Asterisk's linkedid).
    pub(crate) group: String,
    pub(crate) caller: LegId,
    pub(crate) plan: Plan,
    /// Who has sent the caller here and waits to be told what comes of it.
    pub(crate) referrer: Option<LegId>,
}

/// Where the dial plan stands.
#[derive(Debug)]
pub(crate) enum Plan {
    /// The caller's media is being described.
    Described(Extension),
    /// The steps that are left, once it is time for the first of them.
    Steps { left: VecDeque<Step>, at: Option<Duration> },
    /// A user is rung until this time; the best failure so far.
    Dialing { until: Duration, failure: StatusCode },
    /// In a queue.
    Queued { queue: String, since: Duration, next: usize, give_up: Duration, round: Round },
    /// Joined to this leg.
    Bridged(LegId),
}

/// What a queue does for a caller.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Round {
    /// Members are rung until then.
    Ringing(Duration),
    /// Nobody is rung until then.
    Pausing(Duration),
}

/// Why a leg is hung up, for the status or the Reason field that its phone gets (RFC 3326).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The other side hung up or gave up.
    Normal,
    /// Another phone took the call.
    AnsweredElsewhere,
    /// Nobody answered in time.
    NoAnswer,
    /// An unanswered caller gets this status.
    Refused(StatusCode),
}

impl Cause {
    /// The response to an INVITE that has none yet (`hangup_cause2sip`).
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Normal | Self::AnsweredElsewhere => StatusCode::DECLINE,
            Self::NoAnswer => StatusCode::TEMPORARILY_UNAVAILABLE,
            Self::Refused(status) => status,
        }
    }

    /// Reason values of a CANCEL or BYE (`res_pjsip_rfc3326`).
    pub(crate) fn reasons(self) -> Vec<&'static str> {
        match self {
            Self::Normal | Self::Refused(_) => vec!["Q.850;cause=16"],
            Self::NoAnswer => vec!["Q.850;cause=19"],
            Self::AnsweredElsewhere => {
                vec!["SIP;cause=200;text=\"Call completed elsewhere\"", "Q.850;cause=26"]
            }
        }
    }
}

/// The status that the caller gets for the status that the called phone gave (`sip_to_cause` and back).
fn relayed(status: StatusCode) -> StatusCode {
    match status {
        StatusCode::BUSY_HERE | StatusCode::BUSY_EVERYWHERE => StatusCode::BUSY_HERE,
        StatusCode::DECLINE | StatusCode::FORBIDDEN => StatusCode::FORBIDDEN,
        StatusCode::NOT_FOUND | StatusCode::DOES_NOT_EXIST_ANYWHERE => StatusCode::NOT_FOUND,
        StatusCode::NOT_ACCEPTABLE_HERE => StatusCode::NOT_ACCEPTABLE_HERE,
        StatusCode::SERVICE_UNAVAILABLE => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::TEMPORARILY_UNAVAILABLE,
    }
}

impl Pbx {
    /// The caller's description is there: the dial plan begins.
    pub(crate) fn begin_plan(&mut self, key: CallKey, now: Duration) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        let caller = call.caller;
        let Plan::Described(extension) = &call.plan else { return };
        match extension.clone() {
            Extension::Steps(steps) => self.take_these(key, caller, steps, now),
            Extension::Agent(code) => self.dial_code(key, caller, &code, now),
            Extension::Direct(user) if self.is_left_alone(&user) => {
                self.end_call(key, Cause::Refused(StatusCode::BUSY_HERE), now);
            }
            Extension::User(user) | Extension::Direct(user) => self.dial(key, &user, None, now),
            Extension::Intercom(user) => {
                let asks = format!("<sip:{}>;answer-after=1", self.config.realm);
                self.dial(key, &user, Some((HeaderName::CALL_INFO, asks)), now);
            }
            Extension::Queue(name) => self.join_queue(key, caller, name, now),
        }
    }

    /// A phone that is rung began to ring.
    pub(crate) fn attempt_ringing(&mut self, key: CallKey, now: Duration) {
        let Some(call) = self.calls.get(&key) else { return };
        if matches!(call.plan, Plan::Dialing { .. }) {
            self.progress(call.caller, StatusCode::RINGING, now);
            self.tell_referrer(key, StatusCode::RINGING, now);
        }
    }

    /// A phone that is rung answered.
    pub(crate) fn attempt_answered(&mut self, key: CallKey, leg: LegId, now: Duration) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        let (caller, was_dialing) = (call.caller, matches!(call.plan, Plan::Dialing { .. }));
        let talk = if let Plan::Queued { queue, .. } = &call.plan {
            Some(Talk { queue: queue.clone(), group: call.group.clone(), since: now })
        } else {
            None
        };
        call.plan = Plan::Bridged(leg);
        if let Some(leg) = self.legs.get_mut(&leg) {
            leg.talk = talk;
        }
        self.end_attempts(key, PushKind::AnsweredElsewhere, Cause::AnsweredElsewhere, now);
        for other in self.attempts(key) {
            if other != leg {
                self.hang_up(other, Cause::AnsweredElsewhere, now);
            }
        }
        if was_dialing {
            self.answer(caller, now);
        }
        self.tell_referrer(key, StatusCode::OK, now);
        self.join(key);
    }

    /// A leg is gone for good: the others of its call follow, or the next attempt does.
    pub(crate) fn leg_gone(&mut self, key: CallKey, leg: LegId, status: StatusCode, now: Duration) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        let caller = call.caller;
        if leg == caller {
            self.end_call(key, Cause::Normal, now);
            return;
        }
        match &mut call.plan {
            Plan::Bridged(peer) if *peer == leg => self.end_call(key, Cause::Normal, now),
            Plan::Dialing { failure, .. } => {
                *failure = relayed(status);
                let failure = *failure;
                if self.attempts(key).is_empty() {
                    self.end_call(key, Cause::Refused(failure), now);
                }
            }
            Plan::Queued { .. } => {
                if self.attempts(key).is_empty() && !self.is_waking(key) {
                    self.pause_queue(key, now);
                }
            }
            Plan::Bridged(_) | Plan::Described(_) | Plan::Steps { .. } => {}
        }
    }

    /// Lets the dial plans go on.
    pub(crate) fn handle_plan_timeouts(&mut self, now: Duration) {
        for key in self.calls.due(now) {
            let Some(call) = self.calls.get(&key) else { continue };
            let caller = call.caller;
            match &call.plan {
                Plan::Steps { .. } => self.take_steps(key, caller, now),
                Plan::Dialing { .. } => self.end_call(key, Cause::NoAnswer, now),
                Plan::Queued { give_up, .. } if *give_up <= now => {
                    self.end_call(key, Cause::NoAnswer, now);
                }
                Plan::Queued { round: Round::Ringing(_), .. } => {
                    self.end_attempts(key, PushKind::Cancelled, Cause::NoAnswer, now);
                    for attempt in self.attempts(key) {
                        self.hang_up(attempt, Cause::NoAnswer, now);
                    }
                    self.pause_queue(key, now);
                }
                Plan::Queued { round: Round::Pausing(_), .. } => self.ring_queue(key, now),
                Plan::Described(_) | Plan::Bridged(_) => {}
            }
        }
    }

    /// Gives the legs of a joined call what hold leaves of it: each other, or music to whom the
    /// other left waiting.
    pub(crate) fn join(&mut self, key: CallKey) {
        let Some(Call { caller, plan: Plan::Bridged(peer), .. }) = self.calls.get(&key) else {
            return;
        };
        let (a, b) = (*caller, *peer);
        let is_held = |leg: &LegId| self.legs.get(leg).is_some_and(|leg| leg.is_held());
        let (a_holds, b_holds) = (is_held(&a), is_held(&b));
        if !a_holds && !b_holds {
            self.media(MediaCommand::Connect { a, b });
            self.mix_supervised(b);
            return;
        }
        for (leg, holds) in [(a, a_holds), (b, b_holds)] {
            self.play(leg, if holds { Treatment::Silence } else { Treatment::Music });
        }
        self.mix_supervised(b);
    }

    /// Gives a leg that is not joined something to hear.
    pub(crate) fn play(&mut self, leg: LegId, treatment: Treatment) {
        if self.legs.get(&leg).is_some_and(|leg| leg.has_media) {
            self.media(MediaCommand::Play { leg, treatment });
        }
    }

    fn set_plan(&mut self, key: CallKey, plan: Plan) {
        if let Some(call) = self.calls.get_mut(&key) {
            call.plan = plan;
        }
    }

    /// The legs that are rung for a call.
    fn attempts(&self, key: CallKey) -> Vec<LegId> {
        let rung = self.legs.values().filter(|leg| {
            leg.call == Some(key)
                && matches!(leg.stage, Stage::Describing { .. } | Stage::Calling { .. })
        });
        rung.map(|leg| leg.id).collect()
    }

    pub(crate) fn end_call(&mut self, key: CallKey, cause: Cause, now: Duration) {
        self.end_attempts(key, PushKind::Cancelled, cause, now);
        let referrer = self.calls.remove(&key).and_then(|call| call.referrer);
        if let Some(leg) = referrer {
            self.referral_failed(leg, cause, now);
        }
        let legs = self.legs.values().filter(|leg| leg.call == Some(key)).map(|leg| leg.id);
        for leg in legs.collect::<Vec<_>>() {
            self.hang_up(leg, cause, now);
        }
    }

    fn dial(
        &mut self,
        key: CallKey,
        user: &str,
        header: Option<(HeaderName, String)>,
        now: Duration,
    ) {
        let plan = Plan::Dialing { until: now + self.config.ring, failure: StatusCode::NOT_FOUND };
        self.set_plan(key, plan);
        if !self.ring(key, user, header, now) {
            let unreachable = Cause::Refused(StatusCode::TEMPORARILY_UNAVAILABLE);
            self.end_call(key, unreachable, now);
        }
    }

    pub(crate) fn take_these(
        &mut self,
        key: CallKey,
        caller: LegId,
        steps: impl Into<VecDeque<Step>>,
        now: Duration,
    ) {
        self.set_plan(key, Plan::Steps { left: steps.into(), at: None });
        self.take_steps(key, caller, now);
    }

    /// Takes steps up to the next wait.
    pub(crate) fn take_steps(&mut self, key: CallKey, caller: LegId, now: Duration) {
        while let Some(Call { plan: Plan::Steps { left, at }, .. }) = self.calls.get_mut(&key) {
            *at = None;
            match left.pop_front() {
                None => return,
                Some(Step::Wait(pause)) => {
                    *at = Some(now + pause);
                    return;
                }
                Some(Step::Ringing) => self.progress(caller, StatusCode::RINGING, now),
                Some(Step::Progress) => self.progress(caller, StatusCode::SESSION_PROGRESS, now),
                Some(Step::Answer) => {
                    self.answer(caller, now);
                    self.tell_referrer(key, StatusCode::OK, now);
                }
                Some(Step::Play(treatment)) => self.play(caller, treatment),
                Some(Step::LogIn(queue)) => self.log_in(&queue, caller, true),
                Some(Step::Refer(address)) => return self.refer(caller, &address, now),
                Some(Step::LogOut(queue)) => self.log_in(&queue, caller, false),
                Some(Step::HangUp(status)) => self.end_call(key, Cause::Refused(status), now),
            }
        }
    }

    fn log_in(&mut self, queue: &str, caller: LegId, is_in: bool) {
        let Some(user) = self.legs.get(&caller).map(|leg| leg.user.clone()) else { return };
        self.set_member(queue, &user, is_in);
    }

    fn join_queue(&mut self, key: CallKey, caller: LegId, queue: String, now: Duration) {
        let Some(give_up) = self.config.queues.get(&queue).map(|q| now + q.give_up) else {
            self.end_call(key, Cause::Refused(StatusCode::NOT_FOUND), now);
            return;
        };
        let start = self.queue_positions.get(&queue).copied().unwrap_or(0);
        self.set_plan(
            key,
            Plan::Queued { queue, since: now, next: start, give_up, round: Round::Pausing(now) },
        );
        self.answer(caller, now);
        self.tell_referrer(key, StatusCode::OK, now);
        self.play(caller, Treatment::Music);
        self.ring_queue(key, now);
    }

    /// One attempt: all free members, or the next one.
    fn ring_queue(&mut self, key: CallKey, now: Duration) {
        let Some(Call { plan: Plan::Queued { queue: name, next, .. }, .. }) = self.calls.get(&key)
        else {
            return;
        };
        let (name, next) = (name.clone(), *next);
        let Some(queue) = self.config.queues.get(&name).cloned() else { return };
        // `ringinuse=no`; a leg that is being hung up does not count.
        let keeps = |leg: &Leg| leg.call.is_some() && !leg.is_code;
        let is_busy = |user: &str| self.legs.values().any(|leg| leg.user == user && keeps(leg));
        let free = |user: &String| {
            !self.is_paused(user, &name)
                && match queue.push {
                    // The pack keeps a state of its own, in which other calls are not.
                    true => !self.is_engaged(user),
                    false => !self.registrar.of(user).is_empty() && !is_busy(user),
                }
        };
        let members = match queue.strategy {
            Strategy::RingAll => queue.members.iter().filter(|m| free(m)).cloned().collect(),
            Strategy::RoundRobin | Strategy::Linear => {
                let start = next % queue.members.len().max(1);
                let order = queue.members.iter().cycle().skip(start).take(queue.members.len());
                order.filter(|member| free(member)).take(1).cloned().collect::<Vec<_>>()
            }
        };
        let after = members
            .last()
            .and_then(|last| queue.members.iter().position(|member| member == last))
            .map_or(next, |at| at + 1);
        if queue.strategy == Strategy::RoundRobin {
            self.queue_positions.insert(name.clone(), after);
        }
        let deadline = now + queue.timeout;
        let rung = if queue.push {
            for member in &members {
                let uid = self.random.uuid();
                self.wake(key, member, uid, deadline, now);
            }
            members.len()
        } else {
            members.iter().filter(|member| self.ring(key, member, None, now)).count()
        };
        let round = match rung {
            0 => Round::Pausing(now + queue.retry),
            _ => Round::Ringing(deadline),
        };
        if let Some(Call { plan: Plan::Queued { next, round: at, .. }, .. }) =
            self.calls.get_mut(&key)
        {
            (*next, *at) = (after, round);
        }
    }

    fn pause_queue(&mut self, key: CallKey, now: Duration) {
        let Some(Call { plan: Plan::Queued { queue, round, .. }, .. }) = self.calls.get_mut(&key)
        else {
            return;
        };
        match self.config.queues.get(queue) {
            Some(queue) => *round = Round::Pausing(now + queue.retry),
            // Rung by hand: there is no next attempt.
            None => self.end_call(key, Cause::Normal, now),
        }
    }

    /// Rings all phones of a user under one `X-Call-UID`; `false` where there is none.
    fn ring(
        &mut self,
        key: CallKey,
        user: &str,
        header: Option<(HeaderName, String)>,
        now: Duration,
    ) -> bool {
        let contacts = self.registrar.of(user).to_vec();
        let Some(call) = self.calls.get(&key).filter(|_| !contacts.is_empty()) else {
            return false;
        };
        let from = self.legs.get(&call.caller).map(|leg| leg.user.clone()).unwrap_or_default();
        let mut headers = call.names(self.random.uuid(), now);
        headers.extend(header);
        for contact in contacts {
            self.place(key, user, contact, &from, headers.clone(), None);
        }
        true
    }
}

impl Call {
    /// What an INVITE tells the phones that are rung for it: the attempt, the call as a whole, the queue and the
    /// wait in it.
    pub(crate) fn names(&self, attempt: String, now: Duration) -> Vec<(HeaderName, String)> {
        let mut names =
            vec![(HeaderName::X_CALL_UID, attempt), (HeaderName::X_CALL_GROUP, self.group.clone())];
        if let Plan::Queued { queue, since, .. } = &self.plan {
            names.push((HeaderName::X_QUEUE, queue.clone()));
            let waited = now.saturating_sub(*since).as_secs();
            names.push((HeaderName::X_QUEUE_WAIT, waited.to_string()));
        }
        names
    }
}

impl Timed for Call {
    /// When the dial plan goes on by itself.
    fn next_timeout(&self) -> Option<Duration> {
        match &self.plan {
            Plan::Steps { at, .. } => *at,
            Plan::Dialing { until, .. } => Some(*until),
            Plan::Queued { give_up, round: Round::Ringing(at) | Round::Pausing(at), .. } => {
                Some(*at.min(give_up))
            }
            Plan::Described(_) | Plan::Bridged(_) => None,
        }
    }
}
