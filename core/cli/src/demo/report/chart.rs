//! The figures of each second as small charts, and as a table.

use super::super::hearing::Track;
use super::super::record::{Party, Record};
use super::html::text;
use super::sound::axis;
use sidetone_media::spectrum::rms_dbfs;
use sidetone_phone::QualityReport;
use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;
/// Levels are measured over so long.
const WINDOW: Duration = Duration::from_millis(100);
const QUIET: f64 = -70.0;

/// The section: three charts for each phone.
pub(super) fn section(record: &Record) -> String {
    let talk = record.talk();
    let phone = |class: &str, party: &Party| {
        let user = text(&party.user);
        format!(
            "<div class=\"phone {class}\">\n<h3>{user}</h3>\n{}{}{}</div>\n",
            levels(party, &talk),
            delays(record, party, &talk),
            losses(record, party, &talk)
        )
    };
    format!(
        "<section aria-labelledby=\"quality\">\n<h2 id=\"quality\">How it sounded, second by \
         second</h2>\n<p class=\"about\">Each phone measures what it receives. Both have the same scales.</p>\n\
         <div class=\"phones\">\n{}{}</div>\n{}</section>",
        phone("agent", &record.agent),
        phone("customer", &record.customer),
        table(record)
    )
}

struct Series {
    class: &'static str,
    name: &'static str,
    /// Seconds from the answer, and the value.
    points: Vec<(f64, f64)>,
}

struct Chart {
    title: &'static str,
    unit: &'static str,
    /// The lowest and the highest value drawn.
    values: (f64, f64),
    series: Vec<Series>,
}

fn levels(party: &Party, talk: &Range<Duration>) -> String {
    let series = |class, name, track: &Track| {
        let count = ((talk.end - talk.start).as_millis() / WINDOW.as_millis()) as u32;
        let point = |index: u32| {
            let from = talk.start + WINDOW * index;
            let level = rms_dbfs(track.within(&(from..from + WINDOW)));
            ((WINDOW * index).as_secs_f64(), level.max(QUIET))
        };
        // A talk of minutes is drawn coarser: the page stays small.
        let every = (count / 300 + 1) as usize;
        Series { class, name, points: (0..count).step_by(every).map(point).collect() }
    };
    let series =
        vec![series("first", "microphone", &party.said), series("second", "ear", &party.heard)];
    Chart { title: "Level", unit: "dBFS", values: (QUIET, 0.0), series }.figure(talk)
}

fn delays(record: &Record, party: &Party, talk: &Range<Duration>) -> String {
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let series = |party| {
        vec![
            each("first", "playout delay", party, talk, |report| Some(ms(report.playout_delay))),
            each("second", "jitter", party, talk, |report| Some(ms(report.jitter))),
            each("third", "round trip", party, talk, |report| report.round_trip.map(ms)),
        ]
    };
    let values = (0.0, above(&both(record, series), 40.0));
    Chart { title: "Delay", unit: "ms", values, series: series(party) }.figure(talk)
}

fn losses(record: &Record, party: &Party, talk: &Range<Duration>) -> String {
    let series = |party| {
        vec![
            each("first", "packets lost", party, talk, |report| Some(report.packets_lost as f64)),
            each("second", "packets late", party, talk, |report| Some(report.packets_late as f64)),
        ]
    };
    let all = series(party);
    if all.iter().flat_map(|series| &series.points).all(|(_, packets)| *packets == 0.0) {
        return "<p class=\"none\">No packet was lost or late.</p>\n".to_owned();
    }
    let values = (0.0, above(&both(record, series), 4.0));
    Chart { title: "Loss", unit: "packets", values, series: all }.figure(talk)
}

/// The same series of both phones.
fn both<'a>(record: &'a Record, of: impl Fn(&'a Party) -> Vec<Series>) -> Vec<Series> {
    [of(&record.agent), of(&record.customer)].into_iter().flatten().collect()
}

/// One value of each second.
fn each(
    class: &'static str,
    name: &'static str,
    party: &Party,
    talk: &Range<Duration>,
    value: impl Fn(&QualityReport) -> Option<f64>,
) -> Series {
    let seconds = |at: Duration| at.saturating_sub(talk.start).as_secs_f64();
    let reports = party.quality.iter().filter(|(at, _)| talk.contains(at));
    let points = reports.filter_map(|(at, report)| Some((seconds(*at), value(report)?)));
    Series { class, name, points: points.filter(|(_, value)| value.is_finite()).collect() }
}

