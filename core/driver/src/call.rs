//! One call outside the phone: a task that drives its peer connection, and what the media thread is
//! to know of it.
//!
//! Describing takes time (STUN, TURN), so each call has a task of its own that does one step after
//! another while the phone goes on.

use crate::media::{CallMedia, Coders, Command, MediaThread};
use crate::peer::{
    MediaTransport, Negotiated, PeerConfig, PeerEvent, PeerEvents, RtpReceiver, RtpSender,
    WebRtcTransport,
};
use crate::{Milestone, random};
use sidetone_media::opus::OpusSettings;
use sidetone_media::playout::PlayoutConfig;
use sidetone_media::uplink::Gate;
use sidetone_media::{Codec, Downlink, DownlinkConfig, Uplink, UplinkConfig};
use sidetone_phone::{CallId, DescribeRequest, Generation, Input, MediaError, QualityReport, sdp};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Steps that may wait for the one before them; a phone has one exchange open at a time.
const ASKS: usize = 16;

/// What a call's task is asked. It ends when nobody can ask any more.
pub(crate) enum Ask {
    Describe {
        generation: Generation,
        request: DescribeRequest,
    },
    SetRemoteAnswer(String),
    Rollback,
    /// The other side has our answer.
    ExpectPath,
    /// Adds the round trip to a report and hands it on.
    Measure(Box<QualityReport>),
}

/// What a call's task tells.
pub(crate) enum CallNotice {
    /// The peer connection is there, with its two ends of RTP.
    Made(RtpReceiver, RtpSender),
    /// An exchange is complete.
    Negotiated(Negotiated),
    Milestone(Milestone),
    Input(Input),
}

/// What the phone's task keeps of a call.
pub(crate) struct Call {
    id: CallId,
    asks: mpsc::Sender<Ask>,
    gate: Gate,
    downlink_open: bool,
    joined: bool,
    ends: Option<(RtpReceiver, RtpSender)>,
    /// What the media thread codes with.
    coding: Option<Negotiated>,
}

impl Call {
    /// A call whose peer connection is made by its first description.
    pub(crate) fn start(
        id: CallId,
        config: PeerConfig,
        notices: mpsc::Sender<(CallId, CallNotice)>,
    ) -> Self {
        let (asks, queue) = mpsc::channel(ASKS);
        let session = Session { call: id, config, notices, peer: None };
        tokio::spawn(session.run(queue));
        Self {
            id,
            asks,
            gate: Gate::Closed,
            downlink_open: false,
            joined: false,
            ends: None,
            coding: None,
        }
    }

    /// Asks the call's task.
    ///
    /// # Errors
    /// The task is gone or has too much to do: the call has no media any more.
    pub(crate) fn ask(&self, ask: Ask) -> Result<(), MediaError> {
        let error = |_| MediaError::Engine("the peer connection does not answer".to_owned());
        self.asks.try_send(ask).map_err(error)
    }

    pub(crate) fn made(&mut self, receiver: RtpReceiver, sender: RtpSender) {
        self.ends = Some((receiver, sender));
    }

    pub(crate) fn set_uplink(&mut self, gate: Gate, media: &mut MediaThread) {
        self.gate = gate;
        if self.coding.is_some() {
            media.ask(Command::SetUplink(self.id, gate));
        }
    }

    pub(crate) fn set_downlink(&mut self, open: bool, media: &mut MediaThread) {
        if open {
            // It opens with the answer. A task that is gone has told so.
            let _ = self.ask(Ask::ExpectPath);
        }
        self.downlink_open = open;
        if self.coding.is_some() {
            media.ask(Command::SetDownlink(self.id, open));
        }
    }

    pub(crate) fn set_joined(&mut self, on: bool, media: &mut MediaThread) {
        self.joined = on;
        if self.coding.is_some() {
            media.ask(Command::SetJoined(self.id, on));
        }
    }

    /// Makes coders of what was agreed, where it is new.
    ///
    /// # Errors
    /// A codec that cannot be made.
    pub(crate) fn negotiated(
        &mut self,
        agreed: Negotiated,
        media: &mut MediaThread,
    ) -> Result<(), MediaError> {
        if self.coding.as_ref() == Some(&agreed) {
            return Ok(());
        }
        let coders = Box::new(coders(&agreed)?);
        match self.ends.take() {
            Some((receiver, sender)) => {
                let sequence = u16::from_be_bytes(random()?);
                let call = CallMedia::new(self.id, coders, receiver, sender, sequence);
                media.ask(Command::Add(Box::new(call)));
                media.ask(Command::SetDownlink(self.id, self.downlink_open));
                media.ask(Command::SetUplink(self.id, self.gate));
                media.ask(Command::SetJoined(self.id, self.joined));
            }
            None => media.ask(Command::Recode(self.id, coders)),
        }
        self.coding = Some(agreed);
        Ok(())
    }
}

