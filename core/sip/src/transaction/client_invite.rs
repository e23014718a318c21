//! The client INVITE transaction (RFC 3261 §17.1.1, figure 5 as RFC 6026 §8.4 redraws it).

use super::Reliability;
use super::effect::ClientEffect;
use super::timer::{Running, Timers};
use crate::{CSeq, HeaderName, Method, Request, Response};
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Calling,
    Proceeding,
    /// A 2xx came; more of them may come, repeated or from other forks (RFC 6026 §7.2).
    Accepted,
    Completed,
    /// The flow went before the final response: to the user it is over, but a 2xx that comes on another
    /// flow must be acknowledged.
    Lost,
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
    /// Passes 2xx up until here, also those of a flow that was lost.
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
        use State::{Accepted, Calling, Completed, Lost, Proceeding, Terminated};
        match (self.state, input) {
            (Calling, Provisional(response)) => self.proceed(response),
            (Proceeding, Provisional(response)) => vec![Up(response)],
            (Calling | Proceeding, Success(response)) => self.accept(response, now),
            (Calling | Proceeding, Failure(response)) => self.complete(response, now),
            (Calling | Proceeding, Cancelled) => self.wait_for_cancel(now),
            (Calling | Proceeding, FlowLost) => self.lose(now),
            (Calling, Input::Timer(Timer::A)) => self.retransmit(now),
            (Calling, Input::Timer(Timer::B)) => self.terminate(vec![TimedOut]),
            (Calling | Proceeding, Input::Timer(Timer::Cancel)) => self.terminate(vec![TimedOut]),

            // RFC 6026 §7.2: each 2xx goes up, since each must be acknowledged by the dialog. The
            // flow may be lost here: a 2xx that is repeated may come on another.
            (Accepted, Success(response)) => vec![Up(response)],
            (Accepted, Input::Timer(Timer::M)) => self.terminate(vec![]),
            (Accepted, Provisional(_) | Failure(_) | Cancelled | FlowLost) => vec![],

            (Lost, Success(response)) => vec![Up(response)],
            (Lost, Input::Timer(Timer::M)) => self.terminate(vec![]),
            (Lost, Provisional(_) | Failure(_) | Cancelled | FlowLost) => vec![],

            (Completed, Failure(_)) => self.ack.iter().cloned().map(Send).collect(),
            (Completed, FlowLost) => self.terminate(vec![]),
            (Completed, Input::Timer(Timer::D)) => self.terminate(vec![]),
            (Completed, Provisional(_) | Success(_) | Cancelled) => vec![],

            // Stopped on the way to these states.
            (Calling, Input::Timer(Timer::D | Timer::M))
            | (Proceeding, Input::Timer(Timer::A | Timer::B | Timer::D | Timer::M))
            | (Accepted | Lost, Input::Timer(Timer::A | Timer::B | Timer::D | Timer::Cancel))
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

    /// Whether its final response is waited for.
    pub(super) fn is_pending(&self) -> bool {
        match self.state {
            State::Calling | State::Proceeding => true,
            State::Accepted | State::Completed | State::Lost | State::Terminated => false,
        }
    }

    pub(super) fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }

    /// Waits anew for a response that may have come while nobody read.
    pub(super) fn wait_again(&mut self, now: Duration) {
        for timer in [Timer::B, Timer::Cancel] {
            self.running.put_off(timer, self.timers.patience(), now);
        }
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

    /// As long as a 2xx is repeated, and it may have been sent just now.
    fn lose(&mut self, now: Duration) -> Vec<ClientEffect> {
        self.running.stop_all();
        self.running.start(Timer::M, self.timers.patience(), now);
        self.state = State::Lost;
        vec![ClientEffect::FlowLost]
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

#[cfg(test)]
mod tests {
    use super::super::tests::{BRANCH, ms, request, response};
    use super::*;
    use Reliability::{Reliable, Unreliable};

    fn invite() -> Request {
        request(Method::Invite, BRANCH)
    }

    fn opened(reliability: Reliability) -> ClientInvite {
        ClientInvite::new(invite(), reliability, Timers::default(), ms(0)).0
    }

    fn respond(machine: &mut ClientInvite, code: u16, now: Duration) -> Vec<ClientEffect> {
        machine.handle_response(response(&invite(), code), now)
    }

    /// Fires all timers up to the end; when each fired and what came of it.
    fn run(machine: &mut ClientInvite) -> Vec<(Duration, Vec<ClientEffect>)> {
        let fire = || machine.next_timer().map(|(at, _)| (at, machine.fire(at)));
        std::iter::from_fn(fire).collect()
    }

    #[test]
    fn on_an_unreliable_transport_the_invite_is_repeated_at_doubling_intervals_until_timer_b() {
        let mut machine = opened(Unreliable);
        let mut expected: Vec<_> = [500, 1_500, 3_500, 7_500, 15_500, 31_500]
            .map(|at| (ms(at), vec![ClientEffect::Send(invite())]))
            .to_vec();
        expected.push((ms(32_000), vec![ClientEffect::TimedOut]));
        assert_eq!(run(&mut machine), expected);
        assert!(machine.is_terminated());
    }

    #[test]
    fn on_a_reliable_transport_the_invite_is_sent_once() {
        let (mut machine, effects) =
            ClientInvite::new(invite(), Reliable, Timers::default(), ms(0));
        assert_eq!(effects, [ClientEffect::Send(invite())]);
        assert_eq!(run(&mut machine), [(ms(32_000), vec![ClientEffect::TimedOut])]);
    }

    #[test]
    fn after_a_provisional_response_no_timer_runs() {
        let mut machine = opened(Unreliable);
        respond(&mut machine, 100, ms(100));
        assert_eq!(machine.next_timer(), None);
    }

    #[test]
    fn a_repeated_refusal_is_acknowledged_again_and_not_told_again() {
        let mut machine = opened(Unreliable);
        let effects = respond(&mut machine, 486, ms(100));
        let [ClientEffect::Send(ack), ClientEffect::Up(up)] = &effects[..] else {
            panic!("{effects:?}")
        };
        assert_eq!(*up, response(&invite(), 486));
        let again = respond(&mut machine, 486, ms(600));
        assert_eq!(again, [ClientEffect::Send(ack.clone())]);
        assert_eq!(machine.next_timer(), Some((ms(32_100), "D")));
        assert_eq!(run(&mut machine), [(ms(32_100), vec![])]);
        assert!(machine.is_terminated());
    }

    #[test]
    fn on_a_reliable_transport_a_refusal_ends_it_at_once() {
        let mut machine = opened(Reliable);
        respond(&mut machine, 603, ms(100));
        assert!(machine.is_terminated());
    }

    #[test]
    fn timer_d_is_32_s_however_short_t1_is() {
        let timers = Timers { t1: ms(10), ..Timers::default() };
        let (mut machine, _) = ClientInvite::new(invite(), Unreliable, timers, ms(0));
        respond(&mut machine, 486, ms(0));
        assert_eq!(machine.next_timer(), Some((ms(32_000), "D")));
    }

    #[test]
    fn the_ack_of_a_refusal_is_that_of_rfc_3261_17_1_1_3() {
        let mut sent = invite();
        sent.headers.push(HeaderName::ROUTE, "<sip:edge.example.com;lr>");
        sent.headers.push(HeaderName::ROUTE, "<sip:core.example.com;lr>");
        sent.headers.push(HeaderName::CONTACT, "<sip:anna@a.invalid>");
        sent.set_body("application/sdp", b"v=0".to_vec());
        let refusal = response(&sent, 486);
        let (mut machine, _) = ClientInvite::new(sent.clone(), Reliable, Timers::default(), ms(0));
        let effects = machine.handle_response(refusal.clone(), ms(1));
        let Some(ClientEffect::Send(ack)) = effects.first() else { panic!("{effects:?}") };
        assert_eq!((&ack.method, &ack.uri), (&Method::Ack, &sent.uri));
        for name in [HeaderName::VIA, HeaderName::FROM, HeaderName::CALL_ID, HeaderName::ROUTE] {
            assert!(ack.headers.raw(&name).eq(sent.headers.raw(&name)), "{name}");
        }
        assert_eq!(ack.headers.to().unwrap(), refusal.headers.to().unwrap());
        let cseq = ack.headers.cseq().unwrap();
        assert_eq!(cseq, CSeq { sequence: 1, method: Method::Ack });
        assert!(ack.body.is_empty() && !ack.headers.has(&HeaderName::CONTACT));
    }

    #[test]
    fn each_2xx_goes_up_until_timer_m() {
        for reliability in [Reliable, Unreliable] {
            let mut machine = opened(reliability);
            respond(&mut machine, 180, ms(50));
            let success = response(&invite(), 200);
            let fork = invite().response(success.status, Some("other"));
            for ok in [success.clone(), success, fork] {
                let effects = machine.handle_response(ok.clone(), ms(100));
                assert_eq!(effects, [ClientEffect::Up(ok)]);
            }
            assert_eq!(machine.next_timer(), Some((ms(32_100), "M")));
            machine.handle(Input::FlowLost, ms(200));
            assert_eq!(respond(&mut machine, 200, ms(300)).len(), 1);
            assert_eq!(run(&mut machine), [(ms(32_100), vec![])]);
            assert!(machine.is_terminated());
        }
    }

    #[test]
    fn a_2xx_after_the_flow_was_lost_goes_up_until_timer_m() {
        for proceeding in [false, true] {
            let mut machine = opened(Reliable);
            if proceeding {
                respond(&mut machine, 180, ms(50));
            }
            let lost = machine.handle(Input::FlowLost, ms(100));
            assert_eq!(lost, [ClientEffect::FlowLost]);
            assert_eq!(respond(&mut machine, 486, ms(150)), []);
            assert_eq!(respond(&mut machine, 180, ms(150)), []);
            assert_eq!(respond(&mut machine, 200, ms(200)).len(), 1);
            assert_eq!(run(&mut machine), [(ms(32_100), vec![])]);
            assert!(machine.is_terminated());
        }
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Provisional,
        Success,
        Failure,
        Cancelled,
        FlowLost,
        NextTimer,
    }

    const STEPS: [Step; 6] = [
        Step::Provisional,
        Step::Success,
        Step::Failure,
        Step::Cancelled,
        Step::FlowLost,
        Step::NextTimer,
    ];

    #[derive(Clone, Default)]
    struct Seen {
        steps: Vec<Step>,
        successes: usize,
        ends: usize,
        cancelled: bool,
        lost: bool,
    }

    fn take(machine: &mut ClientInvite, step: Step, now: &mut Duration) -> Vec<ClientEffect> {
        *now += ms(1);
        match step {
            Step::Provisional => respond(machine, 180, *now),
            Step::Success => respond(machine, 200, *now),
            Step::Failure => respond(machine, 486, *now),
            Step::Cancelled => machine.handle(Input::Cancelled, *now),
            Step::FlowLost => machine.handle(Input::FlowLost, *now),
            Step::NextTimer => {
                *now = machine.next_timer().map_or(*now, |(at, _)| at);
                machine.fire(*now)
            }
        }
    }

    fn explore(machine: &ClientInvite, seen: &Seen, now: Duration, depth: usize) {
        let mut left = machine.clone();
        let last = run(&mut left).last().map_or(now, |(at, _)| *at);
        assert!(last <= now + ms(32_000), "{:?} ends in time", seen.steps);
        let rings = machine.state == State::Proceeding && !seen.cancelled;
        assert!(rings || left.is_terminated(), "{:?} ends", seen.steps);
        if depth == 0 {
            return;
        }
        for step in STEPS {
            let (mut next, mut seen, mut now) = (machine.clone(), seen.clone(), now);
            seen.steps.push(step);
            seen.cancelled |= matches!(step, Step::Cancelled);
            let effects = take(&mut next, step, &mut now);
            for effect in &effects {
                match effect {
                    ClientEffect::Up(up) if up.status.is_success() => seen.successes += 1,
                    ClientEffect::Up(up) if up.status.is_provisional() => {
                        assert_eq!(seen.successes + seen.ends, 0, "{:?}", seen.steps);
                    }
                    ClientEffect::Up(_) | ClientEffect::TimedOut | ClientEffect::FlowLost => {
                        seen.ends += 1;
                    }
                    ClientEffect::Send(sent) if sent.method == Method::Invite => {
                        assert_eq!(machine.reliability, Unreliable);
                        assert_eq!(machine.state, State::Calling);
                    }
                    ClientEffect::Send(_) => {
                        assert_eq!((seen.successes, seen.ends <= 1), (0, true))
                    }
                }
            }
            // After the flow was lost a late 2xx is for the user to acknowledge, and no outcome.
            let late = next.state == State::Lost || seen.lost;
            seen.lost = late;
            let successes = if late { 0 } else { seen.successes.min(1) };
            assert!(seen.ends + successes <= 1, "{:?} has one outcome", seen.steps);
            if machine.is_terminated() {
                assert!(effects.is_empty() && next.next_timer().is_none(), "{:?}", seen.steps);
            }
            explore(&next, &seen, now, depth - 1);
        }
    }

    #[test]
    fn in_every_order_of_inputs_there_is_one_outcome_and_an_end() {
        for reliability in [Reliable, Unreliable] {
            explore(&opened(reliability), &Seen::default(), ms(0), 5);
        }
    }
}
