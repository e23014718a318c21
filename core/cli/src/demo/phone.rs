//! How each of the demonstration's phones is set up: its account at the server, and files for a voice and an ear.

use crate::Failure;
use crate::config::{Setup, SetupError};
use crate::state::State;
use sidetone_driver::{AudioEndpoint, DriverConfig, Trust};
use sidetone_phone::{Account, Config, Secret, ServerAddress};
use std::path::Path;

/// The server that they sign in to.
pub(super) struct Place {
    pub(super) server: ServerAddress,
    pub(super) trust: Trust,
    pub(super) domain: String,
}

impl Place {
    /// A phone of this user.
    pub(super) fn phone(&self, user: &str, voice: &Path, ear: &Path) -> Result<Setup, Failure> {
        let aor = format!("sip:{user}@{}", self.domain);
        let account =
            Account::new(&aor, Secret::new(format!("secret-{user}"))).map_err(SetupError::from)?;
        let state = State::nowhere();
        Ok(Setup {
            driver: DriverConfig {
                phone: Config::new(account, vec![self.server.clone()], state.instance()),
                saved: None,
                stores: None,
                vault: None,
                trust: self.trust.clone(),
                ice_servers: Vec::new(),
                microphone: AudioEndpoint::File(voice.to_owned()),
                speaker: AudioEndpoint::File(ear.to_owned()),
            },
            state,
        })
    }
}
