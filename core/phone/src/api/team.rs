//! The colleagues and the queues that the server lets the user watch, as the app sees them.

use super::{AgentState, Pause, UnixTime};
use crate::search::{Key, Query};

/// The colleagues and queues that are watched (docs/agent-plane.md).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TeamSnapshot {
    /// Whether it is true now.
    pub state: TeamState,
    /// The colleagues and the user himself, in the server's order.
    pub people: Vec<Colleague>,
    /// The queues, in the server's order.
    pub queues: Vec<TeamQueue>,
}

/// What a team that is watched is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TeamState {
    /// The server has not told it yet.
    #[default]
    Unknown,
    /// The server tells it as it changes.
    Current,
    /// What it was when the server told it last; nobody is to be believed in a state.
    Outdated,
    /// The server does not let the user watch anybody: its dial plan lacks the pack, or he may not.
    Unavailable,
}

/// Somebody of the team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Colleague {
    /// His name on the server: what a supervisor names him by.
    pub name: String,
    /// What he is called, where the server says so.
    pub label: Option<String>,
    /// What is dialled to reach him, where there is such a number.
    pub number: Option<String>,
    /// The team that he is in.
    pub team: String,
    /// What he is: never [`AgentState::Unavailable`].
    pub state: AgentState,
    /// Since when.
    pub since: UnixTime,
    /// His pause, which begins at the end of the call where he is on one.
    pub pause: Option<Pause>,
    /// The call that he is on, where the server tells of it.
    pub call: Option<ColleagueCall>,
}

/// The call that a colleague is on. Who calls is not told: it may be hidden from who watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColleagueCall {
    /// The queue that it came from, where it came from one.
    pub queue: Option<String>,
    /// What names the customer's call as a whole: that of [`CallData::group`](super::CallData::group) on his own phone.
    pub group: Option<String>,
    /// Since when he is in it.
    pub since: UnixTime,
}

/// A queue that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamQueue {
    /// Its name on the server.
    pub name: String,
    /// What it is called, where the server says so.
    pub label: Option<String>,
    /// What is dialled to reach it, where there is such a number.
    pub number: Option<String>,
    /// How many callers wait.
    pub waiting: u32,
    /// How many agents could take a call now.
    pub free: u32,
}

impl TeamSnapshot {
    /// Those who are meant by what is typed: digits of a number, or words of a name or a team, whatever their accents. Nothing typed: all.
    #[must_use]
    pub fn find(&self, text: &str) -> Self {
        let query = Query::new(text);
        let is_meant = |label: &Option<String>, name: &str, more: &str, number: &Option<String>| {
            let label = label.as_deref().unwrap_or_default();
            let words = format!("{label} {name} {more}");
            query.finds(&Key::new(&words, number.as_deref().unwrap_or_default()))
        };
        let people = self.people.iter().filter(|c| is_meant(&c.label, &c.name, &c.team, &c.number));
        let queues = self.queues.iter().filter(|q| is_meant(&q.label, &q.name, "", &q.number));
        Self {
            state: self.state,
            people: people.cloned().collect(),
            queues: queues.cloned().collect(),
        }
    }
}
