//! Two peers on loopback, one of them dressed up as Asterisk where that is what matters.

use super::pjnath::{Credentials, Pjnath, Role};
use super::transport::WebRtcTransport;
use super::*;
use sidetone_phone::sdp::Direction;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;
use tokio::time::timeout;
use webrtc::peer_connection::{RTCSessionDescription, crypto};

const PATIENCE: Duration = Duration::from_secs(5);

struct Peer {
    transport: Arc<WebRtcTransport>,
    events: PeerEvents,
    receiver: RtpReceiver,
    sender: RtpSender,
    sequence: u16,
}

impl Peer {
    async fn new() -> Self {
        Self::of(WebRtcTransport::new(on_loopback()).await.unwrap())
    }

    fn of(made: (Arc<WebRtcTransport>, PeerEvents, RtpReceiver, RtpSender)) -> Self {
        let (transport, events, receiver, sender) = made;
        Self { transport, events, receiver, sender, sequence: 0 }
    }

    async fn offer(&self) -> String {
        self.transport.offer(Direction::SendRecv, false).await.unwrap()
    }

    async fn answer(&self, offer: &str) -> String {
        self.transport.answer(offer, Direction::SendRecv).await.unwrap()
    }

    /// What the stack wrote, before the normaliser.
    async fn raw_description(&self) -> String {
        self.transport.connection().local_description().await.unwrap().sdp
    }

    async fn wait_for(&mut self, wanted: impl Fn(&PeerEvent) -> bool) -> PeerEvent {
        let search = async {
            loop {
                let event = self.events.next().await.unwrap();
                if wanted(&event) {
                    return event;
                }
            }
        };
        timeout(PATIENCE, search).await.expect("the event in time")
    }

    async fn connected(&mut self) {
        self.wait_for(|event| *event == PeerEvent::Connected).await;
    }

    fn send(&mut self, payload_type: u8, payload: &[u8]) -> bool {
        self.sequence += 1;
        let timestamp = u32::from(self.sequence) * 960;
        let packet = RtpPacket::new(payload_type, false, self.sequence, timestamp, payload);
        self.sender.send(packet.unwrap())
    }

    async fn hears(&mut self, payload: &[u8]) -> u8 {
        let search = async {
            loop {
                let received = self.receiver.recv().await.unwrap();
                if received.packet.payload() == payload {
                    return received.packet.payload_type;
                }
            }
        };
        timeout(PATIENCE, search).await.expect("the packet in time")
    }
}

fn on_loopback() -> PeerConfig {
    PeerConfig { bind: vec![Ipv4Addr::LOCALHOST.into()], ..PeerConfig::default() }
}

