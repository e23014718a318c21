//! The table of figures with their goals beside.

use serde_json::{Value, json};

/// Figures, each with its goal.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
}

/// One line of it.
pub(crate) struct Row {
    what: &'static str,
    condition: &'static str,
    median: f64,
    p95: Option<f64>,
    goal: &'static str,
    met: bool,
}

impl Table {
    /// Times in ms by their median and 95th percentile; the median is held against the goal.
    pub(crate) fn times(
        &mut self,
        what: &'static str,
        condition: &'static str,
        times: &[f64],
        goal: &'static str,
        most: f64,
    ) {
        let (median, p95) = (median(times), Some(percentile(times, 0.95)));
        self.rows.push(Row { what, condition, median, p95, goal, met: median <= most });
    }

    /// How many round trips lie between the medians of the same times near and far.
    pub(crate) fn trips(
        &mut self,
        what: &'static str,
        near: &[f64],
        far: &[f64],
        round_trip: f64,
        goal: &'static str,
        most: f64,
    ) {
        let value = (median(far) - median(near)) / round_trip;
        self.figure(what, "round trips in it", value, goal, most);
    }

    /// One figure.
    pub(crate) fn figure(
        &mut self,
        what: &'static str,
        condition: &'static str,
        value: f64,
        goal: &'static str,
        most: f64,
    ) {
        self.rows.push(Row { what, condition, median: value, p95: None, goal, met: value <= most });
    }

    /// The table in Markdown.
    pub(crate) fn text(&self) -> String {
        let mut text =
            "| what | where | median | P95 | goal | |\n|---|---|--:|--:|---|---|\n".to_owned();
        for Row { what, condition, median, p95, goal, met } in &self.rows {
            let p95 = p95.map_or(String::new(), |p95| format!("{p95:.1}"));
            let mark = if *met { "✓" } else { "✗" };
            text += &format!("| {what} | {condition} | {median:.2} | {p95} | {goal} | {mark} |\n");
        }
        text
    }
}

impl Row {
    /// The same for programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "what": self.what, "where": self.condition, "median": self.median, "p95": self.p95,
            "goal": self.goal, "met": self.met,
        })
    }
}

fn median(times: &[f64]) -> f64 {
    percentile(times, 0.5)
}

fn percentile(times: &[f64], share: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}
