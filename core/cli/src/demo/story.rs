//! The demonstration itself: two phones, one call, and what each does when.

use super::ladder::Rung;
use super::phone::Place;
use super::record::{Milestone, Record, Who};
use super::screen::{Screen, Shown, milliseconds};
use super::speech::{self, Conversation};
use crate::Failure;
use crate::config::SetupError;
use crate::console::asked_to_leave;
use crate::json::{JsonEvent, Line, ms};
use crate::session::Session;
use sidetone_driver::{Milestone as Step, Update, What, clock};
use sidetone_phone::{CallId, Command, EndReason, Event, Registration, RegistrationState};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;

/// The agent lets it ring so long.
const RING: Duration = Duration::from_secs(1);
/// What is left of the talk after a hold, at least; a shorter talk is not put on hold.
const AFTER_HOLD: Duration = Duration::from_secs(1);
/// What everything but the talk may take.
const PATIENCE: Duration = Duration::from_secs(30);
const MAX_RUNGS: usize = 200;
/// What happens is shown after so long a quiet: two phones tell it, each a little later than it was.
const QUIET: Duration = Duration::from_millis(20);

/// Where and what is played.
pub(super) struct Plan {
    pub(super) place: Place,
    /// The server, in words.
    pub(super) title: String,
    pub(super) talk: Duration,
    /// What the customer says instead.
    pub(super) voice: Option<PathBuf>,
    /// Whether SIP messages are among the JSON lines.
    pub(super) sip: bool,
}

/// What the story does at its next moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Answer,
    Hold,
    Resume,
    HangUp,
}

/// The story on its way.
struct Story<'a> {
    plan: &'a Plan,
    screen: Screen,
    /// What is to be shown next, and when it was.
    unshown: Vec<(Duration, Shown)>,
    /// The agent's phone begins to connect: all times are counted from here.
    began: Option<Duration>,
    record: Record,
    agent: Session,
    customer: Session,
    next: Option<(Instant, Act)>,
    /// When the agent holds the call, from the answer; none in a short talk.
    hold: Option<Range<Duration>>,
    agents_call: Option<CallId>,
    customers_call: Option<CallId>,
    /// How many phones are done with the call.
    over: u8,
}

/// Plays it to its end.
pub(super) async fn play(plan: &Plan, screen: Screen) -> Result<Record, Failure> {
    let folder = tempfile::tempdir()?;
    // The customer is answered by the queue and speaks from then on, the agent from his own answer.
    let lead = RING + Duration::from_millis(100);
    let talk = Conversation::new(plan.talk + Duration::from_secs(5), plan.voice.as_deref())
        .map_err(SetupError::Voice)?;
    let (agent_voice, agent_ear) =
        (folder.path().join("agent.wav"), folder.path().join("agent-heard.wav"));
    let (customer_voice, customer_ear) =
        (folder.path().join("customer.wav"), folder.path().join("customer-heard.wav"));
    let customer_says = talk.customer_after(lead);
    speech::write(&agent_voice, &talk.agent)?;
    speech::write(&customer_voice, &customer_says)?;

    let mut record = Record {
        server: plan.title.clone(),
        url: plan.place.server.to_string(),
        number: NUMBER.to_owned(),
        voices: talk.origin.to_owned(),
        began: clock::now().wall,
        ..Record::default()
    };
    record.agent.user = AGENT.to_owned();
    record.customer.user = CUSTOMER.to_owned();
    screen.title(&record);

    // The customer first: reading his voice must not hold up the agent's registration.
    let customer =
        Session::start(plan.place.phone(CUSTOMER, &customer_voice, &customer_ear)?).await?;
    let agent = Session::start(plan.place.phone(AGENT, &agent_voice, &agent_ear)?).await?;
    let mut story = Story {
        plan,
        screen,
        unshown: Vec::new(),
        began: None,
        record,
        agent,
        customer,
        next: None,
        hold: Some(talk.hold.clone()).filter(|hold| hold.start + AFTER_HOLD <= plan.talk),
        agents_call: None,
        customers_call: None,
        over: 0,
    };
    let ended = story.run().await;
    story.show();
    let Story { mut record, agent, customer, .. } = story;
    agent.stop().await;
    customer.stop().await;
    ended?;

    record.agent.recorded(&talk.agent, speech::read(&agent_ear)?);
    record.customer.recorded(&customer_says, speech::read(&customer_ear)?);
    Ok(record)
}

const AGENT: &str = "agent1";
const CUSTOMER: &str = "customer1";
const NUMBER: &str = "1801";

