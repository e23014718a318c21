//! Agents whose phones may sleep, as `server/asterisk/push.conf` rings them: the wish is posted, each device
//! is rung as soon as it is there, one UUID names the attempt, and its end is posted too (docs/push.md).

use crate::call::{Call, CallKey, Cause, Plan, Round};
use crate::leg::{Leg, LegDialog, Stage};
use crate::pbx::Pbx;
use crate::recording::Recorder;
use crate::timed::Timed;
use crate::{FlowId, Generation, LegId, MediaDirection, PbxOutput, Push, PushKind};
use sidetone_sip::{StatusCode, Uri};
use std::collections::BTreeMap;
use std::time::Duration;

/// As many devices of an agent are rung.
const DEVICES: usize = 3;
/// A device that could not be rung is tried again after this.
const SPARED: Duration = Duration::from_secs(3);

/// Who rings by hand, and the queue that his calls are said to come from.
const DESK: &str = "desk";
/// No phone is at this one.
const NO_FLOW: FlowId = FlowId(u64::MAX);

/// Names an attempt inside the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AttemptKey(pub(crate) u64);

/// One attempt to ring one agent.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) call: CallKey,
    pub(crate) agent: String,
    uid: String,
    queue: String,
    deadline: Duration,
    /// Contacts that could not be rung, and until when they are left alone.
    spared: BTreeMap<String, Duration>,
}

impl Timed for Attempt {
    /// When a device is to be tried again.
    fn next_timeout(&self) -> Option<Duration> {
        self.spared.values().min().copied()
    }
}

impl Pbx {
    /// Rings an agent for nobody: a call whose caller is a leg without a phone.
    pub(crate) fn ring_by_hand(&mut self, agent: &str, uid: String, time: Duration, now: Duration) {
        let is_known = self.config.users.contains_key(agent);
        let Ok(target) = Uri::parse(&format!("sip:desk@{}", self.config.realm)) else { return };
        if !is_known || self.legs.len() >= self.config.max_legs {
            return;
        }
        let (number, tag) = (self.next_number(), self.random.hex(8));
        let (caller, call, until) = (LegId(number), CallKey(number), now + time);
        let leg = Leg {
            id: caller,
            call: Some(call),
            attempt: None,
            user: DESK.to_owned(),
            flow: NO_FLOW,
            is_caller: true,
            is_code: false,
            talk: None,
            invite_key: None,
            dialog: LegDialog::calling(uid.clone(), "<sip:desk@invalid>", tag, target),
            stage: Stage::Confirmed,
            generation: Generation::default(),
            describing: None,
            sdp: None,
            direction: MediaDirection::SendRecv,
            has_media: true,
            unacknowledged: None,
            offer: None,
            leaves_by: None,
            refer: None,
            recorder: Recorder::default(),
            last_ack: None,
        };
        self.legs.insert(leg);
        let (queue, round) = (DESK.to_owned(), Round::Ringing(until));
        let plan = Plan::Queued { queue, since: now, next: 0, give_up: until, round };
        self.calls.insert(call, Call { group: uid.clone(), caller, plan, referrer: None });
        self.wake(call, agent, uid, until, now);
    }

    /// Begins an attempt: posts it, and rings who is there.
    pub(crate) fn wake(
        &mut self,
        call: CallKey,
        agent: &str,
        uid: String,
        deadline: Duration,
        now: Duration,
    ) {
        let plan = self.calls.get(&call).map(|call| &call.plan);
        let Some(Plan::Queued { queue, .. }) = plan else { return };
        let queue = queue.clone();
        let key = AttemptKey(self.next_number());
        let attempt = Attempt {
            call,
            agent: agent.to_owned(),
            uid,
            queue,
            deadline,
            spared: BTreeMap::new(),
        };
        self.attempts.insert(key, attempt);
        self.post(key, PushKind::Incoming);
        self.ring_devices(key, now);
    }

    /// Whether an attempt or a call of one keeps an agent.
    pub(crate) fn is_engaged(&self, agent: &str) -> bool {
        self.attempts.values().any(|attempt| attempt.agent == agent)
            || self
                .legs
                .values()
                .any(|leg| leg.user == agent && leg.attempt.is_some() && leg.call.is_some())
    }

    /// Whether agents are still being rung for a call.
    pub(crate) fn is_waking(&self, call: CallKey) -> bool {
        self.attempts.values().any(|attempt| attempt.call == call)
    }

    /// A phone of a user has registered.
    pub(crate) fn contact_came(&mut self, user: &str, now: Duration) {
        let of_user = self.attempts.iter().filter(|(_, attempt)| attempt.agent == user);
        for key in of_user.map(|(key, _)| *key).collect::<Vec<_>>() {
            self.ring_devices(key, now);
        }
    }

    /// A device that was rung is rung no more: what it says holds for the agent, unless it could not be
    /// asked.
    pub(crate) fn device_gone(
        &mut self,
        key: AttemptKey,
        contact: String,
        status: StatusCode,
        now: Duration,
    ) {
        let Some(attempt) = self.attempts.get_mut(&key) else { return };
        let is_refusal = [
            StatusCode::BUSY_HERE,
            StatusCode::BUSY_EVERYWHERE,
            StatusCode::DECLINE,
            StatusCode::FORBIDDEN,
            StatusCode::TEMPORARILY_UNAVAILABLE,
        ]
        .contains(&status)
            || (300..400).contains(&status.code());
        if !is_refusal {
            attempt.spared.insert(contact, now + SPARED);
            return;
        }
        self.over(key, PushKind::Cancelled, Cause::Normal, now);
    }

