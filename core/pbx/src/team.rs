//! Who watches whom: the codes of the pack's `team.conf`, and what those who watch are told. What the pack looks for once a
//! second is seen here at once, and since when is counted from when somebody first watches.

use crate::call::Plan;
use crate::leg::{Leg, Stage};
use crate::pbx::Pbx;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a watch lasts.
const WATCH: Duration = Duration::from_secs(10);

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
    people: BTreeMap<String, Told>,
    queues: BTreeMap<String, Told>,
    rounds: u64,
}

/// What was told of one last.
#[derive(Debug, Clone, Default)]
struct Told {
    entry: Value,
    since: Duration,
    number: u64,
}

impl Told {
    /// Takes what it is now; whether that is new.
    fn take(&mut self, entry: Value, now: Duration) -> bool {
        if self.entry == entry {
            return false;
        }
        // A call goes on with another pause behind it.
        if self.entry["state"] != entry["state"] || entry["state"] == "paused" {
            self.since = now;
        }
        self.entry = entry;
        self.number += 1;
        true
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
        let (mut people, mut queues) = (Vec::new(), Vec::new());
        for person in self.config.people.clone() {
            let state = self.state_of(&person.name);
            let told = self.team.people.entry(person.name.clone()).or_default();
            if told.take(state, now) {
                people.push(person);
            }
        }
        for queue in self.config.people.iter().map(|p| p.queue.clone()).collect::<BTreeSet<_>>() {
            let state = self.queue_state(&queue);
            if self.team.queues.entry(queue.clone()).or_default().take(state, now) {
                queues.push(queue);
            }
        }
        (people, queues)
    }

    /// His state and the reason of his pause.
    fn state_of(&self, user: &str) -> Value {
        let mut mine = self.legs.values().filter(|leg| leg.user == user && leg.call.is_some());
        let rings = |leg: &Leg| !leg.is_caller && matches!(leg.stage, Stage::Calling { .. });
        let talks = mine.clone().any(|leg| matches!(leg.stage, Stage::Confirmed));
        let reason = self.reason_of(user);
        let state = match (talks, self.is_engaged(user) || mine.any(rings), self.is_logged_in(user))
        {
            (true, _, _) => "talking",
            (_, true, _) => "ringing",
            (_, _, false) => "out",
            _ if reason.is_some() => "paused",
            _ => "ready",
        };
        match reason {
            Some(reason) => json!({ "state": state, "reason": reason }),
            None => json!({ "state": state }),
        }
    }

    fn queue_state(&self, queue: &str) -> Value {
        let waits = |plan: &Plan| matches!(plan, Plan::Queued { queue: name, .. } if name == queue);
        let members = self.config.queues.get(queue).map(|queue| queue.members.as_slice());
        let is_free = |user: &&String| self.state_of(user)["state"] == "ready";
        json!({
            "waiting": self.calls.values().filter(|call| waits(&call.plan)).count(),
            "free": members.unwrap_or_default().iter().filter(is_free).count(),
        })
    }

    fn person_entry(&self, person: &Person) -> Value {
        let told = self.team.people.get(&person.name).cloned().unwrap_or_default();
        let Person { name, number, label, team, queue: _ } = person;
        let mut entry = json!({
            "name": name, "number": number, "label": label, "team": team,
            "n": told.number, "state": told.entry["state"], "since": told.since.as_secs(),
        });
        if let Some(reason) = told.entry.get("reason") {
            entry["reason"] = reason.clone();
        }
        entry
    }

    fn queue_entry(&self, queue: &str) -> Value {
        let told = self.team.queues.get(queue).cloned().unwrap_or_default();
        let n = queue.trim_start_matches(char::is_alphabetic);
        json!({
            "name": queue, "number": format!("182{n}"), "label": format!("Desk {n}"), "n": told.number,
            "waiting": told.entry["waiting"], "free": told.entry["free"],
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
        let round = json!({
            "v": 1, "at": now.as_secs(), "lasts": WATCH.as_secs(), "round": self.team.rounds.to_string(),
            "part": 1, "last": true, "people": people, "queues": queues,
        });
        self.notify_all(user, "sidetone-team", &round.to_string(), now);
    }
}
