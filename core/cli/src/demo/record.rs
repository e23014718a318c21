//! What is kept of a demonstration: everything that the report shows and the verdict judges. All
//! times are counted from when the agent's phone begins to connect.

use super::hearing::{self, Hearing, Track, audible};
use super::ladder::Rung;
use sidetone_phone::{QualityReport, UnixTime};
use std::ops::Range;
use std::time::Duration;

/// What a held phone may still hear while the hold takes effect.
const HOLD_GRACE: Duration = Duration::from_millis(400);
/// More than this, and a held phone hears somebody.
const HOLD_NOISE: Duration = Duration::from_millis(100);
/// The frame in which the first packet's sound was caught.
const PACKET: Duration = Duration::from_millis(20);

/// One demonstration.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    /// The server, in words.
    pub(super) server: String,
    /// Its address.
    pub(super) url: String,
    /// What the customer dialled.
    pub(super) number: String,
    /// How the voices were made.
    pub(super) voices: String,
    /// When it began.
    pub(super) began: UnixTime,
    /// The agent's signalling.
    pub(super) ladder: Vec<Rung>,
    /// What happened, in order.
    pub(super) milestones: Vec<Milestone>,
    /// The one who answers.
    pub(super) agent: Party,
    /// The one who calls.
    pub(super) customer: Party,
    /// When the agent was registered.
    pub(super) registered: Option<Duration>,
    /// When the agent held the call.
    pub(super) holds: Vec<Range<Duration>>,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub(super) struct Milestone {
    /// When.
    pub(super) at: Duration,
    /// To whom.
    pub(super) who: Who,
    /// What, in words.
    pub(super) text: String,
}

/// The two phones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// The one who answers.
    Agent,
    /// The one who calls.
    Customer,
}

/// What is kept of one phone.
#[derive(Debug, Clone, Default)]
pub(super) struct Party {
    /// The user.
    pub(super) user: String,
    /// When the call was answered, as this phone saw it.
    pub(super) answered: Option<Duration>,
    /// When it ended here.
    pub(super) ended: Option<Duration>,
    /// From the answer to the first packet that left.
    pub(super) first_sent: Option<Duration>,
    /// From the answer to the first sound.
    pub(super) first_heard: Option<Duration>,
    /// The figures of each second.
    pub(super) quality: Vec<(Duration, QualityReport)>,
    /// What went into the microphone.
    pub(super) said: Track,
    /// What came out of the speaker.
    pub(super) heard: Track,
}

/// Did they hear each other?
#[derive(Debug, Clone)]
pub(super) struct Verdict {
    /// The customer's ear at the agent's mouth.
    pub(super) customer: Hearing,
    /// The agent's ear at the customer's mouth.
    pub(super) agent: Hearing,
    /// What the agent heard on hold, where there was one.
    pub(super) on_hold: Option<Duration>,
}

/// One sentence of the verdict.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    pub(super) good: bool,
    pub(super) text: String,
}

impl Record {
    /// The party.
    pub(super) fn party(&mut self, who: Who) -> &mut Party {
        match who {
            Who::Agent => &mut self.agent,
            Who::Customer => &mut self.customer,
        }
    }

    /// From the agent's answer to the end of the call.
    pub(super) fn talk(&self) -> Range<Duration> {
        let from = self.agent.answered.unwrap_or_default();
        from..self.agent.ended.unwrap_or(from).max(from)
    }

    /// When the two could hear each other.
    fn conversation(&self) -> Vec<Range<Duration>> {
        let talk = self.talk();
        let mut parts = Vec::new();
        let mut from = talk.start;
        for hold in &self.holds {
            parts.push(from..hold.start.saturating_sub(HOLD_GRACE).max(from));
            from = hold.end + HOLD_GRACE;
        }
        parts.push(from..talk.end.max(from));
        parts
    }

    /// Judges.
    pub(super) fn verdict(&self) -> Verdict {
        let counts = self.conversation();
        let quiet = self.holds.iter().map(|hold| hold.start + HOLD_GRACE..hold.end);
        let heard_on_hold = quiet.map(|time| audible(self.agent.heard.within(&time))).sum();
        Verdict {
            customer: Hearing::compare(&self.agent.said, &self.customer.heard, &counts),
            agent: Hearing::compare(&self.customer.said, &self.agent.heard, &counts),
            on_hold: (!self.holds.is_empty()).then_some(heard_on_hold),
        }
    }

