//! What a push says and where pushes go, as it crosses.

use crate::logging::keep_secret;
use crate::{CallId, DeclineReason, EndReason, time};
use sidetone_driver::clock;
use sidetone_phone as phone;
use std::fmt;
use std::time::SystemTime;

/// What the platform must be told of a push.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Report {
    /// The call to report; to be handed to the phone by `announced`.
    pub announcement: Announcement,
    /// Why it does not ring: report it and end it at once. None: it rings.
    pub over: Option<EndReason>,
    /// The same in words.
    pub text: Option<String>,
}

/// A call that the server announced by push.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Announcement {
    /// The call, as its INVITE will name it.
    pub call: CallId,
    /// What happened to it.
    pub kind: AnnouncementKind,
    /// When the server gives the attempt up; at most three minutes ahead.
    pub deadline: SystemTime,
    /// Who calls, as far as the server shows it.
    pub caller: Caller,
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

/// Who calls. A number that policy hides never reaches the phone.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Caller {
    /// The name.
    pub name: Option<String>,
    /// The number, or user name.
    pub number: Option<String>,
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
    /// To send the caller to this address.
    Forward {
        /// The address.
        to: String,
    },
}

/// Where pushes for this phone go (RFC 8599).
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct PushToken {
    /// The push service.
    pub provider: PushProvider,
    /// `TEAM.BUNDLE.voip` for APNs, the project's number for FCM.
    pub param: String,
    /// The device's token.
    pub prid: String,
}

/// A push service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum PushProvider {
    /// Firebase Cloud Messaging.
    Fcm,
    /// Apple Push Notification service.
    Apns,
}

/// Reads a push. Never fails and waits for nothing: whatever the payload is, the platform can be told of
/// it at once, and must be. Needs no phone and no preparation.
#[uniffi::export]
pub fn announce(payload: Vec<u8>) -> Report {
    let phone::Report { announcement, over } = phone::announce(&payload, clock::now());
    let text = over.as_ref().map(ToString::to_string);
    Report { announcement: announcement.into(), over: over.map(Into::into), text }
}

/// A token lets others ring this phone: it is not shown.
impl fmt::Debug for PushToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushToken").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl From<phone::Announcement> for Announcement {
    fn from(announcement: phone::Announcement) -> Self {
        let phone::Announcement { call, kind, deadline, caller, queue, group } = announcement;
        Self {
            call: call.into(),
            kind: kind.into(),
            deadline: time::wall(deadline),
            caller: Caller { name: caller.name, number: caller.number },
            queue,
            group,
        }
    }
}

impl From<Announcement> for phone::Announcement {
    fn from(announcement: Announcement) -> Self {
        let Announcement { call, kind, deadline, caller, queue, group } = announcement;
        Self {
            call: call.into(),
            kind: kind.into(),
            deadline: time::unix(deadline),
            caller: phone::Caller { name: caller.name, number: caller.number },
            queue,
            group,
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
        use AnnouncementKind as K;
        match kind {
            K::Incoming => Self::Incoming,
            K::Cancelled => Self::Cancelled,
            K::AnsweredElsewhere => Self::AnsweredElsewhere,
            K::Unreadable => Self::Unreadable,
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

impl PushToken {
    /// The phone's; it is kept out of the log.
    pub(crate) fn kept_secret(self) -> phone::PushToken {
        keep_secret(&self.prid);
        let provider = match self.provider {
            PushProvider::Fcm => phone::PushProvider::Fcm,
            PushProvider::Apns => phone::PushProvider::Apns,
        };
        phone::PushToken { provider, param: self.param, prid: self.prid }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn any_payload_gives_a_report() {
        for payload in [vec![], vec![0xff; 70_000], b"{".to_vec(), b"null".to_vec()] {
            let report = announce(payload);
            assert_eq!(report.announcement.kind, AnnouncementKind::Unreadable);
            assert_eq!(report.over, Some(EndReason::UnreadablePush));
            assert!(report.text.is_some());
        }
    }

    #[test]
    fn an_announcement_comes_back_as_it_went() {
        let there = Announcement {
            call: CallId("3f2504e0-4f89-11d3-9a0c-0305e82c3301".parse().unwrap()),
            kind: AnnouncementKind::Incoming,
            deadline: UNIX_EPOCH + Duration::from_millis(1_795_000_000_123),
            caller: Caller { name: Some("Anna".to_owned()), number: None },
            queue: Some("sales".to_owned()),
            group: None,
        };
        let back = Announcement::from(phone::Announcement::from(there.clone()));
        assert_eq!(back, there);
    }

    #[test]
    fn a_deadline_before_the_epoch_is_the_epoch() {
        let early = UNIX_EPOCH - Duration::from_secs(10);
        assert_eq!(time::unix(early), phone::UnixTime(Duration::ZERO));
    }
}
