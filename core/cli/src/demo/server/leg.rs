//! The media of one leg: a peer connection, what it hears, and whom it speaks to.

use super::Report;
use super::mix::Mix;
use super::sound::Sound;
use super::stream::{Kind, Parcel, Player, Source, Stream};
use sidetone_driver::peer::{
    MediaTransport as _, PeerConfig, PeerEvent, PeerEvents, RtpPacket, RtpReceiver, WebRtcTransport,
};
use sidetone_pbx::{Generation, LegId, MediaDirection, Treatment};
use sidetone_phone::sdp::Direction;
use std::sync::Arc;
use tokio::sync::mpsc;

/// What a leg is told.
pub(super) enum Order {
    Describe {
        generation: Generation,
        offer: Option<String>,
        direction: MediaDirection,
    },
    Answered(String),
    Rollback,
    /// It hears these legs.
    Hear(Vec<LegId>),
    /// Its packets go to these.
    SpeakTo(Vec<Inbox>),
    Play(Treatment),
}

/// Where packets of other legs come in, each with whose it is.
pub(super) type Inbox = mpsc::Sender<(LegId, Parcel)>;

/// Runs until there are no more orders.
pub(super) async fn run(
    leg: LegId,
    mut orders: mpsc::Receiver<Order>,
    parcels: mpsc::Receiver<(LegId, Parcel)>,
    reports: mpsc::Sender<Report>,
) {
    match WebRtcTransport::new(PeerConfig::default()).await {
        Ok((transport, events, receiver, sender)) => {
            let (stream, hears) = (Stream::new(sender), Hears::Nothing);
            let speaks_to = Vec::new();
            let task = Leg {
                leg,
                reports,
                transport,
                events,
                receiver,
                parcels,
                stream,
                hears,
                speaks_to,
            };
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
    parcels: mpsc::Receiver<(LegId, Parcel)>,
    /// What the phone receives.
    stream: Stream,
    hears: Hears,
    speaks_to: Vec<Inbox>,
}

/// What a leg hears.
enum Hears {
    Nothing,
    Itself,
    /// Another leg, whose packets are passed on as they are.
    Other(LegId),
    /// What the switch makes: a sound, or several legs added up.
    Made(Box<Player>),
}

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
                // The switchboard holds the other end as long as there are orders.
                Some((from, parcel)) = self.parcels.recv() => self.pass(from, &parcel),
                () = self.hears.due() => self.play(),
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
            Order::SpeakTo(others) => self.speaks_to = others,
            Order::Hear(legs) => self.hear(match legs[..] {
                [] => Hears::Nothing,
                [other] => Hears::Other(other),
                _ => Hears::made(Source::Mix(Mix::new(legs))),
            }),
            Order::Play(treatment) => {
                self.hear(match treatment {
                    Treatment::Tone(hertz) => Hears::made(Source::Sound(Sound::Tone(hertz))),
                    Treatment::Music => Hears::made(Source::Sound(Sound::Music)),
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
        if matches!(self.hears, Hears::Itself) {
            return self.stream.relay(&parcel, &negotiated);
        }
        for other in &self.speaks_to {
            // One who does not keep up loses the packet, as on a network.
            let _ = other.try_send((self.leg, parcel.clone()));
        }
    }

    /// A packet of another leg.
    fn pass(&mut self, from: LegId, parcel: &Parcel) {
        let Some(negotiated) = self.transport.negotiated() else { return };
        match &mut self.hears {
            Hears::Other(other) if *other == from => self.stream.relay(parcel, &negotiated),
            Hears::Made(player) => player.take(from, parcel),
            // It was on its way when something else was ordered.
            Hears::Other(_) | Hears::Nothing | Hears::Itself => {}
        }
    }

    /// The next frame of what the switch makes.
    fn play(&mut self) {
        let Some(negotiated) = self.transport.negotiated() else { return };
        if let Hears::Made(player) = &mut self.hears {
            self.stream.play(player, &negotiated);
        }
    }

    async fn report(&mut self, report: Report) {
        // The server is gone: nobody wants to know.
        let _ = self.reports.send(report).await;
    }
}

impl Hears {
    fn made(source: Source) -> Self {
        Self::Made(Box::new(Player::new(source)))
    }

    /// Returns when the next frame is due; never where nothing is made.
    async fn due(&mut self) {
        match self {
            Self::Made(player) => player.due().await,
            Self::Nothing | Self::Itself | Self::Other(_) => std::future::pending().await,
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
