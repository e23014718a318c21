//! The stack's sockets, with an ear for the DTLS handshake that passes through them ([`super::flight`]), and those that
//! an ICE restart leaves: media goes on over them until there is another path (RFC 8445 §9).
//!
//! The stack closes its sockets and opens others when a restart is offered; its agent (`rtc-ice` of this repository)
//! says from then on that media goes from one of the new ones to where it went before. Here it leaves by the old one.

use super::flight::Flight;
use super::names::Names;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, RecvMeta, Runtime,
    TokioRuntime, Transmit,
};

/// As many sockets that were left are listened to: those of two restarts in a row.
const MOST_LEFT: usize = 8;

/// tokio, but for the sockets of one peer connection, and the names that it asks for.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    paths: Arc<Mutex<Paths>>,
    names: Names,
}

/// What a peer connection's sockets know of each other.
#[derive(Debug, Default)]
struct Paths {
    /// The socket that media leaves by.
    carrier: Weak<Line>,
    /// A restart looks for a path: the carrier stays.
    is_moving: bool,
    /// What the stack has closed since the last path was found: what is sent there still comes.
    left: Vec<Arc<Line>>,
}

impl Sockets {
    /// Of a peer connection that asks servers of these names.
    pub(super) fn asking(names: Names) -> Self {
        Self { names, ..Self::default() }
    }

    /// A restart begins: the stack will close its sockets.
    pub(super) fn leave(&self) {
        let mut paths = lock(&self.paths);
        if !std::mem::replace(&mut paths.is_moving, true) {
            paths.left.clear();
        }
    }

    /// There is a path.
    pub(super) fn arrive(&self) {
        lock(&self.paths).is_moving = false;
    }
}

impl Runtime for Sockets {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Box<dyn JoinHandle> {
        TokioRuntime.spawn(future)
    }

    fn spawn_reactor(
        &self,
        reactor_pool_size: usize,
        future: Pin<Box<dyn Future<Output = ()> + Send>>,
    ) -> Box<dyn JoinHandle> {
        TokioRuntime.spawn_reactor(reactor_pool_size, future)
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let inner = TokioRuntime.wrap_udp_socket(socket)?;
        let line = Arc::new(Line { inner, flight: Mutex::default() });
        Ok(Arc::new(Socket { line, paths: self.paths.clone() }))
    }

    fn wrap_tcp_listener(
        &self,
        listener: std::net::TcpListener,
    ) -> io::Result<Arc<dyn AsyncTcpListener>> {
        TokioRuntime.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(
        &'a self,
        remote_addr: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = io::Result<Arc<dyn AsyncTcpStream>>> + Send + 'a>> {
        TokioRuntime.connect_tcp(remote_addr)
    }

    fn resolve_host<'a>(
        &'a self,
        host: &'a str,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        Box::pin(self.names.resolve(host))
    }

    fn now(&self) -> Instant {
        TokioRuntime.now()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        TokioRuntime.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        TokioRuntime.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        TokioRuntime.block_on(future);
    }

    fn yield_now(&self) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        TokioRuntime.yield_now()
    }

    fn name(&self) -> &'static str {
        TokioRuntime.name()
    }
}

/// A socket, and what it has seen of the handshake.
#[derive(Debug)]
struct Line {
    inner: Arc<dyn AsyncUdpSocket>,
    flight: Mutex<Flight>,
}

impl Line {
    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let sent = self.inner.poll_send(cx, transmit);
        if sent.is_ready() && Flight::is_dtls(transmit.contents) {
            let size = transmit.segment_size.unwrap_or(transmit.contents.len()).max(1);
            let now = Instant::now();
            for datagram in transmit.contents.chunks(size) {
                lock(&self.flight).sent(transmit.destination, datagram, now);
            }
        }
        sent
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = self.inner.poll_recv(cx, bufs, meta);
        let Poll::Ready(Ok(count)) = received else { return received };
        for (buffer, meta) in bufs.iter().zip(meta.iter_mut()).take(count) {
            let bytes = buffer.get(..meta.len).unwrap_or_default();
            if !Flight::is_dtls(bytes) {
                continue;
            }
            let first = bytes.chunks(meta.stride.max(1)).next().unwrap_or_default();
            if lock(&self.flight).is_early(first) {
                (meta.len, meta.stride) = (0, 1);
                continue;
            }
            let mut is_stale = true;
            for datagram in bytes.chunks(meta.stride.max(1)) {
                is_stale &= lock(&self.flight).is_stale(datagram);
                let again = lock(&self.flight).received(datagram, Instant::now());
                for (destination, contents) in again {
                    let contents = &contents[..];
                    let (ecn, segment_size, src_ip) = (None, None, None);
                    let transmit = Transmit { destination, ecn, contents, segment_size, src_ip };
                    // What does not leave now is lost, as anything may be.
                    let _ = self.inner.poll_send(cx, &transmit);
                }
            }
            if is_stale {
                (meta.len, meta.stride) = (0, 1);
            }
        }
        received
    }
}

