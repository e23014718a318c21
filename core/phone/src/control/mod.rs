//! Control calls: a code of the server's dial plan (log in to a queue, pause), dialled by an INVITE that is no call for
//! anybody here (RFC 3261 §13.2).
//!
//! It never rings, has no audio and is in no list of calls. A 2xx is the server's yes, which its BYE follows; any other
//! final response says why not. The code may have been acted on whatever is heard of it: it is never sent a second
//! time, but for a challenge, which the server sends before it looks at it.

mod offer;

use crate::call::{dialog_of, target};
use crate::phone::Phone;
use crate::ua::{Owner, SDP, Ua};
use crate::{CommandError, ControlFailure, ControlId, Event, Now, TimerReason, uas};
use sidetone_sip::transaction::{ClientKey, ServerKey};
use sidetone_sip::{
    Dialog, DialogId, HeaderName, Method, NameAddr, Request, Response, StatusCode, Uri,
};
use std::collections::VecDeque;
use std::time::Duration;

/// How long the server may take to say yes or no: it runs a few steps of a dial plan, and nobody picks anything up.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long its BYE may take after a yes; then ours goes.
const FAREWELL: Duration = Duration::from_secs(3);
/// A device that dozes again and again has it waited for anew for so long, awake or asleep: then once more, for what lies
/// in the connection, and no more.
const DOZING: Duration = Duration::from_secs(60);
/// As many at a time, with those whose BYE is awaited.
const MOST: usize = 32;
/// As many ids are remembered, so that none is used twice.
const REMEMBERED: usize = 64;

/// The control calls of this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Controls {
    live: Vec<Control>,
    /// What came of those that the phone dials by itself.
    quiet: Vec<(ControlId, Result<(), ControlFailure>)>,
    seen: VecDeque<ControlId>,
}

/// One control call.
#[derive(Debug, Clone)]
struct Control {
    id: ControlId,
    state: State,
    /// As it went out last.
    invite: Request,
    /// The transaction of that, or of our BYE.
    key: ClientKey,
    /// Once the server has answered.
    dialog: Option<Dialog>,
    /// Repeated for a 2xx that is repeated.
    ack: Option<Request>,
    /// How long it waits for what it waits for.
    wait: Option<Wait>,
    asker: Asker,
    /// What came of it, until the phone fetches it, where it has asked itself.
    outcome: Option<Result<(), ControlFailure>>,
}

/// Who is told what came of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// The app, by an event.
    App,
    /// The phone itself, by [`Controls::take_quiet`].
    Phone,
}

/// A wait that a suspension renews.
#[derive(Debug, Clone, Copy)]
struct Wait {
    patience: Duration,
    until: Duration,
    /// A suspension that ends after that renews it for the last time; none: one did.
    renewed_until: Option<Duration>,
}

/// Where a control call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No response yet.
    Calling,
    /// A provisional response came.
    Proceeding,
    /// Its failure was told, but a CANCEL must wait for a provisional response (RFC 3261 §9.1).
    GivenUp,
    /// Its failure was told, and it is cancelled.
    Cancelled,
    /// The server has said yes, and its BYE is awaited.
    Done,
    /// Our BYE waits for a connection.
    Leaving,
    /// Our BYE is on its way.
    Bye,
    /// Nothing is left to do.
    Over,
}

/// What happens to a control call.
#[derive(Debug, Clone)]
enum In {
    Provisional,
    Accepted(Response),
    Refused(StatusCode),
    /// No final response (RFC 3261 §17.1.1.2).
    Unanswered,
    /// The connection went before it.
    Lost,
    /// Our BYE was answered, or nobody answers it.
    ByeDone,
    /// The connection went before that.
    ByeLost,
    /// The server's BYE.
    ByeCame,
    /// A connection is up.
    FlowUp,
    /// The time has come.
    Deadline,
    /// The phone signs out or sleeps.
    Leave,
}

impl Controls {
    /// Whether one waits for its answer.
    pub(crate) fn is_waiting(&self) -> bool {
        let waits = |control: &Control| matches!(control.state, State::Calling | State::Proceeding);
        self.live.iter().any(waits)
    }

    pub(crate) fn poll_timeout(&self) -> Option<(Duration, TimerReason)> {
        let at = self.live.iter().filter_map(|control| Some(control.wait?.until)).min()?;
        Some((at, TimerReason::CallDeadline))
    }

    /// After a suspension: waits anew for an answer that may lie in the connection.
    pub(crate) fn wait_again(&mut self, now: Now) {
        self.live.iter_mut().filter_map(|c| c.wait.as_mut()).for_each(|wait| wait.renew(now));
    }

    /// Takes up what waited for a connection.
    pub(crate) fn flow_up(&mut self, ua: &mut Ua, now: Now) {
        self.each(|| In::FlowUp, ua, now);
    }

