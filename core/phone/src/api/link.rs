//! The sign-in link that a QR code carries: everything but the password.
//!
//! `sidetone://sign-in?account=sip%3Aagent1%40example.com&server=wss%3A%2F%2Fpbx.example.com%3A8089%2Fws`,
//! with `server` once or more, and `name`, `user`, `transfers-return` and `expires` where they are set (RFC 3986 §2.1 escapes).
//! Whether a `signature` is right is not known here.

use super::{Account, ConfigError, Secret, ServerAddress, TransfersReturn, UnixTime};
use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::time::Duration;

/// The longest link that is read; a QR code carries at most 2,953 bytes.
const LONGEST: usize = 4096;
const SERVERS: usize = 8;
const PREFIX: &str = "sidetone://sign-in?";

/// What a sign-in link says. It is checked: an account and servers of it can be used as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInLink {
    /// The address of record.
    pub aor: String,
    /// The servers, in order of preference; 1 to 8.
    pub servers: Vec<ServerAddress>,
    /// The user name for authentication, where it is not the address's user.
    pub username: Option<String>,
    /// The name shown to others.
    pub display_name: Option<String>,
    /// Whether the server brings back the caller of a blind transfer that nobody takes.
    pub transfers_return: TransfersReturn,
    /// From when on it is not to be used, in whole seconds.
    pub expires: Option<UnixTime>,
}

/// Why a text is no sign-in link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It is something else, or longer than any code.
    #[error("this is not a sign-in link: one begins with {PREFIX}")]
    NotALink,
    /// What this key says is no text.
    #[error("what the link says for \"{0}\" cannot be read")]
    Unreadable(String),
    /// Which of both is meant cannot be known.
    #[error("the link says \"{0}\" twice")]
    Twice(&'static str),
    /// Nobody can sign in.
    #[error("the link names no account")]
    NoAccount,
    /// What it gives as the account is none.
    #[error("the link is wrong: {0}")]
    Account(ConfigError),
    /// None, or too many.
    #[error("the link names {0} servers, and must name 1 to {SERVERS}")]
    Servers(usize),
    /// What it gives as a server is none, or one that is not spoken to by TLS.
    #[error("the link is wrong: {0}")]
    Server(ConfigError),
    /// A phone that trusts some keys takes no other link.
    #[error("nobody has signed this link")]
    NotSigned,
    /// It was changed, or signed by somebody else.
    #[error("the link is not signed by whom this phone trusts")]
    WrongSignature,
    /// Its time is over.
    #[error("the link has expired")]
    Expired,
}

impl FromStr for SignInLink {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        let is_known = text.len() <= LONGEST && text.get(..PREFIX.len()).is_some_and(is_prefix);
        let query = text.get(PREFIX.len()..).filter(|_| is_known).ok_or(LinkError::NotALink)?;
        let (mut aor, mut username, mut display_name, mut expires) = (None, None, None, None);
        let (mut servers, mut transfers_return) = (Vec::new(), None);
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let read = || unescape(value).ok_or_else(|| LinkError::Unreadable(key.to_owned()));
            match key {
                "account" => once(&mut aor, "account", read()?)?,
                "user" => once(&mut username, "user", read()?)?,
                "name" => once(&mut display_name, "name", read()?)?,
                "expires" => {
                    let seconds = read()?.parse().ok();
                    let seconds = seconds.ok_or_else(|| LinkError::Unreadable(key.to_owned()))?;
                    once(&mut expires, "expires", UnixTime(Duration::from_secs(seconds)))?;
                }
                "transfers-return" => {
                    let said = match read()?.as_str() {
                        "yes" => TransfersReturn::Yes,
                        "no" => TransfersReturn::No,
                        _ => return Err(LinkError::Unreadable(key.to_owned())),
                    };
                    once(&mut transfers_return, "transfers-return", said)?;
                }
                "server" => servers.push(read()?),
                // A later version may say more.
                _ => {}
            }
        }
        let aor = aor.ok_or(LinkError::NoAccount)?;
        Account::new(&aor, Secret::new("")).map_err(LinkError::Account)?;
        if servers.is_empty() || servers.len() > SERVERS {
            return Err(LinkError::Servers(servers.len()));
        }
        let servers = servers.iter().map(|server| server.parse().map_err(LinkError::Server));
        let servers = servers.collect::<Result<_, _>>()?;
        let transfers_return = transfers_return.unwrap_or_default();
        Ok(Self { aor, servers, username, display_name, transfers_return, expires })
    }
}

