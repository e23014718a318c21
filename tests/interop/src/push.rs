//! The push gateway's place: one receiver for all journeys, a mailbox for each agent, every POST held
//! against docs/push.schema.json.

use crate::bench::Bench;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Where the bench's server posts to, in the namespace of the customers.
const ADDRESS: &str = "198.18.3.10:8600";

/// A provider takes no more (FCM and APNs VoIP: 4096 and 5120 bytes).
const LARGEST: usize = 4096;

static POST: LazyLock<jsonschema::Validator> = LazyLock::new(|| validator("#/$defs/post"));

/// A validator of docs/push.schema.json, or of a part of it.
///
/// # Panics
/// Where it is no schema.
pub fn validator(part: &str) -> jsonschema::Validator {
    let text = include_str!("../../../docs/push.schema.json");
    let mut schema: Value = serde_json::from_str(text).expect("the schema is JSON");
    if part != "#" {
        // The root stays reachable: a post contains a payload.
        let root = json!({ "oneOf": schema["oneOf"] });
        let mut definitions = schema["$defs"].take();
        definitions["payload"] = root;
        definitions["post"]["properties"]["payload"] = json!({ "$ref": "#/$defs/payload" });
        schema = json!({ "$defs": definitions, "$ref": part });
    }
    jsonschema::validator_for(&schema).expect("the schema is one")
}

/// What came for the agents, and who waits for it.
type Boxes = Mutex<BTreeMap<String, Sender<(Instant, Value)>>>;

static BOXES: Boxes = Boxes::new(BTreeMap::new());

/// The receiver's standard input: it is told whom to fail, and ends with us.
static COMMANDS: LazyLock<Mutex<ChildStdin>> = LazyLock::new(|| Mutex::new(start(&Bench::get())));

fn start(bench: &Bench) -> ChildStdin {
    let mut child = bench
        .program("far", "push-receiver")
        .arg(ADDRESS)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the receiver starts");
    let commands = child.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    lines.next().expect("the receiver listens").expect("a line");
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let value: Value = serde_json::from_str(&line).expect("JSON lines");
            let agent = value["post"]["agent"].as_str().unwrap_or_default();
            let boxes = BOXES.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(mailbox) = boxes.get(agent) {
                // Its journey may be over.
                let _ = mailbox.send((Instant::now(), value));
            }
        }
        let _ = child.wait();
    });
    commands
}

/// The POSTs about one agent, while his line is held: to be dropped before the line is given back.
#[derive(Debug)]
pub struct Mailbox {
    agent: String,
    posts: Receiver<(Instant, Value)>,
}

impl Mailbox {
    /// Starts the receiver, where it does not run yet, and takes what comes from now on.
    pub fn of(agent: &str) -> Self {
        LazyLock::force(&COMMANDS);
        let (sender, posts) = channel();
        let mut boxes = BOXES.lock().unwrap_or_else(PoisonError::into_inner);
        boxes.insert(agent.to_owned(), sender);
        Self { agent: agent.to_owned(), posts }
    }

    /// The gateway treats this agent's POSTs so from now on: `well`, `hang` or `gone`.
    pub fn set_mood(&self, mood: &str) {
        let mut commands = COMMANDS.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(commands, "{mood} {}", self.agent).expect("the receiver lives");
    }

    /// The next POST, which must be of this kind.
    #[track_caller]
    pub fn next(&self, kind: &str, time: Duration) -> Value {
        self.next_told(kind, time).1
    }

    /// The same, with the time at which it came.
    #[track_caller]
    pub fn next_told(&self, kind: &str, time: Duration) -> (Instant, Value) {
        let (at, value) = self.posts.recv_timeout(time).unwrap_or_else(|_| {
            panic!("no POST {kind} for {} within {time:?}", self.agent);
        });
        let post = &value["post"];
        assert_eq!(value["content_type"], "application/json", "{value}");
        if let Err(error) = POST.validate(post) {
            panic!("{post} is not in the schema: {error}");
        }
        assert!(post["payload"].to_string().len() <= LARGEST, "{post}");
        assert_eq!(post["payload"]["kind"], kind, "{post}");
        (at, post.clone())
    }

    /// Nothing comes for so long.
    #[track_caller]
    pub fn stays_empty(&self, time: Duration) {
        if let Ok((_, value)) = self.posts.recv_timeout(time) {
            panic!("nothing was to be posted: {value}");
        }
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        // What comes later finds nobody; the box may already be the next journey's.
        self.set_mood("well");
    }
}
