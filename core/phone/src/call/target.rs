//! What was dialled, as an address (RFC 3261 §19.1.6, RFC 3966 §5.1.1 visual separators).

use crate::{Account, CommandError, SupervisionMode};
use sidetone_sip::message::Scheme;
use sidetone_sip::{NameAddr, Uri};

/// The most characters of what can be dialled.
const LONGEST: usize = 256;
/// The same of a code: an extension of Asterisk's dial plan has at most 79.
const LONGEST_CODE: usize = 64;
/// The same of an agent's name, which a code of 39 more is made of.
const LONGEST_AGENT: usize = 40;

/// The address of a number, a user name or a `sip:` address.
///
/// # Errors
/// [`CommandError::InvalidTarget`].
pub(crate) fn parse(text: &str, account: &Account) -> Result<Uri, CommandError> {
    let text = text.trim();
    let error = CommandError::InvalidTarget;
    if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(error);
    }
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("tel") => at_home(number(&text[4..]).ok_or(error)?, account),
        _ if text.contains('<') => address(NameAddr::parse(text).map_err(|_| error)?.uri),
        Some("sip" | "sips") => address(Uri::parse(text).map_err(|_| error)?),
        // Of another scheme: no user with a password.
        Some(scheme) if text.contains('@') && !scheme.contains('@') => Err(error),
        _ if text.contains('@') => address(Uri::parse(&format!("sip:{text}")).map_err(|_| error)?),
        _ => at_home(number(text).or_else(|| user(text)).ok_or(error)?, account),
    }
}

/// The address of a code of the server's dial plan, which is sent as it is.
///
/// # Errors
/// [`CommandError::InvalidCode`].
pub(crate) fn code(text: &str, account: &Account) -> Result<Uri, CommandError> {
    let text = text.trim();
    let valid = |b: u8| b.is_ascii_alphanumeric() || b"*#-_.+!".contains(&b);
    if text.is_empty() || text.len() > LONGEST_CODE || !text.bytes().all(valid) {
        return Err(CommandError::InvalidCode);
    }
    at_home(text.replace('#', "%23"), account).map_err(|_| CommandError::InvalidCode)
}

/// The address of the code that supervises an agent, and the agent's.
///
/// # Errors
/// [`CommandError::InvalidAgent`].
pub(crate) fn supervision(
    agent: &str,
    mode: SupervisionMode,
    follow: bool,
    account: &Account,
) -> Result<(Uri, Uri), CommandError> {
    let valid = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    if agent.is_empty() || agent.len() > LONGEST_AGENT || !agent.bytes().all(valid) {
        return Err(CommandError::InvalidAgent);
    }
    let follow = if follow { "*follow" } else { "" };
    let code = at_home(format!("sidetone*supervise*{agent}*{mode}{follow}"), account)?;
    Ok((code, at_home(agent.to_owned(), account)?))
}

/// A complete address, without what could add header fields to the INVITE (RFC 3261 §19.1.5).
fn address(mut uri: Uri) -> Result<Uri, CommandError> {
    let sip = matches!(uri.scheme, Scheme::Sip | Scheme::Sips);
    if !sip || uri.host.is_none() || uri.user.as_deref().is_none_or(str::is_empty) {
        return Err(CommandError::InvalidTarget);
    }
    uri.headers = None;
    uri.params.remove("method");
    Ok(uri)
}

fn at_home(user: String, account: &Account) -> Result<Uri, CommandError> {
    let mut uri = account.aor.clone();
    uri.user = Some(user);
    uri.params = Default::default();
    uri.headers = None;
    Ok(uri)
}

/// Digits, `*`, `#` and one leading `+`; what people write between them is left out.
fn number(text: &str) -> Option<String> {
    let mut digits = String::new();
    for character in text.trim().chars() {
        match character {
            '0'..='9' | '*' => digits.push(character),
            '#' => digits.push_str("%23"),
            '+' if digits.is_empty() => digits.push('+'),
            ' ' | '\u{a0}' | '\u{202f}' | '-' | '.' | '(' | ')' | '/' => {}
            _ => return None,
        }
    }
    (!digits.is_empty() && digits != "+").then_some(digits)
}

/// A user name: at least one letter or digit in it.
fn user(text: &str) -> Option<String> {
    let valid = |b: u8| b.is_ascii_alphanumeric() || b"-_.!~*'+&=$".contains(&b);
    let named = text.bytes().any(|b| b.is_ascii_alphanumeric());
    (named && text.bytes().all(valid)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    fn dial(text: &str) -> Option<String> {
        let account = Account::new("sip:agent1@pbx.example", Secret::new("x")).unwrap();
        parse(text, &account).ok().map(|uri| uri.to_string())
    }

    #[test]
    fn a_number_loses_what_people_write_between_digits() {
        let wanted = Some("sip:+39055123456@pbx.example".to_owned());
        for text in
            ["+39 055 123456", "+39-055-123.456", " +39 (055) 12/34\u{a0}56 ", "tel:+39055123456"]
        {
            assert_eq!(dial(text), wanted, "{text}");
        }
        assert_eq!(dial("*45").as_deref(), Some("sip:*45@pbx.example"));
        assert_eq!(dial("#9").as_deref(), Some("sip:%239@pbx.example"));
    }

    #[test]
    fn a_user_name_and_an_address_are_kept() {
        assert_eq!(dial("anna.rossi").as_deref(), Some("sip:anna.rossi@pbx.example"));
        assert_eq!(dial("sip:bob@other.example").as_deref(), Some("sip:bob@other.example"));
        assert_eq!(dial("bob@other.example").as_deref(), Some("sip:bob@other.example"));
        assert_eq!(dial("\"Bob\" <sip:bob@b.example>").as_deref(), Some("sip:bob@b.example"));
    }

    #[test]
    fn a_code_is_sent_as_it_is() {
        let account = Account::new("sip:agent1@pbx.example", Secret::new("x")).unwrap();
        let dial = |text: &str| code(text, &account).map(|uri| uri.to_string());
        assert_eq!(dial(" *46*lunch-break ").as_deref(), Ok("sip:*46*lunch-break@pbx.example"));
        assert_eq!(dial("#9").as_deref(), Ok("sip:%239@pbx.example"));
        assert!(dial(&"1".repeat(64)).is_ok());
        for text in ["", " ", "*4 6", "a@b", "sip:a", "a;b=c", "a?b", "ä", "*4\r\n5", "<1>"] {
            assert_eq!(dial(text), Err(CommandError::InvalidCode), "{text:?}");
        }
        assert_eq!(dial(&"1".repeat(65)), Err(CommandError::InvalidCode));
    }

    #[test]
    fn an_address_cannot_bring_header_fields_along() {
        let uri = dial("sip:bob@b.example?Replaces=1&Route=sip:evil").unwrap();
        assert_eq!(uri, "sip:bob@b.example");
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for text in ["", " ", "+", "()", "http://x", "a b", "sip:", "bob\r\nVia: x", "12\u{0}3"] {
            assert_eq!(dial(text), None, "{text:?}");
        }
        for text in
            ["sip:b.example", "sip:@b.example", "<im:bob@b.example>", "mailto:bob@b.example"]
        {
            assert_eq!(dial(text), None, "{text:?}");
        }
        assert_eq!(dial("bob@b.example:5061").as_deref(), Some("sip:bob@b.example:5061"));
        assert_eq!(dial(&"1".repeat(300)), None);
    }
}
