//! One phone at work: starts the driver, keeps its state, and hands on what it tells.

use crate::audio;
use crate::config::Setup;
use crate::json::{
    JsonAgent, JsonEvent, JsonParty, JsonRecording, Line, Request, command_error_name, ms,
    supervision,
};
use crate::quiet::Quiet;
use sidetone_driver::{Handle, Milestone, StartError, Update, Updates, VaultError, What};
use sidetone_phone::{
    CallId, Command, CommandError, Cursor, Event, HistoryFilter, HistoryPage, MessagePage,
    RegistrationState, Snapshot,
};
use std::time::Duration;

/// A running phone as the terminal uses it.
pub(crate) struct Session {
    handle: Handle,
    updates: Updates,
    started: Duration,
    was_registered: bool,
}

/// Why a command was not taken, in words that say what to do in its place.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) error: CommandError,
    hint: Option<&'static str>,
}

impl Refusal {
    fn new(command: &Command, error: CommandError) -> Self {
        let hint = match (error, command) {
            (CommandError::WrongState, Command::Answer { .. }) => {
                Some("only a call that rings here can be answered")
            }
            (CommandError::WrongState, Command::Decline { .. }) => {
                Some("only a call that rings here can be declined; hang up instead")
            }
            (CommandError::WrongState, Command::Forward { .. }) => {
                Some("only a call that rings here, or is announced, can be forwarded")
            }
            (CommandError::WrongState, Command::Hold { .. }) => {
                Some("only an answered call can be held or resumed; wait for the answer")
            }
            (CommandError::WrongState, Command::SendDtmf { .. }) => {
                Some("digits go out only in an answered call that you do not hold; resume it first")
            }
            (CommandError::WrongState, Command::Transfer { .. }) => {
                Some("only an answered call can be transferred; forward one that rings")
            }
            (CommandError::WrongState, Command::TransferTo { .. }) => Some(
                "only two answered calls can be brought together; wait for the answer, or transfer \
                 without asking",
            ),
            (CommandError::WrongState, Command::Merge { .. }) => {
                Some("only answered calls can be joined; wait for the answer")
            }
            (CommandError::WrongState, Command::SetSupervisionMode { .. }) => Some(
                "only a supervision that is answered, not held and not waiting for a call has a mode to change",
            ),
            (CommandError::WrongState, Command::Split { .. }) => {
                Some("the call is not joined with others")
            }
            (_, _) => None,
        };
        Self { error, hint }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.hint {
            Some(hint) => f.write_str(hint),
            None => self.error.fmt(f),
        }
    }
}

impl Session {
    /// Starts the phone and signs in.
    pub(crate) async fn start(setup: Setup) -> Result<Self, StartError> {
        let started = sidetone_driver::clock::now().boot;
        let quiet = Quiet::while_devices_are_tried();
        let started_phone = sidetone_driver::start(setup.driver);
        drop(quiet);
        let (handle, updates) = started_phone?;
        // A fresh phone takes this command always.
        let _ = handle.command(Command::Register).await;
        Ok(Self { handle, updates, started, was_registered: false })
    }

    /// The next thing that the phone tells.
    pub(crate) async fn next(&mut self) -> Option<Update> {
        let update = self.updates.next().await?;
        self.was_registered |= matches!(
            &update.what,
            What::Event(Event::RegistrationChanged(lamp))
                if lamp.state == RegistrationState::Registered
        );
        Some(update)
    }

    /// Asks the phone.
    pub(crate) async fn command(&self, command: Command) -> Result<(), Refusal> {
        let asked = command.clone();
        self.handle.command(command).await.map_err(|error| Refusal::new(&asked, error))
    }

    /// Some of the calls that are over, latest first.
    pub(crate) async fn history(
        &self,
        filter: HistoryFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<HistoryPage, VaultError> {
        self.handle.history().page(filter, after, limit).await
    }

    /// The last messages, latest first, so many.
    pub(crate) async fn messages(&self, limit: usize) -> Result<MessagePage, VaultError> {
        self.handle.messages().page(None, limit).await
    }

    /// Whether the server has taken the phone at least once.
    pub(crate) fn was_registered(&self) -> bool {
        self.was_registered
    }

    /// What is to be seen.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.handle.snapshot()
    }

    /// Ends the calls, signs out, closes the files.
    pub(crate) async fn stop(self) {
        self.stop_and_tell(|_, _| {}).await;
    }

    /// The same, and tells what happens meanwhile: how the calls end is news too.
    pub(crate) async fn stop_and_tell(mut self, mut tell: impl FnMut(&Self, Update)) {
        let handle = self.handle.clone();
        let telling = async {
            while let Some(update) = self.next().await {
                tell(&self, update);
            }
        };
        tokio::join!(handle.shutdown(), telling);
    }

