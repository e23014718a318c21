//! A call whose network changes: the other side learns where this phone is, and the media path is built
//! anew, again and again until packets come in (RFC 3261 §12.2.1.1 target refresh, RFC 8445 §2.4 ICE restart).

use super::hold::Step;
use super::{Anew, Call};
use crate::ua::{GIVE_UP, Ua};
use crate::{EndReason, Event, Handover, MediaPath, Now, TimerReason};
use sidetone_sip::{Message, Request};
use std::time::Duration;

/// A path that is silent may come back by itself for so long; a probe of the connection says meanwhile
/// whether that is alive.
const SILENCE: Duration = Duration::from_millis(2500);
/// How long a path may be looked for before it is tried anew; it doubles with each try.
const AGAIN: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(12));

/// How long it is looked for in all.
const LIMIT: Duration = Duration::from_secs(60);
/// As many ACKs are repeated on a new flow.
const MOST_ACKS: usize = 4;

/// What the other side is still to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Due {
    /// Nothing.
    #[default]
    Nothing,
    /// Where this phone is.
    Refresh,
    /// The same, and a new media path.
    Restart,
}

/// How far a call is with its change of network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Handing {
    pub(super) due: Due,
    /// The next flow is on another network; media goes on over the present one until then.
    moves: bool,
    /// When the path is tried anew.
    again: Option<Duration>,
    /// How often that was done.
    tries: u32,
    /// The app was told that the path is lost, and nothing after it.
    told: bool,
    /// Until when a path that is lost is looked for.
    until: Option<Duration>,
    /// The ACKs that may have gone down with a flow: until they come the other side takes no other change.
    acks: Vec<Request>,
    /// When the last ACK went.
    pub(super) acked: Option<Duration>,
}

impl Call {
    /// The network is another. Where the old one is gone the offer is described while the flow is built;
    /// where it is not, media goes on over it until the flow stands.
    pub(super) fn network_changed(&mut self, handover: Handover, ua: &mut Ua, now: Now) {
        self.handover.tries = 0;
        match handover {
            Handover::MakeBeforeBreak => self.handover.moves = true,
            Handover::BreakBeforeMake => {
                self.acknowledge_anew(now);
                self.restart_path(ua, now);
            }
        }
    }

    /// The flow is gone, and with it perhaps the network.
    pub(super) fn flow_lost(&mut self, ua: &mut Ua, now: Now) {
        self.acknowledge_anew(now);
        let sought = self.change.as_ref().is_some_and(|change| change.due == Due::Restart);
        let silent = self.media == MediaPath::Reconnecting && !sought;
        if self.handover.moves || (silent && self.handover.due != Due::Restart) {
            self.restart_path(ua, now);
        }
    }

    /// There is a new flow: the other side learns where this phone is, else its BYE goes to the old
    /// one; and a server that has lost the call says so.
    pub(super) fn flow_up(&mut self, ua: &mut Ua, now: Now) {
        if self.handover.moves {
            self.restart_path(ua, now);
        }
        self.refer_again(ua, now);
        self.answer_anew(ua, now);
        match self.change.as_ref().map(|change| &change.step) {
            // It goes over this flow.
            Some(Step::Describing | Step::Ready { .. }) => {}
            Some(Step::Sent { flow, .. }) if *flow == ua.flow => {}
            Some(Step::Sent { .. } | Step::Waiting { .. }) | None => self.refresh(),
        }
    }

    /// A 2xx of ours whose ACK is waited for may not have arrived, or its ACK not here: it goes again at once, and on the new
    /// flow as on a first one, so that who waits for the handshake of its media is not kept by how long the old one was silent.
    pub(super) fn answer_anew(&mut self, ua: &mut Ua, now: Now) {
        if let Some(unacked) = &mut self.unacked {
            unacked.anew = Anew::Once;
            (unacked.next, unacked.interval) = (now.boot + super::REPEAT.0, super::REPEAT.0);
            ua.transmit(&Message::Response(unacked.response.clone()));
        }
    }

    /// Where the other side is silent to a 2xx that went twice by the new flow, its ACK went down with the old one:
    /// it repeats an ACK by the way that it took first. The re-INVITE that is due shows whether the call stands.
    pub(super) fn miss_acknowledgement(&mut self, ua: &mut Ua, now: Now) {
        let is_missed = |unacked: &mut super::Unacked| {
            unacked.next <= now.boot && unacked.anew == Anew::Again && !unacked.offer
        };
        if self.is_up() && self.unacked.take_if(is_missed).is_some() {
            self.establish(ua);
        }
    }

    /// The last ACK may not have arrived.
    fn acknowledge_anew(&mut self, now: Now) {
        let recent = self.handover.acked.is_some_and(|at| now.boot < at + GIVE_UP);
        let last =
            self.ack.clone().filter(|_| recent).filter(|ack| !self.handover.acks.contains(ack));
        self.handover.acks.extend(last);
        let spare = self.handover.acks.len().saturating_sub(MOST_ACKS);
        self.handover.acks.drain(..spare);
    }

    /// There is a flow: what the other side waits for goes before all else.
    pub(crate) fn send_first(&mut self, ua: &mut Ua, now: Now) {
        for ack in std::mem::take(&mut self.handover.acks).into_iter().filter(|_| self.is_up()) {
            ua.send_ack(ack, now);
        }
        self.send_change(ua, now);
    }

    /// Whether a new media path is due, so that the present one does not matter.
    pub(super) fn is_restart_due(&self) -> bool {
        self.handover.due == Due::Restart
    }

