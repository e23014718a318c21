//! A small model PBX, without I/O: what a phone sees of an Asterisk 22, in virtual time.
//!
//! It runs in the simulated world of `tests/sim`, and behind sockets as the server of
//! `sidetone demo`. A shell owns one [`Pbx`] and runs the loop of `sidetone_phone::Phone` around it:
//! hand in what happened, drain [`Pbx::poll_output`] to `None`, wait for [`Pbx::poll_timeout`]. The
//! same entropy and inputs give the same bytes.
//!
//! It shares messages, transactions and digest with the phone; its dialogs and its reading of
//! session descriptions are its own, so that two equal mistakes do not cancel. Media ends on each
//! leg, as in Asterisk: the shell describes each leg by itself and is told whom to join.
//!
//! Not modelled, and so answered with a refusal that SIP has for it: session timers,
//! SUBSCRIBE, UPDATE, 100rel, an INVITE without an offer; MESSAGE, by which a phone tells its push token.
//! A 302 ends an attempt like a refusal, where Asterisk follows it.
//!
//! | module | owns |
//! |---|---|
//! | `pbx` | the aggregate: flows, time, what can be seen |
//! | `server` | requests of phones: authentication, REGISTER, INVITE, BYE, CANCEL … |
//! | `client` | requests to phones: INVITE, CANCEL, BYE, and their responses |
//! | `call` | the dial plan: steps, ringing a user, the queue, joining two legs |
//! | `transfer` | REFER: a call that is sent on, two calls that become one |
//! | `agent` | agents log in to queues, pause and are ready; their phones are told |
//! | `recording` | what is recorded, by hand and by rule; their phones are told |
//! | `team` | who watches whom, and what those are told |
//! | `supervision` | supervisors: who may, the mode, who hears whom, and what they are told |
//! | `features` | what the server has, what each user may, and calls outside that are refused |
//! | `push` | agents whose phones sleep: posted, and rung when they are there |
//! | `leg` | a dialog and where its INVITE and its media stand |
//! | `registrar` | bindings of users to flows |
//! | `timed` | who of many is due next |
//! | `auth`, `random`, `sdp` | nonces; entropy; the direction of audio |

mod agent;
mod api;
mod auth;
mod call;
mod client;
mod config;
mod features;
mod leg;
mod message;
mod pbx;
mod push;
mod random;
mod recording;
mod registrar;
mod sdp;
mod server;
mod supervision;
mod team;
mod timed;
mod transfer;

pub use agent::AgentView;
pub use api::{
    ContactView, Generation, LegId, LegPhase, LegView, MediaCommand, MediaDirection, Operator,
    PbxInput, PbxOutput, Push, PushKind, Treatment,
};
pub use config::{Extension, PbxConfig, Queue, Registrar, Step, Strategy, User};
pub use pbx::Pbx;
pub use recording::RecordingRule;
pub use sidetone_sip::FlowId;
pub use supervision::SupervisionView;
pub use team::{Person, QueueView};
