//! What is to be seen of the phone, as one line.

use super::event::{JsonCallData, JsonEvent, JsonParty};
use super::recording::{JsonRecording, access_name};
use super::supervision::JsonSupervision;
use super::words::{
    call_state_name, direction_name, media_path_name, registration_name, transfers_return_name,
};
use serde::Serialize;
use sidetone_phone::{CallSnapshot, Snapshot};

/// A call that has not ended.
#[derive(Debug, Serialize)]
pub(crate) struct JsonCall {
    call: String,
    direction: &'static str,
    party: JsonParty,
    data: JsonCallData,
    state: &'static str,
    media: &'static str,
    local: bool,
    remote: bool,
    automatic: bool,
    muted: bool,
    transferring: bool,
    recordings: Vec<JsonRecording>,
    #[serde(skip_serializing_if = "Option::is_none")]
    referred_by: Option<JsonParty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supervision: Option<JsonSupervision>,
}

impl From<&CallSnapshot> for JsonCall {
    fn from(call: &CallSnapshot) -> Self {
        Self {
            call: call.id.to_string(),
            direction: direction_name(call.direction),
            party: call.remote.clone().into(),
            data: call.data.clone().into(),
            state: call_state_name(call.state),
            media: media_path_name(call.media),
            local: call.hold.local,
            remote: call.hold.remote,
            automatic: call.automatic,
            muted: call.muted,
            transferring: call.transfer.is_some(),
            recordings: call.recordings.iter().cloned().map(Into::into).collect(),
            referred_by: call.referred_by.clone().map(Into::into),
            supervision: call.supervision.clone().map(Into::into),
        }
    }
}

impl From<&Snapshot> for JsonEvent {
    fn from(snapshot: &Snapshot) -> Self {
        Self::Snapshot {
            state: registration_name(snapshot.registration.state),
            auto_answer: snapshot.auto_answer,
            transfers_return: transfers_return_name(snapshot.transfers_return),
            agent: snapshot.agent.clone().map(|agent| Box::new(agent.into())),
            recording: access_name(snapshot.recording),
            features: snapshot.features.as_deref().map(|features| Box::new(features.into())),
            unread_packs: snapshot.unread_packs.iter().copied().map(Into::into).collect(),
            calls: snapshot.calls.iter().map(JsonCall::from).collect(),
        }
    }
}
