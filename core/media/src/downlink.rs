//! One call's receiving direction: RTP packets in, loudspeaker frames out.
//!
//! Routes by payload type (RFC 3550 §5.1): what was not negotiated is ignored. Comfort noise
//! (RFC 3389, payload type 13) sent unasked therefore never passes for the first sound of a call.

use std::time::Duration;

use crate::Frame;
use crate::codec::{Codec, CodecError};
use crate::dtmf::{Digit, EventReader};
use crate::level::{Level, LevelMeter};
use crate::playout::{Heard, Playout, PlayoutConfig, PlayoutStats, RtpPacket};

/// What a negotiated stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownlinkConfig {
    /// The codec to expect.
    pub codec: Codec,
    /// Its payload type, as we numbered it.
    pub payload_type: u8,
    /// The payload type of telephone events, if negotiated.
    pub dtmf: Option<u8>,
    /// How the playout buffer is tuned.
    pub playout: PlayoutConfig,
}

/// The header fields that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpHeader {
    /// Payload type.
    pub payload_type: u8,
    /// Marker bit.
    pub marker: bool,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp.
    pub timestamp: u32,
    /// Source.
    pub ssrc: u32,
}

/// What a packet was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Sound, handed to the playout buffer.
    Audio,
    /// The first packet of a pressed key.
    Digit(Digit),
    /// A further packet of a telephone event.
    Event,
    /// A payload type that was not negotiated.
    Ignored,
}

/// The receiving direction of one call.
#[derive(Debug)]
pub struct Downlink {
    playout: Playout,
    payload_type: u8,
    dtmf: Option<u8>,
    events: EventReader,
    meter: LevelMeter,
    last_received: Option<Duration>,
    first_heard: Option<Duration>,
}

impl Downlink {
    /// A downlink for what was negotiated. Nothing allocates after this.
    pub fn new(config: DownlinkConfig) -> Result<Self, CodecError> {
        Ok(Self {
            playout: Playout::new(config.codec, config.playout)?,
            payload_type: config.payload_type,
            dtmf: config.dtmf,
            events: EventReader::new(),
            meter: LevelMeter::new(),
            last_received: None,
            first_heard: None,
        })
    }

    /// The codec it expects.
    pub fn codec(&self) -> Codec {
        self.playout.codec()
    }

    /// Takes a packet from the network.
    pub fn receive(&mut self, header: RtpHeader, payload: &[u8], now: Duration) -> Received {
        if header.payload_type == self.payload_type {
            self.last_received = Some(now);
            let RtpHeader { ssrc, sequence, timestamp, marker, .. } = header;
            self.playout.push(RtpPacket { ssrc, sequence, timestamp, marker, payload }, now);
            return Received::Audio;
        }
        self.playout.push_other(header.ssrc, header.sequence);
        if self.dtmf != Some(header.payload_type) {
            return Received::Ignored;
        }
        self.last_received = Some(now);
        match self.events.read(header.ssrc, header.timestamp, payload) {
            Some(digit) => Received::Digit(digit),
            None => Received::Event,
        }
    }

    /// Gives the next 10 ms to play.
    pub fn pull(&mut self, frame: &mut Frame, now: Duration) -> Heard {
        let heard = self.playout.pull(frame, now);
        if heard == Heard::Decoded && self.first_heard.is_none() {
            self.first_heard = Some(now);
        }
        self.meter.push(frame);
        heard
    }

    /// When the first sound that was sent came out.
    pub fn first_heard(&self) -> Option<Duration> {
        self.first_heard
    }

    /// When the last negotiated packet came: the sign of a live path.
    pub fn last_received(&self) -> Option<Duration> {
        self.last_received
    }

    /// How loud the far end is.
    pub fn level(&self) -> Level {
        self.meter.level()
    }

    /// What the playout buffer counted.
    pub fn stats(&self) -> PlayoutStats {
        self.playout.stats()
    }
}
