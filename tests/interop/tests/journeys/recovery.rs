//! What breaks and comes back: a server that restarts, a link that dies without a word.

#![allow(clippy::print_stdout)] // How long it took is worth a line in each run's output.

use crate::scenarios::agent::{ask, at_work, until};
use crate::scenarios::{Talk, rings};
use serde_json::json;
use sidetone_interop::bench::{Bench, Lost};
use sidetone_interop::lines::{Line, alone};
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::Voice;
use std::time::{Duration, Instant};

/// Longer than a phone may take to notice, and to come back.
const LONG: Duration = Duration::from_secs(75);

#[test]
fn the_server_is_restarted_in_mid_call() {
    let _alone = alone();
    let bench = Bench::get();
    let stage = Stage::on(Server::Asterisk(bench.clone()), Line::own(1));
    let mut talk = Talk::through_the_queue(&stage, Voice::swapping);
    talk.both_hear();
    talk.agent.forget();
    let stopped = bench.stop_server();
    let lost = Instant::now();
    let reason = talk.agent.wait("the lamp", PATIENCE, |event| {
        event["event"] == "registration" && event["state"] != "registered"
    });
    assert_eq!(reason["state"], "unreachable", "{reason}");
    assert!(reason["reason"].is_string(), "{reason}");
    println!("a server that stops: the lamp tells after {:?}", lost.elapsed());
    std::thread::sleep(Duration::from_secs(3));
    stopped.start();
    let up = Instant::now();
    talk.agent.wait_lamp("registered", LONG);
    println!("a server that starts: signed in again after {:?}", up.elapsed());
    talk.customer.wait_lamp("registered", LONG);
    // The server knows nothing of the call any more, whoever asks.
    for (phone, call) in
        [(&mut talk.agent, &talk.agent_call), (&mut talk.customer, &talk.customer_call)]
    {
        let ended = phone.wait("the end of the call", LONG, |event| {
            event["event"] == "ended" && event["call"] == call.as_str()
        });
        println!("the call ends after {:?}: {}", lost.elapsed(), ended["text"]);
        assert!(
            ["network_lost", "remote", "timed_out", "media"]
                .map(Into::into)
                .contains(&ended["reason"]),
            "{ended}"
        );
    }
    // And the next call goes well.
    let Talk { mut agent, mut customer, agent_says, customer_says, .. } = talk;
    let customer_call = customer.dial(&stage.line.queue());
    let agent_call = rings(&mut agent);
    agent.ask("answer", &agent_call, json!({}));
    let mut talk = Talk { agent, agent_call, agent_says, customer, customer_call, customer_says };
    talk.both_hear();
    talk.end(&stage);
}

#[test]
fn the_server_is_restarted_in_mid_registration() {
    let _alone = alone();
    let bench = Bench::get();
    let stage = Stage::on(Server::Asterisk(bench.clone()), Line::own(2));
    let mut waiting = stage.agent(&Voice::silence());
    waiting.forget();
    // A REGISTER that is never answered, and a phone that gets no further than TCP.
    bench.run(&["server", "freeze"]);
    waiting.send(json!({ "command": "register" }));
    let mut connecting = Phone::start("agent", &bench.setup("agent3"), &Voice::silence());
    waiting.listen(Duration::from_secs(2));
    connecting.listen(Duration::from_secs(1));
    assert_eq!(connecting.count("registration"), 1, "it is registering");
    let stopped = bench.stop_server();
    waiting.listen(Duration::from_secs(2));
    waiting.forget();
    stopped.start();
    let up = Instant::now();
    for phone in [&mut waiting, &mut connecting] {
        phone.wait_lamp("registered", LONG);
        println!("signed in by itself {:?} after the server was up", up.elapsed());
    }
    bench.wait("a contact of each", PATIENCE, |bench| {
        bench.contacts("agent2").len() == 1 && bench.contacts("agent3").len() == 1
    });
    stage.leave(waiting);
    stage.leave(connecting);
}

