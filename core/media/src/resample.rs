//! The fixed ratio between telephone and wideband sound: 8 kHz to 48 kHz and back.
//!
//! One Kaiser-windowed low pass serves both ways: flat to 3.4 kHz, at least 60 dB down from
//! 4.6 kHz, 2 ms of delay.

use std::f64::consts::PI;

/// 48 kHz over 8 kHz.
pub const RATIO: usize = 6;
const TAPS_PER_PHASE: usize = 32;
const TAPS: usize = RATIO * TAPS_PER_PHASE;

opaque_debug!(Upsampler, Downsampler);

/// 8 kHz to 48 kHz.
pub struct Upsampler {
    /// Each phase's taps, oldest sample first.
    phases: [[f32; TAPS_PER_PHASE]; RATIO],
    history: [f32; TAPS_PER_PHASE],
}

impl Upsampler {
    /// An upsampler that has heard silence.
    pub fn new() -> Self {
        let filter = low_pass();
        let mut phases = [[0.0; TAPS_PER_PHASE]; RATIO];
        for (phase, taps) in phases.iter_mut().enumerate() {
            for (index, tap) in taps.iter_mut().enumerate() {
                let newest_first = TAPS_PER_PHASE - 1 - index;
                *tap = filter[newest_first * RATIO + phase] * RATIO as f32;
            }
        }
        Self { phases, history: [0.0; TAPS_PER_PHASE] }
    }

    /// Writes the six samples that `sample` brings.
    pub fn push(&mut self, sample: i16, output: &mut [i16]) {
        self.history.copy_within(1.., 0);
        self.history[TAPS_PER_PHASE - 1] = f32::from(sample);
        for (out, taps) in output.iter_mut().zip(&self.phases) {
            *out = to_sample(dot(&self.history, taps));
        }
    }
}

impl Default for Upsampler {
    fn default() -> Self {
        Self::new()
    }
}

/// 48 kHz to 8 kHz.
pub struct Downsampler {
    filter: [f32; TAPS],
    history: [f32; TAPS],
}

impl Downsampler {
    /// A downsampler that has heard silence.
    pub fn new() -> Self {
        Self { filter: low_pass(), history: [0.0; TAPS] }
    }

    /// Takes six samples and gives the one that stands for them.
    pub fn push(&mut self, samples: &[i16; RATIO]) -> i16 {
        self.history.copy_within(RATIO.., 0);
        for (slot, sample) in self.history[TAPS - RATIO..].iter_mut().zip(samples) {
            *slot = f32::from(*sample);
        }
        // The filter is symmetric, so its direction does not matter.
        to_sample(dot(&self.history, &self.filter))
    }
}

impl Default for Downsampler {
    fn default() -> Self {
        Self::new()
    }
}

fn dot<const N: usize>(a: &[f32; N], b: &[f32; N]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn to_sample(value: f32) -> i16 {
    // `as` saturates.
    value.round() as i16
}

/// Unit gain at 0 Hz, -6 dB at 4 kHz.
fn low_pass() -> [f32; TAPS] {
    const KAISER_BETA: f64 = 7.0;
    let cutoff = 4_000.0 / f64::from(crate::SAMPLE_RATE);
    let middle = (TAPS - 1) as f64 / 2.0;
    let mut taps = [0.0; TAPS];
    for (index, tap) in taps.iter_mut().enumerate() {
        let x = index as f64 - middle;
        let sinc = (2.0 * PI * cutoff * x).sin() / (PI * x);
        let window = bessel_i0(KAISER_BETA * (1.0 - (x / middle).powi(2)).max(0.0).sqrt());
        *tap = sinc * window / bessel_i0(KAISER_BETA);
    }
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| (tap / sum) as f32)
}

fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..40 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spectrum::{level_of, sine};

    #[test]
    fn an_upsampled_tone_keeps_its_level_and_its_images_are_60_db_down() {
        for hertz in [300.0, 1_000.0, 2_000.0, 3_000.0, 3_400.0] {
            let input = sine(hertz, -6.0, 8_000, 8_000);
            let mut up = Upsampler::new();
            let mut output = vec![0; input.len() * RATIO];
            for (sample, out) in input.iter().zip(output.chunks_exact_mut(RATIO)) {
                up.push(*sample, out);
            }
            let settled = &output[4_800..43_200];
            let level = level_of(settled, 48_000, hertz);
            assert!((level + 6.0).abs() < 0.2, "{hertz} Hz came out at {level} dBFS");
            for image in [8_000.0 - hertz, 8_000.0 + hertz, 16_000.0 - hertz, 16_000.0 + hertz] {
                let spurious = level_of(settled, 48_000, image);
                assert!(spurious < -66.0, "{hertz} Hz: image {image} Hz at {spurious} dBFS");
            }
        }
    }

    #[test]
    fn a_tone_above_the_telephone_band_leaves_no_alias() {
        for hertz in [4_600.0, 5_000.0, 7_000.0, 9_000.0, 15_500.0, 20_000.0] {
            let input = sine(hertz, -6.0, 48_000, 48_000);
            let mut down = Downsampler::new();
            let output: Vec<i16> =
                input.as_chunks::<RATIO>().0.iter().map(|chunk| down.push(chunk)).collect();
            let folded = hertz % 8_000.0;
            let alias = folded.min(8_000.0 - folded);
            let level = level_of(&output[800..7_200], 8_000, alias);
            assert!(level < -66.0, "{hertz} Hz folds to {alias} Hz at {level} dBFS");
        }
    }
}
