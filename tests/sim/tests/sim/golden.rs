//! Ladders that are kept: compared byte for byte, written anew with `SIDETONE_BLESS=1`; and the page
//! of the docs that is made of them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Holds a ladder against `tests/golden/<name>.txt`.
pub(crate) fn assert_golden(name: &str, title: &str, ladder: &str) {
    assert_kept(
        &repository().join(format!("tests/golden/{name}.txt")),
        &format!("{title}\n\n{ladder}"),
    );
}

/// A second run writes the page of what the first one blessed.
#[test]
fn the_ladders_stand_in_the_docs() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(repository().join("tests/golden"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    let mut page = PREFACE.to_owned();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let (title, ladder) = text.split_once("\n\n").unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().replace('-', " ");
        write!(page, "\n## {name}\n\n{title}\n\n```\n{}\n```\n", ladder.trim_end()).unwrap();
    }
    assert_kept(&repository().join("docs/journeys.md"), &page);
}

const PREFACE: &str = "\
# Journeys

What phones and a server say to each other, made by the tests in virtual time: seconds on the left, what was asked of a
phone (`*`) and what it told (`!`) between the messages. The files stand in `tests/golden`; a change of one is a change of behaviour.
";

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn assert_kept(path: &Path, text: &str) {
    if std::env::var_os("SIDETONE_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == text,
        "{} differs (SIDETONE_BLESS=1 writes it anew); it is\n{text}",
        path.display()
    );
}
