//! The buffer against a simulated link: seeded loss, jitter, reordering and clock drift.

use super::*;
use crate::codec::Encoder;
use crate::opus::OpusSettings;
use crate::spectrum::{level_of, rms_dbfs, sine};

const MS: Duration = Duration::from_millis(1);
const PACKET_TIME: Duration = Duration::from_millis(20);

/// A packet on its way.
#[derive(Debug, Clone)]
struct Sent {
    arrival: Duration,
    sequence: u16,
    timestamp: u32,
    payload: Vec<u8>,
}

/// xorshift: the same seed gives the same link.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn tone(seconds: usize) -> Vec<i16> {
    sine(1_000.0, -12.0, SAMPLE_RATE, seconds * SAMPLE_RATE as usize)
}

/// A voice-like sound: 140 Hz with harmonics, in syllables.
fn voice(seconds: usize) -> Vec<i16> {
    let length = seconds * SAMPLE_RATE as usize;
    let mut sum = vec![0_f64; length];
    for harmonic in 1..12 {
        let hertz = 140.0 * f64::from(harmonic);
        for (slot, sample) in
            sum.iter_mut().zip(sine(hertz, -20.0 - 2.0 * f64::from(harmonic), SAMPLE_RATE, length))
        {
            *slot += f64::from(sample);
        }
    }
    let syllable = |n: usize| (n as f64 / 12_000.0 * std::f64::consts::PI).sin().abs();
    sum.into_iter().enumerate().map(|(n, sample)| (sample * syllable(n)) as i16).collect()
}

/// A 1 kHz tone that comes and goes four times a second, since to an encoder a steady tone is
/// background noise and not worth a copy.
fn pulses(seconds: usize) -> Vec<i16> {
    let swell = |n: usize| (n as f64 / 12_000.0 * std::f64::consts::PI).sin().abs();
    tone(seconds)
        .iter()
        .enumerate()
        .map(|(n, sample)| (f64::from(*sample) * swell(n)) as i16)
        .collect()
}

/// Encodes `sound` and sends one packet each 20 ms over a link without delay.
fn send(codec: Codec, settings: OpusSettings, sound: &[i16]) -> Vec<Sent> {
    let mut encoder = Encoder::new(codec, settings).unwrap();
    let (first_sequence, first_timestamp) = (65_500_u16, u32::MAX - 5_000);
    let ticks = codec.clock_rate() / 50;
    sound
        .as_chunks::<960>()
        .0
        .iter()
        .enumerate()
        .map(|(n, frame)| {
            let mut payload = vec![0; 1_275];
            let length = encoder.encode(frame, &mut payload).unwrap();
            payload.truncate(length);
            Sent {
                arrival: PACKET_TIME * n as u32,
                sequence: first_sequence.wrapping_add(n as u16),
                timestamp: first_timestamp.wrapping_add(n as u32 * ticks),
                payload,
            }
        })
        .collect()
}

struct Played {
    sound: Vec<i16>,
    heard: Vec<Heard>,
    stats: PlayoutStats,
    delays: Vec<Duration>,
}

impl Played {
    /// The first pull that gave sound that was sent, in time from the start.
    fn first_heard(&self) -> Duration {
        let pull = self.heard.iter().position(|heard| *heard == Heard::Decoded).unwrap();
        MS * 10 * pull as u32
    }
}

fn play(codec: Codec, packets: Vec<Sent>) -> Played {
    play_at(codec, packets, 0.0)
}

