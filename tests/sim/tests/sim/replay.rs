//! The same entropy and inputs give the same bytes.

use sidetone_pbx::PbxConfig;
use sidetone_phone::Command;
use sidetone_sim::World;
use std::time::Duration;

fn run(seed: u64) -> (Vec<u8>, String) {
    let mut world = World::new(PbxConfig::bench(), seed);
    let [agent, customer] = ["agent1", "customer1"].map(|user| world.add_phone(user));
    for phone in [agent, customer] {
        world.command(phone, Command::Register).unwrap();
    }
    world.run_for(Duration::from_secs(1));
    world.dial(customer, "1801").unwrap();
    world.run_for(Duration::from_secs(1));
    let call = world.calls(agent)[0].id;
    world.command(agent, Command::Answer { call }).unwrap();
    world.run_for(Duration::from_secs(1));
    world.reset(agent);
    world.run_for(Duration::from_secs(30));
    world.command(agent, Command::HangUp { call }).unwrap();
    world.run_for(Duration::from_secs(600));
    let bytes = [agent, customer].map(|phone| world.bytes(phone).to_vec()).concat();
    (bytes, world.ladder().text().to_owned())
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let (first, second) = (run(7), run(7));
    assert!(first.0.len() > 5_000);
    assert_eq!(first.1, second.1);
    assert_eq!(first.0, second.0);
}

#[test]
fn another_seed_gives_other_bytes_and_the_same_journey() {
    let (first, second) = (run(7), run(8));
    assert_ne!(first.0, second.0);
    let signalling = |ladder: &str| {
        let sip = ladder.lines().filter(|line| line.contains("────"));
        sip.map(|line| line[10..].to_owned()).take(20).collect::<Vec<_>>()
    };
    assert_eq!(signalling(&first.1), signalling(&second.1));
}
