//! Who may register, and what each extension does: the model's `pjsip.conf`, `extensions.conf` and
//! `queues.conf`.

use crate::{Person, RecordingRule, Treatment};
use sidetone_sip::StatusCode;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// All that the model is told before it starts.
#[derive(Debug, Clone)]
pub struct PbxConfig {
    /// The realm of challenges and the domain of addresses.
    pub realm: String,
    /// Host and port of the model's own Contact and Via.
    pub address: String,
    /// What `Server` and `User-Agent` say.
    pub product: String,
    /// Digest algorithms offered, in order of preference: `MD5`, `SHA-256`.
    pub algorithms: Vec<&'static str>,
    /// How long a nonce is accepted.
    pub nonce_lifetime: Duration,
    /// The users, by name.
    pub users: BTreeMap<String, User>,
    /// The dial plan, by dialled number.
    pub extensions: BTreeMap<String, Extension>,
    /// The queues that each agent may log in to, by user name.
    pub agents: BTreeMap<String, Vec<String>>,
    /// The queues whose calls are recorded without being asked, and what the agent may do with that.
    pub recorded: BTreeMap<String, RecordingRule>,
    /// Those whom their teams see.
    pub people: Vec<Person>,
    /// How long an agent is paused after a call of a queue, to write it down; `None`: not at all.
    pub wrap_up: Option<Duration>,
    /// Whether direct calls to an agent who is paused are refused.
    pub do_not_disturb: bool,
    /// The reasons that a pause may have.
    pub reasons: Vec<String>,
    /// The agents whom each supervisor may supervise, in every mode, by user name.
    pub supervisors: BTreeMap<String, Vec<String>>,
    /// The users who may neither call numbers outside nor send callers there.
    pub kept_inside: BTreeSet<String>,
    /// The features that this server lacks, by the pack's names, and why.
    pub lacks: BTreeMap<String, String>,
    /// The queues, by name.
    pub queues: BTreeMap<String, Queue>,
    /// The registrar's habits.
    pub registrar: Registrar,
    /// How long a call to a user rings.
    pub ring: Duration,
    /// How often each flow gets an empty line; `None` for never.
    pub keep_alive: Option<Duration>,
    /// Legs at the same time; an INVITE beyond is answered 503.
    pub max_legs: usize,
    /// Flows at the same time; one beyond is closed at once.
    pub max_flows: usize,
}

/// One who registers and calls.
#[derive(Clone)]
pub struct User {
    /// The password. Never printed.
    pub password: String,
    /// The name shown to others.
    pub display_name: String,
    /// The number shown to others.
    pub number: String,
    /// Phones at the same time.
    pub max_contacts: usize,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("number", &self.number).finish_non_exhaustive()
    }
}

/// The registrar's habits (RFC 3261 §10.3), as an AOR of Asterisk has them.
#[derive(Debug, Clone)]
pub struct Registrar {
    /// Whether a contact too many pushes out the one that expires first; else it is refused 403.
    pub remove_existing: bool,
    /// The life of a binding that asks for none.
    pub default_expiration: Duration,
    /// Shorter wishes are raised to this.
    pub minimum_expiration: Duration,
    /// Longer wishes are cut to this.
    pub maximum_expiration: Duration,
}

/// What happens when a number is dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extension {
    /// Rings a user's phones.
    User(String),
    /// The same, unless he is paused and not to be disturbed.
    Direct(String),
    /// Rings a user's phones, and asks them to answer by themselves after a second.
    Intercom(String),
    /// Waits in a queue.
    Queue(String),
    /// A code of the agents, as it was dialled.
    Agent(String),
    /// These steps, one after the other; after the last the call stays as it is.
    Steps(Vec<Step>),
}

/// One step of the dial plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// 180.
    Ringing,
    /// 183 with a description: what is played from here on is heard before the answer.
    Progress,
    /// 200.
    Answer,
    /// The caller hears this.
    Play(Treatment),
    /// Nothing for so long.
    Wait(Duration),
    /// The caller becomes a member of this queue.
    LogIn(String),
    /// The caller is a member of this queue no more.
    LogOut(String),
    /// The caller's phone is sent to this address (REFER): the steps go on if it does not get there, and the call
    /// ends where it does.
    Refer(String),
    /// BYE where it was answered, else this status.
    HangUp(StatusCode),
}

/// In which order a queue rings its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// All that are free at once.
    RingAll,
    /// One after the other, from where the last caller got to.
    RoundRobin,
    /// One after the other, each caller from the first.
    Linear,
}

/// A queue and the members that are logged in.
#[derive(Debug, Clone)]
pub struct Queue {
    /// The order of ringing.
    pub strategy: Strategy,
    /// The members, by user name.
    pub members: Vec<String>,
    /// How long an attempt rings.
    pub timeout: Duration,
    /// Whether members whose phones sleep are rung too, by push.
    pub push: bool,
    /// The pause before the next attempt.
    pub retry: Duration,
    /// How long a caller waits at most.
    pub give_up: Duration,
}

