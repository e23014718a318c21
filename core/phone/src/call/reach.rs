//! A call that rings, here or there, whose network changes before the answer.
//!
//! **It rings here**: the answer goes over the next flow, since the server takes it by its branch from any (RFC
//! 3261 §18.2.2). What the server would send meanwhile, a CANCEL say, goes down with the old flow; so the phone
//! asks by UPDATE in the early dialog whether the call is still there (RFC 3311).
//!
//! **It rings there**: the answer would come over the old flow alone. Where that is gone the INVITE is
//! taken back by CANCEL, and goes anew.

use super::{Call, Gates, Leg, State, Targets};
use crate::ua::Ua;
use crate::{
    DescribeRequest, EndReason, Handover, MediaError, MediaPath, Now, Output, TimerReason, sdp,
};
use sidetone_sip::sdp::OfferAnswer;
use sidetone_sip::transaction::ClientKey;
use sidetone_sip::{HeaderName, Method, Response, StatusCode};
use std::time::Duration;

/// How long such a call waits for its next flow.
const WITHOUT_FLOW: Duration = Duration::from_secs(15);
/// How often it is asked for.
const ASK: Duration = Duration::from_secs(2);
/// As often a call is dialled anew.
const REDIALS: u8 = 3;

/// How a call that is not answered is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// Its flow is left for another.
    moves: bool,
    /// Until when it waits for a flow.
    until: Option<Duration>,
    /// When it is asked for.
    ask: Option<Duration>,
    asked: Option<ClientKey>,
    redials: u8,
}

impl Reach {
    /// Whether what is to be sent waits for a flow.
    pub(super) fn waits(&self) -> bool {
        self.moves
    }
}

impl Call {
    pub(super) fn network_changed_while_ringing(&mut self) {
        self.reach.moves = true;
        self.restart_after_answer();
    }

    /// What is on its way goes down with the old flow, and is taken up then; what is being described is
    /// described anew.
    pub(super) fn network_changed_while_dialling(
        &mut self,
        handover: Handover,
        ua: &mut Ua,
        now: Now,
    ) {
        self.reach.moves = true;
        let unsent = matches!(&self.leg, Leg::Outgoing { key: None, .. });
        if unsent && handover == Handover::BreakBeforeMake {
            self.dial_anew(ua, now);
        }
    }

    pub(super) fn ring_without_flow(&mut self, ua: &mut Ua, now: Now) {
        if self.reach.moves {
            self.reach.asked = None;
            self.reach.ask = None;
            self.reach.until = Some(now.boot + WITHOUT_FLOW);
        } else {
            self.ring_lost(ua, now);
        }
    }

    /// There is a flow again, or another.
    pub(super) fn rings_on(&mut self, ua: &mut Ua, now: Now) {
        self.reach.until = None;
        if std::mem::take(&mut self.reach.moves) {
            self.ask_for_it(ua, now);
        }
    }

    /// Our INVITE will get no answer. Where it went down with a flow that is left it goes anew.
    pub(super) fn unanswered(&mut self, reason: EndReason, ua: &mut Ua, now: Now) {
        let moves = self.reach.moves && reason == EndReason::NetworkLost;
        if moves && self.reach.redials < REDIALS {
            self.dial_anew(ua, now);
        } else {
            self.end(reason, ua, now);
        }
    }

    /// There is a flow for what waited.
    pub(super) fn dial_on(&mut self, ua: &mut Ua, now: Now) {
        self.reach.until = None;
        if let Some(sdp) = self.described.take() {
            self.invite(sdp, ua, now);
        }
    }

