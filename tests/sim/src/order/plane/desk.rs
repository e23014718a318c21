//! A bare phone and the server at the other end of its connection, as text: what the orders of the agent plane have in common.
//!
//! What would only lengthen orders happens at once: REGISTER, BYE, CANCEL and a re-INVITE are answered, descriptions made, media
//! connected. What is left to the orders: the final response to each code, to an INFO and to the INVITE of a call.

use crate::checks::Told;
use crate::order::key::{self, BEGINNING, Key};
use crate::order::line::{at, config};
use crate::order::script;
use sidetone_phone::{
    AudioGate, CallId, Command, CommandError, Config, Event, FlowError, FlowErrorKind, FlowId,
    Input, Output, Phone, Snapshot, TimerReason,
};
use sidetone_sip::{HeaderName, Message, Method, Request, Response};
use std::collections::VecDeque;
use std::time::Duration;

/// A phone sleeps for so long.
const SLEEP: Duration = Duration::from_secs(40);
/// The tag of the server in each dialog.
const THEIRS: &str = "theirs";

/// A code gets its answer until then, or is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// A code that has no final response.
#[derive(Debug, Clone)]
pub(super) struct Code {
    invite: Request,
    pub(super) text: String,
    /// The phone waits for it until then.
    pub(super) until: Duration,
    /// The number of the news before it.
    pub(super) mark: Option<u64>,
    is_new: bool,
}

/// The phone and its server.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    phone: Phone,
    config: fn(&mut Config),
    pub(super) now: Duration,
    pub(super) flow: Option<FlowId>,
    opening: Option<FlowId>,
    /// Codes that have no final response, oldest first.
    pub(super) codes: Vec<Code>,
    /// INFOs that have none.
    pub(super) infos: Vec<Request>,
    /// The INVITE of the phone's own call, while it has none.
    pub(super) invite: Option<Request>,
    /// The dialog of the call: its Call-ID and the phone's tag.
    dialog: Option<(String, String)>,
    /// The server's last CSeq number in it.
    cseq: u32,
    /// So many requests outside dialogs were sent.
    sent: u32,
    /// Whether what the microphone hears leaves.
    pub(super) speaks: bool,
    /// What the phone answered a NOTIFY with last.
    pub(super) noticed: Option<u16>,
    /// What was told and what codes were dialled in this step.
    pub(super) events: Vec<Event>,
    pub(super) dialled: Vec<String>,
    told: Told,
    kills: u8,
}

impl Desk {
    /// A phone that has just registered.
    pub(super) fn new(set_up: fn(&mut Config)) -> Result<Self, String> {
        let mut desk = Self {
            phone: phone(set_up, 0, BEGINNING)?,
            config: set_up,
            now: BEGINNING,
            flow: None,
            opening: None,
            codes: Vec::new(),
            infos: Vec::new(),
            invite: None,
            dialog: None,
            cseq: 0,
            sent: 0,
            speaks: false,
            noticed: None,
            events: Vec::new(),
            dialled: Vec::new(),
            told: Told::default(),
            kills: 0,
        };
        desk.command(Command::Register)?.map_err(|refusal| refusal.to_string())?;
        desk.open_flow()?;
        Ok(desk)
    }

    /// Another step begins.
    pub(super) fn begin(&mut self) {
        self.events.clear();
        self.dialled.clear();
    }

    pub(super) fn command(&mut self, command: Command) -> Result<Result<(), CommandError>, String> {
        let done = self.phone.command(command, at(self.now));
        self.drain()?;
        Ok(done)
    }

    pub(super) fn is_opening(&self) -> bool {
        self.opening.is_some()
    }

    pub(super) fn open_flow(&mut self) -> Result<(), String> {
        let Some(flow) = self.opening.take() else { return Ok(()) };
        self.flow = Some(flow);
        self.input(Input::FlowOpened { flow })
    }

    /// The connection goes, and with it what was asked on it.
    pub(super) fn lose_flow(&mut self) -> Result<(), String> {
        let Some(flow) = self.flow.take() else { return Ok(()) };
        self.forget();
        let error = FlowError { kind: FlowErrorKind::Lost, detail: String::new() };
        self.input(Input::FlowFailed { flow, error })
    }

    /// The network is another, and the old one is gone.
    pub(super) fn change_network(&mut self) -> Result<(), String> {
        self.forget();
        self.input(Input::NetworkChanged(sidetone_phone::Handover::BreakBeforeMake))
    }

    fn forget(&mut self) {
        self.codes.clear();
        self.infos.clear();
        self.invite = None;
    }

