//! Every order of what comes to an agent's phone: of what he asks and is told, of recordings and of supervisors.

use sidetone_phone::SupervisionMode;
use sidetone_sim::order::plane::{Agent, AgentOp, Recorded, RecordedOp, Supervisor, SupervisorOp};
use sidetone_sim::order::{Explored, Subject, explore};

/// Inputs that come once, and such as come as often as is said.
type Inputs<'a, O> = (&'a [O], &'a [(O, u64)]);

/// What was found in each case, to be told together.
#[derive(Debug, Default)]
struct Found(Vec<String>);

impl Found {
    fn tried<S: Subject>(
        &mut self,
        what: &str,
        start: Result<S, String>,
        (once, more): Inputs<'_, S::Op>,
        up: S::Op,
    ) {
        let limits: Vec<_> = once.iter().map(|op| (*op, 1)).chain(more.iter().copied()).collect();
        match start.and_then(|start| explore(start, &limits, &[up])) {
            Ok(Explored { states, steps, positions, orders, .. }) => println!(
                "{what}: {orders} orders over {positions} positions, {states} states, {steps} steps"
            ),
            Err(why) => self.0.push(format!("{what}: {why}")),
        }
    }

    fn agent(&mut self, what: &str, after: &[AgentOp], once: &[AgentOp], more: &[(AgentOp, u64)]) {
        let start = Agent::new().and_then(|agent| agent.after(after));
        self.tried(&format!("an agent, {what}"), start, (once, more), AgentOp::FlowUp);
    }

    fn recorded(
        &mut self,
        what: &str,
        after: &[RecordedOp],
        once: &[RecordedOp],
        more: &[(RecordedOp, u64)],
    ) {
        let start = Recorded::new().and_then(|recorded| recorded.after(after));
        self.tried(&format!("a recording, {what}"), start, (once, more), RecordedOp::FlowUp);
    }

    fn supervisor(
        &mut self,
        what: &str,
        (mode, after): (SupervisionMode, &[SupervisorOp]),
        once: &[SupervisorOp],
        more: &[(SupervisorOp, u64)],
    ) {
        let start = Supervisor::new(mode).and_then(|supervisor| supervisor.after(after));
        self.tried(&format!("a supervisor, {what}"), start, (once, more), SupervisorOp::FlowUp);
    }

    #[track_caller]
    fn done(self) {
        assert!(self.0.is_empty(), "{}", self.0.join("\n\n"));
    }
}

#[test]
fn every_order_of_what_an_agent_asks_and_is_told() {
    use AgentOp::{
        Answer, Bye, Change, Do, DoSilently, Fail, FlowLost, Forgotten, Kill, LogIn, LogOut, Pause,
        Ring, Sleep, Tell, TellLate, Time, Unavailable, Unknown, Unpause, WrapUp,
    };
    let (mut found, at_work) = (Found::default(), [Do, LogIn, Do]);
    let signs_in = [Do, DoSilently, Fail, Unknown, Tell, TellLate, FlowLost];
    found.agent("who signs in", &[], &signs_in, &[(Time, 3)]);
    let paused = [Pause, Unpause, DoSilently, Tell, TellLate, Change];
    found.agent("who pauses and is ready", &at_work, &paused, &[(Do, 2), (Time, 2)]);
    let refused = [Pause, Unpause, Unavailable, Fail, Tell, FlowLost];
    found.agent("who is refused; connection lost", &at_work, &refused, &[(Do, 2), (Time, 2)]);
    let forgotten = [Pause, LogOut, DoSilently, Tell, TellLate, Forgotten];
    found.agent("whose server forgets", &at_work, &forgotten, &[(Do, 2), (Time, 2)]);
    let called = [Ring, Answer, Bye, WrapUp, Pause, Do, Change, Tell];
    found.agent("who is called, and writes it down", &at_work, &called, &[(Time, 1)]);
    let untold = [Ring, Answer, Bye, WrapUp, Tell, TellLate, FlowLost];
    found.agent("of whose wrap-up nobody tells", &at_work, &untold, &[(Do, 1), (Time, 2)]);
    let asleep = [Pause, Sleep, Kill, Tell, DoSilently];
    found.agent("whose phone sleeps or dies", &at_work, &asleep, &[(Do, 2), (Time, 2)]);
    found.done();
}

#[test]
fn every_order_of_a_recording() {
    use RecordedOp::{
        Agree, Bye, CallUp, CallUpSilently, Change, Fail, FlowLost, Hold, InfoRefused, Locked,
        Pause, PauseRule, Rule, Sleep, Start, Stop, Tell, TellLate, Time,
    };
    let (mut found, runs) = (Found::default(), [Start, Agree, CallUp]);
    let begins = [Start, Stop, CallUpSilently, InfoRefused, Tell, TellLate];
    found.recorded("that begins", &[], &begins, &[(Agree, 2), (CallUp, 2), (Time, 2)]);
    let pauses = [Pause, Stop, Locked, Change, Tell, Bye];
    found.recorded("that pauses", &runs, &pauses, &[(Agree, 2), (CallUp, 1), (Time, 1)]);
    let refused = [Pause, Stop, Locked, Fail, Tell];
    found.recorded("that is refused", &runs, &refused, &[(Time, 2)]);
    let lost = [Pause, CallUp, CallUpSilently, Tell, TellLate, FlowLost, Hold];
    found.recorded("whose connection is lost", &runs, &lost, &[(Agree, 2), (Time, 2)]);
    let ruled = [Rule, PauseRule, Start, CallUp, Sleep, Tell];
    found.recorded("by a rule", &[], &ruled, &[(Agree, 2), (Time, 2)]);
    found.done();
}

