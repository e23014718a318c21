//! Where each packet belongs: wrapping sequence numbers and timestamps laid onto one line.
//!
//! RFC 3550 §5.1 (fields), §6.4.1 (cumulative loss), appendix A.1 (restarted senders).

use super::Samples;

/// RFC 3550 A.1: a larger step forward is a restart, not loss.
const MAX_DROPOUT: i64 = 3_000;
/// A larger step back is a restart, not reordering; also the width of `seen`.
const MAX_MISORDER: i64 = 127;
/// A timestamp this far ahead of the time that passed (1 s) means that the sender's clock jumped.
const CLOCK_JUMP: Samples = 48_000;

/// An older packet's sound lies at most this far (10 s) back, and never ahead.
const MAX_STRAGGLE: Samples = 480_000;

/// What a packet turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placement {
    /// The first packet of a stream: what was known before is void.
    Started(Place),
    /// The newest packet so far.
    Newest(Place),
    /// An older one that was still missing.
    Reordered(Place),
    /// One that came before.
    Duplicate,
    /// Far off. A second one in sequence would prove a restart.
    Suspect,
}

/// A packet's extended sequence number and the time of its first sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) sequence: i64,
    pub(super) at: Samples,
}

/// The fields of a header that place a packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) ssrc: u32,
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
}

#[derive(Debug)]
pub(super) struct Timeline {
    samples_per_tick: i64,
    stream: Option<Stream>,
    suspect: Option<u16>,
    /// Loss of the streams before this one.
    lost_before: u64,
}

#[derive(Debug)]
struct Stream {
    ssrc: u32,
    first: i64,
    highest: i64,
    /// Bit n: `highest - n` has come.
    seen: u128,
    unique: u64,
    /// The newest packet with sound, from which timestamps are counted.
    anchor: Anchor,
}

#[derive(Debug, Clone, Copy)]
struct Anchor {
    timestamp: u32,
    at: Samples,
    arrival: Samples,
}

impl Timeline {
    pub(super) fn new(samples_per_tick: i64) -> Self {
        Self { samples_per_tick, stream: None, suspect: None, lost_before: 0 }
    }

    /// Places a packet that holds `duration` of sound.
    pub(super) fn place(
        &mut self,
        header: Header,
        duration: Samples,
        arrival: Samples,
    ) -> Placement {
        let same = self.stream.as_mut().filter(|stream| stream.ssrc == header.ssrc);
        let Some(stream) = same else { return self.start(header, arrival) };
        let Some(step) = stream.step_to(header.sequence) else {
            return self.doubt(header, arrival);
        };
        self.suspect = None;
        if !stream.mark(step) {
            return Placement::Duplicate;
        }
        let sequence = stream.highest + step.min(0);
        let ticks = i64::from(header.timestamp.wrapping_sub(stream.anchor.timestamp).cast_signed());
        let mut advance = ticks * self.samples_per_tick;
        if step <= 0 {
            if !(-MAX_STRAGGLE..=0).contains(&advance) {
                return Placement::Suspect;
            }
            return Placement::Reordered(Place { sequence, at: stream.anchor.at + advance });
        }
        let elapsed = arrival - stream.anchor.arrival;
        if advance < 0 || advance - elapsed > CLOCK_JUMP {
            advance = elapsed.max(duration);
        }
        let at = stream.anchor.at + advance;
        stream.anchor = Anchor { timestamp: header.timestamp, at, arrival };
        Placement::Newest(Place { sequence, at })
    }

    /// Notes a packet of the same stream that holds no sound, so that it does not count as lost.
    pub(super) fn note(&mut self, ssrc: u32, sequence: u16) {
        if let Some(stream) = self.stream.as_mut().filter(|stream| stream.ssrc == ssrc)
            && let Some(step) = stream.step_to(sequence)
        {
            stream.mark(step);
        }
    }

    /// Ends the stream; its loss stays counted.
    pub(super) fn end(&mut self) {
        self.lost_before = self.lost();
        self.stream = None;
    }

    /// Whether the packet `sequence` of this stream has not come, as far back as is remembered.
    pub(super) fn is_missing(&self, sequence: i64) -> bool {
        self.stream.as_ref().is_some_and(|stream| {
            let back = u32::try_from(stream.highest - sequence).ok();
            let seen = back.and_then(|back| stream.seen.checked_shr(back));
            sequence >= stream.first && seen.is_some_and(|seen| seen & 1 == 0)
        })
    }

    /// Packets that never came (RFC 3550 §6.4.1), duplicates not counted against them.
    pub(super) fn lost(&self) -> u64 {
        self.lost_before + self.stream.as_ref().map_or(0, Stream::lost)
    }

    fn start(&mut self, header: Header, arrival: Samples) -> Placement {
        self.lost_before = self.lost();
        self.suspect = None;
        let sequence = i64::from(header.sequence);
        let at = i64::from(header.timestamp) * self.samples_per_tick;
        self.stream = Some(Stream {
            ssrc: header.ssrc,
            first: sequence,
            highest: sequence,
            seen: 1,
            unique: 1,
            anchor: Anchor { timestamp: header.timestamp, at, arrival },
        });
        Placement::Started(Place { sequence, at })
    }

