//! The program beside its calls: the doctor, exit statuses, commands that are refused.

use serde_json::{Value, json};
use sidetone_interop::bench::Bench;
use sidetone_interop::lines::beside_others;
use sidetone_interop::phone::{PATIENCE, Phone, Scratch, Setup};
use sidetone_interop::roam::{Roam, Trouble};
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::Voice;
use std::process::Command;
use std::time::Duration;

/// The doctor's checks: each name and whether it passed; and the exit status.
fn doctor(setup: &Setup) -> (Vec<(String, bool)>, i32) {
    let mut doctor = Phone::start_with("doctor", setup, &Voice::silence(), &["doctor"]);
    let status = doctor.finish(Duration::from_secs(45));
    // What the server has and the user may is told beside them.
    let checks =
        doctor.told().filter(|event| event["event"] == "check" && event["optional"].is_null());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let checks: Vec<_> = checks
        .map(|check| {
            let ok = check["ok"] == true;
            assert_eq!(check["advice"].is_string(), !ok, "advice where it failed: {check}");
            (text(&check["name"]), ok)
        })
        .collect();
    (checks, status)
}

fn fails_at(setup: &Setup, check: &str) {
    let (checks, status) = doctor(setup);
    assert_eq!(status, 1);
    let (last, before) = checks.split_last().expect("there are checks");
    assert_eq!(before[0].0, "audio", "what the harness gives is there: {checks:?}");
    assert_eq!(last, &(check.to_owned(), false), "{checks:?}");
    assert!(before.iter().all(|(_, ok)| *ok), "{checks:?}");
}

#[test]
fn the_doctor_finds_nothing_wrong() {
    let stage = Stage::asterisk();
    let (checks, status) = doctor(&stage.server.setup(&stage.line.agent()));
    let names = ["audio", "DNS", "TCP", "TLS", "WSS", "REGISTER", "ICE", "DTLS", "echo call"];
    assert_eq!(checks, names.map(|name| (name.to_owned(), true)));
    assert_eq!(status, 0);
}

#[test]
fn the_doctor_finds_what_is_wrong() {
    let _unharmed = beside_others();
    let good = Bench::get().setup("agent1");
    let at = |server: &str| Setup { server: server.to_owned(), ..good.clone() };
    fails_at(&at("wss://nowhere.bench.test:8089/ws"), "DNS");
    fails_at(&at("wss://pbx.bench.test:8450/ws"), "TCP");
    fails_at(&at("wss://pbx.bench.test:8442/ws"), "TLS");
    fails_at(&at("wss://pbx.bench.test:8444/ws"), "WSS");
    fails_at(&Setup { password: "wrong".to_owned(), ..good.clone() }, "REGISTER");
}

