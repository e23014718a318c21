//! What the server really has and what this user may, by the server's own self-test (docs/agent-plane.md).
//!
//! The phone asks once on each connection. What is missing or not allowed is refused here at once, and only where the server has
//! said so on this connection: of what is not known it decides itself.

mod news;

use super::question::Question;
use crate::call::{Call, target};
use crate::phone::Phone;
use crate::subscription::is_of_package;
use crate::{
    CallId, Command, CommandError, ControlFailure, ControlId, Direction, Event, Feature,
    FeatureState, FeaturesProblem, FeaturesSnapshot, Now, TimerReason, TransfersReturn,
};
use news::News;
use sidetone_sip::transaction::ServerKey;
use sidetone_sip::{Request, StatusCode, Uri};
use std::sync::Arc;
use std::time::Duration;

/// The event package.
const EVENT: &str = "sidetone-features";
/// How long the news may take after a yes.
const PATIENCE: Duration = Duration::from_secs(3);

/// The server's features, where the phone is to know them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Features {
    known: Arc<FeaturesSnapshot>,
    /// What numbers outside begin with.
    outside: Vec<String>,
    question: Question,
    told: Arc<FeaturesSnapshot>,
}

impl Features {
    pub(crate) fn poll_timeout(&self) -> Option<(Duration, TimerReason)> {
        Some((self.question.poll_timeout()?, TimerReason::AgentNews))
    }

    /// The connection is gone: what was known is what was said last.
    pub(crate) fn forget(&mut self) {
        let known = Arc::make_mut(&mut self.known);
        (known.certain, known.problem) = (false, None);
        self.question = Question::default();
    }

    /// The user signs out: what he may is nobody's.
    pub(crate) fn leave(&mut self) {
        *self = Self { told: Arc::clone(&self.told), ..Self::default() };
    }

    /// What the server has said of a feature, on this connection or last.
    pub(crate) fn state(&self, feature: Feature) -> &FeatureState {
        self.known.of(feature)
    }

    /// Refuses what the server has refused beforehand.
    fn check(&self, feature: Feature) -> Result<(), CommandError> {
        match self.state(feature) {
            _ if !self.known.certain => Ok(()),
            FeatureState::Unknown | FeatureState::Available => Ok(()),
            FeatureState::Missing { .. } => Err(CommandError::MissingOnServer),
            FeatureState::NotAllowed => Err(CommandError::NotAllowed),
        }
    }

    /// Whether the phone may answer by itself, as far as the server has said.
    pub(crate) fn let_answer(&self) -> bool {
        *self.state(Feature::AutoAnswer) != FeatureState::NotAllowed
    }

    fn is_outside(&self, uri: &Uri) -> bool {
        let number = uri.user.as_deref().unwrap_or_default().replace("%23", "#");
        self.outside.iter().any(|beginning| number.starts_with(beginning.as_str()))
    }

    /// This is what is known on this connection.
    fn learn(&mut self, news: News) {
        let mut known = FeaturesSnapshot { certain: true, ..FeaturesSnapshot::default() };
        known.states.extend(news.states);
        (self.known, self.outside) = (Arc::new(known), news.outside);
    }

    /// Nothing is known on this connection, nor worth asking for again.
    fn fail(&mut self, problem: FeaturesProblem) {
        let known = FeaturesSnapshot { problem: Some(problem), ..FeaturesSnapshot::default() };
        (self.known, self.outside) = (Arc::new(known), Vec::new());
    }

    /// Whether the server has answered on this connection, be it so that nothing can be read.
    fn is_answered(&self) -> bool {
        self.known.certain || self.known.problem.is_some()
    }
}

impl Phone {
    /// Refuses at once what the server does not have, or this user may not.
    pub(crate) fn permits(&self, command: &Command) -> Result<(), CommandError> {
        let feature = match command {
            Command::Agent { .. } => Feature::Queues,
            Command::Record { .. } => Feature::Recordings,
            Command::Watch { on: true } => Feature::Team,
            Command::Supervise { .. } => Feature::Supervision,
            Command::SendMessage { .. } => Feature::Messages,
            Command::Dial { to, .. } if self.is_outside(to) => Feature::OutsideCalls,
            Command::Transfer { to, .. } | Command::Forward { to, .. } if self.is_outside(to) => {
                Feature::OutsideTransfers
            }
            Command::TransferTo { call, with } if self.lead_outside(&[*call, *with]) => {
                Feature::OutsideTransfers
            }
            Command::Leave if self.lead_outside(&self.merged()) => Feature::OutsideTransfers,
            Command::Register
            | Command::Unregister
            | Command::Dial { .. }
            | Command::Answer { .. }
            | Command::Decline { .. }
            | Command::Forward { .. }
            | Command::Sleep
            | Command::SetPushToken(_)
            | Command::HangUp { .. }
            | Command::Hold { .. }
            | Command::Swap
            | Command::Merge { .. }
            | Command::Split { .. }
            | Command::Leave
            | Command::Transfer { .. }
            | Command::TransferTo { .. }
            | Command::Control { .. }
            | Command::Watch { on: false }
            | Command::SetSupervisionMode { .. }
            | Command::SetAutoAnswer { .. }
            | Command::Mute { .. }
            | Command::SendDtmf { .. } => return Ok(()),
        };
        self.features.check(feature)
    }

