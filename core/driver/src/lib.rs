//! The tokio shell around the phone: it carries out what the phone asks for and decides nothing.
//!
//! One task owns the [`sidetone_phone::Phone`]. Flows, peer connections and the one media thread
//! report to it by messages; the app talks to it through a `Handle` and reads [`Update`]s.
//!
//! | module | owns |
//! |---|---|
//! | [`transport`] | DNS, TCP, TLS, WebSocket: one task a flow (RFC 7118) |
//! | [`peer`] | the WebRTC peer connection behind `MediaTransport` |
//! | [`ice_server`] | what a STUN or TURN server gives, asked without a call |
//! | `task` | the one task that owns the phone |
//! | `call` | the task of one call's peer connection |
//! | `media` | the media thread: codec, playout and levels of each call, paced by the device |
//! | [`device`] | microphones and loudspeakers behind `AudioDevice`: cpal, WAV file, null |
//! | `store` | the calls that are over and the messages, as they lie in the vault |
//! | `link` | who made a sign-in link |
//! | `vault` | what survives the process, sealed at rest |
//! | [`clock`] | boot time and wall time |

mod call;
pub mod clock;
pub mod device;
mod handle;
pub mod ice_server;
mod link;
mod media;
pub mod peer;
mod saving;
mod store;
mod task;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod transport;
mod updates;
mod vault;

pub use handle::Handle;
pub use link::{LinkKey, LinkKeyError, LinkSigner, open_link};
pub use store::{CallHistory, Messages, Store, Stores};
pub use updates::Updates;
pub use vault::{Vault, VaultError};

use device::{AudioDevice, AudioError};
use media::MediaThread;
use peer::PeerConfig;
use rustls::crypto::ring;
use sidetone_phone::{AudioGate, Config, Event, MediaError, Phone, Report, Saved, TimerReason};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use transport::Connector;

/// Requests that may wait; whoever asks more waits.
const REQUESTS: usize = 64;

/// Starts a phone on the running tokio runtime, of which a current-thread one is enough. It does
/// nothing until it is told to sign in.
///
/// # Errors
/// [`StartError`] where the audio, the trusted certificates or what was saved cannot be had.
///
/// # Panics
/// Outside a tokio runtime.
pub fn start(config: DriverConfig) -> Result<(Handle, Updates), StartError> {
    let ends = (config.microphone.clone(), config.speaker.clone());
    start_on(config, move || device::open(&ends.0, &ends.1))
}

/// What the platform must be told of a push, at once: needs no phone and waits for nothing. The
/// phone is then told by [`Handle::announced`].
pub fn announce(payload: &[u8]) -> Report {
    sidetone_phone::announce(payload, clock::now())
}

/// A phone on this audio device.
fn start_on<F>(config: DriverConfig, open: F) -> Result<(Handle, Updates), StartError>
where
    F: FnOnce() -> Result<Box<dyn AudioDevice>, AudioError> + Send + 'static,
{
    let DriverConfig { phone, saved, vault, stores, trust, ice_servers, .. } = config;
    let stores = stores.unwrap_or_else(|| Stores::new(vault.as_ref()));
    let saved = vault.as_deref().map_or(Ok(saved), saving::load)?;
    let connector = Connector::new(&trust)?;
    let entropy = random().map_err(|e| StartError::Trust(e.to_string()))?;
    let mut media = MediaThread::start(open)?;
    if phone.audio == AudioGate::Platform {
        media.ask(media::Command::SetActive(false));
    }
    let phone = Phone::new(phone, saved, entropy, clock::now());
    let (snapshots, shown) = watch::channel(phone.snapshot());
    let (requests, queue) = mpsc::channel(REQUESTS);
    let (teller, updates) = updates::channel();
    let peers = PeerConfig { ice_servers, ..PeerConfig::default() };
    let kept = stores.clone();
    let parts = task::Parts { phone, connector, peers, media, vault, stores, teller, snapshots };
    tokio::spawn(task::run(parts, queue));
    Ok((Handle { requests, snapshots: shown, stores: kept }, updates))
}

/// Bytes of the system's generator.
fn random<const N: usize>() -> Result<[u8; N], MediaError> {
    let mut bytes = [0; N];
    let generator = ring::default_provider().secure_random;
    generator.fill(&mut bytes).map_err(|_| MediaError::Engine("no random numbers".to_owned()))?;
    Ok(bytes)
}

