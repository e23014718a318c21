//! The desk's keys, and its picture at the usual sizes.

use super::super::keys;
use super::super::view::tests::{call, drawn, drawn_on};
use super::*;
use crossterm::event::KeyModifiers;
use sidetone_phone::{
    AgentQueue, AgentSnapshot, AgentState, FeatureState, FeaturesSnapshot, Hold, Pause,
    SupervisionEnd, SupervisionFailure, TeamQueue, TeamState, UnixTime,
};
use std::sync::Arc;
use std::time::Duration;

use SupervisionMode::{Barge, Listen, Whisper};

fn colleague(name: &str, label: &str, team: &str, state: AgentState) -> Colleague {
    Colleague {
        name: name.to_owned(),
        label: Some(label.to_owned()),
        number: Some(format!("10{}", &name[5..])),
        team: team.to_owned(),
        state,
        since: UnixTime(Duration::from_secs(120)),
        pause: None,
        call: None,
    }
}

fn desk() -> App {
    let mut app = App::with(RegistrationState::Registered, Vec::new());
    app.desk = Some(Desk::default());
    let mut paused = colleague("agent2", "Ben Cole", "service", AgentState::NotReady);
    paused.pause = Some(Pause { reason: Some("lunch".to_owned()), since: None, until: None });
    let people = vec![
        colleague("agent1", "Anna Berg", "service", AgentState::OnCall),
        paused,
        colleague("agent3", "Çağla Demir", "sales", AgentState::OnCall),
    ];
    let queue = |name: &str, waiting| TeamQueue {
        name: name.to_owned(),
        label: None,
        number: Some("1800".to_owned()),
        waiting,
        free: 1,
    };
    let queues = vec![queue("service", 2), queue("sales", 0)];
    app.snapshot.team = Some(Arc::new(TeamSnapshot { state: TeamState::Current, people, queues }));
    app
}

/// The same with this supervision of Anna's call.
fn supervising(
    mode: Option<SupervisionMode>,
    requested: Option<SupervisionMode>,
    speaks: bool,
) -> App {
    let mut app = desk();
    let target = "agent1".to_owned();
    let (heard, follow, waiting) = (true, false, false);
    app.snapshot.calls = vec![CallSnapshot {
        supervision: Some(Supervision { target, mode, requested, speaks, heard, follow, waiting }),
        hold: Hold::default(),
        muted: false,
        ..call(CallState::Established)
    }];
    app.select_next();
    app
}

fn press(app: &mut App, code: KeyCode) -> Action {
    keys::press(app, KeyEvent::new(code, KeyModifiers::NONE))
}

fn letters(app: &mut App, text: &str) -> Action {
    text.chars().map(|letter| press(app, KeyCode::Char(letter))).last().unwrap()
}

/// Whom an action supervises, how, and in the place of what.
fn asked(action: Action) -> (String, SupervisionMode, bool, Option<CallId>) {
    let (end, command) = match action {
        Action::Command(command) => (None, command),
        Action::Instead { end, command } => (Some(end), command),
        other => panic!("{other:?}"),
    };
    let Command::Supervise { target, mode, follow, .. } = command else { panic!("{command:?}") };
    (target, mode, follow, end)
}

#[test]
fn one_key_supervises_whom_the_arrows_have_chosen() {
    let mut app = desk();
    let to = |name: &str, mode, follow| (name.to_owned(), mode, follow, None);
    assert_eq!(asked(letters(&mut app, "l")), to("agent1", Listen, false));
    press(&mut app, KeyCode::Down);
    assert_eq!(asked(letters(&mut app, "w")), to("agent2", Whisper, false));
    press(&mut app, KeyCode::PageDown);
    assert_eq!(asked(letters(&mut app, "b")), to("agent3", Barge, false));
    press(&mut app, KeyCode::Up);
    assert_eq!(asked(letters(&mut app, "f")), to("agent2", Listen, true));
    let Action::Command(Command::Dial { to, .. }) = letters(&mut app, "c") else { panic!() };
    assert_eq!(to, "102");
}

