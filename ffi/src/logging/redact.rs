//! What a line of the log may show: nothing that opens a door, and nobody's number or name.
//!
//! Messages are redacted where they are logged; this is the net below that, for every line of every
//! library. It knows the app's own secrets by heart, and the places where secrets and numbers stand.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

const MASK: &str = "[redacted]";
/// A shorter secret would be found in ordinary words.
const SHORTEST_SECRET: usize = 4;
/// A run of as many digits is a number of the telephone network.
const SHORTEST_NUMBER: usize = 6;
/// In a field that the server adds (`X-…`) shorter ones are numbers too: those of the house.
const SHORTEST_EXTENSION: usize = 3;
const UUID: usize = 36;

/// What is kept back wherever it stands.
static SECRETS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Keeps this text out of the log from now on.
pub(crate) fn keep_secret(secret: &str) {
    if secret.len() >= SHORTEST_SECRET {
        SECRETS.lock().unwrap_or_else(PoisonError::into_inner).insert(secret.to_owned());
    }
}

/// The text without secrets, numbers and names.
pub(super) fn redact(text: &str) -> String {
    let mut text = text.to_owned();
    // The longest first, for one may be a part of another.
    let mut secrets: Vec<String> =
        SECRETS.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in secrets {
        if text.contains(&secret) {
            text = text.replace(&secret, MASK);
        }
    }
    let rows: Vec<String> = text.split('\n').map(row).collect();
    rows.join("\n")
}

/// Names after which a value is secret, in lower case.
const SECRET_VALUES: [&str; 12] = [
    "response=",
    "cnonce=",
    "password=",
    "password:",
    "credential:",
    "pn-prid=",
    "pn-param=",
    "token=",
    "a=ice-pwd:",
    "ice-pwd:",
    "inline:",
    "k=",
];

/// Fields whose display name is a person's.
const NAMED: [&str; 7] =
    ["from:", "to:", "f:", "t:", "p-asserted-identity:", "remote-party-id:", "diversion:"];

fn row(row: &str) -> String {
    let lower = row.trim_start().to_ascii_lowercase();
    let mut text = row.to_owned();
    if NAMED.iter().any(|name| lower.starts_with(name)) {
        text = without_name(&text);
    }
    for name in SECRET_VALUES {
        text = without_value(&text, name);
    }
    for scheme in ["sip:", "sips:"] {
        text = without_user(&text, scheme);
    }
    let shortest = if lower.starts_with("x-") { SHORTEST_EXTENSION } else { SHORTEST_NUMBER };
    without_numbers(&text, shortest)
}

/// `From: "Anna" <sip:…>` without Anna.
fn without_name(row: &str) -> String {
    let (Some(colon), Some(address)) = (row.find(':'), row.find('<')) else {
        return row.to_owned();
    };
    match row.get(colon + 1..address).map(str::trim) {
        None | Some("") => row.to_owned(),
        Some(_) => format!("{} {MASK} {}", &row[..=colon], &row[address..]),
    }
}

/// `name=value` and `name="value"` without the value. A name begins where no letter is before it.
fn without_value(row: &str, name: &str) -> String {
    replace_after(row, name, |value| {
        let trimmed = value.trim_start_matches(' ');
        let quoted = trimmed.starts_with(['"', '\'']);
        let body = if quoted { trimmed.get(1..)? } else { trimmed };
        let length = match quoted {
            true => body.find(['"', '\'']).unwrap_or(body.len()),
            false => body
                .find(|c: char| c.is_whitespace() || ",;>&\"'".contains(c))
                .unwrap_or(body.len()),
        };
        (length > 0).then_some((value.len() - body.len(), length))
    })
}

/// `sip:user@host` without the user.
fn without_user(row: &str, scheme: &str) -> String {
    replace_after(row, scheme, |rest| {
        let end =
            rest.find(|c: char| c.is_whitespace() || "<>\"".contains(c)).unwrap_or(rest.len());
        rest.get(..end)?.find('@').filter(|at| *at > 0).map(|at| (0, at))
    })
}

/// Masks what `part` finds (from, length) behind each place of `name`, whatever its case.
fn replace_after(row: &str, name: &str, part: impl Fn(&str) -> Option<(usize, usize)>) -> String {
    let mut out = String::with_capacity(row.len());
    let mut rest = row;
    // Lower case of ASCII has the same length.
    while let Some(at) = rest.to_ascii_lowercase().find(name) {
        let behind = at + name.len();
        let begins = !rest[..at].ends_with(|c: char| c.is_alphanumeric());
        out.push_str(&rest[..behind]);
        rest = &rest[behind..];
        if let Some((from, length)) = part(rest).filter(|_| begins) {
            out.push_str(&rest[..from]);
            out.push_str(MASK);
            rest = &rest[from + length..];
        }
    }
    out.push_str(rest);
    out
}

