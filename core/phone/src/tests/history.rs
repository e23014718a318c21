//! What the history keeps of each call: once, before anything else is known of its end, across kills.
#![allow(clippy::wildcard_enum_match_arm, reason = "only records and what is saved are looked at")]

use super::*;

const ID: u128 = 0x_1157;

fn id() -> CallId {
    call_id(ID)
}

/// The records that were handed out.
fn records(world: &World) -> Vec<CallRecord> {
    let record = |output: &Output| match output {
        Output::Record(record) => Some(record.clone()),
        _ => None,
    };
    world.outputs.iter().filter_map(record).collect()
}

#[track_caller]
fn only(world: &World) -> CallRecord {
    let records = records(world);
    assert_eq!(records.len(), 1, "{records:?}");
    records.into_iter().next().unwrap()
}

/// A call that rings here.
fn ringing() -> (World, Request) {
    let mut world = World::registered();
    let mut invite = world.invite(id());
    invite.headers.push(HeaderName::X_QUEUE, "Support");
    world.receive(invite.clone());
    world.described(id());
    world.sent.clear();
    (world, invite)
}

fn cancel(world: &mut World, invite: &Request, reason: Option<&str>) {
    let mut cancel = invite.clone();
    cancel.method = Method::Cancel;
    let sequence = invite.headers.cseq().unwrap().sequence;
    cancel.headers.set(HeaderName::CSEQ, format!("{sequence} CANCEL"));
    if let Some(reason) = reason {
        cancel.headers.push(HeaderName::REASON, reason);
    }
    cancel.body.clear();
    world.receive(cancel);
}

#[test]
fn a_call_that_was_answered_is_kept_with_its_times_and_its_queue() {
    let (mut world, invite) = ringing();
    let began = world.now().wall;
    world.advance(3 * SECOND);
    world.command(Command::Answer { call: id() }).unwrap();
    let to = world.response(200).headers.get(&HeaderName::TO).unwrap().into_owned();
    let ack = world.inside(&invite, &to, Method::Ack);
    world.receive(ack);
    world.handle(Input::MediaConnected { call: id() });
    world.advance(7 * SECOND);
    assert_eq!(records(&world), [], "it is not over");
    let bye = world.inside(&invite, &to, Method::Bye);
    world.receive(bye);
    let record = only(&world);
    assert_eq!(record.outcome(), CallOutcome::Answered);
    assert_eq!(record.queue.as_deref(), Some("Support"));
    assert_eq!(record.remote.name.as_deref(), Some("Anna"));
    assert_eq!((record.number().as_deref(), record.began), (Some("100"), began));
    assert_eq!(record.answered, Some(UnixTime(began.0 + 3 * SECOND)));
    assert_eq!(record.talked(), Some(7 * SECOND));
}

#[test]
fn a_call_is_kept_when_its_good_bye_is_answered_and_not_before() {
    let (mut world, ..) = World::talking_in(id());
    world.command(Command::HangUp { call: id() }).unwrap();
    let bye = world.request(Method::Bye);
    assert_eq!(records(&world), []);
    world.reply(&bye, 200);
    assert_eq!(only(&world).reason, EndReason::Local);
}

#[test]
fn missed_answered_elsewhere_declined_and_forwarded_are_told_apart() {
    let (mut world, invite) = ringing();
    cancel(&mut world, &invite, None);
    assert_eq!(only(&world).outcome(), CallOutcome::Missed);

    let (mut world, invite) = ringing();
    cancel(&mut world, &invite, Some("SIP;cause=200;text=\"Call completed elsewhere\""));
    assert_eq!(only(&world).outcome(), CallOutcome::AnsweredElsewhere);

    let (mut world, _) = ringing();
    world.command(Command::Decline { call: id(), reason: DeclineReason::Busy }).unwrap();
    assert_eq!(only(&world).outcome(), CallOutcome::Declined);

    let (mut world, _) = ringing();
    world.command(Command::Forward { call: id(), to: "300".to_owned() }).unwrap();
    let record = only(&world);
    assert_eq!(record.outcome(), CallOutcome::Forwarded);
    assert_eq!(record.reason, EndReason::Forwarded("sip:300@pbx.example".to_owned()));
}

#[test]
fn calls_that_went_out_are_kept_with_what_came_of_them() {
    for (code, reason) in [(486, EndReason::Busy), (404, EndReason::Unreachable(404))] {
        let mut world = World::registered();
        world.command(Command::Dial { call: id(), to: "+49 30 123".to_owned() }).unwrap();
        world.described(id());
        let invite = world.request(Method::Invite);
        world.reply(&invite, code);
        let record = only(&world);
        assert_eq!((record.outcome(), &record.reason), (CallOutcome::Failed, &reason));
        assert_eq!(record.redial().as_deref(), Some("sip:+4930123@pbx.example"));
    }
    let mut world = World::registered();
    world.command(Command::Dial { call: id(), to: "200".to_owned() }).unwrap();
    world.command(Command::HangUp { call: id() }).unwrap();
    assert_eq!(only(&world).outcome(), CallOutcome::Cancelled);
}

