//! The one task that owns the phone: it carries out what the phone asks for, and tells it what
//! happened. It wakes for the phone's timer and for messages, and for nothing else.

use crate::call::{Ask, Call, CallNotice};
use crate::handle::Request;
use crate::media::{
    Command as MediaCommand, Keys, Measured, MediaThread, Notice as MediaNotice, Told,
};
use crate::peer::PeerConfig;
use crate::transport::{Connector, Flow, FlowNotice, Notice as FlowReport};
use crate::updates::Teller;
use crate::{Stores, Vault, VaultError, What, clock, saving};
use sidetone_media::Codec;
use sidetone_media::uplink::Gate;
use sidetone_phone::{
    CallId, CallRecord, Command, FlowError, FlowErrorKind, FlowId, Input, MediaError, Output,
    Phone, QualityReport, Saved, Snapshot, TimerReason,
};
use sidetone_sip::Message;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

/// Notices that may wait; whoever sends more waits.
const NOTICES: usize = 256;
/// How long the server may take to let us go.
const SIGN_OUT_LIMIT: Duration = Duration::from_secs(2);
/// How long each of flows, calls and the media thread may take to end after that.
const CLOSE_LIMIT: Duration = Duration::from_millis(300);

/// What the task is made of.
pub(crate) struct Parts {
    pub(crate) phone: Phone,
    pub(crate) connector: Connector,
    pub(crate) peers: PeerConfig,
    pub(crate) media: MediaThread,
    pub(crate) vault: Option<Arc<Vault>>,
    pub(crate) stores: Stores,
    pub(crate) teller: Teller,
    pub(crate) snapshots: watch::Sender<Snapshot>,
}

/// Runs the phone until it is shut down or nobody holds its handle any more.
pub(crate) async fn run(parts: Parts, requests: mpsc::Receiver<Request>) {
    let (flow_reports, flow_inbox) = mpsc::channel(NOTICES);
    let (call_notices, call_inbox) = mpsc::channel(NOTICES);
    let media_told = parts.media.told();
    let task = Task {
        parts,
        flows: BTreeMap::new(),
        calls: BTreeMap::new(),
        flow_reports,
        call_notices,
        pending: VecDeque::new(),
    };
    let inbox = Inbox { requests, flow_inbox, call_inbox, media_told };
    task.serve(inbox).await;
}

struct Task {
    parts: Parts,
    flows: BTreeMap<FlowId, Flow>,
    calls: BTreeMap<CallId, Call>,
    flow_reports: mpsc::Sender<FlowReport>,
    call_notices: mpsc::Sender<(CallId, CallNotice)>,
    /// What carrying out an output led to at once; the phone hears of it after its outputs are done.
    pending: VecDeque<Input>,
}

/// All that can wake the task, but for the timer.
struct Inbox {
    requests: mpsc::Receiver<Request>,
    flow_inbox: mpsc::Receiver<FlowReport>,
    call_inbox: mpsc::Receiver<(CallId, CallNotice)>,
    media_told: Arc<Notify>,
}

