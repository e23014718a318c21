//! Servers that never answer, and what is to be seen of this process.

use sidetone_ffi::{
    Announcement, AnnouncementKind, AudioEndpoint, AudioGate, CallId, Caller, InstanceId, LogLevel,
    LogSink, PhoneConfig, Trust,
};
use std::fs;
use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use uuid::Uuid;

/// A server that accepts connections, reads, and never says a word.
pub(crate) struct NeverAnswers {
    port: u16,
    open: Arc<AtomicUsize>,
}

impl NeverAnswers {
    /// Hangs in the TLS handshake.
    pub(crate) fn tls() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&open);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, open) = (stream.unwrap(), Arc::clone(&counted));
                open.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || {
                    swallow(stream);
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { port, open }
    }

    pub(crate) fn url(&self) -> String {
        format!("wss://localhost:{}/ws", self.port)
    }

    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

fn swallow(mut stream: TcpStream) {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
}

/// A phone without sound.
pub(crate) fn config(server: &str) -> PhoneConfig {
    PhoneConfig {
        aor: "sip:agent1@example.com".to_owned(),
        display_name: None,
        username: None,
        password: "a secret of agent1".to_owned(),
        servers: vec![server.to_owned()],
        instance: InstanceId("3f2504e0-4f89-11d3-9a0c-0305e82c3301".parse().unwrap()),
        trust: Trust::Platform,
        ice_servers: Vec::new(),
        microphone: AudioEndpoint::Null,
        speaker: AudioEndpoint::Null,
        audio_gate: AudioGate::Platform,
        push: None,
        early_media: None,
        answer_mode: None,
        refer_policy: None,
        transfers_return: None,
        queues: false,
        recordings: false,
        features: false,
        call_waiting: None,
        user_agent: None,
    }
}

/// A call of this number that is about to come.
pub(crate) fn announcement(number: u128) -> Announcement {
    Announcement {
        call: CallId(Uuid::from_u128(number)),
        kind: AnnouncementKind::Incoming,
        deadline: SystemTime::now() + Duration::from_secs(60),
        caller: Caller { name: None, number: None },
        queue: None,
        group: None,
    }
}

pub(crate) fn log_to<S: LogSink + 'static>(sink: &Arc<S>, level: LogLevel) {
    sidetone_ffi::set_log_sink(Arc::<S>::clone(sink), level);
}

/// Waits for what comes in a moment.
#[track_caller]
pub(crate) fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(20), "not after 20 s: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn media_threads() -> usize {
    threads_named("sidetone-media")
}

/// How many threads of this process have this name; the system keeps 15 letters of it.
pub(crate) fn threads_named(name: &str) -> usize {
    let name = &name[..name.len().min(15)];
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let is_named = |task: std::io::Result<fs::DirEntry>| {
        let comm = fs::read_to_string(task.unwrap().path().join("comm"));
        comm.is_ok_and(|comm| comm.trim_end() == name)
    };
    tasks.map(is_named).filter(|named| *named).count()
}
