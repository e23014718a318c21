//! Transfers: the other side of this call is asked to go elsewhere, and tells how it goes there
//! (RFC 3515, RFC 5589 §6 and §7, RFC 3891, RFC 3892).

use super::{Call, State};
use crate::ua::Ua;
use crate::{CallId, CommandError, EndReason, Event, Now, Party};
use sidetone_sip::transaction::ClientKey;
use sidetone_sip::{HeaderName, Method, Request, Response, StatusCode, Uri};
use std::time::Duration;

/// How long a transfer may take: as long as the target may ring.
const TRANSFER_LIMIT: Duration = Duration::from_secs(180);

/// Where the other side is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    /// What Refer-To says.
    refer_to: Uri,
    /// What people see.
    party: Party,
    /// The call that it takes the place of this phone in.
    with: Option<CallId>,
}

impl Destination {
    /// An address.
    pub(crate) fn address(uri: Uri) -> Self {
        let party = Party { name: None, uri: uri.to_string() };
        Self { refer_to: uri, party, with: None }
    }

    /// The other side of a call that is answered: `Replaces` names its dialog as that side knows it
    /// (RFC 3891 §3).
    pub(crate) fn other_side_of(call: &Call) -> Option<Self> {
        let dialog = call.dialog.as_ref().filter(|_| call.is_up())?;
        let id = &dialog.id;
        let replaces = format!("{};to-tag={};from-tag={}", id.call_id, id.remote_tag, id.local_tag);
        let mut refer_to = dialog.remote_target.clone();
        refer_to.headers = None;
        refer_to.params.remove("method");
        refer_to.push_header(HeaderName::REPLACES.as_str(), &replaces);
        Some(Self { refer_to, party: call.remote.clone(), with: Some(call.id) })
    }
}

/// A transfer under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Transfer {
    to: Party,
    with: Option<CallId>,
    refer_to: Uri,
    /// The REFER's transaction, until its final response.
    key: Option<ClientKey>,
    /// It went down with its flow.
    lost: bool,
    /// What was told of it last.
    told: Option<u16>,
    pub(super) until: Duration,
}

/// What another call's transfer would do to this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    by: CallId,
    /// Whom it brings.
    party: String,
    /// The other side has taken the REFER: this call's may say good-bye at any time.
    agreed: bool,
}

/// How a transfer goes, as a NOTIFY tells (RFC 3515 §2.4.4 and §2.4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The status line in its body.
    status: Option<StatusCode>,
    /// Nothing more will be told.
    over: bool,
}

impl Progress {
    /// What a NOTIFY of a REFER says; `None` where it is of something else.
    pub(crate) fn of(notify: &Request) -> Option<Self> {
        let event = notify.headers.get(&HeaderName::EVENT)?;
        let refer = event.split(';').next().is_some_and(|e| e.trim().eq_ignore_ascii_case("refer"));
        if notify.method != Method::Notify || !refer {
            return None;
        }
        let state = notify.headers.get(&HeaderName::SUBSCRIPTION_STATE).unwrap_or_default();
        let state = state.split(';').next().unwrap_or_default().trim();
        let line = notify.body.split(|byte| b"\r\n".contains(byte)).next().unwrap_or_default();
        Some(Self { status: status_of(line), over: state.eq_ignore_ascii_case("terminated") })
    }
}

/// The code of a status line (RFC 3261 §7.2).
fn status_of(line: &[u8]) -> Option<StatusCode> {
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    words.next().filter(|version| version.eq_ignore_ascii_case("SIP/2.0"))?;
    StatusCode::new(words.next()?.parse().ok()?)
}

impl Call {
    /// Asks the other side to go there.
    pub(super) fn refer(
        &mut self,
        to: Destination,
        ua: &mut Ua,
        now: Now,
    ) -> Result<(), CommandError> {
        if self.is_supervision() {
            return Err(CommandError::Supervising);
        }
        if self.transfer.is_some() || self.taken_by.is_some() {
            return Err(CommandError::Transferring);
        }
        let key = self.send_refer(&to.refer_to, ua, now).ok_or(CommandError::NotRegistered)?;
        let until = now.boot + TRANSFER_LIMIT;
        let Destination { party: to, with, refer_to } = to;
        self.transfer =
            Some(Transfer { to, with, refer_to, key: Some(key), lost: false, told: None, until });
        Ok(())
    }

