//! The simulated world at work: golden ladders, worlds of random seeds, replay, and every order of
//! inputs on one call.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail, and say what it tried"
)]

mod agent;
mod beside;
mod control;
mod features;
mod floor;
mod golden;
mod intercom;
mod journeys;
mod message;
mod orders;
mod pairs;
mod plane;
mod pushes;
mod recording;
mod referrals;
mod replay;
mod supervision;
mod team;
mod transfers;
mod trouble;
