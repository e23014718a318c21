//! Recordings at Asterisk: asked for by the agent, made by the rules of the site, through holds and transfers; and what is
//! heard in each file.

use crate::recovery::cut;
use crate::scenarios::recording as scenarios;
use crate::scenarios::rings;
use scenarios::{record, refusal, until};
use serde_json::{Value, json};
use sidetone_interop::bench::Bench;
use sidetone_interop::lines::Line;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::{HEARD, Heard, SILENT, Tone, Voice};
use std::time::{Duration, Instant};

/// What a file is looked at in.
const WINDOW: Duration = Duration::from_millis(500);

/// How often something is said and given time to be written.
const WHILE: Duration = Duration::from_secs(2);

/// The queues whose calls are recorded by a rule: one that lets it be paused, and one that does not.
const PAUSABLE: &str = "188";
const LOCKED: &str = "189";

/// An agent who records, a customer he talks to, and what they say.
struct Talk {
    stage: Stage,
    agent: Phone,
    customer: Phone,
    call: String,
    theirs: String,
    group: String,
    agent_says: Tone,
    customer_says: Tone,
    third_says: Tone,
    /// When the agent answered.
    since: Instant,
}

impl Talk {
    /// Through the queue without rules (180), [`PAUSABLE`] or [`LOCKED`].
    fn on(line: Line, queue: &str) -> Self {
        let stage = Stage::on(Server::Asterisk(Bench::get()), line);
        let [agent_says, customer_says, third_says] = Tone::draw();
        let mut agent = stage.agent_with(&Voice::steady(agent_says), &["--recordings"]);
        let access = agent.wait_for("recording_access");
        assert_eq!(access["access"], "allowed", "{access}");
        let mut customer = stage.customer(&Voice::steady(customer_says));
        let theirs = customer.dial(&format!("{queue}{}", stage.line.number()));
        let incoming = agent.wait_for("incoming");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let (call, group) = (text(&incoming["call"]), text(&incoming["data"]["group"]));
        let since = Instant::now();
        agent.ask("answer", &call, json!({}));
        agent.wait_call("established", &call);
        agent.hears(customer_says);
        customer.hears(agent_says);
        Self {
            stage,
            agent,
            customer,
            call,
            theirs,
            group,
            agent_says,
            customer_says,
            third_says,
            since,
        }
    }

    /// Asks for something, waits until the server has confirmed it, and gives its time in ms.
    #[track_caller]
    fn record(&mut self, recording: &str, action: &str, state: &str) -> f64 {
        let call = self.call.clone();
        record(&mut self.agent, &call, recording, action, state)
    }

    /// The customer hangs up, and all leave who are still there.
    fn end(mut self, others: impl IntoIterator<Item = Phone>) -> Files {
        self.customer.ask("hangup", &self.theirs, json!({}));
        self.customer.wait_ended(&self.theirs, "local");
        let folder = Bench::get().folder.join("asterisk/spool/recordings");
        let files = Files { folder, group: self.group };
        self.agent.listen(Duration::from_millis(500));
        for phone in [self.agent, self.customer].into_iter().chain(others) {
            self.stage.leave(phone);
        }
        files
    }
}

/// The recordings of a customer's call.
struct Files {
    folder: std::path::PathBuf,
    group: String,
}

impl Files {
    /// What is heard in the recording of this name that was started as the `count`th.
    #[track_caller]
    fn heard(&self, recording: &str, count: usize) -> Heard {
        let (begin, end) = (format!("{}_", self.group), format!("_{recording}_{count}.wav"));
        let files = std::fs::read_dir(&self.folder).expect("the folder of the recordings");
        let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
        let mut found = names.filter(|name| name.starts_with(&begin) && name.ends_with(&end));
        let name = found.next().unwrap_or_else(|| panic!("no file {begin}…{end}"));
        assert_eq!(found.next(), None, "one file of the name {begin}…{end}");
        Heard::read(&self.folder.join(name))
    }
}

/// None of these tones is missing in it for half a second, the edges left out. Where a recording was paused the server leaves out some
/// tenths of a second of one side: it writes one without the other as soon as that is 40 ms late.
#[track_caller]
fn all_the_time(heard: &Heard, tones: &[Tone], what: &str) {
    let looked_at = heard.part(WINDOW, heard.length().saturating_sub(2 * WINDOW));
    assert!(
        looked_at.length() >= WINDOW,
        "{what} is long enough to be looked at: {}",
        heard.describe()
    );
    for tone in tones {
        let missing = looked_at.longest_without(*tone);
        assert!(
            missing < WINDOW,
            "{what}: {tone} is missing for {missing:?}, of {}",
            heard.describe()
        );
    }
}

