//! The user agent that account and calls share: who we are, randomness, transactions, credentials,
//! and the queue of what is asked of the driver (RFC 3261 §8.1, §22; RFC 7118 §5).

use crate::call::session_timer;
use crate::news::UnreadPacks;
use crate::{AudioGate, CallId, Config, Event, Now, Output, ReferPolicy, Saved};
use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use sidetone_sip::digest::{Credentials, DigestClient, DigestError};
use sidetone_sip::transaction::{ClientKey, Reliability, ServerKey, Timers, Transactions};
use sidetone_sip::{
    Dialog, FlowId, HeaderName, Message, Method, NameAddr, Request, Response, StatusCode,
};
use sidetone_sip::{Uri, Via, message::Host};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// The methods that are served; what Allow says.
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, OPTIONS, INFO, NOTIFY, MESSAGE";
/// The same where the other side of a call may send this phone elsewhere.
const ALLOW_WITH_REFER: &str =
    "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, OPTIONS, INFO, NOTIFY, MESSAGE, REFER, SUBSCRIBE";
/// The one body type that an INVITE may carry.
pub(crate) const SDP: &str = "application/sdp";
/// 64 * T1: after this the other side of a transaction or an unacknowledged answer is given up.
pub(crate) const GIVE_UP: Duration = Duration::from_secs(32);

/// How often one request is sent again with credentials: a stale nonce and a second realm may each
/// cost a turn, a server that challenges for ever must not.
const CHALLENGES: u8 = 3;

/// As many forks that are not wanted are hung up at a time; more are only acknowledged.
const MAX_STRAYS: usize = 16;

/// Who is told of the responses to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The account.
    Account,
    /// The account, whose push token it hands over.
    Token,
    /// A call.
    Call(CallId),
    /// A message to another agent.
    Message,
    /// A control call.
    Control,
    /// The mailbox's subscription.
    Mailbox,
    /// What a REFER has led to, which the one who asked is told.
    Referral,
    /// The doubt about an INVITE that may be stale.
    Doubt,
    /// Nobody: the BYE to a fork that was not wanted.
    Nobody,
}

/// A request under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Who sent it.
    pub(crate) owner: Owner,
    /// As it was sent.
    pub(crate) request: Request,
    challenges: u8,
}

/// The shared part; `account` and `call` get it lent for each step.
#[derive(Debug, Clone)]
pub(crate) struct Ua {
    /// Who signs in and where.
    pub(crate) config: Config,
    /// The transactions of all flows.
    pub(crate) transactions: Transactions,
    /// What is remembered of challenges.
    pub(crate) digest: DigestClient,
    /// Whether the platform lets audio run.
    pub(crate) audio: bool,
    /// While the account is asked: there is a call, which does not outlive a long wait for the next flow.
    pub(crate) in_call: bool,
    /// What was sent is not answered in time: the flow may be dead.
    pub(crate) doubtful: bool,
    /// The flow that requests go out on, while there is one.
    pub(crate) flow: Option<FlowId>,
    /// Our Contact, the same for every flow: a server that keeps it as it is then replaces the
    /// binding by itself, and the target of a dialog outlives the flow.
    pub(crate) contact: NameAddr,
    /// The routes that requests outside dialogs go by (RFC 3608).
    pub(crate) service_route: Vec<NameAddr>,
    /// The server's packs that this phone does not understand.
    pub(crate) unread: UnreadPacks,
    sent: BTreeMap<ClientKey, Sent>,
    /// INVITEs whose flow was lost before their final response: the other side may still ring.
    abandoned: Vec<Request>,
    outputs: VecDeque<Output>,
    rng: ChaCha12Rng,
}

impl Ua {
    pub(crate) fn new(config: Config, mut digest: DigestClient, entropy: [u8; 32]) -> Self {
        let domain = config.account.aor.host.as_ref().map(Host::to_string);
        domain.iter().chain(&config.account.realms).for_each(|realm| digest.admit(realm));
        let mut rng = ChaCha12Rng::from_seed(entropy);
        let host = format!("{}.invalid", hex(&draw::<6>(&mut rng)));
        let mut uri = Uri::sip(config.account.aor.user.as_deref().unwrap_or_default(), &host);
        uri.params.set("transport", "ws");
        Self {
            audio: config.audio == AudioGate::Open,
            config,
            transactions: Transactions::new(Timers::default()),
            digest,
            in_call: false,
            doubtful: false,
            flow: None,
            contact: NameAddr::new(uri),
            service_route: Vec::new(),
            unread: UnreadPacks::default(),
            sent: BTreeMap::new(),
            abandoned: Vec::new(),
            outputs: VecDeque::new(),
            rng,
        }
    }

