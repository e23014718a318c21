//! What the server's self-test tells: `application/json` in a NOTIFY of the event `sidetone-features`, version 1, read
//! within limits (docs/agent-plane.md).

use crate::news::read;
use crate::text::{SHOWN, clip};
use crate::{Feature, FeatureState, FeaturesProblem, PackProblem};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The longest body that is looked at.
const LONGEST: usize = 16 * 1024;
/// As many beginnings of numbers are taken, of so many bytes.
const MOST: (usize, usize) = (32, 16);

/// The server's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct News {
    /// Those that it has spoken of.
    pub(super) states: BTreeMap<Feature, FeatureState>,
    /// What numbers outside begin with.
    pub(super) outside: Vec<String>,
}

#[derive(Deserialize)]
struct Body {
    features: Vec<Entry>,
    #[serde(default)]
    outside: Vec<String>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    has: bool,
    may: bool,
    #[serde(default)]
    why: String,
}

impl News {
    /// # Errors
    /// Why it cannot be read.
    pub(super) fn read(body: &[u8]) -> Result<Self, FeaturesProblem> {
        let body: Body = read(body, LONGEST).map_err(|problem| match problem {
            PackProblem::TooOld => FeaturesProblem::TooOld,
            PackProblem::TooNew => FeaturesProblem::TooNew,
            PackProblem::Malformed => FeaturesProblem::Unreadable,
        })?;
        let states = body.features.into_iter().filter_map(Entry::read).collect();
        let (most, longest) = MOST;
        let is_beginning = |text: &String| !text.is_empty() && text.len() <= longest;
        let outside = body.outside.into_iter().filter(is_beginning).take(most).collect();
        Ok(Self { states, outside })
    }
}

impl Entry {
    /// `None`: one that is not known here.
    fn read(self) -> Option<(Feature, FeatureState)> {
        let feature = Feature::ALL.into_iter().find(|feature| feature.name() == self.name)?;
        let state = match (self.has, self.may) {
            (false, _) => FeatureState::Missing { why: why(&self.why) },
            (true, false) => FeatureState::NotAllowed,
            (true, true) => FeatureState::Available,
        };
        Some((feature, state))
    }
}

fn why(text: &str) -> String {
    match clip(text.trim(), SHOWN) {
        text if text.is_empty() => "the server does not say what it lacks".to_owned(),
        text => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<News, FeaturesProblem> {
        News::read(text.as_bytes())
    }

    #[test]
    fn each_feature_is_read_and_what_is_not_known_is_passed_over() {
        let news = read(
            r#"{"v":1,"more":[],"features":[{"name":"queues","has":true,"may":true,"more":1},
            {"name":"recordings","has":false,"may":true,"why":"the server lacks\n app_mixmonitor"},
            {"name":"masking","has":false,"may":false},{"name":"supervision","has":true,"may":false},
            {"name":"telepathy","has":true,"may":true}],"outside":["0","","+","01234567890123456"]}"#,
        )
        .unwrap();
        let missing = |why: &str| FeatureState::Missing { why: why.to_owned() };
        let expected = [
            (Feature::Queues, FeatureState::Available),
            (Feature::Recordings, missing("the server lacks app_mixmonitor")),
            (Feature::Supervision, FeatureState::NotAllowed),
            (Feature::Masking, missing("the server does not say what it lacks")),
        ];
        assert_eq!(news.states, BTreeMap::from(expected));
        assert_eq!(news.outside, ["0", "+"]);
        let long = "x".repeat(SHOWN + 1);
        let text = format!(
            r#"{{"v":1,"features":[{{"name":"push","has":false,"may":true,"why":"{long}"}}]}}"#
        );
        let told = read(&text).unwrap().states.remove(&Feature::Push);
        assert_eq!(told, Some(missing(&long[1..])));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        for (text, problem) in [
            (r#"{"v":0,"features":[]}"#, FeaturesProblem::TooOld),
            (r#"{"features":[]}"#, FeaturesProblem::TooOld),
            (r#"{"v":2}"#, FeaturesProblem::TooNew),
            ("", FeaturesProblem::Unreadable),
            (r#"{"v":1,"features":["#, FeaturesProblem::Unreadable),
            (r#"{"v":1}"#, FeaturesProblem::Unreadable),
            (r#"{"v":1,"features":[{"name":"queues"}]}"#, FeaturesProblem::Unreadable),
            (
                r#"{"v":1,"features":[{"name":"queues","has":"yes","may":true}]}"#,
                FeaturesProblem::Unreadable,
            ),
        ] {
            assert_eq!(read(text), Err(problem), "{text}");
        }
        for body in crate::news::tests::broken() {
            assert!(News::read(&body).is_err(), "{}", String::from_utf8_lossy(&body));
        }
        let long = format!(r#"{{"v":1,"features":[]}}{}"#, " ".repeat(LONGEST));
        assert_eq!(read(&long), Err(FeaturesProblem::Unreadable));
    }
}
