//! The JSON lines: what each event looks like, and what a command must look like (docs/cli.md).

mod agent;
mod command;
mod event;
mod features;
mod history;
mod message;
mod pack;
mod recording;
mod snapshot;
mod supervision;
mod team;
mod words;

pub(crate) use agent::JsonAgent;
pub(crate) use command::{Request, name_in};
pub(crate) use event::{JsonEvent, JsonParty, Line};
pub(crate) use recording::JsonRecording;
pub(crate) use supervision::{JsonSupervision, plain as supervision};
pub(crate) use words::{command_error_name, ms};
