//! The UUIDs that cross: `java.util.UUID` in Kotlin, `Foundation.UUID` in Swift.

use std::str::FromStr;
use uuid::Uuid;

/// The name of a call: the same in the push, on the platform's call screen and in the INVITE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub Uuid);

/// The name of a message between agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub Uuid);

/// The name of a control call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ControlId(pub Uuid);

/// The name of this installation, drawn once and kept for ever (RFC 5626 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(pub Uuid);

uniffi::custom_type!(CallId, String, {
    try_lift: |text| Ok(Self(Uuid::from_str(&text)?)),
    lower: |id| id.0.to_string(),
});

uniffi::custom_type!(MessageId, String, {
    try_lift: |text| Ok(Self(Uuid::from_str(&text)?)),
    lower: |id| id.0.to_string(),
});

uniffi::custom_type!(ControlId, String, {
    try_lift: |text| Ok(Self(Uuid::from_str(&text)?)),
    lower: |id| id.0.to_string(),
});

uniffi::custom_type!(InstanceId, String, {
    try_lift: |text| Ok(Self(Uuid::from_str(&text)?)),
    lower: |id| id.0.to_string(),
});

impl From<CallId> for sidetone_phone::CallId {
    fn from(id: CallId) -> Self {
        Self(id.0)
    }
}

impl From<sidetone_phone::CallId> for CallId {
    fn from(id: sidetone_phone::CallId) -> Self {
        Self(id.0)
    }
}
