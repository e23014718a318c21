//! Waveform substitution for codecs that cannot conceal by themselves.
//!
//! After ITU-T G.711 Appendix I, at 8 kHz: repeat the last pitch period, fade, and blend back when
//! sound returns. Unlike it, nothing is delayed: the seam is smoothed inside the repeated period.

/// 5 ms: the highest pitch looked for is 200 Hz; higher ones repeat within it.
const MIN_LAG: usize = 40;
/// 15 ms: 66 Hz.
const MAX_LAG: usize = 120;
/// The stretch that two candidates are compared over: 20 ms.
const COMPARED: usize = 160;
const HISTORY: usize = MAX_LAG + COMPARED;
/// What is invented sounds in full for this long (10 ms) ...
const FULL: usize = 80;
/// ... and is gone after this long (60 ms).
const GONE: usize = 480;
/// At least this much is blended when sound returns (4 ms), and 10 ms at most.
const MIN_BLEND: usize = 32;
const MAX_BLEND: usize = 80;

/// Hears a stream at 8 kHz and continues it when it breaks off.
pub(crate) struct PitchConcealer {
    history: [i16; HISTORY],
    cycle: [f32; MAX_LAG],
    lag: usize,
    invented: usize,
    blend: Option<Blend>,
}

#[derive(Debug, Clone, Copy)]
struct Blend {
    done: usize,
    length: usize,
}

opaque_debug!(PitchConcealer);

impl PitchConcealer {
    pub(crate) fn new() -> Self {
        Self {
            history: [0; HISTORY],
            cycle: [0.0; MAX_LAG],
            lag: MIN_LAG,
            invented: 0,
            blend: None,
        }
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::new();
    }

    /// Takes a sample that did arrive and gives what should be heard.
    pub(crate) fn hear(&mut self, sample: i16) -> i16 {
        if self.invented > 0 && self.blend.is_none() {
            let length = (MIN_BLEND + self.invented / 4).min(MAX_BLEND);
            self.blend = Some(Blend { done: 0, length });
        }
        let heard = match self.blend {
            Some(Blend { done, length }) if done < length => {
                let rise = (done + 1) as f32 / (length + 1) as f32;
                let invented = self.next_invented();
                self.blend = Some(Blend { done: done + 1, length });
                (f32::from(sample) * rise + invented * (1.0 - rise)) as i16
            }
            Some(_) => {
                self.invented = 0;
                self.blend = None;
                sample
            }
            None => sample,
        };
        self.remember(heard);
        heard
    }

    /// Gives a sample for one that did not arrive.
    pub(crate) fn invent(&mut self) -> i16 {
        if self.invented == 0 || self.blend.is_some() {
            self.blend = None;
            self.invented = 0;
            self.find_cycle();
        }
        let sample = self.next_invented() as i16;
        self.remember(sample);
        sample
    }

    fn next_invented(&mut self) -> f32 {
        let sample = self.cycle[self.invented % self.lag] * fade(self.invented);
        self.invented += 1;
        sample
    }

    fn remember(&mut self, sample: i16) {
        self.history.copy_within(1.., 0);
        self.history[HISTORY - 1] = sample;
    }

    fn find_cycle(&mut self) {
        self.lag = self.best_lag();
        let last = HISTORY - self.lag;
        for (slot, sample) in self.cycle.iter_mut().zip(&self.history[last..]) {
            *slot = f32::from(*sample);
        }
        // The end of the cycle leads into its beginning: blend in the period before.
        let seam = self.lag / 4;
        for index in self.lag - seam..self.lag {
            let rise = (index + seam - self.lag + 1) as f32 / (seam + 1) as f32;
            let earlier = f32::from(self.history[last + index - self.lag]);
            self.cycle[index] = self.cycle[index] * (1.0 - rise) + earlier * rise;
        }
    }

    fn best_lag(&self) -> usize {
        let recent = &self.history[HISTORY - COMPARED..];
        let mut best = (MIN_LAG, f32::MIN);
        for lag in MIN_LAG..=MAX_LAG {
            let earlier = &self.history[HISTORY - COMPARED - lag..HISTORY - lag];
            let (mut product, mut energy) = (0.0, 1.0);
            for (a, b) in recent.iter().zip(earlier) {
                let (a, b) = (f32::from(*a), f32::from(*b));
                product += a * b;
                energy += b * b;
            }
            let likeness = product / f32::sqrt(energy);
            if likeness > best.1 {
                best = (lag, likeness);
            }
        }
        best.0
    }
}

fn fade(invented: usize) -> f32 {
    match invented {
        0..FULL => 1.0,
        FULL..GONE => 1.0 - (invented - FULL) as f32 / (GONE - FULL) as f32,
        GONE.. => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spectrum::{level_of, rms_dbfs, sine};

    #[test]
    fn a_lost_10_ms_of_a_tone_is_not_heard_as_a_click() {
        let tone = sine(200.0, -10.0, 8_000, 1_600);
        let mut concealer = PitchConcealer::new();
        let heard: Vec<i16> =
            tone.iter()
                .enumerate()
                .map(|(n, sample)| {
                    if (800..880).contains(&n) {
                        concealer.invent()
                    } else {
                        concealer.hear(*sample)
                    }
                })
                .collect();
        assert!((level_of(&heard[400..1_200], 8_000, 200.0) + 10.0).abs() < 0.3);
        let steepest = |samples: &[i16]| {
            samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).max().unwrap()
        };
        assert!(steepest(&heard) < steepest(&tone) * 3 / 2);
    }

    #[test]
    fn a_long_loss_fades_to_silence_and_sound_returns_whole() {
        let mut concealer = PitchConcealer::new();
        for sample in sine(300.0, -10.0, 8_000, 800) {
            concealer.hear(sample);
        }
        let lost: Vec<i16> = (0..800).map(|_| concealer.invent()).collect();
        assert!(rms_dbfs(&lost[..80]) > -12.0);
        assert!(lost[GONE..].iter().all(|sample| *sample == 0));
        let back = sine(300.0, -10.0, 8_000, 800);
        let heard: Vec<i16> = back.iter().map(|sample| concealer.hear(*sample)).collect();
        assert_eq!(heard[MAX_BLEND..], back[MAX_BLEND..]);
    }
}