/// The phone is on its way out.
struct Ending {
    deadline: Instant,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Inbox {
    /// The first thing that happens. The timer comes before what others send, so that nobody can
    /// keep the phone from its deadlines.
    async fn next(&mut self, timer: Option<(Duration, TimerReason)>, end: Option<Instant>) -> Wake {
        let due = timer.map(|(at, _)| Instant::now() + at.saturating_sub(clock::boot()));
        let reason = timer.map(|(_, reason)| reason);
        let never = Instant::now();
        tokio::select! {
            biased;
            () = sleep_until(end.unwrap_or(never)), if end.is_some() => Wake::EndingIsOver,
            request = self.requests.recv(), if end.is_none() || !self.requests.is_closed() => {
                Wake::Request(request)
            }
            () = sleep_until(due.unwrap_or(never)), if due.is_some() => {
                reason.map_or(Wake::Media, Wake::Timer)
            }
            Some(report) = self.flow_inbox.recv() => Wake::Flow(report),
            Some((id, notice)) = self.call_inbox.recv() => Wake::Call(id, notice),
            () = self.media_told.notified() => Wake::Media,
        }
    }
}

enum Wake {
    Request(Option<Request>),
    Timer(TimerReason),
    Flow(FlowReport),
    Call(CallId, CallNotice),
    Media,
    EndingIsOver,
}

impl Task {
    async fn serve(mut self, mut inbox: Inbox) {
        let mut ending: Option<Ending> = None;
        loop {
            self.settle().await;
            if ending.is_some() && self.flows.is_empty() && self.calls.is_empty() {
                break;
            }
            let timer = self.parts.phone.poll_timeout();
            let end = ending.as_ref().map(|ending| ending.deadline);
            match inbox.next(timer, end).await {
                Wake::Request(Some(Request::Command(command, reply))) => {
                    let outcome = self.parts.phone.command(command, clock::now());
                    self.settle().await;
                    // Whoever asked may have gone.
                    let _ = reply.send(outcome);
                }
                Wake::Request(Some(Request::Happened(input))) => {
                    self.parts.phone.handle(input, clock::now());
                }
                Wake::Request(Some(Request::AudioRouteChanged)) => {
                    self.parts.media.ask(MediaCommand::Reopen);
                }
                Wake::Request(Some(Request::Shutdown(done))) => {
                    let ending = ending.get_or_insert_with(|| self.begin_to_end());
                    ending.waiting.push(done);
                }
                Wake::Request(None) => {
                    ending.get_or_insert_with(|| self.begin_to_end());
                }
                Wake::Timer(reason) => self.timer(reason),
                Wake::Flow(report) => self.flow(report),
                Wake::Call(id, notice) => self.call(id, notice),
                Wake::Media => {}
                Wake::EndingIsOver => break,
            }
            self.media();
        }
        let waiting = ending.map(|ending| ending.waiting).unwrap_or_default();
        self.end(inbox).await;
        for done in waiting {
            let _ = done.send(());
        }
    }

    /// Carries out all that the phone asks for, and shows what it has come to.
    async fn settle(&mut self) {
        loop {
            while let Some(output) = self.parts.phone.poll_output() {
                self.carry_out(output).await;
            }
            let Some(input) = self.pending.pop_front() else { break };
            self.parts.phone.handle(input, clock::now());
        }
        self.show();
    }

    /// Shows what the phone has come to.
    fn show(&self) {
        let snapshot = self.parts.phone.snapshot();
        self.parts.snapshots.send_if_modified(|shown| {
            let changed = *shown != snapshot;
            if changed {
                *shown = snapshot;
            }
            changed
        });
    }

    async fn carry_out(&mut self, output: Output) {
        match output {
            Output::OpenFlow { flow, server, timeout } => {
                let reports = self.flow_reports.clone();
                self.flows.insert(flow, self.parts.connector.open(flow, server, timeout, reports));
            }
            Output::CloseFlow { flow } => drop(self.flows.remove(&flow)),
            Output::Transmit { flow, bytes } => {
                self.trace(true, &bytes);
                self.with_flow(flow, |open| open.send(bytes));
            }
            Output::Probe { flow } => self.with_flow(flow, Flow::probe),
            Output::Describe { call, generation, request } => {
                let (peers, notices) = (&self.parts.peers, &self.call_notices);
                self.calls
                    .entry(call)
                    .or_insert_with(|| Call::start(call, peers.clone(), notices.clone()));
                self.ask(call, Ask::Describe { generation, request });
            }
            Output::SetRemoteAnswer { call, sdp } => self.ask(call, Ask::SetRemoteAnswer(sdp)),
            Output::Rollback { call } => self.ask(call, Ask::Rollback),
            Output::SetUplink { call, open, muted } => {
                let gate = match (open, muted) {
                    (false, _) => Gate::Closed,
                    (true, true) => Gate::Muted,
                    (true, false) => Gate::Open,
                };
                if let Some(known) = self.calls.get_mut(&call) {
                    known.set_uplink(gate, &mut self.parts.media);
                }
            }
            Output::SetDownlink { call, open } => {
                if let Some(known) = self.calls.get_mut(&call) {
                    known.set_downlink(open, &mut self.parts.media);
                }
            }
            Output::Mix { calls } => {
                for (id, known) in &mut self.calls {
                    known.set_joined(calls.contains(id), &mut self.parts.media);
                }
            }
            Output::SendDtmf { call, digits } => {
                let keys = Keys::new(digits.as_str());
                self.parts.media.ask(MediaCommand::Press(call, keys));
            }
            Output::SetCallWaiting { on } => self.parts.media.ask(MediaCommand::CallWaiting(on)),
            Output::PlayTone { call } => self.parts.media.ask(MediaCommand::Alert(call)),
            Output::RenewMedia { call } | Output::ReleaseMedia { call } => {
                self.parts.media.ask(MediaCommand::Remove(call));
                self.calls.remove(&call);
            }
            Output::SetAudio { active } => {
                self.parts.media.ask(MediaCommand::SetActive(active));
            }
            Output::Event(event) => {
                // Whoever has the event sees what came of it.
                self.show();
                self.parts.teller.tell(What::Event(event));
            }
            Output::Save(saved) => self.save(saved).await,
            Output::Record(record) => self.record(record).await,
            Output::KeepMessage(message) => {
                let kept = self.parts.stores.messages.add(message).await;
                self.tell_if_lost("a message is not kept", kept);
            }
            Output::MarkMessage { message, state } => {
                let marked = self.parts.stores.messages.mark(message, state).await;
                self.tell_if_lost("what became of a message is not kept", marked);
            }
        }
    }

