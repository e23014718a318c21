//! What phones show of agents, teams and recordings, held against what the server has; and the microphones of those
//! who supervise.

use crate::checks::Supervised;
use crate::wire::Spoil;
use crate::world::{PhoneId, World};
use sidetone_pbx::{AgentView, QueueView, SupervisionView};
use sidetone_phone::{
    AgentSnapshot, AgentState, CallState, Command, FlowId, RecordingState, RegistrationState,
    Snapshot, TeamSnapshot,
};

impl World {
    /// Whether what the server says to a phone arrives at once: the phone is on and awake, registered, and its connection
    /// carries everything.
    pub fn is_well(&self, id: PhoneId, shown: &Snapshot) -> bool {
        let handset = &self.handsets[id.0];
        let is_registered = shown.registration.state == RegistrationState::Registered;
        let carries = |number: &u64| {
            let wire = self.wires.get(number);
            wire.is_some_and(|w| w.phone_open && w.pbx_open && w.spoil == Spoil::Clean)
        };
        let bound = |number: &u64| self.pbx.is_bound(&handset.name, FlowId(*number));
        is_registered
            && self.is_awake(id)
            && handset.wires.iter().any(|number| carries(number) && bound(number))
    }

    /// Whether a phone is on and awake.
    pub fn is_awake(&self, id: PhoneId) -> bool {
        let handset = &self.handsets[id.0];
        handset.phone.is_some() && handset.asleep.is_none()
    }

    /// What is recorded of the calls that a phone shows is what the server records, where it is certain and nothing is
    /// asked for.
    ///
    /// # Errors
    /// Says in words where they differ.
    pub fn recordings_are_true(&self, id: PhoneId, shown: &Snapshot) -> Result<(), String> {
        let truth = self.pbx.recordings(&self.handsets[id.0].name);
        for call in &shown.calls {
            // What the server has ended is told by BYE.
            let Some(theirs) = truth.get(&call.id.to_string()) else { continue };
            let ours = &call.recordings;
            let is_open = call.state != CallState::Established
                || ours.iter().any(|one| !one.certain || one.requested.is_some());
            let ours: Vec<_> =
                ours.iter().map(|one| (one.id.as_str().to_owned(), word(one.state))).collect();
            if !is_open && ours != *theirs {
                return Err(format!("call {} shows {ours:?}, recorded is {theirs:?}", call.id));
            }
        }
        Ok(())
    }

    /// What a supervisor has asked for, where it was taken.
    pub(crate) fn supervises(&mut self, index: usize, command: &Command) {
        if let Command::Supervise { call, mode, .. } = command {
            self.supervised.insert((index, *call), Supervised::new(*mode));
        }
        if let Command::SetSupervisionMode { call, mode } = command
            && let Some(supervised) = self.supervised.get_mut(&(index, *call))
        {
            supervised.asks(*mode);
        }
    }

    /// After each step: nobody is heard by whom he has not asked to be heard last.
    pub(crate) fn check_microphones(&mut self) {
        if self.supervised.is_empty() {
            return;
        }
        let mut supervised = std::mem::take(&mut self.supervised);
        supervised.retain(|(index, call), _| self.handsets[*index].told.is_live(*call));
        let there = self.pbx.supervisions();
        for ((index, call), supervised) in &mut supervised {
            let handset = &self.handsets[*index];
            let Some(phone) = &handset.phone else { continue };
            let calls = phone.snapshot().calls;
            let shown = calls.into_iter().find(|shown| shown.id == *call);
            let open = handset.ears.get(call).is_some_and(|ears| ears.uplink && !ears.muted);
            let name = call.to_string();
            let is_it = |one: &&SupervisionView| one.user == handset.name && one.call == name;
            let heard = there.iter().find(is_it).filter(|one| !one.waits);
            if let Err(what) = supervised.check(shown.as_ref(), open, heard.map(|one| one.mode)) {
                let name = handset.name.clone();
                self.fail(&format!("{name}: {what}"));
            }
        }
        self.supervised = supervised;
    }
}