#[test]
fn a_roster_that_changes_does_not_change_whom_a_key_means() {
    let mut app = desk();
    press(&mut app, KeyCode::Down);
    let mut team = (**app.snapshot.team.as_ref().unwrap()).clone();
    team.people.remove(0);
    app.snapshot.team = Some(Arc::new(team));
    assert_eq!(asked(letters(&mut app, "l")).0, "agent2");
}

#[test]
fn he_is_found_as_one_types_and_letters_are_keys_again_after_enter() {
    let mut app = desk();
    letters(&mut app, "/cagl");
    assert!(drawn(&app).contains("Find: cagl▏"));
    assert!(!drawn(&app).contains("Anna"));
    press(&mut app, KeyCode::Enter);
    assert_eq!(asked(letters(&mut app, "l")).0, "agent3");
    assert!(drawn(&app).contains("only: cagl"));
    press(&mut app, KeyCode::Esc);
    assert!(drawn(&app).contains("Anna"));
    letters(&mut app, "/nobody");
    press(&mut app, KeyCode::Enter);
    assert_eq!(letters(&mut app, "b"), Action::Redraw);
    assert!(app.refusal.is_some());
}

#[test]
fn another_mode_is_asked_of_the_call_that_there_is_and_another_agent_takes_its_place() {
    let mut app = supervising(Some(Listen), None, false);
    let call = app.snapshot.calls[0].id;
    let whisper = Command::SetSupervisionMode { call, mode: Whisper };
    assert_eq!(letters(&mut app, "w"), Action::Command(whisper));
    // This one does not follow: who is to be followed is called anew.
    assert_eq!(asked(letters(&mut app, "f")), ("agent1".to_owned(), Listen, true, Some(call)));
    press(&mut app, KeyCode::Down);
    assert_eq!(asked(letters(&mut app, "b")), ("agent2".to_owned(), Barge, false, Some(call)));
    app.selected = Some(call);
    assert_eq!(letters(&mut app, "h"), Action::Command(Command::HangUp { call }));
}

#[test]
fn what_does_not_stand_at_the_bottom_does_nothing() {
    let mut app = desk();
    for letter in "svikto".chars() {
        assert_eq!(press(&mut app, KeyCode::Char(letter)), Action::Redraw, "{letter}");
        assert!(app.desk.is_some() && app.lookup.is_none() && app.entry.is_none());
    }
    assert_eq!(letters(&mut app, "q"), Action::Quit);
    assert!(app.watches());
}

#[test]
fn what_is_confirmed_is_told_from_what_is_asked_for() {
    let screen = drawn(&supervising(None, Some(Listen), false));
    for part in ["not confirmed yet", "listen requested…", "◁ listen…", "nobody hears you"] {
        assert!(screen.contains(part), "{part} is missing in\n{screen}");
    }
    let screen = drawn(&supervising(Some(Listen), Some(Barge), false));
    for part in ["Listening to Anna Berg", "barge requested…", "◁ barge…", "microphone closed"]
    {
        assert!(screen.contains(part), "{part} is missing in\n{screen}");
    }
    let screen = drawn(&supervising(Some(Whisper), None, true));
    for part in ["Whispering to Anna Berg", "◀ whisper", "THE AGENT HEARS YOU"] {
        assert!(screen.contains(part), "{part} is missing in\n{screen}");
    }
    assert!(drawn(&supervising(Some(Barge), None, true)).contains("BOTH HEAR YOU"));
    for mode in [Whisper, Barge] {
        let mut holds = supervising(Some(mode), None, true);
        holds.snapshot.calls[0].supervision.as_mut().unwrap().heard = false;
        assert!(drawn(&holds).contains("the call is on hold: nobody hears you"), "{mode}");
    }
    // Less is asked for: the phone is silent before the server knows.
    assert!(drawn(&supervising(Some(Barge), Some(Listen), false)).contains("nobody hears you"));
    let mut muted = supervising(Some(Barge), None, true);
    muted.snapshot.calls[0].muted = true;
    assert!(drawn(&muted).contains("muted: nobody hears you"));
}

