//! The picture of the desk: queues, the roster, who hears the supervisor, the keys.

use super::{Desk, label_of, supervised};
use crate::agent::app::App;
use crate::agent::history;
use crate::agent::team::queue_line;
use crate::agent::team::what;
use crate::agent::view::{
    DIM, STRONG, cut, draw_calls, draw_footer, draw_log, keys_in_lines, level, panel, refused,
    title, title_height,
};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use sidetone_phone::{
    CallSnapshot, Colleague, Hold, Supervision, SupervisionMode, TeamSnapshot, TeamState, UnixTime,
};
use std::time::Duration;

/// A terminal of so many lines has room for what is not needed at every moment.
const HIGH: u16 = 32;
/// What a mode asks of whom it is not confirmed to, and what is confirmed.
const ASKED: Style = Style::new().fg(Color::Magenta);

/// Draws everything. `now` is wall time since 1970.
pub(in crate::agent) fn draw(frame: &mut Frame<'_>, app: &App, desk: &Desk, now: Duration) {
    let area = frame.area();
    let team = app.snapshot.team.as_deref();
    let queues =
        team.map_or(0, |team| team.queues.len()).clamp(1, if area.height < HIGH { 4 } else { 10 });
    let others = app.snapshot.calls.iter().filter(|call| call.supervision.is_none()).count();
    let calls = if others == 0 { 0 } else { app.snapshot.calls.len().min(4) + 2 };
    let keys = keys_in_lines(app, area.width);
    let short = |length: usize| u16::try_from(length).unwrap_or(u16::MAX);
    let heading = title(app, now);
    let [title, lines, roster, call, list, log, footer] = Layout::vertical([
        Constraint::Length(title_height(&heading, area)),
        Constraint::Length(short(queues + 2)),
        Constraint::Min(3),
        Constraint::Length(7),
        Constraint::Length(short(calls)),
        Constraint::Length(if area.height < HIGH { 0 } else { 7 }),
        Constraint::Length(short(keys.len().max(1))),
    ])
    .areas(area);
    frame.render_widget(heading, title);
    draw_queues(frame, lines, team);
    if let Some(search) = &app.search {
        history::draw(frame, roster.union(call), search, now);
        return history::draw_entry(frame, footer, search, app.refusal.as_deref().map(refused));
    }
    draw_roster(frame, roster, app, desk, now);
    draw_supervision(frame, call, app, desk, now);
    if calls > 0 {
        draw_calls(frame, list, app, now);
    }
    if log.height > 0 {
        draw_log(frame, log, app);
    }
    if desk.finding {
        let advice = "Enter to keep what is found, ↑ ↓ to choose, Esc to show all";
        let line = Line::from(vec![
            Span::styled(" Find: ", STRONG),
            Span::raw(desk.text.as_str()),
            Span::raw("▏  "),
            Span::styled(advice, DIM),
        ]);
        return frame.render_widget(Paragraph::new(line), footer);
    }
    draw_footer(frame, footer, app, keys);
}

fn draw_queues(frame: &mut Frame<'_>, area: Rect, team: Option<&TeamSnapshot>) {
    let (height, width) = (usize::from(area.height.saturating_sub(2)), usize::from(area.width));
    let queues = team.map(|team| team.queues.as_slice()).unwrap_or_default();
    let mut lines: Vec<Line<'_>> = queues.iter().map(|queue| queue_line(queue, width)).collect();
    if lines.len() > height {
        let rest = queues.get(height.saturating_sub(1)..).unwrap_or_default();
        let waiting: u32 = rest.iter().map(|queue| queue.waiting).sum();
        lines.truncate(height.saturating_sub(1));
        lines.push(Line::styled(format!("and {} more, {waiting} waiting there", rest.len()), DIM));
    }
    if lines.is_empty() {
        lines.push(Line::styled("none", DIM));
    }
    frame.render_widget(Paragraph::new(lines).block(panel("Queues")), area);
}

fn draw_roster(frame: &mut Frame<'_>, area: Rect, app: &App, desk: &Desk, now: Duration) {
    let (height, width) = (usize::from(area.height.saturating_sub(2)), usize::from(area.width));
    let team = app.snapshot.team.as_deref();
    let state = team.map(|team| team.state).unwrap_or_default();
    let people = desk.found(app);
    let chosen = desk.chosen(&people).map(|(at, _)| at);
    let is_one_team = people.windows(2).all(|two| two[0].team == two[1].team);
    let mine = supervised(app).map(|(_, seen)| seen);
    let (mut lines, mut marked, mut last) = (Vec::new(), 0, None);
    for (at, person) in people.iter().enumerate() {
        if !is_one_team && last != Some(&person.team) {
            lines.push(Line::styled(person.team.clone(), DIM));
            last = Some(&person.team);
        }
        if Some(at) == chosen {
            marked = lines.len();
        }
        lines.push(roster_row(person, Some(at) == chosen, state, mine, width, now));
    }
    // The chosen one stays in sight.
    let mut lines: Vec<Line<'_>> =
        lines.into_iter().skip((marked + 1).saturating_sub(height)).take(height).collect();
    let (title, empty) = match state {
        TeamState::Unknown => ("Team", "the server has not told it yet"),
        TeamState::Current => ("Team", "nobody"),
        TeamState::Outdated => ("Team, as the server said last", "nobody"),
        TeamState::Unavailable => (
            "Team",
            "the server lets you watch nobody; ask its administrator to name your teams in team.conf's settings",
        ),
    };
    if lines.is_empty() {
        lines.push(Line::styled(empty, DIM));
    }
    let only = match desk.text.as_str() {
        "" => String::new(),
        text => format!(" · only: {text}"),
    };
    let title = format!("{title}{only}");
    frame.render_widget(Paragraph::new(lines).block(panel(&title)), area);
}

