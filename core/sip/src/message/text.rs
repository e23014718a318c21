//! Scanners that the typed parsers share: tokens, quoted strings, lists, escapes (RFC 3261 §25.1).
//!
//! All split at ASCII bytes only, so that no slice can fall inside a character.

use super::ParseError;
use std::fmt::Write;

/// Whether the text is a token.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_char)
}

/// A character of a token.
pub(super) fn is_token_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

/// A number of digits only; `None` where it is anything else or too large. (`parse` alone would
/// take `+5`.)
pub(super) fn decimal<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The bytes outside quoted strings, and where they stand.
fn unquoted(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let (mut quoted, mut escaped) = (false, false);
    text.bytes().enumerate().filter(move |(_, byte)| match byte {
        _ if escaped => {
            escaped = false;
            false
        }
        b'\\' if quoted => {
            escaped = true;
            false
        }
        b'"' => {
            quoted = !quoted;
            false
        }
        _ => !quoted,
    })
}

/// Where a byte first stands outside quoted strings.
pub(super) fn find_unquoted(text: &str, wanted: u8) -> Option<usize> {
    if !text.contains('"') {
        return text.find(char::from(wanted));
    }
    unquoted(text).find(|(_, byte)| *byte == wanted).map(|(at, _)| at)
}

/// The trimmed parts between separators outside quoted strings.
pub(super) fn split_unquoted(text: &str, separator: u8) -> Vec<&str> {
    if !text.contains('"') {
        return text.split(char::from(separator)).map(str::trim).collect();
    }
    let cuts = unquoted(text).filter(|(_, byte)| *byte == separator).map(|(at, _)| at);
    split_at(text, cuts)
}

/// The elements of a list: parts between commas outside quoted strings and angle brackets. Empty
/// ones are left out (RFC 3261 §7.3.1).
pub(super) fn split_list(text: &str) -> Vec<&str> {
    if !text.contains(',') {
        return Some(text.trim()).filter(|element| !element.is_empty()).into_iter().collect();
    }
    let mut bracket = false;
    let commas = unquoted(text).filter(|(_, byte)| {
        match byte {
            b'<' => bracket = true,
            b'>' => bracket = false,
            _ => {}
        }
        *byte == b',' && !bracket
    });
    let mut elements = split_at(text, commas.map(|(at, _)| at));
    elements.retain(|element| !element.is_empty());
    elements
}

fn split_at(text: &str, cuts: impl Iterator<Item = usize>) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    for cut in cuts {
        parts.push(text[start..cut].trim());
        start = cut + 1;
    }
    parts.push(text[start..].trim());
    parts
}

/// A quoted string's content with its escapes undone; any other text as it is.
///
/// # Errors
/// A quote that is not closed, text after the closing one, or a quote inside unquoted text.
pub(super) fn unquote(text: &str) -> Result<String, ParseError> {
    let Some(inner) = text.strip_prefix('"') else {
        return match text.contains('"') {
            true => Err(ParseError::malformed("quoted string", "starts in the middle of a value")),
            false => Ok(text.to_owned()),
        };
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, character) in inner.char_indices() {
        match character {
            _ if escaped => {
                value.push(character);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' if at + 1 == inner.len() => return Ok(value),
            '"' => return Err(ParseError::malformed("quoted string", "goes on after its end")),
            _ => value.push(character),
        }
    }
    Err(ParseError::malformed("quoted string", "is not closed"))
}

/// The text as a quoted string.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        if character == '"' || character == '\\' || character.is_ascii_control() {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

/// The text with every byte for which `keep` is false as `%HH`.
pub(super) fn escape(text: &str, keep: impl Fn(u8) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if !character.is_ascii() || keep(character as u8) {
            escaped.push(character);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{:02X}", character as u8);
        }
    }
    escaped
}

/// The bytes that `%HH` escapes stand for where `undo` says so; others stay, in upper case.
pub(super) fn unescape(text: &str, undo: impl Fn(u8) -> bool) -> Vec<u8> {
    let (bytes, mut plain) = (text.as_bytes(), Vec::with_capacity(text.len()));
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match bytes.get(at + 1..at + 3).filter(|_| byte == b'%').and_then(hex) {
            Some(value) if undo(value) => plain.push(value),
            Some(_) => plain.extend(bytes[at..at + 3].iter().map(u8::to_ascii_uppercase)),
            None => {
                plain.push(byte);
                at += 1;
                continue;
            }
        }
        at += 3;
    }
    plain
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    match digits {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_quotes_and_brackets_do_not_split() {
        let list = r#""Ø, \", x" <sip:a,b@example.com>;x="1,2", , <sip:c@example.com>"#;
        let elements = split_list(list);
        assert_eq!(elements.len(), 2);
        assert_eq!(elements[1], "<sip:c@example.com>");
    }

    #[test]
    fn quoting_is_undone_by_unquoting() {
        let text = "a \"b\" \\ c \u{7} é";
        assert_eq!(unquote(&quote(text)), Ok(text.to_owned()));
        assert!(unquote("\"open").is_err());
        assert!(unquote("\"open\\\"").is_err());
        assert!(unquote("\"a\" b").is_err());
    }

    #[test]
    fn a_percent_sign_that_escapes_nothing_stays() {
        assert_eq!(unescape("50%", |_| true), b"50%");
        assert_eq!(unescape("%4", |_| true), b"%4");
        assert_eq!(unescape("%é1", |_| true), "%é1".as_bytes());
        assert_eq!(unescape("%41%3b", |byte| byte != b';'), b"A%3B");
    }

    #[test]
    fn a_sign_is_no_digit() {
        assert_eq!(decimal::<u32>("+5"), None);
        assert_eq!(decimal::<u32>("0005"), Some(5));
        assert_eq!(decimal::<u32>("4294967296"), None);
    }
}
