//! Encoded packets between the peer connection and whoever codes: two rings that never block and
//! never allocate on the coding side.
//!
//! RFC 3550 §5.1; the SSRC and the encryption are the transport's business.

use crate::clock;
use rtrb::{Consumer, Producer, RingBuffer};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// The largest payload: an Opus frame is never larger (RFC 6716 §3.4).
pub const MAX_PAYLOAD: usize = 1275;

/// More than a second of 20 ms packets: what waits longer is of no use to a listener.
const RING: usize = 64;

/// An RTP packet without its SSRC, at home in a ring.
#[derive(Clone)]
pub struct RtpPacket {
    /// The payload type.
    pub payload_type: u8,
    /// The marker bit: the first packet of a talk spurt or event (RFC 3551 §4.1, RFC 4733 §2.2).
    pub marker: bool,
    /// The sequence number.
    pub sequence: u16,
    /// The timestamp.
    pub timestamp: u32,
    length: u16,
    bytes: [u8; MAX_PAYLOAD],
}

impl RtpPacket {
    /// A packet with this payload; `None` where it is larger than [`MAX_PAYLOAD`].
    pub fn new(
        payload_type: u8,
        marker: bool,
        sequence: u16,
        timestamp: u32,
        payload: &[u8],
    ) -> Option<Self> {
        let mut bytes = [0; MAX_PAYLOAD];
        bytes.get_mut(..payload.len())?.copy_from_slice(payload);
        let length = u16::try_from(payload.len()).ok()?;
        Some(Self { payload_type, marker, sequence, timestamp, length, bytes })
    }

    /// The payload.
    pub fn payload(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl fmt::Debug for RtpPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtpPacket")
            .field("payload_type", &self.payload_type)
            .field("marker", &self.marker)
            .field("sequence", &self.sequence)
            .field("timestamp", &self.timestamp)
            .field("length", &self.length)
            .finish()
    }
}

/// A packet that came in.
#[derive(Debug, Clone)]
pub struct Received {
    /// When, in boot time.
    pub at: Duration,
    /// Which stream it is of.
    pub ssrc: u32,
    /// The packet; its payload type is one that we described.
    pub packet: RtpPacket,
}

/// Hands packets to the peer connection. May live on any thread.
#[derive(Debug)]
pub struct RtpSender {
    ring: Producer<RtpPacket>,
    shared: Arc<Shared>,
}

/// Takes packets from the peer connection. May live on any thread.
#[derive(Debug)]
pub struct RtpReceiver {
    ring: Consumer<Received>,
    shared: Arc<Shared>,
}

/// The transport's end of an [`RtpSender`].
#[derive(Debug)]
pub(super) struct Outbound {
    ring: Consumer<RtpPacket>,
    shared: Arc<Shared>,
}

/// The transport's end of an [`RtpReceiver`].
#[derive(Debug)]
pub(super) struct Inbound {
    ring: Producer<Received>,
    shared: Arc<Shared>,
}

/// What both ends of a ring see.
#[derive(Debug, Default)]
pub(super) struct Shared {
    filled: Notify,
    ready: AtomicBool,
}

impl RtpSender {
    /// Whether ICE and DTLS are done. Before that nothing can leave.
    pub fn is_ready(&self) -> bool {
        self.shared.ready.load(Ordering::Acquire)
    }

    /// Sends a packet. `false`: it was dropped, because the transport is not ready or does not keep
    /// up. Wait-free; the transport's task is woken once.
    pub fn send(&mut self, packet: RtpPacket) -> bool {
        let sent = self.is_ready() && self.ring.push(packet).is_ok();
        if sent {
            self.shared.filled.notify_one();
        }
        sent
    }
}

impl Drop for RtpSender {
    fn drop(&mut self) {
        self.shared.filled.notify_one();
    }
}

impl RtpReceiver {
    /// The oldest packet that waits. Wait-free.
    pub fn try_recv(&mut self) -> Option<Received> {
        self.ring.pop().ok()
    }

    /// The next packet, waiting for it; `None` when the transport is gone.
    pub async fn recv(&mut self) -> Option<Received> {
        loop {
            // Asked before the pop: what was pushed before the end is still delivered.
            let gone = self.ring.is_abandoned();
            match self.ring.pop() {
                Ok(received) => return Some(received),
                Err(_) if gone => return None,
                Err(_) => self.shared.filled.notified().await,
            }
        }
    }
}

impl Outbound {
    /// The next packet to send; `None` when the sender is gone.
    pub(super) async fn next(&mut self) -> Option<RtpPacket> {
        loop {
            let gone = self.ring.is_abandoned();
            match self.ring.pop() {
                Ok(packet) => return Some(packet),
                Err(_) if gone => return None,
                Err(_) => self.shared.filled.notified().await,
            }
        }
    }

    /// The switch that lets packets through.
    pub(super) fn switch(&self) -> Arc<Shared> {
        self.shared.clone()
    }
}

impl Shared {
    pub(super) fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }
}

impl Inbound {
    /// Hands a packet over, stamped with its arrival. A listener that does not keep up loses it.
    pub(super) fn deliver(&mut self, ssrc: u32, packet: RtpPacket) {
        if self.ring.push(Received { at: clock::boot(), ssrc, packet }).is_ok() {
            self.shared.filled.notify_one();
        }
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        self.shared.filled.notify_one();
    }
}

/// The way out.
pub(super) fn outbound() -> (RtpSender, Outbound) {
    let (producer, consumer) = RingBuffer::new(RING);
    let shared = Arc::new(Shared::default());
    (RtpSender { ring: producer, shared: shared.clone() }, Outbound { ring: consumer, shared })
}

/// The way in.
pub(super) fn inbound() -> (Inbound, RtpReceiver) {
    let (producer, consumer) = RingBuffer::new(RING);
    let shared = Arc::new(Shared::default());
    (Inbound { ring: producer, shared: shared.clone() }, RtpReceiver { ring: consumer, shared })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn packets_wait_in_order_and_the_end_is_seen() {
        let (mut inbound, mut receiver) = inbound();
        for sequence in 1..=2 {
            inbound.deliver(1, RtpPacket::new(111, false, sequence, 0, b"opus").unwrap());
        }
        drop(inbound);
        assert_eq!(receiver.recv().await.unwrap().packet.sequence, 1);
        assert_eq!(receiver.recv().await.unwrap().packet.payload(), b"opus");
        assert!(receiver.recv().await.is_none());
    }

    #[test]
    fn nothing_leaves_before_the_transport_is_ready() {
        let (mut sender, outbound) = outbound();
        let packet = RtpPacket::new(111, false, 1, 0, b"opus").unwrap();
        assert!(!sender.send(packet.clone()));
        outbound.switch().set_ready();
        assert!(sender.send(packet));
    }

    #[test]
    fn a_full_ring_drops_the_newest_packet() {
        let (mut sender, outbound) = outbound();
        outbound.switch().set_ready();
        let packet = RtpPacket::new(111, false, 1, 0, b"opus").unwrap();
        assert!((0..RING).all(|_| sender.send(packet.clone())));
        assert!(!sender.send(packet));
    }

    #[test]
    fn a_payload_that_no_codec_makes_is_no_packet() {
        assert!(RtpPacket::new(111, false, 1, 0, &[0; MAX_PAYLOAD + 1]).is_none());
    }
}
