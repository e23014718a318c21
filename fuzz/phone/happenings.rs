//! What can happen, and the letters that stand for it.

use super::server::{Dialog, description};
use super::tape::Tape;
use super::{World, call_id, token};
use sidetone_phone::{
    AgentRequest, CallId, Command, ControlId, DeclineReason, Digits, FlowError, FlowErrorKind,
    Handover, Input, MediaError, MessageId, QualityReport, RecordingAction, SupervisionMode,
};
use sidetone_sip::{HeaderName, Method};
use std::time::Duration;

#[derive(Clone, Copy)]
enum Kind {
    Invite,
    Command,
    Answer,
    Inside,
    Notify,
    Outside,
    Described,
    Media,
    Flow,
    Time,
    Suspended,
    Push,
    Bytes,
    Restart,
}

const KINDS: [(u8, Kind); 14] = [
    (b'I', Kind::Invite),
    (b'C', Kind::Command),
    (b'A', Kind::Answer),
    (b'W', Kind::Inside),
    (b'N', Kind::Notify),
    (b'O', Kind::Outside),
    (b'D', Kind::Described),
    (b'M', Kind::Media),
    (b'F', Kind::Flow),
    (b'T', Kind::Time),
    (b'Z', Kind::Suspended),
    (b'P', Kind::Push),
    (b'B', Kind::Bytes),
    (b'R', Kind::Restart),
];

/// Whom the user calls, or sends another to.
const TARGETS: [&str; 6] =
    ["200", "sip:300@pbx.example", "sip:else@elsewhere.example", "(0)30 / 12-3", "", "100 onze ☎"];
