//! Several calls: which one talks, who is joined, and whose other sides are brought together.

use super::*;

fn anna() -> CallId {
    call_id(1)
}

fn bob() -> CallId {
    call_id(2)
}

/// Agrees to the re-INVITE that holds or resumes this call.
#[track_caller]
fn agree(world: &mut World, id: CallId, hold: bool) {
    let direction = if hold { sdp::Direction::SendOnly } else { sdp::Direction::SendRecv };
    assert_eq!(world.described(id), DescribeRequest::Offer { direction, ice_restart: false });
    let invite = world.request(Method::Invite);
    let answer = if hold { "recvonly" } else { "sendrecv" };
    let tag = invite.headers.to().unwrap().tag().unwrap().to_owned();
    world.reply_sdp(&invite, 200, &tag, &sdp(answer));
    world.request(Method::Ack);
    assert_eq!(snapshot(world, id).hold.local, hold);
}

fn snapshot(world: &World, id: CallId) -> CallSnapshot {
    world.phone.snapshot().calls.into_iter().find(|call| call.id == id).unwrap()
}

fn active(world: &World) -> Vec<CallId> {
    let calls = world.phone.snapshot().calls;
    calls.iter().filter(|call| call.active).map(|call| call.id).collect()
}

/// Anna called and talks; then the user called Bob, who has answered.
fn two() -> (World, Request, String, Request) {
    let (mut world, invite, to) = World::talking_in(anna());
    world.command(Command::Dial { call: bob(), to: "200".to_owned() }).unwrap();
    agree(&mut world, anna(), true);
    world.described(bob());
    let out = world.request(Method::Invite);
    world.reply_sdp(&out, 200, "bob", &sdp("sendrecv"));
    world.request(Method::Ack);
    world.handle(Input::MediaConnected { call: bob() });
    world.events.clear();
    world.outputs.clear();
    (world, invite, to, out)
}

#[test]
fn a_new_call_holds_the_one_that_talks_at_once() {
    let (mut world, _, _) = World::talking_in(anna());
    world.command(Command::Dial { call: bob(), to: "200".to_owned() }).unwrap();
    let closed = Output::SetUplink { call: anna(), open: false, muted: false };
    assert!(world.outputs.contains(&closed), "before anybody has agreed");
    assert_eq!(active(&world), [bob()]);
    agree(&mut world, anna(), true);
}

#[test]
fn a_call_is_shown_on_hold_from_the_moment_it_was_asked_for() {
    let (mut world, _, _, _) = two();
    let shown = |world: &World| [anna(), bob()].map(|id| snapshot(world, id).on_hold);
    assert_eq!(shown(&world), [true, false]);
    world.command(Command::Swap).unwrap();
    assert_eq!(shown(&world), [false, true], "before anybody has agreed");
    assert!(snapshot(&world, anna()).hold.local);
    agree(&mut world, bob(), true);
    agree(&mut world, anna(), false);
    assert_eq!(shown(&world), [false, true]);
}

#[test]
fn an_answered_call_holds_the_one_that_talks() {
    let (mut world, _, _) = World::talking_in(anna());
    let invite = world.invite(bob());
    world.receive(invite.clone());
    world.described(bob());
    world.response(180);
    assert_eq!(active(&world), [anna()], "it only rings");
    world.command(Command::Answer { call: bob() }).unwrap();
    world.response(200);
    assert_eq!(active(&world), [bob()]);
    agree(&mut world, anna(), true);
    let open = Output::SetUplink { call: bob(), open: true, muted: false };
    assert!(world.outputs.contains(&open));
}

#[test]
fn a_call_that_refuses_to_be_held_is_silent_and_talks_again_when_it_is_alone() {
    let (mut world, _, _) = World::talking_in(anna());
    world.command(Command::Dial { call: bob(), to: "200".to_owned() }).unwrap();
    world.described(anna());
    let hold = world.request(Method::Invite);
    world.reply(&hold, 488);
    world.request(Method::Ack);
    assert!(world.events.iter().any(|e| matches!(e, Event::HoldFailed { .. })));
    let opened =
        |o: &Output| matches!(o, Output::SetUplink { call, open: true, .. } if *call == anna());
    assert!(!world.outputs.iter().any(opened), "it must not hear what is said to the other");
    world.command(Command::HangUp { call: bob() }).unwrap();
    assert!(world.outputs.iter().any(opened));
    assert_eq!(active(&world), [anna()]);
}

