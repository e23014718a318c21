//! The server INVITE transaction (RFC 3261 §17.2.1, figure 7 as RFC 6026 §8.5 redraws it).

use super::Reliability;
use super::effect::ServerEffect;
use super::timer::{Running, Timers};
use crate::{HeaderName, Request, Response, StatusCode};
use std::time::Duration;

/// After this long without a response of the user, the transaction sends 100 (RFC 3261 §17.2.1).
const TRYING_AFTER: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Proceeding,
    /// The user sent a 2xx, and repeats it until the ACK comes (RFC 6026 §7.1).
    Accepted,
    Completed,
    Confirmed,
    Terminated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The user has not responded: 100.
    Trying,
    /// Sends the final response again.
    G,
    /// No ACK for a non-2xx final response.
    H,
    /// Absorbs repeated ACKs until here.
    I,
    /// Absorbs repeated INVITEs after a 2xx until here.
    L,
}

#[derive(Debug, Clone)]
pub(super) enum Input {
    /// The INVITE again.
    Retransmission,
    Ack(Request),
    /// From the user, as are the next two.
    Provisional(Response),
    Success(Response),
    Failure(Response),
    Timer(Timer),
}

/// One INVITE of the other side.
#[derive(Debug, Clone)]
pub(super) struct ServerInvite {
    state: State,
    request: Request,
    last: Option<Response>,
    acknowledged: bool,
    reliability: Reliability,
    timers: Timers,
    running: Running<Timer>,
    interval: Duration,
}

impl ServerInvite {
    pub(super) fn new(
        request: Request,
        reliability: Reliability,
        timers: Timers,
        now: Duration,
    ) -> Self {
        let mut running = Running::none();
        running.start(Timer::Trying, TRYING_AFTER, now);
        Self {
            state: State::Proceeding,
            request,
            last: None,
            acknowledged: false,
            reliability,
            timers,
            running,
            interval: timers.t1,
        }
    }

    pub(super) fn handle(&mut self, input: Input, now: Duration) -> Vec<ServerEffect> {
        use Input::{Ack, Failure, Provisional, Retransmission, Success};
        use ServerEffect::Send;
        use State::{Accepted, Completed, Confirmed, Proceeding, Terminated};
        match (self.state, input) {
            (Proceeding, Retransmission) => self.repeat(),
            (Proceeding, Provisional(response)) => self.provisional(response),
            (Proceeding, Input::Timer(Timer::Trying)) => {
                self.provisional(self.request.response(StatusCode::TRYING, None))
            }
            (Proceeding, Success(response)) => self.accept(response, now),
            (Proceeding, Failure(response)) => self.complete(response, now),
            (Proceeding, Ack(_)) => vec![],

            // RFC 6026 §7.1: INVITEs are absorbed without an answer, ACKs are the user's.
            (Accepted, Retransmission) => vec![],
            (Accepted, Ack(request)) => {
                self.acknowledged = true;
                vec![ServerEffect::Ack(request)]
            }
            (Accepted, Success(response)) => vec![Send(response)],
            (Accepted, Input::Timer(Timer::L)) if self.acknowledged => self.terminate(vec![]),
            (Accepted, Input::Timer(Timer::L)) => self.terminate(vec![ServerEffect::TimedOut]),
            (Accepted, Provisional(_) | Failure(_)) => vec![],

            (Completed, Retransmission) => self.repeat(),
            (Completed, Ack(_)) => self.confirm(now),
            (Completed, Input::Timer(Timer::G)) => self.retransmit(now),
            (Completed, Input::Timer(Timer::H)) => self.terminate(vec![ServerEffect::TimedOut]),
            (Completed, Provisional(_) | Success(_) | Failure(_)) => vec![],

            (Confirmed, Input::Timer(Timer::I)) => self.terminate(vec![]),
            (Confirmed, Retransmission | Ack(_) | Provisional(_) | Success(_) | Failure(_)) => {
                vec![]
            }

            // Stopped on the way to these states.
            (Proceeding, Input::Timer(Timer::G | Timer::H | Timer::I | Timer::L))
            | (Accepted, Input::Timer(Timer::Trying | Timer::G | Timer::H | Timer::I))
            | (Completed, Input::Timer(Timer::Trying | Timer::I | Timer::L))
            | (Confirmed, Input::Timer(Timer::Trying | Timer::G | Timer::H | Timer::L)) => vec![],

            (Terminated, Retransmission | Ack(_) | Provisional(_) | Success(_) | Failure(_))
            | (
                Terminated,
                Input::Timer(Timer::Trying | Timer::G | Timer::H | Timer::I | Timer::L),
            ) => {
                vec![]
            }
        }
    }

