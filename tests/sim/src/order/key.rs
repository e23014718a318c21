//! What makes two states the same: the text of their `Debug` without what decides nothing.
//!
//! Times are counted from now, and what is past is only that: whatever looks at a moment asks
//! whether it has come. What was drawn at random, the numbers of flows and descriptions, and the CSeq
//! numbers of the phone are only ever compared for equality: they are numbered in the order of their
//! appearance. Of the text a hash is kept.

use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hasher};
use std::time::Duration;

/// The boot clock begins here, so that a time in a text is a moment where it is larger, and else a
/// length.
pub(super) const BEGINNING: Duration = Duration::from_secs(1_000_000);
/// Time passes in steps of this length: what is due between two comes to pass at the second, as on a
/// phone that wakes a little late. All lengths that are not drawn at random are multiples.
pub(super) const STEP: Duration = Duration::from_millis(500);
/// Moments that belong to the account's own timers, which the orders leave alone, the moment that the
/// checks remember (the graph measures the time of each state by itself), the numbers that the
/// account gives away, and the state of the generator. A `sequence` is beside the message that has it.
const ASIDE: [&str; 9] = [
    "heard",
    "since",
    "refresh_at",
    "expires_at",
    "next_flow",
    "sequence",
    "local_sequence",
    "register_sequence",
    "rng",
];

/// The moment at which what is due then comes to pass.
pub(super) fn step_after(due: Duration) -> Duration {
    let steps = due.saturating_sub(BEGINNING).as_micros().div_ceil(STEP.as_micros());
    BEGINNING + STEP * u32::try_from(steps).unwrap_or(u32::MAX)
}

/// The hash of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(u64, u64);

/// The hash of the canonical text of a state. `idle`: no 2xx of the other side will come again, so
/// that the transactions that wait for one decide nothing.
pub(super) fn key(state: &impl fmt::Debug, idle: bool, now: Duration) -> Key {
    let mut debug = String::with_capacity(1 << 13);
    // Writing to a `String` cannot fail.
    let _ = write!(debug, "{state:?}");
    let text = canonical(&debug, idle, now);
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(seed);
        hasher.write(text.as_bytes());
        hasher.finish()
    };
    Key(half(0), half(1))
}

/// The canonical text.
pub(super) fn canonical(debug: &str, idle: bool, now: Duration) -> String {
    let mut text = String::with_capacity(debug.len());
    let mut numbers = Numbers::default();
    let bytes = debug.as_bytes();
    // What stands between `copied` and `at` is taken as it is.
    let (mut copied, mut at) = (0, 0);
    while at < bytes.len() {
        let start = at;
        while bytes.get(at).is_some_and(|byte| is_of_word(*byte)) {
            at += 1;
        }
        let (word, after) = (&debug[start..at], &debug[at..]);
        if idle
            && word == "ClientKey"
            && let Some(length) = idle_client(&debug[start..])
        {
            text.push_str(&debug[copied..start]);
            at = start + length;
            if debug[at..].starts_with(", ") {
                at += 2;
            } else if text.ends_with(", ") {
                text.truncate(text.len() - 2);
            }
            copied = at;
        } else if let Some(id) = drawn_id(word, &debug[start..]) {
            text.push_str(&debug[copied..start]);
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{}", numbers.drawn(id));
            at = start + id.len();
            copied = at;
        } else if after.starts_with(": ") && ASIDE.contains(&word) {
            text.push_str(&debug[copied..at]);
            at += after.find([',', '}', '\n']).unwrap_or(after.len());
            copied = at;
        } else if let Some(what) = numbers.replaced(word, &debug[..start], now) {
            text.push_str(&debug[copied..start]);
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{what}");
            copied = at;
        }
        while bytes.get(at).is_some_and(|byte| !is_of_word(*byte)) {
            at += 1;
        }
    }
    text.push_str(&debug[copied..]);
    text
}

