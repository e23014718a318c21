//! The media of all legs: hands the model's commands to each leg's task, and lets those hear each other who are to.

use super::Report;
use super::leg::{self, Inbox, Order};
use sidetone_pbx::{LegId, MediaCommand, Treatment};
use std::collections::BTreeMap;
use tokio::sync::mpsc;

/// Orders that may wait for a leg that is busy describing itself.
const ORDERS: usize = 32;
/// Packets on their way to a leg.
const PACKETS: usize = 32;

/// The legs that have media.
pub(super) struct Switchboard {
    legs: BTreeMap<LegId, Line>,
    reports: mpsc::Sender<Report>,
}

/// The way to one leg's task.
struct Line {
    orders: mpsc::Sender<Order>,
    inbox: Inbox,
    /// The legs that it hears.
    hears: Vec<LegId>,
    /// Those that hear it.
    heard_by: Vec<LegId>,
}

impl Switchboard {
    /// No leg yet.
    pub(super) fn new(reports: mpsc::Sender<Report>) -> Self {
        Self { legs: BTreeMap::new(), reports }
    }

    /// Carries one command out, without waiting for it.
    pub(super) fn carry_out(&mut self, command: MediaCommand) {
        match command {
            MediaCommand::Describe { leg, generation, offer, direction } => {
                self.legs.entry(leg).or_insert_with(|| {
                    let (orders, queue) = mpsc::channel(ORDERS);
                    let (inbox, parcels) = mpsc::channel(PACKETS);
                    tokio::spawn(leg::run(leg, queue, parcels, self.reports.clone()));
                    Line { orders, inbox, hears: Vec::new(), heard_by: Vec::new() }
                });
                self.order(leg, Order::Describe { generation, offer, direction });
            }
            MediaCommand::SetRemoteAnswer { leg, sdp } => self.order(leg, Order::Answered(sdp)),
            MediaCommand::Rollback { leg } => self.order(leg, Order::Rollback),
            // Rung by hand: nobody is at the other end.
            MediaCommand::Connect { a, b } if !self.legs.contains_key(&a) => {
                self.order(b, Order::Play(Treatment::Tone(1004)));
            }
            MediaCommand::Connect { a, b } => {
                self.hear(a, vec![b]);
                self.hear(b, vec![a]);
            }
            MediaCommand::Mix { leg, of } => self.hear(leg, of),
            MediaCommand::Play { leg, treatment } => {
                self.take_out(leg);
                self.order(leg, Order::Play(treatment));
            }
            // The task ends with its orders.
            MediaCommand::Release { leg } => {
                self.take_out(leg);
                self.legs.remove(&leg);
            }
        }
    }

    /// A leg hears these from here on.
    fn hear(&mut self, leg: LegId, of: Vec<LegId>) {
        let Some(line) = self.legs.get_mut(&leg).filter(|line| line.hears != of) else { return };
        line.hears.clone_from(&of);
        self.order(leg, Order::Hear(of));
        self.tell_speakers();
    }

    /// A leg hears no other any more, and no other hears it.
    fn take_out(&mut self, leg: LegId) {
        if let Some(line) = self.legs.get_mut(&leg) {
            line.hears.clear();
        }
        for line in self.legs.values_mut() {
            line.hears.retain(|heard| *heard != leg);
        }
        self.tell_speakers();
    }

    /// Tells each leg whose hearers have changed whom its packets go to.
    fn tell_speakers(&mut self) {
        for leg in self.legs.keys().copied().collect::<Vec<_>>() {
            let hears_it = |line: &&Line| line.hears.contains(&leg);
            let hearers = self.legs.iter().filter(|(_, line)| hears_it(line));
            let (ids, inboxes): (Vec<LegId>, Vec<Inbox>) =
                hearers.map(|(id, line)| (*id, line.inbox.clone())).unzip();
            let Some(line) = self.legs.get_mut(&leg).filter(|line| line.heard_by != ids) else {
                continue;
            };
            line.heard_by = ids;
            self.order(leg, Order::SpeakTo(inboxes));
        }
    }

    fn order(&mut self, leg: LegId, order: Order) {
        let Some(line) = self.legs.get(&leg) else { return };
        if line.orders.try_send(order).is_err() {
            log::warn!("{leg} takes no more orders; its media is given up");
            self.legs.remove(&leg);
        }
    }
}
