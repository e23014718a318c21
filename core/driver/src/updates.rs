//! What the app reads: a queue that is bounded, and that loses ladders before it loses events.

use crate::{Update, What, clock};
use tokio::sync::mpsc;

const QUEUE: usize = 2048;
/// What is only of interest to people who watch leaves this much room for what counts.
const RESERVE: usize = QUEUE / 2;

/// The updates of one phone, in order. A reader that stays away for long loses messages, milestones
/// and wake-ups first; events and what is to be saved only after a thousand more.
#[derive(Debug)]
pub struct Updates {
    queue: mpsc::Receiver<Update>,
}

impl Updates {
    /// The next update; `None` when the phone has ended.
    pub async fn next(&mut self) -> Option<Update> {
        self.queue.recv().await
    }
}

/// The writing end.
#[derive(Debug)]
pub(crate) struct Teller {
    queue: mpsc::Sender<Update>,
}

pub(crate) fn channel() -> (Teller, Updates) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    (Teller { queue: sender }, Updates { queue: receiver })
}

impl Teller {
    pub(crate) fn tell(&self, what: What) {
        let counts = match what {
            What::Event(_)
            | What::Save(_)
            | What::NotSaved(_)
            | What::HistoryChanged(_)
            | What::AudioLost(_) => true,
            What::Sip { .. } | What::Milestone(_) | What::Woke(_) => false,
        };
        if !counts && self.queue.capacity() < RESERVE {
            return;
        }
        let full = matches!(
            self.queue.try_send(Update { at: clock::boot(), what }),
            Err(mpsc::error::TrySendError::Full(_))
        );
        if full {
            log::error!("the app does not read its updates: one is lost");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Milestone;
    use sidetone_phone::{Event, TimerReason};

    #[tokio::test]
    async fn a_reader_that_was_away_finds_every_event() {
        let (teller, mut updates) = channel();
        for _ in 0..QUEUE * 2 {
            teller.tell(What::Woke(TimerReason::KeepAlive));
            teller.tell(What::Milestone(Milestone::WebSocketOpen));
        }
        let call = sidetone_phone::CallId(Default::default());
        teller.tell(What::Event(Event::Ringing { call }));
        drop(teller);
        let mut events = 0;
        while let Some(update) = updates.next().await {
            events += usize::from(matches!(update.what, What::Event(_)));
        }
        assert_eq!(events, 1);
    }
}