/// How long the text of a client transaction is that only waits for more of a 2xx, where one begins.
fn idle_client(text: &str) -> Option<usize> {
    const END: &str = ", interval: 500ms }) }";
    let (_, machine) = text.strip_prefix("ClientKey { ")?.split_once(" }: ")?;
    let (_, machine) = machine.strip_prefix("Client { ")?.split_once("machine: ")?;
    let machine = machine.strip_prefix("Invite(ClientInvite { state: ")?;
    let rest = machine.strip_prefix("Accepted, ").or(machine.strip_prefix("Lost, "))?;
    Some(text.len() - rest.len() + rest.find(END)? + END.len())
}

/// The UUID of a call that the phone has named itself, where one begins; those that were given to it stay.
fn drawn_id<'a>(word: &str, text: &'a str) -> Option<&'a str> {
    const LENGTH: usize = 36;
    let id = text.get(..LENGTH).filter(|_| word.len() == 8 && text[8..].starts_with('-'))?;
    (!id.starts_with("00000000-") && uuid::Uuid::try_parse(id).is_ok()).then_some(id)
}

fn is_of_word(byte: u8) -> bool {
    OF_WORD[byte as usize]
}

const OF_WORD: [bool; 256] = {
    let (mut table, mut byte) = ([false; 256], 0);
    while byte < 256 {
        let char = byte as u8;
        table[byte] = char.is_ascii_alphanumeric() || char == b'.' || char == b'_';
        byte += 1;
    }
    table
};

/// Whether the header field after this text belongs to a request of the phone or its response.
fn is_of_phone(before: &str) -> bool {
    before.rsplit_once("From: <sip:").is_some_and(|(_, from)| from.starts_with("agent"))
}

/// What stands for a word.
enum Replaced {
    Number(usize),
    Past,
    /// A moment so many steps from now.
    In(u64),
}

impl fmt::Display for Replaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "#{number}"),
            Self::Past => f.write_str("@past"),
            Self::In(steps) => write!(f, "@{steps}"),
        }
    }
}

/// Numbers given away in the order of appearance.
#[derive(Default)]
struct Numbers<'a> {
    drawn: Vec<&'a str>,
    flows: Vec<&'a str>,
    generations: Vec<&'a str>,
    sequences: Vec<&'a str>,
}

impl<'a> Numbers<'a> {
    fn replaced(&mut self, word: &'a str, before: &str, now: Duration) -> Option<Replaced> {
        let first = *word.as_bytes().first()?;
        if !matches!(first, b'0'..=b'9' | b'a'..=b'f' | b'z') {
            return None;
        }
        let hex = word.strip_prefix("z9hG4bK").unwrap_or(word);
        let hex = hex.split('.').next().unwrap_or(hex);
        let is_hex = |b| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        let (numbers, word) = if hex.len() >= 12 && hex.bytes().all(is_hex) {
            return Some(self.drawn(hex));
        } else if !first.is_ascii_digit() {
            return None;
        } else if before.ends_with("FlowId(") {
            (&mut self.flows, word)
        } else if before.ends_with("Generation(") {
            (&mut self.generations, word)
        } else if before.ends_with("CSeq: ") && is_of_phone(before) {
            (&mut self.sequences, word)
        } else {
            let moment = seconds(word).filter(|moment| *moment >= BEGINNING.as_secs_f64())?;
            let wall = super::edge::WALL.as_secs_f64();
            let moment = if moment >= wall { moment - wall } else { moment };
            let left = ((moment - now.as_secs_f64()) / STEP.as_secs_f64()).ceil();
            return Some(if left > 0.0 { Replaced::In(left as u64) } else { Replaced::Past });
        };
        Some(number(numbers, word))
    }

    fn drawn(&mut self, word: &'a str) -> Replaced {
        number(&mut self.drawn, word)
    }
}

