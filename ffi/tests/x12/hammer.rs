//! Polls futures by hand, as the bindings do, and measures each call.

use std::fs;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Polls once and drops the future, as a cancelled caller does.
pub(crate) fn poll_once<F: Future>(future: F) {
    // Whether it was ready already is a matter of chance.
    let _ = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls to the end on this thread.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        thread::park();
    }
}

/// The worst of many calls.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Worst {
    pub(crate) calls: u64,
    /// By the clock on the wall, on a machine that others use too.
    pub(crate) wall: Duration,
    /// The same, of the calls in which the thread gave the processor away by itself: it waited.
    pub(crate) waited: Duration,
    pub(crate) name: &'static str,
}

impl Worst {
    /// Runs one call: a function, or one poll of a future.
    pub(crate) fn measure<T>(&mut self, name: &'static str, call: impl FnOnce() -> T) -> T {
        let before = voluntary_switches();
        let began = Instant::now();
        let value = call();
        let wall = began.elapsed();
        let waited = if voluntary_switches() > before { wall } else { Duration::ZERO };
        self.calls += 1;
        self.wall = self.wall.max(wall);
        if waited > self.waited {
            (self.waited, self.name) = (waited, name);
        }
        value
    }

    pub(crate) fn and(self, other: Self) -> Self {
        let name = if self.waited >= other.waited { self.name } else { other.name };
        Self {
            calls: self.calls + other.calls,
            wall: self.wall.max(other.wall),
            waited: self.waited.max(other.waited),
            name,
        }
    }
}

/// How often this thread has waited for something, as the kernel counts.
fn voluntary_switches() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.unwrap().trim().parse().unwrap()
}