    /// Hangs up what the server has answered: the phone leaves. What is not answered yet may still be.
    pub(crate) fn leave(&mut self, ua: &mut Ua, now: Now) {
        self.each(|| In::Leave, ua, now);
    }

    pub(crate) fn handle_timeout(&mut self, ua: &mut Ua, now: Now) {
        let due = |control: &&mut Control| control.wait.is_some_and(|wait| wait.until <= now.boot);
        for control in self.live.iter_mut().filter(due) {
            control.step(In::Deadline, ua, now);
        }
        self.settle();
    }

    /// A 2xx that is repeated gets the same ACK again. `false`: it is to none of these.
    pub(crate) fn acknowledge_again(&self, id: &DialogId, ua: &mut Ua, now: Now) -> bool {
        let found = self.live.iter().find(|control| control.is_in_dialog(id));
        let ack = found.and_then(|control| control.ack.clone());
        let is_ours = ack.is_some();
        if let Some(ack) = ack {
            ua.send_ack(ack, now);
        }
        is_ours
    }

    fn take_id(&mut self, id: ControlId) -> Result<(), CommandError> {
        if self.seen.contains(&id) || self.live.iter().any(|control| control.id == id) {
            return Err(CommandError::ControlIdTaken);
        }
        if self.seen.len() >= REMEMBERED {
            self.seen.pop_front();
        }
        self.seen.push_back(id);
        Ok(())
    }

    fn each(&mut self, input: impl Fn() -> In, ua: &mut Ua, now: Now) {
        self.live.iter_mut().for_each(|control| control.step(input(), ua, now));
        self.settle();
    }

    fn step_by(&mut self, key: &ClientKey, input: In, ua: &mut Ua, now: Now) {
        if let Some(control) = self.live.iter_mut().find(|control| control.key == *key) {
            control.step(input, ua, now);
        }
        self.settle();
    }

    /// What came of those that the phone dialled by itself.
    pub(crate) fn take_quiet(&mut self) -> Vec<(ControlId, Result<(), ControlFailure>)> {
        std::mem::take(&mut self.quiet)
    }

    fn settle(&mut self) {
        let outcomes = self.live.iter_mut().filter_map(|c| Some((c.id, c.outcome.take()?)));
        self.quiet.extend(outcomes);
        self.live.retain(|control| control.state != State::Over);
    }
}

impl Phone {
    pub(crate) fn send_control(
        &mut self,
        id: ControlId,
        code: &str,
        asker: Asker,
        now: Now,
    ) -> Result<(), CommandError> {
        let Self { controls, ua, account, .. } = self;
        let to = target::code(code, &ua.config.account)?;
        if !account.is_registered() {
            return Err(CommandError::NotRegistered);
        }
        if controls.live.len() >= MOST {
            return Err(CommandError::TooManyControls);
        }
        controls.take_id(id)?;
        let invite = invite(id, to, ua);
        let key = ua.send(invite, Owner::Control, now).ok_or(CommandError::NotRegistered)?;
        let invite = ua.sent(&key).map(|sent| sent.request.clone());
        controls.live.extend(invite.map(|invite| Control {
            id,
            state: State::Calling,
            invite,
            key,
            dialog: None,
            ack: None,
            wait: Some(Wait::new(PATIENCE, now)),
            asker,
            outcome: None,
        }));
        Ok(())
    }

    /// A response to the INVITE or the BYE of a control call.
    pub(crate) fn handle_control_response(
        &mut self,
        key: &ClientKey,
        response: Response,
        now: Now,
    ) {
        let Self { controls, ua, .. } = self;
        let (status, inviting) = (response.status, key.method == Method::Invite);
        if status.is_provisional() {
            return controls.step_by(key, In::Provisional, ua, now);
        }
        let sent = ua.take_sent(key);
        let challenge = [StatusCode::UNAUTHORIZED, StatusCode::PROXY_AUTHENTICATION_REQUIRED];
        if let Some(sent) = sent.filter(|_| challenge.contains(&status))
            && let Some(control) = controls.live.iter_mut().find(|control| control.key == *key)
            && control.is_wanted()
            && let Ok(again) = ua.authenticate(sent, &response, now)
        {
            control.sent_again(again, ua, now);
            return controls.settle();
        }
        let input = match (inviting, status.is_success()) {
            (true, true) => In::Accepted(response),
            (true, false) => In::Refused(status),
            (false, _) => In::ByeDone,
        };
        controls.step_by(key, input, ua, now);
    }

