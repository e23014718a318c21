//! REFER of the other side: what is followed, what is refused, and who is told how it goes.

use super::*;

const ECHO: &str = "<sip:600@pbx.example>";

/// The call that the REFER comes in.
fn anna() -> CallId {
    call_id(1)
}

fn following() -> Config {
    Config { refer_policy: ReferPolicy::Follow, ..config() }
}

/// A call that came in and talks, of a phone that follows; its INVITE and the To of its dialog.
struct Referred {
    world: World,
    invite: Request,
    to: String,
}

impl Referred {
    fn new() -> Self {
        Self::with(following())
    }

    fn with(config: Config) -> Self {
        let (world, invite, to) = World::talking_with(config, anna());
        Self { world, invite, to }
    }

    fn inside(&mut self, method: Method) -> Request {
        self.world.inside(&self.invite, &self.to, method)
    }

    fn refer(&mut self, fields: &[(&str, &str)]) -> Request {
        let mut refer = self.inside(Method::Refer);
        for (name, value) in fields {
            refer.headers.push(HeaderName::new(name), *value);
        }
        self.world.receive(refer.clone());
        refer
    }

    /// A REFER that is taken; the new call, once the other is on hold, and its INVITE.
    fn followed(&mut self, fields: &[(&str, &str)]) -> (CallId, Request) {
        self.refer(fields);
        self.world.response(202);
        self.told("SIP/2.0 100 Trying", false);
        self.called()
    }

    /// The same, where the first NOTIFY is not answered yet.
    fn followed_unheard(&mut self) -> (Request, CallId, Request) {
        self.refer(&[("Refer-To", ECHO)]);
        self.world.response(202);
        let notify = self.notified("SIP/2.0 100 Trying", false);
        let (new, invite) = self.called();
        (notify, new, invite)
    }

    /// The user holds, and a REFER is taken; the new call and its INVITE.
    fn followed_on_hold() -> (Self, CallId, Request) {
        let mut phone = Self::new();
        phone.world.command(Command::Hold { call: anna(), on: true }).unwrap();
        phone.hold(true);
        phone.refer(&[("Refer-To", ECHO)]);
        phone.world.response(202);
        phone.told("SIP/2.0 100 Trying", false);
        let new = phone.new_call();
        phone.world.described(new);
        let invite = phone.world.request(Method::Invite);
        (phone, new, invite)
    }

    #[track_caller]
    fn is_on_hold_and_closed(&self, new: CallId, why: &str) {
        let open =
            |o: &Output| matches!(o, Output::SetUplink { call, open: true, .. } if *call == new);
        assert!(!self.world.outputs.iter().any(open), "{why}");
        assert!(self.snapshot(new).on_hold);
    }

    fn called(&mut self) -> (CallId, Request) {
        let new = self.new_call();
        self.hold(true);
        self.world.described(new);
        (new, self.world.request(Method::Invite))
    }

    fn new_call(&mut self) -> CallId {
        sent_on(&self.world).unwrap()
    }

    /// The other side agrees to be held, or talked to again.
    #[track_caller]
    fn hold(&mut self, on: bool) {
        self.world.described(anna());
        let reinvite = self.world.request(Method::Invite);
        let tag = reinvite.headers.to().unwrap().tag().unwrap().to_owned();
        let answer = if on { "recvonly" } else { "sendrecv" };
        self.world.reply_sdp(&reinvite, 200, &tag, &sdp(answer));
        self.world.request(Method::Ack);
    }

    /// The next NOTIFY, which the other side takes.
    #[track_caller]
    fn told(&mut self, line: &str, over: bool) -> Request {
        let notify = self.notified(line, over);
        self.world.reply(&notify, 200);
        notify
    }

    #[track_caller]
    fn notified(&mut self, line: &str, over: bool) -> Request {
        let notify = self.world.request(Method::Notify);
        assert_eq!(String::from_utf8_lossy(&notify.body), format!("{line}\r\n"));
        let content = notify.headers.get(&HeaderName::CONTENT_TYPE).unwrap();
        assert_eq!(content, "message/sipfrag;version=2.0");
        let state = notify.headers.get(&HeaderName::SUBSCRIPTION_STATE).unwrap();
        let wanted = if over { "terminated;reason=" } else { "active;expires=" };
        assert!(state.starts_with(wanted), "{state}");
        notify
    }

