//! The media thread with a device of paper: what it captures and plays is written down.

use super::*;
use crate::device::AudioEnd;
use crate::peer::{MediaTransport, PeerConfig, RtpPacket, RtpReceiver, RtpSender, WebRtcTransport};
use crate::testing::{Paper, torn};
use sidetone_media::opus::OpusSettings;
use sidetone_media::playout::PlayoutConfig;
use sidetone_media::{Downlink, DownlinkConfig, Uplink, UplinkConfig};
use sidetone_phone::sdp::Direction;
use std::net::Ipv4Addr;
use std::time::Instant;

fn call_id(n: u128) -> CallId {
    CallId(uuid(n))
}

fn uuid(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(n)
}

fn coders(codec: Codec, payload_type: u8) -> Box<Coders> {
    let uplink = Uplink::new(UplinkConfig {
        codec,
        payload_type,
        dtmf: Some((101, 48_000)),
        ssrc: 0,
        sequence: 0,
        timestamp: 0,
        opus: OpusSettings::default(),
    });
    let downlink = Downlink::new(DownlinkConfig {
        codec,
        payload_type,
        dtmf: Some(101),
        playout: PlayoutConfig::default(),
    });
    Box::new(Coders { uplink: uplink.unwrap(), downlink: downlink.unwrap() })
}

/// A connected pair of peers: the ends of ours, and those of the other side.
async fn path() -> ([Arc<WebRtcTransport>; 2], (RtpReceiver, RtpSender), (RtpReceiver, RtpSender)) {
    let config = PeerConfig { bind: vec![Ipv4Addr::LOCALHOST.into()], ..PeerConfig::default() };
    let (a, mut a_events, a_receiver, a_sender) =
        WebRtcTransport::new(config.clone()).await.unwrap();
    let (b, mut b_events, b_receiver, b_sender) = WebRtcTransport::new(config).await.unwrap();
    let offer = a.offer(Direction::SendRecv, false).await.unwrap();
    let answer = b.answer(&offer, Direction::SendRecv).await.unwrap();
    a.set_remote_answer(&answer).await.unwrap();
    for events in [&mut a_events, &mut b_events] {
        while events.next().await.unwrap() != crate::peer::PeerEvent::Connected {}
    }
    ([a, b], (a_receiver, a_sender), (b_receiver, b_sender))
}

async fn notices_for(media: &mut MediaThread, time: Duration) -> Vec<Notice> {
    let mut notices = Vec::new();
    let until = Instant::now() + time;
    while Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(10)).await;
        notices.extend(std::iter::from_fn(|| media.poll_notice()));
    }
    notices
}

/// What was told of calls.
fn told(notices: &[Notice]) -> Vec<Told> {
    let of_call = |notice: &Notice| match notice {
        Notice::Call(_, told) => Some(*told),
        Notice::AudioLost(_) => None,
    };
    notices.iter().filter_map(of_call).collect()
}

fn echo(mut receiver: RtpReceiver, mut sender: RtpSender) {
    tokio::spawn(async move {
        while let Some(received) = receiver.recv().await {
            sender.send(received.packet);
        }
    });
}

/// How strong 1 kHz is, and how strong all is, in the last half second.
fn tone_and_total(samples: &[i16]) -> (f64, f64) {
    let last = &samples[samples.len() - 24_000..];
    let (mut i, mut q, mut total) = (0.0, 0.0, 0.0);
    for (n, sample) in last.iter().enumerate() {
        let turn = n as f64 * 1_000.0 / 48_000.0 * std::f64::consts::TAU;
        let value = f64::from(*sample);
        i += value * turn.cos();
        q += value * turn.sin();
        total += value * value;
    }
    let n = last.len() as f64;
    ((i * i + q * q).sqrt() / n * 2.0, (total / n).sqrt())
}

