//! One leg: its dialog (RFC 3261 §12, written apart from `sidetone_sip::dialog` on purpose, so that
//! two bugs do not cancel) and where its INVITE and its media stand.

use crate::call::CallKey;
use crate::push::AttemptKey;
use crate::recording::Recorder;
use crate::team::Talk;
use crate::timed::{Table, Timed};
use crate::{FlowId, Generation, LegId, LegPhase, MediaDirection};
use sidetone_sip::transaction::{ClientKey, ServerKey};
use sidetone_sip::{HeaderName, Method, ParseError, Request, Response, Uri};
use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// The peer relationship, kept as the text that goes on the wire.
#[derive(Debug, Clone)]
pub(crate) struct LegDialog {
    pub(crate) call_id: String,
    local: String,
    local_tag: String,
    remote: String,
    remote_tag: String,
    pub(crate) target: Uri,
    routes: Vec<String>,
    local_sequence: u32,
    remote_sequence: Option<u32>,
}

impl LegDialog {
    /// The side that was called.
    pub(crate) fn called(request: &Request, target: Uri, tag: &str) -> Result<Self, ParseError> {
        let headers = &request.headers;
        let text = |name: &HeaderName| headers.get(name).unwrap_or_default().into_owned();
        Ok(Self {
            call_id: headers.call_id()?,
            local: format!("{};tag={tag}", text(&HeaderName::TO)),
            local_tag: tag.to_owned(),
            remote: text(&HeaderName::FROM),
            remote_tag: headers.from()?.tag().unwrap_or_default().to_owned(),
            target,
            routes: headers.list(&HeaderName::RECORD_ROUTE),
            local_sequence: 0,
            remote_sequence: Some(headers.cseq()?.sequence),
        })
    }

    /// The side that calls; the other's tag is not known yet.
    pub(crate) fn calling(call_id: String, from: &str, tag: String, target: Uri) -> Self {
        Self {
            call_id,
            local: format!("{from};tag={tag}"),
            local_tag: tag,
            remote: format!("<{target}>"),
            remote_tag: String::new(),
            target,
            routes: Vec::new(),
            local_sequence: 0,
            remote_sequence: None,
        }
    }

    /// A provisional response names the other side of an early dialog (RFC 3261 §12.1.2).
    pub(crate) fn begin(&mut self, response: &Response) {
        if let (true, Ok(to)) = (self.remote_tag.is_empty(), response.headers.to()) {
            self.remote_tag = to.tag().unwrap_or_default().to_owned();
        }
    }

    /// A 2xx to the INVITE makes it a dialog (RFC 3261 §12.1.2).
    pub(crate) fn confirm(&mut self, response: &Response, target: Option<Uri>) {
        let headers = &response.headers;
        if let Ok(to) = headers.to() {
            self.remote_tag = to.tag().unwrap_or_default().to_owned();
            self.remote = headers.get(&HeaderName::TO).unwrap_or_default().into_owned();
        }
        self.routes = headers.list(&HeaderName::RECORD_ROUTE);
        self.routes.reverse();
        self.target = target.unwrap_or_else(|| self.target.clone());
    }

    /// Whether a request of the other side belongs here.
    pub(crate) fn is_of(&self, request: &Request) -> bool {
        let headers = &request.headers;
        let tag_is = |address: Result<sidetone_sip::NameAddr, ParseError>, tag: &str| {
            address.is_ok_and(|address| address.tag().unwrap_or_default() == tag)
        };
        headers.call_id().as_ref() == Ok(&self.call_id)
            && tag_is(headers.to(), &self.local_tag)
            && tag_is(headers.from(), &self.remote_tag)
    }

    /// Whether these name it, as the other side wrote them (RFC 3891 §3).
    pub(crate) fn is_named(&self, call_id: &str, local_tag: &str, remote_tag: &str) -> bool {
        self.call_id == call_id && self.local_tag == local_tag && self.remote_tag == remote_tag
    }

