//! Telephone events: the packets of a pressed key, and reading them.
//!
//! RFC 4733 §2.3 (payload), §2.5.1 (sending), §3.2 (DTMF events).

use std::time::Duration;

/// How often a packet of an event leaves; also the rhythm of the audio it replaces.
pub const PACKET_TIME: Duration = Duration::from_millis(20);
/// The final packet is sent this often (RFC 4733 §2.5.1.4).
const END_PACKETS: u8 = 3;
/// -10 dBm0, as common phones send.
const VOLUME: u8 = 10;
/// Shorter keys are missed by detectors (ITU-T Q.24).
const MIN_DURATION: Duration = Duration::from_millis(40);
/// Fits the 16-bit duration field at any clock rate up to 48 kHz without segments.
const MAX_DURATION: Duration = Duration::from_secs(1);

// Keys are account numbers and PINs.
opaque_debug!(Digit, TelephoneEvent, EventPacket);

/// A key of the pad. Its debug output does not say which.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digit(u8);

impl Digit {
    /// The key `0`.
    pub const ZERO: Self = Self(0);

    /// The key with this label: `0`-`9`, `*`, `#`, `A`-`D` in either case.
    pub fn new(label: char) -> Option<Self> {
        KEYS.iter()
            .position(|key| *key == label.to_ascii_uppercase())
            .map(|event| Self(event as u8))
    }

    /// The key with this event code (RFC 4733 table 3).
    pub fn from_event(event: u8) -> Option<Self> {
        (usize::from(event) < KEYS.len()).then_some(Self(event))
    }

    /// The event code.
    pub fn event(self) -> u8 {
        self.0
    }

    /// The label.
    pub fn label(self) -> char {
        KEYS[usize::from(self.0)]
    }
}

const KEYS: [char; 16] =
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

/// The payload of one telephone-event packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// The event code; 0 to 15 are the keys.
    pub event: u8,
    /// Whether this packet closes the event.
    pub end: bool,
    /// Power below 0 dBm0, 0 to 63.
    pub volume: u8,
    /// How long the event has lasted, in ticks of its clock.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Reads the first event of `payload`; `None` if it is too short.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let [event, flags, high, low, ..] = *payload else { return None };
        Some(Self {
            event,
            end: flags & 0x80 != 0,
            volume: flags & 0x3f,
            duration: u16::from_be_bytes([high, low]),
        })
    }

    /// The four bytes.
    pub fn to_bytes(self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [self.event, u8::from(self.end) << 7 | self.volume & 0x3f, high, low]
    }

    /// The key, if the event is one.
    pub fn digit(self) -> Option<Digit> {
        Digit::from_event(self.event)
    }
}

/// One packet to send.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EventPacket {
    /// Set on the first packet of the event only.
    pub marker: bool,
    /// The start of the event: the same on each of its packets.
    pub timestamp: u32,
    /// The payload.
    pub payload: [u8; 4],
}

/// The packets of one pressed key, one each 20 ms: growing ones, then three that end it.
#[derive(Debug, Clone)]
pub struct EventPackets {
    digit: Digit,
    timestamp: u32,
    ticks_per_packet: u16,
    growing: u8,
    sent: u8,
}

impl EventPackets {
    /// `digit` held for `duration` (40 ms to 1 s, rounded up to 20 ms) from `timestamp` on.
    ///
    /// `clock_rate` is that of the telephone-event payload type and counts the durations.
    pub fn new(digit: Digit, duration: Duration, clock_rate: u32, timestamp: u32) -> Self {
        let duration = duration.clamp(MIN_DURATION, MAX_DURATION);
        let packets = duration.as_millis().div_ceil(PACKET_TIME.as_millis()) as u8;
        let ticks_per_packet = (clock_rate.min(48_000) / 50) as u16;
        Self { digit, timestamp, ticks_per_packet, growing: packets, sent: 0 }
    }
}

impl Iterator for EventPackets {
    type Item = EventPacket;

    fn next(&mut self) -> Option<EventPacket> {
        // The first of the end packets carries the last stretch of the key.
        if self.sent >= self.growing - 1 + END_PACKETS {
            return None;
        }
        let marker = self.sent == 0;
        self.sent += 1;
        let stretches = u16::from(self.sent.min(self.growing));
        let event = TelephoneEvent {
            event: self.digit.event(),
            end: self.sent >= self.growing,
            volume: VOLUME,
            duration: stretches.saturating_mul(self.ticks_per_packet),
        };
        Some(EventPacket { marker, timestamp: self.timestamp, payload: event.to_bytes() })
    }
}

