//! What the server lacks and what the user may not: its keys are not offered, and a line says why.

use super::app::App;
use super::view::DIM;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use sidetone_phone::{Feature, FeatureState};

/// Why this cannot be had, where the server has said so on this connection.
pub(super) fn withheld(app: &App, feature: Feature) -> Option<String> {
    let features = app.snapshot.features.as_ref().filter(|features| features.certain)?;
    match features.of(feature) {
        FeatureState::Unknown | FeatureState::Available => None,
        FeatureState::Missing { why } => Some(format!("{feature}: {why}; tell its administrator")),
        FeatureState::NotAllowed => {
            Some(format!("{feature}: not allowed to you; ask the administrator for it"))
        }
    }
}

/// What is to be said of the features, if anything.
pub(super) fn line(app: &App) -> Option<Line<'static>> {
    let features = app.snapshot.features.as_ref()?;
    if let Some(problem) = features.problem {
        return Some(Line::styled(problem.to_string(), Style::new().fg(Color::Yellow)));
    }
    let states = || features.states.iter();
    let missing: Vec<String> = states()
        .filter_map(|(feature, state)| match state {
            FeatureState::Missing { why } => Some(format!("{feature} ({why})")),
            FeatureState::Unknown | FeatureState::Available | FeatureState::NotAllowed => None,
        })
        .collect();
    let forbidden: Vec<String> = states()
        .filter(|(_, state)| **state == FeatureState::NotAllowed)
        .map(|(feature, _)| feature.to_string())
        .collect();
    let mut spans = Vec::new();
    if !missing.is_empty() {
        let text = format!("not here: {}  ", missing.join(", "));
        spans.push(Span::styled(text, Style::new().fg(Color::Yellow)));
    }
    if !forbidden.is_empty() {
        spans.push(Span::styled(format!("not allowed to you: {}", forbidden.join(", ")), DIM));
    }
    (!spans.is_empty()).then(|| Line::from(spans))
}

/// The packs that are not understood, and which side is older.
pub(super) fn unread_packs(app: &App) -> Vec<Line<'static>> {
    let line = |text| Line::styled(text, Style::new().fg(Color::Yellow));
    app.snapshot.unread_packs.iter().map(|unread| line(unread.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::keys::{help, press};
    use super::super::view::tests::drawn;
    use super::*;
    use crossterm::event::{KeyCode, KeyEvent};
    use sidetone_phone::{
        FeaturesProblem, FeaturesSnapshot, Pack, PackProblem, RegistrationState, UnreadPack,
    };
    use std::sync::Arc;

    fn app(certain: bool) -> App {
        let mut app = App::with(RegistrationState::Registered, Vec::new());
        let why = "the server lacks app_chanspy".to_owned();
        let mut features = FeaturesSnapshot { certain, ..FeaturesSnapshot::default() };
        features.states.insert(Feature::Supervision, FeatureState::Missing { why });
        features.states.insert(Feature::Team, FeatureState::NotAllowed);
        features.states.insert(Feature::Messages, FeatureState::Available);
        app.snapshot.features = Some(Arc::new(features));
        app
    }

    fn keys(app: &App) -> Vec<&'static str> {
        help(app).into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn what_is_withheld_has_no_key_and_a_line_that_says_why() {
        let mut app = app(true);
        let keys = keys(&app);
        assert!(!keys.contains(&"i") && !keys.contains(&"v") && keys.contains(&"e"), "{keys:?}");
        let screen = drawn(&app);
        assert!(
            screen.contains("not here: supervision (the server lacks app_chanspy)"),
            "{screen}"
        );
        assert!(screen.contains("not allowed to you: team"), "{screen}");
        press(&mut app, KeyEvent::from(KeyCode::Char('i')));
        assert!(app.entry.is_none() && app.refusal.as_deref().unwrap().contains("app_chanspy"));
        press(&mut app, KeyEvent::from(KeyCode::Char('v')));
        assert!(app.lookup.is_none() && app.refusal.as_deref().unwrap().contains("not allowed"));
    }

    #[test]
    fn all_that_is_withheld_is_read_to_the_end() {
        let mut app = app(true);
        let mut features = FeaturesSnapshot { certain: true, ..FeaturesSnapshot::default() };
        for feature in Feature::ALL {
            let why = format!("the server lacks {feature:?}.conf, which it would need");
            features.states.insert(feature, FeatureState::Missing { why });
        }
        app.snapshot.features = Some(Arc::new(features));
        let screen = drawn(&app);
        for feature in Feature::ALL {
            assert!(screen.contains(&format!("{feature:?}.conf")), "{feature}: {screen}");
        }
    }

    #[test]
    fn what_was_said_last_takes_no_key_away() {
        let keys = keys(&app(false));
        assert!(keys.contains(&"i") && keys.contains(&"v"), "{keys:?}");
    }

    #[test]
    fn a_pack_of_another_version_is_told_with_what_to_do() {
        let mut app = app(true);
        let unread = |pack, problem| UnreadPack { pack, problem };
        app.snapshot.unread_packs = vec![
            unread(Pack::Agent, PackProblem::TooNew),
            unread(Pack::Supervise, PackProblem::TooOld),
        ];
        let screen = drawn(&app);
        for line in [
            "the server's agent.conf is newer than this phone; update the app",
            "the server's supervise.conf is older than this phone; ask its administrator",
            "not allowed to you: team",
        ] {
            assert!(screen.contains(line), "{line}: {screen}");
        }
    }

    #[test]
    fn a_server_that_cannot_say_is_told() {
        let mut app = app(false);
        let problem = Some(FeaturesProblem::NoPack);
        app.snapshot.features =
            Some(Arc::new(FeaturesSnapshot { problem, ..FeaturesSnapshot::default() }));
        assert!(drawn(&app).contains("its dial plan has no selftest.conf"));
    }
}
