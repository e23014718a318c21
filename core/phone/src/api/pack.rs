//! The server's packs that this phone does not understand, as the app sees them (docs/agent-plane.md).

use std::fmt;

/// A pack of the server that tells something, each in a version of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pack {
    /// What an agent is at his queues: [`super::Snapshot::agent`].
    Agent,
    /// Who the colleagues are: [`super::Snapshot::team`].
    Team,
    /// What is recorded: [`super::CallSnapshot::recordings`].
    Record,
    /// The mode of a supervision: [`super::CallSnapshot::supervision`].
    Supervise,
}

impl fmt::Display for Pack {
    /// Its file on the server.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agent => "agent.conf",
            Self::Team => "team.conf",
            Self::Record => "record.conf",
            Self::Supervise => "supervise.conf",
        })
    }
}

/// Why what a pack tells is not read, in words that say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum PackProblem {
    /// It is of an older version than this phone reads.
    #[error("older than this phone; ask its administrator to update it")]
    TooOld,
    /// It is of a newer version than this phone reads.
    #[error("newer than this phone; update the app")]
    TooNew,
    /// It is no JSON, too long, or not of the form that its version has. It is asked again.
    #[error("telling what this phone cannot read; ask its administrator to check its settings")]
    Malformed,
}

/// A pack whose word is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server's {pack} is {problem}")]
pub struct UnreadPack {
    /// Which.
    pub pack: Pack,
    /// Why.
    pub problem: PackProblem,
}
