//! What must hold: one final response an INVITE, each call told to end exactly once and within its
//! time, the snapshot true, one call talking, and no audio out before the answer.

use sidetone_phone::{
    CallId, CallSnapshot, CallState, ControlId, EndReason, Event, Hold, Output, RegistrationState,
    Snapshot, SupervisionMode,
};
use sidetone_sip::{Message, Method};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A call may ring or be dialled for three minutes (and a CANCEL or a refusal follows at once).
const RINGING: Duration = Duration::from_secs(181);
/// 64*T1 for media, and as long for the ACK.
const ANSWERING: Duration = Duration::from_secs(65);
/// 64*T1 for an ACK that does not come, then as long for the BYE.
const ENDING: Duration = Duration::from_secs(65);

/// What a phone has told its app, held against what it shows.
#[derive(Debug, Clone, Default)]
pub struct Told {
    calls: BTreeMap<CallId, CallTold>,
    ended: BTreeSet<CallId>,
    /// The control calls that are under way.
    controls: BTreeSet<ControlId>,
    lamp: Option<RegistrationState>,
}

#[derive(Debug, Clone, Default)]
struct CallTold {
    answered: bool,
    hold: Hold,
    muted: bool,
    uplink: bool,
    /// Its media path is lost, and not back.
    lost: bool,
    shown: Option<CallState>,
    since: Duration,
}

impl Told {
    /// Takes one output of the phone.
    ///
    /// # Errors
    /// Says in words what must not be.
    pub fn output(&mut self, output: &Output) -> Result<(), String> {
        match output {
            Output::Event(event) => self.event(event),
            Output::SetUplink { call, open, muted: _ } => {
                let Some(told) = self.calls.get_mut(call) else {
                    return Err(format!("call {call}: the uplink of a call that is not there"));
                };
                told.uplink = *open;
                Ok(())
            }
            Output::OpenFlow { .. }
            | Output::CloseFlow { .. }
            | Output::Transmit { .. }
            | Output::Probe { .. }
            | Output::Describe { .. }
            | Output::SetRemoteAnswer { .. }
            | Output::Rollback { .. }
            | Output::SetDownlink { .. }
            | Output::Mix { .. }
            | Output::SendDtmf { .. }
            | Output::PlayTone { .. }
            | Output::SetCallWaiting { .. }
            | Output::RenewMedia { .. }
            | Output::ReleaseMedia { .. }
            | Output::SetAudio { .. }
            | Output::Save(_)
            | Output::KeepMessage(_)
            | Output::MarkMessage { .. }
            | Output::Record(_) => Ok(()),
        }
    }

    /// Holds what the phone shows against what it told.
    ///
    /// # Errors
    /// Says in words where they differ, or which call lasts too long.
    pub fn snapshot(&mut self, snapshot: &Snapshot, now: Duration) -> Result<(), String> {
        let shown: BTreeSet<CallId> = snapshot.calls.iter().map(|call| call.id).collect();
        let told: BTreeSet<CallId> = self.calls.keys().copied().collect();
        if shown != told {
            return Err(format!("the snapshot shows {shown:?}, told were {told:?}"));
        }
        if self.lamp.is_some_and(|lamp| lamp != snapshot.registration.state) {
            return Err(format!("the lamp shows {:?}", snapshot.registration.state));
        }
        for call in &snapshot.calls {
            let Some(told) = self.calls.get_mut(&call.id) else { continue };
            let id = call.id;
            let is_up = matches!(call.state, CallState::Answered | CallState::Established);
            if is_up && !told.answered {
                return Err(format!("call {id} is up, but no answer was told"));
            }
            if (call.hold, call.muted) != (told.hold, told.muted) {
                return Err(format!("call {id} shows {:?}, told was {:?}", call.hold, told.hold));
            }
            if told.uplink && !told.answered {
                return Err(format!("call {id} sends audio before its answer"));
            }
            if told.shown.replace(call.state) != Some(call.state) {
                told.since = now;
            }
            let limit = match call.state {
                CallState::Dialing | CallState::Alerting => RINGING,
                CallState::Announced | CallState::Ringing | CallState::Answering => RINGING,
                CallState::Answered => ANSWERING,
                CallState::Ending => ENDING,
                CallState::Established => continue,
            };
            if now.saturating_sub(told.since) > limit {
                return Err(format!("call {id} is {:?} for more than {limit:?}", call.state));
            }
        }
        Ok(())
    }

    /// The process was killed: the next one tells of its calls anew, but what ended has ended.
    pub fn killed(&mut self) {
        self.calls.clear();
        self.controls.clear();
        self.lamp = None;
    }

    /// The phone slept: what its calls wait for from the other side is waited for once more.
    pub fn woke(&mut self, now: Duration) {
        let waits = |shown| matches!(shown, Some(CallState::Answered | CallState::Ending));
        self.calls.values_mut().filter(|told| waits(told.shown)).for_each(|told| told.since = now);
    }

