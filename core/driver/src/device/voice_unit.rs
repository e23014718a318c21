//! iOS: one voice-processing unit for both ends, which cancels its own echo
//! (kAudioUnitSubType_VoiceProcessingIO).
//!
//! Its client format is 48 kHz mono whatever the hardware runs at; the unit converts. Another route
//! means a new unit.

use super::ring::{Broken, Captured, Played, Xruns, capturing, playing};
use super::{AudioEnd, AudioError, Wanted};
use coreaudio::Error;
use coreaudio::audio_unit::audio_format::LinearPcmFlags;
use coreaudio::audio_unit::render_callback::{Args, data::NonInterleaved};
use coreaudio::audio_unit::{AudioUnit, Element, IOType, SampleFormat, Scope, StreamFormat};
use sidetone_media::{Frame, SAMPLE_RATE};
use std::thread::Thread;

/// Audio Unit Properties: whether an element has input or output (kAudioOutputUnitProperty_EnableIO).
const ENABLE_IO: u32 = 2003;
/// The same for the stream's format (kAudioUnitProperty_StreamFormat).
const STREAM_FORMAT: u32 = 8;

/// What is behind the ends that are the phone's own.
pub(super) struct Card {
    has_microphone: bool,
    has_speaker: bool,
    running: Option<Running>,
    xruns: Xruns,
}

struct Running {
    /// Ends with this value; the callbacks go with it.
    _unit: AudioUnit,
    microphone: Option<Captured>,
    speaker: Option<Played>,
}

/// The ends that are wanted. Nothing is opened yet: only a call may.
pub(super) fn open(
    microphone: Option<Wanted<'_>>,
    speaker: Option<Wanted<'_>>,
) -> Result<Card, AudioError> {
    for (end, wanted) in [(AudioEnd::Microphone, &microphone), (AudioEnd::Speaker, &speaker)] {
        if let Some(Wanted(Some(name))) = wanted {
            // Which device a call uses is the platform's choice: the app asks it for a route.
            let (name, available) = ((*name).to_owned(), Vec::new());
            return Err(AudioError::NoDevice { end, name, available });
        }
    }
    let (has_microphone, has_speaker) = (microphone.is_some(), speaker.is_some());
    Ok(Card { has_microphone, has_speaker, running: None, xruns: Xruns::default() })
}

impl Card {
    pub(super) fn name(&self, _: AudioEnd) -> String {
        "the phone's own".to_owned()
    }

    /// Opens the unit, where it is not open.
    pub(super) fn start(&mut self, wake: &Thread) -> Vec<AudioError> {
        if self.running.is_some() {
            return Vec::new();
        }
        match self.build(wake) {
            Ok(running) => {
                self.running = Some(running);
                Vec::new()
            }
            Err(detail) => {
                let end = match self.has_microphone {
                    true => AudioEnd::Microphone,
                    false => AudioEnd::Speaker,
                };
                vec![AudioError::Device { end, name: self.name(end), detail }]
            }
        }
    }

    fn build(&self, wake: &Thread) -> Result<Running, String> {
        let failed = |error: Error| error.to_string();
        let mut unit = AudioUnit::new(IOType::VoiceProcessingIO).map_err(failed)?;
        // The unit is made initialised; its ends can only be chosen before.
        unit.uninitialize().map_err(failed)?;
        let enabled = |wanted: bool| Some(u32::from(wanted));
        let (input, output) = (enabled(self.has_microphone), enabled(self.has_speaker));
        unit.set_property(ENABLE_IO, Scope::Input, Element::Input, input.as_ref())
            .map_err(failed)?;
        unit.set_property(ENABLE_IO, Scope::Output, Element::Output, output.as_ref())
            .map_err(failed)?;
        let format = StreamFormat {
            sample_rate: f64::from(SAMPLE_RATE),
            sample_format: SampleFormat::F32,
            flags: LinearPcmFlags::IS_FLOAT
                | LinearPcmFlags::IS_PACKED
                | LinearPcmFlags::IS_NON_INTERLEAVED,
            channels: 1,
        };
        let layout = format.to_asbd();
        let mut microphone = None;
        if self.has_microphone {
            unit.set_property(STREAM_FORMAT, Scope::Output, Element::Input, Some(&layout))
                .map_err(failed)?;
            let (mut to, ring) = capturing(wake.clone(), &self.xruns);
            let mut expected = None;
            let hear = move |args: Args<NonInterleaved<f32>>| {
                let (mut at, frames) = (args.time_stamp.mSampleTime, args.num_frames);
                if expected.is_some_and(|expected: f64| at > expected + 0.5) {
                    to.missed();
                }
                at += frames as f64;
                expected = Some(at);
                for channel in args.data.channels().take(1) {
                    to.take(channel.iter().take(frames).copied());
                }
                Ok(())
            };
            unit.set_input_callback(hear).map_err(failed)?;
            microphone = Some(Captured::new(ring, SAMPLE_RATE, Broken::default())?);
        }
        let mut speaker = None;
        if self.has_speaker {
            unit.set_property(STREAM_FORMAT, Scope::Input, Element::Output, Some(&layout))
                .map_err(failed)?;
            let (mut from, ring) = playing(&self.xruns);
            let speak = move |mut args: Args<NonInterleaved<f32>>| {
                let frames = args.num_frames;
                for channel in args.data.channels_mut().take(1) {
                    from.give(channel.iter_mut().take(frames), |slot, sample| *slot = sample);
                }
                Ok(())
            };
            unit.set_render_callback(speak).map_err(failed)?;
            speaker = Some(Played::new(ring, SAMPLE_RATE, Broken::default(), &self.xruns)?);
        }
        unit.initialize().map_err(failed)?;
        unit.start().map_err(failed)?;
        Ok(Running { _unit: unit, microphone, speaker })
    }

    pub(super) fn stop(&mut self) {
        self.running = None;
    }

    /// Why it has stopped by itself, once: a unit that the system has stopped gives no sound any
    /// more, which is all that it tells.
    pub(super) fn failure(&mut self) -> Option<AudioError> {
        let running = self.running.as_ref()?;
        let end = AudioEnd::Microphone;
        let detail = running.microphone.as_ref().and_then(Captured::failure)?;
        self.running = None;
        Some(AudioError::Lost { end, name: self.name(end), detail })
    }

    pub(super) fn is_capturing(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.microphone.is_some())
    }

    /// The next frame; `false` where it is not complete.
    pub(super) fn capture(&mut self, frame: &mut Frame) -> bool {
        let microphone = self.running.as_mut().and_then(|running| running.microphone.as_mut());
        microphone.is_some_and(|microphone| microphone.frame(frame))
    }

    pub(super) fn play(&mut self, frame: &Frame) {
        let speaker = self.running.as_mut().and_then(|running| running.speaker.as_mut());
        if let Some(speaker) = speaker {
            speaker.frame(frame);
        }
    }

    pub(super) fn xruns(&self) -> u64 {
        self.xruns.with(None)
    }
}
