//! The picture of the phone: lamp, calls, the chosen call's media and milestones, log and keys.

use super::app::{App, EntryKind, Purpose};
use super::desk;
use super::features;
use super::history;
use super::keys::help;
use super::messages;
use super::queues;
use super::recordings;
use super::supervision;
use super::team;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Padding, Paragraph, Wrap};
use sidetone_phone::{
    CallData, CallSnapshot, CallState, Direction, Hold, Intent, MediaPath, Party,
    RegistrationState, TransfersReturn,
};
use std::time::Duration;

pub(crate) const DIM: Style = Style::new().fg(Color::DarkGray);
pub(crate) const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
/// What `q quit` takes.
const QUIT: u16 = 8;

/// Draws everything. `now` is wall time since 1970.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App, now: Duration) {
    if let Some(desk) = &app.desk {
        return desk::draw(frame, app, desk, now);
    }
    let calls = u16::try_from(app.snapshot.calls.len().clamp(1, 6)).unwrap_or(6);
    let keys = keys_in_lines(app, frame.area().width);
    let footer = u16::try_from(keys.len().max(1)).unwrap_or(1);
    let heading = title(app, now);
    let [title, list, detail, log, footer] = Layout::vertical([
        Constraint::Length(title_height(&heading, frame.area())),
        Constraint::Length(calls + 2),
        Constraint::Length(9),
        Constraint::Min(3),
        Constraint::Length(footer),
    ])
    .areas(frame.area());
    frame.render_widget(heading, title);
    draw_calls(frame, list, app, now);
    if let Some(search) = &app.search {
        let refusal = app.refusal.as_deref().map(refused);
        history::draw(frame, detail.union(log), search, now);
        return history::draw_entry(frame, footer, search, refusal);
    }
    if let Some(lookup) = &app.lookup {
        let refusal = app.refusal.as_deref().map(refused);
        team::draw(frame, detail.union(log), app, lookup, now);
        return team::draw_entry(frame, footer, lookup, refusal);
    }
    match app.call() {
        Some(call) => draw_call(frame, detail, app, call),
        None => {
            let advice = help(app).first().map(|(key, what)| format!("Press {key} to {what}."));
            let text = format!("No call. {}", advice.unwrap_or_default());
            frame.render_widget(Paragraph::new(text).style(DIM).block(panel("Media")), detail);
        }
    }
    match app.messages.as_ref().filter(|_| app.writes()) {
        Some(last) => messages::draw(frame, log, last, now),
        None => draw_log(frame, log, app),
    }
    draw_footer(frame, footer, app, keys);
}

/// How many lines the title takes of this area, half of them at the most.
pub(super) fn title_height(title: &Paragraph<'_>, area: Rect) -> u16 {
    let lines = title.line_count(area.width.saturating_sub(2));
    u16::try_from(lines).unwrap_or(u16::MAX).min(area.height / 2)
}

/// Who the phone is, whether it can be called, and what is wrong.
pub(super) fn title(app: &App, now: Duration) -> Paragraph<'_> {
    let registration = &app.snapshot.registration;
    let (color, word) = lamp(registration.state);
    let mut lines = vec![Line::from(vec![
        Span::styled("● ", Style::new().fg(color)),
        Span::styled(word, Style::new().fg(color).add_modifier(Modifier::BOLD)),
        Span::raw(format!("  {}", app.account)),
        Span::styled(format!("  {}", app.server), DIM),
    ])];
    lines.extend(app.snapshot.agent.as_ref().map(|agent| queues::line(agent, now)));
    if let Some(problem) = &registration.problem {
        lines.push(Line::styled(problem.to_string(), Style::new().fg(Color::Red)));
    }
    if let Some(mail) = app.snapshot.voicemail.filter(|mail| mail.waiting) {
        let new = mail.voice.map(|voice| format!("{} ", voice.new)).unwrap_or_default();
        lines.push(Line::raw(format!("✉ {new}new voice messages")));
    }
    if let Some(reason) = &app.audio_lost {
        lines.push(Line::styled(reason.as_str(), Style::new().fg(Color::Red)));
    }
    lines.extend(features::line(app));
    lines.extend(features::unread_packs(app));
    Paragraph::new(lines).wrap(Wrap { trim: true }).block(panel("Sidetone"))
}

