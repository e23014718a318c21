//! What a phone's platform does: a push starts or wakes the app, a call is reported once, and audio may
//! run only while the platform says so (docs/push.md).

use crate::world::{Happening, PhoneId, World};
use rand_core::Rng;
use sidetone_pbx::{LegPhase, Push, PushKind};
use sidetone_phone::{
    AnnouncementKind, AudioGate, CallId, CallSnapshot, CallState, Event, Input, Intent, Snapshot,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A platform needs as long to activate its audio session.
const ACTIVATION: Duration = Duration::from_millis(60);
/// No attempt lasts longer, whatever a payload says.
const LONGEST: Duration = Duration::from_secs(180);

/// How the push services treat what is posted to them.
#[derive(Debug, Clone, Copy)]
pub struct Pushes {
    /// How long one takes.
    pub delay: Duration,
    /// Of a hundred, so many are lost.
    pub lost: u64,
    /// Of a hundred, so many come twice, the second up to half a minute later.
    pub twice: u64,
    /// Of a hundred, so many come up to half a minute late.
    pub late: u64,
}

impl Default for Pushes {
    fn default() -> Self {
        Self { delay: Duration::from_millis(400), lost: 0, twice: 0, late: 0 }
    }
}

/// One phone's platform.
#[derive(Debug, Clone, Default)]
pub(crate) struct Platform {
    /// The audio session is active.
    pub(crate) audio: bool,
    /// The calls that it was told of since the app's process began.
    reported: BTreeSet<CallId>,
    /// When what a push announced must be a call or over.
    deadlines: BTreeMap<CallId, Duration>,
}

impl Platform {
    /// The app's process is gone, and its calls with it.
    pub(crate) fn killed(&mut self) {
        self.audio = false;
        self.reported.clear();
    }

    /// Holds what the phone shows against its deadlines.
    pub(crate) fn snapshot(&self, snapshot: &Snapshot, now: Duration) -> Result<(), String> {
        let announced = snapshot.calls.iter().filter(|call| call.state == CallState::Announced);
        for call in announced {
            match self.deadlines.get(&call.id) {
                None => return Err(format!("call {} was announced by nobody", call.id)),
                Some(deadline) if *deadline < now => {
                    return Err(format!("call {} is announced beyond {deadline:?}", call.id));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Result<(), String> {
        if let Event::Incoming { call, announced, .. } = event {
            match (*announced, self.reported.contains(call)) {
                (false, true) => return Err(format!("call {call} is reported a second time")),
                (true, false) => {
                    return Err(format!("call {call} is said to have been reported, and was not"));
                }
                (false, false) | (true, true) => {}
            }
        }
        // Also what a new process says of calls that an earlier one was told of.
        if let Event::Incoming { call, .. } | Event::Announced { call, .. } = event {
            self.reported.insert(*call);
        }
        Ok(())
    }
}

impl World {
    /// From here on pushes are treated so.
    pub fn set_pushes(&mut self, pushes: Pushes) {
        self.pushes = pushes;
    }

    /// How many pushes were delivered.
    pub fn pushes_delivered(&self) -> usize {
        self.delivered
    }

    /// The platform's audio session of a mobile phone is activated or taken away, while its app runs.
    pub fn set_audio(&mut self, id: PhoneId, active: bool) {
        let handset = &self.handsets[id.0];
        if !self.is_mobile(id.0) || handset.phone.is_none() || handset.asleep.is_some() {
            return;
        }
        self.handsets[id.0].platform.audio = active;
        let input = if active { Input::AudioActivated } else { Input::AudioDeactivated };
        self.tell(id.0, input);
        self.settle();
    }

    /// What is up here is up there, and what the PBX rings does ring. A phone that was suspended for longer
    /// than an INVITE waits (64*T1) may ring one that the PBX has given up, or have given up one that the
    /// PBX goes on with: there is no message that tells, and each ends by its own limit.
    ///
    /// # Errors
    /// Says in words where they differ.
    pub fn agrees(&self) -> Result<(), String> {
        for (index, handset) in self.handsets.iter().enumerate() {
            let calls = self.calls(PhoneId(index));
            let in_state = |wanted| calls.iter().filter(|call| call.state == wanted).count();
            let shown = (in_state(CallState::Ringing), in_state(CallState::Established));
            let legs: Vec<_> =
                self.pbx.legs().into_iter().filter(|leg| leg.user == handset.name).collect();
            let rung = legs.iter().filter(|leg| !leg.is_caller && leg.phase == LegPhase::Early);
            let up = legs.iter().filter(|leg| leg.phase == LegPhase::Confirmed);
            let there = (rung.count(), up.count());
            if shown.1 != there.1 || shown.0 < there.0 {
                return Err(format!("{} shows {calls:?}, the PBX has {legs:?}", handset.name));
            }
        }
        Ok(())
    }

    /// The server posts: each of the agent's phones gets it, or does not.
    pub(crate) fn post(&mut self, push: &Push) {
        self.ladder.world(&post_text(push), self.now);
        let payload = push.payload(self.wall.saturating_sub(self.now));
        for phone in 0..self.handsets.len() {
            if self.handsets[phone].name != push.agent || !self.is_mobile(phone) {
                continue;
            }
            if self.is_drawn(self.pushes.lost) {
                continue;
            }
            let late = if self.is_drawn(self.pushes.late) {
                self.up_to_half_a_minute()
            } else {
                Duration::ZERO
            };
            let pushed = || Happening::Pushed { phone, payload: payload.clone() };
            self.plan(self.pushes.delay + late, pushed());
            if self.is_drawn(self.pushes.twice) {
                let later = self.up_to_half_a_minute();
                self.plan(self.pushes.delay + late + later, pushed());
            }
        }
    }

    /// A push reaches the device: the platform is told first, then the app is there.
    pub(crate) fn pushed(&mut self, index: usize, payload: &str) {
        let now = self.now();
        let report = sidetone_phone::announce(payload.as_bytes(), now);
        let (call, kind) = (report.announcement.call, report.announcement.kind);
        let text = match (kind, &report.over) {
            (AnnouncementKind::Incoming, None) => {
                let left = report.announcement.deadline.0.saturating_sub(now.wall.0);
                format!("incoming, {} s left", left.as_secs())
            }
            (AnnouncementKind::Incoming, Some(_)) => "incoming, too late".to_owned(),
            (AnnouncementKind::Cancelled, _) => "cancelled".to_owned(),
            (AnnouncementKind::AnsweredElsewhere, _) => "answered elsewhere".to_owned(),
            (AnnouncementKind::Unreadable, _) => self.fail("the PBX posts what no phone can read"),
        };
        self.delivered += 1;
        self.ladder.push(&self.handsets[index].name, &text, now.boot);
        if self.handsets[index].phone.is_none() {
            self.ladder.world(&format!("{} is started", self.handsets[index].name), now.boot);
            self.switch_on(PhoneId(index));
        }
        self.wakes(index);
        let handset = &mut self.handsets[index];
        if kind == AnnouncementKind::Incoming && report.over.is_none() {
            let left = report.announcement.deadline.0.saturating_sub(now.wall.0).min(LONGEST);
            handset.platform.reported.insert(call);
            handset.platform.deadlines.entry(call).or_insert(now.boot + left);
        }
        handset.told.pushed(call);
        self.tell(index, Input::Announced(report.announcement));
    }

    /// What the app tells its platform of an event, and what that does.
    pub(crate) fn platform_hears(&mut self, index: usize, event: &Event) {
        if !self.is_mobile(index) {
            return;
        }
        if let Err(what) = self.handsets[index].platform.event(event) {
            self.fail(&format!("{}: {what}", self.handsets[index].name));
        }
        if matches!(event, Event::Ended { .. }) {
            self.plan_audio(index);
        }
    }

    /// Calls have begun, been answered or ended: the platform sees to its audio session.
    pub(crate) fn plan_audio(&mut self, index: usize) {
        self.plan(ACTIVATION, Happening::Audio { phone: index });
    }

    /// The session is active while there are calls that somebody has made or answered.
    pub(crate) fn adjust_audio(&mut self, index: usize) {
        let rings = |call: &CallSnapshot| {
            matches!(call.state, CallState::Announced | CallState::Ringing)
                && call.intent != Some(Intent::Answer)
        };
        if !self.is_mobile(index) {
            return;
        }
        let wanted = self.calls(PhoneId(index)).iter().any(|call| !rings(call));
        if self.handsets[index].platform.audio != wanted {
            self.set_audio(PhoneId(index), wanted);
        }
    }

    /// Nothing is heard or said before the platform allows it.
    pub(crate) fn ensure_audio(&self, index: usize, open: bool) {
        let allowed = !open || !self.is_mobile(index) || self.handsets[index].platform.audio;
        self.ensure(
            allowed,
            &format!("{}: audio before its activation", self.handsets[index].name),
        );
    }

    fn is_mobile(&self, index: usize) -> bool {
        self.handsets[index].config.audio == AudioGate::Platform
    }

    fn is_drawn(&mut self, of_a_hundred: u64) -> bool {
        of_a_hundred > 0 && self.random.next_u64() % 100 < of_a_hundred
    }

    fn up_to_half_a_minute(&mut self) -> Duration {
        Duration::from_millis(self.random.next_u64() % 30_000)
    }
}

/// What is posted, in words.
fn post_text(push: &Push) -> String {
    let kind = match push.kind {
        PushKind::Incoming => "incoming",
        PushKind::Cancelled => "cancelled",
        PushKind::AnsweredElsewhere => "answered elsewhere",
    };
    format!("posted for {}: {kind}", push.agent)
}
