//! Bad networks and a server that dies, at length: many calls of agents whose connection is cut, reset or silent
//! while audio is lost in bursts, and an Asterisk that is killed in the middle of all that a phone can be doing.
//!
//! A program of its own, so that it has the server to itself after the journeys. `SIDETONE_SEED` draws the same
//! again, `SIDETONE_STORMS` and `SIDETONE_RESTARTS` say how many (`scripts/test full` plays 200 and 20).
//!
//! | module | owns |
//! |---|---|
//! | `plan` | what befalls one call, drawn by a seed |
//! | `seat` | an agent at his phone: plays the calls of his share, holds phone against server |
//! | `restarts` | the server that is killed |

#![allow(clippy::print_stdout, reason = "what was measured is worth reading")]

mod plan;
mod restarts;
mod seat;

use plan::{Plan, Severity};
use seat::{Played, Seat};
use sidetone_interop::bench::Bench;
use sidetone_interop::chance::Chance;
use sidetone_interop::lines::alone;
use sidetone_interop::view::Watch;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Agents who call at the same time.
const SEATS: usize = 8;
/// A phone may have so much more memory in its last calls than in its first ones.
const GROWTH: f64 = 1.0;

#[test]
fn calls_outlive_short_troubles_of_their_network() {
    play(SEATS, Severity::Short);
}

#[test]
#[ignore = "minutes: scripts/test full"]
fn two_hundred_calls_through_bad_networks() {
    let calls =
        std::env::var("SIDETONE_STORMS").map_or(200, |text| text.parse().expect("a number"));
    play(calls, Severity::Long);
}

/// Plays so many calls, all agents at the same time, and prints what they came to.
fn play(calls: usize, severity: Severity) {
    let _alone = alone();
    let bench = Bench::get();
    let watch = Watch::start(&bench);
    let seed = Chance::seed();
    println!("{calls} calls from SIDETONE_SEED={seed}");
    let began = Instant::now();
    let plans = (0..calls as u64).map(|index| Plan::draw(seed + index, severity));
    let (left, played) = (Mutex::new(plans), Mutex::new(Vec::new()));
    let mut memories: Vec<Vec<f64>> = Vec::new();
    std::thread::scope(|scope| {
        let seats: Vec<_> = (1..=SEATS.min(calls))
            .map(|number| {
                let (bench, watch, left, played) = (&bench, &watch, &left, &played);
                scope.spawn(move || {
                    let mut seat = Seat::new(bench, watch, number);
                    while let Some(plan) = { left.lock().expect("no one fails here").next() } {
                        let outcome = seat.play(&plan);
                        if let Err(why) = &outcome {
                            println!("FAILED: {plan}\n{why}");
                        }
                        played.lock().expect("no one fails here").push((plan, outcome));
                    }
                    seat.leave()
                })
            })
            .collect();
        memories.extend(seats.into_iter().map(|seat| seat.join().expect("a seat ends")));
    });
    let played = played.into_inner().expect("no one fails here");
    tell(&played, began.elapsed());
    let growth = growth(&memories);
    let failed: Vec<_> = played.iter().filter(|(_, o)| o.is_err()).map(|(p, _)| p.seed).collect();
    assert!(failed.is_empty(), "{} of {calls} failed: seeds {failed:?}", failed.len());
    assert!(growth <= GROWTH, "a phone's memory grew by {growth:.2} MB");
}

type Outcome = Result<Played, String>;

/// A line a call, then the figures.
fn tell(played: &[(Plan, Outcome)], took: Duration) {
    println!(
        "| seed | what befell the call | went on | one after | ended by |\n|--:|---|---|--:|---|"
    );
    for (plan, outcome) in played {
        match outcome {
            Ok(played) => println!(
                "| {} | {plan} | {} | {:.1} s | {} |",
                plan.seed,
                if played.goes_on { "yes" } else { "no" },
                played.one_after.as_secs_f64(),
                played.ends.join(", "),
            ),
            Err(_) => println!("| {} | {plan} | FAILED | | |", plan.seed),
        }
    }
    let done: Vec<&Played> = played.iter().filter_map(|(_, o)| o.as_ref().ok()).collect();
    let mut times: Vec<f64> = done.iter().map(|played| played.one_after.as_secs_f64()).collect();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let index = (times.len().saturating_sub(1) as f64 * share).round() as usize;
        times.get(index).copied().unwrap_or_default()
    };
    let went_on = done.iter().filter(|played| played.goes_on).count();
    println!(
        "{} calls in {:.0} s: {} failed, {went_on} went on, {} ended in the trouble; phone and server were one {:.1} s \
         after it (median; 95 of 100: {:.1} s; at most {:.1} s)",
        played.len(),
        took.as_secs_f64(),
        played.len() - done.len(),
        done.len() - went_on,
        at(0.5),
        at(0.95),
        at(1.0),
    );
}

/// By how much a phone's memory grew at most, from the median of its first calls to that of its last ones, MB.
fn growth(memories: &[Vec<f64>]) -> f64 {
    let median = |part: &[f64]| {
        let mut sorted = part.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    };
    let mut most = 0.0_f64;
    for (index, memory) in memories.iter().enumerate() {
        let text: Vec<String> = memory.iter().map(|mb| format!("{mb:.1}")).collect();
        println!("memory of phone {} after each call, MB: {}", index + 1, text.join(" "));
        // The first calls fill what is kept: rings, caches, the allocator's arenas.
        if memory.len() >= 12 {
            let third = memory.len() / 3;
            let grown = median(&memory[memory.len() - third..]) - median(&memory[third..2 * third]);
            most = most.max(grown);
        }
    }
    println!(
        "memory: at most {most:.2} MB more in the last third of a phone's calls than in the one before"
    );
    most
}
