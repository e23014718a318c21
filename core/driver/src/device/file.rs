//! WAV files as microphone and speaker.
//!
//! The speaker's file is written by a thread of its own, so that a slow disk is not heard, and its
//! header is brought up to date ten times a second, so that it can be read meanwhile, and if the process dies.

use super::resampler;
use super::{AudioEnd, AudioError};
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use rtrb::{Consumer, Producer, RingBuffer};
use sidetone_media::{Frame, SAMPLE_RATE};
use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Longer recordings are cut off here.
const MAX_SECONDS: u32 = 15 * 60;
/// What the writer may fall behind.
const BACKLOG: Duration = Duration::from_secs(4);
/// The file is brought up to date each tenth of a second.
const FRAMES_PER_FLUSH: u32 = 10;

/// A recording in place of a microphone.
pub(super) struct FileMicrophone {
    samples: Vec<i16>,
    /// The next sample; `None` before the first rewind.
    position: Option<usize>,
}

impl FileMicrophone {
    /// Reads a WAV file of any rate and any number of channels, which are mixed.
    pub(super) fn load(path: &Path) -> Result<Self, AudioError> {
        let reader = WavReader::open(path).map_err(|e| error(AudioEnd::Microphone, path, e))?;
        let spec = reader.spec();
        let limit = MAX_SECONDS as usize * spec.sample_rate as usize * usize::from(spec.channels);
        let samples: Result<Vec<f32>, _> = match spec.sample_format {
            SampleFormat::Float => reader.into_samples::<f32>().take(limit).collect(),
            SampleFormat::Int => {
                let scale = 1.0 / (1_i64 << (spec.bits_per_sample - 1)) as f32;
                let samples = reader.into_samples::<i32>().take(limit);
                samples.map(|s| s.map(|s| s as f32 * scale)).collect()
            }
        };
        let samples = samples.map_err(|e| error(AudioEnd::Microphone, path, e))?;
        let channels = usize::from(spec.channels.max(1));
        let mono: Vec<f32> = samples
            .chunks_exact(channels)
            .map(|frame| frame.iter().sum::<f32>() / channels as f32)
            .collect();
        let samples = resampler::to_48k(&mono, spec.sample_rate)
            .map_err(|e| error(AudioEnd::Microphone, path, e))?;
        if samples.is_empty() {
            return Err(error(AudioEnd::Microphone, path, "there is no sound in it"));
        }
        Ok(Self { samples, position: None })
    }

    pub(super) fn rewind(&mut self) {
        self.position = Some(0);
    }

    pub(super) fn stop(&mut self) {
        self.position = None;
    }

    pub(super) fn capture(&mut self, frame: &mut Frame) {
        let Some(position) = &mut self.position else {
            return frame.fill(0);
        };
        for sample in frame {
            *sample = self.samples[*position];
            *position = (*position + 1) % self.samples.len();
        }
    }
}

/// A recording of what would be heard.
pub(super) struct FileSpeaker {
    ring: Option<Producer<i16>>,
    writer: Option<JoinHandle<()>>,
    path: String,
    broken: Arc<OnceLock<String>>,
    unwritten: u32,
    lost: u64,
}

impl FileSpeaker {
    /// Begins a 48 kHz mono WAV file.
    pub(super) fn create(path: &Path) -> Result<Self, AudioError> {
        let spec = WavSpec {
            channels: 1,
            sample_rate: SAMPLE_RATE,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let mut file =
            WavWriter::create(path, spec).map_err(|e| error(AudioEnd::Speaker, path, e))?;
        file.flush().map_err(|e| error(AudioEnd::Speaker, path, e))?;
        let room = BACKLOG.as_secs() as usize * SAMPLE_RATE as usize;
        let (producer, consumer) = RingBuffer::new(room);
        let broken = Arc::default();
        let writer = thread::Builder::new()
            .name("sidetone-wav".to_owned())
            .spawn({
                let broken = Arc::clone(&broken);
                move || write(file, consumer, &broken)
            })
            .map_err(|e| error(AudioEnd::Speaker, path, e))?;
        let path = path.display().to_string();
        let (ring, writer) = (Some(producer), Some(writer));
        Ok(Self { ring, writer, path, broken, unwritten: 0, lost: 0 })
    }

    /// Whether such a file could be written; one that is there stays as it is.
    pub(super) fn examine(path: &Path) -> Result<(), AudioError> {
        let is_new = !path.exists();
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        options.open(path).map_err(|e| error(AudioEnd::Speaker, path, e))?;
        match is_new {
            true => std::fs::remove_file(path).map_err(|e| error(AudioEnd::Speaker, path, e)),
            false => Ok(()),
        }
    }

    /// Why it is not written any more, once.
    pub(super) fn failure(&mut self) -> Option<AudioError> {
        let detail = self.broken.get()?;
        // Nothing more is put in, which also marks it as told.
        self.ring.take()?;
        let (name, detail) = (self.path.clone(), detail.clone());
        Some(AudioError::Lost { end: AudioEnd::Speaker, name, detail })
    }

    pub(super) fn play(&mut self, frame: &Frame) {
        let Some(ring) = &mut self.ring else { return };
        if ring.push_entire_slice(frame).is_err() {
            self.lost += 1;
        }
        self.unwritten += 1;
        if self.unwritten == FRAMES_PER_FLUSH {
            self.flush();
        }
    }

    /// Brings the file up to date without waiting for it.
    pub(super) fn flush(&mut self) {
        self.unwritten = 0;
        self.wake();
    }

    pub(super) fn xruns(&self) -> u64 {
        self.lost
    }

    fn wake(&self) {
        if let Some(writer) = &self.writer {
            writer.thread().unpark();
        }
    }
}

impl Drop for FileSpeaker {
    fn drop(&mut self) {
        // Its end is what the writer ends by.
        self.ring = None;
        self.wake();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            log::error!("the recording was not finished");
        }
    }
}