impl PbxConfig {
    /// The users, numbers and limits of the bench's Asterisk: `agent1` to `agent4` on 1001 to 1004,
    /// `colleague1` to `colleague4` on 2001 to 2004, `clerk1` to `clerk4` on 1051 to 1054, who may not call outside, and `customer1` to `customer4`, each with the password
    /// `secret-<user>`; the queue `support` on 1800 with the first two agents in it; on 1301 to 1304 agents
    /// who are asked to answer by themselves; on 1801 to 1804 a queue for each agent alone; 1810 with all
    /// four at once and 1811 to 1814 for agents whose phones sleep; 1821 to 1824 a queue that an agent logs in to; 1831 to 1834 an agent who is not disturbed while he is paused; 1881 to 1884 and 1891 to 1894 as 1811 to 1814, recorded by a rule; each colleague supervises the agent of his number; the service numbers 600 to 607 and 610 to 615;
    /// codes for control calls, `*700` that is done and `*7NN` that is refused with cause NN of Q.850.
    pub fn bench() -> Self {
        let agents = (1..=4).map(|n| (format!("agent{n}"), "Agent", n, format!("100{n}")));
        let colleagues =
            (1..=4).map(|n| (format!("colleague{n}"), "Colleague", n, format!("200{n}")));
        let customers =
            (1..=4).map(|n| (format!("customer{n}"), "Customer", n, format!("030100000{n}")));
        let (mut users, mut extensions) = (BTreeMap::new(), services());
        let clerks = (1..=4).map(|n| (format!("clerk{n}"), "Clerk", n, format!("105{n}")));
        for (name, title, n, number) in agents.chain(colleagues).chain(customers).chain(clerks) {
            let user = User {
                password: format!("secret-{name}"),
                display_name: format!("{title} {}", ["Zero", "One", "Two", "Three", "Four"][n]),
                number: number.clone(),
                max_contacts: if name == "agent4" { 5 } else { 1 },
            };
            if title == "Agent" {
                extensions.insert(format!("183{n}"), Extension::Direct(name.clone()));
                extensions.insert(format!("130{n}"), Extension::Intercom(name.clone()));
            }
            extensions.insert(number, Extension::User(name.clone()));
            users.insert(name, user);
        }
        let (mut queues, mut recorded) = (BTreeMap::new(), BTreeMap::new());
        let support = Queue {
            strategy: Strategy::RoundRobin,
            members: vec!["agent1".to_owned(), "agent2".to_owned()],
            timeout: Duration::from_secs(20),
            push: false,
            retry: Duration::from_secs(1),
            give_up: Duration::from_secs(180),
        };
        for n in 1..=4 {
            let name = format!("line{n}");
            extensions.insert(format!("180{n}"), Extension::Queue(name.clone()));
            let line = Queue { members: vec![format!("agent{n}")], ..support.clone() };
            let asleep = Queue { push: true, timeout: Duration::from_secs(25), ..line.clone() };
            queues.insert(name, line);
            let name = format!("push{n}");
            extensions.insert(format!("181{n}"), Extension::Queue(name.clone()));
            for (kind, rule) in
                [("taped", RecordingRule::Pausable), ("locked", RecordingRule::Locked)]
            {
                let name = format!("{kind}{n}");
                let prefix = if rule == RecordingRule::Pausable { "188" } else { "189" };
                extensions.insert(format!("{prefix}{n}"), Extension::Queue(name.clone()));
                queues.insert(name.clone(), asleep.clone());
                recorded.insert(name, rule);
            }
            queues.insert(name, asleep);
        }
        let sleepers = Queue {
            strategy: Strategy::RingAll,
            members: (1..=4).map(|n| format!("agent{n}")).collect(),
            timeout: Duration::from_secs(25),
            push: true,
            ..support.clone()
        };
        extensions.insert("1810".to_owned(), Extension::Queue("sleepers".to_owned()));
        queues.insert("sleepers".to_owned(), sleepers);
        extensions.insert("1800".to_owned(), Extension::Queue("support".to_owned()));
        let (mut agents, mut people) = (BTreeMap::new(), Vec::new());
        for n in 1..=4 {
            let person = |name: String, number: String, label: String| Person {
                name,
                number,
                label,
                team: format!("team{n}"),
                queue: format!("desk{n}"),
            };
            let label = format!("Ager & Söhne ({n}) \"west\\");
            people.push(person(format!("agent{n}"), format!("183{n}"), label));
            let label = format!("Colleague {n}");
            people.push(person(format!("colleague{n}"), format!("200{n}"), label));
            let mine = [format!("desk{n}"), format!("back{n}")];
            for name in &mine {
                let empty = Queue { members: Vec::new(), ..support.clone() };
                queues.insert(name.clone(), empty);
            }
            extensions.insert(format!("182{n}"), Extension::Queue(mine[0].clone()));
            agents.insert(format!("agent{n}"), mine.to_vec());
        }
        queues.insert("support".to_owned(), support);
        let supervisors =
            (1..=4).map(|n| (format!("colleague{n}"), vec![format!("agent{n}")])).collect();
        Self {
            agents,
            recorded,
            people,
            supervisors,
            wrap_up: Some(Duration::from_secs(3)),
            do_not_disturb: true,
            kept_inside: (1..=4).map(|n| format!("clerk{n}")).collect(),
            lacks: ["masking", "transfers_return"]
                .map(|name| (name.to_owned(), "the model PBX does not have it".to_owned()))
                .into(),
            reasons: ["break", "lunch", "training"].map(str::to_owned).to_vec(),
            realm: "bench.test".to_owned(),
            address: "198.18.0.10:8089".to_owned(),
            product: concat!("Sidetone-PBX/", env!("CARGO_PKG_VERSION")).to_owned(),
            algorithms: vec!["MD5"],
            nonce_lifetime: Duration::from_secs(86400),
            users,
            extensions,
            queues,
            registrar: Registrar {
                remove_existing: true,
                default_expiration: Duration::from_secs(300),
                minimum_expiration: Duration::from_secs(10),
                maximum_expiration: Duration::from_secs(3600),
            },
            ring: Duration::from_secs(60),
            keep_alive: Some(Duration::from_secs(30)),
            max_legs: 64,
            max_flows: 64,
        }
    }
}

