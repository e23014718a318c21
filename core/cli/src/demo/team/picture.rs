//! What is shown of the team: on a terminal a picture below what is told, else lines of text, or of JSON; and the verdict.

use super::record::{Judged, Record, VOICES, Verdict};
use super::{MODES, Who};
use crate::agent::{
    DIM, STRONG, microphone, panel, queue_line, recording_marks, roster_row, state_word, what_mode,
};
use crate::console::{print_json, put};
use crate::demo::screen::milliseconds;
use crate::json::{JsonEvent, Line as JsonLine};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget as _};
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use sidetone_driver::clock;
use sidetone_phone::{CallSnapshot, CallState, QualityReport, Snapshot, TeamState, UnixTime};
use std::io::{IsTerminal as _, Stdout, Write as _};
use std::time::Duration;

/// The picture's lines: the phones above, the supervisor below.
const HEIGHT: u16 = CARD + DESK;
const CARD: u16 = 5;
const DESK: u16 = 8;
const METER: usize = 12;
/// What an empty meter shows, in dBFS.
const QUIET: f32 = -60.0;

/// Where it goes, and how.
pub(super) enum Picture {
    /// JSON lines.
    Json,
    /// Lines of text.
    Lines,
    /// A picture at the bottom of the terminal, below the lines.
    Terminal(Terminal<CrosstermBackend<Stdout>>),
}

impl Picture {
    /// A picture where there is a terminal that can show one.
    pub(super) fn new(json: bool) -> std::io::Result<Self> {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Ok(match json {
            true => Self::Json,
            false if is_dumb || !std::io::stdout().is_terminal() => Self::Lines,
            false => {
                let options = TerminalOptions { viewport: Viewport::Inline(HEIGHT) };
                let backend = CrosstermBackend::new(std::io::stdout());
                Self::Terminal(Terminal::with_options(backend, options)?)
            }
        })
    }

    /// Whether JSON lines are wanted.
    pub(super) fn is_json(&self) -> bool {
        matches!(self, Self::Json)
    }

    /// One JSON line; nothing where text is wanted.
    pub(super) fn line(&self, line: JsonLine) {
        if self.is_json() {
            print_json(line);
        }
    }

    /// Who takes part.
    pub(super) fn title(&mut self, url: &str, voices: &str) {
        let text = [
            Line::from(vec![
                Span::styled("Sidetone demo", STRONG),
                Span::styled(format!("  the model PBX on this machine · {url}"), DIM),
            ]),
            Line::styled(
                format!("Anna and Ben take calls, Clara supervises them. Voices: {voices}."),
                DIM,
            ),
            Line::default(),
        ];
        text.into_iter().for_each(|line| self.above(line));
    }

    /// What happened to somebody.
    pub(super) fn tell(&mut self, at: Duration, who: Who, text: &str) {
        let color = color(who);
        self.above(Line::from(vec![
            Span::styled(format!("{:>9.2} s  ", at.as_secs_f64()), DIM),
            Span::styled(format!("{:<13}", who.name()), Style::new().fg(color)),
            Span::raw(text.to_owned()),
        ]));
    }

    /// A line of text above the picture.
    fn above(&mut self, line: Line<'_>) {
        match self {
            Self::Json => {}
            Self::Lines => put(&format!("  {line}")),
            Self::Terminal(terminal) => {
                // After a hangup nobody looks.
                let _ = terminal.insert_before(1, |buffer| {
                    let area =
                        Rect { x: 2, width: buffer.area.width.saturating_sub(2), ..buffer.area };
                    Paragraph::new(line).render(area, buffer);
                });
            }
        }
    }

    /// Draws what is to be seen of each.
    pub(super) fn draw(&mut self, seen: impl FnOnce() -> [Snapshot; 4]) -> std::io::Result<()> {
        if let Self::Terminal(terminal) = self {
            let seen = seen();
            terminal.draw(|frame| draw(frame, &seen, clock::now().wall.0))?;
        }
        Ok(())
    }

