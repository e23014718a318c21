//! The flow: opening it at one server after another, and the signs of life that keep it honest (RFC 5626 §4.4;
//! RFC 7118 §6).

use super::{Account, BackOff, FlowChange, Wish};
use crate::ua::Ua;
use crate::{
    FlowError, FlowErrorKind, FlowId, Handover, Now, Output, RegistrationProblem,
    RegistrationState, TimerReason,
};
use std::time::Duration;

/// How long a connection may take: DNS, TCP, TLS and WebSocket on a slow network.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// After this a driver that did not report the end of its attempt is not waited for.
const OPEN_GRACE: Duration = Duration::from_secs(5);
/// How long a probe may go unanswered.
const PROBE_LIMIT: Duration = Duration::from_secs(4);
/// The same after a change of network, where the flow is likely dead.
const DOUBT_LIMIT: Duration = Duration::from_secs(2);
/// A flow on which the server was heard for so long has held.
const HELD: Duration = Duration::from_secs(20);
/// No server has a flow probed more often.
const LEAST_ALIVE: Duration = Duration::from_secs(5);
/// The pause after a failure that does not pass by itself: a wrong certificate or password.
pub(super) const LONG_PAUSE: Duration = Duration::from_secs(300);

/// The connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// There is none.
    Down,
    /// It is being opened, until this time at most.
    Opening { flow: FlowId, until: Duration },
    /// It is up since this time, and the server was heard at that.
    Up { flow: FlowId, since: Duration, heard: Duration, probe: Probe },
}

/// What is known of a quiet flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    /// Nothing is doubted.
    Quiet,
    /// A probe is out and counts as unanswered at this time; `last`: then the flow is dead.
    Sent { until: Duration, last: bool },
    /// The first REGISTER of the flow is out, and nothing else that is heard answers it: a server that starts takes
    /// connections, and may answer nothing on one, or all but this.
    First { until: Duration },
}

impl Link {
    pub(super) fn is_up(&self) -> bool {
        matches!(self, Self::Up { .. })
    }

    pub(super) fn flow(&self) -> Option<FlowId> {
        match self {
            Self::Down => None,
            Self::Opening { flow, .. } | Self::Up { flow, .. } => Some(*flow),
        }
    }

    pub(super) fn timeout(&self, keep_alive: Duration) -> Option<(Duration, TimerReason)> {
        match self {
            Self::Down => None,
            Self::Opening { until, .. } => Some((*until, TimerReason::Retry)),
            Self::Up { heard, probe: Probe::Quiet, .. } => {
                Some((*heard + keep_alive, TimerReason::KeepAlive))
            }
            Self::Up { probe: Probe::Sent { until, .. } | Probe::First { until }, .. } => {
                Some((*until, TimerReason::ProbeTimeout))
            }
        }
    }
}

impl Account {
    /// How often a quiet flow is probed: as configured, or within four fifths of what the server takes
    /// for dead (RFC 5626 §4.4.1).
    pub(super) fn keep_alive(&self, configured: Duration) -> Duration {
        self.flow_timer.map_or(configured, |most| configured.min(most * 4 / 5).max(LEAST_ALIVE))
    }

    /// Opens a flow to the server whose turn it is.
    pub(super) fn open(&mut self, ua: &mut Ua, now: Now) {
        self.retry_at = None;
        let Some((flow, until)) = self.ask_flow(ua, now) else {
            let problem = RegistrationProblem::Flow {
                kind: FlowErrorKind::NameResolution,
                detail: "no server is configured".to_owned(),
            };
            return self.set_lamp(RegistrationState::Failed, Some(problem), ua, now);
        };
        self.link = Link::Opening { flow, until };
    }

    /// Asks for a flow to the server whose turn it is, until a time at most.
    pub(super) fn ask_flow(&mut self, ua: &mut Ua, now: Now) -> Option<(FlowId, Duration)> {
        let servers = &ua.config.servers;
        let server = servers.get(self.server).or(servers.first()).cloned()?;
        let flow = FlowId(self.next_flow);
        self.next_flow += 1;
        ua.ask(Output::OpenFlow { flow, server, timeout: OPEN_LIMIT });
        Some((flow, now.boot + OPEN_LIMIT + OPEN_GRACE))
    }

    /// The flow is there.
    pub(crate) fn handle_opened(&mut self, flow: FlowId, ua: &mut Ua, now: Now) -> FlowChange {
        if self.successor.take_if(|(successor, _)| *successor == flow).is_some() {
            self.take_over(flow, ua, now);
            return FlowChange::Moved;
        }
        if !matches!(self.link, Link::Opening { flow: opening, .. } if opening == flow) {
            return FlowChange::None;
        }
        let probe = Probe::First { until: now.boot + PROBE_LIMIT };
        self.link = Link::Up { flow, since: now.boot, heard: now.boot, probe };
        ua.flow = Some(flow);
        FlowChange::Up
    }