#[test]
fn a_server_that_comes_up_late_is_found() {
    let _alone = alone();
    let bench = Bench::get();
    let stage = Stage::on(Server::Asterisk(bench.clone()), Line::own(1));
    let stopped = bench.stop_server();
    let mut agent = Phone::start("agent", &bench.setup("agent1"), &Voice::silence());
    let lamp = agent.wait("a reason", LONG, |event| event["reason"].is_string());
    assert_eq!(lamp["state"], "unreachable", "{lamp}");
    stopped.start();
    let up = Instant::now();
    agent.wait_lamp("registered", LONG);
    println!("a server that comes late: signed in {:?} after it was up", up.elapsed());
    stage.leave(agent);
}

#[test]
fn a_dead_link_is_found_and_the_queue_rings_on_the_new_one() {
    found_dead(1);
}

#[test]
fn a_dead_link_is_found_also_where_several_devices_may_sign_in() {
    found_dead(4);
}

#[test]
fn a_call_outlives_its_dead_link() {
    let bench = Bench::get();
    let stage = Stage::asterisk();
    let mut talk = Talk::through_the_queue(&stage, Voice::swapping);
    talk.both_hear();
    let _lost = cut(&bench, &mut talk.agent);
    talk.both_hear_both_tones();
    // The dialog goes on over the new socket.
    for on in [true, false] {
        talk.agent.ask("hold", &talk.agent_call, json!({ "on": on }));
        talk.agent.wait_call("hold", &talk.agent_call);
    }
    talk.both_hear();
    talk.end(&stage);
}

#[test]
fn a_call_that_the_other_side_ends_over_a_dead_link_ends_here_too() {
    let bench = Bench::get();
    let stage = Stage::asterisk();
    let mut talk = Talk::through_the_queue(&stage, Voice::swapping);
    talk.both_hear();
    let _lost = cut(&bench, &mut talk.agent);
    talk.customer.ask("hangup", &talk.customer_call, json!({}));
    talk.customer.wait_ended(&talk.customer_call, "local");
    let hung_up = Instant::now();
    let call = talk.agent_call.clone();
    let ended = talk.agent.wait("the end", LONG, |e| e["event"] == "ended" && e["call"] == call);
    println!(
        "a hang-up after a dead link arrives after {:.1?}: {}",
        hung_up.elapsed(),
        ended["text"]
    );
    assert_eq!(ended["reason"], "remote", "{ended}");
    stage.leave(talk.agent);
    stage.leave(talk.customer);
}

/// Kills the phone's socket without a word, for as long as what it gives lives, and waits until the phone has another.
pub(crate) fn cut<'a>(bench: &'a Bench, phone: &mut Phone) -> Lost<'a> {
    cut_while(bench, phone, || {})
}

/// The same; this is done before the phone has noticed.
pub(crate) fn cut_while<'a>(
    bench: &'a Bench,
    phone: &mut Phone,
    meanwhile: impl FnOnce(),
) -> Lost<'a> {
    let ports = bench.ports(phone.id());
    phone.forget();
    let lost = bench.lose(ports.clone());
    meanwhile();
    phone.wait_lamp("registered", LONG);
    assert_ne!(bench.ports(phone.id()), ports, "a new socket");
    lost
}

/// Only the phone's own socket dies, so that other journeys may go on meanwhile.
fn found_dead(line: usize) {
    let bench = Bench::get();
    let stage = Stage::on(Server::Asterisk(bench.clone()), Line::numbered(line));
    let mut agent = stage.agent(&Voice::silence());
    let mut customer = stage.customer(&Voice::silence());
    let ports = bench.ports(agent.id());
    assert_eq!(ports.len(), 1, "one socket: {ports:?}");
    agent.forget();
    let dead = Instant::now();
    let _lost = bench.lose(ports.clone());
    let lamp = agent.wait("the lamp", LONG, |event| {
        event["event"] == "registration" && event["state"] != "registered"
    });
    let noticed = dead.elapsed();
    assert_eq!(lamp["state"], "unreachable", "{lamp}");
    agent.wait_lamp("registered", LONG);
    let back = Instant::now();
    let registered = dead.elapsed();
    assert_ne!(bench.ports(agent.id()), ports, "a new socket");

    let call = customer.dial(&stage.line.queue());
    let dialed = Instant::now();
    let ringing = rings(&mut agent);
    let rang = dialed.elapsed();
    assert!(rang < Duration::from_secs(2), "the INVITE takes {rang:?} to the new socket");
    bench.wait("one contact", Duration::from_secs(30), |bench| {
        bench.contacts(&stage.line.agent()).len() == 1
    });
    let user = stage.line.agent();
    println!(
        "a dead link of {user}: noticed after {noticed:.1?}, signed in again after \
         {registered:.1?}, the queue rings {rang:.1?} after the call, one contact {:.1?} after \
         signing in",
        back.elapsed()
    );
    agent.ask("answer", &ringing, json!({}));
    agent.wait_call("established", &ringing);
    customer.ask("hangup", &call, json!({}));
    agent.wait_ended(&ringing, "remote");
    stage.leave(agent);
    stage.leave(customer);
}

