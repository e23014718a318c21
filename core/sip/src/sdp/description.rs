//! The session description as a value: reading and printing it (RFC 8866 §5, §9).

use std::fmt;

use super::candidate::Candidate;
use super::{Direction, SdpError};

/// Larger bodies are refused: an audio offer with many candidates stays below 8 KiB.
const MAX_BYTES: usize = 32 * 1024;
const MAX_LINES: usize = 512;
const MAX_SECTIONS: usize = 16;

/// One attribute, `a=name` or `a=name:value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The name.
    pub name: String,
    /// The value, where there is one.
    pub value: Option<String>,
}

impl Attribute {
    /// A property, `a=name`.
    pub fn flag(name: &str) -> Self {
        Self { name: name.to_owned(), value: None }
    }

    /// `a=name:value`.
    pub fn new(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), value: Some(value.into()) }
    }

    /// The value, empty for a property.
    pub fn value(&self) -> &str {
        self.value.as_deref().unwrap_or_default()
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}:{value}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// One `m=` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaDescription {
    /// `audio`, `video`, …
    pub media: String,
    /// The port; 0 is a rejected stream.
    pub port: u16,
    /// `UDP/TLS/RTP/SAVPF`, `RTP/AVP`, …
    pub protocol: String,
    /// The payload types in order of preference.
    pub formats: Vec<String>,
    /// `c=`, where the section has its own.
    pub connection: Option<String>,
    /// `b=` lines and others that are kept as they are, with their letter.
    pub other: Vec<(char, String)>,
    /// The attributes in order.
    pub attributes: Vec<Attribute>,
}

impl MediaDescription {
    /// The value of the first attribute of this name; empty for a property.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        find(&self.attributes, name)
    }

    /// The values of all attributes of this name, in order.
    pub fn attributes<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.attributes.iter().filter(move |a| a.name == name).map(Attribute::value)
    }

    fn parse(value: &str) -> Result<Self, &'static str> {
        let mut fields = value.split_ascii_whitespace();
        let (Some(media), Some(port), Some(protocol)) =
            (fields.next(), fields.next(), fields.next())
        else {
            return Err("is not media, port, protocol and formats");
        };
        // `49170/2` asks for two ports: a number of ports has no meaning with ICE.
        let port = port.split_once('/').map_or(port, |(first, _)| first);
        let port = port.parse().map_err(|_| "has no port number from 0 to 65535")?;
        let formats: Vec<String> = fields.map(str::to_owned).collect();
        if formats.is_empty() {
            return Err("has no format");
        }
        Ok(Self {
            media: media.to_owned(),
            port,
            protocol: protocol.to_owned(),
            formats,
            connection: None,
            other: Vec::new(),
            attributes: Vec::new(),
        })
    }
}

impl fmt::Display for MediaDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let formats = self.formats.join(" ");
        write!(f, "m={} {} {} {formats}\r\n", self.media, self.port, self.protocol)?;
        print_lines(f, &self.other, |letter| letter == 'i')?;
        print_connection(f, self.connection.as_deref())?;
        print_lines(f, &self.other, |letter| letter != 'i')?;
        print_attributes(f, &self.attributes)
    }
}

/// A session description (RFC 8866 §5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDescription {
    /// `o=`.
    pub origin: String,
    /// `s=`.
    pub name: String,
    /// `c=` of the session.
    pub connection: Option<String>,
    /// Session lines that are kept as they are, with their letter (`t=`, `b=`, …).
    pub other: Vec<(char, String)>,
    /// The session's attributes.
    pub attributes: Vec<Attribute>,
    /// The media sections.
    pub media: Vec<MediaDescription>,
}

impl SessionDescription {
    /// Reads a description; limits: 32 KiB, 512 lines, 16 sections.
    ///
    /// Lenient where the field is: a bare LF ends a line, empty lines are skipped, lines may come
    /// in any order after `v=`, and lines of unknown letters are kept.
    ///
    /// # Errors
    /// [`SdpError::Syntax`] with the line, [`SdpError::TooLarge`].
    pub fn parse(text: &str) -> Result<Self, SdpError> {
        if text.len() > MAX_BYTES || text.lines().nth(MAX_LINES).is_some() {
            return Err(SdpError::TooLarge);
        }
        let mut reader = Reader::default();
        let mut last = 1;
        for (index, raw) in text.split('\n').enumerate() {
            let line = raw.strip_suffix('\r').unwrap_or(raw);
            if line.is_empty() {
                continue;
            }
            last = index + 1;
            reader.line(line).map_err(|why| SdpError::Syntax { line: last, why })?;
            if reader.media.len() > MAX_SECTIONS {
                return Err(SdpError::TooLarge);
            }
        }
        reader.finish().map_err(|why| SdpError::Syntax { line: last, why })
    }

