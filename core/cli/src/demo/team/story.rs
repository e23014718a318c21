//! The four phones, and what each does when.

use super::picture::Picture;
use super::record::{Record, VOICES};
use super::{MODES, NUMBER, REASON, Who};
use crate::Failure;
use crate::agent::state_word;
use crate::console::asked_to_leave;
use crate::demo::hearing::samples;
use crate::demo::phone::Place;
use crate::demo::record::Finding;
use crate::demo::screen::milliseconds;
use crate::demo::speech::{self, Round};
use crate::json::{JsonEvent, Line, ms};
use crate::session::{Session, plain};
use sidetone_driver::{Update, What, clock};
use sidetone_phone::{
    AgentRequest, AgentState, CallId, CallSnapshot, CallState, Command, EndReason, Event,
    RecordingAction, RecordingState, RegistrationState, Snapshot, SupervisionEnd, SupervisionMode,
    TeamState,
};
use std::time::Duration;
use tokio::time::Instant;

/// Anna lets it ring so long.
const RING: Duration = Duration::from_secs(1);
/// From the customer's answer by the queue to Anna's.
const LEAD: Duration = Duration::from_millis(1_100);
/// From Anna's answer to Clara's, or a round later.
const SOON: Duration = Duration::from_millis(800);
/// From Clara's call to its answer, about.
const DIALING: Duration = Duration::from_millis(80);
/// What is longer than one of these steps takes has gone wrong.
const PATIENCE: Duration = Duration::from_secs(10);
/// What each can say without repeating a file.
const TALK: Duration = Duration::from_secs(40);
/// What happens is told after so long a quiet: four phones tell it, each a little later than it was.
const QUIET: Duration = Duration::from_millis(20);
/// Clocks go on by themselves.
const TICK: Duration = Duration::from_millis(250);

/// The demonstration on its way.
struct Story<'a> {
    picture: &'a mut Picture,
    sip: bool,
    phones: [Session; 4],
    /// The first phone begins to connect: all times are counted from here.
    began: Option<Duration>,
    record: Record,
    /// Who has been rung.
    rung: Vec<Who>,
    /// How the calls have ended.
    ended: Vec<(Who, EndReason)>,
    /// What was told of each last.
    told: [String; 4],
    /// What is to be told next, and when it was.
    untold: Vec<(Duration, Who, String)>,
}

/// Plays it to its end.
pub(super) async fn play(
    place: &Place,
    picture: &mut Picture,
    sip: bool,
) -> Result<Record, Failure> {
    let folder = tempfile::tempdir()?;
    let round = Round::new();
    let says = [
        round.said(0, Duration::ZERO, TALK),
        [vec![0; samples(LEAD)], round.said(1, Duration::ZERO, TALK)].concat(),
        round.said(2, SOON, TALK),
    ];
    let file = |who: Who, what: &str| folder.path().join(format!("{}-{what}.wav", who.user()));
    for (who, says) in VOICES.into_iter().zip(&says) {
        speech::write(&file(who, "says"), says)?;
    }
    // Who is paused says nothing.
    speech::write(&file(Who::Other, "says"), &[0; 48_000])?;
    picture.title(&place.server.to_string(), round.origin);
    let start = async |who: Who| {
        let mut setup = place.phone(who.user(), &file(who, "says"), &file(who, "heard"))?;
        let is_agent = matches!(who, Who::Agent | Who::Other);
        (setup.driver.phone.queues, setup.driver.phone.recordings) = (is_agent, is_agent);
        Ok::<_, Failure>(Session::start(setup).await?)
    };
    let [agent, other, customer, supervisor] = Who::ALL;
    let phones = [
        start(agent).await?,
        start(other).await?,
        start(customer).await?,
        start(supervisor).await?,
    ];
    let mut story = Story {
        picture,
        sip,
        phones,
        began: None,
        record: Record::default(),
        rung: Vec::new(),
        ended: Vec::new(),
        told: Default::default(),
        untold: Vec::new(),
    };
    let ended = tokio::select! {
        ended = story.act(round.lasts()) => Some(ended),
        _ = asked_to_leave() => None,
    };
    let ended = ended.unwrap_or_else(|| Err(story.failed("interrupted")));
    let Story { mut record, phones, .. } = story;
    for phone in phones {
        phone.stop().await;
    }
    ended?;
    for (index, who) in VOICES.into_iter().enumerate() {
        record.parties[index].recorded(&says[index], speech::read(&file(who, "heard"))?);
    }
    Ok(record)
}