    fn says(&mut self, invite: &Request, code: u16) {
        let mut response = invite.response(StatusCode::new(code).unwrap(), Some("echo"));
        response.headers.push(HeaderName::CONTACT, "<sip:pbx@192.0.2.1:8089;transport=ws>");
        self.world.receive(response);
    }

    fn answers(&mut self, new: CallId, invite: &Request) {
        self.world.reply_sdp(invite, 200, "echo", &sdp("sendrecv"));
        self.world.request(Method::Ack);
        self.world.handle(Input::MediaConnected { call: new });
        assert_eq!(self.world.state(new), Some(CallState::Established));
    }

    fn bye(&mut self) {
        let bye = self.inside(Method::Bye);
        self.world.receive(bye);
    }

    fn snapshot(&self, id: CallId) -> CallSnapshot {
        self.world.phone.snapshot().calls.into_iter().find(|call| call.id == id).unwrap()
    }

    /// Fails the transfer of which the other side was told, and how it is told.
    fn failed(&self) -> Option<&String> {
        self.world.events.iter().find_map(|event| {
            let Event::ReferralFailed { call, reason, .. } = event else { return None };
            (*call == anna()).then_some(reason)
        })
    }
}

/// The call that a REFER has led to.
fn sent_on(world: &World) -> Option<CallId> {
    world.events.iter().find_map(|event| {
        let Event::Referred { new, .. } = event else { return None };
        Some(*new)
    })
}

/// The requests of this method that were sent.
fn requests(world: &World, method: Method) -> Vec<Request> {
    let request = |message: &Message| {
        let Message::Request(request) = message else { return None };
        (request.method == method).then(|| request.clone())
    };
    world.sent.iter().filter_map(request).collect()
}

fn referred() -> EndReason {
    EndReason::Referred("sip:600@pbx.example".to_owned())
}

#[test]
fn rfc_3515_4_1_a_refer_is_followed_and_told_of_to_its_end() {
    let mut phone = Referred::new();
    let by = "<sip:100@pbx.example>";
    let (new, invite) = phone.followed(&[("Refer-To", ECHO), ("Referred-By", by)]);
    assert_eq!(invite.uri.to_string(), "sip:600@pbx.example");
    assert_eq!(invite.headers.get(&HeaderName::REFERRED_BY).unwrap(), by);
    assert!(invite.headers.has_token(&HeaderName::ALLOW, "REFER"));
    let told = phone.world.events.front().cloned();
    let to = Party { name: None, uri: "sip:600@pbx.example".to_owned() };
    assert_eq!(told, Some(Event::Referred { call: anna(), new, to }), "before it is dialled");
    let anna_is = Party { name: Some("Anna".to_owned()), uri: "sip:100@pbx.example".to_owned() };
    assert_eq!(phone.snapshot(new).referred_by, Some(anna_is));
    assert_eq!(phone.snapshot(anna()).referred_by, None);
    phone.says(&invite, 180);
    phone.told("SIP/2.0 180 Ringing", false);
    assert_eq!(phone.world.state(anna()), Some(CallState::Established), "it stays until then");
    phone.answers(new, &invite);
    let last = phone.told("SIP/2.0 200 OK", true);
    let state = last.headers.get(&HeaderName::SUBSCRIPTION_STATE).unwrap();
    assert_eq!(state, "terminated;reason=noresource");
    assert_eq!(last.headers.get(&HeaderName::EVENT).unwrap(), "refer", "the first of its dialog");
    assert!(last.headers.has(&HeaderName::CONTACT));
    phone.bye();
    phone.world.response(200);
    phone.world.ended(anna(), referred());
    assert!(phone.snapshot(new).active);
    phone.world.silent();
}

#[test]
fn what_does_not_ring_yet_is_not_told_of_as_ringing() {
    let mut phone = Referred::new();
    let (_, invite) = phone.followed(&[("Refer-To", ECHO)]);
    phone.says(&invite, 183);
    phone.told("SIP/2.0 183 Session Progress", false);
    phone.says(&invite, 180);
    phone.told("SIP/2.0 180 Ringing", false);
}

