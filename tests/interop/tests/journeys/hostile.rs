//! What a caller may write into his name to have it carried out, or to spoil what is written down: it passes through recordings,
//! to those who watch, and beside supervisors, and nothing comes of it.

use crate::scenarios::agent::{ask, at_work};
use crate::scenarios::supervision::{confirmed, supervise};
use serde_json::{Value, json};
use sidetone_interop::bench::Bench;
use sidetone_interop::lines::{Line, alone};
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::push::Mailbox;
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::Voice;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

/// Names that would make this file where a shell or a dialplan took them for what they are not, and others that break what is
/// written without care; with each what the agent is shown, where that is certain.
fn names(mark: &Path) -> Vec<(Vec<u8>, Option<String>)> {
    let path = mark.display();
    // The server keeps so many bytes of a name.
    let same = |name: String| (name.clone().into_bytes(), Some(name.chars().take(79).collect()));
    let long = format!("${{SHELL(touch {path})}}").repeat(8);
    vec![
        same(format!("$(touch {path})")),
        same(format!("`touch {path}`; touch {path} | touch {path} & touch {path}")),
        same(format!("${{SHELL(touch {path})}}")),
        same(format!("$[1+1],${{SYSTEM(touch {path})}})")),
        same("=HYPERLINK(1);+1,-1,@SUM(1)".to_owned()),
        same("../../../../tmp/x; a,b,c) ^ %22 %0a '".to_owned()),
        (long.bytes().take(200).collect(), None),
        ("漢".repeat(26).into_bytes().into_iter().chain(*b"\xe6\xbc").collect(), None),
        ("\u{202e}\u{2028}\u{feff}gnp.exe \u{10ffff}".to_owned().into_bytes(), None),
        (b"\xff\xc0\x80\xed\xa0\x80 ,\\\",".to_vec(), None),
    ]
}

/// Where a name that is carried out leaves its mark.
fn mark(what: &str) -> PathBuf {
    let mark = std::env::temp_dir().join(format!("hostile-{what}-{}", std::process::id()));
    assert!(!mark.exists(), "{}", mark.display());
    mark
}

/// A caller of this name, who hangs up after so many seconds.
fn call(bench: &Bench, number: &str, seconds: u32, name: &[u8]) -> Child {
    let mut caller = bench.program("pbx", "raw-caller");
    caller.args(["call", number, &seconds.to_string()]);
    Bench::start(caller, &[b"\"", name, b"\""].concat())
}

/// Answers what rings; the call, whose caller is shown by this name.
fn answered(agent: &mut Phone, name: Option<&str>) -> String {
    let incoming = agent.wait_for("incoming");
    if let Some(name) = name {
        assert_eq!(incoming["from"]["name"], name, "{incoming}");
    }
    let call = incoming["call"].as_str().expect("a call").to_owned();
    agent.order(json!({ "command": "answer", "call": call }));
    agent.wait_call("established", &call);
    call
}

#[test]
fn a_recording_is_named_by_nothing_that_a_caller_sets() {
    let bench = Bench::get();
    let stage = Stage::on(Server::Asterisk(bench.clone()), Line::numbered(2));
    let mark = mark("recording");
    let mut agent = stage.agent_with(&Voice::silence(), &["--recordings"]);
    for (name, shown) in names(&mark) {
        let mut caller = call(&bench, &format!("188{}", stage.line.number()), 3, &name);
        let call = answered(&mut agent, shown.as_deref());
        agent.wait("what is recorded", PATIENCE, |event| {
            let is_there = event["recordings"][0]["state"] == "recording";
            event["event"] == "recordings" && event["call"] == call && is_there
        });
        agent.wait_call("ended", &call);
        assert!(caller.wait().expect("it ends").success());
        assert!(!mark.exists(), "{} was carried out", String::from_utf8_lossy(&name));
    }
    let files = std::fs::read_dir(bench.folder.join("asterisk/spool/recordings")).expect("files");
    for name in files.filter_map(|file| file.ok()?.file_name().into_string().ok()) {
        let is_ours = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        assert!(name.chars().all(is_ours), "{name}");
    }
    stage.leave(agent);
}

