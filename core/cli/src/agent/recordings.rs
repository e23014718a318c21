//! The recordings of a call: the mark beside it, and the list that what to do is chosen from.
#![allow(clippy::wildcard_enum_match_arm, reason = "a terminal has more keys than this has uses")]

use super::app::{App, is_up};
use super::features::withheld;
use super::keys::Action;
use super::view::{DIM, STRONG};
use crossterm::event::{KeyCode, KeyEvent};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use sidetone_phone::{
    CallSnapshot, Command, Feature, Recording, RecordingAccess, RecordingAction, RecordingId,
    RecordingPolicy, RecordingState,
};

/// `f`.
pub(super) fn open(app: &mut App) -> Action {
    app.recording = (!options(app).is_empty()).then_some(0);
    Action::Redraw
}

/// A key while the list is open at this place.
pub(super) fn press(app: &mut App, at: usize, key: KeyEvent) -> Action {
    let options = options(app);
    match key.code {
        KeyCode::Esc => {}
        KeyCode::Enter => {
            let chosen = options.into_iter().nth(at);
            return chosen.map_or(Action::Redraw, |(_, command)| Action::Command(command));
        }
        KeyCode::Tab | KeyCode::Down | KeyCode::Right => {
            app.recording = Some((at + 1) % options.len().max(1));
        }
        _ => app.recording = Some(at),
    }
    Action::Redraw
}

/// Whether there is something to choose.
pub(super) fn is_offered(app: &App) -> bool {
    !options(app).is_empty()
}

/// What can be done with the chosen call, a new recording last.
fn options(app: &App) -> Vec<(String, Command)> {
    let allowed = app.snapshot.recording == RecordingAccess::Allowed
        && withheld(app, Feature::Recordings).is_none();
    let Some(call) = app.call().filter(|call| allowed && is_up(call)) else { return Vec::new() };
    let option = |id: &RecordingId, action, word: &str| {
        let command = Command::Record { call: call.id, recording: id.clone(), action };
        (format!("{word} {id}"), command)
    };
    let mut options = Vec::new();
    for Recording { id, state, policy, .. } in &call.recordings {
        if *policy == RecordingPolicy::Locked {
            continue;
        }
        match state {
            RecordingState::Recording => options.push(option(id, RecordingAction::Pause, "pause")),
            RecordingState::Paused => options.push(option(id, RecordingAction::Resume, "resume")),
            RecordingState::Stopped => continue,
        }
        if *policy == RecordingPolicy::Free {
            options.push(option(id, RecordingAction::Stop, "stop"));
        }
    }
    let runs = |id: &RecordingId| {
        let found = call.recordings.iter().find(|recording| recording.id == *id);
        found.is_some_and(|recording| recording.state != RecordingState::Stopped)
    };
    let numbers = (1..=9).filter_map(|number: u8| number.to_string().parse().ok());
    let free = numbers.into_iter().find(|id| !runs(id));
    let start = free.map(|id| option(&id, RecordingAction::Start, "start"));
    options.extend(start);
    options
}

/// The open list, for the footer.
pub(super) fn list(app: &App, at: usize) -> Line<'static> {
    let mut line = vec![Span::styled(" Recording: ", STRONG)];
    for (index, (name, _)) in options(app).into_iter().enumerate() {
        let is_chosen = index == at;
        let style = if is_chosen { STRONG.fg(Color::Cyan) } else { DIM };
        line.push(Span::styled(format!("{}{name}  ", if is_chosen { "▸" } else { " " }), style));
    }
    line.push(Span::styled("Tab for the next, Enter to do it, Esc to leave", DIM));
    Line::from(line)
}

/// The mark beside a call: red only where the server has said so.
pub(crate) fn marks(call: &CallSnapshot) -> Vec<Span<'static>> {
    let is = |state| call.recordings.iter().any(|recording| recording.state == state);
    let is_certain = call.recordings.iter().all(|recording| recording.certain);
    let is_asked = call.recordings.iter().any(|recording| recording.requested.is_some());
    let mut spans = Vec::new();
    if is(RecordingState::Recording) && is_certain {
        spans.push(Span::styled(" ● REC", STRONG.fg(Color::Red)));
    } else if is(RecordingState::Recording) {
        spans.push(Span::styled(" ○ REC, as the server said last", DIM));
    }
    if is(RecordingState::Paused) {
        spans.push(Span::styled(" ‖ REC paused", Style::new().fg(Color::Yellow)));
    }
    if is_asked {
        spans.push(Span::styled(" REC requested…", Style::new().fg(Color::Magenta)));
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::super::view::tests::{call, drawn};
    use super::*;
    use sidetone_phone::{CallState, RegistrationState};

    fn recording(id: &str, state: RecordingState, policy: RecordingPolicy) -> Recording {
        let (id, automatic): (RecordingId, bool) = (id.parse().unwrap(), id == "auto");
        Recording { id, state, certain: true, automatic, policy, requested: None }
    }

    fn app(recordings: Vec<Recording>) -> App {
        let call = CallSnapshot { recordings, ..call(CallState::Established) };
        let mut app = App::with(RegistrationState::Registered, vec![call]);
        app.select_next();
        app.snapshot.recording = RecordingAccess::Allowed;
        app
    }

    fn names(app: &App) -> Vec<String> {
        options(app).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn what_is_offered_is_what_the_server_would_do() {
        assert_eq!(names(&app(Vec::new())), ["start 1"]);
        let both = vec![
            recording("auto", RecordingState::Recording, RecordingPolicy::Pausable),
            recording("1", RecordingState::Paused, RecordingPolicy::Free),
        ];
        assert_eq!(names(&app(both)), ["pause auto", "resume 1", "stop 1", "start 2"]);
        let locked = vec![recording("auto", RecordingState::Recording, RecordingPolicy::Locked)];
        assert_eq!(names(&app(locked)), ["start 1"]);
        let mut forbidden = app(Vec::new());
        forbidden.snapshot.recording = RecordingAccess::Forbidden;
        assert!(!is_offered(&forbidden));
    }

    #[test]
    fn the_light_is_red_only_where_the_server_has_said_so() {
        let runs = recording("1", RecordingState::Recording, RecordingPolicy::Free);
        assert!(drawn(&app(vec![runs.clone()])).contains("● REC"));
        let doubtful = Recording { certain: false, ..runs.clone() };
        assert!(!drawn(&app(vec![doubtful])).contains("● REC"));
        let asked = Recording {
            state: RecordingState::Stopped,
            requested: Some(RecordingAction::Start),
            ..runs
        };
        let text = drawn(&app(vec![asked]));
        assert!(!text.contains("● REC") && text.contains("REC requested"), "{text}");
    }
}