fn lamp(state: RegistrationState) -> (Color, &'static str) {
    match state {
        RegistrationState::Unregistered => (Color::DarkGray, "signed out"),
        RegistrationState::Registering => (Color::Yellow, "registering"),
        RegistrationState::Registered => (Color::Green, "registered"),
        RegistrationState::Unreachable => (Color::Yellow, "unreachable"),
        RegistrationState::ReachableByPush => (Color::Blue, "asleep, reachable by push"),
        RegistrationState::Asleep => (Color::Red, "asleep, no push"),
        RegistrationState::Failed => (Color::Red, "failed"),
    }
}

pub(super) fn draw_calls(frame: &mut Frame<'_>, area: Rect, app: &App, now: Duration) {
    // What stands behind the name takes 42 columns, and the panel and its signs 8.
    let name = usize::from(area.width.saturating_sub(50).clamp(12, 36));
    let lines: Vec<Line<'_>> = app
        .snapshot
        .calls
        .iter()
        .map(|call| call_line(call, app.selected == Some(call.id), name, now))
        .collect();
    let text = if lines.is_empty() { vec![Line::styled("none", DIM)] } else { lines };
    frame.render_widget(Paragraph::new(text).block(panel("Calls")), area);
}

fn call_line(call: &CallSnapshot, selected: bool, name: usize, now: Duration) -> Line<'static> {
    let arrow = match call.direction {
        Direction::Incoming => "↙",
        Direction::Outgoing => "↗",
    };
    let since = call.answered.unwrap_or(call.began).0;
    // Of what is only announced nobody waits longer than its deadline.
    let clock = match (call.state, call.rings_until) {
        (CallState::Announced, Some(until)) => until.0.saturating_sub(now).as_secs(),
        (_, _) => now.saturating_sub(since).as_secs(),
    };
    let mut spans = vec![
        Span::raw(if selected { "▸ " } else { "  " }),
        Span::raw(format!("{arrow} ")),
        Span::styled(format!("{:<name$}", cut(&party(&call.remote), name - 1)), STRONG),
        Span::styled(format!("{:<12}", state_word(call.state)), state_style(call.state)),
        Span::raw(format!("{:>3}:{:02}  ", clock / 60, clock % 60)),
    ];
    if call.state == CallState::Announced {
        let word = match &call.intent {
            None => "left",
            Some(Intent::Answer) => "left, will be answered",
            Some(Intent::Decline(_) | Intent::Forward(_)) => "left, will not ring",
        };
        spans.push(Span::styled(word, DIM));
    }
    let marks = [
        (call.automatic, "by itself"),
        (call.merged, "joined"),
        (call.transfer.is_some(), "is transferred"),
        (call.referred_by.is_some(), "sent on here"),
        (call.hold.local, "held"),
        (call.hold.remote, "held there"),
        (call.muted, "muted"),
    ];
    for (_, mark) in marks.iter().filter(|(on, _)| *on) {
        spans.push(Span::styled(format!(" {mark}"), Style::new().fg(Color::Yellow)));
    }
    spans.extend(recordings::marks(call));
    if let Some(seen) = &call.supervision {
        let text = format!(" {}", supervision::mark(seen));
        spans.push(Span::styled(text, Style::new().fg(Color::Magenta)));
    }
    if let Some(said) = said(&call.data) {
        spans.push(Span::styled(format!(" {said}"), DIM));
    }
    Line::from(spans)
}

/// Where the call comes from, as the server says.
fn said(data: &CallData) -> Option<String> {
    if let Some(target) = &data.returned_from {
        return Some(format!("back from {target}, where nobody took it"));
    }
    let queue = data.queue.as_ref()?;
    let waited = data.waited.map(|waited| waited.as_secs());
    let waited = waited.map(|waited| format!(", waited {}:{:02}", waited / 60, waited % 60));
    Some(format!("{queue}{}", waited.unwrap_or_default()))
}

fn party(party: &Party) -> String {
    let address = party.number().map(|_| party.uri.trim_start_matches("sip:"));
    match (&party.name, address) {
        (Some(name), Some(address)) => format!("{name} {address}"),
        (Some(name), None) => name.clone(),
        (None, Some(address)) => address.to_owned(),
        (None, None) => "hidden".to_owned(),
    }
}

fn state_word(state: CallState) -> &'static str {
    match state {
        CallState::Dialing => "dialing",
        CallState::Alerting => "rings there",
        CallState::Announced => "ANNOUNCED",
        CallState::Ringing => "RINGS",
        CallState::Answering => "answering",
        CallState::Answered => "answered",
        CallState::Established => "talking",
        CallState::Ending => "ending",
    }
}