    /// The picture stays as it is; what follows stands below it.
    pub(super) fn finish(&mut self) {
        if let Self::Terminal(terminal) = self {
            let area = terminal.get_frame().area();
            // After a hangup there is nobody to look at it.
            let _ = terminal.set_cursor_position((0, area.bottom().saturating_sub(1)));
            let _ = terminal.show_cursor();
            let _ = writeln!(std::io::stdout());
            *self = Self::Lines;
        }
    }

    /// Who heard whom, and the rest.
    pub(super) fn verdict(&self, record: &Record, verdict: &Verdict) {
        let at_ms = record.parties.iter().filter_map(|party| party.ended).max();
        let at_ms = crate::json::ms(at_ms.unwrap_or_default());
        if self.is_json() {
            let check = |name: String, ok, detail| {
                let event = JsonEvent::Check {
                    name,
                    ok,
                    optional: false,
                    took_ms: None,
                    detail,
                    advice: None,
                };
                self.line(JsonLine { event, at_ms });
            };
            for judged in &verdict.heard {
                check(judged.name(), judged.is_good(), judged.text());
            }
            for (name, finding) in &verdict.findings {
                check((*name).to_owned(), finding.good, finding.text.clone());
            }
            return;
        }
        let paint = Paint::new();
        put(&table(verdict, paint));
        for judged in verdict.heard.iter().filter(|judged| !judged.is_good()) {
            put(&format!("  {} {}", paint.sign(false), judged.text()));
        }
        for (_, finding) in &verdict.findings {
            put(&format!("  {} {}", paint.sign(finding.good), finding.text));
        }
        let took: Vec<String> =
            record.confirmed_after.iter().map(|took| milliseconds(*took)).collect();
        put(&format!("\n    the server confirmed the modes after {}\n", took.join(", ")));
    }
}

fn color(who: Who) -> Color {
    match who {
        Who::Agent => Color::Cyan,
        Who::Other => Color::Blue,
        Who::Customer => Color::Yellow,
        Who::Supervisor => Color::Magenta,
    }
}

/// Colour only for a terminal, and only where nobody minds (<https://no-color.org>).
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn new() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self(std::io::stdout().is_terminal() && !unwanted)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn sign(self, good: bool) -> String {
        if good { self.with("32", "✓") } else { self.with("1;31", "✗") }
    }
}

/// Everybody's mouth by everybody's ear; the supervisor's in each mode.
fn table(verdict: &Verdict, paint: Paint) -> String {
    const CELL: usize = 22;
    let heads = VOICES.map(|ear| format!("{:<CELL$}", format!("{} hears", ear.name()))).concat();
    let mut text = paint.with("2", &format!("  {:<20}{heads}", "Who heard whom"));
    let mut rows = vec![(Who::Agent, None), (Who::Customer, None)];
    rows.extend(MODES.map(|mode| (Who::Supervisor, Some(mode))));
    for (mouth, mode) in rows {
        let name = mode.map_or(mouth.name().to_owned(), |mode| format!("{}, {mode}", mouth.name()));
        text += &format!("\n  {}", paint.with("1", &format!("{name:<20}")));
        for ear in VOICES {
            let mut all = verdict.heard.iter();
            let judged = all.find(|one| (one.mode, one.ear, one.mouth) == (mode, ear, mouth));
            text += &cell(judged, CELL, paint);
        }
    }
    text + "\n"
}

fn cell(judged: Option<&Judged>, width: usize, paint: Paint) -> String {
    let Some(judged) = judged else { return format!("{:<width$}", "") };
    let (heard, alike) = (judged.hearing.heard, judged.hearing.likeness.max(0.0) * 100.0);
    let word = match (judged.expected, judged.is_good()) {
        (true, true) => format!("{:.1} s, {alike:.0} % alike", heard.as_secs_f64()),
        (true, false) => {
            format!("{:.1} of {:.1} s", heard.as_secs_f64(), judged.hearing.said.as_secs_f64())
        }
        (false, true) => "silence".to_owned(),
        (false, false) => format!("{:.1} s heard", heard.as_secs_f64()),
    };
    format!("{} {word:<width$}", paint.sign(judged.is_good()), width = width - 2)
}