#[track_caller]
fn never(heard: &Heard, tone: Tone, what: &str) {
    let mut at = Duration::ZERO;
    while at + WINDOW <= heard.length() {
        let level = heard.part(at, WINDOW).level(tone);
        assert!(level < HEARD, "{what}: {tone} at {level:.0} dBFS {at:?} in");
        at += WINDOW;
    }
}

/// This tone is heard in the last of each.
#[track_caller]
fn heard_at_the_end(recordings: &[(Heard, &str)], tone: Tone) {
    for (heard, what) in recordings {
        let end = heard.last(WHILE);
        assert!(end.level(tone) > HEARD, "{what}: {}", end.describe());
    }
}

#[track_caller]
fn lasts(heard: &Heard, millis: f64, what: &str) {
    let length = heard.length().as_secs_f64() * 1000.0;
    println!("{what}: {length:.0} ms of {millis:.0} ms");
    assert!((length - millis).abs() < 1000.0, "{what}: {length:.0} ms instead of {millis:.0} ms");
}

#[test]
fn after_a_hold_the_agents_voice_is_in_the_recording_again() {
    for queue in ["180", PAUSABLE] {
        let mut talk = Talk::on(Line::numbered(1), queue);
        talk.record("1", "start", "recording");
        talk.agent.listen(WHILE);
        for on in [true, false] {
            talk.agent.ask("hold", &talk.call, json!({ "on": on }));
            talk.agent.wait_call("hold", &talk.call);
            talk.agent.listen(WHILE);
        }
        talk.customer.hears(talk.agent_says);
        talk.agent.listen(WHILE);
        talk.record("1", "stop", "stopped");
        let (a, b) = (talk.agent_says, talk.customer_says);
        let heard = talk.end([]).heard("1", 1);
        all_the_time(&heard.last(WHILE), &[a, b], "what is said after the hold");
        all_the_time(&heard.part(Duration::ZERO, WHILE), &[a, b], "what is said before it");
    }
}

#[test]
fn an_agent_who_takes_a_recorded_call_sees_that_it_is() {
    let mut talk = Talk::on(Line::numbered(2), PAUSABLE);
    let other = Stage::on(Server::Asterisk(Bench::get()), Line::numbered(4));
    let mut taker = other.agent_with(&Voice::steady(talk.third_says), &["--recordings"]);
    let answered = talk.agent.told().find(|event| event["event"] == "established");
    let answered = answered.and_then(|event| event["at_ms"].as_f64()).expect("a time");
    let later = talk.record("1", "start", "recording") - answered;
    talk.agent.ask("transfer", &talk.call, json!({ "to": other.line.agent_number() }));
    let theirs = rings(&mut taker);
    taker.ask("answer", &theirs, json!({}));
    let seen = until(&mut taker, &theirs, "1", "recording");
    let policy = |id: &str| {
        let list = seen["recordings"].as_array().expect("two");
        list.iter().find(|one| one["id"] == id).expect("one")["policy"].clone()
    };
    assert_eq!((policy("auto"), policy("1")), (json!("pausable"), json!("locked")), "{seen}");
    talk.agent.wait_ended(&talk.call, "transferred");
    talk.customer.hears(talk.third_says);
    // His own beside it.
    record(&mut taker, &theirs, "2", "start", "recording");
    talk.customer.listen(WHILE);
    record(&mut taker, &theirs, "2", "stop", "stopped");
    assert_eq!(refusal(&mut taker, &theirs, "1", "stop"), "busy");
    // What the rule makes is his to pause, as it was the other's.
    let asked = Instant::now();
    let paused = record(&mut taker, &theirs, "auto", "pause", "paused");
    println!("a recording that came by a blind transfer is paused after {:?}", asked.elapsed());
    let seen = taker.snapshot()["calls"][0]["recordings"].clone();
    let states: Vec<_> =
        seen.as_array().expect("three").iter().map(|one| (&one["id"], &one["state"])).collect();
    for (id, state) in [("auto", "paused"), ("1", "recording"), ("2", "stopped")] {
        assert!(states.contains(&(&json!(id), &json!(state))), "{id} is {state}: {seen}");
    }
    talk.customer.listen(WHILE * 2);
    let resumed = record(&mut taker, &theirs, "auto", "resume", "recording");
    assert_eq!(refusal(&mut taker, &theirs, "auto", "stop"), "busy");
    talk.customer.listen(WHILE);
    talk.customer.hears(talk.third_says);
    let (b, c) = (talk.customer_says, talk.third_says);
    let files = talk.end([]);
    other.leave(taker);
    all_the_time(&files.heard("2", 1), &[b, c], "his own");
    // What was paused is missing in the file of the rule alone.
    let (all, rest) = (files.heard("1", 1), files.heard("auto", 1));
    assert!(rest.last(WHILE).level(c) > HEARD, "{}", rest.describe());
    let all = all.length().as_secs_f64() * 1000.0 + later;
    lasts(&rest, all - (resumed - paused), "what was paused by who came after");
}

