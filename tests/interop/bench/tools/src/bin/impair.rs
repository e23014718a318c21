//! Delay, jitter and loss in user space, for kernels without netem: packets come from the NFQUEUE
//! target of iptables and get their verdict late, or never.
//!
//! Usage: `impair INBOUND_QUEUE OUTBOUND_QUEUE FILE`. The file says, for each direction alike,
//! `delay=40 jitter=5 loss=2 burst=3`: milliseconds one way, standard deviation in milliseconds,
//! percent, mean length of a burst of losses. It is read again when it changes.

use nfq::{Message, Queue, Verdict};
use std::{
    collections::VecDeque,
    env,
    error::Error,
    f64::consts::TAU,
    fs, io, thread,
    time::{Duration, Instant, SystemTime},
};

/// While packets are held the queue is looked at this often: the error of a delay stays below it.
const GRAIN: Duration = Duration::from_micros(400);
const FILE_CHECK: Duration = Duration::from_millis(100);
/// Packets of audio are so far apart.
const PACE: Duration = Duration::from_millis(20);

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [inbound, outbound, file] = &args[..] else {
        return Err("usage: impair INBOUND_QUEUE OUTBOUND_QUEUE FILE".into());
    };
    let numbers: [u16; 2] = [inbound.parse()?, outbound.parse()?];
    let mut queue = Queue::open()?;
    for number in numbers {
        queue.bind(number)?;
        queue.set_queue_max_len(number, 4096)?;
    }
    queue.set_recv_enobufs(false)?;
    let mut settings = Settings::new(file.clone());
    let mut directions = numbers.map(|number| Direction::new(number, u64::from(number) + 1));
    loop {
        // Nothing held: sleep in the kernel. Otherwise look, then wait for what is due next.
        queue.set_nonblocking(directions.iter().any(|d| !d.held.is_empty()));
        match queue.recv() {
            Ok(message) => {
                let now = Instant::now();
                let impairment = settings.current(now);
                let number = message.get_queue_num();
                if let Some(direction) = directions.iter_mut().find(|d| d.number == number) {
                    direction.take(message, impairment, now, &mut queue)?;
                }
                continue;
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            // A packet that is held goes with its link: the kernel knows it no more.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(e.into()),
        }
        let due = directions.iter().filter_map(|d| d.held.front().map(|(at, _)| *at)).min();
        let wait = due.map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now()));
        thread::sleep(wait.min(GRAIN));
        for direction in &mut directions {
            direction.release(Instant::now(), &mut queue)?;
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Impairment {
    delay: Duration,
    jitter: Duration,
    loss: f64,
    burst: f64,
}

impl Impairment {
    fn parse(text: &str) -> Self {
        let value = |name: &str| {
            let pair = text
                .split_whitespace()
                .filter_map(|pair| pair.split_once('='))
                .find(|p| p.0 == name);
            pair.and_then(|(_, v)| v.parse().ok())
                .filter(|v: &f64| (0.0..1e6).contains(v))
                .unwrap_or(0.0)
        };
        Self {
            delay: Duration::from_secs_f64(value("delay") / 1000.0),
            jitter: Duration::from_secs_f64(value("jitter") / 1000.0),
            loss: (value("loss") / 100.0).min(0.999),
            burst: value("burst").max(1.0),
        }
    }
}

struct Settings {
    file: String,
    modified: Option<SystemTime>,
    next_check: Option<Instant>,
    impairment: Impairment,
}

impl Settings {
    fn new(file: String) -> Self {
        Self { file, modified: None, next_check: None, impairment: Impairment::default() }
    }

    fn current(&mut self, now: Instant) -> Impairment {
        if self.next_check.is_none_or(|at| at <= now) {
            self.next_check = Some(now + FILE_CHECK);
            let modified = fs::metadata(&self.file).and_then(|m| m.modified()).ok();
            if modified != self.modified {
                self.modified = modified;
                self.impairment =
                    Impairment::parse(&fs::read_to_string(&self.file).unwrap_or_default());
            }
        }
        self.impairment
    }
}

/// One direction of the link: order is kept, as on a real one.
struct Direction {
    number: u16,
    held: VecDeque<(Instant, Message)>,
    in_burst: bool,
    /// When the last packet came.
    last: Option<Instant>,
    random: Random,
}

impl Direction {
    fn new(number: u16, seed: u64) -> Self {
        Self {
            number,
            held: VecDeque::new(),
            in_burst: false,
            last: None,
            random: Random::new(seed),
        }
    }

    fn take(
        &mut self,
        mut message: Message,
        impairment: Impairment,
        now: Instant,
        queue: &mut Queue,
    ) -> io::Result<()> {
        if self.is_lost(impairment, now) {
            message.set_verdict(Verdict::Drop);
            return queue.verdict(message);
        }
        let jitter = impairment.jitter.as_secs_f64() * self.random.normal();
        let hold = Duration::from_secs_f64((impairment.delay.as_secs_f64() + jitter).max(0.0));
        let at = self.held.back().map_or(now + hold, |(last, _)| (now + hold).max(*last));
        self.held.push_back((at, message));
        Ok(())
    }

    /// Gilbert's two states: the mean loss and the mean length of a burst are as asked. On a radio a burst passes with
    /// time: what comes after a pause as long as one is lost by the mean, whatever was lost before it.
    fn is_lost(&mut self, Impairment { loss, burst, .. }: Impairment, now: Instant) -> bool {
        let (leave, enter) = (1.0 / burst, loss / (1.0 - loss) / burst);
        let pause = self.last.replace(now).map(|last| now.saturating_duration_since(last));
        let draw = self.random.unit();
        self.in_burst = match self.in_burst {
            _ if pause.is_none_or(|pause| pause > PACE.mul_f64(burst)) => draw < loss,
            true => loss > 0.0 && draw >= leave,
            false => draw < enter,
        };
        self.in_burst
    }

    fn release(&mut self, now: Instant, queue: &mut Queue) -> io::Result<()> {
        while self.held.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, mut message)) = self.held.pop_front() {
                message.set_verdict(Verdict::Accept);
                queue.verdict(message)?;
            }
        }
        Ok(())
    }
}

