//! What the pack does for an agent at his queues besides his codes, at Asterisk: wrap-up, who rings him while he is
//! paused, what another of his phones sees, and what his phone has missed.

use crate::control::{QueueLog, Watcher};
use crate::push::SOON;
use crate::recovery::cut_while;
use crate::scenarios::agent::{ask, at_work, until, until_after};
use crate::scenarios::rings;
use crate::scenarios::team::watching;
use serde_json::{Value, json};
use sidetone_interop::bench::Bench;
use sidetone_interop::lines::{Line, alone};
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::push::Mailbox;
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::Voice;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// As many in a row.
const PAUSES: usize = 20;

/// The next call rings, and the agent answers it.
fn answers(agent: &mut Phone) -> String {
    let call = agent.wait_for("incoming")["call"].as_str().expect("a call").to_owned();
    agent.order(json!({ "command": "answer", "call": call }));
    agent.wait_call("established", &call);
    call
}

#[test]
fn after_a_call_the_agent_has_time_to_write_it_down_and_is_ready_by_itself() {
    let stage = Stage::asterisk();
    let (mut agent, mut customer) = (at_work(&stage), stage.customer(&Voice::silence()));
    ask(&mut agent, json!({ "command": "login" }), "ready");
    customer.dial(&stage.line.desk());
    let call = answers(&mut agent);
    agent.order(json!({ "command": "hangup", "call": call }));
    let began = until_after(&mut agent, 0.0, "wrap-up", |agent| agent["state"] == "wrap_up");
    let pause = &began["agent"]["pause"];
    assert!(pause["until"].as_u64() > pause["since"].as_u64(), "{began}");
    let began = began["at_ms"].as_f64().expect("a time");
    // A customer who calls meanwhile waits for its end.
    let next = customer.dial(&stage.line.desk());
    let over = until_after(&mut agent, began, "ready", |agent| agent["state"] == "ready");
    let lasted = over["at_ms"].as_f64().expect("a time") - began;
    println!("wrap-up of three seconds: {lasted:.0} ms");
    assert!((2000.0..6000.0).contains(&lasted), "{lasted} ms");
    let call = answers(&mut agent);
    // He may end it himself, too.
    agent.order(json!({ "command": "hangup", "call": call }));
    until(&mut agent, "wrap-up", |agent| agent["state"] == "wrap_up");
    ask(&mut agent, json!({ "command": "unpause" }), "ready");
    customer.wait_call("ended", &next);
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(customer);
}

/// The timer is a channel that Asterisk gives up after half a minute where nobody says otherwise.
#[test]
#[ignore = "has the server for itself for 40 s: scripts/test full"]
fn a_wrap_up_of_more_than_half_a_minute_ends_by_itself() {
    let _server = alone();
    let bench = Bench::get();
    let _long =
        bench.rewrite("sidetone-settings.conf", "SIDETONE_WRAPUP=3)", "SIDETONE_WRAPUP=34)");
    let stage = Stage::on(Server::Asterisk(bench), Line::own(1));
    let (mut agent, mut customer) = (at_work(&stage), stage.customer(&Voice::silence()));
    ask(&mut agent, json!({ "command": "login" }), "ready");
    customer.dial(&stage.line.desk());
    let call = answers(&mut agent);
    agent.order(json!({ "command": "hangup", "call": call }));
    until(&mut agent, "wrap-up", |agent| agent["state"] == "wrap_up");
    let began = Instant::now();
    agent.listen(Duration::from_secs(30));
    until(&mut agent, "ready", |agent| agent["state"] == "ready");
    let lasted = began.elapsed();
    assert!((33.0..37.0).contains(&lasted.as_secs_f64()), "{lasted:?}");
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(customer);
}

#[test]
fn of_twenty_calls_none_rings_into_the_wrap_up_before_it_and_none_is_left_waiting() {
    let stage = Stage::asterisk();
    let (mut agent, mut customer) = (at_work(&stage), stage.customer(&Voice::silence()));
    ask(&mut agent, json!({ "command": "login" }), "ready");
    let mut theirs = customer.dial(&stage.line.desk());
    for round in 0..20 {
        let call = answers(&mut agent);
        customer.wait_call("established", &theirs);
        agent.forget();
        match round % 2 {
            0 => agent.order(json!({ "command": "hangup", "call": call })),
            _ => customer.order(json!({ "command": "hangup", "call": theirs })),
        }
        customer.wait_call("ended", &theirs);
        // The next caller is there before the pause can be.
        theirs = customer.dial(&stage.line.desk());
        until(&mut agent, "wrap-up", |agent| agent["state"] == "wrap_up");
        agent.listen(Duration::from_millis(20 * round));
        let rung = agent.count("incoming");
        assert_eq!(rung, round as usize + 1, "nobody rings into it: {}", agent.story());
        ask(&mut agent, json!({ "command": "unpause" }), "ready");
    }
    let call = answers(&mut agent);
    ask(&mut agent, json!({ "command": "pause", "reason": "lunch" }), "on_call");
    agent.order(json!({ "command": "hangup", "call": call }));
    customer.wait_call("ended", &theirs);
    until(&mut agent, "paused", |agent| agent["state"] == "not_ready");
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(customer);
}

