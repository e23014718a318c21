//! The floor of a supervision: an agent, his customer and a supervisor, and what each of them must hear in each mode.

use crate::scenarios::agent::{ask, until};
use crate::scenarios::supervision::{confirmed, connect, supervise};
use serde_json::json;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Heard, Tone, Voice};
use std::time::Duration;

/// How long nobody may be heard who is not to be.
pub(super) const WHILE: Duration = Duration::from_millis(1500);
/// From so long after a mode's confirmation on nobody hears whom he must not: what was on its way then has been played.
pub(super) const SETTLES: Duration = Duration::from_millis(300);
/// And nobody misses a voice that he is to hear for longer than this from then on, on a machine that is busy with other things.
const GAP: Duration = Duration::from_secs(2);

/// An agent's hold is seen by then. Asterisk must not take it for a gap in the audio, which it would fill for up to sixteen seconds.
const HOLD_SEEN: Duration = Duration::from_secs(5);
/// A customer's, which it does take for that (docs/asterisk.md), on a busy machine.
pub(super) const GAP_FILLED: Duration = Duration::from_secs(45);

/// An agent who talks to a customer, and a supervisor whose microphone plays all the time.
pub(super) struct Floor {
    pub(super) stage: Stage,
    pub(super) agent: Phone,
    pub(super) customer: Phone,
    pub(super) supervisor: Phone,
    /// What each says.
    pub(super) voices: [Tone; 3],
    /// The agent's user.
    target: String,
    /// The agent's call.
    pub(super) call: String,
}

/// What came of a mode that was asked for.
pub(super) struct Change {
    /// From the request to its confirmation.
    pub(super) took: Duration,
    /// The longest time for which the agent and the customer missed each other, and the supervisor either of them.
    pub(super) gaps: [Duration; 3],
}

impl Floor {
    pub(super) fn new() -> Self {
        let supervisor = |stage: &Stage, voice: &Voice| stage.supervisor(voice);
        Self::with(|stage, voice| stage.agent_with(voice, &["--queues"]), supervisor)
    }

    /// With these phones of the agent and of the supervisor.
    pub(super) fn with(
        agent: impl FnOnce(&Stage, &Voice) -> Phone,
        supervisor: impl FnOnce(&Stage, &Voice) -> Phone,
    ) -> Self {
        let stage = Stage::asterisk();
        let voices = Tone::draw();
        let [says, asks, speaks] = voices.map(Voice::steady);
        let mut agent = agent(&stage, &says);
        until(&mut agent, "in no queue", |agent| agent["state"] == "logged_out");
        ask(&mut agent, json!({ "command": "login" }), "ready");
        let (customer, supervisor) = (stage.customer(&asks), supervisor(&stage, &speaks));
        let (target, number) = (stage.line.agent(), stage.line.desk());
        Self::talking(stage, [agent, customer, supervisor], voices, target, &number)
    }

    /// These, as soon as the customer has reached the agent by this number.
    pub(super) fn talking(
        stage: Stage,
        [mut agent, mut customer, supervisor]: [Phone; 3],
        voices: [Tone; 3],
        target: String,
        number: &str,
    ) -> Self {
        let call = connect(&mut customer, &mut agent, number);
        let mut floor = Self { stage, agent, customer, supervisor, voices, target, call };
        floor.nobody_hears_him();
        floor
    }

    /// The supervisor begins, and has it confirmed.
    #[track_caller]
    pub(super) fn supervise(&mut self, mode: &str) -> String {
        let call = supervise(&mut self.supervisor, &self.target, mode);
        confirmed(&mut self.supervisor, &call, mode);
        self.is_so(mode, self.marks());
        call
    }

    /// Asks for another mode, and holds all ears against it: until its confirmation, and from there on.
    #[track_caller]
    pub(super) fn switch(&mut self, call: &str, mode: &str) -> Change {
        let began = self.marks();
        self.supervisor.forget();
        self.supervisor.ask("set_supervision_mode", call, json!({ "mode": mode }));
        let asked = self.supervisor.wait_told(&format!("{mode} requested"), PATIENCE, |event| {
            event["event"] == "supervision" && event["requested"] == mode
        });
        let told = confirmed(&mut self.supervisor, call, mode);
        let ms = |event: &serde_json::Value| event["at_ms"].as_f64().unwrap_or_default();
        let took = Duration::from_secs_f64((ms(&told) - ms(&asked.event)).max(0.0) / 1000.0);
        self.is_so(mode, self.marks());
        let [agent, customer, _] = self.voices;
        let [agents, customers, supervisors] = self.heard_since(began);
        let his = supervisors.longest_without(agent).max(supervisors.longest_without(customer));
        let gaps = [agents.longest_without(customer), customers.longest_without(agent), his];
        Change { took, gaps }
    }