#[test]
fn an_answer_that_comes_while_another_call_talks_is_held() {
    let mut world = World::registered();
    world.command(Command::Dial { call: bob(), to: "200".to_owned() }).unwrap();
    world.described(bob());
    let out = world.request(Method::Invite);
    let invite = world.invite(anna());
    world.receive(invite.clone());
    world.described(anna());
    world.response(180);
    world.command(Command::Answer { call: anna() }).unwrap();
    let to = world.response(200).headers.get(&HeaderName::TO).unwrap().into_owned();
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    world.reply_sdp(&out, 200, "bob", &sdp("sendrecv"));
    world.request(Method::Ack);
    let opened =
        |o: &Output| matches!(o, Output::SetUplink { call, open: true, .. } if *call == bob());
    assert!(!world.outputs.iter().any(opened));
    agree(&mut world, bob(), true);
    assert_eq!(active(&world), [anna()]);
}

#[test]
fn swapped_calls_change_places() {
    let (mut world, ..) = two();
    assert_eq!(active(&world), [bob()]);
    world.command(Command::Swap).unwrap();
    assert_eq!(active(&world), [anna()]);
    agree(&mut world, anna(), false);
    agree(&mut world, bob(), true);
    world.command(Command::Swap).unwrap();
    agree(&mut world, bob(), false);
    agree(&mut world, anna(), true);
    assert_eq!(active(&world), [bob()]);
}

#[test]
fn a_swap_takes_two_calls() {
    let (mut world, _, _) = World::talking_in(anna());
    assert_eq!(world.command(Command::Swap), Err(CommandError::NothingToSwap));
}

#[test]
fn the_end_of_the_call_that_talks_leaves_the_other_on_hold() {
    let (mut world, _, _, out) = two();
    let bye = world.back(&out, "bob", Method::Bye);
    world.receive(bye);
    world.response(200);
    world.ended(bob(), EndReason::Remote);
    assert!(snapshot(&world, anna()).hold.local);
    world.silent();
    world.command(Command::Hold { call: anna(), on: false }).unwrap();
    agree(&mut world, anna(), false);
    assert_eq!(active(&world), [anna()]);
}

#[test]
fn joined_calls_are_mixed_held_together_and_parted_by_an_end() {
    let (mut world, invite, to, _) = two();
    assert_eq!(
        world.command(Command::Merge { calls: vec![anna()] }),
        Err(CommandError::TooFewCalls)
    );
    world.command(Command::Merge { calls: vec![bob(), anna()] }).unwrap();
    let both = vec![anna(), bob()];
    assert!(world.outputs.contains(&Output::Mix { calls: both.clone() }));
    assert_eq!(world.events.pop_front(), Some(Event::Merged { calls: both.clone() }));
    agree(&mut world, anna(), false);
    assert_eq!(active(&world), both);
    world.command(Command::Hold { call: bob(), on: true }).unwrap();
    agree(&mut world, bob(), true);
    agree(&mut world, anna(), true);
    world.command(Command::Hold { call: anna(), on: false }).unwrap();
    agree(&mut world, anna(), false);
    agree(&mut world, bob(), false);
    world.outputs.clear();
    let bye = world.inside(&invite, &to, Method::Bye);
    world.receive(bye);
    world.response(200);
    assert!(world.outputs.contains(&Output::Mix { calls: vec![] }));
    assert!(!snapshot(&world, bob()).merged);
    assert_eq!(active(&world), [bob()]);
}

#[test]
fn one_of_the_joined_can_be_spoken_to_alone() {
    let (mut world, ..) = two();
    world.command(Command::Merge { calls: vec![anna(), bob()] }).unwrap();
    agree(&mut world, anna(), false);
    world.command(Command::Split { call: bob() }).unwrap();
    assert!(world.outputs.contains(&Output::Mix { calls: vec![] }));
    assert_eq!(active(&world), [bob()]);
    agree(&mut world, anna(), true);
    assert_eq!(world.command(Command::Split { call: bob() }), Err(CommandError::WrongState));
}

/// A NOTIFY of the server on how a REFER goes, and our answer.
fn tell(world: &mut World, mut notify: Request, over: bool, line: &str) {
    notify.headers.push(HeaderName::EVENT, "refer");
    let state = if over { "terminated;reason=noresource" } else { "active;expires=600" };
    notify.headers.push(HeaderName::SUBSCRIPTION_STATE, state);
    notify.set_body("message/sipfrag;version=2.0", line.as_bytes().to_vec());
    world.receive(notify);
    world.response(200);
}

