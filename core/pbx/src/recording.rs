//! Recordings: the codes of the pack's `record.conf`, the INFO that calls them up, what queues are recorded by rule, and what
//! each phone of an agent is told. Nothing is written, and what a transfer does to a recording is not modelled.

use crate::call::{CallKey, Cause};
use crate::leg::Leg;
use crate::pbx::Pbx;
use crate::{LegId, Step};
use serde_json::json;
use sidetone_sip::{HeaderName, Request, StatusCode};
use std::collections::BTreeMap;
use std::time::Duration;

/// What every code of it begins with.
pub(crate) const PREFIX: &str = "sidetone*record";
/// How long what was asked for may be called up.
const WANTED: Duration = Duration::from_secs(10);

/// What the site lets an agent do with a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingRule {
    /// Pause it and resume it.
    Pausable,
    /// Nothing.
    Locked,
}

/// What is recorded of an agent's leg, and what he wants.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    /// The call, as `X-Call-UID` names it.
    uid: String,
    recordings: Vec<Entry>,
    wanted: Option<(Wish, Duration)>,
}

#[derive(Debug, Clone)]
struct Entry {
    id: String,
    state: &'static str,
    /// `None`: it is the agent's own.
    rule: Option<RecordingRule>,
}

#[derive(Debug, Clone)]
struct Wish {
    id: String,
    verb: String,
}

impl Recorder {
    /// Of a call that these header fields name.
    pub(crate) fn of(headers: impl IntoIterator<Item = (HeaderName, String)>) -> Self {
        let named = headers.into_iter().find(|(name, _)| *name == HeaderName::X_CALL_UID);
        Self { uid: named.map(|(_, uid)| uid).unwrap_or_default(), ..Self::default() }
    }

    /// Of a call that a phone makes.
    pub(crate) fn of_caller(invite: &Request) -> Self {
        let uid = invite.headers.get(&HeaderName::X_CALL_UID);
        Self { uid: uid.map(|uid| uid.into_owned()).unwrap_or_default(), ..Self::default() }
    }

    /// The call, as `X-Call-UID` names it.
    pub(crate) fn call(&self) -> &str {
        &self.uid
    }

    fn check(&self, Wish { id, verb }: &Wish) -> Result<(), StatusCode> {
        let entry = self.recordings.iter().find(|entry| entry.id == *id);
        let (starts, ends) = (verb == "start", verb == "stop");
        match entry.and_then(|entry| entry.rule) {
            Some(RecordingRule::Locked) => return Err(StatusCode::BUSY_HERE),
            Some(RecordingRule::Pausable) if starts || ends => return Err(StatusCode::BUSY_HERE),
            Some(RecordingRule::Pausable) | None => {}
        }
        let runs = entry.is_some_and(|entry| entry.state != "stopped");
        let is_there = if starts { id != "auto" } else { runs };
        if is_there { Ok(()) } else { Err(StatusCode::GONE) }
    }

    fn obey(&mut self, Wish { id, verb }: Wish) {
        let state = match verb.as_str() {
            "pause" => "paused",
            "stop" => "stopped",
            _ => "recording",
        };
        match self.recordings.iter_mut().find(|entry| entry.id == id) {
            Some(entry) => entry.state = state,
            None => self.recordings.push(Entry { id, state, rule: None }),
        }
    }
}

impl Pbx {
    /// Carries a code out; who dials is known from his leg alone.
    pub(crate) fn dial_recording(
        &mut self,
        key: CallKey,
        caller: LegId,
        code: &str,
        now: Duration,
    ) {
        let user = self.legs.get(&caller).map(|leg| leg.user.clone()).unwrap_or_default();
        let done = match code {
            "" => {
                self.tell_recordings(&user, now);
                Ok(())
            }
            _ => self.wish(&user, code, now),
        };
        match done {
            Ok(()) => {
                self.take_these(key, caller, [Step::Answer, Step::HangUp(StatusCode::OK)], now);
            }
            Err(status) => self.end_call(key, Cause::Refused(status), now),
        }
    }