#[test]
fn nothing_that_matters_is_cut_at_80_by_24() {
    let mut app = supervising(Some(Whisper), Some(Barge), true);
    app.desk.as_mut().unwrap().asked = Some((app.snapshot.calls[0].id, "agent1".to_owned()));
    let failed = Event::SupervisionFailed {
        call: app.snapshot.calls[0].id,
        mode: Barge,
        reason: SupervisionFailure::Forbidden,
    };
    let what = sidetone_driver::What::Event(failed);
    let snapshot = app.snapshot.clone();
    app.take(&what, Duration::ZERO, 1.0, snapshot);
    let screen = drawn_on(&app, 80, 24);
    for part in [
        "● registered",
        "2 waiting, 1 free",
        "Anna Berg",
        "on a call",
        "1:05  ◁ barge…",
        "paused: lunch",
        "Çağla Demir",
        "barge requested…",
        "THE AGENT HEARS YOU",
        "Anna Berg: the server does not let you supervise this agent",
        "/ find",
        "b barge in",
        "h stop",
        "q quit",
    ] {
        assert!(screen.contains(part), "{part} is missing in\n{screen}");
    }
    for (width, height) in [(1, 1), (10, 3), (40, 12)] {
        drawn_on(&app, width, height);
    }
}

#[test]
fn why_a_supervision_ended_stays_until_something_else_is_asked_for() {
    let mut app = desk();
    let of = |action: Action| match action {
        Action::Command(Command::Supervise { call, .. }) => call,
        other => panic!("{other:?}"),
    };
    let ended = |call, reason| sidetone_driver::What::Event(Event::Ended { call, reason });
    // The call may never have been seen in a snapshot.
    let call = of(letters(&mut app, "l"));
    let snapshot = app.snapshot.clone();
    let refused = ended(call, EndReason::Supervision(SupervisionEnd::NotInCall));
    app.take(&refused, Duration::ZERO, 1.0, snapshot.clone());
    press(&mut app, KeyCode::Down);
    let screen = drawn(&app);
    assert!(screen.contains("Anna Berg: the agent is in no call"), "{screen}");
    let call = of(letters(&mut app, "l"));
    assert!(!drawn(&app).contains("is in no call"));
    // Whoever stops it himself is told nothing.
    app.take(&ended(call, EndReason::Local), Duration::ZERO, 1.0, snapshot);
    assert_eq!(app.desk.unwrap().problem, None);
}

#[test]
fn what_the_server_said_last_and_who_may_watch_nobody_are_told() {
    let mut app = desk();
    let mut team = (**app.snapshot.team.as_ref().unwrap()).clone();
    team.state = TeamState::Outdated;
    app.snapshot.team = Some(Arc::new(team));
    assert!(drawn(&app).contains("as the server said last"));
    let state = TeamState::Unavailable;
    app.snapshot.team = Some(Arc::new(TeamSnapshot { state, ..TeamSnapshot::default() }));
    assert!(drawn(&app).contains("lets you watch nobody"));
}

#[test]
fn the_keys_of_queues_that_are_withheld_are_not_offered_and_say_why() {
    let mut app = desk();
    let queue = AgentQueue { name: "support".to_owned(), logged_in: true, paused: false };
    app.snapshot.agent = Some(AgentSnapshot {
        state: AgentState::Ready,
        certain: true,
        pause: None,
        do_not_disturb: false,
        queues: vec![queue],
        reasons: vec!["lunch".to_owned()],
        logged_in_since: None,
        requested: None,
    });
    let offered = |app: &App| keys::help(app).iter().any(|(key, _)| ["g", "z"].contains(key));
    assert!(offered(&app));
    letters(&mut app, "z");
    assert!(app.choice.take().is_some(), "he chooses a reason");
    let mut features = FeaturesSnapshot { certain: true, ..FeaturesSnapshot::default() };
    features.states.insert(Feature::Queues, FeatureState::NotAllowed);
    app.snapshot.features = Some(Arc::new(features));
    assert!(!offered(&app));
    for key in ["g", "z"] {
        letters(&mut app, key);
        assert!(app.choice.is_none());
        assert!(app.refusal.as_deref().is_some_and(|why| why.contains("not allowed")), "{key}");
    }
    // What is no key of the desk does nothing here.
    letters(&mut app, "s");
    assert_eq!(app.refusal, None);
}
