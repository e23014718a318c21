//! A media path that is set up while it rings: the 183 with the description (RFC 3261 §13.3.1.1).

use super::*;

const ID: u128 = 0xea51;

/// A call that rings and is described, under this policy and with this header field.
fn ringing(policy: EarlyMedia, field: Option<(HeaderName, &str)>) -> (World, CallId, Request) {
    let mut config = config();
    config.early = policy;
    let mut world = World::registered_with(config);
    let id = call_id(ID);
    let mut invite = world.invite(id);
    if let Some((name, value)) = field {
        invite.headers.push(name, value);
    }
    world.receive(invite.clone());
    world.response(180);
    world.described(id);
    (world, id, invite)
}

fn from_a_queue() -> (World, CallId, Request, Response) {
    let queue = Some((HeaderName::X_QUEUE, " sales "));
    let (mut world, id, invite) = ringing(EarlyMedia::default(), queue);
    let progress = world.response(183);
    (world, id, invite, progress)
}

#[test]
fn a_queue_call_is_described_in_a_183_and_the_answer_is_the_same_description() {
    let (mut world, id, _, progress) = from_a_queue();
    assert_eq!(progress.body, sdp("sendrecv").as_bytes());
    assert!(progress.headers.contact_uri().is_ok(), "it makes an early dialog (RFC 3261 §12.1.1)");
    assert_eq!(world.phone.snapshot().calls[0].data.queue.as_deref(), Some("sales"));
    world.command(Command::Answer { call: id }).unwrap();
    let answer = world.response(200);
    assert_eq!(answer.body, progress.body);
    let tag = |response: &Response| response.headers.to().unwrap().tag().map(str::to_owned);
    assert_eq!(tag(&answer), tag(&progress), "one dialog");
}

#[test]
fn nothing_is_sent_or_played_before_the_answer_though_media_is_connected() {
    let (mut world, id, invite, _) = from_a_queue();
    world.outputs.clear();
    world.handle(Input::MediaConnected { call: id });
    assert!(world.outputs.is_empty(), "{:?}", world.outputs);
    assert_eq!(world.state(id), Some(CallState::Ringing));
    world.command(Command::Answer { call: id }).unwrap();
    let answer = world.response(200);
    let opened = Output::SetUplink { call: id, open: true, muted: false };
    assert_eq!(world.outputs.pop_front(), Some(opened));
    let to = answer.headers.get(&HeaderName::TO).unwrap().into_owned();
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    assert_eq!(world.state(id), Some(CallState::Established), "nothing more is waited for");
}

#[test]
fn a_decline_after_the_183_leaves_nothing() {
    let (mut world, id, ..) = from_a_queue();
    world.command(Command::Decline { call: id, reason: DeclineReason::Busy }).unwrap();
    world.response(486);
    assert!(world.take(|o| matches!(o, Output::ReleaseMedia { .. })).is_some());
    assert_eq!(world.state(id), None);
}

#[test]
fn a_cancel_after_the_183_leaves_nothing() {
    let (mut world, id, invite, _) = from_a_queue();
    world.receive(sidetone_sip::dialog::cancel(&invite));
    world.response(200);
    world.response(487);
    assert!(world.take(|o| matches!(o, Output::ReleaseMedia { .. })).is_some());
    assert_eq!(world.state(id), None);
}

#[test]
fn a_description_that_comes_after_the_answer_goes_into_the_answer_alone() {
    let mut world = World::registered();
    let id = call_id(ID);
    let mut invite = world.invite(id);
    invite.headers.push(HeaderName::X_QUEUE, "sales");
    world.receive(invite);
    world.response(180);
    world.command(Command::Answer { call: id }).unwrap();
    world.described(id);
    world.response(200);
    world.silent();
}

#[test]
fn an_invite_without_an_offer_is_not_answered_early() {
    let mut world = World::registered();
    let id = call_id(ID);
    let mut invite = world.invite(id);
    invite.headers.push(HeaderName::X_QUEUE, "sales");
    invite.body.clear();
    invite.headers.remove(&HeaderName::CONTENT_TYPE);
    world.receive(invite);
    world.response(180);
    world.described(id);
    world.silent();
}

#[test]
fn a_caller_who_hears_only_the_ring_back_tone_keeps_it_unless_the_policy_says_otherwise() {
    let field = |name, value| Some((name, value));
    let cases = [
        (EarlyMedia::WhereHeard, None, false),
        (EarlyMedia::WhereHeard, field(HeaderName::X_QUEUE, ""), false),
        (EarlyMedia::WhereHeard, field(HeaderName::X_EARLY_MEDIA, "no"), false),
        (EarlyMedia::WhereHeard, field(HeaderName::X_EARLY_MEDIA, "Yes"), true),
        (EarlyMedia::Always, None, true),
        (EarlyMedia::Never, field(HeaderName::X_QUEUE, "sales"), false),
        (EarlyMedia::Never, field(HeaderName::X_EARLY_MEDIA, "yes"), false),
    ];
    for (policy, field, early) in cases {
        let case = format!("{policy:?} {field:?}");
        let (mut world, ..) = ringing(policy, field);
        if early {
            world.response(183);
        }
        assert!(world.sent.is_empty(), "{case}: {:?}", world.sent);
    }
}
