//! Control calls, as the app sees them: a code of the server's dial plan, and what came of it.

use std::fmt;

/// Our name of a control call (`X-Control-ID`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ControlId(pub uuid::Uuid);

impl fmt::Display for ControlId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a code came to nothing, or nobody knows, in words that say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ControlFailure {
    /// This user may not (403, 603).
    #[error("the server does not allow this; ask its administrator")]
    Forbidden,
    /// There is no such code (404, 484, 604).
    #[error("the server does not know this code; check it")]
    NotFound,
    /// Something is in the way (486, 600).
    #[error("the server cannot do this while something else is going on; try again later")]
    Busy,
    /// The server has no means for it now (480, 503).
    #[error("the server cannot do this now; try again in a moment")]
    Unavailable,
    /// What it was for is not there any more (410).
    #[error("what this was for is not there any more; look at the present state")]
    Gone,
    /// The server knows the code, and does not do it (501).
    #[error("the server does not do this; ask its administrator")]
    NotImplemented,
    /// No answer in time (408, or our own limit of ten seconds): it may have been done.
    #[error(
        "the server did not say in time whether it was done; look at the present state before you try again"
    )]
    TimedOut,
    /// The connection was lost before the answer: it may have been done.
    #[error(
        "the connection was lost before the answer; look at the present state before you try again"
    )]
    ConnectionLost,
    /// Refused with another status.
    #[error("the server refused this ({0}); ask its administrator")]
    Rejected(u16),
}
