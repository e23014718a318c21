//! Media without media: descriptions that are valid SDP, who talks to whom, and what would be heard.

use sidetone_pbx::{LegId, MediaCommand, MediaDirection, Treatment};
use sidetone_phone::{CallId, sdp::Direction};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a description takes: gathering on a phone.
pub const DESCRIBE: Duration = Duration::from_millis(5);
/// ICE and DTLS, once both descriptions are there.
pub const CONNECT: Duration = Duration::from_millis(120);
/// The tone of a call that was answered by itself.
pub const TONE: Duration = Duration::from_millis(400);
/// The first packet after a way was opened.
pub const FIRST_PACKET: Duration = Duration::from_millis(20);
/// Without audio for so long a PBX hangs up (`rtp_timeout`).
pub const RTP_TIMEOUT: Duration = Duration::from_secs(60);
/// Without consent for so long a phone gives its path up (RFC 7675 §5.1).
pub const CONSENT: Duration = Duration::from_secs(30);

/// A description of a phone's call.
pub fn of_phone(phone: usize, call: CallId, version: u32, direction: Direction) -> String {
    describe(&format!("phone{phone}/{call}"), version, "198.18.0.20", direction.as_str())
}

/// A description of a leg of the PBX.
pub fn of_leg(leg: LegId, version: u32, direction: MediaDirection) -> String {
    describe(&format!("leg{}", leg.0), version, "198.18.0.10", direction.as_str())
}

fn describe(user: &str, version: u32, address: &str, direction: &str) -> String {
    let fingerprint = ["AB"; 32].join(":");
    format!(
        "v=0\r\no={user} 1 {version} IN IP4 {address}\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
         m=audio 40000 UDP/TLS/RTP/SAVPF 111 101\r\nc=IN IP4 {address}\r\na=mid:0\r\n\
         a=rtpmap:111 opus/48000/2\r\na=rtpmap:101 telephone-event/48000\r\na=fmtp:101 0-16\r\n\
         a=ptime:20\r\na=rtcp-mux\r\na=setup:actpass\r\na=fingerprint:sha-256 {fingerprint}\r\n\
         a=ice-ufrag:{version}uf\r\na=ice-pwd:{version}0123456789abcdef0123456789\r\n\
         a=candidate:1 1 udp 2130706431 {address} 40000 typ host\r\na={direction}\r\n"
    )
}

/// The leg that a description of the PBX is of.
pub fn leg_in(sdp: &str) -> Option<LegId> {
    origin(sdp)?.strip_prefix("leg")?.parse().ok().map(LegId)
}

/// The phone and call that a description of a phone is of.
pub fn call_in(sdp: &str) -> Option<(usize, CallId)> {
    let (phone, call) = origin(sdp)?.strip_prefix("phone")?.split_once('/')?;
    Some((phone.parse().ok()?, call.parse().ok()?))
}

/// The direction that a description states.
pub fn direction_in(sdp: &str) -> Option<&str> {
    let names = ["sendrecv", "sendonly", "recvonly", "inactive"];
    sdp.lines().filter_map(|line| line.strip_prefix("a=")).find(|value| names.contains(value))
}

fn origin(sdp: &str) -> Option<&str> {
    sdp.lines().find_map(|line| line.strip_prefix("o="))?.split(' ').next()
}

/// The media of one call at its phone.
#[derive(Debug, Clone, Default)]
pub struct Ears {
    /// The leg at the other end, once it is known.
    pub leg: Option<LegId>,
    /// ICE and DTLS are done.
    pub connected: bool,
    /// The microphone is let through.
    pub uplink: bool,
    /// What goes through it is silence.
    pub muted: bool,
    /// The speaker is let through.
    pub downlink: bool,
    /// What was told already: connecting, first sent, first heard.
    pub told: (bool, bool, bool),
    /// How often the path was begun anew.
    pub round: u32,
    /// When the path that stood was left for another.
    pub left: Option<Duration>,
}

impl Ears {
    /// The path is left, and built anew by the descriptions that follow.
    pub fn restart(&mut self, now: Duration) {
        self.round += 1;
        if std::mem::take(&mut self.connected) {
            self.left = Some(now);
        }
        self.told.0 = false;
    }
}

/// What each leg of the PBX hears.
#[derive(Debug, Clone, Default)]
pub struct Mixer {
    legs: BTreeMap<LegId, Heard>,
}

/// What one leg hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The other leg.
    Leg(LegId),
    /// Something made by the PBX.
    Made(Treatment),
}

impl Mixer {
    /// Carries out what the PBX asks.
    pub fn take(&mut self, command: &MediaCommand) {
        match command {
            MediaCommand::Connect { a, b } => {
                self.legs.insert(*a, Heard::Leg(*b));
                self.legs.insert(*b, Heard::Leg(*a));
            }
            // The first stands for all.
            MediaCommand::Mix { leg, of } => {
                let heard =
                    of.first().map_or(Heard::Made(Treatment::Silence), |one| Heard::Leg(*one));
                self.legs.insert(*leg, heard);
            }
            MediaCommand::Play { leg, treatment } => {
                if let Some(Heard::Leg(other)) = self.legs.insert(*leg, Heard::Made(*treatment)) {
                    self.legs.insert(other, Heard::Made(Treatment::Silence));
                }
            }
            MediaCommand::Release { leg } => {
                self.legs.remove(leg);
                for heard in self.legs.values_mut() {
                    if *heard == Heard::Leg(*leg) {
                        *heard = Heard::Made(Treatment::Silence);
                    }
                }
            }
            MediaCommand::Describe { leg, .. } => {
                self.legs.entry(*leg).or_insert(Heard::Made(Treatment::Silence));
            }
            MediaCommand::SetRemoteAnswer { .. } | MediaCommand::Rollback { .. } => {}
        }
    }

    /// What a leg hears; `None` where it has no media.
    pub fn heard_by(&self, leg: LegId) -> Option<Heard> {
        self.legs.get(&leg).copied()
    }

    /// How many legs have media.
    pub fn len(&self) -> usize {
        self.legs.len()
    }

    /// Whether no leg has media.
    pub fn is_empty(&self) -> bool {
        self.legs.is_empty()
    }
}
