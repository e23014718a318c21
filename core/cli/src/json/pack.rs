//! A pack of the server that is not understood, as a line shows it.

use serde::Serialize;
use sidetone_phone::{Pack, PackProblem, UnreadPack};

/// The word of a problem.
pub(super) const fn word(problem: PackProblem) -> &'static str {
    match problem {
        PackProblem::TooOld => "too_old",
        PackProblem::TooNew => "too_new",
        PackProblem::Malformed => "malformed",
    }
}

/// One of them.
#[derive(Debug, Serialize)]
pub(crate) struct JsonUnreadPack {
    pack: &'static str,
    problem: &'static str,
    pub(crate) text: String,
}

impl From<UnreadPack> for JsonUnreadPack {
    fn from(unread: UnreadPack) -> Self {
        Self {
            pack: match unread.pack {
                Pack::Agent => "agent",
                Pack::Team => "team",
                Pack::Record => "record",
                Pack::Supervise => "supervise",
            },
            problem: word(unread.problem),
            text: unread.to_string(),
        }
    }
}
