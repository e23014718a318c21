//! What the phones of a floor show, held against the server: it is what the server has, or was until a moment ago, or it
//! is marked as requested, not certain or outdated.

use super::{Floor, SECOND, plan};
use sidetone_pbx::{AgentView, LegId, LegPhase, QueueView, SupervisionView};
use sidetone_phone::{AgentSnapshot, AgentState, CallId, CallState, Snapshot, TeamState};
use sidetone_sim::PhoneId;
use sidetone_sim::truth::{agent_is_true, queues_are_true, supervisions_are_true, team_is_true};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What has been so at both ends for this long is shown truly.
const SOON: Duration = Duration::from_secs(5);
/// A question that came to nothing is asked again within a minute, and answered in time or not.
const ASKED_AGAIN: Duration = Duration::from_secs(80);
/// A code is answered within ten seconds or given up, and its news there within two or asked for.
const REQUESTED: Duration = Duration::from_secs(13);
/// The server's watch lasts ten seconds; whom it tells nothing more believes nobody after that.
const BELIEVED: Duration = Duration::from_secs(11);
/// A queue rings again after a second.
const RUNG: Duration = Duration::from_secs(4);

/// Who sits there, at which phone, and what was seen of it.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) phone: PhoneId,
    pub(super) user: String,
    is_agent: bool,
    /// Since when the server's word arrives at once, or does not.
    well: (bool, Duration),
    /// Since when something is shown as requested.
    requested: Option<Duration>,
    /// When it was certain last, or could not be.
    certain: Duration,
    /// Since when it shows what it shows.
    shows: Since<Option<AgentState>>,
    /// The calls and legs that there were when it was well again: of their end nobody may have been told.
    before: (BTreeSet<CallId>, BTreeSet<LegId>),
}

impl Seat {
    pub(super) fn new(phone: PhoneId, user: &str, is_agent: bool, now: Duration) -> Self {
        let (user, well) = (user.to_owned(), (false, now));
        let (shows, before) = Default::default();
        Self { phone, user, is_agent, well, requested: None, certain: now, shows, before }
    }

    /// Which agent sits there.
    fn agent(&self) -> Option<usize> {
        self.user.strip_prefix("agent")?.parse().ok()
    }

    /// Something was asked for, and taken.
    pub(super) fn asks(&mut self) {
        self.requested = None;
    }

    fn is_well_for(&self, time: Duration, now: Duration) -> bool {
        self.well.0 && now >= self.well.1 + time
    }

    /// Who is shown to ring or to be on a call has one on the server, and who talks there is shown on one.
    fn rings_or_talks(
        &self,
        state: AgentState,
        shown: &Snapshot,
        legs: &Legs,
    ) -> Result<(), String> {
        let (calls_before, legs_before) = &self.before;
        let mut live = shown.calls.iter().filter(|call| call.state != CallState::Ending).peekable();
        // One that was announced by push is shown as that.
        let is_excused = live.peek().is_some()
            && live.all(|c| c.state == CallState::Announced || calls_before.contains(&c.id));
        let talks = |(leg, phase): (&LegId, &LegPhase)| {
            *phase == LegPhase::Confirmed && !legs_before.contains(leg)
        };
        let fits = match state {
            AgentState::Ringing | AgentState::OnCall => is_excused || !legs.is_empty(),
            AgentState::Ready | AgentState::NotReady | AgentState::WrapUp => {
                !legs.iter().any(talks)
            }
            AgentState::LoggedOut | AgentState::Unknown | AgentState::Unavailable => true,
        };
        if fits { Ok(()) } else { Err(format!("{state:?} is shown, he has {legs:?}")) }
    }

    /// What must hold of how long it waits.
    fn waits(&mut self, shown: &AgentSnapshot, now: Duration) -> Result<(), String> {
        match shown.requested {
            None => self.requested = None,
            Some(_) if now > *self.requested.get_or_insert(now) + REQUESTED => {
                return Err(format!("{shown:?} is shown for more than {REQUESTED:?}"));
            }
            Some(_) => {}
        }
        if shown.certain || !self.well.0 {
            self.certain = now;
        }
        if now > self.certain + ASKED_AGAIN {
            return Err(format!("{shown:?} is not certain for more than {ASKED_AGAIN:?}"));
        }
        let is_none = shown.state == AgentState::Unavailable;
        if is_none || (shown.certain && shown.state == AgentState::Unknown) {
            return Err(format!("{shown:?} is what the server has never said"));
        }
        Ok(())
    }
}

