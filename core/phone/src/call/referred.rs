//! What a REFER of the other side makes of the call that it comes in, and of the one that it asks for
//! (RFC 3515 §2.4, RFC 5589 §6.1); which REFER is followed is decided in [`crate::referral`].

use super::{Call, Leg, State};
use crate::referral::Refer;
use crate::ua::{Owner, Ua};
use crate::{CallId, EndReason, Event, Now, Party};
use sidetone_sip::transaction::ClientKey;
use sidetone_sip::{Dialog, HeaderName, Method, Request, StatusCode};

/// What REFER has to do with a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Referred {
    /// The other side of the call that asked for this one.
    by: Option<Party>,
    /// That call was not talked in: neither is this one, until the user takes it.
    aside: bool,
    /// How many calls in a row have each asked for the next.
    hops: u8,
    /// Where the other side has sent this phone.
    on_to: Option<String>,
    /// How often it has.
    count: u32,
}

impl Referred {
    /// Whether somebody else asked for this call.
    pub(super) fn is_by_another(&self) -> bool {
        self.by.is_some()
    }

    /// Whether it is not to be talked in until the user takes it.
    pub(super) fn is_aside(&self) -> bool {
        self.aside
    }
}

impl Call {
    /// The call that the other side of `by` asks for. What the user has done with that one stays so: a closed
    /// microphone does not open, and who is on hold is not talked to.
    pub(crate) fn referred(id: CallId, asked: Refer, by: &Self, ua: &mut Ua, now: Now) -> Self {
        let mut call = Self::outgoing(id, asked.to, ua, now);
        if let Leg::Outgoing { invite, .. } = &mut call.leg {
            let fields = [
                (HeaderName::REFERRED_BY, asked.referred_by),
                (HeaderName::REPLACES, asked.replaces),
            ];
            for (name, value) in fields {
                value.into_iter().for_each(|value| invite.headers.push(name.clone(), value));
            }
        }
        call.referred = Referred {
            by: Some(by.remote.clone()),
            aside: !by.is_talked_in(),
            hops: by.referred.hops + 1,
            ..Referred::default()
        };
        if by.muted {
            call.muted = true;
            ua.tell(Event::MuteChanged { call: id, muted: true });
        }
        call
    }

    /// Who has asked for this call, where somebody did.
    pub(super) fn referred_by(&self) -> Option<&Party> {
        self.referred.by.as_ref()
    }

    /// How many calls in a row have each asked for the next.
    pub(crate) fn hops(&self) -> u8 {
        self.referred.hops
    }

    /// The other side sends this phone elsewhere. Gives whether it has before.
    pub(crate) fn send_on(&mut self, to: String) -> bool {
        self.referred.on_to = Some(to);
        self.referred.count = self.referred.count.saturating_add(1);
        self.referred.count > 1
    }

    /// Whether it has, and nothing has come of that yet but the new call's answer.
    pub(crate) fn is_sent_on(&self) -> bool {
        self.referred.on_to.is_some()
    }

    /// It came to nothing: the call goes on.
    pub(crate) fn not_sent_on(&mut self) {
        self.referred.on_to = None;
    }

    /// The new call is answered, and the other side of this one does not hang up.
    pub(crate) fn leave_to_new(&mut self, ua: &mut Ua, now: Now) {
        if self.is_up() {
            let reason = self.why_they_left();
            self.hang_up(reason, ua, now);
        }
    }

    /// What the other side's BYE means.
    pub(super) fn why_they_left(&self) -> EndReason {
        let sent_on = self.referred.on_to.clone().map(EndReason::Referred);
        let known = self.transferred().or(sent_on).or_else(|| self.supervision_over());
        known.unwrap_or(EndReason::Remote)
    }

    /// How a call that was asked for goes, as the one who asked is told (RFC 3515 §2.4.5).
    pub(crate) fn status_for_referrer(&self) -> StatusCode {
        let rang = matches!(self.leg, Leg::Outgoing { rang: true, .. });
        match self.state {
            State::Dialing | State::Announced | State::Ringing | State::Answering => {
                StatusCode::TRYING
            }
            State::Alerting if rang => StatusCode::RINGING,
            State::Alerting => StatusCode::SESSION_PROGRESS,
            State::Answered | State::Established => StatusCode::OK,
            State::Ending | State::Ended => {
                self.reason.as_ref().map_or(StatusCode::REQUEST_TERMINATED, status_of)
            }
        }
    }

    /// Why it ended, in words.
    pub(crate) fn why(&self) -> Option<String> {
        self.reason.as_ref().map(EndReason::to_string)
    }

    /// Its dialog, once it has one.
    pub(crate) fn dialog(&self) -> Option<&Dialog> {
        self.dialog.as_ref()
    }

    /// Tells the other side how the call goes that it asked for.
    pub(crate) fn send_notify(
        &mut self,
        fill: impl FnOnce(&mut Request),
        ua: &mut Ua,
        now: Now,
    ) -> Option<ClientKey> {
        let mut after = self.dialog.clone()?;
        let mut request = after.request(Method::Notify);
        fill(&mut request);
        let key = ua.send(request, Owner::Referral, now)?;
        self.dialog = Some(after);
        Some(key)
    }

    /// A request in its dialog went again with this number.
    pub(crate) fn count_to(&mut self, sequence: u32) {
        if let Some(dialog) = &mut self.dialog {
            dialog.local_sequence = dialog.local_sequence.max(sequence);
        }
    }
}

/// The final response that a call which came to nothing had, or would have had.
fn status_of(reason: &EndReason) -> StatusCode {
    match reason {
        EndReason::Busy => StatusCode::BUSY_HERE,
        EndReason::Refused | EndReason::Declined(_) => StatusCode::DECLINE,
        EndReason::Unreachable(code) | EndReason::Rejected { status: code, .. } => {
            StatusCode::new(*code)
                .filter(|status| status.code() >= 300)
                .unwrap_or(StatusCode::BAD_GATEWAY)
        }
        EndReason::NoAnswer | EndReason::TimedOut => StatusCode::REQUEST_TIMEOUT,
        EndReason::Media(_) => StatusCode::NOT_ACCEPTABLE_HERE,
        EndReason::NetworkLost | EndReason::Restarted => StatusCode::SERVICE_UNAVAILABLE,
        EndReason::Local
        | EndReason::Remote
        | EndReason::Cancelled
        | EndReason::AnsweredElsewhere
        | EndReason::NeverCame
        | EndReason::Forwarded(_)
        | EndReason::Transferred(_)
        | EndReason::Referred(_)
        | EndReason::UnreadablePush
        | EndReason::Supervision(_)
        | EndReason::NotSignedIn => StatusCode::REQUEST_TERMINATED,
    }
}
