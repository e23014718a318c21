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
        let child = Command::new(bench.script("customer"))
            .args(["call", number, "--voice", voice, "--for", &seconds, "--port", &port])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        Self(child.expect("the customer exists"))
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
