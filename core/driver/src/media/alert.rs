//! The tones that the agent alone hears: two short beeps of a call that was answered without him, and now and then
//! a longer, quiet one while a call waits (ITU-T E.180).

use super::mix::Mix;
use sidetone_media::{Frame, SAMPLE_RATE};
use sidetone_phone::CallId;
use std::f32::consts::TAU;

/// The samples in which a beep comes and goes, so that it does not click: 5 ms.
const RAMP: f32 = 240.0;

/// One kind of beep. Times are frames of 10 ms.
struct Beep {
    /// In Hz.
    pitch: f32,
    peak: f32,
    length: u32,
}

/// No tone of a telephone network, and none that speech holds for long; -15 dBFS.
const ANSWERED: Beep = Beep { pitch: 1650.0, peak: 5_800.0, length: 12 };
/// Where its beeps begin, and how long all of it is.
const BEEPS: [u32; 2] = [2, 22];
const ALL: u32 = 40;

/// The tone that networks use for it; -22 dBFS, below who talks.
const WAITING: Beep = Beep { pitch: 425.0, peak: 2_600.0, length: 40 };
/// From one to the next.
const PERIOD: u32 = 900;

impl Beep {
    /// Adds 10 ms of it, so many frames after its begin.
    #[allow(clippy::cast_possible_truncation, reason = "within the peak")]
    #[allow(clippy::cast_precision_loss, reason = "less than a second of samples")]
    fn sound(&self, at: u32, into: &mut Mix) {
        if at >= self.length {
            return;
        }
        let mut frame: Frame = [0; 480];
        let length = (self.length * 480) as f32;
        for (n, sample) in frame.iter_mut().enumerate() {
            let n = (at * 480) as f32 + n as f32;
            let ramp = (n.min(length - n) / RAMP).min(1.0);
            *sample = (self.peak * ramp * (TAU * self.pitch * n / SAMPLE_RATE as f32).sin()) as i16;
        }
        into.add(&frame);
    }
}

/// The tone of a call that was answered without the agent, while it is played.
pub(super) struct Alert {
    pub(super) call: CallId,
    frame: u32,
}

impl Alert {
    pub(super) fn new(call: CallId) -> Self {
        Self { call, frame: 0 }
    }

    /// Adds the next 10 ms; `false`: it is over.
    pub(super) fn sound(&mut self, into: &mut Mix) -> bool {
        let at = self.frame;
        self.frame += 1;
        if let Some(began) = BEEPS.iter().rfind(|began| **began <= at) {
            ANSWERED.sound(at - began, into);
        }
        self.frame < ALL
    }
}

/// The tone of a call that waits, for as long as it does.
#[derive(Default)]
pub(super) struct CallWaiting {
    frame: u32,
}

impl CallWaiting {
    /// Adds the next 10 ms.
    pub(super) fn sound(&mut self, into: &mut Mix) {
        WAITING.sound(self.frame, into);
        self.frame = (self.frame + 1) % PERIOD;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The loudest sample of the next 10 ms.
    fn peak(sound: impl FnOnce(&mut Mix)) -> u16 {
        let mut mix = Mix::new();
        sound(&mut mix);
        mix.frame().iter().map(|sample| sample.unsigned_abs()).max().unwrap()
    }

    #[test]
    fn two_beeps_are_heard_and_then_it_is_over() {
        let mut alert = Alert::new(CallId(uuid::Uuid::nil()));
        let mut loud = Vec::new();
        let mut goes_on = true;
        while goes_on {
            loud.push(peak(|mix| goes_on = alert.sound(mix)) > 4_000);
        }
        assert_eq!(loud.len(), 40);
        let begins = loud.windows(2).filter(|pair| *pair == [false, true]).count();
        assert_eq!((begins, loud.iter().filter(|loud| **loud).count()), (2, 24));
    }

    #[test]
    fn a_call_that_waits_is_heard_at_once_and_every_nine_seconds_quieter_than_who_talks() {
        let mut waiting = CallWaiting::default();
        let peaks: Vec<u16> = (0..1_800).map(|_| peak(|mix| waiting.sound(mix))).collect();
        let heard = |peak: &u16| *peak > 2_000;
        assert!(peaks[..40].iter().all(heard) && peaks[900..940].iter().all(heard));
        assert!(peaks[40..900].iter().chain(&peaks[940..]).all(|peak| *peak == 0));
        assert!(peaks.iter().all(|peak| *peak < 3_000));
        let first = {
            let mut mix = Mix::new();
            CallWaiting::default().sound(&mut mix);
            mix.frame()
        };
        assert!(first[..24].iter().all(|sample| sample.unsigned_abs() < 400), "it does not click");
    }
}
