//! The terminal: raw mode in and out, keys from a thread of their own, one drawing a change.

use super::app::App;
use super::desk::Desk;
use super::keys::{Action, press};
use super::{AutoAnswer, left, messages, view};
use crate::config::Setup;
use crate::console::asked_to_leave;
use crate::quiet::Quiet;
use crate::session::Session;
use crate::{Failure, Outcome};
use crossterm::event::{Event as TerminalEvent, KeyEvent, KeyEventKind};
use ratatui::DefaultTerminal;
use sidetone_driver::What;
use sidetone_phone::{Command, Cursor, History};
use std::time::Duration;
use tokio::sync::mpsc;

/// The phone on the screen until the user leaves; at a desk it is a supervisor's.
pub(super) async fn run(setup: Setup, auto_answer: AutoAnswer, desk: Option<Desk>) -> Outcome {
    let account = setup.driver.phone.account.aor.to_string();
    let server = setup.driver.phone.servers.first().map(ToString::to_string).unwrap_or_default();
    let log = setup.state.log();
    let session = Session::start(setup).await?;
    let app = App { desk, ..App::new(account, server, session.snapshot()) };
    let terminal = ratatui::init();
    let quiet = Quiet::while_on_screen(log);
    let outcome = show(session, app, terminal, auto_answer).await;
    // After a hangup there is no terminal left to restore.
    let _ = ratatui::try_restore();
    drop(quiet);
    outcome
}

async fn show(
    mut session: Session,
    mut app: App,
    mut terminal: DefaultTerminal,
    mut auto_answer: AutoAnswer,
) -> Outcome {
    let mut keys = read_keys();
    let leave = asked_to_leave();
    tokio::pin!(leave);
    // Clocks on the screen move on by themselves where there are any.
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);

    let outcome = loop {
        if app.writes() && app.messages.is_none() {
            let page = session.messages(messages::SHOWN).await;
            app.messages = Some(page.map(|page| page.messages).map_err(|error| error.to_string()));
        }
        if let Err(error) = terminal.draw(|frame| view::draw(frame, &app, wall_now())) {
            break Err(Failure::Io(error));
        }
        // The team is watched as long as it is looked at.
        let looks = app.watches();
        if looks != app.snapshot.team.is_some() {
            // It is taken always.
            let _ = session.command(Command::Watch { on: looks }).await;
            app.snapshot = session.snapshot();
        }
        tokio::select! {
            update = session.next() => {
                let Some(update) = update else { break Err(Failure::Stopped) };
                auto_answer.watch(&update.what);
                let seconds = session.at_ms(update.at) / 1000.0;
                app.take(&update.what, update.at, seconds, session.snapshot());
                if matches!(update.what, What::HistoryChanged(_)) {
                    find(&session, &mut app, None).await;
                }
            }
            key = keys.recv() => match key.map(|key| key.map(|key| press(&mut app, key))) {
                Some(Some(Action::Command(command))) => ask(&session, &mut app, command).await,
                Some(Some(Action::Instead { end, command })) => {
                    // It may have ended by itself in the same moment.
                    let _ = session.command(Command::HangUp { call: end }).await;
                    ask(&session, &mut app, command).await;
                }
                Some(Some(Action::Find(after))) => find(&session, &mut app, after).await,
                Some(Some(Action::Redraw) | None) => {}
                Some(Some(Action::Quit)) | None => break left(&session),
            },
            call = auto_answer.due() => auto_answer.answer(&session, call).await,
            _ = second.tick(), if has_clock(&app) => {}
            _ = &mut leave => break left(&session),
        }
    };
    session.stop().await;
    outcome
}

/// Asks the phone, and shows why it does not.
async fn ask(session: &Session, app: &mut App, command: Command) {
    let refused = session.command(command.clone()).await.err();
    app.snapshot = session.snapshot();
    if let Some(refusal) = refused {
        app.refuse(command, refusal.to_string());
    }
}

fn has_clock(app: &App) -> bool {
    let agent = app.snapshot.agent.as_ref();
    let is_timed =
        agent.is_some_and(|agent| agent.logged_in_since.is_some() || agent.pause.is_some());
    is_timed || app.watches() || !app.snapshot.calls.is_empty()
}

/// Finds what is looked for in the history, while it is open.
async fn find(session: &Session, app: &mut App, after: Option<Cursor>) {
    let Some(filter) = app.search.as_ref().map(|search| search.filter.clone()) else { return };
    let page = session.history(filter, after, History::PAGE).await;
    if let Some(search) = &mut app.search {
        search.show(page.map_err(|error| error.to_string()), after);
    }
}

/// Keys come from a thread of their own, since reading the terminal blocks. `None` is a resize.
fn read_keys() -> mpsc::Receiver<Option<KeyEvent>> {
    let (sender, receiver) = mpsc::channel(32);
    std::thread::spawn(move || {
        while let Ok(event) = crossterm::event::read() {
            let sent = match event {
                TerminalEvent::Key(key) if key.kind == KeyEventKind::Press => {
                    sender.blocking_send(Some(key))
                }
                TerminalEvent::Resize(..) => sender.blocking_send(None),
                TerminalEvent::Key(_)
                | TerminalEvent::FocusGained
                | TerminalEvent::FocusLost
                | TerminalEvent::Mouse(_)
                | TerminalEvent::Paste(_) => Ok(()),
            };
            if sent.is_err() {
                break;
            }
        }
    });
    receiver
}

fn wall_now() -> Duration {
    sidetone_driver::clock::now().wall.0
}