#[test]
fn the_doctor_finds_a_microphone_that_is_none_and_checks_the_rest() {
    let stage = Stage::asterisk();
    let setup = stage.server.setup(&stage.line.agent());
    let folder = Scratch::new("doctor-audio");
    let arguments = ["doctor", "--json", "--mic", "no such device", "--speaker", "null"];
    let output = setup.command(&arguments, &folder.0).output().expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let checks: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON lines"))
        .filter(|event: &Value| event["event"] == "check" && event["optional"].is_null())
        .collect();
    let (audio, others) = checks.split_first().expect("there are checks");
    assert_eq!((&audio["name"], &audio["ok"]), (&json!("audio"), &json!(false)), "{audio}");
    assert!(audio["advice"].as_str().is_some_and(|advice| advice.contains("--mic")), "{audio}");
    assert_eq!(others.len(), 8, "{text}");
    assert!(others.iter().all(|check| check["ok"] == true), "{text}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_doctor_finds_ice_servers_that_give_nothing_and_names_the_codec_of_the_rest() {
    let stage = Stage::asterisk();
    let setup = stage.server.setup(&stage.line.agent());
    let servers = "stun:127.0.0.1:9,turn:user:hidden@nowhere.bench.test:3478";
    let arguments = ["doctor", "--ice-server", servers];
    let mut doctor = Phone::start_with("doctor", &setup, &Voice::silence(), &arguments);
    let mut check = |name: &str| {
        let what = format!("the check {name}");
        doctor.wait(&what, Duration::from_secs(30), |e| e["event"] == "check" && e["name"] == name)
    };
    for (name, url, advice) in [
        ("STUN", "stun:127.0.0.1:9: it has not answered", "check that it runs"),
        ("TURN", "turn:nowhere.bench.test:3478: its name cannot be resolved", "check the name"),
    ] {
        let told = check(name);
        let says = |field: &str, text: &str| {
            told[field].as_str().is_some_and(|said| said.starts_with(text))
        };
        assert!(told["ok"] == false && says("detail", url) && says("advice", advice), "{told}");
    }
    let echo = check("echo call");
    assert!(echo["ok"] == true, "a call goes without them: {echo}");
    assert!(echo["detail"].as_str().is_some_and(|it| it.contains(" dBFS with opus;")), "{echo}");
    assert_eq!(doctor.finish(PATIENCE), 1);
}

#[test]
fn the_doctor_finds_a_network_that_lets_no_audio_pass() {
    let stage = Stage::asterisk();
    let roam = Roam::new(stage.line.number());
    let setup = roam.setup(&Bench::get(), &stage.line.agent());
    roam.begin(&Trouble::NoUdp);
    let mut doctor = Phone::start_with("doctor", &setup, &Voice::silence(), &["doctor"]);
    let status = doctor.finish(Duration::from_secs(60));
    roam.end(&Trouble::NoUdp);
    let last = doctor.told().last().expect("it says something");
    assert_eq!((&last["name"], &last["ok"]), (&json!("ICE"), &json!(false)), "{last}");
    assert!(last["advice"].as_str().is_some_and(|advice| advice.contains("UDP")), "{last}");
    assert_eq!(status, 1);
}

/// The network lets UDP pass to one port alone, where coturn is: the audio goes by its relay, both ways.
#[test]
fn the_doctor_finds_the_way_of_the_audio_through_a_turn_server() {
    let stage = Stage::asterisk();
    let roam = Roam::new(stage.line.number());
    let setup = roam.setup(&Bench::get(), &stage.line.agent());
    let turn = std::env::var("SIDETONE_BENCH_TURN").expect("the bench is up");
    let wrong = turn.replace(":secret-", ":no-");
    let stun = std::env::var("SIDETONE_BENCH_STUN").expect("the bench is up");
    roam.begin(&Trouble::OnlyTurn);
    let servers = [stun, turn, wrong].join(",");
    let arguments = ["doctor", "--ice-server", &servers];
    let mut doctor = Phone::start_with("doctor", &setup, &Voice::silence(), &arguments);
    let status = doctor.finish(Duration::from_secs(60));
    roam.end(&Trouble::OnlyTurn);
    let told = |name: &str| {
        let named = doctor.told().filter(|check| check["name"] == name);
        named.map(|it| (it["ok"] == true, it["detail"].to_string())).collect::<Vec<_>>()
    };
    let is = |(ok, detail): &(bool, String), good: bool, end: &str| {
        assert!(*ok == good && detail.ends_with(end), "{detail}: {end}");
    };
    is(&told("STUN")[0], true, "(srflx)\"");
    is(&told("TURN")[0], true, "(relay)\"");
    is(&told("TURN")[1], false, "it does not take this user and secret (401)\"");
    let ice = told("ICE");
    assert!(ice[0].0 && ice[0].1.starts_with("\"relay "), "{ice:?}");
    assert!(told("echo call")[0].0, "both ways: {:?}", told("echo call"));
    assert_eq!(status, 1, "for the wrong secret");
}

#[test]
fn the_doctor_finds_an_echo_that_is_none() {
    let stage = Stage::asterisk();
    let setup = stage.server.setup(&stage.line.agent());
    let arguments = ["doctor", "--echo", "612"];
    let mut doctor = Phone::start_with("doctor", &setup, &Voice::silence(), &arguments);
    let check = doctor.wait("the echo call", Duration::from_secs(30), |e| e["name"] == "echo call");
    assert_eq!(check["ok"], false, "612 is silent: {check}");
    assert_eq!(doctor.finish(PATIENCE), 1);
}

#[test]
fn a_call_ends_with_a_status_that_tells() {
    let stage = Stage::asterisk();
    let setup = stage.server.setup(&stage.line.agent());
    for (arguments, status) in [
        (&["call", "600", "--duration", "1500"], 0),
        (&["call", "611", "--duration", "60000"], 0),
        (&["call", "603", "--duration", "1000"], 1),
        (&["call", "699", "--duration", "1000"], 1),
    ] {
        let mut call = Phone::start_with("call", &setup, &Voice::silence(), arguments);
        assert_eq!(call.finish(Duration::from_secs(30)), status, "{arguments:?}");
        assert_eq!(call.count("ended"), 1, "{arguments:?}");
    }
}

/// Sends a signal to the program.
fn signal(phone: &Phone, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &phone.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "SIG{name} is sent");
}

#[test]
fn a_terminal_that_goes_away_leaves_no_call_and_no_binding_behind() {
    let stage = Stage::model();
    let mut agent = stage.agent(&Voice::silence());
    let call = agent.dial("600");
    agent.wait_call("answered", &call);
    signal(&agent, "HUP");
    assert_eq!(agent.finish(PATIENCE), 0);
    assert_eq!(agent.count("ended"), 1);
    let lamps = agent.told().filter(|event| event["event"] == "registration");
    assert_eq!(lamps.last().expect("there was a lamp")["state"], "unregistered");
}