#[test]
fn a_second_blind_transfer_keeps_to_the_policy_of_who_makes_it() {
    // The second agent's recordings go on, the fourth's stop.
    let mut talk = Talk::on(Line::numbered(2), PAUSABLE);
    let other = Stage::on(Server::Asterisk(Bench::get()), Line::numbered(4));
    let mut taker = other.agent(&Voice::steady(talk.third_says));
    talk.agent.ask("transfer", &talk.call, json!({ "to": other.line.agent_number() }));
    let theirs = rings(&mut taker);
    taker.ask("answer", &theirs, json!({}));
    talk.agent.wait_ended(&talk.call, "transferred");
    talk.customer.hears(talk.third_says);
    talk.customer.listen(WHILE);
    let mut colleague = talk.stage.colleague(&Voice::steady(talk.agent_says));
    taker.ask("transfer", &theirs, json!({ "to": talk.stage.line.colleague_number() }));
    let last = rings(&mut colleague);
    colleague.ask("answer", &last, json!({}));
    talk.customer.hears(talk.agent_says);
    talk.customer.listen(WHILE * 2);
    let (first, second) = (talk.agent_says, talk.third_says);
    let file = talk.end([colleague]).heard("auto", 1);
    other.leave(taker);
    let end = file.last(WHILE);
    assert!(end.level(second) > HEARD, "it went on with the second: {}", end.describe());
    assert!(end.level(first) < HEARD, "and not with who came after him: {}", end.describe());
}

#[test]
fn an_agent_records_pauses_resumes_and_stops_as_often_as_he_likes_and_twice_at_once() {
    let mut talk = Talk::on(Line::numbered(1), "180");
    let began = talk.record("1", "start", "recording");
    talk.agent.listen(WHILE);
    let second = talk.record("2", "start", "recording");
    talk.agent.listen(WHILE);
    let paused = talk.record("1", "pause", "paused");
    // What is said in the pause is not in the file: he says nothing then, and is heard in all of it.
    talk.agent.ask("mute", &talk.call, json!({ "on": true }));
    talk.agent.listen(WHILE);
    talk.agent.ask("mute", &talk.call, json!({ "on": false }));
    talk.customer.hears(talk.agent_says);
    let resumed = talk.record("1", "resume", "recording");
    talk.agent.listen(WHILE);
    let stopped = talk.record("1", "stop", "stopped");
    talk.agent.listen(WHILE / 2);
    let second_over = talk.record("2", "stop", "stopped");
    let again = talk.record("1", "start", "recording");
    talk.agent.listen(WHILE);
    talk.record("1", "stop", "stopped");
    let (a, b) = (talk.agent_says, talk.customer_says);
    let files = talk.end([]);
    let first = files.heard("1", 1);
    lasts(&first, paused - began + stopped - resumed, "the first, without its pause");
    all_the_time(&first, &[a, b], "the first");
    let other = files.heard("2", 1);
    lasts(&other, second_over - second, "the second, beside it");
    all_the_time(&other, &[b], "the second");
    assert!(again > stopped);
    all_the_time(&files.heard("1", 2), &[a, b], "the first again, in a file of its own");
}

