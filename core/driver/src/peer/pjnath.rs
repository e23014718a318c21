//! For tests: an ICE peer that settles a role conflict as Asterisk's pjnath does, on loopback.
//!
//! RFC 8445 §7.2.5.1 and §7.3.1.1: at a 487 it takes the other role than that of the refused check
//! and checks again at once; at a check of its own role the larger tie-breaker controls. It nominates
//! with every check, as pjnath does by default.

use rtc::ice::attributes::control::{AttrControlled, AttrControlling};
use rtc::ice::attributes::priority::PriorityAttr;
use rtc::ice::attributes::use_candidate::UseCandidateAttr;
use rtc::stun::attributes::{
    ATTR_ICE_CONTROLLED, ATTR_ICE_CONTROLLING, ATTR_USE_CANDIDATE, ATTR_USERNAME,
};
use rtc::stun::error_code::CODE_ROLE_CONFLICT;
use rtc::stun::fingerprint::FINGERPRINT;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{
    BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS, Getter, Message, Setter, TransactionId,
};
use rtc::stun::textattrs::Username;
use rtc::stun::xoraddr::XorMappedAddress;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::UdpSocket;
use webrtc::peer_connection::crypto;

/// pjnath's pace of a check that is not answered.
const REPEAT: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Controlling,
    Controlled,
}

impl Role {
    fn other(self) -> Self {
        match self {
            Self::Controlling => Self::Controlled,
            Self::Controlled => Self::Controlling,
        }
    }
}

/// What a side needs to know of the other: user name fragment and password.
pub(super) struct Credentials {
    pub(super) ufrag: String,
    pub(super) pwd: String,
}

pub(super) struct Pjnath {
    pub(super) socket: UdpSocket,
    pub(super) role: Role,
    /// Each time it took the other role.
    pub(super) switched: u32,
    tie_breaker: u64,
    local: Credentials,
    remote: Credentials,
    remote_address: SocketAddr,
    checks: BTreeMap<[u8; 12], Role>,
    /// The other side has answered a check.
    valid: bool,
}

impl Pjnath {
    /// Not in control, as the side that has sent an answer.
    pub(super) fn new(
        socket: UdpSocket,
        tie_breaker: u64,
        local: Credentials,
        remote: Credentials,
        remote_address: SocketAddr,
    ) -> Self {
        Self {
            socket,
            role: Role::Controlled,
            switched: 0,
            tie_breaker,
            local,
            remote,
            remote_address,
            checks: BTreeMap::new(),
            valid: false,
        }
    }

    /// Checks and answers checks until this side has a nominated pair.
    pub(super) async fn connect(&mut self) {
        self.check().await;
        let mut packet = [0; 1500];
        loop {
            let received = tokio::time::timeout(REPEAT, self.socket.recv_from(&mut packet)).await;
            let Ok(Ok((length, from))) = received else {
                self.check().await;
                continue;
            };
            // DTLS comes along once the other side has a pair.
            if packet[0] < 2 && self.handle(&packet[..length], from).await {
                return;
            }
        }
    }

    /// Whether this message nominates the pair.
    async fn handle(&mut self, packet: &[u8], from: SocketAddr) -> bool {
        let mut message = Message::new();
        message.unmarshal_binary(packet).expect("STUN");
        let id = message.transaction_id.0;
        if message.typ == BINDING_REQUEST {
            return self.handle_request(&message, from).await;
        }
        let Some(sent_as) = self.checks.remove(&id) else { return false };
        if message.typ == BINDING_ERROR {
            self.take_role(sent_as.other());
            self.check().await;
        }
        self.valid |= message.typ == BINDING_SUCCESS;
        self.valid && self.role == Role::Controlling
    }

    async fn handle_request(&mut self, message: &Message, from: SocketAddr) -> bool {
        let (mut controlling, mut controlled) = (AttrControlling(0), AttrControlled(0));
        let theirs = match self.role {
            Role::Controlling if message.contains(ATTR_ICE_CONTROLLING) => {
                controlling.get_from(message).expect("a tie-breaker");
                Some(controlling.0)
            }
            Role::Controlled if message.contains(ATTR_ICE_CONTROLLED) => {
                controlled.get_from(message).expect("a tie-breaker");
                Some(controlled.0)
            }
            Role::Controlling | Role::Controlled => None,
        };
        if let Some(theirs) = theirs {
            let keep = if self.tie_breaker < theirs { Role::Controlled } else { Role::Controlling };
            if self.role == keep {
                self.respond(message, from, true).await;
                return false;
            }
            self.take_role(keep);
        }
        self.respond(message, from, false).await;
        self.check().await;
        self.valid && self.role == Role::Controlled && message.contains(ATTR_USE_CANDIDATE)
    }

    fn take_role(&mut self, role: Role) {
        if self.role != role {
            self.role = role;
            self.switched += 1;
        }
    }

    async fn check(&mut self) {
        let id = TransactionId::new();
        self.checks.insert(id.0, self.role);
        let username = format!("{}:{}", self.remote.ufrag, self.local.ufrag);
        let mut parts: Vec<Box<dyn Setter>> = vec![
            Box::new(BINDING_REQUEST),
            Box::new(id),
            Box::new(Username::new(ATTR_USERNAME, username)),
            Box::new(PriorityAttr(1)),
        ];
        match self.role {
            Role::Controlling => {
                parts.push(Box::<UseCandidateAttr>::default());
                parts.push(Box::new(AttrControlling(self.tie_breaker)));
            }
            Role::Controlled => parts.push(Box::new(AttrControlled(self.tie_breaker))),
        }
        self.send(parts, &self.remote.pwd, self.remote_address).await;
    }

    async fn respond(&self, request: &Message, to: SocketAddr, conflict: bool) {
        let mut parts: Vec<Box<dyn Setter>> = vec![Box::new(request.clone())];
        if conflict {
            parts.push(Box::new(BINDING_ERROR));
            parts.push(Box::new(CODE_ROLE_CONFLICT));
        } else {
            parts.push(Box::new(BINDING_SUCCESS));
            parts.push(Box::new(XorMappedAddress { ip: to.ip(), port: to.port() }));
        }
        self.send(parts, &self.local.pwd, to).await;
    }

    async fn send(&self, parts: Vec<Box<dyn Setter + '_>>, pwd: &str, to: SocketAddr) {
        let provider = crypto::default_provider().expect("a crypto provider");
        let mut parts: Vec<Box<dyn Setter + '_>> = parts;
        parts.push(Box::new(MessageIntegrity::new_short_term_integrity_with_provider(
            pwd.to_owned(),
            provider.crypto(),
        )));
        parts.push(Box::new(FINGERPRINT));
        let mut message = Message::new();
        message.build(&parts).expect("a STUN message");
        self.socket.send_to(&message.raw, to).await.expect("loopback");
    }
}
