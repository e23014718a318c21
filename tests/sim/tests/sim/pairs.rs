//! Every order of inputs on two calls at once: one that came in and one that was made, or two that came in.

use sidetone_sim::order::pair::{One, Op, Which};
use sidetone_sim::order::{Explored, Pair, explore};

pub(crate) const fn a(one: One) -> Op {
    Op::Of(Which::A, one)
}

pub(crate) const fn b(one: One) -> Op {
    Op::Of(Which::B, one)
}

pub(crate) fn tried(what: &str, start: Pair, ops: &[Op]) -> Explored {
    let limits: Vec<(Op, u64)> = ops.iter().map(|op| (*op, 1)).collect();
    let explored =
        explore(start, &limits, &Pair::free()).unwrap_or_else(|why| panic!("{what}: {why}"));
    let Explored { states, steps, positions, orders, .. } = &explored;
    println!(
        "two calls, {what}: {orders} orders over {positions} positions, {states} states, {steps} steps"
    );
    explored
}

fn two_that_ring() -> Pair {
    let ops = [a(One::Invite), b(One::Invite)];
    Pair::of_callers().and_then(|pair| pair.after(&ops)).unwrap()
}

/// The first talks, the second is dialled.
fn dialled() -> Pair {
    let ops = [a(One::Invite), a(One::Answer), b(One::Dial)];
    Pair::of_caller_and_called().and_then(|pair| pair.after(&ops)).unwrap()
}

/// The first is held, the second talks.
fn consulting() -> Pair {
    dialled().after(&[b(One::Accept)]).unwrap()
}

fn joined() -> Pair {
    consulting().after(&[Op::Merge]).unwrap()
}

/// Every order that a minute has room for.
pub(crate) fn orders() -> u128 {
    use One::{
        Accept, Answer, Arrive, Busy, Bye, Cancel, Glare, HangUp, Hold, Miss, Offer, Ringing, Stay,
        Transfer,
    };
    use Op::{Bring, FlowLost, Leave, Merge, Split, Swap};
    let cases: [(&str, Pair, &[Op]); 14] = [
        (
            "two that ring; answered, withdrawn, hung up by either side",
            two_that_ring(),
            &[a(Answer), b(Answer), a(Cancel), b(Cancel), a(HangUp), b(HangUp), a(Bye)],
        ),
        (
            "two that ring; answered, swapped, joined, hung up",
            two_that_ring(),
            &[a(Answer), b(Answer), b(HangUp), Swap, Merge],
        ),
        (
            "two that ring; answered, hung up, connection lost",
            two_that_ring(),
            &[a(Answer), b(Answer), b(HangUp), FlowLost],
        ),
        (
            "one held and one talking; swapped, held, glare",
            consulting(),
            &[Swap, a(Hold), b(Hold), a(Glare)],
        ),
        (
            "one held and one talking; swapped, held by either side, BYE",
            consulting(),
            &[Swap, a(Hold), a(Offer), b(Offer), a(Bye)],
        ),
        (
            "one held and one talking; swapped, hung up by either side, connection lost",
            consulting(),
            &[Swap, a(Bye), b(HangUp), FlowLost],
        ),
        (
            "brought together; refused, arrived, missed, ended by anyone",
            consulting(),
            &[
                Bring,
                a(Transfer),
                b(Transfer),
                a(Stay),
                a(Arrive),
                a(Miss),
                a(Bye),
                b(Bye),
                a(HangUp),
                b(HangUp),
            ],
        ),
        (
            "brought together; swapped, connection lost",
            consulting(),
            &[Bring, a(Stay), a(Arrive), a(Miss), Swap, FlowLost],
        ),
        (
            "each sent elsewhere; refused, arrived, missed, swapped",
            consulting(),
            &[a(Transfer), b(Transfer), b(Arrive), a(Stay), a(Arrive), a(Miss), Swap],
        ),
        (
            "one talking and one dialled; answered, busy, hung up, swapped, joined, held",
            dialled(),
            &[b(Ringing), b(Accept), b(Busy), b(HangUp), a(Bye), Swap, Merge, a(Hold)],
        ),
        (
            "one talking and one dialled; answered, hung up, connection lost",
            dialled(),
            &[b(Ringing), b(Accept), b(HangUp), a(Bye), FlowLost],
        ),
        (
            "joined; left, taken out, held, ended",
            joined(),
            &[Leave, Split(Which::A), a(Arrive), a(Miss), a(Bye), b(HangUp), a(Hold)],
        ),
        (
            "joined; taken out, joined again, swapped, held by the other side, BYE",
            joined(),
            &[Split(Which::B), Merge, Swap, a(Offer), b(Bye)],
        ),
        (
            "joined; left, taken out, hung up, connection lost",
            joined(),
            &[Leave, Split(Which::A), FlowLost, b(HangUp)],
        ),
    ];
    cases.into_iter().map(|(what, start, ops)| tried(what, start, ops).orders).sum()
}