#[test]
fn a_swap_takes_the_call_that_was_talked_in_last() {
    let (mut world, ..) = two();
    let carol = call_id(9);
    world.command(Command::Dial { call: carol, to: "201".to_owned() }).unwrap();
    world.described(carol);
    world.sent.retain(
        |message| matches!(message, Message::Request(r) if r.uri.user.as_deref() == Some("201")),
    );
    let out = world.request(Method::Invite);
    world.reply_sdp(&out, 200, "carol", &sdp("sendrecv"));
    for (command, talks) in [
        (Command::Hold { call: bob(), on: false }, bob()),
        (Command::Hold { call: anna(), on: false }, anna()),
        (Command::Swap, bob()),
        (Command::Swap, anna()),
    ] {
        world.advance(SECOND / 10);
        world.command(command).unwrap();
        assert_eq!(active(&world), [talks]);
    }
}

#[test]
fn a_call_that_is_dialled_is_talked_in_when_the_one_beside_it_is_over() {
    let (mut world, ..) = World::talking_in(anna());
    world.command(Command::Dial { call: bob(), to: "200".to_owned() }).unwrap();
    world.command(Command::Hold { call: anna(), on: false }).unwrap();
    assert!(!snapshot(&world, bob()).active);
    world.command(Command::HangUp { call: anna() }).unwrap();
    assert!(snapshot(&world, bob()).active);
}

#[test]
fn a_blind_transfer_names_the_target_and_ends_with_our_bye() {
    let (mut world, invite, to) = World::talking_in(anna());
    let transfer = Command::Transfer { call: anna(), to: "30 1".to_owned() };
    world.command(transfer.clone()).unwrap();
    let refer = world.request(Method::Refer);
    assert_eq!(refer.headers.get(&HeaderName::REFER_TO).unwrap(), "<sip:301@pbx.example>");
    let by = refer.headers.get(&HeaderName::REFERRED_BY).unwrap();
    assert_eq!(by, "<sip:agent1@pbx.example>");
    assert!(refer.headers.has(&HeaderName::CONTACT));
    assert_eq!(world.command(transfer), Err(CommandError::Transferring));
    world.reply(&refer, 202);
    for (line, status) in [("SIP/2.0 100 Trying", 100), ("SIP/2.0 180 Ringing", 180)] {
        let notify = world.inside(&invite, &to, Method::Notify);
        tell(&mut world, notify, false, line);
        let target = Party { name: None, uri: "sip:301@pbx.example".to_owned() };
        assert_eq!(snapshot(&world, anna()).transfer, Some(target.clone()));
        let progress = Event::TransferProgress { call: anna(), to: target, status };
        assert_eq!(world.events.pop_front(), Some(progress));
    }
    let notify = world.inside(&invite, &to, Method::Notify);
    tell(&mut world, notify, true, "SIP/2.0 200 OK");
    let bye = world.request(Method::Bye);
    world.reply(&bye, 200);
    world.ended(anna(), EndReason::Transferred("sip:301@pbx.example".to_owned()));
}

#[test]
fn news_of_a_transfer_that_come_again_are_told_once() {
    let (mut world, invite, to) = World::talking_in(anna());
    world.command(Command::Transfer { call: anna(), to: "301".to_owned() }).unwrap();
    let refer = world.request(Method::Refer);
    world.reply(&refer, 202);
    for line in ["SIP/2.0 180 Ringing", "SIP/2.0 180 Ringing", "SIP/2.0 183 Session Progress"] {
        let notify = world.inside(&invite, &to, Method::Notify);
        tell(&mut world, notify, false, line);
    }
    let status = |event: &Event| {
        let Event::TransferProgress { status, .. } = event else { return None };
        Some(*status)
    };
    assert_eq!(world.events.iter().filter_map(status).collect::<Vec<_>>(), [180, 183]);
}

#[test]
fn what_becomes_of_a_caller_whom_nobody_takes_is_shown_as_the_administrator_says() {
    for said in [TransfersReturn::Unknown, TransfersReturn::Yes, TransfersReturn::No] {
        let world = World::with(Config { transfers_return: said, ..config() }, None);
        assert_eq!(world.phone.snapshot().transfers_return, said);
    }
    assert_eq!(config().transfers_return, TransfersReturn::Unknown);
}