#[test]
fn who_watches_and_who_supervises_is_told_the_truth_and_the_server_writes_it_down_in_its_columns() {
    let stage = Stage::asterisk();
    let Server::Asterisk(bench) = &stage.server else { unreachable!("it is Asterisk") };
    let (who, whom) = (stage.line.colleague(), stage.line.agent());
    let mark = mark("supervision");
    let mut agent = at_work(&stage);
    ask(&mut agent, json!({ "command": "login" }), "ready");
    let mut supervisor = stage.supervisor(&Voice::silence());
    let written = bench.folder.join("asterisk/log/supervise.csv");
    let rows = || std::fs::read_to_string(&written).unwrap_or_default();
    let before = rows().len();
    let names = names(&mark);
    for (name, shown) in &names {
        supervisor.forget();
        let mut caller = call(bench, &stage.line.desk(), 4, name);
        let talk = answered(&mut agent, shown.as_deref());
        supervisor.wait("that he is on a call", PATIENCE, |event| {
            let colleague = &event["colleague"];
            colleague["name"] == whom.as_str() && colleague["state"] == "on_call"
        });
        let watched = supervise(&mut supervisor, &whom, "listen");
        confirmed(&mut supervisor, &watched, "listen");
        supervisor.wait_ended(&watched, "supervision_call_over");
        agent.wait_call("ended", &talk);
        assert!(caller.wait().expect("it ends").success());
        assert!(!mark.exists(), "{} was carried out", String::from_utf8_lossy(name));
        // Wrap-up is over, and he is ready again.
        supervisor.wait("that he is ready", PATIENCE, |event| {
            event["colleague"]["name"] == whom.as_str() && event["colleague"]["state"] == "ready"
        });
    }
    // Who dials a formula in an agent's place.
    let formulas = ["-A1", "-2+3", "=1", "%40SUM", "a%2Cb"];
    for target in formulas {
        let code = format!("sip:sidetone*supervise*{target}*listen@bench.test");
        let refused = supervisor.dial(&code);
        supervisor.wait_call("ended", &refused);
    }
    let text = rows();
    let new: Vec<Vec<&str>> = text[before..].lines().map(|row| row.split(',').collect()).collect();
    for row in &new {
        assert_eq!(row.len(), 6, "{row:?}");
        let is_formula = |cell: &&str| cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        assert!(!row.iter().any(is_formula), "{row:?}");
    }
    let of_them = |event: &str| {
        let is = |row: &&Vec<&str>| row[1] == who && row[2] == whom && row[4] == event;
        new.iter().filter(is).count()
    };
    assert_eq!((of_them("start"), of_them("end")), (names.len(), names.len()), "{text}");
    let is_refused = |row: &&Vec<&str>| row[1] == who && row[4] == "refused-404";
    assert_eq!(new.iter().filter(is_refused).count(), formulas.len(), "{new:?}");
    let told: Vec<Value> = supervisor.told().cloned().collect();
    assert!(!told.iter().any(|event| event.to_string().contains("touch ")), "{told:?}");
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    for phone in [supervisor, agent] {
        stage.leave(phone);
    }
}

/// What would make this file where somebody took it for more than a name, as a part of an address has to write it.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'*' | b'-' | b'.' | b'_' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// What a program that has ended printed last.
fn said(child: Child) -> String {
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "it ends well");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Somebody who has signed in as this agent dials this, and writes these fields.
fn rogue(bench: &Bench, user: &str, number: &str, how: &[&str], fields: &str) -> String {
    let mut phone = bench.program("pbx", "rogue-phone");
    phone.args([user, &format!("secret-{user}"), number]).args(how);
    said(Bench::start(phone, fields.as_bytes()))
}

