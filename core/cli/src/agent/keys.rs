//! What each key means, as a pure function of the screen's state.
#![allow(clippy::wildcard_enum_match_arm, reason = "a terminal has more keys than this has uses")]

use super::app::{App, Entry, EntryKind, Picker, Purpose, is_up};
use super::desk;
use super::features::withheld;
use super::history;
use super::queues::{self, What};
use super::recordings;
use super::supervision;
use super::team::{self, Lookup};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use sidetone_phone::{
    CallId, CallState, Command, ControlId, Cursor, DeclineReason, Digits, Feature, MessageId,
    RegistrationState,
};

/// What a key asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing, or only the screen changed.
    Redraw,
    /// What is looked for in the history is to be found: after this place, or from the beginning.
    Find(Option<Cursor>),
    /// Something for the phone.
    Command(Command),
    /// The same in the place of a call, which is ended first.
    Instead {
        /// The call.
        end: CallId,
        /// What follows.
        command: Command,
    },
    /// Leave.
    Quit,
}

/// The keys that do something now, in the order of the footer. `q` quits always.
pub(super) fn help(app: &App) -> Vec<(&'static str, &'static str)> {
    if let Some(desk) = &app.desk {
        return desk::help(app, desk);
    }
    let is_registered = app.snapshot.registration.state == RegistrationState::Registered;
    let mut keys = vec![if is_registered { ("d", "dial") } else { ("r", "sign in") }];
    keys.push(("y", "history"));
    if is_registered {
        keys.extend([("v", "team"), ("e", "message"), ("i", "supervise"), ("k", "code")]);
    }
    keys.extend(app.snapshot.agent.as_ref().map(queues::help).unwrap_or_default());
    if app.snapshot.auto_answer {
        keys.push(("u", "auto-answer off"));
    } else if app.was_automatic && withheld(app, Feature::AutoAnswer).is_none() {
        keys.push(("u", "auto-answer on"));
    }
    if is_registered && app.snapshot.calls.is_empty() {
        keys.push(("s", "sleep"));
    }
    if let Some(call) = app.call() {
        if matches!(call.state, CallState::Announced | CallState::Ringing | CallState::Answering) {
            keys.extend([("a", "answer"), ("x", "decline")]);
        }
        keys.push(("h", "hang up"));
        if is_up(call) {
            keys.push(("o", if call.hold.local { "resume" } else { "hold" }));
            keys.push(("m", if call.muted { "unmute" } else { "mute" }));
            if call.supervision.is_some() {
                keys.extend(supervision::KEYS);
            } else {
                keys.extend([("t", "digits"), ("b", "transfer")]);
                keys.extend(recordings::is_offered(app).then_some(("f", "record")));
            }
            if !app.others().is_empty() && call.supervision.is_none() {
                keys.extend([("w", "swap"), ("c", "connect both"), ("j", "join")]);
            }
            if call.merged {
                keys.extend([("p", "talk alone"), ("l", "leave both")]);
            }
        }
    }
    if app.snapshot.calls.len() > 1 {
        keys.push(("Tab", "next"));
    }
    keys.retain(|(name, _)| {
        let feature = name.parse().ok().and_then(|letter| needed(KeyCode::Char(letter)));
        feature.is_none_or(|feature| withheld(app, feature).is_none())
    });
    keys
}

/// Takes one key.
pub(super) fn press(app: &mut App, key: KeyEvent) -> Action {
    app.refusal = None;
    if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
        return Action::Quit;
    }
    if let Some(search) = app.search.take() {
        return history::press(app, search, key);
    }
    if let Some(lookup) = app.lookup.take() {
        return team::press(app, lookup, key);
    }
    if let Some(choice) = app.choice.take() {
        return queues::press(app, choice, key);
    }
    if let Some(at) = app.recording.take() {
        return recordings::press(app, at, key);
    }
    match (app.entry.take(), app.picker.take()) {
        (Some(entry), _) => type_into(app, entry, key),
        (None, Some(picker)) => pick(app, picker, key),
        (None, None) => match app.desk.take() {
            Some(desk) => desk::press(app, desk, key),
            None => shortcut(app, key),
        },
    }
}