    pub(super) fn respond(&mut self, response: Response, now: Duration) -> Vec<ServerEffect> {
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

    /// Whether a response of this status would be sent.
    pub(super) fn accepts(&self, status: StatusCode) -> bool {
        match self.state {
            State::Proceeding => true,
            State::Accepted => status.is_success(),
            State::Completed | State::Confirmed | State::Terminated => false,
        }
    }

    /// Whether there was no final response.
    pub(super) fn is_pending(&self) -> bool {
        self.state == State::Proceeding
    }

    /// Notes an ACK for the 2xx, which comes in a transaction of its own: same Call-ID, From tag and
    /// CSeq number.
    pub(super) fn note_ack(&mut self, ack: &Request) {
        if self.state == State::Accepted && is_of_one(ack, &self.request) {
            self.acknowledged = true;
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

    /// Whether the ACK of its final response is waited for.
    pub(super) fn awaits_ack(&self) -> bool {
        self.state == State::Completed || (self.state == State::Accepted && !self.acknowledged)
    }

    /// The final response once more, while its ACK is waited for; a 2xx is repeated by the user.
    pub(super) fn repeat_final(&self) -> Vec<ServerEffect> {
        if self.state == State::Completed { self.repeat() } else { Vec::new() }
    }

    fn repeat(&self) -> Vec<ServerEffect> {
        self.last.iter().cloned().map(ServerEffect::Send).collect()
    }

    fn provisional(&mut self, response: Response) -> Vec<ServerEffect> {
        self.running.stop(Timer::Trying);
        self.last = Some(response);
        self.repeat()
    }

    fn accept(&mut self, response: Response, now: Duration) -> Vec<ServerEffect> {
        self.running.stop_all();
        self.running.start(Timer::L, self.timers.patience(), now);
        self.state = State::Accepted;
        vec![ServerEffect::Send(response)]
    }

    fn complete(&mut self, response: Response, now: Duration) -> Vec<ServerEffect> {
        self.running.stop_all();
        self.running.start(Timer::H, self.timers.patience(), now);
        if self.reliability == Reliability::Unreliable {
            self.running.start(Timer::G, self.interval, now);
        }
        self.state = State::Completed;
        self.last = Some(response);
        self.repeat()
    }

    fn retransmit(&mut self, now: Duration) -> Vec<ServerEffect> {
        self.interval = self.interval.saturating_mul(2).min(self.timers.t2);
        self.running.start(Timer::G, self.interval, now);
        self.repeat()
    }

    fn confirm(&mut self, now: Duration) -> Vec<ServerEffect> {
        match self.reliability {
            Reliability::Reliable => self.terminate(vec![]),
            Reliability::Unreliable => {
                self.running.stop_all();
                self.running.start(Timer::I, self.timers.t4, now);
                self.state = State::Confirmed;
                vec![]
            }
        }
    }

    fn terminate(&mut self, effects: Vec<ServerEffect>) -> Vec<ServerEffect> {
        self.running.stop_all();
        self.state = State::Terminated;
        effects
    }
}

impl Timer {
    fn name(self) -> &'static str {
        match self {
            Self::Trying => "Trying",
            Self::G => "G",
            Self::H => "H",
            Self::I => "I",
            Self::L => "L",
        }
    }
}

/// Whether an ACK is for this INVITE. The Call-IDs, which need no reading, tell most apart.
fn is_of_one(ack: &Request, invite: &Request) -> bool {
    ack.headers.get(&HeaderName::CALL_ID) == invite.headers.get(&HeaderName::CALL_ID)
        && identity(ack) == identity(invite)
}

fn identity(request: &Request) -> Option<(String, String, u32)> {
    let headers = &request.headers;
    let tag = headers.from().ok()?.tag().unwrap_or_default().to_owned();
    Some((headers.call_id().ok()?, tag, headers.cseq().ok()?.sequence))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{BRANCH, ms, request, response};
    use super::*;
    use crate::Method;
    use Reliability::{Reliable, Unreliable};

    fn invite() -> Request {
        request(Method::Invite, BRANCH)
    }

    fn ack() -> Input {
        Input::Ack(request(Method::Ack, BRANCH))
    }

    fn opened(reliability: Reliability) -> ServerInvite {
        ServerInvite::new(invite(), reliability, Timers::default(), ms(0))
    }

    fn respond(machine: &mut ServerInvite, code: u16, now: Duration) -> Vec<ServerEffect> {
        machine.respond(response(&invite(), code), now)
    }

    fn sends(code: u16) -> Vec<ServerEffect> {
        vec![ServerEffect::Send(response(&invite(), code))]
    }

    fn run(machine: &mut ServerInvite) -> Vec<(Duration, Vec<ServerEffect>)> {
        let fire = || machine.next_timer().map(|(at, _)| (at, machine.fire(at)));
        std::iter::from_fn(fire).collect()
    }

    #[test]
    fn a_response_in_time_spares_the_100() {
        let mut machine = opened(Reliable);
        assert_eq!(respond(&mut machine, 180, ms(199)), sends(180));
        assert_eq!(machine.next_timer(), None);
    }

    #[test]
    fn a_repeated_invite_gets_the_last_provisional_response() {
        let mut machine = opened(Unreliable);
        assert_eq!(machine.handle(Input::Retransmission, ms(10)), []);
        machine.fire(ms(200));
        assert_eq!(machine.handle(Input::Retransmission, ms(500)), sends(100));
        respond(&mut machine, 180, ms(600));
        respond(&mut machine, 183, ms(700));
        assert_eq!(machine.handle(Input::Retransmission, ms(800)), sends(183));
    }

    #[test]
    fn a_refusal_is_repeated_at_intervals_up_to_t2_until_timer_h() {
        let mut machine = opened(Unreliable);
        assert_eq!(respond(&mut machine, 486, ms(0)), sends(486));
        let times = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
        let mut expected: Vec<_> = times.map(|at| (ms(at), sends(486))).to_vec();
        expected.push((ms(32_000), vec![ServerEffect::TimedOut]));
        assert_eq!(run(&mut machine), expected);
    }

    #[test]
    fn on_a_reliable_transport_a_refusal_is_sent_once_and_waits_for_its_ack() {
        let mut machine = opened(Reliable);
        respond(&mut machine, 486, ms(0));
        assert_eq!(run(&mut machine.clone()), [(ms(32_000), vec![ServerEffect::TimedOut])]);
        assert_eq!(machine.handle(ack(), ms(50)), []);
        assert!(machine.is_terminated());
    }

    #[test]
    fn a_late_ack_is_absorbed_until_timer_i() {
        let mut machine = opened(Unreliable);
        respond(&mut machine, 486, ms(0));
        assert_eq!(machine.handle(ack(), ms(100)), []);
        assert_eq!(machine.handle(ack(), ms(200)), []);
        assert_eq!(machine.handle(Input::Retransmission, ms(300)), []);
        assert_eq!(run(&mut machine), [(ms(5_100), vec![])]);
        assert!(machine.is_terminated());
    }

    #[test]
    fn after_a_2xx_repeated_invites_are_absorbed_and_acks_and_2xx_pass() {
        let mut machine = opened(Unreliable);
        respond(&mut machine, 200, ms(0));
        assert_eq!(machine.handle(Input::Retransmission, ms(500)), []);
        assert_eq!(respond(&mut machine, 200, ms(500)), sends(200));
        let request = request(Method::Ack, BRANCH);
        let up = machine.handle(Input::Ack(request.clone()), ms(600));
        assert_eq!(up, [ServerEffect::Ack(request)]);
        assert_eq!(run(&mut machine), [(ms(32_000), vec![])]);
    }

    #[test]
    fn a_2xx_without_an_ack_times_out_with_timer_l() {
        for reliability in [Reliable, Unreliable] {
            let mut machine = opened(reliability);
            respond(&mut machine, 200, ms(0));
            assert_eq!(run(&mut machine), [(ms(32_000), vec![ServerEffect::TimedOut])]);
        }
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Retransmission,
        Ack,
        Provisional,
        Success,
        Failure,
        NextTimer,
    }

    const STEPS: [Step; 6] = [
        Step::Retransmission,
        Step::Ack,
        Step::Provisional,
        Step::Success,
        Step::Failure,
        Step::NextTimer,
    ];

    #[derive(Clone, Default)]
    struct Seen {
        steps: Vec<Step>,
        final_response: Option<StatusCode>,
        timed_out: bool,
    }

    fn take(machine: &mut ServerInvite, step: Step, now: &mut Duration) -> Vec<ServerEffect> {
        *now += ms(1);
        match step {
            Step::Retransmission => machine.handle(Input::Retransmission, *now),
            Step::Ack => machine.handle(ack(), *now),
            Step::Provisional => respond(machine, 180, *now),
            Step::Success => respond(machine, 200, *now),
            Step::Failure => respond(machine, 486, *now),
            Step::NextTimer => {
                *now = machine.next_timer().map_or(*now, |(at, _)| at);
                machine.fire(*now)
            }
        }
    }

    fn explore(machine: &ServerInvite, seen: &Seen, now: Duration, depth: usize) {
        let mut left = machine.clone();
        let last = run(&mut left).last().map_or(now, |(at, _)| *at);
        assert!(last <= now + ms(32_000), "{:?} ends in time", seen.steps);
        assert_eq!(left.is_terminated(), !machine.is_pending(), "{:?}", seen.steps);
        if depth == 0 {
            return;
        }
        for step in STEPS {
            let (mut next, mut seen, mut now) = (machine.clone(), seen.clone(), now);
            seen.steps.push(step);
            let effects = take(&mut next, step, &mut now);
            assert!(!machine.is_terminated() || effects.is_empty(), "{:?}", seen.steps);
            for effect in effects {
                match effect {
                    ServerEffect::Send(sent) if sent.status.is_final() => {
                        let first = *seen.final_response.get_or_insert(sent.status);
                        assert_eq!(first, sent.status, "{:?} has one outcome", seen.steps);
                    }
                    ServerEffect::Send(_) => {
                        assert_eq!(seen.final_response, None, "{:?}", seen.steps);
                    }
                    ServerEffect::Ack(_) => {
                        let accepted = seen.final_response.is_some_and(StatusCode::is_success);
                        assert!(accepted, "{:?}", seen.steps);
                    }
                    ServerEffect::TimedOut => {
                        assert!(!seen.timed_out && next.is_terminated(), "{:?}", seen.steps);
                        seen.timed_out = true;
                    }
                }
            }
            explore(&next, &seen, now, depth - 1);
        }
    }

    #[test]
    fn in_every_order_of_inputs_there_is_one_final_response_and_an_end() {
        for reliability in [Reliable, Unreliable] {
            explore(&opened(reliability), &Seen::default(), ms(0), 5);
        }
    }
}
