//! Who signs in and where, checked before a phone is made of it.

use sidetone_sip::{Uri, message::Scheme, session_timer};
use std::fmt;
use std::time::Duration;

/// A password: compared and sent, never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a password.
    pub fn new(password: impl Into<String>) -> Self {
        Self(password.into())
    }

    /// The password itself, for the digest.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The identity that is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The address of record, `sip:user@domain` (RFC 3261 §10).
    pub aor: Uri,
    /// The name shown to others, where one is set.
    pub display_name: Option<String>,
    /// The user name for authentication; the address's user part where it is not given.
    pub username: Option<String>,
    /// The password.
    pub password: Secret,
    /// Realms that it is for besides the registrar's and the domain's name, where other servers of the
    /// domain ask for it (RFC 3261 §22.1).
    pub realms: Vec<String>,
}

impl Account {
    /// An account of this address and password.
    ///
    /// # Errors
    /// [`ConfigError::Account`] where the address is not `sip:user@domain`.
    pub fn new(aor: &str, password: Secret) -> Result<Self, ConfigError> {
        let error = || ConfigError::Account(aor.to_owned());
        let uri = Uri::parse(aor).map_err(|_| error())?;
        let complete = uri.user.is_some() && uri.host.is_some() && uri.scheme == Scheme::Sip;
        if !complete {
            return Err(error());
        }
        Ok(Self { aor: uri, display_name: None, username: None, password, realms: Vec::new() })
    }

    /// The user name for authentication.
    pub fn username(&self) -> &str {
        self.username.as_deref().or(self.aor.user.as_deref()).unwrap_or_default()
    }
}

/// One server: `wss://host:port/path` (RFC 7118).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerAddress {
    /// The name that is resolved, sent as SNI, and held against the certificate.
    pub host: String,
    /// The port; 443 where none is written.
    pub port: u16,
    /// The resource, with its slash; `/ws` where none is written.
    pub path: String,
}

impl std::str::FromStr for ServerAddress {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |why| ConfigError::Server { text: text.to_owned(), why };
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("wss") => rest,
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("ws") => {
                return Err(error("is not encrypted: write wss://"));
            }
            Some(_) | None => return Err(error("must begin with wss://")),
        };
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, "/ws"),
        };
        let (host, port) = match authority.rsplit_once(':').filter(|(_, p)| !p.ends_with(']')) {
            Some((host, port)) => {
                (host, port.parse().map_err(|_| error("has a port that is none"))?)
            }
            None => (authority, 443),
        };
        let well_formed = !host.is_empty()
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._[]:".contains(&b))
            && path.bytes().all(|b| b.is_ascii_graphic() && b != b',');
        if !well_formed || port == 0 {
            return Err(error("has no host name, or characters that an address cannot have"));
        }
        Ok(Self { host: host.to_ascii_lowercase(), port, path: path.to_owned() })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wss://{}:{}{}", self.host, self.port, self.path)
    }
}

/// All that a phone must be told before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Who signs in.
    pub account: Account,
    /// Where, in order of preference; at least one.
    pub servers: Vec<ServerAddress>,
    /// The registration's life asked for; 60 s to 1 day, 600 s by default. The server may shorten it.
    pub expires: Duration,
    /// How often a quiet flow is probed; 5 s to 10 min, 20 s by default: with two
    /// probes of 4 s each a dead flow is found within half a minute.
    pub keep_alive: Duration,
    /// How long a call lasts without a refresh, as our INVITE asks for it (RFC 4028); 90 s to 1 day, 1800 s by
    /// default. The server may shorten it.
    pub session_interval: Duration,
    /// The instance of this installation (RFC 5626 §4.1 `+sip.instance`), stable for ever.
    pub instance: uuid::Uuid,
    /// What User-Agent says.
    pub user_agent: String,
    /// Where pushes go, where the platform has said so; else what was handed over last is used.
    pub push: Option<super::PushToken>,
    /// Who says when audio may run.
    pub audio: AudioGate,
    /// Which incoming calls have their media path set up while they ring.
    pub early: EarlyMedia,
    /// Which incoming calls are answered without the agent.
    pub answer_mode: AnswerMode,
    /// Whether the other side of a call may send this phone elsewhere.
    pub refer_policy: ReferPolicy,
    /// Whether the server brings back the caller of a blind transfer that nobody takes, as the administrator says; the
    /// pack of `server/asterisk` does. What the server says itself ([`Config::features`]) goes before.
    pub transfers_return: super::TransfersReturn,
    /// Whether the agent hears a short, quiet tone now and then while a call waits beside the one that he talks in.
    /// By default; not where the platform plays its own (CallKit, Android's ringer).
    pub call_waiting: bool,
    /// Whether the server is asked what is in the voice mailbox (RFC 3842); what it tells unasked is shown in any
    /// case. Not by default: most agents have none.
    pub voicemail: bool,
    /// Whether the user is an agent of queues that the server's pack lets him log in to (docs/agent-plane.md). Not by
    /// default: the server is asked once on each connection.
    pub queues: bool,
    /// Whether the server is asked what is recorded of the calls, and the user may ask it to record
    /// (docs/agent-plane.md). Not by default: the server is asked once on each connection.
    pub recordings: bool,
    /// Whether the server is asked what it really has and what this user may, and what is missing or not allowed is refused
    /// at once (docs/agent-plane.md). Not by default: the server is asked once on each connection.
    pub features: bool,
}

