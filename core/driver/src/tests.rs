//! A whole phone against a small server in the same process: it registers, calls an echo, is heard
//! and hears, and goes.

use crate::peer::{MediaTransport, PeerConfig, WebRtcTransport};
use crate::testing::Authority;
use crate::{
    AudioEndpoint, DriverConfig, Handle, Milestone, StartError, Updates, Vault, What, start,
};
use futures_util::{SinkExt, StreamExt};
use sidetone_phone::{
    Account, CallId, Command, CommandError, Config, Digits, EndReason, Event, RegistrationState,
    Secret, sdp,
};
use sidetone_sip::{HeaderName, Message, Method, Request, StatusCode};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::handshake::server;

mod audio;
mod hung;
mod rogue;
mod saving;

const PATIENCE: Duration = Duration::from_secs(8);

type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// The next connection.
async fn accept(listener: &TcpListener, acceptor: &tokio_rustls::TlsAcceptor) -> Socket {
    let (tcp, _) = listener.accept().await.unwrap();
    let tls = acceptor.accept(tcp).await.unwrap();
    #[allow(clippy::result_large_err, reason = "the callback's type is given")]
    let accept = |_: &server::Request, mut response: server::Response| {
        response.headers_mut().insert("Sec-WebSocket-Protocol", "sip".parse().unwrap());
        Ok(response)
    };
    tokio_tungstenite::accept_hdr_async(tls, accept).await.unwrap()
}

/// Accepts everything: registrations, and calls, which it answers with an echo.
async fn serve(
    listener: TcpListener,
    acceptor: tokio_rustls::TlsAcceptor,
    seen: mpsc::UnboundedSender<Method>,
) {
    let mut socket = accept(&listener, &acceptor).await;
    let mut echo = None;
    while let Some(Ok(frame)) = socket.next().await {
        let tungstenite::Message::Text(text) = frame else { continue };
        let Ok(Message::Request(request)) = Message::parse(text.as_bytes()) else { continue };
        let _ = seen.send(request.method.clone());
        if request.method == Method::Ack {
            continue;
        }
        let response = answer(&request, &mut echo).await;
        let text = String::from_utf8(response.to_bytes()).unwrap();
        socket.send(tungstenite::Message::text(text)).await.unwrap();
    }
}

async fn answer(request: &Request, echo: &mut Option<Arc<WebRtcTransport>>) -> Message {
    let mut response = request.response(StatusCode::OK, Some("server"));
    if request.method == Method::Register {
        response.headers.copy_all(&request.headers, &HeaderName::CONTACT);
        response.headers.copy_all(&request.headers, &HeaderName::EXPIRES);
    } else if request.method == Method::Invite {
        let offer = String::from_utf8(request.body.clone()).unwrap();
        let (peer, _events, mut receiver, mut sender) =
            WebRtcTransport::new(PeerConfig::default()).await.unwrap();
        let answer = peer.answer(&offer, sdp::Direction::SendRecv).await.unwrap();
        tokio::spawn(async move {
            while let Some(received) = receiver.recv().await {
                sender.send(received.packet);
            }
        });
        *echo = Some(peer);
        response.headers.push(HeaderName::CONTACT, "<sip:echo@server.invalid;transport=ws>");
        response.set_body("application/sdp", answer.into_bytes());
    }
    Message::from(response)
}

struct Phone {
    handle: Handle,
    updates: Updates,
    sees: mpsc::UnboundedReceiver<Method>,
    woke: usize,
    milestones: Vec<Milestone>,
}

async fn phone(microphone: AudioEndpoint, speaker: AudioEndpoint) -> Phone {
    phone_by(|config| start(DriverConfig { microphone, speaker, ..config })).await
}

/// A phone and its server; the phone is started by this.
async fn phone_by(
    start: impl FnOnce(DriverConfig) -> Result<(Handle, Updates), StartError>,
) -> Phone {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("wss://localhost:{}/ws", listener.local_addr().unwrap().port());
    let (seen, sees) = mpsc::unbounded_channel();
    tokio::spawn(serve(listener, authority.certificate(&["localhost"]).acceptor(), seen));
    let (handle, updates) = start(config(&server, &authority, None)).unwrap();
    Phone { handle, updates, sees, woke: 0, milestones: Vec::new() }
}

/// A phone without sound, at this server.
fn config(server: &str, authority: &Authority, vault: Option<Arc<Vault>>) -> DriverConfig {
    let account = Account::new("sip:agent@example.test", Secret::new("secret")).unwrap();
    DriverConfig {
        phone: Config::new(account, vec![server.parse().unwrap()], uuid::Uuid::from_u128(7)),
        saved: None,
        stores: None,
        vault,
        trust: authority.trust(),
        ice_servers: Vec::new(),
        microphone: AudioEndpoint::Null,
        speaker: AudioEndpoint::Null,
    }
}

