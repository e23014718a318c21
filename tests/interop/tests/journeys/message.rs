//! Messages from one agent to another through the pack, both ways.

use crate::scenarios::message::write;
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
