//! The machine of one call: what each input does in each state (RFC 3261 §13 to §15, §9).
//!
//! What a transition does is a verb of `announced`, `incoming`, `outgoing`, `ending`, `hold` or
//! `transfer`. Facts that are independent of the state (hold, mute, media path, an answer not
//! acknowledged, a transfer) are fields of
//! [`Call`].

use super::Call;
use super::transfer::{Destination, Progress};
use crate::ua::Ua;
use crate::{CallState, CommandError, DeclineReason, EndReason, Handover, MediaError, Now};
use sidetone_sip::transaction::ServerKey;
use sidetone_sip::{Request, Response, StatusCode};

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Outgoing: described or sent, nothing heard yet.
    Dialing,
    /// Outgoing: the other side rings or plays early media.
    Alerting,
    /// Incoming: announced by push, its INVITE is not here yet.
    Announced,
    /// Incoming: rings here.
    Ringing,
    /// Incoming: the user answered, the description is on its way.
    Answering,
    /// Answered, not acknowledged or media not connected yet.
    Answered,
    /// Acknowledged, and media is connected.
    Established,
    /// The user is done with it; CANCEL or BYE is on its way.
    Ending,
    /// Over.
    Ended,
}

/// What may happen to a call.
#[derive(Debug)]
pub(crate) enum In {
    /// The user answers.
    Answer,
    /// The user refuses.
    Decline(DeclineReason),
    /// The user sends the caller to this address.
    Forward(String),
    /// The user is done with it, or signs out.
    HangUp,
    /// The user holds or resumes.
    Hold(bool),
    /// The user sends the other side elsewhere.
    Transfer(Destination),
    /// The description that was asked for last.
    Described(Result<String, MediaError>),
    /// ICE and DTLS are done.
    MediaConnected,
    /// There is no way for the media.
    MediaFailed(MediaError),
    /// The INVITE of a call that was announced.
    Invited(ServerKey, Request),
    /// A push takes the announcement back; `true`: another phone answered.
    Withdrawn(bool),
    /// 101 to 199 or 100 to our INVITE.
    Provisional(Response),
    /// 2xx to our INVITE.
    Accepted(Response),
    /// 3xx to 6xx to our INVITE.
    Refused(Response),
    /// Our INVITE will get no final response, for this reason.
    Unanswered(EndReason),
    /// A final response to our re-INVITE.
    ChangeAnswered(Response),
    /// Our re-INVITE got no final response in its time.
    ChangeUnanswered,
    /// The connection went while our re-INVITE was on its way.
    ChangeLost,
    /// A final response to our REFER, or none.
    ReferAnswered(Option<Response>),
    /// The connection went while our REFER was on its way.
    ReferLost,
    /// How the transfer goes, as the other side tells.
    Notified(Progress),
    /// The transfer of another call has brought this one's other side to another.
    TakenOver(String),
    /// The other side withdraws its INVITE; `true`: another phone answered.
    Cancel(bool),
    /// The ACK of a 2xx of ours.
    Ack(Request),
    /// The answer was not acknowledged in 64*T1.
    Unacknowledged,
    /// The other side hangs up.
    Bye(ServerKey, Request),
    /// The other side changes the session.
    Reinvite(ServerKey, Request),
    /// The other side refreshes the target, or changes the session, also before the answer.
    Update(ServerKey, Request),
    /// Our BYE is done with, whatever came back.
    ByeDone,
    /// The connection went while our BYE was on its way.
    ByeLost,
    /// The state lasts for as long as it may.
    Deadline,
    /// Nothing comes over the media path any more.
    MediaDisconnected,
    /// The network is another.
    NetworkChanged(Handover),
    /// The connection is gone.
    FlowLost,
    /// There is a connection again.
    FlowUp,
}

