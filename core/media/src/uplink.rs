//! One call's sending direction: microphone frames in, RTP packets out.
//!
//! RFC 3550 §5.1 (header fields), RFC 3551 §4.1 (marker), RFC 7587 §4.1 (Opus clock, DTX),
//! RFC 4733 §2.6.1 (telephone events share the audio's stream and time line).

use std::time::Duration;

use crate::CodecError;
use crate::Frame;
use crate::codec::{Codec, Encoder};
use crate::downlink::RtpHeader;
use crate::dtmf::{Digit, EventPackets, PACKET_TIME};
use crate::level::{Level, LevelMeter};
use crate::opus::OpusSettings;

/// The largest payload: Opus at its highest rate needs 1 275 bytes.
const MAX_PAYLOAD: usize = 1_275;
const PACKET_SAMPLES: usize = 960;
/// Up to this size an Opus packet says that there is nothing to say.
const DTX_PAYLOAD: usize = 2;
/// Keys that may wait their turn.
const MAX_QUEUED: usize = 64;
/// Two presses of one key must be told apart (ITU-T Q.24 asks for 40 ms).
const PAUSE: Duration = Duration::from_millis(60);

/// What a negotiated stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UplinkConfig {
    /// The codec to send.
    pub codec: Codec,
    /// Its payload type, as the far end numbers it.
    pub payload_type: u8,
    /// The payload type and clock rate of telephone events, if negotiated.
    pub dtmf: Option<(u8, u32)>,
    /// Our source.
    pub ssrc: u32,
    /// The first sequence number, random (RFC 3550 §5.1).
    pub sequence: u16,
    /// The first timestamp, random (RFC 3550 §5.1).
    pub timestamp: u32,
    /// How Opus is to encode.
    pub opus: OpusSettings,
}

/// Whether and what the microphone sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Nothing is sent at all.
    Closed,
    /// Silence is sent: it keeps the path and the far end's buffer alive.
    Muted,
    /// The microphone is heard.
    Open,
}

/// A packet to send: header fields and payload.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RtpOut<'a> {
    /// Payload type.
    pub payload_type: u8,
    /// Marker bit: first of a talk spurt, or of a telephone event.
    pub marker: bool,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp in ticks of the codec's clock.
    pub timestamp: u32,
    /// Source.
    pub ssrc: u32,
    /// Payload.
    pub payload: &'a [u8],
}

impl RtpOut<'_> {
    /// The header fields, as the other end receives them.
    pub fn header(&self) -> RtpHeader {
        let Self { payload_type, marker, sequence, timestamp, ssrc, .. } = *self;
        RtpHeader { payload_type, marker, sequence, timestamp, ssrc }
    }
}

/// Why a key cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DtmfError {
    /// The far end takes no telephone events: use SIP INFO.
    #[error("telephone events were not negotiated")]
    NotNegotiated,
    /// Nothing is being sent, so neither are keys.
    #[error("the uplink is closed")]
    Closed,
    /// Too many keys wait already.
    #[error("too many digits queued")]
    QueueFull,
}

/// The sending direction of one call. Starts [`Gate::Closed`].
pub struct Uplink {
    encoder: Encoder,
    settings: OpusSettings,
    codec: Codec,
    payload_type: u8,
    dtmf: Option<(u8, u32)>,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    gate: Gate,
    marker: bool,
    pending: [i16; PACKET_SAMPLES],
    half: bool,
    keys: Keys,
    payload: [u8; MAX_PAYLOAD],
    meter: LevelMeter,
}

