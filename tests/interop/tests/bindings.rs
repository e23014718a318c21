//! A whole call through what Kotlin and Swift call, against the model PBX: two phones in one process, with
//! audio from files, judged by ear; and what the app reads of it, down to the log.

#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a reader waits for one event of many")]

use sidetone_ffi::{
    AudioEndpoint, AudioGate, CallId, CallState, ControlError, ControlId, DeclineReason, Direction,
    EndReason, Event, Hold, InstanceId, LogLevel, LogLine, LogSink, LogSinkError, MediaPath, Phone,
    PhoneConfig, PushProvider, PushToken, RegistrationState, Trust, set_log_sink,
};
use sidetone_interop::phone::{PATIENCE, Scratch};
use sidetone_interop::stage::Stage;
use sidetone_interop::tones::{Heard, Tone, Voice};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::time::{sleep, timeout};

/// One phone as an app holds it: the object, a cursor, and a file for each ear.
struct App {
    name: &'static str,
    phone: Arc<Phone>,
    cursor: u64,
    told: Vec<Event>,
    ear: PathBuf,
    _folder: Scratch,
}

impl App {
    async fn start(stage: &Stage, name: &'static str, user: &str, voice: &Voice) -> Self {
        let setup = stage.server.setup(user);
        let folder = Scratch::new(name);
        let (mouth, ear) = (folder.0.join("voice.wav"), folder.0.join("heard.wav"));
        voice.write(&mouth);
        let file = |path: &PathBuf| AudioEndpoint::File { path: path.display().to_string() };
        let config = PhoneConfig {
            aor: setup.account,
            display_name: Some(format!("Someone called {name}")),
            username: None,
            password: setup.password,
            servers: vec![setup.server],
            instance: InstanceId(uuid_of(name)),
            trust: Trust::Pem { text: std::fs::read_to_string(setup.ca.unwrap()).unwrap() },
            ice_servers: Vec::new(),
            microphone: file(&mouth),
            speaker: file(&ear),
            audio_gate: AudioGate::Open,
            push: Some(PushToken {
                provider: PushProvider::Fcm,
                param: "sidetone-test".to_owned(),
                prid: token_of(name),
            }),
            early_media: None,
            answer_mode: None,
            refer_policy: None,
            transfers_return: None,
            call_waiting: None,
            queues: false,
            recordings: false,
            features: false,
            user_agent: None,
        };
        let phone = Phone::start(config, None);
        let phone = phone.await.unwrap();
        let mut app = Self { name, phone, cursor: 0, told: Vec::new(), ear, _folder: folder };
        app.phone.sign_in().await.unwrap();
        app.until("is registered", |event| match event {
            Event::RegistrationChanged { registration } => {
                (registration.state == RegistrationState::Registered).then_some(())
            }
            _ => None,
        })
        .await;
        app
    }

    /// Reads on until this event comes.
    async fn until<T>(&mut self, what: &str, wanted: impl Fn(&Event) -> Option<T>) -> T {
        let reading = async {
            loop {
                let page = self.phone.events(self.cursor).await;
                assert_eq!(page.lost, 0);
                for numbered in page.events {
                    assert_eq!(numbered.cursor, self.cursor + 1, "cursors have no gaps");
                    self.cursor = numbered.cursor;
                    let found = wanted(&numbered.event);
                    self.told.push(numbered.event);
                    if let Some(found) = found {
                        return found;
                    }
                }
                assert!(!page.ended, "the phone has ended");
            }
        };
        let found = timeout(PATIENCE, reading).await;
        found.unwrap_or_else(|_| panic!("{}: {what}: not in time: {:#?}", self.name, self.told))
    }

    async fn until_ended(&mut self, call: CallId) -> EndReason {
        self.until("the call has ended", |event| match event {
            Event::Ended { call: ended, reason, .. } if *ended == call => Some(reason.clone()),
            _ => None,
        })
        .await
    }

    async fn until_flowing(&mut self, call: CallId) {
        self.until("audio flows", |event| {
            matches!(event, Event::MediaFlowing { call: flowing, first_sent: Some(_), first_heard: Some(_) }
                if *flowing == call)
            .then_some(())
        })
        .await;
    }