/// A socket as the stack has it.
#[derive(Debug)]
struct Socket {
    line: Arc<Line>,
    paths: Arc<Mutex<Paths>>,
}

impl Socket {
    /// The socket that media is to leave by instead of this one. Without a restart it is this one.
    fn carrier(&self) -> Option<Arc<Line>> {
        let mut paths = lock(&self.paths);
        if !paths.is_moving {
            paths.carrier = Arc::downgrade(&self.line);
            return None;
        }
        let is_carrier =
            |line: &&Arc<Line>| std::ptr::eq(paths.carrier.as_ptr(), Arc::as_ptr(line));
        paths.left.iter().find(is_carrier).cloned()
    }

    /// What comes over the sockets that were left. Checks are none of the stack's any more.
    fn poll_left(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let left = lock(&self.paths).left.clone();
        for line in left {
            while let Poll::Ready(received) = line.poll_recv(cx, bufs, meta) {
                // Its network is gone.
                let Ok(count) = received else { break };
                let first = bufs.first().zip(meta.first());
                if first.is_some_and(|(buffer, meta)| meta.len > 0 && is_media(buffer)) {
                    return Poll::Ready(Ok(count));
                }
            }
        }
        Poll::Pending
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let mut paths = lock(&self.paths);
        if paths.is_moving && paths.left.len() < MOST_LEFT {
            paths.left.push(self.line.clone());
        }
    }
}

impl AsyncUdpSocket for Socket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.line.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        if is_media(transmit.contents)
            && let Some(carrier) = self.carrier()
        {
            // Where its network is gone it is lost, as everything is until there is a path.
            return carrier.poll_send(cx, transmit).map(|sent| Ok(sent.unwrap_or_default()));
        }
        self.line.poll_send(cx, transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        match self.poll_left(cx, bufs, meta) {
            Poll::Pending => self.line.poll_recv(cx, bufs, meta),
            received @ Poll::Ready(_) => received,
        }
    }

    fn max_gso_segments(&self) -> usize {
        self.line.inner.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.line.inner.max_gro_segments()
    }
}

/// Whether it is DTLS, RTP or RTCP by its first byte (RFC 7983 §7).
fn is_media(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(20..=63 | 128..=191))
}

/// The data behind these locks is whole at every moment, even if a holder panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEDIA: [u8; 2] = [128, 111];
    const CHECK: [u8; 2] = [0, 1];

    fn socket(sockets: &Sockets) -> (Arc<dyn AsyncUdpSocket>, SocketAddr) {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        (sockets.wrap_udp_socket(socket).unwrap(), address)
    }

    /// Where the far end sees this come from.
    async fn source(
        from: &Arc<dyn AsyncUdpSocket>,
        bytes: &[u8],
        far: &tokio::net::UdpSocket,
    ) -> SocketAddr {
        from.send_to(bytes, far.local_addr().unwrap()).await.unwrap();
        far.recv_from(&mut [0; 9]).await.unwrap().1
    }

    async fn received(by: &Arc<dyn AsyncUdpSocket>) -> Vec<u8> {
        let mut bytes = [0; 9];
        let (length, _) = by.recv_from(&mut bytes).await.unwrap();
        bytes[..length].to_vec()
    }

    #[tokio::test]
    async fn media_goes_by_the_socket_that_is_left_until_there_is_a_path_and_checks_do_not() {
        let sockets = Sockets::default();
        let far = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (old, old_address) = socket(&sockets);
        assert_eq!(source(&old, &MEDIA, &far).await, old_address);
        sockets.leave();
        assert_eq!(source(&old, &MEDIA, &far).await, old_address);
        drop(old);
        let (new, new_address) = socket(&sockets);
        assert_eq!(source(&new, &CHECK, &far).await, new_address);
        assert_eq!(source(&new, &MEDIA, &far).await, old_address);
        far.send_to(&CHECK, old_address).await.unwrap();
        far.send_to(&MEDIA, old_address).await.unwrap();
        assert_eq!(received(&new).await, MEDIA, "a check of the old credentials is nobody's");
        far.send_to(&CHECK, new_address).await.unwrap();
        assert_eq!(received(&new).await, CHECK);
        sockets.arrive();
        assert_eq!(source(&new, &MEDIA, &far).await, new_address);
        far.send_to(&MEDIA, old_address).await.unwrap();
        assert_eq!(received(&new).await, MEDIA, "what was on its way still comes");
    }
}
