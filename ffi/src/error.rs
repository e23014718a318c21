//! What is refused, in words: what happened, and what to do about it.

use sidetone_driver::StartError as DriverStartError;
use sidetone_phone::{CommandError as PhoneCommandError, ConfigError};

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
        /// Another change of the call is under way.
        Busy,
        /// As many calls as the phone can have.
        TooManyCalls,
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
    }
}

impl CommandError {
    /// The phone does not run any more.
    pub(crate) fn ended() -> Self {
        Self::Ended {
            what: "the phone was shut down".to_owned(),
            advice: "Start it again".to_owned(),
        }
    }
}

impl From<PhoneCommandError> for CommandError {
    fn from(error: PhoneCommandError) -> Self {
        use PhoneCommandError as E;
        let say = |what: &str, advice: &str| (what.to_owned(), advice.to_owned());
        match error {
            E::UnknownCall => {
                let (what, advice) =
                    say("There is no such call, or it has ended", "Take it off the screen");
                Self::UnknownCall { what, advice }
            }
            E::CallIdTaken => {
                let (what, advice) = say("This id names another call", "Dial with a fresh UUID");
                Self::CallIdTaken { what, advice }
            }
            E::WrongState => {
                let (what, advice) = say(
                    "The call is not in a state that allows this",
                    "Offer only what the snapshot's state allows",
                );
                Self::WrongState { what, advice }
            }
            E::NotRegistered => {
                let (what, advice) = say(
                    "The phone is not registered",
                    "Sign in, and try again when the registration is there",
                );
                Self::NotRegistered { what, advice }
            }
            E::InvalidTarget => {
                let (what, advice) = say(
                    "This is neither a number nor an address",
                    "Dial digits, a user name or sip:user@domain",
                );
                Self::InvalidTarget { what, advice }
            }
            E::InvalidDigits => {
                let (what, advice) = say(
                    "These are not keys of a telephone",
                    "Send 1 to 64 of the digits 0-9 * # A B C D",
                );
                Self::InvalidDigits { what, advice }
            }
            E::DtmfNotNegotiated => {
                let (what, advice) =
                    say("The other side takes no digits in this call", "Hide the keypad for it");
                Self::DtmfNotNegotiated { what, advice }
            }
            E::Busy => {
                let (what, advice) = say(
                    "Another change of this call is under way",
                    "Try again when the event of that change has come",
                );
                Self::Busy { what, advice }
            }
            E::TooManyCalls => {
                let (what, advice) =
                    say("The phone has as many calls as it can", "End one of them first");
                Self::TooManyCalls { what, advice }
            }
        }
    }
}

impl StartError {
    pub(crate) fn config(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Config { what: what.into(), advice: advice.into() }
    }

    pub(crate) fn no_thread(detail: &String) -> Self {
        Self::System {
            what: format!("The system gives no thread ({detail})"),
            advice: "Close other programs and start again".to_owned(),
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
            DriverStartError::Audio(error) => Self::Audio {
                what: format!("The audio cannot be had: {error}"),
                advice: "Ask for the permission to record, and see that no other app holds the \
                         microphone"
                    .to_owned(),
            },
            DriverStartError::Trust(why) => Self::Trust {
                what: format!("The trusted certificates cannot be had: {why}"),
                advice: "Give the certificate authority as PEM text, or the platform's".to_owned(),
            },
        }
    }
}