    /// Waits until the newest third of a second is this tone alone.
    async fn hears(&self, tone: Tone) {
        let window = Duration::from_millis(300);
        let start = Heard::count(&self.ear);
        let listening = async {
            loop {
                sleep(Duration::from_millis(50)).await;
                let heard = Heard::read_from(&self.ear, start).last(window);
                if heard.length() >= window && heard.is_only(tone) {
                    return;
                }
            }
        };
        let heard = timeout(PATIENCE, listening).await;
        assert!(heard.is_ok(), "{} does not hear {tone}", self.name);
    }

    async fn leave(mut self) -> Vec<Event> {
        timeout(Duration::from_secs(5), self.phone.shutdown()).await.unwrap();
        assert!(self.phone.snapshot().ended);
        loop {
            let page = self.phone.events(self.cursor).await;
            self.cursor = page.next;
            self.told.extend(page.events.into_iter().map(|numbered| numbered.event));
            if page.ended {
                return self.told;
            }
        }
    }
}

fn token_of(name: &str) -> String {
    format!("Device-Token-Of-{name}")
}

fn uuid_of(name: &str) -> uuid::Uuid {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    uuid::Uuid::from_bytes(bytes)
}

#[derive(Default)]
struct Lines(Mutex<Vec<LogLine>>);

impl LogSink for Lines {
    fn write(&self, line: LogLine) -> Result<(), LogSinkError> {
        self.0.lock().unwrap().push(line);
        Ok(())
    }
}

