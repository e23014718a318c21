//! The colleagues and queues on the screen: found by what is typed, called or given the call by one key.
#![allow(clippy::wildcard_enum_match_arm, reason = "a terminal has more keys than this has uses")]

use super::app::{App, is_up};
use super::keys::Action;
use super::queues::state_word;
use super::view::{DIM, STRONG, cut, panel};
use crossterm::event::{KeyCode, KeyEvent};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use sidetone_phone::{CallId, Colleague, Command, TeamQueue, TeamSnapshot, TeamState, UnixTime};
use std::time::Duration;

/// The most that can be typed.
const LONGEST: usize = 64;
/// How far PageUp and PageDown go.
const LEAP: usize = 10;

/// What is looked for in the team, and the one that the keys act on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Lookup {
    pub(super) text: String,
    pub(super) chosen: usize,
}

impl Lookup {
    fn found(&self, team: Option<&TeamSnapshot>) -> TeamSnapshot {
        team.map(|team| team.find(&self.text)).unwrap_or_default()
    }
}

/// Takes one key while the team is open.
pub(super) fn press(app: &mut App, mut lookup: Lookup, key: KeyEvent) -> Action {
    let found = lookup.found(app.snapshot.team.as_deref());
    let numbers: Vec<_> = found
        .queues
        .into_iter()
        .map(|q| q.number)
        .chain(found.people.into_iter().map(|c| c.number))
        .collect();
    let last = numbers.len().saturating_sub(1);
    match key.code {
        KeyCode::Esc => return Action::Redraw,
        KeyCode::Enter | KeyCode::Tab => match numbers.into_iter().nth(lookup.chosen) {
            Some(Some(to)) => match (key.code, app.call().filter(|call| is_up(call))) {
                (KeyCode::Enter, _) => {
                    let call = CallId(uuid::Uuid::new_v4());
                    app.selected = Some(call);
                    return Action::Command(Command::Dial { call, to });
                }
                (_, Some(call)) => {
                    return Action::Command(Command::Transfer { call: call.id, to });
                }
                (_, None) => app.refusal = Some("there is no answered call to transfer".to_owned()),
            },
            Some(None) => app.refusal = Some("the server says no number to call".to_owned()),
            None => {}
        },
        KeyCode::Up => lookup.chosen = lookup.chosen.saturating_sub(1),
        KeyCode::Down => lookup.chosen = (lookup.chosen + 1).min(last),
        KeyCode::PageUp => lookup.chosen = lookup.chosen.saturating_sub(LEAP),
        KeyCode::PageDown => lookup.chosen = (lookup.chosen + LEAP).min(last),
        KeyCode::Backspace => {
            lookup.text.pop();
            lookup.chosen = 0;
        }
        KeyCode::Char(character) if lookup.text.chars().count() < LONGEST => {
            lookup.text.push(character);
            lookup.chosen = 0;
        }
        _ => {}
    }
    app.lookup = Some(lookup);
    Action::Redraw
}

/// Draws what was found. `now` is wall time since 1970.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, lookup: &Lookup, now: Duration) {
    let (height, width) = (usize::from(area.height.saturating_sub(2)), usize::from(area.width));
    let team = app.snapshot.team.as_deref();
    let found = lookup.found(team);
    let count = found.queues.len() + found.people.len();
    let chosen = lookup.chosen.min(count.saturating_sub(1));
    let queues = found.queues.iter().map(|queue| queue_line(queue, width));
    let people = found.people.iter().map(|colleague| line(colleague, found.state, width, now));
    let marked = queues.chain(people).enumerate().map(|(at, mut line)| {
        line.spans.insert(0, Span::raw(if at == chosen { "▸ " } else { "  " }));
        line
    });
    // The chosen one stays in sight.
    let mut lines: Vec<Line<'_>> =
        marked.skip((chosen + 1).saturating_sub(height)).take(height).collect();
    let (title, empty) = match team.map(|team| team.state).unwrap_or_default() {
        TeamState::Unknown => ("Team", "the server has not told it yet"),
        TeamState::Current => ("Team", "nobody"),
        TeamState::Outdated => ("Team, as the server said last", "nobody"),
        TeamState::Unavailable => ("Team", "the server lets you watch nobody"),
    };
    if lines.is_empty() {
        lines.push(Line::styled(empty, DIM));
    }
    frame.render_widget(Paragraph::new(lines).block(panel(title)), area);
}

/// Draws what is typed, or why it was refused.
pub(super) fn draw_entry(
    frame: &mut Frame<'_>,
    area: Rect,
    lookup: &Lookup,
    refusal: Option<Span<'_>>,
) {
    let advice = "Enter to call, Tab to transfer there, ↑ ↓ to choose, Esc to leave";
    let text = Paragraph::new(Line::from(vec![
        Span::styled(" Find: ", STRONG),
        Span::raw(lookup.text.as_str()),
        Span::raw("▏  "),
        refusal.unwrap_or(Span::styled(advice, DIM)),
    ]));
    frame.render_widget(text, area);
}

/// A name and a number, in columns that leave room for what stands behind them.
fn head(label: &str, number: Option<&str>, width: usize) -> Vec<Span<'static>> {
    let name = width.saturating_sub(50).clamp(12, 36);
    vec![
        Span::styled(format!("{:<name$}", cut(label, name - 1)), STRONG),
        Span::styled(format!("{:<12}", cut(number.unwrap_or_default(), 11)), DIM),
    ]
}

