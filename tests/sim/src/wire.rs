//! One connection between a phone and the PBX: an ordered stream, as TCP gives it.

use sidetone_phone::FlowId;
use std::collections::VecDeque;
use std::time::Duration;

/// What a link does to what is sent over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoil {
    /// It carries everything, after its delay.
    Clean,
    /// It holds everything back until it is clean again: a hole in the network that heals.
    Stalled,
    /// It swallows everything and nobody is told: a network that is gone for good. Whoever sends into
    /// it is told by its own system after [`GIVE_UP`].
    BlackHole,
}

/// How long a system sends again before it gives a connection up (TCP's retransmission limit).
pub const GIVE_UP: Duration = Duration::from_secs(120);

/// One end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The phone.
    Phone,
    /// The PBX.
    Pbx,
}

impl End {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Phone => Self::Pbx,
            Self::Pbx => Self::Phone,
        }
    }
}

/// A connection that is being opened, is open, or has been closed by one end.
#[derive(Debug)]
pub struct Wire {
    /// The phone's number in the world.
    pub phone: usize,
    /// The phone's name of it; the PBX knows it by the wire's own number.
    pub flow: FlowId,
    /// One way.
    pub delay: Duration,
    /// What it does.
    pub spoil: Spoil,
    /// Whether the phone's end is open.
    pub phone_open: bool,
    /// Whether the PBX's end is open.
    pub pbx_open: bool,
    /// What is held back.
    held: VecDeque<(End, Parcel)>,
    /// Nothing overtakes: the arrival of the last parcel each way.
    last: [Duration; 2],
    /// Whose system has begun to give it up.
    given_up: [bool; 2],
}

/// What travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parcel {
    /// One frame.
    Frame(Vec<u8>),
    /// A WebSocket ping of the phone.
    Ping,
    /// The answer to it.
    Pong,
    /// The sender closed its end.
    Close,
}

impl Wire {
    /// A connection on its way to the PBX.
    pub fn new(phone: usize, flow: FlowId, delay: Duration, spoil: Spoil) -> Self {
        Self {
            phone,
            flow,
            delay,
            spoil,
            phone_open: true,
            pbx_open: false,
            held: VecDeque::new(),
            last: [Duration::ZERO; 2],
            given_up: [false; 2],
        }
    }

    /// Takes a parcel for one end: what arrives where and when, if anything does.
    pub fn send(
        &mut self,
        to: End,
        parcel: Parcel,
        now: Duration,
    ) -> Option<(Duration, End, Parcel)> {
        let lane = usize::from(to == End::Pbx);
        match self.spoil {
            Spoil::Clean => {
                self.last[lane] = self.last[lane].max(now + self.delay);
                Some((self.last[lane], to, parcel))
            }
            Spoil::Stalled => {
                self.held.push_back((to, parcel));
                None
            }
            Spoil::BlackHole => {
                let begins = !std::mem::replace(&mut self.given_up[lane], true);
                begins.then(|| (now + GIVE_UP, to.other(), Parcel::Close))
            }
        }
    }

    /// What was held back, to be sent again.
    pub fn take_held(&mut self) -> VecDeque<(End, Parcel)> {
        std::mem::take(&mut self.held)
    }
}
