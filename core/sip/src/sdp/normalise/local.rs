//! From the WebRTC stack to the wire: what our own side described, as servers understand it.

use super::super::candidate::{Candidate, attribute_value};
use super::super::origin::sane_origin;
use super::super::{Attribute, MediaDescription, Role, SdpError, SessionDescription};
use super::unique;

/// Rewrites what our WebRTC stack described into what goes on the wire: `setup:active` in an offer,
/// `c=` and `m=` of the best component-1 candidate, no component 2, only the candidates that are
/// alive, no doubled payload types or lines, no msid noise.
///
/// `alive` are the candidates of the running generation as the stack told them (values of
/// `a=candidate`, with or without `candidate:` or `a=candidate:` in front); the stack's description
/// still lists those of dead sockets after an ICE restart. A listed candidate is alive if one of
/// `alive` has the same address and port; priority, foundation and type are not compared. One that
/// is alive but not listed is added. An empty `alive` means that all listed candidates are.
///
/// Where there is no candidate at all, `c=` and `m=` stay as the stack wrote them.
///
/// # Errors
/// Not a description, or no usable audio in it.
pub fn normalise_local(text: &str, role: Role, alive: &[String]) -> Result<String, SdpError> {
    let mut description = SessionDescription::parse(text)?;
    if description.audio().is_none() {
        return Err(SdpError::NotAcceptable("our side accepted no audio"));
    }
    // The stack lists its candidates in the first section, even where that one is rejected.
    let candidates = usable_candidates(&description, alive);
    description.origin = sane_origin(&description.origin);
    rewrite_attributes(&mut description.attributes, role);
    for section in &mut description.media {
        unique(&mut section.formats);
        rewrite_attributes(&mut section.attributes, role);
        section.attributes.retain(|a| a.name != "candidate" && a.name != "end-of-candidates");
        if section.media == "audio" && section.port != 0 {
            describe_transport(section, &candidates);
        }
    }
    Ok(description.to_string())
}

/// Gives each section of our answer the transport protocol of the offer's section in its place
/// (RFC 3264 §6): the stack writes `UDP/TLS/RTP/SAVPF` whatever was offered.
///
/// # Errors
/// One of them is not a description.
pub fn fit_answer(answer: &str, offer: &str) -> Result<String, SdpError> {
    let mut answer = SessionDescription::parse(answer)?;
    let offer = SessionDescription::parse(offer)?;
    for (section, offered) in answer.media.iter_mut().zip(offer.media) {
        section.protocol = offered.protocol;
    }
    Ok(answer.to_string())
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
        // RFC 8866 §6.6: one channel is the default, and some compare the text.
        "rtpmap" => Some(match attribute.value().strip_suffix("/1") {
            Some(value) => Attribute::new("rtpmap", value),
            None => attribute,
        }),
        _ => Some(attribute),
    });
    let mut rewritten: Vec<Attribute> = rewritten.collect();
    unique(&mut rewritten);
    *attributes = rewritten;
}

/// `a=ice-options` without `trickle`: all candidates are in the description. `None` if nothing is left.
fn without_trickle(options: &Attribute) -> Option<Attribute> {
    let left: Vec<&str> =
        options.value().split_ascii_whitespace().filter(|o| *o != "trickle").collect();
    (!left.is_empty()).then(|| Attribute::new(&options.name, left.join(" ")))
}

fn is_cname(value: &str) -> bool {
    value.split_ascii_whitespace().nth(1).is_some_and(|source| source.starts_with("cname:"))
}

/// The candidates, that they are all, and the best of them as the default destination: an address
/// of 0.0.0.0 would be read as hold (RFC 8839 §4.2.1.2, RFC 3264 §8.4).
fn describe_transport(section: &mut MediaDescription, candidates: &[String]) {
    if let Some((address, port)) = default_destination(candidates) {
        section.connection = Some(address);
        section.port = port;
    }
    section.attributes.extend(candidates.iter().map(|c| Attribute::new("candidate", c.as_str())));
    if !candidates.is_empty() {
        section.attributes.push(Attribute::flag("end-of-candidates"));
    }
}

