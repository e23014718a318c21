//! The playout buffer: packets in as the network brings them, 10 ms of sound out at each pull.
//!
//! Reorders, repairs loss from the copy in the following packet (RFC 6716 §2.1.7) or conceals it,
//! and holds sound back just long enough (`delay`), adjusting by playing a little faster or slower
//! (`stretch`). All time is virtual: whoever pulls says what time it is.
//!
//! `timeline` places packets, `buffer` keeps them, this module decides at each pull.

mod buffer;
mod delay;
mod stats;
mod stretch;
mod timeline;

use std::time::Duration;

pub use stats::PlayoutStats;

use self::buffer::{MAX_PAYLOAD, Outline, PacketBuffer};
use self::delay::DelayManager;
use self::stretch::Care;
use self::timeline::{Header, Place, Placement, Timeline};
use crate::CodecError;
use crate::codec::{Codec, Decoder};
use crate::opus::MAX_PACKET_SAMPLES;
use crate::{Frame, SAMPLE_RATE};

/// A time or a duration in samples at 48 kHz.
type Samples = i64;

/// One pull.
const PULL: Samples = 480;
/// The smallest piece that every codec conceals: 2.5 ms.
const PIECE: usize = 120;
/// With nothing to play for this long (1 s), wait for a new start.
const GIVE_UP: Samples = 48_000;
/// Play slower when the delay is this far (5 ms) below the target, since late sound is worse than
/// delayed sound.
const BELOW: Samples = 240;
/// Play faster, but in silence only, when it is this far (10 ms) above ...
const ABOVE: Samples = 480;
/// ... in speech too when it is this far above (60 ms) ...
const NEAR: Samples = 2_880;
/// ... without care for seams when it is this far above (100 ms) ...
const FAR: Samples = 4_800;
/// ... and throw sound away when it is this far above (400 ms).
const TOO_FAR: Samples = 19_200;
/// Pulls between two gentle changes of speed: 50 ms.
const REST: u32 = 5;
/// A gap is jumped over, not concealed, if even then the delay is this far (60 ms) above target.
const JUMP: Samples = 2_880;
/// Room for what is left of a pull, a longest packet, one decoded ahead, and a stretch.
const OUTPUT: usize = 2 * (MAX_PACKET_SAMPLES + stretch::WANTED);

/// What a call may tune.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlayoutConfig {
    /// The least delay to aim at.
    pub min_delay: Duration,
    /// The most delay to aim at.
    pub max_delay: Duration,
}

impl Default for PlayoutConfig {
    fn default() -> Self {
        Self { min_delay: Duration::from_millis(20), max_delay: Duration::from_millis(800) }
    }
}

/// One packet of sound as it came.
#[derive(Clone, Copy)]
pub struct RtpPacket<'a> {
    /// Which stream: a new one starts the buffer anew.
    pub ssrc: u32,
    /// Wrapping sequence number.
    pub sequence: u16,
    /// Wrapping timestamp in ticks of the codec's RTP clock.
    pub timestamp: u32,
    /// The sender's marker bit: the first packet after a silence.
    pub marker: bool,
    /// The codec's bytes.
    pub payload: &'a [u8],
}

/// The best that a pull holds some of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heard {
    /// Silence, since there is nothing to play.
    Nothing,
    /// Sound invented to bridge a gap.
    Concealed,
    /// Sound that was sent.
    Decoded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing has played since construction or since the stream started anew.
    Starting,
    /// Nothing came for so long that the next packet is a new start.
    Waiting,
    Playing,
}

/// The buffer of one received stream, with its decoder.
pub struct Playout {
    decoder: Decoder,
    codec: Codec,
    timeline: Timeline,
    buffer: PacketBuffer,
    delay: DelayManager,
    phase: Phase,
    /// When the first packet of this start came.
    started: Samples,
    /// Sound ready to be pulled.
    output: Vec<i16>,
    scratch: Box<[i16; MAX_PACKET_SAMPLES]>,
    /// The time of the next sample to decode.
    next: Samples,
    /// Sound invented while nothing had come, which a gap found later is charged with.
    expanded: Samples,
    /// Whether the output ends in invented sound.
    concealing: bool,
    /// Whether the sender said that nothing follows until it speaks again.
    dtx: bool,
    rested: u32,
    stats: PlayoutStats,
}

