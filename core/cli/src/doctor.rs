//! `sidetone doctor`: everything that a call needs, checked in its order, timed and explained; and what the server says that it
//! has and the user may, which is told and fails nothing.

use crate::args::{DoctorArgs, OutputArgs};
use crate::audio;
use crate::call::until;
use crate::config::Setup;
use crate::console::Printer;
use crate::json::{JsonEvent, ms};
use crate::quiet::Quiet;
use crate::session::Session;
use crate::tone;
use crate::{Failure, Outcome};
use sidetone_driver::ice_server::{self, Gathered};
use sidetone_driver::{AudioEndpoint, Milestone, What};
use sidetone_phone::{
    CallId, Command, EndReason, Event, Feature, FeatureState, FeaturesSnapshot, FlowErrorKind,
    RegistrationProblem, RegistrationState,
};
use std::io::Write as _;
use std::time::Duration;
use tokio::time::Instant;

/// How long signing in may take, and how long the echo call.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long the server may take to say what it has.
const SELF_TEST: Duration = Duration::from_secs(5);
/// What to do where it has not.
const NOT_SAID: &str =
    "check that its pjsip.conf names a default_outbound_endpoint, and that res_pjsip_notify runs";
/// How long the echo is listened to.
const LISTEN: Duration = Duration::from_secs(3);
/// The tone that is sent to the echo, in Hz.
const TONE: f32 = 1000.0;
/// What of the tone must come back, in dBFS.
const AUDIBLE: f64 = -36.0;
/// Below this nothing was heard at all, in dBFS.
const SILENCE: f64 = -70.0;

/// The checks in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Check {
    Audio,
    Dns,
    Tcp,
    Tls,
    WebSocket,
    Register,
    Ice,
    Dtls,
    Echo,
}

impl Check {
    const ALL: [Self; 9] = [
        Self::Audio,
        Self::Dns,
        Self::Tcp,
        Self::Tls,
        Self::WebSocket,
        Self::Register,
        Self::Ice,
        Self::Dtls,
        Self::Echo,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Dns => "DNS",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::WebSocket => "WSS",
            Self::Register => "REGISTER",
            Self::Ice => "ICE",
            Self::Dtls => "DTLS",
            Self::Echo => "echo call",
        }
    }

    /// What to do where it fails, beyond what the failure itself says.
    fn advice(self) -> &'static str {
        match self {
            Self::Audio => "choose others with --mic and --speaker",
            Self::Dns => "check the server's name, and that this machine has a working resolver",
            Self::Tcp => "check that the server runs and that no firewall blocks its port",
            Self::Tls => {
                "check the certificate of the server, and --ca where it has a CA of its own"
            }
            Self::WebSocket => {
                "check the path of the server address, and that it serves the subprotocol sip"
            }
            Self::Register => {
                "check the account and its password with the administrator of the server"
            }
            Self::Ice => {
                "check that UDP may leave this network, or give a TURN server with --ice-server"
            }
            Self::Dtls => {
                "check that the endpoint on the server has DTLS on (Asterisk: webrtc=yes)"
            }
            Self::Echo => {
                "check the number of the echo with --echo, that Echo() runs there without words before it, and the codecs of the endpoint"
            }
        }
    }
}

