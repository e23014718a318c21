//! The agent at his queues: logged in, ready or paused, by the server's word (docs/agent-plane.md).
//!
//! What he wants goes as a code of the dial plan; what he is comes as a NOTIFY, to each of his phones and after each
//! change, whoever made it. On each connection the phone asks once, so that what it shows is never older.

mod features;
mod news;
mod question;
mod recording;
mod team;
mod wrap_up;

use crate::control::Asker;
use crate::phone::Phone;
use crate::subscription::is_of_package;
use crate::{
    AgentFailure, AgentRequest, AgentSnapshot, AgentState, CallState, CommandError, ControlFailure,
    ControlId, Event, Now, Pack, TimerReason,
};
pub(crate) use features::Features;
use news::News;
use question::Question;
pub(crate) use recording::Recordings;
use sidetone_sip::transaction::ServerKey;
use sidetone_sip::{Request, StatusCode};
use std::time::Duration;
pub(crate) use team::Team;
use wrap_up::WrapUp;

/// The event package.
const EVENT: &str = "sidetone-agent";
/// How long the news of what a code has done may take; then it is asked for.
const PATIENCE: Duration = Duration::from_secs(2);

/// The agent, where the phone is to know him.
#[derive(Debug, Clone, Default)]
pub(crate) struct Agent {
    news: Option<News>,
    /// The number of the last news of this connection.
    number: Option<u64>,
    /// The news is of this connection.
    certain: bool,
    /// The server has no queues for this user, as it has said on this connection.
    missing: bool,
    /// What he is.
    question: Question,
    asked: Option<Asked>,
    wrap_up: WrapUp,
    told: Option<AgentSnapshot>,
}

/// What he wants, on its way by a code.
#[derive(Debug, Clone)]
struct Asked {
    control: ControlId,
    request: AgentRequest,
    /// The number of the news before it, on this connection.
    before: Option<u64>,
    /// The server has done it; its news must come until then.
    done: Option<Duration>,
}

impl Agent {
    pub(crate) fn poll_timeout(&self) -> Option<(Duration, TimerReason)> {
        let news = self.asked.as_ref().and_then(|asked| asked.done);
        let others = self.question.poll_timeout().into_iter().chain(self.wrap_up.poll_timeout());
        let at = news.into_iter().chain(others).min()?;
        Some((at, TimerReason::AgentNews))
    }

    /// The connection is gone: what was known is what was said last.
    pub(crate) fn forget(&mut self) {
        (self.certain, self.missing, self.number) = (false, false, None);
        self.question = Question::default();
        // What was done is part of what is asked for on the next.
        self.asked.take_if(|asked| asked.done.is_some());
        if let Some(asked) = &mut self.asked {
            asked.before = None;
        }
    }

    /// The user signs out: what he was is nobody's.
    pub(crate) fn leave(&mut self) {
        *self = Self { told: self.told.take(), ..Self::default() };
    }

    fn requested(&self) -> Option<&AgentRequest> {
        self.asked.as_ref().map(|asked| &asked.request)
    }

    /// Refuses at once what the server would refuse, as far as it has told.
    fn check(&self, request: &AgentRequest) -> Result<(), CommandError> {
        if self.missing {
            return Err(CommandError::NoQueues);
        }
        if self.requested().is_some() {
            return Err(CommandError::AgentRequestUnderWay);
        }
        let Some(news) = self.news.as_ref().filter(|_| self.certain) else { return Ok(()) };
        let (queue, reason) = match request {
            AgentRequest::LogIn { queue, reason } => (queue.as_ref(), reason.as_ref()),
            AgentRequest::LogOut { queue } => (queue.as_ref(), None),
            AgentRequest::Pause { reason } => (None, Some(reason)),
            AgentRequest::Unpause => (None, None),
        };
        if queue.is_some_and(|name| !news.queues.iter().any(|queue| queue.name == *name)) {
            return Err(CommandError::UnknownQueue);
        }
        if reason.is_some_and(|reason| !news.reasons.contains(reason)) {
            return Err(CommandError::UnknownReason);
        }
        let stays = matches!(request, AgentRequest::Pause { .. } | AgentRequest::Unpause);
        if stays && !news.is_logged_in() { Err(CommandError::LoggedOut) } else { Ok(()) }
    }

