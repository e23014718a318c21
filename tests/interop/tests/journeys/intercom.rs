//! A second call beside one that the phone has answered by itself.

use crate::scenarios::{A_WHILE, rings};
use serde_json::json;
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Tone, Voice};

#[test]
fn the_second_call_only_rings_and_the_first_talks_on() {
    let stage = Stage::asterisk();
    let [a, b] = Tone::draw();
    let mut agent = stage.agent_with(&Voice::steady(a), &["--answer-mode", "asked"]);
    let mut customer = stage.customer(&Voice::steady(b));
    let mut colleague = stage.colleague(&Voice::silence());
    let number = format!("130{}", stage.line.number());
    let theirs = customer.dial(&number);
    let call = rings(&mut agent);
    agent.wait_call("established", &call);
    let second = colleague.dial(&number);
    let beside = rings(&mut agent);
    agent.listen(A_WHILE);
    assert_eq!(agent.count("auto_answering"), 1, "the second only rings");
    assert_eq!(agent.count("answered"), 1);
    let seen = agent.snapshot();
    let automatic = |n: usize| seen["calls"][n]["automatic"].as_bool();
    assert_eq!((automatic(0), automatic(1)), (Some(true), Some(false)), "{seen}");
    assert_eq!(seen["auto_answer"], true);
    agent.hears(b);
    customer.hears(a);
    colleague.ask("hangup", &second, json!({}));
    colleague.wait_ended(&second, "local");
    agent.wait_ended(&beside, "cancelled");
    agent.ask("hangup", &call, json!({}));
    agent.wait_ended(&call, "local");
    customer.wait_ended(&theirs, "remote");
    for phone in [agent, customer, colleague] {
        stage.leave(phone);
    }
}