#[test]
fn whoever_leaves_before_anything_came_of_it_has_failed() {
    let stage = Stage::model();
    let setup = stage.server.setup(&stage.line.agent());
    let mut call = Phone::start_with("call", &setup, &Voice::silence(), &["call", "610"]);
    call.wait_for("ringing");
    signal(&call, "INT");
    assert_eq!(call.finish(PATIENCE), 1, "nobody had answered");

    let wrong = Setup { password: "wrong".to_owned(), ..setup };
    let mut agent = Phone::start("agent", &wrong, &Voice::silence());
    agent.wait_lamp("failed", PATIENCE);
    signal(&agent, "TERM");
    assert_eq!(agent.finish(PATIENCE), 1, "the phone was never registered");
    assert_eq!(agent.count("error"), 1);
}

#[test]
fn the_doctor_does_not_blame_the_network_for_a_number_that_does_not_exist() {
    let stage = Stage::model();
    let setup = stage.server.setup(&stage.line.agent());
    let arguments = ["doctor", "--echo", "999"];
    let mut doctor = Phone::start_with("doctor", &setup, &Voice::silence(), &arguments);
    let fails = |event: &Value| event["ok"] == false && event["optional"].is_null();
    let check = doctor.wait("a failure", PATIENCE, fails);
    assert_eq!(check["name"], "echo call", "{check}");
    assert!(check["advice"].as_str().is_some_and(|text| text.contains("--echo")), "{check}");
    assert_eq!(doctor.finish(PATIENCE), 1);
}

#[test]
fn times_never_go_backwards() {
    let stage = Stage::model();
    let mut agent = stage.agent(&Voice::silence());
    for _ in 0..5 {
        let call = agent.dial("600");
        agent.wait_call("answered", &call);
        agent.ask("hangup", &call, json!({}));
        agent.wait_ended(&call, "local");
    }
    let times: Vec<f64> = agent.told().filter_map(|event| event["at_ms"].as_f64()).collect();
    assert!(times.is_sorted(), "{times:?}");
    stage.leave(agent);
}

#[test]
fn a_command_that_cannot_be_taken_is_refused_with_a_reason() {
    let stage = Stage::asterisk();
    let mut agent = stage.agent(&Voice::silence());
    let unknown = "6f1ed002-ab34-4b6e-a1f5-0123456789ab";
    let mut refused = |command: Value, reason: &str| {
        agent.send(command.clone());
        let answer = agent.wait("a refusal", PATIENCE, |event| event["event"] == "refused");
        assert_eq!(answer["reason"], reason, "{command}");
        assert!(answer["text"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
    };
    refused(json!({ "command": "answer", "call": unknown }), "unknown_call");
    refused(json!({ "command": "hangup", "call": unknown }), "unknown_call");
    refused(json!({ "command": "dial", "uri": "not a number" }), "invalid_target");
    refused(json!({ "command": "dance" }), "invalid_command");
    refused(json!("no object"), "invalid_command");
    refused(json!({ "command": "dtmf", "call": unknown, "digits": "12x" }), "invalid_digits");
    stage.leave(agent);
}

#[test]
fn a_message_of_ten_megabytes_is_refused_and_the_call_beside_it_goes_on() {
    let stage = Stage::model();
    let mut agent = stage.agent(&Voice::silence());
    let call = agent.dial("600");
    agent.wait_call("established", &call);
    let (to, text) = (stage.line.colleague_number(), "x".repeat(10 * 1024 * 1024));
    agent.send(json!({ "command": "message", "to": to, "text": text }));
    let refused = agent.wait_for("refused");
    assert_eq!(refused["reason"], "invalid_text", "{refused}");
    // Nor is it taken whole into what is told of it.
    assert!(refused.to_string().len() < 1000, "{} bytes", refused.to_string().len());
    assert_eq!(agent.count("ended"), 0);
    agent.ask("hangup", &call, json!({}));
    agent.wait_ended(&call, "local");
    stage.leave(agent);
}

#[test]
fn wrong_usage_ends_with_2_and_says_how_it_is_right() {
    let folder = Scratch::new("usage");
    let good = Setup { namespace: None, ..Bench::get().setup("agent1") };
    let wrong_server = Setup { server: "http://pbx.bench.test".to_owned(), ..good.clone() };
    let wrong_account = Setup { account: "agent1".to_owned(), ..good.clone() };
    for (setup, arguments, words) in [
        (&good, &["call"][..], "Usage"),
        (&good, &["agent", "--no-such-flag"], "--no-such-flag"),
        (&good, &["dance"], "dance"),
        (&wrong_server, &["agent", "--json"], "wss://"),
        (&wrong_account, &["agent", "--json"], "sip:user@domain"),
        (&good, &["agent", "--json", "--mic", "/nowhere.wav", "--speaker", "null"], "--mic null"),
        (&good, &["call", "600", "--mic", "no such device", "--speaker", "null"], "no such device"),
        (&good, &["agent", "--mic", "null", "--speaker", "/no/folder.wav"], "--speaker null"),
    ] {
        let output = setup.command(arguments, &folder.0).output().expect("the program runs");
        if arguments.contains(&"--json") {
            let line: Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
            assert_eq!(line["event"], "error", "{line}");
        }
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(words), "{arguments:?}: {text:?} does not say {words:?}");
    }
}
