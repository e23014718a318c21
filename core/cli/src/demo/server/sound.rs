//! What the switch plays by itself: a tone, or music on hold.

use sidetone_media::SAMPLE_RATE;
use std::f32::consts::TAU;

const RATE: f32 = SAMPLE_RATE as f32;
const TONE_LEVEL: f32 = 0.2 * 32_767.0;
const MUSIC_LEVEL: f32 = 0.09 * 32_767.0;
/// What waits hears this, in hertz: a tone that no test takes for a voice, as on the bench.
const MUSIC: u16 = 460;

/// A sound without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sound {
    /// A sine of so many hertz.
    Tone(u16),
    /// Music on hold.
    Music,
}

impl Sound {
    /// The 20 ms that begin at this sample.
    pub(super) fn frame(self, from: u32) -> [i16; 960] {
        let mut frame = [0; 960];
        let (hertz, level) = match self {
            Self::Tone(hertz) => (hertz, TONE_LEVEL),
            Self::Music => (MUSIC, MUSIC_LEVEL),
        };
        for (sample, index) in frame.iter_mut().zip(from..) {
            // A whole second holds a whole number of periods: the phase stays exact.
            let phase = (index % SAMPLE_RATE) as f32 * f32::from(hertz) / RATE;
            *sample = ((phase.fract() * TAU).sin() * level) as i16;
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
    fn music_is_soft() {
        let music = second(Sound::Music, 0);
        assert!((-30.0..-20.0).contains(&rms_dbfs(&music)), "{}", rms_dbfs(&music));
        assert!(level_of(&music, SAMPLE_RATE, f64::from(MUSIC)) > -25.0);
    }
}
