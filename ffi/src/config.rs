//! Who signs in and where, as the app writes it; checked before a phone is made of it.

use crate::logging::keep_secret;
use crate::{InstanceId, PushToken, StartError, TransfersReturn};
use sidetone_driver::{self as driver, DriverConfig};
use sidetone_phone::{Account, Config, Secret};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// All that a phone must be told before it starts.
#[derive(Clone, PartialEq, uniffi::Record)]
pub struct PhoneConfig {
    /// The address of record, `sip:user@domain`.
    pub aor: String,
    /// The name shown to others.
    #[uniffi(default = None)]
    pub display_name: Option<String>,
    /// The user name for authentication, where it is not the address's user.
    #[uniffi(default = None)]
    pub username: Option<String>,
    /// The password.
    pub password: String,
    /// `wss://host:port/path`, in order of preference; at least one.
    pub servers: Vec<String>,
    /// The name of this installation: drawn once, kept for ever.
    pub instance: InstanceId,
    /// Whose certificates are trusted.
    pub trust: Trust,
    /// STUN and TURN servers.
    #[uniffi(default = [])]
    pub ice_servers: Vec<IceServer>,
    /// Where the microphone's audio comes from.
    pub microphone: AudioEndpoint,
    /// Where the other side's audio goes.
    pub speaker: AudioEndpoint,
    /// Who says when audio may run.
    pub audio_gate: AudioGate,
    /// Where pushes go, where the platform has said so.
    #[uniffi(default = None)]
    pub push: Option<PushToken>,
    /// Which incoming calls are connected while they ring; `WhereHeard` where nothing is said.
    #[uniffi(default = None)]
    pub early_media: Option<EarlyMedia>,
    /// Which incoming calls are answered without the agent; `Manual` where nothing is said.
    #[uniffi(default = None)]
    pub answer_mode: Option<AnswerMode>,
    /// Whether the other side of a call may send this phone elsewhere; `Refuse` where nothing is said.
    #[uniffi(default = None)]
    pub refer_policy: Option<ReferPolicy>,
    /// Whether the server brings back the caller of a blind transfer that nobody takes; as the sign-in link says.
    #[uniffi(default = None)]
    pub transfers_return: Option<TransfersReturn>,
    /// Whether the agent hears a short, quiet tone now and then while a call waits beside the one that he talks in;
    /// where nothing is said only with `AudioGate::Open`, for CallKit and Android's ringer play their own.
    #[uniffi(default = None)]
    pub call_waiting: Option<bool>,
    /// The user is an agent of queues: the server is asked what he is there, once on each connection.
    #[uniffi(default = false)]
    pub queues: bool,
    /// The server is asked what is recorded of the calls, once on each connection, and the user may ask it to record.
    #[uniffi(default = false)]
    pub recordings: bool,
    /// The server is asked what it really has and what this user may, once on each connection; what is missing or not
    /// allowed is refused at once.
    #[uniffi(default = false)]
    pub features: bool,
    /// What User-Agent says, in place of the library's name and version.
    #[uniffi(default = None)]
    pub user_agent: Option<String>,
}

/// Who says when audio may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum AudioGate {
    /// Nobody: a desktop.
    Open,
    /// The platform, by `audio_activated` and `audio_deactivated`: Telecom, CallKit.
    Platform,
}

/// Which incoming calls have their media path set up while they still ring, so that audio flows one round
/// trip after the answer. Nothing is sent or played before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum EarlyMedia {
    /// None.
    Never,
    /// Those whose caller hears something else meanwhile: a queue's, and where the server says so.
    WhereHeard,
    /// All: a caller may hear silence in place of the ring-back tone.
    Always,
}

/// Which incoming calls are answered without the agent, after a tone (RFC 5373). It opens a microphone: the
/// administrator's choice. Never the second of two calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum AnswerMode {
    /// None.
    Manual,
    /// Those for which the server asks it.
    Asked,
    /// All, unless the server says otherwise.
    Auto,
}

/// Whether the other side of a call may send this phone elsewhere (REFER, RFC 3515). It makes the phone call
/// somebody: the administrator's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum ReferPolicy {
    /// No.
    Refuse,
    /// Yes, to somebody in the account's own domain.
    Follow,
}

/// Whose certificates are trusted.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Trust {
    /// The platform's authorities.
    Platform,
    /// Only those of this PEM text.
    Pem {
        /// The certificates.
        text: String,
    },
}

/// A STUN or TURN server.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct IceServer {
    /// `stun:host:port` or `turn:host:port?transport=udp`.
    pub url: String,
    /// The TURN user name.
    #[uniffi(default = None)]
    pub username: Option<String>,
    /// The TURN credential.
    #[uniffi(default = None)]
    pub credential: Option<String>,
}

