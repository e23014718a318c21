//! The team that is watched: asked for, told in rounds and by changes, and never shown as more than that.

use super::*;
use std::sync::Arc;

fn person(name: &str, number: u64, more: &str) -> String {
    format!(
        r#"{{"name":"{name}","number":"18","label":"Änne {name}","team":"east","n":{number},"since":4990,{more}}}"#
    )
}

fn ready(name: &str, number: u64) -> String {
    person(name, number, r#""state":"ready""#)
}

fn line(waiting: u32, number: u64) -> String {
    format!(r#"{{"name":"support","n":{number},"waiting":{waiting},"free":1}}"#)
}

fn notify(world: &mut World, text: &str) {
    let mut notify = world.outside(Method::Notify);
    notify.headers.push(HeaderName::EVENT, "sidetone-team");
    notify.headers.push(HeaderName::SUBSCRIPTION_STATE, "terminated");
    notify.set_body("application/json", text.as_bytes().to_vec());
    world.receive(notify);
}

/// A part of a round.
fn part(
    world: &mut World,
    round: &str,
    part: u64,
    last: bool,
    people: &[String],
    queues: &[String],
) {
    let (people, queues) = (people.join(","), queues.join(","));
    notify(
        world,
        &format!(
            r#"{{"v":1,"at":5000,"lasts":180,"round":"{round}","part":{part},"last":{last},"people":[{people}],"queues":[{queues}]}}"#
        ),
    );
    world.response(200);
}

/// A change of these.
fn change(world: &mut World, people: &[String], queues: &[String]) {
    let (people, queues) = (people.join(","), queues.join(","));
    notify(world, &format!(r#"{{"v":1,"at":5000,"people":[{people}],"queues":[{queues}]}}"#));
    world.response(200);
}

/// The INVITE of the code that is under way.
#[track_caller]
fn code(world: &mut World, expected: &str) -> Request {
    let invite = world.request(Method::Invite);
    assert_eq!(invite.uri.user.as_deref(), Some(expected));
    invite
}

fn done(world: &mut World, invite: &Request) {
    world.reply_sdp(invite, 200, "pbx", &self::sdp("inactive"));
    world.request(Method::Ack);
    let bye = world.back(invite, "pbx", Method::Bye);
    world.receive(bye);
    world.response(200);
}

fn team(world: &World) -> TeamSnapshot {
    (*world.phone.snapshot().team.expect("a team")).clone()
}

fn names(world: &World) -> Vec<String> {
    team(world).people.into_iter().map(|colleague| colleague.name).collect()
}

/// Watches anna, bert and one queue.
fn watching() -> World {
    let mut world = World::registered();
    world.command(Command::Watch { on: true }).unwrap();
    let invite = code(&mut world, "sidetone*watch");
    part(&mut world, "a", 1, false, &[ready("anna", 4)], &[]);
    assert_eq!(team(&world).state, TeamState::Unknown);
    part(&mut world, "a", 2, true, &[ready("bert", 4)], &[line(0, 1)]);
    done(&mut world, &invite);
    assert_eq!(team(&world).state, TeamState::Current);
    world.silent();
    world.events.clear();
    world
}

#[test]
fn nobody_is_watched_where_nobody_looks() {
    let mut world = World::registered();
    world.silent();
    assert_eq!(world.phone.snapshot().team, None);
    notify(&mut world, r#"{"v":1,"at":5}"#);
    world.response(481);
}

#[test]
fn a_team_is_told_whole_and_then_by_what_changes() {
    let mut world = World::registered();
    world.command(Command::Watch { on: true }).unwrap();
    let invite = code(&mut world, "sidetone*watch");
    assert_eq!(team(&world).state, TeamState::Unknown);
    part(&mut world, "a", 1, true, &[ready("anna", 4), ready("bert", 4)], &[line(2, 1)]);
    done(&mut world, &invite);
    let whole = team(&world);
    assert_eq!((whole.state, names(&world).join(" ").as_str()), (TeamState::Current, "anna bert"));
    assert_eq!((whole.queues[0].waiting, whole.people[1].state), (2, AgentState::Ready));
    let told: Vec<_> =
        world.events.drain(..).filter(|event| matches!(event, Event::TeamChanged { .. })).collect();
    assert_eq!(told, [Event::TeamChanged { team: Arc::new(whole) }]);
    // A change, an older one that comes late, and one that is none.
    let lunch = person("bert", 6, r#""state":"paused","reason":"lunch""#);
    change(&mut world, std::slice::from_ref(&lunch), &[]);
    change(&mut world, &[ready("bert", 5)], &[]);
    change(&mut world, &[lunch], &[line(2, 1)]);
    assert_eq!(team(&world).people[1].state, AgentState::NotReady);
    assert!(
        matches!(world.events.make_contiguous(), [Event::ColleagueChanged { colleague }]
        if colleague.pause.as_ref().unwrap().reason.as_deref() == Some("lunch")),
        "{:?}",
        world.events
    );
    change(&mut world, &[], &[line(3, 2)]);
    assert!(
        matches!(world.events.make_contiguous(), [_, Event::TeamQueueChanged { queue }] if queue.waiting == 3)
    );
    world.command(Command::Watch { on: true }).unwrap();
    world.silent();
}

#[test]
fn who_is_in_a_round_no_more_is_gone_and_a_round_with_a_hole_takes_nobody_away() {
    let mut world = watching();
    part(&mut world, "b", 1, false, &[ready("carl", 1)], &[]);
    part(&mut world, "b", 3, true, &[], &[]);
    assert_eq!(names(&world), ["anna", "bert", "carl"]);
    // Its second part is of another round.
    part(&mut world, "c", 1, false, &[ready("carl", 1)], &[]);
    part(&mut world, "d", 2, true, &[], &[]);
    assert_eq!(names(&world), ["anna", "bert", "carl"]);
    world.events.clear();
    part(&mut world, "e", 1, false, &[ready("carl", 1)], &[]);
    part(&mut world, "e", 2, true, &[ready("anna", 4)], &[line(0, 1)]);
    assert_eq!(names(&world), ["carl", "anna"]);
    assert!(
        matches!(world.events.make_contiguous(), [Event::TeamChanged { team }] if team.people.len() == 2)
    );
    // Each keeps his own number.
    change(
        &mut world,
        &[person("carl", 0, r#""state":"out""#), person("anna", 5, r#""state":"out""#)],
        &[],
    );
    let states: Vec<_> = team(&world).people.iter().map(|c| c.state).collect();
    assert_eq!(states, [AgentState::Ready, AgentState::LoggedOut]);
}

#[test]
fn a_watch_is_renewed_before_it_ends_and_outdated_where_it_is_not() {
    let mut world = watching();
    world.advance_alive(SECOND * 89);
    world.silent();
    world.advance_alive(SECOND);
    let again = code(&mut world, "sidetone*watch");
    part(&mut world, "b", 1, true, &[ready("anna", 4), ready("bert", 4)], &[line(0, 1)]);
    done(&mut world, &again);
    assert!(world.events.is_empty(), "nothing has changed: {:?}", world.events);
    world.advance_alive(SECOND * 90);
    let third = code(&mut world, "sidetone*watch");
    done(&mut world, &third);
    // The server says yes and tells nothing: asked again after five seconds and two, then four.
    world.advance_alive(SECOND * 7);
    let fourth = code(&mut world, "sidetone*watch");
    done(&mut world, &fourth);
    world.advance_alive(SECOND * 8);
    world.silent();
    world.advance_alive(SECOND);
    let fifth = code(&mut world, "sidetone*watch");
    world.reply(&fifth, 503);
    world.request(Method::Ack);
    assert_eq!(team(&world).state, TeamState::Current);
    world.advance_alive(SECOND * 8);
    let sixth = code(&mut world, "sidetone*watch");
    done(&mut world, &sixth);
    world.advance_alive(SECOND * 66);
    assert_eq!(team(&world).state, TeamState::Outdated);
    assert!(
        matches!(world.events.make_contiguous(), [.., Event::TeamChanged { team }] if team.state == TeamState::Outdated)
    );
}

#[test]
fn on_another_connection_the_team_is_outdated_until_it_is_told_anew() {
    let mut world = watching();
    world.lose_flow(FlowErrorKind::Lost);
    assert_eq!((team(&world).state, names(&world).len()), (TeamState::Outdated, 2));
    world.advance(SECOND * 2);
    world.open_flow();
    world.grant();
    let invite = code(&mut world, "sidetone*watch");
    // The server has lost its memory: what it says now counts.
    part(&mut world, "z", 1, true, &[person("anna", 1, r#""state":"talking""#)], &[]);
    done(&mut world, &invite);
    let seen = team(&world);
    assert_eq!(
        (seen.state, seen.people[0].state, seen.queues.len()),
        (TeamState::Current, AgentState::OnCall, 0)
    );
}

#[test]
fn who_may_not_watch_is_told_and_asks_again_on_the_next_connection() {
    for status in [403, 404] {
        let mut world = World::registered();
        world.command(Command::Watch { on: true }).unwrap();
        let invite = code(&mut world, "sidetone*watch");
        world.reply(&invite, status);
        world.request(Method::Ack);
        assert_eq!(team(&world).state, TeamState::Unavailable);
        world.advance_alive(SECOND * 600);
        world.silent();
        world.lose_flow(FlowErrorKind::Lost);
        assert_eq!(team(&world).state, TeamState::Unknown);
        world.advance(SECOND * 2);
        world.open_flow();
        world.grant();
        code(&mut world, "sidetone*watch");
    }
}

#[test]
fn who_looks_no_more_says_so_and_is_told_no_more() {
    let mut world = watching();
    world.command(Command::Watch { on: false }).unwrap();
    let invite = code(&mut world, "sidetone*unwatch");
    done(&mut world, &invite);
    assert_eq!(world.phone.snapshot().team, None);
    notify(&mut world, r#"{"v":1,"at":5}"#);
    world.response(481);
    world.advance_alive(SECOND * 600);
    world.silent();
}

#[test]
fn who_signs_out_looks_at_nobody() {
    let mut world = watching();
    world.command(Command::Unregister).unwrap();
    assert_eq!(world.phone.snapshot().team, None);
}

#[test]
fn people_and_queues_are_found_as_one_types() {
    let mut world = watching();
    change(&mut world, &[person("bert", 9, r#""state":"out""#)], &[]);
    let found = |text: &str| {
        let found = team(&world).find(text);
        let people = found.people.into_iter().map(|colleague| colleague.name);
        people.chain(found.queues.into_iter().map(|queue| queue.name)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found(""), "anna bert support");
    assert_eq!(found("anne be"), "bert");
    assert_eq!(found("east"), "anna bert");
    assert_eq!(found("18"), "anna bert");
    assert_eq!(found("supp"), "support");
    assert_eq!(found("nobody"), "");
}