#[test]
fn a_call_that_the_agent_makes_is_recorded_too() {
    let mut talk = Talk::on(Line::numbered(2), "180");
    let mut colleague = talk.stage.colleague(&Voice::steady(talk.third_says));
    let out = talk.agent.dial(&talk.stage.line.colleague_number());
    let theirs = rings(&mut colleague);
    colleague.ask("answer", &theirs, json!({}));
    talk.agent.wait_call("established", &out);
    talk.agent.hears(talk.third_says);
    // Of two calls the one that is meant: the first is on hold, with music for the customer.
    record(&mut talk.agent, &out, "7", "start", "recording");
    record(&mut talk.agent, &talk.call.clone(), "8", "start", "recording");
    talk.agent.listen(WHILE);
    record(&mut talk.agent, &talk.call.clone(), "8", "stop", "stopped");
    record(&mut talk.agent, &out, "7", "stop", "stopped");
    colleague.ask("hangup", &theirs, json!({}));
    talk.agent.wait_ended(&out, "remote");
    let (a, b, c) = (talk.agent_says, talk.customer_says, talk.third_says);
    let group = colleague.told().find(|event| event["event"] == "incoming");
    let group =
        group.and_then(|event| event["data"]["group"].as_str()).expect("a group").to_owned();
    let files = talk.end([colleague]);
    let made = Files { folder: files.folder.clone(), group }.heard("7", 1);
    all_the_time(&made, &[a, c], "the call that he makes");
    never(&made, b, "the call that he makes");
    let held = files.heard("8", 1);
    all_the_time(&held, &[b], "the call on hold");
    never(&held, c, "the call on hold");
}

#[test]
fn in_a_three_way_call_all_are_recorded() {
    let mut talk = Talk::on(Line::numbered(3), "180");
    let mut colleague = talk.stage.colleague(&Voice::steady(talk.third_says));
    let out = talk.agent.dial(&talk.stage.line.colleague_number());
    let theirs = rings(&mut colleague);
    colleague.ask("answer", &theirs, json!({}));
    talk.agent.wait_call("established", &out);
    talk.agent.order(json!({ "command": "merge", "calls": [talk.call, out] }));
    talk.customer.hears_all(&[talk.agent_says, talk.third_says]);
    talk.record("1", "start", "recording");
    talk.agent.listen(WHILE);
    talk.record("1", "stop", "stopped");
    colleague.ask("hangup", &theirs, json!({}));
    talk.agent.wait_ended(&out, "remote");
    let all = [talk.agent_says, talk.customer_says, talk.third_says];
    all_the_time(&talk.end([colleague]).heard("1", 1), &all, "the three of them");
}

#[test]
fn a_queue_that_is_recorded_by_rule_is_paused_and_resumed_and_never_stopped() {
    let mut talk = Talk::on(Line::numbered(1), PAUSABLE);
    let call = talk.call.clone();
    let began = until(&mut talk.agent, &call, "auto", "recording")["at_ms"].as_f64().expect("ms");
    talk.agent
        .send(json!({ "command": "record", "call": call, "recording": "auto", "action": "stop" }));
    assert_eq!(talk.agent.wait_for("refused")["reason"], "recording_locked");
    // Nor by another who speaks SIP: the server refuses it too.
    assert_eq!(refusal(&mut talk.agent, &call, "auto", "stop"), "busy");
    talk.agent.listen(WHILE);
    let paused = talk.record("auto", "pause", "paused");
    talk.agent.ask("mute", &talk.call, json!({ "on": true }));
    talk.agent.listen(WHILE);
    talk.agent.ask("mute", &talk.call, json!({ "on": false }));
    talk.customer.hears(talk.agent_says);
    let resumed = talk.record("auto", "resume", "recording");
    // His own beside it touches it not.
    talk.record("1", "start", "recording");
    talk.agent.listen(WHILE);
    let over = talk.record("1", "stop", "stopped");
    talk.agent.listen(WHILE);
    let (a, b) = (talk.agent_says, talk.customer_says);
    let files = talk.end([]);
    let by_rule = files.heard("auto", 1);
    all_the_time(&by_rule, &[a, b], "what is recorded by rule");
    let least = paused - began + over - resumed + 1500.0;
    let length = by_rule.length().as_secs_f64() * 1000.0;
    assert!(length > least, "{length:.0} ms, and at least {least:.0} ms");
    assert!(length < least + 4000.0, "the pause is not in it: {length:.0} ms");
    all_the_time(&files.heard("1", 1), &[a, b], "his own");
}

