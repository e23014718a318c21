//! What a caller may write into his name to have it carried out, or to spoil what is written down: it passes through recordings,
//! to those who watch, and beside supervisors, and nothing comes of it.

use crate::scenarios::agent::{ask, at_work};
use crate::scenarios::supervision::{confirmed, supervise};
use serde_json::{Value, json};
use sidetone_interop::bench::Bench;
use sidetone_interop::lines::Line;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::Voice;
use std::path::{Path, PathBuf};
use std::process::Child;

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