#[test]
fn nobody_sends_a_phone_elsewhere_that_is_not_to_be_sent() {
    let mut phone = Referred::with(config());
    phone.refer(&[("Refer-To", ECHO)]);
    phone.world.response(603);
    let options = phone.inside(Method::Options);
    phone.world.receive(options);
    let answer = phone.world.response(200);
    assert!(!answer.headers.has_token(&HeaderName::ALLOW, "REFER"));
    let subscribe = phone.inside(Method::Subscribe);
    phone.world.receive(subscribe);
    phone.world.response(405);
    assert_eq!(phone.world.phone.snapshot().calls.len(), 1);
}

#[test]
fn rfc_3515_2_4_2_what_cannot_be_followed_is_refused_and_changes_nothing() {
    let mut phone = Referred::new();
    let long = format!("<sip:{}@pbx.example>", "6".repeat(2_000));
    let longest = format!("<sip:{}@pbx.example>", "6".repeat(10_000));
    for (fields, status) in [
        (&[][..], 400),
        (&[("Refer-To", ECHO), ("Refer-To", ECHO)], 400),
        (&[("Refer-To", &*long)], 400),
        (&[("Refer-To", &*longest)], 513),
        (&[("Refer-To", "<sip:600@other.example>")], 403),
        (&[("Refer-To", "<sip:600@pbx.example;method=BYE>")], 403),
        (&[("Refer-To", "<tel:600>")], 403),
        (&[("Refer-To", ECHO), ("Require", "explicitsub")], 420),
    ] {
        phone.refer(fields);
        phone.world.response(status);
        phone.world.silent();
    }
    assert_eq!(phone.world.phone.snapshot().calls.len(), 1);
    assert!(phone.world.events.is_empty());
}

#[test]
fn a_refer_outside_every_call_is_forbidden() {
    let mut phone = Referred::new();
    let mut refer = phone.world.outside(Method::Refer);
    refer.headers.push(HeaderName::REFER_TO, ECHO);
    phone.world.receive(refer);
    phone.world.response(403);
    phone.world.silent();
}

#[test]
fn rfc_3891_an_attended_transfer_names_the_call_whose_place_it_takes() {
    let mut phone = Referred::new();
    let to =
        "<sip:600@pbx.example?Replaces=7%40h%3Bto-tag%3Da%3Bfrom-tag%3Db&Route=%3Csip:evil%3E>";
    let (_, invite) = phone.followed(&[("Refer-To", to)]);
    assert_eq!(invite.headers.get(&HeaderName::REPLACES).unwrap(), "7@h;to-tag=a;from-tag=b");
    assert!(!invite.headers.has(&HeaderName::ROUTE));
    assert_eq!(invite.uri.to_string(), "sip:600@pbx.example");
}

#[test]
fn a_call_that_fails_is_told_of_and_the_first_goes_on() {
    for (code, line) in [
        (486, "SIP/2.0 486 Busy Here"),
        (404, "SIP/2.0 404 Not Found"),
        (503, "SIP/2.0 503 Service Unavailable"),
        (603, "SIP/2.0 603 Decline"),
    ] {
        let mut phone = Referred::new();
        let (new, invite) = phone.followed(&[("Refer-To", ECHO)]);
        phone.says(&invite, code);
        phone.world.request(Method::Ack);
        phone.told(line, true);
        assert!(phone.failed().is_some(), "{code}");
        assert_eq!(phone.world.state(new), None);
        phone.hold(false);
        let call = phone.snapshot(anna());
        assert!(call.active && !call.on_hold, "{code}: nobody asked for the hold");
        // The next REFER of the dialog has a name of its own (RFC 3515 §2.4.6).
        let refer = phone.refer(&[("Refer-To", ECHO)]);
        phone.world.response(202);
        let notify = phone.told("SIP/2.0 100 Trying", false);
        let event = format!("refer;id={}", refer.headers.cseq().unwrap().sequence);
        assert_eq!(notify.headers.get(&HeaderName::EVENT).unwrap(), event);
        phone.world.silent();
    }
}

