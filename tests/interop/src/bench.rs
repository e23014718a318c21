//! The bench (`scripts/bench`, described in `bench/README.md` beside this crate): found by its
//! environment, commanded by its script.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// The bench that is up.
#[derive(Debug, Clone)]
pub struct Bench {
    command: String,
    /// The namespace of the phones.
    pub phones: String,
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
            phones: var("SIDETONE_BENCH_UA"),
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
        let output = Command::new(&self.command).args(arguments).output().expect("the bench runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "bench {arguments:?} failed:\n{text}{errors}");
        text
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

    /// Makes an agent a member of the queue `support`, and the only one.
    pub fn only_member(&self, agent: &str) {
        for other in ["agent1", "agent2", "agent3", "agent4"] {
            let remove = format!("queue remove member Local/{other}@queue-ring from support");
            let _ = Command::new(&self.command).arg("ast").args(remove.split(' ')).output();
        }
        self.asterisk(&format!(
            "queue add member Local/{agent}@queue-ring to support penalty 0 as {agent} state_interface PJSIP/{agent}"
        ));
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
