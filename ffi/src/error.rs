//! What is refused, in words: what happened, and what to do about it.

use sidetone_driver::device::AudioError;
use sidetone_driver::{
    LinkKeyError, StartError as DriverStartError, VaultError as DriverVaultError,
};
use sidetone_phone::{CommandError as PhoneCommandError, ConfigError, LinkError as PhoneLinkError};
use std::fmt;

/// An error whose every variant says what happened and what to do.
macro_rules! spoken_error {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
        pub enum $name {
            $(
                $(#[$variant_doc])*
                #[error("{what}. {advice}.")]
                $variant {
                    /// What happened.
                    what: String,
                    /// What to do.
                    advice: String,
                },
            )+
        }
    };
}

pub(crate) use spoken_error;

/// An error of the phone as one that is spoken: the name that both have, what happened, and what to do; and what
/// has more to say than its name, in brackets.
macro_rules! spoken {
    ($error:ident: $source:ident,
        $($name:ident: $what:literal, $advice:literal;)+ $([$other:pat => $made:expr])?) => {
        match $error {
            $($source::$name => {
                Self::$name { what: $what.to_owned(), advice: $advice.to_owned() }
            })+
            $($other => $made,)?
        }
    };
}
pub(crate) use spoken;

spoken_error! {
    /// Why a command was refused. Nothing was changed by it.
    CommandError {
        /// There is no such call, or it has ended.
        UnknownCall,
        /// The id of a new call is taken.
        CallIdTaken,
        /// The call's state does not allow it.
        WrongState,
        /// The phone is not registered.
        NotRegistered,
        /// What was dialled is no number or address.
        InvalidTarget,
        /// These are not digits.
        InvalidDigits,
        /// The other side takes no digits in this call.
        DtmfNotNegotiated,
        /// A transfer of the call is under way.
        Transferring,
        /// No call is on hold to swap with.
        NothingToSwap,
        /// Fewer calls than can be joined, or left to themselves.
        TooFewCalls,
        /// More than two calls are joined: they cannot be left to themselves.
        TooManyToLeave,
        /// As many calls as the phone can have.
        TooManyCalls,
        /// A call is going on, and the phone is to sleep.
        InCall,
        /// A push token that cannot be one.
        InvalidToken,
        /// A text that cannot be sent.
        InvalidText,
        /// The id of a new message is taken.
        MessageIdTaken,
        /// Too many messages wait for their answers.
        TooManyMessages,
        /// A code of the server's dial plan that cannot be dialled.
        InvalidCode,
        /// The id of a new control call was used before.
        ControlIdTaken,
        /// Too many control calls at a time.
        TooManyControls,
        /// A control call is under way, and the phone is to sleep.
        ControlUnderWay,
        /// The server has no queues for this user.
        NoQueues,
        /// The queue is none of his.
        UnknownQueue,
        /// The reason is none of the server's.
        UnknownReason,
        /// He is in no queue.
        LoggedOut,
        /// The last request has no answer yet.
        AgentRequestUnderWay,
        /// The name of no recording.
        InvalidRecording,
        /// The server has no such recording of the call.
        UnknownRecording,
        /// The recording is the site's.
        RecordingLocked,
        /// The last request of this call has no answer yet.
        RecordingUnderWay,
        /// The server cannot be asked to record.
        RecordingUnavailable,
        /// A name that no agent has.
        InvalidAgent,
        /// The call supervises an agent's.
        Supervising,
        /// The server has said that it does not have this.
        MissingOnServer,
        /// The administrator does not allow it.
        NotAllowed,
        /// The phone was shut down.
        Ended,
    }
}

spoken_error! {
    /// Why a phone cannot be started here.
    StartError {
        /// The configuration cannot be used.
        Config,
        /// The microphone or the speaker cannot be had.
        Audio,
        /// The trusted certificates cannot be had.
        Trust,
        /// What the last process left in the vault cannot be read.
        Vault,
        /// The system gives no thread or no random numbers.
        System,
        /// On Android: `Native.init` was not called.
        NotInitialised,
    }
}