#[test]
fn an_identity_that_is_hidden_is_not_in_the_history() {
    let mut world = World::registered();
    let mut invite = world.invite(id());
    invite
        .headers
        .set(HeaderName::FROM, "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=caller");
    invite.headers.push(HeaderName::P_ASSERTED_IDENTITY, "\"Anna\" <sip:0301234567@pbx.example>");
    invite.headers.push(HeaderName::new("Privacy"), "id");
    world.receive(invite);
    world.command(Command::Decline { call: id(), reason: DeclineReason::Busy }).unwrap();
    let record = only(&world);
    assert!(!format!("{record:?}").contains("0301234567"), "{record:?}");
    assert_eq!(record.redial(), None);
}

#[test]
fn a_push_that_comes_too_late_is_a_missed_call_and_comes_once() {
    let mut world = World::registered();
    let announcement = Announcement {
        call: id(),
        kind: AnnouncementKind::Incoming,
        deadline: UnixTime(world.boot - SECOND),
        caller: Caller { name: None, number: Some("0301".to_owned()) },
        queue: Some("Support".to_owned()),
        group: None,
    };
    world.handle(Input::Announced(announcement.clone()));
    world.handle(Input::Announced(announcement.clone()));
    world.handle(Input::Announced(Announcement {
        kind: AnnouncementKind::Cancelled,
        ..announcement
    }));
    let record = only(&world);
    assert_eq!((record.outcome(), record.redial().as_deref()), (CallOutcome::Missed, Some("0301")));
}

#[test]
fn a_record_is_handed_out_before_anything_that_a_restart_would_not_know_of() {
    let (mut world, _) = ringing();
    let decline = Command::Decline { call: id(), reason: DeclineReason::Busy };
    world.phone.command(decline, world.now()).unwrap();
    let order = [world.phone.poll_output(), world.phone.poll_output()];
    assert!(matches!(order, [Some(Output::Record(_)), Some(Output::Save(_))]), "{order:?}");
}

/// One call in the history at whatever output the process is killed, of a call that goes through its
/// whole life; and as it ended, where it had.
#[test]
fn killed_after_any_output_a_call_is_in_the_history_once() {
    let talk = |world: &mut World, invite: &mut Option<(Request, String)>, step: usize| match step {
        0 => {
            let request = world.invite(id());
            let bytes = Message::from(request.clone()).to_bytes();
            *invite = Some((request, String::new()));
            world.phone.handle(Input::Received { flow: world.flow, bytes }, world.now());
        }
        1 => {
            let generation = Generation(1);
            let described =
                Input::Described { call: id(), generation, result: Ok(sdp("sendrecv")) };
            world.phone.handle(described, world.now());
        }
        2 => world.phone.command(Command::Answer { call: id() }, world.now()).unwrap(),
        _ => world.phone.command(Command::HangUp { call: id() }, world.now()).unwrap(),
    };
    let mut kill_after = 0;
    loop {
        let mut world = World::registered();
        let (mut stored, mut kept): (Option<Saved>, Vec<CallRecord>) =
            (world.saved.clone(), vec![]);
        let (mut carried_out, mut invite, mut killed) = (0, None, false);
        let began = stored.clone();
        'life: for step in 0..4 {
            talk(&mut world, &mut invite, step);
            if step == 3 {
                // The BYE is not answered.
                world.boot += 40 * SECOND;
                world.phone.handle_timeout(world.now());
            }
            while let Some(output) = world.phone.poll_output() {
                if carried_out == kill_after {
                    killed = true;
                    break 'life;
                }
                carried_out += 1;
                match output {
                    Output::Save(saved) => stored = Some(saved),
                    Output::Record(record) if kept.is_empty() => kept.push(record),
                    Output::Record(again) => assert_eq!(again.call, id(), "told once"),
                    _ => {}
                }
            }
        }
        let known = stored != began;
        let ended = kept.clone();
        let mut next = World::with(config(), stored);
        next.command(Command::Register).unwrap();
        for record in records(&next) {
            if kept.iter().all(|known| known.call != record.call) {
                kept.push(record);
            }
        }
        assert_eq!(
            kept.len(),
            usize::from(known || !ended.is_empty()),
            "killed after {kill_after}"
        );
        if let Some(ended) = ended.first() {
            assert_eq!(kept[0], *ended, "what came of it stays");
        }
        if !killed {
            assert!(kill_after > 10, "there is a life to be killed in: {kill_after}");
            break;
        }
        kill_after += 1;
    }
}
