//! The object [`Phone`]: one method for each thing that an app can do.

use crate::desk::{Desk, Fact};
use crate::journal::{Journal, Keeper, Question};
use crate::shown::Shown;
use crate::{
    Announcement, CallHistory, CallId, CommandError, ControlError, ControlId, DeclineReason, Event,
    EventPage, IceServerCheck, MessageId, Messages, PhoneConfig, PushToken, RecordingAction,
    Snapshot, StartError, SupervisionMode, TeamSnapshot, Vault, android, ice_server, runtime, time,
};
use sidetone_driver as driver;
use sidetone_driver::{Update, Updates, What};
use sidetone_phone::{AgentRequest, Command, Digits, RecordingId};
use std::convert;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use uuid::Uuid;

/// A running phone. Every method may be called from any thread at any time. What is async waits
/// without holding a thread, and may be cancelled: a command that was sent is carried out all the same.
/// When the last reference is gone the phone ends, as by `shutdown`; a pending call is a reference.
#[derive(uniffi::Object)]
pub struct Phone {
    desk: Desk,
    journal: Journal,
    shown: Arc<Shown>,
    stores: driver::Stores,
    ice_servers: Vec<driver::IceServer>,
}

/// How one network follows another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Handover {
    /// Both work for a while: what goes over the old one goes on until the new one carries it.
    MakeBeforeBreak,
    /// The old one is gone, or nobody knows.
    BreakBeforeMake,
}

impl From<Handover> for sidetone_phone::Handover {
    fn from(handover: Handover) -> Self {
        match handover {
            Handover::MakeBeforeBreak => Self::MakeBeforeBreak,
            Handover::BreakBeforeMake => Self::BreakBeforeMake,
        }
    }
}

#[uniffi::export]
impl Phone {
    /// Starts a phone. It does nothing until it is told to sign in, or of a push. What must survive the
    /// process is kept in the vault; without one a process that dies forgets its calls.
    #[uniffi::constructor(default(vault = None))]
    pub async fn start(
        config: PhoneConfig,
        vault: Option<Arc<Vault>>,
    ) -> Result<Arc<Self>, StartError> {
        if !android::is_ready() {
            return Err(StartError::not_initialised());
        }
        let config = config.prepare(vault.map(|vault| vault.sealed()))?;
        let ice_servers = config.ice_servers.clone();
        let runtime = runtime::handle()?;
        // Devices and certificates are opened, which may block; even the thread for that is made on the
        // library's own, for that may take a while too.
        let opened = async { spawn_blocking(move || sidetone_driver::start(config)).await };
        let opened = runtime.spawn(opened).await.and_then(convert::identity);
        let (handle, updates) = opened.map_err(|e| StartError::no_thread(&e.to_string()))??;
        let stores = handle.stores().clone();
        let shown = Shown::new(handle.snapshots());
        let (journal, questions) = Journal::open();
        let (desk, served) = Desk::open(handle, Arc::clone(&shown));
        runtime.spawn(served);
        runtime.spawn(Arc::clone(&shown).follow());
        runtime.spawn(keep(updates, questions, Arc::clone(&shown)));
        Ok(Arc::new(Self { desk, journal, shown, stores, ice_servers }))
    }

    /// Signs in, now and again until `sign_out`. Where that is done already the server is asked for a
    /// sign of life.
    pub async fn sign_in(&self) -> Result<(), CommandError> {
        self.desk.command(Command::Register).await
    }

    /// Ends the calls and signs out.
    pub async fn sign_out(&self) -> Result<(), CommandError> {
        self.desk.command(Command::Unregister).await
    }

    /// Lets go of the connection and waits for a push, which wakes the phone.
    pub async fn sleep(&self) -> Result<(), CommandError> {
        self.desk.command(Command::Sleep).await
    }

    /// Asks each STUN and TURN server of the configuration, all at once, for what a call would take from it, which takes
    /// six seconds at most; in their order. A call needs none of them where the network lets UDP pass.
    pub async fn check_ice_servers(&self) -> Vec<IceServerCheck> {
        let servers = self.ice_servers.clone();
        let Ok(runtime) = runtime::handle() else { return Vec::new() };
        runtime.spawn(ice_server::check(servers)).await.unwrap_or_default()
    }

