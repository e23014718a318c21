//! What to do where audio cannot be had, and whether what was given is to blame.

use sidetone_driver::device::{AudioEnd, AudioError, examine_microphone, examine_speaker};
use sidetone_driver::{DriverConfig, StartError};

/// Why the phone cannot be started, and what to do.
pub(crate) fn explain(error: &StartError) -> String {
    match error {
        StartError::Audio(error) => format!("{error}; {}", advice(error)),
        StartError::Trust(_) | StartError::Vault(_) => error.to_string(),
    }
}

/// Whether it is the command line that must be mended, and not the machine.
pub(crate) fn is_wrong_usage(error: &StartError) -> bool {
    match error {
        StartError::Audio(AudioError::NoDevice { .. } | AudioError::File { .. }) => true,
        StartError::Audio(
            AudioError::NoDefault { .. }
            | AudioError::Device { .. }
            | AudioError::Lost { .. }
            | AudioError::Thread(_),
        )
        | StartError::Trust(_) => false,
        // The folder is the command line's.
        StartError::Vault(_) => true,
    }
}

/// What is said of audio that was lost in a call.
pub(crate) fn lost(reason: &str) -> String {
    format!("{reason}; there is silence in its place while it is tried again")
}

/// Tries what is configured: its names, or what fails and what to do.
pub(crate) fn examine(config: &DriverConfig) -> Result<String, String> {
    match (examine_microphone(&config.microphone), examine_speaker(&config.speaker)) {
        (Ok(microphone), Ok(speaker)) => Ok(format!("microphone {microphone}, speaker {speaker}")),
        (microphone, speaker) => {
            let errors: Vec<_> = microphone.err().into_iter().chain(speaker.err()).collect();
            let joined = |words: fn(&AudioError) -> String| {
                errors.iter().map(words).collect::<Vec<_>>().join(", and ")
            };
            Err(format!("{}; {}", joined(ToString::to_string), joined(advice)))
        }
    }
}

fn advice(error: &AudioError) -> String {
    let flag = match error.end() {
        Some(AudioEnd::Speaker) => "--speaker",
        Some(AudioEnd::Microphone) | None => "--mic",
    };
    let plug_in = || format!("plug one in, or write {flag} FILE.wav or {flag} null");
    match error {
        AudioError::NoDefault { .. } => plug_in(),
        AudioError::NoDevice { available, .. } if available.is_empty() => plug_in(),
        AudioError::NoDevice { .. } => {
            format!("write {flag} with the name of one that is here, a FILE.wav, or null")
        }
        AudioError::File { .. } => {
            format!("check the path and its permissions, or write {flag} null")
        }
        AudioError::Device { .. } | AudioError::Lost { .. } => format!(
            "check that it is plugged in and that no other program holds it, or write {flag} \
             with another one, a FILE.wav, or null"
        ),
        AudioError::Thread(_) => "end other programs and try again".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sidetone_driver::{AudioEndpoint, Trust};
    use sidetone_phone::{Account, Config, Secret};

    fn config(microphone: AudioEndpoint, speaker: AudioEndpoint) -> DriverConfig {
        let account = Account::new("sip:agent1@example.test", Secret::new("")).unwrap();
        let server = "wss://pbx.example.test/ws".parse().unwrap();
        let phone = Config::new(account, vec![server], uuid::Uuid::nil());
        let (saved, vault, stores) = (None, None, None);
        let (trust, ice_servers) = (Trust::Platform, Vec::new());
        DriverConfig { phone, saved, vault, stores, trust, ice_servers, microphone, speaker }
    }

    #[test]
    fn a_machine_without_a_speaker_is_not_wrong_usage_and_advised_of_its_flag() {
        let (end, detail) = (AudioEnd::Speaker, "no such device".to_owned());
        let error = StartError::Audio(AudioError::NoDefault { end, detail });
        assert!(!is_wrong_usage(&error));
        let told = "there is no speaker here (no such device); plug one in, or write \
                    --speaker FILE.wav or --speaker null";
        assert_eq!(explain(&error), told);
    }

    #[test]
    fn both_ends_are_examined_and_each_is_advised_of() {
        let nowhere = || AudioEndpoint::File("/no/such/folder/sound.wav".into());
        let told = examine(&config(nowhere(), nowhere())).unwrap_err();
        let (what, advice) = told.split_once("; ").unwrap();
        assert!(what.contains("be the microphone") && what.contains("be the speaker"), "{what}");
        assert!(advice.contains("--mic null") && advice.contains("--speaker null"), "{advice}");
        let told = examine(&config(AudioEndpoint::Null, AudioEndpoint::Null)).unwrap();
        assert_eq!(told, "microphone null, speaker null");
    }

    #[test]
    fn a_file_that_is_not_there_is_wrong_usage() {
        let (end, detail) = (AudioEnd::Microphone, "not found".to_owned());
        let error =
            StartError::Audio(AudioError::File { end, path: "/nope.wav".to_owned(), detail });
        assert!(is_wrong_usage(&error));
        assert!(explain(&error).ends_with("or write --mic null"));
    }
}