    /// Newer than what a code was sent on.
    fn is_answered(&self) -> bool {
        self.asked
            .as_ref()
            .is_some_and(|asked| asked.done.is_some() && self.certain && self.number > asked.before)
    }
}

impl Phone {
    pub(crate) fn ask_of_agent(
        &mut self,
        request: AgentRequest,
        now: Now,
    ) -> Result<(), CommandError> {
        if !self.ua.config.queues {
            return Err(CommandError::NoQueues);
        }
        self.agent.check(&request)?;
        let control = ControlId(self.ua.uuid());
        self.send_control(control, &code(&request), Asker::Phone, now)?;
        let before = self.agent.number;
        self.agent.asked = Some(Asked { control, request, before, done: None });
        Ok(())
    }

    /// After each step: what came of the codes, and whether something is to be asked or told.
    pub(crate) fn settle_agent(&mut self, now: Now) {
        if !self.ua.config.queues {
            return;
        }
        if self.agent.is_answered() {
            self.agent.asked = None;
        }
        let of_queues = self.calls.iter().filter(|call| call.is_of_queue()).count();
        let Agent { wrap_up, news, .. } = &mut self.agent;
        wrap_up.talks_in(of_queues, news.as_ref(), now);
        let agent = &self.agent;
        let in_vain = agent.missing || self.ua.unread.is_of_another_version(Pack::Agent);
        let asks = !agent.certain && !in_vain && agent.asked.is_none();
        if asks && agent.question.is_idle() && self.account.is_registered() {
            let sent = self.send_question("sidetone*state", now);
            self.agent.question.sent(sent, now);
        }
        let shown = self.agent_snapshot();
        if shown != self.agent.told {
            self.agent.told.clone_from(&shown);
            if let Some(agent) = shown {
                self.ua.tell(Event::AgentChanged { agent });
            }
        }
    }

    /// What came of a code that the phone dialled by itself.
    pub(crate) fn agent_answered(
        &mut self,
        control: ControlId,
        outcome: Result<(), ControlFailure>,
        now: Now,
    ) {
        let Self { agent, ua, .. } = self;
        let in_vain = ua.unread.is_of_another_version(Pack::Agent);
        let patience = (agent.certain || in_vain, PATIENCE);
        match agent.question.answered(control, outcome, patience, now) {
            Some(ControlFailure::NotFound | ControlFailure::Forbidden) => {
                (agent.missing, agent.certain, agent.news) = (true, false, None);
            }
            Some(_) => agent.question.later(now),
            None => {}
        }
        let Some(asked) = agent.asked.take_if(|asked| asked.control == control) else { return };
        match outcome {
            Ok(()) => {
                let asked = Asked { done: Some(now.boot + PATIENCE), ..asked };
                agent.asked = Some(asked).filter(|_| !in_vain);
            }
            Err(reason) => {
                let reason = failure(&asked.request, reason);
                // It may have been done.
                agent.certain &= reason != AgentFailure::Unconfirmed;
                ua.tell(Event::AgentFailed { request: asked.request, reason });
            }
        }
    }

    pub(crate) fn handle_agent_timeout(&mut self, now: Now) {
        let agent = &mut self.agent;
        let mut is_silent = agent.question.handle_timeout(now);
        let silent = |asked: &mut Asked| asked.done.is_some_and(|until| until <= now.boot);
        is_silent |= agent.asked.take_if(silent).is_some();
        is_silent |= agent.wrap_up.handle_timeout(now);
        if is_silent {
            // Done, and not told: then it is asked for. The server may have begun to count anew.
            (agent.certain, agent.number) = (false, None);
        }
    }