    /// Asks something of the driver.
    pub(crate) fn ask(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// Has this stored before whatever else the driver has not carried out yet, but for what is kept of
    /// calls and messages: what is saved does not know of it any more, or says that it is known.
    pub(crate) fn save(&mut self, saved: Saved) {
        self.outputs.retain(|output| !matches!(output, Output::Save(_)));
        self.outputs.insert(self.kept(), Output::Save(saved));
    }

    /// Has a call or a message kept before anything else but what is to be kept already.
    pub(crate) fn keep(&mut self, output: Output) {
        self.outputs.insert(self.kept(), output);
    }

    /// How much of what is to be kept stands at the front.
    fn kept(&self) -> usize {
        let is_kept = |output: &&Output| {
            matches!(
                output,
                Output::Record(_) | Output::KeepMessage(_) | Output::MarkMessage { .. }
            )
        };
        self.outputs.iter().take_while(is_kept).count()
    }

    /// Tells the app something.
    pub(crate) fn tell(&mut self, event: Event) {
        self.ask(Output::Event(event));
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// A fresh token: a tag, a cnonce, the variable part of a branch or Call-ID (64 bits).
    pub(crate) fn token(&mut self) -> String {
        hex(&draw::<8>(&mut self.rng))
    }

    /// A fresh Call-ID.
    pub(crate) fn call_id_header(&mut self) -> String {
        hex(&draw::<16>(&mut self.rng))
    }

    /// Fresh random bytes.
    pub(crate) fn draw<const N: usize>(&mut self) -> [u8; N] {
        draw(&mut self.rng)
    }

    /// A fresh random UUID (RFC 9562 §5.4).
    pub(crate) fn uuid(&mut self) -> uuid::Uuid {
        uuid::Builder::from_random_bytes(draw(&mut self.rng)).into_uuid()
    }

    /// A time between `low` and `high`, evenly drawn in steps of a millisecond.
    pub(crate) fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let span = high.saturating_sub(low).as_millis().min(u128::from(u32::MAX)) as u64;
        let drawn = u64::from_be_bytes(draw(&mut self.rng)) % (span + 1);
        low + Duration::from_millis(drawn)
    }

    /// Our address, From of what starts a dialog.
    pub(crate) fn address(&self) -> NameAddr {
        let account = &self.config.account;
        NameAddr {
            display: account.display_name.clone(),
            uri: account.aor.clone(),
            params: Default::default(),
        }
    }

    /// Whether the other side of a call may send this phone elsewhere.
    pub(crate) fn follows_refer(&self) -> bool {
        self.config.refer_policy == ReferPolicy::Follow
    }

    /// What Allow says.
    pub(crate) fn allow(&self) -> &'static str {
        if self.follows_refer() { ALLOW_WITH_REFER } else { ALLOW }
    }

    /// The host of our domain.
    pub(crate) fn domain(&self) -> String {
        self.config.account.aor.host.as_ref().map(Host::to_string).unwrap_or_default()
    }

    /// Sends a request and opens its transaction: Via, User-Agent, Contact where the method takes
    /// one, and credentials where the server's challenge is known. Without a flow nothing is sent.
    pub(crate) fn send(&mut self, request: Request, owner: Owner, now: Now) -> Option<ClientKey> {
        self.send_again(request, owner, 0, now)
    }

    fn send_again(
        &mut self,
        mut request: Request,
        owner: Owner,
        challenges: u8,
        now: Now,
    ) -> Option<ClientKey> {
        let flow = self.flow?;
        self.prepare(&mut request);
        let account = &self.config.account;
        let credentials = Credentials {
            username: account.username().to_owned(),
            password: account.password.expose().to_owned(),
        };
        let cnonce = self.token();
        self.digest.authorize(&mut request, &credentials, &cnonce);
        let key = self.transactions.send(request.clone(), flow, Reliability::Reliable, now.boot);
        self.sent.insert(key.clone(), Sent { owner, request, challenges });
        Some(key)
    }