    /// The process is suspended, and wakes.
    pub(super) fn sleep(&mut self) -> Result<(), String> {
        let (now, woken) = (self.now, self.now + SLEEP);
        // What waits is waited for anew.
        let waiting = self.codes.iter_mut().filter(|code| now < code.until);
        waiting.for_each(|code| code.until = woken + PATIENCE);
        self.now = woken;
        self.phone.handle_timeout(at(self.now));
        self.told.woke(self.now);
        self.drain().map(drop)
    }

    /// The process dies, and the app begins anew.
    pub(super) fn kill(&mut self) -> Result<(), String> {
        self.kills += 1;
        self.phone = phone(self.config, self.kills, self.now)?;
        self.told.killed();
        self.forget();
        (self.flow, self.opening, self.dialog) = (None, None, None);
        self.speaks = false;
        self.command(Command::Register)?.map_err(|refusal| refusal.to_string())
    }

    /// When something is due, but for the account's own timers.
    pub(super) fn due(&self) -> Option<Duration> {
        let (at, reason) = self.phone.poll_timeout()?;
        let is_meant = match reason {
            TimerReason::Retry => self.opening.is_none(),
            TimerReason::Refresh
            | TimerReason::SessionTimer
            | TimerReason::KeepAlive
            | TimerReason::ProbeTimeout => false,
            TimerReason::Transaction(_)
            | TimerReason::AnswerRetransmission
            | TimerReason::AutoAnswer
            | TimerReason::CallDeadline
            | TimerReason::AgentNews
            | TimerReason::Supervision
            | TimerReason::Subscription => true,
        };
        is_meant.then_some(at)
    }