#[test]
fn a_code_does_what_it_says_for_who_has_signed_in_and_nothing_for_anybody_else() {
    let _server = alone();
    let bench = Bench::get();
    let stage = Stage::on(Server::Asterisk(bench.clone()), Line::own(1));
    let mark = mark("code");
    let path = mark.display();
    let mut agent = at_work(&stage);
    ask(&mut agent, json!({ "command": "login" }), "ready");
    agent.forget();
    let shell = format!("${{SHELL(touch {path})}}");
    let codes = [
        format!("sidetone*login*{shell}"),
        format!("sidetone*login*desk2*{shell}"),
        format!("sidetone*pause*{shell}"),
        format!("sidetone*pause*lunch&{shell}"),
        format!("sidetone*state{shell}"),
        format!("sidetone*state,1)&System(touch {path}"),
        format!("sidetone*ready*),agent1,{shell}"),
        format!("sidetone*dance{shell}"),
        format!("sidetone*watch{shell}"),
        format!("sidetone*record*{shell}*1*start"),
        format!("sidetone*record*6f9619ff-8b86-4d01-b42d-00cf4fc964ff*1;touch {path}*start"),
        format!("sidetone*supervise*{shell}*listen"),
        format!("sidetone*supervise*agent1*listen{shell}"),
        "sidetone*supervise*agent1&agent2*listen".to_owned(),
        "sidetone*supervise*agent1*listen".to_owned(),
        format!("sidetone*features{shell}"),
        format!("ref-{shell}"),
        format!("ref-0&PJSIP/customer1&{shell}"),
        // What is another's.
        "sidetone*login*desk1".to_owned(),
        "sidetone*logout*desk1".to_owned(),
    ];
    for code in &codes {
        let status = rogue(&bench, "agent2", &escaped(code), &["1"], "");
        assert!(["403", "404"].contains(&&status[..]), "{code}: {status}");
        // A caller outside has no codes at all.
        let mut caller = bench.program("pbx", "raw-caller");
        caller.args(["call", &escaped(code), "1"]);
        let status = said(Bench::start(caller, b""));
        assert_eq!(status, "404", "{code} from outside");
        assert!(!mark.exists(), "{code} was carried out");
    }
    // Whose code it is, is known by the password, and by nothing that is written beside it.
    let status = rogue(&bench, "agent2", "sidetone*pause*lunch", &["1", "agent1"], "");
    assert_eq!(status, "401", "another's From wants his password");
    let fields = "P-Asserted-Identity: <sip:agent1@bench.test>\nRemote-Party-ID: <sip:agent1@bench.test>\n\
                  P-Preferred-Identity: <sip:agent1@bench.test>\nX-Control-ID: agent1\nX-Agent: agent1\n";
    let status = rogue(&bench, "agent2", "sidetone*login**lunch", &["1"], fields);
    assert_eq!(status, "200");
    assert!(bench.asterisk("queue show desk2").contains("paused:lunch"), "it is his own");
    assert_eq!(rogue(&bench, "agent2", "sidetone*logout", &["1"], fields), "200");
    assert!(!bench.asterisk("queue show desk2").contains("agent2"), "he is out");
    agent.listen(Duration::from_secs(1));
    let state = &agent.snapshot()["agent"];
    assert_eq!((&state["state"], &state["pause"]), (&json!("ready"), &Value::Null), "{state}");
    let queues = &state["queues"];
    assert!(queues.as_array().is_some_and(|all| all.iter().all(|one| one["logged_in"] == true)));
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
}