    /// A NOTIFY of the server outside every dialog. `false`: it is not of the agent.
    pub(crate) fn agent_notified(&mut self, key: &ServerKey, notify: &Request, now: Now) -> bool {
        if !self.ua.config.queues || !is_of_package(notify, EVENT) {
            return false;
        }
        let tag = self.ua.token();
        self.ua.respond(key, notify.response(StatusCode::OK, Some(&tag)), now);
        let Self { agent, ua, .. } = self;
        let is_newer = |news: &News| agent.number < Some(news.number);
        let news = ua.unread.note(Pack::Agent, News::read(&notify.body, now));
        if let Some(news) = news.filter(is_newer) {
            (agent.number, agent.news) = (Some(news.number), Some(news));
            (agent.certain, agent.missing) = (true, false);
            agent.question.told();
            agent.wrap_up.told();
        } else if let Some(problem) = ua.unread.of(Pack::Agent) {
            // The server has spoken, and what he is now is not known.
            (agent.number, agent.certain) = (None, false);
            agent.question.unread(problem, now);
            agent.asked.take_if(|asked| asked.done.is_some());
        }
        true
    }

    /// Whether the user is an agent who takes no calls, as the server has said on this connection: paused, or in no queue.
    pub(crate) fn is_agent_away(&self) -> bool {
        let news = self.agent.news.as_ref().filter(|_| self.agent.certain);
        self.agent.wrap_up.expected().is_some()
            || news.is_some_and(|news| !news.is_logged_in() || news.pause.is_some())
    }

    /// What is to be seen of the agent, where the phone is to know him.
    pub(crate) fn agent_snapshot(&self) -> Option<AgentSnapshot> {
        if !self.ua.config.queues {
            return None;
        }
        let agent = &self.agent;
        let news = agent.news.as_ref();
        let expected = agent.wrap_up.expected();
        let pause = expected.or_else(|| news?.pause.as_ref()).cloned();
        let waits = |state| matches!(state, CallState::Announced | CallState::Ringing);
        let calls = self.calls.iter().filter(|call| !call.is_orphan());
        let calls: Vec<_> = calls.map(|call| call.snapshot().state).collect();
        let rings = calls.iter().any(|state| waits(*state));
        let talks = calls.iter().any(|state| !waits(*state) && *state != CallState::Ending);
        let state = match news {
            None if agent.missing => AgentState::Unavailable,
            None => AgentState::Unknown,
            Some(news) if !news.is_logged_in() => AgentState::LoggedOut,
            Some(_) if talks => AgentState::OnCall,
            Some(_) if rings => AgentState::Ringing,
            Some(_) => match &pause {
                None => AgentState::Ready,
                Some(pause) if pause.until.is_some() => AgentState::WrapUp,
                Some(_) => AgentState::NotReady,
            },
        };
        Some(AgentSnapshot {
            state,
            certain: agent.certain && expected.is_none(),
            pause,
            do_not_disturb: news.is_some_and(|news| news.do_not_disturb),
            queues: news.map(|news| news.queues.clone()).unwrap_or_default(),
            reasons: news.map(|news| news.reasons.clone()).unwrap_or_default(),
            logged_in_since: news.and_then(|news| news.logged_in_since),
            requested: agent.requested().cloned(),
        })
    }
}

fn code(request: &AgentRequest) -> String {
    match request {
        AgentRequest::LogIn { queue, reason: None } => with("login", queue.as_deref()),
        AgentRequest::LogIn { queue, reason: Some(reason) } => {
            format!("sidetone*login*{}*{reason}", queue.as_deref().unwrap_or_default())
        }
        AgentRequest::LogOut { queue } => with("logout", queue.as_deref()),
        AgentRequest::Pause { reason } => with("pause", Some(reason)),
        AgentRequest::Unpause => with("ready", None),
    }
}

fn with(verb: &str, what: Option<&str>) -> String {
    what.map_or_else(|| format!("sidetone*{verb}"), |what| format!("sidetone*{verb}*{what}"))
}

fn failure(request: &AgentRequest, reason: ControlFailure) -> AgentFailure {
    match (reason, request) {
        (ControlFailure::NotFound, AgentRequest::Pause { .. }) => AgentFailure::UnknownReason,
        (ControlFailure::NotFound, _) => AgentFailure::UnknownQueue,
        (ControlFailure::Unavailable, AgentRequest::Pause { .. } | AgentRequest::Unpause) => {
            AgentFailure::LoggedOut
        }
        (ControlFailure::Forbidden, _) => AgentFailure::Forbidden,
        (ControlFailure::TimedOut | ControlFailure::ConnectionLost, _) => AgentFailure::Unconfirmed,
        (other, _) => AgentFailure::Refused(other),
    }
}
