//! What the server has written to one connection, byte by byte, as its own log of SIP messages has it: also the bodies, of which
//! a phone tells no more than their length.

use crate::bench::Bench;
use crate::phone::Scratch;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// There is one log.
static ONE: Mutex<()> = Mutex::new(());

/// The log, which is written as long as this is there.
#[derive(Debug)]
pub struct Wire {
    bench: Bench,
    folder: Scratch,
    _one: MutexGuard<'static, ()>,
}

impl Wire {
    /// From here on it is written.
    pub fn tapped(bench: &Bench) -> Self {
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let wire = Self { bench: bench.clone(), folder: Scratch::new("wire"), _one: one };
        wire.bench.run(&["siplog", "on", &wire.file().display().to_string()]);
        wire
    }

    fn file(&self) -> PathBuf {
        self.folder.0.join("log")
    }

    /// All messages that went to one of these ports of the agents' or of another network so far.
    ///
    /// # Panics
    /// Where there is no log.
    pub fn sent_to(&self, ports: &[String]) -> Vec<String> {
        let log = std::fs::read(self.file()).expect("the log");
        let log = String::from_utf8_lossy(&log);
        // "<--- Transmitting SIP request (957 bytes) to WSS:198.18.1.2:46172 --->", then the message.
        let mut messages: Vec<String> = Vec::new();
        let mut is_ours = false;
        for line in log.lines() {
            if let Some((_, to)) = line.split_once("<--- Transmitting SIP ") {
                let port = to.trim_end().trim_end_matches("--->").trim().rsplit(':').next();
                is_ours = port.is_some_and(|port| ports.iter().any(|ours| ours == port));
                if is_ours {
                    messages.push(String::new());
                }
            } else if line.starts_with('[') || line.contains("<--- Received SIP ") {
                is_ours = false;
            } else if let (true, Some(message)) = (is_ours, messages.last_mut()) {
                message.push_str(line);
                message.push('\n');
            }
        }
        messages
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.bench.run(&["siplog", "off"]);
    }
}
