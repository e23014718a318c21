//! The SIP ladder as text: a line for each message, and for what was asked and told beside it. What
//! is random is left out, so that a ladder says what a journey means and no more.

use crate::media;
use sidetone_pbx::Operator;
use sidetone_phone::{AgentRequest, Command, Event, FeatureState};
use sidetone_sip::{HeaderName, Headers, Message, NameAddr};
use std::fmt::Write;
use std::time::Duration;

/// The text as it grows.
#[derive(Debug, Clone, Default)]
pub struct Ladder {
    lines: String,
}

impl Ladder {
    /// A message leaves the phone or, where `to_phone`, the PBX.
    pub fn message(&mut self, phone: &str, to_phone: bool, bytes: &[u8], now: Duration) {
        let Ok(message) = Message::parse(bytes) else { return };
        let arrow = if to_phone { "<────" } else { "────>" };
        let first = match &message {
            Message::Request(request) => {
                // A Contact holds what was drawn; its user says enough.
                let mut uri = request.uri.clone();
                uri.params = Default::default();
                let user = uri.user.clone().unwrap_or_default();
                let host = uri.host.as_ref().map(ToString::to_string).unwrap_or_default();
                match host.ends_with(".invalid") || uri.port.is_some() {
                    true => format!("{} sip:{user}@…", request.method),
                    false => format!("{} {uri}", request.method),
                }
            }
            Message::Response(response) => format!("{} {}", response.status, response.reason),
        };
        let notes = notes(&message).join(", ");
        let line = format!("{} {phone:<9} {arrow} pbx   {first:<38} {notes}", time(now));
        let _ = writeln!(self.lines, "{}", line.trim_end());
    }

    /// A push reaches a phone.
    pub fn push(&mut self, phone: &str, text: &str, now: Duration) {
        let _ = writeln!(self.lines, "{} {phone:<9} <~~~~ push  {text}", time(now));
    }

    /// The user asks something.
    pub fn command(&mut self, phone: &str, text: &str, now: Duration) {
        let _ = writeln!(self.lines, "{} {phone:<9} *  {text}", time(now));
    }

    /// The phone tells its user something.
    pub fn event(&mut self, phone: &str, event: &Event, now: Duration) {
        if let Some(text) = told(event) {
            let _ = writeln!(self.lines, "{} {phone:<9} !  {text}", time(now));
        }
    }

    /// Something happens to the world.
    pub fn world(&mut self, text: &str, now: Duration) {
        let _ = writeln!(self.lines, "{} --------- {text}", time(now));
    }

    /// Forgets what is before: a journey's preparation.
    pub fn clear(&mut self) {
        self.lines.clear();
    }

    /// The text so far.
    pub fn text(&self) -> &str {
        &self.lines
    }
}

/// What someone at the switch does, in words.
pub(crate) fn operator_text(operator: Operator) -> String {
    match operator {
        Operator::Refer(leg) => format!("the server sends {leg} to the echo"),
        Operator::ExpireNonces => "the server takes no old nonce any more".to_owned(),
        Operator::Restart => "the server restarts".to_owned(),
        Operator::Forget => "the server forgets its agents".to_owned(),
        Operator::Refuse(Some(status)) => format!("the server refuses all with {status}"),
        Operator::Refuse(None) => "the server refuses no more".to_owned(),
        Operator::HangUp(leg) => format!("the server hangs {leg} up"),
        Operator::Reinvite { direction, .. } => {
            format!("the other side offers {}", direction.as_str())
        }
    }
}

/// What an agent asks for, in words.
fn asked(request: &AgentRequest) -> String {
    let of = |queue: &Option<String>| queue.as_deref().unwrap_or("all queues").to_owned();
    match request {
        AgentRequest::LogIn { queue, reason: None } => format!("log in to {}", of(queue)),
        AgentRequest::LogIn { queue, reason: Some(reason) } => {
            format!("log in to {}, paused: {reason}", of(queue))
        }
        AgentRequest::LogOut { queue } => format!("log out of {}", of(queue)),
        AgentRequest::Pause { reason } => format!("pause: {reason}"),
        AgentRequest::Unpause => "be ready".to_owned(),
    }
}

