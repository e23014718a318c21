//! Standard input and output: lines in, JSON or text out, and the signals that mean "leave".

use crate::args::OutputArgs;
use crate::json::{JsonEvent, Line};
use crate::session::plain;
use std::cell::Cell;
use std::io::Write as _;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};

/// Prints events in the form that was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    json: bool,
    /// Whether SIP messages are wanted.
    pub(crate) sip: bool,
}

impl Printer {
    pub(crate) fn new(output: OutputArgs) -> Self {
        Self { json: output.json, sip: output.sip }
    }

    /// Prints one event. A reader that went away is no error: the phone goes on.
    pub(crate) fn print(self, line: Line) {
        if self.json {
            print_json(line);
        } else if let Some(text) = plain(&line.event) {
            put(&format!("{:>9.0} ms  {text}", line.at_ms));
        }
    }

    /// Prints what there is to print.
    pub(crate) fn show(self, line: Option<Line>) {
        if let Some(line) = line {
            self.print(line);
        }
    }

    /// Prints an event that has no line yet.
    pub(crate) fn tell(self, event: JsonEvent, at_ms: f64) {
        self.print(Line { event, at_ms });
    }
}

thread_local! {
    /// The last line's time: several threads stamp, yet time never goes backwards on the output.
    static LAST_MS: Cell<f64> = const { Cell::new(0.0) };
}

/// Prints one JSON line.
pub(crate) fn print_json(mut line: Line) {
    line.at_ms = LAST_MS.get().max(line.at_ms);
    LAST_MS.set(line.at_ms);
    if let Ok(text) = serde_json::to_string(&line) {
        put(&text);
    }
}

/// Prints at once. A reader that went away is no error.
pub(crate) fn put(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Lines of standard input, one after the other; at its end it stays silent for ever.
pub(crate) struct Input {
    lines: Option<Lines<BufReader<Stdin>>>,
}

impl Input {
    /// Reads lines where they are commands; else nothing.
    pub(crate) fn new(wanted: bool) -> Self {
        Self { lines: wanted.then(|| BufReader::new(tokio::io::stdin()).lines()) }
    }

    /// The next line that is not empty.
    pub(crate) async fn next(&mut self) -> String {
        while let Some(lines) = &mut self.lines {
            match lines.next_line().await {
                Ok(Some(line)) if line.trim().is_empty() => {}
                Ok(Some(line)) => return line,
                Ok(None) | Err(_) => self.lines = None,
            }
        }
        std::future::pending().await
    }
}

/// Returns when the user or the system wants the program to leave: with the signal's name.
pub(crate) async fn asked_to_leave() -> &'static str {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
            signal(SignalKind::hangup()),
        ) {
            return tokio::select! {
                _ = interrupt.recv() => "SIGINT",
                _ = terminate.recv() => "SIGTERM",
                _ = hangup.recv() => "SIGHUP",
            };
        }
    }
    let _ = tokio::signal::ctrl_c().await;
    "Ctrl-C"
}