impl Call {
    /// One step. Only what the user asks can be refused.
    pub(crate) fn step(&mut self, input: In, ua: &mut Ua, now: Now) -> Result<(), CommandError> {
        use State::{
            Alerting, Announced, Answered, Answering, Dialing, Ended, Ending, Established, Ringing,
        };
        log::trace!("{}: {:?} takes {}", self.id, self.state, input.name());
        match (self.state, input) {
            // What the user asks.
            (Announced, In::Answer) => self.intend_to_answer(),
            (Ringing, In::Answer) => self.answer(ua, now),
            (Answering, In::Answer) => {}
            (Dialing | Alerting | Answered | Established | Ending, In::Answer) => {
                return Err(CommandError::WrongState);
            }
            (Announced | Ringing | Answering, In::Decline(reason)) => {
                self.decline(reason, ua, now);
            }
            (Dialing | Alerting | Answered | Established | Ending, In::Decline(_)) => {
                return Err(CommandError::WrongState);
            }
            (Announced | Ringing | Answering, In::Forward(to)) => self.forward(to, ua, now),
            (Dialing | Alerting | Answered | Established | Ending, In::Forward(_)) => {
                return Err(CommandError::WrongState);
            }
            (Dialing | Alerting, In::HangUp) => self.give_up(EndReason::Local, ua, now),
            (Announced | Ringing | Answering, In::HangUp) => {
                self.decline(DeclineReason::Busy, ua, now);
            }
            (Answered | Established, In::HangUp) => self.hang_up(EndReason::Local, ua, now),
            (Ending, In::HangUp) => {}
            (Answered | Established, In::Hold(on)) => self.ask_hold(on, ua, now),
            (Dialing | Alerting | Announced | Ringing | Answering | Ending, In::Hold(_)) => {
                return Err(CommandError::WrongState);
            }
            (Answered | Established, In::Transfer(to)) => return self.refer(to, ua, now),
            (Dialing | Alerting | Announced | Ringing | Answering | Ending, In::Transfer(_)) => {
                return Err(CommandError::WrongState);
            }
            (
                Ended,
                In::Answer
                | In::Decline(_)
                | In::Forward(_)
                | In::HangUp
                | In::Hold(_)
                | In::Transfer(_),
            ) => return Err(CommandError::UnknownCall),

            // Media.
            (Dialing, In::Described(Ok(sdp))) => self.invite(sdp, ua, now),
            (Ringing, In::Described(Ok(sdp))) => self.keep_description(sdp, ua, now),
            (Answering, In::Described(Ok(sdp))) => self.accept(sdp, ua, now),
            (Alerting | Answered | Established, In::Described(Ok(sdp))) => {
                self.go_on_with(sdp, ua, now);
            }
            (Dialing, In::Described(Err(error))) | (Dialing | Alerting, In::MediaFailed(error)) => {
                let reason = self.no_media(&error);
                self.give_up(reason, ua, now);
            }
            (Ringing | Answering, In::Described(Err(error))) => {
                self.not_described_yet(&error, ua, now);
            }
            (Ringing | Answering, In::MediaFailed(error)) => self.no_media_yet(&error, ua, now),
            (Alerting | Answered | Established, In::Described(Err(error))) => {
                self.not_described(&error, ua, now);
            }
            (Announced | Ending | Ended, In::Described(_)) => {}
            (Dialing | Alerting | Ringing | Answering | Established, In::MediaConnected) => {
                self.connected(ua);
            }
            (Answered, In::MediaConnected) => {
                self.connected(ua);
                self.establish(ua);
            }
            (Answered | Established, In::MediaFailed(error)) => {
                let reason = self.no_media(&error);
                self.hang_up(reason, ua, now);
            }
            (Answered | Established, In::MediaDisconnected) => self.path_silent(ua, now),
            (Ringing | Answering, In::MediaDisconnected) => self.restart_after_answer(),
            (Dialing | Alerting | Announced | Ending | Ended, In::MediaDisconnected)
            | (Announced | Ending | Ended, In::MediaConnected | In::MediaFailed(_)) => {}

            // What was announced.
            (Announced, In::Invited(key, invite)) => self.arrived(key, invite, ua, now),
            (
                Dialing | Alerting | Ringing | Answering | Answered | Established | Ending | Ended,
                In::Invited(key, invite),
            ) => ua.refuse(&key, &invite, StatusCode::BUSY_HERE, now),
            (Announced, In::Withdrawn(elsewhere)) => self.cancelled(elsewhere, ua, now),
            (
                Dialing | Alerting | Ringing | Answering | Answered | Established | Ending | Ended,
                In::Withdrawn(_),
            ) => {}

            // Responses to our INVITE.
            (Dialing | Alerting, In::Provisional(response)) => {
                self.progress(&response, ua, now);
            }
            (Ending, In::Provisional(_)) => self.cancel_now(ua, now),
            (Dialing | Alerting, In::Accepted(response)) => self.accepted(&response, ua, now),
            (Ending, In::Accepted(response)) => self.accepted_too_late(&response, ua, now),
            (Dialing | Alerting, In::Refused(response)) => self.refused(&response, ua, now),
            (Dialing | Alerting, In::Unanswered(reason)) => self.unanswered(reason, ua, now),
            (Ending, In::Refused(_) | In::Unanswered(_)) => self.finish(ua, now),
            (
                Announced | Ringing | Answering | Answered | Established | Ended,
                In::Provisional(_) | In::Accepted(_) | In::Refused(_) | In::Unanswered(_),
            ) => {}
            (Answered | Established, In::ChangeAnswered(response)) => {
                self.change_answered(&response, ua, now);
            }
            (Ending, In::ChangeAnswered(response)) => self.acknowledge(&response, ua, now),
            (Answered | Established, In::ChangeUnanswered) => self.change_unanswered(ua, now),
            (Answered | Established, In::ChangeLost) => self.change_lost(ua),
            (
                Dialing | Alerting | Announced | Ringing | Answering | Ended,
                In::ChangeAnswered(_),
            )
            | (
                Dialing | Alerting | Announced | Ringing | Answering | Ending | Ended,
                In::ChangeUnanswered | In::ChangeLost,
            ) => {}

            // How a transfer goes.
            (Answered | Established, In::ReferAnswered(response)) => {
                self.refer_answered(response.as_ref(), ua);
            }
            (Answered | Established, In::ReferLost) => self.refer_lost(),
            (Answered | Established, In::Notified(progress)) => {
                self.transfer_goes(progress, ua, now);
            }
            (Answered | Established, In::TakenOver(to)) => {
                self.hang_up(EndReason::Transferred(to), ua, now);
            }
            (
                Dialing | Alerting | Announced | Ringing | Answering | Ending | Ended,
                In::ReferAnswered(_) | In::ReferLost | In::Notified(_) | In::TakenOver(_),
            ) => {}

            // What the other side asks.
            (Ringing | Answering, In::Cancel(elsewhere)) => self.cancelled(elsewhere, ua, now),
            (Answered | Established, In::Cancel(_)) => self.withdrawn(ua, now),
            (Dialing | Alerting | Announced | Ending | Ended, In::Cancel(_)) => {}
            (Answered | Established, In::Ack(ack)) => self.acknowledged(&ack, ua, now),
            (Ending, In::Ack(_)) => self.acknowledged_too_late(ua, now),
            (Dialing | Alerting | Announced | Ringing | Answering | Ended, In::Ack(_)) => {}
            (Ringing | Answering, In::Bye(key, bye)) => {
                self.respond(&key, &bye, StatusCode::OK, ua, now);
                self.refuse(StatusCode::REQUEST_TERMINATED, EndReason::Cancelled, ua, now);
            }
            (Answered | Established, In::Bye(key, bye)) => {
                self.respond(&key, &bye, StatusCode::OK, ua, now);
                let reason = self.why_they_left();
                self.end(reason, ua, now);
            }
            (Ending, In::Bye(key, bye)) => {
                self.respond(&key, &bye, StatusCode::OK, ua, now);
                self.finish(ua, now);
            }
            (Answered | Established, In::Reinvite(key, offer)) => {
                self.change_asked(key, offer, ua, now);
            }
            (Dialing | Alerting | Ringing | Answering, In::Reinvite(key, offer)) => {
                self.not_yet(&key, &offer, ua, now);
            }
            (
                Dialing | Alerting | Ringing | Answering | Answered | Established,
                In::Update(key, request),
            ) => self.update_asked(key, request, ua, now),
            (Announced | Ending | Ended, In::Reinvite(key, request) | In::Update(key, request))
            | (Dialing | Alerting | Announced | Ended, In::Bye(key, request)) => {
                self.respond(&key, &request, StatusCode::CALL_DOES_NOT_EXIST, ua, now);
            }

            // Time and the connection.
            (Answered | Established, In::Unacknowledged) => {
                self.unacknowledged();
                self.hang_up(EndReason::TimedOut, ua, now);
            }
            (Ending, In::Unacknowledged) => self.acknowledged_too_late(ua, now),
            (Dialing | Alerting | Announced | Ringing | Answering | Ended, In::Unacknowledged) => {}
            (Ending, In::ByeDone) => self.finish(ua, now),
            (Ending, In::ByeLost) => self.bye_lost(),
            (
                Dialing | Alerting | Announced | Ringing | Answering | Answered | Established
                | Ended,
                In::ByeDone | In::ByeLost,
            ) => {}
            (Announced, In::Deadline) => self.never_came(ua, now),
            (Dialing | Alerting, In::Deadline) => self.give_up(EndReason::NoAnswer, ua, now),
            (Ringing | Answering, In::Deadline) => self.rang_out(ua, now),
            (Answered, In::Deadline) => {
                let reason = self.no_media(&MediaError::NoPath);
                self.hang_up(reason, ua, now);
            }
            (Ending, In::Deadline) => self.finish(ua, now),
            (Established | Ended, In::Deadline) => {}
            (Answered | Established, In::NetworkChanged(handover)) => {
                self.network_changed(handover, ua, now);
            }
            (Dialing | Alerting, In::NetworkChanged(handover)) => {
                self.network_changed_while_dialling(handover, ua, now);
            }
            (Ringing | Answering, In::NetworkChanged(_)) => self.network_changed_while_ringing(),
            (Announced | Ending | Ended, In::NetworkChanged(_)) => {}
            (Ringing | Answering, In::FlowLost) => self.ring_without_flow(ua, now),
            (Answered | Established, In::FlowLost) => {
                self.flow_lost(ua, now);
                self.supervision_flow_lost(ua);
            }
            (Dialing | Alerting | Announced | Ending | Ended, In::FlowLost) => {}
            (Ending, In::FlowUp) => self.end_on(ua, now),
            (Answered | Established, In::FlowUp) => {
                self.flow_up(ua, now);
                self.supervision_flow_up(ua, now);
            }
            (Ringing | Answering, In::FlowUp) => self.rings_on(ua, now),
            (Dialing, In::FlowUp) => self.dial_on(ua, now),
            (Alerting | Announced | Ended, In::FlowUp) => {}
        }
        self.fulfil_due(ua, now);
        self.fulfil_wish(ua, now);
        self.send_mode(ua, now);
        Ok(())
    }
}

