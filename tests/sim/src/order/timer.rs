//! What an order waits for when it lets time pass.

use sidetone_phone::{Phone, TimerReason};
use std::time::Duration;

/// When something of a call is due; the account's own timers are left alone. A connection that is
/// asked for comes before its time is over.
pub(super) fn due(phone: &Phone, opening: bool) -> Option<(Duration, TimerReason)> {
    let (at, reason) = phone.poll_timeout()?;
    match reason {
        TimerReason::Transaction(_)
        | TimerReason::AnswerRetransmission
        | TimerReason::AutoAnswer
        | TimerReason::CallDeadline
        // The mailbox has none here: it is that of a REFER.
        | TimerReason::Subscription => Some((at, reason)),
        TimerReason::Retry => (!opening).then_some((at, reason)),
        TimerReason::Refresh
        | TimerReason::SessionTimer
        | TimerReason::AgentNews
        | TimerReason::Supervision
        | TimerReason::KeepAlive
        | TimerReason::ProbeTimeout => None,
    }
}