fn state_style(state: CallState) -> Style {
    match state {
        CallState::Announced | CallState::Ringing => {
            Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD)
        }
        CallState::Established => Style::new().fg(Color::Green),
        CallState::Dialing
        | CallState::Alerting
        | CallState::Answering
        | CallState::Answered
        | CallState::Ending => Style::new().fg(Color::Yellow),
    }
}

fn draw_call(frame: &mut Frame<'_>, area: Rect, app: &App, call: &CallSnapshot) {
    let [media, milestones] =
        Layout::horizontal([Constraint::Percentage(55), Constraint::Percentage(45)]).areas(area);
    let block = panel("Media");
    let inner = block.inner(media);
    frame.render_widget(block, media);
    let [sent, heard, _, figures] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(1),
    ])
    .areas(inner);
    let quality = call.quality.clone().unwrap_or_default();
    let silent = call.quality.is_none();
    let speaks = call.supervision.as_ref().is_none_or(|supervision| supervision.speaks);
    let sends = !call.muted && speaks && call.hold == Hold::default();
    level(frame, sent, "mic", if silent || !sends { -127.0 } else { quality.level_sent });
    level(frame, heard, "ear", if silent { -127.0 } else { quality.level_heard });
    let text = if call.media == MediaPath::Reconnecting {
        vec![Line::styled("the audio's path is lost; it is built anew", Color::Yellow)]
    } else if silent {
        vec![Line::styled("no audio yet", DIM)]
    } else {
        vec![
            Line::from(format!(
                "{}   sent {}   heard {}",
                quality.codec, quality.packets_sent, quality.packets_received
            )),
            Line::from(format!(
                "lost {}  late {}  concealed {} ms",
                quality.packets_lost,
                quality.packets_late,
                quality.concealed.as_millis()
            )),
            Line::from(format!(
                "jitter {:.1} ms   playout {} ms",
                quality.jitter.as_secs_f64() * 1000.0,
                quality.playout_delay.as_millis(),
            )),
            Line::from(format!(
                "round trip {}",
                quality.round_trip.map_or("–".to_owned(), |time| {
                    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
                }),
            )),
        ]
    };
    frame.render_widget(Paragraph::new(text), figures);
    draw_milestones(frame, milestones, app, call);
}

/// A level as a bar from -60 to 0 dBFS, with its value behind.
pub(super) fn level(frame: &mut Frame<'_>, area: Rect, name: &str, dbfs: f32) {
    let width = usize::from(area.width.saturating_sub(16));
    let share = f64::from((dbfs + 60.0).clamp(0.0, 60.0) / 60.0);
    let filled = (share * width as f64).round() as usize;
    let color = if dbfs > -6.0 { Color::Red } else { Color::Green };
    let text = if dbfs <= -60.0 { "silence".to_owned() } else { format!("{dbfs:.0} dBFS") };
    let line = Line::from(vec![
        Span::raw(format!("{name:<4}")),
        Span::styled("━".repeat(filled), Style::new().fg(color)),
        Span::styled("─".repeat(width.saturating_sub(filled)), DIM),
        Span::raw(format!("  {text}")),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}

fn draw_milestones(frame: &mut Frame<'_>, area: Rect, app: &App, call: &CallSnapshot) {
    let marks = app.milestones.get(&call.id).map(Vec::as_slice).unwrap_or_default();
    let start = marks.first().map(|(_, at)| *at).unwrap_or_default();
    let mut lines: Vec<Line<'_>> = marks
        .iter()
        .map(|(name, at)| {
            let ms = at.saturating_sub(start).as_secs_f64() * 1000.0;
            Line::from(vec![Span::styled(format!("{ms:>9.1} ms  "), DIM), Span::raw(*name)])
        })
        .collect();
    let height = usize::from(area.height.saturating_sub(2));
    lines.drain(..lines.len().saturating_sub(height));
    frame.render_widget(Paragraph::new(lines).block(panel("Milestones")), area);
}

pub(super) fn draw_log(frame: &mut Frame<'_>, area: Rect, app: &App) {
    let (height, width) = (area.height.saturating_sub(2), area.width.saturating_sub(17));
    let (height, width) = (usize::from(height), usize::from(width));
    let skip = app.log.len().saturating_sub(height);
    let lines: Vec<Line<'_>> = app
        .log
        .iter()
        .skip(skip)
        .map(|(seconds, text)| {
            Line::from(vec![
                Span::styled(format!("{seconds:>9.2} s  "), DIM),
                Span::raw(cut(text, width)),
            ])
        })
        .collect();
    frame.render_widget(Paragraph::new(lines).block(panel("Log")), area);
}

/// The keys that do something now, as many in a line as there is room beside `q quit`.
pub(super) fn keys_in_lines(app: &App, width: u16) -> Vec<Line<'static>> {
    let room = usize::from(width.saturating_sub(QUIT));
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (name, what) in help(app) {
        let spans = key(name, what);
        let wide: usize = spans.iter().map(Span::width).sum();
        match lines.last_mut().filter(|line| line.width() + wide <= room) {
            Some(line) => line.spans.extend(spans),
            None => lines.push(Line::from_iter(spans)),
        }
    }
    lines
}

fn key(name: &'static str, what: &'static str) -> [Span<'static>; 2] {
    [Span::styled(format!(" {name}"), STRONG), Span::styled(format!(" {what} "), DIM)]
}

/// What to do, and of a transfer what cannot be undone.
fn advice(kind: EntryKind, transfers: TransfersReturn) -> &'static str {
    match (kind, transfers) {
        (EntryKind::Transfer, TransfersReturn::Yes) => {
            "if nobody takes it, the caller comes back to you; Enter to send, Esc to leave"
        }
        (EntryKind::Transfer, TransfersReturn::No) => {
            "if nobody takes it, the caller is lost; Enter to send, Esc to leave"
        }
        (EntryKind::Transfer, TransfersReturn::Unknown) => {
            "if nobody takes it, the caller may be lost; Enter to send, Esc to leave"
        }
        (
            EntryKind::Dial
            | EntryKind::Dtmf
            | EntryKind::Message
            | EntryKind::Control
            | EntryKind::Supervise,
            TransfersReturn::Yes | TransfersReturn::No | TransfersReturn::Unknown,
        ) => "Enter to send, Esc to leave",
    }
}

