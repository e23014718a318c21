//! Who watches his team sees what each of them is, and how many wait, whoever changed it.

use crate::scenarios::agent::{ask, at_work, until};
use crate::scenarios::rings;
use crate::scenarios::team::watching;
use serde_json::{Value, json};
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::Voice;
use std::time::{Duration, Instant};

/// A colleague is told to be so within this.
const LIMIT: Duration = Duration::from_secs(1);

/// What others than the pack change is looked for once a second.
const LOOKED_FOR: Duration = Duration::from_millis(1500);

/// Waits for such an event that is told later than `since`, and how much later.
#[track_caller]
fn told_after(
    phone: &mut Phone,
    since: Instant,
    what: &str,
    is_meant: impl Fn(&Value) -> bool,
) -> Duration {
    loop {
        let told = phone.wait_told(what, PATIENCE, &is_meant);
        if let Some(took) = told.at.checked_duration_since(since) {
            return took;
        }
    }
}

/// Waits until the watcher is told that this colleague is so, and how long that took since `since`.
#[track_caller]
fn sees(
    watcher: &mut Phone,
    who: &str,
    since: Instant,
    what: &str,
    is_so: impl Fn(&Value) -> bool,
) -> Duration {
    let is_meant = |event: &Value| {
        let colleague = &event["colleague"];
        event["event"] == "colleague" && colleague["name"] == who && is_so(colleague)
    };
    let took = told_after(watcher, since, what, is_meant);
    println!("{}: {who}: {what} seen after {} ms", watcher.name(), took.as_millis());
    took
}

/// Waits until the watcher is told that so many wait in a queue, and how long that took since `since`.
#[track_caller]
fn counts(watcher: &mut Phone, since: Instant, waiting: u64) -> Duration {
    let took = told_after(watcher, since, &format!("{waiting} who wait"), |event| {
        event["event"] == "team_queue" && event["queue"]["waiting"] == waiting
    });
    println!("{}: {waiting} who wait seen after {} ms", watcher.name(), took.as_millis());
    took
}

/// Waits until the watcher knows that nobody waits: where the server's look, once a second, fell into the moment in which the caller before did, he is seen
/// waiting, and one more would be nothing new.
#[track_caller]
fn sees_nobody_wait(watcher: &mut Phone) {
    let began = Instant::now();
    loop {
        watcher.send(json!({ "command": "team", "filter": "" }));
        let known = watcher.wait("the team", PATIENCE, |event| event["filter"] == "");
        if known["team"]["queues"][0]["waiting"] == 0 {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "somebody waits: {}", watcher.story());
        watcher.listen(Duration::from_millis(100));
    }
}

fn is(state: &'static str) -> impl Fn(&Value) -> bool {
    move |colleague| colleague["state"] == state
}

/// Who watches an agent, and the longest that anything took to be seen.
struct Eye {
    watcher: Phone,
    who: String,
    worst: Duration,
}

impl Eye {
    #[track_caller]
    fn sees(&mut self, since: Instant, what: &str, is_so: impl Fn(&Value) -> bool) {
        let took = sees(&mut self.watcher, &self.who, since, what, is_so);
        self.worst = self.worst.max(took);
    }

    /// The agent does something, and is so.
    #[track_caller]
    fn step(&mut self, agent: &mut Phone, command: Value, state: &'static str) {
        let began = Instant::now();
        agent.order(command);
        self.sees(began, state, is(state));
        // His own request is over, so that the next is not refused.
        until(agent, state, |agent| agent["state"] == state);
    }
}