    /// Milliseconds since the session started.
    pub(crate) fn at_ms(&self, at: Duration) -> f64 {
        ms(at.saturating_sub(self.started))
    }

    /// Milliseconds since the session started, now.
    pub(crate) fn now_ms(&self) -> f64 {
        self.at_ms(sidetone_driver::clock::now().boot)
    }

    /// The line that tells an update; `None` where it is not for the reader.
    pub(crate) fn line(&self, update: Update, sip: bool) -> Option<Line> {
        let at_ms = self.at_ms(update.at);
        let event = match update.what {
            What::Event(event) => event.into(),
            What::Sip { sent, bytes } if sip => JsonEvent::Sip { sent, message: redacted(&bytes) },
            What::Milestone(milestone) => step(&milestone),
            What::AudioLost(reason) => JsonEvent::Error { text: audio::lost(&reason) },
            What::NotSaved(text) => JsonEvent::Error { text },
            What::HistoryChanged(revision) => JsonEvent::HistoryChanged { revision },
            What::Sip { .. } | What::Woke(_) | What::Save(_) => return None,
        };
        Some(Line { event, at_ms })
    }

    /// Carries out one line of JSON input, and answers it with the time at which it was taken: what
    /// follows from it comes later. `None` means: leave.
    pub(crate) async fn run_line(&self, text: &str) -> Option<Vec<Line>> {
        let at_ms = self.now_ms();
        let events = match Request::parse(text) {
            Ok(Request::Quit) => return None,
            Ok(Request::Command { name, call, command }) => {
                vec![answer(name, call, self.command(command).await)]
            }
            Ok(Request::Announce(payload)) => {
                // As a platform's push handler does it: reported first, then told to the phone.
                let report = sidetone_driver::announce(&payload);
                let (reported, call) = (JsonEvent::from(&report), report.announcement.call);
                self.handle.announced(report.announcement).await;
                vec![reported, answer("announce", Some(call), Ok(()))]
            }
            Ok(Request::NetworkChanged(handover)) => {
                self.handle.network_changed(handover).await;
                vec![answer("network_changed", None, Ok(()))]
            }
            Ok(Request::History { filter, after, limit }) => {
                let page = self.history(filter, after, limit).await;
                vec![page.map_or_else(|error| not_read("history", &error), JsonEvent::from)]
            }
            Ok(Request::Messages { before, limit }) => {
                let page = self.handle.messages().page(before, limit).await;
                vec![page.map_or_else(|error| not_read("messages", &error), JsonEvent::from)]
            }
            Ok(Request::Team { filter }) => {
                let team = self.snapshot().team.unwrap_or_default();
                let team = Box::new((&team.find(&filter)).into());
                vec![JsonEvent::Team { filter: Some(filter), team }]
            }
            Ok(Request::ClearHistory) => {
                let cleared = self.handle.history().clear().await;
                vec![cleared.map_or_else(
                    |error| not_read("clear_history", &error),
                    |revision| JsonEvent::HistoryChanged { revision },
                )]
            }
            Ok(Request::ClearMessages) => {
                let cleared = self.handle.messages().clear().await;
                vec![cleared.map_or_else(
                    |error| not_read("clear_messages", &error),
                    |_| answer("clear_messages", None, Ok(())),
                )]
            }
            Ok(Request::Snapshot) => vec![JsonEvent::from(&self.snapshot())],
            Err(refused) => vec![refused],
        };
        Some(events.into_iter().map(|event| Line { event, at_ms }).collect())
    }
}

/// What a command line is answered with.
fn answer(name: &str, call: Option<CallId>, result: Result<(), Refusal>) -> JsonEvent {
    let (command, call) = (name.to_owned(), call.map(|call| call.to_string()));
    match result {
        Ok(()) => JsonEvent::Accepted { command, call },
        Err(refusal) => JsonEvent::Refused {
            command,
            call,
            reason: command_error_name(refusal.error),
            text: refusal.to_string(),
        },
    }
}

/// A command on what is kept that the disk does not let.
fn not_read(command: &str, error: &VaultError) -> JsonEvent {
    JsonEvent::Refused {
        command: command.to_owned(),
        call: None,
        reason: "not_stored",
        text: error.to_string(),
    }
}

/// A SIP message as text with its secrets masked; bytes that are none are only counted.
pub(crate) fn redacted(bytes: &[u8]) -> String {
    match sidetone_sip::Message::parse(bytes) {
        Ok(message) => message.redacted(),
        Err(error) => format!("({} bytes that are no SIP message: {error})", bytes.len()),
    }
}

