//! Tones that tell who is heard: drawn anew in each run, changed in mid-call, found by their
//! spectrum in what the other side was given.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// The sample rate of a phone's files, in Hz.
pub const RATE: u32 = 48_000;
/// A tone louder than this is heard, in dBFS; the tones are sent at -12.
pub const HEARD: f64 = -30.0;
/// A tone quieter than this is not heard.
pub const SILENT: f64 = -48.0;

/// A sample as loud as this is no tone any more.
const CRACK: u16 = 32_000;
/// The loudest of a tone that is sent, of the full scale.
const LOUDEST: f64 = 0.25;
/// How often in a second it swells, and by what part of its mean.
const SWELLS: f64 = 3.0;
const DEPTH: f64 = 0.3;

/// A tone of a grid on which no two are confused and no harmonic of one is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tone(u32);

impl Tone {
    /// The tones that can be drawn, in Hz: off the server's own ([`Self::SERVER`]) by far.
    const GRID: [u32; 12] = [530, 580, 630, 810, 870, 1150, 1230, 1310, 1490, 1550, 1790, 1870];

    /// The music of the server.
    pub const MUSIC: Self = Self(460);
    /// What the server plays before an answer.
    pub const EARLY: Self = Self(700);
    /// What the server plays after an answer.
    pub const ANSWERED: Self = Self(1000);
    /// What a phone plays to its agent when it has answered by itself.
    pub const ALERT: Self = Self(1650);
    /// What a phone plays to its agent while a call waits.
    pub const WAITING: Self = Self(425);
    /// One half of what the digit D sounds like.
    pub const DIGIT_D: Self = Self(1633);
    /// All that the server plays.
    pub const SERVER: [Self; 3] = [Self::MUSIC, Self::EARLY, Self::ANSWERED];

    /// So many different tones, other ones in each run.
    pub fn draw<const N: usize>() -> [Self; N] {
        static DRAWN: AtomicU64 = AtomicU64::new(0);
        let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut seed = nanos.as_nanos() as u64 ^ DRAWN.fetch_add(0x9E37_79B9, Ordering::Relaxed);
        let mut grid = Self::GRID;
        for index in (1..grid.len()).rev() {
            // xorshift64: only that the runs differ matters.
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            grid.swap(index, (seed % (index as u64 + 1)) as usize);
        }
        std::array::from_fn(|index| Self(grid[index]))
    }

    /// Everything that anybody could make.
    pub fn all() -> Vec<Self> {
        Self::GRID
            .map(Self)
            .into_iter()
            .chain(Self::SERVER)
            .chain([Self::ALERT, Self::WAITING])
            .collect()
    }

    /// Its frequency in Hz.
    pub fn frequency(self) -> f64 {
        f64::from(self.0)
    }
}

impl std::fmt::Display for Tone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} Hz", self.0)
    }
}

/// What somebody says: one part after the other, then from the start again.
#[derive(Debug, Clone, Default)]
pub struct Voice(pub Vec<(Option<Tone>, Duration)>);

impl Voice {
    /// Nothing.
    pub fn silence() -> Self {
        Self::default()
    }

    /// Two tones in turn, so that who stayed with an old one is found out.
    pub fn swapping([first, second]: [Tone; 2]) -> Self {
        let part = Duration::from_secs(2);
        Self(vec![(Some(first), part), (Some(second), part)])
    }

    /// Two tones in turn and then silence, in which nobody may be heard.
    pub fn swapping_and_silent([first, second]: [Tone; 2]) -> Self {
        let part = Duration::from_secs(2);
        Self(vec![(Some(first), part), (Some(second), part), (None, part)])
    }

    /// One tone for ever.
    pub fn steady(tone: Tone) -> Self {
        Self(vec![(Some(tone), Duration::from_secs(1))])
    }

    /// As `scripts/customer` wants it: `600:2,850:2`. It knows no silence.
    pub fn as_argument(&self) -> String {
        let parts = self
            .0
            .iter()
            .filter_map(|(tone, time)| Some(format!("{}:{}", (*tone)?.0, time.as_secs())));
        parts.collect::<Vec<_>>().join(",")
    }