spoken_error! {
    /// Why something is not stored, or cannot be had back.
    VaultError {
        /// The key does not have 32 bytes.
        Key,
        /// This is no name for stored data.
        Name,
        /// More than one name can hold.
        TooLarge,
        /// The key is another one, or the file was changed.
        Damaged,
        /// A newer version of the app wrote it.
        Newer,
        /// The folder or the disk.
        Storage,
        /// The system gives no thread or no random numbers.
        System,
        /// On Android: `Native.init` was not called.
        NotInitialised,
    }
}

spoken_error! {
    /// Why a text is no sign-in link.
    LinkError {
        /// It is a link to something else.
        NotALink,
        /// Something in it is missing, doubled or cannot be read.
        Incomplete,
        /// None of the trusted keys has signed it as it is.
        Untrusted,
        /// Its time is over.
        Expired,
        /// What the app trusts is no key: a mistake in the app.
        WrongKey,
    }
}

impl CommandError {
    /// The phone does not run any more.
    pub(crate) fn ended() -> Self {
        Self::Ended {
            what: "The phone was shut down".to_owned(),
            advice: "Start it again".to_owned(),
        }
    }
}

impl From<PhoneCommandError> for CommandError {
    fn from(error: PhoneCommandError) -> Self {
        spoken! { error: PhoneCommandError,
            UnknownCall: "There is no such call, or it has ended",
                "Take it off the screen";
            CallIdTaken: "This id names another call",
                "Dial with a fresh UUID";
            WrongState: "The call is not in a state that allows this",
                "Offer only what the snapshot's state allows";
            NotRegistered: "The phone is not registered",
                "Sign in, and try again when the registration is there";
            InvalidTarget: "This is neither a number nor an address",
                "Dial digits, a user name or sip:user@domain";
            InvalidDigits: "These are not keys of a telephone",
                "Send 1 to 64 of the digits 0-9 * # A B C D";
            DtmfNotNegotiated: "The other side takes no digits in this call",
                "Hide the keypad for it";
            Transferring: "A transfer of this call is under way",
                "Wait for what comes of it: the call's end, or that it failed";
            NothingToSwap: "There is no call on hold to swap with",
                "Offer it with two calls only";
            TooFewCalls: "It takes two calls that are answered",
                "Make or answer another call first";
            TooManyToLeave: "Only two calls can be left to themselves",
                "End the others first";
            TooManyCalls: "The phone has as many calls as it can",
                "End one of them first";
            InCall: "A call is going on",
                "Let the phone sleep when it has ended";
            InvalidText: "A message has 1 to 1000 bytes",
                "Write one, or send it in parts";
            MessageIdTaken: "This message's id is taken",
                "Choose a fresh UUID";
            TooManyMessages: "The server has not taken the last messages yet",
                "Wait a moment";
            InvalidCode: "A code has 1 to 64 letters, digits or signs of *#-_.+!",
                "Check it against the server's dial plan";
            ControlIdTaken: "This id names another control call",
                "Choose a fresh UUID";
            TooManyControls: "The server has not taken the last codes yet",
                "Wait a moment";
            ControlUnderWay: "The server has not said yet what came of a code",
                "Let the phone sleep when it has";
            NoQueues: "The server has no queues for you",
                "Ask its administrator";
            UnknownQueue: "There is no such queue for you",
                "Choose one of those that are shown";
            UnknownReason: "The server knows no such reason for a pause",
                "Choose one of those that are shown";
            LoggedOut: "You are logged in to no queue",
                "Log in first";
            AgentRequestUnderWay: "The server has not answered the last request yet",
                "Wait a moment";
            InvalidRecording: "A recording is named by 1 to 4 digits, or auto",
                "Choose a number";
            UnknownRecording: "There is no such recording of this call, or it is over",
                "Start a new one";
            RecordingLocked: "This recording is made by the rules of the site, which do not let you change it so",
                "Ask the administrator";
            RecordingUnderWay: "The server has not answered the last request about this call's recordings yet",
                "Wait a moment";
            RecordingUnavailable: "The server cannot be asked to record",
                "Ask its administrator";
            InvalidAgent: "An agent's name has 1 to 40 letters, digits or signs of _.-",
                "Choose one of those that are shown";
            Supervising: "This call supervises another: it cannot be sent on, joined or sent digits",
                "Hang it up, or change its mode";
            MissingOnServer: "The server does not have this",
                "Tell its administrator what the phone's features say it lacks";
            NotAllowed: "This is not allowed here",
                "Ask the administrator for it";
            InvalidToken: "This is no push token",
                "Hand over the platform's token as it is";
        }
    }
}