/// What a user asks, in words.
pub(crate) fn command_text(command: &Command) -> String {
    let on = |on: &bool| if *on { "on" } else { "off" };
    match command {
        Command::Register => "sign in".to_owned(),
        Command::Unregister => "sign out".to_owned(),
        Command::Dial { to, .. } => format!("dial {to}"),
        Command::Answer { .. } => "answer".to_owned(),
        Command::Decline { reason, .. } => format!("decline ({reason:?})"),
        Command::Forward { to, .. } => format!("forward to {to}"),
        Command::Sleep => "sleep".to_owned(),
        Command::SetPushToken(_) => "hand over a push token".to_owned(),
        Command::HangUp { .. } => "hang up".to_owned(),
        Command::Hold { on: is_on, .. } => format!("hold {}", on(is_on)),
        Command::Swap => "swap".to_owned(),
        Command::Merge { calls } => format!("join {} calls", calls.len()),
        Command::Split { .. } => "talk to one alone".to_owned(),
        Command::Leave => "leave the two".to_owned(),
        Command::Transfer { to, .. } => format!("transfer to {to}"),
        Command::TransferTo { .. } => "transfer to the other call".to_owned(),
        Command::Mute { on: is_on, .. } => format!("mute {}", on(is_on)),
        Command::Control { code, .. } => format!("control {code}"),
        Command::SendMessage { to, .. } => format!("write to {to}"),
        Command::Agent { request } => asked(request),
        Command::Record { recording, action, .. } => format!("{action:?} recording {recording}"),
        Command::Watch { on: true } => "watch the team".to_owned(),
        Command::Watch { on: false } => "watch the team no more".to_owned(),
        Command::Supervise { target, mode, .. } => format!("supervise {target}: {mode}"),
        Command::SetSupervisionMode { mode, .. } => format!("supervise: {mode}"),
        Command::SetAutoAnswer { on: is_on } => format!("auto-answer {}", on(is_on)),
        Command::SendDtmf { digits, .. } => format!("send {}", digits.as_str()),
    }
}

fn time(now: Duration) -> String {
    format!("{:>9.3}", now.as_secs_f64())
}

/// What a reader of a ladder looks for beside the first line.
fn notes(message: &Message) -> Vec<String> {
    let headers = message.headers();
    let mut notes = vec![headers.cseq().map(|cseq| cseq.to_string()).unwrap_or_default()];
    if headers.has(&HeaderName::AUTHORIZATION) {
        notes.push("authorized".to_owned());
    }
    if headers.has(&HeaderName::WWW_AUTHENTICATE) {
        notes.push("challenge".to_owned());
    }
    let is_register = headers.cseq().is_ok_and(|cseq| cseq.method.as_str() == "REGISTER");
    if is_register {
        notes
            .extend(headers.addresses(&HeaderName::CONTACT).unwrap_or_default().iter().map(expiry));
    }
    for reason in headers.all(&HeaderName::REASON) {
        notes.push(format!("Reason {reason}"));
    }
    for (name, text) in
        [(HeaderName::X_CALL_UID, "X-Call-UID"), (HeaderName::RETRY_AFTER, "Retry-After")]
    {
        if headers.has(&name) {
            notes.push(text.to_owned());
        }
    }
    notes.extend(session(message, headers));
    notes
}

fn expiry(contact: &NameAddr) -> String {
    format!("Contact expires {}", contact.params.get("expires").unwrap_or("-"))
}

fn session(message: &Message, headers: &Headers) -> Option<String> {
    headers.get(&HeaderName::CONTENT_TYPE).filter(|content| content == "application/sdp")?;
    let body = match message {
        Message::Request(request) => &request.body,
        Message::Response(response) => &response.body,
    };
    let body = String::from_utf8_lossy(body);
    Some(format!("SDP {}", media::direction_in(&body).unwrap_or("sendrecv")))
}

