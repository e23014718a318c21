//! Every order of what comes beside one call: codes that the server carries out, and the call that the server sends the phone on to.

use crate::pairs::{a, b, tried};
use sidetone_sim::order::Pair;
use sidetone_sim::order::pair::{Code, One, Op, Which};

const fn first(code: Code) -> Op {
    Op::Control(Which::A, code)
}

const fn second(code: Code) -> Op {
    Op::Control(Which::B, code)
}

/// No call.
fn idle() -> Pair {
    Pair::of_callers().unwrap()
}

/// A call that rings here.
fn ringing() -> Pair {
    idle().after(&[a(One::Invite)]).unwrap()
}

/// It talks.
fn talking() -> Pair {
    ringing().after(&[a(One::Answer)]).unwrap()
}

/// It is held.
fn held() -> Pair {
    talking().after(&[a(One::Hold)]).unwrap()
}

/// A call of ours that rings there, and no other.
fn dialling() -> Pair {
    let ops = [b(One::Dial), b(One::Ringing)];
    Pair::of_caller_and_called().and_then(|pair| pair.after(&ops)).unwrap()
}

/// The server has sent the phone on.
fn sent_on(from: Pair) -> Pair {
    from.after(&[a(One::Refer)]).unwrap()
}

/// Every order that the daily run has room for.
pub(crate) fn orders() -> u128 {
    codes() + references()
}

fn codes() -> u128 {
    use Code::{Accept, Ask, Bye, Challenge, Progress, Refuse, Repeat};
    use Op::FlowLost;
    let whole = [Ask, Progress, Challenge, Accept, Repeat, Refuse, Bye].map(first);
    let short = [Ask, Progress, Accept, Refuse, Bye].map(first);
    let answered = [Ask, Accept].map(first);
    let another = [Ask, Accept, Refuse, Bye].map(second);
    let cases: [(&str, Pair, &[Op], &[Op]); 7] = [
        ("a code and nothing else; connection lost", idle(), &whole, &[FlowLost]),
        ("two codes at once", idle(), &whole, &another),
        (
            "a code while a call rings here; answered, withdrawn",
            ringing(),
            &short,
            &[a(One::Answer), a(One::Cancel)],
        ),
        (
            "a code while a call rings here; answered, connection lost",
            ringing(),
            &answered,
            &[a(One::Answer), FlowLost],
        ),
        (
            "a code while a call rings there; answered, busy, hung up, connection lost",
            dialling(),
            &short,
            &[b(One::Accept), b(One::Busy), b(One::HangUp), FlowLost],
        ),
        (
            "a code beside a talk; held, hung up by either side",
            talking(),
            &short,
            &[a(One::Hold), a(One::Bye), a(One::HangUp)],
        ),
        (
            "a code beside a held call; resumed, BYE, connection lost",
            held(),
            &answered,
            &[a(One::Hold), a(One::Bye), FlowLost],
        ),
    ];
    let tried = |(what, start, codes, calls): (&str, Pair, &[Op], &[Op])| {
        tried(what, start, &[codes, calls].concat()).orders
    };
    cases.into_iter().map(tried).sum()
}

fn references() -> u128 {
    use One::{Accept, Busy, Bye, Forget, HangUp, Hold, Refer, ReferAway, Ringing};
    use Op::{FlowLost, Swap};
    let cases: [(&str, Pair, &[Op]); 6] = [
        (
            "sent on in a talk; answered, busy, hung up by anyone",
            talking(),
            &[a(Refer), b(Accept), b(Busy), a(Bye), b(Bye), a(HangUp), b(HangUp)],
        ),
        (
            "sent on from hold; rung, answered, busy, hung up by anyone",
            held(),
            &[a(Refer), b(Ringing), b(Accept), b(Busy), a(Bye), b(Bye), a(HangUp), b(HangUp)],
        ),
        (
            "sent on in a talk; held, swapped, answered, busy",
            talking(),
            &[a(Refer), a(Hold), Swap, b(Accept), b(Busy)],
        ),
        (
            "sent on in a talk; answered, busy, hung up, connection lost",
            sent_on(talking()),
            &[b(Accept), b(Busy), a(Bye), b(HangUp), FlowLost],
        ),
        (
            "sent on from hold; answered, swapped, hung up, connection lost",
            sent_on(held()),
            &[b(Accept), Swap, a(Bye), FlowLost],
        ),
        (
            "sent out of the domain, and on; nobody wants to know, hung up",
            talking(),
            &[a(ReferAway), a(Refer), a(Forget), b(Accept), b(Busy), a(HangUp)],
        ),
    ];
    cases.into_iter().map(|(what, start, ops)| tried(what, start, ops).orders).sum()
}

#[test]
#[ignore = "a minute of one core and 1 GB: scripts/test full"]
fn orders_beside_a_call_that_take_long() {
    use Code::{Accept, Ask, Bye, Progress, Refuse};
    use Op::{FlowLost, Swap};
    let code = [Ask, Progress, Accept, Refuse, Bye].map(first);
    let rings = [a(One::Answer), a(One::Cancel), a(One::HangUp), FlowLost];
    let what = "a code while a call rings here; answered, withdrawn, hung up, connection lost";
    tried(what, ringing(), &[&code[..], &rings].concat());
    let rung = [One::Ringing, One::Accept, One::Busy, One::Bye, One::HangUp].map(b);
    let hung_up = [a(One::Refer), a(One::Bye), a(One::HangUp)];
    let what = "sent on in a talk; rung, answered, busy, hung up by anyone";
    tried(what, talking(), &[&hung_up[..], &rung].concat());
    let swapped =
        [b(One::Accept), b(One::Busy), a(One::Bye), a(One::Hold), Swap, b(One::HangUp), FlowLost];
    tried("sent on in a talk; held, swapped, connection lost", sent_on(talking()), &swapped);
}
