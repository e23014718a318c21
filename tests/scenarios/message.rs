//! Messages between two who are signed in, and to one who is not.

use serde_json::{Value, json};
use sidetone_interop::phone::Phone;
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::Voice;

/// Writes, and gives back the message's id.
#[track_caller]
pub(crate) fn write(phone: &mut Phone, to: &str, text: &str) -> String {
    let id = uuid::Uuid::new_v4().to_string();
    phone.send(json!({ "command": "message", "to": to, "text": text, "message": id }));
    phone.wait_for("accepted");
    id
}

#[track_caller]
fn of(told: &Value, id: &str) {
    assert_eq!(told["message"], id, "{told}");
}

/// A message arrives as it was written, with its writer's name, once.
pub(crate) fn arrives(stage: &Stage) {
    let mut agent = stage.agent(&Voice::silence());
    let mut customer = stage.customer(&Voice::silence());
    let text = format!("Grüße, \"you\" (50 %; {{x}}) {}", "ä".repeat(480));
    let id = write(&mut agent, &stage.line.agent_number(), &text);
    of(&agent.wait_for("message_sent"), &id);
    let came = agent.wait_for("message_received");
    assert_eq!(came["text"], text.as_str(), "to oneself, the longest");
    assert!(
        came["party"]["name"].as_str().is_some_and(|name| name.starts_with("Agent ")),
        "{came}"
    );
    assert_eq!(agent.count("message_received"), 1);
    assert_eq!(customer.count("message_received"), 0);
    stage.leave(agent);
    customer.send(json!({ "command": "messages" }));
    assert_eq!(customer.wait_for("messages")["messages"], json!([]));
    stage.leave(customer);
}

/// Who is not signed in gets none, and the writer is told.
pub(crate) fn nobody_there(stage: &Stage) {
    let mut agent = stage.agent(&Voice::silence());
    let nobody = format!("200{}", stage.line.number());
    let id = write(&mut agent, &nobody, "are you there?");
    of(&agent.wait_for("message_sent"), &id);
    let failed = agent.wait_for("message_failed");
    of(&failed, &id);
    assert_eq!(failed["reason"], "unreachable");
    agent.send(json!({ "command": "messages", "limit": 1 }));
    let page = agent.wait_for("messages");
    assert_eq!((&page["messages"][0]["state"], &page["more"]), (&json!("failed"), &json!(false)));
    assert_eq!(agent.count("message_received"), 0, "a report is no message");
    stage.leave(agent);
}
