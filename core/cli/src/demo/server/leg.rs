//! The media of one leg: a peer connection, what it hears, and whom it speaks to.

use super::Report;
use super::sound::Sound;
use super::stream::{Kind, Parcel, Player, Stream};
use sidetone_driver::peer::{
    MediaTransport as _, PeerConfig, PeerEvent, PeerEvents, RtpPacket, RtpReceiver, WebRtcTransport,
};
use sidetone_pbx::{Generation, LegId, MediaDirection, Treatment};
use sidetone_phone::sdp::Direction;
use std::sync::Arc;
use tokio::sync::mpsc;

/// What a leg is told.
pub(super) enum Order {
    Describe { generation: Generation, offer: Option<String>, direction: MediaDirection },
    Answered(String),
    Rollback,
    Join { speak: mpsc::Sender<Parcel>, hear: mpsc::Receiver<Parcel> },
    Play(Treatment),
}

/// Runs until there are no more orders.
pub(super) async fn run(
    leg: LegId,
    mut orders: mpsc::Receiver<Order>,
    reports: mpsc::Sender<Report>,
) {
    match WebRtcTransport::new(PeerConfig::default()).await {
        Ok((transport, events, receiver, sender)) => {
            let (stream, hears) = (Stream::new(sender), Hears::Nothing);
            let speaks_to = None;
            let task = Leg { leg, reports, transport, events, receiver, stream, hears, speaks_to };
            task.run(orders).await;
        }
        Err(error) => {
            log::warn!("{leg} has no media: {error}");
            while let Some(order) = orders.recv().await {
                if let Order::Describe { generation, .. } = order {
                    let result = Err(error.to_string());
                    let _ = reports.send(Report::Described { leg, generation, result }).await;
                }
            }
        }
    }
}

struct Leg {
    leg: LegId,
    reports: mpsc::Sender<Report>,
    transport: Arc<WebRtcTransport>,
    events: PeerEvents,
    receiver: RtpReceiver,
    /// What the phone receives.
    stream: Stream,
    hears: Hears,
    speaks_to: Option<mpsc::Sender<Parcel>>,
}

/// What a leg hears.
enum Hears {
    Nothing,
    Itself,
    Other(mpsc::Receiver<Parcel>),
    Sound(Box<Player>),
}

/// What is to be heard next: a packet of another leg, or the next frame of a sound.
type Next = Option<Parcel>;

impl Leg {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.obey(order).await,
                    None => break,
                },
                event = self.events.next() => match event {
                    Some(event) => self.handle(event).await,
                    None => break,
                },
                received = self.receiver.recv() => match received {
                    Some(received) => self.take(received.packet),
                    None => break,
                },
                next = self.hears.next() => self.pass(next),
            }
        }
        self.transport.close().await;
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Describe { generation, offer, direction } => {
                let direction = direction_of(direction);
                let described = match offer {
                    Some(offer) => self.transport.answer(&offer, direction).await,
                    None => self.transport.offer(direction, false).await,
                };
                let result = described.map_err(|error| error.to_string());
                self.report(Report::Described { leg: self.leg, generation, result }).await;
            }
            Order::Answered(sdp) => {
                if let Err(error) = self.transport.set_remote_answer(&sdp).await {
                    log::info!("{} gave an answer that cannot be used: {error}", self.leg);
                    self.report(Report::MediaLost { leg: self.leg }).await;
                }
            }
            Order::Rollback => {
                if let Err(error) = self.transport.rollback().await {
                    log::info!("{} could not take its offer back: {error}", self.leg);
                }
            }
            Order::Join { speak, hear } => {
                self.speaks_to = Some(speak);
                self.hear(Hears::Other(hear));
            }
            Order::Play(treatment) => {
                self.speaks_to = None;
                self.hear(match treatment {
                    Treatment::Tone(hertz) => Hears::sound(Sound::Tone(hertz)),
                    Treatment::Music => Hears::sound(Sound::Music),
                    Treatment::Echo => Hears::Itself,
                    Treatment::Silence => Hears::Nothing,
                });
            }
        }
    }

    fn hear(&mut self, hears: Hears) {
        self.hears = hears;
        self.stream.change_source();
    }

    async fn handle(&mut self, event: PeerEvent) {
        match event {
            PeerEvent::Failed(error) => {
                log::info!("{} lost its media: {error}", self.leg);
                self.report(Report::MediaLost { leg: self.leg }).await;
            }
            PeerEvent::Gathered(_)
            | PeerEvent::IceConnected(_)
            | PeerEvent::Connected
            | PeerEvent::Disconnected
            | PeerEvent::Resumed { .. } => {
                log::debug!("{}: {event:?}", self.leg);
            }
        }
    }

    /// A packet of the phone.
    fn take(&mut self, packet: RtpPacket) {
        let Some(negotiated) = self.transport.negotiated() else { return };
        let number = packet.payload_type;
        let codec = negotiated.receive.iter().find(|codec| codec.payload_type == number);
        let Some(kind) = codec.and_then(Kind::of) else { return };
        if kind == Kind::Digits && packet.marker {
            log::info!("{} presses a key", self.leg);
        }
        let parcel = Parcel { kind, packet };
        match (&self.hears, &self.speaks_to) {
            (Hears::Itself, _) => self.stream.relay(&parcel, &negotiated),
            // One who does not keep up loses the packet, as on a network.
            (Hears::Other(_), Some(other)) => drop(other.try_send(parcel)),
            (Hears::Other(_) | Hears::Sound(_) | Hears::Nothing, _) => {}
        }
    }

    fn pass(&mut self, next: Next) {
        let Some(negotiated) = self.transport.negotiated() else { return };
        match (next, &mut self.hears) {
            (Some(parcel), _) => self.stream.relay(&parcel, &negotiated),
            (None, Hears::Sound(player)) => self.stream.play(player, &negotiated),
            (None, Hears::Nothing | Hears::Itself | Hears::Other(_)) => {}
        }
    }

    async fn report(&mut self, report: Report) {
        // The server is gone: nobody wants to know.
        let _ = self.reports.send(report).await;
    }
}

impl Hears {
    fn sound(sound: Sound) -> Self {
        Self::Sound(Box::new(Player::new(sound)))
    }

    async fn next(&mut self) -> Next {
        match self {
            Self::Other(parcels) => match parcels.recv().await {
                Some(parcel) => Some(parcel),
                // The other leg is gone; an order will follow.
                None => std::future::pending().await,
            },
            Self::Sound(player) => {
                player.due().await;
                None
            }
            Self::Nothing | Self::Itself => std::future::pending().await,
        }
    }
}

fn direction_of(direction: MediaDirection) -> Direction {
    match direction {
        MediaDirection::SendRecv => Direction::SendRecv,
        MediaDirection::SendOnly => Direction::SendOnly,
        MediaDirection::RecvOnly => Direction::RecvOnly,
        MediaDirection::Inactive => Direction::Inactive,
    }
}
