//! What the two parties say: a file, espeak-ng where it is installed, or a voice made here.

mod synth;
mod wav;

pub(super) use wav::{read, write};

use super::hearing::{duration, samples};
use sidetone_media::SAMPLE_RATE;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The pause between two turns, in samples.
const PAUSE: usize = SAMPLE_RATE as usize / 5;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    /// The one who answers.
    Agent,
    /// The one who calls.
    Customer,
    /// The one who supervises.
    Supervisor,
}

/// The turns of the conversation, the first right after the answer.
const TURNS: [(Speaker, &str); 8] = [
    (Speaker::Customer, "Hello!"),
    (Speaker::Agent, "Sidetone support, how can I help?"),
    (Speaker::Customer, "Where is my order?"),
    (Speaker::Agent, "One moment, please."),
    (Speaker::Customer, "Thank you, take your time."),
    (Speaker::Agent, "It left the house today."),
    (Speaker::Customer, "Very good news!"),
    (Speaker::Agent, "Goodbye!"),
];
/// During this turn the agent looks it up, and the call is on hold.
const HOLD: usize = 4;

/// What three say one after the other, again and again.
const ROUND: [(Speaker, &str); 3] = [
    (Speaker::Agent, "How can I help you?"),
    (Speaker::Customer, "Where is my order?"),
    (Speaker::Supervisor, "Offer him a discount."),
];
/// So much silence is between two of them, in samples: who hears several tells them apart by it.
const BREATH: usize = SAMPLE_RATE as usize / 2;

/// A round of the agent, the customer and the supervisor, at 48 kHz, equally long, so that they stay in step when they are
/// repeated.
pub(super) struct Round {
    /// What each says of it.
    pub(super) voices: [Vec<i16>; 3],
    /// How the voices were made, in words.
    pub(super) origin: &'static str,
}

impl Round {
    /// The round.
    pub(super) fn new() -> Self {
        let (turns, origin) = spoken(&ROUND);
        let mut voices = [const { Vec::new() }; 3];
        let mut length = 0;
        for (voice, turn) in voices.iter_mut().zip(&turns) {
            voice.resize(length, 0);
            voice.extend_from_slice(turn);
            length = voice.len() + BREATH;
        }
        voices.iter_mut().for_each(|voice| voice.resize(length, 0));
        Self { voices, origin }
    }

    /// How long it lasts.
    pub(super) fn lasts(&self) -> Duration {
        duration(self.voices[0].len())
    }

    /// What one says for so long, from this time of the round on.
    pub(super) fn said(&self, voice: usize, from: Duration, time: Duration) -> Vec<i16> {
        let says = self.voices[voice].iter().copied().cycle();
        says.skip(samples(from)).take(samples(time)).collect()
    }
}

/// The turns, spoken, and how the voices were made, in words.
fn spoken(turns: &[(Speaker, &str)]) -> (Vec<Vec<i16>>, &'static str) {
    let espeak = turns.iter().map(|(who, text)| espeak(*who, text)).collect::<Option<Vec<_>>>();
    match espeak {
        Some(turns) => (turns, "espeak-ng"),
        None => {
            let turns = turns.iter().map(|(who, text)| synth::speak(*who, text)).collect();
            (turns, "made by a small synthesiser")
        }
    }
}

/// Both sides of one conversation, at 48 kHz, equally long, so that they stay in step when they are
/// repeated.
pub(super) struct Conversation {
    pub(super) agent: Vec<i16>,
    pub(super) customer: Vec<i16>,
    /// When the agent holds the call.
    pub(super) hold: Range<Duration>,
    /// How the voices were made, in words.
    pub(super) origin: &'static str,
}

