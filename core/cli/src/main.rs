//! The binary `sidetone`: a phone for agents in a terminal, a demonstration, and a doctor.
//!
//! | module | owns |
//! |---|---|
//! | `args` | the command line |
//! | `config` | flags, environment and file made into one checked configuration |
//! | `folders` | where such files stand |
//! | `state` | the folder of what survives the program, sealed |
//! | `session` | one phone at work |
//! | `json`, `console` | what is printed and read |
//! | `audio` | what to do where there is none |
//! | `quiet` | standard error kept off the screen |
//! | `agent` | the terminal phone, an agent's and a supervisor's |
//! | `call` | one call from a script |
//! | `setup` | the sign-in link, read and made |
//! | `doctor` | every requirement checked and explained |
//! | `tone` | tones for the checks |
//! | `demo` | the model PBX behind sockets, a customer, the report |
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a terminal program prints")]

mod agent;
mod args;
mod audio;
mod call;
mod config;
mod console;
mod demo;
mod doctor;
mod folders;
mod json;
mod quiet;
mod session;
mod setup;
mod state;
mod tone;

use args::{Cli, Command};
use clap::Parser as _;
use std::io::Write as _;
use std::process::ExitCode;

/// How a subcommand ends.
type Outcome = Result<(), Failure>;

/// Why a subcommand failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// What was given cannot be used: exit status 2.
    #[error(transparent)]
    Setup(#[from] config::SetupError),
    /// The phone cannot be started here.
    #[error("{}", audio::explain(.0))]
    Start(#[from] sidetone_driver::StartError),
    /// The phone was asked to leave before the server had ever taken it.
    #[error("the phone was never registered")]
    NeverRegistered,
    /// The phone stopped by itself.
    #[error("the phone stopped; this is a defect, please report it with the log (RUST_LOG=debug)")]
    Stopped,
    /// The terminal or a file.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The reason has been printed as an event.
    #[error("")]
    Told,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    init_log();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Failure::Io(error), false),
    };
    let json = cli.command.is_json();
    let outcome = runtime.block_on(async {
        match cli.command {
            Command::Agent(args) => agent::run(args).await,
            Command::Supervisor(args) => agent::run_supervisor(args).await,
            Command::Call(args) => call::run(args).await,
            Command::Doctor(args) => doctor::run(args).await,
            Command::Demo(args) => demo::run(args).await,
            Command::Setup(args) => Ok(setup::run(&args)?),
            Command::Link(args) => Ok(setup::print(&args)?),
            Command::LinkKey(args) => Ok(setup::print_key(&args)?),
        }
    });
    // Not waiting for a read of standard input that may never end.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure, json),
    }
}

/// Prints why, and chooses the exit status: 2 for wrong usage, 1 for the rest.
fn fail(failure: &Failure, json: bool) -> ExitCode {
    if !matches!(failure, Failure::Told) {
        // Where the terminal is gone, nobody is left to be told.
        let _ = writeln!(std::io::stderr(), "sidetone: {failure}");
        if json {
            let event = json::JsonEvent::Error { text: failure.to_string() };
            console::print_json(json::Line { event, at_ms: 0.0 });
        }
    }
    let is_wrong_usage = match failure {
        Failure::Setup(_) => true,
        Failure::Start(error) => audio::is_wrong_usage(error),
        Failure::NeverRegistered | Failure::Stopped | Failure::Io(_) | Failure::Told => false,
    };
    ExitCode::from(if is_wrong_usage { 2 } else { 1 })
}

/// Logs go to standard error, off unless RUST_LOG asks. What the WebRTC stack prints about harmless
/// things stays out of the way of ours, unless it is asked for by name.
fn init_log() {
    let mut builder = env_logger::Builder::new();
    builder.filter_level(log::LevelFilter::Off);
    for target in sidetone_driver::peer::quiet_log_targets() {
        builder.filter_module(target, log::LevelFilter::Off);
    }
    if let Ok(filters) = std::env::var("RUST_LOG") {
        builder.parse_filters(&filters);
    }
    builder.init();
}
