//! The agent at his queues: the line that says what he is, and the list that queues and reasons are chosen from.
#![allow(clippy::wildcard_enum_match_arm, reason = "a terminal has more keys than this has uses")]

use super::app::App;
use super::keys::Action;
use super::view::{DIM, STRONG};
use crossterm::event::{KeyCode, KeyEvent};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use sidetone_phone::{AgentRequest, AgentSnapshot, AgentState, Command, UnixTime};
use std::time::Duration;

/// A list that is open, and the place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) of: What,
    pub(super) at: usize,
}

/// What is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A queue to log in to or out of.
    Queue,
    /// A reason for a pause.
    Reason,
}

/// The keys that do something for the agent now.
pub(super) fn help(agent: &AgentSnapshot) -> Vec<(&'static str, &'static str)> {
    if agent.queues.is_empty() {
        return Vec::new();
    }
    let pause = if agent.pause.is_some() { "ready" } else { "pause" };
    let is_in = agent.logged_in_since.is_some() || agent.queues.iter().any(|q| q.logged_in);
    let mut keys = vec![("g", "queues")];
    keys.extend(is_in.then_some(("z", pause)));
    keys
}

/// `g` or `z`.
pub(super) fn open(app: &mut App, of: What) -> Action {
    let Some(agent) = &app.snapshot.agent else { return Action::Redraw };
    if of == What::Reason && agent.pause.is_some() {
        return ask(AgentRequest::Unpause);
    }
    app.choice = (!options(agent, of).is_empty()).then_some(Choice { of, at: 0 });
    Action::Redraw
}

/// A key while the list is open.
pub(super) fn press(app: &mut App, choice: Choice, key: KeyEvent) -> Action {
    let Some(agent) = &app.snapshot.agent else { return Action::Redraw };
    let options = options(agent, choice.of);
    match key.code {
        KeyCode::Esc => {}
        KeyCode::Enter => {
            return options
                .into_iter()
                .nth(choice.at)
                .map_or(Action::Redraw, |(_, request)| ask(request));
        }
        KeyCode::Tab | KeyCode::Down | KeyCode::Right => {
            app.choice = Some(Choice { at: (choice.at + 1) % options.len().max(1), ..choice });
        }
        _ => app.choice = Some(choice),
    }
    Action::Redraw
}

fn ask(request: AgentRequest) -> Action {
    Action::Command(Command::Agent { request })
}

/// What can be chosen, and what it asks for.
fn options(agent: &AgentSnapshot, of: What) -> Vec<(String, AgentRequest)> {
    if of == What::Reason {
        let pause =
            |reason: &String| (reason.clone(), AgentRequest::Pause { reason: reason.clone() });
        return agent.reasons.iter().map(pause).collect();
    }
    let all = match agent.queues.iter().all(|queue| queue.logged_in) {
        true => ("out of all".to_owned(), AgentRequest::LogOut { queue: None }),
        false => ("into all".to_owned(), AgentRequest::LogIn { queue: None, reason: None }),
    };
    let each = agent.queues.iter().map(|queue| {
        let name = Some(queue.name.clone());
        match queue.logged_in {
            true => (format!("out of {}", queue.name), AgentRequest::LogOut { queue: name }),
            false => {
                (format!("into {}", queue.name), AgentRequest::LogIn { queue: name, reason: None })
            }
        }
    });
    std::iter::once(all).chain(each).collect()
}

/// The open list, for the footer.
pub(super) fn list(agent: &AgentSnapshot, choice: Choice) -> Line<'static> {
    let label = if choice.of == What::Queue { " Log " } else { " Pause: " };
    let mut line = vec![Span::styled(label, STRONG)];
    for (at, (name, _)) in options(agent, choice.of).into_iter().enumerate() {
        let is_chosen = at == choice.at;
        let style = if is_chosen { STRONG.fg(Color::Cyan) } else { DIM };
        line.push(Span::styled(format!("{}{name}  ", if is_chosen { "▸" } else { " " }), style));
    }
    line.push(Span::styled("Tab for the next, Enter to do it, Esc to leave", DIM));
    Line::from(line)
}

/// What he is, for how long, in which queues, and what is asked for. `now` is wall time since 1970.
pub(super) fn line(agent: &AgentSnapshot, now: Duration) -> Line<'static> {
    let pause = agent.pause.as_ref();
    let why = pause.and_then(|pause| pause.reason.clone());
    let why = why.unwrap_or_else(|| "reason unknown".to_owned());
    let (color, word) = match agent.state {
        AgentState::Unknown => (Color::DarkGray, "not known yet".to_owned()),
        AgentState::Unavailable => (Color::DarkGray, "the server has no queues for you".to_owned()),
        AgentState::LoggedOut => (Color::DarkGray, "logged out".to_owned()),
        AgentState::Ready => (Color::Green, "ready".to_owned()),
        AgentState::Ringing => (Color::Cyan, "a call rings".to_owned()),
        AgentState::OnCall => (Color::Cyan, "on a call".to_owned()),
        AgentState::NotReady => (Color::Yellow, format!("paused: {why}")),
        AgentState::WrapUp => (Color::Yellow, "wrap-up".to_owned()),
    };
    let mut spans =
        vec![Span::styled("◆ ", Style::new().fg(color)), Span::styled(word, STRONG.fg(color))];
    let clock = |from: Duration, to: Duration| {
        let seconds = to.saturating_sub(from).as_secs();
        format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    };
    let since = |UnixTime(at): UnixTime| clock(at, now);
    match pause {
        Some(_) if matches!(agent.state, AgentState::OnCall | AgentState::Ringing) => {
            spans.push(Span::raw(format!("  then paused: {why}")));
        }
        Some(pause) => {
            let left = pause.until.map(|UnixTime(until)| format!("  {} left", clock(now, until)));
            let gone = pause.since.map(|at| format!("  {}", since(at)));
            spans.extend(left.or(gone).map(Span::raw));
        }
        None => {}
    }
    if !agent.certain && agent.state != AgentState::Unavailable {
        spans.push(Span::styled("  as the server said last", DIM));
    }
    let queues: Vec<_> = agent.queues.iter().filter(|q| q.logged_in).map(|q| &*q.name).collect();
    if !queues.is_empty() {
        let time =
            agent.logged_in_since.map(|at| format!(" for {}", since(at))).unwrap_or_default();
        spans.push(Span::styled(format!("  in {}{time}", queues.join(", ")), DIM));
    }
    if let Some(request) = &agent.requested {
        let text = match request {
            AgentRequest::LogIn { .. } => "logging in…",
            AgentRequest::LogOut { .. } => "logging out…",
            AgentRequest::Pause { .. } => "pause requested…",
            AgentRequest::Unpause => "ready requested…",
        };
        spans.push(Span::styled(format!("  {text}"), Style::new().fg(Color::Magenta)));
    }
    Line::from(spans)
}
