//! Sound cards by `cpal`, for desktops. A device is asked for 48 kHz first.

use super::card::{self, CardMicrophone, CardSpeaker, System};
use super::ring::{Broken, Capture, Playback, Xruns, capturing, playing};
use super::{AudioEnd, AudioError, Wanted};
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    Device, Error, ErrorKind, FromSample, Sample, SampleFormat, SizedSample, Stream, StreamConfig,
    SupportedStreamConfig, SupportedStreamConfigRange,
};
use sidetone_media::SAMPLE_RATE;
use std::thread;

/// The names of the microphones.
pub fn microphones() -> Vec<String> {
    let all = cpal::default_host().input_devices();
    all.map(|all| all.filter(is_audible).map(|d| name_of(&d)).collect()).unwrap_or_default()
}

/// The names of the loudspeakers.
pub fn speakers() -> Vec<String> {
    let all = cpal::default_host().output_devices();
    all.map(|all| all.filter(is_audible).map(|d| name_of(&d)).collect()).unwrap_or_default()
}

/// ALSA has a device of silence, which our own null does without it.
fn is_audible(device: &Device) -> bool {
    device.id().is_ok_and(|id| id.to_string() != "alsa:null")
}

/// A device of the system.
pub(super) struct SoundCard(Device);

pub(super) type Card = card::Card<SoundCard>;

/// The sound cards that are wanted.
pub(super) fn open(
    microphone: Option<Wanted<'_>>,
    speaker: Option<Wanted<'_>>,
) -> Result<Card, AudioError> {
    let microphone = microphone.map(|Wanted(name)| self::microphone(name)).transpose()?;
    let speaker = speaker.map(|Wanted(name)| self::speaker(name)).transpose()?;
    Ok(Card { microphone, speaker })
}

/// Finds the microphone of this name, or the system's own, and opens it on trial.
fn microphone(name: Option<&str>) -> Result<CardMicrophone<SoundCard>, AudioError> {
    let end = AudioEnd::Microphone;
    let host = cpal::default_host();
    let device = match name {
        None => host.default_input_device(),
        Some(name) => {
            host.input_devices().ok().and_then(|mut all| all.find(|d| name_of(d) == name))
        }
    };
    let device = device.ok_or_else(|| missing(end, name, microphones()))?;
    let (callback, _ring) = capturing(thread::current(), &Xruns::default());
    match input_stream(&device, callback, Broken::default()) {
        Ok(_) => Ok(CardMicrophone::new(SoundCard(device))),
        Err(error) => Err(refused(end, name, &device, &error)),
    }
}

/// Finds the speaker of this name, or the system's own, and opens it on trial.
fn speaker(name: Option<&str>) -> Result<CardSpeaker<SoundCard>, AudioError> {
    let end = AudioEnd::Speaker;
    let host = cpal::default_host();
    let device = match name {
        None => host.default_output_device(),
        Some(name) => {
            host.output_devices().ok().and_then(|mut all| all.find(|d| name_of(d) == name))
        }
    };
    let device = device.ok_or_else(|| missing(end, name, speakers()))?;
    let (callback, _ring) = playing(&Xruns::default());
    match output_stream(&device, callback, Broken::default()) {
        Ok(_) => Ok(CardSpeaker::new(SoundCard(device))),
        Err(error) => Err(refused(end, name, &device, &error)),
    }
}

impl System for SoundCard {
    type Stream = Stream;

    fn name(&self) -> String {
        name_of(&self.0)
    }

    fn capture(&self, to: Capture, broken: Broken) -> Result<(Stream, u32), String> {
        running(input_stream(&self.0, to, broken))
    }

    fn play(&self, from: Playback, broken: Broken) -> Result<(Stream, u32), String> {
        running(output_stream(&self.0, from, broken))
    }

    fn xruns(_: &Stream) -> u64 {
        0 // They are told by the callback of errors, if at all.
    }
}

fn running(built: Result<(Stream, u32), Error>) -> Result<(Stream, u32), String> {
    let (stream, rate) = built.map_err(|error| error.to_string())?;
    stream.play().map_err(|error| error.to_string())?;
    Ok((stream, rate))
}

fn input_stream(device: &Device, to: Capture, broken: Broken) -> Result<(Stream, u32), Error> {
    let default = device.default_input_config()?;
    let chosen = at_48k(device.supported_input_configs()?, &default);
    Ok((build_input(device, &chosen, to, broken)?, chosen.sample_rate()))
}

fn output_stream(device: &Device, from: Playback, broken: Broken) -> Result<(Stream, u32), Error> {
    let default = device.default_output_config()?;
    let chosen = at_48k(device.supported_output_configs()?, &default);
    Ok((build_output(device, &chosen, from, broken)?, chosen.sample_rate()))
}

