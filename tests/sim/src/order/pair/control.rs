//! The server's end of a control call: what it was asked, what it says to that, and what the phone may tell of it
//! (RFC 3261 §13, §15).

use super::peer::{Dialog, THEIRS};
use crate::order::script;
use sidetone_phone::{ControlFailure, ControlId};
use sidetone_sip::{HeaderName, Method, Request, Response};
use std::time::Duration;

/// The phone tells within this what came of a code.
const PATIENCE: Duration = Duration::from_secs(10);
/// 64*T1: an INVITE that has no response until then, or whose CANCEL or connection is so long ago, is forgotten on both
/// sides, and a 200 is not repeated for longer (RFC 3261 §17.1.1.2, §13.3.1.4).
const FORGOTTEN: Duration = Duration::from_secs(32);

/// What the server says at once to a request of the phone, or why that must not come.
pub(super) type Said = Result<Option<Vec<u8>>, String>;

/// What comes to a control call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The user asks for it.
    Ask,
    /// 183 to its INVITE.
    Progress,
    /// 401 to its INVITE.
    Challenge,
    /// 200 to its INVITE.
    Accept,
    /// The same 200 again.
    Repeat,
    /// 403 to its INVITE, or 487 where that was withdrawn.
    Refuse,
    /// BYE of the server.
    Bye,
    /// 200 to the phone's BYE.
    Agree,
}

/// One control call, as the server has it.
#[derive(Debug, Clone)]
pub(super) struct Control {
    pub(super) id: ControlId,
    call_id: String,
    local_tag: String,
    /// Its INVITEs, and how many of them were challenged.
    asked: u8,
    challenged: u8,
    /// The INVITE, while it has no final response.
    invite: Option<Request>,
    /// The 200 to it, which may come again while its dialog lasts.
    answer: Option<Vec<u8>>,
    /// Until when the one or the other is known.
    known: Option<Duration>,
    dialog: Dialog,
    /// 200s that the phone has not acknowledged.
    unacknowledged: u8,
    /// The phone's BYE, while it has no response.
    bye: Option<Request>,
    /// The server's BYE has no response.
    left: bool,
    /// The phone has not told yet what came of it, and does by then.
    until: Option<Duration>,
    refused: bool,
    cancelled: bool,
    /// The connection was lost under it.
    lost: bool,
}

impl Control {
    pub(super) fn new(id: ControlId) -> Self {
        Self {
            id,
            call_id: String::new(),
            local_tag: String::new(),
            asked: 0,
            challenged: 0,
            invite: None,
            answer: None,
            known: None,
            dialog: Dialog::No,
            unacknowledged: 0,
            bye: None,
            left: false,
            until: None,
            refused: false,
            cancelled: false,
            lost: false,
        }
    }

    pub(super) fn is_possible(&self, code: Code, flow: bool) -> bool {
        match code {
            Code::Ask => self.asked == 0 && self.until.is_none(),
            Code::Progress | Code::Challenge | Code::Accept | Code::Refuse => {
                flow && self.invite.is_some()
            }
            Code::Repeat => flow && self.answer.is_some(),
            Code::Bye => flow && self.dialog == Dialog::Up && !self.left,
            Code::Agree => flow && self.bye.is_some(),
        }
    }

    /// The phone has taken the code.
    pub(super) fn began(&mut self, now: Duration) {
        self.until = Some(now + PATIENCE);
    }

    /// What the server sends.
    pub(super) fn send(&mut self, code: Code, now: Duration) -> Option<Vec<u8>> {
        match code {
            Code::Ask => None,
            Code::Progress => {
                self.known = self.known.filter(|_| self.cancelled || self.lost);
                self.invite.as_ref().map(|invite| respond(invite, 183))
            }
            Code::Challenge => {
                self.challenged += 1;
                let invite = self.invite.take()?;
                let challenge = "WWW-Authenticate: Digest realm=\"pbx.test\", nonce=\"n\", \
                                 algorithm=MD5, qop=\"auth\"\r\n\r\n";
                let refusal = String::from_utf8_lossy(&respond(&invite, 401)).into_owned();
                let head = refusal.strip_suffix("\r\n").unwrap_or_default();
                Some(format!("{head}{challenge}").into_bytes())
            }
            Code::Accept => {
                self.answer = self.invite.take().map(|invite| respond(&invite, 200));
                self.dialog = Dialog::Up;
                self.known = Some(now + FORGOTTEN);
                self.unacknowledged += 1;
                self.answer.clone()
            }
            Code::Repeat => {
                self.unacknowledged += 1;
                self.answer.clone()
            }
            Code::Refuse => {
                self.refused = true;
                let status = if self.cancelled { 487 } else { 403 };
                self.invite.take().map(|invite| respond(&invite, status))
            }
            Code::Bye => {
                self.left = true;
                self.over();
                let (name, tag) = (&self.call_id, &self.local_tag);
                let bye = format!(
                    "BYE sip:agent@phone.invalid SIP/2.0\r\n\
                     Via: SIP/2.0/WSS pbx.test;branch=z9hG4bK-{}-bye\r\nMax-Forwards: 70\r\n\
                     From: <sip:*45@pbx.test>;tag={THEIRS}\r\nTo: <sip:agent@pbx.test>;tag={tag}\r\n\
                     Call-ID: {name}\r\nCSeq: 1 BYE\r\n\r\n",
                    self.id
                );
                Some(bye.into_bytes())
            }
            Code::Agree => self.bye.take().map(|bye| respond(&bye, 200)),
        }
    }

