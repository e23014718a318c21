//! A supervisor at Asterisk: who hears whom in each mode, who may supervise whom, and what ends it. What each ear was given is
//! judged by its spectrum.

use crate::scenarios::agent::{ask, until};
use crate::scenarios::rings;
use crate::scenarios::supervision::{confirmed, connect, supervise};
use serde_json::{Value, json};
use sidetone_interop::bench::Bench;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::roam::Roam;
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::{HEARD, Tone, Voice};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long nobody may be heard who is not to be.
const WHILE: Duration = Duration::from_millis(1500);

/// There is one agent with G.711.
static NARROW: Mutex<()> = Mutex::new(());

/// An agent who talks to a customer, and a supervisor whose microphone plays all the time.
struct Floor {
    stage: Stage,
    agent: Phone,
    customer: Phone,
    supervisor: Phone,
    /// What each says.
    voices: [Tone; 3],
    /// The agent's call.
    call: String,
}

impl Floor {
    fn new() -> Self {
        let supervisor = |stage: &Stage, voice: &Voice| stage.supervisor(voice);
        Self::with(|stage, voice| stage.agent_with(voice, &["--queues"]), supervisor)
    }

    /// With these phones of the agent and of the supervisor.
    fn with(
        agent: impl FnOnce(&Stage, &Voice) -> Phone,
        supervisor: impl FnOnce(&Stage, &Voice) -> Phone,
    ) -> Self {
        let stage = Stage::asterisk();
        let voices = Tone::draw();
        let [says, asks, speaks] = voices.map(Voice::steady);
        let mut agent = agent(&stage, &says);
        until(&mut agent, "in no queue", |agent| agent["state"] == "logged_out");
        ask(&mut agent, json!({ "command": "login" }), "ready");
        let (mut customer, supervisor) = (stage.customer(&asks), supervisor(&stage, &speaks));
        let call = connect(&mut customer, &mut agent, &stage.line.desk());
        let mut floor = Self { stage, agent, customer, supervisor, voices, call };
        floor.nobody_hears_him();
        floor
    }

    /// The supervisor begins, and has it confirmed.
    fn supervise(&mut self, mode: &str) -> String {
        let call = supervise(&mut self.supervisor, &self.stage.line.agent(), mode);
        confirmed(&mut self.supervisor, &call, mode);
        call
    }

    /// Asks for another mode; from the request to its confirmation, in ms.
    fn switch(&mut self, call: &str, mode: &str) -> f64 {
        self.supervisor.forget();
        self.supervisor.ask("set_supervision_mode", call, json!({ "mode": mode }));
        let asked = self.supervisor.wait(&format!("{mode} requested"), PATIENCE, |event| {
            event["event"] == "supervision" && event["requested"] == mode
        });
        let told = confirmed(&mut self.supervisor, call, mode);
        told["at_ms"].as_f64().unwrap_or_default() - asked["at_ms"].as_f64().unwrap_or_default()
    }

    /// The agent holds or resumes, and the supervisor is told whether he is heard.
    fn hold(&mut self, call: &str, on: bool) {
        self.supervisor.forget();
        self.agent.ask("hold", &self.call, json!({ "on": on }));
        self.agent.wait_call("hold", &self.call);
        self.told_heard(call, !on);
    }

    /// The supervisor is told whether the agent hears him.
    #[track_caller]
    fn told_heard(&mut self, call: &str, heard: bool) {
        self.supervisor.wait(&format!("heard: {heard}"), PATIENCE, |event| {
            let of_call = event["event"] == "supervision" && event["call"] == call;
            of_call && event["heard"] == heard
        });
    }

    #[track_caller]
    fn nobody_hears_him(&mut self) {
        let [agent, customer, _] = self.voices;
        self.agent.hears(customer);
        self.customer.hears(agent);
        self.customer.hears_nothing_but(&[agent], WHILE);
        self.agent.hears_nothing_but(&[customer], WHILE / 3);
    }

    #[track_caller]
    fn the_agent_hears_him(&mut self) {
        let [agent, customer, supervisor] = self.voices;
        self.agent.hears_all(&[customer, supervisor]);
        self.customer.hears(agent);
        self.customer.hears_nothing_but(&[agent], WHILE);
    }

    #[track_caller]
    fn both_hear_him(&mut self) {
        let [agent, customer, supervisor] = self.voices;
        self.customer.hears_all(&[agent, supervisor]);
        self.agent.hears_all(&[customer, supervisor]);
    }

