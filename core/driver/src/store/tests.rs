//! The history and the messages on a real disk: there again after a restart, sealed, and whole wherever a process is killed.

use super::*;
use crate::tests::temporary;
use sidetone_phone::{CallId, Direction, EndReason, History, MessageLog, Now, Party, UnixTime};
use std::collections::BTreeSet;
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
    stores(folder).history
}

fn stores(folder: &Path) -> Stores {
    Stores::new(Some(&Arc::new(Vault::open(folder, &KEY).unwrap())))
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
        history.add(record(number, clock::now())).await.unwrap();
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
    let history = Stores::new(None).history;
    history.add(record(1, clock::now())).await.unwrap();
    assert_eq!(history.page(HistoryFilter::default(), None, 10).await.unwrap().entries.len(), 1);
}

#[tokio::test]
async fn a_damaged_file_costs_its_own_calls_and_no_others() {
    let folder = folder("damaged");
    let history = open(&folder);
    for number in 1..=300 {
        history.add(record(number, clock::now())).await.unwrap();
    }
    std::fs::write(folder.join("history-0.sealed"), b"SDTV rubbish").unwrap();
    let history = open(&folder);
    history.add(record(301, clock::now())).await.unwrap();
    let left = stored(&folder);
    assert_eq!((left.len(), left[0]), (46, 301), "those from 256 on are in another file");
}

#[test]
fn cut_short_at_any_byte_of_its_write_it_is_the_old_or_the_new() {
    let folder = folder("cut");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for number in 1..=3 {
        runtime.block_on(open(&folder).add(record(number, clock::now()))).unwrap();
    }
    let sealed = folder.join("history-0.sealed");
    let old = std::fs::read(&sealed).unwrap();
    runtime.block_on(open(&folder).add(record(4, clock::now()))).unwrap();
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

/// The folder of a child's test, where this is one, and how it says that something is safe.
fn child() -> Option<(PathBuf, impl FnMut(u128))> {
    let folder = std::env::var_os(FOLDER)?;
    let mut out = std::io::stdout();
    let safe = move |number: u128| {
        writeln!(out, "\nsafe {number}").and_then(|()| out.flush()).unwrap();
    };
    Some((PathBuf::from(folder), safe))
}

/// Runs this test as a child again and again, kills it at some moment of its writes, and has what it left looked at, with
/// the last that it called safe.
fn kill_again_and_again(child: &str, folder: &Path, mut look: impl FnMut(u128)) {
    let mut leftovers = 0;
    for kill in 0..60u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("store::tests::{child}"), "--ignored", "--nocapture"])
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let safe = |line: std::io::Result<String>| {
            line.unwrap().strip_prefix("safe ").and_then(|n| n.parse::<u128>().ok())
        };
        let first = lines.find_map(safe).expect("it keeps something");
        std::thread::sleep(Duration::from_micros(kill * 7_919 % 10_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let last = lines.filter_map(safe).last().unwrap_or(first);
        let is_cut = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.unwrap().path().extension().is_some_and(|extension| extension == "new")
        };
        leftovers += usize::from(std::fs::read_dir(folder).unwrap().any(is_cut));
        look(last);
    }
    assert!(leftovers >= 3, "only {leftovers} of 60 were killed within a write");
}

/// Keeps one call after another until it is killed, and says which are safe.
#[test]
#[ignore = "the child of the test below"]
fn keeper() {
    let Some((folder, mut safe)) = child() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let first = stored(&folder).first().copied().unwrap_or_default();
    let history = open(&folder);
    for number in first + 1.. {
        runtime.block_on(history.add(record(number, clock::now()))).unwrap();
        safe(number);
    }
}

#[test]
fn killed_at_any_moment_it_has_every_call_that_was_safe_and_at_most_one_more() {
    let folder = folder("killed");
    // Not far from the end of the first file.
    let vault = Vault::open(&folder, &KEY).unwrap();
    let mut before = History::default();
    for number in 1..=250 {
        let changes = before.add(record(number, clock::now()), clock::now());
        if number == 250 {
            store(Some(&vault), changes).unwrap();
        }
    }
    let mut total = 0;
    kill_again_and_again("keeper", &folder, |last| {
        let found = stored(&folder);
        total = found[0];
        assert!(total == last || total == last + 1, "{total} after {last} was safe");
        assert_eq!(found, (1..=total).rev().collect::<Vec<_>>(), "none is missing, none is twice");
    });
    assert!(total > 256, "more than one file was written: {total}");
}