/// A call with Opus on a device of paper. What it goes over lives as long as the first value.
async fn call_on_paper() -> (impl Sized, Paper, MediaThread, CallId) {
    let (peers, (receiver, sender), far) = path().await;
    let (paper, media, call) = on_paper(receiver, sender, 1);
    ((peers, far), paper, media, call)
}

/// A call with Opus on a device of paper, whose first packet has this number.
fn on_paper(
    receiver: RtpReceiver,
    sender: RtpSender,
    sequence: u16,
) -> (Paper, MediaThread, CallId) {
    let paper = Paper::default();
    let device = paper.clone();
    let mut media = MediaThread::start(move || Ok(Box::new(device))).unwrap();
    let call = call_id(1);
    let made = CallMedia::new(call, coders(Codec::Opus, 111), receiver, sender, sequence);
    media.ask(Command::Add(Box::new(made)));
    (paper, media, call)
}

#[tokio::test]
async fn a_call_is_heard_through_coding_sending_and_playing() {
    let (peers, (receiver, sender), (far_receiver, far_sender)) = path().await;
    echo(far_receiver, far_sender);
    let (paper, mut media, call) = on_paper(receiver, sender, 65_530);
    media.ask(Command::SetDownlink(call, true));
    media.ask(Command::SetUplink(call, Gate::Open));
    let told = told(&notices_for(&mut media, Duration::from_millis(2_300)).await);

    let count = |wanted: fn(&Told) -> bool| told.iter().filter(|t| wanted(t)).count();
    assert_eq!(count(|t| matches!(t, Told::FirstSent)), 1);
    assert_eq!(count(|t| matches!(t, Told::FirstHeard)), 1);
    let measured: Vec<Measured> = told
        .into_iter()
        .filter_map(|told| match told {
            Told::Measured(measured) => Some(measured),
            Told::FirstSent | Told::FirstHeard | Told::DtmfSent | Told::Alerted => None,
        })
        .collect();
    assert_eq!(measured.len(), 2, "one a second");
    let last = measured[1];
    assert!((95..=101).contains(&last.packets_sent), "{last:?}");
    assert!(last.packets_received >= 80 && last.packets_lost == 0, "{last:?}");
    assert!(last.level_sent > -20.0 && last.level_heard > -20.0, "{last:?}");
    let (tone, total) = tone_and_total(&paper.played.lock().unwrap());
    assert!(tone > 4_000.0, "1 kHz is heard: {tone}");
    assert!(total < tone * 0.8, "and little else: {total}");
    assert_eq!(paper.rewound.load(Ordering::SeqCst), 1);

    // Muted silence goes on being sent and is heard as silence.
    media.ask(Command::SetUplink(call, Gate::Muted));
    notices_for(&mut media, Duration::from_millis(1_200)).await;
    let (tone, _) = tone_and_total(&paper.played.lock().unwrap());
    assert!(tone < 50.0, "{tone}");
    assert_eq!(paper.rewound.load(Ordering::SeqCst), 1, "opened once");
    media.join();
    drop(peers);
}

#[tokio::test]
async fn a_call_that_waits_is_heard_here_and_not_sent() {
    let (peers, (receiver, sender), (far_receiver, far_sender)) = path().await;
    // What is sent comes back: a tone that got out would be heard twice.
    echo(far_receiver, far_sender);
    let (paper, mut media, call) = on_paper(receiver, sender, 1);
    media.ask(Command::SetDownlink(call, true));
    media.ask(Command::SetUplink(call, Gate::Muted));
    notices_for(&mut media, Duration::from_millis(600)).await;
    let before = paper.played.lock().unwrap().len();
    media.ask(Command::CallWaiting(true));
    notices_for(&mut media, Duration::from_millis(1_500)).await;
    media.ask(Command::CallWaiting(false));
    notices_for(&mut media, Duration::from_millis(100)).await;
    let played = paper.played.lock().unwrap().clone();
    let is_loud = |frame: &[i16]| frame.iter().any(|sample| sample.unsigned_abs() > 600);
    let loud = played[before..].chunks(480).map(is_loud);
    let loud: Vec<bool> = [false].into_iter().chain(loud).collect();
    let count = loud.iter().filter(|loud| **loud).count();
    let begins = loud.windows(2).filter(|pair| *pair == [false, true]).count();
    assert_eq!((begins, (38..=41).contains(&count)), (1, true), "{count} frames of 10 ms");
    media.join();
    drop(peers);
}

