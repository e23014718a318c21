//! Agents at their queues: the codes of the pack's `agent.conf`, and what each phone of an agent is told after one.
//! After a call of a queue he is paused for a while, to write it down.

use crate::call::{CallKey, Cause};
use crate::pbx::Pbx;
use crate::{Extension, LegId, Step, features, recording};
use serde_json::json;
use sidetone_sip::{HeaderName, Method, Request, StatusCode, Uri};
use std::time::Duration;

/// What every code begins with.
const PREFIX: &str = "sidetone*";
/// What comes behind it in a code of some pack. With anything else it is no number at all.
const VERBS: [&str; 10] = [
    "state",
    "login",
    "logout",
    "pause",
    "ready",
    "watch",
    "unwatch",
    "record",
    "supervise",
    "features",
];

/// An agent who has used a code.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seat {
    /// Why he is paused; all of his queues are left alone then.
    reason: Option<String>,
    since: Duration,
    /// When the server ends the pause by itself.
    until: Option<Duration>,
    logged_in_at: Option<Duration>,
    /// Counts what his phones were told.
    number: u64,
}

/// What an agent is, as it is to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentView {
    /// The queues that he may log in to, and whether he is in each.
    pub queues: Vec<(String, bool)>,
    /// Why he is paused in those that he is in.
    pub reason: Option<String>,
    /// Whether the server ends that by itself: it is wrap-up.
    pub wraps_up: bool,
}

/// A code, taken apart.
pub(crate) struct Code<'a> {
    verb: &'a str,
    what: &'a str,
    reason: &'a str,
}

impl<'a> Code<'a> {
    fn of(number: &'a str) -> Option<Self> {
        let mut parts = number.strip_prefix(PREFIX)?.splitn(3, '*');
        let mut next = || parts.next().unwrap_or_default();
        Some(Self { verb: next(), what: next(), reason: next() })
    }
}

impl Pbx {
    /// What happens when a number is dialled; `None`: there is no such number.
    pub(crate) fn extension(&self, number: &str) -> Option<Extension> {
        let is_code = |number: &str| {
            let code = number.strip_prefix(PREFIX);
            code.is_some_and(|code| VERBS.iter().any(|verb| code.starts_with(verb)))
        };
        let code = || is_code(number).then(|| Extension::Agent(number.to_owned()));
        self.config.extensions.get(number).cloned().or_else(code)
    }

    /// Whether this queue leaves a member alone: one that he logs in to by codes, while he is paused.
    pub(crate) fn is_paused(&self, user: &str, queue: &str) -> bool {
        let mine = self.config.agents.get(user);
        mine.is_some_and(|mine| mine.iter().any(|name| name == queue))
            && self.seats.get(user).is_some_and(|seat| seat.reason.is_some())
    }

    /// Whether direct calls to this user are refused now: he is an agent who is paused.
    pub(crate) fn is_left_alone(&self, user: &str) -> bool {
        self.config.do_not_disturb && self.is_logged_in(user) && self.reason_of(user).is_some()
    }

    /// Carries a code out; who dials is known from his leg alone.
    pub(crate) fn dial_code(&mut self, key: CallKey, caller: LegId, number: &str, now: Duration) {
        if let Some(code) = number.strip_prefix(recording::PREFIX) {
            return self.dial_recording(key, caller, code, now);
        }
        if number == features::CODE {
            return self.test_itself(key, caller, now);
        }
        if Self::is_supervision(number) {
            return self.supervise(key, caller, number, now);
        }
        let user = self.legs.get(&caller).map(|leg| leg.user.clone()).unwrap_or_default();
        let verb = number.strip_prefix(PREFIX).unwrap_or_default();
        let outcome = match self.may_watch(&user) && self.obey_watcher(&user, verb, now) {
            true => Ok(()),
            false => self.obey(&user, number, now).map(|()| self.tell_agent(&user, now)),
        };
        match outcome {
            Ok(()) => {
                self.take_these(key, caller, [Step::Answer, Step::HangUp(StatusCode::OK)], now);
            }
            Err(status) => self.end_call(key, Cause::Refused(status), now),
        }
    }

