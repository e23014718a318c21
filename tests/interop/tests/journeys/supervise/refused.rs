//! Who may not supervise is refused by the server, hears nothing, and is written down.

use super::floor::Floor;
use crate::scenarios::supervision::{confirmed, supervise};
use serde_json::json;
use sidetone_interop::bench::Bench;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::tones::Voice;
use std::io::Read as _;
use std::time::{Duration, SystemTime};

#[track_caller]
fn refused(phone: &mut Phone, agent: &str, mode: &str, reason: &str) {
    let call = supervise(phone, agent, mode);
    phone.wait_ended(&call, reason);
}

/// What the server has written down of this supervisor and agent, oldest first: the mode and what happened.
pub(super) fn written(who: &str, whom: &str) -> Vec<String> {
    rows(who, whom).iter().map(|row| format!("{} {}", row[3], row[4])).collect()
}

/// The same as it is written: when, who, whom, the mode, what, the customer's call.
fn rows(who: &str, whom: &str) -> Vec<[String; 6]> {
    let file = Bench::get().folder.join("asterisk/log/supervise.csv");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let rows = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let of_them = rows.filter(|row| row.len() == 6 && row[1] == who && row[2] == whom);
    of_them.filter_map(|row| row.try_into().ok()).collect()
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs()
}

/// The server runs no spy on this agent.
#[track_caller]
pub(super) fn nobody_spies(agent: &str) {
    let channels = Bench::get().asterisk("core show channels concise");
    let spied = format!("!ChanSpy!PJSIP/{agent}-");
    assert!(!channels.contains(&spied), "{channels}");
}

/// What is written of each refusal, from here on.
struct Log {
    before: Vec<(String, String, usize)>,
    began: u64,
}

impl Log {
    fn of(pairs: &[(&str, &str)]) -> Self {
        let count = |(who, whom): &(&str, &str)| {
            ((*who).to_owned(), (*whom).to_owned(), rows(who, whom).len())
        };
        Self { before: pairs.iter().map(count).collect(), began: now() }
    }

    /// Exactly these have come, at this time, and of this call of the customer; of none where it is empty.
    #[track_caller]
    fn has(&self, who: &str, whom: &str, expected: &[&str], group: &str) {
        let is_it = |(a, b, _): &&(String, String, usize)| a == who && b == whom;
        let before = self.before.iter().find(is_it).expect("it was counted").2;
        let rows = &rows(who, whom)[before..];
        let what: Vec<_> = rows.iter().map(|row| format!("{} {}", row[3], row[4])).collect();
        assert_eq!(what, expected, "{who} and {whom}");
        for row in rows {
            let when: u64 = row[0].parse().expect("Unix seconds");
            assert!((self.began..=now()).contains(&when), "{row:?} since {}", self.began);
            assert_eq!(row[5], group, "{row:?}");
        }
    }
}

#[test]
fn who_may_not_is_refused_by_the_server_which_writes_it_down() {
    let mut floor = Floor::new();
    let line = floor.stage.line.number();
    let (agent, colleague) = (floor.stage.line.agent(), floor.stage.line.colleague());
    let (customer, auditor) = (floor.stage.line.customer(), format!("auditor{line}"));
    let elsewhere = &format!("agent{}", line % 4 + 1);
    let group = floor.agent.snapshot()["calls"][0]["data"]["group"].clone();
    let group = group.as_str().expect("the customer's call").to_owned();
    let log = Log::of(&[
        (&colleague, elsewhere),
        (&colleague, "1001"),
        (&colleague, &agent),
        (&agent, &agent),
        (&agent, &colleague),
        (&customer, &agent),
        (&auditor, &agent),
    ]);
    for mode in ["listen", "whisper", "barge"] {
        // Another team's agent, whether he talks or not.
        refused(&mut floor.supervisor, elsewhere, mode, "supervision_forbidden");
    }
    let expected = ["listen refused-403", "whisper refused-403", "barge refused-403"];
    log.has(&colleague, elsewhere, &expected, "");
    refused(&mut floor.supervisor, "1001", "listen", "supervision_unknown_agent");
    log.has(&colleague, "1001", &["listen refused-404"], "");
    // An agent, who would hear himself or another of his team, and who is nobody: they hold their own calls for that.
    for (who, whom) in [(&agent, &agent), (&agent, &colleague), (&customer, &agent)] {
        let phone = if *who == agent { &mut floor.agent } else { &mut floor.customer };
        refused(phone, whom, "listen", "supervision_forbidden");
        phone.order(json!({ "command": "swap" }));
        log.has(who, whom, &["listen refused-403"], "");
    }
    floor.nobody_hears_him();
    // Who may only listen.
    let bench = Bench::get();
    let speaks = Voice::steady(floor.voices[2]);
    let mut other = Phone::start("auditor", &bench.setup(&auditor), &speaks);
    other.wait_lamp("registered", PATIENCE);
    refused(&mut other, &agent, "barge", "supervision_forbidden");
    log.has(&auditor, &agent, &["barge refused-403"], "");
    let log = Log::of(&[(&auditor, &agent), (&colleague, &agent)]);
    let call = supervise(&mut other, &agent, "listen");
    confirmed(&mut other, &call, "listen");
    for mode in ["whisper", "barge"] {
        other.order(json!({ "command": "set_supervision_mode", "call": call, "mode": mode }));
        let failed = other.wait_call("supervision_failed", &call);
        assert_eq!((&failed["mode"], &failed["reason"]), (&mode.into(), &"forbidden".into()));
    }
    other.hears_all(&floor.voices[..2]);
    floor.nobody_hears_him();
    let expected = ["listen start", "listen refused-whisper", "listen refused-barge"];
    log.has(&auditor, &agent, &expected, &group);
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
    log.has(&colleague, &agent, &["listen refused-480"], "");
    floor.leave();
}

