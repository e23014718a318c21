//! What a stretch of sound contains: the level of one frequency, and which tones are present.
//!
//! Pure functions for tests, demonstrations and interop verdicts. 0 dBFS is a full-scale sine.

use std::f64::consts::TAU;

/// Below this a level is called silence and reported as this.
pub const FLOOR_DBFS: f64 = -120.0;

/// The level of `hertz` in `samples`, in dBFS, by the Goertzel algorithm under a Hann window.
pub fn level_of(samples: &[i16], sample_rate: u32, hertz: f64) -> f64 {
    let length = samples.len() as f64;
    let coefficient = 2.0 * (TAU * hertz / f64::from(sample_rate)).cos();
    let (mut before, mut last) = (0.0, 0.0);
    let mut window_sum = 0.0;
    for (index, sample) in samples.iter().enumerate() {
        let window = 0.5 - 0.5 * (TAU * (index as f64 + 0.5) / length).cos();
        window_sum += window;
        let next = f64::from(*sample) * window + coefficient * last - before;
        before = last;
        last = next;
    }
    let power = (last * last + before * before - coefficient * last * before).max(0.0);
    decibels(2.0 * power.sqrt() / (window_sum * 32_768.0))
}

/// Which of `candidates` (in hertz) sound in `samples`: those above -50 dBFS and within 20 dB of
/// the strongest.
pub fn tones(samples: &[i16], sample_rate: u32, candidates: &[f64]) -> Vec<f64> {
    let levels: Vec<f64> =
        candidates.iter().map(|hertz| level_of(samples, sample_rate, *hertz)).collect();
    let strongest = levels.iter().copied().fold(FLOOR_DBFS, f64::max);
    let floor = (strongest - 20.0).max(-50.0);
    candidates
        .iter()
        .zip(levels)
        .filter(|(_, level)| *level > floor)
        .map(|(hertz, _)| *hertz)
        .collect()
}

/// The root mean square of `samples` in dBFS, where a full-scale sine is 0.
pub fn rms_dbfs(samples: &[i16]) -> f64 {
    let energy: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    decibels((2.0 * energy / samples.len().max(1) as f64).sqrt() / 32_768.0)
}

/// `length` samples of a sine at `dbfs`.
pub fn sine(hertz: f64, dbfs: f64, sample_rate: u32, length: usize) -> Vec<i16> {
    let amplitude = 32_767.0 * 10_f64.powf(dbfs / 20.0);
    (0..length)
        .map(|n| (amplitude * (TAU * hertz * n as f64 / f64::from(sample_rate)).sin()) as i16)
        .collect()
}

fn decibels(amplitude: f64) -> f64 {
    if amplitude <= 0.0 { FLOOR_DBFS } else { (20.0 * amplitude.log10()).max(FLOOR_DBFS) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_reads_its_own_level_and_no_other() {
        let tone = sine(1_000.0, -12.0, 48_000, 9_600);
        assert!((level_of(&tone, 48_000, 1_000.0) + 12.0).abs() < 0.05);
        assert!(level_of(&tone, 48_000, 1_300.0) < -80.0);
        assert!((rms_dbfs(&tone) + 12.0).abs() < 0.05);
    }

    #[test]
    fn only_the_tones_that_sound_are_named() {
        let mut both = sine(697.0, -12.0, 48_000, 4_800);
        for (sum, other) in both.iter_mut().zip(sine(1_209.0, -14.0, 48_000, 4_800)) {
            *sum += other;
        }
        assert_eq!(tones(&both, 48_000, &[697.0, 770.0, 1_209.0, 1_336.0]), [697.0, 1_209.0]);
        assert!(tones(&[0; 4_800], 48_000, &[440.0]).is_empty());
        assert!(tones(&[], 48_000, &[440.0]).is_empty());
    }
}
