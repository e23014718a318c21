//! Sound cards by `cpal`, for desktops.
//!
//! The callbacks mix to mono, copy and wake; rate conversion is the media thread's work. A device is
//! asked for 48 kHz first.

use super::resampler::Stream as Resampling;
use super::{AudioEnd, AudioError};
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    Device, Error, ErrorKind, FromSample, Sample, SampleFormat, SizedSample, Stream, StreamConfig,
    SupportedStreamConfig, SupportedStreamConfigRange,
};
use rtrb::{Consumer, Producer, RingBuffer};
use sidetone_media::{Frame, SAMPLE_RATE};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// A fifth of a second at the highest usual rate.
const RING: usize = 19_200;
/// What may wait to be played, in frames of 10 ms, before one is left out: the clocks of two devices
/// are never the same.
const MAX_QUEUED_FRAMES: usize = 8;
/// A microphone that gives nothing for so long is lost, whatever its driver says.
const DEAF: Duration = Duration::from_secs(3);

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

/// A microphone of the system.
pub(super) struct CardMicrophone {
    device: Device,
    running: Option<Capturing>,
    xruns: Arc<AtomicU64>,
}

struct Capturing {
    stream: Stream,
    ring: Consumer<f32>,
    resampling: Resampling,
    broken: Arc<OnceLock<String>>,
    last_frame: Instant,
}

/// A loudspeaker of the system.
pub(super) struct CardSpeaker {
    device: Device,
    running: Option<Playing>,
    xruns: Arc<AtomicU64>,
}

struct Playing {
    stream: Stream,
    ring: Producer<f32>,
    resampling: Resampling,
    broken: Arc<OnceLock<String>>,
}

impl CardMicrophone {
    /// Finds the device of this name, or the system's own, and opens it on trial.
    pub(super) fn open(name: Option<&str>) -> Result<Self, AudioError> {
        let end = AudioEnd::Microphone;
        let host = cpal::default_host();
        let device = match name {
            None => host.default_input_device(),
            Some(name) => {
                host.input_devices().ok().and_then(|mut all| all.find(|d| name_of(d) == name))
            }
        };
        let device = device.ok_or_else(|| missing(end, name, microphones()))?;
        let microphone = Self { device, running: None, xruns: Arc::default() };
        match microphone.build(thread::current()) {
            Ok(_) => Ok(microphone),
            Err(error) => Err(refused(end, name, &microphone.device, &error)),
        }
    }

    pub(super) fn name(&self) -> String {
        name_of(&self.device)
    }

    pub(super) fn start(&mut self, wake: Thread) -> Result<(), AudioError> {
        let started = self.build(wake).and_then(|capturing| {
            capturing.stream.play()?;
            Ok(capturing)
        });
        let refused = |error| refused(AudioEnd::Microphone, None, &self.device, &error);
        self.running = Some(started.map_err(refused)?);
        Ok(())
    }

    fn build(&self, wake: Thread) -> Result<Capturing, Error> {
        let default = self.device.default_input_config()?;
        let chosen = at_48k(self.device.supported_input_configs()?, &default);
        let resampling = Resampling::into_frames(chosen.sample_rate()).map_err(other)?;
        let (producer, ring) = RingBuffer::new(RING);
        let broken = Arc::default();
        let capture = Capture { ring: producer, wake, xruns: self.xruns.clone() };
        let stream = build_input(&self.device, &chosen, capture, Arc::clone(&broken))?;
        Ok(Capturing { stream, ring, resampling, broken, last_frame: Instant::now() })
    }

    pub(super) fn stop(&mut self) {
        self.running = None;
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Why it has stopped by itself, once.
    pub(super) fn failure(&mut self) -> Option<AudioError> {
        let running = self.running.as_ref()?;
        let detail = match running.broken.get() {
            Some(detail) => detail.clone(),
            None if running.last_frame.elapsed() > DEAF => "it gives no sound".to_owned(),
            None => return None,
        };
        self.running = None;
        Some(AudioError::Lost { end: AudioEnd::Microphone, name: self.name(), detail })
    }

    pub(super) fn capture(&mut self, frame: &mut Frame) -> bool {
        let Some(running) = &mut self.running else { return false };
        if running.ring.pop_entire_slice(running.resampling.input()).is_err() {
            return false;
        }
        running.resampling.frame(frame);
        running.last_frame = Instant::now();
        true
    }

    pub(super) fn xruns(&self) -> u64 {
        self.xruns.load(Ordering::Relaxed)
    }
}

impl CardSpeaker {
    /// Finds the device of this name, or the system's own, and opens it on trial.
    pub(super) fn open(name: Option<&str>) -> Result<Self, AudioError> {
        let end = AudioEnd::Speaker;
        let host = cpal::default_host();
        let device = match name {
            None => host.default_output_device(),
            Some(name) => {
                host.output_devices().ok().and_then(|mut all| all.find(|d| name_of(d) == name))
            }
        };
        let device = device.ok_or_else(|| missing(end, name, speakers()))?;
        let speaker = Self { device, running: None, xruns: Arc::default() };
        match speaker.build() {
            Ok(_) => Ok(speaker),
            Err(error) => Err(refused(end, name, &speaker.device, &error)),
        }
    }