    fn obey(&mut self, user: &str, number: &str, now: Duration) -> Result<(), StatusCode> {
        let code = Code::of(number).ok_or(StatusCode::NOT_FOUND)?;
        let queues = self.config.agents.get(user).cloned().ok_or(StatusCode::FORBIDDEN)?;
        let wanted = |queue: &&String| code.what.is_empty() || code.what == **queue;
        let is_known = queues.iter().any(|queue| wanted(&queue));
        let reason = |name: &str| {
            let known = self.config.reasons.iter().find(|reason| *reason == name);
            known.cloned().ok_or(StatusCode::NOT_FOUND)
        };
        let is_in = self.is_logged_in(user);
        match code.verb {
            "state" => return Ok(()),
            "login" | "logout" if !is_known => return Err(StatusCode::NOT_FOUND),
            "login" => {
                let paused = if code.reason.is_empty() { None } else { Some(reason(code.reason)?) };
                if !is_in {
                    self.note(user, paused, now);
                    self.seat(user).logged_in_at = Some(now);
                }
                queues.iter().filter(wanted).for_each(|queue| self.set_member(queue, user, true));
            }
            "logout" => {
                queues.iter().filter(wanted).for_each(|queue| self.set_member(queue, user, false));
                if self.queues_of(user).is_empty() {
                    self.note(user, None, now);
                    self.seat(user).logged_in_at = None;
                }
            }
            "pause" | "ready" if code.verb == "ready" || reason(code.what).is_ok() => {
                if !is_in {
                    return Err(StatusCode::TEMPORARILY_UNAVAILABLE);
                }
                let reason = (code.verb == "pause").then(|| code.what.to_owned());
                self.note(user, reason, now);
            }
            _ => return Err(StatusCode::NOT_FOUND),
        }
        Ok(())
    }

    /// A call of a queue is over for an agent: where he is ready he gets time to write it down.
    pub(crate) fn wrap_up(&mut self, user: &str, now: Duration) {
        let is_ready = self.is_logged_in(user) && self.reason_of(user).is_none();
        if let Some(time) = self.config.wrap_up.filter(|_| is_ready) {
            self.note(user, Some("wrapup".to_owned()), now);
            self.seat(user).until = Some(now + time);
            self.wrap_ups.set(user.to_owned(), Some(now + time));
            self.tell_agent(user, now);
        }
    }

    /// Who has written it down is ready.
    pub(crate) fn end_wrap_ups(&mut self, now: Duration) {
        while let Some(user) = self.wrap_ups.take_due(now) {
            self.note(&user, None, now);
            self.tell_agent(&user, now);
        }
    }

    /// What an agent is; `None`: the user is none.
    pub fn agent(&self, user: &str) -> Option<AgentView> {
        let (mine, is_in) = (self.config.agents.get(user)?, self.queues_of(user));
        let seat = self.seats.get(user).filter(|_| !is_in.is_empty());
        Some(AgentView {
            queues: mine.iter().map(|name| (name.clone(), is_in.contains(&name))).collect(),
            reason: seat.and_then(|seat| seat.reason.clone()),
            wraps_up: seat.is_some_and(|seat| seat.until.is_some()),
        })
    }

    /// How often was told of an agent: what he is to his phones, and to his colleagues, and what is recorded of his calls.
    pub fn told_of(&self, user: &str) -> [u64; 3] {
        let agent = self.seats.get(user).map(|seat| seat.number);
        let recordings = self.recording_news.get(user).copied();
        [agent, self.team.told_of(user), recordings].map(Option::unwrap_or_default)
    }

    fn seat(&mut self, user: &str) -> &mut Seat {
        self.seats.entry(user.to_owned()).or_default()
    }

    fn note(&mut self, user: &str, reason: Option<String>, now: Duration) {
        self.wrap_ups.set(user.to_owned(), None);
        let seat = self.seat(user);
        (seat.reason, seat.since, seat.until) = (reason, now, None);
    }