/// Through all that an agent can be, each seen in time.
fn through_all_states(stage: &Stage) {
    let line = stage.line.number();
    let (mut agent, mut watcher) = (at_work(stage), stage.colleague(&Voice::silence()));
    let mut customer = stage.customer(&Voice::silence());
    let team = watching(&mut watcher);
    let people = team["people"].as_array().expect("people");
    let names: Vec<_> = people.iter().map(|colleague| colleague["name"].clone()).collect();
    assert_eq!(names, [stage.line.agent(), stage.line.colleague()]);
    let expected =
        json!([format!("Ager & Söhne ({line}) \"west\\"), format!("183{line}"), "logged_out"]);
    let first = &people[0];
    assert_eq!(json!([first["label"], first["number"], first["state"]]), expected);
    assert_eq!(team["queues"][0]["name"], format!("desk{line}"));
    let mut eye = Eye { watcher, who: stage.line.agent(), worst: Duration::ZERO };
    eye.step(&mut agent, json!({ "command": "login", "reason": "break" }), "not_ready");
    eye.step(&mut agent, json!({ "command": "unpause" }), "ready");
    let began = Instant::now();
    let theirs = customer.dial(&stage.line.desk());
    eye.sees(began, "ringing", is("ringing"));
    let call = rings(&mut agent);
    eye.step(&mut agent, json!({ "command": "answer", "call": call }), "on_call");
    // Nobody has asked for a pause, and the server makes one, and ends it.
    agent.forget();
    let began = Instant::now();
    agent.order(json!({ "command": "hangup", "call": call }));
    eye.sees(began, "wrap-up", |colleague| {
        colleague["state"] == "wrap_up" && colleague["pause"]["reason"] == "wrapup"
    });
    sees(&mut eye.watcher, &eye.who, began, "ready after wrap-up", is("ready"));
    let seen = Instant::now();
    let own = agent.wait_told("ready by itself", PATIENCE, |event| {
        event["agent"]["state"] == "ready" && event["agent"]["certain"] == true
    });
    eye.worst = eye.worst.max(seen.saturating_duration_since(own.at));
    customer.wait_call("ended", &theirs);
    let theirs = customer.dial(&stage.line.desk());
    let call = rings(&mut agent);
    eye.step(&mut agent, json!({ "command": "answer", "call": call }), "on_call");
    let began = Instant::now();
    agent.order(json!({ "command": "pause", "reason": "lunch" }));
    eye.sees(began, "a pause behind the call", |colleague| {
        colleague["state"] == "on_call" && colleague["pause"]["reason"] == "lunch"
    });
    until(&mut agent, "a pause behind the call", |agent| agent["pause"]["reason"] == "lunch");
    eye.step(&mut agent, json!({ "command": "hangup", "call": call }), "not_ready");
    customer.wait_call("ended", &theirs);
    // A caller whom nobody takes waits for all to see.
    sees_nobody_wait(&mut eye.watcher);
    let began = Instant::now();
    let waits = customer.dial(&stage.line.desk());
    let came = counts(&mut eye.watcher, began, 1);
    let began = Instant::now();
    customer.order(json!({ "command": "hangup", "call": waits }));
    let went = counts(&mut eye.watcher, began, 0);
    assert!(came.max(went) < LOOKED_FOR, "{came:?} {went:?}");
    eye.step(&mut agent, json!({ "command": "logout" }), "logged_out");
    let Eye { mut watcher, worst, .. } = eye;
    assert!(worst < LIMIT, "{worst:?}");
    // Found as one types.
    watcher.send(json!({ "command": "team", "filter": "sohne" }));
    let found = watcher.wait("who was found", PATIENCE, |event| event["filter"] == "sohne");
    assert_eq!(found["team"]["people"].as_array().map(Vec::len), Some(1));
    watcher.order(json!({ "command": "watch", "on": false }));
    for phone in [agent, watcher, customer] {
        stage.leave(phone);
    }
}

#[test]
fn a_colleague_is_seen_in_each_state_on_asterisk() {
    through_all_states(&Stage::asterisk());
}

#[test]
fn a_colleague_is_seen_in_each_state_on_the_model() {
    through_all_states(&Stage::model());
}