    pub(super) fn name(&self) -> String {
        name_of(&self.device)
    }

    pub(super) fn start(&mut self) -> Result<(), AudioError> {
        let started = self.build().and_then(|playing| {
            playing.stream.play()?;
            Ok(playing)
        });
        let refused = |error| refused(AudioEnd::Speaker, None, &self.device, &error);
        self.running = Some(started.map_err(refused)?);
        Ok(())
    }

    fn build(&self) -> Result<Playing, Error> {
        let default = self.device.default_output_config()?;
        let chosen = at_48k(self.device.supported_output_configs()?, &default);
        let resampling = Resampling::out_of_frames(chosen.sample_rate()).map_err(other)?;
        let (ring, consumer) = RingBuffer::new(RING);
        let broken = Arc::default();
        let playback = Playback { ring: consumer, xruns: self.xruns.clone() };
        let stream = build_output(&self.device, &chosen, playback, Arc::clone(&broken))?;
        Ok(Playing { stream, ring, resampling, broken })
    }

    pub(super) fn stop(&mut self) {
        self.running = None;
    }

    /// Why it has stopped by itself, once.
    pub(super) fn failure(&mut self) -> Option<AudioError> {
        let detail = self.running.as_ref()?.broken.get()?.clone();
        self.running = None;
        Some(AudioError::Lost { end: AudioEnd::Speaker, name: self.name(), detail })
    }

    pub(super) fn play(&mut self, frame: &Frame) {
        let Some(running) = &mut self.running else { return };
        let samples = running.resampling.output(frame);
        let queued = RING - running.ring.slots();
        if queued > MAX_QUEUED_FRAMES * samples.len().max(1)
            || running.ring.push_entire_slice(samples).is_err()
        {
            self.xruns.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn xruns(&self) -> u64 {
        self.xruns.load(Ordering::Relaxed)
    }
}

/// What the capturing callback owns.
struct Capture {
    ring: Producer<f32>,
    wake: Thread,
    xruns: Arc<AtomicU64>,
}

impl Capture {
    fn take<T>(&mut self, data: &[T], channels: usize)
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        for frame in data.chunks_exact(channels) {
            let sum: f32 = frame.iter().map(|s| f32::from_sample(*s)).sum();
            if self.ring.push(sum / channels as f32).is_err() {
                self.xruns.fetch_add(1, Ordering::Relaxed);
                break;
            }
        }
        self.wake.unpark();
    }
}

/// What the playing callback owns.
struct Playback {
    ring: Consumer<f32>,
    xruns: Arc<AtomicU64>,
}

impl Playback {
    fn give<T: SizedSample + FromSample<f32>>(&mut self, data: &mut [T], channels: usize) {
        let mut missed = false;
        for frame in data.chunks_exact_mut(channels) {
            let sample = self.ring.pop().unwrap_or_else(|_| {
                missed = true;
                0.0
            });
            frame.fill(T::from_sample(sample));
        }
        if missed {
            self.xruns.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "the enum is not exhaustive and grows")]
fn build_input(
    device: &Device,
    chosen: &SupportedStreamConfig,
    capture: Capture,
    broken: Arc<OnceLock<String>>,
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
    broken: Arc<OnceLock<String>>,
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
    broken: Arc<OnceLock<String>>,
) -> Result<Stream, Error>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let channels = usize::from(config.channels).max(1);
    let take = move |data: &[T], _: &cpal::InputCallbackInfo| capture.take(data, channels);
    device.build_input_stream(config, take, move |error| complain(&error, &broken), None)
}

fn output<T>(
    device: &Device,
    config: StreamConfig,
    mut playback: Playback,
    broken: Arc<OnceLock<String>>,
) -> Result<Stream, Error>
where
    T: SizedSample + FromSample<f32>,
{
    let channels = usize::from(config.channels).max(1);
    let give = move |data: &mut [T], _: &cpal::OutputCallbackInfo| playback.give(data, channels);
    device.build_output_stream(config, give, move |error| complain(&error, &broken), None)
}

/// Logs what a device complains of, and notes it where it is the stream's end.
fn complain(error: &Error, broken: &OnceLock<String>) {
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
        assert!(matches!(CardMicrophone::open(name), Err(AudioError::NoDevice { .. })));
        assert!(matches!(CardSpeaker::open(name), Err(AudioError::NoDevice { .. })));
    }

    #[test]
    fn only_what_ends_a_stream_is_a_loss() {
        let broken = OnceLock::new();
        complain(&ErrorKind::Xrun.into(), &broken);
        complain(&ErrorKind::DeviceChanged.into(), &broken);
        assert_eq!(broken.get(), None);
        complain(&Error::with_message(ErrorKind::DeviceNotAvailable, "unplugged"), &broken);
        complain(&ErrorKind::StreamInvalidated.into(), &broken);
        assert_eq!(broken.get().map(String::as_str), Some("unplugged"), "the first is the cause");
    }
}
