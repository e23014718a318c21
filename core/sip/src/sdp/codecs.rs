//! The codecs of an audio section and their numbers (RFC 8866 §6.6, §6.15, RFC 3551 §6, RFC 4733 §7).

use super::{MediaDescription, SdpError, SessionDescription, normalise_remote};

/// The audio codecs we speak, as they are spelled on the wire, with their clock.
pub(super) const AUDIO: [(&str, u32); 3] = [("opus", 48000), ("PCMU", 8000), ("PCMA", 8000)];

/// DTMF as events (RFC 4733); no audio by itself.
pub(super) const TELEPHONE_EVENT: &str = "telephone-event";

/// A codec as one side numbered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codec {
    /// The payload type of the side that receives it.
    pub payload_type: u8,
    /// `opus`, `PCMU`, `telephone-event`, lower-cased.
    pub name: String,
    /// The RTP clock, Hz.
    pub clock_rate: u32,
    /// `a=fmtp` of it, where there is one.
    pub fmtp: Option<String>,
}

/// The codecs of the audio section in order of preference, telephone-event among them.
///
/// All that are named are listed, also those that we do not speak: of a normalised description
/// that is what can be used.
///
/// # Errors
/// Not a description, or no usable audio in it.
pub fn codecs(text: &str) -> Result<Vec<Codec>, SdpError> {
    let description = SessionDescription::parse(text)?;
    let audio = description.audio().ok_or(SdpError::NotAcceptable("no audio is accepted"))?;
    let codecs = codecs_of(audio);
    if codecs.is_empty() {
        return Err(SdpError::NotAcceptable("no codec is named"));
    }
    Ok(codecs)
}

/// The payload type under which the other side wants this codec, once its description has been
/// normalised: Asterisk numbers Opus 107 and names two telephone-events, of which one fits.
pub fn remote_payload_type(text: &str, codec_name: &str) -> Option<u8> {
    let codecs = codecs(&normalise_remote(text).ok()?).ok()?;
    codecs.into_iter().find(|c| c.name.eq_ignore_ascii_case(codec_name)).map(|c| c.payload_type)
}

/// The codecs of a section, each payload type once; those without a known name are left out.
pub(super) fn codecs_of(section: &MediaDescription) -> Vec<Codec> {
    let mut codecs: Vec<Codec> = Vec::new();
    for format in &section.formats {
        let Some(payload_type) = payload_type(format) else { continue };
        if codecs.iter().any(|c| c.payload_type == payload_type) {
            continue;
        }
        let mapped = section.attributes("rtpmap").find_map(|v| rtpmap(v, payload_type));
        if let Some((name, clock_rate)) = mapped.or_else(|| static_assignment(payload_type)) {
            let fmtp = section.attributes("fmtp").find_map(|v| parameters(v, payload_type));
            codecs.push(Codec { payload_type, name, clock_rate, fmtp: fmtp.map(str::to_owned) });
        }
    }
    codecs
}

/// A payload type has seven bits (RFC 3550 §5.1).
fn payload_type(format: &str) -> Option<u8> {
    format.parse().ok().filter(|number| *number < 128)
}

/// What an attribute such as `fmtp` says of this payload type: `<payload type> <rest>`.
fn parameters(value: &str, payload_type: u8) -> Option<&str> {
    let (number, rest) = value.trim().split_once([' ', '\t'])?;
    (number.parse() == Ok(payload_type)).then(|| rest.trim())
}

fn rtpmap(value: &str, wanted: u8) -> Option<(String, u32)> {
    let mut encoding = parameters(value, wanted)?.split('/');
    let name = encoding.next()?.to_ascii_lowercase();
    let clock_rate = encoding.next()?.trim().parse().ok()?;
    Some((name, clock_rate))
}

/// Those of RFC 3551 §6 that audio still uses; they may go without `a=rtpmap`.
fn static_assignment(payload_type: u8) -> Option<(String, u32)> {
    let name = match payload_type {
        0 => "pcmu",
        8 => "pcma",
        9 => "g722",
        13 => "cn",
        _ => return None,
    };
    Some((name.to_owned(), 8000))
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn names(text: &str) -> Vec<(u8, String, u32)> {
        codecs(text).unwrap().into_iter().map(|c| (c.payload_type, c.name, c.clock_rate)).collect()
    }

    fn named(payload_type: u8, name: &str, clock_rate: u32) -> (u8, String, u32) {
        (payload_type, name.to_owned(), clock_rate)
    }

    #[test]
    fn the_codecs_come_in_the_order_of_the_media_line() {
        let expected = [
            named(107, "opus", 48000),
            named(0, "pcmu", 8000),
            named(8, "pcma", 8000),
            named(101, "telephone-event", 48000),
            named(103, "telephone-event", 8000),
        ];
        assert_eq!(names(samples::ASTERISK_OFFER), expected);
        let opus = &codecs(samples::ASTERISK_OFFER).unwrap()[0];
        assert_eq!(opus.fmtp.as_deref(), Some("useinbandfec=1"));
    }

    #[test]
    fn a_static_payload_type_needs_no_rtpmap() {
        let text =
            "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 8 96\r\n";
        assert_eq!(names(text), [named(8, "pcma", 8000), named(0, "pcmu", 8000)]);
    }

    #[test]
    fn a_rejected_section_names_no_codecs() {
        let text = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n";
        assert_eq!(codecs(text), Err(SdpError::NotAcceptable("no audio is accepted")));
        let unnamed = text.replace("audio 0", "audio 9").replace("AVP 0", "AVP 96 200");
        assert_eq!(codecs(&unnamed), Err(SdpError::NotAcceptable("no codec is named")));
    }

    #[test]
    fn the_numbers_of_the_other_side_are_used() {
        assert_eq!(remote_payload_type(samples::ASTERISK_OFFER, "opus"), Some(107));
        assert_eq!(remote_payload_type(samples::ASTERISK_OFFER, "telephone-event"), Some(101));
        assert_eq!(remote_payload_type(samples::ASTERISK_OFFER, "pcmu"), Some(0));
        assert_eq!(remote_payload_type(samples::ASTERISK_OFFER, "g722"), None);
        assert_eq!(remote_payload_type("no description", "opus"), None);
    }
}
