//! The lines of the servers: agent N, colleague N, customer N and the queues 180N and 181N that ring only agent N.
//! Journeys run at the same time, each on a line of its own; those that harm the server run alone.

use std::sync::{Condvar, LazyLock, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

const LINES: usize = 4;

static FREE: LazyLock<Mutex<[bool; LINES]>> = LazyLock::new(|| Mutex::new([true; LINES]));
static RETURNED: Condvar = Condvar::new();
static SERVER: RwLock<()> = RwLock::new(());

/// A line that nobody else uses while it is held, on a server that nobody harms meanwhile.
#[derive(Debug)]
pub struct Line {
    number: usize,
    /// While it is here, nobody harms the server; without it, the line is not shared.
    shared: Option<RwLockReadGuard<'static, ()>>,
}

impl Line {
    /// Any line, as soon as one is free.
    pub fn any() -> Self {
        Self::take(|free| free.iter().position(|free| *free))
    }

    /// Any line but the fourth, whose agent may have several phones: the server looks after each of those, and rings none that
    /// stands still.
    pub fn of_one_phone() -> Self {
        Self::take(|free| free.iter().take(LINES - 1).position(|free| *free))
    }

    /// This line, as soon as it is free.
    pub fn numbered(number: usize) -> Self {
        Self::take(move |free| free[number - 1].then_some(number - 1))
    }

    /// This line of a server that one journey has for itself.
    pub fn own(number: usize) -> Self {
        Self { number, shared: None }
    }

    fn take(choose: impl Fn(&[bool; LINES]) -> Option<usize>) -> Self {
        // Before the line: who waits for the server must not keep a line from others.
        let unharmed = beside_others();
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(index) = choose(&free) {
                free[index] = false;
                return Self { number: index + 1, shared: Some(unharmed) };
            }
            free = RETURNED.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Its number, 1 to 4.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The user of the agent.
    pub fn agent(&self) -> String {
        format!("agent{}", self.number)
    }

    /// The agent as a queue has him as its member.
    pub fn member(&self) -> String {
        format!("Local/{}@sidetone-push/nm", self.agent())
    }

    /// The user of the customer.
    pub fn customer(&self) -> String {
        format!("customer{}", self.number)
    }

    /// The user of a colleague of the agent.
    pub fn colleague(&self) -> String {
        format!("colleague{}", self.number)
    }

    /// The user of somebody who may not call outside.
    pub fn clerk(&self) -> String {
        format!("clerk{}", self.number)
    }

    /// His number.
    pub fn clerk_number(&self) -> String {
        format!("105{}", self.number)
    }

    /// The number of the customer, which is outside.
    pub fn customer_number(&self) -> String {
        format!("030100000{}", self.number)
    }

    /// The number of the colleague.
    pub fn colleague_number(&self) -> String {
        format!("200{}", self.number)
    }

    /// The number of the agent.
    pub fn agent_number(&self) -> String {
        format!("100{}", self.number)
    }

    /// The number of the queue that rings only this agent.
    pub fn queue(&self) -> String {
        format!("180{}", self.number)
    }

    /// The number of the queue that this agent logs in to.
    pub fn desk(&self) -> String {
        format!("182{}", self.number)
    }

    /// The number of this agent himself, who is not rung there while he is paused.
    pub fn direct(&self) -> String {
        format!("183{}", self.number)
    }

    /// The number of the queue that rings only this agent, and wakes his phone by push.
    pub fn push_queue(&self) -> String {
        format!("181{}", self.number)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.shared.is_some() {
            FREE.lock().unwrap_or_else(PoisonError::into_inner)[self.number - 1] = true;
            RETURNED.notify_all();
        }
    }
}

/// The server beside others, for those who need no line.
pub fn beside_others() -> RwLockReadGuard<'static, ()> {
    SERVER.read().unwrap_or_else(PoisonError::into_inner)
}

/// The server for oneself: to be restarted, to be cut off.
pub fn alone() -> RwLockWriteGuard<'static, ()> {
    SERVER.write().unwrap_or_else(PoisonError::into_inner)
}
