//! One configuration out of flags, environment and file, checked, with errors that say what to do.

use crate::args::{Early, Mode, PhoneArgs, Refer, Return};
use crate::folders::user_folder;
use crate::state::State;
use serde::Deserialize;
use sidetone_driver::{
    AudioEndpoint, DriverConfig, IceServer, LinkKey, LinkKeyError, Trust, VaultError,
};
use sidetone_phone::{
    Account, Config, ConfigError, LinkError, Secret, ServerAddress, SignInLink, TransfersReturn,
};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a phone is made of, and where it keeps its state.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) driver: DriverConfig,
    pub(crate) state: State,
}

/// Why no phone can be made of what was given. All are wrong usage: exit status 2.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    #[error("no server is given; write --server wss://host:port/path or set `server` in {0}")]
    NoServer(PathBuf),
    #[error("no account is given; write --account sip:user@domain or set `account` in {0}")]
    NoAccount(PathBuf),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{what} {path} cannot be read: {source}; check the path and its permissions")]
    Unreadable { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("the customer's voice cannot be taken: {0}; give a WAV file with sound in it")]
    Voice(std::io::Error),
    #[error("the configuration file {path} is not valid: {detail}")]
    Invalid { path: PathBuf, detail: String },
    #[error("the CA file {0} holds no certificate in PEM form")]
    NoCertificate(PathBuf),
    #[error("the ICE server \"{0}\" is not stun:host:port or turn:user:secret@host:port")]
    IceServer(String),
    #[error(
        "the ICE server \"{0}\" wants TLS or TCP; STUN and TURN are spoken over UDP only: write \
         stun:host:port or turn:user:secret@host:port"
    )]
    IceTransport(String),
    #[error("{what} {path} cannot be written: {source}; choose another path")]
    Unwritable { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error(
        "the state in {folder} cannot be used: {error}; or choose another folder with --state DIR"
    )]
    State { folder: PathBuf, error: VaultError },
    #[error("{0}; ask your administrator for a new link")]
    Link(#[from] LinkError),
    #[error(transparent)]
    LinkKey(#[from] LinkKeyError),
    #[error("the private key {path} cannot be used: {error}")]
    PrivateKey { path: PathBuf, error: LinkKeyError },
    #[error("{path} sets up {account} already; write --replace if the link is to take its place")]
    SetUp { path: PathBuf, account: String },
    #[error("no password is given; set SIDETONE_PASSWORD or write --password-file FILE")]
    NoPassword,
    #[error("the password file {0} is empty; write the password in its first line")]
    EmptyPassword(PathBuf),
}

/// The file's form: the flags' names, all optional.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    server: Option<Servers>,
    account: Option<String>,
    username: Option<String>,
    display_name: Option<String>,
    ca: Option<PathBuf>,
    mic: Option<String>,
    speaker: Option<String>,
    #[serde(default)]
    ice_server: Vec<String>,
    early_media: Option<Early>,
    answer_mode: Option<Mode>,
    refer_policy: Option<Refer>,
    session_interval: Option<u32>,
    #[serde(default)]
    realm: Vec<String>,
    transfers_return: Option<Return>,
    call_waiting: Option<bool>,
    #[serde(default)]
    voicemail: bool,
    #[serde(default)]
    queues: bool,
    #[serde(default)]
    recordings: bool,
    #[serde(default)]
    features: bool,
    #[serde(default)]
    link_key: Vec<String>,
    password: Option<String>,
    password_file: Option<PathBuf>,
    state: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Servers {
    One(String),
    Several(Vec<String>),
}

impl From<Servers> for Vec<String> {
    fn from(servers: Servers) -> Self {
        match servers {
            Servers::One(server) => vec![server],
            Servers::Several(servers) => servers,
        }
    }
}

impl Setup {
    /// Flags and environment first, then the file, then defaults.
    pub(crate) fn load(args: &PhoneArgs) -> Result<Self, SetupError> {
        let path = args.config.clone().unwrap_or_else(default_config_file);
        let file = File::read(&path, args.config.is_some())?;

        let servers = if args.server.is_empty() {
            file.server.map(Into::into).unwrap_or_default()
        } else {
            args.server.clone()
        };
        if servers.is_empty() {
            return Err(SetupError::NoServer(path));
        }
        let servers =
            servers.iter().map(|s| s.parse()).collect::<Result<Vec<ServerAddress>, _>>()?;
        let aor = args.account.clone().or(file.account).ok_or(SetupError::NoAccount(path))?;
        let mut account = Account::new(&aor, Secret::new(""))?;
        account.username = args.username.clone().or(file.username);
        account.display_name = file.display_name;
        account.realms = if args.realm.is_empty() { file.realm } else { args.realm.clone() };
        account.password =
            password(args.password_file.clone().or(file.password_file), file.password, &aor)?;

        let trust = args.ca.clone().or(file.ca).map_or(Ok(Trust::Platform), |ca| read_ca(&ca))?;
        let ice =
            if args.ice_server.is_empty() { file.ice_server } else { args.ice_server.clone() };
        let ice_servers = ice.iter().map(|url| ice_server(url)).collect::<Result<_, _>>()?;
        let state = State::open(args.state.clone().or(file.state), &aor)?;
        let mut phone = Config::new(account, servers, state.instance());
        phone.early =
            args.early_media.or(file.early_media).map_or_else(Default::default, Into::into);
        phone.answer_mode =
            args.answer_mode.or(file.answer_mode).map_or_else(Default::default, Into::into);
        phone.refer_policy =
            args.refer_policy.or(file.refer_policy).map_or_else(Default::default, Into::into);
        phone.transfers_return = args
            .transfers_return
            .or(file.transfers_return)
            .map_or_else(Default::default, Into::into);
        if let Some(on) = args.call_waiting.or(file.call_waiting) {
            phone.call_waiting = on;
        }
        phone.voicemail = args.voicemail || file.voicemail;
        phone.queues = args.queues || file.queues;
        phone.recordings = args.recordings || file.recordings;
        phone.features = args.features || file.features;
        if let Some(seconds) = args.session_interval.or(file.session_interval) {
            phone.session_interval = Duration::from_secs(seconds.into());
        }
        Ok(Self {
            driver: DriverConfig {
                phone,
                saved: None,
                vault: state.vault(),
                stores: None,
                trust,
                ice_servers,
                microphone: endpoint(args.mic.clone().or(file.mic)),
                speaker: endpoint(args.speaker.clone().or(file.speaker)),
            },
            state,
        })
    }
}

impl File {
    /// Reads the file; one that was not asked for by name may be missing.
    fn read(path: &Path, asked: bool) -> Result<Self, SetupError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !asked => {
                return Ok(Self::default());
            }
            Err(source) => {
                let what = "the configuration file";
                return Err(SetupError::Unreadable { what, path: path.to_owned(), source });
            }
        };
        toml::from_str(&text).map_err(|error| SetupError::Invalid {
            path: path.to_owned(),
            detail: what_is_wrong(&text, &error),
        })
    }
}

