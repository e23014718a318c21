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
    spelling(codec) != TELEPHONE_EVENT && codec.clock_rate == clock_of(spelling(codec))
}

fn clock_of(name: &str) -> u32 {
    match name {
        "opus" => 48000,
        "PCMU" | "PCMA" => 8000,
        _ => 0,
    }
}

/// The codec's name as it is registered.
fn spelling(codec: &Codec) -> &str {
    AUDIO.into_iter().find(|name| name.eq_ignore_ascii_case(&codec.name)).unwrap_or(&codec.name)
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
    let usable = |value: &&str| Candidate::parse(value).is_some_and(|c| c.is_rtp_over_udp());
    section.attributes("candidate").filter(usable).map(|value| Attribute::new("candidate", value))
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
