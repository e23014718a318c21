//! A call that rings at the agent and is given up, declined, or answered late.

use super::{Talk, rings};
use serde_json::json;
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Tone, Voice};
use std::time::Duration;

/// The customer gives up a call to the agent: it stops ringing at once.
pub(crate) fn the_caller_gives_up(stage: &Stage) {
    let mut agent = stage.agent(&Voice::silence());
    let mut customer = stage.customer(&Voice::silence());
    let call = customer.dial(&stage.line.agent_number());
    let ringing = rings(&mut agent);
    customer.wait_call("ringing", &call);
    customer.ask("hangup", &call, json!({}));
    customer.wait_ended(&call, "local");
    agent.wait_ended(&ringing, "cancelled");
    assert_eq!(agent.count("answered"), 0);
    stage.leave(agent);
    stage.leave(customer);
}

/// The customer leaves the queue while it rings.
pub(crate) fn the_caller_leaves_the_queue(stage: &Stage) {
    let mut agent = stage.agent(&Voice::silence());
    let mut customer = stage.customer(&Voice::silence());
    let call = customer.dial(&stage.line.queue());
    let ringing = rings(&mut agent);
    customer.hears(Tone::MUSIC);
    customer.ask("hangup", &call, json!({}));
    customer.wait_ended(&call, "local");
    agent.wait_ended(&ringing, "cancelled");
    stage.leave(agent);
    stage.leave(customer);
}

/// The agent declines: the caller is told so.
pub(crate) fn declined(stage: &Stage) {
    refused(stage, json!({}), "refused");
}

/// The agent is busy: the caller is told so.
pub(crate) fn declined_as_busy(stage: &Stage) {
    refused(stage, json!({ "busy": true }), "busy");
}

fn refused(stage: &Stage, how: serde_json::Value, reason: &str) {
    let mut agent = stage.agent(&Voice::silence());
    let mut customer = stage.customer(&Voice::silence());
    let call = customer.dial(&stage.line.agent_number());
    let ringing = rings(&mut agent);
    customer.wait_call("ringing", &call);
    agent.ask("decline", &ringing, how);
    agent.wait_ended(&ringing, "declined");
    customer.wait_ended(&call, reason);
    stage.leave(agent);
    stage.leave(customer);
}

/// The agent declines a call of the queue: the customer keeps waiting, and it rings again.
pub(crate) fn declined_in_the_queue(stage: &Stage) {
    let [voice] = Tone::draw();
    let mut agent = stage.agent(&Voice::steady(voice));
    let mut customer = stage.customer(&Voice::silence());
    let call = customer.dial(&stage.line.queue());
    let first = rings(&mut agent);
    agent.ask("decline", &first, json!({}));
    agent.wait_ended(&first, "declined");
    customer.hears(Tone::MUSIC);
    let second = rings(&mut agent);
    assert_ne!(first, second, "each attempt is a call of its own");
    agent.ask("answer", &second, json!({}));
    agent.wait_call("established", &second);
    customer.hears(voice);
    customer.ask("hangup", &call, json!({}));
    agent.wait_ended(&second, "remote");
    stage.leave(agent);
    stage.leave(customer);
}

/// A call that has been ringing for half a minute is answered and sounds as any other.
pub(crate) fn answered_after_half_a_minute(stage: &Stage) {
    let [a, b, c, d] = Tone::draw();
    let (agent_says, customer_says) = ([a, b], [c, d]);
    let mut agent = stage.agent(&Voice::swapping(agent_says));
    let mut customer = stage.customer(&Voice::swapping(customer_says));
    let customer_call = customer.dial(&stage.line.agent_number());
    let agent_call = rings(&mut agent);
    customer.wait_call("ringing", &customer_call);
    agent.listen(Duration::from_secs(30));
    assert_eq!(agent.count("ended"), 0, "it rings still");
    agent.ask("answer", &agent_call, json!({}));
    agent.wait_call("established", &agent_call);
    customer.wait_call("established", &customer_call);
    let mut talk = Talk { agent, agent_call, agent_says, customer, customer_call, customer_says };
    talk.both_hear_both_tones();
    talk.end(stage);
}
