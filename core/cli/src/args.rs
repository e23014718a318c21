//! The command line: what may be written, and its help.

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Deserialize;
use sidetone_phone::{AnswerMode, EarlyMedia, ReferPolicy, TransfersReturn};
use std::path::PathBuf;

/// A phone for the agents of a contact centre, in a terminal.
#[derive(Debug, Parser)]
#[command(
    name = "sidetone",
    version,
    after_help = "Exit status: 0 done, 1 failed, 2 wrong usage. The password is read from \
                  SIDETONE_PASSWORD, --password-file, the configuration file, or asked for.\n\
                  docs/cli.md describes the keys, the JSON events and the commands."
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sign in and take and make calls: a phone in the terminal.
    Agent(AgentArgs),
    /// Sign in as a supervisor: your teams on the screen, and one key each to listen, whisper and barge in.
    Supervisor(SupervisorArgs),
    /// Make one call and stay until it ends.
    Call(CallArgs),
    /// Check everything that a call needs, step by step, and explain what fails.
    Doctor(DoctorArgs),
    /// Show a whole call with nothing but this program: a model PBX, a customer who speaks, and a
    /// report.
    Demo(DemoArgs),
    /// Set the phone up by the sign-in link that the administrator gave.
    Setup(SetupArgs),
    /// Print the sign-in link of an account, for a message or a QR code.
    Link(LinkArgs),
    /// Print whose links a phone is to trust; makes the key that signs them if there is none.
    LinkKey(LinkKeyArgs),
}

/// Who signs in, where, and with which audio.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PhoneArgs {
    /// The server: wss://host:port/path; several in order of preference, separated by commas
    #[arg(long, env = "SIDETONE_SERVER", value_name = "URL", value_delimiter = ',')]
    pub(crate) server: Vec<String>,
    /// The account: sip:user@domain
    #[arg(long, env = "SIDETONE_ACCOUNT", value_name = "SIP")]
    pub(crate) account: Option<String>,
    /// The user name for authentication, where it is not the account's
    #[arg(long, env = "SIDETONE_USERNAME", value_name = "NAME")]
    pub(crate) username: Option<String>,
    /// Trust only the certificates of this PEM file instead of the system's
    #[arg(long, env = "SIDETONE_CA", value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// The microphone: a device's name, a WAV file, or null
    #[arg(long, env = "SIDETONE_MIC", value_name = "DEVICE|FILE.wav|null")]
    pub(crate) mic: Option<String>,
    /// The speaker: a device's name, a WAV file to write, or null
    #[arg(long, env = "SIDETONE_SPEAKER", value_name = "DEVICE|FILE.wav|null")]
    pub(crate) speaker: Option<String>,
    /// A STUN or TURN server, over UDP: stun:host:port, turn:user:secret@host:port; several
    /// separated by commas
    #[arg(long, env = "SIDETONE_ICE_SERVER", value_name = "URL", value_delimiter = ',')]
    pub(crate) ice_server: Vec<String>,
    /// Which incoming calls are connected while they ring, for audio at once after the answer: where-heard
    /// (whose caller hears a queue or what his server plays), never, always [default: where-heard]
    #[arg(long, env = "SIDETONE_EARLY_MEDIA", value_name = "WHICH")]
    pub(crate) early_media: Option<Early>,
    /// Which incoming calls are answered without you, after a tone: manual (none), asked (those for which the
    /// server asks it), auto (all, unless the server says otherwise) [default: manual]
    #[arg(long, env = "SIDETONE_ANSWER_MODE", value_name = "WHICH")]
    pub(crate) answer_mode: Option<Mode>,
    /// Whether the other side of a call may send you elsewhere: refuse, or follow (to your own domain only)
    /// [default: refuse]
    #[arg(long, env = "SIDETONE_REFER_POLICY", value_name = "WHICH")]
    pub(crate) refer_policy: Option<Refer>,
    /// Seconds that a call lasts without being refreshed, 90 or more [default: 1800]
    #[arg(long, env = "SIDETONE_SESSION_INTERVAL", value_name = "SECONDS")]
    pub(crate) session_interval: Option<u32>,
    /// A realm that the password is for besides those in which the registrar asks for it; several
    /// separated by commas
    #[arg(long, env = "SIDETONE_REALM", value_name = "NAME", value_delimiter = ',')]
    pub(crate) realm: Vec<String>,
    /// Whether the server brings back the caller of a blind transfer that nobody takes: yes or no [default: not known]
    #[arg(long, env = "SIDETONE_TRANSFERS_RETURN", value_name = "YES|NO")]
    pub(crate) transfers_return: Option<Return>,
    /// Whether you hear a short tone now and then while a call waits beside the one that you talk in: true or false
    /// [default: true]
    #[arg(long, env = "SIDETONE_CALL_WAITING", value_name = "BOOL")]
    pub(crate) call_waiting: Option<bool>,
    /// Ask the server what is in the voice mailbox
    #[arg(long, env = "SIDETONE_VOICEMAIL")]
    pub(crate) voicemail: bool,
    /// You are an agent of queues: ask the server what you are there, and log in, pause and be ready from here
    #[arg(long, env = "SIDETONE_QUEUES")]
    pub(crate) queues: bool,
    /// Ask the server what is recorded of your calls, and let it record them
    #[arg(long, env = "SIDETONE_RECORDINGS")]
    pub(crate) recordings: bool,
    /// Ask the server what it really has and what you may, and refuse at once what is missing or not allowed
    #[arg(long, env = "SIDETONE_FEATURES")]
    pub(crate) features: bool,
    /// A file with the password in its first line
    #[arg(long, env = "SIDETONE_PASSWORD_FILE", value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// The configuration file [default: sidetone/config.toml in the user's configuration folder]
    #[arg(long, env = "SIDETONE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The folder where the phone keeps what must survive it, sealed, or "none"
    #[arg(long, env = "SIDETONE_STATE", value_name = "DIR|none")]
    pub(crate) state: Option<PathBuf>,
}

