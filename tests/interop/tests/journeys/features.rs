//! The server's self-test and what it refuses: transfers and forwardings outside, and a doctor who tells what is missing.

use crate::install::install;
use crate::scenarios::features::told;
use serde_json::{Value, json};
use sidetone_interop::bench::Bench;
use sidetone_interop::lines::alone;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::tones::Voice;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const OUTSIDE: &str = "0301234567";

/// Takes something from the server, which has it again at the end.
pub(crate) struct Without {
    bench: Bench,
    back: String,
}

impl Without {
    pub(crate) fn taking(take: &str, back: impl Into<String>) -> Self {
        let bench = Bench::get();
        bench.asterisk(take);
        Self { bench, back: back.into() }
    }
}

impl Drop for Without {
    fn drop(&mut self) {
        self.bench.asterisk(&self.back);
    }
}

/// The doctor's word of a feature, or of all, and whether he found nothing that fails.
fn doctor(user: &str) -> (impl Fn(&str) -> Value, i32) {
    let setup = Bench::get().setup(user);
    let mut doctor = Phone::start_with("doctor", &setup, &Voice::silence(), &["doctor"]);
    let status = doctor.finish(Duration::from_secs(45));
    let checks: Vec<Value> =
        doctor.told().filter(|event| event["event"] == "check").cloned().collect();
    let of = move |name: &str| {
        let found = checks.iter().find(|check| check["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is told: {checks:?}")).clone()
    };
    (of, status)
}

#[test]
fn the_doctor_tells_what_is_there_missing_and_not_allowed_and_fails_for_none_of_it() {
    let _server = alone();
    let (check, status) = doctor("agent1");
    assert_eq!(status, 0);
    for name in ["queues", "recordings", "transfers_return"] {
        assert_eq!((&check(name)["ok"], &check(name)["detail"]), (&json!(true), &json!("ok")));
    }
    let supervision = check("supervision");
    assert_eq!(supervision["detail"], "not allowed to this user", "{supervision}");
    assert_eq!((&supervision["ok"], &supervision["optional"]), (&json!(false), &json!(true)));

    let without =
        Without::taking("module unload app_mixmonitor.so", "module load app_mixmonitor.so");
    let (check, status) = doctor("agent1");
    assert_eq!(status, 0, "a missing feature is told");
    assert_eq!(check("recordings")["detail"], "the server lacks app_mixmonitor");
    assert_eq!(check("queues")["ok"], true);
    drop(without);

    let hides = Without::taking(
        "dialplan add extension desk1,1,Return(part) into sidetone-mask-queues",
        "dialplan remove extension desk1@sidetone-mask-queues",
    );
    assert_eq!(doctor("agent1").0("masking")["detail"], "ok");
    let logs_in = Without::taking(
        "dialplan add extension colleague1,1,Return(desk1) into sidetone-agent-queues",
        "dialplan remove extension colleague1@sidetone-agent-queues",
    );
    let shows = doctor("colleague1").0("masking")["detail"].clone();
    assert!(
        shows.as_str().unwrap().contains("lacks send_connected_line"),
        "only a queue hides: {shows}"
    );
    drop(logs_in);
    drop(hides);

    let without =
        Without::taking("dialplan remove context sidetone-mask-version", "dialplan reload");
    assert!(doctor("agent1").0("masking")["detail"].as_str().unwrap().contains("is older than"));
    drop(without);

    let without = Without::taking("dialplan remove context sidetone-features", "dialplan reload");
    let (check, status) = doctor("agent1");
    assert_eq!(status, 0);
    assert!(check("features")["detail"].as_str().unwrap().contains("has no selftest.conf"));
    drop(without);
}

/// The settings of the self-test, changed in their file as an administrator does it, and as they were at the end.
struct Settings {
    bench: Bench,
    were: String,
}

impl Settings {
    fn path(bench: &Bench) -> PathBuf {
        bench.folder.join("asterisk/etc/sidetone-settings.conf")
    }

    /// From here on these endpoints may no more than this.
    fn narrowed(endpoints: &str, rights: &str) -> Self {
        let bench = Bench::get();
        let were = std::fs::read_to_string(Self::path(&bench)).expect("the settings");
        let head = "[sidetone-features-may]\n";
        let line = format!("{head}exten => {endpoints},1,Return({rights})\n");
        let settings = Self { bench, were };
        settings.write(&settings.were.replace(head, &line));
        settings
    }

    fn write(&self, text: &str) {
        std::fs::write(Self::path(&self.bench), text).expect("the settings are written");
        let etc = self.bench.folder.join("asterisk/etc");
        let (well, said) = install(&etc, &self.bench.folder.join("prefix/asterisk"), &["reload"]);
        assert!(well && said.contains("tells the phones"), "{said}");
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        self.write(&self.were);
    }
}

#[test]
fn a_right_that_is_taken_from_a_phone_that_is_connected_is_seen_at_once_and_refused_by_both() {
    let _server = alone();
    let start = |user: &str, more: &[&str]| {
        let arguments = ["agent", "--sip"].iter().chain(more).copied().collect::<Vec<_>>();
        let setup = Bench::get().setup(user);
        let mut phone = Phone::start_with(user, &setup, &Voice::silence(), &arguments);
        phone.wait_lamp("registered", PATIENCE);
        phone
    };
    let (mut knows, mut knows_not) = (start("agent1", &["--features"]), start("agent2", &[]));
    let is = told(&mut knows);
    assert_eq!(
        (is("outside_calls").0, is("auto_answer").0),
        ("available".into(), "available".into())
    );
    let taken = Instant::now();
    let settings = Settings::narrowed("_age[n]t[12]", "transfer,settings");
    let is = told(&mut knows);
    println!("a right is taken away, and the phone shows it after {:?}", taken.elapsed());
    assert!(taken.elapsed() < Duration::from_secs(5));
    assert_eq!(
        (is("outside_calls").0, is("auto_answer").0),
        ("not_allowed".into(), "not_allowed".into())
    );
    assert_eq!(is("outside_transfers").0, "available");
    knows.send(json!({ "command": "dial", "uri": OUTSIDE }));
    assert_eq!(knows.wait_for("refused")["reason"], "not_allowed");
    // Whose phone asks nobody is refused by the server.
    let call = knows_not.dial(OUTSIDE);
    knows_not.wait_ended(&call, "refused");
    drop(settings);
    assert_eq!(told(&mut knows)("outside_calls").0, "available");
    assert_eq!((knows.leave(), knows_not.leave()), (0, 0));
}

#[test]
fn a_feature_that_is_missing_is_not_tried() {
    let _server = alone();
    let _without =
        Without::taking("module unload app_mixmonitor.so", "module load app_mixmonitor.so");
    let setup = Bench::get().setup("agent1");
    let arguments = ["agent", "--sip", "--features", "--recordings"];
    let mut agent = Phone::start_with("agent", &setup, &Voice::silence(), &arguments);
    let why = Some("the server lacks app_mixmonitor".to_owned());
    assert_eq!(told(&mut agent)("recordings"), ("missing".to_owned(), why));
    let call = agent.dial("600");
    agent.wait_call("established", &call);
    agent.send(json!({ "command": "record", "call": call, "recording": "1", "action": "start" }));
    assert_eq!(agent.wait_for("refused")["reason"], "missing_on_server");
    agent.ask("hangup", &call, json!({}));
    assert_eq!(agent.leave(), 0);
}