#[test]
fn a_transfer_that_is_refused_or_fails_leaves_the_call() {
    let (mut world, invite, to) = World::talking_in(anna());
    let transfer = Command::Transfer { call: anna(), to: "301".to_owned() };
    for fail in ["refer", "notify", "no word", "silence", "no answer"] {
        world.command(transfer.clone()).unwrap();
        let refer = world.request(Method::Refer);
        match fail {
            "refer" => world.reply(&refer, 603),
            "notify" => {
                world.reply(&refer, 202);
                let notify = world.inside(&invite, &to, Method::Notify);
                tell(&mut world, notify, true, "SIP/2.0 486 Busy Here");
            }
            "no word" => {
                // RFC 3515 §2.4.4: the subscription ends, and its last news is not what came of it.
                world.reply(&refer, 202);
                let notify = world.inside(&invite, &to, Method::Notify);
                tell(&mut world, notify, true, "SIP/2.0 180 Ringing");
            }
            _ => {
                if fail == "silence" {
                    world.reply(&refer, 202);
                }
                for _ in 0..181 {
                    world.handle(Input::ProbeAnswered { flow: world.flow });
                    world.advance(SECOND);
                }
            }
        }
        let failed = |e: &Event| matches!(e, Event::TransferFailed { .. });
        assert!(world.events.iter().any(failed), "{fail}");
        world.events.clear();
        world.sent.clear();
        let call = snapshot(&world, anna());
        assert_eq!((call.state, call.transfer), (CallState::Established, None), "{fail}");
    }
}

#[test]
fn a_transfer_that_is_challenged_is_asked_for_again_and_its_answer_counts() {
    let (mut world, ..) = World::talking_in(anna());
    world.command(Command::Transfer { call: anna(), to: "301".to_owned() }).unwrap();
    let first = world.request(Method::Refer);
    world.challenge_to(&first, "n2", false);
    let again = world.request(Method::Refer);
    assert!(again.headers.get(&HeaderName::AUTHORIZATION).is_some());
    assert!(snapshot(&world, anna()).transfer.is_some());
    world.reply(&again, 603);
    assert_eq!(snapshot(&world, anna()).transfer, None);
    assert_eq!(world.state(anna()), Some(CallState::Established));
}

#[test]
fn what_comes_of_a_transfer_is_waited_for() {
    let (mut world, ..) = World::talking_in(anna());
    world.command(Command::Transfer { call: anna(), to: "301".to_owned() }).unwrap();
    let refer = world.request(Method::Refer);
    world.reply(&refer, 202);
    for _ in 0..170 {
        world.handle(Input::ProbeAnswered { flow: world.flow });
        world.advance(SECOND);
    }
    assert!(snapshot(&world, anna()).transfer.is_some());
}

#[test]
fn the_other_side_may_leave_as_soon_as_it_knows_where_to() {
    let (mut world, invite, to) = World::talking_in(anna());
    world.command(Command::Transfer { call: anna(), to: "301".to_owned() }).unwrap();
    let refer = world.request(Method::Refer);
    world.reply(&refer, 202);
    let bye = world.inside(&invite, &to, Method::Bye);
    world.receive(bye);
    world.response(200);
    world.ended(anna(), EndReason::Transferred("sip:301@pbx.example".to_owned()));
}

#[test]
fn an_attended_transfer_names_the_other_dialog_and_ends_both_calls() {
    let (mut world, invite, to, out) = two();
    world.command(Command::TransferTo { call: anna(), with: bob() }).unwrap();
    let refer = world.request(Method::Refer);
    assert_eq!(refer.headers.call_id(), invite.headers.call_id());
    let refer_to = refer.headers.addresses(&HeaderName::REFER_TO).unwrap();
    let replaces = format!(
        "{};to-tag=bob;from-tag={}",
        out.headers.call_id().unwrap(),
        out.headers.from().unwrap().tag().unwrap()
    );
    assert_eq!(refer_to[0].uri.header("Replaces"), Some(replaces));
    let wrong = world.command(Command::TransferTo { call: bob(), with: anna() });
    assert_eq!(wrong, Err(CommandError::Transferring));
    world.reply(&refer, 202);
    let notify = world.inside(&invite, &to, Method::Notify);
    tell(&mut world, notify, true, "SIP/2.0 200 OK");
    for _ in 0..2 {
        let bye = world.request(Method::Bye);
        world.reply(&bye, 200);
    }
    world.ended(anna(), EndReason::Transferred("sip:200@pbx.example".to_owned()));
    world.ended(bob(), EndReason::Transferred("sip:100@pbx.example".to_owned()));
}