/// Who is on a call is seen with its queue and what names it, and never with who calls; how many calls with a queue were seen.
fn on_which_call(stage: &Stage) {
    let line = stage.line.number();
    let (mut agent, mut watcher) = (at_work(stage), stage.colleague(&Voice::silence()));
    let mut customer = stage.customer(&Voice::silence());
    ask(&mut agent, json!({ "command": "login" }), "ready");
    watching(&mut watcher);
    let name = stage.line.agent();
    let logged = match &stage.server {
        Server::Asterisk(bench) => std::fs::metadata(bench.folder.join("asterisk/log/full"))
            .map_or(0, |file| file.len() as usize),
        Server::Model(_) => 0,
    };
    let seen = |watcher: &mut Phone, what: &str, state: &str| {
        let event = watcher.wait(what, PATIENCE, |event| {
            let colleague = &event["colleague"];
            colleague["name"] == name.as_str() && colleague["state"] == state
        });
        event["colleague"].clone()
    };
    // The second is another call, of the same queue.
    for _ in 0..2 {
        watcher.forget();
        let before = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
        let waits = customer.dial(&stage.line.desk());
        let call = rings(&mut agent);
        assert_eq!(seen(&mut watcher, "who is rung", "ringing")["call"], Value::Null);
        agent.order(json!({ "command": "answer", "call": call }));
        let talks = seen(&mut watcher, "on a call", "on_call");
        let group = agent.snapshot()["calls"][0]["data"]["group"].clone();
        assert!(group.is_string(), "{group}");
        let shown = json!([talks["call"]["queue"], talks["call"]["group"]]);
        assert_eq!(shown, json!([format!("desk{line}"), group]));
        let since = talks["call"]["since"].as_u64().expect("seconds");
        assert!((before.saturating_sub(2)..before + 20).contains(&since), "{since} {before}");
        // A pause behind the call is news of him, and the call goes on.
        agent.order(json!({ "command": "pause", "reason": "lunch" }));
        let paused = seen(&mut watcher, "a pause behind the call", "on_call");
        let shown = json!([paused["pause"]["reason"], paused["call"]["group"]]);
        assert_eq!(shown, json!(["lunch", group]));
        until(&mut agent, "a pause behind the call", |agent| agent["pause"]["reason"] == "lunch");
        agent.order(json!({ "command": "hangup", "call": call }));
        assert_eq!(seen(&mut watcher, "paused", "not_ready")["call"], Value::Null);
        customer.wait_call("ended", &waits);
        until(&mut agent, "paused", |agent| agent["state"] == "not_ready");
        ask(&mut agent, json!({ "command": "unpause" }), "ready");
    }
    if stage.server.name() == "asterisk" {
        // Of a call that he makes himself nothing is known.
        watcher.forget();
        let out = agent.dial(&stage.line.colleague_number().replace("200", "201"));
        assert_eq!(seen(&mut watcher, "on a call of his own", "on_call")["call"], Value::Null);
        agent.order(json!({ "command": "hangup", "call": out }));
        agent.wait_call("ended", &out);
    }
    if let Server::Asterisk(bench) = &stage.server {
        // What has been sent is in the server's log; a phone passes over what it does not know.
        let sent = std::fs::read(bench.folder.join("asterisk/log/full")).expect("a log");
        let sent = String::from_utf8_lossy(&sent[logged..]).into_owned();
        let is_of_call = |line: &&str| {
            line.contains("Event=sidetone-team")
                && line.contains(&name)
                && line.contains("\"call\":")
        };
        let lines: Vec<_> = sent.lines().filter(is_of_call).collect();
        assert!(lines.len() >= 4, "{} are told of two calls", lines.len());
        for line in lines {
            let number = stage.line.customer_number();
            assert!(!line.contains(&number) && !line.contains("Customer "), "{line}");
        }
    }
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    for phone in [agent, watcher, customer] {
        stage.leave(phone);
    }
}

#[test]
fn on_which_call_a_colleague_is_is_seen_and_not_with_whom_on_asterisk() {
    on_which_call(&Stage::asterisk());
}

#[test]
fn on_which_call_a_colleague_is_is_seen_and_not_with_whom_on_the_model() {
    on_which_call(&Stage::model());
}

#[test]
fn what_the_console_changes_is_seen_by_the_agent_and_by_who_watches_him() {
    let stage = Stage::asterisk();
    let Server::Asterisk(bench) = &stage.server else { unreachable!("it is Asterisk") };
    let (mut agent, mut watcher) = (at_work(&stage), stage.colleague(&Voice::silence()));
    let who = stage.line.agent();
    ask(&mut agent, json!({ "command": "login" }), "ready");
    watching(&mut watcher);
    let member = stage.line.member();
    // The console takes its time before and behind what it does.
    let began = Instant::now();
    bench.asterisk(&format!("queue pause member {member}"));
    let limit = began.elapsed() + LOOKED_FOR;
    let paused = |pause: &Value| pause["reason"].is_null();
    let took = sees(&mut watcher, &who, began, "a forced pause", |colleague| {
        colleague["state"] == "not_ready" && paused(&colleague["pause"])
    });
    let seen = until(&mut agent, "a forced pause", |agent| agent["state"] == "not_ready");
    assert!(paused(&seen["pause"]) && took < limit, "{seen} {took:?}");
    let began = Instant::now();
    bench.asterisk(&format!("queue unpause member {member}"));
    let limit = began.elapsed() + LOOKED_FOR;
    let took = sees(&mut watcher, &who, began, "ready", is("ready"));
    until(&mut agent, "ready", |agent| agent["state"] == "ready");
    assert!(took < limit, "{took:?}");
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(watcher);
}