    /// Writes it as a WAV file, at -12 dBFS, swelling three times a second: of a tone that is always the same Opus sends what has
    /// changed, and whoever begins to decode in the middle of it (as a server does that is asked to mix) may go astray to full scale.
    pub fn write(&self, path: &Path) {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: RATE,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(path, spec).expect("the voice can be written");
        let wave = |hertz: f64, index: u32| {
            (hertz * f64::from(index) / f64::from(RATE) * std::f64::consts::TAU).sin()
        };
        for (tone, length) in &self.0 {
            for index in 0..(length.as_secs_f64() * f64::from(RATE)) as u32 {
                let swell = (1.0 + DEPTH * wave(SWELLS, index)) / (1.0 + DEPTH);
                let sample = tone.map_or(0.0, |tone| wave(tone.frequency(), index))
                    * swell
                    * LOUDEST
                    * f64::from(i16::MAX);
                writer.write_sample(sample as i16).expect("the voice can be written");
            }
        }
        writer.finalize().expect("the voice can be closed");
    }
}

/// What an ear was given.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    samples: Vec<i16>,
    rate: u32,
}

impl Heard {
    const HEADER: u64 = 44;

    /// Reads a mono WAV file of 16 bits, also one that is still being written.
    pub fn read(path: &Path) -> Self {
        Self::read_from(path, 0)
    }

    /// The same from this sample on.
    pub fn read_from(path: &Path, start: u64) -> Self {
        use std::io::{Read as _, Seek as _, SeekFrom};
        let mut bytes = Vec::new();
        let mut rate = [0; 4];
        let read = std::fs::File::open(path).and_then(|mut file| {
            file.seek(SeekFrom::Start(24))?;
            file.read_exact(&mut rate)?;
            file.seek(SeekFrom::Start(Self::HEADER + 2 * start))?;
            file.read_to_end(&mut bytes)
        });
        // A file that does not exist yet is an ear that was given nothing.
        if read.is_err() {
            return Self::default();
        }
        let samples =
            bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        Self { samples, rate: u32::from_le_bytes(rate) }
    }

    /// How many samples a file has by now.
    pub fn count(path: &Path) -> u64 {
        let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        bytes.saturating_sub(Self::HEADER) / 2
    }

    /// The part from `start` on, so long.
    pub fn part(&self, start: Duration, length: Duration) -> Self {
        let at = |time: Duration| {
            ((time.as_secs_f64() * f64::from(self.rate)) as usize).min(self.samples.len())
        };
        let samples = self.samples[at(start)..at(start + length)].to_vec();
        Self { samples, rate: self.rate }
    }

    /// The last part, so long.
    pub fn last(&self, length: Duration) -> Self {
        self.part(self.length().saturating_sub(length), length)
    }

    /// How long it is.
    pub fn length(&self) -> Duration {
        Duration::from_secs_f64(self.samples.len() as f64 / f64::from(self.rate.max(1)))
    }

    /// The level of a tone in it, in dBFS (Goertzel, with a Hann window against leakage).
    pub fn level(&self, tone: Tone) -> f64 {
        let count = self.samples.len();
        if count < 2 {
            return -127.0;
        }
        let turn = std::f64::consts::TAU * tone.frequency() / f64::from(self.rate);
        let slope = std::f64::consts::TAU / (count - 1) as f64;
        let factor = 2.0 * turn.cos();
        let (mut last, mut before) = (0.0, 0.0);
        for (index, sample) in self.samples.iter().enumerate() {
            let window = 1.0 - (slope * index as f64).cos();
            let value = window * f64::from(*sample) / 32768.0 + factor * last - before;
            (last, before) = (value, last);
        }
        let power = last * last + before * before - factor * last * before;
        20.0 * (2.0 * power.max(0.0).sqrt() / count as f64).max(1e-6).log10()
    }

    /// The longest time on end in which nothing is heard, in steps of ten milliseconds.
    pub fn longest_silence(&self) -> Duration {
        let window = Duration::from_millis(10);
        let (mut at, mut silent, mut longest) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        while at + window <= self.length() {
            let is_silent = self.part(at, window).is_silent();
            silent = if is_silent { silent + window } else { Duration::ZERO };
            longest = longest.max(silent);
            at += window;
        }
        longest
    }

    /// The longest time on end in which this tone is not heard, whatever is heard beside it, in steps of ten milliseconds.
    /// Less than 40 ms is not seen.
    pub fn longest_without(&self, tone: Tone) -> Duration {
        let (window, step) = (Duration::from_millis(40), Duration::from_millis(10));
        let (mut at, mut since, mut longest) = (Duration::ZERO, None, Duration::ZERO);
        while at + window <= self.length() {
            if self.part(at, window).level(tone) > HEARD {
                since = None;
            } else {
                longest = longest.max(at + window - *since.get_or_insert(at));
            }
            at += step;
        }
        longest
    }

