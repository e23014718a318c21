//! A supervisor with Opus, and an agent and a customer with G.711.

use super::floor::{Floor, SETTLES, WHILE};
use crate::scenarios::rings;
use crate::scenarios::supervision::{confirmed, supervise};
use crate::telephone::CUSTOMER;
use serde_json::json;
use sidetone_interop::bench::Bench;
use sidetone_interop::customer::Customer;
use sidetone_interop::phone::{PATIENCE, Phone, Scratch};
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Heard, Tone, Voice};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// There is one agent with G.711.
static NARROW: Mutex<()> = Mutex::new(());

/// His user, and the number that calls him.
const AGENT: [&str; 2] = ["narrow1", "1840"];

fn agent(voice: &Voice) -> Phone {
    let mut agent = Phone::start("narrow", &Bench::get().setup(AGENT[0]), voice);
    agent.wait_lamp("registered", PATIENCE);
    agent
}

/// A machine that is busy with other things breaks a tone off for a moment.
fn joined(times: Vec<Range<Duration>>) -> Vec<Range<Duration>> {
    let mut joined: Vec<Range<Duration>> = Vec::new();
    for time in times {
        match joined.last_mut() {
            Some(last) if time.start - last.end < WHILE / 2 => last.end = time.end,
            _ => joined.push(time),
        }
    }
    joined
}

#[test]
fn a_supervisor_with_opus_is_heard_in_his_own_voice_by_who_has_g711() {
    let _one = NARROW.lock().unwrap_or_else(PoisonError::into_inner);
    let stage = Stage::asterisk();
    let voices: [Tone; 3] = Tone::draw();
    let [says, asks, speaks] = voices.map(Voice::steady);
    let phones = [agent(&says), stage.customer(&asks), stage.colleague(&speaks)];
    let mut floor = Floor::talking(stage, phones, voices, AGENT[0].to_owned(), AGENT[1]);
    let call = floor.supervise("listen");
    for mode in ["whisper", "listen", "barge", "whisper", "listen"] {
        floor.switch(&call, mode);
    }
    floor.agent.order(json!({ "command": "hangup", "call": floor.call }));
    floor.supervisor.wait_ended(&call, "supervision_call_over");
    floor.leave();
}

/// His ear is known when his call is over: how long he has heard the supervisor says whether that was in `barge` alone.
#[test]
fn a_customer_with_g711_hears_a_supervisor_who_barges_in_and_nothing_else_of_him() {
    let _one = NARROW.lock().unwrap_or_else(PoisonError::into_inner);
    let _line = CUSTOMER.lock().unwrap_or_else(PoisonError::into_inner);
    let stage = Stage::asterisk();
    let voices: [Tone; 3] = Tone::draw();
    let [agents, customers, his] = voices;
    let (mut agent, mut supervisor) =
        (agent(&Voice::steady(agents)), stage.colleague(&Voice::steady(his)));
    let folder = Scratch::new("customer");
    let ear = folder.0.join("heard-by-customer.wav");
    let (voice, path) = (Voice::steady(customers).as_argument(), ear.display().to_string());
    let arguments = ["call", AGENT[1], "--for", "60", "--voice", &voice, "--heard", &path];
    let customer = Customer::start(&Bench::get(), &arguments);
    let call = rings(&mut agent);
    agent.ask("answer", &call, json!({}));
    agent.wait_call("established", &call);
    agent.hears(customers);
    let watched = supervise(&mut supervisor, AGENT[0], "listen");
    let mut barged = Vec::new();
    let modes = ["listen", "whisper", "listen", "barge", "whisper", "barge", "listen"];
    for (number, mode) in modes.into_iter().enumerate() {
        let asked = Instant::now();
        if number > 0 {
            supervisor.ask("set_supervision_mode", &watched, json!({ "mode": mode }));
        }
        confirmed(&mut supervisor, &watched, mode);
        let (confirmed, mark) = (Instant::now(), agent.mark());
        if let Some((_, ends @ None)) = barged.last_mut() {
            *ends = Some((asked, confirmed));
        }
        if mode == "barge" {
            barged.push((confirmed, None));
        }
        agent.listen(WHILE);
        supervisor.hears_all(&[agents, customers]);
        let heard = agent.heard_since(mark);
        let heard = heard.part(SETTLES, heard.length());
        let wanted = if mode == "listen" { &[customers][..] } else { &[customers, his] };
        let missed = wanted.iter().map(|tone| heard.longest_without(*tone)).max();
        assert!(
            missed < Some(WHILE),
            "in {mode}, the agent misses one of {wanted:?} for {missed:?}"
        );
        assert!(wanted.contains(&his) || heard.times(his).is_empty(), "in {mode} he hears him");
    }
    agent.ask("hangup", &call, json!({}));
    supervisor.wait_ended(&watched, "supervision_call_over");
    assert!(customer.wait().success());
    let heard = Heard::read(&ear);
    let times = joined(heard.times(his));
    println!("the customer heard him {times:?} of {:?}", heard.length());
    assert_eq!(times.len(), barged.len(), "{times:?}");
    for (time, (began, ends)) in times.into_iter().zip(barged) {
        let (asked, ended) = ends.expect("each has an end");
        let time = time.end - time.start;
        assert!(time + WHILE > asked - began && time < ended - began + SETTLES, "{time:?}");
    }
    let talked = joined(heard.times(agents));
    assert_eq!(talked.len(), 1, "the agent is heard all the time: {talked:?}");
    for phone in [agent, supervisor] {
        stage.leave(phone);
    }
}
