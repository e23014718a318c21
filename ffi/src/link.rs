//! The sign-in link that a QR code carries: everything but the password.
//!
//! `sidetone://sign-in?account=sip%3Aagent1%40example.com&server=wss%3A%2F%2Fpbx.example.com%3A8089%2Fws`,
//! with `server` once or more, and `name` and `user` where they are set (RFC 3986 §2.1 escapes).

use crate::LinkError;
use sidetone_phone::{Account, Secret, ServerAddress};

/// The longest link that is read; a QR code carries at most 2,953 bytes.
const LONGEST: usize = 4096;
const SERVERS: usize = 8;
const PREFIX: &str = "sidetone://sign-in?";

/// What a sign-in link says.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SignInLink {
    /// The address of record.
    pub aor: String,
    /// `wss://` addresses, in order of preference.
    pub servers: Vec<String>,
    /// The user name for authentication, where it is not the address's user.
    pub username: Option<String>,
    /// The name shown to others.
    pub display_name: Option<String>,
}

/// Reads a sign-in link. What it says can be used as it is; the password is asked of the user.
#[uniffi::export]
pub fn parse_sign_in_link(text: String) -> Result<SignInLink, LinkError> {
    let text = text.trim();
    let known = text.len() <= LONGEST && text.get(..PREFIX.len()).is_some_and(is_prefix);
    let Some(query) = text.get(PREFIX.len()..).filter(|_| known) else {
        return Err(LinkError::NotALink {
            what: "This is not a sign-in link".to_owned(),
            advice: format!(
                "Scan the code that your administrator gave you: it begins with {PREFIX}"
            ),
        });
    };
    let mut account = None;
    let mut username = None;
    let mut display_name = None;
    let mut servers = Vec::new();
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let value =
            unescape(value).ok_or_else(|| incomplete(format!("\"{key}\" cannot be read")))?;
        let slot = match key {
            "account" => &mut account,
            "user" => &mut username,
            "name" => &mut display_name,
            "server" => {
                servers.push(value);
                continue;
            }
            // A later version may say more.
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(incomplete(format!("\"{key}\" is there twice")));
        }
    }
    let aor = account.ok_or_else(|| incomplete("The account is missing".to_owned()))?;
    Account::new(&aor, Secret::new(""))
        .map_err(|_| incomplete("The account is not an address".to_owned()))?;
    if servers.is_empty() || servers.len() > SERVERS {
        return Err(incomplete(format!("It must name 1 to {SERVERS} servers")));
    }
    if servers.iter().any(|server| server.parse::<ServerAddress>().is_err()) {
        return Err(incomplete("A server is not a wss:// address".to_owned()));
    }
    Ok(SignInLink { aor, servers, username, display_name })
}

fn is_prefix(text: &str) -> bool {
    text.eq_ignore_ascii_case(PREFIX)
}

fn incomplete(what: String) -> LinkError {
    LinkError::Incomplete { what, advice: "Ask your administrator for a new code".to_owned() }
}

/// Text without percent escapes and without control characters, or `None`.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |b: u8| char::from(b).to_digit(16);
                let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
                u8::try_from(value).ok()?
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SignInLink, LinkError> {
        parse_sign_in_link(text.to_owned())
    }

    const GOOD: &str = "sidetone://sign-in?account=sip%3Aagent1%40example.com\
        &server=wss%3A%2F%2Fpbx.example.com%3A8089%2Fws&server=wss://b.example.com&name=Anna+M%C3%BCller";

    #[test]
    fn a_link_gives_the_account_and_its_servers_in_order() {
        let link = read(GOOD).unwrap();
        assert_eq!(link.aor, "sip:agent1@example.com");
        assert_eq!(link.servers, ["wss://pbx.example.com:8089/ws", "wss://b.example.com"]);
        assert_eq!(link.display_name.as_deref(), Some("Anna Müller"));
        assert_eq!(link.username, None);
    }

    #[test]
    fn a_key_of_a_later_version_is_passed_over() {
        assert_eq!(read(&format!("{GOOD}&colour=green")), read(GOOD));
    }

    #[test]
    fn what_is_no_link_is_told_apart_from_a_broken_one() {
        for text in ["", "https://example.com", "sidetone://sign-out?account=sip:a@b", "sidetone:"]
        {
            assert!(matches!(read(text), Err(LinkError::NotALink { .. })), "{text}");
        }
        let long = format!("{GOOD}&x={}", "y".repeat(LONGEST));
        assert!(matches!(read(&long), Err(LinkError::NotALink { .. })));
        for text in [
            "sidetone://sign-in?server=wss://b.example.com",
            "sidetone://sign-in?account=sip:a@b",
            "sidetone://sign-in?account=sip:a@b&server=ws://b.example.com",
            "sidetone://sign-in?account=agent1&server=wss://b.example.com",
            "sidetone://sign-in?account=sip:a@b&account=sip:c@d&server=wss://b.example.com",
            "sidetone://sign-in?account=sip:a@b%&server=wss://b.example.com",
            "sidetone://sign-in?account=sip:a@b&name=%00&server=wss://b.example.com",
            "sidetone://sign-in?account=sip:a@b&name=%ff&server=wss://b.example.com",
        ] {
            assert!(matches!(read(text), Err(LinkError::Incomplete { .. })), "{text}");
        }
    }
}
