//! The SIP ladder: two rails, an arrow a message, and the message itself to unfold.

use super::super::ladder::Rung;
use super::super::record::Record;
use super::html::{milliseconds, text};
use std::fmt::Write as _;

/// The section.
pub(super) fn section(record: &Record) -> String {
    let mut rungs = String::new();
    for rung in &record.ladder {
        // Writing to a string cannot fail.
        let _ = write!(rungs, "{}", rung_of(rung));
    }
    format!(
        "<section aria-labelledby=\"ladder\">\n<h2 id=\"ladder\">The SIP ladder</h2>\n\
         <p class=\"about\">What {user}’s phone and the server said to each other. Unfold a line \
         to read the message.</p>\n<div class=\"ladder\">\n\
         <div class=\"rung head\" aria-hidden=\"true\"><span class=\"time\">ms</span>\
         <span class=\"ends\"><b>{user}</b><b>server</b></span></div>\n{rungs}</div>\n</section>",
        user = text(&record.agent.user)
    )
}

fn rung_of(rung: &Rung) -> String {
    let (class, from, line, head) = match rung.sent {
        true => ("sent", "phone to server", "M0 5H98", "M92 1 99 5 92 9"),
        false => ("received", "server to phone", "M2 5H100", "M8 1 1 5 8 9"),
    };
    let label = text(&rung.label);
    format!(
        "<details class=\"rung {class}\"><summary><span class=\"time\">{time}</span>\
         <span class=\"lane\"><span class=\"label\">{label}</span>\
         <svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{from}: {label}\"><path d=\"{line}\"/></svg>\
         <svg class=\"tip\" viewBox=\"{tip}\" aria-hidden=\"true\"><path d=\"{head}\"/></svg></span>\
         <span class=\"note\">{note}</span></summary><pre>{message}</pre></details>\n",
        time = milliseconds(rung.at),
        tip = if rung.sent { "90 0 10 10" } else { "0 0 10 10" },
        note = text(&rung.note),
        message = text(rung.text.trim_end()),
    )
}
