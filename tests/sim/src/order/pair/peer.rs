//! The other side of one of two calls, as text: its requests, its responses, and what it knows.

use crate::order::script;
use sidetone_phone::{CallId, EndReason, Generation};
use sidetone_sip::sdp::Direction;
use sidetone_sip::{Method, Request};

/// How far the dialog is, as this side knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialog {
    No,
    Up,
    Over,
}

/// What a user or this side did that a call may end for.
#[derive(Debug, Clone, Default)]
pub(super) struct Done {
    pub(super) hung_up: bool,
    pub(super) bye: bool,
    pub(super) cancelled: bool,
    pub(super) busy: bool,
    /// A transfer took this call along.
    pub(super) moved: bool,
    /// The phone has agreed to go elsewhere.
    pub(super) sent_on: bool,
}

/// One other side.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) call: CallId,
    /// The phone calls it.
    pub(super) is_called: bool,
    pub(super) call_id: String,
    pub(super) local_tag: String,
    pub(super) dialog: Dialog,
    /// Its last CSeq number.
    cseq: u32,
    /// Its INVITE without a final response, and whether that is to hold.
    pub(super) asking: Option<(u32, bool)>,
    /// The phone's 2xx that waits for its ACK.
    pub(super) to_acknowledge: Option<u32>,
    /// It holds.
    pub(super) holds: bool,
    /// It is held, by what the phone's description says that it agreed to.
    pub(super) held: bool,
    /// The phone's requests that wait for a response.
    pub(super) invite: Option<Request>,
    pub(super) inside: Vec<Request>,
    /// As many of those inside, and the first INVITE, came on a flow whose place another took.
    pub(super) on_old: usize,
    pub(super) invite_on_old: bool,
    /// It has agreed to go elsewhere, and tells how that goes.
    pub(super) goes: bool,
    pub(super) describing: Option<(Generation, Direction)>,
    /// Media of the call exists; `true` once it was reported connected.
    pub(super) media: Option<bool>,
    /// Its path is that of a network which is another now.
    pub(super) stale: bool,
    /// A new path was asked for.
    pub(super) restarts: bool,
    /// It is agreed on, and is found.
    pub(super) finds: bool,
    pub(super) uplink: bool,
    pub(super) downlink: bool,
    /// The last hold or resume came to nothing.
    pub(super) refused: bool,
    pub(super) done: Done,
}

impl Peer {
    /// The side that calls the phone.
    pub(super) fn caller(call: CallId, call_id: &str) -> Self {
        Self {
            call,
            is_called: false,
            call_id: call_id.to_owned(),
            local_tag: String::new(),
            dialog: Dialog::No,
            cseq: 0,
            asking: None,
            to_acknowledge: None,
            holds: false,
            held: false,
            invite: None,
            inside: Vec::new(),
            on_old: 0,
            invite_on_old: false,
            goes: false,
            describing: None,
            media: None,
            stale: false,
            restarts: false,
            finds: false,
            uplink: false,
            downlink: false,
            refused: false,
            done: Done::default(),
        }
    }

    /// The side that the phone calls.
    pub(super) fn called(call: CallId) -> Self {
        Self { is_called: true, ..Self::caller(call, "") }
    }

    /// Its next request, with its number.
    pub(super) fn request(&mut self, method: &str, head: &str, body: &str) -> Vec<u8> {
        self.cseq += 1;
        self.request_of(method, self.cseq, head, body)
    }

    /// A request of this number; CANCEL and ACK have their INVITE's.
    pub(super) fn request_of(&self, method: &str, cseq: u32, head: &str, body: &str) -> Vec<u8> {
        let from = if self.is_called { "600" } else { "caller" };
        let tag = match self.local_tag.is_empty() || (method == "CANCEL" && cseq == 1) {
            true => String::new(),
            false => format!(";tag={}", self.local_tag),
        };
        let (call, name) = (self.call, &self.call_id);
        // The ACK of a 2xx has a branch of its own.
        let of = if head == "2xx" { "ack" } else { "invite" };
        let branch = match method {
            "CANCEL" => format!("{name}-{cseq}-invite"),
            "ACK" => format!("{name}-{cseq}-{of}"),
            _ => format!("{name}-{cseq}-{}", method.to_ascii_lowercase()),
        };
        let head = if method == "ACK" { "" } else { head };
        let content =
            if body.starts_with("v=0") { "Content-Type: application/sdp\r\n" } else { "" };
        format!(
            "{method} sip:agent@phone.invalid SIP/2.0\r\nVia: SIP/2.0/WSS pbx.test;branch=z9hG4bK-{branch}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{from}@pbx.test>;tag={THEIRS}\r\nTo: <sip:agent@pbx.test>{tag}\r\n\
             Call-ID: {name}\r\nCSeq: {cseq} {method}\r\nContact: <sip:peer@pbx.test;transport=ws>\r\n\
             X-Call-UID: {call}\r\n{content}{head}\r\n{body}"
        )
        .into_bytes()
    }

