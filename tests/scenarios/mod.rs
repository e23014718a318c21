//! Journeys that suit every server: each is told once, and played on the model PBX and on a real
//! Asterisk with the same assertions. A file a kind of journey; a function a journey.

pub(crate) mod agent;
pub(crate) mod asleep;
pub(crate) mod control;
pub(crate) mod features;
pub(crate) mod hold;
pub(crate) mod intercom;
pub(crate) mod message;
pub(crate) mod outgoing;
pub(crate) mod queue;
pub(crate) mod recording;
pub(crate) mod ringing;
pub(crate) mod sent_on;
pub(crate) mod several;
pub(crate) mod supervision;
pub(crate) mod team;

use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Tone, Voice};
use std::time::Duration;

/// Two who talk: the customer called the queue, the agent answered.
pub(crate) struct Talk {
    pub(crate) agent: Phone,
    pub(crate) agent_call: String,
    /// What the agent says, in turn.
    pub(crate) agent_says: [Tone; 2],
    pub(crate) customer: Phone,
    pub(crate) customer_call: String,
    /// What the customer says, in turn.
    pub(crate) customer_says: [Tone; 2],
}

impl Talk {
    /// Both sign in, the customer calls the queue, the agent answers. Each speaks as `voice` makes
    /// of two tones.
    pub(crate) fn through_the_queue(stage: &Stage, voice: fn([Tone; 2]) -> Voice) -> Self {
        let [a, b, c, d] = Tone::draw();
        let (agent_says, customer_says) = ([a, b], [c, d]);
        let mut agent = stage.agent(&voice(agent_says));
        let mut customer = stage.customer(&voice(customer_says));
        let customer_call = customer.dial(&stage.line.queue());
        customer.wait_call("answered", &customer_call);
        let agent_call = rings(&mut agent);
        agent.ask("answer", &agent_call, serde_json::json!({}));
        agent.wait_call("established", &agent_call);
        customer.wait_call("established", &customer_call);
        Self { agent, agent_call, agent_says, customer, customer_call, customer_says }
    }

    /// Each hears the other, now one tone and then the other.
    #[track_caller]
    pub(crate) fn both_hear_both_tones(&mut self) {
        self.agent.hears(self.customer_says[0]);
        self.customer.hears(self.agent_says[0]);
        self.agent.hears(self.customer_says[1]);
        self.customer.hears(self.agent_says[1]);
    }

    /// Each hears the other.
    #[track_caller]
    pub(crate) fn both_hear(&mut self) {
        self.agent.hears_one_of(&self.customer_says);
        self.customer.hears_one_of(&self.agent_says);
    }

    /// Nobody heard anything in all the call but the other and the music of the queue.
    #[track_caller]
    pub(crate) fn nobody_heard_anything_else(&self) {
        let [a, b] = self.customer_says;
        self.agent.heard().assert_never_but(&[a, b, Tone::MUSIC], "the agent");
        let [a, b] = self.agent_says;
        self.customer.heard().assert_never_but(&[a, b, Tone::MUSIC], "the customer");
    }

    /// The agent hangs up, and both leave.
    #[track_caller]
    pub(crate) fn end(mut self, stage: &Stage) {
        self.agent.ask("hangup", &self.agent_call, serde_json::json!({}));
        self.agent.wait_ended(&self.agent_call, "local");
        self.customer.wait_ended(&self.customer_call, "remote");
        self.nobody_heard_anything_else();
        stage.leave(self.agent);
        stage.leave(self.customer);
    }
}

/// Waits until a call rings, and gives back its id.
#[track_caller]
pub(crate) fn rings(phone: &mut Phone) -> String {
    let incoming = phone.wait("a call", PATIENCE, |event| event["event"] == "incoming");
    incoming["call"].as_str().expect("a call has an id").to_owned()
}

/// Long enough to be sure that something is not heard.
pub(crate) const A_WHILE: Duration = Duration::from_millis(2500);
