//! The verdict: is what one was given to hear what the other said?
//!
//! Both are cut into frames of 10 ms and a few bands. The lag at which they agree best is searched;
//! what counts is how alike they are there, and how much of what was said was heard.

use sidetone_media::SAMPLE_RATE;
use std::ops::Range;
use std::time::Duration;

const FRAME: usize = SAMPLE_RATE as usize / 100;
const FRAME_TIME: Duration = Duration::from_millis(10);
/// Nobody talks over a path that is slower.
const LONGEST_LAG: Duration = Duration::from_secs(1);
const BANDS: usize = 4;
/// The edges between the bands, in hertz.
const EDGES: [f32; BANDS - 1] = [450.0, 1_100.0, 2_400.0];
/// Quieter frames hold no speech.
const AUDIBLE: f32 = -52.0;
/// Levels below this are the same silence.
const FLOOR: f32 = -70.0;
/// From here on two recordings hold the same words. Others reach at most half of it.
const ALIKE: f32 = 0.7;

/// A stretch of sound and when it began.
#[derive(Debug, Clone, Default)]
pub(super) struct Track {
    pub(super) from: Duration,
    pub(super) samples: Vec<i16>,
}

impl Track {
    /// What it holds of a time; silence where it holds nothing.
    pub(super) fn within(&self, time: &Range<Duration>) -> &[i16] {
        let index = |at: Duration| samples(at.saturating_sub(self.from)).min(self.samples.len());
        self.samples.get(index(time.start)..index(time.end)).unwrap_or_default()
    }
}

/// How one heard the other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hearing {
    /// From the mouth to the ear, to within a frame.
    pub(super) lag: Duration,
    /// From -1 to 1: how alike the two are at this lag.
    pub(super) likeness: f32,
    /// The speech that was said and heard at the same place.
    pub(super) heard: Duration,
    /// The speech that was said while somebody could hear it.
    pub(super) said: Duration,
}

impl Hearing {
    /// Compares. What was said counts in the times given: while the call was up and not on hold.
    pub(super) fn compare(said: &Track, heard: &Track, counts: &[Range<Duration>]) -> Self {
        let times = (0..).map(|index| said.from + FRAME_TIME * index);
        let spoken: Vec<Option<Frame>> = frames(&said.samples)
            .into_iter()
            .zip(times)
            .map(|(frame, at)| counts.iter().any(|time| time.contains(&at)).then_some(frame))
            .collect();
        let ear = frames(&heard.samples);
        // A frame of what was said at `n` is looked for in what was heard at `n + apart + lag`.
        let apart = frames_in(said.from) - frames_in(heard.from);
        let (lag, likeness) = (0..=frames_in(LONGEST_LAG))
            .map(|lag| (lag, likeness(&spoken, &ear, apart + lag)))
            .fold((0, f32::MIN), |best, new| if new.1 > best.1 { new } else { best });
        let speech = pairs(&spoken, &ear, apart + lag).filter(|(said, _)| is_audible(said));
        let (said, heard) = speech.fold((0, 0), |(said, heard), (_, other)| {
            (said + 1, heard + u32::from(is_audible(other)))
        });
        Self {
            lag: FRAME_TIME * u32::try_from(lag).unwrap_or_default(),
            likeness,
            heard: FRAME_TIME * heard,
            said: FRAME_TIME * said,
        }
    }

    /// Whether they really heard each other.
    pub(super) fn is_good(&self) -> bool {
        self.likeness >= ALIKE
            && self.said > Duration::from_millis(400)
            && self.heard.as_secs_f32() >= 0.8 * self.said.as_secs_f32()
    }
}

/// How many samples last so long.
pub(super) fn samples(time: Duration) -> usize {
    (time.as_secs_f64() * f64::from(SAMPLE_RATE)).round() as usize
}

/// How long so many samples last.
pub(super) fn duration(samples: usize) -> Duration {
    Duration::from_secs_f64(samples as f64 / f64::from(SAMPLE_RATE))
}

/// The audible time in a stretch of sound.
pub(super) fn audible(samples: &[i16]) -> Duration {
    let count = frames(samples).iter().filter(|frame| is_audible(frame)).count();
    FRAME_TIME * u32::try_from(count).unwrap_or(u32::MAX)
}

/// The levels of the bands in dBFS.
type Frame = [f32; BANDS];

fn frames(samples: &[i16]) -> Vec<Frame> {
    let mut low = [0.0_f32; BANDS - 1];
    let steps =
        EDGES.map(|hertz| 1.0 - (-std::f32::consts::TAU * hertz / SAMPLE_RATE as f32).exp());
    let mut frames = Vec::with_capacity(samples.len() / FRAME);
    for chunk in samples.chunks_exact(FRAME) {
        let mut energy = [0.0_f32; BANDS];
        for sample in chunk {
            let sample = f32::from(*sample) / 32_768.0;
            let mut below = 0.0;
            for band in 0..BANDS - 1 {
                low[band] += (sample - low[band]) * steps[band];
                energy[band] += (low[band] - below).powi(2);
                below = low[band];
            }
            energy[BANDS - 1] += (sample - below).powi(2);
        }
        frames
            .push(energy.map(|e| (10.0 * (2.0 * e / FRAME as f32).max(1e-12).log10()).max(FLOOR)));
    }
    frames
}