    fn send_refer(&mut self, to: &Uri, ua: &mut Ua, now: Now) -> Option<ClientKey> {
        let by = ua.address().to_string();
        let fill = |_: &Self, request: &mut Request| {
            request.headers.push(HeaderName::REFER_TO, format!("<{to}>"));
            request.headers.push(HeaderName::REFERRED_BY, by);
        };
        self.send_inside(Method::Refer, fill, ua, now)
    }

    /// The REFER went down with its flow.
    pub(super) fn refer_lost(&mut self) {
        if let Some(transfer) = &mut self.transfer {
            (transfer.key, transfer.lost) = (None, true);
        }
    }

    /// It goes again on the next, unless the other side tells of it already: where it has arrived, and the
    /// call has gone, the answer says so.
    pub(super) fn refer_again(&mut self, ua: &mut Ua, now: Now) {
        let Some(transfer) = &self.transfer else { return };
        if !transfer.lost {
            return;
        }
        let to = transfer.refer_to.clone();
        let key = self.send_refer(&to, ua, now);
        if let Some(transfer) = &mut self.transfer {
            (transfer.lost, transfer.key) = (key.is_none(), key);
        }
    }

    /// Whether this transaction is our REFER.
    pub(crate) fn is_referring_by(&self, key: &ClientKey) -> bool {
        self.transfer.as_ref().is_some_and(|transfer| transfer.key.as_ref() == Some(key))
    }

    /// The REFER was challenged and sent again.
    pub(super) fn referred_again(&mut self, key: &ClientKey, again: &Option<(ClientKey, u32)>) {
        if let (Some(transfer), Some((again, _))) = (&mut self.transfer, again)
            && transfer.key.as_ref() == Some(key)
        {
            transfer.key = Some(again.clone());
        }
    }

    /// Taken or refused; without an answer nobody will tell of it either.
    pub(super) fn refer_answered(&mut self, response: Option<&Response>, ua: &mut Ua) {
        let Some(transfer) = &mut self.transfer else { return };
        transfer.key = None;
        match response {
            Some(response) if response.status.is_success() => {}
            Some(response) => {
                let (code, phrase) = (response.status.code(), response.status.reason());
                self.transfer_failed(&format!("the server refused it ({code} {phrase})"), ua);
            }
            None => self.transfer_failed("the server did not answer", ua),
        }
    }

    /// A NOTIFY tells how it goes. Once the target has answered our part is done, and it is this
    /// side that says good-bye (RFC 5589 §6.1).
    pub(super) fn transfer_goes(&mut self, progress: Progress, ua: &mut Ua, now: Now) {
        let Some(transfer) = &mut self.transfer else { return };
        let Progress { status, over } = progress;
        match status {
            Some(status) if status.is_success() => {
                let to = transfer.to.uri.clone();
                self.hang_up(EndReason::Transferred(to), ua, now);
            }
            Some(status) if !status.is_provisional() => {
                let (code, phrase) = (status.code(), status.reason());
                self.transfer_failed(
                    &format!("the target cannot be reached ({code} {phrase})"),
                    ua,
                );
            }
            Some(_) | None if over => {
                self.transfer_failed("the server does not say what came of it", ua);
            }
            Some(status) if transfer.told != Some(status.code()) => {
                let status = status.code();
                transfer.told = Some(status);
                let to = transfer.to.clone();
                ua.tell(Event::TransferProgress { call: self.id, to, status });
            }
            Some(_) | None => {}
        }
    }

    /// It came to nothing.
    pub(super) fn transfer_failed(&mut self, why: &str, ua: &mut Ua) {
        if self.transfer.take().is_some() {
            ua.tell(Event::TransferFailed { call: self.id, reason: why.to_owned() });
        }
    }

