//! Phones that connect: TLS and WebSocket, one task a flow (RFC 7118, RFC 6455).

use super::Report;
use futures_util::{SinkExt as _, StreamExt as _};
use sidetone_pbx::FlowId;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};

/// The largest message taken from a phone.
const MAX_MESSAGE: usize = 64 * 1024;
/// Messages that may wait for a slow phone.
const QUEUE: usize = 64;
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
const SEND_LIMIT: Duration = Duration::from_secs(10);
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// Accepts phones for ever; one more than `most` at a time is turned away.
pub(super) async fn listen(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    most: usize,
    reports: mpsc::Sender<Report>,
) {
    let slots = Arc::new(Semaphore::new(most));
    for number in 1.. {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                log::warn!("no connection can be accepted: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(slot) = slots.clone().try_acquire_owned() else { continue };
        let (acceptor, reports) = (acceptor.clone(), reports.clone());
        tokio::spawn(async move {
            match timeout(HANDSHAKE_LIMIT, open(stream, acceptor)).await {
                Ok(Ok(socket)) => serve(socket, peer, FlowId(number), &reports).await,
                Ok(Err(error)) => log::info!("{peer} did not connect: {error}"),
                Err(_) => log::info!("{peer} did not connect in time"),
            }
            drop(slot);
        });
    }
}

async fn open(stream: TcpStream, acceptor: TlsAcceptor) -> io::Result<Socket> {
    stream.set_nodelay(true)?;
    let stream = acceptor.accept(stream).await?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    tokio_tungstenite::accept_hdr_async_with_config(stream, choose_sip, Some(limits))
        .await
        .map_err(io::Error::other)
}

/// Accepts the subprotocol `sip` on `/ws`, and nothing else (RFC 7118 §4).
#[allow(clippy::result_large_err, reason = "the type is tungstenite's")]
fn choose_sip(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    const NAME: &str = "Sec-WebSocket-Protocol";
    let mut offered = request
        .headers()
        .get_all(NAME)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let status = if request.uri().path() != "/ws" {
        StatusCode::NOT_FOUND
    } else if !offered.any(|name| name.trim().eq_ignore_ascii_case("sip")) {
        StatusCode::BAD_REQUEST
    } else {
        response.headers_mut().insert(NAME, HeaderValue::from_static("sip"));
        return Ok(response);
    };
    let mut refusal = ErrorResponse::new(None);
    *refusal.status_mut() = status;
    Err(refusal)
}

async fn serve(mut socket: Socket, peer: SocketAddr, flow: FlowId, reports: &mpsc::Sender<Report>) {
    let (messages, mut queue) = mpsc::channel(QUEUE);
    if reports.send(Report::Opened { flow, peer, messages }).await.is_err() {
        return;
    }
    if let Err(error) = carry(&mut socket, &mut queue, flow, reports).await {
        log::info!("{flow:?} of {peer} is lost: {error}");
    }
    // The owner is gone: nobody wants to know.
    let _ = reports.send(Report::Closed { flow }).await;
}

async fn carry(
    socket: &mut Socket,
    queue: &mut mpsc::Receiver<Vec<u8>>,
    flow: FlowId,
    reports: &mpsc::Sender<Report>,
) -> io::Result<()> {
    loop {
        let message = tokio::select! {
            bytes = queue.recv() => match bytes {
                Some(bytes) => {
                    let sending = socket.send(frame(bytes));
                    timeout(SEND_LIMIT, sending).await?.map_err(io::Error::other)?;
                    continue;
                }
                None => {
                    // The phone may be gone already.
                    let _ = timeout(CLOSE_LIMIT, socket.close(None)).await;
                    return Ok(());
                }
            },
            message = socket.next() => message,
        };
        let bytes = match message {
            Some(Ok(Message::Text(text))) => text.as_bytes().to_vec(),
            Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
            // Pings are answered by the library.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
            Some(Ok(Message::Close(_))) | None => return Ok(()),
            Some(Err(error)) => return Err(io::Error::other(error)),
        };
        if reports.send(Report::Received { flow, bytes }).await.is_err() {
            return Ok(());
        }
    }
}

/// Text, unless it is none (RFC 7118 §5).
fn frame(bytes: Vec<u8>) -> Message {
    match String::from_utf8(bytes) {
        Ok(text) => Message::text(text),
        Err(error) => Message::binary(error.into_bytes()),
    }
}