impl Story<'_> {
    async fn run(&mut self) -> Result<(), Failure> {
        let limit = tokio::time::sleep(PATIENCE + self.plan.talk);
        let leave = asked_to_leave();
        tokio::pin!(limit, leave);
        while self.over < 2 {
            let due = self.next.map(|(at, _)| at);
            tokio::select! {
                update = self.agent.next() => self.of_agent(update.ok_or(Failure::Stopped)?).await?,
                update = self.customer.next() => self.of_customer(update.ok_or(Failure::Stopped)?).await?,
                () = crate::call::until(due) => self.act().await?,
                _ = &mut leave => return Err(self.failed("interrupted")),
                () = tokio::time::sleep(QUIET), if !self.unshown.is_empty() => self.show(),
                () = &mut limit => return Err(self.failed("the call did not come to its end in time")),
            }
        }
        Ok(())
    }

    /// Shows what there is, in the order in which it was.
    fn show(&mut self) {
        self.unshown.sort_by_key(|(at, _)| *at);
        for (at, shown) in self.unshown.drain(..) {
            self.screen.show(at, &shown);
        }
    }

    async fn act(&mut self) -> Result<(), Failure> {
        let (Some((_, act)), Some(call)) = (self.next.take(), self.agents_call) else {
            return Ok(());
        };
        let command = match act {
            Act::Answer => Command::Answer { call },
            Act::Hold => Command::Hold { call, on: true },
            Act::Resume => Command::Hold { call, on: false },
            Act::HangUp => Command::HangUp { call },
        };
        self.agent.command(command).await.map_err(|error| self.failed(&error.to_string()))
    }

    fn after(&mut self, wait: Duration, act: Act) {
        self.next = Some((Instant::now() + wait, act));
    }

    async fn of_agent(&mut self, update: Update) -> Result<(), Failure> {
        let at = update.at.saturating_sub(*self.began.get_or_insert(update.at));
        if self.screen.is_json()
            && let Some(Line { event, .. }) = self.agent.line(update.clone(), self.plan.sip)
        {
            self.screen.line(Line { event, at_ms: ms(at) });
        }
        match update.what {
            What::Sip { sent, bytes } => self.rung(at, sent, &bytes),
            What::Milestone(step) => self.step(at, Who::Agent, &step),
            What::Event(event) => self.agents_event(at, event).await?,
            What::AudioLost(reason) => return Err(self.failed(&reason)),
            What::NotSaved(_) | What::HistoryChanged(_) | What::Woke(_) | What::Save(_) => {}
        }
        Ok(())
    }

    fn rung(&mut self, at: Duration, sent: bool, bytes: &[u8]) {
        let Some(rung) = Rung::new(at, sent, bytes) else { return };
        self.unshown.push((at, Shown::Rung(rung.clone())));
        if self.record.ladder.len() < MAX_RUNGS {
            self.record.ladder.push(rung);
        }
    }

    fn step(&mut self, at: Duration, who: Who, step: &Step) {
        let text = match step {
            Step::TlsEstablished(suite) => suite.clone(),
            Step::WebSocketOpen => "WebSocket open".to_owned(),
            Step::IceGathered { candidates, .. } => format!("{candidates} candidates gathered"),
            Step::IceConnected { pair, .. } => format!("ICE connected: {pair}"),
            Step::DtlsConnected { .. } => "DTLS done, SRTP keys agreed".to_owned(),
            Step::Resolved(_) | Step::TcpConnected(_) => return,
        };
        self.tell(at, who, text);
    }

    fn tell(&mut self, at: Duration, who: Who, text: impl Into<String>) {
        let milestone = Milestone { at, who, text: text.into() };
        self.unshown.push((at, Shown::Milestone(milestone.clone())));
        self.record.milestones.push(milestone);
    }

    async fn agents_event(&mut self, at: Duration, event: Event) -> Result<(), Failure> {
        let who = Who::Agent;
        if let Event::RegistrationChanged(registration) = event {
            if self.is_registered(AGENT, &registration)? && self.record.registered.is_none() {
                self.record.registered = Some(at);
                self.tell(at, who, "registered");
                self.dial_when_ready().await?;
            }
        } else if let Event::Incoming { call, from, .. } = event {
            let name = from.name.unwrap_or(from.uri);
            self.tell(at, who, format!("rings: {name}"));
            self.agents_call = Some(call);
            self.after(RING, Act::Answer);
        } else if let Event::Answered { .. } = event {
            self.record.agent.answered = Some(at);
            self.tell(at, who, "answered");
            match &self.hold {
                Some(hold) => self.after(hold.start, Act::Hold),
                None => self.after(self.plan.talk, Act::HangUp),
            }
        } else if let Event::Established { .. } = event {
            self.tell(at, who, "established");
        } else if let Event::MediaFlowing { first_sent, first_heard, .. } = event {
            self.media(at, who, first_sent, first_heard);
        } else if let Event::HoldChanged { hold, .. } = event {
            self.held(at, hold.local);
        } else if let Event::HoldFailed { reason, .. } = event {
            return Err(self.failed(&format!("the call could not be held: {reason}")));
        } else if let Event::Quality { report, .. } = event {
            self.unshown.push((at, Shown::Meter(Box::new(report.clone()))));
            self.record.agent.quality.push((at, report));
        } else if let Event::Ended { reason, .. } = event {
            self.ended(at, who, &reason)?;
        }
        Ok(())
    }

    /// The agent holds the call, or has taken it back.
    fn held(&mut self, at: Duration, held: bool) {
        if held {
            self.record.holds.push(at..at);
            self.tell(at, Who::Agent, "on hold");
            let length = self.hold.as_ref().map_or(AFTER_HOLD, |hold| hold.end - hold.start);
            return self.after(length, Act::Resume);
        }
        if let Some(hold) = self.record.holds.last_mut() {
            hold.end = at;
        }
        self.tell(at, Who::Agent, "resumed");
        let talked = self.hold.as_ref().map_or(Duration::ZERO, |hold| hold.start);
        self.after(self.plan.talk - talked, Act::HangUp);
    }

    async fn of_customer(&mut self, update: Update) -> Result<(), Failure> {
        let began = self.began.unwrap_or(update.at);
        let (at, who) = (update.at.saturating_sub(began), Who::Customer);
        let What::Event(event) = update.what else { return Ok(()) };
        if let Event::RegistrationChanged(registration) = event {
            if self.is_registered(CUSTOMER, &registration)? {
                self.dial_when_ready().await?;
            }
        } else if let Event::Dialing { .. } = event {
            self.tell(at, who, format!("the customer calls {NUMBER}"));
        } else if let Event::Answered { .. } = event {
            self.record.customer.answered = Some(at);
            self.tell(at, who, "the queue takes the customer in");
        } else if let Event::MediaFlowing { first_sent, first_heard, .. } = event {
            self.media(at, who, first_sent, first_heard);
        } else if let Event::HoldChanged { hold, .. } = event {
            if hold.remote {
                self.tell(at, who, "the customer is on hold");
            }
        } else if let Event::Quality { report, .. } = event {
            self.record.customer.quality.push((at, report));
        } else if let Event::Ended { reason, .. } = event {
            self.ended(at, who, &reason)?;
        }
        Ok(())
    }

    /// Whether a phone can call; fails where it never will.
    fn is_registered(&self, user: &str, registration: &Registration) -> Result<bool, Failure> {
        match registration.state {
            RegistrationState::Registered => Ok(true),
            RegistrationState::Failed | RegistrationState::Unreachable => {
                let problem = registration.problem.as_ref().map(ToString::to_string);
                let problem = problem.unwrap_or_else(|| "not registered".to_owned());
                Err(self.failed(&format!("{user}: {problem}")))
            }
            RegistrationState::Registering
            | RegistrationState::Asleep
            | RegistrationState::ReachableByPush
            | RegistrationState::Unregistered => Ok(false),
        }
    }

    /// The customer calls as soon as both are registered.
    async fn dial_when_ready(&mut self) -> Result<(), Failure> {
        let customer = self.customer.snapshot().registration.state;
        if self.customers_call.is_some()
            || self.record.registered.is_none()
            || customer != RegistrationState::Registered
        {
            return Ok(());
        }
        let call = CallId(uuid::Uuid::new_v4());
        self.customers_call = Some(call);
        let command = Command::Dial { call, to: NUMBER.to_owned() };
        self.customer.command(command).await.map_err(|error| self.failed(&error.to_string()))
    }

    fn media(&mut self, at: Duration, who: Who, sent: Option<Duration>, heard: Option<Duration>) {
        let party = self.record.party(who);
        let is_new = party.first_heard.is_none() && party.first_sent.is_none();
        party.first_sent = party.first_sent.or(sent);
        party.first_heard = party.first_heard.or(heard);
        let time = |time: Option<Duration>| time.map_or("–".to_owned(), milliseconds);
        if is_new && who == Who::Agent {
            let text =
                format!("first sound after the answer: sent {}, heard {}", time(sent), time(heard));
            self.tell(at, who, text);
        }
    }

    fn ended(&mut self, at: Duration, who: Who, reason: &EndReason) -> Result<(), Failure> {
        let told = format!(
            "the {} ended: {reason}",
            if who == Who::Agent { "agent's call" } else { "customer's call" }
        );
        self.over += 1;
        self.record.party(who).ended = Some(at);
        self.next = None;
        self.tell(at, who, told);
        let is_done = matches!(reason, EndReason::Local | EndReason::Remote);
        match is_done && self.record.agent.answered.is_some() {
            true => Ok(()),
            false => Err(self.failed(&format!("the call failed: {reason}"))),
        }
    }

    /// Says what went wrong, in the form that was asked for.
    fn failed(&self, text: &str) -> Failure {
        if !self.screen.is_json() {
            return Failure::Io(std::io::Error::other(text.to_owned()));
        }
        let at_ms = self.began.map_or(0.0, |began| ms(clock::boot().saturating_sub(began)));
        self.screen.line(Line { event: JsonEvent::Error { text: text.to_owned() }, at_ms });
        Failure::Told
    }
}