fn write(mut file: WavWriter<BufWriter<File>>, mut ring: Consumer<i16>, broken: &OnceLock<String>) {
    loop {
        let over = ring.is_abandoned();
        let waiting = ring.slots();
        if let Err(error) = append(&mut file, &mut ring, waiting) {
            log::error!("the recording cannot be written: {error}");
            // It is set here only.
            let _ = broken.set(error.to_string());
            return;
        }
        if over {
            return;
        }
        thread::park();
    }
}

fn append(
    file: &mut WavWriter<BufWriter<File>>,
    ring: &mut Consumer<i16>,
    count: usize,
) -> hound::Result<()> {
    if count == 0 {
        return Ok(());
    }
    let Ok(chunk) = ring.read_chunk(count) else { return Ok(()) };
    for sample in chunk {
        file.write_sample(sample)?;
    }
    file.flush()
}

fn error(end: AudioEnd, path: &Path, detail: impl ToString) -> AudioError {
    AudioError::File { end, path: path.display().to_string(), detail: detail.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn temporary(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("sidetone-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder.join(name)
    }

    fn wav(name: &str, rate: u32, channels: u16, samples: &[i16]) -> PathBuf {
        let path = temporary(name);
        let spec = WavSpec {
            channels,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let mut writer = WavWriter::create(&path, spec).unwrap();
        samples.iter().for_each(|s| writer.write_sample(*s).unwrap());
        writer.finalize().unwrap();
        path
    }

    #[test]
    fn a_file_begins_when_it_is_rewound_and_repeats() {
        let samples: Vec<i16> = (0..720).collect();
        let mut file = FileMicrophone::load(&wav("ramp.wav", 48_000, 1, &samples)).unwrap();
        let mut frame = [7; 480];
        file.capture(&mut frame);
        assert!(frame.iter().all(|s| *s == 0), "silent before the first rewind");
        file.rewind();
        file.capture(&mut frame);
        assert_eq!((frame[0], frame[479]), (0, 479));
        file.capture(&mut frame);
        assert_eq!((frame[0], frame[239], frame[240]), (480, 719, 0), "it repeats without a gap");
        file.rewind();
        file.capture(&mut frame);
        assert_eq!(frame[0], 0);
    }

    #[test]
    fn stereo_at_another_rate_becomes_48_khz_mono() {
        let samples = [1000, 3000].repeat(16_000);
        let file = FileMicrophone::load(&wav("stereo.wav", 16_000, 2, &samples)).unwrap();
        assert!(file.samples.len().abs_diff(48_000) < 100);
        assert!(file.samples[24_000].abs_diff(2000) < 20, "channels are mixed");
    }

    #[test]
    fn what_is_no_recording_is_a_typed_error() {
        let text = temporary("text.wav");
        std::fs::write(&text, "no sound").unwrap();
        for path in [text, temporary("missing.wav"), wav("empty.wav", 48_000, 1, &[])] {
            let refused = FileMicrophone::load(&path);
            assert!(matches!(refused, Err(AudioError::File { .. })), "{}", path.display());
        }
    }

    #[test]
    fn a_recording_can_be_read_while_it_is_made() {
        let path = temporary("speaker.wav");
        let mut speaker = FileSpeaker::create(&path).unwrap();
        assert_eq!(WavReader::open(&path).unwrap().len(), 0, "a valid file from the start");
        for _ in 0..50 {
            speaker.play(&[1234; 480]);
        }
        let deadline = std::time::Instant::now() + Duration::from_secs(3);
        while WavReader::open(&path).unwrap().len() < 50 * 480 {
            assert!(std::time::Instant::now() < deadline, "the header is not brought up to date");
            thread::sleep(Duration::from_millis(10));
        }
        speaker.play(&[4321; 480]);
        drop(speaker);
        let samples: Vec<i16> =
            WavReader::open(&path).unwrap().into_samples().map(Result::unwrap).collect();
        assert_eq!((samples.len(), samples[0], samples[51 * 480 - 1]), (51 * 480, 1234, 4321));
    }

    #[test]
    fn a_recording_that_cannot_go_on_is_told_once() {
        let mut speaker = FileSpeaker::create(&temporary("full.wav")).unwrap();
        assert!(speaker.failure().is_none());
        speaker.broken.set("the disk is full".to_owned()).unwrap();
        let told = speaker.failure().unwrap();
        assert_eq!(told.end(), Some(AudioEnd::Speaker));
        assert!(told.to_string().contains("the disk is full"), "{told}");
        assert!(speaker.failure().is_none());
    }

    #[test]
    fn to_examine_a_recording_does_not_harm_it() {
        let (old, new) = (wav("old.wav", 48_000, 1, &[1, 2, 3]), temporary("new.wav"));
        FileSpeaker::examine(&old).unwrap();
        FileSpeaker::examine(&new).unwrap();
        assert_eq!(WavReader::open(&old).unwrap().len(), 3);
        assert!(!new.exists());
        assert!(FileSpeaker::examine(&temporary("no/such/folder.wav")).is_err());
    }
}