fn told(event: &Event) -> Option<String> {
    Some(match event {
        Event::RegistrationChanged(lamp) => {
            let state = format!("{:?}", lamp.state).to_lowercase();
            lamp.problem.as_ref().map_or(state.clone(), |problem| format!("{state}: {problem}"))
        }
        Event::Incoming { from, .. } => {
            format!("incoming call from {}", from.name.as_deref().unwrap_or(&from.uri))
        }
        Event::Announced { announcement, .. } => {
            let caller = &announcement.caller;
            let name = caller.name.as_deref().or(caller.number.as_deref());
            format!("announced call from {}", name.unwrap_or("unknown"))
        }
        Event::Dialing { to, .. } => format!("dialing {}", to.uri),
        Event::Ringing { .. } => "it rings there".to_owned(),
        Event::EarlyMedia { .. } => "early media".to_owned(),
        Event::Answered { .. } => "answered".to_owned(),
        Event::Established { .. } => "established".to_owned(),
        Event::MediaFlowing { .. } => "audio flows both ways".to_owned(),
        Event::Reconnecting { .. } => "the media path is built anew".to_owned(),
        Event::Reconnected { gap: Some(gap), .. } => {
            format!("packets come in again after {} ms", gap.as_millis())
        }
        Event::Reconnected { gap: None, .. } => "the media path stands again".to_owned(),
        Event::HoldChanged { hold, .. } => match (hold.local, hold.remote) {
            (true, true) => "held by both sides".to_owned(),
            (true, false) => "held here".to_owned(),
            (false, true) => "held there".to_owned(),
            (false, false) => "not held".to_owned(),
        },
        Event::HoldFailed { reason, .. } => format!("hold failed: {reason}"),
        Event::Merged { calls } if calls.is_empty() => "calls are apart".to_owned(),
        Event::Merged { calls } => format!("{} calls are joined", calls.len()),
        Event::TransferProgress { to, status, .. } => format!("transfer to {}: {status}", to.uri),
        Event::TransferFailed { reason, .. } => format!("transfer failed: {reason}"),
        Event::Referred { to, .. } => format!("sent on to {}", to.uri),
        Event::ReferralFailed { to, reason, .. } => {
            format!("sent on to {}, in vain: {reason}", to.uri)
        }
        Event::MuteChanged { muted, .. } => format!("muted: {muted}"),
        Event::MessageReceived(message) => {
            let from = message.party.name.as_deref().unwrap_or(&message.party.uri);
            format!("{from} writes: {}", message.text)
        }
        Event::MessageSent { delivered: true, .. } => "message delivered".to_owned(),
        Event::MessageSent { delivered: false, .. } => "message accepted".to_owned(),
        Event::ControlDone { .. } => "code done".to_owned(),
        Event::ControlFailed { reason, .. } => format!("code not done: {reason}"),
        Event::MessageFailed { reason, .. } => format!("message not delivered: {reason}"),
        Event::MessageUncertain { .. } => "nobody says whether the message arrived".to_owned(),
        Event::AgentChanged { agent } => {
            let asked =
                agent.requested.as_ref().map(|request| format!(", asks to {}", asked(request)));
            let last = if agent.certain { "" } else { " as far as is known" };
            format!("the agent is {:?}{last}{}", agent.state, asked.unwrap_or_default())
        }
        Event::RecordingAccessChanged { access } => format!("recording is {access:?}"),
        Event::RecordingsChanged { recordings, .. } => {
            let each = recordings.iter().map(|recording| {
                let asked = recording.requested.map(|action| format!(", asked to {action:?}"));
                let last = if recording.certain { "" } else { " as far as is known" };
                let asked = asked.unwrap_or_default();
                format!("{} is {:?}{last}{asked}", recording.id, recording.state)
            });
            format!("recordings: {}", each.collect::<Vec<_>>().join("; "))
        }
        Event::RecordingFailed { recording, reason, .. } => {
            format!("recording {recording} not done: {reason}")
        }
        Event::FeaturesChanged { features } => match features.problem {
            Some(problem) => problem.to_string(),
            None => {
                let last = if features.certain { "" } else { " as far as is known" };
                let each = features.states.iter().map(|(feature, state)| match state {
                    FeatureState::Missing { why } => format!("{feature} missing ({why})"),
                    FeatureState::Unknown | FeatureState::Available | FeatureState::NotAllowed => {
                        format!("{feature} {state:?}")
                    }
                });
                format!("features{last}: {}", each.collect::<Vec<_>>().join(", "))
            }
        },
        Event::UnreadPacksChanged { packs } => {
            let each = packs.iter().map(ToString::to_string).collect::<Vec<_>>();
            if each.is_empty() { "all packs are understood".to_owned() } else { each.join("; ") }
        }
        Event::TeamChanged { team } => {
            let names: Vec<_> = team.people.iter().map(|colleague| &*colleague.name).collect();
            format!("team ({:?}): {}", team.state, names.join(", "))
        }
        Event::ColleagueChanged { colleague } => {
            format!("colleague {}: {:?}", colleague.name, colleague.state)
        }
        Event::TeamQueueChanged { queue } => {
            format!("queue {}: {} waiting, {} free", queue.name, queue.waiting, queue.free)
        }
        Event::AgentFailed { request, reason } => format!("not done: {}: {reason}", asked(request)),
        Event::SupervisionChanged { supervision, .. } => {
            let is = match supervision.mode {
                Some(mode) => mode.as_str(),
                None if supervision.waiting => "waits for the next call",
                None => "not confirmed",
            };
            let asked = supervision.requested.map(|mode| format!(", asks for {mode}"));
            format!("supervises {}: {is}{}", supervision.target, asked.unwrap_or_default())
        }
        Event::SupervisionFailed { mode, reason, .. } => format!("no {mode}: {reason}"),
        Event::AutoAnswering { after, .. } => {
            format!("will be answered by itself in {} ms", after.as_millis())
        }
        Event::DtmfFailed { digits, reason, .. } => format!("digits {digits} not sent: {reason}"),
        Event::DtmfSent { .. } => "digits sent".to_owned(),
        Event::Ended { reason, .. } => format!("ended: {reason}"),
        Event::Quality { .. } => return None,
    })
}
