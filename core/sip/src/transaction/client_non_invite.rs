//! The client non-INVITE transaction (RFC 3261 §17.1.2, figure 6).

use super::timer::{Running, Timers};
use super::{ClientEffect, Reliability};
use crate::{Request, Response};
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Trying,
    Proceeding,
    Completed,
    Terminated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Sends the request again.
    E,
    /// No final response.
    F,
    /// Absorbs repeated final responses until here.
    K,
}

#[derive(Debug, Clone)]
pub(super) enum Input {
    Provisional(Response),
    Final(Response),
    FlowLost,
    Timer(Timer),
}

/// One request of ours that is not an INVITE.
#[derive(Debug, Clone)]
pub(super) struct ClientNonInvite {
    state: State,
    request: Request,
    reliability: Reliability,
    timers: Timers,
    running: Running<Timer>,
    interval: Duration,
}

impl ClientNonInvite {
    /// Sends the request.
    pub(super) fn new(
        request: Request,
        reliability: Reliability,
        timers: Timers,
        now: Duration,
    ) -> (Self, Vec<ClientEffect>) {
        let mut running = Running::none();
        running.start(Timer::F, timers.patience(), now);
        if reliability == Reliability::Unreliable {
            running.start(Timer::E, timers.t1, now);
        }
        let effects = vec![ClientEffect::Send(request.clone())];
        let interval = timers.t1;
        (Self { state: State::Trying, request, reliability, timers, running, interval }, effects)
    }

    pub(super) fn handle(&mut self, input: Input, now: Duration) -> Vec<ClientEffect> {
        use ClientEffect::{TimedOut, Up};
        use Input::{Final, FlowLost, Provisional};
        use State::{Completed, Proceeding, Terminated, Trying};
        match (self.state, input) {
            (Trying | Proceeding, Provisional(response)) => {
                self.state = Proceeding;
                vec![Up(response)]
            }
            (Trying | Proceeding, Final(response)) => self.complete(response, now),
            (Trying | Proceeding, FlowLost) => self.terminate(vec![ClientEffect::FlowLost]),
            (Trying | Proceeding, Input::Timer(Timer::F)) => self.terminate(vec![TimedOut]),
            (Trying, Input::Timer(Timer::E)) => {
                self.retransmit(self.interval.saturating_mul(2).min(self.timers.t2), now)
            }
            (Proceeding, Input::Timer(Timer::E)) => self.retransmit(self.timers.t2, now),
            (Trying | Proceeding, Input::Timer(Timer::K)) => vec![],

            (Completed, Input::Timer(Timer::K)) | (Completed, FlowLost) => self.terminate(vec![]),
            (Completed, Provisional(_) | Final(_)) => vec![],
            (Completed, Input::Timer(Timer::E | Timer::F)) => vec![],

            (Terminated, Provisional(_) | Final(_) | FlowLost) => vec![],
            (Terminated, Input::Timer(Timer::E | Timer::F | Timer::K)) => vec![],
        }
    }

    pub(super) fn handle_response(
        &mut self,
        response: Response,
        now: Duration,
    ) -> Vec<ClientEffect> {
        match response.status.is_provisional() {
            true => self.handle(Input::Provisional(response), now),
            false => self.handle(Input::Final(response), now),
        }
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

    fn complete(&mut self, response: Response, now: Duration) -> Vec<ClientEffect> {
        let effects = vec![ClientEffect::Up(response)];
        match self.reliability {
            Reliability::Reliable => self.terminate(effects),
            Reliability::Unreliable => {
                self.running.stop_all();
                self.running.start(Timer::K, self.timers.t4, now);
                self.state = State::Completed;
                effects
            }
        }
    }

    fn retransmit(&mut self, interval: Duration, now: Duration) -> Vec<ClientEffect> {
        self.interval = interval;
        self.running.start(Timer::E, interval, now);
        vec![ClientEffect::Send(self.request.clone())]
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
            Self::E => "E",
            Self::F => "F",
            Self::K => "K",
        }
    }
}
