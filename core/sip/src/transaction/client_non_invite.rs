//! The client non-INVITE transaction (RFC 3261 §17.1.2, figure 6).

use super::Reliability;
use super::effect::ClientEffect;
use super::timer::{Running, Timers};
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

    /// Whether its final response is waited for.
    pub(super) fn is_pending(&self) -> bool {
        match self.state {
            State::Trying | State::Proceeding => true,
            State::Completed | State::Terminated => false,
        }
    }

    pub(super) fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }

    /// Waits anew for a response that may have come while nobody read.
    pub(super) fn wait_again(&mut self, now: Duration) {
        self.running.put_off(Timer::F, self.timers.patience(), now);
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

#[cfg(test)]
mod tests {
    use super::super::tests::{BRANCH, ms, request, response};
    use super::*;
    use crate::Method;
    use Reliability::{Reliable, Unreliable};

    fn register() -> Request {
        request(Method::Register, BRANCH)
    }

    fn opened(reliability: Reliability) -> ClientNonInvite {
        ClientNonInvite::new(register(), reliability, Timers::default(), ms(0)).0
    }

    fn respond(machine: &mut ClientNonInvite, code: u16, now: Duration) -> Vec<ClientEffect> {
        machine.handle_response(response(&register(), code), now)
    }

    fn run(machine: &mut ClientNonInvite) -> Vec<(Duration, Vec<ClientEffect>)> {
        let fire = || machine.next_timer().map(|(at, _)| (at, machine.fire(at)));
        std::iter::from_fn(fire).collect()
    }

    fn sent_at(times: &[u64]) -> Vec<(Duration, Vec<ClientEffect>)> {
        times.iter().map(|at| (ms(*at), vec![ClientEffect::Send(register())])).collect()
    }

    #[test]
    fn the_request_is_repeated_at_intervals_up_to_t2_until_timer_f() {
        let mut expected =
            sent_at(&[500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
        expected.push((ms(32_000), vec![ClientEffect::TimedOut]));
        assert_eq!(run(&mut opened(Unreliable)), expected);
    }

    #[test]
    fn after_a_provisional_response_it_is_repeated_every_t2() {
        let mut machine = opened(Unreliable);
        respond(&mut machine, 100, ms(100));
        let mut expected = sent_at(&[500, 4_500, 8_500, 12_500, 16_500, 20_500, 24_500, 28_500]);
        expected.push((ms(32_000), vec![ClientEffect::TimedOut]));
        assert_eq!(run(&mut machine), expected);
    }

    #[test]
    fn on_a_reliable_transport_it_is_sent_once_and_ends_with_the_final_response() {
        let mut machine = opened(Reliable);
        assert_eq!(run(&mut machine.clone()), [(ms(32_000), vec![ClientEffect::TimedOut])]);
        assert_eq!(respond(&mut machine, 200, ms(50)).len(), 1);
        assert!(machine.is_terminated());
    }

    #[test]
    fn a_repeated_final_response_is_absorbed_until_timer_k() {
        let mut machine = opened(Unreliable);
        respond(&mut machine, 401, ms(100));
        assert_eq!(respond(&mut machine, 401, ms(200)), []);
        assert_eq!(machine.next_timer(), Some((ms(5_100), "K")));
        assert_eq!(run(&mut machine), [(ms(5_100), vec![])]);
        assert!(machine.is_terminated());
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Provisional,
        Final,
        FlowLost,
        NextTimer,
    }

    fn explore(
        machine: &ClientNonInvite,
        steps: &[Step],
        ends: usize,
        now: Duration,
        depth: usize,
    ) {
        let mut left = machine.clone();
        run(&mut left);
        assert!(left.is_terminated(), "{steps:?} ends");
        if depth == 0 {
            return;
        }
        for step in [Step::Provisional, Step::Final, Step::FlowLost, Step::NextTimer] {
            let (mut next, mut now, mut ends) = (machine.clone(), now + ms(1), ends);
            let steps = [steps, &[step]].concat();
            let effects = match step {
                Step::Provisional => respond(&mut next, 100, now),
                Step::Final => respond(&mut next, 200, now),
                Step::FlowLost => next.handle(Input::FlowLost, now),
                Step::NextTimer => {
                    now = next.next_timer().map_or(now, |(at, _)| at);
                    next.fire(now)
                }
            };
            assert!(now <= ms(32_000 + 5_000 + 100), "{steps:?} ends in time");
            for effect in &effects {
                match effect {
                    ClientEffect::Up(up) if up.status.is_provisional() => assert_eq!(ends, 0),
                    ClientEffect::Up(_) | ClientEffect::TimedOut | ClientEffect::FlowLost => {
                        ends += 1
                    }
                    ClientEffect::Send(_) => {
                        assert_eq!((machine.reliability, ends), (Unreliable, 0), "{steps:?}");
                    }
                }
            }
            assert!(ends <= 1, "{steps:?} has one outcome");
            assert!(!machine.is_terminated() || effects.is_empty(), "{steps:?}");
            assert!(!next.is_terminated() || next.next_timer().is_none(), "{steps:?}");
            explore(&next, &steps, ends, now, depth - 1);
        }
    }

    #[test]
    fn in_every_order_of_inputs_there_is_one_outcome_and_an_end() {
        for reliability in [Reliable, Unreliable] {
            explore(&opened(reliability), &[], 0, ms(0), 6);
        }
    }
}