    /// All attempts of a call are over; what is still to come is posted.
    pub(crate) fn end_attempts(
        &mut self,
        call: CallKey,
        kind: PushKind,
        cause: Cause,
        now: Duration,
    ) {
        let of_call = self.attempts.iter().filter(|(_, attempt)| attempt.call == call);
        for key in of_call.map(|(key, _)| *key).collect::<Vec<_>>() {
            self.over(key, kind, cause, now);
        }
    }

    /// Tries devices again.
    pub(crate) fn handle_attempt_timeouts(&mut self, now: Duration) {
        let due = self.attempts.due(now);
        for attempt in &due {
            let Some(attempt) = self.attempts.get_mut(attempt) else { continue };
            attempt.spared.retain(|_, until| *until > now);
        }
        due.into_iter().for_each(|key| self.ring_devices(key, now));
    }

    fn over(&mut self, key: AttemptKey, kind: PushKind, cause: Cause, now: Duration) {
        // After the deadline nobody waits for word.
        if self.attempts.get(&key).is_some_and(|attempt| attempt.deadline > now) {
            self.post(key, kind);
        }
        self.attempts.remove(&key);
        let rung = self.legs.values().filter(|leg| {
            leg.attempt == Some(key)
                && matches!(leg.stage, Stage::Describing { .. } | Stage::Calling { .. })
        });
        for leg in rung.map(|leg| leg.id).collect::<Vec<_>>() {
            self.hang_up(leg, cause, now);
        }
    }

    fn ring_devices(&mut self, key: AttemptKey, now: Duration) {
        let Some(attempt) = self.attempts.get(&key) else { return };
        let Some(call) = self.calls.get(&attempt.call) else { return };
        let from = self.legs.get(&call.caller).map(|leg| leg.user.clone()).unwrap_or_default();
        let rung: Vec<_> = self.legs.values().filter(|leg| leg.attempt == Some(key)).collect();
        let free = |uri: &Uri| {
            rung.iter().all(|leg| leg.dialog.target != *uri)
                && !attempt.spared.contains_key(&uri.to_string())
        };
        let contacts = self.registrar.of(&attempt.agent).iter().filter(|c| free(&c.uri));
        let contacts: Vec<_> = contacts.take(DEVICES.saturating_sub(rung.len())).cloned().collect();
        let headers = call.names(attempt.uid.clone(), now);
        let (call, agent, queue) = (attempt.call, attempt.agent.clone(), attempt.queue.clone());
        for contact in contacts {
            let leg = self.place(call, &agent, contact, &from, headers.clone(), Some(key));
            self.record_by_rule(&queue, leg, now);
        }
    }

    fn post(&mut self, key: AttemptKey, kind: PushKind) {
        let Some(attempt) = self.attempts.get(&key) else { return };
        let Some(call) = self.calls.get(&attempt.call) else { return };
        let caller = self.legs.get(&call.caller).map(|leg| leg.user.as_str()).unwrap_or_default();
        let caller = self.config.users.get(caller);
        let push = Push {
            agent: attempt.agent.clone(),
            kind,
            call: attempt.uid.clone(),
            deadline: attempt.deadline,
            caller: caller.map(|user| (user.display_name.clone(), user.number.clone())),
            queue: attempt.queue.clone(),
            group: call.group.clone(),
        };
        self.tell(PbxOutput::Push(push));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Operator, PbxConfig, PbxInput};

    fn rung() -> Pbx {
        let mut pbx = Pbx::new(PbxConfig::bench(), [1; 32], Duration::ZERO);
        let (agent, call) = ("agent1".to_owned(), "by-hand".to_owned());
        let time = Duration::from_secs(5);
        pbx.handle(PbxInput::Ring { agent, call, time }, Duration::ZERO);
        assert!(matches!(
            pbx.poll_output(),
            Some(PbxOutput::Push(push)) if push.call == "by-hand" && push.kind == PushKind::Incoming
        ));
        assert_eq!(pbx.check_invariants(), Ok(()));
        pbx
    }

    #[test]
    fn a_call_by_hand_that_is_given_up_leaves_nothing() {
        let mut pbx = rung();
        let leg = pbx.legs().pop().unwrap();
        assert_eq!((leg.call_id.as_str(), leg.is_caller), ("by-hand", true));
        pbx.handle(PbxInput::Operator(Operator::HangUp(leg.id)), Duration::from_secs(1));
        let told: Vec<_> = std::iter::from_fn(|| pbx.poll_output()).collect();
        let is_cancelled = |output: &PbxOutput| matches!(output, PbxOutput::Push(push) if push.kind == PushKind::Cancelled);
        assert!(told.iter().any(is_cancelled), "{told:?}");
        assert!(pbx.legs().is_empty() && pbx.check_invariants().is_ok());
    }

    #[test]
    fn a_call_by_hand_ends_with_its_time_and_is_tried_once() {
        let mut pbx = rung();
        assert_eq!(pbx.poll_timeout(), Some(Duration::from_secs(5)));
        pbx.handle_timeout(Duration::from_secs(5));
        assert!(pbx.legs().is_empty() && pbx.check_invariants().is_ok());
        assert_eq!(pbx.poll_timeout(), None);
    }

    #[test]
    fn nobody_is_rung_who_is_unknown() {
        let mut pbx = Pbx::new(PbxConfig::bench(), [1; 32], Duration::ZERO);
        let (agent, call) = ("nobody".to_owned(), "by-hand".to_owned());
        let time = Duration::from_secs(5);
        pbx.handle(PbxInput::Ring { agent, call, time }, Duration::ZERO);
        assert!(pbx.legs().is_empty() && pbx.poll_output().is_none());
    }
}
