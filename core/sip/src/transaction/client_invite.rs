//! The client INVITE transaction (RFC 3261 §17.1.1, figure 5 as RFC 6026 §8.4 redraws it).

use super::timer::{Running, Timers};
use super::{ClientEffect, Reliability};
use crate::{CSeq, HeaderName, Method, Request, Response};
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Calling,
    Proceeding,
    /// A 2xx came; more of them may come, repeated or from other forks (RFC 6026 §7.2).
    Accepted,
    Completed,
    Terminated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Sends the INVITE again.
    A,
    /// No response at all.
    B,
    /// Answers repeated non-2xx final responses until here.
    D,
    /// Passes 2xx up until here.
    M,
    /// No final response after a CANCEL (RFC 3261 §9.1).
    Cancel,
}

#[derive(Debug, Clone)]
pub(super) enum Input {
    Provisional(Response),
    Success(Response),
    Failure(Response),
    /// The user sent a CANCEL for this INVITE.
    Cancelled,
    FlowLost,
    Timer(Timer),
}

/// One INVITE of ours.
#[derive(Debug, Clone)]
pub(super) struct ClientInvite {
    state: State,
    request: Request,
    ack: Option<Request>,
    reliability: Reliability,
    timers: Timers,
    running: Running<Timer>,
    interval: Duration,
}

impl ClientInvite {
    /// Sends the INVITE.
    pub(super) fn new(
        request: Request,
        reliability: Reliability,
        timers: Timers,
        now: Duration,
    ) -> (Self, Vec<ClientEffect>) {
        let mut running = Running::none();
        running.start(Timer::B, timers.patience(), now);
        if reliability == Reliability::Unreliable {
            running.start(Timer::A, timers.t1, now);
        }
        let effects = vec![ClientEffect::Send(request.clone())];
        let interval = timers.t1;
        let state = State::Calling;
        (Self { state, request, ack: None, reliability, timers, running, interval }, effects)
    }

    pub(super) fn handle(&mut self, input: Input, now: Duration) -> Vec<ClientEffect> {
        use ClientEffect::{Send, TimedOut, Up};
        use Input::{Cancelled, Failure, FlowLost, Provisional, Success};
        use State::{Accepted, Calling, Completed, Proceeding, Terminated};
        match (self.state, input) {
            (Calling, Provisional(response)) => self.proceed(response),
            (Proceeding, Provisional(response)) => vec![Up(response)],
            (Calling | Proceeding, Success(response)) => self.accept(response, now),
            (Calling | Proceeding, Failure(response)) => self.complete(response, now),
            (Calling | Proceeding, Cancelled) => self.wait_for_cancel(now),
            (Calling | Proceeding, FlowLost) => self.terminate(vec![ClientEffect::FlowLost]),
            (Calling, Input::Timer(Timer::A)) => self.retransmit(now),
            (Calling, Input::Timer(Timer::B)) => self.terminate(vec![TimedOut]),
            (Calling | Proceeding, Input::Timer(Timer::Cancel)) => self.terminate(vec![TimedOut]),

            // RFC 6026 §7.2: each 2xx goes up, since each must be acknowledged by the dialog. The
            // flow may be lost here: a 2xx that is repeated may come on another.
            (Accepted, Success(response)) => vec![Up(response)],
            (Accepted, Input::Timer(Timer::M)) => self.terminate(vec![]),
            (Accepted, Provisional(_) | Failure(_) | Cancelled | FlowLost) => vec![],

            (Completed, Failure(_)) => self.ack.iter().cloned().map(Send).collect(),
            (Completed, FlowLost) => self.terminate(vec![]),
            (Completed, Input::Timer(Timer::D)) => self.terminate(vec![]),
            (Completed, Provisional(_) | Success(_) | Cancelled) => vec![],

            // Stopped on the way to these states.
            (Calling, Input::Timer(Timer::D | Timer::M))
            | (Proceeding, Input::Timer(Timer::A | Timer::B | Timer::D | Timer::M))
            | (Accepted, Input::Timer(Timer::A | Timer::B | Timer::D | Timer::Cancel))
            | (Completed, Input::Timer(Timer::A | Timer::B | Timer::M | Timer::Cancel)) => vec![],

            (Terminated, Provisional(_) | Success(_) | Failure(_) | Cancelled | FlowLost)
            | (
                Terminated,
                Input::Timer(Timer::A | Timer::B | Timer::D | Timer::M | Timer::Cancel),
            ) => {
                vec![]
            }
        }
    }

