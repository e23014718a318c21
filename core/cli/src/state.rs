//! What survives the program: a folder with a vault in it, for the instance's UUID and what the phone
//! saves, and the vault's key beside it, which a desktop has no better place for.

use crate::config::SetupError;
use crate::folders::user_folder;
use sidetone_driver::{Vault, VaultError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const KEY_FILE: &str = "key";
const INSTANCE: &str = "instance";

/// The folder of one account; none where nothing is to be kept.
#[derive(Debug, Clone)]
pub(crate) struct State {
    folder: Option<PathBuf>,
    vault: Option<Arc<Vault>>,
    instance: uuid::Uuid,
}

impl State {
    /// The folder that was named, or the account's own below the user's state folder.
    pub(crate) fn open(folder: Option<PathBuf>, aor: &str) -> Result<Self, SetupError> {
        let folder = match folder {
            Some(path) if path.as_os_str() == "none" => return Ok(Self::nowhere()),
            Some(path) => path,
            None => user_folder("XDG_STATE_HOME", ".local/state").join(folder_name(aor)),
        };
        let failed = |error| SetupError::State { folder: folder.clone(), error };
        let vault = open_vault(&folder).map_err(failed)?;
        let instance = instance(&vault).map_err(failed)?;
        Ok(Self { folder: Some(folder), vault: Some(Arc::new(vault)), instance })
    }

    /// One that keeps nothing.
    pub(crate) fn nowhere() -> Self {
        Self { folder: None, vault: None, instance: uuid::Uuid::new_v4() }
    }

    /// The name of this installation.
    pub(crate) fn instance(&self) -> uuid::Uuid {
        self.instance
    }

    /// Where the phone keeps what must survive it.
    pub(crate) fn vault(&self) -> Option<Arc<Vault>> {
        self.vault.clone()
    }

    /// A file beside it for what is printed while nobody can see it.
    pub(crate) fn log(&self) -> Option<std::fs::File> {
        private_file(&self.folder.as_ref()?.join("log"), false).ok()
    }
}

/// The vault with the key that lies in the folder, which is made where there is none.
fn open_vault(folder: &Path) -> Result<Vault, VaultError> {
    let path = folder.join(KEY_FILE);
    let failed =
        |doing, source| VaultError::File { doing, path: path.display().to_string(), source };
    let fresh = match std::fs::read(&path) {
        Ok(bytes) => match <[u8; 32]>::try_from(bytes) {
            Ok(key) => return Vault::open(folder, &key),
            Err(_) => return Err(VaultError::Damaged(KEY_FILE.to_owned())),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vault::fresh_key()?,
        Err(error) => return Err(failed("read", error)),
    };
    let vault = Vault::open(folder, &fresh)?;
    // Complete before it has its name: a program that dies here leaves no half of a key.
    let temporary = folder.join("key.new");
    let made = private_file(&temporary, true).and_then(|mut file| {
        file.write_all(&fresh)?;
        file.sync_all()?;
        std::fs::rename(&temporary, &path)
    });
    made.map_err(|error| failed("written", error))?;
    Ok(vault)
}

fn instance(vault: &Vault) -> Result<uuid::Uuid, VaultError> {
    if let Some(stored) = vault.read(INSTANCE)? {
        return uuid::Uuid::from_slice(&stored)
            .map_err(|_| VaultError::Damaged(INSTANCE.to_owned()));
    }
    let instance = uuid::Uuid::new_v4();
    vault.write(INSTANCE, instance.as_bytes())?;
    Ok(instance)
}

/// Only the user may read it.
fn private_file(path: &Path, is_new: bool) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(is_new);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn folder_name(aor: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.@".contains(c) { c } else { '_' };
    aor.trim_start_matches("sip:").chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const AOR: &str = "sip:agent1@example.test";

    #[test]
    fn an_installation_keeps_its_name_and_its_key_for_the_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let first = State::open(Some(path.clone()), AOR).unwrap();
        first.vault().unwrap().write("phone", b"saved").unwrap();
        let second = State::open(Some(path.clone()), AOR).unwrap();
        assert_eq!(first.instance(), second.instance());
        assert_eq!(second.vault().unwrap().read("phone").unwrap().as_deref(), Some(&b"saved"[..]));
        let key = std::fs::metadata(path.join(KEY_FILE)).unwrap();
        assert_eq!((key.len(), key.permissions().mode() & 0o777), (32, 0o600));
    }

    #[test]
    fn another_key_or_a_file_in_the_folders_place_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        State::open(Some(folder.path().to_owned()), AOR).unwrap();
        std::fs::write(folder.path().join(KEY_FILE), [1; 32]).unwrap();
        let told = State::open(Some(folder.path().to_owned()), AOR).unwrap_err().to_string();
        assert!(told.contains("sign in again") && told.contains("--state"), "{told}");
        let file = folder.path().join("file");
        std::fs::write(&file, "{}").unwrap();
        let told = State::open(Some(file), AOR).unwrap_err().to_string();
        assert!(told.contains("--state"), "{told}");
    }

    #[test]
    fn nothing_is_kept_where_none_is_asked_for() {
        let state = State::open(Some("none".into()), AOR).unwrap();
        assert!(state.vault().is_none() && state.log().is_none());
        assert!(!Path::new("none").exists());
    }
}
