//! Microphones and loudspeakers behind one trait: they only copy PCM through rings.
//!
//! | endpoint | microphone | speaker | paced by |
//! |---|---|---|---|
//! | null | silence | nowhere | a timer |
//! | file | a WAV file, repeated | a WAV file, always complete to within a second | a timer |
//! | device | captured | played | the microphone where it is a device, else a timer |
//!
//! Devices are sound cards on desktops (cpal), AAudio streams on Android (by oboe, which also knows
//! what older systems and faulty devices need, or directly), and one voice-processing unit on iOS.
//! Phones open them when a call wants audio and the platform allows it, never on trial.

#[cfg(not(target_os = "ios"))]
mod card;
mod file;
#[cfg(target_os = "android")]
#[path = "android/mod.rs"]
mod platform;
#[cfg(not(any(target_os = "android", target_os = "ios")))]
#[path = "sound_card.rs"]
mod platform;
#[cfg(target_os = "ios")]
#[path = "voice_unit.rs"]
mod platform;
mod resampler;
mod ring;

#[cfg(not(any(target_os = "android", target_os = "ios")))]
pub use platform::{microphones, speakers};

use crate::AudioEndpoint;
use file::{FileMicrophone, FileSpeaker};
use sidetone_media::Frame;
use std::fmt;
use std::thread::Thread;

/// Both ends of the audio, owned by the media thread: 10 ms frames of 48 kHz mono.
pub trait AudioDevice {
    /// Who says when the next frame is due.
    fn pace(&self) -> Pace;

    /// Audio is wanted and allowed: opens each end that is not open. Under [`Pace::Device`] the
    /// thread is woken when a frame may be there. What does not start is a
    /// [`AudioDevice::failure`].
    fn start(&mut self, wake: &Thread);

    /// An end that refused to start, or stopped by itself; told once. Silence is in its place until
    /// the next start.
    fn failure(&mut self) -> Option<AudioError>;

    /// Closes the devices within a call: another has taken the audio, or its route changes. A file
    /// goes on where it was at the next start.
    fn release(&mut self);

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
    examine(AudioEnd::Microphone, endpoint, &Endpoints::open(endpoint, &AudioEndpoint::Null)?)
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
    examine(AudioEnd::Speaker, endpoint, &Endpoints::open(&AudioEndpoint::Null, endpoint)?)
}

fn examine(
    end: AudioEnd,
    endpoint: &AudioEndpoint,
    opened: &Endpoints,
) -> Result<String, AudioError> {
    Ok(opened.card.as_ref().map_or_else(|| endpoint.to_string(), |card| card.name(end)))
}

/// Opens a microphone and a speaker. Files are read, or begun, here; sound cards are opened on
/// trial.
///
/// # Errors
/// Either of them cannot be had.
pub fn open(
    microphone: &AudioEndpoint,
    speaker: &AudioEndpoint,
) -> Result<Box<dyn AudioDevice>, AudioError> {
    Ok(Box::new(Endpoints::open(microphone, speaker)?))
}

struct Endpoints {
    microphone: Microphone,
    speaker: Speaker,
    /// What is behind the ends that are devices.
    card: Option<platform::Card>,
    /// What did not start, and has not been told.
    refused: Vec<AudioError>,
}

enum Microphone {
    Null,
    File(FileMicrophone),
    Card,
}

enum Speaker {
    Null,
    File(FileSpeaker),
    Card,
}

/// A device that is wanted: the system's own, or the one of this name.
struct Wanted<'a>(Option<&'a str>);

impl<'a> Wanted<'a> {
    fn of(endpoint: &'a AudioEndpoint) -> Option<Self> {
        match endpoint {
            AudioEndpoint::Default => Some(Self(None)),
            AudioEndpoint::Device(name) => Some(Self(Some(name))),
            AudioEndpoint::File(_) | AudioEndpoint::Null => None,
        }
    }
}

impl Endpoints {
    fn open(from: &AudioEndpoint, to: &AudioEndpoint) -> Result<Self, AudioError> {
        let wanted = (Wanted::of(from), Wanted::of(to));
        let card = match wanted {
            (None, None) => None,
            (microphone, speaker) => Some(platform::open(microphone, speaker)?),
        };
        let microphone = match from {
            AudioEndpoint::Null => Microphone::Null,
            AudioEndpoint::File(path) => Microphone::File(FileMicrophone::load(path)?),
            AudioEndpoint::Default | AudioEndpoint::Device(_) => Microphone::Card,
        };
        let speaker = match to {
            AudioEndpoint::Null => Speaker::Null,
            AudioEndpoint::File(path) => Speaker::File(FileSpeaker::create(path)?),
            AudioEndpoint::Default | AudioEndpoint::Device(_) => Speaker::Card,
        };
        Ok(Self { microphone, speaker, card, refused: Vec::new() })
    }
}

impl AudioDevice for Endpoints {
    fn pace(&self) -> Pace {
        match self.card.as_ref().is_some_and(platform::Card::is_capturing) {
            true => Pace::Device,
            false => Pace::Timer,
        }
    }

    fn start(&mut self, wake: &Thread) {
        if let Some(card) = &mut self.card {
            self.refused.extend(card.start(wake));
        }
    }

    fn failure(&mut self) -> Option<AudioError> {
        let card = || self.card.as_mut().and_then(platform::Card::failure);
        self.refused.pop().or_else(card).or_else(|| match &mut self.speaker {
            Speaker::File(file) => file.failure(),
            Speaker::Null | Speaker::Card => None,
        })
    }

    fn release(&mut self) {
        if let Some(card) = &mut self.card {
            card.stop();
        }
        if let Speaker::File(file) = &mut self.speaker {
            file.flush();
        }
    }

    fn stop(&mut self) {
        self.release();
        if let Microphone::File(file) = &mut self.microphone {
            file.stop();
        }
    }

    fn rewind(&mut self) {
        if let Microphone::File(file) = &mut self.microphone {
            file.rewind();
        }
    }

    fn capture(&mut self, frame: &mut Frame) -> bool {
        match (&mut self.microphone, &mut self.card) {
            (Microphone::File(file), _) => file.capture(frame),
            (Microphone::Card, Some(card)) if card.is_capturing() => return card.capture(frame),
            (Microphone::Null | Microphone::Card, _) => frame.fill(0),
        }
        true
    }

    fn play(&mut self, frame: &Frame) {
        match (&mut self.speaker, &mut self.card) {
            (Speaker::File(file), _) => file.play(frame),
            (Speaker::Card, Some(card)) => card.play(frame),
            (Speaker::Null | Speaker::Card, _) => {}
        }
    }

    fn xruns(&self) -> u64 {
        let file = match &self.speaker {
            Speaker::File(file) => file.xruns(),
            Speaker::Null | Speaker::Card => 0,
        };
        file + self.card.as_ref().map_or(0, platform::Card::xruns)
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