    /// No response came to the INVITE or the BYE of a control call; `lost`: its connection went before.
    pub(crate) fn handle_control_unanswered(&mut self, key: &ClientKey, lost: bool, now: Now) {
        let Self { controls, ua, .. } = self;
        ua.take_sent(key);
        let input = match (key.method == Method::Invite, lost) {
            (true, true) => In::Lost,
            (true, false) => In::Unanswered,
            (false, true) => In::ByeLost,
            (false, false) => In::ByeDone,
        };
        controls.step_by(key, input, ua, now);
    }

    /// A request inside the dialog of a control call. `false`: it is in none.
    pub(crate) fn handle_in_control(
        &mut self,
        id: &DialogId,
        key: &ServerKey,
        request: &Request,
        now: Now,
    ) -> bool {
        let Self { controls, ua, .. } = self;
        let Some(control) = controls.live.iter_mut().find(|control| control.is_in_dialog(id))
        else {
            return false;
        };
        let in_order = control.dialog.as_mut().is_some_and(|d| d.handle_request(request).is_ok());
        let offers = matches!(request.method, Method::Invite | Method::Update);
        let status = if !in_order {
            StatusCode::SERVER_INTERNAL_ERROR
        } else if offers {
            // There is nothing to agree on.
            StatusCode::NOT_ACCEPTABLE_HERE
        } else if request.method == Method::Bye {
            StatusCode::OK
        } else {
            uas::status_inside(&request.method)
        };
        ua.refuse(key, request, status, now);
        if request.method == Method::Bye && in_order {
            control.step(In::ByeCame, ua, now);
        }
        controls.settle();
        true
    }
}

impl Wait {
    fn new(patience: Duration, now: Now) -> Self {
        let until = now.boot + patience;
        Self { patience, until, renewed_until: Some(now.boot + DOZING) }
    }

    fn renew(&mut self, now: Now) {
        if let Some(last) = self.renewed_until {
            self.until = now.boot + self.patience;
            self.renewed_until = Some(last).filter(|last| now.boot < *last);
        }
    }
}

impl Control {
    fn step(&mut self, input: In, ua: &mut Ua, now: Now) {
        use In::{
            Accepted, ByeCame, ByeDone, ByeLost, Deadline, FlowUp, Leave, Lost, Provisional,
            Refused, Unanswered,
        };
        use State::{Bye, Calling, Cancelled, Done, GivenUp, Leaving, Over, Proceeding};
        self.state = match (self.state, input) {
            (Calling | Proceeding, Provisional) => Proceeding,
            (Calling | Proceeding, Accepted(response)) => self.done(&response, ua, now),
            (Calling | Proceeding, Refused(status)) => self.fail(failure(status.code()), ua),
            (Calling | Proceeding, Unanswered) => self.fail(ControlFailure::TimedOut, ua),
            // A 2xx that comes all the same is a stray one's: acknowledged and hung up.
            (Calling | Proceeding, Lost) => self.fail(ControlFailure::ConnectionLost, ua),
            (Calling, Deadline) => self.give_up(ua),
            (Proceeding, Deadline) => {
                self.give_up(ua);
                self.cancel(ua, now)
            }
            (state @ (Calling | Proceeding), FlowUp | Leave | ByeCame | ByeDone | ByeLost) => state,

            (GivenUp, Provisional) => self.cancel(ua, now),
            // The answer crossed our CANCEL, or came too late (RFC 3261 §9.1).
            (GivenUp | Cancelled, Accepted(response)) => self.hang_up(&response, ua, now),
            (GivenUp | Cancelled, Refused(_) | Unanswered | Lost) => Over,
            (
                state @ (GivenUp | Cancelled),
                Provisional | FlowUp | Deadline | Leave | ByeCame | ByeDone | ByeLost,
            ) => state,

            (Done | Leaving | Bye, ByeCame) => Over,
            (Done, Deadline | Leave) => self.say_bye(ua, now),
            (Leaving, FlowUp) => self.say_bye(ua, now),
            (Bye, ByeDone) => Over,
            (Bye, ByeLost) => Leaving,
            (
                state @ (Done | Leaving | Bye),
                Provisional | Accepted(_) | Refused(_) | Unanswered | Lost | ByeDone | ByeLost
                | FlowUp | Deadline | Leave,
            ) => state,

            (
                Over,
                Provisional | Accepted(_) | Refused(_) | Unanswered | Lost | ByeDone | ByeLost
                | ByeCame | FlowUp | Deadline | Leave,
            ) => Over,
        };
    }

    /// Whether a challenge to what is under way is worth an answer.
    fn is_wanted(&self) -> bool {
        matches!(self.state, State::Calling | State::Proceeding | State::Bye)
    }

    fn is_in_dialog(&self, id: &DialogId) -> bool {
        self.dialog.as_ref().is_some_and(|dialog| dialog.id == *id)
    }