/// Runs the checks until all are done or one fails.
pub(crate) async fn run(args: DoctorArgs) -> Outcome {
    let mut setup = Setup::load(&args.phone)?;
    let mut report = Report::new(args.output);
    let audible = report.audio(&setup);
    let served = report.ice_servers(&setup).await;
    let folder = tempfile::tempdir()?;
    let (sent, heard) = (folder.path().join("sent.wav"), folder.path().join("heard.wav"));
    tone::write(&sent, TONE, Duration::from_secs(1))?;
    setup.driver.phone.features = true;
    setup.driver.microphone = AudioEndpoint::File(sent);
    setup.driver.speaker = AudioEndpoint::File(heard.clone());
    let mut session = Session::start(setup).await?;
    let outcome = examine(&mut session, &mut report, &args.echo).await;
    session.stop().await;
    outcome?;
    let level = tone::level(&heard, TONE)?;
    let codec = report.codec.as_deref().map_or(String::new(), |codec| format!(" with {codec}"));
    let detail = match level {
        level if level < SILENCE => format!("nothing came back{codec}"),
        level => format!("the tone of {TONE:.0} Hz came back at {level:.0} dBFS{codec}"),
    };
    if level < AUDIBLE {
        return report.fail(Check::Echo, &detail);
    }
    report.print(Check::Echo, true, report.heard_ms, &format!("{detail}; timed from the answer"));
    audible.and(served)
}

async fn examine(session: &mut Session, report: &mut Report, echo: &str) -> Outcome {
    let call = CallId(uuid::Uuid::new_v4());
    let mut deadline = Instant::now() + PATIENCE;
    let (mut listening, mut testing) = (false, false);
    loop {
        let update = tokio::select! {
            update = session.next() => update.ok_or(Failure::Stopped)?,
            () = until(Some(deadline)) => {
                if listening && report.next() == Check::Echo {
                    return Ok(());
                }
                if testing {
                    testing = false;
                    report.features(&FeaturesSnapshot::default());
                    // What is timed next begins here.
                    report.last_ms = session.now_ms();
                    deadline = Instant::now() + PATIENCE;
                    dial(session, report, call, echo).await?;
                    continue;
                }
                let detail = format!("nothing happened within {} s", PATIENCE.as_secs());
                return report.fail(report.next(), &detail);
            }
        };
        let at_ms = Some(session.at_ms(update.at));
        if report.printer.sip && matches!(update.what, What::Sip { .. }) {
            report.printer.show(session.line(update.clone(), true));
        }
        match &update.what {
            What::Milestone(Milestone::Resolved(addresses)) => {
                let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                report.pass(Check::Dns, at_ms, &list.join(", "));
            }
            What::Milestone(Milestone::TcpConnected(address)) => {
                report.pass(Check::Tcp, at_ms, &address.to_string());
            }
            What::Milestone(Milestone::TlsEstablished(suite)) => {
                report.pass(Check::Tls, at_ms, suite)
            }
            What::Milestone(Milestone::WebSocketOpen) => {
                report.pass(Check::WebSocket, at_ms, "subprotocol sip");
            }
            What::Milestone(Milestone::IceConnected { pair, .. }) => {
                report.pass(Check::Ice, at_ms, pair)
            }
            What::Milestone(Milestone::DtlsConnected { .. }) => {
                report.pass(Check::Dtls, at_ms, "");
                // Where it is answered, the echo may be heard from now on.
                if listening {
                    deadline = Instant::now() + LISTEN;
                }
            }
            What::Event(Event::RegistrationChanged(registration)) => {
                if registration.state == RegistrationState::Registered
                    && report.next() == Check::Register
                {
                    report.pass(Check::Register, at_ms, "accepted");
                    (testing, deadline) = (true, Instant::now() + SELF_TEST);
                } else if let Some(problem) = &registration.problem {
                    let flag = if is_untrusted(problem) { " with --ca FILE" } else { "" };
                    return report.fail(check_of(problem), &format!("{problem}{flag}"));
                }
            }
            What::Event(Event::FeaturesChanged { features })
                if testing && (features.certain || features.problem.is_some()) =>
            {
                testing = false;
                report.features(features);
                // What is timed next begins here.
                report.last_ms = session.at_ms(update.at);
                deadline = Instant::now() + PATIENCE;
                dial(session, report, call, echo).await?;
            }
            What::Event(Event::Answered { call: answered, .. }) if *answered == call => {
                listening = true;
                let is_connected = report.next() == Check::Echo;
                deadline = Instant::now() + if is_connected { LISTEN } else { PATIENCE };
            }
            What::Event(Event::MediaFlowing { first_heard, .. }) => {
                report.heard_ms = first_heard.map(ms);
            }
            What::Event(Event::Quality { report: quality, .. }) => {
                report.codec = Some(quality.codec.clone());
            }
            What::Event(Event::Ended { call: ended, reason }) if *ended == call => {
                return report.fail(report.check_of_end(reason), &reason.to_string());
            }
            What::AudioLost(reason) => return report.fail(Check::Echo, reason),
            What::Event(_)
            | What::Milestone(_)
            | What::Sip { .. }
            | What::Woke(_)
            | What::NotSaved(_)
            | What::HistoryChanged(_)
            | What::Save(_) => {}
        }
    }
}