    /// A new INVITE for the same call: another Call-ID, and media of its own, since the answer to the first
    /// may have been applied.
    fn dial_anew(&mut self, ua: &mut Ua, now: Now) {
        let (call_id, tag) = (ua.call_id_header(), ua.token());
        let from = ua.address().with_tag(&tag).to_string();
        let Leg::Outgoing { invite, key, heard, cancelled, rang, early, forks, targets } =
            &mut self.leg
        else {
            return;
        };
        for name in [HeaderName::VIA, HeaderName::AUTHORIZATION, HeaderName::PROXY_AUTHORIZATION] {
            invite.headers.remove(&name);
        }
        invite.headers.set(HeaderName::CALL_ID, call_id);
        invite.headers.set(HeaderName::FROM, from);
        invite.headers.set(HeaderName::CSEQ, "1 INVITE");
        (*key, *early, *targets) = (None, None, Targets::default());
        (*heard, *cancelled, *rang) = (false, false, false);
        forks.clear();
        log::info!("{}: dialled anew over another network", self.id);
        self.state = State::Dialing;
        self.reach.redials += 1;
        self.reach.until = ua.flow.is_none().then_some(now.boot + WITHOUT_FLOW);
        ua.ask(Output::RenewMedia { call: self.id });
        (self.media, self.gates, self.heard_early) = (MediaPath::New, Gates::default(), false);
        (self.described, self.provisionals) = (None, None);
        self.exchange = OfferAnswer::default();
        let _ = self.exchange.local_offer();
        ua.cancel_abandoned(now);
        let direction = sdp::Direction::SendRecv;
        self.describe(DescribeRequest::Offer { direction, ice_restart: false }, ua, now);
    }

    /// No media before the answer: a path of another network is followed by a new one. A handshake that has failed is
    /// not taken up on that: the server is free to ring somebody else.
    pub(super) fn no_media_yet(&mut self, error: &MediaError, ua: &mut Ua, now: Now) {
        if self.is_restart_due() && !matches!(error, MediaError::Dtls(_)) {
            return;
        }
        let reason = self.no_media(error);
        self.refuse(StatusCode::NOT_ACCEPTABLE_HERE, reason, ua, now);
    }

    /// Asks whether the call that rings here is still there.
    fn ask_for_it(&mut self, ua: &mut Ua, now: Now) {
        let Leg::Incoming { invite, .. } = &self.leg else { return };
        if invite.headers.has_token(&HeaderName::ALLOW, "UPDATE") {
            self.reach.asked = self.send_inside(Method::Update, |_, _| {}, ua, now);
            self.reach.ask = Some(now.boot + ASK);
        }
    }

    /// Whether this transaction asks for the call.
    pub(crate) fn is_asked_for_by(&self, key: &ClientKey) -> bool {
        self.reach.asked.as_ref() == Some(key)
    }

    /// The server knows the call, or has given it up.
    pub(crate) fn asked_for(&mut self, response: Option<&Response>, ua: &mut Ua, now: Now) {
        self.reach.asked = None;
        let rings = matches!(self.state, State::Ringing | State::Answering);
        let gone = response.is_some_and(|r| r.status == StatusCode::CALL_DOES_NOT_EXIST);
        if rings && gone {
            self.cancelled(false, ua, now);
        }
    }

    pub(super) fn reach_timeout(&self) -> Option<(Duration, TimerReason)> {
        let rings = matches!(self.state, State::Ringing | State::Answering);
        let ask = self.reach.ask.filter(|_| rings).map(|at| (at, TimerReason::Retry));
        let waits = rings || self.state == State::Dialing;
        let until = self.reach.until.filter(|_| waits).map(|at| (at, TimerReason::CallDeadline));
        ask.into_iter().chain(until).min()
    }

    pub(super) fn handle_reach_timeout(&mut self, ua: &mut Ua, now: Now) {
        if self.reach_timeout().is_none_or(|(at, _)| at > now.boot) {
            return;
        }
        if self.reach.until.is_some_and(|at| at <= now.boot) {
            self.reach.until = None;
            self.reach.moves = false;
            if self.state == State::Dialing {
                return self.end(EndReason::NetworkLost, ua, now);
            }
            return self.ring_lost(ua, now);
        }
        self.ask_for_it(ua, now);
    }
}
