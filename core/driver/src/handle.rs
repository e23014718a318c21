//! The app's side of a running phone.

use crate::{CallHistory, Messages, Stores};
use sidetone_phone::{Announcement, Command, CommandError, Handover, Input, Snapshot};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// A running phone. When the last handle is dropped it signs out and ends, as by
/// [`Handle::shutdown`].
#[derive(Debug, Clone)]
pub struct Handle {
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) snapshots: watch::Receiver<Snapshot>,
    pub(crate) stores: Stores,
}

/// What the phone's task is asked.
#[derive(Debug)]
pub(crate) enum Request {
    Command(Command, oneshot::Sender<Result<(), CommandError>>),
    Happened(Input),
    AudioRouteChanged,
    Shutdown(oneshot::Sender<()>),
}

impl Handle {
    /// Asks the phone. When this returns, what the command caused at once has been carried out and
    /// can be seen in [`Handle::snapshot`].
    ///
    /// # Errors
    /// The phone refuses; one that has ended is not registered.
    pub async fn command(&self, command: Command) -> Result<(), CommandError> {
        let (reply, answer) = oneshot::channel();
        let sent = self.requests.send(Request::Command(command, reply)).await;
        if sent.is_err() {
            return Err(CommandError::NotRegistered);
        }
        answer.await.unwrap_or(Err(CommandError::NotRegistered))
    }

    /// What is to be seen of the phone now.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshots.borrow().clone()
    }

    /// The snapshots as they change; closed when the phone has ended.
    pub fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.snapshots.clone()
    }

    /// What is kept of calls and messages.
    pub fn stores(&self) -> &Stores {
        &self.stores
    }

    /// The calls that are over.
    pub fn history(&self) -> &Arc<CallHistory> {
        &self.stores.history
    }

    /// The messages that came in and were sent.
    pub fn messages(&self) -> &Arc<Messages> {
        &self.stores.messages
    }

    /// The system has another network, or the process resumed after a suspension.
    pub async fn network_changed(&self, handover: Handover) {
        self.tell(Request::Happened(Input::NetworkChanged(handover))).await;
    }

    /// A push came, and the platform was told of it, as [`crate::announce`] said.
    pub async fn announced(&self, announcement: Announcement) {
        self.tell(Request::Happened(Input::Announced(announcement))).await;
    }

    /// The platform's audio session is active: devices may run.
    pub async fn audio_activated(&self) {
        self.tell(Request::Happened(Input::AudioActivated)).await;
    }

    /// The platform's audio session is not active any more: an interruption, or no call needs it.
    pub async fn audio_deactivated(&self) {
        self.tell(Request::Happened(Input::AudioDeactivated)).await;
    }

    /// The audio takes another route (a headset, the loudspeaker): the devices are opened anew within
    /// the call, at the rate that they have now.
    pub async fn audio_route_changed(&self) {
        self.tell(Request::AudioRouteChanged).await;
    }

    /// Ends the calls, signs out, completes recordings and closes everything, within three seconds.
    pub async fn shutdown(&self) {
        let (done, ended) = oneshot::channel();
        if self.requests.send(Request::Shutdown(done)).await.is_ok() {
            // An error means that the phone has ended already.
            let _ = ended.await;
        }
    }

    /// A phone that has ended need not know.
    async fn tell(&self, request: Request) {
        let _ = self.requests.send(request).await;
    }
}