#[test]
fn a_recording_that_is_locked_is_not_the_agents_to_change() {
    let mut talk = Talk::on(Line::numbered(2), LOCKED);
    let call = talk.call.clone();
    until(&mut talk.agent, &call, "auto", "recording");
    for action in ["start", "pause", "resume", "stop"] {
        talk.agent.send(
            json!({ "command": "record", "call": call, "recording": "auto", "action": action }),
        );
        assert_eq!(talk.agent.wait_for("refused")["reason"], "recording_locked", "{action}");
        assert_eq!(refusal(&mut talk.agent, &call, "auto", action), "busy", "{action}");
    }
    talk.record("1", "start", "recording");
    talk.agent.listen(WHILE);
    talk.record("1", "stop", "stopped");
    talk.agent.listen(WHILE);
    let (a, b) = (talk.agent_says, talk.customer_says);
    let files = talk.end([]);
    let by_rule = files.heard("auto", 1);
    all_the_time(&by_rule, &[a, b], "what is locked");
    assert!(by_rule.length() > files.heard("1", 1).length() + WHILE / 2);
}

#[test]
fn who_may_not_record_is_told_so_and_no_call_but_ones_own_is_recorded() {
    let mut talk = Talk::on(Line::numbered(1), "180");
    let setup = Bench::get().setup(&talk.stage.line.colleague());
    let arguments = ["agent", "--sip", "--recordings"];
    let mut other = Phone::start_with("colleague", &setup, &Voice::silence(), &arguments);
    assert_eq!(other.wait_for("recording_access")["access"], "forbidden");
    let out = other.dial("601");
    other.wait_call("established", &out);
    other.send(json!({ "command": "record", "call": out, "recording": "1", "action": "start" }));
    assert_eq!(other.wait_for("refused")["reason"], "not_allowed");
    assert_eq!(refusal(&mut other, &out, "1", "start"), "forbidden");
    let call = talk.call.clone();
    assert_eq!(refusal(&mut other, &call, "1", "start"), "forbidden", "nor another's");
    other.ask("hangup", &out, json!({}));
    // What the agent himself may: his own calls, by names that are some, and nothing else.
    for (call, recording, verb, reason) in [
        (out.as_str(), "1", "start", "gone"),
        (&call, "1", "pause", "gone"),
        (&call, "auto", "start", "gone"),
        (&call, "12345", "start", "not_found"),
        (&call, "1", "erase", "not_found"),
        ("..", "1", "start", "not_found"),
    ] {
        assert_eq!(refusal(&mut talk.agent, call, recording, verb), reason, "{call} {recording}");
    }
    talk.end([other]);
}

#[test]
fn a_blind_transfer_ends_the_recordings_where_the_site_wants_it() {
    blind(1, PAUSABLE).ended();
}

#[test]
fn a_blind_transfer_leaves_the_recordings_where_the_site_wants_it() {
    blind(2, PAUSABLE).went_on();
}

#[test]
fn a_blind_transfer_ends_what_is_locked_too_where_the_site_wants_it() {
    blind(1, LOCKED).ended();
}

#[test]
fn what_is_locked_goes_on_through_a_blind_transfer_and_is_not_his_to_change_who_takes_the_call() {
    let mut talk = Talk::on(Line::numbered(2), LOCKED);
    let other = Stage::on(Server::Asterisk(Bench::get()), Line::numbered(4));
    let mut taker = other.agent_with(&Voice::steady(talk.third_says), &["--recordings"]);
    talk.agent.ask("transfer", &talk.call, json!({ "to": other.line.agent_number() }));
    let theirs = rings(&mut taker);
    taker.ask("answer", &theirs, json!({}));
    let seen = until(&mut taker, &theirs, "auto", "recording");
    assert_eq!(seen["recordings"][0]["policy"], "locked", "{seen}");
    talk.agent.wait_ended(&talk.call, "transferred");
    talk.customer.hears(talk.third_says);
    for action in ["start", "pause", "stop"] {
        taker.send(
            json!({ "command": "record", "call": theirs, "recording": "auto", "action": action }),
        );
        assert_eq!(taker.wait_for("refused")["reason"], "recording_locked", "{action}");
        assert_eq!(refusal(&mut taker, &theirs, "auto", action), "busy", "{action}");
    }
    // Nothing of it was paused.
    talk.customer.listen(WHILE * 2);
    let third = talk.third_says;
    let file = talk.end([]).heard("auto", 1);
    other.leave(taker);
    heard_at_the_end(&[(file, "what is locked")], third);
}

