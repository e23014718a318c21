//! What an order is made of.

/// One input. Those with a limit come as often as it says in one order; the others come where the
/// phone asks for them, and time passes as often as something is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// The INVITE, and then its retransmission.
    Invite,
    /// CANCEL of it.
    Cancel,
    /// ACK, of whatever the INVITE was answered with.
    Ack,
    /// BYE of the other side.
    Bye,
    /// INVITE of the other side inside the dialog.
    Reinvite,
    /// UPDATE of the other side with an offer.
    Update,
    /// CANCEL of that INVITE.
    Withdraw,
    /// The user signs out.
    SignOut,
    /// The user dials.
    Dial,
    /// The user answers.
    Answer,
    /// The user declines.
    Decline,
    /// The user hangs up.
    HangUp,
    /// The user holds, and then resumes.
    Hold,
    /// The user sends the other side elsewhere.
    Transfer,
    /// It refuses to go.
    Stay,
    /// NOTIFY: it has arrived there.
    Arrive,
    /// NOTIFY: nobody took it there.
    Miss,
    /// 100 to our INVITE.
    Trying,
    /// 180 to our INVITE.
    Ringing,
    /// 183 with a description.
    EarlyMedia,
    /// 200, and then the same again.
    Accept,
    /// 200 of another fork.
    AcceptOther,
    /// 486.
    Busy,
    /// 200 to a request of ours that is not the first INVITE.
    Agree,
    /// 491 to our INVITE inside the dialog.
    Glare,
    /// The connection is lost.
    FlowLost,
    /// The network is another, and the old one is gone.
    Break,
    /// The network is another, and the old one is there for a while.
    Overlap,
    /// Nothing comes over the media path any more.
    Fade,
    /// The connection that the phone asked for is there.
    FlowUp,
    /// The description that was asked for.
    Described,
    /// It cannot be made.
    NotDescribed,
    /// ICE and DTLS are done.
    Connected,
    /// They failed.
    MediaFailed,
    /// A push announces the call; each is the same.
    Push,
    /// A push takes the announcement back.
    Recall,
    /// The INVITE of a second leg of the same call.
    Fork,
    /// The user sends the caller elsewhere.
    Forward,
    /// The platform lets audio run.
    AudioOn,
    /// It does not any more.
    AudioOff,
    /// The process dies, and begins again with what it had stored.
    Kill,
    /// Time passes until something is due.
    Time,
}

impl Op {
    /// How many there are.
    pub const COUNT: usize = Self::Time as usize + 1;
}