#[allow(clippy::wildcard_enum_match_arm, reason = "the enum is not exhaustive and grows")]
fn build_input(
    device: &Device,
    chosen: &SupportedStreamConfig,
    capture: Capture,
    broken: Broken,
) -> Result<Stream, Error> {
    match chosen.sample_format() {
        SampleFormat::F32 => input::<f32>(device, chosen.config(), capture, broken),
        SampleFormat::I16 => input::<i16>(device, chosen.config(), capture, broken),
        SampleFormat::I32 => input::<i32>(device, chosen.config(), capture, broken),
        SampleFormat::U8 => input::<u8>(device, chosen.config(), capture, broken),
        format => Err(other(format!("its samples are {format}, which is not supported"))),
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "the enum is not exhaustive and grows")]
fn build_output(
    device: &Device,
    chosen: &SupportedStreamConfig,
    playback: Playback,
    broken: Broken,
) -> Result<Stream, Error> {
    match chosen.sample_format() {
        SampleFormat::F32 => output::<f32>(device, chosen.config(), playback, broken),
        SampleFormat::I16 => output::<i16>(device, chosen.config(), playback, broken),
        SampleFormat::I32 => output::<i32>(device, chosen.config(), playback, broken),
        SampleFormat::U8 => output::<u8>(device, chosen.config(), playback, broken),
        format => Err(other(format!("its samples are {format}, which is not supported"))),
    }
}

fn input<T>(
    device: &Device,
    config: StreamConfig,
    mut capture: Capture,
    broken: Broken,
) -> Result<Stream, Error>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let channels = usize::from(config.channels).max(1);
    let take = move |data: &[T], _: &cpal::InputCallbackInfo| {
        let mixed = data.chunks_exact(channels).map(|frame| {
            let sum: f32 = frame.iter().map(|s| f32::from_sample(*s)).sum();
            sum / channels as f32
        });
        capture.take(mixed);
    };
    device.build_input_stream(config, take, move |error| complain(&error, &broken), None)
}

fn output<T>(
    device: &Device,
    config: StreamConfig,
    mut playback: Playback,
    broken: Broken,
) -> Result<Stream, Error>
where
    T: SizedSample + FromSample<f32>,
{
    let channels = usize::from(config.channels).max(1);
    let give = move |data: &mut [T], _: &cpal::OutputCallbackInfo| {
        let frames = data.chunks_exact_mut(channels);
        playback.give(frames, |frame, sample| frame.fill(T::from_sample(sample)));
    };
    device.build_output_stream(config, give, move |error| complain(&error, &broken), None)
}

/// Logs what a device complains of, and notes it where it is the stream's end.
fn complain(error: &Error, broken: &Broken) {
    log::warn!("the audio device: {error}");
    if is_gone(error) || error.kind() == ErrorKind::StreamInvalidated {
        // Only the first counts.
        let _ = broken.set(error.to_string());
    }
}

fn is_gone(error: &Error) -> bool {
    let kinds =
        [ErrorKind::DeviceNotAvailable, ErrorKind::HostUnavailable, ErrorKind::PermissionDenied];
    kinds.contains(&error.kind())
}

fn other(detail: String) -> Error {
    Error::with_message(ErrorKind::Other, detail)
}

/// The default's format and channels at 48 kHz where the device has that, else the default.
fn at_48k(
    mut ranges: impl Iterator<Item = SupportedStreamConfigRange>,
    default: &SupportedStreamConfig,
) -> SupportedStreamConfig {
    ranges
        .find_map(|range| {
            let alike = range.channels() == default.channels()
                && range.sample_format() == default.sample_format();
            range.try_with_sample_rate(SAMPLE_RATE).filter(|_| alike)
        })
        .unwrap_or(*default)
}

fn name_of(device: &Device) -> String {
    device.description().map_or_else(|_| device.to_string(), |d| d.name().to_owned())
}

fn missing(end: AudioEnd, name: Option<&str>, available: Vec<String>) -> AudioError {
    match name {
        Some(name) => AudioError::NoDevice { end, name: name.to_owned(), available },
        None => AudioError::NoDefault { end, detail: "no sound card was found".to_owned() },
    }
}

/// ALSA has a default device even where there is no sound card: it is found out by opening it.
fn refused(end: AudioEnd, name: Option<&str>, device: &Device, error: &Error) -> AudioError {
    if name.is_none() && error.kind() == ErrorKind::DeviceNotAvailable {
        return missing(end, None, Vec::new());
    }
    AudioError::Device { end, name: name_of(device), detail: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_does_not_exist_is_a_typed_error() {
        let name = Some("no such sound card");
        assert!(matches!(microphone(name), Err(AudioError::NoDevice { .. })));
        assert!(matches!(speaker(name), Err(AudioError::NoDevice { .. })));
    }

    #[test]
    fn only_what_ends_a_stream_is_a_loss() {
        let broken = Broken::default();
        complain(&ErrorKind::Xrun.into(), &broken);
        complain(&ErrorKind::DeviceChanged.into(), &broken);
        assert_eq!(broken.get(), None);
        complain(&Error::with_message(ErrorKind::DeviceNotAvailable, "unplugged"), &broken);
        complain(&ErrorKind::StreamInvalidated.into(), &broken);
        assert_eq!(broken.get().map(String::as_str), Some("unplugged"), "the first is the cause");
    }
}
