//! Who may not supervise is refused by the server, hears nothing, and is written down.

use super::floor::Floor;
use crate::scenarios::supervision::{confirmed, supervise};
use serde_json::json;
use sidetone_interop::bench::Bench;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::Voice;
use std::time::Duration;

#[track_caller]
fn refused(phone: &mut Phone, agent: &str, mode: &str, reason: &str) {
    let call = supervise(phone, agent, mode);
    phone.wait_ended(&call, reason);
}

pub(super) fn written(stage: &Stage, who: &str, whom: &str) -> Vec<String> {
    let Server::Asterisk(bench) = &stage.server else { return Vec::new() };
    let file = bench.folder.join("asterisk/log/supervise.csv");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let of_them = rows.filter(|row| row.len() == 6 && row[1] == who && row[2] == whom);
    of_them.map(|row| format!("{} {}", row[3], row[4])).collect()
}

#[test]
fn who_may_not_is_refused_by_the_server_which_writes_it_down() {
    let mut floor = Floor::new();
    let line = floor.stage.line.number();
    let (agent, colleague) = (floor.stage.line.agent(), floor.stage.line.colleague());
    let elsewhere = &format!("agent{}", line % 4 + 1);
    let before = floor.written(&colleague, elsewhere).len();
    for mode in ["listen", "whisper", "barge"] {
        // Another team's agent, whether he talks or not.
        refused(&mut floor.supervisor, elsewhere, mode, "supervision_forbidden");
    }
    let rows = ["listen refused-403", "whisper refused-403", "barge refused-403"];
    assert_eq!(floor.written(&colleague, elsewhere)[before..], rows);
    refused(&mut floor.supervisor, "1001", "listen", "supervision_unknown_agent");
    // An agent, and who is nobody: they hold their own calls for that.
    for phone in [&mut floor.agent, &mut floor.customer] {
        refused(phone, &agent, "listen", "supervision_forbidden");
        phone.order(json!({ "command": "swap" }));
    }
    floor.nobody_hears_him();
    // Who may only listen.
    let bench = Bench::get();
    let auditor = format!("auditor{line}");
    let speaks = Voice::steady(floor.voices[2]);
    let mut other = Phone::start("auditor", &bench.setup(&auditor), &speaks);
    other.wait_lamp("registered", PATIENCE);
    refused(&mut other, &agent, "barge", "supervision_forbidden");
    let call = supervise(&mut other, &agent, "listen");
    confirmed(&mut other, &call, "listen");
    let before = written(&floor.stage, &auditor, &agent).len();
    for mode in ["whisper", "barge"] {
        other.order(json!({ "command": "set_supervision_mode", "call": call, "mode": mode }));
        let failed = other.wait_call("supervision_failed", &call);
        assert_eq!((&failed["mode"], &failed["reason"]), (&mode.into(), &"forbidden".into()));
    }
    other.hears_all(&floor.voices[..2]);
    floor.nobody_hears_him();
    let rows = ["listen refused-whisper", "listen refused-barge"];
    assert_eq!(written(&floor.stage, &auditor, &agent)[before..], rows);
    // Nothing but the code, and nothing after it: what a phone writes there is taken for what it is.
    let injected = format!("{agent}*listen*follow*barge");
    other.send(json!({ "command": "supervise", "target": injected, "mode": "listen" }));
    assert_eq!(other.wait_for("refused")["reason"], "invalid_agent");
    let call = other.dial(&format!("sip:sidetone*supervise*{agent}%2C,*listen@bench.test"));
    other.wait_ended(&call, "unreachable");
    assert_eq!(other.leave(), 0);
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.agent.wait_ended(&floor.call, "local");
    // The server takes some moments to be done with it; then the agent is in no call any more.
    floor.supervisor.listen(Duration::from_secs(2));
    refused(&mut floor.supervisor, &agent, "listen", "supervision_not_in_call");
    floor.leave();
}
