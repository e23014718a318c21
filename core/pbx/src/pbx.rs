//! The aggregate: flows and time, and what can be seen of it all.

use crate::agent::Seat;
use crate::auth::Nonces;
use crate::call::{Call, CallKey, Cause, Plan, Round};
use crate::leg::{Leg, Legs, Purpose, Stage};
use crate::push::{Attempt, AttemptKey};
use crate::random::Random;
use crate::registrar::Registrar;
use crate::supervision::Supervision;
use crate::team::Team;
use crate::timed::Table;
use crate::{
    ContactView, FlowId, Generation, LegId, LegView, MediaCommand, MediaDirection, Operator,
    PbxConfig, PbxInput, PbxOutput,
};
use sidetone_sip::digest::DigestServer;
use sidetone_sip::transaction::{Reliability, Timers, TransactionOutput, Transactions};
use sidetone_sip::{Deadlines, HeaderName, Message, Method, Response, StatusCode};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

/// The model PBX.
#[derive(Debug)]
pub struct Pbx {
    pub(crate) config: PbxConfig,
    pub(crate) random: Random,
    pub(crate) timers: Timers,
    pub(crate) transactions: Transactions,
    pub(crate) digest: DigestServer,
    pub(crate) nonces: Nonces,
    pub(crate) registrar: Registrar,
    pub(crate) refusing: Option<StatusCode>,
    pub(crate) flows: BTreeMap<FlowId, Flow>,
    /// When each flow gets its next empty line.
    keep_alives: Deadlines<FlowId>,
    /// Flows that closed and were not looked at since.
    closed: Vec<FlowId>,
    pub(crate) legs: Legs,
    pub(crate) calls: Table<CallKey, Call>,
    pub(crate) attempts: Table<AttemptKey, Attempt>,
    pub(crate) queue_positions: BTreeMap<String, usize>,
    pub(crate) seats: BTreeMap<String, Seat>,
    /// When the pause of each agent ends by itself.
    pub(crate) wrap_ups: Deadlines<String>,
    /// Counts what the phones of each user were told of recordings.
    pub(crate) recording_news: BTreeMap<String, u64>,
    /// The users whose phones have asked what there is.
    pub(crate) curious: BTreeSet<String>,
    pub(crate) team: Team,
    pub(crate) supervisions: Vec<Supervision>,
    outputs: VecDeque<PbxOutput>,
    last_number: u64,
}

/// One connected phone.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) peer: SocketAddr,
}

impl Pbx {
    /// A server that nobody has reached yet. `entropy` is all the randomness it uses.
    pub fn new(config: PbxConfig, entropy: [u8; 32], _now: Duration) -> Self {
        let timers = Timers::default();
        Self {
            digest: DigestServer {
                realm: config.realm.clone(),
                algorithms: config.algorithms.clone(),
            },
            nonces: Nonces::new(config.nonce_lifetime),
            config,
            random: Random::new(entropy),
            timers,
            transactions: Transactions::new(timers),
            registrar: Registrar::default(),
            refusing: None,
            flows: BTreeMap::new(),
            keep_alives: Deadlines::default(),
            closed: Vec::new(),
            legs: Legs::default(),
            calls: Table::default(),
            attempts: Table::default(),
            queue_positions: BTreeMap::new(),
            seats: BTreeMap::new(),
            wrap_ups: Deadlines::default(),
            recording_news: BTreeMap::new(),
            curious: BTreeSet::new(),
            team: Team::default(),
            supervisions: Vec::new(),
            outputs: VecDeque::new(),
            last_number: 0,
        }
    }

    /// Something happened.
    pub fn handle(&mut self, input: PbxInput, now: Duration) {
        match input {
            PbxInput::FlowOpened { flow, peer } => self.flow_opened(flow, peer, now),
            PbxInput::FlowClosed { flow } => self.flow_closed(flow, now),
            PbxInput::Received { flow, bytes } => self.received(flow, &bytes, now),
            PbxInput::Described { leg, generation, result } => {
                self.described(leg, generation, result, now);
            }
            PbxInput::MediaLost { leg } => self.hang_up_by_itself(leg, now),
            PbxInput::Ring { agent, call, time } => self.ring_by_hand(&agent, call, time, now),
            PbxInput::KeepInside { user, on, told } => self.keep_inside(user, (on, told), now),
            PbxInput::Operator(operator) => self.operate(operator, now),
        }
        self.drain_transactions(now);
        self.settle_team(now);
        self.settle_supervisions(now);
        self.drain_transactions(now);
        self.note_timeouts();
    }