#[test]
#[ignore = "some minutes of one core and 1.7 GB: scripts/test full"]
fn orders_on_two_calls_that_take_long() {
    use One::{Arrive, Bye, Glare, HangUp, Hold, Miss, Offer, Stay};
    use Op::{Bring, FlowLost, Leave, Merge, Split, Swap};
    let brought = [Bring, a(Stay), a(Arrive), a(Miss), Swap, b(Offer), FlowLost];
    tried("brought together; held by the other side, connection lost", consulting(), &brought);
    let swapped = [Swap, a(Hold), b(Hold), a(Glare), a(Offer), b(Bye)];
    tried("one held and one talking; swapped, held by either side, glare", consulting(), &swapped);
    let lost = [Merge, Swap, Leave, Split(Which::A), a(Arrive), FlowLost, b(HangUp)];
    tried("one held and one talking; joined, left, swapped, connection lost", consulting(), &lost);
}

/// The network of two calls is another, with a break or without.
pub(crate) fn networks() -> u128 {
    use One::{Accept, Answer, Bye, HangUp, Hold, Offer};
    use Op::{Break, FlowLost, Merge, OldLost, Overlap, Split, Swap};
    let cases: [(&str, Pair, &[Op]); 9] = [
        ("on another network; swapped, held", consulting(), &[Break, Swap, a(Hold)]),
        (
            "on another network; swapped, held by the other side, BYE",
            consulting(),
            &[Break, Swap, a(Offer), b(Bye)],
        ),
        ("on another network; joined, taken out", consulting(), &[Break, Merge, Split(Which::A)]),
        ("on another network; hung up by either side", consulting(), &[Break, a(Bye), b(HangUp)]),
        ("on another network; connection lost", consulting(), &[Break, FlowLost]),
        (
            "on another network, two that ring; one answered, hung up",
            two_that_ring(),
            &[Break, a(Answer), a(HangUp)],
        ),
        ("on another network, one dialled; answered, BYE", dialled(), &[Break, b(Accept), a(Bye)]),
        ("with both networks for a while; swapped", consulting(), &[Overlap, Swap]),
        (
            "with both networks for a while; held, old one lost",
            consulting(),
            &[Overlap, b(Hold), OldLost],
        ),
    ];
    cases.into_iter().map(|(what, start, ops)| tried(what, start, ops).orders).sum()
}

#[test]
#[ignore = "a minute of one core: scripts/test full"]
fn orders_on_two_calls_whose_network_changes_that_take_long() {
    use One::{Answer, HangUp};
    use Op::{Break, FlowLost, Merge, OldLost, Overlap, Swap};
    let lost = [Break, Swap, FlowLost];
    tried("on another network; swapped, connection lost", consulting(), &lost);
    let joined = [Break, Merge, FlowLost];
    tried("on another network; joined, connection lost", consulting(), &joined);
    let ring = [Break, a(Answer), b(Answer)];
    tried("on another network, two that ring; answered", two_that_ring(), &ring);
    let old = [Overlap, Swap, b(HangUp), OldLost];
    tried("with both networks for a while; swapped, hung up, old one lost", consulting(), &old);
    let both = [Overlap, Swap, FlowLost];
    tried("with both networks for a while; swapped, connection lost", consulting(), &both);
    let again = [Overlap, Break, Swap];
    tried("with both networks, and then only another; swapped", consulting(), &again);
}
