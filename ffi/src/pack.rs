//! The server's packs that this phone does not understand, as they cross.

use sidetone_phone as phone;

/// A pack of the server that tells something in a version of its own.
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

impl From<phone::UnreadPack> for UnreadPack {
    fn from(unread: phone::UnreadPack) -> Self {
        Self {
            pack: match unread.pack {
                phone::Pack::Agent => Pack::Agent,
                phone::Pack::Team => Pack::Team,
                phone::Pack::Record => Pack::Record,
                phone::Pack::Supervise => Pack::Supervise,
            },
            problem: match unread.problem {
                phone::PackProblem::TooOld => PackProblem::TooOld,
                phone::PackProblem::TooNew => PackProblem::TooNew,
            },
            text: unread.to_string(),
        }
    }
}