pub(super) fn draw_footer(frame: &mut Frame<'_>, area: Rect, app: &App, keys: Vec<Line<'static>>) {
    let refusal = app.refusal.as_deref().map(refused);
    let line = if let Some(entry) = &app.entry {
        let label = match entry.kind {
            EntryKind::Dial => "Call: ",
            EntryKind::Dtmf => "Digits: ",
            EntryKind::Transfer => "Transfer to: ",
            EntryKind::Message => "To whom, and what: ",
            EntryKind::Control => "Code: ",
            EntryKind::Supervise => "Agent, and listen, whisper or barge: ",
        };
        Line::from(vec![
            Span::styled(format!(" {label}"), STRONG),
            Span::raw(entry.text.as_str()),
            Span::raw("▏"),
            Span::raw("  "),
            refusal.unwrap_or(Span::styled(advice(entry.kind, app.snapshot.transfers_return), DIM)),
        ])
    } else if let (Some(choice), Some(agent)) = (app.choice, &app.snapshot.agent) {
        queues::list(agent, choice)
    } else if let Some(at) = app.recording {
        recordings::list(app, at)
    } else if let Some(picker) = &app.picker {
        let label = match picker.purpose {
            Purpose::TransferTo => " Connect with: ",
            Purpose::Merge => " Join with: ",
        };
        let mut line = vec![Span::styled(label, STRONG)];
        for call in app.others() {
            let is_chosen = call.id == picker.other;
            let style = if is_chosen { STRONG.fg(Color::Cyan) } else { DIM };
            let sign = if is_chosen { "▸" } else { " " };
            line.push(Span::styled(format!("{sign}{}  ", party(&call.remote)), style));
        }
        line.push(Span::styled("Tab for the next, Enter to do it, Esc to leave", DIM));
        Line::from(line)
    } else if let Some(refusal) = refusal {
        Line::from(vec![Span::raw(" "), refusal])
    } else {
        let [left, quit] =
            Layout::horizontal([Constraint::Min(0), Constraint::Length(QUIT)]).areas(area);
        frame.render_widget(Paragraph::new(keys), left);
        frame.render_widget(Paragraph::new(Line::from_iter(key("q", "quit"))), quit);
        return;
    };
    frame.render_widget(Paragraph::new(line), area);
}

pub(super) fn refused(text: &str) -> Span<'_> {
    Span::styled(text, Style::new().fg(Color::Red))
}

