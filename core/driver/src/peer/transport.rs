//! [`MediaTransport`] over the `webrtc` crate, with what real servers need of it and it does not do.
//!
//! RFC 8829 §4.1 (the order of calls), RFC 3264 §6 (payload types).

use super::addresses::LocalAddresses;
use super::names::Names;
use super::observer::{Observed, Observer};
use super::rtp::{self, Outbound, RtpReceiver, RtpSender};
use super::sockets::Sockets;
use super::tie_breaker::SmallTieBreaker;
use super::{MediaTransport, Negotiated, PeerConfig, PeerEvent, PeerEvents, engine};
use rtc::peer_connection::configuration::RTCOfferOptions;
use rtc::rtp_transceiver::RTCRtpTransceiverDirection;
use rtc::rtp_transceiver::rtp_sender::RTCRtpCodecParameters;
use sidetone_phone::{MediaError, sdp};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, RTCSessionDescription, Registry, StatsSelector,
    configure_rtcp_reports,
    crypto::{self, RTCCryptoProvider},
};

const EVENT_QUEUE: usize = 32;

/// One peer connection with one audio track each way.
pub struct WebRtcTransport {
    connection: Arc<dyn PeerConnection>,
    observed: Arc<Observed>,
    gather_limit: Duration,
    /// One step of an exchange at a time.
    exchange: tokio::sync::Mutex<Exchange>,
    negotiated: Mutex<Option<Negotiated>>,
    sending: AbortHandle,
}

/// What the steps of an exchange remember of each other.
#[derive(Default)]
struct Exchange {
    /// What we described last, as it went to the wire.
    described: Option<String>,
    /// The codecs in it, by our numbers.
    local: Vec<sdp::Codec>,
    /// The other side's ICE user name, which changes when it restarts.
    remote_ufrag: Option<String>,
    /// Our DTLS role, which stays as it is once it is agreed (RFC 8842 §5.3).
    role: Option<DtlsRole>,
}

/// Who sends the ClientHello (RFC 8842 §5).
#[derive(Clone, Copy)]
enum DtlsRole {
    Active,
    Passive,
}

impl DtlsRole {
    /// Ours, where the other side's description says this: the inverse, or ours to choose.
    fn facing(remote: &str) -> Self {
        match value_of(remote, "a=setup:") {
            Some("active") => Self::Passive,
            Some(_) | None => Self::Active,
        }
    }

    /// The stack writes `active` into every answer, whatever was offered.
    fn write_into(self, text: &str) -> String {
        let line = match self {
            Self::Active => "a=setup:active\r\n",
            Self::Passive => "a=setup:passive\r\n",
        };
        let lines = text.split_inclusive('\n');
        lines.map(|l| if l.starts_with("a=setup:") { line } else { l }).collect()
    }
}

impl WebRtcTransport {
    /// Makes a peer connection on the running tokio runtime. Nothing is bound to a codec yet: the
    /// two ends of RTP can go to any thread.
    ///
    /// # Errors
    /// [`MediaError::Engine`] where no socket can be bound or a server's address is wrong.
    pub async fn new(
        config: PeerConfig,
    ) -> Result<(Arc<Self>, PeerEvents, RtpReceiver, RtpSender), MediaError> {
        let provider = crypto::default_provider().map_err(engine_failed)?;
        let provider = Arc::new(SmallTieBreaker::new(provider));
        Self::with(config, provider, engine::codecs()).await
    }

    pub(super) async fn with(
        config: PeerConfig,
        provider: Arc<dyn RTCCryptoProvider>,
        codecs: Vec<RTCRtpCodecParameters>,
    ) -> Result<(Arc<Self>, PeerEvents, RtpReceiver, RtpSender), MediaError> {
        let mut ssrc = [0; 4];
        provider.random().fill(&mut ssrc).map_err(engine_failed)?;
        let ssrc = u32::from_be_bytes(ssrc);

        let (tell, events) = mpsc::channel(EVENT_QUEUE);
        let (sender, outbound) = rtp::outbound();
        let (inbound, receiver) = rtp::inbound();
        let sockets = Arc::new(Sockets::asking(Names::of(&config.ice_servers)));
        let observed =
            Observed::new(tell, inbound, outbound.switch(), config.path_limit, sockets.clone());
        let observed = Arc::new(observed);

        let connection = PeerConnectionBuilder::new()
            .with_configuration(engine::configuration(&config.ice_servers))
            .with_media_engine(engine::media_engine(&codecs).map_err(engine_failed)?)
            .with_interceptor_registry(configure_rtcp_reports(Registry::new()))
            .with_setting_engine(engine::settings(provider))
            .with_handler(Arc::new(Observer(observed.clone())))
            .with_runtime(sockets)
            .with_udp_addrs(vec![LocalAddresses { only: config.bind }])
            .build()
            .await
            .map_err(engine_failed)?;
        let connection: Arc<dyn PeerConnection> = Arc::new(connection);
        // Set once, here.
        let _ = observed.connection.set(Arc::downgrade(&connection));

        let track = Arc::new(TrackLocalStaticRTP::new(engine::track(ssrc)));
        connection.add_track(track.clone() as Arc<dyn TrackLocal>).await.map_err(engine_failed)?;
        for transceiver in connection.get_transceivers().await {
            // Without preferences only the track's own codec is offered, and packets of any other
            // payload type are refused.
            transceiver.set_codec_preferences(codecs.clone()).await.map_err(engine_failed)?;
        }
        let sending = tokio::spawn(send(outbound, track, ssrc)).abort_handle();
        let transport = Self {
            connection,
            observed,
            gather_limit: config.gather_limit,
            exchange: tokio::sync::Mutex::default(),
            negotiated: Mutex::new(None),
            sending,
        };
        Ok((Arc::new(transport), PeerEvents { events }, receiver, sender))
    }

