//! What an hour of a world costs: phones that are signed in, each of which makes a call of a minute in each hour, and
//! the model PBX, in virtual time. `world PHONES [HOURS]` prints the processor's seconds and the phone-hours to one of them
//! (`scripts/bench-core`).

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use sidetone_pbx::{PbxConfig, User};
use sidetone_phone::{CallId, Command};
use sidetone_sim::{PhoneId, World};
use std::collections::VecDeque;
use std::time::Duration;

/// How long a phone talks.
const TALK: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn main() {
    let numbers: Vec<u32> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let phones = numbers.first().copied().unwrap_or(100);
    let hours = numbers.get(1).copied().unwrap_or(1);
    let mut config = PbxConfig::bench();
    config.max_flows = phones as usize + 1;
    config.max_legs = phones as usize * 2 + 16;
    for number in 0..phones {
        let user = User {
            password: format!("secret-phone{number}"),
            display_name: format!("Phone {number}"),
            number: format!("5{number:05}"),
            max_contacts: 1,
        };
        config.users.insert(format!("phone{number}"), user);
    }
    let mut world = World::new(config, 1);
    world.forget_all();
    let ids: Vec<PhoneId> = (0..phones).map(|n| world.add_phone(&format!("phone{n}"))).collect();
    for id in &ids {
        world.command(*id, Command::Register).expect("a phone signs in");
        // Not all in one moment: the server has so many transactions and no more.
        world.run_for(Duration::from_millis(5));
    }
    world.run_for(Duration::from_secs(30));
    let (before, steps) = (processor(), world.steps().0);
    for _ in 0..hours {
        hour(&mut world, &ids);
    }
    let seconds = processor() - before;
    let hours = f64::from(phones) * f64::from(hours);
    println!(
        "phones={phones} steps={} seconds={seconds:.3} phone_hours_per_second={:.0} microseconds_per_phone_hour={:.1}",
        world.steps().0 - steps,
        hours / seconds,
        seconds * 1e6 / hours
    );
}

/// Each phone calls once, one after the other through the hour.
fn hour(world: &mut World, ids: &[PhoneId]) {
    let mut talking: VecDeque<(Duration, PhoneId, CallId)> = VecDeque::new();
    let (mut callers, end) = (ids.iter(), world.time() + HOUR);
    let pause = (HOUR - 2 * TALK) / ids.len() as u32;
    while world.time() < end {
        if let Some(id) = callers.next() {
            let call = world.dial(*id, "600").expect("a phone may call");
            talking.push_back((world.time() + TALK, *id, call));
        }
        world.run_for(pause.min(end - world.time()).max(Duration::from_millis(1)));
        while let Some((_, id, call)) = talking.pop_front_if(|(at, ..)| *at <= world.time()) {
            world.command(id, Command::HangUp { call }).expect("the call stands");
        }
    }
}

/// The processor's seconds of this process so far.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let (_, fields) = stat.rsplit_once(") ").expect("the name ends with a bracket");
    fields.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>()
        / 100.0
}