/// Which incoming calls have their media path set up while they still ring, by a description in a 183
/// (RFC 3261 §13.3.1.1): audio then flows one round trip after the answer. Nothing is sent or played before it.
/// A caller who is connected so hears what his server plays him; where that is nothing, silence in place of
/// the ring-back tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EarlyMedia {
    /// None.
    Never,
    /// Those whose caller hears something else meanwhile: a queue's (`X-Queue`), and where the server says so
    /// (`X-Early-Media: yes`).
    #[default]
    WhereHeard,
    /// All.
    Always,
}

/// Which incoming calls are answered without the agent (RFC 5373). It opens a microphone, so it is the
/// administrator's choice and off unless he makes it. Never the second of two calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AnswerMode {
    /// None, whatever an INVITE asks for.
    #[default]
    Manual,
    /// Those whose INVITE asks for it: `Answer-Mode: Auto`, `answer-after` in Call-Info, `info=alert-autoanswer`
    /// or `auto-answer` in Alert-Info. Whoever can make the server send these can open the microphone.
    Asked,
    /// All, unless the INVITE says `Answer-Mode: Manual`; when it asks for a time, after that.
    Auto,
}

/// Whether the other side of a call may send this phone elsewhere (REFER inside the call, RFC 3515). It makes the
/// phone call somebody, so it is the administrator's choice and off unless he makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReferPolicy {
    /// No: 603.
    #[default]
    Refuse,
    /// Yes, to somebody in the account's own domain: the phone calls there, and tells how it goes. The call that it
    /// was asked in stays until the new one is answered.
    Follow,
}

/// Who says when audio may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AudioGate {
    /// Nobody: a desktop.
    #[default]
    Open,
    /// The platform, by `Input::AudioActivated` and `AudioDeactivated`: Telecom, CallKit.
    Platform,
}

impl Config {
    /// A configuration with the defaults of each value.
    pub fn new(account: Account, servers: Vec<ServerAddress>, instance: uuid::Uuid) -> Self {
        Self {
            account,
            servers,
            expires: Duration::from_secs(600),
            keep_alive: Duration::from_secs(20),
            session_interval: session_timer::RECOMMENDED,
            instance,
            user_agent: concat!("Sidetone/", env!("CARGO_PKG_VERSION")).to_owned(),
            push: None,
            audio: AudioGate::Open,
            early: EarlyMedia::default(),
            answer_mode: AnswerMode::default(),
            refer_policy: ReferPolicy::default(),
            transfers_return: super::TransfersReturn::default(),
            call_waiting: true,
            voicemail: false,
            queues: false,
            recordings: false,
            features: false,
        }
    }

    /// The same with its times brought into their ranges.
    pub(crate) fn in_range(mut self) -> Self {
        let seconds = Duration::from_secs;
        self.expires = self.expires.clamp(seconds(60), seconds(86_400));
        self.keep_alive = self.keep_alive.clamp(seconds(5), seconds(600));
        self.session_interval = self.session_interval.clamp(session_timer::MIN_SE, seconds(86_400));
        self
    }
}

/// What is wrong with a configuration, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The address of record.
    #[error("the account \"{0}\" is not an address: write sip:user@domain")]
    Account(String),
    /// A server.
    #[error(
        "the server \"{text}\" {why}; write wss://host:port/path, as in wss://pbx.example.com:8089/ws"
    )]
    Server {
        /// What was written.
        text: String,
        /// What is wrong with it, as the rest of the sentence.
        why: &'static str,
    },
}
