//! The model PBX behind sockets: the tokio shell around [`Pbx`], for `sidetone demo`.
//!
//! One task owns the model. Flows and the media of each leg are tasks of their own that report to
//! it through one bounded queue; it never waits for any of them.

mod ca_file;
mod flows;
mod leg;
mod mix;
mod sound;
mod stream;
mod switchboard;
mod tls;

use ca_file::CaFile;
use sidetone_pbx::{FlowId, Generation, LegId, Operator, Pbx, PbxConfig, PbxInput, PbxOutput};
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use switchboard::Switchboard;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use uuid::Uuid;

/// What may wait for the task that owns the model.
const INBOX: usize = 256;

/// A running server; dropped, it ends.
pub(super) struct Server {
    address: SocketAddr,
    config: PbxConfig,
    ca: CaFile,
    reports: mpsc::Sender<Report>,
    tasks: [AbortHandle; 2],
}

/// What someone at the switch does by hand.
#[derive(Debug)]
pub(super) enum Hand {
    /// Rings an agent, as a queue that pushes does.
    Ring { agent: String, call: Uuid, time: Duration },
    /// Gives such a call up.
    GiveUp { call: Uuid },
}

/// Why it was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no such user, or the server is full.
    NoSuchAgent,
    /// There is a call of this name.
    Taken,
    /// There is none.
    UnknownCall,
}

/// What the tasks report to the owner of the model.
enum Report {
    Opened { flow: FlowId, peer: SocketAddr, messages: mpsc::Sender<Vec<u8>> },
    Received { flow: FlowId, bytes: Vec<u8> },
    Closed { flow: FlowId },
    Described { leg: LegId, generation: Generation, result: Result<String, String> },
    MediaLost { leg: LegId },
    ByHand { hand: Hand, reply: oneshot::Sender<Result<(), Refusal>> },
}

impl Server {
    /// The bench's model, listening on loopback; port 0 takes a free one.
    pub(super) async fn start(port: u16) -> io::Result<Self> {
        Self::start_with(port, PbxConfig::bench()).await
    }

