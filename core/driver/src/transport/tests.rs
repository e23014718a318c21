//! Flows against a TLS WebSocket server in the same process, good and bad.

use super::*;
use crate::testing::{Authority, Certificate};
use futures_util::{SinkExt, StreamExt};
use rustls::HandshakeKind;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Message, http::StatusCode};

const FLOW: FlowId = FlowId(1);
const PATIENCE: Duration = Duration::from_secs(5);

/// How the server behaves towards an upgrade.
#[derive(Clone, Copy, PartialEq)]
enum Manners {
    Sip,
    NoSubprotocol,
    NotFound,
}

struct Server {
    listener: TcpListener,
    acceptor: tokio_rustls::TlsAcceptor,
    manners: Manners,
}

impl Server {
    async fn new(certificate: &Certificate, manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener, acceptor: certificate.acceptor(), manners }
    }

    fn address(&self, host: &str) -> ServerAddress {
        let port = self.listener.local_addr().unwrap().port();
        format!("wss://{host}:{port}/ws").parse().unwrap()
    }

    async fn accept_tls(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let (tcp, _) = self.listener.accept().await?;
        self.acceptor.accept(tcp).await
    }

    async fn accept(&self) -> Option<WebSocketStream<TlsStream<TcpStream>>> {
        let tls = self.accept_tls().await.ok()?;
        let manners = self.manners;
        #[allow(clippy::result_large_err, reason = "the callback's type is given")]
        let answer = move |request: &Request, mut response: Response| {
            assert_eq!(request.uri().path(), "/ws");
            assert_eq!(request.headers()["Sec-WebSocket-Protocol"], "sip");
            match manners {
                Manners::Sip => {
                    let sip = "sip".parse().unwrap();
                    response.headers_mut().insert("Sec-WebSocket-Protocol", sip);
                    Ok(response)
                }
                Manners::NoSubprotocol => Ok(response),
                Manners::NotFound => {
                    let mut refusal = ErrorResponse::new(None);
                    *refusal.status_mut() = StatusCode::NOT_FOUND;
                    Err(refusal)
                }
            }
        };
        tokio_tungstenite::accept_hdr_async(tls, answer).await.ok()
    }
}

struct Client {
    flow: Option<Flow>,
    notices: mpsc::Receiver<Notice>,
}

impl Client {
    fn dial(trust: &Connector, server: ServerAddress) -> Self {
        Self::dial_for(trust, server, PATIENCE)
    }

    fn dial_for(trust: &Connector, server: ServerAddress, limit: Duration) -> Self {
        let (sender, notices) = mpsc::channel(16);
        Self { flow: Some(trust.open(FLOW, server, limit, sender)), notices }
    }

    async fn next(&mut self) -> Option<FlowNotice> {
        let notice = tokio::time::timeout(PATIENCE, self.notices.recv()).await;
        notice.expect("a notice in time").map(|notice| notice.what)
    }

    async fn failure(&mut self) -> FlowError {
        loop {
            match self.next().await.expect("a verdict") {
                FlowNotice::Failed(error) => return error,
                FlowNotice::Milestone(_) => {}
                other @ (FlowNotice::Opened
                | FlowNotice::Received(_)
                | FlowNotice::ProbeAnswered) => panic!("{other:?}"),
            }
        }
    }

    async fn opened(&mut self) -> Vec<Milestone> {
        let mut milestones = Vec::new();
        loop {
            match self.next().await.expect("a verdict") {
                FlowNotice::Opened => return milestones,
                FlowNotice::Milestone(milestone) => milestones.push(milestone),
                other @ (FlowNotice::Failed(_)
                | FlowNotice::Received(_)
                | FlowNotice::ProbeAnswered) => panic!("{other:?}"),
            }
        }
    }

    async fn received(&mut self) -> Vec<u8> {
        match self.next().await {
            Some(FlowNotice::Received(bytes)) => bytes,
            other => panic!("{other:?}"),
        }
    }
}

/// A server and a client that are connected.
async fn connected() -> (WebSocketStream<TlsStream<TcpStream>>, Client) {
    let authority = Authority::new();
    let server = Server::new(&authority.certificate(&["localhost"]), Manners::Sip).await;
    let mut client = Client::dial(&authority.trusted(), server.address("localhost"));
    let socket = server.accept().await.unwrap();
    client.opened().await;
    (socket, client)
}

async fn failure(certificate: &Certificate, trust: &Connector, host: &str) -> FlowError {
    let server = Server::new(certificate, Manners::Sip).await;
    let mut client = Client::dial(trust, server.address(host));
    let (failure, accepted) = tokio::join!(client.failure(), server.accept());
    assert!(accepted.is_none());
    failure
}

