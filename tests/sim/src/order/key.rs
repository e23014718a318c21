//! What makes two states the same: the text of their `Debug`, with times counted from now and what
//! was drawn at random numbered in the order of its appearance.

use std::collections::BTreeMap;
use std::time::Duration;

/// The boot clock begins here, so that a time in a text is a moment where it is larger, and else a
/// length.
pub(super) const BEGINNING: Duration = Duration::from_secs(1_000_000);
/// Larger still are the times of the wall clock, which decide nothing.
const WALL: f64 = 1e9;
/// Moments that belong to the account's own timers, which the orders leave alone, and the moment
/// that the checks remember: the graph measures the time of each state by itself.
const ASIDE: [&str; 5] = ["heard: ", "since: ", "refresh_at: ", "expires_at: ", "rng: "];

/// The canonical text of a state.
pub(super) fn canonical(debug: &str, now: Duration) -> String {
    let mut text = String::with_capacity(debug.len());
    let mut drawn = BTreeMap::new();
    let mut rest = debug;
    while !rest.is_empty() {
        if let Some(name) = ASIDE.iter().find(|name| rest.starts_with(**name)) {
            let end = rest.find([',', '}', '\n']).unwrap_or(rest.len());
            text.push_str(name);
            rest = &rest[end.max(name.len())..];
            continue;
        }
        let length =
            rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len());
        if length == 0 {
            let width = rest.chars().next().map_or(1, char::len_utf8);
            text.push_str(&rest[..width]);
            rest = &rest[width..];
            // A word begins here: only then is a name of `ASIDE` looked for again.
            continue;
        }
        word(&rest[..length], now, &mut drawn, &mut text);
        rest = &rest[length..];
    }
    text
}

fn word<'a>(word: &'a str, now: Duration, drawn: &mut BTreeMap<&'a str, usize>, text: &mut String) {
    let hex = word.strip_prefix("z9hG4bK").unwrap_or(word);
    let hex = hex.split('.').next().unwrap_or(hex);
    if hex.len() >= 12 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        let next = drawn.len();
        let number = *drawn.entry(hex).or_insert(next);
        text.push_str(&format!("#{number}"));
        return;
    }
    match seconds(word) {
        Some(moment) if moment >= WALL => text.push('W'),
        Some(moment) if moment >= BEGINNING.as_secs_f64() => {
            let micros = ((moment - now.as_secs_f64()) * 1e6).round() as i64;
            text.push_str(&format!("@{micros}"));
        }
        Some(_) | None => text.push_str(word),
    }
}

/// `12.5s` as `Duration` prints it from a second up.
fn seconds(word: &str) -> Option<f64> {
    let number = word.strip_suffix('s')?;
    number.bytes().all(|b| b.is_ascii_digit() || b == b'.').then(|| number.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_counted_from_now_and_lengths_stay() {
        let now = BEGINNING + Duration::from_secs(10);
        let text = canonical("until: 1000042s, interval: 500ms, t2: 4s", now);
        assert_eq!(text, "until: @32000000, interval: 500ms, t2: 4s");
    }

    #[test]
    fn what_was_drawn_is_numbered_by_appearance() {
        let one =
            canonical("tag=00112233445566aa;z9hG4bK0123456789abcdef 00112233445566aa", BEGINNING);
        let two =
            canonical("tag=ff112233445566ff;z9hG4bKfedcba9876543210 ff112233445566ff", BEGINNING);
        assert_eq!(one, two);
        assert_eq!(one, "tag=#0;#1 #0");
    }
}