    /// Stores before the next output is carried out. A call is not given up for a full disk.
    async fn save(&mut self, saved: Saved) {
        let Some(vault) = &self.parts.vault else {
            return self.parts.teller.tell(What::Save(saved));
        };
        let stored = saving::store(vault.clone(), saved).await;
        self.tell_if_lost("the phone's state is not stored", stored);
    }

    /// Keeps a call that is over before the next output is carried out.
    async fn record(&mut self, record: CallRecord) {
        let kept = self.parts.stores.history.add(record).await;
        self.tell_if_lost("a call is not kept in the history", kept);
        self.parts.teller.tell(What::HistoryChanged(self.parts.stores.history.revision()));
    }

    fn tell_if_lost(&self, what: &str, stored: Result<(), VaultError>) {
        if let Err(error) = stored {
            log::error!("{what}: {error}");
            self.parts.teller.tell(What::NotSaved(error.to_string()));
        }
    }

    /// Does something with a flow; a flow that fails in it is lost.
    fn with_flow(&mut self, flow: FlowId, act: impl FnOnce(&Flow) -> Result<(), FlowError>) {
        let outcome = match self.flows.get(&flow) {
            Some(open) => act(open),
            None => Err(FlowError {
                kind: FlowErrorKind::Lost,
                detail: "the connection is closed".to_owned(),
            }),
        };
        if let Err(error) = outcome {
            self.flows.remove(&flow);
            self.pending.push_back(Input::FlowFailed { flow, error });
        }
    }

    fn ask(&mut self, call: CallId, ask: Ask) {
        let asked = match self.calls.get(&call) {
            Some(known) => known.ask(ask),
            None => Err(MediaError::Engine("nothing was described".to_owned())),
        };
        if let Err(error) = asked {
            self.pending.push_back(Input::MediaFailed { call, error });
        }
    }

    fn timer(&mut self, reason: TimerReason) {
        let now = clock::now();
        // A sleep may end a little early for the phone's clock.
        if self.parts.phone.poll_timeout().is_some_and(|(at, _)| at <= now.boot) {
            self.parts.teller.tell(What::Woke(reason));
            self.parts.phone.handle_timeout(now);
        }
    }

    fn flow(&mut self, report: FlowReport) {
        let FlowReport { flow, what } = report;
        // Of a flow that the phone has closed nothing more is wanted.
        if !self.flows.contains_key(&flow) {
            return;
        }
        let input = match what {
            FlowNotice::Milestone(milestone) => {
                return self.parts.teller.tell(What::Milestone(milestone));
            }
            FlowNotice::Opened => Input::FlowOpened { flow },
            FlowNotice::Failed(error) => {
                self.flows.remove(&flow);
                Input::FlowFailed { flow, error }
            }
            FlowNotice::Received(bytes) => {
                self.trace(false, &bytes);
                Input::Received { flow, bytes }
            }
            FlowNotice::ProbeAnswered => Input::ProbeAnswered { flow },
        };
        self.parts.phone.handle(input, clock::now());
    }

