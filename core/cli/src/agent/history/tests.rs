//! Keys in, screen out.

use super::*;
use crate::agent::keys;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use sidetone_phone::{
    CallRecord, DeclineReason, Direction, EndReason, Party, RegistrationState, UnixTime,
};
use std::time::Duration;

const NOW: Duration = Duration::from_secs(1_000_000);

fn app() -> App {
    App::with(RegistrationState::Registered, Vec::new())
}

fn entry(cursor: u64, name: &str, uri: &str, minutes: u64, reason: EndReason) -> HistoryEntry {
    let began = UnixTime(NOW - Duration::from_secs(minutes * 60));
    let record = CallRecord {
        call: CallId(uuid::Uuid::from_u128(cursor.into())),
        direction: Direction::Incoming,
        remote: Party {
            name: Some(name.to_owned()).filter(|n| !n.is_empty()),
            uri: uri.to_owned(),
        },
        queue: Some("Support".to_owned()),
        began,
        answered: (reason == EndReason::Remote).then_some(began),
        ended: UnixTime(began.0 + Duration::from_secs(75)),
        reason,
    };
    HistoryEntry { cursor: Cursor(cursor), record }
}

fn page() -> HistoryPage {
    let entries = vec![
        entry(3, "Anna Müller", "sip:0301@x", 0, EndReason::Cancelled),
        entry(2, "", "sip:anonymous@anonymous.invalid", 90, EndReason::Remote),
        entry(1, "Bob", "sip:200@x", 5000, EndReason::Declined(DeclineReason::Busy)),
    ];
    HistoryPage { entries, next: None, revision: 3 }
}

fn press(app: &mut App, code: KeyCode) -> Action {
    keys::press(app, KeyEvent::from(code))
}

/// The history opened, and found.
fn opened() -> App {
    let mut app = app();
    assert_eq!(press(&mut app, KeyCode::Char('y')), Action::Find(None));
    app.search.as_mut().unwrap().show(Ok(page()), None);
    app
}

fn drawn(app: &App, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| crate::agent::view::draw(frame, app, NOW)).unwrap();
    let buffer = terminal.backend().buffer();
    let cells: Vec<&str> = buffer.content.iter().map(|cell| cell.symbol()).collect();
    cells.chunks(usize::from(width)).map(|row| row.concat() + "\n").collect()
}

#[test]
fn what_is_typed_is_looked_for_at_once_and_enter_calls_the_chosen_one() {
    let mut app = opened();
    for key in ['m', 'ü'] {
        assert_eq!(press(&mut app, KeyCode::Char(key)), Action::Find(None));
    }
    assert_eq!(app.search.as_ref().unwrap().filter.text, "mü");
    assert_eq!(press(&mut app, KeyCode::Backspace), Action::Find(None));
    app.search.as_mut().unwrap().show(Ok(page()), None);
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Down);
    let Action::Command(Command::Dial { call, to }) = press(&mut app, KeyCode::Enter) else {
        panic!("not dialled")
    };
    assert_eq!((to.as_str(), app.selected, app.search), ("sip:200@x", Some(call), None));
}

#[test]
fn a_hidden_caller_is_shown_as_such_and_cannot_be_called() {
    let mut app = opened();
    press(&mut app, KeyCode::Down);
    assert_eq!(press(&mut app, KeyCode::Enter), Action::Redraw);
    let screen = drawn(&app, 100, 30);
    assert!(screen.contains("hidden") && screen.contains("cannot be called"), "{screen}");
}

#[test]
fn a_call_that_ends_meanwhile_does_not_move_the_choice() {
    let mut app = opened();
    press(&mut app, KeyCode::Down);
    let mut more = page();
    more.entries.insert(0, entry(4, "Eve", "sip:4@x", 0, EndReason::Cancelled));
    let search = app.search.as_mut().unwrap();
    search.show(Ok(more), None);
    assert_eq!(search.found[search.chosen].cursor, Cursor(2));
}

#[test]
fn the_last_line_asks_for_what_follows_and_tab_for_those_that_were_missed() {
    let mut app = opened();
    let search = app.search.as_mut().unwrap();
    search.show(Ok(HistoryPage { next: Some(Cursor(1)), ..page() }), None);
    assert_eq!(press(&mut app, KeyCode::PageDown), Action::Find(Some(Cursor(1))));
    let entries = vec![entry(0, "Zoe", "sip:5@x", 9000, EndReason::Remote)];
    let rest = HistoryPage { entries, next: None, revision: 3 };
    app.search.as_mut().unwrap().show(Ok(rest), Some(Cursor(1)));
    assert_eq!(app.search.as_ref().unwrap().found.len(), 4);
    assert_eq!(press(&mut app, KeyCode::Tab), Action::Find(None));
    assert_eq!(app.search.as_ref().unwrap().filter.outcome, Some(CallOutcome::Missed));
    press(&mut app, KeyCode::Esc);
    assert_eq!(app.search, None);
}

#[test]
fn everything_that_matters_is_seen_at_80_by_24_and_nothing_breaks_at_less() {
    let app = opened();
    let screen = drawn(&app, 80, 24);
    for part in [
        "History",
        "▸ ↙ Anna Müller 0301",
        "missed",
        "now",
        "1:15",
        "1 h ago",
        "declined",
        "3 d ago",
        "Find: ▏",
        "Esc to leave",
    ] {
        assert!(screen.contains(part), "{part} is missing in\n{screen}");
    }
    assert!(drawn(&app, 100, 30).contains("Support"));
    for (width, height) in [(1, 1), (10, 3), (40, 12)] {
        drawn(&app, width, height);
    }
    let mut none = opened();
    none.search.as_mut().unwrap().show(Ok(HistoryPage { entries: vec![], ..page() }), None);
    assert!(drawn(&none, 80, 24).contains("no such call"));
    none.search.as_mut().unwrap().show(Err("the disk is gone".to_owned()), None);
    assert!(drawn(&none, 80, 24).contains("the disk is gone"));
}
