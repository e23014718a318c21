//! What the screen shows: the last snapshot, the log, the chosen call and the line being typed.

use super::desk::Desk;
use super::history::Search;
use super::messages;
use super::queues::Choice;
use super::team::Lookup;
use crate::audio;
use crate::json::JsonEvent;
use crate::session::plain;
use sidetone_driver::{Milestone, What};
use sidetone_phone::{CallId, CallSnapshot, CallState, Command, Event, Snapshot};
#[cfg(test)]
use sidetone_phone::{RecordingAccess, Registration, RegistrationState, TransfersReturn, UnixTime};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Lines of the log that are kept.
const LOG_LINES: usize = 200;

/// The screen's state; a pure value that the view draws.
#[derive(Debug)]
pub(super) struct App {
    /// Who is signed in, for the title.
    pub(super) account: String,
    /// Where, for the title.
    pub(super) server: String,
    /// The phone's last snapshot.
    pub(super) snapshot: Snapshot,
    /// The call that the keys act on.
    pub(super) selected: Option<CallId>,
    /// What is being typed.
    pub(super) entry: Option<Entry>,
    /// The history, while it is open.
    pub(super) search: Option<Search>,
    /// The last messages, while one is written; read again where there are none here.
    pub(super) messages: Option<messages::Last>,
    /// The team, while it is open.
    pub(super) lookup: Option<Lookup>,
    /// The supervisor's desk, where it is one.
    pub(super) desk: Option<Desk>,
    /// Another call that is being chosen.
    pub(super) picker: Option<Picker>,
    /// A queue or a reason that is being chosen.
    pub(super) choice: Option<Choice>,
    /// The place in the list of what can be done with recordings, where it is open.
    pub(super) recording: Option<usize>,
    /// What happened, newest last, each with the seconds since the start.
    pub(super) log: VecDeque<(f64, String)>,
    /// The milestones of each call in order, in ms since its first.
    pub(super) milestones: BTreeMap<CallId, Vec<(&'static str, Duration)>>,
    /// Why an end of the audio is silent, shown until a call tries it again.
    pub(super) audio_lost: Option<String>,
    /// The agent has turned auto-answer off here, and may turn it on again.
    pub(super) was_automatic: bool,
    /// The last refusal, shown until the next key.
    pub(super) refusal: Option<String>,
}

/// A line that is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// What it is for.
    pub(super) kind: EntryKind,
    /// What has been typed.
    pub(super) text: String,
}

/// What a typed line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    /// A number or address to call.
    Dial,
    /// Digits to send in the call.
    Dtmf,
    /// A number or address that the other side is sent to.
    Transfer,
    /// Whom a message is for, and after a space what it says.
    Message,
    /// A code of the server's dial plan.
    Control,
    /// An agent whose call is to be supervised, and after a space how.
    Supervise,
}

impl EntryKind {
    /// As many bytes may be typed.
    pub(super) fn longest(self) -> usize {
        match self {
            Self::Dial | Self::Dtmf | Self::Transfer | Self::Control | Self::Supervise => 128,
            // An address, and 1000 bytes of text.
            Self::Message => 1100,
        }
    }
}

/// Another call that is being chosen, beside the one that the keys act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picker {
    /// What it is for.
    pub(super) purpose: Purpose,
    /// The one chosen now.
    pub(super) other: CallId,
}

/// What another call is chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To bring the other sides of both together.
    TransferTo,
    /// To join both.
    Merge,
}

impl App {
    pub(super) fn new(account: String, server: String, snapshot: Snapshot) -> Self {
        Self {
            account,
            server,
            snapshot,
            selected: None,
            entry: None,
            search: None,
            messages: None,
            lookup: None,
            desk: None,
            picker: None,
            choice: None,
            recording: None,
            log: VecDeque::new(),
            milestones: BTreeMap::new(),
            audio_lost: None,
            was_automatic: false,
            refusal: None,
        }
    }

    /// The call that the keys act on.
    pub(super) fn call(&self) -> Option<&CallSnapshot> {
        let selected = self.selected?;
        self.snapshot.calls.iter().find(|call| call.id == selected)
    }

    /// The answered calls beside the one that the keys act on.
    pub(super) fn others(&self) -> Vec<&CallSnapshot> {
        let is_other = |call: &&CallSnapshot| is_up(call) && Some(call.id) != self.selected;
        self.snapshot.calls.iter().filter(is_other).collect()
    }

    /// Whether a message is written.
    pub(super) fn writes(&self) -> bool {
        self.entry.as_ref().is_some_and(|entry| entry.kind == EntryKind::Message)
    }