#[test]
fn of_twenty_pauses_in_a_row_nobody_who_watches_sees_a_call() {
    let stage = Stage::asterisk();
    let (mut agent, mut colleague) = (at_work(&stage), stage.colleague(&Voice::silence()));
    ask(&mut agent, json!({ "command": "login" }), "ready");
    watching(&mut colleague);
    colleague.forget();
    let before = colleague.told().count();
    let seat = Watcher::of(format!("seat{}", stage.line.number()));
    for _ in 0..PAUSES {
        ask(&mut agent, json!({ "command": "pause", "reason": "break" }), "not_ready");
        ask(&mut agent, json!({ "command": "unpause" }), "ready");
    }
    // What is told last arrives.
    colleague.listen(Duration::from_secs(1));
    assert_eq!(seat.saw(), BTreeSet::from(["Idle".to_owned()]), "the hint of his seat");
    let told = colleague.told().skip(before).map(|event| &event["colleague"]);
    let mut seen: Vec<_> =
        told.filter(|one| one["name"] == stage.line.agent()).map(|one| &one["state"]).collect();
    seen.dedup();
    assert_eq!(seen, ["not_ready", "ready"].repeat(PAUSES), "{}", colleague.story());
    let own = agent.told().map(|event| &event["agent"]["state"]);
    let is_call = |state: &&Value| *state == "ringing" || *state == "on_call";
    assert_eq!(own.filter(is_call).count(), 0, "{}", agent.story());
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(colleague);
}

#[test]
fn twenty_pauses_in_a_row_leave_no_caller_waiting() {
    let stage = Stage::asterisk();
    let (mut agent, mut customer) = (at_work(&stage), stage.customer(&Voice::silence()));
    ask(&mut agent, json!({ "command": "login" }), "ready");
    let log = QueueLog::of(format!("desk{}", stage.line.number()));
    let mut longest = Duration::ZERO;
    for round in 0..PAUSES {
        ask(&mut agent, json!({ "command": "pause", "reason": "break" }), "not_ready");
        // Of two callers one waits for the end of the pause, at each point of the queue's second, and one comes while the code
        // goes on.
        let waits = (round % 2 == 0).then(|| {
            let theirs = customer.dial(&stage.line.desk());
            customer.wait_call("established", &theirs);
            agent.listen(Duration::from_millis(50 * round as u64));
            theirs
        });
        assert_eq!(agent.count("incoming"), round, "nobody rings into it: {}", agent.story());
        let asked = Instant::now();
        agent.order(json!({ "command": "unpause" }));
        let theirs = waits.unwrap_or_else(|| customer.dial(&stage.line.desk()));
        let rung = agent.wait_told("a call", PATIENCE, |event| event["event"] == "incoming");
        let took = rung.at.saturating_duration_since(asked);
        longest = longest.max(took);
        // The queue tries once a second: one more round is one in which he was passed by.
        assert!(took < Duration::from_millis(1500), "{took:?} in round {round}: {}", agent.story());
        let call = rung.event["call"].as_str().expect("a call").to_owned();
        until(&mut agent, "ready", |agent| agent["state"] == "ready");
        customer.order(json!({ "command": "hangup", "call": theirs }));
        customer.wait_call("ended", &theirs);
        agent.wait_call("ended", &call);
    }
    println!("of {PAUSES} callers who meet a pause the last rings after {longest:?}");
    let told = log.since();
    let of = |kind: &str| told.iter().filter(|line| *line == kind).count();
    assert_eq!(
        (of("ENTERQUEUE"), of("ABANDON"), of("RINGNOANSWER"), of("CONNECT")),
        (PAUSES, PAUSES, 0, 0),
        "{told:?}"
    );
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(customer);
}