    /// This mode was confirmed when the ears were so far: all hear what they are to, and from [`SETTLES`] on nothing else.
    #[track_caller]
    fn is_so(&mut self, mode: &str, confirmed: [u64; 3]) {
        match mode {
            "listen" => self.nobody_hears_him(),
            "whisper" => self.the_agent_hears_him(),
            _ => {
                self.both_hear_him();
                self.supervisor.listen(WHILE);
            }
        }
        self.he_hears_both();
        let [agent, customer, supervisor] = self.voices;
        let mut wanted = [vec![customer], vec![agent], vec![agent, customer]];
        if mode != "listen" {
            wanted[0].push(supervisor);
        }
        if mode == "barge" {
            wanted[1].push(supervisor);
        }
        let names = ["the agent", "the customer", "the supervisor"];
        for ((heard, wanted), who) in self.heard_since(confirmed).into_iter().zip(wanted).zip(names)
        {
            let heard = heard.part(SETTLES, heard.length());
            for tone in self.voices {
                if wanted.contains(&tone) {
                    let missed = heard.longest_without(tone);
                    assert!(missed < GAP, "in {mode}, {who} misses {tone} for {missed:?}");
                } else {
                    assert_eq!(heard.times(tone), [], "in {mode}, {who} hears {tone}");
                }
            }
        }
    }

    fn phones(&self) -> [&Phone; 3] {
        [&self.agent, &self.customer, &self.supervisor]
    }

    /// How far the ears are.
    pub(super) fn marks(&self) -> [u64; 3] {
        self.phones().map(Phone::mark)
    }

    fn heard_since(&self, marks: [u64; 3]) -> [Heard; 3] {
        let [agent, customer, supervisor] = self.phones();
        let [agents, customers, supervisors] = marks;
        [
            agent.heard_since(agents),
            customer.heard_since(customers),
            supervisor.heard_since(supervisors),
        ]
    }

    /// The agent holds or resumes, and the supervisor is told whether he is heard.
    #[track_caller]
    pub(super) fn hold(&mut self, call: &str, on: bool) {
        self.supervisor.forget();
        self.agent.ask("hold", &self.call, json!({ "on": on }));
        self.agent.wait_call("hold", &self.call);
        self.told_heard(call, !on, HOLD_SEEN);
    }

    /// The supervisor is told by then whether the agent hears him.
    #[track_caller]
    pub(super) fn told_heard(&mut self, call: &str, heard: bool, within: Duration) {
        self.supervisor.wait(&format!("heard: {heard}"), within, |event| {
            let of_call = event["event"] == "supervision" && event["call"] == call;
            of_call && event["heard"] == heard
        });
    }

    #[track_caller]
    pub(super) fn nobody_hears_him(&mut self) {
        let [agent, customer, _] = self.voices;
        self.agent.hears(customer);
        self.customer.hears(agent);
        self.customer.hears_nothing_but(&[agent], WHILE);
        self.agent.hears_nothing_but(&[customer], WHILE / 3);
    }

    /// Neither has heard him since then, for some time at least.
    #[track_caller]
    pub(super) fn nobody_hears_him_since(&mut self, marks: [u64; 3]) {
        self.nobody_hears_him();
        let [agent, customer, _] = self.voices;
        let [agents, customers, _] = self.heard_since(marks);
        agents.assert_never_but(&[customer], "the agent");
        customers.assert_never_but(&[agent], "the customer");
    }

    #[track_caller]
    pub(super) fn the_agent_hears_him(&mut self) {
        let [agent, customer, supervisor] = self.voices;
        self.agent.hears_all(&[customer, supervisor]);
        self.customer.hears(agent);
        self.customer.hears_nothing_but(&[agent], WHILE);
    }

    #[track_caller]
    pub(super) fn both_hear_him(&mut self) {
        let [agent, customer, supervisor] = self.voices;
        self.customer.hears_all(&[agent, supervisor]);
        self.agent.hears_all(&[customer, supervisor]);
    }

    #[track_caller]
    pub(super) fn he_hears_both(&mut self) {
        let [agent, customer, _] = self.voices;
        self.supervisor.hears_all(&[agent, customer]);
    }

    pub(super) fn leave(mut self) {
        self.log_out();
        for phone in [self.supervisor, self.customer, self.agent] {
            self.stage.leave(phone);
        }
    }

    /// The supervisor is gone already.
    pub(super) fn leave_without_him(mut self) {
        self.log_out();
        for phone in [self.customer, self.agent] {
            self.stage.leave(phone);
        }
    }

    fn log_out(&mut self) {
        if self.target == self.stage.line.agent() {
            // Wrap-up is over by then.
            self.agent.listen(Duration::from_secs(4));
            ask(&mut self.agent, json!({ "command": "logout" }), "logged_out");
        }
    }
}