/// Plays on a clock that runs `ppm` fast.
fn play_at(codec: Codec, mut packets: Vec<Sent>, ppm: f64) -> Played {
    packets.sort_by_key(|packet| packet.arrival);
    let end = packets.last().unwrap().arrival + PACKET_TIME;
    let mut playout = Playout::new(codec, PlayoutConfig::default()).unwrap();
    let mut played =
        Played { sound: vec![], heard: vec![], stats: PlayoutStats::default(), delays: vec![] };
    let mut packets = packets.into_iter().peekable();
    for pull in 0.. {
        let now = Duration::from_secs_f64(f64::from(pull) * 0.010 / (1.0 + ppm * 1e-6));
        if now >= end {
            break;
        }
        while let Some(packet) = packets.next_if(|packet| packet.arrival <= now) {
            let Sent { arrival, sequence, timestamp, payload } = &packet;
            let (sequence, timestamp) = (*sequence, *timestamp);
            playout
                .push(RtpPacket { ssrc: 7, sequence, timestamp, marker: false, payload }, *arrival);
        }
        let mut frame = [0; 480];
        played.heard.push(playout.pull(&mut frame, now));
        played.delays.push(playout.stats().delay);
        played.sound.extend_from_slice(&frame);
    }
    played.stats = playout.stats();
    played
}

/// The part of `sound` that is neither 1 kHz nor silence, below the tone in dB, in the worst second.
fn distance_to_spurious(sound: &[i16]) -> f64 {
    sound
        .as_chunks::<48_000>()
        .0
        .iter()
        .map(|second| {
            let level = level_of(second, SAMPLE_RATE, 1_000.0);
            let spurious = [300.0, 500.0, 700.0, 1_400.0, 1_900.0, 2_500.0, 4_000.0, 6_000.0]
                .into_iter()
                .map(|hertz| level_of(second, SAMPLE_RATE, hertz))
                .fold(f64::MIN, f64::max);
            level - spurious
        })
        .fold(f64::MAX, f64::min)
}

#[test]
fn a_clean_link_is_played_whole_and_early() {
    for codec in [Codec::Opus, Codec::Pcmu, Codec::Pcma] {
        let played = play(codec, send(codec, OpusSettings::default(), &tone(4)));
        assert_eq!(played.first_heard(), Duration::ZERO);
        let stats = played.stats;
        assert_eq!(stats.packets_received, 200);
        assert_eq!((stats.packets_lost, stats.packets_late, stats.concealed_samples), (0, 0, 0));
        // What the early start lacks to the target is stretched, by a packet's length at most.
        assert!(stats.inserted_samples <= 960, "{}", stats.inserted_samples);
        assert_eq!(stats.removed_samples, 0);
        assert_eq!(stats.target, MS * 20);
        assert!(stats.delay <= MS * 30, "{:?}", stats.delay);
        let level = level_of(&played.sound[48_000..], SAMPLE_RATE, 1_000.0);
        assert!((level + 12.0).abs() < 0.5, "{codec:?}: {level}");
    }
}

#[test]
fn order_does_not_matter_within_the_delay_and_copies_are_dropped() {
    let mut packets = send(Codec::Opus, OpusSettings::default(), &tone(4));
    let straight = play(Codec::Opus, packets.clone());
    for pair in packets.chunks_exact_mut(2).skip(20).step_by(10) {
        // The earlier packet just after the later one.
        pair[0].arrival = pair[1].arrival + MS / 2;
    }
    let twins: Vec<_> = packets.iter().step_by(7).cloned().collect();
    let twin_count = twins.len() as u64;
    packets.extend(twins);
    let played = play(Codec::Opus, packets);
    assert_eq!(played.stats.packets_duplicated, twin_count);
    assert!(played.stats.packets_reordered >= 7);
    assert_eq!(played.stats.packets_lost, 0);
    assert_eq!(straight.stats.packets_reordered, 0);
}

