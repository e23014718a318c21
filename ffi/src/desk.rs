//! The one queue by which everything reaches the phone.
//!
//! A caller's thread only puts its wish into the queue, which never waits; a task of the library
//! carries the wishes to the phone one after the other. So what an app does first happens first, be it
//! a command or a report of the platform.

use crate::CommandError;
use crate::shown::Shown;
use sidetone_driver::Handle;
use sidetone_phone::{Announcement, Command, CommandError as Refusal, Handover};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// A wish.
enum Wish {
    Command(Command, oneshot::Sender<Result<(), Refusal>>),
    Hear(Fact),
    Shutdown(oneshot::Sender<()>),
}

/// What the platform tells the phone.
pub(crate) enum Fact {
    NetworkChanged(Handover),
    Announced(Announcement),
    AudioActivated,
    AudioDeactivated,
    AudioRouteChanged,
}

/// Where wishes are left. It has no bound, for a caller must neither wait nor be refused what happened;
/// the phone's task takes a wish within microseconds.
pub(crate) struct Desk {
    wishes: mpsc::UnboundedSender<Wish>,
}

impl Desk {
    /// A desk, and the task that serves it until nobody can ask any more; then the phone ends.
    pub(crate) fn open(
        phone: Handle,
        shown: Arc<Shown>,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (wishes, queue) = mpsc::unbounded_channel();
        (Self { wishes }, serve(phone, shown, queue))
    }

    /// Asks the phone, and waits for its answer.
    pub(crate) async fn command(&self, command: Command) -> Result<(), CommandError> {
        let (reply, answer) = oneshot::channel();
        self.wishes.send(Wish::Command(command, reply)).map_err(|_| CommandError::ended())?;
        answer.await.map_err(|_| CommandError::ended())?.map_err(Into::into)
    }

    /// Leaves a note; a phone that has ended need not know.
    pub(crate) fn tell(&self, fact: Fact) {
        self.leave(Wish::Hear(fact));
    }

    /// Waits until the phone has ended.
    pub(crate) async fn shutdown(&self) {
        let (done, ended) = oneshot::channel();
        self.leave(Wish::Shutdown(done));
        // An error means that it has ended already.
        let _ = ended.await;
    }

    fn leave(&self, wish: Wish) {
        let _ = self.wishes.send(wish);
    }
}

async fn serve(phone: Handle, shown: Arc<Shown>, mut queue: mpsc::UnboundedReceiver<Wish>) {
    while let Some(wish) = queue.recv().await {
        match wish {
            Wish::Command(command, reply) => {
                let outcome = phone.command(command).await;
                // Whoever has the answer sees what came of it.
                shown.refresh();
                // Whoever asked may have gone.
                let _ = reply.send(outcome);
            }
            Wish::Hear(fact) => hear(&phone, fact).await,
            Wish::Shutdown(done) => {
                phone.shutdown().await;
                drop(phone);
                shown.follow().await;
                // Whoever waits in the queue learns that the phone has ended as its wish is dropped.
                queue.close();
                let _ = done.send(());
                return;
            }
        }
    }
}

async fn hear(phone: &Handle, fact: Fact) {
    match fact {
        Fact::NetworkChanged(handover) => phone.network_changed(handover).await,
        Fact::Announced(announcement) => phone.announced(announcement).await,
        Fact::AudioActivated => phone.audio_activated().await,
        Fact::AudioDeactivated => phone.audio_deactivated().await,
        Fact::AudioRouteChanged => phone.audio_route_changed().await,
    }
}