    /// The first audio section that is not rejected.
    pub fn audio(&self) -> Option<&MediaDescription> {
        self.media.iter().find(|m| m.media == "audio" && m.port != 0)
    }

    /// The value of the session's first attribute of this name; empty for a property.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        find(&self.attributes, name)
    }

    /// The direction of the audio: the section's, else the session's, else `sendrecv`; an address of
    /// 0.0.0.0 that is not accompanied by ICE candidates counts as the hold of RFC 2543.
    ///
    /// Candidates that are announced to trickle in (RFC 8840 §4.1) count as candidates. Without
    /// audio it is `inactive`.
    pub fn direction(&self) -> Direction {
        self.audio().map_or(Direction::Inactive, |audio| self.direction_of(audio))
    }

    pub(super) fn direction_of(&self, section: &MediaDescription) -> Direction {
        let stated = |attributes: &[Attribute]| {
            attributes.iter().find_map(|a| Direction::from_name(&a.name))
        };
        let direction =
            stated(&section.attributes).or_else(|| stated(&self.attributes)).unwrap_or_default();
        if self.is_held_by_address(section) {
            Direction::new(direction.sends(), false)
        } else {
            direction
        }
    }

    fn is_held_by_address(&self, section: &MediaDescription) -> bool {
        let connection = section.connection.as_ref().or(self.connection.as_ref());
        let address = connection.and_then(|c| c.split_ascii_whitespace().nth(2));
        let trickles = |options: &str| options.split_ascii_whitespace().any(|o| o == "trickle");
        matches!(address, Some("0.0.0.0" | "::"))
            && !section.attributes("candidate").any(Candidate::is_usable)
            && !section.attributes("ice-options").any(trickles)
            && !self.attribute("ice-options").is_some_and(trickles)
    }
}

impl fmt::Display for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // RFC 8866 §5.3: where the session has no name, the line is "s=-".
        let name = if self.name.trim().is_empty() { "-" } else { &self.name };
        write!(f, "v=0\r\no={}\r\ns={name}\r\n", self.origin)?;
        let before_connection = |letter| matches!(letter, 'i' | 'u' | 'e' | 'p');
        print_lines(f, &self.other, before_connection)?;
        print_connection(f, self.connection.as_deref())?;
        print_lines(f, &self.other, |letter| !before_connection(letter))?;
        if !self.other.iter().any(|(letter, _)| *letter == 't') {
            f.write_str("t=0 0\r\n")?;
        }
        print_attributes(f, &self.attributes)?;
        self.media.iter().try_for_each(|section| section.fmt(f))
    }
}

fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attributes.iter().find(|a| a.name == name).map(Attribute::value)
}

fn print_lines(
    f: &mut fmt::Formatter<'_>,
    lines: &[(char, String)],
    which: impl Fn(char) -> bool,
) -> fmt::Result {
    lines.iter().filter(|(l, _)| which(*l)).try_for_each(|(l, v)| write!(f, "{l}={v}\r\n"))
}

fn print_connection(f: &mut fmt::Formatter<'_>, connection: Option<&str>) -> fmt::Result {
    connection.map_or(Ok(()), |c| write!(f, "c={c}\r\n"))
}

fn print_attributes(f: &mut fmt::Formatter<'_>, attributes: &[Attribute]) -> fmt::Result {
    attributes.iter().try_for_each(|a| write!(f, "a={a}\r\n"))
}

