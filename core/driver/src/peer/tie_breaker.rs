//! A crypto provider whose first eight random bytes are zero.
//!
//! RFC 8445 §7.3.1.1: two agents that both think themselves controlled compare tie-breakers. `rtc`
//! answers 487 *and* switches itself when its own is the larger one, so that both switch and the
//! conflict lasts for hundreds of milliseconds. With the smaller one it stays as it is and the other
//! side switches. The agent draws its tie-breaker first of all, as eight bytes: a private order,
//! which a test holds fast.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use webrtc::peer_connection::crypto::{CryptoError, RTCCrypto, RTCCryptoProvider, RTCRandom};

/// One for each peer connection.
pub(super) struct SmallTieBreaker {
    random: Random,
}

struct Random {
    inner: Arc<dyn RTCCryptoProvider>,
    drawn: AtomicBool,
}

impl SmallTieBreaker {
    pub(super) fn new(inner: Arc<dyn RTCCryptoProvider>) -> Self {
        Self { random: Random { inner, drawn: AtomicBool::new(false) } }
    }
}

impl RTCCryptoProvider for SmallTieBreaker {
    fn name(&self) -> &'static str {
        self.random.inner.name()
    }

    fn crypto(&self) -> &dyn RTCCrypto {
        self.random.inner.crypto()
    }

    fn random(&self) -> &dyn RTCRandom {
        &self.random
    }
}

impl RTCRandom for Random {
    fn fill(&self, output: &mut [u8]) -> Result<(), CryptoError> {
        if output.len() == size_of::<u64>() && !self.drawn.swap(true, Ordering::SeqCst) {
            output.fill(0);
            return Ok(());
        }
        self.inner.random().fill(output)
    }
}
