//! Who said and heard what in each mode of the supervision, and whether that is as it should be.

use super::super::hearing::{Hearing, Track, audible, samples};
use super::super::record::{Finding, Party};
use super::{MODES, Who};
use sidetone_phone::SupervisionMode;
use std::ops::Range;
use std::time::Duration;

/// What is said so soon after a mode began, or so late before it ends, may be heard in either.
const EDGE: Duration = Duration::from_millis(400);
/// Two who speak one after the other are told apart by so much silence; a way from mouth to ear is shorter.
const GUARD: Duration = Duration::from_millis(250);
/// Too little to judge by.
const LEAST: Duration = Duration::from_millis(400);
/// From here on it is the same voice; another's reaches at most half of it. Who is let through is judged, and not how well:
/// a busy machine loses some of it.
const ALIKE: f32 = 0.6;
/// The three of the call.
pub(super) const VOICES: [Who; 3] = [Who::Agent, Who::Customer, Who::Supervisor];

/// One demonstration. Times are counted from when it began.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// What the agent, the customer and the supervisor said and heard.
    pub(super) parties: [Party; 3],
    /// From its confirmation to its end, each mode.
    pub(super) modes: Vec<(SupervisionMode, Range<Duration>)>,
    /// From the request to the confirmation, of each.
    pub(super) confirmed_after: Vec<Duration>,
    /// What else is to be true, with its name for scripts.
    pub(super) findings: Vec<(&'static str, Finding)>,
}

/// Whether one heard another.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    /// In this mode, where the mode decides it; else in all of them.
    pub(super) mode: Option<SupervisionMode>,
    pub(super) ear: Who,
    pub(super) mouth: Who,
    /// Whether it was to be so.
    pub(super) expected: bool,
    pub(super) hearing: Hearing,
}

/// Everybody's ear at everybody else's mouth, and the rest.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) heard: Vec<Judged>,
    pub(super) findings: Vec<(&'static str, Finding)>,
}

impl Verdict {
    /// Whether all is as it should be.
    pub(super) fn is_good(&self) -> bool {
        self.heard.len() == 4 + MODES.len() * 2
            && self.heard.iter().all(Judged::is_good)
            && self.findings.iter().all(|(_, finding)| finding.good)
    }
}

impl Judged {
    /// Whether it was as it should be.
    pub(super) fn is_good(&self) -> bool {
        let Hearing { heard, said, likeness, .. } = self.hearing;
        match self.expected {
            true => said > LEAST && heard * 10 >= said * 7 && likeness >= ALIKE,
            false => said > LEAST && heard * 10 <= said,
        }
    }

    /// Its name for scripts.
    pub(super) fn name(&self) -> String {
        let word = |who| match who {
            Who::Agent => "agent",
            Who::Other => "other",
            Who::Customer => "customer",
            Who::Supervisor => "supervisor",
        };
        let not = if self.expected { "" } else { "no_" };
        let mode = self.mode.map(|mode| format!("{mode}_")).unwrap_or_default();
        format!("{mode}{}_hears_{not}{}", word(self.ear), word(self.mouth))
    }

