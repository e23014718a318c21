//! What the server really has, and what this user may, as the server's self-test says (docs/agent-plane.md).

use std::collections::BTreeMap;
use std::fmt;

/// Something that a server has or lacks, or that a user may or may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// The agent logs in to queues, pauses and is ready: [`super::Command::Agent`].
    Queues,
    /// Colleagues and queues are watched: [`super::Command::Watch`].
    Team,
    /// Calls are recorded: [`super::Command::Record`].
    Recordings,
    /// Agents' calls are supervised: [`super::Command::Supervise`].
    Supervision,
    /// Callers are hidden from those who are not to see them.
    Masking,
    /// The caller of a blind transfer that nobody takes comes back: [`super::Snapshot::transfers_return`].
    TransfersReturn,
    /// Agents write to each other: [`super::Command::SendMessage`].
    Messages,
    /// Phones that sleep are woken by push.
    Push,
    /// The user calls numbers outside: [`super::Command::Dial`].
    OutsideCalls,
    /// The user sends callers on to numbers outside: [`super::Command::Transfer`] and [`super::Command::Forward`].
    OutsideTransfers,
    /// The phone answers by itself, where [`super::Config::answer_mode`] lets it.
    AutoAnswer,
    /// The user changes the phone's settings. It is for the app to keep to this: the phone has none that it could refuse.
    Settings,
}

impl Feature {
    /// All of them, in their order.
    pub const ALL: [Self; 12] = [
        Self::Queues,
        Self::Team,
        Self::Recordings,
        Self::Supervision,
        Self::Masking,
        Self::TransfersReturn,
        Self::Messages,
        Self::Push,
        Self::OutsideCalls,
        Self::OutsideTransfers,
        Self::AutoAnswer,
        Self::Settings,
    ];

    /// Its name, as the server writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queues => "queues",
            Self::Team => "team",
            Self::Recordings => "recordings",
            Self::Supervision => "supervision",
            Self::Masking => "masking",
            Self::TransfersReturn => "transfers_return",
            Self::Messages => "messages",
            Self::Push => "push",
            Self::OutsideCalls => "outside_calls",
            Self::OutsideTransfers => "outside_transfers",
            Self::AutoAnswer => "auto_answer",
            Self::Settings => "settings",
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name().replace('_', " "))
    }
}

/// What the server has said of a feature.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FeatureState {
    /// Nothing: what is tried, the server decides.
    #[default]
    Unknown,
    /// It is there, and for this user.
    Available,
    /// The server does not have it.
    Missing {
        /// Why, in the server's words, which name the module or file that it lacks; at most 256 bytes.
        why: String,
    },
    /// It is there, and not for this user.
    NotAllowed,
}

/// The features, where [`super::Config::features`] wants to know of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeaturesSnapshot {
    /// Whether the server has said so on this connection; else it is what it said last, and no command is refused for it.
    pub certain: bool,
    /// Each of [`Feature::ALL`].
    pub states: BTreeMap<Feature, FeatureState>,
    /// Why the server has said nothing that could be read.
    pub problem: Option<FeaturesProblem>,
}

impl Default for FeaturesSnapshot {
    /// Nothing is known.
    fn default() -> Self {
        let states = Feature::ALL.map(|feature| (feature, FeatureState::Unknown));
        Self { certain: false, states: states.into(), problem: None }
    }
}

impl FeaturesSnapshot {
    /// What is known of a feature.
    pub fn of(&self, feature: Feature) -> &FeatureState {
        self.states.get(&feature).unwrap_or(&FeatureState::Unknown)
    }
}

/// Why it is not known what the server has, in words that say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FeaturesProblem {
    /// It has no self-test.
    #[error(
        "the server cannot say what it has: its dial plan has no selftest.conf, or not in your context; ask its administrator to install it, and to include sidetone-features there"
    )]
    NoPack,
    /// Its self-test cannot look for modules.
    #[error(
        "the server cannot say what it has: it lacks func_module; ask its administrator to load it"
    )]
    Untestable,
    /// What it says is of an older version than this phone reads.
    #[error(
        "the server's selftest.conf is older than this phone; ask its administrator to update it"
    )]
    TooOld,
    /// What it says is of a newer version than this phone reads.
    #[error("the server's selftest.conf is newer than this phone; update the app")]
    TooNew,
    /// What it says is no JSON, too long, or not of the shape that its version has.
    #[error(
        "what the server says of its features cannot be read; ask its administrator to install selftest.conf anew"
    )]
    Unreadable,
}
