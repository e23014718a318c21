//! Packs that the server lacks, or that speak another version than the phone: told as such by what asks for them, without its
//! self-test.

use crate::features::Without;
use crate::scenarios::agent::{ask, until};
use crate::scenarios::supervision::{confirmed, connect, supervise};
use serde_json::{Value, json};
use sidetone_interop::bench::{Bench, Rewritten};
use sidetone_interop::lines::{Line, alone};
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::tones::Voice;

/// A phone that wants to know what an agent's packs tell.
fn agent() -> Phone {
    start("agent1", &["agent", "--sip", "--queues", "--recordings"])
}

fn start(user: &str, arguments: &[&str]) -> Phone {
    let setup = Bench::get().setup(user);
    let mut phone = Phone::start_with(user, &setup, &Voice::silence(), arguments);
    phone.wait_lamp("registered", PATIENCE);
    phone
}

fn without(context: &str) -> Without {
    Without::taking(&format!("dialplan remove context {context}"), "dialplan reload")
}

/// He talks to a customer.
fn at_work(agent: &mut Phone, customer: &mut Phone) -> String {
    until(agent, "in no queue", |agent| agent["state"] == "logged_out");
    ask(agent, json!({ "command": "login" }), "ready");
    connect(customer, agent, "1821")
}

fn part(agent: Phone, customer: Phone) {
    let phones = [agent, customer];
    Bench::get().sweep(&Line::own(1));
    for mut phone in phones {
        assert_eq!(phone.leave(), 0);
    }
}

#[test]
fn each_pack_that_the_server_lacks_is_told_as_missing_by_who_asks_for_it() {
    let _server = alone();
    {
        let _without = without("sidetone-agent");
        let mut phone = agent();
        phone.wait("no queues", PATIENCE, |event| event["agent"]["state"] == "unavailable");
        phone.send(json!({ "command": "login" }));
        assert_eq!(phone.wait_for("refused")["reason"], "no_queues");
        // The other packs are there.
        assert_eq!(phone.wait_for("recording_access")["access"], "allowed");
        assert_eq!(phone.leave(), 0);
    }
    {
        let _without = without("sidetone-record");
        let mut phone = agent();
        assert_eq!(phone.wait_for("recording_access")["access"], "unavailable");
        until(&mut phone, "the agent", |agent| agent["state"] == "logged_out");
        assert_eq!(phone.leave(), 0);
    }
    {
        let _without = without("sidetone-team");
        let mut phone = agent();
        phone.send(json!({ "command": "watch", "on": true }));
        phone.wait("no team", PATIENCE, |event| event["team"]["state"] == "unavailable");
        assert_eq!(phone.leave(), 0);
    }
    {
        let _without = without("sidetone-supervise");
        let (mut phone, mut customer) = (agent(), start("customer1", &["agent", "--sip"]));
        at_work(&mut phone, &mut customer);
        let mut supervisor = start("colleague1", &["supervisor", "--sip"]);
        let call = supervise(&mut supervisor, "agent1", "listen");
        let ended = supervisor.wait_ended(&call, "supervision_unknown_agent");
        assert!(ended["text"].to_string().contains("lacks supervise.conf"), "{ended}");
        assert_eq!(supervisor.leave(), 0);
        part(phone, customer);
    }
}

/// What every word of a pack begins with, and what it begins with in another version, or garbled.
const WORD: &str = r#"{"v":1,"#;
const OLDER: &str = r#"{"v":0,"#;
const NEWER: &str = r#"{"v":2,"#;
const GARBLED: &str = r#"{"v":1,,"#;

const MALFORMED: &str =
    "telling what this phone cannot read; ask its administrator to check its settings";

/// A pack that begins what it tells with this.
fn speaking(pack: &str, word: &str) -> Rewritten {
    Bench::get().rewrite(&format!("{pack}.conf"), WORD, word)
}

/// Waits until it is told that these are not understood.
#[track_caller]
fn unread(phone: &mut Phone, pack: &str, problem: &str, text: &str) {
    let told = phone.wait_for("unread_packs");
    let expected = json!([{ "pack": pack, "problem": problem, "text": text }]);
    assert_eq!(told["list"], expected, "{told}");
    assert_eq!(phone.snapshot()["unread_packs"], expected);
}

#[test]
fn a_pack_that_is_not_understood_is_told_with_what_to_do() {
    let _server = alone();
    for (pack, word, problem, text) in [
        ("agent", NEWER, "too_new", "newer than this phone; update the app"),
        ("agent", OLDER, "too_old", "older than this phone; ask its administrator to update it"),
        ("record", NEWER, "too_new", "newer than this phone; update the app"),
        ("team", NEWER, "too_new", "newer than this phone; update the app"),
        ("agent", GARBLED, "malformed", MALFORMED),
        ("record", GARBLED, "malformed", MALFORMED),
        ("team", GARBLED, "malformed", MALFORMED),
    ] {
        let other = speaking(pack, word);
        let mut phone = agent();
        if pack == "team" {
            phone.send(json!({ "command": "watch", "on": true }));
        }
        unread(&mut phone, pack, problem, &format!("the server's {pack}.conf is {text}"));
        let snapshot = phone.snapshot();
        match pack {
            "agent" => assert_eq!(snapshot["agent"]["state"], "unknown", "{snapshot}"),
            "record" => assert_eq!(snapshot["recording"], "unknown", "{snapshot}"),
            _ => {}
        }
        drop(other);
        if problem == "malformed" {
            // It is asked again.
            assert_eq!(phone.wait_for("unread_packs")["list"], json!([]));
        } else if pack == "agent" {
            // What he wants is done, and with the next word, of a pack that is mended, all is well.
            ask(&mut phone, json!({ "command": "login" }), "ready");
            assert_eq!(phone.wait_for("unread_packs")["list"], json!([]));
            ask(&mut phone, json!({ "command": "logout" }), "logged_out");
        }
        assert_eq!(phone.leave(), 0);
    }
}

#[test]
fn a_supervisor_whose_server_is_not_understood_is_told_so_and_heard_by_nobody() {
    let _server = alone();
    let (mut phone, mut customer) = (agent(), start("customer1", &["agent", "--sip"]));
    at_work(&mut phone, &mut customer);
    for (word, problem, text) in [
        (NEWER, "too_new", "newer than this phone; update the app"),
        (GARBLED, "malformed", MALFORMED),
    ] {
        let mut supervisor = start("colleague1", &["supervisor", "--sip"]);
        let other = speaking("supervise", word);
        let call = supervise(&mut supervisor, "agent1", "whisper");
        let failed = supervisor.wait_for("supervision_failed");
        assert_eq!((&failed["reason"], &failed["mode"]), (&json!(problem), &json!("whisper")));
        let text = format!("the server's supervise.conf is {text}");
        assert_eq!(failed["text"], text);
        unread(&mut supervisor, "supervise", problem, &text);
        let seen: Value = supervisor.snapshot()["calls"][0]["supervision"].clone();
        assert_eq!((&seen["mode"], &seen["speaks"]), (&Value::Null, &json!(false)), "{seen}");
        drop(other);
        // It is mended, and he asks again.
        supervisor.ask("set_supervision_mode", &call, json!({ "mode": "listen" }));
        confirmed(&mut supervisor, &call, "listen");
        assert_eq!(supervisor.wait_for("unread_packs")["list"], json!([]));
        supervisor.ask("hangup", &call, json!({}));
        supervisor.wait_ended(&call, "local");
        assert_eq!(supervisor.leave(), 0);
    }
    part(phone, customer);
}