#[test]
fn ten_percent_loss_with_fec_keeps_the_tone() {
    let settings =
        OpusSettings { expected_loss: 15, bits_per_second: 32_000, ..Default::default() };
    let packets = send(Codec::Opus, settings, &pulses(10));
    let mut dice = Dice(4);
    let mut thinned = packets.clone();
    thinned.retain(|packet| packet.arrival < MS * 500 || dice.roll() > 0.10);
    let whole = play(Codec::Opus, packets);
    let played = play(Codec::Opus, thinned);
    let stats = played.stats;
    assert!((30..80).contains(&stats.packets_lost), "{stats:?}");
    assert!(stats.fec_recovered * 10 >= stats.packets_lost * 6, "{stats:?}");
    let level = |played: &Played| level_of(&played.sound[96_000..456_000], SAMPLE_RATE, 1_000.0);
    assert!((level(&played) - level(&whole)).abs() < 1.0, "{}", level(&played));
    let distance = distance_to_spurious(&played.sound[96_000..456_000]);
    assert!(distance > 30.0, "{distance}");
}

#[test]
fn g711_loss_is_concealed_without_dropping_the_level() {
    let mut dice = Dice(5);
    let mut packets = send(Codec::Pcma, OpusSettings::default(), &tone(10));
    packets.retain(|packet| packet.arrival < MS * 500 || dice.roll() > 0.05);
    let played = play(Codec::Pcma, packets);
    assert!(played.stats.packets_lost > 10);
    assert!(played.stats.concealed_samples >= played.stats.packets_lost * 900);
    let level = level_of(&played.sound[96_000..456_000], SAMPLE_RATE, 1_000.0);
    assert!((level + 12.0).abs() < 1.0, "{level}");
    assert!(distance_to_spurious(&played.sound[96_000..456_000]) > 20.0);
}

#[test]
fn jitter_is_met_with_delay_and_then_hardly_heard() {
    for seed in 1..4 {
        let mut dice = Dice(seed);
        let mut packets = send(Codec::Opus, OpusSettings::default(), &voice(20));
        for packet in &mut packets {
            packet.arrival += MS.mul_f64(dice.roll() * dice.roll() * 80.0);
        }
        let played = play(Codec::Opus, packets);
        let stats = played.stats;
        assert!((MS * 40..MS * 100).contains(&stats.target), "{stats:?}");
        let late = played.heard[200..].iter().filter(|heard| **heard == Heard::Concealed).count();
        assert!(late * 100 < played.heard.len() * 5, "{late} of {}", played.heard.len());
        assert_eq!(stats.packets_lost, 0);
    }
}

#[test]
fn after_a_spike_the_delay_comes_back_at_the_next_pauses() {
    for pauses in [true, false] {
        let mut sound = voice(12);
        if pauses {
            sound.chunks_mut(48_000).for_each(|second| second[..12_000].fill(0));
        }
        let mut packets = send(Codec::Opus, OpusSettings::default(), &sound);
        for packet in &mut packets {
            // Nothing comes for 300 ms, then all at once.
            if (MS * 5_000..MS * 5_300).contains(&packet.arrival) {
                packet.arrival = MS * 5_300;
            }
        }
        let played = play(Codec::Opus, packets);
        let before = played.delays[490];
        let peak = *played.delays[500..600].iter().max().unwrap();
        let after = played.delays[1_100];
        assert!(before <= MS * 30, "{before:?}");
        assert!(peak >= MS * 150, "{peak:?}");
        // Within speech the seams of playing faster cost more than 60 ms of delay.
        let most = if pauses { MS * 35 } else { MS * 85 };
        assert!(after <= most, "{pauses}: {after:?}");
        assert_eq!(played.stats.packets_discarded, 0);
    }
}

#[test]
fn an_outage_that_ends_in_a_burst_is_caught_up_at_once() {
    let mut packets = send(Codec::Opus, OpusSettings::default(), &voice(10));
    for packet in &mut packets {
        if (MS * 4_000..MS * 5_500).contains(&packet.arrival) {
            packet.arrival = MS * 5_500;
        }
    }
    let played = play(Codec::Opus, packets);
    assert!(played.stats.packets_discarded > 40, "{:?}", played.stats);
    let soon = played.delays[650];
    assert!(soon < MS * 300, "{soon:?}");
}