async fn dial(session: &mut Session, report: &mut Report, call: CallId, echo: &str) -> Outcome {
    let dial = Command::Dial { call, to: echo.to_owned() };
    match session.command(dial).await {
        Ok(()) => Ok(()),
        Err(refusal) => report.fail(Check::Echo, &refusal.to_string()),
    }
}

/// What is to be said of a feature: whether it can be had, why not, and what to do about that.
fn feature(name: Feature, state: &FeatureState) -> (bool, &str, Option<&'static str>) {
    match state {
        FeatureState::Available => (true, "ok", None),
        FeatureState::Missing { why } => (false, why, Some("tell the server's administrator")),
        FeatureState::NotAllowed => (false, "not allowed to this user", Some(who_decides(name))),
        FeatureState::Unknown => (false, "the server does not say", None),
    }
}

/// Where on the server an administrator lets a user have a feature.
fn who_decides(name: Feature) -> &'static str {
    match name {
        Feature::Queues => "sidetone-agent-queues in its sidetone-settings.conf says who may",
        Feature::Team => {
            "sidetone-watch-teams and sidetone-watch-queues in its sidetone-settings.conf say who may"
        }
        Feature::Recordings => "sidetone-record-may in its sidetone-settings.conf says who may",
        Feature::Supervision => {
            "sidetone-supervise-teams in its sidetone-settings.conf says who may"
        }
        Feature::OutsideCalls
        | Feature::OutsideTransfers
        | Feature::AutoAnswer
        | Feature::Settings => "sidetone-features-may in its sidetone-settings.conf says who may",
        Feature::Masking | Feature::TransfersReturn | Feature::Messages | Feature::Push => {
            "ask its administrator"
        }
    }
}

/// The check that a problem of the registration belongs to.
fn check_of(problem: &RegistrationProblem) -> Check {
    match problem {
        RegistrationProblem::Flow { kind, .. } => match kind {
            FlowErrorKind::NameResolution => Check::Dns,
            FlowErrorKind::Unreachable | FlowErrorKind::TimedOut => Check::Tcp,
            FlowErrorKind::CertificateName
            | FlowErrorKind::CertificateExpired
            | FlowErrorKind::CertificateUntrusted
            | FlowErrorKind::Tls => Check::Tls,
            FlowErrorKind::WebSocket | FlowErrorKind::Lost => Check::WebSocket,
        },
        RegistrationProblem::WrongCredentials
        | RegistrationProblem::AuthenticationUnsupported(_)
        | RegistrationProblem::Refused { .. }
        | RegistrationProblem::PushRefused { .. }
        | RegistrationProblem::NoAnswer => Check::Register,
    }
}

fn is_untrusted(problem: &RegistrationProblem) -> bool {
    let untrusted = FlowErrorKind::CertificateUntrusted;
    matches!(problem, RegistrationProblem::Flow { kind, .. } if *kind == untrusted)
}

/// Prints each check as it is done.
struct Report {
    printer: Printer,
    json: bool,
    done: usize,
    last_ms: f64,
    /// From the answer to the first sound of the echo.
    heard_ms: Option<f64>,
    /// Of the echo call, as in SDP.
    codec: Option<String>,
}

