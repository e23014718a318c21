//! The media of all legs: hands the model's commands to each leg's task.

use super::Report;
use super::leg::{self, Order};
use sidetone_pbx::{LegId, MediaCommand, Treatment};
use std::collections::BTreeMap;
use tokio::sync::mpsc;

/// Orders that may wait for a leg that is busy describing itself.
const ORDERS: usize = 32;
/// Packets on their way from one leg to the other.
const PACKETS: usize = 16;

/// The legs that have media.
pub(super) struct Switchboard {
    legs: BTreeMap<LegId, mpsc::Sender<Order>>,
    reports: mpsc::Sender<Report>,
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
                    tokio::spawn(leg::run(leg, queue, self.reports.clone()));
                    orders
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
                let (to_b, from_a) = mpsc::channel(PACKETS);
                let (to_a, from_b) = mpsc::channel(PACKETS);
                self.order(a, Order::Join { speak: to_b, hear: from_b });
                self.order(b, Order::Join { speak: to_a, hear: from_a });
            }
            MediaCommand::Play { leg, treatment } => self.order(leg, Order::Play(treatment)),
            // The task ends with its orders.
            MediaCommand::Release { leg } => drop(self.legs.remove(&leg)),
        }
    }

    fn order(&mut self, leg: LegId, order: Order) {
        let Some(orders) = self.legs.get(&leg) else { return };
        if orders.try_send(order).is_err() {
            log::warn!("{leg} takes no more orders; its media is given up");
            self.legs.remove(&leg);
        }
    }
}