    /// The request as it went out, while its final response is awaited.
    pub(crate) fn sent(&self, key: &ClientKey) -> Option<&Sent> {
        self.sent.get(key)
    }

    /// The owner and request of a transaction that is over.
    pub(crate) fn take_sent(&mut self, key: &ClientKey) -> Option<Sent> {
        self.sent.remove(key)
    }

    /// Sends a CANCEL, which has its INVITE's branch and no credentials (RFC 3261 §9.1, §22.1).
    pub(crate) fn send_cancel(&mut self, invite: &Request, now: Now) {
        let Some(flow) = self.flow else { return };
        let mut cancel = sidetone_sip::dialog::cancel(invite);
        cancel.headers.set(HeaderName::USER_AGENT, &self.config.user_agent);
        self.transactions.send(cancel, flow, Reliability::Reliable, now.boot);
    }

    /// Notes an INVITE that went down with its flow.
    pub(crate) fn abandon(&mut self, invite: Request) {
        if self.abandoned.len() < MAX_STRAYS {
            self.abandoned.push(invite);
        }
    }

    /// Lets nobody ring for a call that is over here (RFC 3261 §9.1): a CANCEL finds its INVITE by the
    /// branch, whichever flow it comes on.
    pub(crate) fn cancel_abandoned(&mut self, now: Now) {
        if self.flow.is_none() {
            return;
        }
        for invite in std::mem::take(&mut self.abandoned) {
            self.send_cancel(&invite, now);
        }
    }

    /// Sends the ACK of a 2xx, which has no transaction (RFC 3261 §13.2.2.4).
    pub(crate) fn send_ack(&mut self, mut ack: Request, now: Now) {
        let Some(flow) = self.flow else { return };
        self.prepare(&mut ack);
        self.transactions.send(ack, flow, Reliability::Reliable, now.boot);
    }

    /// Hangs up a fork that is not wanted: once, however often it repeats its 2xx meanwhile.
    pub(crate) fn hang_up_stray(&mut self, dialog: &mut Dialog, now: Now) {
        let bye = dialog.request(Method::Bye);
        let strays = self.sent.values().filter(|sent| sent.owner == Owner::Nobody);
        let fork = |request: &Request| (request.headers.call_id(), request.headers.to());
        let again = strays.clone().any(|sent| fork(&sent.request) == fork(&bye));
        if !again && strays.count() < MAX_STRAYS {
            self.send(bye, Owner::Nobody, now);
        }
    }

    /// Sends a challenged request again, with credentials, a higher CSeq and a fresh branch
    /// (RFC 3261 §22.2, §8.1.3.5). Gives the new transaction and CSeq number.
    ///
    /// # Errors
    /// The challenge cannot be answered, or not once more.
    pub(crate) fn authenticate(
        &mut self,
        sent: Sent,
        response: &Response,
        now: Now,
    ) -> Result<Option<(ClientKey, u32)>, DigestError> {
        let Sent { owner, mut request, challenges } = sent;
        if challenges >= CHALLENGES {
            return Err(DigestError::Refused);
        }
        if let Err(error) = self.digest.challenged(&request, response) {
            if error != DigestError::Refused || challenges > 0 {
                return Err(error);
            }
            // Our nonce was remembered from before, and not every server says `stale` of one that
            // it does not know any more: only credentials for the nonce at hand prove a wrong
            // password.
            request.headers.remove(&HeaderName::AUTHORIZATION);
            request.headers.remove(&HeaderName::PROXY_AUTHORIZATION);
            self.digest.forget();
            self.digest.challenged(&request, response)?;
        }
        Ok(self.send_anew(Sent { owner, request, challenges }, now))
    }

    /// Sends a request again whose session interval was too small (RFC 4028 §7.3).
    ///
    /// # Errors
    /// The interval that is asked for cannot be given, or not once more.
    pub(crate) fn lengthen(
        &mut self,
        sent: Sent,
        refusal: &Response,
        now: Now,
    ) -> Result<Option<(ClientKey, u32)>, DigestError> {
        let Sent { owner, mut request, challenges } = sent;
        if challenges >= CHALLENGES || !session_timer::lengthen(&mut request, refusal) {
            return Err(DigestError::Refused);
        }
        Ok(self.send_anew(Sent { owner, request, challenges }, now))
    }

