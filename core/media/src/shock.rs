//! Protection of the ear (acoustic shock; ITU-T P.360 asks it of receivers): what jumps far above all that was heard of late, and
//! near full scale, is turned down for a moment.
//!
//! So sounds a decoder that is given the packets of another encoder, as where a server that passed packets on begins to
//! mix, or ends to: a tenth of a second at full scale.

use crate::Frame;

/// What stays below this is nobody's harm: -3 dBFS.
const LOUD: f32 = 23_170.0;
/// As loud anything may begin: -9 dBFS.
const ALWAYS: f32 = 11_626.0;
/// A jump: by more than 3 dB.
const JUMP: f32 = 1.413;
/// What was heard is forgotten by 3 dB a second.
const FADES: f32 = 0.996_55;
/// What is heard is got used to by 1 dB a frame of 10 ms.
const GROWS: f32 = 1.122;
/// So many frames of 10 ms at most: who is as loud for longer means it.
const MOST: u32 = 20;

/// Guards what one call gives to the loudspeaker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guard {
    /// The loudest of late, as far as the ear is used to it.
    recent: f32,
    /// How far it is turned down.
    gain: f32,
    /// The frames for which it is turned down yet, and how loud they may be.
    left: u32,
    limit: f32,
}

impl Guard {
    pub(crate) fn new() -> Self {
        Self { recent: 0.0, gain: 1.0, left: 0, limit: 0.0 }
    }

    /// Looks at the next frame, and turns it down where it must be.
    pub(crate) fn protect(&mut self, frame: &mut Frame) {
        let peak = frame.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
        let peak = f32::from(peak);
        let limit = (self.recent * JUMP).max(ALWAYS);
        if self.left == 0 && peak > LOUD && peak > limit {
            (self.left, self.limit) = (MOST, limit);
        }
        let before = self.gain;
        self.gain = 1.0;
        if self.left > 0 {
            self.left -= 1;
            self.gain = (self.limit / peak).min(1.0);
        }
        if self.gain < 1.0 || before < 1.0 {
            self.turn_down(frame, before);
        }
        // It is got used to slowly, so that what takes some frames to reach full scale is a jump too.
        let used_to = self.recent.max(ALWAYS / JUMP) * GROWS;
        self.recent = (self.recent * FADES).max((peak * self.gain).min(used_to));
        if self.left == 0 && self.gain < 1.0 {
            self.recent = peak;
        }
    }

    /// Down at once, up again in the course of a frame.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a gain of one at most"
    )]
    fn turn_down(&self, frame: &mut Frame, before: f32) {
        let from = before.min(self.gain);
        let step = (self.gain - from) / frame.len() as f32;
        for (n, sample) in frame.iter_mut().enumerate() {
            *sample = (f32::from(*sample) * (from + step * n as f32)) as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spectrum::sine;

    fn played(guard: &mut Guard, sound: &[i16]) -> Vec<i16> {
        let mut played = Vec::new();
        for frame in sound.as_chunks::<480>().0 {
            let mut frame = *frame;
            guard.protect(&mut frame);
            played.extend(frame);
        }
        played
    }

    fn peak(sound: &[i16]) -> u16 {
        sound.iter().map(|sample| sample.unsigned_abs()).max().unwrap()
    }

    fn tone(dbfs: f64, milliseconds: usize) -> Vec<i16> {
        sine(800.0, dbfs, 48_000, 48 * milliseconds)
    }

    #[test]
    fn what_speaks_at_any_level_is_left_alone() {
        for dbfs in [-40.0, -20.0, -12.0, -9.1] {
            let sound = tone(dbfs, 500);
            assert_eq!(played(&mut Guard::new(), &sound), sound, "{dbfs}");
        }
        // Louder by and by, to full scale.
        let mut guard = Guard::new();
        for dbfs in [-20.0, -14.5, -9.0, -3.5, -0.6] {
            let sound = tone(dbfs, 200);
            assert_eq!(played(&mut guard, &sound), sound, "{dbfs}");
        }
        // And after a pause for breath.
        played(&mut guard, &tone(-96.0, 900));
        let sound = tone(-0.6, 200);
        assert_eq!(played(&mut guard, &sound), sound);
    }

    #[test]
    fn a_crack_beside_two_who_speak_is_turned_down_too() {
        let mut guard = Guard::new();
        played(&mut guard, &tone(-6.0, 500));
        assert!(peak(&played(&mut guard, &tone(-0.1, 100))) < 24_000);
    }

    #[test]
    fn a_crack_is_turned_down_and_what_follows_is_not() {
        let mut guard = Guard::new();
        played(&mut guard, &tone(-12.0, 500));
        let crack = played(&mut guard, &tone(-0.1, 100));
        assert!(peak(&crack) <= 11_700, "{}", peak(&crack));
        let after = tone(-12.0, 500);
        let heard = played(&mut guard, &after);
        assert_eq!(heard[480..], after[480..]);
        // Out of silence too.
        let mut guard = Guard::new();
        assert!(peak(&played(&mut guard, &tone(-0.1, 100))) <= 11_700);
    }

    #[test]
    fn who_stays_loud_is_heard_as_loud() {
        let mut guard = Guard::new();
        let sound = tone(-0.1, 500);
        let heard = played(&mut guard, &sound);
        assert!(peak(&heard[..9_600]) <= 11_700);
        assert_eq!(heard[10_560..], sound[10_560..]);
    }
}
