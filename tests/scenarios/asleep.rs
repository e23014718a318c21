//! Agents whose phones are not there yet when the queue wants them.

use super::{Talk, rings};
use serde_json::json;
use sidetone_interop::phone::Phone;
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Tone, Voice};
use std::time::Duration;

/// The phone signs in while the caller waits, and is rung at once.
pub(crate) fn woken_and_talks(stage: &Stage) {
    let mut talk = woken(stage, |_, _| {});
    talk.both_hear_both_tones();
    talk.end(stage);
}

/// The agent declines: the queue goes on with another call.
pub(crate) fn declined_and_rung_anew(stage: &Stage) {
    let mut talk = woken(stage, |agent, call| {
        agent.ask("decline", call, json!({}));
        agent.wait_ended(call, "declined");
    });
    talk.both_hear();
    talk.end(stage);
}

/// `first` is done with the first attempt; a call that it has ended is followed by another.
fn woken(stage: &Stage, first: fn(&mut Phone, &str)) -> Talk {
    let [a, b, c, d] = Tone::draw();
    let (agent_says, customer_says) = ([a, b], [c, d]);
    let mut customer = stage.customer(&Voice::swapping(customer_says));
    let customer_call = customer.dial(&stage.line.push_queue());
    customer.wait_call("answered", &customer_call);
    customer.hears(Tone::MUSIC);
    customer.listen(Duration::from_secs(1));
    let mut agent = stage.agent(&Voice::swapping(agent_says));
    let mut agent_call = rings_with_its_name(&mut agent);
    first(&mut agent, &agent_call);
    if agent.count("ended") > 0 {
        let again = rings_with_its_name(&mut agent);
        assert_ne!(again, agent_call, "each attempt is a call of its own");
        agent_call = again;
    }
    agent.ask("answer", &agent_call, json!({}));
    agent.wait_call("established", &agent_call);
    customer.wait_call("established", &customer_call);
    Talk { agent, agent_call, agent_says, customer, customer_call, customer_says }
}

fn rings_with_its_name(agent: &mut Phone) -> String {
    let call = rings(agent);
    let headers = agent
        .told()
        .filter(|event| event["event"] == "incoming" && event["call"] == call.as_str())
        .map(|event| event["headers"].clone())
        .last()
        .expect("it rings");
    assert_eq!(headers["X-Call-UID"], call.as_str(), "{headers}");
    assert!(headers["X-Queue"].is_string(), "{headers}");
    call
}