/// A step of connecting, named and detailed.
pub(crate) fn step(milestone: &Milestone) -> JsonEvent {
    let (step, detail) = match milestone {
        Milestone::Resolved(addresses) => {
            ("resolved", addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
        Milestone::TcpConnected(address) => ("tcp_connected", address.to_string()),
        Milestone::TlsEstablished(suite) => ("tls_established", suite.clone()),
        Milestone::WebSocketOpen => ("websocket_open", String::new()),
        Milestone::IceGathered { candidates, .. } => {
            ("ice_gathered", format!("{candidates} candidates"))
        }
        Milestone::IceConnected { pair, .. } => ("ice_connected", pair.clone()),
        Milestone::DtlsConnected { .. } => ("dtls_connected", String::new()),
    };
    JsonEvent::Step { step: step.to_owned(), detail }
}

/// One line of plain text for an update; `None` where it would only be noise.
pub(crate) fn plain(event: &JsonEvent) -> Option<String> {
    let party = |p: &JsonParty| p.to_string();
    Some(match event {
        JsonEvent::Registration { state, reason: None } => format!("lamp: {state}"),
        JsonEvent::Registration { state, reason: Some(reason) } => {
            format!("lamp: {state}: {reason}")
        }
        JsonEvent::Incoming { from, .. } => format!("{} calls", party(from)),
        JsonEvent::Announced { name, number, .. } => {
            let unknown = "unknown".to_owned();
            format!("announced: {}", name.as_ref().or(number.as_ref()).unwrap_or(&unknown))
        }
        JsonEvent::Reported { caller, over: None, .. } => format!("a push: {caller} calls"),
        JsonEvent::Reported { caller, over: Some(why), .. } => {
            format!("a push: {caller} does not call any more: {why}")
        }
        JsonEvent::Dialing { to, .. } => format!("calling {}", party(to)),
        JsonEvent::Ringing { .. } => "it rings there".to_owned(),
        JsonEvent::EarlyMedia { .. } => "audio before the answer".to_owned(),
        JsonEvent::Answered { .. } => "answered".to_owned(),
        JsonEvent::Established { .. } => "established".to_owned(),
        JsonEvent::Media { first_sent_ms, first_heard_ms, .. } => {
            let time =
                |ms: &Option<f64>| ms.map_or("not yet".to_owned(), |ms| format!("{ms:.0} ms"));
            format!(
                "audio after the answer: sent {}, heard {}",
                time(first_sent_ms),
                time(first_heard_ms)
            )
        }
        JsonEvent::Reconnecting { .. } => "the audio's path is lost; it is built anew".to_owned(),
        JsonEvent::Reconnected { gap_ms: Some(ms), .. } => {
            format!("the audio is back: nothing came for {ms:.0} ms")
        }
        JsonEvent::Reconnected { gap_ms: None, .. } => "the audio's path is back".to_owned(),
        JsonEvent::Hold { local, remote, .. } => match (local, remote) {
            (true, true) => "held on both sides".to_owned(),
            (true, false) => "held".to_owned(),
            (false, true) => "held by the other side".to_owned(),
            (false, false) => "resumed".to_owned(),
        },
        JsonEvent::HoldFailed { reason, .. } => format!("hold failed: {reason}"),
        JsonEvent::Merged { calls } if calls.is_empty() => "the calls are apart".to_owned(),
        JsonEvent::Merged { calls } => format!("{} calls are joined", calls.len()),
        JsonEvent::TransferProgress { to, status: 180, .. } => {
            format!("transfer: it rings at {}", party(to))
        }
        JsonEvent::TransferProgress { to, .. } => format!("transfer to {}", party(to)),
        JsonEvent::TransferFailed { reason, .. } => format!("transfer failed: {reason}"),
        JsonEvent::Referred { to, .. } => format!("the other side sends you on to {}", party(to)),
        JsonEvent::ReferralFailed { to, reason, .. } => {
            format!("nobody was reached at {}, where the other side sent you: {reason}", party(to))
        }
        JsonEvent::Mute { on: true, .. } => "microphone closed".to_owned(),
        JsonEvent::Mute { on: false, .. } => "microphone open".to_owned(),
        JsonEvent::MessageReceived { message } => format!("message from {message}"),
        JsonEvent::MessageSent { delivered: true, .. } => "message delivered".to_owned(),
        JsonEvent::MessageSent { delivered: false, .. } => {
            "message accepted by the server".to_owned()
        }
        JsonEvent::MessageFailed { text, .. } => format!("message not delivered: {text}"),
        JsonEvent::MessageUncertain { text, .. } => format!("message uncertain: {text}"),
        JsonEvent::ControlDone { .. } => "code done".to_owned(),
        JsonEvent::ControlFailed { text, .. } => format!("code not done: {text}"),
        JsonEvent::Agent { agent } => of_agent(agent),
        JsonEvent::AgentFailed { request, text, .. } => {
            format!("{} failed: {text}", request.command)
        }
        JsonEvent::Features { features } => features.plain(),
        JsonEvent::UnreadPacks { list } if list.is_empty() => {
            "what the server's packs tell is understood".to_owned()
        }
        JsonEvent::UnreadPacks { list } => {
            list.iter().map(|unread| unread.text.as_str()).collect::<Vec<_>>().join("\n")
        }
        JsonEvent::RecordingAccess { access } => format!("recording: {access}"),
        JsonEvent::Recordings { recordings, .. } => of_recordings(recordings),
        JsonEvent::RecordingFailed { action, recording, text, .. } => {
            format!("recording {recording}: {action} failed: {text}")
        }
        JsonEvent::Supervision { supervision: seen, .. } => supervision(seen),
        JsonEvent::SupervisionFailed { mode, text, .. } => {
            format!("{mode:?} failed: {text}").to_lowercase()
        }
        JsonEvent::AutoAnswering { after_ms, .. } if *after_ms < 1000.0 => {
            "is answered by itself".to_owned()
        }
        JsonEvent::AutoAnswering { after_ms, .. } => {
            format!("will be answered by itself in {:.0} s", after_ms / 1000.0)
        }
        JsonEvent::DtmfFailed { digits, reason, .. } => {
            format!("digits {digits} did not arrive: {reason}")
        }
        JsonEvent::DtmfSent { .. } => "digits sent".to_owned(),
        JsonEvent::Ended { text, .. } => format!("ended: {text}"),
        JsonEvent::Refused { command, text, .. } => format!("{command} refused: {text}"),
        JsonEvent::Sip { sent, message } => {
            format!("{}\n{}", if *sent { "── sent" } else { "── received" }, message.trim_end())
        }
        JsonEvent::Error { text } => format!("error: {text}"),
        JsonEvent::Report { file } => format!("report: {file}"),
        JsonEvent::Quality { .. }
        | JsonEvent::Accepted { .. }
        | JsonEvent::History { .. }
        | JsonEvent::HistoryChanged { .. }
        | JsonEvent::Team { .. }
        | JsonEvent::Colleague { .. }
        | JsonEvent::TeamQueue { .. }
        | JsonEvent::Snapshot { .. }
        | JsonEvent::Messages { .. }
        | JsonEvent::Step { .. }
        | JsonEvent::Check { .. }
        | JsonEvent::Ready { .. } => return None,
    })
}

/// What an agent is, in a few words.
fn of_agent(agent: &JsonAgent) -> String {
    let reason =
        agent.pause.as_ref().map(|pause| pause.reason.as_deref().unwrap_or("reason unknown"));
    let asked = agent.requested.as_ref().map(|asked| format!(", {} requested", asked.command));
    let last = if agent.certain { "" } else { ", as the server said last" };
    let pause = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    let direct = if agent.do_not_disturb { ", direct calls are refused" } else { "" };
    format!(
        "agent: {}{pause}{direct}{last}{}",
        agent.state.replace('_', " "),
        asked.unwrap_or_default()
    )
}

/// What is recorded of a call, in a few words.
fn of_recordings(recordings: &[JsonRecording]) -> String {
    let each = recordings.iter().map(|recording| {
        let asked = recording.requested.map(|action| format!(" ({action} requested)"));
        let last = if recording.certain { "" } else { " as the server said last" };
        format!("{} {}{last}{}", recording.id, recording.state, asked.unwrap_or_default())
    });
    match recordings {
        [] => "no recording".to_owned(),
        _ => format!("recordings: {}", each.collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sidetone_phone::{DeclineReason, Digits};

    #[test]
    fn a_refusal_says_what_to_do_instead() {
        let call = CallId(uuid::Uuid::nil());
        let digits = Command::SendDtmf { call, digits: Digits::new("1").unwrap() };
        let decline = Command::Decline { call, reason: DeclineReason::Busy };
        for (command, error, words) in [
            (&digits, CommandError::WrongState, "resume it first"),
            (&decline, CommandError::WrongState, "hang up instead"),
            (&decline, CommandError::UnknownCall, "no such call"),
        ] {
            let text = Refusal::new(command, error).to_string();
            assert!(text.contains(words), "{text}");
        }
    }
}
