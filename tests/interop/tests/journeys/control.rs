//! Control calls at Asterisk, twenty in a row: how long they take, and who notices anything of them.

use crate::scenarios::control::{control, was_no_call};
use crate::scenarios::{Talk, rings};
use serde_json::{Value, json};
use sidetone_interop::bench::Bench;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{HEARD, Heard, Tone, Voice};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// As many in a row.
const CODES: usize = 20;
/// What each may take, on a machine that does other things too.
const LIMIT: f64 = 1000.0;
/// A piece of what is heard, in which a tone is there or is not.
const PIECE: Duration = Duration::from_millis(100);

/// Sends the codes one after the other, and gives back how long each took, in ms, sorted.
#[track_caller]
fn in_a_row(phone: &mut Phone) -> Vec<f64> {
    let mut took = Vec::new();
    for _ in 0..CODES {
        let done = control(phone, "*700");
        assert_eq!(done["event"], "control_done", "{done}");
        let asked = phone.told().filter(|e| e["event"] == "accepted" && e["command"] == "control");
        let asked = asked.filter_map(|event| event["at_ms"].as_f64()).last();
        took.push(done["at_ms"].as_f64().zip(asked).map_or(f64::MAX, |(done, asked)| done - asked));
    }
    took.sort_by(f64::total_cmp);
    took
}

fn judge(what: &str, took: &[f64]) {
    let (median, longest) = (took[took.len() / 2], took[took.len() - 1]);
    println!("{CODES} codes {what}: median {median:.1} ms, longest {longest:.1} ms");
    assert!(longest < LIMIT, "{took:?}");
}

/// The states of a hint, as the console shows them again and again.
pub(crate) struct Watcher {
    over: Arc<AtomicBool>,
    seen: Arc<Mutex<BTreeSet<String>>>,
    thread: JoinHandle<()>,
}

impl Watcher {
    pub(crate) fn of(hint: String) -> Self {
        let (over, seen) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let (is_over, states): (_, Arc<Mutex<BTreeSet<String>>>) =
            (over.clone(), Arc::clone(&seen));
        let thread = std::thread::spawn(move || {
            let bench = Bench::get();
            while !is_over.load(Ordering::Relaxed) {
                let shown = bench.asterisk(&format!("core show hint {hint}"));
                let found =
                    shown.split("State:").nth(1).and_then(|rest| rest.split_whitespace().next());
                let state = found.unwrap_or("?").to_owned();
                states.lock().unwrap_or_else(PoisonError::into_inner).insert(state);
            }
        });
        Self { over, seen, thread }
    }