#[tokio::test]
async fn digits_are_told_when_they_are_on_the_wire() {
    let (_peers, (receiver, sender), (mut far, _far_sender)) = path().await;
    let mut media = MediaThread::start(|| Ok(Box::new(Paper::default()))).unwrap();
    let call = call_id(1);
    let made = CallMedia::new(call, coders(Codec::Opus, 111), receiver, sender, 65_530);
    media.ask(Command::Add(Box::new(made)));
    media.ask(Command::SetUplink(call, Gate::Open));
    media.ask(Command::Press(call, Keys::new("15")));
    let told = told(&notices_for(&mut media, Duration::from_millis(800)).await);
    assert_eq!(told.iter().filter(|t| matches!(t, Told::DtmfSent)).count(), 1);
    let mut packets: Vec<RtpPacket> = Vec::new();
    while let Some(received) = far.try_recv() {
        packets.push(received.packet);
    }
    let mut digits: Vec<u8> =
        packets.iter().filter(|p| p.payload_type == 101).map(|p| p.payload()[0]).collect();
    digits.dedup();
    assert_eq!(digits, [1, 5]);
    let gaps = packets.windows(2).filter(|w| w[1].sequence != w[0].sequence.wrapping_add(1));
    assert_eq!(gaps.count(), 0, "one sequence for audio and digits, across 65535");
}

#[tokio::test]
async fn another_codec_goes_on_with_the_numbers_of_the_first() {
    let (_peers, (receiver, sender), (mut far, _far_sender)) = path().await;
    let mut media = MediaThread::start(|| Ok(Box::new(Paper::default()))).unwrap();
    let call = call_id(1);
    let made = CallMedia::new(call, coders(Codec::Opus, 111), receiver, sender, 100);
    media.ask(Command::Add(Box::new(made)));
    media.ask(Command::SetUplink(call, Gate::Open));
    notices_for(&mut media, Duration::from_millis(300)).await;
    media.ask(Command::Recode(call, coders(Codec::Pcmu, 0)));
    notices_for(&mut media, Duration::from_millis(300)).await;
    let mut packets: Vec<RtpPacket> = Vec::new();
    while let Some(received) = far.try_recv() {
        packets.push(received.packet);
    }
    let types: std::collections::BTreeSet<u8> = packets.iter().map(|p| p.payload_type).collect();
    assert_eq!(types.into_iter().collect::<Vec<_>>(), [0, 111]);
    let gaps = packets.windows(2).filter(|w| w[1].sequence != w[0].sequence.wrapping_add(1));
    assert_eq!(gaps.count(), 0);
}

#[tokio::test]
async fn without_an_open_end_the_thread_sleeps_and_the_device_rests() {
    let (_path, paper, mut media, call) = call_on_paper().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let before = media.wakes();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(media.wakes(), before, "a call that only rings wakes nobody");
    assert!(!paper.running.load(Ordering::SeqCst));

    media.ask(Command::SetUplink(call, Gate::Open));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let talking = media.wakes() - before;
    assert!((40..=60).contains(&talking), "{talking} wake-ups in half a second of 10 ms frames");
    assert!(paper.running.load(Ordering::SeqCst));

    media.ask(Command::Remove(call));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let after = media.wakes();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(media.wakes(), after);
    assert!(!paper.running.load(Ordering::SeqCst));
}