fn is_audible(frame: &Frame) -> bool {
    frame.iter().any(|level| *level > AUDIBLE)
}

/// What was said and what was heard at the same place, where both are known and count.
fn pairs<'a>(
    said: &'a [Option<Frame>],
    heard: &'a [Frame],
    shift: isize,
) -> impl Iterator<Item = (&'a Frame, &'a Frame)> {
    said.iter().enumerate().filter_map(move |(index, said)| {
        Some((said.as_ref()?, heard.get(index.checked_add_signed(shift)?)?))
    })
}

/// Pearson's correlation of all band levels where the two overlap.
fn likeness(said: &[Option<Frame>], heard: &[Frame], shift: isize) -> f32 {
    let pairs = || pairs(said, heard, shift);
    let count = pairs().count();
    if count < 50 {
        return 0.0;
    }
    let mut means = [[0.0_f32; BANDS]; 2];
    for (said, heard) in pairs() {
        for band in 0..BANDS {
            means[0][band] += said[band] / count as f32;
            means[1][band] += heard[band] / count as f32;
        }
    }
    let (mut both, mut one, mut other) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (said, heard) in pairs() {
        for band in 0..BANDS {
            let (x, y) = (said[band] - means[0][band], heard[band] - means[1][band]);
            both += x * y;
            one += x * x;
            other += y * y;
        }
    }
    if one <= f32::EPSILON || other <= f32::EPSILON { 0.0 } else { both / (one * other).sqrt() }
}

fn frames_in(time: Duration) -> isize {
    (time.as_secs_f64() / FRAME_TIME.as_secs_f64()).round() as isize
}

#[cfg(test)]
mod tests {
    use super::super::speech::Conversation;
    use super::*;

    const RATE: usize = SAMPLE_RATE as usize;

    fn talk() -> Conversation {
        Conversation::new(Duration::from_secs(6), None).unwrap()
    }

    /// What arrives: later, quieter, with some noise.
    fn carried(said: &[i16], delay: usize) -> Vec<i16> {
        let noise = |n: usize| ((n * 7_919) % 13) as i16 - 6;
        let late = std::iter::repeat_n(0, delay).chain(said.iter().map(|s| s / 2));
        late.enumerate().map(|(n, s)| s + noise(n)).collect()
    }

    fn track(samples: Vec<i16>) -> Track {
        Track { from: Duration::from_secs(3), samples }
    }

    fn hear(said: Vec<i16>, heard: Vec<i16>) -> Hearing {
        let always = Duration::ZERO..Duration::MAX;
        Hearing::compare(&track(said), &track(heard), &[always])
    }

    #[test]
    fn the_same_words_are_found_with_their_delay() {
        let said = talk().agent;
        let hearing = hear(said.clone(), carried(&said, RATE / 10));
        assert!(hearing.is_good(), "{hearing:?}");
        assert_eq!(hearing.lag, Duration::from_millis(100));
    }

    #[test]
    fn a_recording_that_begins_later_is_put_in_its_place() {
        let said = talk().agent;
        let heard = carried(&said, RATE / 10).split_off(RATE);
        let heard = Track { from: Duration::from_secs(4), samples: heard };
        let hearing = Hearing::compare(&track(said), &heard, &[Duration::ZERO..Duration::MAX]);
        assert!(hearing.is_good(), "{hearing:?}");
        assert_eq!(hearing.lag, Duration::from_millis(100));
    }

    #[test]
    fn other_words_silence_and_noise_are_not_taken_for_them() {
        let talk = talk();
        let noise = |n: usize| (n.wrapping_mul(2_654_435_761) >> 7) as i16 / 8;
        let noise: Vec<i16> = (0..talk.agent.len()).map(noise).collect();
        for heard in [talk.customer.clone(), vec![0; talk.agent.len()], noise, Vec::new()] {
            let hearing = hear(talk.agent.clone(), heard);
            assert!(!hearing.is_good() && hearing.likeness < ALIKE / 2.0, "{hearing:?}");
        }
    }

    #[test]
    fn half_of_the_words_are_not_enough_unless_the_rest_does_not_count() {
        let said = talk().agent;
        let mut heard = carried(&said, 960);
        heard[2 * RATE..5 * RATE].fill(0);
        let hearing = hear(said.clone(), heard.clone());
        assert!(!hearing.is_good(), "{hearing:?}");
        let seconds = Duration::from_secs;
        let counts = [seconds(0)..Duration::from_millis(4_900), seconds(8)..seconds(60)];
        let hearing = Hearing::compare(&track(said), &track(heard), &counts);
        assert!(hearing.is_good(), "{hearing:?}");
    }

    #[test]
    fn a_track_gives_what_it_holds_of_a_time() {
        let track = track(vec![1; RATE]);
        let seconds = Duration::from_secs;
        assert_eq!(track.within(&(seconds(0)..seconds(3))).len(), 0);
        assert_eq!(track.within(&(Duration::from_millis(3_500)..seconds(9))).len(), RATE / 2);
        assert_eq!(track.within(&(seconds(5)..seconds(4))).len(), 0);
    }
}
