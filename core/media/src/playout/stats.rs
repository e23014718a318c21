//! What the playout buffer counted.

use std::time::Duration;

/// Counters since construction, and the delay of now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlayoutStats {
    /// Packets with sound that came, late ones and duplicates included.
    pub packets_received: u64,
    /// Packets that never came (RFC 3550 §6.4.1).
    pub packets_lost: u64,
    /// Packets that came after their time had been played.
    pub packets_late: u64,
    /// Packets that came again.
    pub packets_duplicated: u64,
    /// Packets that came after a later one.
    pub packets_reordered: u64,
    /// Packets thrown away unplayed, to catch up or since they could not be decoded or placed.
    pub packets_discarded: u64,
    /// Samples invented in place of lost or late ones (W3C `concealedSamples`).
    pub concealed_samples: u64,
    /// Losses filled from the copy in the following packet.
    pub fec_recovered: u64,
    /// Samples added to play slower (W3C `insertedSamplesForDeceleration`).
    pub inserted_samples: u64,
    /// Samples taken out to play faster (W3C `removedSamplesForAcceleration`).
    pub removed_samples: u64,
    /// How long after the fastest packet could have been played its sound is played.
    pub delay: Duration,
    /// The delay aimed at.
    pub target: Duration,
}
