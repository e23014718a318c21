//! The connection of the two calls: it is lost, another takes its place, or the network is another.

use super::Pair;
use super::peer::Peer;
use sidetone_phone::{FlowError, FlowErrorKind, FlowId, Handover, Input};
use sidetone_sip::Method;

impl Pair {
    /// The connection is lost: what the phone asked on it is not answered.
    pub(super) fn lose_flow(&mut self) -> Result<(), String> {
        let Some(flow) = self.flow.take() else { return Ok(()) };
        self.lost = true;
        self.forget_asked();
        self.input(Input::FlowFailed { flow, error: lost() })
    }

    /// So is the one whose place it took.
    pub(super) fn lose_old(&mut self) -> Result<(), String> {
        let Some(flow) = self.old.take() else { return Ok(()) };
        self.forget_asked_on_old();
        self.input(Input::FlowFailed { flow, error: lost() })
    }

    /// The connection that the phone asked for is there.
    pub(super) fn open_flow(&mut self) -> Result<(), String> {
        let Some(flow) = self.opening.take() else { return Ok(()) };
        // The server goes on with what came on the one before.
        self.old = self.flow.replace(flow);
        let is_old = self.old.is_some();
        for peer in &mut self.peers {
            peer.on_old = if is_old { peer.inside.len() } else { 0 };
            peer.invite_on_old = is_old && peer.invite.is_some();
        }
        self.input(Input::FlowOpened { flow })
    }

    /// The network is another, and each path that there is must be.
    pub(super) fn change_network(&mut self, handover: Handover) -> Result<(), String> {
        self.peers.iter_mut().for_each(|peer| peer.stale = peer.media.is_some());
        self.input(Input::NetworkChanged(handover))
    }

    /// The phone leaves a flow.
    pub(super) fn flow_closed(&mut self, flow: FlowId) {
        if self.flow.take_if(|open| *open == flow).is_some() {
            self.forget_asked();
        }
        if self.old.take_if(|old| *old == flow).is_some() {
            self.forget_asked_on_old();
        }
        self.opening.take_if(|opening| *opening == flow);
    }

    /// What the phone asked on its flow is not answered: the phone does not hear it.
    fn forget_asked(&mut self) {
        for peer in &mut self.peers {
            peer.inside.truncate(peer.on_old);
            peer.invite.take_if(|_| !peer.invite_on_old);
        }
        let now = self.now;
        self.controls.iter_mut().for_each(|control| control.flow_lost(now));
        self.forget_news(now);
    }

    fn forget_asked_on_old(&mut self) {
        for Peer { inside, on_old, invite, invite_on_old, .. } in &mut self.peers {
            inside.drain(..std::mem::take(on_old));
            invite.take_if(|_| std::mem::take(invite_on_old));
        }
        self.forget_news(self.now);
    }

    /// A NOTIFY that is not there any more has no response.
    fn forget_news(&mut self, now: std::time::Duration) {
        let asked = &self.peers[0].inside;
        let asks = |news: &super::News| {
            asked.iter().any(|request| request.method == Method::Notify && news.has(request))
        };
        let gone = self.news.iter_mut().filter(|news| !asks(news));
        gone.for_each(|news| news.flow_lost(now));
    }
}

fn lost() -> FlowError {
    FlowError { kind: FlowErrorKind::Lost, detail: String::new() }
}
