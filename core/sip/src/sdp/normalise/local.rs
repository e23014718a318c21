//! From the WebRTC stack to the wire: what our own side described, as servers understand it.

use super::super::candidate::{Candidate, attribute_value};
use super::super::{Attribute, MediaDescription, Role, SdpError, SessionDescription};
use super::{sane_origin, unique, without_trickle};

/// Rewrites what our WebRTC stack described into what goes on the wire: `setup:active` in an offer,
/// `c=` and `m=` of the best component-1 candidate, no component 2, only the candidates that are
/// alive, no doubled payload types or lines, no msid noise.
///
/// `alive` are the candidates of the running generation as the stack told them (values of
/// `a=candidate`, with or without `candidate:` or `a=candidate:` in front); the stack's description
/// still lists those of dead sockets after an ICE restart. A listed candidate is alive if one of
/// `alive` has the same address and port; priority, foundation and type are not compared. One that
/// is alive but not listed is added, since the stack leaves them all out of an answer whose first
/// section is rejected. An empty `alive` means that all listed candidates are.
///
/// # Errors
/// Not a description, or no usable audio in it.
pub fn normalise_local(text: &str, role: Role, alive: &[String]) -> Result<String, SdpError> {
    let mut description = SessionDescription::parse(text)?;
    if description.audio().is_none() {
        return Err(SdpError::NotAcceptable("our side accepted no audio"));
    }
    description.origin = sane_origin(&description.origin);
    rewrite_attributes(&mut description.attributes, role);
    for section in &mut description.media {
        unique(&mut section.formats);
        rewrite_attributes(&mut section.attributes, role);
        if section.media == "audio" && section.port != 0 {
            describe_transport(section, alive);
        }
    }
    Ok(description.to_string())
}

/// All but the candidates: what holds for the session's attributes as well as for a section's.
fn rewrite_attributes(attributes: &mut Vec<Attribute>, role: Role) {
    let rewritten = attributes.drain(..).filter_map(|attribute| match attribute.name.as_str() {
        // The server would answer `active` and its first flight is lost before ICE has a pair:
        // a second of silence. As `active` we begin, when there is a pair.
        "setup" if role == Role::Offer && attribute.value() == "actpass" => {
            Some(Attribute::new("setup", "active"))
        }
        "ssrc" if !is_cname(attribute.value()) => None,
        "msid" | "msid-semantic" | "ssrc-group" => None,
        // RTCP is multiplexed: a port of its own would contradict `m=` (RFC 5761 §5.1.1).
        "rtcp" => None,
        "ice-options" => without_trickle(&attribute),
        _ => Some(attribute),
    });
    let mut rewritten: Vec<Attribute> = rewritten.collect();
    unique(&mut rewritten);
    *attributes = rewritten;
}

fn is_cname(value: &str) -> bool {
    value.split_ascii_whitespace().nth(1).is_some_and(|source| source.starts_with("cname:"))
}

/// The candidates, that they are all, and the best of them as the default destination: an address
/// of 0.0.0.0 would be read as hold (RFC 8839 §4.2.1.2, RFC 3264 §8.4).
fn describe_transport(section: &mut MediaDescription, alive: &[String]) {
    let candidates = candidates(section, alive);
    section.attributes.retain(|a| a.name != "candidate" && a.name != "end-of-candidates");
    if let Some((address, port)) = default_destination(&candidates) {
        section.connection = Some(address);
        section.port = port;
    }
    if candidates.is_empty() {
        return;
    }
    let lines = candidates.into_iter().map(|value| Attribute::new("candidate", value));
    section.attributes.extend(lines);
    section.attributes.push(Attribute::flag("end-of-candidates"));
}

fn candidates(section: &MediaDescription, alive: &[String]) -> Vec<String> {
    let usable = |value: &&str| Candidate::parse(value).is_some_and(|c| c.is_rtp_over_udp());
    let alive: Vec<&str> = alive.iter().map(|v| attribute_value(v)).filter(usable).collect();
    let listed = section.attributes("candidate").filter(usable);
    if alive.is_empty() {
        return listed.map(str::to_owned).collect();
    }
    let same_address = |a: &str, b: &str| match (Candidate::parse(a), Candidate::parse(b)) {
        (Some(a), Some(b)) => a.is_at_the_address_of(&b),
        _ => false,
    };
    let mut kept: Vec<&str> =
        listed.filter(|value| alive.iter().any(|a| same_address(a, value))).collect();
    for value in alive {
        if !kept.iter().any(|k| same_address(k, value)) {
            kept.push(value);
        }
    }
    kept.into_iter().map(str::to_owned).collect()
}

fn default_destination(candidates: &[String]) -> Option<(String, u16)> {
    let known = candidates.iter().filter_map(|value| {
        let candidate = Candidate::parse(value)?;
        Some((candidate.priority, candidate.ip()?, candidate.port))
    });
    let (_, address, port) = known.filter(|(_, _, port)| *port != 0).max_by_key(|c| c.0)?;
    let family = if address.is_ipv6() { "IP6" } else { "IP4" };
    Some((format!("IN {family} {address}"), port))
}