    /// What was challenged has gone again, under another transaction.
    fn sent_again(&mut self, again: Option<(ClientKey, u32)>, ua: &mut Ua, now: Now) {
        let Some((key, sequence)) = again else {
            let lost = if self.key.method == Method::Invite { In::Lost } else { In::ByeLost };
            return self.step(lost, ua, now);
        };
        if let Some(dialog) = &mut self.dialog {
            dialog.local_sequence = dialog.local_sequence.max(sequence);
        } else if let Some(sent) = ua.sent(&key) {
            self.invite = sent.request.clone();
            self.state = State::Calling;
        }
        self.key = key;
    }

    /// The server has done it.
    fn done(&mut self, response: &Response, ua: &mut Ua, now: Now) -> State {
        self.conclude(Ok(()), ua);
        self.acknowledge(response, ua, now);
        self.wait = Some(Wait::new(FAREWELL, now));
        State::Done
    }

    fn fail(&mut self, reason: ControlFailure, ua: &mut Ua) -> State {
        self.conclude(Err(reason), ua);
        State::Over
    }

    /// Whoever has asked for it learns what came of it.
    fn conclude(&mut self, outcome: Result<(), ControlFailure>, ua: &mut Ua) {
        let control = self.id;
        match (self.asker, outcome) {
            (Asker::Phone, outcome) => self.outcome = Some(outcome),
            (Asker::App, Ok(())) => ua.tell(Event::ControlDone { control }),
            (Asker::App, Err(reason)) => ua.tell(Event::ControlFailed { control, reason }),
        }
    }

    /// No answer in time. What was sent on a connection that is dead has none either.
    fn give_up(&mut self, ua: &mut Ua) -> State {
        self.fail(ControlFailure::TimedOut, ua);
        self.wait = None;
        ua.doubtful |= self.state == State::Calling;
        State::GivenUp
    }

    fn cancel(&mut self, ua: &mut Ua, now: Now) -> State {
        ua.send_cancel(&self.invite, now);
        State::Cancelled
    }

    fn acknowledge(&mut self, response: &Response, ua: &mut Ua, now: Now) {
        let Ok(dialog) = dialog_of(&self.invite, response) else { return };
        let sequence = self.invite.headers.cseq().map_or(1, |cseq| cseq.sequence);
        let mut ack = dialog.ack(sequence);
        // RFC 3261 §22.1: the same credentials as the INVITE.
        ack.headers.copy_all(&self.invite.headers, &HeaderName::AUTHORIZATION);
        ack.headers.copy_all(&self.invite.headers, &HeaderName::PROXY_AUTHORIZATION);
        ua.send_ack(ack.clone(), now);
        (self.dialog, self.ack) = (Some(dialog), Some(ack));
    }

    /// An answer that nobody waits for.
    fn hang_up(&mut self, response: &Response, ua: &mut Ua, now: Now) -> State {
        self.acknowledge(response, ua, now);
        self.say_bye(ua, now)
    }

    fn say_bye(&mut self, ua: &mut Ua, now: Now) -> State {
        self.wait = None;
        let Some(dialog) = &mut self.dialog else { return State::Over };
        let bye = dialog.request(Method::Bye);
        match ua.send(bye, Owner::Control, now) {
            Some(key) => {
                self.key = key;
                State::Bye
            }
            None => State::Leaving,
        }
    }
}

/// The INVITE of a code. It asks for nothing that a call would need: no session timer, no 100rel.
fn invite(id: ControlId, to: Uri, ua: &mut Ua) -> Request {
    let (tag, call_id, offer) = (ua.token(), ua.call_id_header(), offer::inactive(ua));
    let mut invite = Request::new(Method::Invite, to.clone());
    let headers = &mut invite.headers;
    headers.push(HeaderName::MAX_FORWARDS, "70");
    headers.push(HeaderName::FROM, ua.address().with_tag(&tag).to_string());
    headers.push(HeaderName::TO, NameAddr::new(to).to_string());
    headers.push(HeaderName::CALL_ID, call_id);
    headers.push(HeaderName::CSEQ, "1 INVITE");
    headers.push(HeaderName::X_CONTROL_ID, id.to_string());
    headers.push(HeaderName::SUPPORTED, "outbound");
    invite.set_body(SDP, offer.into_bytes());
    invite
}

fn failure(status: u16) -> ControlFailure {
    match status {
        403 | 603 => ControlFailure::Forbidden,
        404 | 484 | 604 => ControlFailure::NotFound,
        486 | 600 => ControlFailure::Busy,
        480 | 503 => ControlFailure::Unavailable,
        410 => ControlFailure::Gone,
        501 => ControlFailure::NotImplemented,
        408 => ControlFailure::TimedOut,
        other => ControlFailure::Rejected(other),
    }
}