impl Report {
    fn new(output: OutputArgs) -> Self {
        let printer = Printer::new(output);
        Self { printer, json: output.json, done: 0, last_ms: 0.0, heard_ms: None, codec: None }
    }

    /// Asks each server that a call would gather from, all at once. One that gives nothing is a failure though a call may go
    /// without it: where it is needed is where it fails.
    async fn ice_servers(&self, setup: &Setup) -> Outcome {
        let mut outcome = Ok(());
        for (url, asking) in ice_server::gather_each(&setup.driver.ice_servers) {
            let (given, took) = asking.await.map_err(|_| Failure::Stopped)?;
            let name = if url.starts_with("turn") { "TURN" } else { "STUN" };
            let detail = match &given {
                Ok(Gathered::Reflexive(address)) => {
                    format!("{url}: seen from outside as {address} (srflx)")
                }
                Ok(Gathered::Relayed(address)) => {
                    format!("{url}: takes calls at {address} (relay)")
                }
                Err(error) => format!("{url}: {error}"),
            };
            let (detail, advice) = match detail.split_once("; ") {
                Some((what, advice)) if given.is_err() => (what, Some(advice)),
                Some(_) | None => (detail.as_str(), None),
            };
            self.line(name, given.is_ok(), Some(ms(took)), detail, advice);
            if given.is_err() {
                outcome = Err(Failure::Told);
            }
        }
        outcome
    }

    /// Tries what a call would use. The checks after it use files instead, and are done anyhow.
    fn audio(&mut self, setup: &Setup) -> Outcome {
        let started = Instant::now();
        let quiet = Quiet::while_devices_are_tried();
        let found = audio::examine(&setup.driver);
        drop(quiet);
        self.done = Check::Audio as usize + 1;
        match found {
            Ok(names) => {
                self.print(Check::Audio, true, Some(ms(started.elapsed())), &names);
                Ok(())
            }
            Err(detail) => self.fail(Check::Audio, &detail),
        }
    }

    /// The check that a call's early end belongs to: what the other side says is about the number.
    fn check_of_end(&self, reason: &EndReason) -> Check {
        match reason {
            EndReason::Media(_) => self.next().max(Check::Ice),
            EndReason::NetworkLost => Check::WebSocket,
            EndReason::Local
            | EndReason::Remote
            | EndReason::Cancelled
            | EndReason::AnsweredElsewhere
            | EndReason::Declined(_)
            | EndReason::Refused
            | EndReason::Busy
            | EndReason::Unreachable(_)
            | EndReason::NoAnswer
            | EndReason::Rejected { .. }
            | EndReason::NeverCame
            | EndReason::Forwarded(_)
            | EndReason::Transferred(_)
            | EndReason::Referred(_)
            | EndReason::Supervision(_)
            | EndReason::UnreadablePush
            | EndReason::NotSignedIn
            | EndReason::Restarted
            | EndReason::TimedOut => Check::Echo,
        }
    }

    /// The check that is not done yet.
    fn next(&self) -> Check {
        Check::ALL.get(self.done).copied().unwrap_or(Check::Echo)
    }

    fn pass(&mut self, check: Check, at_ms: Option<f64>, detail: &str) {
        if check < self.next() {
            return;
        }
        self.done = check as usize + 1;
        // To the microsecond, as both are.
        let took_ms = at_ms.map(|at| ((at - self.last_ms) * 1000.0).round() / 1000.0);
        self.last_ms = at_ms.unwrap_or(self.last_ms);
        self.print(check, true, took_ms, detail);
    }

    fn fail(&mut self, check: Check, detail: &str) -> Outcome {
        self.print(check, false, None, detail);
        Err(Failure::Told)
    }

