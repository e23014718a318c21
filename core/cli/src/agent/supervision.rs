//! A call that supervises an agent's: its keys, its mark on the screen, and the line that starts one.
#![allow(clippy::wildcard_enum_match_arm, reason = "a terminal has more keys than this has uses")]

use crate::json::JsonSupervision;
use crossterm::event::KeyCode;
use sidetone_phone::{CallId, CallSnapshot, Command, Supervision, SupervisionMode};

/// The keys that change the mode of the chosen call.
pub(super) const KEYS: [(&str, &str); 3] = [("l", "listen"), ("w", "whisper"), ("b", "barge in")];

/// What a key does in a call that supervises; `None`: what it does in any.
pub(super) fn press(call: &CallSnapshot, key: KeyCode) -> Option<Command> {
    call.supervision.as_ref()?;
    let mode = match key {
        KeyCode::Char('l') => SupervisionMode::Listen,
        KeyCode::Char('w') => SupervisionMode::Whisper,
        KeyCode::Char('b') => SupervisionMode::Barge,
        _ => return None,
    };
    Some(Command::SetSupervisionMode { call: call.id, mode })
}

/// What was typed: the agent, and after a space how it begins, which is listening where nothing is said. `None`: no such mode.
pub(super) fn typed(text: &str) -> Option<Command> {
    let (target, mode) = text.trim().split_once(' ').unwrap_or((text.trim(), "listen"));
    let modes = [SupervisionMode::Listen, SupervisionMode::Whisper, SupervisionMode::Barge];
    let mode = modes.into_iter().find(|known| known.as_str() == mode.trim())?;
    let call = CallId(uuid::Uuid::new_v4());
    Some(Command::Supervise { call, target: target.to_owned(), mode, follow: false })
}

/// What stands beside the call.
pub(super) fn mark(supervision: &Supervision) -> String {
    crate::json::supervision(&JsonSupervision::from(supervision.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_the_agent_and_perhaps_the_mode() {
        let of = |text: &str| match typed(text) {
            Some(Command::Supervise { target, mode, follow: false, .. }) => Some((target, mode)),
            other => {
                assert_eq!(other, None);
                None
            }
        };
        assert_eq!(of(" agent2 "), Some(("agent2".to_owned(), SupervisionMode::Listen)));
        assert_eq!(of("agent2 barge"), Some(("agent2".to_owned(), SupervisionMode::Barge)));
        assert_eq!(of("agent2 shout"), None);
    }

    #[test]
    fn the_mark_says_what_is_confirmed_and_what_is_asked_for_and_who_hears_nobody() {
        let seen = |mode, requested, heard| {
            let target = "agent2".to_owned();
            let (speaks, follow, waiting) = (false, true, false);
            mark(&Supervision { target, mode, requested, speaks, heard, follow, waiting })
        };
        use SupervisionMode::{Listen, Whisper};
        let new = seen(None, Some(Listen), true);
        assert_eq!(new, "supervising agent2: not confirmed yet, listen requested");
        let asks = seen(Some(Listen), Some(Whisper), true);
        assert_eq!(asks, "supervising agent2: listen, whisper requested");
        let holds = seen(Some(Whisper), None, false);
        assert_eq!(holds, "supervising agent2: whisper, on hold: nobody hears it");
    }
}
