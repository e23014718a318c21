//! What the server has and what this user may, as a line shows it.

use serde::Serialize;
use sidetone_phone::{FeatureState, FeaturesProblem, FeaturesSnapshot};

/// All of it.
#[derive(Debug, Serialize)]
pub(crate) struct JsonFeatures {
    certain: bool,
    list: Vec<JsonFeature>,
    problem: Option<&'static str>,
    pub(crate) text: Option<String>,
}

/// One feature.
#[derive(Debug, Serialize)]
pub(crate) struct JsonFeature {
    feature: &'static str,
    state: &'static str,
    why: Option<String>,
}

impl JsonFeatures {
    /// Those that are not there or not allowed, in a few words.
    pub(crate) fn plain(&self) -> String {
        if let Some(text) = &self.text {
            return text.clone();
        }
        let without = self.list.iter().filter_map(|one| match (&one.why, one.state) {
            (Some(why), _) => Some(format!("no {} ({why})", one.feature.replace('_', " "))),
            (None, "not_allowed") => Some(format!("{} not allowed", one.feature.replace('_', " "))),
            (None, _) => None,
        });
        let last = if self.certain { "" } else { " as the server said last" };
        match without.collect::<Vec<_>>().join(", ") {
            without if without.is_empty() => format!("features: all that are known{last}"),
            without => format!("features: {without}{last}"),
        }
    }
}

impl From<&FeaturesSnapshot> for JsonFeatures {
    fn from(features: &FeaturesSnapshot) -> Self {
        let each = features.states.iter().map(|(feature, state)| {
            let (state, why) = match state {
                FeatureState::Unknown => ("unknown", None),
                FeatureState::Available => ("available", None),
                FeatureState::Missing { why } => ("missing", Some(why.clone())),
                FeatureState::NotAllowed => ("not_allowed", None),
            };
            JsonFeature { feature: feature.name(), state, why }
        });
        Self {
            certain: features.certain,
            list: each.collect(),
            problem: features.problem.map(problem_name),
            text: features.problem.map(|problem| problem.to_string()),
        }
    }
}

fn problem_name(problem: FeaturesProblem) -> &'static str {
    match problem {
        FeaturesProblem::NoPack => "no_pack",
        FeaturesProblem::Untestable => "untestable",
        FeaturesProblem::TooOld => "too_old",
        FeaturesProblem::TooNew => "too_new",
        FeaturesProblem::Unreadable => "unreadable",
    }
}
