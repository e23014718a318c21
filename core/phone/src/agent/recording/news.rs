//! What the server tells of recordings: `application/json` in a NOTIFY of the event `sidetone-recording`, version 1, read
//! within limits (docs/agent-plane.md).

use crate::news::read;
use crate::{CallId, PackProblem, RecordingId, RecordingPolicy, RecordingState};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The longest body that is looked at.
const LONGEST: usize = 16 * 1024;
/// As many recordings of a call are taken.
const MOST: usize = 32;

/// The server's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct News {
    /// Grows from each to the next.
    pub(super) number: u64,
    /// Whether the agent may record.
    pub(super) may: bool,
    /// The calls that have recordings; another has none.
    pub(super) calls: BTreeMap<CallId, Vec<Told>>,
}

/// What is told of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) id: RecordingId,
    pub(super) state: RecordingState,
    pub(super) automatic: bool,
    pub(super) policy: RecordingPolicy,
}

#[derive(Deserialize)]
struct Body {
    number: u64,
    may: bool,
    calls: Vec<Call>,
}

#[derive(Deserialize)]
struct Call {
    call: String,
    recordings: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    state: State,
    automatic: bool,
    policy: Policy,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Recording,
    Paused,
    Stopped,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Policy {
    Free,
    Pausable,
    Locked,
}

impl News {
    /// # Errors
    /// It is none, or of a version that is not known.
    pub(super) fn read(body: &[u8]) -> Result<Self, PackProblem> {
        let body: Body = read(body, LONGEST)?;
        // A call without a name of ours is another phone's.
        let calls = body.calls.into_iter().filter_map(|call| {
            let told = call.recordings.into_iter().filter_map(Entry::read).take(MOST).collect();
            Some((call.call.parse().ok()?, told))
        });
        Ok(Self { number: body.number, may: body.may, calls: calls.collect() })
    }
}

impl Entry {
    fn read(self) -> Option<Told> {
        Some(Told {
            id: self.id.parse().ok()?,
            state: match self.state {
                State::Recording => RecordingState::Recording,
                State::Paused => RecordingState::Paused,
                State::Stopped => RecordingState::Stopped,
            },
            automatic: self.automatic,
            policy: match self.policy {
                Policy::Free => RecordingPolicy::Free,
                Policy::Pausable => RecordingPolicy::Pausable,
                Policy::Locked => RecordingPolicy::Locked,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

    #[test]
    fn each_recording_of_each_call_is_read() {
        let text = format!(
            r#"{{"v":1,"number":7,"may":true,"more":1,"calls":[{{"call":"{CALL}","recordings":[
            {{"id":"auto","state":"paused","automatic":true,"policy":"pausable"}},
            {{"id":"12","state":"recording","automatic":false,"policy":"free","more":2}}]}}]}}"#
        );
        let news = News::read(text.as_bytes()).unwrap();
        assert_eq!((news.number, news.may, news.calls.len()), (7, true, 1));
        let told = &news.calls[&CALL.parse().unwrap()];
        assert_eq!(told[0].id, RecordingId::automatic());
        assert_eq!(
            (told[0].state, told[0].policy),
            (RecordingState::Paused, RecordingPolicy::Pausable)
        );
        assert!(told[0].automatic && !told[1].automatic);
        assert_eq!((told[1].id.as_str(), told[1].state), ("12", RecordingState::Recording));
    }

    #[test]
    fn what_is_not_of_this_version_or_too_long_is_not_read() {
        let text = |v: u64, call: &str, id: &str| {
            format!(
                r#"{{"v":{v},"number":1,"may":true,"calls":[{{"call":"{call}","recordings":[
                {{"id":"{id}","state":"recording","automatic":false,"policy":"free"}}]}}]}}"#
            )
        };
        assert!(News::read(text(2, CALL, "1").as_bytes()).is_err());
        assert!(News::read(br#"{"v":1}"#).is_err());
        assert!(News::read(text(1, "no call", "1").as_bytes()).unwrap().calls.is_empty());
        let strange = News::read(text(1, CALL, "$(touch x)").as_bytes()).unwrap();
        assert!(strange.calls.values().all(Vec::is_empty));
        for body in crate::news::tests::broken() {
            assert_eq!(News::read(&body).ok(), None, "{}", String::from_utf8_lossy(&body));
        }
        let long = format!("{}{}", text(1, CALL, "1"), " ".repeat(LONGEST));
        assert!(News::read(long.as_bytes()).is_err());
    }
}
