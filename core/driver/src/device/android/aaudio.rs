//! AAudio by the NDK's own interface.

use super::{BURSTS, end, give, rate, take};
use crate::device::ring::{Broken, Capture, Playback};
use ndk::audio::{
    AudioCallbackResult, AudioContentType, AudioDirection, AudioFormat, AudioInputPreset,
    AudioPerformanceMode, AudioSharingMode, AudioStream, AudioStreamBuilder, AudioUsage,
};
use sidetone_media::SAMPLE_RATE;
use std::ffi::c_void;
use std::slice;

/// An open stream; it is closed when it is dropped.
pub(in crate::device) struct Stream(AudioStream);

impl Stream {
    pub(super) fn xruns(&self) -> u64 {
        u64::try_from(self.0.x_run_count()).unwrap_or_default()
    }
}

pub(super) fn capture(to: Capture, broken: Broken) -> Result<(Stream, u32), String> {
    open(to, broken, AudioDirection::Input, |to, data, samples| {
        // SAFETY: AAudio gives `samples` frames of the one channel of i16 that was asked for and
        // checked after opening, readable until the callback returns.
        take(to, unsafe { slice::from_raw_parts(data.cast::<i16>(), samples) });
    })
}

pub(super) fn play(from: Playback, broken: Broken) -> Result<(Stream, u32), String> {
    open(from, broken, AudioDirection::Output, |from, data, samples| {
        // SAFETY: as above, and writable until the callback returns.
        give(from, unsafe { slice::from_raw_parts_mut(data.cast::<i16>(), samples) });
    })
}

/// Asks for 48 kHz; what the stream really runs at is read and given back.
fn open<End: Send + 'static>(
    mut half: End,
    broken: Broken,
    direction: AudioDirection,
    copy: fn(&mut End, *mut c_void, usize),
) -> Result<(Stream, u32), String> {
    let failed = |error: ndk::audio::AudioError| error.to_string();
    let builder = AudioStreamBuilder::new()
        .map_err(failed)?
        .direction(direction)
        .channel_count(1)
        .format(AudioFormat::PCM_I16)
        .sample_rate(SAMPLE_RATE.cast_signed())
        .sharing_mode(AudioSharingMode::Shared)
        .performance_mode(AudioPerformanceMode::LowLatency)
        .usage(AudioUsage::VoiceCommunication)
        .content_type(AudioContentType::Speech)
        .input_preset(AudioInputPreset::VoiceCommunication)
        .data_callback(Box::new(move |_, data, frames| {
            if let (false, Ok(frames)) = (data.is_null(), usize::try_from(frames)) {
                copy(&mut half, data, frames);
            }
            AudioCallbackResult::Continue
        }))
        .error_callback(Box::new(move |_, error| end(&broken, error)));
    let stream = builder.open_stream().map_err(failed)?;
    if stream.format() != AudioFormat::PCM_I16 || stream.channel_count() != 1 {
        let (format, channels) = (stream.format(), stream.channel_count());
        return Err(format!("it gives {format:?} in {channels} channels"));
    }
    if direction == AudioDirection::Output {
        let size = stream.frames_per_burst() * BURSTS;
        if let Err(error) = stream.set_buffer_size_in_frames(size) {
            log::debug!("the audio stream keeps its buffer: {error}");
        }
    }
    let rate = rate(stream.sample_rate())?;
    stream.request_start().map_err(failed)?;
    Ok((Stream(stream), rate))
}