    /// The other side is to learn where this phone is, or that it is there.
    pub(super) fn refresh(&mut self) {
        self.handover.due = self.handover.due.max(Due::Refresh);
    }

    /// Whether the other side is still to learn, or to agree, that this phone is somewhere else.
    pub(super) fn is_moving(&self) -> bool {
        let is_due = |due| due != Due::Nothing;
        is_due(self.handover.due) || self.change.as_ref().is_some_and(|change| is_due(change.due))
    }

    /// Nothing comes over the media path: it may come back, or is built anew.
    pub(super) fn path_silent(&mut self, ua: &mut Ua, now: Now) {
        if self.media == MediaPath::Connected {
            self.path_lost(ua, now);
            self.handover.tries = 0;
            self.handover.again = Some(now.boot + SILENCE);
        }
    }

    /// The media path is built anew, as soon as an offer may go. One of the old network that has not left
    /// makes room.
    fn restart_path(&mut self, ua: &mut Ua, now: Now) {
        self.handover.due = Due::Restart;
        self.handover.moves = false;
        self.handover.again = None;
        self.path_lost(ua, now);
        let unsent = |step: &Step| matches!(step, Step::Describing | Step::Ready { .. });
        if self.change.as_ref().is_some_and(|change| unsent(&change.step)) {
            self.change_lost(ua);
        }
    }

    /// Our change went down with its flow, or is described for a network that is gone: it goes anew.
    pub(super) fn change_lost(&mut self, ua: &mut Ua) {
        let Some(change) = self.drop_change(ua) else { return };
        if let (Step::Sent { sequence, .. }, Some(dialog)) = (&change.step, &self.dialog) {
            // It may have been answered, and the answer gone down.
            self.handover.acks.push(dialog.ack(*sequence));
        }
        if change.hold != self.hold.local {
            self.wish = self.wish.or(Some(change.hold));
        }
        self.handover.due = self.handover.due.max(change.due).max(Due::Refresh);
    }

    /// Carries out what is due, as soon as nothing else is under way. What the user wishes goes with it.
    pub(super) fn fulfil_due(&mut self, ua: &mut Ua, now: Now) {
        let waits = |step: &Step| matches!(step, Step::Waiting { .. });
        let open = self.change.as_ref().is_none_or(|change| waits(&change.step));
        if self.handover.due == Due::Nothing || !self.is_up() || !self.is_free() || !open {
            return;
        }
        let mut due = std::mem::take(&mut self.handover.due);
        let (mut hold, mut tries) = (self.hold.local, 0);
        if let Some(waiting) = self.change.take() {
            (due, hold, tries) = (due.max(waiting.due), waiting.hold, waiting.tries);
        }
        let hold = self.wish.take().unwrap_or(hold);
        self.try_change((hold, due, tries), ua, now);
    }

    /// The other side has our offer, or has refused it: from now on a path is looked for, and tried anew
    /// where none is found.
    pub(super) fn expect_path(&mut self, now: Now) {
        if matches!(self.media, MediaPath::Connecting | MediaPath::Reconnecting) {
            let wait = AGAIN.0.saturating_mul(1 << self.handover.tries.min(8)).min(AGAIN.1);
            self.handover.tries += 1;
            self.handover.again = Some(now.boot + wait);
        }
    }

    /// The path is there. Where something is to be heard the first packet says so.
    pub(super) fn path_stands(&mut self, ua: &mut Ua) {
        self.handover.again = None;
        self.handover.until = None;
        self.handover.tries = 0;
        if self.hold.local || self.hold.remote {
            self.reconnected(None, ua);
        }
    }

    /// Packets come in again.
    pub(crate) fn handle_resumed(&mut self, gap: Duration, ua: &mut Ua) {
        let held = self.hold.local || self.hold.remote;
        self.reconnected((!held).then_some(gap), ua);
    }

    pub(super) fn handover_timeout(&self) -> Option<(Duration, TimerReason)> {
        let again = self.handover.again.map(|at| (at, TimerReason::Retry));
        let until = self.handover.until.map(|at| (at, TimerReason::CallDeadline));
        again.into_iter().chain(until).filter(|_| self.is_up()).min()
    }

    pub(super) fn handle_handover_timeout(&mut self, ua: &mut Ua, now: Now) {
        if self.handover_timeout().is_none_or(|(at, _)| at > now.boot) {
            return;
        }
        if self.handover.until.is_some_and(|at| at <= now.boot) {
            self.media = MediaPath::Failed;
            return self.hang_up(EndReason::NetworkLost, ua, now);
        }
        self.restart_path(ua, now);
    }

    /// The path that was set up while it rings is another network's, or has fallen silent: the answer is followed by
    /// a new one.
    pub(super) fn restart_after_answer(&mut self) {
        self.handover.due = Due::Restart;
        if self.media == MediaPath::Connected {
            self.media = MediaPath::Reconnecting;
        }
    }

    fn path_lost(&mut self, ua: &mut Ua, now: Now) {
        if self.media == MediaPath::Connected {
            self.media = MediaPath::Reconnecting;
            self.handover.until = Some(now.boot + LIMIT);
            if !std::mem::replace(&mut self.handover.told, true) {
                ua.tell(Event::Reconnecting { call: self.id });
            }
        }
    }

    fn reconnected(&mut self, gap: Option<Duration>, ua: &mut Ua) {
        if std::mem::take(&mut self.handover.told) {
            ua.tell(Event::Reconnected { call: self.id, gap });
        }
    }
}
