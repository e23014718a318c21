//! Who made a sign-in link: Ed25519 signatures (RFC 8032) of links, made and held against the keys that are trusted.
//!
//! The signature is the link's last key, `signature`, over every byte before it; keys and signatures
//! are written in base64url without padding (RFC 4648 §5).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pem::Pem;
use ring::rand::SystemRandom;
use ring::signature::{
    ED25519, ED25519_PUBLIC_KEY_LEN, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey,
};
use sidetone_phone::{LinkError, SignInLink, UnixTime};
use std::fmt;
use std::str::FromStr;

const SIGNATURE: &str = "&signature=";
const PRIVATE: &str = "PRIVATE KEY";

/// Whose links a phone takes: an administrator's public key, 43 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkKey([u8; ED25519_PUBLIC_KEY_LEN]);

/// What cannot sign, or be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkKeyError {
    /// Not 32 bytes in base64url.
    #[error(
        "\"{0}\" is no key of links: write the 43 characters that \"sidetone link-key\" printed"
    )]
    Public(String),
    /// Not an Ed25519 key in PKCS#8 (RFC 8410 §7).
    #[error("it holds no Ed25519 key in PKCS#8; make one with \"sidetone link-key FILE\"")]
    Private,
    /// The system gives no random numbers.
    #[error("no key can be made: the system gives no random numbers; restart the device")]
    Random,
}

impl FromStr for LinkKey {
    type Err = LinkKeyError;

    fn from_str(text: &str) -> Result<Self, LinkKeyError> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok().and_then(|it| it.try_into().ok());
        bytes.map(Self).ok_or_else(|| LinkKeyError::Public(text.to_owned()))
    }
}

impl fmt::Display for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// Reads a link. With keys to trust it must be signed by one of them; without, whoever made it is believed.
///
/// # Errors
/// What is wrong with the link, with its signature, or that its time is over.
pub fn open_link(text: &str, trusted: &[LinkKey], now: UnixTime) -> Result<SignInLink, LinkError> {
    let text = text.trim();
    let link: SignInLink = text.parse()?;
    if !trusted.is_empty() {
        let (signed, signature) = text.rsplit_once(SIGNATURE).ok_or(LinkError::NotSigned)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| LinkError::WrongSignature)?;
        let is_by = |key: &LinkKey| {
            UnparsedPublicKey::new(&ED25519, key.0).verify(signed.as_bytes(), &signature).is_ok()
        };
        if !trusted.iter().any(is_by) {
            return Err(LinkError::WrongSignature);
        }
    }
    match link.expires {
        Some(expires) if expires <= now => Err(LinkError::Expired),
        _ => Ok(link),
    }
}

/// Signs links with an administrator's private key.
pub struct LinkSigner(Ed25519KeyPair);

impl LinkSigner {
    /// A new private key, in PEM (RFC 8410 §7). It is a secret.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn new_key() -> Result<String, LinkKeyError> {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        let key = key.map_err(|_| LinkKeyError::Random)?;
        Ok(pem::encode(&Pem::new(PRIVATE, key.as_ref())))
    }

    /// Of a private key in PEM, as `new_key` and `openssl genpkey -algorithm ed25519` make it.
    ///
    /// # Errors
    /// It is another key, or none.
    pub fn of(text: &[u8]) -> Result<Self, LinkKeyError> {
        let pem = pem::parse(text).ok().filter(|it| it.tag() == PRIVATE);
        // OpenSSL leaves the public half out, which version 1 of the form allows.
        pem.and_then(|it| Ed25519KeyPair::from_pkcs8_maybe_unchecked(it.contents()).ok())
            .map(Self)
            .ok_or(LinkKeyError::Private)
    }

    /// What phones are told to trust.
    pub fn key(&self) -> LinkKey {
        let mut key = [0; ED25519_PUBLIC_KEY_LEN];
        key.copy_from_slice(self.0.public_key().as_ref());
        LinkKey(key)
    }

    /// The link with its signature.
    pub fn sign(&self, link: &SignInLink) -> String {
        let link = link.to_string();
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(link.as_bytes()));
        format!("{link}{SIGNATURE}{signature}")
    }
}

impl fmt::Debug for LinkSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkSigner({})", self.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: UnixTime = UnixTime(Duration::from_secs(1_800_000_000));

    fn signer() -> LinkSigner {
        LinkSigner::of(LinkSigner::new_key().unwrap().as_bytes()).unwrap()
    }

    fn link(expires: Option<u64>) -> SignInLink {
        let expires = expires.map(|it| format!("&expires={it}")).unwrap_or_default();
        format!("sidetone://sign-in?account=sip:a@b&server=wss://c{expires}").parse().unwrap()
    }

    #[test]
    fn a_link_that_a_trusted_key_signed_is_taken_and_no_other() {
        let (ours, theirs) = (signer(), signer());
        let (link, keys) = (link(None), [theirs.key(), ours.key()]);
        let signed = ours.sign(&link);
        assert_eq!(open_link(&format!(" {signed}\n"), &keys, NOW), Ok(link.clone()));
        assert_eq!(open_link(&signed, &[theirs.key()], NOW), Err(LinkError::WrongSignature));
        assert_eq!(open_link(&link.to_string(), &keys, NOW), Err(LinkError::NotSigned));
        assert_eq!(open_link(&link.to_string(), &[], NOW), Ok(link.clone()));
        assert_eq!(open_link(&signed, &[], NOW), Ok(link));
    }

    #[test]
    fn whatever_byte_of_a_signed_link_is_changed_it_is_refused() {
        let ours = signer();
        let signed = ours.sign(&link(Some(1_900_000_000)));
        for at in 0..signed.len() {
            let mut bytes = signed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(open_link(&changed, &[ours.key()], NOW).is_err(), "{changed}");
        }
        for more in ["&server=wss://evil", "&signature=", "A", "="] {
            let longer = format!("{signed}{more}");
            assert!(open_link(&longer, &[ours.key()], NOW).is_err(), "{longer}");
        }
    }

    #[test]
    fn a_link_is_good_until_it_expires() {
        let ours = signer();
        let (over, good) = (link(Some(1_800_000_000)), link(Some(1_800_000_001)));
        assert_eq!(open_link(&ours.sign(&over), &[ours.key()], NOW), Err(LinkError::Expired));
        assert_eq!(open_link(&over.to_string(), &[], NOW), Err(LinkError::Expired));
        assert_eq!(open_link(&ours.sign(&good), &[ours.key()], NOW), Ok(good));
    }

    #[test]
    fn signatures_are_those_of_rfc_8032() {
        // Seed and public key of its §7.1, TEST 1, in PKCS#8 as OpenSSL writes it: no public half.
        let hex = |text: &str| -> Vec<u8> {
            let digits = text.as_bytes().chunks(2);
            digits
                .map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap())
                .collect()
        };
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let key = hex(&format!("302e020100300506032b657004220420{seed}"));
        let signer = LinkSigner::of(pem::encode(&Pem::new(PRIVATE, key)).as_bytes()).unwrap();
        assert_eq!(signer.key().0.as_slice(), hex(public));
        let bare = pem::encode(&Pem::new(PRIVATE, hex(seed)));
        assert_eq!(LinkSigner::of(bare.as_bytes()).unwrap_err(), LinkKeyError::Private);
    }

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let key = signer().key();
        assert_eq!(key.to_string().len(), 43);
        assert_eq!(key.to_string().parse(), Ok(key));
        for wrong in ["", "abc", &"A".repeat(44), &"+".repeat(43)] {
            assert!(wrong.parse::<LinkKey>().is_err(), "{wrong}");
        }
    }
}
