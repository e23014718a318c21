//! What the demonstration prints: the ladder and the milestones as they happen, a meter each second,
//! and the verdict; or JSON lines.

use super::ladder::Rung;
use super::record::{Milestone, Record, Verdict, Who};
use crate::console::{print_json, put};
use crate::json::{JsonEvent, Line};
use sidetone_phone::QualityReport;
use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;

/// The ladder's width between its two rails.
const WIDTH: usize = 34;
const METER: usize = 10;
/// What an empty meter shows, in dBFS.
const QUIET: f32 = -60.0;

/// Where it goes, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    json: bool,
    color: bool,
}

/// Something that happened, as it is shown.
#[derive(Debug)]
pub(super) enum Shown {
    /// A message of the agent's signalling.
    Rung(Rung),
    /// A milestone of either.
    Milestone(Milestone),
    /// The agent's phone in this second.
    Meter(Box<QualityReport>),
}

/// How a piece of text looks where there is colour.
#[derive(Debug, Clone, Copy)]
enum Style {
    Strong,
    Faint,
    Good,
    Bad,
    Agent,
    Customer,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Good => "32",
            Self::Bad => "1;31",
            Self::Agent => "36",
            Self::Customer => "33",
        }
    }
}

impl Screen {
    /// Colour only for a terminal, and only where nobody minds (<https://no-color.org>).
    pub(super) fn new(json: bool) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { json, color: std::io::stdout().is_terminal() && !unwanted }
    }

    /// Whether JSON lines are wanted.
    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// One JSON line; nothing where text is wanted.
    pub(super) fn line(self, line: Line) {
        if self.json {
            print_json(line);
        }
    }

    /// Who takes part.
    pub(super) fn title(self, record: &Record) {
        if self.json {
            return;
        }
        put(&format!(
            "\n  {}  {}\n  {}\n\n  {}   {:<width$}{}",
            self.paint(Style::Strong, "Sidetone demo"),
            self.paint(Style::Faint, &format!("{} · {}", record.server, record.url)),
            self.paint(
                Style::Faint,
                &format!(
                    "A customer calls the queue {}; {} answers. Voices: {}.",
                    record.number, record.agent.user, record.voices
                )
            ),
            self.paint(Style::Faint, "      ms"),
            record.agent.user,
            "server",
            width = WIDTH - 3,
        ));
    }

    /// What happened; nothing where JSON is wanted.
    pub(super) fn show(self, at: Duration, shown: &Shown) {
        match shown {
            _ if self.json => {}
            Shown::Rung(rung) => self.rung(rung),
            Shown::Milestone(milestone) => self.milestone(milestone),
            Shown::Meter(report) => self.meter(at, report),
        }
    }

    fn rung(self, rung: &Rung) {
        let label = format!(" {} ", cut(&rung.label, WIDTH - 8));
        let rest = WIDTH - 1 - label.chars().count();
        let (before, after) = if rung.sent { (2, rest - 2) } else { (rest - 2, 2) };
        let dashes = |count: usize| "─".repeat(count);
        let arrow = match rung.sent {
            true => format!(
                "├{}{}{}▶│",
                dashes(before),
                self.paint(Style::Strong, &label),
                dashes(after)
            ),
            false => format!(
                "│◀{}{}{}┤",
                dashes(before),
                self.paint(Style::Strong, &label),
                dashes(after)
            ),
        };
        put(&format!(
            "  {}   {arrow}  {}",
            self.time(rung.at),
            self.paint(Style::Faint, &rung.note)
        ));
    }

    fn milestone(self, milestone: &Milestone) {
        let (style, sign) = match milestone.who {
            Who::Agent => (Style::Agent, "●"),
            Who::Customer => (Style::Customer, "○"),
        };
        put(&format!(
            "  {}   {} {}",
            self.time(milestone.at),
            self.paint(style, sign),
            self.paint(style, &milestone.text)
        ));
    }

    fn meter(self, at: Duration, report: &QualityReport) {
        let meter = |style, level: f32| {
            let filled = ((level - QUIET) / -QUIET * METER as f32).clamp(0.0, METER as f32);
            let filled = filled.round() as usize;
            format!(
                "{}{}",
                self.paint(style, &"▮".repeat(filled)),
                self.paint(Style::Faint, &"·".repeat(METER - filled))
            )
        };
        put(&format!(
            "  {}   │ says {}  hears {}  {}",
            self.time(at),
            meter(Style::Agent, report.level_sent),
            meter(Style::Customer, report.level_heard),
            self.paint(
                Style::Faint,
                &format!(
                    "lost {} · jitter {} · delay {}",
                    report.packets_lost,
                    milliseconds(report.jitter),
                    milliseconds(report.playout_delay)
                )
            )
        ));
    }

    /// How it ended, and where the report is.
    pub(super) fn verdict(self, record: &Record, verdict: &Verdict, report: &Path, at: Duration) {
        let at_ms = crate::json::ms(at);
        for (name, finding) in ["customer_hears_agent", "agent_hears_customer", "silent_on_hold"]
            .iter()
            .zip(verdict.findings())
        {
            if self.json {
                let (name, detail) = ((*name).to_owned(), finding.text);
                let event = JsonEvent::Check {
                    name,
                    ok: finding.good,
                    optional: false,
                    took_ms: None,
                    detail,
                    advice: None,
                };
                self.line(Line { event, at_ms });
            } else {
                let sign = if finding.good {
                    self.paint(Style::Good, "✓")
                } else {
                    self.paint(Style::Bad, "✗")
                };
                let gap = if *name == "customer_hears_agent" { "\n" } else { "" };
                put(&format!("{gap}  {sign} {}", finding.text));
            }
        }
        if self.json {
            let event = JsonEvent::Report { file: report.display().to_string() };
            return self.line(Line { event, at_ms });
        }
        let ms = |time: Option<Duration>| time.map_or("–".to_owned(), milliseconds);
        let (last, (lost, packets)) = (record.agent.last(), record.lost());
        put(&format!(
            "\n    registered in {} · answer → first sound: agent {}, customer {}\n    \
             both phones lost {} of {} packets · playout delay {}\n\n  Report  {}\n",
            ms(record.registered),
            ms(record.agent.first_heard),
            ms(record.first_at_customer(verdict)),
            lost,
            packets,
            ms(last.map(|report| report.playout_delay)),
            self.paint(Style::Strong, &report.display().to_string()),
        ));
    }

    fn time(self, at: Duration) -> String {
        let text = milliseconds(at);
        self.paint(Style::Faint, &format!("{:>8}", text.trim_end_matches(" ms")))
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.color && !text.is_empty() {
            format!("\x1b[{}m{text}\x1b[0m", style.code())
        } else {
            text.to_owned()
        }
    }
}

/// Milliseconds; few of them with a decimal.
pub(super) fn milliseconds(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    if ms < 9.95 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

/// What the network says may be long, and may try to steer the terminal.
fn cut(text: &str, length: usize) -> String {
    let plain = |c: char| if c.is_control() { '�' } else { c };
    text.chars().take(length).map(plain).collect()
}
