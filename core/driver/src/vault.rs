//! What survives the process, sealed at rest: one small file a name, the old or the new content at
//! whatever moment the process dies.
//!
//! A file is `SDTV`, the layout's version, a nonce, and the content under AES-256-GCM (RFC 5116 §5.2)
//! with header and name as associated data: a file that was changed, or put under another name, is
//! found out. The key is the caller's; a phone keeps it in its key store.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use rustix::fs::{FlockOperation, flock};
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The most that one name may hold.
const MAX_CONTENT: usize = 1024 * 1024;
const MAX_NAME: usize = 32;
const MAGIC: &[u8] = b"SDTV";
const VERSION: u8 = 1;
const HEADER: [u8; 5] = [b'S', b'D', b'T', b'V', VERSION];
const SEALED: &str = "sealed";
const TEMPORARY: &str = "new";

/// A folder of sealed files. It may be shared by threads, and by processes: one writes at a time.
pub struct Vault {
    directory: PathBuf,
    key: LessSafeKey,
}

/// Why something is not stored, or cannot be had back, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Another name than `a` to `z`, `0` to `9` and `-`, 1 to 32 of them.
    #[error("\"{0}\" is no name for stored data: use 1 to 32 of a-z, 0-9 and -")]
    Name(String),
    /// More than 1 MiB.
    #[error("{0} bytes are more than one name can hold; store at most 1 MiB")]
    TooLarge(usize),
    /// The key is not the one that it was sealed with, or the file was changed.
    #[error(
        "the stored \"{0}\" cannot be opened: its key is gone or the file is damaged; remove it \
         and sign in again"
    )]
    Damaged(String),
    /// The file's layout is not known here.
    #[error(
        "the stored \"{0}\" was written by a newer version of this app; install that one again, or \
         remove it and sign in again"
    )]
    Newer(String),
    /// The system gives no random numbers, without which nothing can be sealed.
    #[error("nothing can be sealed: the system gives no random numbers; restart the device")]
    Random,
    /// A file or the folder.
    #[error("{path} cannot be {doing}: {source}; free some space and check who may write there")]
    File {
        /// What was tried, as the rest of the sentence.
        doing: &'static str,
        /// The file or the folder.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Vault {
    /// A key that nobody has: to be made once and kept where only this app reads it.
    ///
    /// # Errors
    /// [`VaultError::Random`].
    pub fn fresh_key() -> Result<[u8; 32], VaultError> {
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key).map_err(|_| VaultError::Random)?;
        Ok(key)
    }

    /// The vault in this folder, which is made where there is none, for its owner alone. What a
    /// write left behind that was cut short is removed.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(directory: &Path, key: &[u8; 32]) -> Result<Self, VaultError> {
        let failed = |doing, source| file_error(doing, directory, source);
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(directory).map_err(|e| failed("made", e))?;
        std::fs::set_permissions(directory, Permissions::from_mode(0o700))
            .map_err(|e| failed("kept from others", e))?;
        // The length is the algorithm's own: this cannot fail.
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| VaultError::Random)?;
        let vault = Self { directory: directory.to_owned(), key: LessSafeKey::new(key) };
        vault.remove_leftovers()?;
        Ok(vault)
    }

    /// What was stored under this name; `None` where nothing was.
    ///
    /// # Errors
    /// It is there and cannot be opened.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
        let path = self.path(name, SEALED)?;
        let mut bytes = Vec::new();
        let limit = HEADER.len() + NONCE_LEN + MAX_CONTENT + AES_256_GCM.tag_len();
        let read = File::open(&path).and_then(|file| {
            // One byte more shows that it is too long.
            file.take(limit as u64 + 1).read_to_end(&mut bytes)
        });
        match read {
            Ok(count) if count > limit => Err(VaultError::Damaged(name.to_owned())),
            Ok(_) => self.unseal(name, bytes).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(file_error("read", &path, error)),
        }
    }

    /// Stores this in place of what was there. When it returns it is on the disk; until then, and
    /// where it fails, what was there before is.
    ///
    /// # Errors
    /// It is not stored.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), VaultError> {
        let (path, temporary) = (self.path(name, SEALED)?, self.path(name, TEMPORARY)?);
        let sealed = self.seal(name, content)?;
        let folder = self.lock()?;
        let written = replace(&temporary, &path, &sealed).and_then(|()| folder.sync_all());
        written.map_err(|error| {
            // The next opening removes what cannot be removed now.
            let _ = std::fs::remove_file(&temporary);
            file_error("written", &path, error)
        })
    }

    /// Forgets what was stored under this name, if anything was.
    ///
    /// # Errors
    /// It is still there.
    pub fn remove(&self, name: &str) -> Result<(), VaultError> {
        let path = self.path(name, SEALED)?;
        let folder = self.lock()?;
        let removed = match std::fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.and_then(|()| folder.sync_all()),
        };
        removed.map_err(|error| file_error("removed", &path, error))
    }

    fn seal(&self, name: &str, content: &[u8]) -> Result<Vec<u8>, VaultError> {
        if content.len() > MAX_CONTENT {
            return Err(VaultError::TooLarge(content.len()));
        }
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| VaultError::Random)?;
        let mut body = content.to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(unique, associated(name), &mut body)
            .map_err(|_| VaultError::TooLarge(content.len()))?;
        Ok([&HEADER[..], &nonce, &body].concat())
    }

    fn unseal(&self, name: &str, mut bytes: Vec<u8>) -> Result<Vec<u8>, VaultError> {
        let damaged = || VaultError::Damaged(name.to_owned());
        let version = bytes.strip_prefix(MAGIC).and_then(<[u8]>::first).ok_or_else(damaged)?;
        if *version > VERSION {
            return Err(VaultError::Newer(name.to_owned()));
        }
        let start = HEADER.len() + NONCE_LEN;
        let nonce = bytes.get(HEADER.len()..start).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        if bytes[..HEADER.len()] != HEADER {
            return Err(damaged());
        }
        let body = &mut bytes[start..];
        let content = self.key.open_in_place(nonce, associated(name), body);
        Ok(content.map_err(|_| damaged())?.to_vec())
    }

    fn path(&self, name: &str, extension: &str) -> Result<PathBuf, VaultError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let is_name = (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(allowed);
        match is_name {
            true => Ok(self.directory.join(format!("{name}.{extension}"))),
            false => Err(VaultError::Name(name.chars().take(MAX_NAME).collect())),
        }
    }

    /// The open folder, whose lock says who may write; it is let go with it.
    fn lock(&self) -> Result<File, VaultError> {
        let folder = File::open(&self.directory);
        let locked = folder.and_then(|folder| {
            flock(&folder, FlockOperation::LockExclusive)?;
            Ok(folder)
        });
        locked.map_err(|error| file_error("locked", &self.directory, error))
    }

    fn remove_leftovers(&self) -> Result<(), VaultError> {
        let _folder = self.lock()?;
        let failed = |error| file_error("tidied", &self.directory, error);
        for entry in std::fs::read_dir(&self.directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == TEMPORARY) {
                std::fs::remove_file(&path).map_err(|error| file_error("removed", &path, error))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// The file is complete on the disk before it takes the other's place.
fn replace(temporary: &Path, path: &Path, sealed: &[u8]) -> io::Result<()> {
    match std::fs::remove_file(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(temporary)?;
    file.write_all(sealed)?;
    file.sync_all()?;
    std::fs::rename(temporary, path)
}

fn associated(name: &str) -> Aad<Vec<u8>> {
    Aad::from([&HEADER[..], name.as_bytes()].concat())
}

fn file_error(doing: &'static str, path: &Path, source: io::Error) -> VaultError {
    VaultError::File { doing, path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufRead;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    const KEY: [u8; 32] = [7; 32];
    const FOLDER: &str = "SIDETONE_TEST_VAULT";

    fn folder(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("sidetone-vault-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        path
    }

    /// Content number `n`: recognised whole, and big enough to be killed in.
    fn content(n: u32) -> Vec<u8> {
        n.to_be_bytes().repeat(40_000)
    }

    #[test]
    fn what_is_stored_is_had_back_after_a_restart_and_under_its_name_only() {
        let folder = folder("round");
        let vault = Vault::open(&folder, &KEY).unwrap();
        assert_eq!(vault.read("phone").unwrap(), None);
        vault.write("phone", b"one").unwrap();
        vault.write("phone", b"two").unwrap();
        vault.write("empty-0", b"").unwrap();
        let vault = Vault::open(&folder, &KEY).unwrap();
        assert_eq!(vault.read("phone").unwrap().as_deref(), Some(&b"two"[..]));
        assert_eq!(vault.read("empty-0").unwrap().as_deref(), Some(&b""[..]));
        std::fs::copy(folder.join("phone.sealed"), folder.join("other.sealed")).unwrap();
        assert!(
            matches!(vault.read("other"), Err(VaultError::Damaged(_))),
            "the name is sealed in"
        );
        vault.remove("phone").unwrap();
        vault.remove("phone").unwrap();
        assert_eq!(vault.read("phone").unwrap(), None);
    }

    #[test]
    fn names_and_sizes_are_limited() {
        let vault = Vault::open(&folder("limits"), &KEY).unwrap();
        for name in ["", "../key", "a/b", "A", "a.b", "é", &"a".repeat(33)] {
            assert!(matches!(vault.write(name, b""), Err(VaultError::Name(_))), "{name}");
            assert!(matches!(vault.read(name), Err(VaultError::Name(_))), "{name}");
        }
        vault.write(&"a".repeat(32), &vec![1; MAX_CONTENT]).unwrap();
        let more = vault.write("a", &vec![1; MAX_CONTENT + 1]);
        assert!(matches!(more, Err(VaultError::TooLarge(_))));
        let long = vec![0; 3 * MAX_CONTENT];
        std::fs::write(vault.path("a", SEALED).unwrap(), long).unwrap();
        assert!(matches!(vault.read("a"), Err(VaultError::Damaged(_))));
    }

    #[test]
    fn only_the_owner_can_read_and_nothing_is_in_clear() {
        let folder = folder("owner");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        let vault = Vault::open(&folder, &KEY).unwrap();
        vault.write("phone", b"swordfish").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let path = vault.path("phone", SEALED).unwrap();
        assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));
        let first = std::fs::read(&path).unwrap();
        assert!(!first.windows(9).any(|w| w == b"swordfish"));
        vault.write("phone", b"swordfish").unwrap();
        assert_ne!(std::fs::read(&path).unwrap()[5..17], first[5..17], "a fresh nonce each time");
        let shown = format!("{vault:?}");
        assert!(!shown.contains('7') || shown.contains(&std::process::id().to_string()), "{shown}");
        assert!(!shown.to_lowercase().contains("key"), "{shown}");
    }

    #[test]
    fn a_change_of_any_byte_is_found_and_so_is_another_key() {
        let folder = folder("tamper");
        let vault = Vault::open(&folder, &KEY).unwrap();
        vault.write("phone", b"what the phone saved").unwrap();
        let path = vault.path("phone", SEALED).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[at] ^= 1 << bit;
                std::fs::write(&path, &changed).unwrap();
                let found = vault.read("phone");
                let newer = at == MAGIC.len() && changed[at] > VERSION;
                let told = if newer {
                    matches!(found, Err(VaultError::Newer(_)))
                } else {
                    matches!(found, Err(VaultError::Damaged(_)))
                };
                assert!(told, "byte {at}, bit {bit}: {found:?}");
            }
            std::fs::write(&path, &whole[..at]).unwrap();
            assert!(matches!(vault.read("phone"), Err(VaultError::Damaged(_))), "cut at {at}");
        }
        std::fs::write(&path, &whole).unwrap();
        let other = Vault::open(&folder, &[8; 32]).unwrap();
        let told = other.read("phone").unwrap_err().to_string();
        assert!(told.contains("sign in again"), "{told}");
        assert!(vault.read("phone").unwrap().is_some());
    }

    #[test]
    fn a_write_that_fails_leaves_what_was_there() {
        let folder = folder("fails");
        let vault = Vault::open(&folder, &KEY).unwrap();
        vault.write("phone", b"old").unwrap();
        // A folder with something in it cannot be taken away like a file.
        let blocked = folder.join("phone.new");
        std::fs::create_dir(&blocked).unwrap();
        std::fs::write(blocked.join("x"), "x").unwrap();
        let failed = vault.write("phone", b"new").unwrap_err();
        assert!(matches!(failed, VaultError::File { doing: "written", .. }), "{failed}");
        assert_eq!(vault.read("phone").unwrap().as_deref(), Some(&b"old"[..]));
        std::fs::remove_dir_all(&blocked).unwrap();
        vault.write("phone", b"new").unwrap();
        assert_eq!(vault.read("phone").unwrap().as_deref(), Some(&b"new"[..]));
    }

    #[test]
    fn threads_that_write_at_once_each_leave_a_whole_file() {
        let folder = folder("threads");
        let vaults = [Vault::open(&folder, &KEY).unwrap(), Vault::open(&folder, &KEY).unwrap()];
        std::thread::scope(|scope| {
            for n in 0..8 {
                let vault = &vaults[n % 2];
                scope.spawn(move || {
                    for _ in 0..5 {
                        vault.write("phone", &content(n as u32)).unwrap();
                        let read = vault.read("phone").unwrap().unwrap();
                        assert!((0..8).any(|n| read == content(n)));
                    }
                });
            }
        });
    }

    /// Writes one number after another until it is killed, and says which are safe.
    #[test]
    #[ignore = "the child of the test below"]
    fn writer() {
        let Some(folder) = std::env::var_os(FOLDER) else { return };
        let vault = Vault::open(Path::new(&folder), &KEY).unwrap();
        let first = vault.read("phone").unwrap().map_or(0, |c| number(&c));
        let mut out = io::stdout();
        for n in first + 1.. {
            vault.write("phone", &content(n)).unwrap();
            writeln!(out, "\nsafe {n}").and_then(|()| out.flush()).unwrap();
        }
    }

    fn number(content: &[u8]) -> u32 {
        u32::from_be_bytes(content[..4].try_into().unwrap())
    }

    #[test]
    fn killed_at_any_moment_it_is_the_old_or_the_new() {
        let folder = folder("killed");
        let (mut kills, mut leftovers, mut random) = (0, 0, [0; 4]);
        while kills < 200 {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "vault::tests::writer", "--ignored", "--nocapture"])
                .env(FOLDER, &folder)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut lines = io::BufReader::new(child.stdout.take().unwrap()).lines();
            let safe = |line: io::Result<String>| {
                line.unwrap().strip_prefix("safe ").and_then(|n| n.parse::<u32>().ok())
            };
            let first = lines.find_map(safe).expect("it writes");
            SystemRandom::new().fill(&mut random).unwrap();
            std::thread::sleep(Duration::from_micros(u64::from(
                u32::from_be_bytes(random) % 4_000,
            )));
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            let last = lines.filter_map(safe).last().unwrap_or(first);
            leftovers += usize::from(folder.join("phone.new").exists());
            let vault = Vault::open(&folder, &KEY).unwrap();
            assert!(!folder.join("phone.new").exists(), "what was left is removed");
            let read = vault.read("phone").unwrap().expect("it was there");
            let n = number(&read);
            assert!(read == content(n), "a whole one");
            assert!(n == last || n == last + 1, "{n} after {last} was safe");
        }
        assert!(leftovers >= 10, "only {leftovers} of {kills} were killed within a write");
    }
}