/// A round number that nothing exceeds.
fn above(series: &[Series], least: f64) -> f64 {
    let most =
        series.iter().flat_map(|s| &s.points).fold(least, |most, (_, value)| most.max(*value));
    let magnitude = 10_f64.powf(most.log10().floor());
    [1.0, 2.0, 4.0, 5.0, 10.0]
        .map(|m| m * magnitude)
        .into_iter()
        .find(|n| *n >= most)
        .unwrap_or(most)
}

impl Chart {
    fn figure(&self, talk: &Range<Duration>) -> String {
        let span = (talk.end - talk.start).as_secs_f64().max(0.001);
        let (lowest, highest) = self.values;
        let x = |at: f64| at / span * WIDTH;
        let y = |value: f64| {
            let inside = (value - lowest) / (highest - lowest);
            (1.0 - inside.clamp(0.0, 1.0)) * HEIGHT
        };
        let (mut lines, mut legend, mut words) = (String::new(), String::new(), Vec::new());
        for series in self.series.iter().filter(|series| !series.points.is_empty()) {
            let mut path = String::new();
            for (index, (at, value)) in series.points.iter().enumerate() {
                let command = if index == 0 { 'M' } else { 'L' };
                // Writing to a string cannot fail.
                let _ = write!(path, "{command}{:.1} {:.1}", x(*at), y(*value));
            }
            let _ = write!(lines, "<path class=\"{}\" d=\"{path}\"/>", series.class);
            let _ = write!(legend, "<span class=\"{}\">{}</span>", series.class, series.name);
            let values = series.points.iter().map(|(_, value)| *value);
            let (low, high) =
                values.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
            words.push(format!("{} from {low:.0} to {high:.0} {}", series.name, self.unit));
        }
        format!(
            "<figure class=\"chart\">\n<figcaption><b>{}</b> <i>{}</i><span class=\"legend\">\
             {legend}</span></figcaption>\n<div class=\"plot\"><div class=\"scale\" \
             aria-hidden=\"true\"><span>{highest:.0}</span><span>{:.0}</span><span>{lowest:.0}</span>\
             </div><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-label=\"{}: {}\"><path class=\"grid\" d=\"M0 0H{WIDTH}M0 {}H{WIDTH}M0 \
             {HEIGHT}H{WIDTH}\"/>{lines}</svg></div>\n{}</figure>\n",
            self.title,
            self.unit,
            f64::midpoint(lowest, highest),
            self.title,
            words.join(", "),
            HEIGHT / 2.0,
            axis(talk.end - talk.start),
        )
    }
}

/// The same for those who read numbers.
fn table(record: &Record) -> String {
    let talk = record.talk();
    let mut rows = String::new();
    for party in [&record.agent, &record.customer] {
        for (at, report) in party.quality.iter().filter(|(at, _)| talk.contains(at)) {
            let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1000.0);
            // Writing to a string cannot fail.
            let _ = writeln!(
                rows,
                "<tr><th scope=\"row\">{}</th><td>{:.1}</td><td>{}</td><td>{}</td><td>{}</td>\
                 <td>{}</td><td>{}</td><td>{}</td></tr>",
                text(&party.user),
                at.saturating_sub(talk.start).as_secs_f64(),
                report.packets_received,
                report.packets_lost,
                report.packets_late,
                ms(report.concealed),
                ms(report.jitter),
                ms(report.playout_delay),
            );
        }
    }
    format!(
        "<details class=\"table\"><summary>All figures</summary>\n<div class=\"scroll\" tabindex=\"0\" \
         role=\"region\" aria-label=\"All figures\"><table>\n<thead><tr><th scope=\"col\">phone</th>\
         <th scope=\"col\">second</th><th scope=\"col\">received</th><th scope=\"col\">lost</th>\
         <th scope=\"col\">late</th><th scope=\"col\">concealed ms</th><th scope=\"col\">jitter ms</th>\
         <th scope=\"col\">delay ms</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div></details>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_without_loss_says_so_in_place_of_a_chart() {
        let talk = Duration::ZERO..Duration::from_secs(9);
        let mut record = Record::default();
        let second = Duration::from_secs(1);
        record.agent.quality.push((second, QualityReport::default()));
        let report = QualityReport { packets_late: 1, ..QualityReport::default() };
        record.customer.quality.push((second, report));
        assert!(losses(&record, &record.agent, &talk).contains("No packet was lost or late"));
        assert!(losses(&record, &record.customer, &talk).contains("<svg"));
    }

    #[test]
    fn a_scale_ends_at_a_round_number_above_everything() {
        let series = |most| [Series { class: "", name: "", points: vec![(0.0, 1.0), (1.0, most)] }];
        assert_eq!(above(&series(3.0), 40.0), 40.0);
        assert_eq!(above(&series(41.0), 40.0), 50.0);
        assert_eq!(above(&series(101.0), 40.0), 200.0);
    }
}
