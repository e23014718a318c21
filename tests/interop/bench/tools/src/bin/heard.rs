//! Turns a capture of G.711 RTP into what its receiver heard: one WAV file, gaps silent. RFC 3550.
//!
//! Usage: `heard CAPTURE.pcap ADDRESS OUT.wav` (the audio sent to that IPv4 address; Ethernet frames).
//! Audio is laid by RTP time stamp from the first packet on; a new SSRC, or one whose time
//! stamps leap, continues at its arrival time.

use sidetone_bench_tools::{RATE, decode};
use std::{env, error::Error, fs, net::Ipv4Addr};

/// A capture of more than an hour is a mistake of the caller.
const LONGEST: usize = RATE as usize * 3600;

/// Time stamps further than this from the time of arrival have begun anew: another speaks, by the same SSRC.
const LEAP: usize = RATE as usize;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [capture, address, out] = &args[..] else {
        return Err("usage: heard CAPTURE.pcap ADDRESS OUT.wav".into());
    };
    let bytes = fs::read(capture)?;
    let audio = listen(&bytes, address.parse()?).ok_or("not a little-endian Ethernet pcap file")?;
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(out, spec)?;
    for sample in &audio {
        wav.write_sample(*sample)?;
    }
    wav.finalize()?;
    println!("{:.2} s of audio", audio.len() as f64 / f64::from(RATE));
    Ok(())
}

/// One RTP packet of PCMU as it arrived.
struct Packet<'a> {
    /// Arrival in samples since the epoch.
    arrival: u64,
    timestamp: u32,
    ssrc: u32,
    payload: &'a [u8],
}

fn listen(pcap: &[u8], receiver: Ipv4Addr) -> Option<Vec<i16>> {
    let mut audio = Vec::new();
    let mut start = None;
    // The stream being laid: its SSRC, its first time stamp and where that one lies in `audio`.
    let mut stream: Option<(u32, u32, usize)> = None;
    for packet in records(pcap)?.filter_map(|(at, frame)| rtp(at, frame, receiver)) {
        let start = *start.get_or_insert(packet.arrival);
        let arrival = packet.arrival.saturating_sub(start) as usize;
        let place = |(_, first, base): (u32, u32, usize)| {
            let offset = packet.timestamp.wrapping_sub(first) as i32;
            base.checked_add_signed(offset as isize).filter(|at| at.abs_diff(arrival) < LEAP)
        };
        let same = stream.filter(|known| known.0 == packet.ssrc);
        let at = same.and_then(place).unwrap_or_else(|| {
            stream = Some((packet.ssrc, packet.timestamp, arrival));
            arrival
        });
        if at >= LONGEST {
            continue;
        }
        let end = at + packet.payload.len();
        if audio.len() < end {
            audio.resize(end, 0);
        }
        audio[at..end].iter_mut().zip(packet.payload).for_each(|(to, from)| *to = decode(*from));
    }
    Some(audio)
}

/// The frames of a pcap file (microseconds or nanoseconds), each with its arrival in samples.
fn records(pcap: &[u8]) -> Option<impl Iterator<Item = (u64, &[u8])>> {
    let per_second = match word(pcap, 0)? {
        0xa1b2_c3d4 => 1_000_000,
        0xa1b2_3c4d => 1_000_000_000,
        _ => return None,
    };
    if word(pcap, 20)? & 0x0fff_ffff != 1 {
        return None;
    }
    let mut rest = pcap.get(24..)?;
    Some(std::iter::from_fn(move || {
        let (seconds, fraction) = (u64::from(word(rest, 0)?), u64::from(word(rest, 4)?));
        let length = word(rest, 8)? as usize;
        let frame = rest.get(16..16 + length)?;
        rest = &rest[16 + length..];
        Some((seconds * u64::from(RATE) + fraction * u64::from(RATE) / per_second, frame))
    }))
}

fn rtp(arrival: u64, frame: &[u8], receiver: Ipv4Addr) -> Option<Packet<'_>> {
    let ip = frame.get(14..).filter(|_| frame[12..14] == [0x08, 0x00])?;
    let header = usize::from(ip.first()? & 0x0f) * 4;
    let for_receiver = *ip.get(9)? == 17 && ip.get(16..20)? == receiver.octets();
    let rtp = ip.get(header + 8..).filter(|_| for_receiver)?;
    let first = *rtp.first()?;
    // Version 2, payload type 0: STUN, RTCP, SIP and telephone events fall through here.
    if first >> 6 != 2 || rtp.get(1)? & 0x7f != 0 {
        return None;
    }
    let big = |at: usize| Some(u32::from_be_bytes(rtp.get(at..at + 4)?.try_into().ok()?));
    let skip = 12 + usize::from(first & 0x0f) * 4;
    Some(Packet { arrival, timestamp: big(4)?, ssrc: big(8)?, payload: rtp.get(skip..)? })
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(timestamp: u32, ssrc: u32, byte: u8) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([0x08, 0x00, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0]);
        frame.extend([198, 18, 0, 1, 198, 18, 0, 2]);
        frame.extend([0; 8]);
        frame.extend([0x80, 0, 0, 0]);
        frame.extend(timestamp.to_be_bytes());
        frame.extend(ssrc.to_be_bytes());
        frame.extend([byte; 160]);
        frame
    }

    fn capture(frames: &[(u32, Vec<u8>)]) -> Vec<u8> {
        let mut pcap = 0xa1b2_c3d4u32.to_le_bytes().to_vec();
        pcap.extend([0; 16]);
        pcap.extend(1u32.to_le_bytes());
        for (millis, frame) in frames {
            let length = frame.len() as u32;
            for word in [100, millis * 1000, length, length] {
                pcap.extend(word.to_le_bytes());
            }
            pcap.extend(frame);
        }
        pcap
    }

    #[test]
    fn a_lost_packet_is_a_silent_gap_and_late_ones_find_their_place() {
        let pcap =
            capture(&[(0, frame(1000, 7, 0)), (50, frame(1480, 7, 0)), (60, frame(1160, 7, 0))]);
        let audio = listen(&pcap, Ipv4Addr::new(198, 18, 0, 2)).unwrap();
        let loud: Vec<bool> = audio.chunks(160).map(|c| c.iter().all(|s| *s != 0)).collect();
        assert_eq!(loud, [true, true, false, true]);
    }

    #[test]
    fn a_new_source_continues_at_its_arrival() {
        let pcap = capture(&[(0, frame(1000, 7, 0)), (40, frame(90_000, 8, 0))]);
        assert_eq!(listen(&pcap, Ipv4Addr::new(198, 18, 0, 2)).unwrap().len(), 480);
    }

    #[test]
    fn another_voice_of_the_same_source_continues_at_its_arrival() {
        for timestamp in [2_000_000_000, 3_000_000_000] {
            let pcap = capture(&[(0, frame(1000, 7, 0)), (40, frame(timestamp, 7, 0))]);
            assert_eq!(listen(&pcap, Ipv4Addr::new(198, 18, 0, 2)).unwrap().len(), 480);
        }
    }

    #[test]
    fn another_receivers_audio_is_not_heard() {
        let pcap = capture(&[(0, frame(1000, 7, 0))]);
        assert!(listen(&pcap, Ipv4Addr::new(198, 18, 0, 1)).unwrap().is_empty());
    }
}