#[test]
fn a_call_that_was_answered_is_told_of_as_that_though_it_is_over_by_then() {
    let mut phone = Referred::new();
    let (first, new, invite) = phone.followed_unheard();
    phone.answers(new, &invite);
    phone.world.command(Command::HangUp { call: new }).unwrap();
    phone.world.request(Method::Bye);
    phone.world.reply(&first, 200);
    phone.told("SIP/2.0 200 OK", true);
}

#[test]
fn a_call_that_the_user_gives_up_is_told_of() {
    let mut phone = Referred::new();
    let (new, invite) = phone.followed(&[("Refer-To", ECHO)]);
    phone.says(&invite, 180);
    phone.told("SIP/2.0 180 Ringing", false);
    phone.world.command(Command::HangUp { call: new }).unwrap();
    phone.world.request(Method::Cancel);
    phone.told("SIP/2.0 487 Request Terminated", true);
    assert_eq!(phone.failed().map(String::as_str), Some("you hung up"));
}

#[test]
fn rfc_4488_nobody_is_told_who_does_not_want_to_be() {
    let mut phone = Referred::new();
    let fields = [("Refer-To", ECHO), ("Refer-Sub", "false"), ("Require", "norefersub")];
    phone.refer(&fields);
    let accepted = phone.world.response(202);
    assert_eq!(accepted.headers.get(&HeaderName::REFER_SUB).unwrap(), "false");
    let new = phone.new_call();
    phone.hold(true);
    phone.world.described(new);
    let invite = phone.world.request(Method::Invite);
    phone.answers(new, &invite);
    phone.world.silent();
    phone.bye();
    phone.world.response(200);
    phone.world.ended(anna(), referred());
}

#[test]
fn rfc_5589_6_1_who_has_left_at_once_is_told_all_the_same() {
    let mut phone = Referred::new();
    let (new, invite) = phone.followed(&[("Refer-To", ECHO)]);
    phone.bye();
    phone.world.response(200);
    phone.world.ended(anna(), referred());
    let left = |notify: &Request| notify.headers.cseq().unwrap().sequence;
    phone.says(&invite, 180);
    let first = phone.told("SIP/2.0 180 Ringing", false);
    phone.answers(new, &invite);
    let second = phone.told("SIP/2.0 200 OK", true);
    assert_eq!(left(&second), left(&first) + 1);
    assert_eq!(second.headers.call_id(), phone.invite.headers.call_id());
    phone.world.silent();
    assert!(phone.world.phone.referrals.is_empty());
}

#[test]
fn who_does_not_leave_is_hung_up() {
    let mut phone = Referred::new();
    let (new, invite) = phone.followed(&[("Refer-To", ECHO)]);
    phone.answers(new, &invite);
    phone.told("SIP/2.0 200 OK", true);
    phone.world.advance_alive(31 * SECOND);
    assert_eq!(phone.world.state(anna()), Some(CallState::Established));
    phone.world.advance_alive(2 * SECOND);
    let bye = phone.world.request(Method::Bye);
    phone.world.reply(&bye, 200);
    phone.world.ended(anna(), referred());
    assert_eq!(phone.world.state(new), Some(CallState::Established));
    assert!(phone.world.phone.referrals.is_empty());
}

#[test]
fn one_notify_is_under_way_at_a_time_and_the_last_news_comes_last() {
    let mut phone = Referred::new();
    let (first, new, invite) = phone.followed_unheard();
    phone.says(&invite, 180);
    phone.answers(new, &invite);
    phone.world.silent();
    phone.world.challenge_to(&first, "n2", false);
    let again = phone.notified("SIP/2.0 100 Trying", false);
    assert!(again.headers.has(&HeaderName::AUTHORIZATION));
    phone.world.reply(&again, 200);
    phone.told("SIP/2.0 200 OK", true);
    phone.bye();
    phone.world.response(200);
    phone.world.silent();
}