impl Story<'_> {
    /// All of it.
    async fn act(&mut self, round: Duration) -> Result<(), Failure> {
        self.come_to_work().await?;
        self.pause_ben().await?;
        let call = self.take_the_call().await?;
        self.record_call(call).await?;
        self.supervise(round).await?;
        self.end(call).await
    }

    /// All are registered, Clara watches, and both agents are ready.
    async fn come_to_work(&mut self) -> Result<(), Failure> {
        let is_there = |seen: Snapshot| seen.registration.state == RegistrationState::Registered;
        let all = |story: &Self| Who::ALL.into_iter().all(|who| is_there(story.seen(who)));
        self.until("all are registered", all).await?;
        self.ask(Who::Supervisor, Command::Watch { on: true }).await?;
        let told = |story: &Self| {
            story.seen(Who::Supervisor).team.is_some_and(|team| team.state == TeamState::Current)
        };
        self.until("Clara is told of her team", told).await?;
        // Ben first: the queue would ring him before Anna, if he were there.
        for who in [Who::Other, Who::Agent] {
            let request = AgentRequest::LogIn { queue: None, reason: None };
            self.ask(who, Command::Agent { request }).await?;
            let is_ready = |story: &Self| story.state_of(who) == AgentState::Ready;
            self.until("both are ready", is_ready).await?;
        }
        Ok(())
    }

    async fn pause_ben(&mut self) -> Result<(), Failure> {
        let asked = self.now();
        let request = AgentRequest::Pause { reason: REASON.to_owned() };
        self.ask(Who::Other, Command::Agent { request }).await?;
        let is_seen = |story: &Self| story.watched(Who::Other) == AgentState::NotReady;
        self.until("Clara sees that Ben is paused", is_seen).await?;
        let took = milliseconds(self.now().saturating_sub(asked));
        let text = format!("Clara saw {took} after he asked that Ben is paused: {REASON}");
        self.find("pause_shown", true, text);
        Ok(())
    }

    /// The customer calls the queue, and Anna answers; her call.
    async fn take_the_call(&mut self) -> Result<CallId, Failure> {
        let theirs = CallId(uuid::Uuid::new_v4());
        let dial = Command::Dial { call: theirs, to: NUMBER.to_owned() };
        self.ask(Who::Customer, dial).await?;
        self.until("the queue rings Anna", |story| story.rung.contains(&Who::Agent)).await?;
        self.pass(RING).await?;
        let call = self.seen(Who::Agent).calls.first().map_or(theirs, |call| call.id);
        self.ask(Who::Agent, Command::Answer { call }).await?;
        let both = |story: &Self| story.talks(Who::Agent) && story.talks(Who::Customer);
        self.until("Anna and the customer talk", both).await?;
        let spared = self.rung == [Who::Agent];
        let text = match spared {
            true => "The queue rang Anna, and not Ben, whose turn it was: he is paused",
            false => "The queue rang Ben, who is paused",
        };
        self.find("paused_is_spared", spared, text.to_owned());
        Ok(call)
    }

    /// Anna hangs up and wraps up; Clara's call is over with hers.
    async fn end(&mut self, call: CallId) -> Result<(), Failure> {
        let end = self.now();
        if let Some((_, times)) = self.record.modes.last_mut() {
            times.end = end;
        }
        self.ask(Who::Agent, Command::HangUp { call }).await?;
        self.until("all calls are over", |story| story.ended.len() == VOICES.len()).await?;
        for (what, state) in [
            ("Clara sees that Anna wraps up", AgentState::WrapUp),
            ("Clara sees that Anna is ready again", AgentState::Ready),
        ] {
            self.until(what, |story| story.watched(Who::Agent) == state).await?;
        }
        let over = EndReason::Supervision(SupervisionEnd::CallOver);
        let is_over = self.ended.contains(&(Who::Supervisor, over));
        let text = match is_over {
            true => "The supervision ended with the call; Anna wrapped up, and is ready again",
            false => "The supervision did not end by the server's word that the call is over",
        };
        self.find("over_with_the_call", is_over, text.to_owned());
        self.pass(QUIET * 3).await?;
        self.tell();
        self.draw()
    }

    /// Anna has the call recorded; the light is red by the server's word alone.
    async fn record_call(&mut self, call: CallId) -> Result<(), Failure> {
        let asked = self.now();
        let recording = "1".parse().map_err(|_| self.failed("no name for a recording"))?;
        let action = RecordingAction::Start;
        self.ask(Who::Agent, Command::Record { call, recording, action }).await?;
        let is_red = |call: &CallSnapshot| {
            call.recordings.iter().any(|one| one.certain && one.state == RecordingState::Recording)
        };
        self.until("the call is recorded", |story| story.seen(Who::Agent).calls.iter().any(is_red))
            .await?;
        let took = milliseconds(self.now().saturating_sub(asked));
        let text = format!(
            "Anna's light was red {took} after she asked, when the server had said that it records"
        );
        self.find("recording_confirmed", true, text);
        Ok(())
    }

    /// Clara listens, whispers and barges in, each for a round in which everybody speaks.
    async fn supervise(&mut self, round: Duration) -> Result<(), Failure> {
        // She begins where the round of the others is then, so that one speaks after the other.
        let answered = self.record.parties[0].answered.unwrap_or_default();
        let mut at = answered + SOON;
        while at < self.now() + DIALING {
            at += round;
        }
        self.pass(at - DIALING - self.now()).await?;
        let call = CallId(uuid::Uuid::new_v4());
        for mode in MODES {
            let asked = self.now();
            if let Some((_, times)) = self.record.modes.last_mut() {
                times.end = asked;
            }
            let target = Who::Agent.user().to_owned();
            let command = match mode {
                SupervisionMode::Listen => Command::Supervise { call, target, mode, follow: false },
                SupervisionMode::Whisper | SupervisionMode::Barge => {
                    Command::SetSupervisionMode { call, mode }
                }
            };
            self.ask(Who::Supervisor, command).await?;
            let confirmed = |story: &Self| story.mode() == Some(mode);
            self.until(&format!("{mode} is confirmed"), confirmed).await?;
            let now = self.now();
            self.record.confirmed_after.push(now.saturating_sub(asked));
            self.record.modes.push((mode, now..now));
            self.pass(round + Duration::from_millis(600)).await?;
        }
        Ok(())
    }

    /// The mode that the server has confirmed, where none is asked for.
    fn mode(&self) -> Option<SupervisionMode> {
        let calls = self.seen(Who::Supervisor).calls;
        let seen = calls.into_iter().find_map(|call| call.supervision);
        seen.filter(|seen| seen.requested.is_none())?.mode
    }

    fn seen(&self, who: Who) -> Snapshot {
        self.phones[who as usize].snapshot()
    }

    fn state_of(&self, who: Who) -> AgentState {
        let agent = self.seen(who).agent.filter(|agent| agent.requested.is_none());
        agent.map_or(AgentState::Unknown, |agent| agent.state)
    }

    /// What Clara sees that somebody is.
    fn watched(&self, who: Who) -> AgentState {
        let team = self.seen(Who::Supervisor).team.unwrap_or_default();
        let person = team.people.iter().find(|person| person.name == who.user());
        person.map_or(AgentState::Unknown, |person| person.state)
    }

    fn talks(&self, who: Who) -> bool {
        self.seen(who).calls.iter().any(|call| call.state == CallState::Established)
    }

    async fn ask(&mut self, who: Who, command: Command) -> Result<(), Failure> {
        let asked = self.phones[who as usize].command(command).await;
        asked.map_err(|refusal| self.failed(&format!("{}: {refusal}", who.name())))
    }

    fn find(&mut self, name: &'static str, good: bool, text: String) {
        self.record.findings.push((name, Finding { good, text }));
    }

    /// Goes on until this is true.
    async fn until(&mut self, what: &str, is: impl Fn(&Self) -> bool) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        while !is(self) {
            if !self.step(deadline).await? {
                let seconds = PATIENCE.as_secs();
                return Err(self.failed(&format!("{what}: this did not come about in {seconds} s")));
            }
        }
        Ok(())
    }

    /// Goes on for so long.
    async fn pass(&mut self, time: Duration) -> Result<(), Failure> {
        let until = Instant::now() + time;
        while self.step(until).await? {}
        Ok(())
    }

    /// Takes the next thing that a phone tells; `false`: it is time.
    async fn step(&mut self, until: Instant) -> Result<bool, Failure> {
        self.draw()?;
        let [agent, other, customer, supervisor] = &mut self.phones;
        let (who, update) = tokio::select! {
            update = agent.next() => (Who::Agent, update),
            update = other.next() => (Who::Other, update),
            update = customer.next() => (Who::Customer, update),
            update = supervisor.next() => (Who::Supervisor, update),
            () = tokio::time::sleep_until(until) => return Ok(false),
            () = tokio::time::sleep(QUIET), if !self.untold.is_empty() => {
                self.tell();
                return Ok(true);
            }
            () = tokio::time::sleep(TICK) => return Ok(true),
        };
        self.take(who, update.ok_or(Failure::Stopped)?)?;
        Ok(true)
    }

    /// Tells what there is, in the order in which it was.
    fn tell(&mut self) {
        self.untold.sort_by_key(|(at, ..)| *at);
        for (at, who, text) in self.untold.drain(..) {
            self.picture.tell(at, who, &text);
        }
    }

    fn draw(&mut self) -> Result<(), Failure> {
        Ok(self.picture.draw(|| Who::ALL.map(|who| self.phones[who as usize].snapshot()))?)
    }

    fn take(&mut self, who: Who, update: Update) -> Result<(), Failure> {
        let at = update.at.saturating_sub(*self.began.get_or_insert(update.at));
        // What the supervisor's phone tells is what a script would see of it all.
        if who == Who::Supervisor
            && self.picture.is_json()
            && let Some(Line { event, .. }) = self.phones[3].line(update.clone(), self.sip)
        {
            self.picture.line(Line { event, at_ms: ms(at) });
        }
        if let What::AudioLost(reason) = &update.what {
            return Err(self.failed(&format!("{}: {reason}", who.name())));
        }
        let What::Event(event) = update.what else { return Ok(()) };
        let party = VOICES.iter().position(|voice| *voice == who);
        let party = party.and_then(|index| self.record.parties.get_mut(index));
        if let Event::RegistrationChanged(lamp) = &event
            && matches!(lamp.state, RegistrationState::Failed | RegistrationState::Unreachable)
        {
            let problem = lamp.problem.as_ref().map(ToString::to_string).unwrap_or_default();
            return Err(self.failed(&format!("{} is not registered: {problem}", who.name())));
        } else if let Event::Incoming { .. } = &event {
            self.rung.push(who);
        } else if let (Event::Answered { .. }, Some(party)) = (&event, party) {
            party.answered = Some(at);
        } else if let Event::Ended { reason, .. } = &event {
            if let Some(index) = VOICES.iter().position(|voice| *voice == who) {
                self.record.parties[index].ended = Some(at);
            }
            self.ended.push((who, reason.clone()));
        }
        if let Some(text) = words(who, &event)
            && self.told[who as usize] != text
        {
            self.told[who as usize].clone_from(&text);
            self.untold.push((at, who, text));
        }
        Ok(())
    }

    fn now(&self) -> Duration {
        clock::boot().saturating_sub(self.began.unwrap_or_else(clock::boot))
    }

    /// Says what went wrong, in the form that was asked for.
    fn failed(&self, text: &str) -> Failure {
        if !self.picture.is_json() {
            return Failure::Io(std::io::Error::other(text.to_owned()));
        }
        let event = JsonEvent::Error { text: text.to_owned() };
        self.picture.line(Line { event, at_ms: ms(self.now()) });
        Failure::Told
    }
}

