//! The one RTP stream that a phone receives, whatever it is made of: packets of another leg, the
//! phone's own, or a sound.
//!
//! RFC 3550 §7.1 calls what relays without decoding a translator. SSRC and payload types are the
//! leg's own; sequence and timestamps go on where the last source ended.

use super::mix::Mix;
use super::sound::Sound;
use sidetone_driver::peer::{MAX_PAYLOAD, Negotiated, RtpPacket, RtpSender};
use sidetone_media::codec::Encoder;
use sidetone_media::opus::OpusSettings;
use sidetone_media::{Codec, SAMPLE_RATE};
use sidetone_pbx::LegId;
use sidetone_phone::sdp;
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

const FRAME_TIME: Duration = Duration::from_millis(20);
const FRAME_SAMPLES: u32 = 960;

/// What a payload is, without a number that only one side knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sound.
    Audio(Codec),
    /// Digits (RFC 4733).
    Digits,
}

impl Kind {
    /// What SDP calls so.
    pub(super) fn of(codec: &sdp::Codec) -> Option<Self> {
        Some(match codec.name.to_ascii_lowercase().as_str() {
            "opus" => Self::Audio(Codec::Opus),
            "pcmu" => Self::Audio(Codec::Pcmu),
            "pcma" => Self::Audio(Codec::Pcma),
            "telephone-event" => Self::Digits,
            _ => return None,
        })
    }
}

/// A packet on its way from one leg to others.
#[derive(Clone)]
pub(super) struct Parcel {
    pub(super) kind: Kind,
    pub(super) packet: RtpPacket,
}

/// The stream to one phone.
pub(super) struct Stream {
    sender: RtpSender,
    /// The numbers of the last packet, and when it went.
    last: (u16, u32),
    sent_at: Option<Instant>,
    /// What is added to the source's numbers; none before its first packet.
    shift: Option<(u16, u32)>,
}

impl Stream {
    /// Nothing sent yet.
    pub(super) fn new(sender: RtpSender) -> Self {
        Self { sender, last: (0, 0), sent_at: None, shift: None }
    }

    /// What comes from here on has numbers of its own.
    pub(super) fn change_source(&mut self) {
        self.shift = None;
    }

    /// Passes a packet on. What the phone did not agree to is left out: codecs are not translated.
    pub(super) fn relay(&mut self, parcel: &Parcel, negotiated: &Negotiated) {
        let audio = Kind::of(&negotiated.codec);
        let payload_type = match parcel.kind {
            Kind::Digits => negotiated.telephone_event.as_ref().map(|codec| codec.payload_type),
            Kind::Audio(_) if audio == Some(parcel.kind) => Some(negotiated.codec.payload_type),
            Kind::Audio(_) => None,
        };
        let Some(payload_type) = payload_type else { return };
        let mut packet = parcel.packet.clone();
        packet.payload_type = payload_type;
        self.send(packet, negotiated.codec.clock_rate);
    }

    /// Sends the next 20 ms of a sound.
    pub(super) fn play(&mut self, player: &mut Player, negotiated: &Negotiated) {
        let Some(Kind::Audio(codec)) = Kind::of(&negotiated.codec) else { return };
        if self.sender.is_ready()
            && let Some(packet) = player.next(codec, negotiated.codec.payload_type)
        {
            self.send(packet, codec.clock_rate());
        }
    }

    fn send(&mut self, mut packet: RtpPacket, clock_rate: u32) {
        let now = Instant::now();
        packet.marker |= self.shift.is_none();
        let (sequence, timestamp) = *self.shift.get_or_insert_with(|| {
            let pause = self.sent_at.map_or(Duration::ZERO, |at| now - at).max(FRAME_TIME);
            let ticks = (pause.as_micros() * u128::from(clock_rate) / 1_000_000) as u32;
            let next = (self.last.0.wrapping_add(1), self.last.1.wrapping_add(ticks));
            (next.0.wrapping_sub(packet.sequence), next.1.wrapping_sub(packet.timestamp))
        });
        packet.sequence = packet.sequence.wrapping_add(sequence);
        packet.timestamp = packet.timestamp.wrapping_add(timestamp);
        let last = (packet.sequence, packet.timestamp);
        if self.sender.send(packet) {
            (self.last, self.sent_at) = (last, Some(now));
        }
    }
}

/// What the switch makes itself.
pub(super) enum Source {
    /// A sound.
    Sound(Sound),
    /// Other legs, added up.
    Mix(Mix),
}

/// A source on its way, encoded as each phone agreed.
pub(super) struct Player {
    source: Source,
    began: Instant,
    frames: Interval,
    position: u32,
    encoder: Option<(Codec, Encoder)>,
}

impl Player {
    /// From the source's beginning.
    pub(super) fn new(source: Source) -> Self {
        let mut frames = interval(FRAME_TIME);
        frames.set_missed_tick_behavior(MissedTickBehavior::Burst);
        Self { source, began: Instant::now(), frames, position: 0, encoder: None }
    }

    /// A packet of another leg, for a source that is made of such.
    pub(super) fn take(&mut self, from: LegId, parcel: &Parcel) {
        if let Source::Mix(mix) = &mut self.source {
            mix.take(from, parcel, self.began.elapsed());
        }
    }

    /// Returns when the next frame is due.
    pub(super) async fn due(&mut self) {
        self.frames.tick().await;
    }

    fn next(&mut self, codec: Codec, payload_type: u8) -> Option<RtpPacket> {
        if self.encoder.as_ref().is_none_or(|(of, _)| *of != codec) {
            self.encoder = Some((codec, Encoder::new(codec, OpusSettings::default()).ok()?));
        }
        let (_, encoder) = self.encoder.as_mut()?;
        let mut payload = [0; MAX_PAYLOAD];
        let frame = match &mut self.source {
            Source::Sound(sound) => sound.frame(self.position),
            Source::Mix(mix) => mix.frame(self.began.elapsed()),
        };
        let length = encoder.encode(&frame, &mut payload).ok()?;
        let sequence = (self.position / FRAME_SAMPLES) as u16;
        let timestamp = self.position / (SAMPLE_RATE / codec.clock_rate());
        self.position = self.position.wrapping_add(FRAME_SAMPLES);
        RtpPacket::new(payload_type, false, sequence, timestamp, payload.get(..length)?)
    }
}
