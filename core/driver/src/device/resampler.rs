//! Any rate to 48 kHz mono and back: whole files when they are loaded, streams in steps of 10 ms.
//!
//! By a windowed sinc, not by a Fourier transform: that would be delayed by 5 ms instead of at most 2, and its
//! library has code for each size of transform, megabytes of it.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};
use sidetone_media::{Frame, SAMPLE_RATE};

const CHUNK: usize = 1024;
const FRAME: usize = size_of::<Frame>() / size_of::<i16>();
/// Samples of the lower rate that the filter looks at.
const TAPS: usize = 64;

/// Resamples a whole recording.
pub(super) fn to_48k(samples: &[f32], rate: u32) -> Result<Vec<i16>, String> {
    if rate == SAMPLE_RATE {
        return Ok(samples.iter().copied().map(to_i16).collect());
    }
    let failed = |e: &dyn std::fmt::Display| e.to_string();
    let mut resampler = sinc(rate, SAMPLE_RATE, CHUNK, FixedAsync::Input)?;
    let input = InterleavedSlice::new(samples, 1, samples.len()).map_err(|e| failed(&e))?;
    let mut output = vec![0.0; resampler.process_all_needed_output_len(samples.len())];
    let frames = output.len();
    let mut room = InterleavedSlice::new_mut(&mut output, 1, frames).map_err(|e| failed(&e))?;
    let (_, made) = resampler
        .process_all_into_buffer(&input, &mut room, samples.len(), None)
        .map_err(|e| failed(&e))?;
    output.truncate(made);
    Ok(output.into_iter().map(to_i16).collect())
}

/// Resamples a running stream into or out of frames; it allocates when it is made, not later.
pub(super) struct Stream {
    resampler: Option<Async<f32>>,
    /// Samples at the device's rate.
    outside: Vec<f32>,
    /// Samples at 48 kHz.
    inside: Vec<f32>,
}

impl Stream {
    /// From a device that captures at this rate.
    pub(super) fn into_frames(rate: u32) -> Result<Self, String> {
        Self::new(rate, SAMPLE_RATE, FixedAsync::Output)
    }

    /// To a device that plays at this rate.
    pub(super) fn out_of_frames(rate: u32) -> Result<Self, String> {
        Self::new(SAMPLE_RATE, rate, FixedAsync::Input)
    }

    fn new(from: u32, to: u32, fixed: FixedAsync) -> Result<Self, String> {
        let resampler = if from == to { None } else { Some(sinc(from, to, FRAME, fixed)?) };
        let largest =
            resampler.as_ref().map_or(FRAME, |r| r.input_frames_max().max(r.output_frames_max()));
        Ok(Self { resampler, outside: vec![0.0; largest], inside: vec![0.0; FRAME] })
    }

    /// How many of the device's samples the next frame is made of.
    pub(super) fn needs(&self) -> usize {
        self.resampler.as_ref().map_or(FRAME, Resampler::input_frames_next)
    }

    /// Where to put them.
    pub(super) fn input(&mut self) -> &mut [f32] {
        let needs = self.needs();
        &mut self.outside[..needs]
    }

    /// Makes a frame of what was put into [`Stream::input`].
    pub(super) fn frame(&mut self, frame: &mut Frame) {
        let needs = self.needs();
        match &mut self.resampler {
            None => self.inside.copy_from_slice(&self.outside[..FRAME]),
            Some(resampler) => {
                step(resampler, &self.outside[..needs], &mut self.inside);
            }
        }
        for (to, from) in frame.iter_mut().zip(&self.inside) {
            *to = to_i16(*from);
        }
    }

    /// The device's samples for this frame.
    pub(super) fn output(&mut self, frame: &Frame) -> &[f32] {
        for (to, from) in self.inside.iter_mut().zip(frame) {
            *to = f32::from(*from) / SCALE;
        }
        let made = match &mut self.resampler {
            None => {
                self.outside[..FRAME].copy_from_slice(&self.inside);
                FRAME
            }
            Some(resampler) => step(resampler, &self.inside, &mut self.outside),
        };
        &self.outside[..made]
    }
}

fn sinc(from: u32, to: u32, chunk: usize, fixed: FixedAsync) -> Result<Async<f32>, String> {
    // Going down, the filter must be as long in time as one of the lower rate.
    let taps = TAPS * from.div_ceil(to) as usize;
    let parameters = SincInterpolationParameters::new(taps, WindowFunction::BlackmanHarris2)
        .interpolation(SincInterpolationType::Linear);
    Async::new_sinc(f64::from(to) / f64::from(from), 1.0, &parameters, chunk, 1, fixed)
        .map_err(|e| e.to_string())
}

/// The sizes were asked for beforehand; a step that fails all the same makes nothing.
fn step(resampler: &mut Async<f32>, from: &[f32], to: &mut [f32]) -> usize {
    let room = to.len();
    let Ok(input) = InterleavedSlice::new(from, 1, from.len()) else { return 0 };
    let Ok(mut output) = InterleavedSlice::new_mut(to, 1, room) else { return 0 };
    resampler.process_into_buffer(&input, &mut output, None).map_or(0, |(_, made)| made)
}

const SCALE: f32 = 32_768.0;

#[allow(clippy::cast_possible_truncation, reason = "clamped to the type's range")]
fn to_i16(sample: f32) -> i16 {
    (sample * SCALE).clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, samples: usize) -> Vec<f32> {
        let step = 2.0 * std::f32::consts::PI * 1000.0 / rate as f32;
        (0..samples).map(|n| 0.5 * (n as f32 * step).sin()).collect()
    }

    fn crossings(samples: &[i16]) -> usize {
        samples.windows(2).filter(|w| (w[0] < 0) != (w[1] < 0)).count()
    }

    #[test]
    fn a_recording_keeps_its_length_and_pitch() {
        for rate in [8_000, 16_000, 44_100, 48_000] {
            let made = to_48k(&tone(rate, rate as usize), rate).unwrap();
            assert!(made.len().abs_diff(48_000) < 50, "{rate}: {}", made.len());
            let crossed = crossings(&made[4_800..43_200]);
            assert!(crossed.abs_diff(1_600) < 4, "{rate}: {crossed} crossings in 0.8 s of 1 kHz");
        }
    }

    #[test]
    fn a_stream_gives_whole_frames_at_any_device_rate() {
        for rate in [16_000, 44_100, 48_000] {
            let mut stream = Stream::into_frames(rate).unwrap();
            let tone = tone(rate, rate as usize);
            let (mut taken, mut frames, mut heard) = (0, 0, Vec::new());
            while taken + stream.needs() <= tone.len() {
                let needs = stream.needs();
                stream.input().copy_from_slice(&tone[taken..taken + needs]);
                taken += needs;
                let mut frame = [0; FRAME];
                stream.frame(&mut frame);
                frames += 1;
                heard.extend(frame);
            }
            assert!((95..=100).contains(&frames), "{rate}: {frames} frames of a second");
            let crossed = crossings(&heard[4_800..43_200]);
            assert!(crossed.abs_diff(1_600) < 4, "{rate}: {crossed}");
        }
    }

    #[test]
    fn frames_become_as_many_samples_as_the_device_plays() {
        for rate in [16_000, 44_100, 48_000] {
            let mut stream = Stream::out_of_frames(rate).unwrap();
            let made: usize = (0..100).map(|_| stream.output(&[1000; FRAME]).len()).sum();
            assert!(made.abs_diff(rate as usize) < 600, "{rate}: {made}");
        }
    }
}
