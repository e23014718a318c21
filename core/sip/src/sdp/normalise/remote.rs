//! From the wire to the WebRTC stack: what Asterisk, FreeSWITCH, Kamailio and browsers send, as the stack takes it.

use super::super::candidate::Candidate;
use super::super::codecs::{AUDIO, Codec, TELEPHONE_EVENT, codecs_of};
use super::super::origin::sane_origin;
use super::super::{Attribute, Direction, MediaDescription, SdpError, SessionDescription};
use super::unique;

const DTLS_SRTP: &str = "UDP/TLS/RTP/SAVPF";

/// Other names under which DTLS-SRTP is offered; with a fingerprint they mean the same (RFC 8829 §5.1.2).
const DTLS_SRTP_ALIASES: [&str; 3] = ["UDP/TLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP"];

/// The attributes of the audio section that are written anew, or that have no meaning for it.
const REWRITTEN: [&str; 24] = [
    "bundle-only",
    "candidate",
    "crypto",
    "end-of-candidates",
    "fingerprint",
    "fmtp",
    "group",
    "ice-pwd",
    "ice-ufrag",
    "inactive",
    "mid",
    "recvonly",
    "remote-candidates",
    "rid",
    "rtcp",
    "rtcp-fb",
    "rtcp-mux",
    "rtcp-mux-only",
    "rtpmap",
    "sendonly",
    "sendrecv",
    "setup",
    "simulcast",
    "ssrc-group",
];

/// Rewrites what the other side sent into what the strict WebRTC stack takes: hash name in lower
/// case, `mid` and BUNDLE where missing, no component 2, `RTP/SAVPF` and friends to
/// `UDP/TLS/RTP/SAVPF`, one telephone-event (the rate that goes with the first codec), unknown
/// codecs kept out.
///
/// The first usable audio section is kept; all others stay in their place as rejected ones (port
/// 0, outside of BUNDLE), so that the answer has as many sections as the offer. What the session
/// says for all its sections is said in the audio section, where the stack looks for it.
///
/// # Errors
/// Not a description, or no usable audio in it.
pub fn normalise_remote(text: &str) -> Result<String, SdpError> {
    let mut description = SessionDescription::parse(text)?;
    let (chosen, audio) = usable_audio(&description)?;
    let mids = unique_mids(&description.media);
    for (index, section) in description.media.iter_mut().enumerate() {
        if index == chosen {
            *section = audio.clone();
            section.attributes.insert(0, Attribute::new("mid", mids[index].clone()));
        } else {
            reject(section, &mids[index]);
        }
    }
    description.origin = sane_origin(&description.origin);
    description.other.clear();
    description.connection = None;
    description.attributes.retain(|a| !REWRITTEN.contains(&a.name.as_str()));
    description.attributes.insert(0, Attribute::new("group", format!("BUNDLE {}", mids[chosen])));
    unique(&mut description.attributes);
    Ok(description.to_string())
}

/// The first audio section that can be used, as it is to be written; else what the first lacked.
fn usable_audio(description: &SessionDescription) -> Result<(usize, MediaDescription), SdpError> {
    let mut missing = None;
    for (index, section) in description.media.iter().enumerate() {
        if section.media != "audio" {
            continue;
        }
        match rewrite_audio(description, section) {
            Ok(audio) => return Ok((index, audio)),
            Err(why) => missing = missing.or(Some(why)),
        }
    }
    Err(SdpError::NotAcceptable(missing.unwrap_or("there is no audio section")))
}

