//! The normaliser: what stands between a strict WebRTC stack and real servers (RFC 8829 §5, RFC 8839, RFC 8842, RFC 8843).
//!
//! The stack refuses, or worse silently misreads, much of what servers send, and servers misread
//! some of what it describes. Each rewriting here answers one such observation; what is not
//! understood is passed on.

mod local;
mod remote;

pub use local::normalise_local;
pub use remote::normalise_remote;

use super::Attribute;

/// Keeps the first of equal elements, in order.
fn unique<T: PartialEq>(list: &mut Vec<T>) {
    let mut kept: Vec<T> = Vec::with_capacity(list.len());
    for element in list.drain(..) {
        if !kept.contains(&element) {
            kept.push(element);
        }
    }
    *list = kept;
}

/// `o=` as the stack can read it: six fields, numbers of 64 bits, an address type it knows
/// (RFC 8866 §5.2). What cannot be read is replaced, since nothing depends on it.
fn sane_origin(origin: &str) -> String {
    const UNKNOWN: &str = "- 0 0 IN IP4 0.0.0.0";
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

/// `a=ice-options` without `trickle`: all candidates are in the description. `None` if nothing is left.
fn without_trickle(options: &Attribute) -> Option<Attribute> {
    let left: Vec<&str> =
        options.value().split_ascii_whitespace().filter(|o| *o != "trickle").collect();
    (!left.is_empty()).then(|| Attribute::new(&options.name, left.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(sane_origin(bad), "- 0 0 IN IP4 0.0.0.0", "{bad}");
        }
    }
}
