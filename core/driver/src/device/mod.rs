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
use std::fmt;
use std::thread::Thread;

/// Both ends of the audio, owned by the media thread: 10 ms frames of 48 kHz mono.
pub trait AudioDevice {
    /// Who says when the next frame is due.
    fn pace(&self) -> Pace;

    /// Audio is wanted. Under [`Pace::Device`] the thread is woken when a frame may be there. What
    /// does not start is a [`AudioDevice::failure`].
    fn start(&mut self, wake: &Thread);

    /// An end that refused to start, or stopped by itself; told once. Silence is in its place until
    /// the next start.
    fn failure(&mut self) -> Option<AudioError>;

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

/// Which end of the audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioEnd {
    /// Where our audio comes from.
    Microphone,
    /// Where the other side's audio goes.
    Speaker,
}

impl fmt::Display for AudioEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Microphone => "microphone",
            Self::Speaker => "speaker",
        })
    }
}

/// Why audio cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// The default device was asked for, and there is none.
    #[error("there is no {end} here ({detail})")]
    NoDefault {
        /// Which end.
        end: AudioEnd,
        /// What the system said.
        detail: String,
    },
    /// No such device.
    #[error("there is no {end} \"{name}\" ({})", listed(available))]
    NoDevice {
        /// Which end.
        end: AudioEnd,
        /// What was asked for.
        name: String,
        /// What exists.
        available: Vec<String>,
    },
    /// A file that cannot be used.
    #[error("the file {path} cannot be the {end}: {detail}")]
    File {
        /// Which end.
        end: AudioEnd,
        /// The file.
        path: String,
        /// What is wrong.
        detail: String,
    },
    /// The device refused.
    #[error("the {end} \"{name}\" cannot be opened: {detail}")]
    Device {
        /// Which end.
        end: AudioEnd,
        /// The device.
        name: String,
        /// What the system said.
        detail: String,
    },
    /// It worked, and stopped by itself.
    #[error("the {end} \"{name}\" has stopped: {detail}")]
    Lost {
        /// Which end.
        end: AudioEnd,
        /// The device or file.
        name: String,
        /// What the system said.
        detail: String,
    },
    /// The thread of the audio could not be started.
    #[error("audio cannot be started: {0}")]
    Thread(String),
}

impl AudioError {
    /// The end that it is about; none where it is about both.
    pub fn end(&self) -> Option<AudioEnd> {
        match self {
            Self::NoDefault { end, .. }
            | Self::NoDevice { end, .. }
            | Self::File { end, .. }
            | Self::Device { end, .. }
            | Self::Lost { end, .. } => Some(*end),
            Self::Thread(_) => None,
        }
    }
}

fn listed(available: &[String]) -> String {
    if available.is_empty() {
        return "none is here".to_owned();
    }
    let quoted: Vec<String> = available.iter().map(|name| format!("\"{name}\"")).collect();
    format!("here are {}", quoted.join(", "))
}

/// Tries a microphone, without keeping it, and gives back its name.
///
/// # Errors
/// It cannot be had.
pub fn examine_microphone(endpoint: &AudioEndpoint) -> Result<String, AudioError> {
    Ok(match Microphone::open(endpoint)? {
        Microphone::Card(card) => card.name(),
        Microphone::Null | Microphone::File(_) => endpoint.to_string(),
    })
}

/// Tries a speaker, without keeping it, and gives back its name. A file is not written.
///
/// # Errors
/// It cannot be had.
pub fn examine_speaker(endpoint: &AudioEndpoint) -> Result<String, AudioError> {
    if let AudioEndpoint::File(path) = endpoint {
        FileSpeaker::examine(path)?;
        return Ok(endpoint.to_string());
    }
    Ok(match Speaker::open(endpoint)? {
        Speaker::Card(card) => card.name(),
        Speaker::Null | Speaker::File(_) => endpoint.to_string(),
    })
}

