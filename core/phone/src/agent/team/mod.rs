//! The colleagues and queues that the user watches, by the server's word (docs/agent-plane.md).
//!
//! A code asks for all of it, in rounds of NOTIFYs; changes follow one by one as long as the watch lasts, and it is
//! renewed, with another round, before it ends. What was told on an earlier connection is shown as outdated.

mod news;

use super::question::Question;
use crate::control::Asker;
use crate::phone::Phone;
use crate::subscription::is_of_package;
use crate::{
    Colleague, ControlFailure, ControlId, Event, Now, Pack, TeamQueue, TeamSnapshot, TeamState,
    TimerReason,
};
use news::{News, Round};
use sidetone_sip::transaction::ServerKey;
use sidetone_sip::{Request, StatusCode};
use std::sync::Arc;
use std::time::Duration;

/// The event package.
const EVENT: &str = "sidetone-team";
/// How long a round may take after the server's yes; then it is asked for again.
const PATIENCE: Duration = Duration::from_secs(5);
/// As many people and as many queues are kept.
const MOST: usize = 1024;

/// The team, where somebody looks at it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Team {
    /// Somebody looks.
    is_watched: bool,
    /// For a round.
    question: Question,
    round: Option<Told>,
    /// The server tells until then, and is asked before.
    lasts: Option<Lease>,
    /// The number of each entry of `shown` that was told on this connection.
    people: Vec<Option<u64>>,
    queues: Vec<Option<u64>>,
    shown: Arc<TeamSnapshot>,
}

/// A round that is being told.
#[derive(Debug, Clone)]
struct Told {
    id: String,
    part: u64,
    people: Vec<String>,
    queues: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
struct Lease {
    renew: Duration,
    over: Duration,
}

/// What has a place in a list by its name.
trait Named: Clone + PartialEq {
    fn name(&self) -> &str;
}

impl Named for Colleague {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for TeamQueue {
    fn name(&self) -> &str {
        &self.name
    }
}

/// Takes one entry, unless it is known or older; whether it is new. The same one told again has other times: they are
/// counted from a clock of whole seconds.
fn take<T: Named>(
    list: &mut Vec<T>,
    numbers: &mut Vec<Option<u64>>,
    entry: &T,
    number: u64,
) -> bool {
    match list.iter().position(|known| known.name() == entry.name()) {
        Some(at) if numbers[at].is_some_and(|known| known >= number) => false,
        Some(at) => {
            numbers[at] = Some(number);
            let is_new = list[at] != *entry;
            list[at].clone_from(entry);
            is_new
        }
        None if list.len() >= MOST => false,
        None => {
            list.push(entry.clone());
            numbers.push(Some(number));
            true
        }
    }
}

/// Those of a round that is over, in its order, and nobody else; whether that changes anything.
fn keep<T: Named>(list: &mut Vec<T>, numbers: &mut Vec<Option<u64>>, names: &[String]) -> bool {
    let old = std::mem::take(list);
    let pairs: Vec<_> = old.iter().cloned().zip(std::mem::take(numbers)).collect();
    for name in names {
        if let Some((entry, number)) = pairs.iter().find(|(entry, _)| entry.name() == name) {
            list.push(entry.clone());
            numbers.push(*number);
        }
    }
    *list != old
}

impl Team {
    pub(crate) fn poll_timeout(&self) -> Option<(Duration, TimerReason)> {
        let is_idle = self.question.is_idle();
        let lease = self.lasts.map(|lease| if is_idle { lease.renew } else { lease.over });
        let at = self.question.poll_timeout().into_iter().chain(lease).min()?;
        Some((at, TimerReason::AgentNews))
    }

    /// The connection is gone: what was told is what it was then.
    pub(crate) fn forget(&mut self) {
        (self.question, self.round, self.lasts) = (Question::default(), None, None);
        self.people.fill(None);
        self.queues.fill(None);
        if self.shown.state == TeamState::Unavailable {
            Arc::make_mut(&mut self.shown).state = TeamState::Unknown;
        }
    }

    pub(crate) fn shown(&self) -> Option<Arc<TeamSnapshot>> {
        self.is_watched.then(|| Arc::clone(&self.shown))
    }

    fn is_due(&self, now: Now) -> bool {
        let is_old = self.lasts.is_none_or(|lease| lease.renew <= now.boot);
        let is_refused = self.shown.state == TeamState::Unavailable;
        self.is_watched && self.question.is_idle() && is_old && !is_refused
    }