/// Tells the events of a received stream apart: each is reported once, by its first packet to come.
#[derive(Debug, Clone, Default)]
pub struct EventReader {
    current: Option<(u32, u32)>,
}

impl EventReader {
    /// A reader that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a packet and gives the key if this is the first packet of a press.
    pub fn read(&mut self, ssrc: u32, timestamp: u32, payload: &[u8]) -> Option<Digit> {
        let digit = TelephoneEvent::parse(payload)?.digit()?;
        if let Some((known_ssrc, known)) = self.current {
            let stale = known.wrapping_sub(timestamp).cast_signed() >= 0;
            if known_ssrc == ssrc && stale {
                return None;
            }
        }
        self.current = Some((ssrc, timestamp));
        Some(digit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_code_and_nothing_else_is_a_key() {
        for (event, label) in KEYS.into_iter().enumerate() {
            let digit = Digit::new(label).unwrap();
            assert_eq!((usize::from(digit.event()), digit.label()), (event, label));
        }
        assert_eq!(Digit::new('d'), Digit::new('D'));
        for label in ['E', ' ', '+', ',', 'é', '\0'] {
            assert_eq!(Digit::new(label), None);
        }
        assert_eq!(Digit::from_event(16), None);
    }

    #[test]
    fn a_key_of_100_ms_grows_five_times_and_ends_three_times() {
        let digit = Digit::new('5').unwrap();
        let packets: Vec<_> =
            EventPackets::new(digit, Duration::from_millis(100), 8_000, 77).collect();
        let events: Vec<_> =
            packets.iter().map(|packet| TelephoneEvent::parse(&packet.payload).unwrap()).collect();
        let durations: Vec<_> = events.iter().map(|event| event.duration).collect();
        assert_eq!(durations, [160, 320, 480, 640, 800, 800, 800]);
        let ends: Vec<_> = events.iter().map(|event| event.end).collect();
        assert_eq!(ends, [false, false, false, false, true, true, true]);
        assert!(packets.iter().all(|packet| packet.timestamp == 77));
        assert_eq!(packets.iter().filter(|packet| packet.marker).count(), 1);
        assert!(packets[0].marker);
        assert_eq!(packets[0].payload, [5, 10, 0, 160]);
        assert_eq!(packets[6].payload, [5, 0x8a, 3, 32]);
    }

    #[test]
    fn debug_output_does_not_tell_the_key() {
        let digit = Digit::new('7').unwrap();
        let packet = EventPackets::new(digit, MIN_DURATION, 8_000, 7).next().unwrap();
        let event = TelephoneEvent::parse(&packet.payload).unwrap();
        assert_eq!(
            format!("{digit:?} {packet:?} {event:?}"),
            "Digit { .. } EventPacket { .. } TelephoneEvent { .. }"
        );
    }

    #[test]
    fn durations_stay_within_what_the_field_holds() {
        let digit = Digit::new('#').unwrap();
        let longest = EventPackets::new(digit, Duration::MAX, 48_000, 0).last().unwrap();
        assert_eq!(TelephoneEvent::parse(&longest.payload).unwrap().duration, 48_000);
        let shortest = EventPackets::new(digit, Duration::ZERO, 8_000, 0).last().unwrap();
        assert_eq!(TelephoneEvent::parse(&shortest.payload).unwrap().duration, 320);
    }

    #[test]
    fn a_press_is_reported_once_even_if_its_first_packets_are_lost_or_come_again() {
        let mut reader = EventReader::new();
        let press = |digit: char, timestamp| {
            EventPackets::new(
                Digit::new(digit).unwrap(),
                Duration::from_millis(100),
                8_000,
                timestamp,
            )
        };
        let mut heard = String::new();
        for packet in press('1', u32::MAX - 50).skip(3).chain(press('1', 4_000)) {
            heard.extend(reader.read(9, packet.timestamp, &packet.payload).map(Digit::label));
        }
        let straggler = press('1', u32::MAX - 50).last().unwrap();
        assert_eq!(reader.read(9, straggler.timestamp, &straggler.payload), None);
        assert_eq!(heard, "11");
        assert_eq!(reader.read(9, 9_000, &[1, 2]), None);
        assert_eq!(reader.read(9, 9_000, &[200, 2, 0, 0]), None);
    }
}