    #[track_caller]
    fn he_hears_both(&mut self) {
        let [agent, customer, _] = self.voices;
        self.supervisor.hears_all(&[agent, customer]);
    }

    /// What the server has written down of this supervisor and agent, oldest first: the mode and what happened.
    fn written(&self, who: &str, whom: &str) -> Vec<String> {
        written(&self.stage, who, whom)
    }

    fn leave(mut self) {
        // Wrap-up is over by then.
        self.agent.listen(Duration::from_secs(4));
        ask(&mut self.agent, json!({ "command": "logout" }), "logged_out");
        for phone in [self.supervisor, self.customer, self.agent] {
            self.stage.leave(phone);
        }
    }
}

#[track_caller]
fn refused(phone: &mut Phone, agent: &str, mode: &str, reason: &str) {
    let call = supervise(phone, agent, mode);
    phone.wait_ended(&call, reason);
}

fn written(stage: &Stage, who: &str, whom: &str) -> Vec<String> {
    let Server::Asterisk(bench) = &stage.server else { return Vec::new() };
    let file = bench.folder.join("asterisk/log/supervise.csv");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let of_them = rows.filter(|row| row.len() == 6 && row[1] == who && row[2] == whom);
    of_them.map(|row| format!("{} {}", row[3], row[4])).collect()
}

#[test]
fn a_supervisor_listens_whispers_barges_in_and_listens_again() {
    let mut floor = Floor::new();
    let (who, whom) = (floor.stage.line.colleague(), floor.stage.line.agent());
    let before = floor.written(&who, &whom).len();
    // At his desk he watches without being asked to.
    floor.supervisor.forget();
    floor.supervisor.send(json!({ "command": "team" }));
    let roster = floor.supervisor.wait_for("team");
    let people = roster["team"]["people"].as_array().expect("people");
    let talks = |person: &Value| person["name"] == whom && person["state"] == "on_call";
    assert!(people.iter().any(talks), "{people:?}");
    let call = floor.supervise("listen");
    floor.he_hears_both();
    floor.nobody_hears_him();
    let since = floor.supervisor.heard().length();
    let mut took = Vec::new();
    for mode in ["whisper", "barge", "whisper", "barge", "listen"] {
        took.push(floor.switch(&call, mode));
        match mode {
            "whisper" => floor.the_agent_hears_him(),
            "barge" => floor.both_hear_him(),
            _ => floor.nobody_hears_him(),
        }
        floor.he_hears_both();
    }
    let ear = floor.supervisor.heard();
    let gap = ear.part(since, ear.length()).longest_silence();
    println!(
        "a mode is confirmed after {took:.0?} ms; the supervisor hears nothing for {gap:?} at most"
    );
    assert!(gap < Duration::from_millis(600), "{gap:?}");
    floor.supervisor.order(json!({ "command": "hangup", "call": call }));
    floor.supervisor.wait_ended(&call, "local");
    floor.nobody_hears_him();
    let expected = [
        "listen start",
        "whisper mode",
        "barge mode",
        "whisper mode",
        "barge mode",
        "listen mode",
        "listen end",
    ];
    assert_eq!(floor.written(&who, &whom)[before..], expected);
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.leave();
}

