//! A voice out of nothing: letters become the sounds of a source and four resonators, roughly as
//! Klatt's synthesiser does it. Nobody would take it for a person, but every codec takes it for
//! speech: pitch, formants, hiss and pauses.

use super::Speaker;
use std::f32::consts::{PI, TAU};

const RATE: f32 = sidetone_media::SAMPLE_RATE as f32;
const FOURTH_FORMANT: f32 = 3_500.0;
/// Everyday speech is this much faster than the sounds below.
const PACE: f32 = 0.8;
const PEAK: f32 = 0.4 * 32_767.0;

/// One sound: formants in hertz, the strength of voice and hiss, and its length in milliseconds.
#[derive(Clone, Copy)]
struct Sound {
    formants: [f32; 3],
    voice: f32,
    hiss: f32,
    milliseconds: u16,
}

/// Speaks a text.
pub(super) fn speak(who: Speaker, text: &str) -> Vec<i16> {
    let (pitch, tract) = match who {
        Speaker::Agent => (205.0, 1.16),
        Speaker::Customer => (112.0, 1.0),
        Speaker::Supervisor => (235.0, 1.22),
    };
    let sounds: Vec<Sound> = text.chars().filter_map(sound).collect();
    let total: f32 = sounds.iter().map(|s| f32::from(s.milliseconds)).sum();
    let mut throat = Throat::new();
    let (mut samples, mut spoken) = (Vec::new(), 0.0);
    for sound in sounds {
        // The pitch falls through a sentence and lifts a little in each vowel.
        let falling = pitch * (1.12 - 0.28 * spoken / total);
        let count = (f32::from(sound.milliseconds) * PACE * RATE / 1_000.0) as usize;
        for index in 0..count {
            let inside = index as f32 / count as f32;
            let lift = 1.0 + 0.04 * sound.voice * (PI * inside).sin();
            samples.push(throat.next(sound, falling * lift, tract));
        }
        spoken += f32::from(sound.milliseconds);
    }
    let peak = samples.iter().fold(f32::EPSILON, |peak: f32, sample| peak.max(sample.abs()));
    samples.into_iter().map(|sample| (sample / peak * PEAK) as i16).collect()
}

/// What a letter sounds like; none for what is not pronounced.
fn sound(letter: char) -> Option<Sound> {
    let vowel = |formants, milliseconds| Sound { formants, voice: 1.0, hiss: 0.02, milliseconds };
    let murmur = |formants| Sound { formants, voice: 0.45, hiss: 0.0, milliseconds: 65 };
    let hiss =
        |hiss, voice| Sound { formants: [400.0, 1_700.0, 2_600.0], voice, hiss, milliseconds: 75 };
    let stop =
        |hiss, voice| Sound { formants: [300.0, 1_400.0, 2_500.0], voice, hiss, milliseconds: 45 };
    Some(match letter.to_ascii_lowercase() {
        'a' => vowel([730.0, 1_090.0, 2_440.0], 115),
        'e' => vowel([530.0, 1_840.0, 2_480.0], 90),
        'i' | 'y' => vowel([300.0, 2_250.0, 3_000.0], 95),
        'o' => vowel([570.0, 840.0, 2_410.0], 110),
        'u' => vowel([310.0, 870.0, 2_240.0], 100),
        'm' | 'n' => murmur([270.0, 1_200.0, 2_100.0]),
        'l' | 'w' => murmur([360.0, 1_050.0, 2_700.0]),
        'r' | 'j' => murmur([420.0, 1_300.0, 1_600.0]),
        's' | 'z' | 'x' | 'c' => hiss(0.7, 0.0),
        'f' | 'h' | 'v' => hiss(0.3, 0.1),
        'b' | 'd' | 'g' => stop(0.05, 0.35),
        'p' | 't' | 'k' | 'q' => stop(0.35, 0.0),
        ' ' => {
            Sound { formants: [500.0, 1_500.0, 2_500.0], voice: 0.0, hiss: 0.0, milliseconds: 30 }
        }
        ',' | '.' | '?' | '!' | ':' => {
            Sound { formants: [500.0, 1_500.0, 2_500.0], voice: 0.0, hiss: 0.0, milliseconds: 140 }
        }
        _ => return None,
    })
}

