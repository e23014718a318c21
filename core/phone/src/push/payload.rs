//! A payload's JSON, version 1, read within limits (docs/push.md): the object itself, or under the
//! key `sidetone` as an object (APNs) or as a text (FCM data).

use super::LONGEST;
use crate::text::clip;
use crate::{Announcement, AnnouncementKind, CallId, Caller, EndReason, Now, Report, UnixTime};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The most that is read of a payload: push services carry 4 to 5 KiB.
const LARGEST: usize = 8192;
/// The most bytes of a text that is shown.
const SHOWN: usize = 256;

/// What the platform must be told of a push, whatever it holds: pure, total, and without a phone,
/// since a platform may demand it before anything else runs.
pub fn announce(payload: &[u8], now: Now) -> Report {
    let announcement = read(payload, now).unwrap_or_else(|| unreadable(payload, now));
    let over = match announcement.kind {
        AnnouncementKind::Incoming if announcement.deadline > now.wall => None,
        AnnouncementKind::Incoming => Some(EndReason::NoAnswer),
        AnnouncementKind::Cancelled => Some(EndReason::Cancelled),
        AnnouncementKind::AnsweredElsewhere => Some(EndReason::AnsweredElsewhere),
        AnnouncementKind::Unreadable => Some(EndReason::UnreadablePush),
    };
    Report { announcement, over }
}

#[derive(Deserialize)]
struct Payload {
    v: u64,
    kind: String,
    call: String,
    deadline: Option<u64>,
    caller: Option<Who>,
    queue: Option<String>,
    group: Option<String>,
}

#[derive(Deserialize)]
struct Who {
    name: Option<String>,
    number: Option<String>,
}

fn read(payload: &[u8], now: Now) -> Option<Announcement> {
    if payload.len() > LARGEST {
        return None;
    }
    let outer: Value = serde_json::from_slice(payload).ok()?;
    let inner = match outer.get("sidetone") {
        Some(Value::String(text)) => serde_json::from_str(text).ok()?,
        Some(object) => object.clone(),
        None => outer,
    };
    let payload: Payload = serde_json::from_value(inner).ok()?;
    let kind = match (payload.v, payload.kind.as_str()) {
        (1, "incoming") => AnnouncementKind::Incoming,
        (1, "cancelled") => AnnouncementKind::Cancelled,
        (1, "answered_elsewhere") => AnnouncementKind::AnsweredElsewhere,
        (_, _) => return None,
    };
    let deadline = match (kind, payload.deadline) {
        (AnnouncementKind::Incoming, None) => return None,
        (_, Some(at)) => Duration::from_secs(at).min(now.wall.0.saturating_add(LONGEST)),
        (_, None) => now.wall.0,
    };
    let shown = |text: Option<String>| {
        text.map(|text| clip(&text, SHOWN)).filter(|text| !text.trim().is_empty())
    };
    let caller = payload.caller.map_or_else(Caller::default, |who| Caller {
        name: shown(who.name),
        number: shown(who.number),
    });
    Some(Announcement {
        call: payload.call.parse().ok()?,
        kind,
        deadline: UnixTime(deadline),
        caller,
        queue: shown(payload.queue),
        group: shown(payload.group),
    })
}

/// The same bytes make the same call, so that a push that is delivered twice is reported once.
fn unreadable(payload: &[u8], now: Now) -> Announcement {
    let mut id = [0; 16];
    id.copy_from_slice(&Sha256::digest(payload)[..16]);
    Announcement {
        call: CallId(uuid::Builder::from_custom_bytes(id).into_uuid()),
        kind: AnnouncementKind::Unreadable,
        deadline: now.wall,
        caller: Caller::default(),
        queue: None,
        group: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "0b1c2d3e-4f50-4162-8374-95a6b7c8d9e0";

    fn now() -> Now {
        Now { boot: Duration::from_secs(5), wall: UnixTime(Duration::from_secs(1_764_000_000)) }
    }

    fn incoming(deadline: u64) -> String {
        format!(
            r#"{{"v":1,"kind":"incoming","call":"{CALL}","deadline":{deadline},
               "caller":{{"name":"A \u202e\"quoted\"\n name","number":"+49 30 1"}},"queue":"Support","more":[1]}}"#
        )
    }

    #[test]
    fn an_incoming_call_rings_until_its_deadline() {
        let report = announce(incoming(1_764_000_025).as_bytes(), now());
        assert_eq!(report.over, None);
        let announcement = report.announcement;
        assert_eq!(announcement.call.to_string(), CALL);
        assert_eq!(announcement.deadline.0.as_secs(), 1_764_000_025);
        assert_eq!(announcement.caller.name.as_deref(), Some("A \"quoted\" name"));
        assert_eq!(announcement.queue.as_deref(), Some("Support"));
    }

    #[test]
    fn each_push_service_wraps_it_in_its_own_way() {
        let plain = announce(incoming(1_764_000_025).as_bytes(), now());
        let apns = format!(r#"{{"aps":{{}},"sidetone":{}}}"#, incoming(1_764_000_025));
        assert_eq!(announce(apns.as_bytes(), now()), plain);
        let text = serde_json::to_string(&incoming(1_764_000_025)).unwrap();
        let fcm = format!(r#"{{"sidetone":{text}}}"#);
        assert_eq!(announce(fcm.as_bytes(), now()), plain);
    }

    #[test]
    fn a_deadline_that_is_over_does_not_ring_and_a_distant_one_is_cut() {
        let late = announce(incoming(1_764_000_000).as_bytes(), now());
        assert_eq!(late.over, Some(EndReason::NoAnswer));
        let distant = announce(incoming(u64::MAX).as_bytes(), now());
        assert_eq!(distant.over, None);
        assert_eq!(distant.announcement.deadline.0, now().wall.0 + LONGEST);
    }

    #[test]
    fn what_cannot_be_read_is_reported_and_over() {
        let other = incoming(1_764_000_025).replace("\"v\":1", "\"v\":2");
        let kind = incoming(1_764_000_025).replace("incoming", "invented");
        let call = incoming(1_764_000_025).replace(CALL, "7");
        let endless = incoming(1_764_000_025).replace("\"deadline\":1764000025,", "");
        let large = format!("{}{}", incoming(1_764_000_025), " ".repeat(LARGEST));
        let bytes: [&[u8]; 9] = [
            b"",
            b"{}",
            b"\xff\xfe",
            b"[[[[",
            other.as_bytes(),
            kind.as_bytes(),
            call.as_bytes(),
            endless.as_bytes(),
            large.as_bytes(),
        ];
        for payload in bytes {
            let report = announce(payload, now());
            assert_eq!(report.over, Some(EndReason::UnreadablePush));
            assert_eq!(report.announcement.kind, AnnouncementKind::Unreadable);
            assert_eq!(report, announce(payload, now()), "twice is one call");
        }
        assert_ne!(
            announce(b"{}", now()).announcement.call,
            announce(b"", now()).announcement.call
        );
    }

    #[test]
    fn any_bytes_give_a_report() {
        let whole = incoming(1_764_000_025).into_bytes();
        for at in 0..whole.len() {
            announce(&whole[..at], now());
            for byte in [0, b'"', b'{', b'}', b'\\', 0xff] {
                let mut spoiled = whole.clone();
                spoiled[at] = byte;
                announce(&spoiled, now());
            }
        }
        announce("[".repeat(LARGEST).as_bytes(), now());
    }
}
