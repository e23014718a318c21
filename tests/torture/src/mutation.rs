//! Messages of our own, spoiled by a seeded generator: whatever comes, the invariants hold.

use super::{all_own_messages, invariants};

const MESSAGES: usize = 20_000;

/// What parsers trip over.
const SPLINTERS: &[&[u8]] = &[
    b"\r\n",
    b"\r",
    b"\n",
    b"\r\n ",
    b"\r\n\r\n",
    b"\"",
    b"\\",
    b"<",
    b">",
    b";",
    b",",
    b"=",
    b"?",
    b"@",
    b":",
    b"%",
    b"%00",
    b"%G",
    b"[",
    b"]",
    b"::",
    b" ",
    b"\t",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"\xe2\x82",
    b"SIP/2.0",
    b"Content-Length: 99999999999999999999\r\n",
    b"-1",
    b"4294967296",
    b"sip:",
    b"tel:",
    b";;",
    b"*",
    b"Via: SIP/2.0/WSS a;branch=z9hG4bK\r\n",
    b"Authorization: Digest ",
];

#[test]
fn no_spoiled_message_breaks_the_invariants() {
    let messages = all_own_messages();
    let mut random = SplitMix(0x5150_2d74_6f72_7475);
    for _ in 0..MESSAGES {
        let (_, base) = &messages[random.below(messages.len())];
        let mut spoiled = base.clone();
        for _ in 0..=random.below(4) {
            spoil(&mut spoiled, &messages, &mut random);
        }
        invariants::message(&spoiled);
    }
}

fn spoil(bytes: &mut Vec<u8>, messages: &[(String, Vec<u8>)], random: &mut SplitMix) {
    // Mostly in the head: that is where the grammar is.
    let at = random.below(bytes.len().min(700) + 1);
    match random.below(6) {
        0 => bytes.truncate(at),
        1 => {
            let splinter = SPLINTERS[random.below(SPLINTERS.len())];
            bytes.splice(at..at, splinter.iter().copied());
        }
        2 => {
            let end = (at + random.below(20)).min(bytes.len());
            bytes.drain(at..end);
        }
        3 => {
            let end = (at + random.below(60)).min(bytes.len());
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        4 => {
            let (_, other) = &messages[random.below(messages.len())];
            let start = random.below(other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[start..]);
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = u8::try_from(random.below(256)).unwrap();
            }
        }
    }
}

/// Steele, Lea, Flood: the smallest generator that does.
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound.max(1) as u64).unwrap()
    }
}
