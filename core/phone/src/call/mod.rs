//! One call: its state machine and what each side of it does (RFC 3261 §13 to §15, RFC 3264).
//!
//! | module | owns |
//! |---|---|
//! | [`state`] | the one `match (state, input)` |
//! | [`again`] | what becomes of a change that the other side refuses |
//! | [`auto`] | answered without the agent: when, and the tone before its audio |
//! | [`announced`] | before the INVITE: a push, and what the user decides on it |
//! | [`incoming`] | the called side: ringing, answer, refusal |
//! | [`outgoing`] | the calling side: INVITE, progress, answer, CANCEL |
//! | [`dtmf`] | digits, in the stream or by INFO |
//! | [`ending`] | BYE, and the end of every call |
//! | [`handover`] | the network changes, or the media path is lost: both are built anew |
//! | [`hold`] | changes of the session from each side |
//! | [`focus`] | whether it has the microphone and the speaker, alone or joined |
//! | [`transfer`] | the other side sent elsewhere, or to another call's |
//! | [`party`] | who calls, and what the server says of the call |
//! | [`recording`] | the INFO that calls up a recording |
//! | [`redirect`] | the addresses that a 3xx names |
//! | [`referred`] | what a REFER makes of the call that it comes in, and of the one that it asks for |
//! | [`reach`] | a call that rings, here or there, whose network changes |
//! | [`reliable`] | provisional responses that are acknowledged |
//! | [`session_timer`] | the session's timer, and its refreshes |
//! | [`supervision`] | a call that supervises an agent's |
//! | [`target`] | what was dialled, as an address |
//! | [`update`] | UPDATE, and the early dialogs that it may come in |

mod again;
mod announced;
mod auto;
mod dtmf;
mod ending;
mod focus;
mod handover;
mod hold;
mod incoming;
mod outgoing;
pub(crate) mod party;
mod reach;
mod recording;
mod redirect;
mod referred;
pub(crate) mod reliable;
pub(crate) mod session_timer;
mod state;
pub(crate) mod supervision;
pub(crate) mod target;
mod transfer;
mod update;

use crate::ua::{Owner, Ua};
use crate::{
    Announcement, CallData, CallId, CallSnapshot, CommandError, DescribeRequest, Direction,
    EndReason, Event, Generation, Hold, Intent, MediaError, MediaPath, Now, Output, Party,
    QualityReport, TimerReason, UnixTime, sdp,
};
use auto::Auto;
use dtmf::Dtmf;
use ending::Bye;
use handover::Handing;
use hold::{Change, Step, TheirChange};
pub(crate) use incoming::moved;
pub(crate) use outgoing::dialog_of;
use reach::Reach;
use redirect::Targets;
use referred::Referred;
use reliable::Provisionals;
use session_timer::SessionTimer;
use sidetone_sip::dialog::DialogError;
use sidetone_sip::sdp::OfferAnswer;
use sidetone_sip::transaction::{ClientKey, ServerKey};
use sidetone_sip::{Dialog, HeaderName, Message, Method, Request, Response, StatusCode};
pub(crate) use state::{In, State};
use std::time::Duration;
use supervision::Supervising;
pub(crate) use transfer::{Destination, Outcome, Progress};
use transfer::{Taken, Transfer};

/// How long a call may ring, here or there.
const RING_LIMIT: Duration = Duration::from_secs(180);
/// How long an answered call may be without media.
const MEDIA_LIMIT: Duration = Duration::from_secs(32);
/// How long the media engine may take for a description, gathering on a slow network included.
const DESCRIBE_LIMIT: Duration = Duration::from_secs(20);
/// T1 and T2: the first and the longest interval between repetitions of an answer.
const REPEAT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(4));

/// Which side of the INVITE we are, and what only that side knows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Leg {
    /// We are about to be called.
    Announced,
    /// We were called.
    Incoming {
        /// The INVITE's transaction.
        key: ServerKey,
        /// The INVITE.
        invite: Request,
        /// Our tag.
        tag: String,
    },
    /// We call.
    Outgoing {
        /// The INVITE as it is to be sent, or was.
        invite: Request,
        /// Its transaction, once it is sent.
        key: Option<ClientKey>,
        /// Whether a response came, so that a CANCEL may go (RFC 3261 §9.1).
        heard: bool,
        /// Whether the CANCEL went.
        cancelled: bool,
        /// Whether it was said to ring there.
        rang: bool,
        /// The answer in a provisional response: it was applied, and stays.
        early: Option<Early>,
        /// The early dialogs.
        forks: Vec<Fork>,
        /// The addresses that a 3xx named.
        targets: Targets,
    },
}