fn rewrite_audio(
    description: &SessionDescription,
    section: &MediaDescription,
) -> Result<MediaDescription, &'static str> {
    if section.port == 0 {
        return Err("the audio section is rejected");
    }
    if section.protocol != DTLS_SRTP && !DTLS_SRTP_ALIASES.contains(&section.protocol.as_str()) {
        return Err("the audio is not offered over DTLS-SRTP");
    }
    let inherited = |name| section.attribute(name).or_else(|| description.attribute(name));
    let credential = |name| inherited(name).map(str::trim).filter(|value| !value.is_empty());
    let codecs = usable_codecs(section);
    if !codecs.iter().any(is_audio) {
        return Err("none of its codecs is spoken here");
    }
    let (Some(ufrag), Some(password)) = (credential("ice-ufrag"), credential("ice-pwd")) else {
        return Err("there are no ICE credentials");
    };
    let fingerprint = sha256_fingerprint(description, section)?;
    if inherited("rtcp-mux").or_else(|| inherited("rtcp-mux-only")).is_none() {
        return Err("RTCP is not multiplexed with RTP");
    }

    let mut attributes = vec![
        Attribute::new("ice-ufrag", ufrag),
        Attribute::new("ice-pwd", password),
        Attribute::new("fingerprint", fingerprint),
    ];
    attributes.extend(inherited("setup").map(|role| Attribute::new("setup", role.trim())));
    attributes.push(Attribute::flag(description.direction_of(section).as_str()));
    attributes.push(Attribute::flag("rtcp-mux"));
    codecs.iter().for_each(|codec| describe_codec(codec, section, &mut attributes));
    attributes.extend(section.attributes.iter().filter(|a| is_passed_on(a)).cloned());
    attributes.extend(candidates(section));
    attributes.extend(section.attributes.iter().filter(|a| a.name == "end-of-candidates").cloned());
    unique(&mut attributes);

    Ok(MediaDescription {
        media: section.media.clone(),
        port: section.port,
        protocol: DTLS_SRTP.to_owned(),
        formats: codecs.iter().map(|c| c.payload_type.to_string()).collect(),
        connection: section.connection.clone().or_else(|| description.connection.clone()),
        other: Vec::new(),
        attributes,
    })
}

/// What we speak of the section's codecs, each once, in its order, and one telephone-event: the
/// one whose clock is the first codec's, because both share an SSRC and so a clock (RFC 4733 §2.1);
/// one of another clock is better than no DTMF.
fn usable_codecs(section: &MediaDescription) -> Vec<Codec> {
    let mut usable: Vec<Codec> = Vec::new();
    let mut events: Vec<Codec> = Vec::new();
    for codec in codecs_of(section) {
        if codec.name == TELEPHONE_EVENT {
            events.push(codec);
        } else if is_audio(&codec) && !usable.iter().any(|known| known.name == codec.name) {
            usable.push(codec);
        }
    }
    let clock_rate = usable.first().map(|codec| codec.clock_rate);
    let fitting = events.iter().position(|e| Some(e.clock_rate) == clock_rate).unwrap_or(0);
    if fitting < events.len() {
        usable.push(events.swap_remove(fitting));
    }
    usable
}

fn is_audio(codec: &Codec) -> bool {
    AUDIO.iter().any(|(name, clock_rate)| {
        name.eq_ignore_ascii_case(&codec.name) && *clock_rate == codec.clock_rate
    })
}

/// The codec's name as it is registered.
fn spelling(codec: &Codec) -> &str {
    let mut names = AUDIO.into_iter().map(|(name, _)| name);
    names.find(|name| name.eq_ignore_ascii_case(&codec.name)).unwrap_or(&codec.name)
}

/// `rtpmap`, `fmtp` and `rtcp-fb` of a codec. The stack loses an `fmtp` with spaces in it.
fn describe_codec(codec: &Codec, section: &MediaDescription, attributes: &mut Vec<Attribute>) {
    let (number, name) = (codec.payload_type, spelling(codec));
    // RFC 7587 §7: Opus is always announced with two channels.
    let channels = if name == "opus" { "/2" } else { "" };
    let rtpmap = format!("{number} {name}/{}{channels}", codec.clock_rate);
    attributes.push(Attribute::new("rtpmap", rtpmap));
    if let Some(fmtp) = &codec.fmtp {
        let fmtp: String = fmtp.split_ascii_whitespace().collect();
        attributes.push(Attribute::new("fmtp", format!("{number} {fmtp}")));
    }
    let feedback = section.attributes.iter().filter(|a| a.name == "rtcp-fb").filter(|a| {
        let of = a.value().split_ascii_whitespace().next();
        of.is_some_and(|of| of.parse() == Ok(number))
    });
    attributes.extend(feedback.cloned());
}

