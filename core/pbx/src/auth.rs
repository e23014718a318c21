//! Nonces: given out, accepted for a while, bounded in number (RFC 7616 §3.3, §5.4).

use crate::random::Random;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// More than this many live nonces push out the oldest.
const MAX_NONCES: usize = 1024;

/// The nonces that are accepted.
#[derive(Debug)]
pub(crate) struct Nonces {
    lifetime: Duration,
    issued: BTreeMap<String, Duration>,
    /// Oldest first.
    order: VecDeque<String>,
}

impl Nonces {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self { lifetime, issued: BTreeMap::new(), order: VecDeque::new() }
    }

    /// A new one.
    pub(crate) fn issue(&mut self, random: &mut Random, now: Duration) -> String {
        while let Some(oldest) = self.order.front() {
            let is_spare = self.issued.len() >= MAX_NONCES || !self.accepts(oldest, now);
            let Some(oldest) = self.order.pop_front_if(|_| is_spare) else { break };
            self.issued.remove(&oldest);
        }
        // Asterisk writes the time and a hash; only the form matters to a client.
        let nonce = format!("{}/{}", now.as_secs(), random.hex(16));
        self.issued.insert(nonce.clone(), now);
        self.order.push_back(nonce.clone());
        nonce
    }

    /// Whether it is one of ours and fresh.
    pub(crate) fn accepts(&self, nonce: &str, now: Duration) -> bool {
        self.issued.get(nonce).is_some_and(|at| *at + self.lifetime > now)
    }

    /// From here on none is accepted.
    pub(crate) fn clear(&mut self) {
        self.issued.clear();
        self.order.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_secs(30);

    #[test]
    fn a_nonce_is_accepted_until_its_life_is_over() {
        let (mut nonces, mut random) = (Nonces::new(LIFETIME), Random::new([0; 32]));
        let nonce = nonces.issue(&mut random, Duration::ZERO);
        assert!(nonces.accepts(&nonce, LIFETIME - Duration::from_millis(1)));
        assert!(!nonces.accepts(&nonce, LIFETIME));
        assert!(!nonces.accepts("made up", Duration::ZERO));
    }

    #[test]
    fn nonces_are_bounded_in_number() {
        let (mut nonces, mut random) = (Nonces::new(LIFETIME), Random::new([0; 32]));
        for n in 0..MAX_NONCES as u64 + 10 {
            nonces.issue(&mut random, Duration::from_micros(n));
        }
        assert_eq!(nonces.issued.len(), MAX_NONCES);
    }
}
