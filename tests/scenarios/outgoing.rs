//! Calls out: to machines that echo, are busy, are not there, speak early or hang up.

use serde_json::json;
use sidetone_interop::phone::PATIENCE;
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Tone, Voice};

/// The echo sends back what was said, and only while it was said.
pub(crate) fn an_echo(stage: &Stage) {
    let [one, two] = Tone::draw();
    let mut agent = stage.agent(&Voice::swapping_and_silent([one, two]));
    let call = agent.dial("600");
    agent.wait_call("answered", &call);
    agent.wait_call("established", &call);
    agent.hears(one);
    agent.hears(two);
    agent.hears_silence();
    agent.ask("hangup", &call, json!({}));
    agent.wait_ended(&call, "local");
    agent.heard().assert_never_but(&[one, two], "the agent");
    stage.leave(agent);
}

/// Busy is told as busy.
pub(crate) fn busy(stage: &Stage) {
    refused(stage, "603", "busy", "busy");
}

/// A number that does not exist.
pub(crate) fn a_number_that_does_not_exist(stage: &Stage) {
    refused(stage, "699", "unreachable", "404");
}

/// Nobody there.
pub(crate) fn nobody_there(stage: &Stage) {
    refused(stage, "606", "unreachable", "480");
}

/// The server has no line.
pub(crate) fn no_line(stage: &Stage) {
    refused(stage, "604", "rejected", "503");
}

/// The other side does not want to.
pub(crate) fn refused_by_the_other_side(stage: &Stage) {
    refused(stage, "607", "refused", "declined");
}

fn refused(stage: &Stage, number: &str, reason: &str, word: &str) {
    let mut agent = stage.agent(&Voice::silence());
    let call = agent.dial(number);
    let ended = agent.wait_ended(&call, reason);
    let text = ended["text"].as_str().unwrap_or_default();
    assert!(text.contains(word), "{text:?} does not say {word:?}");
    assert_eq!(agent.count("answered"), 0);
    stage.leave(agent);
}

/// What is played before the answer is heard before the answer.
pub(crate) fn early_media(stage: &Stage) {
    let [voice] = Tone::draw();
    let mut agent = stage.agent(&Voice::steady(voice));
    let call = agent.dial("602");
    agent.wait_call("early_media", &call);
    agent.hears(Tone::EARLY);
    assert_eq!(agent.count("answered"), 0, "it is not answered yet");
    agent.wait_call("answered", &call);
    agent.hears(Tone::ANSWERED);
    agent.ask("hangup", &call, json!({}));
    agent.wait_ended(&call, "local");
    agent.heard().assert_never_but(&[Tone::EARLY, Tone::ANSWERED], "the agent");
    stage.leave(agent);
}

/// Early media, and then busy.
pub(crate) fn early_media_and_then_busy(stage: &Stage) {
    let mut agent = stage.agent(&Voice::silence());
    let call = agent.dial("605");
    agent.hears(Tone::EARLY);
    agent.wait_ended(&call, "busy");
    stage.leave(agent);
}

/// The one who was called hangs up.
pub(crate) fn the_called_one_hangs_up(stage: &Stage) {
    let mut agent = stage.agent(&Voice::silence());
    let call = agent.dial("611");
    agent.wait_call("ringing", &call);
    agent.wait_call("answered", &call);
    agent.hears(Tone::ANSWERED);
    agent.wait_ended(&call, "remote");
    stage.leave(agent);
}

/// We give up while it rings there.
pub(crate) fn given_up_while_it_rings(stage: &Stage) {
    let mut agent = stage.agent(&Voice::silence());
    let call = agent.dial("610");
    agent.wait_call("ringing", &call);
    agent.ask("hangup", &call, json!({}));
    agent.wait_ended(&call, "local");
    let cancelled = agent.wait("487", PATIENCE, |event| {
        event["message"].as_str().is_some_and(|message| message.starts_with("SIP/2.0 487"))
    });
    assert_eq!(cancelled["sent"], false);
    stage.leave(agent);
}
