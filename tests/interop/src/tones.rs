//! Tones that tell who is heard: drawn anew in each run, changed in mid-call, found by their
//! spectrum in what the other side was given.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// The sample rate of everything here, in Hz.
pub const RATE: u32 = 48_000;
/// A tone louder than this is heard, in dBFS; the tones are sent at -12.
pub const HEARD: f64 = -30.0;
/// A tone quieter than this is not heard.
pub const SILENT: f64 = -48.0;

/// A tone of a grid on which no two are confused and no harmonic of one is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tone(u32);

impl Tone {
    /// The tones that can be drawn, in Hz: off the server's own (460, 700, 1000, 1004) by far.
    const GRID: [u32; 12] = [530, 580, 630, 810, 870, 1150, 1230, 1310, 1490, 1550, 1790, 1870];

    /// So many different tones, other ones in each run.
    pub fn draw<const N: usize>() -> [Self; N] {
        static DRAWN: AtomicU64 = AtomicU64::new(0);
        let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut seed = nanos.as_nanos() as u64 ^ DRAWN.fetch_add(0x9E37_79B9, Ordering::Relaxed);
        let mut grid = Self::GRID;
        for index in (1..grid.len()).rev() {
            // xorshift64: only that the runs differ matters.
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            grid.swap(index, (seed % (index as u64 + 1)) as usize);
        }
        std::array::from_fn(|index| Self(grid[index]))
    }

    /// This very tone, for those that the server plays.
    pub fn hz(frequency: u32) -> Self {
        Self(frequency)
    }

    /// Its frequency in Hz.
    pub fn frequency(self) -> f64 {
        f64::from(self.0)
    }
}

impl std::fmt::Display for Tone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} Hz", self.0)
    }
}

/// Writes a voice: one tone after the other, each so long, at -12 dBFS; `None` is silence.
pub fn write_voice(path: &Path, parts: &[(Option<Tone>, Duration)]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("the voice's file can be written");
    for (tone, length) in parts {
        for index in 0..(length.as_secs_f64() * f64::from(RATE)) as u32 {
            let phase =
                tone.map_or(0.0, |tone| tone.frequency() * f64::from(index) / f64::from(RATE));
            let sample = (phase * std::f64::consts::TAU).sin() * 0.25 * f64::from(i16::MAX);
            writer.write_sample(sample as i16).expect("the voice's file can be written");
        }
    }
    writer.finalize().expect("the voice's file can be closed");
}

/// What an ear was given, as samples at [`RATE`].
#[derive(Debug, Clone, Default)]
pub struct Heard(pub Vec<i16>);

impl Heard {
    /// Reads a mono WAV file of 48 kHz, also one that is still being written.
    pub fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_default();
        let samples = bytes.get(44..).unwrap_or_default();
        Self(samples.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect())
    }

    /// The part from `start` on, so long.
    pub fn part(&self, start: Duration, length: Duration) -> Self {
        let at = |time: Duration| (time.as_secs_f64() * f64::from(RATE)) as usize;
        let (from, to) = (at(start).min(self.0.len()), at(start + length).min(self.0.len()));
        Self(self.0[from..to].to_vec())
    }

    /// The last part, so long.
    pub fn last(&self, length: Duration) -> Self {
        self.part(self.length().saturating_sub(length), length)
    }

    /// How long it is.
    pub fn length(&self) -> Duration {
        Duration::from_secs_f64(self.0.len() as f64 / f64::from(RATE))
    }

    /// The level of a tone in it, in dBFS (Goertzel).
    pub fn level(&self, tone: Tone) -> f64 {
        if self.0.is_empty() {
            return -127.0;
        }
        let turn = std::f64::consts::TAU * tone.frequency() / f64::from(RATE);
        let factor = 2.0 * turn.cos();
        let (mut last, mut before) = (0.0, 0.0);
        for sample in &self.0 {
            let value = f64::from(*sample) / 32768.0 + factor * last - before;
            (last, before) = (value, last);
        }
        let power = last * last + before * before - factor * last * before;
        20.0 * (2.0 * power.max(0.0).sqrt() / self.0.len() as f64).max(1e-6).log10()
    }

    /// The level of everything in it, in dBFS.
    pub fn loudness(&self) -> f64 {
        if self.0.is_empty() {
            return -127.0;
        }
        let sum: f64 = self.0.iter().map(|s| (f64::from(*s) / 32768.0).powi(2)).sum();
        (10.0 * (sum / self.0.len() as f64).max(1e-12).log10()).max(-127.0)
    }

    /// Fails unless exactly `wanted` of all the tones that anybody makes is heard.
    #[track_caller]
    pub fn assert_only(&self, wanted: Tone, others: &[Tone], who: &str) {
        let level = self.level(wanted);
        assert!(level > HEARD, "{who} should hear {wanted}, but it is at {level:.0} dBFS");
        for other in others.iter().filter(|other| **other != wanted) {
            let level = self.level(*other);
            assert!(level < SILENT, "{who} should not hear {other}, but it is at {level:.0} dBFS");
        }
    }

    /// Fails unless nothing is heard.
    #[track_caller]
    pub fn assert_silence(&self, who: &str) {
        let level = self.loudness();
        assert!(level < SILENT, "{who} should hear nothing, but it is at {level:.0} dBFS");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tones_are_told_apart() {
        let folder = std::env::temp_dir().join(format!("tones-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("voice.wav");
        let tones: [Tone; 12] = Tone::draw();
        let second = Duration::from_secs(1);
        write_voice(&path, &[(Some(tones[0]), second), (None, second), (Some(tones[1]), second)]);
        let heard = Heard::read(&path);
        assert_eq!(heard.length(), 3 * second);
        heard.part(Duration::ZERO, second).assert_only(tones[0], &tones, "the reader");
        heard.part(second, second).assert_silence("the reader");
        heard.last(second).assert_only(tones[1], &tones, "the reader");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