/// What is told of an event; `None`: nothing.
fn words(who: Who, event: &Event) -> Option<String> {
    // What says the same as another, or only how the audio comes about.
    let is_of_a_call = matches!(event, Event::Dialing { .. } | Event::Answered { .. });
    let is_detail = matches!(
        event,
        Event::Established { .. }
            | Event::MediaFlowing { .. }
            | Event::RecordingAccessChanged { .. }
    );
    if is_detail || (is_of_a_call && who == Who::Supervisor) {
        return None;
    }
    if let Event::RegistrationChanged(lamp) = event {
        return (lamp.state == RegistrationState::Registered).then(|| "is registered".to_owned());
    }
    if let Event::AgentChanged { agent } = event {
        let (_, word) = state_word(agent.state, agent.pause.as_ref());
        return match &agent.requested {
            Some(AgentRequest::LogIn { .. }) => Some("asks to log in".to_owned()),
            Some(AgentRequest::Pause { reason }) => Some(format!("asks for a pause: {reason}")),
            Some(AgentRequest::LogOut { .. } | AgentRequest::Unpause) => None,
            None if agent.state == AgentState::Unknown => None,
            None => Some(word),
        };
    }
    if let Event::RecordingsChanged { recordings, .. } = event {
        let is_asked = recordings.iter().any(|one| one.requested.is_some());
        let text = if is_asked { "asks for a recording" } else { "● REC, says the server" };
        return Some(text.to_owned());
    }
    if let Event::ColleagueChanged { colleague } = event {
        let (_, word) = state_word(colleague.state, colleague.pause.as_ref());
        let label = colleague.label.as_deref().unwrap_or(&colleague.name);
        return (colleague.name != who.user()).then(|| format!("sees {label}: {word}"));
    }
    if let Event::TeamQueueChanged { queue } = event {
        return Some(format!("sees the queue: {} waiting, {} free", queue.waiting, queue.free));
    }
    if let Event::SupervisionChanged { supervision, .. } = event {
        return match (supervision.requested, supervision.mode) {
            (Some(mode), _) => Some(format!("asks for {mode}")),
            (None, mode) => mode.map(|mode| format!("{mode}, says the server")),
        };
    }
    plain(&JsonEvent::from(event.clone()))
}
