//! Who watches whom: the codes of the pack's `team.conf`, and what those who watch are told. What the pack looks for once a
//! second is seen here at once, and since when is counted from when somebody first watches.

use crate::call::Plan;
use crate::leg::Stage;
use crate::pbx::Pbx;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a watch lasts.
const WATCH: Duration = Duration::from_secs(10);
/// As many people are told of in one part of a round.
const PART: usize = 16;

/// Somebody whom his team sees: how he is called, and the team.
#[derive(Debug, Clone)]
pub struct Person {
    /// The user.
    pub name: String,
    /// What colleagues dial.
    pub number: String,
    /// What colleagues call him.
    pub label: String,
    /// The team that he is in, and watches.
    pub team: String,
    /// The queue that he watches.
    pub queue: String,
}

/// What was told of everybody, and who watches.
#[derive(Debug, Default)]
pub(crate) struct Team {
    /// Until when each user watches.
    watchers: BTreeMap<String, Duration>,
    people: BTreeMap<String, Told<State>>,
    queues: BTreeMap<String, Told<QueueView>>,
    rounds: u64,
}

/// What somebody is, why he is paused, and which call he is on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct State {
    is: &'static str,
    reason: Option<String>,
    call: Option<Talk>,
}

/// What those who watch are to be shown of a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueView {
    /// How many callers wait.
    pub waiting: usize,
    /// How many agents could take a call now.
    pub free: usize,
}

/// Who does what.
#[derive(Debug, Default)]
struct Sight<'a> {
    talking: BTreeSet<&'a str>,
    talks: BTreeMap<&'a str, &'a Talk>,
    rung: BTreeSet<&'a str>,
    logged_in: BTreeSet<&'a str>,
}

/// What was told of one last.
#[derive(Debug, Clone, Default)]
struct Told<T> {
    entry: T,
    since: Duration,
    number: u64,
}

/// The call that a queue has brought somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Talk {
    pub(crate) queue: String,
    pub(crate) group: String,
    /// Since when he is in it.
    pub(crate) since: Duration,
}

impl<T: PartialEq> Told<T> {
    /// Takes what it is now; whether that is new.
    fn take(&mut self, entry: T, now: Duration) -> bool {
        let is_new = self.entry != entry;
        if is_new {
            self.entry = entry;
            self.number += 1;
            self.since = now;
        }
        is_new
    }
}

impl Team {
    /// How often was told of a colleague.
    pub(crate) fn told_of(&self, user: &str) -> Option<u64> {
        self.people.get(user).map(|told| told.number)
    }
}

impl Pbx {
    /// The codes `watch` and `unwatch`; `false`: it is another.
    pub(crate) fn obey_watcher(&mut self, user: &str, verb: &str, now: Duration) -> bool {
        match verb {
            "watch" => {
                self.team.watchers.insert(user.to_owned(), now + WATCH);
                self.note_team(now);
                self.tell_round(user, now);
            }
            "unwatch" => {
                self.team.watchers.remove(user);
            }
            _ => return false,
        }
        true
    }

    pub(crate) fn may_watch(&self, user: &str) -> bool {
        self.config.people.iter().any(|person| person.name == user)
    }

    /// After each step: tells those who watch what has changed.
    pub(crate) fn settle_team(&mut self, now: Duration) {
        self.team.watchers.retain(|_, until| *until > now);
        if !self.team.watchers.is_empty() {
            let (people, queues) = self.note_team(now);
            for person in people {
                let entry = self.person_entry(&person);
                let team = person.team.as_str();
                self.tell_watchers(|watcher| watcher.team == team, "people", &entry, now);
            }
            for queue in queues {
                let entry = self.queue_entry(&queue);
                self.tell_watchers(|watcher| watcher.queue == queue, "queues", &entry, now);
            }
        }
    }

    /// Notes what everybody and each queue is now; those who are something else.
    fn note_team(&mut self, now: Duration) -> (Vec<Person>, Vec<String>) {
        let sight = self.sight();
        let states = self.config.people.iter().map(|person| self.state_of(&person.name, &sight));
        let states: Vec<State> = states.collect();
        let names: BTreeSet<_> = self.config.people.iter().map(|p| p.queue.as_str()).collect();
        let lines = names.into_iter().map(|name| (name.to_owned(), self.line(name, &sight)));
        let lines: Vec<(String, QueueView)> = lines.collect();
        let (mut people, mut queues) = (Vec::new(), Vec::new());
        for (person, state) in self.config.people.iter().zip(states) {
            let told = self.team.people.entry(person.name.clone()).or_default();
            let since = told.since;
            // A call goes on with another pause behind it.
            let goes_on = told.entry.is == state.is && state.is != "paused";
            if told.take(state, now) {
                told.since = if goes_on { since } else { now };
                people.push(person.clone());
            }
        }
        for (queue, line) in lines {
            if self.team.queues.entry(queue.clone()).or_default().take(line, now) {
                queues.push(queue);
            }
        }
        (people, queues)
    }