opaque_debug!(Uplink, RtpOut<'_>);

impl Uplink {
    /// An uplink for what was negotiated. Nothing allocates after this.
    pub fn new(config: UplinkConfig) -> Result<Self, CodecError> {
        Ok(Self {
            encoder: Encoder::new(config.codec, config.opus)?,
            settings: config.opus,
            codec: config.codec,
            payload_type: config.payload_type,
            dtmf: config.dtmf,
            ssrc: config.ssrc,
            sequence: config.sequence,
            timestamp: config.timestamp,
            gate: Gate::Closed,
            marker: true,
            pending: [0; PACKET_SAMPLES],
            half: false,
            keys: Keys::new(),
            payload: [0; MAX_PAYLOAD],
            meter: LevelMeter::new(),
        })
    }

    /// The codec it sends.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// What is sent now.
    pub fn gate(&self) -> Gate {
        self.gate
    }

    /// Opens, mutes or closes from the next frame on. Closing forgets the keys that wait.
    pub fn set_gate(&mut self, gate: Gate) -> Result<(), CodecError> {
        if gate == self.gate {
            return Ok(());
        }
        if self.gate == Gate::Closed {
            self.marker = true;
            self.encoder.begin()?;
        }
        if gate == Gate::Closed {
            self.keys.clear();
        }
        if gate != Gate::Open {
            self.pending.fill(0);
        }
        self.gate = gate;
        self.apply()
    }

    /// Changes how Opus encodes from the next packet on.
    pub fn configure(&mut self, settings: OpusSettings) -> Result<(), CodecError> {
        self.settings = settings;
        self.apply()
    }

    /// How Opus was told to encode.
    pub fn settings(&self) -> OpusSettings {
        self.settings
    }

    /// Queues a key, held for `duration` (40 ms to 1 s). Audio gives way to it.
    pub fn press(&mut self, digit: Digit, duration: Duration) -> Result<(), DtmfError> {
        if self.dtmf.is_none() {
            return Err(DtmfError::NotNegotiated);
        }
        if self.gate == Gate::Closed {
            return Err(DtmfError::Closed);
        }
        self.keys.press(digit, duration)
    }

    /// Whether keys still wait or sound.
    pub fn is_pressing(&self) -> bool {
        self.keys.is_busy()
    }

    /// Takes 10 ms of microphone; each second call gives a packet, unless nothing is to be sent.
    pub fn push(&mut self, frame: &Frame) -> Option<RtpOut<'_>> {
        self.meter.push(frame);
        let (first, second) = self.pending.split_at_mut(frame.len());
        let slot = if self.half { second } else { first };
        if self.gate == Gate::Open {
            slot.copy_from_slice(frame);
        } else {
            slot.fill(0);
        }
        self.half = !self.half;
        if self.half {
            return None;
        }
        let timestamp = self.timestamp;
        let ticks = PACKET_SAMPLES as i64 / self.codec.samples_per_tick();
        self.timestamp = timestamp.wrapping_add(ticks as u32);
        if self.gate == Gate::Closed {
            return None;
        }
        if let Some((payload_type, clock_rate)) = self.dtmf {
            match self.keys.next(clock_rate, timestamp) {
                Turn::Idle => {}
                Turn::Pause => self.pending.fill(0),
                Turn::Packet(packet) => {
                    self.payload[..4].copy_from_slice(&packet.payload);
                    return Some(self.send(payload_type, packet.marker, packet.timestamp, 4));
                }
            }
        }
        let length = match self.encoder.encode(&self.pending, &mut self.payload) {
            Ok(length) if self.codec == Codec::Opus && length <= DTX_PAYLOAD => 0,
            Ok(length) => length,
            Err(_) => 0,
        };
        if length == 0 {
            self.marker = true;
            return None;
        }
        let marker = std::mem::take(&mut self.marker);
        Some(self.send(self.payload_type, marker, timestamp, length))
    }

    /// The sequence number and timestamp that the next packet would have: a successor with the
    /// same source and clock goes on from there.
    pub fn position(&self) -> (u16, u32) {
        (self.sequence, self.timestamp)
    }

    /// How loud the microphone is, muted or not.
    pub fn level(&self) -> Level {
        self.meter.level()
    }

    fn apply(&mut self) -> Result<(), CodecError> {
        // Under DTX muted silence would not be sent.
        let dtx = self.settings.dtx && self.gate == Gate::Open;
        self.encoder.apply(OpusSettings { dtx, ..self.settings })
    }

    fn send(
        &mut self,
        payload_type: u8,
        marker: bool,
        timestamp: u32,
        length: usize,
    ) -> RtpOut<'_> {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        RtpOut {
            payload_type,
            marker,
            sequence,
            timestamp,
            ssrc: self.ssrc,
            payload: &self.payload[..length],
        }
    }
}

