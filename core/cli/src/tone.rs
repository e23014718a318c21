//! Tones in WAV files: written for a microphone, measured in what a speaker was given.

use std::path::Path;
use std::time::Duration;

/// The sample rate of the files that are written, in Hz.
const RATE: u32 = 48_000;
/// The level of the tone: -12 dBFS.
const AMPLITUDE: f32 = 0.25;

/// Writes a tone of `frequency` Hz.
pub(crate) fn write(path: &Path, frequency: f32, length: Duration) -> std::io::Result<()> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).map_err(std::io::Error::other)?;
    let samples = (length.as_secs_f32() * RATE as f32) as u32;
    for index in 0..samples {
        let phase = index as f32 / RATE as f32 * frequency * std::f32::consts::TAU;
        let sample = (phase.sin() * AMPLITUDE * f32::from(i16::MAX)) as i16;
        writer.write_sample(sample).map_err(std::io::Error::other)?;
    }
    writer.finalize().map_err(std::io::Error::other)
}

/// The level of `frequency` in the last second of a file, in dBFS.
pub(crate) fn level(path: &Path, frequency: f32) -> std::io::Result<f64> {
    let mut reader = hound::WavReader::open(path).map_err(std::io::Error::other)?;
    let samples: Vec<i16> =
        reader.samples::<i16>().collect::<Result<_, _>>().map_err(std::io::Error::other)?;
    let last = &samples[samples.len().saturating_sub(RATE as usize)..];
    Ok(sidetone_media::spectrum::level_of(last, RATE, f64::from(frequency)))
}
