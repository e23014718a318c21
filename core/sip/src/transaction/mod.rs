//! The four transaction machines and the layer that routes messages to them (RFC 3261 §17, RFC 6026).
//!
//! The layer is a value: messages and time go in, [`TransactionOutput`]s come out of
//! [`Transactions::poll_output`]. It decides about retransmission, absorption and timers; what a
//! request means is the transaction user's.
//!
//! A 2xx to an INVITE and its ACK go from user to user (RFC 3261 §13.3.1.4): the called side's user
//! repeats the 2xx by [`Transactions::respond`] until [`TransactionOutput::Ack`] comes, on every
//! transport; the calling side's user sends an ACK for each 2xx that comes up. All else is repeated
//! and absorbed here.

mod client_invite;
mod client_non_invite;
mod effect;
mod key;
mod machine;
mod server_invite;
mod server_non_invite;
mod timer;

use crate::{Deadlines, FlowId, HeaderName, Message, Method, Request, Response, StatusCode};
use effect::{ClientEffect, ServerEffect};
pub use key::{ClientKey, ServerKey};
use machine::{ClientMachine, ServerMachine};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
pub use timer::Timers;

/// Server transactions at a time: a flood of requests costs a bounded memory.
const MAX_SERVER_TRANSACTIONS: usize = 512;

/// As many more for requests inside dialogs: a flood of strangers keeps no call from its BYE.
const RESERVED_FOR_DIALOGS: usize = 64;

/// Whether the flow's transport retransmits by itself (RFC 3261 §17: reliable transports).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reliability {
    /// TCP, TLS, WebSocket: no retransmission of requests, timers D, I, J, K are zero.
    Reliable,
    /// UDP.
    Unreliable,
}

/// What the layer asks for or tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionOutput {
    /// Send this on this flow.
    Transmit {
        /// Where.
        flow: FlowId,
        /// What.
        message: Message,
    },
    /// A new request; answer it by [`Transactions::respond`]. Retransmissions never come here.
    Request {
        /// The transaction it opened.
        key: ServerKey,
        /// The flow it came on.
        flow: FlowId,
        /// The request.
        request: Request,
    },
    /// An ACK for a 2xx: it belongs to a dialog, not to a transaction (RFC 3261 §13.3.1.4). The
    /// ACK of any other final response is absorbed by the server INVITE transaction.
    Ack {
        /// The ACK.
        request: Request,
    },
    /// A response to a request of ours. Each 2xx to an INVITE comes here, also repeated ones and
    /// those of other forks (RFC 6026 *Accepted*): the dialog sends the ACK again.
    Response {
        /// The transaction.
        key: ClientKey,
        /// The response.
        response: Response,
    },
    /// Timer B or F: no final response came (RFC 3261 §17.1.1.2). To the user it is a 408.
    ClientTimedOut {
        /// The transaction, which is gone.
        key: ClientKey,
    },
    /// The flow was lost before a final response came (RFC 3261 §8.1.3.1: treat it as 503).
    ClientFlowLost {
        /// The transaction, which is over; a 2xx to an INVITE may still follow.
        key: ClientKey,
    },
    /// No ACK came for a final response to an INVITE: timer H for a non-2xx, timer L for a 2xx (the
    /// user then ends the session by BYE, RFC 3261 §13.3.1.4). An acknowledged one ends silently.
    ServerTimedOut {
        /// The transaction, which is gone.
        key: ServerKey,
    },
}

/// All transactions of one user agent.
#[derive(Debug, Clone)]
pub struct Transactions {
    timers: Timers,
    clients: BTreeMap<ClientKey, Client>,
    servers: BTreeMap<ServerKey, Server>,
    /// When the next timer of each fires.
    deadlines: Deadlines<Owner>,
    outputs: VecDeque<TransactionOutput>,
}