/// Who, what he is and since when, and what is done with his call.
pub(crate) fn roster_row(
    person: &Colleague,
    is_chosen: bool,
    worth: TeamState,
    supervision: Option<&Supervision>,
    width: usize,
    now: Duration,
) -> Line<'static> {
    // The sign, the state, the time and the mark take 57 columns with the frame.
    let name = width.saturating_sub(57).clamp(12, 36);
    let label = person.label.as_deref().unwrap_or(&person.name);
    let (color, word) = what(person);
    // What the server said last is no state that anybody should act on.
    let color = if worth == TeamState::Current { color } else { Color::DarkGray };
    let UnixTime(since) = person.since;
    let mut spans = vec![
        Span::raw(if is_chosen { "▸ " } else { "  " }),
        Span::styled("◆ ", Style::new().fg(color)),
        Span::styled(format!("{:<name$}", cut(label, name - 1)), STRONG),
        Span::styled(format!("{:<8}", cut(person.number.as_deref().unwrap_or_default(), 7)), DIM),
        Span::styled(format!("{:<20}", cut(&word, 19)), Style::new().fg(color)),
        Span::styled(format!("{:>7}  ", clock(since, now)), DIM),
    ];
    if let Some(seen) = supervision.filter(|seen| seen.target == person.name) {
        let mark = match (seen.requested, seen.mode) {
            (Some(mode), _) => Span::styled(format!("◁ {mode}…"), ASKED),
            (None, Some(mode)) => Span::styled(format!("◀ {mode}"), STRONG.fg(Color::Cyan)),
            (None, None) => Span::styled("◁ waits", DIM),
        };
        spans.push(mark);
    }
    Line::from(spans)
}

fn clock(since: Duration, now: Duration) -> String {
    let seconds = now.saturating_sub(since).as_secs();
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

fn draw_supervision(frame: &mut Frame<'_>, area: Rect, app: &App, desk: &Desk, now: Duration) {
    let block = panel("Supervision");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let rows = Layout::vertical([Constraint::Length(1); 5]).areas::<5>(inner);
    let text = |line| Paragraph::new(line);
    if let Some(problem) = &desk.problem {
        let line = Line::styled(problem.as_str(), Style::new().fg(Color::Red));
        frame.render_widget(text(line), rows[4]);
    }
    let Some((call, seen)) = supervised(app) else {
        let line = Line::styled("You supervise nobody, and nobody hears you.", DIM);
        frame.render_widget(text(line), rows[0]);
        return;
    };
    let team = app.snapshot.team.as_deref();
    frame.render_widget(text(what_mode(call, seen, &label_of(team, &seen.target), now)), rows[0]);
    frame.render_widget(text(Line::from(microphone(call, seen))), rows[1]);
    let quality = call.quality.clone().unwrap_or_default();
    let silent = call.quality.is_none();
    let sends = !silent && !call.muted && seen.speaks && call.hold == Hold::default();
    level(frame, rows[2], "mic", if sends { quality.level_sent } else { -127.0 });
    level(frame, rows[3], "ear", if silent { -127.0 } else { quality.level_heard });
}

/// What is confirmed with whom, and what is asked for.
pub(crate) fn what_mode(
    call: &CallSnapshot,
    seen: &Supervision,
    who: &str,
    now: Duration,
) -> Line<'static> {
    let text = match seen.mode {
        _ if call.hold.local => format!("On hold: {who}"),
        _ if seen.waiting => format!("Waiting for the next call of {who}"),
        None => format!("Supervising {who}: not confirmed yet"),
        Some(SupervisionMode::Listen) => format!("Listening to {who}"),
        Some(SupervisionMode::Whisper) => format!("Whispering to {who}"),
        Some(SupervisionMode::Barge) => format!("Barging in on {who}"),
    };
    let mut spans = vec![Span::styled(text, STRONG)];
    if let Some(UnixTime(answered)) = call.answered {
        spans.push(Span::styled(format!("  {}", clock(answered, now)), DIM));
    }
    if let Some(mode) = seen.requested {
        spans.push(Span::styled(format!("  {mode} requested…"), ASKED));
    }
    if seen.follow && !seen.waiting {
        spans.push(Span::styled("  follows into the next call", DIM));
    }
    Line::from(spans)
}

/// Who hears the supervisor now, as far as his phone lets anybody.
pub(crate) fn microphone(call: &CallSnapshot, seen: &Supervision) -> Span<'static> {
    let loud = |color| Style::new().fg(color).add_modifier(Modifier::BOLD);
    let is_open = seen.speaks && call.hold == Hold::default();
    match seen.mode.filter(|_| is_open) {
        Some(_) if call.muted => Span::styled("○ muted: nobody hears you", loud(Color::Green)),
        Some(SupervisionMode::Whisper | SupervisionMode::Barge) if !seen.heard => {
            Span::styled("○ the call is on hold: nobody hears you", loud(Color::Yellow))
        }
        Some(SupervisionMode::Whisper) => {
            Span::styled("● THE AGENT HEARS YOU, the other side does not", loud(Color::Yellow))
        }
        Some(SupervisionMode::Barge) => {
            Span::styled("● BOTH HEAR YOU, the agent and the other side", loud(Color::Red))
        }
        Some(SupervisionMode::Listen) | None => {
            Span::styled("○ microphone closed: nobody hears you", loud(Color::Green))
        }
    }
}
