//! The messages on the screen, while one is written: what came in, and what became of what was sent.

use super::history::ago;
use super::view::{DIM, STRONG, cut, panel};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use sidetone_phone::{MessageState, TextMessage};
use std::time::Duration;

/// As many are read: more than a screen has lines.
pub(super) const SHOWN: usize = 100;

/// The last messages, latest first, or why they cannot be read.
pub(super) type Last = Result<Vec<TextMessage>, String>;

/// Draws them, latest at the bottom. `now` is wall time since 1970.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, last: &Last, now: Duration) {
    let (height, width) = (usize::from(area.height.saturating_sub(2)), usize::from(area.width));
    let lines: Vec<Line<'_>> = match last {
        Err(problem) => vec![Line::styled(problem.as_str(), Style::new().fg(Color::Red))],
        Ok(messages) if messages.is_empty() => vec![Line::styled("no messages yet", DIM)],
        Ok(messages) => {
            messages.iter().take(height).rev().map(|message| line(message, width, now)).collect()
        }
    };
    frame.render_widget(Paragraph::new(lines).block(panel("Messages")), area);
}

fn line(message: &TextMessage, width: usize, now: Duration) -> Line<'static> {
    let (word, color) = match message.state {
        MessageState::Received => ("", Color::Reset),
        MessageState::Sending => ("on its way", Color::Yellow),
        MessageState::Accepted => ("the server has it", Color::Blue),
        MessageState::Delivered => ("delivered", Color::Green),
        MessageState::Failed(_) => ("not delivered", Color::Red),
        MessageState::Uncertain => ("not certain", Color::Yellow),
    };
    let arrow = if message.state == MessageState::Received { "↙" } else { "↗" };
    let party = &message.party;
    let who = party.name.clone().or_else(|| party.number()).unwrap_or_else(|| "hidden".to_owned());
    // What stands beside the text takes 56 columns, and the panel its 4.
    let text = width.saturating_sub(60).max(12);
    Line::from(vec![
        Span::raw(format!("{arrow} ")),
        Span::styled(format!("{:<20} ", cut(&who, 19)), STRONG),
        Span::raw(format!("{:<text$} ", cut(&message.text.replace('\n', " "), text))),
        Span::styled(format!("{word:<18}"), Style::new().fg(color)),
        Span::styled(format!("{:>12}", ago(now.saturating_sub(message.at.0))), DIM),
    ])
}

#[cfg(test)]
mod tests {
    use crate::agent::app::{App, Entry, EntryKind};
    use crate::agent::view::tests::drawn;
    use sidetone_phone::{
        Event, MessageFailure, MessageId, MessageState, Party, RegistrationState, TextMessage,
        UnixTime,
    };
    use std::time::Duration;

    fn message(text: &str, uri: &str, state: MessageState) -> TextMessage {
        TextMessage {
            id: MessageId(uuid::Uuid::nil()),
            party: Party { name: None, uri: uri.to_owned() },
            text: text.to_owned(),
            at: UnixTime(Duration::from_secs(100)),
            state,
        }
    }

    #[test]
    fn who_writes_sees_what_came_and_what_became_of_the_last() {
        let mut app = App::with(RegistrationState::Registered, Vec::new());
        app.messages = Some(Ok(vec![
            message("are\nyou there?", "sip:1002@b", MessageState::Uncertain),
            message("hm", "sip:1003@b", MessageState::Failed(MessageFailure::Refused)),
            message("call me", "sip:ref-7f3a@b", MessageState::Received),
        ]));
        assert!(!drawn(&app).contains("call me"), "nobody writes");
        app.entry = Some(Entry { kind: EntryKind::Message, text: String::new() });
        let screen = drawn(&app);
        let place = |text: &str| screen.find(text).unwrap_or_else(|| panic!("no {text}: {screen}"));
        assert!(place("call me") < place("hm") && place("hm") < place("are you there?"));
        assert!(screen.contains("not certain") && screen.contains("not delivered"));
        assert!(screen.contains("hidden"), "nobody can read a reference");
        app.messages = Some(Err("the disk does not let it".to_owned()));
        assert!(drawn(&app).contains("the disk does not let it"));
        app.messages = Some(Ok(Vec::new()));
        assert!(drawn(&app).contains("no messages yet"));
    }

    #[test]
    fn what_is_shown_is_read_anew_when_something_becomes_of_a_message() {
        let id = MessageId(uuid::Uuid::nil());
        let mut app = App::with(RegistrationState::Registered, Vec::new());
        for event in [
            Event::MessageSent { message: id, delivered: true },
            Event::MessageUncertain { message: id },
            Event::MessageReceived(message("x", "sip:1@b", MessageState::Received)),
        ] {
            app.messages = Some(Ok(Vec::new()));
            let snapshot = app.snapshot.clone();
            app.take(&sidetone_driver::What::Event(event), Duration::ZERO, 0.0, snapshot);
            assert_eq!(app.messages, None);
        }
    }
}
