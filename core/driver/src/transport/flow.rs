//! One flow's life: connect, then carry frames until it is closed or lost.
//!
//! RFC 7118 §4 (subprotocol), §5 (one message a frame), RFC 6455 §5.5 (ping, pong, close),
//! RFC 5626 §3.5.1 (CRLF).

use super::{FlowNotice, MAX_MESSAGE, Reporter, Request, dial, error, tls};
use crate::Milestone;
use futures_util::{SinkExt, StreamExt};
use rustls::ClientConfig;
use sidetone_phone::{FlowError, FlowErrorKind, ServerAddress};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message, handshake, http, protocol::WebSocketConfig};

/// A connection that takes no byte for so long is lost.
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// How long the closing handshake may take before the connection is dropped.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
const READ_BUFFER: usize = 8 * 1024;

type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// Runs until the requests end, or the connection does.
pub(super) async fn run(
    config: Arc<ClientConfig>,
    server: ServerAddress,
    limit: Duration,
    mut requests: mpsc::Receiver<Request>,
    reporter: Reporter,
) {
    let opening = timeout(limit, open(config, &server, &reporter));
    let opened = tokio::select! {
        opened = opening => opened,
        () = abandoned(&mut requests) => return,
    };
    let mut socket = match opened {
        Ok(Ok(socket)) => socket,
        Ok(Err(failure)) => return reporter.tell(FlowNotice::Failed(failure)).await,
        Err(_) => {
            let detail = format!("{}:{} after {limit:?}", server.host, server.port);
            let failure = error(FlowErrorKind::TimedOut, detail);
            return reporter.tell(FlowNotice::Failed(failure)).await;
        }
    };
    reporter.tell(FlowNotice::Opened).await;
    if let Err(failure) = carry(&mut socket, &mut requests, &reporter).await {
        reporter.tell(FlowNotice::Failed(failure)).await;
    }
}

/// Ends when the flow was closed before it was open. A message asked for too early is not kept: the
/// phone sends on open flows only.
async fn abandoned(requests: &mut mpsc::Receiver<Request>) {
    while requests.recv().await.is_some() {}
}

async fn open(
    config: Arc<ClientConfig>,
    server: &ServerAddress,
    reporter: &Reporter,
) -> Result<Socket, FlowError> {
    let tcp = dial::dial(server, reporter).await?;
    let (stream, summary) = tls::connect(config, server, tcp).await?;
    reporter.milestone(Milestone::TlsEstablished(summary)).await;
    let request = upgrade(server).map_err(|e| error(FlowErrorKind::WebSocket, e))?;
    let limits = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let (socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(limits))
        .await
        .map_err(|e| error(refusal(&e), e))?;
    reporter.milestone(Milestone::WebSocketOpen).await;
    Ok(socket)
}

/// What an upgrade that failed tells: a server or proxy in trouble passes, an answer that is none
/// does not.
fn refusal(failure: &tungstenite::Error) -> FlowErrorKind {
    use tungstenite::Error::{ConnectionClosed, Http, Io, Protocol};
    use tungstenite::error::ProtocolError::HandshakeIncomplete;
    if matches!(failure, Http(response) if response.status().is_server_error()) {
        FlowErrorKind::Unreachable
    } else if matches!(failure, Io(_) | ConnectionClosed | Protocol(HandshakeIncomplete)) {
        FlowErrorKind::Lost
    } else {
        FlowErrorKind::WebSocket
    }
}

/// The opening request. Its `sip` subprotocol must be accepted (RFC 7118 §4); tungstenite refuses a
/// response without it.
fn upgrade(server: &ServerAddress) -> http::Result<http::Request<()>> {
    http::Request::builder()
        .uri(server.to_string())
        .header("Host", format!("{}:{}", server.host, server.port))
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", handshake::client::generate_key())
        .header("Sec-WebSocket-Protocol", "sip")
        .body(())
}

async fn carry(
    socket: &mut Socket,
    requests: &mut mpsc::Receiver<Request>,
    reporter: &Reporter,
) -> Result<(), FlowError> {
    loop {
        tokio::select! {
            biased;
            request = requests.recv() => match request {
                Some(Request::Send(bytes)) => send(socket, frame(bytes)).await?,
                Some(Request::Probe) => send(socket, Message::Ping(PROBE.into())).await?,
                None => {
                    close(socket).await;
                    return Ok(());
                }
            },
            message = socket.next() => match message {
                Some(Ok(message)) => take(socket, message, reporter).await?,
                Some(Err(failure)) => return Err(lost(failure)),
                None => return Err(error(FlowErrorKind::Lost, "the server closed it")),
            },
        }
    }
}

const PROBE: &[u8] = b"sidetone";

async fn take(socket: &mut Socket, message: Message, reporter: &Reporter) -> Result<(), FlowError> {
    let payload = match message {
        Message::Text(text) => text.as_bytes().to_vec(),
        Message::Binary(bytes) => bytes.to_vec(),
        // tungstenite has queued the pong; it must also leave.
        Message::Ping(_) => return flush(socket).await,
        Message::Pong(payload) if payload == PROBE => {
            reporter.tell(FlowNotice::ProbeAnswered).await;
            return Ok(());
        }
        Message::Pong(_) | Message::Frame(_) => return Ok(()),
        Message::Close(frame) => {
            let reason = frame.map(|f| format!(": {f}")).unwrap_or_default();
            let _ = timeout(CLOSE_LIMIT, socket.flush()).await;
            return Err(error(FlowErrorKind::Lost, format!("the server closed it{reason}")));
        }
    };
    match payload.as_slice() {
        b"\r\n\r\n" => send(socket, Message::text("\r\n")).await,
        b"" | b"\r\n" => Ok(()),
        _ => {
            reporter.tell(FlowNotice::Received(payload)).await;
            Ok(())
        }
    }
}

/// Text where the message is UTF-8, binary where it is not (RFC 7118 §5).
fn frame(bytes: Vec<u8>) -> Message {
    match String::from_utf8(bytes) {
        Ok(text) => Message::text(text),
        Err(other) => Message::binary(other.into_bytes()),
    }
}

async fn send(socket: &mut Socket, message: Message) -> Result<(), FlowError> {
    within_limit(socket.send(message)).await
}

async fn flush(socket: &mut Socket) -> Result<(), FlowError> {
    within_limit(socket.flush()).await
}

async fn within_limit(
    work: impl Future<Output = Result<(), tungstenite::Error>>,
) -> Result<(), FlowError> {
    match timeout(SEND_LIMIT, work).await {
        Ok(done) => done.map_err(lost),
        Err(_) => Err(error(FlowErrorKind::Lost, "the connection takes no more bytes")),
    }
}

/// Closes with the handshake of RFC 6455 §7, within its limit.
async fn close(socket: &mut Socket) {
    let goodbye = async {
        if socket.close(None).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    let _ = timeout(CLOSE_LIMIT, goodbye).await;
}

fn lost(failure: tungstenite::Error) -> FlowError {
    error(FlowErrorKind::Lost, failure)
}