/// The keys that wait, and the one that sounds.
struct Keys {
    waiting: [(Digit, Duration); MAX_QUEUED],
    queued: usize,
    sounding: Option<EventPackets>,
    pause: Duration,
}

enum Turn {
    Idle,
    Pause,
    Packet(crate::dtmf::EventPacket),
}

impl Keys {
    fn new() -> Self {
        let unused = (Digit::ZERO, Duration::ZERO);
        Self { waiting: [unused; MAX_QUEUED], queued: 0, sounding: None, pause: Duration::ZERO }
    }

    fn clear(&mut self) {
        self.queued = 0;
        self.sounding = None;
        self.pause = Duration::ZERO;
    }

    fn is_busy(&self) -> bool {
        self.queued > 0 || self.sounding.is_some()
    }

    fn press(&mut self, digit: Digit, duration: Duration) -> Result<(), DtmfError> {
        let slot = self.waiting.get_mut(self.queued).ok_or(DtmfError::QueueFull)?;
        *slot = (digit, duration);
        self.queued += 1;
        Ok(())
    }

    fn next(&mut self, clock_rate: u32, timestamp: u32) -> Turn {
        if let Some(packets) = &mut self.sounding {
            if let Some(packet) = packets.next() {
                return Turn::Packet(packet);
            }
            self.sounding = None;
            self.pause = PAUSE;
        }
        if !self.pause.is_zero() {
            self.pause = self.pause.saturating_sub(PACKET_TIME);
            return Turn::Pause;
        }
        if self.queued == 0 {
            return Turn::Idle;
        }
        let (digit, duration) = self.waiting[0];
        self.waiting.copy_within(1..self.queued, 0);
        self.queued -= 1;
        let mut packets = EventPackets::new(digit, duration, clock_rate, timestamp);
        let Some(packet) = packets.next() else { return Turn::Idle };
        self.sounding = Some(packets);
        Turn::Packet(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtmf::TelephoneEvent;
    use crate::spectrum::{level_of, sine};

    const PRESS: Duration = Duration::from_millis(100);

    fn uplink(codec: Codec, opus: OpusSettings) -> Uplink {
        let payload_type = if codec == Codec::Opus { 111 } else { 0 };
        let dtmf = Some((101, 8_000));
        let (sequence, timestamp) = (65_530, u32::MAX - 1_000);
        let config = UplinkConfig { codec, payload_type, dtmf, ssrc: 7, sequence, timestamp, opus };
        Uplink::new(config).unwrap()
    }

    #[derive(Debug, Clone, PartialEq)]
    struct Packet {
        payload_type: u8,
        marker: bool,
        sequence: u16,
        timestamp: u32,
        payload: Vec<u8>,
    }

    /// Pushes `sound` and gives what came of each 20 ms.
    fn push(uplink: &mut Uplink, sound: &[i16]) -> Vec<Option<Packet>> {
        let mut packets = vec![];
        for (n, frame) in sound.as_chunks::<480>().0.iter().enumerate() {
            let packet = uplink.push(frame).map(|out| {
                assert_eq!(out.ssrc, 7);
                Packet {
                    payload_type: out.payload_type,
                    marker: out.marker,
                    sequence: out.sequence,
                    timestamp: out.timestamp,
                    payload: out.payload.to_vec(),
                }
            });
            if n % 2 == 1 {
                packets.push(packet);
            } else {
                assert_eq!(packet, None);
            }
        }
        packets
    }

    fn tone(milliseconds: usize) -> Vec<i16> {
        sine(1_000.0, -10.0, 48_000, milliseconds * 48)
    }

    fn decode(packets: &[Option<Packet>], codec: Codec) -> Vec<i16> {
        let mut decoder = crate::codec::Decoder::new(codec).unwrap();
        let mut sound = vec![];
        for packet in packets.iter().flatten() {
            let mut samples = [0; 5_760];
            let length = decoder.decode(&packet.payload, &mut samples).unwrap();
            sound.extend_from_slice(&samples[..length]);
        }
        sound
    }

    #[test]
    fn a_closed_uplink_sends_nothing_and_its_clock_runs_on() {
        let mut uplink = uplink(Codec::Pcmu, OpusSettings::default());
        assert!(push(&mut uplink, &tone(100)).iter().all(Option::is_none));
        uplink.set_gate(Gate::Open).unwrap();
        let packets = push(&mut uplink, &tone(60));
        let first = packets[0].as_ref().unwrap();
        assert_eq!(first.sequence, 65_530);
        assert_eq!(first.timestamp, (u32::MAX - 1_000).wrapping_add(5 * 160));
        assert!(!uplink.level().is_silent());
    }

    #[test]
    fn packets_count_up_by_one_and_by_20_ms_and_only_the_first_is_marked() {
        for (codec, ticks, payload_type) in [(Codec::Opus, 960, 111), (Codec::Pcmu, 160, 0)] {
            let mut uplink = uplink(codec, OpusSettings::default());
            uplink.set_gate(Gate::Open).unwrap();
            let packets = push(&mut uplink, &tone(400));
            assert_eq!(packets.len(), 20);
            for (n, packet) in packets.iter().enumerate() {
                let packet = packet.as_ref().unwrap();
                assert_eq!(packet.payload_type, payload_type);
                assert_eq!(packet.marker, n == 0);
                assert_eq!(packet.sequence, 65_530_u16.wrapping_add(n as u16));
                assert_eq!(packet.timestamp, (u32::MAX - 1_000).wrapping_add(n as u32 * ticks));
            }
        }
    }

    #[test]
    fn muted_sends_silence_even_under_dtx_and_nothing_of_the_voice() {
        for codec in [Codec::Opus, Codec::Pcmu] {
            let mut uplink = uplink(codec, OpusSettings { dtx: true, ..Default::default() });
            uplink.set_gate(Gate::Muted).unwrap();
            let packets = push(&mut uplink, &tone(2_000));
            assert!(packets.iter().all(Option::is_some));
            assert!(decode(&packets, codec).iter().all(|sample| sample.abs() <= 8));
            assert!(!uplink.level().is_silent(), "the meter shows the microphone");
        }
    }

    #[test]
    fn silence_under_dtx_goes_unsent_and_speech_after_it_is_marked() {
        let mut uplink = uplink(Codec::Opus, OpusSettings { dtx: true, ..Default::default() });
        uplink.set_gate(Gate::Open).unwrap();
        push(&mut uplink, &tone(500));
        let quiet = push(&mut uplink, &[0; 96_000]);
        let sent = quiet.iter().flatten().count();
        assert!(sent < 40, "{sent} of 100");
        assert!(quiet.last().unwrap().is_none());
        let spoken = push(&mut uplink, &tone(200));
        assert!(spoken.iter().flatten().next().unwrap().marker);
    }

    /// The loudest 10 ms, in dB of power.
    fn loudest(sound: &[i16]) -> f64 {
        let power = |part: &[i16]| {
            part.iter().map(|s| (f64::from(*s) / 32_768.0).powi(2)).sum::<f64>() / part.len() as f64
        };
        sound.chunks(480).map(|part| 10.0 * power(part).max(1e-12).log10()).fold(-127.0, f64::max)
    }

    /// As when a server that passes packets on plays music of its own during a hold, in a narrow band.
    #[test]
    fn what_is_sent_after_a_pause_does_not_crack_in_a_decoder_that_heard_another_stream() {
        let narrow =
            OpusSettings { max_band: crate::opus::AudioBand::Narrow, ..Default::default() };
        let mut music = uplink(Codec::Opus, narrow);
        music.set_gate(Gate::Open).unwrap();
        let music = push(&mut music, &sine(460.0, -21.0, 48_000, 96_000));
        let mut cracks = vec![];
        for hertz in [530.0, 580.0, 630.0, 810.0, 870.0, 1_150.0, 1_230.0, 1_550.0, 1_870.0] {
            for phase in (0..960).step_by(60) {
                let mut voice = uplink(Codec::Opus, OpusSettings::default());
                let sound = sine(hertz, -12.0, 48_000, 48_000);
                voice.set_gate(Gate::Open).unwrap();
                let before = push(&mut voice, &sound);
                voice.set_gate(Gate::Closed).unwrap();
                push(&mut voice, &sound[..24_000]);
                voice.set_gate(Gate::Open).unwrap();
                let after = push(&mut voice, &sound[phase..]);
                let start = (before.len() + music.len()) * 960;
                let all = [before, music.clone(), after].concat();
                let heard = loudest(&decode(&all, Codec::Opus)[start..]);
                // A tone of -12 dBFS has -15 dB of power; its onset may overshoot a little.
                if heard > -11.5 {
                    cracks.push((hertz, phase, heard));
                }
            }
        }
        assert!(cracks.is_empty(), "{} of 144: {cracks:.1?}", cracks.len());
    }

    #[test]
    fn a_key_takes_the_place_of_audio_on_the_same_time_line() {
        let mut uplink = uplink(Codec::Opus, OpusSettings::default());
        uplink.set_gate(Gate::Open).unwrap();
        push(&mut uplink, &tone(100));
        uplink.press(Digit::new('4').unwrap(), PRESS).unwrap();
        uplink.press(Digit::new('#').unwrap(), PRESS).unwrap();
        assert!(uplink.is_pressing());
        let packets: Vec<_> = push(&mut uplink, &tone(600)).into_iter().flatten().collect();
        assert!(!uplink.is_pressing());
        let line: String = packets
            .iter()
            .map(|packet| match TelephoneEvent::parse(&packet.payload) {
                Some(event) if packet.payload_type == 101 => event.digit().unwrap().label(),
                _ => '.',
            })
            .collect();
        assert_eq!(line, "4444444...#######.............");
        for (n, packet) in packets.iter().enumerate() {
            assert_eq!(packet.sequence, 65_530_u16.wrapping_add(5 + n as u16));
            assert_eq!(packet.marker, n == 0 || n == 10, "{n}");
        }
        let start = (u32::MAX - 1_000).wrapping_add(5 * 960);
        assert!(packets[..7].iter().all(|packet| packet.timestamp == start));
        assert_eq!(packets[7].timestamp, start.wrapping_add(7 * 960));
        assert_eq!(packets[10].timestamp, start.wrapping_add(10 * 960));
        let events = packets[..7].iter().map(|packet| TelephoneEvent::parse(&packet.payload));
        assert_eq!(events.flatten().filter(|event| event.end).count(), 3);
        let pause: Vec<_> = packets[7..10].iter().cloned().map(Some).collect();
        let heard = decode(&pause, Codec::Opus);
        assert!(level_of(&heard[1_440..], 48_000, 1_000.0) < -40.0, "no voice between keys");
    }

    #[test]
    fn keys_are_refused_when_they_cannot_be_sent() {
        let digit = Digit::new('1').unwrap();
        let mut open = uplink(Codec::Pcmu, OpusSettings::default());
        assert_eq!(open.press(digit, PRESS), Err(DtmfError::Closed));
        open.set_gate(Gate::Muted).unwrap();
        for _ in 0..MAX_QUEUED {
            assert_eq!(open.press(digit, PRESS), Ok(()));
        }
        assert_eq!(open.press(digit, PRESS), Err(DtmfError::QueueFull));
        open.set_gate(Gate::Closed).unwrap();
        assert!(!open.is_pressing());
        open.dtmf = None;
        assert_eq!(open.press(digit, PRESS), Err(DtmfError::NotNegotiated));
    }
}
