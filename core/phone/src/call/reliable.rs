//! Provisional responses that are acknowledged (RFC 3262): PRACK for those of the other side, and our
//! own where a caller requires them.

use super::{Call, Leg, REPEAT, State};
use crate::ua::{GIVE_UP, Owner, Ua};
use crate::{EndReason, Now, TimerReason};
use sidetone_sip::transaction::{ClientKey, ServerKey};
use sidetone_sip::{HeaderName, Method, Request, Response, StatusCode};
use std::collections::VecDeque;
use std::time::Duration;

/// The option tag.
pub(crate) const TAG: &str = "100rel";

/// What we send reliably: one at a time until it is acknowledged (RFC 3262 §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Provisionals {
    /// RSeq of the next.
    next: u32,
    sent: Option<Unpracked>,
    waiting: VecDeque<Response>,
}

/// One that waits for its PRACK.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unpracked {
    response: Response,
    rseq: u32,
    /// It brought our offer: the PRACK brings the answer.
    offer: bool,
    again: Duration,
    interval: Duration,
    until: Duration,
}

impl Call {
    /// A provisional response that came reliably is acknowledged in its turn. `false`: it is out of
    /// turn, a repetition too, and not looked at (RFC 3262 §4).
    pub(super) fn takes_provisional(&mut self, response: &Response, ua: &mut Ua, now: Now) -> bool {
        let reliable = response.headers.has_token(&HeaderName::REQUIRE, TAG);
        let rseq = response.headers.number(&HeaderName::RSEQ).filter(|rseq| *rseq > 0);
        let (true, Some(rseq)) = (reliable && response.status.code() > 100, rseq) else {
            return true;
        };
        let id = self.id;
        let Ok(cseq) = response.headers.cseq() else { return false };
        // Of a fork too many nothing is known that could be acknowledged.
        let Some(fork) = self.fork_of(response) else { return true };
        if fork.rseq.is_some_and(|last| last.checked_add(1) != Some(rseq)) {
            return false;
        }
        fork.rseq = Some(rseq);
        let mut prack = fork.dialog.request(Method::Prack);
        prack.headers.push(HeaderName::RACK, format!("{rseq} {} {}", cseq.sequence, cseq.method));
        ua.send(prack, Owner::Call(id), now);
        true
    }

    /// A PRACK was challenged and sent again: the numbers after it are higher.
    pub(super) fn pracked_again(&mut self, key: &ClientKey, sequence: u32) {
        let Leg::Outgoing { forks, .. } = &mut self.leg else { return };
        if key.method == Method::Prack {
            for fork in forks {
                fork.dialog.local_sequence = fork.dialog.local_sequence.max(sequence);
            }
        }
    }

    /// Sends a provisional response to the INVITE: reliably where the caller requires it. Another may
    /// wait for its turn.
    pub(super) fn send_provisional(&mut self, response: Response, ua: &mut Ua, now: Now) {
        let Leg::Incoming { key, invite, .. } = &self.leg else { return };
        if !requires(invite) {
            ua.respond(key, response, now);
            return;
        }
        let first = u32::from_be_bytes(ua.draw()) >> 2;
        let provisionals = self.provisionals.get_or_insert_with(|| Provisionals {
            next: first.max(1),
            sent: None,
            waiting: VecDeque::new(),
        });
        provisionals.waiting.push_back(response);
        self.send_next_provisional(ua, now);
    }

    fn send_next_provisional(&mut self, ua: &mut Ua, now: Now) {
        let Some(provisionals) = self.provisionals.as_mut().filter(|p| p.sent.is_none()) else {
            return;
        };
        let Leg::Incoming { key, invite, .. } = &self.leg else { return };
        let Some(mut response) = provisionals.waiting.pop_front() else { return };
        let rseq = provisionals.next;
        provisionals.next += 1;
        response.headers.set(HeaderName::REQUIRE, TAG);
        response.headers.set(HeaderName::RSEQ, rseq.to_string());
        ua.finish_response(&mut response);
        ua.respond(key, response.clone(), now);
        let offer = invite.body.is_empty() && !response.body.is_empty();
        if !offer && !response.body.is_empty() {
            // RFC 3262 §5: it is the answer, not a foretaste of it.
            let _ = self.exchange.local_answer();
        }
        provisionals.sent = Some(Unpracked {
            response,
            rseq,
            offer,
            again: now.boot + REPEAT.0,
            interval: REPEAT.0,
            until: now.boot + GIVE_UP,
        });
    }