    /// Time passes until something comes of it.
    pub(super) fn pass(&mut self) -> Result<(), String> {
        while let Some(due) = self.due() {
            self.now = key::step_after(due).max(self.now);
            let before = self.phone.snapshot();
            self.phone.handle_timeout(at(self.now));
            let is_asked = self.drain()?;
            if is_asked || self.phone.snapshot() != before {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        self.phone.snapshot()
    }

    /// Whether the phone would say BYE, time out or ask again by itself.
    pub(super) fn rests(&self) -> bool {
        let waits = self.codes.iter().any(|code| self.now < code.until);
        self.due().is_none() && !waits && self.infos.is_empty()
    }

    pub(super) fn key(&self, whole: &impl std::fmt::Debug) -> Key {
        key::key(whole, self.codes.is_empty() && self.invite.is_none(), self.now)
    }

    /// What the phone tells its app is what it shows.
    pub(super) fn check(&mut self) -> Result<(), String> {
        self.told.snapshot(&self.phone.snapshot(), self.now)
    }

    /// The oldest code.
    pub(super) fn code(&self) -> Option<&Code> {
        self.codes.first()
    }

    /// The codes of this step were dialled after the news of this number.
    pub(super) fn mark(&mut self, number: Option<u64>) {
        for code in self.codes.iter_mut().filter(|code| code.is_new) {
            (code.mark, code.is_new) = (number, false);
        }
    }

    /// The final response to the oldest code; a 200 and its BYE.
    pub(super) fn answer_code(&mut self, status: u16) -> Result<(), String> {
        if self.codes.is_empty() {
            return Ok(());
        }
        let Code { invite, .. } = self.codes.remove(0);
        let body = if status == 200 { script::SDP } else { "" };
        self.receive(script::response(&invite, status, THEIRS, body))?;
        if status == 200 {
            let (call, tag) = names(&invite)?;
            self.receive(inside("BYE", (&call, &tag), 1, "", ""))?;
        }
        Ok(())
    }

    /// The final response to the oldest INFO.
    pub(super) fn answer_info(&mut self, status: u16) -> Result<(), String> {
        if self.infos.is_empty() {
            return Ok(());
        }
        let info = self.infos.remove(0);
        self.receive(script::response(&info, status, THEIRS, ""))
    }

    /// The final response to the phone's INVITE.
    pub(super) fn answer_call(&mut self, status: u16) -> Result<(), String> {
        let Some(invite) = self.invite.take() else { return Ok(()) };
        let body = if status == 200 { script::SDP } else { "" };
        if status == 200 {
            (self.dialog, self.cseq) = (Some(names(&invite)?), 0);
        }
        self.receive(script::response(&invite, status, THEIRS, body))
    }

    /// A NOTIFY outside every dialog.
    pub(super) fn notify(&mut self, event: &str, body: &str) -> Result<(), String> {
        self.sent += 1;
        let n = self.sent;
        let bytes = format!(
            "NOTIFY sip:agent@phone.invalid SIP/2.0\r\nVia: SIP/2.0/WSS pbx.test;branch=z9hG4bK-news-{n}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:notify@pbx.test>;tag=n{n}\r\nTo: <sip:agent@pbx.test>\r\n\
             Call-ID: news-{n}\r\nCSeq: 1 NOTIFY\r\nContact: <sip:pbx.test;transport=ws>\r\nEvent: {event}\r\n\
             Subscription-State: terminated\r\nContent-Type: application/json\r\n\r\n{body}"
        );
        self.noticed = None;
        self.receive(bytes.into_bytes())?;
        match self.noticed {
            Some(200) => Ok(()),
            other => Err(format!("a NOTIFY of {event} got {other:?}")),
        }
    }

    /// A NOTIFY inside the call's dialog, `late`: with a number that an earlier one had.
    pub(super) fn notify_inside(
        &mut self,
        event: &str,
        body: &str,
        late: bool,
    ) -> Result<(), String> {
        let Some(dialog) = self.dialog.clone() else { return Ok(()) };
        self.cseq += u32::from(!late);
        self.sent += 1;
        let head = format!(
            "Event: {event}\r\nSubscription-State: terminated\r\nContent-Type: application/json\r\n"
        );
        self.noticed = None;
        let cseq = if late { self.cseq.saturating_sub(1) } else { self.cseq };
        let bytes = inside("NOTIFY", (&dialog.0, &dialog.1), cseq, &head, body);
        let branch = format!("z9hG4bK-late-{}", self.sent);
        let text = String::from_utf8_lossy(&bytes).replace("z9hG4bK-", &format!("{branch}-"));
        self.receive(text.into_bytes())
    }

    /// The call of a customer who waits in a queue.
    pub(super) fn ring(&mut self) -> Result<(), String> {
        (self.dialog, self.cseq) = (None, 1);
        let invite = script::request("INVITE", "invite", 1, "", script::SDP);
        let invite = String::from_utf8_lossy(&invite);
        self.receive(invite.replace("X-Call-UID:", "X-Queue: desk\r\nX-Call-UID:").into_bytes())
    }

    /// The server ends the call.
    pub(super) fn hang_up(&mut self) -> Result<(), String> {
        let Some(dialog) = self.dialog.take() else { return Ok(()) };
        self.cseq += 1;
        self.receive(inside("BYE", (&dialog.0, &dialog.1), self.cseq, "", ""))
    }

    pub(super) fn has_dialog(&self) -> bool {
        self.dialog.is_some()
    }

    pub(super) fn input(&mut self, input: Input) -> Result<(), String> {
        self.phone.handle(input, at(self.now));
        self.drain().map(drop)
    }

    fn receive(&mut self, bytes: Vec<u8>) -> Result<(), String> {
        let Some(flow) = self.flow else { return Ok(()) };
        self.input(Input::Received { flow, bytes })
    }

    /// Carries out what the phone asks for; whether it asked for anything.
    fn drain(&mut self) -> Result<bool, String> {
        let (mut inputs, mut is_asked) = (VecDeque::new(), false);
        loop {
            while let Some(output) = self.phone.poll_output() {
                is_asked = true;
                self.told.output(&output)?;
                self.take(output, &mut inputs)?;
            }
            let Some(input) = inputs.pop_front() else { return Ok(is_asked) };
            self.phone.handle(input, at(self.now));
        }
    }

    fn take(&mut self, output: Output, inputs: &mut VecDeque<Input>) -> Result<(), String> {
        match output {
            Output::OpenFlow { flow, .. } => self.opening = Some(flow),
            Output::CloseFlow { flow } => {
                self.flow.take_if(|open| *open == flow);
                self.opening.take_if(|opening| *opening == flow);
            }
            Output::Transmit { flow, bytes } => {
                if self.flow != Some(flow) {
                    return Err(format!("the phone sends on {flow:?}, which is gone"));
                }
                let answer = match Message::parse(&bytes).map_err(|error| error.to_string())? {
                    Message::Request(request) => self.asked(request)?,
                    Message::Response(response) => self.answered(&response)?,
                };
                inputs.extend(answer.map(|bytes| Input::Received { flow, bytes }));
            }
            Output::Describe { call, generation, .. } => {
                let result = Ok(script::SDP.replace("192.0.2.9", "192.0.2.1"));
                inputs.push_back(Input::Described { call, generation, result });
            }
            Output::SetRemoteAnswer { call, .. } => {
                inputs.push_back(Input::MediaConnected { call });
            }
            Output::SetUplink { open, muted, .. } => self.speaks = open && !muted,
            Output::ReleaseMedia { .. } | Output::RenewMedia { .. } => self.speaks = false,
            Output::Probe { flow } => inputs.push_back(Input::ProbeAnswered { flow }),
            Output::Event(event) => self.events.push(event),
            Output::SetDownlink { .. }
            | Output::PlayTone { .. }
            | Output::SetCallWaiting { .. }
            | Output::SetAudio { .. }
            | Output::Rollback { .. }
            | Output::Mix { .. }
            | Output::SendDtmf { .. }
            | Output::Save(_)
            | Output::KeepMessage(_)
            | Output::MarkMessage { .. }
            | Output::Record(_) => {}
        }
        Ok(())
    }

    /// A request of the phone, and what the server says to it at once.
    fn asked(&mut self, request: Request) -> Result<Option<Vec<u8>>, String> {
        let is_inside = request.headers.to().is_ok_and(|to| to.tag().is_some());
        let number = request.uri.user.clone().unwrap_or_default();
        let ok = || script::response(&request, 200, THEIRS, "");
        match (&request.method, is_inside) {
            (Method::Register, _) => {
                let contact = request.headers.get(&HeaderName::CONTACT).unwrap_or_default();
                let ok = String::from_utf8_lossy(&ok()).replace(
                    "Contact: <sip:peer@pbx.test;transport=ws>",
                    &format!("Contact: {contact}"),
                );
                Ok(Some(ok.into_bytes()))
            }
            (Method::Invite, false) if number.starts_with("sidetone*supervise") => {
                self.invite = Some(request);
                Ok(None)
            }
            (Method::Invite, false) => {
                self.dialled.push(number.clone());
                let until = self.now + PATIENCE;
                self.codes.push(Code {
                    invite: request,
                    text: number,
                    until,
                    mark: None,
                    is_new: true,
                });
                Ok(None)
            }
            (Method::Invite, true) => {
                Ok(Some(script::response(&request, 200, THEIRS, script::SDP)))
            }
            (Method::Info, _) => {
                self.infos.push(request);
                Ok(None)
            }
            (Method::Cancel | Method::Bye, _) => Ok(Some(ok())),
            (Method::Ack, _) => Ok(None),
            (other, _) => Err(format!("the phone sends {other}")),
        }
    }

    /// A response of the phone, and the ACK of it.
    fn answered(&mut self, response: &Response) -> Result<Option<Vec<u8>>, String> {
        let cseq = response.headers.cseq().map_err(|error| error.to_string())?;
        if cseq.method == Method::Notify {
            self.noticed = Some(response.status.code());
        }
        if cseq.method != Method::Invite || response.status.code() < 200 {
            return Ok(None);
        }
        let to = response.headers.to().map_err(|error| error.to_string())?;
        let tag = to.tag().unwrap_or_default().to_owned();
        self.dialog = response.status.is_success().then(|| ("incoming".to_owned(), tag.clone()));
        Ok(Some(script::request("ACK", "ack", 1, &tag, "")))
    }
}

fn phone(set_up: fn(&mut Config), kills: u8, now: Duration) -> Result<Phone, String> {
    let mut config = config(AudioGate::Open)?;
    set_up(&mut config);
    Ok(Phone::new(config, None, [9 + kills; 32], at(now)))
}

/// The Call-ID and the phone's tag of its INVITE.
fn names(invite: &Request) -> Result<(String, String), String> {
    let call = invite.headers.call_id().map_err(|error| error.to_string())?;
    let from = invite.headers.from().map_err(|error| error.to_string())?;
    Ok((call, from.tag().unwrap_or_default().to_owned()))
}

/// A request of the server inside a dialog.
fn inside(method: &str, (call, tag): (&str, &str), cseq: u32, head: &str, body: &str) -> Vec<u8> {
    // Who has called has the tag of the script.
    let theirs = if call == "incoming" { "caller" } else { THEIRS };
    format!(
        "{method} sip:agent@phone.invalid SIP/2.0\r\nVia: SIP/2.0/WSS pbx.test;branch=z9hG4bK-{method}-{cseq}-{call}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:peer@pbx.test>;tag={theirs}\r\nTo: <sip:agent@pbx.test>;tag={tag}\r\n\
         Call-ID: {call}\r\nCSeq: {cseq} {method}\r\nContact: <sip:peer@pbx.test;transport=ws>\r\n{head}\r\n{body}"
    )
    .into_bytes()
}

/// The call that the server rings.
pub(super) fn call() -> Result<CallId, String> {
    script::CALL.parse().map_err(|_| "no UUID".to_owned())
}
