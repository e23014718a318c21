//! The phone for Kotlin and Swift: translation only, nothing is decided here.
//!
//! Commands are async functions that wait for the phone's answer and for nothing else. What happens
//! is read from a journal with cursors ([`Phone::events`]); what is to be shown is the last snapshot
//! ([`Phone::snapshot`]). The phone runs on one thread of the library's own, and no call of the app
//! waits for the network, a device or a file. Audio samples never pass here.
//!
//! | module | owns |
//! |---|---|
//! | `phone` | the object [`Phone`]: one method for each thing that an app can do |
//! | `desk` | the one queue by which everything reaches the phone, in the order of the calls |
//! | `journal` | the events of one phone with their cursors, bounded, for any number of readers |
//! | `shown` | the last snapshot and its revision |
//! | `config` | who signs in and where, as the app writes it |
//! | `event`, `snapshot` | the phone's vocabulary in types that cross |
//! | `history` | the calls that are over, found and in pages |
//! | `agent` | the agent at his queues |
//! | `supervision` | a call that supervises an agent's |
//! | `control` | codes of the server's dial plan, and what came of them |
//! | `recording` | the recordings of a call |
//! | `features` | what the server has and what this user may |
//! | `message` | messages between agents |
//! | `vault` | small files sealed with the app's key |
//! | `error` | what is refused, in words: what it is and what to do |
//! | `push` | what the platform is told of a push, before any phone is there; where pushes go |
//! | `link` | the sign-in link that a QR code carries |
//! | `logging` | the log for the app, on its own thread and without secrets |
//! | `ice_server` | what STUN and TURN servers give |
//! | `ids`, `time` | UUIDs and times as the platforms have them |
//! | `runtime` | the library's thread |
//! | `android` | what Android must give first |

mod agent;
mod android;
mod config;
mod control;
mod desk;
mod error;
mod event;
mod features;
mod history;
mod ice_server;
mod ids;
mod journal;
mod link;
mod logging;
mod message;
mod pack;
mod phone;
mod push;
mod recording;
mod runtime;
mod shown;
mod snapshot;
mod supervision;
mod team;
mod time;
mod vault;

pub use agent::{AgentFailure, AgentQueue, AgentRequest, AgentSnapshot, AgentState, Pause};
pub use config::{
    AnswerMode, AudioEndpoint, AudioGate, EarlyMedia, IceServer, PhoneConfig, ReferPolicy, Trust,
};
pub use control::{ControlError, ControlFailure};
pub use error::{CommandError, LinkError, StartError, VaultError};
pub use event::{DeclineReason, EndReason, Event, EventPage, Header, NumberedEvent, Party};
pub use features::{Feature, FeatureInfo, FeatureState, FeaturesProblem, FeaturesSnapshot};
pub use history::{CallHistory, CallOutcome, HistoryEntry, HistoryFilter, HistoryPage};
pub use ice_server::{IceServerCheck, IceServerGiven, IceServerProblem};
pub use ids::{CallId, ControlId, InstanceId, MessageId};
pub use link::{SignInLink, parse_sign_in_link};
pub use logging::{LogLevel, LogLine, LogSink, LogSinkError, set_log_sink};
pub use message::{MessageFailure, MessagePage, MessageState, Messages, TextMessage};
pub use pack::{Pack, PackProblem, UnreadPack};
pub use phone::{Handover, Phone};
pub use push::{
    Announcement, AnnouncementKind, Caller, Intent, PushProvider, PushToken, Report, announce,
};
pub use recording::{
    Recording, RecordingAccess, RecordingAction, RecordingFailure, RecordingPolicy, RecordingState,
};
pub use snapshot::{
    CallData, CallSnapshot, CallState, Direction, Hold, MediaPath, ProblemCause, QualityReport,
    Registration, RegistrationProblem, RegistrationState, Snapshot, TransfersReturn,
};
pub use supervision::{Supervision, SupervisionEnd, SupervisionFailure, SupervisionMode};
pub use team::{Colleague, ColleagueCall, TeamQueue, TeamSnapshot, TeamState};
pub use vault::Vault;

uniffi::setup_scaffolding!("sidetone");

/// The version of this library, as "0.1.0": for the app to show.
#[uniffi::export]
pub fn library_version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
