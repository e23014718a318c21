//! What the phone saves, as it lies in the vault.

use crate::{Vault, VaultError};
use sidetone_phone::Saved;
use std::io;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// The phone's own name in the vault.
const NAME: &str = "phone";

/// What the last run saved. What another version of the phone wrote and this one cannot read is
/// nothing, as a phone has it that is installed anew.
pub(crate) fn load(vault: &Vault) -> Result<Option<Saved>, VaultError> {
    let Some(stored) = vault.read(NAME)? else { return Ok(None) };
    let saved = serde_json::from_slice(&stored);
    if let Err(error) = &saved {
        log::warn!("what the last run saved is of another version: {error}");
    }
    Ok(saved.ok())
}

/// Stores it on a thread for it, and returns when it is on the disk.
pub(crate) async fn store(vault: Arc<Vault>, saved: Saved) -> Result<(), VaultError> {
    let failed = |source| VaultError::File { doing: "written", path: NAME.to_owned(), source };
    let stored = serde_json::to_vec(&saved).map_err(|e| failed(io::Error::other(e)))?;
    let written = spawn_blocking(move || vault.write(NAME, &stored)).await;
    written.unwrap_or_else(|e| Err(failed(io::Error::other(e))))
}