/// Everything that a phone needs to run here.
#[derive(Debug, Clone)]
pub struct DriverConfig {
    /// Who signs in and where.
    pub phone: Config,
    /// What was saved by the last run; with a vault it is read from there.
    pub saved: Option<Saved>,
    /// Where the phone keeps what must survive it. Without one, the app stores [`What::Save`].
    pub vault: Option<Arc<Vault>>,
    /// Where the phone's calls and messages go, where that is open already; else into the vault.
    pub stores: Option<Stores>,
    /// Whose certificates are trusted.
    pub trust: Trust,
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// Where the microphone's audio comes from.
    pub microphone: AudioEndpoint,
    /// Where the other side's audio goes.
    pub speaker: AudioEndpoint,
}

/// Whose certificates are trusted.
#[derive(Debug, Clone)]
pub enum Trust {
    /// The platform's authorities.
    Platform,
    /// Only those of this PEM file's text.
    Pem(Vec<u8>),
}

/// A STUN or TURN server (RFC 7064, RFC 7065).
#[derive(Debug, Clone)]
pub struct IceServer {
    /// `stun:host:port` or `turn:host:port?transport=udp`.
    pub url: String,
    /// The TURN user name.
    pub username: Option<String>,
    /// The TURN credential.
    pub credential: Option<sidetone_phone::Secret>,
}

/// One end of the audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudioEndpoint {
    /// The system's default device.
    Default,
    /// The device of this name.
    Device(String),
    /// A WAV file: read (and repeated) as a microphone, written as a speaker.
    File(PathBuf),
    /// Silence, and nowhere; paced by a timer.
    Null,
}

impl fmt::Display for AudioEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Device(name) => f.write_str(name),
            Self::File(path) => path.display().fmt(f),
            Self::Null => f.write_str("null"),
        }
    }
}

/// Something to tell the app, with the boot time at which it happened.
#[derive(Debug, Clone)]
pub struct Update {
    /// Boot time.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// What an [`Update`] tells.
#[derive(Debug, Clone)]
pub enum What {
    /// An event of the phone.
    Event(Event),
    /// A SIP message was sent or came in; for ladders and logs. Secrets are in it: show
    /// `Message::redacted`.
    Sip {
        /// Whether we sent it.
        sent: bool,
        /// The message.
        bytes: Vec<u8>,
    },
    /// A step of connecting, for `doctor`.
    Milestone(Milestone),
    /// The phone woke by its timer.
    Woke(TimerReason),
    /// Store this. Only without a vault.
    Save(Saved),
    /// What the phone must remember could not be stored, and why. It goes on; should it end now, it
    /// begins with what was stored before.
    NotSaved(String),
    /// The history of calls has this revision now.
    HistoryChanged(u64),
    /// The microphone or the speaker has stopped in a call, or did not start for it, and why.
    /// Silence is in its place; it is tried again for some seconds, when the route changes, and when
    /// the next call begins.
    AudioLost(String),
}

/// A step on the way to a flow or to media, in the order in which they happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Milestone {
    /// The server's name was resolved to these addresses.
    Resolved(Vec<std::net::IpAddr>),
    /// TCP is connected.
    TcpConnected(std::net::SocketAddr),
    /// TLS is up: protocol version and cipher suite.
    TlsEstablished(String),
    /// The WebSocket is open.
    WebSocketOpen,
    /// Local candidates are gathered, this many.
    IceGathered {
        /// The call.
        call: sidetone_phone::CallId,
        /// How many candidates.
        candidates: usize,
    },
    /// ICE found a pair, named as `host 198.51.100.1:4000 - 198.51.100.2:5000`.
    IceConnected {
        /// The call.
        call: sidetone_phone::CallId,
        /// The pair.
        pair: String,
    },
    /// DTLS is done.
    DtlsConnected {
        /// The call.
        call: sidetone_phone::CallId,
    },
}

/// Why a phone cannot be started here.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The audio device.
    #[error("{0}")]
    Audio(#[from] device::AudioError),
    /// The trusted certificates.
    #[error("{0}")]
    Trust(String),
    /// What the last run saved.
    #[error("{0}")]
    Vault(#[from] VaultError),
}
