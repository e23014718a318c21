//! The server non-INVITE transaction (RFC 3261 §17.2.2, figure 8).

use super::Reliability;
use super::effect::ServerEffect;
use super::timer::{Running, Timers};
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

#[cfg(test)]
mod tests {
    use super::super::tests::{BRANCH, ms, request, response};
    use super::*;
    use crate::{Method, StatusCode};
    use Reliability::{Reliable, Unreliable};

    fn opened(reliability: Reliability) -> ServerNonInvite {
        ServerNonInvite::new(reliability, Timers::default())
    }

    fn answer(code: u16) -> Response {
        response(&request(Method::Options, BRANCH), code)
    }

    fn respond(machine: &mut ServerNonInvite, code: u16, now: Duration) -> Vec<ServerEffect> {
        machine.respond(answer(code), now)
    }

    fn sends(code: u16) -> Vec<ServerEffect> {
        vec![ServerEffect::Send(answer(code))]
    }

    #[test]
    fn a_repeated_request_gets_the_last_response() {
        let mut machine = opened(Unreliable);
        assert_eq!(machine.handle(Input::Retransmission, ms(500)), []);
        assert_eq!(respond(&mut machine, 100, ms(600)), sends(100));
        assert_eq!(machine.handle(Input::Retransmission, ms(700)), sends(100));
        assert_eq!(respond(&mut machine, 200, ms(800)), sends(200));
        assert_eq!(machine.handle(Input::Retransmission, ms(900)), sends(200));
    }

    #[test]
    fn on_an_unreliable_transport_it_ends_with_timer_j() {
        let mut machine = opened(Unreliable);
        respond(&mut machine, 200, ms(0));
        assert_eq!(machine.next_timer(), Some((ms(32_000), "J")));
        assert_eq!(machine.fire(ms(32_000)), []);
        assert!(machine.is_terminated());
    }

    #[test]
    fn on_a_reliable_transport_it_ends_with_the_final_response() {
        let mut machine = opened(Reliable);
        assert_eq!(respond(&mut machine, 200, ms(0)), sends(200));
        assert!(machine.is_terminated());
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Retransmission,
        Provisional,
        Success,
        Failure,
        NextTimer,
    }

    const STEPS: [Step; 5] =
        [Step::Retransmission, Step::Provisional, Step::Success, Step::Failure, Step::NextTimer];

    fn explore(
        machine: &ServerNonInvite,
        steps: &[Step],
        end: Option<StatusCode>,
        now: Duration,
        depth: usize,
    ) {
        assert_eq!(machine.is_pending(), end.is_none(), "{steps:?}");
        let waits = end.is_some() && !machine.is_terminated();
        assert_eq!(machine.next_timer().is_some(), waits, "{steps:?} ends after its response");
        if depth == 0 {
            return;
        }
        for step in STEPS {
            let (mut next, mut end, mut now) = (machine.clone(), end, now + ms(1));
            let steps = [steps, &[step]].concat();
            let effects = match step {
                Step::Retransmission => next.handle(Input::Retransmission, now),
                Step::Provisional => respond(&mut next, 100, now),
                Step::Success => respond(&mut next, 200, now),
                Step::Failure => respond(&mut next, 500, now),
                Step::NextTimer => {
                    now = next.next_timer().map_or(now, |(at, _)| at);
                    next.fire(now)
                }
            };
            assert!(!machine.is_terminated() || effects.is_empty(), "{steps:?}");
            for effect in effects {
                let ServerEffect::Send(sent) = effect else { panic!("{steps:?}: {effect:?}") };
                if sent.status.is_final() {
                    assert_eq!(*end.get_or_insert(sent.status), sent.status, "{steps:?}");
                } else {
                    assert_eq!(end, None, "{steps:?}");
                }
            }
            explore(&next, &steps, end, now, depth - 1);
        }
    }

    #[test]
    fn in_every_order_of_inputs_there_is_one_final_response_and_an_end() {
        for reliability in [Reliable, Unreliable] {
            explore(&opened(reliability), &[], None, ms(0), 6);
        }
    }
}
