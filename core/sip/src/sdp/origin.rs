//! The origin line: who described, and which version this is (RFC 8866 §5.2, RFC 3264 §8).

use super::{SdpError, SessionDescription};

/// What stands for an origin that cannot be read; nothing depends on it.
const UNKNOWN: &str = "- 0 0 IN IP4 0.0.0.0";

/// Makes `text` the successor of `previous`, the description that the same side sent before it in
/// the same call: the same origin, its version one higher, or the very same where nothing but the
/// origin differs (RFC 3264 §8). The WebRTC stack draws each version anew, up or down.
///
/// # Errors
/// One of them is not a description.
pub fn continue_session(previous: &str, text: &str) -> Result<String, SdpError> {
    let previous = SessionDescription::parse(previous)?;
    let mut description = SessionDescription::parse(text)?;
    description.origin.clone_from(&previous.origin);
    if description != previous {
        description.origin = next_version(&sane_origin(&previous.origin));
    }
    Ok(description.to_string())
}

/// `o=` as the stack can read it: six fields, numbers of 64 bits, an address type it knows.
pub(super) fn sane_origin(origin: &str) -> String {
    let fields: Vec<&str> = origin.split_ascii_whitespace().collect();
    match fields.as_slice() {
        [_, id, version, "IN", "IP4" | "IP6", _]
            if id.parse::<u64>().is_ok() && version.parse::<u64>().is_ok() =>
        {
            fields.join(" ")
        }
        _ => UNKNOWN.to_owned(),
    }
}

fn next_version(origin: &str) -> String {
    let mut fields: Vec<String> = origin.split(' ').map(str::to_owned).collect();
    if let Some(version) = fields.get_mut(2) {
        let next = version.parse::<u64>().unwrap_or(0).wrapping_add(1);
        *version = next.to_string();
    }
    fields.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn origin_of(text: &str) -> String {
        SessionDescription::parse(text).unwrap().origin
    }

    #[test]
    fn an_origin_the_stack_cannot_read_is_replaced() {
        let good = "FreeSWITCH 1763999001 1763999002 IN IP4 203.0.113.9";
        assert_eq!(sane_origin(good), good);
        for bad in [
            "- -1 1 IN IP4 10.0.0.1",
            "- 99999999999999999999999 1 IN IP4 10.0.0.1",
            "Call Manager 1 1 IN IP4 10.0.0.1",
            "- 1 1 IN ATM 10.0.0.1",
        ] {
            assert_eq!(sane_origin(bad), UNKNOWN, "{bad}");
        }
    }

    #[test]
    fn a_later_description_has_the_next_version() {
        let first = samples::STACK_RESTART_OFFER;
        let lower = first.replace(" 367288062 ", " 17 ").replace("a=sendrecv", "a=sendonly");
        let second = continue_session(first, &lower).unwrap();
        assert_eq!(origin_of(&second), "- 3971933606958283669 367288063 IN IP4 0.0.0.0");
        assert!(second.contains("a=sendonly"));
        let third = continue_session(&second, first).unwrap();
        assert_eq!(origin_of(&third), "- 3971933606958283669 367288064 IN IP4 0.0.0.0");
    }

    #[test]
    fn an_unchanged_description_keeps_its_version() {
        let first = samples::STACK_RESTART_OFFER;
        let again = first.replace("3971933606958283669 367288062", "5 6");
        assert_eq!(origin_of(&continue_session(first, &again).unwrap()), origin_of(first));
    }
}