/// Two recordings of a call that was sent on: by rule, and the agent's own.
struct SentOn {
    recordings: [(Heard, &'static str); 2],
    /// What is said by who took it.
    third: Tone,
    /// When the agent had left, counted from his answer.
    left: Duration,
}

impl SentOn {
    /// Whoever took it and the customer part.
    #[track_caller]
    fn end(talk: Talk, taker: Phone, left: Duration) -> Self {
        let (a, b, third) = (talk.agent_says, talk.customer_says, talk.third_says);
        let files = talk.end([taker]);
        let recordings = [(files.heard("auto", 1), "by rule"), (files.heard("1", 1), "his own")];
        for (heard, what) in &recordings {
            all_the_time(&heard.part(Duration::ZERO, WHILE), &[a, b], what);
        }
        Self { recordings, third, left }
    }

    /// Nothing that was said after the agent had left is in them.
    #[track_caller]
    fn ended(&self) {
        for (heard, what) in &self.recordings {
            never(heard, self.third, what);
            let (length, most) = (heard.length(), self.left + WHILE / 2);
            assert!(length < most, "{what}: {length:?} of a call that was his for {:?}", self.left);
        }
    }

    #[track_caller]
    fn went_on(&self) {
        heard_at_the_end(&self.recordings, self.third);
    }
}

/// A call of this queue that is sent on blindly to a colleague.
fn blind(line: usize, queue: &str) -> SentOn {
    let mut talk = Talk::on(Line::numbered(line), queue);
    talk.record("1", "start", "recording");
    talk.agent.listen(WHILE);
    let mut colleague = talk.stage.colleague(&Voice::steady(talk.third_says));
    let to = talk.stage.line.colleague_number();
    talk.agent.ask("transfer", &talk.call, json!({ "to": to }));
    let theirs = rings(&mut colleague);
    colleague.ask("answer", &theirs, json!({}));
    talk.agent.wait_ended(&talk.call, "transferred");
    let left = talk.since.elapsed();
    talk.customer.hears(talk.third_says);
    talk.customer.listen(WHILE);
    SentOn::end(talk, colleague, left)
}

#[test]
fn an_attended_transfer_ends_the_recordings_where_the_site_wants_it() {
    attended(3, PAUSABLE, None).ended();
}

#[test]
fn an_attended_transfer_leaves_the_recordings_where_the_site_wants_it() {
    attended(2, PAUSABLE, None).went_on();
}

#[test]
fn an_attended_transfer_ends_what_is_locked_too_where_the_site_wants_it() {
    attended(3, LOCKED, None).ended();
}

#[test]
fn an_attended_transfer_leaves_what_is_locked_where_the_site_wants_it() {
    attended(2, LOCKED, None).went_on();
}

#[test]
fn an_attended_transfer_ends_the_recordings_only_where_it_leads_outside() {
    attended(1, PAUSABLE, None).went_on();
    attended(1, PAUSABLE, Some("stranger")).ended();
}

#[test]
fn a_customer_who_sends_nothing_while_he_is_brought_to_another_is_recorded_with_him() {
    brought(2, PAUSABLE, None, true).went_on();
}

/// The same of one that is brought to the colleague, or to this user.
fn attended(line: usize, queue: &str, user: Option<&str>) -> SentOn {
    brought(line, queue, user, false)
}

/// The same, and the customer's phone may stand still meanwhile, so that no packet comes from him.
fn brought(line: usize, queue: &str, user: Option<&str>, still: bool) -> SentOn {
    let mut talk = Talk::on(Line::numbered(line), queue);
    talk.record("1", "start", "recording");
    talk.agent.listen(WHILE);
    let voice = Voice::steady(talk.third_says);
    let (mut third, number) = match user {
        None => (talk.stage.colleague(&voice), talk.stage.line.colleague_number()),
        Some(user) => {
            let mut phone = Phone::start(user, &Bench::get().setup(user), &voice);
            phone.wait_lamp("registered", PATIENCE);
            (phone, "2005".to_owned())
        }
    };
    let out = talk.agent.dial(&number);
    let theirs = rings(&mut third);
    third.ask("answer", &theirs, json!({}));
    talk.agent.wait_call("established", &out);
    talk.agent.hears(talk.third_says);
    if still {
        talk.customer.signal("-STOP");
        // What is on its way arrives.
        talk.agent.listen(Duration::from_millis(300));
    }
    talk.agent.ask("attended", &talk.call, json!({ "with": out }));
    talk.agent.wait_ended(&talk.call, "transferred");
    let left = talk.since.elapsed();
    if still {
        talk.agent.listen(Duration::from_millis(500));
        talk.customer.signal("-CONT");
    }
    talk.customer.hears(talk.third_says);
    talk.customer.listen(WHILE);
    SentOn::end(talk, third, left)
}

#[test]
fn a_phone_that_has_lost_its_connection_learns_what_is_recorded() {
    let bench = Bench::get();
    let mut talk = Talk::on(Line::numbered(3), PAUSABLE);
    let call = talk.call.clone();
    until(&mut talk.agent, &call, "auto", "recording");
    talk.record("1", "start", "recording");
    talk.record("auto", "pause", "paused");
    talk.agent.forget();
    let _lost = cut(&bench, &mut talk.agent);
    let doubt = talk.agent.wait("nobody knows", PATIENCE * 3, |event| {
        event["event"] == "recordings" && event["recordings"][0]["certain"] == false
    });
    assert_eq!(doubt["recordings"][0]["state"], "paused", "{doubt}");
    until(&mut talk.agent, &call, "auto", "paused");
    talk.record("auto", "resume", "recording");
    talk.record("1", "stop", "stopped");
    talk.end([]);
}

/// Where nothing answers the code, nothing of it is heard by anybody.
#[test]
fn the_customer_hears_nothing_of_it() {
    let mut talk = Talk::on(Line::numbered(1), "180");
    for action in ["start", "pause", "resume", "stop"] {
        let state = match action {
            "pause" => "paused",
            "stop" => "stopped",
            _ => "recording",
        };
        talk.record("1", action, state);
    }
    // A call that nobody has called the code up in: the dial plan of the echo has no feature.
    let echo = talk.agent.dial("600");
    talk.agent.wait_call("established", &echo);
    talk.agent.forget();
    talk.agent
        .send(json!({ "command": "record", "call": echo, "recording": "1", "action": "start" }));
    let failed = talk.agent.wait_for("recording_failed");
    assert_eq!(failed["reason"], "not_there", "{failed}");
    talk.agent.ask("hangup", &echo, json!({}));
    talk.agent.ask("hold", &talk.call, json!({ "on": false }));
    talk.customer.hears(talk.agent_says);
    let heard = talk.customer.heard();
    heard.assert_never_but(&[talk.agent_says, Tone::MUSIC], "the customer");
    // The digit D is 941 and 1633 Hz.
    for at in 0..heard.length().as_millis() as u64 / 100 {
        let part = heard.part(Duration::from_millis(at * 100), Duration::from_millis(100));
        let level = part.level(Tone::DIGIT_D);
        assert!(level < SILENT + 12.0, "a digit at {at}00 ms: {level:.0} dBFS");
    }
    talk.end([]);
}

/// Where no file can be written nothing is shown as recorded, neither what a rule makes nor what the agent asks for.
#[test]
fn where_nothing_can_be_written_nothing_is_recorded_or_said_to_be() {
    let bench = Bench::get();
    let line = Line::numbered(1);
    let disk = FullDisk::of(&bench, &line.agent());
    let mut talk = Talk::on(line, "188");
    talk.agent.forget();
    let command =
        json!({ "command": "record", "call": talk.call, "recording": "1", "action": "start" });
    talk.agent.send(command.clone());
    let failed = talk.agent.wait_for("recording_failed");
    assert_eq!(failed["reason"], "not_writable", "{failed}");
    let is_shown = |event: &&Value| event["recordings"][0]["state"] == "recording";
    assert!(!talk.agent.told().any(|event| is_shown(&event)), "{}", talk.agent.story());
    drop(disk);
    talk.record("1", "start", "recording");
    talk.end([]);
}

/// An agent whose recordings have no place, until it is dropped.
struct FullDisk<'a>(&'a Bench);

impl<'a> FullDisk<'a> {
    fn of(bench: &'a Bench, agent: &str) -> Self {
        bench.asterisk(&format!("database put bench unwritable {agent}"));
        Self(bench)
    }
}

impl Drop for FullDisk<'_> {
    fn drop(&mut self) {
        self.0.asterisk("database del bench unwritable");
    }
}
