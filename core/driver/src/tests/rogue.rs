//! A server whose message is far too long loses the connection by it, and nothing else is lost: the call goes on, the user is told
//! why, and what the server knows is known again.

use super::*;
use sidetone_phone::{AgentState, RecordingState, RegistrationProblem, Snapshot};
use tokio::sync::oneshot;

const TOO_LONG: usize = 10 * 1024 * 1024;
const CALL: CallId = CallId(uuid::Uuid::from_u128(1));

/// A server of an agent in a queue whose call is recorded, which tells so whenever it is asked.
#[derive(Default)]
struct Rogue {
    echo: Option<Arc<WebRtcTransport>>,
    told: u32,
}

impl Rogue {
    /// Takes one connection, and then another; the message comes on the first.
    async fn serve(
        mut self,
        listener: TcpListener,
        acceptor: tokio_rustls::TlsAcceptor,
        mut wanted: oneshot::Receiver<()>,
        seen: mpsc::UnboundedSender<(usize, Method)>,
    ) {
        for connection in 0..2 {
            let mut socket = accept(&listener, &acceptor).await;
            loop {
                let frame = tokio::select! {
                    frame = socket.next() => frame,
                    Ok(()) = &mut wanted, if connection == 0 => {
                        let long = format!("MESSAGE sip:a SIP/2.0\r\n\r\n{}", "x".repeat(TOO_LONG));
                        // It is not read to its end.
                        let _ = socket.send(tungstenite::Message::text(long)).await;
                        break;
                    }
                };
                let Some(Ok(frame)) = frame else { break };
                let Ok(text) = frame.into_text() else { continue };
                let Ok(Message::Request(request)) = Message::parse(text.as_bytes()) else {
                    continue;
                };
                let _ = seen.send((connection, request.method.clone()));
                for text in self.says(&request).await {
                    socket.send(tungstenite::Message::text(text)).await.unwrap();
                }
            }
        }
    }

    /// The news that a request is followed by, and its response.
    async fn says(&mut self, request: &Request) -> Vec<String> {
        if request.method == Method::Ack {
            return Vec::new();
        }
        let user = request.uri.user.as_deref().unwrap_or_default();
        let text = |message: Message| String::from_utf8(message.to_bytes()).unwrap();
        if user.starts_with("sidetone*") {
            let mut response = request.response(StatusCode::OK, Some("server"));
            response.headers.push(HeaderName::CONTACT, "<sip:code@server.invalid;transport=ws>");
            return vec![self.news(user), text(response.into())];
        }
        let mut said = vec![text(answer(request, &mut self.echo).await)];
        if request.method == Method::Invite {
            said.push(self.news("sidetone*record"));
        }
        said
    }

    fn news(&mut self, code: &str) -> String {
        self.told += 1;
        let n = self.told;
        let (event, body) = if code == "sidetone*state" {
            let queues = r#""queues":[{"name":"desk","in":true,"paused":false}],"reasons":[]"#;
            ("sidetone-agent", format!(r#"{{"v":1,"number":{n},"at":1,{queues}}}"#))
        } else {
            let one = r#"{"id":"auto","state":"recording","automatic":true,"policy":"locked"}"#;
            let call = format!(r#"{{"call":"{CALL}","recordings":[{one}]}}"#);
            let calls = if self.echo.is_some() { call } else { String::new() };
            let body = format!(r#"{{"v":1,"number":{n},"may":true,"calls":[{calls}]}}"#);
            ("sidetone-recording", body)
        };
        format!(
            "NOTIFY sip:agent@phone.invalid SIP/2.0\r\nVia: SIP/2.0/WSS a;branch=z9hG4bK-{n}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:a@example.test>;tag=n{n}\r\nTo: <sip:agent@example.test>\r\n\
             Call-ID: news-{n}\r\nCSeq: 1 NOTIFY\r\nContact: <sip:a;transport=ws>\r\n\
             Event: {event}\r\nSubscription-State: terminated\r\n\
             Content-Type: application/json\r\n\r\n{body}"
        )
    }
}

/// Registered, on the call, and sure of what the server has told of both.
fn is_known(shown: &Snapshot) -> bool {
    let agent = shown.agent.as_ref().is_some_and(|a| a.certain && a.state == AgentState::OnCall);
    let recordings = shown.calls.iter().flat_map(|call| &call.recordings);
    let recorded = recordings.filter(|one| one.certain && one.state == RecordingState::Recording);
    shown.registration.state == RegistrationState::Registered && agent && recorded.count() == 1
}

#[tokio::test]
async fn after_a_message_of_ten_megabytes_nothing_is_lost_but_the_connection() {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("wss://localhost:{}/ws", listener.local_addr().unwrap().port());
    let (rogue, wanted) = oneshot::channel();
    let (seen, mut sees) = mpsc::unbounded_channel();
    let acceptor = authority.certificate(&["localhost"]).acceptor();
    tokio::spawn(Rogue::default().serve(listener, acceptor, wanted, seen));
    let mut config = config(&server, &authority, None);
    (config.phone.queues, config.phone.recordings) = (true, true);
    let (handle, updates) = start(config).unwrap();
    let (_, none) = mpsc::unbounded_channel();
    let mut phone = Phone { handle, updates, sees: none, woke: 0, milestones: Vec::new() };
    phone.register().await;
    phone.handle.command(Command::Dial { call: CALL, to: "600".to_owned() }).await.unwrap();
    phone.event(|event| matches!(event, Event::MediaFlowing { .. })).await;
    assert!(is_known(&phone.handle.snapshot()), "{:?}", phone.handle.snapshot());
    let before = phone.heard_so_far().await;

    rogue.send(()).unwrap();
    let is_told = |event: &Event| {
        let Event::RegistrationChanged(lamp) = event else { return false };
        let problem = lamp.problem.as_ref();
        matches!(problem, Some(RegistrationProblem::Flow { detail, .. }) if detail.contains("too long"))
    };
    phone.event(is_told).await;
    let shown = phone.handle.snapshot();
    assert!(!shown.agent.as_ref().is_some_and(|agent| agent.certain), "{:?}", shown.agent);
    let doubts = shown.calls[0].recordings.iter().all(|one| !one.certain);
    assert!(doubts, "{:?}", shown.calls[0].recordings);
    let handle = phone.handle.clone();
    phone.event(|_| is_known(&handle.snapshot())).await;
    assert!(phone.heard_so_far().await > before, "the call goes on");

    phone.handle.command(Command::HangUp { call: CALL }).await.unwrap();
    let ended = phone.event(|event| matches!(event, Event::Ended { .. })).await;
    assert_eq!(ended, Event::Ended { call: CALL, reason: EndReason::Local });
    phone.handle.shutdown().await;
    let mut last = Vec::new();
    while let Some((connection, method)) = sees.recv().await {
        last.extend((connection == 1).then_some(method));
    }
    assert!(last.contains(&Method::Bye), "by the new connection: {last:?}");
}

impl Phone {
    /// How many packets the call has received, at its next report; none of them was lost.
    async fn heard_so_far(&mut self) -> u64 {
        let quality = self.event(|event| matches!(event, Event::Quality { .. })).await;
        let Event::Quality { report, .. } = quality else { unreachable!("was waited for") };
        assert_eq!(report.packets_lost, 0, "{report:?}");
        report.packets_received
    }
}