/// xorshift64: a run is repeatable because its seed is the queue's number.
struct Random(u64);

impl Random {
    /// Small numbers would begin with what is all but zero.
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let (a, b) = (self.unit().max(1e-12), self.unit());
        (-2.0 * a.ln()).sqrt() * (TAU * b).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_and_the_length_of_losses_are_as_asked() {
        let impairment = Impairment::parse("loss=5 burst=3");
        let mut direction = Direction::new(1, 2);
        let began = Instant::now();
        let mut losses = |apart: Duration| {
            let lost: Vec<bool> =
                (1..200_000).map(|n| direction.is_lost(impairment, began + apart * n)).collect();
            let share = lost.iter().filter(|l| **l).count() as f64 / lost.len() as f64;
            let bursts = lost.windows(2).filter(|w| !w[0] && w[1]).count() as f64;
            (share, share * lost.len() as f64 / bursts)
        };
        let (share, length) = losses(PACE);
        assert!((0.045..0.055).contains(&share), "share {share}");
        assert!((2.8..3.2).contains(&length), "length {length}");
        // What is sent a second later does not fall into the same burst.
        let (share, length) = losses(Duration::from_secs(1));
        assert!((0.045..0.055).contains(&share), "share {share}");
        assert!((1.0..1.1).contains(&length), "length {length}");
    }

    #[test]
    fn an_empty_or_wild_file_impairs_nothing() {
        for text in ["", "delay=-3 loss=x", "delay=1e99"] {
            let impairment = Impairment::parse(text);
            assert_eq!((impairment.delay, impairment.loss), (Duration::ZERO, 0.0));
        }
    }
}
