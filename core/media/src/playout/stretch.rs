//! Playing faster or slower without changing the pitch: a period taken out or played twice.
//!
//! After WSOLA as NetEQ uses it: find the lag at which the sound repeats itself, and cross-fade
//! over one such lag.

/// 2.5 ms to 15 ms: pitches of 400 to 66 Hz, and multiples of higher ones.
const MIN_LAG: usize = 120;
const MAX_LAG: usize = 720;
/// At least this much (5 ms) is compared.
const MIN_COMPARED: usize = 240;
/// The search runs at a quarter of the rate, then refines.
const COARSE: usize = 4;
/// The sound that gives the search free choice: two of the longest lags.
pub(super) const WANTED: usize = 2 * MAX_LAG;
/// Below this mean square (-50 dBFS) any seam is inaudible.
const QUIET: f32 = 5_400.0;

/// How like two periods must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// Only where there is next to nothing to hear.
    Silent,
    /// The seam must not be heard.
    Gentle,
    /// Delay is worse than a seam.
    Hasty,
}

impl Care {
    fn likeness(self) -> f32 {
        match self {
            Self::Silent => f32::INFINITY,
            Self::Gentle => 0.9,
            Self::Hasty => 0.5,
        }
    }
}

/// Takes one period out of the front of `sound` and says how many samples went.
pub(super) fn shorten(sound: &mut Vec<i16>, care: Care) -> usize {
    let Some(lag) = find_lag(sound, care) else { return 0 };
    for index in 0..lag {
        sound[index] = blend(sound[index], sound[lag + index], index, lag);
    }
    sound.drain(lag..2 * lag);
    lag
}

/// Plays one period at the front of `sound` twice and says how many samples came. `sound` must
/// have room for `WANTED` / 2 more.
pub(super) fn lengthen(sound: &mut Vec<i16>, care: Care) -> usize {
    let Some(lag) = find_lag(sound, care) else { return 0 };
    let length = sound.len();
    if sound.capacity() - length < lag {
        return 0;
    }
    sound.resize(length + lag, 0);
    sound.copy_within(lag..length, 2 * lag);
    // What lay at lag..2*lag now also lies at 2*lag..3*lag; blend from it back to 0..lag.
    for index in 0..lag {
        sound[lag + index] = blend(sound[lag + index], sound[index], index, lag);
    }
    lag
}

fn blend(from: i16, to: i16, index: usize, length: usize) -> i16 {
    let rise = (index as f32 + 0.5) / length as f32;
    (f32::from(from) * (1.0 - rise) + f32::from(to) * rise).round() as i16
}

/// The lag at which the front of `sound` repeats itself, if it does.
fn find_lag(sound: &[i16], care: Care) -> Option<usize> {
    let longest = (sound.len() / 2).min(MAX_LAG).min(sound.len().saturating_sub(MIN_COMPARED));
    if longest < MIN_LAG {
        return None;
    }
    if mean_square(&sound[..2 * longest]) < QUIET {
        return Some(longest);
    }
    if care == Care::Silent {
        return None;
    }
    let mut front = [0.0; WANTED];
    let front = &mut front[..sound.len().min(WANTED)];
    for (slot, sample) in front.iter_mut().zip(sound) {
        *slot = f32::from(*sample);
    }
    let mut coarse = [0.0; WANTED / COARSE];
    let coarse = &mut coarse[..front.len() / COARSE];
    for (mean, chunk) in coarse.iter_mut().zip(front.chunks_exact(COARSE)) {
        *mean = chunk.iter().sum();
    }
    let compared = |lag: usize| lag.max(MIN_COMPARED);
    let (rough, _) = best(MIN_LAG / COARSE..=longest / COARSE, |lag| {
        likeness(coarse, lag, compared(lag * COARSE) / COARSE)
    })?;
    let near = (rough * COARSE).saturating_sub(COARSE - 1).max(MIN_LAG)
        ..=(rough * COARSE + COARSE - 1).min(longest);
    let (lag, alike) = best(near, |lag| likeness(front, lag, compared(lag)))?;
    (alike >= care.likeness()).then_some(lag)
}

fn best(
    lags: std::ops::RangeInclusive<usize>,
    likeness: impl Fn(usize) -> f32,
) -> Option<(usize, f32)> {
    lags.map(|lag| (lag, likeness(lag))).max_by(|a, b| a.1.total_cmp(&b.1))
}

/// The normalised correlation of the first `length` samples with those `lag` later.
fn likeness(sound: &[f32], lag: usize, length: usize) -> f32 {
    let later = sound.get(lag..).unwrap_or_default();
    let (mut product, mut early, mut late) = (0.0, 0.0, 0.0);
    for (a, b) in sound.iter().zip(later).take(length) {
        product += a * b;
        early += a * a;
        late += b * b;
    }
    product / f32::sqrt(early * late).max(1.0)
}

fn mean_square(sound: &[i16]) -> f32 {
    let energy: f32 = sound.iter().map(|sample| f32::from(*sample).powi(2)).sum();
    energy / sound.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spectrum::{level_of, sine};

    fn steepest(sound: &[i16]) -> i32 {
        let step = |pair: &[i16]| (i32::from(pair[1]) - i32::from(pair[0])).abs();
        sound.windows(2).map(step).max().unwrap()
    }

    #[test]
    fn a_period_is_taken_out_or_added_without_a_seam() {
        for hertz in [110.0, 237.0, 1_000.0] {
            let tone = sine(hertz, -6.0, 48_000, 4_800);
            assert_eq!(shorten(&mut tone.clone(), Care::Silent), 0);
            let mut shorter = tone.clone();
            let removed = shorten(&mut shorter, Care::Gentle);
            assert!(removed >= MIN_LAG);
            assert_eq!(shorter.len(), tone.len() - removed);
            let mut longer = Vec::with_capacity(tone.len() + MAX_LAG);
            longer.extend_from_slice(&tone);
            let added = lengthen(&mut longer, Care::Gentle);
            assert!(added >= MIN_LAG);
            assert_eq!(longer.len(), tone.len() + added);
            for sound in [&shorter, &longer] {
                assert!(steepest(sound) <= steepest(&tone) * 11 / 10, "{hertz} Hz");
                assert!((level_of(sound, 48_000, hertz) + 6.0).abs() < 0.3, "{hertz} Hz");
            }
        }
    }

    #[test]
    fn noise_is_left_alone_unless_in_haste() {
        let mut state = 1_u32;
        let noise: Vec<i16> = (0..2_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 16) as i16 / 4
            })
            .collect();
        assert_eq!(shorten(&mut noise.clone(), Care::Gentle), 0);
    }

    #[test]
    fn silence_and_scraps_do_no_harm() {
        assert_eq!(shorten(&mut vec![0; 1_440], Care::Silent), MAX_LAG);
        for length in [0, 1, 100, 239, 359] {
            assert_eq!(shorten(&mut vec![500; length], Care::Hasty), 0);
        }
    }
}
