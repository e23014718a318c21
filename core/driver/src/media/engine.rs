//! The thread's loop: wait for a frame's time, take commands, hear, mix, play, send.

use super::alert::{Alert, CallWaiting};
use super::call::CallMedia;
use super::mix::Mix;
use super::{Command, Ends, MAX_CALLS, Notice, Retired, Told};
use crate::clock;
use crate::device::{AudioDevice, Pace};
use sidetone_media::Frame;
use sidetone_phone::CallId;
use std::thread;
use std::time::{Duration, Instant};

const FRAME: Duration = Duration::from_millis(10);
/// A device that gives nothing for so long is replaced by silence, frame by frame.
const STALL: Duration = Duration::from_millis(60);
/// Frames that were slept through are not made up for beyond this.
const LATE: Duration = Duration::from_millis(200);

/// When an end that was lost is tried again within its call, from the loss on.
const RETRIES: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(750),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// Runs until it is told to quit.
pub(super) fn run(device: Box<dyn AudioDevice>, ends: Ends) {
    raise_priority();
    let (calls, retry) = (Vec::with_capacity(MAX_CALLS), None);
    let (active, cut, over) = (true, false, false);
    let (alert, waiting) = (None, None);
    let mut engine = Engine { device, ends, calls, alert, waiting, active, cut, retry, over };
    while engine.serve() {
        engine.talk();
    }
}

struct Engine {
    device: Box<dyn AudioDevice>,
    ends: Ends,
    #[allow(clippy::vec_box, reason = "a call comes and goes in its box: nothing is freed here")]
    calls: Vec<Box<CallMedia>>,
    /// A tone for the agent alone.
    alert: Option<Alert>,
    waiting: Option<CallWaiting>,
    /// The platform lets us have the audio.
    active: bool,
    /// The devices that run are of no use any more.
    cut: bool,
    retry: Option<Retry>,
    /// It was told to quit.
    over: bool,
}

/// An end was lost, and is tried again.
struct Retry {
    lost: Instant,
    tries: usize,
}

impl Engine {
    /// Sleeps until a call wants frames and may have them; `false` when it is over.
    fn serve(&mut self) -> bool {
        let mut released = self.is_wanted();
        loop {
            if !self.take_commands() {
                return false;
            }
            let wanted = self.is_wanted();
            if wanted && self.active {
                return true;
            }
            // The last call may end while the devices are closed.
            if released && !wanted {
                self.device.stop();
            }
            released = wanted;
            thread::park();
            self.ends.woke();
        }
    }

    /// Frame after frame, until no call wants one, or the devices must be closed.
    fn talk(&mut self) {
        let lost_before = self.device.xruns();
        (self.retry, self.cut) = (None, false);
        self.device.start(&thread::current());
        self.tell_failures();
        let mut due = Instant::now();
        let mut microphone: Frame = [0; 480];
        while self.take_commands() && self.is_wanted() && !self.cut {
            match self.wait(&mut due, &mut microphone) {
                true => self.tick(&microphone),
                false => self.ends.woke(),
            }
            self.tell_failures();
            self.try_again();
        }
        match self.is_wanted() {
            true => self.device.release(),
            false => self.device.stop(),
        }
        let lost = self.device.xruns() - lost_before;
        if lost > 0 {
            log::warn!("the audio device lost or missed {lost} pieces of sound");
        }
    }

    fn tell_failures(&mut self) {
        while let Some(error) = self.device.failure() {
            log::error!("there is no sound: {error}");
            self.ends.tell(Notice::AudioLost(error));
            self.retry = Some(Retry { lost: Instant::now(), tries: 0 });
        }
    }

    /// Opens again what was lost, when it is time to. What refuses is known already.
    fn try_again(&mut self) {
        let Some(retry) = &mut self.retry else { return };
        let Some(pause) = RETRIES.get(retry.tries) else { return self.retry = None };
        if retry.lost.elapsed() < *pause {
            return;
        }
        retry.tries += 1;
        self.device.start(&thread::current());
        let mut refused = false;
        while let Some(error) = self.device.failure() {
            log::debug!("there is still no sound: {error}");
            refused = true;
        }
        if !refused {
            log::info!("there is sound again");
            self.retry = None;
        }
    }