impl Conversation {
    /// A conversation of at least so long. A customer's file takes the place of the customer's turns.
    pub(super) fn new(at_least: Duration, customer: Option<&Path>) -> std::io::Result<Self> {
        let wanted = samples(at_least);
        let (turns, origin) = spoken(&TURNS);
        let (mut agent, mut other) = (Vec::new(), Vec::new());
        let mut hold = Duration::ZERO..Duration::ZERO;
        while agent.len() < wanted {
            let is_first = agent.is_empty();
            for (index, ((who, _), turn)) in TURNS.iter().zip(&turns).enumerate() {
                let (speaks, listens) = match who {
                    Speaker::Agent => (&mut agent, &mut other),
                    Speaker::Customer | Speaker::Supervisor => (&mut other, &mut agent),
                };
                let from = duration(speaks.len());
                speaks.extend_from_slice(turn);
                speaks.resize(speaks.len() + PAUSE, 0);
                listens.resize(speaks.len(), 0);
                if is_first && index == HOLD {
                    hold = from..duration(speaks.len());
                }
            }
        }
        agent.truncate(wanted);
        other.truncate(wanted);
        let (customer, origin) = match customer {
            Some(file) => (read(file)?, "the customer is a recording"),
            None => (other, origin),
        };
        Ok(Self { agent, customer, hold, origin })
    }

    /// What the customer says after so much silence.
    pub(super) fn customer_after(&self, silence: Duration) -> Vec<i16> {
        std::iter::repeat_n(0, samples(silence)).chain(self.customer.iter().copied()).collect()
    }
}

/// What espeak-ng makes of the text; `None` where it is not installed or fails.
fn espeak(who: Speaker, text: &str) -> Option<Vec<i16>> {
    let (voice, pitch) = match who {
        Speaker::Agent => ("en-us+f3", "55"),
        Speaker::Customer => ("en-gb+m3", "38"),
        Speaker::Supervisor => ("en-us+f2", "70"),
    };
    let folder = tempfile::tempdir().ok()?;
    let file = folder.path().join("turn.wav");
    let status = Command::new("espeak-ng")
        .args(["-v", voice, "-p", pitch, "-s", "175", "-w"])
        .arg(&file)
        .args(["--", text])
        .output()
        .ok()?
        .status;
    let mut spoken = status.success().then(|| read(&file).ok()).flatten()?;
    trim(&mut spoken);
    (spoken.len() > SAMPLE_RATE as usize / 5).then_some(spoken)
}

/// Takes silence off both ends, so that the first word is heard at once.
fn trim(samples: &mut Vec<i16>) {
    let is_loud = |sample: &i16| sample.unsigned_abs() > 300;
    let last = samples.iter().rposition(is_loud).map_or(0, |at| at + 1);
    samples.truncate(last);
    let first = samples.iter().position(is_loud).unwrap_or(0);
    samples.drain(..first);
}

#[cfg(test)]
mod tests {
    use super::*;
    use sidetone_media::spectrum::rms_dbfs;

    #[test]
    fn one_speaks_while_the_other_listens() {
        let talk = Conversation::new(Duration::from_secs(6), None).unwrap();
        assert_eq!(talk.agent.len(), talk.customer.len());
        assert!(talk.agent.len() >= 6 * SAMPLE_RATE as usize);
        let frames = talk.agent.chunks(960).zip(talk.customer.chunks(960));
        let loud = |frame: &[i16]| rms_dbfs(frame) > -40.0;
        let (both, either) = frames.fold((0, 0), |(both, either), (a, c)| {
            (both + u32::from(loud(a) && loud(c)), either + u32::from(loud(a) || loud(c)))
        });
        assert_eq!(both, 0);
        assert!(either > 120, "{either} frames of speech");
    }

    #[test]
    fn a_customers_file_is_what_the_customer_says() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("voice.wav");
        write(&file, &sidetone_media::spectrum::sine(440.0, -12.0, SAMPLE_RATE, 48_000)).unwrap();
        let talk = Conversation::new(Duration::from_secs(3), Some(&file)).unwrap();
        assert_eq!(talk.customer.len(), 48_000);
        assert!(talk.agent.len() >= 3 * SAMPLE_RATE as usize);
    }
}
