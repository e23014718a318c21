//! What the WebRTC stack tells, sorted: candidates of the running generation, states, packets.

use super::PeerEvent;
use super::rtp::{Inbound, RtpPacket, Shared};
use super::sockets::Sockets;
use sidetone_phone::MediaError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionEventHandler, RTCIceConnectionState, RTCIceGatheringState,
    RTCPeerConnectionIceEvent, RTCPeerConnectionState,
};

/// A DTLS handshake that takes longer has failed, though the stack only logs why.
const DTLS_LIMIT: Duration = Duration::from_secs(10);

/// What the transport and the stack's callbacks share.
pub(super) struct Observed {
    pub(super) connection: OnceLock<Weak<dyn PeerConnection>>,
    events: mpsc::Sender<PeerEvent>,
    /// Counts the ends of gathering passes; each local description starts one.
    gathered: watch::Sender<u64>,
    candidates: Mutex<Vec<String>>,
    inbound: Mutex<Inbound>,
    switch: Arc<Shared>,
    ice_connected: AtomicBool,
    connected: AtomicBool,
    path_limit: Duration,
    /// Counts the changes of the path, so that a time limit knows whether it still matters.
    path_changes: AtomicU64,
    path_is_up: AtomicBool,
    heard: Mutex<Heard>,
    sockets: Arc<Sockets>,
}

/// When packets came in, and whether it is to be told that they do again.
#[derive(Default)]
struct Heard {
    last: Option<Instant>,
    /// The path was lost or left; it is told of the first packet after it stands.
    lost: bool,
    /// The longest time without a packet since then: some may come before it stands.
    gap: Duration,
    /// It stands again.
    stands: bool,
}

/// The stack's handler.
pub(super) struct Observer(pub(super) Arc<Observed>);

impl Observed {
    pub(super) fn new(
        events: mpsc::Sender<PeerEvent>,
        inbound: Inbound,
        switch: Arc<Shared>,
        path_limit: Duration,
        sockets: Arc<Sockets>,
    ) -> Self {
        Self {
            connection: OnceLock::new(),
            events,
            gathered: watch::Sender::new(0),
            candidates: Mutex::new(Vec::new()),
            inbound: Mutex::new(inbound),
            switch,
            ice_connected: AtomicBool::new(false),
            connected: AtomicBool::new(false),
            path_limit,
            path_changes: AtomicU64::new(0),
            path_is_up: AtomicBool::new(false),
            heard: Mutex::default(),
            sockets,
        }
    }

    /// From now on the other side is to be heard of. The stack's own limit would run while the
    /// phone rings, when the other side does not know our description yet.
    pub(super) fn expect_path(self: &Arc<Self>) {
        if self.path_is_up.load(Ordering::SeqCst) {
            return;
        }
        let change = self.path_changes.fetch_add(1, Ordering::SeqCst) + 1;
        let (observed, limit) = (Arc::downgrade(self), self.path_limit);
        tokio::spawn(async move {
            tokio::time::sleep(limit).await;
            if let Some(observed) = observed.upgrade()
                && observed.path_changes.load(Ordering::SeqCst) == change
            {
                observed.tell(PeerEvent::Failed(MediaError::NoPath));
            }
        });
    }

    /// The path in use is left for another.
    pub(super) fn path_left(self: &Arc<Self>) {
        if self.connected.load(Ordering::SeqCst) {
            self.path_changed(false);
        }
    }

    fn path_changed(self: &Arc<Self>, is_up: bool) {
        let mut heard = lock(&self.heard);
        heard.lost |= !is_up;
        heard.stands = is_up;
        drop(heard);
        self.path_is_up.store(is_up, Ordering::SeqCst);
        self.path_changes.fetch_add(1, Ordering::SeqCst);
        if !is_up {
            self.expect_path();
        }
    }

    /// Tells whoever listens. A listener that lets a whole queue of events lie is gone.
    pub(super) fn tell(&self, event: PeerEvent) {
        if let Err(refused) = self.events.try_send(event) {
            log::debug!("nobody takes this event of the peer connection: {refused}");
        }
    }

    /// A gathering pass that ends after this call changes the watch.
    pub(super) fn next_gathering(&self) -> watch::Receiver<u64> {
        self.gathered.subscribe()
    }

    /// New credentials and sockets: the candidates so far are dead, though the stack lists them on.
    pub(super) fn new_generation(&self) {
        lock(&self.candidates).clear();
        self.sockets.leave();
    }

    /// The candidates of the running generation.
    pub(super) fn candidates(&self) -> Vec<String> {
        lock(&self.candidates).clone()
    }

