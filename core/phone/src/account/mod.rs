//! Registration, servers and flows, and the lamp (RFC 3261 §10, RFC 5626).
//!
//! One account holds at most one flow and one binding. The flow comes first: it is opened
//! ([`flow`]), then REGISTER binds it ([`register`]); the lamp is green only after the server
//! answered on the flow that is up. [`back_off`] is how long it waits where none comes about. [`handover`] is how one flow
//! follows another without a break. [`push`] is what a phone without a flow is reached by.

mod back_off;
mod flow;
mod handover;
mod push;
mod register;

use crate::ua::Ua;
use crate::{
    FlowError, FlowId, Now, Output, Registration, RegistrationProblem, RegistrationState, Saved,
    SavedPush, TimerReason,
};
use back_off::BackOff;
use flow::Link;
use handover::Predecessor;
use sidetone_sip::Uri;
use sidetone_sip::transaction::ClientKey;
use std::time::Duration;

/// How long signing out waits for the server.
const LEAVE_LIMIT: Duration = Duration::from_secs(2);

/// The same for a phone that sleeps and must connect for it.
const LEAVE_ASLEEP_LIMIT: Duration = Duration::from_secs(8);

/// What the app wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// Signed out.
    Out,
    /// Signed in.
    In,
    /// Signed out as soon as the server has answered, at this time at the latest.
    Leaving {
        /// Until then.
        until: Duration,
        /// To sleep, not to sign out.
        to_sleep: bool,
    },
    /// Signed in without a connection, until a push comes.
    Asleep,
}

/// What the phone must do about its calls after a step of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlowChange {
    /// Nothing.
    None,
    /// The flow of this number is gone; transactions and calls are to be told.
    Lost(FlowId),
    /// A flow is up: what waited for it can be sent.
    Up,
    /// A flow is up beside the old one, which carries on what it carries until that is done.
    Moved,
    /// Signed out, and the flow of this number, where there was one, is gone: no call can go on.
    Left(Option<FlowId>),
}

/// A granted registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Binding {
    refresh_at: Duration,
    expires_at: Duration,
}

/// The account: what is wanted, the flow, the binding, the lamp.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    wish: Wish,
    link: Link,
    /// The flow that is to take the place of the one that is up, until this time at most.
    successor: Option<(FlowId, Duration)>,
    /// The flow whose place was taken.
    predecessor: Option<Predecessor>,
    /// The next flow takes the place of one that was left, not lost: what was to be answered there is
    /// answered on it.
    moved: bool,
    next_flow: u64,
    /// The server of the present or next attempt.
    server: usize,
    /// The failed rounds in a row.
    back_off: BackOff,
    /// When to connect again, or to register again on the flow that is up.
    retry_at: Option<Duration>,
    binding: Option<Binding>,
    /// The REGISTER under way.
    pending: Option<ClientKey>,
    /// What is asked for: the configured time, or more where the server wants more.
    expires: Duration,
    /// How often in a row the server wanted more.
    lengthened: u8,
    call_id: String,
    sequence: u32,
    /// What names our last binding at the server.
    bound: Vec<String>,
    /// The flow that it is for; `None` where it is from an earlier process.
    bound_on: Option<FlowId>,
    /// The REGISTER under way takes an older binding away.
    removing: bool,
    lamp: Registration,
    push: SavedPush,
    /// How often the flow must be kept alive, where the server says so (RFC 5626 §4.4.1).
    flow_timer: Option<Duration>,
    /// Why the server did not take the push token.
    push_problem: Option<RegistrationProblem>,
    /// The registrar does not know the push service: it is registered at without.
    without_push: bool,
    /// The MESSAGE with the token that is on its way.
    handing_over: Option<ClientKey>,
}

impl Account {
    pub(crate) fn new(saved: Option<&Saved>, ua: &mut Ua, now: Now) -> Self {
        let lamp =
            Registration { state: RegistrationState::Unregistered, problem: None, since: now.wall };
        let asleep = saved.is_some_and(|saved| saved.signed_in);
        // What was stored may have been changed by others.
        let call_id = saved.map(|saved| saved.register_call_id.clone());
        let call_id = call_id.filter(|id| {
            !id.is_empty() && id.len() <= 256 && id.bytes().all(|byte| byte.is_ascii_graphic())
        });
        let mut account = Self {
            wish: if asleep { Wish::Asleep } else { Wish::Out },
            link: Link::Down,
            successor: None,
            predecessor: None,
            moved: false,
            next_flow: 1,
            server: 0,
            back_off: BackOff::default(),
            retry_at: None,
            binding: None,
            pending: None,
            expires: ua.config.expires,
            lengthened: 0,
            call_id: call_id.unwrap_or_else(|| ua.call_id_header()),
            sequence: saved.map_or(0, |s| s.register_sequence),
            bound: saved.map_or_else(Vec::new, |s| names(s.contact.as_deref())),
            bound_on: None,
            removing: false,
            lamp,
            push: push::known(saved.map(|s| s.push.clone()), ua.config.push.clone()),
            flow_timer: None,
            push_problem: None,
            without_push: false,
            handing_over: None,
        };
        if asleep {
            account.lamp.state = account.asleep().0;
        }
        account
    }

