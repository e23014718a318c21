//! One `sidetone` process: commands go in as JSON lines, events come out, each held against the
//! schema of docs/cli.schema.json.

use crate::tones::{Heard, Tone, write_voice};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// What an event may take at most, unless a test says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(15);

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let text = include_str!("../../../docs/cli.schema.json");
    let schema = serde_json::from_str(text).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is one")
});

/// How a phone is started.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The subcommand and its own arguments.
    pub command: Vec<String>,
    /// The network namespace, where it is not ours.
    pub namespace: Option<String>,
    /// `wss://…`
    pub server: String,
    /// The PEM file to trust.
    pub ca: Option<PathBuf>,
    /// `sip:user@domain`
    pub account: String,
    /// The password.
    pub password: String,
    /// What it says: one part after the other, then from the start again.
    pub voice: Vec<(Option<Tone>, Duration)>,
}

/// A running phone.
#[derive(Debug)]
pub struct Phone {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<(Instant, Value)>,
    folder: PathBuf,
    /// All events so far, each with the time at which it was read.
    pub events: Vec<(Instant, Value)>,
    name: String,
}

impl Phone {
    /// Starts it. `name` is for messages and for its folder.
    ///
    /// # Panics
    /// Where the program cannot be started.
    pub fn start(name: &str, setup: &Setup) -> Self {
        let folder = scratch(name);
        let binary = std::env::var("SIDETONE_BINARY").expect("SIDETONE_BINARY names the program");
        let mut command = match &setup.namespace {
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace, &binary]);
                command
            }
            None => Command::new(&binary),
        };
        let microphone = if setup.voice.is_empty() {
            PathBuf::from("null")
        } else {
            write_voice(&folder.join("voice.wav"), &setup.voice);
            folder.join("voice.wav")
        };
        command.args(&setup.command).arg("--json");
        command.args(["--server", &setup.server, "--account", &setup.account]);
        command.arg("--mic").arg(microphone).arg("--speaker").arg(folder.join("heard.wav"));
        command.arg("--state").arg(folder.join("state.json"));
        if let Some(ca) = &setup.ca {
            command.arg("--ca").arg(ca);
        }
        command.env("SIDETONE_PASSWORD", &setup.password).env("XDG_CONFIG_HOME", &folder);
        let log = std::fs::File::create(folder.join("log")).expect("the log can be written");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("the program starts");
        let lines = read_lines(child.stdout.take().expect("a pipe"));
        let stdin = child.stdin.take();
        Self { child, stdin, lines, folder, events: Vec::new(), name: name.to_owned() }
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The folder of its files: `voice.wav`, `heard.wav`, `log`, `state.json`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Sends one command.
    ///
    /// # Panics
    /// Where the process is gone.
    pub fn send(&mut self, command: Value) {
        let stdin = self.stdin.as_mut().expect("standard input is open");
        writeln!(stdin, "{command}").unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }

    /// Sends a command about a call and waits until it is accepted.
    #[track_caller]
    pub fn ask(&mut self, command: &str, call: &str, more: Value) {
        let mut value = json!({ "command": command, "call": call });
        if let (Some(object), Some(more)) = (value.as_object_mut(), more.as_object()) {
            object.extend(more.clone());
        }
        self.send(value);
        let answer = self.wait(&format!("an answer to {command}"), PATIENCE, |event| {
            let kind = &event["event"];
            (kind == "accepted" || kind == "refused") && event["command"] == command
        });
        assert_eq!(answer["event"], "accepted", "{}: {answer}", self.name);
    }

    /// Dials, and gives back the call's id.
    #[track_caller]
    pub fn dial(&mut self, uri: &str) -> String {
        self.send(json!({ "command": "dial", "uri": uri }));
        let event = self.wait_for("dialing");
        event["call"].as_str().expect("a call has an id").to_owned()
    }

    /// Waits for the next event of this name that has not been waited for.
    #[track_caller]
    pub fn wait_for(&mut self, name: &str) -> Value {
        self.wait(name, PATIENCE, |event| event["event"] == name)
    }

    /// Waits until the lamp shows this.
    #[track_caller]
    pub fn wait_lamp(&mut self, state: &str, time: Duration) -> Value {
        let what = format!("the lamp {state}");
        self.wait(&what, time, |e| e["event"] == "registration" && e["state"] == state)
    }

    /// Waits for an event of this call.
    #[track_caller]
    pub fn wait_call(&mut self, name: &str, call: &str) -> Value {
        self.wait(name, PATIENCE, |event| event["event"] == name && event["call"] == call)
    }

    /// Waits for an event that `wanted` accepts; those before it are kept in [`Phone::events`].
    ///
    /// # Panics
    /// Where none comes in time: with all events and the log.
    #[track_caller]
    pub fn wait(&mut self, what: &str, time: Duration, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok((at, event)) => {
                    self.check(&event);
                    self.events.push((at, event.clone()));
                    if wanted(&event) {
                        return event;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{}: {what}: not within {time:?}\n{}", self.name, self.story());
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("{}: {what}: the program ended\n{}", self.name, self.story());
                }
            }
        }
    }

    /// Lets time pass and takes what is told in it.
    pub fn listen(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while let Ok((at, event)) =
            self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            self.check(&event);
            self.events.push((at, event));
        }
        // Where the program ended, the time passes all the same.
        std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
    }

    /// How many events of this name were told so far.
    pub fn count(&self, name: &str) -> usize {
        self.events.iter().filter(|(_, event)| event["event"] == name).count()
    }

    /// What its speaker was given so far.
    pub fn heard(&self) -> Heard {
        Heard::read(&self.folder.join("heard.wav"))
    }

    /// Leaves: ends calls, signs out; the exit status.
    pub fn quit(mut self) -> i32 {
        self.send(json!({ "command": "quit" }));
        self.finish(PATIENCE)
    }

    /// Waits for the process to end by itself; the exit status.
    ///
    /// # Panics
    /// Where it does not end in time.
    pub fn finish(&mut self, time: Duration) -> i32 {
        let deadline = Instant::now() + time;
        loop {
            self.listen(Duration::from_millis(20));
            match self.child.try_wait().expect("a child can be waited for") {
                Some(status) => return status.code().unwrap_or(-1),
                None => assert!(
                    Instant::now() < deadline,
                    "{} does not end\n{}",
                    self.name,
                    self.story()
                ),
            }
        }
    }

    fn check(&self, event: &Value) {
        if let Err(error) = SCHEMA.validate(event) {
            panic!("{}: {event} is not in the schema: {error}", self.name);
        }
    }

    /// All that it told, and its log.
    fn story(&self) -> String {
        let events: Vec<String> = self
            .events
            .iter()
            .filter(|(_, event)| event["event"] != "quality")
            .map(|(_, event)| event.to_string())
            .collect();
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        format!("events:\n{}\nlog:\n{log}", events.join("\n"))
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// A folder of this test's own.
fn scratch(name: &str) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = format!("sidetone-{}-{number}-{name}", std::process::id());
    let folder = std::env::temp_dir().join(folder);
    std::fs::create_dir_all(&folder).expect("a scratch folder can be made");
    folder
}

fn read_lines(stdout: std::process::ChildStdout) -> Receiver<(Instant, Value)> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
            if sender.send((Instant::now(), value)).is_err() {
                break;
            }
        }
    });
    receiver
}
