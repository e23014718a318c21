//! Every order of inputs on one call of a bare phone, equal states merged.
//!
//! The phone is alone: the other side is text, and time passes only where an order says so. A
//! [`graph`] of all states is built by trying every input in every state; states that differ only in
//! absolute times and in what was drawn at random are one. Orders are counted on the graph.

pub mod arms;
mod edge;
pub mod graph;
mod key;
pub mod line;
pub mod op;
mod script;

pub use graph::{Explored, explore};
pub use line::Line;
pub use op::Op;
