//! `sidetone call`: one call from sign-in to its end.

use crate::args::CallArgs;
use crate::config::Setup;
use crate::console::{Input, Printer, asked_to_leave};
use crate::json::{JsonEvent, command_error_name};
use crate::session::Session;
use crate::{Failure, Outcome};
use sidetone_driver::{Update, What};
use sidetone_phone::{CallId, Command, EndReason, Event, RegistrationState};
use std::time::Duration;

/// Signs in, calls, and stays until the call ends.
pub(crate) async fn run(args: CallArgs) -> Outcome {
    let printer = Printer::new(args.output);
    let mut session = Session::start(Setup::load(&args.phone)?).await?;
    let mut input = Input::new(args.output.json);
    let call = CallId(uuid::Uuid::new_v4());
    let mut hang_up_at: Option<tokio::time::Instant> = None;
    let mut progress = Progress::SigningIn;
    let leave = asked_to_leave();
    tokio::pin!(leave);

    let outcome = loop {
        tokio::select! {
            biased;
            update = session.next() => {
                let Some(update) = update else { break Err(Failure::Stopped) };
                let step = progress.take(&update, call);
                printer.show(session.line(update, printer.sip));
                match step {
                    Step::Nothing => {}
                    Step::Dial => {
                        let dial = Command::Dial { call, to: args.uri.clone() };
                        if let Err(refusal) = session.command(dial).await {
                            printer.tell(
                                JsonEvent::Refused {
                                    command: "dial".to_owned(),
                                    call: None,
                                    reason: command_error_name(refusal.error),
                                    text: refusal.to_string(),
                                },
                                session.now_ms(),
                            );
                            break Err(Failure::Told);
                        }
                    }
                    Step::Answered => {
                        hang_up_at = args
                            .duration
                            .map(|ms| tokio::time::Instant::now() + Duration::from_millis(ms));
                    }
                    Step::Leave(outcome) => break outcome,
                }
            }
            line = input.next() => match session.run_line(&line).await {
                Some(lines) => lines.into_iter().for_each(|line| printer.print(line)),
                None => break progress.interrupted(),
            },
            () = until(hang_up_at) => {
                hang_up_at = None;
                // It may have ended by itself in the same moment.
                let _ = session.command(Command::HangUp { call }).await;
            }
            _ = &mut leave => break progress.interrupted(),
        }
    };
    session.stop_and_tell(|session, update| printer.show(session.line(update, printer.sip))).await;
    outcome
}

/// How far the one call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    SigningIn,
    Calling,
    Talking,
}

/// What an update means for the one call.
enum Step {
    Nothing,
    Dial,
    Answered,
    Leave(Outcome),
}

impl Progress {
    /// What it is to leave now: a call that nobody answered has failed.
    fn interrupted(self) -> Outcome {
        if self == Self::Talking { Ok(()) } else { Err(Failure::Told) }
    }

    fn take(&mut self, update: &Update, call: CallId) -> Step {
        let What::Event(event) = &update.what else { return Step::Nothing };
        if let Event::RegistrationChanged(registration) = event
            && *self == Self::SigningIn
        {
            return match registration.state {
                RegistrationState::Registered => {
                    *self = Self::Calling;
                    Step::Dial
                }
                RegistrationState::Failed => Step::Leave(Err(Failure::Told)),
                RegistrationState::Unreachable if registration.problem.is_some() => {
                    Step::Leave(Err(Failure::Told))
                }
                RegistrationState::Unregistered
                | RegistrationState::Asleep
                | RegistrationState::ReachableByPush
                | RegistrationState::Registering
                | RegistrationState::Unreachable => Step::Nothing,
            };
        }
        if event.call() != Some(call) {
            return Step::Nothing;
        }
        if let Event::Answered { .. } = event {
            *self = Self::Talking;
            return Step::Answered;
        }
        if let Event::Ended { reason, .. } = event {
            let over = matches!(reason, EndReason::Local | EndReason::Remote);
            let done = over && *self == Self::Talking;
            return Step::Leave(if done { Ok(()) } else { Err(Failure::Told) });
        }
        Step::Nothing
    }
}

/// Returns at the time given; never without one.
pub(crate) async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