impl From<PhoneLinkError> for LinkError {
    fn from(error: PhoneLinkError) -> Self {
        use PhoneLinkError as E;
        let what = match error {
            E::NotALink => {
                return Self::NotALink {
                    what: "This is not a sign-in link".to_owned(),
                    advice: "Scan the code that your administrator gave you: it begins with \
                             sidetone://sign-in?"
                        .to_owned(),
                };
            }
            E::Unreadable(key) => format!("What the link says for \"{key}\" cannot be read"),
            E::Twice(key) => format!("\"{key}\" is there twice"),
            E::NoAccount => "The account is missing".to_owned(),
            E::Account(_) => "The account is not an address".to_owned(),
            E::Servers(count) => {
                format!("The link names {count} servers, which is none or too many")
            }
            E::Server(_) => "A server is not a wss:// address".to_owned(),
            E::NotSigned | E::WrongSignature => {
                return Self::Untrusted {
                    what: "This link does not come from whom this app trusts".to_owned(),
                    advice: "Do not use it, and tell your administrator where you have it from"
                        .to_owned(),
                };
            }
            E::Expired => {
                let (what, advice) = ("The link has expired".to_owned(), new_code());
                return Self::Expired { what, advice };
            }
        };
        Self::Incomplete { what, advice: new_code() }
    }
}

fn new_code() -> String {
    "Ask your administrator for a new code".to_owned()
}

impl From<LinkKeyError> for LinkError {
    fn from(error: LinkKeyError) -> Self {
        Self::WrongKey {
            what: format!("What this app trusts cannot be used: {error}"),
            advice: "Tell who made the app".to_owned(),
        }
    }
}

impl StartError {
    pub(crate) fn config(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Config { what: what.into(), advice: advice.into() }
    }

    pub(crate) fn not_initialised() -> Self {
        let (what, advice) = no_context();
        Self::NotInitialised { what, advice }
    }

    pub(crate) fn no_thread(detail: &String) -> Self {
        Self::System {
            what: format!("The system gives no thread ({detail})"),
            advice: "Close other programs and start again".to_owned(),
        }
    }
}

/// What the platform was not told of.
fn no_context() -> (String, String) {
    let what = "The library was not given Android's context".to_owned();
    (what, "Call Native.init(context) in Application.onCreate".to_owned())
}

impl VaultError {
    pub(crate) fn not_initialised() -> Self {
        let (what, advice) = no_context();
        Self::NotInitialised { what, advice }
    }

    pub(crate) fn key(length: usize) -> Self {
        Self::Key {
            what: format!("A key of {length} bytes cannot seal anything"),
            advice: "Give 32 random bytes from the platform's key store".to_owned(),
        }
    }

    pub(crate) fn system(detail: impl fmt::Display) -> Self {
        Self::System {
            what: format!("The system gives the vault no means to work ({detail})"),
            advice: "Close other apps, or restart the device".to_owned(),
        }
    }
}

impl VaultError {
    /// What it says.
    fn told(self) -> (String, String) {
        match self {
            Self::Key { what, advice }
            | Self::Name { what, advice }
            | Self::TooLarge { what, advice }
            | Self::Damaged { what, advice }
            | Self::Newer { what, advice }
            | Self::Storage { what, advice }
            | Self::System { what, advice }
            | Self::NotInitialised { what, advice } => (what, advice),
        }
    }
}

