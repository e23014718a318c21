//! A supervisor of an agent's call: confirmed by the server, changed, refused, and over when that is.

use super::agent::{ask, at_work};
use serde_json::{Value, json};
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::Voice;

/// Supervises; the call's id.
pub(crate) fn supervise(phone: &mut Phone, agent: &str, mode: &str) -> String {
    phone.order(json!({ "command": "supervise", "target": agent, "mode": mode }));
    phone.wait_for("dialing")["call"].as_str().expect("a call has an id").to_owned()
}

/// Waits until the server has confirmed this mode, and nothing else is asked for.
#[track_caller]
pub(crate) fn confirmed(phone: &mut Phone, call: &str, mode: &str) -> Value {
    phone.wait(&format!("{mode} confirmed"), PATIENCE, |event| {
        let of_call = event["event"] == "supervision" && event["call"] == call;
        of_call && event["mode"] == mode && event["requested"].is_null()
    })
}

/// A customer calls an agent's queue, who answers; the agent's call.
pub(crate) fn connect(customer: &mut Phone, agent: &mut Phone, number: &str) -> String {
    customer.dial(number);
    let call = agent.wait_for("incoming")["call"].as_str().expect("a call").to_owned();
    agent.order(json!({ "command": "answer", "call": call }));
    agent.wait_call("established", &call);
    call
}

/// Nothing to hear at first, then a call that is listened to and whispered in until it is over.
pub(crate) fn until_the_call_is_over(stage: &Stage) {
    let (mut agent, mut customer) = (at_work(stage), stage.customer(&Voice::silence()));
    let mut supervisor = stage.colleague(&Voice::silence());
    let name = stage.line.agent();
    ask(&mut agent, json!({ "command": "login" }), "ready");
    let early = supervise(&mut supervisor, &name, "listen");
    supervisor.wait_ended(&early, "supervision_not_in_call");
    let call = connect(&mut customer, &mut agent, &stage.line.desk());
    let watched = supervise(&mut supervisor, &name, "listen");
    let told = confirmed(&mut supervisor, &watched, "listen");
    assert_eq!(told["speaks"], false);
    supervisor.ask("set_supervision_mode", &watched, json!({ "mode": "whisper" }));
    let told = confirmed(&mut supervisor, &watched, "whisper");
    assert_eq!(told["speaks"], true);
    agent.order(json!({ "command": "hangup", "call": call }));
    supervisor.wait_ended(&watched, "supervision_call_over");
    stage.leave(supervisor);
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    // Their ladders are those of `agent` and `queue`.
    for mut phone in [customer, agent] {
        assert_eq!(phone.leave(), 0);
    }
}