    /// `true` with a frame of the microphone; `false` after a sleep, to look again.
    fn wait(&mut self, due: &mut Instant, microphone: &mut Frame) -> bool {
        let now = Instant::now();
        let by_device = self.device.pace() == Pace::Device;
        if by_device && self.device.capture(microphone) {
            *due = now;
            return true;
        }
        let when = if by_device { *due + STALL } else { *due };
        if let Some(wait) = when.checked_duration_since(now).filter(|wait| !wait.is_zero()) {
            thread::park_timeout(wait);
            return false;
        }
        if by_device || !self.device.capture(microphone) {
            microphone.fill(0);
        }
        *due += FRAME;
        if now.saturating_duration_since(when) > LATE {
            *due = now + FRAME;
        }
        true
    }

    fn tick(&mut self, microphone: &Frame) {
        let now = clock::boot();
        let (mut all, mut joined) = (Mix::new(), Mix::new());
        for call in &mut self.calls {
            call.receive();
            if call.hear(now) {
                self.ends.tell(Notice::Call(call.id, Told::FirstHeard));
            }
            all.add(call.heard());
            if call.is_joined() {
                joined.add(call.heard());
            }
        }
        for call in &mut self.calls {
            let id = call.id;
            call.send(microphone, &joined, |told| self.ends.tell(Notice::Call(id, told)));
            if let Some(measured) = call.measure() {
                self.ends.tell(Notice::Call(id, Told::Measured(measured)));
            }
        }
        if let Some(alert) = &mut self.alert
            && !alert.sound(&mut all)
        {
            self.ends.tell(Notice::Call(alert.call, Told::Alerted));
            self.alert = None;
        }
        if let Some(waiting) = &mut self.waiting {
            waiting.sound(&mut all);
        }
        self.device.play(&all.frame());
    }

    fn is_wanted(&self) -> bool {
        self.alert.is_some() || self.calls.iter().any(|call| call.is_begun())
    }

    /// `false` when it is over.
    fn take_commands(&mut self) -> bool {
        while let Ok(command) = self.ends.commands.pop() {
            match command {
                Command::Add(call) if self.calls.len() < MAX_CALLS => self.calls.push(call),
                Command::Add(call) => self.ends.retire(Retired::Call(call)),
                Command::Recode(id, coders) => {
                    let former = match self.call(id) {
                        Some(call) => call.recode(coders),
                        None => coders,
                    };
                    self.ends.retire(Retired::Coders(former));
                }
                Command::SetUplink(id, gate) => {
                    if self.call(id).is_some_and(|call| call.set_uplink(gate)) {
                        self.device.rewind();
                    }
                }
                Command::SetDownlink(id, open) => {
                    if let Some(call) = self.call(id) {
                        // What lies in the ring is from before.
                        call.receive();
                        call.set_downlink(open);
                    }
                }
                Command::SetJoined(id, on) => {
                    if let Some(call) = self.call(id) {
                        call.set_joined(on);
                    }
                }
                Command::Press(id, keys) => {
                    if let Some(call) = self.call(id) {
                        call.press(&keys);
                    }
                }
                Command::Alert(id) => self.alert = Some(Alert::new(id)),
                Command::CallWaiting(on) => self.waiting = on.then(CallWaiting::default),
                Command::Remove(id) => {
                    self.alert = self.alert.take().filter(|alert| alert.call != id);
                    if let Some(index) = self.calls.iter().position(|call| call.id == id) {
                        let call = self.calls.remove(index);
                        self.ends.retire(Retired::Call(call));
                    }
                }
                Command::SetActive(active) => {
                    // Also where it is given back before the next frame: the devices are dead.
                    self.cut |= active != self.active;
                    self.active = active;
                }
                Command::Reopen => self.cut = true,
                Command::Quit => self.over = true,
            }
        }
        self.over |= self.ends.commands.is_abandoned();
        !self.over
    }

    fn call(&mut self, id: CallId) -> Option<&mut CallMedia> {
        self.calls.iter_mut().find(|call| call.id == id).map(|call| &mut **call)
    }
}

/// Audio before all else, where the system lets us; on Linux a nice value is a thread's own.
fn raise_priority() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Err(error) = rustix::process::setpriority_process(None, -16) {
        log::debug!("the media thread keeps its ordinary priority: {error}");
    }
}