impl From<DriverVaultError> for VaultError {
    fn from(error: DriverVaultError) -> Self {
        use DriverVaultError as E;
        match error {
            E::Name(name) => Self::Name {
                what: format!("Nothing can be stored under the name \"{name}\""),
                advice: "Use 1 to 32 of a-z, 0-9 and -".to_owned(),
            },
            E::TooLarge(length) => Self::TooLarge {
                what: format!("There are {length} bytes, more than one name can hold"),
                advice: "Store at most 1 MiB".to_owned(),
            },
            E::Damaged(name) => Self::Damaged {
                what: format!(
                    "The stored \"{name}\" cannot be opened: its key is gone, or it was changed"
                ),
                advice: "Remove it and sign in again".to_owned(),
            },
            E::Newer(name) => Self::Newer {
                what: format!("The stored \"{name}\" was written by a newer version of this app"),
                advice: "Install that one again, or remove it and sign in again".to_owned(),
            },
            E::Random => Self::system("no random numbers"),
            E::File { doing, path, source } => Self::Storage {
                what: format!("The file {path} cannot be {doing}: {source}"),
                advice: "Free some space, and check who may write there".to_owned(),
            },
        }
    }
}

impl From<ConfigError> for StartError {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Account(text) => Self::config(
                format!("The account \"{text}\" is no address"),
                "Write it as sip:user@domain",
            ),
            ConfigError::Server { text, why } => Self::config(
                format!("The server \"{text}\" {why}"),
                "Write it as wss://host:port/path, as in wss://pbx.example.com:8089/ws",
            ),
        }
    }
}

impl From<DriverStartError> for StartError {
    fn from(error: DriverStartError) -> Self {
        match error {
            DriverStartError::Audio(error) => {
                let advice = match error {
                    AudioError::NoDefault { .. } => {
                        "Ask for the permission to record; where there is no device, choose null"
                    }
                    AudioError::NoDevice { .. } => "Choose one of the devices that are there",
                    AudioError::File { .. } => {
                        "Name a WAV file that can be read as a microphone, or written as a speaker"
                    }
                    AudioError::Device { .. } | AudioError::Lost { .. } => {
                        "See that the app may record and that no other app holds the device"
                    }
                    AudioError::Thread(_) => "Close other apps and start again",
                };
                let what = format!("The audio cannot be had: {error}");
                Self::Audio { what, advice: advice.to_owned() }
            }
            DriverStartError::Vault(error) => {
                let (what, advice) = VaultError::from(error).told();
                Self::Vault { what, advice }
            }
            DriverStartError::Trust(why) => Self::Trust {
                what: format!("The trusted certificates cannot be had: {why}"),
                advice: "Give the certificate authority as PEM text, or the platform's".to_owned(),
            },
        }
    }
}

