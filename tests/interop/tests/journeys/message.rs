//! Messages from one agent to another through the pack, both ways.

use crate::scenarios::message::write;
use serde_json::{Value, json};
use sidetone_interop::phone::{PATIENCE, Phone, Scratch};
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::Voice;

#[test]
fn two_agents_write_to_each_other() {
    let stage = Stage::asterisk();
    let mut agent = stage.agent(&Voice::silence());
    let mut colleague = stage.colleague(&Voice::silence());
    write(&mut agent, &stage.line.colleague_number(), "a customer for you,\nsoon");
    let came = colleague.wait_for("message_received");
    assert_eq!(came["text"], "a customer for you,\nsoon");
    let name = came["party"]["name"].as_str().unwrap_or_default();
    assert!(name.starts_with("Agent "), "{came}");
    agent.wait_for("message_sent");
    for phone in [&agent, &colleague] {
        assert_eq!(phone.count("message_failed"), 0);
    }
    stage.leave(colleague);
    let id = write(&mut agent, &stage.line.colleague_number(), "gone?");
    let failed = agent.wait_for("message_failed");
    assert_eq!(
        (failed["message"].as_str(), failed["reason"].as_str()),
        (Some(&*id), Some("unreachable"))
    );
    stage.leave(agent);
}

#[test]
fn a_killed_phone_has_its_messages_and_what_became_of_them() {
    let stage = Stage::asterisk();
    let kept = Scratch::new("messages");
    let program = std::env::var("SIDETONE_BINARY").expect("SIDETONE_BINARY names the program");
    let start = || {
        let setup = stage.server.setup(&stage.line.agent());
        let command = [program.as_str(), "agent", "--sip"];
        let mut phone = Phone::start_other("agent", &setup, &Voice::silence(), &command, &kept.0);
        phone.wait_lamp("registered", PATIENCE);
        phone
    };
    let mut agent = start();
    let mut colleague = stage.colleague(&Voice::silence());
    write(&mut agent, &stage.line.agent_number(), "a note to myself");
    agent.wait_for("message_sent");
    let came = agent.wait_for("message_received");
    let arrived = write(&mut agent, &stage.line.colleague_number(), "a moment");
    colleague.wait_for("message_received");
    agent.wait_for("message_sent");
    assert_eq!(colleague.count("message_received"), 1);
    stage.leave(colleague);
    let lost = write(&mut agent, &stage.line.colleague_number(), "gone?");
    agent.wait_for("message_failed");
    agent.kill();

    let mut agent = start();
    agent.send(json!({ "command": "messages", "limit": 2 }));
    let latest = agent.wait_for("messages");
    let read = |page: &Value, at: usize, what: &str| page["messages"][at][what].clone();
    assert_eq!(
        [read(&latest, 0, "message"), read(&latest, 0, "state"), read(&latest, 0, "reason")],
        [json!(lost), json!("failed"), json!("unreachable")]
    );
    assert_eq!(
        [read(&latest, 1, "message"), read(&latest, 1, "state"), latest["more"].clone()],
        [json!(arrived), json!("accepted"), json!(true)]
    );
    agent.send(json!({ "command": "messages", "before": arrived }));
    let first = agent.wait_for("messages");
    assert_eq!(
        (first["messages"][0]["message"].clone(), &first["more"]),
        (came["message"].clone(), &json!(false))
    );
    assert_eq!(read(&first, 0, "text"), "a note to myself");
    agent.send(json!({ "command": "clear_messages" }));
    agent.wait_for("accepted");
    agent.kill();
    let mut agent = start();
    agent.send(json!({ "command": "messages" }));
    assert_eq!(agent.wait_for("messages")["messages"], json!([]));
    stage.leave(agent);
}
