//! A push as the platform delivers it, and what the platform must be told of it (docs/push.md; RFC 8599).

use super::{CallId, DeclineReason, EndReason, UnixTime};
use serde::{Deserialize, Serialize};

/// A call that the server announced by push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// The call, as its INVITE will name it (`X-Call-UID`).
    pub call: CallId,
    /// What happened to it.
    pub kind: AnnouncementKind,
    /// When the server gives the attempt up; at most three minutes ahead.
    pub deadline: UnixTime,
    /// Who calls, as far as the server shows it.
    pub caller: Caller,
    /// The queue that it came through.
    pub queue: Option<String>,
    /// What names the customer's call as a whole (`X-Call-Group`).
    pub group: Option<String>,
}

/// What a push says of its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnnouncementKind {
    /// It is about to come.
    Incoming,
    /// The caller gave up.
    Cancelled,
    /// Another phone of this user took it.
    AnsweredElsewhere,
    /// The payload could not be read.
    Unreadable,
}

/// Who calls. A number that policy hides never reaches the phone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The name.
    pub name: Option<String>,
    /// The number, or user name.
    pub number: Option<String>,
}

/// What the platform must be told of a push, at once and whatever it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The call to report.
    pub announcement: Announcement,
    /// Why it does not ring: a call of this id that rings ends, for this reason. Where the platform
    /// demands a report for each push, it is reported and ended at once.
    pub over: Option<EndReason>,
}

/// What the user decided before the INVITE came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Intent {
    /// To answer it as soon as it is there.
    Answer,
    /// To refuse it.
    Decline(DeclineReason),
    /// To send the caller to this address.
    Forward(String),
}

/// Where pushes for this phone go (RFC 8599 §4.1).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushToken {
    /// The push service.
    pub provider: PushProvider,
    /// `pn-param`: `TEAM.BUNDLE.voip` for APNs, the project's number for FCM.
    pub param: String,
    /// `pn-prid`: the device's token.
    pub prid: String,
}

/// A push service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PushProvider {
    /// Firebase Cloud Messaging.
    Fcm,
    /// Apple Push Notification service.
    Apns,
}

impl PushProvider {
    /// As `pn-provider` spells it (RFC 8599 §14.5).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fcm => "fcm",
            Self::Apns => "apns",
        }
    }
}

/// A token lets others ring this phone: it is not shown.
impl std::fmt::Debug for PushToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { provider, param, prid: _ } = self;
        write!(f, "PushToken({}, {param}, …)", provider.as_str())
    }
}