    /// What the other side's BYE means: it may go as soon as it was told where to.
    pub(super) fn transferred(&self) -> Option<EndReason> {
        let by_refer = self.transfer.as_ref().filter(|transfer| transfer.key.is_none());
        let taken = self.taken_by.as_ref().filter(|taken| taken.agreed);
        let to = by_refer.map(|transfer| &transfer.to.uri);
        let to = to.or(taken.map(|taken| &taken.party))?;
        Some(EndReason::Transferred(to.clone()))
    }

    /// Whether NOTIFY of a REFER is waited for: while it is under way, and while the call ends on what it said.
    pub(crate) fn takes_progress(&self) -> bool {
        self.transfer.is_some() || !self.is_up()
    }

    /// Where the other side is being sent.
    pub(super) fn transfer_target(&self) -> Option<Party> {
        self.transfer.as_ref().map(|transfer| transfer.to.clone())
    }

    /// The other side is about to be brought together with that of this call.
    pub(crate) fn expect_taking(&mut self, by: &Self) {
        self.taken_by = Some(Taken { by: by.id, party: by.remote.uri.clone(), agreed: false });
    }

    /// The call whose transfer would end this one, and whom it brings.
    pub(crate) fn taken_by(&self) -> Option<(CallId, String)> {
        self.taken_by.as_ref().map(|taken| (taken.by, taken.party.clone()))
    }

    /// The other side of that call is on its way to this one's.
    pub(crate) fn about_to_be_taken(&mut self) {
        self.taken_by.iter_mut().for_each(|taken| taken.agreed = true);
    }

    /// The transfer that would have ended this call came to nothing.
    pub(crate) fn not_taken(&mut self) {
        self.taken_by = None;
    }

    /// Whether its other side is being sent elsewhere, or brought to another.
    pub(crate) fn is_transferring(&self) -> bool {
        self.transfer.is_some() || self.taken_by.is_some()
    }

    /// Whether the transfer to that call is under way, or what came of it.
    pub(crate) fn transfer_to(&self, with: CallId) -> Outcome {
        let under_way = self.transfer.as_ref().filter(|transfer| transfer.with == Some(with));
        match (self.state, &self.reason, under_way) {
            (State::Ending | State::Ended, Some(EndReason::Transferred(_)), _) => Outcome::Arrived,
            (State::Ending | State::Ended, _, _) | (_, _, None) => Outcome::Failed,
            (_, _, Some(transfer)) if transfer.key.is_none() => Outcome::Agreed,
            (_, _, Some(_)) => Outcome::Asked,
        }
    }
}

/// What came of a transfer to another call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Asked,
    Agreed,
    Arrived,
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notify(event: &str, state: &str, body: &str) -> Request {
        let mut request = Request::new(Method::Notify, Uri::parse("sip:a@b").unwrap());
        request.headers.push(HeaderName::EVENT, event);
        request.headers.push(HeaderName::SUBSCRIPTION_STATE, state);
        request.set_body("message/sipfrag;version=2.0", body.as_bytes().to_vec());
        request
    }

    #[test]
    fn a_notify_says_how_the_transfer_goes() {
        let read = |event, state, body| {
            Progress::of(&notify(event, state, body)).map(|p| (p.status.map(|s| s.code()), p.over))
        };
        let active = "active;expires=60";
        let over = "terminated;reason=noresource";
        assert_eq!(read("refer", active, "SIP/2.0 100 Trying\r\n"), Some((Some(100), false)));
        assert_eq!(read("Refer;id=7", over, "SIP/2.0 200 OK"), Some((Some(200), true)));
        assert_eq!(read("refer", over, "SIP/2.0 486\r\nX: y\r\n"), Some((Some(486), true)));
        assert_eq!(read("refer", over, "nonsense"), Some((None, true)));
        assert_eq!(read("refer", "active", "SIP/2.0 9999 x"), Some((None, false)));
        assert_eq!(read("message-summary", active, "SIP/2.0 200 OK"), None);
    }
}