    pub(crate) fn saw(self) -> BTreeSet<String> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().expect("the watcher has watched");
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[test]
fn twenty_codes_are_done_and_whoever_watches_the_agent_sees_nothing_of_them() {
    let stage = Stage::asterisk();
    let mut agent = stage.agent(&Voice::silence());
    let number = stage.line.number();
    let seat = Watcher::of(format!("seat{number}"));
    let took = in_a_row(&mut agent);
    // One that the server does not end lasts until the phone does, long enough to be seen by whoever can see it.
    let channel = Watcher::of(format!("channel{number}"));
    assert_eq!(control(&mut agent, "*799")["event"], "control_done");
    agent.listen(Duration::from_secs(4));
    let idle = BTreeSet::from(["Idle".to_owned()]);
    assert_eq!(seat.saw(), idle, "the agent's state is what the dial plan says");
    assert!(channel.saw().contains("InUse"), "a watcher of his channel would have seen them");
    judge("of an agent who is idle", &took);
    was_no_call(&agent);
    assert_eq!(agent.snapshot()["calls"], serde_json::json!([]));
    stage.leave(agent);
}

#[test]
fn twenty_codes_beside_a_talk_leave_it_alone() {
    let stage = Stage::asterisk();
    let mut talk = Talk::through_the_queue(&stage, |[a, _]| Voice::steady(a));
    talk.both_hear();
    let before = talk.agent.snapshot();
    let lengths = [&talk.agent, &talk.customer].map(|phone| phone.heard().length());
    let took = in_a_row(&mut talk.agent);
    assert_eq!(talk.agent.snapshot()["calls"], before["calls"], "the same call, and no other");
    // What was sent meanwhile is still to be heard, and written.
    talk.agent.listen(Duration::from_millis(1500));
    talk.customer.listen(Duration::ZERO);
    undisturbed(&talk.agent, lengths[0], talk.customer_says[0]);
    undisturbed(&talk.customer, lengths[1], talk.agent_says[0]);
    judge("beside a talk", &took);
    for event in ["hold", "mute", "reconnecting", "ended"] {
        assert_eq!(talk.agent.count(event), 0, "{}", talk.agent.story());
    }
    talk.end(&stage);
}

#[test]
fn twenty_codes_while_customers_call_lose_no_call_of_the_queue_and_show_the_agent_on_none() {
    let stage = Stage::asterisk();
    let (number, queue) = (stage.line.number(), stage.line.push_queue());
    let mut agent = stage.agent(&Voice::silence());
    let mut customers = [stage.customer(&Voice::silence()), stage.colleague(&Voice::silence())];
    let seat = || Watcher::of(format!("seat{number}"));
    let log = QueueLog::of(format!("push{number}"));
    for turn in 0..CODES / 4 {
        let idle = seat();
        done(&mut agent, "*700");
        // One that the server does not end: its channel is there for three seconds, in which the queue chooses him.
        done(&mut agent, "*799");
        agent.listen(Duration::from_millis(300));
        assert_eq!(idle.saw(), BTreeSet::from(["Idle".to_owned()]), "he is on no call by a code");
        let customer = &mut customers[turn % 2];
        let theirs = customer.dial(&queue);
        done(&mut agent, "*700");
        let call = rings(&mut agent);
        assert_eq!(
            byes_of(&agent),
            turn,
            "he is offered it while the code goes on\n{}",
            agent.story()
        );
        done(&mut agent, "*700");
        agent.ask("answer", &call, json!({}));
        agent.wait_call("established", &call);
        customer.wait_call("established", &theirs);
        // The code's end is none of the call's.
        agent.wait("our BYE of the code", PATIENCE, is_bye_of_code);
        assert_eq!(agent.count("ended"), turn, "{}", agent.story());
        agent.ask("hangup", &call, json!({}));
        agent.wait_ended(&call, "local");
        customer.wait_ended(&theirs, "remote");
        Bench::get().wait("the agent is free again", PATIENCE, |bench| {
            bench.asterisk(&format!("core show hint seat{number}")).contains("Idle")
        });
    }
    let calls = CODES / 4;
    assert_eq!(agent.count("control_done"), CODES);
    assert_eq!(agent.count("incoming"), calls, "each call rings once\n{}", agent.story());
    // Nobody had to be asked twice, and nobody was passed by.
    let told = log.since();
    let of = |kind: &str| told.iter().filter(|line| *line == kind).count();
    assert_eq!(
        (of("ENTERQUEUE"), of("CONNECT"), of("RINGNOANSWER"), of("ABANDON")),
        (calls, calls, 0, 0),
        "{told:?}"
    );
    stage.leave(agent);
    customers.into_iter().for_each(|customer| stage.leave(customer));
}

#[track_caller]
fn done(phone: &mut Phone, code: &str) {
    let told = control(phone, code);
    assert_eq!(told["event"], "control_done", "{told}");
}

/// The phone hangs up a code that the server has left open.
fn is_bye_of_code(event: &Value) -> bool {
    let message = event["message"].as_str().unwrap_or_default();
    event["sent"] == true && message.starts_with("BYE ") && message.contains("*799")
}

fn byes_of(phone: &Phone) -> usize {
    phone.told().filter(|event| is_bye_of_code(event)).count()
}

/// What Asterisk writes of one queue.
pub(crate) struct QueueLog {
    queue: String,
    /// As many lines were there before.
    before: usize,
}

impl QueueLog {
    pub(crate) fn of(queue: String) -> Self {
        let before = Self::lines(&queue).len();
        Self { queue, before }
    }

    /// The kinds of what was written since.
    pub(crate) fn since(&self) -> Vec<String> {
        Self::lines(&self.queue).split_off(self.before)
    }

    fn lines(queue: &str) -> Vec<String> {
        let path = Bench::get().folder.join("asterisk/log/queue_log");
        let log = std::fs::read_to_string(path).unwrap_or_default();
        // `time|call|queue|agent|kind|…`
        let fields = log.lines().map(|line| line.split('|').collect::<Vec<_>>());
        let ours = fields.filter(|fields| fields.get(2) == Some(&queue));
        ours.filter_map(|fields| fields.get(4).map(|kind| (*kind).to_owned())).collect()
    }
}

/// The tone was heard all the time since then, without a gap.
#[track_caller]
fn undisturbed(phone: &Phone, since: Duration, tone: Tone) {
    let heard: Heard = phone.heard();
    let pieces = (heard.length() - since).as_millis() / PIECE.as_millis();
    assert!(pieces > 5, "{} heard something meanwhile", phone.name());
    for piece in 0..u32::try_from(pieces).expect("a talk is short") {
        let part = heard.part(since + PIECE * piece, PIECE);
        assert!(
            part.level(tone) > HEARD,
            "{} does not hear {tone} all the time: {}",
            phone.name(),
            part.describe()
        );
    }
}
