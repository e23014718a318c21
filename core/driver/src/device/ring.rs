//! The rings between a device's callbacks and the media thread, the same for every system.
//!
//! A callback mixes to mono, copies and wakes; rate conversion is the media thread's work.

use super::resampler::Stream as Resampling;
use rtrb::{Consumer, Producer, RingBuffer};
use sidetone_media::Frame;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// A fifth of a second at the highest usual rate.
const RING: usize = 19_200;
/// What may wait to be played, in frames of 10 ms, before one is left out: the clocks of two devices
/// are never the same.
const MAX_QUEUED_FRAMES: usize = 8;
/// A microphone that gives nothing for so long is lost, whatever its driver says.
const DEAF: Duration = Duration::from_secs(3);

/// Why a stream has ended; the first reason is the cause.
pub(super) type Broken = Arc<OnceLock<String>>;

/// What was missed: counted by the callbacks, and by the systems of streams that are closed.
#[derive(Clone, Default)]
pub(super) struct Xruns(Arc<AtomicU64>);

impl Xruns {
    pub(super) fn missed(&self) {
        self.keep(1);
    }

    pub(super) fn keep(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// With those that an open stream has counted.
    pub(super) fn with(&self, open: Option<u64>) -> u64 {
        self.0.load(Ordering::Relaxed) + open.unwrap_or_default()
    }
}

/// The two halves of a microphone: for the callback, and for the media thread.
pub(super) fn capturing(wake: Thread, xruns: &Xruns) -> (Capture, Consumer<f32>) {
    let (producer, ring) = RingBuffer::new(RING);
    (Capture { ring: producer, wake, xruns: xruns.clone() }, ring)
}

/// The two halves of a speaker.
pub(super) fn playing(xruns: &Xruns) -> (Playback, Producer<f32>) {
    let (ring, consumer) = RingBuffer::new(RING);
    (Playback { ring: consumer, xruns: xruns.clone() }, ring)
}

/// What the capturing callback owns.
pub(super) struct Capture {
    ring: Producer<f32>,
    wake: Thread,
    xruns: Xruns,
}

impl Capture {
    /// Takes what was heard, one channel.
    pub(super) fn take(&mut self, samples: impl Iterator<Item = f32>) {
        for sample in samples {
            if self.ring.push(sample).is_err() {
                self.xruns.missed();
                break;
            }
        }
        self.wake.unpark();
    }

    /// The system came late.
    #[cfg(target_os = "ios")]
    pub(super) fn missed(&self) {
        self.xruns.missed();
    }
}

/// What the playing callback owns.
pub(super) struct Playback {
    ring: Consumer<f32>,
    xruns: Xruns,
}

impl Playback {
    /// Gives what is to be played, silence where there is nothing.
    pub(super) fn give<T>(&mut self, slots: impl Iterator<Item = T>, put: impl Fn(T, f32)) {
        let mut missed = false;
        for slot in slots {
            let sample = self.ring.pop().unwrap_or_else(|_| {
                missed = true;
                0.0
            });
            put(slot, sample);
        }
        if missed {
            self.xruns.missed();
        }
    }
}

/// A microphone on the media thread's side.
pub(super) struct Captured {
    ring: Consumer<f32>,
    resampling: Resampling,
    broken: Broken,
    last_frame: Instant,
}

impl Captured {
    pub(super) fn new(ring: Consumer<f32>, rate: u32, broken: Broken) -> Result<Self, String> {
        let resampling = Resampling::into_frames(rate)?;
        Ok(Self { ring, resampling, broken, last_frame: Instant::now() })
    }

    /// The next frame; `false` where it is not complete.
    pub(super) fn frame(&mut self, frame: &mut Frame) -> bool {
        if self.ring.pop_entire_slice(self.resampling.input()).is_err() {
            return false;
        }
        self.resampling.frame(frame);
        self.last_frame = Instant::now();
        true
    }

    pub(super) fn failure(&self) -> Option<String> {
        let deaf = || (self.last_frame.elapsed() > DEAF).then(|| "it gives no sound".to_owned());
        self.broken.get().cloned().or_else(deaf)
    }
}

/// A speaker on the media thread's side.
pub(super) struct Played {
    ring: Producer<f32>,
    resampling: Resampling,
    #[cfg_attr(target_os = "ios", allow(dead_code, reason = "its voice unit says nothing of it"))]
    broken: Broken,
    xruns: Xruns,
}

impl Played {
    pub(super) fn new(
        ring: Producer<f32>,
        rate: u32,
        broken: Broken,
        xruns: &Xruns,
    ) -> Result<Self, String> {
        let resampling = Resampling::out_of_frames(rate)?;
        Ok(Self { ring, resampling, broken, xruns: xruns.clone() })
    }

    pub(super) fn frame(&mut self, frame: &Frame) {
        let samples = self.resampling.output(frame);
        let queued = RING - self.ring.slots();
        if queued > MAX_QUEUED_FRAMES * samples.len().max(1)
            || self.ring.push_entire_slice(samples).is_err()
        {
            self.xruns.missed();
        }
    }

    #[cfg_attr(target_os = "ios", allow(dead_code, reason = "its voice unit says nothing of it"))]
    pub(super) fn failure(&self) -> Option<String> {
        self.broken.get().cloned()
    }
}
