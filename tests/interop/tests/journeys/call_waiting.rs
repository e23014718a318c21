//! A second call while the agent talks: a tone tells him, and nobody else.

use crate::scenarios::{Talk, rings};
use serde_json::json;
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Tone, Voice};
use std::time::Duration;

#[test]
fn the_agent_hears_that_a_call_waits_and_the_others_do_not() {
    let stage = Stage::asterisk();
    let mut talk = Talk::through_the_queue(&stage, Voice::swapping);
    talk.both_hear_both_tones();
    talk.nobody_heard_anything_else();
    let before = talk.agent.heard().length();
    let mut colleague = stage.colleague(&Voice::silence());
    let theirs = colleague.dial(&stage.line.agent_number());
    let waits = rings(&mut talk.agent);
    // At once, and again after nine seconds.
    talk.agent.listen(Duration::from_secs(11));
    let heard = talk.agent.heard();
    let count = heard.begins(Tone::WAITING, before);
    assert_eq!(count, 2, "{}", heard.part(before, heard.length() - before).describe());
    talk.agent.ask("decline", &waits, json!({}));
    talk.agent.wait_ended(&waits, "declined");
    colleague.wait_ended(&theirs, "refused");
    talk.agent.listen(Duration::from_secs(1));
    let after = talk.agent.heard().length();
    talk.agent.listen(Duration::from_secs(10));
    assert_eq!(talk.agent.heard().begins(Tone::WAITING, after), 0, "nobody waits any more");
    talk.both_hear();
    let [a, b] = talk.agent_says;
    talk.customer.heard().assert_never_but(&[a, b, Tone::MUSIC], "the customer");
    colleague.heard().assert_never_but(&[], "the colleague");
    talk.agent.ask("hangup", &talk.agent_call, json!({}));
    talk.agent.wait_ended(&talk.agent_call, "local");
    talk.customer.wait_ended(&talk.customer_call, "remote");
    for phone in [talk.agent, talk.customer, colleague] {
        stage.leave(phone);
    }
}
