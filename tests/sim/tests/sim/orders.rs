//! Every order of inputs on one call of a bare phone, on two ([`crate::pairs`]) and beside them ([`crate::beside`]): each INVITE gets exactly one final response,
//! each call ends exactly once and in its time, nothing panics, and every arm of the call machine
//! is hit.

use sidetone_sim::order::{Explored, Line, Op, arms, explore};

/// What comes whenever the phone asks for it or is due.
const FREE: [Op; 5] = [Op::FlowUp, Op::Described, Op::Connected, Op::Agree, Op::Time];

/// The arms that no input leads to, each with what stands before it: they complete the `match`.
const GUARDS: [(&str, &str); 6] = [
    (
        "(Announced | Ending | Ended, In::Described(_))",
        "a call that asked for no description, or does not wait for it any more, takes none",
    ),
    (
        "( Announced | Ringing | Answering | Answered | Established | Ended, In::Provisional(_) | \
         In::Accepted(_) | In::Refused(_) | In::Unanswered(_), )",
        "the transaction gives nothing after the final response but a 2xx again, which is \
         acknowledged before the machine",
    ),
    (
        "( Dialing | Alerting | Announced | Ringing | Answering | Ended, In::ChangeAnswered(_), ) | \
         ( Dialing | Alerting | Announced | Ringing | Answering | Ending | Ended, \
         In::ChangeUnanswered | In::ChangeLost, )",
        "only an answered call sends an INVITE inside its dialog, and an ending one forgets it",
    ),
    (
        "(Dialing | Alerting | Announced | Ending | Ended, In::Cancel(_))",
        "a CANCEL finds its call by an INVITE that is still open",
    ),
    (
        "(Dialing | Alerting | Announced | Ringing | Answering | Ended, In::Unacknowledged)",
        "only an answered call waits for an ACK",
    ),
    (
        "( Dialing | Alerting | Announced | Ringing | Answering | Answered | Established | Ended, \
         In::ByeDone | In::ByeLost, )",
        "only an ending call has sent BYE",
    ),
];

fn tried(what: &str, limits: &[(Op, u64)]) -> Explored {
    let explored =
        explore(Line::new().unwrap(), limits, &FREE).unwrap_or_else(|what| panic!("{what}"));
    let Explored { states, steps, positions, orders, .. } = &explored;
    println!("{what}: {orders} orders over {positions} positions, {states} states, {steps} steps");
    explored
}

fn twice(ops: &[Op]) -> Vec<(Op, u64)> {
    ops.iter().map(|op| (*op, 2)).collect()
}

fn once(ops: &[Op]) -> Vec<(Op, u64)> {
    ops.iter().map(|op| (*op, 1)).collect()
}

/// What comes in calls of ours.
const CALLING: [Op; 9] = [
    Op::Dial,
    Op::Trying,
    Op::Ringing,
    Op::EarlyMedia,
    Op::Accept,
    Op::AcceptOther,
    Op::Busy,
    Op::HangUp,
    Op::Bye,
];