    /// Hands on every packet, also of types that nobody negotiated: their sequence numbers are used up,
    /// and whoever decodes tells them from audio.
    pub(super) fn deliver(&self, packet: &rtc::rtp::Packet) {
        let header = &packet.header;
        let packet = RtpPacket::new(
            header.payload_type,
            header.marker,
            header.sequence_number,
            header.timestamp,
            &packet.payload,
        );
        if let Some(packet) = packet {
            self.note_packet();
            lock(&self.inbound).deliver(header.ssrc, packet);
        }
    }

    fn note_packet(&self) {
        let now = Instant::now();
        let mut heard = lock(&self.heard);
        let last = heard.last.replace(now);
        if !heard.lost {
            return;
        }
        heard.gap = heard.gap.max(last.map_or(Duration::ZERO, |last| now - last));
        if heard.stands {
            heard.lost = false;
            let gap = std::mem::take(&mut heard.gap);
            drop(heard);
            self.tell(PeerEvent::Resumed { gap });
        }
    }

    async fn ice_connected(self: &Arc<Self>) {
        self.sockets.arrive();
        let pair = self.selected_pair().await.unwrap_or_else(|| "a pair".to_owned());
        self.tell(PeerEvent::IceConnected(pair));
        if !self.ice_connected.swap(true, Ordering::SeqCst) {
            let observed = Arc::downgrade(self);
            tokio::spawn(async move {
                tokio::time::sleep(DTLS_LIMIT).await;
                if let Some(observed) = observed.upgrade()
                    && !observed.connected.load(Ordering::SeqCst)
                {
                    observed.tell(PeerEvent::Failed(no_handshake()));
                }
            });
        }
    }

    async fn selected_pair(&self) -> Option<String> {
        let connection = self.connection.get()?.upgrade()?;
        let sender = connection.get_senders().await.into_iter().next()?;
        let ice = sender.transport().await.ok()??.ice_transport();
        let pair = ice.get_selected_candidate_pair().await.ok()??;
        let (local, remote) = (pair.local(), pair.remote());
        Some(format!(
            "{} {} - {}",
            local.typ,
            endpoint(&local.address, local.port),
            endpoint(&remote.address, remote.port)
        ))
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Observer {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        match event.candidate.to_json() {
            Ok(init) => {
                let mut candidates = lock(&self.0.candidates);
                if !candidates.contains(&init.candidate) {
                    candidates.push(init.candidate);
                }
            }
            Err(error) => log::debug!("a local candidate cannot be written: {error}"),
        }
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.0.gathered.send_modify(|passes| *passes += 1);
        }
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        log::debug!("ICE is {state}");
        if state == RTCIceConnectionState::Connected {
            self.0.ice_connected().await;
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        log::debug!("the peer connection is {state}");
        if state == RTCPeerConnectionState::Disconnected {
            self.0.path_changed(false);
            self.0.tell(PeerEvent::Disconnected);
        } else if state == RTCPeerConnectionState::Connected {
            self.0.path_changed(true);
            self.0.connected.store(true, Ordering::SeqCst);
            self.0.switch.set_ready();
            self.0.tell(PeerEvent::Connected);
        } else if state == RTCPeerConnectionState::Failed {
            let handshaking = self.0.ice_connected.load(Ordering::SeqCst)
                && !self.0.connected.load(Ordering::SeqCst);
            let error = if handshaking { no_handshake() } else { MediaError::NoPath };
            self.0.tell(PeerEvent::Failed(error));
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let observed = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                let Some(observed) = observed.upgrade() else { return };
                if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                    observed.deliver(&packet);
                }
            }
        });
    }
}

fn no_handshake() -> MediaError {
    MediaError::Dtls("the handshake did not finish".to_owned())
}

fn endpoint(address: &str, port: u16) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

/// The data behind these locks is whole at every moment, even if a holder panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::rtp;
    use super::*;

    #[tokio::test]
    async fn a_gap_is_the_longest_time_without_a_packet_while_the_path_is_lost() {
        let (tell, mut events) = mpsc::channel(4);
        let (inbound, _receiver) = rtp::inbound();
        let (_sender, outbound) = rtp::outbound();
        let limit = Duration::from_secs(9);
        let observed = Observed::new(tell, inbound, outbound.switch(), limit, Arc::default());
        let observed = Arc::new(observed);
        let pause = |ms| tokio::time::sleep(Duration::from_millis(ms));
        observed.note_packet();
        pause(150).await;
        observed.note_packet();
        observed.path_changed(false);
        pause(60).await;
        // These come before the path is told to stand, as over one that is left.
        observed.note_packet();
        observed.note_packet();
        observed.path_changed(true);
        observed.note_packet();
        observed.note_packet();
        let Ok(PeerEvent::Resumed { gap }) = events.try_recv() else { panic!("it is told") };
        assert!(gap >= Duration::from_millis(60) && gap < Duration::from_millis(150), "{gap:?}");
        assert!(events.try_recv().is_err(), "once");
    }
}