    fn over(&mut self) {
        self.dialog = Dialog::Over;
        self.answer = None;
    }

    /// A request of the phone, where it belongs to this call.
    pub(super) fn sent(&mut self, request: &Request, now: Duration) -> Option<Said> {
        let name = request.headers.call_id().unwrap_or_default();
        let control = request.headers.get(&HeaderName::X_CONTROL_ID).unwrap_or_default();
        let begins = self.call_id.is_empty() && control == self.id.to_string();
        (begins || name == self.call_id).then(|| self.take(request, now))
    }

    fn take(&mut self, request: &Request, now: Duration) -> Said {
        let (id, to) = (self.id, request.headers.to().map_err(|error| error.to_string())?);
        match request.method {
            Method::Invite => {
                let body = String::from_utf8_lossy(&request.body);
                if to.tag().is_some() || !body.contains("a=inactive") {
                    return Err(format!("control call {id} asks for audio"));
                }
                self.asked += 1;
                if self.asked > self.challenged + 1 {
                    return Err(format!("control call {id} was sent twice"));
                }
                let from = request.headers.from().map_err(|error| error.to_string())?;
                self.local_tag = from.tag().unwrap_or_default().to_owned();
                self.call_id = request.headers.call_id().unwrap_or_default().to_owned();
                (self.invite, self.known) = (Some(request.clone()), Some(now + FORGOTTEN));
                Ok(None)
            }
            Method::Ack => {
                // That of a refusal is its transaction's.
                self.unacknowledged = self.unacknowledged.saturating_sub(1);
                Ok(None)
            }
            Method::Cancel => {
                (self.cancelled, self.known) = (true, Some(now + FORGOTTEN));
                Ok(Some(respond(request, 200)))
            }
            Method::Bye => {
                if self.dialog == Dialog::No {
                    return Err(format!("control call {id} is hung up, and was not answered"));
                }
                self.over();
                self.bye = Some(request.clone());
                Ok(None)
            }
            Method::Register
            | Method::Options
            | Method::Prack
            | Method::Update
            | Method::Info
            | Method::Refer
            | Method::Subscribe
            | Method::Notify
            | Method::Message
            | Method::Publish
            | Method::Other(_) => Err(format!("control call {id} sends {}", request.method)),
        }
    }

    /// A response of the phone, where it belongs to this call.
    pub(super) fn responded(&mut self, response: &Response) {
        let is_it = response.headers.call_id().is_ok_and(|name| name == self.call_id);
        self.left &= !is_it;
    }

    /// The connection is lost: what the phone asked for has no response on it.
    pub(super) fn flow_lost(&mut self, now: Duration) {
        self.lost |= self.invite.is_some();
        if self.invite.is_some() {
            self.known = Some(now + FORGOTTEN);
        }
        self.bye = None;
        self.left = false;
        // The server still has the INVITE, and may answer it on the next connection.
        self.unacknowledged = 0;
    }

    /// The phone says what came of it; `None`: it is done.
    ///
    /// # Errors
    /// It did not come to that.
    pub(super) fn ended(
        &mut self,
        failure: Option<ControlFailure>,
        now: Duration,
    ) -> Result<(), String> {
        let until = self.until.take();
        let fits = match failure {
            None => self.dialog == Dialog::Up,
            Some(ControlFailure::Forbidden) => self.refused,
            Some(ControlFailure::TimedOut) => until.is_some_and(|until| now >= until),
            Some(ControlFailure::ConnectionLost) => self.lost,
            Some(
                ControlFailure::NotFound
                | ControlFailure::Busy
                | ControlFailure::Unavailable
                | ControlFailure::Gone
                | ControlFailure::NotImplemented
                | ControlFailure::Rejected(_),
            ) => false,
        };
        match fits {
            true => Ok(()),
            false => Err(format!("control call {} ended with {failure:?}", self.id)),
        }
    }

    /// What must hold after each step. `rests`: nothing is under way or due.
    pub(super) fn check(&mut self, now: Duration, rests: bool) -> Result<(), String> {
        let id = self.id;
        if self.known.take_if(|until| now >= *until).is_some() {
            (self.invite, self.answer) = (None, None);
        }
        if self.until.is_some_and(|until| now > until) {
            return Err(format!("nothing is told of control call {id} within {PATIENCE:?}"));
        }
        if self.unacknowledged > 0 {
            return Err(format!("a 200 of control call {id} has no ACK"));
        }
        if self.left {
            return Err(format!("the BYE of control call {id} has no response"));
        }
        if rests && self.dialog == Dialog::Up {
            return Err(format!("control call {id} is forgotten, and its dialog is not over"));
        }
        Ok(())
    }

    /// The server sends no 2xx to its INVITE any more.
    pub(super) fn is_answered(&self) -> bool {
        self.invite.is_none() && self.answer.is_none()
    }

    /// Nothing of it is under way.
    pub(super) fn rests(&self) -> bool {
        // What the phone does not wait for any more may stay without a response.
        self.until.is_none() && self.bye.is_none()
    }
}

fn respond(request: &Request, status: u16) -> Vec<u8> {
    let body = if status == 200 && request.method == Method::Invite { script::SDP } else { "" };
    script::response(request, status, THEIRS, body)
}