/// The line to the telephone network has no such code, and who has no password is nobody, whatever he calls himself.
#[test]
fn who_dials_from_outside_or_without_a_password_reaches_no_spy() {
    let mut floor = Floor::new();
    let (agent, colleague) = (floor.stage.line.agent(), floor.stage.line.colleague());
    let bench = Bench::get();
    let log = Log::of(&[(&colleague, &agent), ("trunk", &agent)]);
    let marks = floor.marks();
    for mode in ["listen", "whisper", "barge"] {
        let code = format!("sidetone*supervise*{agent}*{mode}");
        let mut outside = bench.program("pbx", "raw-caller");
        outside.args(["call", &code, "2"]);
        // He says that he is the supervisor.
        let mut rogue = bench.program("pbx", "rogue-phone");
        rogue.args([&colleague, "no password", &code, "2"]);
        for (program, input, status) in [(outside, "\"Eve\"", "404"), (rogue, "", "401")] {
            let mut child = Bench::start(program, input.as_bytes());
            let mut told = String::new();
            let mut output = child.stdout.take().expect("a pipe");
            output.read_to_string(&mut told).expect("text");
            assert_eq!(told.trim(), status, "{mode}");
            assert!(child.wait().expect("it ends").success());
            nobody_spies(&agent);
        }
    }
    log.has(&colleague, &agent, &[], "");
    log.has("trunk", &agent, &[], "");
    floor.nobody_hears_him_since(marks);
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.leave();
}

/// Lines that are put into the dial plan, and taken out again.
struct Opened<'a>(&'a Bench, Vec<String>);

impl Opened<'_> {
    fn add(&mut self, context: &str, extension: &str, value: &str) {
        let line = format!("{extension},1,Return({value}) into {context}");
        self.0.asterisk(&format!("dialplan add extension {line}"));
        self.1.push(format!("{extension}@{context}"));
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        for extension in &self.1 {
            self.0.asterisk(&format!("dialplan remove extension {extension}"));
        }
    }
}

/// The table of who may supervise whom is the first lock. The second is the team that a call was marked with at its answer: whom
/// the table lets through by another team's name hears nothing, and is heard by nobody.
#[test]
fn whom_the_table_lets_through_by_mistake_finds_no_call_of_that_team() {
    let mut floor = Floor::new();
    let (agent, clerk) = (floor.stage.line.agent(), floor.stage.line.clerk());
    let bench = Bench::get();
    let mut other = floor.stage.clerk_with(&Voice::steady(floor.voices[2]), &[]);
    refused(&mut other, &agent, "barge", "supervision_forbidden");
    let mut table = Opened(&bench, Vec::new());
    let modes = "nobody:listen+whisper+barge";
    table.add("sidetone-supervise-teams", &clerk, modes);
    table.add("sidetone-teams-of", &agent, "nobody");
    for mode in ["listen", "whisper", "barge"] {
        let (marks, ear) = (floor.marks(), other.mark());
        let call = supervise(&mut other, &agent, mode);
        confirmed(&mut other, &call, mode);
        other.wait_ended(&call, "supervision_call_over");
        floor.nobody_hears_him_since(marks);
        let heard = other.heard_since(ear);
        for tone in &floor.voices[..2] {
            assert_eq!(heard.times(*tone), [], "in {mode} he hears {tone}");
        }
    }
    // It is this lock that has held: where the call is of that team, he is heard.
    let channels = bench.asterisk("core show channels concise");
    let name = |channel: &str| channel.split('!').next().map(str::to_owned);
    let theirs = format!("PJSIP/{agent}-");
    let spied = channels.lines().find(|channel| channel.starts_with(&theirs)).and_then(name);
    let spied = spied.expect("the agent's channel");
    bench.asterisk(&format!("dialplan set chanvar {spied} SPYGROUP nobody"));
    let call = supervise(&mut other, &agent, "barge");
    confirmed(&mut other, &call, "barge");
    floor.both_hear_him();
    other.hears_all(&floor.voices[..2]);
    drop(table);
    other.ask("hangup", &call, json!({}));
    floor.nobody_hears_him();
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.stage.leave(other);
    floor.leave();
}