/// Which incoming calls are connected while they ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Early {
    Never,
    WhereHeard,
    Always,
}

impl From<Early> for EarlyMedia {
    fn from(early: Early) -> Self {
        match early {
            Early::Never => Self::Never,
            Early::WhereHeard => Self::WhereHeard,
            Early::Always => Self::Always,
        }
    }
}

/// Which incoming calls are answered without the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    Manual,
    Asked,
    Auto,
}

impl From<Mode> for AnswerMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Manual => Self::Manual,
            Mode::Asked => Self::Asked,
            Mode::Auto => Self::Auto,
        }
    }
}

/// Whether the other side of a call may send the agent elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Refer {
    Refuse,
    Follow,
}

impl From<Refer> for ReferPolicy {
    fn from(refer: Refer) -> Self {
        match refer {
            Refer::Refuse => Self::Refuse,
            Refer::Follow => Self::Follow,
        }
    }
}

/// Whether the server brings back the caller of a blind transfer that nobody takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Return {
    Yes,
    No,
}

impl From<Return> for TransfersReturn {
    fn from(said: Return) -> Self {
        match said {
            Return::Yes => Self::Yes,
            Return::No => Self::No,
        }
    }
}

/// How the program speaks.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct OutputArgs {
    /// Print one JSON object a line instead of text
    #[arg(long)]
    pub(crate) json: bool,
    /// Show the SIP messages too, secrets masked
    #[arg(long)]
    pub(crate) sip: bool,
}

/// `sidetone agent`
#[derive(Debug, Args)]
pub(crate) struct AgentArgs {
    #[command(flatten)]
    pub(crate) phone: PhoneArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Answer each call after this many milliseconds of ringing
    #[arg(long, value_name = "MS")]
    pub(crate) auto_answer: Option<u64>,
}

/// `sidetone supervisor`
#[derive(Debug, Args)]
pub(crate) struct SupervisorArgs {
    #[command(flatten)]
    pub(crate) phone: PhoneArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `sidetone call`
#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    /// A number, a user name, or sip:user@domain
    pub(crate) uri: String,
    #[command(flatten)]
    pub(crate) phone: PhoneArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Hang up this many milliseconds after the answer
    #[arg(long, value_name = "MS")]
    pub(crate) duration: Option<u64>,
}

/// `sidetone doctor`
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) phone: PhoneArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// The number that sends back what it hears
    #[arg(long, default_value = "600", value_name = "NUMBER")]
    pub(crate) echo: String,
}

