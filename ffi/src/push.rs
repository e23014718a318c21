//! A push as it crosses: what the platform must be told of it, at once and whatever it holds.

use crate::{CallId, DeclineReason, EndReason, time};
use sidetone_phone as phone;
use std::time::SystemTime;

/// What the platform must be told of a push. Never fails, needs no phone and waits for nothing: call
/// it first in the push handler, tell the platform, and only then start the phone.
#[uniffi::export]
pub fn announce(payload: Vec<u8>) -> Report {
    let phone::Report { announcement, over } =
        phone::announce(&payload, sidetone_driver::clock::now());
    let text = over.as_ref().map(ToString::to_string);
    Report { announcement: announcement.into(), over: over.map(Into::into), text }
}

/// What the platform must be told of a push.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Report {
    /// The call to report.
    pub announcement: Announcement,
    /// Why it does not ring: a call of this id that rings ends, for this reason. Where the platform
    /// demands a report for each push, it is reported and ended at once.
    pub over: Option<EndReason>,
    /// The same in words.
    pub text: Option<String>,
}

/// A call that the server announced by push.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Announcement {
    /// The call.
    pub call: CallId,
    /// What happened to it.
    pub kind: AnnouncementKind,
    /// When the server gives the attempt up.
    pub deadline: SystemTime,
    /// Who calls: the name, as far as the server shows it.
    pub name: Option<String>,
    /// Who calls: the number, as far as the server shows it.
    pub number: Option<String>,
    /// The queue that it came through.
    pub queue: Option<String>,
    /// What names the customer's call as a whole.
    pub group: Option<String>,
}

/// What a push says of its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
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

/// What the user decided before the call was here.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Intent {
    /// To answer it as soon as it is there.
    Answer,
    /// To refuse it.
    Decline {
        /// With which answer.
        reason: DeclineReason,
    },
    /// To send the caller elsewhere.
    Forward {
        /// Where.
        to: String,
    },
}

impl From<phone::Announcement> for Announcement {
    fn from(it: phone::Announcement) -> Self {
        Self {
            call: it.call.into(),
            kind: it.kind.into(),
            deadline: time::wall(it.deadline),
            name: it.caller.name,
            number: it.caller.number,
            queue: it.queue,
            group: it.group,
        }
    }
}

impl From<Announcement> for phone::Announcement {
    fn from(it: Announcement) -> Self {
        Self {
            call: it.call.into(),
            kind: it.kind.into(),
            deadline: time::unix(it.deadline),
            caller: phone::Caller { name: it.name, number: it.number },
            queue: it.queue,
            group: it.group,
        }
    }
}

impl From<phone::AnnouncementKind> for AnnouncementKind {
    fn from(kind: phone::AnnouncementKind) -> Self {
        use phone::AnnouncementKind as K;
        match kind {
            K::Incoming => Self::Incoming,
            K::Cancelled => Self::Cancelled,
            K::AnsweredElsewhere => Self::AnsweredElsewhere,
            K::Unreadable => Self::Unreadable,
        }
    }
}

impl From<AnnouncementKind> for phone::AnnouncementKind {
    fn from(kind: AnnouncementKind) -> Self {
        match kind {
            AnnouncementKind::Incoming => Self::Incoming,
            AnnouncementKind::Cancelled => Self::Cancelled,
            AnnouncementKind::AnsweredElsewhere => Self::AnsweredElsewhere,
            AnnouncementKind::Unreadable => Self::Unreadable,
        }
    }
}

impl From<phone::Intent> for Intent {
    fn from(intent: phone::Intent) -> Self {
        match intent {
            phone::Intent::Answer => Self::Answer,
            phone::Intent::Decline(reason) => Self::Decline { reason: reason.into() },
            phone::Intent::Forward(to) => Self::Forward { to },
        }
    }
}
