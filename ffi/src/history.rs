//! The calls that are over, as they cross: found by what is typed, in pages.

use crate::vault::on_runtime;
use crate::{CallId, Direction, EndReason, Party, VaultError, time};
use sidetone_driver as driver;
use sidetone_phone as phone;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The calls that are over, of a vault or of a phone without one. Many may read it at once.
#[derive(uniffi::Object)]
pub struct CallHistory {
    kept: Arc<driver::CallHistory>,
}

#[uniffi::export]
impl CallHistory {
    /// Some of the calls, latest first: those that `filter` wants, before the place `after`; at most 200.
    #[uniffi::method(default(after = None, limit = 50))]
    pub async fn page(
        &self,
        filter: HistoryFilter,
        after: Option<u64>,
        limit: u32,
    ) -> Result<HistoryPage, VaultError> {
        let kept = Arc::clone(&self.kept);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let after = after.map(phone::Cursor);
        let filter = filter.into();
        on_runtime(async move { kept.page(filter, after, limit).await }).await.map(Into::into)
    }

    /// Forgets every call, on the disk too.
    pub async fn clear(&self) -> Result<(), VaultError> {
        let kept = Arc::clone(&self.kept);
        on_runtime(async move { kept.clear().await }).await.map(drop)
    }
}

impl CallHistory {
    pub(crate) fn of(kept: Arc<driver::CallHistory>) -> Arc<Self> {
        Arc::new(Self { kept })
    }
}

/// Which calls are wanted; all of them where nothing is said.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct HistoryFilter {
    /// What was typed: digits in any writing, or words of a name, with or without their accents.
    #[uniffi(default = "")]
    pub text: String,
    /// Only those that came to this.
    #[uniffi(default = None)]
    pub outcome: Option<CallOutcome>,
}

/// What became of a call, as a list shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum CallOutcome {
    /// Both sides talked.
    Answered,
    /// It was answered, and its other side sent elsewhere.
    Transferred,
    /// It came in, and nobody of this user took it.
    Missed,
    /// It came in, and another phone took it.
    AnsweredElsewhere,
    /// It came in, and this user refused it.
    Declined,
    /// It came in, and this user sent the caller elsewhere.
    Forwarded,
    /// It went out, and was given up before the answer.
    Cancelled,
    /// It went out and came to nothing; the reason says why.
    Failed,
}

/// A call that is over.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct HistoryEntry {
    /// Its place; the page after it begins there.
    pub cursor: u64,
    /// The call.
    pub call: CallId,
    /// Who called whom.
    pub direction: Direction,
    /// What became of it.
    pub outcome: CallOutcome,
    /// The other side, as the server named it.
    pub remote: Party,
    /// Its number or user name, where it is shown.
    pub number: Option<String>,
    /// What to dial to call it again; none where the caller was hidden.
    pub redial: Option<String>,
    /// The queue that it came through.
    pub queue: Option<String>,
    /// When it began.
    pub began: SystemTime,
    /// When it was answered.
    pub answered: Option<SystemTime>,
    /// When it ended.
    pub ended: SystemTime,
    /// How long both sides could talk.
    pub talked: Option<Duration>,
    /// Why it ended.
    pub reason: EndReason,
    /// The same in words.
    pub text: String,
}

/// Some of the history, latest first.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct HistoryPage {
    /// The calls.
    pub entries: Vec<HistoryEntry>,
    /// What to ask the next page after; none where this is the last.
    pub next: Option<u64>,
    /// Changes whenever the history does, as `HistoryChanged` tells.
    pub revision: u64,
}

impl From<HistoryFilter> for phone::HistoryFilter {
    fn from(HistoryFilter { text, outcome }: HistoryFilter) -> Self {
        Self { text, outcome: outcome.map(Into::into) }
    }
}

impl From<CallOutcome> for phone::CallOutcome {
    fn from(outcome: CallOutcome) -> Self {
        match outcome {
            CallOutcome::Answered => Self::Answered,
            CallOutcome::Transferred => Self::Transferred,
            CallOutcome::Missed => Self::Missed,
            CallOutcome::AnsweredElsewhere => Self::AnsweredElsewhere,
            CallOutcome::Declined => Self::Declined,
            CallOutcome::Forwarded => Self::Forwarded,
            CallOutcome::Cancelled => Self::Cancelled,
            CallOutcome::Failed => Self::Failed,
        }
    }
}

impl From<phone::CallOutcome> for CallOutcome {
    fn from(outcome: phone::CallOutcome) -> Self {
        use phone::CallOutcome as O;
        match outcome {
            O::Answered => Self::Answered,
            O::Transferred => Self::Transferred,
            O::Missed => Self::Missed,
            O::AnsweredElsewhere => Self::AnsweredElsewhere,
            O::Declined => Self::Declined,
            O::Forwarded => Self::Forwarded,
            O::Cancelled => Self::Cancelled,
            O::Failed => Self::Failed,
        }
    }
}

impl From<phone::HistoryEntry> for HistoryEntry {
    fn from(phone::HistoryEntry { cursor, record }: phone::HistoryEntry) -> Self {
        Self {
            cursor: cursor.0,
            call: record.call.into(),
            direction: record.direction.into(),
            outcome: record.outcome().into(),
            number: record.number(),
            redial: record.redial(),
            began: time::wall(record.began),
            answered: record.answered.map(time::wall),
            ended: time::wall(record.ended),
            talked: record.talked(),
            text: record.reason.to_string(),
            remote: record.remote.into(),
            queue: record.queue,
            reason: record.reason.into(),
        }
    }
}

impl From<phone::HistoryPage> for HistoryPage {
    fn from(page: phone::HistoryPage) -> Self {
        let entries = page.entries.into_iter().map(Into::into).collect();
        Self { entries, next: page.next.map(|next| next.0), revision: page.revision }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Vault;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn a_vault_has_one_history_and_it_begins_empty() {
        let folder = std::env::temp_dir().join(format!("sidetone-ffi-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        block_on(async {
            let vault = Vault::open(folder.display().to_string(), vec![7; 32]).await.unwrap();
            assert!(Arc::ptr_eq(&vault.history().kept, &vault.history().kept));
            let filter = HistoryFilter { text: String::new(), outcome: None };
            let page = vault.history().page(filter, None, 50).await.unwrap();
            assert_eq!((page.entries.len(), page.next), (0, None));
            vault.history().clear().await.unwrap();
        });
    }
}
