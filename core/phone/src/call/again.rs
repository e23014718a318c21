//! What becomes of a change of ours that the other side refuses: it goes again later, is given up, or ends the
//! call (RFC 3261 §12.2.1.2, §14.1, §21.5.1, §21.5.4).

use super::Call;
use super::handover::Due;
use crate::Direction;
use crate::ua::Ua;
use sidetone_sip::{HeaderName, Response, StatusCode};
use std::time::Duration;

/// As often it goes again.
const MOST_TRIES: u8 = 5;
/// The longest that the other side can have it wait: longer nobody waits for a hold, and no path for its offer.
const LONGEST: Duration = Duration::from_secs(30);
/// The shortest, and the first wait where it must go again and nobody says when; it doubles with each.
const SHORTEST: Duration = Duration::from_secs(1);

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// It goes again in this time.
    Again(Duration),
    /// It is given up, and the call goes on as it was.
    GiveUp,
    /// The dialog is gone there.
    End,
}

/// How long the other side wants a request of ours to wait, where it says so and it is not too long (RFC 3261
/// §20.33): it is busy with a request of its own, or has too much to do.
pub(super) fn asked_to_wait(refusal: &Response) -> Option<Duration> {
    wait_of(refusal).filter(|wait| *wait <= LONGEST)
}

fn wait_of(refusal: &Response) -> Option<Duration> {
    let passes = [StatusCode::SERVER_INTERNAL_ERROR, StatusCode::SERVICE_UNAVAILABLE];
    let seconds = refusal.headers.number(&HeaderName::RETRY_AFTER).map(u64::from);
    let seconds = seconds.filter(|_| passes.contains(&refusal.status))?;
    Some(Duration::from_secs(seconds).max(SHORTEST))
}

impl Call {
    /// What becomes of a change that was refused so, having been refused so many times for now.
    pub(super) fn after_refusal(
        &self,
        refusal: &Response,
        due: Due,
        tries: u8,
        ua: &mut Ua,
    ) -> After {
        let code = refusal.status.code();
        if matches!(code, 408 | 481) {
            return After::End;
        }
        if tries >= MOST_TRIES {
            return After::GiveUp;
        }
        // The other side does not know where this phone is: nobody asked for that change, and nobody asks again. A
        // path that is not found is tried anew by itself.
        let must = due == Due::Refresh && (500..600).contains(&code);
        match asked_to_wait(refusal) {
            Some(wait) => After::Again(wait),
            None if code == 491 => After::Again(self.glare(ua)),
            None if must => {
                After::Again(wait_of(refusal).map_or(SHORTEST * (1 << tries), |_| LONGEST))
            }
            None => After::GiveUp,
        }
    }

    /// RFC 3261 §14.1: the side that made the Call-ID waits longer, in steps of 10 ms.
    fn glare(&self, ua: &mut Ua) -> Duration {
        let (low, high) = match self.direction {
            Direction::Outgoing => (210, 400),
            Direction::Incoming => (0, 200),
        };
        ua.between(Duration::from_millis(low), Duration::from_millis(high)) * 10
    }
}
