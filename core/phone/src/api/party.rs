//! One side of a call, and what of it may be shown.

use serde::{Deserialize, Serialize};
use sidetone_sip::{NameAddr, Uri};

/// What the user part of a reference begins with: letters and digits in place of a number that the server hides, by
/// which it can be dialled (docs/asterisk.md).
const REFERENCE: &str = "ref-";

/// One side of a call, as the server names it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Party {
    /// The display name.
    pub name: Option<String>,
    /// The address.
    pub uri: String,
}

impl Party {
    /// The number or user name, where there is one that tells a reader something: not of who is hidden, nor a reference.
    pub fn number(&self) -> Option<String> {
        self.user().filter(|user| !is_reference(user))
    }

    /// What can be dialled: a number, a user name, or a reference.
    pub(crate) fn user(&self) -> Option<String> {
        let user = match address(&self.uri) {
            Some(uri) => uri.user?,
            None => self.uri.clone(),
        };
        let is_hidden = user.is_empty() || user.eq_ignore_ascii_case("anonymous");
        (!is_hidden).then(|| user.replace("%23", "#"))
    }

    /// What reaches it again: its address, a reference in place of a hidden number too. `None` where it was hidden
    /// altogether.
    pub(crate) fn reached_again(&self) -> Option<String> {
        self.user()?;
        (!self.is_anonymous()).then(|| self.uri.clone())
    }

    /// Hidden altogether (RFC 3323 §4.1.1.3).
    fn is_anonymous(&self) -> bool {
        address(&self.uri).and_then(|uri| uri.host).is_some_and(|host| {
            host.to_string().to_ascii_lowercase().ends_with("anonymous.invalid")
        })
    }
}

fn is_reference(user: &str) -> bool {
    let key = user.strip_prefix(REFERENCE).unwrap_or_default();
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An address; a bare number, as a push has it, is none.
fn address(text: &str) -> Option<Uri> {
    let is_address = text.contains(':') || text.contains('<');
    if !is_address {
        return None;
    }
    NameAddr::parse(text).map(|address| address.uri).or_else(|_| Uri::parse(text)).ok()
}