/// Opens a microphone and a speaker. Files are read, or begun, here; devices are opened on
/// trial.
///
/// # Errors
/// Either of them cannot be had.
pub fn open(
    microphone: &AudioEndpoint,
    speaker: &AudioEndpoint,
) -> Result<Box<dyn AudioDevice>, AudioError> {
    let (microphone, speaker) = (Microphone::open(microphone)?, Speaker::open(speaker)?);
    Ok(Box::new(Endpoints { microphone, speaker, refused: Vec::new() }))
}

struct Endpoints {
    microphone: Microphone,
    speaker: Speaker,
    /// What did not start, and has not been told.
    refused: Vec<AudioError>,
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

impl Microphone {
    fn open(endpoint: &AudioEndpoint) -> Result<Self, AudioError> {
        Ok(match endpoint {
            AudioEndpoint::Null => Self::Null,
            AudioEndpoint::File(path) => Self::File(FileMicrophone::load(path)?),
            AudioEndpoint::Default => Self::Card(Box::new(CardMicrophone::open(None)?)),
            AudioEndpoint::Device(name) => Self::Card(Box::new(CardMicrophone::open(Some(name))?)),
        })
    }
}

impl Speaker {
    fn open(endpoint: &AudioEndpoint) -> Result<Self, AudioError> {
        Ok(match endpoint {
            AudioEndpoint::Null => Self::Null,
            AudioEndpoint::File(path) => Self::File(FileSpeaker::create(path)?),
            AudioEndpoint::Default => Self::Card(Box::new(CardSpeaker::open(None)?)),
            AudioEndpoint::Device(name) => Self::Card(Box::new(CardSpeaker::open(Some(name))?)),
        })
    }
}

impl AudioDevice for Endpoints {
    fn pace(&self) -> Pace {
        match &self.microphone {
            Microphone::Null | Microphone::File(_) => Pace::Timer,
            Microphone::Card(card) if card.is_running() => Pace::Device,
            Microphone::Card(_) => Pace::Timer,
        }
    }

    fn start(&mut self, wake: &Thread) {
        let speaker = match &mut self.speaker {
            Speaker::Null | Speaker::File(_) => Ok(()),
            Speaker::Card(card) => card.start(),
        };
        let microphone = match &mut self.microphone {
            Microphone::Null | Microphone::File(_) => Ok(()),
            Microphone::Card(card) => card.start(wake.clone()),
        };
        self.refused.extend(speaker.err().into_iter().chain(microphone.err()));
    }

    fn failure(&mut self) -> Option<AudioError> {
        if let Some(refused) = self.refused.pop() {
            return Some(refused);
        }
        let microphone = match &mut self.microphone {
            Microphone::Null | Microphone::File(_) => None,
            Microphone::Card(card) => card.failure(),
        };
        microphone.or_else(|| match &mut self.speaker {
            Speaker::Null => None,
            Speaker::File(file) => file.failure(),
            Speaker::Card(card) => card.failure(),
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_told_with_those_that_are() {
        let error = |available: &[&str]| AudioError::NoDevice {
            end: AudioEnd::Microphone,
            name: "Headset".to_owned(),
            available: available.iter().map(ToString::to_string).collect(),
        };
        let told = error(&["Built-in, left", "USB"]).to_string();
        assert_eq!(
            told, r#"there is no microphone "Headset" (here are "Built-in, left", "USB")"#,
            "quoted, since a name may hold a comma"
        );
        assert!(error(&[]).to_string().ends_with("(none is here)"));
    }

    #[test]
    fn an_end_is_examined_without_the_other() {
        let missing = AudioEndpoint::File("/no/such/folder/voice.wav".into());
        let end = |outcome: Result<String, AudioError>| outcome.unwrap_err().end();
        assert_eq!(end(examine_microphone(&missing)), Some(AudioEnd::Microphone));
        assert_eq!(end(examine_speaker(&missing)), Some(AudioEnd::Speaker));
        assert_eq!(examine_microphone(&AudioEndpoint::Null).unwrap(), "null");
    }
}