/// The stack takes SHA-256 only, compares its name by case, and wants the same one everywhere.
fn sha256_fingerprint(
    description: &SessionDescription,
    section: &MediaDescription,
) -> Result<String, &'static str> {
    let of_session = description.attributes.iter().filter(|a| a.name == "fingerprint");
    let mut all = section.attributes("fingerprint").chain(of_session.map(Attribute::value));
    let mut found = false;
    let sha256 = all.find_map(|value| {
        found = true;
        let mut fields = value.split_ascii_whitespace();
        let (hash, digest) = (fields.next()?, fields.next()?);
        let matches = hash.eq_ignore_ascii_case("sha-256") && is_sha256(digest);
        matches.then(|| format!("sha-256 {}", digest.to_ascii_uppercase()))
    });
    match sha256 {
        Some(fingerprint) => Ok(fingerprint),
        None if found => Err("there is no SHA-256 fingerprint"),
        None => Err("there is no DTLS fingerprint"),
    }
}

fn is_sha256(digest: &str) -> bool {
    let octet = |o: &str| o.len() == 2 && o.bytes().all(|b| b.is_ascii_hexdigit());
    digest.split(':').count() == 32 && digest.split(':').all(octet)
}

/// One `a=extmap` that cannot be read would make the stack refuse the whole description.
fn is_passed_on(attribute: &Attribute) -> bool {
    let name = attribute.name.as_str();
    !REWRITTEN.contains(&name) && (name != "extmap" || is_extension(attribute.value()))
}

fn is_extension(value: &str) -> bool {
    let mut fields = value.split_ascii_whitespace();
    let (Some(id), Some(uri)) = (fields.next(), fields.next()) else { return false };
    let (number, direction) = id.split_once('/').map_or((id, None), |(n, d)| (n, Some(d)));
    let scheme = uri.split_once(':').is_some_and(|(scheme, rest)| {
        matches!(scheme, "urn" | "http" | "https") && !rest.trim_matches('/').is_empty()
    });
    scheme
        && number.parse::<u8>().is_ok_and(|n| n != 0)
        && direction.is_none_or(|d| Direction::from_name(d).is_some())
}

fn candidates(section: &MediaDescription) -> impl Iterator<Item = Attribute> + '_ {
    let usable = |a: &&Attribute| a.name == "candidate" && Candidate::is_usable(a.value());
    section.attributes.iter().filter(usable).cloned()
}

/// The identification tag of each section: its own, or its place where it has none or the same as
/// another (RFC 5888 §4). The stack numbers its own sections by place, too.
fn unique_mids(sections: &[MediaDescription]) -> Vec<String> {
    let own = |section: &MediaDescription| {
        let mid = section.attribute("mid").unwrap_or_default().trim();
        (!mid.is_empty() && !mid.contains(char::is_whitespace)).then(|| mid.to_owned())
    };
    let stated: Vec<Option<String>> = sections.iter().map(own).collect();
    let mut mids: Vec<String> = Vec::with_capacity(sections.len());
    for (index, mid) in stated.iter().enumerate() {
        let fresh = || {
            let taken = |m: &String| mids.contains(m) || stated.contains(&Some(m.clone()));
            (index..).map(|n| n.to_string()).find(|m| !taken(m)).unwrap_or_default()
        };
        let mid = mid.clone().filter(|mid| !mids.contains(mid)).unwrap_or_else(fresh);
        mids.push(mid);
    }
    mids
}

/// Leaves of a section what a rejected one needs. `inactive` keeps the stack from looking for
/// tracks and ICE in it, the format 0 from asking for codecs or for a data channel.
fn reject(section: &mut MediaDescription, mid: &str) {
    section.port = 0;
    section.formats = vec!["0".to_owned()];
    section.connection = None;
    section.other.clear();
    section.attributes = vec![Attribute::new("mid", mid), Attribute::flag("inactive")];
}