/// An early dialog of a call that we make.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fork {
    dialog: Dialog,
    /// RSeq of the last provisional response that was acknowledged.
    rseq: Option<u32>,
}

/// An answer before the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Early {
    sdp: String,
    /// Whose it is: forks of one INVITE differ in their tags.
    tag: Option<String>,
}

/// A 2xx of ours that waits for its ACK (RFC 3261 §13.3.1.4).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unacked {
    response: Response,
    sequence: u32,
    /// It holds our offer: the ACK brings the answer.
    offer: bool,
    next: Duration,
    interval: Duration,
    until: Duration,
    anew: Anew,
}

/// Whether the flow that a 2xx went by first is gone, and how often it went by the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anew {
    No,
    Once,
    Again,
}

/// What was last asked of the driver about the ways of the audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Gates {
    uplink: Option<(bool, bool)>,
    downlink: bool,
}

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) id: CallId,
    state: State,
    direction: Direction,
    remote: Party,
    leg: Leg,
    dialog: Option<Dialog>,
    /// What the server says of it.
    data: CallData,
    /// What a push said of it.
    announcement: Option<Announcement>,
    /// What the user decided before the INVITE.
    intent: Option<Intent>,
    began: UnixTime,
    /// When it was answered, on both clocks.
    answered: Option<(Duration, UnixTime)>,
    hold: Hold,
    /// Whether it is to be held, where no change carries that yet.
    wish: Option<bool>,
    /// It has the microphone and the speaker.
    focus: bool,
    /// When it lost them.
    focus_lost: Duration,
    /// It is joined with others.
    merged: bool,
    transfer: Option<Transfer>,
    referred: Referred,
    /// The call that this one takes the place of, once it is answered.
    replaces: Option<CallId>,
    /// Another call's transfer that would end this one.
    taken_by: Option<Taken>,
    supervising: Option<Supervising>,
    auto: Auto,
    muted: bool,
    media: MediaPath,
    gates: Gates,
    dtmf: Dtmf,
    /// The INFO on its way that calls up a recording.
    recording_by: Option<ClientKey>,
    first_sent: Option<Duration>,
    first_heard: Option<Duration>,
    /// Audio was heard before the answer.
    heard_early: bool,
    quality: Option<QualityReport>,
    exchange: OfferAnswer,
    generation: Generation,
    /// Until when the description asked for last may come.
    described_by: Option<Duration>,
    /// The description that waits for the user's answer.
    described: Option<String>,
    unacked: Option<Unacked>,
    /// The last ACK of ours, sent again for each repetition of its 2xx.
    ack: Option<Request>,
    change: Option<Change>,
    their_change: Option<TheirChange>,
    handover: Handing,
    reach: Reach,
    session: Option<SessionTimer>,
    provisionals: Option<Provisionals>,
    /// The other side serves UPDATE.
    takes_update: bool,
    bye: Bye,
    /// Why the call will have ended, while it ends.
    reason: Option<EndReason>,
    released: bool,
    /// What is left of a call of an earlier process: its end was told, and it is not shown.
    orphan: bool,
    deadline: Option<Duration>,
    /// When the caller's invitation expires, where it says so.
    expires: Option<Duration>,
}

impl Call {
    fn new(id: CallId, state: State, remote: Party, leg: Leg, now: Now) -> Self {
        let direction = match leg {
            Leg::Announced | Leg::Incoming { .. } => Direction::Incoming,
            Leg::Outgoing { .. } => Direction::Outgoing,
        };
        Self {
            id,
            state,
            direction,
            remote,
            leg,
            dialog: None,
            data: CallData::default(),
            announcement: None,
            intent: None,
            began: now.wall,
            answered: None,
            hold: Hold::default(),
            wish: None,
            focus: false,
            focus_lost: now.boot,
            merged: false,
            transfer: None,
            referred: Referred::default(),
            replaces: None,
            taken_by: None,
            supervising: None,
            auto: Auto::No,
            muted: false,
            media: MediaPath::New,
            gates: Gates::default(),
            dtmf: Dtmf::default(),
            recording_by: None,
            first_sent: None,
            first_heard: None,
            heard_early: false,
            quality: None,
            exchange: OfferAnswer::default(),
            generation: Generation::default(),
            described_by: None,
            described: None,
            unacked: None,
            ack: None,
            change: None,
            their_change: None,
            handover: Handing::default(),
            reach: Reach::default(),
            session: None,
            provisionals: None,
            takes_update: false,
            bye: Bye::No,
            reason: None,
            released: false,
            orphan: false,
            deadline: Some(now.boot + RING_LIMIT),
            expires: None,
        }
    }