    /// Takes a request's number; `false` where it is older than the last (RFC 3261 §12.2.2).
    pub(crate) fn takes(&mut self, request: &Request) -> bool {
        let Ok(cseq) = request.headers.cseq() else { return false };
        if self.remote_sequence.is_some_and(|last| cseq.sequence <= last) {
            return false;
        }
        self.remote_sequence = Some(cseq.sequence);
        true
    }

    /// The next request; Via and Contact are the sender's.
    pub(crate) fn request(&mut self, method: Method) -> Request {
        self.local_sequence += 1;
        self.numbered(method, self.local_sequence)
    }

    /// The ACK of a 2xx (RFC 3261 §13.2.2.4).
    pub(crate) fn ack(&self, sequence: u32) -> Request {
        self.numbered(Method::Ack, sequence)
    }

    fn numbered(&self, method: Method, sequence: u32) -> Request {
        let cseq = format!("{sequence} {method}");
        let mut request = Request::new(method, self.target.clone());
        request.headers.push(HeaderName::MAX_FORWARDS, "70");
        for route in &self.routes {
            request.headers.push(HeaderName::ROUTE, route.as_str());
        }
        request.headers.push(HeaderName::FROM, self.local.as_str());
        request.headers.push(HeaderName::TO, self.remote.as_str());
        request.headers.push(HeaderName::CALL_ID, self.call_id.as_str());
        request.headers.push(HeaderName::CSEQ, cseq);
        request
    }

    /// Our tag.
    pub(crate) fn local_tag(&self) -> &str {
        &self.local_tag
    }
}

/// Where the leg's INVITE stands.
#[derive(Debug, Clone)]
pub(crate) enum Stage {
    /// They called: no final response yet.
    Received { invite: Box<Request> },
    /// We call: the offer is being described.
    Describing { headers: Vec<(HeaderName, String)> },
    /// We call: INVITE sent.
    Calling { key: ClientKey, invite: Box<Request>, is_ringing: bool, has_answer: bool },
    /// We do not want it any more: CANCEL is sent, or waits for a provisional response
    /// (RFC 3261 §9.1).
    Cancelling { key: ClientKey, cancel: Option<Box<Request>> },
    /// Answered.
    Confirmed,
    /// BYE goes as soon as the ACK came, or is on its way.
    Terminating { bye: Option<ClientKey> },
}

/// A 2xx of ours that waits for its ACK (RFC 3261 §13.3.1.4).
#[derive(Debug, Clone)]
pub(crate) struct Unacknowledged {
    pub(crate) sequence: u32,
    pub(crate) key: ServerKey,
    pub(crate) response: Box<Response>,
    pub(crate) resend_at: Duration,
    pub(crate) interval: Duration,
    pub(crate) until: Duration,
}

/// What a description that was asked for is for.
#[derive(Debug, Clone)]
pub(crate) enum Purpose {
    /// The answer to the first INVITE of a caller.
    FirstAnswer,
    /// The offer in our first INVITE.
    FirstOffer,
    /// The answer to an INVITE inside the dialog.
    Answer { key: ServerKey, request: Box<Request>, offered: MediaDirection },
    /// The offer in an INVITE inside the dialog.
    Offer,
}