opaque_debug!(Playout, RtpPacket<'_>);

impl Playout {
    /// An empty buffer. Nothing allocates after this.
    pub fn new(codec: Codec, config: PlayoutConfig) -> Result<Self, CodecError> {
        Ok(Self {
            decoder: Decoder::new(codec)?,
            codec,
            timeline: Timeline::new(codec.samples_per_tick()),
            buffer: PacketBuffer::new(),
            delay: DelayManager::new(&config),
            phase: Phase::Starting,
            started: 0,
            output: Vec::with_capacity(OUTPUT),
            scratch: Box::new([0; MAX_PACKET_SAMPLES]),
            next: 0,
            expanded: 0,
            concealing: false,
            dtx: false,
            rested: 0,
            stats: PlayoutStats::default(),
        })
    }

    /// The codec it decodes.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// Takes a packet of sound.
    pub fn push(&mut self, packet: RtpPacket<'_>, now: Duration) {
        self.stats.packets_received += 1;
        let now = samples(now);
        let duration = match self.decoder.duration(packet.payload) {
            Ok(duration) if packet.payload.len() <= MAX_PAYLOAD => duration as Samples,
            Ok(_) | Err(_) => {
                // What cannot be decoded is as good as lost, and is repaired like it.
                self.stats.packets_discarded += 1;
                return;
            }
        };
        let header =
            Header { ssrc: packet.ssrc, sequence: packet.sequence, timestamp: packet.timestamp };
        let place = match self.timeline.place(header, duration, now) {
            Placement::Started(place) => {
                self.restart();
                place
            }
            Placement::Newest(place) => place,
            Placement::Reordered(place) => {
                self.stats.packets_reordered += 1;
                place
            }
            Placement::Duplicate => {
                self.stats.packets_duplicated += 1;
                return;
            }
            Placement::Suspect => {
                self.stats.packets_discarded += 1;
                return;
            }
        };
        let Place { sequence, at } = place;
        self.store(Outline { sequence, at, duration, marker: packet.marker }, packet.payload, now);
    }

    /// Notes a packet of the stream that holds no sound (a telephone event, comfort noise), so
    /// that its sequence number does not count as lost.
    pub fn push_other(&mut self, ssrc: u32, sequence: u16) {
        self.timeline.note(ssrc, sequence);
    }

    /// Ends the stream: the next packet begins one, whatever its numbers are, and those between the
    /// two do not count as lost.
    pub fn end_stream(&mut self) {
        self.timeline.end();
    }

    /// Gives the next 10 ms.
    pub fn pull(&mut self, frame: &mut Frame, now: Duration) -> Heard {
        let now = samples(now);
        self.catch_up(now);
        let mut heard = match (self.output.is_empty(), self.concealing) {
            (true, _) => Heard::Nothing,
            (false, true) => Heard::Concealed,
            (false, false) => Heard::Decoded,
        };
        while self.output.len() < frame.len() {
            heard = heard.max(self.extend(now));
            if self.phase != Phase::Playing {
                self.output.resize(frame.len().max(self.output.len()), 0);
            }
        }
        self.adjust(now);
        frame.copy_from_slice(&self.output[..PULL as usize]);
        self.output.drain(..PULL as usize);
        self.stats.delay = duration(self.playout_delay(now + PULL).unwrap_or(0));
        heard
    }

    /// The counters.
    pub fn stats(&self) -> PlayoutStats {
        PlayoutStats {
            packets_lost: self.timeline.lost(),
            target: duration(self.delay.target()),
            ..self.stats
        }
    }

    fn restart(&mut self) {
        self.buffer.clear();
        self.delay.restart();
        self.decoder.reset();
        self.phase = Phase::Starting;
    }

    fn store(&mut self, outline: Outline, payload: &[u8], now: Samples) {
        let repairs = self.decoder.has_redundancy(payload);
        self.delay.arrived(outline.at, outline.duration, repairs, now);
        if self.phase == Phase::Playing && outline.end() <= self.next {
            self.stats.packets_late += 1;
            return;
        }
        if self.buffer.is_full() {
            self.buffer.drop_first();
            self.stats.packets_discarded += 1;
        }
        if self.buffer.len() == 0 {
            self.started = now;
        }
        self.buffer.insert(outline, payload);
    }

    /// The playout delay, if the output so far is heard from `heard` on.
    fn playout_delay(&self, heard: Samples) -> Option<Samples> {
        match self.phase {
            Phase::Playing => self.delay.delay(self.next, heard + self.output.len() as Samples),
            Phase::Starting | Phase::Waiting => None,
        }
    }

    /// Throws away what would only be heard far too late, as after an outage that ended in a burst.
    fn catch_up(&mut self, now: Samples) {
        let heard = now + self.output.len() as Samples;
        let target = self.delay.target();
        if self.playout_delay(now).is_none_or(|delay| delay < target + TOO_FAR) {
            return;
        }
        while let Some(second) = self.buffer.get(1)
            && self
                .delay
                .delay(second.outline.at, heard)
                .is_some_and(|delay| delay >= target + JUMP)
        {
            self.buffer.drop_first();
            self.stats.packets_discarded += 1;
        }
    }

    /// Adds sound to the output: the one place that decides what is played next.
    fn extend(&mut self, now: Samples) -> Heard {
        if self.phase != Phase::Playing && !self.start(now) {
            return Heard::Nothing;
        }
        let Some(first) = self.buffer.first() else { return self.expand() };
        let Outline { at, sequence, marker, .. } = first.outline;
        if at > self.next {
            let absorbed = self.expanded.min(at - self.next);
            self.next += absorbed;
            self.expanded -= absorbed;
        }
        if at <= self.next {
            return self.decode_first();
        }
        let lost = self.timeline.is_missing(sequence - 1);
        // The silence before a talk spurt may be shortened at will.
        let spare = if marker && !lost { 0 } else { JUMP };
        let heard = now + self.output.len() as Samples;
        let delay = self.delay.delay(at, heard);
        if delay.is_some_and(|delay| delay >= self.delay.target() + spare) {
            self.next = at;
            return self.conceal(PIECE, lost);
        }
        self.bridge(lost)
    }

    /// Begins to play once the first packet has waited long enough.
    fn start(&mut self, now: Samples) -> bool {
        let Some(first) = self.buffer.first() else { return false };
        // The very first sound is played at once, and slower until the delay is what it should be.
        if self.phase != Phase::Starting && now - self.started < self.delay.target() {
            return false;
        }
        self.next = first.outline.at;
        self.expanded = 0;
        self.phase = Phase::Playing;
        true
    }

    /// Bridges the gap before the first packet, or a piece of it.
    fn bridge(&mut self, lost: bool) -> Heard {
        let Some(first) = self.buffer.first() else { return Heard::Nothing };
        let Outline { at, duration, .. } = first.outline;
        let gap = at - self.next;
        let copy = lost && self.decoder.has_redundancy(first.payload());
        if copy && gap <= duration {
            return self.recover();
        }
        let unrepairable = if copy { gap - duration } else { gap };
        let length = (unrepairable.min(PULL) as usize).next_multiple_of(PIECE);
        self.next += length as Samples;
        self.conceal(length, lost)
    }

    /// Fills the rest of the gap from the copy that the first packet carries.
    fn recover(&mut self) -> Heard {
        let Some(first) = self.buffer.first() else { return Heard::Nothing };
        let gap = (first.outline.at - self.next) as usize;
        let length = first.outline.duration as usize;
        let seam = if gap < length { seam(&mut self.decoder, self.concealing) } else { None };
        let sound = &mut self.scratch[..length];
        if self.decoder.recover(first.payload(), sound).is_err() {
            sound.fill(0);
        }
        let sound = &mut sound[length - gap..];
        join(seam, sound);
        self.output.extend_from_slice(sound);
        self.next = first.outline.at;
        self.concealing = false;
        self.stats.fec_recovered += 1;
        Heard::Decoded
    }

    fn decode_first(&mut self) -> Heard {
        let Some(first) = self.buffer.first() else { return Heard::Nothing };
        let Outline { sequence, at, duration, .. } = first.outline;
        if at + duration <= self.next {
            self.stats.packets_late += 1;
            self.buffer.drop_first();
            return Heard::Nothing;
        }
        let played = (self.next - at) as usize;
        let seam = if played > 0 { seam(&mut self.decoder, self.concealing) } else { None };
        self.delay.due(self.timeline.is_missing(sequence - 1));
        let heard = match self.decoder.decode(first.payload(), &mut self.scratch[..]) {
            Ok(length) => {
                let sound = self.scratch.get_mut(played..length).unwrap_or_default();
                join(seam, sound);
                self.output.extend_from_slice(sound);
                self.dtx = self.codec == Codec::Opus && first.payload().len() <= 2;
                self.concealing = false;
                Heard::Decoded
            }
            Err(_) => {
                self.stats.packets_discarded += 1;
                let length = duration as usize;
                self.decoder.conceal(&mut self.scratch[..length]);
                self.output.extend_from_slice(&self.scratch[played..length]);
                self.stats.concealed_samples += (length - played) as u64;
                self.concealing = true;
                Heard::Concealed
            }
        };
        self.next = at + duration;
        self.expanded = 0;
        self.buffer.drop_first();
        heard
    }

    /// Invents sound while nothing has come; time does not pass for the stream.
    fn expand(&mut self) -> Heard {
        if self.expanded >= GIVE_UP {
            self.phase = Phase::Waiting;
            return Heard::Nothing;
        }
        self.expanded += PULL;
        self.conceal(PULL as usize, !self.dtx)
    }

    fn conceal(&mut self, length: usize, lost: bool) -> Heard {
        let sound = &mut self.scratch[..length];
        self.decoder.conceal(sound);
        self.output.extend_from_slice(sound);
        self.concealing = true;
        if lost {
            self.stats.concealed_samples += length as u64;
        }
        Heard::Concealed
    }

    /// Brings the delay towards its target by playing a little faster or slower.
    fn adjust(&mut self, now: Samples) {
        self.rested = self.rested.saturating_add(1);
        let Some(delay) = self.playout_delay(now) else { return };
        let excess = delay - self.delay.target();
        let far = excess > FAR;
        if self.concealing || (-BELOW..=ABOVE).contains(&excess) || (self.rested < REST && !far) {
            return;
        }
        while self.output.len() < stretch::WANTED
            && self.buffer.first().is_some_and(|first| first.outline.at <= self.next)
        {
            self.decode_first();
        }
        let care = match excess {
            FAR.. => Care::Hasty,
            0..NEAR => Care::Silent,
            _ => Care::Gentle,
        };
        let changed = if excess > 0 {
            // A pull must remain.
            if self.output.len() < 2 * PULL as usize {
                return;
            }
            let removed = stretch::shorten(&mut self.output, care);
            self.stats.removed_samples += removed as u64;
            removed
        } else {
            let inserted = stretch::lengthen(&mut self.output, care);
            self.stats.inserted_samples += inserted as u64;
            inserted
        };
        if changed > 0 {
            self.rested = 0;
        }
    }
}

/// If the output ends in invented sound, a little more of it to blend from.
fn seam(decoder: &mut Decoder, concealing: bool) -> Option<[i16; PIECE]> {
    concealing.then(|| {
        let mut tail = [0; PIECE];
        decoder.conceal(&mut tail);
        tail
    })
}

/// Blends from the invented `seam` into the beginning of `sound`.
fn join(seam: Option<[i16; PIECE]>, sound: &mut [i16]) {
    for (index, (invented, sample)) in seam.iter().flatten().zip(sound).enumerate() {
        let rise = (index as f32 + 0.5) / PIECE as f32;
        *sample = (f32::from(*invented) * (1.0 - rise) + f32::from(*sample) * rise) as i16;
    }
}

fn samples(time: Duration) -> Samples {
    // Far beyond any clock, and far enough from overflow for sums and differences.
    const END_OF_TIME: u64 = 1 << 40;
    let rate = Samples::from(SAMPLE_RATE);
    let seconds = time.as_secs().min(END_OF_TIME).cast_signed();
    seconds * rate + Samples::from(time.subsec_nanos()) * rate / 1_000_000_000
}

fn duration(samples: Samples) -> Duration {
    let samples = u64::try_from(samples).unwrap_or(0);
    Duration::from_micros(samples.saturating_mul(1_000_000) / u64::from(SAMPLE_RATE))
}

#[cfg(test)]
mod tests;