const CODES: [u16; 24] = [
    200, 100, 180, 183, 401, 407, 302, 403, 404, 408, 410, 422, 423, 480, 481, 486, 487, 488, 491,
    500, 503, 603, 202, 699,
];
const METHODS: [(u8, Method); 10] = [
    (b'a', Method::Ack),
    (b'b', Method::Bye),
    (b'c', Method::Cancel),
    (b'i', Method::Invite),
    (b'u', Method::Update),
    (b'f', Method::Info),
    (b'r', Method::Refer),
    (b'n', Method::Notify),
    (b'p', Method::Prack),
    (b'o', Method::Options),
];
/// What the packs tell outside every dialog, `%n` a number and `%c` a call.
const NEWS: [(&str, &str); 6] = [
    (
        "sidetone-agent",
        r#"{"v":1,"number":%n,"at":1795697885,"queues":[{"name":"support","in":true,"paused":true}],"reasons":["lunch"],"reason":"lunch","since":1795697885,"until":1795698000}"#,
    ),
    (
        "sidetone-recording",
        r#"{"v":1,"number":%n,"may":true,"calls":[{"call":"%c","recordings":[{"id":"1","state":"recording","automatic":false,"policy":"free"}]}]}"#,
    ),
    (
        "sidetone-team",
        r#"{"v":1,"at":1795709150,"lasts":180,"round":"r%n","part":1,"last":true,"people":[{"name":"agent2","number":"1002","label":"A","team":"t","n":%n,"state":"paused","since":1795709100}],"queues":[{"name":"support","number":"1800","label":"S","n":3,"waiting":2,"free":1}]}"#,
    ),
    (
        "sidetone-features",
        r#"{"v":1,"features":[{"name":"queues","has":true,"may":true},{"name":"recordings","has":false,"may":true,"why":"no"},{"name":"supervision","has":true,"may":false}],"outside":["0","%n"]}"#,
    ),
    ("message-summary", "Messages-Waiting: yes\r\nVoice-Message: %n/8 (0/2)\r\n"),
    ("sidetone-supervise", r#"{"v":1,"agent":"agent2","mode":"barge"}"#),
];
/// What is told inside a dialog: of a supervision, of a REFER.
const WORDS: [(&str, &str, &str); 9] = [
    ("sidetone-supervise", "application/json", r#"{"v":1,"agent":"agent2","mode":"listen"}"#),
    ("sidetone-supervise", "application/json", r#"{"v":1,"agent":"agent2","mode":"whisper"}"#),
    ("sidetone-supervise", "application/json", r#"{"v":1,"agent":"agent2","mode":"barge"}"#),
    (
        "sidetone-supervise",
        "application/json",
        r#"{"v":1,"agent":"agent2","mode":"listen","refused":"barge"}"#,
    ),
    ("sidetone-supervise", "application/json", r#"{"v":1,"agent":"agent2","waiting":true}"#),
    ("sidetone-supervise", "application/json", r#"{"v":1,"agent":"agent2","over":true}"#),
    ("refer", "message/sipfrag", "SIP/2.0 180 Ringing\r\n"),
    ("refer", "message/sipfrag", "SIP/2.0 200 OK\r\n"),
    ("refer", "message/sipfrag", "SIP/2.0 486 Busy Here\r\n"),
];
const MODES: [SupervisionMode; 3] =
    [SupervisionMode::Listen, SupervisionMode::Whisper, SupervisionMode::Barge];
/// How long it lasts, in ms.
const TIMES: [u64; 10] = [1, 20, 250, 600, 1_100, 4_500, 11_000, 33_000, 190_000, 700_000];

impl World {
    /// The next thing; `false` where there is none.
    pub(super) fn step(&mut self, tape: &mut Tape<'_>) -> bool {
        let Some(kind) = tape.named(&KINDS) else { return false };
        self.steps += 1;
        match kind {
            Kind::Invite => self.invite(tape),
            Kind::Command => {
                if let Some(command) = self.chosen_command(tape) {
                    self.command(command);
                }
            }
            Kind::Answer => {
                let (back, code, kind) = (tape.number(), tape.of(&CODES), tape.number());
                if let Some(request) = self.server.request(back) {
                    let answer = self.server.answer(&request, code, kind);
                    self.receive(answer);
                }
            }
            Kind::Inside => self.inside(tape),
            Kind::Notify => self.notify(tape),
            Kind::Outside => self.outside(tape),
            Kind::Described => {
                if let Some(input) = self.describe(tape.number()) {
                    self.handle(input);
                }
            }
            Kind::Media => self.media(tape),
            Kind::Flow => self.flow(tape),
            Kind::Time => {
                let time = self.chosen_time(tape);
                self.advance(time);
            }
            Kind::Suspended => {
                let slept = self.chosen_time(tape);
                self.boot += slept;
                self.jumped += slept * (tape.number() as u32 % 3);
                self.handle(Input::NetworkChanged(Handover::BreakBeforeMake));
            }
            Kind::Push => self.push(tape),
            Kind::Bytes => {
                let bytes = tape.raw().to_vec();
                self.handle(Input::Received { flow: self.flow, bytes });
            }
            Kind::Restart => self.restart(),
        }
        true
    }

    /// Some of the time that there is.
    fn chosen_time(&mut self, tape: &mut Tape<'_>) -> Duration {
        let time = Duration::from_millis(tape.of(&TIMES)).min(self.left);
        self.left -= time;
        time
    }

    /// One that has this number or, by another byte, one that there is.
    fn call(&self, tape: &mut Tape<'_>) -> CallId {
        let number = tape.number();
        let live = self.live.iter().nth(number % self.live.len().max(1));
        live.copied().filter(|_| number > 9).unwrap_or(call_id(number))
    }

    fn invite(&mut self, tape: &mut Tape<'_>) {
        let (call, kind, words) = (self.call(tape), tape.number(), tape.number());
        let mut invite = self.server.outside(Method::Invite);
        let headers = &mut invite.headers;
        if words & 1 == 0 {
            headers.push(HeaderName::X_CALL_UID, call.to_string());
        }
        for (bit, name, value) in [
            (2, HeaderName::X_QUEUE, "support"),
            (4, HeaderName::X_EARLY_MEDIA, "yes"),
            (8, HeaderName::ANSWER_MODE, "Auto"),
            (16, HeaderName::X_CALLER_REF, "ref-0123456789abcdef"),
            (32, HeaderName::CALL_INFO, "<sip:pbx.example>;answer-after=1"),
            (64, HeaderName::SUPPORTED, "100rel,timer,replaces"),
            (128, HeaderName::REQUIRE, "100rel"),
        ] {
            if words & bit != 0 {
                headers.push(name, value);
            }
        }
        if kind & 16 != 0
            && let Some(Dialog { invite: old, far: Some(far), ours }) =
                self.server.dialog(kind / 32)
            && let Ok(id) = old.headers.call_id()
        {
            let tag = |text: &str| text.rsplit(";tag=").next().unwrap_or_default().to_owned();
            let from = tag(&old.headers.get(&HeaderName::FROM).unwrap_or_default());
            let (to_tag, from_tag) = if ours { (tag(&far), from) } else { (from, far) };
            headers.push(HeaderName::REPLACES, format!("{id};to-tag={to_tag};from-tag={from_tag}"));
        }
        if kind % 16 != 9 {
            invite.set_body("application/sdp", description(kind % 16).into_bytes());
        }
        self.server.dialogs.push(Dialog { invite: invite.clone(), far: None, ours: true });
        self.receive(invite);
    }

    fn chosen_command(&mut self, tape: &mut Tape<'_>) -> Option<Command> {
        let name = tape.next()?;
        let call = self.call(tape);
        let on = name.is_ascii_lowercase();
        Some(match name {
            b'd' => Command::Dial { call, to: tape.of(&TARGETS).to_owned() },
            b'a' => Command::Answer { call },
            b'x' => Command::Decline { call, reason: DeclineReason::Busy },
            b'X' => Command::Decline { call, reason: DeclineReason::Decline },
            b'f' => Command::Forward { call, to: tape.of(&TARGETS).to_owned() },
            b'e' => Command::HangUp { call },
            b'h' | b'H' => Command::Hold { call, on },
            b's' => Command::Swap,
            b'm' => Command::Merge { calls: vec![call, self.call(tape)] },
            b'M' => Command::Merge { calls: self.live.iter().copied().collect() },
            b'p' => Command::Split { call },
            b'l' => Command::Leave,
            b't' => Command::Transfer { call, to: tape.of(&TARGETS).to_owned() },
            b'T' => Command::TransferTo { call, with: self.call(tape) },
            b'n' => Command::SendMessage {
                message: MessageId(uuid::Uuid::from_u128(u128::from(self.steps))),
                to: tape.of(&TARGETS).to_owned(),
                text: String::from_utf8_lossy(tape.raw()).into_owned(),
            },
            b'c' => Command::Control {
                control: ControlId(uuid::Uuid::from_u128(u128::from(self.steps))),
                code: String::from_utf8_lossy(tape.raw()).into_owned(),
            },
            b'q' => Command::Agent {
                request: match tape.number() % 4 {
                    0 => AgentRequest::LogIn { queue: None, reason: None },
                    1 => AgentRequest::LogOut { queue: Some("support".to_owned()) },
                    2 => AgentRequest::Pause { reason: "lunch".to_owned() },
                    _ => AgentRequest::Unpause,
                },
            },
            b'r' => Command::Record {
                call,
                recording: tape.of(&["1", "2", "auto"]).parse().ok()?,
                action: tape.of(&[
                    RecordingAction::Start,
                    RecordingAction::Pause,
                    RecordingAction::Resume,
                    RecordingAction::Stop,
                ]),
            },
            b'w' | b'W' => Command::Watch { on },
            b'v' | b'V' => Command::Supervise {
                call,
                target: "agent2".to_owned(),
                mode: tape.of(&MODES),
                follow: on,
            },
            b'o' => Command::SetSupervisionMode { call, mode: tape.of(&MODES) },
            b'u' | b'U' => Command::Mute { call, on },
            b'y' => {
                Command::SendDtmf { call, digits: Digits::new(tape.of(&["1", "*#0", "D"])).ok()? }
            }
            b'g' => Command::Register,
            b'G' => Command::Unregister,
            b'z' => Command::Sleep,
            b'k' | b'K' => Command::SetPushToken(on.then(token)),
            b'i' | b'I' => Command::SetAutoAnswer { on },
            _ => return None,
        })
    }

    fn inside(&mut self, tape: &mut Tape<'_>) {
        let Some(dialog) = self.server.dialog(tape.number()) else { return };
        let Some(method) = tape.named(&METHODS) else { return };
        let kind = tape.number();
        let mut request = self.server.inside(&dialog, method.clone());
        if method == Method::Invite
            || method == Method::Update
            || method == Method::Ack && kind & 8 != 0
        {
            if kind % 8 != 6 {
                request.set_body("application/sdp", description(kind).into_bytes());
            }
        } else if method == Method::Refer {
            request.headers.push(
                HeaderName::REFER_TO,
                tape.of(&["<sip:300@pbx.example>", "<sip:x@y.example>", "<tel:1>"]),
            );
        } else if method == Method::Notify {
            let (event, content, body) = WORDS[kind % WORDS.len()];
            request.headers.push(HeaderName::EVENT, event);
            request.headers.push(
                HeaderName::SUBSCRIPTION_STATE,
                if kind & 16 == 0 { "active;expires=60" } else { "terminated" },
            );
            request.set_body(content, body.as_bytes().to_vec());
        } else if method == Method::Info {
            request.set_body("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n".to_vec());
        } else if method == Method::Prack {
            request.headers.push(HeaderName::RACK, format!("{} 1 INVITE", 1 + kind));
        }
        if method == Method::Invite && dialog.ours {
            // The transaction has a branch of its own, and a CANCEL may be for it.
            self.server.dialogs.push(Dialog { invite: request.clone(), ..dialog });
        }
        self.receive(request);
    }

    fn notify(&mut self, tape: &mut Tape<'_>) {
        let (event, body) = tape.of(&NEWS);
        let (number, call) = (tape.number(), self.call(tape));
        let body = body.replace("%n", &number.to_string()).replace("%c", &call.to_string());
        let body = if number == 9 { tape.raw().to_vec() } else { body.into_bytes() };
        let mut request = self.server.outside(Method::Notify);
        request.headers.push(HeaderName::EVENT, event);
        request.headers.push(HeaderName::SUBSCRIPTION_STATE, "active;expires=60");
        request.set_body("application/json", body);
        self.receive(request);
    }

    fn outside(&mut self, tape: &mut Tape<'_>) {
        let methods = [
            Method::Message,
            Method::Options,
            Method::Refer,
            Method::Subscribe,
            Method::Info,
            Method::Bye,
        ];
        let method = tape.of(&methods);
        let mut request = self.server.outside(method.clone());
        if method == Method::Refer {
            request.headers.push(HeaderName::REFER_TO, "<sip:300@pbx.example>");
        }
        request.set_body("text/plain", tape.raw().to_vec());
        self.receive(request);
    }

    fn media(&mut self, tape: &mut Tape<'_>) {
        let (kind, call) = (tape.number(), self.call(tape));
        self.handle(match kind % 10 {
            0 => Input::MediaConnected { call },
            1 => Input::MediaDisconnected { call },
            2 => Input::MediaResumed { call, gap: Duration::from_millis(300) },
            3 => Input::MediaFailed { call, error: MediaError::NoPath },
            4 => Input::FirstSent { call },
            5 => Input::FirstHeard { call },
            6 => Input::Quality { call, report: QualityReport::default() },
            7 => Input::TonePlayed { call },
            8 => Input::DtmfSent { call },
            _ if kind < 10 => Input::AudioActivated,
            _ => Input::AudioDeactivated,
        });
    }

    fn flow(&mut self, tape: &mut Tape<'_>) {
        let flow = self.flow;
        let input = match tape.number() % 6 {
            0 => Input::FlowOpened { flow },
            1 | 2 => {
                self.open.remove(&flow);
                let kind = tape.of(&[
                    FlowErrorKind::Lost,
                    FlowErrorKind::TimedOut,
                    FlowErrorKind::CertificateName,
                ]);
                Input::FlowFailed { flow, error: FlowError { kind, detail: "reset".to_owned() } }
            }
            3 => Input::ProbeAnswered { flow },
            4 => Input::NetworkChanged(Handover::MakeBeforeBreak),
            _ => Input::NetworkChanged(Handover::BreakBeforeMake),
        };
        self.handle(input);
    }

    fn push(&mut self, tape: &mut Tape<'_>) {
        let (call, kind) = (self.call(tape), tape.number());
        let word = ["incoming", "cancelled", "answered_elsewhere", "unheard_of"][kind % 4];
        let deadline = self.now().wall.0.as_secs() + 30;
        let payload = format!(
            r#"{{"v":1,"kind":"{word}","call":"{call}","deadline":{deadline},"caller":{{"name":"Ada","number":"0301"}},"queue":"support"}}"#
        );
        self.announce(payload.as_bytes());
    }
}