/// One party's part of a call.
#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) id: LegId,
    /// The call that wants it; none once it is being hung up.
    pub(crate) call: Option<CallKey>,
    /// The attempt that rings it, or rang it.
    pub(crate) attempt: Option<AttemptKey>,
    pub(crate) user: String,
    pub(crate) flow: FlowId,
    pub(crate) is_caller: bool,
    /// A code of the agents, which keeps nobody busy.
    pub(crate) is_code: bool,
    /// The call of a queue that it was answered for: when it ends its user has something to write down.
    pub(crate) talk: Option<Talk>,
    /// The server transaction of the first INVITE, where they called.
    pub(crate) invite_key: Option<ServerKey>,
    pub(crate) dialog: LegDialog,
    pub(crate) stage: Stage,
    pub(crate) generation: Generation,
    pub(crate) describing: Option<Purpose>,
    /// Our description for the first answer.
    pub(crate) sdp: Option<String>,
    /// Their direction, as they described it last.
    pub(crate) direction: MediaDirection,
    pub(crate) has_media: bool,
    pub(crate) unacknowledged: Option<Unacknowledged>,
    /// Our INVITE inside the dialog.
    pub(crate) offer: Option<ClientKey>,
    /// Its other side was sent on: until then its phone may say BYE by itself.
    pub(crate) leaves_by: Option<Duration>,
    /// Our REFER, until its final response, and what comes of it is waited for.
    pub(crate) refer: Option<ClientKey>,
    /// What is recorded of it.
    pub(crate) recorder: Recorder,
    /// The ACKs of 2xx that may be repeated.
    pub(crate) last_ack: Option<(ClientKey, Vec<u8>)>,
}

impl Leg {
    /// Where it stands, as it is to be seen.
    pub(crate) fn phase(&self) -> LegPhase {
        match self.stage {
            Stage::Received { .. } | Stage::Describing { .. } | Stage::Calling { .. } => {
                LegPhase::Early
            }
            Stage::Cancelling { .. } => LegPhase::Cancelling,
            Stage::Confirmed => LegPhase::Confirmed,
            Stage::Terminating { .. } => LegPhase::Terminating,
        }
    }

    /// Whether its user does not listen.
    pub(crate) fn is_held(&self) -> bool {
        !crate::sdp::listens(self.direction)
    }

    /// Whether this client transaction is one of its own.
    pub(crate) fn owns(&self, key: &ClientKey) -> bool {
        let of_stage = match &self.stage {
            Stage::Calling { key, .. } | Stage::Cancelling { key, .. } => Some(key),
            Stage::Terminating { bye } => bye.as_ref(),
            Stage::Received { .. } | Stage::Describing { .. } | Stage::Confirmed => None,
        };
        of_stage == Some(key)
            || self.offer.as_ref() == Some(key)
            || self.refer.as_ref() == Some(key)
            || self.last_ack.as_ref().is_some_and(|(acked, _)| acked == key)
    }
}

impl Timed for Leg {
    fn next_timeout(&self) -> Option<Duration> {
        let answer = self.unacknowledged.as_ref().map(|wait| wait.resend_at.min(wait.until));
        answer.into_iter().chain(self.leaves_by).min()
    }
}

/// All legs, by number; those of one Call-ID are found at once.
#[derive(Debug, Default)]
pub(crate) struct Legs {
    all: Table<LegId, Leg>,
    by_call_id: BTreeSet<(String, LegId)>,
}

impl Deref for Legs {
    type Target = Table<LegId, Leg>;

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

impl DerefMut for Legs {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.all
    }
}

impl Legs {
    /// Another.
    pub(crate) fn insert(&mut self, leg: Leg) {
        self.by_call_id.insert((leg.dialog.call_id.clone(), leg.id));
        self.all.insert(leg.id, leg);
    }

    /// One less.
    pub(crate) fn remove(&mut self, id: &LegId) -> Option<Leg> {
        let leg = self.all.remove(id)?;
        self.by_call_id.remove(&(leg.dialog.call_id.clone(), *id));
        Some(leg)
    }

    /// Those of one Call-ID, oldest first.
    pub(crate) fn of_call_id(&self, call_id: &str) -> impl Iterator<Item = &Leg> {
        let first = (call_id.to_owned(), LegId(0));
        let of_one = self.by_call_id.range(first..).take_while(move |(id, _)| id == call_id);
        of_one.filter_map(|(_, leg)| self.all.get(leg))
    }

    /// The leg whose dialog a request of the other side belongs to.
    pub(crate) fn in_dialog(&self, request: &Request) -> Option<&Leg> {
        let call_id = request.headers.call_id().ok()?;
        self.of_call_id(&call_id).find(|leg| leg.dialog.is_of(request))
    }
}