/// He brings the caller to a colleague, who talks on with him.
fn is_free_after_a_transfer(attended: bool) {
    let stage = Stage::asterisk();
    let (mut agent, mut customer) = (at_work(&stage), stage.customer(&Voice::silence()));
    let mut colleague = stage.colleague(&Voice::silence());
    ask(&mut agent, json!({ "command": "login" }), "ready");
    let theirs = customer.dial(&stage.line.desk());
    let call = answers(&mut agent);
    customer.wait_call("established", &theirs);
    // Asterisk joins the two a moment after the answer, and sends nobody on before.
    agent.listen(Duration::from_millis(500));
    let to = stage.line.colleague_number();
    if attended {
        let second = agent.dial(&to);
        let rung = rings(&mut colleague);
        colleague.ask("answer", &rung, json!({}));
        agent.wait_call("established", &second);
        agent.order(json!({ "command": "attended", "call": call, "with": second }));
    } else {
        agent.ask("transfer", &call, json!({ "to": to }));
        let rung = rings(&mut colleague);
        colleague.ask("answer", &rung, json!({}));
    }
    agent.wait_call("ended", &call);
    until(&mut agent, "wrap-up", |agent| agent["state"] == "wrap_up");
    let over = until(&mut agent, "ready", |agent| agent["state"] == "ready");
    assert!(over["pause"].is_null(), "{over}");
    // The next caller reaches him, though the first still talks.
    let mut next = stage.clerk_with(&Voice::silence(), &[]);
    let another = next.dial(&stage.line.desk());
    let call = answers(&mut agent);
    next.ask("hangup", &another, json!({}));
    agent.wait_call("ended", &call);
    until(&mut agent, "wrap-up", |agent| agent["state"] == "wrap_up");
    // Nor does the end of that one begin a second.
    ask(&mut agent, json!({ "command": "unpause" }), "ready");
    customer.order(json!({ "command": "hangup", "call": theirs }));
    customer.wait_call("ended", &theirs);
    agent.listen(Duration::from_secs(1));
    assert_eq!(agent.snapshot()["agent"]["state"], "ready", "{}", agent.story());
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    for phone in [agent, customer, colleague, next] {
        stage.leave(phone);
    }
}

#[test]
fn who_has_sent_his_caller_on_is_free_though_the_caller_talks_on() {
    is_free_after_a_transfer(false);
}

#[test]
fn who_has_brought_his_caller_together_with_a_colleague_is_free_though_the_caller_talks_on() {
    is_free_after_a_transfer(true);
}

/// Nobody takes the caller whom he has sent on: he has him again, behind a wrap-up that is over by then.
#[test]
fn who_has_his_caller_back_is_engaged_again_and_has_his_wrap_up_after() {
    let stage = Stage::asterisk();
    let (mut agent, mut customer) = (at_work(&stage), stage.customer(&Voice::silence()));
    let (mut next, mut colleague) =
        (stage.clerk_with(&Voice::silence(), &[]), stage.colleague(&Voice::silence()));
    ask(&mut agent, json!({ "command": "login" }), "ready");
    watching(&mut colleague);
    let theirs = customer.dial(&stage.line.desk());
    let call = answers(&mut agent);
    customer.wait_call("established", &theirs);
    agent.listen(Duration::from_millis(500));
    agent.ask("transfer", &call, json!({ "to": "610" }));
    agent.wait_call("ended", &call);
    until(&mut agent, "ready", |agent| agent["state"] == "ready");
    colleague.forget();
    let is = |state: &'static str| {
        let name = stage.line.agent();
        move |event: &Value| {
            event["colleague"]["name"] == name && event["colleague"]["state"] == state
        }
    };
    let back = agent.wait("the customer again", PATIENCE, |event| {
        event["event"] == "incoming" && event["data"]["returned_from"] == "610"
    });
    colleague.wait("he is rung", PATIENCE, is("ringing"));
    let call = back["call"].as_str().expect("a call").to_owned();
    agent.ask("answer", &call, json!({}));
    colleague.wait("he talks", PATIENCE, is("on_call"));
    let rung = agent.count("incoming");
    let waits = next.dial(&stage.line.desk());
    next.wait_call("established", &waits);
    agent.listen(Duration::from_secs(2));
    assert_eq!(agent.count("incoming"), rung, "no queue rings into it: {}", agent.story());
    customer.order(json!({ "command": "hangup", "call": theirs }));
    agent.wait_call("ended", &call);
    until(&mut agent, "wrap-up", |agent| agent["state"] == "wrap_up");
    assert_eq!(agent.count("incoming"), rung, "nor into the wrap-up: {}", agent.story());
    let call = answers(&mut agent);
    next.ask("hangup", &waits, json!({}));
    agent.wait_call("ended", &call);
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    for phone in [agent, customer, next, colleague] {
        stage.leave(phone);
    }
}