/// What has been read so far; errors are the rest of "line n of the session description …".
#[derive(Default)]
struct Reader {
    version: bool,
    origin: Option<String>,
    name: Option<String>,
    connection: Option<String>,
    other: Vec<(char, String)>,
    attributes: Vec<Attribute>,
    media: Vec<MediaDescription>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), &'static str> {
        let mut characters = line.chars();
        let (Some(letter), Some('=')) = (characters.next(), characters.next()) else {
            return Err("is not a letter, an equals sign and a value");
        };
        let value = characters.as_str();
        if !letter.is_ascii_alphabetic() {
            return Err("is not a letter, an equals sign and a value");
        }
        if value.contains(['\0', '\r']) {
            return Err("contains a control character");
        }
        if !self.version {
            self.version = letter == 'v' && value.trim_end() == "0";
            return if self.version { Ok(()) } else { Err("should be v=0") };
        }
        match letter {
            'v' => Err("repeats v="),
            'o' => origin(value).and_then(|o| set_once(&mut self.origin, o, "repeats o=")),
            's' => set_once(&mut self.name, value, "repeats s="),
            'm' => MediaDescription::parse(value).map(|section| self.media.push(section)),
            'c' => self.connection(value),
            'a' => self.attribute(value),
            _ => {
                self.section_or_session_lines().push((letter, value.to_owned()));
                Ok(())
            }
        }
    }

    fn connection(&mut self, value: &str) -> Result<(), &'static str> {
        if value.split_ascii_whitespace().count() != 3 {
            return Err("is not network type, address type and address");
        }
        let place = match self.media.last_mut() {
            Some(section) => &mut section.connection,
            None => &mut self.connection,
        };
        set_once(place, value, "repeats c=")
    }

    fn attribute(&mut self, value: &str) -> Result<(), &'static str> {
        let attribute = match value.split_once(':') {
            Some((name, value)) => Attribute::new(name, value),
            None => Attribute::flag(value.trim_end()),
        };
        if attribute.name.is_empty() {
            return Err("has no attribute name");
        }
        match self.media.last_mut() {
            Some(section) => section.attributes.push(attribute),
            None => self.attributes.push(attribute),
        }
        Ok(())
    }

    fn section_or_session_lines(&mut self) -> &mut Vec<(char, String)> {
        match self.media.last_mut() {
            Some(section) => &mut section.other,
            None => &mut self.other,
        }
    }

    fn finish(self) -> Result<SessionDescription, &'static str> {
        if !self.version {
            return Err("should be v=0");
        }
        Ok(SessionDescription {
            origin: self.origin.ok_or("is the last and there was no o=")?,
            name: self.name.ok_or("is the last and there was no s=")?,
            connection: self.connection,
            other: self.other,
            attributes: self.attributes,
            media: self.media,
        })
    }
}

fn origin(value: &str) -> Result<&str, &'static str> {
    match value.split_ascii_whitespace().count() {
        0..6 => Err("is not user, id, version, network type, address type and address"),
        _ => Ok(value),
    }
}