/// The state of a source and its resonators; every target is approached, never jumped to.
struct Throat {
    formants: [f32; 3],
    voice: f32,
    hiss: f32,
    phase: f32,
    glottis: [f32; 2],
    noise: u32,
    resonators: [Resonator; 4],
    sibilance: Resonator,
}

impl Throat {
    fn new() -> Self {
        Self {
            formants: [500.0, 1_500.0, 2_500.0],
            voice: 0.0,
            hiss: 0.0,
            phase: 0.0,
            glottis: [0.0; 2],
            noise: 0x2545_f491,
            resonators: [Resonator::default(); 4],
            sibilance: Resonator::default(),
        }
    }

    fn next(&mut self, target: Sound, pitch: f32, tract: f32) -> f32 {
        for (now, wanted) in self.formants.iter_mut().zip(target.formants) {
            *now += (wanted - *now) * 0.001;
        }
        self.voice += (target.voice - self.voice) * 0.002;
        self.hiss += (target.hiss - self.hiss) * 0.003;

        self.phase += pitch / RATE;
        let pulse = if self.phase >= 1.0 { RATE / pitch } else { 0.0 };
        self.phase -= self.phase.floor();
        // Two poles make the pulse fall 12 dB an octave, as a glottis does.
        self.glottis[0] += (pulse - self.glottis[0]) * 0.08;
        self.glottis[1] += (self.glottis[0] - self.glottis[1]) * 0.08;

        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 17;
        self.noise ^= self.noise << 5;
        let noise = self.noise as f32 / u32::MAX as f32 * 2.0 - 1.0;

        let mut sample = self.glottis[1] * self.voice + noise * self.hiss * 0.2;
        let frequencies = self.formants.into_iter().chain([FOURTH_FORMANT]);
        for (resonator, frequency) in self.resonators.iter_mut().zip(frequencies) {
            sample = resonator.next(sample, frequency * tract, 60.0 + frequency * 0.05);
        }
        sample + self.sibilance.next(noise * self.hiss, 5_200.0 * tract, 1_800.0) * 0.6
    }
}

/// A digital resonator of unit gain at zero hertz.
#[derive(Clone, Copy, Default)]
struct Resonator([f32; 2]);

impl Resonator {
    fn next(&mut self, input: f32, frequency: f32, bandwidth: f32) -> f32 {
        let radius = (-PI * bandwidth / RATE).exp();
        let b = 2.0 * radius * (TAU * frequency / RATE).cos();
        let c = -radius * radius;
        let output = (1.0 - b - c) * input + b * self.0[0] + c * self.0[1];
        self.0 = [output, self.0[0]];
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sidetone_media::spectrum::{level_of, rms_dbfs};

    #[test]
    fn a_vowel_has_its_formants_and_the_speakers_pitch() {
        let vowel = speak(Speaker::Customer, "aaaaaaaa");
        let middle = &vowel[vowel.len() / 4..vowel.len() / 2];
        assert!(rms_dbfs(middle) > -25.0, "{}", rms_dbfs(middle));
        let strongest = |from: u32, to: u32| {
            let levels =
                (from..to).step_by(4).map(|hertz| level_of(middle, 48_000, f64::from(hertz)));
            levels.fold(-120.0, f64::max)
        };
        assert!(strongest(650, 850) > strongest(1_700, 2_100) + 10.0);
    }

    #[test]
    fn a_hiss_is_high_and_a_pause_is_silent() {
        let hiss = speak(Speaker::Agent, "ssss");
        let high = level_of(&hiss[4_800..9_600], 48_000, 6_000.0);
        assert!(high > level_of(&hiss[4_800..9_600], 48_000, 200.0), "{high}");
        let pause = speak(Speaker::Agent, "a........a");
        assert!(rms_dbfs(&pause[pause.len() / 2..pause.len() / 2 + 4_800]) < -55.0);
    }
}
