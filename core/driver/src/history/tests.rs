//! The history on a real disk: there again after a restart, sealed, and whole wherever a process is killed.

use super::*;
use crate::tests::temporary;
use sidetone_phone::{CallId, Direction, EndReason, Now, Party, UnixTime};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const KEY: [u8; 32] = [5; 32];
const FOLDER: &str = "SIDETONE_TEST_HISTORY";

fn folder(name: &str) -> PathBuf {
    let folder = temporary(&format!("history-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

fn open(folder: &Path) -> Arc<CallHistory> {
    CallHistory::new(Some(Arc::new(Vault::open(folder, &KEY).unwrap())))
}

fn record(number: u128, now: Now) -> CallRecord {
    CallRecord {
        call: CallId(uuid::Uuid::from_u128(number)),
        direction: Direction::Incoming,
        remote: Party { name: Some("Margherita".to_owned()), uri: format!("sip:{number}@b") },
        queue: Some("Support".to_owned()),
        began: now.wall,
        answered: None,
        ended: now.wall,
        reason: EndReason::Cancelled,
    }
}

/// Everything that is kept, as numbers, latest first.
fn numbers(history: &History) -> Vec<u128> {
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = history.page(&HistoryFilter::default(), after, History::PAGE);
        found.extend(page.entries.iter().map(|entry| entry.record.call.0.as_u128()));
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

fn stored(folder: &Path) -> Vec<u128> {
    let vault = Vault::open(folder, &KEY).unwrap();
    numbers(&load(Some(&vault)).unwrap())
}

#[tokio::test]
async fn calls_are_there_after_a_restart_sealed_and_gone_when_cleared() {
    let folder = folder("restart");
    let history = open(&folder);
    for number in 1..=300 {
        history.record(record(number, clock::now())).await.unwrap();
    }
    drop(history);
    let history = open(&folder);
    let found = history.page(HistoryFilter::default(), None, 200).await.unwrap();
    assert_eq!(found.entries.len(), 200);
    assert_eq!(found.entries[0].record.call.0.as_u128(), 300);
    for file in std::fs::read_dir(&folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(10).any(|w| w == b"Margherita"), "nothing is in clear");
    }
    let revision = history.clear().await.unwrap();
    let empty = history.page(HistoryFilter::default(), None, 10).await.unwrap();
    assert_eq!((empty.entries.len(), empty.revision), (0, revision));
    assert_eq!(stored(&folder), [0; 0]);
}

#[tokio::test]
async fn without_a_vault_the_calls_of_this_process_are_known() {
    let history = CallHistory::new(None);
    history.record(record(1, clock::now())).await.unwrap();
    assert_eq!(history.page(HistoryFilter::default(), None, 10).await.unwrap().entries.len(), 1);
}

#[tokio::test]
async fn a_damaged_file_costs_its_own_calls_and_no_others() {
    let folder = folder("damaged");
    let history = open(&folder);
    for number in 1..=300 {
        history.record(record(number, clock::now())).await.unwrap();
    }
    std::fs::write(folder.join("history-0.sealed"), b"SDTV rubbish").unwrap();
    let history = open(&folder);
    history.record(record(301, clock::now())).await.unwrap();
    let left = stored(&folder);
    assert_eq!((left.len(), left[0]), (46, 301), "those from 256 on are in another file");
}

#[test]
fn cut_short_at_any_byte_of_its_write_it_is_the_old_or_the_new() {
    let folder = folder("cut");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for number in 1..=3 {
        runtime.block_on(open(&folder).record(record(number, clock::now()))).unwrap();
    }
    let sealed = folder.join("history-0.sealed");
    let old = std::fs::read(&sealed).unwrap();
    runtime.block_on(open(&folder).record(record(4, clock::now()))).unwrap();
    let new = std::fs::read(&sealed).unwrap();
    for length in 0..=new.len() {
        // The vault writes beside the old file, and puts the new one in its place when it is whole.
        std::fs::write(&sealed, &old).unwrap();
        std::fs::write(folder.join("history-0.new"), &new[..length]).unwrap();
        assert_eq!(stored(&folder), [3, 2, 1], "killed after {length} bytes");
    }
    std::fs::write(&sealed, &new).unwrap();
    assert_eq!(stored(&folder), [4, 3, 2, 1], "killed after the new took its place");
}

/// Keeps one call after another until it is killed, and says which are safe.
#[test]
#[ignore = "the child of the test below"]
fn keeper() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let first = stored(Path::new(&folder)).first().copied().unwrap_or_default();
    let history = open(Path::new(&folder));
    let mut out = std::io::stdout();
    for number in first + 1.. {
        runtime.block_on(history.record(record(number, clock::now()))).unwrap();
        writeln!(out, "\nsafe {number}").and_then(|()| out.flush()).unwrap();
    }
}

#[test]
fn killed_at_any_moment_it_has_every_call_that_was_safe_and_at_most_one_more() {
    let folder = folder("killed");
    let (mut leftovers, mut total) = (0, 0);
    // Not far from the end of the first file.
    let vault = Vault::open(&folder, &KEY).unwrap();
    let mut before = History::default();
    for number in 1..=250 {
        let changes = before.add(record(number, clock::now()), clock::now());
        if number == 250 {
            store(Some(&vault), changes).unwrap();
        }
    }
    for kill in 0..60u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "history::tests::keeper", "--ignored", "--nocapture"])
            .env(FOLDER, &folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let safe = |line: std::io::Result<String>| {
            line.unwrap().strip_prefix("safe ").and_then(|n| n.parse::<u128>().ok())
        };
        let first = lines.find_map(safe).expect("it keeps calls");
        std::thread::sleep(Duration::from_micros(kill * 7_919 % 10_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let last = lines.filter_map(safe).last().unwrap_or(first);
        let is_cut = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.unwrap().path().extension().is_some_and(|extension| extension == "new")
        };
        leftovers += usize::from(std::fs::read_dir(&folder).unwrap().any(is_cut));
        let found = stored(&folder);
        total = found[0];
        assert!(total == last || total == last + 1, "{total} after {last} was safe");
        assert_eq!(found, (1..=total).rev().collect::<Vec<_>>(), "none is missing, none is twice");
    }
    assert!(total > 256, "more than one file was written: {total}");
    assert!(leftovers >= 3, "only {leftovers} of 60 were killed within a write");
}

/// Who was called long ago is forgotten on the disk too.
#[test]
fn what_is_too_old_is_taken_from_the_disk_when_it_is_read() {
    let folder = folder("old");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let history = open(&folder);
    let now = clock::now();
    let long_ago =
        Now { wall: UnixTime(now.wall.0 - History::OLDEST - Duration::from_secs(9)), ..now };
    let mut old = History::default();
    let changes = (1..=300).flat_map(|n| old.add(record(n, long_ago), long_ago)).collect();
    store(history.vault.as_deref(), changes).unwrap();
    let page = runtime.block_on(history.page(HistoryFilter::default(), None, 10)).unwrap();
    assert_eq!(page.entries, []);
    let size = |slot: u32| {
        std::fs::metadata(folder.join(format!("history-{slot}.sealed"))).map_or(0, |m| m.len())
    };
    assert!(size(0) == 0 && size(1) < 100, "{} {}", size(0), size(1));
}

/// What a list pays for a full history, as `cargo test -p sidetone-driver ten_thousand -- --nocapture` prints it.
#[tokio::test]
async fn ten_thousand_calls_are_found_while_one_types() {
    let folder = folder("many");
    let vault = Vault::open(&folder, &KEY).unwrap();
    let (mut full, now) = (History::default(), clock::now());
    let mut latest = std::collections::BTreeMap::new();
    for number in 1..=10_000 {
        for change in full.add(record(number, now), now) {
            let Change::Write(slot, segment) = change else { panic!("nothing is too old") };
            latest.insert(slot, segment);
        }
    }
    let writes = latest.into_iter().map(|(slot, segment)| Change::Write(slot, segment)).collect();
    store(Some(&vault), writes).unwrap();
    let history = open(&folder);
    let text = |text: &str| HistoryFilter { text: text.to_owned(), outcome: None };
    let mut times = Vec::new();
    for (what, filter) in [
        ("the first page, read from the disk", text("")),
        ("a page", text("")),
        ("digits that all have", text("1")),
        ("digits that one has", text("9999")),
        ("a name that none has", text("nobody")),
        ("accents that all match", text("Märghérita")),
    ] {
        let began = std::time::Instant::now();
        let page = history.page(filter, None, 50).await.unwrap();
        times.push(began.elapsed());
        println!("{what}: {:?}, {} found", began.elapsed(), page.entries.len());
    }
    let began = std::time::Instant::now();
    history.record(record(10_001, now)).await.unwrap();
    println!("one more call, on the disk: {:?}", began.elapsed());
    // Far above what it takes, for a machine that does other things.
    assert!(times[1..].iter().all(|time| *time < Duration::from_millis(100)), "{times:?}");
}