    /// Its INVITE, the first or one inside the dialog that holds or resumes.
    pub(super) fn offer(&mut self, hold: bool) -> Vec<u8> {
        let bytes = self.request("INVITE", "", &described(Direction::new(true, !hold)));
        self.asking = Some((self.cseq, hold));
        bytes
    }

    /// What it tells of its going elsewhere.
    pub(super) fn notify(&mut self, status: &str) -> Vec<u8> {
        self.goes = false;
        let head = "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n\
                    Content-Type: message/sipfrag;version=2.0\r\n";
        self.request("NOTIFY", head, &format!("SIP/2.0 {status}\r\n"))
    }

    /// Its answer to the phone's INVITE.
    pub(super) fn respond_to_invite(&mut self, status: u16) -> Option<Vec<u8>> {
        let invite = self.invite.clone()?;
        if status >= 200 {
            self.invite = None;
        }
        if status == 200 {
            self.dialog = Dialog::Up;
        }
        let body = if status == 200 { self.answer(&invite) } else { String::new() };
        Some(script::response(&invite, status, THEIRS, &body))
    }

    /// Its answer to the first request inside the dialog that waits.
    pub(super) fn respond_inside(&mut self, status: u16) -> Option<Vec<u8>> {
        if self.inside.is_empty() {
            return None;
        }
        let request = self.inside.remove(0);
        self.goes |= request.method == Method::Refer && status < 300;
        let is_agreed = request.method == Method::Invite && status < 300;
        let body = if is_agreed { self.answer(&request) } else { String::new() };
        Some(script::response(&request, status, THEIRS, &body))
    }

    fn answer(&mut self, offer: &Request) -> String {
        let offered = direction_of(&offer.body);
        self.held = !offered.receives();
        described(offered.answer(Direction::new(true, !self.holds)))
    }

    /// The phone's final response to its INVITE.
    pub(super) fn answered(&mut self, cseq: u32, status: u16, body: &[u8]) {
        let asked = self.asking.take_if(|(asked, _)| *asked == cseq);
        if status >= 300 {
            return;
        }
        self.to_acknowledge = Some(cseq);
        if let Some((_, hold)) = asked {
            self.holds = hold;
        }
        self.held = !direction_of(body).receives();
        if self.dialog == Dialog::No {
            self.dialog = Dialog::Up;
        }
    }

    /// It has sent nothing yet.
    pub(super) fn is_new(&self) -> bool {
        self.cseq == 0
    }

    /// A description is made, or a new path over the flow that is there: that takes no time.
    pub(super) fn is_described(&self, flow: bool) -> bool {
        self.describing.is_some() || (flow && (self.restarts || self.finds))
    }

    /// Nothing between it and the phone is under way.
    pub(super) fn rests(&self) -> bool {
        let asked = self.asking.is_some() || self.to_acknowledge.is_some();
        let asks = self.invite.is_some() || !self.inside.is_empty() || self.describing.is_some();
        !asked && !asks && self.media != Some(false)
    }

    /// Why the call ended fits what was done.
    pub(super) fn check_reason(&self, reason: &EndReason) -> Result<(), String> {
        let done = &self.done;
        let fits = match reason {
            EndReason::Local | EndReason::Declined(_) => done.hung_up,
            EndReason::Remote => done.bye,
            EndReason::Cancelled => done.cancelled,
            EndReason::Transferred(_) => done.moved,
            EndReason::Busy => done.busy,
            // The phone hangs up where the other side does not.
            EndReason::Referred(_) => done.sent_on,
            EndReason::TimedOut
            | EndReason::NetworkLost
            | EndReason::NoAnswer
            | EndReason::Media(_) => true,
            EndReason::AnsweredElsewhere
            | EndReason::Refused
            | EndReason::Unreachable(_)
            | EndReason::Rejected { .. }
            | EndReason::NeverCame
            | EndReason::Forwarded(_)
            | EndReason::Supervision(_)
            | EndReason::UnreadablePush
            | EndReason::NotSignedIn
            | EndReason::Restarted => false,
        };
        match fits {
            true => Ok(()),
            false => Err(format!("call {} ended: {reason:?}, after {done:?}", self.call)),
        }
    }
}

/// The tag of each other side.
pub(super) const THEIRS: &str = "theirs";

/// A description of this direction.
pub(super) fn described(direction: Direction) -> String {
    script::SDP.replace("sendrecv", direction.as_str())
}

fn direction_of(body: &[u8]) -> Direction {
    let text = String::from_utf8_lossy(body);
    let mut names = text.lines().filter_map(|line| line.strip_prefix("a="));
    names.find_map(Direction::from_name).unwrap_or(Direction::new(true, true))
}