    fn queues_of(&self, user: &str) -> Vec<&String> {
        let queues = self.config.queues.iter();
        let mine = self.config.agents.get(user);
        let is_mine = |name: &String| mine.is_some_and(|mine| mine.contains(name));
        let is_in = |(name, queue): &(&String, &crate::Queue)| {
            is_mine(name) && queue.members.iter().any(|member| member == user)
        };
        queues.filter(is_in).map(|(name, _)| name).collect()
    }

    /// A member of a queue, or none: who is one already keeps his place.
    pub(crate) fn set_member(&mut self, queue: &str, user: &str, is_in: bool) {
        let Some(queue) = self.config.queues.get_mut(queue) else { return };
        match is_in {
            true if queue.members.iter().any(|member| member == user) => {}
            true => queue.members.push(user.to_owned()),
            false => queue.members.retain(|member| member != user),
        }
    }

    /// A NOTIFY to each phone of the agent.
    fn tell_agent(&mut self, user: &str, now: Duration) {
        self.seat(user).number += 1;
        let mut seat = self.seat(user).clone();
        let is_in: Vec<String> = self.queues_of(user).into_iter().cloned().collect();
        // Who was a member before is in, and has never said since when.
        if is_in.is_empty() {
            seat.logged_in_at = None;
        }
        let queue = |name: &String| {
            let is_in = is_in.contains(name);
            json!({ "name": name, "in": is_in, "paused": is_in && seat.reason.is_some() })
        };
        let mine = self.config.agents.get(user);
        let mut told = json!({
            "v": 1, "number": seat.number, "at": now.as_secs(),
            "queues": mine.map(|mine| mine.iter().map(queue).collect::<Vec<_>>()),
            "reasons": self.config.reasons,
        });
        if let Some(time) = self.config.wrap_up {
            told["wrapup"] = time.as_secs().into();
        }
        if let Some(at) = seat.logged_in_at {
            told["signed"] = at.as_secs().into();
        }
        if let Some(reason) = &seat.reason {
            told["reason"] = reason.as_str().into();
            told["since"] = seat.since.as_secs().into();
        }
        if self.is_left_alone(user) {
            told["dnd"] = true.into();
        }
        if let Some(until) = seat.until {
            told["until"] = until.as_secs().into();
        }
        self.notify_all(user, "sidetone-agent", &told.to_string(), now);
    }

    /// Why he is paused.
    pub(crate) fn reason_of(&self, user: &str) -> Option<&String> {
        self.seats.get(user)?.reason.as_ref()
    }

    /// When the server ends his pause.
    pub(crate) fn paused_until(&self, user: &str) -> Option<Duration> {
        self.seats.get(user)?.until
    }

    pub(crate) fn is_logged_in(&self, user: &str) -> bool {
        !self.queues_of(user).is_empty()
    }

    /// A NOTIFY of this event to each phone of a user.
    pub(crate) fn notify_all(&mut self, user: &str, event: &str, text: &str, now: Duration) {
        let contacts: Vec<_> = self.registrar.of(user).to_vec();
        for contact in contacts {
            let notify = self.news(contact.uri, event, text);
            self.send(notify, contact.flow, now);
        }
    }

    fn news(&mut self, to: Uri, event: &str, text: &str) -> Request {
        let (call_id, tag) = (self.random.uuid(), self.random.hex(8));
        let from = format!("<sip:notify@{}>;tag={tag}", self.config.realm);
        let mut notify = Request::new(Method::Notify, to.clone());
        let headers = &mut notify.headers;
        headers.push(HeaderName::MAX_FORWARDS, "70");
        headers.push(HeaderName::FROM, from);
        headers.push(HeaderName::TO, format!("<{to}>"));
        headers.push(HeaderName::CALL_ID, call_id);
        headers.push(HeaderName::CSEQ, "1 NOTIFY");
        headers.push(HeaderName::SUBSCRIPTION_STATE, "terminated");
        headers.push(HeaderName::EVENT, event);
        notify.set_body("application/json", text.as_bytes().to_vec());
        notify
    }
}