#[test]
fn nobody_is_brought_to_a_call_that_is_being_sent_elsewhere() {
    let (mut world, ..) = two();
    world.command(Command::Transfer { call: bob(), to: "301".to_owned() }).unwrap();
    world.request(Method::Refer);
    let brought = world.command(Command::TransferTo { call: anna(), with: bob() });
    assert_eq!(brought, Err(CommandError::Transferring));
    world.silent();
}

#[test]
fn who_leaves_after_an_attended_transfer_is_agreed_to_is_transferred_and_before_that_has_hung_up() {
    for agreed in [true, false] {
        let (mut world, _, _, out) = two();
        world.command(Command::TransferTo { call: anna(), with: bob() }).unwrap();
        let refer = world.request(Method::Refer);
        if agreed {
            world.reply(&refer, 202);
        }
        let bye = world.back(&out, "bob", Method::Bye);
        world.receive(bye);
        world.response(200);
        let transferred = EndReason::Transferred("sip:100@pbx.example".to_owned());
        world.ended(bob(), if agreed { transferred } else { EndReason::Remote });
    }
}

#[test]
fn an_attended_transfer_that_fails_leaves_both_calls() {
    let (mut world, invite, to, out) = two();
    world.command(Command::TransferTo { call: anna(), with: bob() }).unwrap();
    let refer = world.request(Method::Refer);
    world.reply(&refer, 202);
    let notify = world.inside(&invite, &to, Method::Notify);
    tell(&mut world, notify, true, "SIP/2.0 503 Service Unavailable");
    let bye = world.back(&out, "bob", Method::Bye);
    world.receive(bye);
    world.response(200);
    world.ended(bob(), EndReason::Remote);
    assert_eq!(world.state(anna()), Some(CallState::Established));
}

#[test]
fn the_joined_two_are_left_to_themselves() {
    let (mut world, ..) = two();
    assert_eq!(world.command(Command::Leave), Err(CommandError::TooFewCalls));
    world.command(Command::Merge { calls: vec![anna(), bob()] }).unwrap();
    agree(&mut world, anna(), false);
    world.command(Command::Leave).unwrap();
    world.request(Method::Refer);
    assert!(!world.outputs.contains(&Output::Mix { calls: vec![] }), "they hear each other on");
}

#[test]
fn a_call_that_is_ending_has_no_microphone_and_waits_for_the_other_side() {
    let id = call_id(1);
    let (mut world, _, _) = World::talking_in(id);
    assert!(world.phone.snapshot().calls[0].active);
    world.command(Command::HangUp { call: id }).unwrap();
    world.advance_alive(SECOND * 5);
    let call = &world.phone.snapshot().calls[0];
    assert_eq!((call.state, call.active), (CallState::Ending, false));
    let bye = world.request(Method::Bye);
    world.reply(&bye, 200);
    world.ended(id, EndReason::Local);
}

#[test]
fn an_end_that_waits_for_the_other_side_has_its_time() {
    let id = call_id(1);
    let (mut world, invite) = World::ringing_in(id);
    world.command(Command::Answer { call: id }).unwrap();
    let to = world.response(200).headers.get(&HeaderName::TO).unwrap().into_owned();
    world.command(Command::HangUp { call: id }).unwrap();
    world.advance_alive(SECOND * 5);
    world.sent.clear();
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    world.request(Method::Bye);

    let mut world = World::registered();
    world.command(Command::Dial { call: id, to: "200".to_owned() }).unwrap();
    world.described(id);
    let invite = world.request(Method::Invite);
    world.command(Command::HangUp { call: id }).unwrap();
    world.advance_alive(SECOND * 5);
    world.silent();
    world.reply(&invite, 100);
    world.request(Method::Cancel);
    world.advance_alive(SECOND * 5);
    assert_eq!(world.state(id), Some(CallState::Ending));
    world.reply(&invite, 487);
    world.ended(id, EndReason::Local);
}

#[test]
fn what_is_heard_first_is_so_once() {
    let id = call_id(1);
    let (mut world, _, _) = World::talking_in(id);
    world.advance_alive(SECOND);
    world.handle(Input::FirstHeard { call: id });
    let first = snapshot(&world, id).first_heard;
    world.advance_alive(SECOND);
    world.handle(Input::FirstHeard { call: id });
    assert_eq!(snapshot(&world, id).first_heard, first);
}
