//! A customer calls the queue, the agent answers, and one of them ends it.

use super::Talk;
use serde_json::json;
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::Voice;

/// Answered and talked; tones change in mid-call; in silence nobody hears anything; the agent ends it.
pub(crate) fn the_agent_hangs_up(stage: &Stage) {
    let mut talk = Talk::through_the_queue(stage, Voice::swapping_and_silent);
    both_report_first_audio(&mut talk);
    talk.both_hear_both_tones();
    talk.agent.hears_silence();
    talk.customer.hears_silence();
    talk.end(stage);
}

/// The same, and the customer ends it.
pub(crate) fn the_customer_hangs_up(stage: &Stage) {
    let mut talk = Talk::through_the_queue(stage, Voice::swapping_and_silent);
    talk.both_hear_both_tones();
    talk.customer.ask("hangup", &talk.customer_call, json!({}));
    talk.customer.wait_ended(&talk.customer_call, "local");
    talk.agent.wait_ended(&talk.agent_call, "remote");
    talk.nobody_heard_anything_else();
    assert!(talk.agent.count("quality") > 0, "the agent is told how the media goes");
    stage.leave(talk.customer);
    stage.leave(talk.agent);
}

/// Each phone says how long after the answer audio flowed, and it is believable.
fn both_report_first_audio(talk: &mut Talk) {
    let media = [
        talk.agent.wait_call("media", &talk.agent_call),
        talk.customer.wait_call("media", &talk.customer_call),
    ];
    for event in media {
        for name in ["first_sent_ms", "first_heard_ms"] {
            let ms = event[name].as_f64().unwrap_or(f64::MAX);
            assert!(ms < 2000.0, "{name} in {event}");
        }
    }
}
