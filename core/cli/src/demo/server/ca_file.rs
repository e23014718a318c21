//! The file of the certificate that phones must trust. It goes with the server; what a server that was
//! killed could not take with it, the next one does.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

const PREFIX: &str = "sidetone-ca-";
const SUFFIX: &str = ".pem";
/// A file that is as young may not be locked yet.
const YOUNG: Duration = Duration::from_secs(10);

/// The file, locked for as long as its server lives.
#[derive(Debug)]
pub(super) struct CaFile(tempfile::NamedTempFile);

impl CaFile {
    /// Writes it, among the system's temporary files.
    pub(super) fn new(pem: &str) -> io::Result<Self> {
        let folder = std::env::temp_dir();
        sweep(&folder, YOUNG);
        Self::new_in(&folder, pem)
    }

    fn new_in(folder: &Path, pem: &str) -> io::Result<Self> {
        let mut file =
            tempfile::Builder::new().prefix(PREFIX).suffix(SUFFIX).tempfile_in(folder)?;
        // Where a file system knows no locks the file is only left to the next server.
        let _ = file.as_file().try_lock_shared();
        file.write_all(pem.as_bytes())?;
        Ok(Self(file))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Deletes the files of servers that are no more. What cannot be deleted, of another user say, stays.
fn sweep(folder: &Path, young: Duration) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_ours = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        if is_ours && is_left_behind(&entry, young) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn is_left_behind(entry: &std::fs::DirEntry, young: Duration) -> bool {
    let age = entry.metadata().ok().filter(std::fs::Metadata::is_file);
    let age = age.and_then(|it| it.modified().ok()).and_then(|at| at.elapsed().ok());
    age.is_some_and(|age| age >= young)
        && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_server_left_goes_and_what_a_living_one_has_stays() {
        let folder = tempfile::tempdir().unwrap();
        let living = CaFile::new_in(folder.path(), "living").unwrap();
        let [left, other] =
            ["sidetone-ca-1.pem", "sidetone-ca-1.txt"].map(|n| folder.path().join(n));
        for file in [&left, &other] {
            std::fs::write(file, "left").unwrap();
        }
        sweep(folder.path(), Duration::from_secs(60));
        assert!(left.exists(), "it may be about to be locked");
        sweep(folder.path(), Duration::ZERO);
        assert!(!left.exists() && other.exists());
        assert_eq!(std::fs::read_to_string(living.path()).unwrap(), "living");
        let path = living.path().to_owned();
        drop(living);
        assert!(!path.exists());
    }
}