impl fmt::Display for SignInLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}account={}", escape(&self.aor))?;
        for server in &self.servers {
            write!(f, "&server={}", escape(&server.to_string()))?;
        }
        for (key, value) in [("user", &self.username), ("name", &self.display_name)] {
            if let Some(value) = value {
                write!(f, "&{key}={}", escape(value))?;
            }
        }
        match self.transfers_return {
            TransfersReturn::Unknown => {}
            TransfersReturn::Yes => f.write_str("&transfers-return=yes")?,
            TransfersReturn::No => f.write_str("&transfers-return=no")?,
        }
        if let Some(UnixTime(expires)) = self.expires {
            write!(f, "&expires={}", expires.as_secs())?;
        }
        Ok(())
    }
}

fn is_prefix(text: &str) -> bool {
    text.eq_ignore_ascii_case(PREFIX)
}

fn once<T>(slot: &mut Option<T>, key: &'static str, value: T) -> Result<(), LinkError> {
    slot.replace(value).map_or(Ok(()), |_| Err(LinkError::Twice(key)))
}

/// Text in which only the unreserved characters are not escaped.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            other => {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "%{other:02X}");
            }
        }
    }
    escaped
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
        text.parse()
    }

    const GOOD: &str = "sidetone://sign-in?account=sip%3Aagent1%40example.com\
        &server=wss%3A%2F%2Fpbx.example.com%3A8089%2Fws&server=wss://b.example.com&name=Anna+M%C3%BCller";

    #[test]
    fn a_link_gives_the_account_and_its_servers_in_order() {
        let link = read(GOOD).unwrap();
        assert_eq!(link.aor, "sip:agent1@example.com");
        let servers: Vec<_> = link.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["wss://pbx.example.com:8089/ws", "wss://b.example.com:443/ws"]);
        assert_eq!(link.display_name.as_deref(), Some("Anna Müller"));
        assert_eq!(link.username, None);
        assert_eq!(link.transfers_return, TransfersReturn::Unknown);
        let link = read(&format!("{GOOD}&transfers-return=no")).unwrap();
        assert_eq!(link.transfers_return, TransfersReturn::No);
    }

    #[test]
    fn what_a_link_is_made_of_is_read_from_it_again() {
        let link = SignInLink {
            aor: "sip:+4930123@example.com".to_owned(),
            servers: vec!["wss://a:8089/ws?x=1&y=2".parse().unwrap(), "wss://b".parse().unwrap()],
            username: Some("a & b=c%+".to_owned()),
            display_name: Some("Ünal #1".to_owned()),
            transfers_return: TransfersReturn::Yes,
            expires: Some(UnixTime(Duration::from_secs(1_800_000_000))),
        };
        assert_eq!(read(&link.to_string()), Ok(link));
        let plain = read(GOOD).unwrap();
        assert_eq!(read(&format!(" {plain}\n")), Ok(plain));
    }

    #[test]
    fn a_key_of_a_later_version_is_passed_over() {
        assert_eq!(read(&format!("{GOOD}&colour=green")), read(GOOD));
    }

    #[test]
    fn what_is_no_link_is_told_apart_from_a_broken_one() {
        for text in ["", "https://example.com", "sidetone://sign-out?account=sip:a@b", "sidetone:"]
        {
            assert_eq!(read(text), Err(LinkError::NotALink), "{text}");
        }
        let long = format!("{GOOD}&x={}", "y".repeat(LONGEST));
        assert_eq!(read(&long), Err(LinkError::NotALink));
        let server = "server=wss://b.example.com";
        for (rest, told) in [
            (server.to_owned(), "no account"),
            ("account=sip:a@b".to_owned(), "0 servers"),
            (format!("account=sip:a@b{}", format!("&{server}").repeat(9)), "9 servers"),
            ("account=sip:a@b&server=ws://b.example.com".to_owned(), "wss://"),
            (format!("account=agent1&{server}"), "not an address"),
            (format!("account=sip:a@b&account=sip:c@d&{server}"), "\"account\" twice"),
            (format!("account=sip:a@b%&{server}"), "\"account\" cannot be read"),
            (format!("account=sip:a@b&name=%00&{server}"), "\"name\" cannot be read"),
            (format!("account=sip:a@b&name=%ff&{server}"), "\"name\" cannot be read"),
            (format!("account=sip:a@b&transfers-return=so&{server}"), "cannot be read"),
            (format!("account=sip:a@b&expires=soon&{server}"), "\"expires\" cannot be read"),
        ] {
            let error = read(&format!("{PREFIX}{rest}")).unwrap_err();
            assert!(error.to_string().contains(told), "{rest}: {error}");
        }
    }
}
