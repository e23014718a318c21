//! What the server tells of a team: `application/json` in a NOTIFY of the event `sidetone-team`, version 1, read within
//! limits (docs/agent-plane.md).

use crate::agent::news::{LONGEST, NAME, here};
use crate::news::read;
use crate::text::clip;
use crate::{AgentState, Colleague, ColleagueCall, Now, PackProblem, Pause, TeamQueue};
use serde::Deserialize;
use std::time::Duration;

/// As many people and queues are taken of one NOTIFY.
const MOST: usize = 256;
/// How long a watch may last at least and at most.
const LASTS: (u64, u64) = (5, 3600);

/// The server's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct News {
    pub(super) round: Option<Round>,
    /// Each with his number, which grows with each change of him.
    pub(super) people: Vec<(u64, Colleague)>,
    pub(super) queues: Vec<(u64, TeamQueue)>,
}

/// Where this stands in a telling of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Round {
    pub(super) id: String,
    /// From 1 on.
    pub(super) part: u64,
    pub(super) is_last: bool,
    /// For how long changes are told from then on.
    pub(super) lasts: Duration,
}

#[derive(Deserialize)]
struct Body {
    at: u64,
    lasts: Option<u64>,
    round: Option<String>,
    part: Option<u64>,
    last: Option<bool>,
    #[serde(default)]
    people: Vec<Person>,
    #[serde(default)]
    queues: Vec<Line>,
}

#[derive(Deserialize)]
struct Person {
    name: String,
    label: Option<String>,
    number: Option<String>,
    #[serde(default)]
    team: String,
    n: u64,
    state: String,
    since: u64,
    reason: Option<String>,
    until: Option<u64>,
    call: Option<Talk>,
}

#[derive(Deserialize)]
struct Talk {
    queue: Option<String>,
    group: Option<String>,
    since: u64,
}

#[derive(Deserialize)]
struct Line {
    name: String,
    label: Option<String>,
    number: Option<String>,
    n: u64,
    waiting: u32,
    free: u32,
}

impl News {
    /// # Errors
    /// It is none, or of a version that is not known.
    pub(super) fn read(body: &[u8], now: Now) -> Result<Self, PackProblem> {
        let body: Body = read(body, LONGEST)?;
        let round = match (body.round, body.part, body.lasts) {
            (Some(id), Some(part), Some(lasts)) => Some(Round {
                id: clip(&id, NAME),
                part,
                is_last: body.last == Some(true),
                lasts: Duration::from_secs(lasts.clamp(LASTS.0, LASTS.1)),
            }),
            _ => None,
        };
        let people = body.people.into_iter().take(MOST).map(|p| (p.n, p.seen(body.at, now)));
        let queues = body.queues.into_iter().take(MOST).map(|line| {
            let queue = TeamQueue {
                name: clip(&line.name, NAME),
                label: shown(line.label),
                number: shown(line.number),
                waiting: line.waiting,
                free: line.free,
            };
            (line.n, queue)
        });
        Ok(Self {
            round,
            people: people.filter(|(_, person)| !person.name.is_empty()).collect(),
            queues: queues.filter(|(_, queue)| !queue.name.is_empty()).collect(),
        })
    }
}

impl Person {
    fn seen(self, at: u64, now: Now) -> Colleague {
        let since = here(at, self.since, now);
        let is_paused = self.state == "paused";
        let state = match self.state.as_str() {
            "out" => AgentState::LoggedOut,
            "ready" => AgentState::Ready,
            "ringing" => AgentState::Ringing,
            "talking" => AgentState::OnCall,
            "paused" if self.until.is_some() => AgentState::WrapUp,
            "paused" => AgentState::NotReady,
            _ => AgentState::Unknown,
        };
        let reason = shown(self.reason);
        let pause = (is_paused || reason.is_some()).then(|| Pause {
            reason,
            since: is_paused.then_some(since),
            until: self.until.map(|until| here(at, until, now)),
        });
        // Who is on none has none, whatever is said.
        let call = self.call.filter(|_| state == AgentState::OnCall).map(|call| ColleagueCall {
            queue: shown(call.queue),
            group: shown(call.group),
            since: here(at, call.since, now),
        });
        Colleague {
            name: clip(&self.name, NAME),
            label: shown(self.label),
            number: shown(self.number),
            team: clip(&self.team, NAME),
            state,
            since,
            pause,
            call,
        }
    }
}

