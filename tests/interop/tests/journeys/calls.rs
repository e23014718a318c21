//! Transfers that only Asterisk can do: what nobody takes comes back, and a machine takes part.

use crate::scenarios::several::Trio;
use serde_json::json;
use sidetone_interop::phone::PATIENCE;
use sidetone_interop::stage::Stage;

#[test]
fn a_customer_whom_nobody_takes_comes_back() {
    let stage = Stage::asterisk();
    let mut trio = Trio::talking(&stage);
    trio.agent.ask("transfer", &trio.call, json!({ "to": "610" }));
    let back = trio.agent.wait("the customer again", PATIENCE, |event| {
        event["event"] == "incoming" && event["call"] != trio.call.as_str()
    });
    assert_eq!(back["data"]["returned_from"], "610", "{back}");
    trio.agent.wait_ended(&trio.call, "transferred");
    let call = back["call"].as_str().unwrap_or_default().to_owned();
    trio.agent.ask("answer", &call, json!({}));
    trio.agent.hears(trio.customer_says);
    trio.customer.hears(trio.agent_says);
    trio.customer.ask("hangup", &trio.theirs, json!({}));
    trio.agent.wait_ended(&call, "remote");
    trio.leave(&stage);
}

#[test]
fn an_attended_transfer_reaches_a_machine_too() {
    let stage = Stage::asterisk();
    let mut trio = Trio::talking(&stage);
    let echo = trio.agent.dial("600");
    trio.agent.wait_call("established", &echo);
    trio.agent.hears(trio.agent_says);
    trio.agent.ask("attended", &trio.call, json!({ "with": echo }));
    trio.agent.wait_ended(&trio.call, "transferred");
    trio.agent.wait_ended(&echo, "transferred");
    trio.customer.hears(trio.customer_says);
    trio.customer.ask("hangup", &trio.theirs, json!({}));
    trio.customer.wait_ended(&trio.theirs, "local");
    trio.leave(&stage);
}
