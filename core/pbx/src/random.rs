//! All randomness of the model, drawn from the entropy that it was given.

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

/// Draws tags, branches, nonces and UUIDs.
#[derive(Debug)]
pub(crate) struct Random(ChaCha12Rng);

impl Random {
    pub(crate) fn new(entropy: [u8; 32]) -> Self {
        Self(ChaCha12Rng::from_seed(entropy))
    }

    /// So many bytes as hex.
    pub(crate) fn hex(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes * 2);
        for _ in 0..bytes {
            let byte = self.0.next_u32() as u8;
            text.extend(
                [byte >> 4, byte & 15].map(|n| char::from(b"0123456789abcdef"[n as usize])),
            );
        }
        text
    }

    /// A branch (RFC 3261 §8.1.1.7), in the looks of PJSIP.
    pub(crate) fn branch(&mut self) -> String {
        format!("z9hG4bKPj{}", self.hex(16))
    }

    /// A version 4 UUID (RFC 9562 §5.4).
    pub(crate) fn uuid(&mut self) -> String {
        let high = (self.0.next_u64() & !0xf000) | 0x4000;
        let low = (self.0.next_u64() & !(0b11 << 62)) | (0b10 << 62);
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_says_that_it_is_version_4() {
        let uuid = Random::new([7; 32]).uuid();
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&uuid.as_bytes()[19]));
    }

    #[test]
    fn the_same_entropy_draws_the_same() {
        assert_eq!(Random::new([1; 32]).branch(), Random::new([1; 32]).branch());
        assert_ne!(Random::new([1; 32]).branch(), Random::new([2; 32]).branch());
    }
}