    /// The lamp.
    pub(crate) fn lamp(&self) -> &Registration {
        &self.lamp
    }

    /// Whether calls may be made and taken.
    pub(crate) fn is_registered(&self) -> bool {
        self.wish == Wish::In && self.lamp.state == RegistrationState::Registered
    }

    /// Whether the phone is on its way to sleep, or out.
    pub(crate) fn is_leaving(&self) -> bool {
        matches!(self.wish, Wish::Leaving { .. })
    }

    /// What must survive the process.
    pub(crate) fn saved(&self, ua: &Ua) -> Saved {
        Saved {
            version: Saved::VERSION,
            digest: ua.digest.saved().to_owned(),
            contact: (!self.bound.is_empty()).then(|| self.bound.join(" ")),
            register_call_id: self.call_id.clone(),
            register_sequence: self.sequence,
            signed_in: self.wants_calls(),
            push: self.push.clone(),
            ..Saved::default()
        }
    }

    /// Whether [`Account::saved`] would say the same; what the calls have in it is not looked at.
    pub(crate) fn is_saved_in(&self, saved: &Saved, ua: &Ua) -> bool {
        let Saved {
            version,
            digest,
            contact,
            register_call_id,
            register_sequence,
            signed_in,
            push,
            announced: _,
            memory: _,
            dialogs: _,
            unfinished: _,
            messages: _,
        } = saved;
        let bound = contact.iter().flat_map(|names| names.split(' '));
        *version == Saved::VERSION
            && digest == ua.digest.saved()
            && bound.eq(self.bound.iter().map(String::as_str))
            && *register_call_id == self.call_id
            && *register_sequence == self.sequence
            && *signed_in == self.wants_calls()
            && *push == self.push
    }

    /// Signs in; tries again at once where it waits to; refreshes the binding where it stands.
    pub(crate) fn sign_in(&mut self, ua: &mut Ua, now: Now) -> FlowChange {
        match self.wish {
            Wish::In if self.retry_at.is_none() => {
                if self.link.is_up() && self.binding.is_some() && self.pending.is_none() {
                    self.register(ua, now);
                }
                FlowChange::None
            }
            Wish::In => {
                self.back_off = BackOff::default();
                self.set_lamp(RegistrationState::Registering, None, ua, now);
                self.retry(ua, now)
            }
            Wish::Out | Wish::Asleep => {
                self.wish = Wish::In;
                self.back_off = BackOff::default();
                self.server = 0;
                self.set_lamp(RegistrationState::Registering, None, ua, now);
                self.open(ua, now);
                FlowChange::None
            }
            Wish::Leaving { .. } => {
                let left = self.leave(ua, now);
                self.sign_in(ua, now);
                left
            }
        }
    }

    /// Signs out: takes the binding away, then closes the flow.
    pub(crate) fn sign_out(&mut self, ua: &mut Ua, now: Now) -> FlowChange {
        if !self.wants_calls() {
            return FlowChange::None;
        }
        self.retry_at = None;
        // A REGISTER that takes the binding away before sleep does as well.
        let leaving = matches!(self.wish, Wish::Leaving { .. });
        let asleep = self.wish == Wish::Asleep;
        self.wish = Wish::Leaving { until: now.boot + LEAVE_LIMIT, to_sleep: false };
        if asleep && self.push.confirmed {
            // The server would go on pushing to a phone that is signed out.
            self.wish = Wish::Leaving { until: now.boot + LEAVE_ASLEEP_LIMIT, to_sleep: false };
            self.server = 0;
            self.open(ua, now);
        } else if !self.link.is_up() {
            return self.leave(ua, now);
        } else {
            self.take_token_back(ua, now);
            if !leaving {
                self.register(ua, now);
            }
        }
        FlowChange::None
    }

