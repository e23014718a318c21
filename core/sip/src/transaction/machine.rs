//! The four machines as two kinds, and what they ask of the layer.

use super::client_invite::{self, ClientInvite};
use super::client_non_invite::{self, ClientNonInvite};
use super::effect::{ClientEffect, ServerEffect};
use super::server_invite::{self, ServerInvite};
use super::server_non_invite::{self, ServerNonInvite};
use super::{Reliability, Timers};
use crate::{Method, Request, Response, StatusCode};
use std::time::Duration;

/// A client transaction of either kind.
#[derive(Debug, Clone)]
pub(super) enum ClientMachine {
    Invite(Box<ClientInvite>),
    NonInvite(Box<ClientNonInvite>),
}

impl ClientMachine {
    pub(super) fn new(
        request: Request,
        reliability: Reliability,
        timers: Timers,
        now: Duration,
    ) -> (Self, Vec<ClientEffect>) {
        if request.method == Method::Invite {
            let (machine, effects) = ClientInvite::new(request, reliability, timers, now);
            (Self::Invite(Box::new(machine)), effects)
        } else {
            let (machine, effects) = ClientNonInvite::new(request, reliability, timers, now);
            (Self::NonInvite(Box::new(machine)), effects)
        }
    }

    pub(super) fn handle_response(
        &mut self,
        response: Response,
        now: Duration,
    ) -> Vec<ClientEffect> {
        match self {
            Self::Invite(machine) => machine.handle_response(response, now),
            Self::NonInvite(machine) => machine.handle_response(response, now),
        }
    }

    pub(super) fn cancelled(&mut self, now: Duration) -> Vec<ClientEffect> {
        match self {
            Self::Invite(machine) => machine.handle(client_invite::Input::Cancelled, now),
            Self::NonInvite(_) => vec![],
        }
    }

    pub(super) fn flow_lost(&mut self, now: Duration) -> Vec<ClientEffect> {
        match self {
            Self::Invite(machine) => machine.handle(client_invite::Input::FlowLost, now),
            Self::NonInvite(machine) => machine.handle(client_non_invite::Input::FlowLost, now),
        }
    }

    pub(super) fn wait_again(&mut self, now: Duration) {
        match self {
            Self::Invite(machine) => machine.wait_again(now),
            Self::NonInvite(machine) => machine.wait_again(now),
        }
    }

    pub(super) fn fire(&mut self, now: Duration) -> Vec<ClientEffect> {
        match self {
            Self::Invite(machine) => machine.fire(now),
            Self::NonInvite(machine) => machine.fire(now),
        }
    }

    pub(super) fn next_timer(&self) -> Option<(Duration, &'static str)> {
        match self {
            Self::Invite(machine) => machine.next_timer(),
            Self::NonInvite(machine) => machine.next_timer(),
        }
    }

    /// When the next timer fires; none does once it is over.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        self.next_timer().map(|(at, _)| at).filter(|_| !self.is_terminated())
    }

    /// Whether its final response is waited for.
    pub(super) fn is_pending(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.is_pending(),
            Self::NonInvite(machine) => machine.is_pending(),
        }
    }

    pub(super) fn is_terminated(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.is_terminated(),
            Self::NonInvite(machine) => machine.is_terminated(),
        }
    }
}

/// A server transaction of either kind.
#[derive(Debug, Clone)]
pub(super) enum ServerMachine {
    Invite(Box<ServerInvite>),
    NonInvite(Box<ServerNonInvite>),
}

impl ServerMachine {
    pub(super) fn new(
        request: &Request,
        reliability: Reliability,
        timers: Timers,
        now: Duration,
    ) -> Self {
        if request.method == Method::Invite {
            let machine = ServerInvite::new(request.clone(), reliability, timers, now);
            Self::Invite(Box::new(machine))
        } else {
            Self::NonInvite(Box::new(ServerNonInvite::new(reliability, timers)))
        }
    }

    pub(super) fn receive_again(&mut self, request: Request, now: Duration) -> Vec<ServerEffect> {
        use server_invite::Input::{Ack, Retransmission};
        match self {
            Self::Invite(machine) if request.method == Method::Ack => {
                machine.handle(Ack(request), now)
            }
            Self::Invite(machine) => machine.handle(Retransmission, now),
            Self::NonInvite(machine) => {
                machine.handle(server_non_invite::Input::Retransmission, now)
            }
        }
    }

    pub(super) fn respond(&mut self, response: Response, now: Duration) -> Vec<ServerEffect> {
        match self {
            Self::Invite(machine) => machine.respond(response, now),
            Self::NonInvite(machine) => machine.respond(response, now),
        }
    }

    pub(super) fn accepts(&self, status: StatusCode) -> bool {
        match self {
            Self::Invite(machine) => machine.accepts(status),
            Self::NonInvite(machine) => machine.is_pending(),
        }
    }

    /// The final response to an INVITE once more; one to another request is not kept.
    pub(super) fn repeat_final(&self) -> Vec<ServerEffect> {
        match self {
            Self::Invite(machine) => machine.repeat_final(),
            Self::NonInvite(_) => Vec::new(),
        }
    }

    /// Whether it waits for the user's final response, or for the ACK of it.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.is_pending() || machine.awaits_ack(),
            Self::NonInvite(machine) => machine.is_pending(),
        }
    }

    pub(super) fn note_ack(&mut self, ack: &Request) {
        match self {
            Self::Invite(machine) => machine.note_ack(ack),
            Self::NonInvite(_) => {}
        }
    }

    pub(super) fn is_pending(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.is_pending(),
            Self::NonInvite(machine) => machine.is_pending(),
        }
    }

    pub(super) fn fire(&mut self, now: Duration) -> Vec<ServerEffect> {
        match self {
            Self::Invite(machine) => machine.fire(now),
            Self::NonInvite(machine) => machine.fire(now),
        }
    }

    pub(super) fn next_timer(&self) -> Option<(Duration, &'static str)> {
        match self {
            Self::Invite(machine) => machine.next_timer(),
            Self::NonInvite(machine) => machine.next_timer(),
        }
    }

    /// When the next timer fires; none does once it is over.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        self.next_timer().map(|(at, _)| at).filter(|_| !self.is_terminated())
    }

    pub(super) fn is_terminated(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.is_terminated(),
            Self::NonInvite(machine) => machine.is_terminated(),
        }
    }
}
