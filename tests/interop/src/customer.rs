//! The customer on an ordinary telephone line (`scripts/customer`: sipp with G.711), as a process that several can
//! have at the same time.

use crate::bench::Bench;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A customer who calls.
#[derive(Debug)]
pub struct Customer(Child);

impl Customer {
    /// Calls a number with a voice as [`crate::tones::Voice::as_argument`] writes it, from a port of its own, and
    /// hangs up so long after the answer.
    ///
    /// # Panics
    /// Where the script is not there.
    pub fn call(bench: &Bench, number: &str, port: u16, voice: &str, time: Duration) -> Self {
        let (port, seconds) = (port.to_string(), time.as_secs().max(1).to_string());
        let arguments = ["call", number, "--voice", voice, "--for", &seconds, "--port", &port];
        // One who is cut off says so, and is meant to be.
        Self::spawn(Self::command(bench, &arguments).stderr(Stdio::null()))
    }

    /// The same, or one who is called, as `scripts/customer` takes it.
    ///
    /// # Panics
    /// Where the script is not there.
    pub fn start(bench: &Bench, arguments: &[&str]) -> Self {
        Self::spawn(&mut Self::command(bench, arguments))
    }

    fn command(bench: &Bench, arguments: &[&str]) -> Command {
        let mut command = Command::new(bench.script("customer"));
        command.args(arguments).stdout(Stdio::null()).process_group(0);
        command
    }

    fn spawn(command: &mut Command) -> Self {
        Self(command.spawn().expect("the customer exists"))
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// Where the system does not tell.
    pub fn wait(mut self) -> ExitStatus {
        self.0.wait().expect("a child can be waited for")
    }

    /// How it ended, once it has.
    ///
    /// # Panics
    /// Where the system does not tell.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("a child can be waited for")
    }
}

impl Drop for Customer {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            // The script and its sipp, which would call on without it.
            let group = format!("-{}", self.0.id());
            let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
            let _ = self.0.wait();
        }
    }
}
