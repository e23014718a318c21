//! The vocabulary of the phone: what may be asked, what may happen, what it asks for and tells.

mod agent;
mod command;
mod config;
mod control;
mod data;
mod event;
mod features;
mod history;
mod input;
mod link;
mod message;
mod output;
mod pack;
mod party;
mod push;
mod recording;
mod saved;
mod snapshot;
mod supervision;
mod team;
mod time;

pub use agent::{AgentFailure, AgentQueue, AgentRequest, AgentSnapshot, AgentState, Pause};
pub use command::{Command, CommandError, DeclineReason, Digits};
pub use config::{
    Account, AnswerMode, AudioGate, Config, ConfigError, EarlyMedia, ReferPolicy, Secret,
    ServerAddress,
};
pub use control::{ControlFailure, ControlId};
pub use data::CallData;
pub use event::{EndReason, Event};
pub use features::{Feature, FeatureState, FeaturesProblem, FeaturesSnapshot};
pub use history::{CallOutcome, CallRecord, HistoryEntry, HistoryFilter, HistoryPage};
pub use input::{FlowError, FlowErrorKind, Handover, Input, MediaError, QualityReport};
pub use link::{LinkError, SignInLink};
pub use message::{MessageFailure, MessageId, MessagePage, MessageState, TextMessage};
pub use output::{DescribeRequest, Output, TimerReason};
pub use pack::{Pack, PackProblem, UnreadPack};
pub use party::Party;
pub use push::{Announcement, AnnouncementKind, Caller, Intent, PushProvider, PushToken, Report};
pub use recording::{
    Recording, RecordingAccess, RecordingAction, RecordingFailure, RecordingId, RecordingPolicy,
    RecordingState,
};
pub use saved::{Saved, SavedDialog, SavedPush};
pub use snapshot::{
    CallSnapshot, CallState, Direction, Hold, MediaPath, MessageCount, MessageSummary,
    Registration, RegistrationProblem, RegistrationState, Snapshot, TransfersReturn,
};
pub use supervision::{Supervision, SupervisionEnd, SupervisionFailure, SupervisionMode};
pub use team::{Colleague, ColleagueCall, TeamQueue, TeamSnapshot, TeamState};
pub use time::{Now, UnixTime};

pub use sidetone_sip::{FlowId, sdp};

use std::fmt;

/// Our name of a call: a UUID, the same in the push, the platform's call screen and the INVITE
/// (`X-Call-UID`). Not the SIP Call-ID.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct CallId(pub uuid::Uuid);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for CallId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Counts the descriptions asked for in one call; an answer to an older one is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Generation(pub u32);