fn number<'a>(numbers: &mut Vec<&'a str>, word: &'a str) -> Replaced {
    let known = numbers.iter().position(|known| *known == word);
    Replaced::Number(known.unwrap_or_else(|| {
        numbers.push(word);
        numbers.len() - 1
    }))
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
    fn moments_are_counted_from_now_in_steps_and_lengths_stay() {
        let now = BEGINNING + Duration::from_secs(10);
        let text =
            canonical("until: 1000042s, at: 1000010.3s, interval: 500ms, t2: 4s", false, now);
        assert_eq!(text, "until: @64, at: @1, interval: 500ms, t2: 4s");
    }

    #[test]
    fn what_is_past_is_only_that() {
        let now = BEGINNING + Duration::from_secs(10);
        assert_eq!(canonical("a: 1000010s, b: 1000001.5s", false, now), "a: @past, b: @past");
    }

    #[test]
    fn what_was_drawn_is_numbered_by_appearance() {
        let one = canonical(
            "tag=00112233445566aa;z9hG4bK0123456789abcdef 00112233445566aa",
            false,
            BEGINNING,
        );
        let two = canonical(
            "tag=ff112233445566ff;z9hG4bKfedcba9876543210 ff112233445566ff",
            false,
            BEGINNING,
        );
        assert_eq!(one, two);
        assert_eq!(one, "tag=#0;#1 #0");
    }

    #[test]
    fn calls_that_the_phone_has_named_are_numbered_and_those_named_for_it_stay() {
        let ours = "CallId(00000000-0000-4000-8000-000000000001)";
        let text = format!("{ours} CallId(7c9e6679-7425-40de-944b-e07fc1f90ae7) now");
        let again = text.replace("7c9e", "8c9e");
        let expected = canonical(&again, false, BEGINNING);
        assert_eq!(canonical(&text, false, BEGINNING), expected);
        assert!(expected.ends_with(") CallId(#1) now"), "{expected}");
    }

    #[test]
    fn flows_and_descriptions_are_numbered_each_for_themselves() {
        let text = "FlowId(7) FlowId(9) FlowId(7) Generation(9)";
        let expected = "FlowId(#0) FlowId(#1) FlowId(#0) Generation(#0)";
        assert_eq!(canonical(text, false, BEGINNING), expected);
    }

    #[test]
    fn the_sequence_numbers_of_the_phone_are_numbered_and_those_of_the_other_side_stay() {
        let text = "From: <sip:agent@a>\nCSeq: 4 BYE\nFrom: <sip:caller@a>\nCSeq: 3 BYE\n";
        let expected = "From: <sip:agent@a>\nCSeq: #0 BYE\nFrom: <sip:caller@a>\nCSeq: 3 BYE\n";
        assert_eq!(canonical(text, false, BEGINNING), expected);
    }

    #[test]
    fn a_client_that_waits_for_nothing_leaves_no_trace() {
        let client = |state: &str| {
            format!(
                "ClientKey {{ branch: \"b\" }}: Client {{ flow: FlowId(1), machine: \
                 Invite(ClientInvite {{ state: {state}, ack: None, interval: 500ms }}) }}"
            )
        };
        let (idle, busy) = (client("Accepted"), client("Calling"));
        let alone = canonical(&format!("{{{busy}}}"), true, BEGINNING);
        assert_eq!(canonical(&format!("{{{idle}, {busy}}}"), true, BEGINNING), alone);
        assert_eq!(canonical(&format!("{{{busy}, {idle}}}"), true, BEGINNING), alone);
        assert_eq!(canonical(&format!("{{{idle}}}"), true, BEGINNING), "{}");
        assert_ne!(canonical(&format!("{{{idle}}}"), false, BEGINNING), "{}");
    }

    #[test]
    fn only_whole_names_are_left_aside() {
        let text =
            canonical("remote_sequence: Some(2), sequence: 3, since: 5s }", false, BEGINNING);
        assert_eq!(text, "remote_sequence: Some(2), sequence, since}");
    }
}