/// The keys of the file that belong to the account, and go with it.
const OF_THE_ACCOUNT: [&str; 9] = [
    "account",
    "transfers-return",
    "server",
    "username",
    "display-name",
    "password",
    "password-file",
    "realm",
    "state",
];

/// Those of them that a link gives, or leaves out.
const OF_THE_LINK: [&str; 4] = ["server", "username", "display-name", "transfers-return"];

/// Whose links the file takes alone; nobody's, if it takes all.
///
/// # Errors
/// The file cannot be read, or what it names is no key.
pub(crate) fn link_keys(path: Option<&Path>) -> Result<Vec<LinkKey>, SetupError> {
    let file = File::read(path.unwrap_or(&default_config_file()), false)?;
    Ok(file.link_key.iter().map(|key| key.parse()).collect::<Result<_, _>>()?)
}

/// Writes this account into the file, and the keys that signed links must have from now on, beside what
/// else stands there. When it returns the file is the new one; until then, and where it fails, it is the
/// old one.
///
/// # Errors
/// The file cannot be read or written, or sets up another account that is not to be replaced.
pub(crate) fn write_account(
    path: Option<PathBuf>,
    link: &SignInLink,
    keys: &[LinkKey],
    replace: bool,
) -> Result<PathBuf, SetupError> {
    let path = path.unwrap_or_else(default_config_file);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        read => read.map_err(|source| {
            let what = "the configuration file";
            SetupError::Unreadable { what, path: path.clone(), source }
        })?,
    };
    let invalid = |error: toml::de::Error| SetupError::Invalid {
        path: path.clone(),
        detail: what_is_wrong(&text, &error),
    };
    let old: File = toml::from_str(&text).map_err(invalid)?;
    if let Some(account) = old.account.filter(|account| *account != link.aor && !replace) {
        return Err(SetupError::SetUp { path, account });
    }
    let mut table: toml::Table = toml::from_str(&text).map_err(invalid)?;
    let is_same = table.get("account").and_then(toml::Value::as_str) == Some(&link.aor);
    let kept = |key: &str| is_same && !OF_THE_LINK.contains(&key);
    OF_THE_ACCOUNT.iter().filter(|key| !kept(key)).for_each(|key| drop(table.remove(*key)));
    let servers = link.servers.iter().map(|server| server.to_string().into()).collect();
    table.insert("account".to_owned(), link.aor.clone().into());
    table.insert("server".to_owned(), toml::Value::Array(servers));
    for (key, value) in [("username", &link.username), ("display-name", &link.display_name)] {
        if let Some(value) = value {
            table.insert(key.to_owned(), value.clone().into());
        }
    }
    let said = match link.transfers_return {
        TransfersReturn::Unknown => None,
        TransfersReturn::Yes => Some("yes"),
        TransfersReturn::No => Some("no"),
    };
    if let Some(said) = said {
        table.insert("transfers-return".to_owned(), said.into());
    }
    if !keys.is_empty() {
        let keys = keys.iter().map(|key| key.to_string().into()).collect();
        table.insert("link-key".to_owned(), toml::Value::Array(keys));
    }
    put(&path, &table.to_string()).map_err(|source| SetupError::Unwritable {
        what: "the configuration file",
        path: path.clone(),
        source,
    })?;
    Ok(path)
}