    /// From when until when this tone is heard, whatever is heard beside it, each time: where it is there for two tenths
    /// of a second on end.
    pub fn times(&self, tone: Tone) -> Vec<std::ops::Range<Duration>> {
        let window = Duration::from_millis(100);
        let (mut at, mut since, mut times) = (Duration::ZERO, None, Vec::new());
        while at + window <= self.length() {
            if self.part(at, window).level(tone) > HEARD {
                since.get_or_insert(at);
            } else {
                times.extend(since.take().map(|since| since..at));
            }
            at += window;
        }
        times.extend(since.map(|since| since..at));
        times.retain(|time| time.end - time.start >= 2 * window);
        times
    }

    /// The level of everything in it, in dBFS.
    pub fn loudness(&self) -> f64 {
        if self.samples.is_empty() {
            return -127.0;
        }
        let sum: f64 = self.samples.iter().map(|s| (f64::from(*s) / 32768.0).powi(2)).sum();
        (10.0 * (sum / self.samples.len() as f64).max(1e-12).log10()).max(-127.0)
    }

    /// Whether exactly this of all the tones that anybody makes is heard.
    pub fn is_only(&self, wanted: Tone) -> bool {
        self.are_only(&[wanted])
    }

    /// Whether exactly these of all the tones that anybody makes are heard, at once.
    pub fn are_only(&self, wanted: &[Tone]) -> bool {
        // Opus takes several tones for speech: what it adds beside them lies 20 to 35 dB below them.
        let foreign = if wanted.len() > 1 { HEARD } else { SILENT };
        Tone::all().into_iter().all(|tone| match wanted.contains(&tone) {
            true => self.level(tone) > HEARD,
            false => self.level(tone) < foreign,
        })
    }

    /// Whether nothing is heard.
    pub fn is_silent(&self) -> bool {
        self.loudness() < SILENT
    }

    /// The tones in it, with their levels, for messages.
    pub fn describe(&self) -> String {
        let tones = Tone::all().into_iter().map(|tone| (tone, self.level(tone)));
        let loud: Vec<String> = tones
            .filter(|(_, level)| *level > SILENT)
            .map(|(tone, level)| format!("{tone} at {level:.0} dBFS"))
            .collect();
        let length = self.length().as_millis();
        let loudness = self.loudness();
        format!("{length} ms at {loudness:.0} dBFS in all: {}", loud.join(", "))
    }

    /// How often a tone begins from `start` on, whatever is heard beside it: it counts where it is there for two
    /// tenths of a second on end.
    pub fn begins(&self, tone: Tone, start: Duration) -> usize {
        self.part(start, self.length()).times(tone).len()
    }

    /// How often a short tone is heard, whatever is heard beside it: one of 60 ms at least, with as long a rest after it.
    pub fn beeps(&self, tone: Tone) -> usize {
        let (window, step) = (Duration::from_millis(60), Duration::from_millis(10));
        let (mut at, mut sounds, mut count) = (Duration::ZERO, false, 0);
        while at + window <= self.length() {
            let before = std::mem::replace(&mut sounds, self.part(at, window).level(tone) > HEARD);
            count += usize::from(sounds && !before);
            at += step;
        }
        count
    }

