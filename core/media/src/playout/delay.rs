//! How long to hold sound back: the delay that nearly every packet makes.
//!
//! A packet's *relative delay* is how much longer it took than the fastest of late. A histogram of
//! relative delays that forgets slowly gives the delay within which 97 % arrive; the playout delay
//! aims at that. *Playout delay* here is how long after the fastest packet could have been played
//! its sound is played.

use super::{PULL, PlayoutConfig, Samples, samples};

/// The fastest of this many packets is the reference.
const HISTORY: usize = 128;
/// Packets older than this (2 s) are no reference any more.
const HISTORY_AGE: Samples = 96_000;
/// 5 ms.
const BIN: Samples = 240;
/// 1.28 s in all; slower packets count as the slowest.
const BINS: usize = 256;
/// The share of packets that must make it.
const QUANTILE: f32 = 0.97;
/// What is left of a packet's weight after the next: memory of about 500 packets, 10 s.
const FORGET: f32 = 0.998;
/// The memory for loss: about 250 packets.
const FORGET_LOSS: f32 = 0.996;
/// Above this share of loss it pays to wait for the packet that carries the copy of a lost one.
const LOSSY: f32 = 0.005;
/// Packets that pile up behind a slow one arrive together: they count for this many at most, or
/// one stall would outweigh seconds of calm.
const PILE: u32 = 5;

#[derive(Debug)]
pub(super) struct DelayManager {
    min: Samples,
    max: Samples,
    history: [Transit; HISTORY],
    recorded: usize,
    fastest: Option<Samples>,
    histogram: [f32; BINS],
    weighed: u32,
    last: Transit,
    piled: u32,
    loss: f32,
    /// How long to wait for the packet that repairs the one before: none if the stream has no copies.
    lookahead: Samples,
    target: Samples,
}

/// When a packet came, and how long it took on a clock that is off by a constant.
#[derive(Debug, Clone, Copy, Default)]
struct Transit {
    arrival: Samples,
    took: Samples,
}

impl DelayManager {
    pub(super) fn new(config: &PlayoutConfig) -> Self {
        Self {
            min: samples(config.min_delay),
            max: samples(config.max_delay).max(samples(config.min_delay)),
            history: [Transit::default(); HISTORY],
            recorded: 0,
            fastest: None,
            histogram: [0.0; BINS],
            weighed: 0,
            last: Transit::default(),
            piled: 0,
            loss: 0.0,
            lookahead: 0,
            target: samples(config.min_delay),
        }
    }

    /// Forgets the reference, since timestamps start anew, but not what the network is like.
    pub(super) fn restart(&mut self) {
        self.recorded = 0;
        self.fastest = None;
        self.lookahead = 0;
    }

    /// Takes the arrival of a packet of `duration`, and whether such packets repair the one before.
    pub(super) fn arrived(
        &mut self,
        at: Samples,
        duration: Samples,
        repairs: bool,
        arrival: Samples,
    ) {
        let transit = Transit { arrival, took: arrival - at };
        self.history[self.recorded % HISTORY] = transit;
        self.recorded += 1;
        let recent = &self.history[..self.recorded.min(HISTORY)];
        let fastest = recent
            .iter()
            .filter(|transit| arrival - transit.arrival <= HISTORY_AGE)
            .map(|transit| transit.took)
            .min()
            .unwrap_or(transit.took);
        self.fastest = Some(fastest);
        let piled = arrival - self.last.arrival < duration / 2 && transit.took < self.last.took;
        self.piled = if piled { self.piled + 1 } else { 0 };
        self.last = transit;
        if self.piled < PILE {
            self.weigh(transit.took - fastest);
        }
        if repairs {
            self.lookahead = duration;
        }
        self.aim();
    }

    /// Takes whether a packet that was due had come.
    pub(super) fn due(&mut self, lost: bool) {
        let share = if lost { 1.0 } else { 0.0 };
        self.loss = self.loss * FORGET_LOSS + share * (1.0 - FORGET_LOSS);
    }

    /// The playout delay to aim at.
    pub(super) fn target(&self) -> Samples {
        self.target
    }

    /// The playout delay if the sound of time `at` is heard at `heard`; `None` before any arrival.
    pub(super) fn delay(&self, at: Samples, heard: Samples) -> Option<Samples> {
        self.fastest.map(|fastest| heard - at - fastest)
    }

    fn weigh(&mut self, relative: Samples) {
        self.weighed = self.weighed.saturating_add(1);
        // A plain mean at first, so that the first packets count as much as those that follow.
        let keep = FORGET.min(1.0 - 1.0 / self.weighed as f32);
        for weight in &mut self.histogram {
            *weight *= keep;
        }
        let bin = usize::try_from(relative / BIN).unwrap_or(0).min(BINS - 1);
        self.histogram[bin] += 1.0 - keep;
    }

    fn aim(&mut self) {
        let mut within = 0.0;
        let mut bins = 0;
        for weight in &self.histogram {
            within += weight;
            bins += 1;
            if within >= QUANTILE {
                break;
            }
        }
        let jitter = match bins {
            // The first bin is the noise of scheduling.
            1 => 0,
            bins => bins * BIN,
        };
        let repair = if self.loss > LOSSY { self.lookahead } else { 0 };
        // Sound is needed at the pull before it is heard: up to one pull early.
        self.target = (jitter + repair + PULL).clamp(self.min, self.max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Samples = 48;
    const PACKET: Samples = 960;

    fn manager() -> DelayManager {
        DelayManager::new(&PlayoutConfig::default())
    }

    #[test]
    fn a_clean_link_asks_for_the_least() {
        let mut delay = manager();
        for n in 0..500 {
            delay.arrived(n * PACKET, PACKET, true, n * PACKET + 1_000);
        }
        assert_eq!(delay.target(), 20 * MS);
        assert_eq!(delay.delay(0, 1_000 + 20 * MS), Some(20 * MS));
    }

    #[test]
    fn loss_asks_for_one_packet_more_so_that_fec_can_repair() {
        let mut delay = manager();
        for n in 0..100 {
            delay.arrived(n * PACKET, PACKET, true, n * PACKET);
            delay.due(n % 20 == 19);
        }
        assert_eq!(delay.target(), 30 * MS);
    }

    #[test]
    fn jitter_raises_the_target_at_once_and_calm_lowers_it_slowly() {
        let mut delay = manager();
        for n in 0..500 {
            let late = if n % 10 == 9 { 60 * MS } else { 0 };
            delay.arrived(n * PACKET, PACKET, true, n * PACKET + late);
            if n > 20 {
                assert!((60 * MS..80 * MS).contains(&delay.target()), "{n}: {}", delay.target());
            }
        }
        let mut calm = 0;
        while delay.target() > 20 * MS {
            let n = 500 + calm;
            delay.arrived(n * PACKET, PACKET, true, n * PACKET);
            calm += 1;
        }
        assert!((250..2_000).contains(&calm), "{calm} packets");
    }

    #[test]
    fn a_route_that_became_slower_is_the_new_reference_after_two_seconds() {
        let mut delay = manager();
        for n in 0..100 {
            delay.arrived(n * PACKET, PACKET, true, n * PACKET);
        }
        for n in 100..300 {
            delay.arrived(n * PACKET, PACKET, true, n * PACKET + 100 * MS);
        }
        assert_eq!(delay.delay(0, 100 * MS), Some(0));
    }
}
