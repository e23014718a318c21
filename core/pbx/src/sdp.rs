//! The little of a session description that a server must read: is there audio, and which way
//! (RFC 8866 §6.7, RFC 3264 §8.4). Written apart from `sidetone_sip::sdp` on purpose.

use crate::MediaDirection;

/// The direction of the first audio stream that is not rejected; `None` where there is none.
pub(crate) fn audio_direction(body: &[u8]) -> Option<MediaDirection> {
    let text = std::str::from_utf8(body).ok()?;
    let (mut session, mut audio, mut inside) = (MediaDirection::SendRecv, None, Section::Session);
    for line in text.lines() {
        if let Some(media) = line.strip_prefix("m=") {
            let mut words = media.split(' ');
            let is_audio = words.next() == Some("audio") && words.next().is_some_and(|p| p != "0");
            inside = match (is_audio, audio) {
                (true, None) => {
                    audio = Some(session);
                    Section::Audio
                }
                (true, Some(_)) | (false, _) => Section::Other,
            };
            continue;
        }
        let Some(direction) = line.strip_prefix("a=").and_then(direction_of) else { continue };
        match inside {
            Section::Session => session = direction,
            Section::Audio => audio = Some(direction),
            Section::Other => {}
        }
    }
    audio
}

/// What is answered to an offer of this direction: everything that it allows.
pub(crate) fn answer_to(offered: MediaDirection) -> MediaDirection {
    match offered {
        MediaDirection::SendRecv => MediaDirection::SendRecv,
        MediaDirection::SendOnly => MediaDirection::RecvOnly,
        MediaDirection::RecvOnly => MediaDirection::SendOnly,
        MediaDirection::Inactive => MediaDirection::Inactive,
    }
}

/// Whether a side that describes itself so listens.
pub(crate) fn listens(direction: MediaDirection) -> bool {
    matches!(direction, MediaDirection::SendRecv | MediaDirection::RecvOnly)
}

enum Section {
    Session,
    Audio,
    Other,
}

fn direction_of(attribute: &str) -> Option<MediaDirection> {
    match attribute.trim_end() {
        "sendrecv" => Some(MediaDirection::SendRecv),
        "sendonly" => Some(MediaDirection::SendOnly),
        "recvonly" => Some(MediaDirection::RecvOnly),
        "inactive" => Some(MediaDirection::Inactive),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n";

    fn direction(rest: &str) -> Option<MediaDirection> {
        audio_direction(format!("{HEAD}{rest}").as_bytes())
    }

    #[test]
    fn audio_without_an_attribute_goes_both_ways() {
        assert_eq!(direction("m=audio 9 RTP/AVP 0\r\n"), Some(MediaDirection::SendRecv));
    }

    #[test]
    fn the_sections_attribute_wins_over_the_sessions() {
        let body = "a=inactive\r\nm=audio 9 RTP/AVP 0\r\na=sendonly\r\n";
        assert_eq!(direction(body), Some(MediaDirection::SendOnly));
        assert_eq!(
            direction("a=inactive\r\nm=audio 9 RTP/AVP 0\r\n"),
            Some(MediaDirection::Inactive)
        );
    }

    #[test]
    fn another_streams_attribute_does_not_count() {
        let body = "m=audio 9 RTP/AVP 0\r\nm=video 9 RTP/AVP 96\r\na=inactive\r\n";
        assert_eq!(direction(body), Some(MediaDirection::SendRecv));
    }

    #[test]
    fn rejected_or_missing_audio_is_none() {
        assert_eq!(direction("m=audio 0 RTP/AVP 0\r\n"), None);
        assert_eq!(direction("m=video 9 RTP/AVP 96\r\n"), None);
        assert_eq!(audio_direction(&[0xff, 0xfe]), None);
    }
}