/// What an agent's phone shows of him is what the server has.
///
/// # Errors
/// Says in words where they differ.
pub fn agent_is_true(shown: &AgentSnapshot, truth: &AgentView) -> Result<(), String> {
    let queues: Vec<_> = shown.queues.iter().map(|q| (q.name.clone(), q.logged_in)).collect();
    let reason = shown.pause.as_ref().and_then(|pause| pause.reason.clone());
    let wraps_up = shown.pause.as_ref().is_some_and(|pause| pause.until.is_some());
    let seen = AgentView { queues, reason, wraps_up };
    let is_paused =
        |q: &sidetone_phone::AgentQueue| q.paused == (q.logged_in && truth.reason.is_some());
    if seen != *truth || !shown.queues.iter().all(is_paused) {
        return Err(format!("{shown:?} is shown, is {truth:?}"));
    }
    let is_in = truth.queues.iter().any(|(_, is_in)| *is_in);
    let fits = match shown.state {
        AgentState::Unknown | AgentState::Unavailable => false,
        AgentState::LoggedOut => !is_in,
        AgentState::Ready => is_in && truth.reason.is_none(),
        AgentState::NotReady => is_in && truth.reason.is_some() && !truth.wraps_up,
        AgentState::WrapUp => is_in && truth.wraps_up,
        AgentState::Ringing | AgentState::OnCall => is_in,
    };
    if fits { Ok(()) } else { Err(format!("{:?} is shown, is {truth:?}", shown.state)) }
}

/// Each colleague that a team shows is what `truth` says of him, which passes over those of whom it says nothing.
///
/// # Errors
/// Says in words who is not.
pub fn team_is_true<'a>(
    team: &TeamSnapshot,
    truth: impl Fn(&str) -> Option<&'a (&'static str, Option<String>)>,
) -> Result<(), String> {
    for colleague in &team.people {
        let Some((state, reason)) = truth(&colleague.name) else { continue };
        let is = match (*state, reason.as_deref()) {
            ("paused", Some("wrapup")) => "in wrap-up",
            (other, _) => other,
        };
        let shown = match colleague.state {
            AgentState::LoggedOut => "out",
            AgentState::Ready => "ready",
            AgentState::Ringing => "ringing",
            AgentState::OnCall => "talking",
            AgentState::NotReady => "paused",
            AgentState::WrapUp => "in wrap-up",
            AgentState::Unknown | AgentState::Unavailable => "unknown",
        };
        let why = colleague.pause.as_ref().and_then(|pause| pause.reason.clone());
        if (shown, &why) != (is, reason) {
            let name = &colleague.name;
            return Err(format!("{name} is shown as {shown} {why:?}, is {is} {reason:?}"));
        }
    }
    Ok(())
}

/// Of each queue that a team shows as many wait and are free as `truth` says, which passes over those of which it says nothing.
///
/// # Errors
/// Says in words of which not.
pub fn queues_are_true(
    team: &TeamSnapshot,
    truth: impl Fn(&str) -> Option<QueueView>,
) -> Result<(), String> {
    for queue in &team.queues {
        let shown = QueueView { waiting: queue.waiting as usize, free: queue.free as usize };
        match truth(&queue.name) {
            Some(is) if is != shown => {
                return Err(format!("{} is shown as {shown:?}, is {is:?}", queue.name));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Each supervision that is shown as confirmed, with nothing asked for, is in the mode that `truth` says of its call, is heard or
/// not, and waits or not, as that says; where it says nothing, it is passed over. How many were not.
///
/// # Errors
/// Says in words of which not.
pub fn supervisions_are_true<'a>(
    shown: &Snapshot,
    truth: impl Fn(&str) -> Option<&'a SupervisionView>,
) -> Result<u64, String> {
    let mut count = 0;
    for call in &shown.calls {
        let Some(ours) = call.supervision.as_ref().filter(|ours| ours.requested.is_none()) else {
            continue;
        };
        let Some(theirs) = truth(&call.id.to_string()) else { continue };
        // Where no mode is known, nothing is shown as true.
        let Some(mode) = ours.mode.filter(|_| !ours.waiting).map(|mode| mode.to_string()) else {
            if ours.waiting && !theirs.waits {
                return Err(format!("{ours:?} is shown, is {theirs:?}"));
            }
            continue;
        };
        if theirs.waits || (mode.as_str(), ours.heard) != (theirs.mode, theirs.heard) {
            return Err(format!("{ours:?} is shown, is {theirs:?}"));
        }
        count += 1;
    }
    Ok(count)
}

fn word(state: RecordingState) -> &'static str {
    match state {
        RecordingState::Recording => "recording",
        RecordingState::Paused => "paused",
        RecordingState::Stopped => "stopped",
    }
}