    /// What waited for the flow is sent: it is bound.
    pub(crate) fn handle_up(&mut self, ua: &mut Ua, now: Now) {
        if let Some(flow) = ua.flow.filter(|_| std::mem::take(&mut self.moved)) {
            ua.transactions.flow_opened(flow);
        }
        if self.is_leaving() {
            self.take_token_back(ua, now);
        }
        self.register(ua, now);
    }

    /// The flow could not be opened, or was lost.
    pub(crate) fn handle_failed(
        &mut self,
        flow: FlowId,
        error: FlowError,
        ua: &mut Ua,
        now: Now,
    ) -> FlowChange {
        if self.link.flow() != Some(flow) {
            self.handle_other_failed(flow, ua, now);
            return FlowChange::None;
        }
        let was_up = self.link.is_up();
        self.drop_flow(ua);
        if self.wish != Wish::In {
            self.leave(ua, now);
            return FlowChange::Left(was_up.then_some(flow));
        }
        if was_up && self.succeed() {
            self.set_lamp(RegistrationState::Registering, None, ua, now);
            return FlowChange::Lost(flow);
        }
        if was_up {
            self.set_lamp(RegistrationState::Unreachable, Some(error.into()), ua, now);
            self.wait(ua, now);
            return FlowChange::Lost(flow);
        }
        if self.server + 1 < ua.config.servers.len() {
            self.server += 1;
            self.open(ua, now);
            return FlowChange::None;
        }
        self.server = 0;
        let prospect = Prospect::after(error.kind);
        let state = match prospect {
            Prospect::Passing => RegistrationState::Unreachable,
            Prospect::Unclear | Prospect::Lasting => RegistrationState::Failed,
        };
        self.set_lamp(state, Some(error.into()), ua, now);
        match prospect {
            Prospect::Passing | Prospect::Unclear => self.wait(ua, now),
            Prospect::Lasting => self.pause(LONG_PAUSE, ua, now),
        }
        FlowChange::None
    }

    /// Whether bytes of this flow count. They are a sign of life.
    pub(crate) fn handle_alive(&mut self, flow: FlowId, now: Now) -> bool {
        match &mut self.link {
            Link::Up { flow: up, heard, probe, .. } if *up == flow => {
                *heard = now.boot;
                if !matches!(probe, Probe::First { .. }) {
                    *probe = Probe::Quiet;
                }
                true
            }
            Link::Down | Link::Opening { .. } | Link::Up { .. } => self.hear_predecessor(flow),
        }
    }

    /// The REGISTER that was out is answered; one more may be, with credentials.
    pub(super) fn register_answered(&mut self, now: Now) {
        if let Link::Up { probe: probe @ Probe::First { .. }, .. } = &mut self.link {
            let more = self.pending.as_ref().map(|_| now.boot + PROBE_LIMIT);
            *probe = more.map_or(Probe::Quiet, |until| Probe::First { until });
        }
    }

    /// The network is another: the flow is probed, or replaced at once where a call depends on it.
    /// What waited tries again.
    pub(crate) fn handle_network_changed(
        &mut self,
        handover: Handover,
        in_call: bool,
        ua: &mut Ua,
        now: Now,
    ) -> FlowChange {
        if self.wish != Wish::In {
            return FlowChange::None;
        }
        self.back_off = BackOff::default();
        match self.link {
            Link::Up { .. } if handover == Handover::MakeBeforeBreak => {
                self.prepare_successor(ua, now);
                FlowChange::None
            }
            Link::Up { .. } if in_call => {
                self.set_lamp(RegistrationState::Registering, None, ua, now);
                self.moved = true;
                self.replace(ua, now)
            }
            Link::Up { flow, probe, .. } => {
                let limit = match probe {
                    // A network that changes again and again does not put the verdict off.
                    Probe::Sent { until, last: true } | Probe::First { until }
                        if until > now.boot =>
                    {
                        until - now.boot
                    }
                    Probe::Quiet | Probe::Sent { .. } | Probe::First { .. } => DOUBT_LIMIT,
                };
                self.probe(flow, limit, true, ua, now);
                FlowChange::None
            }
            Link::Down | Link::Opening { .. } => {
                self.close(ua);
                self.server = 0;
                self.open(ua, now);
                FlowChange::None
            }
        }
    }

