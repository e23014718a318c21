//! The agent at his queues: the line that says what he is, and the list that queues and reasons are chosen from.
#![allow(clippy::wildcard_enum_match_arm, reason = "a terminal has more keys than this has uses")]

use super::app::App;
use super::keys::Action;
use super::view::{DIM, STRONG};
use crossterm::event::{KeyCode, KeyEvent};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use sidetone_phone::{AgentRequest, AgentSnapshot, AgentState, Command, Pause, UnixTime};
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
    let is_in = agent.queues.iter().any(|queue| queue.logged_in);
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

/// What somebody is, in a colour and a few words.
pub(crate) fn state_word(state: AgentState, pause: Option<&Pause>) -> (Color, String) {
    match state {
        AgentState::Unknown => (Color::DarkGray, "not known yet".to_owned()),
        AgentState::Unavailable => (Color::DarkGray, "the server has no queues for you".to_owned()),
        AgentState::LoggedOut => (Color::DarkGray, "logged out".to_owned()),
        AgentState::Ready => (Color::Green, "ready".to_owned()),
        AgentState::Ringing => (Color::Cyan, "a call rings".to_owned()),
        AgentState::OnCall => (Color::Cyan, "on a call".to_owned()),
        AgentState::NotReady => (Color::Yellow, format!("paused: {}", why(pause))),
        AgentState::WrapUp => (Color::Yellow, "wrap-up".to_owned()),
    }
}

fn why(pause: Option<&Pause>) -> &str {
    pause.and_then(|pause| pause.reason.as_deref()).unwrap_or("reason unknown")
}

/// What he is, for how long, in which queues, and what is asked for. `now` is wall time since 1970.
pub(super) fn line(agent: &AgentSnapshot, now: Duration) -> Line<'static> {
    let pause = agent.pause.as_ref();
    let (color, word) = state_word(agent.state, pause);
    let mut spans =
        vec![Span::styled("◆ ", Style::new().fg(color)), Span::styled(word, STRONG.fg(color))];
    let clock = |from: Duration, to: Duration| {
        let seconds = to.saturating_sub(from).as_secs();
        format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    };
    let since = |UnixTime(at): UnixTime| clock(at, now);
    match pause {
        Some(_) if matches!(agent.state, AgentState::OnCall | AgentState::Ringing) => {
            spans.push(Span::raw(format!("  then paused: {}", why(pause))));
        }
        Some(pause) => {
            let left = pause.until.map(|UnixTime(until)| format!("  {} left", clock(now, until)));
            let gone = pause.since.map(|at| format!("  {}", since(at)));
            spans.extend(left.or(gone).map(Span::raw));
        }
        None => {}
    }
    if agent.do_not_disturb {
        spans.push(Span::styled("  direct calls are refused", Style::new().fg(Color::Yellow)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyModifiers;
    use sidetone_phone::{AgentQueue, RegistrationState};

    const NOW: Duration = Duration::from_secs(10_000);

    fn agent(state: AgentState) -> AgentSnapshot {
        let queue =
            |name: &str, logged_in| AgentQueue { name: name.to_owned(), logged_in, paused: false };
        AgentSnapshot {
            state,
            certain: true,
            pause: None,
            do_not_disturb: false,
            queues: vec![queue("support", true), queue("sales", false)],
            reasons: vec!["break".to_owned(), "lunch".to_owned()],
            logged_in_since: Some(UnixTime(NOW - Duration::from_secs(3_725))),
            requested: None,
        }
    }

    fn paused(state: AgentState, reason: Option<&str>, until: Option<u64>) -> AgentSnapshot {
        let pause = Pause {
            reason: reason.map(str::to_owned),
            since: Some(UnixTime(NOW - Duration::from_secs(65))),
            until: until.map(|seconds| UnixTime(NOW + Duration::from_secs(seconds))),
        };
        AgentSnapshot { pause: Some(pause), ..agent(state) }
    }

    fn shown(agent: &AgentSnapshot) -> String {
        line(agent, NOW).spans.iter().map(|span| span.content.as_ref()).collect()
    }

    #[test]
    fn the_line_says_what_he_is_for_how_long_and_what_is_asked() {
        use AgentState::{LoggedOut, NotReady, OnCall, Ready, Unavailable, WrapUp};
        let of = "  in support for 1:02:05";
        assert_eq!(shown(&agent(Ready)), format!("◆ ready{of}"));
        let lunch = paused(NotReady, Some("lunch"), None);
        assert_eq!(shown(&lunch), format!("◆ paused: lunch  0:01:05{of}"));
        let left_alone = AgentSnapshot { do_not_disturb: true, ..lunch };
        let text = format!("◆ paused: lunch  0:01:05  direct calls are refused{of}");
        assert_eq!(shown(&left_alone), text);
        let forced = paused(NotReady, None, None);
        assert_eq!(shown(&forced), format!("◆ paused: reason unknown  0:01:05{of}"));
        let wrap_up = paused(WrapUp, Some("wrapup"), Some(12));
        assert_eq!(shown(&wrap_up), format!("◆ wrap-up  0:00:12 left{of}"));
        let talks = paused(OnCall, Some("lunch"), None);
        assert_eq!(shown(&talks), format!("◆ on a call  then paused: lunch{of}"));
        let old = AgentSnapshot { certain: false, ..agent(Ready) };
        assert_eq!(shown(&old), format!("◆ ready  as the server said last{of}"));
        let requested = Some(AgentRequest::Unpause);
        let asks = AgentSnapshot { requested, ..agent(Ready) };
        assert_eq!(shown(&asks), format!("◆ ready{of}  ready requested…"));
        let nowhere = AgentSnapshot { queues: Vec::new(), certain: false, ..agent(Unavailable) };
        assert_eq!(shown(&nowhere), "◆ the server has no queues for you");
        assert!(shown(&agent(LoggedOut)).starts_with("◆ logged out"));
    }

    #[test]
    fn a_list_offers_what_can_be_done_and_enter_does_it() {
        let mut app = App::with(RegistrationState::Registered, Vec::new());
        app.snapshot.agent = Some(agent(AgentState::Ready));
        let key = |code| KeyEvent::new(code, KeyModifiers::NONE);
        assert_eq!(open(&mut app, What::Queue), Action::Redraw);
        let mut offered = Vec::new();
        for _ in 0..3 {
            let choice = app.choice.take().unwrap();
            offered.push(press(&mut app, choice, key(KeyCode::Enter)));
            press(&mut app, choice, key(KeyCode::Tab));
        }
        let queue = |name: &str| Some(name.to_owned());
        let expected = [
            AgentRequest::LogIn { queue: None, reason: None },
            AgentRequest::LogOut { queue: queue("support") },
            AgentRequest::LogIn { queue: queue("sales"), reason: None },
        ];
        assert_eq!(offered, expected.map(ask));
        app.choice = None;
        open(&mut app, What::Reason);
        let choice = app.choice.take().unwrap();
        let lunch = press(&mut app, Choice { at: 1, ..choice }, key(KeyCode::Enter));
        assert_eq!(lunch, ask(AgentRequest::Pause { reason: "lunch".to_owned() }));
        assert_eq!(press(&mut app, choice, key(KeyCode::Esc)), Action::Redraw);
        assert_eq!(app.choice, None);
        app.snapshot.agent = Some(paused(AgentState::NotReady, Some("lunch"), None));
        assert_eq!(open(&mut app, What::Reason), ask(AgentRequest::Unpause));
    }
}