/// He does not take him: he is as free as before.
#[test]
fn who_lets_his_caller_ring_when_he_comes_back_is_free_again() {
    let stage = Stage::asterisk();
    let (mut agent, mut customer) = (at_work(&stage), stage.customer(&Voice::silence()));
    ask(&mut agent, json!({ "command": "login" }), "ready");
    let theirs = customer.dial(&stage.line.desk());
    let call = answers(&mut agent);
    customer.wait_call("established", &theirs);
    agent.listen(Duration::from_millis(500));
    agent.ask("transfer", &call, json!({ "to": "606" }));
    let back = rings(&mut agent);
    agent.ask("decline", &back, json!({}));
    customer.wait_call("ended", &theirs);
    until(&mut agent, "ready", |agent| agent["state"] == "ready");
    let theirs = customer.dial(&stage.line.desk());
    let call = answers(&mut agent);
    customer.ask("hangup", &theirs, json!({}));
    agent.wait_call("ended", &call);
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(customer);
}

/// A customer calls an agent who is paused for each reason: himself, by the site's policy, and his queue, which never rings him.
fn is_called_while_paused(stage: &Stage, is_left_alone: bool) {
    let mailbox = Mailbox::of(&stage.line.agent());
    let (mut agent, mut customer) = (at_work(stage), stage.customer(&Voice::silence()));
    ask(&mut agent, json!({ "command": "login" }), "ready");
    for (before, reason) in ["break", "lunch", "training"].into_iter().enumerate() {
        let rung = if is_left_alone { before } else { 2 * before };
        let pause = json!({ "command": "pause", "reason": reason });
        let seen = ask(&mut agent, pause, "not_ready");
        assert_eq!(seen["pause"]["reason"], reason);
        assert_eq!(seen["do_not_disturb"], is_left_alone, "{seen}");
        let call = customer.dial(&stage.line.direct());
        if is_left_alone {
            assert_eq!(customer.wait_call("ended", &call)["reason"], "busy");
            // Nor is his phone woken.
            mailbox.stays_empty(Duration::from_secs(1));
        } else {
            rings_and_is_left(&mut agent, &mut customer, &call);
            mailbox.next("incoming", PATIENCE);
            mailbox.next("cancelled", PATIENCE);
        }
        let waits = customer.dial(&stage.line.desk());
        customer.wait_call("established", &waits);
        mailbox.stays_empty(Duration::from_secs(3));
        customer.order(json!({ "command": "hangup", "call": waits }));
        customer.wait_call("ended", &waits);
        let direct = usize::from(!is_left_alone);
        assert_eq!(agent.count("incoming"), rung + direct, "{reason}: {}", agent.story());
        let seen = ask(&mut agent, json!({ "command": "unpause" }), "ready");
        assert_eq!(seen["do_not_disturb"], false, "{seen}");
        let call = customer.dial(&stage.line.direct());
        rings_and_is_left(&mut agent, &mut customer, &call);
        mailbox.next("incoming", PATIENCE);
        mailbox.next("cancelled", PATIENCE);
    }
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(customer);
}

/// His phone rings, and the customer gives up.
fn rings_and_is_left(agent: &mut Phone, customer: &mut Phone, theirs: &str) {
    let call = rings(agent);
    customer.order(json!({ "command": "hangup", "call": theirs }));
    customer.wait_call("ended", theirs);
    agent.wait_ended(&call, "cancelled");
}

#[test]
fn who_is_paused_is_not_rung_by_direct_calls_either_where_the_policy_says_so() {
    is_called_while_paused(&Stage::asterisk(), true);
}

#[test]
fn who_is_paused_is_rung_by_direct_calls_where_the_policy_lets_them() {
    let _server = alone();
    let bench = Bench::get();
    let _policy = bench.rewrite("sidetone-settings.conf", "SIDETONE_DND=yes", "SIDETONE_DND=no");
    is_called_while_paused(&Stage::on(Server::Asterisk(bench), Line::own(1)), false);
}

