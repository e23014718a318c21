//! What the server tells of an agent: `application/json` in a NOTIFY of the event `sidetone-agent`, version 1, read
//! within limits (docs/agent-plane.md).

use crate::news::read;
use crate::text::clip;
use crate::{AgentQueue, Now, PackProblem, Pause, UnixTime};
use serde::Deserialize;
use std::time::Duration;

/// The longest body that is looked at.
pub(super) const LONGEST: usize = 16 * 1024;
/// As many queues and reasons are taken.
const MOST: usize = 64;
/// So many seconds of wrap-up are believed: a day.
const LONGEST_WRAP_UP: u64 = 86_400;
/// The most bytes of a name.
pub(super) const NAME: usize = 64;

/// The server's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct News {
    /// Grows from each to the next.
    pub(super) number: u64,
    pub(super) queues: Vec<AgentQueue>,
    pub(super) reasons: Vec<String>,
    pub(super) logged_in_since: Option<UnixTime>,
    pub(super) pause: Option<Pause>,
    /// Direct calls to him are refused.
    pub(super) do_not_disturb: bool,
    /// How long the server pauses him after a call of a queue, if it does.
    pub(super) wrap_up: Option<Duration>,
}

#[derive(Deserialize)]
struct Body {
    number: u64,
    at: u64,
    queues: Vec<Queue>,
    #[serde(default)]
    reasons: Vec<String>,
    signed: Option<u64>,
    reason: Option<String>,
    since: Option<u64>,
    until: Option<u64>,
    #[serde(default)]
    dnd: bool,
    #[serde(default)]
    wrapup: u64,
}

#[derive(Deserialize)]
struct Queue {
    name: String,
    r#in: bool,
    paused: bool,
}

/// A time by the server's clock, which reads `at` now, by ours: what counts is how long ago.
pub(super) fn here(at: u64, there: u64, now: Now) -> UnixTime {
    let ago = Duration::from_secs(at.saturating_sub(there));
    let ahead = Duration::from_secs(there.saturating_sub(at));
    UnixTime(now.wall.0.saturating_add(ahead).saturating_sub(ago))
}

impl News {
    /// # Errors
    /// It is none, or of a version that is not known.
    pub(super) fn read(body: &[u8], now: Now) -> Result<Self, PackProblem> {
        let body: Body = read(body, LONGEST)?;
        let here = |there: u64| here(body.at, there, now);
        let shown = |text: String| clip(&text, NAME);
        let named = |text: &String| !text.is_empty();
        let queues: Vec<_> = body
            .queues
            .into_iter()
            .map(|q| AgentQueue {
                name: shown(q.name),
                logged_in: q.r#in,
                paused: q.r#in && q.paused,
            })
            .filter(|queue| named(&queue.name))
            .take(MOST)
            .collect();
        let is_paused = queues.iter().any(|queue| queue.paused);
        Ok(Self {
            number: body.number,
            reasons: body.reasons.into_iter().map(shown).filter(named).take(MOST).collect(),
            logged_in_since: body.signed.map(here),
            pause: is_paused.then(|| Pause {
                reason: body.reason.map(shown).filter(named),
                since: body.since.map(here),
                until: body.until.map(here),
            }),
            queues,
            do_not_disturb: body.dnd,
            wrap_up: (body.wrapup > 0)
                .then(|| Duration::from_secs(body.wrapup.min(LONGEST_WRAP_UP))),
        })
    }

    pub(super) fn is_logged_in(&self) -> bool {
        self.queues.iter().any(|queue| queue.logged_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Now {
        Now { boot: Duration::from_secs(5), wall: UnixTime(Duration::from_secs(1_000)) }
    }

    #[test]
    fn a_pause_is_told_with_its_reason_and_times_by_our_clock() {
        let text = r#"{"v":1,"number":7,"at":50000,"queues":[{"name":"support","in":true,"paused":true},
            {"name":"sales","in":false,"paused":true}],"reasons":["break","lunch"],"signed":49100,
            "reason":"lunch","since":49990,"until":50020,"more":{}}"#;
        let news = News::read(text.as_bytes(), now()).unwrap();
        let at = |seconds| Some(UnixTime(Duration::from_secs(seconds)));
        assert_eq!((news.number, news.logged_in_since), (7, at(100)));
        let pause = Pause { reason: Some("lunch".to_owned()), since: at(990), until: at(1020) };
        assert_eq!(news.pause, Some(pause));
        assert_eq!(news.queues.iter().map(|q| q.paused).collect::<Vec<_>>(), [true, false]);
        assert!(news.is_logged_in() && !news.do_not_disturb);
        let left_alone = text.replace("\"more\"", "\"dnd\":true,\"more\"");
        assert!(News::read(left_alone.as_bytes(), now()).unwrap().do_not_disturb);
    }

    #[test]
    fn a_pause_without_a_reason_is_somebody_elses() {
        let text =
            r#"{"v":1,"number":1,"at":5,"queues":[{"name":"support","in":true,"paused":true}]}"#;
        assert_eq!(News::read(text.as_bytes(), now()).unwrap().pause, Some(Pause::default()));
    }

    #[test]
    fn what_is_no_news_is_none() {
        let long =
            format!(r#"{{"v":1,"number":1,"at":5,"queues":[],"more":"{}"}}"#, "x".repeat(LONGEST));
        for text in ["", "{}", "[1]", r#"{"v":2,"number":1,"at":5,"queues":[]}"#, &long] {
            assert_eq!(News::read(text.as_bytes(), now()).ok(), None, "{}", clip(text, 80));
        }
        for body in crate::news::tests::broken() {
            assert_eq!(News::read(&body, now()).ok(), None, "{}", String::from_utf8_lossy(&body));
        }
        let hostile = format!(
            r#"{{"v":1,"number":1,"at":0,"signed":18446744073709551615,"queues":[{}]}}"#,
            vec![r#"{"name":"a\u0007\u202eb","in":true,"paused":false}"#; 100].join(",")
        );
        let news = News::read(hostile.as_bytes(), now()).unwrap();
        assert_eq!((news.queues.len(), news.queues[0].name.as_str()), (MOST, "ab"));
    }
}
