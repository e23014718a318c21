//! Several calls of one agent: swapped, joined, transferred and left to themselves, and who hears whom
//! all the while.

use super::rings;
use serde_json::json;
use sidetone_interop::phone::Phone;
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Tone, Voice};
use std::time::Duration;

/// An agent who talks to a customer, and a colleague whose phone is there.
pub(crate) struct Trio {
    pub(crate) agent: Phone,
    pub(crate) customer: Phone,
    pub(crate) colleague: Phone,
    /// The agent's call with the customer.
    pub(crate) call: String,
    /// The customer's.
    pub(crate) theirs: String,
    pub(crate) agent_says: Tone,
    pub(crate) customer_says: Tone,
    colleague_says: Tone,
}

impl Trio {
    pub(crate) fn talking(stage: &Stage) -> Self {
        let [agent_says, customer_says, colleague_says] = Tone::draw();
        let mut agent = stage.agent(&Voice::steady(agent_says));
        let mut customer = stage.customer(&Voice::steady(customer_says));
        let colleague = stage.colleague(&Voice::steady(colleague_says));
        let theirs = customer.dial(&stage.line.queue());
        let call = rings(&mut agent);
        agent.ask("answer", &call, json!({}));
        agent.wait_call("established", &call);
        agent.hears(customer_says);
        customer.hears(agent_says);
        Self { agent, customer, colleague, call, theirs, agent_says, customer_says, colleague_says }
    }

    /// The agent calls the colleague, who answers; the customer hears music meanwhile. Gives the
    /// agent's call and the colleague's.
    #[track_caller]
    fn consult(&mut self, stage: &Stage) -> (String, String) {
        let call = self.agent.dial(&stage.line.colleague_number());
        let held = self.agent.wait_call("hold", &self.call);
        assert_eq!(held["local"], true, "{held}");
        let theirs = rings(&mut self.colleague);
        self.colleague.ask("answer", &theirs, json!({}));
        self.agent.wait_call("established", &call);
        self.agent.hears(self.colleague_says);
        self.colleague.hears(self.agent_says);
        self.customer.hears(Tone::MUSIC);
        (call, theirs)
    }

    /// The customer and the colleague hear each other, and nobody else.
    #[track_caller]
    fn the_others_talk(&mut self) {
        self.customer.hears(self.colleague_says);
        self.colleague.hears(self.customer_says);
    }

    /// The customer hangs up, the colleague's call ends, all leave.
    fn end(mut self, stage: &Stage, colleagues: &str) {
        self.customer.ask("hangup", &self.theirs, json!({}));
        self.customer.wait_ended(&self.theirs, "local");
        self.colleague.wait_ended(colleagues, "remote");
        self.leave(stage);
    }

    pub(crate) fn leave(self, stage: &Stage) {
        stage.leave(self.agent);
        stage.leave(self.customer);
        stage.leave(self.colleague);
    }
}

pub(crate) fn a_blind_transfer_brings_the_customer_to_the_colleague(stage: &Stage) {
    let mut trio = Trio::talking(stage);
    let to = stage.line.colleague_number();
    trio.agent.ask("transfer", &trio.call, json!({ "to": to }));
    let colleagues = rings(&mut trio.colleague);
    trio.colleague.ask("answer", &colleagues, json!({}));
    trio.agent.wait_ended(&trio.call, "transferred");
    trio.the_others_talk();
    trio.end(stage, &colleagues);
}

pub(crate) fn an_attended_transfer_brings_customer_and_colleague_together(stage: &Stage) {
    let mut trio = Trio::talking(stage);
    let (call, colleagues) = trio.consult(stage);
    trio.agent.ask("attended", &trio.call, json!({ "with": call }));
    trio.agent.wait_ended(&trio.call, "transferred");
    trio.agent.wait_ended(&call, "transferred");
    trio.the_others_talk();
    trio.end(stage, &colleagues);
}

pub(crate) fn swapped_the_one_talks_and_the_other_hears_music(stage: &Stage) {
    let mut trio = Trio::talking(stage);
    let (call, colleagues) = trio.consult(stage);
    for _ in 0..2 {
        trio.agent.order(json!({ "command": "swap" }));
        trio.agent.hears(trio.customer_says);
        trio.customer.hears(trio.agent_says);
        trio.colleague.hears(Tone::MUSIC);
        trio.agent.order(json!({ "command": "swap" }));
        trio.agent.hears(trio.colleague_says);
        trio.colleague.hears(trio.agent_says);
        trio.customer.hears(Tone::MUSIC);
    }
    let (customer, colleague) = (trio.customer_says, trio.colleague_says);
    trio.agent.heard().assert_never_but(&[customer, colleague], "the agent");
    trio.agent.ask("hangup", &call, json!({}));
    trio.agent.wait_ended(&call, "local");
    trio.colleague.wait_ended(&colleagues, "remote");
    trio.agent.ask("hold", &trio.call, json!({ "on": false }));
    trio.agent.hears(customer);
    trio.agent.ask("hangup", &trio.call, json!({}));
    trio.customer.wait_ended(&trio.theirs, "remote");
    trio.leave(stage);
}

pub(crate) fn joined_each_hears_the_two_others_and_left_they_talk_on(stage: &Stage) {
    let mut trio = Trio::talking(stage);
    let (call, colleagues) = trio.consult(stage);
    trio.agent.order(json!({ "command": "merge", "calls": [trio.call, call] }));
    let merged = trio.agent.wait_for("merged");
    assert_eq!(merged["calls"].as_array().map(Vec::len), Some(2), "{merged}");
    let (agent, customer, colleague) = (trio.agent_says, trio.customer_says, trio.colleague_says);
    trio.agent.hears_all(&[customer, colleague]);
    trio.customer.hears_all(&[agent, colleague]);
    trio.colleague.hears_all(&[agent, customer]);
    for id in [trio.call.clone(), call.clone()] {
        trio.agent.ask("mute", &id, json!({ "on": true }));
    }
    trio.customer.hears(colleague);
    trio.colleague.hears(customer);
    trio.agent.order(json!({ "command": "leave" }));
    trio.agent.wait_ended(&trio.call, "transferred");
    trio.agent.wait_ended(&call, "transferred");
    trio.the_others_talk();
    trio.customer.hears_nothing_but(&[colleague], Duration::from_secs(2));
    trio.end(stage, &colleagues);
}
