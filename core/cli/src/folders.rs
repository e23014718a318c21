//! The user's folders (XDG Base Directory Specification).

use std::path::PathBuf;

/// The user's folder of a kind, `sidetone` in it.
pub(crate) fn user_folder(variable: &str, below_home: &str) -> PathBuf {
    let base = std::env::var_os(variable).filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map_or_else(|| PathBuf::from("."), PathBuf::from);
    base.unwrap_or_else(|| home().join(below_home)).join("sidetone")
}
