//! The tone that tells the agent of a call that was answered without him: two short beeps.

use super::mix::Mix;
use sidetone_media::{Frame, SAMPLE_RATE};
use sidetone_phone::CallId;
use std::f32::consts::TAU;

/// In Hz; no tone of a telephone network, and none that speech holds for long.
const PITCH: f32 = 1650.0;
/// -15 dBFS.
const PEAK: f32 = 5_800.0;
/// Frames of 10 ms: where the beeps begin, how long each is, and all together.
const BEEPS: [u32; 2] = [2, 22];
const BEEP: u32 = 12;
const ALL: u32 = 40;

/// A tone that is being played.
pub(super) struct Alert {
    pub(super) call: CallId,
    frame: u32,
}

impl Alert {
    pub(super) fn new(call: CallId) -> Self {
        Self { call, frame: 0 }
    }

    /// Adds the next 10 ms; `false`: it is over.
    #[allow(clippy::cast_possible_truncation, reason = "within the peak")]
    #[allow(clippy::cast_precision_loss, reason = "less than a second of samples")]
    pub(super) fn sound(&mut self, into: &mut Mix) -> bool {
        let at = self.frame;
        self.frame += 1;
        if let Some(began) = BEEPS.iter().find(|began| (**began..**began + BEEP).contains(&at)) {
            let mut frame: Frame = [0; 480];
            let length = (BEEP * 480) as f32;
            for (n, sample) in frame.iter_mut().enumerate() {
                let n = ((at - began) * 480) as f32 + n as f32;
                // 5 ms in and out, so that it does not click.
                let ramp = (n.min(length - n) / 240.0).min(1.0);
                *sample = (PEAK * ramp * (TAU * PITCH * n / SAMPLE_RATE as f32).sin()) as i16;
            }
            into.add(&frame);
        }
        self.frame < ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_beeps_are_heard_and_then_it_is_over() {
        let mut alert = Alert::new(CallId(uuid::Uuid::nil()));
        let mut loud = Vec::new();
        loop {
            let mut mix = Mix::new();
            let goes_on = alert.sound(&mut mix);
            loud.push(mix.frame().iter().any(|sample| sample.unsigned_abs() > 4_000));
            if !goes_on {
                break;
            }
        }
        assert_eq!(loud.len(), 40);
        let begins = loud.windows(2).filter(|pair| *pair == [false, true]).count();
        assert_eq!((begins, loud.iter().filter(|loud| **loud).count()), (2, 24));
    }
}
