//! INVITEs that take the place of a call (RFC 3891 §3).

use super::*;

fn old() -> CallId {
    call_id(1)
}

fn new() -> CallId {
    call_id(2)
}

/// An INVITE for the place of the call whose INVITE came, or went, with these tags.
fn replacing(world: &mut World, invite: &Request, ours: &str, theirs: &str, more: &str) -> Request {
    let mut replacing = world.invite(new());
    let call_id = invite.headers.call_id().unwrap();
    let value = format!("{call_id};to-tag={ours};from-tag={theirs}{more}");
    replacing.headers.push(HeaderName::REPLACES, value);
    replacing.headers.push(HeaderName::REQUIRE, "replaces");
    replacing
}

fn tag(to: &str) -> &str {
    to.rsplit_once("tag=").unwrap().1
}

#[test]
fn a_call_that_is_up_is_replaced_without_ringing_on() {
    let (mut world, invite, to) = World::talking_in(old());
    let replacing = replacing(&mut world, &invite, tag(&to), "caller", "");
    world.receive(replacing);
    assert_eq!(world.state(new()), Some(CallState::Answering), "nobody is asked again");
    assert_eq!(world.state(old()), Some(CallState::Established), "until the other is answered");
    world.described(new());
    world.response(180);
    world.response(200);
    let bye = world.request(Method::Bye);
    assert_eq!(bye.headers.call_id().unwrap(), invite.headers.call_id().unwrap());
    world.silent();
    let active: Vec<CallId> =
        world.phone.snapshot().calls.iter().filter(|call| call.active).map(|c| c.id).collect();
    assert_eq!(active.last(), Some(&new()));
    world.reply(&bye, 200);
    let reason = EndReason::Transferred("sip:100@pbx.example".to_owned());
    world.ended(old(), reason);
    assert_eq!(world.phone.snapshot().calls.len(), 1);
}

#[test]
fn a_call_that_is_held_is_replaced_by_one_that_is() {
    let (mut world, invite, to) = World::talking_in(old());
    world.command(Command::Dial { call: call_id(3), to: "200".to_owned() }).unwrap();
    let replacing = replacing(&mut world, &invite, tag(&to), "caller", "");
    world.receive(replacing);
    world.described(new());
    let opened =
        |o: &Output| matches!(o, Output::SetUplink { call, open: true, .. } if *call == new());
    assert!(world.take(opened).is_none(), "who was not heard is not heard now");
    let calls = world.phone.snapshot().calls;
    let active: Vec<CallId> = calls.iter().filter(|call| call.active).map(|c| c.id).collect();
    assert_eq!(active, [call_id(3)]);
}

#[test]
fn a_call_of_ours_that_nobody_has_answered_yet_is_replaced() {
    let mut world = World::registered();
    world.command(Command::Dial { call: old(), to: "200".to_owned() }).unwrap();
    world.described(old());
    let invite = world.request(Method::Invite);
    world.reply_sdp(&invite, 180, "bob", "");
    let from = invite.headers.get(&HeaderName::FROM).unwrap().into_owned();
    let replacing = replacing(&mut world, &invite, tag(&from), "bob", ";early-only");
    world.receive(replacing);
    world.described(new());
    world.response(180);
    world.response(200);
    world.request(Method::Cancel);
    assert_eq!(world.state(new()), Some(CallState::Answered));
}

#[test]
fn what_replaces_nothing_is_refused_and_harms_nothing() {
    let (mut world, invite, to) = World::talking_in(old());
    let cases = [
        (tag(&to).to_owned(), "caller", ";early-only", 486),
        ("unknown".to_owned(), "caller", "", 481),
        (tag(&to).to_owned(), "unknown", "", 481),
        (tag(&to).to_owned(), "caller;to-tag=x", "", 400),
    ];
    for (ours, theirs, more, code) in cases {
        let replacing = replacing(&mut world, &invite, &ours, theirs, more);
        world.receive(replacing);
        world.response(code);
        world.silent();
        assert_eq!(world.state(new()), None);
    }
    let mut twice = replacing(&mut world, &invite, tag(&to), "caller", "");
    twice.headers.push(HeaderName::REPLACES, "1;to-tag=2;from-tag=3");
    world.receive(twice);
    world.response(400);
    assert_eq!(world.state(old()), Some(CallState::Established));
    assert!(world.events.is_empty());
}

#[test]
fn a_call_that_rings_here_is_not_replaced() {
    let mut world = World::registered();
    let invite = world.invite(old());
    world.receive(invite.clone());
    let to = world.response(180).headers.get(&HeaderName::TO).unwrap().into_owned();
    let replacing = replacing(&mut world, &invite, tag(&to), "caller", "");
    world.receive(replacing);
    world.response(481);
    assert_eq!(world.state(old()), Some(CallState::Ringing));
}

#[test]
fn a_call_that_the_user_ends_is_not_replaced() {
    let (mut world, invite, to) = World::talking_in(old());
    world.command(Command::HangUp { call: old() }).unwrap();
    world.request(Method::Bye);
    let replacing = replacing(&mut world, &invite, tag(&to), "caller", "");
    world.receive(replacing);
    world.response(603);
}

#[test]
fn a_replacement_that_is_withdrawn_leaves_the_call() {
    let (mut world, invite, to) = World::talking_in(old());
    let replacing = replacing(&mut world, &invite, tag(&to), "caller", "");
    world.receive(replacing.clone());
    world.response(180);
    world.receive(sidetone_sip::dialog::cancel(&replacing));
    world.response(200);
    world.response(487);
    assert_eq!(world.state(old()), Some(CallState::Established));
    assert_eq!(world.state(new()), None);
    world.silent();
}