/// What a caller may write for his number, and into fields that the server writes itself: he is shown, recorded and hidden as others
/// are, and nothing comes of it.
#[test]
fn a_number_and_fields_of_a_callers_choice_are_carried_out_by_nobody() {
    let bench = Bench::get();
    let stage = Stage::on(Server::Asterisk(bench.clone()), Line::numbered(4));
    let mark = mark("number");
    let path = mark.display();
    let mailbox = Mailbox::of(&stage.line.agent());
    let mut agent = stage.agent_with(&Voice::silence(), &["--recordings"]);
    let shell = format!("${{SHELL(touch {path})}}");
    let numbers = [
        shell.clone(),
        format!("1)&System(touch {path})"),
        format!("030{}", shell),
        "0,1,\"};{\"v\":2".to_owned(),
        "0".repeat(400),
        "=1+1|../../x".to_owned(),
    ];
    for number in &numbers {
        // Hidden in part, hidden, recorded by rule, and neither.
        for to in ["185", "186", "188", "181"] {
            let from = format!(
                "\"x\" <sip:{}@198.18.0.2>;tag=eve\r\nX-Call-UID: {shell}\r\nX-Call-Group: {shell}\r\nX-Queue: {shell}\r\n\
                 X-Queue-Wait: {shell}\r\nX-Caller-Ref: {shell}\r\nX-Returned-From: {shell}\r\n\
                 Diversion: <sip:{}@x>\r\nP-Asserted-Identity: <sip:{}@x>\r\nX-Rest:",
                escaped(number),
                escaped(&shell),
                escaped(&shell),
            );
            let mut caller = bench.program("pbx", "raw-caller");
            caller.args(["call", &format!("{to}{}", stage.line.number()), "2"]);
            let mut caller = Bench::start(caller, from.as_bytes());
            let incoming = agent.wait_for("incoming");
            let call = incoming["call"].as_str().expect("a call").to_owned();
            let told = [&incoming["data"], &incoming["headers"]].map(Value::to_string);
            assert!(!told.iter().any(|told| told.contains("touch")), "{incoming}");
            if to == "185" || to == "186" {
                let from = incoming["from"].to_string();
                assert!(!from.contains("touch"), "{incoming}");
                assert_eq!(incoming["from"]["name"], "Hidden", "it is no number: {incoming}");
            }
            agent.order(json!({ "command": "answer", "call": call }));
            if to == "188" {
                agent.wait("what is recorded", PATIENCE, |event| {
                    let is_there = event["recordings"][0]["state"] == "recording";
                    event["event"] == "recordings" && event["call"] == call && is_there
                });
            }
            agent.wait_call("ended", &call);
            assert!(caller.wait().expect("it ends").success());
            let post = mailbox.next("incoming", PATIENCE)["payload"]["caller"].to_string();
            assert!(!post.contains("${") && !post.contains(')'), "{post}");
            mailbox.next("answered_elsewhere", PATIENCE);
            assert!(!mark.exists(), "{number} to {to} was carried out");
        }
    }
    stage.leave(agent);
}

#[test]
fn what_names_a_message_is_no_more_than_a_name() {
    let bench = Bench::get();
    let stage = Stage::asterisk();
    let mark = mark("message");
    let shell = format!("${{SHELL(touch {})}}", mark.display());
    let fields = format!("X-Message-ID: {shell}\nX-Message-Report: {shell}\n");
    let mut agent = stage.agent(&Voice::silence());
    let writer = format!("agent{}", if stage.line.number() == 4 { 3 } else { 4 });
    let number = stage.line.agent_number();
    assert_eq!(rogue(&bench, &writer, &number, &["message"], &fields), "202");
    let message = agent.wait_for("message_received");
    assert_eq!(message["text"], "read this", "{message}");
    assert!(!agent.told().any(|event| event.to_string().contains("touch ")), "{}", agent.story());
    // Nobody, and what is no number.
    for to in [
        "1999".to_owned(),
        shell.clone(),
        format!("{number},{shell}"),
        format!("{number})&{shell}"),
    ] {
        rogue(&bench, &writer, &escaped(&to), &["message"], &fields);
    }
    agent.listen(Duration::from_secs(1));
    assert_eq!(agent.count("message_received"), 1, "{}", agent.story());
    assert!(!mark.exists(), "it was carried out");
    stage.leave(agent);
}
