//! What survives the program: the instance's UUID and what the phone saved, in one small file.

use crate::folders::user_folder;
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
struct Stored {
    instance: uuid::Uuid,
    saved: Option<Saved>,
}

impl StateFile {
    /// The file that was named, or the account's own below the user's state folder, and what the
    /// phone saved in it. One that cannot be read as ours is started anew.
    pub(crate) fn open(path: Option<PathBuf>, aor: &str) -> (Self, Option<Saved>) {
        let path = match path {
            Some(path) if path.as_os_str() == "none" => None,
            Some(path) => Some(path),
            None => Some(user_folder("XDG_STATE_HOME", ".local/state").join(file_name(aor))),
        };
        let stored = path.as_deref().and_then(read);
        let (instance, saved) = stored
            .map_or_else(|| (uuid::Uuid::new_v4(), None), |stored| (stored.instance, stored.saved));
        (Self { path, instance }, saved)
    }

    /// The name of this installation.
    pub(crate) fn instance(&self) -> uuid::Uuid {
        self.instance
    }

    /// A file beside it for what is printed while nobody can see it.
    pub(crate) fn log(&self) -> Option<std::fs::File> {
        let mut path = self.path.clone()?.into_os_string();
        path.push(".log");
        let path = PathBuf::from(path);
        std::fs::create_dir_all(path.parent()?).ok()?;
        create_private(&path).ok()
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
