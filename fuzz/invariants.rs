//! What holds for any bytes at all. The fuzz targets look for bytes that break it; the torture tests
//! replay the corpus and spoiled messages.

use sidetone_phone::{Announcement, AnnouncementKind, EndReason, Now, UnixTime, announce};
use sidetone_sip::message::{
    CSeq, ContactHeader, ContentType, HeaderName, Headers, Message, NameAddr, Params, Uri, Via,
};
use sidetone_sip::sdp::{self, SessionDescription};
use std::time::Duration;

/// What docs/push.md and the platform's screen allow.
const LARGEST_PUSH: usize = 8192;
const LONGEST_TEXT: usize = 256;
const LONGEST_ATTEMPT: Duration = Duration::from_secs(180);

/// A message that can be read is printed so that the same is read again; each response to one is a
/// message; no reader panics; every typed value survives printing.
pub(crate) fn message(bytes: &[u8]) {
    let message = match Message::parse(bytes) {
        Ok(message) => message,
        Err(error) => {
            if let Some(response) = Message::rejection(bytes, &error, "tag") {
                assert_readable(&response.into());
            }
            return;
        }
    };
    assert_readable(&message);
    let _ = (message.redacted(), message.validate());
    if let Message::Request(request) = &message {
        if let Some(response) = request.rejection(&["timer"], "tag") {
            assert_readable(&response.into());
        }
        assert!(request.uri.matches(&request.uri));
        assert_printable(&request.uri, Uri::parse);
    }
    typed_values(message.headers());
}

/// Whatever a push holds, it is reported: within its limits, the same each time, and where it does not ring
/// it says why.
pub(crate) fn push(bytes: &[u8]) {
    let wall = Duration::from_secs(1_795_610_085);
    let now = Now { boot: Duration::from_secs(5), wall: UnixTime(wall) };
    let report = announce(bytes, now);
    assert_eq!(announce(bytes, now), report);
    let Announcement { kind, deadline, caller, queue, group, .. } = &report.announcement;
    assert!(deadline.0 <= wall + LONGEST_ATTEMPT, "{deadline:?}");
    let rings = *kind == AnnouncementKind::Incoming && deadline.0 > wall;
    assert_eq!(report.over.is_none(), rings, "{report:?}");
    assert_eq!(
        *kind == AnnouncementKind::Unreadable,
        report.over == Some(EndReason::UnreadablePush),
        "{report:?}"
    );
    for text in [&caller.name, &caller.number, queue, group].into_iter().flatten() {
        assert!(text.len() <= LONGEST_TEXT && !text.trim().is_empty(), "{text:?}");
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
    if bytes.len() > LARGEST_PUSH {
        assert_eq!(*kind, AnnouncementKind::Unreadable);
    }
    // As a push service wraps it, it says the same, unless it is wrapped already or nested to the limit.
    if *kind != AnnouncementKind::Unreadable
        && let Ok(text) = str::from_utf8(bytes)
        && text.len() < LARGEST_PUSH / 4
        && !text.contains("sidetone")
        && !text.contains("\\u")
        && text.bytes().filter(|byte| b"[{".contains(byte)).count() < 100
    {
        let apns = format!("{{\"aps\":{{}},\"sidetone\":{text}}}");
        assert_eq!(announce(apns.as_bytes(), now), report, "{apns}");
    }
}

fn assert_readable(message: &Message) {
    let printed = message.to_bytes();
    let again = Message::parse(&printed);
    assert_eq!(again.as_ref(), Ok(message), "{}", String::from_utf8_lossy(&printed));
}

fn typed_values(headers: &Headers) {
    for (name, bytes) in headers.iter() {
        let text = String::from_utf8_lossy(bytes);
        let _ = headers.number(name);
        for element in headers.list(name) {
            if let Ok(address) = NameAddr::parse(&element) {
                assert!(address.uri.matches(&address.uri));
                assert_printable(&address, NameAddr::parse);
            }
            if let Ok(contact) = ContactHeader::parse(&element) {
                assert_printable(&contact, ContactHeader::parse);
            }
            if let Ok(via) = Via::parse(&element) {
                let _ = (via.received(), via.rport());
                assert_printable(&via, Via::parse);
            }
        }
        if let Ok(cseq) = CSeq::parse(&text) {
            assert_printable(&cseq, CSeq::parse);
        }
        if let Ok(params) = Params::parse(&text) {
            let printed = params.to_string();
            assert_eq!(
                Params::parse(printed.get(1..).unwrap_or_default()),
                Ok(params),
                "{printed}"
            );
        }
        let _ = ContentType::parse(&text);
    }
    let _ = (headers.contact_uri(), headers.addresses(&HeaderName::ROUTE), headers.call_id());
}

fn assert_printable<T, E>(value: &T, parse: impl Fn(&str) -> Result<T, E>)
where
    T: ToString + PartialEq + std::fmt::Debug,
    E: std::fmt::Debug + PartialEq,
{
    let printed = value.to_string();
    assert_eq!(parse(&printed).as_ref(), Ok(value), "{printed}");
}

/// A description that can be read is printed so that the same media and attributes are read again,
/// and what the normalisers make of it can be read too.
pub(crate) fn sdp(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = sdp::codecs(&text);
    if let Ok(description) = SessionDescription::parse(&text) {
        // Printing supplies the lines that must be there (`s=`, `t=`) and puts all in the order that
        // RFC 8866 §5 asks, so the other lines may differ.
        let printed = description.to_string();
        let again = SessionDescription::parse(&printed).expect("what was printed");
        assert_eq!(again.media.len(), description.media.len());
        for (again, section) in again.media.iter().zip(&description.media) {
            assert_eq!((&again.media, again.port), (&section.media, section.port));
            assert_eq!((&again.protocol, &again.formats), (&section.protocol, &section.formats));
            assert_eq!(again.connection, section.connection);
            assert_eq!(again.attributes, section.attributes);
        }
        assert_eq!(again.attributes, description.attributes);
        assert_eq!(again.to_string(), printed);
    }
    for normalised in [
        sdp::normalise_remote(&text),
        sdp::normalise_local(&text, sdp::Role::Offer, &[]),
        sdp::normalise_local(&text, sdp::Role::Answer, &["192.0.2.1".to_owned()]),
    ]
    .into_iter()
    .flatten()
    {
        assert!(SessionDescription::parse(&normalised).is_ok(), "{normalised}");
    }
}
