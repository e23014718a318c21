//! The supervisor's desk: the roster of his teams, always in view, and one key for each thing to do with whom he has chosen.
#![allow(clippy::wildcard_enum_match_arm, reason = "a terminal has more keys than this has uses")]

mod view;

pub(super) use view::draw;
pub(crate) use view::{microphone, roster_row, what_mode};

use super::app::{App, is_up};
use super::features::withheld;
use super::keys::{Action, shortcut};
use super::queues;
use crossterm::event::{KeyCode, KeyEvent};
use sidetone_phone::{
    CallId, CallSnapshot, CallState, Colleague, Command, EndReason, Event, Feature,
    RegistrationState, Supervision, SupervisionMode, TeamSnapshot,
};

/// The most that can be typed.
const LONGEST: usize = 64;
/// How far PageUp and PageDown go.
const LEAP: usize = 10;

/// What the supervisor looks for, and whom his keys act on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Desk {
    /// What is looked for in the roster.
    text: String,
    /// Whether it is being typed: then keys are letters.
    finding: bool,
    /// Whom the keys act on, by his name on the server: the roster may change between a look and a key.
    chosen: Option<String>,
    /// The supervision that was asked for last, and of whom.
    asked: Option<(CallId, String)>,
    /// What went wrong last, until something else is asked for.
    problem: Option<String>,
}

impl Desk {
    /// Those of the team who are meant, in the server's order.
    fn found(&self, app: &App) -> Vec<Colleague> {
        app.snapshot.team.as_deref().map(|team| team.find(&self.text).people).unwrap_or_default()
    }

    /// The chosen one, or the first where he is not among these.
    fn chosen<'a>(&self, people: &'a [Colleague]) -> Option<(usize, &'a Colleague)> {
        let is_chosen = |one: &&Colleague| Some(&one.name) == self.chosen.as_ref();
        let at = people.iter().position(|one| is_chosen(&one)).unwrap_or_default();
        people.get(at).map(|one| (at, one))
    }

    /// Notes how the supervision that was asked for last has failed; its call may be gone by then.
    pub(super) fn take(&mut self, event: &Event, team: Option<&TeamSnapshot>) {
        let reason = if let Event::SupervisionFailed { reason, .. } = event {
            reason.to_string()
        } else if let Event::Ended { reason, .. } = event
            && *reason != EndReason::Local
        {
            reason.to_string()
        } else {
            return;
        };
        if let Some((mine, target)) = &self.asked
            && event.call() == Some(*mine)
        {
            self.problem = Some(format!("{}: {reason}", label_of(team, target)));
        }
    }
}

/// What somebody is called.
fn label_of(team: Option<&TeamSnapshot>, name: &str) -> String {
    let person = team.and_then(|team| team.people.iter().find(|person| person.name == name));
    person.and_then(|person| person.label.clone()).unwrap_or_else(|| name.to_owned())
}

/// The call that supervises, if there is one.
fn supervised(app: &App) -> Option<(&CallSnapshot, &Supervision)> {
    let goes_on = |call: &&CallSnapshot| call.state != CallState::Ending;
    let mut calls = app.snapshot.calls.iter().filter(goes_on);
    calls.find_map(|call| Some((call, call.supervision.as_ref()?)))
}

/// The keys that do something now. `q` quits always.
pub(super) fn help(app: &App, desk: &Desk) -> Vec<(&'static str, &'static str)> {
    if app.snapshot.registration.state != RegistrationState::Registered {
        return vec![("r", "sign in")];
    }
    let mut keys = vec![("/", "find")];
    if !desk.found(app).is_empty() {
        keys.push(("↑ ↓", "choose"));
        if withheld(app, Feature::Supervision).is_none() {
            keys.extend([("l", "listen"), ("w", "whisper"), ("b", "barge in"), ("f", "follow")]);
        }
        keys.push(("c", "call"));
    }
    if let Some(call) = app.call() {
        if matches!(call.state, CallState::Announced | CallState::Ringing | CallState::Answering) {
            keys.extend([("a", "answer"), ("x", "decline")]);
        }
        keys.push(("h", if call.supervision.is_some() { "stop" } else { "hang up" }));
        if is_up(call) {
            keys.push(("m", if call.muted { "unmute" } else { "mute" }));
            keys.push(("o", if call.hold.local { "resume" } else { "hold" }));
        }
    }
    keys.extend((app.snapshot.calls.len() > 1).then_some(("Tab", "next call")));
    if withheld(app, Feature::Queues).is_none() {
        keys.extend(app.snapshot.agent.as_ref().map(queues::help).unwrap_or_default());
    }
    keys.extend([("d", "dial"), ("y", "history")]);
    keys
}