#[test]
fn rfc_3261_22_2_after_a_challenged_notify_the_numbers_of_its_call_count_on() {
    let mut phone = Referred::new();
    phone.refer(&[("Refer-To", ECHO)]);
    phone.world.response(202);
    let first = phone.notified("SIP/2.0 100 Trying", false);
    phone.world.challenge_to(&first, "n2", true);
    let again = phone.told("SIP/2.0 100 Trying", false);
    phone.world.command(Command::HangUp { call: anna() }).unwrap();
    let bye = phone.world.request(Method::Bye);
    let number = |request: &Request| request.headers.cseq().unwrap().sequence;
    assert_eq!((number(&again), number(&bye)), (number(&first) + 1, number(&first) + 2));
}

#[test]
fn rfc_6665_4_2_2_who_does_not_take_a_notify_gets_no_other() {
    for answer in [Some(481), Some(500), None] {
        let mut phone = Referred::new();
        let (notify, new, invite) = phone.followed_unheard();
        phone.says(&invite, 180);
        match answer {
            Some(code) => phone.world.reply(&notify, code),
            None => phone.world.advance_alive(33 * SECOND),
        }
        phone.world.command(Command::HangUp { call: new }).unwrap();
        let notified = |m: &Message| matches!(m, Message::Request(r) if r.method == Method::Notify);
        assert!(!phone.world.sent.iter().any(notified), "{answer:?}");
        assert!(phone.failed().is_some());
        assert!(phone.world.phone.referrals.is_empty());
    }
}

#[test]
fn rfc_3515_2_4_4_the_news_can_be_had_longer_or_no_more() {
    let mut phone = Referred::new();
    let (_, invite) = phone.followed(&[("Refer-To", ECHO)]);
    let subscribe = |phone: &mut Referred, event: &str, expires: &str| {
        let mut subscribe = phone.inside(Method::Subscribe);
        subscribe.headers.push(HeaderName::EVENT, event);
        subscribe.headers.push(HeaderName::EXPIRES, expires);
        phone.world.receive(subscribe);
    };
    subscribe(&mut phone, "presence", "60");
    let refused = phone.world.response(489);
    assert_eq!(refused.headers.get(&HeaderName::ALLOW_EVENTS).unwrap(), "refer");
    subscribe(&mut phone, "refer;id=99", "60");
    phone.world.response(481);
    subscribe(&mut phone, "refer", "86400");
    let granted = phone.world.response(200);
    assert_eq!(granted.headers.number(&HeaderName::EXPIRES), Some(300));
    assert!(granted.headers.has(&HeaderName::CONTACT));
    phone.told("SIP/2.0 100 Trying", false);
    subscribe(&mut phone, "refer", "0");
    phone.world.response(200);
    let last = phone.told("SIP/2.0 100 Trying", true);
    let state = last.headers.get(&HeaderName::SUBSCRIPTION_STATE).unwrap();
    assert_eq!(state, "terminated;reason=timeout");
    phone.says(&invite, 180);
    phone.world.silent();
    subscribe(&mut phone, "refer", "60");
    phone.world.response(481);
    let mut outside = phone.world.outside(Method::Subscribe);
    outside.headers.push(HeaderName::EVENT, "refer");
    phone.world.receive(outside);
    phone.world.response(403);
}

#[test]
fn news_that_nobody_asked_for_are_refused() {
    let mut phone = Referred::new();
    let mut notify = phone.inside(Method::Notify);
    notify.headers.push(HeaderName::EVENT, "refer");
    notify.headers.push(HeaderName::SUBSCRIPTION_STATE, "active");
    notify.set_body("message/sipfrag", b"SIP/2.0 200 OK".to_vec());
    phone.world.receive(notify);
    phone.world.response(481);
    assert_eq!(phone.world.state(anna()), Some(CallState::Established));
}

#[test]
fn what_the_user_has_closed_stays_closed() {
    let mut phone = Referred::new();
    phone.world.command(Command::Mute { call: anna(), on: true }).unwrap();
    let (new, invite) = phone.followed(&[("Refer-To", ECHO)]);
    phone.answers(new, &invite);
    assert!(phone.snapshot(new).muted);
    let open = |o: &Output| matches!(o, Output::SetUplink { open: true, muted: false, .. });
    assert!(!phone.world.outputs.iter().any(open));
}