    /// Notes where a round stands; `true`: it is over, and was told whole.
    fn follow(&mut self, round: &Round, news: &News) -> bool {
        if round.part == 1 {
            let id = round.id.clone();
            self.round = Some(Told { id, part: 0, people: Vec::new(), queues: Vec::new() });
        }
        let Some(told) = &mut self.round else { return false };
        if told.id != round.id || told.part + 1 != round.part || told.people.len() > MOST {
            self.round = None;
            return false;
        }
        told.part = round.part;
        told.people.extend(news.people.iter().map(|(_, person)| person.name.clone()));
        told.queues.extend(news.queues.iter().map(|(_, queue)| queue.name.clone()));
        round.is_last
    }
}

impl Phone {
    /// Somebody looks at the team, or nobody does any more.
    pub(crate) fn watch_team(&mut self, on: bool, now: Now) {
        if on == self.team.is_watched {
            return;
        }
        self.team = Team { is_watched: on, ..Team::default() };
        self.ua.unread.forget(Pack::Team);
        if !on && self.account.is_registered() {
            let control = ControlId(self.ua.uuid());
            // Where it is not heard, the watch ends by itself.
            let _unheard = self.send_control(control, "sidetone*unwatch", Asker::Phone, now);
        }
    }

    /// After each step: whether a round is to be asked for, and what is believed of the last one.
    pub(crate) fn settle_team(&mut self, now: Now) {
        let in_vain = self.ua.unread.is_of_another_version(Pack::Team);
        if self.team.is_due(now) && !in_vain && self.account.is_registered() {
            let sent = self.send_question("sidetone*watch", now);
            self.team.question.sent(sent, now);
        }
        let team = &mut self.team;
        team.lasts.take_if(|lease| lease.over <= now.boot);
        if team.is_watched && team.shown.state == TeamState::Current && team.lasts.is_none() {
            self.team_is(TeamState::Outdated);
        }
    }

    fn team_is(&mut self, state: TeamState) {
        Arc::make_mut(&mut self.team.shown).state = state;
        self.ua.tell(Event::TeamChanged { team: Arc::clone(&self.team.shown) });
    }

    /// What came of a code that the phone dialled by itself.
    pub(crate) fn team_answered(
        &mut self,
        control: ControlId,
        outcome: Result<(), ControlFailure>,
        now: Now,
    ) {
        let Self { team, ua, .. } = self;
        let in_vain = ua.unread.is_of_another_version(Pack::Team);
        let is_told = in_vain || team.lasts.is_some_and(|lease| lease.renew > now.boot);
        match team.question.answered(control, outcome, (is_told, PATIENCE), now) {
            Some(ControlFailure::NotFound | ControlFailure::Forbidden) => {
                team.shown = Arc::default();
                (team.people, team.queues) = (Vec::new(), Vec::new());
                self.team_is(TeamState::Unavailable);
            }
            Some(_) => team.question.later(now),
            None => {}
        }
    }

    pub(crate) fn handle_team_timeout(&mut self, now: Now) {
        self.team.question.handle_timeout(now);
    }

    /// A NOTIFY of the server outside every dialog. `false`: it is not of a team that is watched.
    pub(crate) fn team_notified(&mut self, key: &ServerKey, notify: &Request, now: Now) -> bool {
        if !self.team.is_watched || !is_of_package(notify, EVENT) {
            return false;
        }
        let tag = self.ua.token();
        self.ua.respond(key, notify.response(StatusCode::OK, Some(&tag)), now);
        let Self { team, ua, .. } = self;
        if let Some(news) = ua.unread.note(Pack::Team, News::read(&notify.body, now)) {
            self.take_team(&news, now);
        } else if let Some(problem) = ua.unread.of(Pack::Team) {
            // The server has spoken, and what was told is what it was then.
            team.question.unread(problem, now);
            (team.round, team.lasts) = (None, None);
        }
        true
    }

    fn take_team(&mut self, news: &News, now: Now) {
        let Self { team, ua, .. } = self;
        let is_over = news.round.as_ref().filter(|round| team.follow(round, news));
        let shown = Arc::make_mut(&mut team.shown);
        let was_current = shown.state == TeamState::Current;
        for (number, colleague) in &news.people {
            if take(&mut shown.people, &mut team.people, colleague, *number) && was_current {
                ua.tell(Event::ColleagueChanged { colleague: colleague.clone() });
            }
        }
        for (number, queue) in &news.queues {
            if take(&mut shown.queues, &mut team.queues, queue, *number) && was_current {
                ua.tell(Event::TeamQueueChanged { queue: queue.clone() });
            }
        }
        let Some(round) = is_over else { return };
        let Some(told) = team.round.take() else { return };
        let half = round.lasts / 2;
        team.lasts = Some(Lease { renew: now.boot + half, over: now.boot + round.lasts });
        team.question.told();
        let are_others = keep(&mut shown.people, &mut team.people, &told.people);
        if keep(&mut shown.queues, &mut team.queues, &told.queues) | are_others | !was_current {
            self.team_is(TeamState::Current);
        }
    }
}
