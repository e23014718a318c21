//! What the server has and what its user may, as its self-test says; refused by the phone at once, and by the server itself.

use serde_json::{Value, json};
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::Voice;

/// Waits until the server has said what it has; gives back the state of each, and why.
#[track_caller]
pub(crate) fn told(phone: &mut Phone) -> impl Fn(&str) -> (String, Option<String>) + use<> {
    let told = phone.wait("the server's word", PATIENCE, |event| {
        event["event"] == "features" && event["features"]["certain"] == true
    });
    move |name: &str| {
        let list = told["features"]["list"].as_array().map(Vec::as_slice).unwrap_or_default();
        let found = list.iter().find(|one| one["feature"] == name).expect("a feature");
        let text = |value: &Value| value.as_str().map(str::to_owned);
        (text(&found["state"]).unwrap_or_default(), text(&found["why"]))
    }
}

/// Asks for something that the phone refuses at once; why.
#[track_caller]
fn refused(phone: &mut Phone, command: Value) -> String {
    phone.send(command);
    phone.wait_for("refused")["reason"].as_str().unwrap_or_default().to_owned()
}

/// An agent has what agents have, and is no supervisor.
pub(crate) fn an_agents(stage: &Stage) {
    let mut agent = stage.agent_with(&Voice::silence(), &["--features"]);
    let is = told(&mut agent);
    for name in [
        "queues",
        "team",
        "recordings",
        "messages",
        "push",
        "outside_calls",
        "outside_transfers",
        "auto_answer",
        "settings",
    ] {
        assert_eq!(is(name), ("available".to_owned(), None), "{name}");
    }
    assert_eq!(is("supervision").0, "not_allowed");
    let supervise = json!({ "command": "supervise", "target": "agent2", "mode": "listen" });
    assert_eq!(refused(&mut agent, supervise), "not_allowed");
    stage.leave(agent);
}

/// Who may not call outside is refused by his phone, where it knows, and by the server, where it does not.
pub(crate) fn kept_inside(stage: &Stage) {
    let outside = stage.line.customer_number();
    let mut clerk = stage.clerk_with(&Voice::silence(), &["--features"]);
    let is = told(&mut clerk);
    for name in ["queues", "outside_calls", "outside_transfers", "auto_answer", "settings"] {
        assert_eq!(is(name).0, "not_allowed", "{name}");
    }
    assert_eq!(refused(&mut clerk, json!({ "command": "dial", "uri": outside })), "not_allowed");
    stage.leave(clerk);
    let mut clerk = stage.clerk_with(&Voice::silence(), &[]);
    let call = clerk.dial(&outside);
    clerk.wait_ended(&call, "refused");
    stage.leave(clerk);
}
