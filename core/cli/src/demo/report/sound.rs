//! Both directions as waveforms: what one said above, what the other heard below.

use super::super::hearing::{Hearing, Track};
use super::super::record::{Record, Verdict};
use super::html::text;
use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;

const BUCKETS: u32 = 560;
/// The drawing's height; its middle is silence.
const HEIGHT: f32 = 200.0;

/// The section.
pub(super) fn section(record: &Record, verdict: &Verdict) -> String {
    let (agent, customer) = (&record.agent, &record.customer);
    let to_customer = Direction {
        class: "agent",
        mouth: &agent.user,
        ear: &customer.user,
        said: &agent.said,
        heard: &customer.heard,
        hearing: &verdict.customer,
    };
    let to_agent = Direction {
        class: "customer",
        mouth: &customer.user,
        ear: &agent.user,
        said: &customer.said,
        heard: &agent.heard,
        hearing: &verdict.agent,
    };
    let hold = match record.holds.is_empty() {
        true => "",
        false => {
            " While the call is on hold, the agent hears nothing and the customer hears music; \
             that time does not count."
        }
    };
    format!(
        "<section aria-labelledby=\"voices\">\n<h2 id=\"voices\">What was said, and what was \
         heard</h2>\n<p class=\"about\">Each pair has one scale. Seconds from the answer; voices by \
         {}. Alike is how closely the loudness of four frequency bands, every 10 ms, follows what was \
         said: from 70 % on the words are the same.{hold}</p>\n{}{}</section>",
        text(&record.voices),
        to_customer.figure(record),
        to_agent.figure(record)
    )
}

struct Direction<'a> {
    class: &'static str,
    mouth: &'a str,
    ear: &'a str,
    said: &'a Track,
    heard: &'a Track,
    hearing: &'a Hearing,
}

impl Direction<'_> {
    fn figure(&self, record: &Record) -> String {
        let talk = record.talk();
        let (mouth, ear) = (text(self.mouth), text(self.ear));
        let loudest = self.said.within(&talk).iter().chain(self.heard.within(&talk));
        let loudest = f32::from(loudest.map(|s| s.unsigned_abs()).max().unwrap_or(1).max(1));
        let lane = |name: &str, who: &str, track: &Track| {
            format!(
                "<div class=\"lane\"><span class=\"who\"><b>{name}</b> {who}</span>\
                 <svg class=\"wave\" viewBox=\"0 0 {BUCKETS} {HEIGHT}\" preserveAspectRatio=\"none\" \
                 role=\"img\" aria-label=\"What {who} {name}\">{}<path class=\"zero\" \
                 d=\"M0 {middle}H{BUCKETS}\"/><path class=\"sound\" d=\"{}\"/></svg></div>\n",
                holds(record, &talk),
                outline(track, &talk, loudest),
                middle = HEIGHT / 2.0,
            )
        };
        format!(
            "<figure class=\"voices {}\">\n<figcaption><b>{mouth}</b> speaks, <b>{ear}</b> listens \
             <span class=\"result\">{:.0} % alike</span></figcaption>\n{}{}{}{}</figure>\n",
            self.class,
            self.hearing.likeness.max(0.0) * 100.0,
            tags(record, &talk),
            lane("said", &mouth, self.said),
            lane("heard", &ear, self.heard),
            axis(talk.end - talk.start),
        )
    }
}

/// The times of hold, across the drawing.
fn holds(record: &Record, talk: &Range<Duration>) -> String {
    let span = (talk.end - talk.start).as_secs_f64().max(0.001);
    let x = |at: Duration| {
        let inside = at.saturating_sub(talk.start).as_secs_f64() / span;
        inside.clamp(0.0, 1.0) * f64::from(BUCKETS)
    };
    let mut all = String::new();
    for hold in &record.holds {
        let (from, to) = (x(hold.start), x(hold.end));
        // Writing to a string cannot fail.
        let _ = write!(
            all,
            "<rect class=\"hold\" x=\"{from:.1}\" width=\"{:.1}\" height=\"{HEIGHT}\">\
             <title>on hold</title></rect>",
            (to - from).max(0.0)
        );
    }
    all
}

/// The word for a time of hold, at its top.
fn tags(record: &Record, talk: &Range<Duration>) -> String {
    let span = (talk.end - talk.start).as_secs_f64().max(0.001);
    let middle = |hold: &Range<Duration>| {
        let middle = (hold.start + hold.end) / 2;
        middle.saturating_sub(talk.start).as_secs_f64() / span * 100.0
    };
    let tag = |hold| format!("<span style=\"left:{:.1}%\">on hold</span>", middle(hold));
    let tags: String = record.holds.iter().map(tag).collect();
    format!("<div class=\"tags\" aria-hidden=\"true\"><div>{tags}</div></div>\n")
}

/// The loudest and the lowest sample of each bucket, as one closed line.
fn outline(track: &Track, talk: &Range<Duration>, loudest: f32) -> String {
    let step = (talk.end - talk.start) / BUCKETS;
    let y = |sample: i16| HEIGHT / 2.0 * (1.0 - f32::from(sample) / loudest);
    let (mut there, mut back) = (String::new(), Vec::new());
    for bucket in 0..BUCKETS {
        let from = talk.start + step * bucket;
        let samples = track.within(&(from..from + step));
        let high = samples.iter().copied().max().unwrap_or(0).max(0);
        let low = samples.iter().copied().min().unwrap_or(0).min(0);
        let command = if bucket == 0 { 'M' } else { 'L' };
        // Writing to a string cannot fail.
        let _ = write!(there, "{command}{bucket} {:.0}", y(high) - 0.5);
        back.push(format!("L{bucket} {:.0}", y(low) + 0.5));
    }
    back.reverse();
    format!("{there}{}Z", back.concat())
}

/// Seconds below a drawing.
pub(super) fn axis(span: Duration) -> String {
    let span = span.as_secs_f64().max(0.001);
    let step = [1.0, 2.0, 5.0, 10.0, 20.0, 60.0].into_iter().find(|step| span / step <= 13.0);
    let step = step.unwrap_or(60.0);
    let mut ticks = String::new();
    let mut at = 0.0;
    while at <= span {
        // Writing to a string cannot fail.
        let _ = write!(ticks, "<span style=\"left:{:.2}%\">{at:.0}</span>", at / span * 100.0);
        at += step;
    }
    format!("<div class=\"axis\" aria-hidden=\"true\"><div>{ticks}</div></div>\n")
}
