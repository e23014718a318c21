//! Packets that wait to be decoded, in order of their time, in slots made once.

use super::Samples;

/// No RTP payload that fits an Ethernet frame is longer.
pub(super) const MAX_PAYLOAD: usize = 1_500;
/// 1.9 s of 20 ms packets.
const SLOTS: usize = 96;

/// What is known of a packet but its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outline {
    pub(super) sequence: i64,
    /// The time of its first sample.
    pub(super) at: Samples,
    pub(super) duration: Samples,
    /// Whether it begins a talk spurt.
    pub(super) marker: bool,
}

impl Outline {
    pub(super) fn end(&self) -> Samples {
        self.at + self.duration
    }
}

#[derive(Clone)]
pub(super) struct Packet {
    pub(super) outline: Outline,
    length: usize,
    bytes: [u8; MAX_PAYLOAD],
}

opaque_debug!(Packet);

impl Packet {
    pub(super) fn payload(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[derive(Debug)]
pub(super) struct PacketBuffer {
    slots: Vec<Packet>,
    /// Slots in use, earliest packet first.
    order: Vec<usize>,
    free: Vec<usize>,
}

impl PacketBuffer {
    pub(super) fn new() -> Self {
        let outline = Outline { sequence: 0, at: 0, duration: 0, marker: false };
        let empty = Packet { outline, length: 0, bytes: [0; MAX_PAYLOAD] };
        Self {
            slots: vec![empty; SLOTS],
            order: Vec::with_capacity(SLOTS),
            free: (0..SLOTS).collect(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.free.append(&mut self.order);
    }

    pub(super) fn is_full(&self) -> bool {
        self.free.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Stores a packet. Does nothing if the buffer is full or the payload too long.
    pub(super) fn insert(&mut self, outline: Outline, payload: &[u8]) {
        if payload.len() > MAX_PAYLOAD {
            return;
        }
        let Some(slot) = self.free.pop() else { return };
        let packet = &mut self.slots[slot];
        packet.outline = outline;
        packet.length = payload.len();
        packet.bytes[..payload.len()].copy_from_slice(payload);
        let key = |outline: &Outline| (outline.at, outline.sequence);
        let place =
            self.order.partition_point(|other| key(&self.slots[*other].outline) <= key(&outline));
        self.order.insert(place, slot);
    }

    /// The packet at `index` in order of time.
    pub(super) fn get(&self, index: usize) -> Option<&Packet> {
        self.order.get(index).map(|slot| &self.slots[*slot])
    }

    pub(super) fn first(&self) -> Option<&Packet> {
        self.get(0)
    }

    /// Forgets the first packet.
    pub(super) fn drop_first(&mut self) {
        if !self.order.is_empty() {
            self.free.push(self.order.remove(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(sequence: i64) -> Outline {
        Outline { sequence, at: sequence * 960, duration: 960, marker: false }
    }

    #[test]
    fn packets_come_out_in_order_of_time_and_slots_are_used_again() {
        let mut buffer = PacketBuffer::new();
        for round in 0..3 {
            for n in [3_i64, 1, 2, 0] {
                buffer.insert(outline(n), &[n as u8, round]);
            }
            for n in 0..4_u8 {
                assert_eq!(buffer.first().unwrap().payload(), [n, round]);
                buffer.drop_first();
            }
            assert!(buffer.first().is_none());
        }
    }

    #[test]
    fn a_full_buffer_and_a_giant_payload_change_nothing() {
        let mut buffer = PacketBuffer::new();
        buffer.insert(outline(0), &[0; MAX_PAYLOAD + 1]);
        assert_eq!(buffer.len(), 0);
        for n in 0..200 {
            buffer.insert(outline(n), &[1]);
        }
        assert!(buffer.is_full());
        assert_eq!(buffer.len(), SLOTS);
        buffer.clear();
        assert_eq!(buffer.len(), 0);
        assert!(!buffer.is_full());
    }
}
