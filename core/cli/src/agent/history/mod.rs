//! The calls that are over, on the screen: found by what is typed, called again by Enter.
#![allow(clippy::wildcard_enum_match_arm, reason = "a terminal has more keys than this has uses")]

mod view;

use super::app::App;
use super::keys::Action;
use crossterm::event::{KeyCode, KeyEvent};
use sidetone_phone::{
    CallId, CallOutcome, Command, Cursor, HistoryEntry, HistoryFilter, HistoryPage,
};
pub(super) use view::{ago, draw, draw_entry};

/// The most that can be typed.
const LONGEST: usize = 64;
/// How far PageUp and PageDown go.
const LEAP: usize = 10;

/// What is looked for, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Search {
    /// What is wanted.
    pub(super) filter: HistoryFilter,
    /// What was found so far, latest first.
    pub(super) found: Vec<HistoryEntry>,
    /// Where there is more.
    pub(super) next: Option<Cursor>,
    /// The one that the keys act on.
    pub(super) chosen: usize,
    /// Why nothing could be read.
    pub(super) problem: Option<String>,
}

impl Search {
    /// What was found: from the beginning, or what follows.
    pub(super) fn show(&mut self, page: Result<HistoryPage, String>, after: Option<Cursor>) {
        let chosen = self.found.get(self.chosen).map(|entry| entry.cursor);
        match page {
            Ok(page) => {
                if after.is_none() {
                    self.found.clear();
                }
                self.found.extend(page.entries);
                (self.next, self.problem) = (page.next, None);
            }
            Err(problem) => self.problem = Some(problem),
        }
        // A call that ends meanwhile does not move the choice to another.
        let is_chosen = |entry: &HistoryEntry| Some(entry.cursor) == chosen;
        self.chosen = self.found.iter().position(is_chosen).unwrap_or_default();
    }
}

/// Opens the history.
pub(super) fn open(app: &mut App) -> Action {
    app.search = Some(Search::default());
    Action::Find(None)
}

/// Takes one key while the history is open.
pub(super) fn press(app: &mut App, mut search: Search, key: KeyEvent) -> Action {
    let last = search.found.len().saturating_sub(1);
    let mut action = Action::Redraw;
    match key.code {
        KeyCode::Esc => return Action::Redraw,
        KeyCode::Enter => match search.found.get(search.chosen).map(|e| e.record.redial()) {
            Some(Some(to)) => {
                let call = CallId(uuid::Uuid::new_v4());
                app.selected = Some(call);
                return Action::Command(Command::Dial { call, to });
            }
            Some(None) => {
                app.refusal = Some("the caller hid the number; it cannot be called".to_owned());
            }
            None => {}
        },
        KeyCode::Up => search.chosen = search.chosen.saturating_sub(1),
        KeyCode::Down => search.chosen = (search.chosen + 1).min(last),
        KeyCode::PageUp => search.chosen = search.chosen.saturating_sub(LEAP),
        KeyCode::PageDown => search.chosen = (search.chosen + LEAP).min(last),
        KeyCode::Tab => {
            search.filter.outcome = match search.filter.outcome {
                None => Some(CallOutcome::Missed),
                Some(_) => None,
            };
            action = Action::Find(None);
        }
        KeyCode::Backspace => {
            search.filter.text.pop();
            action = Action::Find(None);
        }
        KeyCode::Char(character) if search.filter.text.chars().count() < LONGEST => {
            search.filter.text.push(character);
            action = Action::Find(None);
        }
        _ => {}
    }
    if action == Action::Find(None) {
        // What was found by other words is not what is looked for now.
        search.chosen = 0;
        search.found.clear();
    } else if search.chosen == last && search.next.is_some() {
        action = Action::Find(search.next);
    }
    app.search = Some(search);
    action
}

#[cfg(test)]
mod tests;
