//! One call's receiving direction: RTP packets in, loudspeaker frames out.
//!
//! Routes by payload type (RFC 3550 §5.1): what was not negotiated is ignored. Comfort noise
//! (RFC 3389, payload type 13) sent unasked therefore never passes for the first sound of a call.

use std::time::Duration;

use crate::CodecError;
use crate::Frame;
use crate::codec::Codec;
use crate::dtmf::{Digit, EventReader};
use crate::level::{Level, LevelMeter};
use crate::playout::{Heard, Playout, PlayoutConfig, PlayoutStats, RtpPacket};
use crate::shock::Guard;

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
    guard: Guard,
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
            guard: Guard::new(),
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
        if header.payload_type == self.payload_type && !payload.is_empty() {
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

    /// Nobody listened for a while: what comes next begins anew, and what went by is not lost.
    pub fn begin_anew(&mut self) {
        self.playout.end_stream();
    }

    /// Gives the next 10 ms to play.
    pub fn pull(&mut self, frame: &mut Frame, now: Duration) -> Heard {
        let heard = self.playout.pull(frame, now);
        if heard == Heard::Decoded && self.first_heard.is_none() {
            self.first_heard = Some(now);
        }
        self.guard.protect(frame);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uplink::{Gate, Uplink, UplinkConfig};

    const OPUS: u8 = 111;
    const EVENT: u8 = 101;
    const COMFORT_NOISE: u8 = 13;

    fn pair(codec: Codec) -> (Uplink, Downlink) {
        let mut uplink = Uplink::new(UplinkConfig {
            codec,
            payload_type: OPUS,
            dtmf: Some((EVENT, 8_000)),
            ssrc: 5,
            sequence: 1,
            timestamp: 9,
            opus: Default::default(),
        })
        .unwrap();
        uplink.set_gate(Gate::Open).unwrap();
        let downlink = Downlink::new(DownlinkConfig {
            codec,
            payload_type: OPUS,
            dtmf: Some(EVENT),
            playout: PlayoutConfig::default(),
        })
        .unwrap();
        (uplink, downlink)
    }

    fn at(milliseconds: usize) -> Duration {
        Duration::from_millis(milliseconds as u64)
    }

    #[test]
    fn what_was_not_negotiated_is_ignored_and_is_not_the_first_sound() {
        let (mut uplink, mut downlink) = pair(Codec::Opus);
        let stray = RtpHeader {
            payload_type: COMFORT_NOISE,
            marker: false,
            sequence: 0,
            timestamp: 0,
            ssrc: 5,
        };
        let mut frame = [0; 480];
        for n in 0..20 {
            assert_eq!(downlink.receive(stray, &[60], at(n * 10)), Received::Ignored);
            assert_eq!(downlink.pull(&mut frame, at(n * 10)), Heard::Nothing);
        }
        assert_eq!((downlink.first_heard(), downlink.last_received()), (None, None));
        assert_eq!(downlink.stats(), PlayoutStats { target: at(20), ..Default::default() });
        let tone = crate::spectrum::sine(1_000.0, -10.0, 48_000, 9_600);
        for (n, mic) in tone.as_chunks::<480>().0.iter().enumerate() {
            let now = at(200 + n * 10);
            if let Some(out) = uplink.push(mic) {
                assert_eq!(downlink.receive(out.header(), out.payload, now), Received::Audio);
            }
            downlink.pull(&mut frame, now);
        }
        // The first packet leaves 10 ms after its first frame.
        assert_eq!(downlink.first_heard(), Some(at(210)));
        assert_eq!(downlink.last_received(), Some(at(390)));
        assert!((downlink.level().rms_dbfs + 10.0).abs() < 1.0);
    }

    #[test]
    fn a_key_sent_is_a_key_received_once_and_costs_no_loss() {
        for codec in [Codec::Opus, Codec::Pcma] {
            let (mut uplink, mut downlink) = pair(codec);
            for label in ['1', '1', 'D'] {
                uplink.press(Digit::new(label).unwrap(), at(120)).unwrap();
            }
            let mut received = String::new();
            let mut frame = [0; 480];
            for n in 0..200 {
                if let Some(out) = uplink.push(&[1_000; 480]) {
                    let verdict = downlink.receive(out.header(), out.payload, at(n * 10));
                    if let Received::Digit(digit) = verdict {
                        received.push(digit.label());
                    }
                }
                downlink.pull(&mut frame, at(n * 10));
            }
            assert_eq!(received, "11D");
            assert_eq!(downlink.stats().packets_lost, 0);
            assert_eq!(downlink.stats().fec_recovered, 0);
        }
    }

    #[test]
    fn what_nobody_listened_to_is_not_lost() {
        let (mut uplink, mut downlink) = pair(Codec::Opus);
        let mut frame = [0; 480];
        for n in 0..600 {
            let (now, listens) = (at(n * 10), !(200..400).contains(&n));
            if let Some(out) = uplink.push(&[1_000; 480]) {
                // A held side sends nothing or goes on unheard; its numbers run on either way.
                if listens {
                    downlink.receive(out.header(), out.payload, now);
                }
            }
            if n == 400 {
                downlink.begin_anew();
            }
            if listens {
                downlink.pull(&mut frame, now);
            }
        }
        let stats = downlink.stats();
        assert_eq!((stats.packets_lost, stats.packets_received), (0, 200));
    }

    /// A server that passed one stream on mixes from now on, or ends to: its packets are another encoder's, in the midst.
    #[test]
    fn what_another_encoder_goes_on_with_is_no_shock() {
        use crate::opus::{OpusDecoder, OpusEncoder, OpusSettings};
        let packets = |hertz: f64, phase: usize| {
            let mut encoder = OpusEncoder::new(OpusSettings::default()).unwrap();
            let sound = crate::spectrum::sine(hertz, -12.0, 48_000, 48_000);
            let mut encode = |part: &[i16; 960]| {
                let mut packet = [0; 400];
                let length = encoder.encode(part, &mut packet).unwrap();
                packet[..length].to_vec()
            };
            sound[phase..].as_chunks().0.iter().map(&mut encode).collect::<Vec<_>>()
        };
        let peak = |sound: &[i16]| sound.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
        let (mut decoded, mut heard) = (0, 0);
        for (hertz, phase) in [(870.0, 900), (580.0, 360), (1_230.0, 480), (870.0, 120)] {
            let mut decoder = OpusDecoder::new().unwrap();
            let (_, mut downlink) = pair(Codec::Opus);
            let (mut sound, mut frame) = ([0; 960], [0; 480]);
            let (before, after) = (packets(700.0, 0), packets(hertz, phase));
            for (n, payload) in before.iter().chain(&after[25..]).enumerate() {
                decoder.decode(payload, &mut sound).unwrap();
                decoded = decoded.max(peak(&sound));
                let (sequence, timestamp) = (n as u16, n as u32 * 960);
                let header =
                    RtpHeader { payload_type: OPUS, marker: false, sequence, timestamp, ssrc: 5 };
                downlink.receive(header, payload, at(n * 20));
                for half in [0, 10] {
                    downlink.pull(&mut frame, at(n * 20 + half));
                    heard = heard.max(peak(&frame));
                }
            }
        }
        // The tones have a quarter of full scale.
        assert!(decoded > 28_000, "the decoder alone: {decoded}");
        assert!(heard < 24_000, "{heard}");
    }
}
