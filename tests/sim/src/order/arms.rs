//! Which arms of the call machine were hit: its trace, held against the patterns of its `match`.

use std::collections::BTreeSet;
use std::sync::Mutex;

/// The machine's trace comes from here.
const TARGET: &str = "sidetone_phone::call::state";

static SEEN: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

/// Listens to the trace of the call machine.
struct Listener;

impl log::Log for Listener {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target() == TARGET
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        // `<call>: <state> takes <input>`
        let text = record.args().to_string();
        let step = text.split_once(": ").and_then(|(_, step)| step.split_once(" takes "));
        if let (Some((state, input)), Ok(mut seen)) = (step, SEEN.lock()) {
            seen.insert((state.to_owned(), input.to_owned()));
        }
    }

    fn flush(&self) {}
}

/// Begins to listen, in this process and from here on.
pub fn listen() {
    if log::set_logger(&Listener).is_ok() {
        log::set_max_level(log::LevelFilter::Trace);
    }
}

/// The arms of the machine in `source`, and those of them that were not hit.
pub fn missed(source: &str) -> (usize, Vec<String>) {
    let seen = SEEN.lock().map(|seen| seen.clone()).unwrap_or_default();
    let arms = arms(source);
    let is_hit = |arm: &String| pairs(arm).iter().any(|pair| seen.contains(pair));
    (arms.len(), arms.iter().filter(|arm| !is_hit(arm)).cloned().collect())
}

/// The patterns of `match (self.state, input)`.
fn arms(source: &str) -> Vec<String> {
    let Some((_, body)) = source.split_once("match (self.state, input) {") else {
        return Vec::new();
    };
    let body: String = body.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let (mut arms, mut pattern, mut depth, mut inside) = (Vec::new(), String::new(), 0, false);
    let mut rest = body.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if inside {
            // The arm's body: a block, or what stands before the next comma.
            let block = c == '}' && depth == 0;
            inside = !(block || (c == ',' && depth == 0));
            if block && rest.peek() == Some(&',') {
                rest.next();
            }
        } else if c == '=' && rest.peek() == Some(&'>') {
            rest.next();
            arms.push(pattern.split_whitespace().collect::<Vec<_>>().join(" "));
            pattern.clear();
            inside = true;
        } else {
            pattern.push(c);
        }
    }
    arms
}

/// The states and inputs that a pattern matches: `(A | B, In::X(_)) | (C, In::Y)`.
fn pairs(arm: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for alternative in split(arm, '|') {
        let tuple = alternative.trim().trim_start_matches('(');
        let Some(tuple) = tuple.strip_suffix(')') else { continue };
        let parts = split(tuple, ',');
        let [states, inputs, ..] = &parts[..] else { continue };
        for state in states.split('|') {
            for input in split(inputs, '|') {
                for name in names(&input) {
                    pairs.push((state.trim().to_owned(), name));
                }
            }
        }
    }
    pairs
}

/// As `In::name` says it.
fn names(input: &str) -> Vec<String> {
    let input = input.trim().trim_start_matches("In::");
    let name = input.split('(').next().unwrap_or(input).trim();
    match (name, input.contains("Ok("), input.contains("Err(")) {
        ("Described", true, _) => vec!["Described".to_owned()],
        ("Described", _, true) => vec!["NotDescribed".to_owned()],
        ("Described", false, false) => {
            vec!["Described".to_owned(), "NotDescribed".to_owned()]
        }
        _ => vec![name.to_owned()],
    }
}

/// Splits where no bracket is open.
fn split(text: &str, at: char) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in text.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        match parts.last_mut() {
            Some(last) if c != at || depth > 0 => last.push(c),
            Some(_) | None => parts.push(String::new()),
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "match (self.state, input) {
        // A comment.
        (A, In::X) => self.x(),
        (A | B, In::Y(y)) => { self.y(y, 1); }
        (A, In::Z(Ok(_)) | In::Described(Err(_)))
        | (B, In::W) => {}
    }";

    #[test]
    fn the_arms_of_a_match_are_found() {
        let expected = ["(A, In::X)", "(A | B, In::Y(y))"];
        let found = arms(SOURCE);
        assert_eq!(found[..2], expected);
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn a_pattern_is_taken_apart() {
        let pair = |state: &str, input: &str| (state.to_owned(), input.to_owned());
        let arms = arms(SOURCE);
        assert_eq!(pairs(&arms[1]), [pair("A", "Y"), pair("B", "Y")]);
        let expected = [pair("A", "Z"), pair("A", "NotDescribed"), pair("B", "W")];
        assert_eq!(pairs(&arms[2]), expected);
    }
}
