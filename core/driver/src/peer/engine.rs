//! The WebRTC stack's settings: our codecs, quick checks, fresh sockets on a restart.
//!
//! RFC 7587 (Opus), RFC 3551 §4.5.14 (G.711), RFC 4733 (telephone-event), RFC 8445 §14 (pacing).

use crate::IceServer;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::media_engine::{
    MIME_TYPE_OPUS, MIME_TYPE_PCMA, MIME_TYPE_PCMU, MIME_TYPE_TELEPHONE_EVENT,
};
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RtpCodecKind,
};
use rtc::shared::error::Result;
use std::sync::Arc;
use std::time::Duration;
use webrtc::peer_connection::{
    MediaEngine, RTCBundlePolicy, RTCConfiguration, RTCConfigurationBuilder, RTCIceServer,
    SettingEngine, SettingEngineBuilder, crypto::RTCCryptoProvider,
};

/// The stack nominates, and DTLS starts, at a check's tick only: with its default of 200 ms a call
/// is silent for that long.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);
/// Five seconds of checks before a pair counts as failed.
const CHECKS: u16 = 250;

/// Silence after which a path counts as disconnected, from which it may recover.
const SILENCE: Duration = Duration::from_secs(3);
/// The stack never gives a path up by itself: its clock runs while the phone rings.
const NEVER: Duration = Duration::from_secs(24 * 3600);

/// What we speak, best first, with the numbers that our offers use.
pub(super) fn codecs() -> Vec<RTCRtpCodecParameters> {
    vec![
        codec(111, MIME_TYPE_OPUS, 48_000, 2, "minptime=10;useinbandfec=1"),
        codec(0, MIME_TYPE_PCMU, 8_000, 1, ""),
        codec(8, MIME_TYPE_PCMA, 8_000, 1, ""),
        // One only: the stack does not tell two clock rates of it apart.
        codec(101, MIME_TYPE_TELEPHONE_EVENT, 48_000, 1, "0-16"),
    ]
}

pub(super) fn media_engine(codecs: &[RTCRtpCodecParameters]) -> Result<MediaEngine> {
    let mut engine = MediaEngine::default();
    for codec in codecs {
        engine.register_codec(codec.clone(), RtpCodecKind::Audio)?;
    }
    Ok(engine)
}

pub(super) fn settings(provider: Arc<dyn RTCCryptoProvider>) -> SettingEngine {
    SettingEngineBuilder::new()
        .with_crypto_provider(provider)
        .with_ice_connection_attempts(Some(CHECK_INTERVAL), Some(CHECKS))
        .with_ice_timeouts(Some(SILENCE), Some(NEVER), None)
        // Asterisk starts no checks where the addresses stay the same; and the old ones may be gone.
        .with_discard_local_candidates_during_ice_restart(true)
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .build()
}

pub(super) fn configuration(servers: &[IceServer]) -> RTCConfiguration {
    let servers = servers.iter().map(|server| RTCIceServer {
        urls: vec![server.url.clone()],
        username: server.username.clone().unwrap_or_default(),
        credential: server.credential.as_ref().map(|c| c.expose().to_owned()).unwrap_or_default(),
    });
    RTCConfigurationBuilder::new()
        .with_bundle_policy(RTCBundlePolicy::MaxBundle)
        .with_ice_servers(servers.collect())
        .build()
}

/// The one track that carries our audio and our digits.
pub(super) fn track(ssrc: u32) -> MediaStreamTrack {
    let rtp_coding_parameters = RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() };
    let opus = RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.to_owned(),
        clock_rate: 48_000,
        channels: 2,
        ..Default::default()
    };
    MediaStreamTrack::new(
        "sidetone".to_owned(),
        "audio".to_owned(),
        "audio".to_owned(),
        RtpCodecKind::Audio,
        vec![RTCRtpEncodingParameters { rtp_coding_parameters, codec: opus, ..Default::default() }],
    )
}

fn codec(
    payload_type: u8,
    mime_type: &str,
    clock_rate: u32,
    channels: u16,
    fmtp: &str,
) -> RTCRtpCodecParameters {
    let rtp_codec = RTCRtpCodec {
        mime_type: mime_type.to_owned(),
        clock_rate,
        channels,
        sdp_fmtp_line: fmtp.to_owned(),
        rtcp_feedback: Vec::new(),
    };
    RTCRtpCodecParameters { rtp_codec, payload_type }
}