    /// The phone has taken a control call: it is to tell of its end, once.
    pub fn controls(&mut self, control: ControlId) {
        self.controls.insert(control);
    }

    /// How many control calls are under way.
    pub fn under_way(&self) -> usize {
        self.controls.len()
    }

    /// A push of a call comes: where it is no call any more, or was none, it gets an end of its own.
    pub fn pushed(&mut self, call: CallId) {
        if !self.calls.contains_key(&call) {
            self.ended.insert(call);
        }
    }

    /// Whether a call has begun and not ended.
    pub fn is_live(&self, call: CallId) -> bool {
        self.calls.contains_key(&call)
    }

    /// How many calls have ended.
    pub fn ended(&self) -> usize {
        self.ended.len()
    }

    fn event(&mut self, event: &Event) -> Result<(), String> {
        if let Event::RegistrationChanged(lamp) = event {
            self.lamp = Some(lamp.state);
        }
        if let Event::ControlDone { control } | Event::ControlFailed { control, .. } = event {
            return match self.controls.remove(control) {
                true => Ok(()),
                false => Err(format!("control call {control} ended, but was not under way")),
            };
        }
        if let Event::Merged { calls } = event {
            return match calls.iter().find(|call| !self.calls.contains_key(call)) {
                Some(call) => Err(format!("call {call} is joined, but it is not there")),
                None => Ok(()),
            };
        }
        let Some(call) = event.call() else { return Ok(()) };
        let begins = matches!(
            event,
            Event::Announced { .. } | Event::Incoming { .. } | Event::Dialing { .. }
        );
        if begins {
            // Its announcement was the beginning.
            let was_announced = matches!(event, Event::Incoming { announced: true, .. });
            if was_announced && self.calls.contains_key(&call) {
                return Ok(());
            }
            // A queue may ring again with an id that was used: then it is another call.
            self.ended.remove(&call);
            return match self.calls.insert(call, CallTold::default()) {
                None => Ok(()),
                Some(_) => Err(format!("call {call} began twice")),
            };
        }
        if let Event::Ended { reason, .. } = event {
            // Of what never was a call here, and of a push that comes after the end.
            let alone = matches!(
                reason,
                EndReason::UnreadablePush | EndReason::NotSignedIn | EndReason::Restarted
            ) || self.ended.contains(&call);
            self.ended.insert(call);
            return match self.calls.remove(&call) {
                Some(_) => Ok(()),
                None if alone => Ok(()),
                None => Err(format!("call {call} ended, but it was not there")),
            };
        }
        // Of a call that may be over already: after the end of the one it had asked for, or by the server's word.
        let may_be_late = matches!(
            event,
            Event::ReferralFailed { .. }
                | Event::RecordingsChanged { .. }
                | Event::RecordingFailed { .. }
        );
        if may_be_late {
            return Ok(());
        }
        let told =
            self.calls.get_mut(&call).ok_or(format!("call {call}: {event:?} after its end"))?;
        told.take(call, event)
    }
}

impl CallTold {
    /// Takes an event of a call that goes on.
    fn take(&mut self, id: CallId, event: &Event) -> Result<(), String> {
        if matches!(event, Event::Answered { .. }) && std::mem::replace(&mut self.answered, true) {
            return Err(format!("call {id} answered twice"));
        }
        if matches!(event, Event::Reconnecting { .. }) && std::mem::replace(&mut self.lost, true) {
            return Err(format!("call {id}: its path is lost twice"));
        }
        if matches!(event, Event::Reconnected { .. }) && !std::mem::take(&mut self.lost) {
            return Err(format!("call {id}: a path is back that was not lost"));
        }
        if let Event::HoldChanged { hold, .. } = event {
            self.hold = *hold;
        }
        if let Event::MuteChanged { muted, .. } = event {
            self.muted = *muted;
        }
        Ok(())
    }
}

/// One call talks, or those that are joined; who is held or does not talk is neither spoken to nor heard.
/// `ways`: whether the uplink and the downlink of a call are open.
///
/// # Errors
/// Says in words what must not be.
pub fn one_talks(
    calls: &[CallSnapshot],
    ways: impl Fn(CallId) -> (bool, bool),
) -> Result<(), String> {
    let live = || calls.iter().filter(|call| call.state != CallState::Ending);
    let talking: Vec<_> = live().filter(|call| call.active).collect();
    if talking.len() > 1 && !talking.iter().all(|call| call.merged) {
        return Err("two calls talk that are not joined".to_owned());
    }
    if live().filter(|call| call.merged).count() == 1 {
        return Err("one call is joined with nobody".to_owned());
    }
    for call in calls {
        let (id, open) = (call.id, ways(call.id));
        let silent = !call.active || call.hold.local || call.state == CallState::Ending;
        if silent && open != (false, false) {
            return Err(format!("call {id} is held or does not talk, and has {open:?}"));
        }
        if call.hold.remote && open.0 {
            return Err(format!("call {id} is held by the other side, and is spoken to"));
        }
    }
    Ok(())
}

