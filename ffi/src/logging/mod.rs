//! The library's log, handed to the app line by line on a thread of its own and without its secrets.
//!
//! Whoever logs puts a line into a bounded queue and goes on; one thread takes it, redacts it and calls
//! the app's sink, with no lock held. So a sink may block, may call back into the library, and may throw.

mod redact;

pub(crate) use redact::keep_secret;

use log::{Level, LevelFilter, Log, Metadata, Record};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::SystemTime;

/// As many lines may wait for the sink; what is said beyond them is counted.
const WAITING: usize = 1024;

/// Takes the lines of the log.
#[uniffi::export(foreign)]
pub trait LogSink: Send + Sync {
    /// Takes a line. It is called on one thread of the library, one line after the other; what it
    /// throws is passed over.
    fn write(&self, line: LogLine) -> Result<(), LogSinkError>;
}

/// What a sink may throw; nobody asks why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum LogSinkError {
    /// The line was not taken.
    #[error("the line was not taken: {text}")]
    NotTaken {
        /// Why.
        text: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for LogSinkError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::NotTaken { text: error.reason }
    }
}

/// One line; now and then it has several rows, as a SIP message has.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LogLine {
    /// When it was said.
    pub at: SystemTime,
    /// How much it matters.
    pub level: LogLevel,
    /// Which part of the library said it.
    pub target: String,
    /// What was said, without secrets, numbers and names.
    pub text: String,
}

/// How much a line matters; as a filter, the least that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, uniffi::Enum)]
pub enum LogLevel {
    /// As a filter: nothing.
    Off,
    /// Something failed.
    Error,
    /// Something is not as it should be.
    Warn,
    /// What happens, in outline.
    Info,
    /// What happens, in detail.
    Debug,
    /// Every message too.
    Trace,
}

/// Hands the log to this sink from now on, in place of the one before. `Off` hands over nothing.
#[uniffi::export]
pub fn set_log_sink(sink: Arc<dyn LogSink>, level: LogLevel) {
    let Some(log) = LOG.get_or_init(Lines::start) else { return };
    log.level.store(level as u8, Ordering::Relaxed);
    let sink = (level != LogLevel::Off).then_some(sink);
    let before = std::mem::replace(&mut *lock(&log.sink), sink);
    log::set_max_level(level.filter());
    // Given back with no lock held: the app may be told of it.
    drop(before);
}

static LOG: OnceLock<Option<&'static Lines>> = OnceLock::new();

/// The one logger of this library.
struct Lines {
    queue: SyncSender<LogLine>,
    sink: Mutex<Option<Arc<dyn LogSink>>>,
    level: AtomicU8,
    lost: AtomicU64,
}

impl Lines {
    /// Starts the thread. `None` where another logger is installed, as a Rust program has one.
    fn start() -> Option<&'static Self> {
        let (queue, waiting) = mpsc::sync_channel(WAITING);
        let lines: &'static Self = Box::leak(Box::new(Self {
            queue,
            sink: Mutex::new(None),
            level: AtomicU8::new(LogLevel::Off as u8),
            lost: AtomicU64::new(0),
        }));
        log::set_logger(lines).ok()?;
        let work = move || lines.hand_over(&waiting);
        thread::Builder::new().name("sidetone-log".to_owned()).spawn(work).ok()?;
        Some(lines)
    }

    fn hand_over(&self, waiting: &Receiver<LogLine>) {
        // The sender is never dropped.
        while let Ok(line) = waiting.recv() {
            let lost = self.lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                let text = format!("the sink is slow: {lost} lines are lost here");
                let target = env!("CARGO_CRATE_NAME").to_owned();
                self.write(LogLine { at: line.at, level: LogLevel::Warn, target, text });
            }
            self.write(LogLine { text: redact::redact(&line.text), ..line });
        }
    }

    fn write(&self, line: LogLine) {
        let sink = lock(&self.sink).clone();
        if let Some(sink) = sink {
            // Nobody can be told of what a log throws.
            let _ = sink.write(line);
        }
    }
}

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Of the libraries below only what is wrong is of interest.
        let ours = metadata.target().starts_with("sidetone");
        let wanted = self.level.load(Ordering::Relaxed);
        let level = LogLevel::from(metadata.level());
        level as u8 <= wanted && (ours || level <= LogLevel::Warn)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = LogLine {
            at: SystemTime::now(),
            level: record.level().into(),
            target: record.target().to_owned(),
            text: record.args().to_string(),
        };
        if self.queue.try_send(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self) {}
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LogLevel {
    fn filter(self) -> LevelFilter {
        match self {
            Self::Off => LevelFilter::Off,
            Self::Error => LevelFilter::Error,
            Self::Warn => LevelFilter::Warn,
            Self::Info => LevelFilter::Info,
            Self::Debug => LevelFilter::Debug,
            Self::Trace => LevelFilter::Trace,
        }
    }
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::Error,
            Level::Warn => Self::Warn,
            Level::Info => Self::Info,
            Level::Debug => Self::Debug,
            Level::Trace => Self::Trace,
        }
    }
}