    fn call(&mut self, id: CallId, notice: CallNotice) {
        // Of a call that the phone has released nothing more is wanted.
        let Some(call) = self.calls.get_mut(&id) else { return };
        match notice {
            CallNotice::Made(receiver, sender) => call.made(receiver, sender),
            CallNotice::Negotiated(agreed) => {
                if let Err(error) = call.negotiated(agreed, &mut self.parts.media) {
                    self.pending.push_back(Input::MediaFailed { call: id, error });
                }
            }
            CallNotice::Milestone(milestone) => {
                self.parts.teller.tell(What::Milestone(milestone));
            }
            CallNotice::Input(input) => self.parts.phone.handle(input, clock::now()),
        }
    }

    /// Takes what the media thread has told, and frees what it is done with.
    fn media(&mut self) {
        while let Some(notice) = self.parts.media.poll_notice() {
            let (call, what) = match notice {
                MediaNotice::Call(call, what) => (call, what),
                MediaNotice::AudioLost(error) => {
                    self.parts.teller.tell(What::AudioLost(error.to_string()));
                    continue;
                }
            };
            let Some(known) = self.calls.get(&call) else { continue };
            self.pending.push_back(match what {
                Told::FirstSent => Input::FirstSent { call },
                Told::FirstHeard => Input::FirstHeard { call },
                Told::DtmfSent => Input::DtmfSent { call },
                Told::Alerted => Input::TonePlayed { call },
                Told::Measured(measured) => {
                    // Figures of a call that does not answer are not worth a failure of their own.
                    let _ = known.ask(Ask::Measure(Box::new(report(measured))));
                    continue;
                }
            });
        }
    }

    /// Tells of a message; the log gets it without its secrets.
    fn trace(&self, sent: bool, bytes: &[u8]) {
        if log::log_enabled!(log::Level::Trace)
            && let Ok(message) = Message::parse(bytes)
        {
            log::trace!("{}\n{}", if sent { "sent" } else { "received" }, message.redacted());
        }
        self.parts.teller.tell(What::Sip { sent, bytes: bytes.to_vec() });
    }

    fn begin_to_end(&mut self) -> Ending {
        // Refused where it is signed out already.
        let _ = self.parts.phone.command(Command::Unregister, clock::now());
        Ending { deadline: Instant::now() + SIGN_OUT_LIMIT, waiting: Vec::new() }
    }

    /// Takes everything down, each within its limit.
    async fn end(self, mut inbox: Inbox) {
        let Self { parts, flows, calls, flow_reports, call_notices, .. } = self;
        // The tasks end when nobody can ask them any more, and are gone when nobody can tell us.
        drop((flows, flow_reports));
        let _ =
            timeout(CLOSE_LIMIT, async { while inbox.flow_inbox.recv().await.is_some() {} }).await;
        drop((calls, call_notices));
        let _ =
            timeout(CLOSE_LIMIT, async { while inbox.call_inbox.recv().await.is_some() {} }).await;
        let joined = tokio::task::spawn_blocking(move || parts.media.join());
        if timeout(CLOSE_LIMIT, joined).await.is_err() {
            log::warn!("the audio device takes its time to close");
        }
    }
}

fn report(measured: Measured) -> QualityReport {
    let codec = match measured.codec {
        Codec::Opus => "opus",
        Codec::Pcmu => "pcmu",
        Codec::Pcma => "pcma",
    };
    QualityReport {
        codec: codec.to_owned(),
        packets_sent: measured.packets_sent,
        packets_received: measured.packets_received,
        packets_lost: measured.packets_lost,
        packets_late: measured.packets_late,
        concealed: measured.concealed,
        jitter: measured.jitter,
        playout_delay: measured.playout_delay,
        round_trip: None,
        level_sent: measured.level_sent,
        level_heard: measured.level_heard,
    }
}