async fn incoming(app: &mut App) -> CallId {
    app.until("a call comes in", |event| match event {
        Event::Incoming { call, .. } => Some(*call),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn two_apps_talk_hold_press_keys_and_hang_up() {
    let lines = Arc::new(Lines::default());
    set_log_sink(Arc::clone(&lines) as Arc<dyn LogSink>, LogLevel::Trace);
    let stage = Stage::model();
    let [high, low] = Tone::draw();
    let mut agent = App::start(&stage, "agent", &stage.line.agent(), &Voice::steady(high)).await;
    let mut customer =
        App::start(&stage, "customer", &stage.line.customer(), &Voice::steady(low)).await;

    // The app names the call that it makes; the one that comes in has the name that the server gave.
    let mine = CallId(uuid::Uuid::new_v4());
    let number = stage.line.agent_number();
    let dialled = customer.phone.dial(number.clone(), Some(mine)).await.unwrap();
    assert_eq!(dialled, mine);
    let call = incoming(&mut agent).await;
    let shown = agent.phone.snapshot();
    assert_eq!(shown.calls.len(), 1);
    assert_eq!((shown.calls[0].id, shown.calls[0].direction), (call, Direction::Incoming));
    assert_eq!(shown.calls[0].state, CallState::Ringing);

    agent.phone.answer(call).await.unwrap();
    agent.until_flowing(call).await;
    customer.until_flowing(mine).await;
    agent.hears(low).await;
    customer.hears(high).await;
    let shown = agent.phone.snapshot();
    assert_eq!(
        (shown.calls[0].state, shown.calls[0].media),
        (CallState::Established, MediaPath::Connected)
    );
    let age = SystemTime::now().duration_since(shown.calls[0].began).unwrap();
    assert!(age < Duration::from_secs(60), "{age:?}");

    // A waiting reader of snapshots is woken by a change, and the revision grows.
    let phone = Arc::clone(&agent.phone);
    let revision = phone.snapshot().revision;
    let next = tokio::spawn(async move { phone.next_snapshot(revision).await });
    agent.phone.set_mute(call, true).await.unwrap();
    assert!(agent.phone.snapshot().calls[0].muted, "seen as soon as the command is answered");
    let next = timeout(PATIENCE, next).await.unwrap().unwrap();
    assert!(next.revision > revision);
    agent.phone.set_mute(call, false).await.unwrap();

    agent.phone.set_hold(call, true).await.unwrap();
    let held = |event: &Event| match event {
        Event::HoldChanged { hold, .. } => Some(*hold),
        _ => None,
    };
    assert_eq!(agent.until("held", held).await, Hold { local: true, remote: false });
    agent.phone.set_hold(call, false).await.unwrap();
    assert_eq!(agent.until("resumed", held).await, Hold { local: false, remote: false });
    customer.hears(high).await;

    customer.phone.send_dtmf(mine, "42#".to_owned()).await.unwrap();
    customer
        .until("the digits are sent", |event| matches!(event, Event::DtmfSent { .. }).then_some(()))
        .await;
    agent
        .until("quality", |event| match event {
            Event::Quality { report, .. } => (report.packets_received > 0).then_some(()),
            _ => None,
        })
        .await;

    agent.phone.hang_up(call).await.unwrap();
    assert_eq!(agent.until_ended(call).await, EndReason::Local);
    assert_eq!(customer.until_ended(mine).await, EndReason::Remote);
    assert!(agent.phone.snapshot().calls.is_empty());

    // And one that is refused.
    let second = customer.phone.dial(number.clone(), None).await.unwrap();
    let call = incoming(&mut agent).await;
    agent.phone.decline(call, DeclineReason::Busy).await.unwrap();
    let declined = EndReason::Declined { reason: DeclineReason::Busy };
    assert_eq!(agent.until_ended(call).await, declined);
    assert_eq!(customer.until_ended(second).await, EndReason::Busy);

    let secrets = ["agent", "customer"].map(|name| format!("Someone called {name}"));
    let password = stage.server.setup(&stage.line.agent()).password;
    agent.leave().await;
    customer.leave().await;
    sleep(Duration::from_millis(200)).await;
    let lines: Vec<LogLine> = std::mem::take(&mut *lines.0.lock().unwrap());
    let token = token_of("agent");
    judge(&lines, &[&password, &secrets[0], &secrets[1], &token, &format!("sip:{number}")]);
}

#[tokio::test]
async fn a_code_is_done_or_refused_by_its_kind_and_is_no_call() {
    let stage = Stage::model();
    let [voice] = Tone::draw();
    let app = App::start(&stage, "codes", &stage.line.agent(), &Voice::steady(voice)).await;
    let code = |code: &str, id| app.phone.control(code.to_owned(), id);
    let named = ControlId(uuid::Uuid::new_v4());
    assert_eq!(code("*700", Some(named)).await, Ok(()));
    assert!(matches!(code("*721", None).await, Err(ControlError::Forbidden { .. })));
    assert!(matches!(code("*700", Some(named)).await, Err(ControlError::ControlIdTaken { .. })));
    assert!(matches!(code("no code", None).await, Err(ControlError::InvalidCode { .. })));
    // Those that wait when the phone goes learn of it.
    let phone = Arc::clone(&app.phone);
    let waiting = tokio::spawn(async move { phone.control("*798".to_owned(), None).await });
    sleep(Duration::from_millis(300)).await;
    assert_eq!(app.phone.snapshot().calls, []);
    let told = app.leave().await;
    let left = timeout(PATIENCE, waiting).await.unwrap().unwrap();
    assert!(
        matches!(left, Err(ControlError::ConnectionLost { .. } | ControlError::Ended { .. })),
        "{left:?}"
    );
    assert!(told.contains(&Event::ControlDone { control: named }));
    assert!(!told.iter().any(|event| matches!(event, Event::Dialing { .. } | Event::Ended { .. })));
}

/// Everything that was logged of two registrations and two calls, against what must not be in it.
fn judge(lines: &[LogLine], secrets: &[&str]) {
    let all: String = lines.iter().map(|line| format!("{}\n", line.text)).collect();
    // The messages are there, or their secrets would not be missed.
    for there in [
        "REGISTER sip:",
        "INVITE sip:",
        "Authorization: Digest",
        "a=ice-pwd:",
        "pn-prid=",
        "a=fingerprint:",
    ] {
        assert!(all.contains(there), "{there} was never logged in {} lines", lines.len());
    }
    for secret in secrets {
        let line = all.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret} is in the log: {line:?}");
    }
    for (key, mask) in
        [("response=", "\"[redacted]\""), ("a=ice-pwd:", "[redacted]"), ("pn-prid=", "[redacted]")]
    {
        for (at, _) in all.match_indices(key) {
            let value = &all[at + key.len()..];
            assert!(
                value.starts_with(mask) || value.starts_with("[redacted]"),
                "{key}{}",
                &value[..40]
            );
        }
    }
    // A URI names a server, never a person.
    for (at, _) in all.match_indices("sip:") {
        let end = all[at..].find(|c: char| c.is_whitespace() || "<>\"".contains(c)).unwrap_or(4);
        let uri = &all[at..at + end];
        assert!(!uri.contains('@') || uri.contains("[redacted]@"), "{uri}");
    }
}