impl Phone {
    async fn event(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        let search = async {
            loop {
                match self.updates.next().await.expect("the phone is running").what {
                    What::Event(event) if wanted(&event) => return event,
                    What::Milestone(milestone) => self.milestones.push(milestone),
                    What::Woke(_) => self.woke += 1,
                    What::Event(_)
                    | What::Sip { .. }
                    | What::Save(_)
                    | What::NotSaved(_)
                    | What::HistoryChanged(_)
                    | What::AudioLost(_) => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, search).await.expect("the event in time")
    }

    async fn register(&mut self) {
        self.handle.command(Command::Register).await.unwrap();
        self.event(|event| {
            matches!(event, Event::RegistrationChanged(r) if r.state == RegistrationState::Registered)
        })
        .await;
    }
}

pub(crate) fn temporary(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("sidetone-phone-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

fn recording_of_a_tone(name: &str) -> PathBuf {
    let path = temporary(name);
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(&path, spec).unwrap();
    for n in 0..16_000 {
        let turn = n as f32 / 16.0 * std::f32::consts::TAU;
        file.write_sample((8_000.0 * turn.sin()) as i16).unwrap();
    }
    file.finalize().unwrap();
    path
}

#[tokio::test]
async fn a_phone_registers_calls_is_heard_and_goes() {
    let recording = temporary("heard.wav");
    let microphone = AudioEndpoint::File(recording_of_a_tone("tone.wav"));
    let mut phone = phone(microphone, AudioEndpoint::File(recording.clone())).await;
    phone.register().await;
    assert_eq!(phone.milestones.len(), 4, "{:?}", phone.milestones);

    let call = CallId(uuid::Uuid::from_u128(1));
    phone.handle.command(Command::Dial { call, to: "600".to_owned() }).await.unwrap();
    assert_eq!(phone.handle.snapshot().calls.len(), 1, "seen as soon as it was asked for");
    phone.event(|event| matches!(event, Event::Established { .. })).await;
    let flowing = phone.event(|event| matches!(event, Event::MediaFlowing { .. })).await;
    let Event::MediaFlowing { first_heard: Some(first_heard), .. } = flowing else {
        panic!("{flowing:?}")
    };
    assert!(first_heard < Duration::from_millis(500), "{first_heard:?}");
    let digits = Digits::new("1").unwrap();
    phone.handle.command(Command::SendDtmf { call, digits }).await.unwrap();
    phone.event(|event| matches!(event, Event::DtmfSent { .. })).await;
    let quality = phone.event(|event| matches!(event, Event::Quality { .. })).await;
    let Event::Quality { report, .. } = quality else { unreachable!("was waited for") };
    assert_eq!((report.codec.as_str(), report.packets_lost), ("opus", 0));
    assert!(report.level_heard > -20.0 && report.packets_received > 20, "{report:?}");
    phone.event(|event| matches!(event, Event::Quality { .. })).await;

    phone.handle.command(Command::HangUp { call }).await.unwrap();
    let ended = phone.event(|event| matches!(event, Event::Ended { .. })).await;
    assert_eq!(ended, Event::Ended { call, reason: EndReason::Local });

    let began = Instant::now();
    phone.handle.shutdown().await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let refused = phone.handle.command(Command::Register).await;
    assert_eq!(refused, Err(CommandError::NotRegistered));
    let mut seen = Vec::new();
    while let Some(method) = phone.sees.recv().await {
        seen.push(method);
    }
    let expected = [Method::Register, Method::Invite, Method::Ack, Method::Bye, Method::Register];
    assert_eq!(seen, expected);

    let mut heard = hound::WavReader::open(&recording).unwrap();
    let samples: Vec<i16> = heard.samples().map(Result::unwrap).collect();
    let loud = samples.iter().filter(|s| s.unsigned_abs() > 4_000).count();
    assert!(loud > 24_000, "the tone came back: {loud} of {}", samples.len());
}

#[tokio::test]
async fn a_call_in_progress_is_ended_by_a_shutdown() {
    let mut phone = phone(AudioEndpoint::Null, AudioEndpoint::Null).await;
    phone.register().await;
    let call = CallId(uuid::Uuid::from_u128(1));
    phone.handle.command(Command::Dial { call, to: "600".to_owned() }).await.unwrap();
    phone.event(|event| matches!(event, Event::Established { .. })).await;
    let began = Instant::now();
    phone.handle.shutdown().await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    phone.event(|event| matches!(event, Event::Ended { .. })).await;
    let mut seen = Vec::new();
    while let Some(method) = phone.sees.recv().await {
        seen.push(method);
    }
    assert!(seen.contains(&Method::Bye), "{seen:?}");
}

#[tokio::test]
async fn an_idle_phone_is_not_woken() {
    let mut phone = phone(AudioEndpoint::Null, AudioEndpoint::Null).await;
    phone.register().await;
    // What the registration leaves behind has settled by then.
    tokio::time::sleep(Duration::from_millis(300)).await;
    while tokio::time::timeout(Duration::from_millis(1), phone.updates.next()).await.is_ok() {}
    let quiet = tokio::time::timeout(Duration::from_secs(2), phone.updates.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    phone.handle.shutdown().await;
}

#[tokio::test]
async fn a_phone_whose_handles_are_gone_signs_out() {
    let mut phone = phone(AudioEndpoint::Null, AudioEndpoint::Null).await;
    phone.register().await;
    let Phone { handle, mut updates, mut sees, .. } = phone;
    drop(handle);
    let over = async {
        while updates.next().await.is_some() {}
        let mut seen = Vec::new();
        while let Some(method) = sees.recv().await {
            seen.push(method);
        }
        seen
    };
    let seen = tokio::time::timeout(PATIENCE, over).await.expect("the end in time");
    assert_eq!(seen, [Method::Register, Method::Register]);
}

#[tokio::test]
async fn a_shutdown_without_a_server_is_quick() {
    let phone = phone(AudioEndpoint::Null, AudioEndpoint::Null).await;
    let began = Instant::now();
    phone.handle.shutdown().await;
    phone.handle.shutdown().await;
    assert!(began.elapsed() < Duration::from_secs(1));
}