pub(crate) fn queue_line(queue: &TeamQueue, width: usize) -> Line<'static> {
    let label = queue.label.as_deref().unwrap_or(&queue.name);
    let color = if queue.waiting > 0 { Color::Yellow } else { Color::DarkGray };
    let mut spans = vec![Span::styled("≡ ", Style::new().fg(color))];
    spans.extend(head(label, queue.number.as_deref(), width));
    spans.push(Span::styled(format!("{} waiting", queue.waiting), Style::new().fg(color)));
    spans.push(Span::raw(format!(", {} free", queue.free)));
    Line::from(spans)
}

/// What a colleague is, and for which queue he talks.
pub(super) fn what(colleague: &Colleague) -> (Color, String) {
    let (color, word) = state_word(colleague.state, colleague.pause.as_ref());
    match colleague.call.as_ref().and_then(|call| call.queue.as_deref()) {
        Some(queue) => (color, format!("{word}, {queue}")),
        None => (color, word),
    }
}

fn line(colleague: &Colleague, worth: TeamState, width: usize, now: Duration) -> Line<'static> {
    let label = colleague.label.as_deref().unwrap_or(&colleague.name);
    let (color, word) = what(colleague);
    // What the server said last is no state that anybody should act on.
    let color = if worth == TeamState::Current { color } else { Color::DarkGray };
    let UnixTime(since) = colleague.since;
    let seconds = now.saturating_sub(since).as_secs();
    let mut spans = vec![Span::styled("◆ ", Style::new().fg(color))];
    spans.extend(head(label, colleague.number.as_deref(), width));
    spans.push(Span::styled(word, Style::new().fg(color)));
    spans.push(Span::styled(format!("  {}:{:02}", seconds / 60, seconds % 60), DIM));
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::keys;
    use crossterm::event::KeyModifiers;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use sidetone_phone::{AgentState, ColleagueCall, Pause, RegistrationState};
    use std::sync::Arc;

    const NOW: Duration = Duration::from_secs(10_000);

    fn colleague(name: &str, number: &str, state: AgentState, pause: Option<Pause>) -> Colleague {
        Colleague {
            name: name.to_lowercase(),
            label: Some(name.to_owned()),
            number: Some(number.to_owned()).filter(|number| !number.is_empty()),
            team: "east".to_owned(),
            state,
            since: UnixTime(NOW - Duration::from_secs(65)),
            pause,
            call: None,
        }
    }

    fn app(state: TeamState) -> App {
        let mut app = App::with(RegistrationState::Registered, Vec::new());
        let lunch = Some(Pause { reason: Some("lunch".to_owned()), since: None, until: None });
        let queue = TeamQueue {
            name: "support".to_owned(),
            label: None,
            number: Some("1800".to_owned()),
            waiting: 2,
            free: 1,
        };
        let mut talks = colleague("Bert", "", AgentState::OnCall, None);
        let queue_of = Some("support".to_owned());
        talks.call = Some(ColleagueCall { queue: queue_of, group: None, since: talks.since });
        let people = vec![colleague("Änne", "1001", AgentState::NotReady, lunch), talks];
        app.snapshot.team = Some(Arc::new(TeamSnapshot { state, people, queues: vec![queue] }));
        app.lookup = Some(Lookup::default());
        app
    }

    fn press(app: &mut App, code: KeyCode) -> Action {
        keys::press(app, KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn shown(app: &App) -> String {
        let mut terminal = Terminal::new(TestBackend::new(80, 6)).unwrap();
        let lookup = app.lookup.clone().unwrap();
        terminal.draw(|frame| draw(frame, frame.area(), app, &lookup, NOW)).unwrap();
        let cells = terminal.backend().buffer().content().iter();
        cells.map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn who_is_what_is_shown_and_what_the_server_said_last_is_marked() {
        let text = shown(&app(TeamState::Current));
        for part in [
            "▸ ≡ support",
            "2 waiting, 1 free",
            "Änne",
            "paused: lunch  1:05",
            "on a call, support  1:05",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(shown(&app(TeamState::Outdated)).contains("as the server said last"));
        let mut nobody = app(TeamState::Unavailable);
        nobody.snapshot.team = Some(Arc::new(TeamSnapshot {
            state: TeamState::Unavailable,
            ..TeamSnapshot::default()
        }));
        assert!(shown(&nobody).contains("lets you watch nobody"));
    }

    #[test]
    fn who_is_found_as_one_types_is_called() {
        let mut app = app(TeamState::Current);
        for character in "anne".chars() {
            press(&mut app, KeyCode::Char(character));
        }
        let Action::Command(Command::Dial { to, .. }) = press(&mut app, KeyCode::Enter) else {
            panic!("nobody is called")
        };
        assert_eq!((to.as_str(), app.lookup), ("1001", None));
    }

    #[test]
    fn who_has_no_number_is_not_called_and_without_a_call_nobody_is_transferred() {
        let mut app = app(TeamState::Current);
        assert_eq!(press(&mut app, KeyCode::Tab), Action::Redraw);
        assert!(app.refusal.as_ref().unwrap().contains("no answered call"));
        press(&mut app, KeyCode::PageDown);
        assert_eq!(press(&mut app, KeyCode::Enter), Action::Redraw);
        assert!(app.refusal.as_ref().unwrap().contains("no number"));
        press(&mut app, KeyCode::Esc);
        assert_eq!(app.lookup, None);
    }
}
