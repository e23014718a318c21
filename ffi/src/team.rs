//! The colleagues and queues that are watched, as they cross.

use crate::{AgentState, Pause, time};
use sidetone_phone as phone;
use std::sync::Arc;
use std::time::SystemTime;

/// The colleagues and queues that are watched.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct TeamSnapshot {
    /// Whether it is true now.
    pub state: TeamState,
    /// The colleagues and the user himself, in the server's order.
    pub people: Vec<Colleague>,
    /// The queues, in the server's order.
    pub queues: Vec<TeamQueue>,
}

/// What a team that is watched is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum TeamState {
    /// The server has not told it yet.
    Unknown,
    /// The server tells it as it changes.
    Current,
    /// What it was when the server told it last; nobody is to be believed in a state.
    Outdated,
    /// The server does not let the user watch anybody.
    Unavailable,
}

/// Somebody of the team.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Colleague {
    /// His name on the server: what a supervisor names him by.
    pub name: String,
    /// What he is called, where the server says so.
    pub label: Option<String>,
    /// What is dialled to reach him, where there is such a number.
    pub number: Option<String>,
    /// The team that he is in.
    pub team: String,
    /// What he is.
    pub state: AgentState,
    /// Since when.
    pub since: SystemTime,
    /// His pause, which begins at the end of the call where he is on one.
    pub pause: Option<Pause>,
    /// The call that he is on, where the server tells of it.
    #[uniffi(default = None)]
    pub call: Option<ColleagueCall>,
}

/// The call that a colleague is on. Who calls is not told: it may be hidden from who watches.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ColleagueCall {
    /// The queue that it came from, where it came from one.
    pub queue: Option<String>,
    /// What names the customer's call as a whole: the group of the call on his own phone.
    pub group: Option<String>,
    /// Since when he is in it.
    pub since: SystemTime,
}

/// A queue that is watched.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
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
    pub(crate) fn of(team: &Arc<phone::TeamSnapshot>) -> Self {
        phone::TeamSnapshot::clone(team).into()
    }
}

impl From<phone::TeamSnapshot> for TeamSnapshot {
    fn from(phone::TeamSnapshot { state, people, queues }: phone::TeamSnapshot) -> Self {
        Self {
            state: match state {
                phone::TeamState::Unknown => TeamState::Unknown,
                phone::TeamState::Current => TeamState::Current,
                phone::TeamState::Outdated => TeamState::Outdated,
                phone::TeamState::Unavailable => TeamState::Unavailable,
            },
            people: people.into_iter().map(Into::into).collect(),
            queues: queues.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<phone::Colleague> for Colleague {
    fn from(colleague: phone::Colleague) -> Self {
        let phone::Colleague { name, label, number, team, state, since, pause, call } = colleague;
        let (state, since) = (state.into(), time::wall(since));
        let (pause, call) = (pause.map(Into::into), call.map(Into::into));
        Self { name, label, number, team, state, since, pause, call }
    }
}

impl From<phone::ColleagueCall> for ColleagueCall {
    fn from(phone::ColleagueCall { queue, group, since }: phone::ColleagueCall) -> Self {
        Self { queue, group, since: time::wall(since) }
    }
}

impl From<phone::TeamQueue> for TeamQueue {
    fn from(queue: phone::TeamQueue) -> Self {
        let phone::TeamQueue { name, label, number, waiting, free } = queue;
        Self { name, label, number, waiting, free }
    }
}