    /// Whether it is over and can be forgotten.
    pub(crate) fn is_over(&self) -> bool {
        self.state == State::Ended
    }

    /// Whether it was answered and goes on: it depends on its flow being replaced soon.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, State::Answered | State::Established)
    }

    /// Whether the agent talks in it, and it has come through a queue.
    pub(crate) fn is_of_queue(&self) -> bool {
        !self.orphan && self.is_up() && self.data.queue.is_some()
    }

    /// Whether the agent talks in it, or is about to.
    pub(crate) fn is_engaged(&self) -> bool {
        !self.orphan && (self.is_up() || self.wants_focus())
    }

    /// Whether it rings here for the agent, who is to decide.
    pub(crate) fn rings(&self) -> bool {
        self.state == State::Ringing
    }

    /// Whether it is played to the agent.
    pub(crate) fn is_heard(&self) -> bool {
        self.is_up() && self.gates.downlink
    }

    /// Whether this side calls, and nobody has answered yet.
    pub(crate) fn is_calling(&self) -> bool {
        matches!(self.state, State::Dialing | State::Alerting)
    }

    /// Whether the user is done with it.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(self.state, State::Ending | State::Ended)
    }

    /// Takes the place of that call as soon as it is answered.
    pub(crate) fn replace(&mut self, old: CallId) {
        self.replaces = Some(old);
    }

    /// The call whose place it is to take now, and who takes it.
    pub(crate) fn to_replace(&self) -> Option<(CallId, CallId, String)> {
        let old = self.replaces.filter(|_| self.is_up())?;
        Some((self.id, old, self.remote.uri.clone()))
    }

    /// It has taken it.
    pub(crate) fn has_replaced(&mut self) {
        self.replaces = None;
    }

    /// Whether it is only there to be hung up.
    pub(crate) fn is_orphan(&self) -> bool {
        self.orphan
    }

    /// The tag that requests of the other side are answered with.
    pub(crate) fn local_tag(&self) -> Option<&str> {
        self.dialog.as_ref().map(|dialog| dialog.id.local_tag.as_str())
    }

    /// Takes a request of the other side into the dialog: its order and its target.
    ///
    /// # Errors
    /// The status that it is refused with.
    pub(crate) fn take_request(&mut self, request: &Request) -> Result<(), StatusCode> {
        let id = Dialog::id_of(request).ok_or(StatusCode::CALL_DOES_NOT_EXIST)?;
        let dialog = self.dialog_of(&id).ok_or(StatusCode::CALL_DOES_NOT_EXIST)?;
        dialog.handle_request(request).map_err(|error| match error {
            DialogError::OutOfOrder => StatusCode::SERVER_INTERNAL_ERROR,
            DialogError::Header(_) | DialogError::NoTag => StatusCode::BAD_REQUEST,
        })
    }

    /// Whether this request of ours is still worth sending again.
    pub(crate) fn wants(&self, key: &ClientKey) -> bool {
        let inviting = matches!(self.state, State::Dialing | State::Alerting);
        (inviting && (self.is_inviting_by(key) || key.method == Method::Prack))
            || (self.is_up() && (self.is_changing_by(key) || self.is_refreshing_by(key)))
            || (self.is_up() && (self.is_referring_by(key) || self.is_signalling_by(key)))
            || (self.is_up() && self.is_calling_up_by(key))
            || (self.is_up() && self.is_supervising_by(key))
            || self.is_leaving_by(key)
    }

    /// What is to be seen, but for its recordings.
    pub(crate) fn snapshot(&self) -> CallSnapshot {
        CallSnapshot {
            id: self.id,
            direction: self.direction,
            remote: self.remote.clone(),
            state: self.state.into(),
            intent: self.intent.clone(),
            rings_until: self.announcement.as_ref().map(|announced| announced.deadline),
            data: self.data.clone(),
            hold: self.hold,
            on_hold: self.is_to_hold(),
            active: self.has_focus(),
            merged: self.merged,
            transfer: self.transfer_target(),
            referred_by: self.referred_by().cloned(),
            supervision: self.supervision(),
            automatic: self.auto != Auto::No,
            muted: self.muted,
            media: self.media,
            began: self.began,
            answered: self.answered.map(|(_, wall)| wall),
            first_sent: self.first_sent,
            first_heard: self.first_heard,
            quality: self.quality.clone(),
            recordings: Vec::new(),
        }
    }

    /// Mutes or unmutes; nothing is signalled.
    pub(crate) fn mute(&mut self, on: bool, ua: &mut Ua) -> Result<(), CommandError> {
        if self.state == State::Ending {
            return Err(CommandError::WrongState);
        }
        if self.muted != on {
            self.muted = on;
            self.set_gates(ua);
            ua.tell(Event::MuteChanged { call: self.id, muted: on });
        }
        Ok(())
    }

    /// A description; only the one asked for last counts, and once.
    pub(crate) fn handle_described(
        &mut self,
        generation: Generation,
        result: Result<String, MediaError>,
        ua: &mut Ua,
        now: Now,
    ) {
        if self.generation == generation && self.described_by.take().is_some() {
            let _ = self.step(In::Described(result), ua, now);
        }
    }

    pub(crate) fn handle_first_sent(&mut self, ua: &mut Ua, now: Now) {
        let Some((answered, _)) = self.answered.filter(|_| self.first_sent.is_none()) else {
            return;
        };
        self.first_sent = Some(now.boot.saturating_sub(answered));
        self.tell_flowing(ua);
    }

    pub(crate) fn handle_first_heard(&mut self, ua: &mut Ua, now: Now) {
        match self.answered {
            None => self.heard_early = true,
            Some((answered, _)) if self.first_heard.is_none() => {
                self.first_heard = Some(now.boot.saturating_sub(answered));
                self.tell_flowing(ua);
            }
            Some(_) => {}
        }
    }

    pub(crate) fn handle_quality(&mut self, report: QualityReport, ua: &mut Ua) {
        if !self.released {
            self.quality = Some(report.clone());
            ua.tell(Event::Quality { call: self.id, report });
        }
    }

    /// The earliest of this call's deadlines.
    pub(crate) fn poll_timeout(&self) -> Option<(Duration, TimerReason)> {
        let unacked = self.unacked.as_ref();
        let repeat = unacked.map(|u| (u.next.min(u.until), TimerReason::AnswerRetransmission));
        let deadline = self.deadline.map(|at| (at, TimerReason::CallDeadline));
        let described = self.described_by.map(|at| (at, TimerReason::CallDeadline));
        let change = match self.change.as_ref().map(|change| &change.step) {
            Some(Step::Waiting { at }) => Some((*at, TimerReason::Retry)),
            Some(Step::Sent { until, .. }) => until.map(|at| (at, TimerReason::CallDeadline)),
            Some(Step::Describing | Step::Ready { .. }) | None => None,
        };
        let session = self.session_timeout();
        let provisional = self.provisional_timeout();
        let transfer = self.transfer.as_ref().map(|t| (t.until, TimerReason::CallDeadline));
        let handover = self.handover_timeout().into_iter().chain(self.reach_timeout()).min();
        let auto = self.auto_timeout().map(|at| (at, TimerReason::AutoAnswer));
        let mode = self.supervision_timeout().map(|at| (at, TimerReason::Supervision));
        let all =
            [repeat, deadline, described, change, session, provisional, transfer, handover, auto];
        all.into_iter().chain([mode]).flatten().min()
    }

    /// Lets the deadlines pass that are due.
    pub(crate) fn handle_timeout(&mut self, ua: &mut Ua, now: Now) {
        if self.unacked.as_ref().is_some_and(|unacked| unacked.until <= now.boot) {
            let _ = self.step(In::Unacknowledged, ua, now);
        }
        self.miss_acknowledgement(ua, now);
        if let Some(unacked) = self.unacked.as_mut().filter(|unacked| unacked.next <= now.boot) {
            // Past the transaction: it is bound to the flow of the INVITE, which may be gone, while
            // the other side takes the answer from any flow.
            ua.transmit(&Message::Response(unacked.response.clone()));
            unacked.interval = (unacked.interval * 2).min(REPEAT.1);
            ua.doubtful |= unacked.interval == REPEAT.1;
            unacked.next = now.boot + unacked.interval;
            if unacked.anew == Anew::Once {
                unacked.anew = Anew::Again;
            }
        }
        if self.deadline.is_some_and(|at| at <= now.boot) {
            self.deadline = None;
            let _ = self.step(In::Deadline, ua, now);
        }
        if self.described_by.take_if(|at| *at <= now.boot).is_some() {
            let late = MediaError::Engine("no description in time".to_owned());
            let _ = self.step(In::Described(Err(late)), ua, now);
        }
        self.change_again(ua, now);
        self.withdraw_change(ua, now);
        self.handle_session_timeout(ua, now);
        self.handle_provisional_timeout(ua, now);
        self.handle_handover_timeout(ua, now);
        self.handle_reach_timeout(ua, now);
        if self.transfer.as_ref().is_some_and(|transfer| transfer.until <= now.boot) {
            self.transfer_failed("nobody has told what came of it", ua);
        }
        self.handle_auto_timeout(ua, now);
        self.handle_supervision_timeout(ua, now);
        self.fulfil_due(ua, now);
    }

    /// Asks for a description; an earlier one is not waited for any more.
    fn describe(&mut self, request: DescribeRequest, ua: &mut Ua, now: Now) {
        self.generation.0 += 1;
        self.described_by = Some(now.boot + DESCRIBE_LIMIT);
        if self.media == MediaPath::New {
            self.media = MediaPath::Connecting;
        }
        ua.ask(Output::Describe { call: self.id, generation: self.generation, request });
    }

    /// Sends a request inside the dialog; where nothing can be sent, its number is not used up.
    fn send_inside(
        &mut self,
        method: Method,
        fill: impl FnOnce(&Self, &mut Request),
        ua: &mut Ua,
        now: Now,
    ) -> Option<ClientKey> {
        let mut after = self.dialog.clone()?;
        let mut request = after.request(method);
        fill(self, &mut request);
        let key = ua.send(request, Owner::Call(self.id), now)?;
        self.dialog = Some(after);
        Some(key)
    }

    /// Answers a request in this call's dialog with nothing but a status.
    pub(crate) fn respond(
        &self,
        key: &ServerKey,
        to: &Request,
        status: StatusCode,
        ua: &mut Ua,
        now: Now,
    ) {
        let response = to.response(status, self.local_tag());
        ua.respond(key, response, now);
    }

    /// Sends a 2xx with a description, again and again until its ACK comes.
    fn send_answer(
        &mut self,
        (key, to): (&ServerKey, &Request),
        sdp: Option<String>,
        offer: bool,
        ua: &mut Ua,
        now: Now,
    ) {
        let mut response = to.response(StatusCode::OK, self.local_tag());
        self.agree_to_session(to, &mut response, now);
        if self.auto != Auto::No && !self.is_up() {
            response.headers.set(HeaderName::ANSWER_MODE, "Auto");
        }
        if let Some(sdp) = sdp {
            response.set_body(crate::ua::SDP, sdp.into_bytes());
        }
        ua.finish_response(&mut response);
        ua.respond(key, response.clone(), now);
        self.unacked = Some(Unacked {
            response,
            sequence: to.headers.cseq().map_or(0, |cseq| cseq.sequence),
            offer,
            next: now.boot + REPEAT.0,
            interval: REPEAT.0,
            until: now.boot + crate::ua::GIVE_UP,
            anew: Anew::No,
        });
    }

    /// What both sides do when the call is answered.
    fn answered_now(&mut self, ua: &mut Ua, now: Now) {
        self.state = State::Answered;
        self.answered = Some((now.boot, now.wall));
        self.first_heard = self.heard_early.then_some(Duration::ZERO);
        self.deadline = Some(now.boot + MEDIA_LIMIT);
        self.set_gates(ua);
        ua.tell(Event::Answered { call: self.id, direction: self.direction });
        if self.hold.remote {
            ua.tell(Event::HoldChanged { call: self.id, hold: self.hold });
        }
        if !self.focus {
            self.wish = Some(true);
        }
        self.supervision_answered(ua, now);
    }

    fn connected(&mut self, ua: &mut Ua) {
        self.media = MediaPath::Connected;
        self.path_stands(ua);
    }

    /// Why a call ends whose media failed.
    fn no_media(&mut self, error: &MediaError) -> EndReason {
        let was_up = self.media == MediaPath::Connected;
        let was_sought = self.media == MediaPath::Reconnecting;
        self.media = MediaPath::Failed;
        if was_sought {
            return EndReason::NetworkLost;
        }
        // A path that was there and is gone needs no advice about its set-up.
        if was_up && *error == MediaError::NoPath {
            return EndReason::TimedOut;
        }
        EndReason::Media(error.to_string())
    }

    /// Established as soon as the answer is acknowledged and media is connected.
    fn establish(&mut self, ua: &mut Ua) {
        let ready = self.unacked.is_none() && self.media == MediaPath::Connected;
        if self.state == State::Answered && ready {
            self.state = State::Established;
            self.deadline = None;
            ua.tell(Event::Established { call: self.id });
        }
    }

    fn tell_flowing(&self, ua: &mut Ua) {
        let (first_sent, first_heard) = (self.first_sent, self.first_heard);
        if first_sent.is_some() && first_heard.is_some() {
            ua.tell(Event::MediaFlowing { call: self.id, first_sent, first_heard });
        }
    }

    /// Takes over what the other side's description says: who may send, and whether it takes digits.
    fn take_remote(&mut self, text: &str) {
        let Ok(remote) = sdp::SessionDescription::parse(text) else { return };
        self.hold.remote = !remote.direction().receives();
        let codecs = sdp::codecs(text).unwrap_or_default();
        self.dtmf.in_stream = codecs.iter().any(|codec| codec.name == "telephone-event");
    }

    /// Opens and closes the ways of the audio as state, hold, mute and the platform ask.
    pub(crate) fn set_gates(&mut self, ua: &mut Ua) {
        if self.released {
            return;
        }
        let early = matches!(&self.leg, Leg::Outgoing { early: Some(_), .. });
        let local_hold = self.holds();
        let ours = ua.audio && self.focus && !local_hold && !self.waits_for_tone();
        let uplink = ours && self.is_up() && !self.hold.remote;
        let downlink = ours && (self.is_up() || early);
        let muted = self.muted || self.only_listens();
        let wanted = (uplink, muted);
        if self.gates.uplink != Some(wanted) && (uplink || self.gates.uplink.is_some()) {
            self.gates.uplink = Some(wanted);
            ua.ask(Output::SetUplink { call: self.id, open: uplink, muted });
        }
        if self.gates.downlink != downlink {
            self.gates.downlink = downlink;
            ua.ask(Output::SetDownlink { call: self.id, open: downlink });
        }
    }

    /// The user holds the call, or has asked to: nothing is sent from that moment on.
    fn holds(&self) -> bool {
        let changing = self.change.as_ref().is_some_and(|change| change.hold);
        self.hold.local || changing || self.wish == Some(true)
    }

    /// What was asked for last.
    pub(crate) fn is_to_hold(&self) -> bool {
        let changing = self.change.as_ref().map(|change| change.hold);
        self.wish.or(changing).unwrap_or(self.hold.local)
    }

    /// Whether this call's INVITE or the change that it is asked for has this transaction.
    pub(crate) fn is_invited_by(&self, invite: &ServerKey) -> bool {
        let first = matches!(&self.leg, Leg::Incoming { key, .. } if key == invite);
        first || self.their_change.as_ref().is_some_and(|change| change.key == *invite)
    }

    /// Whether this is the INVITE of this call, come on another way (RFC 3261 §8.2.2.2).
    pub(crate) fn is_merged_by(&self, request: &Request) -> bool {
        let Leg::Incoming { invite, .. } = &self.leg else { return false };
        let tag = |r: &Request| r.headers.from().ok().and_then(|f| f.tag().map(str::to_owned));
        invite.headers.call_id() == request.headers.call_id()
            && invite.headers.cseq() == request.headers.cseq()
            && tag(invite) == tag(request)
    }
}
