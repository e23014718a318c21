//! Microphones and speakers that are a device each: how an end is opened, lost and had again.

use super::ring::{Broken, Capture, Captured, Playback, Played, Xruns, capturing, playing};
use super::{AudioEnd, AudioError};
use sidetone_media::Frame;
use std::thread::Thread;

/// One end of a system's audio. Its streams run from when they are opened to when they are dropped.
pub(super) trait System {
    /// An open stream.
    type Stream;

    /// What people call it.
    fn name(&self) -> String;

    /// Opens it as a microphone, and gives its rate.
    ///
    /// # Errors
    /// What the system said.
    fn capture(&self, to: Capture, broken: Broken) -> Result<(Self::Stream, u32), String>;

    /// Opens it as a speaker, and gives its rate.
    ///
    /// # Errors
    /// What the system said.
    fn play(&self, from: Playback, broken: Broken) -> Result<(Self::Stream, u32), String>;

    /// What the system itself has counted as missed on this stream.
    fn xruns(stream: &Self::Stream) -> u64;
}

/// A microphone of the system.
pub(super) struct CardMicrophone<S: System> {
    system: S,
    running: Option<(S::Stream, Captured)>,
    xruns: Xruns,
}

/// A loudspeaker of the system.
pub(super) struct CardSpeaker<S: System> {
    system: S,
    running: Option<(S::Stream, Played)>,
    xruns: Xruns,
}

impl<S: System> CardMicrophone<S> {
    pub(super) fn new(system: S) -> Self {
        Self { system, running: None, xruns: Xruns::default() }
    }

    pub(super) fn name(&self) -> String {
        self.system.name()
    }

    /// Opens it, where it is not open.
    pub(super) fn start(&mut self, wake: Thread) -> Result<(), AudioError> {
        if self.running.is_none() {
            let broken = Broken::default();
            let (callback, ring) = capturing(wake, &self.xruns);
            let opened = self.system.capture(callback, broken.clone());
            let running =
                opened.and_then(|(stream, rate)| Ok((stream, Captured::new(ring, rate, broken)?)));
            self.running =
                Some(running.map_err(|detail| refused(AudioEnd::Microphone, self.name(), detail))?);
        }
        Ok(())
    }