#[test]
fn a_call_on_hold_that_is_sent_on_takes_the_microphone_from_nobody() {
    let (mut phone, new, invite) = Referred::followed_on_hold();
    phone.world.reply_sdp(&invite, 200, "echo", &sdp("sendrecv"));
    phone.world.request(Method::Ack);
    phone.is_on_hold_and_closed(new, "the user has put it on hold");
}

#[test]
fn a_call_on_hold_that_is_sent_on_and_left_is_not_talked_in_either_until_the_user_takes_the_new_one()
 {
    let (mut phone, new, invite) = Referred::followed_on_hold();
    // It has left before the new call is answered.
    phone.bye();
    phone.world.reply_sdp(&invite, 200, "echo", &sdp("sendrecv"));
    assert_eq!(phone.world.state(new), Some(CallState::Answered));
    phone.is_on_hold_and_closed(new, "nobody has asked to talk");
}

#[test]
fn who_has_gone_back_to_the_one_who_sent_him_on_is_not_cut_off() {
    let mut phone = Referred::new();
    let (new, invite) = phone.followed(&[("Refer-To", ECHO)]);
    phone.answers(new, &invite);
    phone.world.command(Command::HangUp { call: new }).unwrap();
    phone.world.command(Command::Hold { call: anna(), on: false }).unwrap();
    phone.world.advance_alive(40 * SECOND);
    assert!(phone.world.state(anna()).is_some_and(|state| state != CallState::Ending));
}

#[test]
fn a_call_is_sent_on_once_at_a_time_and_so_many_times_in_a_row() {
    let mut phone = Referred::new();
    let (mut last, invite) = phone.followed(&[("Refer-To", ECHO)]);
    phone.refer(&[("Refer-To", ECHO)]);
    phone.world.response(491);
    let mut talking = invite;
    for hop in 2..=9 {
        phone.answers(last, &talking);
        if hop == 2 {
            // It has been sent there, and has not left yet.
            phone.world.sent.clear();
            phone.refer(&[("Refer-To", ECHO)]);
            phone.world.response(491);
        }
        phone.world.advance_alive(33 * SECOND);
        phone.world.events.clear();
        phone.world.sent.clear();
        phone.world.outputs.clear();
        let mut refer = phone.world.back(&talking, "echo", Method::Refer);
        refer.headers.push(HeaderName::REFER_TO, ECHO);
        phone.world.receive(refer);
        if hop == 9 {
            phone.world.response(483);
            break;
        }
        phone.world.response(202);
        last = sent_on(&phone.world).unwrap();
        phone.world.described(last);
        let invite = requests(&phone.world, Method::Invite).pop();
        phone.world.sent.clear();
        talking = invite.unwrap();
    }
}

#[test]
fn a_redirection_leads_no_further_than_the_refer() {
    let mut phone = Referred::new();
    let (new, invite) = phone.followed(&[("Refer-To", ECHO)]);
    let mut moved = invite.response(StatusCode::MOVED_TEMPORARILY, Some("x"));
    let elsewhere = "<sip:600@other.example>;q=0.9, <sip:601@pbx.example>;q=0.5";
    moved.headers.push(HeaderName::CONTACT, elsewhere);
    phone.world.receive(moved);
    phone.world.request(Method::Ack);
    let again = phone.world.request(Method::Invite);
    assert_eq!(again.uri.to_string(), "sip:601@pbx.example");
    assert_eq!(phone.world.state(new), Some(CallState::Dialing));
}

#[test]
fn news_that_went_down_with_the_connection_come_on_the_next() {
    let mut phone = Referred::new();
    phone.refer(&[("Refer-To", ECHO)]);
    phone.world.response(202);
    phone.notified("SIP/2.0 100 Trying", false);
    let new = phone.new_call();
    phone.world.lose_flow(FlowErrorKind::Lost);
    phone.world.command(Command::HangUp { call: new }).unwrap();
    phone.world.sent.clear();
    phone.world.advance(2 * SECOND);
    phone.world.open_flow();
    phone.world.advance(SECOND);
    let notified = requests(&phone.world, Method::Notify).pop();
    let body = String::from_utf8(notified.unwrap().body).unwrap();
    assert_eq!(body, "SIP/2.0 487 Request Terminated\r\n");
}