/// An agent whose call has just ended, and who is to write it down.
fn in_wrap_up(stage: &Stage) -> (Phone, Phone) {
    let (mut agent, mut customer) = (at_work(stage), stage.customer(&Voice::silence()));
    ask(&mut agent, json!({ "command": "login" }), "ready");
    customer.dial(&stage.line.desk());
    let call = rings(&mut agent);
    agent.ask("answer", &call, json!({}));
    agent.wait_call("established", &call);
    agent.order(json!({ "command": "hangup", "call": call }));
    until(&mut agent, "wrap-up", |agent| agent["state"] == "wrap_up");
    (agent, customer)
}

/// The next caller rings him, and he goes.
fn is_rung_and_goes(stage: &Stage, mut agent: Phone, mut customer: Phone) {
    customer.listen(Duration::ZERO);
    let theirs = customer.dial(&stage.line.desk());
    let call = rings(&mut agent);
    customer.order(json!({ "command": "hangup", "call": theirs }));
    agent.wait_call("ended", &call);
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(customer);
}

#[test]
fn a_wrap_up_that_the_server_has_died_in_ends_all_the_same() {
    let _alone = alone();
    let bench = Bench::get();
    let stage = Stage::on(Server::Asterisk(bench.clone()), Line::own(1));
    let (mut agent, mut customer) = in_wrap_up(&stage);
    // The server writes its database down each second.
    agent.listen(Duration::from_millis(1500));
    let stopped = bench.stop_server();
    // Nobody is there who could ask for it.
    agent.kill();
    std::thread::sleep(Duration::from_secs(3));
    stopped.start();
    let queue = format!("queue show desk{}", stage.line.number());
    bench.wait("that he is paused no more", Duration::from_secs(5), |bench| {
        let members = bench.asterisk(&queue);
        assert!(members.contains(&stage.line.agent()), "he is still logged in: {members}");
        !members.contains("paused")
    });
    customer.wait_lamp("registered", LONG);
    let mut agent = stage.agent_with(&Voice::silence(), &["--queues"]);
    until(&mut agent, "ready", |agent| agent["state"] == "ready");
    is_rung_and_goes(&stage, agent, customer);
}

#[test]
fn a_wrap_up_whose_timer_is_gone_ends_when_a_phone_asks() {
    let stage = Stage::asterisk();
    let Server::Asterisk(bench) = &stage.server else { unreachable!("it is Asterisk") };
    let (mut agent, customer) = in_wrap_up(&stage);
    let timer = format!("Local/{}@sidetone-agent-wrapped", stage.line.agent());
    let channels = bench.asterisk("core show channels concise");
    for name in channels.lines().filter_map(|channel| channel.split('!').next()) {
        if name.starts_with(&timer) {
            bench.asterisk(&format!("channel request hangup {name}"));
        }
    }
    agent.listen(Duration::from_secs(5));
    let told = agent.told().filter(|event| event["event"] == "agent").last().expect("what he is");
    assert_eq!(told["agent"]["state"], "wrap_up", "nothing ends it: {told}");
    agent.kill();
    let mut again = stage.agent_with(&Voice::silence(), &["--queues"]);
    until(&mut again, "ready", |agent| agent["state"] == "ready");
    is_rung_and_goes(&stage, again, customer);
}