    /// In a sentence.
    pub(super) fn text(&self) -> String {
        let Hearing { heard, said, likeness, .. } = self.hearing;
        let did = match (self.expected, self.is_good()) {
            (true, true) => "heard",
            (true, false) => "did not hear",
            (false, true) => "did not hear, as it should be,",
            (false, false) if said > LEAST => "heard, as it should not be,",
            (false, false) => "cannot be said not to have heard, since too little was said,",
        };
        let when =
            self.mode.map_or("during the supervision".to_owned(), |mode| format!("in {mode}"));
        format!(
            "{} {did} {} {when}: {:.1} of {:.1} s of speech, {:.0} % alike",
            capital(self.ear.name()),
            self.mouth.name(),
            heard.as_secs_f64(),
            said.as_secs_f64(),
            likeness.max(0.0) * 100.0
        )
    }
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

impl Record {
    /// Judges everybody's ear at everybody else's mouth.
    pub(super) fn verdict(&self) -> Verdict {
        let spoken = self.parties.each_ref().map(|party| spoken(&party.said));
        let mut heard = Vec::new();
        for (ear, mouth) in [(0, 1), (1, 0), (2, 0), (2, 1), (0, 2), (1, 2)] {
            let (listener, speaker) = (VOICES[ear], VOICES[mouth]);
            let judge = |mode, expected, hearing| Judged {
                mode,
                ear: listener,
                mouth: speaker,
                expected,
                hearing,
            };
            let each = self.modes.iter().map(|(mode, times)| {
                let expected = match listener {
                    _ if speaker != Who::Supervisor => true,
                    Who::Agent => *mode != SupervisionMode::Listen,
                    Who::Other | Who::Customer | Who::Supervisor => *mode == SupervisionMode::Barge,
                };
                let hearing = self.hearing(times, ear, mouth, expected, &spoken);
                judge(Some(*mode), expected, hearing)
            });
            let each: Vec<Judged> = each.collect();
            match speaker {
                Who::Supervisor => heard.extend(each),
                Who::Agent | Who::Other | Who::Customer => {
                    heard.push(judge(None, true, together(&each)));
                }
            }
        }
        Verdict { heard, findings: self.findings.clone() }
    }

    /// How one heard another in such a time.
    fn hearing(
        &self,
        times: &Range<Duration>,
        ear: usize,
        mouth: usize,
        expected: bool,
        spoken: &[Vec<Range<Duration>>; 3],
    ) -> Hearing {
        let from = times.start + EDGE;
        let times = from..times.end.saturating_sub(EDGE).max(from);
        // Whoever else is heard there does not count.
        let counts = without(&times, &spoken[3 - ear - mouth]);
        let said = part(&self.parties[mouth].said, &times);
        let ears = part(&self.parties[ear].heard, &(times.start..times.end + EDGE * 3));
        let mut hearing = Hearing::compare(&said, &ears, &counts);
        if !expected {
            // Anything at all while he speaks, whatever it is like.
            let alone: Vec<_> =
                counts.iter().flat_map(|time| within(&spoken[mouth], time)).collect();
            hearing.said = alone.iter().map(|time| time.end - time.start).sum();
            hearing.heard = alone.iter().map(|time| audible(ears.within(time))).sum();
        }
        hearing
    }
}

/// Several times as one.
fn together(each: &[Judged]) -> Hearing {
    let all = || each.iter().map(|judged| &judged.hearing);
    Hearing {
        lag: all().map(|hearing| hearing.lag).max().unwrap_or_default(),
        likeness: all().map(|hearing| hearing.likeness).sum::<f32>() / each.len().max(1) as f32,
        heard: all().map(|hearing| hearing.heard).sum(),
        said: all().map(|hearing| hearing.said).sum(),
    }
}

/// When somebody speaks; the pauses between words are part of it.
fn spoken(said: &Track) -> Vec<Range<Duration>> {
    const STEP: Duration = Duration::from_millis(20);
    let mut all: Vec<Range<Duration>> = Vec::new();
    for (frame, index) in said.samples.chunks_exact(samples(STEP)).zip(0..) {
        if audible(frame).is_zero() {
            continue;
        }
        let from = said.from + STEP * index;
        match all.last_mut().filter(|last| from < last.end + GUARD) {
            Some(last) => last.end = from + STEP,
            None => all.push(from..from + STEP),
        }
    }
    all
}

/// A time without those, and some silence around each.
fn without(time: &Range<Duration>, taken: &[Range<Duration>]) -> Vec<Range<Duration>> {
    let mut left = Vec::new();
    let mut from = time.start;
    for taken in taken {
        let until = taken.start.saturating_sub(GUARD).min(time.end);
        if from < until {
            left.push(from..until);
        }
        from = from.max(taken.end + GUARD);
    }
    if from < time.end {
        left.push(from..time.end);
    }
    left
}

/// What of these lies in a time.
fn within(all: &[Range<Duration>], time: &Range<Duration>) -> Vec<Range<Duration>> {
    let cut = |one: &Range<Duration>| one.start.max(time.start)..one.end.min(time.end);
    all.iter().map(cut).filter(|one| one.start < one.end).collect()
}

/// What a track holds of a time.
fn part(track: &Track, time: &Range<Duration>) -> Track {
    let from = time.start.max(track.from);
    Track { from, samples: track.within(&(from..time.end)).to_vec() }
}

#[cfg(test)]
mod tests {
    use super::super::super::speech::Round;
    use super::*;
    use SupervisionMode::{Barge, Listen, Whisper};

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A call of seconds in each mode, in which everybody hears, a tenth of a second later, whom `hears` lets.
    fn record(hears: impl Fn(SupervisionMode, Who, Who) -> bool) -> Record {
        let round = Round::new();
        let long = samples(seconds(20));
        let says = round
            .voices
            .each_ref()
            .map(|voice| voice.iter().copied().cycle().take(long).collect::<Vec<i16>>());
        let times = (0..).map(|n| seconds(1 + n * 6)..seconds(7 + n * 6));
        let mut record =
            Record { modes: MODES.into_iter().zip(times).collect(), ..Record::default() };
        for ear in 0..3 {
            let mut heard = vec![0_i16; long];
            for (mode, time) in &record.modes {
                for mouth in (0..3).filter(|mouth| *mouth != ear) {
                    if hears(*mode, VOICES[ear], VOICES[mouth]) {
                        let late = samples(Duration::from_millis(100));
                        for at in samples(time.start)..samples(time.end) {
                            heard[at] = heard[at].saturating_add(says[mouth][at - late] / 2);
                        }
                    }
                }
            }
            record.parties[ear].heard = Track { from: Duration::ZERO, samples: heard };
            record.parties[ear].said = Track { from: Duration::ZERO, samples: says[ear].clone() };
        }
        record
    }

