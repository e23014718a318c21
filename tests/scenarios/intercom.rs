//! A call that the server asks the phone to answer by itself.

use super::{A_WHILE, rings};
use serde_json::json;
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Tone, Voice};

/// It is answered after a second without the agent, who hears a tone before the caller.
pub(crate) fn answered_by_itself(stage: &Stage) {
    let [a, b] = Tone::draw();
    let mut agent = stage.agent_with(&Voice::steady(a), &["--answer-mode", "asked"]);
    let mut customer = stage.customer(&Voice::steady(b));
    let number = format!("130{}", stage.line.number());
    let theirs = customer.dial(&number);
    let call = rings(&mut agent);
    let told = agent.wait_call("auto_answering", &call);
    assert_eq!(told["after_ms"], 1000.0);
    let answered = agent.wait_call("answered", &call);
    let after = answered["at_ms"].as_f64().zip(told["at_ms"].as_f64()).map(|(a, b)| a - b);
    assert!(after.is_some_and(|ms| (950.0..3000.0).contains(&ms)), "{told} {answered}");
    agent.hears(b);
    customer.hears(a);
    assert_eq!(agent.heard().beeps(Tone::ALERT), 2, "the agent is told that he is heard");
    customer.heard().assert_never_but(&[a], "the caller hears no tone of the phone's");
    agent.ask("hangup", &call, json!({}));
    agent.wait_ended(&call, "local");
    customer.wait_ended(&theirs, "remote");
    stage.leave(agent);
    stage.leave(customer);
}

/// The agent has turned it off: it rings until he answers.
pub(crate) fn turned_off(stage: &Stage) {
    let mut agent = stage.agent_with(&Voice::silence(), &["--answer-mode", "asked"]);
    agent.order(json!({ "command": "set_auto_answer", "on": false }));
    let mut customer = stage.customer(&Voice::silence());
    let theirs = customer.dial(&format!("130{}", stage.line.number()));
    let call = rings(&mut agent);
    agent.listen(A_WHILE);
    assert_eq!(agent.count("answered"), 0);
    agent.ask("answer", &call, json!({}));
    agent.wait_call("established", &call);
    customer.ask("hangup", &theirs, json!({}));
    customer.wait_ended(&theirs, "local");
    agent.wait_ended(&call, "remote");
    stage.leave(agent);
    stage.leave(customer);
}
