//! How loud it is: RMS and peak in dBFS for each 10 ms, with the decay a meter needs.

/// A reading that nothing can go below.
pub const FLOOR_DBFS: f32 = -96.0;
/// Below this RMS a frame counts as silent.
const SILENCE_DBFS: f32 = -60.0;
/// A falling meter loses this much per 10 ms: 24 dB a second.
const DECAY_DB: f32 = 0.24;

/// One reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Root mean square of the last 10 ms; a full-scale sine reads 0.
    pub rms_dbfs: f32,
    /// The largest magnitude of late: rises at once, falls 24 dB a second.
    pub peak_dbfs: f32,
}

impl Level {
    /// Nothing heard.
    pub const SILENCE: Self = Self { rms_dbfs: FLOOR_DBFS, peak_dbfs: FLOOR_DBFS };

    /// Whether the last 10 ms held nothing that a person would hear.
    pub fn is_silent(self) -> bool {
        self.rms_dbfs < SILENCE_DBFS
    }
}

/// Follows the level of one stream.
#[derive(Debug, Clone, Copy)]
pub struct LevelMeter {
    level: Level,
}

impl LevelMeter {
    /// A meter at rest.
    pub fn new() -> Self {
        Self { level: Level::SILENCE }
    }

    /// Takes the next 10 ms.
    pub fn push(&mut self, samples: &[i16]) {
        let energy: f32 = samples.iter().map(|sample| f32::from(*sample).powi(2)).sum();
        let peak = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
        let mean = energy / samples.len().max(1) as f32;
        self.level.rms_dbfs = decibels((2.0 * mean).sqrt());
        let fallen = (self.level.peak_dbfs - DECAY_DB).max(FLOOR_DBFS);
        self.level.peak_dbfs = decibels(f32::from(peak)).max(fallen);
    }

    /// The reading.
    pub fn level(&self) -> Level {
        self.level
    }
}

impl Default for LevelMeter {
    fn default() -> Self {
        Self::new()
    }
}

fn decibels(amplitude: f32) -> f32 {
    if amplitude < 0.5 {
        FLOOR_DBFS
    } else {
        (20.0 * (amplitude / 32_768.0).log10()).max(FLOOR_DBFS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spectrum::sine;

    #[test]
    fn a_sine_reads_its_level() {
        let mut meter = LevelMeter::new();
        meter.push(&sine(1_000.0, -20.0, 48_000, 480));
        assert!((meter.level().rms_dbfs + 20.0).abs() < 0.1);
        assert!((meter.level().peak_dbfs + 20.0).abs() < 0.1);
        assert!(!meter.level().is_silent());
    }

    #[test]
    fn the_peak_falls_24_db_in_a_second_of_silence() {
        let mut meter = LevelMeter::new();
        meter.push(&sine(1_000.0, -20.0, 48_000, 480));
        for _ in 0..100 {
            meter.push(&[0; 480]);
        }
        assert!((meter.level().peak_dbfs + 44.0).abs() < 0.2);
        assert!(meter.level().is_silent());
        assert_eq!(meter.level().rms_dbfs, FLOOR_DBFS);
    }

    #[test]
    fn the_most_negative_sample_does_not_overflow() {
        let mut meter = LevelMeter::new();
        meter.push(&[i16::MIN; 480]);
        assert!(meter.level().peak_dbfs.abs() < 0.01);
    }
}
