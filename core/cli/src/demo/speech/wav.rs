//! WAV files as 48 kHz mono samples.

use rubato::audioadapter_buffers::owned::InterleavedOwned;
use rubato::{Fft, FixedSync, Resampler as _};
use sidetone_media::SAMPLE_RATE;
use std::io;
use std::path::Path;

/// Longer recordings are cut: the demonstration never plays more.
const MAX_SECONDS: usize = 180;

/// Reads any PCM file, mixed down and resampled.
pub(in crate::demo) fn read(path: &Path) -> io::Result<Vec<i16>> {
    let explain = |error: &dyn std::fmt::Display| {
        io::Error::other(format!("the audio file {} cannot be used: {error}", path.display()))
    };
    let mut reader = hound::WavReader::open(path).map_err(|error| explain(&error))?;
    let spec = reader.spec();
    let rate = spec.sample_rate as usize;
    let (channels, most) = (usize::from(spec.channels.max(1)), MAX_SECONDS * rate.min(192_000));
    let samples: Result<Vec<f32>, _> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().take(most * channels).collect(),
        hound::SampleFormat::Int => {
            let full_scale = (1_i64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32;
            let samples = reader.samples::<i32>().take(most * channels);
            samples.map(|sample| sample.map(|sample| sample as f32 / full_scale)).collect()
        }
    };
    let samples = samples.map_err(|error| explain(&error))?;
    let mono: Vec<f32> =
        samples.chunks(channels).map(|all| all.iter().sum::<f32>() / channels as f32).collect();
    let mono = if spec.sample_rate == SAMPLE_RATE || mono.is_empty() {
        mono
    } else {
        resample(mono, rate).map_err(|error| explain(&error))?
    };
    if mono.is_empty() {
        return Err(explain(&"it holds no sound"));
    }
    Ok(mono.into_iter().map(|sample| (sample.clamp(-1.0, 1.0) * 32_767.0) as i16).collect())
}

fn resample(samples: Vec<f32>, rate: usize) -> Result<Vec<f32>, String> {
    let length = samples.len();
    let input = InterleavedOwned::new_from(samples, 1, length).map_err(|e| e.to_string())?;
    let mut resampler = Fft::<f32>::new(rate, SAMPLE_RATE as usize, 1024, 1, FixedSync::Both)
        .map_err(|e| e.to_string())?;
    let output = resampler.process_all(&input, length, None).map_err(|e| e.to_string())?;
    Ok(output.take_data())
}

/// Writes 48 kHz mono.
pub(in crate::demo) fn write(path: &Path, samples: &[i16]) -> io::Result<()> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).map_err(io::Error::other)?;
    for sample in samples {
        writer.write_sample(*sample).map_err(io::Error::other)?;
    }
    writer.finalize().map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sidetone_media::spectrum::{level_of, sine};

    #[test]
    fn another_rate_keeps_its_pitch_and_length() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tone.wav");
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 22_050,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&file, spec).unwrap();
        for sample in sine(1_000.0, -12.0, 22_050, 22_050) {
            writer.write_sample(sample).unwrap();
            writer.write_sample(sample).unwrap();
        }
        writer.finalize().unwrap();
        let samples = read(&file).unwrap();
        assert!(samples.len().abs_diff(48_000) < 10, "{}", samples.len());
        let middle = &samples[4_800..43_200];
        assert!((level_of(middle, SAMPLE_RATE, 1_000.0) + 12.0).abs() < 0.5);
    }

    #[test]
    fn a_file_that_is_none_is_explained() {
        let error = read(Path::new("/nowhere/voice.wav")).unwrap_err().to_string();
        assert!(error.contains("/nowhere/voice.wav"), "{error}");
    }
}
