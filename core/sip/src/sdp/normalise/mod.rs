//! The normaliser: what stands between a strict WebRTC stack and real servers (RFC 8829 §5, RFC 8839, RFC 8842, RFC 8843).
//!
//! The stack refuses, or worse silently misreads, much of what servers send, and servers misread
//! some of what it describes. Each rewriting here answers one such observation; what is not
//! understood is passed on.

mod local;
mod remote;

pub use local::{fit_answer, normalise_local};
pub use remote::normalise_remote;

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
