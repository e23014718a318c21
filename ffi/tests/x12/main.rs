//! No call of the app waits for the network, a device or another thread, and nothing that an app frees,
//! drops or cancels at a bad moment does harm.
//!
//! Futures are polled here as the bindings poll them: from the caller's threads, by hand.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may fail by panic and speak")]

mod bench;
mod hammer;
mod hung;

use bench::{NeverAnswers, announcement, config, eventually, log_to, media_threads, threads_named};
use hammer::{poll_once, wait};
use sidetone_ffi::{
    CommandError, Event, Handover, Intent, LogLevel, LogLine, LogSink, LogSinkError, Phone,
    RegistrationState, Vault, VaultError,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Tests here look at the threads and the one log of this process: one at a time.
pub(crate) static ALONE: Mutex<()> = Mutex::new(());

pub(crate) fn alone() -> std::sync::MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
fn a_command_whose_caller_has_gone_is_carried_out() {
    let _alone = alone();
    let server = NeverAnswers::tls();
    let phone = wait(Phone::start(config(&server.url()), None)).unwrap();
    // Polled once, then dropped, as a cancelled coroutine does.
    poll_once(phone.sign_in());
    eventually("the phone connects", || {
        phone.snapshot().registration.state == RegistrationState::Registering
    });
    wait(phone.shutdown());
}

#[test]
fn commands_reach_the_phone_in_the_order_of_the_calls() {
    let _alone = alone();
    let server = NeverAnswers::tls();
    let phone = wait(Phone::start(config(&server.url()), None)).unwrap();
    for _ in 0..50 {
        // What was left at the desk first is done first, though nobody waits for it.
        poll_once(phone.sign_in());
        phone.network_changed(Handover::BreakBeforeMake);
        wait(phone.sign_out()).unwrap();
        let state = phone.snapshot().registration.state;
        assert_eq!(state, RegistrationState::Unregistered);
    }
    wait(phone.shutdown());
}

#[test]
fn a_phone_that_is_let_go_ends_and_frees_its_threads() {
    let _alone = alone();
    let server = NeverAnswers::tls();
    let phones: Vec<_> =
        (0..8).map(|_| wait(Phone::start(config(&server.url()), None)).unwrap()).collect();
    for phone in &phones {
        wait(phone.sign_in()).unwrap();
    }
    assert_eq!(media_threads(), 8);
    eventually("all are connected", || server.open() == 8);
    drop(phones);
    eventually("all connections are closed", || server.open() == 0);
    eventually("no media thread is left", || media_threads() == 0);
}

#[test]
fn a_start_whose_caller_has_gone_leaves_nothing_behind() {
    let _alone = alone();
    for _ in 0..8 {
        poll_once(Phone::start(config("wss://127.0.0.1:9/ws"), None));
    }
    // The opening itself runs to its end; then nobody wants the phone.
    eventually("no media thread is left", || media_threads() == 0);
}

#[test]
fn pending_calls_end_well_where_the_phone_is_let_go_under_them() {
    let _alone = alone();
    let server = NeverAnswers::tls();
    for round in 0..20 {
        let phone = wait(Phone::start(config(&server.url()), None)).unwrap();
        wait(phone.sign_in()).unwrap();
        let readers: Vec<_> = (0..4)
            .map(|reader| {
                let phone = Arc::clone(&phone);
                std::thread::spawn(move || match reader {
                    0 => while !wait(phone.events(0)).ended {},
                    1 => while !wait(phone.next_snapshot(u64::MAX)).ended {},
                    2 => wait(phone.shutdown()),
                    _ => {
                        // Either before the end or after it: an answer comes.
                        let outcome = wait(phone.sign_out());
                        assert!(matches!(outcome, Ok(()) | Err(CommandError::Ended { .. })));
                    }
                })
            })
            .collect();
        if round % 2 == 0 {
            drop(phone);
        } else {
            std::thread::sleep(Duration::from_millis(5));
            drop(phone);
        }
        for reader in readers {
            reader.join().unwrap();
        }
    }
    eventually("no media thread is left", || media_threads() == 0);
}

#[test]
fn after_the_end_every_call_answers_that_it_is_over() {
    let _alone = alone();
    let phone = wait(Phone::start(config("wss://127.0.0.1:9/ws"), None)).unwrap();
    wait(phone.shutdown());
    wait(phone.shutdown());
    assert!(matches!(wait(phone.sign_in()), Err(CommandError::Ended { .. })));
    assert!(matches!(wait(phone.dial("600".into(), None)), Err(CommandError::Ended { .. })));
    phone.network_changed(Handover::BreakBeforeMake);
    eventually("the last snapshot says so", || phone.snapshot().ended);
    let last = wait(phone.next_snapshot(phone.snapshot().revision));
    assert!(last.ended);
    let page = wait(phone.events(0));
    assert!(page.ended && page.lost == 0, "{page:?}");
}

#[test]
fn a_decision_finds_the_call_that_was_announced_before_it() {
    let _alone = alone();
    let server = NeverAnswers::tls();
    let phone = wait(Phone::start(config(&server.url()), None)).unwrap();
    wait(phone.sign_in()).unwrap();
    for number in 1..=100u128 {
        let announcement = announcement(number);
        let call = announcement.call;
        phone.announced(announcement);
        wait(phone.answer(call)).unwrap();
        let shown = phone.snapshot();
        let shown = shown.calls.iter().find(|shown| shown.id == call).unwrap();
        assert_eq!(shown.intent, Some(Intent::Answer));
        wait(phone.hang_up(call)).unwrap();
    }
    wait(phone.shutdown());
}

#[test]
fn a_vault_keeps_what_it_is_given_and_says_what_is_wrong() {
    let folder = std::env::temp_dir().join(format!("sidetone-vault-{}", std::process::id()));
    let open = |key: u8| Vault::open(folder.display().to_string(), vec![key; 32]);
    let vault = wait(open(1)).unwrap();
    assert_eq!(wait(vault.read("note".into())).unwrap(), None);
    wait(vault.write("note".into(), b"hello".to_vec())).unwrap();
    assert_eq!(wait(vault.read("note".into())).unwrap(), Some(b"hello".to_vec()));
    let other = wait(open(2)).unwrap();
    assert!(matches!(wait(other.read("note".into())), Err(VaultError::Damaged { .. })));
    assert!(matches!(wait(vault.read("../note".into())), Err(VaultError::Name { .. })));
    let large = vec![0; 2 * 1024 * 1024];
    assert!(matches!(wait(vault.write("note".into(), large)), Err(VaultError::TooLarge { .. })));
    wait(vault.remove("note".into())).unwrap();
    assert_eq!(wait(vault.read("note".into())).unwrap(), None);
    let short = Vault::open(folder.display().to_string(), vec![1; 31]);
    assert!(matches!(wait(short), Err(VaultError::Key { .. })));
    let nowhere = Vault::open("/proc/no-vault-can-be-here".into(), vec![1; 32]);
    assert!(matches!(wait(nowhere), Err(VaultError::Storage { .. })));
    std::fs::remove_dir_all(folder).unwrap();
}

/// A sink that does all that it should not.
struct Rude {
    phone: Mutex<Option<Arc<Phone>>>,
    lines: AtomicUsize,
}

impl LogSink for Rude {
    fn write(&self, _line: LogLine) -> Result<(), LogSinkError> {
        self.lines.fetch_add(1, Ordering::Relaxed);
        let phone = self.phone.lock().unwrap().clone();
        if let Some(phone) = phone {
            phone.snapshot();
            phone.network_changed(Handover::BreakBeforeMake);
            poll_once(phone.events(0));
            // Waits inside the callback for what the phone's own task must do.
            let _ = wait(phone.sign_in());
        }
        std::thread::sleep(Duration::from_millis(20));
        Err(LogSinkError::NotTaken { text: "I never take anything".to_owned() })
    }
}

#[test]
fn a_sink_may_call_back_block_throw_and_free_the_phone() {
    let _alone = alone();
    let server = NeverAnswers::tls();
    let phone = wait(Phone::start(config(&server.url()), None)).unwrap();
    let rude = Arc::new(Rude { phone: Mutex::new(None), lines: AtomicUsize::new(0) });
    log_to(&rude, LogLevel::Trace);
    *rude.phone.lock().unwrap() = Some(Arc::clone(&phone));
    for _ in 0..5_000 {
        log::info!(target: "sidetone_test", "a line");
    }
    let began = Instant::now();
    for _ in 0..100 {
        wait(phone.sign_in()).unwrap();
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(1), "100 commands beside a slow sink took {took:?}");
    eventually("the sink is called", || rude.lines.load(Ordering::Relaxed) > 3);

    // The last reference is the sink's: the phone is freed in the middle of its callback.
    drop(phone);
    let last = rude.phone.lock().unwrap().take();
    drop(last);
    log_to(&rude, LogLevel::Off);
    eventually("the phone has ended", || media_threads() == 0);
}

/// A sink that frees the phone in its callback.
struct Frees(Mutex<Option<Arc<Phone>>>);

impl LogSink for Frees {
    fn write(&self, _line: LogLine) -> Result<(), LogSinkError> {
        drop(self.0.lock().unwrap().take());
        Ok(())
    }
}

#[test]
fn the_last_reference_may_go_inside_a_callback() {
    let _alone = alone();
    let server = NeverAnswers::tls();
    for _ in 0..10 {
        let phone = wait(Phone::start(config(&server.url()), None)).unwrap();
        wait(phone.sign_in()).unwrap();
        let frees = Arc::new(Frees(Mutex::new(Some(phone))));
        log_to(&frees, LogLevel::Info);
        log::info!(target: "sidetone_test", "free it");
        eventually("the phone is freed", || frees.0.lock().unwrap().is_none());
        log_to(&frees, LogLevel::Off);
    }
    eventually("all connections are closed", || server.open() == 0);
    assert_eq!(threads_named("sidetone-log"), 1);
}

#[test]
fn what_happened_can_be_read_by_two_and_again() {
    let _alone = alone();
    let phone = wait(Phone::start(config("wss://127.0.0.1:9/ws"), None)).unwrap();
    wait(phone.sign_in()).unwrap();
    let first = wait(phone.events(0));
    let second = wait(phone.events(0));
    assert!(second.events.starts_with(&first.events));
    let registering = |event: &Event| {
        matches!(event, Event::RegistrationChanged { registration }
            if registration.state == RegistrationState::Registering)
    };
    assert!(first.events.iter().any(|numbered| registering(&numbered.event)), "{first:?}");
    wait(phone.shutdown());
}
