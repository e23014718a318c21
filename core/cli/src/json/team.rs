//! The team that is watched, as a line shows it.

use super::agent::{JsonPause, seconds, state_name};
use serde::Serialize;
use sidetone_phone::{Colleague, ColleagueCall, TeamQueue, TeamSnapshot, TeamState};

/// All of it.
#[derive(Debug, Serialize)]
pub(crate) struct JsonTeam {
    pub(crate) state: &'static str,
    pub(crate) people: Vec<JsonColleague>,
    pub(crate) queues: Vec<JsonTeamQueue>,
}

/// Somebody of the team.
#[derive(Debug, Serialize)]
pub(crate) struct JsonColleague {
    pub(crate) name: String,
    pub(crate) label: Option<String>,
    number: Option<String>,
    team: String,
    pub(crate) state: &'static str,
    since: u64,
    pub(crate) pause: Option<JsonPause>,
    call: Option<JsonColleagueCall>,
}

/// The call that he is on.
#[derive(Debug, Serialize)]
struct JsonColleagueCall {
    queue: Option<String>,
    group: Option<String>,
    since: u64,
}

/// A queue that is watched.
#[derive(Debug, Serialize)]
pub(crate) struct JsonTeamQueue {
    pub(crate) name: String,
    pub(crate) label: Option<String>,
    number: Option<String>,
    pub(crate) waiting: u32,
    pub(crate) free: u32,
}

impl From<&TeamSnapshot> for JsonTeam {
    fn from(team: &TeamSnapshot) -> Self {
        Self {
            state: match team.state {
                TeamState::Unknown => "unknown",
                TeamState::Current => "current",
                TeamState::Outdated => "outdated",
                TeamState::Unavailable => "unavailable",
            },
            people: team.people.iter().cloned().map(Into::into).collect(),
            queues: team.queues.iter().cloned().map(Into::into).collect(),
        }
    }
}

impl From<Colleague> for JsonColleague {
    fn from(colleague: Colleague) -> Self {
        let Colleague { name, label, number, team, state, since, pause, call } = colleague;
        let (state, since) = (state_name(state), seconds(since));
        let (pause, call) = (pause.map(Into::into), call.map(Into::into));
        Self { name, label, number, team, state, since, pause, call }
    }
}

impl From<ColleagueCall> for JsonColleagueCall {
    fn from(ColleagueCall { queue, group, since }: ColleagueCall) -> Self {
        Self { queue, group, since: seconds(since) }
    }
}

impl From<TeamQueue> for JsonTeamQueue {
    fn from(TeamQueue { name, label, number, waiting, free }: TeamQueue) -> Self {
        Self { name, label, number, waiting, free }
    }
}
