//! What the app may ask, and why it may be refused.

use super::{
    AgentRequest, CallId, ControlId, MessageId, PushToken, RecordingAction, RecordingId,
    SupervisionMode,
};

/// What the app asks. Every command is idempotent or typed as refused; hold and mute are set, never
/// toggled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Sign in: open a flow and register, now and again until [`Command::Unregister`]. Where that is
    /// done the binding is refreshed at once, which shows whether the server still answers.
    Register,
    /// Sign out: end the calls, take the binding away, close the flow.
    Unregister,
    /// Call someone. The app names the call.
    Dial {
        /// The new call's id.
        call: CallId,
        /// A number, a user name or a `sip:` address; formatting characters are taken out.
        to: String,
    },
    /// Answer an incoming call. Before the INVITE's description is ready the wish is kept.
    Answer {
        /// The call.
        call: CallId,
    },
    /// Refuse an incoming call.
    Decline {
        /// The call.
        call: CallId,
        /// With which answer.
        reason: DeclineReason,
    },
    /// Send the caller of an incoming call elsewhere (RFC 3261 §21.3.3).
    Forward {
        /// The call.
        call: CallId,
        /// A number, a user name or a `sip:` address.
        to: String,
    },
    /// Let go of the connection and wait for a push. The binding stays where the registrar pushes by
    /// itself (RFC 8599), else it is taken away.
    Sleep,
    /// The platform gave another push token, or none.
    SetPushToken(Option<PushToken>),
    /// End a call in any state: CANCEL, a refusal or BYE, as the state asks.
    HangUp {
        /// The call.
        call: CallId,
    },
    /// Put a call on hold, or take it back.
    Hold {
        /// The call.
        call: CallId,
        /// Hold, or resume.
        on: bool,
    },
    /// Let the call that is on hold talk and hold the one that talks; of several on hold, the one
    /// that was held last.
    Swap,
    /// Join these calls, and those that are joined already: each hears the others and this phone,
    /// which mixes them.
    Merge {
        /// Two or more, answered.
        calls: Vec<CallId>,
    },
    /// Take a call out of those that are joined, to talk to it alone; the others are held.
    Split {
        /// The call.
        call: CallId,
    },
    /// Leave the two calls that are joined: the server lets them talk on without this phone
    /// (RFC 5589 §7).
    Leave,
    /// Send the other side of a call elsewhere without asking there (RFC 5589 §6).
    Transfer {
        /// The call.
        call: CallId,
        /// A number, a user name or a `sip:` address.
        to: String,
    },
    /// Bring the other sides of two calls together and be done with both (RFC 5589 §7).
    TransferTo {
        /// The call whose other side is sent to the other call's.
        call: CallId,
        /// The call that was made, or taken, to ask.
        with: CallId,
    },
    /// Send a message to another agent.
    SendMessage {
        /// The new message's id.
        message: MessageId,
        /// A number, a user name or a `sip:` address.
        to: String,
        /// What it says: at most 1000 bytes.
        text: String,
    },
    /// Have the server carry out a code of its dial plan, which is no call: it does not ring, has no audio and
    /// leaves the calls that there are alone. [`super::Event::ControlDone`] or [`super::Event::ControlFailed`] follows.
    Control {
        /// The new control call's id.
        control: ControlId,
        /// The code: 1 to 64 letters, digits and `* # - _ . + !`, sent as they are.
        code: String,
    },
    /// Be something else at the queues. [`super::Event::AgentChanged`] tells of the request, and later of what the
    /// server made of it; or [`super::Event::AgentFailed`] follows.
    Agent {
        /// What.
        request: AgentRequest,
    },
    /// Have the server record a call, or do something else with a recording of it. Any number may run at the same time.
    /// [`super::Event::RecordingsChanged`] tells of the request, and later of what the server made of it; or
    /// [`super::Event::RecordingFailed`] follows.
    Record {
        /// The call, answered.
        call: CallId,
        /// Which recording of it.
        recording: RecordingId,
        /// What.
        action: RecordingAction,
    },
    /// Watch colleagues and queues, or no more: for as long as somebody looks at them. [`super::Event::TeamChanged`] follows
    /// when the server has told them, and [`super::Event::ColleagueChanged`] each change.
    Watch {
        /// Watch, or not.
        on: bool,
    },
    /// Listen to the call of an agent, whisper to him or barge in: a call with audio, in which the microphone stays closed
    /// until the server has confirmed a mode in which the supervisor is heard. The app names the call.
    Supervise {
        /// The new call's id.
        call: CallId,
        /// The agent's endpoint: 1 to 40 letters, digits and `_ . -`.
        target: String,
        /// How it begins.
        mode: SupervisionMode,
        /// Whether it goes on with the agent's next call, which is listened to at first.
        follow: bool,
    },
    /// Supervise in another mode. [`super::Event::SupervisionChanged`] tells of the request and of what the server has
    /// confirmed; or [`super::Event::SupervisionFailed`] follows. Who is to be heard less is silent at once.
    SetSupervisionMode {
        /// The call.
        call: CallId,
        /// The mode; the one that there is begins anew.
        mode: SupervisionMode,
    },
    /// Let calls be answered without the agent as [`super::AnswerMode`] allows it, or not, until he signs out.
    SetAutoAnswer {
        /// As allowed, or not.
        on: bool,
    },
    /// Close the microphone towards a call, or open it.
    Mute {
        /// The call.
        call: CallId,
        /// Closed, or open.
        on: bool,
    },
    /// Send digits (RFC 4733).
    SendDtmf {
        /// The call.
        call: CallId,
        /// The digits.
        digits: Digits,
    },
}

