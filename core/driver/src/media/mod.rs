//! The media thread: codec, playout and levels of each call, paced by the device.
//!
//! There is one for all calls. Commands reach it by a ring and objects that it is done with leave it
//! by another, so that its 10 ms path neither allocates nor frees nor waits. Without a call that has
//! opened an end of its audio it sleeps and is not woken.

mod alert;
mod call;
mod engine;
mod mix;

#[cfg(test)]
mod tests;

pub(crate) use call::{CallMedia, Coders};

use crate::device::{AudioDevice, AudioError};
use rtrb::{Consumer, Producer, RingBuffer};
use sidetone_media::Codec;
use sidetone_media::dtmf::Digit;
use sidetone_media::uplink::Gate;
use sidetone_phone::CallId;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::Notify;

/// As many calls are mixed; more than the phone allows.
pub(crate) const MAX_CALLS: usize = 16;
/// The most digits of one command ([`sidetone_phone::Digits`]).
const MAX_DIGITS: usize = 64;
const COMMANDS: usize = 256;
const NOTICES: usize = 256;
const RETIRED: usize = 64;

/// What the media thread is asked.
pub(crate) enum Command {
    /// A call's packets and coders.
    Add(Box<CallMedia>),
    /// Other coders for a call, since another codec was agreed.
    Recode(CallId, Box<Coders>),
    /// Opens, mutes or closes the way from the microphone to a call.
    SetUplink(CallId, Gate),
    /// Opens or closes the way from a call to the speaker.
    SetDownlink(CallId, bool),
    /// Lets a call hear the others that are joined, and be heard by them.
    SetJoined(CallId, bool),
    /// Presses keys in a call.
    Press(CallId, Keys),
    /// Plays the tone of a call that was answered by itself.
    Alert(CallId),
    /// Plays the tone of a call that waits, or not any more.
    CallWaiting(bool),
    /// The call is over.
    Remove(CallId),
    /// The platform gives us the audio, as at the start, or takes it away: devices run only
    /// meanwhile.
    SetActive(bool),
    /// The audio takes another route.
    Reopen,
    /// The phone is.
    Quit,
}

/// The keys of one command, in order.
pub(crate) struct Keys {
    keys: [Digit; MAX_DIGITS],
    count: usize,
}

impl Keys {
    /// The keys with these labels; others are left out.
    pub(crate) fn new(labels: &str) -> Self {
        let mut keys = [Digit::ZERO; MAX_DIGITS];
        let mut count = 0;
        for (slot, key) in keys.iter_mut().zip(labels.chars().filter_map(Digit::new)) {
            *slot = key;
            count += 1;
        }
        Self { keys, count }
    }

    fn iter(&self) -> impl Iterator<Item = Digit> {
        self.keys.iter().take(self.count).copied()
    }
}

/// What the media thread tells.
#[derive(Debug)]
pub(crate) enum Notice {
    Call(CallId, Told),
    /// An end of the audio is silence now.
    AudioLost(AudioError),
}

/// What it tells of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Told {
    FirstSent,
    FirstHeard,
    DtmfSent,
    /// The tone was played.
    Alerted,
    Measured(Measured),
}

/// One second of a call, in figures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) codec: Codec,
    pub(crate) packets_sent: u64,
    pub(crate) packets_received: u64,
    pub(crate) packets_lost: u64,
    pub(crate) packets_late: u64,
    pub(crate) concealed: Duration,
    pub(crate) jitter: Duration,
    pub(crate) playout_delay: Duration,
    pub(crate) level_sent: f32,
    pub(crate) level_heard: f32,
}

/// What the media thread is done with, to be freed elsewhere.
pub(crate) enum Retired {
    Call(#[allow(dead_code, reason = "held to be dropped")] Box<CallMedia>),
    Coders(#[allow(dead_code, reason = "held to be dropped")] Box<Coders>),
}

/// The rings and counters on the thread's side.
struct Ends {
    commands: Consumer<Command>,
    notices: Producer<Notice>,
    retired: Producer<Retired>,
    told: Arc<Notify>,
    wakes: Arc<AtomicU64>,
}

/// The phone's side of the media thread.
pub(crate) struct MediaThread {
    commands: Producer<Command>,
    notices: Consumer<Notice>,
    retired: Consumer<Retired>,
    told: Arc<Notify>,
    #[cfg(test)]
    wakes: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl MediaThread {
    /// Starts the thread. The device is opened on it, since some must not move to another.
    ///
    /// # Errors
    /// What `open` says.
    pub(crate) fn start<F>(open: F) -> Result<Self, AudioError>
    where
        F: FnOnce() -> Result<Box<dyn AudioDevice>, AudioError> + Send + 'static,
    {
        let (commands, command_queue) = RingBuffer::new(COMMANDS);
        let (notice_queue, notices) = RingBuffer::new(NOTICES);
        let (retired_queue, retired) = RingBuffer::new(RETIRED);
        let told = Arc::new(Notify::new());
        let wakes = Arc::new(AtomicU64::new(0));
        let ends = Ends {
            commands: command_queue,
            notices: notice_queue,
            retired: retired_queue,
            told: told.clone(),
            wakes: Arc::clone(&wakes),
        };
        let (opened, outcome) = std::sync::mpsc::sync_channel(1);
        let thread = thread::Builder::new()
            .name("sidetone-media".to_owned())
            .spawn(move || match open() {
                Ok(device) => {
                    let _ = opened.send(Ok(()));
                    engine::run(device, ends);
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            })
            .map_err(no_thread)?;
        outcome.recv().map_err(no_thread)??;
        Ok(Self {
            commands,
            notices,
            retired,
            told,
            #[cfg(test)]
            wakes,
            thread: Some(thread),
        })
    }

    /// Asks. The thread does it before its next frame.
    pub(crate) fn ask(&mut self, command: Command) {
        if self.commands.push(command).is_err() {
            // It takes all that waits each 10 ms: it must be dead or stuck in a device.
            log::error!("the media thread takes no commands");
        }
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// What rings when there are notices.
    pub(crate) fn told(&self) -> Arc<Notify> {
        self.told.clone()
    }

    /// The next notice; also frees what the thread is done with.
    pub(crate) fn poll_notice(&mut self) -> Option<Notice> {
        while self.retired.pop().is_ok() {}
        self.notices.pop().ok()
    }

    /// How often the thread has woken.
    #[cfg(test)]
    pub(crate) fn wakes(&self) -> u64 {
        self.wakes.load(Ordering::Relaxed)
    }

    /// Ends the thread, and with it the device: recordings are complete after this. May wait for a
    /// disk or a device.
    pub(crate) fn join(mut self) {
        self.ask(Command::Quit);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the media thread did not end in good order");
        }
    }
}

impl Drop for MediaThread {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.ask(Command::Quit);
        }
    }
}

impl Ends {
    fn woke(&self) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
    }

    fn tell(&mut self, notice: Notice) {
        // A phone that does not listen misses figures, which come again.
        if self.notices.push(notice).is_ok() {
            self.told.notify_one();
        }
    }

    /// Where the ring is full it is freed here, late rather than never.
    fn retire(&mut self, retired: Retired) {
        drop(self.retired.push(retired));
        self.told.notify_one();
    }
}

fn no_thread(error: impl ToString) -> AudioError {
    AudioError::Thread(error.to_string())
}