    pub(super) fn stop(&mut self) {
        if let Some((stream, _)) = self.running.take() {
            self.xruns.keep(S::xruns(&stream));
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Why it has stopped by itself, once.
    pub(super) fn failure(&mut self) -> Option<AudioError> {
        let detail = self.running.as_ref()?.1.failure()?;
        self.stop();
        Some(AudioError::Lost { end: AudioEnd::Microphone, name: self.name(), detail })
    }

    pub(super) fn capture(&mut self, frame: &mut Frame) -> bool {
        self.running.as_mut().is_some_and(|(_, captured)| captured.frame(frame))
    }

    pub(super) fn xruns(&self) -> u64 {
        self.xruns.with(self.running.as_ref().map(|(stream, _)| S::xruns(stream)))
    }
}

impl<S: System> CardSpeaker<S> {
    pub(super) fn new(system: S) -> Self {
        Self { system, running: None, xruns: Xruns::default() }
    }

    pub(super) fn name(&self) -> String {
        self.system.name()
    }

    /// Opens it, where it is not open.
    pub(super) fn start(&mut self) -> Result<(), AudioError> {
        if self.running.is_none() {
            let broken = Broken::default();
            let (callback, ring) = playing(&self.xruns);
            let opened = self.system.play(callback, broken.clone());
            let xruns = &self.xruns;
            let running = opened
                .and_then(|(stream, rate)| Ok((stream, Played::new(ring, rate, broken, xruns)?)));
            self.running =
                Some(running.map_err(|detail| refused(AudioEnd::Speaker, self.name(), detail))?);
        }
        Ok(())
    }

    pub(super) fn stop(&mut self) {
        if let Some((stream, _)) = self.running.take() {
            self.xruns.keep(S::xruns(&stream));
        }
    }

    /// Why it has stopped by itself, once.
    pub(super) fn failure(&mut self) -> Option<AudioError> {
        let detail = self.running.as_ref()?.1.failure()?;
        self.stop();
        Some(AudioError::Lost { end: AudioEnd::Speaker, name: self.name(), detail })
    }

    pub(super) fn play(&mut self, frame: &Frame) {
        if let Some((_, played)) = &mut self.running {
            played.frame(frame);
        }
    }

    pub(super) fn xruns(&self) -> u64 {
        self.xruns.with(self.running.as_ref().map(|(stream, _)| S::xruns(stream)))
    }
}

/// Both ends, where they are wanted.
pub(super) struct Card<S: System> {
    pub(super) microphone: Option<CardMicrophone<S>>,
    pub(super) speaker: Option<CardSpeaker<S>>,
}

impl<S: System> Card<S> {
    pub(super) fn name(&self, end: AudioEnd) -> String {
        let name = match end {
            AudioEnd::Microphone => self.microphone.as_ref().map(CardMicrophone::name),
            AudioEnd::Speaker => self.speaker.as_ref().map(CardSpeaker::name),
        };
        name.unwrap_or_default()
    }

    /// Opens what is wanted and not open; gives back what refuses.
    pub(super) fn start(&mut self, wake: &Thread) -> Vec<AudioError> {
        let speaker = self.speaker.as_mut().and_then(|speaker| speaker.start().err());
        let microphone = self.microphone.as_mut();
        let microphone = microphone.and_then(|microphone| microphone.start(wake.clone()).err());
        speaker.into_iter().chain(microphone).collect()
    }

    pub(super) fn stop(&mut self) {
        if let Some(microphone) = &mut self.microphone {
            microphone.stop();
        }
        if let Some(speaker) = &mut self.speaker {
            speaker.stop();
        }
    }

    /// Why an end has stopped by itself, once.
    pub(super) fn failure(&mut self) -> Option<AudioError> {
        let microphone = self.microphone.as_mut().and_then(CardMicrophone::failure);
        microphone.or_else(|| self.speaker.as_mut().and_then(CardSpeaker::failure))
    }

    pub(super) fn is_capturing(&self) -> bool {
        self.microphone.as_ref().is_some_and(CardMicrophone::is_running)
    }

    /// The next frame; `false` where it is not complete.
    pub(super) fn capture(&mut self, frame: &mut Frame) -> bool {
        self.microphone.as_mut().is_some_and(|microphone| microphone.capture(frame))
    }

    pub(super) fn play(&mut self, frame: &Frame) {
        if let Some(speaker) = &mut self.speaker {
            speaker.play(frame);
        }
    }

    pub(super) fn xruns(&self) -> u64 {
        self.microphone.as_ref().map_or(0, CardMicrophone::xruns)
            + self.speaker.as_ref().map_or(0, CardSpeaker::xruns)
    }
}

fn refused(end: AudioEnd, name: String, detail: String) -> AudioError {
    AudioError::Device { end, name, detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;
    use std::thread;

    /// A system of the test's own: it says at which rate it runs, and hands its callbacks out.
    #[derive(Clone, Default)]
    struct Bench {
        rate: Rc<Cell<u32>>,
        opened: Rc<Cell<u32>>,
        microphone: Rc<RefCell<Option<(Capture, Broken)>>>,
        speaker: Rc<RefCell<Option<Playback>>>,
    }

    impl System for Bench {
        type Stream = ();

        fn name(&self) -> String {
            "bench".to_owned()
        }

        fn capture(&self, to: Capture, broken: Broken) -> Result<((), u32), String> {
            self.opened.set(self.opened.get() + 1);
            if self.rate.get() == 0 {
                return Err("it is busy".to_owned());
            }
            *self.microphone.borrow_mut() = Some((to, broken));
            Ok(((), self.rate.get()))
        }

        fn play(&self, from: Playback, _: Broken) -> Result<((), u32), String> {
            *self.speaker.borrow_mut() = Some(from);
            Ok(((), self.rate.get()))
        }

        fn xruns((): &()) -> u64 {
            3
        }
    }

    #[test]
    fn a_microphone_that_is_lost_is_told_once_and_opened_again_at_its_new_rate() {
        let bench = Bench::default();
        bench.rate.set(48_000);
        let mut microphone = CardMicrophone::new(bench.clone());
        let mut frame = [0; 480];
        assert!(!microphone.capture(&mut frame));
        microphone.start(thread::current()).unwrap();
        microphone.start(thread::current()).unwrap();
        assert_eq!(bench.opened.get(), 1, "what is open is left alone");
        let mut open = bench.microphone.borrow_mut();
        let (to, broken) = open.as_mut().unwrap();
        to.take([0.5; 480].into_iter());
        assert!(microphone.capture(&mut frame) && frame[0] == 16_384);
        broken.set("unplugged".to_owned()).unwrap();
        drop(open);
        assert!(matches!(microphone.failure(), Some(AudioError::Lost { .. })));
        assert!(microphone.failure().is_none() && !microphone.is_running());

        bench.rate.set(16_000);
        microphone.start(thread::current()).unwrap();
        let mut open = bench.microphone.borrow_mut();
        open.as_mut().unwrap().0.take([0.5; 1_600].into_iter());
        let frames = std::iter::repeat_with(|| microphone.capture(&mut frame));
        let frames = frames.take_while(|there| *there).count();
        assert!((8..=10).contains(&frames), "{frames} frames of 100 ms at 16 kHz");
        assert_eq!(microphone.xruns(), 6, "those of the closed stream and of the open one");
    }

    #[test]
    fn a_microphone_that_refuses_is_a_typed_error_and_may_be_tried_again() {
        let bench = Bench::default();
        let mut microphone = CardMicrophone::new(bench.clone());
        let refused = microphone.start(thread::current());
        assert!(matches!(refused, Err(AudioError::Device { .. })), "{refused:?}");
        bench.rate.set(48_000);
        microphone.start(thread::current()).unwrap();
        assert!(microphone.is_running());
    }

    #[test]
    fn a_speaker_that_is_not_fed_plays_silence_and_counts_it() {
        let bench = Bench::default();
        bench.rate.set(48_000);
        let mut speaker = CardSpeaker::new(bench.clone());
        speaker.start().unwrap();
        speaker.play(&[8_192; 480]);
        let mut heard = [1.0; 960];
        let mut open = bench.speaker.borrow_mut();
        open.as_mut().unwrap().give(heard.iter_mut(), |slot, sample| *slot = sample);
        assert_eq!((heard[0], heard[479], heard[480]), (0.25, 0.25, 0.0));
        assert_eq!(speaker.xruns(), 1 + 3);
        for _ in 0..20 {
            speaker.play(&[1; 480]);
        }
        assert!(speaker.xruns() > 4 + 5, "what waits too long is left out");
    }
}
