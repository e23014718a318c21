//! The bench (`scripts/bench`, described in `bench/README.md` beside this crate): found by its
//! environment, commanded by its script.

use crate::lines::Line;
use crate::phone::Setup;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The bench that is up.
#[derive(Debug, Clone)]
pub struct Bench {
    command: String,
    /// The namespace of the agents; its link can be spoiled.
    pub agents: String,
    /// The namespace of the customers; its link is always good.
    pub customers: String,
    /// `wss://…` of the server.
    pub url: String,
    /// The PEM file of the authority that signed the server's certificate.
    pub ca: PathBuf,
    /// The folder of the bench.
    pub folder: PathBuf,
}

impl Bench {
    /// The bench named by the environment.
    ///
    /// # Panics
    /// Where it is not up: the journeys cannot be shown without it.
    pub fn get() -> Self {
        let var = |name: &str| {
            std::env::var(name).unwrap_or_else(|_| {
                panic!(
                    "{name} is not set: run `scripts/bench up` and `eval \"$(scripts/bench env)\"`"
                )
            })
        };
        Self {
            command: var("SIDETONE_BENCH_COMMAND"),
            agents: var("SIDETONE_BENCH_UA"),
            customers: var("SIDETONE_BENCH_FAR"),
            url: var("SIDETONE_BENCH_URL"),
            ca: var("SIDETONE_BENCH_CA").into(),
            folder: var("SIDETONE_BENCH").into(),
        }
    }

    /// Runs a command of the bench and gives back what it printed.
    ///
    /// # Panics
    /// Where it fails.
    pub fn run(&self, arguments: &[&str]) -> String {
        self.try_run(arguments).unwrap_or_else(|why| panic!("bench {arguments:?} failed:\n{why}"))
    }

