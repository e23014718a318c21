//! Pushes beyond one agent and one attempt: several who sleep, one who sends his caller on, a server that
//! crashes. server/asterisk/push.conf.

use crate::push::{Asleep, SOON, call_of, state, wait_state};
use serde_json::{Value, json};
use sidetone_interop::bench::Bench;
use sidetone_interop::lines::{Line, alone};
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::push::Mailbox;
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::{Tone, Voice};
use std::time::Duration;

/// Longer than phones take to come back to a server that was gone.
const LONG: Duration = Duration::from_secs(75);

/// The queue in which all agents sleep.
const SLEEPERS: &str = "1810";

fn announced(phone: &mut Phone, post: &Value) {
    phone.send(json!({ "command": "announce", "payload": post["payload"] }));
    phone.wait_call("reported", &call_of(post));
}

#[test]
fn of_two_who_sleep_the_first_to_answer_has_the_call_and_the_other_is_told() {
    let _alone = alone();
    let bench = Bench::get();
    let stages = [1, 2].map(|n| Stage::on(Server::Asterisk(bench.clone()), Line::own(n)));
    let boxes = ["agent1", "agent2", "agent3"].map(Mailbox::of);
    let [ours, theirs] = Tone::draw();
    let mut customer = stages[0].customer(&Voice::steady(theirs));
    let customer_call = customer.dial(SLEEPERS);
    let posts = [0, 1, 2].map(|n| boxes[n].next("incoming", SOON));
    let calls = posts.each_ref().map(call_of);
    assert_ne!(calls[0], calls[1], "each agent's attempt is a call of its own");
    assert_eq!(posts[0]["payload"]["group"], posts[1]["payload"]["group"], "for one customer");
    assert_eq!(posts[0]["payload"]["queue"], "sleepers");
    let mut phones = [0, 1].map(|n| stages[n].agent(&Voice::steady(ours)));
    for n in [0, 1] {
        announced(&mut phones[n], &posts[n]);
        phones[n].wait_call("incoming", &calls[n]);
    }
    let [mut first, mut second] = phones;
    second.ask("answer", &calls[1], json!({}));
    second.wait_call("established", &calls[1]);
    second.hears(theirs);
    customer.hears(ours);
    first.wait_ended(&calls[0], "answered_elsewhere");
    for n in [0, 1, 2] {
        // Also he who never woke.
        assert_eq!(call_of(&boxes[n].next("answered_elsewhere", SOON)), calls[n]);
    }
    bench.wait("who answered is engaged, the others are free", PATIENCE, |bench| {
        ["NOT_INUSE", "INUSE", "NOT_INUSE"]
            .iter()
            .zip(["agent1", "agent2", "agent3"])
            .all(|(wanted, agent)| state(bench, agent) == *wanted)
    });
    customer.ask("hangup", &customer_call, json!({}));
    second.wait_ended(&calls[1], "remote");
    let [one, two] = stages;
    one.leave(first);
    two.leave(second);
    one.leave(customer);
}

/// Sends his caller to the echo, before the INVITE or after it.
fn forwarded(is_early: bool) {
    let asleep = Asleep::called();
    let call = call_of(&asleep.post);
    let agent = asleep.stage.line.agent();
    let setup = asleep.stage.server.setup(&agent);
    let mut phone = Phone::start("agent", &setup, &Voice::silence());
    announced(&mut phone, &asleep.post);
    if !is_early {
        asleep.rings_as_announced(&mut phone);
    }
    phone.ask("forward", &call, json!({ "to": "600" }));
    phone.wait_ended(&call, "forwarded");
    if is_early {
        phone.wait_lamp("registered", PATIENCE);
        assert_eq!(phone.count("incoming"), 0, "what was decided never rings");
    }
    let sent = |event: &Value| {
        event["sent"] == true
            && event["message"].as_str().is_some_and(|text| text.starts_with("SIP/2.0 302"))
    };
    phone.wait("302", PATIENCE, sent);
    let Asleep { bench, stage, mailbox, mut customer, customer_says, customer_call, .. } = asleep;
    // The echo gives him what he says himself.
    customer.hears(customer_says[0]);
    customer.hears(customer_says[1]);
    assert_eq!(call_of(&mailbox.next("answered_elsewhere", SOON)), call);
    customer.ask("hangup", &customer_call, json!({}));
    bench.wait("he is free", PATIENCE, |bench| state(bench, &agent) == "NOT_INUSE");
    stage.leave(phone);
    stage.leave(customer);
}

#[test]
fn a_caller_is_sent_on_while_it_rings() {
    forwarded(false);
}

#[test]
fn a_caller_is_sent_on_before_the_invite() {
    forwarded(true);
}

/// The server dies without a word, once it has stored the agent's state, and starts.
fn crash(asleep: &mut Asleep, agent: Option<&mut Phone>) {
    // Asterisk stores what changes each second.
    std::thread::sleep(Duration::from_secs(2));
    asleep.customer.forget();
    asleep.bench.stop_server().start();
    for phone in [&mut asleep.customer].into_iter().chain(agent) {
        phone.wait_lamp("registered", LONG);
        phone.wait("the end of the call", LONG, |event| event["event"] == "ended");
    }
    wait_state(&asleep.bench, &asleep.stage, "NOT_INUSE", "(Not in use)");
    let before = call_of(&asleep.post);
    asleep.customer_call = asleep.customer.dial(&asleep.stage.line.push_queue());
    asleep.post = asleep.mailbox.next("incoming", SOON);
    assert_ne!(call_of(&asleep.post), before);
}

#[test]
fn a_server_that_crashes_while_it_rings_or_talks_rings_the_agent_again() {
    let _alone = alone();
    let mut asleep = Asleep::called_on(Line::own(1));
    wait_state(&asleep.bench, &asleep.stage, "RINGING", "(Ringing)");
    crash(&mut asleep, None);
    let mut agent = asleep.wakes();
    let call = asleep.rings_as_announced(&mut agent);
    agent.ask("answer", &call, json!({}));
    agent.wait_call("established", &call);
    asleep.mailbox.next("answered_elsewhere", SOON);
    wait_state(&asleep.bench, &asleep.stage, "INUSE", "(In use)");
    agent.forget();
    crash(&mut asleep, Some(&mut agent));
    let call = asleep.rings_as_announced(&mut agent);
    asleep.talks(agent, call);
}