    fn sight(&self) -> Sight<'_> {
        let mut sight = Sight::default();
        for leg in self.legs.values().filter(|leg| leg.call.is_some()) {
            if matches!(leg.stage, Stage::Confirmed) {
                sight.talking.insert(&leg.user);
                sight.talks.extend(leg.talk.as_ref().map(|talk| (leg.user.as_str(), talk)));
            }
            let is_rung = !leg.is_caller && matches!(leg.stage, Stage::Calling { .. });
            if is_rung || leg.attempt.is_some() {
                sight.rung.insert(&leg.user);
            }
        }
        sight.rung.extend(self.attempts.values().map(|attempt| attempt.agent.as_str()));
        for (name, queue) in &self.config.queues {
            let mine = |user: &&String| {
                self.config.agents.get(*user).is_some_and(|all| all.contains(name))
            };
            sight.logged_in.extend(queue.members.iter().filter(mine).map(String::as_str));
        }
        sight
    }

    /// What those who watch are to be shown of each colleague: his state, and the reason of his pause.
    pub fn colleagues(&self) -> BTreeMap<String, (&'static str, Option<String>)> {
        let sight = self.sight();
        let names = self.config.people.iter().map(|person| &person.name);
        let shown = names.map(|name| (name, self.state_of(name, &sight)));
        shown.map(|(name, State { is, reason, .. })| (name.clone(), (is, reason))).collect()
    }

    /// What those who watch are to be shown of each queue that somebody may watch, and how often that was told.
    pub fn watched_queues(&self) -> BTreeMap<String, (QueueView, u64)> {
        let sight = self.sight();
        let names: BTreeSet<_> = self.config.people.iter().map(|person| &person.queue).collect();
        let told = |name| self.team.queues.get(name).map(|told| told.number).unwrap_or_default();
        let views = names.into_iter().map(|name| (name, (self.line(name, &sight), told(name))));
        views.map(|(name, view)| (name.clone(), view)).collect()
    }

    fn state_of(&self, user: &str, sight: &Sight<'_>) -> State {
        let reason = self.reason_of(user).cloned();
        let is = match (sight.talking.contains(user), sight.rung.contains(user)) {
            (true, _) => "talking",
            (_, true) => "ringing",
            _ if !sight.logged_in.contains(user) => "out",
            _ if reason.is_some() => "paused",
            _ => "ready",
        };
        let call = sight.talks.get(user).copied().cloned();
        State { is, reason, call }
    }

    fn line(&self, queue: &str, sight: &Sight<'_>) -> QueueView {
        let waits = |plan: &Plan| matches!(plan, Plan::Queued { queue: name, .. } if name == queue);
        let members = self.config.queues.get(queue).map(|queue| queue.members.as_slice());
        let is_free = |user: &&String| self.state_of(user, sight).is == "ready";
        QueueView {
            waiting: self.calls.values().filter(|call| waits(&call.plan)).count(),
            free: members.unwrap_or_default().iter().filter(is_free).count(),
        }
    }

    fn person_entry(&self, person: &Person) -> Value {
        let told = self.team.people.get(&person.name).cloned().unwrap_or_default();
        let Person { name, number, label, team, queue: _ } = person;
        let mut entry = json!({
            "name": name, "number": number, "label": label, "team": team,
            "n": told.number, "state": told.entry.is, "since": told.since.as_secs(),
        });
        if let Some(reason) = told.entry.reason {
            entry["reason"] = reason.into();
        }
        if let Some(Talk { queue, group, since }) = told.entry.call {
            entry["call"] = json!({ "queue": queue, "group": group, "since": since.as_secs() });
        }
        if let Some(until) = self.paused_until(name) {
            entry["until"] = until.as_secs().into();
        }
        entry
    }

    fn queue_entry(&self, queue: &str) -> Value {
        let told = self.team.queues.get(queue).cloned().unwrap_or_default();
        let n = queue.trim_start_matches(char::is_alphabetic);
        json!({
            "name": queue, "number": format!("182{n}"), "label": format!("Desk {n}"), "n": told.number,
            "waiting": told.entry.waiting, "free": told.entry.free,
        })
    }

    fn tell_watchers(
        &mut self,
        may: impl Fn(&Person) -> bool,
        list: &str,
        entry: &Value,
        now: Duration,
    ) {
        let is_watched = |person: &&Person| self.team.watchers.contains_key(&person.name);
        let watchers = self.config.people.iter().filter(is_watched).filter(|person| may(person));
        let text = json!({ "v": 1, "at": now.as_secs(), list: [entry] }).to_string();
        for watcher in watchers.map(|person| person.name.clone()).collect::<Vec<_>>() {
            self.notify_all(&watcher, "sidetone-team", &text, now);
        }
    }

    fn tell_round(&mut self, user: &str, now: Duration) {
        let Some(mine) = self.config.people.iter().find(|person| person.name == user) else {
            return;
        };
        let team = self.config.people.iter().filter(|person| person.team == mine.team);
        let people: Vec<Value> = team.map(|person| self.person_entry(person)).collect();
        let queues = [self.queue_entry(&mine.queue)];
        self.team.rounds += 1;
        let (round, parts) = (self.team.rounds.to_string(), people.chunks(PART));
        let last = parts.len();
        for (part, people) in (1..).zip(parts) {
            let queues = if part == last { &queues[..] } else { &[] };
            let told = json!({
                "v": 1, "at": now.as_secs(), "lasts": WATCH.as_secs(), "round": round, "part": part,
                "last": part == last, "people": people, "queues": queues,
            });
            self.notify_all(user, "sidetone-team", &told.to_string(), now);
        }
    }
}
