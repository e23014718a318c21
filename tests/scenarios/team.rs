//! Who watches his team: told at once of everybody, then of each who changes and of the queue.

use super::agent::{ask, at_work};
use serde_json::{Value, json};
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::Voice;

/// Watches, and has been told everything.
pub(crate) fn watching(phone: &mut Phone) -> Value {
    phone.order(json!({ "command": "watch", "on": true }));
    let told = phone.wait("the team", PATIENCE, |event| {
        event["event"] == "team" && event["team"]["state"] == "current"
    });
    told["team"].clone()
}

/// A colleague logs in, pauses and leaves, and the queue has as many who are free; a watch ends when that is asked for.
pub(crate) fn seen(stage: &Stage) {
    let mut agent = at_work(stage);
    // What nobody has seen since it changed is told beside the first round.
    watching(&mut agent);
    agent.order(json!({ "command": "watch", "on": false }));
    let mut watcher = stage.colleague(&Voice::silence());
    let team = watching(&mut watcher);
    assert_eq!(team["queues"][0]["free"], 0, "{team}");
    for (command, state, free) in [
        (json!({ "command": "login" }), "ready", 1),
        (json!({ "command": "pause", "reason": "lunch" }), "not_ready", 0),
        (json!({ "command": "logout" }), "logged_out", 0),
    ] {
        ask(&mut agent, command, state);
        watcher.wait(state, PATIENCE, |event| {
            event["event"] == "colleague" && event["colleague"]["state"] == state
        });
        if state != "logged_out" {
            watcher.wait("how many are free", PATIENCE, |event| {
                event["event"] == "team_queue" && event["queue"]["free"] == free
            });
        }
    }
    watcher.order(json!({ "command": "watch", "on": false }));
    stage.leave(watcher);
    // His ladder is that of a day.
    assert_eq!(agent.leave(), 0);
}