fn message(number: u128, state: MessageState) -> TextMessage {
    TextMessage {
        id: MessageId(uuid::Uuid::from_u128(number)),
        party: Party { name: Some("Margherita".to_owned()), uri: "sip:ref-7f3a@b".to_owned() },
        text: format!("secret {number}"),
        at: clock::now().wall,
        state,
    }
}

/// The messages on the disk, latest first.
fn messages_of(folder: &Path) -> Vec<TextMessage> {
    let vault = Vault::open(folder, &KEY).unwrap();
    let log: MessageLog = load(Some(&vault)).unwrap();
    let mut found: Vec<TextMessage> = Vec::new();
    loop {
        let page = log.page(found.last().map(|message| message.id), MessageLog::PAGE);
        found.extend(page.messages);
        if !page.more {
            return found;
        }
    }
}

#[tokio::test]
async fn messages_are_there_after_a_restart_sealed_beside_the_calls_and_gone_when_cleared() {
    let folder = folder("messages");
    let Stores { history, messages } = stores(&folder);
    history.add(record(1, clock::now())).await.unwrap();
    for number in 1..=100 {
        messages.add(message(number, MessageState::Received)).await.unwrap();
    }
    messages.add(message(101, MessageState::Sending)).await.unwrap();
    messages.add(message(102, MessageState::Sending)).await.unwrap();
    messages.mark(MessageId(uuid::Uuid::from_u128(101)), MessageState::Accepted).await.unwrap();
    drop((history, messages));
    let Stores { history, messages } = stores(&folder);
    let first = messages.page(None, 2).await.unwrap();
    let states: Vec<_> = first.messages.iter().map(|message| message.state).collect();
    assert_eq!(states, [MessageState::Uncertain, MessageState::Accepted]);
    let rest = messages.page(Some(first.messages[1].id), 200).await.unwrap();
    assert_eq!((rest.messages.len(), rest.more), (100, false));
    assert_eq!(rest.messages[0].party.uri, "sip:ref-7f3a@b", "a reference stays one");
    for file in std::fs::read_dir(&folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let in_clear = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        assert!(!in_clear(b"secret") && !in_clear(b"Margherita"));
    }
    messages.clear().await.unwrap();
    assert_eq!(messages_of(&folder), []);
    let calls = history.page(HistoryFilter::default(), None, 10).await.unwrap();
    assert_eq!(calls.entries.len(), 1, "the calls are others");
}

/// Sends one message after another until it is killed, and says which are delivered.
#[test]
#[ignore = "the child of the test below"]
fn writer() {
    let Some((folder, mut safe)) = child() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let first = messages_of(&folder).first().map_or(0, |message| message.id.0.as_u128());
    let messages = stores(&folder).messages;
    for number in first + 1.. {
        let message = message(number, MessageState::Sending);
        let id = message.id;
        runtime.block_on(messages.add(message)).unwrap();
        runtime.block_on(messages.mark(id, MessageState::Delivered)).unwrap();
        safe(number);
    }
}

#[test]
fn killed_at_any_moment_what_is_known_of_each_message_is_known_after_it() {
    let folder = folder("killed-messages");
    let (mut total, mut uncertain, mut cut) = (0, 0, BTreeSet::new());
    kill_again_and_again("writer", &folder, |last| {
        let found = messages_of(&folder);
        let numbers: Vec<_> = found.iter().map(|message| message.id.0.as_u128()).collect();
        total = numbers[0];
        assert!(total == last || total == last + 1, "{total} after {last} was safe");
        assert_eq!(numbers, (1..=total).rev().collect::<Vec<_>>(), "none is missing or twice");
        uncertain += usize::from(found[0].state == MessageState::Uncertain);
        // What this kill came upon goes on as it is.
        cut.extend(last + 1..=total);
        for message in found {
            let is_known = message.state == MessageState::Delivered;
            assert!(is_known || cut.contains(&message.id.0.as_u128()), "{message:?}, {last} safe");
        }
    });
    assert!(total > 64, "more than one file was written: {total}");
    assert!(uncertain > 0, "some were killed between the message and what became of it");
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
    history.add(record(10_001, now)).await.unwrap();
    println!("one more call, on the disk: {:?}", began.elapsed());
    // Far above what it takes, for a machine that does other things.
    assert!(times[1..].iter().all(|time| *time < Duration::from_millis(100)), "{times:?}");
}