    /// Whether what was dialled is a number outside, as the site has named them.
    fn is_outside(&self, to: &str) -> bool {
        let account = &self.ua.config.account;
        let is_home = |uri: &Uri| uri.host == account.aor.host;
        let dialled = target::parse(to, account).ok().filter(is_home);
        dialled.is_some_and(|uri| self.features.is_outside(&uri))
    }

    /// Whether one of these calls was made to a number outside: whoever is brought together with it is sent there.
    fn lead_outside(&self, calls: &[CallId]) -> bool {
        let meant = self.calls.iter().filter(|call| calls.contains(&call.id)).map(Call::snapshot);
        let mut made = meant.filter(|call| call.direction == Direction::Outgoing);
        made.any(|call| self.is_outside(&call.remote.uri))
    }

    /// Whether the caller of a blind transfer that nobody takes comes back: the server's word is newer than the configuration.
    pub(crate) fn transfers_return(&self) -> TransfersReturn {
        match self.features.state(Feature::TransfersReturn) {
            FeatureState::Available => TransfersReturn::Yes,
            FeatureState::Missing { .. } => TransfersReturn::No,
            FeatureState::Unknown | FeatureState::NotAllowed => self.ua.config.transfers_return,
        }
    }

    /// What is to be seen of the features, where the phone is to know them.
    pub(crate) fn features_snapshot(&self) -> Option<Arc<FeaturesSnapshot>> {
        self.ua.config.features.then(|| Arc::clone(&self.features.known))
    }

    /// After each step: whether something is to be asked or told.
    pub(crate) fn settle_features(&mut self, now: Now) {
        if !self.ua.config.features {
            return;
        }
        let features = &self.features;
        let asks = !features.is_answered() && features.question.is_idle();
        if asks && self.account.is_registered() {
            let sent = self.send_question("sidetone*features", now);
            self.features.question.sent(sent, now);
        }
        let Self { features, ua, .. } = self;
        if features.told != features.known {
            features.told = Arc::clone(&features.known);
            ua.tell(Event::FeaturesChanged { features: Arc::clone(&features.known) });
        }
    }

    /// What came of a code that the phone dialled by itself.
    pub(crate) fn features_answered(
        &mut self,
        control: ControlId,
        outcome: Result<(), ControlFailure>,
        now: Now,
    ) {
        let features = &mut self.features;
        let patience = (features.is_answered(), PATIENCE);
        match features.question.answered(control, outcome, patience, now) {
            // Where only the agents' pack knows the code's pattern, it forbids it to who is no agent.
            Some(ControlFailure::NotFound | ControlFailure::Forbidden) => {
                features.fail(FeaturesProblem::NoPack);
            }
            Some(ControlFailure::NotImplemented) => features.fail(FeaturesProblem::Untestable),
            Some(_) => features.question.later(now),
            None => {}
        }
    }

    pub(crate) fn handle_features_timeout(&mut self, now: Now) {
        self.features.question.handle_timeout(now);
    }

    /// A NOTIFY of the server outside every dialog. `false`: it is not of its features.
    pub(crate) fn features_notified(
        &mut self,
        key: &ServerKey,
        notify: &Request,
        now: Now,
    ) -> bool {
        if !self.ua.config.features || !is_of_package(notify, EVENT) {
            return false;
        }
        let tag = self.ua.token();
        self.ua.respond(key, notify.response(StatusCode::OK, Some(&tag)), now);
        let features = &mut self.features;
        features.question.told();
        match News::read(&notify.body) {
            Ok(news) => features.learn(news),
            Err(problem) => {
                log::warn!("features: {problem}");
                features.fail(problem);
            }
        }
        if !self.features.let_answer() {
            self.calls.iter_mut().for_each(Call::answered_by_hand);
        }
        true
    }
}
