//! The words and units of the lines.

use super::supervision;
use sidetone_phone::{
    CallState, CommandError, ControlFailure, Direction, EndReason, MediaPath, MessageFailure,
    RegistrationState, TransfersReturn,
};
use std::time::Duration;

/// A duration in milliseconds, to the microsecond.
pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

/// The lamp's word.
pub(super) fn registration_name(state: RegistrationState) -> &'static str {
    match state {
        RegistrationState::Unregistered => "unregistered",
        RegistrationState::Registering => "registering",
        RegistrationState::Registered => "registered",
        RegistrationState::Unreachable => "unreachable",
        RegistrationState::ReachableByPush => "reachable_by_push",
        RegistrationState::Asleep => "asleep",
        RegistrationState::Failed => "failed",
    }
}

/// Who called whom.
pub(super) fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Incoming => "incoming",
        Direction::Outgoing => "outgoing",
    }
}

/// Where a call stands.
pub(super) fn call_state_name(state: CallState) -> &'static str {
    match state {
        CallState::Dialing => "dialing",
        CallState::Alerting => "alerting",
        CallState::Announced => "announced",
        CallState::Ringing => "ringing",
        CallState::Answering => "answering",
        CallState::Answered => "answered",
        CallState::Established => "established",
        CallState::Ending => "ending",
    }
}

/// How far the media is.
pub(super) fn media_path_name(media: MediaPath) -> &'static str {
    match media {
        MediaPath::New => "new",
        MediaPath::Connecting => "connecting",
        MediaPath::Connected => "connected",
        MediaPath::Reconnecting => "reconnecting",
        MediaPath::Failed => "failed",
    }
}

pub(super) fn end_reason_name(reason: &EndReason) -> &'static str {
    match reason {
        EndReason::Local => "local",
        EndReason::Remote => "remote",
        EndReason::Cancelled => "cancelled",
        EndReason::AnsweredElsewhere => "answered_elsewhere",
        EndReason::Declined(_) => "declined",
        EndReason::Refused => "refused",
        EndReason::Busy => "busy",
        EndReason::Unreachable(_) => "unreachable",
        EndReason::NoAnswer => "no_answer",
        EndReason::Rejected { .. } => "rejected",
        EndReason::Media(_) => "media",
        EndReason::NetworkLost => "network_lost",
        EndReason::TimedOut => "timed_out",
        EndReason::NeverCame => "never_came",
        EndReason::Forwarded(_) => "forwarded",
        EndReason::Transferred(_) => "transferred",
        EndReason::Referred(_) => "referred",
        EndReason::Supervision(end) => supervision::end_name(*end),
        EndReason::UnreadablePush => "unreadable_push",
        EndReason::NotSignedIn => "not_signed_in",
        EndReason::Restarted => "restarted",
    }
}

pub(super) fn end_status(reason: &EndReason) -> Option<u16> {
    match reason {
        EndReason::Unreachable(status) | EndReason::Rejected { status, .. } => Some(*status),
        EndReason::Local
        | EndReason::Remote
        | EndReason::Cancelled
        | EndReason::AnsweredElsewhere
        | EndReason::Declined(_)
        | EndReason::Refused
        | EndReason::Busy
        | EndReason::NoAnswer
        | EndReason::Media(_)
        | EndReason::NetworkLost
        | EndReason::NeverCame
        | EndReason::Forwarded(_)
        | EndReason::Transferred(_)
        | EndReason::Referred(_)
        | EndReason::Supervision(_)
        | EndReason::UnreadablePush
        | EndReason::NotSignedIn
        | EndReason::Restarted
        | EndReason::TimedOut => None,
    }
}

/// Whether the caller of a blind transfer that nobody takes comes back.
pub(super) fn transfers_return_name(said: TransfersReturn) -> &'static str {
    match said {
        TransfersReturn::Unknown => "unknown",
        TransfersReturn::Yes => "yes",
        TransfersReturn::No => "no",
    }
}

/// Why a message failed.
pub(super) fn message_failure_name(reason: MessageFailure) -> &'static str {
    match reason {
        MessageFailure::Unreachable => "unreachable",
        MessageFailure::Refused => "refused",
        MessageFailure::TooLong => "too_long",
        MessageFailure::Rejected(_) => "rejected",
    }
}

/// Why a control call came to nothing.
pub(super) fn control_failure_name(reason: ControlFailure) -> &'static str {
    match reason {
        ControlFailure::Forbidden => "forbidden",
        ControlFailure::NotFound => "not_found",
        ControlFailure::Busy => "busy",
        ControlFailure::Unavailable => "unavailable",
        ControlFailure::Gone => "gone",
        ControlFailure::NotImplemented => "not_implemented",
        ControlFailure::TimedOut => "timed_out",
        ControlFailure::ConnectionLost => "connection_lost",
        ControlFailure::Rejected(_) => "rejected",
    }
}

/// The word for a refused command.
pub(crate) fn command_error_name(error: CommandError) -> &'static str {
    match error {
        CommandError::UnknownCall => "unknown_call",
        CommandError::CallIdTaken => "call_id_taken",
        CommandError::WrongState => "wrong_state",
        CommandError::NotRegistered => "not_registered",
        CommandError::InvalidTarget => "invalid_target",
        CommandError::InvalidDigits => "invalid_digits",
        CommandError::DtmfNotNegotiated => "dtmf_not_negotiated",
        CommandError::Transferring => "transferring",
        CommandError::NothingToSwap => "nothing_to_swap",
        CommandError::TooFewCalls => "too_few_calls",
        CommandError::TooManyToLeave => "too_many_to_leave",
        CommandError::TooManyCalls => "too_many_calls",
        CommandError::InCall => "in_call",
        CommandError::InvalidText => "invalid_text",
        CommandError::MessageIdTaken => "message_id_taken",
        CommandError::TooManyMessages => "too_many_messages",
        CommandError::InvalidCode => "invalid_code",
        CommandError::ControlIdTaken => "control_id_taken",
        CommandError::TooManyControls => "too_many_controls",
        CommandError::ControlUnderWay => "control_under_way",
        CommandError::NoQueues => "no_queues",
        CommandError::UnknownQueue => "unknown_queue",
        CommandError::UnknownReason => "unknown_reason",
        CommandError::LoggedOut => "logged_out",
        CommandError::AgentRequestUnderWay => "agent_request_under_way",
        CommandError::InvalidRecording => "invalid_recording",
        CommandError::UnknownRecording => "unknown_recording",
        CommandError::RecordingLocked => "recording_locked",
        CommandError::RecordingUnderWay => "recording_under_way",
        CommandError::RecordingUnavailable => "recording_unavailable",
        CommandError::InvalidAgent => "invalid_agent",
        CommandError::Supervising => "supervising",
        CommandError::MissingOnServer => "missing_on_server",
        CommandError::NotAllowed => "not_allowed",
        CommandError::InvalidToken => "invalid_token",
    }
}