#[test]
fn a_minute_of_clock_drift_never_runs_dry() {
    for ppm in [200.0, -200.0] {
        let packets = send(Codec::Opus, OpusSettings::default(), &voice(60));
        let played = play_at(Codec::Opus, packets, ppm);
        let stats = played.stats;
        // The very first packet is played without waiting, so that the second may be missed once.
        let is_sent = |heard: &Heard| *heard == Heard::Decoded;
        assert!(played.heard[5..].iter().all(is_sent), "{ppm}: {stats:?}");
        assert!(stats.concealed_samples <= 480, "{ppm}: {stats:?}");
        // 200 ppm of a minute is 12 ms, 576 samples.
        let moved = stats.inserted_samples + stats.removed_samples;
        assert!(moved <= 2_000, "{ppm}: {stats:?}");
        assert!(played.delays[100..].iter().all(|delay| *delay <= MS * 45), "{ppm}");
    }
}

#[test]
fn other_packet_times_play_whole() {
    // G.711 in packets of 10 to 60 ms.
    let straight = send(Codec::Pcmu, OpusSettings::default(), &tone(4));
    let bytes: Vec<u8> = straight.iter().flat_map(|packet| packet.payload.clone()).collect();
    for packet_ms in [10, 20, 30, 40, 60] {
        let packets = bytes
            .chunks_exact(packet_ms * 8)
            .enumerate()
            .map(|(n, payload)| Sent {
                arrival: MS * (n * packet_ms) as u32,
                sequence: n as u16,
                timestamp: (n * packet_ms * 8) as u32,
                payload: payload.to_vec(),
            })
            .collect();
        let played = play(Codec::Pcmu, packets);
        // The first packet does not wait; one of 60 ms comes only 60 ms later.
        let underrun = played.stats.concealed_samples;
        assert!(underrun <= 3_000, "{packet_ms} ms: {underrun}");
        let level = level_of(&played.sound[48_000..144_000], SAMPLE_RATE, 1_000.0);
        assert!((level + 12.0).abs() < 0.5, "{packet_ms} ms: {level}");
    }
}

#[test]
fn stereo_packets_play_in_mono() {
    let mut encoder = audiopus::coder::Encoder::new(
        audiopus::SampleRate::Hz48000,
        audiopus::Channels::Stereo,
        audiopus::Application::Audio,
    )
    .unwrap();
    encoder.set_bitrate(audiopus::Bitrate::BitsPerSecond(64_000)).unwrap();
    let packets = tone(2)
        .as_chunks::<960>()
        .0
        .iter()
        .enumerate()
        .map(|(n, frame)| {
            let both: Vec<i16> = frame.iter().flat_map(|sample| [*sample, *sample]).collect();
            let mut payload = vec![0; 1_275];
            let length = encoder.encode(&both, &mut payload).unwrap();
            payload.truncate(length);
            assert!(payload[0] & 0x04 != 0, "the packet says stereo");
            Sent {
                arrival: PACKET_TIME * n as u32,
                sequence: n as u16,
                timestamp: n as u32 * 960,
                payload,
            }
        })
        .collect();
    let played = play(Codec::Opus, packets);
    let level = level_of(&played.sound[24_000..72_000], SAMPLE_RATE, 1_000.0);
    assert!((level + 12.0).abs() < 0.5, "{level}");
}

#[test]
fn silence_under_dtx_is_neither_loss_nor_concealment() {
    let mut sound = voice(6);
    sound[96_000..192_000].fill(0);
    let settings = OpusSettings { dtx: true, ..Default::default() };
    let mut packets = send(Codec::Opus, settings, &sound);
    let before = packets.len();
    let mut sequence = 100;
    packets.retain_mut(|packet| {
        packet.sequence = sequence;
        let sent = packet.payload.len() > 2;
        sequence += u16::from(sent);
        sent
    });
    assert!(packets.len() + 60 < before, "DTX saved {} packets", before - packets.len());
    let played = play(Codec::Opus, packets);
    let stats = played.stats;
    assert_eq!(stats.packets_lost, 0);
    assert!(rms_dbfs(&played.sound[120_000..180_000]) < -50.0);
    assert!(stats.delay < MS * 60, "{stats:?}");
}