    /// The platform gave another push token, or none.
    pub async fn set_push_token(&self, token: Option<PushToken>) -> Result<(), CommandError> {
        let token = token.map(PushToken::kept_secret);
        self.desk.command(Command::SetPushToken(token)).await
    }

    /// Calls a number, a user name or an address. The app may name the call, with a fresh UUID; the
    /// call's id is given back.
    #[uniffi::method(default(call = None))]
    pub async fn dial(&self, to: String, call: Option<CallId>) -> Result<CallId, CommandError> {
        let id = call.unwrap_or_else(|| CallId(Uuid::new_v4()));
        self.desk.command(Command::Dial { call: id.into(), to }).await?;
        Ok(id)
    }

    /// Answers an incoming call.
    pub async fn answer(&self, call: CallId) -> Result<(), CommandError> {
        self.desk.command(Command::Answer { call: call.into() }).await
    }

    /// Refuses an incoming call.
    pub async fn decline(&self, call: CallId, reason: DeclineReason) -> Result<(), CommandError> {
        self.desk.command(Command::Decline { call: call.into(), reason: reason.into() }).await
    }

    /// Sends the caller of an incoming call elsewhere.
    pub async fn forward(&self, call: CallId, to: String) -> Result<(), CommandError> {
        self.desk.command(Command::Forward { call: call.into(), to }).await
    }

    /// Ends a call in any state.
    pub async fn hang_up(&self, call: CallId) -> Result<(), CommandError> {
        self.desk.command(Command::HangUp { call: call.into() }).await
    }

    /// Puts a call on hold, or takes it back.
    pub async fn set_hold(&self, call: CallId, on: bool) -> Result<(), CommandError> {
        self.desk.command(Command::Hold { call: call.into(), on }).await
    }

    /// Lets the call that is on hold talk, and holds the one that talks.
    pub async fn swap(&self) -> Result<(), CommandError> {
        self.desk.command(Command::Swap).await
    }

    /// Joins these calls, and those that are joined already: each hears the others and this phone.
    pub async fn merge(&self, calls: Vec<CallId>) -> Result<(), CommandError> {
        let calls = calls.into_iter().map(Into::into).collect();
        self.desk.command(Command::Merge { calls }).await
    }

    /// Takes a call out of those that are joined, to talk to it alone.
    pub async fn split(&self, call: CallId) -> Result<(), CommandError> {
        self.desk.command(Command::Split { call: call.into() }).await
    }

    /// Leaves the two calls that are joined: they talk on without this phone.
    pub async fn leave(&self) -> Result<(), CommandError> {
        self.desk.command(Command::Leave).await
    }

    /// Sends the other side of a call elsewhere without asking there.
    pub async fn transfer(&self, call: CallId, to: String) -> Result<(), CommandError> {
        self.desk.command(Command::Transfer { call: call.into(), to }).await
    }

    /// Brings the other sides of two calls together, and is done with both.
    pub async fn transfer_to(&self, call: CallId, with: CallId) -> Result<(), CommandError> {
        let (call, with) = (call.into(), with.into());
        self.desk.command(Command::TransferTo { call, with }).await
    }

    /// Sends a message of 1 to 1000 bytes to another agent. The app may name it, with a fresh UUID; its id is given
    /// back. What becomes of it comes as an event.
    #[uniffi::method(default(message = None))]
    pub async fn send_message(
        &self,
        to: String,
        text: String,
        message: Option<MessageId>,
    ) -> Result<MessageId, CommandError> {
        let id = message.unwrap_or_else(|| MessageId(Uuid::new_v4()));
        let message = sidetone_phone::MessageId(id.0);
        self.desk.command(Command::SendMessage { message, to, text }).await?;
        Ok(id)
    }

    /// The messages: the vault's, or without one those of this phone.
    pub fn messages(&self) -> Arc<Messages> {
        Messages::of(Arc::clone(&self.stores.messages))
    }