#[test]
fn every_order_of_a_supervision() {
    use SupervisionMode::Barge as InBarge;
    use SupervisorOp::{
        Accept, Agree, AgreeUnheard, Barge, Break, Bye, Deny, Fail, FlowLost, Hold, Holds, Listen,
        Mute, Next, Obey, Over, Refuse, Tell, TellLate, Time, Wait, Whisper,
    };
    let mut found = Found::default();
    let begins = [Accept, Refuse, Tell, TellLate, Listen, Whisper, Bye];
    found.supervisor("that begins", (InBarge, &[]), &begins, &[(Obey, 2), (Time, 2)]);
    let confirmed = [Accept, Tell];
    let whispers = (SupervisionMode::Whisper, &confirmed[..]);
    let modes = [Listen, Whisper, Barge, Agree, Deny];
    found.supervisor("that changes", whispers, &modes, &[(Tell, 2), (Obey, 2), (Time, 2)]);
    let unheard = [Listen, Barge, Whisper, AgreeUnheard, Fail, Tell, TellLate, FlowLost];
    found.supervisor("whose connection is lost", whispers, &unheard, &[(Obey, 2), (Time, 2)]);
    let given_up = [Listen, Barge, AgreeUnheard, FlowLost];
    let more = [(Whisper, 2), (Agree, 3), (Tell, 2), (Time, 2)];
    found.supervisor("who gives up two modes", whispers, &given_up, &more);
    let holds = [Listen, Barge, Agree, AgreeUnheard, Deny, FlowLost];
    let more = [(Holds, 2), (Whisper, 2), (Tell, 2), (Time, 1)];
    found.supervisor("whose agent holds", whispers, &holds, &more);
    let held = [Barge, Whisper, Mute, Agree, Tell, Break];
    found.supervisor("that is held", whispers, &held, &[(Hold, 2), (Obey, 2), (Time, 1)]);
    let over = [Barge, Wait, Next, Over, Bye, Deny];
    found.supervisor("that is over", (InBarge, &confirmed), &over, &[(Obey, 2), (Time, 1)]);
    found.done();
}

#[test]
#[ignore = "three minutes of one core: scripts/test full"]
fn orders_of_the_agent_plane_that_take_long() {
    let mut found = Found::default();
    {
        use AgentOp::{
            Change, Do, DoSilently, FlowLost, Forgotten, LogIn, Pause, Sleep, Tell, TellLate, Time,
            Unpause, WrapUp,
        };
        let at_work = [Do, LogIn, Do];
        let changed = [Pause, Unpause, DoSilently, Tell, TellLate, Change, FlowLost];
        found.agent("whom others change", &at_work, &changed, &[(Do, 2), (Time, 1)]);
        let forgotten = [Pause, WrapUp, Sleep, Tell, TellLate, Forgotten];
        found.agent("whose server forgets", &at_work, &forgotten, &[(Do, 2), (Time, 3)]);
    }
    {
        use RecordedOp::{
            Agree, CallUp, CallUpSilently, FlowLost, InfoRefused, Pause, Resume, Start, Stop, Tell,
            TellLate, Time,
        };
        let runs = [Start, Agree, CallUp];
        let all = [Pause, Resume, Stop, CallUpSilently, InfoRefused, Tell, TellLate];
        found.recorded("with everything", &runs, &all, &[(Agree, 2), (CallUp, 2), (Time, 1)]);
        let lost = [Pause, CallUp, CallUpSilently, Tell, TellLate];
        let more = [(FlowLost, 2), (Agree, 3), (Time, 3)];
        found.recorded("whose connection is lost twice", &runs, &lost, &more);
    }
    {
        use SupervisorOp::{
            Accept, Agree, AgreeUnheard, Barge, Deny, FlowLost, Hold, Listen, Mute, Next, Obey,
            Tell, TellLate, Time, Wait, Whisper,
        };
        let whispers = (SupervisionMode::Whisper, &[Accept, Tell][..]);
        let modes = [Listen, AgreeUnheard, Agree, Deny, TellLate, FlowLost];
        let more = [(Barge, 2), (Whisper, 2), (Tell, 2), (Obey, 2), (Time, 2)];
        found.supervisor("with everything", whispers, &modes, &more);
        let given_up = [Listen, AgreeUnheard, TellLate, FlowLost];
        let more = [(Barge, 2), (Whisper, 2), (Agree, 3), (Tell, 3), (Time, 3)];
        found.supervisor("who gives up three modes", whispers, &given_up, &more);
        let followed = [Wait, Next, Mute, Deny, Listen];
        let more = [(Barge, 2), (Whisper, 2), (Hold, 2), (Obey, 3), (Time, 2)];
        found.supervisor("who follows", whispers, &followed, &more);
    }
    found.done();
}
