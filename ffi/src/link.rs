//! The sign-in link that a QR code carries, as it crosses: everything but the password.

use crate::{LinkError, TransfersReturn};
use sidetone_driver::{LinkKey, clock, open_link};
use sidetone_phone as phone;

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
    /// Whether the server brings back the caller of a blind transfer that nobody takes; for `PhoneConfig`.
    pub transfers_return: TransfersReturn,
}

/// Reads a sign-in link. What it says can be used as it is; the password is asked of the user.
///
/// `trusted_keys` are those that `sidetone link-key` prints: with one or more only a link is taken that
/// one of them has signed, without any every link is.
#[uniffi::export]
pub fn parse_sign_in_link(
    text: String,
    trusted_keys: Vec<String>,
) -> Result<SignInLink, LinkError> {
    let keys = trusted_keys.iter().map(|key| key.parse());
    let keys = keys.collect::<Result<Vec<LinkKey>, _>>()?;
    Ok(open_link(&text, &keys, clock::now().wall)?.into())
}

impl From<phone::SignInLink> for SignInLink {
    fn from(link: phone::SignInLink) -> Self {
        Self {
            aor: link.aor,
            servers: link.servers.iter().map(ToString::to_string).collect(),
            username: link.username,
            display_name: link.display_name,
            transfers_return: link.transfers_return.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sidetone_driver::LinkSigner;

    #[test]
    fn a_link_crosses_as_a_phone_takes_it_and_a_wrong_one_as_what_to_do() {
        let text = "sidetone://sign-in?account=sip:a@b&server=wss://c&name=Anna+M%C3%BCller&user=u";
        let link = parse_sign_in_link(text.to_owned(), vec![]).unwrap();
        assert_eq!(
            (link.aor.as_str(), &link.servers[..]),
            ("sip:a@b", &["wss://c:443/ws".to_owned()][..])
        );
        assert_eq!(link.display_name.as_deref(), Some("Anna Müller"));
        assert_eq!(link.username.as_deref(), Some("u"));
        assert_eq!(link.transfers_return, TransfersReturn::Unknown);
        let link = parse_sign_in_link(format!("{text}&transfers-return=yes"), vec![]).unwrap();
        assert_eq!(link.transfers_return, TransfersReturn::Yes);
        let other = parse_sign_in_link("https://example.com".to_owned(), vec![]).unwrap_err();
        assert!(matches!(other, LinkError::NotALink { .. }), "{other}");
        let ws = parse_sign_in_link(text.replace("wss:", "ws:"), vec![]).unwrap_err();
        assert!(
            matches!(&ws, LinkError::Incomplete { what, .. } if what.contains("not a wss:// address")),
            "{ws}"
        );
        assert!(ws.to_string().ends_with("Ask your administrator for a new code."), "{ws}");
    }

    #[test]
    fn an_app_that_trusts_keys_takes_only_what_they_signed() {
        let ours = LinkSigner::of(LinkSigner::new_key().unwrap().as_bytes()).unwrap();
        let link: phone::SignInLink =
            "sidetone://sign-in?account=sip:a@b&server=wss://c".parse().unwrap();
        let trusted = vec![ours.key().to_string()];
        assert_eq!(parse_sign_in_link(ours.sign(&link), trusted.clone()), Ok(link.clone().into()));
        let unsigned = parse_sign_in_link(link.to_string(), trusted).unwrap_err();
        assert!(matches!(&unsigned, LinkError::Untrusted { .. }), "{unsigned}");
        let no_key = parse_sign_in_link(ours.sign(&link), vec!["key".to_owned()]).unwrap_err();
        assert!(matches!(&no_key, LinkError::WrongKey { .. }), "{no_key}");
        let old: phone::SignInLink = format!("{link}&expires=1000000000").parse().unwrap();
        let over = parse_sign_in_link(old.to_string(), vec![]).unwrap_err();
        assert!(matches!(&over, LinkError::Expired { .. }), "{over}");
    }
}
