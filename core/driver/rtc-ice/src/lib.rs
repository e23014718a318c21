//! Stands in for `rtc-ice`: the same agent, but a restart leaves the pair that is in use to media until another is found.
//!
//! RFC 8445 §9: during a restart media goes on over the pair that was selected before. `rtc-ice` drops that pair when
//! the restart is offered, and `rtc` then drops every packet, both ways, until another is nominated: two round trips
//! and more of silence in each change of network, though the old one is still there.

pub use upstream::{
    AgentConfig, CandidatePairStats, CandidateStats, Credentials, Event, attributes, candidate,
    crypto, mdns, network_type, rand, state, stats, tcp_type, url,
};

use crypto::RTCCryptoProvider;
use rtc_shared::error::Result;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Instant;
use upstream::candidate::{Candidate, CandidateType};
use upstream::state::ConnectionState;

/// What `rtc-ice` has in its module `agent`, with the agent of this crate.
pub mod agent {
    pub use super::Agent;
    pub use upstream::agent::{TaggedEvent, agent_config, agent_selector, agent_stats};
}

/// The ICE agent of `rtc-ice`, which it is but for what is written here.
pub struct Agent {
    agent: upstream::Agent,
    /// Where media goes while a restart looks for a pair.
    left: Option<Candidate>,
}

impl Agent {
    /// An agent whose clock starts at `now`.
    ///
    /// # Errors
    /// As `rtc-ice` has them.
    pub fn new(
        now: Instant,
        config: Arc<AgentConfig>,
        crypto_provider: Arc<dyn RTCCryptoProvider>,
    ) -> Result<Self> {
        Ok(Self { agent: upstream::Agent::new(now, config, crypto_provider)?, left: None })
    }

    /// Begins the restart that is prepared; the pair in use, or one left before, stays media's.
    ///
    /// # Errors
    /// As `rtc-ice` has them.
    pub fn apply_restart(&mut self, now: Instant, keep_local_candidates: bool) -> Result<()> {
        // A relay's allocation ends with the sockets that it was made from.
        let used = self.get_selected_candidate_pair();
        let used = used.filter(|(local, _)| local.candidate_type() != CandidateType::Relay);
        self.left = used.map(|(_, remote)| remote.clone());
        self.agent.apply_restart(now, keep_local_candidates)
    }

    /// The pair that media takes: the selected one, or while a restart looks for one the remote candidate in use
    /// before. What goes to that from a host candidate of now is for whoever owns the sockets to send from the
    /// socket of then.
    pub fn get_selected_candidate_pair(&self) -> Option<(&Candidate, &Candidate)> {
        self.agent.get_selected_candidate_pair().or_else(|| {
            let left = self.left.as_ref().filter(|_| self.state() == ConnectionState::Checking)?;
            let is_socket = |local: &&Candidate| {
                local.candidate_type() == CandidateType::Host && local.network_type().is_udp()
            };
            Some((self.get_local_candidates().iter().find(is_socket)?, left))
        })
    }
}

impl Deref for Agent {
    type Target = upstream::Agent;

    fn deref(&self) -> &upstream::Agent {
        &self.agent
    }
}

impl DerefMut for Agent {
    fn deref_mut(&mut self) -> &mut upstream::Agent {
        &mut self.agent
    }
}