/// How an incoming call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum DeclineReason {
    /// 486: this phone cannot now; a queue tries the next member.
    Busy,
    /// 603: nobody of this user wants it.
    Decline,
}

/// One to 64 digits of `0-9 * # A-D` (RFC 4733 §3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digits(String);

impl Digits {
    /// The digits, upper-cased.
    ///
    /// # Errors
    /// [`CommandError::InvalidDigits`] where there are none, too many, or others.
    pub fn new(text: &str) -> Result<Self, CommandError> {
        let digits = text.trim().to_ascii_uppercase();
        let valid = digits.bytes().all(|b| b.is_ascii_digit() || b"*#ABCD".contains(&b));
        if digits.is_empty() || digits.len() > 64 || !valid {
            return Err(CommandError::InvalidDigits);
        }
        Ok(Self(digits))
    }

    /// The digits as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a command was refused, in words that say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There is no such call, or it has ended.
    #[error("there is no such call; it may have ended")]
    UnknownCall,
    /// The id of a new call is taken.
    #[error("this call id is taken; choose a fresh UUID")]
    CallIdTaken,
    /// The call's state does not allow it (answering what is answered, holding what rings).
    #[error("the call is not in a state that allows this")]
    WrongState,
    /// Not signed in.
    #[error("the phone is not registered; sign in first and wait for the lamp")]
    NotRegistered,
    /// What was dialled is not a number or address.
    #[error("this is not a number or an address; dial digits, a user name or sip:user@domain")]
    InvalidTarget,
    /// Not DTMF.
    #[error("only 1 to 64 of the digits 0-9 * # A B C D can be sent")]
    InvalidDigits,
    /// The other side took no telephone-event in the negotiation.
    #[error("the other side cannot take digits in this call")]
    DtmfNotNegotiated,
    /// A transfer of this call is under way.
    #[error("a transfer of this call is under way; wait for what comes of it")]
    Transferring,
    /// Swap without a call that talks or is held.
    #[error("there is no call on hold to swap with; call someone, or wait for a call")]
    NothingToSwap,
    /// Fewer calls than can be joined or left.
    #[error("it takes two calls that are answered; make or answer another call first")]
    TooFewCalls,
    /// More than two are joined.
    #[error("only two calls can be left to themselves; end the others first")]
    TooManyToLeave,
    /// A call is going on, and the phone is to sleep.
    #[error("a call is going on; let the phone sleep when it has ended")]
    InCall,
    /// A push token that no Contact can carry.
    #[error(
        "the push token is empty, too long or has characters that none has; hand over the platform's token as it is"
    )]
    InvalidToken,
    /// A text that cannot be sent.
    #[error("a message has 1 to 1000 bytes of text; write one, or send it in parts")]
    InvalidText,
    /// The id of a new message is taken.
    #[error("this message id is taken; choose a fresh UUID")]
    MessageIdTaken,
    /// Too many messages wait for their answers.
    #[error("the server has not taken the last messages yet; wait a moment")]
    TooManyMessages,
    /// A code that cannot be dialled.
    #[error("a code has 1 to 64 letters, digits or * # - _ . + !; check it")]
    InvalidCode,
    /// The id of a new control call is taken.
    #[error("this control call's id is taken; choose a fresh UUID")]
    ControlIdTaken,
    /// Too many control calls at a time.
    #[error("the server has not taken the last codes yet; wait a moment")]
    TooManyControls,
    /// A control call is under way, and the phone is to sleep.
    #[error("the server has not said yet what came of a code; let the phone sleep when it has")]
    ControlUnderWay,
    /// The server has no queues for this user.
    #[error("the server has no queues for you; ask its administrator")]
    NoQueues,
    /// The queue is none of his.
    #[error("there is no such queue for you; choose one of those that are shown")]
    UnknownQueue,
    /// The reason is none of the server's.
    #[error("the server knows no such reason for a pause; choose one of those that are shown")]
    UnknownReason,
    /// He is in no queue.
    #[error("you are logged in to no queue; log in first")]
    LoggedOut,
    /// The last request has no answer yet.
    #[error("the server has not answered the last request yet; wait a moment")]
    AgentRequestUnderWay,
    /// The name of no recording.
    #[error("a recording is named by 1 to 4 digits, or auto; choose a number")]
    InvalidRecording,
    /// The server has no such recording of the call.
    #[error("there is no such recording of this call, or it is over; start one")]
    UnknownRecording,
    /// The recording is the site's.
    #[error("this recording is made by the rules of the site, which do not let you change it so")]
    RecordingLocked,
    /// The last request of this call has no answer yet.
    #[error(
        "the server has not answered the last request about this call's recordings yet; wait a moment"
    )]
    RecordingUnderWay,
    /// The server cannot be asked to record.
    #[error("the server cannot be asked to record; ask its administrator")]
    RecordingUnavailable,
    /// A name that no agent has.
    #[error(
        "an agent's name has 1 to 40 letters, digits or _ . -; choose one of those that are shown"
    )]
    InvalidAgent,
    /// The call supervises an agent's.
    #[error(
        "this call supervises another; it cannot be sent on, joined or sent digits: hang it up, or change its mode"
    )]
    Supervising,
    /// The server has said that it does not have this.
    #[error(
        "the server does not have this; the phone's features say what it lacks: tell its administrator"
    )]
    MissingOnServer,
    /// The administrator does not allow it.
    #[error("this is not allowed here; ask the administrator for it")]
    NotAllowed,
    /// As many calls as the phone can have.
    #[error("no more calls can be made at the same time; end one first")]
    TooManyCalls,
}