    fn doubt(&mut self, header: Header, arrival: Samples) -> Placement {
        if self.suspect == Some(header.sequence) {
            return self.start(header, arrival);
        }
        self.suspect = Some(header.sequence.wrapping_add(1));
        Placement::Suspect
    }
}

impl Stream {
    fn step_to(&self, sequence: u16) -> Option<i64> {
        let step = i64::from(sequence.wrapping_sub(self.highest as u16).cast_signed());
        (-MAX_MISORDER..=MAX_DROPOUT).contains(&step).then_some(step)
    }

    /// Says whether the packet `step` after the highest is new, and remembers it.
    fn mark(&mut self, step: i64) -> bool {
        if step > 0 {
            self.seen =
                u32::try_from(step).ok().and_then(|n| self.seen.checked_shl(n)).unwrap_or(0);
            self.highest += step;
        }
        let bit = 1 << (-step.min(0));
        let new = self.seen & bit == 0;
        self.seen |= bit;
        self.unique += u64::from(new);
        self.first = self.first.min(self.highest + step.min(0));
        new
    }

    fn lost(&self) -> u64 {
        let expected = (self.highest - self.first + 1).cast_unsigned();
        expected.saturating_sub(self.unique)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: Samples = 960;

    fn header(sequence: u16, timestamp: u32) -> Header {
        Header { ssrc: 1, sequence, timestamp }
    }

    #[test]
    fn sequence_and_timestamp_wrap_without_a_seam() {
        let mut timeline = Timeline::new(1);
        let (sequence, timestamp) = (65_534, u32::MAX - 1_000);
        let Placement::Started(first) = timeline.place(header(sequence, timestamp), PACKET, 0)
        else {
            panic!("the first packet starts the stream")
        };
        for n in 1..200_i64 {
            let next = header(
                sequence.wrapping_add(n as u16),
                timestamp.wrapping_add((n * PACKET) as u32),
            );
            let place = Place { sequence: first.sequence + n, at: first.at + n * PACKET };
            assert_eq!(timeline.place(next, PACKET, n * PACKET), Placement::Newest(place));
        }
        assert_eq!(timeline.lost(), 0);
    }

    #[test]
    fn a_straggler_is_reordered_and_its_twin_a_duplicate() {
        let mut timeline = Timeline::new(6);
        timeline.place(header(10, 0), PACKET, 0);
        timeline.place(header(12, 320), PACKET, 1_920);
        assert_eq!(timeline.lost(), 1);
        assert_eq!(
            [9, 10, 11, 12, 13].map(|n| timeline.is_missing(n)),
            [false, false, true, false, false]
        );
        let straggler = Place { sequence: 11, at: PACKET };
        assert_eq!(timeline.place(header(11, 160), PACKET, 2_000), Placement::Reordered(straggler));
        assert_eq!(timeline.place(header(11, 160), PACKET, 2_100), Placement::Duplicate);
        assert_eq!(timeline.place(header(12, 320), PACKET, 2_100), Placement::Duplicate);
        assert_eq!(timeline.lost(), 0);
    }

    #[test]
    fn an_older_packet_with_a_later_or_far_earlier_time_is_not_believed() {
        for timestamp in [5_000_000_u32, 10_960, 0_u32.wrapping_sub(500_000)] {
            let mut timeline = Timeline::new(1);
            timeline.place(header(10, 0), PACKET, 0);
            timeline.place(header(12, 1_920), PACKET, 1_920);
            assert_eq!(timeline.place(header(11, timestamp), PACKET, 2_000), Placement::Suspect);
        }
    }

    #[test]
    fn one_wild_packet_is_dropped_and_two_in_sequence_restart_the_stream() {
        let mut timeline = Timeline::new(1);
        timeline.place(header(10, 0), PACKET, 0);
        assert_eq!(timeline.place(header(30_000, 5), PACKET, 960), Placement::Suspect);
        let next = Place { sequence: 11, at: 960 };
        assert_eq!(timeline.place(header(11, 960), PACKET, 960), Placement::Newest(next));
        assert_eq!(timeline.place(header(30_000, 5), PACKET, 1_920), Placement::Suspect);
        let restart = Place { sequence: 30_001, at: 965 };
        assert_eq!(timeline.place(header(30_001, 965), PACKET, 2_880), Placement::Started(restart));
    }

    #[test]
    fn a_jump_of_the_senders_clock_continues_from_the_time_that_passed() {
        for jumped in [5_000_000, 0] {
            let mut timeline = Timeline::new(1);
            timeline.place(header(10, 1_000_000), PACKET, 0);
            let next = Place { sequence: 11, at: 1_000_960 };
            assert_eq!(timeline.place(header(11, jumped), PACKET, 960), Placement::Newest(next));
        }
    }

    #[test]
    fn a_packet_without_sound_is_not_a_loss() {
        let mut timeline = Timeline::new(1);
        timeline.place(header(10, 0), PACKET, 0);
        timeline.note(1, 11);
        timeline.note(2, 900);
        timeline.place(header(12, 1_920), PACKET, 1_920);
        assert!(!timeline.is_missing(11));
        assert_eq!(timeline.lost(), 0);
    }
}