impl Transactions {
    /// No transactions yet.
    pub fn new(timers: Timers) -> Self {
        Self {
            timers,
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            deadlines: Deadlines::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Sends a request and opens its client transaction. The request must have a topmost Via with a
    /// unique branch; an ACK (for a 2xx) is sent without a transaction. After a CANCEL its INVITE
    /// waits 64*T1 at most for the final response (RFC 3261 §9.1), then it has timed out.
    pub fn send(
        &mut self,
        request: Request,
        flow: FlowId,
        reliability: Reliability,
        now: Duration,
    ) -> ClientKey {
        let key = ClientKey::of(&request);
        if request.method == Method::Ack {
            self.transmit(flow, request);
            return key;
        }
        let (machine, effects) = ClientMachine::new(request, reliability, self.timers, now);
        if self.clients.insert(key.clone(), Client { flow, machine }).is_some() {
            log::warn!("a branch was used twice; its first transaction is dropped");
        }
        self.client_effects(&key, effects);
        if key.method == Method::Cancel {
            let invite = ClientKey { method: Method::Invite, ..key.clone() };
            self.step_client(&invite, |machine| machine.cancelled(now));
        }
        key
    }

    /// Sends a response in a server transaction. After a 2xx to an INVITE the transaction stays in
    /// *Accepted* (RFC 6026) for timer L and absorbs retransmitted INVITEs; the user repeats the 2xx
    /// by this method until the ACK comes, on every transport (RFC 3261 §13.3.1.4). An INVITE with
    /// no response after 200 ms gets its 100 without the user.
    /// Returns `false` where the transaction is gone or has had its final response.
    pub fn respond(&mut self, key: &ServerKey, response: Response, now: Duration) -> bool {
        let Some(server) = self.servers.get(key) else { return false };
        let accepted = server.machine.accepts(response.status);
        if accepted {
            self.step_server(key, |machine| machine.respond(response, now));
        }
        accepted
    }

    /// A message came in on a flow. It must have passed [`Message::validate`].
    pub fn receive(
        &mut self,
        message: Message,
        flow: FlowId,
        reliability: Reliability,
        now: Duration,
    ) {
        match message {
            Message::Request(request) => self.receive_request(request, flow, reliability, now),
            Message::Response(response) => self.receive_response(response, now),
        }
    }

    /// The flow is gone: client transactions on it fail at once, but a 2xx to an INVITE that comes on
    /// another flow still goes up; server transactions stay, their
    /// responses to it are dropped until the request comes again on another flow.
    pub fn flow_lost(&mut self, flow: FlowId, now: Duration) {
        for server in self.servers.values_mut().filter(|server| server.flow == Some(flow)) {
            server.flow = None;
        }
        let on_flow = self.clients.iter().filter(|(_, client)| client.flow == flow);
        let keys: Vec<ClientKey> = on_flow.map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.step_client(&key, |machine| machine.flow_lost(now));
        }
    }

    /// There is a flow: what must be answered and has lost its own is answered there (RFC 3261 §18.2.2). A
    /// final response goes again, for it may have gone down.
    pub fn flow_opened(&mut self, flow: FlowId) {
        let lost = self.servers.iter().filter(|(_, server)| server.flow.is_none());
        let keys: Vec<ServerKey> = lost.map(|(key, _)| key.clone()).collect();
        for key in keys {
            if let Some(server) = self.servers.get_mut(&key) {
                server.flow = Some(flow);
            }
            self.step_server(&key, |machine| machine.repeat_final());
        }
    }

    /// Whether a transaction waits for what comes over this flow, or for what we send on it.
    pub fn is_needed(&self, flow: FlowId) -> bool {
        let asks = self.clients.values().any(|c| c.flow == flow && c.machine.is_pending());
        asks || self.servers.values().any(|s| s.flow == Some(flow) && s.machine.is_open())
    }

    /// The key of the INVITE that a CANCEL is about (RFC 3261 §9.2: same branch and sent-by).
    pub fn invite_of(cancel: &ServerKey) -> ServerKey {
        ServerKey { method: Method::Invite, ..cancel.clone() }
    }

    /// Whether a server transaction is there and has had no final response.
    pub fn is_pending(&self, key: &ServerKey) -> bool {
        self.servers.get(key).is_some_and(|server| server.machine.is_pending())
    }

    /// Whether a server transaction is there, also after its final response.
    pub fn is_known(&self, key: &ServerKey) -> bool {
        self.servers.contains_key(key)
    }

    /// The next thing to do; drain to `None` after each call.
    pub fn poll_output(&mut self) -> Option<TransactionOutput> {
        self.outputs.pop_front()
    }

    /// When [`Transactions::handle_timeout`] is due, and the name of the timer (`"B"`).
    pub fn poll_timeout(&self) -> Option<(Duration, &'static str)> {
        match self.deadlines.next()?.1 {
            Owner::Client(key) => self.clients.get(key)?.machine.next_timer(),
            Owner::Server(key) => self.servers.get(key)?.machine.next_timer(),
        }
    }

    /// Lets time pass up to `now`.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some(owner) = self.deadlines.take_due(now) {
            match owner {
                Owner::Client(key) => self.step_client(&key, |machine| machine.fire(now)),
                Owner::Server(key) => self.step_server(&key, |machine| machine.fire(now)),
            }
        }
    }

    /// The process was suspended and has not read what came meanwhile: a client whose time is over
    /// waits once more for its response (timers B and F).
    pub fn wait_again(&mut self, now: Duration) {
        for (key, client) in &mut self.clients {
            client.machine.wait_again(now);
            self.deadlines.set(Owner::Client(key.clone()), client.machine.next_timeout());
        }
    }

    fn receive_request(
        &mut self,
        request: Request,
        flow: FlowId,
        reliability: Reliability,
        now: Duration,
    ) {
        let Some(key) = ServerKey::of(&request) else { return };
        if let Some(server) = self.servers.get_mut(&key) {
            // Responses go where the sender is heard last (RFC 3261 §18.2.2).
            server.flow = Some(flow);
            self.step_server(&key, |machine| machine.receive_again(request, now));
        } else if request.method == Method::Ack {
            self.servers.values_mut().for_each(|server| server.machine.note_ack(&request));
            self.outputs.push_back(TransactionOutput::Ack { request });
        } else if self.servers.len() >= most_servers(&request) {
            log::warn!("too many server transactions: {} is refused", request.method);
            // A To tag that is the same for a retransmission without being kept (RFC 3261 §8.2.7).
            let response = request.response(StatusCode::SERVICE_UNAVAILABLE, Some("overload"));
            self.transmit(flow, response);
        } else {
            let machine = ServerMachine::new(&request, reliability, self.timers, now);
            self.servers.insert(key.clone(), Server { flow: Some(flow), machine });
            self.note_server(&key);
            self.outputs.push_back(TransactionOutput::Request { key, flow, request });
        }
    }

    fn receive_response(&mut self, response: Response, now: Duration) {
        // RFC 3261 §8.1.3.3: a second Via says that the response is another's.
        let [via] = &response.headers.list(&HeaderName::VIA)[..] else { return };
        let (Ok(via), Ok(cseq)) = (crate::Via::parse(via), response.headers.cseq()) else { return };
        let branch = via.branch().unwrap_or_default().to_owned();
        let key = ClientKey { branch, method: cseq.method };
        self.step_client(&key, |machine| machine.handle_response(response, now));
    }

    fn step_client(
        &mut self,
        key: &ClientKey,
        step: impl FnOnce(&mut ClientMachine) -> Vec<ClientEffect>,
    ) {
        if let Some(client) = self.clients.get_mut(key) {
            let effects = step(&mut client.machine);
            self.client_effects(key, effects);
        }
    }

    fn client_effects(&mut self, key: &ClientKey, effects: Vec<ClientEffect>) {
        let Some(client) = self.clients.get(key) else { return };
        let flow = client.flow;
        self.deadlines.set(Owner::Client(key.clone()), client.machine.next_timeout());
        if client.machine.is_terminated() {
            self.clients.remove(key);
        }
        for effect in effects {
            let key = key.clone();
            self.outputs.push_back(match effect {
                ClientEffect::Send(request) => {
                    TransactionOutput::Transmit { flow, message: request.into() }
                }
                ClientEffect::Up(response) => TransactionOutput::Response { key, response },
                ClientEffect::TimedOut => TransactionOutput::ClientTimedOut { key },
                ClientEffect::FlowLost => TransactionOutput::ClientFlowLost { key },
            });
        }
    }

    fn step_server(
        &mut self,
        key: &ServerKey,
        step: impl FnOnce(&mut ServerMachine) -> Vec<ServerEffect>,
    ) {
        let Some(server) = self.servers.get_mut(key) else { return };
        let effects = step(&mut server.machine);
        let flow = server.flow;
        self.note_server(key);
        for effect in effects {
            match (effect, flow) {
                (ServerEffect::Send(response), Some(flow)) => self.transmit(flow, response),
                (ServerEffect::Send(_), None) => {}
                (ServerEffect::Ack(request), _) => {
                    self.outputs.push_back(TransactionOutput::Ack { request });
                }
                (ServerEffect::TimedOut, _) => {
                    self.outputs.push_back(TransactionOutput::ServerTimedOut { key: key.clone() });
                }
            }
        }
    }

    /// Notes when the next timer of a server transaction fires, or lets go of one that is over.
    fn note_server(&mut self, key: &ServerKey) {
        let Some(server) = self.servers.get(key) else { return };
        self.deadlines.set(Owner::Server(key.clone()), server.machine.next_timeout());
        if server.machine.is_terminated() {
            self.servers.remove(key);
        }
    }

    fn transmit(&mut self, flow: FlowId, message: impl Into<Message>) {
        self.outputs.push_back(TransactionOutput::Transmit { flow, message: message.into() });
    }
}

/// How many server transactions there may be, so that this request opens another.
fn most_servers(request: &Request) -> usize {
    let in_dialog = request.headers.to().is_ok_and(|to| to.tag().is_some());
    // A CANCEL is about an INVITE that was taken.
    match in_dialog || request.method == Method::Cancel {
        true => MAX_SERVER_TRANSACTIONS + RESERVED_FOR_DIALOGS,
        false => MAX_SERVER_TRANSACTIONS,
    }
}

#[derive(Debug, Clone)]
struct Client {
    flow: FlowId,
    machine: ClientMachine,
}

#[derive(Debug, Clone)]
struct Server {
    /// Where responses go; `None` after the flow was lost.
    flow: Option<FlowId>,
    machine: ServerMachine,
}

/// Whose timer: of several at one time those of clients fire first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Client(ClientKey),
    Server(ServerKey),
}

#[cfg(test)]
mod tests;
