//! Every order of inputs on one call of a bare phone, or on two at once; equal states merged.
//!
//! The phone is alone: the other sides are text, and time passes only where an order says so. A
//! [`graph`] of all states is built by trying every input in every state; states that differ only in
//! absolute times and in what was drawn at random are one. Orders are counted on the graph.

pub mod arms;
mod edge;
pub mod graph;
mod key;
pub mod line;
pub mod op;
pub mod pair;
pub mod plane;
mod script;
mod timer;

pub use graph::{Explored, explore};
pub use line::Line;
pub use op::Op;
pub use pair::Pair;

use sidetone_phone::CallState;
use std::fmt;
use std::time::Duration;

/// What orders act on.
pub trait Subject: fmt::Debug + Clone {
    /// What an order is made of.
    type Op: fmt::Debug + Copy + Eq + 'static;

    /// Time passes until something is due.
    const TIME: Self::Op;
    /// What comes about where time does not pass without it: that is the driver's part.
    const DUE: &'static [Self::Op];

    /// What two states that are the same have in common.
    fn key(&self) -> key::Key;

    /// Whether this can happen now.
    fn is_possible(&self, op: Self::Op) -> bool;

    /// Lets one thing happen and checks all that must hold.
    ///
    /// # Errors
    /// Says in words what does not.
    fn apply(&mut self, op: Self::Op) -> Result<(), String>;

    /// The time, on the boot clock.
    fn now(&self) -> Duration;

    /// Where its calls stand, where it is about any.
    fn states(&self) -> [Option<CallState>; 2] {
        [None, None]
    }

    /// No call is there, but an INVITE of the other side that has had no final response.
    fn is_left_open(&self) -> bool {
        false
    }
}