fn set_once(
    place: &mut Option<String>,
    value: &str,
    repeated: &'static str,
) -> Result<(), &'static str> {
    if place.is_some() {
        return Err(repeated);
    }
    *place = Some(value.to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Role, codecs, normalise_local, normalise_remote, samples};
    use super::*;

    const MINIMAL: &str = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nt=0 0\r\n";

    const ALL: [&str; 5] = [
        samples::ASTERISK_OFFER,
        samples::FREESWITCH_OFFER,
        samples::CHROMIUM_OFFER,
        samples::STACK_RESTART_OFFER,
        samples::STACK_ANSWER,
    ];

    fn syntax(text: &str) -> (usize, &'static str) {
        match SessionDescription::parse(text) {
            Err(SdpError::Syntax { line, why }) => (line, why),
            Ok(_) | Err(SdpError::NotAcceptable(_) | SdpError::TooLarge) => panic!("{text}"),
        }
    }

    fn direction(media: &str) -> Direction {
        SessionDescription::parse(&format!("{MINIMAL}{media}")).unwrap().direction()
    }

    #[test]
    fn what_is_read_is_printed_as_it_was() {
        for text in ALL {
            assert_eq!(SessionDescription::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_bare_line_feed_and_empty_lines_are_read() {
        let unix = samples::CHROMIUM_OFFER.replace("\r\n", "\n") + "\n\n";
        let read = SessionDescription::parse(&unix).unwrap();
        assert_eq!(read.to_string(), samples::CHROMIUM_OFFER);
    }

    #[test]
    fn lines_of_unknown_letters_are_kept_where_they_were() {
        let text = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\ni=info\r\nu=http://x\r\n\
                    c=IN IP4 10.0.0.1\r\nb=AS:64\r\nt=0 0\r\nq=session\r\na=x\r\n\
                    m=audio 4000 RTP/AVP 0\r\ni=title\r\nc=IN IP4 10.0.0.2\r\nb=AS:32\r\ny=section\r\na=y:\r\n";
        let read = SessionDescription::parse(text).unwrap();
        assert_eq!(read.other.last(), Some(&('q', "session".to_owned())));
        assert_eq!(read.media[0].other.last(), Some(&('y', "section".to_owned())));
        assert_eq!(read.to_string(), text);
    }

    #[test]
    fn a_description_built_by_hand_prints_what_the_standard_demands() {
        let built = SessionDescription {
            origin: "- 1 1 IN IP4 10.0.0.1".to_owned(),
            name: String::new(),
            connection: None,
            other: Vec::new(),
            attributes: Vec::new(),
            media: Vec::new(),
        };
        assert_eq!(built.to_string(), MINIMAL);
    }

    #[test]
    fn a_number_of_ports_is_not_a_port() {
        let text = format!("{MINIMAL}m=audio 4000/2 RTP/AVP 0\r\n");
        assert_eq!(SessionDescription::parse(&text).unwrap().media[0].port, 4000);
    }

    #[test]
    fn an_error_names_its_line() {
        assert_eq!(syntax(""), (1, "should be v=0"));
        assert_eq!(syntax("v=1\r\n"), (1, "should be v=0"));
        assert_eq!(syntax("o=- 1 1 IN IP4 10.0.0.1\r\n"), (1, "should be v=0"));
        assert_eq!(syntax("v=0\r\ns=-\r\n"), (2, "is the last and there was no o="));
        let bad_lines = [
            ("garbage", "is not a letter, an equals sign and a value"),
            ("1=x", "is not a letter, an equals sign and a value"),
            ("é=x", "is not a letter, an equals sign and a value"),
            ("v=0", "repeats v="),
            ("s=again", "repeats s="),
            ("o=- 1 1 IN IP4 10.0.0.1", "repeats o="),
            ("o=- 1 1", "is not user, id, version, network type, address type and address"),
            ("c=IN IP4", "is not network type, address type and address"),
            ("m=audio", "is not media, port, protocol and formats"),
            ("m=audio x RTP/AVP 0", "has no port number from 0 to 65535"),
            ("m=audio 70000 RTP/AVP 0", "has no port number from 0 to 65535"),
            ("m=audio 4000 RTP/AVP", "has no format"),
            ("a=:x", "has no attribute name"),
            ("a=x:\0", "contains a control character"),
            ("a=x\r:y", "contains a control character"),
        ];
        for (line, why) in bad_lines {
            assert_eq!(syntax(&format!("{MINIMAL}\r\n{line}\r\na=after\r\n")), (6, why), "{line}");
        }
    }

    #[test]
    fn limits_hold_and_one_below_them_passes() {
        let bytes = |n: usize| {
            let padding = n - MINIMAL.len() - "a=x:\r\n".len();
            SessionDescription::parse(&format!("{MINIMAL}a=x:{}\r\n", "y".repeat(padding)))
        };
        assert!(bytes(MAX_BYTES).is_ok());
        assert_eq!(bytes(MAX_BYTES + 1), Err(SdpError::TooLarge));
        let many =
            |n: usize| SessionDescription::parse(&format!("{MINIMAL}{}", "a=x\r\n".repeat(n)));
        assert!(many(MAX_LINES - 4).is_ok());
        assert_eq!(many(MAX_LINES - 3), Err(SdpError::TooLarge));
        let section = "m=audio 4000 RTP/AVP 0\r\n";
        let sections =
            |n: usize| SessionDescription::parse(&format!("{MINIMAL}{}", section.repeat(n)));
        assert!(sections(MAX_SECTIONS).is_ok());
        assert_eq!(sections(MAX_SECTIONS + 1), Err(SdpError::TooLarge));
    }

    #[test]
    fn the_audio_is_the_first_that_is_not_rejected() {
        let text = format!(
            "{MINIMAL}m=video 1 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\nm=audio 3 RTP/AVP 0\r\n"
        );
        assert_eq!(SessionDescription::parse(&text).unwrap().audio().unwrap().port, 3);
    }

    #[test]
    fn a_direction_is_the_sections_else_the_sessions_else_both_ways() {
        let audio = "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 10.0.0.1\r\n";
        assert_eq!(direction(audio), Direction::SendRecv);
        assert_eq!(direction(&format!("a=recvonly\r\n{audio}")), Direction::RecvOnly);
        let both = format!("a=recvonly\r\n{audio}a=sendonly\r\n");
        assert_eq!(direction(&both), Direction::SendOnly);
        assert_eq!(direction(&format!("{audio}a=inactive\r\n")), Direction::Inactive);
        assert_eq!(direction(""), Direction::Inactive);
    }

    #[test]
    fn an_address_of_zero_holds_only_where_no_candidate_stands_beside_it() {
        let held = "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n";
        assert_eq!(direction(held), Direction::SendOnly);
        assert_eq!(direction(&format!("{held}a=recvonly\r\n")), Direction::Inactive);
        assert_eq!(direction(&held.replace("IP4 0.0.0.0", "IP6 ::")), Direction::SendOnly);
        assert_eq!(direction("c=IN IP4 0.0.0.0\r\nm=audio 9 RTP/AVP 0\r\n"), Direction::SendOnly);
        let candidate = "a=candidate:1 1 udp 2130706431 10.0.0.1 4000 typ host\r\n";
        assert_eq!(direction(&format!("{held}{candidate}")), Direction::SendRecv);
        assert_eq!(direction(&format!("{held}a=ice-options:trickle\r\n")), Direction::SendRecv);
    }

    /// xorshift64*: the same seed, the same mutants.
    struct Random(u64);

    impl Random {
        fn below(&mut self, n: usize) -> usize {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
        }
    }

    fn mutate(text: &str, random: &mut Random) -> String {
        const BITS: [&str; 12] = [
            "\r\n",
            "a=",
            "m=audio 0 x 0",
            ":",
            "/",
            " ",
            "",
            "-1",
            "65536",
            "é",
            "candidate:",
            "\0",
        ];
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        for _ in 0..=random.below(6) {
            let (at, other) = (random.below(lines.len()), random.below(lines.len()));
            match random.below(5) {
                0 => drop(lines.remove(at)),
                1 => lines.insert(at, lines[other].clone()),
                2 => lines.swap(at, other),
                _ => {
                    let mut characters: Vec<char> = lines[at].chars().collect();
                    let from = random.below(characters.len() + 1);
                    let to = (from + random.below(4)).min(characters.len());
                    let put = BITS[random.below(BITS.len())];
                    characters.splice(from..to, put.chars());
                    lines[at] = characters.into_iter().collect();
                }
            }
            if lines.is_empty() {
                return String::new();
            }
        }
        lines.concat()
    }

    #[test]
    fn mutated_descriptions_neither_panic_nor_print_what_cannot_be_read() {
        let mut random = Random(0x5eed);
        let mut read = 0;
        let mut accepted = 0;
        for round in 0..6_000 {
            let mutant = mutate(ALL[round % ALL.len()], &mut random);
            let _ = codecs(&mutant);
            if let Ok(description) = SessionDescription::parse(&mutant) {
                read += 1;
                let printed = description.to_string();
                assert_eq!(SessionDescription::parse(&printed).unwrap().to_string(), printed);
            }
            if let Ok(text) = normalise_remote(&mutant) {
                accepted += 1;
                assert_eq!(normalise_remote(&text).as_ref(), Ok(&text), "{mutant}");
            }
            let alive = [mutant.lines().last().unwrap_or_default().to_owned()];
            if let Ok(text) = normalise_local(&mutant, Role::Offer, &alive) {
                assert_eq!(normalise_local(&text, Role::Offer, &alive).as_ref(), Ok(&text));
            }
        }
        assert!(
            read > 2_000 && accepted > 1_000,
            "{read} read, {accepted} accepted: no test at all"
        );
    }
}
