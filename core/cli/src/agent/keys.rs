//! What each key means, as a pure function of the screen's state.
#![allow(clippy::wildcard_enum_match_arm, reason = "a terminal has more keys than this has uses")]

use super::app::{App, Entry, EntryKind};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use sidetone_phone::{CallId, CallState, Command, DeclineReason, Digits};

/// What a key asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing, or only the screen changed.
    Redraw,
    /// Something for the phone.
    Command(Command),
    /// Leave.
    Quit,
}

/// The keys and what they do, in the order of the footer.
pub(super) const HELP: [(&str, &str); 9] = [
    ("d", "dial"),
    ("a", "answer"),
    ("x", "decline"),
    ("h", "hang up"),
    ("o", "hold"),
    ("m", "mute"),
    ("t", "digits"),
    ("Tab", "next call"),
    ("q", "quit"),
];

/// Takes one key.
pub(super) fn press(app: &mut App, key: KeyEvent) -> Action {
    app.refusal = None;
    if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
        return Action::Quit;
    }
    match app.entry.take() {
        Some(entry) => type_into(app, entry, key),
        None => shortcut(app, key),
    }
}

fn shortcut(app: &mut App, key: KeyEvent) -> Action {
    let with_call = |command: fn(CallId) -> Command| match app.selected {
        Some(call) => Action::Command(command(call)),
        None => Action::Redraw,
    };
    match key.code {
        KeyCode::Char('q') => Action::Quit,
        KeyCode::Char('a') | KeyCode::Enter => with_call(|call| Command::Answer { call }),
        KeyCode::Char('x') => {
            with_call(|call| Command::Decline { call, reason: DeclineReason::Decline })
        }
        KeyCode::Char('h') => with_call(|call| Command::HangUp { call }),
        KeyCode::Char('o') => match app.call() {
            Some(call) => Action::Command(Command::Hold { call: call.id, on: !call.hold.local }),
            None => Action::Redraw,
        },
        KeyCode::Char('m') => match app.call() {
            Some(call) => Action::Command(Command::Mute { call: call.id, on: !call.muted }),
            None => Action::Redraw,
        },
        KeyCode::Char('d') => open(app, EntryKind::Dial),
        KeyCode::Char('t') if app.call().is_some_and(|c| c.state >= CallState::Answered) => {
            open(app, EntryKind::Dtmf)
        }
        KeyCode::Tab => {
            app.select_next();
            Action::Redraw
        }
        _ => Action::Redraw,
    }
}

fn open(app: &mut App, kind: EntryKind) -> Action {
    app.entry = Some(Entry { kind, text: String::new() });
    Action::Redraw
}

fn type_into(app: &mut App, mut entry: Entry, key: KeyEvent) -> Action {
    match key.code {
        KeyCode::Esc => return Action::Redraw,
        KeyCode::Enter => return enter(app, entry),
        KeyCode::Backspace => {
            entry.text.pop();
        }
        KeyCode::Char(character) if entry.text.len() < 128 => entry.text.push(character),
        _ => {}
    }
    app.entry = Some(entry);
    Action::Redraw
}

fn enter(app: &mut App, entry: Entry) -> Action {
    match (entry.kind, app.selected) {
        (EntryKind::Dial, _) if entry.text.trim().is_empty() => Action::Redraw,
        (EntryKind::Dial, _) => {
            let call = CallId(uuid::Uuid::new_v4());
            app.selected = Some(call);
            Action::Command(Command::Dial { call, to: entry.text })
        }
        (EntryKind::Dtmf, Some(call)) => match Digits::new(&entry.text) {
            Ok(digits) => Action::Command(Command::SendDtmf { call, digits }),
            Err(error) => {
                app.refusal = Some(error.to_string());
                Action::Redraw
            }
        },
        (EntryKind::Dtmf, None) => Action::Redraw,
    }
}
