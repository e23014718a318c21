//! The report: one HTML page that needs nothing but itself.
//!
//! No script, no font, no image from elsewhere. Text of the network is escaped by [`html::text`];
//! drawings stretch with the page, so their words stand beside them in HTML.

mod chart;
mod html;
mod ladder;
mod sound;

use super::record::{Record, Verdict, Who};
use html::{milliseconds, text};
use std::time::Duration;

const STYLE: &str = include_str!("style.css");

/// The page.
pub(super) fn render(record: &Record, verdict: &Verdict) -> String {
    let good = verdict.is_good();
    let headline = if good { "They heard each other." } else { "They did not hear each other." };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{headline} – Sidetone demo</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<p class=\"brand\">Sidetone <span>demo</span></p>\n<p class=\"date\">{date}</p>\n\
         <h1 class=\"{class}\">{headline}</h1>\n<p class=\"lede\">{lede}</p>\n{findings}\
         {figures}</header>\n<main>\n{voices}\n{sequence}\n{quality}\n</main>\n\
         <footer><p>Made by <code>sidetone demo</code> {version}. Passwords and keys in the \
         messages are masked. This page loads nothing.</p></footer>\n</body>\n</html>\n",
        date = html::date(record.began),
        class = if good { "good" } else { "bad" },
        lede = lede(record),
        findings = findings(verdict),
        figures = figures(record, verdict),
        voices = sound::section(record, verdict),
        sequence = sequence(record),
        quality = chart::section(record),
        version = env!("CARGO_PKG_VERSION"),
    )
}

fn lede(record: &Record) -> String {
    let talk = record.talk();
    format!(
        "A customer called the queue {} at {}. The phone of {} rang, was answered, and the two \
         talked for {:.1} seconds over ICE, DTLS-SRTP and {}.",
        text(&record.number),
        text(&record.server),
        text(&record.agent.user),
        (talk.end - talk.start).as_secs_f64(),
        text(&record.agent.last().map_or("audio".to_owned(), |report| capital(&report.codec))),
    )
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn findings(verdict: &Verdict) -> String {
    let item = |finding: super::record::Finding| {
        let (class, sign) = if finding.good { ("good", "✓") } else { ("bad", "✗") };
        let text = text(&finding.text);
        format!("<li class=\"{class}\"><span aria-hidden=\"true\">{sign}</span> {text}.</li>\n")
    };
    let items: String = verdict.findings().into_iter().map(item).collect();
    format!("<ul class=\"findings\">\n{items}</ul>\n")
}

/// The numbers that a person asks for first.
fn figures(record: &Record, verdict: &Verdict) -> String {
    let last = record.agent.last();
    let (lost, packets) = record.lost();
    let figure = |name: &str, value: String, unit: &str, note: &str| {
        format!("<div><dt>{name}</dt><dd><b>{value}</b>{unit}<small>{note}</small></dd></div>\n")
    };
    let time = |name: &str, time: Option<Duration>, note: &str| match time {
        Some(time) => figure(name, milliseconds(time), " ms", note),
        None => figure(name, "–".to_owned(), "", "not seen"),
    };
    let mut all = String::new();
    all += &time("Registered", record.registered, "from connecting on");
    all += &time("Agent hears", record.agent.first_heard, "after the answer");
    all += &time("Customer hears", record.first_at_customer(verdict), "after the answer");
    let lag = verdict.customer.is_good().then_some(verdict.customer.lag);
    all += &time("Mouth to ear", lag, "agent to customer");
    all +=
        &time("Playout delay", last.map(|report| report.playout_delay), "at the agent, at the end");
    all += &figure("Packets lost", lost.to_string(), "", &format!("of {packets}, both phones"));
    format!("<dl class=\"figures\">\n{all}</dl>\n")
}

/// The ladder, and beside it what happened.
fn sequence(record: &Record) -> String {
    let mut milestones: Vec<_> = record.milestones.iter().collect();
    milestones.sort_by_key(|milestone| milestone.at);
    let item = |milestone: &&super::record::Milestone| {
        let (class, who) = match milestone.who {
            Who::Agent => ("agent", &record.agent.user),
            Who::Customer => ("customer", &record.customer.user),
        };
        format!(
            "<li class=\"{class}\"><span class=\"time\">{}</span> <span>{} \
             <small>{}</small></span></li>\n",
            milliseconds(milestone.at),
            text(&milestone.text),
            text(who)
        )
    };
    let items: String = milestones.iter().map(item).collect();
    format!(
        "<div class=\"sequence\">\n{}\n<section aria-labelledby=\"milestones\">\n\
         <h2 id=\"milestones\">What happened</h2>\n<p class=\"about\">Milliseconds since the \
         phone began to connect.</p>\n<ol class=\"milestones\">\n{items}</ol>\n</section>\n</div>",
        ladder::section(record)
    )
}

#[cfg(test)]
mod tests {
    use super::super::hearing::Track;
    use super::super::ladder::Rung;
    use super::super::record::Milestone;
    use super::*;
    use sidetone_phone::QualityReport;

    const HOSTILE: &str = "</pre><script>alert(\"1\")</script>&\u{0}";

    fn record() -> Record {
        let seconds = Duration::from_secs;
        let voice = sidetone_media::spectrum::sine(440.0, -12.0, 48_000, 48_000);
        let mut record = Record {
            server: HOSTILE.to_owned(),
            number: "1801".to_owned(),
            holds: vec![seconds(3)..seconds(4)],
            ..Record::default()
        };
        record.ladder.push(Rung {
            at: seconds(1),
            sent: true,
            label: HOSTILE.to_owned(),
            note: HOSTILE.to_owned(),
            text: HOSTILE.to_owned(),
        });
        record.milestones.push(Milestone {
            at: seconds(1),
            who: Who::Agent,
            text: HOSTILE.to_owned(),
        });
        for party in [&mut record.agent, &mut record.customer] {
            party.user = HOSTILE.to_owned();
            party.answered = Some(seconds(1));
            party.ended = Some(seconds(61));
            party.said = Track { from: seconds(1), samples: voice.repeat(60) };
            party.heard = Track { from: seconds(1), samples: voice.repeat(60) };
            for second in 2..61 {
                let report = QualityReport {
                    codec: HOSTILE.to_owned(),
                    packets_sent: second * 50,
                    packets_received: second * 50,
                    packets_lost: second,
                    packets_late: 0,
                    concealed: Duration::from_millis(second),
                    jitter: Duration::from_millis(1),
                    playout_delay: Duration::from_millis(40),
                    round_trip: None,
                    level_sent: -20.0,
                    level_heard: f32::NAN,
                };
                party.quality.push((seconds(second), report));
            }
        }
        record
    }

    #[test]
    fn nothing_of_the_network_becomes_markup() {
        let record = record();
        let page = render(&record, &record.verdict());
        assert!(!page.contains("<script") && !page.contains('\u{0}'));
        assert!(page.contains("&lt;script&gt;"));
    }

    #[test]
    fn a_long_call_stays_a_small_page_of_its_own() {
        let record = record();
        let page = render(&record, &record.verdict());
        assert!(page.len() < 500_000, "{} bytes", page.len());
        for outside in ["http:", "https:", "src=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
        for number in ["NaN", "inf"] {
            assert!(!page.contains(number), "{number} is in a drawing");
        }
    }

    #[test]
    fn a_call_that_never_was_is_a_page_too() {
        let record = Record::default();
        let page = render(&record, &record.verdict());
        assert!(page.contains("They did not hear each other.") && !page.contains("NaN"));
    }
}
