//! Microphones and loudspeakers behind one trait: they only copy PCM through rings.
//!
//! | endpoint | microphone | speaker | paced by |
//! |---|---|---|---|
//! | null | silence | nowhere | a timer |
//! | file | a WAV file, repeated | a WAV file, always complete to within a second | a timer |
//! | device | captured | played | the microphone where it is a device, else a timer |

mod file;
mod resampler;
mod sound_card;

pub use sound_card::{microphones, speakers};

use crate::AudioEndpoint;
use file::{FileMicrophone, FileSpeaker};
use sidetone_media::Frame;
use sound_card::{CardMicrophone, CardSpeaker};
use std::thread::Thread;

/// Both ends of the audio, owned by the media thread: 10 ms frames of 48 kHz mono.
pub trait AudioDevice {
    /// Who says when the next frame is due.
    fn pace(&self) -> Pace;

    /// Audio is wanted. Under [`Pace::Device`] the thread is woken when a frame may be there.
    ///
    /// # Errors
    /// The device is gone or refuses. Audio is silence then, paced by a timer.
    fn start(&mut self, wake: &Thread) -> Result<(), AudioError>;

    /// No call wants audio any more. What was played is safe on disk soon after.
    fn stop(&mut self);

    /// The microphone was opened towards a call for the first time. A file begins anew here: its
    /// first sample is in the first frame captured after this, and it runs on in real time, muted
    /// and held or not, until the last call is over. Before this it is silent.
    fn rewind(&mut self);

    /// The next frame; `false` where there is none yet, which only happens under [`Pace::Device`].
    fn capture(&mut self, frame: &mut Frame) -> bool;

    /// Plays a frame.
    fn play(&mut self, frame: &Frame);

    /// Frames that were lost, or not there in time, since the start of the program.
    fn xruns(&self) -> u64;
}

/// Who says when the next frame is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Nobody: a timer must.
    Timer,
    /// The device, by waking the thread.
    Device,
}

/// Why audio cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// No such device; the text lists those that exist.
    #[error("there is no audio device \"{name}\"; choose one of: {available}, a WAV file, or null")]
    NoDevice {
        /// What was asked for.
        name: String,
        /// What exists.
        available: String,
    },
    /// A file that cannot be used.
    #[error("the audio file {path} cannot be used: {detail}")]
    File {
        /// The file.
        path: String,
        /// What is wrong.
        detail: String,
    },
    /// The device refused.
    #[error("the audio device \"{name}\" cannot be opened: {detail}")]
    Device {
        /// The device.
        name: String,
        /// What the system said.
        detail: String,
    },
}

/// Opens a microphone and a speaker. Files are read, or begun, here; devices are looked up.
///
/// # Errors
/// Either of them cannot be had.
pub fn open(
    microphone: &AudioEndpoint,
    speaker: &AudioEndpoint,
) -> Result<Box<dyn AudioDevice>, AudioError> {
    let microphone = match microphone {
        AudioEndpoint::Null => Microphone::Null,
        AudioEndpoint::File(path) => Microphone::File(FileMicrophone::load(path)?),
        AudioEndpoint::Default => Microphone::Card(Box::new(CardMicrophone::open(None)?)),
        AudioEndpoint::Device(name) => {
            Microphone::Card(Box::new(CardMicrophone::open(Some(name))?))
        }
    };
    let speaker = match speaker {
        AudioEndpoint::Null => Speaker::Null,
        AudioEndpoint::File(path) => Speaker::File(FileSpeaker::create(path)?),
        AudioEndpoint::Default => Speaker::Card(Box::new(CardSpeaker::open(None)?)),
        AudioEndpoint::Device(name) => Speaker::Card(Box::new(CardSpeaker::open(Some(name))?)),
    };
    Ok(Box::new(Endpoints { microphone, speaker }))
}

struct Endpoints {
    microphone: Microphone,
    speaker: Speaker,
}

enum Microphone {
    Null,
    File(FileMicrophone),
    Card(Box<CardMicrophone>),
}

enum Speaker {
    Null,
    File(FileSpeaker),
    Card(Box<CardSpeaker>),
}

impl AudioDevice for Endpoints {
    fn pace(&self) -> Pace {
        match &self.microphone {
            Microphone::Null | Microphone::File(_) => Pace::Timer,
            Microphone::Card(card) if card.is_running() => Pace::Device,
            Microphone::Card(_) => Pace::Timer,
        }
    }

    fn start(&mut self, wake: &Thread) -> Result<(), AudioError> {
        if let Speaker::Card(card) = &mut self.speaker {
            card.start()?;
        }
        match &mut self.microphone {
            Microphone::Null | Microphone::File(_) => Ok(()),
            Microphone::Card(card) => card.start(wake.clone()),
        }
    }

    fn stop(&mut self) {
        match &mut self.microphone {
            Microphone::Null => {}
            Microphone::File(file) => file.stop(),
            Microphone::Card(card) => card.stop(),
        }
        match &mut self.speaker {
            Speaker::Null => {}
            Speaker::File(file) => file.flush(),
            Speaker::Card(card) => card.stop(),
        }
    }

    fn rewind(&mut self) {
        if let Microphone::File(file) = &mut self.microphone {
            file.rewind();
        }
    }

    fn capture(&mut self, frame: &mut Frame) -> bool {
        match &mut self.microphone {
            Microphone::Card(card) if card.is_running() => return card.capture(frame),
            Microphone::File(file) => file.capture(frame),
            Microphone::Null | Microphone::Card(_) => frame.fill(0),
        }
        true
    }

    fn play(&mut self, frame: &Frame) {
        match &mut self.speaker {
            Speaker::Null => {}
            Speaker::File(file) => file.play(frame),
            Speaker::Card(card) => card.play(frame),
        }
    }

    fn xruns(&self) -> u64 {
        let captured = match &self.microphone {
            Microphone::Null | Microphone::File(_) => 0,
            Microphone::Card(card) => card.xruns(),
        };
        let played = match &self.speaker {
            Speaker::Null => 0,
            Speaker::File(file) => file.xruns(),
            Speaker::Card(card) => card.xruns(),
        };
        captured + played
    }
}
