//! Android's own audio: a stream for each end, opened as a voice call so that the platform cancels
//! its echo (AAudio; `VoiceCommunication` as usage and as input preset).
//!
//! By feature: `oboe` for what is shipped, since it loads AAudio at run time and knows what faulty
//! devices need; `aaudio` without any C++, which needs Android 9 (API 28) for usage and preset.

#[cfg(all(feature = "aaudio", not(feature = "oboe")))]
#[allow(unsafe_code, reason = "the callback is given a bare pointer to its samples")]
mod aaudio;
#[cfg(feature = "oboe")]
mod oboe;

#[cfg(not(any(feature = "aaudio", feature = "oboe")))]
compile_error!("Android needs the feature `oboe` or `aaudio`");

#[cfg(all(feature = "aaudio", not(feature = "oboe")))]
use self::aaudio as streams;
#[cfg(feature = "oboe")]
use self::oboe as streams;

use super::card::{self, CardMicrophone, CardSpeaker, System};
use super::ring::{Broken, Capture, Playback};
use super::{AudioEnd, AudioError, Wanted};

pub(super) type Card = card::Card<Android>;

/// Frames of sound that a burst is played from: one is being played, one is ready.
const BURSTS: i32 = 2;
const SCALE: f32 = 32_768.0;

/// Where the platform routes a voice call.
pub(super) struct Android;

/// The ends that are wanted. Nothing is opened yet: only a call may.
pub(super) fn open(
    microphone: Option<Wanted<'_>>,
    speaker: Option<Wanted<'_>>,
) -> Result<Card, AudioError> {
    let only_default = |end, Wanted(name): Wanted<'_>| match name {
        None => Ok(()),
        // Which device a call uses is the platform's choice: the app asks it for a route.
        Some(name) => {
            Err(AudioError::NoDevice { end, name: name.to_owned(), available: Vec::new() })
        }
    };
    let microphone = microphone.map(|wanted| only_default(AudioEnd::Microphone, wanted));
    let speaker = speaker.map(|wanted| only_default(AudioEnd::Speaker, wanted));
    Ok(Card {
        microphone: microphone.transpose()?.map(|()| CardMicrophone::new(Android)),
        speaker: speaker.transpose()?.map(|()| CardSpeaker::new(Android)),
    })
}

impl System for Android {
    type Stream = streams::Stream;

    fn name(&self) -> String {
        "the phone's own".to_owned()
    }

    fn capture(&self, to: Capture, broken: Broken) -> Result<(Self::Stream, u32), String> {
        streams::capture(to, broken)
    }

    fn play(&self, from: Playback, broken: Broken) -> Result<(Self::Stream, u32), String> {
        streams::play(from, broken)
    }

    fn xruns(stream: &Self::Stream) -> u64 {
        stream.xruns()
    }
}

fn take(to: &mut Capture, samples: &[i16]) {
    to.take(samples.iter().map(|sample| f32::from(*sample) / SCALE));
}

#[allow(clippy::cast_possible_truncation, reason = "clamped to the type's range")]
fn give(from: &mut Playback, slots: &mut [i16]) {
    from.give(slots.iter_mut(), |slot, sample| {
        *slot = (sample * SCALE).clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16;
    });
}

/// What ended a stream; only the first counts.
fn end(broken: &Broken, error: impl ToString) {
    let _ = broken.set(error.to_string());
}

fn rate(rate: i32) -> Result<u32, String> {
    u32::try_from(rate).map_err(|_| format!("its rate is {rate}"))
}