#[cfg(test)]
mod tests {
    use super::super::super::{Codec, codecs, samples};
    use super::*;

    fn normalised(text: &str) -> String {
        normalise_remote(text).unwrap()
    }

    fn refusal(text: &str) -> &'static str {
        match normalise_remote(text) {
            Err(SdpError::NotAcceptable(why)) => why,
            Ok(_) | Err(SdpError::Syntax { .. } | SdpError::TooLarge) => panic!("not refused"),
        }
    }

    fn lines<'a>(text: &'a str, start: &'a str) -> Vec<&'a str> {
        text.lines().filter(|line| line.starts_with(start)).collect()
    }

    fn without(text: &str, start: &str) -> String {
        text.split_inclusive('\n').filter(|line| !line.starts_with(start)).collect()
    }

    /// With the session-level lines `extra`.
    fn with_session_lines(text: &str, extra: &str) -> String {
        text.replacen("t=0 0\r\n", &format!("t=0 0\r\n{extra}"), 1)
    }

    fn telephone_events(text: &str) -> Vec<(u8, u32)> {
        let events = |c: &Codec| c.name == TELEPHONE_EVENT;
        codecs(text)
            .unwrap()
            .into_iter()
            .filter(events)
            .map(|c| (c.payload_type, c.clock_rate))
            .collect()
    }

    #[test]
    fn the_hash_name_is_written_in_lower_case() {
        let text = normalised(samples::ASTERISK_OFFER);
        let line = lines(&text, "a=fingerprint:");
        assert_eq!(line.len(), 1);
        assert!(line[0].starts_with("a=fingerprint:sha-256 4A:AD:B9"), "{line:?}");
    }

    #[test]
    fn a_fingerprint_of_the_session_counts_for_the_audio() {
        let line = lines(samples::ASTERISK_OFFER, "a=fingerprint:")[0];
        let moved = with_session_lines(
            &without(samples::ASTERISK_OFFER, "a=fingerprint:"),
            &format!("{line}\r\n"),
        );
        assert_eq!(
            lines(&normalised(&moved), "a=fingerprint:"),
            lines(&normalised(samples::ASTERISK_OFFER), "a=fingerprint:")
        );
    }

    #[test]
    fn of_several_fingerprints_the_one_of_sha_256_is_taken() {
        let sha1 =
            "a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\r\n";
        let both =
            samples::ASTERISK_OFFER.replace("a=fingerprint:", &format!("{sha1}a=fingerprint:"));
        assert_eq!(lines(&normalised(&both), "a=fingerprint:").len(), 1);
        assert!(normalised(&both).contains("a=fingerprint:sha-256 4A"));
        let only = without(samples::ASTERISK_OFFER, "a=fingerprint:")
            .replace("a=ptime", &format!("{sha1}a=ptime"));
        assert_eq!(refusal(&only), "there is no SHA-256 fingerprint");
    }

    #[test]
    fn a_missing_mid_and_bundle_are_put_in() {
        let text = normalised(samples::FREESWITCH_OFFER);
        assert_eq!(lines(&text, "a=mid:"), ["a=mid:0"]);
        assert_eq!(lines(&text, "a=group:"), ["a=group:BUNDLE 0"]);
    }

    #[test]
    fn a_mid_without_bundle_gets_its_bundle() {
        let text = normalised(&without(samples::ASTERISK_OFFER, "a=group:"));
        assert_eq!(lines(&text, "a=mid:"), ["a=mid:audio-0"]);
        assert_eq!(lines(&text, "a=group:"), ["a=group:BUNDLE audio-0"]);
    }

    #[test]
    fn a_mid_that_is_put_in_is_no_other_sections() {
        let other =
            "m=video 4000 RTP/SAVPF 96\r\na=mid:0\r\nm=video 4000 RTP/SAVPF 96\r\na=mid:0\r\n";
        let text = normalised(&format!("{}{other}", samples::FREESWITCH_OFFER));
        assert_eq!(lines(&text, "a=mid:"), ["a=mid:1", "a=mid:0", "a=mid:2"]);
        assert_eq!(lines(&text, "a=group:"), ["a=group:BUNDLE 1"]);
    }

    #[test]
    fn candidates_of_component_2_are_dropped() {
        let text = normalised(samples::FREESWITCH_OFFER);
        let expected =
            "a=candidate:5302361085 1 udp 659136 203.0.113.9 24612 typ host generation 0";
        assert_eq!(lines(&text, "a=candidate:"), [expected]);
    }

    #[test]
    fn all_candidates_of_asterisk_are_kept() {
        let text = normalised(samples::ASTERISK_OFFER);
        assert_eq!(lines(&text, "a=candidate:"), lines(samples::ASTERISK_OFFER, "a=candidate:"));
        assert_eq!(lines(&text, "a=candidate:").len(), 7);
    }

    #[test]
    fn a_candidate_that_cannot_be_read_does_not_spoil_the_others() {
        let broken = samples::ASTERISK_OFFER
            .replace("a=ptime:20", "a=candidate:1 1 UDP 2130706431 pbx.example.com 5000 typ host\r\na=candidate:x\r\na=ptime:20");
        assert_eq!(lines(&normalised(&broken), "a=candidate:").len(), 7);
    }

    #[test]
    fn every_name_of_dtls_srtp_becomes_the_one_the_stack_writes() {
        for name in ["RTP/SAVPF", "RTP/SAVP", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"] {
            let text = normalised(&samples::FREESWITCH_OFFER.replace("RTP/SAVPF", name));
            assert_eq!(lines(&text, "m="), ["m=audio 24612 UDP/TLS/RTP/SAVPF 102 0 8 103"]);
        }
        let plain = samples::FREESWITCH_OFFER.replace("RTP/SAVPF", "RTP/AVP");
        assert_eq!(refusal(&plain), "the audio is not offered over DTLS-SRTP");
    }

    #[test]
    fn one_telephone_event_is_kept_and_its_clock_is_the_codecs() {
        assert_eq!(telephone_events(&normalised(samples::ASTERISK_OFFER)), [(101, 48000)]);
        assert_eq!(telephone_events(&normalised(samples::FREESWITCH_OFFER)), [(103, 48000)]);
        assert_eq!(telephone_events(&normalised(samples::CHROMIUM_OFFER)), [(110, 48000)]);
        let narrow = samples::ASTERISK_OFFER.replace("SAVPF 107 0 8 101", "SAVPF 0 107 8 101");
        assert_eq!(telephone_events(&normalised(&narrow)), [(103, 8000)]);
    }

    #[test]
    fn a_telephone_event_of_another_clock_is_better_than_none() {
        let only = samples::ASTERISK_OFFER.replace(" 101 103\r\n", " 103\r\n");
        assert_eq!(telephone_events(&normalised(&only)), [(103, 8000)]);
        let none = samples::ASTERISK_OFFER.replace(" 101 103\r\n", "\r\n");
        assert_eq!(telephone_events(&normalised(&none)), []);
    }

    #[test]
    fn what_we_do_not_speak_is_dropped_with_its_lines() {
        let text = normalised(samples::CHROMIUM_OFFER);
        let audio = text.split("m=video").next().unwrap();
        assert!(audio.contains("m=audio 51472 UDP/TLS/RTP/SAVPF 111 0 8 110\r\n"));
        let numbers: Vec<&str> = lines(audio, "a=rtpmap:")
            .into_iter()
            .chain(lines(audio, "a=fmtp:"))
            .chain(lines(audio, "a=rtcp-fb:"))
            .filter_map(|line| line.split([':', ' ']).nth(1))
            .collect();
        assert_eq!(numbers, ["111", "0", "8", "110", "111", "111"]);
    }

    #[test]
    fn comfort_noise_is_dropped_with_and_without_a_name() {
        for text in [
            samples::FREESWITCH_OFFER.to_owned(),
            without(samples::FREESWITCH_OFFER, "a=rtpmap:13"),
        ] {
            let text = normalised(&text);
            assert!(!text.contains(" 13") && !text.contains("CN/8000"), "{text}");
        }
    }

    #[test]
    fn a_static_payload_type_gets_its_rtpmap() {
        let bare = without(&without(samples::FREESWITCH_OFFER, "a=rtpmap:0 "), "a=rtpmap:8 ");
        let text = normalised(&bare);
        assert_eq!(lines(&text, "a=rtpmap:0"), ["a=rtpmap:0 PCMU/8000"]);
        assert_eq!(lines(&text, "a=rtpmap:8"), ["a=rtpmap:8 PCMA/8000"]);
    }

    #[test]
    fn parameters_are_written_without_spaces_since_the_stack_would_lose_them() {
        let text = normalised(samples::FREESWITCH_OFFER);
        let expected = "a=fmtp:102 useinbandfec=1;maxaveragebitrate=30000;maxplaybackrate=48000;\
                        ptime=20;minptime=10;maxptime=40";
        assert_eq!(lines(&text, "a=fmtp:102"), [expected]);
    }

    #[test]
    fn opus_has_two_channels_and_its_own_clock() {
        let mono = samples::ASTERISK_OFFER.replace("opus/48000/2", "OPUS/48000");
        assert_eq!(lines(&normalised(&mono), "a=rtpmap:107"), ["a=rtpmap:107 opus/48000/2"]);
        let slow = samples::ASTERISK_OFFER.replace("opus/48000/2", "opus/16000/2");
        assert!(!normalised(&slow).contains("107"));
    }

    #[test]
    fn a_codec_that_is_offered_twice_is_kept_once() {
        let twice = samples::ASTERISK_OFFER
            .replace("SAVPF 107 0", "SAVPF 107 96 0")
            .replace("a=ptime:20", "a=rtpmap:96 opus/48000/2\r\na=fmtp:96 stereo=1\r\na=ptime:20");
        assert_eq!(normalised(&twice), normalised(samples::ASTERISK_OFFER));
    }

    #[test]
    fn session_lines_the_stack_cannot_read_do_not_reach_it() {
        let odd = with_session_lines(samples::ASTERISK_OFFER, "q=1\r\nb=TIAS\r\n")
            .replace("o=- 1763999101", "o=- -1");
        let text = normalised(&odd);
        assert_eq!(lines(&text, "o="), ["o=- 0 0 IN IP4 0.0.0.0"]);
        assert!(!text.contains("q=1") && !text.contains("TIAS"));
    }

    #[test]
    fn doubled_payload_types_and_lines_are_written_once() {
        let doubled = samples::ASTERISK_OFFER
            .replace("SAVPF 107 0", "SAVPF 107 107 0 0")
            .replace("a=ptime:20\r\n", "a=ptime:20\r\na=ptime:20\r\n")
            .replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\na=rtcp-mux\r\na=fmtp:107 useinbandfec=1\r\n");
        assert_eq!(normalised(&doubled), normalised(samples::ASTERISK_OFFER));
    }

    #[test]
    fn other_media_stay_in_their_place_as_rejected() {
        let text = normalised(samples::CHROMIUM_OFFER);
        let expected = [
            "m=audio 51472 UDP/TLS/RTP/SAVPF 111 0 8 110",
            "m=video 0 UDP/TLS/RTP/SAVPF 0",
            "m=application 0 UDP/DTLS/SCTP 0",
        ];
        assert_eq!(lines(&text, "m="), expected);
        assert_eq!(lines(&text, "a=group:"), ["a=group:BUNDLE 0"]);
        let rest = text.split_once("m=video").unwrap().1;
        assert_eq!(lines(rest, "a="), ["a=mid:1", "a=inactive", "a=mid:2", "a=inactive"]);
    }

    #[test]
    fn only_one_audio_section_is_kept_and_it_is_the_first_that_can_be_used() {
        let audio = samples::FREESWITCH_OFFER.split_once("m=audio").unwrap().1;
        let twice = format!("{}m=audio{audio}", samples::FREESWITCH_OFFER);
        let ports = |text: &str| -> Vec<u16> {
            SessionDescription::parse(text).unwrap().media.iter().map(|m| m.port).collect()
        };
        assert_eq!(ports(&normalised(&twice)), [24612, 0]);
        let first_unusable = twice.replacen("RTP/SAVPF", "RTP/AVP", 1);
        assert_eq!(ports(&normalised(&first_unusable)), [0, 24612]);
    }

    #[test]
    fn what_the_session_says_is_said_in_the_audio_section() {
        let moved = ["a=ice-ufrag:", "a=ice-pwd:", "a=setup:", "a=sendrecv"];
        let mut text = samples::ASTERISK_OFFER.replace("a=sendrecv", "a=sendonly");
        let mut session = "a=sendonly\r\n".to_owned();
        text = without(&text, "a=sendonly");
        for start in &moved[..3] {
            session += &format!("{}\r\n", lines(samples::ASTERISK_OFFER, start)[0]);
            text = without(&text, start);
        }
        let text = normalised(&with_session_lines(&text, &session));
        let (session, audio) = text.split_once("m=audio").unwrap();
        for start in ["a=ice-ufrag:", "a=ice-pwd:", "a=setup:actpass", "a=sendonly"] {
            assert_eq!(lines(audio, start).len(), 1, "{start}");
            assert!(lines(session, start).is_empty(), "{start}");
        }
    }

    #[test]
    fn an_extension_the_stack_cannot_read_is_dropped() {
        let extmaps = "a=extmap:0 urn:x\r\na=extmap:3\r\na=extmap:3/both urn:x\r\na=extmap:300 urn:x\r\n\
                       a=extmap:5 level\r\na=extmap:1/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n";
        let text = samples::ASTERISK_OFFER.replace("a=ptime", &format!("{extmaps}a=ptime"));
        let kept = "a=extmap:1/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level";
        assert_eq!(lines(&normalised(&text), "a=extmap:"), [kept]);
    }

    #[test]
    fn keys_of_another_scheme_are_not_passed_on() {
        let crypto = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n";
        let text = samples::FREESWITCH_OFFER.replace("a=ptime", &format!("{crypto}a=ptime"));
        assert!(!normalised(&text).contains("inline"));
    }

    #[test]
    fn a_hold_by_address_becomes_a_direction() {
        let held = without(samples::FREESWITCH_OFFER, "a=candidate:")
            .replace("c=IN IP4 203.0.113.9", "c=IN IP4 0.0.0.0");
        assert!(normalised(&held).contains("a=sendonly\r\n"));
    }

    #[test]
    fn a_refusal_says_what_was_missing() {
        let cases = [
            ("m=audio ", "m=video ", "there is no audio section"),
            ("m=audio 14568", "m=audio 0", "the audio section is rejected"),
            ("UDP/TLS/RTP/SAVPF", "RTP/AVP", "the audio is not offered over DTLS-SRTP"),
            ("107 0 8 101 103", "101 103 9", "none of its codecs is spoken here"),
            ("a=ice-ufrag:", "a=x-ufrag:", "there are no ICE credentials"),
            ("a=ice-pwd:", "a=x-pwd:", "there are no ICE credentials"),
            ("a=fingerprint:", "a=x-print:", "there is no DTLS fingerprint"),
            (":12:DF\r\n", ":12\r\n", "there is no SHA-256 fingerprint"),
            ("a=rtcp-mux\r\n", "", "RTCP is not multiplexed with RTP"),
        ];
        for (from, to, why) in cases {
            assert!(samples::ASTERISK_OFFER.contains(from));
            assert_eq!(refusal(&samples::ASTERISK_OFFER.replace(from, to)), why);
        }
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for sample in [
            samples::ASTERISK_OFFER,
            samples::FREESWITCH_OFFER,
            samples::CHROMIUM_OFFER,
            samples::STACK_ANSWER,
        ] {
            let once = normalised(sample);
            assert_eq!(normalised(&once), once);
        }
    }
}