    fn try_run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(&self.command)
            .args(arguments)
            .output()
            .map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(text);
        }
        Err(text + &String::from_utf8_lossy(&output.stderr))
    }

    /// Ends what a journey that failed has left on a line, so that the next one there does not fail by it: its
    /// calls, the agent's being busy, and where he was pushed to. Does not panic, for it runs while another panic is told.
    pub fn sweep(&self, line: &Line) {
        let auditor = format!("auditor{}", line.number());
        let users = [line.agent(), line.customer(), line.colleague(), auditor];
        let is_theirs = |channel: &str| {
            let user = channel.split_once('/').map_or("", |(_, rest)| rest);
            users.iter().any(|name| {
                user.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(['-', '@']))
            })
        };
        for _ in 0..50 {
            let list = self.try_run(&["ast", "core", "show", "channels", "concise"]);
            let list = list.unwrap_or_default();
            let names = list.lines().filter_map(|channel| channel.split('!').next());
            let left: Vec<_> = names.filter(|name| is_theirs(name)).collect();
            if left.is_empty() {
                break;
            }
            for channel in left {
                // It may have ended by itself.
                let _ = self.try_run(&["ast", "channel", "request", "hangup", channel]);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let state = format!("Custom:sidetone-{}", line.agent());
        let _ = self.try_run(&["ast", "devstate", "change", &state, "NOT_INUSE"]);
        let member = line.member();
        let _ = self.try_run(&["ast", "queue", "unpause", "member", &member]);
        for queue in [format!("desk{}", line.number()), format!("back{}", line.number())] {
            let _ = self.try_run(&["ast", "queue", "remove", "member", &member, "from", &queue]);
        }
        self.forget_tokens(line);
    }

    /// The server does not know any more where to push for this agent.
    pub fn forget_tokens(&self, line: &Line) {
        let tokens = format!("sidetone-push/{}", line.agent());
        let _ = self.try_run(&["ast", "database", "deltree", &tokens]);
    }

    /// Runs a command on the server's console.
    pub fn asterisk(&self, command: &str) -> String {
        let mut arguments = vec!["ast"];
        arguments.extend(command.split_whitespace());
        self.run(&arguments)
    }

    /// The contacts that the server has of a user.
    pub fn contacts(&self, user: &str) -> Vec<String> {
        let prefix = format!("{user}/");
        self.asterisk("pjsip show contacts")
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Contact:")?.split_whitespace().next())
            .filter_map(|contact| contact.strip_prefix(&prefix).map(str::to_owned))
            .collect()
    }

    /// How a phone of this user reaches it: agents from `ua`, others from `far`.
    pub fn setup(&self, user: &str) -> Setup {
        let namespace = if user.starts_with("agent") || user.starts_with("timer") {
            &self.agents
        } else {
            &self.customers
        };
        Setup {
            namespace: Some(namespace.clone()),
            server: self.url.clone(),
            ca: Some(self.ca.clone()),
            account: format!("sip:{user}@bench.test"),
            password: format!("secret-{user}"),
        }
    }

    /// A program of this crate, to be run in a namespace: `ua`, `far` or `pbx`.
    ///
    /// # Panics
    /// Where neither tests nor programs are beside the programs that cargo builds for them.
    pub fn program(&self, namespace: &str, name: &str) -> Command {
        let ours = std::env::current_exe().expect("a program has a file");
        // target/PROFILE/deps/TEST or target/PROFILE/PROGRAM
        let mut folders = ours.ancestors().skip(1).take(2).map(|folder| folder.join(name));
        let built = folders.find(|file| file.exists()).expect("cargo has built it");
        let mut command = Command::new(&self.command);
        command.args(["exec", namespace]).arg(built);
        command
    }

    /// Starts one of these with this on its standard input; what it prints can be read.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start(mut program: Command, input: &[u8]) -> Child {
        let mut child = program
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        child.stdin.take().expect("a pipe").write_all(input).expect("it reads");
        child
    }

    /// Another script beside `bench`.
    pub fn script(&self, name: &str) -> PathBuf {
        Path::new(&self.command).with_file_name(name)
    }

    /// Kills the server; it comes again when that is asked for, or when the journey has failed.
    pub fn stop_server(&self) -> Stopped<'_> {
        self.run(&["server", "down"]);
        Stopped(Some(self))
    }

    /// Writes this in place of that into a file of the server's configuration, until what it gives is dropped.
    ///
    /// # Panics
    /// Where there is nothing to replace.
    pub fn rewrite(&self, file: &str, that: &str, this: &str) -> Rewritten {
        let path = self.folder.join("asterisk/etc").join(file);
        let was = std::fs::read_to_string(&path).expect("a file of the configuration");
        let text = was.replace(that, this);
        assert_ne!(text, was, "{that:?} is not in {file}");
        let rewritten = Rewritten { bench: self.clone(), path, was };
        rewritten.write(&text);
        rewritten
    }

    /// Loses all packets of these local ports of the agents, silently, until what it gives is dropped.
    pub fn lose(&self, ports: Vec<String>) -> Lost<'_> {
        self.run(&words("blackhole", &[], &ports));
        Lost { bench: self, ports }
    }

    /// The digits that the caller of this number has pressed at 609.
    pub fn digits(&self, number: &str) -> String {
        let answer = self.asterisk(&format!("database get dtmf {number}"));
        answer.trim().strip_prefix("Value:").unwrap_or_default().trim().to_owned()
    }

    /// The local TCP ports of a process in the namespace of the agents.
    pub fn ports(&self, process: u32) -> Vec<String> {
        crate::roam::ports(&self.agents, process)
    }

    /// Waits until `done` says so.
    ///
    /// # Panics
    /// Where it does not in time.
    pub fn wait(&self, what: &str, time: Duration, mut done: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + time;
        while !done(self) {
            assert!(Instant::now() < deadline, "{what}: not within {time:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// A server that was killed.
#[derive(Debug)]
pub struct Stopped<'a>(Option<&'a Bench>);

impl Stopped<'_> {
    /// Starts it again, and waits until it is there.
    ///
    /// # Panics
    /// Where it does not come.
    pub fn start(mut self) {
        if let Some(bench) = self.0.take() {
            bench.run(&["server", "up"]);
        }
    }
}

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        if let Some(bench) = self.0 {
            // Another panic is being told.
            let _ = bench.try_run(&["server", "up"]);
        }
    }
}

/// A file of the dial plan that is not as it was.
#[derive(Debug)]
pub struct Rewritten {
    bench: Bench,
    path: PathBuf,
    was: String,
}

impl Rewritten {
    fn write(&self, text: &str) {
        std::fs::write(&self.path, text).expect("the file is written");
        self.bench.asterisk("dialplan reload");
    }
}

impl Drop for Rewritten {
    fn drop(&mut self) {
        self.write(&self.was);
    }
}

/// Ports whose packets are lost. Others will have the same numbers one day: so it ends.
#[derive(Debug)]
pub struct Lost<'a> {
    bench: &'a Bench,
    ports: Vec<String>,
}

impl Drop for Lost<'_> {
    fn drop(&mut self) {
        let _ = self.bench.try_run(&words("blackhole", &["heal"], &self.ports));
    }
}

fn words<'a>(command: &'a str, more: &[&'a str], ports: &'a [String]) -> Vec<&'a str> {
    let ports = ports.iter().map(String::as_str);
    [command].into_iter().chain(more.iter().copied()).chain(ports).collect()
}