impl In {
    /// Its name, without what it carries.
    fn name(&self) -> &'static str {
        match self {
            Self::Answer => "Answer",
            Self::Decline(_) => "Decline",
            Self::Forward(_) => "Forward",
            Self::HangUp => "HangUp",
            Self::Hold(_) => "Hold",
            Self::Transfer(_) => "Transfer",
            Self::Described(Ok(_)) => "Described",
            Self::Described(Err(_)) => "NotDescribed",
            Self::MediaConnected => "MediaConnected",
            Self::MediaFailed(_) => "MediaFailed",
            Self::Invited(..) => "Invited",
            Self::Withdrawn(_) => "Withdrawn",
            Self::Provisional(_) => "Provisional",
            Self::Accepted(_) => "Accepted",
            Self::Refused(_) => "Refused",
            Self::Unanswered(_) => "Unanswered",
            Self::ChangeAnswered(_) => "ChangeAnswered",
            Self::ChangeUnanswered => "ChangeUnanswered",
            Self::ChangeLost => "ChangeLost",
            Self::ReferAnswered(_) => "ReferAnswered",
            Self::ReferLost => "ReferLost",
            Self::Notified(_) => "Notified",
            Self::TakenOver(_) => "TakenOver",
            Self::Cancel(_) => "Cancel",
            Self::Ack(_) => "Ack",
            Self::Unacknowledged => "Unacknowledged",
            Self::Bye(..) => "Bye",
            Self::Reinvite(..) => "Reinvite",
            Self::Update(..) => "Update",
            Self::ByeDone => "ByeDone",
            Self::ByeLost => "ByeLost",
            Self::Deadline => "Deadline",
            Self::MediaDisconnected => "MediaDisconnected",
            Self::NetworkChanged(_) => "NetworkChanged",
            Self::FlowLost => "FlowLost",
            Self::FlowUp => "FlowUp",
        }
    }
}

impl From<State> for CallState {
    fn from(state: State) -> Self {
        match state {
            State::Dialing => Self::Dialing,
            State::Alerting => Self::Alerting,
            State::Announced => Self::Announced,
            State::Ringing => Self::Ringing,
            State::Answering => Self::Answering,
            State::Answered => Self::Answered,
            State::Established => Self::Established,
            State::Ending | State::Ended => Self::Ending,
        }
    }
}
