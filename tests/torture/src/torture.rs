//! Each message of RFC 4475 (SIP torture tests) and RFC 5118 (IPv6) with its section's verdict.
//!
//! `messages/` holds a message of our own for each point that the RFCs make. The RFCs' own bytes are
//! read from `../shared/torture` beside the repository, or from the directory that
//! `SIDETONE_TORTURE` names; without them the test says so and the messages of our own remain.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "all of this is a test: what is missing is a failure, what is said is its report"
)]

mod case;
#[path = "../../../fuzz/invariants.rs"]
mod invariants;
mod mutation;
#[path = "../../../fuzz/phone/mod.rs"]
mod phone;
mod rfc4475;
mod rfc5118;

use case::{Case, Verdict};
use std::{fs, path::Path, path::PathBuf};

/// Cases that are not right yet, each with its reason. One that becomes right must leave the list.
const NOT_YET_RIGHT: &[(&str, &str)] = &[];

#[test]
fn messages_of_our_own_get_the_verdicts_of_rfc_4475() {
    judge(&own_messages().join("rfc4475"), rfc4475::CASES, |case| case.own);
}

#[test]
fn messages_of_our_own_get_the_verdicts_of_rfc_5118() {
    judge(&own_messages().join("rfc5118"), rfc5118::CASES, |case| case.own);
}

#[test]
fn the_messages_of_rfc_4475_get_its_verdicts() {
    if let Some(directory) = rfc_messages("rfc4475") {
        judge(&directory, rfc4475::CASES, |case| case.rfc);
    }
}

#[test]
fn the_messages_of_rfc_5118_get_its_verdicts() {
    if let Some(directory) = rfc_messages("rfc5118") {
        judge(&directory, rfc5118::CASES, |case| case.rfc);
    }
}

#[test]
fn each_message_has_its_case_and_each_case_its_message() {
    for (rfc, cases, count) in [("rfc4475", rfc4475::CASES, 49), ("rfc5118", rfc5118::CASES, 12)] {
        let mut named: Vec<_> = cases.iter().map(|case| format!("{}.dat", case.name)).collect();
        named.sort();
        assert_eq!(named.len(), count);
        for directory in [Some(own_messages().join(rfc)), rfc_messages(rfc)].into_iter().flatten() {
            let there: Vec<_> = files(&directory).into_iter().map(|(name, _)| name).collect();
            assert_eq!(there, named, "{}", directory.display());
        }
    }
}

#[test]
fn the_fuzzing_corpus_keeps_the_invariants() {
    let corpus = repository().join("fuzz/corpus");
    for (target, check) in [
        ("message", invariants::message as fn(&[u8])),
        ("sdp", invariants::sdp),
        ("push", invariants::push),
        ("phone", phone::play),
    ] {
        let seeds = files(&corpus.join(target));
        assert!(!seeds.is_empty(), "no corpus for {target}");
        for (name, bytes) in seeds {
            println!("{target}/{name}");
            check(&bytes);
        }
    }
}

/// Judges all cases and reports all that are wrong at once.
fn judge(directory: &Path, cases: &[Case], expected: fn(&Case) -> &'static str) {
    let mut wrong = Vec::new();
    for case in cases {
        let path = directory.join(format!("{}.dat", case.name));
        let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        invariants::message(&bytes);
        let (verdict, read) = case.judge(&bytes);
        let expected = (case.verdict, expected(case).to_owned());
        let listed = NOT_YET_RIGHT.iter().find(|(name, _)| *name == case.name);
        match (listed, (verdict, read) == expected) {
            (None, true) => {}
            (Some((name, why)), false) => println!("{name} is not right yet: {why}"),
            (Some((name, _)), true) => wrong.push(format!("{name} is right: take it off the list")),
            (None, false) => {
                let (verdict, read) = case.judge(&bytes);
                wrong.push(format!(
                    "{} (§{}): {verdict:?}, read\n   {read}\n  where it should be {:?},\n   {}",
                    case.name, case.section, expected.0, expected.1
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn own_messages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("messages")
}

/// Where the RFC's own bytes are, if they are.
fn rfc_messages(rfc: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SIDETONE_TORTURE")
        .map_or_else(|| repository().join("../shared/torture"), PathBuf::from);
    let directory = root.join(rfc);
    if directory.is_dir() {
        return Some(directory);
    }
    println!("{} is not there: the RFC's own bytes are not tested", directory.display());
    None
}

/// The messages in a directory, by name.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let entries =
        fs::read_dir(directory).unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())
        })
        .filter(|(name, _)| !name.starts_with('.'))
        .collect();
    files.sort();
    files
}

/// Every message of our own, for the mutations.
fn all_own_messages() -> Vec<(String, Vec<u8>)> {
    ["rfc4475", "rfc5118"].iter().flat_map(|rfc| files(&own_messages().join(rfc))).collect()
}

/// What may be done with a message that came from the network.
fn verdict(bytes: &[u8]) -> (Verdict, Option<sidetone_sip::Message>) {
    use sidetone_sip::Message;
    const TAG: &str = "t1";
    match Message::parse(bytes) {
        Err(error) => match Message::rejection(bytes, &error, TAG) {
            Some(response) => (Verdict::Answer(response.status.code()), None),
            None => (Verdict::Drop, None),
        },
        Ok(Message::Request(request)) => match request.rejection(&["replaces", "timer"], TAG) {
            Some(response) => (Verdict::Answer(response.status.code()), Some(request.into())),
            None => (Verdict::Accept, Some(request.into())),
        },
        Ok(message) => match message.validate() {
            Ok(()) => (Verdict::Accept, Some(message)),
            Err(_) => (Verdict::Drop, Some(message)),
        },
    }
}