    /// `*CALL*ID*VERB`: notes what he wants, for his phone to call it up.
    fn wish(&mut self, user: &str, code: &str, now: Duration) -> Result<(), StatusCode> {
        let parts: Vec<&str> = code.strip_prefix('*').unwrap_or_default().split('*').collect();
        let [uid, id, verb] = parts[..] else { return Err(StatusCode::NOT_FOUND) };
        let is_number = matches!(id.len(), 1..=4) && id.bytes().all(|b| b.is_ascii_digit());
        let is_known = ["start", "pause", "resume", "stop"].contains(&verb);
        if uid.len() != 36 || !is_known || !(is_number || id == "auto") {
            return Err(StatusCode::NOT_FOUND);
        }
        if !self.config.agents.contains_key(user) {
            return Err(StatusCode::FORBIDDEN);
        }
        let mut legs = self.legs.values();
        let meant = legs.find(|leg| leg.user == user && leg.recorder.uid == uid);
        let id_of_leg = meant.map(|leg| leg.id).ok_or(StatusCode::GONE)?;
        let leg = self.legs.get_mut(&id_of_leg).ok_or(StatusCode::GONE)?;
        let wish = Wish { id: id.to_owned(), verb: verb.to_owned() };
        leg.recorder.check(&wish)?;
        leg.recorder.wanted = Some((wish, now + WANTED));
        Ok(())
    }

    /// An INFO inside a leg: what its user wanted of it is done.
    pub(crate) fn call_up_recording(&mut self, id: LegId, info: &Request, now: Duration) {
        let is_meant = info.headers.get(&HeaderName::RECORD).is_some_and(|value| value == "on");
        let Some(leg) = self.legs.get_mut(&id).filter(|_| is_meant) else { return };
        let Some((wish, _)) = leg.recorder.wanted.take().filter(|(_, until)| now < *until) else {
            return;
        };
        if leg.recorder.check(&wish).is_ok() {
            leg.recorder.obey(wish);
        }
        let user = leg.user.clone();
        self.tell_recordings(&user, now);
    }

    /// An agent is rung for a queue: by its rule the call will be recorded, and his phone knows before it rings.
    pub(crate) fn record_by_rule(&mut self, queue: &str, id: LegId, now: Duration) {
        let Some(rule) = self.config.recorded.get(queue).copied() else { return };
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let entry = Entry { id: "auto".to_owned(), state: "recording", rule: Some(rule) };
        leg.recorder.recordings.push(entry);
        let user = leg.user.clone();
        self.tell_recordings(&user, now);
    }

    /// What is recorded of a user's calls: by call, the name and the state of each.
    pub fn recordings(&self, user: &str) -> BTreeMap<String, Vec<(String, &'static str)>> {
        let legs = self.legs.values().filter(|leg| leg.user == user && leg.call.is_some());
        let of = |leg: &Leg| {
            leg.recorder.recordings.iter().map(|entry| (entry.id.clone(), entry.state)).collect()
        };
        legs.map(|leg| (leg.recorder.uid.clone(), of(leg))).collect()
    }

    fn tell_recordings(&mut self, user: &str, now: Duration) {
        let number = self.recording_news.entry(user.to_owned()).or_default();
        *number += 1;
        let number = *number;
        let of = |entry: &Entry| {
            let policy = match entry.rule {
                None => "free",
                Some(RecordingRule::Pausable) => "pausable",
                Some(RecordingRule::Locked) => "locked",
            };
            json!({ "id": entry.id, "state": entry.state, "automatic": entry.rule.is_some(), "policy": policy })
        };
        let legs = self.legs.values().filter(|leg| leg.user == user && leg.call.is_some());
        let recorded = legs.filter(|leg| !leg.recorder.recordings.is_empty());
        let calls = recorded.map(|leg| {
            let recordings = leg.recorder.recordings.iter().map(of).collect::<Vec<_>>();
            json!({ "call": leg.recorder.uid, "recordings": recordings })
        });
        let may = self.config.agents.contains_key(user);
        let calls = calls.collect::<Vec<_>>();
        let told = json!({ "v": 1, "number": number, "may": may, "calls": calls });
        self.notify_all(user, "sidetone-recording", &told.to_string(), now);
    }
}
