//! Eight threads call everything while DNS or TLS hangs: each call is back within 5 ms.

use crate::alone;
use crate::bench::{NeverAnswers, config, eventually, log_to, media_threads};
use crate::hammer::{Worst, poll_once, wait};
use sidetone_ffi::{
    CallId, DeclineReason, Handover, LogLevel, LogLine, LogSink, LogSinkError, Phone,
    RegistrationState, Vault, announce,
};
use std::net::UdpSocket;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_millis(5);
const THREADS: usize = 8;
const ROUND: Duration = Duration::from_secs(2);
/// A machine under load lets a thread wait for a lock whose holder does not run. What waits for the
/// network waits in every round.
const ROUNDS: usize = 5;

#[test]
fn every_call_is_back_at_once_while_tls_hangs() {
    let _alone = alone();
    let server = NeverAnswers::tls();
    hammer("TLS that never answers", &server.url(), || server.open() > 0);
}

#[test]
fn every_call_is_back_at_once_while_dns_hangs() {
    let _alone = alone();
    if std::env::var_os(HUNG).is_some() {
        // The system asks this socket, which never answers.
        let socket = UdpSocket::bind("127.0.0.77:53").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let asked = Mutex::new(false);
        hammer("DNS that never answers", "wss://pbx.example.com:8089/ws", || {
            let mut asked = asked.lock().unwrap();
            *asked |= socket.recv(&mut [0; 512]).is_ok();
            *asked
        });
        return;
    }
    // In a mount namespace of its own, with another resolv.conf.
    let script = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
    let folder = std::env::temp_dir().join(format!("sidetone-x12-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let conf = folder.join("resolv.conf");
    std::fs::write(&conf, "nameserver 127.0.0.77\n").unwrap();
    let mut child = Command::new("unshare");
    child.args(["-m", "sh", "-c", script]).arg(&conf).arg(std::env::current_exe().unwrap());
    child.args(["--exact", "hung::every_call_is_back_at_once_while_dns_hangs", "--nocapture"]);
    let is_possible = Command::new("unshare").args(["-m", "true"]).status();
    if !is_possible.is_ok_and(|status| status.success()) {
        eprintln!("skipped: a name server that never answers (needs root)");
        return;
    }
    let status = child.env(HUNG, "1").arg0("unshare").status().unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    assert!(status.success());
}

const HUNG: &str = "SIDETONE_TEST_HUNG_DNS";

/// Calls back into the phone from the log.
struct CallsBack(Mutex<Option<Arc<Phone>>>);

impl LogSink for CallsBack {
    fn write(&self, _line: LogLine) -> Result<(), LogSinkError> {
        if let Some(phone) = &*self.0.lock().unwrap() {
            phone.snapshot();
        }
        Ok(())
    }
}

fn hammer(what: &str, server: &str, is_hung: impl Fn() -> bool) {
    let phone = wait(Phone::start(config(server), None)).unwrap();
    let sink = Arc::new(CallsBack(Mutex::new(Some(Arc::clone(&phone)))));
    log_to(&sink, LogLevel::Trace);
    wait(phone.sign_in()).unwrap();
    eventually("the server is asked", is_hung);

    let mut best = Duration::MAX;
    for round in 1..=ROUNDS {
        let worst = round_of(&phone);
        eprintln!(
            "{what}, round {round}: {} calls from {THREADS} threads; the worst took {:?}, the worst \
             that waited {:?} ({})",
            worst.calls, worst.wall, worst.waited, worst.name
        );
        best = best.min(worst.waited);
        if best < LIMIT {
            break;
        }
    }
    // Among what the threads asked was to sleep, and that may have come last.
    wait(phone.sign_in()).unwrap();
    let state = phone.snapshot().registration.state;
    assert!(
        matches!(state, RegistrationState::Registering | RegistrationState::Unreachable),
        "the server hangs all the while: {state:?}"
    );
    assert!(best < LIMIT, "{what}: a call waited {best:?}");

    sink.0.lock().unwrap().take();
    log_to(&sink, LogLevel::Off);
    let began = Instant::now();
    wait(phone.shutdown());
    assert!(began.elapsed() < Duration::from_secs(4), "the end took {:?}", began.elapsed());
    drop(phone);
    eventually("no media thread is left", || media_threads() == 0);
}

fn round_of(phone: &Arc<Phone>) -> Worst {
    let until = Instant::now() + ROUND;
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let phone = Arc::clone(phone);
            thread::spawn(move || {
                let mut worst = Worst::default();
                for turn in 0.. {
                    if Instant::now() >= until {
                        break;
                    }
                    call_everything(&phone, &mut worst);
                    // A whole phone is no small thing.
                    if turn % 100 == number {
                        start_another(&mut worst);
                    }
                }
                worst
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).fold(Worst::default(), Worst::and)
}

/// One of each; what is async is polled once, and then cancelled.
fn call_everything(phone: &Arc<Phone>, worst: &mut Worst) {
    let call = CallId("12345678-1234-1234-1234-123456789012".parse().unwrap());
    worst.measure("snapshot", || phone.snapshot());
    worst.measure("network_changed", || phone.network_changed(Handover::BreakBeforeMake));
    worst.measure("audio_activated", || phone.audio_activated());
    worst.measure("audio_route_changed", || phone.audio_route_changed());
    worst.measure("audio_deactivated", || phone.audio_deactivated());
    let report = worst.measure("announce", || announce(b"what is this".to_vec()));
    worst.measure("announced", || phone.announced(report.announcement));
    worst.measure("sleep", || poll_once(phone.sleep()));
    worst.measure("set_push_token", || poll_once(phone.set_push_token(None)));
    worst.measure("sign_in", || poll_once(phone.sign_in()));
    worst.measure("dial", || poll_once(phone.dial("600".to_owned(), None)));
    worst.measure("answer", || poll_once(phone.answer(call)));
    worst.measure("decline", || poll_once(phone.decline(call, DeclineReason::Busy)));
    worst.measure("forward", || poll_once(phone.forward(call, "600".to_owned())));
    worst.measure("hang_up", || poll_once(phone.hang_up(call)));
    worst.measure("set_hold", || poll_once(phone.set_hold(call, true)));
    worst.measure("set_mute", || poll_once(phone.set_mute(call, true)));
    worst.measure("send_dtmf", || poll_once(phone.send_dtmf(call, "1".to_owned())));
    worst.measure("events", || poll_once(phone.events(0)));
    worst.measure("next_snapshot", || poll_once(phone.next_snapshot(0)));
    // A phone that is let go must not make the caller wait either.
    let again = Arc::clone(phone);
    worst.measure("drop", || drop(again));
    // Eight threads share the processors with what they call.
    thread::sleep(Duration::from_millis(1));
}

/// Starts a phone and is cancelled.
fn start_another(worst: &mut Worst) {
    let config = config("wss://127.0.0.1:9/ws");
    worst.measure("start", || poll_once(Phone::start(config, None)));
    let nowhere = "/proc/no-vault-can-be-here".to_owned();
    worst.measure("Vault::open", || poll_once(Vault::open(nowhere, vec![0; 32])));
}
