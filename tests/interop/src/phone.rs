//! One `sidetone` process: commands go in as JSON lines, events come out, each held against the
//! schema of docs/cli.schema.json.

use crate::tones::{Heard, Tone, Voice};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
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
}

impl Setup {
    /// The program with these arguments, as this user at this server. What it keeps goes to
    /// `folder`.
    pub fn command(&self, arguments: &[&str], folder: &Path) -> Command {
        let mut command = program(self.namespace.as_deref(), &sidetone());
        command.args(arguments);
        self.give(&mut command, folder);
        command
    }

    /// Gives a program its account, server and place to keep things.
    fn give(&self, command: &mut Command, folder: &Path) {
        command.args(["--server", &self.server, "--account", &self.account]);
        command.arg("--state").arg(folder.join("state"));
        if let Some(ca) = &self.ca {
            command.arg("--ca").arg(ca);
        }
        command.env("SIDETONE_PASSWORD", &self.password).env("XDG_CONFIG_HOME", folder);
    }
}

fn sidetone() -> String {
    std::env::var("SIDETONE_BINARY").expect("SIDETONE_BINARY names the program")
}

/// A program in a network namespace, or here.
fn program(namespace: Option<&str>, binary: &str) -> Command {
    match namespace {
        Some(namespace) => {
            let mut command = Command::new("ip");
            command.args(["netns", "exec", namespace, binary]);
            command
        }
        None => Command::new(binary),
    }
}

/// A running phone.
#[derive(Debug)]
pub struct Phone {
    child: Child,
    started: Instant,
    stdin: Option<ChildStdin>,
    lines: Receiver<(Instant, Value)>,
    folder: Scratch,
    told: Vec<Told>,
    name: String,
}

/// One event.
#[derive(Debug, Clone)]
pub struct Told {
    /// When it was read.
    pub at: Instant,
    /// The event.
    pub event: Value,
    waited_for: bool,
}

impl Phone {
    /// Starts `sidetone agent`. `name` is for messages and for its folder.
    pub fn start(name: &str, setup: &Setup, voice: &Voice) -> Self {
        Self::start_with(name, setup, voice, &["agent", "--sip"])
    }

    /// The same, without an ear: what it hears in hours is more than a disk should keep.
    pub fn start_deaf(name: &str, setup: &Setup, voice: &Voice) -> Self {
        let folder = Scratch::new(name);
        let command = setup.command(&["agent", "--sip"], &folder.0);
        Self::speaking(name, command, folder, voice, "null".as_ref())
    }

    /// Starts another subcommand.
    pub fn start_with(name: &str, setup: &Setup, voice: &Voice, arguments: &[&str]) -> Self {
        let folder = Scratch::new(name);
        let command = setup.command(arguments, &folder.0);
        let ear = folder.0.join("heard.wav");
        Self::speaking(name, command, folder, voice, &ear)
    }

    /// The same, with all in its log that can be.
    pub fn start_traced(name: &str, setup: &Setup, voice: &Voice, arguments: &[&str]) -> Self {
        let folder = Scratch::new(name);
        let mut command = setup.command(arguments, &folder.0);
        command.env("RUST_LOG", "trace");
        let ear = folder.0.join("heard.wav");
        Self::speaking(name, command, folder, voice, &ear)
    }

    /// Starts another program that speaks the same lines: a phone library behind a strict platform.
    /// What it keeps lies in `state`, and outlives it.
    pub fn start_other(
        name: &str,
        setup: &Setup,
        voice: &Voice,
        other: &[&str],
        state: &Path,
    ) -> Self {
        let mut command = program(setup.namespace.as_deref(), other[0]);
        command.args(&other[1..]);
        setup.give(&mut command, state);
        let folder = Scratch::new(name);
        let ear = folder.0.join("heard.wav");
        Self::speaking(name, command, folder, voice, &ear)
    }

    fn speaking(
        name: &str,
        mut command: Command,
        folder: Scratch,
        voice: &Voice,
        ear: &Path,
    ) -> Self {
        if voice.0.is_empty() {
            command.args(["--mic", "null"]);
        } else {
            voice.write(&folder.0.join("voice.wav"));
            command.arg("--mic").arg(folder.0.join("voice.wav"));
        }
        command.arg("--speaker").arg(ear);
        Self::spawn(name, command, folder)
    }

    /// Starts `sidetone demo --serve`: the model PBX, on a port of its own.
    pub fn serve() -> Self {
        let folder = Scratch::new("model");
        let mut command = program(None, &sidetone());
        command.args(["demo", "--serve", "--port", "0"]).env("XDG_CONFIG_HOME", &folder.0);
        Self::spawn("model", command, folder)
    }

