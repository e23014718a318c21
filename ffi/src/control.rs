//! Control calls, as they cross: codes of the server's dial plan, and what came of them.

use crate::CommandError;
use crate::error::{spoken, spoken_error};
use sidetone_phone as phone;

/// Why a code came to nothing, or nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum ControlFailure {
    /// This user may not.
    Forbidden,
    /// There is no such code.
    NotFound,
    /// Something is in the way.
    Busy,
    /// The server has no means for it now.
    Unavailable,
    /// What it was for is not there any more.
    Gone,
    /// The server knows the code, and does not do it.
    NotImplemented,
    /// No answer in time: it may have been done.
    TimedOut,
    /// The connection was lost before the answer: it may have been done.
    ConnectionLost,
    /// The server refused it otherwise.
    Rejected {
        /// The status code.
        status: u16,
    },
}

spoken_error! {
    /// Why a code of the server's dial plan was not carried out, or nobody knows.
    ControlError {
        /// The phone is not registered; nothing was sent.
        NotRegistered,
        /// This is no code; nothing was sent.
        InvalidCode,
        /// The id was used before; nothing was sent.
        ControlIdTaken,
        /// Too many are under way; nothing was sent.
        TooManyControls,
        /// This user may not.
        Forbidden,
        /// There is no such code.
        NotFound,
        /// Something is in the way.
        Busy,
        /// The server has no means for it now.
        Unavailable,
        /// What it was for is not there any more.
        Gone,
        /// The server knows the code, and does not do it.
        NotImplemented,
        /// No answer in time: it may have been done.
        TimedOut,
        /// The connection was lost before the answer: it may have been done.
        ConnectionLost,
        /// The server, or the phone, refused it otherwise.
        Rejected,
        /// The phone was shut down.
        Ended,
    }
}

impl ControlError {
    /// The phone does not run any more.
    pub(crate) fn ended() -> Self {
        CommandError::ended().into()
    }
}

impl From<phone::ControlFailure> for ControlFailure {
    fn from(reason: phone::ControlFailure) -> Self {
        use phone::ControlFailure as F;
        match reason {
            F::Forbidden => Self::Forbidden,
            F::NotFound => Self::NotFound,
            F::Busy => Self::Busy,
            F::Unavailable => Self::Unavailable,
            F::Gone => Self::Gone,
            F::NotImplemented => Self::NotImplemented,
            F::TimedOut => Self::TimedOut,
            F::ConnectionLost => Self::ConnectionLost,
            F::Rejected(status) => Self::Rejected { status },
        }
    }
}

impl From<ControlFailure> for ControlError {
    fn from(reason: ControlFailure) -> Self {
        spoken! { reason: ControlFailure,
            Forbidden: "The server does not allow this",
                "Ask its administrator";
            NotFound: "The server does not know this code",
                "Check it against the server's dial plan";
            Busy: "The server cannot do this while something else is going on",
                "Try again later";
            Unavailable: "The server cannot do this now",
                "Try again in a moment";
            Gone: "What this was for is not there any more",
                "Look at the present state";
            NotImplemented: "The server does not do this",
                "Ask its administrator";
            TimedOut: "The server did not say in time whether it was done",
                "Look at the present state before you try again";
            ConnectionLost: "The connection was lost before the answer",
                "Look at the present state before you try again";
            [ControlFailure::Rejected { status } => Self::Rejected {
                what: format!("The server refused this ({status})"),
                advice: "Ask its administrator".to_owned(),
            }]
        }
    }
}

impl From<CommandError> for ControlError {
    fn from(error: CommandError) -> Self {
        use CommandError as E;
        match error {
            E::NotRegistered { what, advice } => Self::NotRegistered { what, advice },
            E::InvalidCode { what, advice } => Self::InvalidCode { what, advice },
            E::ControlIdTaken { what, advice } => Self::ControlIdTaken { what, advice },
            E::TooManyControls { what, advice } => Self::TooManyControls { what, advice },
            E::Ended { what, advice } => Self::Ended { what, advice },
            // Only other commands are refused so.
            E::UnknownCall { what, advice }
            | E::CallIdTaken { what, advice }
            | E::WrongState { what, advice }
            | E::InvalidTarget { what, advice }
            | E::InvalidDigits { what, advice }
            | E::DtmfNotNegotiated { what, advice }
            | E::Transferring { what, advice }
            | E::NothingToSwap { what, advice }
            | E::TooFewCalls { what, advice }
            | E::TooManyToLeave { what, advice }
            | E::TooManyCalls { what, advice }
            | E::InCall { what, advice }
            | E::InvalidToken { what, advice }
            | E::InvalidText { what, advice }
            | E::MessageIdTaken { what, advice }
            | E::TooManyMessages { what, advice }
            | E::ControlUnderWay { what, advice }
            | E::NoQueues { what, advice }
            | E::UnknownQueue { what, advice }
            | E::UnknownReason { what, advice }
            | E::LoggedOut { what, advice }
            | E::AgentRequestUnderWay { what, advice }
            | E::InvalidRecording { what, advice }
            | E::UnknownRecording { what, advice }
            | E::RecordingLocked { what, advice }
            | E::RecordingUnderWay { what, advice }
            | E::RecordingUnavailable { what, advice }
            | E::InvalidAgent { what, advice }
            | E::Supervising { what, advice }
            | E::MissingOnServer { what, advice }
            | E::NotAllowed { what, advice } => Self::Rejected { what, advice },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_says_what_it_is_and_what_to_do() {
        use ControlFailure as F;
        let failures = [
            F::Forbidden,
            F::NotFound,
            F::Busy,
            F::Unavailable,
            F::Gone,
            F::NotImplemented,
            F::TimedOut,
            F::ConnectionLost,
            F::Rejected { status: 488 },
        ];
        let texts = failures.map(|failure| ControlError::from(failure).to_string());
        for text in &texts {
            crate::error::is_helpful(text);
        }
        let different: std::collections::BTreeSet<_> = texts.iter().collect();
        assert_eq!(different.len(), texts.len());
        assert!(texts[8].contains("488"));
    }

    #[test]
    fn a_refusal_of_the_command_keeps_its_kind() {
        let refused = CommandError::from(phone::CommandError::NotRegistered);
        assert!(matches!(ControlError::from(refused), ControlError::NotRegistered { .. }));
        assert!(matches!(ControlError::ended(), ControlError::Ended { .. }));
    }
}
