//! Sound cards by `cpal`, for desktops.
//!
//! The callbacks mix to mono, copy and wake; rate conversion is the media thread's work. A device is
//! asked for 48 kHz first.

use super::AudioError;
use super::resampler::Stream as Resampling;
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    Device, FromSample, Sample, SampleFormat, SizedSample, Stream, StreamConfig,
    SupportedStreamConfig, SupportedStreamConfigRange,
};
use rtrb::{Consumer, Producer, RingBuffer};
use sidetone_media::{Frame, SAMPLE_RATE};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::Thread;

/// A fifth of a second at the highest usual rate.
const RING: usize = 19_200;
/// What may wait to be played, in frames of 10 ms, before one is left out: the clocks of two devices
/// are never the same.
const MAX_QUEUED_FRAMES: usize = 8;

/// The names of the microphones.
pub fn microphones() -> Vec<String> {
    cpal::default_host()
        .input_devices()
        .map(|d| d.map(|d| name_of(&d)).collect())
        .unwrap_or_default()
}

/// The names of the loudspeakers.
pub fn speakers() -> Vec<String> {
    cpal::default_host()
        .output_devices()
        .map(|d| d.map(|d| name_of(&d)).collect())
        .unwrap_or_default()
}

/// A microphone of the system.
pub(super) struct CardMicrophone {
    device: Device,
    running: Option<(Stream, Consumer<f32>, Resampling)>,
    xruns: Arc<AtomicU64>,
}

/// A loudspeaker of the system.
pub(super) struct CardSpeaker {
    device: Device,
    running: Option<(Stream, Producer<f32>, Resampling)>,
    xruns: Arc<AtomicU64>,
}

impl CardMicrophone {
    pub(super) fn open(name: Option<&str>) -> Result<Self, AudioError> {
        let host = cpal::default_host();
        let device = match name {
            None => host.default_input_device(),
            Some(name) => {
                host.input_devices().ok().and_then(|mut all| all.find(|d| name_of(d) == name))
            }
        };
        let device = device.ok_or_else(|| missing(name, &microphones()))?;
        Ok(Self { device, running: None, xruns: Arc::default() })
    }

    pub(super) fn start(&mut self, wake: Thread) -> Result<(), AudioError> {
        let failed = |detail: String| refused(&self.device, detail);
        let default = self.device.default_input_config().map_err(|e| failed(e.to_string()))?;
        let ranges = self.device.supported_input_configs().map_err(|e| failed(e.to_string()))?;
        let chosen = at_48k(ranges, &default);
        let resampling = Resampling::into_frames(chosen.sample_rate()).map_err(failed)?;
        let (ring, consumer) = RingBuffer::new(RING);
        let capture = Capture { ring, wake, xruns: self.xruns.clone() };
        let stream = build_input(&self.device, &chosen, capture).map_err(failed)?;
        stream.play().map_err(|e| failed(e.to_string()))?;
        self.running = Some((stream, consumer, resampling));
        Ok(())
    }

    pub(super) fn stop(&mut self) {
        self.running = None;
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    pub(super) fn capture(&mut self, frame: &mut Frame) -> bool {
        let Some((_, ring, resampling)) = &mut self.running else { return false };
        if ring.pop_entire_slice(resampling.input()).is_err() {
            return false;
        }
        resampling.frame(frame);
        true
    }

    pub(super) fn xruns(&self) -> u64 {
        self.xruns.load(Ordering::Relaxed)
    }
}

impl CardSpeaker {
    pub(super) fn open(name: Option<&str>) -> Result<Self, AudioError> {
        let host = cpal::default_host();
        let device = match name {
            None => host.default_output_device(),
            Some(name) => {
                host.output_devices().ok().and_then(|mut all| all.find(|d| name_of(d) == name))
            }
        };
        let device = device.ok_or_else(|| missing(name, &speakers()))?;
        Ok(Self { device, running: None, xruns: Arc::default() })
    }

    pub(super) fn start(&mut self) -> Result<(), AudioError> {
        let failed = |detail: String| refused(&self.device, detail);
        let default = self.device.default_output_config().map_err(|e| failed(e.to_string()))?;
        let ranges = self.device.supported_output_configs().map_err(|e| failed(e.to_string()))?;
        let chosen = at_48k(ranges, &default);
        let resampling = Resampling::out_of_frames(chosen.sample_rate()).map_err(failed)?;
        let (producer, ring) = RingBuffer::new(RING);
        let playback = Playback { ring, xruns: self.xruns.clone() };
        let stream = build_output(&self.device, &chosen, playback).map_err(failed)?;
        stream.play().map_err(|e| failed(e.to_string()))?;
        self.running = Some((stream, producer, resampling));
        Ok(())
    }

    pub(super) fn stop(&mut self) {
        self.running = None;
    }

    pub(super) fn play(&mut self, frame: &Frame) {
        let Some((_, ring, resampling)) = &mut self.running else { return };
        let samples = resampling.output(frame);
        let queued = RING - ring.slots();
        if queued > MAX_QUEUED_FRAMES * samples.len().max(1)
            || ring.push_entire_slice(samples).is_err()
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
) -> Result<Stream, String> {
    match chosen.sample_format() {
        SampleFormat::F32 => input::<f32>(device, chosen.config(), capture),
        SampleFormat::I16 => input::<i16>(device, chosen.config(), capture),
        SampleFormat::I32 => input::<i32>(device, chosen.config(), capture),
        SampleFormat::U8 => input::<u8>(device, chosen.config(), capture),
        other => Err(format!("its samples are {other}, which is not supported")),
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "the enum is not exhaustive and grows")]
fn build_output(
    device: &Device,
    chosen: &SupportedStreamConfig,
    playback: Playback,
) -> Result<Stream, String> {
    match chosen.sample_format() {
        SampleFormat::F32 => output::<f32>(device, chosen.config(), playback),
        SampleFormat::I16 => output::<i16>(device, chosen.config(), playback),
        SampleFormat::I32 => output::<i32>(device, chosen.config(), playback),
        SampleFormat::U8 => output::<u8>(device, chosen.config(), playback),
        other => Err(format!("its samples are {other}, which is not supported")),
    }
}

fn input<T>(device: &Device, config: StreamConfig, mut capture: Capture) -> Result<Stream, String>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let channels = usize::from(config.channels).max(1);
    let take = move |data: &[T], _: &cpal::InputCallbackInfo| capture.take(data, channels);
    device.build_input_stream(config, take, complain, None).map_err(|e| e.to_string())
}

fn output<T>(
    device: &Device,
    config: StreamConfig,
    mut playback: Playback,
) -> Result<Stream, String>
where
    T: SizedSample + FromSample<f32>,
{
    let channels = usize::from(config.channels).max(1);
    let give = move |data: &mut [T], _: &cpal::OutputCallbackInfo| playback.give(data, channels);
    device.build_output_stream(config, give, complain, None).map_err(|e| e.to_string())
}

fn complain(error: cpal::Error) {
    log::warn!("the audio device: {error}");
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

fn missing(name: Option<&str>, available: &[String]) -> AudioError {
    let available =
        if available.is_empty() { "(none found)".to_owned() } else { available.join(", ") };
    AudioError::NoDevice { name: name.unwrap_or("default").to_owned(), available }
}

fn refused(device: &Device, detail: String) -> AudioError {
    AudioError::Device { name: name_of(device), detail }
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
}