/// `sidetone demo`
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Where the report is written
    #[arg(long, default_value = "sidetone-demo.html", value_name = "FILE")]
    pub(crate) report: PathBuf,
    /// What the customer says; synthesised speech where it is not given
    #[arg(long, value_name = "FILE.wav")]
    pub(crate) customer: Option<PathBuf>,
    /// How long the two talk, in seconds; a talk of some seconds is put on hold too, which comes in
    /// addition
    #[arg(long, default_value_t = 8, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(2..=120))]
    pub(crate) talk: u64,
    /// Use a real Asterisk (started by scripts/bench) instead of the model PBX
    #[arg(long)]
    pub(crate) asterisk: bool,
    /// Show a team instead: two agents, a customer, and a supervisor who watches, listens, whispers and barges in
    #[arg(long, conflicts_with_all = ["asterisk", "serve", "customer", "talk", "report"])]
    pub(crate) team: bool,
    /// Only run the model PBX and print how to reach it, until interrupted
    #[arg(long, conflicts_with_all = ["asterisk", "customer"])]
    pub(crate) serve: bool,
    /// The Asterisk's address, where it is not the bench's
    #[arg(long, value_name = "URL", requires = "asterisk")]
    pub(crate) server: Option<String>,
    /// The certificates to trust for it
    #[arg(long, value_name = "FILE", requires = "asterisk")]
    pub(crate) ca: Option<PathBuf>,
    /// The port of the model PBX on loopback; 0 takes a free one
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    pub(crate) port: u16,
}

/// `sidetone setup`
#[derive(Debug, Args)]
pub(crate) struct SetupArgs {
    /// sidetone://sign-in?…
    #[arg(value_name = "LINK")]
    pub(crate) link: String,
    /// The configuration file [default: sidetone/config.toml in the user's configuration folder]
    #[arg(long, env = "SIDETONE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Take the place of the account that the file has now
    #[arg(long)]
    pub(crate) replace: bool,
    /// Take only links that one of these keys has signed, now and later; several separated by commas
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    pub(crate) link_key: Vec<String>,
}

/// `sidetone link`
#[derive(Debug, Args)]
pub(crate) struct LinkArgs {
    /// The account: sip:user@domain
    #[arg(long, value_name = "SIP")]
    pub(crate) account: String,
    /// The server: wss://host:port/path; several in order of preference, separated by commas
    #[arg(long, value_name = "URL", value_delimiter = ',', required = true)]
    pub(crate) server: Vec<String>,
    /// The user name for authentication, where it is not the account's
    #[arg(long, value_name = "NAME")]
    pub(crate) username: Option<String>,
    /// The name shown to others
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Whether the server brings back the caller of a blind transfer that nobody takes: yes or no
    #[arg(long, value_name = "YES|NO")]
    pub(crate) transfers_return: Option<Return>,
    /// Sign it with this private key, which sidetone link-key or openssl made
    #[arg(long, value_name = "FILE")]
    pub(crate) sign: Option<PathBuf>,
    /// For how many days it can be used
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub(crate) days: Option<u32>,
}

/// `sidetone link-key`
#[derive(Debug, Args)]
pub(crate) struct LinkKeyArgs {
    /// The private key, in PEM (PKCS#8, Ed25519)
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

impl Command {
    /// Whether the program speaks JSON lines.
    pub(crate) fn is_json(&self) -> bool {
        match self {
            Self::Agent(args) => args.output.json,
            Self::Supervisor(args) => args.output.json,
            Self::Call(args) => args.output.json,
            Self::Doctor(args) => args.output.json,
            Self::Demo(args) => args.output.json,
            Self::Setup(_) | Self::Link(_) | Self::LinkKey(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_separated_by_commas() {
        let cli =
            Cli::try_parse_from(["sidetone", "agent", "--server", "wss://a,wss://b/ws"]).unwrap();
        let Command::Agent(args) = cli.command else { panic!("not the agent") };
        assert_eq!(args.phone.server, ["wss://a", "wss://b/ws"]);
        assert!("wss://a/ws,wss://b".parse::<sidetone_phone::ServerAddress>().is_err());
    }

    #[test]
    fn the_demo_takes_a_server_only_with_asterisk() {
        let demo = ["sidetone", "demo", "--server", "wss://a"];
        assert!(Cli::try_parse_from(demo).is_err());
        assert!(Cli::try_parse_from(demo.iter().chain(&["--asterisk"])).is_ok());
        assert!(Cli::try_parse_from(["sidetone", "demo", "--mic", "null"]).is_err());
    }
}
