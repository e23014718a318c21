//! Who calls, and what the server says of the call, bounded (RFC 3261 §20.20, RFC 3325, RFC 3323,
//! RFC 3326).

use crate::text::{SHOWN, clip};
use crate::{CallData, CallId, Party};
use sidetone_sip::message::Host;
use sidetone_sip::{HeaderName, NameAddr, Request};
use std::time::Duration;

/// The most header fields that are handed to the app, and the most bytes of one value.
const TOLD: (usize, usize) = (32, 1024);
/// Who has waited longer in a queue has not: the server means something else.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// Who calls, as the server names him. An identity asserted beside an anonymous From is not for the
/// user: what is hidden stays hidden.
pub(crate) fn caller(invite: &Request) -> Party {
    let from = invite.headers.from().ok();
    let hidden = from.as_ref().is_some_and(is_anonymous)
        || invite
            .headers
            .get(&HeaderName::new("Privacy"))
            .is_some_and(|p| !p.trim().eq_ignore_ascii_case("none"));
    let asserted = invite.headers.list(&HeaderName::P_ASSERTED_IDENTITY).into_iter().next();
    let asserted = asserted.filter(|_| !hidden).and_then(|text| NameAddr::parse(&text).ok());
    asserted.or(from).map_or_else(Party::default, |address| Party {
        name: address.display.as_deref().map(|name| clip(name, SHOWN)),
        uri: clip(&address.uri.to_string(), SHOWN),
    })
}

/// The header fields for the app: the `X-` fields, Call-Info, Alert-Info and Subject.
pub(crate) fn told(invite: &Request) -> Vec<(String, String)> {
    let wanted = |name: &HeaderName| {
        let known = [HeaderName::CALL_INFO, HeaderName::ALERT_INFO, HeaderName::SUBJECT];
        known.contains(name)
            || name.as_str().get(..2).is_some_and(|start| start.eq_ignore_ascii_case("X-"))
    };
    let fields = invite.headers.iter().filter(|(name, value)| {
        wanted(name) && value.len() <= TOLD.1 && name.as_str().len() <= SHOWN
    });
    fields
        .take(TOLD.0)
        .map(|(name, value)| {
            (name.as_str().to_owned(), clip(&String::from_utf8_lossy(value), TOLD.1))
        })
        .collect()
}

/// The call's id as the server names it, where it does.
pub(crate) fn call_id(invite: &Request) -> Option<CallId> {
    invite.headers.get(&HeaderName::X_CALL_UID)?.trim().parse().ok()
}

/// What the server says of the call.
pub(crate) fn data(invite: &Request) -> CallData {
    let text = |name: &HeaderName| {
        let value = invite.headers.get(name)?;
        Some(clip(value.trim(), SHOWN)).filter(|value| !value.is_empty())
    };
    let waited = text(&HeaderName::X_QUEUE_WAIT).and_then(|seconds| seconds.parse().ok());
    CallData {
        queue: text(&HeaderName::X_QUEUE),
        waited: waited.map(Duration::from_secs).filter(|waited| *waited <= LONGEST_WAIT),
        group: text(&HeaderName::X_CALL_GROUP),
        caller_ref: text(&HeaderName::X_CALLER_REF),
        returned_from: text(&HeaderName::X_RETURNED_FROM),
    }
}

/// Whether the server says that its caller keeps what he hears, whatever this phone sends before the answer.
pub(crate) fn allows_early(invite: &Request) -> bool {
    let said = invite.headers.get(&HeaderName::X_EARLY_MEDIA);
    said.is_some_and(|said| said.trim().eq_ignore_ascii_case("yes"))
}

/// Whether a CANCEL says that another phone answered (RFC 3326: `SIP;cause=200`).
pub(crate) fn answered_elsewhere(cancel: &Request) -> bool {
    cancel.headers.list(&HeaderName::REASON).iter().any(|reason| {
        let mut parts = reason.split(';').map(str::trim);
        let sip = parts.next().is_some_and(|protocol| protocol.eq_ignore_ascii_case("SIP"));
        sip && parts.any(|part| {
            part.split_once('=').is_some_and(|(name, value)| {
                name.trim().eq_ignore_ascii_case("cause") && value.trim() == "200"
            })
        })
    })
}

fn is_anonymous(address: &NameAddr) -> bool {
    let host = Host::Name("anonymous.invalid".to_owned());
    let user = address.uri.user.as_deref().unwrap_or_default();
    address.uri.host == Some(host) || user.eq_ignore_ascii_case("anonymous")
}