    /// The next thing to carry out; drain to `None`.
    pub fn poll_output(&mut self) -> Option<PbxOutput> {
        self.outputs.pop_front()
    }

    /// When [`Pbx::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let transactions = self.transactions.poll_timeout().map(|(at, _)| at);
        let keep_alive = self.keep_alives.next().map(|(at, _)| at);
        let all = [
            transactions,
            self.legs.next_timeout(),
            keep_alive,
            self.calls.next_timeout(),
            self.attempts.next_timeout(),
            self.registrar.next_expiry(),
            self.wrap_ups.next().map(|(at, _)| at),
        ];
        all.into_iter().flatten().min()
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.transactions.handle_timeout(now);
        self.drain_transactions(now);
        self.registrar.expire(now);
        self.repeat_answers(now);
        self.handle_attempt_timeouts(now);
        self.end_wrap_ups(now);
        self.handle_plan_timeouts(now);
        while let Some(flow) = self.keep_alives.take_due(now) {
            self.keep_alives.set(flow, self.config.keep_alive.map(|every| now + every));
            let bytes = b"\r\n".to_vec();
            self.outputs.push_back(PbxOutput::Transmit { flow, bytes });
        }
        self.drain_transactions(now);
        self.settle_team(now);
        self.settle_supervisions(now);
        self.drain_transactions(now);
        self.note_timeouts();
    }

    /// The legs that are not gone, oldest first.
    pub fn legs(&self) -> Vec<LegView> {
        let view = |leg: &Leg| LegView {
            id: leg.id,
            user: leg.user.clone(),
            is_caller: leg.is_caller,
            phase: leg.phase(),
            call_id: leg.dialog.call_id.clone(),
            is_held: leg.is_held(),
            peer: self.peer_of(leg),
        };
        self.legs.values().map(view).collect()
    }

    /// The bindings.
    pub fn contacts(&self) -> Vec<ContactView> {
        self.registrar.views()
    }

    /// Whether a user is reached by this flow.
    pub fn is_bound(&self, user: &str, flow: FlowId) -> bool {
        self.registrar.of(user).iter().any(|contact| contact.flow == flow)
    }

    /// As many callers of each queue wait while nobody is rung for them.
    pub fn unserved(&self) -> BTreeMap<&str, usize> {
        let mut unserved = BTreeMap::new();
        for call in self.calls.values() {
            if let Plan::Queued { queue, round: Round::Pausing(_), .. } = &call.plan {
                *unserved.entry(queue.as_str()).or_default() += 1;
            }
        }
        unserved
    }

    /// What must hold between any two steps.
    ///
    /// # Errors
    /// Says in words what does not.
    pub fn check_invariants(&mut self) -> Result<(), String> {
        let closed = std::mem::take(&mut self.closed);
        if let Some(flow) = closed.iter().find(|flow| self.registrar.is_bound_to(**flow)) {
            return Err(format!("somebody is bound to {flow:?}, which is gone"));
        }
        let changed =
            [self.legs.take_changed(), self.calls.take_changed(), self.attempts.take_changed()];
        if !changed.contains(&true) {
            return Ok(());
        }
        for leg in self.legs.values() {
            let id = leg.id;
            if leg.call.is_some_and(|call| !self.calls.contains_key(&call)) {
                return Err(format!("{id} belongs to a call that has ended"));
            }
            let waits = match &leg.stage {
                Stage::Received { .. } | Stage::Describing { .. } | Stage::Calling { .. } => {
                    leg.call.is_some()
                }
                Stage::Confirmed => leg.call.is_some() || leg.leaves_by.is_some(),
                Stage::Cancelling { .. } => !leg.has_media && leg.call.is_none(),
                Stage::Terminating { bye } => {
                    !leg.has_media
                        && leg.call.is_none()
                        && (bye.is_some() || leg.unacknowledged.is_some())
                }
            };
            if !waits {
                return Err(format!("{id} in {:?} waits for nothing", leg.phase()));
            }
            if !leg.has_media && leg.call.is_some() && matches!(leg.stage, Stage::Confirmed) {
                return Err(format!("{id} is answered without media"));
            }
        }
        for attempt in self.attempts.values() {
            let call = self.calls.get(&attempt.call);
            if !call.is_some_and(|call| matches!(call.plan, Plan::Queued { .. })) {
                return Err(format!("{} is rung for a call that does not wait", attempt.agent));
            }
        }
        for call in self.calls.values() {
            if !self.legs.contains_key(&call.caller) {
                return Err(format!("a call has lost its caller, {}", call.caller));
            }
            if let Plan::Bridged(peer) = call.plan
                && !self.legs.contains_key(&peer)
            {
                return Err(format!("{} is joined to {peer}, which is gone", call.caller));
            }
        }
        Ok(())
    }

    /// Asks the media side for a description; what was asked before is void.
    pub(crate) fn describe(
        &mut self,
        leg: LegId,
        purpose: Purpose,
        offer: Option<String>,
        direction: MediaDirection,
    ) {
        let Some(state) = self.legs.get_mut(&leg) else { return };
        state.generation = Generation(state.generation.0 + 1);
        state.describing = Some(purpose);
        state.has_media = true;
        let generation = state.generation;
        self.media(MediaCommand::Describe { leg, generation, offer, direction });
    }

    /// Tells the media side.
    pub(crate) fn media(&mut self, command: MediaCommand) {
        self.outputs.push_back(PbxOutput::Media(command));
    }

    /// Asks for this to be carried out.
    pub(crate) fn tell(&mut self, output: PbxOutput) {
        self.outputs.push_back(output);
    }

    /// Sends a message that is in no transaction.
    pub(crate) fn transmit(&mut self, flow: FlowId, bytes: Vec<u8>) {
        if self.flows.contains_key(&flow) {
            self.outputs.push_back(PbxOutput::Transmit { flow, bytes });
        }
    }

    /// A number that was never used.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Takes a leg's media down.
    pub(crate) fn release(&mut self, leg: LegId) {
        let Some(state) = self.legs.get_mut(&leg) else { return };
        state.describing = None;
        if std::mem::take(&mut state.has_media) {
            self.media(MediaCommand::Release { leg });
        }
    }

    /// A leg is over: nothing is left of it, and its call takes notice.
    pub(crate) fn remove_leg(&mut self, leg: LegId, status: StatusCode, now: Duration) {
        self.release(leg);
        let Some(state) = self.legs.remove(&leg) else { return };
        if state.talk.is_some() {
            self.wrap_up(&state.user, now);
        }
        if let Some(call) = state.call {
            if let Some(attempt) = state.attempt {
                self.device_gone(attempt, state.dialog.target.to_string(), status, now);
            }
            self.leg_gone(call, leg, status, now);
        }
    }

    /// Hangs up a leg on nobody's request: its call ends with it.
    pub(crate) fn hang_up_by_itself(&mut self, leg: LegId, now: Duration) {
        let Some(call) = self.legs.get(&leg).and_then(|leg| leg.call) else { return };
        self.hang_up(leg, Cause::Normal, now);
        self.leg_gone(call, leg, StatusCode::TEMPORARILY_UNAVAILABLE, now);
    }

    fn flow_opened(&mut self, flow: FlowId, peer: SocketAddr, now: Duration) {
        if self.flows.len() >= self.config.max_flows {
            self.outputs.push_back(PbxOutput::CloseFlow { flow });
            return;
        }
        self.keep_alives.set(flow, self.config.keep_alive.map(|every| now + every));
        self.flows.insert(flow, Flow { peer });
    }

    fn flow_closed(&mut self, flow: FlowId, now: Duration) {
        self.flows.remove(&flow);
        self.keep_alives.set(flow, None);
        self.closed.push(flow);
        self.registrar.flow_closed(flow);
        self.transactions.flow_lost(flow, now);
        // PJSIP ends an unanswered caller with its transport; an answered leg waits for its phone
        // to come back on another flow, or for the end of its audio.
        let unanswered = self
            .legs
            .values()
            .filter(|leg| leg.flow == flow && matches!(leg.stage, Stage::Received { .. }));
        for leg in unanswered.map(|leg| leg.id).collect::<Vec<_>>() {
            self.remove_leg(leg, StatusCode::SERVICE_UNAVAILABLE, now);
        }
    }

    fn received(&mut self, flow: FlowId, bytes: &[u8], now: Duration) {
        let is_empty = bytes.iter().all(|byte| b"\r\n".contains(byte));
        if !self.flows.contains_key(&flow) || is_empty {
            return;
        }
        let message = match Message::parse(bytes) {
            Ok(message) => message,
            Err(error) => return log::info!("unreadable message on {flow:?}: {error}"),
        };
        match (message.validate(), message) {
            (Ok(()), mut message) => {
                self.note_source(flow, &mut message);
                self.transactions.receive(message, flow, Reliability::Reliable, now);
            }
            (Err(_), Message::Request(request))
                if request.method != Method::Ack && request.headers.via().is_ok() =>
            {
                let response = request.response(StatusCode::BAD_REQUEST, None);
                self.transmit(flow, Message::from(response).to_bytes());
            }
            (Err(_), Message::Request(_) | Message::Response(_)) => {}
        }
    }

    /// Writes where a request came from into its Via, as PJSIP does for every one (RFC 3581 §4).
    fn note_source(&self, flow: FlowId, message: &mut Message) {
        let (Message::Request(request), Some(flow)) = (message, self.flows.get(&flow)) else {
            return;
        };
        let Ok(mut vias) = request.headers.vias() else { return };
        let Some(top) = vias.first_mut() else { return };
        top.params.set("received", &flow.peer.ip().to_string());
        top.params.set("rport", &flow.peer.port().to_string());
        request.headers.remove(&HeaderName::VIA);
        for via in vias.iter().rev() {
            request.headers.push_front(HeaderName::VIA, via.to_string());
        }
    }

    fn operate(&mut self, operator: Operator, now: Duration) {
        match operator {
            Operator::ExpireNonces => self.nonces.clear(),
            Operator::Refuse(status) => self.refusing = status,
            Operator::HangUp(leg) => self.hang_up_by_itself(leg, now),
            Operator::Refer(leg) => {
                let to = format!("sip:600@{}", self.config.realm);
                self.refer(leg, &to, now);
            }
            Operator::Reinvite { leg, direction } => self.reinvite(leg, direction),
            Operator::Restart => {
                let legs = std::mem::take(&mut self.legs);
                for leg in legs.values().filter(|leg| leg.has_media) {
                    self.media(MediaCommand::Release { leg: leg.id });
                }
                for flow in std::mem::take(&mut self.flows).into_keys() {
                    self.outputs.push_back(PbxOutput::CloseFlow { flow });
                }
                self.keep_alives.clear();
                self.calls = Table::default();
                self.attempts = Table::default();
                self.nonces.clear();
                self.registrar = Registrar::default();
                self.transactions = Transactions::new(self.timers);
            }
            Operator::Forget => {
                self.wrap_ups.clear();
                for user in std::mem::take(&mut self.seats).into_keys() {
                    let mine = self.config.agents.get(&user).cloned().unwrap_or_default();
                    mine.iter().for_each(|queue| self.set_member(queue, &user, false));
                }
                self.recording_news.clear();
                self.curious.clear();
                self.team = Team::default();
            }
        }
    }

    /// Asks all that something was done with when it is due.
    fn note_timeouts(&mut self) {
        self.legs.note();
        self.calls.note();
        self.attempts.note();
    }

    fn drain_transactions(&mut self, now: Duration) {
        while let Some(output) = self.transactions.poll_output() {
            match output {
                TransactionOutput::Transmit { flow, message } => {
                    self.transmit(flow, message.to_bytes());
                }
                TransactionOutput::Request { key, flow, request } => {
                    self.handle_request(key, flow, request, now);
                }
                TransactionOutput::Ack { request } => self.handle_ack(&request, now),
                TransactionOutput::Response { key, response } => {
                    self.handle_response(&key, &response, now);
                }
                TransactionOutput::ClientTimedOut { key } => {
                    self.handle_failure(&key, StatusCode::REQUEST_TIMEOUT, now);
                }
                TransactionOutput::ClientFlowLost { key } => {
                    self.handle_failure(&key, StatusCode::SERVICE_UNAVAILABLE, now);
                }
                // A 2xx without its ACK is watched by the leg; any other final response that
                // nobody acknowledged concerns nobody.
                TransactionOutput::ServerTimedOut { .. } => {}
            }
        }
    }

    pub(crate) fn peer_of(&self, leg: &Leg) -> Option<LegId> {
        let call = self.calls.get(&leg.call?)?;
        match call.plan {
            Plan::Bridged(peer) if peer == leg.id => Some(call.caller),
            Plan::Bridged(peer) if call.caller == leg.id => Some(peer),
            Plan::Bridged(_)
            | Plan::Described(_)
            | Plan::Steps { .. }
            | Plan::Dialing { .. }
            | Plan::Queued { .. } => None,
        }
    }

    /// Adds what every response of the server carries.
    pub(crate) fn finish(&self, mut response: Response) -> Response {
        response.headers.push(HeaderName::SERVER, self.config.product.as_str());
        response
    }

    /// The model's own Contact.
    pub(crate) fn contact(&self) -> String {
        format!("<sip:asterisk@{};transport=ws>", self.config.address)
    }
}
