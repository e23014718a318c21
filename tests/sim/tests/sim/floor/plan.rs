//! Who works on the floor: the server's configuration of it.

use sidetone_pbx::{Extension, PbxConfig, Person, Queue, RecordingRule, Strategy, User};
use std::time::Duration;

pub(super) const AGENTS: usize = 50;
pub(super) const CUSTOMERS: usize = 6;
pub(super) const QUEUES: [&str; 3] = ["sales", "support", "claims"];
pub(super) const LEADS: [&str; 2] = ["lead0", "lead1"];

pub(super) fn name(agent: usize) -> String {
    format!("agent{agent:02}")
}

/// Whether an agent has a second phone: one of ten.
pub(super) fn has_two(agent: usize) -> bool {
    agent % 10 == 3
}

/// The seat of an agent's first phone, behind the second ones of those before him.
pub(super) fn seat_of(agent: usize) -> usize {
    agent + (agent + 6) / 10
}

/// The queues that an agent may log in to: two of the three, in any order.
fn queues_of(agent: usize) -> Vec<String> {
    let (first, second) = (agent % 3, agent + 1 + agent % 2);
    [first, second % 3].map(|n| QUEUES[n].to_owned()).to_vec()
}

/// The floor's server. `draw` gives a number below the one that it is given.
pub(super) fn config(mut draw: impl FnMut(u64) -> u64) -> PbxConfig {
    let mut config = PbxConfig::bench();
    for table in [&mut config.agents, &mut config.supervisors] {
        table.clear();
    }
    (config.users, config.queues, config.recorded) = Default::default();
    config.people.clear();
    (config.max_flows, config.max_legs) = (400, 400);
    // Long enough to be looked at.
    config.wrap_up = Some(Duration::from_secs(8));
    for agent in 0..AGENTS {
        let (number, side) = (format!("10{agent:02}"), agent % 2);
        add(&mut config, &name(agent), &number, 2);
        config.agents.insert(name(agent), queues_of(agent));
        config.people.push(person(&name(agent), &number, side));
    }
    for (side, lead) in LEADS.into_iter().enumerate() {
        let number = format!("200{side}");
        add(&mut config, lead, &number, 1);
        let mine = (0..AGENTS).filter(|agent| agent % 2 == side).map(name).collect();
        config.supervisors.insert(lead.to_owned(), mine);
        config.people.push(person(lead, &number, side));
    }
    for n in 0..CUSTOMERS {
        add(&mut config, &format!("customer{n}"), &format!("0301{n}"), 1);
    }
    for (n, name) in QUEUES.into_iter().enumerate() {
        // All phones ringing at once are many, and say nothing more.
        let strategy = match draw(6) {
            0 => Strategy::RingAll,
            1..=3 => Strategy::RoundRobin,
            _ => Strategy::Linear,
        };
        let queue = Queue {
            strategy,
            members: Vec::new(),
            timeout: Duration::from_secs(8),
            // What is recorded by a rule goes the way of pushes.
            push: n > 0,
            retry: Duration::from_secs(1),
            give_up: Duration::from_secs(60),
        };
        config.queues.insert(name.to_owned(), queue);
        config.extensions.insert(format!("180{n}"), Extension::Queue(name.to_owned()));
    }
    config.recorded.insert(QUEUES[1].to_owned(), RecordingRule::Pausable);
    config.recorded.insert(QUEUES[2].to_owned(), RecordingRule::Locked);
    config
}

fn add(config: &mut PbxConfig, name: &str, number: &str, max_contacts: usize) {
    let user = User {
        password: format!("secret-{name}"),
        display_name: name.to_owned(),
        number: number.to_owned(),
        max_contacts,
    };
    config.extensions.insert(number.to_owned(), Extension::User(name.to_owned()));
    config.users.insert(name.to_owned(), user);
}

fn person(name: &str, number: &str, side: usize) -> Person {
    Person {
        name: name.to_owned(),
        number: number.to_owned(),
        label: format!("{name} of the floor"),
        team: format!("team{side}"),
        queue: QUEUES[side].to_owned(),
    }
}