    /// A PRACK (RFC 3262 §3).
    pub(crate) fn pracked(&mut self, key: &ServerKey, prack: &Request, ua: &mut Ua, now: Now) {
        let Leg::Incoming { invite, .. } = &self.leg else {
            return self.respond(key, prack, StatusCode::CALL_DOES_NOT_EXIST, ua, now);
        };
        let cseq = invite.headers.cseq().map_or(0, |cseq| cseq.sequence);
        let waits = self.provisionals.as_mut().and_then(|provisionals| {
            provisionals.sent.take_if(|sent| rack(prack) == Some((sent.rseq, cseq)))
        });
        let Some(sent) = waits else {
            return self.respond(key, prack, StatusCode::CALL_DOES_NOT_EXIST, ua, now);
        };
        if sent.offer && !self.take_answer_of(prack, ua) {
            self.respond(key, prack, StatusCode::NOT_ACCEPTABLE_HERE, ua, now);
            let why = "the other side did not answer our offer".to_owned();
            return self.refuse(StatusCode::NOT_ACCEPTABLE_HERE, EndReason::Media(why), ua, now);
        }
        if sent.offer || prack.body.is_empty() {
            self.respond(key, prack, StatusCode::OK, ua, now);
        } else {
            // A further offer, which the 200 answers.
            self.change_asked(key.clone(), prack.clone(), ua, now);
        }
        self.send_next_provisional(ua, now);
        let answered = self.state == State::Answering && !self.waits_for_prack();
        if let Some(sdp) = self.described.take_if(|_| answered) {
            self.accept(sdp, ua, now);
        }
    }

    /// A 2xx must wait: a description that was sent is not acknowledged (RFC 3262 §3).
    pub(super) fn waits_for_prack(&self) -> bool {
        let provisionals = self.provisionals.as_ref();
        provisionals.is_some_and(|p| {
            p.sent.as_ref().is_some_and(|sent| !sent.response.body.is_empty())
                || p.waiting.iter().any(|response| !response.body.is_empty())
        })
    }

    pub(super) fn provisional_timeout(&self) -> Option<(Duration, TimerReason)> {
        let sent = self.provisionals.as_ref()?.sent.as_ref()?;
        Some((sent.again.min(sent.until), TimerReason::AnswerRetransmission))
    }

    /// Repeats what was not acknowledged, and refuses the INVITE where it is not in 64*T1.
    pub(super) fn handle_provisional_timeout(&mut self, ua: &mut Ua, now: Now) {
        let Leg::Incoming { key, .. } = &self.leg else { return };
        let Some(sent) = self.provisionals.as_mut().and_then(|p| p.sent.as_mut()) else { return };
        if sent.until <= now.boot {
            return self.refuse(StatusCode::SERVER_TIMEOUT, EndReason::TimedOut, ua, now);
        }
        if sent.again <= now.boot {
            ua.respond(key, sent.response.clone(), now);
            sent.interval *= 2;
            sent.again = now.boot + sent.interval;
        }
    }
}

/// Whether a caller wants no provisional response that is not acknowledged.
pub(crate) fn requires(invite: &Request) -> bool {
    invite.headers.has_token(&HeaderName::REQUIRE, TAG)
}

/// RSeq and CSeq number of the response that a PRACK is for, where that is to an INVITE.
fn rack(prack: &Request) -> Option<(u32, u32)> {
    let value = prack.headers.get(&HeaderName::RACK)?;
    let mut words = value.split_ascii_whitespace();
    let (rseq, cseq) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    (words.next() == Some("INVITE") && words.next().is_none()).then_some((rseq, cseq))
}