    /// The earliest of this account's deadlines.
    pub(crate) fn poll_timeout(&self, keep_alive: Duration) -> Option<(Duration, TimerReason)> {
        let leaving = match self.wish {
            Wish::Leaving { until, .. } => Some((until, TimerReason::Retry)),
            Wish::Out | Wish::In | Wish::Asleep => None,
        };
        let retry = self.retry_at.map(|at| (at, TimerReason::Retry));
        let refresh = self.binding.map(|binding| {
            let at = if self.pending.is_none() { binding.refresh_at } else { binding.expires_at };
            (at.min(binding.expires_at), TimerReason::Refresh)
        });
        let link = self.link.timeout(self.keep_alive(keep_alive));
        let successor = self.successor.map(|(_, until)| until);
        let predecessor = self.predecessor.as_ref().map(Predecessor::timeout);
        let others = successor.into_iter().chain(predecessor);
        let others = others.map(|until| (until, TimerReason::Retry));
        [leaving, retry, refresh, link].into_iter().flatten().chain(others).min()
    }

    /// Lets the account's deadlines pass that are due.
    pub(crate) fn handle_timeout(&mut self, ua: &mut Ua, now: Now) -> FlowChange {
        let due = |at: Duration| at <= now.boot;
        if matches!(self.wish, Wish::Leaving { until, .. } if due(until)) {
            return self.leave(ua, now);
        }
        if self.retry_at.is_some_and(due) {
            return self.retry(ua, now);
        }
        let binding = self.binding;
        if binding.is_some_and(|binding| due(binding.refresh_at)) && self.pending.is_none() {
            self.register(ua, now);
        }
        if binding.is_some_and(|binding| due(binding.expires_at)) {
            self.binding = None;
            if self.lamp.state == RegistrationState::Registered {
                self.set_lamp(RegistrationState::Registering, None, ua, now);
            }
        }
        self.handle_handover_timeout(ua, now);
        self.handle_link_timeout(ua, now)
    }

    /// Tries again: on the flow that is up, or on a new one.
    fn retry(&mut self, ua: &mut Ua, now: Now) -> FlowChange {
        self.retry_at = None;
        if self.link.is_up() {
            self.register(ua, now);
        } else {
            self.open(ua, now);
        }
        FlowChange::None
    }

    /// Signed out for good, or asleep: flow closed, nothing pending.
    fn leave(&mut self, ua: &mut Ua, now: Now) -> FlowChange {
        self.drop_predecessor(ua, now);
        let lost = self.close(ua);
        self.retry_at = None;
        if matches!(self.wish, Wish::Leaving { to_sleep: true, .. }) {
            self.wish = Wish::Asleep;
            let (state, problem) = self.asleep();
            self.set_lamp(state, problem, ua, now);
        } else {
            self.wish = Wish::Out;
            self.set_lamp(RegistrationState::Unregistered, None, ua, now);
        }
        FlowChange::Left(lost)
    }

    /// Closes the flow and forgets what was bound to it. Gives the flow if it was up.
    fn close(&mut self, ua: &mut Ua) -> Option<FlowId> {
        let up = self.link.is_up();
        let flow = self.link.flow();
        self.drop_flow(ua);
        self.drop_successor(ua);
        if let Some(flow) = flow {
            ua.ask(Output::CloseFlow { flow });
        }
        flow.filter(|_| up)
    }

    /// Forgets the flow and what was bound to it.
    fn drop_flow(&mut self, ua: &mut Ua) {
        self.forgive();
        self.link = Link::Down;
        self.binding = None;
        self.pending = None;
        self.removing = false;
        self.handing_over = None;
        self.flow_timer = None;
        ua.flow = None;
        ua.service_route.clear();
    }

    fn set_lamp(
        &mut self,
        state: RegistrationState,
        problem: Option<RegistrationProblem>,
        ua: &mut Ua,
        now: Now,
    ) {
        if self.lamp.state == state && self.lamp.problem == problem {
            return;
        }
        self.lamp = Registration { state, problem, since: now.wall };
        ua.tell(crate::Event::RegistrationChanged(self.lamp.clone()));
    }
}

/// The names of a binding as they are saved: URIs, which hold no space.
fn names(saved: Option<&str>) -> Vec<String> {
    let clean = |name: &str| name.bytes().all(|byte| byte.is_ascii_graphic());
    let uri = |name: &&str| clean(name) && Uri::parse(name).is_ok();
    saved.unwrap_or_default().split(' ').filter(uri).take(2).map(str::to_owned).collect()
}

impl From<FlowError> for RegistrationProblem {
    fn from(error: FlowError) -> Self {
        Self::Flow { kind: error.kind, detail: error.detail }
    }
}
