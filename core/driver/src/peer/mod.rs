//! The media path of one call: ICE, DTLS and SRTP behind [`MediaTransport`].
//!
//! [`WebRtcTransport`] carries *encoded* packets and knows nothing of codecs' insides, so that a
//! media thread, a test and the model PBX can all use it:
//!
//! ```no_run
//! # use sidetone_driver::peer::{MediaTransport, PeerConfig, RtpPacket, WebRtcTransport};
//! # use sidetone_phone::sdp::Direction;
//! # async fn call() -> Result<(), sidetone_phone::MediaError> {
//! let (peer, mut events, mut receiver, mut sender) =
//!     WebRtcTransport::new(PeerConfig::default()).await?;
//! let offer = peer.offer(Direction::SendRecv, false).await?; // ready for the wire
//! # let their_answer = String::new();
//! peer.set_remote_answer(&their_answer).await?; // as it came
//! let negotiated = peer.negotiated(); // the payload types to send and to expect
//! let event = events.next().await; // Gathered, IceConnected, Connected, Failed
//! if let Some(packet) = RtpPacket::new(111, true, 1, 0, b"opus") {
//!     sender.send(packet); // false until Connected
//! }
//! let received = receiver.recv().await; // or `try_recv`, from a thread
//! peer.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! What real servers need of the WebRTC stack and it does not do by itself is done here and in
//! [`sdp`]'s normaliser; each work-around has its test.
//!
//! RFC 8445 (ICE), RFC 5763 and 5764 (DTLS-SRTP), RFC 8829 (JSEP), RFC 7874 (audio codecs).

mod addresses;
mod engine;
mod flight;
mod names;
mod observer;
mod rtp;
mod sockets;
mod tie_breaker;
mod transport;

#[cfg(test)]
mod pjnath;
#[cfg(test)]
mod tests;

pub use rtp::{MAX_PAYLOAD, Received, RtpPacket, RtpReceiver, RtpSender};
pub use transport::WebRtcTransport;

use crate::IceServer;
use sidetone_phone::{MediaError, sdp};
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::mpsc;

/// The media path of one call. Offers and answers go out ready for the wire and come in as they came.
#[async_trait::async_trait]
pub trait MediaTransport: Send + Sync + 'static {
    /// An offer, with all candidates in it. `ice_restart`: with new credentials on new sockets
    /// (RFC 8445 §2.4).
    async fn offer(
        &self,
        direction: sdp::Direction,
        ice_restart: bool,
    ) -> Result<String, MediaError>;

    /// The answer to an offer of the other side; ICE starts at once.
    async fn answer(&self, offer: &str, direction: sdp::Direction) -> Result<String, MediaError>;

    /// The other side's answer to our last offer; ICE starts at once.
    async fn set_remote_answer(&self, answer: &str) -> Result<(), MediaError>;

    /// Our last offer came to nothing (RFC 8829 §4.1.10.2). The ICE credentials and sockets of a
    /// restart that was offered stay: only another restart makes media flow again.
    async fn rollback(&self) -> Result<(), MediaError>;

    /// The other side has our last answer: from now on a path that is not found in time has failed.
    fn expect_path(&self);

    /// What the last completed exchange agreed on.
    fn negotiated(&self) -> Option<Negotiated>;

    /// The round trip of the path in use, as ICE measured it last.
    async fn round_trip(&self) -> Option<Duration>;

    /// Takes everything down.
    async fn close(&self);
}

/// How a peer connection is made.
#[derive(Debug, Clone)]
pub struct PeerConfig {
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// The local addresses to use, loopback allowed; none: the host's, the default route's first.
    pub bind: Vec<IpAddr>,
    /// How long a description waits for STUN and TURN servers. Host candidates are there at once.
    pub gather_limit: Duration,
    /// How long a path may be looked for once both sides can, or be lost, before it has failed.
    pub path_limit: Duration,
}

impl Default for PeerConfig {
    fn default() -> Self {
        Self {
            ice_servers: Vec::new(),
            bind: Vec::new(),
            gather_limit: Duration::from_millis(1500),
            path_limit: Duration::from_secs(30),
        }
    }
}

/// What the two sides agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// The codec to send with, as the other side numbered it.
    pub codec: sdp::Codec,
    /// telephone-event, as the other side numbered it, where it takes digits.
    pub telephone_event: Option<sdp::Codec>,
    /// What may come in, as we numbered it, telephone-event among it. Nothing else is delivered.
    pub receive: Vec<sdp::Codec>,
}

/// What happens to a peer connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerEvent {
    /// A description is complete, with this many candidates.
    Gathered(usize),
    /// ICE found a pair, named as `host 198.51.100.1:4000 - 198.51.100.2:5000`.
    IceConnected(String),
    /// ICE and DTLS are done, for the first time or again after a restart.
    Connected,
    /// Nothing has come for some seconds, not even an answer to a check: it may come back.
    Disconnected,
    /// The first packet after the path was lost or left, and stands again.
    Resumed {
        /// The longest time without one since the last packet before.
        gap: Duration,
    },
    /// The path failed or was not found.
    Failed(MediaError),
}

/// The events of one peer connection, in order.
#[derive(Debug)]
pub struct PeerEvents {
    events: mpsc::Receiver<PeerEvent>,
}

impl PeerEvents {
    /// The next event; `None` when the peer connection is gone.
    pub async fn next(&mut self) -> Option<PeerEvent> {
        self.events.recv().await
    }
}

/// The log targets of the WebRTC stack. Its harmless ERROR and WARN lines ("Failed to get
/// track_remote", "password is empty", "Unsupported Extension Type") would frighten people: a
/// program that prints logs should turn these off unless it is asked for them by name. What matters
/// of them is reported as [`PeerEvent`]s.
pub fn quiet_log_targets() -> &'static [&'static str] {
    &[
        "webrtc",
        "rtc",
        "rtc_crypto",
        "rtc_datachannel",
        "rtc_dtls",
        "rtc_ice",
        "rtc_interceptor",
        "rtc_mdns",
        "rtc_media",
        "rtc_rtcp",
        "rtc_rtp",
        "rtc_sctp",
        "rtc_sdp",
        "rtc_shared",
        "rtc_srtp",
        "rtc_stun",
        "rtc_turn",
    ]
}
