//! Packs of the server that are not understood: told as such; not asked for ever where they speak another version, and again
//! where what they told was garbled.

use super::agent::{code, done};
use super::*;

const OLDER: &str = r#"{"v":0}"#;
const NEWER: &str = r#"{"v":2,"agents":["anna"]}"#;
const GARBLED: &str = r#"{"v":1,"number":2,"at":"#;

/// What a pack tells, and of which event.
fn tell(world: &mut World, event: &str, text: &str) {
    let mut notify = world.outside(Method::Notify);
    notify.headers.push(HeaderName::EVENT, event);
    notify.headers.push(HeaderName::SUBSCRIPTION_STATE, "terminated");
    notify.set_body("application/json", text.as_bytes().to_vec());
    world.receive(notify);
    world.response(200);
}

/// What is to be seen, and was told last, if it was.
#[track_caller]
fn is_unread(world: &mut World, pack: Pack, problem: Option<PackProblem>) {
    let expected: Vec<_> =
        problem.map(|problem| UnreadPack { pack, problem }).into_iter().collect();
    assert_eq!(world.phone.snapshot().unread_packs, expected);
    let mut told = world.events.drain(..).filter_map(|event| {
        let Event::UnreadPacksChanged { packs } = event else { return None };
        Some(packs)
    });
    assert_eq!(told.next(), Some(expected));
    assert_eq!(told.next(), None, "once");
}

/// Who wants to know all that the packs tell.
fn config_of(pack: Pack) -> Config {
    let (queues, recordings) = (pack == Pack::Agent, pack == Pack::Record);
    Config { queues, recordings, ..config() }
}

/// Signed in, and asking for it.
fn asking(pack: Pack) -> World {
    let mut world = World::registered_with(config_of(pack));
    if pack == Pack::Team {
        world.command(Command::Watch { on: true }).unwrap();
    }
    world
}

/// The pack's code, its event, and something that it tells in version 1.
fn words(pack: Pack) -> (&'static str, &'static str, &'static str) {
    match pack {
        Pack::Agent => {
            ("sidetone*state", "sidetone-agent", r#"{"v":1,"number":1,"at":5,"queues":[]}"#)
        }
        Pack::Team => (
            "sidetone*watch",
            "sidetone-team",
            r#"{"v":1,"at":5,"lasts":180,"round":"a","part":1,"last":true}"#,
        ),
        Pack::Record => {
            ("sidetone*record", "sidetone-recording", r#"{"v":1,"number":1,"may":true,"calls":[]}"#)
        }
        Pack::Supervise => unreachable!("it speaks inside calls"),
    }
}

/// Whether what the pack tells is known on this connection.
fn knows(world: &World, pack: Pack) -> bool {
    let snapshot = world.phone.snapshot();
    match pack {
        Pack::Agent => snapshot.agent.unwrap().certain,
        Pack::Team => snapshot.team.unwrap().state == TeamState::Current,
        Pack::Record => snapshot.recording == RecordingAccess::Allowed,
        Pack::Supervise => unreachable!("it speaks inside calls"),
    }
}

#[test]
fn a_pack_of_another_version_is_told_and_asked_once_on_each_connection() {
    for pack in [Pack::Agent, Pack::Team, Pack::Record] {
        let (asks, event, news) = words(pack);
        let mut world = asking(pack);
        // Its word may come before the yes to the code, or behind it.
        let invite = code(&mut world, asks);
        tell(&mut world, event, NEWER);
        is_unread(&mut world, pack, Some(PackProblem::TooNew));
        done(&mut world, &invite);
        world.advance_alive(SECOND * 600);
        world.silent();
        assert!(!knows(&world, pack));
        // It is mended while the phone is connected.
        tell(&mut world, event, news);
        is_unread(&mut world, pack, None);
        assert!(knows(&world, pack), "{pack}");
        // It is not, after all: what was known is not certain any more.
        tell(&mut world, event, OLDER);
        is_unread(&mut world, pack, Some(PackProblem::TooOld));
        assert!(!knows(&world, pack), "{pack}");
        world.lose_flow(FlowErrorKind::Lost);
        is_unread(&mut world, pack, None);
        world.advance(SECOND * 2);
        world.open_flow();
        world.grant();
        let again = code(&mut world, asks);
        done(&mut world, &again);
        tell(&mut world, event, OLDER);
        is_unread(&mut world, pack, Some(PackProblem::TooOld));
        world.advance_alive(SECOND * 600);
        world.silent();
    }
}

#[test]
fn what_is_garbled_is_told_and_asked_for_again_and_what_was_known_is_not_certain() {
    for pack in [Pack::Agent, Pack::Team, Pack::Record] {
        let (asks, event, news) = words(pack);
        let mut world = asking(pack);
        let invite = code(&mut world, asks);
        done(&mut world, &invite);
        tell(&mut world, event, news);
        assert!(knows(&world, pack), "{pack}");
        world.events.clear();
        tell(&mut world, event, GARBLED);
        is_unread(&mut world, pack, Some(PackProblem::Malformed));
        assert!(!knows(&world, pack), "{pack}");
        // Each time it is, later.
        for wait in [2, 4, 8] {
            world.silent();
            world.advance_alive(SECOND * wait);
            let again = code(&mut world, asks);
            done(&mut world, &again);
            tell(&mut world, event, GARBLED);
        }
        world.advance_alive(SECOND * 16);
        let again = code(&mut world, asks);
        // Before the yes to the code, this time.
        tell(&mut world, event, news);
        done(&mut world, &again);
        is_unread(&mut world, pack, None);
        assert!(knows(&world, pack), "{pack}");
    }
}

#[test]
fn what_is_wanted_of_such_a_pack_is_sent_and_not_shown_as_under_way_for_ever() {
    let mut world = asking(Pack::Agent);
    let invite = code(&mut world, "sidetone*state");
    done(&mut world, &invite);
    tell(&mut world, "sidetone-agent", NEWER);
    for news_first in [true, false] {
        let request = AgentRequest::Unpause;
        world.command(Command::Agent { request }).unwrap();
        let invite = code(&mut world, "sidetone*ready");
        if news_first {
            tell(&mut world, "sidetone-agent", NEWER);
        }
        done(&mut world, &invite);
        if !news_first {
            tell(&mut world, "sidetone-agent", NEWER);
        }
        let agent = world.phone.snapshot().agent.unwrap();
        assert_eq!((agent.requested, agent.certain), (None, false));
        world.silent();
    }
}

#[test]
fn who_looks_at_the_team_anew_asks_anew() {
    let mut world = asking(Pack::Team);
    let invite = code(&mut world, "sidetone*watch");
    done(&mut world, &invite);
    tell(&mut world, "sidetone-team", NEWER);
    is_unread(&mut world, Pack::Team, Some(PackProblem::TooNew));
    world.command(Command::Watch { on: false }).unwrap();
    is_unread(&mut world, Pack::Team, None);
    let invite = code(&mut world, "sidetone*unwatch");
    done(&mut world, &invite);
    world.command(Command::Watch { on: true }).unwrap();
    code(&mut world, "sidetone*watch");
}
