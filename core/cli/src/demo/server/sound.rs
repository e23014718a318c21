//! What the switch plays by itself: a tone, or music on hold.

use sidetone_media::SAMPLE_RATE;
use std::f32::consts::TAU;

const RATE: f32 = SAMPLE_RATE as f32;
const TONE_LEVEL: f32 = 0.2 * 32_767.0;
const MUSIC_LEVEL: f32 = 0.09 * 32_767.0;
/// A slow arpeggio, in hertz.
const NOTES: [f32; 8] = [261.6, 329.6, 392.0, 523.3, 440.0, 349.2, 293.7, 392.0];
const NOTE_SAMPLES: u32 = SAMPLE_RATE / 3;

/// A sound without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sound {
    /// A sine of so many hertz.
    Tone(u16),
    /// Plucked notes, one after the other.
    Music,
}

impl Sound {
    /// The 20 ms that begin at this sample.
    pub(super) fn frame(self, from: u32) -> [i16; 960] {
        let mut frame = [0; 960];
        for (sample, index) in frame.iter_mut().zip(from..) {
            *sample = match self {
                Self::Tone(hertz) => {
                    // A whole second holds a whole number of periods: the phase stays exact.
                    let phase = (index % SAMPLE_RATE) as f32 * f32::from(hertz) / RATE;
                    ((phase.fract() * TAU).sin() * TONE_LEVEL) as i16
                }
                Self::Music => {
                    let note = NOTES[(index / NOTE_SAMPLES) as usize % NOTES.len()];
                    let seconds = (index % NOTE_SAMPLES) as f32 / RATE;
                    let pluck = (seconds / 0.01).min(1.0) * (-4.0 * seconds).exp();
                    let phase = seconds * note * TAU;
                    ((phase.sin() + 0.4 * (2.0 * phase).sin()) * pluck * MUSIC_LEVEL) as i16
                }
            };
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sidetone_media::spectrum::{level_of, rms_dbfs};

    fn second(sound: Sound, from: u32) -> Vec<i16> {
        (0..50).flat_map(|n| sound.frame(from + n * 960)).collect()
    }

    #[test]
    fn a_tone_goes_on_without_a_click() {
        let tone = second(Sound::Tone(1_004), SAMPLE_RATE - 4_800);
        assert!((level_of(&tone, SAMPLE_RATE, 1_004.0) + 14.0).abs() < 0.2);
        assert!(level_of(&tone, SAMPLE_RATE, 3_000.0) < -70.0);
    }

    #[test]
    fn music_is_soft_and_plays_its_notes() {
        let bar = second(Sound::Music, 0);
        assert!((-35.0..-20.0).contains(&rms_dbfs(&bar)), "{}", rms_dbfs(&bar));
        let first = &bar[..NOTE_SAMPLES as usize];
        let level = |hertz: f32| level_of(first, SAMPLE_RATE, f64::from(hertz));
        assert!(level(NOTES[0]) > level(NOTES[2]) + 10.0);
    }
}