/// Reads as two sentences of which the second tells someone to do something.
#[cfg(test)]
#[track_caller]
#[allow(clippy::panic, reason = "a test may fail")]
pub(crate) fn is_helpful(error: &impl std::fmt::Display) {
    let text = error.to_string();
    let (what, advice) = text.split_once(". ").unwrap_or_else(|| panic!("one sentence: {text}"));
    for sentence in [what, advice] {
        assert!(sentence.len() > 10, "{text}");
        assert!(sentence.starts_with(char::is_uppercase), "{text}");
    }
    assert!(advice.ends_with('.') && !advice.ends_with(".."), "{text}");
    assert!(!what.contains("Err(") && !text.contains("  "), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use sidetone_driver::device::AudioEnd;

    /// All refusals of the phone; one that is added does not compile until it is here.
    fn refusals() -> Vec<PhoneCommandError> {
        use PhoneCommandError as E;
        let all = [
            E::UnknownCall,
            E::CallIdTaken,
            E::WrongState,
            E::NotRegistered,
            E::InvalidTarget,
            E::InvalidDigits,
            E::DtmfNotNegotiated,
            E::Transferring,
            E::NothingToSwap,
            E::TooFewCalls,
            E::TooManyToLeave,
            E::TooManyCalls,
            E::InCall,
            E::InvalidToken,
            E::InvalidText,
            E::MessageIdTaken,
            E::TooManyMessages,
            E::InvalidCode,
            E::ControlIdTaken,
            E::TooManyControls,
            E::ControlUnderWay,
            E::NoQueues,
            E::UnknownQueue,
            E::UnknownReason,
            E::LoggedOut,
            E::AgentRequestUnderWay,
            E::InvalidRecording,
            E::UnknownRecording,
            E::RecordingLocked,
            E::RecordingUnderWay,
            E::RecordingUnavailable,
            E::InvalidAgent,
            E::Supervising,
            E::MissingOnServer,
            E::NotAllowed,
        ];
        for error in all {
            match error {
                E::UnknownCall
                | E::CallIdTaken
                | E::WrongState
                | E::NotRegistered
                | E::InvalidTarget
                | E::InvalidDigits
                | E::DtmfNotNegotiated
                | E::Transferring
                | E::NothingToSwap
                | E::TooFewCalls
                | E::TooManyToLeave
                | E::TooManyCalls
                | E::InCall
                | E::InvalidToken
                | E::InvalidText
                | E::MessageIdTaken
                | E::TooManyMessages
                | E::InvalidCode
                | E::ControlIdTaken
                | E::TooManyControls
                | E::ControlUnderWay
                | E::NoQueues
                | E::UnknownQueue
                | E::UnknownReason
                | E::LoggedOut
                | E::AgentRequestUnderWay
                | E::InvalidRecording
                | E::UnknownRecording
                | E::RecordingLocked
                | E::RecordingUnderWay
                | E::RecordingUnavailable
                | E::InvalidAgent
                | E::Supervising
                | E::MissingOnServer
                | E::NotAllowed => {}
            }
        }
        all.to_vec()
    }

    #[test]
    fn every_refusal_says_what_it_is_and_what_to_do() {
        let texts: Vec<String> =
            refusals().into_iter().map(|error| CommandError::from(error).to_string()).collect();
        for text in &texts {
            is_helpful(text);
        }
        let different: std::collections::BTreeSet<_> = texts.iter().collect();
        assert_eq!(different.len(), texts.len());
        is_helpful(&CommandError::ended());
    }

    #[test]
    fn every_failure_of_the_vault_says_what_it_is_and_what_to_do() {
        use DriverVaultError as E;
        let name = || "phone".to_owned();
        let full = std::io::Error::other("no space is left");
        for error in [
            E::Name(name()),
            E::TooLarge(2_000_000),
            E::Damaged(name()),
            E::Newer(name()),
            E::Random,
            E::File { doing: "written", path: name(), source: full },
        ] {
            is_helpful(&VaultError::from(error));
        }
        is_helpful(&VaultError::key(31));
        is_helpful(&VaultError::not_initialised());
    }

    #[test]
    fn every_failed_start_says_what_it_is_and_what_to_do() {
        for error in [
            StartError::from(ConfigError::Account("agent1".to_owned())),
            StartError::from(
                "ws://example.com".parse::<sidetone_phone::ServerAddress>().unwrap_err(),
            ),
            StartError::from(DriverStartError::Vault(DriverVaultError::Damaged(
                "phone".to_owned(),
            ))),
            StartError::from(DriverStartError::Trust("no certificate is in it".to_owned())),
            StartError::not_initialised(),
            StartError::no_thread(&"out of memory".to_owned()),
        ] {
            is_helpful(&error);
        }
        let (end, name, detail) = (AudioEnd::Microphone, "a".to_owned(), "refused".to_owned());
        for error in [
            AudioError::NoDefault { end, detail: detail.clone() },
            AudioError::NoDevice { end, name: name.clone(), available: vec!["b".to_owned()] },
            AudioError::File { end, path: name.clone(), detail: detail.clone() },
            AudioError::Device { end, name: name.clone(), detail: detail.clone() },
            AudioError::Lost { end, name, detail: detail.clone() },
            AudioError::Thread(detail),
        ] {
            is_helpful(&StartError::from(DriverStartError::Audio(error)));
        }
    }
}
