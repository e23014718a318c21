//! The simulated world at work: golden ladders, worlds of random seeds, replay, and every order of
//! inputs on one call.

#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

mod golden;
mod journeys;
mod replay;
mod trouble;