fn usable_candidates(description: &SessionDescription, alive: &[String]) -> Vec<String> {
    let usable = |value: &&str| Candidate::is_usable(value);
    let listed = description.media.iter().flat_map(|section| section.attributes("candidate"));
    let mut candidates: Vec<&str> = listed.filter(usable).collect();
    unique(&mut candidates);
    if !alive.is_empty() {
        let alive: Vec<&str> = alive.iter().map(|v| attribute_value(v)).filter(usable).collect();
        candidates.retain(|listed| alive.iter().any(|a| same_address(a, listed)));
        for value in alive {
            if !candidates.iter().any(|listed| same_address(listed, value)) {
                candidates.push(value);
            }
        }
    }
    candidates.into_iter().map(str::to_owned).collect()
}

fn same_address(a: &str, b: &str) -> bool {
    match (Candidate::parse(a), Candidate::parse(b)) {
        (Some(a), Some(b)) => a.is_at_the_address_of(&b),
        (None, _) | (_, None) => false,
    }
}

/// `c=` and the port of `m=`: the candidate of highest priority that has an address of its own.
fn default_destination(candidates: &[String]) -> Option<(String, u16)> {
    let known = candidates.iter().filter_map(|value| {
        let candidate = Candidate::parse(value)?;
        Some((candidate.priority, candidate.ip()?, candidate.port))
    });
    let (_, address, port) = known.filter(|(_, _, port)| *port != 0).max_by_key(|c| c.0)?;
    let family = if address.is_ipv6() { "IP6" } else { "IP4" };
    Some((format!("IN {family} {address}"), port))
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::*;

    const OLD: &str = "candidate:607854466 1 udp 2130706431 192.0.2.2 55882 typ host";
    const NEW: &str = "candidate:607854466 1 udp 2130706431 192.0.2.2 33771 typ host";

    fn offer(text: &str, alive: &[&str]) -> String {
        let alive: Vec<String> = alive.iter().map(|&a| a.to_owned()).collect();
        normalise_local(text, Role::Offer, &alive).unwrap()
    }

    fn answer(text: &str) -> String {
        normalise_local(text, Role::Answer, &[]).unwrap()
    }

    fn lines<'a>(text: &'a str, start: &'a str) -> Vec<&'a str> {
        text.lines().filter(|line| line.starts_with(start)).collect()
    }

    #[test]
    fn our_offer_takes_the_active_role_so_that_no_second_is_lost() {
        let text = offer(samples::STACK_RESTART_OFFER, &[]);
        assert_eq!(lines(&text, "a=setup:"), ["a=setup:active"]);
    }

    #[test]
    fn an_answer_keeps_the_role_the_stack_chose() {
        for role in ["active", "passive", "actpass"] {
            let line = format!("a=setup:{role}");
            let text = answer(&samples::STACK_ANSWER.replace("a=setup:active", &line));
            assert_eq!(lines(&text, "a=setup:"), [line]);
        }
    }

    #[test]
    fn an_offer_that_fixes_its_role_keeps_it() {
        let passive = samples::STACK_RESTART_OFFER.replace("setup:actpass", "setup:passive");
        assert_eq!(lines(&offer(&passive, &[]), "a=setup:"), ["a=setup:passive"]);
    }

    #[test]
    fn the_best_candidate_is_the_default_destination() {
        let text = offer(samples::STACK_RESTART_OFFER, &[NEW]);
        assert_eq!(lines(&text, "c="), ["c=IN IP4 192.0.2.2"]);
        assert_eq!(lines(&text, "m="), ["m=audio 33771 UDP/TLS/RTP/SAVPF 111 0 101"]);
        let low = "candidate:1 1 udp 41885695 203.0.113.5 49000 typ relay raddr 0.0.0.0 rport 0";
        let high = "candidate:2 1 udp 2130706431 203.0.113.6 49001 typ host";
        let text = offer(samples::STACK_RESTART_OFFER, &[low, high, low]);
        assert_eq!(lines(&text, "c="), ["c=IN IP4 203.0.113.6"]);
        assert!(text.contains("m=audio 49001 "));
    }

    #[test]
    fn an_ipv6_destination_says_so() {
        let six = "candidate:1 1 udp 2130706431 2001:db8::2 55883 typ host";
        let text = offer(samples::STACK_RESTART_OFFER, &[six]);
        assert_eq!(lines(&text, "c="), ["c=IN IP6 2001:db8::2"]);
        assert!(text.contains("m=audio 55883 "));
    }

    #[test]
    fn a_host_name_is_never_the_default_destination() {
        let text = offer(
            samples::STACK_RESTART_OFFER,
            &["candidate:1 1 udp 2130706431 7f2c1f0a.local 4000 typ host", NEW],
        );
        assert_eq!(lines(&text, "c="), ["c=IN IP4 192.0.2.2"]);
        assert_eq!(lines(&text, "a=candidate:").len(), 2);
    }

    #[test]
    fn without_a_candidate_the_address_stays_as_it_was() {
        let bare: String = samples::STACK_RESTART_OFFER
            .split_inclusive('\n')
            .filter(|l| !l.contains("candidate"))
            .collect();
        let text = offer(&bare, &[]);
        assert!(text.contains("m=audio 9 ") && text.contains("c=IN IP4 0.0.0.0\r\n"));
        assert!(lines(&text, "a=end-of-candidates").is_empty());
    }

    #[test]
    fn candidates_of_dead_sockets_are_not_sent_after_a_restart() {
        let text = offer(samples::STACK_RESTART_OFFER, &[NEW]);
        assert_eq!(lines(&text, "a=candidate:"), [format!("a={NEW}")]);
        let all = offer(samples::STACK_RESTART_OFFER, &[]);
        assert_eq!(lines(&all, "a=candidate:"), [format!("a={OLD}"), format!("a={NEW}")]);
    }

    #[test]
    fn a_candidate_is_alive_by_its_address_and_port_alone() {
        let told = "a=candidate:999 1 UDP 7 192.0.2.2 33771 typ srflx raddr 0.0.0.0 rport 9";
        let text = offer(samples::STACK_RESTART_OFFER, &[told]);
        assert_eq!(lines(&text, "a=candidate:"), [format!("a={NEW}")]);
    }

    #[test]
    fn a_live_candidate_that_is_not_listed_is_added() {
        let fresh = "candidate:7 1 udp 2130706431 198.51.100.3 40000 typ host";
        let text = offer(samples::STACK_RESTART_OFFER, &[fresh]);
        assert_eq!(lines(&text, "a=candidate:"), [format!("a={fresh}")]);
        assert!(text.contains("m=audio 40000 "));
    }

    #[test]
    fn candidates_of_component_2_are_not_sent() {
        for text in [offer(samples::STACK_RESTART_OFFER, &[]), answer(samples::STACK_ANSWER)] {
            let candidates = lines(&text, "a=candidate:");
            assert!(!candidates.is_empty());
            assert!(candidates.iter().all(|c| c.split(' ').nth(1) == Some("1")), "{text}");
        }
    }

    #[test]
    fn candidates_end_once_and_at_the_end() {
        for text in [offer(samples::STACK_RESTART_OFFER, &[]), answer(samples::STACK_ANSWER)] {
            assert_eq!(lines(&text, "a=end-of-candidates").len(), 1);
            assert!(text.ends_with("a=end-of-candidates\r\n"));
        }
    }

    #[test]
    fn nothing_is_announced_to_trickle() {
        let trickling =
            samples::STACK_ANSWER.replace("a=rtcp-mux", "a=ice-options:trickle\r\na=rtcp-mux");
        assert!(lines(&answer(&trickling), "a=ice-options").is_empty());
        let more = trickling.replace(":trickle", ":ice2 trickle");
        assert_eq!(lines(&answer(&more), "a=ice-options"), ["a=ice-options:ice2"]);
    }

    #[test]
    fn a_doubled_payload_type_is_answered_once() {
        let text = answer(samples::STACK_ANSWER);
        assert_eq!(lines(&text, "m="), ["m=audio 55882 UDP/TLS/RTP/SAVPF 107 101"]);
        assert_eq!(lines(&text, "a=rtpmap:101"), ["a=rtpmap:101 telephone-event/48000"]);
        assert_eq!(lines(&text, "a=fmtp:101"), ["a=fmtp:101 0-16"]);
    }

    #[test]
    fn one_channel_is_not_stated() {
        let text = offer(samples::STACK_RESTART_OFFER, &[]);
        let expected = [
            "a=rtpmap:111 opus/48000/2",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:101 telephone-event/48000",
        ];
        assert_eq!(lines(&text, "a=rtpmap:"), expected);
    }

    #[test]
    fn of_the_sources_only_the_cname_is_told() {
        let text = offer(samples::STACK_RESTART_OFFER, &[]);
        assert_eq!(lines(&text, "a=ssrc"), ["a=ssrc:3735928559 cname:s"]);
        assert!(!text.contains("msid"), "{text}");
    }

    #[test]
    fn no_port_is_named_for_rtcp() {
        let named =
            samples::STACK_ANSWER.replace("a=rtcp-mux", "a=rtcp:9 IN IP4 0.0.0.0\r\na=rtcp-mux");
        let text = answer(&named);
        assert!(lines(&text, "a=rtcp:").is_empty());
        assert_eq!(lines(&text, "a=rtcp-mux"), ["a=rtcp-mux"]);
    }

    #[test]
    fn an_answer_names_the_protocol_that_was_offered() {
        let text = fit_answer(samples::STACK_ANSWER, samples::FREESWITCH_OFFER).unwrap();
        assert_eq!(lines(&text, "m="), ["m=audio 9 RTP/SAVPF 107 101 101"]);
        let same = fit_answer(samples::STACK_ANSWER, samples::ASTERISK_OFFER).unwrap();
        assert_eq!(same, samples::STACK_ANSWER);
    }

    #[test]
    fn an_origin_that_cannot_be_read_is_not_sent() {
        let odd = samples::STACK_ANSWER.replace("o=- ", "o=a - ");
        assert_eq!(lines(&answer(&odd), "o="), ["o=- 0 0 IN IP4 0.0.0.0"]);
    }

    #[test]
    fn candidates_listed_in_a_rejected_section_are_the_audios() {
        let (head, audio) = samples::STACK_ANSWER.split_once("m=audio").unwrap();
        let is_candidate = |line: &&str| line.starts_with("a=candidate");
        let candidates: String = audio.split_inclusive('\n').filter(is_candidate).collect();
        let audio: String = audio.split_inclusive('\n').filter(|l| !is_candidate(l)).collect();
        let video = "m=video 0 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n";
        let text = answer(&format!("{head}{video}{candidates}m=audio{audio}"));
        let (video, audio) = text.split_once("m=audio").unwrap();
        assert!(lines(video, "a=candidate").is_empty());
        assert!(audio.starts_with(" 55882 ") && audio.contains("c=IN IP4 192.0.2.2"));
        assert_eq!(lines(audio, "a=candidate").len(), 3);
    }

    #[test]
    fn a_description_of_ours_without_audio_is_not_sent() {
        let rejected = samples::STACK_ANSWER.replace("m=audio 9", "m=audio 0");
        let verdict = normalise_local(&rejected, Role::Answer, &[]);
        assert_eq!(verdict, Err(SdpError::NotAcceptable("our side accepted no audio")));
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for sample in [samples::STACK_ANSWER, samples::STACK_RESTART_OFFER] {
            let once = offer(sample, &[NEW]);
            assert_eq!(offer(&once, &[NEW]), once);
        }
    }
}
