//! The server's packs that this phone does not understand, as they cross.

use sidetone_phone as phone;

/// A pack of the server that tells something, each in a version of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Pack {
    /// What an agent is at his queues.
    Agent,
    /// Who the colleagues are.
    Team,
    /// What is recorded.
    Record,
    /// The mode of a supervision.
    Supervise,
}

/// Why what a pack tells is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum PackProblem {
    /// It is of an older version than this phone reads.
    TooOld,
    /// It is of a newer version than this phone reads.
    TooNew,
    /// It is no JSON, too long, or not of the form that its version has. It is asked again.
    Malformed,
}

/// A pack whose word is not read.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct UnreadPack {
    /// Which.
    pub pack: Pack,
    /// Why.
    pub problem: PackProblem,
    /// The same, and what to do, in words.
    pub text: String,
}

impl From<phone::PackProblem> for PackProblem {
    fn from(problem: phone::PackProblem) -> Self {
        match problem {
            phone::PackProblem::TooOld => Self::TooOld,
            phone::PackProblem::TooNew => Self::TooNew,
            phone::PackProblem::Malformed => Self::Malformed,
        }
    }
}

impl From<phone::UnreadPack> for UnreadPack {
    fn from(unread: phone::UnreadPack) -> Self {
        Self {
            pack: match unread.pack {
                phone::Pack::Agent => Pack::Agent,
                phone::Pack::Team => Pack::Team,
                phone::Pack::Record => Pack::Record,
                phone::Pack::Supervise => Pack::Supervise,
            },
            problem: unread.problem.into(),
            text: unread.to_string(),
        }
    }
}