/// What a key does where nothing is open.
pub(super) fn shortcut(app: &mut App, key: KeyEvent) -> Action {
    let with_call = |command: fn(CallId) -> Command| match app.selected {
        Some(call) => Action::Command(command(call)),
        None => Action::Redraw,
    };
    if let Some(command) = app.call().and_then(|call| supervision::press(call, key.code)) {
        return Action::Command(command);
    }
    if let Some(why) = needed(key.code).and_then(|feature| withheld(app, feature)) {
        app.refusal = Some(why);
        return Action::Redraw;
    }
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
        KeyCode::Char('u') if app.snapshot.auto_answer || app.was_automatic => {
            app.was_automatic = true;
            Action::Command(Command::SetAutoAnswer { on: !app.snapshot.auto_answer })
        }
        KeyCode::Char('r') => Action::Command(Command::Register),
        KeyCode::Char('s') if app.snapshot.calls.is_empty() => Action::Command(Command::Sleep),
        KeyCode::Char('d') => open(app, EntryKind::Dial),
        KeyCode::Char('e') => open(app, EntryKind::Message),
        KeyCode::Char('k') => open(app, EntryKind::Control),
        KeyCode::Char('i') => open(app, EntryKind::Supervise),
        KeyCode::Char('y') => history::open(app),
        KeyCode::Char('v') => {
            app.lookup = Some(Lookup::default());
            Action::Redraw
        }
        KeyCode::Char('g') => queues::open(app, What::Queue),
        KeyCode::Char('z') => queues::open(app, What::Reason),
        KeyCode::Char('f') => recordings::open(app),
        KeyCode::Char('t') if app.call().is_some_and(is_up) => open(app, EntryKind::Dtmf),
        KeyCode::Char('b') if app.call().is_some_and(is_up) => open(app, EntryKind::Transfer),
        KeyCode::Char('w') => Action::Command(Command::Swap),
        KeyCode::Char('c') if app.call().is_some_and(is_up) => choose(app, Purpose::TransferTo),
        KeyCode::Char('j') if app.call().is_some_and(is_up) => choose(app, Purpose::Merge),
        KeyCode::Char('p') => with_call(|call| Command::Split { call }),
        KeyCode::Char('l') => Action::Command(Command::Leave),
        KeyCode::Tab => {
            app.select_next();
            Action::Redraw
        }
        _ => Action::Redraw,
    }
}

/// What the server must have, and the user may, for a key to do something.
fn needed(key: KeyCode) -> Option<Feature> {
    match key {
        KeyCode::Char('v') => Some(Feature::Team),
        KeyCode::Char('e') => Some(Feature::Messages),
        KeyCode::Char('i') => Some(Feature::Supervision),
        KeyCode::Char('g' | 'z') => Some(Feature::Queues),
        KeyCode::Char('f') => Some(Feature::Recordings),
        _ => None,
    }
}

/// Lets the user choose another call; nothing is done before Enter, since a transfer cannot be taken
/// back.
fn choose(app: &mut App, purpose: Purpose) -> Action {
    app.picker = app.others().first().map(|call| Picker { purpose, other: call.id });
    Action::Redraw
}

fn pick(app: &mut App, picker: Picker, key: KeyEvent) -> Action {
    let Some(call) = app.selected else { return Action::Redraw };
    let Picker { purpose, other } = picker;
    match (key.code, purpose) {
        (KeyCode::Esc, _) => return Action::Redraw,
        (KeyCode::Enter, Purpose::TransferTo) => {
            return Action::Command(Command::TransferTo { call, with: other });
        }
        (KeyCode::Enter, Purpose::Merge) => {
            return Action::Command(Command::Merge { calls: vec![call, other] });
        }
        (KeyCode::Tab | KeyCode::Down | KeyCode::Right, _) => {
            let others: Vec<CallId> = app.others().iter().map(|call| call.id).collect();
            let at = others.iter().position(|id| *id == other).unwrap_or_default();
            let next = others.get((at + 1) % others.len().max(1));
            app.picker = next.map(|next| Picker { purpose, other: *next });
        }
        _ => app.picker = Some(picker),
    }
    Action::Redraw
}

fn open(app: &mut App, kind: EntryKind) -> Action {
    app.entry = Some(Entry { kind, text: String::new() });
    app.messages = None;
    Action::Redraw
}

fn type_into(app: &mut App, mut entry: Entry, key: KeyEvent) -> Action {
    match key.code {
        KeyCode::Esc => return Action::Redraw,
        KeyCode::Enter => return enter(app, entry),
        KeyCode::Backspace => {
            entry.text.pop();
        }
        KeyCode::Char(character) if entry.text.len() < entry.kind.longest() => {
            entry.text.push(character);
        }
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
        (EntryKind::Transfer, Some(call)) if !entry.text.trim().is_empty() => {
            Action::Command(Command::Transfer { call, to: entry.text })
        }
        (EntryKind::Message, _) => match entry.text.trim().split_once(' ') {
            Some((to, text)) => Action::Command(Command::SendMessage {
                message: MessageId(uuid::Uuid::new_v4()),
                to: to.to_owned(),
                text: text.trim().to_owned(),
            }),
            None => {
                app.refusal = Some("write whom it is for, a space, and what it says".to_owned());
                app.entry = Some(entry);
                Action::Redraw
            }
        },
        (EntryKind::Supervise, _) if entry.text.trim().is_empty() => Action::Redraw,
        (EntryKind::Supervise, _) => match supervision::typed(&entry.text) {
            Some(command) => Action::Command(command),
            None => {
                app.refusal = Some("after the agent write listen, whisper or barge".to_owned());
                app.entry = Some(entry);
                Action::Redraw
            }
        },
        (EntryKind::Control, _) if entry.text.trim().is_empty() => Action::Redraw,
        (EntryKind::Control, _) => {
            let control = ControlId(uuid::Uuid::new_v4());
            Action::Command(Command::Control { control, code: entry.text })
        }
        (EntryKind::Dtmf | EntryKind::Transfer, _) => Action::Redraw,
    }
}
