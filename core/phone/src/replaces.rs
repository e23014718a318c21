//! An INVITE that takes the place of a call that is there (RFC 3891 §3): whoever talked to the user goes on
//! from another phone. It is answered without ringing, for the user has answered already, and then the
//! call that it replaces ends.

use crate::call::{Call, In};
use crate::phone::Phone;
use crate::{CallId, Now};
use sidetone_sip::{DialogId, HeaderName, Request, StatusCode};

/// What the header field says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Replaces {
    /// The dialog as this phone knows it.
    dialog: DialogId,
    early_only: bool,
}

impl Replaces {
    /// The header field of an INVITE, where there is one.
    ///
    /// # Errors
    /// It cannot be read, or stands there more than once.
    fn of(invite: &Request) -> Result<Option<Self>, StatusCode> {
        let fields = invite.headers.list(&HeaderName::REPLACES);
        let field = match &fields[..] {
            [] => return Ok(None),
            [field] => field,
            [..] => return Err(StatusCode::BAD_REQUEST),
        };
        Self::parse(field).map(Some).ok_or(StatusCode::BAD_REQUEST)
    }

    /// Reads the header field's value.
    pub(crate) fn parse(field: &str) -> Option<Self> {
        let mut parts = field.split(';').map(str::trim);
        let call_id = parts.next().filter(|id| !id.is_empty())?.to_owned();
        let (mut to, mut from, mut early_only) = (None, None, false);
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let known = match name.trim().to_ascii_lowercase().as_str() {
                "to-tag" => &mut to,
                "from-tag" => &mut from,
                "early-only" => {
                    early_only = true;
                    continue;
                }
                _ => continue,
            };
            // Each stands there exactly once (§6.1).
            if known.replace(value.trim().to_owned()).is_some() {
                return None;
            }
        }
        let (local_tag, remote_tag) = (to?, from?);
        Some(Self { dialog: DialogId { call_id, local_tag, remote_tag }, early_only })
    }
}

impl Phone {
    /// The call that an INVITE replaces, where it replaces one.
    ///
    /// # Errors
    /// The status that it is refused with.
    pub(crate) fn replaced_by(&self, invite: &Request) -> Result<Option<CallId>, StatusCode> {
        let Some(Replaces { dialog, early_only }) = Replaces::of(invite)? else { return Ok(None) };
        let found = self.calls.iter().find(|call| call.is_in_dialog(&dialog));
        match found {
            // What is about to end was ended by the user.
            // Nobody else is to hear what is said to an agent.
            Some(call) if call.is_supervision() => Err(StatusCode::DECLINE),
            Some(call) if call.is_ending() => Err(StatusCode::DECLINE),
            Some(call) if call.is_up() && early_only => Err(StatusCode::BUSY_HERE),
            // What rings here is not for its caller to replace, and what rings there is the user's.
            Some(call) if call.is_up() || call.is_calling() => Ok(Some(call.id)),
            Some(_) | None => Err(StatusCode::CALL_DOES_NOT_EXIST),
        }
    }

    /// Calls that were answered in the place of others take it.
    pub(crate) fn settle_replaced(&mut self, now: Now) {
        let ready: Vec<_> = self.calls.iter().filter_map(Call::to_replace).collect();
        for (id, old, party) in ready {
            self.with_call(id, |call, _| call.has_replaced());
            let Some((before, _)) = self.call_and_ua(old) else { continue };
            let (focus, calling) = (before.has_focus(), before.is_calling());
            let end = if calling { In::HangUp } else { In::TakenOver(party) };
            self.tell(old, end, now);
            if focus {
                self.focus_on(id, now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_names_a_dialog_from_this_side() {
        let dialog = DialogId {
            call_id: "7@host".to_owned(),
            local_tag: "ours".to_owned(),
            remote_tag: "theirs".to_owned(),
        };
        let plain = Replaces { dialog: dialog.clone(), early_only: false };
        assert_eq!(Replaces::parse("7@host;to-tag=ours;from-tag=theirs"), Some(plain));
        let early = Replaces { dialog, early_only: true };
        let text = "7@host ; From-Tag = theirs;x=y;early-only; to-tag=ours";
        assert_eq!(Replaces::parse(text), Some(early));
        for text in ["", ";to-tag=a;from-tag=b", "7;to-tag=a", "7;to-tag=a;to-tag=b;from-tag=c"] {
            assert_eq!(Replaces::parse(text), None, "{text}");
        }
    }
}