    fn spawn(name: &str, mut command: Command, folder: Scratch) -> Self {
        let log = std::fs::File::create(folder.0.join("log")).expect("the log can be written");
        command.arg("--json").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let started = Instant::now();
        let mut child = command.spawn().expect("the program starts");
        let lines = read_lines(child.stdout.take().expect("a pipe"));
        let stdin = child.stdin.take();
        let told = Vec::new();
        Self { child, started, stdin, lines, folder, told, name: name.to_owned() }
    }

    /// Ends the process at once, as a system short of memory does.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends its process a signal: `-STOP`, `-CONT`.
    ///
    /// # Panics
    /// Where it is gone.
    pub fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([signal, &self.id().to_string()]).status();
        assert!(done.is_ok_and(|it| it.success()), "{}: kill {signal}", self.name);
    }

    /// When the process was started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Where it has its `log`, and its `state`.
    pub fn folder(&self) -> &Path {
        &self.folder.0
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its share of the machine's memory (PSS) in MB.
    ///
    /// # Panics
    /// Where it has ended.
    pub fn memory(&self) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.id()));
        let text = text.expect("the process runs");
        let kilobytes =
            text.lines().find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next());
        kilobytes.and_then(|text| text.parse::<f64>().ok()).expect("the kernel counts it") / 1000.0
    }

    /// Its name, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends one command.
    ///
    /// # Panics
    /// Where the process is gone.
    pub fn send(&mut self, command: Value) {
        let stdin = self.stdin.as_mut().expect("standard input is open");
        writeln!(stdin, "{command}").unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }

    /// Sends a command about a call, whatever comes of it.
    pub fn say(&mut self, command: &str, call: &str, more: Value) {
        let mut value = json!({ "command": command, "call": call });
        if let (Some(object), Some(more)) = (value.as_object_mut(), more.as_object()) {
            object.extend(more.clone());
        }
        self.send(value);
    }

    /// Sends a command about a call and waits until it is accepted.
    #[track_caller]
    pub fn ask(&mut self, command: &str, call: &str, more: Value) {
        self.say(command, call, more);
        self.accepts(command);
    }

    /// Sends a command that is of no single call, and waits until it is accepted.
    #[track_caller]
    pub fn order(&mut self, command: Value) {
        let name = command["command"].as_str().unwrap_or_default().to_owned();
        self.send(command);
        self.accepts(&name);
    }

    #[track_caller]
    fn accepts(&mut self, command: &str) {
        let answer = self.wait(&format!("an answer to {command}"), PATIENCE, |event| {
            let kind = &event["event"];
            (kind == "accepted" || kind == "refused") && event["command"] == command
        });
        assert_eq!(answer["event"], "accepted", "{}: {answer}", self.name);
    }

    /// What is to be seen of it now.
    #[track_caller]
    pub fn snapshot(&mut self) -> Value {
        self.send(json!({ "command": "snapshot" }));
        self.wait_for("snapshot")
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

    /// Waits until a call has ended, and holds why against what is expected.
    #[track_caller]
    pub fn wait_ended(&mut self, call: &str, reason: &str) -> Value {
        let ended = self.wait_call("ended", call);
        assert_eq!(ended["reason"], reason, "{}: {ended}\n{}", self.name, self.story());
        ended
    }

    /// Waits for an event of this call.
    #[track_caller]
    pub fn wait_call(&mut self, name: &str, call: &str) -> Value {
        self.wait(name, PATIENCE, |event| event["event"] == name && event["call"] == call)
    }

    /// Waits for the first event that `wanted` accepts and that was not waited for already. It may
    /// have been told before this call.
    #[track_caller]
    pub fn wait(&mut self, what: &str, time: Duration, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_told(what, time, wanted).event
    }

    /// The same, with the time at which it was told.
    #[track_caller]
    pub fn wait_told(
        &mut self,
        what: &str,
        time: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Told {
        let deadline = Instant::now() + time;
        let mut next = 0;
        loop {
            if let Some(told) = self.told.get_mut(next) {
                next += 1;
                if !told.waited_for && wanted(&told.event) {
                    told.waited_for = true;
                    return told.clone();
                }
                continue;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok((at, event)) => self.take(at, event),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{}: {what}: not within {time:?}\n{}", self.name, self.story());
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("{}: {what}: the program ended\n{}", self.name, self.story());
                }
            }
        }
    }

    /// What was told so far is not waited for any more.
    pub fn forget(&mut self) {
        self.listen(Duration::ZERO);
        self.told.iter_mut().for_each(|told| told.waited_for = true);
    }

    /// Forgets all that was told so far; the log is kept.
    pub fn turn_the_page(&mut self) {
        self.listen(Duration::ZERO);
        self.told.clear();
    }

    /// Lets time pass and takes what is told in it.
    #[track_caller]
    pub fn listen(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while let Ok((at, event)) =
            self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            self.take(at, event);
        }
        // Where the program ended, the time passes all the same.
        std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
    }

    /// All events so far.
    pub fn told(&self) -> impl Iterator<Item = &Value> {
        self.told.iter().map(|told| &told.event)
    }

    /// How many events of this name were told so far.
    pub fn count(&self, name: &str) -> usize {
        self.told().filter(|event| event["event"] == name).count()
    }

    #[track_caller]
    fn take(&mut self, at: Instant, event: Value) {
        self.check(&event);
        self.told.push(Told { at, event, waited_for: false });
    }

    /// What its speaker was given so far.
    pub fn heard(&self) -> Heard {
        Heard::read(&self.ear())
    }

    /// How far its ear is by now.
    pub fn mark(&self) -> u64 {
        Heard::count(&self.ear())
    }

    /// What its speaker was given since [`Self::mark`].
    pub fn heard_since(&self, mark: u64) -> Heard {
        Heard::read_from(&self.ear(), mark)
    }

    /// Waits until this tone is heard, and nothing else that anybody makes.
    #[track_caller]
    pub fn hears(&mut self, tone: Tone) {
        self.hears_one_of(&[tone]);
    }

    /// Waits until one of these tones is heard, and nothing else that anybody makes.
    #[track_caller]
    pub fn hears_one_of(&mut self, tones: &[Tone]) -> Tone {
        self.hears_what(&format!("one of {tones:?}"), |heard| {
            tones.iter().copied().find(|tone| heard.is_only(*tone))
        })
    }

    /// Waits until these tones are heard at once, and nothing else that anybody makes.
    #[track_caller]
    pub fn hears_all(&mut self, tones: &[Tone]) {
        self.hears_what(&format!("{tones:?} at once"), |heard| heard.are_only(tones).then_some(()));
    }

    /// Waits until nothing is heard.
    #[track_caller]
    pub fn hears_silence(&mut self) {
        self.hears_what("silence", |heard| heard.is_silent().then_some(()));
    }

    /// Judges the newest third of a second until it is as wanted; what was heard before this call
    /// counts for nothing.
    #[track_caller]
    fn hears_what<T>(&mut self, what: &str, judge: impl Fn(&Heard) -> Option<T>) -> T {
        let window = Duration::from_millis(300);
        let start = self.mark();
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.listen(Duration::from_millis(50));
            let heard = self.heard_since(start).last(window);
            if heard.length() >= window
                && let Some(verdict) = judge(&heard)
            {
                return verdict;
            }
            assert!(
                Instant::now() < deadline,
                "{} does not hear {what}, but {}\n{}",
                self.name,
                heard.describe(),
                self.story()
            );
        }
    }

    /// Listens until so much was heard and fails where it was anything but these tones; where it is to be nothing at all, so
    /// long.
    #[track_caller]
    pub fn hears_nothing_but(&mut self, tones: &[Tone], time: Duration) {
        let start = self.mark();
        let deadline = Instant::now() + PATIENCE;
        self.listen(time);
        while !tones.is_empty() && self.heard_since(start).length() < time {
            assert!(Instant::now() < deadline, "{} hears nothing\n{}", self.name, self.story());
            self.listen(Duration::from_millis(50));
        }
        let heard = self.heard_since(start);
        if tones.is_empty() {
            assert!(heard.is_silent(), "{} hears {}", self.name, heard.describe());
        }
        heard.assert_never_but(tones, &self.name);
    }

    fn ear(&self) -> PathBuf {
        self.folder.0.join("heard.wav")
    }

    /// Leaves: ends calls, signs out; the exit status.
    pub fn leave(&mut self) -> i32 {
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
                Some(status) => {
                    // What it said last may not be read yet, on a machine that is busy.
                    while let Ok((at, event)) = self.lines.recv_timeout(PATIENCE) {
                        self.take(at, event);
                    }
                    return status.code().unwrap_or(-1);
                }
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
    pub fn story(&self) -> String {
        let line = |event: &Value| match event["message"].as_str() {
            Some(message) => {
                let arrow = if event["sent"] == true { "→" } else { "←" };
                format!("{} {arrow} {}", event["at_ms"], message.lines().next().unwrap_or_default())
            }
            None => event.to_string(),
        };
        let mut events: Vec<String> =
            self.told().filter(|event| event["event"] != "quality").map(line).collect();
        let last = self.told().filter(|event| event["event"] == "quality").last();
        events.extend(last.map(|quality| format!("last quality: {quality}")));
        let log = std::fs::read_to_string(self.folder.0.join("log")).unwrap_or_default();
        format!("events of {}:\n{}\nlog:\n{log}", self.name, events.join("\n"))
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder of its own; deleted in the end, kept where a test fails.
#[derive(Debug)]
pub struct Scratch(pub PathBuf);

impl Scratch {
    /// A new one.
    pub fn new(name: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = format!("sidetone-{}-{number}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).expect("a scratch folder can be made");
        Self(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
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
