//! Which commands a phone with two calls takes, and which it refuses with which reason.

use super::Pair;
use sidetone_phone::{CallId, CallSnapshot, CallState, Command, CommandError};

impl Pair {
    /// Whether the phone is to take a command, as its calls stand.
    pub(super) fn expected(&self, command: &Command) -> Result<(), CommandError> {
        let found = |call: &CallId| self.shown(*call).ok_or(CommandError::UnknownCall);
        let up = |call: &CallId| match is_up(&found(call)?) {
            true => Ok(()),
            false => Err(CommandError::WrongState),
        };
        let moves = |call: &CallId| {
            up(call)?;
            let brought = self.bringing && *call == self.peers[1].call;
            match (found(call)?.transfer.is_some() || brought, self.flow) {
                (true, _) => Err(CommandError::Transferring),
                (false, None) => Err(CommandError::NotRegistered),
                (false, Some(_)) => Ok(()),
            }
        };
        let brings = |call: &CallId, with: &CallId| {
            let brought = self.bringing && *with == self.peers[1].call;
            match found(with)?.transfer.is_some() || brought {
                true => Err(CommandError::Transferring),
                false => up(with).and_then(|()| moves(call)),
            }
        };
        let calls = self.phone.snapshot().calls;
        match command {
            Command::Answer { call } => match found(call)?.state {
                CallState::Ringing | CallState::Answering => Ok(()),
                CallState::Dialing
                | CallState::Alerting
                | CallState::Announced
                | CallState::Answered
                | CallState::Established
                | CallState::Ending => Err(CommandError::WrongState),
            },
            Command::HangUp { call } => found(call).map(|_| ()),
            Command::Hold { call, .. } => up(call),
            Command::Swap => match calls.iter().any(|call| is_up(call) && !call.active) {
                true => Ok(()),
                false => Err(CommandError::NothingToSwap),
            },
            Command::Merge { calls } => calls.iter().try_for_each(up),
            Command::Split { call } => match found(call)?.merged {
                true => Ok(()),
                false => Err(CommandError::WrongState),
            },
            Command::Leave => match calls.iter().filter(|call| call.merged).count() {
                2 => brings(&self.peers[0].call, &self.peers[1].call),
                _ => Err(CommandError::TooFewCalls),
            },
            Command::Transfer { call, .. } => moves(call),
            Command::TransferTo { call, with } => brings(call, with),
            Command::Dial { .. } | Command::Control { .. } if self.flow.is_none() => {
                Err(CommandError::NotRegistered)
            }
            Command::Dial { .. }
            | Command::Register
            | Command::Unregister
            | Command::Decline { .. }
            | Command::Forward { .. }
            | Command::Sleep
            | Command::SetPushToken(_)
            | Command::SendMessage { .. }
            | Command::Control { .. }
            | Command::Agent { .. }
            | Command::Record { .. }
            | Command::Watch { .. }
            | Command::Supervise { .. }
            | Command::SetSupervisionMode { .. }
            | Command::SetAutoAnswer { .. }
            | Command::Mute { .. }
            | Command::SendDtmf { .. } => Ok(()),
        }
    }
}

pub(super) fn is_up(call: &CallSnapshot) -> bool {
    matches!(call.state, CallState::Answered | CallState::Established)
}