#[test]
fn a_pause_by_one_phone_is_seen_on_the_other() {
    // The fourth agent may have several phones.
    let stage = Stage::on(Server::Asterisk(Bench::get()), Line::numbered(4));
    let (mut one, mut other) = (at_work(&stage), at_work(&stage));
    ask(&mut one, json!({ "command": "login" }), "ready");
    until(&mut other, "ready", |agent| agent["state"] == "ready");
    let asked = Instant::now();
    one.order(json!({ "command": "pause", "reason": "training" }));
    let seen = until(&mut other, "paused", |agent| agent["state"] == "not_ready");
    println!("seen on the other phone after {:?}", asked.elapsed());
    assert_eq!(seen["pause"]["reason"], "training");
    assert!(asked.elapsed() < Duration::from_secs(1));
    ask(&mut other, json!({ "command": "logout" }), "logged_out");
    until(&mut one, "logged out", |agent| agent["state"] == "logged_out");
    stage.leave(one);
    stage.leave(other);
}

/// The console pauses the agent in the queues that he has logged in to; no phone has asked for it.
fn pause_by_console(bench: &Bench, stage: &Stage) {
    let member = stage.line.member();
    for queue in ["desk", "back"] {
        bench
            .asterisk(&format!("queue pause member {member} queue {queue}{}", stage.line.number()));
    }
}

/// The agent is shown so, and was not shown otherwise with certainty since the last `forget`.
#[track_caller]
fn learns(agent: &mut Phone, state: &str) {
    let seen = agent.wait("what he is", PATIENCE, |event| event["agent"]["certain"] == true);
    assert_eq!(seen["agent"]["state"], state, "{seen}");
}

#[test]
fn an_agent_whose_connection_was_lost_learns_what_was_done_meanwhile() {
    let (bench, stage) = (Bench::get(), Stage::asterisk());
    let (mut agent, mut customer) = (at_work(&stage), stage.customer(&Voice::silence()));
    ask(&mut agent, json!({ "command": "login" }), "ready");
    let _lost = cut_while(&bench, &mut agent, || pause_by_console(&bench, &stage));
    let doubt = agent.wait("nobody knows", PATIENCE, |event| event["event"] == "agent");
    let doubt = &doubt["agent"];
    assert_eq!((&doubt["state"], &doubt["certain"]), (&json!("ready"), &json!(false)), "{doubt}");
    learns(&mut agent, "not_ready");
    // And is at his queues as before.
    let theirs = customer.dial(&stage.line.desk());
    ask(&mut agent, json!({ "command": "unpause" }), "ready");
    let call = rings(&mut agent);
    customer.order(json!({ "command": "hangup", "call": theirs }));
    agent.wait_call("ended", &call);
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(customer);
}

/// The phone lets go of its connection.
#[track_caller]
fn sleeps(agent: &mut Phone) {
    agent.forget();
    agent.order(json!({ "command": "sleep" }));
    agent.wait_lamp("asleep", PATIENCE);
}

#[test]
fn an_agent_whose_phone_sleeps_stays_at_his_queues_and_learns_what_he_has_missed() {
    let (bench, stage) = (Bench::get(), Stage::asterisk());
    let mailbox = Mailbox::of(&stage.line.agent());
    let (mut agent, mut customer) = (at_work(&stage), stage.customer(&Voice::silence()));
    ask(&mut agent, json!({ "command": "login" }), "ready");
    sleeps(&mut agent);
    pause_by_console(&bench, &stage);
    // Whoever is paused is not woken either.
    let theirs = customer.dial(&stage.line.desk());
    mailbox.stays_empty(Duration::from_secs(3));
    agent.order(json!({ "command": "register" }));
    learns(&mut agent, "not_ready");
    ask(&mut agent, json!({ "command": "unpause" }), "ready");
    mailbox.next("incoming", SOON);
    let call = answers(&mut agent);
    customer.wait_call("established", &theirs);
    mailbox.next("answered_elsewhere", SOON);
    agent.order(json!({ "command": "hangup", "call": call }));
    until(&mut agent, "wrap-up", |agent| agent["state"] == "wrap_up");
    customer.wait_call("ended", &theirs);
    // The wrap-up ends without him.
    sleeps(&mut agent);
    std::thread::sleep(Duration::from_secs(4));
    let theirs = customer.dial(&stage.line.desk());
    mailbox.next("incoming", SOON);
    agent.order(json!({ "command": "register" }));
    let call = rings(&mut agent);
    until(&mut agent, "it rings", |agent| agent["state"] == "ringing");
    customer.order(json!({ "command": "hangup", "call": theirs }));
    agent.wait_call("ended", &call);
    mailbox.next("cancelled", SOON);
    // Nor is anything lost with the process.
    agent.kill();
    pause_by_console(&bench, &stage);
    let mut agent = stage.agent_with(&Voice::silence(), &["--queues"]);
    learns(&mut agent, "not_ready");
    ask(&mut agent, json!({ "command": "logout" }), "logged_out");
    stage.leave(agent);
    stage.leave(customer);
}