/// Something, how often it was told, and since when it is so.
#[derive(Debug, Default)]
struct Since<T> {
    is: T,
    told: u64,
    at: Duration,
}

impl<T: PartialEq> Since<T> {
    fn note(&mut self, is: T, told: u64, now: Duration) {
        // What was told may be as it was before already.
        if self.is != is || self.told != told {
            *self = Self { is, told, at: now };
        }
    }

    fn is_so_for(&self, time: Duration, now: Duration) -> bool {
        now >= self.at + time
    }
}

type Legs = BTreeMap<LegId, LegPhase>;
type Recorded = BTreeMap<String, Vec<(String, &'static str)>>;

/// What the server has.
#[derive(Debug, Default)]
pub(super) struct Truth {
    agents: Vec<Since<Option<AgentView>>>,
    /// As colleagues are to see them.
    colleagues: BTreeMap<String, Since<(&'static str, Option<String>)>>,
    recorded: Vec<Since<Recorded>>,
    /// The legs of each agent that are not being ended.
    legs: Vec<Since<Legs>>,
    queues: BTreeMap<String, Since<QueueView>>,
    /// The supervisions, by the supervisor's call.
    supervisions: BTreeMap<String, Since<Option<SupervisionView>>>,
    /// Whether a queue has callers for whom nobody is rung.
    unserved: [Since<bool>; 3],
}

impl Floor {
    /// Looks at all.
    pub(super) fn look(&mut self) {
        let now = self.world.time();
        self.note_truth(now);
        for at in 0..self.seats.len() {
            if let Err(what) = self.look_at(at, now) {
                self.fail(&self.seats[at].user, &what);
            }
        }
        self.look_at_queues(now);
    }

    fn note_truth(&mut self, now: Duration) {
        let (truth, pbx) = (&mut self.truth, self.world.pbx());
        truth.agents.resize_with(plan::AGENTS, Since::default);
        truth.recorded.resize_with(plan::AGENTS, Since::default);
        truth.legs.resize_with(plan::AGENTS, Since::default);
        let mut legs: BTreeMap<String, Legs> = BTreeMap::new();
        for leg in pbx.legs().into_iter().filter(|leg| leg.phase != LegPhase::Terminating) {
            legs.entry(leg.user).or_default().insert(leg.id, leg.phase);
        }
        for agent in 0..plan::AGENTS {
            let name = plan::name(agent);
            let [of_agent, _, of_recordings] = pbx.told_of(&name);
            truth.agents[agent].note(pbx.agent(&name), of_agent, now);
            truth.recorded[agent].note(pbx.recordings(&name), of_recordings, now);
            truth.legs[agent].note(legs.remove(&name).unwrap_or_default(), 0, now);
        }
        for (name, (seen, told)) in pbx.watched_queues() {
            truth.queues.entry(name).or_default().note(seen, told, now);
        }
        for (name, seen) in pbx.colleagues() {
            let [_, told, _] = pbx.told_of(&name);
            truth.colleagues.entry(name).or_default().note(seen, told, now);
        }
        let mut supervisions: BTreeMap<String, SupervisionView> =
            pbx.supervisions().into_iter().map(|one| (one.call.clone(), one)).collect();
        truth.supervisions.retain(|call, _| supervisions.contains_key(call));
        while let Some((call, seen)) = supervisions.pop_first() {
            truth.supervisions.entry(call).or_default().note(Some(seen), 0, now);
        }
        let unserved = pbx.unserved();
        for (queue, since) in plan::QUEUES.into_iter().zip(&mut truth.unserved) {
            since.note(unserved.contains_key(queue), 0, now);
        }
    }

    fn look_at(&mut self, at: usize, now: Duration) -> Result<(), String> {
        let (world, seat) = (&self.world, &mut self.seats[at]);
        let snapshot = world.snapshot(seat.phone).filter(|_| world.is_awake(seat.phone));
        let is_well = snapshot.as_ref().is_some_and(|shown| world.is_well(seat.phone, shown));
        if seat.well.0 != is_well {
            seat.well = (is_well, now);
        }
        let Some(snapshot) = snapshot else {
            (seat.requested, seat.certain) = (None, now);
            return Ok(());
        };
        if let Some(shown) = &snapshot.agent {
            seat.waits(shown, now)?;
            let agent = seat.agent().ok_or("no agent")?;
            let legs = &self.truth.legs[agent];
            if seat.well == (true, now) {
                let calls = snapshot.calls.iter().map(|call| call.id).collect();
                seat.before = (calls, legs.is.keys().copied().collect());
            }
            let truth = &self.truth.agents[agent];
            let is_settled = seat.is_well_for(SOON, now) && truth.is_so_for(SOON, now);
            if let Some(truth) = truth.is.as_ref().filter(|_| shown.certain && is_settled) {
                self.counts.checks[0] += 1;
                agent_is_true(shown, truth)?;
            }
            seat.shows.note(Some(shown.state), 0, now);
            let is_settled = seat.shows.is_so_for(SOON, now) && legs.is_so_for(SOON, now);
            if !plan::has_two(agent) && seat.is_well_for(SOON, now) && is_settled {
                self.counts.checks[3] += 1;
                seat.rings_or_talks(shown.state, &snapshot, &legs.is)?;
            }
            let recorded = &self.truth.recorded[agent];
            if seat.is_well_for(SOON, now) && recorded.is_so_for(SOON, now) {
                self.counts.checks[2] += 1;
                world.recordings_are_true(seat.phone, &snapshot)?;
            }
        }
        if seat.is_well_for(SOON, now) {
            self.counts.checks[4] += supervisions_are_true(&snapshot, |call| {
                let since = self.truth.supervisions.get(call)?;
                since.is.as_ref().filter(|_| since.is_so_for(SOON, now))
            })?;
        }
        let Some(team) = snapshot.team.filter(|team| team.state == TeamState::Current) else {
            return Ok(());
        };
        if !seat.well.0 && now > seat.well.1 + BELIEVED {
            return Err(format!("a team is current {:?} after the last word", now - seat.well.1));
        }
        if seat.is_well_for(SOON, now) {
            self.counts.checks[1] += 1;
            team_is_true(&team, |name| {
                let since = self.truth.colleagues.get(name)?;
                since.is_so_for(SOON, now).then_some(&since.is)
            })?;
            queues_are_true(&team, |name| {
                let since = self.truth.queues.get(name)?;
                since.is_so_for(SOON, now).then_some(since.is)
            })?;
        }
        Ok(())
    }

    /// No agent who could be rung is passed over.
    fn look_at_queues(&mut self, now: Duration) {
        for (queue, unserved) in plan::QUEUES.into_iter().zip(&self.truth.unserved) {
            if !unserved.is || !unserved.is_so_for(RUNG, now) {
                continue;
            }
            for seat in self.seats.iter().filter(|s| s.is_agent && s.is_well_for(RUNG, now)) {
                let Some(seen) = self.truth.colleagues.get(&seat.user) else { continue };
                let is_ready = seen.is.0 == "ready" && seen.is_so_for(RUNG, now);
                let mine = seat.agent().and_then(|agent| self.truth.agents.get(agent));
                let mine = mine.filter(|mine| mine.is_so_for(RUNG, now));
                let mine = mine.and_then(|mine| mine.is.as_ref());
                let is_in = |view: &AgentView| view.queues.contains(&(queue.to_owned(), true));
                // Whom he calls may not have answered yet.
                let calls = || self.world.pbx().legs().iter().any(|leg| leg.user == seat.user);
                if is_ready && mine.is_some_and(is_in) && !calls() {
                    self.fail(&seat.user, &format!("{queue} has callers and does not ring him"));
                }
            }
        }
    }

    /// Ends the day with the ladder of who is concerned.
    fn fail(&self, user: &str, what: &str) -> ! {
        let ladder = self.world.ladder_text();
        let all: Vec<&str> = ladder.lines().collect();
        let is_his = |line: &&&str| line.contains(user) || line.contains("the server");
        let his: Vec<&str> = all.iter().filter(is_his).copied().collect();
        let last = his[his.len().saturating_sub(80)..].join("\n");
        panic!("at {:?}: {user}: {what}\n{last}\n", self.world.time().max(SECOND))
    }
}
