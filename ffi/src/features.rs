//! What the server has and what this user may, as it crosses.

use sidetone_phone as phone;

/// Something that a server has or lacks, or that a user may or may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, uniffi::Enum)]
pub enum Feature {
    /// The agent logs in to queues, pauses and is ready.
    Queues,
    /// Colleagues and queues are watched.
    Team,
    /// Calls are recorded.
    Recordings,
    /// Agents' calls are supervised.
    Supervision,
    /// Callers are hidden from those who are not to see them.
    Masking,
    /// The caller of a blind transfer that nobody takes comes back.
    TransfersReturn,
    /// Agents write to each other.
    Messages,
    /// Phones that sleep are woken by push.
    Push,
    /// The user calls numbers outside.
    OutsideCalls,
    /// The user sends callers on to numbers outside.
    OutsideTransfers,
    /// The phone answers by itself, where the configuration lets it.
    AutoAnswer,
    /// The user changes the phone's settings: for the app to keep to.
    Settings,
}

/// What the server has said of a feature.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum FeatureState {
    /// Nothing: what is tried, the server decides.
    Unknown,
    /// It is there, and for this user.
    Available,
    /// The server does not have it.
    Missing {
        /// Why, in the server's words, which name the module or file that it lacks.
        why: String,
    },
    /// It is there, and not for this user.
    NotAllowed,
}

/// A feature and what the server has said of it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FeatureInfo {
    /// Which.
    pub feature: Feature,
    /// What.
    pub state: FeatureState,
}

/// The features, where the configuration's `features` wants to know of them.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FeaturesSnapshot {
    /// Whether the server has said so on this connection; else it is what it said last, and no command is refused for it.
    pub certain: bool,
    /// All of them.
    pub features: Vec<FeatureInfo>,
    /// Why the server has said nothing that could be read.
    pub problem: Option<FeaturesProblem>,
    /// The same, and what to do, in words.
    pub problem_text: Option<String>,
}

/// Why it is not known what the server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum FeaturesProblem {
    /// It has no self-test.
    NoPack,
    /// Its self-test cannot look for modules.
    Untestable,
    /// What it says is of an older version than this phone reads.
    TooOld,
    /// What it says is of a newer version than this phone reads.
    TooNew,
    /// What it says cannot be read.
    Unreadable,
}

impl From<&phone::FeaturesSnapshot> for FeaturesSnapshot {
    fn from(features: &phone::FeaturesSnapshot) -> Self {
        let each = features.states.iter().map(|(feature, state)| FeatureInfo {
            feature: (*feature).into(),
            state: state.clone().into(),
        });
        Self {
            certain: features.certain,
            features: each.collect(),
            problem: features.problem.map(Into::into),
            problem_text: features.problem.map(|problem| problem.to_string()),
        }
    }
}

impl From<phone::Feature> for Feature {
    fn from(feature: phone::Feature) -> Self {
        match feature {
            phone::Feature::Queues => Self::Queues,
            phone::Feature::Team => Self::Team,
            phone::Feature::Recordings => Self::Recordings,
            phone::Feature::Supervision => Self::Supervision,
            phone::Feature::Masking => Self::Masking,
            phone::Feature::TransfersReturn => Self::TransfersReturn,
            phone::Feature::Messages => Self::Messages,
            phone::Feature::Push => Self::Push,
            phone::Feature::OutsideCalls => Self::OutsideCalls,
            phone::Feature::OutsideTransfers => Self::OutsideTransfers,
            phone::Feature::AutoAnswer => Self::AutoAnswer,
            phone::Feature::Settings => Self::Settings,
        }
    }
}

impl From<phone::FeatureState> for FeatureState {
    fn from(state: phone::FeatureState) -> Self {
        match state {
            phone::FeatureState::Unknown => Self::Unknown,
            phone::FeatureState::Available => Self::Available,
            phone::FeatureState::Missing { why } => Self::Missing { why },
            phone::FeatureState::NotAllowed => Self::NotAllowed,
        }
    }
}

impl From<phone::FeaturesProblem> for FeaturesProblem {
    fn from(problem: phone::FeaturesProblem) -> Self {
        match problem {
            phone::FeaturesProblem::NoPack => Self::NoPack,
            phone::FeaturesProblem::Untestable => Self::Untestable,
            phone::FeaturesProblem::TooOld => Self::TooOld,
            phone::FeaturesProblem::TooNew => Self::TooNew,
            phone::FeaturesProblem::Unreadable => Self::Unreadable,
        }
    }
}