/// A file for its owner alone, whole before it takes the other's place.
fn put(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// The error with its place. What stands in a line with a password is not repeated.
fn what_is_wrong(text: &str, error: &toml::de::Error) -> String {
    let Some((before, after)) = error.span().and_then(|span| text.split_at_checked(span.start))
    else {
        return "it is not TOML".to_owned();
    };
    let (number, start) =
        (before.matches('\n').count() + 1, before.rfind('\n').map_or(0, |n| n + 1));
    let column = before[start..].chars().count() + 1;
    let rest = after.lines().next().unwrap_or_default();
    let is_secret = [&before[start..], rest].concat().contains("password");
    let message = if is_secret { "a password is text in quotes" } else { error.message() };
    format!("line {number}, column {column}: {message}")
}

fn default_config_file() -> PathBuf {
    user_folder("XDG_CONFIG_HOME", ".config").join("config.toml")
}

fn password(
    file: Option<PathBuf>,
    written: Option<String>,
    aor: &str,
) -> Result<Secret, SetupError> {
    if let Ok(password) = std::env::var("SIDETONE_PASSWORD") {
        return Ok(Secret::new(password));
    }
    if let Some(path) = file {
        let text = std::fs::read_to_string(&path).map_err(|source| SetupError::Unreadable {
            what: "the password file",
            path: path.clone(),
            source,
        })?;
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            return Err(SetupError::EmptyPassword(path));
        }
        return Ok(Secret::new(line));
    }
    if let Some(password) = written {
        return Ok(Secret::new(password));
    }
    rpassword::prompt_password(format!("Password of {aor}: "))
        .map(Secret::new)
        .map_err(|_| SetupError::NoPassword)
}

fn read_ca(path: &Path) -> Result<Trust, SetupError> {
    let pem = std::fs::read(path).map_err(|source| SetupError::Unreadable {
        what: "the CA file",
        path: path.to_owned(),
        source,
    })?;
    let marker = b"-----BEGIN CERTIFICATE-----";
    if !pem.windows(marker.len()).any(|window| window == marker) {
        return Err(SetupError::NoCertificate(path.to_owned()));
    }
    Ok(Trust::Pem(pem))
}

/// `stun:host:port`, or `turn:user:secret@host:port` with the credential taken out of the URL.
fn ice_server(text: &str) -> Result<IceServer, SetupError> {
    // A secret is not repeated.
    let shown = || text.rsplit_once('@').map_or(text.to_owned(), |(_, host)| format!("…@{host}"));
    let error = || SetupError::IceServer(shown());
    let (scheme, rest) = text.split_once(':').ok_or_else(error)?;
    let is_udp = rest.split_once("?transport=").is_none_or(|(_, transport)| transport == "udp");
    match scheme {
        "stuns" | "turns" => Err(SetupError::IceTransport(shown())),
        "stun" | "turn" if !is_udp => Err(SetupError::IceTransport(shown())),
        "stun" => Ok(IceServer { url: text.to_owned(), username: None, credential: None }),
        "turn" => {
            let (user, host) = rest.rsplit_once('@').ok_or_else(error)?;
            let (username, secret) = user.split_once(':').ok_or_else(error)?;
            Ok(IceServer {
                url: format!("{scheme}:{host}"),
                username: Some(username.to_owned()),
                credential: Some(Secret::new(secret)),
            })
        }
        _ => Err(error()),
    }
}

