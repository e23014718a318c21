//! One call's sending direction: microphone frames in, RTP packets out.
//!
//! RFC 3550 §5.1 (header fields), RFC 3551 §4.1 (marker), RFC 7587 §4.1 (Opus clock, DTX),
//! RFC 4733 §2.6.1 (telephone events share the audio's stream and time line).

use std::time::Duration;

use crate::Frame;
use crate::codec::{Codec, CodecError, Encoder};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug)]
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
#[derive(Debug)]
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