    /// The flow is dead though it says nothing: the lamp shows it, and another is opened at once.
    pub(super) fn give_up_flow(&mut self, ua: &mut Ua, now: Now) -> FlowChange {
        let problem = Some(RegistrationProblem::NoAnswer);
        self.set_lamp(RegistrationState::Unreachable, problem, ua, now);
        // RFC 3263 §4.3: a server that takes connections and answers nothing has failed like one that
        // takes none.
        let many = ua.config.servers.len() > 1;
        let is_bound = self.bound_on.is_some_and(|flow| self.link.flow() == Some(flow));
        let is_heard = matches!(
            self.link,
            Link::Up { since, heard, probe: Probe::Quiet | Probe::Sent { .. }, .. } if heard > since
        );
        if is_bound || (is_heard && !many) {
            return self.replace(ua, now);
        }
        let lost = self.close(ua);
        self.server += 1;
        if self.server < ua.config.servers.len() {
            self.open(ua, now);
        } else {
            self.server = 0;
            self.wait(ua, now);
        }
        lost.map_or(FlowChange::None, FlowChange::Lost)
    }

    fn replace(&mut self, ua: &mut Ua, now: Now) -> FlowChange {
        let lost = self.close(ua);
        self.server = 0;
        self.open(ua, now);
        lost.map_or(FlowChange::None, FlowChange::Lost)
    }

    pub(super) fn handle_link_timeout(&mut self, ua: &mut Ua, now: Now) -> FlowChange {
        let keep_alive = self.keep_alive(ua.config.keep_alive);
        if self.link.timeout(keep_alive).is_none_or(|(at, _)| at > now.boot) {
            return FlowChange::None;
        }
        match self.link {
            Link::Down => FlowChange::None,
            Link::Opening { flow, .. } => {
                ua.ask(Output::CloseFlow { flow });
                let kind = FlowErrorKind::TimedOut;
                let error = FlowError { kind, detail: "no report in time".to_owned() };
                self.handle_failed(flow, error, ua, now)
            }
            Link::Up { probe: Probe::Sent { last: true, .. } | Probe::First { .. }, .. } => {
                self.give_up_flow(ua, now)
            }
            Link::Up { flow, probe, .. } => {
                self.probe(flow, PROBE_LIMIT, probe != Probe::Quiet, ua, now);
                FlowChange::None
            }
        }
    }

    /// Something throws doubt on the flow that is up: it is probed, with little patience.
    pub(crate) fn doubt(&mut self, ua: &mut Ua, now: Now) {
        if let Link::Up { flow, probe: Probe::Quiet, .. } = self.link {
            self.probe(flow, DOUBT_LIMIT, true, ua, now);
        }
    }

    fn probe(&mut self, flow: FlowId, limit: Duration, last: bool, ua: &mut Ua, now: Now) {
        if let Link::Up { probe, .. } = &mut self.link {
            *probe = Probe::Sent { until: now.boot + limit, last };
            ua.ask(Output::Probe { flow });
        }
    }

    /// Failures before a flow that held are forgotten; a server that takes each flow and drops it
    /// soon is not come back to at once.
    pub(super) fn forgive(&mut self) {
        if let Link::Up { since, heard, .. } = self.link
            && heard.saturating_sub(since) >= HELD
        {
            self.back_off = BackOff::default();
        }
    }

    /// Waits before the next round, so that the phones of a server that restarts do not come back in one moment.
    pub(super) fn wait(&mut self, ua: &mut Ua, now: Now) {
        let wait = self.back_off.fail(ua.in_call, now.boot);
        self.pause(wait, ua, now);
    }

    /// Waits for half to all of this time.
    pub(super) fn pause(&mut self, wait: Duration, ua: &mut Ua, now: Now) {
        self.retry_at = Some(now.boot + ua.between(wait / 2, wait));
    }
}

/// What may come of trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prospect {
    /// It is a matter of the network and passes.
    Passing,
    /// The address may be wrong; but a server that is starting, or a proxy before it, refuses the
    /// WebSocket for a moment too.
    Unclear,
    /// Trying again will not mend it soon.
    Lasting,
}

impl Prospect {
    fn after(kind: FlowErrorKind) -> Self {
        match kind {
            FlowErrorKind::CertificateName
            | FlowErrorKind::CertificateExpired
            | FlowErrorKind::CertificateUntrusted => Self::Lasting,
            FlowErrorKind::WebSocket => Self::Unclear,
            FlowErrorKind::NameResolution
            | FlowErrorKind::Unreachable
            | FlowErrorKind::TimedOut
            | FlowErrorKind::Tls
            | FlowErrorKind::Lost => Self::Passing,
        }
    }
}