#[tokio::test]
async fn the_timer_does_not_drift() {
    let (_path, paper, mut media, call) = call_on_paper().await;
    media.ask(Command::SetDownlink(call, true));
    let began = Instant::now();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let (played, took) = (paper.played.lock().unwrap().len(), began.elapsed());
    let expected = took.as_millis() as usize / 10;
    assert!((played / 480).abs_diff(expected) <= 3, "{} frames in {took:?}", played / 480);
}

#[test]
fn a_device_that_cannot_be_had_is_told_at_once() {
    let refused = MediaThread::start(|| {
        let (name, detail) = ("x".to_owned(), "busy".to_owned());
        Err(AudioError::Device { end: AudioEnd::Speaker, name, detail })
    });
    assert!(refused.is_err());
}

#[tokio::test]
async fn a_device_that_dies_is_told_once_and_the_call_goes_on() {
    let (_path, paper, mut media, call) = call_on_paper().await;
    media.ask(Command::SetDownlink(call, true));
    paper.torn.store(true, Ordering::SeqCst);
    let notices = notices_for(&mut media, Duration::from_millis(200)).await;
    let lost = notices.iter().filter_map(|notice| match notice {
        Notice::AudioLost(error) => Some(error.to_string()),
        Notice::Call(..) => None,
    });
    assert_eq!(lost.collect::<Vec<_>>(), [torn().to_string()]);
    let before = paper.played.lock().unwrap().len();
    notices_for(&mut media, Duration::from_millis(200)).await;
    assert!(paper.played.lock().unwrap().len() > before + 10 * 480, "it is still paced");
}

#[tokio::test]
async fn what_was_lost_is_opened_again_within_the_call() {
    let (_path, paper, mut media, call) = call_on_paper().await;
    media.ask(Command::SetDownlink(call, true));
    notices_for(&mut media, Duration::from_millis(100)).await;
    paper.torn.store(true, Ordering::SeqCst);
    notices_for(&mut media, Duration::from_millis(150)).await;
    assert_eq!(paper.starts.load(Ordering::SeqCst), 1, "not at once");
    notices_for(&mut media, Duration::from_millis(350)).await;
    assert_eq!(paper.starts.load(Ordering::SeqCst), 2);
    notices_for(&mut media, Duration::from_millis(700)).await;
    assert_eq!(paper.starts.load(Ordering::SeqCst), 2, "it is there: nothing more is tried");
}

#[tokio::test]
async fn devices_run_only_while_the_platform_lets_them_and_are_opened_anew_for_a_new_route() {
    let (_peers, (receiver, sender), _far) = path().await;
    let paper = Paper::default();
    let device = paper.clone();
    let mut media = MediaThread::start(move || Ok(Box::new(device))).unwrap();
    let seen = || (paper.starts.load(Ordering::SeqCst), paper.running.load(Ordering::SeqCst));
    let pause = || tokio::time::sleep(Duration::from_millis(100));
    media.ask(Command::SetActive(false));
    let call = call_id(1);
    let made = CallMedia::new(call, coders(Codec::Opus, 111), receiver, sender, 1);
    media.ask(Command::Add(Box::new(made)));
    media.ask(Command::SetDownlink(call, true));
    media.ask(Command::Reopen);
    pause().await;
    assert_eq!(seen(), (0, false), "wanted, and not allowed");
    media.ask(Command::SetActive(true));
    media.ask(Command::SetActive(true));
    pause().await;
    assert_eq!(seen(), (1, true));
    media.ask(Command::Reopen);
    pause().await;
    assert_eq!(seen(), (2, true), "another route");
    media.ask(Command::SetActive(false));
    pause().await;
    assert_eq!(seen(), (2, false), "an interruption");
    media.ask(Command::SetActive(true));
    pause().await;
    assert_eq!(seen(), (3, true));
    media.ask(Command::SetActive(false));
    media.ask(Command::SetActive(true));
    pause().await;
    assert_eq!(seen(), (4, true), "one that was over before it was noticed");
    media.ask(Command::Remove(call));
    pause().await;
    assert_eq!(seen(), (4, false));
}
