//! What survives the program: the instance's UUID and what the phone saved, in one small file.

use crate::config::{SetupError, user_folder};
use serde::{Deserialize, Serialize};
use sidetone_phone::Saved;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The file of one account; none where nothing is to be kept.
#[derive(Debug, Clone)]
pub(crate) struct StateFile {
    path: Option<PathBuf>,
    instance: uuid::Uuid,
}

/// The file's content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) instance: uuid::Uuid,
    pub(crate) saved: Option<Saved>,
}

impl StateFile {
    /// The file that was named, or the account's own below the user's state folder. A file that
    /// cannot be read as one of ours is started anew.
    pub(crate) fn open(path: Option<PathBuf>, aor: &str) -> Result<Self, SetupError> {
        let path = match path {
            Some(path) if path.as_os_str() == "none" => None,
            Some(path) => Some(path),
            None => Some(user_folder("XDG_STATE_HOME", ".local/state").join(file_name(aor))),
        };
        let stored = path.as_deref().and_then(read);
        let file = Self { path, instance: stored.map_or_else(uuid::Uuid::new_v4, |s| s.instance) };
        Ok(file)
    }

    /// What was stored, or a new instance with nothing saved.
    pub(crate) fn load(&self) -> Stored {
        let saved = self.path.as_deref().and_then(read).and_then(|stored| stored.saved);
        Stored { instance: self.instance, saved }
    }

    /// Stores in one step: the old content or the new, never a part.
    pub(crate) fn store(&self, saved: Saved) -> std::io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let stored = Stored { instance: self.instance, saved: Some(saved) };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let temporary = path.with_extension("new");
        let mut file = create_private(&temporary)?;
        file.write_all(&serde_json::to_vec_pretty(&stored)?)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    }
}

fn read(path: &Path) -> Option<Stored> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Only the user may read it: a nonce and a Contact are nobody else's business.
fn create_private(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn file_name(aor: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.@".contains(c) { c } else { '_' };
    format!("{}.json", aor.trim_start_matches("sip:").chars().map(safe).collect::<String>())
}