    /// Has the server carry out a code of its dial plan, and waits for what comes of it, ten waking seconds at most: the end is
    /// the server's yes. It is no call: nothing rings, there is no audio, the platform is told of nothing, and the
    /// calls that there are go on. The app may name it, with a fresh UUID, as the events do.
    #[uniffi::method(default(control = None))]
    pub async fn control(
        &self,
        code: String,
        control: Option<ControlId>,
    ) -> Result<(), ControlError> {
        let id = control.unwrap_or_else(|| ControlId(Uuid::new_v4()));
        let end = self.journal.end_of(id).await.ok_or_else(ControlError::ended)?;
        let control = sidetone_phone::ControlId(id.0);
        self.desk.command(Command::Control { control, code }).await?;
        end.await.unwrap_or_else(|_| Err(ControlError::ended()))
    }

    /// Logs in to a queue, or to all that the agent may be in; with a reason he is paused from the beginning. Returns when
    /// it is asked for: the snapshot's agent shows the request, and then what the server made of it.
    #[uniffi::method(default(queue = None, reason = None))]
    pub async fn log_in(
        &self,
        queue: Option<String>,
        reason: Option<String>,
    ) -> Result<(), CommandError> {
        self.ask(AgentRequest::LogIn { queue, reason }).await
    }

    /// Logs out of a queue, or of all. Returns as `log_in` does.
    #[uniffi::method(default(queue = None))]
    pub async fn log_out(&self, queue: Option<String>) -> Result<(), CommandError> {
        self.ask(AgentRequest::LogOut { queue }).await
    }

    /// Pauses in all queues, for one of the snapshot's reasons; a call that goes on is finished. Returns as `log_in` does.
    pub async fn pause(&self, reason: String) -> Result<(), CommandError> {
        self.ask(AgentRequest::Pause { reason }).await
    }

    /// Ends the pause. Returns as `log_in` does.
    pub async fn unpause(&self) -> Result<(), CommandError> {
        self.ask(AgentRequest::Unpause).await
    }

    /// Has the server record a call that is answered, or do something else with a recording of it: one named by 1 to 4
    /// digits, of which any number may run at the same time, or `auto`. Returns when it is asked for: the call's
    /// recordings show the request, and then what the server made of it.
    pub async fn record(
        &self,
        call: CallId,
        recording: String,
        action: RecordingAction,
    ) -> Result<(), CommandError> {
        let (call, action) = (call.into(), action.into());
        let recording: RecordingId = recording.parse().map_err(CommandError::from)?;
        self.desk.command(Command::Record { call, recording, action }).await
    }
    /// Watches colleagues and queues, or no more: on for as long as somebody looks at them. The snapshot's team shows what the
    /// server has told.
    pub async fn watch_team(&self, on: bool) -> Result<(), CommandError> {
        self.desk.command(Command::Watch { on }).await
    }

    /// Those of the team that is watched who are meant by what is typed: digits of a number, or words of a name or a team. Nothing
    /// typed: all.
    pub fn find_in_team(&self, text: String) -> Option<TeamSnapshot> {
        self.shown.team().map(|team| team.find(&text).into())
    }
    /// Listens to the call of an agent (his endpoint's name), whispers to him or barges in: a call with audio as others, whose
    /// microphone stays closed until the server has confirmed that the supervisor is heard. With `follow` it goes on with the
    /// agent's next call, which is listened to at first. The app may name the call, with a fresh UUID; its id is given back.
    #[uniffi::method(default(follow = false, call = None))]
    pub async fn supervise(
        &self,
        target: String,
        mode: SupervisionMode,
        follow: bool,
        call: Option<CallId>,
    ) -> Result<CallId, CommandError> {
        let id = call.unwrap_or_else(|| CallId(Uuid::new_v4()));
        let (call, mode) = (id.into(), mode.into());
        self.desk.command(Command::Supervise { call, target, mode, follow }).await?;
        Ok(id)
    }

    /// Supervises in another mode. Returns when it is asked for: the call's supervision shows the request, and then what
    /// the server has confirmed. Who is to be heard less is silent at once.
    pub async fn set_supervision_mode(
        &self,
        call: CallId,
        mode: SupervisionMode,
    ) -> Result<(), CommandError> {
        let (call, mode) = (call.into(), mode.into());
        self.desk.command(Command::SetSupervisionMode { call, mode }).await
    }

