//! Streams by oboe, which takes AAudio where it is good and OpenSL ES where it is not.

use super::{BURSTS, end, give, rate, take};
use crate::device::ring::{Broken, Capture, Playback};
use ::oboe::{
    AudioInputCallback, AudioInputStreamSafe, AudioOutputCallback, AudioOutputStreamSafe,
    AudioStream, AudioStreamAsync, AudioStreamBase, AudioStreamBuilder, AudioStreamSafe,
    ContentType, DataCallbackResult, Error, Input, InputPreset, Mono, Output, PerformanceMode,
    SampleRateConversionQuality, SharingMode, Usage,
};
use sidetone_media::SAMPLE_RATE;

/// An open stream; it is closed when it is dropped.
pub(in crate::device) enum Stream {
    Microphone(AudioStreamAsync<Input, Hears>),
    Speaker(AudioStreamAsync<Output, Speaks>),
}

impl Stream {
    pub(super) fn xruns(&self) -> u64 {
        let count = match self {
            Self::Microphone(stream) => stream.get_xrun_count(),
            Self::Speaker(stream) => stream.get_xrun_count(),
        };
        count.ok().and_then(|count| u64::try_from(count).ok()).unwrap_or_default()
    }
}

pub(super) fn capture(to: Capture, broken: Broken) -> Result<(Stream, u32), String> {
    let mut stream = AudioStreamBuilder::default()
        .set_input()
        .set_format::<i16>()
        .set_channel_count::<Mono>()
        .set_sample_rate(SAMPLE_RATE.cast_signed())
        // oboe converts where the device refuses the rate.
        .set_sample_rate_conversion_quality(SampleRateConversionQuality::Medium)
        .set_sharing_mode(SharingMode::Shared)
        .set_performance_mode(PerformanceMode::LowLatency)
        .set_usage(Usage::VoiceCommunication)
        .set_input_preset(InputPreset::VoiceCommunication)
        .set_callback(Hears { to, broken })
        .open_stream()
        .map_err(|error| error.to_string())?;
    let rate = rate(stream.get_sample_rate())?;
    started(stream.start())?;
    Ok((Stream::Microphone(stream), rate))
}

pub(super) fn play(from: Playback, broken: Broken) -> Result<(Stream, u32), String> {
    let mut stream = AudioStreamBuilder::default()
        .set_output()
        .set_format::<i16>()
        .set_channel_count::<Mono>()
        .set_sample_rate(SAMPLE_RATE.cast_signed())
        .set_sample_rate_conversion_quality(SampleRateConversionQuality::Medium)
        .set_sharing_mode(SharingMode::Shared)
        .set_performance_mode(PerformanceMode::LowLatency)
        .set_usage(Usage::VoiceCommunication)
        .set_content_type(ContentType::Speech)
        .set_callback(Speaks { from, broken })
        .open_stream()
        .map_err(|error| error.to_string())?;
    let size = stream.get_frames_per_burst() * BURSTS;
    if let Err(error) = stream.set_buffer_size_in_frames(size) {
        log::debug!("the audio stream keeps its buffer: {error}");
    }
    let rate = rate(stream.get_sample_rate())?;
    started(stream.start())?;
    Ok((Stream::Speaker(stream), rate))
}

fn started(outcome: Result<(), Error>) -> Result<(), String> {
    outcome.map_err(|error| error.to_string())
}

/// The microphone's callbacks.
pub(in crate::device) struct Hears {
    to: Capture,
    broken: Broken,
}

impl AudioInputCallback for Hears {
    type FrameType = (i16, Mono);

    fn on_audio_ready(
        &mut self,
        _: &mut dyn AudioInputStreamSafe,
        samples: &[i16],
    ) -> DataCallbackResult {
        take(&mut self.to, samples);
        DataCallbackResult::Continue
    }

    fn on_error_after_close(&mut self, _: &mut dyn AudioInputStreamSafe, error: Error) {
        end(&self.broken, error);
    }
}

/// The speaker's callbacks.
pub(in crate::device) struct Speaks {
    from: Playback,
    broken: Broken,
}

impl AudioOutputCallback for Speaks {
    type FrameType = (i16, Mono);

    fn on_audio_ready(
        &mut self,
        _: &mut dyn AudioOutputStreamSafe,
        slots: &mut [i16],
    ) -> DataCallbackResult {
        give(&mut self.from, slots);
        DataCallbackResult::Continue
    }

    fn on_error_after_close(&mut self, _: &mut dyn AudioOutputStreamSafe, error: Error) {
        end(&self.broken, error);
    }
}
