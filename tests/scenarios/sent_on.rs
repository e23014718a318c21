//! A server that sends the phone elsewhere (REFER).

use serde_json::json;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Tone, Voice};

/// A phone that follows is there, and the first call is over.
pub(crate) fn followed(stage: &Stage) {
    let [voice] = Tone::draw();
    let mut agent = stage.agent_with(&Voice::steady(voice), &["--refer-policy", "follow"]);
    let first = agent.dial("613");
    agent.wait_call("established", &first);
    agent.hears(Tone::ANSWERED);
    let new = sent_on(&mut agent, &first);
    agent.wait_call("established", &new);
    agent.wait_ended(&first, "referred");
    agent.hears(voice);
    agent.ask("hangup", &new, json!({}));
    agent.wait_ended(&new, "local");
    agent.heard().assert_never_but(&[Tone::ANSWERED, voice], "the agent");
    stage.leave(agent);
}

/// Where it is sent it is busy: the first call goes on.
pub(crate) fn followed_in_vain(stage: &Stage) {
    let mut agent = stage.agent_with(&Voice::silence(), &["--refer-policy", "follow"]);
    let first = agent.dial("614");
    agent.wait_call("established", &first);
    let new = sent_on(&mut agent, &first);
    agent.wait_ended(&new, "busy");
    agent.wait_call("referral_failed", &first);
    agent.hears(Tone::EARLY);
    end(stage, agent, &first);
}

/// It is sent to another domain, and does not go there.
pub(crate) fn sent_abroad(stage: &Stage) {
    let mut agent = stage.agent_with(&Voice::silence(), &["--refer-policy", "follow"]);
    stays(&mut agent, "615", "403");
    stage.leave(agent);
}

/// It is not to be sent anywhere.
pub(crate) fn not_followed(stage: &Stage) {
    let mut agent = stage.agent(&Voice::silence());
    stays(&mut agent, "613", "603");
    stage.leave(agent);
}

#[track_caller]
fn stays(agent: &mut Phone, number: &str, refusal: &str) {
    let first = agent.dial(number);
    agent.wait_call("established", &first);
    agent.wait("the refusal", PATIENCE, |event| {
        let message = event["message"].as_str().unwrap_or_default();
        message.starts_with(&format!("SIP/2.0 {refusal}")) && message.contains("REFER")
    });
    agent.hears(Tone::EARLY);
    assert_eq!(agent.count("dialing"), 1, "it has called nobody else");
    agent.ask("hangup", &first, json!({}));
    agent.wait_ended(&first, "local");
}

#[track_caller]
fn sent_on(agent: &mut Phone, first: &str) -> String {
    let told = agent.wait_call("referred", first);
    told["new"].as_str().expect("the new call has an id").to_owned()
}

#[track_caller]
fn end(stage: &Stage, mut agent: Phone, call: &str) {
    agent.ask("hangup", call, json!({}));
    agent.wait_ended(call, "local");
    stage.leave(agent);
}