#[test]
fn an_agent_whom_autopause_pauses_is_told_though_nobody_watches() {
    let stage = Stage::asterisk();
    let (mut agent, mut customer) = (at_work(&stage), stage.customer(&Voice::silence()));
    let queue = format!("back{}", stage.line.number());
    ask(&mut agent, json!({ "command": "login", "queue": queue }), "ready");
    let call = customer.dial(&stage.line.desk().replace("182", "184"));
    let rung = rings(&mut agent);
    // He does not answer, and the queue gives him up.
    let over = agent.wait_told("the end of it", PATIENCE, |event| {
        event["event"] == "ended" && event["call"] == rung
    });
    let told = agent.wait_told("autopause", PATIENCE, |event| {
        event["agent"]["state"] == "not_ready" && event["agent"]["certain"] == true
    });
    assert_eq!(told.event["agent"]["pause"]["reason"], Value::Null, "{}", told.event);
    let took = told.at.saturating_duration_since(over.at);
    println!("autopause is told {took:?} after it has rung");
    assert!(took < LIMIT, "{took:?}");
    customer.order(json!({ "command": "hangup", "call": call }));
    ask(&mut agent, json!({ "command": "unpause" }), "ready");
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(customer);
}

#[test]
fn an_agent_who_calls_somebody_is_on_a_call_and_no_queue_rings_him() {
    let stage = Stage::asterisk();
    let (mut agent, mut watcher) = (at_work(&stage), stage.colleague(&Voice::silence()));
    let mut customer = stage.customer(&Voice::silence());
    ask(&mut agent, json!({ "command": "login" }), "ready");
    watching(&mut watcher);
    let (who, began) = (stage.line.agent(), Instant::now());
    let out = agent.dial(&stage.line.colleague_number().replace("200", "201"));
    let took = sees(&mut watcher, &who, began, "on a call", is("on_call"));
    assert!(took < LIMIT, "{took:?}");
    let rung = rings(&mut watcher);
    watcher.order(json!({ "command": "answer", "call": rung }));
    agent.wait_call("established", &out);
    let waits = customer.dial(&stage.line.desk());
    agent.listen(Duration::from_secs(3));
    assert_eq!(agent.count("incoming"), 0, "{}", agent.story());
    agent.order(json!({ "command": "hangup", "call": out }));
    // The queue finds him free.
    let call = rings(&mut agent);
    let ended = Instant::now();
    customer.order(json!({ "command": "hangup", "call": waits }));
    agent.wait_call("ended", &call);
    let took = sees(&mut watcher, &who, ended, "ready", is("ready"));
    assert!(took < LIMIT, "{took:?}");
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    for phone in [agent, watcher, customer] {
        stage.leave(phone);
    }
}

#[test]
fn who_may_watch_nobody_is_told_so_and_a_phone_that_died_is_forgotten() {
    let stage = Stage::asterisk();
    let Server::Asterisk(bench) = &stage.server else { unreachable!("it is Asterisk") };
    let mut customer = stage.customer(&Voice::silence());
    customer.order(json!({ "command": "watch", "on": true }));
    customer.wait("nobody", PATIENCE, |event| event["team"]["state"] == "unavailable");
    stage.leave(customer);
    let mut watcher = stage.colleague(&Voice::silence());
    watching(&mut watcher);
    let watch = format!("database get sidetone-watch {}", stage.line.colleague());
    assert!(bench.asterisk(&watch).contains("Value"), "it is noted");
    watcher.kill();
    let began = Instant::now();
    while bench.asterisk(&watch).contains("Value") {
        assert!(began.elapsed() < Duration::from_secs(15), "it is noted for ever");
        std::thread::sleep(Duration::from_millis(500));
    }
}