/// One end of the audio.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum AudioEndpoint {
    /// The system's default device.
    Default,
    /// The device of this name.
    Device {
        /// The name.
        name: String,
    },
    /// A WAV file: read (and repeated) as a microphone, written as a speaker.
    File {
        /// Where.
        path: String,
    },
    /// Silence, and nowhere; paced by a timer.
    Null,
}

/// Everything but the passwords.
impl fmt::Debug for PhoneConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PhoneConfig")
            .field("aor", &self.aor)
            .field("servers", &self.servers)
            .field("instance", &self.instance)
            .field("trust", &self.trust)
            .field("ice_servers", &self.ice_servers)
            .field("microphone", &self.microphone)
            .field("speaker", &self.speaker)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer").field("url", &self.url).finish_non_exhaustive()
    }
}

impl PhoneConfig {
    /// The driver's configuration.
    pub(crate) fn prepare(
        self,
        vault: Option<(Arc<driver::Vault>, driver::Stores)>,
    ) -> Result<DriverConfig, StartError> {
        keep_secret(&self.password);
        for credential in self.ice_servers.iter().filter_map(|server| server.credential.as_ref()) {
            keep_secret(credential);
        }
        let mut account = Account::new(&self.aor, Secret::new(self.password))?;
        account.display_name = self.display_name;
        account.username = self.username;
        if self.servers.is_empty() {
            return Err(StartError::config(
                "No server is given",
                "Give at least one wss:// address",
            ));
        }
        let servers = self.servers.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        let mut phone = Config::new(account, servers, self.instance.0);
        phone.audio = match self.audio_gate {
            AudioGate::Open => sidetone_phone::AudioGate::Open,
            AudioGate::Platform => sidetone_phone::AudioGate::Platform,
        };
        phone.early = self.early_media.map_or_else(Default::default, Into::into);
        phone.answer_mode = self.answer_mode.map_or_else(Default::default, Into::into);
        phone.refer_policy = self.refer_policy.map_or_else(Default::default, Into::into);
        phone.transfers_return = self.transfers_return.map_or_else(Default::default, Into::into);
        phone.call_waiting = self.call_waiting.unwrap_or(self.audio_gate == AudioGate::Open);
        phone.queues = self.queues;
        phone.recordings = self.recordings;
        phone.features = self.features;
        phone.push = self.push.map(PushToken::kept_secret);
        if let Some(name) = self.user_agent {
            phone.user_agent = name;
        }
        let (vault, stores) = vault.unzip();
        Ok(DriverConfig {
            phone,
            saved: None,
            vault,
            stores,
            trust: match self.trust {
                Trust::Platform => driver::Trust::Platform,
                Trust::Pem { text } => driver::Trust::Pem(text.into_bytes()),
            },
            ice_servers: self.ice_servers.into_iter().map(Into::into).collect(),
            microphone: self.microphone.into(),
            speaker: self.speaker.into(),
        })
    }
}

impl From<EarlyMedia> for sidetone_phone::EarlyMedia {
    fn from(early: EarlyMedia) -> Self {
        match early {
            EarlyMedia::Never => Self::Never,
            EarlyMedia::WhereHeard => Self::WhereHeard,
            EarlyMedia::Always => Self::Always,
        }
    }
}

impl From<AnswerMode> for sidetone_phone::AnswerMode {
    fn from(mode: AnswerMode) -> Self {
        match mode {
            AnswerMode::Manual => Self::Manual,
            AnswerMode::Asked => Self::Asked,
            AnswerMode::Auto => Self::Auto,
        }
    }
}

impl From<ReferPolicy> for sidetone_phone::ReferPolicy {
    fn from(policy: ReferPolicy) -> Self {
        match policy {
            ReferPolicy::Refuse => Self::Refuse,
            ReferPolicy::Follow => Self::Follow,
        }
    }
}

impl From<IceServer> for driver::IceServer {
    fn from(server: IceServer) -> Self {
        Self {
            url: server.url,
            username: server.username,
            credential: server.credential.map(Secret::new),
        }
    }
}

impl From<AudioEndpoint> for driver::AudioEndpoint {
    fn from(endpoint: AudioEndpoint) -> Self {
        match endpoint {
            AudioEndpoint::Default => Self::Default,
            AudioEndpoint::Device { name } => Self::Device(name),
            AudioEndpoint::File { path } => Self::File(PathBuf::from(path)),
            AudioEndpoint::Null => Self::Null,
        }
    }
}