    /// Lets calls be answered without the agent as the configuration's `answer_mode` allows it, or not, until
    /// he signs out.
    pub async fn set_auto_answer(&self, on: bool) -> Result<(), CommandError> {
        self.desk.command(Command::SetAutoAnswer { on }).await
    }

    /// Closes the microphone towards a call, or opens it.
    pub async fn set_mute(&self, call: CallId, on: bool) -> Result<(), CommandError> {
        self.desk.command(Command::Mute { call: call.into(), on }).await
    }

    /// Sends digits in a call.
    pub async fn send_dtmf(&self, call: CallId, digits: String) -> Result<(), CommandError> {
        let digits = Digits::new(&digits)?;
        self.desk.command(Command::SendDtmf { call: call.into(), digits }).await
    }

    /// Ends the calls, signs out, completes recordings and closes everything, within three seconds.
    pub async fn shutdown(&self) {
        self.desk.shutdown().await;
    }

    /// The system has another network, or the process resumed after a suspension.
    pub fn network_changed(&self, handover: Handover) {
        self.desk.tell(Fact::NetworkChanged(handover.into()));
    }

    /// A push came, and the platform was told of it, as `announce` said.
    pub fn announced(&self, announcement: Announcement) {
        self.desk.tell(Fact::Announced(announcement.into()));
    }

    /// The platform's audio session is active.
    pub fn audio_activated(&self) {
        self.desk.tell(Fact::AudioActivated);
    }

    /// The platform's audio session is not active any more.
    pub fn audio_deactivated(&self) {
        self.desk.tell(Fact::AudioDeactivated);
    }

    /// The platform's audio goes another way: to the ear, a loudspeaker, a headset.
    pub fn audio_route_changed(&self) {
        self.desk.tell(Fact::AudioRouteChanged);
    }

    /// The calls that are over: the vault's, or without one those of this phone.
    pub fn history(&self) -> Arc<CallHistory> {
        CallHistory::of(Arc::clone(&self.stores.history))
    }

    /// What is to be seen of the phone now.
    pub fn snapshot(&self) -> Snapshot {
        self.shown.now()
    }

    /// The first snapshot with another revision than this; at once where the phone has ended.
    pub async fn next_snapshot(&self, after: u64) -> Snapshot {
        self.shown.after(after).await
    }

    /// The events after this cursor, as soon as there is one, or the end. 0 reads from the beginning.
    /// A snapshot taken after an event shows what came of it.
    /// Reading takes nothing away: the same cursor can be read again, by others too.
    pub async fn events(&self, after: u64) -> EventPage {
        self.journal.after(after).await
    }
}

impl Phone {
    async fn ask(&self, request: AgentRequest) -> Result<(), CommandError> {
        self.desk.command(Command::Agent { request }).await
    }
}

/// Writes down what the phone tells, and serves those who read, as long as there can be any.
async fn keep(
    mut updates: Updates,
    mut questions: mpsc::UnboundedReceiver<Question>,
    shown: Arc<Shown>,
) {
    let mut journal = Keeper::default();
    let mut runs = true;
    loop {
        tokio::select! {
            biased;
            update = updates.next(), if runs => match update {
                Some(Update { at, what }) => {
                    // Whoever has the event sees what came of it.
                    shown.refresh();
                    write_down(&mut journal, time::happened(at), what);
                }
                None => {
                    journal.end();
                    runs = false;
                }
            },
            question = questions.recv() => match question {
                Some(question) => journal.serve(question),
                // Nobody can read any more: the phone is on its way out.
                None => break,
            },
        }
    }
}

fn write_down(journal: &mut Keeper, at: SystemTime, what: What) {
    let event = match what {
        What::Event(event) => event.into(),
        What::AudioLost(text) => Event::AudioLost { text },
        What::HistoryChanged(revision) => Event::HistoryChanged { revision },
        What::NotSaved(text) => Event::NotSaved { text },
        What::Sip { .. } | What::Milestone(_) | What::Woke(_) | What::Save(_) => return,
    };
    journal.write(at, event);
}