    /// What the server has and the user may: told, and nothing fails for it.
    fn features(&self, features: &FeaturesSnapshot) {
        if let Some(problem) = &features.problem {
            let text = problem.to_string();
            let (detail, advice) = text.rsplit_once("; ").unwrap_or((&text, ""));
            return self.print_feature("features", (false, detail, Some(advice)));
        }
        if !features.certain {
            return self.print_feature(
                "features",
                (false, "the server has not said in time", Some(NOT_SAID)),
            );
        }
        for (name, state) in &features.states {
            self.print_feature(name.name(), feature(*name, state));
        }
    }

    fn print_feature(&self, name: &str, (ok, detail, advice): (bool, &str, Option<&str>)) {
        if self.json {
            let event = JsonEvent::Check {
                name: name.to_owned(),
                ok,
                optional: true,
                took_ms: None,
                detail: detail.to_owned(),
                advice: advice.map(str::to_owned),
            };
            return self.printer.tell(event, self.last_ms);
        }
        let mark = if ok { "✓" } else { "–" };
        let advice = advice.map(|advice| format!(": {advice}")).unwrap_or_default();
        let mut out = std::io::stdout().lock();
        // A reader that went away is no reason to stop checking.
        let _ = writeln!(out, "{mark} {:<21}  {detail}{advice}", name.replace('_', " "));
    }

    fn print(&self, check: Check, ok: bool, took_ms: Option<f64>, detail: &str) {
        // Many a failure says itself what to do; about the echo's number the program knows better.
        let (detail, said) = match detail.split_once("; ") {
            Some((what, advice)) if !ok => (what, Some(advice)),
            Some(_) | None => (detail, None),
        };
        let advice = said.filter(|_| check < Check::Echo).unwrap_or(check.advice());
        self.line(check.name(), ok, took_ms, detail, (!ok).then_some(advice));
    }

    fn line(&self, name: &str, ok: bool, took_ms: Option<f64>, detail: &str, advice: Option<&str>) {
        if self.json {
            let event = JsonEvent::Check {
                name: name.to_owned(),
                ok,
                optional: false,
                took_ms,
                detail: detail.to_owned(),
                advice: advice.map(str::to_owned),
            };
            return self.printer.tell(event, self.last_ms);
        }
        let mark = if ok { "✓" } else { "✗" };
        let took = took_ms.map_or(String::new(), |ms| format!("{ms:.1} ms"));
        let mut out = std::io::stdout().lock();
        // A reader that went away is no reason to stop checking.
        let _ = writeln!(out, "{mark} {name:<10} {took:>10}  {detail}");
        if let Some(advice) = advice {
            let _ = writeln!(out, "  → {advice}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_is_told_which_settings_say_so() {
        let (ok, detail, advice) = feature(Feature::Team, &FeatureState::NotAllowed);
        assert_eq!((ok, detail), (false, "not allowed to this user"));
        let settings = include_str!("../../../server/asterisk/sidetone-settings.conf");
        for name in Feature::ALL {
            let advice = who_decides(name);
            let Some((contexts, _)) = advice.split_once(" in its sidetone-settings.conf") else {
                continue;
            };
            for context in contexts.split(' ').filter(|word| *word != "and") {
                assert!(settings.contains(&format!("\n[{context}]\n")), "{context}");
            }
        }
        assert!(advice.is_some_and(|advice| advice.contains("sidetone-settings.conf")));
    }

    #[test]
    fn what_the_other_side_answers_is_not_blamed_on_the_media() {
        let output = crate::args::OutputArgs { json: false, sip: false };
        let printer = Printer::new(output);
        let report = Report {
            printer,
            json: false,
            done: Check::Register as usize + 1,
            last_ms: 0.0,
            heard_ms: None,
            codec: None,
        };
        assert_eq!(report.check_of_end(&EndReason::Unreachable(404)), Check::Echo);
        assert_eq!(report.check_of_end(&EndReason::Busy), Check::Echo);
        assert_eq!(report.check_of_end(&EndReason::Media("no path".to_owned())), Check::Ice);
    }
}