#[test]
fn a_new_source_takes_over_at_once() {
    let mut playout = Playout::new(Codec::Opus, PlayoutConfig::default()).unwrap();
    let packets = send(Codec::Opus, OpusSettings::default(), &tone(1));
    let mut frame = [0; 480];
    let mut silent = 0;
    for (n, packet) in packets.iter().chain(&packets).enumerate() {
        let now = PACKET_TIME * n as u32;
        let ssrc = if n < packets.len() { 1 } else { 2 };
        let Sent { sequence, timestamp, payload, .. } = packet;
        let (sequence, timestamp) = (*sequence, *timestamp);
        playout.push(RtpPacket { ssrc, sequence, timestamp, marker: false, payload }, now);
        for half in 0..2 {
            let heard = playout.pull(&mut frame, now + MS * 10 * half);
            silent += usize::from(n > 2 && heard != Heard::Decoded);
        }
    }
    assert!(silent <= 3, "{silent} pulls without sound");
    assert_eq!(playout.stats().packets_lost, 0);
}

#[test]
fn no_input_panics_and_each_pull_gives_sound() {
    let mut dice = Dice(99);
    for codec in [Codec::Opus, Codec::Pcmu] {
        let mut playout = Playout::new(codec, PlayoutConfig::default()).unwrap();
        let good = send(codec, OpusSettings::default(), &voice(1));
        let mut now = Duration::ZERO;
        let mut frame = [0; 480];
        for _ in 0..20_000 {
            let mut packet = good[(dice.roll() * good.len() as f64) as usize].clone();
            if dice.roll() < 0.5 {
                packet.sequence = (dice.roll() * 65_536.0) as u16;
            }
            if dice.roll() < 0.5 {
                packet.timestamp = (dice.roll() * 4_294_967_296.0) as u32;
            }
            if dice.roll() < 0.3 {
                packet.payload.truncate((dice.roll() * 20.0) as usize);
            }
            for byte in packet.payload.iter_mut().take(4) {
                if dice.roll() < 0.2 {
                    *byte = (dice.roll() * 256.0) as u8;
                }
            }
            let Sent { sequence, timestamp, payload, .. } = &packet;
            let (sequence, timestamp) = (*sequence, *timestamp);
            let ssrc = u32::from(dice.roll() < 0.01);
            playout.push(RtpPacket { ssrc, sequence, timestamp, marker: false, payload }, now);
            if dice.roll() < 0.7 {
                playout.pull(&mut frame, now);
                now += MS * 10;
            }
        }
        playout.push(
            RtpPacket { ssrc: 0, sequence: 0, timestamp: 0, marker: false, payload: &[0; 5_000] },
            Duration::MAX,
        );
        playout.pull(&mut frame, Duration::MAX);
    }
}

/// The price of playing the first packet at once: where packets come as they should nothing, and on a bad link some
/// milliseconds of invented sound at the beginning.
#[test]
fn the_first_sound_does_not_wait_and_little_is_invented_for_it() {
    for (jitter, most) in [(0.0, 0), (10.0, 0), (20.0, 10)] {
        let mut concealed = 0;
        for seed in 1..=20 {
            let mut dice = Dice(seed);
            let mut packets = send(Codec::Opus, OpusSettings::default(), &voice(2));
            let phase = dice.roll() * 10.0;
            for packet in &mut packets {
                let late = Duration::from_secs_f64((phase + dice.roll() * jitter) / 1000.0);
                packet.arrival += late;
            }
            let first = packets.iter().map(|packet| packet.arrival).min().unwrap();
            let played = play(Codec::Opus, packets);
            assert!(played.first_heard() < first + MS * 10);
            concealed += played.stats.concealed_samples / 48;
        }
        assert!(concealed <= most * 20, "{jitter} ms: {concealed} ms in 20 calls");
    }
}