/// Text of at most so many characters; what is cut away leaves a mark.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

pub(crate) fn panel(title: &str) -> Block<'static> {
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(DIM)
        .title(format!(" {title} "))
        .padding(Padding::horizontal(1))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use sidetone_driver::What;
    use sidetone_phone::{
        CallId, Command, Event, MessageCount, MessageSummary, QualityReport, RegistrationProblem,
        UnixTime,
    };

    fn app(state: RegistrationState, calls: Vec<CallSnapshot>) -> App {
        let mut app = App::with(state, calls);
        app.select_next();
        app
    }

    pub(in super::super) fn call(state: CallState) -> CallSnapshot {
        CallSnapshot {
            id: CallId(uuid::Uuid::nil()),
            direction: Direction::Incoming,
            remote: Party { name: Some("Customer One".to_owned()), uri: "sip:0301@x".to_owned() },
            state,
            intent: None,
            rings_until: None,
            data: CallData::default(),
            hold: Hold { local: true, remote: false },
            on_hold: false,
            active: false,
            merged: false,
            transfer: None,
            referred_by: None,
            supervision: None,
            automatic: false,
            muted: true,
            media: MediaPath::Connected,
            began: UnixTime(Duration::from_secs(100)),
            answered: Some(UnixTime(Duration::from_secs(110))),
            first_sent: None,
            first_heard: None,
            quality: Some(QualityReport { codec: "opus".to_owned(), ..QualityReport::default() }),
            recordings: Vec::new(),
        }
    }

    pub(in super::super) fn drawn(app: &App) -> String {
        drawn_on(app, 100, 30)
    }

    pub(in super::super) fn drawn_on(app: &App, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, app, Duration::from_secs(185))).unwrap();
        let buffer = terminal.backend().buffer();
        let width = usize::from(buffer.area.width);
        let cells: Vec<&str> = buffer.content.iter().map(|cell| cell.symbol()).collect();
        cells.chunks(width).map(|row| row.concat() + "\n").collect()
    }

    #[test]
    fn what_the_server_says_of_a_call_stands_beside_it() {
        let mut queued = call(CallState::Ringing);
        queued.muted = false;
        queued.hold.local = false;
        queued.data.queue = Some("Support".to_owned());
        queued.data.waited = Some(Duration::from_secs(75));
        let screen = drawn(&app(RegistrationState::Registered, vec![queued.clone()]));
        assert!(screen.contains("Support, waited 1:15"), "{screen}");
        queued.data.returned_from = Some("1002".to_owned());
        let screen = drawn(&app(RegistrationState::Registered, vec![queued]));
        assert!(screen.contains("back from 1002"), "{screen}");
    }

    #[test]
    fn a_held_and_muted_call_is_shown_as_both_with_its_time() {
        let screen = drawn(&app(RegistrationState::Registered, vec![call(CallState::Established)]));
        for part in
            ["● registered", "Customer One 0301@x", "talking", "1:15", "held", "muted", "opus"]
        {
            assert!(screen.contains(part), "{part} is missing in\n{screen}");
        }
    }

    #[test]
    fn nothing_that_matters_is_cut_at_80_by_24() {
        let mut first = call(CallState::Established);
        first.hold.remote = true;
        first.remote.uri = format!("sip:{}@x", "1".repeat(80));
        first.quality = Some(QualityReport {
            codec: "opus".to_owned(),
            packets_sent: 123_456,
            packets_received: 123_456,
            packets_lost: 1_234,
            packets_late: 1_234,
            concealed: Duration::from_millis(12_345),
            jitter: Duration::from_micros(123_400),
            playout_delay: Duration::from_millis(1_234),
            round_trip: Some(Duration::from_micros(1_234_500)),
            ..QualityReport::default()
        });
        let second = CallSnapshot { id: CallId(uuid::Uuid::max()), ..first.clone() };
        let mut app = app(RegistrationState::Unreachable, vec![first, second]);
        app.say(1.0, "a long line of the log ".repeat(5));
        let screen = drawn_on(&app, 80, 24);
        for part in [
            "r sign in",
            "h hang up",
            "o resume",
            "m unmute",
            "t digits",
            "Tab next",
            "q quit",
            "heard 123456",
            "concealed 12345 ms",
            "playout 1234 ms",
            "round trip 1234.5 ms",
            "held held there muted",
            "of t… │",
        ] {
            assert!(screen.contains(part), "{part} is missing in\n{screen}");
        }
    }

    #[test]
    fn a_refused_dial_keeps_what_was_typed() {
        let mut app = app(RegistrationState::Failed, Vec::new());
        let dial = Command::Dial { call: CallId(uuid::Uuid::nil()), to: "6001".to_owned() };
        app.refuse(dial, "the phone is not registered".to_owned());
        let screen = drawn_on(&app, 80, 24);
        assert!(screen.contains("Call: 6001▏  the phone is not registered"), "{screen}");
        assert_eq!(app.selected, None);
    }

    #[test]
    fn before_a_transfer_it_is_said_what_becomes_of_a_caller_whom_nobody_takes() {
        let mut app = app(RegistrationState::Registered, vec![call(CallState::Established)]);
        for (said, words) in [
            (TransfersReturn::Yes, "the caller comes back to you"),
            (TransfersReturn::No, "the caller is lost"),
            (TransfersReturn::Unknown, "the caller may be lost"),
        ] {
            app.snapshot.transfers_return = said;
            app.entry = Some(crate::agent::app::Entry {
                kind: EntryKind::Transfer,
                text: "1002".to_owned(),
            });
            let screen = drawn_on(&app, 80, 24);
            assert!(screen.contains(&format!("if nobody takes it, {words}")), "{screen}");
            app.entry =
                Some(crate::agent::app::Entry { kind: EntryKind::Dial, text: "1002".to_owned() });
            assert!(!drawn_on(&app, 80, 24).contains("takes it"));
        }
    }

    #[test]
    fn messages_in_the_mailbox_are_counted_where_the_server_counts_them() {
        let mut app = app(RegistrationState::Registered, vec![]);
        assert!(!drawn(&app).contains("voice messages"));
        let voice = Some(MessageCount { new: 3, old: 1, urgent: 0 });
        app.snapshot.voicemail = Some(MessageSummary { waiting: true, voice });
        assert!(drawn(&app).contains("✉ 3 new voice messages"));
        app.snapshot.voicemail = Some(MessageSummary { waiting: true, voice: None });
        assert!(drawn(&app).contains("✉ new voice messages"));
    }

    #[test]
    fn a_failed_registration_says_why() {
        let mut app = app(RegistrationState::Failed, Vec::new());
        app.snapshot.registration.problem = Some(RegistrationProblem::WrongCredentials);
        let screen = drawn(&app);
        assert!(screen.contains("● failed"), "{screen}");
        assert!(screen.contains("refused the user name"), "{screen}");
    }

    #[test]
    fn lost_audio_is_shown_until_a_call_tries_it_again() {
        let mut app = app(RegistrationState::Registered, vec![call(CallState::Established)]);
        let snapshot = app.snapshot.clone();
        let mut take = |what| app.take(&what, Duration::ZERO, 1.0, snapshot.clone());
        take(What::AudioLost("the microphone \"Headset\" has stopped".to_owned()));
        take(What::Event(Event::DtmfSent { call: CallId(uuid::Uuid::nil()) }));
        assert!(drawn(&app).contains("\"Headset\" has stopped; there is silence"));
        let to = Party { name: None, uri: "sip:600@x".to_owned() };
        let dialing = Event::Dialing { call: CallId(uuid::Uuid::nil()), to };
        app.take(&What::Event(dialing), Duration::ZERO, 2.0, snapshot.clone());
        assert!(!drawn(&app).contains("there is silence"));
    }

    #[test]
    fn a_call_that_is_announced_counts_down_and_says_what_was_decided() {
        let mut announced = call(CallState::Announced);
        (announced.answered, announced.quality) = (None, None);
        (announced.hold, announced.muted) = (Hold::default(), false);
        announced.rings_until = Some(UnixTime(Duration::from_secs(185 + 23)));
        announced.intent = Some(Intent::Answer);
        let screen = drawn_on(&app(RegistrationState::ReachableByPush, vec![announced]), 80, 24);
        for part in ["reachable by push", "ANNOUNCED", "0:23", "left, will be answered"] {
            assert!(screen.contains(part), "{part} is missing in\n{screen}");
        }
    }

    #[test]
    fn the_smallest_terminal_does_not_break_it() {
        let app = app(RegistrationState::Registered, vec![call(CallState::Ringing)]);
        for (width, height) in [(1, 1), (10, 3), (40, 12)] {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
            terminal.draw(|frame| draw(frame, &app, Duration::from_secs(185))).unwrap();
        }
    }
}
