//! The server non-INVITE transaction (RFC 3261 §17.2.2, figure 8).

use super::timer::{Running, Timers};
use super::{Reliability, ServerEffect};
use crate::Response;
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
    /// Answers repeated requests until here.
    J,
}

#[derive(Debug, Clone)]
pub(super) enum Input {
    /// The request again.
    Retransmission,
    /// From the user, as is the next.
    Provisional(Response),
    Final(Response),
    Timer(Timer),
}

/// One request of the other side that is neither INVITE nor ACK.
#[derive(Debug, Clone)]
pub(super) struct ServerNonInvite {
    state: State,
    last: Option<Response>,
    reliability: Reliability,
    timers: Timers,
    running: Running<Timer>,
}

impl ServerNonInvite {
    pub(super) fn new(reliability: Reliability, timers: Timers) -> Self {
        let (state, running) = (State::Trying, Running::none());
        Self { state, last: None, reliability, timers, running }
    }

    pub(super) fn handle(&mut self, input: Input, now: Duration) -> Vec<ServerEffect> {
        use Input::{Final, Provisional, Retransmission};
        use State::{Completed, Proceeding, Terminated, Trying};
        match (self.state, input) {
            (Trying | Proceeding, Provisional(response)) => {
                self.state = Proceeding;
                self.send(response)
            }
            (Trying | Proceeding, Final(response)) => self.complete(response, now),
            (Trying, Retransmission) => vec![],
            (Proceeding | Completed, Retransmission) => self.repeat(),
            (Trying | Proceeding, Input::Timer(Timer::J)) => vec![],

            (Completed, Input::Timer(Timer::J)) => {
                self.state = Terminated;
                vec![]
            }
            (Completed, Provisional(_) | Final(_)) => vec![],

            (Terminated, Retransmission | Provisional(_) | Final(_) | Input::Timer(Timer::J)) => {
                vec![]
            }
        }
    }

    pub(super) fn respond(&mut self, response: Response, now: Duration) -> Vec<ServerEffect> {
        match response.status.is_provisional() {
            true => self.handle(Input::Provisional(response), now),
            false => self.handle(Input::Final(response), now),
        }
    }

    /// Whether there was no final response.
    pub(super) fn is_pending(&self) -> bool {
        match self.state {
            State::Trying | State::Proceeding => true,
            State::Completed | State::Terminated => false,
        }
    }

    /// Fires the next timer that is due.
    pub(super) fn fire(&mut self, now: Duration) -> Vec<ServerEffect> {
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

    fn complete(&mut self, response: Response, now: Duration) -> Vec<ServerEffect> {
        match self.reliability {
            Reliability::Reliable => self.state = State::Terminated,
            Reliability::Unreliable => {
                self.running.start(Timer::J, self.timers.patience(), now);
                self.state = State::Completed;
            }
        }
        self.send(response)
    }

    fn send(&mut self, response: Response) -> Vec<ServerEffect> {
        self.last = Some(response);
        self.repeat()
    }

    fn repeat(&self) -> Vec<ServerEffect> {
        self.last.iter().cloned().map(ServerEffect::Send).collect()
    }
}

impl Timer {
    fn name(self) -> &'static str {
        match self {
            Self::J => "J",
        }
    }
}