#[tokio::test]
async fn a_flow_opens_step_by_step() {
    let authority = Authority::new();
    let server = Server::new(&authority.certificate(&["localhost"]), Manners::Sip).await;
    let address = server.address("localhost");
    let mut client = Client::dial(&authority.trusted(), address.clone());
    let (milestones, _socket) = tokio::join!(client.opened(), server.accept());
    let [
        Milestone::Resolved(addresses),
        Milestone::TcpConnected(remote),
        Milestone::TlsEstablished(tls),
        Milestone::WebSocketOpen,
    ] = milestones.as_slice()
    else {
        panic!("{milestones:?}")
    };
    assert!(addresses.contains(&"127.0.0.1".parse().unwrap()));
    assert_eq!(*remote, SocketAddr::new("127.0.0.1".parse().unwrap(), address.port));
    assert!(tls.starts_with("TLSv1.3 TLS13_AES"), "{tls}");
}

#[tokio::test]
async fn each_fault_of_a_certificate_has_its_name() {
    let authority = Authority::new();
    let trusted = authority.trusted();
    let wrong_name = failure(&authority.certificate(&["other.test"]), &trusted, "localhost").await;
    assert_eq!(wrong_name.kind, FlowErrorKind::CertificateName, "{wrong_name}");
    let expired = failure(&authority.expired(&["localhost"]), &trusted, "localhost").await;
    assert_eq!(expired.kind, FlowErrorKind::CertificateExpired, "{expired}");
    let stranger = Authority::new().certificate(&["localhost"]);
    let untrusted = failure(&stranger, &trusted, "localhost").await;
    assert_eq!(untrusted.kind, FlowErrorKind::CertificateUntrusted, "{untrusted}");
}

#[tokio::test]
async fn an_address_literal_is_checked_as_an_address() {
    let authority = Authority::new();
    let trusted = authority.trusted();
    let by_name = failure(&authority.certificate(&["localhost"]), &trusted, "127.0.0.1").await;
    assert_eq!(by_name.kind, FlowErrorKind::CertificateName, "{by_name}");
    let server = Server::new(&authority.certificate(&["127.0.0.1"]), Manners::Sip).await;
    let mut client = Client::dial(&trusted, server.address("127.0.0.1"));
    let (milestones, _socket) = tokio::join!(client.opened(), server.accept());
    assert_eq!(milestones.len(), 4);
}

#[tokio::test]
async fn an_unknown_name_is_told_from_a_closed_port() {
    let trusted = Authority::new().trusted();
    let unknown = "wss://no-such-host.invalid:8089/ws".parse().unwrap();
    let error = Client::dial(&trusted, unknown).failure().await;
    assert_eq!(error.kind, FlowErrorKind::NameResolution, "{error}");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let closed = format!("wss://localhost:{}/ws", closed.port()).parse().unwrap();
    let error = Client::dial(&trusted, closed).failure().await;
    assert_eq!(error.kind, FlowErrorKind::Unreachable, "{error}");
}

#[tokio::test]
async fn a_server_that_is_silent_is_given_up_in_time() {
    let authority = Authority::new();
    let server = Server::new(&authority.certificate(&["localhost"]), Manners::Sip).await;
    let limit = Duration::from_millis(100);
    let mut client = Client::dial_for(&authority.trusted(), server.address("localhost"), limit);
    let error = client.failure().await;
    assert_eq!(error.kind, FlowErrorKind::TimedOut, "{error}");
}

#[tokio::test]
async fn what_does_not_speak_tls_or_sip_is_told_apart() {
    let authority = Authority::new();
    let trusted = authority.trusted();
    for manners in [Manners::NotFound, Manners::NoSubprotocol] {
        let server = Server::new(&authority.certificate(&["localhost"]), manners).await;
        let mut client = Client::dial(&trusted, server.address("localhost"));
        let (error, _) = tokio::join!(client.failure(), server.accept());
        assert_eq!(error.kind, FlowErrorKind::WebSocket, "{error}");
    }
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = plain.local_addr().unwrap().port();
    let address = format!("wss://localhost:{port}/ws").parse().unwrap();
    let mut client = Client::dial(&trusted, address);
    let answer = async {
        let (mut tcp, _) = plain.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut tcp, b"SSH-2.0-x\r\n").await.unwrap();
        tcp
    };
    let (error, _tcp) = tokio::join!(client.failure(), answer);
    assert_eq!(error.kind, FlowErrorKind::Tls, "{error}");
}

#[tokio::test]
async fn the_second_handshake_resumes_the_session() {
    let authority = Authority::new();
    let server = Server::new(&authority.certificate(&["localhost"]), Manners::Sip).await;
    let trusted = authority.trusted();
    let mut kinds = Vec::new();
    for _ in 0..2 {
        let mut client = Client::dial(&trusted, server.address("localhost"));
        let (_, socket) = tokio::join!(client.opened(), server.accept());
        let mut socket = socket.unwrap();
        kinds.push(socket.get_ref().get_ref().1.handshake_kind());
        // The ticket comes with the first bytes after the handshake.
        socket.send(Message::text("hello")).await.unwrap();
        client.received().await;
    }
    assert_eq!(kinds, [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)]);
}