#[test]
fn every_order_on_one_call_and_on_two() {
    arms::listen();
    use Op::{
        Accept, Ack, Answer, Arrive, Busy, Bye, Cancel, Decline, Dial, EarlyMedia, FlowLost, Glare,
        HangUp, Hold, Invite, MediaFailed, Miss, NotDescribed, Reinvite, Ringing, SignOut, Stay,
        Transfer, Update, Withdraw,
    };

    let called = [Invite, Cancel, Answer, Decline, HangUp, Ack, Bye, Hold, FlowLost];
    let calls = tried("incoming, each up to twice", &twice(&called));
    assert!(calls.states > 20_000);
    let mut orders = calls.orders;
    let changes = [Invite, Answer, Ack, Hold, Reinvite, Update, Withdraw, Glare];
    orders += tried("incoming, changed by both sides", &once(&changes)).orders;
    let transfer = [Invite, Answer, Ack, Hold, Transfer, Stay, Arrive, Miss, Bye, HangUp, FlowLost];
    orders += tried("incoming, sent elsewhere", &once(&transfer)).orders;
    let trouble = [Invite, Answer, HangUp, Ack, Bye, Reinvite, MediaFailed, NotDescribed, SignOut];
    orders += tried("incoming, with trouble", &once(&trouble)).orders;

    let mut calling = twice(&CALLING);
    calling.extend(once(&[Hold, FlowLost]));
    orders += tried("outgoing, each up to twice, hold and loss once", &calling).orders;
    let mut leaving = once(&[Dial, Ringing, EarlyMedia, Accept, Busy, HangUp, Bye, Hold, SignOut]);
    leaving.push((FlowLost, 2));
    orders += tried("outgoing, flow lost up to twice", &leaving).orders;
    let trouble = [
        Dial,
        Accept,
        HangUp,
        Answer,
        Decline,
        Cancel,
        Ack,
        Hold,
        Reinvite,
        MediaFailed,
        NotDescribed,
    ];
    orders += tried("outgoing, with trouble", &once(&trouble)).orders;
    orders += networks();
    orders += pushes();
    orders += crate::pairs::orders();
    orders += crate::pairs::networks();
    orders += crate::beside::orders();
    println!("{orders} orders in all");

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../core/phone/src/call/state.rs");
    let (all, missed) = arms::missed(&std::fs::read_to_string(path).unwrap());
    println!("{} of {all} arms of the call machine hit", all - missed.len());
    let expected: Vec<&str> = GUARDS.iter().map(|(arm, _)| *arm).collect();
    assert_eq!(missed, expected, "every other arm is hit, and these are not");
}

#[test]
#[ignore = "two minutes of one core and 2.2 GB: scripts/test full"]
fn every_order_on_one_call_of_ours_with_everything_twice() {
    let calling = [&CALLING[..], &[Op::Hold, Op::FlowLost]].concat();
    let calls = tried("outgoing, each up to twice, hold and loss too", &twice(&calling));
    assert!(calls.states > 20_000);
}

/// Orders on a phone whose platform says when audio may run.
fn pushed(what: &str, limits: &[(Op, u64)]) -> Explored {
    let start = Line::on_a_platform().unwrap();
    let explored = explore(start, limits, &FREE).unwrap_or_else(|what| panic!("{what}"));
    let Explored { states, steps, positions, orders, .. } = &explored;
    println!("{what}: {orders} orders over {positions} positions, {states} states, {steps} steps");
    explored
}

/// The network of a call is another.
fn networks() -> u128 {
    use Op::{Accept, Ack, Answer, Break, Bye, Cancel, Dial, Fade, HangUp, Invite, Overlap};
    let dialled = once(&[Dial, Break]);
    let mut orders = tried("outgoing, on another network", &dialled).orders;
    let called = once(&[Invite, Answer, Ack, Break, Cancel, HangUp, Bye]);
    orders += tried("incoming, on another network", &called).orders;
    let silent = once(&[Dial, Accept, Fade, HangUp]);
    orders += tried("outgoing, on a path that falls silent", &silent).orders;
    let rings = once(&[Invite, Fade, Answer, Ack]);
    orders += tried("incoming, on a path that falls silent", &rings).orders;
    let both = once(&[Invite, Answer, Ack, Overlap]);
    orders + tried("incoming, with both networks for a while", &both).orders
}

/// Pushes, what the user decides on them, and what the process and the platform do meanwhile.
fn pushes() -> u128 {
    use Op::{
        Ack, Answer, AudioOff, AudioOn, Bye, Cancel, Decline, FlowLost, Fork, Forward, HangUp,
        Hold, Invite, Kill, Push, Recall,
    };
    let mut decided = twice(&[Push]);
    decided.extend(once(&[Invite, Fork, Cancel, Answer, Decline, Forward, HangUp, FlowLost]));
    let mut orders = pushed("pushes and decisions", &decided).orders;
    let mut killed = twice(&[Push]);
    killed.extend(once(&[Invite, Cancel, Answer, Decline, Forward, Kill]));
    orders += pushed("pushes, decisions and a kill", &killed).orders;
    let mut recalled = twice(&[Push, Recall]);
    recalled.extend(once(&[Invite, Answer, Decline, HangUp, Ack, Hold, FlowLost]));
    orders += pushed("pushes that are taken back", &recalled).orders;
    let mut talked = twice(&[AudioOn, AudioOff]);
    talked.extend(once(&[Push, Invite, Answer, Ack, Bye, HangUp, Kill, FlowLost]));
    orders + pushed("pushes and audio", &talked).orders
}