/// The row without runs of so many digits; spaces and hyphens inside a number are a part of it where a
/// `+` begins it. UUIDs stay: they name calls, not people.
fn without_numbers(row: &str, shortest: usize) -> String {
    let mut out = String::with_capacity(row.len());
    let mut rest = row;
    while let Some(first) = rest.chars().next() {
        if let Some(uuid) = rest.get(..UUID).filter(|text| is_uuid(text)) {
            out.push_str(uuid);
            rest = &rest[UUID..];
            continue;
        }
        let international = first == '+' && rest[1..].starts_with(|c: char| c.is_ascii_digit());
        if !first.is_ascii_digit() && !international {
            // Hexadecimal words and names with digits are no numbers: the whole word is passed.
            let word = rest.find(|c: char| !c.is_alphanumeric()).filter(|at| *at > 0);
            let length = match first.is_alphanumeric() {
                true => word.unwrap_or(rest.len()),
                false => first.len_utf8(),
            };
            out.push_str(&rest[..length]);
            rest = &rest[length..];
            continue;
        }
        let inside = |c: char| c.is_ascii_digit() || (international && "+ -()/".contains(c));
        let end = rest.find(|c: char| !inside(c)).unwrap_or(rest.len());
        let number = rest[..end].trim_end_matches(|c: char| !c.is_ascii_digit());
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        let hexadecimal = rest[number.len()..].starts_with(|c: char| c.is_ascii_alphabetic());
        if digits >= shortest && !hexadecimal {
            out.push_str(MASK);
        } else {
            out.push_str(number);
        }
        rest = &rest[number.len()..];
        if hexadecimal {
            let word = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            out.push_str(&rest[..word]);
            rest = &rest[word..];
        }
    }
    out
}

fn is_uuid(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_app_named_as_its_secret_is_nowhere() {
        keep_secret("correct horse");
        keep_secret("correct horse battery");
        assert_eq!(redact("a correct horse battery b"), "a [redacted] b");
        assert_eq!(redact("tried \"correct horse\""), "tried \"[redacted]\"");
    }

    #[test]
    fn secrets_are_masked_where_they_stand() {
        for (line, shown) in [
            (
                "Authorization: Digest username=\"a\", response=\"6629fae49393a05397450978507c4ef1\", qop=auth",
                "Authorization: Digest username=\"a\", response=\"[redacted]\", qop=auth",
            ),
            ("a=ice-pwd:asd88fgpdd777uzjYhagZg", "a=ice-pwd:[redacted]"),
            ("ufrag x, ICE-PWD:abc, done", "ufrag x, ICE-PWD:[redacted], done"),
            ("a=crypto:1 AES inline:WVNfX19zZW1jdGw|2^20", "a=crypto:1 AES inline:[redacted]"),
            (
                "Contact: <sips:x@h;pn-prid=ZmNtIHRva2Vu;ob>",
                "Contact: <sips:[redacted]@h;pn-prid=[redacted];ob>",
            ),
            ("TURN password: hunter22", "TURN password: [redacted]"),
        ] {
            assert_eq!(redact(line), shown);
        }
        let kept = "a=fingerprint:sha-256 12:AB:34:CD a=ice-ufrag:abcd";
        assert_eq!(redact(kept), kept);
    }

    #[test]
    fn nobody_is_named_or_numbered() {
        for (line, shown) in [
            (
                "From: \"Anna M\" <sip:+4989123456@example.com>;tag=a",
                "From: [redacted] <sip:[redacted]@example.com>;tag=a",
            ),
            (
                "INVITE sip:600@pbx.example.com SIP/2.0",
                "INVITE sip:[redacted]@pbx.example.com SIP/2.0",
            ),
            ("dialled 004989123456", "dialled [redacted]"),
            ("dialled +49 89 123-456, then hung up", "dialled [redacted], then hung up"),
            ("X-Queue-Caller: 2001", "X-Queue-Caller: [redacted]"),
        ] {
            assert_eq!(redact(line), shown);
        }
    }

    #[test]
    fn what_helps_to_find_a_fault_stays() {
        for line in [
            "INVITE sip:pbx.example.com SIP/2.0",
            "call 3f2504e0-4f89-11d3-9a0c-0305e82c3301: Ringing takes Answer",
            "call 12345678-1234-1234-1234-123456789012 ended",
            "connected to 192.0.2.10:8089 after 35 ms",
            "branch=z9hG4bK776asdhds tag=49583",
            "X-Call-UID: 3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "Grüße, 50 € — ok",
        ] {
            assert_eq!(redact(line), line);
        }
    }
}