    /// The same with other users and numbers.
    pub(super) async fn start_with(port: u16, site: PbxConfig) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
            let text = format!("port {port} of this machine cannot be used: {error}");
            io::Error::new(error.kind(), text)
        })?;
        let address = listener.local_addr()?;
        let identity = tls::Identity::new().map_err(io::Error::other)?;
        let ca = CaFile::new(&identity.authority)?;

        let config = PbxConfig { address: address.to_string(), ..site };
        let (reports, inbox) = mpsc::channel(INBOX);
        let owning = Owner::new(config.clone(), reports.clone()).run(inbox);
        let listening =
            flows::listen(listener, identity.acceptor, config.max_flows, reports.clone());
        let tasks = [tokio::spawn(listening).abort_handle(), tokio::spawn(owning).abort_handle()];
        Ok(Self { address, config, ca, reports, tasks })
    }

    /// Where phones connect.
    pub(super) fn url(&self) -> String {
        format!("wss://localhost:{}/ws", self.address.port())
    }

    /// The file of the certificate to trust; it goes with the server.
    pub(super) fn ca(&self) -> &Path {
        self.ca.path()
    }

    /// Does something by hand.
    pub(super) async fn by_hand(&self, hand: Hand) -> Result<(), Refusal> {
        let (reply, answer) = oneshot::channel();
        // The owner lives as long as the server.
        let _ = self.reports.send(Report::ByHand { hand, reply }).await;
        answer.await.unwrap_or(Err(Refusal::UnknownCall))
    }

    /// The domain of addresses.
    pub(super) fn domain(&self) -> &str {
        &self.config.realm
    }

    /// The users.
    pub(super) fn users(&self) -> impl Iterator<Item = &str> {
        self.config.users.keys().map(String::as_str)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// The task that owns the model.
struct Owner {
    pbx: Pbx,
    began: Instant,
    flows: BTreeMap<FlowId, mpsc::Sender<Vec<u8>>>,
    switchboard: Switchboard,
}

impl Owner {
    fn new(config: PbxConfig, reports: mpsc::Sender<Report>) -> Self {
        let mut entropy = [0; 32];
        for half in entropy.chunks_exact_mut(16) {
            half.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        }
        Self {
            pbx: Pbx::new(config, entropy, Duration::ZERO),
            began: Instant::now(),
            flows: BTreeMap::new(),
            switchboard: Switchboard::new(reports),
        }
    }

    async fn run(mut self, mut inbox: mpsc::Receiver<Report>) {
        loop {
            while let Some(output) = self.pbx.poll_output() {
                self.carry_out(output);
            }
            let wake_at = self.pbx.poll_timeout().map(|at| self.began + at);
            tokio::select! {
                report = inbox.recv() => match report {
                    Some(report) => self.take(report),
                    None => return,
                },
                () = crate::call::until(wake_at) => self.pbx.handle_timeout(self.began.elapsed()),
            }
        }
    }

    fn take(&mut self, report: Report) {
        let input = match report {
            Report::Opened { flow, peer, messages } => {
                self.flows.insert(flow, messages);
                PbxInput::FlowOpened { flow, peer }
            }
            Report::Received { flow, bytes } => PbxInput::Received { flow, bytes },
            // What we closed ourselves is reported to nobody.
            Report::Closed { flow } if self.flows.remove(&flow).is_none() => return,
            Report::Closed { flow } => PbxInput::FlowClosed { flow },
            Report::Described { leg, generation, result } => {
                PbxInput::Described { leg, generation, result }
            }
            Report::MediaLost { leg } => PbxInput::MediaLost { leg },
            Report::ByHand { hand, reply } => {
                // Who asked may have gone.
                let _ = reply.send(self.do_by_hand(hand));
                return;
            }
        };
        self.pbx.handle(input, self.began.elapsed());
    }

    fn do_by_hand(&mut self, hand: Hand) -> Result<(), Refusal> {
        let now = self.began.elapsed();
        let (Hand::Ring { call, .. } | Hand::GiveUp { call }) = &hand;
        let leg_of = |pbx: &Pbx, call: &str| {
            pbx.legs()
                .into_iter()
                .find(|leg| leg.is_caller && leg.call_id == call)
                .map(|leg| leg.id)
        };
        let call = call.to_string();
        match (hand, leg_of(&self.pbx, &call)) {
            (Hand::Ring { .. }, Some(_)) => Err(Refusal::Taken),
            (Hand::Ring { agent, time, .. }, None) => {
                self.pbx.handle(PbxInput::Ring { agent, call: call.clone(), time }, now);
                leg_of(&self.pbx, &call).map(|_| ()).ok_or(Refusal::NoSuchAgent)
            }
            (Hand::GiveUp { .. }, Some(leg)) => {
                self.pbx.handle(PbxInput::Operator(Operator::HangUp(leg)), now);
                Ok(())
            }
            (Hand::GiveUp { .. }, None) => Err(Refusal::UnknownCall),
        }
    }

    fn carry_out(&mut self, output: PbxOutput) {
        match output {
            PbxOutput::Transmit { flow, bytes } => {
                let Some(messages) = self.flows.get(&flow) else { return };
                if messages.try_send(bytes).is_err() {
                    log::info!("{flow:?} takes no more messages: closed");
                    self.flows.remove(&flow);
                    self.pbx.handle(PbxInput::FlowClosed { flow }, self.began.elapsed());
                }
            }
            PbxOutput::CloseFlow { flow } => drop(self.flows.remove(&flow)),
            PbxOutput::Media(command) => self.switchboard.carry_out(command),
            // Nobody's phone sleeps here: who is there is rung without.
            PbxOutput::Push(push) => log::info!("a push for {} goes nowhere", push.agent),
        }
    }
}