/// Takes one key.
pub(super) fn press(app: &mut App, mut desk: Desk, key: KeyEvent) -> Action {
    let people = desk.found(app);
    let last = people.len().saturating_sub(1);
    let at = desk.chosen(&people).map(|(at, _)| at).unwrap_or_default();
    let move_to = |desk: &mut Desk, at: usize| {
        desk.chosen = people.get(at.min(last)).map(|one| one.name.clone());
    };
    match key.code {
        KeyCode::Up => move_to(&mut desk, at.saturating_sub(1)),
        KeyCode::Down => move_to(&mut desk, at + 1),
        KeyCode::PageUp => move_to(&mut desk, at.saturating_sub(LEAP)),
        KeyCode::PageDown => move_to(&mut desk, at + LEAP),
        KeyCode::Esc => {
            desk = Desk { chosen: desk.chosen, asked: desk.asked, ..Desk::default() };
        }
        _ if desk.finding => type_into(&mut desk, key.code),
        KeyCode::Char('/') => desk.finding = true,
        KeyCode::Char('q') => {
            app.desk = Some(desk);
            return Action::Quit;
        }
        KeyCode::Char(letter) if "lwbfc".contains(letter) => {
            desk.problem = None;
            let chosen = desk.chosen(&people).map(|(_, one)| one.clone());
            app.desk = Some(desk);
            return match chosen {
                Some(chosen) => ask(app, letter, chosen),
                None => refuse(app, "nobody is there to choose"),
            };
        }
        code => {
            // Only what stands at the bottom does something: nobody falls asleep by a slip here.
            let offered = help(app, &desk).into_iter().any(|(name, _)| is_named(code, name));
            // Those of the queues say why they are not there.
            let says_why = matches!(code, KeyCode::Char('g' | 'z'));
            app.desk = Some(desk);
            return if offered || says_why { shortcut(app, key) } else { Action::Redraw };
        }
    }
    app.desk = Some(desk);
    Action::Redraw
}

fn is_named(code: KeyCode, name: &str) -> bool {
    match code {
        KeyCode::Tab => name == "Tab",
        KeyCode::Char(letter) => name.chars().eq([letter]),
        _ => false,
    }
}

fn type_into(desk: &mut Desk, code: KeyCode) {
    match code {
        KeyCode::Enter => desk.finding = false,
        KeyCode::Backspace => {
            desk.text.pop();
        }
        KeyCode::Char(letter) if desk.text.chars().count() < LONGEST => desk.text.push(letter),
        _ => {}
    }
}

fn refuse(app: &mut App, text: &str) -> Action {
    app.refusal = Some(text.to_owned());
    Action::Redraw
}

/// What a letter asks for with whom is chosen. There is one supervision at a time: another takes its place.
fn ask(app: &mut App, letter: char, chosen: Colleague) -> Action {
    let call = CallId(uuid::Uuid::new_v4());
    let (mode, follow) = match letter {
        'w' => (SupervisionMode::Whisper, false),
        'b' => (SupervisionMode::Barge, false),
        'f' => (SupervisionMode::Listen, true),
        'c' => {
            let Some(to) = chosen.number else {
                return refuse(app, "the server says no number to call");
            };
            app.selected = Some(call);
            return Action::Command(Command::Dial { call, to });
        }
        _ => (SupervisionMode::Listen, false),
    };
    let there_is = supervised(app).map(|(call, seen)| (call.id, seen.clone()));
    if let Some((call, seen)) = &there_is
        && seen.target == chosen.name
        && (!follow || seen.follow)
    {
        app.selected = Some(*call);
        return Action::Command(Command::SetSupervisionMode { call: *call, mode });
    }
    app.selected = Some(call);
    if let Some(desk) = &mut app.desk {
        desk.asked = Some((call, chosen.name.clone()));
    }
    let command = Command::Supervise { call, target: chosen.name, mode, follow };
    match there_is {
        Some((end, _)) => Action::Instead { end, command },
        None => Action::Command(command),
    }
}

#[cfg(test)]
mod tests;
