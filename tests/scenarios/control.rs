//! Codes of the server's dial plan, each a control call.

use serde_json::{Value, json};
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::Voice;

/// Sends a code, and gives back what came of it.
#[track_caller]
pub(crate) fn control(phone: &mut Phone, code: &str) -> Value {
    let id = uuid::Uuid::new_v4().to_string();
    phone.order(json!({ "command": "control", "code": code, "control": id }));
    phone.wait("what came of a code", PATIENCE, |event| {
        let kind = event["event"].as_str().unwrap_or_default();
        ["control_done", "control_failed"].contains(&kind) && event["control"] == id.as_str()
    })
}

/// Nothing that was told is of a call.
#[track_caller]
pub(crate) fn was_no_call(phone: &Phone) {
    let of_calls =
        ["dialing", "ringing", "incoming", "answered", "ended", "media", "history_changed"];
    for event in of_calls {
        assert_eq!(phone.count(event), 0, "{event}\n{}", phone.story());
    }
    let media = |told: &&Value| told["step"].as_str().is_some_and(|step| step.starts_with("ice"));
    assert_eq!(phone.told().filter(media).count(), 0, "no socket is opened\n{}", phone.story());
}

/// It is done, and is in no list of calls.
pub(crate) fn done(stage: &Stage) {
    let mut agent = stage.agent(&Voice::silence());
    assert_eq!(control(&mut agent, "*700")["event"], "control_done");
    assert_eq!(agent.snapshot()["calls"], json!([]));
    agent.send(json!({ "command": "history" }));
    assert_eq!(agent.wait_for("history")["entries"], json!([]));
    bye(&mut agent, false);
    was_no_call(&agent);
    stage.leave(agent);
}

/// Each cause of a refusal is told by its kind.
pub(crate) fn refused(stage: &Stage) {
    let mut agent = stage.agent(&Voice::silence());
    for (code, reason) in [
        ("*701", "not_found"),
        ("*717", "busy"),
        ("*720", "unavailable"),
        ("*721", "forbidden"),
        ("*722", "gone"),
        ("*729", "not_implemented"),
        ("*734", "unavailable"),
        ("*758", "rejected"),
        ("*7000", "not_found"),
    ] {
        let told = control(&mut agent, code);
        assert_eq!(
            (&told["event"], &told["reason"]),
            (&json!("control_failed"), &json!(reason)),
            "{code}: {told}"
        );
    }
    was_no_call(&agent);
    stage.leave(agent);
}

/// A server that does not end it is hung up on; one that does not answer is given up.
pub(crate) fn left_open(stage: &Stage) {
    let mut agent = stage.agent(&Voice::silence());
    assert_eq!(control(&mut agent, "*799")["event"], "control_done");
    bye(&mut agent, true);
    assert_eq!(control(&mut agent, "*798")["reason"], "timed_out");
    agent.wait("487", PATIENCE, |event| {
        event["message"].as_str().is_some_and(|message| message.starts_with("SIP/2.0 487"))
    });
    was_no_call(&agent);
    stage.leave(agent);
}

/// Waits for the BYE, ours or the server's, and its answer.
#[track_caller]
fn bye(phone: &mut Phone, ours: bool) {
    phone.wait("a BYE", PATIENCE, |event| {
        event["sent"] == ours
            && event["message"].as_str().is_some_and(|text| text.starts_with("BYE "))
    });
    phone.wait("its answer", PATIENCE, |event| {
        event["sent"] == !ours
            && event["message"]
                .as_str()
                .is_some_and(|text| text.starts_with("SIP/2.0 200") && text.contains(" BYE"))
    });
}