#[tokio::test]
async fn messages_are_text_where_they_can_be() {
    let (mut socket, mut client) = connected().await;
    let flow = client.flow.as_ref().unwrap();
    flow.send(b"OPTIONS sip:a SIP/2.0\r\n\r\n".to_vec()).unwrap();
    flow.send(vec![0xff, 0xfe]).unwrap();
    let text = socket.next().await.unwrap().unwrap();
    assert_eq!(text, Message::text("OPTIONS sip:a SIP/2.0\r\n\r\n"));
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::binary(vec![0xff, 0xfe]));
    socket.send(Message::binary(&b"SIP/2.0 200 OK\r\n\r\n"[..])).await.unwrap();
    assert_eq!(client.received().await, b"SIP/2.0 200 OK\r\n\r\n");
}

#[tokio::test]
async fn keep_alives_are_answered_or_ignored_and_never_delivered() {
    let (mut socket, mut client) = connected().await;
    socket.send(Message::text("\r\n\r\n")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("\r\n"));
    socket.send(Message::Ping((&b"alive?"[..]).into())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong((&b"alive?"[..]).into()));
    socket.send(Message::text("\r\n")).await.unwrap();
    socket.send(Message::text("")).await.unwrap();
    socket.send(Message::Pong((&b"unasked"[..]).into())).await.unwrap();
    socket.send(Message::text("a message")).await.unwrap();
    assert_eq!(client.received().await, b"a message", "the first thing that is delivered");
}

#[tokio::test]
async fn a_probe_is_answered_by_a_live_server() {
    let (mut socket, mut client) = connected().await;
    client.flow.as_ref().unwrap().probe().unwrap();
    // Reading answers the ping.
    let reading = tokio::spawn(async move { while socket.next().await.is_some() {} });
    assert!(matches!(client.next().await, Some(FlowNotice::ProbeAnswered)));
    reading.abort();
}

#[tokio::test]
async fn a_message_beyond_the_limit_ends_the_flow() {
    let (mut socket, mut client) = connected().await;
    socket.send(Message::text("x".repeat(MAX_MESSAGE + 1))).await.unwrap();
    assert_eq!(client.failure().await.kind, FlowErrorKind::Lost);
    assert!(client.next().await.is_none(), "nothing comes after the failure");
}

#[tokio::test]
async fn a_message_of_ten_megabytes_ends_the_flow_whether_it_comes_in_one_frame_or_in_many() {
    let whole = 10 * 1024 * 1024;
    for parts in [1, 1_000] {
        let (mut socket, mut client) = connected().await;
        let part = "MESSAGE sip:a ".repeat(whole / parts / 14);
        let rogue = tokio::spawn(async move {
            for n in 0..parts {
                let data = if n == 0 { Data::Text } else { Data::Continue };
                let frame = Frame::message(part.clone(), OpCode::Data(data), n + 1 == parts);
                if socket.send(Message::Frame(frame)).await.is_err() {
                    return n;
                }
            }
            parts
        });
        let failure = client.failure().await;
        assert_eq!(failure.kind, FlowErrorKind::Lost);
        assert!(failure.detail.contains("too long"), "{}", failure.detail);
        assert!(client.next().await.is_none(), "nothing of it is delivered");
        drop(client);
        assert!(rogue.await.unwrap() < parts || parts == 1, "it is not read to its end");
    }
}

#[tokio::test]
async fn a_server_that_closes_or_dies_is_noticed() {
    let (mut socket, mut client) = connected().await;
    socket.close(None).await.unwrap();
    assert_eq!(client.failure().await.kind, FlowErrorKind::Lost);
    let (socket, mut client) = connected().await;
    drop(socket);
    assert_eq!(client.failure().await.kind, FlowErrorKind::Lost);
}

#[tokio::test]
async fn a_closed_flow_says_goodbye_and_tells_nothing() {
    let (mut socket, mut client) = connected().await;
    client.flow.as_ref().unwrap().send(b"BYE".to_vec()).unwrap();
    client.flow = None;
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("BYE"));
    assert!(matches!(socket.next().await.unwrap().unwrap(), Message::Close(_)));
    assert!(socket.next().await.is_none());
    assert!(client.next().await.is_none());
}

#[tokio::test]
async fn a_flow_that_takes_nothing_is_not_fed_for_ever() {
    let (_socket, client) = connected().await;
    let flow = client.flow.as_ref().unwrap();
    // The task has had no chance to run in between: the queue alone takes these.
    let refused = (0..=SEND_QUEUE).find_map(|_| flow.send(b"x".to_vec()).err());
    assert_eq!(refused.unwrap().kind, FlowErrorKind::Lost);
}

#[test]
fn trust_that_holds_no_certificate_is_refused() {
    for text in ["", "no certificate"] {
        let refused = Connector::new(&Trust::Pem(text.as_bytes().to_vec()));
        assert!(matches!(refused, Err(StartError::Trust(_))));
    }
}
