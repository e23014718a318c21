//! `sidetone agent` and `sidetone supervisor`: the terminal phone, or the same phone for scripts.

mod app;
mod desk;
mod features;
mod history;
mod keys;
mod messages;
mod queues;
mod recordings;
mod screen;
mod supervision;
mod team;
mod view;

// What other pictures show of phones as this terminal does.
pub(crate) use desk::{microphone, roster_row, what_mode};
pub(crate) use queues::state_word;
pub(crate) use recordings::marks as recording_marks;
pub(crate) use team::queue_line;
pub(crate) use view::{DIM, STRONG, panel};

use crate::args::{AgentArgs, OutputArgs, SupervisorArgs};
use crate::call::until;
use crate::config::Setup;
use crate::console::{Input, Printer, asked_to_leave};
use crate::session::Session;
use crate::{Failure, Outcome};
use sidetone_driver::What;
use sidetone_phone::{CallId, Command, Event};
use std::collections::VecDeque;
use std::io::IsTerminal as _;
use std::time::Duration;
use tokio::time::Instant;

/// Signs in and stays until told to leave.
pub(crate) async fn run(args: AgentArgs) -> Outcome {
    start(Setup::load(&args.phone)?, args.output, AutoAnswer::new(args.auto_answer), None).await
}

/// The same at a supervisor's desk, which watches his teams from the beginning.
pub(crate) async fn run_supervisor(args: SupervisorArgs) -> Outcome {
    let desk = Some(desk::Desk::default());
    start(Setup::load(&args.phone)?, args.output, AutoAnswer::new(None), desk).await
}

async fn start(
    setup: Setup,
    output: OutputArgs,
    auto_answer: AutoAnswer,
    desk: Option<desk::Desk>,
) -> Outcome {
    if !output.json && std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
        return screen::run(setup, auto_answer, desk).await;
    }
    let (printer, input) = (Printer::new(output), Input::new(output.json));
    lines(setup, auto_answer, printer, input, desk.is_some()).await
}

/// The phone for scripts: events out, commands in.
async fn lines(
    setup: Setup,
    mut auto_answer: AutoAnswer,
    printer: Printer,
    mut input: Input,
    watches: bool,
) -> Outcome {
    let mut session = Session::start(setup).await?;
    if watches {
        // It is taken always.
        let _ = session.command(Command::Watch { on: true }).await;
    }
    let leave = asked_to_leave();
    tokio::pin!(leave);
    let outcome = loop {
        tokio::select! {
            biased;
            update = session.next() => {
                let Some(update) = update else { break Err(Failure::Stopped) };
                auto_answer.watch(&update.what);
                printer.show(session.line(update, printer.sip));
            }
            line = input.next() => match session.run_line(&line).await {
                Some(lines) => lines.into_iter().for_each(|line| printer.print(line)),
                None => break left(&session),
            },
            call = auto_answer.due() => auto_answer.answer(&session, call).await,
            _ = &mut leave => break left(&session),
        }
    };
    session.stop_and_tell(|session, update| printer.show(session.line(update, printer.sip))).await;
    outcome
}

/// How the program ends when it is asked to leave.
fn left(session: &Session) -> Outcome {
    if session.was_registered() { Ok(()) } else { Err(Failure::NeverRegistered) }
}

/// Answers each incoming call after a while, where that was asked for.
#[derive(Debug)]
struct AutoAnswer {
    after: Option<Duration>,
    waiting: VecDeque<(Instant, CallId)>,
}

impl AutoAnswer {
    fn new(after_ms: Option<u64>) -> Self {
        Self { after: after_ms.map(Duration::from_millis), waiting: VecDeque::new() }
    }

    /// Notes a call that came in.
    fn watch(&mut self, what: &What) {
        if let (Some(after), What::Event(Event::Incoming { call, .. })) = (self.after, what) {
            self.waiting.push_back((Instant::now() + after, *call));
        }
    }

    /// Returns when a call is due. Safe to drop and call again.
    async fn due(&self) -> CallId {
        let next = self.waiting.front().copied();
        until(next.map(|(at, _)| at)).await;
        match next {
            Some((_, call)) => call,
            None => std::future::pending().await,
        }
    }

    async fn answer(&mut self, session: &Session, call: CallId) {
        self.waiting.pop_front();
        // The caller may have given up in the meantime: then there is nothing to answer.
        let _ = session.command(Command::Answer { call }).await;
    }
}