fn services() -> BTreeMap<String, Extension> {
    use Step::{Answer, HangUp, LogIn, LogOut, Play, Progress, Refer, Ringing, Wait};
    let seconds = Duration::from_secs;
    let tone = |frequency| Play(Treatment::Tone(frequency));
    let support = || "support".to_owned();
    let sent_to = |address: &str| {
        let steps = [Answer, tone(1000), Wait(seconds(1)), Refer(address.to_owned())];
        steps.into_iter().chain([tone(700), Wait(seconds(10)), HangUp(StatusCode::OK)]).collect()
    };
    let end = || HangUp(StatusCode::OK);
    let numbers = [
        ("600", vec![Answer, Play(Treatment::Echo)]),
        ("601", vec![Answer, tone(1004)]),
        (
            "602",
            vec![
                Progress,
                tone(700),
                Wait(seconds(2)),
                Answer,
                tone(1000),
                Wait(seconds(10)),
                end(),
            ],
        ),
        ("603", vec![HangUp(StatusCode::BUSY_HERE)]),
        ("604", vec![HangUp(StatusCode::SERVICE_UNAVAILABLE)]),
        ("605", vec![Progress, tone(700), Wait(seconds(2)), HangUp(StatusCode::BUSY_HERE)]),
        ("606", vec![HangUp(StatusCode::TEMPORARILY_UNAVAILABLE)]),
        ("607", vec![HangUp(StatusCode::FORBIDDEN)]),
        ("610", vec![Ringing, Wait(seconds(3600)), HangUp(StatusCode::TEMPORARILY_UNAVAILABLE)]),
        ("611", vec![Ringing, Wait(seconds(1)), Answer, tone(1000), Wait(seconds(3)), end()]),
        ("612", vec![Answer, Play(Treatment::Silence)]),
        ("613", sent_to("sip:600@bench.test")),
        ("614", sent_to("sip:603@bench.test")),
        ("615", sent_to("sip:600@elsewhere.test")),
        // Codes for control calls: one that is done, one of which the server does not say so, one whose call it does
        // not end, and one for each refusal.
        ("*700", vec![Answer, end()]),
        ("*798", vec![Wait(seconds(3600)), HangUp(StatusCode::TEMPORARILY_UNAVAILABLE)]),
        ("*799", vec![Answer]),
        ("*701", vec![HangUp(StatusCode::NOT_FOUND)]),
        ("*717", vec![HangUp(StatusCode::BUSY_HERE)]),
        ("*720", vec![HangUp(StatusCode::TEMPORARILY_UNAVAILABLE)]),
        ("*721", vec![HangUp(StatusCode::FORBIDDEN)]),
        ("*722", vec![HangUp(StatusCode::GONE)]),
        ("*729", vec![HangUp(StatusCode::NOT_IMPLEMENTED)]),
        ("*734", vec![HangUp(StatusCode::SERVICE_UNAVAILABLE)]),
        ("*758", vec![HangUp(StatusCode::NOT_ACCEPTABLE_HERE)]),
        ("*11", vec![LogIn(support()), Answer, end()]),
        ("*12", vec![LogOut(support()), Answer, end()]),
    ];
    numbers.map(|(number, steps)| (number.to_owned(), Extension::Steps(steps))).into()
}