#[test]
fn a_supervision_that_begins_loud_ends_with_the_agents_call() {
    let mut floor = Floor::new();
    let call = floor.supervise("barge");
    floor.both_hear_him();
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.supervisor.wait_ended(&call, "supervision_call_over");
    // It is not in the history.
    floor.supervisor.send(json!({ "command": "history" }));
    let history = floor.supervisor.wait_for("history");
    assert_eq!(history["entries"], json!([]));
    floor.leave();
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

#[test]
fn a_customer_who_is_sent_on_is_not_followed() {
    let mut floor = Floor::new();
    let [_, customer, _] = floor.voices;
    let call = floor.supervise("barge");
    floor.both_hear_him();
    floor.agent.ask("transfer", &floor.call, json!({ "to": "600" }));
    floor.supervisor.wait_ended(&call, "supervision_call_over");
    floor.agent.wait_ended(&floor.call, "transferred");
    // The echo, and nobody else.
    floor.customer.hears(customer);
    floor.customer.hears_nothing_but(&[customer], WHILE);
    floor.leave();
}

#[test]
fn who_follows_an_agent_only_listens_to_his_next_call() {
    let mut floor = Floor::new();
    let target = floor.stage.line.agent();
    floor.supervisor.order(
        json!({ "command": "supervise", "target": target, "mode": "barge", "follow": true }),
    );
    let call = floor.supervisor.wait_for("dialing")["call"].as_str().expect("an id").to_owned();
    confirmed(&mut floor.supervisor, &call, "barge");
    floor.both_hear_him();
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.supervisor.wait("waiting", PATIENCE, |event| event["waiting"] == true);
    until(&mut floor.agent, "wrap-up", |agent| agent["state"] == "wrap_up");
    ask(&mut floor.agent, json!({ "command": "unpause" }), "ready");
    floor.call = connect(&mut floor.customer, &mut floor.agent, &floor.stage.line.desk());
    confirmed(&mut floor.supervisor, &call, "listen");
    floor.he_hears_both();
    floor.nobody_hears_him();
    floor.switch(&call, "whisper");
    floor.the_agent_hears_him();
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    // Nobody calls within ten seconds.
    floor.supervisor.wait_ended(&call, "supervision_call_over");
    floor.leave();
}

#[test]
fn what_is_whispered_to_an_agent_who_holds_reaches_nobody_and_that_is_told() {
    let mut floor = Floor::new();
    let call = floor.supervise("listen");
    floor.hold(&call, true);
    floor.customer.hears(Tone::MUSIC);
    floor
        .supervisor
        .order(json!({ "command": "set_supervision_mode", "call": call, "mode": "whisper" }));
    let told = confirmed(&mut floor.supervisor, &call, "whisper");
    assert_eq!((&told["heard"], &told["speaks"]), (&false.into(), &true.into()));
    floor.agent.hears_silence();
    floor.customer.hears_nothing_but(&[Tone::MUSIC], WHILE);
    floor.hold(&call, false);
    floor.the_agent_hears_him();
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.leave();
}

#[test]
fn who_barges_in_is_heard_again_by_both_when_the_agent_resumes() {
    let mut floor = Floor::new();
    let (who, whom) = (floor.stage.line.colleague(), floor.stage.line.agent());
    let before = floor.written(&who, &whom).len();
    let call = floor.supervise("barge");
    floor.both_hear_him();
    for _ in 0..2 {
        floor.hold(&call, true);
        floor.agent.hears_silence();
        // Who is held hears the supervisor beside the music.
        floor.customer.hears_all(&[Tone::MUSIC, floor.voices[2]]);
        floor.hold(&call, false);
        floor.both_hear_him();
        floor.he_hears_both();
    }
    // A hold is the agent's, and nothing that his supervisor has done.
    assert_eq!(floor.written(&who, &whom)[before..], ["barge start"]);
    floor.switch(&call, "whisper");
    floor.the_agent_hears_him();
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.leave();
}

#[test]
fn who_barges_in_is_heard_by_both_again_when_the_customer_resumes() {
    let mut floor = Floor::new();
    let call = floor.supervise("barge");
    floor.both_hear_him();
    let theirs = floor.customer.told().find(|event| event["event"] == "dialing").expect("a call");
    let theirs = theirs["call"].as_str().expect("an id").to_owned();
    for _ in 0..2 {
        floor.supervisor.forget();
        floor.customer.ask("hold", &theirs, json!({ "on": true }));
        floor.customer.wait_call("hold", &theirs);
        // The agent may hear him beside the music.
        floor.told_heard(&call, true);
        floor.customer.hears_silence();
        floor.customer.ask("hold", &theirs, json!({ "on": false }));
        floor.customer.wait_call("hold", &theirs);
        floor.both_hear_him();
    }
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.leave();
}

#[test]
fn a_consultation_is_no_part_of_the_supervision_and_the_transfer_ends_it() {
    let mut floor = Floor::new();
    let [says, asks, speaks] = floor.voices;
    let others = Tone::draw::<4>();
    let other = others.into_iter().find(|tone| !floor.voices.contains(tone)).expect("another");
    let mut third = floor.stage.clerk_with(&Voice::steady(other), &[]);
    let call = floor.supervise("barge");
    floor.both_hear_him();
    floor.supervisor.forget();
    let asked = floor.agent.dial(&format!("105{}", floor.stage.line.number()));
    let theirs = rings(&mut third);
    third.ask("answer", &theirs, json!({}));
    floor.agent.wait_call("established", &asked);
    floor.supervisor.wait("that the agent holds", PATIENCE, |event| event["heard"] == false);
    // Neither hears the supervisor, and he hears nothing of it.
    floor.agent.hears(other);
    third.hears(says);
    third.hears_nothing_but(&[says], WHILE);
    floor.agent.hears_nothing_but(&[other], WHILE);
    floor.supervisor.listen(WHILE);
    // The customer's voice comes by fits while he is held.
    let heard = floor.supervisor.heard().last(WHILE);
    for tone in [says, other] {
        assert!(heard.level(tone) < HEARD, "{}", heard.describe());
    }
    floor.customer.hears_all(&[Tone::MUSIC, speaks]);
    floor.agent.ask("attended", &floor.call, json!({ "with": asked }));
    floor.agent.wait_ended(&floor.call, "transferred");
    floor.supervisor.wait_ended(&call, "supervision_call_over");
    third.hears(asks);
    floor.customer.hears(other);
    third.hears_nothing_but(&[asks], WHILE);
    floor.customer.hears_nothing_but(&[other], WHILE);
    third.ask("hangup", &theirs, json!({}));
    floor.stage.leave(third);
    floor.leave();
}

/// Signs in a phone whose network can change.
fn roaming(stage: &Stage, roam: &Roam, user: &str, voice: &Voice, arguments: &[&str]) -> Phone {
    let Server::Asterisk(bench) = &stage.server else { panic!("a real server") };
    let mut phone = Phone::start_with("roaming", &roam.setup(bench, user), voice, arguments);
    phone.wait_lamp("registered", PATIENCE);
    phone
}

/// Its network is gone, and another is there, of which it is told.
fn moves(phone: &mut Phone, roam: &mut Roam) {
    roam.lose();
    phone.listen(Duration::from_secs(1));
    roam.come();
    phone.send(json!({ "command": "network_changed", "make_before_break": false }));
}

#[test]
fn an_agent_who_comes_back_on_another_network_is_supervised_as_before() {
    let mut roam = None;
    let agent = |stage: &Stage, voice: &Voice| {
        let roam = roam.insert(Roam::new(stage.line.number()));
        let arguments = ["agent", "--sip", "--queues"];
        roaming(stage, roam, &stage.line.agent(), voice, &arguments)
    };
    let mut floor = Floor::with(agent, |stage, voice| stage.supervisor(voice));
    let mut roam = roam.expect("his network");
    let call = floor.supervise("barge");
    for mode in ["barge", "whisper"] {
        if mode == "whisper" {
            floor.switch(&call, mode);
        }
        floor.agent.forget();
        moves(&mut floor.agent, &mut roam);
        floor.agent.wait_call("reconnected", &floor.call);
        floor.agent.listen(WHILE);
        match mode {
            "barge" => floor.both_hear_him(),
            _ => floor.the_agent_hears_him(),
        }
        floor.he_hears_both();
    }
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.supervisor.wait_ended(&call, "supervision_call_over");
    floor.leave();
}

#[test]
fn a_supervisor_on_another_network_is_heard_when_his_mode_is_confirmed_there() {
    let mut roam = None;
    let supervisor = |stage: &Stage, voice: &Voice| {
        let roam = roam.insert(Roam::new(stage.line.number()));
        roaming(stage, roam, &stage.line.colleague(), voice, &["supervisor", "--sip"])
    };
    let mut floor = Floor::with(|stage, voice| stage.agent_with(voice, &["--queues"]), supervisor);
    let mut roam = roam.expect("his network");
    let call = floor.supervise("barge");
    floor.both_hear_him();
    floor.supervisor.forget();
    moves(&mut floor.supervisor, &mut roam);
    let unknown = floor.supervisor.wait("that no mode is known", PATIENCE, |event| {
        event["event"] == "supervision" && event["mode"].is_null()
    });
    assert_eq!((&unknown["call"], &unknown["speaks"]), (&json!(call), &json!(false)));
    let told = confirmed(&mut floor.supervisor, &call, "barge");
    assert_eq!(told["speaks"], true);
    floor.both_hear_him();
    floor.he_hears_both();
    floor.switch(&call, "listen");
    floor.nobody_hears_him();
    // Where it never comes back the server ends his call alone.
    roam.lose();
    floor.nobody_hears_him();
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    roam.come();
    floor.supervisor.send(json!({ "command": "network_changed", "make_before_break": false }));
    floor.supervisor.wait("its end", Duration::from_secs(40), |event| {
        event["event"] == "ended" && event["call"] == call
    });
    floor.leave();
}

#[test]
fn a_supervisor_who_takes_another_call_is_heard_by_nobody_when_he_is_back() {
    let mut floor = Floor::new();
    let call = floor.supervise("barge");
    floor.both_hear_him();
    let echo = floor.supervisor.dial("600");
    floor.supervisor.wait_call("established", &echo);
    confirmed(&mut floor.supervisor, &call, "listen");
    floor.nobody_hears_him();
    floor.supervisor.hears(floor.voices[2]);
    for (command, more) in [
        ("merge", json!({ "calls": [call, echo] })),
        ("transfer", json!({ "call": call, "to": "600" })),
    ] {
        let mut line = more;
        line["command"] = command.into();
        floor.supervisor.send(line);
        assert_eq!(floor.supervisor.wait_for("refused")["reason"], "supervising");
    }
    floor.supervisor.order(json!({ "command": "swap" }));
    floor.he_hears_both();
    floor.nobody_hears_him();
    floor.supervisor.ask("hangup", &echo, json!({}));
    floor.switch(&call, "barge");
    floor.both_hear_him();
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.leave();
}

#[test]
fn a_supervisor_whose_connection_dies_is_silent_at_once_when_he_says_so() {
    let mut floor = Floor::new();
    let bench = Bench::get();
    let auditor = floor.stage.line.colleague();
    // His phone is where links can be spoiled.
    let mut setup = bench.setup(&auditor);
    setup.namespace = Some(bench.agents.clone());
    let speaks = Voice::steady(floor.voices[2]);
    let old = std::mem::replace(
        &mut floor.supervisor,
        Phone::start("supervisor-on-the-road", &setup, &speaks),
    );
    floor.stage.leave(old);
    floor.supervisor.wait_lamp("registered", PATIENCE);
    let call = floor.supervise("barge");
    floor.both_hear_him();
    let lost = bench.lose(bench.ports(floor.supervisor.id()));
    // No connection carries the wish; his microphone is closed all the same.
    floor
        .supervisor
        .order(json!({ "command": "set_supervision_mode", "call": call, "mode": "listen" }));
    floor.nobody_hears_him();
    drop(lost);
    floor.nobody_hears_him();
    // Found out and built anew, the server knows it too; unless nobody waits for it any more, when it is asked for again.
    floor.supervisor.listen(Duration::from_secs(20));
    floor
        .supervisor
        .order(json!({ "command": "set_supervision_mode", "call": call, "mode": "listen" }));
    confirmed(&mut floor.supervisor, &call, "listen");
    floor.switch(&call, "whisper");
    floor.the_agent_hears_him();
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.leave();
}

#[test]
fn a_supervisor_with_opus_is_heard_in_his_own_voice_by_who_has_g711() {
    let _one = NARROW.lock().unwrap_or_else(PoisonError::into_inner);
    let stage = Stage::asterisk();
    let bench = Bench::get();
    let voices: [Tone; 3] = Tone::draw();
    let [says, asks, speaks] = voices.map(Voice::steady);
    let mut agent = Phone::start("narrow", &bench.setup("narrow1"), &says);
    agent.wait_lamp("registered", PATIENCE);
    let (mut customer, mut supervisor) = (stage.customer(&asks), stage.colleague(&speaks));
    let call = connect(&mut customer, &mut agent, "1840");
    let [agents, customers, his] = voices;
    let watched = supervise(&mut supervisor, "narrow1", "barge");
    confirmed(&mut supervisor, &watched, "barge");
    customer.hears_all(&[agents, his]);
    agent.hears_all(&[customers, his]);
    supervisor.hears_all(&[agents, customers]);
    supervisor
        .order(json!({ "command": "set_supervision_mode", "call": watched, "mode": "whisper" }));
    confirmed(&mut supervisor, &watched, "whisper");
    agent.hears_all(&[customers, his]);
    customer.hears(agents);
    customer.hears_nothing_but(&[agents], WHILE);
    agent.order(json!({ "command": "hangup", "call": call }));
    supervisor.wait_ended(&watched, "supervision_call_over");
    for phone in [supervisor, customer, agent] {
        stage.leave(phone);
    }
}
