//! The aggregate: routes each input to its owner and drains what they ask for.

use crate::{Command, CommandError, Config, Input, Now, Output, Saved, Snapshot, TimerReason};
use std::time::Duration;

/// One signed-in phone: an account and its calls.
#[derive(Debug)]
pub struct Phone {
    config: Config,
}

impl Phone {
    /// A phone that does nothing until it is told to. `saved` is what `Output::Save` gave last;
    /// `entropy` must be fresh from the system's generator, and is all the randomness it uses.
    pub fn new(config: Config, saved: Option<Saved>, entropy: [u8; 32], now: Now) -> Self {
        let _ = (saved, entropy, now);
        Self { config }
    }

    /// The app asks: may be refused.
    ///
    /// # Errors
    /// [`CommandError`] says why, and what to do.
    pub fn command(&mut self, command: Command, now: Now) -> Result<(), CommandError> {
        let _ = (command, now, &self.config);
        todo!()
    }

    /// The world happens: cannot fail.
    pub fn handle(&mut self, input: Input, now: Now) {
        let _ = (input, now);
        todo!()
    }

    /// The next thing to carry out; drain to `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        todo!()
    }

    /// When [`Phone::handle_timeout`] is due in boot time, and why.
    pub fn poll_timeout(&self) -> Option<(Duration, TimerReason)> {
        todo!()
    }

    /// Time passed, perhaps asleep.
    pub fn handle_timeout(&mut self, now: Now) {
        let _ = now;
        todo!()
    }

    /// What is to be seen.
    pub fn snapshot(&self) -> Snapshot {
        todo!()
    }
}
