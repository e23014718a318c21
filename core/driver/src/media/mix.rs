//! Sums of sound: what all calls sound like together, and what each of those that are joined hears of
//! the others.

use sidetone_media::Frame;

/// A sum of frames, cut to the range of a sample only when it is taken.
#[derive(Debug, Clone)]
pub(super) struct Mix([i32; 480]);

impl Mix {
    pub(super) fn new() -> Self {
        Self([0; 480])
    }

    pub(super) fn add(&mut self, frame: &Frame) {
        for (sum, sample) in self.0.iter_mut().zip(frame) {
            *sum += i32::from(*sample);
        }
    }

    /// The sum without one that was added: nobody is to hear himself.
    pub(super) fn without(&self, frame: &Frame) -> Self {
        let mut rest = self.clone();
        for (sum, sample) in rest.0.iter_mut().zip(frame) {
            *sum -= i32::from(*sample);
        }
        rest
    }

    #[allow(clippy::cast_possible_truncation, reason = "clamped to the type's range")]
    pub(super) fn frame(&self) -> Frame {
        self.0.map(|sum| sum.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_calls_are_mixed_without_wrapping_around() {
        let mut mix = Mix::new();
        mix.add(&[30_000; 480]);
        mix.add(&[30_000; 480]);
        assert_eq!(mix.frame()[0], i16::MAX);
        mix.add(&[-30_000; 480]);
        assert_eq!(mix.frame()[0], 30_000);
    }

    #[test]
    fn nobody_hears_himself_even_where_the_sum_is_cut() {
        let mut mix = Mix::new();
        mix.add(&[30_000; 480]);
        mix.add(&[20_000; 480]);
        assert_eq!(mix.without(&[30_000; 480]).frame()[0], 20_000);
    }
}
