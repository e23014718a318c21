//! What befalls one call: the trouble of its network, when it begins, and what the two do meanwhile.

use sidetone_interop::chance::Chance;
use std::fmt;
use std::time::Duration;

/// How long troubles last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// 2 to 5 s.
    Short,
    /// 2 to 40 s.
    Long,
}

/// The kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing passes.
    Silence,
    /// All TCP is reset.
    Reset,
    /// The connection that the phone has is dead.
    Dead,
}

/// When it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// So long after it began to ring; it is answered later.
    Ringing(Duration),
    /// So long after the answer left.
    Answering(Duration),
    /// So long after the call stood.
    Talking(Duration),
}

/// What happens in the trouble, at this share of it in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    None,
    AgentHangsUp(u32),
    AgentHolds(u32),
    AgentHoldsAndResumes(u32),
    CustomerHangsUp(u32),
}

/// All of it.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) kind: Kind,
    pub(crate) length: Duration,
    pub(crate) moment: Moment,
    pub(crate) deed: Deed,
    /// The platform tells of the network's end of trouble.
    pub(crate) told: bool,
    /// Percent of packets lost, and how many in a row.
    pub(crate) loss: (u64, u64),
    /// Milliseconds one way, and by how much that wavers.
    pub(crate) delay: (u64, u64),
}

impl Plan {
    pub(crate) fn draw(seed: u64, severity: Severity) -> Self {
        let mut chance = Chance::new(seed);
        let ms = Duration::from_millis;
        let kind = match chance.below(10) {
            0..=5 => Kind::Silence,
            6 | 7 => Kind::Reset,
            _ => Kind::Dead,
        };
        let most = if severity == Severity::Short { 5_000 } else { 40_000 };
        let length = chance.between(ms(2_000), ms(most));
        let moment = match chance.below(10) {
            0 | 1 => Moment::Ringing(chance.between(ms(0), ms(500))),
            2 | 3 => Moment::Answering(chance.between(ms(0), ms(150))),
            _ => Moment::Talking(chance.between(ms(500), ms(3_000))),
        };
        let when = chance.below(90) as u32;
        let deed = match chance.below(20) {
            0..=2 => Deed::AgentHangsUp(when),
            3..=4 => Deed::AgentHolds(when),
            5..=6 => Deed::AgentHoldsAndResumes(when),
            7..=10 => Deed::CustomerHangsUp(when),
            _ => Deed::None,
        };
        Self {
            seed,
            kind,
            length,
            moment,
            deed,
            told: chance.percent(25),
            loss: (chance.below(7), 2 + chance.below(6)),
            delay: (5 + chance.below(60), chance.below(8)),
        }
    }

    /// As `scripts/bench impair` wants it.
    pub(crate) fn impairment(&self) -> [String; 4] {
        let ((loss, burst), (delay, jitter)) = (self.loss, self.delay);
        [
            format!("delay={delay}"),
            format!("jitter={jitter}"),
            format!("loss={loss}"),
            format!("burst={burst}"),
        ]
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Silence => "nothing passes",
            Kind::Reset => "TCP is reset",
            Kind::Dead => "a dead connection",
        };
        let (moment, after) = match self.moment {
            Moment::Ringing(after) => ("while it rings", after),
            Moment::Answering(after) => ("at the answer", after),
            Moment::Talking(after) => ("in talk", after),
        };
        write!(
            f,
            "{kind} for {:.1} s, {moment} + {:.1} s",
            self.length.as_secs_f64(),
            after.as_secs_f64()
        )?;
        match self.deed {
            Deed::None => {}
            Deed::AgentHangsUp(at) => write!(f, "; at {at} % the agent hangs up")?,
            Deed::AgentHolds(at) => write!(f, "; at {at} % the agent holds")?,
            Deed::AgentHoldsAndResumes(at) => write!(f, "; at {at} % a hold and a resume")?,
            Deed::CustomerHangsUp(at) => write!(f, "; at {at} % the customer hangs up")?,
        }
        if self.told {
            write!(f, "; the phone is told of its end")?;
        }
        let ((loss, burst), (delay, jitter)) = (self.loss, self.delay);
        write!(f, "; {loss} % lost by {burst}, {delay} ± {jitter} ms")
    }
}