    /// Takes what the phone told at `at` (boot time), `seconds` after the start.
    pub(super) fn take(&mut self, what: &What, at: Duration, seconds: f64, snapshot: Snapshot) {
        self.snapshot = snapshot;
        if let What::Event(
            Event::MessageReceived(_)
            | Event::MessageSent { .. }
            | Event::MessageFailed { .. }
            | Event::MessageUncertain { .. },
        ) = what
        {
            self.messages = None;
        }
        if let (Some(desk), What::Event(event)) = (&mut self.desk, what) {
            desk.take(event, self.snapshot.team.as_deref());
        }
        if let Some((call, name)) = milestone(what) {
            self.milestones.entry(call).or_default().push((name, at));
        }
        if let What::Event(event) = what
            && let Some(text) = plain(&JsonEvent::from(event.clone()))
        {
            self.say(seconds, text);
        }
        match what {
            What::AudioLost(reason) => {
                self.audio_lost = Some(audio::lost(reason));
                self.say(seconds, reason.clone());
            }
            What::Event(Event::Incoming { .. } | Event::Dialing { .. })
                if self.snapshot.calls.len() <= 1 =>
            {
                self.audio_lost = None;
            }
            What::NotSaved(reason) => self.say(seconds, reason.clone()),
            What::Event(_)
            | What::Milestone(_)
            | What::Sip { .. }
            | What::Woke(_)
            | What::HistoryChanged(_)
            | What::Save(_) => {}
        }
        let others: Vec<CallId> = self.others().iter().map(|call| call.id).collect();
        self.picker = self.picker.take().filter(|picker| others.contains(&picker.other));
        if self.call().is_none() {
            self.selected = self.snapshot.calls.last().map(|call| call.id);
        }
    }

    /// Shows why a command was refused. What was typed for it stays, to be mended.
    pub(super) fn refuse(&mut self, command: Command, text: String) {
        self.refusal = Some(text);
        self.entry = match command {
            Command::Dial { to, .. } => Some(Entry { kind: EntryKind::Dial, text: to }),
            Command::Transfer { to, .. } => Some(Entry { kind: EntryKind::Transfer, text: to }),
            Command::Control { code, .. } => Some(Entry { kind: EntryKind::Control, text: code }),
            Command::Supervise { target, mode, .. } if self.desk.is_none() => {
                Some(Entry { kind: EntryKind::Supervise, text: format!("{target} {mode}") })
            }
            Command::SendDtmf { digits, .. } => {
                Some(Entry { kind: EntryKind::Dtmf, text: digits.as_str().to_owned() })
            }
            Command::Register
            | Command::Unregister
            | Command::Sleep
            | Command::SetPushToken(_)
            | Command::Forward { .. }
            | Command::Answer { .. }
            | Command::Decline { .. }
            | Command::HangUp { .. }
            | Command::Hold { .. }
            | Command::Swap
            | Command::Merge { .. }
            | Command::Split { .. }
            | Command::Leave
            | Command::TransferTo { .. }
            | Command::SendMessage { .. }
            | Command::Agent { .. }
            | Command::Record { .. }
            | Command::Watch { .. }
            | Command::Supervise { .. }
            | Command::SetSupervisionMode { .. }
            | Command::SetAutoAnswer { .. }
            | Command::Mute { .. } => None,
        };
        if self.call().is_none() {
            self.selected = self.snapshot.calls.last().map(|call| call.id);
        }
    }

    /// Whether the team is looked at, and so watched.
    pub(super) fn watches(&self) -> bool {
        self.lookup.is_some() || self.desk.is_some()
    }

    /// Adds a line to the log.
    pub(super) fn say(&mut self, seconds: f64, text: String) {
        self.log.push_back((seconds, text));
        while self.log.len() > LOG_LINES {
            self.log.pop_front();
        }
    }

    /// Chooses the next call.
    pub(super) fn select_next(&mut self) {
        let calls = &self.snapshot.calls;
        let at = calls.iter().position(|call| Some(call.id) == self.selected);
        let next = at.map_or(0, |at| (at + 1) % calls.len().max(1));
        self.selected = calls.get(next).map(|call| call.id);
    }
}

/// Whether a call is answered and goes on.
pub(super) fn is_up(call: &CallSnapshot) -> bool {
    matches!(call.state, CallState::Answered | CallState::Established)
}

/// The milestone that an update is, and of which call.
fn milestone(what: &What) -> Option<(CallId, &'static str)> {
    match what {
        What::Event(Event::Incoming { call, .. }) => Some((*call, "incoming")),
        What::Event(Event::Dialing { call, .. }) => Some((*call, "dialing")),
        What::Event(Event::Ringing { call }) => Some((*call, "ringing")),
        What::Event(Event::EarlyMedia { call }) => Some((*call, "early media")),
        What::Event(Event::Answered { call, .. }) => Some((*call, "answered")),
        What::Event(Event::Established { call }) => Some((*call, "established")),
        What::Event(Event::MediaFlowing { call, .. }) => Some((*call, "audio flows")),
        What::Milestone(Milestone::IceGathered { call, .. }) => Some((*call, "gathered")),
        What::Milestone(Milestone::IceConnected { call, .. }) => Some((*call, "ICE")),
        What::Milestone(Milestone::DtlsConnected { call }) => Some((*call, "DTLS")),
        What::Event(_)
        | What::Milestone(_)
        | What::Sip { .. }
        | What::Woke(_)
        | What::Save(_)
        | What::NotSaved(_)
        | What::HistoryChanged(_)
        | What::AudioLost(_) => None,
    }
}

#[cfg(test)]
impl App {
    /// For tests: this lamp and these calls, and nothing else.
    pub(super) fn with(state: RegistrationState, calls: Vec<CallSnapshot>) -> Self {
        let registration = Registration { state, problem: None, since: UnixTime::default() };
        let snapshot = Snapshot {
            registration,
            calls,
            auto_answer: false,
            transfers_return: TransfersReturn::Unknown,
            voicemail: None,
            agent: None,
            recording: RecordingAccess::Unknown,
            features: None,
            team: None,
            unread_packs: Vec::new(),
        };
        let server = "wss://pbx.example.test:8089/ws".to_owned();
        Self::new("sip:agent1@example.test".to_owned(), server, snapshot)
    }
}