    fn as_it_should_be(mode: SupervisionMode, ear: Who, mouth: Who) -> bool {
        match (mode, mouth, ear) {
            (Listen, Who::Supervisor, _) | (Whisper, Who::Supervisor, Who::Customer) => false,
            (_, _, _) => true,
        }
    }

    fn wrong(record: &Record) -> Vec<String> {
        let bad = record.verdict().heard.into_iter().filter(|judged| !judged.is_good());
        bad.map(|judged| judged.name()).collect()
    }

    #[test]
    fn what_each_mode_promises_is_found_in_the_ears() {
        let record = record(as_it_should_be);
        assert_eq!(wrong(&record), Vec::<String>::new());
        assert!(record.verdict().is_good());
    }

    #[test]
    fn a_whisper_that_reaches_the_customer_is_found() {
        let record =
            record(|mode, ear, mouth| mode == Whisper || as_it_should_be(mode, ear, mouth));
        assert_eq!(wrong(&record), ["whisper_customer_hears_no_supervisor"]);
    }

    #[test]
    fn who_is_not_heard_though_he_barges_in_is_found_and_so_is_a_silent_side() {
        let lost = record(|mode, ear, mouth| {
            (mode, ear, mouth) != (Barge, Who::Customer, Who::Supervisor)
                && (ear, mouth) != (Who::Supervisor, Who::Customer)
                && as_it_should_be(mode, ear, mouth)
        });
        let expected = ["supervisor_hears_customer", "barge_customer_hears_supervisor"];
        assert_eq!(wrong(&lost), expected);
    }

    #[test]
    fn a_demonstration_without_a_call_is_no_success() {
        assert!(!Record::default().verdict().is_good());
    }
}
