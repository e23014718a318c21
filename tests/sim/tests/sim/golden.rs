//! Ladders that are kept: compared byte for byte, written anew with `SIDETONE_BLESS=1`.

use std::path::PathBuf;

/// Holds a ladder against `tests/golden/<name>.txt`.
pub(crate) fn assert_golden(name: &str, title: &str, ladder: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../golden/{name}.txt"));
    let text = format!("{title}\n\n{ladder}");
    if std::env::var_os("SIDETONE_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "{} differs (SIDETONE_BLESS=1 writes it anew); the ladder is\n{text}",
        path.display()
    );
}