fn draw(frame: &mut Frame<'_>, seen: &[Snapshot; 4], now: Duration) {
    let area = frame.area();
    let [cards, desk] =
        Layout::vertical([Constraint::Length(CARD), Constraint::Length(DESK)]).areas(area);
    let cards = Layout::horizontal([Constraint::Fill(1); 3]).areas::<3>(cards);
    for (who, area) in [Who::Agent, Who::Other, Who::Customer].into_iter().zip(cards) {
        draw_card(frame, area, who, &seen[who as usize], now);
    }
    draw_desk(frame, desk, &seen[Who::Supervisor as usize], now);
}

/// One phone: what its user is, and how loud he says and hears something.
fn draw_card(frame: &mut Frame<'_>, area: Rect, who: Who, seen: &Snapshot, now: Duration) {
    let call = seen.calls.first();
    let mut line = match (&seen.agent, call) {
        (Some(agent), _) => {
            let (color, word) = state_word(agent.state, agent.pause.as_ref());
            vec![
                Span::styled("◆ ", Style::new().fg(color)),
                Span::styled(word, Style::new().fg(color)),
            ]
        }
        (None, Some(call)) if call.state == CallState::Established => {
            vec![Span::styled("◆ in a call", Style::new().fg(Color::Cyan))]
        }
        (None, Some(_)) => vec![Span::styled("◆ calls", Style::new().fg(Color::Yellow))],
        (None, None) => vec![Span::styled("◆", DIM)],
    };
    if let Some(UnixTime(answered)) = call.and_then(|call| call.answered) {
        let seconds = now.saturating_sub(answered).as_secs();
        line.push(Span::styled(format!(" {}:{:02}", seconds / 60, seconds % 60), DIM));
    }
    line.extend(call.map(recording_marks).unwrap_or_default());
    let mut lines = vec![Line::from(line)];
    lines.extend(call.map(meters).into_iter().flatten());
    let block = panel(who.title()).border_style(Style::new().fg(color(who)));
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// How loud the one says and hears something in this second.
fn meters(call: &CallSnapshot) -> [Line<'static>; 2] {
    let quality = call.quality.clone().unwrap_or(QualityReport {
        level_sent: QUIET,
        level_heard: QUIET,
        ..QualityReport::default()
    });
    let speaks = call.supervision.as_ref().is_none_or(|seen| seen.speaks);
    let sent = if speaks { quality.level_sent } else { QUIET };
    [("says ", sent), ("hears", quality.level_heard)].map(|(name, level)| {
        let filled = ((level - QUIET) / -QUIET * METER as f32).clamp(0.0, METER as f32).round();
        let filled = filled as usize;
        Line::from(vec![
            Span::styled(format!("{name} "), DIM),
            Span::styled("▮".repeat(filled), Style::new().fg(Color::Green)),
            Span::styled("·".repeat(METER - filled), DIM),
        ])
    })
}

/// The supervisor's desk: the roster, the queue, and who hears her.
fn draw_desk(frame: &mut Frame<'_>, area: Rect, seen: &Snapshot, now: Duration) {
    let width = usize::from(area.width);
    let call = seen.calls.iter().find(|call| call.supervision.is_some());
    let supervision = call.and_then(|call| call.supervision.as_ref());
    let mut lines = Vec::new();
    if let Some(team) = &seen.team {
        lines.extend(team.queues.iter().map(|queue| queue_line(queue, width)));
        let others = team.people.iter().filter(|one| one.name != Who::Supervisor.user());
        let worth: TeamState = team.state;
        lines.extend(others.map(|one| roster_row(one, false, worth, supervision, width, now)));
    }
    match call.zip(supervision) {
        Some((call, supervision)) => {
            let mut line = what_mode(call, supervision, "Anna", now);
            line.spans.extend([Span::raw("  "), microphone(call, supervision)]);
            lines.push(line);
            lines.extend(meters(call));
        }
        None => lines.push(Line::styled("supervises nobody", DIM)),
    }
    let block =
        panel(Who::Supervisor.title()).border_style(Style::new().fg(color(Who::Supervisor)));
    frame.render_widget(Paragraph::new(lines).block(block), area);
}