    /// The same request with a higher CSeq and a fresh branch: its new transaction and CSeq number.
    fn send_anew(&mut self, sent: Sent, now: Now) -> Option<(ClientKey, u32)> {
        let Sent { owner, mut request, challenges } = sent;
        let sequence = request.headers.cseq().map_or(1, |cseq| after(cseq.sequence));
        let cseq = format!("{sequence} {}", request.method);
        request.headers.set(HeaderName::CSEQ, cseq);
        request.headers.remove(&HeaderName::VIA);
        let key = self.send_again(request, owner, challenges + 1, now);
        key.map(|key| (key, sequence))
    }

    /// Answers a request. Contact and Allow are added where they belong (RFC 3261 Table 2).
    pub(crate) fn respond(&mut self, key: &ServerKey, mut response: Response, now: Now) -> bool {
        self.finish_response(&mut response);
        self.transactions.respond(key, response, now.boot)
    }

    /// Answers a request with nothing but a status.
    pub(crate) fn refuse(
        &mut self,
        key: &ServerKey,
        request: &Request,
        status: StatusCode,
        now: Now,
    ) {
        let tag = self.token();
        let mut response = request.response(status, Some(&tag));
        if status == StatusCode::METHOD_NOT_ALLOWED {
            response.headers.set(HeaderName::ALLOW, self.allow());
        }
        self.respond(key, response, now);
    }

    /// What every response of ours says, and Contact for those that make or refresh a dialog.
    pub(crate) fn finish_response(&mut self, response: &mut Response) {
        let method = response.headers.cseq().map(|cseq| cseq.method);
        let dialog = (101..300).contains(&response.status.code());
        let subscription = matches!(method, Ok(Method::Refer | Method::Subscribe));
        let session = matches!(method, Ok(Method::Invite | Method::Update));
        if dialog && (session || subscription) {
            response.headers.set(HeaderName::CONTACT, self.contact.to_string());
        }
        if dialog && session {
            response.headers.set(HeaderName::ALLOW, self.allow());
        }
        response.headers.set(HeaderName::USER_AGENT, &self.config.user_agent);
    }

    /// Sends a message past the transactions on the present flow: a 2xx that is repeated.
    pub(crate) fn transmit(&mut self, message: &Message) {
        if let Some(flow) = self.flow {
            self.ask(Output::Transmit { flow, bytes: message.to_bytes() });
        }
    }

    fn prepare(&mut self, request: &mut Request) {
        let outside = request.headers.to().is_ok_and(|to| to.tag().is_none());
        if outside && request.method != Method::Register && !request.headers.has(&HeaderName::ROUTE)
        {
            for route in &self.service_route {
                request.headers.push(HeaderName::ROUTE, route.to_string());
            }
        }
        let mut params = sidetone_sip::message::Params::default();
        params.set("branch", &format!("z9hG4bK{}", self.token()));
        params.set("rport", "");
        let via = Via {
            transport: "WSS".to_owned(),
            host: self.contact.uri.host.clone().unwrap_or(Host::Name("invalid".to_owned())),
            port: None,
            params,
        };
        request.headers.push_front(HeaderName::VIA, via.to_string());
        let refreshes = matches!(
            request.method,
            Method::Invite | Method::Update | Method::Refer | Method::Subscribe | Method::Notify
        );
        if refreshes && !request.headers.has(&HeaderName::CONTACT) {
            request.headers.push(HeaderName::CONTACT, self.contact.to_string());
        }
        if matches!(request.method, Method::Invite | Method::Register) {
            request.headers.set(HeaderName::ALLOW, self.allow());
            let invite = request.method == Method::Invite;
            let supported = if invite { "outbound, timer, 100rel" } else { "outbound, path" };
            // A control call says by itself that it wants less.
            if !request.headers.has(&HeaderName::SUPPORTED) {
                request.headers.push(HeaderName::SUPPORTED, supported);
            }
        }
        if request.method == Method::Update {
            request.headers.set(HeaderName::SUPPORTED, "timer");
        }
        request.headers.set(HeaderName::USER_AGENT, &self.config.user_agent);
    }
}

/// The CSeq number after this one; it stays below 2^31 (RFC 3261 §8.1.1.5).
pub(crate) fn after(sequence: u32) -> u32 {
    sequence.wrapping_add(1) & (u32::MAX >> 1)
}

fn draw<const N: usize>(rng: &mut ChaCha12Rng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])).collect()
}