fn coders(agreed: &Negotiated) -> Result<Coders, MediaError> {
    let codec = match agreed.codec.name.as_str() {
        "opus" => Codec::Opus,
        "pcmu" => Codec::Pcmu,
        "pcma" => Codec::Pcma,
        other => return Err(MediaError::NotAcceptable(format!("{other} is not supported"))),
    };
    let number = |name: &str| {
        let found = agreed.receive.iter().find(|c: &&sdp::Codec| c.name == name);
        found.map(|c| c.payload_type)
    };
    let engine = |e: sidetone_media::CodecError| MediaError::Engine(e.to_string());
    let uplink = Uplink::new(UplinkConfig {
        codec,
        payload_type: agreed.codec.payload_type,
        dtmf: agreed.telephone_event.as_ref().map(|e| (e.payload_type, e.clock_rate)),
        // The transport and the media thread put in their own.
        ssrc: 0,
        sequence: 0,
        timestamp: u32::from_be_bytes(random()?),
        opus: OpusSettings::default(),
    });
    let downlink = Downlink::new(DownlinkConfig {
        codec,
        payload_type: number(&agreed.codec.name).unwrap_or(agreed.codec.payload_type),
        dtmf: number("telephone-event"),
        playout: PlayoutConfig::default(),
    });
    Ok(Coders { uplink: uplink.map_err(engine)?, downlink: downlink.map_err(engine)? })
}

/// The call's task.
struct Session {
    call: CallId,
    config: PeerConfig,
    notices: mpsc::Sender<(CallId, CallNotice)>,
    peer: Option<(Arc<WebRtcTransport>, PeerEvents)>,
}

impl Session {
    async fn run(mut self, mut asks: mpsc::Receiver<Ask>) {
        loop {
            tokio::select! {
                biased;
                ask = asks.recv() => match ask {
                    Some(ask) => self.carry_out(ask).await,
                    None => break,
                },
                event = next_event(&mut self.peer) => self.report(event).await,
            }
        }
        if let Some((peer, _)) = self.peer.take() {
            peer.close().await;
        }
    }

    async fn carry_out(&mut self, ask: Ask) {
        match ask {
            Ask::Describe { generation, request } => {
                let result = self.describe(request).await;
                let call = self.call;
                self.tell(CallNotice::Input(Input::Described { call, generation, result })).await;
            }
            Ask::SetRemoteAnswer(answer) => {
                let set = match &self.peer {
                    Some((peer, _)) => peer.set_remote_answer(&answer).await,
                    None => Err(MediaError::Engine("nothing was offered".to_owned())),
                };
                match set {
                    Ok(()) => self.tell_negotiated().await,
                    Err(error) => {
                        let call = self.call;
                        self.tell(CallNotice::Input(Input::MediaFailed { call, error })).await;
                    }
                }
            }
            Ask::Rollback => {
                if let Some((peer, _)) = &self.peer
                    && let Err(error) = peer.rollback().await
                {
                    log::warn!("the offer of call {} is not taken back: {error}", self.call);
                }
            }
            Ask::ExpectPath => {
                if let Some((peer, _)) = &self.peer {
                    peer.expect_path();
                }
            }
            Ask::Measure(mut report) => {
                if let Some((peer, _)) = &self.peer {
                    report.round_trip = peer.round_trip().await;
                }
                let (call, report) = (self.call, *report);
                self.tell(CallNotice::Input(Input::Quality { call, report })).await;
            }
        }
    }

    async fn describe(&mut self, request: DescribeRequest) -> Result<String, MediaError> {
        let peer = match &self.peer {
            Some((peer, _)) => peer.clone(),
            None => {
                let (peer, events, receiver, sender) =
                    WebRtcTransport::new(self.config.clone()).await?;
                self.peer = Some((peer.clone(), events));
                self.tell(CallNotice::Made(receiver, sender)).await;
                peer
            }
        };
        match request {
            DescribeRequest::Offer { direction, ice_restart } => {
                peer.offer(direction, ice_restart).await
            }
            DescribeRequest::Answer { offer, direction } => {
                let answer = peer.answer(&offer, direction).await?;
                self.tell_negotiated().await;
                Ok(answer)
            }
        }
    }

    async fn report(&mut self, event: Option<PeerEvent>) {
        let call = self.call;
        let input = match event {
            Some(PeerEvent::Gathered(candidates)) => {
                return self.milestone(Milestone::IceGathered { call, candidates }).await;
            }
            Some(PeerEvent::IceConnected(pair)) => {
                return self.milestone(Milestone::IceConnected { call, pair }).await;
            }
            Some(PeerEvent::Connected) => {
                self.milestone(Milestone::DtlsConnected { call }).await;
                Input::MediaConnected { call }
            }
            Some(PeerEvent::Disconnected) => Input::MediaDisconnected { call },
            Some(PeerEvent::Resumed { gap }) => Input::MediaResumed { call, gap },
            Some(PeerEvent::Failed(error)) => Input::MediaFailed { call, error },
            None => {
                self.peer = None;
                let error = MediaError::Engine("the peer connection ended".to_owned());
                Input::MediaFailed { call, error }
            }
        };
        self.tell(CallNotice::Input(input)).await;
    }

    async fn tell_negotiated(&self) {
        if let Some(agreed) = self.peer.as_ref().and_then(|(peer, _)| peer.negotiated()) {
            self.tell(CallNotice::Negotiated(agreed)).await;
        }
    }

    async fn milestone(&self, milestone: Milestone) {
        self.tell(CallNotice::Milestone(milestone)).await;
    }

    async fn tell(&self, notice: CallNotice) {
        // The phone is gone: nobody wants to know.
        let _ = self.notices.send((self.call, notice)).await;
    }
}

/// The next event of the peer connection; never, where there is none yet.
async fn next_event(peer: &mut Option<(Arc<WebRtcTransport>, PeerEvents)>) -> Option<PeerEvent> {
    match peer {
        Some((_, events)) => events.next().await,
        None => std::future::pending().await,
    }
}