fn endpoint(text: Option<String>) -> AudioEndpoint {
    match text {
        None => AudioEndpoint::Default,
        Some(text) if text == "null" => AudioEndpoint::Null,
        Some(text) if text.to_ascii_lowercase().ends_with(".wav") => {
            AudioEndpoint::File(text.into())
        }
        Some(text) => AudioEndpoint::Device(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(text: &str) -> String {
        let error = toml::from_str::<File>(text).unwrap_err();
        what_is_wrong(text, &error)
    }

    #[test]
    fn a_wrong_file_is_explained_with_its_place() {
        let text = complaint("account = \"sip:a@b\"\nservers = \"wss://a\"\n");
        assert!(text.starts_with("line 2, column 1: unknown field `servers`"), "{text}");
    }

    fn link(account: &str, name: &str) -> SignInLink {
        format!("sidetone://sign-in?account={account}&server=wss://a&server=wss://b:1/x{name}")
            .parse()
            .unwrap()
    }

    #[test]
    fn a_link_sets_up_a_file_that_a_phone_starts_from() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/config.toml");
        let more = "&name=%22An%5Cna%22&transfers-return=yes";
        write_account(Some(path.clone()), &link("sip:1@b", more), &[], false).unwrap();
        let file = File::read(&path, true).unwrap();
        assert_eq!(file.account.as_deref(), Some("sip:1@b"));
        assert_eq!(file.display_name.as_deref(), Some("\"An\\na\""), "quotes stay what they are");
        assert_eq!(file.transfers_return, Some(Return::Yes));
        assert_eq!(Vec::from(file.server.unwrap()), ["wss://a:443/ws", "wss://b:1/x"]);
        assert!(file.password.is_none() && file.username.is_none());
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(&path).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn another_account_is_replaced_only_when_asked_and_its_password_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let old = "account = \"sip:1@b\"\npassword = \"70701\"\nmic = \"null\"\nusername = \"u\"\n";
        std::fs::write(&path, old).unwrap();
        let read = || File::read(&path, true).unwrap();
        let write =
            |account, replace| write_account(Some(path.clone()), &link(account, ""), &[], replace);
        let refused = write("sip:2@b", false).unwrap_err();
        assert!(refused.to_string().contains("--replace"), "{refused}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), old, "nothing was changed");
        write("sip:1@b", false).unwrap();
        assert_eq!((read().password.as_deref(), read().username), (Some("70701"), None));
        write("sip:2@b", true).unwrap();
        assert_eq!((read().password, read().mic.as_deref()), (None, Some("null")));
        std::fs::write(&path, "password = 70701").unwrap();
        let invalid = write("sip:2@b", true).unwrap_err().to_string();
        assert!(invalid.contains("line 1") && !invalid.contains("70701"), "{invalid}");
    }

    #[test]
    fn a_password_is_never_repeated() {
        for line in
            ["password = 70701", "password = \"70701", "password = 70701x", "password=[70701]"]
        {
            let text = complaint(&format!("mic = \"null\"\n{line}\n"));
            assert!(text.starts_with("line 2, ") && !text.contains("70701"), "{text}");
        }
        let error = ice_server("trun:user:70701@host").unwrap_err().to_string();
        assert!(error.contains("…@host") && !error.contains("70701"), "{error}");
    }

    #[test]
    fn an_ice_server_that_is_not_spoken_to_over_udp_is_refused() {
        for good in ["stun:a:3478", "turn:u:s@a:3478", "turn:u:s@a:3478?transport=udp"] {
            assert!(ice_server(good).is_ok(), "{good}");
        }
        for wrong in [
            "stuns:a:5349",
            "turns:u:s@a:5349",
            "turn:u:s@a:3478?transport=tcp",
            "stun:a?transport=x",
        ] {
            let error = ice_server(wrong).unwrap_err();
            assert!(matches!(error, SetupError::IceTransport(_)), "{wrong}: {error}");
        }
    }
}
