//! The picture of the history: one line a call, the chosen one marked, and the line that is typed.

use super::Search;
use crate::agent::view::{DIM, STRONG, cut, panel};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use sidetone_phone::{CallOutcome, CallRecord, Direction};
use std::time::Duration;

/// Draws what was found. `now` is wall time since 1970.
pub(in crate::agent) fn draw(frame: &mut Frame<'_>, area: Rect, search: &Search, now: Duration) {
    let (height, width) = (usize::from(area.height.saturating_sub(2)), usize::from(area.width));
    // The chosen one stays in sight.
    let skip = (search.chosen + 1).saturating_sub(height);
    let lines: Vec<Line<'_>> = if let Some(problem) = &search.problem {
        vec![Line::styled(problem.as_str(), Style::new().fg(Color::Red))]
    } else if search.found.is_empty() {
        vec![Line::styled("no such call", DIM)]
    } else {
        let shown = search.found.iter().enumerate().skip(skip).take(height);
        shown.map(|(at, e)| line(&e.record, at == search.chosen, width, now)).collect()
    };
    let title = match search.filter.outcome {
        Some(_) => "History: missed",
        None => "History",
    };
    frame.render_widget(Paragraph::new(lines).block(panel(title)), area);
}

/// Draws what is typed, or why it was refused.
pub(in crate::agent) fn draw_entry(
    frame: &mut Frame<'_>,
    area: Rect,
    search: &Search,
    refusal: Option<Span<'_>>,
) {
    let advice = "Enter to call, ↑ ↓ to choose, Tab for missed, Esc to leave";
    frame.render_widget(
        Paragraph::new(Line::from(vec![
            Span::styled(" Find: ", STRONG),
            Span::raw(search.filter.text.as_str()),
            Span::raw("▏  "),
            refusal.unwrap_or(Span::styled(advice, DIM)),
        ])),
        area,
    );
}

fn line(record: &CallRecord, chosen: bool, width: usize, now: Duration) -> Line<'static> {
    let arrow = match record.direction {
        Direction::Incoming => "↙",
        Direction::Outgoing => "↗",
    };
    let (word, color) = outcome(record.outcome());
    let number = record.number();
    let who = match (&record.remote.name, number) {
        (Some(name), Some(number)) => format!("{name} {number}"),
        (Some(name), None) => name.clone(),
        (None, Some(number)) => number,
        (None, None) => "hidden".to_owned(),
    };
    let talked = record.talked().map(|time| time.as_secs());
    let talked = talked.map_or(String::new(), |s| format!("{}:{:02}", s / 60, s % 60));
    // What stands beside the name takes 38 columns, the queue's own 14, and the panel and its signs 8.
    let with_queue = width >= 92;
    let name = width.saturating_sub(if with_queue { 64 } else { 48 }).clamp(12, 48);
    let mut spans = vec![
        Span::raw(if chosen { "▸ " } else { "  " }),
        Span::raw(format!("{arrow} ")),
        Span::styled(format!("{:<name$}", cut(&who, name - 1)), STRONG),
        Span::styled(format!("{word:<18}"), Style::new().fg(color)),
        Span::raw(format!("{talked:>7}  ")),
        Span::styled(format!("{:>10}", ago(now.saturating_sub(record.began.0))), DIM),
    ];
    if with_queue && let Some(queue) = &record.queue {
        spans.push(Span::styled(format!("  {}", cut(queue, 14)), DIM));
    }
    Line::from(spans)
}

fn outcome(outcome: CallOutcome) -> (&'static str, Color) {
    match outcome {
        CallOutcome::Answered => ("answered", Color::Green),
        CallOutcome::Transferred => ("transferred", Color::Green),
        CallOutcome::Missed => ("missed", Color::Red),
        CallOutcome::AnsweredElsewhere => ("answered elsewhere", Color::Blue),
        CallOutcome::Declined => ("declined", Color::Yellow),
        CallOutcome::Forwarded => ("forwarded", Color::Blue),
        CallOutcome::Cancelled => ("given up", Color::Yellow),
        CallOutcome::Failed => ("not reached", Color::Red),
    }
}

/// How long ago, in the largest unit.
pub(in crate::agent) fn ago(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => "now".to_owned(),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}