    pub(super) fn handle_response(
        &mut self,
        response: Response,
        now: Duration,
    ) -> Vec<ClientEffect> {
        let status = response.status;
        let input = if status.is_provisional() {
            Input::Provisional(response)
        } else if status.is_success() {
            Input::Success(response)
        } else {
            Input::Failure(response)
        };
        self.handle(input, now)
    }

    /// Fires the next timer that is due.
    pub(super) fn fire(&mut self, now: Duration) -> Vec<ClientEffect> {
        match self.running.take_due(now) {
            Some(timer) => self.handle(Input::Timer(timer), now),
            None => vec![],
        }
    }

    pub(super) fn next_timer(&self) -> Option<(Duration, &'static str)> {
        self.running.next().map(|(at, timer)| (at, timer.name()))
    }

    pub(super) fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }

    fn proceed(&mut self, response: Response) -> Vec<ClientEffect> {
        self.running.stop(Timer::A);
        self.running.stop(Timer::B);
        self.state = State::Proceeding;
        vec![ClientEffect::Up(response)]
    }

    fn accept(&mut self, response: Response, now: Duration) -> Vec<ClientEffect> {
        self.running.stop_all();
        self.running.start(Timer::M, self.timers.patience(), now);
        self.state = State::Accepted;
        vec![ClientEffect::Up(response)]
    }

    fn complete(&mut self, response: Response, now: Duration) -> Vec<ClientEffect> {
        let ack = ack_of(&self.request, &response);
        let effects = vec![ClientEffect::Send(ack.clone()), ClientEffect::Up(response)];
        match self.reliability {
            Reliability::Reliable => self.terminate(effects),
            Reliability::Unreliable => {
                self.ack = Some(ack);
                self.running.stop_all();
                // RFC 3261 §17.1.1.2: at least 32 s, however short T1 is made.
                let d = self.timers.patience().max(Duration::from_secs(32));
                self.running.start(Timer::D, d, now);
                self.state = State::Completed;
                effects
            }
        }
    }

    fn retransmit(&mut self, now: Duration) -> Vec<ClientEffect> {
        self.interval = self.interval.saturating_mul(2);
        self.running.start(Timer::A, self.interval, now);
        vec![ClientEffect::Send(self.request.clone())]
    }

    fn wait_for_cancel(&mut self, now: Duration) -> Vec<ClientEffect> {
        self.running.start(Timer::Cancel, self.timers.patience(), now);
        vec![]
    }

    fn terminate(&mut self, effects: Vec<ClientEffect>) -> Vec<ClientEffect> {
        self.running.stop_all();
        self.state = State::Terminated;
        effects
    }
}

impl Timer {
    fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::D => "D",
            Self::M => "M",
            Self::Cancel => "Cancel",
        }
    }
}

/// The ACK of a non-2xx final response (RFC 3261 §17.1.1.3).
fn ack_of(invite: &Request, response: &Response) -> Request {
    let mut ack = Request::new(Method::Ack, invite.uri.clone());
    if let Some(via) = invite.headers.list(&HeaderName::VIA).into_iter().next() {
        ack.headers.push(HeaderName::VIA, via);
    }
    ack.headers.push(HeaderName::MAX_FORWARDS, "70");
    ack.headers.copy_all(&invite.headers, &HeaderName::ROUTE);
    ack.headers.copy_all(&invite.headers, &HeaderName::FROM);
    ack.headers.copy_all(&response.headers, &HeaderName::TO);
    ack.headers.copy_all(&invite.headers, &HeaderName::CALL_ID);
    let sequence = invite.headers.cseq().map_or(0, |cseq| cseq.sequence);
    let cseq = CSeq { sequence, method: Method::Ack };
    ack.headers.push(HeaderName::CSEQ, cseq.to_string());
    ack
}