/// The first packets of a stream may be lost while the other side learns of it: send until heard.
async fn flows(from: &mut Peer, to: &mut Peer, payload_type: u8, payload: &[u8]) -> u8 {
    let sending = async {
        loop {
            from.send(payload_type, payload);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        heard_as = to.hears(payload) => heard_as,
        () = sending => unreachable!("sends for ever"),
    }
}

async fn connect(offerer: &mut Peer, answerer: &mut Peer) {
    let offer = offerer.offer().await;
    let answer = answerer.answer(&offer).await;
    offerer.transport.set_remote_answer(&answer).await.unwrap();
    offerer.connected().await;
    answerer.connected().await;
}

/// Asterisk spells the hash in capitals (RFC 8122 §5 lets it).
fn with_capital_hash(sdp: &str) -> String {
    sdp.replace("a=fingerprint:sha-256", "a=fingerprint:SHA-256")
}

fn candidates_of(sdp: &str) -> Vec<&str> {
    sdp.lines().filter_map(|line| line.strip_prefix("a=candidate:")).collect()
}

#[tokio::test]
async fn packets_flow_both_ways_and_digits_go_along() {
    let (mut a, mut b) = (Peer::new().await, Peer::new().await);
    assert!(!a.send(111, b"too early"), "nothing leaves before DTLS is up");
    connect(&mut a, &mut b).await;
    assert_eq!(flows(&mut a, &mut b, 111, b"to b").await, 111);
    assert_eq!(flows(&mut b, &mut a, 111, b"to a").await, 111);
    assert_eq!(flows(&mut a, &mut b, 101, b"five").await, 101);
    let negotiated = a.transport.negotiated().unwrap();
    assert_eq!((negotiated.codec.name.as_str(), negotiated.codec.payload_type), ("opus", 111));
    assert_eq!(negotiated.telephone_event.unwrap().payload_type, 101);
    for peer in [&a, &b] {
        peer.transport.close().await;
    }
}

#[tokio::test]
async fn a_pair_is_up_long_before_the_default_check_interval() {
    let (mut a, b) = (Peer::new().await, Peer::new().await);
    let offer = a.offer().await;
    let answer = b.answer(&offer).await;
    let began = Instant::now();
    a.transport.set_remote_answer(&answer).await.unwrap();
    a.connected().await;
    assert!(began.elapsed() < Duration::from_millis(180), "took {:?}", began.elapsed());
}

#[tokio::test]
async fn milestones_name_the_pair() {
    let (mut a, mut b) = (Peer::new().await, Peer::new().await);
    let offer = a.offer().await;
    let answer = b.answer(&offer).await;
    a.transport.set_remote_answer(&answer).await.unwrap();
    assert_eq!(a.events.next().await, Some(PeerEvent::Gathered(1)));
    let event = a.wait_for(|e| matches!(e, PeerEvent::IceConnected(_))).await;
    let PeerEvent::IceConnected(pair) = event else { unreachable!("was waited for") };
    assert!(pair.starts_with("host 127.0.0.1:") && pair.contains(" - 127.0.0.1:"), "{pair}");
    b.connected().await;
}

#[tokio::test]
async fn a_hash_name_in_capitals_is_read() {
    let (mut a, mut b) = (Peer::new().await, Peer::new().await);
    let offer = with_capital_hash(&a.offer().await);
    let answer = with_capital_hash(&b.answer(&offer).await);
    a.transport.set_remote_answer(&answer).await.unwrap();
    a.connected().await;
    b.connected().await;
}

#[tokio::test]
async fn the_stack_alone_does_not_read_a_hash_name_in_capitals() {
    let (mut a, b) = (Peer::new().await, Peer::new().await);
    let offer = a.offer().await;
    let answer = RTCSessionDescription::answer(with_capital_hash(&b.answer(&offer).await)).unwrap();
    a.transport.connection().set_remote_description(answer).await.unwrap();
    let connected = timeout(Duration::from_millis(600), a.connected()).await;
    assert!(connected.is_err(), "the work-around is not needed any more");
}

#[tokio::test]
async fn an_offer_takes_the_active_role_and_names_a_real_address() {
    let (a, b) = (Peer::new().await, Peer::new().await);
    let offer = a.offer().await;
    assert!(offer.contains("a=setup:active\r\n"), "{offer}");
    assert!(offer.contains("c=IN IP4 127.0.0.1\r\n"), "0.0.0.0 means hold to Asterisk: {offer}");
    assert!(!offer.contains("m=audio 9 "), "{offer}");
    let raw = a.raw_description().await;
    assert!(raw.contains("a=setup:actpass\r\n") && raw.contains("c=IN IP4 0.0.0.0\r\n"), "{raw}");
    let answer = b.answer(&offer).await;
    assert!(answer.contains("a=setup:passive\r\n"), "{answer}");
    let raw = b.raw_description().await;
    assert!(raw.contains("a=setup:active\r\n"), "the stack answers active to active: {raw}");
}

#[tokio::test]
async fn an_answer_to_actpass_is_active() {
    let (a, b) = (Peer::new().await, Peer::new().await);
    let offer = a.offer().await.replace("a=setup:active", "a=setup:actpass");
    let answer = b.answer(&offer).await;
    assert!(answer.contains("a=setup:active\r\n"), "{answer}");
}

/// As Asterisk offers: Opus as 107, and telephone-event twice.
fn as_asterisk_offers(offer: &str) -> String {
    with_capital_hash(offer)
        .replace("SAVPF 111 0 8 101", "SAVPF 107 0 101 103")
        .replace("a=rtpmap:111 ", "a=rtpmap:107 ")
        .replace("a=fmtp:111 ", "a=fmtp:107 ")
        .replace(
            "a=rtpmap:8 PCMA/8000\r\n",
            "a=rtpmap:103 telephone-event/8000\r\na=fmtp:103 0-16\r\n",
        )
        .replace("a=setup:active", "a=setup:actpass")
}

#[tokio::test]
async fn the_numbers_of_the_other_side_are_used() {
    let (a, b) = (Peer::new().await, Peer::new().await);
    let offer = as_asterisk_offers(&a.offer().await);
    assert!(offer.contains("SAVPF 107 0 101 103"), "{offer}");
    let answer = b.answer(&offer).await;
    let formats = answer.lines().find_map(|l| l.strip_prefix("m=audio ")).unwrap();
    assert!(formats.ends_with("SAVPF 107 0 101"), "telephone-event once: {formats}");
    let negotiated = b.transport.negotiated().unwrap();
    assert_eq!(negotiated.codec.payload_type, 107);
    assert_eq!(negotiated.telephone_event.unwrap().payload_type, 101);
}

/// A peer that numbers Opus 107, as Asterisk does.
async fn peer_with_opus_as_107() -> Peer {
    let mut codecs = engine::codecs();
    codecs[0].payload_type = 107;
    let provider = crypto::default_provider().unwrap();
    Peer::of(WebRtcTransport::with(on_loopback(), provider, codecs).await.unwrap())
}

/// Sends as was agreed, and is heard under this number.
async fn flows_as_agreed(from: &mut Peer, to: &mut Peer, payload: &[u8]) -> u8 {
    let codec = from.transport.negotiated().unwrap().codec;
    assert_eq!(codec.name, "opus");
    flows(from, to, codec.payload_type, payload).await
}

#[tokio::test]
async fn opus_flows_as_107_where_the_other_side_offers_it_so() {
    let (mut ours, mut theirs) = (Peer::new().await, peer_with_opus_as_107().await);
    let offer = theirs.offer().await;
    assert!(offer.contains("a=rtpmap:107 opus/48000/2"), "{offer}");
    let answer = ours.answer(&offer).await;
    theirs.transport.set_remote_answer(&answer).await.unwrap();
    ours.connected().await;
    theirs.connected().await;
    assert_eq!(flows_as_agreed(&mut ours, &mut theirs, b"to them").await, 107);
    assert_eq!(flows_as_agreed(&mut theirs, &mut ours, b"to us").await, 107);
}

/// RFC 3264 §6.1: who answers may number a codec differently, and is sent its own number.
#[tokio::test]
async fn opus_flows_as_107_where_the_other_side_answers_it_so() {
    let (mut ours, mut theirs) = (Peer::new().await, peer_with_opus_as_107().await);
    let offer = ours.offer().await;
    assert!(offer.contains("a=rtpmap:111 opus/48000/2"), "{offer}");
    // Their stack is told of our offer in its own numbers.
    let answer = theirs.answer(&with_opus_as(&offer, 111, 107)).await;
    assert!(answer.contains("a=rtpmap:107 opus/48000/2"), "{answer}");
    ours.transport.set_remote_answer(&answer).await.unwrap();
    ours.connected().await;
    theirs.connected().await;
    assert_eq!(flows_as_agreed(&mut ours, &mut theirs, b"to them").await, 107);
    assert_eq!(flows(&mut theirs, &mut ours, 107, b"to us").await, 107);
}

/// The description with Opus under another number.
fn with_opus_as(sdp: &str, from: u8, to: u8) -> String {
    sdp.replace(&format!("SAVPF {from} "), &format!("SAVPF {to} "))
        .replace(&format!("a=rtpmap:{from} "), &format!("a=rtpmap:{to} "))
        .replace(&format!("a=fmtp:{from} "), &format!("a=fmtp:{to} "))
}

#[tokio::test]
async fn a_call_can_be_g711_alone() {
    let (mut a, mut b) = (Peer::new().await, Peer::new().await);
    let offer: String = a
        .offer()
        .await
        .replace("SAVPF 111 0 8 101", "SAVPF 8 101")
        .split_inclusive("\r\n")
        .filter(|line| !line.contains(":111 ") && !line.contains(":0 PCMU"))
        .collect();
    let answer = b.answer(&offer).await;
    a.transport.set_remote_answer(&answer).await.unwrap();
    a.connected().await;
    b.connected().await;
    assert_eq!(a.transport.negotiated().unwrap().codec.name, "pcma");
    assert_eq!(flows(&mut a, &mut b, 8, b"alaw").await, 8);
    assert_eq!(flows(&mut b, &mut a, 8, b"alaw back").await, 8);
}

#[tokio::test]
async fn an_offer_without_a_codec_of_ours_is_not_acceptable() {
    let (a, b) = (Peer::new().await, Peer::new().await);
    let offer = a.offer().await.replace("SAVPF 111 0 8 101", "SAVPF 18");
    let refused = b.transport.answer(&offer, Direction::SendRecv).await;
    assert!(matches!(refused, Err(MediaError::NotAcceptable(_))), "{refused:?}");
    // The refusal leaves no trace: a good offer is answered.
    b.answer(&a.offer().await).await;
}

#[tokio::test]
async fn hold_and_resume_change_the_direction_and_nothing_else() {
    let (mut a, mut b) = (Peer::new().await, Peer::new().await);
    connect(&mut a, &mut b).await;
    let hold = a.transport.offer(Direction::SendOnly, false).await.unwrap();
    assert!(hold.contains("a=sendonly\r\n"), "{hold}");
    let answer = b.transport.answer(&hold, Direction::RecvOnly).await.unwrap();
    assert!(answer.contains("a=recvonly\r\n"), "{answer}");
    a.transport.set_remote_answer(&answer).await.unwrap();
    let resume = a.offer().await;
    assert!(resume.contains("a=sendrecv\r\n"), "{resume}");
    assert_eq!(candidates_of(&resume), candidates_of(&hold));
    let answer = b.answer(&resume).await;
    a.transport.set_remote_answer(&answer).await.unwrap();
    assert_eq!(flows(&mut b, &mut a, 111, b"back").await, 111);
    assert_eq!(flows(&mut a, &mut b, 111, b"and forth").await, 111);
}

#[tokio::test]
async fn descriptions_of_a_session_count_their_versions() {
    let (mut a, mut b) = (Peer::new().await, Peer::new().await);
    connect(&mut a, &mut b).await;
    let origin = |text: &str| {
        let line = text.lines().find_map(|l| l.strip_prefix("o=")).unwrap();
        let fields: Vec<&str> = line.split(' ').collect();
        (fields[1].to_owned(), fields[2].parse::<u64>().unwrap())
    };
    let hold = a.transport.offer(Direction::SendOnly, false).await.unwrap();
    a.transport.rollback().await.unwrap();
    let resume = a.offer().await;
    assert_eq!(origin(&resume), (origin(&hold).0, origin(&hold).1 + 1));
}

#[tokio::test]
async fn an_offer_that_came_to_nothing_can_be_followed_by_another() {
    let (mut a, mut b) = (Peer::new().await, Peer::new().await);
    connect(&mut a, &mut b).await;
    a.transport.offer(Direction::SendOnly, false).await.unwrap();
    a.transport.rollback().await.unwrap();
    // Theirs, as after glare.
    let offer = b.offer().await;
    let answer = a.answer(&offer).await;
    b.transport.set_remote_answer(&answer).await.unwrap();
    assert_eq!(flows(&mut a, &mut b, 111, b"still here").await, 111);
}

#[tokio::test]
async fn a_restart_moves_to_new_sockets_and_media_goes_on() {
    let (mut a, mut b) = (Peer::new().await, Peer::new().await);
    let first = a.offer().await;
    let answer = b.answer(&first).await;
    a.transport.set_remote_answer(&answer).await.unwrap();
    a.connected().await;
    b.connected().await;
    flows(&mut a, &mut b, 111, b"before").await;
    let restart = a.transport.offer(Direction::SendRecv, true).await.unwrap();
    let (old, new) = (candidates_of(&first), candidates_of(&restart));
    assert_eq!(new.len(), 1, "the dead candidate is not listed: {new:?}");
    assert_ne!(old, new);
    let raw = a.raw_description().await;
    assert!(raw.contains(old[0]), "the stack alone lists it: {raw}");
    let answer = b.answer(&restart).await;
    assert_eq!(candidates_of(&answer).len(), 1, "{answer}");
    a.transport.set_remote_answer(&answer).await.unwrap();
    assert_eq!(flows(&mut a, &mut b, 111, b"after").await, 111);
    assert_eq!(flows(&mut b, &mut a, 111, b"after too").await, 111);
}

#[tokio::test]
async fn media_goes_on_over_the_old_path_until_a_restart_has_found_another() {
    let (mut a, mut b) = (Peer::new().await, Peer::new().await);
    connect(&mut a, &mut b).await;
    flows(&mut a, &mut b, 111, b"before").await;
    flows(&mut b, &mut a, 111, b"before too").await;
    for round in 0..2 {
        let restart = a.transport.offer(Direction::SendRecv, true).await.unwrap();
        // The offer is on its way.
        flows(&mut a, &mut b, 111, &[1, round]).await;
        flows(&mut b, &mut a, 111, &[2, round]).await;
        let answer = b.answer(&restart).await;
        // And the answer.
        flows(&mut a, &mut b, 111, &[3, round]).await;
        flows(&mut b, &mut a, 111, &[4, round]).await;
        // A second restart before the first is done; its offer replaces the other.
        if round == 1 {
            a.transport.set_remote_answer(&answer).await.unwrap();
        } else {
            a.transport.rollback().await.unwrap();
        }
    }
    a.wait_for(|event| matches!(event, PeerEvent::IceConnected(_))).await;
    flows(&mut a, &mut b, 111, b"after").await;
    flows(&mut b, &mut a, 111, b"after too").await;
}

#[tokio::test]
async fn the_called_side_can_restart() {
    let (mut a, mut b) = (Peer::new().await, Peer::new().await);
    connect(&mut a, &mut b).await;
    let restart = b.transport.offer(Direction::SendRecv, true).await.unwrap();
    let answer = a.answer(&restart).await;
    b.transport.set_remote_answer(&answer).await.unwrap();
    assert_eq!(flows(&mut a, &mut b, 111, b"after").await, 111);
}

/// Both sides answer an offer that the other has taken back, so that neither thinks itself in
/// control (RFC 8445 §7.3.1.1), as after a restart that the called side offers to Asterisk.
async fn conflict(ours: &mut Peer, theirs: &mut Peer) -> Duration {
    let (our_offer, their_offer) = (ours.offer().await, theirs.offer().await);
    ours.transport.rollback().await.unwrap();
    theirs.transport.rollback().await.unwrap();
    let their_offer = their_offer.replace("a=setup:active", "a=setup:passive");
    let began = Instant::now();
    theirs.answer(&our_offer).await;
    ours.answer(&their_offer).await;
    ours.connected().await;
    theirs.connected().await;
    began.elapsed()
}

#[tokio::test]
async fn a_role_conflict_is_settled_at_once() {
    let provider = crypto::default_provider().unwrap();
    let theirs = WebRtcTransport::with(on_loopback(), provider, engine::codecs()).await.unwrap();
    let (mut ours, mut theirs) = (Peer::new().await, Peer::of(theirs));
    let took = conflict(&mut ours, &mut theirs).await;
    assert!(took < Duration::from_millis(180), "took {took:?}");
}

/// Our side has answered an offer of a peer like Asterisk, which thinks itself not in control either:
/// who controls in the end, how often the peer changed its mind, and how long it took.
async fn conflict_with_pjnath(mut ours: Peer) -> (Role, u32, Duration) {
    let offer = Peer::new().await.offer().await;
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let gone = candidates_of(&offer)[0].split(' ').nth(5).unwrap();
    let offer = offer.replace(&format!(" {gone} typ host"), &format!(" {port} typ host"));
    let answer = ours.answer(&offer).await;
    let there = candidates_of(&answer)[0].split(' ').nth(5).unwrap().parse().unwrap();
    let mut theirs = Pjnath::new(
        socket,
        // Smaller than any that is drawn.
        1,
        credentials(&offer),
        credentials(&answer),
        (Ipv4Addr::LOCALHOST, there).into(),
    );
    let began = Instant::now();
    let answering = async {
        theirs.connect().await;
        (theirs.role, theirs.switched, began.elapsed())
    };
    let connected = timeout(PATIENCE, answering).await.expect("a nominated pair");
    ours.wait_for(|e| matches!(e, PeerEvent::IceConnected(_))).await;
    connected
}

fn credentials(sdp: &str) -> Credentials {
    let value = |name: &str| sdp.lines().find_map(|l| l.strip_prefix(name)).unwrap().to_owned();
    Credentials { ufrag: value("a=ice-ufrag:"), pwd: value("a=ice-pwd:") }
}

#[tokio::test]
async fn a_role_conflict_with_asterisk_is_settled_by_its_taking_control_once() {
    let (role, switched, took) = conflict_with_pjnath(Peer::new().await).await;
    assert_eq!((role, switched), (Role::Controlling, 1), "after {took:?}");
}

#[tokio::test]
async fn an_ordinary_tie_breaker_makes_both_sides_of_a_role_conflict_switch() {
    let provider = crypto::default_provider().unwrap();
    let ours = WebRtcTransport::with(on_loopback(), provider, engine::codecs()).await.unwrap();
    let (role, switched, took) = conflict_with_pjnath(Peer::of(ours)).await;
    // Ours answered 487 and took control as well: the peer had to give it back.
    assert_eq!((role, switched), (Role::Controlled, 2), "after {took:?}: not needed any more?");
}

/// The tie-breaker in an ICE check: ICE-CONTROLLED or ICE-CONTROLLING (RFC 8445 §7.1).
fn tie_breaker_in(check: &[u8]) -> Option<u64> {
    let mut attributes = check.get(20..)?;
    while let [a, b, c, d, rest @ ..] = attributes {
        let length = usize::from(u16::from_be_bytes([*c, *d]));
        let value = rest.get(..length)?;
        if matches!(u16::from_be_bytes([*a, *b]), 0x8029 | 0x802a) {
            return Some(u64::from_be_bytes(value.try_into().ok()?));
        }
        attributes = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

#[tokio::test]
async fn the_tie_breaker_on_the_wire_is_the_smallest() {
    let (a, b) = (Peer::new().await, Peer::new().await);
    let answer = b.answer(&a.offer().await).await;
    let listener = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let there = candidates_of(&answer)[0].split(' ').nth(5).unwrap();
    let answer = answer.replace(&format!(" {there} typ host"), &format!(" {port} typ host"));
    a.transport.set_remote_answer(&answer).await.unwrap();
    let mut check = [0; 1500];
    let (length, _) = timeout(PATIENCE, listener.recv_from(&mut check)).await.unwrap().unwrap();
    assert_eq!(tie_breaker_in(&check[..length]), Some(0));
}

#[tokio::test]
async fn a_path_that_is_not_there_is_reported() {
    let impatient = PeerConfig { path_limit: Duration::from_millis(600), ..on_loopback() };
    let mut a = Peer::of(WebRtcTransport::new(impatient).await.unwrap());
    let b = Peer::new().await;
    let answer = b.answer(&a.offer().await).await;
    b.transport.close().await;
    a.transport.set_remote_answer(&answer).await.unwrap();
    let search = a.events_until_failed();
    let failed = timeout(PATIENCE, search).await.expect("a verdict");
    assert_eq!(failed, MediaError::NoPath);
}

#[tokio::test]
async fn a_phone_that_rings_for_long_has_a_path_when_it_is_answered() {
    let limit = Duration::from_millis(300);
    let impatient = PeerConfig { path_limit: limit, ..on_loopback() };
    let a = Peer::new().await;
    let mut b = Peer::of(WebRtcTransport::new(impatient).await.unwrap());
    let answer = b.answer(&a.offer().await).await;
    // Longer than the limit and than the stack checks a pair: it rings.
    tokio::time::sleep(Duration::from_millis(5500)).await;
    a.transport.set_remote_answer(&answer).await.unwrap();
    b.transport.expect_path();
    timeout(PATIENCE, async {
        loop {
            match b.events.next().await.unwrap() {
                PeerEvent::Connected => return,
                PeerEvent::Failed(error) => panic!("{error}"),
                PeerEvent::Gathered(_)
                | PeerEvent::IceConnected(_)
                | PeerEvent::Disconnected
                | PeerEvent::Resumed { .. } => {}
            }
        }
    })
    .await
    .expect("a path");
    tokio::time::sleep(2 * limit).await;
    assert!(timeout(limit, b.events.next()).await.is_err(), "and it stays");
}

impl Peer {
    async fn events_until_failed(&mut self) -> MediaError {
        loop {
            if let PeerEvent::Failed(error) = self.events.next().await.unwrap() {
                return error;
            }
        }
    }
}