    /// Fails where a tone was heard at any time that is none of these, in two tenths of a second on end (where
    /// a tone of its own begins or breaks off, its neighbours show for a moment), or a crack.
    #[track_caller]
    pub fn assert_never_but(&self, allowed: &[Tone], who: &str) {
        let window = Duration::from_millis(100);
        let foreign: Vec<Tone> =
            Tone::all().into_iter().filter(|tone| !allowed.contains(tone)).collect();
        let mut before: Vec<Tone> = Vec::new();
        let mut start = Duration::ZERO;
        while start + window <= self.length() {
            let part = self.part(start, window);
            let peak = part.samples.iter().map(|sample| sample.unsigned_abs()).max();
            assert!(peak < Some(CRACK), "{who} heard a crack {start:?} in");
            let level = |tone: &Tone| part.level(*tone);
            let heard: Vec<Tone> =
                foreign.iter().copied().filter(|tone| level(tone) >= HEARD).collect();
            if let Some(tone) = heard.iter().find(|tone| before.contains(tone)) {
                let level = level(tone);
                panic!("{who} heard {tone} at {level:.0} dBFS {start:?} in, not only {allowed:?}");
            }
            before = heard;
            start += window;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(voice: &Voice) -> Heard {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tones-{}-{number}", std::process::id()));
        voice.write(&path);
        let heard = Heard::read(&path);
        std::fs::remove_file(path).unwrap();
        heard
    }

    #[test]
    fn beeps_are_counted() {
        let [other, _] = Tone::draw();
        let ms = Duration::from_millis;
        let beep = (Some(Tone::ALERT), ms(120));
        let heard = written(&Voice(vec![(Some(other), ms(500)), beep, (None, ms(80)), beep]));
        assert_eq!(heard.beeps(Tone::ALERT), 2);
        assert_eq!(heard.beeps(Tone::WAITING), 0);
    }

    #[test]
    fn tones_are_told_apart() {
        let [one, two, third] = Tone::draw();
        let heard = written(&Voice::swapping_and_silent([one, two]));
        let second = Duration::from_secs(1);
        assert_eq!(heard.length(), 6 * second);
        assert!(heard.part(Duration::ZERO, second).is_only(one));
        assert!(!heard.part(Duration::ZERO, second).is_only(two));
        assert!(heard.part(3 * second, second).is_only(two));
        assert!(!heard.part(2 * second - second / 2, second).is_only(two), "two at once");
        assert!(heard.last(second).is_silent());
        assert!(!heard.last(second).is_only(third));
        heard.assert_never_but(&[one, two], "the reader");
    }

    #[test]
    fn a_tone_that_comes_and_goes_is_counted() {
        let [one, two] = Tone::draw();
        let heard = written(&Voice::swapping_and_silent([one, two]));
        assert_eq!((heard.begins(one, Duration::ZERO), heard.begins(two, Duration::ZERO)), (1, 1));
        assert_eq!(heard.begins(one, Duration::from_secs(3)), 0);
    }

    #[test]
    fn the_longest_silence_is_found() {
        let [one, two] = Tone::draw();
        let heard = written(&Voice::swapping_and_silent([one, two]));
        let silence = heard.longest_silence();
        assert!((1.9..2.1).contains(&silence.as_secs_f64()), "{silence:?}");
        assert_eq!(written(&Voice::steady(one)).longest_silence(), Duration::ZERO);
    }

    #[test]
    fn when_a_tone_is_heard_and_how_long_it_is_missed_is_found() {
        let [one, two] = Tone::draw();
        let heard = written(&Voice::swapping_and_silent([one, two]));
        let missed = heard.longest_without(two).as_secs_f64();
        assert!((1.95..2.1).contains(&missed), "{missed}");
        let seconds = Duration::from_secs;
        assert_eq!(heard.times(two), [seconds(2)..seconds(4)]);
        let steady = written(&Voice::steady(one));
        assert_eq!(steady.longest_without(one), Duration::ZERO);
        assert_eq!(steady.longest_without(two), seconds(1));
        assert_eq!(steady.times(one), [Duration::ZERO..seconds(1)]);
    }

    #[test]
    #[should_panic(expected = "heard")]
    fn a_tone_that_nobody_should_hear_is_found() {
        let [one, two] = Tone::draw();
        written(&Voice::swapping([one, two])).assert_never_but(&[one], "the reader");
    }

    #[test]
    #[should_panic(expected = "heard")]
    fn a_quarter_of_a_second_of_it_is_enough() {
        let [one, two] = Tone::draw();
        let part = |tone, millis| (Some(tone), Duration::from_millis(millis));
        let voice = Voice(vec![part(one, 1_030), part(two, 250), part(one, 1_000)]);
        written(&voice).assert_never_but(&[one], "the reader");
    }

    #[test]
    #[should_panic(expected = "a crack")]
    fn a_crack_is_found() {
        let [one] = Tone::draw();
        let mut heard = written(&Voice::steady(one));
        heard.samples[30_000] = i16::MIN;
        heard.assert_never_but(&[one], "the reader");
    }

    #[test]
    fn an_ear_without_a_file_heard_nothing() {
        let path = Path::new("/nowhere.wav");
        assert_eq!(Heard::count(path), 0);
        assert!(Heard::read(path).is_silent());
    }
}