    /// The packets that both phones missed, and all that were sent to them.
    pub(super) fn lost(&self) -> (u64, u64) {
        let last = [&self.agent, &self.customer].into_iter().filter_map(Party::last);
        last.fold((0, 0), |(lost, all), report| {
            (lost + report.packets_lost, all + report.packets_lost + report.packets_received)
        })
    }

    /// From the agent's answer to his first sound at the customer's ear: his first packet, and its
    /// way.
    pub(super) fn first_at_customer(&self, verdict: &Verdict) -> Option<Duration> {
        Some(self.agent.first_sent?.saturating_sub(PACKET) + verdict.customer.lag)
    }
}

impl Party {
    /// Puts both recordings into time. The ear's ends with the call and ran on evenly; the microphone
    /// plays its `voice` again and again, from the moment when it was opened.
    pub(super) fn recorded(&mut self, voice: &[i16], ear: Vec<i16>) {
        let ended = self.ended.unwrap_or_default();
        let heard_from = ended.saturating_sub(hearing::duration(ear.len()));
        let said_from = heard_from.max(self.answered.unwrap_or_default());
        let count = hearing::samples(ended.saturating_sub(said_from));
        let samples = voice.iter().copied().cycle().take(count).collect();
        self.said = Track { from: said_from, samples };
        self.heard = Track { from: heard_from, samples: ear };
    }

    /// The last figures.
    pub(super) fn last(&self) -> Option<&QualityReport> {
        self.quality.last().map(|(_, report)| report)
    }
}

impl Verdict {
    /// Whether all is well.
    pub(super) fn is_good(&self) -> bool {
        self.findings().iter().all(|finding| finding.good)
    }

    /// In words.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = vec![
            sentence("customer", "agent", &self.customer),
            sentence("agent", "customer", &self.agent),
        ];
        if let Some(heard) = self.on_hold {
            let good = heard <= HOLD_NOISE;
            let text = match good {
                true => "On hold the agent heard nothing".to_owned(),
                false => format!("On hold the agent still heard {}", seconds(heard)),
            };
            findings.push(Finding { good, text });
        }
        findings
    }
}

fn sentence(ear: &str, mouth: &str, hearing: &Hearing) -> Finding {
    let Hearing { lag, likeness, heard, said } = hearing;
    let good = hearing.is_good();
    let text = match good {
        true => format!(
            "The {ear} heard the {mouth}: {} of {} of speech, {:.0} % alike, {} ms from mouth to ear",
            seconds(*heard).trim_end_matches(" s"),
            seconds(*said),
            likeness * 100.0,
            lag.as_millis()
        ),
        false => format!(
            "The {ear} did not hear the {mouth}: {} of {} of speech, {:.0} % alike",
            seconds(*heard).trim_end_matches(" s"),
            seconds(*said),
            likeness.max(0.0) * 100.0
        ),
    };
    Finding { good, text }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_hold_and_its_edges_do_not_count_as_conversation() {
        let mut record = Record { holds: vec![at(4_000)..at(5_000)], ..Record::default() };
        record.agent.answered = Some(at(1_000));
        record.agent.ended = Some(at(9_000));
        assert_eq!(record.conversation(), [at(1_000)..at(3_600), at(5_400)..at(9_000)]);
    }

    #[test]
    fn a_recording_ends_with_the_call() {
        let mut party =
            Party { answered: Some(at(2_000)), ended: Some(at(5_000)), ..Party::default() };
        party.recorded(&[1, 2, 3], vec![0; 48 * 3_500]);
        assert_eq!((party.heard.from, party.said.from), (at(1_500), at(2_000)));
        assert_eq!(party.said.samples.len(), 48 * 3_000);
        assert_eq!(party.said.samples[..4], [1, 2, 3, 1]);
    }

    #[test]
    fn silence_is_a_verdict_in_words() {
        let verdict = Record::default().verdict();
        assert!(!verdict.is_good());
        let words = &verdict.findings()[0].text;
        assert!(words.starts_with("The customer did not hear the agent"), "{words}");
    }

    #[test]
    fn whoever_hears_something_on_hold_is_told() {
        let samples = sidetone_media::spectrum::sine(440.0, -12.0, 48_000, 4 * 48_000);
        let mut record = Record { holds: vec![at(1_000)..at(3_000)], ..Record::default() };
        record.agent.heard = Track { from: at(0), samples };
        let findings = record.verdict().findings();
        assert!(!findings[2].good && findings[2].text.contains("1.6 s"), "{:?}", findings[2]);
    }
}