fn shown(text: Option<String>) -> Option<String> {
    text.map(|text| clip(&text, NAME)).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnixTime;

    fn now() -> Now {
        Now { boot: Duration::from_secs(5), wall: UnixTime(Duration::from_secs(1_000)) }
    }

    #[test]
    fn people_and_queues_are_told_with_times_by_our_clock() {
        let text = r#"{"v":1,"at":50000,"lasts":180,"round":"a.1","part":2,"last":true,"people":[
            {"name":"agent2","number":"1002","label":"Änne","team":"east","n":7,"state":"paused","since":49990,"reason":"lunch"},
            {"name":"agent3","n":1,"state":"paused","since":49990,"reason":"wrapup","until":50010},
            {"name":"agent4","n":1,"state":"paused","since":49990},
            {"name":"agent5","n":1,"state":"talking","since":49990,"reason":"lunch"},
            {"name":"agent6","n":1,"state":"dances","since":49990}, {"name":"","n":1,"state":"out","since":1}],
            "queues":[{"name":"support","number":"1800","n":3,"waiting":2,"free":1}]}"#;
        let news = News::read(text.as_bytes(), now()).unwrap();
        let at = |seconds| UnixTime(Duration::from_secs(seconds));
        let lasts = Duration::from_secs(180);
        let round = Round { id: "a.1".to_owned(), part: 2, is_last: true, lasts };
        assert_eq!(news.round, Some(round));
        let lunch = Pause { reason: Some("lunch".to_owned()), since: Some(at(990)), until: None };
        let anne = Colleague {
            name: "agent2".to_owned(),
            label: Some("Änne".to_owned()),
            number: Some("1002".to_owned()),
            team: "east".to_owned(),
            state: AgentState::NotReady,
            since: at(990),
            pause: Some(lunch.clone()),
            call: None,
        };
        assert_eq!(news.people[0], (7, anne));
        let states: Vec<_> = news.people.iter().skip(1).map(|(_, p)| p.state).collect();
        let expected =
            [AgentState::WrapUp, AgentState::NotReady, AgentState::OnCall, AgentState::Unknown];
        assert_eq!(states, expected);
        assert_eq!(news.people[1].1.pause.as_ref().unwrap().until, Some(at(1010)));
        assert_eq!(news.people[2].1.pause.as_ref().unwrap().reason, None);
        assert_eq!(news.people[3].1.pause, Some(Pause { since: None, ..lunch }));
        assert_eq!((news.queues[0].0, news.queues[0].1.waiting, news.queues[0].1.free), (3, 2, 1));
    }

    #[test]
    fn who_is_on_a_call_is_told_with_its_queue_and_no_other_is() {
        let call =
            r#""call":{"queue":"sup\u0007port","group":"pbx-1.4","since":49980,"caller":"Eve"}"#;
        let person =
            |state, call| format!(r#"{{"name":"a","n":1,"state":"{state}","since":49970,{call}}}"#);
        let people = [
            person("talking", call),
            person("talking", r#""call":{"queue":"","since":49980}"#),
            person("talking", r#""call":null"#),
            person("ready", call),
            person("paused", call),
        ];
        let text = format!(r#"{{"v":1,"at":50000,"people":[{}]}}"#, people.join(","));
        let news = News::read(text.as_bytes(), now()).unwrap();
        let since = UnixTime(Duration::from_secs(980));
        let queue = |name: &str| Some(name.to_owned());
        let full = ColleagueCall { queue: queue("support"), group: queue("pbx-1.4"), since };
        let bare = ColleagueCall { queue: None, group: None, since };
        let calls: Vec<_> = news.people.into_iter().map(|(_, person)| person.call).collect();
        assert_eq!(calls, [Some(full), Some(bare), None, None, None]);
        let wrong = r#"{"v":1,"at":5,"people":[{"name":"a","n":1,"state":"talking","since":1,"call":{"since":"x"}}]}"#;
        assert!(News::read(wrong.as_bytes(), now()).is_err());
    }

    #[test]
    fn what_is_no_news_is_none() {
        let long = format!(r#"{{"v":1,"at":5,"more":"{}"}}"#, "x".repeat(LONGEST));
        let wrong = r#"{"v":1,"at":5,"queues":[{"name":"a","n":1,"waiting":-1,"free":0}]}"#;
        for text in ["", "{}", "[1]", r#"{"v":2,"at":5}"#, wrong, &long] {
            assert_eq!(News::read(text.as_bytes(), now()).ok(), None, "{}", clip(text, 80));
        }
        for body in crate::news::tests::broken() {
            assert_eq!(News::read(&body, now()).ok(), None, "{}", String::from_utf8_lossy(&body));
        }
        let person =
            r#"{"name":"a\u0007\u202eb","n":1,"state":"out","since":18446744073709551615}"#;
        let many = format!(r#"{{"v":1,"at":0,"people":[{}]}}"#, vec![person; 150].join(","));
        let news = News::read(many.as_bytes(), now()).unwrap();
        assert_eq!((news.people.len(), news.people[0].1.name.as_str()), (150, "ab"));
        assert_eq!(news.round, None);
    }
}