    #[cfg(test)]
    pub(super) fn connection(&self) -> &Arc<dyn PeerConnection> {
        &self.connection
    }

    async fn set_direction(&self, direction: sdp::Direction) -> Result<(), MediaError> {
        let direction = match direction {
            sdp::Direction::SendRecv => RTCRtpTransceiverDirection::Sendrecv,
            sdp::Direction::SendOnly => RTCRtpTransceiverDirection::Sendonly,
            sdp::Direction::RecvOnly => RTCRtpTransceiverDirection::Recvonly,
            sdp::Direction::Inactive => RTCRtpTransceiverDirection::Inactive,
        };
        for transceiver in self.connection.get_transceivers().await {
            transceiver.set_direction(direction).await.map_err(engine_failed)?;
        }
        Ok(())
    }

    /// Applies a description of ours, waits for its candidates, and makes it ready for the wire.
    async fn describe(
        &self,
        description: RTCSessionDescription,
        role: sdp::Role,
        exchange: &mut Exchange,
    ) -> Result<String, MediaError> {
        self.set_local(description).await?;
        let described = self
            .connection
            .local_description()
            .await
            .ok_or_else(|| MediaError::Engine("there is no local description".to_owned()))?;
        let candidates = self.observed.candidates();
        let mut text =
            sdp::normalise_local(&described.sdp, role, &candidates).map_err(engine_failed)?;
        if let Some(role) = exchange.role {
            text = role.write_into(&text);
        }
        if let Some(previous) = &exchange.described {
            text = sdp::continue_session(previous, &text).map_err(engine_failed)?;
        }
        exchange.local = sdp::codecs(&text).map_err(engine_failed)?;
        exchange.described = Some(text.clone());
        self.observed.tell(PeerEvent::Gathered(candidates.len()));
        Ok(text)
    }

    async fn set_local(&self, description: RTCSessionDescription) -> Result<(), MediaError> {
        let mut gathering = self.observed.next_gathering();
        self.connection.set_local_description(description).await.map_err(engine_failed)?;
        // A server that does not answer must not hold up the call: what is there by then is used.
        let _ = tokio::time::timeout(self.gather_limit, gathering.changed()).await;
        Ok(())
    }

    /// The steps of an answer after the offer was read.
    async fn answer_to(
        &self,
        offer: String,
        direction: sdp::Direction,
        exchange: &mut Exchange,
    ) -> Result<String, MediaError> {
        let offer = RTCSessionDescription::offer(offer).map_err(not_acceptable)?;
        self.connection.set_remote_description(offer).await.map_err(not_acceptable)?;
        let answered = async {
            // After the offer, which may have changed it.
            self.set_direction(direction).await?;
            let answer = self.connection.create_answer(None).await.map_err(not_acceptable)?;
            self.describe(answer, sdp::Role::Answer, exchange).await
        };
        match answered.await {
            Ok(answer) => Ok(answer),
            Err(error) => {
                if let Ok(rollback) = RTCSessionDescription::rollback(None) {
                    // The first error is the one to report.
                    let _ = self.connection.set_remote_description(rollback).await;
                }
                Err(error)
            }
        }
    }

    /// Notes what was agreed: the answer's order decides, each side's own numbers hold.
    fn agree(
        &self,
        answer: &[sdp::Codec],
        remote: &[sdp::Codec],
        local: &[sdp::Codec],
    ) -> Result<(), MediaError> {
        // By name alone: each has one clock rate, and the normaliser leaves one telephone-event.
        let remote_number = |wanted: &sdp::Codec| remote.iter().find(|c| c.name == wanted.name);
        let codec = answer
            .iter()
            .filter(|codec| codec.name != TELEPHONE_EVENT)
            .find_map(remote_number)
            .ok_or_else(|| MediaError::NotAcceptable("no codec in common".to_owned()))?
            .clone();
        let telephone_event = answer
            .iter()
            .filter(|codec| codec.name == TELEPHONE_EVENT)
            .find_map(remote_number)
            .cloned();
        let agreed = Negotiated { codec, telephone_event, receive: local.to_vec() };
        *self.negotiated.lock().unwrap_or_else(PoisonError::into_inner) = Some(agreed);
        Ok(())
    }
}

