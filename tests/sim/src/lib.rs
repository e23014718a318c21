//! The simulated world: phones and the model PBX in virtual time, over links that can be spoiled.
//!
//! Everything here is a value: a [`World`] of the same seed and script gives the same bytes. After
//! each step the [`checks`] hold, or the run ends with the SIP ladder that led there.
//!
//! | module | owns |
//! |---|---|
//! | [`world`] | the phones, the PBX, the clock and what happens next |
//! | `driver` | the outputs of phones and PBX, carried out |
//! | `disk` | the messages that outlive a phone's process |
//! | [`wire`] | one connection: delay, stall, black hole, reset |
//! | [`media`] | descriptions without media, and what would be heard |
//! | [`platform`] | pushes, reports and the audio session |
//! | [`ladder`] | the SIP ladder as text, with what is random masked |
//! | [`checks`] | what must hold after each step and in the end |
//! | [`truth`] | what phones show of agents, teams and recordings against what the server has |
//! | [`order`] | every order of inputs on one call of a bare phone |

pub mod checks;
mod disk;
mod driver;
pub mod ladder;
pub mod media;
pub mod order;
pub mod platform;
pub mod truth;
pub mod wire;
pub mod world;

pub use platform::Pushes;
pub use wire::Spoil;
pub use world::{PhoneId, World};