/// A supervision, as its user and what is checked of it see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supervised {
    /// By whom he wants to be heard at most.
    most: SupervisionMode,
}

impl Supervised {
    /// It was asked for.
    pub fn new(mode: SupervisionMode) -> Self {
        Self { most: mode }
    }

    /// Another mode was asked for, and the phone has taken that.
    pub fn asks(&mut self, mode: SupervisionMode) {
        self.most = mode;
    }

    /// The microphone is closed unless the phone shows a mode in which its user is heard, and neither that nor the one of the
    /// server, `heard`, is louder than what he has asked for last. Who holds it or talks elsewhere has asked to listen.
    ///
    /// # Errors
    /// Says in words what must not be.
    pub fn check(
        &mut self,
        call: Option<&CallSnapshot>,
        open: bool,
        heard: Option<&str>,
    ) -> Result<(), String> {
        let Some(call) = call else { return Ok(()) };
        let is_up = matches!(call.state, CallState::Answered | CallState::Established);
        if is_up && (call.hold.local || !call.active) {
            self.most = SupervisionMode::Listen;
        }
        if !open {
            return Ok(());
        }
        let Some(shown) = &call.supervision else {
            return Err(format!("call {} speaks and shows no supervision", call.id));
        };
        let loud = |mode: SupervisionMode| mode > self.most;
        let silent = shown.mode.is_none_or(|mode| mode == SupervisionMode::Listen);
        if !shown.speaks || silent || shown.mode.is_some_and(loud) {
            return Err(format!(
                "call {} speaks, wanted {} and shown as {shown:?}",
                call.id, self.most
            ));
        }
        let modes = [SupervisionMode::Listen, SupervisionMode::Whisper, SupervisionMode::Barge];
        let there = modes.into_iter().find(|mode| heard == Some(mode.as_str()));
        match there.filter(|mode| loud(*mode)) {
            Some(mode) => Err(format!("call {} is heard in {mode}, wanted {}", call.id, self.most)),
            None => Ok(()),
        }
    }
}

/// The INVITE transactions that were seen at one place, by branch, and their final responses.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Invites {
    finals: BTreeMap<String, Option<u16>>,
}

impl Invites {
    /// A frame came in; only INVITEs are read, for most of what comes is none.
    pub fn came(&mut self, bytes: &[u8]) {
        if bytes.starts_with(b"INVITE ")
            && let Ok(message) = Message::parse(bytes)
        {
            self.request(&message);
        }
    }

    /// A frame went out; only responses are read.
    ///
    /// # Errors
    /// As [`Invites::response`].
    pub fn went(&mut self, bytes: &[u8]) -> Result<(), String> {
        if !bytes.starts_with(b"SIP/2.0 ") {
            return Ok(());
        }
        Message::parse(bytes).map_or(Ok(()), |message| self.response(&message))
    }

    /// An INVITE came in.
    pub fn request(&mut self, message: &Message) {
        if let (Message::Request(request), Ok(via)) = (message, message.headers().via())
            && request.method == Method::Invite
        {
            self.finals.entry(via.branch().unwrap_or_default().to_owned()).or_default();
        }
    }

    /// A response went out.
    ///
    /// # Errors
    /// The INVITE had another final response before.
    pub fn response(&mut self, message: &Message) -> Result<(), String> {
        let (Message::Response(response), Ok(via), Ok(cseq)) =
            (message, message.headers().via(), message.headers().cseq())
        else {
            return Ok(());
        };
        if cseq.method != Method::Invite || !response.status.is_final() {
            return Ok(());
        }
        let branch = via.branch().unwrap_or_default();
        let (new, before) = (response.status.code(), self.finals.get_mut(branch));
        match before {
            None => Err(format!("a {new} to an INVITE that did not come")),
            Some(before) => match before.replace(new) {
                Some(old) if old != new => Err(format!("an INVITE got {old} and then {new}")),
                Some(_) | None => Ok(()),
            },
        }
    }

    /// What came is a new INVITE to the phone, though its branch came before.
    pub fn begin_again(&mut self, branch: &str) {
        self.finals.remove(branch);
    }

    /// The connection is gone: what has had no response gets none.
    pub fn forget_open(&mut self) {
        self.finals.retain(|_, status| status.is_some());
    }

    /// The INVITEs that have had no final response.
    pub fn open(&self) -> usize {
        self.finals.values().filter(|status| status.is_none()).count()
    }

    /// How many there were.
    pub fn len(&self) -> usize {
        self.finals.len()
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.finals.is_empty()
    }
}