const TELEPHONE_EVENT: &str = "telephone-event";

#[async_trait::async_trait]
impl MediaTransport for WebRtcTransport {
    async fn offer(
        &self,
        direction: sdp::Direction,
        ice_restart: bool,
    ) -> Result<String, MediaError> {
        let mut exchange = self.exchange.lock().await;
        self.set_direction(direction).await?;
        let mut options = None;
        if ice_restart {
            self.observed.new_generation();
            options = Some(RTCOfferOptions { ice_restart: true });
        }
        let offer = self.connection.create_offer(options).await.map_err(engine_failed)?;
        let described = self.describe(offer, sdp::Role::Offer, &mut exchange).await?;
        if ice_restart {
            self.observed.path_left();
        }
        Ok(described)
    }

    async fn answer(&self, offer: &str, direction: sdp::Direction) -> Result<String, MediaError> {
        let mut exchange = self.exchange.lock().await;
        let normalised = sdp::normalise_remote(offer).map_err(not_acceptable)?;
        let remote = sdp::codecs(&normalised).map_err(not_acceptable)?;
        let ufrag = value_of(&normalised, "a=ice-ufrag:").map(str::to_owned);
        let role_before = exchange.role;
        exchange.role.get_or_insert(DtlsRole::facing(&normalised));
        if exchange.remote_ufrag.is_some() && exchange.remote_ufrag != ufrag {
            self.observed.new_generation();
        }
        let answered = self.answer_to(normalised, direction, &mut exchange).await;
        let answer = answered.inspect_err(|_| exchange.role = role_before)?;
        exchange.remote_ufrag = ufrag;
        self.agree(&exchange.local, &remote, &exchange.local)?;
        sdp::fit_answer(&answer, offer).map_err(engine_failed)
    }

    async fn set_remote_answer(&self, answer: &str) -> Result<(), MediaError> {
        let mut exchange = self.exchange.lock().await;
        let normalised = sdp::normalise_remote(answer).map_err(not_acceptable)?;
        let remote = sdp::codecs(&normalised).map_err(not_acceptable)?;
        exchange.remote_ufrag = value_of(&normalised, "a=ice-ufrag:").map(str::to_owned);
        exchange.role.get_or_insert(DtlsRole::facing(&normalised));
        let description = RTCSessionDescription::answer(normalised).map_err(not_acceptable)?;
        self.connection.set_remote_description(description).await.map_err(not_acceptable)?;
        self.observed.expect_path();
        self.agree(&remote, &remote, &exchange.local)
    }

    async fn rollback(&self) -> Result<(), MediaError> {
        let _exchange = self.exchange.lock().await;
        let rollback = RTCSessionDescription::rollback(None).map_err(engine_failed)?;
        self.set_local(rollback).await
    }

    fn expect_path(&self) {
        self.observed.expect_path();
    }

    fn negotiated(&self) -> Option<Negotiated> {
        self.negotiated.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn round_trip(&self) -> Option<Duration> {
        let stats = self.connection.get_stats(Instant::now(), StatsSelector::None).await;
        let used = stats.candidate_pairs().find(|pair| pair.nominated)?;
        let measured = Duration::try_from_secs_f64(used.current_round_trip_time).ok()?;
        (!measured.is_zero()).then_some(measured)
    }

    async fn close(&self) {
        self.sending.abort();
        if let Err(error) = self.connection.close().await {
            log::debug!("the peer connection did not close in good order: {error}");
        }
    }
}

impl Drop for WebRtcTransport {
    fn drop(&mut self) {
        self.sending.abort();
        // The stack's own task lives until it is told to end.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let connection = self.connection.clone();
            runtime.spawn(async move { connection.close().await });
        }
    }
}

impl fmt::Debug for WebRtcTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebRtcTransport").field("negotiated", &self.negotiated()).finish()
    }
}

/// Takes packets out of the ring, one wake-up each, until the coding side is gone.
async fn send(mut packets: Outbound, track: Arc<TrackLocalStaticRTP>, ssrc: u32) {
    while let Some(packet) = packets.next().await {
        let header = rtc::rtp::Header {
            version: 2,
            marker: packet.marker,
            payload_type: packet.payload_type,
            sequence_number: packet.sequence,
            timestamp: packet.timestamp,
            ssrc,
            ..Default::default()
        };
        let payload = bytes::Bytes::copy_from_slice(packet.payload());
        if let Err(error) = track.write_rtp(rtc::rtp::Packet { header, payload }).await {
            log::debug!("a packet did not leave: {error}");
        }
    }
}

/// The value of the first line that begins like this.
fn value_of<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(prefix)).map(str::trim)
}

fn not_acceptable(error: impl fmt::Display) -> MediaError {
    MediaError::NotAcceptable(error.to_string())
}

fn engine_failed(error: impl fmt::Display) -> MediaError {
    MediaError::Engine(error.to_string())
}
